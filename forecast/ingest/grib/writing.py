"""Write a field on a regular grid as a GRIB2 message, so that it is kept and read as others are.

Used where a source sends numbers in another form (CMADaaS's JSON, MICAPS text). Simple packing with
24 bits: the greatest error is the field's range over 2^25. Missing points have a bitmap.
Source: WMO-No. 306, FM 92 GRIB edition 2: templates 3.0, 4.0, 4.8, 5.0, 6 and 7.0.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.quantities import Key

BITS = 24
STATISTICS = {"mean": 0, "sum": 1, "maximum": 2, "minimum": 3}  # code table 4.10
MISSING_VALUE = 0xFFFFFFFF
MICRO = 1_000_000
TINY = np.finfo(np.float32).tiny
FINEST = -100  # the least binary scale: smaller steps than 1e-30 are no measurement
MOST_UNEVEN = 0.05  # of a grid step, by which a row may lie off the even grid

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WrittenField:
    """What a message says of itself. start, end [h after the run]: equal for a `point`."""

    key: Key
    level: float  # value of the first fixed surface, in SI
    centre: int
    run: datetime
    start: int
    end: int
    statistic: str = "point"


def message(about: WrittenField, latitudes: Floats, longitudes: Floats, values: Floats) -> bytes:
    """Return a field (latitude, longitude) as GRIB2: rows from north to south, NaN is missing.

    Raises: ValueError where the grid is not even.
    """
    grid = _grid(latitudes, longitudes)
    flat = np.asarray(values, dtype=np.float64).ravel()
    there = np.isfinite(flat)
    packed = flat[there]
    bitmap = b"" if there.all() else np.packbits(there).tobytes()
    sections = (
        _section(1, _identification(about)),
        _section(3, grid),
        _section(4, _product(about)),
        *_data(packed, bitmap),
    )
    body = b"".join(sections) + b"7777"
    head = struct.pack(">4sHBBQ", b"GRIB", 0, about.key.discipline, 2, 16 + len(body))
    return head + body


def _section(number: int, content: bytes) -> bytes:
    return struct.pack(">IB", len(content) + 5, number) + content


def _identification(about: WrittenField) -> bytes:
    run = about.run
    return struct.pack(
        ">HHBBBHBBBBBBB", about.centre, 0, 2, 0, 1, run.year, run.month, run.day, run.hour,
        run.minute, run.second, 0, 1,
    )  # fmt: skip


def _grid(latitudes: Floats, longitudes: Floats) -> bytes:
    rows, columns = len(latitudes), len(longitudes)
    steps = []
    for name, axis in (("latitudes", latitudes), ("longitudes", longitudes)):
        step = (axis[-1] - axis[0]) / (len(axis) - 1)
        even = axis[0] + step * np.arange(len(axis))
        if step == 0 or np.abs(axis - even).max() > MOST_UNEVEN * abs(step):
            raise ValueError(f"{name} are not evenly spaced")
        steps.append(round(abs(step) * MICRO))
    if latitudes[0] < latitudes[-1] or longitudes[0] > longitudes[-1]:
        raise ValueError("rows run from north to south, columns from west to east")
    corners = (
        _sign32(latitudes[0]), round((longitudes[0] % 360) * MICRO), 48,
        _sign32(latitudes[-1]), round((longitudes[-1] % 360) * MICRO),
    )  # fmt: skip
    north, west, flags, south, east = corners
    return (
        struct.pack(">BIBBH", 0, rows * columns, 0, 0, 0)
        + struct.pack(">BBIBIBI", 6, 0, 0, 0, 0, 0, 0)
        + struct.pack(">IIII", columns, rows, 0, MISSING_VALUE)
        + struct.pack(">IIBII", north, west, flags, south, east)
        + struct.pack(">IIB", steps[1], steps[0], 0)
    )


def _sign32(degrees: float) -> int:
    """Return microdegrees with the sign as the first bit."""
    micro = round(float(degrees) * MICRO)
    return micro if micro >= 0 else 0x80000000 | -micro


def _product(about: WrittenField) -> bytes:
    template = 0 if about.statistic == "point" else 8
    key = about.key
    common = struct.pack(
        ">HHBBBBBHBBIBbIBbI", 0, template, key.category, key.number, 2, 0, 0, 0, 0, 1, about.start,
        key.surface, 0, round(about.level), 255, 0, 0,
    )  # fmt: skip
    if template == 0:
        return common
    end = about.run + timedelta(hours=about.end)
    return common + struct.pack(
        ">HBBBBBBIBBBIBI", end.year, end.month, end.day, end.hour, end.minute, end.second, 1, 0,
        STATISTICS[about.statistic], 2, 1, about.end - about.start, 255, 0,
    )  # fmt: skip


def _data(values: Floats, bitmap: bytes) -> tuple[bytes, bytes, bytes]:
    """Return sections 5 to 7 of the values that are there."""
    low = float(values.min()) if len(values) else 0.0
    reference = np.float32(low)
    if float(reference) > low:
        reference = np.nextafter(reference, np.float32(-np.inf))
    if 0 < abs(reference) < TINY:  # no reader knows numbers so small
        reference = np.float32(0) if reference > 0 else -TINY
    span = (float(values.max()) if len(values) else 0.0) - float(reference)
    bits = BITS if span > 0 else 0
    binary = max(math.ceil(math.log2(span / ((1 << BITS) - 1))), FINEST) if bits else 0
    scale = binary if binary >= 0 else 0x8000 | -binary
    head = struct.pack(">IHfHHBB", len(values), 0, reference, scale, 0, bits, 0)
    steps = np.rint((values - float(reference)) * 2.0**-binary) if bits else np.zeros(0)
    packed = steps.astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    marks = b"\0" + bitmap if bitmap else b"\xff"
    return _section(5, head), _section(6, marks), _section(7, packed)
