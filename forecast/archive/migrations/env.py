"""Alembic runs this to migrate over the connection that forecast/archive/upgrade.py gives it."""

from __future__ import annotations

from alembic import context

from forecast.archive.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
