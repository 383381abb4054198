"""Heat and moisture agree with MetPy, and aerosol swells as in Kasten's law."""

from __future__ import annotations

import metpy.calc as mpcalc
import numpy as np
import pytest
from metpy.units import units

from forecast.science.aerosol import humidity_growth
from forecast.science.thermodynamics import (
    HAZE_WETTEST,
    LAPSE_RATE,
    saturation_vapour_pressure,
    specific_humidity,
)

KELVIN = np.array([243.15, 263.15, 273.15, 283.15, 303.15])
PRESSURE = np.array([50000.0, 70000.0, 85000.0, 92500.0, 100000.0])


def test_saturation_vapour_pressure_agrees_with_metpy() -> None:
    # MetPy uses Ambaum 2020, we Bolton 1980: within 0.5 % down to -30 degC (Bolton: 0.3 % to -35)
    theirs = mpcalc.saturation_vapor_pressure(units.Quantity(KELVIN, "K")).m_as("Pa")

    assert saturation_vapour_pressure(KELVIN) == pytest.approx(theirs, rel=0.005)


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


def test_aerosol_swells_with_humidity_up_to_the_wettest_haze() -> None:
    # (1 - 0.75)^-0.5 = 2; against 50 %: ((1 - 0.75) / 0.5)^-0.5 = 1.414
    assert humidity_growth(np.array([0.0, 0.75])) == pytest.approx([1.0, 2.0])
    assert humidity_growth(np.array([0.2, 0.5, 0.75]), 0.5) == pytest.approx(
        [1.0, 1.0, 1.4142], 1e-4
    )
    assert humidity_growth(np.array([1.0])) == pytest.approx((1 - HAZE_WETTEST) ** -0.5)
    assert np.isnan(humidity_growth(np.array([np.nan]))).all()
