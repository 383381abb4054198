"""Does a service end within seconds when it is told to, whatever it does, and reload on SIGHUP?"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from forecast.service import last_settings
from forecast.service.running import ClockSteps
from tests.e2e.conftest import idle_service

PROJECT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "tests.faults.stoppable_service")
STOPPED_WITHIN = 5.0  # [s], what is promised; PATIENCE and one look of the main thread are less
AT_MOST = 120  # [s] of a busy machine
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def started() -> Iterator[Start]:
    """Starts a process, which does not outlive the test."""
    processes: list[subprocess.Popen[str]] = []

    def start(*command: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()


def lines_until(process: subprocess.Popen[str], end: str) -> list[str]:
    """Return what a process writes up to a line that begins so."""
    assert process.stdout is not None
    found: list[str] = []
    for line in process.stdout:
        found.append(line.rstrip())
        if line.startswith(end):
            return found
    pytest.fail(f"it ended before {end!r}: {found}")


def test_a_service_that_is_at_work_ends_on_sigterm(started: Start) -> None:
    process = started(*COMMAND)
    said = lines_until(process, "at work")
    assert any(line.startswith("start: skyscape ") for line in said)

    process.terminate()

    assert process.wait(AT_MOST) == 0
    assert process.stdout is not None
    rest = process.stdout.read().splitlines()
    assert rest == [
        "stop: SIGTERM",
        "stop: what was at work is given up; nothing of it was published",
    ]


def test_a_reload_that_waits_for_a_job_gives_way_to_sigterm(started: Start) -> None:
    process = started(*COMMAND, "sound")
    lines_until(process, "at work")
    process.send_signal(signal.SIGHUP)
    lines_until(process, "reload: the new settings are sound, and wait")

    process.terminate()

    assert process.wait(AT_MOST) == 0
    assert process.stdout is not None
    assert process.stdout.read().splitlines() == [
        "stop: SIGTERM",
        "stop: what was at work is given up; nothing of it was published",
    ]


def test_the_patience_with_jobs_is_shorter_than_what_is_promised() -> None:
    from forecast.service import running

    assert running.PATIENCE + 2 * running.WAIT < STOPPED_WITHIN


def test_settings_are_read_again_on_sighup_and_wrong_ones_change_nothing(started: Start) -> None:
    idle = started(*COMMAND, "idle")
    lines_until(idle, "at work")

    idle.send_signal(signal.SIGHUP)
    refused = lines_until(idle, "reload: refused")
    idle.send_signal(signal.SIGHUP)
    renewed = lines_until(idle, "reload: the new settings are in force")
    if "at work" not in renewed:
        lines_until(idle, "at work")  # the new scheduler is
    idle.send_signal(signal.SIGINT)
    lines_until(idle, "stop: SIGINT")

    assert refused[-1].endswith("the old settings stay in force: sites: none is named")
    assert idle.wait(AT_MOST) == 0


def test_process_one_of_a_container_ends_on_sigterm(started: Start) -> None:
    unshare = shutil.which("unshare")
    if (
        unshare is None
        or subprocess.run(
            [unshare, "--pid", "--fork", "true"], check=False, capture_output=True
        ).returncode
    ):
        pytest.skip("unshare --pid is not allowed here: no process can be the first of its own")
    process = started(unshare, "--pid", "--fork", *COMMAND)
    said = lines_until(process, "at work")
    assert any("process 1" in line for line in said)
    [inside] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()

    os.kill(int(inside), signal.SIGTERM)

    assert process.wait(AT_MOST) == 0


def test_a_clock_that_is_set_is_noticed_once_and_a_late_look_is_not() -> None:
    wall, steady = [1000.0], [50.0]
    steps = ClockSteps(lambda: wall[0], lambda: steady[0])

    def later(seconds: float, step: float = 0.0) -> float:
        wall[0] += seconds + step
        steady[0] += seconds
        return steps.step()

    assert later(0.5) == 0.0
    assert later(7200.0) == 0.0
    assert later(0.5, step=-3600.0) == -3600.0
    assert later(0.5) == 0.0
    assert later(0.5, step=86400.0) == 86400.0
    assert later(0.5, step=5.0) == 0.0  # as a time server corrects it


def test_a_reload_that_is_refused_is_noted_until_one_is_taken_over(tmp_path: Path) -> None:
    settings = idle_service(tmp_path)
    sound, folder = settings.read_text(encoding="utf-8"), tmp_path / "private"
    process = subprocess.Popen(
        [sys.executable, "-m", "forecast", "run", "--config", str(settings)],
        cwd=PROJECT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stderr is not None

    def until(part: str) -> str:
        assert process.stderr is not None
        for line in process.stderr:
            if part in line:
                return line
        pytest.fail(f"it ended before {part!r}")

    try:
        until("start: skyscape")
        assert last_settings.refused(folder) is None

        settings.write_text(f"{sound}\nschedule:\n  check_minutes: [\n", encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until("reload: refused")
        settings.write_text(sound.replace("folder: site", "folder: other"), encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until("reload: refused")
        refusal = last_settings.refused(folder)
        assert refusal is not None
        assert "another one needs a restart" in refusal.reason

        settings.write_text(sound, encoding="utf-8")
        process.send_signal(signal.SIGHUP)
        until("reload: the new settings are in force")
        assert last_settings.refused(folder) is None
    finally:
        process.kill()
        process.communicate()
