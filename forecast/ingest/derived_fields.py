"""What physics can derive of what a model does not give: a table of rules, each used only where the
model itself is silent.

`complete` fills an atmosphere and names what it filled; `derivable` says from names alone what it
could fill; `join_aerosol` lays another model's aerosol over an atmosphere. Nothing that a model
gives is touched, and what is unknown stays NaN.

Decided here:
- Relative humidity is that over water above 0 degC, over ice below -23 degC and mixed between,
  aloft and at 2 m, as ECMWF's own. GFS's is so too, at 2 m as well (over the globe's air below -10
  degC its mean differs by 0.004 from this, by 0.21 from that over water): what was learned on the
  one reads the other alike. A dew point is over water, as ECMWF and stations tell it.
- Cloud by level from humidity is the weakest of the rules. It is held to the cover that the model
itself gives, of its three layers or of
  the whole sky: the column's humidity is shifted until the overlap of its levels covers as much.
  Only the cover of a moment counts: held to means over six hours, cloud by level agrees worse with
  GFS's own (correlation 0.85, or 0.75 by layers) than held to none (0.92).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.domain import Atmosphere
from forecast.quantities import DEFAULT_FIELDS, FIELDS, FREEZING
from forecast.science.interpolation import LAYERS
from forecast.science.thermodynamics import (
    DRY_AIR_CONSTANT,
    GRAVITY,
    Array,
    cloud_from_humidity,
    maximum_random_overlap,
)

VAPOUR = 0.622  # molar mass of water to that of dry air
# [K] above the first saturation is over water, below the second over ice
TRIPLE, ALL_ICE = 273.16, 250.16

# of relative humidity, by which a column is moved at most to give the cover that the model tells
MOST_SHIFT = 1.2
HALVINGS = 16  # finds the shift to 4e-5, the cover to 0.02 where it is nearly whole
NO_COVER = 0.005  # less than the packing of a cover tells

GROUND = ("surface_altitude", "surface_geopotential")  # stand still, and may be given once in a run
CLOUD = "cloud_area_fraction_in_atmosphere_layer"
TOTAL = "cloud_area_fraction"
AEROSOL = "atmosphere_optical_thickness_due_to_ambient_aerosol_particles"
LONGEST_GAP_HOURS = 12.0  # neighbouring fields of aerosol further apart are not joined


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field of the catalogue follows from others; what is told of it stands in the table of
    sources.
    """

    makes: str
    of: tuple[str, ...]
    how: Callable[[Atmosphere], Array]
    told: str


def derivable(given: Collection[str]) -> dict[str, Rule]:
    """Return what can be derived from the fields `given`, by name, with the rule that would be
    used.
    """
    found: dict[str, Rule] = {}
    for rule in RULES:
        known = {*given, *found}
        if rule.makes not in known and known.issuperset(rule.of):
            found[rule.makes] = rule
    return found


def complete(atmosphere: Atmosphere) -> Atmosphere:
    """Return `atmosphere` with all that the rules can derive from it.

    Attributes: `derived`, the fields that were; `absent`, those of the catalogue that still are,
    and those that were asked for and are; `estimates`, ids of what a reader should know (words:
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
        if all(_at_moments(atmosphere, name) for name in _OWN_COVERS.values())
        else "cloud_from_humidity"
    ]


# -- heights


def _height(atmosphere: Atmosphere) -> Array:
    return atmosphere["geopotential"].values / np.float32(GRAVITY)


def _surface_altitude(atmosphere: Atmosphere) -> Array:
    return atmosphere["surface_geopotential"].values / np.float32(GRAVITY)


def _still(values: Array) -> Array:
    """Return a field (time, latitude, longitude) that stands still in which its median over time
    fills the times without it.
    """
    known = np.isfinite(values).any(axis=0)
    middle = np.full(values.shape[1:], np.nan, dtype=values.dtype)
    middle[known] = np.nanmedian(values[:, known], axis=0)
    return np.where(np.isnan(values), middle, values)


def _hydrostatic_height(atmosphere: Atmosphere) -> Array:
    """Return the heights of the levels [m], integrated from the model's ground up and down, the
    virtual temperature linear in ln p.

    A level without temperature has no height; the air below the lowest known temperature of a
    column is taken to be as warm as that.
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
    """Return the height of the model's ground [m]: where its profile of heights has the surface
    pressure, the same at every time.
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
    """Return the height (time, latitude, longitude) [m] at which profiles (time, level, ...) have
    `pressure` [Pa].

    Between two levels, and beyond the lowest, temperature is linear in ln p, which bends the
    height.
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
    """Return (time, latitude, longitude) of (time, level, latitude, longitude) at a level of each
    column.
    """
    return np.take_along_axis(values, level[:, None], axis=1)[:, 0]


def _log_pressure(atmosphere: Atmosphere) -> Array:
    return np.log(atmosphere["level"].values).astype(np.float32)


def _filled_from_above(values: Array) -> Array:
    """Return profiles (time, level, ...) in which an unknown level has the value of the next known
    one above it.
    """
    filled = values.copy()
    for level in range(values.shape[1] - 2, -1, -1):
        filled[:, level] = np.where(
            np.isnan(filled[:, level]), filled[:, level + 1], filled[:, level]
        )
    return filled


# -- moisture


def saturation_over_water(temperature: Array) -> Array:
    """Return the vapour pressure [Pa] over water at `temperature` [K]. Source: IFS Documentation
    CY45R1, Part IV, eq. 7.5 (Tetens).
    """
    return 611.21 * np.exp(17.502 * (temperature - TRIPLE) / (temperature - 32.19))


def saturation_mixed(temperature: Array) -> Array:
    """Return the vapour pressure [Pa] over water, over ice, or between, at `temperature` [K], as
    ECMWF's relative humidity has it.

    Source: IFS Documentation CY45R1, Part IV, p. 116: over water above 273.16 K, over ice below
    250.16 K, squared between.
    """
    ice = 611.21 * np.exp(22.587 * (temperature - TRIPLE) / (temperature + 0.7))
    share = np.clip((temperature - ALL_ICE) / (TRIPLE - ALL_ICE), 0, 1) ** 2
    mixed: Array = share * saturation_over_water(temperature) + (1 - share) * ice
    return mixed


def _humidity(atmosphere: Atmosphere) -> Array:
    """Return relative humidity [1] from specific humidity. Source: Wallace & Hobbs 2006, eq. 3.59
    and 3.64.
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
    """Return the virtual temperature [K]; the plain one where no humidity is known."""
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
    """Return the water vapour of the column [kg m-2]: each level stands for the air half-way to its
    neighbours, the lowest for all below.

    Levels without a value count for nothing; a column without any is NaN.
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
    """Return the lowest height [m] at which the air falls below 0 degC on the way up, from 2 m over
    the ground where that is known.

    NaN where it is cold from the ground up, or warm to the last level.
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
    """Return the depth of the snow [m]: its water over its density; no snow has no depth, whatever
    its density.
    """
    amount, density = (
        atmosphere["surface_snow_amount"].values,
        atmosphere["surface_snow_density"].values,
    )
    return np.where(amount == 0, np.float32(0), amount / np.where(density > 0, density, np.nan))


# -- cloud

_OWN_COVERS = {layer: f"{layer}_type_cloud_area_fraction" for layer in LAYERS}


def _cloud(atmosphere: Atmosphere) -> Array:
    """Return cloud by level [1] (time, level, latitude, longitude) from humidity, held to the
    covers that the model gives.

    There is none underground. The humidity at which cloud begins is measured, see
    CRITICAL_HUMIDITY.
    """
    humidity = np.moveaxis(atmosphere["relative_humidity"].values, 1, -1)
    pressure = atmosphere["level"].values.astype(np.float32)
    lowest = np.full(humidity.shape[:-1], pressure.max())
    ground = (
        atmosphere["surface_air_pressure"].values
        if "surface_air_pressure" in atmosphere
        else lowest
    )
    air = np.where(pressure > ground[..., None], np.float32(-MOST_SHIFT), humidity)
    cloud = np.full(air.shape, np.nan, dtype=np.float32)
    for levels, target in _covers(atmosphere, pressure):
        part = air[..., levels]
        shift = (
            np.zeros(part.shape[:-1], dtype=np.float32) if target is None else _shift(part, target)
        )
        cloud[..., levels] = cloud_from_humidity(part + shift[..., None])
    return np.moveaxis(np.where(np.isnan(humidity), np.nan, cloud), -1, 1)


def _covers(
    atmosphere: Atmosphere, pressure: Array
) -> Sequence[tuple[NDArray[np.intp], Array | None]]:
    """Return which levels together have which cover (time, latitude, longitude) [1] by the model's
    word; None: it says nothing of them.
    """
    whole = np.arange(len(pressure))
    if all(_at_moments(atmosphere, name) for name in _OWN_COVERS.values()):
        parts = {
            layer: np.flatnonzero((pressure > low) & (pressure <= high))
            for layer, (low, high) in LAYERS.items()
        }
        rest = np.setdiff1d(whole, np.concatenate(list(parts.values())))
        return [
            *(
                (levels, atmosphere[_OWN_COVERS[layer]].values)
                for layer, levels in parts.items()
                if levels.size
            ),
            (rest, None),
        ]
    return [(whole, atmosphere[TOTAL].values if _at_moments(atmosphere, TOTAL) else None)]


def _at_moments(atmosphere: Atmosphere, name: str) -> bool:
    """Tell whether a field is there and stands for moments, not for spans of time."""
    return name in atmosphere and f"{name}_start" not in atmosphere


def _shift(humidity: Array, target: Array) -> Array:
    """Return by how much the humidity of columns (..., level) is to be shifted for their levels to
    cover `target` (...) [1] in overlap.

    No shift where the target or the whole column is unknown.
    """
    low, high = (
        np.full(target.shape, -MOST_SHIFT, dtype=np.float32),
        np.full(target.shape, MOST_SHIFT, dtype=np.float32),
    )
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        enough = maximum_random_overlap(cloud_from_humidity(humidity + middle[..., None])) >= target
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    found = np.where(target < NO_COVER, np.float32(-2 * MOST_SHIFT), high)
    return np.where(np.isnan(target) | np.isnan(humidity).all(axis=-1), np.float32(0), found)


# fmt: off
RULES = (
    Rule("geopotential_height", ("geopotential",), _height, "geopotential over 9.80665 m s-2"),
    Rule("surface_altitude", ("surface_geopotential",), _surface_altitude,
         "geopotential of the ground over 9.80665 m s-2"),
    Rule("relative_humidity", ("specific_humidity", "air_temperature"), _humidity,
         "specific humidity; over water, ice or between (IFS)"),
    Rule("relative_humidity_at_2m", ("dew_point_temperature_at_2m", "air_temperature_at_2m"),
         _humidity_at_2m, "dew point"),
    Rule("geopotential_height", ("air_temperature", "surface_air_pressure", "surface_altitude"),
         _hydrostatic_height,
         "hydrostatic, from the ground up"),
    Rule("surface_altitude", ("geopotential_height", "air_temperature", "surface_air_pressure"),
         _altitude_of_pressure,
         "where the profile has the surface pressure"),
    Rule("atmosphere_mass_content_of_water_vapor",
         ("relative_humidity", "air_temperature", "surface_air_pressure"), _water_vapour,
         "humidity summed over the levels"),
    Rule("freezing_level_altitude", ("air_temperature", "geopotential_height"), _freezing_level,
         "where the profile crosses 0 degC first"),
    Rule("surface_snow_thickness", ("surface_snow_amount", "surface_snow_density"), _snow_depth,
         "water of the snow over its density"),
    Rule(CLOUD, ("relative_humidity",), _cloud,
         "humidity (Sundqvist 1989), held to the model's own cover"),
)
# fmt: on


# -- another model's aerosol


def join_aerosol(atmosphere: Atmosphere, aerosol: Atmosphere) -> Atmosphere:
    """Return `atmosphere` with the aerosol optical thickness of `aerosol`, linear in time and
    space; NaN beyond it and beside a NaN.

    Fields more than 12 h apart are not joined; a grid around the whole globe has no seam. What
    `atmosphere` has of it already stays: only its gaps are filled. Where `aerosol` has none,
    nothing changes.
    """
    if AEROSOL not in aerosol:
        return atmosphere
    values = aerosol[AEROSOL].transpose("time", "latitude", "longitude").values
    west, known = aerosol["longitude"].values[0], aerosol["time"].values
    # degrees east of `west`
    theirs, ours = (
        np.round((each["longitude"].values - west) % 360, 6) % 360 for each in (aerosol, atmosphere)
    )
    if len(theirs) > 1 and theirs[-1] + np.diff(theirs).max() * 1.001 >= 360:
        theirs, values = np.append(theirs, 360.0), np.concatenate([values, values[..., :1]], axis=2)
    values = _along(values, theirs, ours, axis=2)
    values = _along(values, aerosol["latitude"].values, atmosphere["latitude"].values, axis=1)
    told, asked = (
        (times - known[0]) / np.timedelta64(1, "h") for times in (known, atmosphere["time"].values)
    )
    values = _along(values, told, asked, axis=0, longest=LONGEST_GAP_HOURS)
    if AEROSOL in atmosphere:
        own = atmosphere[AEROSOL].values
        values = np.where(np.isnan(own), values, own)
    about = {"units": "1", "joined_from": str(aerosol.attrs.get("cycle", ""))}
    joined = atmosphere.assign(
        {AEROSOL: xr.Variable(("time", "latitude", "longitude"), values.astype(np.float32), about)}
    )
    return joined.assign_attrs(
        absent=[name for name in atmosphere.attrs.get("absent", ()) if name != AEROSOL]
    )


def _along(values: Array, known: Array, wanted: Array, axis: int, longest: float = np.inf) -> Array:
    """Interpolate linearly along one axis, from points `known`, rising, to `wanted`; NaN outside
    and in gaps longer than `longest`.
    """
    place = np.interp(wanted, known, np.arange(len(known)), left=np.nan, right=np.nan)
    inside = np.isfinite(place)
    low = np.floor(np.where(inside, place, 0)).astype(np.intp)
    high = np.minimum(low + 1, len(known) - 1)
    shape = [-1 if n == axis else 1 for n in range(values.ndim)]
    share = (place - low).reshape(shape)
    usable = (inside & ((known[high] - known[low] <= longest) | (place == low))).reshape(shape)
    first, second = values.take(low, axis), values.take(high, axis)
    return np.where(
        usable, np.where(share == 0, first, first * (1 - share) + second * share), np.nan
    )
