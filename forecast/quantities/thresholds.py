"""Thresholds that several modules share: between states, classes and grades of the weather."""

from __future__ import annotations

import math
from collections.abc import Sequence

# [1] beyond these a probability is not rounded: it is published as less than 1 %, more than 99 %
LEAST_WRITTEN, MOST_WRITTEN = 0.01, 0.99


def published_probability(probability: float) -> float:
    """Return a probability as it is published: a whole percent, from 1 to 99 %; NaN stays NaN.

    It is rounded once, before it is graded, archived, shown and verified, so that the percentage,
    the stars and a yes or no never contradict each other.
    """
    if math.isnan(probability) or not LEAST_WRITTEN <= probability <= MOST_WRITTEN:
        return probability
    return round(100 * probability) / 100


def grade_of(probability: float, grades: Sequence[float]) -> int:
    """Return the grade 1-5 of a published probability; 0 where it is NaN.

    grades: the probabilities at which grades 2 to 5 begin.
    """
    return 0 if math.isnan(probability) else 1 + sum(probability >= least for least in grades)


def yes_threshold(grades: Sequence[float]) -> float:
    """Return the probability from which a forecast counts as a yes: where grade 3 begins."""
    return grades[1]


# [mag arcsec-2] a clear sky with a zenith at least this dark is starry: Bortle's suburban sky
# (class 5), which shows the brighter Milky Way
DARK_ENOUGH = 20.0

# Limits between the states of a sea-of-clouds morning, for verifying observations and for the rule.
# cover from which cloud is a deck, ground is hidden, a viewer is in cloud: 3 oktas (SCT,
# WMO-No. 49); humidity 90 % (check)
DECK_COVER = 0.3
CLEAR_GAP = 100.0  # [m] a deck nearer than this reaches the viewer at times (check)
OVERCAST = 0.75  # cover above the site, 6 oktas: the sky is mostly cloud

LEAST_GLOW = 0.05  # quality below which no glow is reported: no colour, no window

FREEZING = 273.15  # [K]
# [K] wet bulb at or below which snow can be made, conditions are good, are excellent (science.md 4)
SNOWMAKING_STARTS, SNOWMAKING_GOOD, SNOWMAKING_EXCELLENT = (
    FREEZING - 2.0,
    FREEZING - 4.0,
    FREEZING - 6.7,
)
# relative humidity at which rime grows, at which it stays (science.md 4)
RIME_FORMS, RIME_STAYS = 0.99, 0.95
# [kg m-2] water of 24 h of snowfall from which it is light, moderate, heavy snow, a snowstorm, a
# severe, an extreme snowstorm (below the first: scattered): GB/T 28592-2012
SNOW_CLASSES = (0.1, 2.5, 5.0, 10.0, 20.0, 30.0)
LEAST_FREEZING_RAIN = 0.1  # [kg m-2] the least that a gauge shows, and enough to glaze a road
