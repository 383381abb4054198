"""ISD: NOAA's Integrated Surface Database, full format (fixed columns) and global-hourly CSV, times
in UTC.

Read are wind, visibility, temperatures and pressure of the mandatory data, and of the additional
data precipitation of an hour (AA), snow depth (AJ), weather (MW by code table 4677, AW by 4680),
cloud (GA, GF), cloud below the station (GG), station pressure (MA) and gusts (OC). A WMO station
has its five digits as id, others the eleven of USAF and WBAN. Reports of one station and time
(FM-12, FM-15) are merged, the first has priority. The database's own quality control is kept:
passed = GOOD, passed the gross limits only = UNCHECKED, suspect = DOUBTFUL, erroneous = WRONG.

Source: NCEI, Federal Climate Complex Data Documentation for Integrated Surface Data, 2018-01-12.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from forecast.domain import DOUBTFUL, GOOD, WRONG, Name, Station
from forecast.observations.formats.collector import (
    Collector,
    ParseContext,
    Parsed,
    checked_time,
    quoted,
)

FORM = "isd"
# of any field; others: UNCHECKED
QUALITY = {"1": GOOD, "5": GOOD, "2": DOUBTFUL, "6": DOUBTFUL, "3": WRONG, "7": WRONG}
HEADER = 105  # characters of control and mandatory data
TRACE = "2"  # condition code of an amount
COVERAGES = {f"{okta:02d}": okta / 8 for okta in range(9)} | {"09": 1.0}  # 09: sky obscured

# Additional data: section -> the widths of its fields, also of sections that are skipped.
# fmt: off
SECTIONS: dict[str, tuple[int, ...]] = {
    "AA": (2, 4, 1, 1), "AB": (5, 1, 1), "AC": (1, 1, 1), "AD": (5, 1, 4, 4, 4, 1),
    "AE": (2, 1, 2, 1, 2, 1, 2, 1), "AG": (1, 3),
    "AH": (3, 4, 1, 6, 1), "AI": (3, 4, 1, 6, 1), "AJ": (4, 1, 1, 6, 1, 1), "AK": (4, 1, 6, 1),
    "AL": (2, 3, 1, 1),
    "AM": (4, 1, 4, 4, 4, 1), "AN": (3, 4, 1, 1), "AO": (2, 4, 1, 1), "AP": (4, 1, 1),
    "AT": (2, 2, 4, 1), "AU": (1, 1, 2, 1, 1, 1, 1),
    "AW": (2, 1), "AX": (2, 1, 2, 1), "AY": (1, 1, 2, 1), "AZ": (1, 1, 2, 1), "ED": (2, 1, 4, 1),
    "GA": (2, 1, 6, 1, 2, 1),
    "GD": (1, 2, 1, 6, 1, 1), "GE": (1, 6, 6, 6), "GF": (2, 2, 1, 2, 1, 2, 1, 5, 1, 2, 1, 2, 1),
    "GG": (2, 1, 5, 1, 2, 1, 2, 1),
    "GJ": (4, 1), "GK": (3, 1), "GL": (5, 1), "HL": (3, 1), "KA": (3, 1, 5, 1), "KB": (3, 1, 5, 1),
    "KC": (1, 1, 5, 6, 1),
    "KD": (3, 1, 4, 1), "KE": (2, 1, 2, 1, 2, 1, 2, 1), "KF": (5, 1), "KG": (3, 1, 5, 1, 1),
    "MA": (5, 1, 5, 1), "MD": (1, 1, 3, 1, 4, 1),
    "ME": (1, 4, 1), "MF": (5, 1, 5, 1), "MG": (5, 1, 5, 1), "MH": (5, 1, 5, 1),
    "MK": (5, 6, 1, 5, 6, 1), "MV": (2, 1), "MW": (2, 1),
    "OA": (1, 2, 4, 1), "OC": (4, 1), "OD": (1, 2, 3, 4, 1), "OE": (1, 2, 5, 3, 4, 1),
    "RH": (3, 1, 3, 1, 1), "SA": (4, 1),
    "UA": (1, 2, 3, 1, 2, 1), "UG": (2, 3, 3, 1), "WA": (1, 3, 1, 1),
}
# fmt: on
SPECIAL = {"IA1": (2, 1), "IA2": (3, 5, 1)}  # one letter pair, two shapes
_SECTION = re.compile(r"[A-Z]{2}\d")


def _missing(text: str) -> bool:
    """Return whether a field is all nines."""
    return set(text.strip("+-")) <= {"9"}


@dataclass(slots=True)
class _Record:
    """One report as it is read, field by field."""

    values: dict[str, float] = field(default_factory=dict)
    flags: dict[str, int] = field(default_factory=dict)
    # (height, quality) of cloud layers
    bases: list[tuple[float, str]] = field(default_factory=list)
    # (amount, quality, top)
    below: list[tuple[float, str, float | None]] = field(default_factory=list)
    dry: str = ""  # quality of a longer period without precipitation

    def take(
        self, element: str, text: str, quality: str, scale: float = 1.0, offset: float = 0.0
    ) -> None:
        """Keep a number that is not missing (nines), where the element has no value yet."""
        if element in self.values or not text or _missing(text):
            return
        self.set_value(element, float(text) * scale + offset, quality)

    def set_value(self, element: str, value: float, quality: str) -> None:
        self.values[element] = value
        if quality in QUALITY:
            self.flags[element] = QUALITY[quality]


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the reports of a file in either layout."""
    collector = Collector(name, FORM, (context or ParseContext()).limits, later_wins=False)
    header: list[str] | None = None
    for number, text in collector.lines(data):
        try:
            if header is None and text.lstrip('"').startswith("STATION"):
                header = next(csv.reader([text]))
            elif header is not None:
                _read_csv(header, text, number, collector)
            else:
                _read_fixed(text, number, collector)
        except (ValueError, OverflowError, csv.Error):
            collector.fault(
                number, "the record has letters instead of numbers, or an impossible time: rejected"
            )
    return collector.parsed()


def _read_fixed(text: str, line: int, collector: Collector) -> None:
    """Read one record of fixed columns. Raises: ValueError."""
    if len(text) < HEADER or not text[:4].isdigit():
        collector.fault(
            line,
            f"the record has {len(text)} characters, "
            f"its control and mandatory data alone take {HEADER}",
        )
        return
    moment = datetime.strptime(text[15:27], "%Y%m%d%H%M").replace(tzinfo=UTC)
    groups: dict[str, tuple[str, ...]] = {
        "WND": (text[60:63], text[63], text[64], text[65:69], text[69]),
        "VIS": (text[78:84], text[84]),
        "TMP": (text[87:92], text[92]),
        "DEW": (text[93:98], text[98]),
        "SLP": (text[99:104], text[104]),
    }
    at = HEADER + 3 if text[HEADER : HEADER + 3] == "ADD" else len(text)
    while at + 3 <= len(text) and _SECTION.match(text, at):
        section = text[at : at + 3]
        widths = SPECIAL.get(section) or SECTIONS.get(section[:2])
        if widths is None:
            collector.fault(
                line,
                f"additional data {section} are not known here: what follows them is not read",
                once=section,
            )
            break
        at += 3
        fields = []
        for width in widths:
            fields.append(text[at : at + width])
            at += width
        groups[section] = tuple(fields)
    place = (text[28:34], text[34:41], text[46:51])
    latitude, longitude = _unless_missing(place[0], 1e-3), _unless_missing(place[1], 1e-3)
    _add_record(
        text[4:15],
        moment,
        (latitude, longitude, _unless_missing(place[2], 1.0)),
        groups,
        line,
        collector,
    )


def _unless_missing(text: str, scale: float) -> float:
    return math.nan if _missing(text) else float(text) * scale


def _read_csv(header: list[str], text: str, line: int, collector: Collector) -> None:
    """Read one record of global-hourly CSV. Raises: ValueError."""
    row = dict(zip(header, next(csv.reader([text], strict=True))))
    moment = datetime.fromisoformat(row.get("DATE", ""))
    groups = {
        name: tuple(cell.split(","))
        for name, cell in row.items()
        if cell and (name in MANDATORY or _SECTION.fullmatch(name))
    }
    latitude, longitude, elevation = (
        float(row.get(name) or "nan") for name in ("LATITUDE", "LONGITUDE", "ELEVATION")
    )
    _add_record(
        row.get("STATION", ""),
        moment.replace(tzinfo=UTC),
        (latitude, longitude, elevation),
        groups,
        line,
        collector,
    )


def _add_record(
    code: str,
    moment: datetime,
    place: tuple[float, float, float],
    groups: Mapping[str, tuple[str, ...]],
    line: int,
    collector: Collector,
) -> None:
    """Add one record, or a fault, to what was collected. Raises: ValueError."""
    if not re.fullmatch(r"[A-Z0-9]{11}", code):
        collector.fault(
            line, "the station's id does not have the eleven characters of USAF and WBAN"
        )
        return
    station = code[:5] if code.endswith("099999") and code >= "01" else code
    record = _Record()
    for section, fields in groups.items():
        reader = READERS.get(section) or READERS.get(section[:2])
        if reader is not None and len(fields) >= FEWEST.get(section, FEWEST.get(section[:2], 2)):
            try:
                reader(record, fields)
            except ValueError:
                shown = quoted(",".join(fields), 24)
                collector.fault(
                    line, f"station {station}: {section} {shown} has letters for numbers: ignored"
                )
    _finish(record)
    latitude, longitude, elevation = place
    if math.isfinite(latitude + longitude + elevation) and (latitude, longitude) != (0, 0):
        collector.add_station(Station(station, Name("", ""), latitude, longitude, elevation))
    collector.add(station, checked_time(moment), record.values, line, record.flags)


Fields = tuple[str, ...]


def _wind(record: _Record, fields: Fields) -> None:
    record.take("wind_from_direction", fields[0], fields[1])
    record.take("wind_speed", fields[3], fields[4], 0.1)


def _precipitation(record: _Record, fields: Fields) -> None:
    hours, amount, condition, quality = fields[:4]
    if hours == "01":
        record.take("precipitation_amount", amount, quality, 0.0 if condition == TRACE else 0.1)
    elif amount == "0000" and hours not in ("99", "00") and condition != TRACE:
        record.dry = quality


def _layer(record: _Record, fields: Fields) -> None:
    coverage, _, base, quality = fields[:4]
    if not _missing(base) and coverage != "00":
        record.bases.append((float(base), quality))


def _sky(record: _Record, fields: Fields) -> None:
    total, _, quality, low, low_quality = fields[:5]
    for element, code, mark in (
        ("cloud_area_fraction", total, quality),
        ("low_cloud_area_fraction", low, low_quality),
    ):
        if code in COVERAGES:
            record.set_value(element, COVERAGES[code], mark)
    if len(fields) >= 9 and not record.bases and not _missing(fields[7]):
        record.bases.append((float(fields[7]), fields[8]))


def _below(record: _Record, fields: Fields) -> None:
    coverage, quality, top = fields[:3]
    if coverage in COVERAGES:
        record.below.append((COVERAGES[coverage], quality, None if _missing(top) else float(top)))


def _present_weather(record: _Record, fields: Fields) -> None:
    """Read MW1, in which 99 is a code and not a missing value."""
    if fields[0] == "99":
        record.set_value("present_weather", 99.0, fields[1])
    else:
        record.take("present_weather", fields[0], fields[1])


# fmt: off
READERS: dict[str, Callable[[_Record, Fields], None]] = {
    "WND": _wind,
    "VIS": lambda record, f: record.take("visibility_in_air", f[0], f[1]),
    "TMP": lambda record, f: record.take("air_temperature", f[0], f[1], 0.1, 273.15),
    "DEW": lambda record, f: record.take("dew_point_temperature", f[0], f[1], 0.1, 273.15),
    "SLP": lambda record, f: record.take("air_pressure_at_mean_sea_level", f[0], f[1], 10),
    "AA": _precipitation,
    "AJ": lambda record, f: record.take("snow_depth", f[0], f[2], 0.01),
    "GA": _layer,
    "GF": _sky,
    "GG": _below,
    "MA": lambda record, f: record.take("air_pressure", f[2], f[3], 10),
    "MW1": _present_weather,
    "AW1": lambda record, f: record.take("present_weather", f[0], f[1], 1, 100),
    "OC": lambda record, f: record.take("wind_speed_of_gust", f[0], f[1], 0.1),
}
# fmt: on
# fields that a reader needs; the others: 2
FEWEST = {"WND": 5, "AA": 4, "AJ": 3, "GA": 4, "GF": 5, "GG": 3, "MA": 4}
MANDATORY = ("WND", "VIS", "TMP", "DEW", "SLP")


def _finish(record: _Record) -> None:
    """Add the values that depend on several sections."""
    if record.dry and "precipitation_amount" not in record.values:
        record.set_value("precipitation_amount", 0.0, record.dry)
    if record.bases:
        height, quality = min(record.bases)
        record.set_value("cloud_base_height", height, quality)
    if record.below:
        amount, quality, top = max(record.below, key=lambda layer: (layer[0], layer[2] or 0.0))
        record.set_value("cloud_below_area_fraction", amount, quality)
        if top is not None:
            record.set_value("cloud_below_top_altitude", top, quality)
