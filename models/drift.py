"""Drift: forecasts against outcomes, features against the archive's same season, missing inputs.

The checks name what a person should look at; none of them stops a forecast. Each gives its counts,
and reports nothing with fewer cases than it needs.
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

LEAST = 30  # cases on either side before anything is reported
BINS = 10
# Population stability index from which a distribution counts as shifted (Siddiqi 2006, Credit Risk
# Scorecards, p. 137).
SHIFTED = 0.25
SIGNIFICANCE = 0.001  # of the Kolmogorov-Smirnov test, which must also find a difference
MORE_MISSING = 0.2  # increase of the missing share that is reported
LEVEL = 0.99  # of the interval of the difference between forecast and observed frequency
BLOCK = 5  # days
LEAST_BLOCKS = 4
LEAST_SHARE = 1e-3  # of a bin, so that an empty bin does not count as infinity


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """A shift. kind: frequency, distribution or missing; cases: the number behind `now`."""

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
            return (
                f"{self.phenomenon}: forecast {self.before:.0%} on average, "
                f"observed in {self.now:.0%} of {self.cases} events"
            )
        if self.kind == "missing":
            return (
                f"{self.phenomenon}: {self.what} is missing in {self.now:.0%} "
                f"of {self.cases} forecasts, before in {self.before:.0%}"
            )
        return (
            f"{self.phenomenon}: {self.what} differs from the archive's same season "
            f"(PSI {self.now:.2f}, {self.cases} forecasts)"
        )


def frequency_shifts(cases: Cases) -> Iterator[DriftFinding]:
    """Yield the phenomena observed more, or less, often than forecast.

    One forecast counts for each event; the interval is a bootstrap by blocks of days.
    """
    for phenomenon in np.unique(cases.phenomenon):
        of = cases.take((cases.phenomenon == phenomenon) & cases.last)
        blocks = of.day.astype("datetime64[D]").astype(int) // BLOCK
        if len(of) < LEAST or len(np.unique(blocks)) < LEAST_BLOCKS:
            continue
        excess = np.stack([of.observed - of.probability, np.ones(len(of))], axis=1)
        sums = resampled_sums(excess, blocks)
        low, high = percentile_interval(sums[:, 0] / sums[:, 1], LEVEL)
        if low > 0 or high < 0:
            yield DriftFinding(
                "frequency",
                str(phenomenon),
                "",
                float(of.observed.mean()),
                float(of.probability.mean()),
                len(of),
            )


def feature_shifts(
    phenomenon: str, names: Sequence[str], now: Array, before: Array
) -> Iterator[DriftFinding]:
    """Yield the features (case, feature) whose distribution or missing share has changed."""
    if min(len(now), len(before)) < LEAST:
        return
    for name, values, usual in zip(names, now.T, before.T, strict=True):
        lost, was_lost = float(np.isnan(values).mean()), float(np.isnan(usual).mean())
        if lost - was_lost >= MORE_MISSING:
            yield DriftFinding("missing", phenomenon, name, lost, was_lost, len(values))
        values, usual = values[np.isfinite(values)], usual[np.isfinite(usual)]
        if min(len(values), len(usual)) < LEAST:
            continue
        index = stability(values, usual)
        if index >= SHIFTED and ks_2samp(values, usual).pvalue < SIGNIFICANCE:
            yield DriftFinding("distribution", phenomenon, name, index, 0.0, len(values))


def stability(values: Array, usual: Array) -> float:
    """Return the population stability index of values against the usual ones; 0 where they agree.

    The bins hold equal counts of the usual values.
    Source: Siddiqi 2006, Credit Risk Scorecards, p. 136: sum of (a - e) ln(a / e), the divergence
    of Jeffreys.
    """
    edges = np.unique(np.quantile(usual, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = [
        np.bincount(np.searchsorted(edges, part, side="right"), minlength=len(edges) + 1)
        / len(part)
        for part in (values, usual)
    ]
    actual, expected = (np.maximum(share, LEAST_SHARE) for share in shares)
    return float(((actual - expected) * np.log(actual / expected)).sum())
