"""Outcomes and the forecasts issued of them, in the archive: every report kept for good, every
forecast as it was issued.

A report is one source's and one reporter's statement on one event; repeated it changes nothing,
corrected it replaces that word, and the time it came in is then the correction's. Forecasts of
issues that nobody saw are never looked back on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sql

from forecast.archive.database import insert_into
from forecast.archive.issues import Archive
from forecast.archive.observations import FAULTS_A_FILE, FAULTS_KEPT, Reading
from forecast.archive.schema import (
    contributing_run_table,
    event_columns,
    fault_table,
    forecast_table,
    issue_table,
    outcome_table,
    reading_table,
)
from forecast.domain import OUTCOME_SOURCES, PHENOMENA, Fault, Outcome, as_utc
from forecast.verification import (
    EventKey,
    IssuedForecast,
    OutcomeReport,
    RunForecast,
    VerifiedOutcome,
    resolve,
)

BATCH = 1_000  # rows a statement
FETCHED = 2_000  # rows at a time
KEY = ("site", "phenomenon", "day", "source", "reporter")  # of a report
REPORTED = ("degree", "vividness", "state", "amount", "detail")


class Outcomes:
    """The outcomes in an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def keep(self, outcomes: Sequence[Outcome], at: datetime) -> int:
        """Keep outcomes received `at`, all or none; return how many were new or changed.

        One with neither a degree nor a state is not kept. Of several reports of one reporter on one
        event the last counts.

        Raises: ValueError for a source or a phenomenon that does not exist.
        """
        with self._archive.transaction() as connection:
            return _write(connection, outcomes, at)

    def forget(self, outcomes: Sequence[Outcome]) -> None:
        """Remove the reports of these reporters on these events, of reports that were refused."""
        with self._archive.transaction() as connection:
            for outcome in outcomes:
                same = (
                    (outcome_table.c.site == outcome.site)
                    & (outcome_table.c.phenomenon == outcome.phenomenon)
                    & (outcome_table.c.day == outcome.day.isoformat())
                    & (outcome_table.c.source == outcome.source)
                    & (outcome_table.c.reporter == outcome.reporter[:60])
                )
                connection.execute(outcome_table.delete().where(same))

    def keep_file(
        self, reading: Reading, outcomes: Sequence[Outcome], faults: Sequence[Fault]
    ) -> bool:
        """Keep the outcomes of a file, with its faults, once.

        Return False, and change nothing, if a file of this digest was read before.
        """
        with self._archive.transaction() as connection:
            if (
                connection.scalar(
                    sql.select(reading_table.c.at).where(reading_table.c.digest == reading.digest)
                )
                is not None
            ):
                return False
            connection.execute(
                reading_table.insert().values(
                    digest=reading.digest,
                    name=reading.name[:200],
                    form=reading.form,
                    at=as_utc(reading.at),
                    kept=reading.kept,
                    refused=reading.refused,
                )
            )
            _write(connection, outcomes, reading.at)
            rows = [
                {
                    "at": as_utc(reading.at),
                    "file": f.where[:200],
                    "line": f.line,
                    "reason": f.reason[:500],
                }
                for f in faults
            ]
            if rows:
                connection.execute(fault_table.insert(), rows[:FAULTS_A_FILE])
                newest = connection.scalar(sql.select(sql.func.max(fault_table.c.id)))
                connection.execute(
                    fault_table.delete().where(fault_table.c.id <= (newest or 0) - FAULTS_KEPT)
                )
        return True

    def reports(
        self, since: date | None = None, until: date | None = None, phenomenon: str | None = None
    ) -> dict[EventKey, tuple[OutcomeReport, ...]]:
        """Return every report on the days [since, until] by event, as they came in."""
        table = outcome_table.c
        wanted = [
            *_between(table.day, since, until),
            *([table.phenomenon == phenomenon] if phenomenon else []),
        ]
        query = (
            sql.select(outcome_table)
            .where(*wanted)
            .order_by(table.received, table.source, table.reporter)
        )
        found: dict[EventKey, list[OutcomeReport]] = {}
        with self._archive.transaction() as connection:
            for row in connection.execute(query):
                outcome = Outcome(
                    row.phenomenon,
                    row.site,
                    date.fromisoformat(row.day),
                    _value(row.degree),
                    row.source,
                    row.state,
                    _value(row.amount),
                    row.detail,
                    row.reporter,
                    _value(row.vividness),
                )
                found.setdefault((row.site, row.phenomenon, row.day), []).append(
                    OutcomeReport(outcome, row.received)
                )
        return {key: tuple(reports) for key, reports in found.items()}

    def resolved(
        self, since: date | None = None, until: date | None = None, phenomenon: str | None = None
    ) -> dict[EventKey, VerifiedOutcome]:
        """Return the outcome of each event of the days [since, until]: see verification.resolve."""
        resolved = (
            (key, resolve(reports))
            for key, reports in self.reports(since, until, phenomenon).items()
        )
        return {key: outcome for key, outcome in resolved if outcome is not None}

    def disagreements(
        self, since: date | None = None, until: date | None = None
    ) -> tuple[tuple[VerifiedOutcome, tuple[OutcomeReport, ...]], ...]:
        """Return the events whose reports disagree on whether it occurred, with all the reports.

        The latest day comes first.
        """
        resolved = ((resolve(reports), reports) for reports in self.reports(since, until).values())
        differing = [
            (outcome, reports)
            for outcome, reports in resolved
            if outcome is not None and not outcome.agreed
        ]
        return tuple(
            sorted(
                differing,
                key=lambda each: (each[0].outcome.day, each[0].outcome.site),
                reverse=True,
            )
        )

    def count(self) -> dict[str, int]:
        """Return how many reports are kept of each source."""
        counts = sql.select(outcome_table.c.source, sql.func.count()).group_by(
            outcome_table.c.source
        )
        with self._archive.transaction() as connection:
            found = {source: int(count) for source, count in connection.execute(counts)}
        return {source: found.get(source, 0) for source in OUTCOME_SOURCES}


class PastForecasts:
    """The forecasts of published issues. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def issued_forecasts(
        self,
        since: date | None = None,
        until: date | None = None,
        only_verified: bool = True,
        features: Mapping[str, Sequence[str]] | None = None,
        phenomenon: str | None = None,
        person: str | None = None,
    ) -> list[IssuedForecast]:
        """Return the forecasts issued before the event began, oldest issue first.

        since, until: days, both included. only_verified: leave out those without a known outcome.
        features: the features wanted of each phenomenon (None: all); a year of forecasts with all
        features needs much memory. phenomenon: only this one. person: only what this
        account changed.
        """
        forecast, issue, run = forecast_table.c, issue_table.c, contributing_run_table.c
        leading = (
            (run.issue == forecast.issue)
            & _same(run, forecast)
            & (run.model == issue.model)
            & (run.run == issue.run)
        )
        query = (
            sql.select(
                issue.id,
                issue.issued,
                issue.run,
                forecast.site,
                forecast.phenomenon,
                forecast.day,
                forecast.window_start,
                forecast.probability,
                forecast.grade,
                forecast.model,
                run["values"],
                forecast.said,
            )
            .join(issue_table, issue.id == forecast.issue)
            .outerjoin(contributing_run_table, leading)
            .where(
                *_published_in_time(),
                *_between(forecast.day, since, until),
                *([_has_outcome(forecast)] if only_verified else []),
                *([forecast.phenomenon == phenomenon] if phenomenon else []),
                *([_changed_by(person)] if person else []),
            )
            .order_by(issue.issued, issue.id, forecast.day, forecast.site, forecast.phenomenon)
        )
        return [_issued_forecast(row, features) for row in self._rows(query)]

    def run_forecasts(
        self,
        phenomenon: str,
        since: date | None = None,
        until: date | None = None,
        model: str | None = None,
        only_verified: bool = True,
    ) -> list[RunForecast]:
        """Return the runs that contributed to forecasts issued before the event, oldest first.

        since, until: days, both included. model: of this NWP model only.
        """
        forecast, issue, run = forecast_table.c, issue_table.c, contributing_run_table.c
        wanted = [
            run.phenomenon == phenomenon,
            run.run <= issue.issued,
            *([run.model == model] if model else []),
        ]
        query = (
            sql.select(
                issue.id,
                issue.issued,
                run.model,
                run.run,
                run.site,
                run.day,
                forecast.window_start,
                run["values"],
            )
            .join(issue_table, issue.id == run.issue)
            .join(forecast_table, (forecast.issue == run.issue) & _same(run, forecast))
            .where(
                *wanted,
                *_published_in_time(),
                *_between(run.day, since, until),
                *([_has_outcome(run)] if only_verified else []),
            )
            .order_by(issue.issued, issue.id, run.day, run.site, run.cycle)
        )
        return [
            RunForecast(
                row.id,
                row.issued,
                row.model,
                row.run,
                row.site,
                phenomenon,
                date.fromisoformat(row.day),
                row.window_start,
                row[7],
            )
            for row in self._rows(query)
        ]

    def _rows(self, query: sql.Select[Any]) -> Iterator[Any]:
        with self._archive.transaction() as connection:
            yield from connection.execution_options(yield_per=FETCHED).execute(query)


def _issued_forecast(row: Any, features: Mapping[str, Sequence[str]] | None) -> IssuedForecast:
    change = (row.said or {}).get("change") or {}
    moved = "probability" in change.get("fields", ())
    return IssuedForecast(
        row.id,
        row.issued,
        row.run,
        row.site,
        row.phenomenon,
        date.fromisoformat(row.day),
        row.window_start,
        _value(row.probability),
        row.grade,
        row.model,
        _wanted(row[10] or {}, row.phenomenon, features),
        _model_probabilities(row.said),
        machine=_value(change.get("machine_probability")) if moved else math.nan,
        person=str(change.get("person", "")) if moved else "",
        usual=_value((row.said or {}).get("usual")),
        confidence=int((row.said or {}).get("confidence", 0)),
    )


def _published_in_time() -> tuple[sql.ColumnElement[bool], ...]:
    """Select what was published before the event began: later issues may know the outcome."""
    return issue_table.c.published.is_not(
        None
    ), issue_table.c.issued <= forecast_table.c.window_start


def _changed_by(person: str) -> sql.ColumnElement[bool]:
    return forecast_table.c.said["change", "person"].as_string() == person


def _has_outcome(columns: Any) -> sql.ColumnElement[bool]:
    return sql.exists().where(_same(outcome_table.c, columns))


def _same(one: Any, other: Any) -> sql.ColumnElement[bool]:
    return sql.and_(*(one[name] == other[name] for name in event_columns))


def _between(
    day: sql.ColumnElement[str], since: date | None, until: date | None
) -> list[sql.ColumnElement[bool]]:
    return [
        *([day >= since.isoformat()] if since else []),
        *([day <= until.isoformat()] if until else []),
    ]


def _wanted(
    values: Mapping[str, float], phenomenon: str, features: Mapping[str, Sequence[str]] | None
) -> Mapping[str, float]:
    return (
        values
        if features is None
        else {name: values[name] for name in features.get(phenomenon, ()) if name in values}
    )


def _model_probabilities(details: Any) -> dict[str, float]:
    """Return the probability of each model's newest run, from the details of a forecast."""
    newest: dict[str, float] = {}
    for cycle, probability, *_ in sorted(
        (details or {}).get("voices", ()), key=lambda run: str(run[0])
    ):
        if probability is not None:
            newest[str(cycle).rpartition("-")[0]] = float(probability)
    return newest


def _write(connection: sql.Connection, outcomes: Iterable[Outcome], at: datetime) -> int:
    statement = insert_into(connection, outcome_table)
    differs = sql.or_(
        *(outcome_table.c[name].is_distinct_from(statement.excluded[name]) for name in REPORTED)
    )
    update = {name: statement.excluded[name] for name in (*REPORTED, "received")}
    upsert = statement.on_conflict_do_update(
        index_elements=list(KEY), set_=update, where=differs
    ).returning(outcome_table.c.site)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for o in outcomes:
        if o.source not in OUTCOME_SOURCES or o.phenomenon not in PHENOMENA:
            raise ValueError(
                f"an outcome of {o.phenomenon!r} by {o.source!r}: expected one of {PHENOMENA} "
                f"by one of {OUTCOME_SOURCES}"
            )
        if OutcomeReport(o, at).informative:
            row: dict[str, Any] = {
                "site": o.site,
                "phenomenon": o.phenomenon,
                "day": o.day.isoformat(),
                "source": o.source,
                "reporter": o.reporter[:60],
                "degree": _stored(o.degree),
                "vividness": _stored(o.vividness),
                "state": o.state,
                "amount": _stored(o.amount),
                "detail": o.detail,
                "received": as_utc(at),
            }
            rows[tuple(str(row[name]) for name in KEY)] = row
    changed, values = 0, list(rows.values())
    for start in range(0, len(values), BATCH):
        part = values[start : start + BATCH]
        changed += len(connection.execute(upsert.values(part)).all())
    return changed


def _stored(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _value(value: float | None) -> float:
    return math.nan if value is None else float(value)
