"""Does the block bootstrap give the intervals of the textbook, block by block?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from scipy.stats import t as student_t

from models.bootstrap import (
    block_counts,
    block_indices,
    mean_interval,
    percentile_interval,
    resampled_ratios,
    resampled_rows,
    resampled_sums,
    site_weeks,
    widened,
)

BLOCKS = np.array([7, 7, 3, 3, 3, 9])  # three blocks of 2, 3 and 1 cases


def test_as_many_blocks_are_drawn_as_there_are() -> None:
    assert (block_counts(5, 200, 1).sum(axis=1) == 5).all()
    assert block_indices(5, 200, 1).shape == (200, 5)
    assert set(block_indices(5, 200, 1).ravel()) == set(range(5))


def test_both_ways_to_draw_have_the_same_distribution() -> None:
    """A block is drawn n times of n with probability 1/n each: mean 1, variance 1 - 1/n."""
    counts = block_counts(10, 20_000, 1)
    indices = block_indices(10, 20_000, 1)
    of_indices = np.stack([np.bincount(row, minlength=10) for row in indices])

    for drawn in (counts, of_indices):
        assert drawn.mean() == pytest.approx(1.0, abs=1e-12)
        assert drawn.var() == pytest.approx(0.9, abs=0.02)  # standard error 0.004


def test_cases_of_one_block_are_drawn_together() -> None:
    counts = resampled_sums(np.eye(6), BLOCKS, 100, 2)

    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 2] == counts[:, 4]).all()
    assert (counts[:, [0, 2, 5]].sum(axis=1) == 3).all()
    for rows in resampled_rows(BLOCKS, 100, 2):
        times = np.bincount(rows, minlength=6)
        assert times[0] == times[1]
        assert times[2] == times[3] == times[4]
        assert times[[0, 2, 5]].sum() == 3


def test_resampled_sums_are_the_drawn_counts_times_the_values() -> None:
    values = np.array([[1.0, 1], [2, 1], [3, 1], [4, 1], [math.nan, 1], [6, 1]])

    sums = resampled_sums(values, BLOCKS, 50, 4)

    counts = block_counts(3, 50, 4)[:, [1, 1, 0, 0, 0, 2]]  # blocks in the order 3, 7, 9
    assert sums == pytest.approx(counts @ np.nan_to_num(values))


def test_a_ratio_of_sums_is_taken_over_the_drawn_blocks() -> None:
    """Of two blocks with means 1 (2 cases) and 4 (1 case): 1, 2 or 4 by which are drawn."""
    found = resampled_ratios(np.array([2.0, 4.0]), np.array([2.0, 1.0]), 400, 3)

    assert set(found.tolist()) == {1.0, 2.0, 4.0}
    assert (found == 2.0).mean() == pytest.approx(0.5, abs=0.1)


def test_the_interval_of_a_mean_of_independent_cases_is_that_of_the_normal_law() -> None:
    """Of 400 values of variance 1: the mean's standard error is 0.05, its 90 % interval 1.645 of
    these on either side; the bootstrap's own error of a bound is below 0.01.
    """
    values = np.random.default_rng(1).normal(size=400)

    low, high = mean_interval(values, np.arange(400), 2000, 1)

    half = float(norm.ppf(0.95)) * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.01)


def test_percentiles_leave_out_what_is_not_finite() -> None:
    values = [math.nan, math.inf, *range(101)]

    assert percentile_interval(values) == pytest.approx((5.0, 95.0))
    assert percentile_interval(values, 0.5) == pytest.approx((25.0, 75.0))
    assert np.isnan(percentile_interval([math.nan])).all()


def test_few_blocks_widen_a_bound_by_students_t() -> None:
    """Of ten blocks t(0.95, 9) = 1.833 against 1.645, and sqrt(10 / 9): 1.175 times as far."""
    assert student_t.ppf(0.95, 9) == pytest.approx(1.8331, abs=1e-4)
    assert widened(2.0, 3.0, 0.95, 10) == pytest.approx(
        2 + 1.8331 / 1.6449 * math.sqrt(10 / 9), abs=1e-4
    )
    assert widened(2.0, 1.0, 0.05, 10) == pytest.approx(
        2 - 1.8331 / 1.6449 * math.sqrt(10 / 9), abs=1e-4
    )


def test_a_week_of_a_site_is_a_block() -> None:
    day = np.array(["2026-01-01", "2026-01-07", "2026-01-08", "2026-01-01"], dtype="datetime64[D]")

    blocks = site_weeks(np.array(["a", "a", "a", "b"]), day)

    # weeks are counted from Thursday 1970-01-01; 2026-01-01 is a Thursday
    assert blocks[0] == blocks[1]
    assert len(set(blocks.tolist())) == 3
