"""Logistic regression with Gaussian priors and partial pooling of the sites.

Each class k has a log-odds sum eta_k = a_k + sum_j b_kj x_j + (site effects); p = softmax(eta).
Every coefficient has a Gaussian prior (mean, precision): few labels change it a little, many
override it. A site's own intercept, and its own slopes where requested, are distributed about the
common ones, so that a site with few labels borrows from the others (partial pooling). The
coefficients are the mode of the posterior, its curvature gives their covariance
(models/posterior.py).
Source: Bishop 2006, Pattern Recognition and Machine Learning, 4.3-4.5; Gelman & Hill 2007, Data
Analysis Using Regression and Multilevel/Hierarchical Models, ch. 12 (partial pooling); MacKay 1992,
Neural Computation 4, 720, eq. 11 (moderated output).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.special import expit, logsumexp, ndtri, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from models.posterior import CHUNK, Array, Design, Prior, curvature, evidence, inverse, mode

# Precisions of the sites' own intercepts tried by `site_precision="evidence"`: standard deviations
# of 0 to 2 [logit], with a half-normal prior of about 1, because a few sites alone do not determine
# it (Gelman 2006, Bayesian Analysis 1, 515).
PRECISIONS, SPREAD_OF_SITES = (np.inf, 64.0, 16.0, 4.0, 1.0, 0.25), 1.0
EVIDENCE_TOL = 1e-7  # [1] enough for the evidence, which is flat at the mode
EVIDENCE_CASES = 30_000  # cases used for the evidence; of more, every n-th


class PriorLogistic(ClassifierMixin, BaseEstimator):
    """Logistic regression of two or more classes, with Gaussian priors and partial pooling.

    prior_mean, prior_precision: of the coefficients, a number or an array that broadcasts to
    (class, feature), with two classes also (feature,) for the second class's log-odds; an infinite
    precision fixes a coefficient. intercept_mean, intercept_precision: a number, or one for each
    class. site_precision: 1/variance of the sites' own intercepts [logit-2]; 0 fits each site
    separately, infinity pools them, "evidence" takes the one of PRECISIONS under which the labels
    are likeliest (Bishop 2006, 3.5). slope_precision: the same for the sites' own slopes, a number,
    or one for each feature. classes: all classes, where labels may lack some or all of them.
    indicators: add a column for each feature that marks it as missing, with prior mean 0.
    moderated: shrink the probabilities towards even odds by the uncertainty of the coefficients.
    level_column: the feature by which the intercepts, common and by site, are multiplied; None: 1.
    A missing feature (NaN) counts as 0 and has no effect: give columns in which 0 is neutral.
    """

    level_column: int | None = None  # of a file written before there was one

    def __init__(
        self,
        prior_mean: ArrayLike = 0.0,
        prior_precision: ArrayLike = 1.0,
        intercept_mean: ArrayLike = 0.0,
        intercept_precision: ArrayLike = 0.01,
        *,
        site_precision: float | str = "evidence",
        slope_precision: ArrayLike = np.inf,
        classes: Sequence[Any] | None = None,
        indicators: bool = False,
        moderated: bool = False,
        level_column: int | None = None,
        max_iter: int = 100,
        tol: float = 1e-9,
    ) -> None:
        self.prior_mean = prior_mean
        self.prior_precision = prior_precision
        self.intercept_mean = intercept_mean
        self.intercept_precision = intercept_precision
        self.site_precision = site_precision
        self.slope_precision = slope_precision
        self.classes = classes
        self.indicators = indicators
        self.moderated = moderated
        self.level_column = level_column
        self.max_iter = max_iter
        self.tol = tol

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        sites: Sequence[Any] | None = None,
        among: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Find the posterior of the coefficients.

        sites (case): None: all of one place. among (case, class): the classes that the outcome
        allows; it replaces y.
        Raises: ValueError for a class that is not in `classes`, or for a single class where
        `classes` is not given.
        """
        least = 1 if self.classes is None else 0
        checked = validate_data(
            self, X, y, ensure_all_finite="allow-nan", dtype=float, ensure_min_samples=least
        )
        cases, outcome = (np.asarray(part) for part in checked)
        codes = self._read_classes(outcome)
        allowed = (
            np.eye(len(self.classes_), dtype=bool)[codes]
            if among is None
            else np.asarray(among, dtype=bool)
        )
        if allowed.shape != (len(cases), len(self.classes_)) or not allowed.any(axis=1).all():
            raise ValueError(
                f"among: expected ({len(cases)}, {len(self.classes_)}) "
                "with at least one class allowed in each row"
            )
        places: NDArray[np.intp] | None = None
        self.sites_: NDArray[Any] = np.empty(0, dtype=str)
        if sites is not None:
            self.sites_, places = np.unique(np.asarray(sites), return_inverse=True)
        slopes = self._slopes(cases.shape[1])
        self.slope_columns_ = np.flatnonzero(np.isfinite(slopes))
        common = self._columns(cases)
        weight = (
            _check_sample_weight(sample_weight, cases, dtype=float) if len(cases) else np.empty(0)
        )
        design = Design(common, self._local(common, places), weight, allowed)
        self._find(design, cases.shape[1], slopes)
        return self

    def _find(self, design: Design, features: int, slopes: Array) -> None:
        """Set the coefficients, the sites' spread and the covariance."""

        def prior_for(precision: float) -> Prior:
            return self._prior(features, design.common.shape[1], slopes, precision)

        self.site_precision_, start = np.inf, prior_for(np.inf).mean
        if design.local is not None and isinstance(self.site_precision, str):
            part = design.every(-(-len(design.common) // EVIDENCE_CASES))
            best = -np.inf
            for precision in PRECISIONS:
                prior = prior_for(precision)
                theta, _ = mode(
                    part,
                    prior,
                    np.where(prior.free, start, prior.mean),
                    self.max_iter,
                    max(self.tol, EVIDENCE_TOL),
                )
                found = evidence(theta, part, prior) - 0.5 / precision / SPREAD_OF_SITES**2
                start = theta
                if found > best:
                    best, self.site_precision_ = found, precision
        elif design.local is not None:
            self.site_precision_ = float(self.site_precision)
        kept = prior_for(self.site_precision_)
        self.theta_, self.n_iter_ = mode(
            design, kept, np.where(kept.free, start, kept.mean), self.max_iter, self.tol
        )
        self.n_iter_ = max(self.n_iter_, 1)
        self.free_ = kept.free
        self.covariance_ = inverse(
            curvature(self.theta_, design, kept, True), lambda: curvature(self.theta_, design, kept)
        )

    def _read_classes(self, y: NDArray[Any]) -> NDArray[np.intp]:
        if self.classes is None:
            check_classification_targets(y)
            self.classes_, codes = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError(
                    f"only one class was seen ({self.classes_[0]!r}): "
                    "give `classes` to fit with the prior all the same"
                )
            return np.asarray(codes)
        self.classes_ = np.asarray(self.classes)
        match = np.asarray(y)[:, None] == self.classes_[None, :]
        if not match.any(axis=1).all():
            raise ValueError(f"y holds a class that is not among {list(self.classes_)}")
        return np.asarray(match.argmax(axis=1))

    def _columns(self, X: Array) -> Array:
        """Return the common columns: the intercepts', features with NaN as 0, and indicators."""
        features = X.shape[1]
        result = np.empty((len(X), 1 + features * (2 if self.indicators else 1)))
        result[:, 1 : 1 + features] = X  # no second copy of a million rows
        result[:, 0] = 1.0 if self.level_column is None else X[:, self.level_column]
        np.nan_to_num(result[:, : 1 + features], copy=False, nan=0.0)
        if self.indicators:
            result[:, 1 + features :] = np.isnan(X)
        return result

    def _slopes(self, features: int) -> Array:
        return np.broadcast_to(np.asarray(self.slope_precision, dtype=float), (features,))

    def _local(self, common: Array, places: NDArray[np.intp] | None) -> sparse.csr_matrix | None:
        """Return the sites' columns (case, site times (intercept and slopes)); -1 has none."""
        if places is None:
            return None
        kinds, rows = np.array([0, *(1 + self.slope_columns_)]), np.flatnonzero(places >= 0)
        columns = places[rows, None] * len(kinds) + np.arange(len(kinds))
        values, row = common[np.ix_(rows, kinds)].ravel(), np.repeat(rows, len(kinds))
        return sparse.csr_matrix(
            (values, (row, columns.ravel())), shape=(len(common), len(self.sites_) * len(kinds))
        )

    def _prior(self, features: int, common: int, slopes: Array, site_precision: float) -> Prior:
        """Return the prior of all coefficients (class, column).

        The first sum of a two-class model is fixed at 0.
        """
        classes, two = len(self.classes_), len(self.classes_) == 2
        rows = 1 if two else classes
        spread = [
            np.broadcast_to(np.asarray(v, dtype=float), (rows, features))
            for v in (self.prior_mean, self.prior_precision)
        ]
        bases = [
            np.broadcast_to(np.asarray(v, dtype=float), (rows,))[:, None]
            for v in (self.intercept_mean, self.intercept_precision)
        ]
        extra = common - 1 - features
        mean = np.concatenate([bases[0], spread[0], np.zeros((rows, extra))], axis=1)
        precision = np.concatenate([bases[1], spread[1], np.ones((rows, extra))], axis=1)
        if len(self.sites_):
            local = np.concatenate(
                [
                    np.full((rows, 1), site_precision),
                    np.where(
                        np.isfinite(spread[1][:, self.slope_columns_]),
                        slopes[self.slope_columns_],
                        np.inf,
                    ),
                ],
                axis=1,
            )
            precision = np.concatenate([precision, np.tile(local, len(self.sites_))], axis=1)
            mean = np.concatenate(
                [mean, np.zeros((rows, precision.shape[1] - mean.shape[1]))], axis=1
            )
        if two:
            mean = np.concatenate([np.zeros_like(mean), mean])
            precision = np.concatenate([np.full_like(precision, np.inf), precision])
        if isinstance(self.site_precision, str) and self.site_precision != "evidence":
            raise ValueError(
                f"site_precision {self.site_precision!r}: "
                "expected a number from 0 to infinity, or 'evidence'"
            )
        if np.isnan(precision).any() or (precision < 0).any():
            raise ValueError("a precision is 1/variance: expected numbers from 0 to infinity")
        return Prior(mean, precision)

    @property
    def coef_(self) -> Array:
        """The common coefficients (class, feature); for two classes (1, feature)."""
        check_is_fitted(self)
        return (
            self.theta_[-1:, 1 : 1 + self.n_features_in_]
            if len(self.classes_) == 2
            else self.theta_[:, 1 : 1 + self.n_features_in_]
        )

    @property
    def intercept_(self) -> Array:
        """The common intercepts [logit]."""
        check_is_fitted(self)
        return self.theta_[-1:, 0] if len(self.classes_) == 2 else self.theta_[:, 0]

    def _read(
        self, X: ArrayLike, sites: Sequence[Any] | None
    ) -> tuple[Array, NDArray[np.intp] | None]:
        check_is_fitted(self)
        columns = self._columns(
            np.asarray(
                validate_data(self, X, reset=False, ensure_all_finite="allow-nan", dtype=float)
            )
        )
        if not len(self.sites_):
            return columns, None
        if sites is None:
            return columns, np.full(len(columns), -1)
        names = np.asarray(sites)
        found = np.minimum(np.searchsorted(self.sites_, names), len(self.sites_) - 1)
        return columns, np.where(self.sites_[found] == names, found, -1)

    def log_odds(self, X: ArrayLike, sites: Sequence[Any] | None = None) -> Array:
        """Return the sums eta (case, class) [logit]; a site without labels has no own effect."""
        columns, places = self._read(X, sites)
        return Design(
            columns, self._local(columns, places), np.empty(0), np.empty((0, 0), dtype=bool)
        ).sums(self.theta_)

    def predict_proba(self, X: ArrayLike, sites: Sequence[Any] | None = None) -> Array:
        """Return the probabilities (case, class)."""
        eta = self.log_odds(X, sites)
        if self.moderated:
            variance = np.diagonal(self.sum_covariance(X, sites), axis1=1, axis2=2)
            eta = eta / np.sqrt(1 + np.pi / 8 * variance)
        return softmax(eta, axis=1)

    def predict(self, X: ArrayLike, sites: Sequence[Any] | None = None) -> NDArray[Any]:
        """Return the likelier class of each case."""
        best = self.predict_proba(X, sites).argmax(axis=1)
        return self.classes_[best]

    def sum_covariance(self, X: ArrayLike, sites: Sequence[Any] | None = None) -> Array:
        """Return the covariance of the sums (case, class, class) [logit2].

        For a site without labels the spread between sites is added.
        """
        columns, places = self._read(X, sites)
        local = self._local(columns, places)
        classes, result = (
            len(self.classes_),
            np.zeros((len(columns), len(self.classes_), len(self.classes_))),
        )
        ends = np.cumsum([0, *self.free_.sum(axis=1)])
        for start in range(0, len(columns), CHUNK // 8):
            part = slice(start, start + CHUNK // 8)
            full = (
                columns[part]
                if local is None
                else np.concatenate([columns[part], local[part].toarray()], axis=1)
            )
            for k in range(classes):
                for m in range(classes):
                    block = self.covariance_[ends[k] : ends[k + 1], ends[m] : ends[m + 1]]
                    result[part, k, m] = (
                        (full[:, self.free_[k]] @ block) * full[:, self.free_[m]]
                    ).sum(axis=1)
        if places is not None and (new := places < 0).any():
            spread = 1 / self.site_precision_ if self.site_precision_ > 0 else 0.0
            slopes = 1 / self._slopes(self.n_features_in_)[self.slope_columns_]
            of_slopes = columns[np.ix_(new, 1 + self.slope_columns_)] ** 2 * slopes
            added = spread * columns[new, 0] ** 2 + of_slopes.sum(axis=1)
            for k in range(1 if classes == 2 else 0, classes):
                result[new, k, k] += added
        return result

    def interval(
        self, X: ArrayLike, sites: Sequence[Any] | None = None, level: float = 0.9
    ) -> Array:
        """Return the bounds of each probability (case, class, 2) by the coefficients' covariance.

        By the delta method on the log-odds of a class against the others together.
        """
        eta, covariance = self.log_odds(X, sites), self.sum_covariance(X, sites)
        result = np.empty((*eta.shape, 2))
        for k in range(eta.shape[1]):
            others = np.delete(np.arange(eta.shape[1]), k)
            slope = np.zeros_like(eta)
            slope[:, k], slope[:, others] = 1.0, -softmax(eta[:, others], axis=1)
            middle = eta[:, k] - logsumexp(eta[:, others], axis=1)
            wide = ndtri((1 + level) / 2) * np.sqrt(
                np.einsum("ik,ikm,im->i", slope, covariance, slope)
            )
            result[:, k] = expit(np.stack([middle - wide, middle + wide], axis=1))
        return result

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
