"""Does a forecast lose its worth with lead as measured, and never more than the usual frequency?

The figures of the scales: `make science`, lead.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import beta

from forecast.domain import CLOUD_SEA_STATES, PHENOMENA
from forecast.quantities import FEATURES
from models.lead import RESOLVED, SCALES, LeadScale, confidence_of, later_range, settled
from models.rule_model import LEAD, LEAST_USUAL, MOST_USUAL, USUAL, PhysicsRule, rules_of

FAR = 400.0  # [h]


def features_of_a_day(model: PhysicsRule, share: float, **values: float) -> np.ndarray:
    """Return features at a part of their range, with those of `values`."""
    low, high = (np.array([getattr(FEATURES[n], end) for n in model.columns]) for end in
                 ("low", "high"))  # fmt: skip
    day = low + share * (high - low)
    for name, value in values.items():
        day[model.columns.index(name)] = value
    return day[None, :]


def test_the_scale_is_that_of_its_page() -> None:
    """By hand: .75 exp(-(1 / 5.7)^1.37) = .75 x exp(-.09214) = .68398 a day ahead."""
    stars = SCALES["starry_sky"]

    assert stars.at(np.array([0.0, 24.0])) == pytest.approx([0.75, 0.6840], abs=1e-4)
    assert stars.at(np.array([24 * 5.7])) == pytest.approx(0.75 / math.e)
    assert stars.at(np.array(-5.0)) == stars.at(np.array(0.0))
    assert np.isnan(stars.at(np.array(math.nan)))
    assert stars.worth(np.array(24.0)) == pytest.approx(0.6840 / 0.75, abs=1e-4)


def test_features_that_hold_their_errors_are_not_scaled_again() -> None:
    scale = LeadScale(1.0, 5.0, 1.0, 0.0, 0.5, measured=False, source="", in_features=True)

    assert scale.at(np.array([0.0, 240.0])).tolist() == [1.0, 1.0]
    assert scale.worth(np.array(120.0)) == pytest.approx(1 / math.e)
    assert np.isnan(scale.at(np.array(math.nan)))


def test_every_phenomenon_has_a_scale_that_says_where_it_comes_from() -> None:
    assert SCALES.keys() == set(PHENOMENA)
    for phenomenon, scale in SCALES.items():
        assert scale.source, phenomenon
        assert scale.measured or "borrowed" in scale.source or scale.in_features, phenomenon
        assert 0 < scale.strength <= 1, phenomenon
        assert 0 < scale.skill < 1, phenomenon


@pytest.mark.parametrize("phenomenon", ["starry_sky", "snowfall", "snowmaking"])
def test_the_log_odds_are_drawn_to_the_usual_ones_by_hand(phenomenon: str) -> None:
    model, scale = PhysicsRule(phenomenon).ready(), SCALES[phenomenon]
    day = features_of_a_day(model, 0.3, **{LEAD: 72.0, USUAL: 0.25})
    (rule,) = rules_of(phenomenon).values()
    known = [effect.feature for effect in rule.effects if effect.known_ahead]
    effects = dict(zip(model.columns, model.effects(day)[0, :, 0], strict=True))
    weather = sum(moved for name, moved in effects.items() if name not in known)
    almanac = sum(moved for name, moved in effects.items() if name in known)

    s = scale.strength * math.exp(-((3 / scale.days) ** scale.shape))
    by_hand = (1 - s) * math.log(1 / 3) + s * (model.bases()[0] + scale.offset + weather) + almanac

    p = model.predict_proba(day)[0, 1]
    assert math.log(p / (1 - p)) == pytest.approx(by_hand, abs=1e-9)


@pytest.mark.parametrize(
    "phenomenon", [p for p in PHENOMENA if not SCALES[p].in_features and p != "starry_sky"]
)
@pytest.mark.parametrize("share", [0.05, 0.95])
def test_far_ahead_a_forecast_is_the_usual_frequency(phenomenon: str, share: float) -> None:
    """Whatever the weather: within 15 points after 16 days, and no further than at leads before."""
    model = PhysicsRule(phenomenon).ready()
    for usual in (0.05, 0.3, 0.7):
        p = [
            model.predict_proba(features_of_a_day(model, share, **{LEAD: lead, USUAL: usual}))
            for lead in (0.0, 48.0, 96.0, 168.0, 240.0, FAR)
        ]
        headline = 0 if phenomenon == "sea_of_clouds" else 1
        apart = [abs(one[0, headline] - usual) for one in p]
        assert apart[-1] < 0.15
        assert all(later < sooner + 0.001 for sooner, later in itertools.pairwise(apart))


def test_a_sea_far_ahead_shares_the_rest_as_its_bases() -> None:
    model = PhysicsRule("sea_of_clouds").ready()
    day = features_of_a_day(model, 0.5, **{LEAD: 3000.0, USUAL: 0.4})

    states = dict(zip(CLOUD_SEA_STATES, model.predict_proba(day)[0], strict=True))

    # .10, .18 and .50 of the .78 without a sea
    bases = np.exp(model.bases()[1:])
    assert states["sea"] == pytest.approx(0.4, abs=1e-6)
    assert [states[s] for s in CLOUD_SEA_STATES[1:]] == pytest.approx(0.6 * bases / bases.sum())


def test_the_moon_is_known_however_far_ahead() -> None:
    """A bright night is no starry one, ten days ahead as tonight; a dark one takes nothing."""
    model = PhysicsRule("starry_sky").ready()
    dark, bright = (
        features_of_a_day(model, 0.0, **{LEAD: 240.0, USUAL: 0.7, "zenith_sky_brightness": sky,
                                         "dark_hours": 8.0, "dark_sky_share": 1.0})
        for sky in (21.5, 18.0)
    )  # fmt: skip

    assert model.predict_proba(dark)[0, 1] > 0.6
    assert model.predict_proba(bright)[0, 1] < 0.01


def test_without_a_usual_frequency_the_base_stands_for_it() -> None:
    model = PhysicsRule("snowmaking").ready()
    base = 1 / (1 + math.exp(-model.bases()[0]))
    unknown, usual = (
        model.predict_proba(features_of_a_day(model, 0.4, **{LEAD: 100.0, USUAL: value}))
        for value in (math.nan, base)
    )

    assert unknown == pytest.approx(usual)
    lacking = features_of_a_day(model, 0.4, **{LEAD: math.nan, USUAL: 0.3})
    assert np.isnan(model.predict_proba(lacking)).all()


def test_no_place_is_certain_never_to_have_a_phenomenon() -> None:
    model = PhysicsRule("snowfall").ready()

    def at(usual: float) -> float:
        day = features_of_a_day(model, 0.5, **{LEAD: FAR, USUAL: usual})
        return float(model.predict_proba(day)[0, 1])

    assert at(0.0) == at(LEAST_USUAL) < at(0.5) < at(MOST_USUAL) == at(1.0)


def test_the_skill_to_expect_falls_with_the_square_of_the_worth() -> None:
    """By hand: .60 is 1.5 to 1; times .3679^2 = .1353 it is .2030 to 1, that is .1687."""
    stars = SCALES["starry_sky"]

    assert stars.expected_skill(np.array([0.0, 24 * 5.7])) == pytest.approx([0.6, 0.1687], abs=1e-4)
    assert np.isnan(stars.expected_skill(np.array(math.nan)))
    assert SCALES["sunset_glow"].expected_skill(np.array(0.0)) == pytest.approx(0.14)


def test_confidence_falls_with_the_skill_to_expect() -> None:
    """By hand: of stars it is .4 where the worth is .667, .1 where it is .272: 2.94, 6.91 days."""
    levels = [confidence_of("starry_sky", 24 * day) for day in (0, 2.9, 3.0, 6.8, 7.0, 10)]

    assert levels == [3, 3, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("phenomenon", "high", "medium"),
    [
        ("starry_sky", 70, 165),
        ("sea_of_clouds", None, 95),
        ("sunset_glow", None, 50),
        ("sunrise_glow", None, 50),
        ("sunrise", None, 116),
        ("snowfall", None, 135),
        ("snow_cover", 177, None),
        ("rime", 24, 167),
        ("snowmaking", 141, 272),
    ],
)
def test_confidence_ends_where_the_skill_does(
    phenomenon: str, high: int | None, medium: int | None
) -> None:
    """The last hour of high and of medium confidence; None: never, or not within 12 days."""
    hours = np.arange(289)
    level = np.array([confidence_of(phenomenon, float(hour)) for hour in hours])

    last = [int(hours[level >= least].max(initial=-1)) for least in (3, 2)]

    assert last == [-1 if high is None else high, 288 if medium is None else medium]


def test_the_part_that_later_forecasts_settle_grows_to_its_whole() -> None:
    """By hand: .41 (1 - 1/e) after 2.6 days."""
    assert settled(np.array(2.6 * 24)) == pytest.approx(0.41 * (1 - 1 / math.e))
    assert settled(np.array(1e6)) == pytest.approx(RESOLVED)
    assert settled(np.array([-3.0, 0.0])).tolist() == [0.0, 0.0]


def test_the_range_of_later_forecasts_is_that_of_a_beta_distribution() -> None:
    """Its mean is the present probability, its variance the part settled of p (1 - p)."""
    p, part = 0.6, float(settled(np.array(96.0)))
    size = 1 / part - 1
    later = beta(p * size, (1 - p) * size)

    low, high = later_range(p, "starry_sky", 96.0)

    assert later.mean() == pytest.approx(p)
    assert later.var() == pytest.approx(part * p * (1 - p))
    assert later.cdf([low, high]) == pytest.approx([0.1, 0.9])


def test_a_range_holds_the_present_and_widens_with_lead() -> None:
    leads = (0.0, 24.0, 96.0, 240.0)
    for p in (0.0, 0.01, 0.2, 0.5, 0.8, 0.97, 1.0):
        assert all(
            0 <= low <= p <= high <= 1 for low, high in (later_range(p, "rime", x) for x in leads)
        )
    for p in (0.2, 0.5, 0.8):
        widths = [high - low for low, high in (later_range(p, "rime", x) for x in leads)]
        assert widths == sorted(widths)
        assert widths[0] < 0.02
    assert all(map(math.isnan, later_range(math.nan, "rime", 24.0)))
    assert all(map(math.isnan, later_range(0.5, "rime", math.nan)))
