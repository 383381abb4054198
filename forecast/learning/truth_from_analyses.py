"""Truth from analyses: nightly outcomes of past days, from the first hours of later runs.

The first hours of a run are closest to the measurements; joined one after another, each valid time
from the run nearest to it, they form the analysis from which every phenomenon module derives its
verifying observations. Stations are evaluated at the same time (truth_from_stations). Repeating it
changes nothing, and adds what arrived since. `skyscape truth` does it once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from types import ModuleType

import numpy as np

from forecast import phenomena
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.domain import Almanac, Atmosphere, Cycle, Event, Outcome
from forecast.errors import ConfigError, SkyscapeError, SourceError
from forecast.ingest import derived_fields, sources
from forecast.ingest.cmadaas_models import NAME as CMADAAS
from forecast.ingest.grib import reader as grib
from forecast.learning import truth_from_stations
from forecast.observations.cmadaas_analyses import point_of
from forecast.science import almanac
from forecast.science.interpolation import Scene

log = logging.getLogger(__name__)

FIRST_HOURS = 6  # [h] of a run that count as an analysis: until the next run
MARGIN = timedelta(hours=3)  # around the events: fields are interpolated between steps
KEPT_RUNS = 12  # in the folder of the analyses
DAYS_BACK = 2  # the night that began yesterday may not be over

ReadAnalysis = Callable[[Cycle, datetime], Atmosphere]


@dataclass(frozen=True, slots=True)
class DayOutcomes:
    """The outcomes of one day.

    stations, analyses: number of outcomes by source. changed: new or different ones. unavailable:
    ids of runs.
    """

    day: date
    stations: int
    analyses: int
    changed: int
    unavailable: tuple[str, ...]

    def __str__(self) -> str:
        runs = f"; not available: {'; '.join(self.unavailable)}" if self.unavailable else ""
        counts = f"{self.stations} outcomes of stations, {self.analyses} of analyses"
        return f"{self.day}: {counts}, {self.changed} new or changed{runs}"


def diagnose(
    archive: Archive, config: Config, day: date, now: datetime, read: ReadAnalysis | None
) -> DayOutcomes:
    """Archive the outcomes of one local day's events that are over at `now`; return their counts.

    read: returns the first hours of a run; None: stations only. Raises: ArchiveError.
    """
    sites = config.all_sites()
    almanacs = almanac.almanacs(sites, [day], config.zone)
    every = phenomena.events(
        sites,
        [day],
        almanacs,
        config.phenomena,
        min(a.day_start for a in almanacs.values()) - timedelta(days=1),
    )
    events = [event for event in every if event.window.end <= now]
    stations = from_stations(archive, config, events, almanacs)
    analyses, unavailable = (
        from_analyses(config, events, now, read) if read is not None and events else ([], [])
    )
    analyses += from_points(archive, config, events, almanacs)
    changed = Outcomes(archive).keep([*stations, *analyses], now)
    return DayOutcomes(day, len(stations), len(analyses), changed, tuple(unavailable))


def from_stations(
    archive: Archive,
    config: Config,
    events: Sequence[Event],
    almanacs: dict[tuple[str, date], Almanac],
) -> list[Outcome]:
    """Return the outcomes of events from the stations of the settings."""
    stations = {each.id: each.as_station() for each in config.observations.stations}
    wanted = [i for i in {i for event in events for i in event.site.stations} if i in stations]
    if not wanted:
        return []
    start = min(a.day_start for a in almanacs.values())
    end = (
        max([*(a.day_end for a in almanacs.values()), *(event.window.end for event in events)])
        + MARGIN
    )
    series = Observations(archive).series(wanted, start, end)
    return truth_from_stations.outcomes(events, almanacs, stations, series, config.phenomena)


def from_points(
    archive: Archive,
    config: Config,
    events: Sequence[Event],
    almanacs: dict[tuple[str, date], Almanac],
) -> list[Outcome]:
    """Return the outcomes of events from analyses that are kept as points of the sites."""
    feed = config.observations.cmadaas
    if feed is None or not feed.analyses or not events:
        return []
    points = {event.site.id: point_of(event.site) for event in events}
    at_points = [
        replace(event, site=replace(event.site, stations=(points[event.site.id].id,)))
        for event in events
    ]
    places = {point.id: point for point in points.values()}
    start = min(a.day_start for a in almanacs.values())
    end = max(event.window.end for event in events) + timedelta(days=1)
    series = Observations(archive).series(list(places), start, end)
    found = truth_from_stations.outcomes(at_points, almanacs, places, series, config.phenomena)
    code = feed.analyses[0].data_code
    return [replace(each, source="analysis", reporter=code) for each in found]


def from_analyses(
    config: Config, events: Sequence[Event], now: datetime, read: ReadAnalysis
) -> tuple[list[Outcome], list[str]]:
    """Return the outcomes of events from the first hours of runs, and the unavailable runs."""
    parts: list[Atmosphere] = []
    unavailable: list[str] = []
    for cycle in cycles_for(config, events, now):
        try:
            parts.append(read(cycle, now))
        except SourceError as error:
            log.warning("%s: no analysis: %s", cycle.id, error)
            unavailable.append(cycle.id)
    if not parts:
        return [], unavailable
    scene = Scene(joined(parts), tuple({event.site.id: event.site for event in events}.values()))
    found: list[Outcome] = []
    for module in phenomena.modules():
        own = [event for event in events if event.phenomenon in module.PHENOMENA]
        found += _outcomes(module, own, scene, config) if own else []
    reporter = config.source.model
    return [
        replace(o, reporter=reporter) for o in found if o.state or np.isfinite(o.degree)
    ], unavailable


def _outcomes(
    module: ModuleType, events: list[Event], scene: Scene, config: Config
) -> list[Outcome]:
    try:
        return list(module.diagnose(events, scene, config.phenomena))
    except (SkyscapeError, ArithmeticError, LookupError, ValueError):
        log.exception("%s: its outcomes are rejected", module.__name__.rpartition(".")[2])
        return []


def cycles_for(config: Config, events: Sequence[Event], now: datetime) -> list[Cycle]:
    """Return the available runs whose first hours cover the events, the oldest first."""
    start = min(event.window.start for event in events) - MARGIN - timedelta(hours=FIRST_HOURS)
    end = max(event.window.end for event in events) + MARGIN
    out = now - timedelta(hours=config.source.delay_hours)
    hour = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    found = []
    while hour <= min(end, out):
        if hour >= start and hour.hour in config.source.run_hours:
            found.append(Cycle(hour, config.source.model))
        hour += timedelta(hours=1)
    return found


def joined(parts: Sequence[Atmosphere]) -> Atmosphere:
    """Return one atmosphere of the first hours of runs (the oldest first).

    Each field at each time comes from the newest run that has it: accumulations, which a run lacks
    at its start, come from the run before.
    """
    result = parts[-1]
    for older in reversed(parts[:-1]):
        result = result.combine_first(older)
    return result.assign_attrs(parts[-1].attrs)


def reader(config: Config, only: str | None = None) -> ReadAnalysis:
    """Return a function that reads the first hours of a run, in a folder apart from forecasts."""
    settings = config.source.model_copy(
        update={"cycles": config.source.cycles / "analyses", "keep_cycles": KEPT_RUNS}
    )
    own = config.model_copy(update={"source": settings})
    source = sources.open_source(own, only)
    needs = sources.needs_of(own, own.all_sites())
    needs = replace(needs, steps=tuple(step for step in needs.steps if step <= FIRST_HOURS))

    def read(cycle: Cycle, now: datetime) -> Atmosphere:
        fetched = source.acquire(needs, now, cycle)
        atmosphere = grib.read_atmosphere(
            fetched.files, fetched.cycle, needs, threads=settings.decode_threads
        )
        return derived_fields.complete(atmosphere) if fetched.origin == CMADAAS else atmosphere

    return read


def nightly(
    archive: Archive, config: Config, now: datetime, read: ReadAnalysis | None
) -> list[DayOutcomes]:
    """Archive the outcomes of the last local days, the oldest first. Raises: ArchiveError."""
    today = now.astimezone(config.zone).date()
    return [
        diagnose(archive, config, today - timedelta(days=back), now, read)
        for back in range(DAYS_BACK, 0, -1)
    ]


def report(
    archive: Archive,
    config: Config,
    now: datetime,
    day: date | None,
    stations_only: bool,
    only: str | None,
) -> str:
    """Derive the outcomes of `day` (None: of the last days); return a line for each day.

    only: the one provider of runs to use. Raises: ConfigError, ArchiveError.
    """
    read = None if stations_only else reader(config, only)
    if day is None:
        return "\n".join(map(str, nightly(archive, config, now, read)))
    if day > now.astimezone(config.zone).date():
        raise ConfigError(f"--day {day} lies in the future: it has no outcomes yet")
    return str(diagnose(archive, config, day, now, read))
