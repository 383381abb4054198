"""The grid of the sample cycle: a region on a quarter-degree grid."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from forecast.science.thermodynamics import Array

SPACING = 0.25  # [degree]


class Region(NamedTuple):
    """A closed region [degree] widened to whole grid points; it does not cross Greenwich.

    Longitudes run from 0 to 360.
    """

    north: float
    south: float
    west: float
    east: float

    @property
    def latitudes(self) -> Array:
        """Return the latitudes [degree] of the rows, from north to south."""
        first, last = np.floor(self.south / SPACING), np.ceil(self.north / SPACING)
        return np.arange(last, first - 1, -1) * SPACING

    @property
    def longitudes(self) -> Array:
        """Return the longitudes [degree] of the columns, from west to east, 0-360."""
        first, last = np.floor(self.west % 360 / SPACING), np.ceil(self.east % 360 / SPACING)
        return np.arange(first, last + 1) * SPACING
