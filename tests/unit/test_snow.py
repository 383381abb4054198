"""Snow, rime and the cold: formulas against their authors, and days whose answer every forecaster knows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast import sky
from forecast.config import PhenomenonSettings
from forecast.domain import Atmosphere
from forecast.phenomena import Part, snow, weather
from forecast.physics import FREEZING, snow_fraction, snow_ratio, wet_bulb
from forecast.quantities import FEATURES
from forecast.sampling import Scene
from models.baseline import PhysicsRule
from tests.skies import SITES, atmosphere, layer

SETTINGS = PhenomenonSettings()
VILLAGE = SITES["jiangshuihe"]  # 1400 m
DAY = date(2026, 11, 22)
TIMES = [datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(hours=3 * k) for k in range(13)]  # to 24:00 UTC on the 22nd
Profile = Callable[[np.ndarray], np.ndarray]

DEEP_CLOUD = {"cloud": layer(1000, 7500), "humidity": layer(0, 7500, 0.98, 0.3)}


def cooled(at_village: float, lapse: float = 0.0065) -> Profile:
    """A column with `at_village` [degC] at 1400 m."""
    return lambda height: np.maximum(FREEZING + at_village - lapse * (height - 1400), 216.65)


def ask(air: Atmosphere, day: date = DAY) -> Part:
    """Derive the four questions of a day at the village, the weather room's features with them."""
    almanac = sky.almanacs([VILLAGE], [day], ZoneInfo("Asia/Shanghai"))[VILLAGE.id, day]
    events = snow.events(VILLAGE, day, almanac, SETTINGS)
    scene = Scene(air, [VILLAGE])
    part, common = snow.derive(events, scene, SETTINGS), weather.derive(events, scene, SETTINGS)
    return Part({**common.values, **part.values}, part.missing, part.evidence)


def probability(part: Part, phenomenon: str) -> float:
    rule = PhysicsRule(phenomenon).ready()
    return float(rule.predict_proba(np.array([[part.values[name][0] for name in rule.columns]]))[0, 1])


# -- formulas


def test_the_wet_bulb_agrees_with_metpy_in_the_cold_at_850_hpa() -> None:
    # MetPy 1.7 follows a saturated parcel; the isobaric balance differs by less than 0.2 K below 10 degC
    from metpy.calc import dewpoint_from_relative_humidity, wet_bulb_temperature
    from metpy.units import units

    temperature, humidity = (v.ravel() for v in np.meshgrid(np.arange(-16.0, 9.0, 8.0) + FREEZING, [0.1, 0.4, 0.8, 1.0]))
    dew_point = dewpoint_from_relative_humidity(units.Quantity(temperature, "K"), units.Quantity(humidity, "dimensionless"))

    expected = wet_bulb_temperature(units.Quantity(np.full(16, 85000.0), "Pa"), units.Quantity(temperature, "K"), dew_point).m_as("K")

    assert wet_bulb(temperature, humidity, np.full(16, 85000.0)) == pytest.approx(expected, abs=0.2)


def test_saturated_air_has_the_wet_bulb_of_its_temperature_and_unknown_air_none() -> None:
    found = wet_bulb(np.array([270.0, np.nan, 270.0]), np.array([1.0, 0.5, np.nan]), np.array([85000.0] * 3))

    assert found[0] == pytest.approx(270.0, abs=1e-6)
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize(
    ("above", "top", "expected"),
    [(50, -20, 1.0), (100, -14, 1.0), (300, -20, 0.5), (500, -20, 0.0), (900, -20, 0.0), (-200, -9, 0.5), (0, -4, 0.0), (-400, -30, 1.0)],
)
def test_beijings_criteria_tell_snow_from_sleet_and_rain(above: float, top: float, expected: float) -> None:
    # science.md 4: cloud top at most -14 degC; 0 degree level to 0.1 km hardly melts, 0.5 km melts all; between, linear
    assert snow_fraction(np.array([above]), np.array([top + FREEZING]))[0] == pytest.approx(expected)


@pytest.mark.parametrize(("warmest", "expected"), [(271.16, 12.0), (261.16, 22.0), (273.16, 8.0), (280.0, 3.0), (230.0, 35.0)])
def test_the_snow_ratio_is_kucheras(warmest: float, expected: float) -> None:
    # 12 at 271.16 K; one more for each kelvin colder, two less for each warmer; held between 3 and 35
    assert snow_ratio(np.array([warmest]))[0] == pytest.approx(expected)


def test_the_highest_zero_crossing_is_found_through_an_inversion() -> None:
    heights = np.array([[0.0, 1000.0, 2000.0, 3000.0]])
    column = FREEZING + np.array([[-3.0, -1.0, 2.0, -4.0]])

    assert snow.freezing_level(column, heights)[0] == pytest.approx(2333.3, abs=0.1)
    # a column wholly below zero has its level under the ground: 6.5 K at 6.5 K km-1 are 1 km
    assert snow.freezing_level(np.full((1, 4), FREEZING - 6.5), heights)[0] == pytest.approx(-1000.0)
    assert np.isnan(snow.freezing_level(np.full((1, 4), np.nan), heights)[0])


def test_cirrus_far_above_a_shallow_deck_is_not_its_top() -> None:
    # ice from the cirrus evaporates in the dry air between: two clear levels part them
    heights = np.arange(1000.0, 9000.0, 1000.0)[None, None]
    temperature = FREEZING + 5 - 6.5 * heights / 1000
    cloud = np.array([[[1, 1, 0, 0, 0, 0, 1, 1]]], dtype=float)

    top = snow.cloud_top_temperature(cloud, temperature, heights, np.array([[500.0]]))

    assert top[0, 0] == pytest.approx(FREEZING + 5 - 13)


# -- days


def test_a_deep_cold_cloud_brings_snow_to_the_village() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(-3.0), precipitation_amount=0.5, surface_snow_thickness=0.0, **DEEP_CLOUD))

    # eight intervals of 0.5 mm; warmest air -3 degC at the village: 12 + (271.16 - 270.15) = 13.0
    assert part.values["snow_water"][0] == pytest.approx(4.0, rel=1e-4)
    assert part.values["snow_fraction"][0] == 1
    assert part.values["snow_ratio"][0] == pytest.approx(13.0, abs=0.1)
    assert part.values["new_snow"][0] == pytest.approx(0.052, abs=0.0005)
    assert probability(part, "snowfall") > 0.85
    assert part.missing[0] == []


def test_the_same_cloud_over_warm_air_brings_rain() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(5.0), precipitation_amount=0.5, surface_snow_thickness=0.0, **DEEP_CLOUD))

    assert part.values["freezing_level_above_site"][0] == pytest.approx(5 / 0.0065, abs=30)  # levels 50 hPa apart
    assert part.values["new_snow"][0] == 0
    assert probability(part, "snowfall") < 0.02


def test_a_shallow_cloud_without_ice_brings_no_snow_however_cold_the_ground() -> None:
    # cloud top at 2200 m, about -3.7 degC: supercooled drizzle
    shallow = {"cloud": layer(1000, 2200), "humidity": layer(0, 2200, 0.99, 0.3)}
    part = ask(atmosphere(TIMES, temperature=cooled(-1.0, 0.004), precipitation_amount=0.3, **shallow))

    assert part.values["snow_fraction"][0] < 0.1
    assert part.values["cloud_top_temperature"][0] > FREEZING - 5


def test_a_dry_cold_day_brings_no_snow_but_is_good_for_snowmaking() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(-8.0), surface_snow_thickness=0.0))

    assert part.values["new_snow"][0] == 0
    assert np.isnan(part.values["snow_ratio"][0])
    assert probability(part, "snowfall") < 0.02
    assert part.values["freezing_hours"][0] == 24
    assert part.values["snowmaking_hours"][0] == part.values["good_snowmaking_hours"][0] == 24
    assert probability(part, "snowmaking") > 0.95
    best = part.values["best_start"][3], part.values["best_end"][3]
    assert best == (np.datetime64("2026-11-21T16:00"), np.datetime64("2026-11-22T16:00"))


def test_dry_air_makes_snow_above_freezing_and_damp_air_does_not() -> None:
    # +1 degC: at 20 % humidity and 850 hPa the wet bulb is -4.6 degC, at 95 % +0.7 degC (MetPy)
    dry, damp = (ask(atmosphere(TIMES, temperature=cooled(1.0), humidity=lambda h, u=u: np.full(h.shape, u))) for u in (0.2, 0.95))

    assert dry.values["freezing_hours"][0] == 0
    assert dry.values["snowmaking_hours"][0] == 24
    assert damp.values["snowmaking_hours"][0] == 0
    assert probability(dry, "snowmaking") > 0.8 > 0.05 > probability(damp, "snowmaking")


def test_snow_on_the_ground_is_snow_to_look_at_and_melted_snow_is_not() -> None:
    lying = ask(atmosphere(TIMES, temperature=cooled(-6.0), surface_snow_thickness=0.10))
    gone = ask(atmosphere(TIMES, temperature=cooled(4.0), surface_snow_thickness=0.0))

    assert lying.values["snow_depth"][0] == pytest.approx(0.10, abs=1e-6)
    assert probability(lying, "snow_cover") > 0.85
    assert probability(gone, "snow_cover") < 0.03


def test_snow_that_the_models_low_ground_takes_for_rain_still_lies_in_the_village() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(-1.0), precipitation_amount=1.0, surface_snow_thickness=0.0, **DEEP_CLOUD))

    # 12 h from the run's start to 08 local: 4 mm, 12 - 2 (272.15 - 271.16) = 10.0 times as deep
    assert part.values["snow_depth"][0] == pytest.approx(0.04, abs=0.001)


def test_a_freezing_cloud_on_a_calm_summit_grows_rime() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(-4.0), cloud=layer(1000, 2000), humidity=layer(0, 2000, 1.0, 0.4)))

    assert part.values["rime_hours"][0] == 24
    assert probability(part, "rime") > 0.7


@pytest.mark.parametrize(
    ("why", "temperature", "moist", "wind"),
    [("dry", -4.0, 0.7, 3.0), ("warm", 3.0, 1.0, 3.0), ("windy", -4.0, 1.0, 9.0)],
)
def test_no_rime_grows_in_dry_or_warm_or_windy_air(why: str, temperature: float, moist: float, wind: float) -> None:
    air = atmosphere(TIMES, temperature=cooled(temperature), cloud=layer(0, 0), humidity=layer(0, 2000, moist, 0.4))
    air["eastward_wind"][:] = wind

    part = ask(air)

    assert part.values["rime_hours"][0] == 0, why
    assert probability(part, "rime") < 0.15


def test_rime_is_kept_by_moist_air_once_it_has_grown_and_not_before() -> None:
    moist = {"temperature": np.full((1, 8), FREEZING - 3), "wind_speed": np.full((1, 8), 2.0), "cloud": np.zeros((1, 8))}
    moist["humidity"] = np.array([[0.96, 0.96, 1.0, 0.96, 0.96, 0.90, 0.96, 1.0]])

    rimy = snow._rime_hours(moist)

    assert rimy[0].tolist() == [False, False, True, True, True, False, False, True]


# -- what is missing


def test_a_day_that_the_run_does_not_reach_is_named_and_not_answered() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(-3.0)), DAY + timedelta(days=5))

    assert part.missing == [["beyond_data"]] * 4
    for name in ("new_snow", "snow_depth", "rime_hours", "snowmaking_hours", "freezing_hours"):
        assert np.isnan(part.values[name]).all()


def test_a_day_that_the_run_covers_in_part_says_so() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(-3.0), precipitation_amount=1.0, **DEEP_CLOUD), DAY + timedelta(days=1))

    # the run ends at 24:00 UTC, 08 local
    assert part.values["snow_water"][0] == pytest.approx(8 / 3, abs=0.01)
    assert {"window_coverage", "precipitation_partial"} <= set(part.missing[0])
    assert "precipitation_partial" not in part.missing[2]  # rime does not ask for it


def test_without_precipitation_and_snow_fields_the_cold_is_still_told() -> None:
    air = atmosphere(TIMES, temperature=cooled(-3.0)).drop_vars(["precipitation_amount", "precipitation_amount_start"])

    part = ask(air)

    assert np.isnan(part.values["new_snow"][0])
    assert np.isnan(probability(part, "snowfall"))
    assert np.isfinite(probability(part, "snowmaking"))
    assert {"field:precipitation_amount", "field:surface_snow_thickness"} <= set(part.missing[0])


def test_features_and_evidence_keep_their_promises() -> None:
    part = ask(atmosphere(TIMES, temperature=cooled(-3.0), precipitation_amount=1.0, surface_snow_thickness=0.05, **DEEP_CLOUD))

    drawn = part.evidence["snowfall"]

    for name, values in part.values.items():
        if name in FEATURES and np.isfinite(values[0]):
            assert FEATURES[name].low <= values[0] <= FEATURES[name].high, name
    assert set(part.evidence) == set(snow.PHENOMENA)
    assert (drawn["time"].values[0, [0, -1]] == np.array(["2026-11-21T16:00", "2026-11-22T16:00"], dtype="datetime64[ns]")).all()
    assert drawn["new_snow"].values[0, 1:].sum() == pytest.approx(part.values["new_snow"][0], rel=1e-5)
    assert np.isnan(drawn["new_snow"].values[0, 0])
    assert drawn["row"].values.tolist() == [0]
