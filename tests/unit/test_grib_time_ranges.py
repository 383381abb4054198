"""Which windows stand for an interval. The cases are those of GFS (windows of 6 h begun anew) and
of ECMWF (all from the start).
"""

from __future__ import annotations

import pytest

from forecast.ingest.grib.time_ranges import Choice, choose, weights


@pytest.mark.parametrize(
    ("windows", "previous", "end", "statistic", "expected"),
    [
        # f012 of 2020: both are there, the interval itself is taken
        ([(0, 12), (6, 12), (0, 6)], 6, 12, "sum", Choice((6, 12))),
        ([(0, 3), (0, 6)], 3, 6, "mean", Choice((0, 6), (0, 3))),  # GFS every three hours
        ([(0, 6), (6, 9)], 6, 9, "mean", Choice((6, 9))),
        ([(0, 24), (0, 21)], 21, 24, "sum", Choice((0, 24), (0, 21))),  # ECMWF
        ([(66, 72)], None, 72, "mean", Choice((66, 72))),  # one step only: the window as it is
        # no match: the shortest, which says where it begins
        ([(0, 12), (6, 12)], 9, 12, "sum", Choice((6, 12))),
        ([(0, 3), (0, 6)], 3, 6, "maximum", Choice((0, 6))),  # a maximum has no difference
        ([(0, 6)], 6, 12, "sum", None),
    ],
)
def test_the_window_of_an_interval_is_taken_or_made(
    windows: list[tuple[float, float]],
    previous: float | None,
    end: float,
    statistic: str,
    expected: Choice | None,
) -> None:
    assert choose(windows, previous, end, statistic) == expected


def test_the_mean_of_the_last_three_hours_follows_from_means_over_six_and_three() -> None:
    # Hand arithmetic: 10 over 0-3 h and 40 over 3-6 h give 25 over 0-6 h.
    more, less = weights(Choice((0, 6), (0, 3)), "mean")

    assert more * 25 - less * 10 == pytest.approx(40)


def test_a_difference_says_that_it_begins_where_the_earlier_window_ends() -> None:
    assert Choice((0, 6), (0, 3)).start == 3
    assert Choice((0, 6)).start == 0
