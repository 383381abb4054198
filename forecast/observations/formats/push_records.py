"""Records that stations push as JSON.

A body is a list of records, {"records": [...]}, or one record, with the names of a table's columns
(forecast/observations/formats/columns.csv):
    {"station": "M1001", "time": "2026-11-22T08:00:00+08:00", "air_temperature": -3.4,
     "wind_speed": 6.1}
A zone that stands around the records ({"timezone": "UTC", "records": [...]}), at any depth, counts
as one in a table's comment does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import tzinfo

from forecast.observations.formats.collector import Collector, ParseContext, Parsed
from forecast.observations.formats.csv_records import LARGEST, RowReader
from forecast.observations.formats.zone_comments import enclosed_zone
from forecast.observations.formats.zones import same_zone


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
    zone = None
    if isinstance(content, dict) and "records" in content:
        try:
            zone = enclosed_zone(content, context.zone)
        except ValueError as error:
            collector.fault(0, str(error))
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
    _read_records(content, collector, context, zone)
    return collector.parsed()


def _read_records(
    records: Iterable[object], collector: Collector, context: ParseContext, outer: tzinfo | None
) -> None:
    """Read records; outer: the zone that what is around them names."""
    tables: dict[tuple[object, ...], RowReader] = {}
    for number, record in enumerate(records, 1):
        if collector.full:
            return
        if not isinstance(record, dict):
            collector.fault(number, "the record is not an object with names and values")
            continue
        names = tuple(record)
        try:
            zone = _record_zone(record, context.zone, outer)
        except ValueError as error:
            collector.fault(number, str(error))
            continue
        table = tables.get((names, zone))
        if table is None:
            if len(names) > 100:
                collector.fault(number, f"the record has {len(names)} names, at most 100 are read")
                continue
            if len(tables) >= 1000:
                tables.clear()
            table = RowReader(names, number, collector, context, zone)
            tables[names, zone] = table
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


def _record_zone(
    record: Mapping[str, object], local: tzinfo, outer: tzinfo | None
) -> tzinfo | None:
    """Return the zone that the objects in a record name, else `outer`. Raises: ValueError."""
    inner = {name: value for name, value in record.items() if isinstance(value, dict)}
    found = enclosed_zone(inner, local) if inner else None
    if found is not None and outer is not None and not same_zone(found, outer):
        raise ValueError("the record names another time zone than what is around it: write one")
    return found or outer


def _cell(value: object) -> object:
    """Return a JSON value as a cell: a number as it is, everything else as text."""
    if type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < LARGEST else "number too large"
    return "" if value is None else "not a plain value"
