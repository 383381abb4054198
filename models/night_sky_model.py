"""The starry-sky classifier: the chance of a clear enough night, learnt from real forecasts.

log-odds = usual frequency of the site and month + effects that the almanac knows ahead (the moon,
a short night) + sum over the terms of (b e(lead) + c f(lead)) z, where z is a term of the weather
(cover, dry air, rain) against its mean in training. Both decays e and f end at 0: far ahead the
answer is the usual frequency. One logistic regression holds for all leads; there are four, for
forecasts with and without a rain probability and the run of the day before, and the fullest that a
case allows answers. The coefficients have Gaussian priors about 0 (models/prior_logistic.py).

Trained by docs/train_night_sky.py on truths whatever the moon; what it is worth at each lead stands
on its card and in tests/science/night_sky.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from forecast.quantities import FEATURES
from models.prior_logistic import PriorLogistic
from models.rule_model import LEAD, USUAL, usual_odds, with_lead_and_usual
from models.rules import STARS

Array = NDArray[np.floating[Any]]

KIND = "night"
PHENOMENON = "starry_sky"
# Precision [logit-2] of the priors about 0, for terms of standard deviation 1. From 2 to 50 the
# skill with months left out changes by less than .005 (docs/train_night_sky.py).
PRECISION = 10.0
# (days, shape) of the two decays exp(-(lead / days)^shape) of each term: what is lost within days,
# and what a forecast keeps for a week. Other pairs change the skill by less than .003.
DECAYS = ((5.0, 1.0), (12.0, 3.0))
NEEDS = (LEAD, "night_sky_cover", "zenith_sky_brightness")
EXTREME = 0.005  # [1] of the training cases on each side, beyond which a term counts as its end


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the sum: a feature, or its square about `square`, or log(feature + shift).

    Or by how much the least of it and `others` lies above `above`.
    """

    feature: str
    shift: float = 0.0
    square: float = 0.0
    above: float = 0.0
    others: tuple[str, ...] = ()

    def of(self, values: Array, *others: Array) -> Array:
        """Return the term (case) of the values of the feature and of `others`; NaN stays."""
        if self.above:
            return np.maximum(reduce(np.fmin, others, values) - self.above, 0.0)
        if self.shift:
            return np.log(np.maximum(values, 0.0) + self.shift)
        return (values - self.square) ** 2 if self.square else values


TERMS = (
    Term("night_sky_cover"),
    Term("night_sky_cover", square=0.6),
    # overcast from evening to morning: no two hours are left (0.5 to 0.85 give the same skill)
    Term("night_sky_cover", above=0.8, others=("evening_sky_cover", "morning_sky_cover")),
    Term("night_clear_share"),
    Term("evening_sky_cover"),
    Term("morning_sky_cover"),
    Term("sky_cover_before"),
    Term("night_dew_point_depression", shift=0.5),
    Term("night_rain", shift=0.1),
    Term("evening_rain_probability", shift=0.03),
    Term("night_rain_probability", shift=0.03),
    Term("morning_rain_probability", shift=0.03),
    Term("dark_hours"),
)
# What a case may lack as a whole: the four regressions are without neither, one or both.
OPTIONAL = (
    ("sky_cover_before",),
    ("evening_rain_probability", "night_rain_probability", "morning_rain_probability"),
)
_KNOWN_AHEAD = tuple(effect for effect in STARS[PHENOMENON].effects if effect.known_ahead)
_BASE = STARS[PHENOMENON].base


def terms_print() -> str:
    """Return a fingerprint of the terms: a model's coefficients must not serve with others."""
    return hashlib.sha256(repr((TERMS, OPTIONAL, DECAYS)).encode()).hexdigest()[:16]


class NightSkyModel(ClassifierMixin, BaseEstimator):
    """Logistic regression over all leads on the weather of the whole night.

    phenomenon: starry_sky. Columns of X (case, feature) are `columns`, in the catalogue's units.
    NaN is allowed: a missing term has no effect, but without one of NEEDS the answer is NaN.
    """

    def __init__(self, phenomenon: str = PHENOMENON, precision: float = PRECISION) -> None:
        self.phenomenon = phenomenon
        self.precision = precision

    @property
    def columns(self) -> tuple[str, ...]:
        """The features it reads, in the catalogue's order."""
        used = {name for term in TERMS for name in (term.feature, *term.others)} | {
            effect.feature for effect in _KNOWN_AHEAD
        }
        return tuple(name for name in FEATURES if name in used | {USUAL, *NEEDS})

    def fit(
        self, X: Array, y: NDArray[np.integer[Any]], sample_weight: Array | None = None
    ) -> Self:
        """Learn the four regressions; y (case): 0 or 1. Cases that lack a need are left out.

        Raises: ValueError for another number of columns.
        """
        cases = self._checked(X)
        used = ~self.silent(cases)
        cases, outcome = cases[used], np.asarray(y)[used]
        weight = None if sample_weight is None else np.asarray(sample_weight)[used]
        self.classes_ = np.array([0, 1])
        raw = self._raw(cases)
        raw = np.where(np.isnan(raw).all(axis=0), 0.0, raw)  # a term that no case has
        self.ends_ = np.nanquantile(raw, (EXTREME, 1 - EXTREME), axis=0)
        inside = np.clip(raw, *self.ends_)
        self.mean_, self.scale_ = np.nanmean(inside, axis=0), np.nanstd(inside, axis=0)
        self.scale_ = np.where(self.scale_ > 0, self.scale_, 1.0)
        start = self._starts(cases)
        self.logistics_ = [
            self._regression(terms).fit(
                np.concatenate([start[:, None], self._design(cases)[:, terms]], axis=1),
                outcome,
                weight,
            )
            for terms in self._variants()
        ]
        return self

    def predict_proba(self, X: Array, sites: Sequence[str] | None = None) -> Array:
        """Return the probabilities (case, class), NaN where a need is missing.

        One model holds for all sites.
        """
        check_is_fitted(self)
        cases = self._checked(X)
        probability = 1 / (1 + np.exp(-self._sums(cases)))
        result = np.stack([1 - probability, probability], axis=1)
        return np.where(self.silent(cases)[:, None], np.nan, result)

    def predict(self, X: Array) -> NDArray[Any]:
        """Return the likelier class of each case."""
        return self.classes_[np.nan_to_num(self.predict_proba(X), nan=-1.0).argmax(axis=1)]

    def influence(self, X: Array, sites: Sequence[str] | None = None) -> Array:
        """Return each feature's change of the log-odds (case, feature) [logit].

        The change is against the feature's mean in training (0 where it is missing); of the lead
        against a forecast at lead 0, of the usual frequency against the rule's base, of the moon
        and the length of the night against a dark and long one.
        """
        check_is_fitted(self)
        cases = self._checked(X)
        place = {name: i for i, name in enumerate(self.columns)}
        parts = self._design(cases) * self._weights(cases)
        known = ~np.isnan(self._raw(cases))
        result = np.zeros(cases.shape)
        for number, term in enumerate(TERMS):
            of_term = parts[:, self._columns_of(number)].sum(axis=1)
            result[:, place[term.feature]] += np.where(known[:, number], of_term, 0.0)
        for name, moved in self._known_ahead(cases).items():
            result[:, place[name]] += moved
        return with_lead_and_usual(result, cases, self.columns, self._sums)

    def silent(self, X: Array) -> NDArray[np.bool_]:
        """Return the cases that lack one of NEEDS (case)."""
        columns = [i for i, name in enumerate(self.columns) if name in NEEDS]
        return np.isnan(np.asarray(X, dtype=float)[:, columns]).any(axis=1)

    def _checked(self, X: Array) -> Array:
        cases = np.asarray(X, dtype=float)
        if cases.ndim != 2 or cases.shape[1] != len(self.columns):
            raise ValueError(
                f"{self.phenomenon}: the model reads {len(self.columns)} columns "
                f"({', '.join(self.columns)}), got {cases.shape}"
            )
        return cases

    # -- the sum

    def _sums(self, cases: Array) -> Array:
        return np.asarray(
            self._starts(cases) + (self._design(cases) * self._weights(cases)).sum(axis=1)
        )

    def _starts(self, cases: Array) -> Array:
        """Return the log-odds before any weather (case): usual frequency, moon, length of night."""
        return np.asarray(
            usual_odds(cases[:, self.columns.index(USUAL)], _BASE)
            + np.sum(list(self._known_ahead(cases).values()), axis=0)
        )

    def _known_ahead(self, cases: Array) -> dict[str, Array]:
        """Return the rule's effects known ahead (case) by feature, at most 0.

        The usual frequency is that whatever the moon: a dark and long night adds nothing to it.
        """
        found = {}
        for effect in _KNOWN_AHEAD:
            values, moved = zip(*effect.line, strict=True)
            column = cases[:, self.columns.index(effect.feature)]
            found[effect.feature] = np.nan_to_num(np.minimum(np.interp(column, values, moved), 0.0))
        return found

    def _raw(self, cases: Array) -> Array:
        """Return the terms (case, term), NaN where a feature is missing."""
        place = {name: i for i, name in enumerate(self.columns)}
        return np.stack(
            [
                term.of(*(cases[:, place[name]] for name in (term.feature, *term.others)))
                for term in TERMS
            ],
            axis=1,
        )

    def _design(self, cases: Array) -> Array:
        """Return the columns (case, column): for each decay the terms times it, then itself.

        A missing term counts as its mean.
        """
        standard = (np.clip(self._raw(cases), *self.ends_) - self.mean_) / self.scale_
        lead = np.nan_to_num(np.maximum(cases[:, self.columns.index(LEAD)], 0.0)) / 24
        parts = []
        for days, shape in DECAYS:
            kept = np.exp(-((lead / days) ** shape))[:, None]
            parts += [np.nan_to_num(standard) * kept, kept]
        return np.concatenate(parts, axis=1)

    def _columns_of(self, term: int) -> list[int]:
        return [number * (len(TERMS) + 1) + term for number in range(len(DECAYS))]

    def _variants(self) -> list[NDArray[np.intp]]:
        """Return the columns of each regression: the fullest first, then without each OPTIONAL."""
        lacking: list[tuple[str, ...]] = [(), OPTIONAL[0], OPTIONAL[1], OPTIONAL[0] + OPTIONAL[1]]
        width = len(DECAYS) * (len(TERMS) + 1)
        found = []
        for names in lacking:
            out = {
                column
                for number, term in enumerate(TERMS)
                if term.feature in names
                for column in self._columns_of(number)
            }
            found.append(np.array([column for column in range(width) if column not in out]))
        return found

    def _regression(self, terms: NDArray[np.intp]) -> PriorLogistic:
        """Return a regression whose first column, the start, has the fixed coefficient 1."""
        return PriorLogistic(
            np.concatenate([[1.0], np.zeros(len(terms))]),
            np.concatenate([[np.inf], np.full(len(terms), self.precision)]),
            intercept_precision=np.inf,
            classes=[0, 1],
        )

    def _weights(self, cases: Array) -> Array:
        """Return the coefficient of each column of each case (case, column)."""
        place = {name: i for i, name in enumerate(self.columns)}
        lacks = [np.isnan(cases[:, [place[n] for n in names]]).any(axis=1) for names in OPTIONAL]
        table = np.zeros((len(self.logistics_), len(DECAYS) * (len(TERMS) + 1)))
        for row, (terms, one) in enumerate(zip(self._variants(), self.logistics_, strict=True)):
            table[row, terms] = one.coef_[0, 1:]
        return np.asarray(table[lacks[0] + 2 * lacks[1]])
