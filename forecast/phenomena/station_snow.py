"""Degrees of snow and rime from a station's own record: 0, 0.5 or 1; NaN where it reports nothing.

A station at the place outranks an analysis. Depth and state of the ground (BUFR table 0 20 062) are
those of 08 and 14 local time; weather is given in the codes of present weather (WMO-No. 306, table
4677; the Chinese forms keep the numbers of rime and glaze).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from forecast.phenomena.snow import DEGREES, degrees
from forecast.science.thermodynamics import Array

RIME_CODES = (48, 49)  # table 4677: fog that deposits rime, sky visible or not
# freezing drizzle or rain, now or in the hour before: ice, but clear ice
GLAZE_CODES = (24, 56, 57, 66, 67)
# snow that covers at least half of the ground, by BUFR table 0 20 062
COVERED = (12, 13, 14, 16, 17, 18, 19)
# snow or snow with rain, now or in the hour before
SNOW_CODES = (22, 23, 26, 68, 69, 70, 71, 72, 73, 74, 75, 77, 83, 84, 85, 86)


def snow_cover_measured(depth_at_08: ArrayLike, depth_at_14: ArrayLike) -> Array:
    """Return the degree of snow cover from depths [m] at 08 and 14 local time.

    The lesser counts; NaN where one is missing.
    """
    return degrees(
        np.minimum(np.asarray(depth_at_08, dtype=float), np.asarray(depth_at_14, dtype=float)),
        *DEGREES["snow_depth"],
    )


def snow_cover_of_ground(state_at_08: ArrayLike, state_at_14: ArrayLike) -> Array:
    """Return the degree of snow cover from the ground's states at 08 and 14 local time.

    0.5 where snow covers at least half of it at both: a state has no depth, so the degree is never
    1. NaN where one is missing.
    """
    states = np.stack([np.asarray(state_at_08, float), np.asarray(state_at_14, float)])
    covered = 0.5 * np.isin(states, COVERED).all(axis=0)
    return np.where(np.isnan(states).any(axis=0), np.nan, covered)


def rime_seen(rime: ArrayLike, glaze: ArrayLike) -> Array:
    """Return the degree of rime from the day's reports of rime and glaze (..., report), 1 or 0.

    1 for rime, 0.5 for glaze. NaN: no report.
    """
    return np.fmax(_reported(rime, (1,)), 0.5 * _reported(glaze, (1,)))


def snowfall_reported(codes: ArrayLike) -> Array:
    """Return the degree of snowfall from the day's codes of present weather (..., report).

    0.5 where it snowed: a code has no amount, so the degree is never 1. NaN: no report.
    """
    return 0.5 * _reported(codes, SNOW_CODES)


def rime_reported(codes: ArrayLike) -> Array:
    """Return the degree of rime from the day's codes of present weather (..., report).

    1 for rime, 0.5 for clear ice of freezing rain. NaN: no report.
    """
    return np.fmax(_reported(codes, RIME_CODES), 0.5 * _reported(codes, GLAZE_CODES))


def _reported(codes: ArrayLike, wanted: Sequence[int]) -> Array:
    """Return 1 where a report (..., report) has one of the codes, else 0; NaN without reports."""
    given = np.asarray(codes, dtype=float)
    return np.where(
        np.isnan(given).all(axis=-1), np.nan, np.isin(given, wanted).any(axis=-1).astype(float)
    )
