"""The features that are computed for an event: unit, physical limits, phenomena, source.

Limits are closed: a feature with a value outside them is a defect.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from forecast.quantities.thresholds import FREEZING, SNOWMAKING_GOOD, SNOWMAKING_STARTS

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Feature:
    """A number that describes an event physically.

    shown: readers see the number itself (its label and display unit stand in templates/text under
    `quantity`).
    kind: what a number of unit 1 is (fraction, probability, class, ratio, count, index ...).
    may_be_absent: NaN can also mean that there is no such thing (no deck), so that NaN alone is not
    a gap in the data.
    """

    name: str
    unit: str
    low: float
    high: float
    phenomena: tuple[str, ...]
    source: str
    shown: bool = False
    may_be_absent: bool = False
    kind: str = "fraction"


STARS = ("starry_sky",)
SEA = ("sea_of_clouds",)
GLOW = ("sunset_glow", "sunrise_glow")
DISK = ("sunrise",)
SNOW = ("snowfall", "snow_cover")
COLD = ("snowfall", "snow_cover", "rime", "snowmaking")
EVERY = STARS + SEA + GLOW + DISK + COLD

# fmt: off
_FEATURES = (
    # -- how far ahead, and how often: every probability is a function of both
    Feature("forecast_period", "h", -24, 400, EVERY, "from the run to the start of the window",
            kind="index"),
    Feature("climatological_frequency", "1", 0, 1, EVERY,
            "usual frequency at the site in that month: models/climatology.py", shown=True,
            may_be_absent=True, kind="probability"),
    # -- the weather of the window at the site's height: every event has it; safety and clothing are
    # read from it
    Feature("temperature_at_site", "K", 180, 340, EVERY,
            "mean of the window, profile at the true height", shown=True),
    Feature("temperature_minimum", "K", 180, 340, EVERY, "lowest of the window", shown=True),
    Feature("temperature_maximum", "K", 180, 340, EVERY, "highest of the window"),
    Feature("humidity_at_site", "1", 0, 1.6, EVERY,
            "mean of the window, profile at the true height"),
    Feature("wind_speed_at_site", "m s-1", 0, 120, EVERY,
            "mean of the window, profile at the true height", shown=True),
    Feature("gust", "m s-1", 0, 150, EVERY, "highest of the window, model surface", shown=True),
    Feature("wind_chill", "K", 170, 340, EVERY, "lowest of the window; Osczevski & Bluestein 2005",
            shown=True),
    Feature("precipitation", "kg m-2", 0, 2000, EVERY, "fallen in the window", shown=True),
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
            "cloud above the site, every layer in full, maximum-random overlap", shown=True),
    Feature("cloud_for_stars", "1", 0, 1, STARS,
            "starlight hidden: layers weighted by what they take, maximum-random overlap",
            shown=True),
    Feature("clear_hours", "h", 0, 24, STARS,
            "longest run of dark hours clear enough (settings: stars_clear_cover)", shown=True),
    Feature("dark_hours", "h", 0, 24, STARS, "sun below -18 degrees", shown=True),
    Feature("zenith_sky_brightness", "mag arcsec-2", 5, 23, STARS,
            "of the clear sky in the darkest hours: own, moon (Krisciunas & Schaefer 1991), "
            "twilight", shown=True),
    Feature("dark_sky_share", "1", 0, 1, STARS,
            "longest part of the dark hours in which the clear zenith is dark enough"),
    Feature("limiting_magnitude", "mag", -5, 8, STARS,
            "of an eye without practice, less haze: forecast/science/night_sky.py", shown=True),
    Feature("darkest_azimuth", "degree", 0, 360, STARS, "of least light by cities (VIIRS) and moon",
            shown=True, may_be_absent=True),
    Feature("moon_altitude", "degree", -90, 90, STARS, "highest in the best window"),
    Feature("moon_illumination", "1", 0, 1, STARS, "middle of the night", shown=True),
    Feature("milky_way_hours", "h", 0, 24, STARS, "galactic centre high, zenith dark enough",
            shown=True),
    Feature("dew_point_depression", "K", 0, 80, STARS, "profile at the true height"),
    Feature("water_vapour_column", "kg m-2", 0, 120, STARS, "precipitable water: transparency"),
    # -- starry sky, hours around the middle of the night: up to 4 h night, 5-8 h evening or morning
    Feature("evening_sky_cover", "1", 0, 1, STARS, "sky cover, mean of the hours of the evening"),
    Feature("night_sky_cover", "1", 0, 1, STARS, "the same of the night"),
    Feature("morning_sky_cover", "1", 0, 1, STARS, "the same of the morning"),
    Feature("night_clear_share", "1", 0, 1, STARS,
            "part of the night's hours clear enough (settings: stars_clear_cover)"),
    Feature("sky_cover_before", "1", 0, 1, STARS,
            "night_sky_cover as the model's run a day earlier had it", may_be_absent=True),
    Feature("night_dew_point_depression", "K", 0, 80, STARS,
            "mean of the night, profile at the true height"),
    Feature("night_rain", "kg m-2", 0, 2000, STARS, "fallen from evening to morning"),
    Feature("evening_rain_probability", "1", 0, 1, STARS,
            "of .1 mm in an hour, mean of the evening: part of an ensemble's members",
            may_be_absent=True, kind="probability"),
    Feature("night_rain_probability", "1", 0, 1, STARS,
            "the same of the night; where it is missing, so are the two others",
            kind="probability"),
    Feature("morning_rain_probability", "1", 0, 1, STARS, "the same of the morning",
            may_be_absent=True, kind="probability"),
    # -- sea of clouds
    Feature("deck_top", "m", -500, 12000, SEA, "top of the lowest moist layer, above sea level",
            shown=True, may_be_absent=True),
    Feature("deck_base", "m", -500, 12000, SEA, "its base", shown=True, may_be_absent=True),
    Feature("gap_to_deck", "m", -12000, 9000, SEA,
            "site's height less deck top: positive when above", shown=True, may_be_absent=True),
    Feature("valley_fill", "1", 0, 1, SEA,
            "part of the depth between valley and site that is in cloud"),
    Feature("valley_area_filled", "1", 0, 1, SEA,
            "part of the ground below the site that cloud below it hides", shown=True),
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
            shown=True),
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
    Feature("unplaced_deck", "1", 0, 1, SEA,
            "part of the window with a deck below whose top the levels cannot place: below the "
            "site or above it"),
    Feature("sea_yesterday", "1", 0, 1, SEA, "whether there was one the morning before, where that "
            "is known at issue", may_be_absent=True, kind="class"),
    # -- glow: the light path along the sun's azimuth
    Feature("canvas_cover", "1", 0, 1, GLOW, "cloud that can be painted, over and around the site"),
    Feature("canvas_height", "m", 0, 16000, GLOW, "base of what is lit, above sea level",
            shown=True, may_be_absent=True),
    Feature("canvas_light", "1", 0, 1, GLOW,
            "red light on it over that of clean haze and no cloud, in the minutes this would "
            "colour"),
    Feature("view_clearance", "1", 0, 1, GLOW,
            "transmission from the canvas to the viewer (low cloud overhead hides it)"),
    Feature("glow_quality", "1", 0, 1, GLOW, "canvas, light and view together at the best minute",
            shown=True, kind="index"),
    Feature("glow_probability", "1", 0, 1, GLOW,
            "part of the draws about the forecast cloud in which the quality counts as a glow: "
            "forecast/phenomena/light_chances.py", kind="probability"),
    Feature("climate_glow_probability", "1", 0, 1, GLOW, "the same of draws of the climate of "
            "cloud, whatever is forecast", kind="probability"),
    Feature("glow_probability_at_run", "1", 0, 1, GLOW, "the same of the forecast with the errors "
            "of its first hour: what the lead moves", kind="probability", may_be_absent=True),
    Feature("canvas_effect", "1", -15, 15, GLOW,
            "log-odds that the draws' cloud to light moves against the climate's: "
            "forecast/phenomena/light_stages.py", kind="index", may_be_absent=True),
    Feature("haze_effect", "1", -15, 15, GLOW + DISK, "the same of haze and terrain", kind="index",
            may_be_absent=True),
    Feature("light_path_effect", "1", -15, 15, GLOW, "the same of the cloud that the light passes",
            kind="index", may_be_absent=True),
    Feature("view_effect", "1", -15, 15, GLOW, "the same of low cloud before the viewer",
            kind="index", may_be_absent=True),
    Feature("minutes_of_colour", "min", 0, 180, GLOW, "minutes of colour around the best one",
            shown=True),
    Feature("glow_onset", "min", -180, 180, GLOW, "first minute of colour after sunset or sunrise",
            shown=True, may_be_absent=True),
    Feature("glow_peak", "min", -180, 180, GLOW, "best minute, after sunset or sunrise", shown=True,
            may_be_absent=True),
    Feature("glow_end", "min", -180, 180, GLOW, "end of colour, after sunset or sunrise",
            shown=True, may_be_absent=True),
    Feature("glow_red", "1", 0, 1, GLOW, "sRGB of the lit cloud against the sky at the best minute",
            may_be_absent=True),
    Feature("glow_green", "1", 0, 1, GLOW, "the same", may_be_absent=True),
    Feature("glow_blue", "1", 0, 1, GLOW, "the same", may_be_absent=True),
    Feature("shadow_distance", "m", 0, 800000, GLOW,
            "of the ground whose shadow ends a glow that no cloud ends", may_be_absent=True),
    Feature("shadow_height", "m", 0, 9000, GLOW, "that ground's height in the model",
            may_be_absent=True),
    Feature("obstacle_distance", "m", 0, 800000, GLOW + DISK,
            "of the cloud that stops most of the light", shown=True, may_be_absent=True),
    Feature("obstacle_height", "m", 0, 20000, GLOW + DISK, "its top", shown=True,
            may_be_absent=True),
    Feature("aerosol_optical_depth", "1", 0, 5, GLOW + DISK,
            "550 nm, over the site; estimated where no source gives it",
            kind="optical_depth"),
    Feature("sun_azimuth", "degree", 0, 360, GLOW + DISK,
            "at the crossing of the horizon: where to look", shown=True),
    Feature("light_path_coverage", "1", 0, 1, GLOW + DISK,
            "part of the light path that lies inside the data"),
    Feature("disk_transmission", "1", 0, 1, DISK,
            "chance to see it as it clears the terrain: cloud and haze", shown=True),
    Feature("upper_cloud_effect", "1", -15, 15, DISK,
            "log-odds that middle and high cloud before the sun moves against the climate's: "
            "forecast/phenomena/light_stages.py", kind="index", may_be_absent=True),
    Feature("low_cloud_effect", "1", -15, 15, DISK, "the same of low cloud", kind="index",
            may_be_absent=True),
    Feature("disk_probability", "1", 0, 1, DISK,
            "part of the draws about the forecast cloud in which the disk shows: "
            "forecast/phenomena/light_chances.py", kind="probability"),
    Feature("climate_disk_probability", "1", 0, 1, DISK, "the same of draws of the climate of "
            "cloud, whatever is forecast", kind="probability"),
    # -- snow and cold
    Feature("disk_probability_at_run", "1", 0, 1, DISK, "the same of the forecast with the errors "
            "of its first hour: what the lead moves", kind="probability", may_be_absent=True),
    Feature("new_snow", "m", 0, 10, SNOW, "fallen in the window: snow water times snow ratio",
            shown=True),
    Feature("snow_water", "kg m-2", 0, 2000, SNOW, "what falls as snow at the site's height"),
    Feature("snow_ratio", "1", 0, 60, SNOW,
            "depth of new snow to its water, by temperature and wind; Mount Washington", shown=True,
            may_be_absent=True, kind="ratio"),
    Feature("snow_ratio_low", "1", 0, 60, SNOW, "10 % quantile of the ratio as measured about that",
            shown=True, may_be_absent=True,
            kind="ratio"),
    Feature("snow_ratio_high", "1", 0, 60, SNOW, "90 % quantile", shown=True, may_be_absent=True,
            kind="ratio"),
    Feature("snow_class", "1", 0, 6, ("snowfall",),
            "GB/T 28592-2012 by water; 0 none or scattered, 6 extreme", shown=True, kind="class"),
    Feature("chance_of_1_cm", "1", 0, 1, ("snowfall",),
            "of at least 1 cm of new snow: log-normal about the forecast", kind="probability"),
    Feature("chance_of_5_cm", "1", 0, 1, ("snowfall",), "of at least 5 cm", shown=True,
            kind="probability"),
    Feature("chance_of_10_cm", "1", 0, 1, ("snowfall",), "of at least 10 cm", shown=True,
            kind="probability"),
    Feature("snow_fraction", "1", 0, 1, SNOW,
            "part of what falls that is snow: forecast/science/precipitation_type.py",
            may_be_absent=True),
    Feature("freezing_rain", "kg m-2", 0, 2000, SNOW,
            "drops that freeze where they fall: forecast/science/precipitation_type.py"),
    Feature("ice_pellets", "kg m-2", 0, 2000, SNOW,
            "melted aloft, frozen again before the ground; Bourgouin 2000"),
    Feature("precipitation_kind", "1", 0, 5, ("snowfall",),
            "dry, rain, sleet, snow, ice pellets, freezing rain", shown=True, kind="class"),
    Feature("freezing_level_above_site", "m", -9000, 9000, SNOW,
            "0 degC level of the wet bulb less the site's height"),
    Feature("cloud_top_temperature", "K", 150, 340, SNOW, "while it falls: cold enough for ice?",
            may_be_absent=True),
    Feature("snow_depth", "m", 0, 20, SNOW,
            "lower of 08 and 14 local: the model's at the start, then settling, melt, new snow",
            shown=True),
    Feature("freezing_hours", "h", 0, 24, COLD, "hours below 0 degC at the site's height",
            shown=True),
    Feature("frostbite_minutes", "min", 0, 30, COLD,
            "until bare skin freezes, the shortest; Environment Canada", shown=True,
            may_be_absent=True),
    Feature("sun_hours", "h", 0, 24, ("snow_cover",),
            "sun over the terrain, less the cloud's cover (cirrus: half)", shown=True),
    Feature("cold_resource", "1", 0, 4, ("snow_cover",),
            "how many there are of cold, snow, sun, little wind", shown=True, kind="count"),
    Feature("rime_hours", "h", 0, 24, ("rime",),
            "hours in supercooled cloud, or saturated at most force 3, and as kept", shown=True),
    Feature("wet_bulb_minimum", "K", 180, 340, ("snowmaking", "snowfall"),
            "lowest at the site's height; Rogers & Yau 1989, eq. 2.22"),
    Feature("snowmaking_hours", "h", 0, 24, ("snowmaking",),
            f"wet bulb at most {SNOWMAKING_STARTS - FREEZING:.1f} degC", shown=True),
    Feature("good_snowmaking_hours", "h", 0, 24, ("snowmaking",),
            f"wet bulb at most {SNOWMAKING_GOOD - FREEZING:.1f} degC", shown=True),
)
# fmt: on

FEATURES: dict[str, Feature] = {feature.name: feature for feature in _FEATURES}


def feature_column(name: str, values: ArrayLike) -> xr.Variable:
    """Return the values of a feature (event) as a column of a table of features, with its unit."""
    import numpy as np
    import xarray as xr

    return xr.Variable(("event",), np.asarray(values, dtype=float), {"units": FEATURES[name].unit})


@cache
def features_of(phenomenon: str) -> tuple[str, ...]:
    """Return the names of the features that serve `phenomenon`, in the catalogue's order."""
    return tuple(name for name, feature in FEATURES.items() if phenomenon in feature.phenomena)
