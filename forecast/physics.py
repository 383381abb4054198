"""Formulas that MetPy lacks, each with its source; all take and give arrays in SI, NaN in NaN out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

CRITICAL_HUMIDITY = 0.80  # relative humidity at which a grid box begins to hold cloud


def maximum_random_overlap(cover: Array) -> Array:
    """Return the total cover (...) [1] of cloud layers (..., level) [1] ordered along the last axis.

    Neighbouring cloudy layers overlap as far as they can, layers apart by clear air at random. A NaN layer is read as clear;
    where every layer is NaN the total is NaN.
    Source: Geleyn & Hollingsworth 1979, Beitr. Phys. Atmosph. 52; Raisanen 1998, MWR 126, 3044, eq. 1:
    1 - C = prod_k (1 - max(c_k, c_{k-1})) / (1 - c_{k-1}).
    """
    known = np.nan_to_num(cover, nan=0.0)
    before = np.concatenate([np.zeros_like(known[..., :1]), known[..., :-1]], axis=-1)
    overcast = (known >= 1.0).any(axis=-1)
    clear = np.prod((1 - np.maximum(known, before)) / np.where(before >= 1, 1.0, 1 - before), axis=-1)
    total = np.where(overcast, 1.0, 1.0 - clear)
    return np.where(np.isnan(cover).all(axis=-1), np.nan, total)


def cloud_from_humidity(relative_humidity: Array, critical: float = CRITICAL_HUMIDITY) -> Array:
    """Return the cloud fraction [1] that a relative humidity [1] stands for in a grid box.

    Source: Sundqvist, Berge & Kristjansson 1989, MWR 117, 1641, eq. 2.3: C = 1 - sqrt((1 - U) / (1 - U00)).
    """
    scaled = np.clip((1 - np.minimum(relative_humidity, 1.0)) / (1 - critical), 0, 1)
    return 1 - np.sqrt(scaled)
