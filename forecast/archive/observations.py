"""Station observations in the archive: each station, time and form once.

A later report corrects the earlier one, element by element; a value that its source takes back
stays in its row, flagged as WRONG. A file and its observations are kept in one transaction with the
digest of the file, so that it counts once, whole or not at all. What is pushed is kept with a note
that its quality control is still to come; the transaction that writes the flags removes the note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeAlias

import sqlalchemy as sql

from forecast.archive.database import insert_into
from forecast.archive.issues import Archive
from forecast.archive.observation_hours import ObservationHours
from forecast.archive.schema import (
    fault_table,
    observation_hour_table,
    observation_table,
    reading_table,
    unchecked_table,
)
from forecast.domain import WRONG, Fault, Observation, as_utc

BATCH = 5_000  # rows a statement
FAULTS_A_FILE = 1_000  # kept of one file; what is beyond is counted only
FAULTS_KEPT = 100_000  # of all files, the newest
WITHDRAWN_NAMED = 3  # values that a fault names

# station and time -> elements whose value its source takes back
Withdrawn: TypeAlias = Mapping[tuple[str, datetime], frozenset[str]]
NOTHING: Withdrawn = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Reading:
    """A file, or a push, that was read: its digest, and the numbers of records kept and refused."""

    digest: str
    name: str
    form: str
    at: datetime
    kept: int
    refused: int


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file, or a push, that was read, and what was refused of it."""

    reading: Reading
    faults: Sequence[Fault] = ()


@dataclass(frozen=True, slots=True)
class StationActivity:
    """The activity of a station: its last report, and the number of its records since a time."""

    last: datetime
    records: int


class Observations:
    """The observations in an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def keep(self, observations: Sequence[Observation], at: datetime) -> None:
        """Keep observations received `at`, all or none; of several of one time the last counts."""
        with self._archive.transaction() as connection:
            _write(connection, observations, at)

    def keep_files(
        self,
        files: Sequence[FileRead],
        observations: Sequence[Observation],
        reflagged: Sequence[Observation],
        at: datetime,
    ) -> tuple[str, ...]:
        """Keep the observations of files with the digests of the files; return the new digests.

        All of it is kept or nothing. reflagged: observations kept before whose flags have changed.
        A file that another process kept meanwhile does no harm: the same observations replace
        themselves.
        """
        with self._archive.transaction() as connection:
            insert = (
                insert_into(connection, reading_table)
                .on_conflict_do_nothing(index_elements=["digest"])
                .returning(reading_table.c.digest)
            )
            # A write comes first: of two who take in at once, one waits.
            new = [
                file
                for file in files
                if connection.scalar(insert.values(**_reading_row(file.reading))) is not None
            ]
            _write(connection, observations, at)
            _write_flags(connection, reflagged)
            _write_faults(
                connection, [fault for file in new for fault in file.faults[:FAULTS_A_FILE]], at
            )
        return tuple(file.reading.digest for file in new)

    def keep_faults(self, faults: Sequence[Fault], at: datetime) -> None:
        """Keep faults that were found without reading a file."""
        with self._archive.transaction() as connection:
            _write_faults(connection, faults, at)

    def keep_pushed(
        self, pushed: FileRead, observations: Sequence[Observation], withdrawn: Withdrawn = NOTHING
    ) -> bool:
        """Keep a push, and note that its quality control is still to come; all or nothing.

        withdrawn: what its source calls missing; where a value was kept of it, that is flagged as
        WRONG and named in a fault. Return False, and change nothing, if the push came before.
        """
        at = pushed.reading.at
        with self._archive.transaction() as connection:
            insert = (
                insert_into(connection, reading_table)
                .on_conflict_do_nothing(index_elements=["digest"])
                .returning(reading_table.c.digest)
            )
            if connection.scalar(insert.values(**_reading_row(pushed.reading))) is None:
                return False
            _write(connection, observations, at)
            taken_back = _withdraw(connection, withdrawn, pushed.reading)
            _write_faults(connection, [*taken_back, *pushed.faults[:FAULTS_A_FILE]], at)
            if observations:
                records = [[o.station, o.time.timestamp(), o.form] for o in observations]
                connection.execute(
                    unchecked_table.insert().values(records=len(records), told=records)
                )
        return True

    def unchecked(self) -> dict[int, int]:
        """Return the notes of pushes without quality control, oldest first, with their records.

        The result maps each note to its number of records.
        """
        with self._archive.transaction() as connection:
            rows = connection.execute(
                sql.select(unchecked_table.c.id, unchecked_table.c.records).order_by(
                    unchecked_table.c.id
                )
            ).all()
        return {row.id: row.records for row in rows}

    def unchecked_records(self, notes: Sequence[int]) -> set[tuple[str, datetime, str]]:
        """Return (station, time, form) of each record of `notes`."""
        found: set[tuple[str, datetime, str]] = set()
        with self._archive.transaction() as connection:
            for part in _parts(list(notes), 500):
                for rows in connection.scalars(
                    sql.select(unchecked_table.c.told).where(unchecked_table.c.id.in_(part))
                ):
                    found.update(
                        (station, datetime.fromtimestamp(seconds, UTC), form)
                        for station, seconds, form in rows
                    )
        return found

    def keep_checked(self, reflagged: Sequence[Observation], notes: Sequence[int]) -> None:
        """Write the flags that have changed and remove the notes, all or nothing.

        A record that was corrected meanwhile has a further note, and is checked again.
        """
        with self._archive.transaction() as connection:
            _write_flags(connection, reflagged)
            for part in _parts(list(notes), 500):
                connection.execute(unchecked_table.delete().where(unchecked_table.c.id.in_(part)))

    def was_read(self, digests: Iterable[str]) -> set[str]:
        """Return those of `digests` of which a file was read."""
        wanted = list(digests)
        found: set[str] = set()
        with self._archive.transaction() as connection:
            for part in _parts(wanted, 500):
                found.update(
                    connection.scalars(
                        sql.select(reading_table.c.digest).where(reading_table.c.digest.in_(part))
                    )
                )
        return found

    def series(
        self, stations: Sequence[str], since: datetime, until: datetime
    ) -> dict[str, tuple[Observation, ...]]:
        """Return the observations of stations in [since, until], oldest first, of all forms.

        Old ones stand for an hour each (forecast/archive/observation_hours.py).
        """
        table = observation_table.c
        query = (
            sql.select(table.station, table.time, table["values"], table.flags, table.form)
            .where(
                table.station.in_(list(stations)),
                table.time >= as_utc(since),
                table.time <= as_utc(until),
            )
            .order_by(table.time)
        )
        found = ObservationHours(self._archive).series(stations, since, until)
        thinned = set(found)
        with self._archive.transaction() as connection:
            for row in connection.execute(query) if stations else ():
                found.setdefault(row.station, []).append(Observation(*row))
        for station in thinned:  # a report that came late may be older than an hour
            found[station].sort(key=lambda observation: observation.time)
        return {station: tuple(observations) for station, observations in found.items()}

    def readings(self, limit: int = 10) -> tuple[Reading, ...]:
        """Return the files read last, newest first."""
        with self._archive.transaction() as connection:
            rows = connection.execute(
                sql.select(reading_table).order_by(reading_table.c.at.desc()).limit(limit)
            ).all()
        return tuple(
            Reading(row.digest, row.name, row.form, row.at, row.kept, row.refused) for row in rows
        )

    def faults(self, limit: int = 20) -> tuple[tuple[datetime, Fault], ...]:
        """Return the last faults and when they were found, newest first."""
        with self._archive.transaction() as connection:
            rows = connection.execute(
                sql.select(fault_table).order_by(fault_table.c.id.desc()).limit(limit)
            ).all()
        return tuple((row.at, Fault(row.file, row.line, row.reason)) for row in rows)

    def last_reports(self, stations: Sequence[str], since: datetime) -> dict[str, StationActivity]:
        """Return the activity since `since` of each station that has ever reported."""
        table, hours = observation_table.c, observation_hour_table.c
        counts = (
            sql.select(table.station, sql.func.count())
            .where(table.time >= as_utc(since))
            .group_by(table.station)
        )
        found: dict[str, StationActivity] = {}
        with self._archive.transaction() as connection:
            for part in _parts(list(stations), 500):
                recent = {
                    row[0]: row[1]
                    for row in connection.execute(counts.where(table.station.in_(part)))
                }
                for station in part:  # the end of an index each, whatever is kept of a station
                    last = _last_of(connection, table, station)
                    last = last or _last_of(connection, hours, station)
                    if last is not None:
                        found[station] = StationActivity(last, recent.get(station, 0))
        return found

    def last_times(self, since: datetime) -> dict[str, datetime]:
        """Return the time of the newest report of each station that has reported since a time."""
        table = observation_table.c
        query = sql.select(table.station, sql.func.max(table.time)).group_by(table.station)
        with self._archive.transaction() as connection:
            rows = connection.execute(query.where(table.time >= as_utc(since))).all()
        return {row[0]: row[1] for row in rows}

    def count(self) -> int:
        """Return how many observations are kept."""
        with self._archive.transaction() as connection:
            return int(
                connection.scalar(sql.select(sql.func.count()).select_from(observation_table)) or 0
            )


def _last_of(connection: sql.Connection, table: Any, station: str) -> datetime | None:
    """Return the time of the newest row of a station; None without one."""
    newest = sql.select(table.time).where(table.station == station).order_by(table.time.desc())
    found: datetime | None = connection.scalar(newest.limit(1))
    return found


def _reading_row(reading: Reading) -> dict[str, Any]:
    return {
        "digest": reading.digest,
        "name": reading.name[:200],
        "form": reading.form,
        "at": as_utc(reading.at),
        "kept": reading.kept,
        "refused": reading.refused,
    }


def _write_faults(connection: sql.Connection, faults: Sequence[Fault], at: datetime) -> None:
    if faults:
        rows = [
            {"at": as_utc(at), "file": f.where[:200], "line": f.line, "reason": f.reason[:500]}
            for f in faults
        ]
        connection.execute(fault_table.insert(), rows)
        newest = connection.scalar(sql.select(sql.func.max(fault_table.c.id)))
        connection.execute(
            fault_table.delete().where(fault_table.c.id <= (newest or 0) - FAULTS_KEPT)
        )


def _write_flags(connection: sql.Connection, observations: Sequence[Observation]) -> None:
    table = observation_table.c
    which = (
        (table.station == sql.bindparam("of"))
        & (table.time == sql.bindparam("at"))
        & (table.form == sql.bindparam("written"))
    )
    statement = observation_table.update().where(which).values(flags=sql.bindparam("found"))
    rows = [
        {"of": o.station, "at": o.time, "written": o.form, "found": dict(o.flags)}
        for o in sorted(observations, key=_key)
    ]
    for part in _parts(rows, BATCH):
        connection.execute(statement, part)


def _withdraw(
    connection: sql.Connection, withdrawn: Withdrawn, reading: Reading
) -> Sequence[Fault]:
    """Flag the values that are taken back as WRONG; return a fault that names them."""
    table = observation_table.c
    changed, named = [], list[str]()
    times = [time for _, time in withdrawn]
    for part in _parts(sorted({station for station, _ in withdrawn}), 500):
        query = sql.select(table.station, table.time, table["values"], table.flags).where(
            table.station.in_(part),
            table.time >= min(times),
            table.time <= max(times),
            table.form == reading.form,
        )
        for row in connection.execute(query):
            known, flags = row._mapping["values"], dict(row.flags)
            names = withdrawn.get((row.station, row.time), frozenset())
            gone = sorted(name for name in names if name in known and flags.get(name) != WRONG)
            if gone:
                flags |= dict.fromkeys(gone, WRONG)
                changed.append(Observation(row.station, row.time, known, flags, reading.form))
                named += [f"{row.station} {row.time:%Y-%m-%d %H:%M}Z {name}" for name in gone]
    _write_flags(connection, changed)
    if not named:
        return ()
    more = ", ..." if len(named) > WITHDRAWN_NAMED else ""
    reason = (
        f"{len(named)} values were taken back by their source: kept, flagged as wrong, no longer "
        f"used: {', '.join(named[:WITHDRAWN_NAMED])}{more}"
    )
    return [Fault(reading.name, 0, reason)]


def _write(connection: sql.Connection, observations: Sequence[Observation], at: datetime) -> None:
    statement = insert_into(connection, observation_table)
    update = {
        name: _joined(connection, observation_table.c[name], statement.excluded[name])
        for name in ("values", "flags")
    }
    update["received"] = statement.excluded["received"]
    upsert = statement.on_conflict_do_update(
        index_elements=["station", "time", "form"], set_=update
    )
    received = as_utc(at)
    # one statement must not touch a row twice
    last = {(o.station, o.time, o.form): o for o in observations}
    rows = [
        {
            "station": o.station,
            "time": o.time,
            "form": o.form,
            "received": received,
            "values": dict(o.values),
            "flags": dict(o.flags),
        }
        # two who write at once must not wait for each other
        for o in sorted(last.values(), key=_key)
    ]
    for part in _parts(rows, BATCH):
        connection.execute(upsert, part)


def _joined(connection: sql.Connection, stood: Any, later: Any) -> Any:
    """Return the JSON object `later` with the keys that only `stood` has."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return sql.cast(
            sql.cast(stood, postgresql.JSONB).op("||")(sql.cast(later, postgresql.JSONB)),
            postgresql.JSON,
        )
    return sql.func.json_patch(stood, later)


def _key(observation: Observation) -> tuple[str, datetime, str]:
    return observation.station, observation.time, observation.form


def _parts(rows: list[Any], size: int) -> Iterator[list[Any]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
