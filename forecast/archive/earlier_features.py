"""Features of events as earlier runs had them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sql

from forecast.archive.issues import Archive, Key
from forecast.archive.schema import contributing_run_table, issue_table
from forecast.domain import Event, as_utc

NIGHT_COVER, COVER_BEFORE = "night_sky_cover", "sky_cover_before"
DAY, REACH = timedelta(days=1), timedelta(hours=6)  # the run before is this old, give or take


def of_the_day_before(values: Mapping[datetime, float], run: datetime) -> float | None:
    """Return the value of the run nearest to a day before `run`, None where none is near enough.

    values: run -> value, of the same model.
    """
    near = [each for each in values if abs(each - (run - DAY)) <= REACH]
    return values[min(near, key=lambda each: abs(each - (run - DAY)))] if near else None


def earlier_feature(
    archive: Archive,
    events: Sequence[Event],
    model: str,
    span: tuple[datetime, datetime],
    name: str,
) -> dict[Key, dict[datetime, float]]:
    """Return event key -> run -> the feature `name`, of a model's published runs within `span`.

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
            run.site.in_({event.site.id for event in events}),
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
