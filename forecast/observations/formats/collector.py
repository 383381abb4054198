"""What reading a file of observations gives, and how it is gathered: bounded, each record once,
each loss with its reason.

A form's `parse` never raises for what a file says and never lets it take more than `Limits` allow:
a bad line is a Fault, the good ones stay. Nothing of a file is repeated in a reason but through
`shown`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from forecast.domain import Fault, Observation, Station

STATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,23}")  # as in settings.StationSettings
EARLIEST, LATEST = 1900, 2100  # years that an observation can be of
CLOCK_TOLERANCE = timedelta(minutes=10)  # by which a report may be later than its receipt
REASONS_REMEMBERED = 10_000  # that are told once each
# What is neither ASCII that no page, terminal or spreadsheet acts upon nor a letter of a name:
# Latin with accents, kana, Han, Hangul, and the full-width brackets of units. Everything invisible,
# combining or written from the right is unsafe.
_UNSAFE = re.compile(
    r"[^A-Za-z0-9 .,:/()_\u00b0\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u2103\u3041-\u3096\u30a1-\u30fc\u3400-\u4dbf\u4e00-\u9fff"
    r"\uac00-\ud7a3\uff08\uff09-]"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may take: bytes (as read, and again as unpacked), bytes of JSON, of a line,
    lines, records, reasons kept.
    """

    size: int = 64 << 20
    json: int = 16 << 20
    line: int = 20_000
    lines: int = 1_000_000
    records: int = 300_000
    faults: int = 200


@dataclass(frozen=True, slots=True)
class ParseContext:
    """On what context a file is read.

    stations: those of the settings by id (units, clocks). zone: of a time that names none.
    received: when the file came in; it gives month and year to forms that only know the day (SYNOP,
    METAR). barred: stations of the settings for which this sender may not speak.
    """

    stations: Mapping[str, Station] = field(default_factory=dict)
    zone: tzinfo = UTC
    received: datetime | None = None
    limits: Limits = Limits()
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file said: observations in its order, what was set aside, and its stations where the
    form carries them.

    form: as in domain.Observation, empty where it was not recognised. repeated: records that only
    said again what stood already.
    untold: faults beyond those kept.
    """

    observations: list[Observation]
    faults: list[Fault]
    stations: list[Station] = field(default_factory=list)
    form: str = ""
    repeated: int = 0
    more_faults: int = 0


def quoted(text: str, length: int = 24) -> str:
    """Return `text` fit for a page, a terminal and a spreadsheet: in quotes, short, of harmless
    characters only.

    >>> shown("=cmd|' /C calc'!A0")
    "'?cmd?? /C calc??A0'"
    """
    return f"'{sanitised(text, length)}'"


def sanitised(text: str, length: int) -> str:
    """Return `text`, at most `length` of it, with a question mark for every character that
    something might act upon.
    """
    return _UNSAFE.sub("?", text[:length]) + ("..." if len(text) > length else "")


class Collector:
    """Gathers what a form's parser finds, within the limits."""

    def __init__(self, name: str, form: str, limits: Limits, later_wins: bool = True) -> None:
        """later_wins: of two records of one station and time the later corrects the earlier (else
        it only fills its gaps).
        """
        self.name = sanitised(name, 120)
        self.form = form
        self.limits = limits
        self.full = False
        self._later_wins = later_wins
        self._observations: list[Observation] = []
        self._at: dict[tuple[str, datetime], int] = {}
        self._stations: dict[str, Station] = {}
        self._faults: list[Fault] = []
        self._told: set[str] = set()
        self._untold = 0
        self._repeated = 0

    def fault(self, line: int, reason: str, once: str = "") -> None:
        """Set something aside; what carries the same `once` is told a single time."""
        if once:
            if once in self._told or len(self._told) >= REASONS_REMEMBERED:
                self.again()
                return
            self._told.add(once)
        if len(self._faults) < self.limits.faults:
            self._faults.append(Fault(self.name, line, reason))
        else:
            self.again()

    def again(self) -> None:
        """Count something that is set aside for a reason already told."""
        self._untold += 1

    def place(self, station: Station) -> None:
        """Note where a station stands, as the form says; the first word counts."""
        self._stations.setdefault(station.id, station)

    def add(
        self,
        station: str,
        time: datetime,
        values: dict[str, float],
        line: int,
        flags: Mapping[str, int] | None = None,
    ) -> None:
        """Keep a record; one of a station and time that stood already is joined to it. `time` is
        aware.
        """
        if not values:
            return
        key = (station, time)
        at = self._at.get(key)
        if at is None:
            if len(self._observations) >= self.limits.records:
                self.full = True
                self.fault(
                    line,
                    f"more than {self.limits.records} records: the rest is not read; split the file",
                    once="full",
                )
                return
            self._at[key] = len(self._observations)
            self._observations.append(Observation(station, time, values, flags or {}, self.form))
            return
        self._join(at, values, flags or {}, line)

    def _join(self, at: int, values: dict[str, float], flags: Mapping[str, int], line: int) -> None:
        stood = self._observations[at]
        if values.items() <= stood.values.items():
            self._repeated += 1
            return
        if self._later_wins:
            if any(stood.values.get(element, value) != value for element, value in values.items()):
                said = f"station {stood.station} at {stood.time:%Y-%m-%dT%H:%MZ}"
                self.fault(
                    line, f"says otherwise what an earlier line said of {said}: the later is kept"
                )
            joined, marks = {**stood.values, **values}, {**stood.flags, **flags}
        else:
            joined = {**values, **stood.values}
            marks = {
                **{element: flag for element, flag in flags.items() if element not in stood.values},
                **stood.flags,
            }
        self._observations[at] = Observation(stood.station, stood.time, joined, marks, stood.form)

    def lines(self, data: bytes) -> Iterator[tuple[int, str]]:
        """Yield the number and the text of each line that has one: UTF-8 (with or without mark) or
        GB 18030, without NUL, not too long.
        """
        for number, raw in enumerate(io.BytesIO(data), 1):
            if self.full:
                return
            if number > self.limits.lines:
                self.fault(
                    number,
                    f"more than {self.limits.lines} lines: the rest is not read; split the file",
                )
                return
            if len(raw) > self.limits.line:
                self.fault(
                    number, f"the line has {len(raw)} bytes, at most {self.limits.line} are read"
                )
                continue
            if b"\0" in raw:
                self.fault(
                    number,
                    "the line holds NUL bytes: the file is damaged, or UTF-16 (save it as UTF-8)",
                )
                continue
            try:
                text = raw.decode("utf-8")
            except UnicodeDecodeError:
                try:
                    text = raw.decode("gb18030")
                except UnicodeDecodeError:
                    self.fault(number, "the line is neither UTF-8 nor GBK text")
                    continue
            text = text.strip("\r\n\ufeff")
            if text and not text.isspace():
                yield number, text

    def parsed(self) -> Parsed:
        return Parsed(
            self._observations,
            self._faults,
            list(self._stations.values()),
            self.form,
            self._repeated,
            self._untold,
        )


# Control characters become spaces and what is not ASCII a question mark: for forms of telegraphic
# text.
_TELEGRAPHIC = bytes(
    10 if n == 10 else 32 if n < 32 or n == 127 else n if n < 127 else 63 for n in range(256)
)


def bulletin_text(data: bytes) -> bytes:
    """Return the text of a bulletin without the control characters of its transmission."""
    return data.translate(_TELEGRAPHIC)


def checked_time(moment: datetime) -> datetime:
    """Return an aware time in UTC. Raises: ValueError for one that no observation can have."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError(f"the year {moment.year} is not within {EARLIEST}..{LATEST}")
    return moment
