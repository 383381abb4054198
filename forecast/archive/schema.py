"""The tables of the archive.

An issue holds forecasts. Each run that contributes to it keeps its features as they were when it
was issued. Names of tables and columns are those of the files in use: they stay.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql

from forecast.domain import as_utc

SCHEMA = 2


class UtcDateTime(sql.types.TypeDecorator[datetime]):
    """An aware UTC time; SQLite, which knows no zones, gets it without one."""

    impl = sql.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sql.Dialect) -> datetime | None:
        if value is None:
            return None
        utc = as_utc(value)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: sql.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = sql.MetaData()

about_table = sql.Table("about", metadata, sql.Column("schema", sql.Integer, primary_key=True))

# fmt: off
issue_table = sql.Table(
    "issue", metadata,
    sql.Column("id", sql.String(80), primary_key=True),
    sql.Column("number", sql.Integer, nullable=False),
    sql.Column("model", sql.String(40), nullable=False),
    sql.Column("run", UtcDateTime, nullable=False),
    sql.Column("digest", sql.String(64), nullable=False),
    sql.Column("issued", UtcDateTime, nullable=False),
    sql.Column("valid_until", UtcDateTime, nullable=False),
    sql.Column("published", UtcDateTime),
)
# fmt: on

event_columns = ("site", "phenomenon", "day")


def _event_table(name: str, *columns: sql.Column[Any]) -> sql.Table:
    """A table with one row an event of an issue."""
    return sql.Table(
        name,
        metadata,
        sql.Column("issue", sql.String(80), sql.ForeignKey("issue.id"), primary_key=True),
        sql.Column("site", sql.String(40), primary_key=True),
        sql.Column("phenomenon", sql.String(40), primary_key=True),
        sql.Column("day", sql.String(10), primary_key=True),
        *columns,
        sql.Index(f"{name}_by_event", *event_columns),
    )


# One run of one model that contributed to an issue: its features of an event as known then, and the
# probability from them.
# fmt: off
contributing_run_table = _event_table(
    "voice",
    sql.Column("cycle", sql.String(60), primary_key=True),
    sql.Column("model", sql.String(40), nullable=False),
    sql.Column("run", UtcDateTime, nullable=False),
    sql.Column("members", sql.Integer, nullable=False),
    sql.Column("probability", sql.Float),
    sql.Column("states", sql.JSON, nullable=False),
    sql.Column("values", sql.JSON, nullable=False),
    sql.Column("missing", sql.JSON, nullable=False),
)
# fmt: on

# fmt: off
forecast_table = _event_table(
    "forecast",
    sql.Column("window_start", UtcDateTime, nullable=False),
    sql.Column("window_end", UtcDateTime, nullable=False),
    sql.Column("probability", sql.Float),
    sql.Column("grade", sql.Integer, nullable=False),
    sql.Column("model", sql.String(80), nullable=False),
    # best window, states, reasons, spread, quantities, voices, usual frequency, confidence
    sql.Column("said", sql.JSON, nullable=False),
)
# fmt: on

# fmt: off
receipt_table = sql.Table(
    "receipt", metadata,
    sql.Column("issue", sql.String(80), sql.ForeignKey("issue.id"), primary_key=True),
    sql.Column("channel", sql.String(40), primary_key=True),
    sql.Column("outcome", sql.String(20), nullable=False),
    sql.Column("detail", sql.Text, nullable=False),
)
# fmt: on

# fmt: off
attempt_table = sql.Table(
    "attempt", metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", UtcDateTime, nullable=False),
    sql.Column("issue", sql.String(80)),
    sql.Column("exit_code", sql.Integer, nullable=False),
    sql.Column("detail", sql.Text, nullable=False),
)
# fmt: on

# Hindcasts: what runs of the past would have given, from what was known then. For training; never
# scored as issued forecasts.
# fmt: off
hindcast_table = sql.Table(
    "hindcast", metadata,
    sql.Column("cycle", sql.String(60), primary_key=True),
    sql.Column("site", sql.String(40), primary_key=True),
    sql.Column("phenomenon", sql.String(40), primary_key=True),
    sql.Column("day", sql.String(10), primary_key=True),
    sql.Column("model", sql.String(40), nullable=False),
    sql.Column("run", UtcDateTime, nullable=False),
    sql.Column("window_start", UtcDateTime, nullable=False),
    sql.Column("digest", sql.String(64), nullable=False),
    sql.Column("probability", sql.Float),
    sql.Column("states", sql.JSON, nullable=False),
    sql.Column("values", sql.JSON, nullable=False),
    sql.Column("missing", sql.JSON, nullable=False),
    sql.Index("hindcast_by_event", *event_columns),
)
# fmt: on

# What stations reported. A later report of the same moment in the same form replaces the earlier
# one.
# fmt: off
observation_table = sql.Table(
    "observation", metadata,
    sql.Column("station", sql.String(24), primary_key=True),
    sql.Column("time", UtcDateTime, primary_key=True),
    sql.Column("form", sql.String(12), primary_key=True),
    sql.Column("received", UtcDateTime, nullable=False),
    sql.Column("values", sql.JSON, nullable=False),
    sql.Column("flags", sql.JSON, nullable=False),
    sql.Index("observation_by_time", "time"),
)
# fmt: on

# Records pushed that wait for quality control with their neighbours, one row a body: told is
# [[station, seconds since 1970, form], ...].
# fmt: off
unchecked_table = sql.Table(
    "unjudged", metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("records", sql.Integer, nullable=False),
    sql.Column("told", sql.JSON, nullable=False),
    sqlite_autoincrement=True,  # an id is never used again: rows are deleted by it
)
# fmt: on

# Files of observations or outcomes, each read once: by the digest of its bytes.
# fmt: off
reading_table = sql.Table(
    "reading", metadata,
    sql.Column("digest", sql.String(64), primary_key=True),
    sql.Column("name", sql.String(200), nullable=False),
    sql.Column("form", sql.String(12), nullable=False),
    sql.Column("at", UtcDateTime, nullable=False),
    sql.Column("kept", sql.Integer, nullable=False),
    sql.Column("refused", sql.Integer, nullable=False),
)
# fmt: on

# fmt: off
fault_table = sql.Table(
    "fault", metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", UtcDateTime, nullable=False),
    sql.Column("file", sql.String(200), nullable=False),
    sql.Column("line", sql.Integer, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
)
# fmt: on

# Verifying observations: every report is kept with its source; which one counts is decided by trust
# when they are read.
# fmt: off
outcome_table = sql.Table(
    "outcome", metadata,
    sql.Column("site", sql.String(40), primary_key=True),
    sql.Column("phenomenon", sql.String(40), primary_key=True),
    sql.Column("day", sql.String(10), primary_key=True),
    sql.Column("source", sql.String(12), primary_key=True),
    sql.Column("reporter", sql.String(60), primary_key=True),
    sql.Column("degree", sql.Float),
    sql.Column("vividness", sql.Float),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("amount", sql.Float),
    sql.Column("detail", sql.Text, nullable=False),
    sql.Column("received", UtcDateTime, nullable=False),
)
# fmt: on
