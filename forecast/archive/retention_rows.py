"""What the archive lets go of when it grows old; nothing that is scored or learnt from.

Issues, their chances and outcomes stay for ever. Each step is a short transaction; how far a task
has come is kept, so that it never reads again what it has done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from forecast.archive.database import insert_into
from forecast.archive.issues import Archive
from forecast.archive.schema import (
    attempt_table,
    contributing_run_table,
    event_columns,
    forecast_table,
    issue_table,
    outcome_table,
    reading_table,
    report_table,
    retention_table,
)
from forecast.domain import as_utc

ROWS = 500  # rows a transaction
FREED = 500  # [page] that go back to the disk in one transaction: 2 MB
RUNS, DETAILS = "contributing runs", "details of forecasts"
# Parts of a forecast that only the pages of its issue, and the runs right after it, read.
SHOWN = ("quantities", "reasons", "spreads")
PUSHED = "push"  # the form of what was pushed


class RetentionRows:
    """The rows of an archive that may go. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def forget_runs(self, before: datetime) -> int:
        """Remove the features of contributing runs, of issues before a moment, whose event has no
        outcome: nobody can learn from them. Return how many rows are gone.
        """
        run, outcome = contributing_run_table.c, outcome_table.c
        known = sql.exists().where(*(outcome[name] == run[name] for name in event_columns))

        def forget(connection: sql.Connection, issue: str) -> int:
            gone = contributing_run_table.delete().where(run.issue == issue, ~known)
            return connection.execute(gone).rowcount

        return self._each_issue(RUNS, before, forget)

    def forget_details(self, before: datetime) -> int:
        """Remove what only pages show (SHOWN) from forecasts of issues before a moment.

        Chances, those of each model, what a person changed and the usual frequency stay. Return
        how many forecasts were changed.
        """
        return self._each_issue(DETAILS, before, _without_details)

    def forget_attempts(self, before: datetime) -> int:
        """Remove the attempts before a moment; return how many."""
        return self._forget(attempt_table, attempt_table.c.id, attempt_table.c.at < as_utc(before))

    def forget_readings(self, before: datetime, files: bool) -> int:
        """Remove the digests of what was pushed before a moment; with `files` of files, too.

        A file that is still in its folder would be read again. Return how many.
        """
        old = reading_table.c.at < as_utc(before)
        if not files:
            old &= reading_table.c.form == PUSHED
        return self._forget(reading_table, reading_table.c.digest, old)

    def forget_photos(self, before: datetime) -> int:
        """Let the reports received before a moment have no photo; return how many had one."""
        table = report_table.c
        old = (table.received < as_utc(before)) & table.photo.is_not(None)
        with self._archive.transaction() as connection:
            forget = report_table.update().where(old).values(photo=None)
            return connection.execute(forget).rowcount

    def photos(self) -> frozenset[str]:
        """Return the digests of all photos that a report has."""
        query = sql.select(report_table.c.photo).where(report_table.c.photo.is_not(None))
        with self._archive.transaction() as connection:
            return frozenset(connection.scalars(query))

    def give_back(self) -> int:
        """Give the space of removed rows back to the disk; return how many bytes.

        Of an SQLite file made before schema 5 nothing is: new rows use its space. PostgreSQL
        clears up by itself.
        """
        freed = 0
        with self._archive.transaction() as connection:
            if connection.dialect.name != "sqlite":
                return 0
            size = int(connection.exec_driver_sql("PRAGMA page_size").scalar() or 0)
            mode = connection.exec_driver_sql("PRAGMA auto_vacuum").scalar()
            pages = int(connection.exec_driver_sql("PRAGMA freelist_count").scalar() or 0)
        while mode == 2 and freed < pages:
            with self._archive.transaction() as connection:
                # stepped to its end; executed as a query it frees one page
                driver: Any = connection.connection.driver_connection
                driver.executescript(f"PRAGMA incremental_vacuum({FREED})")
            freed += FREED
        return min(freed, pages) * size if mode == 2 else 0

    def _each_issue(
        self, task: str, before: datetime, work: Callable[[sql.Connection, str], int]
    ) -> int:
        """Do `work` for each published issue up to a moment that is not done yet, each apart."""
        done, last = 0, self._until(task)
        issue = issue_table.c
        wanted = sql.select(issue.id, issue.issued).where(issue.issued < as_utc(before))
        wanted = wanted.order_by(issue.issued, issue.id)
        if last is not None:
            # of several issues of one moment the last may not be done
            wanted = wanted.where(issue.issued >= last)
        with self._archive.transaction() as connection:
            issues = connection.execute(wanted).all()
        for id, issued in issues:
            with self._archive.transaction() as connection:
                _mark(connection, task, issued)
                done += work(connection, id)
        return done

    def _until(self, task: str) -> datetime | None:
        with self._archive.transaction() as connection:
            found: datetime | None = connection.scalar(
                sql.select(retention_table.c.until).where(retention_table.c.task == task)
            )
        return found

    def _forget(self, table: sql.Table, key: Any, old: sql.ColumnElement[bool]) -> int:
        """Remove the old rows of a table, some at a time; return how many."""
        some = sql.select(key).where(old).limit(ROWS).scalar_subquery()
        gone = 0
        while True:
            with self._archive.transaction() as connection:
                removed = connection.execute(table.delete().where(key.in_(some))).rowcount
            gone += removed
            if removed < ROWS:
                return gone


def _mark(connection: sql.Connection, task: str, until: datetime) -> None:
    row = insert_into(connection, retention_table).values(task=task, until=until)
    connection.execute(
        row.on_conflict_do_update(index_elements=["task"], set_={"until": row.excluded.until})
    )


def _without_details(connection: sql.Connection, issue: str) -> int:
    table = forecast_table.c
    query = sql.select(table.site, table.phenomenon, table.day, table.said)
    changed = []
    for row in connection.execute(query.where(table.issue == issue)).all():
        if any(row.said.get(name) for name in SHOWN):
            kept = {name: value for name, value in row.said.items() if name not in SHOWN}
            key = {"of": issue, "at": row.site, "what": row.phenomenon, "on": row.day}
            changed.append({**key, "kept": kept})
    if changed:
        same = (
            (table.issue == sql.bindparam("of"))
            & (table.site == sql.bindparam("at"))
            & (table.phenomenon == sql.bindparam("what"))
            & (table.day == sql.bindparam("on"))
        )
        connection.execute(
            forecast_table.update().where(same).values(said=sql.bindparam("kept")), changed
        )
    return len(changed)
