"""Does a week's training learn the level of a site's sea of clouds once, for all four states?

Half a year of mornings at a place where a sea is eight times as likely as the shipped table says,
in odds. Rule and scale by lead are the true ones.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.domain import CLOUD_SEA_STATES, Outcome
from forecast.learning.train import learn
from models import registry
from models.climatology import Climatology, read_climatology
from models.learned import LearnedRule
from models.rule_model import LEAD, USUAL, PhysicsRule
from tests.past_issues import HOUR, issued_on, keep_issue, window_start

SITE, PHENOMENON, START, DAYS = "jiangshuihe", "sea_of_clouds", date(2025, 11, 1), 210
TIMES = 8.0  # the true odds of a sea, of the shipped ones
AHEAD = (1, 4)  # days ahead, in turn
RULE = PhysicsRule(PHENOMENON).ready()


def shipped(config: Config, day: date) -> float:
    site = next(each for each in config.all_sites() if each.id == SITE)
    return Climatology().frequency_at(PHENOMENON, site, day)


def morning(random: np.random.Generator, day: date, ahead: int) -> dict[str, float]:
    """Return the weather of a forecast, and its lead."""
    run = issued_on(day - timedelta(days=ahead)) - 5 * HOUR
    return {
        "gap_to_deck": random.uniform(-500, 1500),
        "valley_area_filled": random.uniform(),
        "cloud_above_site": random.uniform(),
        "cloud_at_site": random.choice([0.0, 0.0, 0.4]),
        LEAD: (window_start(day) - run.replace(hour=run.hour // 6 * 6, minute=0)) / HOUR,
    }


def states(model: PhysicsRule | LearnedRule, values: Mapping[str, float]) -> np.ndarray:
    case = np.array([[values.get(name, math.nan) for name in model.columns]])
    return np.asarray(model.predict_proba(case, [SITE])[0])


def truth(config: Config, values: Mapping[str, float], day: date) -> np.ndarray:
    usual = shipped(config, day)
    often = TIMES * usual / (1 - usual)
    return states(RULE, {**values, USUAL: often / (1 + often)})


@pytest.fixture(scope="module")
def learnt(
    tmp_path_factory: pytest.TempPathFactory, config: Config
) -> tuple[LearnedRule, Climatology]:
    """What was trained, and the renewed usual frequencies."""
    folder, random, outcomes = tmp_path_factory.mktemp("sea"), np.random.default_rng(4), []
    archive = Archive(f"sqlite:///{folder / 'archive.db'}")
    settings = config.model_copy(
        update={"learning": config.learning.model_copy(update={"folder": folder / "models"})}
    )
    for number in range(DAYS):
        day, ahead = START + timedelta(days=number), AHEAD[number % 2]
        values = morning(random, day, ahead)
        row = {"site": SITE, "phenomenon": PHENOMENON, "day": day, "probability": 0.5}
        kept = {**values, USUAL: shipped(config, day)}
        issued = issued_on(day - timedelta(days=ahead))
        keep_issue(archive, issued, [{**row, "values": kept}], name=f"issue-{number}")
        state = str(random.choice(CLOUD_SEA_STATES, p=truth(config, values, day)))
        sea = float(state == CLOUD_SEA_STATES[0])
        outcomes.append(Outcome(PHENOMENON, SITE, day, sea, "analysis", state))
    now = issued_on(START + timedelta(days=DAYS + 2))
    Outcomes(archive).keep(outcomes, now)
    [result] = learn(settings, archive, now, (PHENOMENON,))
    model = registry.load(folder / "models", PHENOMENON, result.model).model
    assert isinstance(model, LearnedRule)
    return model, read_climatology(folder / "models")


def forecasts(
    config: Config, learnt: tuple[LearnedRule, Climatology], days_ahead: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return answers and truth (day, state) of the winter after, and usual frequencies (day)."""
    model, usual = learnt
    site = next(each for each in config.all_sites() if each.id == SITE)
    random, found = np.random.default_rng(5), []
    for number in range(DAYS):
        day = date(2026, 11, 1) + timedelta(days=number)
        values = morning(random, day, AHEAD[0]) | {LEAD: 24 * days_ahead}
        often = usual.frequency_at(PHENOMENON, site, day)
        found.append((states(model, {**values, USUAL: often}), truth(config, values, day), often))
    answer, true, often = (np.array(part) for part in zip(*found, strict=True))
    return answer, true, often


@pytest.mark.parametrize("days_ahead", AHEAD)
def test_near_forecasts_of_all_states_are_right_on_average(
    learnt: tuple[LearnedRule, Climatology], config: Config, days_ahead: int
) -> None:
    answer, true, _ = forecasts(config, learnt, days_ahead)

    assert answer.mean(axis=0) == pytest.approx(true.mean(axis=0), abs=0.06)
    assert true.mean(axis=0)[0] > 0.3


def test_far_ahead_a_sea_is_as_usual_there_and_the_other_states_share_the_rest_as_ever(
    learnt: tuple[LearnedRule, Climatology], config: Config
) -> None:
    answer, _, usual = forecasts(config, learnt, 60)
    bases = np.exp(RULE.bases()[1:])

    assert answer[:, 0] == pytest.approx(usual, abs=1e-6)
    assert answer[:, 1:] == pytest.approx((1 - usual)[:, None] * bases / bases.sum(), abs=1e-6)
