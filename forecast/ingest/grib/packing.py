"""Check the packed data of a message against its headers before the C library reads them.

Fuzzed with one to four damaged bytes, ecCodes 2.42 ends in SIGSEGV, SIGABRT or an endless loop for
one message in 160 (88 of 14,000): it trusts group lengths, bitmaps, image sizes. These are checked
here; of 240,000 damaged messages, the 116,000 that pass these checks crashed it twice (in a
JPEG2000 codestream), which is why decoding runs in a process of its own.

Supported: GRIB1 simple, GRIB2 5.0 (simple), 5.2 and 5.3 (complex), 5.4 (IEEE), 5.40 (JPEG2000),
5.42 (CCSDS). Not 5.41 (PNG): no centre read here uses it, and 25 of 3,000 damaged images aborted
the library.

Source: WMO-No. 306, templates 5.0-5.42 and 7.0-7.42; ISO/IEC 15444-1 A.5.1 (SIZ).
"""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from forecast.errors import SourceCorrupt
from forecast.ingest.grib.grid import Grid, read_grid
from forecast.ingest.grib.headers import Data, Message

SIMPLE, COMPLEX, COMPLEX_DIFFERENCED, IEEE, JPEG2000, CCSDS = 0, 2, 3, 4, 40, 42
PACKING_NAMES = {
    SIMPLE: "simple",
    COMPLEX: "complex",
    COMPLEX_DIFFERENCED: "complex with differences",
    IEEE: "IEEE",
    JPEG2000: "JPEG2000",
    CCSDS: "CCSDS",
    -1: "GRIB1 simple",  # headers.Message.packing of edition 1
    41: "PNG",
    200: "run length",
}  # also of those that are not read here
MOST_BITS = 32

_SIZES = {SIMPLE: 21, COMPLEX: 47, COMPLEX_DIFFERENCED: 49, IEEE: 12, JPEG2000: 23, CCSDS: 25}
# [byte] of the product templates, with one time range where they have any
_PRODUCT_SIZES = {0: 34, 1: 37, 8: 58, 11: 61, 48: 58}
_VALUES = struct.Struct(">fHHB")
_GROUPS = struct.Struct(">22xBIIIBBIBIB")
_SIZ = struct.Struct(">IIIIIIIIHBBB")


def grid_of(message: Message, data: Data) -> Grid:
    """Return the grid of `message`.

    Raises: SourceCorrupt for one that is damaged or of a kind not read here, naming file and byte.
    """
    first, last = message.sections.get(3, (0, 0))
    try:
        return read_grid(data[first:last], message.edition)
    except (ValueError, struct.error) as error:
        raise SourceCorrupt(f"{message.where}: {error}: fetch it again") from error


def check(message: Message, data: Data, points: int) -> None:
    """Refuse a message whose headers and data do not agree on a grid of `points`.

    Raises: SourceCorrupt, naming file, byte and what was expected.
    """
    try:
        if message.edition == 1:
            _check1(message, data, points)
        else:
            _check2(message, data, points)
    except (ValueError, struct.error) as error:
        raise SourceCorrupt(f"{message.where}: {error}: fetch it again") from error


def quantum(message: Message, data: Data) -> float:
    """Return the step of the packing of a checked message [unit of the message].

    0 for IEEE numbers and for a constant field, which are not rounded to steps.
    """
    if message.packing == IEEE or _is_constant(message, data):
        return 0.0
    if message.edition == 1:
        binary, decimal = (
            data[message.sections[7][0] + 4 :][:2],
            data[message.sections[1][0] + 26 :][:2],
        )
    else:
        place = message.sections[5][0]
        binary, decimal = data[place + 15 : place + 17], data[place + 17 : place + 19]
    return math.ldexp(1.0, _sign16(int.from_bytes(binary, "big"))) * 10.0 ** -_sign16(
        int.from_bytes(decimal, "big")
    )


def _is_constant(message: Message, data: Data) -> bool:
    """Return whether a checked message packs no digits: all its values are the reference value."""
    if message.edition == 1:
        return data[message.sections[7][0] + 10] == 0
    place = message.sections[5][0]
    if data[place + 19]:
        return False
    if message.packing not in (COMPLEX, COMPLEX_DIFFERENCED):
        return True
    # octets 36 and 37: the groups' width, and the bits of the additional width of each
    if data[place + 35] or data[place + 36]:
        return False
    return message.packing == COMPLEX or _no_differences(message, data)


def _no_differences(message: Message, data: Data) -> bool:
    """Return whether a differenced message without packed digits has one value at all points.

    Section 7 begins with the first value, for the second order also the second, and the least
    difference, each of as many octets as octet 49 of section 5 says.
    Source: WMO-No. 306, vol. I.2, GRIB 2, templates 5.3 and 7.3.
    """
    place, start = message.sections[5][0], message.sections[7][0] + 5
    order, width = data[place + 47], data[place + 48]
    numbers = [data[start + n * width : start + (n + 1) * width] for n in range(order + 1)]
    least_difference = int.from_bytes(numbers[-1], "big") & ~(1 << (8 * width - 1))
    return least_difference == 0 and len(set(numbers[:-1])) == 1


def has_missing(message: Message, data: Data) -> bool:
    """Return whether points may be missing: a bitmap, or missing values of complex packing."""
    if message.edition == 1:
        return 6 in message.sections
    place = message.sections[5][0]
    return data[message.sections[6][0] + 5] != 255 or (
        message.packing in (COMPLEX, COMPLEX_DIFFERENCED) and data[place + 22] != 0
    )


def _sign16(value: int) -> int:
    return -(value & 0x7FFF) if value & 0x8000 else value


def _check_scale(reference: float, binary: int, decimal: int, bits: int) -> None:
    if not math.isfinite(reference) or abs(_sign16(binary)) > 120 or abs(_sign16(decimal)) > 40:
        raise ValueError(
            f"reference {reference:g}, scales {_sign16(binary)} and {_sign16(decimal)}: no such "
            "numbers are packed"
        )
    if bits > MOST_BITS:
        raise ValueError(f"{bits} bits a value, expected at most {MOST_BITS}")


def _require(there: int, needed: int, what: str) -> None:
    if there < needed:
        raise ValueError(f"{what}: {there} bytes are there, {needed} are needed")


def _present(data: Data, place: int, end: int, points: int) -> int:
    """Return how many points have a value by a bitmap (bytes place to end)."""
    _require(end - place, (points + 7) // 8, "bitmap")
    whole = int.from_bytes(data[place : place + points // 8], "big").bit_count()
    rest = points % 8
    return whole + (data[place + points // 8] >> (8 - rest)).bit_count() if rest else whole


# -- edition 1


def _check1(message: Message, data: Data, points: int) -> None:
    count = points
    if 6 in message.sections:
        place, end = message.sections[6]
        if int.from_bytes(data[place + 4 : place + 6], "big"):
            raise ValueError("a predefined bitmap, which is not read here")
        count = _present(data, place + 6, end, points)
    place, end = message.sections[7]
    if data[place + 3] & 0xF0:
        raise ValueError(
            f"packing flags {data[place + 3]:#04x}: of edition 1 only simple packing of grid "
            "points is read here"
        )
    bits = data[place + 10]
    scale = data[message.sections[1][0] + 26 : message.sections[1][0] + 28]
    _check_scale(
        0.0, int.from_bytes(data[place + 4 : place + 6], "big"), int.from_bytes(scale, "big"), bits
    )
    _require(end - place - 11, (count * bits + 7) // 8, f"data of {count} values")


# -- edition 2


def _check2(message: Message, data: Data, points: int) -> None:
    packing = message.packing
    if packing not in _SIZES:
        raise ValueError(
            f"packing 5.{packing}; read here are "
            f"{', '.join(f'5.{n} ({PACKING_NAMES[n]})' for n in _SIZES)}"
        )
    product, head = (data[slice(*message.sections[n])] for n in (4, 5))
    size = _PRODUCT_SIZES.get(message.template)  # others are looked at, but never read
    expected = len(product) if size is None else size + 4 * int.from_bytes(product[5:7], "big")
    if len(product) != expected:
        raise ValueError(
            f"product template 4.{message.template} of {len(product)} bytes, expected {expected}"
        )
    _require(len(head), _SIZES[packing], f"section 5 of {PACKING_NAMES[packing]} packing")
    indicator = data[message.sections[6][0] + 5]
    if indicator not in (0, 254, 255):
        raise ValueError(f"bitmap indicator {indicator}, expected 0, 254 or 255")
    count = (
        points
        if indicator == 255
        else _present(data, message.sections[6][0] + 6, message.sections[6][1], points)
    )
    declared = int.from_bytes(head[5:9], "big")
    if declared != count:
        raise ValueError(f"{declared} values are declared, the grid and its bitmap have {count}")
    place, end = message.sections[7]
    body = data[place + 5 : end]
    if packing == IEEE:
        if head[11] not in (1, 2):
            raise ValueError(f"IEEE precision {head[11]}, expected 1 or 2")
        _require(len(body), count * 4 * head[11], f"data of {count} values")
        return
    reference, binary, decimal, bits = _VALUES.unpack_from(head, 11)
    _check_scale(reference, binary, decimal, bits)
    if packing == SIMPLE:
        _require(len(body), (count * bits + 7) // 8, f"data of {count} values")
    elif packing in (COMPLEX, COMPLEX_DIFFERENCED):
        _check_groups(head, body, count, bits)
    elif bits and packing == JPEG2000:
        _check_jpeg2000(body, count)
    elif bits:
        _check_ccsds(head)


def _check_groups(head: bytes, body: bytes, count: int, bits: int) -> None:
    """Check that the groups of complex packing hold `count` values within the available bytes."""
    missing, _, _, groups, width0, width_bits, length0, step, last, length_bits = (
        _GROUPS.unpack_from(head)
    )
    order, extra = (head[47], head[48]) if len(head) >= 49 else (0, 0)
    if (
        missing > 2
        or order > 2
        or extra > 4
        or max(width_bits, length_bits) > MOST_BITS
        or groups > count
    ):
        raise ValueError(
            f"{groups} groups, differences of order {order} on {extra} octets: no such complex "
            "packing"
        )
    if not groups:
        return
    position = extra * (order + 1) if order else 0
    sizes = [(groups * n + 7) // 8 for n in (bits, width_bits, length_bits)]
    _require(len(body), position + sum(sizes), f"data of {groups} groups")
    position += sizes[0]
    widths = width0 + _unpacked(body[position : position + sizes[1]], groups, width_bits)
    position += sizes[1]
    lengths = length0 + step * _unpacked(body[position : position + sizes[2]], groups, length_bits)
    position += sizes[2]
    lengths[-1] = last
    if int(lengths.max()) > count or int(lengths.sum()) != count or int(widths.max()) > MOST_BITS:
        raise ValueError(
            f"the groups hold {int(lengths.sum())} values of up to {int(widths.max())} bits, "
            f"expected {count} values"
        )
    _require(len(body) - position, (int((widths * lengths).sum()) + 7) // 8, "data of the groups")


def _unpacked(packed: bytes, count: int, bits: int) -> NDArray[np.int64]:
    """Return `count` unsigned numbers of `bits` bits."""
    if not bits:
        return np.zeros(count, dtype=np.int64)
    if bits == 8:
        return np.frombuffer(packed, dtype=np.uint8, count=count).astype(np.int64)
    unpacked = np.unpackbits(np.frombuffer(packed, dtype=np.uint8), count=count * bits).reshape(
        count, bits
    )
    result = np.zeros(count, dtype=np.int64)
    for column in unpacked.T:
        result = (result << 1) | column
    return result


def _check_jpeg2000(body: bytes, count: int) -> None:
    """Check that the codestream is one grey image of `count` pixels in one tile."""
    if body[:4] != b"\xff\x4f\xff\x51":
        raise ValueError(f"expected a JPEG2000 codestream, found {body[:4]!r}")
    (
        width,
        height,
        left,
        top,
        tile_width,
        tile_height,
        tile_left,
        tile_top,
        parts,
        depth,
        across,
        down,
    ) = _SIZ.unpack_from(body, 8)
    pixels = (width - left) * (height - top)
    if (
        pixels != count
        or min(width - left, height - top) < 1
        or parts != 1
        or across != 1
        or down != 1
        or depth & 0x7F >= MOST_BITS
    ):
        raise ValueError(
            f"a JPEG2000 image of {width - left} x {height - top} pixels in {parts} parts, "
            f"expected {count} pixels in one"
        )
    if tile_left or tile_top or tile_width < width or tile_height < height:
        raise ValueError("a JPEG2000 image in several tiles, expected one")


def _check_ccsds(head: bytes) -> None:
    """Check the options of the lossless compressor."""
    block, interval = head[22], int.from_bytes(head[23:25], "big")
    if block not in (8, 16, 32, 64) or not 1 <= interval <= 4096:
        raise ValueError(
            f"CCSDS blocks of {block} and intervals of {interval}, expected 8, 16, 32 or 64 and at "
            "most 4096"
        )
