"""The columns of station tables and their names: the table columns.csv beside this module.

A column is named by an element of the catalogue or by one of the names in that table, in any case,
with words joined by a space or `_`, and its unit after it in brackets: `air_temperature`,
`Temperature (degF)`. A time may be in one column or in columns of year, month, day, hour and
minute, or in a column `date` and one of the time of day. Its zone stands in brackets
(`time (UTC+8)`), beside the name (`time_utc`, `UTC time`, `timeUTC`) or in a column `zone`.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from forecast.observations.formats.zones import is_zone, names_format, split_zone
from forecast.quantities import ELEMENTS

STATION, TIME, DATE, ZONE, UNUSED = "station", "time", "date", "zone", "unused"
TIME_PARTS = ("year", "month", "day", "hour", "minute")
LONGEST = 80  # characters of a column's name


def _read_table() -> tuple[dict[str, str], dict[str, str]]:
    """Return column name -> meaning, and spelling of a unit -> unit."""
    meanings, units = {name: name for name in (*ELEMENTS, *TIME_PARTS)}, dict[str, str]()
    with Path(__file__).with_name("columns.csv").open(encoding="utf-8", newline="") as file:
        for meaning, *names in csv.reader(line for line in file if not line.startswith("#")):
            if meaning.startswith("unit "):
                units.update(dict.fromkeys(names, meaning.removeprefix("unit ")))
            else:
                meanings.update(dict.fromkeys(names, meaning))
    return meanings, units


_MEANING, UNIT_SPELLINGS = _read_table()
# What a bare number in a column of a zone is in; "?": a zone only if a cell says so.
_ZONE_UNITS = {"zone_s": "s", "zone_min": "min", "zone_or_not": "?"}
DATED = (TIME, DATE, *TIME_PARTS)  # columns that may name a zone
_DATED_NAMES = tuple(name for name, meaning in _MEANING.items() if meaning in DATED)
_WITH_UNIT = re.compile(r"([^(\[\uff08]*)[(\[\uff08]([^()\[\]\uff08\uff09]{1,60})[)\]\uff09]")


def column_names() -> dict[str, str]:
    """Return column name -> meaning."""
    return dict(_MEANING)


def column(header: str) -> tuple[str, str] | None:
    """Return a column's meaning and unit ("": none given); None where it is unknown.

    The meaning is an element, STATION, TIME, DATE, ZONE, one of TIME_PARTS or UNUSED. Of a time or
    a date, the unit is its zone, of a zone that of a bare number.
    """
    text = header.strip().strip('"').strip()
    unit = ""
    if len(text) > LONGEST:
        return None
    if found := _WITH_UNIT.fullmatch(text):
        text, unit = found[1], found[2]
    meaning = _MEANING.get(re.sub(r"[\s_]+", "_", text.strip().lower()))
    if meaning is not None:
        return (ZONE, _ZONE_UNITS[meaning]) if meaning in _ZONE_UNITS else (meaning, unit)
    if unit and names_format(unit):
        unit = ""
    if is_zone(text) and not unit:
        return TIME, text
    if split := split_zone(text, _DATED_NAMES):
        return _MEANING[split[0]], split[1] if not unit else f"{split[1]} {unit}"
    return None
