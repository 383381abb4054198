"""What an issue said of each event, for the desk."""

from __future__ import annotations

import math

import sqlalchemy as sql

from forecast.archive.issues import Archive
from forecast.archive.schema import forecast_table
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
