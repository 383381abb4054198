"""What is in an archive, looked at without writing: for `skyscape check`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from forecast.archive.database import brief, translated
from forecast.archive.schema import SCHEMA, about_table, issue_table
from forecast.archive.upgrade import FORMER
from forecast.config import masked
from forecast.errors import ArchiveError

DRIVERS = ("sqlite", "sqlite+pysqlite", "postgres", "postgresql", "postgresql+psycopg")
EXPECTED = "expected sqlite:///path or postgresql://user@host/database"
PATIENCE = 5  # [s] to wait for a server


@dataclass(frozen=True, slots=True)
class ArchiveState:
    """The id and time of the newest published issue, "" and None where there is none.

    knows: whether the issue that was asked for is there.
    """

    last: str = ""
    issued: datetime | None = None
    knows: bool = True


def parsed_address(url: str) -> sql.URL:
    """Return the parts of a database address that this program can open; contact nothing.

    Raises: ArchiveError for another database, another driver, or one that cannot be imported.
    """
    try:
        parsed = sql.make_url(url)
        if parsed.drivername not in DRIVERS:
            raise ArchiveError(
                f"archive {masked(url)}: {parsed.drivername} is not supported; {EXPECTED}"
            )
        if parsed.drivername.startswith("postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        sql.create_engine(parsed)  # imports the driver
    except ImportError as error:
        raise ArchiveError(
            f"archive {masked(url)}: the driver psycopg cannot be imported ({brief(error)}); "
            "install it"
        ) from error
    except (SQLAlchemyError, ValueError) as error:
        raise ArchiveError(f"archive {masked(url)}: not a database address; {EXPECTED}") from error
    return parsed


def read_state(url: str, in_force: str = "") -> ArchiveState:
    """Return what is in the archive; nothing in it, nor beside it, is created or changed.

    in_force: the id of an issue that should be there; "": none.

    Raises: ArchiveError where it cannot be read, or is of another schema.
    """
    engine = _read_only(parsed_address(url))
    try:
        with engine.connect() as connection:
            found = set(sql.inspect(connection).get_table_names())
            if about_table.name in found:
                schema = connection.scalar(sql.select(about_table.c.schema))
                if schema not in (None, SCHEMA, *FORMER):  # that is brought forward when it is used
                    raise ArchiveError(
                        f"archive {masked(url)}: it has schema {schema}, this program reads schema "
                        f"{SCHEMA}; use the program that wrote it"
                    )
            if issue_table.name not in found:
                return ArchiveState()
            table = issue_table.c
            newest = connection.execute(
                sql.select(table.id, table.issued)
                .where(table.published.is_not(None))
                .order_by(table.issued.desc())
                .limit(1)
            ).first()
            asked = sql.select(table.id).where(table.id == in_force)
            knows = not in_force or connection.execute(asked).first() is not None
            if newest is None:
                return ArchiveState(knows=knows)
            return ArchiveState(newest.id, newest.issued, knows)
    except SQLAlchemyError as error:
        known = translated(error, masked(url))
        if type(known) is not ArchiveError:  # locked or damaged
            raise known from error
        raise ArchiveError(
            f"archive {masked(url)}: {brief(error)}; check that it is there and readable"
        ) from error
    finally:
        engine.dispose()


def _read_only(parsed: sql.URL) -> sql.Engine:
    """Return an engine that only reads."""
    if parsed.get_backend_name() != "sqlite":
        return sql.create_engine(
            parsed,
            hide_parameters=True,
            connect_args={"connect_timeout": PATIENCE},
            execution_options={"postgresql_readonly": True},
        )
    path = Path(str(parsed.database)).absolute()
    log = path.with_name(f"{path.name}-wal")
    # A database in WAL mode is opened with files beside it, unless nothing of it can change.
    still = "" if log.exists() else "&immutable=1"
    address = f"sqlite:///{path.as_uri()}?mode=ro&uri=true{still}"
    return sql.create_engine(address, hide_parameters=True)
