"""Does the handbook speak of what there is, in both languages alike?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from forecast.commands.application import build_application
from forecast.config import Config

PROJECT = Path(__file__).parents[2]
DOCS = PROJECT / "docs"
TEXTS = {name: (DOCS / f"handbook.{name}.md").read_text(encoding="utf-8") for name in ("zh", "en")}
ALERTS = ("late", "run", "source", "station", "push", "disk", "growth", "drift", "model", "review",
          "dead", "backup", "settings")  # fmt: skip
COMMANDS: Mapping[str, Any] = get_command(build_application()).commands  # type: ignore[attr-defined]


def commands_of(text: str) -> set[tuple[str, tuple[str, ...]]]:
    """Return each `skyscape` command of a text, with its options."""
    joined = text.replace("\\\n", " ")
    lines = re.findall(r"^skyscape (.+)$|`skyscape ([^`]+)`", joined, re.MULTILINE)
    found = set()
    for line in (first or second for first, second in lines):
        words = line.split()
        if words[0] != "...":
            options = tuple(word for word in words[1:] if word.startswith("--"))
            found.add((words[0], options))
    return found


@pytest.mark.parametrize("language", TEXTS)
def test_every_command_and_option_of_the_handbook_exists(language: str) -> None:
    found = commands_of(TEXTS[language])

    assert len({name for name, _ in found}) > 10
    for name, options in found:
        assert name in COMMANDS, f"skyscape {name}"
        known = {option for each in COMMANDS[name].params for option in each.opts}
        assert set(options) <= known, f"skyscape {name} {options}"


def test_both_languages_have_the_same_commands_and_chapters() -> None:
    assert commands_of(TEXTS["zh"]) == commands_of(TEXTS["en"])
    chapters = {
        language: re.findall(r"^(#+) ", text, re.MULTILINE) for language, text in TEXTS.items()
    }
    assert chapters["zh"] == chapters["en"]


@pytest.mark.parametrize("language", TEXTS)
def test_every_alert_has_one_anchor(language: str) -> None:
    anchors = re.findall(r'<a id="alert-(\w+)"></a>', TEXTS[language])

    assert sorted(anchors) == sorted(ALERTS)


@pytest.mark.parametrize("language", TEXTS)
def test_every_setting_that_the_handbook_names_stands_in_the_settings(language: str) -> None:
    written = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
    named = set(re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)\b", TEXTS[language]))
    settings = {
        name
        for name in named
        if name.partition(".")[0] in Config.model_fields and not name.startswith("archive.db")
    }

    assert len(settings) > 5
    for name in settings:
        at: Any = written
        for part in name.split("."):
            assert isinstance(at, dict), name
            assert part in at, name
            at = at[part]


@pytest.mark.parametrize("name", ["handbook.zh.md", "handbook.en.md", "threat_model.md"])
def test_every_file_and_unit_that_is_named_is_there(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    files = set(re.findall(r"`?((?:docs|forecast|models|products|templates|tests)/[\w./-]+)", text))
    units = set(re.findall(r"\bskyscape(?:-\w+)?\.(?:service|timer)\b", text))

    assert [each for each in files if not (PROJECT / each.rstrip("./")).exists()] == []
    assert all((DOCS / "deploy" / "systemd" / unit).is_file() for unit in units)


def test_every_test_that_the_threat_model_names_exists() -> None:
    text = (DOCS / "threat_model.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)`", text))

    assert len(named) > 15
    assert [each for each in named if not (PROJECT / each).is_file()] == []
    assert len(text.splitlines()) < 90, "one page"


def test_a_closed_network_gets_every_page_that_the_handbooks_name() -> None:
    shipped = re.findall(
        r'"([a-z_.]+\.md)"', (DOCS / "deploy" / "wheelhouse.py").read_text(encoding="utf-8")
    )
    named = {name for text in TEXTS.values() for name in re.findall(r"docs/([a-z_.]+\.md)", text)}

    assert "observations.md" in named
    assert named <= set(shipped)
