"""Is the sample week two episodes in a row, without a jump, and is one of its days dangerous?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from forecast.quantities import SNOW_CLASSES
from forecast.sample.region import Region
from forecast.sample.scene import Weather
from forecast.sample.week import CHANGE, Week

RUN = datetime(2026, 11, 29, 12, tzinfo=UTC)
REGION = Region(40.5, 39.5, 115.0, 116.0)
START = 20  # local hour of the run
NAMES = ("air_temperature", "relative_humidity", "geopotential_height", "air_temperature_at_2m")


@pytest.fixture(scope="module")
def week() -> Week:
    return Week(RUN, REGION)


def test_the_first_three_days_are_the_standard_episode(week: Week) -> None:
    standard = Weather(RUN, REGION)

    for step in (0, 33, 57):
        for name in NAMES:
            assert np.array_equal(week.fields(step)[name], standard.fields(step)[name]), name
    assert week.fallen(0, 60) == pytest.approx(standard.fallen(START, START + 60))


def test_the_change_of_episodes_is_without_a_jump(week: Week) -> None:
    begin, end = (int(hour) - START for hour in CHANGE)
    hours = range(begin - 2, end + 3)
    at_2m = np.stack([week.fields(hour)["air_temperature_at_2m"] for hour in hours])

    # 3 K an hour: what a sunny morning does
    assert np.abs(np.diff(at_2m, axis=0)).max() < 3.0
    assert week.fallen(begin, end).max() == 0.0


def test_amounts_add_up_over_any_hour(week: Week) -> None:
    whole = week.fallen(0, 160)

    for cut in (30, 64, 76, 100, 131):
        assert week.fallen(0, cut) + week.fallen(cut, 160) == pytest.approx(whole)


def test_the_fifth_day_is_dangerous_and_the_sixth_is_dry(week: Week) -> None:
    fifth, sixth = 5 * 24 - START, 6 * 24 - START

    lying = [week.fields(hour)["surface_snow_amount"] for hour in (fifth, sixth)]
    gust = max(week.fields(hour)["wind_speed_of_gust"].max() for hour in range(fifth, sixth, 3))

    assert (lying[1] - lying[0]).max() >= SNOW_CLASSES[2]  # GB/T 28592: heavy snow
    assert gust >= 17.2  # GB/T 28591: force 8
    assert week.fallen(sixth, sixth + 24).max() == 0.0
    assert RUN + timedelta(hours=sixth) == datetime(2026, 12, 4, 16, tzinfo=UTC)


def test_mean_covers_lie_between_those_of_the_ends(week: Week) -> None:
    for first, step in ((60, 66), (78, 84), (120, 126)):
        means = week.mean_covers(first, step)
        assert set(means) == {"low", "medium", "high", "total"}
        for cover in means.values():
            assert ((cover >= 0) & (cover <= 1)).all()
