"""Bring a database to the newest schema: new ones are made, old ones migrated after a copy."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import sqlalchemy as sql

from forecast.archive.schema import REVISION, SCHEMA, about_table, metadata
from forecast.errors import ArchiveError
from forecast.files import rename

# The schemas that can be brought forward, each with its revision of the migrations.
FORMER: dict[int, str | None] = {2: None, 3: "0003", 4: "0004"}
LOCK = 710_112_003  # of PostgreSQL: one process migrates at a time


def upgrade(engine: sql.Engine, address: str) -> None:
    """Make or migrate the tables of a database; nothing where it is up to date.

    Before a migration from schema N a copy is made: of an SQLite file beside it
    (`<name>.schemaN.bak`), in PostgreSQL into the database schema `skyscape_schemaN`. A failed
    migration changes nothing; after a good one the copies of migrations before it are removed.
    address: for messages, without a password. Raises: ArchiveError, SQLAlchemyError.
    """
    with engine.connect() as connection:
        found, schema = _revision(connection), _schema(connection)
    if (found, schema) == (REVISION, SCHEMA):
        return
    made = False
    with engine.begin() as connection:
        # under the lock nobody else changes anything: what was read before it may be half of each
        _lock(connection)
        found, schema = _revision(connection), _schema(connection)
        if (found, schema) == (REVISION, SCHEMA):  # another process was faster
            return
        if schema is None and found is None:
            metadata.create_all(connection)
            connection.execute(about_table.insert().values(schema=SCHEMA))
            _alembic(connection, "stamp")
            made = True
        elif schema in FORMER and found == FORMER[schema]:
            if engine.dialect.name == "postgresql":
                _copy_postgresql(connection, schema)
            else:
                _copy_sqlite(Path(str(engine.url.database)), schema, address)
            _alembic(connection, "upgrade")
            if engine.dialect.name == "postgresql":
                _drop_copies_before(connection, schema)
        else:
            raise ArchiveError(_unreadable(address, schema))
    if engine.dialect.name == "sqlite" and schema is not None:
        _remove_copies_before(Path(str(engine.url.database)), schema)
    if made:
        engine.dispose()  # connections from now on have the log of a file with tables


def _unreadable(address: str, schema: int | None) -> str:
    """Return why an archive of another schema cannot be used, and what to do."""
    what = f"archive {address}: it has schema {schema}, this program reads schema {SCHEMA} and"
    if schema is not None and schema > SCHEMA:
        return (
            f"{what} never takes one back; use the program that wrote it, or restore a backup "
            "made before the upgrade (`skyscape restore`), or the copy of the migration beside it "
            f"(*.schema{SCHEMA}.bak)"
        )
    return f"{what} brings {', '.join(map(str, FORMER))} forward; use the program that wrote it"


def _lock(connection: sql.Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(LOCK)))


def _revision(connection: sql.Connection) -> str | None:
    """Return the revision of the migrations; None where there were none."""
    if not sql.inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(sql.text("SELECT version_num FROM alembic_version"))


def _schema(connection: sql.Connection) -> int | None:
    """Return the number in `about`; None where there are no tables."""
    if not sql.inspect(connection).has_table(about_table.name):
        return None
    return connection.scalar(sql.select(about_table.c.schema))


def _alembic(connection: sql.Connection, command: str) -> None:
    """Run a command of alembic up to the newest revision over a connection."""
    from alembic import command as commands
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    getattr(commands, command)(config, "head")


def _copy_sqlite(path: Path, schema: int, address: str) -> None:
    """Copy a database file beside it, whole, while nobody else writes; an earlier copy stays.

    Raises: ArchiveError where there is no room for it.
    """
    target = path.with_name(f"{path.name}.schema{schema}.bak")
    if target.exists():
        return
    part = target.with_name(target.name + ".part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)  # it holds the accounts
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        rename(part, target)
    except (sqlite3.Error, OSError) as error:
        raise ArchiveError(
            f"archive {address}: it is not migrated, for no copy can be made beside it ({error}); "
            "make room, or let the folder be written"
        ) from error


def _copy_postgresql(connection: sql.Connection, schema: int) -> None:
    names = sql.inspect(connection).get_table_names()
    copy = f"skyscape_schema{schema}"
    connection.execute(sql.schema.CreateSchema(copy, if_not_exists=True))
    quote = connection.dialect.identifier_preparer.quote
    for name in names:
        connection.exec_driver_sql(
            f"CREATE TABLE IF NOT EXISTS {copy}.{quote(name)} AS TABLE {quote(name)}"
        )


def _remove_copies_before(path: Path, schema: int) -> None:
    """Remove the copies of migrations from schemas before `schema`; what cannot be stays."""
    for old in FORMER:
        if old < schema:
            with suppress(OSError):
                path.with_name(f"{path.name}.schema{old}.bak").unlink(missing_ok=True)


def _drop_copies_before(connection: sql.Connection, schema: int) -> None:
    for old in FORMER:
        if old < schema:
            connection.execute(
                sql.schema.DropSchema(f"skyscape_schema{old}", cascade=True, if_exists=True)
            )
