"""Is the journal of the service kept and read back, also after a kill in the middle of a line?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

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
