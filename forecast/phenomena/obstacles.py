"""Obstacles in the light: the cloud or the ground that stops a ray, and the ray up to there."""

from __future__ import annotations

import numpy as np

from forecast.phenomena.light_path import DISTANCE
from forecast.science import light, light_rays
from forecast.science.light import CELL, CELLS, AirSection
from forecast.science.thermodynamics import Array

HALF = np.log(2)  # [1] optical depth of cloud from which it stops a ray
SPENT = np.log(20)  # [1] optical depth of cloud behind which a ray is not drawn


def blocking_cloud(
    section: AirSection, height: Array, elevation: Array, start: int
) -> tuple[Array, Array]:
    """Return distance and top [m] (event) of the cloud that takes most of the light of a ray.

    One ray an event, to `height` [m] over column `start` at `elevation` [degree] (event). NaN where
    cloud lets more than half of the light pass.
    """
    depth, cells = light_rays.cloud_met(section, height, elevation[:, None], start)
    met = depth[:, 0]
    rows, worst = np.arange(len(met)), met.argmax(axis=1)
    column, struck = section.cover[rows, worst + start], cells[rows, 0, worst][:, None]
    index = np.arange(CELLS)
    # A ray may clip the corner of a cloud whose cells it leaves before the column's middle: look
    # from the nearest cloudy cell on.
    struck = np.where(column > 0, np.abs(index - struck), CELLS).argmin(axis=1)[:, None]
    open_air = (column < 0.5 * np.take_along_axis(column, struck, axis=1)) & (index > struck)
    top = np.where(open_air.any(axis=1), open_air.argmax(axis=1), CELLS) * CELL
    stopped = met.sum(axis=1) > HALF
    return np.where(stopped, DISTANCE[worst + start], np.nan), np.where(stopped, top, np.nan)


def shadow_edge(section: AirSection, height: Array, start: int) -> tuple[Array, Array]:
    """Return distance and height [m] (event) of the ground that first shades a point.

    The point is at `height` [m] over column `start`; the sun sinks. A ray that grazes ground g at
    distance x arrives at the elevation (g - h) / x - x / 2R': the highest of these comes first.
    """
    away = DISTANCE[start + 1 :] - DISTANCE[start]
    ground = section.ground[:, start + 1 :]
    grazing = (ground - height[:, None]) / away - away / (2 * light.effective_radius())
    rows, first = np.arange(len(ground)), np.nan_to_num(grazing, nan=-np.inf).argmax(axis=1)
    return DISTANCE[first + start + 1], ground[rows, first]


def ray_path(section: AirSection, height: Array, elevation: Array, start: int) -> Array:
    """Return the height [m] (event, ray, distance) of rays from the sun; NaN behind an obstacle.

    elevation [degree]: (event, ray). Columns before `start` are NaN.
    """
    path = light.ray_height(
        height[:, None, None], elevation[:, :, None], DISTANCE[start:] - DISTANCE[start]
    )
    depth, _ = light_rays.cloud_met(section, height, elevation, start)
    # optical depth met by the middle of each column
    beyond = np.cumsum(depth[..., ::-1], axis=-1)[..., ::-1] - depth / 2
    under = np.maximum.accumulate((path < section.ground[:, None, start:])[..., ::-1], axis=-1)[
        ..., ::-1
    ]
    drawn = np.full((*path.shape[:2], DISTANCE.size), np.nan)
    drawn[..., start:] = np.where((beyond > SPENT) | under, np.nan, path)
    return drawn
