"""Open the database behind the archive: SQLite by default, PostgreSQL by address."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from forecast.config import masked
from forecast.errors import ArchiveBusy, ArchiveDamaged, ArchiveError, ArchiveUnusable
from forecast.files import make_private

log = logging.getLogger(__name__)

BUSY_SECONDS = 10.0  # [s] that a transaction waits for that of another process
# what a database says (SQLite's names of errors, PostgreSQL's states) -> what that means for us
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "40001", "40P01")
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")
MOVED = ("SQLITE_READONLY_DBMOVED", "42P01")
NO_TABLE = "no such table"
ADVICE = (
    "stop the service if one runs, then bring it back with `skyscape restore`, or begin a new one "
    "from the released issues with `skyscape run --rebuild-archive`"
)

# auto_vacuum counts for a new file only: space that retention frees can then be given back
PRAGMAS = ("auto_vacuum=INCREMENTAL", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
LACKS_LOG = (
    "archive {path}: it holds nothing: a copy of the file of a running service, whose rows were in "
    "the file {path}-wal that was not copied. Use `skyscape backup` and `skyscape restore`; to "
    "begin with an empty archive, stop the service if one runs and remove the file"
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
            make_private(path.parent, folder=True)
            if lacks_its_log(path):
                raise ArchiveError(LACKS_LOG.format(path=path))
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


def _private(_: object, __: object, arguments: Any, named: Any) -> None:
    """Make the file before SQLite would, readable by its owner only; those that SQLite makes beside
    it get the same mode. What cannot be made, SQLite itself reports.
    """
    if named.get("uri") or not arguments or arguments[0] in ("", ":memory:"):
        return
    with contextlib.suppress(OSError):
        make_private(Path(arguments[0]))


def translated(error: SQLAlchemyError, address: str) -> ArchiveError:
    """Return an error of the database as one of ours: busy, unusable or any other."""
    original = getattr(error, "orig", None)
    code = str(
        getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or ""
    )
    where, message = f"archive {address}", brief(error)
    if code.startswith(DAMAGED):
        return ArchiveDamaged(f"{where}: it is damaged ({message}); {ADVICE}")
    if code.startswith(MOVED) or message.startswith(NO_TABLE):
        return ArchiveUnusable(f"{where}: it is no longer there ({message}); {ADVICE}")
    if code.startswith(BUSY):
        return ArchiveBusy(f"{where}: another process holds it ({message})")
    return ArchiveError(f"{where}: {message}; check that it is there, writable and not full")


def file_of(url: str) -> Path | None:
    """Return the file of an SQLite address; None for any other database, or one in memory."""
    try:
        parsed = sql.make_url(url)
    except SQLAlchemyError:
        return None
    name = str(parsed.database or "")
    in_a_file = parsed.get_backend_name() == "sqlite" and name not in ("", ":memory:")
    return Path(name) if in_a_file and not name.startswith("file:") else None


class ArchiveFile:
    """The file of an SQLite archive that is open; nothing to look at for any other database."""

    def __init__(self, url: str, engine: sql.Engine) -> None:
        self._path, self._engine, self._address = file_of(url), engine, masked(url)
        self._opened = self._identity()

    def look(self) -> None:
        """Refuse a file that is gone: what is written to an open one that was deleted is lost.

        One that was put in its place (restored) is opened anew. Raises: ArchiveUnusable.
        """
        if self._path is None or (found := self._identity()) == self._opened:
            return
        if found is None:
            raise ArchiveUnusable(f"archive {self._address}: the file is gone; {ADVICE}")
        log.warning("archive %s: another file stands in its place and is opened", self._address)
        self._engine.dispose()
        self._opened = found

    def size(self) -> int | None:
        """Return the size [byte] of the file with its log; None where there is no file."""
        if self._path is None:
            return None
        log = self._path.with_name(f"{self._path.name}-wal")
        try:
            return self._path.stat().st_size + (log.stat().st_size if log.exists() else 0)
        except OSError:
            return None

    def _identity(self) -> tuple[int, int] | None:
        """Return which file it is; None where it is gone, or none at all."""
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_dev, found.st_ino) if found else None


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Set how an SQLite file is used.

    A new one gets its log (WAL) only once it has tables (`upgrade` opens it anew then): a kill
    meanwhile leaves no file that `lacks_its_log` takes for an empty copy.
    """
    cursor = connection.cursor()
    # first the patience: to look into the file needs a lock, too
    cursor.execute(f"PRAGMA busy_timeout={round(BUSY_SECONDS * 1000)}")
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    if cursor.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        cursor.execute("PRAGMA journal_mode=WAL")
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
