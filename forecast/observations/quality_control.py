"""Quality control of station reports: each value is held against its limits, its company, its past
and its neighbours.

The rules work on whole columns and know nothing of files or archives. What they find is a flag an
element: WRONG outside the limits, INCONSISTENT where two values of one report contradict each other
(nobody can say which), DOUBTFUL where a value leaps, stands still or stands apart. Nothing is
changed or thrown away. A value that a rule cannot judge, for want of company, passes it.
Source: WMO-No. 488 (2010), app. VI.2; WMO-No. 8 (2021), vol. V, ch. 1, 1.A; limits, steps and
hours: quantities.ELEMENTS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.domain import DOUBTFUL, GOOD, INCONSISTENT, WRONG, Observation, Station
from forecast.geo import EARTH_RADIUS
from forecast.quantities import ELEMENTS, FREEZING
from forecast.science.thermodynamics import (
    LAPSE_RATE,
    SATURATED_AT_STATION,
    saturation_vapour_pressure,
)

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INDEX = {name: column for column, name in enumerate(ELEMENTS)}
RULES = ("range", "internal", "step", "persistence", "spatial")  # in this order a value meets them
# forms in which direction 0 means calm; an automatic vane may call north 0
CALM_CODED_FORMS = frozenset(("synop", "bufr", "metar", "micaps1"))
# forms that round to whole degrees and hPa: an unchanging value takes longer to be odd
ROUNDED_FORMS = frozenset(("metar",))
# forms that bring flags of their own: what they doubt stays doubted
FLAGGED_FORMS = frozenset(("isd", "afile"))

REACH = 3 * 3600  # [s] between two reports that still are compared
# of the hour's step is allowed at any interval: 3 K, 2 hPa, 15 % in a minute (WMO-No. 8, 1.A: 3 K,
# 2 hPa, 15 %)
FLOOR = 0.25
GUSTY = ("wind_speed", "wind_speed_of_gust")  # turbulent: the whole step is allowed at any interval
CONSTANT_REPORTS = 5  # reports without a change, at least, before persistence is asked
LONGEST = 48 * 3600  # [s] that persistence looks back: the longest `still`

CALM = 0.2  # [m s-1]
# [K] by which a dew point in whole degrees may stand above a temperature in tenths (MICAPS, METAR)
ROUNDING = 0.5
# [1] by which cover in eighths may exceed the same cover in tenths: 5/8 against 0.6, 3/4 against
# 0.7
MIXED = 0.06
NO_LOW_BASE = 2500.0  # [m] WMO-No. 306, code table 1600, 9: such a base, or no cloud at all
# [K] a degree of frost: where a hygrometer gives the frost point, it stands so far above the dew
# point
FROST = 0.12
HUMIDITY = 0.10  # [1] by which humidity may differ from that of temperature and dew point
GUST = 0.5  # [m s-1] by which a rounded gust may fall short of a rounded mean
FOG = 1000.0  # [m] WMO-No. 306, table 4677, 42-49 and 4680, 30-35: visibility is less
DEEP, CLEAR_VIEW = 100.0, 5000.0  # [m] so far below the top of unbroken cloud nobody sees so far
GRASS, WARM = 0.05, 293.15  # [m, K] such a depth of snow in such warmth is a sensor above grass
GROWTH, THAW = 0.02, 278.15  # [m, K] nor does snow grow by so much between two reports in such air

NEIGHBOURS, NEAREST, AROUND = 3, 10, 100.0  # at least, at most, within [km]
SLOT = 1800  # [s] within which reports are of one moment
# [K m-1] of the standard atmosphere; of the dew point of well-mixed air
LAPSE = {"air_temperature": LAPSE_RATE, "dew_point_temperature": 0.0020}
# How far the lapse itself may be off [K m-1]: a winter inversion is isothermal or worse, air above
# it is bone dry.
LAPSE_UNCERTAINTY = {"air_temperature": 0.0080, "dew_point_temperature": 0.0150}
# [m] above it pressure reduced to the sea depends on how it was reduced: not compared
HIGHEST_REDUCED = 800.0


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Reports as columns, each station's form (`series`) by itself, by rising time.

    seconds (row) since 1970; values, given (row, element): SI with NaN, and the flags that the
    reports brought along. place (row): index into `places`, -1 where nobody knows where the station
    stands.
    """

    observations: tuple[Observation, ...]
    series: Integers
    seconds: Integers
    values: Floats
    given: NDArray[np.int8]
    place: Integers
    places: tuple[Station, ...]
    coded: Mask
    whole: Mask

    @classmethod
    def of(cls, observations: Iterable[Observation], places: Mapping[str, Station]) -> ReportTable:
        rows = tuple(sorted(observations, key=lambda o: (o.station, o.form, o.time)))
        values = np.full((len(rows), len(INDEX)), np.nan)
        given = np.zeros(values.shape, dtype=np.int8)
        at, column, said = list[int](), list[int](), list[float]()
        numbers: dict[tuple[str, str], int] = {}
        known = {name: number for number, name in enumerate(places)}
        for number, row in enumerate(rows):
            numbers.setdefault((row.station, row.form), len(numbers))
            for name, value in row.values.items():
                # an archive may hold elements that the catalogue has no more
                if (index := INDEX.get(name)) is not None:
                    at.append(number)
                    column.append(index)
                    said.append(value)
            if row.form in FLAGGED_FORMS:
                for name, flag in row.flags.items():
                    if name in INDEX and flag in (DOUBTFUL, WRONG):
                        given[number, INDEX[name]] = flag
        values[at, column] = said
        return cls(
            observations=rows,
            series=np.array([numbers[row.station, row.form] for row in rows], dtype=np.int64),
            seconds=np.array([int(row.time.timestamp()) for row in rows], dtype=np.int64),
            values=values, given=given,
            place=np.array([known.get(row.station, -1) for row in rows], dtype=np.int64),
            places=tuple(places.values()),
            coded=np.array([row.form in CALM_CODED_FORMS for row in rows], dtype=bool),
            whole=np.array([row.form in ROUNDED_FORMS for row in rows], dtype=bool),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class QualityFlags:
    """What the rules found in a table: flags (row, element), and by rule which values it caught."""

    table: ReportTable
    flags: NDArray[np.int8]
    caught: Mapping[str, Mask]

    def of(self, row: int) -> dict[str, int]:
        """The flags of one report, for every element that it has."""
        names = self.table.observations[row].values
        if not self.flags[row].any():
            return dict.fromkeys(names, GOOD)
        found = self.flags[row].tolist()
        return {name: found[INDEX[name]] for name in names if name in INDEX}

    def summary(self, rows: Sequence[int] | Integers) -> Counter[str]:
        """How many values each rule caught in `rows`."""
        return Counter(
            {rule: int(mask[rows].sum()) for rule, mask in self.caught.items() if mask[rows].any()}
        )


def check(table: ReportTable) -> QualityFlags:
    """Return the flags of every value of `table`; of several rules the gravest counts, and what the
    report itself doubted stays so.
    """
    caught = _alone(table)
    values = np.where(caught["range"], np.nan, table.values)
    caught["step"], caught["persistence"] = (
        np.zeros_like(caught["range"]),
        np.zeros_like(caught["range"]),
    )
    for name, element in ELEMENTS.items():
        column = INDEX[name]
        if element.step:
            floor = 1.0 if name in GUSTY else FLOOR
            caught["step"][:, column] = step_check(
                table.series, table.seconds, values[:, column], element.step, floor
            )
        if element.still:
            still = np.where(table.whole, 2 * element.still, element.still) * 3600
            natural = naturally_constant(name, values)
            caught["persistence"][:, column] = persistence_check(
                table.series, table.seconds, values[:, column], still, natural
            )
    caught["step"][:, INDEX["snow_depth"]] |= snow_growth_check(
        table.series,
        table.seconds,
        values[:, INDEX["snow_depth"]],
        values[:, INDEX["air_temperature"]],
    )
    doubted = caught["step"] | caught["persistence"] | (table.given > GOOD)
    caught["spatial"] = spatial_check(table, np.where(doubted, np.nan, values))
    return _verdict(table, caught)


def check_each_report(table: ReportTable) -> QualityFlags:
    """Return the flags that each report of `table` earns by itself: by the rules of range and of
    its own consistency.
    """
    return _verdict(table, _alone(table))


def _alone(table: ReportTable) -> dict[str, Mask]:
    wrong = range_check(table.values)
    heights = np.array([station.elevation for station in table.places] + [np.nan])[table.place]
    return {
        "range": wrong,
        "internal": internal_check(np.where(wrong, np.nan, table.values), table.coded, heights),
    }


def _verdict(table: ReportTable, caught: Mapping[str, Mask]) -> QualityFlags:
    """Return the flags by the rules that were asked: the gravest counts, and what the report itself
    doubted stays so.
    """
    flags = table.given.copy()
    for rule, flag in zip(RULES, (WRONG, INCONSISTENT, DOUBTFUL, DOUBTFUL, DOUBTFUL), strict=True):
        if rule in caught:
            np.maximum(flags, flag, out=flags, where=caught[rule])
    return QualityFlags(table, flags, caught)


# -- one report


def range_check(values: Floats) -> Mask:
    """Which values (row, element) lie outside the limits of the catalogue. NaN: False."""
    low, high = (
        np.array([getattr(element, side) for element in ELEMENTS.values()])
        for side in ("low", "high")
    )
    return (values < low) | (values > high)


def internal_check(values: Floats, coded: Mask, heights: Floats) -> Mask:
    """Which values (row, element) contradict another of the same report. NaN contradicts nothing.

    coded (row): direction 0 means calm. heights (row) [m]: of the stations, NaN where not known.
    Source: WMO-No. 488, app. VI.2, 2 (internal consistency).
    """
    found = np.zeros(values.shape, dtype=bool)

    def column(name: str) -> Floats:
        return values[:, INDEX[name]]

    def mark(which: Mask, *names: str) -> None:
        for name in names:
            found[:, INDEX[name]] |= which

    temperature, dew_point, humidity = (
        column("air_temperature"),
        column("dew_point_temperature"),
        column("relative_humidity"),
    )
    speed, direction, sight = (
        column("wind_speed"),
        column("wind_from_direction"),
        column("visibility_in_air"),
    )
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        frost = FROST * np.maximum(FREEZING - temperature, 0.0)
        mark(dew_point > temperature + ROUNDING + frost, "air_temperature", "dew_point_temperature")
        low, high = humidity_range(temperature, np.minimum(dew_point, temperature))
        mark(
            (humidity < low - HUMIDITY) | (humidity > high + HUMIDITY),
            "dew_point_temperature",
            "relative_humidity",
        )
        mark(column("wind_speed_of_gust") < speed - GUST, "wind_speed", "wind_speed_of_gust")
        mark(
            (speed == 0) & (direction != 0) & coded & np.isfinite(direction), "wind_from_direction"
        )
        mark((direction == 0) & (speed > 0) & coded, "wind_from_direction")
        total, below = column("cloud_area_fraction"), column("cloud_below_area_fraction")
        mark(
            column("low_cloud_area_fraction") > total + MIXED,
            "low_cloud_area_fraction",
            "cloud_area_fraction",
        )
        mark((total == 0) & (column("cloud_base_height") < NO_LOW_BASE), "cloud_base_height")
        top = column("cloud_below_top_altitude")
        mark(
            (below == 0) & np.isfinite(top), "cloud_below_area_fraction", "cloud_below_top_altitude"
        )
        mark(
            (below >= 0.99) & (top > heights + DEEP) & (sight > CLEAR_VIEW),
            "cloud_below_top_altitude",
            "visibility_in_air",
        )
        weather = column("present_weather")
        foggy = ((weather >= 42) & (weather <= 49)) | ((weather >= 130) & (weather <= 135))
        mark(foggy & (sight > FOG), "present_weather", "visibility_in_air")
        mark((column("snow_depth") >= GRASS) & (temperature > WARM), "snow_depth")
    return found


def humidity_range(temperature: Floats, dew_point: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and the highest humidity [1] that temperature and dew point [K] may stand
    for.

    Below freezing some instruments relate humidity to ice and some give the frost point: either
    reading is allowed.
    Source: WMO-No. 8 (2021), vol. I, ch. 4, annex 4.B.
    """
    water, vapour = saturation_vapour_pressure(temperature), saturation_vapour_pressure(dew_point)
    low = np.minimum(vapour, _over_ice(dew_point)) / water
    return low, vapour / np.minimum(water, _over_ice(temperature))


def _over_ice(temperature: Floats) -> Floats:
    """Return the vapour pressure [Pa] over ice, above freezing over water. Source: WMO-No. 8
    (2021), vol. I, annex 4.B.
    """
    celsius = np.minimum(temperature - FREEZING, 0.0)
    over_ice = 611.2 * np.exp(22.46 * celsius / (272.62 + celsius))
    return np.where(temperature < FREEZING, over_ice, saturation_vapour_pressure(temperature))


# -- one station in time


def step_check(
    series: Integers, seconds: Integers, values: Floats, step: float, floor: float = FLOOR
) -> Mask:
    """Which values (row) leap from the one before by more than `step` allows, and are not borne out
    by the one after.

    step: what is allowed in an hour; it grows with the root of the time between two reports and is
    never below `floor` of itself. A front is a leap that lasts, so it passes once the next report
    confirms it; an error is a leap forth and back. NaN is passed over.
    """
    found = np.zeros(len(values), dtype=bool)
    # first the peaks; what stood before and after them is then compared with each other
    for again in (False, True):
        rows = np.flatnonzero(np.isfinite(values) & ~found)
        linked, jump = _jumps(series[rows], seconds[rows], values[rows], step, floor)
        before, after = np.concatenate([[False], jump]), np.concatenate([jump, [False]])
        followed = np.concatenate([linked, [False]])
        peaks = before[: len(rows)] & after[: len(rows)]
        last = before[: len(rows)] & ~followed[: len(rows)]
        found[rows[peaks | last if again else peaks]] = True
    return found


def _jumps(
    series: Integers, seconds: Integers, values: Floats, step: float, floor: float
) -> tuple[Mask, Mask]:
    """Return between which neighbouring rows a comparison is fair, and between which the value
    jumps (row - 1).
    """
    elapsed = np.diff(seconds)
    linked = (np.diff(series) == 0) & (elapsed > 0) & (elapsed <= REACH)
    allowed = step * np.maximum(np.sqrt(np.maximum(elapsed, 0) / 3600), floor)
    return linked, linked & (np.abs(np.diff(values)) > allowed)


def constant_runs(series: Integers, seconds: Integers, values: Floats) -> tuple[Integers, Integers]:
    """Return the rows that have a value, and for each (as a place in that list) where its run of
    equal values begins.

    A run ends where the value or the series changes and where nothing came for REACH.
    """
    rows = np.flatnonzero(np.isfinite(values))
    if not len(rows):
        return rows, rows
    new = (
        (np.diff(series[rows]) != 0)
        | (np.diff(values[rows]) != 0)
        | (np.diff(seconds[rows]) > REACH)
    )
    places = np.arange(len(rows))
    return rows, np.maximum.accumulate(np.where(np.concatenate([[True], new]), places, 0))


def stations_needing_more(table: ReportTable, fresh: Mask, asked: Mask) -> set[str]:
    """Return the stations of whose reports more must be known before persistence can judge the rows
    that are `asked` (row) for.

    Their unchanging value reaches back to where the table begins, or, past the `fresh` rows, on to
    where it ends.
    """
    found: set[str] = set()
    last_fresh = np.full(int(table.series.max(initial=-1)) + 1, -1)
    np.maximum.at(last_fresh, table.series[fresh], np.flatnonzero(fresh))
    for name, element in ELEMENTS.items():
        if not element.still:
            continue
        rows, start = constant_runs(table.series, table.seconds, table.values[:, INDEX[name]])
        if not len(rows):
            continue
        series = table.series[rows]
        edge = np.flatnonzero(np.concatenate([[True], np.diff(series) != 0, [True]]))
        number = np.searchsorted(edge, np.arange(len(rows)), side="right") - 1
        first, last = edge[number], edge[number + 1] - 1
        # the first row after the last fresh one, if it is of the series
        later = np.searchsorted(rows, last_fresh[series], side="right")
        back = asked[rows] & (start == first)
        on = (last_fresh[series] >= 0) & (later <= last) & (start[last] <= later)
        open_ended = (back | on) & ~naturally_constant(name, table.values[rows])
        found.update(table.observations[row].station for row in rows[open_ended])
    return found


def persistence_check(
    series: Integers, seconds: Integers, values: Floats, still: Floats, natural: Mask
) -> Mask:
    """Which values (row) have not changed for `still` (row) [s] and ENOUGH reports, where that is
    not `natural` (row).
    """
    found = np.zeros(len(values), dtype=bool)
    rows, start = constant_runs(series, seconds, values)
    lasting = seconds[rows] - seconds[rows[start]] >= np.minimum(still[rows], LONGEST)
    found[rows] = lasting & (np.arange(len(rows)) - start + 1 >= CONSTANT_REPORTS) & ~natural[rows]
    return found


def naturally_constant(name: str, values: Floats) -> Mask:
    """In which rows of `values` (row, element) an unchanging `name` is no fault: calm, and the
    direction in it; saturated air.
    """
    with np.errstate(invalid="ignore"):
        if name in ("wind_speed", "wind_from_direction"):
            return values[:, INDEX["wind_speed"]] <= CALM
        if name == "relative_humidity":
            return values[:, INDEX[name]] >= SATURATED_AT_STATION
        if name == "dew_point_temperature":
            return values[:, INDEX["air_temperature"]] - values[:, INDEX[name]] <= ROUNDING
        if name == "mass_concentration_of_pm2p5":
            return values[:, INDEX[name]] <= 1e-9  # clean air at the monitor's limit
    return np.zeros(len(values), dtype=bool)


def snow_growth_check(series: Integers, seconds: Integers, depth: Floats, temperature: Floats) -> Mask:
    """Which depths of snow (row) grew since the report before although the air is too warm for it."""
    found = np.zeros(len(depth), dtype=bool)
    rows = np.flatnonzero(np.isfinite(depth))
    linked = (np.diff(series[rows]) == 0) & (np.diff(seconds[rows]) <= REACH)
    with np.errstate(invalid="ignore"):
        found[rows[1:]] = linked & (np.diff(depth[rows]) >= GROWTH) & (temperature[rows[1:]] > THAW)
    return found


# -- stations among each other


def spatial_check(table: ReportTable, sound: Floats) -> Mask:
    """Which of the `sound` values (row, element) stand apart from the median of their neighbours,
    brought to the station's height.

    Allowed is the catalogue's distance, twice the neighbours' own spread, and what the lapse may be
    off over the difference in height: a summit above an inversion is no error. Fewer than
    NEIGHBOURS: nothing is found.
    """
    found = np.zeros(sound.shape, dtype=bool)
    if len(table.places) <= NEIGHBOURS or not len(sound):
        return found
    placed = np.flatnonzero(table.place >= 0)
    near = neighbours(table.places)
    heights = np.array([station.elevation for station in table.places])
    for name, element in ELEMENTS.items():
        if element.spatial:
            column = sound[placed, INDEX[name]]
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
    """Return the nearest others of each place (place, NEAREST) within AROUND, as indices; -1 where
    there are no more.
    """
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
    law: tuple[float, float, float],
) -> Mask:
    """Which values (row) stand apart. law: distance allowed, lapse a metre, how far that may be off
    a metre.
    """
    allowed, lapse, unsure = law
    slots, slot = np.unique((seconds + SLOT // 2) // SLOT, return_inverse=True)
    found = np.zeros(len(values), dtype=bool)
    width = max(1, 2_000_000 // (len(near) + 1))  # moments held at once
    for first in range(0, len(slots), width):
        rows = np.flatnonzero((slot >= first) & (slot < first + width) & np.isfinite(values))
        # the last line stands for -1: nobody
        grid = np.full((len(near) + 1, min(width, len(slots) - first)), np.nan)
        grid[place[rows], slot[rows] - first] = values[rows]
        beside = near[place[rows]]
        rise = np.where(beside >= 0, heights[place[rows]][:, None] - heights[beside], np.nan)
        theirs = grid[beside, (slot[rows] - first)[:, None]] - lapse * rise
        rise = np.where(np.isnan(theirs), np.nan, np.abs(rise))
        middle = _median(theirs)
        spread = _median(np.abs(theirs - middle[:, None]))
        enough = np.isfinite(theirs).sum(axis=1) >= NEIGHBOURS
        limit = allowed + 2 * spread + unsure * _median(rise)
        found[rows] = enough & (
            np.abs(values[rows] - np.where(enough, middle, 0.0)) > np.where(enough, limit, np.inf)
        )
    return found


def _median(values: Floats) -> Floats:
    """Return the median along the last axis without the NaN, NaN where there is nothing else."""
    ordered = np.sort(values, axis=-1)  # NaN last
    count = np.isfinite(ordered).sum(axis=-1)
    lower = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    upper = np.take_along_axis(
        ordered, np.minimum(count // 2, ordered.shape[-1] - 1)[..., None], axis=-1
    )[..., 0]
    return np.where(count > 0, (lower + upper) / 2, np.nan)
