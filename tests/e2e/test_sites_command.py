"""Does `skyscape sites` list, make, check and keep a site as a person types it?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from forecast.config import read_config
from forecast.geo import local_distance
from tests.e2e.conftest import PROJECT, settings_file, some_sites

PLACE = ["--latitude", "39.906", "--longitude", "116.034", "--elevation", "300"]
NAMED = ["sites", "add", "tanzhesi", "--zh", "潭柘寺", "--en", "Tanzhe Temple"]
NUMBERS = ["--valley", "100", "--night-sky", "18.4"]

Program = Callable[..., CompletedProcess[str]]


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """A copy of the program's settings, which a group may read."""
    path = tmp_path / "settings.yaml"
    path.write_bytes((PROJECT / "config.yaml").read_bytes())
    path.chmod(0o640)
    return path


def test_a_new_site_is_held_against_the_sites_of_the_settings_given(
    program: Program, tmp_path: Path
) -> None:
    file = settings_file(tmp_path, sites=some_sites("lingshan"))
    arguments = [*PLACE, *NUMBERS, "--config", file]

    shown = program(*NAMED, *arguments)
    same_id = program(*NAMED[:2], "zhaojiawa", *NAMED[3:], *arguments)  # of the program's own

    assert "zhaojiawa" not in shown.stderr
    assert "of lingshan" in shown.stderr
    assert (shown.returncode, same_id.returncode) == (0, 0), same_id.stderr


def test_a_site_is_printed_and_written_only_where_asked_for(
    program: Program, settings: Path, tmp_path: Path
) -> None:
    before = settings.read_bytes()
    arguments = [*NAMED, *PLACE, "--gcj02", *NUMBERS, "--config", settings, "--map", "map.html"]

    shown = program(*arguments)
    assert (shown.returncode, settings.read_bytes()) == (0, before)
    assert shown.stdout.startswith("  - id: tanzhesi\n")
    assert "3.4 km south-west of zhaojiawa" in shown.stderr
    page = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "潭柘寺" in page
    assert "灵山" in page
    kept = program(*arguments, "--write")

    assert kept.returncode == 0
    assert settings.read_bytes() == before + shown.stdout.encode()
    assert settings.stat().st_mode & 0o777 == 0o640
    site = read_config(settings, {}).sites[-1]
    # WGS-84 lies about 530 m west and 150 m south of what the web map shows here
    assert 450 < float(local_distance(39.906, 116.034, site.latitude, site.longitude)) < 650
    again = program(*arguments, "--write")
    assert (again.returncode, "already" in again.stderr) == (3, True)


def test_coordinates_that_are_swapped_are_not_written(program: Program, settings: Path) -> None:
    before = settings.read_bytes()
    swapped = ["--latitude", "80", "--longitude", "39.9", "--elevation", "300"]

    done = program(*NAMED, *swapped, *NUMBERS, "--config", settings, "--write")

    assert (done.returncode, settings.read_bytes()) == (3, before)
    assert "nothing was written" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sites", "add"], "sites add needs ID"),
        ([*NAMED, *PLACE, *NUMBERS, "--write"], "--write needs --config"),
        ([*NAMED, *PLACE], "--terrain and --lights"),
        ([*NAMED, *PLACE, *NUMBERS, "--phenomena", "aurora"], "aurora"),
    ],
)
def test_what_is_missing_is_named(program: Program, arguments: list[str], words: str) -> None:
    done = program(*arguments)

    assert done.returncode in (2, 3)
    assert words in done.stderr


def test_the_sites_are_listed(program: Program) -> None:
    done = program("sites")

    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "lingshan", "zhaojiawa", "jinding", "jiangshuihe", "baihuashan",
    ]  # fmt: skip
