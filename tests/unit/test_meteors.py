"""Are meteor showers named on the right nights?"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from forecast.config import Config
from forecast.science import almanac, meteors
from products.wording import LANGUAGES, read_words
from tests.skies import SITES


@pytest.mark.parametrize(
    ("moment", "longitude"),
    [
        ("2012-12-13T23:30", 262.2),  # IMO Meteor Shower Calendar 2012, Geminids
        # Equinoxes and solstices of the Astronomical Almanac are 0, 90 ... of date: less 50.29
        # arc-seconds a year since 2000.
        ("2000-03-20T07:35", 0.0),
        ("2020-06-20T21:44", 90.0 - 0.286),
        ("2026-12-21T20:50", 270.0 - 0.377),
    ],
)
def test_the_sun_s_longitude_is_that_of_the_almanacs(moment: str, longitude: float) -> None:
    found = meteors.solar_longitude(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert (found - longitude + 180) % 360 - 180 == pytest.approx(0, abs=0.02)  # half an hour


def test_the_great_showers_stand_in_the_almanac_on_their_nights(config: Config) -> None:
    lingshan = SITES["lingshan"]
    days = [date(2026, 8, 12), date(2026, 12, 13), date(2026, 12, 14), date(2026, 11, 25)]

    found = almanac.almanacs((lingshan,), days, config.zone)

    named = [[shower.id for shower in found[lingshan.id, day].showers] for day in days]
    assert named == [["perseids"], ["geminids"], ["geminids"], []]
    assert found[lingshan.id, days[1]].showers[0].hourly_rate == 150


def test_a_radiant_that_hardly_rises_is_not_named() -> None:
    # At 60 N the radiant of the southern delta Aquariids (16 S) culminates at 14 degrees, at 40 N
    # at 34.
    night = datetime(2026, 7, 30, 17, tzinfo=UTC)

    assert [shower.id for shower in meteors.showers_at(night, 40.0)] == ["delta_aquariids"]
    assert meteors.showers_at(night, 60.0) == ()


def test_no_shower_is_listed_for_more_than_five_nights_a_year() -> None:
    # 2.0 degrees on either side, the sun moving 0.95-1.02 degrees a day: five midnights at the
    # most.
    assert max(peak.either_side for peak in meteors.PEAKS) <= 2.0


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_shower_has_a_name(language: str) -> None:
    words = read_words(language)

    assert [peak.id for peak in meteors.PEAKS if f"shower.{peak.id}" not in words] == []
