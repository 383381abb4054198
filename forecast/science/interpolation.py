"""Interpolate an Atmosphere to sites, paths, moments and windows.

Everything works on whole arrays: many events and times in one call. Values outside the data are
NaN: beyond the grid, and beyond the first and last field by more than half a step (three hours at
most).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.domain import Atmosphere, Event, Site
from forecast.science.arrays import Index as Index
from forecast.science.arrays import Times as Times
from forecast.science.thermodynamics import Array, cloud_from_humidity, maximum_random_overlap

# longest time for which a field is held before the run's first or after its last one
LONGEST_HOLD = np.timedelta64(3, "h")
LONGEST_GAP = np.timedelta64(12, "h")  # no interpolation between fields further apart

# Pressure [Pa] between which GFS counts low, middle and high cloud (NCEP Unified Post Processor:
# 642, 350, 150 hPa).
LAYERS = {"low": (64200.0, 120000.0), "medium": (35000.0, 64200.0), "high": (15000.0, 35000.0)}


class Scene:
    """An atmosphere and the sites at which it is read. Profiles run upwards: pressure decreases."""

    def __init__(self, atmosphere: Atmosphere, sites: Sequence[Site]) -> None:
        self.atmosphere = atmosphere
        self.sites = tuple(sites)
        self.times: Times = atmosphere["time"].values
        self.pressure: Array = (
            atmosphere["level"].values.astype(float)
            if "level" in atmosphere.coords
            else np.empty(0)
        )
        self._row = {site.id: row for row, site in enumerate(self.sites)}
        self._at_sites: dict[str, Array] = {}
        self._contiguous: dict[str, Array] = {}

    def at_other(self, sites: Sequence[Site]) -> Scene:
        """Return the same atmosphere read at other sites; its rearranged fields are shared."""
        other = Scene(self.atmosphere, sites)
        other._contiguous = self._contiguous
        return other

    def rows(self, events: Sequence[Event]) -> Index:
        """Return the row of each event's site among `sites` (event)."""
        return np.array([self._row[event.site.id] for event in events], dtype=np.intp)

    def has(self, name: str) -> bool:
        """Return whether the atmosphere has a field."""
        return name in self.atmosphere.data_vars

    @property
    def estimates(self) -> tuple[str, ...]:
        """The ids of fields that were derived from others (words: templates/text, `missing`)."""
        return tuple(self.atmosphere.attrs.get("estimates", ()))

    # -- in space

    def at_sites(self, name: str) -> Array:
        """Return a field at every site (site, time[, level]), bilinear; NaN outside the data."""
        if name not in self._at_sites:
            latitude = np.array([site.latitude for site in self.sites])
            longitude = np.array([site.longitude for site in self.sites])
            rows, columns, weights = self._corners(latitude, longitude)
            values = self._field(name)  # (time, latitude, longitude[, level])
            picked = values[:, rows, columns]  # (time, corner, site[, level])
            weights = weights.reshape(1, *weights.shape, *(1,) * (picked.ndim - 3))
            self._at_sites[name] = np.moveaxis((picked * weights).sum(axis=1), 0, 1)
        return self._at_sites[name]

    def along(self, name: str, latitude: Array, longitude: Array, times: Times) -> Array:
        """Return a field at points (event, distance) at one time an event.

        The result is (event, distance[, level]).
        """
        rows, columns, weights = self._corners(latitude, longitude)  # (corner, event, distance)
        before, after, share = self._steps(times)
        values = self._profiles(name)
        level = (1,) * (values.ndim - 3)
        parts = []
        for step, part in ((before, 1 - share), (after, share)):
            factor = weights * part[None, :, None]
            whole = np.zeros(())
            for row, column, weight in zip(rows, columns, factor, strict=True):
                picked = values[step[:, None], row, column]
                picked[part == 0] = 0.0  # a step of weight 0 must not spread its missing values
                corner = picked * weight.reshape(weight.shape + level)
                whole = np.add(whole, corner, out=corner)
            parts.append(whole)
        result, last = parts
        result += last
        return result

    def _profiles(self, name: str) -> Array:
        """Return a variable as `_field` does, the levels of a point side by side in memory."""
        if name not in self._contiguous:
            self._contiguous[name] = np.ascontiguousarray(self._field(name))
        return self._contiguous[name]

    def _field(self, name: str) -> Array:
        """Return a variable as (time, latitude, longitude[, level])."""
        variable = self.atmosphere[name]
        last = ("level",) if "level" in variable.dims else ()
        return variable.transpose("time", "latitude", "longitude", *last).values

    @cached_property
    def _axes(self) -> tuple[Array, Array]:
        return self.atmosphere["latitude"].values.astype(float), self.atmosphere[
            "longitude"
        ].values.astype(float)

    def _corners(self, latitude: Array, longitude: Array) -> tuple[Index, Index, Array]:
        """Return the four grid points around each point and their weights (4, ...).

        Weights are NaN outside the grid.
        """
        parallels, meridians = self._axes
        span = 360.0 if longitude.size and (meridians[-1] - meridians[0]) > 350 else 0.0
        longitude = meridians[0] + np.mod(longitude - meridians[0], 360.0)
        row, north = _bracket(parallels, latitude)
        column, east = _bracket(
            np.append(meridians, meridians[0] + span) if span else meridians, longitude
        )
        rows = np.stack([row, row, row + 1, row + 1])
        columns = np.stack([column, column + 1, column, column + 1]) % len(meridians)
        rows = np.minimum(rows, len(parallels) - 1)
        weights = np.stack(
            [(1 - north) * (1 - east), (1 - north) * east, north * (1 - east), north * east]
        )
        return rows, columns, weights

    # -- in time

    def at(self, name: str, rows: Index, times: Times) -> Array:
        """Return a field at each event's moments (event, moment[, level]), linear in time."""
        return self.between(self.at_sites(name), rows, times)

    def between(self, values: Array, rows: Index, times: Times) -> Array:
        """Return values at the run's times (site, time[, ...]) read at (event, moment[, ...]).

        rows: the site of each event; linear in time.
        """
        before, after, share = self._steps(times)
        first, second = values[rows[:, None], before], values[rows[:, None], after]
        part = share.reshape(share.shape + (1,) * (values.ndim - 2)).astype(values.dtype)
        mixed = first + (second - first) * part
        # a step of weight 0 must not spread its missing values
        mixed[share == 0] = first[share == 0]
        return mixed

    def covers(self, times: Times) -> NDArray[np.bool_]:
        """Return at which moments the run has values, held ones included."""
        return ~np.isnan(self._steps(times)[2])

    def within(self, times: Times) -> NDArray[np.bool_]:
        """Return which moments lie between the run's first and last field.

        A field held beyond them may give how something will be, not when.
        """
        return np.asarray((times >= self.times[0]) & (times <= self.times[-1]))

    def reaches(self, start: Times, end: Times) -> NDArray[np.bool_]:
        """Return which spans overlap the time between the run's first and last field."""
        return np.asarray((start <= self.times[-1]) & (end >= self.times[0]))

    def share_known(self, known: NDArray[np.bool_], rows: Index, start: Times, end: Times) -> Array:
        """Return the part [1] of each span (event) that lies between known fields.

        known: (site, time), at the run's own times. The time before the first known field, after
        the last one and between fields further apart than LONGEST_GAP is not known; a held field
        does not count.
        """
        before, after = self.times[:-1], self.times[1:]
        between = known[:, :-1] & known[:, 1:] & (after - before <= LONGEST_GAP)
        common = np.minimum(after[None], end[:, None]) - np.maximum(before[None], start[:, None])
        common = np.maximum(common, np.timedelta64(0))
        return np.asarray(np.where(between[rows], common, 0).sum(axis=1) / (end - start))

    def amount(self, name: str, rows: Index, start: Times, end: Times) -> tuple[Array, Array]:
        """Return an accumulation between `start` and `end` (event) and the part of it covered [1].

        An interval that lies partly inside counts by its share of time. The amount is NaN where
        nothing is covered.
        """
        values = np.nan_to_num(self.at_sites(name)[rows], nan=0.0)
        shares, covered = self._shares(name, rows, start, end)
        amount = (values * shares).sum(axis=1)
        return np.where(covered > 0, amount, np.nan), covered

    def mean_over(self, name: str, rows: Index, times: Times) -> Array:
        """Return a time-mean field (event, moment): the mean of the interval around each moment.

        NaN where no interval contains the moment.
        """
        begins, ends, known = self._intervals(name, rows)
        inside = (
            known[:, None, :]
            & (begins[None, None] <= times[..., None])
            & (times[..., None] < ends[None, None])
        )
        found = inside.argmax(axis=-1)
        return np.where(inside.any(axis=-1), self.at_sites(name)[rows[:, None], found], np.nan)

    def _intervals(self, name: str, rows: Index) -> tuple[Times, Times, NDArray[np.bool_]]:
        begins = self.atmosphere[f"{name}_start"].values
        known = np.isfinite(self.at_sites(name)[rows]) & ~np.isnat(begins)[None, :]
        return begins, self.times, known

    def _shares(self, name: str, rows: Index, start: Times, end: Times) -> tuple[Array, Array]:
        """Return the share of each interval in [start, end) (event, time) and the part covered."""
        begins, ends, known = self._intervals(name, rows)
        common = np.minimum(ends[None], end[:, None]) - np.maximum(begins[None], start[:, None])
        common = np.maximum(common / np.timedelta64(1, "s"), 0.0)
        length = (ends - begins) / np.timedelta64(1, "s")
        shares = np.where(known, common / np.where(length > 0, length, np.nan), 0.0)
        covered = np.where(known, common, 0.0).sum(axis=1) / (
            (end - start) / np.timedelta64(1, "s")
        )
        return np.nan_to_num(shares), covered

    def _steps(self, times: Times) -> tuple[Index, Index, Array]:
        """Return the fields before and after each moment and the weight of the later one.

        The weight is NaN where the run has no value.
        """
        known = self.times
        before = np.clip(np.searchsorted(known, times, side="right") - 1, 0, len(known) - 1)
        after = np.clip(before + (times > known[before]), 0, len(known) - 1)
        gap = known[after] - known[before]
        share = np.where(
            gap > np.timedelta64(0),
            (times - known[before]) / np.where(gap > np.timedelta64(0), gap, 1),
            0.0,
        )
        reach = [LONGEST_HOLD, LONGEST_HOLD]
        if len(known) > 1:
            reach = [
                min(LONGEST_HOLD, (known[1] - known[0]) / 2),
                min(LONGEST_HOLD, (known[-1] - known[-2]) / 2),
            ]
        outside = (
            (times < known[0] - reach[0])
            | (times > known[-1] + reach[1])
            | (gap > LONGEST_GAP)
            | np.isnat(times)
        )
        return before, after, np.where(outside, np.nan, share)

    # -- cloud

    @cached_property
    def cloud_columns(self) -> tuple[Array, bool]:
        """Cloud fraction at every site (site, time, level) [1]; whether derived from humidity."""
        name = "cloud_area_fraction_in_atmosphere_layer"
        if self.has(name):
            return self.at_sites(name), "cloud_from_humidity" in self.estimates
        return cloud_from_humidity(self.at_sites("relative_humidity")), True

    @property
    def cloud_estimates(self) -> tuple[str, ...]:
        """The ids of how cloud by level at the sites was derived, before or here."""
        return self.estimates or ("cloud_from_humidity",) * self.cloud_columns[1]

    @cached_property
    def _layers_by_level(self) -> dict[str, Array]:
        """Cover of each layer by overlap of its levels (site, time) [1]."""
        cloud, _ = self.cloud_columns
        inside = {
            layer: (self.pressure > low) & (self.pressure <= high)
            for layer, (low, high) in LAYERS.items()
        }
        return {
            layer: maximum_random_overlap(cloud[..., levels]) for layer, levels in inside.items()
        }

    def cloud_layers(self, rows: Index, times: Times) -> tuple[dict[str, Array], NDArray[np.str_]]:
        """Return low, medium and high cloud cover (event, moment) [1] and its origin (event).

        Origins are `point` (the model's own, instantaneous), `levels` (overlap of its cloud by
        level), `mean` (a time mean around the moment), `humidity` (derived) and `none`; the poorest
        one used in the window is returned.
        """
        _, derived = self.cloud_columns
        own = {layer: f"{layer}_type_cloud_area_fraction" for layer in LAYERS}
        sources: list[tuple[str, dict[str, Array]]] = []
        if all(self.has(name) for name in own.values()):
            sources.append(
                ("point", {layer: self.at(name, rows, times) for layer, name in own.items()})
            )
        by_level = {
            layer: self.between(cover, rows, times)
            for layer, cover in self._layers_by_level.items()
        }
        means = {layer: f"{name}_mean" for layer, name in own.items()}
        by_mean = (
            [("mean", {layer: self.mean_over(name, rows, times) for layer, name in means.items()})]
            if self.has(means["low"])
            else []
        )
        sources += (
            [*by_mean, ("humidity", by_level)] if derived else [("levels", by_level), *by_mean]
        )
        result = {layer: np.full(times.shape, np.nan) for layer in LAYERS}
        used = np.full(times.shape, len(sources))
        for number, (_, values) in enumerate(sources):
            take = np.isnan(result["low"]) & np.isfinite(
                np.stack([values[layer] for layer in LAYERS])
            ).all(axis=0)
            for layer in LAYERS:
                result[layer] = np.where(take, values[layer], result[layer])
            used = np.where(take, number, used)
        names = np.array([*(name for name, _ in sources), "none"])
        # a mean may cover moments without a field
        needed = self.covers(times) | (used < len(sources))
        poorest = np.where(needed, used, -1).max(axis=1, initial=-1)
        return result, names[np.where(poorest < 0, len(sources), poorest)]


def _bracket(axis: Array, points: Array) -> tuple[Index, Array]:
    """Return the cell of the axis around each point and the point's fraction of it.

    The fraction is NaN outside the axis.
    """
    cell = np.clip(np.searchsorted(axis, points, side="right") - 1, 0, len(axis) - 2)
    share = (points - axis[cell]) / (axis[cell + 1] - axis[cell])
    slack = 1e-6
    inside = (share >= -slack) & (share <= 1 + slack)
    return cell, np.where(inside, np.clip(share, 0, 1), np.nan)


def whole_hour_from(times: Times) -> Times:
    """Return the first whole hour at or after each time (...); NaT stays NaT."""
    almost = np.timedelta64(3600 * 10**9 - 1, "ns")
    return (times + almost).astype("datetime64[h]")


def hours_between(start: Times, end: Times, step_minutes: int = 60) -> Times:
    """Return moments (event, moment) from each start to each end inclusive, padded with NaT.

    They are `step_minutes` apart.
    """
    step = np.timedelta64(step_minutes, "m")
    counts = np.where(
        np.isnat(start) | np.isnat(end), 0, ((end - start) / step).astype(float) // 1 + 1
    )
    width = int(counts.max(initial=0))
    moments = start[:, None].astype("datetime64[ns]") + np.arange(width) * step
    return np.where(np.arange(width) < counts[:, None], moments, np.datetime64("NaT", "ns"))


def edges_between(start: Times, end: Times, step_minutes: int = 60) -> Times:
    """Return the edges (event, edge) of the parts of each window, padded with NaT.

    The parts are `step_minutes` long; the last one ends with the window and may be shorter.
    """
    step = np.timedelta64(step_minutes, "m").astype("timedelta64[ns]")
    start, end = (times.astype("datetime64[ns]") for times in (start, end))
    unknown = np.isnat(start) | np.isnat(end)
    parts = np.where(unknown, -1, -((start - end).astype(np.int64) // step.astype(np.int64)))
    width = int(parts.max(initial=-1)) + 1
    number = np.arange(width)
    edges = np.minimum(start[:, None] + number * step, end[:, None])
    return np.where(number <= parts[:, None], edges, np.datetime64("NaT", "ns"))


def as_times(moments: Sequence[object]) -> Times:
    """Return aware datetimes (None: NaT) as datetime64[ns] in UTC."""
    from datetime import UTC, datetime

    nothing = np.datetime64("NaT", "ns")
    utc = (
        m.astimezone(UTC).replace(tzinfo=None) if isinstance(m, datetime) else None for m in moments
    )
    return np.array(
        [nothing if m is None else np.datetime64(m, "ns") for m in utc], dtype="datetime64[ns]"
    )
