"""The phenomena, one module each: events, and their features from an Atmosphere.

A module of a phenomenon has
    PHENOMENA                                 the ids it serves
    events(site, day, almanac, settings)      its events at one site on one local day
    derive(events, scene, settings)           -> PhenomenonFeatures, of all its events at once
    diagnose(events, scene, settings)         the outcomes of its events from an analysis
The weather of the window (temperature, wind, cloud by layer ...) is common to all phenomena and is
computed once (weather.py).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Atmosphere, DayWeather, Event, Features, Site, Window
from forecast.errors import SkyscapeError
from forecast.quantities import FEATURES, feature_column
from forecast.settings import PhenomenonSettings

if TYPE_CHECKING:
    from forecast.science.interpolation import Scene

log = logging.getLogger(__name__)

BATCH = 200  # sites derived at once


@dataclass(frozen=True, slots=True)
class PhenomenonFeatures:
    """The features of one module's events, in their order.

    values: feature name -> one value an event (NaN: not known; `best_start`, `best_end`:
    datetime64, NaT: none).
    missing: for each event the ids of unavailable data.
    evidence: phenomenon -> the data of its chart: dimension `event`, coordinate `row` = index
    among the module's events.
    """

    values: Mapping[str, np.ndarray]
    missing: Sequence[Sequence[str]]
    evidence: Mapping[str, xr.Dataset] = field(default_factory=dict)


def modules() -> tuple[ModuleType, ...]:
    """Return the modules of the phenomena, in the order of a bulletin."""
    from forecast.phenomena import cloud_sea, glow, snow, stars

    return (stars, cloud_sea, glow, snow)


def events(
    sites: Sequence[Site],
    days: Sequence[date],
    almanacs: Mapping[tuple[str, date], Almanac],
    settings: PhenomenonSettings,
    now: datetime,
) -> tuple[Event, ...]:
    """Return every event that is not over at `now`, site by site, day by day."""
    every = (
        event
        for site in sites
        for day in days
        for module in modules()
        for event in module.events(site, day, almanacs[site.id, day], settings)
    )
    return tuple(event for event in every if event.window.end > now)


def whole_days(
    sites: Sequence[Site],
    days: Sequence[date],
    almanacs: Mapping[tuple[str, date], Almanac],
    now: datetime,
) -> tuple[Event, ...]:
    """Return the rest of every local day at every site after `now`, as one event each.

    Hazards are assessed over all hours.
    """
    bounds = ((site, day, almanacs[site.id, day]) for site in sites for day in days)
    return tuple(
        Event("snowfall", site, day, Window(max(now, almanac.day_start), almanac.day_end))
        for site, day, almanac in bounds
        if almanac.day_end > now
    )


def derive(
    events: Sequence[Event],
    atmosphere: Atmosphere,
    settings: PhenomenonSettings,
    days: Sequence[Event] = (),
    drawn_until: date | None = None,
    cluster: str = "",
) -> tuple[Features, tuple[str, ...]]:
    """Return the features of `events` and the weather of whole `days`, and the failed modules.

    The features have one row an event in the order given. The rest is as in `derive_parts`.
    """
    from forecast.phenomena.joining import joined_features

    parts = list(derive_parts(events, atmosphere, settings, days, drawn_until, cluster))
    failed = dict.fromkeys(name for part in parts for name in part.failed)
    if len(parts) == 1:
        return parts[0].features, tuple(failed)
    return joined_features(events, [(part.rows, part.features) for part in parts]), tuple(failed)


@dataclass(frozen=True, slots=True)
class FeaturesPart:
    """The features of the events of some sites, the rows of these among all, the failed modules."""

    rows: np.ndarray
    features: Features
    failed: tuple[str, ...]


def derive_parts(
    events: Sequence[Event],
    atmosphere: Atmosphere,
    settings: PhenomenonSettings,
    days: Sequence[Event] = (),
    drawn_until: date | None = None,
    cluster: str = "",
) -> Iterator[FeaturesPart]:
    """Yield the features of `events` and the weather of whole `days`, BATCH sites at a time.

    A module that fails costs only its own features: it is logged and named. What is read of the
    fields on the way takes ten times the memory of the features. drawn_until: the last local day
    whose evidence is kept; by default all is. cluster: address of a Dask scheduler whose workers
    derive the parts.
    """
    from forecast.cluster import shared_work
    from forecast.science.interpolation import Scene

    batches = _batches(events, days)
    everywhere = Scene(atmosphere, tuple(site for batch in batches for site in batch.sites))
    work = partial(_derived, settings=settings, drawn_until=drawn_until)
    parts = shared_work(work, batches, everywhere, cluster)
    for batch, (features, failed) in zip(batches, parts, strict=True):
        yield FeaturesPart(batch.rows, features, failed)


@dataclass(frozen=True, slots=True)
class _SiteBatch:
    """Some sites, their events with the rows of these among all, and their whole days."""

    sites: tuple[Site, ...]
    events: Sequence[Event]
    rows: np.ndarray
    days: Sequence[Event]


def _batches(events: Sequence[Event], days: Sequence[Event]) -> list[_SiteBatch]:
    """Return the events and days of BATCH sites at a time; one batch where there are none."""
    sites = tuple({event.site.id: event.site for event in (*events, *days)}.values())
    number_of = {site.id: number // BATCH for number, site in enumerate(sites)}
    of_events, of_days = (
        np.array([number_of[event.site.id] for event in some], dtype=int) for some in (events, days)
    )
    found = []
    for number in range(max(-(-len(sites) // BATCH), 1)):
        rows = np.flatnonzero(of_events == number)
        found.append(
            _SiteBatch(
                sites[number * BATCH : (number + 1) * BATCH],
                [events[row] for row in rows.tolist()],
                rows,
                [days[row] for row in np.flatnonzero(of_days == number).tolist()],
            )
        )
    return found


def _derived(
    batch: _SiteBatch, everywhere: Scene, settings: PhenomenonSettings, drawn_until: date | None
) -> tuple[Features, tuple[str, ...]]:
    """Return the features of a batch's events, and the failed modules. everywhere: of all sites."""
    events, days, scene = batch.events, batch.days, everywhere.at_other(batch.sites)
    table = _FeatureTable(events, drawn_until)
    failed: list[str] = []
    for module, rows in _rows_by_module(events):
        try:
            table.merge(module.derive([events[int(i)] for i in rows], scene, settings), rows)
        except (SkyscapeError, ArithmeticError, LookupError, ValueError) as error:
            name = module.__name__.rpartition(".")[2]
            log.exception("%s: features cannot be computed: %s", name, error)
            failed.append(name)
            for row in rows:
                table.missing[row].append("computation")
    hours = _hours_of(days, scene)
    return table.features(_weather_of(days, scene, settings), hours), tuple(failed)


def _hours_of(days: Sequence[Event], scene: Scene) -> xr.Dataset | None:
    """Return the next two days by the hour, from the first of whole `days` on.

    None without days, or where they cannot be computed.
    """
    from forecast.phenomena.hours import site_hours
    from forecast.science.interpolation import as_times

    if not days:
        return None
    try:
        return site_hours(scene, as_times([min(day.window.start for day in days)])[0])
    except (SkyscapeError, ArithmeticError, LookupError, ValueError) as error:
        log.exception("the hours of the next days cannot be computed: %s", error)
        return None


def _rows_by_module(events: Sequence[Event]) -> list[tuple[ModuleType, np.ndarray]]:
    """Return each module with events and the rows of these; the weather has all, and is first."""
    from forecast.phenomena import weather

    rows = [(weather, np.arange(len(events)))]
    for module in modules():
        own = [i for i, event in enumerate(events) if event.phenomenon in module.PHENOMENA]
        rows.append((module, np.array(own, dtype=int)))
    return [(module, own) for module, own in rows if len(own)]


class _FeatureTable:
    """The features of events, merged from those of the modules."""

    def __init__(self, events: Sequence[Event], drawn_until: date | None) -> None:
        self.events, self._drawn_until = tuple(events), drawn_until
        self.missing: list[list[str]] = [[] for _ in events]
        self._values = {name: np.full(len(events), np.nan) for name in FEATURES}
        nothing = np.datetime64("NaT", "ns")
        self._best = {name: np.full(len(events), nothing) for name in ("best_start", "best_end")}
        self._evidence: dict[str, xr.Dataset] = {}

    def merge(self, part: PhenomenonFeatures, rows: np.ndarray) -> None:
        """Write the features of a module's events to their `rows`."""
        for name, values in part.values.items():
            (self._best if name in self._best else self._values)[name][rows] = values
        for row, ids in zip(rows, part.missing, strict=True):
            self.missing[row].extend(i for i in ids if i not in self.missing[row])
        for phenomenon, drawn in part.evidence.items():
            of_all = drawn.assign_coords(row=("event", rows[drawn["row"].values]))
            self._evidence[phenomenon] = self._near(of_all)

    def _near(self, drawn: xr.Dataset) -> xr.Dataset:
        """Return the evidence of the days that are drawn."""
        last = self._drawn_until
        if last is None:
            return drawn
        near = [self.events[row].day <= last for row in drawn["row"].values.tolist()]
        return drawn.isel(event=np.flatnonzero(near))

    def features(
        self, weather: Mapping[tuple[str, date], DayWeather], hours: xr.Dataset | None
    ) -> Features:
        """Return the merged features with the weather of whole days and the next hours."""
        data = {name: feature_column(name, values) for name, values in self._values.items()}
        best = self._best_within_windows()
        data |= {name: xr.Variable(("event",), values) for name, values in best.items()}
        missing = tuple(map(tuple, self.missing))
        return Features(self.events, xr.Dataset(data), missing, self._evidence, weather, hours)

    def _best_within_windows(self) -> dict[str, np.ndarray]:
        """Return the best windows, none beyond the end of its event's; NaT where nothing is left.

        The last minute of sunlight, as long as any other, may begin at that end.
        """
        ends = np.array(
            [event.window.end.replace(tzinfo=None) for event in self.events], "datetime64[ns]"
        )
        start, end = self._best["best_start"], np.minimum(self._best["best_end"], ends)
        left = start < end
        nothing = np.datetime64("NaT", "ns")
        return {
            "best_start": np.where(left, start, nothing),
            "best_end": np.where(left, end, nothing),
        }


def _weather_of(
    days: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> dict[tuple[str, date], DayWeather]:
    """Return the weather of whole days; values that cannot be computed are left out."""
    from forecast.phenomena import snow, weather

    if not days:
        return {}
    values: dict[str, np.ndarray] = {}
    for module in (snow, weather):
        try:
            values |= {
                name: column
                for name, column in module.derive(days, scene, settings).values.items()
                if name in FEATURES
            }
        except (SkyscapeError, ArithmeticError, LookupError, ValueError):
            log.exception("%s: the weather of whole days cannot be computed", module.__name__)
    rows, start, end = weather.spans(days, scene)
    day = np.timedelta64(1, "D")
    rain_before, covered_before = weather.amount_of_precipitation(scene, rows, start - day, start)
    values["rain_before"] = rain_before
    parts = weather.known_parts(days, scene) | {"rain_before": covered_before}
    every = np.ones((len(scene.sites), scene.times.size), dtype=bool)
    covered = scene.share_known(every, rows, start, end)
    columns = {name: column.tolist() for name, column in values.items()}
    return {
        (event.site.id, event.day): DayWeather(
            {name: column[row] for name, column in columns.items()},
            float(covered[row]),
            frozenset(name for name, part in parts.items() if part[row] < weather.COVERED),
        )
        for row, event in enumerate(days)
    }
