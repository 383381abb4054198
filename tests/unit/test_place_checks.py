"""Does `skyscape check` see sites and stations in the wrong place or at the wrong height?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.commands import check, coordinate_checks, site_checks
from forecast.config import Config, build_config
from tests.gribs import message
from tests.unit.test_settings_errors import SITE, SOUND, written

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
STATION = {"id": "M1", "latitude": 40.0, "longitude": 115.5, "elevation_m": 1200}


def config_of(*sites: dict[str, Any], stations: list[dict[str, Any]] | None = None) -> Config:
    for site in sites:
        if site["name"] == SITE["name"] and site["id"] != SITE["id"]:  # each its own name
            site["name"] = {"zh": site["id"], "en": site["id"]}
    return build_config(
        SOUND | {"sites": list(sites), "observations": {"stations": stations or []}}, {}
    )


def plain(height: float) -> xr.DataArray:
    latitude, longitude = np.arange(39.5, 40.5, 1 / 120), np.arange(115.0, 116.0, 1 / 120)
    values = np.full((len(latitude), len(longitude)), height)
    coordinates = {"latitude": latitude, "longitude": longitude}
    return xr.DataArray(values, coordinates, ("latitude", "longitude"))


def test_the_shift_of_chinese_web_maps_is_that_of_tiananmen() -> None:
    # Tiananmen: WGS-84 39.90734 N, 116.39089 E; on Chinese web maps 39.90874 N, 116.39713 E
    latitude, longitude = coordinate_checks.to_gcj02(39.90734, 116.39089)

    assert (latitude, longitude) == pytest.approx((39.90874, 116.39713), abs=2e-5)
    back = coordinate_checks.from_gcj02(latitude, longitude)
    assert back == pytest.approx((39.90734, 116.39089), abs=5e-5)


def test_a_site_where_a_web_map_shows_its_station_is_a_fault() -> None:
    latitude, longitude = coordinate_checks.to_gcj02(40.0, 115.5)
    shifted = SITE | {"latitude": latitude, "longitude": longitude, "stations": ["M1"]}

    (found,) = site_checks.findings(config_of(shifted, stations=[STATION]))

    assert found.grade == "fault"
    assert "GCJ-02" in found.detail
    assert site_checks.findings(config_of(SITE | {"stations": ["M1"]}, stations=[STATION])) == []


@pytest.mark.parametrize(
    ("height", "words"),
    [(1200, None), (1400, None), (3937, "3937 feet are 1200 m"), (2000, "between 1200 and 1200 m")],
)
def test_a_height_is_held_against_the_terrain(height: float, words: str | None) -> None:
    found = site_checks.findings(config_of(SITE | {"elevation_m": height}), plain(1200.0))

    assert [words in each.detail for each in found if words] == ([] if words is None else [True])
    assert bool(found) == (words is not None)


def test_a_height_in_feet_is_seen_beside_the_sites_station() -> None:
    site = SITE | {"elevation_m": 3937, "stations": ["M1"]}

    (found,) = site_checks.findings(config_of(site, stations=[STATION]))

    assert "is it in feet?" in found.detail


def test_ground_that_suits_only_the_corrected_coordinates_is_a_warning() -> None:
    terrain = plain(1000.0)
    terrain = terrain.where(
        terrain["longitude"] > 115.495, 1250.0
    )  # higher from a cell to the west
    _, longitude = coordinate_checks.from_gcj02(40.0, 115.5)
    ground = np.interp(longitude, terrain["longitude"], terrain.values[0])

    (found,) = site_checks.findings(config_of(SITE | {"elevation_m": float(ground)}), terrain)

    assert found.grade == "warning"
    assert "(GCJ-02)" in found.detail
    assert f"{longitude:.4f}" in found.detail
    assert site_checks.findings(config_of(SITE | {"elevation_m": 1000}), terrain) == []


def test_a_site_far_from_the_others_and_one_twice_are_warnings() -> None:
    sites = [SITE | {"id": id} for id in ("one", "two", "three")]
    sites[1]["latitude"], sites[2]["longitude"] = 40.1, 125.5

    found = site_checks.findings(config_of(*sites, SITE | {"id": "four"}))

    assert {each.subject for each in found} == {"sites.three", "sites.four"}
    # 10 degrees of longitude at 40 N
    assert any("852 km from the nearest other site" in each.detail for each in found)
    assert {each.grade for each in found} == {"warning"}


@pytest.mark.parametrize(("degrees", "far"), [(1.3, False), (1.4, True)])  # 145 km, 156 km
def test_a_site_more_than_150_km_from_the_others_is_a_warning(degrees: float, far: bool) -> None:
    sites = [SITE | {"id": id} for id in ("one", "two", "three")]
    sites[1]["latitude"], sites[2]["latitude"] = 40.01, 40.01 + degrees

    found = site_checks.findings(config_of(*sites))

    assert [each.subject for each in found] == (["sites.three"] if far else [])


@pytest.mark.parametrize(("latitude", "longitude", "words"), [
    (40.017, 15.454, "longitude 115.454 does: is its first digit missing?"),
    (40.017, -115.454, "longitude 115.454 does: is its sign wrong?"),
    (40.017, 11.5454, "longitude 111.545 does: is its first digit missing?"),
    (40.017, -10.0, "is the longitude or the zone wrong?"),
    (40.017, 115.454, None), (39.5, 75.9, None), (48.0, 134.7, None),  # Kashgar, Fuyuan
])  # fmt: skip
def test_a_longitude_that_does_not_suit_the_time_zone_is_a_fault(
    latitude: float, longitude: float, words: str | None
) -> None:
    found = site_checks.findings(config_of(SITE | {"latitude": latitude, "longitude": longitude}))

    assert [words in each.detail for each in found if words] == ([True] if words else [])
    assert {each.grade for each in found} == ({"fault"} if words else set())


@pytest.mark.parametrize(("heights", "words"), [
    # 2303 m are 7556 feet
    ({"elevation_m": 7556, "valley_elevation_m": 1020}, "is it in feet? 7556 feet are 2303 m"),
    ({"elevation_m": 7556, "valley_elevation_m": 3346}, "rare on earth"),
    ({"elevation_m": 1969, "valley_elevation_m": 100, "valley_heights_m": [80, 290, 600]},
     "1969 feet are 600 m"),
    ({"elevation_m": 2303, "valley_elevation_m": 1020, "valley_heights_m": [780, 1330, 2130]},
     None),
])  # fmt: skip
def test_a_height_in_feet_is_seen_beside_its_valley(
    heights: dict[str, Any], words: str | None
) -> None:
    found = site_checks.findings(config_of(SITE | heights))

    assert [words in each.detail for each in found if words] == ([True] if words else [])
    assert {each.grade for each in found} == ({"warning"} if words else set())


# -- stations, and heights without a survey


def station(id: str = "M1", **more: Any) -> dict[str, Any]:
    return STATION | {"id": id} | more


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        ({"latitude": 80.0, "longitude": 40.0}, "are latitude and longitude swapped?"),
        ({"longitude": 15.5}, "longitude 115.5 does: is its first digit missing?"),
        ({"longitude": -115.5}, "is its sign wrong?"),
        ({"longitude": 118.5}, "lies 256 km from the nearest site"),  # 3 degrees at 40 N
    ],
)
def test_a_station_with_mistyped_coordinates_is_seen(slip: dict[str, Any], words: str) -> None:
    found = site_checks.findings(config_of(SITE, stations=[station(**slip)]))

    assert {each.subject for each in found} == {"observations.stations.M1"}
    assert any(words in each.detail for each in found)


def test_a_station_where_a_web_map_shows_its_site_is_a_fault() -> None:
    latitude, longitude = coordinate_checks.to_gcj02(SITE["latitude"], SITE["longitude"])
    shifted = station(latitude=latitude, longitude=longitude)

    [found] = site_checks.findings(config_of(SITE | {"stations": ["M1"]}, stations=[shifted]))

    assert (found.grade, found.subject) == ("fault", "observations.stations.M1")
    assert f"WGS-84 is about {SITE['latitude']:.4f}, {SITE['longitude']:.4f}" in found.detail


@pytest.mark.parametrize(("longitude", "far"), [(116.07, False), (116.1, True)])  # 49, 51 km
def test_a_station_that_stands_for_a_site_is_near_it(longitude: float, far: bool) -> None:
    site, away = SITE | {"stations": ["M1"]}, station(longitude=longitude)

    found = site_checks.findings(config_of(site, stations=[away]))

    assert [each.subject for each in found] == (["sites.here"] if far else [])


@pytest.mark.parametrize(
    ("feet", "metres", "words"),
    [
        (3937, 1200, "3937 feet are 1200 m"),
        (330, 100, "330 feet are 101 m"),  # too low for the terrain to tell
        (341, 100, None),  # 104 m: 4 % off
        (60, 20, None),  # 40 m apart: may be both in metres
        (1150, 250, None),  # a summit and a station below it
    ],
)
@pytest.mark.parametrize("which", ["site", "station"])
def test_two_heights_beside_each_other_in_the_ratio_of_foot_and_metre_are_suspect(
    feet: float, metres: float, words: str | None, which: str
) -> None:
    heights = (feet, metres) if which == "site" else (metres, feet)
    site = SITE | {"elevation_m": heights[0], "valley_elevation_m": 0, "valley_heights_m": []}

    found = site_checks.findings(config_of(site, stations=[station(elevation_m=heights[1])]))

    assert [words in each.detail for each in found if words] == ([True] if words else [])
    assert {each.grade for each in found} == ({"warning"} if words else set())
    where = "sites.here" if which == "site" else "observations.stations.M1"
    assert {each.subject for each in found} == ({where} if words else set())


def test_a_height_in_feet_is_seen_on_the_ground_of_the_last_model_run() -> None:
    # 7556 feet are 2303 m; the model's ground is smooth and lower
    high = station("T1", latitude=40.2, elevation_m=7556)
    right = station("T1", latitude=40.2, elevation_m=2303)
    ground = plain(1000.0)[::30, ::30]

    [found] = site_checks.findings(config_of(SITE, stations=[high]), ground=ground)

    assert found.subject == "observations.stations.T1"
    assert "within 50 km lies at 1000 m: is it in feet? 7556 feet are 2303 m" in found.detail
    assert site_checks.findings(config_of(SITE, stations=[right]), ground=ground) == []


def test_a_height_far_above_every_other_place_is_seen() -> None:
    high = station("T1", latitude=40.2, elevation_m=7556)

    [found] = site_checks.findings(config_of(SITE, stations=[high]))

    assert f"no other place of the settings lies above {SITE['elevation_m']:g} m" in found.detail


def test_a_height_that_is_held_against_nothing_is_named(tmp_path: Path) -> None:
    far = station("T1", latitude=40.2)
    config = config_of(SITE | {"valley_heights_m": []}, stations=[far, station("M1")])

    [found] = site_checks.unchecked(config)

    assert found.grade == "note"
    assert "of station T1: no terrain" in found.detail  # M1 stands at the site
    assert site_checks.unchecked(config, plain(1000.0)) == []


def test_the_ground_of_the_last_run_is_read_from_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "cycles" / "gfs" / "2026011000" / "bucket"
    folder.mkdir(parents=True)
    (folder.parents[1] / "2026011006" / "bucket").mkdir(parents=True)
    (folder.parents[1] / "2026011006" / "bucket" / "f000.grib2").write_bytes(b"no GRIB")
    (folder / "f006.grib2").write_bytes(message(700.0, (0, 3, 5), 1, 0))
    site = SITE | {"elevation_m": 7556, "valley_elevation_m": 5100}
    path = written(tmp_path, SOUND | {"sites": [site]})

    found = check.findings(path, NOW, offline=True)

    [feet] = [each for each in found if "in feet?" in each.detail]
    assert "ground of the last model run within 50 km lies at 700 m" in feet.detail


def test_stations_of_one_name_are_a_warning() -> None:
    stations = [STATION | {"id": id, "name": {"zh": "x", "en": id}} for id in ("M1", "M2")]

    [found] = site_checks.same_names(config_of(SITE, stations=stations))

    assert (found.grade, found.detail) == ("warning", "M1 and M2 have the same name")
