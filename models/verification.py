"""How good was it: Brier, skill, TS/POD/FAR, AUC, each with its number of cases; NaN cases count for nothing.

Probabilities (case) and outcomes (case) are arrays of 0-1 and of 0 or 1. The archive's own verification builds on these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a set of forecasts is worth. `threshold` is the probability from which a forecast counts as a yes."""

    cases: int
    events: int
    brier: float
    auc: float
    hits: int
    misses: int
    false_alarms: int
    threshold: float

    @property
    def pod(self) -> float:
        """Probability of detection: hits / events."""
        return _ratio(self.hits, self.hits + self.misses)

    @property
    def far(self) -> float:
        """False alarm ratio: false alarms / yes forecasts."""
        return _ratio(self.false_alarms, self.hits + self.false_alarms)

    @property
    def ts(self) -> float:
        """Threat score (critical success index): hits / (hits + misses + false alarms)."""
        return _ratio(self.hits, self.hits + self.misses + self.false_alarms)


def score(probability: ArrayLike, seen: ArrayLike, threshold: float = 0.5) -> Scores:
    """Return the scores of probabilities against what was seen; cases with a NaN on either side are left out.

    AUC is NaN where only one kind of outcome occurred.
    Source: Wilks 2011, Statistical Methods in the Atmospheric Sciences, 3rd ed., eqs. 8.8-8.11 and 8.36.
    """
    given, outcome = (np.asarray(values, dtype=float) for values in (probability, seen))
    known = np.isfinite(given) & np.isfinite(outcome)
    given, outcome = given[known], outcome[known] > 0.5
    yes = given >= threshold
    auc = float(roc_auc_score(outcome, given)) if 0 < outcome.sum() < len(outcome) else float("nan")
    return Scores(
        cases=len(given), events=int(outcome.sum()), brier=brier(given, outcome), auc=auc,
        hits=int((yes & outcome).sum()), misses=int((~yes & outcome).sum()), false_alarms=int((yes & ~outcome).sum()), threshold=threshold,
    )


def brier(probability: ArrayLike, seen: ArrayLike) -> float:
    """Return the Brier score: the mean squared difference; NaN without cases. Source: Brier 1950, MWR 78, 1, eq. 2 (half of it)."""
    difference = np.asarray(probability, dtype=float) - np.asarray(seen, dtype=float)
    difference = difference[np.isfinite(difference)]
    return float((difference**2).mean()) if len(difference) else float("nan")


def skill(value: float, reference: float, perfect: float = 0.0) -> float:
    """Return the skill of a score against a reference's: 1 perfect, 0 no better, negative worse. Source: Wilks 2011, eq. 8.4."""
    return (value - reference) / (perfect - reference) if perfect != reference else float("nan")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


@dataclass(frozen=True, slots=True)
class Reliability:
    """Do the probabilities mean what they say: in each bin the mean probability told, how often it was seen, the number of cases.

    low, high (bin): between these the frequency lies in 90 % of trials were every probability right. term: the reliability term of the
    Brier score (0 is perfect); highest: what 95 % of such trials keep below.
    """

    told: Array
    seen: Array
    cases: NDArray[np.integer[Any]]
    low: Array
    high: Array
    term: float
    highest: float

    @property
    def within(self) -> bool:
        """Whether the reliability term is one that right probabilities would show by chance."""
        return self.term <= self.highest


def reliability(probability: ArrayLike, seen: ArrayLike, bins: int = 10, draws: int = 1000, seed: int = 0) -> Reliability:
    """Return the reliability of probabilities in bins of like number of cases, and the band of chance (consistency resampling).

    The band takes the cases as independent, which makes it the strictest there is: weather in episodes scatters more.
    Source: Bröcker & Smith 2007, Weather and Forecasting 22, 651, sect. 3; Murphy 1973, J. Appl. Meteor. 12, 595, eq. 8 (the term).
    """
    given, outcome = (np.asarray(values, dtype=float) for values in (probability, seen))
    known = np.isfinite(given) & np.isfinite(outcome)
    order = np.argsort(given[known], kind="stable")
    given, outcome = given[known][order], outcome[known][order]
    place = np.arange(len(given)) * bins // max(len(given), 1)
    cases = np.bincount(place, minlength=bins)
    told = _ratios(np.bincount(place, given, minlength=bins), cases)
    frequency = _ratios(np.bincount(place, outcome, minlength=bins), cases)
    random = np.random.default_rng(seed)
    drawn = np.stack([
        _ratios(np.bincount(place, random.uniform(size=len(given)) < given, minlength=bins), cases) for _ in range(draws)])
    terms = np.nansum(cases * (drawn - told) ** 2, axis=1) / max(len(given), 1)
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    term = float(np.nansum(cases * (frequency - told) ** 2) / max(len(given), 1))
    return Reliability(told, frequency, cases, low, high, term, float(np.quantile(terms, 0.95)))


def _ratios(part: NDArray[Any], whole: NDArray[np.integer[Any]]) -> Array:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
