"""Times as the cells and comments of station tables spell them."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

from forecast.observations.formats.collector import checked_time, quoted
from forecast.observations.formats.zones import localised, offset_of, same_zone, zone_of

KNOWN_TIMES = 20_000  # spellings of times that are remembered

_SPELLED = re.compile(
    r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)?"
)
_DIGITS = re.compile(r"\d{10}(\d\d){0,2}")
# A time, with the zone that the cell names behind it: 2026-11-22 08:00 UTC+8.
_ZONED = re.compile(r"(\d{4}[-/]?\d\d?[-/]?\d\d?[ T]*\d{1,2}:?\d{2}(?::?\d{2})?)\s*(\S.*)")
# A day, and a day that a spreadsheet writes as its midnight or beside its time.
_DATE = re.compile(r"(\d{4})(?:[-/](\d{1,2})[-/](\d{1,2})|(\d{2})(\d{2}))([ T]+.*)?")
_MIDNIGHT = re.compile(r"[ T]+0?0:00(:00)?(\.0+)?")
# A time of day in a column of its own: 08:00, 8:00:00, 0800 or 8, perhaps with a zone behind it.
_CLOCK = re.compile(r"(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?(?:\.\d{1,9})?(\s*[^\d\s:.].*)?")
UNSURE = "?"  # unit of a column that is a zone's only where its cells say so


class TimeParser:
    """Parses times, each spelling once.

    zone: of times that name none. local: the zone that words like "local" mean. named: whether the
    table names `zone`, so that no cell may name another.
    """

    def __init__(self, zone: tzinfo, local: tzinfo | None = None, named: bool = False) -> None:
        self._zone, self._local, self._named = zone, local or zone, named
        self._known: dict[str, datetime] = {}
        self._zones: dict[str, tzinfo] = {}

    def parse(self, text: str) -> datetime:
        """Return the time in UTC. Raises: ValueError with examples of the format."""
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= KNOWN_TIMES:
                self._known.clear()
            known = self._known[text] = self._parse(text.strip(), self._zone)
        return known

    def parse_in(self, text: str, zone: str, unit: str = "") -> datetime:
        """Return the time in UTC of a cell and the zone that another cell names ("": none).

        unit: of a zone that is a bare number. Raises: ValueError.
        """
        if not zone.strip():
            return self.parse(text)
        found = self._zones.get(zone)
        if found is None:
            found = cell_zone(zone, self._local, unit)
            if self._named and not same_zone(found, self._zone):
                raise ValueError(
                    f"zone {quoted(zone, 32)}: the heading or a comment names another: write one"
                )
            if len(self._zones) < KNOWN_TIMES:
                self._zones[zone] = found
        return self._parse(text.strip(), found)

    def _parse(self, text: str, zone: tzinfo) -> datetime:
        if len(text) > 80:
            raise ValueError(_unread(text))
        moment = _moment(text)
        if moment is None and (found := _ZONED.fullmatch(text)):
            moment = _moment(found[1])
            if moment is not None:
                try:
                    zone = zone_of(found[2], self._local)
                except ValueError as error:
                    raise ValueError(f"the time {quoted(text, 48)}: {error}") from None
        if moment is None:
            raise ValueError(_unread(text))
        if moment.tzinfo is None:
            moment = localised(moment, zone)
        try:
            return checked_time(moment)
        except ValueError:
            raise ValueError(_unread(text)) from None


def joined(date: str, clock: str) -> str:
    """Return the time that the cells of a day and of a time of day give together.

    Either cell may hold the whole time if the other does not contradict it. Raises: ValueError.
    """
    date, clock = date.strip(), clock.strip()
    day, whole, timed = _DATE.fullmatch(date), _DATE.fullmatch(clock), _CLOCK.fullmatch(clock)
    if not clock:
        return date
    if whole is not None and whole[6]:
        if day is None or _numbers(day) == _numbers(whole):
            return clock
        raise ValueError(
            f"the columns of date and time give two days, {quoted(date)} and {quoted(clock)}: "
            "write the day once"
        )
    if day is None or timed is None or (day[6] and not _MIDNIGHT.fullmatch(day[6])):
        raise ValueError(_unread(f"{date} {clock}"))
    hour, minute, second, zone = timed.groups()
    year, month, number = _numbers(day)
    return f"{year}-{month:02d}-{number:02d} {hour}:{minute or '00'}:{second or '00'}{zone or ''}"


def _numbers(day: re.Match[str]) -> tuple[int, int, int]:
    return int(day[1]), int(day[2] or day[4]), int(day[3] or day[5])


def _unread(text: str) -> str:
    return (
        f"the time {quoted(text, 32)} is not read; "
        "write 2026-11-22T08:00:00+08:00, 2026-11-22 08:00 or 202611220800"
    )


def _moment(text: str) -> datetime | None:
    """Return the time that `text` spells, naive where it names no offset; None: none."""
    if not text.isascii():
        return None
    try:
        if _DIGITS.fullmatch(text):
            return datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S")  # noqa: DTZ007
        if found := _SPELLED.fullmatch(text):
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
        return datetime.fromisoformat(text) if 10 < len(text) <= 40 else None
    except ValueError:
        return None


def cell_zone(text: str, local: tzinfo, unit: str) -> tzinfo:
    """Return the zone of a cell, also of a bare number. Raises: ValueError."""
    plain = text.strip()
    if unit != UNSURE and (offset := offset_of(plain, unit)) is not None:
        return offset
    try:
        if unit == UNSURE and re.fullmatch(r"[\d.]+", plain):
            raise ValueError("is it the zone of the times? Call the column utc_offset if it is")
        return zone_of(plain, local)
    except ValueError as error:
        raise ValueError(f"zone {quoted(text, 32)}: {error}") from None
