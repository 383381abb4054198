"""The region for which fields are fetched and read: the sites and their light paths."""

from __future__ import annotations

import math
from collections.abc import Sequence

from forecast.geo import KILOMETRES_PER_DEGREE

MARGIN = 0.25  # [degree]: a site at the edge needs the grid points on both its sides
# [degree]: regions are widened to multiples, so that moving a site a little fetches nothing anew
GRAIN = 0.5


def region_of(
    places: Sequence[tuple[float, float]], radius: float
) -> tuple[float, float, float, float]:
    """Return (north, south, west, east) [degree] of the box around all circles of `radius` [km]
    about `places` (latitude, longitude).

    A circle that holds a pole takes in all longitudes. west lies in [-180, 180); west > east
    crosses the antimeridian.
    Source: the widest meridian of a circle of angular radius d at latitude p is asin(sin d / cos p)
    away (spherical right triangle).
    """
    angle = radius / KILOMETRES_PER_DEGREE
    first = places[0][1]
    north = min(90.0, _outward(max(latitude for latitude, _ in places) + angle + MARGIN))
    south = max(-90.0, -_outward(-min(latitude for latitude, _ in places) + angle + MARGIN))
    if any(abs(latitude) + angle >= 90 for latitude, _ in places):
        return north, south, -180.0, 180.0
    edges: list[float] = []
    for latitude, longitude in places:
        half = (
            math.degrees(
                math.asin(math.sin(math.radians(angle)) / math.cos(math.radians(latitude)))
            )
            + MARGIN
        )
        centre = first + (longitude - first + 180) % 360 - 180
        edges += [centre - half, centre + half]
    west, east = -_outward(-min(edges)), _outward(max(edges))
    if east - west >= 360:
        return north, south, -180.0, 180.0
    return north, south, (west + 180) % 360 - 180, (east + 180) % 360 - 180


def _outward(degrees: float) -> float:
    """Round up to a multiple of GRAIN."""
    return math.ceil(degrees / GRAIN) * GRAIN
