"""How much better, and how sure: rival forecasts of the same cases beside each other, each with its
interval.

The intervals come of redrawing whole blocks (weeks of a site, say), since the days of one spell of
weather are almost one case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from models.scores import Scores, score

Array = NDArray[np.floating[Any]]

DRAWS, SEED = 1000, 87
# blocks, below which no interval is told: redrawing a handful promises more than it knows
FEWEST = 6
LEVEL = 0.9


@dataclass(frozen=True)
class Row:
    """One forecaster's scores; brier, auc: bounds of their 90 % intervals; gain: first forecaster's
    Brier less this one's.

    Bounds are NaN where there are too few blocks to tell them.
    """

    name: str
    scores: Scores
    brier: tuple[float, float]
    auc: tuple[float, float]
    gain: tuple[float, float, float]  # value, low, high

    def line(self) -> str:
        """Return the row as plain text: figures with their intervals, and the counts."""
        s = self.scores
        return (
            f"{self.name:<22} n={s.cases:<4} seen={s.events:<4} Brier {s.brier:.3f} {_between(self.brier, '.3f')}  "
            f"AUC {s.auc:.2f} {_between(self.auc, '.2f')}  TS {s.ts:.2f} POD {s.pod:.2f} FAR {s.far:.2f}  "
            f"gain {self.gain[0]:+.3f} {_between(self.gain[1:], '+.3f')}"
        )


def _between(bounds: tuple[float, float], form: str) -> str:
    return (
        f"[{bounds[0]:{form}}, {bounds[1]:{form}}]"
        if np.isfinite(bounds).all()
        else f"[under {FEWEST} weeks]"
    )


def bounds_of_mean(values: Array, blocks: NDArray[np.integer[Any]]) -> tuple[float, float] | None:
    """Return the bounds of the 90 % interval of a mean, whole blocks redrawn; None for fewer than
    FEWEST blocks.
    """
    _, place = np.unique(blocks, return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place)
    if len(counts) < FEWEST:
        return None
    drawn = np.random.default_rng(SEED).integers(0, len(counts), (DRAWS, len(counts)))
    return _bounds(list(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)))


def blocks_of(site: NDArray[Any], day: NDArray[np.datetime64], length: int = 7) -> NDArray[np.intp]:
    """Return the number of the block of each case: `length` days at one site."""
    spans = day.astype("datetime64[D]").astype(int) // length
    _, number = np.unique(
        np.char.add(np.char.add(site.astype(str), " "), spans.astype(str)), return_inverse=True
    )
    return np.asarray(number)


def table(
    told: Mapping[str, Array], seen: Array, blocks: NDArray[np.integer[Any]], threshold: float = 0.3
) -> list[Row]:
    """Return a row for each forecaster, all on the cases that each of them told of; gains are
    against the first.
    """
    outcome = np.asarray(seen, dtype=float)
    known = np.isfinite(outcome) & np.all([np.isfinite(p) for p in told.values()], axis=0)
    outcome, kept = (
        outcome[known],
        {name: np.asarray(p, dtype=float)[known] for name, p in told.items()},
    )
    if not known.any():
        return []
    drawn = redrawn(blocks[known], DRAWS) if len(np.unique(blocks[known])) >= FEWEST else []
    losses = {name: (p - outcome) ** 2 for name, p in kept.items()}
    first = losses[next(iter(losses))]
    return [
        Row(
            name,
            score(p, outcome, threshold),
            _bounds([losses[name][rows].mean() for rows in drawn]),
            _bounds([_auc(p[rows], outcome[rows]) for rows in drawn]),
            (
                float((first - losses[name]).mean()),
                *_bounds([(first - losses[name])[rows].mean() for rows in drawn]),
            ),
        )
        for name, p in kept.items()
    ]


def redrawn(
    blocks: NDArray[np.integer[Any]], draws: int, seed: int = SEED
) -> list[NDArray[np.intp]]:
    """Return for each draw the numbers of the cases in as many blocks as there are, drawn with
    replacement.
    """
    _, place = np.unique(blocks, return_inverse=True)
    members = [np.flatnonzero(place == number) for number in range(place.max() + 1)]
    random = np.random.default_rng(seed)
    return [
        np.concatenate([members[i] for i in random.integers(0, len(members), len(members))])
        for _ in range(draws)
    ]


def _auc(p: Array, outcome: Array) -> float:
    """Return the area under the ROC curve by ranks; NaN where one kind only was drawn. Source:
    Hanley & McNeil 1982, Radiology 143, 29.
    """
    yes = outcome > 0.5
    events, others = int(yes.sum()), int((~yes).sum())
    if not events or not others:
        return float("nan")
    return float((rankdata(p)[yes].sum() - events * (events + 1) / 2) / (events * others))


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    known = np.array([v for v in values if np.isfinite(v)])
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
