"""Where points lie: held against ecCodes for every scanning order that it knows."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from forecast.ingest.grib.grid import MICRO, between, cut
from forecast.ingest.grib.headers import inspect, read_data, scan
from forecast.ingest.grib.packing import grid_of
from tests.gribs import COLUMNS, ROWS, Needs, eccodes, message, needs

GLOBE = needs()


def scanned(
    west_first: bool, south_first: bool, along_columns: bool, back_and_forth: bool = False
) -> bytes:
    south, north, west, east = 38.0, 42.0, 113.0, 119.0
    return message(
        280.0,
        north=south if south_first else north,
        south=north if south_first else south,
        west=west if west_first else east,
        east=east if west_first else west,
        iScansNegatively=int(not west_first),
        jScansPositively=int(south_first),
        jPointsAreConsecutive=int(along_columns),
        alternativeRowScanning=int(back_and_forth),
    )


@pytest.mark.parametrize(
    ("west_first", "south_first", "along_columns"), list(product((True, False), repeat=3))
)
def test_each_point_lies_where_ecCodes_puts_it_in_every_scanning_order(
    west_first: bool, south_first: bool, along_columns: bool
) -> None:
    data = scanned(west_first, south_first, along_columns)
    handle = eccodes.codes_new_from_message(data)
    latitude, longitude = (
        eccodes.codes_get_array(handle, key) for key in ("latitudes", "longitudes")
    )
    eccodes.codes_release(handle)

    [described] = scan(data, "one")
    part = cut(grid_of(described, data), GLOBE)

    assert part.shape == (ROWS, COLUMNS)
    np.testing.assert_allclose(
        latitude[part.positions],
        np.broadcast_to(part.latitude[:, None] / MICRO, part.shape),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        longitude[part.positions],
        np.broadcast_to(part.longitude[None, :] / MICRO, part.shape),
        atol=1e-6,
    )


def test_lines_that_run_back_and_forth_are_turned() -> None:
    # Flag table 3.4, bit 4: adjacent rows scan in the opposite direction. ecCodes 2.42 leaves its
    # coordinates as they were.
    data = scanned(True, False, False, back_and_forth=True)

    [described] = scan(data, "one")
    part = cut(grid_of(described, data), GLOBE)

    north_to_south = part.positions[::-1]
    assert north_to_south[0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert north_to_south[1].tolist() == [13, 12, 11, 10, 9, 8, 7]


def test_a_real_field_scanned_back_and_forth_is_smooth_once_it_is_turned(shared: Path) -> None:
    path = shared / "odd" / "alternate-scanning.grib"
    data = read_data(path)
    [described] = inspect(path)
    handle = eccodes.codes_new_from_message(
        bytes(data[described.offset : described.offset + described.length])
    )
    values = eccodes.codes_get_array(handle, "values")
    eccodes.codes_release(handle)

    part = cut(grid_of(described, data), GLOBE)

    raw = np.abs(np.diff(values.reshape(part.shape), axis=0)).mean()
    turned = np.abs(np.diff(values[part.positions], axis=0)).mean()
    assert turned < 1.0 < raw  # [K] from row to row, 0.1 degree apart


@pytest.mark.parametrize(
    ("west", "east", "expected"),
    [
        (-2.5, 2.5, [-2, -1, 0, 1, 2]),  # over Greenwich, in a file that counts from 0 to 359
        (357.5, 2.5, [-2, -1, 0, 1, 2]),
        (177.5, -177.5, [178, 179, 180, 181, 182]),  # over the antimeridian: running on
        (114, 116, [114, 115, 116]),
    ],
)
def test_a_region_is_cut_out_whole_wherever_the_file_begins(
    west: float, east: float, expected: list[int]
) -> None:
    data = message(280.0, Ni=360, Nj=3, north=41, south=39, west=0, east=359)
    [described] = scan(data, "one")

    part = cut(grid_of(described, data), needs(west=west, east=east))

    assert (part.longitude / MICRO).tolist() == expected
    assert part.positions[-1].tolist() == [degree % 360 for degree in expected]


def test_the_whole_circle_runs_from_minus_180() -> None:
    data = message(280.0, Ni=4, Nj=2, north=1, south=0, west=180, east=90)  # as ECMWF counts
    [described] = scan(data, "one")

    part = cut(grid_of(described, data), needs(west=-180, east=360))

    assert (part.longitude / MICRO).tolist() == [-180, -90, 0, 90]
    assert part.positions[-1].tolist() == [0, 1, 2, 3]


def test_a_plane_keeps_its_values_on_a_finer_grid_and_is_unknown_beyond_its_own() -> None:
    def grid_cut(step: float, north: float) -> tuple[object, ...]:
        columns, rows = round(6 / step) + 1, round((north - 38) / step) + 1
        data = message(280.0, Ni=columns, Nj=rows, north=north)
        [described] = scan(data, "one")
        return (cut(grid_of(described, data), GLOBE),)

    [coarse], [fine] = grid_cut(1, 42), grid_cut(0.5, 43)
    plane = (coarse.latitude[:, None] * 2 + coarse.longitude[None, :]).astype(np.float32) / MICRO

    finer = between(plane, coarse, fine)

    expected = (fine.latitude[:, None] * 2 + fine.longitude[None, :]) / MICRO
    inside = fine.latitude <= 42 * MICRO
    np.testing.assert_allclose(finer[inside], expected[inside], rtol=1e-6)
    assert np.isnan(finer[~inside]).all()


@pytest.mark.parametrize(
    ("region", "covered"),
    [
        ((41, 39, 114, 118), 1.0),  # inside the grid of 38 to 42 N, 113 to 119 E, a step of 1
        ((41.5, 39.5, 114.5, 118.5), 1.0),  # between its lines
        ((42, 38, 113, 119), 1.0),  # its own edges
        ((44, 40, 113, 119), 0.5),  # two of four degrees
        ((44, 40, 116, 122), 0.25),  # and three of six
        ((62, 58, 0, 6), 0.0),
        ((42, 38, -180, 180), 6 / 360),
    ],
)
def test_how_much_of_a_region_a_grid_covers(
    region: tuple[float, float, float, float], covered: float
) -> None:
    data = message(280.0)
    [described] = scan(data, "file")

    part = cut(grid_of(described, data), Needs((), (6,), *region))

    assert part.covered == pytest.approx(covered, abs=1e-6)


@pytest.mark.parametrize("west", [0.0, -180.0])
def test_a_grid_round_the_globe_covers_a_region_across_its_seam(west: float) -> None:
    globe = message(280.0, Ni=36, Nj=5, west=west, east=west + 350)
    [described] = scan(globe, "file")
    grid = grid_of(described, globe)

    for east_of in (-5.0, 175.0):
        region = Needs((), (6,), 42, 38, east_of, east_of + 10)
        assert cut(grid, region).covered == pytest.approx(1.0)
