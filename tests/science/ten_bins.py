"""Reliability in bins of equal counts: a second measure beside the product's CORP curve.

Bins have the same number of cases whatever the curve looks like, so that the bars of the claims do
not move with the pools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.scores import known_cases

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Reliability of probabilities in bins: mean probability, observed frequency, number of cases.

    low, high (bin): between these the frequency lies in 90 % of trials were every probability
    right. term: the reliability term of the Brier score (0 is perfect); highest: 90 % of such
    trials stay below it.
    """

    probability: Array
    frequency: Array
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
    probability: ArrayLike, observed: ArrayLike, bins: int = 10, draws: int = 1000, seed: int = 0
) -> Reliability:
    """Return the reliability of probabilities in bins of equal counts, with the band of chance.

    The band (consistency resampling) takes the cases as independent, which makes it the strictest
    there is: weather in episodes scatters more.
    Source: Bröcker & Smith 2007, Weather and Forecasting 22, 651, sect. 3; Murphy 1973, J. Appl.
    Meteor. 12, 595, eq. 8 (the term).
    """
    given, outcome = known_cases(probability, observed)
    order = np.argsort(given, kind="stable")
    given, outcome = given[order], outcome[order]
    place = np.arange(len(given)) * bins // max(len(given), 1)
    cases = np.bincount(place, minlength=bins)
    mean = _ratios(np.bincount(place, given, minlength=bins), cases)
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
    terms = np.nansum(cases * (drawn - mean) ** 2, axis=1) / max(len(given), 1)
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    term = float(np.nansum(cases * (frequency - mean) ** 2) / max(len(given), 1))
    return Reliability(mean, frequency, cases, low, high, term, float(np.quantile(terms, 0.9)))


def _ratios(part: NDArray[Any], whole: NDArray[np.integer[Any]]) -> Array:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
