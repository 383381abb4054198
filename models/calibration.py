"""Calibration: of all days forecast with 30 %, three in ten should bring the event.

With few cases: a straight line in log-odds (Platt's sigmoid), shrunk towards no change. With many:
an isotonic step function.
Source: Platt 1999; Niculescu-Mizil & Caruana 2005, ICML, 625 (isotonic overfits below about a
thousand cases).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator
from sklearn.isotonic import IsotonicRegression

from models.prior_logistic import PriorLogistic

Array = NDArray[np.floating[Any]]

# Isotonic from so many cases, and so many of the rarer class; below, sigmoid. Ten times what the
# paper found for independent cases: weather comes in episodes, and a day has many lead times.
ISOTONIC_CASES, ISOTONIC_RARER = 10_000, 1_000
SMALLEST = 1e-4  # least distance of a calibrated probability from 0 and 1
# Prior of the sigmoid: standard deviations of the shift [logit] about 0 and of the slope about 1.
SHIFT_SPREAD, SLOPE_SPREAD = 1.0, 0.5


def method_for(cases: int, rarer: int) -> str:
    """Return "isotonic" or "sigmoid", by the number of cases and of the rarer class."""
    return "isotonic" if cases >= ISOTONIC_CASES and rarer >= ISOTONIC_RARER else "sigmoid"


class Calibrator(BaseEstimator):
    """Calibration of probabilities (case, class). method: sigmoid, isotonic or auto (by cases)."""

    def __init__(self, method: str = "auto") -> None:
        self.method = method

    def fit(self, raw: Array, among: NDArray[np.bool_], weight: Array | None = None) -> Self:
        """Learn from probabilities of held-out cases.

        among (case, class): the classes that the outcome allows; weight (case).
        Raises: ValueError for an unknown method.
        """
        if self.method not in ("auto", "sigmoid", "isotonic"):
            raise ValueError(
                f"calibration method {self.method!r}: expected auto, sigmoid or isotonic"
            )
        sure = among.sum(axis=1) == 1
        counts = among[sure].sum(axis=0)
        self.method_ = (
            method_for(int(sure.sum()), int(counts.min())) if self.method == "auto" else self.method
        )
        classes = raw.shape[1]
        if self.method_ == "isotonic":
            used = range(1, 2) if classes == 2 else range(classes)
            self.curves_ = [
                IsotonicRegression(y_min=SMALLEST, y_max=1 - SMALLEST, out_of_bounds="clip").fit(
                    raw[sure, k],
                    among[sure, k].astype(float),
                    None if weight is None else weight[sure],
                )
                for k in used
            ]
        else:
            rows = 1 if classes == 2 else classes
            mean = np.ones((1, 1)) if classes == 2 else np.eye(classes)
            precision = np.where(mean == 1, SLOPE_SPREAD**-2.0, np.inf)
            line = PriorLogistic(
                mean, precision, np.zeros(rows), SHIFT_SPREAD**-2.0, classes=list(range(classes))
            )
            self.line_ = line.fit(_logs(raw), among.argmax(axis=1), weight, among=among)
        return self

    def transform(self, raw: Array) -> Array:
        """Return the calibrated probabilities (case, class)."""
        if self.method_ == "sigmoid":
            return np.asarray(self.line_.predict_proba(_logs(raw)))
        if raw.shape[1] == 2:
            p = self.curves_[0].predict(raw[:, 1])
            return np.stack([1 - p, p], axis=1)
        each = np.stack([curve.predict(raw[:, k]) for k, curve in enumerate(self.curves_)], axis=1)
        return each / each.sum(axis=1, keepdims=True)


def as_log_odds(p: Array) -> Array:
    """Return finite logarithms of probabilities (case, class), whose softmax they are."""
    return np.log(np.clip(p, SMALLEST, 1.0))


def _logs(raw: Array) -> Array:
    """Return the sigmoid's columns (case, column).

    With two classes the log-odds of the second, otherwise the logarithm of each class.
    """
    logs = as_log_odds(raw)
    return logs[:, 1:] - logs[:, :1] if raw.shape[1] == 2 else np.asarray(logs)


def blended(parts: list[Array]) -> Array:
    """Return the probabilities (case, class) whose logarithms are the mean of the parts'."""
    return np.asarray(softmax(np.mean([as_log_odds(p) for p in parts], axis=0), axis=1))
