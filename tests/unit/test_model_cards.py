"""Do readers get what a model is worth by lead, and each score under its own name?"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from forecast.domain import PHENOMENA
from forecast.learning.model_cards import model_cards, worth_of
from forecast.learning.model_folder import scores_line
from forecast.learning.train import describe_comparison
from forecast.model_description import WORTH_KINDS
from models.lead import SCALES
from models.model_card import Card, card_of
from models.prediction import Models, open_models
from models.promotion import decide
from models.rule_model import PhysicsRule
from models.selection import losses, months
from models.training import train
from models.training_set import TrainingSet
from tests.science import simulated

MADE = datetime(2026, 11, 30, tzinfo=UTC)


def test_half_of_the_weather_is_left_where_the_scale_says() -> None:
    """exp(-(d / days)^shape) = 1/2 at d = days (ln 2)^(1 / shape)."""
    for phenomenon in PHENOMENA:
        worth, scale = worth_of(phenomenon), SCALES[phenomenon]
        assert worth is not None
        assert worth.half == pytest.approx(scale.days * math.log(2) ** (1 / scale.shape), abs=0.11)
        assert worth.kind in WORTH_KINDS
        assert (worth.kind == "measured") == scale.measured
        assert worth.source == scale.source
    assert worth_of("an unknown phenomenon") is None


def test_the_shipped_classifier_shows_what_it_is_worth_at_each_lead() -> None:
    opened = open_models(None)
    card = next(one for one in model_cards(opened) if one.phenomenon == "starry_sky")

    assert [one.day for one in card.by_lead] == sorted({one.day for one in card.by_lead})
    assert {0, 3, 7} <= {one.day for one in card.by_lead}
    tonight = card.by_lead[0]
    assert tonight.right > tonight.usual_right
    assert tonight.skill.low <= tonight.skill.value <= tonight.skill.high
    assert tonight.cases > 800
    assert card.worth == worth_of("starry_sky")


def mornings(states: bool) -> TrainingSet:
    """Return a year of mornings of a sea of clouds whose features say nothing."""
    made = simulated.world(3, sites=1).data.take(np.arange(400))
    observed = made.observed
    state = np.where(observed, "sea", np.where(np.arange(400) % 2, "open", "overcast"))
    names = PhysicsRule("sea_of_clouds").columns
    known = {
        "forecast_period": 12.0,
        "climatological_frequency": 0.3,
        "cloud_at_site": 0.1,
        "cloud_above_site": 0.2,
        "humidity_at_site": 0.6,
        "gap_to_deck": 300.0,
    }
    return TrainingSet(
        "sea_of_clouds",
        names,
        np.tile([known.get(name, np.nan) for name in names], (400, 1)),
        observed.astype(float),
        made.day,
        made.site,
        made.source,
        made.lead,
        state=state if states else None,
    )


@pytest.fixture(scope="module")
def sea_card() -> Card:
    data = mornings(states=True)
    return card_of(train(data, months(data.day), kinds=("prior",)), MADE, "", 0)


def test_a_sea_of_clouds_has_a_brier_score_of_the_sea_and_a_four_state_score(
    sea_card: Card,
) -> None:
    scores, share = sea_card.scores, mornings(states=True).observed.mean()

    assert scores["brier_of_base"] == pytest.approx(share * (1 - share), abs=1e-3)
    # what says nothing of the mornings is hardly better than how often a sea comes
    assert scores["brier"] == pytest.approx(scores["brier_of_base"], abs=0.03)
    assert scores["four_states"] != pytest.approx(scores["brier"], abs=1e-4)
    assert "four states" in scores_line(scores)
    assert "four states" not in scores_line({**scores, "cases": 0})


def test_a_card_of_before_the_two_names_shows_its_sum_as_four_states(sea_card: Card) -> None:
    without = {k: v for k, v in sea_card.scores.items() if not k.startswith("four_states")}
    opened = open_models(Path("nowhere"))
    served = opened.served["starry_sky"]

    def shown(card: Card) -> object:
        models: Models = replace(opened, served={"sea_of_clouds": replace(served, card=card)})
        return model_cards(models)[0].whole

    old, new = shown(replace(sea_card, scores=without, folds=())), shown(sea_card)

    assert math.isnan(old.brier)  # type: ignore[attr-defined]
    assert old.states == without["brier"]  # type: ignore[attr-defined]
    assert old.brier_of_base is None  # type: ignore[attr-defined]
    assert new.brier == sea_card.scores["brier"]  # type: ignore[attr-defined]
    assert new.states == sea_card.scores["four_states"]  # type: ignore[attr-defined]


def test_a_comparison_names_the_score_it_was_made_in() -> None:
    random = np.random.default_rng(1)
    among = np.eye(2, dtype=bool)[random.integers(0, 2, 200)]
    good, bad = (losses(np.clip(among * p + 0.5 * (1 - p), 0, 1), among) for p in (0.8, 0.2))
    decision = decide(bad, good, np.ones(200), np.arange(200) // 7)

    assert describe_comparison(decision, "starry_sky").startswith("Brier score")
    assert describe_comparison(decision, "sea_of_clouds").startswith("four-state score")
