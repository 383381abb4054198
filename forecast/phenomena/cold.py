"""Rime and sunshine of a local day, hour by hour."""

from __future__ import annotations

import numpy as np

from forecast.phenomena.weather import Mask
from forecast.quantities import RIME_STAYS
from forecast.science import almanac
from forecast.science.interpolation import Index, Scene, Times
from forecast.science.snowfall import FORCE_3, RIME_LOST, grows_rime
from forecast.science.thermodynamics import FREEZING, Array, maximum_random_overlap

# [1] part of the sunshine that a layer's full cover takes: cirrus leaves shadows (check); sunshine
# counts from 120 W m-2 (WMO-No. 8)
SHADE = {"low": 1.0, "medium": 1.0, "high": 0.5}


def rimy_hours(air: dict[str, Array]) -> Mask:
    """Return the hours (day, hour) in which rime grows or stays.

    air: from `site_profiles.air_at` at the middle of each hour. Soft rime stays while the air is
    moist, not above RIME_LOST and no windier than force 3; hard rime, which wind does not shake
    off, while it freezes.
    """
    temperature, humidity, wind = air["temperature"], air["humidity"], air["wind_speed"]
    hard, soft = grows_rime(temperature, humidity, air["cloud"], wind)
    soft_stays = soft | ((temperature < RIME_LOST) & ~(wind > FORCE_3) & (humidity >= RIME_STAYS))
    return _lasting(hard, hard | (temperature < FREEZING)) | _lasting(soft, soft_stays)


def _lasting(begins: Mask, stays: Mask) -> Mask:
    """Return the hours (day, hour) in which what last began has stayed without a break."""
    index = np.arange(begins.shape[1])
    begun, lost = (
        np.maximum.accumulate(np.where(these, index, -1), axis=1) for these in (begins, ~stays)
    )
    return stays & (begun > lost)


def sunny_hours(scene: Scene, rows: Index, hours: Times, lengths: Array) -> Array:
    """Return the sunshine of the day (day) [h]; NaN where cloud is unknown.

    hours (day, hour): the middle of each; lengths: of each [h], the last may be shorter. The sun
    above the terrain counts 1 less the cover (Angstrom's linear law: 1 under clear sky, 0 under
    overcast).
    """
    latitude, longitude = (
        np.array([getattr(site, name) for site in scene.sites])[rows, None]
        for name in ("latitude", "longitude")
    )
    altitude, azimuth = almanac.sun_position(
        np.where(np.isnat(hours), hours[:, :1], hours), latitude, longitude
    )
    horizon = np.array([site.horizon for site in scene.sites])
    shining = (
        altitude > np.maximum(almanac.horizon_altitude(horizon[rows][:, None], azimuth), 0.0)
    ) & ~np.isnat(hours)
    layers, _ = scene.cloud_layers(rows, hours)
    cover = maximum_random_overlap(
        np.stack([SHADE[name] * layers[name] for name in SHADE], axis=-1)
    )
    known = np.isfinite(cover) | ~shining
    total = (np.where(shining, 1 - np.nan_to_num(cover), 0.0) * np.nan_to_num(lengths)).sum(axis=1)
    return np.where(known.all(axis=1) & np.isfinite(cover).any(axis=1), total, np.nan)
