"""Distances on the earth: one radius, the length of a degree, the distance of neighbours."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS = (
    6_371_000.0  # [m] mean radius R1 of GRS 80, rounded. Source: Moritz 2000 (6371.0088 km)
)
METRES_PER_DEGREE = math.radians(EARTH_RADIUS)  # [m] of a great circle: 111 195
KILOMETRES_PER_DEGREE = METRES_PER_DEGREE / 1000


# [degree m^-1/2] of the dip of the sea horizon, refraction included: 1.76' times the square root of
# the height in metres. Source: Nautical Almanac, Altitude Correction Tables, "Dip"; Bowditch 2019,
# American Practical Navigator, ch. 13 (0.97' times the square root of the height in feet).
DIP = 1.76 / 60


def horizon_dip(height: float) -> float:
    """Return how far [degree] the sea horizon lies below the horizontal, seen from `height` [m].

    0 at and below sea level.
    """
    return DIP * math.sqrt(max(height, 0.0))


class Place(Protocol):
    """What has a latitude and a longitude [degree]: a site, a station, a point forecast."""

    @property
    def latitude(self) -> float: ...

    @property
    def longitude(self) -> float: ...


def distance_between(first: Place, second: Place) -> float:
    """Return the distance [m] of two places near each other."""
    return float(local_distance(first.latitude, first.longitude, second.latitude, second.longitude))


def local_distance(
    latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> NDArray[np.float64]:
    """Return the distance [m] of places near each other, on the plane tangent at the first.

    All arguments [degree] are broadcast; a difference over the antimeridian is the short one. NaN
    stays NaN. Within 1.5 % of the great circle up to 100 km, at latitudes up to 60 degrees.
    """
    north = np.subtract(to_latitude, latitude)
    east = (np.subtract(to_longitude, longitude) + 180) % 360 - 180
    return np.asarray(METRES_PER_DEGREE * np.hypot(north, east * np.cos(np.radians(latitude))))
