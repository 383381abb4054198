"""Are the great showers those of the IMO's calendar, on its nights, as strong and as high?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from forecast.science.meteors import showers_at

# IMO Meteor Shower Calendar 2021, table 5: maximum (UTC), zenithal hourly rate, declination of the
# radiant [degree].
CALENDAR = [
    ("quadrantids", "2021-01-03T14", 110, 49),
    ("lyrids", "2021-04-22T13", 18, 34),
    ("eta_aquariids", "2021-05-06T03", 50, -1),
    ("delta_aquariids", "2021-07-30T12", 25, -16),
    ("perseids", "2021-08-12T20", 100, 58),
    ("orionids", "2021-10-21T12", 20, 16),
    ("leonids", "2021-11-17T18", 10, 22),
    ("geminids", "2021-12-14T07", 150, 33),
    ("ursids", "2021-12-22T15", 10, 76),
]


def named(moment: datetime, latitude: float = 40.0) -> dict[str, int]:
    return {shower.id: shower.hourly_rate for shower in showers_at(moment, latitude)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("shower", "maximum", "rate", "_"), CALENDAR)
def test_a_shower_has_its_rate_of_the_calendar_in_the_night_of_its_maximum(
    shower: str, maximum: str, rate: int, _: int
) -> None:
    assert named(at(maximum))[shower] == rate


@pytest.mark.parametrize(("shower", "maximum", "_", "declination"), CALENDAR)
def test_a_shower_is_named_where_its_radiant_culminates_at_20_degrees_or_more(
    shower: str, maximum: str, _: int, declination: int
) -> None:
    """It culminates at 90 degrees less the difference of latitude and declination."""
    for side in (-1, 1):
        assert shower in named(at(maximum), declination + side * 69.9)
        assert shower not in named(at(maximum), declination + side * 70.1)


@pytest.mark.parametrize(
    ("shower", "days"),
    [
        # [degree] of the sun's longitude about the maximum, by 0.99 degrees a day (1.02 in winter,
        # 0.96 in summer)
        ("quadrantids", 0.7 / 1.02), ("lyrids", 1.0 / 0.98), ("eta_aquariids", 2.0 / 0.97),
        ("delta_aquariids", 2.0 / 0.956), ("perseids", 1.5 / 0.96), ("orionids", 2.0 / 0.995),
        ("leonids", 0.8 / 1.009), ("geminids", 1.0 / 1.016), ("ursids", 0.7 / 1.018),
    ],
)  # fmt: skip
def test_a_shower_is_named_as_long_as_it_keeps_half_its_rate(shower: str, days: float) -> None:
    """Half of the nights are counted on either side; some maxima are given to the day only."""
    maximum = at(next(row[1] for row in CALENDAR if row[0] == shower))
    hours = [
        hour for hour in range(-72, 73) if shower in named(maximum + timedelta(hours=hour), 30.0)
    ]

    assert (hours[-1] - hours[0]) / 48 == pytest.approx(days, abs=0.08)
    assert (hours[-1] + hours[0]) / 2 == pytest.approx(0, abs=8)  # [h]
