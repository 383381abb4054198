"""The outbox of deliveries, from schema 3."""

from __future__ import annotations

from alembic import op

from forecast.archive.schema import delivery_table

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table; what is there stays."""
    delivery_table.create(op.get_bind(), checkfirst=True)
    op.execute("UPDATE about SET schema = 4")
