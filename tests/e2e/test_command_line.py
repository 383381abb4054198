"""Does the command line do what it says, and teach when it cannot?"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecast.settings import CHANNELS
from tests.e2e.conftest import PROJECT, settings_file

Program = Callable[..., subprocess.CompletedProcess[str]]


def test_settings_are_shown_without_their_secret(program: Program, tmp_path: Path) -> None:
    bucket = {"url": "https://bureau:topsecret@mirror/gfs?token=abc123"}
    config = settings_file(
        tmp_path,
        archive={"url": "postgresql://bureau:hunter2@db/skyscape"},
        source={"bucket": bucket},
    )

    done = program("settings", "--config", config, "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["archive"]["url"] == "postgresql://bureau:***@db/skyscape"
    assert not [
        secret
        for secret in ("hunter2", "topsecret", "abc123")
        if secret in done.stdout + done.stderr
    ]


STATION = {"id": "M1001", "latitude": 40.017, "longitude": 115.454, "elevation_m": 2303}


def test_a_site_may_only_name_a_station_that_is_observed(program: Program, tmp_path: Path) -> None:
    sites = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))["sites"]

    done = program(
        "settings", "--config", settings_file(tmp_path, sites=[sites[0] | {"stations": ["M1001"]}])
    )

    assert done.returncode == 3
    assert "sites.lingshan.stations: M1001 is no station of observations.stations" in done.stderr


def test_a_model_whose_data_belong_to_nobody_is_refused_by_its_name(
    program: Program, tmp_path: Path
) -> None:
    models = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))["models"]

    done = program(
        "settings", "--config", settings_file(tmp_path, models=[models[0] | {"attribution": {}}])
    )

    assert done.returncode == 3
    assert "models.ifs: attribution" in done.stderr


@pytest.mark.parametrize(
    ("changes", "taught"),
    [
        ({"forecast": {"grades": [0.5, 0.3, 0.2, 0.1]}}, "four rising probabilities"),
        ({"service": {"timezone": "Asia/Beijing"}}, "Asia/Shanghai"),
        ({"source": {"order": ["ftp"]}}, "'filter', 'bucket', 'folder' or 'cmadaas'"),
        ({"forecast": {"dayz": 7}}, "forecast.dayz"),
        ({"sites": []}, "sites"),
        ({"observations": {"ion_classes": [3000, 500]}}, "each above the one before"),
        (
            {"observations": {"push": {"senders": {"lingshan": ["M1001"]}}}},
            "M1001 is no station of observations.stations",
        ),
        (
            {"observations": {"stations": [STATION | {"units": {"air_temperature": "furlong"}}]}},
            "observations.stations.M1001.units: air_temperature has no unit of this name; known "
            "are K, degC",
        ),
        (
            {"observations": {"stations": [STATION | {"units": {"airtemp": "degC"}}]}},
            "'airtemp' is not an element; known are air_temperature",
        ),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence(
    program: Program, changes: dict[str, Any], taught: str, tmp_path: Path
) -> None:
    done = program("once", "--config", settings_file(tmp_path, **changes))

    assert done.returncode == 3
    assert taught in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nservice: [*b, *b]\n"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00broken",
        b"just a sentence",
        b"a: [1, 2",
        b"!!python/object/apply:os.system ['true']",
        BOMB,
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_a_file_that_is_no_settings_file_is_refused(
    program: Program, body: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(body)

    done = program("settings", "--config", path)

    assert done.returncode == 3
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("once", "--cycle", "20261"),
        ("once", "--now", "2026-11-22T08:00"),
        ("once", "--source", "ftp"),
        ("fly",),
        (),
    ],
)
def test_wrong_usage_is_exit_2(
    program: Program, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    assert program(*arguments).returncode == 2


def test_an_old_cycle_without_its_moment_is_not_published_as_new(
    program: Program, tmp_path: Path
) -> None:
    config = settings_file(tmp_path)
    done = program("once", "--config", config, "--cycle", "2020080412")

    assert done.returncode == 3
    assert "--now 2020-08-04" in done.stderr
    assert not (tmp_path / "var" / "site" / "current").exists()


def test_a_bulletin_dated_before_its_run_is_refused(program: Program, tmp_path: Path) -> None:
    times = ("--cycle", "2020080412", "--now", "2020-08-04T09:00Z")
    done = program("once", "--config", settings_file(tmp_path), *times)

    assert done.returncode == 3
    assert "lies before the run" in done.stderr


def test_a_demonstration_never_enters_the_folders_of_the_service(
    program: Program, tmp_path: Path
) -> None:
    config = settings_file(tmp_path)
    refused = program("demo", "--config", config, "--out", "var/site")
    unwritable = program("demo", "--out", "/dev/null/site")

    assert (refused.returncode, unwritable.returncode) == (3, 3)
    assert "where the service publishes" in refused.stderr
    assert "Traceback" not in unwritable.stderr
    assert not (tmp_path / "var").exists()


def test_no_usable_cycle_is_exit_4_and_is_remembered(program: Program, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    config = settings_file(tmp_path, source={"folder": str(tmp_path / "drop")})

    done = program("once", "--config", config, "--source", "folder", "--json")
    report = program("status", "--config", config, "--json")

    assert done.returncode == 4
    assert json.loads(done.stdout)["error"] == "CycleNotReady"
    assert json.loads(report.stdout)["attempts"][0]["exit_code"] == 4


def test_an_archive_that_refuses_is_exit_5(program: Program, tmp_path: Path) -> None:
    (tmp_path / "archive.db").write_bytes(
        b"not a database at all, but long enough to be taken for one" * 40
    )
    config = settings_file(tmp_path, archive={"url": f"sqlite:///{tmp_path / 'archive.db'}"})

    done = program("once", "--config", config, "--source", "folder")

    assert done.returncode == 5
    assert "Traceback" not in done.stderr


def test_the_status_of_a_demonstration_names_what_is_in_force(
    program: Program, demonstration: Path, tmp_path: Path
) -> None:
    config = settings_file(
        tmp_path,
        archive={"url": f"sqlite:///{demonstration.parent / 'site-backstage' / 'archive.db'}"},
    )

    done = program(
        "status", "--config", config, "--out", demonstration, "--now", "2026-11-22T09:00Z", "--json"
    )

    report = json.loads(done.stdout)
    assert (report["in_force"], report["whole"], report["stale"]) == ("gfs-2026112200", True, False)
    assert report["issues"][0]["channels"] == dict.fromkeys(CHANNELS, "published")
