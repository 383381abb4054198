"""Is a dead scheduler noticed inside a living process, by the command and by its alert?"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from forecast.__main__ import main
from forecast.config import read_config
from forecast.files import write_whole
from forecast.service import backup_record, heartbeat, last_settings
from forecast.service.alerting.ledger import NAME
from forecast.service.journal import Journal, JournalEntry
from products import manifest
from tests.doubles.wecom import WeComDouble, serving
from tests.e2e.conftest import settings_file, some_sites

HOUR = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)  # 16:10 in Beijing
MINUTE = timedelta(minutes=1)
KEY = "a-key-of-this-test"


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Iterator[WeComDouble]:
    monkeypatch.setenv("SKYSCAPE_WECOM_KEYS", f"duty:{KEY}")
    double = WeComDouble({KEY}, HOUR)
    with serving(double):
        yield double


@pytest.fixture
def settings(tmp_path: Path, robot: WeComDouble) -> Path:
    """A settings file with a duty group, and a release that is in force."""
    group = {"id": "duty", "issues": False}
    file = settings_file(
        tmp_path,
        delivery={"wecom": {"url": robot.url, "groups": [group]}},
        alerts={"first": {"wecom": ["duty"]}, "disk_free_gb": 0, "disk_free_percent": 0},
        archive={"url": "sqlite:///private/archive.db"},
        output={"folder": "site"},
        sites=some_sites("zhaojiawa"),
        models=[],
    )
    (tmp_path / "private").mkdir()
    with closing(sqlite3.connect(tmp_path / "private" / "archive.db")) as archive:
        archive.execute("CREATE TABLE one (content)")
    release = tmp_path / "site" / "current"
    release.mkdir(parents=True)
    content = {
        "issue": "gfs-2026112200", "number": 7, "issued": HOUR.isoformat(),
        "valid_until": (HOUR + timedelta(hours=20)).isoformat(), "model": "gfs",
        "run": "2026-11-22T00:00:00+00:00", "files": {},
    }  # fmt: skip
    write_whole(release / manifest.NAME, manifest.text(content))
    return file


class Clock:
    """The moment of the service, moved by the test."""

    now = HOUR


def check(file: Path, now: datetime, *more: str) -> int:
    return main(["check", "--alive", "--config", str(file), "--now", now.isoformat(), *more])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_scheduler_that_died_inside_a_living_process_is_noticed_and_its_revival_too(
    settings: Path, robot: WeComDouble, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, beaten = Clock(), threading.Event()
    folder = tmp_path / "private"

    def beat() -> None:
        heartbeat.beat(folder, clock.now, HOUR, "0.1.0")
        beaten.set()

    def start() -> BackgroundScheduler:
        scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)})
        scheduler.add_job(beat, "interval", seconds=0.02)
        scheduler.start()
        assert beaten.wait(30)
        return scheduler

    scheduler = start()
    assert check(settings, HOUR + MINUTE, "--tell") == 0
    assert robot.taken == []

    # its thread dies of a defect, and the process lives on
    def dies() -> None:
        raise SystemExit

    scheduler._process_jobs = dies
    scheduler.wakeup()
    scheduler._thread.join(30)
    assert not scheduler._thread.is_alive()
    process = json.loads((folder / heartbeat.NAME).read_text())["process"]
    assert process == os.getpid()

    codes = []
    for minutes in (3, 4, 5):
        robot.now = HOUR + minutes * MINUTE
        codes.append(check(settings, robot.now, "--tell"))
    assert codes == [0, 8, 8]
    [(_, _, text)] = robot.taken
    assert "定时任务已停止" in text
    assert "the scheduler has stopped" in capsys.readouterr().out

    beaten.clear()
    clock.now = HOUR + 20 * MINUTE
    again = start()
    again.shutdown()
    for minutes in (20, 26):
        robot.now = HOUR + minutes * MINUTE
        heartbeat.beat(folder, robot.now, HOUR, "0.1.0")
        assert check(settings, robot.now, "--tell") == 0
    assert ["【已结束】" in text for _, _, text in robot.taken] == [False, True]


def test_without_tell_nothing_is_sent_and_the_code_is_the_same(
    settings: Path, robot: WeComDouble, tmp_path: Path
) -> None:
    assert check(settings, HOUR) == 8

    assert robot.requests == 0
    assert not (tmp_path / "private" / NAME).exists()


def test_a_missed_hour_and_an_expired_issue_are_each_a_failure(
    settings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for hours, named in ((12.3, []), (14.8, ["no_issue"]), (20.5, ["no_issue", "expired"])):
        now = HOUR + timedelta(hours=hours)
        heartbeat.beat(tmp_path / "private", now, HOUR - timedelta(days=1), "0.1.0")

        code = check(settings, now, "--json")

        faults = [each for each in json.loads(capsys.readouterr().out) if each["grade"] == "fault"]
        assert [each["subject"] for each in faults] == named
        assert code == (8 if named else 0)


def test_the_watchdog_needs_no_archive(settings: Path, tmp_path: Path, robot: WeComDouble) -> None:
    heartbeat.beat(tmp_path / "private", HOUR, HOUR, "0.1.0")
    path = tmp_path / "private" / "archive.db"
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as holder:
        holder.execute("BEGIN EXCLUSIVE")  # nobody can open it

        assert check(settings, HOUR, "--tell") == 0

    assert path.read_bytes() == before
    assert [each.name for each in path.parent.glob("archive.db*")] == ["archive.db"]


@pytest.mark.parametrize("loss", ["gone", "empty", "failed", "garbage", "cut off"])
def test_an_archive_that_is_lost_is_told_though_issues_go_on(
    settings: Path, tmp_path: Path, robot: WeComDouble, loss: str
) -> None:
    folder = tmp_path / "private"
    heartbeat.beat(folder, HOUR, HOUR - MINUTE, "0.1.0")
    if loss == "failed":  # the file is there, and is damaged
        issued = JournalEntry(HOUR, HOUR, "a", "issued", "gfs-2026112200", 5, "archive unavailable")
        Journal(folder).add(issued)
    elif loss == "empty":
        (folder / "archive.db").write_bytes(b"")
    elif loss == "garbage":
        (folder / "archive.db").write_bytes(bytes(range(1, 256)) * 1000)
    elif loss == "cut off":
        os.truncate(folder / "archive.db", 5000)
    else:
        (folder / "archive.db").unlink()

    codes = []
    for minutes in (0, 2, 4):
        robot.now = HOUR + minutes * MINUTE
        heartbeat.beat(folder, robot.now, HOUR - MINUTE, "0.1.0")
        codes.append(check(settings, robot.now, "--tell"))

    assert codes == [8, 8, 8]
    [(_, _, text)] = robot.taken
    assert "档案库无法读写" in text
    assert ("its file is empty (0 bytes)" in text) == (loss == "empty")
    assert ("it is no SQLite database" in text) == (loss == "garbage")
    assert ("it is cut off" in text) == (loss == "cut off")


@pytest.mark.parametrize("mistake", ["  check_minutes: [", "  check_minutes: often"])
def test_a_typing_error_in_the_settings_does_not_silence_the_watchdog(
    settings: Path, tmp_path: Path, robot: WeComDouble, mistake: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    last_settings.keep(read_config(settings))
    assert (tmp_path / "private" / last_settings.NAME).stat().st_mode & 0o777 == 0o600
    heartbeat.beat(tmp_path / "private", HOUR, HOUR, "0.1.0")
    text = settings.read_text()
    settings.write_text(f"{text}\nschedule:\n{mistake}\n")

    codes = [check(settings, HOUR + minutes * MINUTE, "--tell") for minutes in (0, 4)]

    assert codes == [3, 8]
    [(_, _, first), (_, _, told)] = robot.taken
    assert "配置文件无法读取或未通过检查" in first
    assert "定时任务已停止" in told
    assert "looked at by the last good ones" in capsys.readouterr().out


@pytest.mark.parametrize("how", ["wrong", "gone", "reload"])
def test_settings_that_cannot_be_used_are_told_once_and_their_end(
    settings: Path, tmp_path: Path, robot: WeComDouble, how: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """By the recipients of the last good ones. reload: the service refused them by itself."""
    config, text, codes = read_config(settings), settings.read_text(), []
    last_settings.keep(config)
    monkeypatch.chdir(tmp_path / "private")  # as the unit does
    if how == "wrong":
        settings.write_text(f"{text}\nschedule:\n  check_minutes: [\n")
    elif how == "gone":
        settings.unlink()
    else:
        last_settings.note_refused(config.private_folder, HOUR, "sites: none is named")
    for minutes in (0, 1, 9, 10, 16):
        robot.now = HOUR + minutes * MINUTE
        if minutes == 10:
            settings.write_text(text)
            last_settings.keep(config)  # as a start and a reload do
        heartbeat.beat(tmp_path / "private", robot.now, HOUR - MINUTE, "0.1.0")
        codes.append(check(settings, robot.now, "--tell"))

    assert codes == ([0] * 5 if how == "reload" else [3, 3, 3, 0, 0])
    assert ["【已结束】" in told for _, _, told in robot.taken] == [False, True]
    assert "配置文件无法读取或未通过检查" in robot.taken[0][2]
    assert ("sites: none is named" in robot.taken[0][2]) == (how == "reload")
    said = capsys.readouterr().out
    assert said.count("looked at by the last good ones") == (0 if how == "reload" else 3)


def test_a_failed_backup_is_told_once_and_its_end_and_fails_nothing(
    settings: Path, tmp_path: Path, robot: WeComDouble, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = yaml.safe_load(settings.read_text())
    plain["backup"]["folder"] = str(tmp_path / "backups")
    settings.write_text(yaml.safe_dump(plain, allow_unicode=True))
    config, codes = read_config(settings), []
    backup_record.note_failed(config, HOUR, "the disk is away")

    for minutes in (0, 1, 9, 10, 16):
        robot.now = HOUR + minutes * MINUTE
        if minutes == 10:
            backup_record.note_made(config, tmp_path / "backups", robot.now)
        heartbeat.beat(tmp_path / "private", robot.now, HOUR - MINUTE, "0.1.0")
        codes.append(check(settings, robot.now, "--tell"))

    assert codes == [0] * 5
    assert ["【已结束】" in text for _, _, text in robot.taken] == [False, True]
    assert "每日备份未完成" in robot.taken[0][2]
    assert "the disk is away" in capsys.readouterr().out


@pytest.mark.parametrize("reaped", [True, False])
def test_a_service_that_was_killed_is_never_called_alive_and_told_of_once_it_stays_away(
    settings: Path, tmp_path: Path, robot: WeComDouble, capsys: pytest.CaptureFixture[str],
    reaped: bool,
) -> None:  # fmt: skip
    """reaped: somebody has asked how it ended; else its number is still in use."""
    folder = tmp_path / "private"
    code = (
        "import sys, time; from datetime import datetime; from pathlib import Path\n"
        "from forecast.service.heartbeat import beat\n"
        "at = datetime.fromisoformat(sys.argv[2]); beat(Path(sys.argv[1]), at, at, '0.1.0')\n"
        "print('beats', flush=True); time.sleep(600)"
    )
    service = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), HOUR.isoformat()], stdout=subprocess.PIPE
    )
    assert service.stdout is not None
    service.stdout.readline()
    assert check(settings, HOUR) == 0

    service.kill()
    if reaped:
        service.wait()
    else:
        os.waitid(os.P_PID, service.pid, os.WEXITED | os.WNOWAIT)

    capsys.readouterr()
    codes, sent = [], []
    for seconds in (1, 61, 121, 182):
        robot.now = HOUR + timedelta(seconds=seconds)
        codes.append(check(settings, robot.now, "--tell"))
        sent.append(len(robot.taken))
    said = capsys.readouterr().out
    assert codes == [8] * 4
    assert said.count(f"the service has ended: process {service.pid} is gone") == 4
    assert f"process {service.pid} since" not in said
    assert sent == [0, 0, 0, 1]
    assert "定时任务已停止" in robot.taken[0][2]
    service.wait()
    service.stdout.close()


@pytest.mark.parametrize("elsewhere", ["", "pid:[1] another-boot"])
def test_a_process_of_another_machine_or_container_is_judged_by_its_heartbeat_alone(
    settings: Path, tmp_path: Path, elsewhere: str
) -> None:
    folder = tmp_path / "private"
    heartbeat.beat(folder, HOUR, HOUR, "0.1.0")
    path = folder / heartbeat.NAME
    plain = {**json.loads(path.read_text()), "process": 2**22 + 1, "space": elsewhere}
    path.write_text(json.dumps(plain))
    os.utime(path, (HOUR.timestamp(), HOUR.timestamp()))

    assert check(settings, HOUR + MINUTE) == 0
    assert check(settings, HOUR + 4 * MINUTE) == 8


def test_tell_without_alive_is_refused(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--tell", "--config", str(settings)]) == 2

    assert "--tell: only together with --alive" in capsys.readouterr().err
