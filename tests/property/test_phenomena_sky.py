"""Laws of sky, stars and cloud sea for all inputs: bounds, order, no number out of nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from forecast.config import read_config
from forecast.phenomena import cloud_deck, cloud_sea, stars, weather
from forecast.quantities import FEATURES
from forecast.science import night_sky, thermodynamics
from forecast.science.interpolation import Scene
from models.rule_model import PhysicsRule
from tests.skies import SITES, atmosphere, dawn, night, steps

SHARE = st.floats(0, 1)
SETTINGS = read_config().phenomena
RUN = steps("2026-11-08T00:00", 36)
LINGSHAN = SITES["lingshan"]


@given(arrays(float, array_shapes(max_dims=2, max_side=8), elements=SHARE))
def test_overlap_lies_between_the_thickest_layer_and_random_overlap(cover: np.ndarray) -> None:
    total = thermodynamics.maximum_random_overlap(cover)

    assert (total >= cover.max(axis=-1) - 1e-9).all()
    assert (total <= 1 - np.prod(1 - cover, axis=-1) + 1e-9).all()


@given(st.floats(-90, 90), st.floats(-90, 90), SHARE, st.floats(0.05, 0.6))
def test_more_of_the_moon_is_never_darker(
    altitude: float, other: float, lit: float, extinction: float
) -> None:
    light = night_sky.moonlight(
        np.array(altitude), np.array([lit, min(1.0, lit + 0.05)]), extinction
    )

    assert (light >= 0).all()
    assert light[1] >= light[0]


@given(st.floats(10, 23), st.floats(0.01, 5))
def test_a_darker_sky_shows_fainter_stars(brightness: float, darker: float) -> None:
    fainter, brighter = night_sky.limiting_magnitude(np.array([brightness + darker, brightness]))

    assert fainter > brighter


@settings(deadline=None)  # MetPy is loaded on first use
@given(st.floats(200, 320), st.floats(0, 60))
def test_wind_never_warms(temperature: float, wind: float) -> None:
    assert thermodynamics.wind_chill(np.array([temperature]), np.array([wind]))[0] <= temperature


@given(arrays(float, (3, 20), elements=SHARE | st.just(float("nan"))))
def test_a_deck_has_its_base_below_its_top(cloud: np.ndarray) -> None:
    heights = np.arange(0.0, 2000.0, 100.0)

    base, top = cloud_deck.deck(cloud, heights)

    has_one = (cloud >= cloud_sea.DECK_COVER).any(axis=-1)
    assert (np.isfinite(base) == has_one).all()
    assert (base[has_one] <= top[has_one]).all()
    assert (top[has_one] <= heights[-1]).all()


@given(
    arrays(float, (4, 15), elements=st.floats(0, 500) | st.just(float("nan"))), st.integers(1, 6)
)
def test_a_best_window_is_unbroken_known_and_long_enough(score: np.ndarray, count: int) -> None:
    chosen, found = stars.best_run(score, count)

    for moments, values, has_one in zip(chosen, score, found, strict=True):
        places = np.flatnonzero(moments)
        assert has_one == (len(places) > 0)
        if has_one:
            assert len(places) >= count
            assert (np.diff(places) == 1).all()
            assert np.isfinite(values[places]).all()


@given(arrays(bool, (3, 12)))
def test_the_longest_stretch_is_the_longest(good: np.ndarray) -> None:
    chosen = weather.longest_stretch(good)

    for moments, wanted in zip(chosen, good, strict=True):
        runs = "".join("x" if g else " " for g in wanted).split()
        assert moments.sum() == max(map(len, runs), default=0)
        assert wanted[moments].all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_whatever_the_air_features_keep_their_limits_and_states_add_to_one(
    seed: int, clouds_known: bool
) -> None:
    # given columns of any humidity, cloud and gaps
    rng = np.random.default_rng(seed)

    def some(height: np.ndarray, low: float = 0.0, gaps: float = 0.1) -> np.ndarray:
        return np.where(
            rng.random(height.shape) < gaps,
            np.nan,
            low + (1 - low) * rng.random(height.shape) ** rng.integers(1, 4),
        )

    made = atmosphere(
        RUN,
        humidity=lambda h: some(h, 0.05),
        cloud=some if clouds_known else None,
        ground=rng.uniform(0, 2500),
    )
    events = (
        dawn(LINGSHAN, "2026-11-08T22:48"),
        night(LINGSHAN, "2026-11-08T10:34", "2026-11-08T21:20"),
    )
    scene = Scene(made, (LINGSHAN,))

    # when they are turned into features and odds
    common = weather.derive(events, scene, SETTINGS).values
    for number, (event, module) in enumerate(zip(events, (cloud_sea, stars), strict=True)):
        values = {name: column[number] for name, column in common.items()}
        values |= {
            name: column[0]
            for name, column in module.derive((event,), scene, SETTINGS).values.items()
        }

        # then nothing is outside its limits, and the chances add up or are not given
        for name in values.keys() - {"best_start", "best_end"}:
            value = values[name]
            assert (
                np.isnan(value) or FEATURES[name].low - 1e-6 <= value <= FEATURES[name].high + 1e-6
            ), name
        values |= {"forecast_period": 12.0, "climatological_frequency": 0.3}
        rule = PhysicsRule(event.phenomenon).ready()
        chances = rule.predict_proba(np.array([[values.get(n, np.nan) for n in rule.columns]]))[0]
        assert np.isnan(chances).all() or abs(chances.sum() - 1) < 1e-9
