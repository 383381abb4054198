"""Cloud decks in columns: base, top and cover of the ground below, inversions and ground fog."""

from __future__ import annotations

import numpy as np

from forecast.phenomena.weather import Mask, mean
from forecast.quantities import DECK_COVER
from forecast.science.interpolation import Index
from forecast.science.thermodynamics import Array

# [1, m, 1] ground fog: low cloud and visibility at most, humidity at least (science.md 2)
GROUND_FOG_LOW_CLOUD, GROUND_FOG_VISIBILITY, GROUND_FOG_HUMIDITY = 0.05, 500.0, 0.82


def deck(cloud: Array, heights: Array) -> tuple[Array, Array]:
    """Return base and top [m] (...) of the lowest deck in columns `cloud` (..., height) [1].

    A deck has a cover of at least DECK_COVER; NaN without one. Both lie where the cover, linear
    between two heights, passes DECK_COVER; where the column begins or ends in cloud, at its end.
    """
    thick = cloud >= DECK_COVER
    places = np.arange(len(heights))
    first = thick.argmax(axis=-1)
    after = ~thick & (places > first[..., None])
    beyond = np.where(after.any(axis=-1), after.argmax(axis=-1), len(heights))
    base = _crossing(cloud, heights, np.maximum(first - 1, 0), first)
    top = _crossing(cloud, heights, np.minimum(beyond, len(heights) - 1), beyond - 1)
    found = thick.any(axis=-1)
    return np.where(found, base, np.nan), np.where(found, top, np.nan)


def _crossing(cloud: Array, heights: Array, outside: Index, inside: Index) -> Array:
    """Return the height [m] between an inside and an outside level with a cover of DECK_COVER."""
    thin, thick = (
        np.take_along_axis(cloud, place[..., None], axis=-1)[..., 0] for place in (outside, inside)
    )
    known = np.isfinite(thin) & (thin < DECK_COVER) & (thick >= DECK_COVER)
    share = np.where(known, (thick - DECK_COVER) / np.where(known, thick - thin, 1.0), 0.0)
    return heights[inside] + share * (heights[outside] - heights[inside])


def inversion(temperature: Array) -> Array:
    """Return the greatest warming with height [K] (...) in columns (..., height).

    0 where it only cools, NaN where nothing is known.
    """
    return np.fmax.reduce(
        temperature - np.fmin.accumulate(temperature, axis=-1), axis=-1, initial=np.nan
    )


def area_filled(cloud: Array, heights: Array, site: Array, ground: Array) -> Array:
    """Return the part [1] of the ground below the viewer that cloud hides (event, moment).

    cloud (event, moment, height); heights [m] of the columns, rising; site [m] (event, 1); ground
    [m] (event, part): equal parts of area. A part is hidden by the densest cloud between it and the
    viewer's height (one deck: its layers overlap as far as they can), whether it lies in that cloud
    or under it. NaN where nothing is known above any part.
    """
    below = np.where(heights <= site[..., None], cloud, np.nan)
    densest = np.fmax.accumulate(below[..., ::-1], axis=-1)[..., ::-1]
    last = np.maximum(np.searchsorted(heights, site[:, 0], side="right") - 1, 0)
    place = np.minimum(np.searchsorted(heights, ground), last[:, None])[:, None, :]
    return mean(
        np.moveaxis(
            np.take_along_axis(
                densest, np.broadcast_to(place, (*cloud.shape[:2], ground.shape[1])), axis=-1
            ),
            -1,
            1,
        )
    )


def ground_fog(low_cloud: Array, visibility: Array, humidity: Array) -> Array:
    """Return 1 where the model has fog on the ground without low cloud (...), else 0.

    low_cloud [1], visibility [m], humidity [1] at 2 m. NaN where one of the three is not known.
    Such fog is too shallow to be a deck. Source: science.md 2.
    """
    fog = (
        (low_cloud < GROUND_FOG_LOW_CLOUD)
        & (visibility <= GROUND_FOG_VISIBILITY)
        & (humidity >= GROUND_FOG_HUMIDITY)
    )
    return np.where(np.isnan(low_cloud + visibility + humidity), np.nan, fog.astype(float))


def mean_where(values: Array, chosen: Mask) -> Array:
    """Return the mean of the known chosen values (..., height) -> (...); NaN without any."""
    known = chosen & np.isfinite(values)
    count = known.sum(axis=-1)
    return np.where(
        count > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan
    )


def median_where(values: Array, chosen: Mask) -> Array:
    """Return the median of the known chosen values (..., height) -> (...); NaN without any."""
    ranked = np.sort(np.where(chosen, values, np.nan), axis=-1)  # NaN last
    count = np.isfinite(ranked).sum(axis=-1)[..., None]
    middle = [
        np.take_along_axis(ranked, np.maximum(place, 0), axis=-1)[..., 0]
        for place in ((count - 1) // 2, count // 2)
    ]
    return np.where(count[..., 0] > 0, (middle[0] + middle[1]) / 2, np.nan)
