"""Open the database behind the archive: SQLite by default, PostgreSQL by address."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from forecast.config import masked
from forecast.errors import ArchiveError

# auto_vacuum counts for a new file only: space that retention frees can then be given back
PRAGMAS = (
    "busy_timeout=10000",
    "auto_vacuum=INCREMENTAL",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
)
LACKS_LOG = (
    "archive {path}: it holds nothing: a copy of the file of a running service, whose rows were in "
    "the file {path}-wal that was not copied. Use `skyscape backup` and `skyscape restore`; to "
    "begin with an empty archive, remove the file"
)


def open_engine(url: str) -> sql.Engine:
    """Return the engine of a database address; the folder of an SQLite file is made.

    Raises: ArchiveError.
    """
    try:
        parsed = sql.make_url(url)
        if parsed.drivername.startswith("postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        is_file = parsed.database and parsed.database != ":memory:"
        if parsed.get_backend_name() == "sqlite" and is_file:
            path = Path(str(parsed.database))
            path.parent.mkdir(parents=True, exist_ok=True)
            if lacks_its_log(path):
                raise ArchiveError(LACKS_LOG.format(path=path))
        engine = sql.create_engine(parsed, hide_parameters=True)
    except (SQLAlchemyError, OSError, ImportError) as error:
        expected = "expected sqlite:///path or postgresql://…"
        raise ArchiveError(
            f"archive {masked(url)}: cannot be opened ({brief(error)}); {expected}"
        ) from error
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def lacks_its_log(path: Path) -> bool:
    """Return whether an SQLite file is an empty copy of a live one: its rows were in the log.

    A file in WAL mode without a table and without `<name>-wal` beside it is such a copy.
    """
    try:
        with path.open("rb") as file:
            head = file.read(100)
    except OSError:
        return False
    wal = head[:16] == b"SQLite format 3\0" and head[18:20] == b"\x02\x02"
    if not wal or path.with_name(f"{path.name}-wal").exists():
        return False
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    except sqlite3.Error:
        return False  # damaged: whoever opens it says so


def brief(error: Exception) -> str:
    """Return the message of a database error on one line, at most 300 characters."""
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split())[:300]


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
