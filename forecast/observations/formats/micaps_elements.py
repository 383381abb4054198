"""MICAPS diamond 3: a table of one element, a line a station, hour in Beijing time.

The file does not say in a field which element it holds: its title does, in words. The title is
searched for the names of our columns (columns.csv); a title that names none, or two, refuses the
file. Values are in the element's usual unit; 9999 is missing. The numbers run on without regard to
lines: head, contour values, smoothing, the boundary's points, the number of elements and stations,
then id, longitude, latitude, altitude and values of each station.
Source: ../shared/cmadaas.md, section 5; nmc_met_io 0.1, read_micaps.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from forecast.domain import Name, Station
from forecast.observations.formats.collector import (
    STATION_ID,
    Collector,
    ParseContext,
    Parsed,
    checked_time,
    quoted,
)
from forecast.observations.formats.columns import column_names
from forecast.observations.formats.units import conversion
from forecast.observations.formats.zones import BEIJING
from forecast.quantities import ELEMENTS

FORM = "micaps3"
MISSING = 9999.0
SHORTEST_NAME = 2  # characters of a name that is searched for in a title
STATIONS = 50_000  # that are read of a table


class _TableRefused(Exception):
    """Why a table is not read."""


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the reports of a table."""
    collector = Collector(name, FORM, (context or ParseContext()).limits)
    lines = [text for _, text in collector.lines(data)]
    try:
        element = element_of(lines[0] if lines else "")
        words = " ".join(lines[1:]).replace(",", " ").split()
        moment, rows = _rows(words)
    except _TableRefused as reason:
        collector.fault(1, str(reason))
        return collector.parsed()
    factor, offset = conversion(element)
    for number, row in enumerate(rows, 1):
        station = row[0]
        if not STATION_ID.fullmatch(station):
            collector.fault(number, f"{quoted(station)} is not a station number", once="station")
            continue
        try:
            longitude, latitude, height, value = (float(word) for word in row[1:5])
        except ValueError:
            collector.fault(number, f"station {station}: its place or value is not a number")
            continue
        if abs(latitude) <= 90 and -180 <= longitude <= 360 and height != MISSING:
            collector.add_station(Station(station, Name("", ""), latitude, longitude, height))
        if value != MISSING:
            collector.add(station, moment, {element: value * factor + offset}, number)
    return collector.parsed()


def element_of(title: str) -> str:
    """Return the element that a title names; of several names the longest counts.

    Raises: _TableRefused where it names none, or two that do not stand in each other.
    """
    text = title.lower()
    names = {
        name: meaning
        for name, meaning in column_names().items()
        if meaning in ELEMENTS and len(name) >= SHORTEST_NAME and name in text
    }
    # a name within a longer one is part of it: cloud in low cloud
    whole = {
        name: meaning
        for name, meaning in names.items()
        if not any(name != other and name in other for other in names)
    }
    found = set(whole.values())
    if len(found) != 1:
        known = "none" if not found else " and ".join(sorted(found))
        raise _TableRefused(
            f"the title names {known} of our elements: {quoted(title, 60)}; write one of their "
            "names (docs/observations.md) into it"
        )
    return found.pop()


def _rows(words: Sequence[str]) -> tuple[datetime, list[Sequence[str]]]:
    """Return the time of a table and its rows. Raises: _TableRefused."""
    try:
        year, month, day, hour = (int(word) for word in words[:4])
        year = year if year >= 100 else year + (1900 if year >= 70 else 2000)
        moment = checked_time(datetime(year, month, day, hour, tzinfo=BEIJING))
        at = 6 + int(words[5]) + 2  # contours; smoothing and the bold one
        at += 1 + 2 * int(words[at])  # the boundary's points
        elements, stations = int(words[at]), int(words[at + 1])
    except (ValueError, IndexError, OverflowError) as error:
        raise _TableRefused(
            "the head is not year, month, day, hour, level, contours, boundary, elements, stations"
        ) from error
    if elements != 1 or not 0 <= stations <= STATIONS:
        raise _TableRefused(f"{elements} elements of {stations} stations: one element is read")
    rest = words[at + 2 :]
    if len(rest) != 5 * stations:
        raise _TableRefused(f"{len(rest)} values, the head says {stations} stations of 5 each")
    return moment, [rest[5 * n : 5 * n + 5] for n in range(stations)]
