"""Observations on their way in: files of a folder and pushed records, read, judged and kept.

Each file is read once, whatever it is called: its digest is kept in the transaction that keeps its
records, so that a process killed at any instant loses nothing and keeps nothing twice. Files stay
where they are, unless `observations.delete_after_days` says otherwise. A report is judged against
what lay around it in time, whenever it comes; what came after it is then judged again. Of two
reports of one station, moment and form the later corrects the earlier, element by element.

What is pushed is judged in two steps, so that the door never waits: at once by what the record
itself says (range, consistency), kept with a note; and by its past and its neighbours when
`observe` comes by next, many bodies at a time. The note lives in the archive until then. In between
a leap, or a value that stands still or apart, passes for good; the pages of live values are made
after `observe`.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from forecast.archive.issues import Archive
from forecast.archive.observations import FileRead, Observations, Reading
from forecast.domain import Fault, Observation, Station, as_utc
from forecast.observations import quality_control
from forecast.observations.formats import Parsed, ParseContext, parse_file
from forecast.observations.spool import SETTLE, SpoolFile, Spool
from forecast.settings import ObservationSettings

log = logging.getLogger(__name__)

AHEAD = timedelta(minutes=10)  # a report may be so much later than it was received
# kept in one transaction, about: what a kill may make us read again
BATCH_FILES, BATCH_RECORDS = 200, 20_000
STATIONS_AT_ONCE, PUSHED_AT_ONCE = 1000, 100_000  # stations, and pushed records, at once
REACH, LONGEST_RUN = (
    timedelta(seconds=quality_control.REACH),
    timedelta(seconds=quality_control.LONGEST),
)
STATIONS_NAMED = 3  # stations that are not in the settings, named in a fault

Key = tuple[str, datetime, str]  # of an observation: station, time, form


@dataclass(frozen=True, slots=True)
class IntakeSummary:
    """What came in: files and records kept, lines refused, records of stations that are not ours,
    values flagged by rule.

    waiting: files still being written. beyond: the folder holds more files than are looked at.
    cleared: old files deleted. judged: pushed records, kept before, that were judged by their past
    and their neighbours.
    """

    files: int = 0
    records: int = 0
    refused: int = 0
    strangers: int = 0
    flagged: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    beyond: bool = False
    cleared: int = 0
    judged: int = 0

    def __add__(self, other: IntakeSummary) -> IntakeSummary:
        return IntakeSummary(self.files + other.files, self.records + other.records,
                     self.refused + other.refused, self.strangers + other.strangers,
                     Counter(self.flagged) + Counter(other.flagged), self.waiting + other.waiting,
                     self.beyond or other.beyond,
                     self.cleared + other.cleared, self.judged + other.judged)  # fmt: skip

    @property
    def summary(self) -> str:
        flagged = ", ".join(f"{rule} {count}" for rule, count in self.flagged.items())
        parts = [f"{self.files} files, {self.records} records, {self.refused} lines refused"]
        parts += [f"{self.strangers} records of other stations"] if self.strangers else []
        parts += [f"{self.judged} pushed records judged"] if self.judged else []
        parts += [f"flagged: {flagged}"] if flagged else []
        parts += [f"{self.waiting} files still being written"] if self.waiting else []
        parts += ["more files than are looked at: clear the folder"] if self.beyond else []
        parts += [f"{self.cleared} old files deleted"] if self.cleared else []
        return "; ".join(parts)


@dataclass(slots=True)
class _Batch:
    """Files that are kept together."""

    dropped: list[SpoolFile] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)
    fresh: dict[Key, Observation] = field(default_factory=dict)
    # of other stations: to judge ours by
    company: dict[Key, Observation] = field(default_factory=dict)
    places: dict[str, Station] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return (
            len(self.files) >= BATCH_FILES or len(self.fresh) + len(self.company) >= BATCH_RECORDS
        )


class Intake:
    """Takes in what was dropped or pushed. The folder's job and pushes may share it: one batch or
    one push is kept at a time.

    settle [s]: over which a file must not change before it is read.
    """

    def __init__(
        self,
        settings: ObservationSettings,
        archive: Archive,
        zone: ZoneInfo,
        settle: float = SETTLE,
    ) -> None:
        self._settings, self._zone = settings, zone
        self._observations = Observations(archive)
        self._stations = {station.id: station.as_station() for station in settings.stations}
        terms = sorted(
            (station.id, sorted(station.units.items()), station.clock_offset_seconds)
            for station in settings.stations
        )
        # by these a file that was not taken in whole may be the next time
        self._fingerprint = f"{settings.keep_all} {terms}"
        self._near = _neighbours(tuple(self._stations.values()))
        self._folder = Spool(settings.folder, settle)
        self._looking, self._keeping = threading.Lock(), threading.Lock()

    def observe(self, now: datetime) -> IntakeSummary:
        """Take in every file of the folder that was not read yet, and judge what was pushed until
        now.

        A folder that is not there holds nothing. Raises: ArchiveError. What was kept until then
        stays kept; the rest is done next time.
        """
        now = as_utc(now, "now")
        with self._looking:
            return self._take_in(now) + self._judge_pushed()

    def _take_in(self, now: datetime) -> IntakeSummary:
        try:
            look = self._folder.look()
        except FileNotFoundError:
            return IntakeSummary()
        except OSError as error:
            log.error("%s: %s", self._settings.folder, error.strerror or error)
            return IntakeSummary()
        taken = IntakeSummary(waiting=look.waiting, beyond=look.beyond)
        for batch in self._batches(look.files, now):
            taken += self._keep(batch, now)
            for file in batch.dropped:
                self._folder.remember(file)
        if self._settings.delete_after_days is not None:
            oldest = now - timedelta(days=self._settings.delete_after_days)
            taken += IntakeSummary(cleared=self._folder.clear(oldest))
        return taken

    def receive(self, digest: str, name: str, parsed: Parsed, now: datetime) -> bool:
        """Take in what was parsed of one push, whole or not at all; False where the same bytes
        (`digest`) came before.

        What it says is judged by itself; `observe` judges it by what lies around it. Raises:
        ArchiveError.
        """
        now = as_utc(now, "now")
        batch = _Batch()
        self._sort(parsed, digest, name, now, batch)
        there = {station for station, _, _ in batch.fresh}
        verdict = quality_control.check_each_report(
            quality_control.ReportTable.of(
                batch.fresh.values(), {i: self._stations[i] for i in there & self._stations.keys()}
            )
        )
        judged = [
            replace(observation, flags=verdict.of(row))
            for row, observation in enumerate(verdict.table.observations)
        ]
        with self._keeping:
            return self._observations.keep_pushed(batch.files[0], judged)

    # -- files

    def _batches(self, files: Sequence[SpoolFile], now: datetime) -> Iterator[_Batch]:
        """Read files and yield what they hold, by the batch; those read before are only remembered."""
        terms = ParseContext(self._stations, self._zone)
        batch = _Batch()
        for start in range(0, len(files), BATCH_FILES):
            part = files[start : start + BATCH_FILES]
            digests = [_digest(file, terms.limits.size) for file in part]
            known = self._observations.was_read([*digests, *map(self._beside, digests)])
            for file, digest in zip(part, digests, strict=True):
                if digest in known or self._beside(digest) in known:
                    self._folder.remember(file)
                    continue
                parsed = _parsed(file, terms)
                if not file.unchanged():  # it was being written after all
                    continue
                known.add(digest)
                whole = not parsed.faults and all(
                    self._ours(each) and each.time <= now + AHEAD for each in parsed.observations
                )
                self._sort(parsed, digest if whole else self._beside(digest), file.name, now, batch)
                batch.dropped.append(file)
                if batch.full:
                    yield batch
                    batch = _Batch()
        if batch.files:
            yield batch

    def _beside(self, digest: str) -> str:
        """Return the digest under which a file is kept that was not taken in whole: with other
        stations, units or clocks it is new.
        """
        return hashlib.sha256(f"{digest} {self._fingerprint}".encode()).hexdigest()

    def _ours(self, observation: Observation) -> bool:
        return self._settings.keep_all or observation.station in self._stations

    def _sort(self, parsed: Parsed, digest: str, name: str, now: datetime, batch: _Batch) -> None:
        """Put what a file held into the batch: ours, others', refused."""
        faults, refused, kept = list(parsed.faults), len(parsed.faults) + parsed.untold, 0
        strangers: dict[str, None] = {}
        ahead: dict[str, Observation] = {}
        for observation in parsed.observations:
            key = (observation.station, observation.time, observation.form)
            if observation.time > now + AHEAD:
                refused += 1
                ahead.setdefault(observation.station, observation)
            elif self._ours(observation):
                batch.fresh[key] = _merged(batch.fresh.get(key), _finite(observation))
                kept += 1
            else:
                refused += 1
                strangers[observation.station] = None
                batch.company[key] = _finite(observation)
        where = parsed.faults[0].where if parsed.faults else _plain(name)
        for observation in ahead.values():
            minutes = (observation.time - now).total_seconds() / 60
            advice = "its clock is ahead: set it, or clock_offset_seconds of the station"
            faults.append(
                Fault(
                    where,
                    0,
                    f"station {observation.station} tells of {minutes:.0f} min after it was received: {advice}",
                )
            )
        if strangers:
            names = ", ".join(
                [*list(strangers)[:STATIONS_NAMED], *(["..."] if len(strangers) > STATIONS_NAMED else [])]
            )
            faults.append(
                Fault(
                    where,
                    0,
                    f"{len(strangers)} stations that are not in the settings are set aside: {names}",
                )
            )
        batch.places.update(
            {station.id: station for station in parsed.stations if station.id not in self._stations}
        )
        form = parsed.form or "unknown"
        batch.files.append(
            FileRead(Reading(digest, _plain(name), form, now, kept, refused), faults)
        )

    def _keep(self, batch: _Batch, now: datetime) -> IntakeSummary:
        """Judge a batch and keep it in one transaction."""
        with self._keeping:
            judged, rejudged, flagged = self._judged(batch)
            new = set(self._observations.keep_files(batch.files, judged, rejudged, now))
        readings = [file.reading for file in batch.files if file.reading.digest in new]
        strangers = len(batch.company)
        refused = sum(reading.refused for reading in readings) - strangers
        return IntakeSummary(
            len(readings),
            sum(reading.kept for reading in readings),
            max(0, refused),
            strangers,
            flagged,
        )

    # -- quality

    def _judged(self, batch: _Batch) -> tuple[list[Observation], list[Observation], Counter[str]]:
        """Return the batch's observations with their flags, those of the archive whose flags are
        now others, and a count by rule.
        """
        judged, rejudged, flagged = list[Observation](), dict[Key, Observation](), Counter[str]()
        ordered = sorted(
            [*batch.company.items(), *batch.fresh.items()], key=lambda item: item[1].time
        )
        times = [observation.time.timestamp() for _, observation in ordered]
        for (since, until), members in _windows(batch.fresh):
            first, last = np.searchsorted(times, [since.timestamp(), until.timestamp() + 1])
            beside = dict(ordered[first:last])
            for start in range(0, len(members), STATIONS_AT_ONCE):
                group = _Group(
                    frozenset(members[start : start + STATIONS_AT_ONCE]),
                    since,
                    until,
                    beside,
                    batch.fresh.keys(),
                )
                new, old, found = self._judge(group, batch.places)
                judged += new
                rejudged.update({(o.station, o.time, o.form): o for o in old})
                flagged += found
        return judged, list(rejudged.values()), flagged

    def _judge_pushed(self) -> IntakeSummary:
        """Judge what was pushed until now by what lies around it in the archive; what is pushed
        meanwhile is judged next time.
        """
        taken, notes = IntakeSummary(), list[int]()
        waiting, records = self._observations.unjudged(), 0
        for note, count in waiting.items():
            notes.append(note)
            records += count
            if records >= PUSHED_AT_ONCE or note == next(reversed(waiting)):
                taken += self._judge_noted(notes)
                notes, records = [], 0
        return taken

    def _judge_noted(self, notes: Sequence[int]) -> IntakeSummary:
        told = self._observations.told(notes)
        rejudged, flagged = dict[Key, Observation](), Counter[str]()
        for (since, until), members in _windows(told):
            for start in range(0, len(members), STATIONS_AT_ONCE):
                group = _Group(
                    frozenset(members[start : start + STATIONS_AT_ONCE]), since, until, {}, told
                )
                _, changed, found = self._judge(group, {})
                rejudged.update({(o.station, o.time, o.form): o for o in changed})
                flagged += found
        self._observations.keep_judged(list(rejudged.values()), notes)
        return IntakeSummary(judged=len(told), flagged=flagged)

    def _judge(
        self, group: _Group, others: Mapping[str, Station]
    ) -> tuple[list[Observation], list[Observation], Counter[str]]:
        """Judge the stations of a group over one span of time, with what the archive has around
        them.
        """
        stood = self._around(group.members, group.since - REACH, group.until + 2 * REACH)
        table = group.table(stood, {**others, **self._stations})
        asked, fresh = group.asked(table, group.until + REACH)
        if more := quality_control.stations_needing_more(table, fresh, asked):
            stood |= self._around(frozenset(more), group.since - LONGEST_RUN, group.since - REACH)
            stood |= self._around(
                frozenset(more), group.until + 2 * REACH, group.until + LONGEST_RUN + REACH
            )
            table = group.table(stood, {**others, **self._stations})
            asked, fresh = group.asked(table, group.until + LONGEST_RUN, frozenset(more))
        verdict = quality_control.check(table)
        new, old = list[Observation](), list[Observation]()
        for row in np.flatnonzero(asked).tolist():
            observation, flags = table.observations[row], verdict.of(row)
            key = (observation.station, observation.time, observation.form)
            if fresh[row] and key in group.beside:
                new.append(replace(observation, flags=flags))
            elif (
                key in stood
                and (fresh[row] or key not in group.batch)
                and flags != stood[key].flags
            ):
                old.append(replace(observation, flags=flags))
        return new, old, verdict.summary(np.flatnonzero(fresh))

    def _around(
        self, stations: frozenset[str], since: datetime, until: datetime
    ) -> dict[Key, Observation]:
        """Return what the archive has of stations and of their neighbours."""
        wanted = sorted(stations.union(*(self._near.get(station, ()) for station in stations)))
        series = self._observations.series(wanted, since, until)
        return {
            (o.station, o.time, o.form): o for observations in series.values() for o in observations
        }


@dataclass(frozen=True, slots=True)
class _Group:
    """Stations that told something within one span of time.

    beside: what the archive has not yet, the whole batch of that span. batch: what is to be judged
    as new, of all spans.
    """

    members: frozenset[str]
    since: datetime
    until: datetime
    beside: Mapping[Key, Observation]
    batch: Set[Key]

    def table(
        self, stood: Mapping[Key, Observation], places: Mapping[str, Station]
    ) -> quality_control.ReportTable:
        """Return the reports of the archive (`stood`) and of the batch as one table; the batch
        corrects the archive.
        """
        rows = dict(stood)
        for key, observation in self.beside.items():
            rows[key] = _merged(stood.get(key), observation)
        there = {station for station, _, _ in rows}
        return quality_control.ReportTable.of(
            rows.values(), {name: place for name, place in places.items() if name in there}
        )

    def asked(
        self, table: quality_control.ReportTable, upto: datetime, longer: frozenset[str] | None = None
    ) -> tuple[quality_control.Mask, quality_control.Mask]:
        """Return which rows' flags may have changed, and which of them are new.

        The new ones, the one before them, those after them (till `upto`, where `longer` does not
        name the station till REACH), and neighbours' of the same moment.
        """
        rows = table.observations
        ours = np.array([row.station in self.members for row in rows], dtype=bool)
        new = ours & np.array(
            [(row.station, row.time, row.form) in self.batch for row in rows], dtype=bool
        )
        new &= (table.seconds >= self.since.timestamp()) & (table.seconds <= self.until.timestamp())
        first = np.full(int(table.series.max(initial=-1)) + 1, len(rows))
        np.minimum.at(first, table.series[new], np.flatnonzero(new))
        near = np.array([longer is None or row.station in longer for row in rows], dtype=bool)
        limit = np.where(near, upto.timestamp(), min(upto, self.until + REACH).timestamp())
        after = ours & (np.arange(len(rows)) >= first[table.series] - 1) & (table.seconds <= limit)
        moments = np.unique(
            (table.seconds[new] + quality_control.SLOT // 2) // quality_control.SLOT
        )
        beside = ~ours & np.isin(
            (table.seconds + quality_control.SLOT // 2) // quality_control.SLOT, moments
        )
        return new | after | beside, new


def _windows(told: Iterable[Key]) -> list[tuple[tuple[datetime, datetime], list[str]]]:
    """Return the spans of time (to whole hours) in which stations told something, each with its
    stations; long silences part spans.
    """
    times: dict[str, list[float]] = {}
    for station, time, _ in told:
        times.setdefault(station, []).append(time.timestamp())
    found: dict[tuple[datetime, datetime], list[str]] = {}
    for station, moments in times.items():
        ordered = np.sort(moments)
        breaks = np.flatnonzero(np.diff(ordered) > quality_control.LONGEST)
        for first, last in zip(ordered[[0, *(breaks + 1)]], ordered[[*breaks, -1]], strict=True):
            span = (first // 3600 * 3600, -(-last // 3600) * 3600)
            key = (datetime.fromtimestamp(span[0], UTC), datetime.fromtimestamp(span[1], UTC))
            found.setdefault(key, []).append(station)
    return sorted(found.items())


def _neighbours(stations: Sequence[Station]) -> dict[str, tuple[str, ...]]:
    if len(stations) <= quality_control.NEIGHBOURS:
        return {}
    near = quality_control.neighbours(stations)
    return {
        station.id: tuple(stations[other].id for other in row if other >= 0)
        for station, row in zip(stations, near, strict=True)
    }


def _merged(stood: Observation | None, later: Observation) -> Observation:
    """Return the later report of a moment, with what only the earlier one said."""
    if stood is None or stood.values.keys() <= later.values.keys():
        return later
    flags = {name: flag for name, flag in stood.flags.items() if name not in later.values}
    return replace(later, values={**stood.values, **later.values}, flags={**flags, **later.flags})


def _finite(observation: Observation) -> Observation:
    """Return an observation without values that are no numbers."""
    if all(abs(value) < np.inf for value in observation.values.values()):
        return observation
    return replace(
        observation,
        values={name: value for name, value in observation.values.items() if abs(value) < np.inf},
    )


def _digest(file: SpoolFile, largest: int) -> str:
    try:
        return file.digest(largest)
    except OSError:
        return file.mark("cannot be read")


def _parsed(file: SpoolFile, terms: ParseContext) -> Parsed:
    """Parse a file; a defect of ours is a fault of its, and the others are read."""
    try:
        return parse_file(file.path, terms)
    except Exception as error:  # one file must never keep the others out
        log.exception("a defect: please report it, with the file %s", file.path)
        return Parsed(
            [],
            [
                Fault(
                    _plain(file.name),
                    0,
                    f"a defect of the program kept it from being read: {type(error).__name__}",
                )
            ],
        )


def _plain(name: str) -> str:
    """Return a file's name fit for a database and a page."""
    return "".join(c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "?" for c in name)[
        -200:
    ]
