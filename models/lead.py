"""Lead: how much the weather part of a forecast is worth, by how far ahead it is.

The same fields mean less the further ahead they are. A rule's sum of weather effects is therefore
scaled by s(lead) = strength exp(-(lead / days)^shape) and added to the log-odds of the usual
frequency at the site in that month: far ahead a forecast returns to it. What is known a month
ahead (the moon, the length of the night) is not scaled.
Source: a forecast regressed towards climatology, Murphy & Epstein 1989, MWR 117, 572; the figures
of each phenomenon as its entry of SCALES says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class LeadScale:
    """The scale of a rule's weather effects by lead, and their usual sum.

    strength: s at lead 0. days, shape: of its decrease. centre: usual sum of the scaled effects
    [logit], so that the mean forecast is the usual frequency. measured: whether on this phenomenon;
    otherwise borrowed. source: on what, with cases.
    """

    strength: float
    days: float
    shape: float
    centre: float
    measured: bool
    source: str

    def at(self, lead: Array) -> Array:
        """Return s (...) of `lead` [h] (...) since the run; below 0 as at 0; NaN stays."""
        with np.errstate(invalid="ignore"):
            days = np.maximum(lead, 0.0) / 24
        return np.asarray(self.strength * np.exp(-((days / self.days) ** self.shape)))

    def worth(self, lead: Array) -> Array:
        """Return s(lead) / s(0) (...): the part [1] of its worth that a forecast keeps."""
        return np.asarray(self.at(lead) / self.strength)


_STARS = LeadScale(
    0.56, 6.1, 1.48, 0.0, measured=True, source="night_cloud, 880 issue days x 13 nights"
)
_BORROWED = "borrowed from starry_sky: night cloud of real forecasts (night_cloud)"


def _borrowed(source: str = _BORROWED) -> LeadScale:
    return LeadScale(1.0, _STARS.days, _STARS.shape, 0.0, measured=False, source=source)


SCALES: Mapping[str, LeadScale] = {
    "starry_sky": _STARS,
    "sea_of_clouds": _borrowed(),
    "sunset_glow": _borrowed(),
    "sunrise_glow": _borrowed(),
    "sunrise": _borrowed(),
    "snowfall": _borrowed(),
    "snow_cover": _borrowed(),
    "rime": _borrowed(),
    "snowmaking": _borrowed(),
}


# The part of its worth at the run that a forecast keeps, from which confidence is high and medium;
# below it the usual frequency says nearly as much.
HIGH, MEDIUM = 0.75, 0.4

# Standard deviation [logit] of the change from a forecast to the last one before the event, by
# lead [day], and the quantile of the range that is shown: eight of ten later forecasts lie in it.
CHANGE: tuple[tuple[float, float], ...] = ((0.0, 0.2), (1.0, 0.6), (3.0, 0.9), (7.0, 1.2))
RANGE_QUANTILE = 1.2816  # of the normal distribution, 10 % beyond each side


def confidence_of(phenomenon: str, lead: float) -> int:
    """Return 3 high, 2 medium or 1 low by `lead` [h]."""
    worth = float(SCALES[phenomenon].worth(np.array(lead)))
    return 3 if worth >= HIGH else 2 if worth >= MEDIUM else 1


def later_range(probability: float, phenomenon: str, lead: float) -> tuple[float, float]:
    """Return the range in which eight of ten later forecasts of an event lie; NaN gives NaN.

    probability: now, at `lead` [h].
    """
    if not math.isfinite(probability):
        return math.nan, math.nan
    days, changes = zip(*CHANGE, strict=True)
    reach = RANGE_QUANTILE * float(np.interp(lead / 24, days, changes))
    p = min(1 - 1e-6, max(1e-6, probability))
    odds = math.log(p / (1 - p))
    low, high = (1 / (1 + math.exp(-(odds + side * reach))) for side in (-1, 1))
    return low, high
