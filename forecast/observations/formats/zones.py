"""Time zones as station tables name them: offsets, IANA names, and words in several languages.

Beijing time (CST of China) is UTC+8 all the year, also in 1986-1991: summer time was a time of its
own (UTC+9), and observations kept Beijing time at the synoptic hours. A zone of the IANA data
(Asia/Shanghai) is the civil clock, with its summer times.
Names of more than one zone (CST, IST, BST, EST) are refused, with the zones that they may mean.
Source: WMO-No. 306 (2019), vol. I.1 (UTC); IANA Time Zone Database; State Council of China,
1986-05-04 (summer time).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

# of synoptic reports, all the year, also in 1986-1991: a day always has 24 hours
BEIJING = timezone(timedelta(hours=8))
LARGEST = 14.0  # [h] of any zone
# [s] of a bare number that tells how far a clock is ahead of UTC, by its unit
OFFSET_UNITS = {"": 3600.0, "h": 3600.0, "hours": 3600.0, "min": 60.0, "s": 1.0, "seconds": 1.0}


# First cells of the lines of zones.csv that list words and no zone.
WORD_LINES = (
    "local", "format", "hour", "weak", "zone", "time", "joint", "turned", "behind",
    "clock",
)  # fmt: skip


def _read_table() -> tuple[dict[str, float], dict[str, frozenset[str]], dict[str, str]]:
    """Return name -> hours ahead of UTC, the words of the other lines by their first cell, and
    ambiguous name -> the zones that it may mean.
    """
    hours, others, several = dict[str, float](), dict[str, frozenset[str]](), dict[str, str]()
    with Path(__file__).with_name("zones.csv").open(encoding="utf-8", newline="") as file:
        for first, *names in csv.reader(line for line in file if not line.startswith("#")):
            if first in WORD_LINES:
                others[first] = frozenset(names)
            elif first == "ambiguous":
                several[names[0]] = names[1]
            else:
                hours.update(dict.fromkeys(names, float(first)))
    return hours, others, several


_HOURS, _WORDS, _AMBIGUOUS = _read_table()
WORDS = _WORDS
_HOUR_WORDS = "|".join(("h", "hours?", *sorted(_WORDS["hour"], key=len, reverse=True)))
_OFFSET = re.compile(
    r"(?P<zone>[^\d+-]*)(?P<sign>[+-]|\u00b1)(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?"
    rf"(?:{_HOUR_WORDS})?"
)
# What stands in brackets of a time column without naming a zone: its format or unit.
_FORMATS = re.compile(
    r"[ymdhsntf%:./\-\s]+|hours?|hrs?|min(ute)?s?|days?|months?|years?|sec(ond)?s?|24h?|iso(8601)?",
    re.IGNORECASE,
)
SHORT = 5  # letters of names that may mean something else in running text, but for UNMISTAKABLE
UNMISTAKABLE = ("utc", "gmt", "utct", "zulu")


def _strong() -> re.Pattern[str]:
    """Return what finds a zone in running text: names that mean nothing else."""
    names = []
    for name in {*_HOURS, *_WORDS["local"]} - _WORDS["weak"]:
        if not name.isascii():
            names.append(re.escape(name))
        elif name in UNMISTAKABLE or len(name) > SHORT:
            names.append(rf"(?<![a-z]){r'[ ._-]{0,3}'.join(name)}(?![a-z])")
    areas = "Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc"
    names.append(rf"(?<![a-z])(?:{areas})/[a-z0-9_+-]+(?:/[a-z_]+)?")
    return re.compile("|".join(sorted(names, key=len, reverse=True)), re.IGNORECASE)


STRONG = _strong()
SHORTEST_JOINED = 3  # letters of a zone that is written onto a column's name
_SEPARATORS = " _-/.,:;|@()[]"  # between a column's name and its zone


def zone_of(text: str, local: tzinfo) -> tzinfo:
    """Return the time zone that `text` names; `local` for words that mean the station's clock.

    Raises: ValueError where it names none that is understood.
    """
    found = _zone(text)
    if found is None:
        name = _compact(text)
        why = f"{name.upper()} is {several}" if (several := _AMBIGUOUS.get(name)) else ""
        raise ValueError(
            f"the time zone is not understood{f' ({why})' if why else ''}: "
            "write UTC, UTC+8 or Asia/Shanghai"
        )
    return local if isinstance(found, str) else found


def names_format(text: str) -> bool:
    """Return whether the brackets of a time column hold a format or a unit, and no zone."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return not plain or (_zone(text) is None and _is_format(plain))


def _is_format(plain: str) -> bool:
    compact = re.sub(r"\s+", "", plain.lower())
    return compact in _WORDS["format"] or bool(_FORMATS.fullmatch(compact))


def split_zone(header: str, names: Iterable[str]) -> tuple[str, str] | None:
    """Return (name, zone) of a column that is named with its zone before or behind it.

    Such are `time_utc`, `UTC time`, `timeUTC` and `time/GMT`. names: of the columns that have a
    zone, in lower case with words joined by `_`. An ambiguous zone (CST) is returned too: it is no
    part of the name. None where no name or no zone is found.
    """
    text = re.sub(r"\s+", "_", unicodedata.normalize("NFKC", header).strip())
    small = text.lower()
    for name in sorted(names, key=len, reverse=True):
        for rest, joint in (
            (text[len(name) :], 0) if small.startswith(name) else ("", 0),
            (text[: -len(name)], -1) if small.endswith(name) else ("", 0),
        ):
            zone = rest.strip(_SEPARATORS)
            apart = bool(rest) and not (rest[joint].isascii() and rest[joint].isalpha())
            if len(zone) < SHORTEST_JOINED and not apart and zone != "Z":
                continue  # `minut` is no minute of UT
            if zone and (is_zone(zone) or _compact(zone) in _AMBIGUOUS):
                return name, zone
    return None


def is_ambiguous(text: str) -> bool:
    """Return whether `text` names more than one zone, such as CST."""
    return _compact(text) in _AMBIGUOUS


def is_zone(text: str) -> bool:
    """Return whether `text` names a zone that is understood."""
    return _zone(text) is not None


def offset_of(text: str, unit: str = "") -> tzinfo | None:
    """Return the zone of a bare number: how far its clock is ahead of UTC; None: no such number.

    unit: of OFFSET_UNITS.
    """
    if not re.fullmatch(r"[+-]?\d{1,5}(\.\d{1,4})?", text):
        return None
    seconds = float(text) * OFFSET_UNITS[unit]
    return timezone(timedelta(seconds=seconds)) if abs(seconds) <= LARGEST * 3600 else None


def same_zone(one: tzinfo, two: tzinfo) -> bool:
    """Return whether two zones have one clock in winter and in summer."""
    days = (datetime(2026, 1, 15), datetime(2026, 7, 15))  # noqa: DTZ001
    return all(one.utcoffset(day) == two.utcoffset(day) for day in days)


def localised(moment: datetime, zone: tzinfo) -> datetime:
    """Return a naive time in its zone.

    Raises: ValueError for an hour that occurs twice or never, at a change of summer time.
    """
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    exists = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment
    reason = "occurs twice, at the end" if exists else "does not occur, at the start"
    raise ValueError(
        f"{moment:%Y-%m-%d %H:%M} {reason} of summer time in {zone}: write it with its offset, "
        "2026-11-22T08:00:00+08:00"
    )


@lru_cache(maxsize=512)
def _zone(text: str) -> tzinfo | str | None:
    """Return the zone, "local", or None."""
    plain, compact = _plain(text), _compact(text)
    if compact in _WORDS["local"]:
        return "local"
    hours = _HOURS.get(compact.replace("-", ""), _HOURS.get(compact))
    named = "/" not in compact
    if hours is None and named and (found := _OFFSET.fullmatch(compact)):
        minutes, base = int(found["minutes"] or 0), _HOURS.get(found["zone"], 0.0)
        size = int(found["hours"]) + minutes / 60
        if (
            minutes >= 60
            or (found["zone"] and found["zone"] not in _HOURS)
            or (found["sign"] == "\u00b1" and size)
        ):
            return None
        hours = -size if found["sign"] == "-" else size
        if base and base != hours:  # Beijing time (UTC+8) is one zone, CET+3 is none
            return None
    if hours is not None:
        return _fixed(hours) if abs(hours) <= LARGEST else None
    if "/" in plain and re.fullmatch(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){1,2}", plain):
        try:
            return ZoneInfo(plain)
        except (ValueError, OSError, KeyError):
            return None
    return None


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().replace("\u2212", "-").strip("()[]")


def _compact(text: str) -> str:
    """Return a name as the table spells it: in lower case, without spaces, dots and `_`."""
    return re.sub(r"[\s._]+", "", _plain(text).lower())


def _fixed(hours: float) -> tzinfo:
    return timezone(timedelta(hours=hours)) if hours else UTC
