"""The phenomena: one room each. A room says which events there are and turns an Atmosphere into their features.

A room is a module with
    PHENOMENA                                 the ids it serves
    events(site, day, almanac, settings)      its events at one site on one local day
    derive(events, scene, settings)           -> Part: their features, all at once
The weather of the window (temperature, wind, cloud by layer ...) is common to all and is computed here once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import ModuleType

import numpy as np
import xarray as xr

from forecast.config import PhenomenonSettings
from forecast.domain import Almanac, Atmosphere, Event, Features, Site
from forecast.errors import SkyscapeError
from forecast.quantities import FEATURES

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """What one room says of its events, in their order.

    values: feature name -> one value an event (NaN: not known; `best_start`, `best_end`: datetime64, NaT: none).
    missing: for each event the ids of what could not be had.
    evidence: phenomenon -> what its chart draws: dimension `event`, coordinate `row` = position among the room's events.
    """

    values: Mapping[str, np.ndarray]
    missing: Sequence[Sequence[str]]
    evidence: Mapping[str, xr.Dataset] = field(default_factory=dict)


def rooms() -> tuple[ModuleType, ...]:
    """Return the rooms, in the order in which a bulletin speaks of them."""
    from forecast.phenomena import cloud_sea, glow, snow, stars

    return (stars, cloud_sea, glow, snow)


def events(
    sites: Sequence[Site], days: Sequence[date], almanacs: Mapping[tuple[str, date], Almanac], settings: PhenomenonSettings, now: datetime
) -> tuple[Event, ...]:
    """Return every event that is not over at `now`, site by site, day by day."""
    every = (
        event for site in sites for day in days for room in rooms() for event in room.events(site, day, almanacs[site.id, day], settings)
    )
    return tuple(event for event in every if event.window.end > now)


def derive(events: Sequence[Event], atmosphere: Atmosphere, settings: PhenomenonSettings) -> tuple[Features, tuple[str, ...]]:
    """Turn an atmosphere into the features of `events`; a room that fails is set aside and named.

    Returns: the features, one row an event in the order given, and the names of the rooms set aside.
    """
    from forecast.phenomena import weather
    from forecast.sampling import Scene

    scene = Scene(atmosphere, tuple({event.site.id: event.site for event in events}.values()))
    table = {name: np.full(len(events), np.nan) for name in FEATURES}
    best = {name: np.full(len(events), np.datetime64("NaT", "ns")) for name in ("best_start", "best_end")}
    missing: list[list[str]] = [[] for _ in events]
    evidence: dict[str, xr.Dataset] = {}
    set_aside: list[str] = []

    def take(part: Part, rows: np.ndarray) -> None:
        for name, values in part.values.items():
            (best if name in best else table)[name][rows] = values
        for row, ids in zip(rows, part.missing, strict=True):
            missing[row].extend(i for i in ids if i not in missing[row])
        for phenomenon, drawn in part.evidence.items():
            evidence[phenomenon] = drawn.assign_coords(row=("event", rows[drawn["row"].values]))

    parts = [(weather, np.arange(len(events)))]
    parts += [(room, np.array([i for i, e in enumerate(events) if e.phenomenon in room.PHENOMENA], dtype=int)) for room in rooms()]
    for room, rows in parts:
        if not len(rows):
            continue
        try:
            take(room.derive([events[int(i)] for i in rows], scene, settings), rows)
        except (SkyscapeError, ArithmeticError, LookupError, ValueError) as error:
            name = room.__name__.rpartition(".")[2]
            log.exception("%s: set aside: %s", name, error)
            set_aside.append(name)
            for row in rows:
                missing[row].append("computation")
    data = {name: xr.Variable(("event",), values, {"units": FEATURES[name].unit}) for name, values in table.items()}
    data |= {name: xr.Variable(("event",), values) for name, values in best.items()}
    return Features(tuple(events), xr.Dataset(data), tuple(tuple(ids) for ids in missing), evidence), tuple(set_aside)
