"""Regular latitude-longitude grids of GRIB in any scanning order, and their points in a region.

Source: WMO-No. 306, grid definition template 3.0, flag table 3.4 (edition 1: section 2, table 8).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.ingest import Needs

MOST_POINTS = 8_000_000  # a global grid of 0.1 degree has 6.5 million
MICRO = 1_000_000  # [1/degree] all arithmetic on coordinates is done in whole microdegrees
TURN = 360 * MICRO

_TEMPLATE0 = struct.Struct(">5xBIBBH16xIIIIIIBIIIIB")
_SIZE2 = 72
_SIZE1 = 32

Micro = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid: rows and columns, corners [microdegree], scanning mode (flag table 3.4)."""

    columns: int
    rows: int
    first_latitude: int
    first_longitude: int
    last_latitude: int
    last_longitude: int
    scanning: int

    @property
    def points(self) -> int:
        return self.columns * self.rows

    def latitudes(self) -> Micro:
        """Return the latitude of each row as scanned [microdegree]."""
        return _spaced(self.first_latitude, self.last_latitude, self.rows)

    def longitudes(self) -> Micro:
        """Return the longitude of each column as scanned [microdegree]; it may pass 360."""
        span = (
            (self.last_longitude - self.first_longitude)
            * (-1 if self.scanning & 0x80 else 1)
            % TURN
        )
        return _spaced(
            self.first_longitude,
            self.first_longitude + (-span if self.scanning & 0x80 else span),
            self.columns,
        )

    def positions(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.int32]:
        """Return the positions in the message of the values at `rows`, `columns` (row, column)."""
        row, column = rows[:, None], columns[None, :]
        back = bool(self.scanning & 0x10)  # neighbouring lines run in opposite directions
        if self.scanning & 0x20:
            place = column * self.rows + np.where(
                back & (column % 2 == 1), self.rows - 1 - row, row
            )
        else:
            place = row * self.columns + np.where(
                back & (row % 2 == 1), self.columns - 1 - column, column
            )
        return place.astype(np.int32)


@dataclass(frozen=True, slots=True)
class Cut:
    """The part of a grid within a region: latitude and longitude rising [microdegree], places.

    covered: the part of the region that the grid covers.
    """

    latitude: Micro
    longitude: Micro
    positions: NDArray[np.int32]
    covered: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.latitude), len(self.longitude)

    @property
    def spacing(self) -> float:
        """The spacing of rows or of columns, the smaller one [degree]; NaN for a single point."""
        steps = [np.diff(axis).min() for axis in (self.latitude, self.longitude) if len(axis) > 1]
        return float(min(steps)) / MICRO if steps else float("nan")

    def same_points(self, other: Cut) -> bool:
        return self is other or (
            np.array_equal(self.latitude, other.latitude)
            and np.array_equal(self.longitude, other.longitude)
        )


def _spaced(first: int, last: int, count: int) -> Micro:
    return np.rint(np.linspace(first, last, count)).astype(np.int64)


def read_grid(section: bytes, edition: int) -> Grid:
    """Read a grid definition section.

    Raises: ValueError for a grid that is damaged (its numbers contradict each other) or of a
    kind not read here.
    """
    grid, steps = _read2(section) if edition == 2 else _read1(section)
    if not (grid.columns >= 1 and grid.rows >= 1 and grid.points <= MOST_POINTS):
        raise ValueError(
            f"a grid of {grid.columns} x {grid.rows} points, expected at most {MOST_POINTS}"
        )
    if grid.scanning & 0x0F:
        raise ValueError(f"staggered scanning {grid.scanning:#04x}, which is not read here")
    if not (abs(grid.first_latitude) <= 90 * MICRO and abs(grid.last_latitude) <= 90 * MICRO):
        raise ValueError(
            f"latitudes {grid.first_latitude / MICRO:g} to {grid.last_latitude / MICRO:g}, "
            "expected -90 to 90"
        )
    if grid.rows > 1 and (grid.last_latitude > grid.first_latitude) != bool(grid.scanning & 0x40):
        raise ValueError("its rows do not run in the direction of its scanning mode")
    # a step is rounded to a thousandth or a millionth of a degree, a corner too
    each = 1000 if edition == 1 else 1
    for axis, step, count in (
        (grid.latitudes(), steps[1], grid.rows),
        (grid.longitudes(), steps[0], grid.columns),
    ):
        if (
            step is not None
            and count > 1
            and abs(abs(int(axis[-1]) - int(axis[0])) - step * (count - 1)) > each * count + 1000
        ):
            raise ValueError(
                f"{count} lines {step / MICRO:g} degrees apart do not fill "
                f"{abs(int(axis[-1] - axis[0])) / MICRO:g} degrees"
            )
    return grid


def _read2(section: bytes) -> tuple[Grid, tuple[int | None, int | None]]:
    template = int.from_bytes(section[12:14], "big")
    if template != 0 or len(section) != _SIZE2:
        raise ValueError(
            f"grid template 3.{template} of {len(section)} bytes; read here is 3.0 (regular "
            "latitude-longitude, 72 bytes)"
        )
    (
        source,
        points,
        listed,
        _,
        _,
        columns,
        rows,
        basic,
        parts,
        lat1,
        lon1,
        _,
        lat2,
        lon2,
        di,
        dj,
        scanning,
    ) = _TEMPLATE0.unpack(section)
    if source != 0 or listed != 0 or columns * rows != points:
        raise ValueError(
            f"{columns} x {rows} points are declared as {points}, expected a regular grid"
        )
    if basic not in (0, 0xFFFFFFFF) or parts not in (0, MICRO, 0xFFFFFFFF):
        raise ValueError(f"angles in {basic}/{parts} degree, expected millionths")
    known = tuple(None if step in (0, 0xFFFFFFFF) else step for step in (di, dj))
    corners = (_signed(lat1, 32), _signed(lon1, 32), _signed(lat2, 32), _signed(lon2, 32))
    return Grid(columns, rows, *corners, scanning), (known[0], known[1])


def _read1(section: bytes) -> tuple[Grid, tuple[int | None, int | None]]:
    if not section or section[5] != 0 or len(section) < _SIZE1:
        raise ValueError("a grid that is not regular latitude-longitude, which is not read here")
    # a list of vertical coordinates, which follows the corners if there is one
    vertical, place = section[3], section[4]
    if (place not in (0, 255) if vertical == 0 else place != _SIZE1 + 1) or len(
        section
    ) < _SIZE1 + 4 * vertical:
        raise ValueError(
            f"{vertical} vertical coordinates from octet {place} of {len(section)}, expected none "
            "or a list from octet 33"
        )
    columns, rows = int.from_bytes(section[6:8], "big"), int.from_bytes(section[8:10], "big")
    if 0xFFFF in (columns, rows):
        raise ValueError("a reduced grid, which is not read here")
    lat1, lon1, lat2, lon2 = (
        _signed(int.from_bytes(section[i : i + 3], "big"), 24) * 1000 for i in (10, 13, 17, 20)
    )
    di, dj = (int.from_bytes(section[i : i + 2], "big") for i in (23, 25))
    given = bool(section[16] & 0x80)
    steps = tuple(step * 1000 if given and step not in (0, 0xFFFF) else None for step in (di, dj))
    return Grid(columns, rows, lat1, lon1, lat2, lon2, section[27]), (steps[0], steps[1])


def _signed(value: int, bits: int) -> int:
    """Return the value of a sign-and-magnitude number (sign in the first bit)."""
    sign = 1 << (bits - 1)
    return -(value & (sign - 1)) if value & sign else value


def cut(grid: Grid, needs: Needs) -> Cut:
    """Return the part of `grid` within the region of `needs`; empty where they do not overlap.

    Longitudes run on from the region's west: within -180..180, or past 180 where the region crosses
    the antimeridian.
    """
    west = round(needs.west * MICRO)
    span = round((needs.east - needs.west) * MICRO)
    if span >= TURN:
        west, span = -180 * MICRO, TURN - 1
    west = (west + TURN // 2) % TURN - TURN // 2
    span %= TURN
    latitude = grid.latitudes()
    longitude = west + (grid.longitudes() - west) % TURN
    rows = np.flatnonzero(
        (latitude >= round(needs.south * MICRO)) & (latitude <= round(needs.north * MICRO))
    )
    rows = rows[np.argsort(latitude[rows])]
    _, columns = np.unique(longitude, return_index=True)  # a grid may name its first meridian twice
    columns = columns[longitude[columns] <= west + span]
    covered = _covered(
        latitude - round(needs.south * MICRO), round((needs.north - needs.south) * MICRO)
    ) * _covered(grid.longitudes() - west, span)
    return Cut(latitude[rows], longitude[columns], grid.positions(rows, columns), covered)


def _covered(lines: Micro, span: int) -> float:
    """Return the part of 0 to `span` [microdegree] that lies between the lines of a grid.

    lines: positions, in order, modulo a turn.
    """
    step = abs(int(lines[-1]) - int(lines[0])) // max(len(lines) - 1, 1)
    inside = (lines % TURN)[lines % TURN <= span]
    if not len(inside):
        return 0.0
    beyond = lines % TURN
    low = 0 if (beyond >= TURN - step).any() else int(inside.min())
    high = span if ((beyond > span) & (beyond <= span + step)).any() else int(inside.max())
    return (high - low) / span


def between(values: NDArray[np.float32], source: Cut, target: Cut) -> NDArray[np.float32]:
    """Interpolate a field (latitude, longitude) bilinearly from one cut to another.

    NaN outside the source cut and next to a NaN.
    """
    result = _along(values, source.latitude, target.latitude, axis=0)
    return _along(result, source.longitude, target.longitude, axis=1)


def _along(
    values: NDArray[np.float32], known: Micro, wanted: Micro, axis: int
) -> NDArray[np.float32]:
    place = np.interp(wanted, known, np.arange(len(known)), left=np.nan, right=np.nan)
    inside = np.isfinite(place)
    low = np.where(inside, place, 0).astype(int)
    high = np.minimum(low + 1, len(known) - 1)
    shape = (-1, 1) if axis == 0 else (1, -1)
    share = (place - low).astype(np.float32).reshape(shape)
    exact = (share == 0) & inside.reshape(shape)
    first, second = values.take(low, axis), values.take(high, axis)
    return np.where(exact, first, first * (1 - share) + second * share)
