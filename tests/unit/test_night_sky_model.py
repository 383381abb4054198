"""Does the starry-sky classifier return to the usual frequency, and does it say why?"""

from __future__ import annotations

import json
import math
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from forecast.config import read_config
from forecast.errors import ModelMismatch
from forecast.phenomena import star_night
from forecast.quantities import FEATURES, features_of
from models import registry
from models.climatology import Climatology
from models.model_file import pack, unpack
from models.night_sky_model import DECAYS, NEEDS, OPTIONAL, TERMS, NightSkyModel, Term, terms_print
from models.rule_model import LEAD, USUAL, PhysicsRule

NOWHERE = Path("no folder of models")
COLUMNS = NightSkyModel().columns
USUALLY = 0.63
CLEAR = {
    LEAD: 12.0,
    USUAL: USUALLY,
    "dark_hours": 9.0,
    "zenith_sky_brightness": 21.6,
    "dark_sky_share": 1.0,
    "evening_sky_cover": 0.1,
    "night_sky_cover": 0.02,
    "morning_sky_cover": 0.1,
    "night_clear_share": 1.0,
    "sky_cover_before": 0.1,
    "night_dew_point_depression": 8.0,
    "night_rain": 0.0,
    "evening_rain_probability": 0.0,
    "night_rain_probability": 0.0,
    "morning_rain_probability": 0.0,
}
OVERCAST = CLEAR | {
    "evening_sky_cover": 1.0,
    "night_sky_cover": 1.0,
    "morning_sky_cover": 1.0,
    "night_clear_share": 0.0,
    "sky_cover_before": 1.0,
    "night_dew_point_depression": 1.0,
    "night_rain": 8.0,
    "evening_rain_probability": 0.5,
    "night_rain_probability": 0.7,
    "morning_rain_probability": 0.6,
}
LACKING = dict.fromkeys((name for names in OPTIONAL for name in names), math.nan)


@pytest.fixture(scope="module")
def shipped() -> NightSkyModel:
    served = registry.in_force(NOWHERE)["starry_sky"]
    assert served.refused == ()
    assert isinstance(served.model, NightSkyModel)
    return served.model


def chance(
    model: NightSkyModel | PhysicsRule, features: dict[str, float], **changed: float
) -> float:
    case = np.array([[(features | changed).get(name, math.nan) for name in model.columns]])
    return float(model.predict_proba(case)[0, 1])


def test_it_serves_starry_sky_from_the_first_day_and_its_card_says_where_it_learnt() -> None:
    card = registry.in_force(NOWHERE)["starry_sky"].card

    assert card is not None
    assert card.note.startswith("Unproven at the sites served: learnt from real forecasts")
    assert "New York City" in card.note
    assert "no observer" in card.note
    assert "CC-BY-4.0" in card.trained_on
    assert card.sources == {"analysis": card.cases}
    assert card.rule == terms_print()
    assert card.note_zh
    assert card.left_out == "month"
    leads = card.scores["by_lead"]
    assert [one["day"] for one in leads] == list(range(13))
    assert all(one["cases"] > 800 and one["skill"] > 0 for one in leads)
    assert set(COLUMNS) <= set(features_of("starry_sky"))


def test_a_clear_night_is_likelier_than_an_overcast_one_and_the_lead_draws_both_to_the_usual(
    shipped: NightSkyModel,
) -> None:
    days = np.arange(0, 16)
    clear, overcast = (
        np.array([chance(shipped, sky, **{LEAD: 24.0 * day}) for day in days])
        for sky in (CLEAR, OVERCAST)
    )

    assert clear[0] > 0.95
    assert overcast[0] < 0.15
    assert (np.diff(clear[:11]) < 0).all()
    assert (clear > overcast).all()
    assert abs(chance(shipped, CLEAR, **{LEAD: 24.0 * 60}) - USUALLY) < 0.001
    assert abs(chance(shipped, OVERCAST, **{LEAD: 24.0 * 60}) - USUALLY) < 0.001


@pytest.mark.parametrize("lacking", [(), OPTIONAL[0], OPTIONAL[1], tuple(LACKING)])
def test_it_answers_with_and_without_a_rain_probability_and_the_run_before(
    shipped: NightSkyModel, lacking: tuple[str, ...]
) -> None:
    gone = dict.fromkeys(lacking, math.nan)

    clear, overcast = chance(shipped, CLEAR, **gone), chance(shipped, OVERCAST, **gone)

    assert clear > 0.9
    assert overcast < 0.25


# A November night at Lingshan under the same cover throughout, dew-point depression 8 K, rain
# probability .05.
LINGSHAN = Climatology().frequency_at(
    "starry_sky", next(s for s in read_config().all_sites() if s.id == "lingshan"),
    date(2026, 11, 15),
)  # fmt: skip
DAYS = (0, 1, 3, 5, 7, 10)


def dry_night(cover: float) -> dict[str, float]:
    covers = ("evening_sky_cover", "night_sky_cover", "morning_sky_cover", "sky_cover_before")
    probabilities = OPTIONAL[1]
    return CLEAR | {
        **dict.fromkeys((*covers, "sky_cover", "cloud_for_stars"), cover),
        **dict.fromkeys(probabilities, 0.05 if cover > 0.1 else 0.0),
        USUAL: LINGSHAN,
        "dark_hours": 10.8,
        "night_clear_share": float(cover <= 0.2),
        "clear_hours": 10.8 * (cover <= 0.2),
        "dew_point_depression": 8.0,
        "precipitation": 0.0,
    }


def by_lead(model: NightSkyModel | PhysicsRule, night: dict[str, float]) -> dict[int, float]:
    return {day: chance(model, night, **{LEAD: 12.0 + 24 * day}) for day in DAYS}


def test_an_overcast_dry_night_is_well_below_the_usual_and_a_clear_one_well_above(
    shipped: NightSkyModel,
) -> None:
    """Of 33 such nights tonight and tomorrow .48 came (90 % .33 to .63), .67 of all nights, and
    .99 of 361 forecast clear: tests/science/night_sky.py.
    """
    rule = PhysicsRule("starry_sky").ready()
    for name, model, lacking in (
        ("classifier", shipped, {}), ("without the optional", shipped, LACKING), ("rule", rule, {}),
    ):  # fmt: skip
        overcast, broken, clear = (
            by_lead(model, dry_night(cover) | lacking) for cover in (0.95, 0.5, 0.02)
        )

        assert overcast[0] < overcast[1] < LINGSHAN - 0.14, name
        assert (0.33 if model is shipped else 0.15) < overcast[0], name
        assert clear[1] > 0.96, name
        assert LINGSHAN - 0.02 < broken[10] < clear[10] < LINGSHAN + 0.25, name
        assert all(overcast[day] < broken[day] < clear[day] for day in DAYS), name
        assert abs(overcast[10] - LINGSHAN) < 0.06, name
    assert by_lead(rule, dry_night(0.5))[0] < LINGSHAN + 0.05


def test_it_is_silent_without_the_cover_of_the_night_the_darkness_or_the_lead(
    shipped: NightSkyModel,
) -> None:
    for name in NEEDS:
        assert math.isnan(chance(shipped, CLEAR, **{name: math.nan})), name
    others = set(COLUMNS) - set(NEEDS)
    assert math.isfinite(chance(shipped, CLEAR, **dict.fromkeys(others, math.nan)))


@pytest.mark.parametrize("shape", [(len(COLUMNS),), (3, len(COLUMNS) - 1), (3, len(COLUMNS), 1)])
def test_cases_of_another_shape_are_refused_and_the_columns_named(
    shipped: NightSkyModel, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match=f"reads {len(COLUMNS)} columns .*night_sky_cover"):
        shipped.predict_proba(np.zeros(shape))


def test_the_moon_takes_the_rules_part_whatever_the_lead_and_a_dark_night_adds_nothing(
    shipped: NightSkyModel,
) -> None:
    def odds(**changed: float) -> float:
        p = chance(shipped, OVERCAST, **changed)
        return math.log(p / (1 - p))

    for lead in (6.0, 24.0 * 9):
        dark = odds(**{LEAD: lead, "zenith_sky_brightness": 22.0})
        moonlit = odds(**{LEAD: lead, "zenith_sky_brightness": 18.5})
        assert odds(**{LEAD: lead, "zenith_sky_brightness": 21.5}) == pytest.approx(dark)
        assert moonlit - dark == pytest.approx(-8.5, abs=1e-6)  # models/rules.py


def test_the_fewer_hours_the_moon_leaves_dark_the_smaller_the_chance_whatever_the_lead(
    shipped: NightSkyModel,
) -> None:
    def odds(share: float, lead: float) -> float:
        p = chance(shipped, CLEAR, **{LEAD: lead, "dark_sky_share": share})
        return math.log(p / (1 - p))

    for lead in (6.0, 24.0 * 9):
        whole = odds(1.0, lead)
        taken = [odds(share, lead) - whole for share in (0.75, 0.5, 0.25, 0.0)]
        assert taken == pytest.approx([-0.8, -1.3, -1.7, -2.0], abs=1e-6)  # models/rules.py
        assert odds(math.nan, lead) == pytest.approx(whole)


def test_reasons_add_up_to_the_change_of_the_odds(shipped: NightSkyModel) -> None:
    case = np.array([[OVERCAST[name] for name in COLUMNS]])
    neither = case.copy()
    for name in set(COLUMNS) - {LEAD, USUAL, "zenith_sky_brightness", "dark_sky_share"}:
        term = next((t for t in TERMS if t.feature == name), None)
        assert term is not None, name
    moved = dict(zip(COLUMNS, shipped.influence(case)[0].tolist(), strict=True))
    sums = sum(moved[name] for name in COLUMNS if name not in (LEAD, USUAL))
    p = float(shipped.predict_proba(neither)[0, 1])
    usual, lead = math.log(USUALLY / (1 - USUALLY)), OVERCAST[LEAD] / 24
    width = len(TERMS) + 1
    own = sum(
        float(shipped.logistics_[0].coef_[0, 1 + width * n + len(TERMS)])
        * math.exp(-((lead / days) ** shape))
        for n, (days, shape) in enumerate(DECAYS)
    )

    assert math.log(p / (1 - p)) == pytest.approx(usual + own + sums, abs=1e-9)
    assert moved["night_sky_cover"] < -0.5
    assert moved["night_rain_probability"] < 0
    assert moved[USUAL] == pytest.approx(usual - 0.5)  # the rule's base
    assert moved[LEAD] > 0  # a forecast of no stars for tonight would say so more firmly


def test_a_missing_feature_is_no_reason(shipped: NightSkyModel) -> None:
    case = np.array([[(OVERCAST | LACKING)[name] for name in COLUMNS]])

    moved = shipped.influence(case)[0]

    assert np.isfinite(moved).all()
    assert moved[[COLUMNS.index(name) for name in LACKING]].tolist() == [0.0] * len(LACKING)


def test_values_beyond_those_of_its_training_count_as_their_ends(shipped: NightSkyModel) -> None:
    assert chance(shipped, CLEAR, night_dew_point_depression=60.0) == chance(
        shipped, CLEAR, night_dew_point_depression=45.0
    )
    assert chance(shipped, OVERCAST, night_rain=900.0) == chance(
        shipped, OVERCAST, night_rain=500.0
    )


def test_terms_are_what_they_say() -> None:
    assert Term("night_rain", shift=0.1).of(np.array([0.9]))[0] == pytest.approx(0.0)
    assert Term("night_sky_cover", square=0.6).of(np.array([1.0]))[0] == pytest.approx(0.16)
    assert Term("night_sky_cover").of(np.array([0.3])).tolist() == [0.3]
    throughout = Term("night_sky_cover", above=0.7, others=("evening_sky_cover",))
    found = throughout.of(np.array([1.0, 1.0, 0.9, np.nan]), np.array([0.95, 0.2, np.nan, np.nan]))
    assert found == pytest.approx([0.25, 0.0, 0.2, np.nan], nan_ok=True)


def test_it_learns_from_outcomes_and_a_file_gives_it_back() -> None:
    draw = np.random.default_rng(11)
    cases = np.full((3000, len(COLUMNS)), np.nan)
    at = {name: COLUMNS.index(name) for name in COLUMNS}
    cases[:, at[LEAD]] = draw.uniform(0, 240, 3000)
    cases[:, at[USUAL]] = 0.5
    cases[:, at["zenith_sky_brightness"]] = 22.0
    cases[:, at["night_sky_cover"]] = cover = draw.uniform(0, 1, 3000)
    truth = 1 / (1 + np.exp(-8 * (0.5 - cover) * np.exp(-cases[:, at[LEAD]] / 120)))
    outcome = (draw.uniform(size=3000) < truth).astype(int)

    model = clone(NightSkyModel()).fit(cases, outcome)
    again = unpack(pack(model))

    assert np.corrcoef(model.predict_proba(cases)[:, 1], truth)[0, 1] > 0.97
    assert (again.predict_proba(cases) == model.predict_proba(cases)).all()
    with pytest.raises(ValueError, match="reads 15 columns"):
        model.predict_proba(cases[:, :3])


def test_a_file_made_for_other_terms_is_refused(tmp_path: Path) -> None:
    card = registry.in_force(NOWHERE)["starry_sky"].card
    assert card is not None
    home = tmp_path / "starry_sky" / card.id
    home.mkdir(parents=True)
    for name in ("model.skops", "card.json"):
        (home / name).write_bytes((registry.SHIPPED / "starry_sky" / card.id / name).read_bytes())
    text = json.loads((home / "card.json").read_text(encoding="utf-8"))
    (home / "card.json").write_text(json.dumps(text | {"rule": "of other terms"}), "utf-8")

    with pytest.raises(ModelMismatch, match="train it again"):
        registry.load(tmp_path, "starry_sky", card.id)


# -- the features


def test_a_night_has_its_evening_its_middle_and_its_morning() -> None:
    hours = star_night.OFFSETS
    cover = np.where(hours < -4, 0.3, np.where(hours > 4, 0.9, 0.1))[None, :].astype(float)
    cover[0, hours == 0] = 0.55
    depression = np.where(np.abs(hours) <= 4, 6.0, 1.0)[None, :]

    found = star_night.of_moments(cover, depression, clear=0.2)

    assert found["evening_sky_cover"][0] == pytest.approx(0.3)
    assert found["night_sky_cover"][0] == pytest.approx((8 * 0.1 + 0.55) / 9)
    assert found["morning_sky_cover"][0] == pytest.approx(0.9)
    assert found["night_clear_share"][0] == pytest.approx(8 / 9)
    assert found["night_dew_point_depression"][0] == 6.0
    unknown = star_night.of_moments(cover * np.nan, depression, clear=0.2)
    assert np.isnan(unknown["night_sky_cover"][0])
    assert np.isnan(unknown["night_clear_share"][0])


def test_the_moments_of_a_night_lie_around_its_middle() -> None:
    start, end = (np.array([f"2026-11-08T{at}"], "datetime64[ns]") for at in ("10:30", "21:30"))

    times = star_night.moments_around(start, end)

    assert times.shape == (1, 17)
    assert (times[0, 0], times[0, 8], times[0, -1]) == (
        np.datetime64("2026-11-08T08:00"),
        np.datetime64("2026-11-08T16:00"),
        np.datetime64("2026-11-09T00:00"),
    )
    assert all(FEATURES[name].unit == "1" for name in star_night.of_rain(np.zeros((1, 17))))
