"""The catalogue: every field read from a model and every feature computed from it, once.

`FIELDS`: name (CF standard name, or in its manner), unit, physical limits, where a centre keeps it
in GRIB, which levels are wanted. A new model is a new column of keys here, not code. `FEATURES`:
name, unit, physical limits, the phenomena it serves, its source. Limits are closed; a value outside
them is refused (a field) or a defect (a feature).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# GRIB2 code table 4.10: what was done over a time range.
STATISTICS = {0: "mean", 1: "sum", 2: "maximum", 3: "minimum"}

# Levels [Pa] as GFS spaces them where the sky is read closely (1000-150 hPa: cirrus of summer
# stands at 12-14 km), and a thinner set for winds.
CLOSE_LEVELS = tuple(100 * p for p in (*range(1000, 900, -25), *range(900, 149, -50)))
WIND_LEVELS = tuple(100 * p for p in (1000, 925, 900, 850, 800, 750, 700, 600, 500))


@dataclass(frozen=True, slots=True)
class Key:
    """Where a GRIB2 file keeps a field: discipline, category, number, type (and value) of the first
    fixed surface.
    """

    discipline: int
    category: int
    number: int
    surface: int
    value: float | None = None  # None: any (a level of the atmosphere)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the model.

    statistic: what it stands for in time (`point`, `mean`, `sum`, `maximum`, `minimum`); those over
    a span carry the span's start.
    inventory: (variable names, level text) as GFS's .idx spells them; `{hPa}` stands for a level.
    index: (param, levtype) as ECMWF's .index spells them; empty: not there.
    auxiliary: read only where a model's table names it, to derive from it what that model lacks.
    slack: beyond the limits [unit] that a sound file may hold, and which is set to the limit: what
    is truncated in waves rings.
    own, centre, from_start: as a model's table says (forecast/ingest/parameter_table.py): its keys
    are the table's, so that numbers a centre defines for itself are meant; only messages of this
    centre serve; a sum runs from the run's start, whatever a message says.
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
    numbers: tuple[int, int, int],
    surface: int,
    variables: str,
    level: str,
    **more: Any,
) -> Field:
    """A field on one level: `numbers` (discipline, category, number), `variables` the .idx
    spellings, apart by a blank.
    """
    value = more.pop("value", None)
    return Field(
        name,
        unit,
        low,
        high,
        (Key(*numbers, surface, value),),
        (tuple(variables.split()), level),
        **more,
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
    """Cloud of the low, middle or high layer: files before 2021 call it TCDC, later ones by its own
    name.
    """
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
    _surface("surface_altitude", "m", -500, 9000, (0, 3, 5), 1, "HGT", "surface", grib1=((7, 1),)),
    _surface("surface_air_pressure", "Pa", 40000, 110000, (0, 3, 0), 1, "PRES", "surface",
             grib1=((1, 1),)),
    _surface("air_temperature_at_2m", "K", 180, 340, (0, 0, 0), 103, "TMP", "2 m above ground",
             value=2, grib1=((11, 105),)),
    _surface("relative_humidity_at_2m", "1", 0, 1.6, (0, 1, 1), 103, "RH", "2 m above ground",
             value=2, factor=0.01, grib1=((52, 105),)),
    _surface("eastward_wind_at_10m", "m s-1", -120, 120, (0, 2, 2), 103, "UGRD",
             "10 m above ground", value=10, grib1=((33, 105),)),
    _surface("northward_wind_at_10m", "m s-1", -120, 120, (0, 2, 3), 103, "VGRD",
             "10 m above ground", value=10, grib1=((34, 105),)),
    _surface("wind_speed_of_gust", "m s-1", 0, 150, (0, 2, 22), 1, "GUST", "surface"),
    _surface("visibility_in_air", "m", 0, 100000, (0, 19, 0), 1, "VIS", "surface"),
    _surface("atmosphere_boundary_layer_thickness", "m", 0, 9000, (0, 3, 196), 1, "HPBL",
             "surface"),
    _surface("convective_available_potential_energy", "J kg-1", 0, 12000, (0, 7, 6), 1, "CAPE",
             "surface"),
    _surface("surface_snow_thickness", "m", 0, 20, (0, 1, 11), 1, "SNOD", "surface"),
    _surface("surface_snow_amount", "kg m-2", 0, 20000, (0, 1, 13), 1, "WEASD", "surface"),
    # -- the column
    _surface("atmosphere_mass_content_of_water_vapor", "kg m-2", 0, 120, (0, 1, 3), 200, "PWAT",
             "entire atmosphere (considered as a single layer)"),
    _surface("freezing_level_altitude", "m", -1500, 9000, (0, 3, 5), 4, "HGT", "0C isotherm"),
    _surface("cloud_ceiling_altitude", "m", -500, 25000, (0, 3, 5), 215, "HGT", "cloud ceiling"),
    _layer_cloud("low", 3, 214, "LCDC", "point"),
    _layer_cloud("medium", 4, 224, "MCDC", "point"),
    _layer_cloud("high", 5, 234, "HCDC", "point"),
    _layer_cloud("low", 3, 214, "LCDC", "mean"),
    _layer_cloud("medium", 4, 224, "MCDC", "mean"),
    _layer_cloud("high", 5, 234, "HCDC", "mean"),
    # -- what falls
    _surface("precipitation_amount", "kg m-2", 0, 2000, (0, 1, 8), 1, "APCP", "surface",
             statistic="sum", grib1=((61, 1),)),
    _surface("categorical_snow", "1", 0, 1, (0, 1, 195), 1, "CSNOW", "surface"),
    _surface("categorical_rain", "1", 0, 1, (0, 1, 192), 1, "CRAIN", "surface"),
    # -- what other models give instead: forecast/ingest/derived_fields.py makes the above of it
    _profile("specific_humidity", "1", 0, 0.06, (0, 1, 0), "SPFH", auxiliary=True, slack=2e-4),
    _profile("geopotential", "m2 s-2", -15000, 200000, (0, 3, 4), "GP", auxiliary=True),
    _surface("surface_geopotential", "m2 s-2", -5000, 90000, (0, 3, 4), 1, "GP", "surface",
             auxiliary=True),
    _surface("dew_point_temperature_at_2m", "K", 150, 320, (0, 0, 6), 103, "DPT",
             "2 m above ground", value=2, auxiliary=True),
    _surface("cloud_area_fraction", "1", 0, 1, (0, 6, 1), 1, "TCDC", "entire atmosphere",
             factor=0.01, auxiliary=True),
    _surface("surface_snow_density", "kg m-3", 0, 1000, (0, 1, 61), 1, "SDEN", "surface",
             auxiliary=True),
    _surface("air_pressure_at_mean_sea_level", "Pa", 85000, 110000, (0, 3, 0), 101, "PRMSL",
             "mean sea level", auxiliary=True),
    _surface("atmosphere_optical_thickness_due_to_ambient_aerosol_particles", "1", 0, 20,
             (0, 20, 102), 10, "AOTK",
             "entire atmosphere", auxiliary=True),
)
# fmt: on

FIELDS: dict[str, Field] = {field.name: field for field in _ALL}
# what is asked of a model that speaks the catalogue's own dialect
DEFAULT_FIELDS = tuple(field for field in _ALL if not field.auxiliary)


def fields_named(names: Iterable[str]) -> tuple[Field, ...]:
    """Return the catalogue's fields for `names`, in the catalogue's order.

    Raises: KeyError for a name that the catalogue does not have.
    """
    wanted = set(names)
    if unknown := wanted - FIELDS.keys():
        raise KeyError(f"not in the catalogue of fields: {', '.join(sorted(unknown))}")
    return tuple(field for field in _ALL if field.name in wanted)


@dataclass(frozen=True, slots=True)
class Feature:
    """What physics says about an event, in one number.

    told: a reader is given the number itself (its words and display unit stand in templates/text
    under `quantity`).
    kind: what a number of unit 1 is (fraction, probability, class, ratio, count, index ...).
    may_be_absent: NaN also says that there is no such thing (no deck), so that NaN alone is no gap
    in the data.
    """

    name: str
    unit: str
    low: float
    high: float
    phenomena: tuple[str, ...]
    source: str
    told: bool = False
    may_be_absent: bool = False
    kind: str = "fraction"


# A clear sky is called starry from this zenith on [mag arcsec-2]: Bortle's suburban sky (class 5),
# which shows the brighter Milky Way.
DARK_ENOUGH = 20.0

# Where the states of a sea-of-clouds morning part: the diagnosis and the rule draw their lines at
# the same places.
# cover from which cloud is a deck, ground hidden, a viewer in cloud: 3 oktas (SCT, WMO-No. 49);
# humidity 90 % (check)
DECK_COVER = 0.3
CLEAR_GAP = 100.0  # [m] a deck nearer than this laps at the viewer's feet (check)
OVERCAST = 0.75  # cover above the site, 6 oktas: the sky is mostly cloud

LEAST_GLOW = 0.05  # quality below which no glow is told of: no colour, no window

FREEZING = 273.15  # [K]
# Wet bulb [K] at or below which snow can be made; which is good; which is excellent (science.md 4).
SNOWMAKING_STARTS, SNOWMAKING_GOOD, SNOWMAKING_EXCELLENT = (
    FREEZING - 2.0,
    FREEZING - 4.0,
    FREEZING - 6.7,
)
# relative humidity that lets rime grow; that keeps it (science.md 4)
RIME_FORMS, RIME_STAYS = 0.99, 0.95
# GB/T 28592-2012, 24 h of snowfall as water [kg m-2]: light, moderate, heavy snow, snowstorm,
# severe and extreme snowstorm begin at (below the first: scattered).
SNOW_CLASSES = (0.1, 2.5, 5.0, 10.0, 20.0, 30.0)
LEAST_FREEZING_RAIN = 0.1  # [kg m-2] the least that a gauge shows, and enough to glaze a road

STARS = ("starry_sky",)
SEA = ("sea_of_clouds",)
GLOW = ("sunset_glow", "sunrise_glow")
DISK = ("sunrise",)
SNOW = ("snowfall", "snow_cover")
COLD = ("snowfall", "snow_cover", "rime", "snowmaking")
EVERY = STARS + SEA + GLOW + DISK + COLD

# fmt: off
_FEATURES = (
    # -- the weather of the window at the site's height: every event has it; safety and clothing are
    # read from it
    Feature("temperature_at_site", "K", 180, 340, EVERY,
            "mean of the window, profile at the true height", told=True),
    Feature("temperature_minimum", "K", 180, 340, EVERY, "lowest of the window", told=True),
    Feature("temperature_maximum", "K", 180, 340, EVERY, "highest of the window"),
    Feature("humidity_at_site", "1", 0, 1.6, EVERY,
            "mean of the window, profile at the true height"),
    Feature("wind_speed_at_site", "m s-1", 0, 120, EVERY,
            "mean of the window, profile at the true height", told=True),
    Feature("gust", "m s-1", 0, 150, EVERY, "highest of the window, model surface", told=True),
    Feature("wind_chill", "K", 170, 340, EVERY, "lowest of the window; Osczevski & Bluestein 2005",
            told=True),
    Feature("precipitation", "kg m-2", 0, 2000, EVERY, "fallen in the window", told=True),
    Feature("convective_energy", "J kg-1", 0, 12000, EVERY, "highest CAPE of the window"),
    Feature("visibility", "m", 0, 100000, EVERY, "lowest of the window, model surface"),
    Feature("low_cloud", "1", 0, 1, EVERY,
            "mean of the window; below 642 hPa where derived from levels"),
    Feature("medium_cloud", "1", 0, 1, EVERY, "mean of the window"),
    Feature("high_cloud", "1", 0, 1, EVERY, "mean of the window"),
    Feature("cloud_at_site", "1", 0, 1, EVERY,
            "cloud fraction at the site's own height: is the viewer in cloud?"),
    # -- starry sky, over its best continuous window of at least two hours
    Feature("sky_cover", "1", 0, 1, STARS,
            "cloud above the site, every layer in full, maximum-random overlap", told=True),
    Feature("cloud_for_stars", "1", 0, 1, STARS,
            "starlight hidden: layers weighted by what they take, maximum-random overlap",
            told=True),
    Feature("clear_hours", "h", 0, 24, STARS,
            "longest run of dark hours clear enough (settings: stars_clear_cover)", told=True),
    Feature("dark_hours", "h", 0, 24, STARS, "sun below -18 degrees", told=True),
    Feature("zenith_sky_brightness", "mag arcsec-2", 5, 23, STARS,
            "own sky, moon (Krisciunas & Schaefer 1991), twilight", told=True),
    Feature("limiting_magnitude", "mag", -5, 8, STARS,
            "of an eye without practice, less haze: forecast/science/night_sky.py", told=True),
    Feature("darkest_azimuth", "degree", 0, 360, STARS, "of least light by cities (VIIRS) and moon",
            told=True, may_be_absent=True),
    Feature("moon_altitude", "degree", -90, 90, STARS, "highest in the best window"),
    Feature("moon_illumination", "1", 0, 1, STARS, "middle of the night", told=True),
    Feature("milky_way_hours", "h", 0, 24, STARS, "galactic centre high, zenith dark enough",
            told=True),
    Feature("dew_point_depression", "K", 0, 80, STARS, "profile at the true height"),
    Feature("water_vapour_column", "kg m-2", 0, 120, STARS, "precipitable water: transparency"),
    # -- sea of clouds
    Feature("deck_top", "m", -500, 12000, SEA, "top of the lowest moist layer, above sea level",
            told=True, may_be_absent=True),
    Feature("deck_base", "m", -500, 12000, SEA, "its base", told=True, may_be_absent=True),
    Feature("gap_to_deck", "m", -12000, 9000, SEA,
            "site's height less deck top: positive when above", told=True, may_be_absent=True),
    Feature("valley_fill", "1", 0, 1, SEA,
            "part of the depth between valley and site that is in cloud"),
    Feature("valley_area_filled", "1", 0, 1, SEA,
            "part of the ground below the site that cloud below it hides", told=True),
    Feature("humidity_below", "1", 0, 1.6, SEA,
            "median between valley and site; above .80 for a sea"),
    Feature("humidity_above", "1", 0, 1.6, SEA,
            "median of the 1500 m above the site; below .60 for a sea"),
    Feature("humidity_700", "1", 0, 1.6, SEA, "700 hPa; below .60 for a sea"),
    Feature("inversion", "K", -40, 40, SEA,
            "greatest warming with height between valley and 1000 m above the site"),
    Feature("valley_dew_point_depression", "K", 0, 80, SEA, "at the valley's height"),
    Feature("valley_humidity_trend", "s-1", -1e-3, 1e-3, SEA,
            "relative humidity at the valley's height, evening to dawn"),
    Feature("rain_before", "kg m-2", 0, 2000, SEA, "fallen in the 24 h before the window",
            told=True),
    Feature("valley_wind_speed", "m s-1", 0, 120, SEA, "at the valley's height"),
    Feature("easterly_wind", "m s-1", -120, 120, SEA,
            "925-850 hPa, positive from the east: upslope into the mountains"),
    Feature("vertical_velocity_700", "Pa s-1", -60, 60, SEA, "positive sinks"),
    Feature("cloud_above_site", "1", 0, 1, SEA,
            "cover of everything above the site, maximum-random overlap"),
    Feature("boundary_layer_height", "m", 0, 9000, SEA, "above the model's ground"),
    Feature("night_cloud", "1", 0, 1, SEA,
            "cover above the site in the 6 h before the window: a clear night cools the valley"),
    Feature("ground_fog", "1", 0, 1, SEA,
            "part of the window with fog on the ground and no low cloud: too shallow"),
    # -- glow: the light path along the sun's azimuth
    Feature("canvas_cover", "1", 0, 1, GLOW, "cloud that can be painted, over and around the site"),
    Feature("canvas_height", "m", 0, 16000, GLOW, "base of what is lit, above sea level", told=True,
            may_be_absent=True),
    Feature("canvas_light", "1", 0, 1, GLOW,
            "red light on it over that of clean haze and no cloud, in the minutes this would colour"),
    Feature("view_clearance", "1", 0, 1, GLOW,
            "transmission from the canvas to the viewer (low cloud overhead hides it)"),
    Feature("glow_quality", "1", 0, 1, GLOW, "canvas, light and view together at the best minute",
            told=True, kind="index"),
    Feature("minutes_of_colour", "min", 0, 180, GLOW, "minutes of colour around the best one",
            told=True),
    Feature("glow_onset", "min", -180, 180, GLOW, "first minute of colour after sunset or sunrise",
            told=True, may_be_absent=True),
    Feature("glow_peak", "min", -180, 180, GLOW, "best minute, after sunset or sunrise", told=True,
            may_be_absent=True),
    Feature("glow_end", "min", -180, 180, GLOW, "end of colour, after sunset or sunrise", told=True,
            may_be_absent=True),
    Feature("glow_red", "1", 0, 1, GLOW, "sRGB of the lit cloud against the sky at the best minute",
            may_be_absent=True),
    Feature("glow_green", "1", 0, 1, GLOW, "the same", may_be_absent=True),
    Feature("glow_blue", "1", 0, 1, GLOW, "the same", may_be_absent=True),
    Feature("shadow_distance", "m", 0, 800000, GLOW,
            "of the ground whose shadow ends a glow that no cloud ends", may_be_absent=True),
    Feature("shadow_height", "m", 0, 9000, GLOW, "that ground's height in the model",
            may_be_absent=True),
    Feature("obstacle_distance", "m", 0, 800000, GLOW + DISK,
            "of the cloud that stops most of the light", told=True, may_be_absent=True),
    Feature("obstacle_height", "m", 0, 20000, GLOW + DISK, "its top", told=True,
            may_be_absent=True),
    Feature("aerosol_optical_depth", "1", 0, 5, GLOW + DISK,
            "550 nm, over the site; estimated where no source gives it",
            kind="optical_depth"),
    Feature("sun_azimuth", "degree", 0, 360, GLOW + DISK,
            "at the crossing of the horizon: where to look", told=True),
    Feature("light_path_coverage", "1", 0, 1, GLOW + DISK,
            "part of the light path that lies inside the data"),
    Feature("disk_transmission", "1", 0, 1, DISK,
            "chance to see it as it clears the terrain: cloud and haze", told=True),
    # -- snow and cold
    Feature("new_snow", "m", 0, 10, SNOW, "fallen in the window: snow water times snow ratio",
            told=True),
    Feature("snow_water", "kg m-2", 0, 2000, SNOW, "what falls as snow at the site's height"),
    Feature("snow_ratio", "1", 0, 60, SNOW,
            "depth of new snow to its water, by temperature and wind; Mount Washington", told=True,
            may_be_absent=True, kind="ratio"),
    Feature("snow_ratio_low", "1", 0, 60, SNOW, "10 % quantile of the ratio as measured about that",
            told=True, may_be_absent=True,
            kind="ratio"),
    Feature("snow_ratio_high", "1", 0, 60, SNOW, "90 % quantile", told=True, may_be_absent=True,
            kind="ratio"),
    Feature("snow_class", "1", 0, 6, ("snowfall",),
            "GB/T 28592-2012 by water; 0 none or scattered, 6 extreme", told=True, kind="class"),
    Feature("chance_of_1_cm", "1", 0, 1, ("snowfall",),
            "of at least 1 cm of new snow: log-normal about the forecast", kind="probability"),
    Feature("chance_of_5_cm", "1", 0, 1, ("snowfall",), "of at least 5 cm", told=True,
            kind="probability"),
    Feature("chance_of_10_cm", "1", 0, 1, ("snowfall",), "of at least 10 cm", told=True,
            kind="probability"),
    Feature("snow_fraction", "1", 0, 1, SNOW,
            "part of what falls that is snow: forecast/science/precipitation_type.py",
            may_be_absent=True),
    Feature("freezing_rain", "kg m-2", 0, 2000, SNOW,
            "drops that freeze where they fall: forecast/science/precipitation_type.py"),
    Feature("ice_pellets", "kg m-2", 0, 2000, SNOW,
            "melted aloft, frozen again before the ground; Bourgouin 2000"),
    Feature("precipitation_kind", "1", 0, 5, ("snowfall",),
            "dry, rain, sleet, snow, ice pellets, freezing rain", told=True, kind="class"),
    Feature("freezing_level_above_site", "m", -9000, 9000, SNOW,
            "0 degC level of the wet bulb less the site's height"),
    Feature("cloud_top_temperature", "K", 150, 340, SNOW, "while it falls: cold enough for ice?",
            may_be_absent=True),
    Feature("snow_depth", "m", 0, 20, SNOW,
            "lower of 08 and 14 local: the model's at the start, then settling, melt, new snow",
            told=True),
    Feature("freezing_hours", "h", 0, 24, COLD, "hours below 0 degC at the site's height",
            told=True),
    Feature("frostbite_minutes", "min", 0, 30, COLD,
            "until bare skin freezes, the shortest; Environment Canada", told=True,
            may_be_absent=True),
    Feature("sun_hours", "h", 0, 24, ("snow_cover",),
            "sun over the terrain, less the cloud's cover (cirrus: half)", told=True),
    Feature("cold_resource", "1", 0, 4, ("snow_cover",),
            "how many there are of cold, snow, sun, little wind", told=True, kind="count"),
    Feature("rime_hours", "h", 0, 24, ("rime",),
            "hours in supercooled cloud, or saturated at most force 3, and as kept", told=True),
    Feature("wet_bulb_minimum", "K", 180, 340, ("snowmaking", "snowfall"),
            "lowest at the site's height; Rogers & Yau 1989, eq. 2.22"),
    Feature("snowmaking_hours", "h", 0, 24, ("snowmaking",),
            f"wet bulb at most {SNOWMAKING_STARTS - FREEZING:.1f} degC", told=True),
    Feature("good_snowmaking_hours", "h", 0, 24, ("snowmaking",),
            f"wet bulb at most {SNOWMAKING_GOOD - FREEZING:.1f} degC", told=True),
)
# fmt: on

FEATURES: dict[str, Feature] = {feature.name: feature for feature in _FEATURES}


def features_of(phenomenon: str) -> tuple[str, ...]:
    """Return the names of the features that serve `phenomenon`, in the catalogue's order."""
    return tuple(name for name, feature in FEATURES.items() if phenomenon in feature.phenomena)


@dataclass(frozen=True, slots=True)
class Element:
    """What a station measures.

    low, high: outside them a value is wrong. step: the most it changes within an hour at a mountain
    station before it is doubtful (0: not
    asked). still: hours after which an unchanging value is doubtful (0: not asked). spatial: how
    far it may stand from its neighbours'
    estimate, brought to its height (0: not asked).
    Source: WMO-No. 8 (2021), vol. V, ch. 1; WMO-No. 488 (2010), app. VI.2: limits, time consistency
    and persistence; widened for summits.
    """

    name: str
    unit: str
    low: float
    high: float
    step: float = 0.0
    still: float = 0.0
    spatial: float = 0.0


# fmt: off
_ELEMENTS = (
    Element("air_temperature", "K", 193.15, 333.15, 12.0, 12.0, 10.0),
    Element("dew_point_temperature", "K", 173.15, 308.15, 15.0, 12.0, 12.0),
    Element("relative_humidity", "1", 0.0, 1.05, 0.6, 48.0),
    Element("air_pressure", "Pa", 50000.0, 108000.0, 800.0, 12.0),
    Element("air_pressure_at_mean_sea_level", "Pa", 87000.0, 108500.0, 800.0, 12.0, 800.0),
    Element("wind_speed", "m s-1", 0.0, 75.0, 25.0, 24.0),
    Element("wind_from_direction", "degree", 0.0, 360.0, 0.0, 24.0),
    Element("wind_speed_of_gust", "m s-1", 0.0, 110.0, 40.0),
    # of the hour that ends at the observation's time
    Element("precipitation_amount", "kg m-2", 0.0, 300.0),
    Element("visibility_in_air", "m", 0.0, 100000.0),
    Element("cloud_area_fraction", "1", 0.0, 1.0),
    # Nh of SYNOP: of low cloud, or of middle cloud where there is no low
    Element("low_cloud_area_fraction", "1", 0.0, 1.0),
    Element("cloud_base_height", "m", 0.0, 12000.0),  # above the station
    # N' of SYNOP section 4: cloud whose base lies below the station
    Element("cloud_below_area_fraction", "1", 0.0, 1.0),
    Element("cloud_below_top_altitude", "m", 0.0, 5000.0),  # H'H' of section 4, above sea level
    Element("snow_depth", "m", 0.0, 6.0, 0.5),
    # WMO code table 4677, from 100 on 4680 (automatic) + 100
    Element("present_weather", "1", 0.0, 199.0),
    Element("sunshine_duration", "s", 0.0, 3600.0),  # of the hour before
    Element("mass_concentration_of_pm2p5", "kg m-3", 0.0, 5e-6, 1e-6, 24.0),
    Element("negative_oxygen_ions", "m-3", 0.0, 5e11, 0.0, 12.0),  # 1 cm-3 is 1e6 m-3
    Element("zenith_sky_brightness", "mag arcsec-2", 3.0, 23.5),
)
# fmt: on

ELEMENTS: dict[str, Element] = {element.name: element for element in _ELEMENTS}
