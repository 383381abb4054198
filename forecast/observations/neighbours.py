"""The spatial quality check: a station's value against those of its neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecast.domain import Station
from forecast.geo import EARTH_RADIUS
from forecast.observations.report_table import INDEX, Floats, Integers, Mask, ReportTable
from forecast.quantities import ELEMENTS
from forecast.science.thermodynamics import LAPSE_RATE

NEIGHBOURS, NEAREST, AROUND = 3, 10, 100.0  # at least, at most, within [km]
SLOT = 1800  # [s] within which reports count as simultaneous
# [K m-1] of the standard atmosphere; of the dew point of well-mixed air
LAPSE = {"air_temperature": LAPSE_RATE, "dew_point_temperature": 0.0020}
# Uncertainty of the lapse rate [K m-1]: a winter inversion is isothermal or stronger, and the air
# above it is very dry.
LAPSE_UNCERTAINTY = {"air_temperature": 0.0080, "dew_point_temperature": 0.0150}
# [m] above which sea-level pressure depends on the method of reduction: not compared
HIGHEST_REDUCED = 800.0


def slot_of(seconds: Integers) -> Integers:
    """Return the time slot (row) in which reports count as simultaneous. seconds: since 1970."""
    return (seconds + SLOT // 2) // SLOT


def spatial_check(table: ReportTable, values: Floats) -> Mask:
    """Return which `values` (row, element) differ from the median of their neighbours.

    Neighbours' values are brought to the station's height. Allowed are the catalogue's distance,
    twice the neighbours' own spread, and the uncertainty of the lapse rate over the difference in
    height: a summit above an inversion is no error. With fewer than NEIGHBOURS nothing is found.
    """
    found = np.zeros(values.shape, dtype=bool)
    if len(table.places) <= NEIGHBOURS or not len(values):
        return found
    placed = np.flatnonzero(table.place >= 0)
    near = neighbours(table.places)
    heights = np.array([station.elevation for station in table.places])
    for name, element in ELEMENTS.items():
        if element.spatial:
            column = values[placed, INDEX[name]]
            if name == "air_pressure_at_mean_sea_level":
                column = np.where(heights[table.place[placed]] > HIGHEST_REDUCED, np.nan, column)
            apart = _apart(
                table.place[placed],
                table.seconds[placed],
                column,
                near,
                heights,
                (element.spatial, LAPSE.get(name, 0.0), LAPSE_UNCERTAINTY.get(name, 0.0)),
            )
            found[placed, INDEX[name]] = apart
    return found


def neighbours(places: Sequence[Station]) -> Integers:
    """Return the nearest other places within AROUND (place, NEAREST), as indices; -1: no more."""
    from scipy.spatial import cKDTree

    latitude, longitude = (
        np.radians([getattr(place, name) for place in places]) for name in ("latitude", "longitude")
    )
    points = np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        axis=-1,
    )
    chord = 2 * np.sin(1000 * AROUND / EARTH_RADIUS / 2)
    _, near = cKDTree(points).query(points, k=NEAREST + 1, distance_upper_bound=chord)
    near = np.where((near == len(places)) | (near == np.arange(len(places))[:, None]), -1, near)
    return np.asarray(near, dtype=np.int64)


def _apart(
    place: Integers,
    seconds: Integers,
    values: Floats,
    near: Integers,
    heights: Floats,
    limits: tuple[float, float, float],
) -> Mask:
    """Return which values (row) differ from their neighbours of the same time slot.

    limits: allowed distance, lapse rate and its uncertainty, the latter two per metre.
    """
    allowed, lapse, uncertainty = limits
    slots, slot = np.unique(slot_of(seconds), return_inverse=True)
    found = np.zeros(len(values), dtype=bool)
    width = max(1, 2_000_000 // (len(near) + 1))  # time slots held at once
    for first in range(0, len(slots), width):
        rows = np.flatnonzero((slot >= first) & (slot < first + width) & np.isfinite(values))
        # the last row stands for index -1: no neighbour
        grid = np.full((len(near) + 1, min(width, len(slots) - first)), np.nan)
        grid[place[rows], slot[rows] - first] = values[rows]
        beside = near[place[rows]]
        rise = np.where(beside >= 0, heights[place[rows]][:, None] - heights[beside], np.nan)
        theirs = grid[beside, (slot[rows] - first)[:, None]] - lapse * rise
        rise = np.where(np.isnan(theirs), np.nan, np.abs(rise))
        middle = _median(theirs)
        spread = _median(np.abs(theirs - middle[:, None]))
        enough = np.isfinite(theirs).sum(axis=1) >= NEIGHBOURS
        limit = allowed + 2 * spread + uncertainty * _median(rise)
        found[rows] = enough & (
            np.abs(values[rows] - np.where(enough, middle, 0.0)) > np.where(enough, limit, np.inf)
        )
    return found


def _median(values: Floats) -> Floats:
    """Return the median along the last axis, ignoring NaN; NaN where all are NaN."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(ordered).sum(axis=-1)
    lower = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    upper = np.take_along_axis(
        ordered, np.minimum(count // 2, ordered.shape[-1] - 1)[..., None], axis=-1
    )[..., 0]
    return np.where(count > 0, (lower + upper) / 2, np.nan)
