"""Is a model chosen, calibrated and scored on held-out days - and is it the rule where there
is nothing to learn from?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, logit

from forecast.domain import CLOUD_SEA_STATES, PHENOMENA
from forecast.errors import ModelMismatch
from forecast.quantities import FEATURES
from models import selection
from models.calibration import Calibrator, method_for
from models.corp import corp_reliability
from models.lead import SCALES
from models.learned import LearnedRule
from models.rule_model import LEAD, PhysicsRule
from models.scores import brier
from models.selection import choose, fit_kind, folds, losses, months, thinned, weeks
from models.training import train
from models.training_set import TrainingSet
from tests.science import simulated


def any_cases(phenomenon: str, rows: int = 60) -> np.ndarray:
    random = np.random.default_rng(1)
    rule = PhysicsRule(phenomenon)
    x = np.stack(
        [random.uniform(FEATURES[name].low, FEATURES[name].high, rows) for name in rule.columns],
        axis=1,
    )
    x[random.uniform(size=x.shape) < 0.05] = np.nan
    return x


def labelled(
    rows: int = 400, phenomenon: str = "starry_sky", observed: np.ndarray | None = None
) -> TrainingSet:
    x = any_cases(phenomenon, rows)
    degree = (
        np.random.default_rng(2).choice([0.0, 0.5, 1.0], rows) if observed is None else observed
    )
    return TrainingSet(
        phenomenon,
        PhysicsRule(phenomenon).columns,
        x,
        degree,
        np.datetime64("2026-01-01") + np.arange(rows),
        np.array(["a", "b"])[np.arange(rows) % 2],
        np.full(rows, "observer"),
        np.full(rows, 12.0),
    )


@pytest.mark.parametrize("kind", ["logistic", "boosting", "forest", "blend"])
def test_a_feature_that_no_case_has_stops_no_kind(kind: str) -> None:
    """A rain probability where no ensemble is served; scikit-learn's boosting cannot bin it."""
    data = labelled(300)
    place = data.names.index("humidity_at_site")
    features = data.features.copy()
    features[:, place] = np.nan
    later = features.copy()
    later[:, place] = np.linspace(0.2, 1.0, len(later))  # it comes once an ensemble is served

    model = fit_kind(kind, replace(data, features=features))

    silent = PhysicsRule("starry_sky").ready().silent(features)
    for cases in (features, later):
        assert (np.isfinite(model.predict_proba(cases)).all(axis=1) == ~silent).all()


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_without_labels_the_learned_rule_is_the_rule(phenomenon: str) -> None:
    rule, x = PhysicsRule(phenomenon).ready(), any_cases(phenomenon)

    learned = LearnedRule(phenomenon).fit(np.empty((0, len(rule.columns))), np.empty(0, dtype=int))

    assert learned.columns == rule.columns
    assert learned.predict_proba(x) == pytest.approx(rule.predict_proba(x), abs=1e-12, nan_ok=True)
    assert learned.influence(x) == pytest.approx(rule.influence(x), abs=1e-12, nan_ok=True)
    assert (np.isnan(learned.predict_proba(x)).any(axis=1) == rule.silent(x)).all()


def test_one_label_moves_the_rule_by_little_and_a_thousand_override_it() -> None:
    # The rule believes x to be a bad night; each label says that it was clear.
    x = PhysicsRule("starry_sky")
    known = {"sky_cover": 0.8, "cloud_for_stars": 0.8, "precipitation": 2.0} | {
        "zenith_sky_brightness": 21.0,
        "forecast_period": 12.0,
        "climatological_frequency": 0.3,
    }
    night = np.array([[known.get(name, np.nan) for name in x.columns]])
    before = x.ready().predict_proba(night)[0, 1]

    after = [
        LearnedRule()
        .fit(np.repeat(night, n, axis=0), np.ones(n, dtype=int))
        .predict_proba(night)[0, 1]
        for n in (1, 10, 1000)
    ]

    assert before < 0.2
    assert before < after[0] < after[1] < after[2]
    # The effects there are -2, -2.16 and -1.5, times s = .724. The prior's variance is .25 + .4^2 x
    # 4.1^2 + .5^2 x .724^2 x 10.9 = 4.4 logit^2; one label moves the odds by that times 1 - p: 2.1.
    assert logit(after[0]) - logit(before) < 2.5
    assert after[2] > 0.95


def test_without_labels_the_rule_is_as_unsure_as_its_stated_spreads() -> None:
    # models/learned.py: base .5, which fades as the forecast's worth does, strength 40 %, each
    # effect 50 %, scale 30 % five days ahead
    rule = PhysicsRule("starry_sky").ready()
    cloudy = {"sky_cover": 0.8, "cloud_for_stars": 0.8, "precipitation": 2.0}
    nights = [cloudy | {"climatological_frequency": 0.3, LEAD: 24 * day} for day in (0, 5, 10)]
    x = np.array([[night.get(name, np.nan) for name in rule.columns] for night in nights])
    learned = LearnedRule().fit(np.empty((0, len(rule.columns))), np.empty(0, dtype=int))

    low, high = logit(learned.interval(x, level=0.9)[:, 1]).T

    effects = rule.scaled_effects(x)[..., 0]
    departure = effects.sum(axis=1) + (rule.starts(x) - rule.usual_sums(x))[:, 0]
    worth = SCALES["starry_sky"].worth(24 * np.array([0.0, 5.0, 10.0]))
    variance = (0.5 * worth) ** 2 + (0.4**2 + (0.3 * np.array([0, 1, 2])) ** 2) * departure**2
    variance += 0.5**2 * (effects**2).sum(axis=1)
    # the normal distribution has nine tenths within 1.645 standard deviations
    assert (high - low) / 2 / 1.644854 == pytest.approx(np.sqrt(variance), rel=1e-5)


def test_the_true_scale_by_lead_is_learnt_from_outcomes_by_partial_pooling() -> None:
    """Where forecasts fade twice as fast as is shipped, outcomes at many leads show it.

    30 days say little; a thousand bring the learned scale near the true one, and the moon, known
    ahead, keeps its effect.
    """
    random, rule = np.random.default_rng(9), PhysicsRule("starry_sky").ready()
    place = {name: i for i, name in enumerate(rule.columns)}
    x = np.full((12_000, len(rule.columns)), np.nan)
    x[:, place["sky_cover"]] = x[:, place["cloud_for_stars"]] = random.uniform(size=len(x))
    x[:, place["zenith_sky_brightness"]] = 21.5
    x[:, place["forecast_period"]] = 24 * (np.arange(len(x)) % 12)
    x[:, place["climatological_frequency"]] = 0.5
    faded = x.copy()
    faded[:, place["forecast_period"]] *= 2
    truth = rule.predict_proba(faded)[:, 1]
    observed = (random.uniform(size=len(x)) < truth).astype(int)
    far = x[:, place["forecast_period"]] == 96

    def error(days: int) -> float:
        fitted = LearnedRule().fit(x[: 12 * days], observed[: 12 * days])
        return float(np.abs(fitted.predict_proba(x[far])[:, 1] - truth[far]).mean())

    shipped = float(np.abs(rule.predict_proba(x[far])[:, 1] - truth[far]).mean())
    few, many = error(30), error(1000)
    assert many < few < shipped
    assert many < shipped / 3
    learned = LearnedRule().fit(x, observed)
    bright = x[far][:1].copy()
    bright[0, place["zenith_sky_brightness"]] = 18.0
    assert learned.predict_proba(bright)[0, 1] < 0.01


def test_the_influence_of_a_learned_model_shows_what_changed_it() -> None:
    # Seen on each night with less cloud than the middle one, and on no other.
    data = simulated.world(4, sites=2).data.take(np.arange(800))
    cloud = np.array([name in ("sky_cover", "cloud_for_stars") for name in data.names])
    cover = data.features[:, cloud].mean(axis=1)
    boosting = fit_kind("boosting", replace(data, degree=(cover < np.median(cover)).astype(float)))
    clear, dull = data.features[:1].copy(), data.features[:1].copy()
    clear[0, cloud], dull[0, cloud] = 0.0, 1.0

    up, down = (boosting.influence(night)[0, cloud].sum() for night in (clear, dull))

    assert up > 0 > down
    missing = int(np.flatnonzero(~cloud)[0])
    clear[0, missing] = np.nan
    assert boosting.influence(clear)[0, missing] == 0


def test_neither_a_held_out_day_nor_its_neighbours_are_trained_on() -> None:
    day = np.repeat(np.datetime64("2025-01-01") + np.arange(400), 3)

    parts = folds(day, months(day), 5)

    held_out = np.concatenate([part.test for part in parts])
    assert sorted(held_out) == list(range(len(day)))  # each case is held out once
    for part in parts:
        apart = abs(day[part.train][:, None] - np.unique(day[part.test])[None, :]).min()
        assert apart > selection.GAP
        whole = [
            set(months(day[part.test]))
            & set(months(day[np.setdiff1d(np.arange(len(day)), part.test)]))
        ]
        assert whole == [set()]  # a month is never split


def test_a_thinned_set_keeps_whole_days() -> None:
    day = np.repeat(np.datetime64("2025-01-01") + np.arange(1000), 100)

    kept = thinned(day, len(day), most=20_000)

    assert len(kept) == 20_000
    assert (np.unique(day[kept], return_counts=True)[1] == 100).all()


def test_the_simplest_of_equals_is_chosen_and_a_clear_winner_wins() -> None:
    data = labelled(400, observed=(np.arange(400) % 3 == 0).astype(float))
    random = np.random.default_rng(3)
    good = np.where(data.observed, 0.8, 0.2)
    as_two = lambda p: np.stack([1 - p, p], axis=1)  # noqa: E731

    alike = choose(
        {"prior": as_two(good + random.normal(0, 0.01, 400)), "forest": as_two(good)},
        data,
        weeks(data.day),
    )
    better = choose(
        {"prior": as_two(np.full(400, 1 / 3)), "forest": as_two(good)}, data, weeks(data.day)
    )

    assert (alike, better) == ("prior", "forest")


def test_the_loss_is_briers_and_an_open_label_counts_what_it_excludes() -> None:
    # Hand: (.3 - 1)^2 = .49; half of (.5^2 + .2^2 + .2^2 + .1^2) = .17; a "no sea" of P(sea) .6:
    # .36.
    two = losses(np.array([[0.7, 0.3]]), np.array([[False, True]]))
    four = np.array([[0.5, 0.2, 0.2, 0.1], [0.6, 0.1, 0.1, 0.2]])
    exact, vague = losses(four, np.array([[True, False, False, False], [False, True, True, True]]))

    assert two[0] == pytest.approx(0.49)
    assert exact == pytest.approx(0.17)
    assert vague == pytest.approx(0.36)


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_corrects_overconfident_probabilities(method: str) -> None:
    # The true probability is expit(z), the forecast expit(3 z + 1).
    random = np.random.default_rng(4)
    z = random.normal(size=20_000)
    observed = random.uniform(size=len(z)) < expit(z)
    probability = np.stack([1 - expit(3 * z + 1), expit(3 * z + 1)], axis=1)
    half = np.arange(len(z)) < 10_000
    among = np.stack([~observed, observed], axis=1)

    corrected = (
        Calibrator(method).fit(probability[half], among[half]).transform(probability[~half])[:, 1]
    )

    assert np.mean(abs(corrected - expit(z[~half]))) < 0.02
    raw, right = (
        corp_reliability(p, observed[~half], 200) for p in (probability[~half, 1], corrected)
    )
    assert raw.within is False
    assert right.term < 0.1 * raw.term
    assert brier(corrected, observed[~half]) < brier(probability[~half, 1], observed[~half])


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_states_add_to_one(method: str) -> None:
    random = np.random.default_rng(5)
    raw = random.dirichlet([1, 1, 1, 1], 500)
    among = np.eye(4, dtype=bool)[[random.choice(4, p=p) for p in raw]]

    probability = Calibrator(method).fit(raw, among).transform(raw)

    assert probability.sum(axis=1) == pytest.approx(1)
    assert np.mean(abs(probability - raw)) < 0.08  # they were right to begin with


def test_few_cases_are_calibrated_by_a_line_many_by_steps() -> None:
    assert method_for(9_999, 5_000) == "sigmoid"
    assert method_for(10_000, 999) == "sigmoid"
    assert method_for(10_000, 1_000) == "isotonic"


def test_few_labels_allow_no_challenger() -> None:
    assert selection.candidates(labelled(299)) == ("prior",)
    assert "boosting" in selection.candidates(labelled(400))


def test_a_training_gives_probabilities_of_held_out_months() -> None:
    made = simulated.world(6, sites=2)

    trained = train(made.data, kinds=("prior", "logistic"))

    probability = trained.held_out
    assert np.isfinite(probability).all()
    assert probability.sum(axis=1) == pytest.approx(1)
    assert np.mean(abs(probability[:, 1] - made.truth)) < 0.05
    assert len(trained.validation.chosen) == selection.OUTER


def test_a_held_out_label_cannot_help_to_predict_it() -> None:
    # Outcomes of pure chance: whatever looks like skill on months left out is a leak.
    random = np.random.default_rng(8)
    data = labelled(600, observed=random.integers(0, 2, 600).astype(float))

    probability = train(data, kinds=("boosting",)).held_out[:, 1]
    known = np.isfinite(probability)

    # 0.25 is ignorance; 600 coin tosses scatter by .005
    assert brier(probability[known], data.observed[known]) > 0.24


def test_trust_and_rows_about_one_event_weigh_what_they_should() -> None:
    data = labelled(4)
    several = replace(
        data,
        day=np.array(["2026-01-01"] * 4, "M8[D]"),
        site=np.array(["a", "a", "a", "b"]),
        source=np.array(["observer", "observer", "observer", "analysis"]),
    )

    assert several.weight == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0.25])


def test_outcomes_of_a_cloud_sea_are_states_or_leave_them_open() -> None:
    data = replace(
        labelled(4, "sea_of_clouds"),
        degree=np.array([1.0, 0.0, np.nan, 0.5]),
        state=np.array(["", "", "overcast", "in_cloud"]),
    )

    assert data.among.tolist() == [
        [True, False, False, False],
        [False, True, True, True],
        [False, False, True, False],
        [False, True, False, False],
    ]
    assert data.observed.tolist() == [True, False, False, False]
    assert CLOUD_SEA_STATES[0] == "sea"


def test_the_fingerprint_depends_on_the_cases_and_not_on_their_order() -> None:
    data = labelled(20)
    turned = data.take(np.arange(20)[::-1])
    other = replace(data, degree=np.where(np.arange(20) == 3, 1 - data.degree, data.degree))

    assert turned.fingerprint() == data.fingerprint() != other.fingerprint()


def test_what_cannot_be_trained_on_is_refused_with_the_reason() -> None:
    data = labelled(4)
    with pytest.raises(ValueError, match="has no outcome"):
        replace(data, degree=np.full(4, np.nan))
    with pytest.raises(ValueError, match="one entry a case"):
        replace(data, day=data.day[:2])
    with pytest.raises(ValueError, match="no cases"):
        train(data.take(np.zeros(4, dtype=bool)))
    with pytest.raises(ModelMismatch, match="lack gust"):
        data.columns(["gust"])
