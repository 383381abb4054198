"""Smooth steps between 0 and 1, from which the fields of the sample weather are built."""

from __future__ import annotations

import numpy as np

from forecast.science.thermodynamics import Array


def ramp(x: Array | float, start: Array | float, end: Array | float) -> Array:
    """Return 0 up to `start`, 1 from `end`, and a smooth rise between (smoothstep)."""
    share = np.asarray((np.asarray(x) - start) / (np.asarray(end) - start))
    np.minimum(np.maximum(share, 0.0, out=share), 1.0, out=share)  # in place: large arrays
    rise = 3 - 2 * share
    share *= share
    share *= rise
    return share


def between(
    x: Array | float,
    first: Array | float,
    full: Array | float,
    until: Array | float,
    last: Array | float,
) -> Array:
    """Return 1 from `full` to `until`, 0 before `first` and after `last`, smooth between."""
    rise = ramp(x, first, full)
    return rise * (1 - ramp(x, until, last)) if np.any(rise) else rise
