"""GFS three ways behind one door: which cycle is to be had, and the files that hold it.

The region filter of NOMADS, the public bucket, the bureau's drop folder are tried in the order that the settings give; the first that
has the wanted cycle wins. Where no cycle is named it is the newest whole one: run by run backwards, until one is too old to be shown.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from forecast.config import Config
from forecast.domain import Cycle, Site, as_utc
from forecast.errors import ConfigError, CycleNotReady, SourceCorrupt, SourceError, SourceUnavailable
from forecast.ingest import Needs
from forecast.ingest.drop import Folder
from forecast.ingest.gfs import Bucket, Filter
from forecast.ingest.stored import Shelf, disk_spoken_for
from forecast.ingest.ways import Acquired, Way
from forecast.quantities import DEFAULT_FIELDS
from forecast.settings import SOURCES, SourceSettings
from forecast.transport import CLOCK, Clock

log = logging.getLogger(__name__)

__all__ = ["Acquired", "Source", "needs_of", "open_source"]

KM_PER_DEGREE = 111.195  # of a great circle on a sphere of 6371 km
MARGIN = 0.25  # [degree]: a site at the edge needs the grid points on both its sides
GRAIN = 0.5  # [degree]: regions are widened to multiples, so that moving a site a little fetches nothing anew


def needs_of(config: Config, sites: Sequence[Site]) -> Needs:
    """Return what is wanted of a cycle: all fields of the catalogue, the steps of the settings, the sites and their light paths."""
    north, south, west, east = region_of([(site.latitude, site.longitude) for site in sites], config.source.light_path_km)
    return Needs(DEFAULT_FIELDS, config.source.all_steps, north, south, west, east)


def region_of(places: Sequence[tuple[float, float]], radius: float) -> tuple[float, float, float, float]:
    """Return (north, south, west, east) [degree] of the box around all circles of `radius` [km] about `places` (latitude, longitude).

    A circle that holds a pole takes in all longitudes. west lies in [-180, 180); west > east crosses the antimeridian.
    Source: the widest meridian of a circle of angular radius d at latitude p is asin(sin d / cos p) away (spherical right triangle).
    """
    angle = radius / KM_PER_DEGREE
    first = places[0][1]
    north = min(90.0, _outward(max(latitude for latitude, _ in places) + angle + MARGIN))
    south = max(-90.0, -_outward(-min(latitude for latitude, _ in places) + angle + MARGIN))
    if any(abs(latitude) + angle >= 90 for latitude, _ in places):
        return north, south, -180.0, 180.0
    edges: list[float] = []
    for latitude, longitude in places:
        half = math.degrees(math.asin(math.sin(math.radians(angle)) / math.cos(math.radians(latitude)))) + MARGIN
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
    """The door. One process may keep it open for years: connections, rate limits and what was verified live in it."""

    def __init__(self, settings: SourceSettings, ways: Sequence[Way], shelf: Shelf) -> None:
        self._settings = settings
        self._ways = tuple(ways)
        self._shelf = shelf

    def acquire(self, needs: Needs, now: datetime, cycle: Cycle | None = None) -> Acquired:
        """Return `cycle`, or the newest whole one as of `now`, in files.

        Raises: CycleNotReady where no way has it, SourceUnavailable where no way could be asked, SourceCorrupt where all that came was
        damaged; each says what every way answered.
        """
        now = as_utc(now, "now")
        candidates = (cycle,) if cycle is not None else self.candidates(now)
        answers: list[str] = []
        failures: list[SourceError] = []
        silent: set[str] = set()  # a server that fails now will not do better for an older run; what it gave before still serves
        for candidate in candidates:
            for way in self._ways:
                try:
                    with disk_spoken_for(self._settings.cycles):
                        got = way.fetch(needs, candidate, ask=way.name not in silent)
                        self._shelf.tidy(candidate, self._settings.keep_cycles, needs.steps)
                except SourceError as error:
                    absent = isinstance(error, CycleNotReady)
                    log.log(logging.INFO if absent else logging.WARNING, "%s by the %s: %s", candidate.id, way.name, error)
                    if not absent or candidate is candidates[0]:
                        answers.append(f"{way.name}: {error}")
                    if way.name not in silent:
                        failures.append(error)
                    if isinstance(error, SourceUnavailable):
                        silent.add(way.name)
                else:
                    log.info("%s by the %s: %d files, %.1f MB in %d requests", candidate.id, way.name, len(got.files),
                             got.bytes_fetched / 1e6, got.requests)
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
                runs.append(Cycle(hour.astimezone(UTC), self._settings.model))
            hour -= timedelta(hours=1)
        return tuple(runs)

    def _nothing(self, candidates: Sequence[Cycle], answers: Sequence[str], failures: Sequence[SourceError], now: datetime) -> SourceError:
        """Return the error that says why there is no cycle."""
        if not candidates:
            hours = f"between {self._settings.delay_hours:g} and {self._settings.maximum_age_hours:g} h"
            return CycleNotReady(
                f"no run lies {hours} before {now:%Y-%m-%d %H:%M}Z; widen source.maximum_age_hours, or name one with --cycle YYYYMMDDHH"
            )
        asked = candidates[0].id if len(candidates) == 1 else f"{candidates[0].id} back to {candidates[-1].id}"
        text = f"no whole run to be had ({asked}). Of the newest: {'. '.join(dict.fromkeys(answers))}"
        if failures and all(isinstance(failure, SourceUnavailable) for failure in failures):
            waits = [f.retry_after for f in failures if isinstance(f, SourceUnavailable) and f.retry_after is not None]
            return SourceUnavailable(f"{text}. Check the network and the addresses under source:", max(waits, default=None))
        if failures and all(isinstance(failure, SourceCorrupt) for failure in failures):
            return SourceCorrupt(f"{text}. Fetch again later, or choose another source with --source")
        return CycleNotReady(f"{text}. Wait for the run, choose another with --cycle, or shorten source.steps")


def open_source(config: Config, only: str | None = None, clock: Clock = CLOCK) -> Source:
    """Return the door to the ways of the settings, or to the one named `only`.

    Raises: ConfigError for a name that is none.
    """
    if only is not None and only not in SOURCES:
        raise ConfigError(f"--source {only}: there is no such source; choose one of {', '.join(SOURCES)}")
    settings = config.source
    shelf = Shelf(settings.cycles, settings.model)
    names = settings.order if only is None else (only,)
    ways = [_way(name, settings, shelf, clock) for name in dict.fromkeys(names)]
    if not ways:
        raise ConfigError(f"source.order: no source is named; choose from {', '.join(SOURCES)}")
    return Source(settings, ways, shelf)


def _way(name: str, settings: SourceSettings, shelf: Shelf, clock: Clock) -> Way:
    if name == "filter":
        return Filter(settings.filter, shelf, clock)
    if name == "bucket":
        return Bucket(settings.bucket, shelf, clock)
    return Folder(settings.folder, settings.model, settings.cycles / settings.model / "folder.json")
