"""Does a rule give the probabilities of its table, and a forecast its reasons?"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
import xarray as xr

from forecast.config import Config
from forecast.domain import CLOUD_SEA_STATES, PHENOMENA, Cycle, Event, Features, Window
from forecast.quantities import FEATURES
from models.lead import SCALES, later_range, part_of_weather
from models.prediction import Models, grade_of, open_models, predict
from models.rule_model import LEAD, USUAL, PhysicsRule, rules_of

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
GRADES = (0.1, 0.3, 0.5, 0.7)
DARKNESS = "zenith_sky_brightness"


def cases_of(model: PhysicsRule, **values: float) -> np.ndarray:
    return np.array([[values.get(name, np.nan) for name in model.columns]])


def rules() -> Models:
    """Return the rules alone, whatever model is shipped."""
    return Models(
        {phenomenon: PhysicsRule(phenomenon).ready() for phenomenon in PHENOMENA},
        dict.fromkeys(PHENOMENA, "rule"),
    )


def row(config: Config, phenomenon: str, **values: float) -> Features:
    event = Event(
        phenomenon,
        config.all_sites()[0],
        date(2026, 11, 22),
        Window(RUN + timedelta(hours=9), RUN + timedelta(hours=20)),
    )
    table = xr.Dataset({name: ("event", np.array([values.get(name, np.nan)])) for name in FEATURES})
    times = {
        name: ("event", np.array([np.datetime64(values.get(name, "NaT"), "ns")]))
        for name in ("best_start", "best_end")
    }
    return Features((event,), table.assign(times), ((),))


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_every_rule_reads_only_its_own_features_along_rising_lines(phenomenon: str) -> None:
    for rule in rules_of(phenomenon).values():
        assert math.isfinite(rule.base)
        assert rule.needs
        for effect in rule.effects:
            values = [value for value, _ in effect.line]
            assert phenomenon in FEATURES[effect.feature].phenomena, effect.feature
            assert values == sorted(set(values)), effect.feature
            assert effect.source, effect.feature
            assert any(moved for _, moved in effect.line), f"{effect.feature} moves nothing"


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_probabilities_add_to_one_and_a_missing_need_gives_nan(phenomenon: str) -> None:
    model = PhysicsRule(phenomenon).ready()
    known = np.array([[(FEATURES[name].low + FEATURES[name].high) / 2 for name in model.columns]])

    assert model.predict_proba(known).sum() == pytest.approx(1)
    assert np.isnan(model.predict_proba(np.full_like(known, np.nan))).all()


def test_an_unknown_feature_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    model = PhysicsRule("starry_sky").ready()
    needs = {name for rule in rules_of("starry_sky").values() for name in rule.needs}
    some = {name: FEATURES[name].low for name in needs} | {LEAD: 36.0}

    influence = model.influence(cases_of(model, **some))[0]

    for name, moved in zip(model.columns, influence, strict=True):
        assert moved == 0 or name in some, name


def test_the_influence_of_a_binary_rule_is_read_off_its_line() -> None:
    model = PhysicsRule("starry_sky").ready()
    (rule,) = rules_of("starry_sky").values()
    values = {name: (FEATURES[name].low + FEATURES[name].high) / 2 for name in model.columns}
    values |= {LEAD: 36.0, USUAL: 0.3}

    probability = model.predict_proba(cases_of(model, **values))[0, 1]
    influence = dict(zip(model.columns, model.influence(cases_of(model, **values))[0], strict=True))

    # By its definition: (1 - s) usual + s (base + offset), and the effects of the features.
    s = SCALES["starry_sky"].at(np.array(36.0))
    start = (1 - s) * math.log(0.3 / 0.7) + s * (rule.base + SCALES["starry_sky"].offset)
    moved = sum(effect for name, effect in influence.items() if name not in (LEAD, USUAL))
    assert math.log(probability / (1 - probability)) == pytest.approx(start + moved, abs=1e-6)
    # Against the rule's base as the usual frequency.
    assert influence[USUAL] == pytest.approx((1 - s) * (math.log(0.3 / 0.7) - rule.base))


def test_the_influence_in_a_rule_of_states_is_against_no_effect_of_the_feature() -> None:
    model = PhysicsRule("sea_of_clouds").ready()
    values = {name: (FEATURES[name].low + FEATURES[name].high) / 2 for name in model.columns}
    needs = {name for rule in rules_of("sea_of_clouds").values() for name in rule.needs}
    probe = next(name for name in model.columns if name not in {*needs, LEAD, USUAL})

    def log_odds(given: dict[str, float]) -> float:
        p = model.predict_proba(cases_of(model, **given))[0, 0]
        return math.log(p / (1 - p))

    influence = dict(zip(model.columns, model.influence(cases_of(model, **values))[0], strict=True))
    without = {name: value for name, value in values.items() if name != probe}
    assert influence[probe] == pytest.approx(log_odds(values) - log_odds(without), abs=1e-6)
    at_the_run = log_odds(values | {LEAD: 0.0})
    assert influence[LEAD] == pytest.approx(log_odds(values) - at_the_run, abs=1e-6)


def test_a_rule_refuses_other_columns_than_its_own() -> None:
    with pytest.raises(ValueError, match="columns"):
        PhysicsRule("rime").fit(np.zeros((3, 1)))


@pytest.mark.parametrize(
    ("probability", "grade"),
    [
        (0.0, 1),
        (0.0999, 1),
        (0.1, 2),
        (0.3, 3),
        (0.4999, 3),
        (0.5, 4),
        (0.7, 5),
        (1.0, 5),
        (math.nan, 0),
    ],
)
def test_grades_begin_at_the_settings(probability: float, grade: int) -> None:
    assert grade_of(probability, GRADES) == grade


def test_a_forecast_that_cannot_be_made_is_not_guessed(config: Config) -> None:
    (forecast,) = predict(
        row(config, "starry_sky"), Cycle(RUN), RUN, open_models(), GRADES, {}
    ).forecasts

    assert not forecast.known
    assert (forecast.grade, forecast.best, forecast.spread, forecast.reasons) == (0, None, None, ())
    assert any(i.startswith("feature:") for i in forecast.missing)


def test_spread_counts_the_cycles_that_knew(config: Config) -> None:
    needs = {name for rule in rules_of("starry_sky").values() for name in rule.needs}
    features = row(config, "starry_sky", **dict.fromkeys(needs, 0.0) | {DARKNESS: 21.5})
    key = features.events[0].key

    (forecast,) = predict(
        features, Cycle(RUN), RUN, rules(), GRADES, {key: (0.001, math.nan, 0.99)}
    ).forecasts

    assert forecast.spread is not None
    assert (forecast.spread.low, forecast.spread.cycles) == (0.001, 3)
    # the window begins 9 h after the run: nearly sure, yet later runs may be surer still
    later = later_range(forecast.probability, "starry_sky", 9.0)
    assert forecast.spread.high == pytest.approx(max(0.99, later[1]))


def test_without_an_earlier_run_the_spread_is_the_range_of_later_forecasts(config: Config) -> None:
    needs = {name for rule in rules_of("starry_sky").values() for name in rule.needs}
    features = row(config, "starry_sky", **dict.fromkeys(needs, 0.4) | {DARKNESS: 21.5})

    (forecast,) = predict(features, Cycle(RUN), RUN, rules(), GRADES, {}).forecasts

    assert forecast.spread is not None
    low, high = later_range(forecast.probability, "starry_sky", 9.0)
    assert low < forecast.probability < high
    assert (forecast.spread.low, forecast.spread.high) == (low, high)


def test_the_spread_of_the_deck_is_that_of_the_cycles_that_had_one(config: Config) -> None:
    needs = {name for rule in rules_of("sea_of_clouds").values() for name in rule.needs}
    features = row(
        config, "sea_of_clouds", **dict.fromkeys(needs, 0.5), deck_top=900.0, deck_base=300.0
    )
    before = {features.events[0].key: {"deck_top": (1100.0, 850.0)}}

    (forecast,) = predict(features, Cycle(RUN), RUN, open_models(), GRADES, {}, before).forecasts

    assert forecast.spreads.keys() == {"deck_top"}
    spread = forecast.spreads["deck_top"]
    assert (spread.low, spread.high, spread.cycles) == (850.0, 1100.0, 3)


def test_the_states_of_a_morning_are_named(config: Config) -> None:
    model = PhysicsRule("sea_of_clouds")
    values = {name: (FEATURES[name].low + FEATURES[name].high) / 2 for name in model.columns}

    (forecast,) = predict(
        row(config, "sea_of_clouds", **values), Cycle(RUN), RUN, open_models(), GRADES, {}
    ).forecasts

    assert tuple(forecast.states) == CLOUD_SEA_STATES
    assert sum(forecast.states.values()) == pytest.approx(1)
    assert forecast.probability == forecast.states["sea"]


def test_a_forecast_has_its_lead_its_usual_frequency_and_how_sure_it_is(config: Config) -> None:
    needs = {name for rule in rules_of("starry_sky").values() for name in rule.needs}
    features = row(config, "starry_sky", **dict.fromkeys(needs, 0.0) | {DARKNESS: 21.5})
    far = Cycle(RUN - timedelta(days=9))

    (near,) = predict(features, Cycle(RUN), RUN, rules(), GRADES, {}).forecasts
    run = predict(features, far, far.run, rules(), GRADES, {})

    assert run.features.table[LEAD].values.tolist() == [9 + 9 * 24]
    assert near.usual == run.forecasts[0].usual == run.features.table[USUAL].values[0]
    assert 0.6 < near.usual < 0.8  # models/shipped/climatology.csv, November
    assert near.probability > run.forecasts[0].probability > near.usual
    assert (near.confidence, run.forecasts[0].confidence) == (3, 1)


@pytest.mark.parametrize("chance", [0.2, math.nan])
def test_a_starry_night_without_a_rain_probability_names_it(config: Config, chance: float) -> None:
    weather = {"night_sky_cover": 0.1, DARKNESS: 21.5, "night_rain_probability": chance}
    features = row(config, "starry_sky", **weather)

    (night,) = predict(features, Cycle(RUN), RUN, open_models(), GRADES, {}).forecasts

    assert night.known
    assert ("feature:night_rain_probability" in night.missing) is math.isnan(chance)


def test_what_the_almanac_decides_is_sure_a_week_ahead_whatever_the_weather(config: Config) -> None:
    """No night, a full moon all night; a bright moon takes some of the doubt, a dark sky none."""

    def confidence(brightness: float, dark_hours: float, cover: float) -> int:
        values = {DARKNESS: brightness, "dark_hours": dark_hours, "sky_cover": cover}
        features = row(config, "starry_sky", **values)
        cycle = Cycle(RUN - timedelta(days=8))
        (forecast,) = predict(features, cycle, RUN, rules(), GRADES, {}).forecasts
        return forecast.confidence

    for cover in (0.0, 1.0):
        assert confidence(18.0, 6.0, cover) == 3
        assert confidence(17.5, 0.0, cover) == 3
        assert confidence(20.0, 6.0, cover) == 2
        assert confidence(21.5, 8.0, cover) == 1


def test_the_part_that_hangs_on_weather_is_what_good_and_bad_weather_tell_apart() -> None:
    """By hand, with -4 of log-odds known: odds of 19 and 1/19 become .348 and .00096."""
    best, worst = 0.34800 / 1.34800, 0.000964 / 1.000964

    assert part_of_weather(0.0) == pytest.approx(1.0)
    assert part_of_weather(-4.0) == pytest.approx((best - worst) / 0.9, abs=1e-4)
    assert part_of_weather(-9.0) < 0.01


def test_the_chance_of_much_snow_fades_with_lead_as_that_of_snow_does(config: Config) -> None:
    """By hand: two thirds of the days with snow have 5 cm, whatever the probability of snow."""
    snow = {"new_snow": 0.06, "chance_of_1_cm": 0.9, "chance_of_5_cm": 0.6, "chance_of_10_cm": 0.0}
    features = row(config, "snowfall", **snow)

    for days in (0, 3, 9):
        cycle = Cycle(RUN - timedelta(days=days))
        (forecast,) = predict(features, cycle, RUN, rules(), GRADES, {}).forecasts
        assert forecast.quantities["chance_of_5_cm"] == pytest.approx(forecast.probability * 2 / 3)
        assert forecast.quantities["chance_of_10_cm"] == 0


def test_a_sunrise_that_haze_hides_in_every_draw_is_not_as_likely_as_usual() -> None:
    """Odds of .39 are .64; .004 against the least that counts, .1: .64 * (1/249) / (1/9) = .023."""
    rule = PhysicsRule("sunrise").ready()
    case = {
        "forecast_period": 20.0,
        "climatological_frequency": 0.39,
        "disk_probability": 0.004,
        "climate_disk_probability": 0.004,
    }

    values = [case.get(name, np.nan) for name in rule.columns]
    probability = rule.predict_proba(np.array([values]))[0, 1]

    assert probability == pytest.approx(0.0226, abs=0.004)  # lines between hundredths of log-odds
