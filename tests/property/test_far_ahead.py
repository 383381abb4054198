"""Does every kind of trained model return to the usual frequency, whatever the weather?

Each kind is trained on made-up days at leads up to three days, and asked far beyond.
"""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.domain import CLOUD_SEA_STATES
from forecast.learning.transfer_features import neutral_darkness
from forecast.quantities import FEATURES, features_of
from models.calibration import Calibrator
from models.lead import SCALES
from models.learned import LearnedModel
from models.rule_model import LEAD, USUAL, PhysicsRule
from models.selection import CHALLENGERS, SIMPLEST_FIRST, fit_kind, predicted
from models.training_set import TrainingSet

LONGEST = 72.0  # [h] lead of the training
MONTHS = 60 * 24.0  # [h] two
# what the almanac knows ahead, where it moves the answer neither way
KNOWN = {"zenith_sky_brightness": neutral_darkness(), "dark_hours": 9.0, "dark_sky_share": 1.0}
KINDS = [("starry_sky", kind) for kind in SIMPLEST_FIRST] + [
    ("sea_of_clouds", kind) for kind in ("prior", *CHALLENGERS)
]
TREES = [(phenomenon, kind) for phenomenon, kind in KINDS if kind in CHALLENGERS]
EACH = 50  # days an example: a forest answers them as fast as one
SEEDS, FEW = st.integers(0, 2**32 - 1), settings(max_examples=3)


def days(phenomenon: str, shares: np.ndarray) -> np.ndarray:
    """Return features at parts of their ranges (day, feature), the almanac's as KNOWN."""
    names = features_of(phenomenon)
    limits = np.array([(FEATURES[name].low, FEATURES[name].high) for name in names])
    cases = limits[:, 0] + shares[:, : len(names)] * np.ptp(limits, axis=1)
    for name, value in KNOWN.items():
        if name in names:
            cases[:, names.index(name)] = value
    return np.asarray(cases)


@cache
def trained(phenomenon: str, kind: str) -> Any:
    random, count, names = np.random.default_rng(6), 400, features_of(phenomenon)
    cases = days(phenomenon, random.uniform(size=(count, 60)))
    lead = random.choice([12.0, 36.0, 60.0, LONGEST], count)
    cases[:, names.index(LEAD)] = lead
    rule = PhysicsRule(phenomenon).ready()
    chance = rule.predict_proba(cases[:, [names.index(name) for name in rule.columns]])
    number = np.array([random.choice(len(p), p=p) for p in chance])
    sea = phenomenon == "sea_of_clouds"
    data = TrainingSet(
        phenomenon,
        tuple(names),
        cases,
        (number == (0 if sea else 1)).astype(float),
        np.datetime64("2026-01-01") + np.arange(count),
        np.array(["lingshan", "jinding"])[np.arange(count) % 2],
        np.full(count, "observer"),
        lead,
        np.array(CLOUD_SEA_STATES)[number] if sea else None,
    )
    model = fit_kind(kind, data)
    if kind in CHALLENGERS:
        model.calibrator = Calibrator().fit(predicted(model, data), data.among)
    return model


def answer(phenomenon: str, kind: str, seed: int, lead: float, model: Any = None) -> np.ndarray:
    """Return the probabilities (day, class) of EACH days at lingshan, so far ahead."""
    names, found = features_of(phenomenon), model or trained(phenomenon, kind)
    cases = days(phenomenon, np.random.default_rng(seed).uniform(size=(EACH, 60)))
    cases[:, names.index(LEAD)], cases[:, names.index(USUAL)] = lead, usual(seed)
    given = cases[:, [names.index(name) for name in found.columns]]
    return np.asarray(found.predict_proba(given, ["lingshan"] * EACH))


def usual(seed: int) -> np.ndarray:
    """Return the usual frequencies (day)."""
    return np.random.default_rng([seed, 1]).uniform(0.01, 0.99, EACH)


@pytest.mark.parametrize(("phenomenon", "kind"), KINDS)
@FEW
@given(seed=SEEDS)
def test_two_months_ahead_the_answer_is_the_usual_frequency(
    phenomenon: str, kind: str, seed: int
) -> None:
    often = usual(seed)[:, None]
    if phenomenon == "sea_of_clouds":
        rest = np.exp(PhysicsRule(phenomenon).bases()[1:])
        expected = np.concatenate([often, (1 - often) * rest / rest.sum()], axis=1)
    else:
        expected = np.concatenate([1 - often, often], axis=1)

    assert answer(phenomenon, kind, seed, MONTHS) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(("phenomenon", "kind"), KINDS)
@FEW
@given(seed=SEEDS)
def test_the_answer_does_not_jump_at_the_longest_lead_of_the_training(
    phenomenon: str, kind: str, seed: int
) -> None:
    at, after = (answer(phenomenon, kind, seed, lead) for lead in (LONGEST, LONGEST + 1e-6))

    assert after == pytest.approx(at, abs=1e-6)


@pytest.mark.parametrize(("phenomenon", "kind"), TREES)
@FEW
@given(seed=SEEDS, days_ahead=st.floats(3.01, 30))
def test_beyond_it_the_log_odds_keep_what_the_forecast_does_of_its_worth(
    phenomenon: str, kind: str, seed: int, days_ahead: float
) -> None:
    def odds(lead: float) -> np.ndarray:
        logs = np.log(answer(phenomenon, kind, seed, lead))
        return np.asarray(logs[:, 1:] - logs[:, :1])

    worth = SCALES[phenomenon].worth(np.array([24 * days_ahead, LONGEST]))
    kept = worth[0] / worth[1]
    expected = kept * odds(LONGEST) + (1 - kept) * odds(1e5)

    assert odds(24 * days_ahead) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("phenomenon", "kind"), TREES)
@FEW
@given(seed=SEEDS, lead=st.floats(0, LONGEST))
def test_within_the_leads_of_the_training_a_model_answers_as_it_learnt(
    phenomenon: str, kind: str, seed: int, lead: float
) -> None:
    plain = copy.copy(trained(phenomenon, kind))
    assert isinstance(plain, LearnedModel)
    assert plain.longest_lead == LONGEST
    plain.longest_lead = np.inf  # it never returns to the usual frequency

    found = answer(phenomenon, kind, seed, lead)

    assert found == pytest.approx(answer(phenomenon, kind, seed, lead, plain), abs=1e-12)
