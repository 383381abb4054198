"""Type of precipitation: columns with energies computed by hand, and the criteria of Beijing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from forecast import phenomena
from forecast.phenomena import snow, whole_days
from forecast.science import almanac, precipitation_type
from forecast.science.interpolation import Scene
from forecast.science.precipitation_type import Layers, layers, precipitation_types, type_of_day
from forecast.science.thermodynamics import FREEZING
from forecast.settings import PhenomenonSettings
from products.safety import assess_hazards
from tests.skies import SITES, atmosphere, layer

GRAVITY_BY_WARMTH = 9.80665 / 273.15  # [J kg-1] of a metre of air 1 K warmer than melting ice
VILLAGE = SITES["jiangshuihe"]  # 1400 m
DAY = date(2026, 11, 22)
TIMES = [datetime(2026, 11, 21, 12, tzinfo=UTC) + timedelta(hours=3 * k) for k in range(13)]


def one(*values: float) -> np.ndarray:
    return np.array([values])


def column(
    celsius: list[float], heights: list[float], ground: float = 0.0, top: float = np.nan
) -> Layers:
    """The layers of a profile [degC] whose first value is that of the ground."""
    bulb = FREEZING + one(*celsius)
    return layers(bulb[:, 1:], one(*heights), np.array([ground]), bulb[:, 0], np.array([top]))


# -- layers


def test_a_warm_nose_has_the_energies_of_its_triangles() -> None:
    # -4 at the ground, 0 at 400 m, +4 at 800 m, 0 at 1200 m, -4 at 1600 m: triangles of 400 m * 4 K
    # / 2 and of 800 m * 4 K / 2
    nose = column([-4, 4, -4], [800, 1600])

    assert nose.refreezing[0] == pytest.approx(800 * GRAVITY_BY_WARMTH)  # 28.7 J/kg
    assert nose.melting[0] == pytest.approx(1600 * GRAVITY_BY_WARMTH)  # 57.4 J/kg
    assert nose.warm_depth[0] == 0


def test_a_cold_layer_and_a_warm_one_of_several_levels_have_the_energies_of_their_trapezoids() -> (
    None
):
    # -2 at the ground, -6 at 300 m, 0 between the levels at 600 m, +6 at 900 m, +2 at 1000 m
    found = column([-2, -6, 6, 2], [300, 900, 1000])

    assert found.refreezing[0] == pytest.approx((4 * 300 + 3 * 300) * GRAVITY_BY_WARMTH)
    assert found.melting[0] == pytest.approx((3 * 300 + 4 * 100) * GRAVITY_BY_WARMTH)


def test_warm_air_on_the_ground_is_measured_by_its_depth() -> None:
    # +2 at the ground, falling by 5 K/km: 0 degC at 400 m, and no warm air above cold
    melting = column([2, -3], [1000])

    assert (melting.melting[0], melting.warm_depth[0]) == (0, pytest.approx(400))


def test_air_above_the_cloud_melts_nothing() -> None:
    assert column([-4, -4, 4, -4], [400, 800, 1600], top=400.0).melting[0] == 0


def test_levels_under_the_ground_or_unknown_are_passed_over_and_an_unknown_ground_is_unknown() -> (
    None
):
    gaps = column([-4, 9, np.nan, 4, -4], [100, 600, 1300, 2100], ground=500.0)

    assert gaps.melting[0] == pytest.approx(column([-4, 4, -4], [800, 1600]).melting[0])
    assert np.isnan(column([np.nan, -4], [800]).melting[0])


# -- kinds


@pytest.mark.parametrize(
    ("bulb", "top", "melting", "refreezing", "depth", "expected"),
    [
        (-5.0, -20, 0, 0, 0, (1, 0, 0, 0)),  # snow
        (-5.0, -20, 60, 20, 0, (0, 0, 1, 0)),  # nose over shallow frost: 20 < 46 + 0.66 * 60
        (-5.0, -20, 20, 150, 0, (0, 1, 0, 0)),  # over deep frost: 150 > 66 + 0.66 * 20
        (-5.0, -20, 60, 95.6, 0, (0, 0.5, 0.5, 0)),  # half way between 85.6 and 105.6
        # half way between 2.0 and 13.2: snow and freezing rain
        (-5.0, -20, 7.6, 0, 0, (0.5, 0, 0.5, 0)),
        (-2.0, -3, 0, 0, 0, (0, 0, 1, 0)),  # a cloud too warm for ice: freezing drizzle
        (-2.0, -9, 0, 0, 0, (0.5, 0, 0.5, 0)),  # half way between -14 and -4
        (+0.5, -20, 0, 0, 80, (0.5, 0, 0, 0.5)),  # sleet by the wet bulb
        # sleet by the depth of the melting air, 100-500 m
        (+0.2, -20, 0, 0, 300, (0.5, 0, 0, 0.5)),
        (+3.0, -20, 0, 0, 600, (0, 0, 0, 1)),  # rain
        (+3.0, -20, 60, 20, 300, (0, 0, 0, 1)),  # freezing drops are warmed in the last air
        (-0.3, -20, 0, 0, 0, (0.9, 0, 0, 0.1)),  # wet flakes are no freezing rain
        (-5.0, -13, 0, 0, 0, (0.9, 0, 0, 0.1)),  # nor are a tenth of drops among flakes
    ],
)
def test_clouds_and_layers_decide_the_type_of_precipitation(
    bulb: float,
    top: float,
    melting: float,
    refreezing: float,
    depth: float,
    expected: tuple[float, ...],
) -> None:
    # Meteorological Monthly 2022, 48(6), 746-759; Bourgouin 2000, fig. 4 and 6; Ding et al. 2014
    fall = precipitation_types(
        one(FREEZING + bulb), FREEZING + top, Layers(one(melting), one(refreezing), one(depth))
    )

    assert [
        float(part[0, 0]) for part in (fall.snow, fall.pellets, fall.freezing, fall.rain)
    ] == pytest.approx(list(expected))


def test_of_a_station_that_knows_its_own_air_only_the_wet_bulb_speaks() -> None:
    fall = precipitation_types(FREEZING + np.array([-3.0, 0.0, 1.0, 4.0, np.nan]))

    assert fall.snow[:4].tolist() == pytest.approx([1, 0.75, 0.25, 0])
    assert (fall.freezing[:4] == 0).all()
    assert np.isnan([fall.snow[4], fall.freezing[4], fall.rain[4]]).all()


def test_the_kind_of_a_day_is_the_most_dangerous_that_counts() -> None:
    total, snowy = (
        np.array([5.0, 5.0, 5.0, 5.0, 5.0, 0.05, 5.0, np.nan]),
        np.array([5.0, 2.5, 0.2, 3.0, 4.9, 0.0, np.nan, np.nan]),
    )
    pellets, freezing = (
        np.array([0, 0, 0, 2.0, 0, 0, np.nan, np.nan]),
        np.array([0, 0, 0, 0, 0.1, 0, np.nan, np.nan]),
    )

    reported = type_of_day(total, snowy, pellets, freezing)

    of = precipitation_type
    assert reported[:6].tolist() == [
        of.SNOW,
        of.SLEET,
        of.RAIN,
        of.ICE_PELLETS,
        of.FREEZING_RAIN,
        of.DRY,
    ]
    assert np.isnan(reported[6:]).all()


# -- days at the village


Profile = Callable[[np.ndarray], np.ndarray]


def unknown(height: np.ndarray) -> np.ndarray:
    return np.full(height.shape, np.nan)


def day_of(
    temperature: Profile, humidity: Profile = lambda h: np.full(h.shape, 0.99), **more: object
) -> dict[str, float]:
    """The features of a day with 8 mm of precipitation at the village."""
    almanacs = almanac.almanacs([VILLAGE], [DAY], ZoneInfo("Asia/Shanghai"))
    events = whole_days([VILLAGE], [DAY], almanacs, TIMES[0])
    made = {
        "cloud": layer(1000, 7500),
        "precipitation_amount": 1.0,
        "surface_snow_thickness": 0.0,
    } | more
    scene = Scene(atmosphere(TIMES, temperature=temperature, humidity=humidity, **made), [VILLAGE])  # type: ignore[arg-type]
    part = snow.derive(events, scene, PhenomenonSettings())
    return {
        name: float(values[0]) for name, values in part.values.items() if values.dtype.kind == "f"
    }


def falling_from(at_village: float, lapse: float = 0.0065) -> Profile:
    return lambda height: np.maximum(FREEZING + at_village - lapse * (height - 1400), 216.65)


def nose(height: np.ndarray) -> np.ndarray:
    """-3 degC at the village, +4 between 2000 and 2800 m, cold above."""
    return FREEZING + np.interp(
        height, [0, 1400, 1900, 2000, 2800, 3200, 9000], [-3, -3, -3, 4, 4, 0, -40]
    )


def test_rain_through_a_warm_nose_freezes_in_the_village() -> None:
    # by hand: 800 m of +4 K alone are 115 J/kg (levels 50 hPa apart leave 104 of the nose), where
    # 13.2 melt all; below it 500 m of -3 K are at most 54, where drops begin to freeze from 46 +
    # 0.66 * 104 = 115 on
    day = day_of(nose)

    assert day["freezing_rain"] == pytest.approx(8.0)
    assert day["snow_water"] == day["new_snow"] == 0
    assert day["precipitation_kind"] == precipitation_type.FREEZING_RAIN


def test_a_shallow_cloud_over_frost_drizzles_ice() -> None:
    # top below 2200 m, no colder than -2.6 degC: no ice in it; all of it is drops, and the ground
    # is frozen
    day = day_of(falling_from(-1.0, 0.002), layer(0, 2200, 0.99, 0.3), cloud=layer(1000, 2200))

    assert day["freezing_rain"] > 7


def test_rain_evaporating_into_dry_air_turns_to_snow_above_freezing() -> None:
    # +2 degC and 40 % at 860 hPa have a wet bulb of -2.3 degC (MetPy 1.7): snow, though the 0
    # degree level is 300 m above
    dry, damp = (day_of(falling_from(2.0), lambda h, u=u: np.full(h.shape, u)) for u in (0.4, 1.0))

    assert dry["snow_fraction"] == 1
    assert dry["freezing_level_above_site"] < 0
    # saturated, the wet bulb is +2 degC: past the 1.5 from which none is snow
    assert damp["snow_fraction"] == 0
    assert damp["precipitation_kind"] == precipitation_type.RAIN


def test_snow_melts_to_sleet_in_a_thin_warm_layer() -> None:
    # saturated, +0.5 degC at the village: half of it melts
    day = day_of(falling_from(0.5), lambda h: np.full(h.shape, 1.0))

    assert day["snow_fraction"] == pytest.approx(0.5, abs=0.01)
    assert day["precipitation_kind"] == precipitation_type.SLEET
    assert day["freezing_rain"] == 0


def test_without_humidity_in_the_column_the_type_is_unknown_and_no_hazard_is_excluded() -> None:
    day = day_of(nose, unknown, relative_humidity_at_2m=np.nan)

    assert np.isnan([day["freezing_rain"], day["snow_water"], day["precipitation_kind"]]).all()


def dangers(humidity: Profile, **more: float) -> tuple[set[str], set[str]]:
    """Return the hazards of the day below the nose, and those that cannot be assessed."""
    almanacs = almanac.almanacs([VILLAGE], [DAY], ZoneInfo("Asia/Shanghai"))
    days = whole_days([VILLAGE], [DAY], almanacs, TIMES[0])
    air = atmosphere(TIMES, temperature=nose, humidity=humidity, cloud=layer(1000, 7500), **more)
    weather = phenomena.derive((), air, PhenomenonSettings(), days)[0].weather
    found, not_assessed = assess_hazards(weather[VILLAGE.id, DAY], None)
    return {hazard.id for hazard in found}, set(not_assessed)


def test_freezing_rain_is_a_danger_of_the_day_and_is_not_excluded_where_the_column_is_unknown() -> (
    None
):
    wet, dry = (
        dangers(lambda h: np.full(h.shape, 0.99), precipitation_amount=amount)
        for amount in (1.0, 0.0)
    )
    blind = dangers(unknown, precipitation_amount=1.0, relative_humidity_at_2m=np.nan)

    assert "freezing_rain" in wet[0]
    assert "freezing_rain" not in dry[0] | dry[1]
    assert "freezing_rain" in blind[1]
