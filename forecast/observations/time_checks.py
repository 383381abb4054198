"""Quality checks of one station's series: step, persistence, and growth of snow depth."""

from __future__ import annotations

import numpy as np

from forecast.observations.report_checks import ROUNDING
from forecast.observations.report_table import INDEX, Floats, Integers, Mask, ReportTable
from forecast.quantities import ELEMENTS
from forecast.science.thermodynamics import SATURATED_AT_STATION

REACH = 3 * 3600  # [s] between two reports that are still compared
# of the hour's step is allowed at any interval: 3 K, 2 hPa, 15 % in a minute (WMO-No. 8, 1.A)
FLOOR = 0.25
CONSTANT_REPORTS = 5  # reports without a change, at least, before persistence is checked
LONGEST = 48 * 3600  # [s] that the persistence check looks back: the longest `still`
CALM = 0.2  # [m s-1]
# [m, K] snow depth does not grow by so much between two reports in such warm air
GROWTH, THAW = 0.02, 278.15
FASTEST = 0.35  # [m h-1] by which snow depth may grow: the heaviest snowfalls have 0.3 (check)
# [m, m per kg m-2] snow that may drift onto a sensor between two reports, and the depth of the
# lightest new snow of 1 mm of water: eight of ten snowfalls of Mount Washington have 0.0034 to
# 0.015, and this is far beyond (check)
DRIFT, LIGHTEST = 0.10, 0.04


def step_check(
    series: Integers, seconds: Integers, values: Floats, step: float, floor: float = FLOOR
) -> Mask:
    """Return which values (row) jump from the previous one and are not confirmed by the next one.

    step: the change allowed in one hour. The allowed change grows with the square root of the time
    between two reports and is at least `floor` times `step`. A front is a jump that lasts: it
    passes once the next report confirms it. An error jumps there and back; a value that comes back
    to what was reported within REACH before the jump is none. NaN is skipped.
    """
    found = np.zeros(len(values), dtype=bool)
    # First the peaks; then their neighbours in time are compared with each other.
    for again in (False, True):
        rows = np.flatnonzero(np.isfinite(values) & ~found)
        linked, jump = _jumps(series[rows], seconds[rows], values[rows], step, floor)
        before, after = np.concatenate([[False], jump]), np.concatenate([jump, [False]])
        followed = np.concatenate([linked, [False]])
        peaks = before[: len(rows)] & after[: len(rows)]
        last = before[: len(rows)] & ~followed[: len(rows)]
        if again and last.any():
            last &= ~_returned(series[rows], seconds[rows], values[rows], step, last)
        found[rows[peaks | last if again else peaks]] = True
    return found


def _returned(
    series: Integers, seconds: Integers, values: Floats, step: float, asked: Mask
) -> Mask:
    """Return which of the rows `asked` are within FLOOR of `step` of a value of the last REACH."""
    found = np.zeros(len(values), dtype=bool)
    for row in np.flatnonzero(asked).tolist():
        before = row - 1
        while before >= 0 and series[before] == series[row]:
            if seconds[row] - seconds[before] > REACH:
                break
            if abs(values[before] - values[row]) <= FLOOR * step:
                found[row] = True
                break
            before -= 1
    return found


def _jumps(
    series: Integers, seconds: Integers, values: Floats, step: float, floor: float
) -> tuple[Mask, Mask]:
    """Return which successive rows are comparable, and between which the value jumps (row - 1)."""
    elapsed = np.diff(seconds)
    linked = (np.diff(series) == 0) & (elapsed > 0) & (elapsed <= REACH)
    allowed = step * np.maximum(np.sqrt(np.maximum(elapsed, 0) / 3600), floor)
    return linked, linked & (np.abs(np.diff(values)) > allowed)


def constant_runs(series: Integers, seconds: Integers, values: Floats) -> tuple[Integers, Integers]:
    """Return the rows that have a value, and where the run of equal values of each begins.

    The start is an index into the returned rows. A run ends where the value or the series changes,
    or where no report came for REACH.
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


def stations_needing_more(table: ReportTable, fresh: Mask, affected: Mask) -> set[str]:
    """Return the stations of which `persistence_check` needs more reports than the table holds.

    affected (row): rows whose flags are wanted. fresh (row): new rows. A run of constant values
    reaches back to the start of the table or, beyond the fresh rows, to its end.
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
        back = affected[rows] & (start == first)
        on = (last_fresh[series] >= 0) & (later <= last) & (start[last] <= later)
        open_ended = (back | on) & ~naturally_constant(name, table.values[rows])
        found.update(table.observations[row].station for row in rows[open_ended])
    return found


def persistence_check(
    series: Integers, seconds: Integers, values: Floats, still: Floats, natural: Mask
) -> Mask:
    """Return which values (row) stay constant for `still` (row) [s] and CONSTANT_REPORTS reports.

    natural (row): where a constant value is no fault.
    """
    found = np.zeros(len(values), dtype=bool)
    rows, start = constant_runs(series, seconds, values)
    lasting = seconds[rows] - seconds[rows[start]] >= np.minimum(still[rows], LONGEST)
    found[rows] = lasting & (np.arange(len(rows)) - start + 1 >= CONSTANT_REPORTS) & ~natural[rows]
    return found


def naturally_constant(name: str, values: Floats) -> Mask:
    """Return in which rows of `values` (row, element) a constant `name` is no fault.

    These are calm wind and its direction, saturated air, and clean air at the monitor's limit.
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


def _too_fast(series: Integers, seconds: Integers, depth: Floats) -> Mask:
    """Return which snow depths (row) are deeper than any snowfall makes them within REACH.

    So are those behind, until the depth before allows them. depth: without NaN.
    """
    found = np.zeros(len(depth), dtype=bool)
    hours = np.maximum(np.diff(seconds) / 3600, 1.0)
    linked = (np.diff(series) == 0) & (np.diff(seconds) <= REACH)
    fast = linked & (np.diff(depth) > DRIFT + FASTEST * hours)
    for base in np.flatnonzero(fast).tolist():
        if found[base]:
            continue
        for row in range(base + 1, len(depth)):
            elapsed = seconds[row] - seconds[base]
            if series[row] != series[base] or elapsed > REACH:
                break
            if depth[row] - depth[base] <= DRIFT + FASTEST * max(elapsed / 3600, 1.0):
                break
            found[row] = True
    return found


def snow_growth_check(
    series: Integers, seconds: Integers, depth: Floats, temperature: Floats, precipitation: Floats
) -> Mask:
    """Return which snow depths (row) grew since the previous report though no snow fell.

    Or they grew faster than any snow falls. The air was too warm for snow, or the precipitation
    of an hour [kg m-2], taken for all the time since, gives by far less.
    """
    found = np.zeros(len(depth), dtype=bool)
    rows = np.flatnonzero(np.isfinite(depth))
    found[rows] = _too_fast(series[rows], seconds[rows], depth[rows])
    linked = (np.diff(series[rows]) == 0) & (np.diff(seconds[rows]) <= REACH)
    with np.errstate(invalid="ignore"):
        growth, hours = np.diff(depth[rows]), np.maximum(np.diff(seconds[rows]) / 3600, 1.0)
        warm = (growth >= GROWTH) & (temperature[rows[1:]] > THAW)
        dry = growth > DRIFT + LIGHTEST * precipitation[rows[1:]] * hours
        found[rows[1:]] |= linked & (warm | dry)
    return found
