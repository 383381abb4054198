"""METAR and SPECI: reports of aerodromes, as text or as the JSON of aviationweather.gov.

Groups are sorted and checked one by one (metar_groups.py), then decoded by the `metar` library;
what cannot be read is set aside with a fault and the rest is kept. A report ends at `=` or where
the next one begins. Month and year come from the time of receipt. Cloud
amounts are the middle of their classes (FEW 1-2, SCT 3-4, BKN 5-7 oktas). NSC, CLR, NCD and CAVOK
mean no cloud below 1,500 m or 3,600 m, and give no total cover. QNH is used as the pressure at mean
sea level where the remarks do not give it: below 500 m they differ by less than 1 hPa.

Source: WMO-No. 306 (2019), vol. I.1, FM 15 and FM 16, code table 4678; WMO code table 4677 for the
weather.
"""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise, zip_longest
from typing import Any

from metar.Metar import Metar

from forecast.domain import Name, Station
from forecast.observations.formats.collector import (
    Collector,
    ParseContext,
    Parsed,
    bulletin_text,
    checked_time,
    quoted,
)
from forecast.observations.formats.metar_groups import Groups, sorted_groups
from forecast.observations.formats.synop import report_time
from forecast.observations.formats.units import beyond_limits

FORM = "metar"
LONGEST = 800  # characters of a report
# That are read of a file: the library takes 1 to 10 ms for each; a global hour has 5,000.
REPORTS = 20_000
LOW = 2500.0  # [m] below which cloud is low
AMOUNTS = {"FEW": 1.5 / 8, "SCT": 3.5 / 8, "BKN": 6 / 8, "OVC": 1.0, "VV": 1.0}
KINDS = ("METAR", "SPECI", "TAF", "COR", "AMD")
NOTHING_LOW = ("NSC", "CLR", "NCD")
UNLIMITED = 10_000.0  # [m] 9999 and CAVOK: 10 km or more

# What the library cannot read is reported as a fault.
logging.getLogger("metar.Metar").setLevel(logging.CRITICAL)

_HEADING = re.compile(
    r"[A-Z]{4}\d{2} [A-Z]{4} \d{6}( [A-Z]{3})?\s*$|\d{4}/\d\d/\d\d \d\d:\d\d\s*$|\d{3}\s*$"
    r"|ZCZC.*|NNNN.*"
)
_REPORT = re.compile(
    r"(?:(?:METAR|SPECI)\s+)?(?:COR\s+)?([A-Z][A-Z0-9]{3})\s+(\d\d)(\d\d)(\d\d)Z\b"
)
# A message that is no report: its type, or a period behind its station and time.
_PLACED = r"[A-Z][A-Z0-9]{3}\s+\d{6}Z\b"
_WARNING = r"(?:\b[A-Z]{4}\s+)?\b(?:SIGMET|AIRMET|GAMET)\b"
_FORECAST = re.compile(rf"TAF\b|{_WARNING}|(?:COR\s+)?{_PLACED}\s+\d{{4}}/\d{{4}}\b")
# What can only begin a message: its type, or its station and time.
_BEGINNING = re.compile(
    rf"\b(?:METAR|SPECI|TAF)\b(?:\s+(?:COR|AMD)\b)*(?:\s+{_PLACED})?"
    rf"|(?:\bCOR\s+)?\b{_PLACED}|{_WARNING}"
)

# Code table 4677 by the parts of a weather group; three values: light, moderate, heavy.
_PLAIN = {"BR": 10, "HZ": 5, "FU": 4, "VA": 4, "DU": 6, "SA": 7}
_OTHER = {"SQ": 18, "FC": 19, "PO": 8, "SS": 31, "DS": 31}
_FOG = {"MI": 12, "BC": 41, "PR": 41, "VC": 40}
_FALLING = {"DZ": (51, 53, 55), "RA": (61, 63, 65), "SN": (71, 73, 75), "SG": (77, 77, 77),
            "IC": (76, 76, 76), "PL": (79, 79, 79),
            "GS": (87, 88, 88), "GR": (89, 90, 90), "RASN": (68, 69, 69),
            "DZRA": (58, 59, 59)}  # fmt: skip
_SHOWERS = {"RA": (80, 81, 82), "SN": (85, 86, 86), "RASN": (83, 84, 84)}
_FREEZING = {"DZ": (56, 57, 57), "RA": (66, 67, 67), "DZRA": (66, 67, 67)}


def parse(data: bytes, name: str, context: ParseContext | None = None) -> Parsed:
    """Return the reports of `data`; a fault's line is the first one of its report."""
    context = context or ParseContext()
    collector = Collector(name, FORM, context.limits)
    if data[:64].lstrip()[:1] in (b"[", b"{"):
        _read_json(data, collector, context)
        return collector.parsed()
    if context.received is None:
        collector.fault(0, "a METAR has its day only: the time of receipt is needed")
        return collector.parsed()
    for count, (line, text) in enumerate(_reports(data, collector)):
        if count >= REPORTS:
            collector.fault(
                line, f"more than {REPORTS} reports: the rest is not read; split the file"
            )
            break
        _read(text, line, context.received, collector)
    return collector.parsed()


def _reports(data: bytes, collector: Collector) -> Iterator[tuple[int, str]]:
    """Yield the first line and the text of each report.

    A report ends at `=`, where another begins, or, in a file without any `=`, with its line.
    """
    closed = b"=" in data
    line, kept = 0, ""
    for number, text in collector.lines(bulletin_text(data)):
        if _HEADING.match(text.strip()):
            continue
        *ended, rest = text.split("=") if closed else [text, ""]
        for piece in ended:
            whole = f"{kept} {piece}".strip()
            if whole:
                yield from _divided(line or number, whole, collector)
            line, kept = 0, ""
        if rest.strip():
            line, kept = line or number, f"{kept} {rest}"
            *whole_reports, (_, kept) = _divided(line, kept, collector)
            yield from whole_reports
            line = number if whole_reports else line
    if kept.strip():
        yield from _divided(line, kept.strip(), collector)


def _divided(line: int, text: str, collector: Collector) -> Iterator[tuple[int, str]]:
    """Yield the reports in `text`, cut where one begins; a cut is a fault: its `=` is missing."""
    starts = [found.start() for found in _BEGINNING.finditer(text)]
    edges = [0, *(start for start in starts[1:] if text[:start].strip()), len(text)]
    pieces = [text[start:end].strip() for start, end in pairwise(edges)]
    for piece, after in zip_longest(pieces, pieces[1:]):
        if after is not None:
            collector.fault(
                line,
                f"station {_station_of(piece)}: no = ends its report before that of "
                f"{_station_of(after)}: it is cut there",
            )
        yield line, piece


def _station_of(text: str) -> str:
    words = [word for word in text.split()[:4] if word not in KINDS]
    return quoted(words[0], 5)[1:-1] if words else "unknown"


def _read(
    text: str, line: int, received: datetime, collector: Collector, known: datetime | None = None
) -> str:
    """Keep one report; return its station or "". known: its time, where it is given elsewhere."""
    text = " ".join(text.split())
    if _FORECAST.match(text):
        collector.fault(line, f"{quoted(text)} is a forecast or a warning, no report: not read")
        return ""
    found = _REPORT.match(text)
    if len(text) > LONGEST or not found:
        if text not in ("METAR", "SPECI"):
            collector.fault(
                line,
                f"{quoted(text)} does not begin as a METAR does (ZBAA 221200Z), or is too long",
            )
        return ""
    if re.search(r"\bNIL\b", text[:40]):
        return found[1]
    try:
        moment = known or report_time(int(found[2]), int(found[3]), received, int(found[4]))
        groups = sorted_groups(text[found.end() :])
        report, unread = _decoded(text[: found.end()], groups, moment)
        values = _values(report, groups)
    except Exception as error:
        words = str(error) if type(error) is ValueError else "its groups cannot be decoded"
        collector.fault(
            line, f"station {found[1]}: {quoted(words, 100)[1:-1]}: the report is rejected"
        )
        return found[1]
    impossible = beyond_limits(values)
    beyond = [f"{reason}: set aside" for reason in impossible.values()]
    for reason in (*groups.faults, *unread, *beyond):
        collector.fault(line, f"station {found[1]}: {reason}")
    values = {name: value for name, value in values.items() if name not in impossible}
    collector.add(found[1], moment, values, line)
    return found[1]


def _decoded(head: str, groups: Groups, moment: datetime) -> tuple[Any, list[str]]:
    """Return the report as the library reads it, and what it cannot read of it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = Metar(f"{head} {groups.text}", month=moment.month, year=moment.year, strict=False)
    unread = [f"group {quoted(each)} is not read: set aside" for each in report._unparsed_groups]
    if not unread and caught:
        unread = ["some of its groups cannot be decoded: they are missing"]
    return report, unread


def _read_json(data: bytes, collector: Collector, context: ParseContext) -> None:
    """Read an answer of aviationweather.gov: [{"rawOb", "obsTime", "lat", "lon", "elev"}, ...]."""
    if len(data) > context.limits.json:
        collector.fault(
            0, f"the JSON has {len(data)} bytes, at most {context.limits.json} are read"
        )
        return
    try:
        reports = json.loads(data)
    except (ValueError, RecursionError):
        reports = None
    if not isinstance(reports, list):
        collector.fault(0, "the JSON is not a list of reports")
        return
    for number, report in enumerate(reports[:REPORTS], 1):
        raw, seconds = (
            (report.get("rawOb"), report.get("obsTime"))
            if isinstance(report, dict)
            else (None, None)
        )
        if not isinstance(raw, str) or type(seconds) is not int:
            collector.fault(number, "the report has no rawOb and obsTime")
            continue
        try:
            moment = checked_time(datetime.fromtimestamp(seconds, UTC))
        except (ValueError, OverflowError, OSError):
            collector.fault(number, "the report has an impossible obsTime")
            continue
        station = _read(raw, number, moment, collector, moment)
        place = [report.get(key) for key in ("lat", "lon", "elev")]
        if station and all(type(part) in (int, float) for part in place):
            latitude, longitude, elevation = (float(part) for part in place)
            collector.add_station(Station(station, Name("", ""), latitude, longitude, elevation))


def _values(report: Any, groups: Groups) -> dict[str, float]:
    """Return the values of a decoded report (SI)."""
    values: dict[str, float] = {}
    for element, quantity, unit in (
        ("air_temperature", report.temp, "K"), ("dew_point_temperature", report.dewpt, "K"),
        ("wind_speed", report.wind_speed, "MPS"), ("wind_speed_of_gust", report.wind_gust, "MPS"),
        ("visibility_in_air", report.vis, "M"), ("precipitation_amount", report.precip_1hr, "IN"),
    ):  # fmt: skip
        if quantity is not None:
            values[element] = float(quantity.value(unit))
    if not groups.visibility:  # the library gives 10 km where the report gives none
        values.pop("visibility_in_air", None)
    if "precipitation_amount" in values:
        values["precipitation_amount"] *= 25.4
    if values.get("visibility_in_air", 0.0) > UNLIMITED and re.search(
        r"\b(9999|CAVOK)", report.code
    ):
        values["visibility_in_air"] = UNLIMITED
    if report.wind_dir is not None:
        values["wind_from_direction"] = float(report.wind_dir.value())
    pressure = report.press_sea_level or report.press
    if pressure is not None:
        values["air_pressure_at_mean_sea_level"] = float(pressure.value("HPA")) * 100
    _sky(report, values)
    codes = [
        code
        for group in report.weather
        if (code := weather_code(*(part or "" for part in group[:5])))
    ]
    if codes:
        values["present_weather"] = float(max(codes))
    return values


def _sky(report: Any, values: dict[str, float]) -> None:
    """Add total cloud, low cloud and the lowest base."""
    layers = [
        (AMOUNTS[cover], height.value("M") if height else None)
        for cover, height, _ in report.sky
        if cover in AMOUNTS
    ]
    if layers:
        values["cloud_area_fraction"] = max(amount for amount, _ in layers)
        low = [amount for amount, height in layers if height is not None and height < LOW]
        if low or all(height is not None for _, height in layers):
            values["low_cloud_area_fraction"] = max(low, default=0.0)
        bases = [height for _, height in layers if height is not None]
        if bases:
            values["cloud_base_height"] = float(min(bases))
    elif re.search(r"\bSKC\b", report.code):  # the library gives it as CLR
        values["cloud_area_fraction"] = values["low_cloud_area_fraction"] = 0.0
    elif any(cover in NOTHING_LOW for cover, *_ in report.sky) or "CAVOK" in report.code:
        values["low_cloud_area_fraction"] = 0.0


def weather_code(intensity: str, descriptor: str, falling: str, obscuring: str, other: str) -> int:
    """Return the number of a weather group in code table 4677; 0 where it has none."""
    strength = 2 if "+" in intensity else 0 if "-" in intensity else 1
    pieces = {falling[at : at + 2] for at in range(0, len(falling), 2)}
    kind = next((both for both in ("RASN", "DZRA") if {both[:2], both[2:]} <= pieces), falling[:2])
    if "VC" in intensity:
        return _FOG["VC"] if obscuring == "FG" else 0
    if "TS" in descriptor:
        if pieces & {"GR", "GS"}:
            return 99 if strength == 2 else 96
        return 17 if not pieces else 97 if strength == 2 else 95
    if kind:
        if "BL" in descriptor or "DR" in descriptor:
            return (38 if "BL" in descriptor else 36) + (strength == 2)
        table = _SHOWERS if "SH" in descriptor else _FREEZING if "FZ" in descriptor else _FALLING
        return (table.get(kind) or _FALLING.get(kind) or (0, 0, 0))[strength]
    if obscuring == "FG":
        return next((code for part, code in _FOG.items() if part in descriptor), 45)
    if "BL" in descriptor or "DR" in descriptor:
        return 7 if obscuring in ("DU", "SA") else 0
    if other in ("SS", "DS") and strength == 2:
        return 34
    return _PLAIN.get(obscuring) or _OTHER.get(other) or 0
