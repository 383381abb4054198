"""Is a damaged file of an archive known by its head and size, and a living one never blamed?"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from forecast.archive.file_header import damage_of


def fill(connection: sqlite3.Connection, rows: int, size: int = 3000) -> None:
    with connection:
        connection.executemany("INSERT INTO one (content) VALUES (randomblob(?))", [(size,)] * rows)


@contextmanager
def living(path: Path, checkpoint: int = 1000) -> Iterator[sqlite3.Connection]:
    """Give a connection to a database with a log. checkpoint: after so many pages of it."""
    with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={checkpoint}")
        connection.execute("CREATE TABLE IF NOT EXISTS one (id INTEGER PRIMARY KEY, content BLOB)")
        yield connection


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "archive.db"
    with living(path) as connection:
        fill(connection, 100)
    assert not path.with_name("archive.db-wal").exists()
    return path


def test_a_whole_file_shows_no_damage(whole: Path) -> None:
    assert damage_of(whole) == ""


@pytest.mark.parametrize("size", [1, 99, 100, 270_000])
def test_other_bytes_are_no_database(whole: Path, size: int) -> None:
    whole.write_bytes(os.urandom(size - 1) + b"\0")

    assert damage_of(whole) == f"it is no SQLite database ({size} bytes)"


@pytest.mark.parametrize("lost", [1, 4096, 200_000])
def test_a_file_that_was_cut_off_is_known_by_its_size(whole: Path, lost: int) -> None:
    size = whole.stat().st_size
    os.truncate(whole, size - lost)

    assert damage_of(whole).startswith(f"it is cut off: it has {size - lost} bytes, and {size} by")


def test_a_head_alone_is_cut_off_too(whole: Path) -> None:
    os.truncate(whole, 50)

    assert damage_of(whole) != ""


def test_what_is_not_there_or_empty_is_said_by_others(tmp_path: Path) -> None:
    assert damage_of(tmp_path / "archive.db") == ""
    (tmp_path / "archive.db").touch()
    assert damage_of(tmp_path / "archive.db") == ""


def test_a_file_whose_pages_stand_in_its_log_is_whole(tmp_path: Path) -> None:
    """As a checkpoint leaves it that was killed: the head is new, the last pages are in the log."""
    path, copy = tmp_path / "archive.db", tmp_path / "copy.db"
    with living(path) as connection:
        fill(connection, 10)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        before = path.stat().st_size
        fill(connection, 50)
        shutil.copy(path.with_name("archive.db-wal"), copy.with_name("copy.db-wal"))
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(path, copy)
    os.truncate(copy, before)

    assert damage_of(copy) == ""
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_living_file_that_was_cut_off_is_known_though_its_log_is_large(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with living(path) as connection:
        fill(connection, 200)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        fill(connection, 5)  # the log begins anew, and is as large as it was
        assert path.with_name("archive.db-wal").stat().st_size > path.stat().st_size / 2
        assert damage_of(path) == ""

        os.truncate(path, path.stat().st_size - 40_960)

        assert damage_of(path).startswith("it is cut off")


def test_a_living_file_is_known_as_cut_off_though_its_log_holds_all_of_it_once_more(
    tmp_path: Path,
) -> None:
    """Readers take from the file what a checkpoint has written, so the log mends nothing."""
    path = tmp_path / "archive.db"
    with living(path) as connection:
        fill(connection, 50)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        assert damage_of(path) == ""

        os.truncate(path, path.stat().st_size // 2)

        assert damage_of(path).startswith("it is cut off")


@pytest.mark.parametrize("reads", [False, True])
def test_a_file_that_is_written_all_the_time_is_never_blamed(tmp_path: Path, reads: bool) -> None:
    """reads: somebody reads an older state meanwhile, so checkpoints end half-way."""
    path, done = tmp_path / "archive.db", threading.Event()
    blamed, looks = list[str](), 0
    with living(path, checkpoint=20) as connection:

        def write() -> None:
            for number in range(400):
                fill(connection, 5, 9000)
                if number % 50 == 49:
                    with connection:
                        connection.execute("DELETE FROM one WHERE id % 3")
                    connection.execute("PRAGMA incremental_vacuum").fetchall()
            done.set()

        writer = threading.Thread(target=write)
        with closing(sqlite3.connect(path)) as reader:
            writer.start()
            while not done.is_set() or not looks:
                if reads and looks % 10 == 0:
                    reader.rollback()
                    reader.execute("BEGIN")
                    reader.execute("SELECT count(*) FROM one").fetchone()
                blamed += filter(None, [damage_of(path)])
                looks += 1
            writer.join()

    assert blamed == []
    assert damage_of(path) == ""
