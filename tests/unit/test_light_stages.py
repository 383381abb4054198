"""Which stage of the light is named as the reason of a glow, and do the reasons add up?"""

from __future__ import annotations

import numpy as np
import pytest

from forecast.domain import Reason
from forecast.phenomena import PhenomenonFeatures
from forecast.phenomena.glow import derive
from forecast.phenomena.light_stages import HELD, effects_of, passed
from forecast.quantities import FEATURES
from forecast.science.interpolation import Scene
from models.learned import learned_rule
from models.prediction import _reasons
from models.rule_model import PhysicsRule
from products.wording import Words
from tests.horizons import Cover, around, both, canvas, clear, wall
from tests.unit.test_glow import CLEAR_WEST, SETTINGS, event, look, many_draws
from tests.unit.test_wording import BEIJING

__all__ = ["many_draws"]  # of every test here

USUAL = 0.25
KNOWN = {"forecast_period": 6.0, "climatological_frequency": USUAL}
LOW, FAR = wall(-1, 120_000, 2600), wall(240_000, 360_000, 11_500)


def case_of(part: PhenomenonFeatures, phenomenon: str) -> np.ndarray:
    columns = PhysicsRule(phenomenon).columns
    return np.array([[KNOWN.get(n, part.values.get(n, [np.nan])[0]) for n in columns]])


def reasons(cover: Cover, phenomenon: str = "sunset_glow", **air: float) -> list[Reason]:
    site = "zhaojiawa" if phenomenon == "sunrise" else "lingshan"
    return reasons_of(look(cover, phenomenon, site, **air), phenomenon)


def reasons_of(part: PhenomenonFeatures, phenomenon: str) -> list[Reason]:
    case = case_of(part, phenomenon)
    rule = PhysicsRule(phenomenon).ready()
    return list(_reasons(rule.columns, case[0], rule.influence(case)[0]))


def test_the_effect_of_a_stage_is_its_own_chance_in_place_of_the_climate_s() -> None:
    """By hand: of 100 draws 80 pass the first stage and 8 both; in the climate 40 and 10."""
    forecast, climate = (
        np.stack([np.arange(100) < first, np.arange(100) < both_])[:, None]
        for first, both_ in ((80, 8), (40, 10))
    )
    first, second = 40.25 / 100.5, 10.25 / 40.5
    own_first = (80 + HELD * first) / (100 + HELD)
    own_second = (8 + HELD * second) / (80 + HELD)
    steps = np.array([first * second, own_first * second, own_first * own_second])

    found = effects_of(forecast, climate)[:, 0]

    assert found == pytest.approx(np.diff(np.log(steps / (1 - steps))))


def test_a_stage_that_no_draw_comes_to_has_no_effect() -> None:
    none = np.zeros((2, 1, 100), dtype=bool)
    climate = np.stack([np.arange(100) < 50, np.arange(100) < 5])[:, None]

    first, second = effects_of(none, climate)[:, 0]

    assert first < -2
    assert second == pytest.approx(0, abs=1e-9)


def test_a_draw_that_passes_a_late_stage_has_passed_those_before() -> None:
    """Cleaner air than the climate's can lift a draw over the line that its canvas alone misses."""
    quality = np.array([0.1, 0.3, 0.2, 0.05])[:, None, None]

    assert passed(quality, 0.15)[:, 0, 0].tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("cover", "phenomenon", "limiting"),
    [
        (clear, "sunset_glow", "canvas_effect"),
        (both(CLEAR_WEST, FAR), "sunset_glow", "light_path_effect"),
        (both(CLEAR_WEST, LOW), "sunset_glow", "view_effect"),
        (wall(60_000, 200_000, 1900), "sunrise", "low_cloud_effect"),
        (canvas(1.0, 7000, 9000, 400e3), "sunrise", "upper_cloud_effect"),
    ],
)
def test_the_stage_that_ends_most_draws_is_the_first_reason_against(
    cover: Cover, phenomenon: str, limiting: str
) -> None:
    against = [
        reason
        for reason in reasons(cover, phenomenon)
        if reason.effect < 0 and reason.feature != "climatological_frequency"
    ]

    assert against[0].feature == limiting
    assert against[0].effect < -0.5
    for language in ("zh", "en"):
        assert Words(language, BEIJING).reason(against[0])


def test_haze_over_the_whole_path_is_the_reason_where_it_hides_the_sun_in_every_draw() -> None:
    found = reasons(clear, "sunrise", humidity=0.97)

    assert found[0].feature == "haze_effect"
    assert found[0].effect < -1.5


@pytest.mark.parametrize("cover", [CLEAR_WEST, both(CLEAR_WEST, LOW), clear])
@pytest.mark.parametrize("strength", [1.0, 1.4])
def test_the_reasons_of_a_glow_add_up_to_what_it_is_above_the_usual(
    cover: Cover, strength: float
) -> None:
    """Of the rule, and of one that has learnt another strength."""
    case = case_of(look(cover), "sunset_glow")
    model = learned_rule("sunset_glow").fit(np.empty((0, case.shape[1])), np.empty(0, dtype=int))
    model.logistic_.coef_[0, 1] = strength  # of all effects together, 1 in the rule
    moved = dict(zip(model.columns, model.influence(case)[0].tolist(), strict=True))
    probability = model.predict_proba(case)[0, 1]
    stages = ("canvas_effect", "haze_effect", "light_path_effect", "view_effect")

    odds = np.log(probability / (1 - probability)) - np.log(USUAL / (1 - USUAL))

    assert sum(moved[name] for name in stages) == pytest.approx(odds, abs=1e-6)
    assert moved["glow_probability"] == moved["climate_glow_probability"] == 0
    assert all(FEATURES[name].may_be_absent for name in stages)


def days_ahead(cover: Cover, phenomenon: str, days: int) -> PhenomenonFeatures:
    """Return the features of an event under an atmosphere whose run began so many days before."""
    chosen = event(phenomenon, "zhaojiawa" if phenomenon == "sunrise" else "lingshan")
    assert chosen.centre is not None
    air = around(chosen.site, chosen.centre, cover)
    times = air.time.values
    began = air.isel(time=[0, *range(len(times))]).assign_coords(
        time=[times[0] - np.timedelta64(days, "D"), *times]
    )
    return derive([chosen], Scene(began, [chosen.site]), SETTINGS)


@pytest.mark.parametrize(
    ("cover", "phenomenon", "side"),
    [(CLEAR_WEST, "sunset_glow", -1), (clear, "sunset_glow", 1), (clear, "sunrise", -1)],
)
def test_a_lead_that_moved_a_glow_is_among_its_reasons(
    cover: Cover, phenomenon: str, side: int
) -> None:
    """Five days ahead a good sky promises less than tonight, a bad one more; tonight neither."""

    def of_lead(part: PhenomenonFeatures) -> list[float]:
        return [r.effect for r in reasons_of(part, phenomenon) if r.feature == "forecast_period"]

    near, far = (days_ahead(cover, phenomenon, days) for days in (0, 5))

    (effect,) = of_lead(far)
    assert effect * side > 0.3
    assert of_lead(near) == []
    name = "disk_probability" if phenomenon == "sunrise" else "glow_probability"
    assert far.values[f"{name}_at_run"] == near.values[f"{name}_at_run"]
    assert near.values[name] == pytest.approx(near.values[f"{name}_at_run"], abs=0.03)


def test_without_the_chance_at_the_run_the_lead_is_no_reason_of_a_glow() -> None:
    part = days_ahead(CLEAR_WEST, "sunset_glow", 5)
    part.values["glow_probability_at_run"][:] = np.nan

    assert "forecast_period" not in {r.feature for r in reasons_of(part, "sunset_glow")}
