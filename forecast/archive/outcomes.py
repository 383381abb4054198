"""What was seen, and what had been told of it, in the archive: every report kept for good, every
forecast as it was issued.

A report is one source's and one reporter's word on one event; said again it changes nothing,
corrected it replaces that word, and the time it came in is then the correction's. Forecasts of
issues that nobody saw are never looked back on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from forecast.archive.issues import Archive
from forecast.archive.observations import FAULTS_A_FILE, FAULTS_KEPT, Reading
from forecast.archive.schema import (
    event_columns,
    fault_table,
    forecast_table,
    issue_table,
    outcome_table,
    reading_table,
    voice_table,
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
WORD = ("site", "phenomenon", "day", "source", "reporter")  # whose word on what
SAID = ("degree", "vividness", "state", "amount", "detail")


class Outcomes:
    """The outcomes in an archive. Raises: ArchiveError from every method when the database refuses."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def keep(self, outcomes: Sequence[Outcome], at: datetime) -> int:
        """Keep outcomes received `at`, all or none; return how many were new or say otherwise than
        before.

        One that tells neither a degree nor a state is not kept. The last of several words of one
        reporter on one event counts.
        Raises: ValueError for a source or a phenomenon that does not exist.
        """
        with self._archive.transaction() as connection:
            return _write(connection, outcomes, at)

    def keep_file(
        self, reading: Reading, outcomes: Sequence[Outcome], faults: Sequence[Fault]
    ) -> bool:
        """Keep what a file held, with its faults, once: False where a file of this digest was read
        before, and nothing is changed.
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
        """Return what counts of each event of the days [since, until]: see hindsight.resolve."""
        told = (
            (key, resolve(reports))
            for key, reports in self.reports(since, until, phenomenon).items()
        )
        return {key: seen for key, seen in told if seen is not None}

    def disagreements(
        self, since: date | None = None, until: date | None = None
    ) -> tuple[tuple[VerifiedOutcome, tuple[OutcomeReport, ...]], ...]:
        """Return the events on which reports differ whether it was seen, the latest day first, with
        all the reports.
        """
        told = ((resolve(reports), reports) for reports in self.reports(since, until).values())
        differing = [
            (seen, reports) for seen, reports in told if seen is not None and not seen.agreed
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


class Past:
    """What published issues told. Raises: ArchiveError from every method when the database refuses."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def told(
        self,
        since: date | None = None,
        until: date | None = None,
        only_judged: bool = True,
        features: Mapping[str, Sequence[str]] | None = None,
    ) -> list[IssuedForecast]:
        """Return the forecasts issued before the event began, of the days [since, until], the
        oldest issue first.

        only_judged: leave out those of which no outcome is known, which are of no use to a score.
        features: phenomenon -> those that are
        wanted (None: all): a year of forecasts with all of them does not fit into little memory.
        """
        said, issue, heard = forecast_table.c, issue_table.c, voice_table.c
        leading = (
            (heard.issue == said.issue)
            & _same(heard, said)
            & (heard.model == issue.model)
            & (heard.run == issue.run)
        )
        query = (
            sql.select(
                issue.id,
                issue.issued,
                issue.run,
                said.site,
                said.phenomenon,
                said.day,
                said.window_start,
                said.probability,
                said.grade,
                said.model,
                heard["values"],
                said.said,
            )
            .join(issue_table, issue.id == said.issue)
            .outerjoin(voice_table, leading)
            .where(
                *_seen_in_time(),
                *_between(said.day, since, until),
                *([_judged(said)] if only_judged else []),
            )
            .order_by(issue.issued, issue.id, said.day, said.site, said.phenomenon)
        )
        return [
            IssuedForecast(
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
                _voices(row.said),
            )
            for row in self._rows(query)
        ]

    def run_forecasts(
        self,
        phenomenon: str,
        since: date | None = None,
        until: date | None = None,
        model: str | None = None,
        only_judged: bool = True,
    ) -> list[RunForecast]:
        """Return what each run gave to forecasts issued before the event began, of the days [since,
        until], the oldest issue first.

        model: of this NWP model only.
        """
        said, issue, heard = forecast_table.c, issue_table.c, voice_table.c
        wanted = [
            heard.phenomenon == phenomenon,
            heard.run <= issue.issued,
            *([heard.model == model] if model else []),
        ]
        query = (
            sql.select(
                issue.id,
                issue.issued,
                heard.model,
                heard.run,
                heard.site,
                heard.day,
                said.window_start,
                heard["values"],
            )
            .join(issue_table, issue.id == heard.issue)
            .join(forecast_table, (said.issue == heard.issue) & _same(heard, said))
            .where(
                *wanted,
                *_seen_in_time(),
                *_between(heard.day, since, until),
                *([_judged(heard)] if only_judged else []),
            )
            .order_by(issue.issued, issue.id, heard.day, heard.site, heard.cycle)
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


def _seen_in_time() -> tuple[sql.ColumnElement[bool], ...]:
    """What readers saw, and before the event had begun: all else would know what it tells of."""
    return issue_table.c.published.is_not(
        None
    ), issue_table.c.issued <= forecast_table.c.window_start


def _judged(columns: Any) -> sql.ColumnElement[bool]:
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


def _voices(said: Any) -> dict[str, float]:
    """Return the probability of each model's newest run, from an issue's own words on its voices."""
    newest: dict[str, float] = {}
    for cycle, probability, *_ in sorted(
        (said or {}).get("voices", ()), key=lambda voice: str(voice[0])
    ):
        if probability is not None:
            newest[str(cycle).rpartition("-")[0]] = float(probability)
    return newest


def _write(connection: sql.Connection, outcomes: Iterable[Outcome], at: datetime) -> int:
    insert: Callable[..., Any] = (
        postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    )
    statement = insert(outcome_table)
    differs = sql.or_(
        *(outcome_table.c[name].is_distinct_from(statement.excluded[name]) for name in SAID)
    )
    update = {name: statement.excluded[name] for name in (*SAID, "received")}
    upsert = statement.on_conflict_do_update(
        index_elements=list(WORD), set_=update, where=differs
    ).returning(outcome_table.c.site)
    rows: dict[tuple[str, ...], dict[str, Any]] = {}
    for o in outcomes:
        if o.source not in OUTCOME_SOURCES or o.phenomenon not in PHENOMENA:
            raise ValueError(
                f"an outcome of {o.phenomenon!r} by {o.source!r}: expected one of {PHENOMENA} by one of {OUTCOME_SOURCES}"
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
            rows[tuple(str(row[name]) for name in WORD)] = row
    changed, told = 0, list(rows.values())
    for start in range(0, len(told), BATCH):
        part = told[start : start + BATCH]
        changed += len(connection.execute(upsert.values(part)).all())
    return changed


def _stored(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _value(value: float | None) -> float:
    return math.nan if value is None else float(value)
