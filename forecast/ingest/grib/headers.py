"""Read the section headers of a GRIB file, without the C library.

GRIB1 and GRIB2 messages become `Message`s, one a field: a GRIB2 message of several fields gives
several, each with its sections. Every length is checked against the remaining bytes first.

Source: WMO Manual on Codes (WMO-No. 306) I.2, FM 92 GRIB: sections 0-8, templates 4.0-4.12 and
4.48, code tables 4.4, 4.5, 4.10, 4.91; edition 1: FM 92-IX Ext. and grib/ensemble1.py.
"""

from __future__ import annotations

import hashlib
import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from forecast.errors import SourceCorrupt
from forecast.ingest.grib.derived_products import derived_name2
from forecast.ingest.grib.ensemble1 import DERIVED, derived_name, product_of
from forecast.quantities import STATISTICS

Data: TypeAlias = bytes | mmap.mmap
Span: TypeAlias = tuple[int, int]  # [byte] from, to; in the file

LONGEST_GAP = 1000  # [byte] of bulletin heading or padding that may stand between two messages
_TEXT = frozenset(b"\0\t\r\n\x01\x03") | frozenset(range(32, 127))

_HOURS = {0: 1 / 60, 1: 1.0, 2: 24.0, 10: 3.0, 11: 6.0, 12: 12.0, 13: 1 / 3600}  # code table 4.4
_HOURS1 = _HOURS | {13: 0.25, 14: 0.5, 254: 1 / 3600}  # edition 1, code table 4
_FOLLOWING = {0: (1,), 1: (2, 3), 2: (3,), 3: (4,), 4: (5,), 5: (6,), 6: (7,), 7: (2, 3, 4)}
_SHORTEST = {1: 21, 2: 5, 3: 14, 4: 11, 5: 11, 6: 6, 7: 5}

# Product templates that share the octets of template 4.0 up to the second surface, and where their
# time ranges begin (None: a point).
_PRODUCTS: dict[int, int | None] = {0: None, 1: None, 2: None, 8: 34, 11: 37, 12: 36, 48: None}
# optical properties of aerosol: 24 octets on kind, size and wavelength stand before what it shares
_AEROSOL = 48
_SHIFT = {_AEROSOL: 24}
_MEMBER = {1: 35, 11: 35}  # where the number of an ensemble's member stands
# from the ground to the top of the atmosphere: all of it, as ECMWF writes it, and no layer
_COLUMN = (1, 8)
# code table 4.3: probability, error of a forecast and of an analysis, climate
_NO_FORECAST = frozenset((5, 6, 7, 9))
_EXACTLY, _BETWEEN = (11,), (2, 7, 10)  # kinds of interval: one value; from one to another
# Edition 1: types of level that are a layer, with a value an octet.
_LAYERS1 = frozenset((101, 104, 106, 108, 110, 112, 114, 116, 120, 121, 128, 141))

_START2 = struct.Struct(">4sHBBQ")
_HEAD = struct.Struct(">IB")
_ORIGIN = struct.Struct(">5xHHBBBHBBBBB")
_PRODUCT = struct.Struct(">17xBIBbIBbI")
_RANGE = struct.Struct(">HBBBBBBIBBBI")
_OPTICS = struct.Struct(">11xH11xBBIBI")


@dataclass(frozen=True, slots=True)
class Aerosol:
    """Whose optical property a message holds: the kind (code table 4.233; 62000 is all of it) and
    from which to which wavelength [m].
    """

    kind: int
    shortest: float
    longest: float


@dataclass(frozen=True, slots=True)
class Message:
    """One field of a file, as its headers describe it.

    run: when the model started, None where the date is none. start, end [h after the run]: the
    window the field stands for, equal for a `point`; statistic `other` where it is something else.
    parameter: (discipline, category, number), in edition 1 (table version,
    centre, number). surface, value: type of the first fixed surface and its value in SI (pressure
    [Pa]); layer: there is a second one (the column from the ground to the top of the atmosphere is
    none).
    template: of the product, 0 and 8 for one deterministic forecast, in edition 1 the template of
    edition 2 for the same kind of product. packing: template of the data, in edition 1 -1. member:
    which one of an ensemble it is, None where it is none. derived: what a field made of all members
    is ("ensemble mean"), "" where it is none or not known. aerosol: what it is of, in template 48.
    sections: where sections 1-7 stand in the file; a bitmap used again is the one it was first
    given with.
    """

    name: str
    offset: int
    length: int
    edition: int
    centre: int
    run: datetime | None
    start: float
    end: float
    statistic: str
    parameter: tuple[int, int, int]
    surface: int
    value: float
    layer: bool
    template: int
    packing: int
    grid: str
    sections: dict[int, Span]
    alone: bool  # the only field of its message
    member: int | None = None
    aerosol: Aerosol | None = None
    derived: str = ""

    @property
    def where(self) -> str:
        return f"{self.name}, message at byte {self.offset}"


def inspect(path: Path) -> list[Message]:
    """Describe every field of the file at `path`, from its headers only.

    Raises: SourceCorrupt.
    """
    return list(scan(read_data(path), path.name))


def read_data(path: Path) -> Data:
    """Open the file at `path` for reading in place.

    Raises: SourceCorrupt when there is no such file, or nothing in it.
    """
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except ValueError as error:
        raise SourceCorrupt(
            f"{path.name}: the file is empty, expected GRIB messages: fetch it again"
        ) from error
    except OSError as error:
        raise SourceCorrupt(f"{path.name}: cannot be read: {error.strerror}") from error


def scan(data: Data, name: str) -> Iterator[Message]:
    """Walk through the messages of `data`, which errors call `name`; at most a bulletin's heading
    may stand between two.

    Raises: SourceCorrupt, naming file, byte and what was expected there.
    """
    offset, found = _next_message(data, 0, name), False
    while offset is not None:
        start = data[offset : offset + 16]
        if len(start) < 16:
            raise _corrupt(name, offset, f"{len(start)} bytes are left, a message has at least 16")
        edition = start[7]
        if edition == 2:
            length = _START2.unpack(start)[4]
        elif edition == 1:
            length = int.from_bytes(start[4:7], "big")
            if length & 0x800000:
                raise _corrupt(
                    name, offset, "an edition 1 message of more than 8 MB, which is not read here"
                )
        else:
            raise _corrupt(name, offset, f"GRIB edition {edition}, expected 1 or 2")
        end = offset + length
        if length < 40 or end > len(data):
            raise _corrupt(
                name,
                offset,
                f"its length is given as {length} bytes, {len(data) - offset} are there: cut short "
                "or damaged",
            )
        if data[end - 4 : end] != b"7777":
            raise _corrupt(
                name, offset, f"expected 7777 at byte {end - 4}, found {data[end - 4 : end]!r}"
            )
        yield from (
            _fields2(data, name, offset, end) if edition == 2 else _fields1(data, name, offset, end)
        )
        found = True
        offset = _next_message(data, end, name)
    if not found:
        raise SourceCorrupt(f"{name}: no GRIB message in {len(data)} bytes: fetch it again")


def _next_message(data: Data, position: int, name: str) -> int | None:
    """Return where the next message begins, None at the end of the file; only padding or text may
    be skipped.
    """
    if data[position : position + 4] == b"GRIB":
        return position
    if position == len(data):
        return None
    found = data.find(b"GRIB", position, position + LONGEST_GAP + 4)
    end = found if found >= 0 else len(data)
    begun = found < 0 and data[max(position, end - 3) : end].endswith((b"G", b"GR", b"GRI"))
    if end - position > LONGEST_GAP or begun or not _TEXT.issuperset(data[position:end]):
        raise _corrupt(name, position, f"expected GRIB, found {data[position : position + 16]!r}")
    return found if found >= 0 else None


def _corrupt(name: str, offset: int, what: str) -> SourceCorrupt:
    return SourceCorrupt(f"{name}, byte {offset}: {what}")


# -- edition 2


def _fields2(data: Data, name: str, offset: int, end: int) -> Iterator[Message]:
    """Walk through the sections of one GRIB2 message; a field is whole where a section 7 ends."""
    sections: dict[int, Span] = {}
    position, before, found = offset + 16, 0, []
    bitmap: Span | None = None
    while position < end - 4:
        size, number = _HEAD.unpack_from(data, position) if position + 5 <= end - 4 else (0, 0)
        if (
            number not in _FOLLOWING[before]
            or size < _SHORTEST[number]
            or position + size > end - 4
        ):
            expected = " or ".join(str(n) for n in _FOLLOWING[before])
            raise _corrupt(
                name,
                position,
                f"expected section {expected} within the message, found section {number} of {size} "
                "bytes",
            )
        sections[number] = (position, position + size)
        if number == 6 and data[position + 5] == 0:
            bitmap = sections[6]
        elif number == 6 and data[position + 5] == 254:
            if bitmap is None:
                raise _corrupt(
                    name,
                    position,
                    "a bitmap is used again that was not given before in this message",
                )
            sections[6] = bitmap
        elif number == 7:
            found.append(dict(sections))
        position, before = position + size, number
    if before != 7:
        raise _corrupt(
            name,
            position,
            f"the message ends after section {before}, expected section {_FOLLOWING[before][0]}",
        )
    for fields in found:
        yield _describe2(data, name, offset, end, fields, alone=len(found) == 1)


def _describe2(
    data: Data, name: str, offset: int, end: int, sections: dict[int, Span], alone: bool
) -> Message:
    """Read the headers of one field of a GRIB2 message."""
    centre, _, _, _, significance, year, month, day, hour, minute, second = _ORIGIN.unpack_from(
        data, sections[1][0]
    )
    run = _moment(year, month, day, hour, minute, second) if significance in (0, 1) else None
    place, after = sections[4]
    template = int.from_bytes(data[place + 7 : place + 9], "big")
    begins = hours = -1.0
    surface, value, layer, statistic = -1, float("nan"), False, "other"
    category, number = data[place + 9], data[place + 10]
    shift = _SHIFT.get(template, 0)
    member = aerosol = None
    if template in _PRODUCTS and after - place >= 34 + shift:
        unit, time, surface, scale, scaled, surface2, scale2, scaled2 = _PRODUCT.unpack_from(
            data, place + shift
        )
        value = _scaled(scale, scaled)
        layer = (
            surface2 != 255
            and (surface2, scale2, scaled2) != (surface, scale, scaled)
            and (surface, surface2) != _COLUMN
        )
        if unit in _HOURS and time < 1 << 31:
            begins = hours = time * _HOURS[unit]
            ranges = _PRODUCTS[template]
            if ranges is None:
                statistic = "point"
            elif after - place >= ranges + 24 and data[place + ranges + 7] == 1:
                hours, statistic = _range2(data, place + ranges, begins, run)
        member = _member2(data, template, place, after)
        aerosol = _optics(data, place) if template == _AEROSOL else None
        if data[place + 11] in _NO_FORECAST and template in (0, 8):
            statistic = "other"
    return Message(
        name=name,
        offset=offset,
        length=end - offset,
        edition=2,
        centre=centre,
        run=run,
        start=begins,
        end=hours,
        statistic=statistic,
        parameter=(data[offset + 6], category, number),
        surface=surface,
        value=value,
        layer=layer,
        template=template,
        packing=int.from_bytes(data[sections[5][0] + 9 : sections[5][0] + 11], "big"),
        grid=_digest(data, sections[3]),
        sections=sections,
        alone=alone,
        member=member,
        aerosol=aerosol,
        derived=derived_name2(data[place:after], template),
    )


def _member2(data: Data, template: int, place: int, after: int) -> int | None:
    """Return the number of the ensemble member; None where the template has none."""
    octet = _MEMBER.get(template)
    return None if octet is None or after - place <= octet else data[place + octet]


def _optics(data: Data, place: int) -> Aerosol:
    """Read of which aerosol and wavelengths template 4.48 tells; the wavelengths are NaN where they
    are no closed interval.
    """
    kind, interval, scale, first, scale2, second = _OPTICS.unpack_from(data, place)
    shortest, longest = _scaled(_sign8(scale), first), _scaled(_sign8(scale2), second)
    if interval in _EXACTLY:
        return Aerosol(kind, shortest, shortest)
    return (
        Aerosol(kind, shortest, longest)
        if interval in _BETWEEN
        else Aerosol(kind, float("nan"), float("nan"))
    )


def _sign8(octet: int) -> int:
    """Return an octet as the signed number that `_scaled` takes."""
    return octet - 256 if octet & 0x80 else octet


def _range2(data: Data, place: int, begins: float, run: datetime | None) -> tuple[float, str]:
    """Return the end of a time range [h after the run] and its statistic, `other` where its two
    statements of the end differ.
    """
    year, month, day, hour, minute, second, _, _, process, _, unit, length = _RANGE.unpack_from(
        data, place
    )
    stated = _moment(year, month, day, hour, minute, second)
    if unit not in _HOURS or process not in STATISTICS or stated is None or run is None:
        return begins, "other"
    ends = begins + length * _HOURS[unit]
    same = abs((stated - run).total_seconds() / 3600 - ends) < 1e-6
    return ends, STATISTICS[process] if same and length else "other"


def _scaled(scale: int, value: int) -> float:
    """Return value * 10**-scale; the scale has its sign in the first bit, a value of all ones is
    none.
    """
    if value == 0xFFFFFFFF:
        return float("nan")
    scale = scale if scale >= 0 else -(scale & 0x7F)
    return float(value) / 10.0**scale if abs(scale) <= 30 else float("nan")


# -- edition 1


def _fields1(data: Data, name: str, offset: int, end: int) -> Iterator[Message]:
    """Walk through the sections of one GRIB1 message, numbered as in edition 2: 1 product, 3 grid,
    6 bitmap, 7 data.
    """
    sections: dict[int, Span] = {}
    position, present = offset + 8, data[offset + 15]
    for number, shortest, there in (
        (1, 28, True),
        (3, 32, bool(present & 128)),
        (6, 6, bool(present & 64)),
        (7, 11, True),
    ):
        if not there:
            continue
        size = int.from_bytes(data[position : position + 3], "big")
        if size < shortest or position + size > end - 4:
            raise _corrupt(
                name, position, f"expected section {number} within the message, found {size} bytes"
            )
        sections[number] = (position, position + size)
        position += size
    if position != end - 4:
        raise _corrupt(name, position, f"expected 7777, {end - 4 - position} bytes are left over")
    yield _describe1(data, name, offset, end, sections)


def _describe1(data: Data, name: str, offset: int, end: int, sections: dict[int, Span]) -> Message:
    """Read the headers of the field of a GRIB1 message."""
    product = data[sections[1][0] : sections[1][1]]
    year = 100 * (product[24] - 1) + product[12]
    run = _moment(year, product[13], product[14], product[15], product[16], 0)
    surface, layer = product[9], product[9] in _LAYERS1
    value = float(product[10]) if layer else float(int.from_bytes(product[10:12], "big"))
    kind, first, last = product[20], product[18], product[19]
    if kind == 10:
        first = int.from_bytes(product[18:20], "big")
    hours = _HOURS1.get(product[17])
    statistic = (
        {0: "point", 1: "point", 10: "point", 3: "mean", 4: "sum"}.get(kind, "other")
        if hours
        else "other"
    )
    begins = 0.0 if kind == 1 else first * (hours or 0)
    ends = last * (hours or 0) if statistic in ("mean", "sum") else begins
    template, member = product_of(product)
    return Message(
        name=name,
        offset=offset,
        length=end - offset,
        edition=1,
        centre=product[4],
        run=run,
        start=begins,
        end=ends,
        statistic=statistic if statistic == "point" or ends > begins else "other",
        parameter=(product[3], product[4], product[8]),
        surface=surface,
        value=value * 100 if surface == 100 else value,
        layer=layer,
        template=template,
        packing=-1,
        grid=_digest(data, sections[3]) if 3 in sections else "",
        sections=sections,
        alone=True,
        member=member,
        derived=derived_name(product) if template == DERIVED else "",
    )


def _moment(
    year: int, month: int, day: int, hour: int, minute: int, second: int
) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _digest(data: Data, span: Span) -> str:
    return hashlib.md5(data[span[0] : span[1]], usedforsecurity=False).hexdigest()
