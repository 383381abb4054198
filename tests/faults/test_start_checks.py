"""Do settings that `check` calls a fault ever go live: by a start, or by a reload?"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forecast.__main__ import main
from forecast.commands import check
from forecast.commands.service_checks import refuse_faults
from forecast.config import Config, default_path, read_config
from forecast.domain import Atmosphere
from forecast.errors import ConfigError
from forecast.service.attempts import result_of
from tests.faults.one_site import carry, decoded, small
from tests.unit.test_settings_errors import SITE, SOUND, written

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
AT_MOST = 120  # [s] of a busy machine
MISPLACED = SOUND | {"sites": [SITE | {"longitude": 40.0}]}


def lines_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """Return what a process logs up to a line with these words."""
    assert process.stderr is not None
    found: list[str] = []
    for line in process.stderr:
        found.append(line.rstrip())
        if words in line:
            return found
    pytest.fail(f"it ended before {words!r}: {found}")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    file = written(tmp_path, SOUND)
    process = subprocess.Popen(
        [sys.executable, "-m", "forecast", "run", "--config", str(file)],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


def test_a_reload_refuses_what_check_calls_a_fault_and_names_each(
    service: subprocess.Popen[str], tmp_path: Path
) -> None:
    lines_until(service, "start: skyscape")
    (tmp_path / "taken").write_text("a file")
    written(tmp_path, MISPLACED | {"learning": {"folder": "taken"}})

    service.send_signal(signal.SIGHUP)
    folder = lines_until(service, "reload: refused")[-1]
    site = lines_until(service, "reload: refused")[-1]
    written(tmp_path, SOUND)
    service.send_signal(signal.SIGHUP)
    lines_until(service, "reload: the new settings are in force")
    service.terminate()

    assert service.wait(AT_MOST) == 0
    assert "learning.folder: " in folder
    assert "sites.here: 40 N, 40 E does not suit the time zone" in site
    assert {"fault"} == {
        each.grade
        for each in check.findings(written(tmp_path, MISPLACED), NOW, offline=True)
        if each.subject == "sites.here" and "time zone" in each.detail
    }


@pytest.mark.parametrize("command", ["run", "serve"])
def test_a_start_refuses_it_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    handlers[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    try:
        code = main([command, "--config", str(written(tmp_path, MISPLACED))])
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)

    assert code == 3
    assert "sites.here: 40 N, 40 E does not suit the time zone" in capsys.readouterr().err
    assert not (tmp_path / "var" / "archive.db").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": {"signature_required": ["web"]}},
        {"delivery": {"wecom": {"groups": [{"id": "park"}]}}},
        {"observations": {"push": {}}},
    ],
)
def test_every_fault_that_check_finds_in_the_settings_is_refused(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    file = written(tmp_path, SOUND | changes)
    found = check.findings(file, NOW, offline=True)
    faults = [f"{each.subject}: {each.detail}" for each in found if each.grade == "fault"]
    assert faults

    with pytest.raises(ConfigError) as caught:
        refuse_faults(read_config(file), NOW)

    assert str(caught.value).splitlines() == faults


def test_check_reload_fails_where_a_reload_would_and_a_nearly_full_disk_is_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = SOUND | {"alerts": {"disk_free_gb": 100_000, "disk_free_percent": 90}}
    away = full | {"source": SOUND["source"] | {"order": ["folder"], "folder": "not mounted yet"}}

    def code(settings: dict[str, Any], *options: str) -> int:
        file = str(written(tmp_path, settings))
        return main(["check", *options, "--config", file, "--now", NOW.isoformat()])

    assert code(full, "--offline") == 3  # the disk
    assert code(full, "--reload") == 0
    assert code(away, "--reload") == 0
    assert "not mounted yet" in capsys.readouterr().out
    assert code(MISPLACED, "--reload") == 3
    assert "sites.here" in capsys.readouterr().out
    assert code(full | {"service": {"timezone": "Nowhere"}}, "--reload") == 3
    assert code(full, "--reload", "--alive") == 2


def test_what_may_pass_and_what_is_doubtful_costs_one_line_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = SOUND["source"] | {"order": ["folder"], "folder": "not mounted yet"}
    twin = SITE | {"id": "twin", "name": {"zh": "y", "en": "Twin"}}
    config = read_config(written(tmp_path, SOUND | {"source": source, "sites": [SITE, twin]}))

    with caplog.at_level(logging.WARNING):
        refuse_faults(config, NOW)

    lines = [each.getMessage() for each in caplog.records]
    assert sum("warning: source.folder: " in line for line in lines) == 1
    assert sum("warning: sites.twin: has the coordinates of here" in line for line in lines) == 1


@pytest.mark.parametrize("file", [default_path(), PROJECT / "tests" / "settings" / "tatra.yaml"])
def test_the_settings_that_come_with_the_program_start(file: Path) -> None:
    refuse_faults(read_config(file), NOW)


@pytest.fixture(scope="module")
def atmosphere(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Atmosphere:
    folder = tmp_path_factory.mktemp("cycle")
    return decoded(small(config, folder), folder / "bucket")


def test_an_issue_in_which_a_site_has_no_chance_is_partial_and_names_it(
    config: Config, atmosphere: Atmosphere, tmp_path: Path
) -> None:
    settings = small(config, tmp_path)
    outside = settings.sites[0].model_copy(update={"id": "outside", "longitude": 40.0})
    both = settings.model_copy(update={"sites": (outside, *settings.sites)})

    result = result_of(carry(both, atmosphere, 0))

    data = json.loads((tmp_path / "site" / "current" / "api" / "v1" / "forecasts.json").read_text())
    known = {each["site"] for each in data["forecasts"] if each["probability"] is not None}
    assert known == {settings.sites[0].id}
    assert (result.outcome, result.exit_code) == ("partial", 6)
    assert "no chance is known at: outside; " in result.detail
