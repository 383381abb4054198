"""Does the installed program run from any folder, and does the README speak of what there is?"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from forecast import VERSION
from forecast.__main__ import main
from forecast.commands.application import GROUPS
from forecast.config import Config
from tests.e2e.conftest import settings_file, some_sites

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program installed from its wheel."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, PROJECT],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("skyscape-*.whl")
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", folder / "site", wheel],
        check=True,
        capture_output=True,
    )
    return folder / "site"


def test_an_installed_wheel_runs_from_any_folder(installed: Path, tmp_path: Path) -> None:
    """Its own settings are found; the demonstration of two days of one site has its pages."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}

    def skyscape(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(installed / "bin" / "skyscape"), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    shown = skyscape("settings", "--json")
    few = {"sites": some_sites("zhaojiawa"), "forecast": {"days": 2}}
    done = skyscape("demo", "--config", str(settings_file(tmp_path, **few)), "--json")

    written = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))
    assert len(json.loads(shown.stdout)["sites"]) == len(written["sites"]), shown.stderr[-2000:]
    assert done.returncode == 0, done.stderr[-2000:]
    index = tmp_path / "var" / "demo" / "site" / "current" / "index.html"
    assert "演示数据" in index.read_text(encoding="utf-8")
    assert (index.parent / "static" / "skyscape.css").is_file()


def test_a_wheel_holds_all_that_the_program_reads(installed: Path) -> None:
    """Every file of the packages that is no module: templates, texts, fonts, shipped models, tables
    of words, migrations; and the settings.
    """
    tops = ("forecast", "models", "products", "templates")
    listed = subprocess.run(
        ["git", "ls-files", *tops], cwd=PROJECT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    wanted = {PROJECT / name for name in listed if name} or {
        path
        for top in tops
        for path in (PROJECT / top).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    names = {path.relative_to(PROJECT) for path in wanted}
    kinds = {name.suffix for name in names}

    assert kinds >= {".html", ".yaml", ".otf", ".skops", ".css", ".js", ".csv", ".json", ".svg"}
    assert [name for name in sorted(names) if not (installed / name).is_file()] == []
    assert (installed / "forecast" / "config.yaml").is_file()
    assert any("migrations" in name.parts and name.suffix == ".py" for name in names)
    assert (installed / "bin" / "skyscape").is_file()


def test_the_readme_names_every_command_and_no_other() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    targets = set(
        re.findall(r"^([a-z]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    commands = {name for group in GROUPS.values() for name in group}

    assert set(re.findall(r"\bmake ([a-z]+)\b", readme)) - {"and"} <= targets
    assert set(re.findall(r"-m forecast ([a-z-]+)", readme)) == commands


@pytest.mark.parametrize("command", sorted({name for group in GROUPS.values() for name in group}))
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0

    assert f"skyscape {command}" in capsys.readouterr().out


def test_the_version_is_that_of_the_package() -> None:
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'version = "{VERSION}"' in text


def test_every_option_and_exit_code_is_documented() -> None:
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")

    for option in ("--config", "--source", "--cycle", "--now", "--out", "--log", "--json"):
        assert f"`{option}" in readme
    for code, words in (
        (0, "done"),
        (2, "usage"),
        (3, "settings"),
        (4, "no usable cycle"),
        (5, "archive"),
        (6, "published only in part"),
        (7, "a file given cannot be read"),
        (8, "the issue in force has expired or the service does not work"),
        (9, "no issue is in force"),
    ):
        assert f"{code} {words}" in readme


def test_every_setting_stands_in_the_settings_file() -> None:
    written = yaml.safe_load((PROJECT / "config.yaml").read_text(encoding="utf-8"))

    for section, values in written.items():
        if isinstance(values, list):  # sites, models: each has what it needs
            continue
        known = set(Config.model_fields[section].annotation.model_fields)  # type: ignore[union-attr]
        assert set(values) == known, section
    assert set(Config.model_fields) - set(written) == {"demonstration"}


def test_the_lock_names_no_host() -> None:
    for lock in ("requirements.lock", "tests/requirements.lock"):
        text = (PROJECT / lock).read_text(encoding="utf-8")
        assert "://" not in text, lock
        assert "--hash=sha256:" in text, lock
