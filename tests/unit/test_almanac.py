"""Sun, moon and Milky Way against published tables and JPL's DE421 (by way of skyfield, offline).

The promise: places within 0.05 degrees, times within 30 seconds.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from skyfield import almanac as jpl_almanac
from skyfield.api import Loader, Star, wgs84
from skyfield_data import get_skyfield_data_path

from forecast.domain import Name, Site
from forecast.science import ephemeris
from forecast.science.almanac import (
    almanacs,
    galactic_centre_position,
    horizon_altitude,
    local_days,
    moon_illumination,
    moon_phase_angle,
    moon_position,
    refraction,
    sun_position,
)

AUTHORITIES = Path(__file__).parents[1] / "authorities"
BEIJING, WARSAW = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Warsaw")
PLACE_TOLERANCE = 0.05  # [degree]
TIME_TOLERANCE = 30.0  # [s]
TABLE_ROUNDING = 30.0  # [s] a table to the minute


def viewpoint(
    latitude: float,
    longitude: float,
    elevation: float = 0.0,
    horizon: float = 0.0,
    name: str = "here",
) -> Site:
    return Site(
        id=name, name=Name("", ""), latitude=latitude, longitude=longitude, elevation=elevation,
        valley_elevation=0.0,
        horizon=(horizon,) * 72, night_sky_brightness=21.0, view_sector=(0, 360),
        phenomena=("sunrise",), headline="sunrise",
    )  # fmt: skip


def table(name: str) -> Iterator[dict[str, str]]:
    with (AUTHORITIES / name).open(encoding="utf-8") as lines:
        yield from csv.DictReader(line for line in lines if not line.startswith("#"))


def instant(text: str) -> np.datetime64:
    return np.datetime64(text, "ns")


@pytest.fixture(scope="module")
def jpl() -> Any:
    """JPL's DE421 and a time scale, from files that come with skyfield-data."""
    with warnings.catch_warnings():
        # the earth's rotation after 2025 is a prediction, to a tenth of a second
        warnings.simplefilter("ignore", RuntimeWarning)
        load = Loader(get_skyfield_data_path())
        return load("de421.bsp"), load.timescale()


@pytest.fixture(scope="module")
def moments(jpl: Any) -> tuple[np.ndarray, Any]:
    """Three hundred moments of 2025-2027, for us and for skyfield."""
    minutes = np.random.default_rng(20261122).integers(0, 3 * 365 * 1440, 300)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    return instant("2025-01-01T00:00") + minutes.astype("timedelta64[m]"), jpl[1].from_datetimes(
        [start + timedelta(minutes=int(m)) for m in minutes]
    )


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(40.017, 115.454), (49.232, 19.982), (-33.9, 151.2), (69.6, 18.96)]
)
@pytest.mark.parametrize("body", ["sun", "moon", "galactic_centre"])
def test_places_agree_with_jpl(
    body: str, latitude: float, longitude: float, jpl: Any, moments: Any
) -> None:
    positions: dict[str, Callable[..., tuple[np.ndarray, np.ndarray]]] = {
        "sun": sun_position, "moon": moon_position,
        "galactic_centre": galactic_centre_position,
    }  # fmt: skip
    ours, theirs = moments
    target = (
        Star(ra_hours=(17, 45, 40.04), dec_degrees=(-29, 0, 28.1))
        if body == "galactic_centre"
        else jpl[0][body]
    )
    altitude, azimuth, _ = (
        (jpl[0]["earth"] + wgs84.latlon(latitude, longitude))
        .at(theirs)
        .observe(target)
        .apparent()
        .altaz()
    )

    found_altitude, found_azimuth = positions[body](ours, latitude, longitude)

    sideways = ((found_azimuth - azimuth.degrees + 180) % 360 - 180) * np.cos(
        np.radians(found_altitude)
    )
    # 0.005 degrees: what ephem's extrapolated delta T and the abridged nutation leave; a tenth of
    # the promise.
    assert np.abs(found_altitude - altitude.degrees).max() < 0.005 < PLACE_TOLERANCE
    assert np.abs(sideways).max() < 0.005 < PLACE_TOLERANCE


def test_phase_and_illumination_agree_with_jpl(jpl: Any, moments: Any) -> None:
    ours, theirs = moments

    phase, lit = moon_phase_angle(ours), moon_illumination(ours)

    assert (
        np.abs((phase - jpl_almanac.moon_phase(jpl[0], theirs).degrees + 180) % 360 - 180).max()
        < 0.005
    )
    assert np.abs(lit - jpl_almanac.fraction_illuminated(jpl[0], "moon", theirs)).max() < 0.0005


def test_the_sun_of_nrels_worked_example() -> None:
    # Reda & Andreas 2008, NREL/TP-560-34302, table A5.1: 2003-10-17 19:30:30 UT (delta UT1 = 0),
    # Golden. e0 = 39.872046, azimuth 194.340241 degrees.
    altitude, azimuth = sun_position(instant("2003-10-17T19:30:30"), 39.742476, -105.1786)

    assert float(altitude) == pytest.approx(39.872046, abs=0.001)
    assert float(azimuth) == pytest.approx(194.340241, abs=0.001)


def test_sun_and_moon_of_nrels_eclipse() -> None:
    # Reda 2010, NREL/TP-3B0-47681, the SAMPA example: 2009-07-22 01:33:00 UT, 24.61167 N, 143.36167
    # E: sun's zenith angle with
    # refraction 14.512686 (0.0041 of it: 1000 hPa, 11 degC), azimuth 104.387917, moon 0.374760
    # degrees from the sun, as seen there.
    here = (instant("2009-07-22T01:33:00"), 24.61167, 143.36167)
    sun, moon = np.radians(sun_position(*here)), np.radians(moon_position(*here))

    apart = np.degrees(
        np.arccos(
            np.sin(sun[0]) * np.sin(moon[0])
            + np.cos(sun[0]) * np.cos(moon[0]) * np.cos(sun[1] - moon[1])
        )
    )

    assert 90 - np.degrees(sun[0]) == pytest.approx(14.512686 + 0.0041, abs=0.002)
    assert np.degrees(sun[1]) == pytest.approx(104.387917, abs=0.005)
    assert float(apart) == pytest.approx(0.374760, abs=0.002)


def test_the_moon_of_meeus_examples() -> None:
    # Meeus 1998, example 47.a: 1992 April 12, 0h TD: right ascension 134.688470, declination
    # 13.768368, 368409.7 km;
    # example 48.a, the same moment: illuminated fraction 0.6786. 0h TD is 58.7 s before 0h UT.
    moment = instant("1992-04-11T23:59:01.3")
    x, y, z = ephemeris._geocentric("moon", ephemeris._days(moment))

    assert np.degrees(np.arctan2(y, x)) == pytest.approx(134.688470, abs=0.01)
    assert np.degrees(np.arctan2(z, np.hypot(x, y))) == pytest.approx(13.768368, abs=0.01)
    assert float(np.sqrt(x * x + y * y + z * z)) == pytest.approx(368409.7, abs=20)
    assert float(moon_illumination(moment)) == pytest.approx(0.6786, abs=0.0005)


def test_the_sun_of_meeus_example() -> None:
    # Meeus 1998, example 25.b: 1992 October 13, 0h TD: right ascension 13h13m30.749s, declination
    # -7 47' 01.74".
    x, y, z = ephemeris._geocentric("sun", ephemeris._days(instant("1992-10-12T23:59:00.9")))

    assert np.degrees(np.arctan2(y, x)) % 360 == pytest.approx(
        15 * (13 + 13 / 60 + 30.749 / 3600), abs=0.001
    )
    assert np.degrees(np.arctan2(z, np.hypot(x, y))) == pytest.approx(
        -(7 + 47 / 60 + 1.74 / 3600), abs=0.001
    )


def test_sidereal_time_of_meeus_example() -> None:
    # Meeus 1998, example 12.a: 1987 April 10, 0h UT: apparent sidereal time 13h10m46.1351s.
    degrees = ephemeris._sidereal_time(ephemeris._days(instant("1987-04-10T00:00")))

    assert float(degrees) == pytest.approx(15 * (13 + 10 / 60 + 46.1351 / 3600), abs=0.0003)


def test_new_and_full_moons_agree_with_the_naval_observatory() -> None:
    rows = list(table("usno_moon_phases_2026.csv"))

    phase = moon_phase_angle(np.array([instant(row["time"]) for row in rows]))

    apart = (phase - np.array([float(row["phase"]) for row in rows]) + 180) % 360 - 180
    # The moon gains 0.0085 degrees a minute on the sun: half a minute of rounding and half a minute
    # of ours.
    assert np.abs(apart).max() < 0.0085


@pytest.mark.parametrize("body", ["sun", "moon"])
def test_rising_and_setting_fall_in_the_minute_of_the_naval_observatorys_table(body: str) -> None:
    place, zone = viewpoint(36.95, -112.52), ZoneInfo("Etc/GMT+7")
    rows = {date.fromisoformat(row["date"]): row for row in table(f"usno_{body}_2023.csv")}
    published = sorted(
        (kind, datetime.combine(day, time.fromisoformat(row[kind]), zone))
        for day, row in rows.items()
        for kind in ("rise", "set")
        if row[kind]
    )
    days = sorted({day + timedelta(days=i) for day in rows for i in (-1, 0)})

    found = []
    for almanac in almanacs([place], days, zone).values():
        pair = (
            (almanac.sunrise, almanac.sunset)
            if body == "sun"
            else (almanac.moonrise, almanac.moonset)
        )
        found += [
            (kind, moment) for kind, moment in zip(("rise", "set"), pair, strict=True) if moment
        ]
    found = sorted(
        {(kind, moment) for kind, moment in found if moment.astimezone(zone).date() in rows}
    )

    assert [kind for kind, _ in found] == [kind for kind, _ in published]
    errors = np.array(
        [
            (ours - theirs).total_seconds()
            for (_, ours), (_, theirs) in zip(found, published, strict=True)
        ]
    )
    assert np.abs(errors).max() < TABLE_ROUNDING + 5
    assert abs(errors.mean()) < 5  # rounding averages out: what is left is ours


@pytest.mark.parametrize(
    "row", list(table("usno_twilight_2026.csv")), ids=lambda row: f"{row['place']} {row['date']}"
)
def test_twilight_agrees_with_the_naval_observatory_at_the_edges_too(row: dict[str, str]) -> None:
    place, zone = (
        viewpoint(float(row["latitude"]), float(row["longitude"])),
        ZoneInfo(f"Etc/GMT{-int(row['offset']):+d}"),
    )
    day = date.fromisoformat(row["date"])

    both = almanacs([place], [day - timedelta(days=1), day], zone)

    today, yesterday = both["here", day], both["here", day - timedelta(days=1)]
    for name in (
        "astronomical_dawn",
        "civil_dawn",
        "sunrise",
        "sunset",
        "civil_dusk",
        "nautical_dusk",
        "astronomical_dusk",
    ):
        found = getattr(yesterday if name == "astronomical_dawn" else today, name)
        if not row[name]:
            assert found is None, name
            continue
        published = datetime.combine(day, time.fromisoformat(row[name]), zone)
        # 20 s more at the edge of the polar day, where the sun grazes the horizon and moves 0.2
        # degrees in five minutes.
        assert found is not None, name
        assert abs((found - published).total_seconds()) < TABLE_ROUNDING + (
            20 if row["place"] == "Tromso" else 5
        ), name


@pytest.mark.parametrize(
    ("site", "zone", "start"),
    [
        (viewpoint(40.017, 115.454), BEIJING, date(2026, 12, 29)),  # across the year's end
        (viewpoint(39.810, 115.572), BEIJING, date(2028, 2, 27)),  # across a leap day
        (viewpoint(49.232, 19.982), WARSAW, date(2026, 3, 27)),  # across the change to summer time
        (viewpoint(49.232, 19.982), WARSAW, date(2026, 10, 23)),  # and back
    ],
    ids=["new year", "leap day", "summer time", "winter time"],
)
def test_a_week_agrees_with_jpl_to_seconds(
    site: Site, zone: ZoneInfo, start: date, jpl: Any
) -> None:
    days = [start + timedelta(days=i) for i in range(5)]
    here = jpl[0]["earth"] + wgs84.latlon(site.latitude, site.longitude)

    found = almanacs([site], days, zone)

    for day in days:
        almanac, noon = found["here", day], datetime.combine(day, time(12), zone).astimezone(UTC)
        morning, after = (jpl[1].from_datetime(noon + timedelta(days=d)) for d in (-1, 1))
        noon = jpl[1].from_datetime(noon)
        sun, moon = jpl[0]["sun"], jpl[0]["moon"]
        wanted = {
            "sunrise": jpl_almanac.find_risings(here, sun, morning, noon),
            "sunset": jpl_almanac.find_settings(here, sun, noon, after),
            "civil_dusk": jpl_almanac.find_settings(here, sun, noon, after, -6.0),
            "astronomical_dusk": jpl_almanac.find_settings(here, sun, noon, after, -18.0),
            "astronomical_dawn": jpl_almanac.find_risings(here, sun, noon, after, -18.0),
            "moonrise": jpl_almanac.find_risings(here, moon, noon, after),
            "moonset": jpl_almanac.find_settings(here, moon, noon, after),
        }  # fmt: skip
        for name, (times, crossed) in wanted.items():
            ours, theirs = (
                getattr(almanac, name),
                [t.utc_datetime() for t, yes in zip(times, crossed, strict=True) if yes],
            )
            assert (ours is None) == (not theirs), (day, name)
            # 5 s: the moon's disk by its own size here, by its mean size there.
            assert ours is None or abs((ours - theirs[0]).total_seconds()) < 5 < TIME_TOLERANCE, (
                day,
                name,
            )


def test_a_day_without_a_moonrise_has_none() -> None:
    # USNO 2023: the moon rose at 23:05 on January 12 and at 00:05 on January 14 in Fredonia;
    # between the noons of a day there is always at most one, and a month has one day more of noons
    # than of moonrises.
    place, zone = viewpoint(36.95, -112.52), ZoneInfo("Etc/GMT+7")
    days = [date(2023, 1, 1) + timedelta(days=i) for i in range(59)]

    found = [almanac.moonrise for almanac in almanacs([place], days, zone).values()]

    assert found.count(None) == 2
    assert len({moment for moment in found if moment}) == 57


def test_midsummer_in_the_tatra_has_no_night() -> None:
    # 90 - 49.232 - 23.44 = 17.3: the sun does not come 18 degrees below the horizon.
    almanac = almanacs([viewpoint(49.232, 19.982)], [date(2026, 6, 21)], WARSAW)[
        "here", date(2026, 6, 21)
    ]

    assert almanac.nautical_dusk is not None
    assert almanac.astronomical_dusk is None
    assert almanac.astronomical_dawn is None
    assert almanac.milky_way is None


def test_the_milky_way_window_is_where_the_core_is_up_in_the_dark(jpl: Any) -> None:
    day = date(2026, 7, 15)  # new moon the day before, the core is highest before midnight
    almanac = almanacs([viewpoint(40.017, 115.454)], [day], BEIJING)["here", day]

    window = almanac.milky_way

    assert window is not None
    # It opens with the dark (the core is up already) and closes when the core sinks to 10 degrees:
    # JPL's own altitudes there.
    assert window.start == almanac.astronomical_dusk
    here, core = (
        jpl[0]["earth"] + wgs84.latlon(40.017, 115.454),
        Star(ra_hours=(17, 45, 40.04), dec_degrees=(-29, 0, 28.1)),
    )
    altitude = here.at(jpl[1].from_datetime(window.end)).observe(core).apparent().altaz()[0].degrees
    assert altitude == pytest.approx(10, abs=0.005)


def test_the_sun_clears_a_wall_when_its_limb_does(jpl: Any) -> None:
    day, wall = date(2026, 11, 22), 8.0
    almanac = almanacs([viewpoint(39.93, 116.05, 0.0, wall)], [day], BEIJING)["here", day]
    here = jpl[0]["earth"] + wgs84.latlon(39.93, 116.05)

    for moment in (almanac.terrain_sunrise, almanac.terrain_sunset):
        assert moment is not None
        altitude = (
            here.at(jpl[1].from_datetime(moment))
            .observe(jpl[0]["sun"])
            .apparent()
            .altaz(temperature_C=15, pressure_mbar=1013.25)[0]
        )
        # skyfield refracts by Bennett too; 0.02 degrees: the disk's half width is taken as 16
        # arc-minutes, it is 16.2 in November.
        assert altitude.degrees + 16 / 60 == pytest.approx(wall, abs=0.02)


def test_a_viewer_over_the_plain_sees_the_sun_before_the_tables_do() -> None:
    day = date(2026, 11, 22)
    flat = viewpoint(40.017, 115.454, 0.0, 0.0, "flat")
    summit = viewpoint(40.017, 115.454, 2303.0, -1.4, "summit")

    found = almanacs([flat, summit], [day], BEIJING)

    low, high = found["flat", day], found["summit", day]
    assert low.terrain_sunrise
    assert low.sunrise
    assert high.terrain_sunrise
    # Bennett's 34.5 arc-minutes against the tables' 34.0: 3 s at this slant.
    assert abs((low.terrain_sunrise - low.sunrise).total_seconds()) < 10
    # The sun climbs 0.172 degrees a minute here (15 cos 40 sin 64 = 10.3 an hour): 1.4 degrees of
    # dip and 0.2 of longer way, 9 minutes.
    assert 8 * 60 < (low.sunrise - high.terrain_sunrise).total_seconds() < 11 * 60


def test_refraction_is_that_of_the_almanacs() -> None:
    # Arc-minutes: 34 at the horizon, 9.9 at 5 degrees, 1.0 at 45 (Bennett 1982, +-0.1). At 2303 m
    # the standard air is 0.797 as dense.
    assert float(refraction(0.0)) * 60 == pytest.approx(34, abs=0.7)
    assert float(refraction(5.0)) * 60 == pytest.approx(9.9, abs=0.2)
    assert float(refraction(45.0)) * 60 == pytest.approx(1.0, abs=0.03)
    assert float(refraction(5.0, 2303.0) / refraction(5.0)) == pytest.approx(0.797, abs=0.01)
    # A ray that grazes the sea on its way to a summit is bent by the 34 of the sea-level horizon
    # and by 0.17/0.83 of the dip on its way up; the two laws meet within the 0.1 degrees claimed.
    assert float(refraction(-1.4, 2303.0)) == pytest.approx(34 / 60 + 0.17 / 0.83 * 1.4, abs=0.1)


def test_the_horizon_is_read_round_the_full_circle() -> None:
    horizon = np.arange(72, dtype=float)

    found = horizon_altitude(horizon, np.array([0.0, 2.5, 355.0, 357.5, 360.0, -5.0, np.nan]))

    assert found[:6].tolist() == [0.0, 0.5, 71.0, 35.5, 0.0, 71.0]
    assert np.isnan(found[6])
    assert horizon_altitude(
        np.stack((horizon, horizon + 1))[:, None, :], np.array([0.0, 5.0, 10.0])
    ).shape == (2, 3)


def test_local_days_begin_with_the_day_of_the_clock_on_the_wall() -> None:
    # 2026-12-31 20:00 UTC is four in the morning of New Year's Day in Beijing.
    days = local_days(datetime(2026, 12, 31, 20, tzinfo=UTC), BEIJING, 3)

    assert days == (date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3))
    with pytest.raises(ValueError, match="no time zone"):
        local_days(datetime(2026, 12, 31, 20), BEIJING, 3)  # noqa: DTZ001


def test_an_almanac_does_not_depend_on_the_company_it_is_computed_in() -> None:
    # more than one block
    sites = [viewpoint(30 + i / 20, 100 + i / 10, name=f"s{i}") for i in range(260)]
    days = [date(2026, 11, 20), date(2026, 11, 21), date(2026, 12, 24)]  # with a gap

    together = almanacs(sites, days, BEIJING)

    assert list(together) == [(site.id, day) for site in sites for day in days]
    for i in (0, 249, 250, 259):
        alone = almanacs([sites[i]], [days[2]], BEIJING)
        assert alone[f"s{i}", days[2]].sunrise == together[f"s{i}", days[2]].sunrise
        assert alone[f"s{i}", days[2]].moonset == together[f"s{i}", days[2]].moonset
