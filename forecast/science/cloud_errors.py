"""Errors of forecast cloud: what the true cloud may be, given the forecast one and its lead.

The cover of a layer is read as a normal deviate (the place of its cover among those of the layer's
climate). The true deviate is correlated with the forecast one by rho(lead); what is left is an
error of unit climate, correlated along the path and between layers. So draws near the run keep to
the forecast, and draws far ahead are those of the climate of cloud.
Source: the normal quantile transform of Krzysztofowicz 1999, Water Resour. Res. 35, 2739; figures
as named with each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from forecast.science.even_points import BITS, DIMENSIONS, sobol_points
from forecast.science.thermodynamics import Array

# rho(lead) = first x exp(-(lead / days)^shape): correlation of the deviates of forecast and
# analysed total cloud. night_cloud, hours 16-19 and 05-08, 880 issue days x 14: .87 at 2 h, .80 at
# 16 h, .72 at 1.1 d, .62 at 3 d, .42 at 5.5 d, .26 at 7.5 d, .11 at 10.5 d; the curve is within
# .035 of them. It is measured from the issue, some hours after the run. Borrowed for each layer
# from the total, and for these mountains from New York.
FIRST_CORRELATION, CORRELATION_DAYS, CORRELATION_SHAPE = 0.83, 6.9, 1.4
# Covers of low, middle and high cloud: the part of the time with at most each. 2,736 hours at four
# mountains of north and central China (Open-Meteo, cloud_sea): chosen days, borrowed for all days.
LAYER_CLIMATE = (
    ((0.0, 0.45), (0.02, 0.5), (0.06, 0.6), (0.22, 0.7), (0.51, 0.8), (0.99, 0.9), (1.0, 1.0)),
    ((0.0, 0.3), (0.03, 0.4), (0.08, 0.5), (0.19, 0.6), (0.34, 0.7), (0.56, 0.8), (0.93, 0.9),
     (1.0, 1.0)),
    ((0.0, 0.4), (0.1, 0.5), (0.29, 0.6), (0.54, 0.7), (0.75, 0.8), (0.97, 0.9), (1.0, 1.0)),
)  # fmt: skip
LAYERS = len(LAYER_CLIMATE)
# Correlation of the deviates of the layers, from the same hours.
LAYER_CORRELATION = ((1.0, 0.40, 0.27), (0.40, 1.0, 0.44), (0.27, 0.44, 1.0))
# [m] over which the correlation of an error falls by e. GFS cloud by layer: .74 to .56 at 70 km in
# a domain of 800 km (2020), .66 to .74 at 213 km in 30-50 N (2011): 190 to 570 km (check). That is
# of the cloud itself: an error that is all of the climate has it.
ERROR_LENGTH = 300_000.0
# Principal components of an error that draws are spread over evenly: .94 of its variance. 64 draws
# so give a probability of glow to .036, one standard error, as 128 of chance alone do (156 events).
SPREAD = DIMENSIONS
_END = 4.0  # deviates beyond are read as this
_STEPS = 64  # entries of the table of covers for a unit of deviate


Places: TypeAlias = NDArray[np.int32]


def correlation_at(lead: Array) -> Array:
    """Return the correlation [1] of forecast and true deviates at `lead` [h]; below 0 as at 0."""
    days = np.maximum(lead, 0.0) / 24
    return np.asarray(FIRST_CORRELATION * np.exp(-((days / CORRELATION_DAYS) ** CORRELATION_SHAPE)))


def _places(layer: int) -> tuple[Array, Array]:
    """Return covers [1] and their deviates: no cloud at the middle of its part of the time."""
    covers, parts = np.array(LAYER_CLIMATE[layer]).T
    middle = parts.copy()
    middle[0] = parts[0] / 2
    middle[-1] = (1 + parts[-2]) / 2
    return covers, ndtri(middle)


def deviates_of(cover: Array) -> Array:
    """Return the deviate of a forecast cover [1] (..., layer)."""
    return np.stack(
        [np.interp(cover[..., layer], *_places(layer)) for layer in range(LAYERS)], axis=-1
    )


def _table(layer: int) -> Array:
    """Return the cover [1] of deviates from -_END to _END in equal steps."""
    deviates = np.arange(-_END, _END + 0.5 / _STEPS, 1 / _STEPS)
    covers, parts = np.array(LAYER_CLIMATE[layer]).T
    return np.interp(deviates, ndtri(np.minimum(parts, 1 - 1e-4)), covers).astype(np.float32)


_COVERS = np.stack([_table(layer) for layer in range(LAYERS)])


def _variance_of_deviates(layer: int) -> float:
    """Return the variance of the forecast's deviates, less than 1: no cloud has one value."""
    deviates = np.linspace(-_END, _END, 4001)
    density = np.exp(-(deviates**2) / 2)
    covers = np.interp(deviates, np.linspace(-_END, _END, _COVERS.shape[1]), _COVERS[layer])
    values = np.interp(covers, *_places(layer))
    return float((values**2 * density).sum() / density.sum())


VARIANCE = np.array([_variance_of_deviates(layer) for layer in range(LAYERS)])


def standard_errors(keys: Sequence[str], draws: int, distance: Array) -> Array:
    """Return errors of unit variance (event, draw, layer, distance), the same for the same key.

    distance [m] (distance): correlated with exp(-d / ERROR_LENGTH), and between layers. Of the
    principal components of an error the SPREAD largest are spread evenly over the draws: Sobol's
    points with the digital shift of L'Ecuyer & Lemieux 2002 (in Modeling Uncertainty, 419), so that
    each draw alone is normal. The others are drawn.
    draws: a power of 2.
    """
    shapes, points = _principal_components(distance), sobol_points(draws)
    drawn = np.empty((len(keys), draws, len(shapes)), dtype=np.float32)
    for own, key in zip(drawn, keys, strict=True):
        random = np.random.default_rng(_seed(key))
        random.standard_normal(dtype=np.float32, out=own)
        shift = random.integers(0, 1 << BITS, SPREAD, dtype=np.uint32)
        own[:, :SPREAD] = ndtri(((points ^ shift) + 0.5) / (1 << BITS))
    errors = drawn @ shapes  # a product for each event: its last bit depends on its shape
    return errors.reshape(len(keys), draws, LAYERS, distance.size)


def _principal_components(distance: Array) -> Array:
    """Return the components of an error (component, layer x distance), the largest first.

    Each has the size that it has in an error of unit variance.
    """
    apart = np.abs(distance[:, None] - distance[None, :])
    between, along = (
        _components_of(matrix)
        for matrix in (np.array(LAYER_CORRELATION), np.exp(-apart / ERROR_LENGTH))
    )
    both = np.einsum("il,jd->ijld", between, along).reshape(len(between) * len(along), -1)
    largest = np.argsort(-(both**2).sum(axis=1), kind="stable")
    return both[largest].astype(np.float32)


def _components_of(correlation: Array) -> Array:
    """Return the principal components (component, place) of values of such a correlation."""
    variance, shapes = np.linalg.eigh(correlation)
    shapes *= np.sign(shapes[:1])  # their signs are free: the same on every machine
    return np.asarray((shapes * np.sqrt(np.maximum(variance, 0.0))).T)


def _seed(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")


def drawn_covers(cover: Array, errors: Array, correlation: Array) -> Array:
    """Return covers [1] (event, draw, layer, distance) that may be true: `drawn_places` says of
    what.
    """
    return covers_at(drawn_places(cover, errors, correlation))


def drawn_places(cover: Array, errors: Array, correlation: Array) -> Places:
    """Return the places in the table (event, draw, layer, distance) of covers that may be true.

    cover: forecast (event, distance, layer) [1]; errors: `standard_errors`; correlation: of the
    deviates (event, distance) [1].
    """
    part = correlation[:, :, None]
    known, left = (
        np.moveaxis(values, 2, 1)[:, None].astype(np.float32)
        for values in (part * deviates_of(cover), np.sqrt(1 - part**2 * VARIANCE))
    )
    return places_of(known + left * errors)


def covers_of(deviates: Array) -> Array:
    """Return the covers [1] of deviates (..., layer, distance)."""
    return covers_at(places_of(deviates))


def places_of(deviates: Array) -> Places:
    """Return the places of deviates (..., layer, distance) in the table of covers."""
    place = np.clip(deviates, -_END, _END - 1e-4)
    place += _END
    place *= _STEPS
    index = place.astype(np.int32)
    index += (np.arange(LAYERS, dtype=np.int32) * _COVERS.shape[1])[:, None]
    return index


def covers_at(places: Places) -> Array:
    """Return the covers [1] at places of the table."""
    return cover_table().take(places)


def cover_table() -> Array:
    """Return the table of covers [1] (place): every cover that is drawn stands in it."""
    return _COVERS.reshape(-1)
