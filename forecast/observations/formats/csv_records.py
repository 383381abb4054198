"""Records of automatic, scenic-area and oxygen-ion stations: CSV tables.

The first line of a table names its columns (forecast/observations/formats/columns.csv): the
station's id, the time, and elements. Cells are separated by commas, semicolons or tabs; text is
UTF-8 or GBK. A time without any zone is in the service's. A value is in
the unit that the settings name for the station, else the one in the header's brackets, else the
default (forecast/observations/formats/units.py). A zone that a cell, a comment or a header names
decides; one that is not understood refuses the file, in a cell its line. An empty cell or a missing
code gives no value; an impossible value is kept for quality control. Records of stations that are
not in the settings are refused, because their position is unknown.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
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
from forecast.observations.formats.times import TimeParser, joined
from forecast.observations.formats.units import conversion
from forecast.observations.formats.zone_comments import (
    commented_zone,
    names_moment,
    names_zone,
    speaks_of_zone,
)
from forecast.observations.formats.zones import is_zone, names_format, same_zone, zone_of
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
OWN_ZONE = (
    "its zone is taken as that of this moment only, and the times of the table as the service's: "
    "write # time zone: UTC if they are not"
)
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


class _HeaderZones:
    """The zones that a header names; `outer` is that of a comment or of what is around records."""

    def __init__(
        self, line: int, collector: Collector, local: tzinfo, outer: tzinfo | None
    ) -> None:
        self.refused = False
        self._line, self._collector, self._local = line, collector, local
        self._found: dict[str, tzinfo] = {} if outer is None else {"a comment": outer}

    def read(self, unit: str, name: str) -> None:
        """Keep the zone that a heading names; one that is not understood refuses the table."""
        try:
            self._found[unit] = zone_of(unit, self._local)
        except ValueError as error:
            self.refuse(f"column {quoted(name.strip(), 40)}: {error}")
            return
        if not same_zone(self._found[unit], next(iter(self._found.values()))):
            named = ", ".join(quoted(each, 24) for each in self._found)
            self.refuse(f"the header names several time zones: {named}: write one")

    def refuse(self, reason: str) -> None:
        """Refuse the table."""
        self.refused = True
        self._collector.fault(self._line, reason)

    def chosen(self) -> tzinfo | None:
        """Return the zone of the times; None where none is named."""
        return next(iter(self._found.values()), None)


class RowReader:
    """Reads rows under one header."""

    _zone_unit = ""  # of bare numbers in the column of a zone

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
        self._zones = _HeaderZones(line, collector, context.zone, zone)
        self._line = line
        self._unknown: dict[int, str] = {}  # columns whose cells were not looked at yet
        places: dict[str, int] = {}
        for index, name in enumerate(header):
            if (known := column(name)) is None:
                self._pass_unknown(index, name)
                continue
            meaning, unit = known
            if meaning in (STATION, UNUSED) and is_zone(unit):
                self._zones.read(unit, name)
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
                self._zones.read(unit, name)
            elif meaning == ZONE:
                self._zone_unit = unit
        chosen = self._zones.chosen()
        self._times = TimeParser(chosen or context.zone, context.zone, chosen is not None)
        self._zone_at = places.get(ZONE, -1)
        self.station_at = places.get(STATION, -1)
        self.time_at = _time_columns(places)

    def _pass_unknown(self, index: int, name: str) -> None:
        """Report an unknown column; one whose name speaks of a zone refuses the table."""
        if not name.strip():
            return
        shown = quoted(name.strip(), 40)
        if speaks_of_zone(name):
            self._zones.refuse(
                f"column {index + 1}, {shown}, seems to give a time zone and is not known: "
                "call it timezone (UTC, UTC+8, Asia/Shanghai) or utc_offset (8)"
            )
            return
        self._unknown[index] = shown
        reason = f"column {index + 1}, {shown}, is not known: it is ignored"
        self._collector.fault(self._line, reason, once=f"column {index} {name[:80]}")

    def _look_for_zones(self, cells: Sequence[Any]) -> None:
        """Refuse the table where an unknown column holds zones: each is looked at once."""
        for index, shown in list(self._unknown.items()):
            cell = cells[index]
            if type(cell) is not str or not cell.strip():
                continue
            del self._unknown[index]
            if names_zone(cell):
                self._zones.refuse(
                    f"column {index + 1}, {shown}, holds {quoted(cell.strip())}: is it the zone "
                    "of the times? Call it timezone"
                )

    @property
    def usable(self) -> bool:
        """Return whether station, time and at least one element have columns."""
        complete = self.station_at >= 0 and bool(self.time_at) and bool(self._elements)
        return complete and not self._zones.refused

    @property
    def refused(self) -> bool:
        """Return whether the zone of the times is not understood, which a fault says."""
        return self._zones.refused

    @property
    def names_zone(self) -> bool:
        """Return whether a comment, a heading or a column names the zone of the times."""
        return self._zone_at >= 0 or self._zones.chosen() is not None

    def _time(self, cells: Sequence[Any]) -> datetime:
        """Return a row's time. Raises: ValueError."""
        zone = str(cells[self._zone_at]) if self._zone_at >= 0 else ""
        if len(self.time_at) == 1:
            return self._times.parse_in(cells[self.time_at[0]], zone, self._zone_unit)
        if len(self.time_at) <= 3:
            date, *clock = (cells[at].strip() for at in self.time_at)
            spelled = ":".join(f"{part:0>2}" if part.isdigit() else part for part in clock)
            return self._times.parse_in(joined(date, spelled), zone, self._zone_unit)
        year, month, day, hour, *minute = (cells[at].strip() for at in self.time_at)
        text = f"{year}-{month}-{day} {hour}:{minute[0] if minute else 0:0>2}"
        return self._times.parse_in(text, zone, self._zone_unit)

    def read(self, cells: Sequence[Any], line: int, careful: bool = False) -> None:
        """Keep one row. careful: check for what only Python accepts as a number (1_000, ...)."""
        if self._unknown:
            self._look_for_zones(cells)
            if self.refused:
                return
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
    moments: list[tuple[int, str]] = []  # comments that name the zone of a moment of their own
    for number, text in collector.lines(data):
        if table is None:
            if text.startswith("#"):
                try:
                    zone = _joined_zone(commented_zone(text, context.zone), zone)
                except ValueError as error:
                    collector.fault(number, f"{quoted(text, 40)}: {error}")
                    return collector.parsed()
                if names_moment(text):
                    moments.append((number, text))
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
            table = RowReader(cells, number, collector, context, zone)
            if table.refused:
                break
            if not table.usable:
                reason = (
                    "the first line does not name the columns, at least station, time "
                    "and one element: station,time,air_temperature"
                )
                collector.fault(number, reason)
                break
            for at, comment in () if table.names_zone else moments:
                collector.fault(at, f"{quoted(comment, 40)}: {OWN_ZONE}")
            continue
        if len(cells) != table.width and (len(cells) != table.width + 1 or cells[-1].strip()):
            collector.fault(number, f"the line has {len(cells)} cells, its header {table.width}")
            continue
        table.read(cells, number, careful="_" in text or not text.isascii())
        if table.refused:
            break
    if table is None:
        collector.fault(0, "no line names the columns")
    return collector.parsed()


def _joined_zone(named: tzinfo | None, before: tzinfo | None) -> tzinfo | None:
    """Return the zone that comments name. Raises: ValueError where they name two."""
    if named is not None and before is not None and not same_zone(named, before):
        raise ValueError("another comment names another time zone: write one")
    return named or before


def _cells(text: str, separator: str) -> list[str]:
    """Return the cells of a line. Raises: csv.Error."""
    if '"' not in text:
        return text.split(separator)
    return next(csv.reader([text], delimiter=separator, strict=True), [])


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
