"""Quantities of the public data: their keys with the unit, their values as pages show them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from forecast.quantities import FEATURES
from products.units import UNITS
from products.wording import LANGUAGES, read_words

# Display unit (products/units.py) -> the ending of a key, and the unit in UCUM's notation.
# fmt: off
ENDINGS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "celsius": ("degC", "Cel"), "warmth": ("K", "K"), "percent": ("percent", "%"),
    "metre": ("m", "m"), "kilometre": ("km", "km"), "visibility": ("km", "km"),
    "centimetre": ("cm", "cm"), "millimetre": ("mm", "mm"), "snow": ("mm", "mm"),
    "wind": ("m_s", "m/s"), "speed": ("m_s", "m/s"), "hour": ("h", "h"), "minute": ("min", "min"),
    "lead": ("d", "d"), "degree": ("deg", "deg"), "azimuth": ("deg", "deg"),
    "magnitude": ("mag", "[mag]"), "brightness": ("mag_arcsec2", "[mag]/[arcsec]2"),
    "energy": ("J_kg", "J/kg"), "per_hour": ("percent_per_hour", "%/h"),
    "sinking": ("Pa_s", "Pa/s"),
    "chance": ("percent", "%"), "ratio": ("ratio", "1"), "of_four": ("count", "1"),
    "plain": ("index", "1"), "snow_class": ("class", "1"), "precipitation_kind": ("class", "1"),
})
# Our feature -> the name in the standard name table of CF, where it is the same quantity.
STANDARD_NAMES: Mapping[str, str] = MappingProxyType({
    "temperature_at_site": "air_temperature", "temperature_minimum": "air_temperature",
    "wind_speed_at_site": "wind_speed", "gust": "wind_speed_of_gust",
    "precipitation": "precipitation_amount", "visibility": "visibility_in_air",
    "convective_energy": "atmosphere_convective_available_potential_energy",
    "new_snow": "thickness_of_snowfall_amount", "snow_depth": "surface_snow_thickness",
    "snow_water": "snowfall_amount", "sun_azimuth": "solar_azimuth_angle",
    "deck_top": "cloud_top_altitude", "deck_base": "cloud_base_altitude",
})
# fmt: on


def key_of(feature: str) -> str:
    """Return the key of a feature: its name, ending in the unit in which readers see it."""
    ending = ENDINGS[unit_of(feature)][0]
    return feature if feature.endswith(f"_{ending}") else f"{feature}_{ending}"


def quantities(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return features (SI) under their keys, as pages show them; null where unknown."""
    return {key_of(name): shown(name, v) for name, v in values.items() if name in FEATURES}


def unit_of(feature: str) -> str:
    return read_words(LANGUAGES[0])[f"feature.{feature}.unit"]


def shown(feature: str, value: float) -> float | None:
    return UNITS[unit_of(feature)].shown(value) if math.isfinite(value) else None
