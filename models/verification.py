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
