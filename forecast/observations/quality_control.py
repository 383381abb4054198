"""Quality control of reports: range, internal, plausibility, step, persistence, spatial checks.

The rules work on whole columns and do not know files or archives. They find a flag for each value:
WRONG outside the limits; INCONSISTENT where two values of one report contradict each other (it is
unknown which is wrong); DOUBTFUL where a unit or a code for no value has probably slipped in, and
where a value jumps, stays constant or differs from its neighbours. No value is changed or removed.
A value that a rule cannot check, for lack of other reports, passes it.
Source: WMO-No. 488 (2010), app. VI.2; WMO-No. 8 (2021), vol. V, ch. 1, 1.A; limits, steps and
hours: quantities.ELEMENTS.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.domain import DOUBTFUL, GOOD, INCONSISTENT, WRONG
from forecast.observations.cloud_scale import scale_check
from forecast.observations.neighbours import spatial_check
from forecast.observations.plausibility_checks import plausibility_check
from forecast.observations.report_checks import internal_check, range_check
from forecast.observations.report_table import INDEX, Floats, Integers, Mask, ReportTable
from forecast.observations.time_checks import (
    FLOOR,
    naturally_constant,
    persistence_check,
    snow_growth_check,
    step_check,
)
from forecast.quantities import ELEMENTS

# In the order in which they are applied, each with the flag that it sets.
RULES = {
    "range": WRONG,
    "internal": INCONSISTENT,
    "plausibility": DOUBTFUL,
    "scale": DOUBTFUL,
    "step": DOUBTFUL,
    "persistence": DOUBTFUL,
    "spatial": DOUBTFUL,
    "past": DOUBTFUL,
}
# Turbulent: the whole hourly step is allowed at any interval.
GUSTY = ("wind_speed", "wind_speed_of_gust")
# Elements that vary by powers of ten: a jump there and back by more than the factor is doubtful.
# Ions beside a waterfall or in a thunderstorm rise tenfold within hours, not within one report.
# (check)
FACTORS = {"negative_oxygen_ions": 10.0}


@dataclass(frozen=True, slots=True)
class QualityFlags:
    """The flags of a table (row, element), and which values each rule flagged."""

    table: ReportTable
    flags: NDArray[np.int8]
    caught: Mapping[str, Mask]

    def of(self, row: int) -> dict[str, int]:
        """Return the flags of one report, one for each of its elements."""
        names = self.table.observations[row].values
        if not self.flags[row].any():
            return dict.fromkeys(names, GOOD)
        found = self.flags[row].tolist()
        return {name: found[INDEX[name]] for name in names if name in INDEX}

    def summary(self, rows: Sequence[int] | Integers) -> Counter[str]:
        """Return how many values each rule flagged in `rows`."""
        return Counter(
            {rule: int(mask[rows].sum()) for rule, mask in self.caught.items() if mask[rows].any()}
        )


def check(table: ReportTable, bounds: tuple[Floats, Floats] | None = None) -> QualityFlags:
    """Return the flags of every value; the gravest rule counts, and flags of the reports stay.

    bounds: lowest and highest values (row, element) by the station's last weeks, NaN: unknown.
    """
    caught = _single_report_checks(table, None if bounds is None else bounds[1])
    caught["scale"] = scale_check(table, np.where(caught["range"], np.nan, table.values))
    wrong = caught["range"] | caught["plausibility"] | caught["scale"]
    values = np.where(wrong, np.nan, table.values)
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
        if factor := FACTORS.get(name, 0.0):
            powers = np.log10(np.maximum(values[:, column], element.high * 1e-9))
            caught["step"][:, column] |= step_check(
                table.series, table.seconds, powers, np.log10(factor), 1.0
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
        values[:, INDEX["precipitation_amount"]],
    )
    if bounds is not None:
        caught["past"] = (values < bounds[0]) | (values > bounds[1])
        values = np.where(caught["past"], np.nan, values)
    doubted = caught["step"] | caught["persistence"] | (table.given > GOOD)
    caught["spatial"] = spatial_check(table, np.where(doubted, np.nan, values))
    return _flags(table, caught)


def check_each_report(table: ReportTable) -> QualityFlags:
    """Return the flags of the checks that need one report only."""
    return _flags(table, _single_report_checks(table))


def _single_report_checks(table: ReportTable, usual: Floats | None = None) -> dict[str, Mask]:
    """Return what the range, internal and plausibility checks find.

    usual: the highest values by the stations' weeks, as in `plausibility_check`.
    """
    wrong = range_check(table.values)
    heights = np.array([station.elevation for station in table.places] + [np.nan])[table.place]
    values = np.where(wrong, np.nan, table.values)
    return {
        "range": wrong,
        "internal": internal_check(values, table.coded, heights),
        "plausibility": plausibility_check(table, values, usual),
    }


def _flags(table: ReportTable, caught: Mapping[str, Mask]) -> QualityFlags:
    """Return the flags by the rules that were applied."""
    flags = table.given.copy()
    for rule, flag in RULES.items():
        if rule in caught:
            np.maximum(flags, flag, out=flags, where=caught[rule])
    return QualityFlags(table, flags, caught)
