"""Small genuine GRIB messages for tests, with headers written by ecCodes, not by our code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyproj  # noqa: F401

import eccodes  # isort: skip

from forecast.domain import Cycle
from forecast.ingest import Needs
from forecast.quantities import DEFAULT_FIELDS, FIELDS

RUN = datetime(2026, 1, 10, 0, tzinfo=UTC)
CYCLE = Cycle(RUN)
ROWS, COLUMNS = 5, 7  # 42 to 38 north, 113 to 119 east


def message(
    values: np.ndarray | Sequence[float] | float,
    parameter: tuple[int, int, int] = (0, 0, 0),
    surface: int = 100,
    level: float = 85000,
    step: int = 6,
    start: int | None = None,
    statistic: int = 1,
    packing: str = "grid_simple",
    **keys: Any,
) -> bytes:
    """Return a GRIB2 message of NCEP: `values` (row, column) from north to south; NaN is missing;
    with `start` it stands for a span.
    """
    keys = {
        "Ni": COLUMNS,
        "Nj": ROWS,
        "north": 42.0,
        "south": 38.0,
        "west": 113.0,
        "east": 119.0,
        "bits": 16,
        "run": RUN,
    } | keys
    rows, columns = keys.pop("Nj"), keys.pop("Ni")
    field = np.broadcast_to(np.asarray(values, dtype=float), (rows, columns)).ravel().copy()
    handle = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
    try:
        put = {
            "centre": keys.pop("centre", 7),
            "tablesVersion": 2,
            "discipline": parameter[0],
            "productDefinitionTemplateNumber": keys.pop("template", 0 if start is None else 8),
            "dataDate": int(f"{keys['run']:%Y%m%d}"),
            "dataTime": int(f"{keys.pop('run'):%H%M}"),
            "Ni": columns,
            "Nj": rows,
            "latitudeOfFirstGridPointInDegrees": keys.pop("north"),
            "latitudeOfLastGridPointInDegrees": keys.pop("south"),
            "longitudeOfFirstGridPointInDegrees": keys.pop("west"),
            "longitudeOfLastGridPointInDegrees": keys.pop("east"),
            "iDirectionIncrement": 0xFFFFFFFF,
            "jDirectionIncrement": 0xFFFFFFFF,
            "parameterCategory": parameter[1],
            "parameterNumber": parameter[2],
        }
        for key, value in put.items():
            eccodes.codes_set(handle, key, value)
        if start is None:
            eccodes.codes_set(handle, "forecastTime", step)
        else:
            eccodes.codes_set(handle, "typeOfStatisticalProcessing", statistic)
            eccodes.codes_set(handle, "stepRange", f"{start}-{step}")
        eccodes.codes_set(handle, "typeOfFirstFixedSurface", surface)
        eccodes.codes_set(handle, "scaleFactorOfFirstFixedSurface", 0)
        eccodes.codes_set(handle, "scaledValueOfFirstFixedSurface", int(level))
        eccodes.codes_set(handle, "bitsPerValue", keys.pop("bits"))
        for key, value in keys.items():
            eccodes.codes_set(handle, key, value)
        if np.isnan(field).any():
            eccodes.codes_set(handle, "bitmapPresent", 1)
            eccodes.codes_set(handle, "missingValue", -1e30)
            field[np.isnan(field)] = -1e30
        eccodes.codes_set_values(handle, field)
        if packing != "grid_simple":
            eccodes.codes_set(handle, "packingType", packing)
        return bytes(eccodes.codes_get_message(handle))
    finally:
        eccodes.codes_release(handle)


def reencoded(path: Path, keys: dict[str, int]) -> list[bytes]:
    """Return every message of a file with some keys set otherwise; the packed values stay as they
    are.
    """
    messages = []
    for handle in eccodes_fields(path):
        for key, value in keys.items():
            eccodes.codes_set(handle, key, value)
        messages.append(bytes(eccodes.codes_get_message(handle)))
        eccodes.codes_release(handle)
    return messages


def needs(
    *names: str,
    steps: Sequence[int] = (0, 3, 6, 9, 12),
    north: float = 90,
    south: float = -90,
    west: float = -180,
    east: float = 180,
) -> Needs:
    """Return needs for the named fields of the catalogue (all of them where none is named), by
    default over the whole globe.
    """
    fields = tuple(FIELDS[name] for name in names) if names else DEFAULT_FIELDS
    return Needs(fields, tuple(steps), north, south, west, east)


def file_of(folder: Path, *messages: bytes, name: str = "file.grib2") -> Path:
    path = folder / name
    path.write_bytes(b"".join(messages))
    return path


def eccodes_fields(path: Path) -> list[int]:
    """Return a handle for every field of a file, those that share a message too; the caller
    releases them.
    """
    handles = []
    eccodes.codes_grib_multi_support_on()
    try:
        with path.open("rb") as file:
            while (handle := eccodes.codes_grib_new_from_file(file)) is not None:
                handles.append(handle)
    finally:
        eccodes.codes_grib_multi_support_off()
    return handles
