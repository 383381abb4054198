"""Temperatures in a wrong unit: the season's mean, and the unit in which a number fits it.

A value that fits no season and height in the unit of its column may fit in degrees Fahrenheit, in
kelvin or in tenths of a degree; one that contradicts dew point and humidity may agree with them.
"""

from __future__ import annotations

import numpy as np

from forecast.observations.report_table import Floats, Mask
from forecast.quantities import FREEZING
from forecast.science.thermodynamics import LAPSE_RATE, saturation_vapour_pressure

# [1] by which humidity may differ from that of temperature and dew point where these were read in
# the wrong unit, and by how much it must differ where they were read in the right one (check)
ALIKE, UNLIKE = 0.05, 0.10
LIKELY = 25.0  # [K] from the mean of season and height, of a temperature in its likely unit (check)
SCALES_MEET = FREEZING - 30.0  # [K] colder, both scales are too alike: they meet at -40 degrees


def mean_temperature(latitude: Floats, month: Floats) -> Floats:
    """Return the mean temperature [K] at sea level of a latitude [degree] and month (1-12).

    Accurate to about 10 K over land, which the allowances of the climate rule include.
    Source: zonal means of land, Hartmann, Global Physical Climatology (2016), fig. 1.6-1.7, fitted.
    """
    north = np.abs(latitude)
    annual = 27.0 - 45.0 * np.sin(np.radians(north)) ** 2
    amplitude = 2.0 + 24.0 * np.sin(np.radians(np.minimum(north, 65.0))) ** 1.5
    warmest = np.where(latitude >= 0, 7.2, 1.2)
    return FREEZING + annual + amplitude * np.cos((month - warmest) * np.pi / 6)


def likely_temperature(given: Floats, latitudes: Floats, heights: Floats, months: Floats) -> Floats:
    """Return temperatures [K] in the unit in which they fit season and height; NaN: none does.

    given: as if they were right. Tried are Fahrenheit, kelvin and tenths in a Celsius column.
    """
    celsius = given - FREEZING
    mean = mean_temperature(latitudes, months) - LAPSE_RATE * np.maximum(heights, 0)
    found = np.full(len(given), np.nan)
    for read in (from_fahrenheit(given), celsius, celsius / 10 + FREEZING):
        fits = np.isnan(found) & (np.abs(read - mean) <= LIKELY)
        found[fits] = read[fits]
    return found


def from_fahrenheit(given: Floats) -> Floats:
    """Return temperatures [K] whose numbers are degrees Fahrenheit in a Celsius column."""
    return (given - FREEZING - 32.0) / 1.8 + FREEZING


def _humidity_of(temperature: Floats, dew_point: Floats) -> Floats:
    """Return the humidity [1] that temperature and dew point [K] give."""
    return saturation_vapour_pressure(dew_point) / saturation_vapour_pressure(temperature)


def only_as_fahrenheit(
    temperature: Floats, dew_point: Floats, humidity: Floats, both: bool
) -> Mask:
    """Find temperatures [K] that agree with dew point and humidity as degrees Fahrenheit only.

    both: the dew points are degrees Fahrenheit, too.
    """
    as_given = np.abs(_humidity_of(temperature, dew_point) - humidity)
    other = from_fahrenheit(dew_point) if both else dew_point
    as_read = np.abs(_humidity_of(from_fahrenheit(temperature), other) - humidity)
    warmer = temperature > SCALES_MEET
    return np.asarray((as_given > UNLIKE) & (as_read < ALIKE) & warmer, dtype=bool)
