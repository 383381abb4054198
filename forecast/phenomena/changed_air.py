"""Air along a light path with other cloud or haze: what a forecaster asks the model.

Each function takes a section of air and returns another one; the shape of the layers stays.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from forecast.phenomena.layered_path import extinction_of, layer_of, layered
from forecast.phenomena.light_path import DISTANCE, HEIGHTS
from forecast.science.light import CELL, AirSection, Mask
from forecast.science.thermodynamics import Array

LOW, MIDDLE, HIGH = 0, 1, 2  # layers of layered_path
NEAR = DISTANCE <= 75e3  # [m] columns over and around the site
FAR = (DISTANCE >= 225e3) & (DISTANCE <= 375e3)  # about 300 km away
PARTS: dict[str, tuple[Mask, tuple[int, ...]]] = {
    "low_cloud": (NEAR, (LOW,)),
    "high_cloud": (NEAR, (MIDDLE, HIGH)),
    "cloud_far": (FAR, (LOW, MIDDLE)),
}


def cover_of(section: AirSection, part: str) -> Array:
    """Return the cover [1] of a part of PARTS (event): its densest layer, mean over its columns."""
    columns, layers = PARTS[part]
    return np.asarray(layered(section).cover[:, columns][:, :, list(layers)].max(-1).mean(-1))


def with_cover(section: AirSection, part: str, cover: float) -> AirSection:
    """Return a section whose cloud in a part of PARTS has a cover [1].

    A layer that is there keeps its shape; where the part has no cloud it gets the usual layers.
    """
    columns, layers = PARTS[part]
    path, layer = layered(section), layer_of(HEIGHTS)
    chosen = columns[:, None] & np.isin(layer, layers) & section.known[..., None]
    return replace(
        section,
        cover=np.where(chosen, path.shape * cover, section.cover),
        cloud=np.where(chosen, path.opacity * extinction_of(np.array(cover)), section.cloud),
    )


def with_aerosol(section: AirSection, depth: float) -> AirSection:
    """Return a section whose haze has an optical depth [1] at 550 nm over the site."""
    own = section.aerosol[:, :1].sum(axis=-1, keepdims=True) * CELL
    return replace(section, aerosol=section.aerosol * depth / np.maximum(own, 1e-9))
