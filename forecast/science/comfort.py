"""Human comfort by the national standard that the settings name (`observations.comfort`).

GB/T 27963-2011 is under revision (plan 20241584-T-416): a new version is a new entry of STANDARDS,
chosen by a setting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from forecast.quantities import FREEZING

# [h] of sunshine that a day between 35 and 45 degrees of latitude can have, rounded up
LONGEST_SUN = 15.0

# The class of an index ends where the next begins: 1 cold, 2 cool, 3 comfortable, 4 warm, 5 sultry.
# Source: GB/T 27963-2011, table 1.
HUMIDITY_STEPS = (14.0, 17.0, 25.5, 27.6)  # of the index in tenths
WIND_STEPS = (-400.0, -299.0, -99.0, -9.0)  # of the index in whole numbers


def humidity_index(temperature: float, humidity: float) -> float:
    """Return the temperature-humidity index I; NaN in, NaN out.

    temperature [K]; relative humidity [1].

    Source: GB/T 27963-2011: I = T - 0.55 (1 - RH) (T - 14.4), T [degC].
    """
    celsius = temperature - FREEZING
    return celsius - 0.55 * (1 - min(humidity, 1.0)) * (celsius - 14.4)


def wind_index(temperature: float, speed: float, sunshine: float) -> float:
    """Return the wind-effect index K; NaN in, NaN out.

    temperature [K]; wind speed [m s-1]; sunshine [h] of the day.

    Source: GB/T 27963-2011: K = -(10 sqrt(V) + 10.45 - V) (33 - T) + 8.55 S, T [degC].
    """
    return (
        -(10 * math.sqrt(max(speed, 0.0)) + 10.45 - speed) * (33 - (temperature - FREEZING))
        + 8.55 * sunshine
    )


def class_of_humidity(index: float) -> int:
    """Return the class 1-5 of I, which the standard gives in tenths; 0 where unknown."""
    return _class(round_half_up(index, 10), HUMIDITY_STEPS)


def class_of_wind(index: float) -> int:
    """Return the class 1-5 of K, which the standard gives in whole numbers; 0 where unknown."""
    return _class(round_half_up(index, 1), WIND_STEPS)


def round_half_up(value: float, parts: int) -> float:
    """Return `value` rounded to 1 / `parts`, halves up, as in tables of standards."""
    return math.floor(round(value * parts, 6) + 0.5) / parts if math.isfinite(value) else math.nan


def _class(index: float, steps: tuple[float, ...]) -> int:
    return 1 + sum(index >= step for step in steps) if math.isfinite(index) else 0


def comfort_2011(
    temperature: float, humidity: float, speed: float, sunshine: float, cold_half: bool
) -> int:
    """Return the class of comfort by GB/T 27963-2011; 0 where unknown.

    1 cold, 2 cool, 3 comfortable, 4 warm, 5 sultry.

    temperature [K], relative humidity [1], wind speed [m s-1], sunshine [h] of the day; cold_half:
    October to March. Where the two indices disagree, that of wind counts in the cold half of the
    year, that of humidity in the warm half. Of a day whose sunshine is not measured (NaN) a class
    is given only if it is the same with none and with the most there can be.
    """
    by_humidity = class_of_humidity(humidity_index(temperature, humidity))
    if not cold_half:
        return by_humidity
    spans = (0.0, LONGEST_SUN) if math.isnan(sunshine) else (sunshine,)
    by_wind = {class_of_wind(wind_index(temperature, speed, hours)) for hours in spans}
    return by_wind.pop() if len(by_wind) == 1 else 0


# temperature [K], humidity [1], wind speed [m s-1], sunshine [h] of the day, in the cold half of
# the year -> class 1-5, 0 not known
Comfort = Callable[[float, float, float, float, bool], int]

STANDARDS: Mapping[str, Comfort] = {"GB/T 27963-2011": comfort_2011}
