"""Records of automatic, scenic-area and oxygen-ion stations: CSV tables and pushed JSON.

The first line of a table names its columns (forecast/observations/formats/columns.csv): the
station's id, the time, and elements. Cells are separated by commas, semicolons or tabs; text is
UTF-8 or GBK. A time without any zone is in the service's. A value is in
the unit that the settings name for the station, else the one in the header's brackets, else the
default (forecast/observations/formats/units.py). A zone that a cell, a comment or a header names
decides; one that is not understood refuses the file, in a cell its line. An empty cell or a missing
code gives no value; an impossible value is kept for quality control. Records of stations that are
not in the settings are refused, because their position is unknown.

Pushed JSON is a list of records, or {"records": [...]}, or one record, with the same names:
    {"station": "M1001", "time": "2026-11-22T08:00:00+08:00", "air_temperature": -3.4,
     "wind_speed": 6.1}
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from forecast.domain import Station
from forecast.observations.formats.collector import (
    STATION_ID,
    Collector,
    ParseContext,
    Parsed,
    quoted,
)
from forecast.observations.formats.columns import (
    DATE,
    DATED,
    STATION,
    TIME,
    TIME_PARTS,
    UNUSED,
    ZONE,
    column,
)
from forecast.observations.formats.times import TimeParser, commented_zone, joined
from forecast.observations.formats.units import conversion
from forecast.observations.formats.zones import names_format, zone_of
from forecast.quantities import ELEMENTS

# Missing values as stations write them. Of the ambiguous codes, one within the element's limits
# (9999 m, 9999 ions) is a value.
MISSING_WORDS = frozenset((
    "", "-", "--", "---", "/", "//", "///", "////", "na", "n/a", "nan", "nil", "none", "null", "m",
    "#n/a",
))  # fmt: skip
MISSING_CODES = frozenset((
    99999.0, 999999.0, 999998.0, -9999.0, -99999.0, -999999.0, -999.0, -999.9, -9999.9, 99999.9,
    999999.9,
))  # fmt: skip
AMBIGUOUS_MISSING_CODES = MISSING_CODES | frozenset((9999.0, 9999.9, 32766.0, 32744.0))
TRACES = frozenset((999990.0, 32700.0))  # it rained or snowed, too little to measure
AMOUNTS = ("precipitation_amount", "snow_depth")
LARGEST = 1e12  # no element has a larger value
_POINTS = "N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW".split()  # noqa: SIM905
COMPASS = {name: 22.5 * n for n, name in enumerate(_POINTS)}
REMEMBERED = 20_000  # stations whose columns are remembered

_NUMBER = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,3})?")


@dataclass(slots=True)
class _Column:
    """A column of one station: SI = value * factor + offset; low, high: limits of a value."""

    index: int
    element: str
    factor: float
    offset: float
    low: float
    high: float


class _RowReader:
    """Reads rows under one header."""

    def __init__(
        self,
        header: Sequence[str],
        line: int,
        collector: Collector,
        context: ParseContext,
        zone: tzinfo | None = None,
    ) -> None:
        self._collector, self._stations, self._barred = collector, context.stations, context.barred
        self._targets: dict[str, tuple[list[_Column], timedelta] | None] = {}
        self._elements: list[tuple[int, str, str]] = []  # (index, element, unit)
        self.width = len(header)
        places: dict[str, int] = {}
        zones: dict[str, tzinfo] = {}
        self._refused = False
        for index, name in enumerate(header):
            known = column(name)
            if known is None:
                if name.strip():
                    shown = quoted(name.strip(), 40)
                    reason = f"column {index + 1}, {shown}, is not known: it is ignored"
                    collector.fault(line, reason, once=f"column {index} {name[:80]}")
                continue
            meaning, unit = known
            if meaning == UNUSED:
                continue
            if meaning in places:
                collector.fault(
                    line,
                    f"column {index + 1} repeats {meaning}: it is ignored",
                    once=f"again {index} {meaning}",
                )
                continue
            places[meaning] = index
            if meaning in ELEMENTS:
                self._elements.append((index, meaning, unit))
            elif meaning in DATED and not names_format(unit):
                self._read_zone(unit, name, line, zones, context.zone)
        if len({str(found) for found in zones.values()}) > 1:
            named = ", ".join(quoted(each, 24) for each in zones)
            collector.fault(line, f"the header names several time zones: {named}: write one")
            self._refused = True
        chosen = next(iter(zones.values()), zone or context.zone)
        self._times = TimeParser(chosen, context.zone)
        self._zone_at = places.get(ZONE, -1)
        self.station_at = places.get(STATION, -1)
        self.time_at = _time_columns(places)

    @property
    def usable(self) -> bool:
        """Return whether station, time and at least one element have columns."""
        complete = self.station_at >= 0 and bool(self.time_at) and bool(self._elements)
        return complete and not self._refused

    @property
    def refused(self) -> bool:
        """Return whether the zone of the times is not understood, which a fault says."""
        return self._refused

    def _read_zone(
        self, unit: str, name: str, line: int, zones: dict[str, tzinfo], local: tzinfo
    ) -> None:
        """Keep the zone that a time's header names; one that is not understood refuses all."""
        try:
            zones[unit] = zone_of(unit, local)
        except ValueError as error:
            self._collector.fault(line, f"column {quoted(name.strip(), 40)}: {error}")
            self._refused = True

    def _time(self, cells: Sequence[Any]) -> datetime:
        """Return a row's time. Raises: ValueError."""
        zone = str(cells[self._zone_at]) if self._zone_at >= 0 else ""
        if len(self.time_at) == 1:
            return self._times.parse_in(cells[self.time_at[0]], zone)
        if len(self.time_at) <= 3:
            date, *clock = (cells[at].strip() for at in self.time_at)
            spelled = ":".join(f"{part:0>2}" if part.isdigit() else part for part in clock)
            return self._times.parse_in(joined(date, spelled), zone)
        year, month, day, hour, *minute = (cells[at].strip() for at in self.time_at)
        text = f"{year}-{month}-{day} {hour}:{minute[0] if minute else 0:0>2}"
        return self._times.parse_in(text, zone)

    def read(self, cells: Sequence[Any], line: int, careful: bool = False) -> None:
        """Keep one row. careful: check for what only Python accepts as a number (1_000, ...)."""
        station = cells[self.station_at]
        targets = self._targets.get(station, ())
        if not targets:
            if targets is None:
                self._collector.count_fault()
                return
            targets = self._known(station, line)
            if targets is None:
                return
        columns, ahead = targets
        try:
            time = self._time(cells)
        except ValueError as error:
            self._collector.fault(line, str(error))
            return
        values: dict[str, float] = {}
        for target in columns:
            cell = cells[target.index]
            try:
                value = float(cell)
            except ValueError:
                value = LARGEST
            if (careful and type(cell) is str) or not -LARGEST < value < LARGEST:
                unusual = self._unusual(cell, target, line)
                if unusual is None:
                    continue
                value = unusual
            result = value * target.factor + target.offset
            if value in AMBIGUOUS_MISSING_CODES and (
                value in MISSING_CODES or not target.low <= result <= target.high
            ):
                continue
            if value in TRACES and target.element in AMOUNTS:
                result = 0.0
            values[target.element] = result
        self._collector.add(station.strip(), time - ahead if ahead else time, values, line)

    def _unusual(self, cell: str, target: _Column, line: int) -> float | None:
        """Return the number in a cell that float() does not read; None, with a fault if wrong."""
        text = cell.strip()
        if text.lower() in MISSING_WORDS:
            return None
        if _NUMBER.fullmatch(text) and abs(value := float(text)) < LARGEST:
            return value
        if target.element == "wind_from_direction" and text.upper() in COMPASS:
            return COMPASS[text.upper()]
        self._collector.fault(line, f"{target.element}: {quoted(text)} is not a number")
        return None

    def _known(self, cell: str, line: int) -> tuple[list[_Column], timedelta] | None:
        """Return how a station's rows are read; None for an unknown station (reported once)."""
        name = cell.strip()
        station = self._stations.get(name)
        if station is None:
            if not STATION_ID.fullmatch(name):
                self._collector.fault(
                    line,
                    f"{quoted(name)} is not a station id: letters, digits, '-' and '_', at most 24",
                )
                return None
            reason = (
                f"station {name} is not in the settings, its records are refused: "
                "add it to observations.stations"
            )
            if name in self._barred:
                reason = f"this sender may not report for {name}"
            self._collector.fault(line, reason, once=f"station {name}")
            self._remember(cell, None)
            return None
        prepared = (self._prepared(station, line), timedelta(seconds=station.clock_offset))
        self._remember(cell, prepared)
        return prepared

    def _remember(self, cell: str, prepared: tuple[list[_Column], timedelta] | None) -> None:
        if len(self._targets) < REMEMBERED:
            self._targets[cell] = prepared

    def _prepared(self, station: Station, line: int) -> list[_Column]:
        targets = []
        for index, element, unit in self._elements:
            try:
                factor, offset = conversion(element, station.units.get(element, unit))
            except ValueError as error:
                self._collector.fault(
                    line,
                    f"station {station.id}: {error}: its values are ignored",
                    once=f"unit {station.id} {element}",
                )
                continue
            limits = ELEMENTS[element]
            targets.append(_Column(index, element, factor, offset, limits.low, limits.high))
        return targets


def _time_columns(places: dict[str, int]) -> list[int]:
    """Return the columns of a time: one, a day's and a clock's, or the parts; []: incomplete.

    places: meaning -> column.
    """
    if TIME in places:
        return [places[part] for part in (DATE, TIME) if part in places]
    parts = [places[part] for part in TIME_PARTS if part in places]
    if all(part in places for part in TIME_PARTS[:4]):
        return parts
    if DATE not in places:
        return []
    return [places[part] for part in (DATE, "hour", "minute") if part in places]


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the records of a table."""
    context = context or ParseContext()
    collector = Collector(name, "csv", context.limits)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        collector.fault(0, "the file is UTF-16 text: save it as UTF-8")
        return collector.parsed()
    table, separator, zone = None, ",", None
    for number, text in collector.lines(data):
        if table is None:
            if text.startswith("#"):
                try:
                    zone = commented_zone(text, context.zone) or zone
                except ValueError as error:
                    collector.fault(number, f"{quoted(text, 40)}: {error}")
                    return collector.parsed()
                continue
            separator = max(",;\t", key=text.count)
        try:
            cells = _cells(text, separator)
        except csv.Error:
            collector.fault(number, "a quotation mark is misplaced or not closed on its line")
            if table is None:
                break
            continue
        if table is None:
            table = _RowReader(cells, number, collector, context, zone)
            if table.refused:
                break
            if not table.usable:
                reason = (
                    "the first line does not name the columns, at least station, time "
                    "and one element: station,time,air_temperature"
                )
                collector.fault(number, reason)
                break
            continue
        if len(cells) != table.width and (len(cells) != table.width + 1 or cells[-1].strip()):
            collector.fault(number, f"the line has {len(cells)} cells, its header {table.width}")
            continue
        table.read(cells, number, careful="_" in text or not text.isascii())
    if table is None:
        collector.fault(0, "no line names the columns")
    return collector.parsed()


def _cells(text: str, separator: str) -> list[str]:
    """Return the cells of a line. Raises: csv.Error."""
    if '"' not in text:
        return text.split(separator)
    return next(csv.reader([text], delimiter=separator, strict=True), [])


def parse_push(body: bytes, context: ParseContext, name: str = "push") -> Parsed:
    """Return the records of a pushed body; the `line` of a fault is the record's number."""
    collector = Collector(name, "push", context.limits)
    if len(body) > context.limits.json:
        collector.fault(
            0, f"the body has {len(body)} bytes, at most {context.limits.json} are read"
        )
        return collector.parsed()
    try:
        content = json.loads(body.decode("utf-8-sig"), parse_constant=str)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        collector.fault(0, f"the body is not JSON in UTF-8{where}")
        return collector.parsed()
    if isinstance(content, dict):
        content = content.get("records", [content])
    if not isinstance(content, list):
        collector.fault(
            0,
            "the body is not a list of records: "
            'write [{"station": ..., "time": ..., "air_temperature": ...}]',
        )
        return collector.parsed()
    _read_records(content, collector, context)
    return collector.parsed()


def _read_records(records: Iterable[object], collector: Collector, context: ParseContext) -> None:
    tables: dict[tuple[str, ...], _RowReader] = {}
    for number, record in enumerate(records, 1):
        if collector.full:
            return
        if not isinstance(record, dict):
            collector.fault(number, "the record is not an object with names and values")
            continue
        names = tuple(record)
        table = tables.get(names)
        if table is None:
            if len(names) > 100:
                collector.fault(number, f"the record has {len(names)} names, at most 100 are read")
                continue
            if len(tables) >= 1000:
                tables.clear()
            table = tables[names] = _RowReader(names, number, collector, context)
        if table.refused:
            collector.fault(number, "the record's time zone is not understood: it is rejected")
            continue
        if not table.usable:
            collector.fault(number, "the record lacks its station, its time or any element")
            continue
        cells = [_cell(value) for value in record.values()]
        if not all(isinstance(cells[at], str) for at in (table.station_at, *table.time_at)):
            collector.fault(
                number, 'station and time are text: write "54511" and "2026-11-22T08:00:00+08:00"'
            )
            continue
        table.read(
            cells,
            number,
            careful=any(
                type(cell) is str and ("_" in cell or not cell.isascii()) for cell in cells
            ),
        )


def _cell(value: object) -> object:
    """Return a JSON value as a cell: a number as it is, everything else as text."""
    if type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < LARGEST else "number too large"
    return "" if value is None else "not a plain value"


def unit_error(station: Station) -> str:
    """Return what is wrong with the units that the settings name for a station; "": nothing."""
    for element, unit in station.units.items():
        if element not in ELEMENTS:
            return f"units: {quoted(element)} is not an element; known are {', '.join(ELEMENTS)}"
        try:
            conversion(element, unit)
        except ValueError as error:
            return f"units: {error}; found {quoted(unit)}"
    return ""
