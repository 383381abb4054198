"""Which field of our catalogue a group of GRIB messages gives, and what is doubtful about it.

By the catalogue's own keys first, then by the tables of the settings' models, then by the short
name that ecCodes knows. Each guess by name becomes a key of its own in the suggested table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from forecast.commands.grib_groups import HEIGHT, PRESSURE, TOP, Group
from forecast.ingest.grib.plausibility import degrees
from forecast.ingest.grib.reader import TABLE, WMO_TABLES, is_read
from forecast.ingest.matching import holds
from forecast.quantities import FIELDS, Field

ECMWF = 98
# Kinds of level of what is given once: the ground, the whole atmosphere, mean sea level, a height.
SINGLE = (1, 8, 10, 101, 102, HEIGHT, 105, 200)
SURFACE_NAMES = {  # short name of ecCodes -> our field; a profile's on pressure levels
    "2t": "air_temperature_at_2m",
    "2d": "dew_point_temperature_at_2m",
    "2r": "relative_humidity_at_2m",
    "10u": "eastward_wind_at_10m",
    "10v": "northward_wind_at_10m",
    "sp": "surface_air_pressure",
    "msl": "air_pressure_at_mean_sea_level",
    "prmsl": "air_pressure_at_mean_sea_level",
    "orog": "surface_altitude",
    "z": "surface_geopotential",
    "gust": "wind_speed_of_gust",
    "i10fg": "wind_speed_of_gust",
    "vis": "visibility_in_air",
    "blh": "atmosphere_boundary_layer_thickness",
    "hpbl": "atmosphere_boundary_layer_thickness",
    "cape": "convective_available_potential_energy",
    "sde": "surface_snow_thickness",
    "sd": "surface_snow_amount",
    "sdwe": "surface_snow_amount",
    "rsn": "surface_snow_density",
    "tcwv": "atmosphere_mass_content_of_water_vapor",
    "pwat": "atmosphere_mass_content_of_water_vapor",
    "tcc": "cloud_area_fraction",
    "lcc": "low_type_cloud_area_fraction",
    "mcc": "medium_type_cloud_area_fraction",
    "hcc": "high_type_cloud_area_fraction",
    "tp": "precipitation_amount",
    "csnow": "categorical_snow",
    "crain": "categorical_rain",
    "aod550": "atmosphere_optical_thickness_due_to_ambient_aerosol_particles",
}
PROFILE_NAMES = {
    "t": "air_temperature",
    "r": "relative_humidity",
    "gh": "geopotential_height",
    "z": "geopotential",
    "q": "specific_humidity",
    "u": "eastward_wind",
    "v": "northward_wind",
    "w": "lagrangian_tendency_of_air_pressure",
    "cc": "cloud_area_fraction_in_atmosphere_layer",
    "clwc": "cloud_liquid_water_mixing_ratio",
    "clwmr": "cloud_liquid_water_mixing_ratio",
    "ciwc": "cloud_ice_mixing_ratio",
    "icmr": "cloud_ice_mixing_ratio",
}
# (unit of ecCodes, unit of the catalogue) -> factor; equal ones have factor 1.
FACTORS = {
    ("%", "1"): 0.01,
    ("(0 - 1)", "1"): 1.0,
    ("kg kg-1", "1"): 1.0,
    ("Proportion", "1"): 1.0,
    ("~", "1"): 1.0,
    ("dimensionless", "1"): 1.0,
    ("Numeric", "1"): 1.0,
    ("(Code table 4.222)", "1"): 1.0,
    ("gpm", "m"): 1.0,
    ("m", "kg m-2"): 1000.0,
    ("m of water equivalent", "kg m-2"): 1000.0,
    ("hPa", "Pa"): 100.0,
}
TINY_SUM = 0.1  # [kg m-2] a greatest sum below which it may be in metres
MANY = 4  # values that a range must be of before it proves anything


@dataclass(frozen=True, slots=True)
class Match:
    """A field of the catalogue that a group gives.

    by: `catalogue`, `model NAME` or `name`. settings: of config.yaml's table. doubts: what to check
    before the table is used.
    """

    field: Field
    by: str
    settings: dict[str, object]
    doubts: tuple[str, ...] = ()


def match(group: Group, tables: Iterable[tuple[str, tuple[Field, ...]]] = ()) -> Match | None:
    """Return the field that a group gives, None where the catalogue has none, and for what is no
    forecast (an ensemble's mean or spread, a probability): it is not read.

    tables: the models of the settings, each with its fields.
    """
    too_high = group.first.surface == PRESSURE and max(group.levels, default=0) < TOP
    if group.first.layer or too_high or not is_read(group.first):
        return None
    for field in FIELDS.values():
        if holds(group.first, field, None) and not _wrong_level(group, field):
            return _described(group, field, "catalogue")
    for model, fields in tables:
        for field in fields:
            if holds(group.first, field, None) and not _wrong_level(group, field):
                return _described(group, field, f"model {model}")
    names = PROFILE_NAMES if group.first.surface == PRESSURE else SURFACE_NAMES
    name = names.get(group.sample.short_name, "")
    layer_cloud = name.endswith("_type_cloud_area_fraction")
    if not name or not (names is PROFILE_NAMES or layer_cloud or group.first.surface in SINGLE):
        return None
    if group.first.statistic == "mean" and f"{name}_mean" in FIELDS:
        name = f"{name}_mean"
    return _described(group, FIELDS[name], "name")


def _wrong_level(group: Group, field: Field) -> bool:
    """Return whether the group stands on one height, and the field on another."""
    wanted = field.keys[0].value
    return group.first.surface == HEIGHT and wanted is not None and group.first.value != wanted


def _described(group: Group, field: Field, by: str) -> Match:
    """Return the match with the settings that the group needs, and the doubts about it."""
    first, settings, doubts = group.first, dict[str, object](), list[str]()
    if first.centre == ECMWF and first.edition == 2 and group.sample.short_name:
        levels = "pl" if first.surface == PRESSURE else "sfc"
        settings["index"] = f"{group.sample.short_name} {levels}"
    if by != "catalogue" and first.edition == 2:
        value = [first.value] if first.surface == HEIGHT else []
        settings["key"] = [*first.parameter, first.surface, *value]
    elif by != "catalogue":
        table, _, number = first.parameter
        own = TABLE * table * (table not in WMO_TABLES)
        settings["grib1"] = [number + own, first.surface]
    base = FIELDS[field.name]
    factor = _factor(group, field, base, doubts)
    if not math.isclose(factor, base.factor):
        settings["factor"] = factor
    if first.statistic != base.statistic:
        _other_statistic(group, base, settings, doubts)
    if base.levels:
        levels_hpa = [round(value / 100, 3) for value in group.levels if value >= TOP]
        settings["levels_hpa"] = levels_hpa[::-1]
    doubts += _doubtful_values(group, base, factor)
    if base.statistic == "sum":
        doubts += _doubtful_windows(group, field)
    return Match(base, by, settings, tuple(doubts))


def _factor(group: Group, field: Field, base: Field, doubts: list[str]) -> float:
    """Return what multiplies the file's values to give the catalogue's unit."""
    units = group.sample.units.replace("**", "").strip()
    if units == base.unit:
        return 1.0
    if (units, base.unit) in FACTORS:
        return FACTORS[units, base.unit]
    if units and units != "unknown":
        doubts.append(f"unit {units!r}, the catalogue has {base.unit!r}: which factor?")
    return field.factor


def _other_statistic(
    group: Group, base: Field, settings: dict[str, object], doubts: list[str]
) -> None:
    """Add what must be said where a group stands for another thing in time than the field."""
    statistic = group.first.statistic
    if statistic == "other":
        doubts.append("a statistic in time that is not read here: leave it out")
        return
    settings["statistic"] = statistic
    if statistic == "point":
        doubts.append(f"without a window in time, the catalogue has a {base.statistic}")
    else:
        doubts.append(f"a {statistic} over a window, the catalogue has a {base.statistic}")


def _doubtful_values(group: Group, field: Field, factor: float) -> list[str]:
    """Return what the range of the values makes doubtful."""
    low, high, units = group.sample.low, group.sample.high, group.sample.units
    if not math.isfinite(low):
        return (
            [f"its values are not known ({group.sample.problem})"] if group.sample.problem else []
        )
    found = f"values {low:g} to {high:g} under the unit {units!r}"
    if field.unit == "1" and math.isclose(factor, 0.01) and 0 < high <= 1.0 and low >= 0:
        return [f"{found}: a fraction, not per cent? then factor: 1"]
    if field.unit == "kg m-2" and field.statistic == "sum" and 0 < high * factor < TINY_SUM:
        return [f"{found}: metres, not millimetres? then factor: 1000"]
    if low * factor >= field.low - field.slack and high * factor <= field.high + field.slack:
        return []
    limits = f"{field.low:g} to {field.high:g} {field.unit}"
    hint = ""
    if field.unit == "1" and high > 1.5 and math.isclose(factor, 1.0):
        hint = "; per cent? then factor: 0.01"
    elif field.unit == "K" and low < high and (scale := degrees(low, high)):
        hint = f"; degrees {scale}? they are not read"
    elif field.unit == "Pa" and 300 < low < high < 1200:
        hint = "; hPa? then factor: 100"
    return [f"{found} (times {factor:g}) leave the catalogue's {limits}{hint}"]


def _doubtful_windows(group: Group, field: Field) -> list[str]:
    """Return what the windows of a sum make doubtful."""
    windows = [window for window in group.windows if window[0] < window[1]]
    if not windows:
        return []
    listed = ", ".join(f"{start:g}-{end:g}" for start, end in windows[:6])
    later = [window for window in windows if window[0] > 0]
    doubts = []
    if field.from_start and later:
        doubts.append(
            f"windows {listed} h: the later ones begin after the run's start; the table in the "
            "settings says from_start: true, which contradicts them; the windows are used"
        )
    if len(windows) == 1:
        doubts.append(
            f"one window, {listed} h: look at a later step too: do the windows begin at the run's "
            "start, or one after another?"
        )
    ends = [end for _, end in windows]
    if later and len(ends) != len(set(ends)):
        doubts.append(f"windows {listed} h: several end together; the shortest that fit are used")
    return doubts
