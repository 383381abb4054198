"""Damaged GRIB: right data, or an error that names the file and what was expected; nothing hangs,
nothing dies but a decoder.
"""

from __future__ import annotations

import os
import random
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from forecast.domain import Cycle
from forecast.errors import MissingInput, SkyscapeError, SourceCorrupt
from forecast.ingest.grib.decoder_pool import DECODERS, Order
from forecast.ingest.grib.grid import cut
from forecast.ingest.grib.headers import scan
from forecast.ingest.grib.packing import grid_of
from forecast.ingest.grib.reader import inspect, read_atmosphere
from tests.gribs import COLUMNS, CYCLE, ROWS, file_of, message, needs

TEMPERATURE = needs("air_temperature", steps=(6,))
# [K] on 40 rows and 60 columns
ROUGH = np.add.outer(np.arange(40) ** 1.5, np.arange(60) / 10) + 250
PACKINGS = (
    "grid_simple",
    "grid_complex",
    "grid_complex_spatial_differencing",
    "grid_jpeg",
    "grid_ccsds",
)


def small(**more: object) -> bytes:
    """Return a good message of a few hundred bytes: 850 hPa temperature at 6 h."""
    return message(np.linspace(270, 280, 35).reshape(ROWS, COLUMNS), **more)  # type: ignore[arg-type]


def rough(packing: str) -> bytes:
    return message(ROUGH, Ni=60, Nj=40, packing=packing)


def read(path: Path) -> xr.Dataset:
    return read_atmosphere([path], CYCLE, TEMPERATURE, threads=1)


def attempt(path: Path) -> xr.Dataset | None:
    """Read a damaged file; None where it is refused, which must be by name."""
    try:
        return read(path)
    except (SourceCorrupt, MissingInput) as error:
        if path.name not in str(error):
            raise
        return None


def unchecked(path: Path) -> Order:
    """Return an order for the first message of a file that no check of ours has seen: what the
    decoder must be ready for.
    """
    data = path.read_bytes()
    described = next(iter(scan(data, path.name)))
    grid = grid_of(described, data)
    return Order(path, described, cut(grid, TEMPERATURE), grid.points, missing=False)


# none that is essential
SOME = ("air_temperature_at_2m", "eastward_wind", "surface_altitude", "precipitation_amount")


# -- files that other decoders' authors have collected


def test_every_odd_file_is_read_or_refused_by_name(shared: Path) -> None:
    outcomes = {}
    for path in sorted((shared / "odd").iterdir()):
        try:
            messages = inspect(path)
            run = next((message.run for message in messages if message.run), CYCLE.run)
            steps = sorted({int(message.end) for message in messages if message.end >= 0})
            atmosphere = read_atmosphere([path], Cycle(run), needs(*SOME, steps=steps), threads=1)
            outcomes[path.name] = sorted(str(name) for name in atmosphere.data_vars)
        except SkyscapeError as error:
            outcomes[path.name] = [type(error).__name__, str(error)]

    refused = {
        name: outcome
        for name, outcome in outcomes.items()
        if outcome[:1] in (["SourceCorrupt"], ["MissingInput"])
    }
    assert all(name in words for name, (_, words) in refused.items()), refused
    corrupt = {name: words for name, (kind, words) in refused.items() if kind == "SourceCorrupt"}
    assert corrupt.keys() == {"era5-levels-corrupted.grib", "step_60m.grib"}
    assert "is 1.4481 K" in corrupt["step_60m.grib"]  # a test file of its authors: no temperature
    assert outcomes["alternate-scanning.grib"] == ["air_temperature_at_2m"]


def test_a_file_on_whose_levels_nobody_agrees_names_the_byte(shared: Path) -> None:
    with pytest.raises(
        SourceCorrupt, match=r"era5-levels-corrupted\.grib, byte 0: expected 7777 at byte 1584"
    ):
        inspect(shared / "odd" / "era5-levels-corrupted.grib")


# -- what is no GRIB, or only a part


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"<html><body>404 Not Found</body></html>", "no GRIB message"),
        (b"\x1f\x8b\x08binary that is something else", "expected GRIB"),
        (b"GRIB", "4 bytes are left"),
        (b"GRIB\0\0\0\x03" + bytes(60), "edition 3"),
        (
            b"GRIB\0\0\0\x02" + b"\xff" * 8 + bytes(60),
            "its length is given as 18446744073709551615 bytes",
        ),
        (b"GRIB\0\0\0\x02" + bytes(8) + bytes(60), "its length is given as 0 bytes"),
        (b"GRIB\xff\xff\xff\x01" + bytes(60), "more than 8 MB"),
    ],
)
def test_what_is_no_grib_is_refused_with_what_was_expected(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = file_of(tmp_path, content)

    with pytest.raises(SourceCorrupt, match=rf"file\.grib2.*{words}"):
        read(path)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceCorrupt, match="nowhere: cannot be read"):
        read(tmp_path / "nowhere")


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    first, second = small(), small(level=70000)
    whole = first + second

    for length in range(len(whole)):
        path = file_of(tmp_path, whole[:length])
        # cut between two messages: what is there is whole, and only the inventory knows of the
        # other
        if length == len(first):
            assert read(path)["level"].values.tolist() == [85000]
            continue
        with pytest.raises(SourceCorrupt, match=r"file\.grib2"):
            read(path)


def test_text_between_messages_is_passed_over_and_garbage_is_not(tmp_path: Path) -> None:
    heading = b"\r\r\nYHXF02 KWBC 210600\r\r\n"
    good = file_of(
        tmp_path, heading, small(), heading, small(level=70000), b"\0\0\0", name="bulletin"
    )
    bad = file_of(tmp_path, small(), small(level=70000).replace(b"GRIB", b"GRIC"), name="garbled")

    assert read(good)["level"].values.tolist() == [85000, 70000]
    with pytest.raises(SourceCorrupt, match=r"garbled, byte .* expected GRIB"):
        read(bad)


# -- flipped bits


def test_every_flipped_bit_of_a_header_is_noticed_or_harmless(tmp_path: Path) -> None:
    # Sections 0 to 4 and the end. The scanning mode (two of its bits) and sections 5 to 7 have no
    # second witness: see the next test.
    good = small(iDirectionIncrement=1_000_000, jDirectionIncrement=1_000_000)
    [described] = scan(good, "good")
    expected = read(file_of(tmp_path, good))
    scanning = described.sections[3][1] - 1
    headers = [
        *range(scanning),
        *range(scanning + 1, described.sections[5][0]),
        *range(len(good) - 4, len(good)),
    ]

    for place in headers:
        for bit in range(8):
            path = file_of(
                tmp_path, good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1 :]
            )
            atmosphere = attempt(path)
            if atmosphere is None:
                continue
            # else it has become another of the wanted levels
            if atmosphere["level"].values.tolist() == [85000]:
                # [degree] what a corner is rounded to
                np.testing.assert_allclose(atmosphere["latitude"], expected["latitude"], atol=0.001)
                np.testing.assert_allclose(
                    atmosphere["longitude"], expected["longitude"], atol=0.001
                )
                np.testing.assert_array_equal(
                    atmosphere["air_temperature"], expected["air_temperature"]
                )
                assert atmosphere["time"].values == expected["time"].values


@pytest.mark.parametrize("packing", PACKINGS)
def test_flipped_bits_of_packed_data_never_do_more_than_change_a_value(
    tmp_path: Path, packing: str
) -> None:
    good = rough(packing)
    [described] = scan(good, "good")
    head, start = described.sections[5][0], described.sections[7][0]
    chance = random.Random(packing)  # the same flips in every run
    places = [*range(head, start), *(chance.randrange(start, len(good)) for _ in range(30))]

    refused = 0
    for place in places:
        flipped = bytes([good[place] ^ 1 << chance.randrange(8)])
        path = file_of(tmp_path, good[:place] + flipped + good[place + 1 :])
        atmosphere = attempt(path)
        if atmosphere is None:
            refused += 1
            continue
        values = atmosphere["air_temperature"].values
        assert values.shape == (1, 1, 40, 60)
        assert np.nanmin(values) >= 150
        assert np.nanmax(values) <= 340
    assert refused > 10


def test_a_message_that_claims_more_than_it_can_hold_is_refused_unread(tmp_path: Path) -> None:
    good = rough("grid_complex_spatial_differencing")
    [described] = scan(good, "good")
    grid, packing = described.sections[3][0], described.sections[5][0]
    claims = {
        grid + 6: "points",
        grid + 30: "points",
        packing + 5: "values are declared",
        packing + 31: "groups",
    }

    for place, words in claims.items():
        path = file_of(tmp_path, good[:place] + b"\x7f" + good[place + 1 :])
        with pytest.raises(SourceCorrupt, match=rf"file\.grib2, message at byte 0: .*{words}"):
            read(path)


# -- a decoder that dies


@pytest.mark.parametrize(("octet", "value"), [(36, 0xFF), (32, 0xFF)])
def test_a_message_that_kills_ecCodes_is_named_and_the_service_goes_on(
    tmp_path: Path, octet: int, value: int
) -> None:
    # Found by fuzzing ecCodes 2.42: octet 36 of section 5 ends it by SIGABRT, octet 32 by SIGSEGV.
    # Our checks refuse both beforehand.
    good = rough("grid_complex_spatial_differencing")
    [described] = scan(good, "good")
    place = described.sections[5][0] + octet - 1
    deadly = file_of(tmp_path, good[:place] + bytes([value]) + good[place + 1 :], name="deadly")
    sound = unchecked(file_of(tmp_path, good, name="sound"))

    with pytest.raises(
        SourceCorrupt,
        match=r"deadly, message at byte 0: cannot be decoded \(the decoder was ended by SIG",
    ):
        DECODERS.decode([unchecked(deadly)])

    np.testing.assert_allclose(DECODERS.decode([sound])[0][::-1], ROUGH, atol=0.01)


def test_the_guilty_message_of_a_batch_is_named(tmp_path: Path) -> None:
    good = rough("grid_complex_spatial_differencing")
    [described] = scan(good, "good")
    place = described.sections[5][0] + 35
    path = file_of(tmp_path, good, good, good[:place] + b"\xff" + good[place + 1 :])
    first = unchecked(path)
    orders = [replace(first, message=each) for each in scan(path.read_bytes(), path.name)]

    with pytest.raises(
        SourceCorrupt, match=rf"file\.grib2, message at byte {2 * len(good)}: cannot be decoded"
    ):
        DECODERS.decode(orders)


def test_a_message_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    # Found by fuzzing: with 2**27 values declared, ecCodes 2.42 counts on for a minute. Our checks
    # refuse it beforehand.
    good = rough("grid_complex_spatial_differencing")
    [described] = scan(good, "good")
    place = described.sections[5][0] + 5
    path = file_of(tmp_path, good[:place] + b"\x08" + good[place + 1 :])

    with pytest.raises(SourceCorrupt, match=r"file\.grib2, message at byte 0: cannot be decoded"):
        DECODERS.decode([unchecked(path)], seconds=1)


def test_a_decoder_killed_from_outside_costs_nothing_but_time(tmp_path: Path) -> None:
    path = file_of(tmp_path, small())
    expected = read(path)
    for decoder in DECODERS._idle:
        os.kill(decoder.worker.pid, signal.SIGKILL)

    xr.testing.assert_identical(read(path), expected)


def test_a_field_of_one_message_among_several_is_unpacked_with_the_bitmap_it_shares(
    tmp_path: Path,
) -> None:
    values = np.linspace(270, 280, 35).reshape(ROWS, COLUMNS)
    values[0, 0] = np.nan
    first, second = message(values), message(values + 5, level=70000)
    path = file_of(tmp_path, joined(first, second))

    atmosphere = read(path)

    np.testing.assert_allclose(
        atmosphere["air_temperature"][0, :, ::-1].values, [values, values + 5], atol=1e-3
    )


def joined(first: bytes, second: bytes) -> bytes:
    """Return one message of two fields on one grid; the second uses the bitmap of the first
    (indicator 254).
    """
    [a], [b] = scan(first, "first"), scan(second, "second")
    again = (6).to_bytes(4, "big") + b"\x06\xfe"
    body = first[16:-4] + b"".join(
        (
            second[slice(*b.sections[4])],
            second[slice(*b.sections[5])],
            again,
            second[slice(*b.sections[7])],
        )
    )
    assert first[slice(*a.sections[6])] == second[slice(*b.sections[6])]
    return first[:8] + (16 + len(body) + 4).to_bytes(8, "big") + body + b"7777"
