"""Are times of day, names and numbers of the settings read as meant, or refused with advice?"""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest

from forecast.__main__ import main
from forecast.config import build_config, read_config
from forecast.errors import ConfigError
from forecast.settings.errors import SettingsError
from tests.unit.test_settings_errors import SITE, SOUND, faults, written


def with_line(folder: Path, section: str, line: str) -> Path:
    path = written(folder, {key: value for key, value in SOUND.items() if key != section})
    path.write_text(path.read_text(encoding="utf-8") + f"{section}:\n  {line}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(("section", "line", "advice"), [
    # YAML 1.1, base 60: 16:10 is 16 * 60 + 10 = 970, which was taken as 00:16:10
    ("schedule", "issue_at: [04:20, 06:40, 16:10]", 'write "16:10" in quotes'),
    ("learning", "judge_at: 12:30", 'write "12:30" in quotes'),
    ("learning", "learn_at: 13:30", 'write "13:30" in quotes'),
    ("schedule", 'issue_at: ["06:40", "6:40"]', "06:40 is named twice"),
    ("schedule", 'issue_at: ["06:40:30"]', "without seconds"),
    ("schedule", "issue_at: ['06:40:00']", "without seconds"),
    ("learning", 'judge_at: "12:30+08:00"', "no zone or offset here"),
    ("learning", 'learn_at: "13:30Z"', "no zone or offset here"),
    ("schedule", 'issue_at: ["06:40 CST"]', "no zone or offset here"),
    ("schedule", "issue_at: []", "no bulletin would be issued"),
    ("schedule", "issue_at: 970", "expected a list"),
    ("schedule", "issue_at: [970]", "not a time of day"),
    ("schedule", 'issue_at: ["24:00"]', 'midnight is "00:00"'),
    ("schedule", 'issue_at: ["6.40"]', "not a time of day"),
    ("learning", "learn_at: 2026-11-29 13:30:00", "not a time of day"),
    ("learning", "learn_at:", "not a time of day"),
])  # fmt: skip
def test_a_time_of_day_that_is_none_is_refused_with_advice_at_check_and_at_the_start(
    section: str, line: str, advice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = with_line(tmp_path, section, line)

    with pytest.raises(SettingsError) as caught:
        read_config(path, {})
    code = main(["check", "--offline", "--config", str(path)])
    checked = " ".join(capsys.readouterr().out.split())

    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].line
    assert advice in str(caught.value)
    assert (code, advice in checked) == (3, True)
    assert main(["run", "--config", str(path)]) == 3


def test_a_time_of_day_is_read_however_its_digits_are_written(tmp_path: Path) -> None:
    path = with_line(tmp_path, "schedule", 'issue_at: ["6:40", " 16:10 ", "１８：３０", 04:20]')

    assert read_config(path, {}).schedule.issue_at == (
        time(6, 40), time(16, 10), time(18, 30), time(4, 20)
    )  # fmt: skip


def test_settings_that_are_shown_can_be_read_again() -> None:
    shown = read_config().model_dump(mode="json")

    assert shown["schedule"]["issue_at"] == ["04:20", "06:40", "16:10"]
    assert build_config(shown, {}).schedule == read_config().schedule


def test_numbers_of_base_60_and_8_are_not_read_as_others(tmp_path: Path) -> None:
    """YAML 1.1: 1:55 is 115, 01700 is 960."""
    path = written(tmp_path, SOUND)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("longitude: 115.5", "longitude: 1:55"), encoding="utf-8")
    with pytest.raises(SettingsError, match=r"longitude: expected a number; found '1:55'"):
        read_config(path, {})

    path.write_text(text.replace("elevation_m: 1200", "elevation_m: 01700", 1), encoding="utf-8")
    assert read_config(path, {}).sites[0].elevation_m == 1700


def test_a_key_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, SOUND)
    path.write_text(path.read_text(encoding="utf-8") + "sites: []\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="the key 'sites' is given twice"):
        read_config(path, {})


# -- names


def site(**more: Any) -> dict[str, Any]:
    return SITE | {"id": "there", "name": {"zh": "y", "en": "There"}} | more


@pytest.mark.parametrize("more", [
    {"name": {"zh": "x", "en": "There"}}, {"name": {"zh": "y", "en": " here "}},
    {"name": {"zh": "y", "en": "ＨＥＲＥ"}}, {"brand": {"zh": "x", "en": "Other"}},
])  # fmt: skip
def test_two_sites_of_one_name_are_refused(more: dict[str, Any], tmp_path: Path) -> None:
    found = faults(tmp_path, SOUND | {"sites": [SITE, site(**more)]})

    assert len(found) >= 1
    assert all("here and there both go by the name" in each for each in found)


ONE = {"zh": "x"}


@pytest.mark.parametrize("values", [
    {"service": {"title": ONE, "district": {"zh": "x", "en": "X"}}},
    {"service": {"title": {"zh": "x", "en": "X"}, "district": {"en": "X"}}},
    {"service": {"title": {"zh": "x", "en": "X"}, "district": {"zh": "x", "en": "  "}}},
    {"issuer": {"bodies": [ONE]}}, {"issuer": {"bodies": [{"en": "Bureau"}]}},
    {"issuer": {"bodies": [{}]}}, {"sites": [site(name=ONE)]}, {"sites": [site(safety=ONE)]},
    {"sites": [site(place={"en": "Village"})]}, {"sites": [site(brand=ONE)]},
    {"observations": {"stations": [{"id": "M1", "name": ONE, "latitude": 40, "longitude": 115,
                                    "elevation_m": 9}]}},
    {"source": SOUND["source"] | {"name": ONE}},
])  # fmt: skip
def test_a_name_in_one_language_only_is_refused(values: dict[str, Any], tmp_path: Path) -> None:
    [found] = faults(tmp_path, SOUND | values)

    assert "both zh and en are needed" in found


def test_every_kind_of_fault_is_named_in_one_pass(tmp_path: Path) -> None:
    """Also where a field and what lies between sites are wrong at once."""
    values = SOUND | {
        "schedule": {"issue_at": ["06:40", "06:40"]},
        "issuer": {"bodies": [{"en": "Bureau"}]},
        "sites": [
            SITE | {"latitude": 115.5, "longitude": 40.0, "valley_elevation_m": 1300},
            site(name={"zh": "x", "en": "There"}, stations=["M9"], phenomena=["rainbow"]),
        ],
    }

    found = " | ".join(faults(tmp_path, values))

    for words in ("named twice", "zh is missing", "swapped?", "valley lies above", "'x'",
                  "M9 is no station", "rainbow"):  # fmt: skip
        assert words in found
