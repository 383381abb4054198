"""Model selection by nested cross-validation on whole months (or episodes), never shuffled.

Two days of one rainy week are almost one case. So whole blocks are held out, and the days next to
them are left out of the training. The inner folds choose the kind and calibrate it; the outer ones
give the probabilities by which the whole procedure is scored. Of kinds that are equal within one
standard error the simplest is taken.
Source: Varma & Simon 2006, BMC Bioinformatics 7, 91 (nested folds); Roberts et al. 2017, Ecography
40, 913 (blocks); Breiman et al. 1984, CART, 3.4.3 (one standard error).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from models import learned_night
from models.calibration import Calibrator, blended
from models.learned import Blend, LearnedModel, LearnedRule, fit_weighted, learned_rule, with_rule
from models.learned_night import LearnedNight
from models.prior_logistic import PriorLogistic
from models.rule_model import LEAD
from models.training_set import TrainingSet

Array = NDArray[np.floating[Any]]
Rows = NDArray[np.integer[Any]]

# The rule or the shipped starry-sky classifier, adjusted: they start from what serves.
ADJUSTED = ("prior", learned_night.KIND)
CHALLENGERS = ("logistic", "blend", "boosting", "forest")
SIMPLEST_FIRST = (*ADJUSTED, *CHALLENGERS)
MEMBERS = ("logistic", "boosting", "forest")  # of the blend
# With fewer cases the prior is the only candidate: a tree of 20 cases a leaf has nothing to split.
CHALLENGE_CASES, CHALLENGE_RARER = 300, 50
OUTER, INNER = 5, 3
GAP = np.timedelta64(3, "D")  # days left out beside a block: a weather system lasts about as long
# Most cases for the cross-validation. Of more, whole days are left out evenly; the chosen kind is
# fitted on all.
MOST_VALIDATED = 10_000
MOST_IN_TREE = 5_000  # cases drawn for a tree of the forest: keeps the file small
# Most cases for a kind of trees; of more, every n-th: small trees learn nothing from the rest.
TREES, MOST_FOR_TREES = ("boosting", "forest"), 200_000
MANY = 100_000  # cases from which several threads are faster (with fewer, up to 4 times slower)
SEED = 20140414


@dataclass(frozen=True)
class Fold:
    """Numbers of the cases to train on and of those held out."""

    train: Rows
    test: Rows


@dataclass(frozen=True)
class CrossValidation:
    """Probabilities of held-out cases (case, class), their fold (case), the kind of each fold."""

    probability: Array
    fold: Rows
    chosen: tuple[str, ...]


def months(day: NDArray[np.datetime64]) -> Rows:
    """Return the calendar month of each day, as a number."""
    return np.asarray(day.astype("datetime64[M]").astype(int))


def weeks(day: NDArray[np.datetime64], length: int = 7) -> Rows:
    """Return the number of the span of `length` days each day is in."""
    return np.asarray(day.astype("datetime64[D]").astype(int) // length)


def folds(day: NDArray[np.datetime64], blocks: Rows, count: int) -> list[Fold]:
    """Return at most `count` folds of whole blocks, dealt out in turn so that each has all seasons.

    Cases within GAP of a held-out block are not trained on.
    """
    known, place = np.unique(blocks, return_inverse=True)
    dealt = place % min(count, len(known))
    when, result = day.astype("datetime64[D]"), []
    for number in range(min(count, len(known))):
        test = dealt == number
        days = np.unique(when[test])
        after = np.searchsorted(days, when).clip(max=len(days) - 1)
        before = (after - 1).clip(min=0)
        near = np.minimum(abs(days[after] - when), abs(when - days[before])) <= GAP
        train = ~test & ~near
        if train.any():
            result.append(Fold(np.flatnonzero(train), np.flatnonzero(test)))
    return result


def thinned(day: NDArray[np.datetime64], cases: int, most: int = MOST_VALIDATED) -> Rows:
    """Return the cases of every n-th day, so that about `most` are left."""
    step = max(1, -(-cases // most))
    _, place = np.unique(day.astype("datetime64[D]"), return_inverse=True)
    kept = np.flatnonzero(place % step == 0)
    return kept if len(kept) <= 2 * most else kept[:: -(-len(kept) // most)]


def candidates(data: TrainingSet) -> tuple[str, ...]:
    """Return the kinds that so many cases allow; only cases of one certain class count.

    Where a classifier is shipped and the cases have its features, it is adjusted in place of the
    rule.
    """
    sure = data.among[data.among.sum(axis=1) == 1]
    enough = len(sure) >= CHALLENGE_CASES and sure.sum(axis=0).min() >= CHALLENGE_RARER
    first = learned_night.KIND if learned_night.adjustable(data) else "prior"
    return (first, *CHALLENGERS) if enough else (first,)


def estimator_of(kind: str) -> Any:
    """Return an unfitted challenger.

    Settings are for hundreds to thousands of noisy cases: small trees, strong regularization.
    """
    if kind == "logistic":
        # Columns in standard deviations: a precision of 30 keeps each of the many coefficients
        # within about 0.2 [logit] without evidence.
        return make_pipeline(StandardScaler(), PriorLogistic(prior_precision=30.0))
    if kind == "boosting":
        return HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=120,
            max_leaf_nodes=8,
            min_samples_leaf=40,
            l2_regularization=20.0,
            max_features=0.2,
            max_bins=64,
            early_stopping=False,
            random_state=SEED,
        )
    return RandomForestClassifier(60, min_samples_leaf=8, max_features=0.3, random_state=SEED)


def fit_kind(kind: str, data: TrainingSet) -> Any:
    """Fit one kind on all of the cases, uncalibrated; it has the face of the rule."""
    if kind in ADJUSTED:
        start = _start_of(kind, data.phenomenon)
        return start.fit(
            data.columns(start.columns),
            data.among.argmax(axis=1),
            data.weight,
            list(data.site),
            data.among,
        )
    if kind == "blend":
        return blend_of(data, {member: fit_kind(member, data) for member in MEMBERS})
    among = data.among
    used: Rows = np.flatnonzero(among.sum(axis=1) == 1)
    if kind in TREES:
        used = every(used, MOST_FOR_TREES)
    given, silent = with_rule(data.phenomenon, data.names, data.features[used])
    if silent.any():
        given, used = given[~silent], used[~silent]
    given[:, np.isnan(given).all(axis=0)] = 0.0  # a feature that no case has
    estimator = estimator_of(kind)
    if kind == "forest" and len(used) > MOST_IN_TREE:
        estimator.set_params(max_samples=MOST_IN_TREE)
    weight = data.weight[used]
    with threadpool_limits(1 if len(data) < MANY else None):
        fitted = fit_weighted(
            estimator,
            given,
            among[used].argmax(axis=1),
            weight / weight.mean() if np.ptp(weight) else None,
        )
    return _learned(data, fitted)


def _learned(data: TrainingSet, fitted: Any) -> LearnedModel:
    """Return a fitted challenger with what it keeps of its cases."""
    names = list(data.names)
    lead = data.columns([LEAD]) if LEAD in names else np.empty(0)
    longest = float(np.nanmax(lead)) if np.isfinite(lead).any() else np.inf
    return LearnedModel(data.phenomenon, names, fitted, None, _usual(data.features), longest)


def every(rows: Rows, most: int) -> Rows:
    """Return every n-th of the rows, so that at most `most` are left."""
    return rows[:: max(1, -(-len(rows) // most))]


def _start_of(kind: str, phenomenon: str) -> LearnedRule | LearnedNight:
    """Return what outcomes adjust, unfitted. Raises: ValueError where no classifier is shipped."""
    if kind != learned_night.KIND:
        return learned_rule(phenomenon)
    base = learned_night.shipped_night()
    if base is None:
        raise ValueError("no starry-sky classifier is shipped that could be adjusted")
    return LearnedNight(base)


def blend_of(data: TrainingSet, members: Mapping[str, Any]) -> LearnedModel:
    """Return fitted challengers as one model."""
    blend = Blend([members[name].estimator for name in MEMBERS])
    blend.fitted_ = list(blend.members)
    blend.classes_ = blend.fitted_[0].classes_
    return _learned(data, blend)


def _usual(features: Array) -> Array:
    features = features[every(np.arange(len(features)), MOST_FOR_TREES)]
    known = np.isfinite(features).any(axis=0)
    result = np.full(features.shape[1], np.nan)
    result[known] = np.nanmedian(features[:, known], axis=0)
    return result


def predicted(model: Any, data: TrainingSet) -> Array:
    """Return a fitted model's probabilities of cases (case, class)."""
    with threadpool_limits(1 if len(data) < MANY else None):
        return np.asarray(model.predict_proba(data.columns(model.columns), list(data.site)))


def out_of_fold(kinds: Sequence[str], data: TrainingSet, parts: Sequence[Fold]) -> dict[str, Array]:
    """Return for each kind its probabilities of held-out cases (case, class).

    The blend is computed from its members.
    """
    result = {kind: np.full((len(data), data.classes), np.nan) for kind in kinds}
    single = [
        k
        for k in SIMPLEST_FIRST
        if k != "blend" and (k in kinds or (k in MEMBERS and "blend" in kinds))
    ]
    for part in parts:
        train, test = data.take(part.train), data.take(part.test)
        found = {
            kind: predicted(fit_kind(kind, train), test) for kind in single if can_fit(kind, train)
        }
        if "blend" in kinds and all(member in found for member in MEMBERS):
            found["blend"] = blended([found[member] for member in MEMBERS])
        for kind in kinds:
            if kind in found:
                result[kind][part.test] = found[kind]
    return result


def can_fit(kind: str, data: TrainingSet) -> bool:
    """Return whether a kind can be fitted: a challenger needs every class among its cases."""
    sure = data.among[data.among.sum(axis=1) == 1]
    return kind in ADJUSTED or bool(len(sure) and sure.sum(axis=0).min() > 0)


def losses(probability: Array, among: NDArray[np.bool_]) -> Array:
    """Return the quadratic loss of each case (case): half the squared distance over classes, 0-1.

    With two classes its mean is the Brier score; over the states of a sea of clouds it is called
    the four-state score, never Brier score. Where several classes are allowed: the squared
    probability of the others together.
    Source: Brier 1950, MWR 78, 1, eq. 2, halved.
    """
    sure = among.sum(axis=1) == 1
    exact = 0.5 * ((probability - among) ** 2).sum(axis=1)
    return np.where(sure, exact, (1 - np.where(among, probability, 0.0).sum(axis=1)) ** 2)


def block_means(values: Array, weight: Array, blocks: Rows) -> tuple[Array, Array]:
    """Return each block's weighted sum of values and its weight (block); NaN is left out."""
    _, place = np.unique(blocks, return_inverse=True)
    known = np.isfinite(values)
    sums = np.bincount(place, np.where(known, values * weight, 0.0))
    return np.asarray(sums), np.asarray(np.bincount(place, np.where(known, weight, 0.0)))


def choose(probabilities: Mapping[str, Array], data: TrainingSet, blocks: Rows) -> str:
    """Return the simplest kind whose loss is within one standard error of the best kind's.

    probabilities: kind -> (case, class); the standard error is over blocks.
    """
    each = {kind: losses(p, data.among) for kind, p in probabilities.items()}
    both = np.all([np.isfinite(loss) for loss in each.values()], axis=0)
    if not both.any():
        return next(kind for kind in SIMPLEST_FIRST if kind in probabilities)
    mean = {
        kind: float(np.average(loss[both], weights=data.weight[both]))
        for kind, loss in each.items()
    }
    best = min(mean, key=mean.__getitem__)
    for kind in SIMPLEST_FIRST:
        if kind not in probabilities:
            continue
        sums, weight = block_means(
            np.where(both, each[kind] - each[best], np.nan), data.weight, blocks
        )
        difference = mean[kind] - mean[best]
        error = np.sqrt(((sums - difference * weight) ** 2).sum()) / weight.sum()
        if kind == best or difference <= error:
            return kind
    return best


def choose_and_fit(
    data: TrainingSet,
    blocks: Rows,
    kinds: Sequence[str] | None = None,
    final: TrainingSet | None = None,
) -> tuple[str, Any]:
    """Return the kind chosen by folds of `data`, and its model, calibrated on the held-out cases.

    The model is fitted on `final` (None: on `data`).
    """
    tried = tuple(kinds or candidates(data))
    whole = data if final is None else final
    if len(tried) == 1 and tried[0] in ADJUSTED:
        return tried[0], fit_kind(tried[0], whole)
    found = out_of_fold(tried, data, folds(data.day, blocks, INNER))
    kind = choose(found, data, blocks)
    model = fit_kind(kind, whole)
    if kind not in ADJUSTED:
        known = np.isfinite(found[kind]).all(axis=1)
        model.calibrator = Calibrator().fit(
            found[kind][known], data.among[known], data.weight[known]
        )
    return kind, model


def cross_validate(
    data: TrainingSet, blocks: Rows, kinds: Sequence[str] | None = None, count: int = OUTER
) -> CrossValidation:
    """Return the probabilities of held-out blocks by the whole procedure.

    The choice of the kind and the calibration are parts of it.
    """
    probability, number, chosen = (
        np.full((len(data), data.classes), np.nan),
        np.full(len(data), -1),
        [],
    )
    for place, part in enumerate(folds(data.day, blocks, count)):
        train, test = data.take(part.train), data.take(part.test)
        kind, model = choose_and_fit(train, blocks[part.train], kinds)
        probability[part.test], number[part.test] = predicted(model, test), place
        chosen.append(kind)
    return CrossValidation(probability, number, tuple(chosen))
