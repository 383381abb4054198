"""Are the scores those of the textbook, by hand and by the library `scores`?"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scores.categorical import BinaryContingencyManager
from scores.probability import brier_score, roc_auc

from models.scores import area_under_roc, brier, parts_of_brier, score, skill
from tests.science.ten_bins import reliability

PROJECT = Path(__file__).parents[2]


def test_finleys_tornado_forecasts_score_as_published() -> None:
    # Finley 1884: 28 hits, 23 misses, 72 false alarms, 2680 correct rejections; TS 0.228, POD
    # 0.549, FAR 0.720 (Wilks 2011, example 8.1).
    given = [1] * 28 + [0] * 23 + [1] * 72 + [0] * 2680
    observed = [1] * 28 + [1] * 23 + [0] * 72 + [0] * 2680

    found = score(given, observed)

    assert (found.cases, found.events) == (2803, 51)
    assert found.ts == pytest.approx(0.228, abs=5e-4)
    assert found.pod == pytest.approx(0.549, abs=5e-4)
    assert found.far == pytest.approx(0.720, abs=5e-4)


def test_brier_and_skill_by_hand() -> None:
    # (0.2^2 + 0.4^2 + 0.1^2) / 3 = 0.07; against 0.21 it is a skill of 2/3.
    assert brier([0.8, 0.4, 0.1], [1, 0, 0]) == pytest.approx(0.07)
    assert skill(0.07, 0.21) == pytest.approx(2 / 3)


def test_a_case_with_an_unknown_side_is_left_out() -> None:
    found = score([0.9, math.nan, 0.2, 0.4], [1, 1, 0, math.nan])

    assert (found.cases, found.events, found.auc) == (2, 1, 1.0)


def test_without_both_kinds_of_outcome_there_is_no_auc() -> None:
    found = score([0.2, 0.3], [0, 0])

    assert math.isnan(found.auc)
    assert math.isnan(found.pod)


def arrays(*columns: np.ndarray) -> list[xr.DataArray]:
    return [xr.DataArray(np.asarray(column, dtype=float), dims="case") for column in columns]


def cases(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities in steps of 0.05, some of them equal, and outcomes drawn from them."""
    random = np.random.default_rng(seed)
    probability = random.integers(0, 21, count) / 20
    return probability, random.uniform(size=count) < probability


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.85])
def test_hand_arithmetic_and_the_library_agree(threshold: float) -> None:
    probability, observed = cases(500, 3)
    yes = probability >= threshold
    hits, misses = int((yes & observed).sum()), int((~yes & observed).sum())
    false_alarms = int((yes & ~observed).sum())
    table = BinaryContingencyManager(*arrays(yes, observed))

    found = score(probability, observed, threshold)

    assert (found.hits, found.misses, found.false_alarms) == (hits, misses, false_alarms)
    assert found.pod == hits / (hits + misses)
    assert found.far == false_alarms / (hits + false_alarms)
    assert found.ts == hits / (hits + misses + false_alarms)
    assert found.pod == pytest.approx(float(table.probability_of_detection()), abs=1e-12)
    assert found.far == pytest.approx(float(table.false_alarm_ratio()), abs=1e-12)
    assert found.ts == pytest.approx(float(table.threat_score()), abs=1e-12)
    by_hand = ((probability - observed) ** 2).sum() / 500
    assert found.brier == pytest.approx(by_hand, abs=1e-12)
    assert by_hand == pytest.approx(float(brier_score(*arrays(probability, observed))), abs=1e-12)


def test_the_area_under_the_roc_curve_counts_ties_as_half() -> None:
    """Of the pairs (event, other): 0.8 beats 0.2 and 0.5; 0.5 beats 0.2 and ties with 0.5."""
    by_hand = area_under_roc(np.array([0.8, 0.5, 0.5, 0.2]), np.array([1, 1, 0, 0]) > 0)
    probability, observed = cases(300, 5)

    assert by_hand == (2 + 1.5) / 4
    assert area_under_roc(probability, observed) == pytest.approx(
        float(roc_auc(*arrays(probability, observed))), abs=1e-12
    )


def test_the_parts_of_a_brier_score_are_those_of_its_distinct_probabilities() -> None:
    """Murphy 1973, eq. 8, by hand: where the frequencies rise with the probabilities, isotonic
    regression changes none of them.
    """
    probability = np.repeat([0.1, 0.4, 0.9], [10, 5, 5])
    observed = np.concatenate([np.eye(10)[0], np.eye(5)[:2].sum(axis=0), np.ones(5)])
    frequency, counts = np.array([0.1, 0.4, 1.0]), np.array([10, 5, 5])
    base = 8 / 20

    parts = parts_of_brier(probability, observed)

    assert parts.reliability == pytest.approx(5 * 0.1**2 / 20)
    assert parts.resolution == pytest.approx((counts * (frequency - base) ** 2).sum() / 20)
    assert parts.uncertainty == pytest.approx(base * (1 - base))


def test_a_bin_of_reliability_has_the_mean_and_the_frequency_of_its_cases() -> None:
    found = reliability([0.1, 0.2, 0.3, 0.7, 0.8, 0.9, math.nan], [0, 0, 1, 1, 0, 1, 1], bins=2)

    assert found.cases.tolist() == [3, 3]
    assert found.probability == pytest.approx([0.2, 0.8])
    assert found.frequency == pytest.approx([1 / 3, 2 / 3])
    assert found.term == pytest.approx(((1 / 3 - 0.2) ** 2 + (2 / 3 - 0.8) ** 2) / 2)


def test_a_table_without_yes_forecasts_has_no_false_alarm_ratio() -> None:
    never = score([0.1, 0.2], [1, 0])

    assert (never.pod, never.ts) == (0.0, 0.0)
    assert math.isnan(never.far)


def test_scores_of_no_case_are_unknown() -> None:
    none = score([], [])

    assert (none.cases, none.hits, none.misses, none.false_alarms) == (0, 0, 0, 0)
    assert all(math.isnan(value) for value in (none.brier, none.auc, none.pod, none.far, none.ts))


@pytest.mark.parametrize(
    ("imported", "absent"),
    [
        ("forecast.__main__", ("scores", "sklearn", "scipy")),
        ("models.prediction, models.registry", ("scores",)),
    ],
)
def test_neither_the_commands_nor_a_forecast_wait_for_the_scores(
    imported: str, absent: tuple[str, ...]
) -> None:
    code = f"import sys, {imported}; print(*[name for name in {absent!r} if name in sys.modules])"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == ""
