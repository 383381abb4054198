"""The physics rule as a scikit-learn classifier.

It serves until there are labels, and is the reference that every model must beat. `fit` learns
nothing from outcomes; it only checks the columns.

log-odds = (1 - s) usual frequency of the site and month + s (base + offset + weather effects)
+ effects known ahead. s(lead) and the offset are those of models/lead.py; without a usual frequency
the rule's base stands for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from forecast.domain import CLOUD_SEA_STATES
from forecast.quantities import FEATURES
from models.lead import SCALES
from models.rules import BLOCKED, GLOW, SEA_OF_CLOUDS, SNOW, STARS, Rule

Array = NDArray[np.floating[Any]]

VERSION = "rule-2"

LEAD, USUAL = "forecast_period", "climatological_frequency"  # features that every rule reads
# [1] usual frequencies outside are read as these: no place is certain never to have a phenomenon
LEAST_USUAL, MOST_USUAL = 0.002, 0.998
# Features that hold the errors of their lead, and the ones that hold those of lead 0 in their place
AT_RUN = {rule.needs[0]: rule.at_run for rule in GLOW.values()}


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
        for rule in rules_of(self.phenomenon).values():
            used |= {*rule.needs, *rule.parts, rule.at_run}
        return tuple(name for name in FEATURES if name in used | {LEAD, USUAL})

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
        sums = self._sums(X)
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

        The change is against no effect of the feature; of the lead against a forecast at lead 0, of
        the usual frequency against the rule's base. A probability over draws leaves its change to
        the stages that end them.
        """
        X = np.asarray(X, dtype=float)  # noqa: N806
        sums = self._sums(X)
        headline = headline_of(sums)
        moved = headline[:, None] - headline_of(sums[:, None, :] - self.scaled_effects(X))
        result = divided(moved, X, self.phenomenon, self.columns)
        return with_lead_and_usual(result, X, self.columns, lambda x: headline_of(self._sums(x)))

    def _sums(self, X: Array) -> Array:
        """Return the sums of the classes (case, class) [logit]."""
        return np.asarray(self.scaled_effects(X).sum(axis=1) + self.starts(X))

    def _check_width(self, X: Array) -> None:
        if X.ndim != 2 or X.shape[1] != len(self.columns):
            raise ValueError(
                f"{self.phenomenon}: the rule reads {len(self.columns)} columns "
                f"({', '.join(self.columns)}), got {X.shape}"
            )

    def effects(self, X: Array) -> Array:
        """Return the effect of each feature on each sum (case, feature, class), as at lead 0."""
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

    def scaled_effects(self, X: Array) -> Array:
        """Return the effects (case, feature, class), those of the weather times s(lead)."""
        X = np.asarray(X, dtype=float)  # noqa: N806
        scale = SCALES[self.phenomenon].at(X[:, self.columns.index(LEAD)])
        return self.effects(X) * np.where(self.known_ahead(), 1.0, scale[:, None])[:, :, None]

    def known_ahead(self) -> NDArray[np.bool_]:
        """Return the features whose effect the almanac gives, whatever the lead (feature)."""
        known = {
            effect.feature
            for rule in rules_of(self.phenomenon).values()
            for effect in rule.effects
            if effect.known_ahead
        }
        return np.array([name in known for name in self.columns])

    def starts(self, X: Array) -> Array:
        """Return the sums before any effect (case, class): the usual ones and the rule's base.

        Features that hold their forecast's errors are odds against the usual frequency: it alone
        stands before them.
        """
        X = np.asarray(X, dtype=float)  # noqa: N806
        lead, usual = SCALES[self.phenomenon], self.usual_sums(X)
        if lead.in_features:
            return usual
        scale = lead.at(X[:, [self.columns.index(LEAD)]])
        bases = self.bases()
        own = (bases if len(bases) == 1 else np.log(softmax(bases)))[None, :]
        moved = own + lead.offset * (np.arange(len(bases)) == 0)
        return np.asarray((1 - np.minimum(scale, 1.0)) * usual + scale * moved)

    def usual_sums(self, X: Array) -> Array:
        """Return the sums (case, class) of the usual frequency.

        Of a sea of clouds the first state has the usual frequency, the others share the rest as
        their bases do. Without a usual frequency it is that of the bases.
        """
        bases = self.bases()
        usual = np.asarray(X, dtype=float)[:, [self.columns.index(USUAL)]]
        if len(bases) == 1:
            return usual_odds(usual, bases)
        shares = softmax(bases)
        usual = np.clip(usual, LEAST_USUAL, MOST_USUAL)
        usual = np.where(np.isnan(usual), shares[0], usual)
        rest = np.log(shares[1:] / shares[1:].sum()) + np.log(1 - usual)
        return np.concatenate([np.log(usual), rest], axis=1)

    def bases(self) -> Array:
        """Return the rule's own sums of a day with no known feature (class)."""
        return np.array([rule.base for rule in rules_of(self.phenomenon).values()])

    def silent(self, X: Array) -> NDArray[np.bool_]:
        """Return the cases that lack the lead or one of the rule's needs (case)."""
        needs = {name for rule in rules_of(self.phenomenon).values() for name in rule.needs}
        needs |= {LEAD}
        columns = [i for i, name in enumerate(self.columns) if name in needs]
        return np.isnan(np.asarray(X, dtype=float)[:, columns]).any(axis=1)


def known_ahead(phenomenon: str, values: Mapping[str, float]) -> float:
    """Return what the almanac adds to the log-odds of an event with these features [logit].

    An unknown feature adds nothing.
    """
    (rule, *_) = rules_of(phenomenon).values()
    moved = 0.0
    for effect in rule.effects:
        value = values.get(effect.feature, math.nan)
        if effect.known_ahead and math.isfinite(value):
            at, odds = zip(*effect.line, strict=True)
            moved += float(np.interp(value, at, odds))
    return moved


def headline_of(sums: Array) -> Array:
    """Return the headline's log-odds (...) from sums (..., class): of the first class."""
    if sums.shape[-1] == 1:
        return sums[..., 0]
    return np.asarray(sums[..., 0] - logsumexp(sums[..., 1:], axis=-1))


def usual_odds(frequency: Array, base: Array | float) -> Array:
    """Return the log-odds of usual frequencies (...) [logit]; `base` where one is unknown."""
    usual = np.clip(frequency, LEAST_USUAL, MOST_USUAL)
    odds = np.log(usual / (1 - usual))
    return np.where(np.isnan(odds), base, odds)


def with_lead_and_usual(
    influence: Array, cases: Array, columns: Sequence[str], log_odds: Callable[[Array], Array]
) -> Array:
    """Return the influence (case, feature) with that of the lead and of the usual frequency.

    The lead's is against a forecast at lead 0, the frequency's against none. log_odds: of the
    headline (case), from cases (case, feature).
    """
    result, headline = influence.copy(), log_odds(cases)
    place = {name: columns.index(name) for name in (LEAD, USUAL)}
    at_run, without = cases.copy(), cases.copy()
    at_run[:, place[LEAD]], without[:, place[USUAL]] = 0.0, np.nan
    for name, in_its_place in AT_RUN.items():
        if in_its_place in columns:
            known = cases[:, columns.index(in_its_place)]
            held = columns.index(name)
            at_run[:, held] = np.where(np.isnan(known), cases[:, held], known)
    result[:, place[LEAD]] = headline - log_odds(at_run)
    result[:, place[USUAL]] = headline - log_odds(without)
    return result


def divided(influence: Array, cases: Array, phenomenon: str, columns: Sequence[str]) -> Array:
    """Return the influence (case, feature) with that of a rule's needs divided among its `parts`.

    The parts add up to it: what they lack is shared by size. The effect of a climate that is held
    at BLOCKED is the first part's. Where they are unknown, and for a rule without, nothing changes.
    """
    rule = next(iter(rules_of(phenomenon).values()))
    if not rule.parts:
        return influence
    place = [columns.index(name) for name in rule.parts]
    needs = [columns.index(name) for name in rule.needs]
    whole = influence[:, needs].sum(axis=1)
    climate = np.minimum(cases[:, needs[1]], BLOCKED)
    parts = cases[:, place].copy()
    parts[:, 0] += usual_odds(climate, math.nan) - usual_odds(np.array(BLOCKED), math.nan)
    sizes = np.abs(parts) + 1e-9
    parts += (whole - parts.sum(axis=1))[:, None] * sizes / sizes.sum(axis=1, keepdims=True)
    known = np.asarray(np.isfinite(parts).all(axis=1, keepdims=True))
    result = influence.copy()
    result[:, place] = np.where(known, parts, result[:, place])
    result[:, needs] = np.where(known, 0.0, result[:, needs])
    return result
