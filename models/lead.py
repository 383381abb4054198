"""Lead: how much a forecast is worth by how far ahead it is.

The same fields mean less the further ahead they are. The log-odds of a rule are therefore drawn
towards those of the usual frequency at the site in that month:

    (1 - s) usual + s (rule + offset),   s(lead) = strength exp(-(lead / days)^shape)

with at most 1 for s in the first place. Far ahead a forecast is the usual frequency. What the
almanac knows a month ahead (the moon, the length of the night) is added afterwards, not scaled.
Source: a forecast regressed towards climatology, Murphy & Epstein 1989, MWR 117, 572. The figures
are measured on real forecasts kept at their issue time (tests/science/lead.py), or borrowed, as
each entry of SCALES says.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from forecast.science.cloud_errors import CORRELATION_DAYS, CORRELATION_SHAPE

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class LeadScale:
    """The weight of a rule's log-odds by lead.

    strength: s at lead 0. days, shape: of its decrease. offset: what the rule's sum lacks [logit].
    skill: Brier skill [1] at lead 0, in (0, 1), against the usual frequency. measured: whether on
    this phenomenon; otherwise borrowed. source: on what, with cases.
    in_features: the features hold their forecast's errors by lead already, as odds against what is
    usual: they are added to the usual frequency, and days and shape only say how the worth
    decreases.
    """

    strength: float
    days: float
    shape: float
    offset: float
    skill: float
    measured: bool
    source: str
    in_features: bool = False

    def at(self, lead: Array) -> Array:
        """Return s (...) of `lead` [h] (...) since the run; below 0 as at 0; NaN stays."""
        kept = self.worth(lead)
        if self.in_features:
            kept = np.where(np.isnan(kept), np.nan, 1.0)
        return np.asarray(self.strength * kept)

    def worth(self, lead: Array) -> Array:
        """Return the part [1] (...) of its worth at the run that a forecast keeps; NaN stays."""
        with np.errstate(invalid="ignore"):
            days = np.maximum(lead, 0.0) / 24
        return np.asarray(np.exp(-((days / self.days) ** self.shape)))

    def expected_skill(self, lead: Array) -> Array:
        """Return the Brier skill [1] (...) to expect at `lead` [h] (...); NaN stays.

        skill / (1 - skill), the variance that a forecast explains against what it leaves, falls
        with the square of the worth: log-odds times a factor vary by its square.
        """
        odds = self.skill / (1 - self.skill) * self.worth(lead) ** 2
        return np.asarray(odds / (1 + odds))


# New York City, October 2023 to February 2026: forecasts of 13 nights on each of 875 afternoons,
# against the next day's analysis; a month was left out of each of 29 fits, the figures are their
# means (tests/science/lead.py). Runs of 12 UTC are assumed. The skill is the one whose decrease
# fits the measured skills of all 13 days best.
_ARCHIVE = "forecasts kept at their issue time, New York City 2023-2026"

_STARS = LeadScale(
    0.75,
    5.7,
    1.37,
    2.5,
    0.60,
    measured=True,
    source=f"{_ARCHIVE}: 885 nights, 586 with few clouds at most in the best two hours",
)
# The layer in which a deck or rime forms: the night's mean dew-point depression at most 1.5 K. Its
# strength belongs to its own line and is not borrowed.
_MOIST_DAYS, _MOIST_SHAPE, _MOIST_SKILL = 7.3, 1.95, 0.41
_MOIST = f"borrowed from moist nights, {_ARCHIVE}: 885 nights, 100 with near saturation"
# A sea is worth less: on 67 labelled mornings of Wunvshan the interval of its skill ends near this.
_SEA_SKILL = 0.17
# Between those measured (.64 to .79); on labelled mornings no worse than 1, but for rime it is.
# With .5 they are worse: Brier .263 instead of .246, at Wunvshan .209 instead of .200.
_SEA_STRENGTH = 0.75


def _borrowed(strength: float, days: float, shape: float, skill: float, source: str) -> LeadScale:
    return LeadScale(strength, days, shape, 0.0, skill, measured=False, source=source)


def _drawn(skill: float) -> LeadScale:
    """The draws of forecast/science/cloud_errors.py carry the lead: not shrunk twice."""
    return LeadScale(
        1.0,
        CORRELATION_DAYS,
        CORRELATION_SHAPE,
        0.0,
        skill,
        measured=False,
        source="in the draws of cloud; their correlation with the truth from night_cloud, the "
        "skill of a simulated world with these errors",
        in_features=True,
    )


SCALES: Mapping[str, LeadScale] = {
    "starry_sky": _STARS,
    "sea_of_clouds": _borrowed(
        _SEA_STRENGTH, _MOIST_DAYS, _MOIST_SHAPE, _SEA_SKILL,
        f"{_MOIST}; the strength from stars, snow and snow-making; the skill at most that of 67 "
        "labelled mornings; chances of .7 and more are unproven: 1 of 86 labelled mornings has one",
    ),
    "sunset_glow": _drawn(0.14),
    "sunrise_glow": _drawn(0.14),
    "sunrise": _drawn(0.275),
    "snowfall": LeadScale(
        0.64,
        6.2,
        1.95,
        1.1,
        0.37,
        measured=True,
        source=f"{_ARCHIVE}: 433 nights of November to March, 27 with snow",
    ),
    "snow_cover": _borrowed(
        1.0, 7.2, 1.14, 0.84,
        f"borrowed from a pack of nights' snow and thaw, {_ARCHIVE}: 433 nights, 91 with snow",
    ),
    "rime": _borrowed(1.0, _MOIST_DAYS, _MOIST_SHAPE, _MOIST_SKILL, _MOIST),
    "snowmaking": LeadScale(
        0.79,
        7.5,
        1.2,
        2.1,
        0.75,
        measured=True,
        source=f"{_ARCHIVE}: 885 nights, 186 with an hour of wet bulb at most -2 degC",
    ),
}  # fmt: skip


# Brier skill [1] to expect, from which confidence is high and medium. .4: a correlation of .63 with
# what comes, the .6 of a useful forecast. Below .1 the errors are those of the usual frequency but
# for a twentieth.
HIGH, MEDIUM = 0.4, 0.1
GOOD_WEATHER = 0.95  # [1] probability by weather alone on a good day; on a bad one 1 less that

# Part [1] of what is uncertain now that later forecasts settle, and the days [day] over which:
# RESOLVED (1 - exp(-lead / RESOLVED_DAYS)) of p (1 - p) is the variance of a later probability. Set
# on starry nights of the same archive so that eight of ten last forecasts lie in the range
# (tests/science/lead.py); all phenomena borrow it.
RESOLVED, RESOLVED_DAYS = 0.41, 2.6
LEAST = 1e-4  # [1] probabilities nearer to 0 or 1 are read as this
RANGE_TAIL = 0.1  # [1] of later forecasts below the range, and above


def confidence_of(phenomenon: str, lead: float, known_ahead: float = 0.0) -> int:
    """Return 3 high, 2 medium or 1 low by the skill to expect at `lead` [h].

    Only what the weather can change is unsure. known_ahead: what the almanac adds to the log-odds
    [logit].
    """
    unsure = 1 - float(SCALES[phenomenon].expected_skill(np.array(lead)))
    sure = 1 - unsure * part_of_weather(known_ahead)
    return 3 if sure >= HIGH else 2 if sure >= MEDIUM else 1


def part_of_weather(known_ahead: float) -> float:
    """Return the part [1] of the answer that hangs on weather beside what is known ahead [logit].

    It is how far apart good and bad weather move the probability (GOOD_WEATHER), against how far
    they do where nothing is known ahead.
    """
    good = math.log(GOOD_WEATHER / (1 - GOOD_WEATHER))
    best, worst = (1 / (1 + math.exp(-(odds + known_ahead))) for odds in (good, -good))
    return (best - worst) / (2 * GOOD_WEATHER - 1)


def later_range(probability: float, phenomenon: str, lead: float) -> tuple[float, float]:
    """Return the range in which eight of ten later forecasts of an event lie; NaN gives NaN.

    probability: now, at `lead` [h]; it lies in the range.
    """
    if not (math.isfinite(probability) and math.isfinite(lead)):
        return math.nan, math.nan
    low, high = beta_range(np.array(probability), settled(np.array(lead)))
    return float(low), float(high)


def settled(lead: Array, resolved: float = RESOLVED) -> Array:
    """Return the part [1] of what is uncertain at `lead` [h] that later forecasts settle."""
    return np.asarray(-resolved * np.expm1(-np.maximum(lead, 0.0) / 24 / RESOLVED_DAYS))


def beta_range(probability: Array, part: Array) -> tuple[Array, Array]:
    """Return the range (...) of later probabilities, of which `part` of p (1 - p) is the variance.

    They have the present one as their mean and, it is assumed, a beta distribution. The present one
    lies in the range.
    """
    p = np.clip(probability, LEAST, 1 - LEAST)
    size = 1 / np.maximum(part, LEAST) - 1
    low, high = (
        betaincinv(p * size, (1 - p) * size, tail) for tail in (RANGE_TAIL, 1 - RANGE_TAIL)
    )
    return np.minimum(low, probability), np.maximum(high, probability)
