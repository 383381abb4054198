"""Types of arrays that the scientific modules share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Index = NDArray[np.intp]
Mask = NDArray[np.bool_]
Times = NDArray[np.datetime64]


def bits_rounded(values: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Return values rounded to `bits` of their 23 mantissa bits, so that they compress well.

    The relative error is 2^-(bits + 1) at most; NaN and infinity stay. `bits` is 1 to 22.
    Source: BitRound, CF Conventions 1.12, appendix J; Kouznetsov 2021, Geosci. Model Dev. 14, 377
    (round half up).
    """
    dropped = 23 - bits
    whole = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    rounded = (whole + np.uint32(1 << (dropped - 1))) & np.uint32(
        0xFFFFFFFF << dropped & 0xFFFFFFFF
    )
    return np.where(np.isfinite(values), rounded.view(np.float32), values)
