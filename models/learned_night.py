"""The starry-sky classifier, adjusted by the service's own outcomes.

The shipped classifier (models/night_sky_model.py) is the prior mean of a logistic regression on its
own terms, as the rule is of models/learned.py: without labels it is the shipped classifier, few
change it a little, many override it. So a retraining starts from what real forecasts have taught,
not from nothing, and how much it keeps at each lead is learnt by partial pooling too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from models.beyond import LEAD_DAYS, Beyond, longest_of
from models.lead import SCALES
from models.learned import BASE_SPREAD, EDGE, EFFECT_SPREAD, LEAD_SPREAD, STRENGTH_SPREAD, Allowed
from models.night_sky_model import PHENOMENON, NightSkyModel, terms_print
from models.prior_logistic import PriorLogistic
from models.rule_model import LEAD, USUAL, with_lead_and_usual
from models.training_set import TrainingSet

Array = NDArray[np.floating[Any]]

KIND = "adjusted_night"
NEVER = 1e6  # [h] so far ahead that the weather has no weight
LEAST_PART = 0.5  # [1] of the cases that have the classifier's needs, for it to be adjusted
CHUNK = 50_000  # cases at once: their terms take some 50 MB


class LearnedNight(ClassifierMixin, BaseEstimator):
    """The shipped classifier `base` with its strength, its lead and each of its terms adjusted.

    Log-odds = start + w a + (b + c lead) departure + sum over the features of d_j effect_j. The
    start is the classifier's answer infinitely far ahead (usual frequency, moon, length of the
    night), the departure what the weather adds to it, the effect what one feature adds. Priors, the
    level a with the sites' own, and w, by which it fades with the lead, are those of LearnedRule,
    and so is what holds beyond the longest trained lead (models/beyond.py).
    """

    longest_lead_ = 0.0  # [h] of the cases of the fit; 0 in models kept before it was known

    def __init__(self, base: NightSkyModel, phenomenon: str = PHENOMENON) -> None:
        self.base = base
        self.phenomenon = phenomenon

    @property
    def columns(self) -> tuple[str, ...]:
        """The features it reads, in the catalogue's order."""
        return self.base.columns

    def fit(
        self,
        X: Array,
        y: NDArray[np.integer[Any]],
        sample_weight: Array | None = None,
        sites: Sequence[str] | None = None,
        among: Allowed | None = None,
    ) -> Self:
        """Adjust the classifier by labels; y (case): 0 or 1. Cases without its needs are left out.

        among (case, class): the classes that the outcome allows.
        """
        self.classes_ = self.base.classes_
        cases = np.asarray(X, dtype=float)
        used = ~self.base.silent(cases)
        self.longest_lead_ = longest_of(cases[used, self.columns.index(LEAD)])
        features = len(self.columns)
        spreads = [0.0, STRENGTH_SPREAD, LEAD_SPREAD, *[EFFECT_SPREAD] * features, 0.0]
        with np.errstate(divide="ignore"):  # a spread of 0 fixes a coefficient
            precision = np.array(spreads) ** -2.0
        self.logistic_ = PriorLogistic(
            np.array([1.0, 1.0, 0.0, *[0.0] * features, 0.0]),
            precision,
            intercept_mean=0.0,
            intercept_precision=BASE_SPREAD**-2.0,
            classes=[0, 1],
            level_column=3 + features,
        )
        self.logistic_.fit(
            self._design(cases[used]),
            np.asarray(y)[used],
            None if sample_weight is None else np.asarray(sample_weight)[used],
            None if sites is None or not used.any() else list(np.asarray(sites)[used]),
            None if among is None else among[used],
        )
        return self

    def predict_proba(self, X: Array, sites: Sequence[str] | None = None) -> Array:
        """Return the probabilities (case, class), NaN where the classifier gives NaN."""
        check_is_fitted(self, "logistic_")
        cases = np.asarray(X, dtype=float)
        result = self.logistic_.predict_proba(self._answered(cases), sites)
        return np.where(self.base.silent(cases)[:, None], np.nan, result)

    def predict(self, X: Array, sites: Sequence[str] | None = None) -> NDArray[Any]:
        """Return the likelier class of each case."""
        return self.classes_[np.nan_to_num(self.predict_proba(X, sites), nan=-1.0).argmax(axis=1)]

    def influence(self, X: Array, sites: Sequence[str] | None = None) -> Array:
        """Return each feature's change of the log-odds (case, feature) [logit], as the base's."""
        check_is_fitted(self, "logistic_")
        cases = np.asarray(X, dtype=float)
        far, effects = self.base.influence(self._never(cases)), self._effects(cases)
        found, slope = self._beyond(cases)
        own = self.logistic_.coef_[0, 3:-1] + slope[:, None]
        weight = 1 - found.kept[:, None] + found.kept[:, None] * own
        return with_lead_and_usual(
            np.where(self._of_weather(), far + weight * effects, 0.0),
            cases,
            self.columns,
            lambda x: self.logistic_.log_odds(self._answered(x), sites)[:, 1],
        )

    def _beyond(self, cases: Array) -> tuple[Beyond, Array]:
        """Return what holds beyond the trained leads, and b + c lead (case)."""
        hours = np.nan_to_num(cases[:, self.columns.index(LEAD)])
        found = Beyond.of(self.phenomenon, hours, self.longest_lead_)
        return found, found.slope(*self.logistic_.coef_[0, 1:3])

    def _answered(self, cases: Array) -> Array:
        """Return the design (case, column) with what holds beyond the trained leads."""
        design, (found, slope) = self._design(cases), self._beyond(cases)
        found.hold(design, (0, 1, 2), slope)
        design[:, 3:-1] *= found.kept[:, None]
        return design

    # -- the columns of the regression

    def _design(self, cases: Array) -> Array:
        """Return start, departure, departure by lead, the effects [logit], and the level's weight.

        The shape is (case, column).
        """
        parts = [
            self._design_of(cases[first : first + CHUNK])
            for first in range(0, max(len(cases), 1), CHUNK)
        ]
        return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def _design_of(self, cases: Array) -> Array:
        start = self._log_odds(self._never(cases))
        departure = self._log_odds(cases) - start
        whole = np.stack([start, departure, self._lead(cases) * departure], axis=1)
        worth = SCALES[self.phenomenon].worth(cases[:, [self.columns.index(LEAD)]])
        return np.concatenate(
            [np.nan_to_num(whole), self._effects(cases), np.nan_to_num(worth)], axis=1
        )

    def _effects(self, cases: Array) -> Array:
        """Return what the weather of each feature adds to the base's log-odds (case, feature)."""
        moved = self.base.influence(cases) - self.base.influence(self._never(cases))
        return np.nan_to_num(np.where(self._of_weather(), moved, 0.0))

    def _of_weather(self) -> NDArray[np.bool_]:
        return np.array([name not in (LEAD, USUAL) for name in self.columns])

    def _never(self, cases: Array) -> Array:
        """Return the cases as infinitely far ahead; an unknown lead stays unknown."""
        far, place = cases.copy(), self.columns.index(LEAD)
        far[:, place] = np.where(np.isnan(cases[:, place]), np.nan, NEVER)
        return far

    def _lead(self, cases: Array) -> Array:
        """Return the lead (case) in LEAD_DAYS."""
        lead = np.nan_to_num(cases[:, self.columns.index(LEAD)])
        return np.asarray(np.maximum(lead, 0.0) / (24 * LEAD_DAYS))

    def _log_odds(self, cases: Array) -> Array:
        p = np.clip(self.base.predict_proba(cases)[:, 1], EDGE, 1 - EDGE)
        return np.asarray(np.log(p / (1 - p)))


def form_print() -> str:
    """Return a fingerprint of the terms, and of the scale by which the level fades."""
    scale = SCALES[PHENOMENON]
    text = f"{terms_print()} {scale.days} {scale.shape}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@lru_cache(1)
def shipped_night() -> NightSkyModel | None:
    """Return the shipped starry-sky classifier; None where none is shipped or it cannot be used."""
    from models import registry  # it imports what trains

    served = registry.in_force(Path("no folder of models"))[PHENOMENON].model
    return served if isinstance(served, NightSkyModel) else None


def adjustable(data: TrainingSet) -> bool:
    """Return whether enough of the cases have what the shipped classifier reads."""
    base = shipped_night() if data.phenomenon == PHENOMENON else None
    if base is None or not len(data) or not set(base.columns) <= set(data.names):
        return False
    return bool(np.mean(~base.silent(data.columns(base.columns))) >= LEAST_PART)
