"""Open the database behind the archive: SQLite by default, PostgreSQL by address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from forecast.config import masked
from forecast.errors import ArchiveError


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
            Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = sql.create_engine(parsed, hide_parameters=True)
    except (SQLAlchemyError, OSError, ImportError) as error:
        expected = "expected sqlite:///path or postgresql://…"
        raise ArchiveError(
            f"archive {masked(url)}: cannot be opened ({brief(error)}); {expected}"
        ) from error
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def brief(error: Exception) -> str:
    """Return the message of a database error on one line, at most 300 characters."""
    original = getattr(error, "orig", None) or error
    return " ".join(str(original).split())[:300]


def _prepare_sqlite(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def insert_into(connection: sql.Connection, table: sql.Table) -> Any:
    """Return an INSERT of the database's own dialect, which knows what to do where a row is there.

    Only that dialect is loaded: both take a tenth of the start of `skyscape status`.
    """
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert

        return insert(table)
    from sqlalchemy.dialects.sqlite import insert as insert_in_sqlite

    return insert_in_sqlite(table)
