"""Rays of low sunlight followed back through an `AirSection`: what they meet of cloud and haze.

A ray is divided at the edges of the section's columns and is straight across each. Of cloud and
haze the sums over height are known, so a chord takes one difference, however many cells it
crosses. Everything is an array over rays; NaN in, NaN out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.science.arrays import Index, Mask
from forecast.science.light import CELL, CELLS, AirSection, effective_radius, ray_height
from forecast.science.thermodynamics import Array

LEVEL = 1.0  # [m] climb across a column below which a ray counts as level
BLOCK = 16  # events traced at once: their rays stay in the processor's cache


@dataclass(frozen=True, slots=True)
class HeightSums:
    """The extinction of a section summed over height, from which rays are integrated.

    All are flat (event x distance x cell) [m-1]. extinction; below: its sum over the cells below;
    lean: half its change from cell to cell, where it is linear within a cell with the cell's mean,
    None where it is uniform.
    """

    extinction: Array
    below: Array
    lean: Array | None


def sums_over_height(extinction: Array, leaning: bool) -> HeightSums:
    """Return the sums of an extinction (event, distance, cell) [m-1].

    leaning: it is linear within a cell, with the gradient of its neighbours and the cell's mean;
    else it is uniform.
    """
    return HeightSums(
        extinction.reshape(-1),
        (np.cumsum(extinction, axis=-1) - extinction).reshape(-1),
        np.gradient(extinction, axis=-1).reshape(-1) / 2 if leaning else None,
    )


@dataclass(frozen=True, slots=True)
class RayDepths:
    """Optical depth [1] of cloud and aerosol (550 nm) along rays (event, ray).

    free: whether the ground lets the ray pass. The depths of a ray that it stops are infinite.
    """

    cloud: Array
    aerosol: Array
    free: Mask


@dataclass(frozen=True, slots=True)
class SectionSums:
    """The sums over height of a section's cloud and aerosol: computed once for many rays."""

    cloud: HeightSums
    aerosol: HeightSums


def sums_of(section: AirSection) -> SectionSums:
    """Return the sums over height of a section."""
    return SectionSums(
        sums_over_height(section.cloud, leaning=False),
        sums_over_height(section.aerosol, leaning=True),
    )


def trace(
    section: AirSection,
    height: Array,
    elevation: Array,
    start: int = 0,
    over_ground: bool = True,
    events: Index | None = None,
    sums: SectionSums | None = None,
) -> RayDepths:
    """Return the optical depths along rays followed back through the section.

    The rays arrive at `height` [m] (event) above column `start` at `elevation` [degree] (event,
    ray). Exact for cloud that is uniform in each cell and for haze that is linear in each cell with
    the cell's mean, except for the ray's sag of 2 m below its chord across a column.
    over_ground=False ignores the ground, where the caller has a better terrain horizon.
    events: those of the section that the rays are of (event), by default each; sums: of the section
    where they are known. NaN where height or elevation is.
    """
    of = np.arange(len(height)) if events is None else events
    sums = sums_of(section) if sums is None else sums
    cloud, aerosol = np.full(elevation.shape, np.inf), np.full(elevation.shape, np.inf)
    free = np.zeros(elevation.shape, dtype=bool)
    for first in range(0, len(height), BLOCK):
        block = slice(first, first + BLOCK)
        chords, rays = _followed(
            section, of[block], height[block], elevation[block], start, over_ground
        )
        free[block][rays] = True
        cloud[block][rays] = chords.met(sums.cloud).sum(axis=-1)
        aerosol[block][rays] = chords.met(sums.aerosol).sum(axis=-1)
    # ratio of the path to its length along the ground
    unknown = np.isnan(elevation) | np.isnan(height)[:, None]
    slant = np.where(unknown, np.nan, 1 / np.cos(np.radians(elevation)))
    return RayDepths(cloud * slant, aerosol * slant, free)


@dataclass(frozen=True, slots=True)
class ColumnDepths:
    """Rays column by column: depth of cloud [1] in each and the cell met (event, ray, distance).

    aerosol: depth [1] of the whole ray, free: whether the ground lets it pass (event, ray). Of a
    ray that is not free the cloud is 0, the aerosol infinite.
    """

    cloud: Array
    cell: Index
    aerosol: Array
    free: Mask


def trace_columns(
    section: AirSection, height: Array, elevation: Array, start: int, sums: SectionSums
) -> ColumnDepths:
    """Return what rays meet in each column of the section, from `start` on; as `trace` does."""
    columns = section.distance.size - start
    cloud = np.zeros((*elevation.shape, columns))
    cell = np.zeros(cloud.shape, dtype=np.intp)
    aerosol, free = np.full(elevation.shape, np.inf), np.zeros(elevation.shape, dtype=bool)
    chords, rays = _followed(section, np.arange(len(height)), height, elevation, start, True)
    cloud[rays], cell[rays] = chords.met(sums.cloud), chords.cell()
    aerosol[rays] = chords.met(sums.aerosol).sum(axis=-1)
    free[rays] = True
    slant = 1 / np.cos(np.radians(elevation))
    return ColumnDepths(cloud, cell, aerosol * slant, free)


def cloud_met(
    section: AirSection, height: Array, elevation: Array, start: int = 0
) -> tuple[Array, Index]:
    """Return cloud optical depth [1] in each column (event, ray, distance) and the ray's cell.

    Columns count from `start`. The ground stops no ray.
    """
    events, rays = elevation.shape
    of = np.repeat(np.arange(events), rays)
    chords = _Chords(section.distance, of, height[of], elevation.reshape(-1), start)
    shape = (events, rays, -1)
    met = chords.met(sums_over_height(section.cloud, leaning=False))
    return met.reshape(shape), chords.cell().reshape(shape)


def _followed(
    section: AirSection,
    events: Index,
    height: Array,
    elevation: Array,
    start: int,
    over_ground: bool,
) -> tuple[_Chords, Mask]:
    """Return the rays that come through, and which they are (event, ray).

    Rays of no known height or elevation are none, nor, `over_ground`, those that the ground stops.
    events: of the section (event).
    """
    through = ~(np.isnan(elevation) | np.isnan(height)[:, None])
    if over_ground:
        through &= ~_underground(section, height[:, None], elevation, start)
    event, ray = np.nonzero(through)
    chords = _Chords(section.distance, events[event], height[event], elevation[event, ray], start)
    if over_ground:
        above = chords.above_ground(section.ground)
        through[event, ray] = above
        chords.keep(above)
    return chords, through


def _underground(section: AirSection, height: Array, elevation: Array, start: int) -> Mask:
    """Return which rays pass so deep under the lowest ground that no chord of theirs is over it.

    A quick check: half of the rays of a low sun need not be followed.
    """
    radius, angle = effective_radius(), np.radians(elevation)
    away = section.distance[start:] - section.distance[start]
    # a chord's middle is over a ray's lowest point by less
    margin = np.diff(away).max(initial=0.0) ** 2 / (2 * radius) + 1.0
    lowest = (radius + height) * np.cos(angle) - radius
    reached = (angle < 0) & (-angle * radius <= away[-1])
    return np.asarray(reached & (lowest < section.ground.min() - margin))


class _Chords:
    """Rays divided at the edges of columns (ray, distance), straight across each column.

    events: of the section, of each ray.
    """

    def __init__(
        self, distance: Array, events: Index, height: Array, elevation: Array, start: int
    ) -> None:
        away = distance[start:] - distance[start]
        edges = np.concatenate([away[:1], (away[1:] + away[:-1]) / 2, away[-1:]])
        self.start, self.columns, self.events = start, distance.size, events
        self.length = np.diff(edges)
        # [m] of a ray below its chord, on average
        sag = self.length.max() ** 2 / (12 * effective_radius())
        self.height = np.nan_to_num(ray_height(height[:, None], elevation[:, None], edges)) - sag
        self._cells: tuple[Index, Index] | None = None

    def keep(self, rays: Mask) -> None:
        """Keep only some of the rays."""
        self.height, self.events = self.height[rays], self.events[rays]

    def middle(self) -> Array:
        """Return the height [m] at the middle of each chord."""
        return (self.height[:, :-1] + self.height[:, 1:]) / 2

    def cell(self) -> Index:
        """Return the cell at the middle of each chord."""
        return np.clip(self.middle() / CELL, 0, CELLS - 1).astype(np.intp)

    def above_ground(self, ground: Array) -> Mask:
        """Return which rays stay above `ground` [m] (event, distance)."""
        return np.asarray((self.middle() >= ground[self.events, self.start :]).all(axis=-1))

    def met(self, sums: HeightSums) -> Array:
        """Return the optical depth [1] of each chord (ray, distance).

        The length times the mean extinction between the heights of its two ends: the difference of
        two integrals over height divided by the climb.
        """
        self._place()
        assert self._cells is not None
        ends = []
        for cells, share in zip(self._cells, (self.share[:, :-1], self.share[:, 1:]), strict=True):
            within = sums.extinction.take(cells)
            if sums.lean is not None:
                within -= sums.lean.take(cells) * (1 - share)
            within *= share
            within += sums.below.take(cells)
            ends.append(within)
        depth = ends[1]
        depth -= ends[0]
        depth *= CELL * self.length
        np.divide(depth, self.climb, out=depth, where=np.abs(self.climb) >= LEVEL)
        if self.level.size:
            depth.reshape(-1)[self.level] = self._level(sums)
        return depth

    def _place(self) -> None:
        """Find the cells at the ends of the chords, once."""
        if self._cells is not None:
            return
        self.climb = np.diff(self.height)
        self.level = np.flatnonzero(np.abs(self.climb) < LEVEL)
        place = np.clip(self.height / CELL, 0.0, CELLS)
        cell = np.minimum(place.astype(np.intp), CELLS - 1)
        self.share = place - cell
        columns = np.arange(self.start, self.columns) * CELLS
        self._floor = (self.events * (self.columns * CELLS))[:, None] + columns
        self._cells = (self._floor + cell[:, :-1], self._floor + cell[:, 1:])

    def _level(self, sums: HeightSums) -> Array:
        """Return the optical depth [1] of level chords, from the extinction at their middle."""
        ends = self.height
        ray, column = np.divmod(self.level, self.length.size)
        height = (ends[ray, column] + ends[ray, column + 1]) / 2
        cell = np.clip(height / CELL, 0, CELLS - 1).astype(np.intp)
        index = self._floor[ray, column] + cell
        within = sums.extinction[index] + (
            0.0 if sums.lean is None else sums.lean[index] * (2 * (height / CELL - cell) - 1)
        )
        return np.where(height < CELLS * CELL, within, 0.0) * self.length[column]
