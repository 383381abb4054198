"""Do laws of the lead hold for every rule, whatever the weather?"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.domain import PHENOMENA
from forecast.quantities import FEATURES
from models.lead import SCALES, confidence_of, later_range
from models.learned import LearnedRule
from models.rule_model import LEAD, USUAL, PhysicsRule

LEADS = st.floats(-24, 400)
SHARES = st.lists(st.floats(0, 1), min_size=30, max_size=30)
CHANCES = st.floats(0, 1)


def day_of(model: PhysicsRule, shares: list[float], lead: float, usual: float) -> np.ndarray:
    """Return features at parts of their ranges, at a lead and a usual frequency."""
    values = {
        name: FEATURES[name].low + share * (FEATURES[name].high - FEATURES[name].low)
        for name, share in zip(model.columns, shares, strict=False)
    } | {LEAD: lead, USUAL: usual}
    return np.array([[values[name] for name in model.columns]])


def learnt(phenomenon: str, strength: float, by_lead: float) -> LearnedRule:
    """Return a learned rule with these b and c of every state, as if of leads to three days."""
    rule = PhysicsRule(phenomenon).ready()
    model = LearnedRule(phenomenon).fit(np.empty((0, len(rule.columns))), np.empty(0, dtype=int))
    values = {"total": strength, "by_lead": by_lead}
    for column, (state, part) in enumerate(model._kinds()):
        if part in values:
            model.logistic_.theta_[-1 if len(model.classes_) == 2 else state, 1 + column] = values[
                part
            ]
    model.longest_lead_ = 72.0
    return model


@pytest.mark.parametrize("phenomenon", PHENOMENA)
@given(shares=SHARES, lead=LEADS, usual=CHANCES)
def test_a_probability_is_one_at_every_lead(
    phenomenon: str, shares: list[float], lead: float, usual: float
) -> None:
    model = PhysicsRule(phenomenon).ready()

    p = model.predict_proba(day_of(model, shares, lead, usual))

    assert ((p >= 0) & (p <= 1)).all()
    assert p.sum() == pytest.approx(1)
    assert np.isnan(model.predict_proba(day_of(model, shares, math.nan, usual))).all()


@pytest.mark.parametrize("phenomenon", PHENOMENA)
@given(shares=SHARES, lead=LEADS, usual=st.tuples(CHANCES, CHANCES))
def test_what_is_more_usual_is_never_less_likely(
    phenomenon: str, shares: list[float], lead: float, usual: tuple[float, float]
) -> None:
    model, headline = PhysicsRule(phenomenon).ready(), 0 if phenomenon == "sea_of_clouds" else 1

    low, high = (
        model.predict_proba(day_of(model, shares, lead, each))[0, headline]
        for each in sorted(usual)
    )

    assert low <= high + 1e-12


@pytest.mark.parametrize(
    "phenomenon", [p for p in PHENOMENA if not SCALES[p].in_features and p != "sea_of_clouds"]
)
@given(shares=SHARES, leads=st.tuples(LEADS, LEADS), usual=st.floats(0.01, 0.99))
def test_the_further_ahead_the_nearer_to_the_usual_frequency(
    phenomenon: str, shares: list[float], leads: tuple[float, float], usual: float
) -> None:
    """In log-odds, once what the almanac knows is taken off; and on the same side of it."""
    model = PhysicsRule(phenomenon).ready()
    known = model.columns
    off = [name in ("zenith_sky_brightness", "dark_hours", "dark_sky_share") for name in known]

    def apart(lead: float) -> float:
        day = day_of(model, shares, lead, usual)
        sums = model.scaled_effects(day)[:, ~np.array(off)].sum(axis=1) + model.starts(day)
        return float(sums[0, 0] - math.log(usual / (1 - usual)))

    near, far = (apart(lead) for lead in sorted(leads))

    assert abs(far) <= abs(near) + 1e-9
    assert near * far >= -1e-12


@pytest.mark.parametrize("phenomenon", PHENOMENA)
@given(leads=st.tuples(LEADS, LEADS))
def test_neither_worth_nor_confidence_grows_with_lead(
    phenomenon: str, leads: tuple[float, float]
) -> None:
    near, far = sorted(leads)
    scale = SCALES[phenomenon]

    assert 0 <= scale.worth(np.array(far)) <= scale.worth(np.array(near)) <= 1
    assert scale.at(np.array(far)) <= scale.at(np.array(near)) <= scale.strength
    assert confidence_of(phenomenon, far) <= confidence_of(phenomenon, near)


@given(probability=CHANCES, lead=LEADS)
def test_a_range_lies_in_0_to_1_about_the_probability(probability: float, lead: float) -> None:
    low, high = later_range(probability, "starry_sky", lead)

    assert 0 <= low <= probability <= high <= 1


@pytest.mark.parametrize("phenomenon", ["starry_sky", "snow_cover", "sea_of_clouds"])
@given(shares=SHARES, lead=LEADS, usual=CHANCES)
def test_the_learned_rule_without_labels_has_the_same_lead(
    phenomenon: str, shares: list[float], lead: float, usual: float
) -> None:
    rule = PhysicsRule(phenomenon).ready()
    day = day_of(rule, shares, lead, usual)
    learned = LearnedRule(phenomenon).fit(np.empty((0, len(rule.columns))), np.empty(0, dtype=int))

    assert learned.predict_proba(day) == pytest.approx(rule.predict_proba(day), abs=1e-9)


@pytest.mark.parametrize("phenomenon", ["sunset_glow", "sunrise", "snow_cover", "sea_of_clouds"])
@pytest.mark.parametrize(("strength", "by_lead"), [(0.6, -2.0), (1.4, 2.0), (-0.5, 0.3)])
@given(shares=SHARES, leads=st.tuples(st.floats(72, 384), st.floats(72, 384)), usual=CHANCES)
def test_beyond_its_leads_a_learned_rule_returns_to_the_shipped_one(
    phenomenon: str,
    strength: float,
    by_lead: float,
    shares: list[float],
    leads: tuple[float, float],
    usual: float,
) -> None:
    """Learnt to three days ahead: to 16 days it is ever nearer to the rule's own log-odds."""
    learned = learnt(phenomenon, strength, by_lead)
    rule = PhysicsRule(phenomenon).ready()

    def apart(lead: float) -> float:
        found, slopes = learned._beyond(day_of(rule, shares, lead, usual))
        assert (slopes >= 0).all()
        return float(found.kept[0])

    near, far = (apart(lead) for lead in sorted(leads))
    assert 0 <= far <= near <= 1
    day = day_of(rule, shares, 1e4, usual)
    assert learned.predict_proba(day) == pytest.approx(rule.predict_proba(day), abs=1e-6)


@pytest.mark.parametrize("phenomenon", ["sunset_glow", "sunrise_glow", "sunrise"])
@given(shares=SHARES, lead=st.floats(0, 384), usual=st.floats(0.01, 0.99))
def test_more_of_what_helps_never_makes_a_learned_glow_less_likely_at_any_lead(
    phenomenon: str, shares: list[float], lead: float, usual: float
) -> None:
    learned, rule = learnt(phenomenon, 0.6, -2.0), PhysicsRule(phenomenon).ready()
    day = day_of(rule, shares, lead, usual)
    known = rule.known_ahead()
    departure = rule.scaled_effects(day)[:, ~known].sum()

    learnt_sum = learned.logistic_.log_odds(learned._answered(day))[0, -1]
    start = float(rule.usual_sums(day)[0, 0] + rule.scaled_effects(day)[:, known].sum())

    assert (learnt_sum - start) * departure >= -1e-9
