"""Precipitation and snowpack at sites, at the run's own times, from the column above each site.

The cloud's top and the wet bulb below it give the type of precipitation (precipitation_type.py);
temperature and wind at the site give the depth of new snow, which joins a pack that settles and
melts there (snowpack.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.science import snowpack
from forecast.science.interpolation import Scene
from forecast.science.precipitation_type import PrecipitationTypes, layers, precipitation_types
from forecast.science.site_profiles import WINDS, column, elevations
from forecast.science.snowfall import snow_ratio
from forecast.science.thermodynamics import FREEZING, LAPSE_RATE, Array, wet_bulb
from forecast.science.vertical import at_height

CLOUDY = 0.3  # [1] cover from which a level belongs to the precipitating cloud (check)
SCALE_HEIGHT = 8000.0  # [m] of pressure, beyond the column's ends

ONE_DAY = np.timedelta64(1, "D")  # [h] unit of time of melt and settling


@dataclass(frozen=True, slots=True)
class SnowSeries:
    """Series at every site at the run's own times (site, time).

    Accumulated from the run's start: precipitation, water (of snow), pellets, freezing (rain that
    freezes on the ground), untyped (of unknown type) [kg m-2], snow [m].
    melting_level: height of 0 degC wet bulb above the site [m]; cloud_top [K], NaN without cloud;
    pressure at the site [Pa]; depth: snow on the ground of the site [m]; model_depth: of the
    model's ground [m].
    """

    precipitation: Array
    water: Array
    pellets: Array
    freezing: Array
    untyped: Array
    snow: Array
    melting_level: Array
    cloud_top: Array
    pressure: Array
    depth: Array
    model_depth: Array

    @classmethod
    def over(cls, scene: Scene) -> SnowSeries:
        """Return the series of a scene's sites."""
        temperature, pressure, melting_level, top, falls = _falling(scene)
        site = np.broadcast_to(elevations(scene)[:, None], temperature.shape)
        wind = np.hypot(*(at_height(*column(scene, name), site) for name in WINDS))
        fallen = np.nan_to_num(_surface(scene, "precipitation_amount", temperature))
        # An interval has the mean of the values at its two ends.
        shares = [_of_interval(share) for share in (falls.snow, falls.pellets, falls.freezing)]
        water, pellets, freezing = (fallen * np.nan_to_num(share) for share in shares)
        untyped = np.where(np.isnan(shares[0]), fallen, 0.0)
        ratio = np.nan_to_num(_of_interval(snow_ratio(temperature, wind)))
        day = snowpack.DayForcing.of(
            fallen, water, pellets, ratio, _ends(temperature), _spans(scene)
        )
        amounts = (fallen, water, pellets, freezing, untyped, water * ratio / 1000)
        model_depth = _surface(scene, "surface_snow_thickness", temperature)
        fallen, water, pellets, freezing, untyped, snow = (
            np.cumsum(amount, axis=1) for amount in amounts
        )
        depth = _pack(scene, day)
        return cls(
            fallen,
            water,
            pellets,
            freezing,
            untyped,
            snow,
            melting_level,
            top,
            pressure,
            depth,
            model_depth,
        )


def _falling(scene: Scene) -> tuple[Array, Array, Array, Array, PrecipitationTypes]:
    """Return temperature, pressure, melting level, cloud top and types at the sites (site, time).

    [K], [Pa], [m] above the site, [K], and parts [1].
    """
    temperature, heights = column(scene, "air_temperature")
    humidity, heights_of_humidity = column(scene, "relative_humidity")
    site = np.broadcast_to(elevations(scene)[:, None], temperature.shape[:2])
    levels = scene.at_sites("geopotential_height").astype(float)
    logarithm = np.broadcast_to(np.log(scene.pressure), levels.shape)
    pressure = np.exp(at_height(logarithm, levels, site, -1 / SCALE_HEIGHT))
    at_site = at_height(temperature, heights, site, -LAPSE_RATE)
    bulb_at_site = wet_bulb(at_site, at_height(humidity, heights_of_humidity, site), pressure)
    # The wet bulb of the levels, and at 2 m where the run has both temperature and humidity there.
    count = min(temperature.shape[-1], humidity.shape[-1])
    temperature, humidity, heights = (
        temperature[..., -count:],
        humidity[..., -count:],
        heights[..., -count:],
    )
    if count > levels.shape[-1]:
        near = at_height(logarithm, levels, heights[..., 0], -1 / SCALE_HEIGHT)
        logarithm = np.concatenate([near[..., None], logarithm], axis=-1)
    bulb = wet_bulb(temperature, humidity, np.exp(logarithm))
    top, top_height = cloud_top(
        scene.cloud_columns[0], scene.at_sites("air_temperature"), levels, site
    )
    through = layers(bulb, heights, site, bulb_at_site, top_height)
    return (
        at_site,
        pressure,
        freezing_level(bulb, heights) - site,
        top,
        precipitation_types(bulb_at_site, top, through),
    )


def _spans(scene: Scene) -> Array:
    """Return the length of the interval that ends at each time (time) [day]; the first is 0."""
    return np.concatenate([[0.0], np.diff(scene.times) / ONE_DAY])


def _ends(values: Array) -> tuple[Array, Array]:
    """Return the lesser and the greater of each value and the one before it (site, time)."""
    before = np.concatenate([values[:, :1], values[:, :-1]], axis=1)
    return np.fmin(before, values), np.fmax(before, values)


def _surface(scene: Scene, name: str, like: Array) -> Array:
    """Return a field on one level (site, time); NaN where the run has none."""
    return scene.at_sites(name).astype(float) if scene.has(name) else np.full(like.shape, np.nan)


def _pack(scene: Scene, day: snowpack.DayForcing) -> Array:
    """Return the snow on the ground of the sites [m] (site, time), starting from the model's.

    day: the forcing of each interval (site, time). The model's ground is lower and warmer than the
    village, so its own snow falls as rain and melts first.
    """
    lying = _surface(scene, "surface_snow_thickness", day.thaw)
    amount = _surface(scene, "surface_snow_amount", day.thaw)[:, 0]
    own = np.clip(
        amount / np.where(lying[:, 0] > 0, lying[:, 0], np.nan),
        snowpack.LEAST_DENSITY,
        snowpack.GREATEST_DENSITY,
    )
    pack = snowpack.Pack(
        lying[:, 0] * np.where(np.isnan(own), snowpack.USUAL_DENSITY, own), lying[:, 0]
    )
    depth = np.full(day.thaw.shape, np.nan)
    depth[:, 0] = pack.depth
    for k, span in enumerate(_spans(scene).tolist()[1:], start=1):
        pack, _ = snowpack.next_day(pack, day.at(k), span)
        depth[:, k] = pack.depth
    return depth


def _of_interval(values: Array) -> Array:
    """Return the mean of each value and the one before it (site, time), of those known."""
    before = np.concatenate([values[:, :1], values[:, :-1]], axis=1)
    return (
        np.where(np.isnan(before), values, before) + np.where(np.isnan(values), before, values)
    ) / 2


def freezing_level(temperature: Array, heights: Array) -> Array:
    """Return the greatest height [m] at which columns (..., level) pass 0 degC; NaN: unknown.

    temperature: or wet bulb [K]; heights [m] rise. In a column wholly below 0 degC it lies under
    the lowest level, in one warm to its top above it, both extrapolated with LAPSE_RATE.
    """
    shape = temperature.shape[:-1]
    level, above_t, above_h = (np.full(shape, np.nan) for _ in range(3))
    for k in range(temperature.shape[-1] - 1, -1, -1):
        here_t, here_h = temperature[..., k], heights[..., k]
        known = np.isfinite(here_t) & np.isfinite(here_h)
        warm = known & np.isnan(level) & (here_t >= FREEZING)
        with np.errstate(invalid="ignore", divide="ignore"):
            between = here_h + (above_h - here_h) * (here_t - FREEZING) / (here_t - above_t)
        level = np.where(
            warm,
            np.where(np.isnan(above_t), here_h + (here_t - FREEZING) / LAPSE_RATE, between),
            level,
        )
        above_t, above_h = np.where(known, here_t, above_t), np.where(known, here_h, above_h)
    return np.where(np.isnan(level), above_h - (FREEZING - above_t) / LAPSE_RATE, level)


def cloud_top(cloud: Array, temperature: Array, heights: Array, site: Array) -> tuple[Array, Array]:
    """Return temperature [K] and height [m] of the top of the lowest cloud above the site.

    Columns (site, time, level) rise; NaN without cloud. One clear level does not separate two
    clouds (ice falls through it); two do.
    """
    top, height = np.full(temperature.shape[:-1], np.nan), np.full(temperature.shape[:-1], np.nan)
    gap = np.zeros(top.shape, dtype=int)
    for k in range(temperature.shape[-1]):
        known = (
            np.isfinite(cloud[..., k])
            & np.isfinite(temperature[..., k])
            & (heights[..., k] >= site)
        )
        cloudy = known & (cloud[..., k] >= CLOUDY) & (gap < 2)
        top, height = (
            np.where(cloudy, temperature[..., k], top),
            np.where(cloudy, heights[..., k], height),
        )
        gap = np.where(known & np.isfinite(top), np.where(cloudy, 0, gap + 1), gap)
    return top, height
