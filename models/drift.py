"""Has something moved: forecasts against what came, features against the same season in the
archive, inputs that have gone missing.

Plain checks that name what a person should look at; none of them stops a forecast. Each tells its
counts and stays silent below them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from models.bootstrap import percentile_interval, resampled_sums
from models.cases import Cases

Array = NDArray[np.floating[Any]]

LEAST = 30  # cases on either side before anything is said
BINS = 10
# population stability index from which a distribution is taken to have moved (Siddiqi 2006, Credit
# Risk Scorecards, p. 137)
MOVED = 0.25
SURE = 0.001  # and chance of so great a difference from one distribution (Kolmogorov and Smirnov)
JUMP = 0.2  # by so much more often missing than before
LEVEL = 0.99  # of the interval within which told and seen frequencies may differ
BLOCK = 5  # days
LEAST_BLOCKS = 4
BUSY = 1e-3  # of a bin's share, so that an empty bin does not count for infinity


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that moved. kind: frequency, distribution, missing. now, before: the two values;
    cases: on which `now` stands.
    """

    kind: str
    phenomenon: str
    what: str
    now: float
    before: float
    cases: int

    @property
    def line(self) -> str:
        """The finding in one line for `status`."""
        if self.kind == "frequency":
            return f"{self.phenomenon}: told {self.before:.0%} on average, seen in {self.now:.0%} of {self.cases} events"
        if self.kind == "missing":
            return f"{self.phenomenon}: {self.what} is missing in {self.now:.0%} of {self.cases} forecasts, before in {self.before:.0%}"
        return f"{self.phenomenon}: {self.what} differs from the archive's same season (PSI {self.now:.2f}, {self.cases} forecasts)"


def told_and_seen(cases: Cases) -> Iterator[Finding]:
    """Yield the phenomena of which more, or less, came than was told; one forecast an event,
    redrawn by blocks of days.
    """
    for phenomenon in np.unique(cases.phenomenon):
        of = cases.take((cases.phenomenon == phenomenon) & cases.last)
        blocks = of.day.astype("datetime64[D]").astype(int) // BLOCK
        if len(of) < LEAST or len(np.unique(blocks)) < LEAST_BLOCKS:
            continue
        excess = np.stack([of.seen - of.probability, np.ones(len(of))], axis=1)
        sums = resampled_sums(excess, blocks)
        low, high = percentile_interval(sums[:, 0] / sums[:, 1], LEVEL)
        if low > 0 or high < 0:
            yield Finding(
                "frequency",
                str(phenomenon),
                "",
                float(of.seen.mean()),
                float(of.probability.mean()),
                len(of),
            )


def moved(phenomenon: str, names: Sequence[str], now: Array, before: Array) -> Iterator[Finding]:
    """Yield the features (case, feature) whose values, or whose absence, are not as they were."""
    if min(len(now), len(before)) < LEAST:
        return
    for name, values, usual in zip(names, now.T, before.T, strict=True):
        lost, was_lost = float(np.isnan(values).mean()), float(np.isnan(usual).mean())
        if lost - was_lost >= JUMP:
            yield Finding("missing", phenomenon, name, lost, was_lost, len(values))
        values, usual = values[np.isfinite(values)], usual[np.isfinite(usual)]
        if min(len(values), len(usual)) < LEAST:
            continue
        index = stability(values, usual)
        if index >= MOVED and ks_2samp(values, usual).pvalue < SURE:
            yield Finding("distribution", phenomenon, name, index, 0.0, len(values))


def stability(values: Array, usual: Array) -> float:
    """Return the population stability index of values against the usual ones, in bins of like
    number of the usual: 0 where they are alike.

    Source: Siddiqi 2006, Credit Risk Scorecards, p. 136: sum of (a - e) ln(a / e), the divergence
    of Jeffreys.
    """
    edges = np.unique(np.quantile(usual, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [
        np.bincount(np.searchsorted(edges, part, side="right"), minlength=len(edges) + 1)
        / len(part)
        for part in (values, usual)
    ]
    actual, expected = (np.maximum(share, BUSY) for share in shares)
    return float(((actual - expected) * np.log(actual / expected)).sum())
