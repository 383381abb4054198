"""Is a run interpolated to the requested moments and spans, and NaN where there are no data?"""

from __future__ import annotations

import numpy as np
import pytest

from forecast.science.interpolation import Scene, whole_hour_from
from tests.skies import SITES, atmosphere, steps

LINGSHAN = SITES["lingshan"]
ONE = np.array([0])
# 1.5 kg m-2 every 3 hours of one day
SCENE = Scene(atmosphere(steps("2026-11-08T00:00", 24), precipitation_amount=1.5), (LINGSHAN,))


def at(text: str) -> np.ndarray:
    return np.array([np.datetime64(text, "ns")])


@pytest.mark.parametrize(
    ("start", "end", "amount", "covered"),
    [
        ("2026-11-08T06:00", "2026-11-08T12:00", 3.0, 1.0),
        ("2026-11-08T07:00", "2026-11-08T08:00", 0.5, 1.0),  # a third of three hours
        ("2026-11-08T21:00", "2026-11-09T03:00", 1.5, 0.5),  # the run ends in its middle
        ("2026-11-07T21:00", "2026-11-08T03:00", 1.5, 0.5),
        ("2026-11-09T06:00", "2026-11-09T12:00", np.nan, 0.0),
        ("2026-11-07T06:00", "2026-11-07T12:00", np.nan, 0.0),
    ],
)
def test_an_amount_counts_by_the_share_of_time_and_is_unknown_where_nothing_is_covered(
    start: str, end: str, amount: float, covered: float
) -> None:
    found, part = SCENE.amount("precipitation_amount", ONE, at(start), at(end))

    assert found[0] == pytest.approx(amount, nan_ok=True)
    assert part[0] == pytest.approx(covered)


@pytest.mark.parametrize(
    ("start", "end", "reached"),
    [
        ("2026-11-09T00:00", "2026-11-09T06:00", True),  # begins with the last field
        ("2026-11-09T00:01", "2026-11-09T06:00", False),
        ("2026-11-07T18:00", "2026-11-08T00:00", True),  # ends with the first
        ("2026-11-07T18:00", "2026-11-07T23:59", False),
        ("2026-11-07T18:00", "2026-11-10T00:00", True),  # holds the whole run
    ],
)
def test_a_run_reaches_a_span_that_holds_one_of_its_moments(
    start: str, end: str, reached: bool
) -> None:
    assert SCENE.reaches(at(start), at(end))[0] == reached


@pytest.mark.parametrize(
    ("moment", "within", "covered"),
    [
        ("2026-11-08T00:00", True, True),
        ("2026-11-09T00:00", True, True),
        # half a step of three hours a field is held
        ("2026-11-09T01:29", False, True),
        ("2026-11-09T01:31", False, False),
        ("2026-11-07T22:31", False, True),
        ("2026-11-07T22:29", False, False),
    ],
)
def test_a_field_is_held_for_half_a_step_before_the_first_and_after_the_last(
    moment: str, within: bool, covered: bool
) -> None:
    assert SCENE.within(at(moment)[None])[0, 0] == within
    assert SCENE.covers(at(moment)[None])[0, 0] == covered


def test_a_share_is_known_between_known_fields_only() -> None:
    """Eight intervals of three hours; the third field is unknown, and with it two of them."""
    known = np.ones((1, 9), dtype=bool)
    known[0, 2] = False
    day = at("2026-11-08T00:00"), at("2026-11-09T00:00")

    assert SCENE.share_known(known, ONE, *day)[0] == pytest.approx(6 / 8)
    # of an afternoon that outlasts the run, what lies within
    late = at("2026-11-08T18:00"), at("2026-11-09T06:00")
    assert SCENE.share_known(known, ONE, *late)[0] == pytest.approx(6 / 12)


@pytest.mark.parametrize(
    ("moment", "hour"),
    [
        ("2026-11-22T05:00:00", "2026-11-22T05"),
        ("2026-11-22T05:00:00.000000001", "2026-11-22T06"),
        ("2026-11-22T23:59:59", "2026-11-23T00"),
        ("NaT", "NaT"),
    ],
)
def test_the_whole_hour_at_or_after_a_moment(moment: str, hour: str) -> None:
    found = whole_hour_from(np.array([moment], dtype="datetime64[ns]"))

    assert str(found[0]) == hour
