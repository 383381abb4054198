"""Units in which stations report, and their conversion to SI."""

from __future__ import annotations

from collections.abc import Mapping

from forecast.observations.formats.columns import UNIT_SPELLINGS
from forecast.quantities import ELEMENTS, STATES

# SI unit -> unit -> (factor, offset): SI = value * factor + offset.
# fmt: off
_CONVERSIONS: dict[str, dict[str, tuple[float, float]]] = {
    "K": {"K": (1, 0), "degC": (1, 273.15), "0.1degC": (0.1, 273.15),
          "degF": (5 / 9, 273.15 - 160 / 9)},
    "Pa": {"Pa": (1, 0), "hPa": (100, 0), "0.1hPa": (10, 0), "mbar": (100, 0), "kPa": (1000, 0),
           "mmHg": (133.322387415, 0)},
    "m": {"m": (1, 0), "km": (1000, 0), "cm": (0.01, 0), "mm": (0.001, 0), "0.1km": (100, 0),
          "ft": (0.3048, 0)},
    "m s-1": {"m/s": (1, 0), "0.1m/s": (0.1, 0), "km/h": (1 / 3.6, 0), "kt": (1852 / 3600, 0)},
    "degree": {"degree": (1, 0)},
    "kg m-2": {"mm": (1, 0), "0.1mm": (0.1, 0), "cm": (10, 0), "in": (25.4, 0)},
    "s": {"s": (1, 0), "min": (60, 0), "h": (3600, 0), "0.1h": (360, 0)},
    "kg m-3": {"kg/m3": (1, 0), "mg/m3": (1e-6, 0), "ug/m3": (1e-9, 0)},
    "m-3": {"m-3": (1, 0), "cm-3": (1e6, 0)},
    "mag arcsec-2": {"mag/arcsec2": (1, 0)},
}
# fmt: on
_FRACTION = {"1": (1.0, 0.0), "%": (0.01, 0.0), "tenths": (0.1, 0.0), "oktas": (0.125, 0.0)}
_CODE = {"1": (1.0, 0.0)}

# Other spellings, in lower case and with superscripts as digits.
_SPELLINGS = {
    "c": "degC",
    "\u2103": "degC",
    "\u00b0c": "degC",
    "celsius": "degC",
    "f": "degF",
    "\u2109": "degF",
    "\u00b0f": "degF",
    "mb": "mbar",
    "percent": "%",
    "%rh": "%",
    "m s-1": "m/s",
    "ms-1": "m/s",
    "kmh": "km/h",
    "kph": "km/h",
    "kn": "kt",
    "knots": "kt",
    "deg": "degree",
    "\u00b0": "degree",
    "degrees": "degree",
    "kg m-2": "mm",
    "kg m-3": "kg/m3",
    "mg m-3": "mg/m3",
    "ug m-3": "ug/m3",
    "\u03bcg/m3": "ug/m3",
    "\u00b5g/m3": "ug/m3",
    "ions/cm3": "cm-3",
    "/cm3": "cm-3",
    "1/cm3": "cm-3",
    "1/m3": "m-3",
    "minutes": "min",
    "hours": "h",
    "seconds": "s",
    "mag arcsec-2": "mag/arcsec2",
    "mpsas": "mag/arcsec2",
    "mag": "mag/arcsec2",
    "octas": "oktas",
    "okta": "oktas",
    "feet": "ft",
    "inch": "in",
} | UNIT_SPELLINGS
_EXACT = {
    spelled.lower(): spelled for table in (*_CONVERSIONS.values(), _FRACTION) for spelled in table
}

# The unit of a table's column that names none.
# fmt: off
DEFAULT_UNITS: dict[str, str] = {
    "air_temperature": "degC", "dew_point_temperature": "degC", "relative_humidity": "%",
    "air_pressure": "hPa",
    "air_pressure_at_mean_sea_level": "hPa", "wind_speed": "m/s", "wind_from_direction": "degree",
    "wind_speed_of_gust": "m/s",
    "precipitation_amount": "mm", "visibility_in_air": "m", "cloud_area_fraction": "%",
    "low_cloud_area_fraction": "%",
    "cloud_base_height": "m", "cloud_below_area_fraction": "%", "cloud_below_top_altitude": "m",
    "snow_depth": "cm", "present_weather": "1", "ground_state": "1", "rime_observed": "1",
    "glaze_observed": "1",
    "sunshine_duration": "min", "mass_concentration_of_pm2p5": "ug/m3",
    "negative_oxygen_ions": "cm-3",
    "zenith_sky_brightness": "mag/arcsec2",
}
# fmt: on


def units_of(element: str) -> dict[str, tuple[float, float]]:
    """Return the units of an element: unit -> (factor, offset) to SI."""
    if element == "present_weather" or element in STATES:
        return _CODE
    unit = ELEMENTS[element].unit
    return _FRACTION if unit == "1" else _CONVERSIONS[unit]


def conversion(element: str, unit: str = "") -> tuple[float, float]:
    """Return (factor, offset) that convert `element` from `unit` ("": the default) to SI.

    Raises: ValueError, with the known units.
    """
    known = units_of(element)
    plain = unit.strip().lower().replace("\u00b3", "3").replace("\u00b2", "2")
    name = _SPELLINGS.get(plain) or _EXACT.get(plain, "") if plain else DEFAULT_UNITS[element]
    if name not in known:
        raise ValueError(f"{element} has no unit of this name; known are {', '.join(known)}")
    return known[name]


def beyond_limits(values: Mapping[str, float]) -> dict[str, str]:
    """Return the values (SI) that no station can measure: element -> value and limits in words."""
    found: dict[str, str] = {}
    for name, value in values.items():
        element, unit = ELEMENTS[name], DEFAULT_UNITS[name]
        if not element.low <= value <= element.high:
            factor, offset = conversion(name)
            given, low, high = (
                (each - offset) / factor for each in (value, element.low, element.high)
            )
            unit = "" if unit == "1" else f" {unit}"
            found[name] = f"{name} {given:.6g}{unit} is not within {low:.6g} to {high:.6g}{unit}"
    return found
