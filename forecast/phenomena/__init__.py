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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Atmosphere, DayWeather, Event, Features, Site, Window
from forecast.errors import SkyscapeError
from forecast.quantities import FEATURES
from forecast.settings import PhenomenonSettings

if TYPE_CHECKING:
    from forecast.science.interpolation import Scene

log = logging.getLogger(__name__)


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
) -> tuple[Features, tuple[str, ...]]:
    """Return the features of `events` and the weather of whole `days`, and the failed modules.

    The features have one row an event in the order given. A module that fails costs only its own
    features: it is logged and its name returned.
    """
    from forecast.phenomena import weather
    from forecast.science.interpolation import Scene

    scene = Scene(
        atmosphere, tuple({event.site.id: event.site for event in (*events, *days)}.values())
    )
    table = {name: np.full(len(events), np.nan) for name in FEATURES}
    best = {
        name: np.full(len(events), np.datetime64("NaT", "ns"))
        for name in ("best_start", "best_end")
    }
    missing: list[list[str]] = [[] for _ in events]
    evidence: dict[str, xr.Dataset] = {}
    failed: list[str] = []

    def merge(part: PhenomenonFeatures, rows: np.ndarray) -> None:
        for name, values in part.values.items():
            (best if name in best else table)[name][rows] = values
        for row, ids in zip(rows, part.missing, strict=True):
            missing[row].extend(i for i in ids if i not in missing[row])
        for phenomenon, drawn in part.evidence.items():
            evidence[phenomenon] = drawn.assign_coords(row=("event", rows[drawn["row"].values]))

    parts = [(weather, np.arange(len(events)))]
    parts += [
        (
            module,
            np.array(
                [i for i, e in enumerate(events) if e.phenomenon in module.PHENOMENA], dtype=int
            ),
        )
        for module in modules()
    ]
    for module, rows in parts:
        if not len(rows):
            continue
        try:
            merge(module.derive([events[int(i)] for i in rows], scene, settings), rows)
        except (SkyscapeError, ArithmeticError, LookupError, ValueError) as error:
            name = module.__name__.rpartition(".")[2]
            log.exception("%s: features cannot be computed: %s", name, error)
            failed.append(name)
            for row in rows:
                missing[row].append("computation")
    data = {
        name: xr.Variable(("event",), values, {"units": FEATURES[name].unit})
        for name, values in table.items()
    }
    data |= {name: xr.Variable(("event",), values) for name, values in best.items()}
    features = Features(
        tuple(events),
        xr.Dataset(data),
        tuple(map(tuple, missing)),
        evidence,
        _weather_of(days, scene, settings),
    )
    return features, tuple(failed)


def _weather_of(
    days: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> dict[tuple[str, date], DayWeather]:
    """Return the weather of whole days; values that cannot be computed are left out."""
    from forecast.phenomena import snow, weather
    from forecast.science.interpolation import hours_between

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
    _, start, end = weather.spans(days, scene)
    times = hours_between(start, end)
    inside = ~np.isnat(times)
    covered = (scene.covers(times) & inside).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)
    columns = {name: column.tolist() for name, column in values.items()}
    return {
        (event.site.id, event.day): DayWeather(
            {name: column[row] for name, column in columns.items()}, float(covered[row])
        )
        for row, event in enumerate(days)
    }
