"""Does one service run for an output folder, also once somebody has removed that folder?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from forecast.errors import ConfigError
from forecast.service import heartbeat
from forecast.service.single import HeldFolder, hold, refuse_another
from tests.e2e.conftest import idle_service

PROJECT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
AT_MOST = 120  # [s] of a busy machine
BEATS = (
    "import sys, time; from datetime import UTC, datetime; from pathlib import Path\n"
    "from forecast.service.heartbeat import beat\n"
    "beat(Path(sys.argv[1]), datetime.now(UTC), datetime.now(UTC), '1', Path(sys.argv[2]))\n"
    "print('beats', flush=True); time.sleep(600)"
)
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started() -> Iterator[Start]:
    """Starts Python, which does not outlive the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def until(process: subprocess.Popen[str], part: str) -> str:
    """Return the next line of a process that has this part."""
    assert process.stdout is not None
    for line in process.stdout:
        if part in line:
            return line
    pytest.fail(f"it ended before {part!r}")


def wait_for(there: Callable[[], object]) -> None:
    """Wait until something is there, as long as a test may take."""
    while not there():
        time.sleep(0.1)


def test_only_a_process_that_surely_lives_for_the_folder_is_another_service(
    started: Start, tmp_path: Path
) -> None:
    private, output = tmp_path / "private", tmp_path / "site"
    refuse_another(output, private)  # no heartbeat at all
    process = started("-c", BEATS, private, output)
    until(process, "beats")

    with pytest.raises(ConfigError, match=f"another service runs .* .process {process.pid} on "):
        refuse_another(output, private)
    refuse_another(tmp_path / "other", private)

    path = private / heartbeat.NAME
    plain = json.loads(path.read_text())
    for changed in ({"begun": "1"}, {"begun": ""}, {"space": "pid:[1] another-boot"}):
        path.write_text(json.dumps(plain | changed))  # another process has its number by now
        refuse_another(output, private)
    path.write_text(json.dumps(plain))
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    refuse_another(output, private)  # its number is still in use


def test_a_folder_that_was_removed_or_replaced_is_held_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, other = tmp_path / "site", tmp_path / "other"
    held = HeldFolder(folder, lambda: NOW, "1")
    for lose in (lambda: shutil.rmtree(folder), lambda: folder.rename(other)):
        lose()
        held.hold_again()
        held.hold_again()
        with pytest.raises(ConfigError, match=f"another service runs .* .process {os.getpid()} on"):
            hold(folder, NOW, "1")
    assert caplog.text.count("was removed or replaced: this service holds it again") == 2

    shutil.rmtree(folder)
    with hold(folder, NOW, "1"):  # by another one
        held.hold_again()
        held.hold_again()
    assert caplog.text.count("another service runs for this output folder") == 1
    held.hold_again()
    held.close()
    hold(folder, NOW, "1").close()


def test_a_service_whose_folder_was_removed_is_still_the_only_one(
    started: Start, tmp_path: Path
) -> None:
    command = ("-m", "forecast", "run", "--config", idle_service(tmp_path))
    first = started(*command)
    until(first, "start: skyscape")
    wait_for((tmp_path / "private" / heartbeat.NAME).exists)
    shutil.rmtree(tmp_path / "site")

    second = started(*command)
    said, _ = second.communicate(timeout=AT_MOST)
    assert second.returncode == 3
    assert f"another service runs for this output folder (process {first.pid} on " in said

    first.kill()  # and started again at once, as systemd does
    third = started(*command)
    until(third, "start: skyscape")
