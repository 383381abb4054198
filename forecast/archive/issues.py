"""The archive of issues and their forecasts. Keeping something twice keeps it once.

An issue is opened before its forecasts are made and published when its pages are out. Until then
it may be written again; what is published is never changed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any

import sqlalchemy as sql
from sqlalchemy.exc import SQLAlchemyError

from forecast.archive.database import ArchiveFile, open_engine, translated
from forecast.archive.forecast_rows import contributing_run_rows, forecast_rows
from forecast.archive.schema import (
    attempt_table,
    contributing_run_table,
    forecast_table,
    issue_table,
    receipt_table,
)
from forecast.archive.upgrade import upgrade
from forecast.config import masked
from forecast.domain import (
    ContributingRun,
    Cycle,
    Event,
    Forecast,
    Issue,
    Receipt,
    RunForecasts,
    as_utc,
)
from forecast.errors import ArchiveError
from forecast.quantities import FEATURES

log = logging.getLogger(__name__)

Key = tuple[str, str, str]  # of an event: site, phenomenon, day
ROWS = 1000  # written at once: those of ten thousand sites together take gigabytes
WITHDRAWN = "withdrawn"  # the state of an issue that nothing is made from any more


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to issue: when, with which exit code, and why."""

    at: datetime
    issue: str | None
    exit_code: int
    detail: str


class Archive:
    """The archive at a database address. Raises: ArchiveError from every method."""

    def __init__(self, url: str, damaged: bool = False) -> None:
        """damaged: known to be so; it is not looked at before it is used, and each use says so."""
        self.address = masked(url)
        self._engine = open_engine(url)
        if not damaged:
            with self._errors():
                upgrade(self._engine, self.address)
        self._file = ArchiveFile(url, self._engine)

    def close(self) -> None:
        """Close the idle connections; an SQLite file then takes in its log. It stays usable."""
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[sql.Connection]:
        """Give a connection whose work counts as a whole or not at all.

        Raises: ArchiveError for an error of the database.
        """
        self._file.look()
        with self._errors(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn an error of the database into an ArchiveError."""
        try:
            yield
        except SQLAlchemyError as error:
            raise translated(error, self.address) from error

    def size(self) -> int | None:
        """Return the size [byte] of the database; None in memory."""
        if self._engine.dialect.name == "sqlite":
            return self._file.size()
        size = sql.func.pg_database_size(sql.func.current_database())
        with self.transaction() as connection:
            return int(connection.execute(sql.select(size)).scalar_one())

    # -- issues

    def open_issue(
        self, cycle: Cycle, digest: str, now: datetime, valid_until: datetime, zone: tzinfo = UTC
    ) -> Issue:
        """Return the published issue of a cycle, or a new one with the next number of its year.

        The year is that of the clock of `zone`, in which readers see it.

        A cycle whose last issue was published under other settings gets a further one (`…-2`).
        Issues that were opened and never published (the process died) are removed.
        """
        now = as_utc(now)
        with self.transaction() as connection:
            same_cycle = (issue_table.c.model == cycle.model) & (issue_table.c.run == cycle.run)
            published = sql.select(issue_table).where(
                same_cycle, issue_table.c.published.is_not(None)
            )
            rows = connection.execute(published.order_by(issue_table.c.number)).all()
            if rows and rows[-1].digest == digest:
                return _issue(rows[-1])
            unpublished = sql.select(issue_table).where(issue_table.c.published.is_(None))
            wanted = cycle.id if not rows else f"{cycle.id}-{len(rows) + 1}"
            for row in connection.execute(unpublished).all():
                issued = _issue(row).issued
                this_year = issued.astimezone(zone).year == now.astimezone(zone).year
                if row.id == wanted and row.digest == digest and issued <= now and this_year:
                    continue
                self.forget(connection, row.id)
            kept = connection.execute(
                sql.select(issue_table).where(issue_table.c.id == wanted)
            ).first()
            if kept is not None:
                return _issue(kept)
            begin, end = _local_year(now, zone)
            in_year = (issue_table.c.issued >= begin) & (issue_table.c.issued < end)
            last = connection.scalar(sql.select(sql.func.max(issue_table.c.number)).where(in_year))
            values = {
                "id": wanted,
                "number": (last or 0) + 1,
                "model": cycle.model,
                "run": cycle.run,
                "digest": digest,
                "issued": now,
                "valid_until": as_utc(valid_until),
                "published": None,
            }
            connection.execute(issue_table.insert().values(**values))
            return _issue(
                connection.execute(sql.select(issue_table).where(issue_table.c.id == wanted)).one()
            )

    def renew(self, issue: Issue, now: datetime) -> Issue:
        """Give an unpublished issue the issue time `now`, and return it."""
        with self.transaction() as connection:
            connection.execute(
                issue_table.update()
                .where(issue_table.c.id == issue.id, issue_table.c.published.is_(None))
                .values(issued=as_utc(now))
            )
            return _issue(
                connection.execute(
                    sql.select(issue_table).where(issue_table.c.id == issue.id)
                ).one()
            )

    def mark_published(self, issue: str, at: datetime, receipts: Sequence[Receipt] = ()) -> None:
        """Mark an issue as published: from now on it is never changed.

        Nothing changes if it is published already, or if there is no such issue.
        """
        with self.transaction() as connection:
            unpublished = issue_table.update().where(
                issue_table.c.id == issue, issue_table.c.published.is_(None)
            )
            if connection.execute(unpublished.values(published=as_utc(at))).rowcount and receipts:
                rows = [
                    {"issue": issue, "channel": r.channel, "outcome": r.outcome, "detail": r.detail}
                    for r in receipts
                ]
                connection.execute(receipt_table.insert(), rows)

    def issues(self, limit: int = 400) -> tuple[Issue, ...]:
        """Return the published issues, newest first."""
        published = sql.select(issue_table).where(issue_table.c.published.is_not(None))
        with self.transaction() as connection:
            rows = connection.execute(
                published.order_by(issue_table.c.issued.desc(), issue_table.c.id.desc()).limit(
                    limit
                )
            ).all()
        return tuple(_issue(row) for row in rows)

    def issue(self, id: str) -> Issue | None:
        """Return a published issue by its id; None where there is none."""
        wanted = sql.select(issue_table).where(
            issue_table.c.id == id, issue_table.c.published.is_not(None)
        )
        with self.transaction() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else _issue(row)

    def receipts(self, issue: Issue) -> tuple[Receipt, ...]:
        """Return the receipts of the channels for an issue."""
        with self.transaction() as connection:
            rows = connection.execute(
                sql.select(receipt_table)
                .where(receipt_table.c.issue == issue.id)
                .order_by("channel")
            ).all()
        return tuple(Receipt(row.channel, row.issue, row.outcome, row.detail) for row in rows)

    @staticmethod
    def forget(connection: sql.Connection, issue: str) -> None:
        """Remove an issue that was never published, with all that was kept of it."""
        for table in (forecast_table, contributing_run_table, receipt_table):
            connection.execute(table.delete().where(table.c.issue == issue))
        connection.execute(issue_table.delete().where(issue_table.c.id == issue))

    # -- features and forecasts

    def keep(
        self, issue: Issue, runs: Iterable[RunForecasts], forecasts: Sequence[Forecast]
    ) -> None:
        """Keep the forecasts of an issue and of each contributing run, all of it or nothing.

        A published issue is not changed.
        """
        with self.transaction() as connection:
            row = connection.execute(
                sql.select(issue_table.c.published).where(issue_table.c.id == issue.id)
            ).first()
            if row is None:
                raise ArchiveError(f"issue {issue.id} is not in the archive; open it first")
            if row.published is not None:
                return
            contributing = (row for run in runs for row in contributing_run_rows(issue, run))
            for table, rows in (
                (contributing_run_table, contributing),
                (forecast_table, forecast_rows(issue, forecasts)),
            ):
                connection.execute(table.delete().where(table.c.issue == issue.id))
                while some := list(islice(rows, ROWS)):
                    connection.execute(table.insert(), some)

    def earlier(
        self, events: Sequence[Event], cycle: Cycle, cycles: int
    ) -> dict[Key, tuple[float, ...]]:
        """Return the probabilities of the last `cycles` published cycles for the events.

        The cycles are those before `cycle`, newest first; of what a forecaster changed, those of
        the machine. Withdrawn issues do not count.
        """
        by_run: dict[Key, dict[datetime, float]] = {}
        for key, run, probability in self._before(events, cycle, cycles, _by_machine()):
            if probability is not None:
                by_run.setdefault(key, {}).setdefault(run, probability)
        return {key: tuple(values.values()) for key, values in by_run.items()}

    def contributing_runs(
        self, events: Sequence[Event], since: datetime, until: datetime
    ) -> dict[Key, tuple[ContributingRun, ...]]:
        """Return the runs of [since, until] that contributed to published issues, newest first.

        Each run is listed once an event. Withdrawn issues do not count.
        """
        if not events:
            return {}
        run = contributing_run_table.c
        keys = {event.key for event in events}
        days = {event.day.isoformat() for event in events}
        query = (
            sql.select(
                run.site,
                run.phenomenon,
                run.day,
                run.model,
                run.run,
                run.probability,
                run.states,
                run.members,
            )
            .join(issue_table, issue_table.c.id == run.issue)
            .where(
                issue_table.c.published.is_not(None),
                issue_table.c.state != WITHDRAWN,
                run.run >= as_utc(since),
                run.run <= as_utc(until),
                run.site.in_({event.site.id for event in events}),
                run.day >= min(days),
                run.day <= max(days),
                run.probability.is_not(None),
            )
            .order_by(run.run.desc(), issue_table.c.issued.desc())
        )
        found: dict[Key, dict[str, ContributingRun]] = {}
        with self.transaction() as connection:
            for row in connection.execute(query):
                cycle = Cycle(row.run, row.model)
                if (key := (row.site, row.phenomenon, row.day)) in keys:
                    found.setdefault(key, {}).setdefault(
                        cycle.id,
                        ContributingRun(cycle, row.probability, 0.0, row.members, row.states),
                    )
        return {key: tuple(runs.values()) for key, runs in found.items()}

    def earlier_quantities(
        self, events: Sequence[Event], cycle: Cycle, cycles: int, names: Sequence[str]
    ) -> dict[Key, dict[str, tuple[float, ...]]]:
        """Return the quantities `names` of the last `cycles` published cycles for the events.

        The cycles are those before `cycle`, newest first.
        """
        served = {phenomenon for name in names for phenomenon in FEATURES[name].phenomena}
        earlier = self._before(
            [event for event in events if event.phenomenon in served],
            cycle,
            cycles,
            forecast_table.c.said,
        )
        by_run: dict[tuple[Key, str], dict[datetime, float]] = {}
        for key, run, details in earlier:
            for name in names:
                if (value := details.get("quantities", {}).get(name)) is not None:
                    by_run.setdefault((key, name), {}).setdefault(run, value)
        result: dict[Key, dict[str, tuple[float, ...]]] = {}
        for (key, name), values in by_run.items():
            result.setdefault(key, {})[name] = tuple(values.values())
        return result

    def _before(
        self, events: Sequence[Event], cycle: Cycle, cycles: int, column: sql.ColumnElement[Any]
    ) -> list[tuple[Key, datetime, Any]]:
        """Return (event, run, value of `column`) of the last `cycles` published cycles.

        The cycles are those before `cycle`, newest first.
        """
        if not events or cycles < 1:
            return []
        before = (
            (issue_table.c.model == cycle.model)
            & (issue_table.c.run < cycle.run)
            & issue_table.c.published.is_not(None)
            & (issue_table.c.state != WITHDRAWN)
        )
        runs = (
            sql.select(issue_table.c.run)
            .where(before)
            .distinct()
            .order_by(issue_table.c.run.desc())
            .limit(cycles)
        )
        days = {event.day.isoformat() for event in events}
        forecast = forecast_table.c
        columns = (forecast.site, forecast.phenomenon, forecast.day, issue_table.c.run, column)
        phenomena = {event.phenomenon for event in events}
        with self.transaction() as connection:
            last = connection.scalars(runs).all()
            query = (
                sql.select(*columns)
                .join(issue_table, issue_table.c.id == forecast_table.c.issue)
                .where(
                    before,
                    issue_table.c.run.in_(last),
                    forecast.site.in_({event.site.id for event in events}),
                    forecast.day >= min(days),
                    forecast.day <= max(days),
                    forecast.phenomenon.in_(phenomena),
                )
                .order_by(issue_table.c.run.desc(), issue_table.c.issued.desc())
            )
            rows = connection.execute(query).all() if last else []
        wanted = {event.key for event in events}
        return [
            (key, run, value)
            for site, phenomenon, day, run, value in rows
            if (key := (site, phenomenon, day)) in wanted
        ]

    def forecast_count(self, issue: Issue) -> tuple[int, int]:
        """Return how many forecasts an issue holds, and how many of them give a probability."""
        with self.transaction() as connection:
            counts = sql.select(sql.func.count(), sql.func.count(forecast_table.c.probability))
            every, known = connection.execute(
                counts.where(forecast_table.c.issue == issue.id)
            ).one()
        return int(every), int(known)

    # -- attempts

    def keep_attempt(self, attempt: Attempt) -> None:
        """Keep one attempt to issue."""
        with self.transaction() as connection:
            connection.execute(
                attempt_table.insert().values(
                    at=attempt.at,
                    issue=attempt.issue,
                    exit_code=attempt.exit_code,
                    detail=attempt.detail[:2000],
                )
            )

    def attempts(self, limit: int = 10) -> tuple[Attempt, ...]:
        """Return the last attempts, newest first."""
        with self.transaction() as connection:
            rows = connection.execute(
                sql.select(attempt_table).order_by(attempt_table.c.id.desc()).limit(limit)
            ).all()
        return tuple(Attempt(row.at, row.issue, row.exit_code, row.detail) for row in rows)


def _by_machine() -> sql.ColumnElement[Any]:
    """Select the probability of a forecast before a person changed it."""
    details, probability = forecast_table.c.said, forecast_table.c.probability
    fields = sql.cast(details["change", "fields"], sql.Text)
    machine = details["change", "machine_probability"].as_float()
    return sql.case((fields.contains('"probability"'), machine), else_=probability)


def _local_year(now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return begin and end, in UTC, of the year of `now` by the clock of `zone`."""
    year = now.astimezone(zone).year
    first, last = (datetime(each, 1, 1, tzinfo=zone).astimezone(UTC) for each in (year, year + 1))
    return first, last


def _issue(row: sql.Row[Any]) -> Issue:
    return Issue(
        row.id,
        row.number,
        row.issued,
        Cycle(row.run, row.model),
        row.valid_until,
        row.published is not None,
    )
