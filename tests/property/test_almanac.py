"""Laws of the sky that hold for every place, day and horizon."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.domain import Almanac, Name, Site
from forecast.science.almanac import (
    almanacs,
    galactic_centre_position,
    horizon_altitude,
    moon_illumination,
    moon_phase_angle,
    moon_position,
    refraction,
    sun_position,
)

BEIJING = ZoneInfo("Asia/Shanghai")
latitudes, longitudes = st.floats(-85, 85), st.floats(-180, 180)
times = st.integers(0, 40 * 365 * 1440).map(
    lambda minutes: np.datetime64("2000-01-01", "ns") + np.timedelta64(minutes, "m")
)
days = st.integers(0, 14_000).map(lambda count: date(2000, 1, 1) + timedelta(days=count))
horizons = st.lists(st.floats(-2, 30), min_size=72, max_size=72)


def almanac_of(
    latitude: float,
    longitude: float,
    day: date,
    horizon: tuple[float, ...] = (0.0,) * 72,
    elevation: float = 0.0,
) -> Almanac:
    site = Site(
        id="here", name=Name("", ""), latitude=latitude, longitude=longitude, elevation=elevation,
        valley_elevation=0.0, horizon=horizon,
        night_sky_brightness=21.0, view_sector=(0, 360), phenomena=("sunrise",), headline="sunrise",
    )  # fmt: skip
    return almanacs([site], [day], BEIJING)["here", day]


@settings(max_examples=100, deadline=None)
@given(st.lists(times, min_size=1, max_size=5), latitudes, longitudes)
def test_a_place_in_the_sky_is_a_place_in_the_sky(
    moments: list[np.datetime64], latitude: float, longitude: float
) -> None:
    for position in (sun_position, moon_position, galactic_centre_position):
        altitude, azimuth = position(np.array(moments), latitude, longitude)

        assert altitude.shape == azimuth.shape == (len(moments),)
        assert (np.abs(altitude) <= 90).all()
        assert ((azimuth >= 0) & (azimuth < 360)).all()
    assert (
        (moon_illumination(np.array(moments)) >= 0) & (moon_illumination(np.array(moments)) <= 1)
    ).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(times, min_size=2, max_size=4), st.lists(latitudes, min_size=2, max_size=3), longitudes
)
def test_many_at_once_are_each_alone(
    moments: list[np.datetime64], places: list[float], longitude: float
) -> None:
    together = moon_position(np.array(moments)[None, :], np.array(places)[:, None], longitude)[0]

    alone = [
        [float(moon_position(moment, place, longitude)[0]) for moment in moments]
        for place in places
    ]

    np.testing.assert_allclose(together, alone, atol=1e-9)


@settings(max_examples=50, deadline=None)
@given(times)
def test_the_illumination_of_the_moon_agrees_with_its_phase(moment: np.datetime64) -> None:
    # Lit part = (1 + cos i) / 2 with i = 180 - elongation to within the sun's parallax at the moon
    # (0.15) and the moon's latitude (5.3).
    phase, lit = float(moon_phase_angle(moment)), float(moon_illumination(moment))

    assert abs(lit - (1 - np.cos(np.radians(phase))) / 2) < 0.005


def test_no_time_gives_no_place() -> None:
    for position in (sun_position, moon_position, galactic_centre_position):
        altitude, azimuth = position(
            np.array(["NaT", "2026-11-22T00:00"], dtype="datetime64[ns]"), 40.0, 115.0
        )

        assert np.isnan(altitude[0])
        assert np.isnan(azimuth[0])
        assert np.isfinite(altitude[1])


@settings(max_examples=40, deadline=None)
@given(latitudes, longitudes, days)
def test_a_night_goes_down_through_its_twilights_and_up_again(
    latitude: float, longitude: float, day: date
) -> None:
    almanac = almanac_of(latitude, longitude, day)

    evening = [
        almanac.sunset,
        almanac.civil_dusk,
        almanac.nautical_dusk,
        almanac.astronomical_dusk,
        almanac.astronomical_dawn,
    ]
    known = [moment for moment in evening if moment]
    assert known == sorted(known)
    if abs(latitude) < 48:  # every twilight happens every day, whatever clock it is read on
        assert len(known) == 5
        assert almanac.civil_dawn
        assert almanac.sunrise
        assert almanac.sunset
        assert (
            almanac.civil_dawn
            < almanac.sunrise
            < almanac.sunset
            < almanac.sunrise + timedelta(hours=24)
        )
    if almanac.milky_way and almanac.astronomical_dusk and almanac.astronomical_dawn:
        assert (
            almanac.astronomical_dusk
            <= almanac.milky_way.start
            < almanac.milky_way.end
            <= almanac.astronomical_dawn
        )


@settings(max_examples=25, deadline=None)
@given(st.floats(-45, 45), st.floats(90, 140), days, horizons, st.floats(0, 3000))
def test_a_higher_horizon_never_lengthens_the_day(
    latitude: float, longitude: float, day: date, low: list[float], elevation: float
) -> None:
    below = almanac_of(latitude, longitude, day, tuple(low), elevation)
    above = almanac_of(latitude, longitude, day, tuple(value + 1 for value in low), elevation)

    if above.terrain_sunrise and below.terrain_sunrise:
        # the sampling, where a notch opens the day
        assert above.terrain_sunrise >= below.terrain_sunrise - timedelta(minutes=10)
    if above.terrain_sunset and below.terrain_sunset:
        assert above.terrain_sunset <= below.terrain_sunset + timedelta(minutes=10)


@settings(max_examples=100, deadline=None)
@given(horizons, st.floats(-720, 720))
def test_the_horizon_lies_between_its_neighbours(horizon: list[float], azimuth: float) -> None:
    found = float(horizon_altitude(horizon, azimuth))

    left, right = horizon[int(azimuth % 360 // 5) % 72], horizon[(int(azimuth % 360 // 5) + 1) % 72]
    assert min(left, right) - 1e-9 <= found <= max(left, right) + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.floats(-2, 89), st.floats(0, 4000))
def test_air_lifts_and_lifts_less_the_higher_one_looks(altitude: float, elevation: float) -> None:
    here, higher = (float(refraction(value, elevation)) for value in (altitude, altitude + 1))

    assert 0 <= higher <= here < 1.5
