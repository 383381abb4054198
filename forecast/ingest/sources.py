"""The doors to the models: which cycle is to be had, and the files that hold it.

A model's ways (GFS: the region filter of NOMADS, the public bucket, the bureau's drop folder;
others: their mirrors) are tried in the order that the settings give; the first that has the wanted
cycle wins. Where no cycle is named it is the newest whole one: run by run backwards, until one is
too old to be shown. The lead model gives files (`open_source`), the further ones atmospheres
(`open_models`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.config import Config
from forecast.domain import Atmosphere, Cycle, Name, Site, as_utc
from forecast.errors import (
    ConfigError,
    CycleNotReady,
    MissingInput,
    RunNotKept,
    SourceCorrupt,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from forecast.http import CLOCK, Clock, Deadline
from forecast.ingest import Needs, derived_fields, providers
from forecast.ingest.cycle_store import CycleStore, disk_spoken_for
from forecast.ingest.drop_folder import Folder
from forecast.ingest.gaps import with_gaps
from forecast.ingest.grib import reader
from forecast.ingest.parameter_table import fields_of, leading_fields
from forecast.ingest.provider import FetchedCycle, Provider, fails_as_a_whole
from forecast.ingest.region import region_of
from forecast.settings.sources import SOURCES, ModelSettings, SourceSettings

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


def needs_of(config: Config, sites: Sequence[Site], model: ModelSettings | None = None) -> Needs:
    """Return what is wanted of a cycle: the sites and their light paths; of the lead model all
    fields of the catalogue, of a further `model` those that its table names.
    """
    north, south, west, east = region_of(
        [(site.latitude, site.longitude) for site in sites], config.source.light_path_km
    )
    fields, steps = (
        (leading_fields(config.source.parameters), config.source.all_steps)
        if model is None
        else (fields_of(model), model.all_steps)
    )
    return Needs(fields, steps, north, south, west, east)


class Source:
    """The source of one model: its providers, tried in order.

    A process keeps it open: it holds connections, rate limits and the files verified. `id` is the
    model's, `place` its place in the settings.
    """

    def __init__(
        self,
        settings: SourceSettings | ModelSettings,
        providers: Sequence[Provider],
        store: CycleStore,
        cycles: Path,
    ) -> None:
        self._settings = settings
        self._providers = tuple(providers)
        self._store, self._cycles = store, cycles
        paths: dict[str, str]
        if isinstance(settings, SourceSettings):
            self.id, self.place = settings.model, "source"
            paths = {"bucket_path": settings.bucket_path, "filter_path": settings.filter_path}
        else:
            self.id, self.place = settings.id, f"models.{settings.id}"
            paths = {"path": settings.path} if settings.path else {}
        self._paths = {f"{self.place}.{name}": path for name, path in paths.items()}

    def acquire(
        self,
        needs: Needs,
        now: datetime,
        cycle: Cycle | None = None,
        within: Deadline | None = None,
        ask: bool = True,
    ) -> FetchedCycle:
        """Return `cycle`, or the newest complete one as of `now`, in files.

        within: what is not there when it ends is not waited for. Without `ask` no request is sent:
        only cycles in the store or in the drop folder count.

        Raises: CycleNotReady if no provider has it, SourceUnavailable if no provider can be
        reached, RunNotKept if a run cannot be written here, SourceCorrupt if all that came is
        damaged; each names the result of every provider.
        """
        now = as_utc(now, "now")
        candidates = (cycle,) if cycle is not None else self.candidates(now)
        answers: list[str] = []
        failures: list[tuple[str, SourceError]] = []
        # a server that fails as a whole also fails for an older run; what it gave is still used
        silent: set[str] = set()
        refusals: Counter[str] = Counter()
        for candidate in candidates:
            for provider in self._providers:
                try:
                    with disk_spoken_for(self._cycles):
                        got = provider.fetch(
                            needs, candidate, ask and provider.name not in silent, within
                        )
                        self._store.tidy(candidate, self._settings.keep_cycles, needs.steps)
                except SourceError as error:
                    absent = isinstance(error, CycleNotReady)
                    log.debug("%s by the %s: %s", candidate.id, provider.name, error)
                    if not absent or candidate is candidates[0]:
                        answers.append(f"{provider.name}: {error}")
                    if provider.name not in silent:
                        failures.append((provider.name, error))
                    refusals[provider.name] += getattr(error, "of_file", False)
                    if fails_as_a_whole(error, refusals[provider.name]):
                        silent.add(provider.name)
                else:
                    _log_fetched(got, provider.name, failures)
                    if candidate is candidates[0]:
                        return got
                    newer = candidates[: candidates.index(candidate)]
                    return replace(got, newer=self._nothing(newer, answers, failures, now))
        raise self._nothing(candidates, answers, failures, now)

    def candidates(self, now: datetime) -> tuple[Cycle, ...]:
        """Return the runs that may be available at `now` and are not too old, newest first."""
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
        by_provider: Sequence[tuple[str, SourceError]],
        now: datetime,
    ) -> SourceError:
        """Return the error for a cycle that could not be had."""
        if not candidates:
            hours = (
                f"between {self._settings.delay_hours:g} and {self._settings.maximum_age_hours:g} h"
            )
            return CycleNotReady(
                f"no run lies {hours} before {now:%Y-%m-%d %H:%M}Z; "
                f"widen {self.place}.maximum_age_hours, or name one with --cycle"
            )
        asked = (
            candidates[0].id
            if len(candidates) == 1
            else f"{candidates[0].id} back to {candidates[-1].id}"
        )
        text = (
            f"no whole run to be had ({asked}). Of the newest: {'. '.join(dict.fromkeys(answers))}"
        )
        failures = [failure for _, failure in by_provider]
        if any(isinstance(failure, RunNotKept) for failure in failures):
            return RunNotKept(f"{text}. The fault is on this machine, not at the source")
        remote = [failure for name, failure in by_provider if name != Folder.name]
        expected = len(candidates) > 1 or self.place != "source"
        if self._paths and remote and expected and all(_is_nowhere(each) for each in remote):
            paths = " and ".join(f"{name} says {path!r}" for name, path in self._paths.items())
            moved = (
                f"{asked}: nothing is there at any of {len({name for name, _ in by_provider})} "
                f"addresses: has the path moved? {paths}. {'. '.join(dict.fromkeys(answers))}"
            )
            if self.place != "source":
                return SourceRefused(moved)
            return SourceRefused(f"{moved}. Mend the path, or name another run with --cycle")
        servers = remote or failures  # an empty drop folder says nothing of the servers
        late = any(isinstance(failure, CycleNotReady) for failure in servers)
        unavailable = [failure for failure in servers if isinstance(failure, SourceUnavailable)]
        if unavailable and not late:
            waits = [f.retry_after for f in unavailable if f.retry_after is not None]
            return SourceUnavailable(
                f"{text}. Check the network and the addresses under {self.place}:",
                max(waits, default=None),
            )
        if servers and not late:
            return SourceCorrupt(f"{text}. Fetch again later, or choose another source")
        return CycleNotReady(
            f"{text}. Wait for the run, choose another with --cycle, or shorten {self.place}.steps"
        )


def _log_fetched(
    got: FetchedCycle, provider: str, failures: Sequence[tuple[str, SourceError]]
) -> None:
    """Log in one line what was fetched, and which providers failed before; nothing where the run
    was in the store and none failed.
    """
    failed = dict.fromkeys(
        f"{name}: {error}" for name, error in failures if not isinstance(error, CycleNotReady)
    )
    level = logging.WARNING if failed else logging.INFO if got.requests else logging.DEBUG
    log.log(
        level,
        "%s by the %s: %d files, %.1f MB in %d requests%s",
        got.cycle.id,
        provider,
        len(got.files),
        got.bytes_fetched / 1e6,
        got.requests,
        f"; failed before: {'. '.join(failed)}" if failed else "",
    )


def _is_nowhere(failure: SourceError) -> bool:
    """Return whether nothing of a run is there: not published, or its first and last file refused.

    A web page in the place of a file is nothing, too. One file that is refused beside others that
    are there is no sign that the path has moved.
    """
    if isinstance(failure, SourceCorrupt):
        return failure.page
    return isinstance(failure, CycleNotReady | SourceUnavailable) and failure.absent


@dataclass(frozen=True, slots=True)
class FetchedRun:
    """The newest complete run of a further model; an atmosphere a member (without members: one)."""

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
        """Return the files of the newest complete run as of `now`, within the model's deadline.

        Without `ask`, at the time of issue, a fetch by another process is not waited for.

        Raises: SourceError.
        """
        deadline = Deadline(self.model.deadline_seconds if ask else AT_ISSUE, self._clock)
        return self._source.acquire(
            needs_of(self._config, sites, self.model), now, within=deadline, ask=ask
        )

    def read(self, sites: Sequence[Site], now: datetime, ask: bool = True) -> FetchedRun:
        """Return the newest usable run, with missing fields derived where possible.

        Without `ask` no request is sent. A run that cannot be decoded is replaced by the next best.

        Raises: SourceError for every failure: one model never stops the others.
        """
        got = self.acquire(sites, now, ask)
        failed: list[SourceCorrupt] = []
        while True:
            try:
                run = self._decoded(got, sites, now)
            except SourceCorrupt as error:
                failed.append(error)
                got = self._next_best(got.cycle, sites, now, failed)
            else:
                notes = (*run.notes, *(f"not used: {error}" for error in failed))
                return replace(run, notes=notes)

    def _next_best(
        self, cycle: Cycle, sites: Sequence[Site], now: datetime, failed: Sequence[SourceCorrupt]
    ) -> FetchedCycle:
        """Return the newest run before `cycle` that was fetched before, or lies in the folder.

        Raises: the first of `failed` where there is none.
        """
        log.warning("%s: cannot be used: %s", cycle.id, failed[-1])
        needs = needs_of(self._config, sites, self.model)
        deadline = Deadline(AT_ISSUE, self._clock)
        for candidate in self._source.candidates(now):
            if candidate.run < cycle.run:
                with suppress(SourceError):
                    return self._source.acquire(needs, now, candidate, deadline, ask=False)
        raise failed[0]

    def _decoded(self, got: FetchedCycle, sites: Sequence[Site], now: datetime) -> FetchedRun:
        """Return a fetched run as atmospheres. Raises: SourceCorrupt."""
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
        atmospheres = tuple(with_gaps(atmosphere, got.cycle) for atmosphere in atmospheres)
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
        """Raise SourceCorrupt if a field that every phenomenon needs is missing."""
        lacks = [
            name for name in LEAST if any(name not in atmosphere for atmosphere in atmospheres)
        ]
        if not lacks:
            return
        faults = dict.fromkeys(
            fault
            for atmosphere in atmospheres
            for fault in atmosphere.attrs.get("faults", ())
            if any(name in fault for name in lacks)
        )
        advice = "; ".join(faults) or (
            "name it, or what it is derived from (docs/sources.md), in "
            f"models.{self.model.id}.parameters"
        )
        raise SourceCorrupt(
            f"{self.model.id}: lacks {', '.join(lacks)}, without which no feature can be "
            f"computed; {advice}"
        )

    def _late(self, cycle: Cycle, now: datetime) -> tuple[str, ...]:
        """Return a note if a newer run is due but not complete."""
        newest = self._source.candidates(now)[0]
        if newest == cycle:
            return ()
        return (
            f"{newest.id} is not whole yet: {cycle.id} serves, "
            f"{(now - cycle.run) / timedelta(hours=1):.0f} h old",
        )


def open_models(config: Config, clock: Clock = CLOCK) -> tuple[ModelSource, ...]:
    """Return the sources of the enabled further models; no request is sent.

    Raises: ConfigError for a path that cannot be filled in.
    """
    return tuple(
        ModelSource(config, model, _open_model(config, model, clock), clock)
        for model in config.models
        if model.enabled
    )


def _open_model(config: Config, model: ModelSettings, clock: Clock) -> Source:
    cycles = config.source.cycles
    store = CycleStore(cycles, model.id)
    return Source(model, providers.of_model(config, model, store, clock), store, cycles)


def open_source(config: Config, only: str | None = None, clock: Clock = CLOCK) -> Source:
    """Return the source of the leading model with its providers, or with the one named `only`.

    Raises: ConfigError for an unknown name.
    """
    if only is not None and only not in SOURCES:
        raise ConfigError(
            f"--source {only}: there is no such source; choose one of {', '.join(SOURCES)}"
        )
    settings = config.source
    store = CycleStore(settings.cycles, settings.model)
    names = settings.order if only is None else (only,)
    opened = [providers.of_leading(name, config, store, clock) for name in dict.fromkeys(names)]
    if not opened:
        raise ConfigError(f"source.order: no source is named; choose from {', '.join(SOURCES)}")
    return Source(settings, opened, store, settings.cycles)
