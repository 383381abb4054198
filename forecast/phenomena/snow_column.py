"""What falls on a site and what lies there, at the run's own times: read from the column above its true height.

The cloud's top must be cold enough for ice, and the warm air below the 0 degree level shallow enough to leave it; the snow lands as deep
as temperature and wind of the place have it, and joins a pack that settles and melts there (forecast/snowpack.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast import snowpack
from forecast.phenomena.weather import WINDS, column, elevations
from forecast.physics import FREEZING, Array
from forecast.sampling import Scene, at_height
from forecast.snow_physics import snow_fraction, snow_ratio

LAPSE = 0.0065  # [K m-1] of the standard atmosphere, for a 0 degree level outside the column
CLOUDY = 0.3  # cover of a level that belongs to the cloud which snows (check)
SCALE_HEIGHT = 8000.0  # [m] of pressure, beyond the column's ends

ONE_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class Curves:
    """What the run says of every site at its own times (site, time); precipitation, water, snow: summed up from the run's start.

    precipitation, water (what falls as snow) [kg m-2]; snow [m]; freezing: 0 degree level less the site's height [m];
    cloud_top [K], NaN without cloud; pressure at the site [Pa]; depth: snow on the ground of the site [m]; model_depth: of the model's.
    """

    precipitation: Array
    water: Array
    snow: Array
    freezing: Array
    cloud_top: Array
    pressure: Array
    depth: Array
    model_depth: Array

    @classmethod
    def over(cls, scene: Scene) -> Curves:
        profile, heights = column(scene, "air_temperature")
        site = elevations(scene)[:, None]
        freezing = freezing_level(profile, heights) - site
        levels = scene.at_sites("geopotential_height").astype(float)
        top = cloud_top_temperature(scene.cloud_columns[0], scene.at_sites("air_temperature"), levels, site)
        logarithm = np.broadcast_to(np.log(scene.pressure), levels.shape)
        pressure = np.exp(at_height(logarithm, levels, np.broadcast_to(site, freezing.shape), -1 / SCALE_HEIGHT))
        temperature = at_height(profile, heights, np.broadcast_to(site, freezing.shape), -LAPSE)
        wind = np.hypot(*(at_height(*column(scene, name), np.broadcast_to(site, freezing.shape)) for name in WINDS))
        fallen = np.nan_to_num(_surface(scene, "precipitation_amount", freezing))
        # An interval is that of both its ends: the means of what they say.
        water = fallen * np.nan_to_num(_of_interval(snow_fraction(freezing, top)))
        snow = water * np.nan_to_num(_of_interval(snow_ratio(temperature, wind))) / 1000
        model_depth = _surface(scene, "surface_snow_thickness", freezing)
        depth = _pack(scene, fallen, water, snow, _of_interval(temperature))
        sums = [np.cumsum(amount, axis=1) for amount in (fallen, water, snow)]
        return cls(sums[0], sums[1], sums[2], freezing, top, pressure, depth, model_depth)


def _surface(scene: Scene, name: str, like: Array) -> Array:
    """Return a field on one level (site, time); NaN where the run has none."""
    return scene.at_sites(name).astype(float) if scene.has(name) else np.full(like.shape, np.nan)


def _pack(scene: Scene, fallen: Array, water: Array, snow: Array, temperature: Array) -> Array:
    """Return the snow on the ground of the sites [m] (site, time): it begins as the model's and goes on as the site's own.

    The model's ground is lower and warmer than the village, so its snow falls there as rain and melts first.
    """
    lying = _surface(scene, "surface_snow_thickness", temperature)
    amount = _surface(scene, "surface_snow_amount", temperature)[:, 0]
    own = np.clip(amount / np.where(lying[:, 0] > 0, lying[:, 0], np.nan), snowpack.LEAST_DENSITY, snowpack.GREATEST_DENSITY)
    pack = snowpack.Pack(lying[:, 0] * np.where(np.isnan(own), snowpack.USUAL_DENSITY, own), lying[:, 0])
    spans = np.diff(scene.times) / ONE_DAY
    depth = np.full(temperature.shape, np.nan)
    depth[:, 0] = pack.depth
    for k, span in enumerate(spans.tolist(), start=1):
        thaw = np.maximum(temperature[:, k] - FREEZING, 0.0) * span
        brought = snowpack.Day(water[:, k], snow[:, k], fallen[:, k] - water[:, k], thaw, temperature[:, k])
        pack, _ = snowpack.next_day(pack, brought, span)
        depth[:, k] = pack.depth
    return depth


def _of_interval(values: Array) -> Array:
    """Return the mean of each time's value and the one before it (site, time); the first stands alone."""
    before = np.concatenate([values[:, :1], values[:, :-1]], axis=1)
    return (np.where(np.isnan(before), values, before) + np.where(np.isnan(values), before, values)) / 2


def freezing_level(temperature: Array, heights: Array) -> Array:
    """Return the greatest height [m] at which the columns (..., level), rising, pass 0 degC; NaN where nothing is known.

    A column wholly below 0 degC has it under its lowest level, continued at 6.5 K km-1; one that is warm to its top, above it.
    """
    shape = temperature.shape[:-1]
    level, above_t, above_h = (np.full(shape, np.nan) for _ in range(3))
    for k in range(temperature.shape[-1] - 1, -1, -1):
        here_t, here_h = temperature[..., k], heights[..., k]
        known = np.isfinite(here_t) & np.isfinite(here_h)
        warm = known & np.isnan(level) & (here_t >= FREEZING)
        with np.errstate(invalid="ignore", divide="ignore"):
            between = here_h + (above_h - here_h) * (here_t - FREEZING) / (here_t - above_t)
        level = np.where(warm, np.where(np.isnan(above_t), here_h + (here_t - FREEZING) / LAPSE, between), level)
        above_t, above_h = np.where(known, here_t, above_t), np.where(known, here_h, above_h)
    return np.where(np.isnan(level), above_h - (FREEZING - above_t) / LAPSE, level)


def cloud_top_temperature(cloud: Array, temperature: Array, heights: Array, site: Array) -> Array:
    """Return the temperature [K] at the top of the lowest cloud above the site, columns (site, time, level) rising; NaN: no cloud.

    One clear level does not part a cloud from what lies on it (ice falls through it); two do.
    """
    top = np.full(temperature.shape[:-1], np.nan)
    gap = np.zeros(top.shape, dtype=int)
    for k in range(temperature.shape[-1]):
        known = np.isfinite(cloud[..., k]) & np.isfinite(temperature[..., k]) & (heights[..., k] >= site)
        cloudy = known & (cloud[..., k] >= CLOUDY) & (gap < 2)
        top = np.where(cloudy, temperature[..., k], top)
        gap = np.where(known & np.isfinite(top), np.where(cloudy, 0, gap + 1), gap)
    return top
