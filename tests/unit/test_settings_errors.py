"""Are faults in the settings named all at once, each with its line, in words of the project?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from forecast.config import base_folder, build_config, default_path, read_config
from forecast.errors import ConfigError
from forecast.settings.errors import SettingsError, nearest, repaired

SITE = {
    "id": "here",
    "name": {"zh": "x", "en": "Here"},
    "latitude": 40.0,
    "longitude": 115.5,
    "elevation_m": 1200,
    "valley_elevation_m": 600,
    "night_sky_brightness": 21.0,
    "phenomena": ["sunset_glow"],
}
SOUND = {
    "service": {"title": {"zh": "x", "en": "X"}, "district": {"zh": "x", "en": "X"}},
    "source": {
        "filter": {"url": "http://127.0.0.1:9/filter"},
        "bucket": {"url": "http://127.0.0.1:9"},
        "steps": [{"first": 0, "last": 12, "every": 3}],
    },
    "sites": [SITE],
}


def written(folder: Path, values: dict[str, Any]) -> Path:
    """Write settings; through JSON, so that no table is an alias of another."""
    path, values = folder / "settings.yaml", json.loads(json.dumps(values))
    path.write_text(yaml.safe_dump(values, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return path


def faults(folder: Path, values: dict[str, Any]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_config(written(folder, values), {})
    return [str(fault) for fault in caught.value.faults]


def test_five_faults_are_named_at_once_each_with_its_line(tmp_path: Path) -> None:
    values = SOUND | {
        "forecast": {"dayz": 7, "grades": "many"},
        "schedule": {"check_minutes": 5000},
        "sites": [SITE | {"latitude": "north", "phenomena": []}],
    }

    found = faults(tmp_path, values)

    text = (tmp_path / "settings.yaml").read_text(encoding="utf-8").splitlines()
    assert len(found) == 5
    assert sum("forecast.dayz: unknown setting; did you mean days?" in line for line in found) == 1
    for line in found:
        number, key = int(line.split()[1].rstrip(":")), line.split(": ")[1].split(".")[-1]
        assert text[number - 1].strip().lstrip("- ").startswith(f"{key}:")
    assert any("sites.here.latitude: expected a number; found 'north'" in line for line in found)
    assert any("check_minutes: expected at most 180; found 5000" in line for line in found)


def test_a_misspelled_key_is_one_fault_though_the_right_one_is_missing(tmp_path: Path) -> None:
    site = {key: value for key, value in SITE.items() if key != "elevation_m"}

    (found,) = faults(tmp_path, SOUND | {"sites": [site | {"elevaton_m": 1200}]})

    assert found.endswith("sites.here.elevaton_m: unknown setting; did you mean elevation_m?")


def test_a_setting_that_is_gone_says_what_replaced_it(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, SOUND | {"issuer": {"forecaster": "Wang"}})

    assert "issuer.forecaster: is gone" in found
    assert "issue: {review: optional}" in found
    assert "skyscape users add" in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"latitude": 115.5}, "are latitude and longitude swapped?"),
        ({"elevation_m": 9000}, "is it in feet?"),
        ({"name": "Here"}, "expected a table (key: value)"),
        ({"stations": "M1"}, "expected a list"),
        ({"quality": 3}, "unknown setting; known here are id, name, brand"),
        ({"latitude": float("nan")}, "expected a finite number"),
    ],
)
def test_a_fault_is_said_in_words_of_the_project(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    found = faults(tmp_path, SOUND | {"sites": [SITE | change]})

    assert any(words in line for line in found)
    assert not any("Input should" in line or "pydantic" in line for line in found)


def test_several_faults_of_one_site_are_all_named(tmp_path: Path) -> None:
    site = SITE | {"phenomena": ["rainbow"], "valley_elevation_m": 1500, "name": {"zh": "x"}}

    found = " | ".join(faults(tmp_path, SOUND | {"sites": [site]}))

    assert all(key in found for key in ("rainbow", "valley lies above", "both zh and en"))


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    values = SOUND | {"archive": {"url": ["postgresql://me:hunter2@db/x"]}}

    assert "hunter2" not in " ".join(faults(tmp_path, values))


def test_settings_without_their_faults_can_be_read(tmp_path: Path) -> None:
    site = {key: value for key, value in SITE.items() if key != "elevation_m"}
    broken = SOUND | {
        "forecast": {"dayz": 3},
        "sites": [SITE | {"id": "bad", "latitude": 200}, site | {"elevaton_m": 1200}],
    }
    with pytest.raises(SettingsError) as caught:
        build_config(broken, {})

    mended = repaired(broken, caught.value.faults)
    with pytest.raises(SettingsError) as again:  # without its latitude the first site is none
        build_config(mended, {})
    config = build_config(repaired(mended, again.value.faults), {})

    assert config.forecast.days == 3
    assert [(site.id, site.elevation_m) for site in config.sites] == [("here", 1200)]
    assert "dayz" in broken["forecast"]


def test_a_word_that_is_near_none_is_not_guessed() -> None:
    assert nearest("latitud", ["latitude", "longitude"]) == "latitude"
    assert nearest("colour", ["latitude", "longitude"]) == ""


# -- paths


def test_relative_paths_start_at_the_folder_of_the_settings_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    values = SOUND | {
        "output": {"folder": "../published"},
        "source": SOUND["source"] | {"folder": "/absolute/drop"},
    }
    (tmp_path / "etc").mkdir()

    config = read_config(written(tmp_path / "etc", values), {})

    assert config.output.folder == tmp_path / "published"
    assert config.source.folder == Path("/absolute/drop")
    assert config.source.cycles == tmp_path / "etc" / "var" / "cycles"
    assert config.learning.folder == tmp_path / "etc" / "var" / "models"
    assert config.observations.folder == tmp_path / "etc" / "var" / "observations"
    assert config.archive.url == f"sqlite:///{tmp_path / 'etc' / 'var' / 'archive.db'}"


@pytest.mark.parametrize(
    "url",
    ["sqlite://", "sqlite:///:memory:", "postgresql://me:x@db/skyscape", "sqlite:////var/a.db?a=b"],
)
def test_an_address_that_is_no_relative_file_is_left_as_it_is(url: str, tmp_path: Path) -> None:
    assert read_config(written(tmp_path, SOUND | {"archive": {"url": url}}), {}).archive.url == url


def test_the_programs_own_settings_start_at_the_project_or_where_one_is_when_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert base_folder() == default_path().parent

    import forecast.config

    installed = tmp_path / "site-packages" / "forecast"
    installed.mkdir(parents=True)
    (installed / "config.yaml").touch()
    monkeypatch.setattr(forecast.config, "__file__", str(installed / "config.py"))
    assert base_folder() == tmp_path


def test_a_settings_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such settings file"):
        read_config(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "found nothing: it is empty"),
        ("# only a comment", "found nothing: it is empty"),
        ("- sites", "found a list"),
        ("sites", "found a text"),
        ("a: [1, 2", "line 1, column 9: expected `,` or `]`"),
        ("a:\n\t- b", "line 2, column 1: a tab: indent with spaces"),
        ("a: b: c", "put a text with `:` in quotes"),
        ("a: 'it's'", "close quotes"),
        ('a: "x', "never closed"),
        ("a: !x y", "a tag (`!...`) is not allowed"),
        ("a: @x", "put it in quotes"),
        ("? [a]\n: b", "a list or a table is no key"),
    ],
)
def test_a_file_that_is_no_table_is_answered_in_our_words(
    text: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        read_config(path, {})

    assert said in str(caught.value)
    assert not any(theirs in str(caught.value) for theirs in ("unicode string", "NoneType", "<"))
