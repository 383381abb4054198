"""Records of CMADaaS as observations in SI, with the service's quality flags, and their stations.

The elements are named by the table cmadaas_elements.csv beside this module, or by the settings of a
data set. Names are compared in any case: the service's own spelling varies.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forecast.domain import DOUBTFUL, WRONG, Name, Station
from forecast.ingest.cmadaas_replies import measured, number
from forecast.observations.formats.collector import (
    STATION_ID,
    Collector,
    Limits,
    Parsed,
    checked_time,
    quoted,
)
from forecast.observations.formats.units import conversion
from forecast.settings.cmadaas import CmadaasDatasetSettings, CmadaasStationSettings

FORM = "cmadaas"
STATION, TIME, NAME = "Station_Id_C", "Datetime", "Station_Name"
LATITUDE, LONGITUDE, HEIGHT = "Lat", "Lon", "Alti"
NEEDED = (STATION, TIME)  # without which there is no record
ALWAYS = (*NEEDED, NAME, LATITUDE, LONGITUDE, HEIGHT)  # asked of every data set
RAIN = "precipitation_amount"
FLAG = "Q_"  # before an element's name

Absent = dict[tuple[str, datetime], frozenset[str]]  # station, time -> elements said to be missing


@dataclass(frozen=True, slots=True)
class NamedElement:
    """An element of ours: its names at the service, and the conversion to SI."""

    element: str
    names: tuple[str, ...]
    factor: float
    offset: float


def known_elements() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the program's table: element -> unit and names at the service."""
    path = Path(__file__).with_name("cmadaas_elements.csv")
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(line for line in file if not line.startswith("#"))
        return {element: (unit, tuple(names)) for element, unit, *names in rows}


def elements_of(dataset: CmadaasDatasetSettings) -> tuple[NamedElement, ...]:
    """Return the elements of a data set. Raises: ValueError, in words, for one not known."""
    table = known_elements()
    found = []
    for element in dict.fromkeys((*dataset.elements, *dataset.named)):
        own = dataset.named.get(element)
        if own is None and element not in table:
            raise ValueError(
                f"{dataset.data_code}: {element} has no name at the service in our table; known "
                f"are {', '.join(table)}; name another under `named`"
            )
        unit, names = table[element] if own is None else (own.unit, own.names)
        try:
            found.append(NamedElement(element, names, *conversion(element, unit)))
        except (ValueError, KeyError) as error:
            raise ValueError(f"{dataset.data_code}: {element}: {error}") from error
    return tuple(found)


def asked_names(
    elements: Sequence[NamedElement], flags: bool, lacking: Container[str] = ()
) -> list[str]:
    """Return the names to ask for, the stations' own first; none that is lacking."""
    names = [name for each in elements for name in each.names if name not in lacking]
    marks = [FLAG + name for name in names] if flags else []
    return [n for n in dict.fromkeys((*ALWAYS, *names, *marks)) if n not in lacking]


def lacking_text(elements: Sequence[NamedElement], lacking: Collection[str]) -> str:
    """Return in words what a data set lacks, and what to do; "" for nothing."""
    ours = {name: each.element for each in elements for name in each.names}
    values = [
        f"{name} ({ours.get(name, 'of the station')})" for name in lacking if name[:2] != FLAG
    ]
    flags = [name for name in lacking if name[:2] == FLAG]
    found = []
    if values:
        found.append(
            f"the data set lacks {', '.join(values)}: left out, the others are asked for; where "
            "the province has another name, write it under `named` of the data set"
        )
    if flags:
        found.append(
            f"the data set lacks the quality flags {', '.join(flags[:8])}"
            f"{', ...' if len(flags) > 8 else ''}: left out; where it has none at all, write "
            "flags: false"
        )
    return "; ".join(found)


def parse_rows(
    rows: Iterable[Mapping[str, Any]],
    name: str,
    elements: Sequence[NamedElement],
    settings: CmadaasStationSettings,
    missing_from: float,
) -> tuple[Parsed, Absent]:
    """Return the records, and the elements that they call missing.

    A record without station or time becomes a fault, the others are kept.
    """
    collector, absent = Collector(name, FORM, Limits()), Absent()
    for line, given in enumerate(rows, 1):
        row = {str(key).lower(): value for key, value in given.items()}
        station = str(row.get(STATION.lower(), "")).strip()
        if not STATION_ID.fullmatch(station):
            collector.fault(line, f"{quoted(station)} is not a station number", once="station")
            continue
        try:
            moment = parse_moment(str(row.get(TIME.lower(), "")))
        except ValueError as error:
            collector.fault(line, f"station {station}: {error}", once="time")
            continue
        if (place := _place(station, row)) is not None:
            collector.add_station(place)
        values, flags, missing = _values(row, elements, settings, missing_from)
        if missing:
            absent[station, moment] = frozenset(missing)
        collector.add(station, moment, values, line, flags)
    return collector.parsed(), absent


def parse_moment(text: str) -> datetime:
    """Return a time in UTC from `YYYY-MM-DD HH:MM:SS` or 14 digits. Raises: ValueError."""
    digits = text.strip().translate({ord(c): None for c in "-: T/"})
    if not (digits.isascii() and digits.isdecimal() and len(digits) in (10, 12, 14)):
        raise ValueError(f"{quoted(text, 30)} is no time")
    try:
        found = datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return checked_time(found)
    except ValueError as error:
        raise ValueError(f"{quoted(text, 30)} is no time") from error


def _place(station: str, row: Mapping[str, Any]) -> Station | None:
    """Return where a station stands; None where the record does not say, or says nonsense."""
    latitude, longitude, height = (
        number(row.get(name.lower())) for name in (LATITUDE, LONGITUDE, HEIGHT)
    )
    if not (abs(latitude) <= 90 and -180 <= longitude <= 360 and -450 <= height <= 8900):
        return None
    label = "".join(c for c in str(row.get(NAME.lower(), ""))[:40] if c.isprintable())
    return Station(station, Name(label, label), latitude, longitude, height)


def _values(
    row: Mapping[str, Any],
    elements: Sequence[NamedElement],
    settings: CmadaasStationSettings,
    missing_from: float,
) -> tuple[dict[str, float], dict[str, int], set[str]]:
    """Return the values (SI), the flags that the service gave, and what it calls missing.

    What is no number counts as not sent, which takes nothing back.
    """
    values: dict[str, float] = {}
    flags: dict[str, int] = {}
    missing: set[str] = set()
    for each in elements:
        for name in each.names:
            given = number(row.get(name.lower()))
            value = measured(given, missing_from)
            if each.element == RAIN and given in settings.trace_values:
                value = 0.0  # more than none and less than 0.1 mm: it was measured
            mark = number(row.get(f"{FLAG}{name}".lower()))
            if math.isnan(value) or mark in settings.missing_flags:
                if mark in settings.missing_flags or not math.isnan(given):
                    missing.add(each.element)
                continue
            values[each.element] = value * each.factor + each.offset
            if mark in settings.wrong_flags:
                flags[each.element] = WRONG
            elif mark in settings.doubtful_flags:
                flags[each.element] = DOUBTFUL
            break
    return values, flags, missing - values.keys()
