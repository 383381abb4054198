"""The tables of the archive.

An issue holds forecasts. Each run that contributes to it keeps its features as they were when it
was issued. Names of tables and columns are those of the files in use: they stay.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sql

from forecast.domain import as_utc

SCHEMA = 5  # the number in `about`: programs without migrations refuse another one
REVISION = "0005"  # the newest of forecast/archive/migrations


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
    # released, superseded or withdrawn; of an unpublished issue it says nothing
    sql.Column("state", sql.String(12), nullable=False, server_default="released"),
    sql.Column("draft", sql.String(80)),  # from which it was released; null: none
    sql.Column("review", sql.JSON),  # who signed it, the comment, what it corrects
    sql.Index("issue_by_run", "model", "run"),
    sql.Index("issue_by_time", "issued"),
    sql.Index("issue_by_draft", "draft"),
)
# fmt: on

event_columns = ("site", "phenomenon", "day")


def _event_table(name: str, *columns: sql.schema.SchemaItem) -> sql.Table:
    """A table with one row an event of an issue."""
    return sql.Table(
        name,
        metadata,
        sql.Column("issue", sql.String(80), sql.ForeignKey("issue.id"), primary_key=True),
        sql.Column("site", sql.String(40), primary_key=True),
        sql.Column("phenomenon", sql.String(40), primary_key=True),
        sql.Column("day", sql.String(10), primary_key=True),
        *columns,
        sql.Index(f"{name}_by_day", "day", "phenomenon"),
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
    sql.Index("voice_by_run", "run"),
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
    # best window, states, reasons, spread, quantities, voices, usual frequency, confidence, what a
    # forecaster changed
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
    sql.Index("attempt_by_time", "at"),
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

# Hourly means of observations that are older than `keep.observation_days`; time: the end of the
# hour. values: element -> [mean, number of values, least, greatest]; codes: of present weather.
# fmt: off
observation_hour_table = sql.Table(
    "observation_hour", metadata,
    sql.Column("station", sql.String(24), primary_key=True),
    sql.Column("time", UtcDateTime, primary_key=True),
    sql.Column("reports", sql.Integer, nullable=False),
    sql.Column("values", sql.JSON, nullable=False),
    sql.Column("codes", sql.JSON, nullable=False),
)
# fmt: on

# How far each daily task of retention has come: what is older is done.
retention_table = sql.Table(
    "retention", metadata,
    sql.Column("task", sql.String(40), primary_key=True),
    sql.Column("until", UtcDateTime, nullable=False),
)  # fmt: skip

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
    sql.Index("reading_by_time", "at"),
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
    sql.Index("fault_by_time", "at"),
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
    sql.Index("outcome_by_day", "day", "phenomenon"),
)
# fmt: on

# What goes before an issue. prepared: as of when its forecasts are made. lost: edits of an earlier
# draft that do not apply to this one.
# fmt: off
draft_table = sql.Table(
    "draft", metadata,
    sql.Column("id", sql.String(80), primary_key=True),
    sql.Column("model", sql.String(40), nullable=False),
    sql.Column("run", UtcDateTime, nullable=False),
    sql.Column("prepared", UtcDateTime, nullable=False),
    sql.Column("hour", UtcDateTime, nullable=False),
    sql.Column("expires", UtcDateTime, nullable=False),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("version", sql.Integer, nullable=False),
    sql.Column("comment", sql.JSON, nullable=False),
    sql.Column("lost", sql.JSON, nullable=False),
    sql.Column("corrects", sql.String(80), nullable=False),
    sql.Column("correction_reason", sql.Text, nullable=False),
    sql.Column("numbers", sql.String(64), nullable=False),  # digest of its forecasts
    sql.Column("signature", sql.JSON),  # account and name of who signed it, and when
    sql.Index("draft_by_hour", "hour"),
    sql.Index("draft_by_state", "state"),
)

# What people changed in a draft, in order. An edit that is undone stays, with who undid it.
edit_table = sql.Table(
    "edit", metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("draft", sql.String(80), sql.ForeignKey("draft.id"), nullable=False),
    sql.Column("site", sql.String(40), nullable=False),
    sql.Column("phenomenon", sql.String(40), nullable=False),
    sql.Column("day", sql.String(10), nullable=False),
    sql.Column("field", sql.String(20), nullable=False),
    sql.Column("value", sql.JSON),
    sql.Column("before", sql.JSON),
    sql.Column("reason", sql.String(40), nullable=False),
    sql.Column("note", sql.Text, nullable=False),
    sql.Column("person", sql.String(40), nullable=False),
    sql.Column("at", UtcDateTime, nullable=False),
    sql.Column("undone_by", sql.String(40)),
    sql.Column("undone_at", UtcDateTime),
    sql.Index("edit_by_draft", "draft"),
)

# Every step in the life of drafts and issues; rows are never changed or deleted.
transition_table = sql.Table(
    "transition", metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("subject", sql.String(80), nullable=False),
    sql.Column("before", sql.String(12), nullable=False),
    sql.Column("after", sql.String(12), nullable=False),
    sql.Column("person", sql.String(40), nullable=False),
    sql.Column("at", UtcDateTime, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Index("transition_by_subject", "subject"),
    sql.Index("transition_by_time", "at"),
)

account_table = sql.Table(
    "account", metadata,
    sql.Column("id", sql.String(40), primary_key=True),
    sql.Column("name", sql.String(40), nullable=False),
    sql.Column("role", sql.String(20), nullable=False),
    sql.Column("password", sql.String(200), nullable=False),  # scrypt$n$r$p$salt$hash
    sql.Column("disabled", sql.Boolean, nullable=False),
    sql.Column("valid_from", UtcDateTime, nullable=False),
)

# Whoever tries to enter, and everything of matter for security; never a secret.
audit_table = sql.Table(
    "audit", metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", UtcDateTime, nullable=False),
    sql.Column("what", sql.String(40), nullable=False),
    sql.Column("person", sql.String(40), nullable=False),
    sql.Column("address", sql.String(64), nullable=False),
    sql.Column("detail", sql.Text, nullable=False),
    sql.Index("audit_by_time", "at"),
)

# Links by which somebody may report from a site without an account.
link_table = sql.Table(
    "report_link", metadata,
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("site", sql.String(40), nullable=False),  # "": any site
    sql.Column("holder", sql.String(60), nullable=False),
    sql.Column("created", UtcDateTime, nullable=False),
    sql.Column("created_by", sql.String(40), nullable=False),
    sql.Column("revoked", UtcDateTime),
)

# Reports by people, each under the id that their phone gave it. kind: observer or visitor. state:
# accepted, held or refused. says: phenomenon -> what was seen.
report_table = sql.Table(
    "report", metadata,
    sql.Column("id", sql.String(40), primary_key=True),
    sql.Column("link", sql.String(32), nullable=False),  # "": a visitor's
    sql.Column("kind", sql.String(12), nullable=False),
    sql.Column("reporter", sql.String(60), nullable=False),
    sql.Column("site", sql.String(40), nullable=False),
    sql.Column("seen", UtcDateTime, nullable=False),
    sql.Column("received", UtcDateTime, nullable=False),
    sql.Column("says", sql.JSON, nullable=False),
    sql.Column("remark", sql.Text, nullable=False),
    sql.Column("photo", sql.String(64)),  # digest of the re-encoded picture; null: none
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("decided_by", sql.String(40)),
    sql.Column("decided_at", UtcDateTime),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("kept", sql.JSON, nullable=False),  # phenomena whose outcome is kept
    sql.Column("sender", sql.String(64)),  # salted hash of a visitor's address, for a day
    sql.Index("report_by_time", "received"),
    sql.Index("report_by_sight", "seen"),
)

# What was sent to whom, kept for ever: a row for each channel, receiver and subject, and the state
# of its last sending (forecast/sent.py).
delivery_table = sql.Table(
    "delivery", metadata,
    sql.Column("channel", sql.String(20), primary_key=True),
    sql.Column("receiver", sql.String(40), primary_key=True),
    sql.Column("key", sql.String(200), primary_key=True),
    sql.Column("state", sql.String(12), nullable=False),
    sql.Column("issue", sql.String(80), nullable=False),
    sql.Column("digest", sql.String(64), nullable=False),
    sql.Column("at", UtcDateTime, nullable=False),
    sql.Column("remote", sql.JSON, nullable=False),  # names that the receiver gave it
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("final", sql.Boolean, nullable=False),
    sql.Column("detail", sql.Text, nullable=False),
    sql.Index("delivery_by_time", "at"),
)
# fmt: on
