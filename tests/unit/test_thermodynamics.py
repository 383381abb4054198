"""Heat and moisture agree with MetPy, and aerosol swells as in Kasten's law."""

from __future__ import annotations

import metpy.calc as mpcalc
import numpy as np
import pytest
from metpy.units import units

from forecast.science.aerosol import humidity_growth
from forecast.science.thermodynamics import (
    FREEZING,
    HAZE_WETTEST,
    LAPSE_RATE,
    dew_point,
    saturation_vapour_pressure,
    specific_humidity,
    wet_bulb,
    wind_chill,
)

KELVIN = np.array([243.15, 263.15, 273.15, 283.15, 303.15])
PRESSURE = np.array([50000.0, 70000.0, 85000.0, 92500.0, 100000.0])


def test_saturation_vapour_pressure_agrees_with_metpy() -> None:
    # MetPy uses Ambaum 2020, we Bolton 1980: within 0.5 % down to -30 degC (Bolton: 0.3 % to -35)
    theirs = mpcalc.saturation_vapor_pressure(units.Quantity(KELVIN, "K")).m_as("Pa")

    assert saturation_vapour_pressure(KELVIN) == pytest.approx(theirs, rel=0.005)


@pytest.mark.parametrize("humidity", [0.05, 0.3, 0.6, 0.95])
def test_the_dew_point_agrees_with_metpy(humidity: float) -> None:
    # MetPy mixes Ambaum's saturation with Bolton's dew point
    theirs = mpcalc.dewpoint_from_relative_humidity(
        units.Quantity(KELVIN, "K"), units.Quantity(humidity, "dimensionless")
    ).m_as("K")

    assert dew_point(KELVIN, np.full(5, humidity)) == pytest.approx(theirs, abs=0.05)


def test_saturated_air_has_its_temperature_as_dew_point_and_unknown_air_none() -> None:
    assert dew_point(KELVIN, np.ones(5)) == pytest.approx(KELVIN, abs=1e-9)
    assert dew_point(KELVIN, np.full(5, 1.2)) == pytest.approx(KELVIN, abs=1e-9)
    assert np.isfinite(dew_point(KELVIN, np.zeros(5))).all()
    assert np.isnan(dew_point(np.array([np.nan, 280.0]), np.array([0.5, np.nan]))).all()


@pytest.mark.parametrize(
    ("celsius", "kmh", "felt"),
    # the chart of Environment Canada, in whole degrees
    [(0, 10, -3), (-5, 30, -13), (-10, 40, -21), (-20, 20, -30), (-30, 60, -50), (-45, 80, -74)],
)
def test_the_wind_chill_is_that_of_the_chart(celsius: float, kmh: float, felt: float) -> None:
    found = wind_chill(np.array([celsius + FREEZING]), np.array([kmh / 3.6]))

    assert np.rint(found - FREEZING) == felt


def test_the_wind_chill_agrees_with_metpy() -> None:
    celsius, speed = np.meshgrid([-40.0, -20.0, -5.0, 9.0], [2.0, 8.0, 25.0])
    theirs = mpcalc.windchill(
        units.Quantity(celsius, "degC"), units.Quantity(speed, "m/s"), mask_undefined=False
    ).m_as("K")

    assert wind_chill(celsius + FREEZING, speed) == pytest.approx(theirs, abs=1e-6)


def test_the_wind_chill_is_the_temperature_outside_its_range_and_unknown_with_its_wind() -> None:
    warm, calm = wind_chill(np.array([284.0, 270.0]), np.array([9.0, 1.0]))

    assert (warm, calm) == (284.0, 270.0)
    assert np.isnan(wind_chill(np.array([270.0, np.nan]), np.array([np.nan, 9.0]))).all()


def test_specific_humidity_agrees_with_metpy() -> None:
    theirs = mpcalc.specific_humidity_from_dewpoint(
        units.Quantity(PRESSURE, "Pa"),
        mpcalc.dewpoint_from_relative_humidity(
            units.Quantity(KELVIN, "K"), units.Quantity(0.6, "dimensionless")
        ),
    ).m_as("dimensionless")

    assert specific_humidity(KELVIN, np.full(5, 0.6), PRESSURE) == pytest.approx(theirs, rel=0.01)


def test_the_lapse_rate_gives_the_standard_atmosphere_of_metpy() -> None:
    height = mpcalc.pressure_to_height_std(units.Quantity(PRESSURE[1:], "Pa")).m_as("m")
    pressure = 101325.0 * (1 - LAPSE_RATE * height / 288.0) ** 5.2559

    # MetPy's standard atmosphere begins at 288 K
    assert pressure == pytest.approx(PRESSURE[1:], rel=1e-3)


@pytest.mark.parametrize(
    ("celsius", "metpy", "psychrometer"),
    [
        (-20, 0.1, 0.1),
        (0, 0.3, 0.1),
        (10, 0.4, 0.1),
        (20, 0.6, 0.2),
        (30, 0.8, 0.3),
        (50, 1.1, 0.6),
    ],
)
def test_the_wet_bulb_is_as_near_to_metpy_and_to_a_psychrometer_as_it_says(
    celsius: float, metpy: float, psychrometer: float
) -> None:
    # over 1 to 100 % of humidity and 600 to 1000 hPa, hot dry air included
    humidity, pressure = (
        values.ravel()
        for values in np.meshgrid([0.01, 0.05, 0.2, 0.5, 0.9, 1.0], [60000.0, 85000.0, 100000.0])
    )
    temperature = np.full(humidity.shape, celsius + FREEZING)
    dew_point = mpcalc.dewpoint_from_relative_humidity(
        units.Quantity(temperature, "K"), units.Quantity(humidity, "dimensionless")
    )
    theirs = mpcalc.wet_bulb_temperature(
        units.Quantity(pressure, "Pa"), units.Quantity(temperature, "K"), dew_point
    ).m_as("K")

    found = wet_bulb(temperature, humidity, pressure)

    assert found == pytest.approx(theirs, abs=metpy)
    assert (found >= theirs - 0.03).all()
    # WMO-No. 8, annex 4.B: the vapour pressure that an aspirated psychrometer gives grows with its
    # wet bulb; at a wet bulb warmer by the error it must exceed that of the air
    vapour = humidity * _saturation_of_wmo(temperature, pressure)
    assert (_psychrometer(temperature, found - 0.03, pressure) <= vapour).all()
    assert (_psychrometer(temperature, found + psychrometer, pressure) >= vapour).all()


def _saturation_of_wmo(temperature: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """WMO-No. 8, annex 4.B: saturation vapour pressure of moist air over water [hPa]."""
    celsius, hectopascal = temperature - FREEZING, pressure / 100
    enhancement = 1.0016 + 3.15e-6 * hectopascal - 0.074 / hectopascal
    return enhancement * 6.112 * np.exp(17.62 * celsius / (243.12 + celsius))


def _psychrometer(temperature: np.ndarray, bulb: np.ndarray, pressure: np.ndarray) -> np.ndarray:
    """WMO-No. 8, annex 4.B: vapour pressure [hPa] by an Assmann psychrometer."""
    coefficient = 6.53e-4 * (1 + 9.44e-4 * (bulb - FREEZING))
    return _saturation_of_wmo(bulb, pressure) - coefficient * pressure / 100 * (temperature - bulb)


def test_aerosol_swells_with_humidity_up_to_the_wettest_haze() -> None:
    # (1 - 0.75)^-0.5 = 2; against 50 %: ((1 - 0.75) / 0.5)^-0.5 = 1.414
    assert humidity_growth(np.array([0.0, 0.75])) == pytest.approx([1.0, 2.0])
    assert humidity_growth(np.array([0.2, 0.5, 0.75]), 0.5) == pytest.approx(
        [1.0, 1.0, 1.4142], 1e-4
    )
    assert humidity_growth(np.array([1.0])) == pytest.approx((1 - HAZE_WETTEST) ** -0.5)
    assert np.isnan(humidity_growth(np.array([np.nan]))).all()
