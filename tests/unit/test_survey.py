"""What maps say of a viewpoint: made landscapes with answers by hand, and the five sites from the
real maps.
"""

from __future__ import annotations

import csv
import gzip
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import typer
import xarray as xr
import yaml

from forecast.commands import survey
from forecast.config import Config
from forecast.errors import ConfigError, FileUnreadable
from forecast.science import almanac
from forecast.science.night_sky import NATURAL_SKY

LATITUDE, LONGITUDE = 40.0, 116.0
RADIUS, K = 6_371_000.0, 0.13
KILOMETRE = np.degrees(1000 / RADIUS)  # [degree] of latitude


def plain(height: float = 0.0, reach: float = 2.2, step: float = 1 / 120) -> xr.DataArray:
    """A grid of one height, 30 arc-seconds, round the place."""
    latitude = LATITUDE + np.arange(-reach, reach + step / 2, step)
    longitude = LONGITUDE + np.arange(-reach * 1.4, reach * 1.4 + step / 2, step)
    values = np.full((len(latitude), len(longitude)), height)
    return xr.DataArray(
        values, {"latitude": latitude, "longitude": longitude}, ("latitude", "longitude")
    )


def kilometres_away(grid: xr.DataArray) -> np.ndarray:
    north = (grid.latitude.values - LATITUDE)[:, None] / KILOMETRE
    east = (grid.longitude.values - LONGITUDE)[None, :] / KILOMETRE * np.cos(np.radians(LATITUDE))
    return np.hypot(north, east)


def grids(shared: Path) -> tuple[xr.DataArray, xr.DataArray]:
    pytest.importorskip("h5py", reason="netCDF needs the extra `survey`")
    folder = shared / "terrain"
    return survey.read_grid(folder / "dem_30s_38-42N_113-119E.nc"), survey.read_grid(
        folder / "viirs_2025_39-41N_114.5-117.5E.nc"
    )


@pytest.mark.parametrize("elevation", [0.0, 100.0, 1291.0, 2303.0])
def test_over_a_plain_the_horizon_is_the_dip(elevation: float) -> None:
    terrain = plain()

    found = survey.horizon(LATITUDE, LONGITUDE, elevation, terrain)

    # Dip of a sphere of radius R / (1 - k) from h = elevation + 2 m: sqrt(2 h (1 - k) / R); rays
    # are sampled every 300 m.
    # Nothing nearer than 1 km is looked at: from 2 m the sea's edge at 5 km is still beyond that.
    dip = -np.degrees(np.sqrt(2 * (elevation + 2) * (1 - K) / RADIUS))
    np.testing.assert_allclose(found, dip, atol=0.005)
    assert found.shape == (72,)


def test_a_wall_stands_as_high_as_geometry_says() -> None:
    terrain = plain()
    wall = (terrain.latitude > LATITUDE + 20 * KILOMETRE) & (
        terrain.latitude < LATITUDE + 24 * KILOMETRE
    )
    terrain = terrain.where(~wall, 1000.0)
    # [m] to the wall's first full row
    first = float(terrain.latitude[wall.values][0] - LATITUDE) / KILOMETRE * 1000

    found = survey.horizon(LATITUDE, LONGITUDE, 100.0, terrain)

    height = 1000 - 102 - first**2 * (1 - K) / (2 * RADIUS)
    # Rays are sampled every 300 m: at most 1.5 % too low; five rays of two degrees meet the wall
    # 0.06 % later than the middle one.
    assert found[0] == pytest.approx(np.degrees(np.arctan(height / first)), rel=0.015)
    assert found[36] < 0  # nothing stands in the south


def test_a_cone_far_away_shows_in_its_own_direction_only() -> None:
    # A peak of 2000 m, 5 km wide, 40 km due east of a viewer at sea level: (2000 - 2 - 109) / 40000
    # = 2.70 degrees.
    terrain = plain()
    peak = LONGITUDE + 40 * KILOMETRE / np.cos(np.radians(LATITUDE))
    east = (terrain.longitude - peak) / KILOMETRE * np.cos(np.radians(LATITUDE))
    away = np.hypot(
        ((terrain.latitude - LATITUDE) / KILOMETRE).broadcast_like(terrain),
        east.broadcast_like(terrain),
    )
    terrain = terrain + (2000 * (1 - away / 5)).clip(min=0)

    found = survey.horizon(LATITUDE, LONGITUDE, 0.0, terrain)

    # The mean of five rays; at 1 and 2 degrees from the middle they cross the cone 0.7 and 1.4 km
    # beside its top, 279 and 558 m lower.
    lower = 2000 * 40 * np.sin(np.radians([2, 1, 0, 1, 2])) / 5
    wanted = np.degrees(np.arctan((2000 - lower - 111) / 40000)).mean()
    # Cells of 0.9 km cut the cone's point by up to 185 m: 0.26 degrees of the middle ray, a fifth
    # of that of the mean.
    assert wanted - 0.06 < found[18] < wanted + 0.01
    assert found[16] < 0.3
    assert found[20] < 0.3


def test_the_smoothed_flank_of_ones_own_mountain_is_no_wall() -> None:
    # A summit of 2303 m that the grid knows as a cone of 2127 m whose top it puts 1.1 km too far
    # north, as at Lingshan.
    terrain = plain()
    shifted = terrain.assign_coords(latitude=terrain.latitude - 1.1 * KILOMETRE)
    terrain = terrain + np.maximum(2127 - 250 * kilometres_away(shifted), 0)

    summit = survey.horizon(LATITUDE, LONGITUDE, 2303.0, terrain)
    # lower than the grid's ground (1852 m) where it stands
    village = survey.horizon(LATITUDE, LONGITUDE, 1700.0, terrain)

    assert summit.max() < 0
    # (2127 - 1854) / 1100 at the most, not (2127 - 1702) / 1100.
    assert village.max() < np.degrees(np.arctan(273 / 1100)) + 0.1


def test_cells_without_a_value_are_passed_over() -> None:
    terrain = plain()
    sea = terrain.where(terrain.longitude < LONGITUDE + 0.5)

    found = survey.horizon(LATITUDE, LONGITUDE, 100.0, sea)

    assert np.isfinite(found).all()


def test_valleys_are_the_lowest_tenth_below_the_viewer() -> None:
    # Within 8 km the ground rises eastwards from 0 m at 116 E by 100 m a kilometre; the west is a
    # plateau of 3000 m.
    terrain = plain(reach=0.1, step=1 / 1200)
    east = (
        (terrain.longitude - LONGITUDE) / KILOMETRE * np.cos(np.radians(LATITUDE))
    ).broadcast_like(terrain)
    terrain = (100 * east).where(east >= 0, 3000.0)

    found = survey.valley_elevation(LATITUDE, LONGITUDE, 2000.0, terrain)

    # The tenth of a half disk next to its diameter reaches 0.0787 of the radius: 2/pi (x sqrt(1 -
    # x^2) + asin x) = 0.1.
    # 7.5 m: one column of the grid, 71 m wide.
    assert found == pytest.approx(100 * 8 * 0.0787, abs=7.5)
    assert survey.valley_elevation(LATITUDE, LONGITUDE, -10.0, terrain) == -10.0


def test_the_curve_of_the_valleys_cuts_the_ground_below_into_equal_areas() -> None:
    # An even slope from 0 m in the west to 1600 m in the east edge of the disk, by 100 m a
    # kilometre.
    terrain = plain(reach=0.1, step=1 / 1200)
    east = (
        (terrain.longitude - LONGITUDE) / KILOMETRE * np.cos(np.radians(LATITUDE))
    ).broadcast_like(terrain)

    found = survey.valley_heights(LATITUDE, LONGITUDE, 2000.0, 800 + 100 * east)

    # A chord at x of the radius parts the disk at 1/2 + (x sqrt(1 - x^2) + asin x) / pi: a quarter
    # lies beyond x = 0.4040.
    assert len(found) == 9
    assert list(found) == sorted(found)
    assert found[4] == pytest.approx(800, abs=10)
    assert (found[2], found[6]) == pytest.approx((800 - 323, 800 + 323), abs=10)
    assert survey.valley_heights(LATITUDE, LONGITUDE, -10.0, 800 + 100 * east) == ()
    assert max(survey.valley_heights(LATITUDE, LONGITUDE, 804.0, 800 + 100 * east)) <= 804


def test_light_falls_off_with_distance_and_only_what_shines_counts() -> None:
    lights = plain(0.0, reach=0.6, step=1 / 240)
    far = kilometres_away(lights)
    row, column = np.unravel_index(np.abs(far - 20).argmin(), far.shape)
    lights.values[row, column] = 100.0
    lights.values[0, 0] = 1e6  # beyond 50 km
    lights.values[5, 5] = -3.0
    lights.values[6, 6] = np.nan

    found = survey.summed_light(LATITUDE, LONGITUDE, lights)

    # One cell of 15 arc-seconds: 0.4633 km by 0.4633 km x cos(latitude).
    area = (RADIUS / 1000 * np.radians(1 / 240)) ** 2 * np.cos(
        np.radians(float(lights.latitude[row]))
    )
    assert found == pytest.approx(100 * area * (far[row, column] + 1) ** -2.5, rel=1e-6)


def test_a_town_in_the_east_lights_the_eastern_sky() -> None:
    lights = plain(0.0, reach=1.0, step=1 / 120)
    town = (
        int(np.abs(lights.latitude.values - LATITUDE).argmin()),
        int(np.abs(lights.longitude.values - LONGITUDE - 0.5).argmin()),
    )
    lights.values[town] = 50.0

    found = survey.glow_by_azimuth(LATITUDE, LONGITUDE, lights)

    # One direction's light alone: the square of the cosine towards it, none from a right angle on;
    # the mean of the twelve is a quarter.
    wanted = 4 * np.maximum(np.cos(np.radians(np.arange(0, 360, 30) - 90)), 0) ** 2
    assert found == pytest.approx(wanted, abs=0.05)  # azimuths are counted in whole degrees
    assert survey.glow_by_azimuth(LATITUDE, LONGITUDE, lights * 0) == pytest.approx(1.0)


def test_the_sites_settings_hold_the_glow_of_the_map(shared: Path, config: Config) -> None:
    _, lights = grids(shared)

    for site in config.sites:
        found = survey.glow_by_azimuth(site.latitude, site.longitude, lights)
        assert site.sky_glow_by_azimuth == pytest.approx(found, abs=0.006), site.id


def test_a_place_without_lights_has_a_natural_sky() -> None:
    assert survey.night_sky_brightness(0.0) == 22.0
    # As bright again as the natural sky: 2.5 log10(2) = 0.753 magnitudes.
    assert survey.night_sky_brightness(1 / survey.GLOW_SCALE) == pytest.approx(
        22 - 0.753, abs=0.001
    )


def test_maps_that_end_too_soon_are_refused_with_what_is_needed() -> None:
    with pytest.raises(ConfigError, match=r"terrain grid spans latitude 39\.50 to 40\.50"):
        survey.survey(LATITUDE, LONGITUDE, 100.0, plain(reach=0.5), plain(reach=0.5))


def test_what_is_no_map_is_refused(tmp_path: Path) -> None:
    (tmp_path / "map.nc").write_bytes(b"<html>not found</html>")

    with pytest.raises(FileUnreadable, match=r"cannot be read|not a readable"):
        survey.read_grid(tmp_path / "map.nc")
    with pytest.raises(FileUnreadable, match="no such file"):
        survey.read_grid(tmp_path / "absent.nc")


GRIDS = (Path("terrain.nc"), Path("lights.nc"))


def test_the_command_prints_a_paragraph_that_the_settings_take(
    monkeypatch: pytest.MonkeyPatch, config: Config
) -> None:
    monkeypatch.setattr(
        survey, "read_grid", lambda path: plain(50.0 if path.name == "terrain.nc" else 1.0)
    )

    text = survey.paragraphs(config, *GRIDS, place=(40.0, 116.0, 800.0))

    values = yaml.safe_load(text)
    site = config.sites[0].model_dump() | values
    taken = type(config.sites[0]).model_validate(site)
    assert taken.valley_elevation_m == 50
    assert len(taken.horizon_degrees) == 72
    assert taken.horizon_degrees[0] == -0.8  # sqrt(2 x 752 m x 0.87 / R)
    assert 14 < taken.night_sky_brightness < 22


def test_the_command_says_what_it_does_not_understand(config: Config) -> None:
    with pytest.raises(ConfigError, match="no site 'atlantis'; the settings have lingshan"):
        survey.paragraphs(config, *GRIDS, site="atlantis")
    with pytest.raises(typer.BadParameter, match="together"):
        survey.paragraphs(config, *GRIDS, place=(40.0, None, None))


def test_the_five_sites_of_the_settings_are_what_the_maps_say(shared: Path, config: Config) -> None:
    terrain, lights = grids(shared)

    for site in config.sites:
        found = survey.survey(site.latitude, site.longitude, site.elevation_m, terrain, lights)

        written = yaml.safe_load("\n".join(survey.as_yaml_lines(found)))
        assert list(site.horizon_degrees) == written["horizon_degrees"], site.id
        assert site.valley_elevation_m == written["valley_elevation_m"], site.id
        assert list(site.valley_heights_m) == written["valley_heights_m"], site.id
        assert site.night_sky_brightness == written["night_sky_brightness"], site.id


def test_the_sunrise_sites_look_out_over_the_plain(config: Config) -> None:
    # Sunrise wanders from 59 to 121 degrees at 40 N: nothing may stand above the horizontal there.
    for site in config.sites:
        if "sunrise" in site.phenomena:
            assert max(site.horizon_degrees[12:25]) <= 0, site.id


def test_the_scale_of_sky_glow_stands_between_the_city_and_the_observatory(shared: Path) -> None:
    _, lights = grids(shared)
    cases = clear_reports(shared)
    glow = np.array(
        [survey.summed_light(latitude, longitude, lights) for latitude, longitude, _ in cases]
    )
    seen = np.array([limit for *_, limit in cases])

    def error(scale: float) -> float:
        brightness = NATURAL_SKY - 2.5 * np.log10(1 + scale * glow)
        return float((seen - (7.93 - 5 * np.log10(10 ** (4.316 - brightness / 5) + 1))).mean())

    scales = np.geomspace(0.1, 10, 401)
    city = scales[np.abs([error(scale) for scale in scales]).argmin()]
    # Xinglong Observatory, 21.4 at the zenith: Yao et al. 2013, arXiv:1304.7107. The map ends 7 km
    # west of it, in dark mountains.
    observatory = (10 ** ((NATURAL_SKY - 21.4) / 2.5) - 1) / survey.summed_light(
        40.3958, 117.5775, lights
    )

    assert len(cases) == 142
    assert city == pytest.approx(1.0, abs=0.05)
    assert observatory == pytest.approx(0.58, abs=0.02)
    assert pytest.approx(np.sqrt(city * observatory), rel=0.03) == survey.GLOW_SCALE


def clear_reports(shared: Path) -> list[tuple[float, float, float]]:
    """(latitude, longitude, limiting magnitude) of Globe at Night's reports under a clear, dark,
    moonless sky, 50 km of map round them.
    """
    found = {}
    with gzip.open(
        shared / "globe_at_night" / "even_years_2008_2018.csv.gz", "rt", encoding="utf-8"
    ) as lines:
        for row in csv.DictReader(lines):
            latitude, longitude, limit = (
                float(row["Latitude"]),
                float(row["Longitude"]),
                float(row["LimitingMag"]),
            )
            inside = 39.4537 < latitude < 40.5463 and 115.094 < longitude < 116.906
            if not inside or row["CloudCover"] != "-1" or not 1 <= limit <= 7:
                continue
            # The file's own convention (../shared/data/README.md): UTC = ObsDateTime + 2 x
            # UTCOffset minutes.
            local = datetime.fromisoformat(row["ObsDateTime"]).replace(tzinfo=None)
            moment = np.datetime64(local + timedelta(minutes=2 * float(row["UTCOffset"])), "ns")
            dark = float(almanac.sun_position(moment, latitude, longitude)[0]) < -12
            if dark and float(almanac.moon_position(moment, latitude, longitude)[0]) < 0:
                found[row["ObsDateTime"], latitude, longitude] = (latitude, longitude, limit)
    return list(found.values())
