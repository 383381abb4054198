"""How good was it: Brier and its parts, skill, TS/POD/FAR, ROC, intervals; NaN cases count for
nothing.

Probabilities (case) and outcomes (case) are arrays of 0-1 and of 0 or 1. The archive's own
verification builds on these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm
from scipy.stats import t as student_t
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score, roc_curve

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """What a set of forecasts is worth. `threshold` is the probability from which a forecast counts
    as a yes.
    """

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
    """Return the scores of probabilities against what was seen; cases with a NaN on either side are
    left out.

    AUC is NaN where only one kind of outcome occurred.
    Source: Wilks 2011, Statistical Methods in the Atmospheric Sciences, 3rd ed., eqs. 8.8-8.11 and
    8.36.
    """
    given, outcome = (np.asarray(values, dtype=float) for values in (probability, seen))
    known = np.isfinite(given) & np.isfinite(outcome)
    given, outcome = given[known], outcome[known] > 0.5
    yes = given >= threshold
    auc = float(roc_auc_score(outcome, given)) if 0 < outcome.sum() < len(outcome) else float("nan")
    return Scores(
        cases=len(given),
        events=int(outcome.sum()),
        brier=brier(given, outcome),
        auc=auc,
        hits=int((yes & outcome).sum()),
        misses=int((~yes & outcome).sum()),
        false_alarms=int((yes & ~outcome).sum()),
        threshold=threshold,
    )


def brier(probability: ArrayLike, seen: ArrayLike) -> float:
    """Return the Brier score: the mean squared difference; NaN without cases. Source: Brier 1950,
    MWR 78, 1, eq. 2 (half of it).
    """
    difference = np.asarray(probability, dtype=float) - np.asarray(seen, dtype=float)
    difference = difference[np.isfinite(difference)]
    return float((difference**2).mean()) if len(difference) else float("nan")


def skill(value: float, reference: float, perfect: float = 0.0) -> float:
    """Return the skill of a score against a reference's: 1 perfect, 0 no better, negative worse.
    Source: Wilks 2011, eq. 8.4.
    """
    return (value - reference) / (perfect - reference) if perfect != reference else float("nan")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


@dataclass(frozen=True, slots=True)
class Reliability:
    """Do the probabilities mean what they say: in each bin the mean probability told, how often it
    was seen, the number of cases.

    low, high (bin): between these the frequency lies in 90 % of trials were every probability
    right. term: the reliability term of the Brier score (0 is perfect); highest: what 95 % of such
    trials keep below.
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


def reliability(
    probability: ArrayLike, seen: ArrayLike, bins: int = 10, draws: int = 1000, seed: int = 0
) -> Reliability:
    """Return the reliability of probabilities in bins of like number of cases, and the band of
    chance (consistency resampling).

    The band takes the cases as independent, which makes it the strictest there is: weather in
    episodes scatters more.
    Source: Bröcker & Smith 2007, Weather and Forecasting 22, 651, sect. 3; Murphy 1973, J. Appl.
    Meteor. 12, 595, eq. 8 (the term).
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
    drawn = np.stack(
        [
            _ratios(
                np.bincount(place, random.uniform(size=len(given)) < given, minlength=bins), cases
            )
            for _ in range(draws)
        ]
    )
    terms = np.nansum(cases * (drawn - told) ** 2, axis=1) / max(len(given), 1)
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    term = float(np.nansum(cases * (frequency - told) ** 2) / max(len(given), 1))
    return Reliability(told, frequency, cases, low, high, term, float(np.quantile(terms, 0.95)))


def _ratios(part: NDArray[Any], whole: NDArray[np.integer[Any]]) -> Array:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a Brier score is made of: brier = reliability - resolution + uncertainty, exactly.

    reliability: what recalibration would save (0 is perfect); resolution: what the forecasts tell
    apart; uncertainty: of the base rate.
    """

    reliability: float
    resolution: float
    uncertainty: float


def parts_of_brier(probability: ArrayLike, seen: ArrayLike) -> Parts:
    """Return the parts of the Brier score, the frequency at each probability by isotonic
    regression, so that no bins are chosen.

    NaN without cases. Few cases make reliability and resolution both look large; their difference
    is right.
    Source: Dimitriadis, Gneiting & Jordan 2021, PNAS 118, e2016191118, eq. 4; after Murphy 1973, J.
    Appl. Meteor. 12, 595.
    """
    given, outcome = _known(probability, seen)
    if not len(given):
        return Parts(float("nan"), float("nan"), float("nan"))
    score_given = brier(given, outcome)
    frequency = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(given, outcome)
    calibrated, base = brier(frequency, outcome), float(outcome.mean())
    return Parts(score_given - calibrated, base * (1 - base) - calibrated, base * (1 - base))


def roc_points(
    probability: ArrayLike, seen: ArrayLike, most: int = 40
) -> tuple[tuple[float, float], ...]:
    """Return the ROC curve as (false alarm rate, detection rate) at falling thresholds, at most
    `most` points; empty with one kind only.
    """
    given, outcome = _known(probability, seen)
    if len(np.unique(outcome)) < 2:
        return ()
    false_alarms, detected, _ = roc_curve(outcome, given)
    kept = np.unique(
        np.linspace(0, len(detected) - 1, min(most, len(detected))).round().astype(int)
    )
    return tuple((float(false_alarms[i]), float(detected[i])) for i in kept)


def _known(probability: ArrayLike, seen: ArrayLike) -> tuple[Array, Array]:
    given, outcome = (np.asarray(values, dtype=float) for values in (probability, seen))
    known = np.isfinite(given) & np.isfinite(outcome)
    return given[known], outcome[known]


def redrawn_sums(
    values: ArrayLike, blocks: NDArray[np.integer[Any]], draws: int = 1000, seed: int = 0
) -> Array:
    """Return the sums of `values` (case, column) over as many blocks as there are, drawn with
    replacement (draw, column).

    A ratio of two columns' sums is then a redrawn mean: days of one spell of weather stay together.
    NaN counts as 0.
    Source: Wilks 2011, sect. 5.3.5 (bootstrap by blocks); Efron & Tibshirani 1993, An Introduction
    to the Bootstrap, ch. 8.
    """
    columns = np.nan_to_num(np.asarray(values, dtype=float))
    _, place = np.unique(blocks, return_inverse=True)
    count = int(place.max()) + 1 if len(place) else 0
    sums = np.stack([np.bincount(place, column, minlength=count) for column in columns.T], axis=1)
    drawn = np.random.default_rng(seed).multinomial(
        count, np.full(count, 1 / max(count, 1)), size=draws
    )
    return np.asarray(drawn @ sums)


def widened(value: float, bound: float, level: float, blocks: int) -> float:
    """Return the bound of an interval at `level` (0-1), further from the value than the bootstrap
    of so few blocks drew it.

    Source: Hesterberg 2015, The American Statistician 69, 371, 5.1 (Student's t, and the
    bootstrap's bias to narrowness).
    """
    wider = float(
        student_t.ppf(level, blocks - 1) / norm.ppf(level) * np.sqrt(blocks / (blocks - 1))
    )
    return value + wider * (bound - value)
