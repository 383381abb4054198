"""Do the parts of the ephemeris give the examples of Meeus 1998, Astronomical Algorithms?"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from forecast.science import ephemeris

# days from 2000-01-01T12 to 1987-04-10T00 (JDE 2446895.5, examples 12.a and 22.a)
APRIL = np.array([2446895.5 - 2451545.0])


def test_nutation_and_obliquity_are_those_of_example_22a() -> None:
    """-3.788 and +9.443 arc-seconds; obliquity 23 degrees 26' 36.850": the abridged series is good
    to 0.5 and 0.1 arc-seconds.
    """
    longitude, obliquity = ephemeris._nutation(APRIL)

    assert 3600 * longitude[0] == pytest.approx(-3.788, abs=0.5)
    assert 3600 * obliquity[0] == pytest.approx(23 * 3600 + 26 * 60 + 36.850, abs=0.1)


@pytest.mark.parametrize(
    ("year", "month", "day", "longitude", "obliquity"),
    [
        # By hand from the node alone: at 0 degrees 9.2 arc-seconds more of obliquity, at 90 degrees
        # 17.2 less of longitude; the other terms make 1.5 and 0.7 at most.
        (2006, 6, 19, 0.0, 9.2),
        (2001, 10, 27, -17.2, 0.0),
        (2011, 2, 12, 17.2, 0.0),
    ],
)
def test_nutation_follows_the_node_of_the_moon(
    year: int, month: int, day: int, longitude: float, obliquity: float
) -> None:
    since = datetime(year, month, day, tzinfo=UTC) - datetime(2000, 1, 1, 12, tzinfo=UTC)
    days = np.array([since.total_seconds() / 86400])

    found, oblique = ephemeris._nutation(days)
    mean = 23.4392911 - 0.0130042 * days / 36525

    assert 3600 * found[0] == pytest.approx(longitude, abs=1.8)
    assert 3600 * (oblique - mean)[0] == pytest.approx(obliquity, abs=0.8)


def test_sidereal_time_is_that_of_example_12a() -> None:
    """13h 10m 46.1351s, apparent: within 0.03 s of time, what 0.5 arc-seconds of nutation leave."""
    found = ephemeris._sidereal_time(APRIL)[0]

    assert found / 15 * 3600 == pytest.approx(13 * 3600 + 10 * 60 + 46.1351, abs=0.03)
