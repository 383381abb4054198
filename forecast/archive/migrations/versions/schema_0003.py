"""Drafts, edits, accounts and reports; an issue has a state, a draft and a review.

From schema 2, the last one without migrations.
"""

from __future__ import annotations

import sqlalchemy as sql
from alembic import op

from forecast.archive.schema import (
    account_table,
    audit_table,
    draft_table,
    edit_table,
    link_table,
    report_table,
    transition_table,
)

revision = "0003"
down_revision = None

NEW = (
    draft_table,
    edit_table,
    transition_table,
    account_table,
    audit_table,
    link_table,
    report_table,
)


def upgrade() -> None:
    """Add the tables and the columns; what is there stays."""
    for table in NEW:
        table.create(op.get_bind(), checkfirst=True)
    op.add_column(
        "issue", sql.Column("state", sql.String(12), nullable=False, server_default="released")
    )
    op.add_column("issue", sql.Column("draft", sql.String(80)))
    op.add_column("issue", sql.Column("review", sql.JSON))
    op.execute("UPDATE about SET schema = 3")
