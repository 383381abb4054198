"""Quality flags of new reports, checked together with what the archive holds around them.

A report is checked against what lies around it in time and beside it, whenever it arrives; reports
that came before it but lie after it are then checked again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from forecast.archive.observations import Observations
from forecast.domain import Observation, Station
from forecast.observations.neighbours import NEIGHBOURS, neighbours, slot_of
from forecast.observations.past_checks import WEEKS, Bounds, bounds_of, bounds_table
from forecast.observations.quality_control import check, check_each_report
from forecast.observations.report_table import Mask, ReportTable
from forecast.observations.time_checks import LONGEST, REACH, stations_needing_more

STATIONS_AT_ONCE = 1000  # that are checked together
# Stations whose last weeks are read for one batch: beyond it reading takes longer than the checks.
# Those of the settings come first; a network of more has neighbours to compare with.
PAST_STATIONS = 100
PAST_KEPT = timedelta(hours=6)  # that the bounds of a station's weeks are used for
REACH_TIME, LONGEST_RUN = timedelta(seconds=REACH), timedelta(seconds=LONGEST)

Key = tuple[str, datetime, str]  # of an observation: station, time, form


@dataclass(slots=True)
class FlaggedObservations:
    """Observations with their flags.

    new: of the batch. reflagged: of the archive, whose flags have changed. counts: values of the
    batch that each rule flagged.
    """

    new: list[Observation] = field(default_factory=list)
    reflagged: list[Observation] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


class Flagging:
    """Flags reports of the stations of the settings by the rules of quality_control."""

    def __init__(self, observations: Observations, stations: Mapping[str, Station]) -> None:
        self._observations, self._stations = observations, stations
        self._near = _near(tuple(stations.values()))
        self._past: dict[tuple[str, datetime], Bounds] = {}

    def flag_alone(self, fresh: Mapping[Key, Observation]) -> list[Observation]:
        """Return `fresh` with the flags of the checks that need no other report."""
        known = {station for station, _, _ in fresh} & self._stations.keys()
        table = ReportTable.of(fresh.values(), {name: self._stations[name] for name in known})
        found = check_each_report(table)
        return [
            replace(observation, flags=found.of(row))
            for row, observation in enumerate(table.observations)
        ]

    def flag_batch(
        self,
        fresh: Mapping[Key, Observation],
        company: Mapping[Key, Observation],
        places: Mapping[str, Station],
    ) -> FlaggedObservations:
        """Return the flags of `fresh`, with `company` (other stations, at `places`) as neighbours.

        Raises: ArchiveError.
        """
        ordered = sorted([*company.items(), *fresh.items()], key=lambda item: item[1].time)
        times = [observation.time.timestamp() for _, observation in ordered]
        groups = []
        for members, since, until in _groups(fresh):
            first, last = np.searchsorted(times, [since.timestamp(), until.timestamp() + 1])
            beside = dict(ordered[first:last])
            groups.append(_Group(members, since, until, beside, fresh.keys()))
        return self._flag(groups, places)

    def flag_archived(self, keys: Set[Key]) -> FlaggedObservations:
        """Return the flags of archived observations, checked in full. Raises: ArchiveError."""
        return self._flag([_Group(*group, {}, keys) for group in _groups(keys)], {})

    def _flag(self, groups: Iterable[_Group], places: Mapping[str, Station]) -> FlaggedObservations:
        found, reflagged = FlaggedObservations(), dict[Key, Observation]()
        for group in groups:
            part = self._flag_group(group, places)
            found.new += part.new
            reflagged.update({key_of(each): each for each in part.reflagged})
            found.counts += part.counts
        found.reflagged = list(reflagged.values())
        return found

    def _flag_group(self, group: _Group, places: Mapping[str, Station]) -> FlaggedObservations:
        """Flag one group's reports, with what the archive holds around them."""
        places = {**places, **self._stations}
        since, until = group.since, group.until
        stored = self._around(group.members, since - REACH_TIME, until + 2 * REACH_TIME)
        table = group.table(stored, places)
        affected, fresh = group.affected(table, until + REACH_TIME)
        if more := stations_needing_more(table, fresh, affected):
            longer = frozenset(more)
            stored |= self._around(longer, since - LONGEST_RUN, since - REACH_TIME)
            stored |= self._around(longer, until + 2 * REACH_TIME, until + LONGEST_RUN + REACH_TIME)
            table = group.table(stored, places)
            affected, fresh = group.affected(table, until + LONGEST_RUN, longer)
        flags = check(table, bounds_table(table, self._bounds(group.members, since)))
        found = FlaggedObservations(counts=flags.summary(np.flatnonzero(fresh)))
        for row in np.flatnonzero(affected).tolist():
            observation = replace(table.observations[row], flags=flags.of(row))
            key = key_of(observation)
            if fresh[row] and key in group.beside:
                found.new.append(observation)
            elif (
                key in stored
                and (fresh[row] or key not in group.batch)
                and observation.flags != stored[key].flags
            ):
                found.reflagged.append(observation)
        return found

    def _bounds(self, stations: frozenset[str], since: datetime) -> dict[str, Bounds]:
        """Return the bounds of stations by the weeks before `since`; none for too many at once."""
        if len(stations) > PAST_STATIONS:
            return {}
        seconds = PAST_KEPT.total_seconds()
        until = datetime.fromtimestamp(since.timestamp() // seconds * seconds, UTC)
        if len(self._past) > 2 * PAST_STATIONS:
            self._past.clear()
        if wanted := [name for name in sorted(stations) if (name, until) not in self._past]:
            series = self._observations.series(wanted, until - WEEKS, until)
            self._past |= {(name, until): bounds_of(series.get(name, ())) for name in wanted}
        return {name: self._past[name, until] for name in stations}

    def _around(
        self, stations: frozenset[str], since: datetime, until: datetime
    ) -> dict[Key, Observation]:
        """Return what the archive holds of stations and of their neighbours."""
        wanted = sorted(stations.union(*(self._near.get(station, ()) for station in stations)))
        series = self._observations.series(wanted, since, until)
        return {key_of(o): o for observations in series.values() for o in observations}


@dataclass(frozen=True, slots=True)
class _Group:
    """Stations with new reports within one span of time.

    beside: reports that are not in the archive yet, the whole batch of that span. batch: keys of
    all new reports, of all spans.
    """

    members: frozenset[str]
    since: datetime
    until: datetime
    beside: Mapping[Key, Observation]
    batch: Set[Key]

    def table(
        self, stored: Mapping[Key, Observation], places: Mapping[str, Station]
    ) -> ReportTable:
        """Return the reports of the archive and of the batch, which corrects the archive."""
        rows = dict(stored)
        for key, observation in self.beside.items():
            rows[key] = merged(stored.get(key), observation)
        present = {station for station, _, _ in rows}
        return ReportTable.of(
            rows.values(), {name: place for name, place in places.items() if name in present}
        )

    def affected(
        self, table: ReportTable, limit: datetime, longer: frozenset[str] | None = None
    ) -> tuple[Mask, Mask]:
        """Return which rows' flags may have changed, and which of them are new.

        These are the new rows, the row before them, those after them (until `limit`; for stations
        that `longer` does not name, until REACH), and the neighbours' of the same time slot.
        """
        rows = table.observations
        ours = np.array([row.station in self.members for row in rows], dtype=bool)
        new = ours & np.array([key_of(row) in self.batch for row in rows], dtype=bool)
        new &= (table.seconds >= self.since.timestamp()) & (table.seconds <= self.until.timestamp())
        first = np.full(int(table.series.max(initial=-1)) + 1, len(rows))
        np.minimum.at(first, table.series[new], np.flatnonzero(new))
        full = np.array([longer is None or row.station in longer for row in rows], dtype=bool)
        end = np.where(full, limit.timestamp(), min(limit, self.until + REACH_TIME).timestamp())
        after = ours & (np.arange(len(rows)) >= first[table.series] - 1) & (table.seconds <= end)
        slots = slot_of(table.seconds)
        beside = ~ours & np.isin(slots, np.unique(slots[new]))
        return new | after | beside, new


def key_of(observation: Observation) -> Key:
    """Return the key under which the archive holds an observation."""
    return (observation.station, observation.time, observation.form)


def merged(stored: Observation | None, later: Observation) -> Observation:
    """Return the later report, with the elements that only the earlier one has."""
    if stored is None or stored.values.keys() <= later.values.keys():
        return later
    flags = {name: flag for name, flag in stored.flags.items() if name not in later.values}
    return replace(later, values={**stored.values, **later.values}, flags={**flags, **later.flags})


def _groups(keys: Iterable[Key]) -> list[tuple[frozenset[str], datetime, datetime]]:
    """Return (stations, since, until) of the spans with reports, at most STATIONS_AT_ONCE each."""
    return [
        (frozenset(members[start : start + STATIONS_AT_ONCE]), since, until)
        for (since, until), members in _spans(keys)
        for start in range(0, len(members), STATIONS_AT_ONCE)
    ]


def _spans(keys: Iterable[Key]) -> list[tuple[tuple[datetime, datetime], list[str]]]:
    """Return the spans of time (whole hours) with reports, each with its stations.

    A gap of more than LONGEST divides a station's reports into two spans.
    """
    times: dict[str, list[float]] = {}
    for station, time, _ in keys:
        times.setdefault(station, []).append(time.timestamp())
    found: dict[tuple[datetime, datetime], list[str]] = {}
    for station, moments in times.items():
        ordered = np.sort(moments)
        breaks = np.flatnonzero(np.diff(ordered) > LONGEST)
        for first, last in zip(ordered[[0, *(breaks + 1)]], ordered[[*breaks, -1]], strict=True):
            span = (first // 3600 * 3600, -(-last // 3600) * 3600)
            key = (datetime.fromtimestamp(span[0], UTC), datetime.fromtimestamp(span[1], UTC))
            found.setdefault(key, []).append(station)
    return sorted(found.items())


def _near(stations: Sequence[Station]) -> dict[str, tuple[str, ...]]:
    """Return the ids of each station's neighbours."""
    if len(stations) <= NEIGHBOURS:
        return {}
    return {
        station.id: tuple(stations[other].id for other in row if other >= 0)
        for station, row in zip(stations, neighbours(stations), strict=True)
    }
