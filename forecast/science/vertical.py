"""Vertical interpolation: profiles read at heights above sea level."""

from __future__ import annotations

import numpy as np

from forecast.science.arrays import Index
from forecast.science.thermodynamics import Array

DEEPEST_HOLD = 500.0  # [m] distance beyond the end of a profile over which its end value is held


def at_height(values: Array, heights: Array, target: Array | float, gradient: float = 0.0) -> Array:
    """Return profiles (..., level) read at `target` [m] (...), linear in height.

    heights: geopotential height [m] of the levels (..., level), rising; a level where value or
    height is NaN is passed over. Up to 500 m beyond the profile's ends its end value holds, changed
    by `gradient` [unit m-1]; further out the answer is NaN.
    """
    target = np.broadcast_to(
        np.asarray(target, dtype=float), np.broadcast_shapes(np.shape(target), values.shape[:-1])
    )
    known = np.isfinite(values) & np.isfinite(heights)
    low_side = known & (heights <= target[..., None])
    high_side = known & (heights > target[..., None])
    levels = np.arange(values.shape[-1])
    below = np.where(low_side, levels, -1).max(axis=-1)
    above = np.where(high_side, levels, values.shape[-1]).min(axis=-1)
    last = values.shape[-1] - 1
    lower, upper = np.clip(below, 0, last), np.clip(above, 0, last)
    shape = target.shape
    full = np.broadcast_to(values, (*shape, values.shape[-1]))
    tall = np.broadcast_to(heights, (*shape, values.shape[-1]))
    value_low, value_high = _pick(full, lower), _pick(full, upper)
    height_low, height_high = _pick(tall, lower), _pick(tall, upper)
    has_low, has_high = below >= 0, above <= last
    with np.errstate(invalid="ignore", divide="ignore"):
        between = value_low + (value_high - value_low) * (target - height_low) / (
            height_high - height_low
        )
    over = np.where(
        target - height_low <= DEEPEST_HOLD, value_low + gradient * (target - height_low), np.nan
    )
    under = np.where(
        height_high - target <= DEEPEST_HOLD, value_high + gradient * (target - height_high), np.nan
    )
    return np.where(
        has_low & has_high, between, np.where(has_low, over, np.where(has_high, under, np.nan))
    )


def on_heights(values: Array, heights: Array, grid: Array, gradient: float = 0.0) -> Array:
    """Return profiles (..., level) read at every height of `grid` [m]: (..., height).

    As `at_height` for one height.
    """
    known = np.isfinite(values) & np.isfinite(heights)
    levels = np.arange(values.shape[-1])
    nearest = np.maximum.accumulate(np.where(known, levels, -1), axis=-1)
    # an unknown level repeats its neighbour
    nearest = np.where(nearest < 0, known.argmax(axis=-1)[..., None], nearest)
    values, heights = (
        np.take_along_axis(values, nearest, axis=-1),
        np.take_along_axis(heights, nearest, axis=-1),
    )
    # how many levels lie at or below each height
    upper = np.zeros((*heights.shape[:-1], len(grid)), dtype=np.int16)
    for level in levels:
        upper += heights[..., level, None] <= grid.astype(heights.dtype)
    below, above = (
        np.maximum(upper - 1, 0).astype(np.intp),
        np.minimum(upper, len(levels) - 1).astype(np.intp),
    )
    value_low, value_high = (
        np.take_along_axis(values, below, axis=-1),
        np.take_along_axis(values, above, axis=-1),
    )
    height_low, height_high = (
        np.take_along_axis(heights, below, axis=-1),
        np.take_along_axis(heights, above, axis=-1),
    )
    thick = np.where(height_high > height_low, height_high - height_low, np.inf)
    read = value_low + (value_high - value_low) * (grid - height_low) / thick
    beyond = np.where((upper == 0) | (upper == len(levels)), grid - height_low, 0.0)
    return np.where(np.abs(beyond) <= DEEPEST_HOLD, read + gradient * beyond, np.nan)


def _pick(values: Array, index: Index) -> Array:
    return np.take_along_axis(values, index[..., None], axis=-1)[..., 0]
