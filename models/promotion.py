"""Promotion: may a trained model replace the one in force?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bootstrap import resampled_ratios, widened
from models.registry import Served
from models.selection import block_means, losses, predicted, weeks
from models.training import Trained, rule_on
from models.training_set import TrainingSet

Array = NDArray[np.floating[Any]]

# A challenger must be better by more than chance: the 1 % quantile of the paired bootstrap over
# weeks above 0, and a gain of 1 % of the Brier score. For a single test 5 % would do, but the test
# is repeated: with 2.5 %, one of ten equally good models was promoted at some time within two
# years. At least eight weeks: with fewer, the bootstrap is too narrow. `make science` shows these
# figures on simulated years.
LEAST_BLOCKS, LOWER, LEAST_GAIN, DRAWS, SEED = 8, 0.01, 0.01, 2000, 5


@dataclass(frozen=True)
class PromotionDecision:
    """Whether a challenger is promoted, and why.

    gain: the champion's Brier score less the challenger's, on `cases` of `blocks` weeks; low: its
    lower bound; champion: the name of the model it was compared with.
    """

    promote: bool
    why: str  # better | not_better | too_few_blocks
    gain: float = float("nan")
    low: float = float("nan")
    blocks: int = 0
    cases: int = 0
    champion: str = ""


def consider(trained: Trained, champion: Served, own: bool = True) -> PromotionDecision:
    """Decide whether a trained challenger replaces the champion, on weeks new to both.

    own: the champion was trained on this service's archive, so only days after its span are new to
    it; to a shipped model and to the rule all days are.
    """
    return _compare(trained.held_out, trained.data, champion, own)


def consider_rule(data: TrainingSet, champion: Served, own: bool = True) -> PromotionDecision:
    """Decide in the same way whether the untrained rule replaces the champion again."""
    return _compare(rule_on(data), data, champion, own)


def _compare(
    probability: Array, data: TrainingSet, champion: Served, own: bool
) -> PromotionDecision:
    fresh: NDArray[np.bool_] = np.asarray(np.isfinite(probability).all(axis=1))
    if own and champion.card is not None:
        fresh = np.asarray(
            fresh & (data.day.astype("datetime64[D]") > np.datetime64(champion.card.span[1]))
        )
    data = data.take(fresh)
    theirs = predicted(champion.model, data) if len(data) else np.empty((0, data.classes))
    decision = decide(
        losses(probability[fresh], data.among),
        losses(theirs, data.among),
        data.weight,
        weeks(data.day),
    )
    return PromotionDecision(**{**vars(decision), "champion": champion.name})


def decide(
    challenger: Array,
    champion: Array,
    weight: Array,
    blocks: NDArray[np.integer[Any]],
    seed: int = SEED,
) -> PromotionDecision:
    """Return the decision from the losses of the same cases (case), by a paired block bootstrap.

    Source: Efron & Tibshirani 1993, An Introduction to the Bootstrap, 8.6 (blocks), 13.3
    (percentiles); Hesterberg 2015, The American Statistician 69, 371, 5.1 (with few blocks the
    interval is widened by Student's t, else ten weeks promoted luck in 6 % of trials).
    """
    known = np.isfinite(challenger) & np.isfinite(champion)
    count = len(np.unique(blocks[known]))
    if count < LEAST_BLOCKS:
        return PromotionDecision(False, "too_few_blocks", blocks=count, cases=int(known.sum()))
    sums, weights = block_means((champion - challenger)[known], weight[known], blocks[known])
    gain = float(sums.sum() / weights.sum())
    narrow = float(np.quantile(resampled_ratios(sums, weights, DRAWS, seed), LOWER))
    low = widened(gain, narrow, LOWER, count)
    least = LEAST_GAIN * float(np.average(champion[known], weights=weight[known]))
    better = low > 0 and gain >= least
    return PromotionDecision(
        better, "better" if better else "not_better", gain, low, count, int(known.sum())
    )
