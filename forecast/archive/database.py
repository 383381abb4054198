"""Open the database behind the archive: SQLite by default, PostgreSQL by address."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from forecast.config import masked
from forecast.errors import ArchiveError
from forecast.files import make_private


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
            make_private(Path(str(parsed.database)).parent, folder=True)
        engine = sql.create_engine(parsed, hide_parameters=True)
    except (SQLAlchemyError, OSError, ImportError) as error:
        expected = "expected sqlite:///path or postgresql://…"
        raise ArchiveError(
            f"archive {masked(url)}: cannot be opened ({brief(error)}); {expected}"
        ) from error
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "do_connect", _private)
        sql.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def brief(error: Exception) -> str:
    """Return the message of a database error on one line, at most 300 characters."""
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split())[:300]


def _private(_: object, __: object, arguments: Any, named: Any) -> None:
    """Make the file before SQLite would, readable by its owner only; those that SQLite makes beside
    it get the same mode. What cannot be made, SQLite itself reports.
    """
    if named.get("uri") or not arguments or arguments[0] in ("", ":memory:"):
        return
    with contextlib.suppress(OSError):
        make_private(Path(arguments[0]))


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
