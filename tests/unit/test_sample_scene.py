"""The sample weather obeys physics and contains its scenes, at every run hour and season."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache

import metpy.calc as mpcalc
import numpy as np
import pytest
from metpy.units import units

from forecast.config import read_config
from forecast.geo import KILOMETRES_PER_DEGREE
from forecast.quantities import CLOSE_LEVELS, DEFAULT_FIELDS, FIELDS
from forecast.sample.region import Region
from forecast.sample.scene import Weather
from forecast.sample.timetable import CENTRE, Timetable, sun_of
from forecast.science.thermodynamics import FREEZING
from tests.expected_scenes import expected_scenes

REGION = Region(46.4, 33.5, 107.2, 124.3)
RUNS = [
    datetime(2026, month, 20, hour, tzinfo=UTC)
    for month, hour in ((11, 0), (11, 6), (1, 12), (3, 18), (6, 0), (6, 12), (6, 18))
]
SITES = {site.id: site for site in read_config().all_sites()}

every_run = pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run:%m-%dT%HZ}")


@cache
def weather(run: datetime) -> Weather:
    return Weather(run, REGION)


def fields_at(run: datetime, hour: float) -> dict[str, np.ndarray]:
    """The fields at an hour of the timetable."""
    return weather(run).fields(hour - weather(run).timetable.start)


def column(values: np.ndarray, latitude: float, longitude: float) -> np.ndarray:
    """The values at the grid point nearest to a place."""
    row = np.abs(REGION.latitudes - latitude).argmin()
    return values[..., row, np.abs(REGION.longitudes - longitude).argmin()]


def polar(run: datetime) -> tuple[np.ndarray, np.ndarray]:
    """Return distance [km] from the sites and angle [degree] from the sunset of day 1."""
    latitude, longitude = np.meshgrid(REGION.latitudes, REGION.longitudes, indexing="ij")
    north = (latitude - CENTRE[0]) * KILOMETRES_PER_DEGREE
    east = (longitude - CENTRE[1]) * KILOMETRES_PER_DEGREE * np.cos(np.radians(latitude))
    azimuth = np.degrees(np.arctan2(east, north))
    return np.hypot(east, north), np.abs((azimuth - Timetable(run).azimuth + 180) % 360 - 180)


def total(fields: dict[str, np.ndarray]) -> np.ndarray:
    """The greatest cover of any layer."""
    return np.max(
        [fields[f"{layer}_type_cloud_area_fraction"] for layer in ("low", "medium", "high")], axis=0
    )


# -- physics


@pytest.mark.parametrize("hour", [30.0, 41.0, 52.0, 66.0])
def test_heights_follow_from_temperature_and_moisture(hour: float) -> None:
    fields = fields_at(RUNS[0], hour)
    pressure = np.array(CLOSE_LEVELS) * units.Pa
    temperature, humidity, height = (
        column(fields[name], 40.0, 115.5)
        for name in ("air_temperature", "relative_humidity", "geopotential_height")
    )

    mixing = mpcalc.mixing_ratio_from_relative_humidity(pressure, temperature * units.K, humidity)
    # MetPy integrates in the same way but has its own vapour pressure: 2 m in 11 km covers that.
    expected = (
        mpcalc.thickness_hydrostatic(pressure, temperature * units.K, mixing_ratio=mixing)
        .to("m")
        .magnitude
    )

    assert height[-1] - height[0] == pytest.approx(expected, abs=2.0)
    assert (np.diff(fields["geopotential_height"], axis=0) > 0).all()


@every_run
def test_every_field_is_within_the_catalogues_limits_and_cloud_stands_in_moist_air(
    run: datetime,
) -> None:
    for hour in (Timetable(run).start, Timetable(run).rise[1], Timetable(run).set[1], 52.0, 68.0):
        fields = fields_at(run, hour)

        for name in FIELDS.keys() & fields.keys():
            assert np.isfinite(fields[name]).all(), name
            assert FIELDS[name].low <= fields[name].min(), name
            assert fields[name].max() <= FIELDS[name].high, name
        cloud, humidity = (
            fields["cloud_area_fraction_in_atmosphere_layer"],
            fields["relative_humidity"],
        )
        assert humidity.min() >= 0
        assert humidity.max() <= 1.05
        assert (humidity[cloud > 0] >= 0.80).all()
        for water in ("cloud_liquid_water_mixing_ratio", "cloud_ice_mixing_ratio"):
            assert (fields[water][cloud == 0] == 0).all()


def test_the_sample_weather_has_every_field_that_the_service_reads() -> None:
    fields = fields_at(RUNS[0], 30.0)

    # Means and sums are not fields of a moment: encoding reads them by span.
    assert {field.name for field in DEFAULT_FIELDS if field.statistic == "point"} <= fields.keys()


def test_no_temperature_jumps_from_one_step_to_the_next() -> None:
    made = Weather(RUNS[0], Region(41, 39, 114, 117))

    temperature = np.stack([made.fields(step)["air_temperature"] for step in range(0, 73, 3)])

    # A strong cold front: 10 K in three hours, where the inversion was.
    assert np.abs(np.diff(temperature, axis=0)).max() < 10


def test_rain_and_snow_of_any_spans_add_up() -> None:
    made, start = weather(RUNS[0]), weather(RUNS[0]).timetable.start

    buckets = sum(made.fallen(start + first, start + first + 6) for first in range(0, 72, 6))

    np.testing.assert_allclose(buckets, made.fallen(start, start + 72), atol=1e-12)
    assert made.fallen(start, start + 72).max() <= 9.0


@pytest.mark.parametrize(
    ("day", "sunrise", "sunset", "azimuth"),
    [
        # PyEphem 4.2 at 40.0 N, 115.7 E, upper limb, horizon -50', no pressure; local time to the
        # minute.
        (date(2026, 6, 21), 4 + 47 / 60, 19 + 51 / 60, 302.4),
        (date(2026, 12, 22), 7 + 34 / 60, 16 + 57 / 60, 239.8),
    ],
)
def test_the_rough_sun_is_good_to_twenty_minutes_and_two_degrees(
    day: date, sunrise: float, sunset: float, azimuth: float
) -> None:
    sun = sun_of(day)

    assert sun.rise == pytest.approx(sunrise, abs=1 / 3)
    assert sun.set == pytest.approx(sunset, abs=1 / 3)
    assert sun.azimuth == pytest.approx(azimuth, abs=2.0)


# -- the scenes


@every_run
def test_at_the_first_dawn_jinding_stands_above_a_deck_under_an_inversion(run: datetime) -> None:
    fields = fields_at(run, Timetable(run).rise[1])
    height, temperature, humidity, cloud = (
        column(fields[name], 40.0, 116.0)
        for name in (
            "geopotential_height",
            "air_temperature",
            "relative_humidity",
            "cloud_area_fraction_in_atmosphere_layer",
        )
    )

    half = np.interp(-0.5, -cloud[1:8], height[1:8])
    moist = np.interp(-0.9, -humidity[1:8], height[1:8])

    assert 950 <= half <= 1150
    assert 950 <= moist <= 1150
    assert cloud[height < 900].min() >= 0.9
    # The lapse rate would give -3 K: an inversion.
    assert np.interp(1400, height, temperature) > np.interp(1050, height, temperature) + 2
    # Beijing's seas of clouds: above 0.80 below the top, below 0.60 over it (doi
    # 10.3878/j.issn.1006-9585.2025.25032).
    assert humidity[(height > 1400) & (height < 6000)].max() < 0.6
    # By early afternoon it is gone.
    assert (
        column(
            fields_at(run, Timetable(run).rise[1] + 6.5)["low_type_cloud_area_fraction"],
            40.0,
            116.0,
        )
        == 0
    )


@every_run
def test_the_spoiled_sunset_has_its_canvas_and_a_wall_in_the_suns_direction(run: datetime) -> None:
    fields = fields_at(run, Timetable(run).set[1])
    distance, angle = polar(run)

    over = distance < 100
    wall = (distance > 310) & (distance < 370) & (angle < 15)
    gap = (distance > 200) & (distance < 225) & (angle < 15)

    assert fields["high_type_cloud_area_fraction"][over].min() >= 0.4
    assert fields["high_type_cloud_area_fraction"][over].max() <= 0.8
    assert fields["low_type_cloud_area_fraction"][over].max() == 0
    assert wall.sum() >= 10
    for layer in ("low", "medium", "high"):
        assert fields[f"{layer}_type_cloud_area_fraction"][wall].min() == 1
    assert total(fields)[gap].max() <= 0.3


@every_run
def test_the_painted_sunset_has_the_same_canvas_and_nothing_in_the_west(run: datetime) -> None:
    fields = fields_at(run, Timetable(run).set[2])
    distance, angle = polar(run)

    over, west = distance < 100, (distance > 200) & (distance < 700) & (angle < 40)

    assert fields["high_type_cloud_area_fraction"][over].min() >= 0.4
    assert fields["high_type_cloud_area_fraction"][over].max() <= 0.8
    assert (
        max(fields[f"{layer}_type_cloud_area_fraction"][over].max() for layer in ("low", "medium"))
        == 0
    )
    assert total(fields)[west].max() == 0
    assert total(fields_at(run, Timetable(run).set[0]))[distance < 600].max() == 0, (
        "the first sunset is cloudless"
    )


@every_run
def test_the_front_brings_snow_at_1400_m_and_no_more_than_rain_to_the_plain(run: datetime) -> None:
    made, place = weather(run), (39.983, 115.443)
    fall = column(made.fallen(48, 72), *place)
    plain = column(made.fallen(48, 72), 39.5, 116.75)

    assert fall >= 5
    assert plain <= fall / 2
    for hour in (Timetable(run).arrival + 1.5, Timetable(run).arrival + 3):
        fields = fields_at(run, hour)
        height, temperature, cloud = (
            column(fields[name], *place)
            for name in (
                "geopotential_height",
                "air_temperature",
                "cloud_area_fraction_in_atmosphere_layer",
            )
        )
        assert np.interp(1400, height, temperature) < FREEZING - 2
        # Beijing's snow needs a cloud top of -14 degC or colder (Meteorological Monthly 2022,
        # 48(6), 746).
        assert temperature[cloud >= 0.5].min() <= 259.15
        assert column(fields["categorical_snow"], *place) == 1
        assert column(fields["categorical_snow"], 39.5, 116.75) == 0
        assert column(fields["air_temperature_at_2m"], 39.5, 116.75) > FREEZING
    assert column(fields_at(run, 62.0)["surface_snow_thickness"], *place) > 0.05


@every_run
def test_at_the_second_dawn_every_viewer_is_in_the_cloud(run: datetime) -> None:
    for hour in (Timetable(run).rise[2] - 1.5, Timetable(run).rise[2] + 3):
        fields = fields_at(run, hour)

        for site in (SITES[name] for name in ("lingshan", "jinding", "baihuashan")):
            cloud, height = (
                column(fields[name], site.latitude, site.longitude)
                for name in ("cloud_area_fraction_in_atmosphere_layer", "geopotential_height")
            )
            assert np.interp(site.elevation, height, cloud) >= 0.95, site.id


@every_run
def test_the_night_behind_the_front_is_clear_calm_and_dry(run: datetime) -> None:
    fields = fields_at(run, max(Timetable(run).set[2] + 4, 69.0))
    distance, _ = polar(run)

    assert total(fields)[distance < 200].max() == 0
    wind = np.hypot(
        *(column(fields[name], 40.0, 115.5) for name in ("eastward_wind", "northward_wind"))
    )
    assert wind[CLOSE_LEVELS.index(80000)] < 5
    assert column(fields["atmosphere_mass_content_of_water_vapor"], 40.0, 115.5) < 5


@every_run
def test_the_expected_scenes_lie_inside_the_run_and_name_known_sites(run: datetime) -> None:
    scenes = {scene.name: scene for scene in expected_scenes(run)}

    # The scenes that every run contains.
    assert {
        "cloud_sea",
        "walled_sunset",
        "frontal_snow",
        "white_wall",
        "painted_sunset",
        "starry_night",
    } <= scenes.keys()
    assert run.hour in (0, 18) or {"clear_sunrise", "open_valley"} <= scenes.keys()
    for scene in scenes.values():
        assert scene.expected in ("found", "decoy")
        assert all(scene.phenomenon in SITES[site].phenomena for site in scene.sites), scene
        assert 0 <= (scene.day - Timetable(run).today).days <= 3
