"""Cloud in oktas or tenths that stands in a percent column.

8 of a percent column is an almost clear sky, 8 oktas are an overcast. Single values do not show it;
many do: in oktas and tenths all are whole numbers to 10, most of them not 0. Only tables and pushed
records are checked, since in the other forms the unit is laid down.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from forecast.domain import Observation
from forecast.observations.report_table import INDEX, Floats, Mask, ReportTable

CLOUDS = ("cloud_area_fraction", "low_cloud_area_fraction", "cloud_below_area_fraction")
FORMS = frozenset(("csv", "push"))  # whose unit depends on the sender
HIGHEST = 10.0  # [%] of tenths; of oktas it is 9, the sky obscured
AROUND = timedelta(hours=12)  # to either side of a value, whose values are of one unit
FEWEST = 3  # values other than 0 among them
# [%] that one of them has at least: fewer may be a nearly clear day in percent, over the day and
# over the weeks (check)
DAY_MOST, WEEKS_MOST = 6.0, 5.0
LIKELY = "oktas or tenths in a percent column?"


def scale_check(table: ReportTable, values: Floats) -> Mask:
    """Return which `values` (row, element) are cloud in oktas or tenths under per cent; NaN: no."""
    found = np.zeros(values.shape, dtype=bool)
    tables = np.array([row.form in FORMS for row in table.observations], dtype=bool)
    if not tables.any():
        return found
    # Series follow one another: times of different series are never near each other.
    times = table.series * np.int64(1 << 40) + table.seconds
    reach = int(AROUND.total_seconds())
    first = np.searchsorted(times, times - reach, side="left")
    last = np.searchsorted(times, times + reach, side="right")
    for name in CLOUDS:
        percent = values[:, INDEX[name]] * 100
        given = np.isfinite(percent)
        whole = np.abs(percent - np.round(percent)) < 1e-6
        counts = [
            np.concatenate([[0], np.cumsum(kind)])
            for kind in (
                given & ~(whole & (percent <= HIGHEST)),
                given & (percent > 0),
                given & (percent >= DAY_MOST),
            )
        ]
        other, some, much = (count[last] - count[first] for count in counts)
        slipped = (other == 0) & (some >= FEWEST) & (much > 0)
        found[:, INDEX[name]] = tables & slipped & (percent > 0)
    return found


def cloud_bounds(series: Sequence[Observation]) -> dict[str, tuple[float, float]]:
    """Return the bounds [1] of cloud of a station whose weeks were all in oktas or tenths.

    Doubtful values count too: a unit that is wrong stays wrong until a larger value shows it.
    """
    found = {}
    for name in CLOUDS:
        percent = 100 * np.array(
            [row.values[name] for row in series if row.form in FORMS and name in row.values]
        )
        whole = np.abs(percent - np.round(percent)) < 1e-6
        if (
            (percent > 0).sum() >= FEWEST
            and bool(np.all(whole & (percent <= HIGHEST)))
            and percent.max() >= WEEKS_MOST
        ):
            found[name] = ((HIGHEST + 0.5) / 100, np.inf)
    return found
