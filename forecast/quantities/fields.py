"""The fields that are read from a model: unit, physical limits, where a centre keeps them in GRIB.

A new model is a new parameter table of keys, not code. Limits are closed: a field with a value
outside them is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# GRIB2 code table 4.10: type of statistical processing over a time range
STATISTICS = {0: "mean", 1: "sum", 2: "maximum", 3: "minimum"}

# [Pa] all levels of GFS from 1000 to 150 hPa (summer cirrus is at 12-14 km), and fewer for winds
CLOSE_LEVELS = tuple(100 * p for p in (*range(1000, 900, -25), *range(900, 149, -50)))
WIND_LEVELS = tuple(100 * p for p in (1000, 925, 900, 850, 800, 750, 700, 600, 500))


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a field in GRIB2.

    Discipline, category, number, type (and value) of the first fixed surface.
    """

    discipline: int
    category: int
    number: int
    surface: int
    value: float | None = None  # None: any (a level of the atmosphere)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a model.

    statistic: its cell method in time (`point`, `mean`, `sum`, `maximum`, `minimum`); all but
    `point` have the start of their time range.
    inventory: (variable names, level text) as GFS's .idx spells them; `{hPa}` stands for a level.
    index: (param, levtype) as ECMWF's .index spells them; empty: not published.
    auxiliary: read only if a model's table names it, to derive fields that the model lacks.
    slack: excess over the limits [unit] that a sound file may have (spectral truncation); such a
    value is set to the limit.
    own, centre, from_start: set by a model's parameter table (forecast/ingest/parameter_table.py).
    own: the keys are the table's, so local numbers of the centre apply. centre: only messages of
    this centre are read. from_start: a sum without a stated window starts with the run.
    grib1: (parameter number of table 2, type of level) pairs.
    factor: multiplies what the file holds to give `unit` (a percentage: 0.01).
    essential: without it no feature can be made.
    """

    name: str
    unit: str
    low: float
    high: float
    keys: tuple[Key, ...]
    inventory: tuple[tuple[str, ...], str]
    statistic: str = "point"
    levels: tuple[int, ...] = ()  # [Pa]; empty: a single level
    factor: float = 1.0
    grib1: tuple[tuple[int, int], ...] = ()
    essential: bool = False
    index: tuple[str, str] = ("", "")
    auxiliary: bool = False
    slack: float = 0.0
    own: bool = False
    centre: int | None = None
    from_start: bool = False


def _surface(
    name: str,
    unit: str,
    low: float,
    high: float,
    numbers: tuple[int, int, int, int],
    variables: str,
    level: str,
    **more: Any,
) -> Field:
    """A field on one level.

    numbers: discipline, category, number, type of level. variables: spellings in .idx, separated
    by a blank.
    """
    value = more.pop("value", None)
    return Field(
        name, unit, low, high, (Key(*numbers, value),), (tuple(variables.split()), level), **more
    )


def _profile(
    name: str,
    unit: str,
    low: float,
    high: float,
    numbers: tuple[int, int, int],
    variables: str,
    levels: tuple[int, ...] = CLOSE_LEVELS,
    **more: Any,
) -> Field:
    """A field on pressure levels."""
    return Field(
        name,
        unit,
        low,
        high,
        (Key(*numbers, 100),),
        (tuple(variables.split()), "{hPa} mb"),
        levels=levels,
        **more,
    )


def _layer_cloud(layer: str, own_number: int, surface: int, variable: str, statistic: str) -> Field:
    """Cloud of the low, middle or high layer: TCDC in files before 2021, later a name."""
    name = f"{layer}_type_cloud_area_fraction" + ("" if statistic == "point" else "_mean")
    text = {"low": "low", "medium": "middle", "high": "high"}[layer]
    keys = (Key(0, 6, own_number, surface), Key(0, 6, 1, surface))
    return Field(
        name,
        "1",
        0,
        1,
        keys,
        ((variable, "TCDC"), f"{text} cloud layer"),
        statistic=statistic,
        factor=0.01,
    )


# fmt: off
_ALL = (
    # -- profiles
    _profile("air_temperature", "K", 150, 340, (0, 0, 0), "TMP", grib1=((11, 100),),
             essential=True),
    _profile("relative_humidity", "1", 0, 1.6, (0, 1, 1), "RH", factor=0.01, grib1=((52, 100),),
             essential=True, slack=0.1),
    _profile("geopotential_height", "m", -1500, 20000, (0, 3, 5), "HGT", grib1=((7, 100),),
             essential=True),
    _profile("cloud_area_fraction_in_atmosphere_layer", "1", 0, 1, (0, 6, 1), "TCDC", factor=0.01),
    _profile("cloud_liquid_water_mixing_ratio", "1", 0, 0.03, (0, 1, 22), "CLMR CLWMR"),
    _profile("cloud_ice_mixing_ratio", "1", 0, 0.03, (0, 1, 23), "ICMR"),
    _profile("eastward_wind", "m s-1", -160, 160, (0, 2, 2), "UGRD", WIND_LEVELS,
             grib1=((33, 100),)),
    _profile("northward_wind", "m s-1", -160, 160, (0, 2, 3), "VGRD", WIND_LEVELS,
             grib1=((34, 100),)),
    _profile("lagrangian_tendency_of_air_pressure", "Pa s-1", -60, 60, (0, 2, 8), "VVEL",
             (85000, 70000), grib1=((39, 100),)),
    # -- the ground and the air just above it
    _surface("surface_altitude", "m", -500, 9000, (0, 3, 5, 1), "HGT", "surface", grib1=((7, 1),)),
    _surface("surface_air_pressure", "Pa", 40000, 110000, (0, 3, 0, 1), "PRES", "surface",
             grib1=((1, 1),)),
    _surface("air_temperature_at_2m", "K", 180, 340, (0, 0, 0, 103), "TMP", "2 m above ground",
             value=2, grib1=((11, 105),)),
    _surface("relative_humidity_at_2m", "1", 0, 1.6, (0, 1, 1, 103), "RH", "2 m above ground",
             value=2, factor=0.01, grib1=((52, 105),)),
    _surface("eastward_wind_at_10m", "m s-1", -120, 120, (0, 2, 2, 103), "UGRD",
             "10 m above ground", value=10, grib1=((33, 105),)),
    _surface("northward_wind_at_10m", "m s-1", -120, 120, (0, 2, 3, 103), "VGRD",
             "10 m above ground", value=10, grib1=((34, 105),)),
    _surface("wind_speed_of_gust", "m s-1", 0, 150, (0, 2, 22, 1), "GUST", "surface"),
    _surface("visibility_in_air", "m", 0, 100000, (0, 19, 0, 1), "VIS", "surface"),
    _surface("atmosphere_boundary_layer_thickness", "m", 0, 9000, (0, 3, 196, 1), "HPBL",
             "surface"),
    _surface("convective_available_potential_energy", "J kg-1", 0, 12000, (0, 7, 6, 1), "CAPE",
             "surface"),
    _surface("surface_snow_thickness", "m", 0, 20, (0, 1, 11, 1), "SNOD", "surface"),
    _surface("surface_snow_amount", "kg m-2", 0, 20000, (0, 1, 13, 1), "WEASD", "surface"),
    # -- the column
    _surface("atmosphere_mass_content_of_water_vapor", "kg m-2", 0, 120, (0, 1, 3, 200), "PWAT",
             "entire atmosphere (considered as a single layer)"),
    _surface("freezing_level_altitude", "m", -1500, 9000, (0, 3, 5, 4), "HGT", "0C isotherm"),
    _surface("cloud_ceiling_altitude", "m", -500, 25000, (0, 3, 5, 215), "HGT", "cloud ceiling"),
    _layer_cloud("low", 3, 214, "LCDC", "point"),
    _layer_cloud("medium", 4, 224, "MCDC", "point"),
    _layer_cloud("high", 5, 234, "HCDC", "point"),
    _layer_cloud("low", 3, 214, "LCDC", "mean"),
    _layer_cloud("medium", 4, 224, "MCDC", "mean"),
    _layer_cloud("high", 5, 234, "HCDC", "mean"),
    # -- precipitation
    _surface("precipitation_amount", "kg m-2", 0, 2000, (0, 1, 8, 1), "APCP", "surface",
             statistic="sum", grib1=((61, 1),)),
    _surface("categorical_snow", "1", 0, 1, (0, 1, 195, 1), "CSNOW", "surface"),
    _surface("categorical_rain", "1", 0, 1, (0, 1, 192, 1), "CRAIN", "surface"),
    # -- fields of other models, from which forecast/ingest/derived_fields.py makes those above
    _profile("specific_humidity", "1", 0, 0.06, (0, 1, 0), "SPFH", auxiliary=True, slack=2e-4),
    _profile("geopotential", "m2 s-2", -15000, 200000, (0, 3, 4), "GP", auxiliary=True),
    _surface("surface_geopotential", "m2 s-2", -5000, 90000, (0, 3, 4, 1), "GP", "surface",
             auxiliary=True),
    _surface("dew_point_temperature_at_2m", "K", 150, 320, (0, 0, 6, 103), "DPT",
             "2 m above ground", value=2, auxiliary=True),
    _surface("cloud_area_fraction", "1", 0, 1, (0, 6, 1, 1), "TCDC", "entire atmosphere",
             factor=0.01, auxiliary=True),
    _surface("surface_snow_density", "kg m-3", 0, 1000, (0, 1, 61, 1), "SDEN", "surface",
             auxiliary=True),
    _surface("air_pressure_at_mean_sea_level", "Pa", 85000, 110000, (0, 3, 0, 101), "PRMSL",
             "mean sea level", auxiliary=True),
    _surface("atmosphere_optical_thickness_due_to_ambient_aerosol_particles", "1", 0, 20,
             (0, 20, 102, 10), "AOTK",
             "entire atmosphere", auxiliary=True),
)
# fmt: on

FIELDS: dict[str, Field] = {field.name: field for field in _ALL}
# the fields read from a model that has no parameter table of its own
DEFAULT_FIELDS = tuple(field for field in _ALL if not field.auxiliary)
