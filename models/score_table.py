"""Score table: rival forecasts of the same cases side by side, each with its interval.

The intervals are those of a block bootstrap (models/bootstrap.py), by weeks of a site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import bootstrap
from models.scores import Scores, area_under_roc, score

Array = NDArray[np.floating[Any]]

DRAWS, SEED = 1000, 87
# blocks, below which no interval is given: resampling a handful promises more than it knows
FEWEST = 6


@dataclass(frozen=True)
class Row:
    """One forecaster's scores, with the bounds of their 90 % intervals.

    gain: the first forecaster's Brier score less this one's. Bounds are NaN of too few blocks.
    """

    name: str
    scores: Scores
    brier: tuple[float, float]
    auc: tuple[float, float]
    gain: tuple[float, float, float]  # value, low, high

    def line(self) -> str:
        """Return the row as plain text: figures with their intervals, and the counts."""
        s = self.scores
        auc = f"{s.auc:.2f} {_between(self.auc, '.2f')}"
        if s.events in (0, s.cases):
            auc = f"none: all outcomes {'yes' if s.events else 'no'}"
        return (
            f"{self.name:<22} n={s.cases:<4} seen={s.events:<4} "
            f"Brier {s.brier:.3f} {_between(self.brier, '.3f')}  "
            f"AUC {auc}  "
            f"TS {s.ts:.2f} POD {s.pod:.2f} FAR {s.far:.2f}  "
            f"gain {self.gain[0]:+.3f} {_between(self.gain[1:], '+.3f')}"
        )


def _between(bounds: tuple[float, float], form: str) -> str:
    return (
        f"[{bounds[0]:{form}}, {bounds[1]:{form}}]"
        if np.isfinite(bounds).all()
        else f"[under {FEWEST} weeks]"
    )


def mean_interval(values: Array, blocks: NDArray[np.integer[Any]]) -> tuple[float, float] | None:
    """Return the bounds of the 90 % interval of a mean; None for fewer than FEWEST blocks."""
    if len(np.unique(blocks)) < FEWEST:
        return None
    return bootstrap.mean_interval(values, blocks, DRAWS, SEED)


def table(
    forecasts: Mapping[str, Array],
    observed: Array,
    blocks: NDArray[np.integer[Any]],
    threshold: float = 0.3,
) -> list[Row]:
    """Return a row for each forecaster, on the cases that all of them forecast.

    forecasts: name -> probability (case); gains are against the first.
    """
    outcome = np.asarray(observed, dtype=float)
    known = np.isfinite(outcome) & np.all([np.isfinite(p) for p in forecasts.values()], axis=0)
    outcome = outcome[known]
    kept = {name: np.asarray(p, dtype=float)[known] for name, p in forecasts.items()}
    if not known.any():
        return []
    enough = len(np.unique(blocks[known])) >= FEWEST
    drawn = bootstrap.resampled_rows(blocks[known], DRAWS, SEED) if enough else []
    losses = {name: (p - outcome) ** 2 for name, p in kept.items()}
    first, interval = losses[next(iter(losses))], bootstrap.percentile_interval
    return [
        Row(
            name,
            score(p, outcome, threshold),
            interval([losses[name][rows].mean() for rows in drawn]),
            interval([area_under_roc(p[rows], outcome[rows] > 0.5) for rows in drawn]),
            (
                float((first - losses[name]).mean()),
                *interval([(first - losses[name])[rows].mean() for rows in drawn]),
            ),
        )
        for name, p in kept.items()
    ]
