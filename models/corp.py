"""CORP reliability: calibrated frequencies by isotonic regression, with no bins to choose.

The pools of the pool-adjacent-violators algorithm are the stable bins: in each the observed
frequency is the calibrated probability. The consistency band holds the curve of forecasts whose
every probability is right; it takes the cases as independent, which makes it the strictest there
is: weather in episodes scatters more.
Source: Dimitriadis, Gneiting & Jordan 2021, PNAS 118, e2016191118 (CORP: consistent, optimally
binned, reproducible, PAV); Bröcker & Smith 2007, Weather and Forecasting 22, 651 (the band).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.isotonic import isotonic_regression

from models.scores import known_cases

Array = NDArray[np.floating[Any]]

LEVEL = 0.9  # of the band
DRAWS, SEED = 500, 20210223
BAND_POINTS = 25  # quantiles of the probabilities at which the band is kept
MOST_VALUES = 2000  # different probabilities; of more, they are rounded to a tenth of a percent


@dataclass(frozen=True, slots=True)
class CorpReliability:
    """The calibration curve of probabilities, its pools and its band.

    first, last, probability (pool): least, greatest and mean probability of a pool; frequency,
    cases (pool): its observed frequency and number of cases. at, low, high (point): the band.
    term: the miscalibration part (MCB) of the Brier score, 0 is perfect; highest: 95 % of the
    drawn terms stay below it; chance: the part of them that are as large or larger (a p-value).
    """

    first: Array
    last: Array
    probability: Array
    frequency: Array
    cases: NDArray[np.integer[Any]]
    at: Array
    low: Array
    high: Array
    term: float
    highest: float
    chance: float

    @property
    def within(self) -> bool:
        """Whether right probabilities would show such a miscalibration by chance."""
        return self.term <= self.highest

    def band(self, probability: Array) -> tuple[Array, Array]:
        """Return the band's bounds at probabilities (...), between its points linear."""
        low, high = (np.interp(probability, self.at, side) for side in (self.low, self.high))
        return np.asarray(low), np.asarray(high)


def corp_reliability(
    probability: ArrayLike, observed: ArrayLike, draws: int = DRAWS, seed: int = SEED
) -> CorpReliability:
    """Return the CORP calibration curve of probabilities (case) against outcomes 0 or 1 (case).

    A case with NaN on either side is left out. Raises: ValueError without cases.
    """
    from scores.probability import isotonic_fit

    given, outcome = known_cases(probability, observed)
    if not len(given):
        raise ValueError("no case has both a probability and an outcome")
    if len(np.unique(given)) > MOST_VALUES:
        given = given.round(3)
    values, place, counts = np.unique(given, return_inverse=True, return_counts=True)
    fit = isotonic_fit(given, outcome, functional="mean")
    curve = np.asarray(fit["regression_values"])[np.searchsorted(fit["fcst_sorted"], values)]
    pool = np.concatenate([[0], np.cumsum(np.abs(np.diff(curve)) > 1e-12)])
    cases = np.bincount(pool, counts)
    drawn = _drawn_curves(values, counts, draws, seed)
    points = np.unique(
        np.round(np.linspace(0, len(values) - 1, min(BAND_POINTS, len(values)))).astype(int)
    )
    low, high = np.quantile(drawn.curves[:, points], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    term = _term(
        values, curve, counts, np.bincount(place, outcome, minlength=len(values)), len(given)
    )
    return CorpReliability(
        values[np.searchsorted(pool, np.arange(len(cases)))],
        values[np.searchsorted(pool, np.arange(len(cases)), side="right") - 1],
        np.bincount(pool, counts * values) / cases,
        np.bincount(pool, counts * curve) / cases,
        cases.astype(int),
        values[points],
        low,
        high,
        term,
        float(np.quantile(drawn.terms, 0.95)),
        float((1 + (drawn.terms >= term).sum()) / (1 + draws)),
    )


@dataclass(frozen=True, slots=True)
class _Drawn:
    """Curves (draw, value) and miscalibration terms (draw) of outcomes drawn from the forecasts."""

    curves: Array
    terms: Array


def _drawn_curves(values: Array, counts: NDArray[np.integer[Any]], draws: int, seed: int) -> _Drawn:
    random = np.random.default_rng(seed)
    hits = random.binomial(counts, np.clip(values, 0.0, 1.0), size=(draws, len(values)))
    weight = counts.astype(float)
    curves = np.stack([isotonic_regression(row / counts, sample_weight=weight) for row in hits])
    total = int(counts.sum())
    terms = [
        _term(values, curve, counts, row, total) for curve, row in zip(curves, hits, strict=True)
    ]
    return _Drawn(curves, np.array(terms))


def _term(
    values: Array, curve: Array, counts: NDArray[Any], hits: NDArray[Any], total: int
) -> float:
    """Return the Brier score of the values less that of the curve: what recalibration would save.

    counts, hits (value): cases with this value, and those of them with the event.
    """

    def loss(p: Array) -> float:
        return float((counts * p**2 - 2 * hits * p + hits).sum() / total)

    return max(0.0, loss(values) - loss(curve))
