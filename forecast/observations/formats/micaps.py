"""MICAPS diamond 1: the weather service's surface plot, one line per station, hour in Beijing time.

Read are position, total and low cloud, cloud base, wind, sea-level pressure, dew point, visibility,
weather and temperature. Not read: precipitation (of six hours; the catalogue has hours),
tendencies, past weather, cloud types. Total cloud is in tenths, 11 where the sky is obscured. Low
cloud is in percent from most stations and in oktas or tenths from a few: numbers from 1 to 9 are
ambiguous and are not read. Pressure is the last three digits of 0.1 hPa. An id that occurs at
several places (01009: Japan's automatic network) identifies no station: its lines are rejected.

Source: columns and pressure as in nmc_met_io 0.1 (National Meteorological Centre), read_micaps.py;
the rest as counted in the 6,501 lines of micaps1_2020020402.000.
"""

from __future__ import annotations

import math
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
from forecast.observations.formats.zones import BEIJING

FORM = "micaps1"
COLUMNS = (24, 26)  # 26: with two more tendencies
MISSING = 9999.0
NO_VISIBILITY = 999.0
OBSCURED = 11.0
LINES = 50_000  # that are read of a plot; a global one has 6,500
SAME_PLACE = 0.05  # [degree] that two lines of one station may differ

# line, station, longitude, latitude, elevation, columns from the sixth on
Row = tuple[int, str, float, float, float, list[float]]


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the reports of a plot."""
    collector = Collector(name, FORM, (context or ParseContext()).limits)
    moment: datetime | None = None
    rows: list[Row] = []
    places: dict[str, tuple[float, float]] = {}
    ambiguous: set[str] = set()
    for number, text in collector.lines(data):
        words = text.replace(",", " ").split()
        if number == 1:
            continue
        if moment is None:
            moment = _moment(words, number, collector)
            if moment is None:
                break
            continue
        row = _row(words, number, collector)
        if row is None:
            continue
        if len(rows) >= LINES:
            collector.fault(number, f"more than {LINES} lines: the rest is not read")
            break
        rows.append(row)
        first = places.setdefault(row[1], (row[2], row[3]))
        if abs(first[0] - row[2]) > SAME_PLACE or abs(first[1] - row[3]) > SAME_PLACE:
            ambiguous.add(row[1])
    for line, station, longitude, latitude, elevation, columns in rows:
        if station in ambiguous:
            collector.fault(
                line,
                f"station {station} is at several places: its lines are rejected",
                once=f"ambiguous {station}",
            )
            continue
        if elevation != MISSING:
            collector.add_station(Station(station, Name("", ""), latitude, longitude, elevation))
        assert moment is not None
        collector.add(station, moment, _values(columns), line)
    return collector.parsed()


def _moment(words: Sequence[str], line: int, collector: Collector) -> datetime | None:
    """Return the plot's time from its second line: year, month, day, hour, number of stations."""
    try:
        year, month, day, hour = (int(word) for word in words[:4])
        return checked_time(datetime(_whole_year(year), month, day, hour, tzinfo=BEIJING))
    except (ValueError, OverflowError):
        collector.fault(line, "the second line is not year, month, day, hour, number of stations")
        return None


def _whole_year(year: int) -> int:
    """Return the year of two or four digits; 70 to 99 are of the last century."""
    return year if year >= 100 else year + (1900 if year >= 70 else 2000)


def _row(words: Sequence[str], line: int, collector: Collector) -> Row | None:
    if len(words) not in COLUMNS:
        collector.fault(line, f"the line has {len(words)} columns, expected 24 or 26")
        return None
    if not STATION_ID.fullmatch(words[0]):
        collector.fault(line, f"{quoted(words[0])} is not a station number")
        return None
    numbers = []
    for place, word in enumerate(words[1:], 2):
        try:
            value = MISSING if word.strip("*") == "" else float(word)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            collector.fault(
                line, f"station {words[0]}: column {place} is not a number: {quoted(word)}: ignored"
            )
            value = MISSING
        numbers.append(value)
    longitude, latitude, elevation = numbers[:3]
    if not (-180 <= longitude <= 360 and -90 <= latitude <= 90):
        collector.fault(line, f"station {words[0]}: longitude and latitude are out of range")
        return None
    return line, words[0], longitude, latitude, elevation, numbers[4:]


def _values(columns: Sequence[float]) -> dict[str, float]:
    """Return the values of a line; `columns` begin with total cloud."""
    (
        total,
        direction,
        speed,
        pressure,
        _,
        _,
        _,
        _,
        _,
        low,
        base,
        dew_point,
        visibility,
        weather,
        temperature,
    ) = columns[:15]
    values: dict[str, float] = {}
    if total != MISSING:
        values["cloud_area_fraction"] = 1.0 if total == OBSCURED else total / 10
    if low != MISSING and not 1 <= low <= 9:
        values["low_cloud_area_fraction"] = low / 100
    if base != MISSING:
        values["cloud_base_height"] = base
    if direction != MISSING:
        values["wind_from_direction"] = direction
    if speed != MISSING:
        values["wind_speed"] = speed
    if pressure != MISSING:
        values["air_pressure_at_mean_sea_level"] = pressure * 10 + (
            100_000 if pressure <= 600 else 90_000
        )
    if dew_point != MISSING:
        values["dew_point_temperature"] = dew_point + 273.15
    if visibility not in (MISSING, NO_VISIBILITY):
        values["visibility_in_air"] = visibility * 1000
    if weather != MISSING:
        values["present_weather"] = weather
    if temperature != MISSING:
        values["air_temperature"] = temperature + 273.15
    return values
