"""Is a calibration the mode of the posterior that its prior and its cases make? Held against the
same sum written out and minimised here, and against values by hand.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logit, softmax

from models.calibration import Calibrator, as_log_odds, blended, method_for


def pairs(probability: np.ndarray) -> np.ndarray:
    return np.stack([1 - probability, probability], axis=1)


def by_hand(z: np.ndarray, seen: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return shift and slope of Platt's line with a prior: the shift believed 0 within 1, the slope
    1 within 0.5 (standard deviations).
    """

    def loss(line: np.ndarray) -> float:
        p = expit(line[0] + line[1] * z)
        likelihood = np.sum(weight * (seen * np.log(p) + (1 - seen) * np.log(1 - p)))
        return float(-likelihood + line[0] ** 2 / 2 + (line[1] - 1) ** 2 / (2 * 0.5**2))

    found = minimize(
        loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-12}
    )
    return float(found.x[0]), float(found.x[1])


@pytest.mark.parametrize("rows", [6, 40])
def test_few_cases_move_the_line_as_far_as_the_prior_lets_them(rows: int) -> None:
    # forecast 12 %, 50 % and 88 %: seen the other way round
    forecast = np.resize([0.12, 0.5, 0.88], rows)
    seen = np.resize([True, False, False, True, True, False], rows)
    weight = np.resize([1.0, 0.5], rows)
    shift, slope = by_hand(logit(forecast), seen, weight)

    line = Calibrator("sigmoid").fit(pairs(forecast), pairs(seen.astype(float)) > 0.5, weight)

    points = np.array([0.05, 0.3, 0.6, 0.95])
    assert line.transform(pairs(points))[:, 1] == pytest.approx(
        expit(shift + slope * logit(points)), abs=1e-4
    )


def test_one_case_moves_an_even_chance_by_the_prior_of_the_shift_alone() -> None:
    """By hand: forecast 50 %, seen; the shift a solves a = 1 - expit(a), a = 0.40106, so 59.9 %."""
    line = Calibrator("sigmoid").fit(pairs(np.array([0.5])), np.array([[False, True]]))

    assert line.transform(pairs(np.array([0.5])))[0, 1] == pytest.approx(0.59894, abs=1e-4)


def test_each_state_has_a_slope_of_its_own_and_leaves_the_others_alone() -> None:
    """The same sum for three states: softmax of shift + slope x log p, each state its own."""
    random = np.random.default_rng(3)
    forecast = random.dirichlet([1, 1, 1], 30)
    state = random.integers(0, 3, 30)
    among = np.eye(3, dtype=bool)[state]

    def loss(line: np.ndarray) -> float:
        p = softmax(line[:3] + line[3:] * np.log(forecast), axis=1)
        prior = np.sum(line[:3] ** 2) / 2 + np.sum((line[3:] - 1) ** 2) / (2 * 0.5**2)
        return float(prior - np.sum(np.log(p[among])))

    best = minimize(loss, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], method="BFGS", tol=1e-8).x

    assert Calibrator("sigmoid").fit(forecast, among).transform(forecast) == pytest.approx(
        softmax(best[:3] + best[3:] * np.log(forecast), axis=1), abs=1e-4
    )


def test_no_probability_is_nearer_to_certainty_than_one_in_ten_thousand() -> None:
    """Steps of cases that never, or always, came end at 1e-4 and 1 - 1e-4, not at 0 and 1."""
    forecast = np.repeat([0.1, 0.9], 50)
    steps = Calibrator("isotonic").fit(pairs(forecast), pairs((forecast > 0.5).astype(float)) > 0.5)

    assert steps.transform(pairs(np.array([0.0, 0.1, 0.9, 1.0])))[:, 1] == pytest.approx(
        [1e-4, 1e-4, 1 - 1e-4, 1 - 1e-4]
    )
    assert as_log_odds(np.array([[0.0, 1.0]])) == pytest.approx(np.log([[1e-4, 1.0]]))


def test_the_blend_of_two_answers_lies_between_them_in_log_odds() -> None:
    """By hand: odds of 4 and 1/4 blend to 1, of 9 and 4 to 6."""
    answers = [pairs(np.array([0.8, 0.9])), pairs(np.array([0.2, 0.8]))]

    assert blended(answers)[:, 1] == pytest.approx([0.5, 6 / 7])


def test_an_unknown_way_of_calibrating_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="expected auto, sigmoid or isotonic"):
        Calibrator("spline").fit(pairs(np.array([0.5])), np.array([[False, True]]))


def test_vague_cases_do_not_count_as_many_or_as_rare() -> None:
    """Of ten thousand and one cases, one says nothing of either kind."""
    random = np.random.default_rng(1)
    forecast = random.uniform(size=10_001)
    seen = random.uniform(size=10_001) < forecast
    among = pairs(seen.astype(float)) > 0.5
    many, fewer = among.copy(), among.copy()
    many[0], fewer[:2] = True, True

    assert Calibrator().fit(pairs(forecast), many).method_ == "isotonic"
    assert Calibrator().fit(pairs(forecast), fewer).method_ == "sigmoid"
    assert method_for(10_000, 1_000) == "isotonic"
