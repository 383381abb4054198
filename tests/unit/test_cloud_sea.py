"""Is the viewer above, inside, under or without a deck? Columns with a known answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from forecast.config import Config
from forecast.domain import CLOUD_SEA_STATES, Atmosphere, Event
from forecast.phenomena import PhenomenonFeatures, cloud_deck, cloud_sea, weather
from forecast.phenomena.cloud_sea_states import SEA, UNKNOWN
from forecast.quantities import DECK_COVER, FEATURES, OVERCAST
from forecast.quantities import SEA as OF_THE_SEA
from forecast.science.almanac import almanacs
from forecast.science.interpolation import Scene
from forecast.science.vertical import at_height, on_heights
from models.rule_model import PhysicsRule
from tests.skies import SITES, atmosphere, dawn, layer, steps

# 2303 m over a valley of 1300 m, 1291 m over 300 m
LINGSHAN, JINDING = SITES["lingshan"], SITES["jinding"]
SUNRISE = "2026-11-08T22:48"
RUN = steps("2026-11-07T12:00", 48)


def derived(
    config: Config, made: Atmosphere, event: Event
) -> tuple[dict[str, np.ndarray], PhenomenonFeatures]:
    scene = Scene(made, (event.site,))
    part = cloud_sea.derive((event,), scene, config.phenomena)
    return {**weather.derive((event,), scene, config.phenomena).values, **part.values}, part


def states(config: Config, made: Atmosphere, event: Event) -> dict[str, float]:
    values, _ = derived(config, made, event)
    rule, of_issue = PhysicsRule("sea_of_clouds").ready(), {"forecast_period": np.zeros(1)}
    known = values | of_issue  # no usual frequency, no outcome of the morning before
    chances = rule.predict_proba(
        np.array([[known.get(name, [np.nan])[0] for name in rule.columns]])
    )[0]
    return dict(zip(CLOUD_SEA_STATES, map(float, chances), strict=True))


def column(*layers: tuple[float, float], dry: float = 0.35, cover: float = 0.95) -> Atmosphere:
    """Saturated, clouded layers in dry air."""

    def humidity(height: np.ndarray) -> np.ndarray:
        return np.max(
            [np.full(height.shape, dry), *(layer(*span)(height) for span in layers)], axis=0
        )

    def cloud(height: np.ndarray) -> np.ndarray:
        return np.max(
            [np.zeros(height.shape), *(layer(*span, cover)(height) for span in layers)], axis=0
        )

    return atmosphere(RUN, humidity=humidity, cloud=cloud)


# fmt: off
MORNINGS = [
    ("a deck 500 m below the summit is a sea", LINGSHAN, column((500, 1900)), "sea", 0.7),
    ("a deck over the plain is a sea from the lower summit", JINDING, column((200, 800)), "sea",
     0.7),
    ("a sea under altostratus is still a sea", LINGSHAN, column((500, 1800), (5000, 7000)), "sea",
     0.6),
    ("the summit inside the deck is a white wall", LINGSHAN, column((1000, 3000)), "in_cloud", 0.8),
    ("the lower summit inside the deck is a white wall", JINDING, column((300, 1600)), "in_cloud",
     0.8),
    ("deep rain cloud is a white wall", LINGSHAN, column((300, 9000)), "in_cloud", 0.8),
    ("stratus above is overcast", LINGSHAN, column((3000, 4500), dry=0.6), "overcast", 0.6),
    ("stratus above the lower summit is overcast", JINDING, column((1900, 3000), dry=0.6),
     "overcast", 0.6),
    ("a dry valley is open", LINGSHAN, column(), "open", 0.9),
    ("a dry plain is open", JINDING, column(), "open", 0.9),
    ("fog on the plain alone is no sea at the high summit", LINGSHAN, column((0, 700)), "open",
     0.8),
]
# fmt: on


@pytest.mark.parametrize(
    ("site", "made", "state", "least"),
    [m[1:] for m in MORNINGS],
    ids=[m[0].replace(" ", "_") for m in MORNINGS],
)
def test_a_morning_is_called_by_its_name(
    config: Config, site: object, made: Atmosphere, state: str, least: float
) -> None:
    reported = states(config, made, dawn(site, SUNRISE))  # type: ignore[arg-type]

    assert sum(reported.values()) == pytest.approx(1)
    assert reported[state] > least, reported
    if state != "sea":
        assert reported["sea"] < 0.15, reported


def test_a_deck_that_laps_at_the_viewer_s_feet_warns_of_the_white_wall(config: Config) -> None:
    # the model's layers put its top at the summit
    reported = states(config, column((1300, 2100)), dawn(LINGSHAN, SUNRISE))

    assert reported["in_cloud"] > 0.3
    assert reported["sea"] < 0.5


def test_a_moist_valley_without_cloud_is_likelier_to_surprise_than_a_dry_one(
    config: Config,
) -> None:
    moist = atmosphere(RUN, humidity=lambda height: np.where(height < 1900, 0.88, 0.4))

    assert (
        states(config, moist, dawn(LINGSHAN, SUNRISE))["sea"]
        > 1.5 * states(config, column(), dawn(LINGSHAN, SUNRISE))["sea"]
    )


# -- the rule and the diagnosis speak of the same boundaries


def rule_on(**features: np.ndarray) -> np.ndarray:
    """Return the rule's probabilities (case, state); a feature that is not given is unknown."""
    rule = PhysicsRule("sea_of_clouds").ready()
    count = len(next(iter(features.values())))
    features = {"forecast_period": np.zeros(count), **features}
    return rule.predict_proba(
        np.stack([features.get(name, np.full(count, np.nan)) for name in rule.columns], axis=1)
    )


def test_the_rule_s_likeliest_state_is_the_one_that_the_diagnosis_names() -> None:
    # given every fill, gap and cover above, at a summit out of cloud in fairly dry air, but for a
    # margin about the boundaries
    fill, gap, above = (
        axis.ravel()
        for axis in np.meshgrid(
            np.arange(0, 1.01, 0.02), np.arange(0, 2501.0, 50.0), np.linspace(0, 1, 11)
        )
    )
    moments = {
        "valley_area_filled": fill,
        "gap_to_deck": gap,
        "cloud_above_site": above,
        "cloud_at_site": np.zeros(fill.shape),
    }
    reported = cloud_sea.states_of(moments)
    clear_of_it = (
        (np.abs(fill - DECK_COVER) > 0.05)
        & (np.abs(above - OVERCAST) > 0.1)
        & (reported != UNKNOWN)
    )

    # when the rule reads the same
    chances = rule_on(**moments, humidity_at_site=np.full(fill.shape, 0.6))

    # then they agree, and near the boundary a sea still has a fair share on its side of it
    assert clear_of_it.sum() > 10_000
    agree = (chances.argmax(axis=1) == reported)[clear_of_it]
    assert agree.all(), (
        fill[clear_of_it][~agree][:5],
        gap[clear_of_it][~agree][:5],
        above[clear_of_it][~agree][:5],
    )
    assert chances[reported == SEA, SEA].min() > 0.3


def test_a_viewer_in_cloud_is_in_cloud_for_rule_and_analysis() -> None:
    at_site = np.arange(0.0, 1.01, 0.05)
    same = {
        "cloud_at_site": at_site,
        "cloud_above_site": np.zeros(21),
        "valley_area_filled": np.full(21, 0.9),
    }
    # the top lies where the cover passes DECK_COVER
    gap = np.where(at_site < DECK_COVER, 200.0, -200.0)
    reported = cloud_sea.states_of(same | {"gap_to_deck": gap})

    chances = rule_on(**same, gap_to_deck=gap, humidity_at_site=0.7 + 0.3 * np.sqrt(at_site))

    assert (chances.argmax(axis=1) == reported).all()


@pytest.mark.parametrize("cover", [0.0, 0.1, 0.2, 0.45, 0.7, 0.95])
@pytest.mark.parametrize(
    "layers", [(500.0, 1500.0), (500.0, 1900.0), (1000.0, 3000.0), (2900.0, 4500.0)]
)
def test_a_column_is_forecast_as_it_is_diagnosed(
    config: Config, layers: tuple[float, float], cover: float
) -> None:
    # the humidity that goes with the cover: Sundqvist et al. 1989 turned round, U00 = .80
    moist = 1 - 0.2 * (1 - cover) ** 2
    made = atmosphere(RUN, humidity=layer(*layers, moist, 0.6), cloud=layer(*layers, cover))
    event = dawn(LINGSHAN, SUNRISE)

    (reported,) = cloud_sea.diagnose((event,), Scene(made, (event.site,)), config.phenomena)

    shares = states(config, made, event)
    assert reported.state in ("", max(shares, key=shares.__getitem__)), (reported, shares)


# -- the events


def test_the_window_opens_before_sunrise_and_closes_after_it(config: Config) -> None:
    day = date(2026, 11, 9)
    almanac = almanacs((JINDING,), (day,), config.zone)[JINDING.id, day]

    (event,) = cloud_sea.events(JINDING, day, almanac, config.phenomena)

    assert event.centre == almanac.sunrise
    assert almanac.sunrise is not None
    assert event.window.start == almanac.sunrise - timedelta(hours=1.5)
    assert event.window.end == almanac.sunrise + timedelta(hours=3)
    assert cloud_sea.events(JINDING, day, replace(almanac, sunrise=None), config.phenomena) == []
    assert cloud_sea.events(SITES["jiangshuihe"], day, almanac, config.phenomena) == []


# -- the deck


HEIGHTS = np.arange(0.0, 1001.0, 100.0)


@pytest.mark.parametrize(
    ("cloud", "base", "top"),
    [
        ([0, 0, 0.6, 0.6, 0, 0, 0, 0, 0, 0, 0], 150, 350),  # .3 lies half way between 0 and .6
        # the lowest of two
        ([0, 0, 0.9, 0.9, 0, 0, 0.9, 0, 0, 0, 0], 100 + 100 / 3, 300 + 200 / 3),
        ([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0, 170),  # it stands on the ground
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.6], 950, 1000),  # it goes on above what is known
        ([np.nan, np.nan, 0.6, 0, 0, 0, 0, 0, 0, 0, 0], 200, 250),  # nothing is known below
        ([0.2] * 11, np.nan, np.nan),
        ([np.nan] * 11, np.nan, np.nan),
    ],
)
def test_base_and_top_lie_where_the_cover_passes_the_threshold(
    cloud: list[float], base: float, top: float
) -> None:
    found = cloud_deck.deck(np.array(cloud, dtype=float), HEIGHTS)

    assert found == pytest.approx((base, top), nan_ok=True)


def test_an_inversion_is_the_greatest_warming_with_height() -> None:
    columns = np.array([[10.0, 8, 6, 9, 11, 7], [10, 9, 8, 7, 6, 5], [np.nan] * 6])

    assert cloud_deck.inversion(columns) == pytest.approx([5, 0, np.nan], nan_ok=True)


def test_reading_on_many_heights_is_reading_at_each() -> None:
    heights = np.array([200.0, 500.0, 900.0, 1600.0])
    values = np.array([[1.0, 2.0, np.nan, 5.0], [np.nan, 2.0, 3.0, np.nan], [np.nan] * 4])
    grid = np.arange(-400.0, 2300.0, 100.0)

    found = on_heights(values, np.broadcast_to(heights, values.shape), grid, gradient=-0.01)

    each = np.stack(
        [at_height(values, np.broadcast_to(heights, values.shape), float(h), -0.01) for h in grid],
        axis=-1,
    )
    assert found == pytest.approx(each, nan_ok=True)


# -- the numbers


def test_the_gap_is_the_viewer_s_height_above_the_top(config: Config) -> None:
    values, _ = derived(config, column((500, 1900)), dawn(LINGSHAN, SUNRISE))

    # The last clouded level is 850 hPa (1457 m), the first clear one 800 hPa (1949 m): .3 of .95 at
    # 1457 + 492 x (1 - .3/.95).
    top = 1457 + 492 * (1 - 0.3 / 0.95)
    assert values["deck_top"][0] == pytest.approx(top, abs=10)
    assert values["gap_to_deck"][0] == pytest.approx(2303 - values["deck_top"][0], abs=0.5)


def test_the_best_window_begins_in_the_light_and_needs_a_sea(config: Config) -> None:
    with_deck, _ = derived(config, column((500, 1900)), dawn(LINGSHAN, SUNRISE))
    without, _ = derived(config, column(), dawn(LINGSHAN, SUNRISE))

    assert (
        np.datetime64("2026-11-08T22:15")
        <= with_deck["best_start"][0]
        <= np.datetime64("2026-11-08T22:48")
    )
    assert with_deck["best_end"][0] == np.datetime64("2026-11-09T01:48")
    assert np.isnat(without["best_start"][0])
    assert np.isnan(without["deck_top"][0])
    assert without["valley_fill"][0] == 0


def test_the_best_window_ends_where_the_deck_rises_into_the_viewer(config: Config) -> None:
    low, high = column((500, 1900)), column((500, 3500))
    rising = low.where(low["time"] <= np.datetime64("2026-11-09T00:00"), high)
    rising = rising.assign(precipitation_amount_start=low["precipitation_amount_start"])

    values, _ = derived(config, rising.transpose(*low.dims), dawn(LINGSHAN, SUNRISE))

    # Cloud at the site grows from none at 00:00 to whole at 03:00 and passes 0.3 at 00:57; 00:48 is
    # the last moment before.
    assert values["best_end"][0] == np.datetime64("2026-11-09T01:18")


@pytest.mark.parametrize(("last", "every"), [(18, 6), (21, 3), (22, 1)])
def test_a_morning_whose_light_lies_after_the_last_field_falls_back_to_the_frequency_of_a_sea(
    config: Config, last: int, every: int
) -> None:
    # given a deck in every field, and a run that ends before first light (22:20) and is at most
    # held into it
    made = atmosphere(
        steps("2026-11-08T00:00", last, every),
        humidity=layer(700, 1700, 0.98, 0.4),
        cloud=layer(700, 1700),
    )
    event = dawn(LINGSHAN, SUNRISE)

    values, _ = derived(config, made, event)
    (common,) = weather.derive((event,), Scene(made, (event.site,)), config.phenomena).missing

    reported = states(config, made, event)["sea"]
    assert np.isnan(reported) or reported < 0.5  # a whole morning of it is called with .9
    assert np.isnat(values["best_start"][0])
    assert np.isnat(values["best_end"][0])
    assert common[0] == {18: "beyond_data", 21: "window_held", 22: "window_coverage"}[last]


def test_the_best_window_ends_with_the_data(config: Config) -> None:
    whole, cut, stub = (
        atmosphere(
            steps("2026-11-08T00:00", hours, 1),
            humidity=layer(700, 1700, 0.98, 0.4),
            cloud=layer(700, 1700),
        )
        for hours in (30, 24, 23)
    )

    reported, _ = derived(config, whole, dawn(LINGSHAN, SUNRISE))
    ends, part = derived(config, cut, dawn(LINGSHAN, SUNRISE))
    little, _ = derived(config, stub, dawn(LINGSHAN, SUNRISE))

    # From first light to the end of the event, to the last field at 00 UTC, and no word of the few
    # minutes up to 23 UTC.
    assert (reported["best_start"][0], reported["best_end"][0]) == (
        np.datetime64("2026-11-08T22:48"),
        np.datetime64("2026-11-09T01:48"),
    )
    assert (ends["best_start"][0], ends["best_end"][0]) == (
        np.datetime64("2026-11-08T22:48"),
        np.datetime64("2026-11-09T00:00"),
    )
    assert np.isnat(little["best_start"][0])
    drawn = part.evidence["sea_of_clouds"].isel(event=0)
    after = drawn["time"].values > np.datetime64("2026-11-09T00:00")
    assert np.isnan(drawn["cloud"].values[after]).all()
    assert np.isnan(drawn["valley_area_filled"].values[after]).all()
    assert np.isfinite(drawn["valley_area_filled"].values[~after]).all()


def test_a_field_held_beyond_the_last_is_no_truth(config: Config) -> None:
    made = atmosphere(
        steps("2026-11-08T00:00", 18, 6),
        humidity=layer(700, 1700, 0.98, 0.4),
        cloud=layer(700, 1700),
    )

    (visible,) = cloud_sea.diagnose(
        (dawn(LINGSHAN, SUNRISE),), Scene(made, (LINGSHAN,)), config.phenomena
    )

    assert np.isnan(visible.degree)
    assert visible.state == ""


def test_a_clear_night_raises_the_chance_of_a_sea_that_the_levels_do_not_show() -> None:
    # given a viewer out of cloud over a valley of which nothing is known
    common = {
        "cloud_at_site": np.zeros(3),
        "humidity_at_site": np.full(3, 0.6),
        "cloud_above_site": np.array([0.0, 0.5, 0.5]),
    }

    clear, cloudy, unknown = rule_on(**common, night_cloud=np.array([0.0, 1.0, np.nan]))[:, SEA]

    assert clear > unknown > cloudy


def test_every_feature_of_the_sea_is_there_and_within_its_limits(config: Config) -> None:
    values, part = derived(config, column((500, 1900)), dawn(LINGSHAN, SUNRISE))

    of_the_sea = {name for name, one in FEATURES.items() if one.phenomena == OF_THE_SEA}
    assert of_the_sea - set(part.values) == {"sea_yesterday"}  # forecast/issue/last_sea.py
    for name in part.values.keys() - {"best_start", "best_end"}:
        assert FEATURES[name].low <= values[name][0] <= FEATURES[name].high, name
    assert list(part.missing) == [[]]


def test_easterly_wind_rain_and_a_drying_valley_become_features(config: Config) -> None:
    made = column((500, 1900))
    made["eastward_wind"] = -made["eastward_wind"]
    made["precipitation_amount"] = made["precipitation_amount"] + 1.5
    evening = made["time"] <= np.datetime64("2026-11-08T12:00")
    made["relative_humidity_at_2m"] = made["relative_humidity_at_2m"].where(evening, 0.5)
    made["relative_humidity"] = made["relative_humidity"].where(evening, 0.5)

    values, _ = derived(config, made, dawn(LINGSHAN, SUNRISE))

    assert values["easterly_wind"][0] == pytest.approx(3.0)
    assert values["rain_before"][0] == pytest.approx(12.0)  # 1.5 kg m-2 every 3 h for 24 h
    assert values["valley_humidity_trend"][0] == pytest.approx(-0.5 / (13.5 * 3600), rel=0.25)


def test_rain_before_the_run_began_is_named_as_not_known(config: Config) -> None:
    made = atmosphere(steps("2026-11-08T12:00", 24), precipitation_amount=1.5)

    values, part = derived(config, made, dawn(LINGSHAN, SUNRISE))

    assert part.missing[0] == ["rain_before"]
    # what is known of it: 12:00 to 21:18
    assert values["rain_before"][0] == pytest.approx(1.5 * 9.3 / 3, rel=0.01)


def test_a_valley_that_the_model_does_not_see_is_named(config: Config) -> None:
    made = atmosphere(RUN, ground=700.0)

    _, part = derived(config, made, dawn(JINDING, SUNRISE))

    assert part.missing[0] == ["below_model_ground"]


def test_a_run_of_one_field_with_humidity_only_still_answers(config: Config) -> None:
    made = atmosphere(
        steps("2026-11-09T00:00", 0), humidity=layer(300, 1700, 0.97, 0.3), cloud=None, ground=None,
        wind_speed_of_gust=np.nan,
        visibility_in_air=np.nan, convective_available_potential_energy=np.nan,
        precipitation_amount=np.nan,
        atmosphere_boundary_layer_thickness=np.nan,
    ).drop_vars("lagrangian_tendency_of_air_pressure")  # fmt: skip

    reported = states(config, made, dawn(LINGSHAN, SUNRISE))
    _, part = derived(config, made, dawn(LINGSHAN, SUNRISE))

    assert reported["sea"] == max(reported.values())
    assert part.missing[0] == [
        "field:lagrangian_tendency_of_air_pressure",
        "field:atmosphere_boundary_layer_thickness",
    ]


def test_the_cross_section_runs_from_the_evening_to_the_end_of_the_window(config: Config) -> None:
    _, part = derived(config, column((500, 1900)), dawn(LINGSHAN, SUNRISE))

    drawn = part.evidence["sea_of_clouds"].isel(event=0)
    assert drawn.sizes == {"hour": 18, "height": 73}
    assert drawn["time"].values[0] == np.datetime64("2026-11-08T09:00")
    assert drawn["time"].values[-1] == np.datetime64("2026-11-09T02:00")
    assert drawn["cloud"].sel(height=1000.0).values == pytest.approx(0.95, abs=0.01)
    assert drawn["height"].values[-1] == 12000
    assert drawn["cloud"].sel(height=3000.0).values == pytest.approx(0.0, abs=0.01)
    assert all(
        drawn[name].dtype == np.float32 for name in ("temperature", "relative_humidity", "cloud")
    )


# -- how full the valleys are


def test_a_deck_fills_only_the_ground_that_lies_below_its_top() -> None:
    heights = np.arange(0.0, 2001.0, 100.0)
    cloud = np.where((heights >= 500) & (heights <= 900), 1.0, 0.0)[None, None]
    ground = np.array([[150.0, 350, 550, 750, 850, 950, 1150, 1350]])  # equal parts of area

    filled = cloud_deck.area_filled(cloud, heights, np.array([[1500.0]]), ground)

    assert filled.tolist() == [[5 / 8]]  # under the deck or in it; what stands above 900 m is free


def test_ground_between_the_last_level_and_the_viewer_is_not_hidden_by_a_deck_below_it() -> None:
    # the viewer at 1450 m, the deck at 1300 m, clear air at 1400 m: 1430 m is seen, 1250 m is not
    heights = np.arange(0.0, 2001.0, 100.0)
    cloud = np.where(heights == 1300, 1.0, 0.0)[None, None]

    filled = cloud_deck.area_filled(
        cloud, heights, np.array([[1450.0]]), np.array([[1250.0, 1430.0]])
    )

    assert filled.tolist() == [[0.5]]


def test_cloud_at_and_above_the_viewer_fills_no_valley() -> None:
    heights = np.arange(0.0, 2001.0, 100.0)
    cloud = np.where(heights >= 1200, 1.0, 0.0)[None, None]

    filled = cloud_deck.area_filled(
        cloud, heights, np.array([[1150.0]]), np.array([[200.0, 600.0, 1100.0]])
    )

    assert filled.tolist() == [[0.0]]


def test_a_thin_deck_over_the_valleys_hides_all_of_them(config: Config) -> None:
    thin, _ = derived(config, column((1600, 1950)), dawn(LINGSHAN, SUNRISE))

    # Of the depth between 1020 and 2303 m it takes a quarter, of the ground seven eighths lie under
    # it (config.yaml: 1620 m).
    assert thin["valley_fill"][0] < 0.4
    assert thin["valley_area_filled"][0] > 0.6


def test_a_site_without_a_curve_is_read_as_an_even_slope(config: Config) -> None:
    plain = replace(LINGSHAN, valley_heights=(), valley_elevation=300.0, elevation=2300.0)
    made = column((0, 1200))

    values, _ = derived(config, made, dawn(plain, SUNRISE))

    # Cloud thins from .95 at 900 hPa (988 m) to 0 at 850 hPa (1457 m): of 2000 m of slope 688 are
    # under .95 and 469 under half of it.
    assert values["valley_area_filled"][0] == pytest.approx(
        (688 * 0.95 + 469 * 0.475) / 2000, abs=0.04
    )


def test_the_same_deck_fills_the_low_valleys_of_one_site_and_none_of_the_high_ones_of_another(
    config: Config,
) -> None:
    made = column((200, 700))

    low, _ = derived(config, made, dawn(JINDING, SUNRISE))
    high, _ = derived(config, made, dawn(LINGSHAN, SUNRISE))

    # five of eight parts of the ground about Jinding lie below 580 m
    assert low["valley_area_filled"][0] > 0.5
    assert high["valley_area_filled"][0] < 0.1  # none about Lingshan below 780 m


@pytest.mark.parametrize(
    ("low", "visibility", "humidity", "fog"),
    [
        (0.0, 200.0, 0.97, 1.0),
        (0.3, 200.0, 0.97, 0.0),
        (0.0, 800.0, 0.97, 0.0),
        (0.0, 200.0, 0.8, 0.0),
        (np.nan, 200.0, 0.97, np.nan),
    ],
)
def test_ground_fog_is_thick_moist_and_without_low_cloud(
    low: float, visibility: float, humidity: float, fog: float
) -> None:
    assert float(
        cloud_deck.ground_fog(np.array(low), np.array(visibility), np.array(humidity))
    ) == pytest.approx(fog, nan_ok=True)


def test_levels_too_far_apart_to_see_a_deck_leave_an_empty_valley_unknown(config: Config) -> None:
    few = [100000, 92500, 70000, 50000]

    dry, part = derived(config, column().sel(level=few), dawn(LINGSHAN, SUNRISE))
    result = states(config, column().sel(level=few), dawn(LINGSHAN, SUNRISE))
    (reported,) = cloud_sea.diagnose(
        (dawn(LINGSHAN, SUNRISE),), Scene(column().sel(level=few), (LINGSHAN,)), config.phenomena
    )

    assert "coarse_column" in part.missing[0]
    assert np.isnan(dry["valley_area_filled"][0])
    assert np.isnan(reported.degree)
    # near how often there is one, where all levels together give almost 0
    assert 0.05 < result["sea"] < 0.3
    assert result["sea"] > 3 * states(config, column(), dawn(LINGSHAN, SUNRISE))["sea"]


def test_a_deck_that_ends_between_the_levels_about_the_viewer_is_named_as_not_placed(
    config: Config,
) -> None:
    # Lingshan, 2303 m, stands between 800 hPa (1949 m) and 750 hPa (2466 m).
    _, within = derived(config, column((500, 2000)), dawn(LINGSHAN, SUNRISE))
    _, well_below = derived(config, column((500, 1900)), dawn(LINGSHAN, SUNRISE))
    _, nothing = derived(config, column(), dawn(LINGSHAN, SUNRISE))

    assert [part.missing[0] for part in (within, well_below, nothing)] == [
        ["coarse_column"],
        [],
        [],
    ]


@pytest.mark.parametrize(("apart", "coarse"), [(590.0, False), (610.0, True)])
def test_levels_miss_a_deck_of_300_m_more_often_than_not_from_600_m_apart_on(
    config: Config, apart: float, coarse: bool
) -> None:
    """A deck 300 m deep, laid anywhere, meets one of the levels 600 m apart every other time."""
    made = column()
    rising = 100.0 + apart * np.arange(made.sizes["level"])
    height = made["geopotential_height"]
    made["geopotential_height"] = (height * 0 + rising[:, None, None]).transpose(*height.dims)

    dry, part = derived(config, made, dawn(LINGSHAN, SUNRISE))

    assert ("coarse_column" in part.missing[0]) == coarse
    assert np.isnan(dry["valley_area_filled"][0]) == coarse


# -- levels too far apart


def test_a_deck_whose_top_lies_between_levels_far_from_the_viewer_is_neither_sea_nor_white_wall(
    config: Config,
) -> None:
    # Lingshan (2303 m) between 850 hPa (1.5 km) and 700 hPa (3 km), both in cloud, as on mornings
    # that were full seas (science.md 10)
    deep, shallow = column((300, 3500)), column((300, 1900))
    coarse = {"level": [100000, 92500, 85000, 70000, 50000]}

    few, _ = derived(config, deep.sel(coarse), dawn(LINGSHAN, SUNRISE))
    low, _ = derived(config, shallow.sel(coarse), dawn(LINGSHAN, SUNRISE))
    many, _ = derived(config, deep, dawn(LINGSHAN, SUNRISE))

    for values in (few, low):
        assert values["unplaced_deck"][0] == 1
        for name in ("cloud_at_site", "humidity_at_site", "gap_to_deck", "deck_top"):
            assert np.isnan(values[name][0])
    assert (many["unplaced_deck"][0], many["cloud_at_site"][0] > 0.9) == (0, True)
    unplaced, under_dry_air, placed = (
        states(config, made, dawn(LINGSHAN, SUNRISE))
        for made in (deep.sel(coarse), shallow.sel(coarse), deep)
    )
    # a sea was seen on 4 of 17 mornings of low cloud at Wunvshan: .24, by Wilson .10 to .47
    assert 0.10 < unplaced["sea"] < 0.47
    assert placed["sea"] < 0.02
    assert under_dry_air["sea"] > unplaced["sea"]


def test_a_level_beside_the_viewer_places_the_deck(config: Config) -> None:
    # 750 hPa lies at 2.4 km, 100 m above Lingshan
    beside = column((300, 3500)).sel(level=[100000, 92500, 85000, 75000, 50000])

    values, _ = derived(config, beside, dawn(LINGSHAN, SUNRISE))

    assert values["unplaced_deck"][0] == 0
    assert values["cloud_at_site"][0] > 0.9
