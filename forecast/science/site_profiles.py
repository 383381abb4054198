"""Profiles of the air at sites: temperature, humidity, wind and cloud at true heights.

A column is read at a height above sea level, never at the model's own surface. Levels below the
model's ground are the model's extrapolation, so they are dropped; its values at 2 m and 10 m (for
cloud: the lowest remaining level) close the column there. A place below the model's ground is read
by holding the end of the column, warmed by 6.5 K km-1, for 500 m; deeper it is NaN.
"""

from __future__ import annotations

import numpy as np

from forecast.science.interpolation import Index, Scene, Times
from forecast.science.thermodynamics import LAPSE_RATE, Array
from forecast.science.vertical import at_height

# The field that closes a column at the model's ground, and its height above it [m].
# fmt: off
NEAR_GROUND = {
    "air_temperature": ("air_temperature_at_2m", 2.0),
    "relative_humidity": ("relative_humidity_at_2m", 2.0),
    "eastward_wind": ("eastward_wind_at_10m", 10.0),
    "northward_wind": ("northward_wind_at_10m", 10.0),
}
# fmt: on
WINDS = ("eastward_wind", "northward_wind")


def air_at(
    scene: Scene, rows: Index, times: Times, heights: Array | None = None
) -> dict[str, Array]:
    """Return temperature, humidity, wind and cloud at the sites by name (event, moment).

    temperature [K]; humidity, cloud [1]; wind_speed, eastward, northward [m s-1]. heights: above
    sea level [m] (site), by default the sites' own. NaN where a field is absent or the height out
    of reach.
    """
    heights = elevations(scene) if heights is None else heights
    names = {
        "temperature": "air_temperature",
        "humidity": "relative_humidity",
        "eastward": WINDS[0],
        "northward": WINDS[1],
    }
    series = {
        short: _read(*column(scene, name), heights, -LAPSE_RATE if short == "temperature" else 0.0)
        for short, name in names.items()
    }
    series["cloud"] = cloud_at(scene, heights)
    read = scene.between(np.stack(list(series.values()), axis=-1), rows, times)
    air = {short: read[..., place] for place, short in enumerate(series)}
    return air | {"wind_speed": np.hypot(air["eastward"], air["northward"])}


def cloud_at(scene: Scene, heights: Array) -> Array:
    """Return the cloud fraction [1] at a height [m] of each site (site) at the run's times.

    The result is (site, time).
    """
    return _read(*cloud_column(scene), heights, 0.0)


def elevations(scene: Scene) -> Array:
    """Return the sites' heights above sea level [m] (site)."""
    return np.array([site.elevation for site in scene.sites], dtype=float)


def column(scene: Scene, name: str) -> tuple[Array, Array]:
    """Return a profile and its heights [m] (site, time, level); NaN under the model's ground."""
    heights = scene.at_sites("geopotential_height")
    if not scene.has(name):
        return np.full(heights.shape, np.nan), heights
    values = _above_ground(scene, scene.at_sites(name), heights)
    near, above = NEAR_GROUND.get(name, ("", 0.0))
    if scene.has(near) and scene.has("surface_altitude"):
        values = np.concatenate([scene.at_sites(near)[..., None], values], axis=-1)
        heights = np.concatenate(
            [scene.at_sites("surface_altitude")[..., None] + above, heights], axis=-1
        )
    return values, heights


def cloud_column(scene: Scene) -> tuple[Array, Array]:
    """Return cloud fraction [1] and its heights [m] (site, time, level).

    Levels under the model's ground are NaN.     The lowest level above the ground represents the
    air between it and the ground.
    """
    heights = scene.at_sites("geopotential_height")
    cloud = _above_ground(scene, scene.cloud_columns[0], heights)
    if not scene.has("surface_altitude"):
        return cloud, heights
    lowest_known = np.take_along_axis(cloud, np.isfinite(cloud).argmax(axis=-1)[..., None], axis=-1)
    return np.concatenate([lowest_known, cloud], axis=-1), np.concatenate(
        [scene.at_sites("surface_altitude")[..., None], heights], axis=-1
    )


def _above_ground(scene: Scene, values: Array, heights: Array) -> Array:
    if not scene.has("surface_altitude"):
        return values
    return np.where(heights > scene.at_sites("surface_altitude")[..., None], values, np.nan)


def _read(values: Array, heights: Array, target: Array, gradient: float) -> Array:
    return at_height(values, heights, np.broadcast_to(target[:, None], values.shape[:2]), gradient)
