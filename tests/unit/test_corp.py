"""Is the CORP curve that of the paper: isotonic, binned by itself, with the band of chance?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scores.probability import isotonic_fit

from models.corp import corp_reliability
from models.scores import parts_of_brier


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities in whole percent and outcomes that happen as often as they say."""
    random = np.random.default_rng(seed)
    given = random.beta(0.7, 1.3, count).round(2)
    return given, (random.uniform(size=count) < given).astype(float)


def test_pools_by_hand() -> None:
    """0.6 came less often than 0.4, so both are one pool of 2 of 4; 0.1 and 0.9 stay alone.

    Brier (.01 * 2 + .16 + .36 + .16 + .36 + .01) / 7 = .1529; calibrated (4 * .25) / 7 = .1429.
    """
    found = corp_reliability([0.1, 0.1, 0.4, 0.4, 0.6, 0.6, 0.9], [0, 0, 1, 0, 1, 0, 1])

    assert found.first.tolist() == [0.1, 0.4, 0.9]
    assert found.last.tolist() == [0.1, 0.6, 0.9]
    assert found.probability.tolist() == pytest.approx([0.1, 0.5, 0.9])
    assert found.frequency.tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert found.cases.tolist() == [2, 4, 1]
    brier = (0.02 + 2 * (0.36 + 0.16) + 0.01) / 7
    assert found.term == pytest.approx(brier - 1 / 7)


def test_the_curve_and_its_term_are_those_of_the_library() -> None:
    given, outcome = drawn(500, 3)

    found = corp_reliability(given, outcome)

    fit = isotonic_fit(given, outcome, functional="mean")
    theirs = np.interp(found.probability, fit["fcst_sorted"], fit["regression_values"])
    assert found.frequency == pytest.approx(theirs, abs=0.02)
    assert found.term == pytest.approx(parts_of_brier(given, outcome).reliability)
    assert (np.diff(found.frequency) > 0).all()
    assert found.cases.sum() == 500


def test_true_probabilities_are_called_unreliable_about_one_time_in_twenty() -> None:
    within = [corp_reliability(*drawn(200, seed), draws=200).within for seed in range(100)]

    assert 88 <= sum(within) <= 100


def test_the_band_holds_true_probabilities_and_not_overconfident_ones() -> None:
    given, outcome = drawn(1500, 4)
    overconfident = np.clip(0.5 + 1.8 * (given - 0.5), 0.01, 0.99)

    true, wrong = corp_reliability(given, outcome), corp_reliability(overconfident, outcome)

    low, high = true.band(true.probability)
    inside = (low - 0.02 <= true.frequency) & (true.frequency <= high + 0.02)
    assert true.cases[inside].sum() > 0.8 * 1500
    assert true.within
    assert not wrong.within
    assert wrong.chance < 0.01 < true.chance


def test_cases_with_an_unknown_side_are_left_out_and_none_is_an_error() -> None:
    found = corp_reliability([0.2, math.nan, 0.7], [0, 1, math.nan])

    assert found.cases.tolist() == [1]
    with pytest.raises(ValueError, match="no case"):
        corp_reliability([math.nan], [1])


def test_very_many_different_probabilities_are_rounded_to_a_tenth_of_a_percent() -> None:
    random = np.random.default_rng(2)
    given = random.uniform(size=3000)
    found = corp_reliability(given, random.uniform(size=3000) < given, draws=20)

    assert found.first == pytest.approx(found.first.round(3))
