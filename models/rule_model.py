"""The physics rule as a scikit-learn classifier.

It serves until there are labels, and is the reference that every model must beat. `fit` learns
nothing from outcomes; it only checks the columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from forecast.domain import CLOUD_SEA_STATES
from forecast.quantities import FEATURES
from models.rules import GLOW, SEA_OF_CLOUDS, SNOW, STARS, Rule

Array = NDArray[np.floating[Any]]

VERSION = "rule-1"


def rules_of(phenomenon: str) -> dict[str, Rule]:
    """Return the rule of a phenomenon: one entry, or one for each state of a sea of clouds.

    Raises: KeyError for a phenomenon without a rule.
    """
    if phenomenon == "sea_of_clouds":
        return {state: SEA_OF_CLOUDS[state] for state in CLOUD_SEA_STATES}
    return {phenomenon: {**STARS, **GLOW, **SNOW}[phenomenon]}


class PhysicsRule(ClassifierMixin, BaseEstimator):
    """A documented sum of effects in log-odds with scikit-learn's `fit` and `predict_proba`.

    phenomenon: one of domain.PHENOMENA. Columns of X (case, feature) are `columns`, in SI. NaN is
    allowed and has no effect, but a case that lacks one of the rule's `needs` gets NaN.
    """

    def __init__(self, phenomenon: str = "starry_sky") -> None:
        self.phenomenon = phenomenon

    @property
    def columns(self) -> tuple[str, ...]:
        """The features the rule reads, in the catalogue's order."""
        used = {
            effect.feature for rule in rules_of(self.phenomenon).values() for effect in rule.effects
        }
        used |= {name for rule in rules_of(self.phenomenon).values() for name in rule.needs}
        return tuple(name for name in FEATURES if name in used)

    def fit(self, X: Array, y: Sequence[object] | None = None) -> Self:
        """Check the columns; learn nothing.

        Raises: ValueError for another number of columns than the rule's.
        """
        X = validate_data(self, X, ensure_all_finite="allow-nan", dtype=float)  # noqa: N806
        self._check_width(X)
        states = self.phenomenon == "sea_of_clouds"
        self.classes_ = np.array(CLOUD_SEA_STATES) if states else np.array([0, 1])
        return self

    def ready(self) -> Self:
        """Return the rule, fitted without cases."""
        return self.fit(np.zeros((1, len(self.columns))))

    def predict_proba(self, X: Array, sites: Sequence[str] | None = None) -> Array:
        """Return the probabilities (case, class), NaN where a need is missing.

        One rule holds for all sites.
        """
        sums = self.effects(X).sum(axis=1) + self.bases()
        if len(self.classes_) == 2:
            probability = 1 / (1 + np.exp(-sums[:, 0]))
            result = np.stack([1 - probability, probability], axis=1)
        else:
            result = softmax(sums, axis=1)
        return np.where(self.silent(X)[:, None], np.nan, result)

    def predict(self, X: Array) -> NDArray[Any]:
        """Return the likelier class of each case."""
        return self.classes_[np.nan_to_num(self.predict_proba(X), nan=-1.0).argmax(axis=1)]

    def influence(self, X: Array, sites: Sequence[str] | None = None) -> Array:
        """Return each feature's change of the headline's log-odds (case, feature) [logit].

        The change is against no effect of the feature.
        """
        effects = self.effects(X)
        sums = effects.sum(axis=1) + self.bases()
        if effects.shape[2] == 1:
            return effects[:, :, 0]
        return _log_odds_of_first(sums)[:, None] - _log_odds_of_first(sums[:, None, :] - effects)

    def _check_width(self, X: Array) -> None:
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise ValueError(
                f"{self.phenomenon}: the rule reads {len(self.columns)} columns "
                f"({', '.join(self.columns)}), got {X.shape}"
            )

    def effects(self, X: Array) -> Array:
        """Return the effect of each feature on each sum (case, feature, class)."""
        check_is_fitted(self, "classes_")
        X = np.asarray(X, dtype=float)  # noqa: N806
        self._check_width(X)
        rules = list(rules_of(self.phenomenon).values())
        result = np.zeros((*X.shape, len(rules)))
        place = {name: i for i, name in enumerate(self.columns)}
        for number, rule in enumerate(rules):
            for effect in rule.effects:
                values, moved = zip(*effect.line, strict=True)
                column = place[effect.feature]
                result[:, column, number] += np.nan_to_num(
                    np.interp(X[:, column], values, moved), nan=0.0
                )
        return result

    def bases(self) -> Array:
        """Return the sums of a day with no known feature (class)."""
        return np.array([rule.base for rule in rules_of(self.phenomenon).values()])

    def silent(self, X: Array) -> NDArray[np.bool_]:
        """Return the cases that lack one of the rule's needs (case)."""
        needs = {name for rule in rules_of(self.phenomenon).values() for name in rule.needs}
        columns = [i for i, name in enumerate(self.columns) if name in needs]
        return np.isnan(np.asarray(X, dtype=float)[:, columns]).any(axis=1)


def _log_odds_of_first(sums: Array) -> Array:
    """Return the log-odds of the first class against the rest (...), from sums (..., class)."""
    return sums[..., 0] - logsumexp(sums[..., 1:], axis=-1)
