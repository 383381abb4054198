"""The intake of observations, summed up for `status`.

Each file and sender is listed once, each reason once a file, with the numbers of values that
quality control flagged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from forecast.archive.issues import Archive
from forecast.archive.schema import fault_table, observation_table, reading_table
from forecast.domain import DOUBTFUL, INCONSISTENT, WRONG, Fault, as_utc


@dataclass(frozen=True, slots=True)
class ReportSource:
    """A file, or all pushes of one sender: how often and when read, records kept and refused."""

    name: str
    form: str
    times: int
    last: datetime
    kept: int
    refused: int


@dataclass(frozen=True, slots=True)
class IntakeReason:
    """Why records of a file or a sender were refused: how often, when last, and where first."""

    times: int
    last: datetime
    first: Fault


@dataclass(frozen=True, slots=True)
class FlaggedValues:
    """How many of a station's values of one element quality control flagged."""

    station: str
    element: str
    values: int
    inconsistent: int
    doubtful: int
    wrong: int


class IntakeCounts:
    """The intake of an archive, since a time or (None) of all that is kept.

    Raises: ArchiveError from every method.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def sources(self, since: datetime | None) -> tuple[ReportSource, ...]:
        """Return each file and each sender once: those with refused records first, then by time."""
        table = reading_table.c
        refused, last = sql.func.sum(table.refused), sql.func.max(table.at)
        query = sql.select(
            table.name, table.form, sql.func.count(), last, sql.func.sum(table.kept), refused
        )
        query = query.where(*_since(table.at, since)).group_by(table.name, table.form)
        with self._archive.transaction() as connection:
            rows = connection.execute(
                query.order_by(sql.case((refused > 0, 0), else_=1), last.desc(), table.name)
            ).all()
        return tuple(
            ReportSource(name, form, times, at, int(kept), int(lost))
            for name, form, times, at, kept, lost in rows
        )

    def last_of_senders(
        self, senders: Sequence[str], since: datetime
    ) -> dict[str, tuple[datetime, datetime | None]]:
        """Return when each sender last sent something since a time, and when something of it was
        kept (None: nothing). senders: their names as sources, such as `push lingshan`.
        """
        table = reading_table.c
        good = sql.func.max(sql.case((table.kept > 0, table.at)))
        query = sql.select(table.name, sql.func.max(table.at), good).group_by(table.name)
        wanted = (table.at >= as_utc(since), table.name.in_(list(senders)))
        with self._archive.transaction() as connection:
            return {name: (at, kept) for name, at, kept in connection.execute(query.where(*wanted))}

    def reasons(self, since: datetime | None) -> tuple[IntakeReason, ...]:
        """Return each reason once a file or sender, in the order of their first occurrence."""
        table = fault_table.c
        first = sql.func.min(table.id).label("first")
        grouped = sql.select(
            first, sql.func.count().label("times"), sql.func.max(table.at).label("last")
        )
        grouped = grouped.where(*_since(table.at, since)).group_by(table.file, table.reason)
        groups = grouped.subquery()
        query = (
            sql.select(fault_table, groups.c.times, groups.c.last)
            .join(groups, table.id == groups.c.first)
            .order_by(table.id)
        )
        with self._archive.transaction() as connection:
            rows = connection.execute(query).all()
        return tuple(
            IntakeReason(row.times, row.last, Fault(row.file, row.line, row.reason)) for row in rows
        )

    def flagged(self, since: datetime) -> tuple[FlaggedValues, ...]:
        """Return the stations and elements with any inconsistent, doubtful or wrong value."""
        table = observation_table.c
        with self._archive.transaction() as connection:
            each = (
                sql.func.json_each_text
                if connection.dialect.name == "postgresql"
                else sql.func.json_each
            )
            flags = each(table.flags).table_valued("key", "value")
            found = sql.cast(flags.c.value, sql.Integer)
            counts = [
                sql.func.sum(sql.case((found == flag, 1), else_=0))
                for flag in (INCONSISTENT, DOUBTFUL, WRONG)
            ]
            # as an expression: grouped by the column itself, SQLite walks the whole primary key
            station = (table.station + sql.literal_column("''")).label("station")
            query = sql.select(station, flags.c.key, sql.func.count(), *counts).select_from(
                observation_table.join(flags, sql.true())
            )
            query = query.where(table.time >= as_utc(since)).group_by(station, flags.c.key)
            bad = found.in_((INCONSISTENT, DOUBTFUL, WRONG))
            query = query.having(sql.func.sum(sql.case((bad, 1), else_=0)) > 0).order_by(
                station, flags.c.key
            )
            rows = connection.execute(query).all()
        return tuple(
            FlaggedValues(station, element, *map(int, numbers))
            for station, element, *numbers in rows
        )


def _since(column: Any, since: datetime | None) -> list[Any]:
    return [] if since is None else [column >= as_utc(since)]
