"""Does `status` name every bad file and every flagged element, whatever comes after?"""

from __future__ import annotations

import logging
import os
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from forecast.archive.issues import Archive, Attempt
from forecast.commands import alive, check, status
from forecast.commands.finding import CheckFinding
from forecast.config import Config
from forecast.domain import Fault
from forecast.log_context import ZonedFormatter
from forecast.observations.formats import Parsed
from forecast.observations.intake import Intake
from forecast.service import heartbeat
from forecast.service.alerting.ledger import Ledger, MessageMark, OpenAlert, write_ledger
from forecast.service.journal import Journal, JournalEntry
from tests.station_data import with_stations

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HEAD = "station,time,air_temperature,\u82b1\u8272\n"


@pytest.fixture
def settings(config: Config, tmp_path: Path) -> Config:
    made = with_stations(config)
    observations = made.observations.model_copy(update={"folder": tmp_path / "drop"})
    (tmp_path / "drop").mkdir()
    return made.model_copy(update={
        "observations": observations,
        "archive": made.archive.model_copy(update={"url": f"sqlite:///{tmp_path / 'archive.db'}"}),
        "output": made.output.model_copy(update={"folder": tmp_path / "site"}),
        "learning": made.learning.model_copy(update={"folder": tmp_path / "models"}),
    })  # fmt: skip


def intake(settings: Config) -> Intake:
    return Intake(
        settings.observations, Archive(settings.archive.url), ZoneInfo("Asia/Shanghai"), settle=0
    )


def put(settings: Config, name: str, text: str | bytes) -> None:
    path = settings.observations.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_thirty_bad_files_are_all_named_with_their_reasons_however_much_is_pushed_later(
    settings: Config,
) -> None:
    for number in range(30):
        put(settings, f"bad{number}.csv", HEAD + f"A1201,never {number},-3.4,\n")
    taking = intake(settings)
    taking.observe(NOW)
    for number in range(100):
        refused = Parsed([], [Fault("push ions", 1, f"the time 'then {number}' is not read")])
        taking.receive(
            f"{number}".ljust(64, "x"), "push ions", refused, NOW + timedelta(minutes=number)
        )

    found = status.found(settings, NOW + timedelta(hours=2))
    shown = [line for line in status.lines(found) if line.startswith("read")]

    assert len(shown) == 31
    for number in range(30):
        (line,) = [line for line in shown if f"  bad{number}.csv  csv  0 kept, 2 refused" in line]
        assert "column 4, '\u82b1\u8272', is not known" in line
    assert (
        "push ions  unknown  0 kept, 100 refused in 100 readings  line 1: the time 'then 0' is "
        "not read" in shown[0]
    )
    assert len(found["observations"]["set_aside"]) == 160


def test_a_chinese_name_in_a_folder_is_shown_as_it_is_with_its_reason(settings: Config) -> None:
    put(settings, "\u7075\u5c71/\u81ea\u52a8\u7ad9.csv", b"nothing that is known")

    intake(settings).observe(NOW)

    shown = "\n".join(status.lines(status.found(settings, NOW), True))
    assert (
        "\u7075\u5c71/\u81ea\u52a8\u7ad9.csv  unknown  0 kept, 1 refused  the file's format is "
        "not known" in shown
    )
    assert "\u81ea\u52a8\u7ad9.csv  the file's format" in shown


def test_more_files_than_the_text_names_are_counted_and_all_names_them(settings: Config) -> None:
    for number in range(status.MOST_LINES + 5):
        put(settings, f"bad{number}.csv", f"unknown {number}")
    intake(settings).observe(NOW)

    short = status.lines(status.found(settings, NOW))
    whole = status.lines(status.found(settings, NOW + timedelta(days=3), True), True)

    assert any(
        "5 further files in 24 h, 5 of them with refused lines: status --all" in line
        for line in short
    )
    assert sum(line.startswith("read") for line in whole) == status.MOST_LINES + 5
    assert not [
        line
        for line in status.lines(status.found(settings, NOW + timedelta(days=3)))
        if line.startswith("read")
    ]


def test_flagged_values_are_counted_by_station_and_element(settings: Config) -> None:
    rows = [
        f"A1201,{NOW - timedelta(minutes=10 * n):%Y-%m-%dT%H:%MZ},{70 if n == 3 else -3.4},\n"
        for n in range(6)
    ]
    put(settings, "good.csv", HEAD.replace(",\u82b1\u8272", ",wind_speed") + "".join(rows))

    intake(settings).observe(NOW)
    found = status.found(settings, NOW)

    assert found["observations"]["flagged_in_24_h"] == {
        "A1201": {"air_temperature": {"values": 6, "inconsistent": 0, "doubtful": 0, "wrong": 1}}
    }
    assert "flagged    A1201  air_temperature  1 wrong of 6 in 24 h" in status.lines(found)


def test_each_flagged_value_is_listed_with_its_time_and_the_reason(settings: Config) -> None:
    head = "station,time,air_temperature,relative_humidity,wind_speed,gust,cloud_cover\n"
    rows = {
        6: "-3,60,4,8,50", 5: "-3,61,5,9,50", 4: "20,60,5,9,50", 3: "-3,60,4,8,50",
        2: "-3,0.6,8,2,99", 1: "99,60,5,9,50",
    }  # fmt: skip
    put(settings, "day.csv", head + "".join(
        f"A1201,{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%MZ},{cells}\n"
        for hours, cells in rows.items()
    ))  # fmt: skip
    intake(settings).observe(NOW)

    shown = [
        line.split(maxsplit=3)
        for line in status.lines(status.found(settings, NOW))
        if line.startswith("doubtful")
    ]

    assert {(station, time[11:16], reason) for _, station, time, reason in shown} == {
        ("A1201", "19:00", "air_temperature 99 degC is not within -80 to 60 degC"),
        ("A1201", "18:00", "relative_humidity 0.6 %: a fraction in a percent column?"),
        ("A1201", "18:00", "cloud_area_fraction 99 % is a code for no value"),
        ("A1201", "18:00", "wind_speed_of_gust 2 m/s below wind_speed 8 m/s: km/h or knots in an "
         "m/s column?"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("temperatures", "reason"),
    [
        ([-3, -3.5, 14, -4, -3.8], "air_temperature 14 degC jumps from the reports"),
        ([-3] * 16, "air_temperature -3 degC has stayed constant for too long"),
    ],
)
def test_a_value_that_does_not_fit_its_series_is_listed_with_the_rule(
    settings: Config, temperatures: list[float], reason: str
) -> None:
    put(settings, "day.csv", HEAD + "".join(
        f"A1201,{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%MZ},{celsius},\n"
        for hours, celsius in enumerate(reversed(temperatures))
    ))  # fmt: skip
    intake(settings).observe(NOW)

    shown = [line for line in status.lines(status.found(settings, NOW)) if "doubtful " in line]

    assert [reason in line for line in shown if line.startswith("doubtful")] == [True]


def test_times_are_local_with_their_zone(
    settings: Config, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = Archive(settings.archive.url)
    archive.keep_attempt(Attempt(datetime(2026, 12, 31, 16, 5, tzinfo=UTC), None, 4, "no run"))
    put(settings, "bad.csv", HEAD + "A1201,never,-3.4,\n")
    intake(settings).observe(NOW)

    found = status.found(settings, NOW, everything=True)
    text = "\n".join(status.lines(found, everything=True))

    assert "times      in Asia/Shanghai" in text
    assert "attempt    2027-01-01T00:05:00+08:00  exit 4" in text
    assert "read       2026-11-22T20:00:00+08:00  bad.csv" in text
    assert "+00:00" not in text


def test_the_log_writes_the_clock_of_the_service_with_its_offset() -> None:
    record = logging.LogRecord("name", logging.INFO, "", 0, "said", None, None)
    record.created = datetime(2026, 12, 31, 16, 5, tzinfo=UTC).timestamp()

    line = ZonedFormatter(ZoneInfo("Asia/Shanghai")).format(record)

    assert line == "2027-01-01 00:05:00+0800 INFO name: said"


def test_the_service_its_journal_and_its_open_alerts_are_shown_in_local_time(
    settings: Config,
) -> None:
    folder = settings.private_folder
    heartbeat.beat(folder, NOW - timedelta(minutes=4), NOW - timedelta(hours=2), "0.1.0")
    for number in range(12):
        at = NOW - timedelta(minutes=20 - number)
        journal = Journal(folder)
        journal.add(
            JournalEntry(at, NOW - timedelta(hours=1), f"a{number}", "waiting", None, 4, "no run")
        )
    alert = OpenAlert(
        "no_issue", "no_issue", "critical", NOW - timedelta(hours=1), NOW, {"en": "no issue"},
        reported=NOW, marks={"raised": {"wecom:duty": MessageMark("sent", NOW)}},
    )  # fmt: skip
    write_ledger(folder, Ledger({"no_issue": alert}))

    found = status.found(settings, NOW)
    text = "\n".join(status.lines(found))

    assert "service    silent since 2026-11-22T19:56:00+08:00  process" in text
    assert "started 2026-11-22T18:00:00+08:00" in text
    assert text.count("journal    ") == 10
    assert (
        "journal    2026-11-22T19:51:00+08:00  waiting  hour 2026-11-22T19:00:00+08:00  exit 4  a11"
        "  no run" in text
    )
    assert "alert      2026-11-22T19:00:00+08:00  no_issue  critical  no issue" in text
    assert found["alerts"][0]["sent_to"] == ["wecom:duty"]


def test_a_damaged_journal_is_said_by_status_and_both_checks(settings: Config) -> None:
    path = settings.private_folder / "journal.jsonl"
    assert status.found(settings, NOW)["journal_fault"] is None
    path.write_bytes(b"null\n[]\n")

    found = status.found(settings, NOW)

    assert f"journal    {path}: 2 lines cannot be read" in status.lines(found)
    warning = CheckFinding("warning", "journal", f"{path}: 2 lines cannot be read")
    assert warning in alive.findings(settings, NOW)
    assert warning in list(check._disks(settings, NOW))


def test_an_alert_that_is_no_longer_true_is_called_ending(settings: Config) -> None:
    folder = settings.private_folder
    heartbeat.beat(folder, NOW, NOW - timedelta(hours=2), "0.1.0")
    since = NOW - timedelta(hours=1)

    def alert(kind: str, gone: datetime | None = None) -> OpenAlert:
        texts = {"en": f"{kind} is wrong"}
        return OpenAlert(kind, kind, "critical", since, NOW, texts, reported=NOW, gone=gone)

    alerts = [alert("scheduler"), alert("nothing"), alert("archive", NOW - timedelta(minutes=1))]
    write_ledger(folder, Ledger({each.key: each for each in alerts}))

    lines = [s for s in status.lines(status.found(settings, NOW)) if s.startswith("alert ")]

    assert lines[0].endswith("critical  ending, not true now; it said: scheduler is wrong")
    assert lines[1].endswith("critical  nothing is wrong")
    assert lines[2].endswith(
        "ending, not true since 2026-11-22T19:59:00+08:00; it said: archive is wrong"
    )


@pytest.mark.parametrize(
    ("in_force", "stale", "problems", "code"),
    [
        ("gfs-1", False, [], 0),
        ("gfs-1", True, [], 8),
        ("gfs-1", False, ["no issue of 16:10"], 8),
        (None, True, [], 9),
    ],
)
def test_status_fails_where_readers_have_no_forecast_that_holds_or_the_service_does_not_work(
    in_force: str | None, stale: bool, problems: list[str], code: int
) -> None:
    found = {"in_force": in_force, "stale": stale, "problems": problems}

    assert status.exit_code(found) == code


def test_a_service_that_has_just_ended_is_not_called_alive(
    settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    monkeypatch.setattr(os, "getpid", lambda: done.pid)
    heartbeat.beat(settings.private_folder, NOW, NOW - timedelta(hours=2), "0.1.0")

    text = "\n".join(status.lines(status.found(settings, NOW)))

    assert f"service    ended  process {done.pid}" in text
    assert f"problem    the service has ended: process {done.pid} is gone" in text
