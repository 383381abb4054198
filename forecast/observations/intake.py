"""Intake of station reports: files of the drop folder, pushed records and those of a feed.

A feed (CMADaaS) is asked for what is new; its records are archived as pushed ones are.

Each file is read once, whatever its name: its digest is stored in the same transaction as its
records, so a process killed at any moment loses nothing and stores nothing twice. Files stay where
they are unless `observations.delete_after_days` is set. Of two reports of one station, time and
form, the later corrects the earlier element by element.

Files get all quality checks on arrival (forecast/observations/flagging.py). Pushed records get the
range and internal checks at once, so that the sender does not wait; the archive notes them, and
`Intake.observe` applies the remaining checks later, many records at a time. Until then a step, a
constant value or a value that differs from its neighbours counts as good.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from forecast.archive.issues import Archive
from forecast.archive.observations import NOTHING, FileRead, Observations, Reading, Withdrawn
from forecast.domain import Fault, Observation, Station, as_utc
from forecast.observations.flagging import Flagging, Key, key_of, merged
from forecast.observations.formats import ParseContext, Parsed, parse_file
from forecast.observations.formats.collector import CLOCK_TOLERANCE
from forecast.observations.received import ReportFeed
from forecast.observations.report_table import finite
from forecast.observations.spool import SETTLE, Spool, SpoolFile
from forecast.settings import ObservationSettings

log = logging.getLogger(__name__)

# Approximate size of one transaction: what must be read again after a kill.
BATCH_FILES, BATCH_RECORDS = 200, 20_000
PUSHED_AT_ONCE = 100_000  # pushed records that are checked together
STATIONS_NAMED = 3  # unknown stations that a fault names


@dataclass(frozen=True, slots=True)
class IntakeSummary:
    """Counts of one intake.

    files, records: archived. refused: lines. unknown_stations: records of stations that are not in
    the settings. flagged: values by quality rule. waiting: files still being written. truncated:
    the folder holds more files than are scanned. deleted: old files. checked: pushed records, and
    those of a feed, whose remaining quality checks were made. fed: records of the feed (CMADaaS),
    which are no file's. notes: what it says of itself. failed: nothing could be had of it.
    """

    files: int = 0
    records: int = 0
    refused: int = 0
    unknown_stations: int = 0
    flagged: Mapping[str, int] = field(default_factory=dict)
    waiting: int = 0
    truncated: bool = False
    deleted: int = 0
    checked: int = 0
    fed: int = 0
    notes: tuple[str, ...] = ()
    failed: bool = False

    def __add__(self, other: IntakeSummary) -> IntakeSummary:
        return IntakeSummary(
            files=self.files + other.files,
            records=self.records + other.records,
            refused=self.refused + other.refused,
            unknown_stations=self.unknown_stations + other.unknown_stations,
            flagged=Counter(self.flagged) + Counter(other.flagged),
            waiting=self.waiting + other.waiting,
            truncated=self.truncated or other.truncated,
            deleted=self.deleted + other.deleted,
            checked=self.checked + other.checked,
            fed=self.fed + other.fed,
            notes=self.notes + other.notes,
            failed=self.failed or other.failed,
        )

    @property
    def summary(self) -> str:
        """Return the counts as one line of text."""
        flagged = ", ".join(f"{rule} {count}" for rule, count in self.flagged.items())
        parts = [f"{self.files} files, {self.records} records, {self.refused} lines refused"]
        parts += (
            [f"{self.unknown_stations} records of other stations"] if self.unknown_stations else []
        )
        parts += [f"{self.fed} of the records from CMADaaS"] if self.fed else []
        parts += [f"{self.checked} records checked"] if self.checked else []
        parts += [f"flagged: {flagged}"] if flagged else []
        parts += [f"{self.waiting} files still being written"] if self.waiting else []
        parts += ["more files than are scanned: clear the folder"] if self.truncated else []
        parts += [f"{self.deleted} old files deleted"] if self.deleted else []
        parts += [f"CMADaaS: {reason}" for reason in self.notes]
        return "; ".join(parts)


@dataclass(slots=True)
class _Batch:
    """Files that are archived in one transaction.

    fresh: observations to archive. company: those of other stations, used as neighbours only.
    places: where those stations stand.
    """

    spooled: list[SpoolFile] = field(default_factory=list)
    files: list[FileRead] = field(default_factory=list)
    fresh: dict[Key, Observation] = field(default_factory=dict)
    company: dict[Key, Observation] = field(default_factory=dict)
    places: dict[str, Station] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return (
            len(self.files) >= BATCH_FILES or len(self.fresh) + len(self.company) >= BATCH_RECORDS
        )


class Intake:
    """Takes in dropped files and pushed records.

    The folder's job and the push server may share it: one batch or one push is archived at a time.
    settle [s]: how long a file must stay unchanged before it is read.
    """

    def __init__(
        self,
        settings: ObservationSettings,
        archive: Archive,
        zone: ZoneInfo,
        settle: float = SETTLE,
        feed: ReportFeed | None = None,
    ) -> None:
        self._settings, self._zone, self._feed = settings, zone, feed
        self._observations = Observations(archive)
        self._stations = {station.id: station.as_station() for station in settings.stations}
        reading = sorted(
            (station.id, sorted(station.units.items()), station.clock_offset_seconds)
            for station in settings.stations
        )
        # A file that was not read in full may be read differently under other such settings.
        self._fingerprint = f"{settings.keep_all} {reading}"
        placed = {**(feed.places if feed else {}), **self._stations}
        self._flagging = Flagging(self._observations, placed)
        self._spool = Spool(settings.folder, settle)
        self._ask_lock, self._scan_lock, self._write_lock = (threading.Lock() for _ in range(3))

    def observe(self, now: datetime, ask: bool = True) -> IntakeSummary:
        """Take in the feed's new records and the folder's new files, and finish the checks of what
        was received until now.

        ask: whether the feed's servers are asked, which may take minutes; without it nobody is
        waited for. A missing folder counts as empty. Raises: ArchiveError. What was archived until
        then stays; the rest is done next time.
        """
        now = as_utc(now, "now")
        total = IntakeSummary()
        if ask:
            with self._ask_lock:
                total = self._ask(now)
        with self._scan_lock:
            return total + self._take_in(now) + self._check_pushed()

    def _ask(self, now: datetime) -> IntakeSummary:
        """Archive what the feed has that is new."""
        total = IntakeSummary()
        for batch in self._feed.receive(now) if self._feed else ():
            new = self.receive(
                batch.digest, batch.name, batch.parsed, now, batch.keep_all, batch.withdrawn
            )
            if new and batch.parsed.observations:  # else a failure: kept as a fault, no line
                refused = len(batch.parsed.faults) + batch.parsed.more_faults
                records = len(batch.parsed.observations)
                total += IntakeSummary(records=records, refused=refused, fed=records)
            elif not batch.parsed.observations:
                reasons = tuple(fault.reason for fault in batch.parsed.faults)
                total += IntakeSummary(notes=reasons, failed=batch.failed)
            batch.remember()
        return total

    def _take_in(self, now: datetime) -> IntakeSummary:
        try:
            scan = self._spool.scan()
        except FileNotFoundError:
            return IntakeSummary()
        except OSError as error:
            log.error("%s: %s", self._settings.folder, error.strerror or error)
            return IntakeSummary()
        total = IntakeSummary(waiting=scan.waiting, truncated=scan.truncated)
        for batch in self._batches(scan.files, now):
            total += self._check_and_archive(batch, now)
            for file in batch.spooled:
                self._spool.mark_read(file)
        if self._settings.delete_after_days is not None:
            oldest = now - timedelta(days=self._settings.delete_after_days)
            total += IntakeSummary(deleted=self._spool.clear(oldest))
        return total

    def receive(
        self,
        digest: str,
        name: str,
        parsed: Parsed,
        now: datetime,
        every: bool = False,
        withdrawn: Withdrawn = NOTHING,
    ) -> bool:
        """Archive one push, whole or not at all; return False where `digest` was archived before.

        every: keep the records of stations that are not listed, too. withdrawn: elements by station
        and time whose values are taken back. The records get the range and internal checks;
        `observe` makes the others. Raises: ArchiveError.
        """
        now = as_utc(now, "now")
        batch = _Batch()
        self._sort(parsed, digest, name, now, batch, every)
        flagged = self._flagging.flag_alone(batch.fresh)
        with self._write_lock:
            return self._observations.keep_pushed(batch.files[0], flagged, withdrawn)

    # -- files

    def _batches(self, files: Sequence[SpoolFile], now: datetime) -> Iterator[_Batch]:
        """Read files and yield their content in batches; known files are only marked as read."""
        context = ParseContext(self._stations, self._zone)
        batch = _Batch()
        for start in range(0, len(files), BATCH_FILES):
            part = files[start : start + BATCH_FILES]
            digests = [_digest(file, context.limits.size) for file in part]
            known = self._observations.was_read([*digests, *map(self._partial_digest, digests)])
            for file, digest in zip(part, digests, strict=True):
                if digest in known or self._partial_digest(digest) in known:
                    self._spool.mark_read(file)
                    continue
                parsed = _parsed(file, context)
                if not file.unchanged():  # it was still being written
                    continue
                known.add(digest)
                complete = not parsed.faults and all(
                    self._wanted(each) and each.time <= now + CLOCK_TOLERANCE
                    for each in parsed.observations
                )
                kept_as = digest if complete else self._partial_digest(digest)
                self._sort(parsed, kept_as, file.name, now, batch)
                batch.spooled.append(file)
                if batch.full:
                    yield batch
                    batch = _Batch()
        if batch.files:
            yield batch

    def _partial_digest(self, digest: str) -> str:
        """Return the digest for a file that was read in part: it changes with the settings."""
        return hashlib.sha256(f"{digest} {self._fingerprint}".encode()).hexdigest()

    def _wanted(self, observation: Observation) -> bool:
        return self._settings.keep_all or observation.station in self._stations

    def _sort(
        self,
        parsed: Parsed,
        digest: str,
        name: str,
        now: datetime,
        batch: _Batch,
        every: bool = False,
    ) -> None:
        """Add the content of a file to the batch: wanted, other and refused records."""
        kept, refused = 0, len(parsed.faults) + parsed.more_faults
        unknown: dict[str, None] = {}
        ahead: dict[str, Observation] = {}
        for observation in parsed.observations:
            key = key_of(observation)
            if observation.time > now + CLOCK_TOLERANCE:
                refused += 1
                ahead.setdefault(observation.station, observation)
            elif every or self._wanted(observation):
                batch.fresh[key] = merged(batch.fresh.get(key), finite(observation))
                kept += 1
            else:
                refused += 1
                unknown[observation.station] = None
                batch.company[key] = finite(observation)
        where = parsed.faults[0].where if parsed.faults else _plain(name)
        faults = [*parsed.faults, *_faults(where, ahead.values(), list(unknown), now)]
        batch.places.update(
            {station.id: station for station in parsed.stations if station.id not in self._stations}
        )
        reading = Reading(digest, _plain(name), parsed.form or "unknown", now, kept, refused)
        batch.files.append(FileRead(reading, faults))

    def _check_and_archive(self, batch: _Batch, now: datetime) -> IntakeSummary:
        """Check the quality of a batch and archive it in one transaction."""
        with self._write_lock:
            found = self._flagging.flag_batch(batch.fresh, batch.company, batch.places)
            new = set(self._observations.keep_files(batch.files, found.new, found.reflagged, now))
        readings = [file.reading for file in batch.files if file.reading.digest in new]
        unknown = len(batch.company)
        return IntakeSummary(
            files=len(readings),
            records=sum(reading.kept for reading in readings),
            refused=max(0, sum(reading.refused for reading in readings) - unknown),
            unknown_stations=unknown,
            flagged=found.counts,
        )

    def _check_pushed(self) -> IntakeSummary:
        """Make the remaining checks of what was pushed until now; later pushes wait."""
        total, notes, records = IntakeSummary(), list[int](), 0
        waiting = self._observations.unchecked()
        for note, count in waiting.items():
            notes.append(note)
            records += count
            if records >= PUSHED_AT_ONCE or note == next(reversed(waiting)):
                total += self._check_notes(notes)
                notes, records = [], 0
        return total

    def _check_notes(self, notes: Sequence[int]) -> IntakeSummary:
        pushed = self._observations.unchecked_records(notes)
        found = self._flagging.flag_archived(pushed)
        self._observations.keep_checked(found.reflagged, notes)
        return IntakeSummary(checked=len(pushed), flagged=found.counts)


def _faults(
    where: str, ahead: Iterable[Observation], unknown: Sequence[str], now: datetime
) -> list[Fault]:
    """Return the faults of records from the future and of unknown stations."""
    faults = []
    for observation in ahead:
        minutes = (observation.time - now).total_seconds() / 60
        reason = (
            f"station {observation.station} reports a time {minutes:.0f} min after it was "
            "received: its clock is ahead: set it, or clock_offset_seconds of the station"
        )
        faults.append(Fault(where, 0, reason))
    if unknown:
        more = ["..."] if len(unknown) > STATIONS_NAMED else []
        names = ", ".join([*unknown[:STATIONS_NAMED], *more])
        reason = (
            f"{len(unknown)} stations are not in the settings, their records are refused: {names}"
        )
        faults.append(Fault(where, 0, reason))
    return faults


def _digest(file: SpoolFile, largest: int) -> str:
    try:
        return file.digest(largest)
    except OSError:
        return file.metadata_digest("cannot be read")


def _parsed(file: SpoolFile, context: ParseContext) -> Parsed:
    """Parse a file; an unexpected exception becomes a fault, and the other files are still read."""
    try:
        return parse_file(file.path, context)
    except Exception as error:  # one file must not block the others
        log.exception("unexpected error: please report it, with the file %s", file.path)
        reason = f"not read because of a defect of the program: {type(error).__name__}"
        return Parsed([], [Fault(_plain(file.name), 0, reason)])


def _plain(name: str) -> str:
    """Return a file's name without characters that a database or a page cannot hold."""
    plain = (c if c.isprintable() and not "\ud800" <= c <= "\udfff" else "?" for c in name)
    return "".join(plain)[-200:]
