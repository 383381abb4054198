"""What issues said of each event, for the desk, and which models had a part in them."""

from __future__ import annotations

import math
from datetime import datetime

import sqlalchemy as sql

from forecast.archive.issues import Archive
from forecast.archive.schema import contributing_run_table, forecast_table, issue_table
from forecast.domain import as_utc
from forecast.review import EventKey


def issued_probabilities(archive: Archive, issue: str) -> dict[EventKey, float]:
    """Return the probability of each event of an issue, NaN where it had none.

    Raises: ArchiveError.
    """
    table = forecast_table.c
    query = sql.select(table.site, table.phenomenon, table.day, table.probability).where(
        table.issue == issue
    )
    with archive.transaction() as connection:
        rows = connection.execute(query).all()
    return {
        (row.site, row.phenomenon, row.day): math.nan
        if row.probability is None
        else row.probability
        for row in rows
    }


def last_contributions(archive: Archive, site: str, since: datetime) -> dict[str, datetime]:
    """Return when each model last had a part in a published issue since a time, as of one site.

    Raises: ArchiveError.
    """
    run, issue = contributing_run_table.c, issue_table.c
    query = (
        sql.select(run.model, sql.func.max(issue.issued))
        .join(issue_table, issue.id == run.issue)
        .where(issue.issued >= as_utc(since), issue.published.is_not(None), run.site == site)
        .group_by(run.model)
    )
    with archive.transaction() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}
