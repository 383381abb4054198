"""Block bootstrap: intervals from whole blocks of cases, drawn with replacement.

Days of one spell of weather are almost one case, so a block (a week of a site, five days of all
sites) is drawn or left out as a whole. There are two ways to draw, equal in distribution: by how
often each block is drawn, and by which blocks are drawn. Each figure keeps its own way and seed,
so that published figures can be computed again.
Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 8 (blocks), 13.3
(percentiles); Wilks 2011, Statistical Methods in the Atmospheric Sciences, 3rd ed., sect. 5.3.5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from scipy.stats import t as student_t

Array = NDArray[np.floating[Any]]
Blocks = NDArray[np.integer[Any]]

LEVEL = 0.9  # of an interval


def site_weeks(
    site: NDArray[Any], day: NDArray[np.datetime64], length: int = 7
) -> NDArray[np.intp]:
    """Return the number of each case's block (case): `length` days at one site."""
    spans = day.astype("datetime64[D]").astype(int) // length
    _, number = np.unique(
        np.char.add(np.char.add(site.astype(str), " "), spans.astype(str)), return_inverse=True
    )
    return np.asarray(number)


def block_counts(count: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return how often each of `count` blocks is drawn (draw, block); each row adds to `count`."""
    chance = np.full(count, 1 / max(count, 1))
    return np.random.default_rng(seed).multinomial(count, chance, size=draws)


def block_indices(count: int, draws: int, seed: int) -> NDArray[np.int64]:
    """Return which of `count` blocks are drawn (draw, drawn block), as many as there are."""
    return np.random.default_rng(seed).integers(0, count, (draws, count))


def resampled_sums(values: ArrayLike, blocks: Blocks, draws: int = 1000, seed: int = 0) -> Array:
    """Return the sums of `values` (case, column) over the drawn blocks (draw, column).

    A ratio of two columns is then a resampled mean. NaN counts as 0.
    """
    columns = np.nan_to_num(np.asarray(values, dtype=float))
    known, place = np.unique(blocks, return_inverse=True)
    sums = np.stack(
        [np.bincount(place, column, minlength=len(known)) for column in columns.T], axis=1
    )
    return np.asarray(block_counts(len(known), draws, seed) @ sums)


def resampled_ratios(part: NDArray[Any], whole: NDArray[Any], draws: int, seed: int) -> Array:
    """Return the sum of `part` over the sum of `whole` (block) for each draw (draw)."""
    drawn = block_indices(len(part), draws, seed)
    return np.asarray(part[drawn].sum(axis=1) / whole[drawn].sum(axis=1))


def resampled_rows(blocks: Blocks, draws: int, seed: int) -> list[NDArray[np.intp]]:
    """Return the numbers of the drawn cases, one array a draw, for scores that are no mean."""
    known, place = np.unique(blocks, return_inverse=True)
    members = [np.flatnonzero(place == number) for number in range(len(known))]
    return [
        np.concatenate([members[i] for i in row]) for row in block_indices(len(known), draws, seed)
    ]


def mean_interval(
    values: Array, blocks: Blocks, draws: int, seed: int, level: float = LEVEL
) -> tuple[float, float]:
    """Return the bounds of the interval of the mean of `values` (case)."""
    _, place = np.unique(blocks, return_inverse=True)
    means = resampled_ratios(np.bincount(place, values), np.bincount(place), draws, seed)
    return percentile_interval(means, level)


def percentile_interval(resampled: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Return the bounds between which `level` (0-1) of the resampled values (draw) lie.

    Values that are not finite are left out; NaN where none is left.
    """
    values = np.asarray(resampled, dtype=float)
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def widened(value: float, bound: float, level: float, blocks: int) -> float:
    """Return a bound of an interval moved away from the value, as few blocks require.

    bound: of the bootstrap, at the quantile `level` (0-1).
    Source: Hesterberg 2015, The American Statistician 69, 371, 5.1 (Student's t, and the
    bootstrap's bias to narrowness).
    """
    wider = float(
        student_t.ppf(level, blocks - 1) / norm.ppf(level) * np.sqrt(blocks / (blocks - 1))
    )
    return value + wider * (bound - value)
