"""Does a retrained starry-sky classifier start from the shipped one, and move with its labels?"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from forecast.quantities import features_of
from models import learned_night, registry, selection
from models.learned_night import KIND, LearnedNight, adjustable, shipped_night
from models.model_file import pack, unpack
from models.night_sky_model import NightSkyModel
from models.promotion import consider
from models.rule_model import LEAD
from models.training import train
from models.training_set import TrainingSet
from tests.unit.test_night_sky_model import CLEAR, LACKING, OVERCAST

NAMES = tuple(features_of("starry_sky"))
MADE = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(scope="module")
def base() -> NightSkyModel:
    found = shipped_night()
    assert found is not None
    return found


def nights(count: int, seed: int = 5) -> np.ndarray:
    """Return cases between a clear and an overcast night, at leads up to a week (case, feature)."""
    random = np.random.default_rng(seed)
    part = random.uniform(size=count)[:, None]
    clear, dull = (np.array([[sky.get(n, math.nan) for n in NAMES]]) for sky in (CLEAR, OVERCAST))
    cases = clear + part * (dull - clear)
    cases[:, NAMES.index(LEAD)] = random.choice([10.0, 34.0, 82.0, 178.0], count)
    cases[:, NAMES.index("zenith_sky_brightness")] = random.choice([18.5, 20.0, 21.6], count)
    return np.asarray(cases)


def training_set(cases: np.ndarray, truth: np.ndarray, seed: int = 1) -> TrainingSet:
    count = len(cases)
    seen = np.random.default_rng(seed).uniform(size=count) < truth
    return TrainingSet(
        "starry_sky", NAMES, cases, seen.astype(float),
        np.datetime64("2026-01-01") + np.arange(count).astype("timedelta64[D]"),
        np.full(count, "lingshan"), np.full(count, "observer"),
        cases[:, NAMES.index(LEAD)],
    )  # fmt: skip


def columns(model: LearnedNight | NightSkyModel, cases: np.ndarray) -> np.ndarray:
    return cases[:, [NAMES.index(name) for name in model.columns]]


def odds(p: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(p / (1 - p)))


def truth_of(base: NightSkyModel, cases: np.ndarray, scale: float, level: float) -> np.ndarray:
    """Return probabilities whose departure from what is known ahead is `scale` of the base's."""
    far = cases.copy()
    far[:, NAMES.index(LEAD)] = 1e6
    whole, start = (odds(base.predict_proba(columns(base, x))[:, 1]) for x in (cases, far))
    return 1 / (1 + np.exp(-(start + level + scale * (whole - start))))


def test_without_labels_it_is_the_shipped_classifier_and_its_reasons_too(
    base: NightSkyModel,
) -> None:
    cases = columns(base, np.concatenate([nights(20), nights(20)]))
    for name in LACKING:
        cases[:10, base.columns.index(name)] = np.nan
    cases[3, base.columns.index("night_sky_cover")] = np.nan
    cases[4, base.columns.index(LEAD)] = np.nan

    made = LearnedNight(base).fit(np.empty((0, cases.shape[1])), np.empty(0, dtype=int))

    assert made.predict_proba(cases) == pytest.approx(base.predict_proba(cases), abs=1e-9,
                                                      nan_ok=True)  # fmt: skip
    known = np.flatnonzero(~base.silent(cases))
    assert len(known) == 38
    assert made.influence(cases)[known] == pytest.approx(base.influence(cases)[known], abs=1e-6)


def test_its_scale_moves_from_the_shipped_to_the_true_one_with_the_labels(
    base: NightSkyModel,
) -> None:
    """The truth has a third of the shipped departure; 1 is the shipped scale."""
    clear, dull = (
        np.array([[(sky | {LEAD: 34.0}).get(n, math.nan) for n in NAMES]])
        for sky in (CLEAR, OVERCAST)
    )
    scales = []
    for count in (40, 200, 2000):
        data = training_set(cases := nights(count), truth_of(base, cases, 1 / 3, 0.0))
        made = selection.fit_kind(KIND, data)
        moved, shipped = (
            float(
                np.diff([odds(m.predict_proba(columns(m, x))[:, 1])[0] for x in (dull, clear)])[0]
            )
            for m in (made, base)
        )
        scales.append(moved / shipped)

    assert 1 > scales[0] > scales[1] > scales[2]
    assert scales[0] > 0.5
    assert scales[2] == pytest.approx(1 / 3, abs=0.1)


def test_the_moon_and_the_length_of_the_night_are_not_learnt_away(base: NightSkyModel) -> None:
    cases = nights(300)
    made = selection.fit_kind(KIND, training_set(cases, truth_of(base, cases, 0.0, 0.0)))
    full, change = columns(made, nights(5)), []
    for model in (made, base):
        moved = []
        for brightness in (21.6, 18.5):
            full[:, made.columns.index("zenith_sky_brightness")] = brightness
            moved.append(odds(model.predict_proba(full)[:, 1]))
        change.append(moved[0] - moved[1])

    assert change[0] == pytest.approx(change[1], abs=1e-6)
    assert (change[1] > 5).all()


def test_it_takes_the_place_of_the_adjusted_rule_where_rows_have_the_features(
    base: NightSkyModel,
) -> None:
    data = training_set(cases := nights(60), truth_of(base, cases, 1.0, 0.0))
    old = training_set(cases := nights(60), truth_of(base, cases, 1.0, 0.0))
    old.features[:, NAMES.index("night_sky_cover")] = np.nan  # archived before it was a feature

    assert adjustable(data)
    assert selection.candidates(data) == (KIND,)
    assert selection.candidates(old) == ("prior",)


def test_without_a_shipped_classifier_the_rule_is_adjusted(
    base: NightSkyModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = training_set(cases := nights(60), truth_of(base, cases, 1.0, 0.0))
    monkeypatch.setattr(learned_night, "shipped_night", lambda: None)

    assert selection.candidates(data) == ("prior",)


def test_it_is_kept_promoted_and_served_and_survives_its_file(
    base: NightSkyModel, tmp_path: Path
) -> None:
    """A place where the shipped classifier is far too sure and sees too few clear nights."""
    cases = nights(280)
    data = training_set(cases, truth_of(base, cases, 0.2, 1.0))
    served = registry.in_force(tmp_path)["starry_sky"]

    trained = train(data)
    decision = consider(trained, served, own=False)
    card = registry.keep(tmp_path, trained, MADE)
    registry.promote(tmp_path, "starry_sky", card.id)

    assert trained.kind == card.kind == KIND
    assert decision.promote
    assert decision.champion == served.name
    again = registry.in_force(tmp_path)["starry_sky"]
    assert again.refused == ()
    assert again.name == f"{KIND}-{card.id}"
    given = columns(base, cases)
    sites = ["lingshan"] * len(cases)
    assert again.model.predict_proba(given, sites) == pytest.approx(
        trained.model.predict_proba(given, sites)
    )
    assert isinstance(unpack(pack(again.model)), LearnedNight)


def test_a_place_like_that_of_the_training_promotes_nothing(base: NightSkyModel) -> None:
    cases = nights(280)
    data = training_set(cases, truth_of(base, cases, 1.0, 0.0))
    served = registry.in_force(Path("no folder of models"))["starry_sky"]

    decision = consider(train(data), served, own=False)

    assert not decision.promote
    assert abs(decision.gain) < 0.01
