"""The check of a value against the range of its station's last weeks.

A unit that changes at a station (a new sensor, a new logger) moves its values far out of what the
station reported before. The bounds are wide: weather that is rare at the station passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from forecast.domain import Observation
from forecast.observations.cloud_scale import CLOUDS, LIKELY, cloud_bounds
from forecast.observations.report_table import INDEX, Floats, ReportTable
from forecast.quantities import FREEZING

WEEKS = timedelta(days=28)  # whose good values bound the next ones
FEWEST, SHORTEST = 100, timedelta(days=3)  # good values, and the time they span, at least
# The same, of snow depth, which changes slowly.
NEEDED = {"snow_depth": (12, timedelta(hours=6))}
KELVIN = 20.0  # [K] beyond the extremes of the weeks (check)
# [K] beyond the warmest value of the weeks, for one that is like them once read as Fahrenheit, and
# by which it may then leave them (check): no sound one of 48,000 in the reference data is beyond.
FAHRENHEIT, FAHRENHEIT_LIKE = 10.0, 3.0
# [1, m s-1] beyond the rarest hundredth of the weeks' winds: km/h are 3.6 times m/s (check)
WIND, WIND_LEAST = 2.0, 10.0
SNOW = 0.40  # [m] beyond the deepest snow of the weeks: millimetres are ten times as many (check)
# Factors beyond the rarest hundredth of the weeks' values (check)
IONS, PARTICLES, HUMIDITY = 20.0, 30.0, 10.0
PRESSURE = 0.06  # [1] of the median, to either side (check)

_Bound = Callable[[Floats], tuple[float, float]]
Bounds = Mapping[str, tuple[float, float]]  # element -> lowest and highest plausible value (SI)


def bounds_of(series: Sequence[Observation]) -> dict[str, tuple[float, float]]:
    """Return the plausible range of each element after the good values of `series`.

    An element with fewer than FEWEST values, or less than SHORTEST of them, has none (NEEDED: other
    limits). Cloud has bounds only where all of it seems to be in oktas or tenths.
    """
    found: dict[str, tuple[float, float]] = {}
    for name in _BOUNDS:
        times, values = list[datetime](), list[float]()
        for observation in series:
            value = observation.good(name)
            if value == value:
                times.append(observation.time)
                values.append(value)
        fewest, shortest = NEEDED.get(name, (FEWEST, SHORTEST))
        if len(values) >= fewest and max(times) - min(times) >= shortest:
            found[name] = _BOUNDS[name](np.array(values))
    return found | cloud_bounds(series)


def likely_slip(element: str, above: bool) -> str:
    """Return what a value above or below the bounds of its station's weeks may be."""
    if not above:
        return LIKELY if element in CLOUDS else "has its unit changed?"
    return {
        "air_temperature": "Fahrenheit in a Celsius column?",
        "dew_point_temperature": "Fahrenheit in a Celsius column?",
        "wind_speed": "km/h or knots in an m/s column?",
        "wind_speed_of_gust": "km/h or knots in an m/s column?",
        "snow_depth": "millimetres in a centimetre column?",
    }.get(element, "has its unit changed?")


def bounds_table(table: ReportTable, bounds: Mapping[str, Bounds]) -> tuple[Floats, Floats]:
    """Return lowest and highest plausible values (row, element) by station; NaN: unknown."""
    low, high = np.full(table.values.shape, np.nan), np.full(table.values.shape, np.nan)
    for row, observation in enumerate(table.observations):
        for name, (least, most) in bounds.get(observation.station, {}).items():
            if name in CLOUDS and observation.values.get(name) == 0:
                continue  # no cloud is none in any unit
            low[row, INDEX[name]], high[row, INDEX[name]] = least, most
    return low, high


def _temperature(values: Floats) -> tuple[float, float]:
    """A value beyond the weeks by KELVIN; by less where it is like them as degrees Fahrenheit."""
    low, high = float(values.min()), float(values.max())
    coldest = 1.8 * (low - FAHRENHEIT_LIKE - FREEZING) + 32.0 + FREEZING
    return low - KELVIN, min(high + KELVIN, max(high + FAHRENHEIT, coldest))


def _wind(values: Floats) -> tuple[float, float]:
    most = float(np.percentile(values, 99))
    return -np.inf, max(WIND * most, most + WIND_LEAST)


def _snow(values: Floats) -> tuple[float, float]:
    return -np.inf, float(values.max()) + SNOW


def _visibility(values: Floats) -> tuple[float, float]:
    """Kilometres in a metre column: below what the weeks' values are in kilometres."""
    rare, common = np.percentile(values, [1, 95])
    return float(min(common / 1000, rare / 2)), np.inf


def _factor(factor: float, above: bool = True) -> _Bound:
    def bound(values: Floats) -> tuple[float, float]:
        least, most = np.percentile(values, [1, 99])
        return float(least) / factor, float(most) * factor if above else np.inf

    return bound


def _pressure(values: Floats) -> tuple[float, float]:
    middle = float(np.median(values))
    return middle * (1 - PRESSURE), middle * (1 + PRESSURE)


_BOUNDS: dict[str, _Bound] = {
    "air_temperature": _temperature,
    "dew_point_temperature": _temperature,
    "relative_humidity": _factor(HUMIDITY, above=False),
    "air_pressure": _pressure,
    "air_pressure_at_mean_sea_level": _pressure,
    "wind_speed": _wind,
    "wind_speed_of_gust": _wind,
    "snow_depth": _snow,
    "visibility_in_air": _visibility,
    "mass_concentration_of_pm2p5": _factor(PARTICLES),
    "negative_oxygen_ions": _factor(IONS),
}
