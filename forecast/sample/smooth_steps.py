"""Smooth steps between 0 and 1, from which the fields of the sample weather are built."""

from __future__ import annotations

import numpy as np

from forecast.science.thermodynamics import Array


def ramp(x: Array | float, start: Array | float, end: Array | float) -> Array:
    """Return 0 up to `start`, 1 from `end`, and a smooth rise between (smoothstep)."""
    share = np.clip((np.asarray(x) - start) / (np.asarray(end) - start), 0.0, 1.0)
    return share * share * (3 - 2 * share)


def between(
    x: Array | float,
    first: Array | float,
    full: Array | float,
    until: Array | float,
    last: Array | float,
) -> Array:
    """Return 1 from `full` to `until`, 0 before `first` and after `last`, smooth between."""
    return ramp(x, first, full) * (1 - ramp(x, until, last))
