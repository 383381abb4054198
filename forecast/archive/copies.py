"""A copy of the database of a running service, and a database made from such a copy.

SQLite is copied by its own online backup: a copy of the file alone lacks what stands in its log.
PostgreSQL is copied by pg_dump, in its custom format, and restored by pg_restore.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from forecast.archive.database import LACKS_LOG, brief, lacks_its_log, open_engine
from forecast.archive.schema import metadata
from forecast.archive.state import parsed_address
from forecast.config import masked
from forecast.errors import ArchiveError
from forecast.files import rename, write_whole

SQLITE_FILE, POSTGRESQL_FILE = "archive.db", "archive.dump"
CHUNK = 1 << 20  # [byte]
HOLDS = ("issue", "account", "outcome", "observation", "report")  # tables of what people would miss
VERSION = re.compile(r"(\d+)(?:\.\d+)?")


def copy_database(url: str, folder: Path) -> Path:
    """Copy the database at an address into a folder, whole, while others write; return the file.

    Raises: ArchiveError.
    """
    parsed = parsed_address(url)
    if parsed.get_backend_name() == "sqlite":
        target = folder / SQLITE_FILE
        _copy_sqlite(_file_of(parsed, url), target, url)
    else:
        target = folder / POSTGRESQL_FILE
        _require_client("pg_dump", parsed, url)
        target.touch(mode=0o600)
        leave = ["--exclude-schema=skyscape_schema*"]  # copies of migrations
        with _postgresql(parsed) as address:
            _run(["pg_dump", "-Fc", "--no-owner", *leave, f"--file={target}", address], url)
    return target


def restore_database(copy: Path, url: str) -> Path | None:
    """Put a copy in the place of the database at an address.

    An SQLite file that was there is renamed; return its new name, None where there was none.
    Raises: ArchiveError; the database is then as it was, or not there.
    """
    parsed = parsed_address(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if (copy.name == SQLITE_FILE) != sqlite:
        raise ArchiveError(
            f"{copy}: a copy of another kind of database than archive {masked(url)}: set "
            "archive.url to one of its kind"
        )
    if not sqlite:
        _restore_postgresql(copy, parsed, url)
        return None
    check_copy(copy)
    path = _file_of(parsed, url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.restored")
        with copy.open("rb") as file:
            write_whole(fresh, iter(lambda: file.read(CHUNK), b""), private=True)
        before = _moved_away(path)
        rename(fresh, path)
    except OSError as error:
        raise ArchiveError(
            f"archive {masked(url)}: it is not restored ({error}); make room, or let the folder be "
            "written, and try again"
        ) from error
    return before


def holds_anything(url: str) -> bool:
    """Return whether there is an archive at an address with anything in it. Raises: ArchiveError,
    also for one that cannot be read: somebody may still want it.
    """
    parsed = parsed_address(url)
    if parsed.get_backend_name() == "sqlite":
        path = _file_of(parsed, url)
        if not path.exists() or path.stat().st_size == 0 or lacks_its_log(path):
            return False
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            there = set(sql.inspect(connection).get_table_names())
            return any(
                connection.scalar(sql.select(sql.literal(1)).select_from(table).limit(1))
                for table in map(metadata.tables.__getitem__, HOLDS)
                if table.name in there
            )
    except SQLAlchemyError as error:
        raise ArchiveError(
            f"archive {masked(url)}: what is in it cannot be read ({brief(error)})"
        ) from error
    finally:
        engine.dispose()


def check_copy(path: Path) -> None:
    """Raise ArchiveError unless an SQLite file is whole and holds an archive."""
    if lacks_its_log(path):
        raise ArchiveError(LACKS_LOG.format(path=path))
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            schema = connection.execute("SELECT schema FROM about").fetchone()
    except sqlite3.Error as error:
        raise ArchiveError(f"{path}: no whole archive ({error}); use another backup") from error
    if found != ["ok"] or schema is None:
        raise ArchiveError(f"{path}: damaged ({'; '.join(found)}); use another backup")


def _file_of(parsed: sql.URL, url: str) -> Path:
    if not parsed.database or parsed.database == ":memory:":
        raise ArchiveError(f"archive {masked(url)}: it is no file, so there is nothing to copy")
    return Path(parsed.database).absolute()


def _copy_sqlite(path: Path, target: Path, url: str) -> None:
    if not path.exists():
        raise ArchiveError(f"archive {masked(url)}: there is none, so nothing can be copied")
    target.touch(mode=0o600)
    try:
        with (
            closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(target)) as copy,
        ):
            source.backup(copy)  # in one step: one state of it, while others go on writing
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
    except sqlite3.Error as error:
        raise ArchiveError(
            f"archive {masked(url)}: it cannot be copied to {target} ({error}); check that it is "
            "whole and that there is room"
        ) from error
    check_copy(target)


def _moved_away(path: Path) -> Path | None:
    """Rename a database file and its log, so that the log is never read with another file."""
    number = 1
    while (target := path.with_name(f"{path.name}.replaced-{number}")).exists():
        number += 1
    there = path.exists()
    for suffix in ("", "-wal", "-shm"):
        old = path.with_name(path.name + suffix)
        if old.exists():
            os.replace(old, target.with_name(target.name + suffix))
    return target if there else None


# -- PostgreSQL


def _require_client(program: str, parsed: sql.URL, url: str) -> None:
    """Raise ArchiveError where a client program is missing or older than the server."""
    if shutil.which(program) is None:
        raise ArchiveError(
            f"archive {masked(url)}: the program {program} is missing: install PostgreSQL's client "
            "(Debian: apt-get install postgresql-client)"
        )
    client = _major(_run([program, "--version"], url))
    engine = open_engine(url)
    try:
        with engine.connect() as connection:
            server = int(connection.exec_driver_sql("SHOW server_version_num").scalar() or 0)
    except SQLAlchemyError as error:
        raise ArchiveError(f"archive {masked(url)}: {brief(error)}") from error
    finally:
        engine.dispose()
    if client < server // 10_000:
        raise ArchiveError(
            f"archive {masked(url)}: {program} is of version {client}, the server of "
            f"{server // 10_000}: install a client at least as new"
        )


def _major(version: str) -> int:
    found = VERSION.search(version)
    return int(found.group(1)) if found else 0


def _restore_postgresql(copy: Path, parsed: sql.URL, url: str) -> None:
    _require_client("pg_restore", parsed, url)
    listed = _run(["pg_restore", "--list", str(copy)], url)
    tables = {words[5] for line in listed.splitlines() if (words := line.split())[3:4] == ["TABLE"]}
    options = ["--clean", "--if-exists", "--no-owner", "--exit-on-error", "--single-transaction"]
    with _postgresql(parsed) as address:
        schema = ["--schema=public"]  # its objects, not the schema itself
        _run(["pg_restore", *options, *schema, f"--dbname={address}", str(copy)], url)
    engine = open_engine(url)
    try:
        with engine.begin() as connection:  # tables of a newer schema: the migration makes them
            newer = [table for name, table in metadata.tables.items() if name not in tables]
            metadata.drop_all(connection, tables=newer)
    except SQLAlchemyError as error:
        raise ArchiveError(f"archive {masked(url)}: {brief(error)}") from error
    finally:
        engine.dispose()


@contextmanager
def _postgresql(parsed: sql.URL) -> Iterator[str]:
    """Give the address for a client program; the password stands in a file, seen by nobody else."""
    with tempfile.TemporaryDirectory(prefix="skyscape-") as folder:
        address = parsed.set(drivername="postgresql", password=None)
        if parsed.password:
            path = Path(folder, "pgpass")
            escaped = str(parsed.password).replace("\\", "\\\\").replace(":", "\\:")
            write_whole(path, f"*:*:*:*:{escaped}\n", private=True)
            address = address.update_query_dict({"passfile": str(path)})
        yield address.render_as_string(hide_password=False)


def _run(command: Sequence[str], url: str) -> str:
    """Run a client program; return what it prints. Raises: ArchiveError with its reason."""
    try:
        done = subprocess.run(  # noqa: S603 - programs of PostgreSQL, no shell
            list(command), capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ArchiveError(f"archive {masked(url)}: {command[0]} cannot run ({error})") from error
    if done.returncode:
        reason = " ".join(done.stderr.split())[:400]
        raise ArchiveError(f"archive {masked(url)}: {command[0]} failed: {reason}")
    return done.stdout
