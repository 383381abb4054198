"""Derive the fields that a model lacks: a table of rules, each used only where a field is missing.

`complete` fills an atmosphere and names what it derives; `derivable` lists from names alone what
could be derived. Fields of the model are never changed, and what is unknown stays NaN.

Relative humidity is that of ECMWF, aloft and at 2 m: over water above 0 degC, over ice below
-23 degC, mixed between. GFS agrees: below -10 degC its global mean at 2 m differs by 0.004 from
this definition, and by 0.21 from that over water. So models trained on one read the other alike. A
dew point is over water, as at ECMWF and at stations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.domain import Atmosphere
from forecast.ingest.cloud_by_level import CLOUD, LAYER_COVERS, cloud_by_level, is_instantaneous
from forecast.quantities import DEFAULT_FIELDS, FIELDS, FREEZING
from forecast.science.thermodynamics import DRY_AIR_CONSTANT, GRAVITY, Array

VAPOUR = 0.622  # molar mass of water to that of dry air
# [K] above the first saturation is over water, below the second over ice
TRIPLE, ALL_ICE = 273.16, 250.16

GROUND = ("surface_altitude", "surface_geopotential")  # constant; a run may have them once


@dataclass(frozen=True, slots=True)
class DerivationRule:
    """How a field of the catalogue is derived from others; the description is for the docs."""

    makes: str
    of: tuple[str, ...]
    how: Callable[[Atmosphere], Array]
    description: str


def derivable(given: Collection[str]) -> dict[str, DerivationRule]:
    """Return the rule for each field that can be derived from the fields `given`."""
    found: dict[str, DerivationRule] = {}
    for rule in RULES:
        known = {*given, *found}
        if rule.makes not in known and known.issuperset(rule.of):
            found[rule.makes] = rule
    return found


def complete(atmosphere: Atmosphere) -> Atmosphere:
    """Return `atmosphere` with all fields that the rules can derive.

    Attributes: `derived`, the fields that were derived; `absent`, the fields of the catalogue and
    those requested that are still missing; `estimates`, ids of what readers should know (texts:
    templates/text, `missing`).
    """
    rules = derivable([str(name) for name in atmosphere.data_vars])
    still = {
        name: atmosphere[name].copy(data=_still(atmosphere[name].values))
        for name in GROUND
        if name in atmosphere
    }
    atmosphere = atmosphere.assign(still)
    for name, rule in rules.items():
        field = FIELDS[name]
        values = np.clip(
            rule.how(atmosphere), np.float32(field.low), np.float32(field.high)
        ).astype(np.float32)
        dimensions = (
            ("time", "level", "latitude", "longitude")
            if field.levels
            else ("time", "latitude", "longitude")
        )
        about = {"units": field.unit, "derived_from": ", ".join(rule.of)}
        atmosphere = atmosphere.assign({name: xr.Variable(dimensions, values, about)})
    wanted = dict.fromkeys(
        [*(field.name for field in DEFAULT_FIELDS), *atmosphere.attrs.get("absent", ())]
    )
    absent = [name for name in wanted if name not in atmosphere]
    return atmosphere.assign_attrs(
        derived=list(rules), absent=absent, estimates=_estimates(atmosphere, rules)
    )


def _estimates(atmosphere: Atmosphere, rules: Collection[str]) -> list[str]:
    if CLOUD not in rules:
        return []
    return [
        "cloud_from_layers"
        if all(is_instantaneous(atmosphere, name) for name in LAYER_COVERS.values())
        else "cloud_from_humidity"
    ]


# -- heights


def _height(atmosphere: Atmosphere) -> Array:
    return atmosphere["geopotential"].values / np.float32(GRAVITY)


def _surface_altitude(atmosphere: Atmosphere) -> Array:
    return atmosphere["surface_geopotential"].values / np.float32(GRAVITY)


def _still(values: Array) -> Array:
    """Return a constant field (time, latitude, longitude) with its median at the missing times."""
    known = np.isfinite(values).any(axis=0)
    middle = np.full(values.shape[1:], np.nan, dtype=values.dtype)
    middle[known] = np.nanmedian(values[:, known], axis=0)
    return np.where(np.isnan(values), middle, values)


def _hydrostatic_height(atmosphere: Atmosphere) -> Array:
    """Return the heights of the levels [m], integrated from the model's ground up and down.

    Virtual temperature is linear in ln p. A level without temperature has no height; the air below
    the lowest known temperature of a column has that temperature.

    Source: Wallace & Hobbs 2006, Atmospheric Science, eq. 3.29 (hypsometric equation).
    """
    warmth = _virtual_temperature(atmosphere)
    rows = np.flatnonzero(np.isfinite(warmth).any(axis=(0, 2, 3)))
    result = np.full(warmth.shape, np.nan, dtype=np.float32)
    if len(rows) < 2:
        return result
    air = _filled_from_above(warmth[:, rows])
    depth = -np.diff(_log_pressure(atmosphere)[rows])[:, None, None]
    steps = DRY_AIR_CONSTANT / GRAVITY * (air[:, 1:] + air[:, :-1]) / 2 * depth
    above_first = np.concatenate([np.zeros_like(air[:, :1]), np.cumsum(steps, axis=1)], axis=1)
    ground = _at_pressure(
        above_first, air, _log_pressure(atmosphere)[rows], atmosphere["surface_air_pressure"].values
    )
    height = above_first + (atmosphere["surface_altitude"].values - ground)[:, None]
    result[:, rows] = np.where(np.isnan(warmth[:, rows]), np.nan, height)
    return result


def _altitude_of_pressure(atmosphere: Atmosphere) -> Array:
    """Return the height of the model's ground [m], the same at every time.

    It is the height at which the profile of heights has the surface pressure.
    """
    warmth, height = _virtual_temperature(atmosphere), atmosphere["geopotential_height"].values
    rows = np.flatnonzero((np.isfinite(warmth) & np.isfinite(height)).any(axis=(0, 2, 3)))
    if len(rows) < 2:
        return np.full(warmth[:, 0].shape, np.nan, dtype=np.float32)
    pressure = atmosphere["surface_air_pressure"].values
    found = _at_pressure(
        height[:, rows], warmth[:, rows], _log_pressure(atmosphere)[rows], pressure
    )
    return np.broadcast_to(
        _still(np.concatenate([found, np.full_like(found[:1], np.nan)]))[-1], found.shape
    )


def _at_pressure(height: Array, warmth: Array, log_pressure: Array, pressure: Array) -> Array:
    """Return the height (time, latitude, longitude) [m] at which profiles have `pressure` [Pa].

    The profiles are (time, level, ...). Between two levels, and below the lowest, temperature is
    linear in ln p, so height is not.
    """
    wanted = np.log(pressure)
    below = (log_pressure[:, None, None] >= wanted[:, None]).sum(axis=1) - 1
    below = np.clip(below, 0, len(log_pressure) - 2)
    above = below + 1
    first, second = _level(warmth, below), _level(warmth, above)
    depth, part = log_pressure[below] - log_pressure[above], log_pressure[below] - wanted
    whole = (first + second) / 2 * depth
    share = (first * part + (second - first) * part**2 / (2 * depth)) / whole
    low, high = _level(height, below), _level(height, above)
    result: Array = low + (high - low) * share
    return result


def _level(values: Array, level: NDArray[np.intp]) -> Array:
    """Return (time, latitude, longitude) of (time, level, ...) at one level of each column."""
    return np.take_along_axis(values, level[:, None], axis=1)[:, 0]


def _log_pressure(atmosphere: Atmosphere) -> Array:
    return np.log(atmosphere["level"].values).astype(np.float32)


def _filled_from_above(values: Array) -> Array:
    """Return profiles (time, level, ...) with the next known value above at unknown levels."""
    filled = values.copy()
    for level in range(values.shape[1] - 2, -1, -1):
        filled[:, level] = np.where(
            np.isnan(filled[:, level]), filled[:, level + 1], filled[:, level]
        )
    return filled


# -- moisture


def saturation_over_water(temperature: Array) -> Array:
    """Return the saturation vapour pressure [Pa] over water at `temperature` [K].

    Source: IFS Documentation CY45R1, Part IV, eq. 7.5 (Tetens).
    """
    return 611.21 * np.exp(17.502 * (temperature - TRIPLE) / (temperature - 32.19))


def saturation_mixed(temperature: Array) -> Array:
    """Return the saturation vapour pressure [Pa] at `temperature` [K] of ECMWF's relative humidity.

    Source: IFS Documentation CY45R1, Part IV, p. 116: over water above 273.16 K, over ice below
    250.16 K, squared between.
    """
    ice = 611.21 * np.exp(22.587 * (temperature - TRIPLE) / (temperature + 0.7))
    share = np.clip((temperature - ALL_ICE) / (TRIPLE - ALL_ICE), 0, 1) ** 2
    mixed: Array = share * saturation_over_water(temperature) + (1 - share) * ice
    return mixed


def _humidity(atmosphere: Atmosphere) -> Array:
    """Return relative humidity [1] from specific humidity.

    Source: Wallace & Hobbs 2006, eq. 3.59 and 3.64.
    """
    specific = np.maximum(atmosphere["specific_humidity"].values, 0)
    pressure = atmosphere["level"].values.astype(np.float32)[:, None, None]
    vapour = specific * pressure / (VAPOUR + (1 - VAPOUR) * specific)
    return vapour / saturation_mixed(atmosphere["air_temperature"].values)


def _specific_humidity(atmosphere: Atmosphere) -> Array:
    """Return the specific humidity [1]: the model's own, else from its relative humidity."""
    if "specific_humidity" in atmosphere:
        return np.maximum(atmosphere["specific_humidity"].values, 0)
    vapour = atmosphere["relative_humidity"].values * saturation_mixed(
        atmosphere["air_temperature"].values
    )
    pressure = atmosphere["level"].values.astype(np.float32)[:, None, None]
    specific: Array = VAPOUR * vapour / (pressure - (1 - VAPOUR) * np.minimum(vapour, pressure / 2))
    return specific


def _virtual_temperature(atmosphere: Atmosphere) -> Array:
    """Return the virtual temperature [K]; the temperature itself where humidity is unknown."""
    temperature: Array = atmosphere["air_temperature"].values
    if "specific_humidity" not in atmosphere and "relative_humidity" not in atmosphere:
        return temperature
    return temperature * (
        1 + np.float32(1 / VAPOUR - 1) * np.nan_to_num(_specific_humidity(atmosphere))
    )


def _humidity_at_2m(atmosphere: Atmosphere) -> Array:
    dew_point, temperature = (
        atmosphere[f"{name}_at_2m"].values for name in ("dew_point_temperature", "air_temperature")
    )
    return saturation_over_water(np.minimum(dew_point, temperature)) / saturation_mixed(temperature)


def _water_vapour(atmosphere: Atmosphere) -> Array:
    """Return the water vapour of the column [kg m-2].

    Each level represents the air half-way to its neighbours, the lowest all air below. Levels
    without a value add nothing; a column without any is NaN.
    """
    specific, ground = _specific_humidity(atmosphere), atmosphere["surface_air_pressure"].values
    rows = np.flatnonzero(np.isfinite(specific).any(axis=(0, 2, 3)))
    pressure = atmosphere["level"].values[rows].astype(np.float32)
    edges = np.concatenate([[np.inf], (pressure[1:] + pressure[:-1]) / 2, pressure[-1:]]).astype(
        np.float32
    )
    total = np.zeros_like(ground)
    for place, level in enumerate(rows):
        depth = np.minimum(edges[place], ground) - np.minimum(edges[place + 1], ground)
        total += np.nan_to_num(specific[:, level]) * depth / np.float32(GRAVITY)
    return np.where(np.isfinite(specific).any(axis=1), total, np.nan)


def _freezing_level(atmosphere: Atmosphere) -> Array:
    """Return the lowest height [m] at which the air becomes colder than 0 degC with height.

    The profile starts at 2 m above the ground where that is known. NaN where it is cold from the
    ground up, or warm to the last level.
    """
    temperature, height = (
        atmosphere["air_temperature"].values,
        atmosphere["geopotential_height"].values,
    )
    known = np.isfinite(temperature) & np.isfinite(height)
    found = np.full(temperature[:, 0].shape, np.nan, dtype=np.float32)
    warmth, reached = found.copy(), found.copy()  # of the last known level
    if "surface_altitude" in atmosphere:
        reached = atmosphere["surface_altitude"].values
        known &= height > reached[:, None]
        warmth = (
            atmosphere["air_temperature_at_2m"].values
            if "air_temperature_at_2m" in atmosphere
            else warmth
        )
    for level in range(temperature.shape[1]):
        air, tall, here = temperature[:, level], height[:, level], known[:, level]
        crossed = here & np.isnan(found) & (warmth >= FREEZING) & (air < FREEZING)
        share = (warmth - FREEZING) / np.where(crossed, warmth - air, 1)
        found = np.where(crossed, reached + share * (tall - reached), found)
        warmth, reached = np.where(here, air, warmth), np.where(here, tall, reached)
    return found


def _snow_depth(atmosphere: Atmosphere) -> Array:
    """Return the depth of the snow [m]: its water over its density; without snow it is 0."""
    amount, density = (
        atmosphere["surface_snow_amount"].values,
        atmosphere["surface_snow_density"].values,
    )
    return np.where(amount == 0, np.float32(0), amount / np.where(density > 0, density, np.nan))


RULES = (
    DerivationRule(
        "geopotential_height", ("geopotential",), _height, "geopotential over 9.80665 m s-2"
    ),
    DerivationRule(
        "surface_altitude",
        ("surface_geopotential",),
        _surface_altitude,
        "geopotential of the ground over 9.80665 m s-2",
    ),
    DerivationRule(
        "relative_humidity",
        ("specific_humidity", "air_temperature"),
        _humidity,
        "specific humidity; over water, ice or between (IFS)",
    ),
    DerivationRule(
        "relative_humidity_at_2m",
        ("dew_point_temperature_at_2m", "air_temperature_at_2m"),
        _humidity_at_2m,
        "dew point",
    ),
    DerivationRule(
        "geopotential_height",
        ("air_temperature", "surface_air_pressure", "surface_altitude"),
        _hydrostatic_height,
        "hydrostatic, from the ground up",
    ),
    DerivationRule(
        "surface_altitude",
        ("geopotential_height", "air_temperature", "surface_air_pressure"),
        _altitude_of_pressure,
        "where the profile has the surface pressure",
    ),
    DerivationRule(
        "atmosphere_mass_content_of_water_vapor",
        ("relative_humidity", "air_temperature", "surface_air_pressure"),
        _water_vapour,
        "humidity summed over the levels",
    ),
    DerivationRule(
        "freezing_level_altitude",
        ("air_temperature", "geopotential_height"),
        _freezing_level,
        "where the profile crosses 0 degC first",
    ),
    DerivationRule(
        "surface_snow_thickness",
        ("surface_snow_amount", "surface_snow_density"),
        _snow_depth,
        "water of the snow over its density",
    ),
    DerivationRule(
        CLOUD,
        ("relative_humidity",),
        cloud_by_level,
        "humidity (Sundqvist 1989), held to the model's own cover",
    ),
)
