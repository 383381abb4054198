"""The result of parsing a file of observations, and its collection within limits.

A format's `parse` never raises because of a file's content, and never lets it exceed `Limits`: a
bad line becomes a Fault, the good ones are kept. A fault's reason repeats content of the file only
through `quoted`.
"""

from __future__ import annotations

import io
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from forecast.domain import Fault, Observation, Station

STATION_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,23}")  # as in settings.StationSettings
EARLIEST, LATEST = 1900, 2100  # years of an observation
CLOCK_TOLERANCE = timedelta(minutes=10)  # by which a report may be later than its receipt
REASONS_REMEMBERED = 10_000  # that are reported once each
# All except harmless ASCII and letters of names: Latin with accents, kana, Han, Hangul, and the
# full-width brackets of units. Invisible, combining and right-to-left characters are unsafe.
_UNSAFE = re.compile(
    r"[^A-Za-z0-9 .,:/()_\u00b0\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u2103"
    r"\u3041-\u3096\u30a1-\u30fc\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff08\uff09-]"
)
_ACTING = "<>&'\"`|$=@!\\"  # on pages and command lines
# What a spreadsheet runs, in full width as well; a signed number is none.
_FORMULA = re.compile(r"[\uff1d\uff20]|[-+\uff0b\uff0d].*[-+*/(=|@!]")
_FILLERS = "\u115f\u1160\u3164\uffa0\u2800"  # letters without a picture


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one file: bytes (also decompressed), of JSON, of a line; lines, records, faults."""

    size: int = 64 << 20
    json: int = 16 << 20
    line: int = 20_000
    lines: int = 1_000_000
    records: int = 300_000
    faults: int = 200


@dataclass(frozen=True, slots=True)
class ParseContext:
    """What a parser must know besides the file.

    stations: of the settings, by id (units, clocks). zone: of times without one. received: when the
    file was received; it gives month and year to formats with the day only (SYNOP, METAR). barred:
    stations of the settings for which this sender may not report.
    """

    stations: Mapping[str, Station] = field(default_factory=dict)
    zone: tzinfo = UTC
    received: datetime | None = None
    limits: Limits = Limits()
    barred: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Parsed:
    """The content of a file.

    observations: in the file's order. faults: of rejected lines. stations: where the format
    describes them. form: as in domain.Observation, "" where unknown. repeated: number of records
    that add nothing. more_faults: number of faults beyond those kept.
    """

    observations: list[Observation]
    faults: list[Fault]
    stations: list[Station] = field(default_factory=list)
    form: str = ""
    repeated: int = 0
    more_faults: int = 0


def quoted(text: str, length: int = 24) -> str:
    """Return at most `length` characters of `text` as it is, in quotes.

    Characters that act on a page, a terminal, a spreadsheet or a reader are escaped.

    >>> quoted("75%\n<b>")
    "'75%\\x0a\\x3cb\\x3e'"
    """
    shown = "".join(_escaped(character) for character in text[:length])
    if _FORMULA.match(text):
        shown = f"{_code(text[0])}{shown[1:]}"
    return f"'{shown}{'...' if len(text) > length else ''}'"


def _escaped(character: str) -> str:
    """Return a character as it is, or as \\x3c or \\u202e where it is invisible or acts."""
    return _code(character) if character in _ACTING or not _visible(character) else character


def _code(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _visible(character: str) -> bool:
    """Return whether a character is printed by itself, from left to right."""
    return (
        character.isprintable()
        and unicodedata.category(character) not in ("Mn", "Mc", "Me")
        and unicodedata.bidirectional(character) not in ("R", "AL", "AN")
        and character not in _FILLERS
    )


def sanitised(text: str, length: int) -> str:
    """Return at most `length` characters of `text`, with ? for every unsafe one."""
    return _UNSAFE.sub("?", text[:length]) + ("..." if len(text) > length else "")


class Collector:
    """Collects what a parser finds, within the limits."""

    def __init__(self, name: str, form: str, limits: Limits, later_wins: bool = True) -> None:
        """later_wins: a later record corrects an earlier one, instead of filling its gaps only."""
        self.name = sanitised(name, 120)
        self.form = form
        self.limits = limits
        self.full = False
        self._later_wins = later_wins
        self._observations: list[Observation] = []
        self._at: dict[tuple[str, datetime], int] = {}
        self._stations: dict[str, Station] = {}
        self._faults: list[Fault] = []
        self._reported: set[str] = set()
        self._more_faults = 0
        self._repeated = 0

    def fault(self, line: int, reason: str, once: str = "") -> None:
        """Report a fault; those with the same `once` are reported a single time and counted."""
        if once:
            if once in self._reported or len(self._reported) >= REASONS_REMEMBERED:
                self.count_fault()
                return
            self._reported.add(once)
        if len(self._faults) < self.limits.faults:
            self._faults.append(Fault(self.name, line, reason))
        else:
            self.count_fault()

    def count_fault(self) -> None:
        """Count a fault whose reason is reported already."""
        self._more_faults += 1

    def add_station(self, station: Station) -> None:
        """Keep the position of a station; the first one counts."""
        self._stations.setdefault(station.id, station)

    def add(
        self,
        station: str,
        time: datetime,
        values: dict[str, float],
        line: int,
        flags: Mapping[str, int] | None = None,
    ) -> None:
        """Keep a record, merged with an earlier one of its station and time (aware).

        A value that is no finite number costs itself only.
        """
        if wrong := sorted(name for name, value in values.items() if not math.isfinite(value)):
            self.fault(line, f"{', '.join(wrong)}: not a finite number: ignored")
            values = {name: value for name, value in values.items() if name not in wrong}
        if not values:
            return
        key = (station, time)
        at = self._at.get(key)
        if at is None:
            if len(self._observations) >= self.limits.records:
                self.full = True
                self.fault(
                    line,
                    f"more than {self.limits.records} records: "
                    "the rest is not read; split the file",
                    once="full",
                )
                return
            self._at[key] = len(self._observations)
            self._observations.append(Observation(station, time, values, flags or {}, self.form))
            return
        self._merge(at, values, flags or {}, line)

    def _merge(
        self, at: int, values: dict[str, float], flags: Mapping[str, int], line: int
    ) -> None:
        earlier = self._observations[at]
        if values.items() <= earlier.values.items():
            self._repeated += 1
            return
        if self._later_wins:
            if any(
                earlier.values.get(element, value) != value for element, value in values.items()
            ):
                of = f"station {earlier.station} at {earlier.time:%Y-%m-%dT%H:%MZ}"
                self.fault(line, f"contradicts an earlier line of {of}: the later one is kept")
            joined, marks = {**earlier.values, **values}, {**earlier.flags, **flags}
        else:
            joined = {**values, **earlier.values}
            marks = {
                **{
                    element: flag
                    for element, flag in flags.items()
                    if element not in earlier.values
                },
                **earlier.flags,
            }
        self._observations[at] = Observation(
            earlier.station, earlier.time, joined, marks, earlier.form
        )

    def lines(self, data: bytes) -> Iterator[tuple[int, str]]:
        """Yield number and text of each line that is not empty; bad lines become faults.

        Text is UTF-8 (with or without byte order mark) or GB 18030.
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
                    "the line has NUL bytes: the file is damaged, or UTF-16 (save it as UTF-8)",
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
        """Return what was collected."""
        return Parsed(
            self._observations,
            self._faults,
            list(self._stations.values()),
            self.form,
            self._repeated,
            self._more_faults,
        )


# The control characters of transmission become spaces.
_SPACED = bytes(32 if (n < 32 and n != 10) or n == 127 else n for n in range(256))
_NOT_ASCII = bytes(63 if n > 127 else n for n in range(256))


def bulletin_text(data: bytes) -> bytes:
    """Return a bulletin without control characters, its full-width characters as ordinary ones.

    A line that is neither UTF-8 nor GB 2312 text has a question mark for each foreign byte.
    """
    spaced = data.translate(_SPACED)
    if spaced.isascii():
        return spaced
    return b"\n".join(line if line.isascii() else _plain_line(line) for line in spaced.split(b"\n"))


def _plain_line(line: bytes) -> bytes:
    for encoding in ("utf-8-sig", "gb2312"):
        try:
            return unicodedata.normalize("NFKC", line.decode(encoding)).encode()
        except UnicodeDecodeError:
            continue
    return line.translate(_NOT_ASCII)


def checked_time(moment: datetime) -> datetime:
    """Return an aware time in UTC. Raises: ValueError for an impossible one."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error
    if not EARLIEST <= moment.year <= LATEST:
        raise ValueError(f"the year {moment.year} is not within {EARLIEST}..{LATEST}")
    return moment
