"""Simple packing unpacked by numpy gives what ecCodes gives, whatever is packed."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pyproj  # noqa: F401
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import eccodes  # isort: skip

from forecast.errors import SourceCorrupt
from forecast.ingest.grib.decoder_pool import Order
from forecast.ingest.grib.decoder_worker import MISSING, decode
from forecast.ingest.grib.grid import cut
from forecast.ingest.grib.headers import read_data, scan
from forecast.ingest.grib.packing import check, grid_of, has_missing
from forecast.ingest.grib.unpacking import numbers, unpack
from tests.gribs import file_of, message, needs

SCANNING = (0, 0x40, 0x10, 0x20, 0x50, 0x60, 0x30)


@st.composite
def packed(draw: st.DrawFn) -> bytes:
    """Return a message of random packed digits, scales, bitmap, size and scanning mode."""
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 9))
    scanning = draw(st.sampled_from(SCANNING))
    south_first = bool(scanning & 0x40)
    head = message(
        np.arange(rows * columns, dtype=float).reshape(rows, columns),
        Ni=columns,
        Nj=rows,
        north=38.0 if south_first else 38.0 + rows - 1,
        south=38.0 + rows - 1 if south_first else 38.0,
        east=113.0 + columns - 1,
        scanningMode=scanning,
    )
    points, bits = rows * columns, draw(st.integers(0, 32))
    there = draw(st.none() | st.lists(st.booleans(), min_size=points, max_size=points))
    count = points if there is None else sum(there)
    size = (count * bits + 7) // 8
    reference = draw(st.floats(-1e6, 1e6, width=32))
    binary, decimal = draw(st.integers(-30, 30)), draw(st.integers(-12, 12))
    section5 = struct.pack(
        ">IBIHfHHBB", 21, 5, count, 0, reference, _signed(binary), _signed(decimal), bits, 0
    )
    bitmap = b"" if there is None else np.packbits(there).tobytes()
    section6 = struct.pack(">IBB", 6 + len(bitmap), 6, 255 if there is None else 0) + bitmap
    section7 = struct.pack(">IB", 5 + size, 7) + draw(st.binary(min_size=size, max_size=size))
    body = head[16 : _start_of_5(head)] + section5 + section6 + section7 + b"7777"
    return head[:8] + (16 + len(body)).to_bytes(8, "big") + body


def _signed(value: int) -> int:
    return abs(value) | (0x8000 if value < 0 else 0)


def _start_of_5(content: bytes) -> int:
    """Return where section 5 of a message begins."""
    place = 16
    while content[place + 4] != 5:
        place += int.from_bytes(content[place : place + 4], "big")
    return place


def order_of(path: Path) -> Order:
    """Return the one message of a file, checked, and all of its points."""
    data = read_data(path)
    (found,) = scan(data, path.name)
    grid = grid_of(found, data)
    check(found, data, grid.points)
    return Order(path, found, cut(grid, needs()), grid.points, has_missing(found, data))


@settings(max_examples=150, deadline=None)
@given(content=packed())
def test_numpy_unpacks_simple_packing_to_the_bits_that_eccodes_gives(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    order = order_of(file_of(tmp_path_factory.getbasetemp(), content, name="packed.grib2"))

    (ours,) = unpack([order])
    theirs = decode(eccodes, content, order.points, order.missing, False)[order.cut.positions]
    theirs[theirs == MISSING] = np.nan

    assert not isinstance(ours, SourceCorrupt)
    # one rounding more where the C library's compiler joins a product and a sum
    np.testing.assert_array_max_ulp(_normal(ours), _normal(theirs.astype(np.float32)), maxulp=1)


def _normal(values: np.ndarray) -> np.ndarray:
    """Return values with 0 for what is below 1.2e-38: some libraries, once loaded, let the
    processor make it 0.
    """
    return np.where(np.abs(values) <= np.finfo(np.float32).tiny, np.float32(0), values)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), bits=st.integers(1, 32), count=st.integers(1, 70))
def test_packed_numbers_are_the_digits_of_one_long_number(
    data: st.DataObject, bits: int, count: int
) -> None:
    given_numbers = data.draw(st.lists(st.integers(0, 2**bits - 1), min_size=count, max_size=count))
    digits = "".join(f"{each:0{bits}b}" for each in given_numbers)
    digits += "0" * (-len(digits) % 8)
    body = int(digits, 2).to_bytes(len(digits) // 8, "big")

    assert numbers(body, np.arange(count), bits).tolist() == given_numbers
    with pytest.raises(IndexError):
        numbers(body, np.array([len(digits) // bits + 1]), bits)


def test_a_file_that_was_cut_short_after_its_check_costs_its_message_only(tmp_path: Path) -> None:
    whole = message(np.arange(35.0).reshape(5, 7))
    path = file_of(tmp_path, whole, whole)
    first, second = (
        Order(path, found, cut(grid_of(found, data), needs()), 35, False)
        for data in (path.read_bytes(),)
        for found in scan(data, path.name)
    )
    path.write_bytes(path.read_bytes()[: len(whole) + 60])

    sound, lost = unpack([first, second])

    assert not isinstance(sound, SourceCorrupt)
    assert sorted(sound.ravel().tolist()) == pytest.approx(list(range(35)), abs=0.01)
    assert isinstance(lost, SourceCorrupt)
    assert f"message at byte {len(whole)}" in str(lost)
    assert "fetch it again" in str(lost)
