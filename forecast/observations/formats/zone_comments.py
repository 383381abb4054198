"""Time zones that running text names: comments of a table, and what surrounds pushed records.

A zone counts where words say so (`# time zone: UTC`), where it is all of the
text (`# UTC`), and wherever a name stands that means nothing else (`# data in universal time`). The
zone of a moment in the text (`# exported 2026-11-22 08:05 UTC`) is that moment's own. Text that
names two zones, or speaks of a zone and gives none that is understood, decides nothing and refuses
the table.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import tzinfo

from forecast.observations.formats.collector import quoted
from forecast.observations.formats.columns import DATED, ZONE, column
from forecast.observations.formats.times import cell_zone
from forecast.observations.formats.zones import (
    STRONG,
    WORDS,
    is_ambiguous,
    is_zone,
    offset_of,
    same_zone,
    zone_of,
)

DEEPEST = 4  # levels of objects around pushed records that are searched
LONGEST = 400  # characters of a text in which a zone is sought


def _any_of(kind: str) -> str:
    """Return a pattern of the words of a line of zones.csv, the longest first."""
    names = sorted(WORDS[kind], key=len, reverse=True)
    return "|".join(re.escape(name).replace(r"\ ", "[ _-]?") for name in names)


_LED = re.compile(
    rf"(?<![a-z])(?:(?P<sure>{_any_of('zone')})|(?:{_any_of('time')}))(?![a-z])"
    rf"(?:\s*(?:[:=]|(?:{_any_of('joint')})(?![a-z])))*\s*",
    re.IGNORECASE,
)
# Words that turn the meaning of the zone behind or before them.
_TURNED = re.compile(rf"(?<![a-z])(?:{_any_of('turned')})\s*(?:the\s+)?$", re.IGNORECASE)
_TURNING = re.compile(rf"\s*(?:{_any_of('behind')})", re.IGNORECASE)
_CLOCK = re.compile(rf"(?<![a-z])(?:{_any_of('clock')})", re.IGNORECASE)
_ABBREVIATED = re.compile(r"[A-Z]{1,4}T\b")  # behind a word for times: ET, WAT
_MOMENT = re.compile(r"(?:\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?|\d{10,14})\s*\(?$")
_BEHIND = re.compile(r"\s*[+-]\s*\d{1,2}(?::?\d{2})?(?!\d)")  # an offset behind a name: UTC +8
_SPEAKS = re.compile(
    r"time[ _-]?zone|(?<![a-z])tz(?![a-z])|(utc|gmt)[ _-]?off|"
    + "|".join(name for name in WORDS["zone"] if len(name) > 1 and not name.isascii()),
    re.IGNORECASE,
)
_NOT_UNDERSTOOD = (
    "the time zone is not understood: write # time zone: and UTC, UTC+8 or Asia/Shanghai"
)


def commented_zone(text: str, local: tzinfo) -> tzinfo | None:
    """Return the zone that a comment names for the times; None where it names none.

    Raises: ValueError where it names one that is not understood, or two.
    """
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).strip("#\ufeff \t*;/.,")
    if _is_meant(plain):
        return zone_of(plain, local)
    for found in _LED.finditer(plain):
        rest, sure = plain[found.end() :], found["sure"]
        if (named := _led(rest, local, sure or "")) is not None:
            return named
        if (sure and rest.strip(" .,;:=)")) or _ABBREVIATED.match(rest):
            raise ValueError(_NOT_UNDERSTOOD)
    zone = _anywhere(plain, local)
    if zone is None and _CLOCK.search(plain):
        raise ValueError(_NOT_UNDERSTOOD)
    return zone


def names_moment(text: str) -> bool:
    """Return whether a comment names a zone behind a moment: its own, not that of the table."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST])
    return any(_MOMENT.search(plain[: found.start()]) for found in STRONG.finditer(plain))


def _is_meant(text: str) -> bool:
    """Return whether a text can only mean a zone: its name, an offset, or capital letters."""
    if not (is_zone(text) or is_ambiguous(text)):
        return False
    return bool(STRONG.match(text) or re.match(r"[+-]", text) or (len(text) > 1 and text.isupper()))


def _led(rest: str, local: tzinfo, word: str) -> tzinfo | None:
    """Return the zone with which `rest` begins; None: none. word: that speaks of a zone, or "".

    Raises: ValueError for a zone of several meanings.
    """
    words = rest.strip(" :=").split()
    for count in range(min(len(words), 4), 0, -1):
        text = " ".join(words[:count]).strip(" .,;()[]\"'")
        if _is_meant(text) or (word and (is_zone(text) or is_ambiguous(text))):
            return zone_of(text, local)
        if word and not word.lower().startswith("zone") and (offset := offset_of(text)):
            return offset
    return None


def _anywhere(text: str, local: tzinfo) -> tzinfo | None:
    """Return the zone that a text names without saying so. Raises: ValueError for two."""
    zones: dict[str, tzinfo] = {}
    turned = list[tzinfo]()
    for found in STRONG.finditer(text):
        before, name, end = text[: found.start()], found[0], found.end()
        if _MOMENT.search(before):
            continue
        if offset := _BEHIND.match(text, end):
            name, end = name + re.sub(r"\s", "", offset[0]), offset.end()
        zone = zone_of(name, local)
        if _TURNED.search(before) or _TURNING.match(text, end):
            turned.append(zone)
        else:
            zones[name] = zone
    chosen = list(zones.values())
    if any(not any(same_zone(zone, other) for other in chosen) for zone in turned):
        raise ValueError(_NOT_UNDERSTOOD)
    if any(not same_zone(chosen[0], other) for other in chosen[1:]):
        named = ", ".join(quoted(name, 24) for name in zones)
        raise ValueError(f"it names several time zones, {named}: write # time zone: and one")
    return chosen[0] if chosen else None


def enclosed_zone(content: Mapping[str, object], local: tzinfo) -> tzinfo | None:
    """Return the zone that an object around records names, at any depth; None: none.

    Raises: ValueError where one is not understood, or two differ.
    """
    found: tzinfo | None = None
    for name, value in _pairs(content, DEEPEST):
        zone = _named_by(name, value, local)
        if zone is not None and found is not None and not same_zone(zone, found):
            raise ValueError(f"{quoted(name, 40)}: another name gives another time zone: write one")
        found = zone or found
    return found


def _pairs(content: Mapping[str, object], depth: int) -> Iterator[tuple[str, object]]:
    for name, value in content.items():
        if isinstance(value, dict):
            if depth:
                yield from _pairs(value, depth - 1)
        elif not isinstance(value, list):
            yield name, value


def _named_by(name: str, value: object, local: tzinfo) -> tzinfo | None:
    """Return the zone of one name and value. Raises: ValueError."""
    known = column(name)
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if not text or isinstance(value, bool):
        return None
    if known is not None and known[0] == ZONE:
        try:
            return cell_zone(text, local, known[1])
        except ValueError as error:
            raise ValueError(f"{quoted(name, 40)}: {error}") from None
    stamped = known is not None and known[0] in DATED
    if stamped and isinstance(value, str) and (is_zone(text) or is_ambiguous(text)):
        return zone_of(text, local)
    if known is None and names_zone(text):
        raise ValueError(
            f"{quoted(name, 40)} is {quoted(text, 24)}: is it the zone of the times? "
            "Call it timezone"
        )
    return None


def names_zone(text: str) -> bool:
    """Return whether a cell names a zone by a word that means nothing else, and only that."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return is_zone(plain) and bool(STRONG.match(plain))


def speaks_of_zone(name: str) -> bool:
    """Return whether a column's name has a word for time zones."""
    return bool(_SPEAKS.search(unicodedata.normalize("NFKC", name)))
