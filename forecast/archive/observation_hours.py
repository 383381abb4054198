"""Hourly means in the place of old observations: what a station reported, thinned.

An hour is written and the observations it is made of are removed in one transaction, so that a
process killed at any moment loses nothing and counts nothing twice. A report that comes later for
such an hour is joined to it the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sql

from forecast.archive.issues import Archive
from forecast.archive.schema import observation_hour_table, observation_table
from forecast.domain import Observation, as_utc

HOUR = timedelta(hours=1)
SPAN = timedelta(hours=24)  # of one station in one transaction: the lock is held for milliseconds
FORM = "hourly"  # the form of an observation that stands for an hour
CODE = "present_weather"  # has no mean: its codes are kept


@dataclass(frozen=True, slots=True)
class ElementHour:
    """The good values of an element in an hour [SI]: their mean, number, least and greatest.

    Of sums of an hour the mean is the last of them, of directions the direction of the mean vector.
    """

    mean: float
    count: int
    least: float
    greatest: float


@dataclass(frozen=True, slots=True)
class StationHour:
    """What a station reported in the hour that ends at `time`. codes: of weather, as they came."""

    station: str
    time: datetime
    reports: int
    values: Mapping[str, ElementHour]
    codes: tuple[int, ...] = ()


Summarise = Callable[[Sequence[Observation]], Sequence[StationHour]]
Join = Callable[[StationHour, StationHour], StationHour]


class ObservationHours:
    """The hourly observations of an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def oldest(self) -> datetime | None:
        """Return the time of the oldest observation that is not thinned; None without any."""
        with self._archive.transaction() as connection:
            found: datetime | None = connection.scalar(
                sql.select(observation_table.c.time).order_by(observation_table.c.time).limit(1)
            )
        return found

    def stations(self, after: datetime, until: datetime) -> tuple[str, ...]:
        """Return the stations with observations that are not thinned in (after, until]."""
        table = observation_table.c
        query = sql.select(table.station).where(table.time > after, table.time <= until).distinct()
        with self._archive.transaction() as connection:
            return tuple(sorted(connection.scalars(query)))

    def thin(
        self, station: str, after: datetime, until: datetime, summarise: Summarise, join: Join
    ) -> int:
        """Put hours in the place of a station's observations in (after, until].

        summarise: returns the hours of observations, oldest first; join: returns one hour for two
        parts of it. Return how many observations are gone.
        """
        table = observation_table.c
        old = observation_table.delete().where(
            table.station == station, table.time > as_utc(after), table.time <= as_utc(until)
        )
        columns = (table.station, table.time, table["values"], table.flags, table.form)
        with self._archive.transaction() as connection:
            # a write comes first: whatever is pushed meanwhile waits
            rows = connection.execute(old.returning(*columns)).all()
            hours = summarise(sorted((Observation(*row) for row in rows), key=lambda o: o.time))
            for hour in hours:
                _keep(connection, hour, join)
        return len(rows)

    def series(
        self, stations: Sequence[str], since: datetime, until: datetime
    ) -> dict[str, list[Observation]]:
        """Return the hours of stations in [since, until] as observations, oldest first.

        An hour with several codes of weather gives an observation for each further code.
        """
        table = observation_hour_table.c
        query = (
            sql.select(observation_hour_table)
            .where(
                table.station.in_(list(stations)),
                table.time >= as_utc(since),
                table.time <= as_utc(until),
            )
            .order_by(table.time)
        )
        found: dict[str, list[Observation]] = {}
        with self._archive.transaction() as connection:
            for row in connection.execute(query) if stations else ():
                found.setdefault(row.station, []).extend(_observations(_hour(row)))
        return found

    def count(self) -> int:
        """Return how many hours of stations are kept."""
        with self._archive.transaction() as connection:
            counted = sql.select(sql.func.count()).select_from(observation_hour_table)
            return int(connection.scalar(counted) or 0)


def _keep(connection: sql.Connection, hour: StationHour, join: Join) -> None:
    table = observation_hour_table
    same = (table.c.station == hour.station) & (table.c.time == hour.time)
    stood = connection.execute(sql.select(table).where(same)).first()
    if stood is None:
        key = {"station": hour.station, "time": hour.time}
        connection.execute(table.insert().values(**key, **_columns(hour)))
    else:
        connection.execute(table.update().where(same).values(**_columns(join(_hour(stood), hour))))


def _columns(hour: StationHour) -> dict[str, Any]:
    values = {
        name: [float(f"{each.mean:.7g}"), each.count, each.least, each.greatest]
        for name, each in hour.values.items()
    }
    return {"reports": hour.reports, "values": values, "codes": list(hour.codes)}


def _hour(row: sql.Row[Any]) -> StationHour:
    values = {name: ElementHour(*numbers) for name, numbers in row._mapping["values"].items()}
    return StationHour(row.station, row.time, row.reports, values, tuple(row.codes))


def _observations(hour: StationHour) -> list[Observation]:
    means = {name: each.mean for name, each in hour.values.items()}
    first, *further = hour.codes or (None,)
    if first is not None:
        means[CODE] = float(first)
    return [
        Observation(hour.station, hour.time, means, form=FORM),
        *(Observation(hour.station, hour.time, {CODE: float(code)}, form=FORM) for code in further),
    ]


def hour_of(moment: datetime) -> datetime:
    """Return the end of the hour of a moment: 10:00 for what is later than 09:00, up to 10:00."""
    utc = as_utc(moment).astimezone(UTC)
    start = utc.replace(minute=0, second=0, microsecond=0)
    return start if start == utc else start + HOUR
