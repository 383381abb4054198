"""Does `skyscape check` name everything to mend at once: settings, paths, servers, sites?"""

from __future__ import annotations

import json
import sqlite3
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.__main__ import main
from forecast.archive.issues import Archive
from forecast.commands import check, site_checks
from forecast.commands.finding import CheckFinding
from forecast.config import Config, build_config
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


def grade_of(found: list[CheckFinding], subject: str) -> str:
    return next(each.grade for each in found if each.subject == subject)


def test_sound_settings_have_nothing_to_mend(tmp_path: Path) -> None:
    found = check.findings(written(tmp_path, SOUND), NOW, offline=True)

    assert {each.grade for each in found} <= {"ok", "note"}
    assert not (tmp_path / "var").exists()
    archive = next(each for each in found if each.subject == "archive")
    assert str(tmp_path / "var" / "archive.db") in archive.detail


def test_faults_of_all_kinds_are_named_in_one_go(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "archive.db").write_bytes(b"no database at all, but long enough for one" * 40)
    values = SOUND | {
        "forecast": {"dayz": 7},
        "output": {"folder": "taken"},
        "archive": {"url": "sqlite:///archive.db"},
        "source": SOUND["source"] | {"order": ["folder"], "folder": "none"},
        "sites": [SITE, SITE | {"id": "there", "name": {"zh": "y", "en": "There"}}],
    }
    values["sites"][1] |= {"latitude": 80.0, "longitude": 20.0}  # suits the time zone the other way

    code = main(["check", "--offline", "--json", "--config", str(written(tmp_path, values))])

    faults = {
        each["subject"]: each["detail"]
        for each in json.loads(capsys.readouterr().out)
        if each["grade"] == "fault"
    }
    assert code == 3
    assert set(faults) == {"settings", "output.folder", "source.folder", "archive", "sites.there"}
    assert "did you mean days?" in faults["settings"]
    assert "expected a folder" in faults["output.folder"]
    assert "are latitude and longitude swapped?" in faults["sites.there"]


def test_settings_that_cannot_be_read_at_all_are_one_fault(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("a: [1, 2", encoding="utf-8")

    (found,) = check.findings(path, NOW, offline=True)

    assert (found.grade, found.subject) == ("fault", "settings")
    assert "not valid YAML" in found.detail


def test_a_clock_that_was_set_back_is_a_fault(tmp_path: Path, config: Config) -> None:
    found = check.findings(written(tmp_path, SOUND), datetime(2000, 1, 1, tzinfo=UTC), offline=True)

    assert grade_of(found, "clock") == "fault"


def test_an_empty_archive_is_opened_and_reported_as_empty(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    Archive(f"sqlite:///{tmp_path / 'var' / 'archive.db'}")

    found = check.findings(written(tmp_path, SOUND), NOW, offline=True)

    archive = next(each for each in found if each.subject == "archive")
    assert archive.grade == "ok"
    assert "nothing was issued yet" in archive.detail


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://me:secret@db/x", "mysql is not supported; expected sqlite:///path or postgresql"),
        ("postgresql+asyncpg://db/x", "postgresql+asyncpg is not supported"),
        ("archive.db", "not a database address"),
        ("sqlite:////proc/site/archive.db", "/proc/site: cannot be made"),
    ],
)
def test_an_archive_that_cannot_be_opened_is_a_fault_without_contact(
    url: str, words: str, tmp_path: Path
) -> None:
    path = written(tmp_path, SOUND | {"archive": {"url": url}})

    (archive,) = [e for e in check.findings(path, NOW, offline=True) if e.subject == "archive"]

    assert archive.grade == "fault"
    assert words in archive.detail
    assert "secret" not in archive.detail


def test_a_server_of_postgresql_is_not_contacted_offline(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND | {"archive": {"url": "postgresql://db.invalid/x"}})

    assert grade_of(check.findings(path, NOW, offline=True), "archive") == "note"


@pytest.mark.parametrize("folder", ["/proc/site", "/proc", "x" * 300])
def test_a_folder_that_cannot_be_made_or_written_is_a_fault(folder: str, tmp_path: Path) -> None:
    path = written(tmp_path, SOUND | {"output": {"folder": folder}})

    assert grade_of(check.findings(path, NOW, offline=True), "output.folder") == "fault"
    assert [each.name for each in tmp_path.iterdir()] == ["settings.yaml"]


def test_the_check_changes_no_archive(tmp_path: Path) -> None:
    file = tmp_path / "archive.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE other (x)")
    connection.close()
    before = file.read_bytes()
    path = written(tmp_path, SOUND | {"archive": {"url": "sqlite:///archive.db"}})

    found = check.findings(path, NOW, offline=True)

    assert grade_of(found, "archive") == "ok"
    assert file.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"settings.yaml", "archive.db"}


def test_a_site_with_faults_is_counted_as_not_checked(tmp_path: Path) -> None:
    sites = [
        SITE | {"id": id, "name": {"zh": id, "en": id}, "latitude": 40 + n / 10}
        for n, id in enumerate(("one", "two", "three", "four", "five"))
    ]
    sites[2]["latitude"] = 400

    found = check.findings(written(tmp_path, SOUND | {"sites": sites}), NOW, offline=True)

    assert any(e.subject == "sites" and "1 of 5 not checked" in e.detail for e in found)


def test_a_server_that_is_not_there_is_a_fault_where_nothing_else_gives_the_leading_model(
    tmp_path: Path,
) -> None:
    found = check.findings(written(tmp_path, SOUND), NOW)

    assert grade_of(found, "source.filter") == "warning"
    assert grade_of(found, "sources") == "fault"


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(403)

    def log_message(self, *_: Any) -> None:
        pass


def test_a_server_that_refuses_is_there() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        http = build_config(SOUND, {}).source.bucket.model_copy(update={"url": url})

        assert check._unreachable(http) == ""
        server.shutdown()


# -- sites


def plain(height: float) -> xr.DataArray:
    latitude, longitude = np.arange(39.5, 40.5, 1 / 120), np.arange(115.0, 116.0, 1 / 120)
    values = np.full((len(latitude), len(longitude)), height)
    coordinates = {"latitude": latitude, "longitude": longitude}
    return xr.DataArray(values, coordinates, ("latitude", "longitude"))


def test_the_shift_of_chinese_web_maps_is_that_of_tiananmen() -> None:
    # Tiananmen: WGS-84 39.90734 N, 116.39089 E; on Chinese web maps 39.90874 N, 116.39713 E
    latitude, longitude = site_checks.to_gcj02(39.90734, 116.39089)

    assert (latitude, longitude) == pytest.approx((39.90874, 116.39713), abs=2e-5)
    back = site_checks.from_gcj02(latitude, longitude)
    assert back == pytest.approx((39.90734, 116.39089), abs=5e-5)


def test_a_site_where_a_web_map_shows_its_station_is_a_fault() -> None:
    latitude, longitude = site_checks.to_gcj02(40.0, 115.5)
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
    _, longitude = site_checks.from_gcj02(40.0, 115.5)
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


def test_stations_of_one_name_are_a_warning() -> None:
    stations = [STATION | {"id": id, "name": {"zh": "x", "en": id}} for id in ("M1", "M2")]

    [found] = site_checks.same_names(config_of(SITE, stations=stations))

    assert (found.grade, found.detail) == ("warning", "M1 and M2 have the same name")
