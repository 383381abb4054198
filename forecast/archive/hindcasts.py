"""Hindcasts: what runs of the past would have given, from what was known at their time.

They are kept for training, apart from issued forecasts, and never scored as forecasts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sql

from forecast.archive.forecast_rows import rows_of_run
from forecast.archive.issues import Archive
from forecast.archive.schema import event_columns, hindcast_table, outcome_table
from forecast.domain import RunForecasts
from forecast.verification import RunForecast

POINT_MODEL = "openmeteo"  # the model named by rows that come from point forecasts

Row = dict[str, Any]


def hindcast_rows(run: RunForecasts, digest: str) -> list[Row]:
    """Return the features of a run and the forecasts from them as rows of the table."""
    return [
        {**row, "window_start": event.window.start, "digest": digest}
        for event, row in rows_of_run(run)
    ]


class Hindcasts:
    """The hindcasts in an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def done(self, digest: str) -> set[str]:
        """Return the ids of the runs that are kept under these settings."""
        query = (
            sql.select(hindcast_table.c.cycle).where(hindcast_table.c.digest == digest).distinct()
        )
        with self._archive.transaction() as connection:
            return set(connection.scalars(query))

    def run_forecasts(self, phenomenon: str, delay: timedelta) -> list[RunForecast]:
        """Return the rows of a phenomenon that have an outcome, as if issued `delay` after the run.

        Rows that would have been issued after their event had begun are left out. So are rows from
        point forecasts: their issue time is unknown, they may know their own day, and they neither
        train a model nor decide which is in force.
        """
        row, outcome = hindcast_table.c, outcome_table.c
        known = sql.exists().where(*(outcome[name] == row[name] for name in event_columns))
        query = (
            sql.select(row.model, row.run, row.site, row.day, row.window_start, row["values"])
            .where(row.phenomenon == phenomenon, row.model != POINT_MODEL, known)
            .order_by(row.run, row.day, row.site)
        )
        with self._archive.transaction() as connection:
            found = connection.execute(query).all()
        return [
            RunForecast(
                issue="",
                issued=run + delay,
                model=model,
                run=run,
                site=site,
                phenomenon=phenomenon,
                day=date.fromisoformat(day),
                window_start=window_start,
                values=values,
            )
            for model, run, site, day, window_start, values in found
            if run + delay <= window_start
        ]

    def keep(self, rows: Sequence[Row]) -> None:
        """Keep the rows of whole runs, in place of earlier ones of the same events."""
        keys = {(row["cycle"], row["site"], row["phenomenon"]) for row in rows}
        table = hindcast_table.c
        with self._archive.transaction() as connection:
            for cycle, site, phenomenon in sorted(keys):
                same = (
                    (table.cycle == cycle) & (table.site == site) & (table.phenomenon == phenomenon)
                )
                connection.execute(hindcast_table.delete().where(same))
            if rows:
                connection.execute(hindcast_table.insert(), list(rows))
