"""Quality checks of single reports: the limits of each element, and internal consistency."""

from __future__ import annotations

import numpy as np

from forecast.observations.report_table import INDEX, Floats, Mask
from forecast.quantities import ELEMENTS, FREEZING
from forecast.science.thermodynamics import FOG_VISIBILITY, saturation_vapour_pressure

# [K] by which a dew point in whole degrees may exceed a temperature in tenths (MICAPS, METAR)
ROUNDING = 0.5
# [1] by which cover in oktas may exceed the same cover in tenths: 5/8 against 0.6, 3/4 against 0.7
MIXED = 0.06
NO_LOW_BASE = 2500.0  # [m] WMO-No. 306, code table 1600, 9: a base this high, or no cloud at all
# [K] per kelvin of frost: how far the frost point lies above the dew point
FROST = 0.12
HUMIDITY = 0.10  # [1] by which humidity may differ from that of temperature and dew point
GUST = 0.5  # [m s-1] by which a rounded gust may be below a rounded mean wind
# [m] visibility above CLEAR_VIEW is impossible so far below the top of unbroken cloud
DEEP, CLEAR_VIEW = 100.0, 5000.0
GRASS, WARM = 0.05, 293.15  # [m, K] so much snow in such warm air: the sensor measures grass


def range_check(values: Floats) -> Mask:
    """Return which values (row, element) lie outside the catalogue's limits; NaN: False."""
    low, high = (
        np.array([getattr(element, side) for element in ELEMENTS.values()])
        for side in ("low", "high")
    )
    return (values < low) | (values > high)


def internal_check(values: Floats, coded: Mask, heights: Floats) -> Mask:
    """Return which values (row, element) contradict another of the same report; NaN: False.

    coded (row): direction 0 means calm. heights (row): of the stations [m], NaN where unknown.
    Source: WMO-No. 488, app. VI.2, 2 (internal consistency).
    """
    found = np.zeros(values.shape, dtype=bool)

    def column(name: str) -> Floats:
        return values[:, INDEX[name]]

    def mark(which: Mask, *names: str) -> None:
        for name in names:
            found[:, INDEX[name]] |= which

    temperature, dew_point, humidity = (
        column("air_temperature"),
        column("dew_point_temperature"),
        column("relative_humidity"),
    )
    speed, direction, visibility = (
        column("wind_speed"),
        column("wind_from_direction"),
        column("visibility_in_air"),
    )
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        frost = FROST * np.maximum(FREEZING - temperature, 0.0)
        mark(dew_point > temperature + ROUNDING + frost, "air_temperature", "dew_point_temperature")
        low, high = humidity_range(temperature, np.minimum(dew_point, temperature))
        mark(
            (humidity < low - HUMIDITY) | (humidity > high + HUMIDITY),
            "dew_point_temperature",
            "relative_humidity",
        )
        mark(column("wind_speed_of_gust") < speed - GUST, "wind_speed", "wind_speed_of_gust")
        mark(
            (speed == 0) & (direction != 0) & coded & np.isfinite(direction), "wind_from_direction"
        )
        mark((direction == 0) & (speed > 0) & coded, "wind_from_direction")
        total, below = column("cloud_area_fraction"), column("cloud_below_area_fraction")
        mark(
            column("low_cloud_area_fraction") > total + MIXED,
            "low_cloud_area_fraction",
            "cloud_area_fraction",
        )
        mark((total == 0) & (column("cloud_base_height") < NO_LOW_BASE), "cloud_base_height")
        top = column("cloud_below_top_altitude")
        mark(
            (below == 0) & np.isfinite(top), "cloud_below_area_fraction", "cloud_below_top_altitude"
        )
        mark(
            (below >= 0.99) & (top > heights + DEEP) & (visibility > CLEAR_VIEW),
            "cloud_below_top_altitude",
            "visibility_in_air",
        )
        weather = column("present_weather")
        fog_reported = ((weather >= 42) & (weather <= 49)) | ((weather >= 130) & (weather <= 135))
        mark(fog_reported & (visibility > FOG_VISIBILITY), "present_weather", "visibility_in_air")
        mark((column("snow_depth") >= GRASS) & (temperature > WARM), "snow_depth")
    return found


def humidity_range(temperature: Floats, dew_point: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and highest humidity [1] consistent with temperature and dew point [K].

    Below freezing some instruments relate humidity to ice, and some report the frost point: either
    is allowed.
    Source: WMO-No. 8 (2021), vol. I, ch. 4, annex 4.B.
    """
    water, vapour = saturation_vapour_pressure(temperature), saturation_vapour_pressure(dew_point)
    low = np.minimum(vapour, _over_ice(dew_point)) / water
    return low, vapour / np.minimum(water, _over_ice(temperature))


def _over_ice(temperature: Floats) -> Floats:
    """Return the vapour pressure [Pa] over ice, above freezing over water.

    Source: WMO-No. 8 (2021), vol. I, annex 4.B.
    """
    celsius = np.minimum(temperature - FREEZING, 0.0)
    over_ice = 611.2 * np.exp(22.46 * celsius / (272.62 + celsius))
    return np.where(temperature < FREEZING, over_ice, saturation_vapour_pressure(temperature))
