"""Is the journal of the service kept and read back, also after a kill in the middle of a line?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from forecast.service import heartbeat
from forecast.service.journal import LONGEST_FILE, NAME, Journal, JournalEntry

NOW = datetime(2026, 11, 30, 8, 0, tzinfo=UTC)
ENTRY = JournalEntry(NOW, NOW, "a1b2c3", "issued", "gfs-2026113000", 0, "全部站点 published")


def test_entries_come_back_newest_first(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "not there yet")
    later = replace(ENTRY, at=NOW + timedelta(minutes=5), outcome="unchanged", issue=None)

    assert journal.add(ENTRY)
    assert journal.add(later)

    assert Journal(tmp_path / "not there yet").last() == (later, ENTRY)
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_kill_cut_off_costs_itself_only(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add(ENTRY)
    with journal.path.open("ab") as file:
        file.write(b'{"at": "2026-11-30T08:0')

    journal.add(ENTRY)

    assert journal.last() == (ENTRY, ENTRY)


def test_the_journal_does_not_grow_without_end(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"x" * (LONGEST_FILE + 1) + b"\n")
    journal = Journal(tmp_path)

    journal.add(ENTRY)

    assert journal.last() == (ENTRY,)
    assert journal.path.stat().st_size < 1000


def test_a_disk_that_takes_nothing_costs_the_entry_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert not Journal(tmp_path / "file").add(ENTRY)
    assert Journal(tmp_path / "file").last() == ()


@pytest.mark.parametrize(
    "damage", [b"null", b"[]", b'{"at":5}', b"\xff\x00\x9c", b"[" * 100_000, b'{"outcome": []}']
)
def test_a_line_of_another_kind_is_counted_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    journal = Journal(tmp_path)
    assert journal.fault() == ""
    journal.add(ENTRY)
    assert journal.fault() == ""
    with journal.path.open("ab") as file:
        file.write(damage + b"\n\n" + damage + b"\n")

    assert journal.last() == Journal(tmp_path).last() == (ENTRY,)
    assert journal.fault() == f"{journal.path}: 2 lines cannot be read"
    assert [each.message for each in caplog.records] == [
        f"the journal {journal.path} 2 lines cannot be read"
    ]


def test_numbers_beyond_all_bounds_make_a_damaged_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add(ENTRY)
    whole = journal.path.read_bytes()

    journal.path.write_bytes(whole.replace(b'"exit_code": 0', b'"exit_code": 1e999'))

    assert journal.last() == ()
    assert journal.fault() == f"{journal.path}: 1 line cannot be read"


def test_a_folder_in_the_place_of_the_journal_is_named_and_logged_once_until_it_is_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = Journal(tmp_path)
    journal.path.mkdir()

    for _ in range(2):
        assert not Journal(tmp_path).add(ENTRY)
        assert Journal(tmp_path).last() == ()

    assert journal.fault() == f"{journal.path} cannot be read: Is a directory"
    said = [each.message.partition(":")[0] for each in caplog.records]
    assert said == [f"the journal {journal.path} cannot be {what}" for what in ("written", "read")]
    journal.path.rmdir()
    assert journal.add(ENTRY)
    assert journal.last() == (ENTRY,)
    assert journal.fault() == ""


def test_a_journal_that_may_not_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.add(ENTRY)
    monkeypatch.setattr(os, "access", lambda path, mode: path != journal.path)

    assert "cannot be written" in journal.fault()


def test_a_heartbeat_is_silent_after_minutes_and_where_the_clock_was_set_back(
    tmp_path: Path,
) -> None:
    assert heartbeat.last_beat(tmp_path) is None
    heartbeat.beat(tmp_path, NOW, NOW - timedelta(hours=1), "0.1.0")

    found = heartbeat.last_beat(tmp_path)

    assert found is not None
    assert found.started == NOW - timedelta(hours=1)
    assert not found.silent(NOW + heartbeat.SILENT)
    assert found.silent(NOW + heartbeat.SILENT + timedelta(seconds=1))
    assert found.silent(NOW - timedelta(hours=2))
