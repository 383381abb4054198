"""Test atmospheres around one site by distance and height: a canvas, a wall, a clear west."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import xarray as xr

from forecast.domain import Atmosphere, Event, Site
from forecast.phenomena import glow
from forecast.quantities import CLOSE_LEVELS
from forecast.science import light
from forecast.science.almanac import almanacs
from forecast.settings import PhenomenonSettings
from tests.skies import SITES, standard_height, standard_temperature

# (distance [m], height [m]) -> cloud fraction
Cover = Callable[[np.ndarray, np.ndarray], np.ndarray]
DAY = date(2026, 11, 22)


@cache
def event(phenomenon: str = "sunset_glow", site: str = "lingshan") -> Event:
    """Return the event of one glow on 22 November 2026."""
    almanac = almanacs([SITES[site]], [DAY], ZoneInfo("Asia/Shanghai"))[site, DAY]
    return next(
        e
        for e in glow.events(SITES[site], DAY, almanac, PhenomenonSettings())
        if e.phenomenon == phenomenon
    )


def canvas(
    cover: float = 0.6, base: float = 8000.0, top: float = 9500.0, reach: float = 80_000.0
) -> Cover:
    """Cloud over and around the site."""
    return lambda distance, height: np.where(
        (height >= base) & (height < top) & (distance < reach), cover, 0.0
    )


def wall(near: float, far: float, top: float, base: float = 0.0, cover: float = 1.0) -> Cover:
    """A bank of cloud some way off, on every side."""
    return lambda distance, height: np.where(
        (distance >= near) & (distance < far) & (height >= base) & (height < top), cover, 0.0
    )


def both(*covers: Cover) -> Cover:
    return lambda distance, height: np.maximum.reduce([cover(distance, height) for cover in covers])


def lowest_elevation(
    height: np.ndarray | float, refraction: float = light.REFRACTION
) -> np.ndarray:
    """Return the elevation [degree] below which the earth stops a ray to `height` [m].

    About -sqrt(2 h / R'): 2.9 degrees for 8 km without refraction, from a point 320 km away.
    """
    radius = light.effective_radius(refraction)
    return -np.degrees(np.arccos(radius / (radius + np.maximum(height, 0.0))))


def clear(distance: np.ndarray, height: np.ndarray) -> np.ndarray:
    return np.zeros(np.broadcast_shapes(distance.shape, height.shape))


def around(
    site: Site,
    moment: datetime,
    cover: Cover,
    humidity: float = 0.4,
    reach_degrees: float = 8.5,
    **surface: float,
) -> Atmosphere:
    """An atmosphere on a grid of half a degree, the same an hour before and after `moment`, in
    which cloud depends on the distance from `site` and on height alone.
    """
    latitude = np.arange(np.floor(site.latitude) - 7, np.ceil(site.latitude) + 7.01, 0.5)
    longitude = np.arange(
        np.floor(site.longitude - reach_degrees),
        np.ceil(site.longitude + reach_degrees) + 0.01,
        0.5,
    )
    a, b = np.radians(latitude)[:, None], np.radians(site.latitude)
    half = (
        np.sin((a - b) / 2) ** 2
        + np.cos(a) * np.cos(b) * np.sin(np.radians(longitude[None] - site.longitude) / 2) ** 2
    )
    distance = 2 * 6371000 * np.arcsin(np.sqrt(half))
    levels = np.array(CLOSE_LEVELS, dtype=float)
    height = standard_height(levels)
    shape = (len(levels), *distance.shape)
    columns = {
        "geopotential_height": np.broadcast_to(height[:, None, None], shape),
        "air_temperature": np.broadcast_to(standard_temperature(height)[:, None, None], shape),
        "relative_humidity": np.full(shape, humidity),
        "cloud_area_fraction_in_atmosphere_layer": cover(distance[None], height[:, None, None]),
    }
    data = {
        name: (("time", "level", "latitude", "longitude"), values[None].astype("float32"))
        for name, values in columns.items()
    }
    single = {"surface_altitude": 0.0, "visibility_in_air": 24000.0} | surface
    data |= {
        name: (("time", "latitude", "longitude"), np.full((1, *distance.shape), v, "float32"))
        for name, v in single.items()
    }
    middle = np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "ns")
    time = middle + np.array([-1, 1]) * np.timedelta64(1, "h")
    coords = {"time": time, "level": levels, "latitude": latitude, "longitude": longitude}
    return xr.Dataset(
        {name: (dims, np.repeat(values, 2, axis=0)) for name, (dims, values) in data.items()},
        coords=coords,
    )
