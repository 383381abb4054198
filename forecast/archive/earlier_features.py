"""Features of events as earlier runs had them, from published issues."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sql

from forecast.archive.issues import Archive, Key
from forecast.archive.schema import contributing_run_table, issue_table
from forecast.domain import Event, as_utc


def earlier_feature(
    archive: Archive,
    events: Sequence[Event],
    model: str,
    span: tuple[datetime, datetime],
    name: str,
) -> dict[Key, dict[datetime, float]]:
    """Return event key -> run -> the feature `name`, of a model's runs within `span`.

    Only runs that contributed to a published issue, and known values.
    """
    if not events:
        return {}
    run, since, until = contributing_run_table.c, *map(as_utc, span)
    days = [event.day.isoformat() for event in events]
    query = (
        sql.select(run.site, run.phenomenon, run.day, run.run, run["values"])
        .join(issue_table, issue_table.c.id == run.issue)
        .where(
            issue_table.c.published.is_not(None),
            run.model == model,
            run.run >= since,
            run.run <= until,
            run.phenomenon.in_({event.phenomenon for event in events}),
            run.day >= min(days),
            run.day <= max(days),
        )
        .order_by(issue_table.c.issued)
    )
    wanted = {event.key for event in events}
    found: dict[Key, dict[datetime, float]] = {}
    with archive.transaction() as connection:
        for site, phenomenon, day, began, values in connection.execute(query):
            value, key = values.get(name), (site, phenomenon, day)
            if key in wanted and value is not None:
                found.setdefault(key, {})[began] = float(value)
    return found
