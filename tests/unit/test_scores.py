"""Are the scores what the textbook says?"""

from __future__ import annotations

import math

import pytest

from models.scores import brier, score, skill


def test_finleys_tornado_forecasts_score_as_published() -> None:
    # Finley 1884: 28 hits, 23 misses, 72 false alarms, 2680 correct rejections; TS 0.228, POD
    # 0.549, FAR 0.720 (Wilks 2011, example 8.1).
    given = [1] * 28 + [0] * 23 + [1] * 72 + [0] * 2680
    seen = [1] * 28 + [1] * 23 + [0] * 72 + [0] * 2680

    found = score(given, seen)

    assert (found.cases, found.events) == (2803, 51)
    assert found.ts == pytest.approx(0.228, abs=5e-4)
    assert found.pod == pytest.approx(0.549, abs=5e-4)
    assert found.far == pytest.approx(0.720, abs=5e-4)


def test_brier_and_skill_by_hand() -> None:
    # (0.2^2 + 0.4^2 + 0.1^2) / 3 = 0.07; against 0.21 it is a skill of 2/3.
    assert brier([0.8, 0.4, 0.1], [1, 0, 0]) == pytest.approx(0.07)
    assert skill(0.07, 0.21) == pytest.approx(2 / 3)


def test_what_is_not_known_counts_for_nothing() -> None:
    found = score([0.9, math.nan, 0.2, 0.4], [1, 1, 0, math.nan])

    assert (found.cases, found.events, found.auc) == (2, 1, 1.0)


def test_without_both_kinds_of_outcome_there_is_no_auc() -> None:
    found = score([0.2, 0.3], [0, 0])

    assert math.isnan(found.auc)
    assert math.isnan(found.pod)
