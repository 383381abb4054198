"""The doors to the models: which cycle is to be had, and the files that hold it.

A model's ways (GFS: the region filter of NOMADS, the public bucket, the bureau's drop folder;
others: their mirrors) are tried in the order that the settings give; the first that has the wanted
cycle wins. Where no cycle is named it is the newest whole one: run by run backwards, until one is
too old to be shown. The lead model gives files (`open_source`), the further ones atmospheres
(`open_models`).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.config import Config
from forecast.domain import Atmosphere, Cycle, Name, Site, as_utc
from forecast.errors import (
    ConfigError,
    CycleNotReady,
    MissingInput,
    SourceCorrupt,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from forecast.geo import KILOMETRES_PER_DEGREE
from forecast.http import CLOCK, Clock, Deadline, shown
from forecast.ingest import Needs, derived_fields, ecmwf, gefs, gfs
from forecast.ingest.cycle_store import CycleStore, disk_spoken_for
from forecast.ingest.drop_folder import Folder, contents_of, contents_of_lead
from forecast.ingest.grib import reader
from forecast.ingest.parameter_table import fields_of
from forecast.ingest.provider import FetchedCycle, Provider
from forecast.quantities import DEFAULT_FIELDS
from forecast.settings import SOURCES, ModelSettings, SourceSettings

log = logging.getLogger(__name__)

__all__ = [
    "FetchedCycle",
    "FetchedRun",
    "ModelSource",
    "Source",
    "needs_of",
    "open_models",
    "open_source",
]

# on levels: without them no feature can be made
LEAST = ("air_temperature", "relative_humidity", "geopotential_height")
AT_ISSUE = 10.0  # [s] that an hour of issue waits for the folder of a further model
MARGIN = 0.25  # [degree]: a site at the edge needs the grid points on both its sides
# [degree]: regions are widened to multiples, so that moving a site a little fetches nothing anew
GRAIN = 0.5


def needs_of(config: Config, sites: Sequence[Site], model: ModelSettings | None = None) -> Needs:
    """Return what is wanted of a cycle: the sites and their light paths; of the lead model all
    fields of the catalogue, of a further `model` those that its table names.
    """
    north, south, west, east = region_of(
        [(site.latitude, site.longitude) for site in sites], config.source.light_path_km
    )
    fields, steps = (
        (DEFAULT_FIELDS, config.source.all_steps)
        if model is None
        else (fields_of(model), model.all_steps)
    )
    return Needs(fields, steps, north, south, west, east)


def region_of(
    places: Sequence[tuple[float, float]], radius: float
) -> tuple[float, float, float, float]:
    """Return (north, south, west, east) [degree] of the box around all circles of `radius` [km]
    about `places` (latitude, longitude).

    A circle that holds a pole takes in all longitudes. west lies in [-180, 180); west > east
    crosses the antimeridian.
    Source: the widest meridian of a circle of angular radius d at latitude p is asin(sin d / cos p)
    away (spherical right triangle).
    """
    angle = radius / KILOMETRES_PER_DEGREE
    first = places[0][1]
    north = min(90.0, _outward(max(latitude for latitude, _ in places) + angle + MARGIN))
    south = max(-90.0, -_outward(-min(latitude for latitude, _ in places) + angle + MARGIN))
    if any(abs(latitude) + angle >= 90 for latitude, _ in places):
        return north, south, -180.0, 180.0
    edges: list[float] = []
    for latitude, longitude in places:
        half = (
            math.degrees(
                math.asin(math.sin(math.radians(angle)) / math.cos(math.radians(latitude)))
            )
            + MARGIN
        )
        centre = first + (longitude - first + 180) % 360 - 180
        edges += [centre - half, centre + half]
    west, east = -_outward(-min(edges)), _outward(max(edges))
    if east - west >= 360:
        return north, south, -180.0, 180.0
    return north, south, (west + 180) % 360 - 180, (east + 180) % 360 - 180


def _outward(degrees: float) -> float:
    """Round up to the grain."""
    return math.ceil(degrees / GRAIN) * GRAIN


class Source:
    """The door to one model. One process may keep it open for years: connections, rate limits and
    what was verified live in it.

    `id` is the model's, `place` where the settings speak of it.
    """

    def __init__(
        self,
        settings: SourceSettings | ModelSettings,
        ways: Sequence[Provider],
        shelf: CycleStore,
        cycles: Path,
    ) -> None:
        self._settings = settings
        self._ways = tuple(ways)
        self._shelf, self._cycles = shelf, cycles
        if isinstance(settings, SourceSettings):
            self.id, self.place, self._template = settings.model, "source", ""
        else:
            self.id, self.place, self._template = (
                settings.id,
                f"models.{settings.id}",
                settings.path,
            )

    def acquire(
        self,
        needs: Needs,
        now: datetime,
        cycle: Cycle | None = None,
        within: Deadline | None = None,
        ask: bool = True,
    ) -> FetchedCycle:
        """Return `cycle`, or the newest whole one as of `now`, in files; what is not there when
        `within` ends is not waited for.

        Without `ask` no server is spoken to: what was fetched before, or dropped, is all there is.

        Raises: CycleNotReady where no way has it, SourceUnavailable where no way could be asked,
        SourceCorrupt where all that came was damaged; each says what every way answered.
        """
        now = as_utc(now, "now")
        candidates = (cycle,) if cycle is not None else self.candidates(now)
        answers: list[str] = []
        failures: list[SourceError] = []
        # a server that fails now will not do better for an older run; what it gave before still
        # serves
        silent: set[str] = set()
        for candidate in candidates:
            for way in self._ways:
                try:
                    with disk_spoken_for(self._cycles):
                        got = way.fetch(needs, candidate, ask and way.name not in silent, within)
                        self._shelf.tidy(candidate, self._settings.keep_cycles, needs.steps)
                except SourceError as error:
                    absent = isinstance(error, CycleNotReady)
                    log.log(
                        logging.INFO if absent else logging.WARNING,
                        "%s by the %s: %s",
                        candidate.id,
                        way.name,
                        error,
                    )
                    if not absent or candidate is candidates[0]:
                        answers.append(f"{way.name}: {error}")
                    if way.name not in silent:
                        failures.append(error)
                    if isinstance(error, SourceUnavailable):
                        silent.add(way.name)
                else:
                    log.info(
                        "%s by the %s: %d files, %.1f MB in %d requests",
                        candidate.id,
                        way.name,
                        len(got.files),
                        got.bytes_fetched / 1e6,
                        got.requests,
                    )
                    return got
        raise self._nothing(candidates, answers, failures, now)

    def candidates(self, now: datetime) -> tuple[Cycle, ...]:
        """Return the runs that may be out at `now` and are not too old, the newest first."""
        oldest = now - timedelta(hours=self._settings.maximum_age_hours)
        newest = now - timedelta(hours=self._settings.delay_hours)
        hour = newest.replace(minute=0, second=0, microsecond=0)
        runs: list[Cycle] = []
        while hour >= oldest:
            if hour.hour in self._settings.run_hours:
                runs.append(Cycle(hour.astimezone(UTC), self.id))
            hour -= timedelta(hours=1)
        return tuple(runs)

    def _nothing(
        self,
        candidates: Sequence[Cycle],
        answers: Sequence[str],
        failures: Sequence[SourceError],
        now: datetime,
    ) -> SourceError:
        """Return the error that says why there is no cycle."""
        if not candidates:
            hours = (
                f"between {self._settings.delay_hours:g} and {self._settings.maximum_age_hours:g} h"
            )
            return CycleNotReady(
                f"no run lies {hours} before {now:%Y-%m-%d %H:%M}Z; widen {self.place}.maximum_age_hours, or name one with --cycle"
            )
        asked = (
            candidates[0].id
            if len(candidates) == 1
            else f"{candidates[0].id} back to {candidates[-1].id}"
        )
        text = (
            f"no whole run to be had ({asked}). Of the newest: {'. '.join(dict.fromkeys(answers))}"
        )
        if (
            self._template
            and failures
            and all(isinstance(failure, CycleNotReady) and failure.absent for failure in failures)
        ):
            return SourceRefused(
                f"{asked}: nothing is there at any of {len(self._ways)} addresses: has the path moved? {self.place}.path says "
                f"{self._template!r}. {'. '.join(dict.fromkeys(answers))}"
            )
        if failures and all(isinstance(failure, SourceUnavailable) for failure in failures):
            waits = [
                f.retry_after
                for f in failures
                if isinstance(f, SourceUnavailable) and f.retry_after is not None
            ]
            return SourceUnavailable(
                f"{text}. Check the network and the addresses under {self.place}:",
                max(waits, default=None),
            )
        if failures and all(isinstance(failure, SourceCorrupt) for failure in failures):
            return SourceCorrupt(f"{text}. Fetch again later, or choose another source")
        return CycleNotReady(
            f"{text}. Wait for the run, choose another with --cycle, or shorten {self.place}.steps"
        )


@dataclass(frozen=True, slots=True)
class FetchedRun:
    """What a further model says: its newest whole run, an atmosphere a member (one where it has
    none), and whose it is.
    """

    model: ModelSettings
    cycle: Cycle
    atmospheres: tuple[Atmosphere, ...]
    attribution: Name
    notes: tuple[str, ...] = ()


class ModelSource:
    """A further model, from its files to atmospheres in the catalogue's terms."""

    def __init__(
        self, config: Config, model: ModelSettings, source: Source, clock: Clock = CLOCK
    ) -> None:
        self.model = model
        self._config, self._source, self._clock = config, source, clock

    def acquire(self, sites: Sequence[Site], now: datetime, ask: bool = True) -> FetchedCycle:
        """Return the files of the newest whole run as of `now`, within the model's own deadline.
        Raises: SourceError.

        Without `ask` it is the hour of issue: where another process is still fetching, it is not
        waited for.
        """
        deadline = Deadline(self.model.deadline_seconds if ask else AT_ISSUE, self._clock)
        return self._source.acquire(
            needs_of(self._config, sites, self.model), now, within=deadline, ask=ask
        )

    def read(self, sites: Sequence[Site], now: datetime, ask: bool = True) -> FetchedRun:
        """Return the newest whole run as of `now`, what it lacks derived where physics allows;
        without `ask` no server is spoken to.

        Raises: SourceError, whatever goes wrong: one model never stops the others.
        """
        got = self.acquire(sites, now, ask)
        needs, threads = (
            needs_of(self._config, sites, self.model),
            self._config.source.decode_threads,
        )
        try:
            if self.model.members:
                by_member = reader.read_members(
                    got.files, got.cycle, needs, got.members or self.model.members, threads
                )
                atmospheres = tuple(by_member[member] for member in sorted(by_member))
            else:
                atmospheres = (reader.read_atmosphere(got.files, got.cycle, needs, threads),)
        except MissingInput as error:
            raise SourceCorrupt(str(error)) from error
        if not self.model.adds:
            atmospheres = tuple(derived_fields.complete(atmosphere) for atmosphere in atmospheres)
            self._refuse_poor(atmospheres)
        owner = self.model.attribution
        return FetchedRun(
            self.model,
            got.cycle,
            atmospheres,
            owner.as_name(owner.zh or owner.en),
            (*self._late(got.cycle, now), *got.notes),
        )

    def _refuse_poor(self, atmospheres: Sequence[Atmosphere]) -> None:
        """Raise SourceCorrupt where what every phenomenon reads is neither given nor derived."""
        lacks = [
            name for name in LEAST if any(name not in atmosphere for atmosphere in atmospheres)
        ]
        if lacks:
            raise SourceCorrupt(
                f"{self.model.id}: lacks {', '.join(lacks)}, without which nothing can be said; name it, or what it is derived of "
                f"(docs/sources.md), in models.{self.model.id}.parameters"
            )

    def _late(self, cycle: Cycle, now: datetime) -> tuple[str, ...]:
        """Return a note where a newer run should be out but is not whole."""
        newest = self._source.candidates(now)[0]
        if newest == cycle:
            return ()
        return (
            f"{newest.id} is not whole yet: {cycle.id} serves, {(now - cycle.run) / timedelta(hours=1):.0f} h old",
        )


def open_models(config: Config, clock: Clock = CLOCK) -> tuple[ModelSource, ...]:
    """Return the doors to the further models of the settings that are enabled; nothing is asked of
    any server yet.

    Raises: ConfigError for a path that cannot be filled in.
    """
    return tuple(
        ModelSource(config, model, _open_model(config, model, clock), clock)
        for model in config.models
        if model.enabled
    )


def _open_model(config: Config, model: ModelSettings, clock: Clock) -> Source:
    cycles = config.source.cycles
    shelf = CycleStore(cycles, model.id)
    ways: list[Provider] = []
    for mirror in model.mirrors if model.layout != "folder" else ():
        name = shown(mirror.url).partition("://")[2]
        if model.layout == "ecmwf":
            ways.append(
                ecmwf.open_mirror(
                    model, mirror, name, shelf, lambda cycle, step: _path(model, cycle, step), clock
                )
            )
        else:
            ways.append(
                gefs.open_mirror(
                    model, mirror, name, shelf, lambda *place: _path(model, *place), clock
                )
            )
    if model.folder is not None:
        ways.append(
            Folder(model.folder, contents_of(model), cycles / model.id / "folder.json", clock)
        )
    if model.path:
        _path(model, Cycle(datetime(2026, 1, 1, tzinfo=UTC), model.id), 0)
    return Source(model, ways, shelf, cycles)


def _path(model: ModelSettings, cycle: Cycle, step: int, member: int = 0) -> str:
    """Return the path of a step below a mirror's address. Raises: ConfigError."""
    try:
        filled = model.path.format(run=cycle.run, step=step, member=gefs.member_name(member))
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise ConfigError(
            f"models.{model.id}.path: {model.path!r} cannot be filled in ({error}); it may name {{run:%Y%m%d}}, {{step:03d}} and {{member}}"
        ) from error
    return "/" + filled.lstrip("/")


def open_source(config: Config, only: str | None = None, clock: Clock = CLOCK) -> Source:
    """Return the door to the ways of the settings, or to the one named `only`.

    Raises: ConfigError for a name that is none.
    """
    if only is not None and only not in SOURCES:
        raise ConfigError(
            f"--source {only}: there is no such source; choose one of {', '.join(SOURCES)}"
        )
    settings = config.source
    shelf = CycleStore(settings.cycles, settings.model)
    names = settings.order if only is None else (only,)
    ways = [_way(name, settings, shelf, clock) for name in dict.fromkeys(names)]
    if not ways:
        raise ConfigError(f"source.order: no source is named; choose from {', '.join(SOURCES)}")
    return Source(settings, ways, shelf, settings.cycles)


def _way(name: str, settings: SourceSettings, shelf: CycleStore, clock: Clock) -> Provider:
    if name == "filter":
        return gfs.Filter(settings.filter, shelf, clock)
    if name == "bucket":
        return gfs.open_bucket(settings.bucket, shelf, clock)
    return Folder(
        settings.folder,
        contents_of_lead(settings.model),
        settings.cycles / settings.model / "folder.json",
    )
