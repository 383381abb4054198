"""Hourly observations, the progress of retention, and an index for every frequent query.

From schema 4. Of the two indexes by event nothing was read.
"""

from __future__ import annotations

from alembic import op

from forecast.archive.schema import metadata, observation_hour_table, retention_table

revision = "0005"
down_revision = "0004"

ADDED = {
    "issue": ("issue_by_run", "issue_by_time", "issue_by_draft"),
    "voice": ("voice_by_day", "voice_by_run"),
    "forecast": ("forecast_by_day",),
    "attempt": ("attempt_by_time",),
    "reading": ("reading_by_time",),
    "fault": ("fault_by_time",),
    "outcome": ("outcome_by_day",),
    "draft": ("draft_by_hour", "draft_by_state"),
    "transition": ("transition_by_time",),
    "report": ("report_by_sight",),
    "delivery": ("delivery_by_time",),
}
NOT_READ = {"voice": "voice_by_event", "forecast": "forecast_by_event"}


def upgrade() -> None:
    """Add the tables and the indexes; what is there stays."""
    for table in (observation_hour_table, retention_table):
        table.create(op.get_bind(), checkfirst=True)
    for name, indexes in ADDED.items():
        for index in metadata.tables[name].indexes:
            if index.name in indexes:  # a table that an earlier step made has it already
                index.create(op.get_bind(), checkfirst=True)
    for table_name, name in NOT_READ.items():
        op.drop_index(name, table_name, if_exists=True)
    op.execute("UPDATE about SET schema = 5")
