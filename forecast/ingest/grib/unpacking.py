"""Simple packing (GRIB2 template 5.0) unpacked by numpy, in this process.

It is what NOMADS' region filter writes. Nothing here can crash: a message is checked before
(packing.py), is read anew with its lengths, and every position is within the bytes that were read,
or numpy refuses it. Other packings, and edition 1, are for ecCodes in a process of its own
(decoder_pool.py).

Source: WMO-No. 306, templates 5.0 and 7.0: Y = (R + X 2^E) 10^-D.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from forecast.errors import SourceCorrupt
from forecast.ingest.grib.decoder_pool import Order, Values
from forecast.ingest.grib.packing import SIMPLE

_SCALES = struct.Struct(">11xfHHB")
_HEAD = 5  # [byte] length and number of a section


def is_simple(order: Order) -> bool:
    """Return whether a message is one that is unpacked here."""
    return order.message.edition == 2 and order.message.packing == SIMPLE


def unpack(orders: Sequence[Order]) -> list[Values | SourceCorrupt]:
    """Return the wanted values of each message (latitude, longitude), or why it has none.

    All orders are of one file. NaN where the bitmap says missing.
    """
    try:
        file = os.open(orders[0].path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return [_refused(order, error) for order in orders]
    try:
        return [_values_or_reason(file, order) for order in orders]
    finally:
        os.close(file)


def _values_or_reason(file: int, order: Order) -> Values | SourceCorrupt:
    try:
        return _values(file, order)
    # the file may be another one by now: whatever fails, costs this message only
    except (OSError, ValueError, IndexError, struct.error, MemoryError) as error:
        return _refused(order, error)


def _refused(order: Order, error: Exception) -> SourceCorrupt:
    return SourceCorrupt(
        f"{order.message.where}: cannot be decoded ({type(error).__name__}: {error}), expected "
        f"{order.points} values: fetch it again"
    )


def _values(file: int, order: Order) -> Values:
    """Return the wanted values of a message. Raises: OSError, ValueError, IndexError."""
    reference, binary, decimal, bits = _SCALES.unpack_from(_section(file, order, 5))
    places, there = order.cut.positions, None
    if order.missing:
        bitmap = np.frombuffer(_section(file, order, 6), dtype=np.uint8, offset=_HEAD + 1)
        present = np.unpackbits(bitmap, count=order.points)
        if not present.any():
            return np.full(order.cut.shape, np.nan, dtype=np.float32)
        there = present[places].astype(bool)
        places = np.where(there, np.cumsum(present, dtype=np.int32)[places] - 1, 0)
    if bits:
        packed = numbers(_section(file, order, 7)[_HEAD:], places, bits)
        scale, unit = power(2, _signed(binary)), power(10, -_signed(decimal))
        values = ((packed * scale + reference) * unit).astype(np.float32)
    else:
        values = np.full(order.cut.shape, reference, dtype=np.float32)
    return values if there is None else np.where(there, values, np.float32(np.nan))


def _section(file: int, order: Order, number: int) -> bytes:
    """Return a section of a message. Raises: ValueError where the file ends before it does."""
    first, last = order.message.sections[number]
    content = os.pread(file, last - first, first)
    if len(content) < last - first:
        raise ValueError(f"section {number} ends at byte {last}, the file does before")
    return content


def numbers(body: bytes, places: NDArray[np.integer], bits: int) -> NDArray[np.int64]:
    """Return the numbers of `bits` bits (1 to 32) at `places` of a packed body, in their shape.

    Raises: IndexError where a place is beyond the body.
    """
    # a number reaches over so many bytes at most; behind the last one zeros are read
    width = (bits + 14) // 8
    start = places.astype(np.int64) * bits
    if start.size and (start.min() < 0 or start.max() + bits > 8 * len(body)):
        raise IndexError(f"{8 * len(body)} bits are there, {start.max() + bits} are needed")
    content = np.frombuffer(body + bytes(width), dtype=np.uint8)
    first = start >> 3
    found = content.take(first).astype(np.int64)
    for _ in range(1, width):
        first += 1
        found <<= 8
        found |= content.take(first)
    start &= 7
    found >>= 8 * width - bits - start
    found &= (1 << bits) - 1
    return found


def power(base: int, exponent: int) -> float:
    """Return a power as ecCodes computes it: a product of factors, rounded after each.

    So the values are the same to the last bit.
    """
    result = 1.0
    for _ in range(abs(exponent)):
        result = result * base if exponent > 0 else result / base
    return result


def _signed(value: int) -> int:
    """Return the value of a 16 bit number of sign and magnitude."""
    return -(value & 0x7FFF) if value & 0x8000 else value
