"""Do sites at high latitudes have sensible windows? Solar midnight is computed apart from ours."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast.domain import Site
from forecast.geo import horizon_dip
from forecast.phenomena import glow, stars
from forecast.science.almanac import almanacs, sun_position
from forecast.science.light import SEMIDIAMETER, apparent_elevation
from forecast.settings import PhenomenonSettings
from tests.skies import SITES

SETTINGS = PhenomenonSettings()


def placed(latitude: float, longitude: float, *phenomena: str) -> Site:
    return replace(
        SITES["lingshan"], latitude=latitude, longitude=longitude, phenomena=phenomena,
        horizon=(0.0,) * 72,
    )  # fmt: skip


def turns(site: Site, moment: datetime) -> tuple[datetime, datetime]:
    """Return the sun's turns before and after a moment, from its altitude every second."""
    found = []
    for sign in (-1, 1):
        seconds = np.arange(1, 14 * 3600)
        times = np.datetime64(moment.replace(tzinfo=None), "ns") + sign * seconds * np.timedelta64(
            1, "s"
        )
        altitude = sun_position(times, site.latitude, site.longitude)[0]
        change = np.sign(np.diff(altitude))
        turn = int(np.flatnonzero(change != change[0])[0])
        found.append(moment + timedelta(seconds=sign * int(seconds[turn])))
    return found[0], found[1]


@pytest.mark.parametrize("latitude", [-66.0, 59.9, 62.0, 64.1, 65.7, 66.5, 69.6])
@pytest.mark.parametrize("month", [1, 3, 5, 6, 7, 9, 11, 12])
def test_a_glow_never_reaches_past_the_suns_lowest_or_highest_point(
    latitude: float, month: int
) -> None:
    site = placed(latitude, 25.0, "sunset_glow", "sunrise_glow", "sunrise")
    days = [date(2026, month, day) for day in (5, 20)]
    for (_, day), almanac in almanacs([site], days, ZoneInfo("Europe/Helsinki")).items():
        for event in glow.events(site, day, almanac, SETTINGS):
            assert event.centre is not None
            before, after = turns(site, event.centre)
            assert event.window.start >= before - timedelta(seconds=2), event.phenomenon
            assert event.window.end <= after + timedelta(seconds=2), event.phenomenon
            assert event.window.start <= event.centre <= event.window.end


def test_sunset_and_sunrise_glow_of_a_white_night_meet_at_solar_midnight() -> None:
    # Rovaniemi at the end of May: the sun sets for an hour or so and stays in the glow's range
    site = placed(66.3, 25.7, "sunset_glow", "sunrise_glow")
    days = [date(2026, 5, 30), date(2026, 5, 31)]
    made = almanacs([site], days, ZoneInfo("Europe/Helsinki"))
    evening = {
        e.phenomenon: e for e in glow.events(site, days[0], made[site.id, days[0]], SETTINGS)
    }
    morning = {
        e.phenomenon: e for e in glow.events(site, days[1], made[site.id, days[1]], SETTINGS)
    }

    if "sunset_glow" in evening and "sunrise_glow" in morning:
        gap = morning["sunrise_glow"].window.start - evening["sunset_glow"].window.end
        assert timedelta(0) <= gap <= timedelta(minutes=1)


def test_a_glow_at_home_has_the_window_of_its_altitudes() -> None:
    site = SITES["lingshan"]
    almanac = almanacs([site], [date(2026, 11, 22)], ZoneInfo("Asia/Shanghai"))
    (sunset,) = (
        e
        for e in glow.events(
            site, date(2026, 11, 22), almanac[site.id, date(2026, 11, 22)], SETTINGS
        )
        if e.phenomenon == "sunset_glow"
    )
    ends = np.array(
        [moment.replace(tzinfo=None) for moment in (sunset.window.start, sunset.window.end)],
        dtype="datetime64[ns]",
    )

    altitude = sun_position(ends, site.latitude, site.longitude)[0]

    # half a minute of the sun: 0.1 degree
    assert altitude == pytest.approx(
        [SETTINGS.glow_sun_altitude_from, SETTINGS.glow_sun_altitude_to], abs=0.2
    )


def test_a_night_that_never_ends_is_a_night() -> None:
    # 88 degrees north in December: the sun stays 21 degrees and more below the horizon
    site, day = placed(88.0, 0.0, "starry_sky"), date(2026, 12, 20)
    almanac = almanacs([site], [day], ZoneInfo("UTC"))[site.id, day]

    (night,) = stars.events(site, day, almanac, SETTINGS)

    assert night.window.start == datetime(2026, 12, 20, 12, tzinfo=UTC)
    assert night.window.end == datetime(2026, 12, 21, 12, tzinfo=UTC)


def test_a_white_night_has_no_event_of_stars() -> None:
    site, day = placed(60.0, 25.0, "starry_sky"), date(2026, 6, 20)
    almanac = almanacs([site], [day], ZoneInfo("Europe/Helsinki"))[site.id, day]

    assert stars.events(site, day, almanac, SETTINGS) == []


@pytest.mark.parametrize(
    ("latitude", "elevation", "day"),
    [
        (61.6, 2469.0, date(2026, 6, 21)),  # Galdhøpiggen
        (64.5, 1200.0, date(2026, 6, 10)),
        (67.9, 2096.0, date(2026, 1, 15)),  # Kebnekaise, where the sun rises for the summit alone
    ],
)
def test_a_northern_summit_sees_the_sun_by_its_dip_long_before_and_after_the_tables(
    latitude: float, elevation: float, day: date
) -> None:
    """Held against the sun's altitude every ten seconds of the local day."""
    zone = ZoneInfo("Europe/Oslo")
    horizon = (-horizon_dip(elevation),) * 72
    site = replace(placed(latitude, 15.0, "sunrise"), elevation=elevation, horizon=horizon)

    found = almanacs([site], [day], zone)[site.id, day]

    noon = np.datetime64(day.isoformat(), "ns") + np.timedelta64(11, "h")  # solar, at 15 E
    times = noon + np.arange(-4320, 4320) * np.timedelta64(10, "s")
    altitude = sun_position(times, latitude, 15.0)[0]
    above = apparent_elevation(altitude, elevation) + SEMIDIAMETER > -horizon_dip(elevation)
    up, down = (times[1:][np.diff(above.astype(int)) == sign] for sign in (1, -1))
    for ours, theirs in ((found.terrain_sunrise, up), (found.terrain_sunset, down)):
        assert ours is not None
        away = abs(np.datetime64(ours.replace(tzinfo=None), "ns") - theirs[0])
        assert away <= np.timedelta64(2, "m")  # two laws of refraction, 0.1 degrees, a grazing sun
    if found.sunrise is not None and found.terrain_sunrise is not None:
        assert found.sunrise - found.terrain_sunrise > timedelta(minutes=30)
