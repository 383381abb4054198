"""Scores of probability forecasts: Brier score and its parts, skill, contingency table, ROC.

Probabilities (case) are numbers of 0-1, observations (case) 0 or 1. A case with NaN on either side
is left out. The Brier score, the contingency table and the isotonic fit are those of the library
`scores` (Leeuwenburg et al. 2024, JOSS 9, 6889), which is imported only when a score is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata
from sklearn.metrics import roc_curve

from forecast.verification import Contingency

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Scores(Contingency):
    """Scores of a set of forecasts; a forecast is a yes from the probability `threshold` on."""

    cases: int
    events: int
    brier: float
    auc: float
    hits: int
    misses: int
    false_alarms: int
    threshold: float


def score(probability: ArrayLike, observed: ArrayLike, threshold: float = 0.5) -> Scores:
    """Return the scores of probabilities against observations.

    AUC is NaN where only one kind of outcome occurred.
    Source: Wilks 2011, Statistical Methods in the Atmospheric Sciences, 3rd ed., eqs. 8.8-8.11 and
    8.36.
    """
    from scores.categorical import BinaryContingencyManager

    given, outcome = known_cases(probability, observed)
    event = outcome > 0.5
    table = BinaryContingencyManager(
        *(xr.DataArray(yes.astype(float), dims="case") for yes in (given >= threshold, event))
    ).get_counts()
    return Scores(
        cases=len(given),
        events=int(event.sum()),
        brier=brier(given, event),
        auc=area_under_roc(given, event),
        hits=int(table["tp_count"]),
        misses=int(table["fn_count"]),
        false_alarms=int(table["fp_count"]),
        threshold=threshold,
    )


def brier(probability: ArrayLike, observed: ArrayLike) -> float:
    """Return the Brier score, the mean squared difference; NaN without cases.

    It is that of a yes-or-no event: of a sea of clouds, of the state sea alone. The sum over its
    four states is the four-state score (models/selection.py, losses).
    observed: 0 or 1, or the true probability where it is known.
    Source: Brier 1950, MWR 78, 1, eq. 2 (half of it).
    """
    from scores.probability import brier_score

    pair = (xr.DataArray(values, dims="case") for values in known_cases(probability, observed))
    given, outcome = pair
    return float(brier_score(given, outcome, check_args=False)) if given.size else float("nan")


def skill(value: float, reference: float, perfect: float = 0.0) -> float:
    """Return the skill of a score against a reference's: 1 perfect, 0 no better, negative worse.

    NaN where the reference is perfect. Source: Wilks 2011, eq. 8.4.
    """
    return (value - reference) / (perfect - reference) if perfect != reference else float("nan")


def area_under_roc(probability: Array, event: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve, by ranks; NaN where only one kind of outcome occurred.

    Written here because the bootstrap computes it thousands of times.
    Source: Hanley & McNeil 1982, Radiology 143, 29.
    """
    events, others = int(event.sum()), int((~event).sum())
    if not events or not others:
        return float("nan")
    ranks = float(rankdata(probability)[event].sum())
    return (ranks - events * (events + 1) / 2) / (events * others)


@dataclass(frozen=True, slots=True)
class BrierParts:
    """Parts of a Brier score: brier = reliability - resolution + uncertainty, exactly.

    reliability: miscalibration (MCB), what recalibration would save (0 is perfect); resolution:
    discrimination (DSC), what the forecasts distinguish; uncertainty (UNC): of the base rate.
    """

    reliability: float
    resolution: float
    uncertainty: float


def parts_of_brier(probability: ArrayLike, observed: ArrayLike) -> BrierParts:
    """Return the parts of the Brier score, by isotonic regression, so that no bins are chosen.

    NaN without cases. With few cases reliability and resolution both look large; their difference
    is right.
    Source: Dimitriadis, Gneiting & Jordan 2021, PNAS 118, e2016191118, eq. 4; after Murphy 1973, J.
    Appl. Meteor. 12, 595.
    """
    from scores.probability import isotonic_fit

    given, outcome = known_cases(probability, observed)
    if not len(given):
        return BrierParts(float("nan"), float("nan"), float("nan"))
    fit = isotonic_fit(given, outcome, functional="mean")
    frequency = fit["regression_values"][np.searchsorted(fit["fcst_sorted"], given)]
    calibrated, base = brier(frequency, outcome), float(outcome.mean())
    uncertainty = base * (1 - base)
    return BrierParts(brier(given, outcome) - calibrated, uncertainty - calibrated, uncertainty)


def roc_points(
    probability: ArrayLike, observed: ArrayLike, most: int = 40
) -> tuple[tuple[float, float], ...]:
    """Return the ROC curve as (false alarm rate, detection rate) at falling thresholds.

    At most `most` points; none where only one kind of outcome occurred.
    """
    given, outcome = known_cases(probability, observed)
    if len(np.unique(outcome)) < 2:
        return ()
    false_alarms, detected, _ = roc_curve(outcome, given)
    kept = np.unique(
        np.linspace(0, len(detected) - 1, min(most, len(detected))).round().astype(int)
    )
    return tuple((float(false_alarms[i]), float(detected[i])) for i in kept)


def known_cases(probability: ArrayLike, observed: ArrayLike) -> tuple[Array, Array]:
    """Return the cases of which both are known."""
    given, outcome = (np.asarray(values, dtype=float) for values in (probability, observed))
    known = np.isfinite(given) & np.isfinite(outcome)
    return given[known], outcome[known]
