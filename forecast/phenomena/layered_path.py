"""The air along a light path as three layers of cloud, whose covers are drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.phenomena.canvas import BANDS
from forecast.phenomena.light_path import HEIGHTS
from forecast.science.cloud_errors import LAYERS
from forecast.science.light import CELL, CLOUD_LENGTH, AirSection, Index
from forecast.science.thermodynamics import Array

# [m] tops of low and middle cloud: the bands of the canvas; the climate of cloud divides at about 3
# and 8 km (borrowed)
LOW_TOP, MIDDLE_TOP = BANDS[0]
# [m] where a layer that is not forecast stands if it comes (check)
USUAL_LAYERS = ((1000.0, 2000.0), (4000.0, 5000.0), (8000.0, 9500.0))
LEAST_COVER = 0.02  # [1] below it a layer's shape is the usual one
DENSEST = 1 - 1e-4  # [1] cover of a drawn layer at most: its light is then none


@dataclass(frozen=True, slots=True)
class LayeredPath:
    """A section of air as three layers in each column.

    cover: densest of each layer (event, distance, layer) [1]; shape: cover of each cell relative to
    it; opacity: extinction of each cell relative to that of a layer of that cover (event, distance,
    cell) [1].
    """

    cover: Array
    shape: Array
    opacity: Array


def layered(section: AirSection) -> LayeredPath:
    """Return a section as three layers; a layer without cloud has the usual shape."""
    layer = layer_of(HEIGHTS)
    covers = np.stack(
        [section.cover[..., layer == number].max(axis=-1) for number in range(LAYERS)], axis=-1
    )
    usual = np.any(
        [(bottom <= HEIGHTS) & (top > HEIGHTS) for bottom, top in USUAL_LAYERS], axis=0
    ) & (section.ground[..., None] < HEIGHTS + CELL / 2)
    whole = covers[..., layer]
    there = whole >= LEAST_COVER
    densest = np.maximum(whole, LEAST_COVER)
    shape = np.where(there, section.cover / densest, usual)
    opacity = np.where(there, section.cloud / extinction_of(densest), usual)
    return LayeredPath(covers, shape, opacity)


def layer_of(height: Array) -> Index:
    """Return the layer of a height [m]: 0 low, 1 middle, 2 high."""
    return np.asarray(height >= LOW_TOP).astype(np.intp) + np.asarray(height >= MIDDLE_TOP)


def extinction_of(cover: Array) -> Array:
    """Return the extinction [m-1] of a layer of opaque elements of `cover` [1]."""
    return np.asarray(-np.log1p(-np.minimum(cover, DENSEST)) / CLOUD_LENGTH)
