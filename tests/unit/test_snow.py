"""Snow, rime and cold: formulas against their authors, and days with a known answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast.domain import Atmosphere
from forecast.phenomena import PhenomenonFeatures, cold, snow, snow_column, weather
from forecast.quantities import FEATURES
from forecast.science.almanac import almanacs
from forecast.science.interpolation import Scene
from forecast.science.snowfall import (
    chance_of_snow,
    cold_resource,
    frostbite_time,
    ratio_interval,
    snow_class,
    snow_ratio,
)
from forecast.science.thermodynamics import FREEZING, wet_bulb
from forecast.settings import PhenomenonSettings
from models.rule_model import LEAD, USUAL, PhysicsRule
from tests.skies import SITES, atmosphere, layer

SETTINGS = PhenomenonSettings()
VILLAGE = SITES["jiangshuihe"]  # 1400 m
DAY = date(2026, 11, 22)
# to 24:00 UTC on the 22nd
TIMES = [datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(hours=3 * k) for k in range(13)]
Profile = Callable[[np.ndarray], np.ndarray]

DEEP_CLOUD = {"cloud": layer(1000, 7500), "humidity": layer(0, 7500, 0.98, 0.3)}


def cooled(at_village: float, lapse: float = 0.0065) -> Profile:
    """A column with `at_village` [degC] at 1400 m."""
    return lambda height: np.maximum(FREEZING + at_village - lapse * (height - 1400), 216.65)


def features_of(air: Atmosphere, day: date = DAY) -> PhenomenonFeatures:
    """Return the features of a day's four events at the village, with those of the weather."""
    almanac = almanacs([VILLAGE], [day], ZoneInfo("Asia/Shanghai"))[VILLAGE.id, day]
    events = snow.events(VILLAGE, day, almanac, SETTINGS)
    scene = Scene(air, [VILLAGE])
    part, common = snow.derive(events, scene, SETTINGS), weather.derive(events, scene, SETTINGS)
    return PhenomenonFeatures({**common.values, **part.values}, part.missing, part.evidence)


def probability(part: PhenomenonFeatures, phenomenon: str) -> float:
    """Return the rule's probability at its run, where no usual frequency is known."""
    rule, run = PhysicsRule(phenomenon).ready(), {LEAD: 0.0, USUAL: np.nan}
    known = {name: part.values[name][0] for name in rule.columns if name not in run} | run
    return float(rule.predict_proba(np.array([[known[name] for name in rule.columns]]))[0, 1])


# -- formulas


def test_the_wet_bulb_agrees_with_metpy_in_the_cold_at_850_hpa() -> None:
    # MetPy 1.7 follows a saturated parcel; the isobaric balance differs by less than 0.2 K below 10
    # degC
    from metpy.calc import dewpoint_from_relative_humidity, wet_bulb_temperature
    from metpy.units import units

    temperature, humidity = (
        v.ravel() for v in np.meshgrid(np.arange(-16.0, 9.0, 8.0) + FREEZING, [0.1, 0.4, 0.8, 1.0])
    )
    dew_point = dewpoint_from_relative_humidity(
        units.Quantity(temperature, "K"), units.Quantity(humidity, "dimensionless")
    )

    expected = wet_bulb_temperature(
        units.Quantity(np.full(16, 85000.0), "Pa"), units.Quantity(temperature, "K"), dew_point
    ).m_as("K")

    assert wet_bulb(temperature, humidity, np.full(16, 85000.0)) == pytest.approx(expected, abs=0.2)


def test_saturated_air_has_the_wet_bulb_of_its_temperature_and_unknown_air_none() -> None:
    found = wet_bulb(
        np.array([270.0, np.nan, 270.0]), np.array([1.0, 0.5, np.nan]), np.array([85000.0] * 3)
    )

    assert found[0] == pytest.approx(270.0, abs=1e-6)
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize(
    ("celsius", "wind", "expected"),
    [
        (0, 0, 6.4),
        (-5, 3, 9.2),
        (-5, 7.7, 9.2),
        (-5, np.nan, 9.2),
        (-15, 2, 19.1),
        (-40, 2, 19.1),
        (-5, 15.4, 6.6),
        (10, 0, 5.5),
    ],
)
def test_snow_is_fluffier_in_the_cold_and_denser_in_the_wind(
    celsius: float, wind: float, expected: float
) -> None:
    # 6.4 e^(0.073 K) by hand, down to -15 and up to +2 degC; twice the drifting wind takes 2^-0.48
    # = 0.717 of it.
    # Northern China: 8-10 to 1 (science.md 4), at the -3 to -6 degC at which it mostly snows there
    assert snow_ratio(np.array([FREEZING + celsius]), np.array([wind]))[0] == pytest.approx(
        expected, abs=0.05
    )


def test_eight_ratios_in_ten_lie_within_the_given_interval() -> None:
    low, high = ratio_interval(
        np.full(4, 10.0),
        FREEZING + np.array([-10.0, -2.0, -10.0, np.nan]),
        np.array([50.0, 50.0, 1.0, 50.0]),
    )

    # e^(1.2816 s) with s = .340; .34 + 5 * .05 = .590; hypot(.34, .5 / 1) = .605
    assert high[:3] == pytest.approx([15.46, 21.3, 21.7], abs=0.05)
    assert low[:3] == pytest.approx([6.47, 4.69, 4.61], abs=0.02)
    assert np.isnan([low[3], high[3]]).all()


@pytest.mark.parametrize(
    ("water", "expected"),
    [
        (0, 0),
        (0.1, 1),
        (2.4, 1),
        (2.5, 2),
        (4.9, 2),
        (4.96, 3),
        (5, 3),
        (9.9, 3),
        (10, 4),
        (19.9, 4),
        (20, 5),
        (29.9, 5),
        (30, 6),
    ],
)
def test_snowfall_is_classed_by_its_water_as_in_the_standard(water: float, expected: int) -> None:
    # GB/T 28592-2012, 24 h: light 0.1-2.4, moderate 2.5-4.9, heavy 5.0-9.9, snowstorm 10.0-19.9,
    # severe 20.0-29.9, extreme from 30.0 mm
    assert snow_class(np.array([water]))[0] == expected
    assert snow_class(np.array([0.04]))[0] == 0
    assert np.isnan(snow_class(np.array([np.nan]))[0])


def test_even_odds_stand_where_the_forecast_is_the_threshold() -> None:
    # by hand: ln(52/12) / 0.710 = 2.065 standard deviations, Phi = .981; ln(2/12) / 0.710 = -2.52,
    # .006
    assert chance_of_snow(np.array([0.05, 0.01, 0.0]), 0.01) == pytest.approx(
        [0.981, 0.5, 0.0058], abs=0.001
    )
    assert chance_of_snow(np.array([0.05]), 0.05)[0] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("celsius", "kilometres", "least", "most"),
    [(-30, 30, 5, 10), (-25, 40, 5, 10), (-35, 25, 2, 10), (-20, 25, 10, 30)],
)
def test_frostbite_comes_as_fast_as_the_public_tables_say(
    celsius: float, kilometres: float, least: float, most: float
) -> None:
    # Environment Canada's wind chill chart: "frostbite in 10-30 minutes" from a wind chill of -28,
    # "5-10 minutes" from -40
    minutes = frostbite_time(np.array([FREEZING + celsius]), np.array([kilometres / 3.6]))[0] / 60

    assert least <= minutes <= most


@pytest.mark.parametrize("kilometres", [0.0, 5.0, 24.0, 81.0, 122.0, 150.0])
def test_no_frostbite_time_is_given_beyond_the_winds_of_its_formula(kilometres: float) -> None:
    # Environment Canada: winds of 25 to 80 km/h at 10 m; from 122 km/h the formula is negative
    cold = np.full(1, FREEZING - 30.0)

    assert np.isnan(frostbite_time(cold, np.full(1, kilometres / 3.6)))[0]
    assert np.isfinite(frostbite_time(np.append(cold, cold), np.array([25.0, 80.0]) / 3.6)).all()


def test_a_mild_day_threatens_no_frostbite() -> None:
    assert np.isnan(
        frostbite_time(FREEZING + np.array([-10.0, 5.0, np.nan]), np.array([5.0, 10.0, 5.0]))
    ).all()


def test_a_good_winters_day_is_cold_white_sunny_and_calm() -> None:
    # -6 degC, felt -12, 10 cm of snow, 6 h of sun, 3 m/s; then each good taken away in turn;
    # without snow at most two of four
    day = np.array([FREEZING - 6, FREEZING - 12, 0.10, 6.0, 3.0])
    spoilt = np.array([FREEZING + 3, FREEZING - 30, 0.0, 1.0, 12.0])

    found = [float(cold_resource(*np.where(np.arange(5) == k, spoilt, day))) for k in range(-1, 5)]

    assert found == [4, 3, 3, 2, 3, 3]
    assert np.isnan(cold_resource(*np.where(np.arange(5) == 3, np.nan, day)))


def test_the_highest_zero_crossing_is_found_through_an_inversion() -> None:
    heights = np.array([[0.0, 1000.0, 2000.0, 3000.0]])
    column = FREEZING + np.array([[-3.0, -1.0, 2.0, -4.0]])

    assert snow_column.freezing_level(column, heights)[0] == pytest.approx(2333.3, abs=0.1)
    # a column wholly below zero has its level under the ground: 6.5 K at 6.5 K km-1 are 1 km
    assert snow_column.freezing_level(np.full((1, 4), FREEZING - 6.5), heights)[0] == pytest.approx(
        -1000.0
    )
    assert np.isnan(snow_column.freezing_level(np.full((1, 4), np.nan), heights)[0])


def test_cirrus_far_above_a_shallow_deck_is_not_its_top() -> None:
    # ice from the cirrus evaporates in the dry air between: two clear levels part them
    heights = np.arange(1000.0, 9000.0, 1000.0)[None, None]
    temperature = FREEZING + 5 - 6.5 * heights / 1000
    cloud = np.array([[[1, 1, 0, 0, 0, 0, 1, 1]]], dtype=float)

    top, height = snow_column.cloud_top(cloud, temperature, heights, np.array([[500.0]]))

    assert (top[0, 0], height[0, 0]) == (pytest.approx(FREEZING + 5 - 13), 2000.0)


# -- days


def test_a_deep_cold_cloud_brings_snow_to_the_village() -> None:
    part = features_of(
        atmosphere(
            TIMES,
            temperature=cooled(-3.0),
            precipitation_amount=0.5,
            surface_snow_thickness=0.0,
            **DEEP_CLOUD,
        )
    )

    # eight intervals of 0.5 mm at -3 degC in 3 m/s: 6.4 e^(0.073 * 3) = 7.97
    assert part.values["snow_water"][0] == pytest.approx(4.0, rel=1e-4)
    assert part.values["snow_fraction"][0] == 1
    assert part.values["snow_ratio"][0] == pytest.approx(7.97, abs=0.05)
    assert part.values["new_snow"][0] == pytest.approx(0.0319, abs=0.0002)
    assert part.values["snow_class"][0] == 2  # 4.0 mm: moderate snow
    assert (
        1
        > part.values["chance_of_1_cm"][0]
        > part.values["chance_of_5_cm"][0]
        > part.values["chance_of_10_cm"][0]
        > 0
    )
    # drawn towards the usual frequency as forecasts of the first day ask (models/lead.py)
    assert probability(part, "snowfall") > 0.75
    assert part.missing[0] == []


@pytest.mark.parametrize(
    ("falls", "hours"),
    [
        ({5: 0.5, 6: 0.5, 7: 0.5}, ("2026-11-21T22:00", "2026-11-22T10:00")),
        # 0.1 mm is 0.8 mm of snow: less than the millimetre in three hours of snowfall
        ({2: 0.1, 3: 0.1, 5: 0.5, 6: 0.5, 9: 0.1}, ("2026-11-21T22:00", "2026-11-22T07:00")),
        (dict.fromkeys(range(13), 0.1), ("NaT", "NaT")),
        ({}, ("NaT", "NaT")),
    ],
)
def test_the_hours_of_snowfall_are_those_with_a_millimetre_of_new_snow_in_three_hours(
    falls: dict[int, float], hours: tuple[str, str]
) -> None:
    # intervals of the local day begin an hour after those of the run: each has two thirds of the
    # run's interval that holds its start, and a third of the next; 0.17 mm make 1.3 mm of snow
    air = atmosphere(
        TIMES, temperature=cooled(-3.0), precipitation_amount=0.0, surface_snow_thickness=0.0,
        **DEEP_CLOUD,
    )  # fmt: skip
    for step, amount in falls.items():
        air["precipitation_amount"][step] = amount

    part = features_of(air)

    found = (part.values["best_start"][0], part.values["best_end"][0])
    assert [str(np.datetime64(moment, "m")) for moment in found] == list(hours)


def test_the_same_cloud_over_warm_air_brings_rain() -> None:
    part = features_of(
        atmosphere(
            TIMES,
            temperature=cooled(5.0),
            precipitation_amount=0.5,
            surface_snow_thickness=0.0,
            **DEEP_CLOUD,
        )
    )

    # levels 50 hPa apart
    assert part.values["freezing_level_above_site"][0] == pytest.approx(5 / 0.0065, abs=30)
    assert part.values["new_snow"][0] == 0
    assert probability(part, "snowfall") < 0.02


def test_a_shallow_cloud_without_ice_brings_no_snow_however_cold_the_ground() -> None:
    # cloud top at 2200 m, about -3.7 degC: supercooled drizzle
    shallow = {"cloud": layer(1000, 2200), "humidity": layer(0, 2200, 0.99, 0.3)}
    part = features_of(
        atmosphere(TIMES, temperature=cooled(-1.0, 0.004), precipitation_amount=0.3, **shallow)
    )

    assert part.values["snow_fraction"][0] < 0.1
    assert part.values["cloud_top_temperature"][0] > FREEZING - 5


def test_a_dry_cold_day_brings_no_snow_but_is_good_for_snowmaking() -> None:
    part = features_of(atmosphere(TIMES, temperature=cooled(-8.0), surface_snow_thickness=0.0))

    assert part.values["new_snow"][0] == 0
    assert np.isnan(part.values["snow_ratio"][0])
    assert probability(part, "snowfall") < 0.05
    assert part.values["freezing_hours"][0] == 24
    assert part.values["snowmaking_hours"][0] == part.values["good_snowmaking_hours"][0] == 24
    assert probability(part, "snowmaking") > 0.95
    best = part.values["best_start"][3], part.values["best_end"][3]
    assert best == (np.datetime64("2026-11-21T16:00"), np.datetime64("2026-11-22T16:00"))


def test_dry_air_makes_snow_above_freezing_and_damp_air_does_not() -> None:
    # +1 degC: at 20 % humidity and 850 hPa the wet bulb is -4.6 degC, at 95 % +0.7 degC (MetPy)
    dry, damp = (
        features_of(
            atmosphere(TIMES, temperature=cooled(1.0), humidity=lambda h, u=u: np.full(h.shape, u))
        )
        for u in (0.2, 0.95)
    )

    assert dry.values["freezing_hours"][0] == 0
    assert dry.values["snowmaking_hours"][0] == 24
    assert damp.values["snowmaking_hours"][0] == 0
    assert probability(dry, "snowmaking") > 0.8 > 0.05 > probability(damp, "snowmaking")


def test_snow_on_the_ground_is_snow_to_look_at_and_melted_snow_is_not() -> None:
    lying = features_of(atmosphere(TIMES, temperature=cooled(-6.0), surface_snow_thickness=0.10))
    gone = features_of(atmosphere(TIMES, temperature=cooled(4.0), surface_snow_thickness=0.0))

    # 200 kg m-3 at the start, 18 h before the second visit at -6 degC: 300 - 100 e^(-0.75 / 4.2
    # e^-0.48) = 210.5
    assert lying.values["snow_depth"][0] == pytest.approx(0.10 * 200 / 210.5, abs=1e-4)
    assert probability(lying, "snow_cover") > 0.85
    assert probability(gone, "snow_cover") < 0.03


def test_snow_that_the_models_low_ground_takes_for_rain_still_lies_in_the_village() -> None:
    part = features_of(
        atmosphere(
            TIMES,
            temperature=cooled(-1.0),
            precipitation_amount=1.0,
            surface_snow_thickness=0.0,
            **DEEP_CLOUD,
        )
    )

    # 12 h from the run's start to 08 local: 4 mm, 6.9 times as deep as they fall (27.5 mm), a
    # little settled
    assert part.values["snow_depth"][0] == pytest.approx(0.0265, abs=0.0008)


def test_a_freezing_cloud_on_a_calm_summit_grows_rime() -> None:
    part = features_of(
        atmosphere(
            TIMES,
            temperature=cooled(-4.0),
            cloud=layer(1000, 2000),
            humidity=layer(0, 2000, 1.0, 0.4),
        )
    )

    assert part.values["rime_hours"][0] == 24
    assert probability(part, "rime") > 0.7


@pytest.mark.parametrize(
    ("why", "temperature", "moist", "wind"),
    [("dry", -4.0, 0.7, 3.0), ("warm", 3.0, 1.0, 3.0), ("windy without cloud", -4.0, 1.0, 9.0)],
)
def test_no_rime_grows_in_dry_or_warm_air_or_without_cloud_in_wind(
    why: str, temperature: float, moist: float, wind: float
) -> None:
    air = atmosphere(
        TIMES,
        temperature=cooled(temperature),
        cloud=layer(0, 0),
        humidity=layer(0, 2000, moist, 0.4),
    )
    air["eastward_wind"][:] = wind

    part = features_of(air)

    assert part.values["rime_hours"][0] == 0, why
    assert probability(part, "rime") < 0.15


def test_a_stormy_summit_in_freezing_cloud_is_rimed() -> None:
    # Mount Washington: rime on 97 % of the days with fog, frost and more than 20 m/s; Lingshan at
    # -14 degC and 12 m/s was given 2 %
    air = atmosphere(
        TIMES, temperature=cooled(-14.0), cloud=layer(1000, 2500), humidity=layer(0, 2500, 1.0, 0.4)
    )
    air["eastward_wind"][:] = 12.0

    part = features_of(air)

    assert part.values["rime_hours"][0] == 24
    assert probability(part, "rime") > 0.85


def test_hard_rime_outlasts_dry_air_and_wind_but_no_thaw() -> None:
    temperature = FREEZING + np.array([[-8.0, -8.0, -6.0, -3.0, 0.5, -1.0]])
    day = {
        "temperature": temperature,
        "wind_speed": np.full((1, 6), 15.0),
        "humidity": np.full((1, 6), 0.6),
    }
    day["cloud"] = np.array([[0.0, 1.0, 0.0, 0.0, 0.0, 0.0]])

    assert cold.rimy_hours(day)[0].tolist() == [False, True, True, True, False, False]


def test_rime_is_kept_by_moist_air_once_it_has_grown_and_not_before() -> None:
    moist = {
        "temperature": np.full((1, 8), FREEZING - 3),
        "wind_speed": np.full((1, 8), 2.0),
        "cloud": np.zeros((1, 8)),
    }
    moist["humidity"] = np.array([[0.96, 0.96, 1.0, 0.96, 0.96, 0.90, 0.96, 1.0]])

    rimy = cold.rimy_hours(moist)

    assert rimy[0].tolist() == [False, False, True, True, True, False, False, True]


# -- what is missing


def test_a_day_that_the_run_does_not_reach_is_named_and_not_answered() -> None:
    part = features_of(atmosphere(TIMES, temperature=cooled(-3.0)), DAY + timedelta(days=5))

    assert part.missing == [["beyond_data"]] * 4
    for name in ("new_snow", "snow_depth", "rime_hours", "snowmaking_hours", "freezing_hours"):
        assert np.isnan(part.values[name]).all()


def test_a_day_that_the_run_covers_in_part_is_marked() -> None:
    part = features_of(
        atmosphere(TIMES, temperature=cooled(-3.0), precipitation_amount=1.0, **DEEP_CLOUD),
        DAY + timedelta(days=1),
    )

    # the run ends at 24:00 UTC, 08 local
    assert part.values["snow_water"][0] == pytest.approx(8 / 3, abs=0.01)
    assert {"window_coverage", "precipitation_partial"} <= set(part.missing[0])
    assert "precipitation_partial" not in part.missing[2]  # rime does not need it


def test_without_precipitation_and_snow_fields_the_cold_features_remain() -> None:
    air = atmosphere(TIMES, temperature=cooled(-3.0)).drop_vars(
        ["precipitation_amount", "precipitation_amount_start"]
    )

    part = features_of(air)

    assert np.isnan(part.values["new_snow"][0])
    assert np.isnan(probability(part, "snowfall"))
    assert np.isfinite(probability(part, "snowmaking"))
    assert {"field:precipitation_amount", "field:surface_snow_thickness"} <= set(part.missing[0])


def test_features_and_evidence_keep_their_promises() -> None:
    part = features_of(
        atmosphere(
            TIMES,
            temperature=cooled(-3.0),
            precipitation_amount=1.0,
            surface_snow_thickness=0.05,
            **DEEP_CLOUD,
        )
    )

    drawn = part.evidence["snowfall"]

    for name, values in part.values.items():
        if name in FEATURES and np.isfinite(values[0]):
            assert FEATURES[name].low <= values[0] <= FEATURES[name].high, name
    assert set(part.evidence) == set(snow.PHENOMENA)
    assert (
        drawn["time"].values[0, [0, -1]]
        == np.array(["2026-11-21T16:00", "2026-11-22T16:00"], dtype="datetime64[ns]")
    ).all()
    assert drawn["new_snow"].values[0, 1:].sum() == pytest.approx(
        part.values["new_snow"][0], rel=1e-5
    )
    assert np.isnan(drawn["new_snow"].values[0, 0])
    assert drawn["row"].values.tolist() == [0]
