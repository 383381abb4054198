"""What stations reported, in the archive: each station, moment and form once; a later report of the same replaces the earlier.

A file and what was read of it are kept in one transaction with the file's digest, so that it counts once, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from forecast.archive import Archive
from forecast.archive_tables import fault_table, observation_table, reading_table
from forecast.domain import Fault, Observation, as_utc

BATCH = 5_000  # rows a statement
FAULTS_A_FILE = 1_000  # kept of one file; what is beyond is counted only
FAULTS_KEPT = 100_000  # of all files, the newest


@dataclass(frozen=True, slots=True)
class Reading:
    """One file, or one push, that was read: its digest, how many records were kept and how many lines refused."""

    digest: str
    name: str
    form: str
    at: datetime
    kept: int
    refused: int


class Observations:
    """The observations in an archive. Raises: ArchiveError from every method when the database refuses."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def keep(self, observations: Sequence[Observation], at: datetime) -> None:
        """Keep observations received `at`, all of them or none; the last of several of the same moment counts."""
        with self._archive.transaction() as connection:
            _write(connection, observations, at)

    def keep_file(self, reading: Reading, observations: Sequence[Observation], faults: Sequence[Fault]) -> bool:
        """Keep what a file held, with its faults, once: False where a file of this digest was read before, and nothing is changed."""
        with self._archive.transaction() as connection:
            if connection.scalar(sql.select(reading_table.c.at).where(reading_table.c.digest == reading.digest)) is not None:
                return False
            row = {"digest": reading.digest, "name": reading.name[:200], "form": reading.form, "at": as_utc(reading.at),
                   "kept": reading.kept, "refused": reading.refused}
            connection.execute(reading_table.insert().values(**row))
            _write(connection, observations, reading.at)
            if faults:
                told = faults[:FAULTS_A_FILE]
                rows = [{"at": as_utc(reading.at), "file": f.where[:200], "line": f.line, "reason": f.reason[:500]} for f in told]
                connection.execute(fault_table.insert(), rows)
                newest = connection.scalar(sql.select(sql.func.max(fault_table.c.id)))
                connection.execute(fault_table.delete().where(fault_table.c.id <= (newest or 0) - FAULTS_KEPT))
        return True

    def was_read(self, digests: Iterable[str]) -> set[str]:
        """Return those of `digests` of which a file was read."""
        wanted = list(digests)
        found: set[str] = set()
        with self._archive.transaction() as connection:
            for part in _parts(wanted, 500):
                found.update(connection.scalars(sql.select(reading_table.c.digest).where(reading_table.c.digest.in_(part))))
        return found

    def series(self, stations: Sequence[str], since: datetime, until: datetime) -> dict[str, tuple[Observation, ...]]:
        """Return what stations reported in [since, until], the oldest first; where several forms tell of one moment, all of them."""
        table = observation_table.c
        query = (
            sql.select(table.station, table.time, table["values"], table.flags, table.form)
            .where(table.station.in_(list(stations)), table.time >= as_utc(since), table.time <= as_utc(until))
            .order_by(table.time)
        )
        found: dict[str, list[Observation]] = {}
        with self._archive.transaction() as connection:
            for row in connection.execute(query) if stations else ():
                found.setdefault(row.station, []).append(Observation(*row))
        return {station: tuple(observations) for station, observations in found.items()}

    def readings(self, limit: int = 10) -> tuple[Reading, ...]:
        """Return the files read last, newest first."""
        with self._archive.transaction() as connection:
            rows = connection.execute(sql.select(reading_table).order_by(reading_table.c.at.desc()).limit(limit)).all()
        return tuple(Reading(row.digest, row.name, row.form, row.at, row.kept, row.refused) for row in rows)

    def faults(self, limit: int = 20) -> tuple[tuple[datetime, Fault], ...]:
        """Return what was set aside last and when, newest first."""
        with self._archive.transaction() as connection:
            rows = connection.execute(sql.select(fault_table).order_by(fault_table.c.id.desc()).limit(limit)).all()
        return tuple((row.at, Fault(row.file, row.line, row.reason)) for row in rows)

    def count(self) -> int:
        """Return how many observations are kept."""
        with self._archive.transaction() as connection:
            return int(connection.scalar(sql.select(sql.func.count()).select_from(observation_table)) or 0)


def _write(connection: sql.Connection, observations: Sequence[Observation], at: datetime) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(observation_table)
    key = ("station", "time", "form")
    update = {name: statement.excluded[name] for name in ("received", "values", "flags")}
    upsert = statement.on_conflict_do_update(index_elements=list(key), set_=update)
    received = as_utc(at)
    last = {(o.station, o.time, o.form): o for o in observations}  # one statement must not touch a row twice
    rows = [
        {"station": o.station, "time": o.time, "form": o.form, "received": received, "values": dict(o.values), "flags": dict(o.flags)}
        for o in last.values()
    ]
    for part in _parts(rows, BATCH):
        connection.execute(upsert, part)


def _parts(rows: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
