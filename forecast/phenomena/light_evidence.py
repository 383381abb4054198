"""The evidence of a glow or sunrise: what the chart of the light path draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.phenomena.glow_geometry import Geometry
from forecast.phenomena.light_path import DISTANCE
from forecast.science import light
from forecast.science.interpolation import Times
from forecast.science.light import CELL, CELLS, AirSection
from forecast.science.thermodynamics import Array

Drawn = tuple[tuple[str, ...], NDArray[Any]]  # dimensions and values


def evidence(
    section: AirSection,
    rays: Array,
    sight: Array,
    minutes: Times,
    by_minute: Mapping[str, Array],
    srgb: Array,
) -> xr.Dataset:
    """Return the data of the chart as a Dataset.

    Cloud by distance and height (every 500 m, the denser of two cells; NaN outside the data), the
    ground, `rays` (event, ray, distance) [m], the lowest line of `sight` over the terrain (event,
    distance) [m], and the series by the minute.
    """
    pairs = section.cover.reshape(*section.cover.shape[:-1], -1, 2).max(axis=-1)
    edges = np.concatenate([pairs, pairs[..., -1:]], axis=-1)
    cover = np.where(section.known[..., None], edges, np.nan).astype("float32")
    series = {**by_minute, "red": srgb[..., 0], "green": srgb[..., 1], "blue": srgb[..., 2]}
    data: dict[str, Drawn] = {
        name: (("event", "minute"), values.astype("float32")) for name, values in series.items()
    }
    data["cloud"] = (("event", "distance", "height"), cover)
    data["ground"] = (
        ("event", "distance"),
        np.where(section.known, section.ground, np.nan).astype("float32"),
    )
    data["ray_height"] = (("event", "ray", "distance"), rays.astype("float32"))
    data["sight"] = (("event", "distance"), sight.astype("float32"))
    data["time"] = (("event", "minute"), minutes)
    return xr.Dataset(
        data, coords={"distance": DISTANCE, "height": np.arange(CELLS // 2 + 1) * 2 * CELL}
    )


def evidence_of(
    geometry: Geometry, section: AirSection, rays: Array, name: str, by_minute: Array, srgb: Array
) -> xr.Dataset:
    """Return the evidence of a chunk of events; `by_minute` is the series called `name`.

    What changes by the minute is NaN outside the run's own fields.
    """
    sight = light.ray_height(geometry.elevation[:, None], geometry.horizon[:, None], DISTANCE)
    series = {
        "sun_altitude": geometry.altitude,
        name: np.where(geometry.outside, np.nan, by_minute),
    }
    colours = np.where(geometry.outside[..., None], np.nan, srgb)
    return evidence(section, rays, sight, geometry.minutes, series, colours)
