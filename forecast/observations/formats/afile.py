"""A-file: the archived month of one Chinese surface station.

Read are station pressure and sea-level pressure (P), temperature (T), dew point (second part of I),
humidity (U), total and low cloud (N), visibility where it is automatic (V in metres), hourly
precipitation (second part of R) and the ten-minute wind (second part of F), with the
quality codes that follow. Not read: extremes, vapour pressure, cloud types and heights, weather,
evaporation, snow, ice, soil, sunshine (its hours are of true solar time). A day runs from 21 h of
the day before to 20 h, Beijing time; four values are of 02, 08, 14 and 20 h, three of 08, 14 and
20 h.

Source: QX/T 119-2021, ch. 5: parts, order and units; checked against A58237-202111 (extremes within
the day's values).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.domain import DOUBTFUL, GOOD, WRONG, Name, Station
from forecast.observations.formats.collector import (
    Collector,
    ParseContext,
    Parsed,
    checked_time,
    quoted,
)
from forecast.observations.formats.zones import BEIJING

FORM = "afile"
# Number of values of a day -> their hours; four values are of the synoptic hours.
HOURS = {24: tuple(range(-3, 21)), 4: (2, 8, 14, 20), 3: (8, 14, 20)}
# Number of words of a day, with extremes -> number of values.
WITH_EXTREMES = {24: 24, 26: 24, 28: 24, 4: 4, 6: 4, 3: 3, 5: 3}
# correct, doubtful, wrong, corrected, changed; 8, 9: none
QUALITY = {"0": GOOD, "1": DOUBTFUL, "2": WRONG, "3": GOOD, "4": GOOD}
TRACE = ",,,,"
CALM = "PPC"
ALL = "%%"  # 100 %

_HEADER = re.compile(
    r"(?P<station>[0-9A-Z]\d{4}) (?P<latitude>\d{4}[NS]) (?P<longitude>\d{5}[EW]) "
    r"(?P<elevation>[01]\d{5}) "
    r".* (?P<year>\d{4}) (?P<month>\d\d)"
)
_BLOCK = re.compile(r"(Q?)([PTIEUNHCVRWLZGFDKASB])([0-9A-Z]?)(=?)")
_END = re.compile(r"(YF|JY|GK|BZ|######|\*{6}).*")


@dataclass(frozen=True, slots=True)
class _Part:
    """One part of a block: the lines between two `=`, from line `first` of the file on."""

    quality: bool
    letter: str
    mode: str
    number: int
    first: int
    lines: tuple[str, ...]


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the reports of a month; a fault's line is the first one of its part."""
    collector = Collector(name, FORM, (context or ParseContext()).limits)
    lines = collector.lines(data)
    number, text = next(lines, (0, ""))
    header = _HEADER.match(text[:200])
    if header is None or not 1 <= int(header["month"]) <= 12:
        collector.fault(
            number, "the first line is not station, latitude, longitude, elevation ... year, month"
        )
        return collector.parsed()
    station, year, month = header["station"], int(header["year"]), int(header["month"])
    try:
        noon = checked_time(datetime(year, month, 1, 12, tzinfo=BEIJING))
    except ValueError as error:
        collector.fault(number, str(error))
        return collector.parsed()
    first = noon - timedelta(hours=12)
    latitude, longitude = _degrees(header["latitude"]), _degrees(header["longitude"])
    collector.add_station(
        Station(station, Name("", ""), latitude, longitude, int(header["elevation"][1:]) / 10)
    )
    values: dict[datetime, dict[str, float]] = {}
    flags: dict[datetime, dict[str, int]] = {}
    for part in _parts(lines):
        for element, reader in READ.get((part.letter, part.number), ()):
            if part.letter == "V" and part.mode != "B":
                continue
            days = _days(part, calendar.monthrange(year, month)[1], collector)
            for moment, word in _moments(days, first, part, collector):
                if part.quality:
                    _flag(flags.setdefault(moment, {}), element, word)
                else:
                    _value(values.setdefault(moment, {}), element, reader, word, part, collector)
    for moment in sorted(values):
        found = values[moment]
        marks = {
            element: flag for element, flag in flags.get(moment, {}).items() if element in found
        }
        collector.add(station, moment, found, 1, marks)
    return collector.parsed()


def _degrees(text: str) -> float:
    """Return degrees of text in degrees and minutes, such as 3256N."""
    value = int(text[:-3]) + int(text[-3:-1]) / 60
    return -value if text[-1] in "SW" else value


def _parts(lines: Iterator[tuple[int, str]]) -> Iterator[_Part]:
    """Yield the parts of all blocks in order; quality codes come after the values."""
    quality, letter, mode, number, first, kept = False, "", "", 0, 0, list[str]()
    for line, text in lines:
        word = text.strip()
        if _END.fullmatch(word):
            return
        if block := _BLOCK.fullmatch(word):
            quality, letter, mode, number, first, kept = (
                bool(block[1]),
                block[2],
                block[3],
                0,
                line + 1,
                [],
            )
            continue
        if not letter:
            continue
        if len(kept) < 200:  # a part has at most four lines a day
            kept.append(word.rstrip("="))
        if word.endswith("="):
            yield _Part(quality, letter, mode, number, first, tuple(kept))
            number, first, kept = number + 1, line + 1, []


def _days(part: _Part, expected: int, collector: Collector) -> list[list[str]]:
    """Return the words of each day; none where the number of days is wrong."""
    dots = any(line.endswith(".") for line in part.lines)
    days = "\n".join(part.lines).split(".") if dots else list(part.lines)
    words = [day.split() for day in days]
    if not any(words):
        return []
    if len(words) != expected:
        where = f"{'quality of ' if part.quality else ''}{part.letter}, part {part.number + 1}"
        collector.fault(
            part.first, f"{where}: {len(words)} days, the month has {expected}: ignored"
        )
        return []
    return words


def _moments(
    days: Sequence[Sequence[str]], first: datetime, part: _Part, collector: Collector
) -> Iterator[tuple[datetime, str]]:
    """Yield each value's time (UTC) and word; `first` is the month's first midnight in Beijing."""
    for day, words in enumerate(days):
        count = WITH_EXTREMES.get(len(words))
        if count is None:
            where = f"{part.letter}, part {part.number + 1}, day {day + 1}"
            reason = f"{where}: {len(words)} values, expected 24, 4 or 3: ignored"
            collector.fault(part.first, reason)
            continue
        for hour, word in zip(HOURS[count], words):
            yield first + timedelta(days=day, hours=hour), word


def _flag(flags: dict[str, int], element: str, word: str) -> None:
    """Keep the flag of the highest level (station, province, nation) that gave one."""
    given = [digit for digit in word if digit in QUALITY]
    if given:
        flags[element] = QUALITY[given[-1]]


def _value(
    values: dict[str, float],
    element: str,
    reader: Callable[[str], float | None],
    word: str,
    part: _Part,
    collector: Collector,
) -> None:
    if set(word) <= {"/"}:
        return
    try:
        value = reader(word)
    except ValueError:
        collector.fault(
            part.first,
            f"{part.letter}, part {part.number + 1}: {quoted(word)} is not a value: ignored",
        )
        return
    if value is not None:
        values[element] = value


def _number(word: str) -> int:
    """Return a whole number. Raises: ValueError."""
    if not re.fullmatch(r"-?\d{1,5}", word):
        raise ValueError
    return int(word)


def _pressure(word: str) -> float:
    """Return the pressure [Pa] of 0.1 hPa without the thousands digit."""
    tenths = _number(word)
    return tenths * 10.0 + (100_000.0 if tenths < 5000 else 0.0)


def _temperature(word: str) -> float:
    return _number(word) / 10 + 273.15


def _humidity(word: str) -> float:
    return 1.0 if word == ALL else _number(word) / 100


def _cloud(word: str) -> float:
    """Return the cloud fraction of tenths; 11 is ten with gaps."""
    return min(_number(word), 10) / 10


def _rain(word: str) -> float:
    return 0.0 if word == TRACE else _number(word) / 10


def _direction(word: str) -> float | None:
    """Return the direction [degree] of dddfff; None in a calm."""
    if len(word) != 6:
        raise ValueError
    return None if word[:3] in (CALM, "///") else float(_number(word[:3]))


def _speed(word: str) -> float | None:
    if len(word) != 6:
        raise ValueError
    return None if word[3:] == "///" else _number(word[3:]) / 10


# (block, part) -> its elements and their readers.
# fmt: off
READ: dict[tuple[str, int], tuple[tuple[str, Callable[[str], float | None]], ...]] = {
    ("P", 0): (("air_pressure", _pressure),),
    ("P", 1): (("air_pressure_at_mean_sea_level", _pressure),),
    ("T", 0): (("air_temperature", _temperature),),
    ("I", 1): (("dew_point_temperature", _temperature),),
    ("U", 0): (("relative_humidity", _humidity),),
    ("N", 0): (("cloud_area_fraction", _cloud),),
    ("N", 1): (("low_cloud_area_fraction", _cloud),),
    ("V", 0): (("visibility_in_air", lambda word: float(_number(word))),),
    ("R", 1): (("precipitation_amount", _rain),),
    ("F", 1): (("wind_from_direction", _direction), ("wind_speed", _speed)),
}
# fmt: on
