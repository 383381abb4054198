"""Logistic regression that starts from what is believed and is moved by what is seen: few labels
move it a little, many override it.

Each class k has a log-odds sum eta_k = a_k + sum_j b_kj x_j + (site effects); p = softmax(eta).
With two classes the first sum is 0, which is the ordinary logistic. Every coefficient has a
Gaussian prior (mean, precision); a site's own intercept, and its own slopes where asked, are drawn
about the common ones, so that a site with few labels borrows from the others and one with many
speaks for itself (partial pooling). The answer is the mode of the posterior; its curvature gives
the covariance (Laplace).
Source: Bishop 2006, Pattern Recognition and Machine Learning, 4.3.2-4.3.4 (gradient, Hessian),
4.4-4.5 (Laplace); Gelman & Hill 2007, Data Analysis Using Regression and Multilevel/Hierarchical
Models, ch. 12 (partial pooling); MacKay 1992, Neural Computation 4, 720, eq. 11 (moderated output).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg, sparse
from scipy.special import expit, logsumexp, ndtri, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

Array = NDArray[np.floating[Any]]

CHUNK = 32768  # rows at a time where an intermediate array is as wide as the coefficients
# Spread of the sites' own intercepts tried by `site_precision="evidence"`: standard deviations from
# nought to 2 [logit], believed to be of the order of 1 before labels speak (a half-normal prior:
# Gelman 2006, Bayesian Analysis 1, 515: a few sites alone cannot tell).
PRECISIONS, SPREAD_OF_SITES = (np.inf, 64.0, 16.0, 4.0, 1.0, 0.25), 1.0
EVIDENCE_CASES = 30_000  # from which it is read; of more, every n-th case


@dataclass(frozen=True)
class Design:
    """What the fit sees: common columns (case, column; the first is 1), site columns (sparse),
    weights, the classes each case allows.
    """

    common: Array
    local: sparse.csr_matrix | None
    weight: Array
    among: NDArray[np.bool_]

    def every(self, step: int) -> Design:
        """Return every `step`-th case."""
        return Design(
            self.common[::step],
            None if self.local is None else self.local[::step],
            self.weight[::step],
            self.among[::step],
        )

    def sums(self, theta: Array) -> Array:
        """Return eta (case, class) for coefficients (class, column)."""
        width = self.common.shape[1]
        eta = self.common @ theta[:, :width].T
        return eta if self.local is None else eta + self.local @ theta[:, width:].T

    def products(self, moved: Array) -> Array:
        """Return the sums over the cases of column times `moved` (case, class): (class, column)."""
        parts = [moved.T @ self.common]
        if self.local is not None:
            parts.append((self.local.T @ moved).T)
        return np.concatenate(parts, axis=1)

    def squares(self, weight: Array) -> Array:
        """Return X' diag(weight) X (column, column)."""
        width, rows = self.common.shape[1], len(self.common)
        total = width + (0 if self.local is None else self.local.shape[1])
        result = np.zeros((total, total))
        for start in range(0, rows, CHUNK):
            part = slice(start, start + CHUNK)
            weighted = self.common[part] * weight[part, None]
            result[:width, :width] += weighted.T @ self.common[part]
            if self.local is not None:
                local = self.local[part]
                result[width:, :width] += local.T @ weighted
                result[width:, width:] += (local.T @ local.multiply(weight[part, None])).toarray()
        result[:width, width:] = result[width:, :width].T
        return result


@dataclass(frozen=True)
class Prior:
    """Mean and precision of each coefficient (class, column); an infinite precision pins the
    coefficient to its mean.
    """

    mean: Array
    precision: Array

    @property
    def free(self) -> NDArray[np.bool_]:
        return np.isfinite(self.precision)

    def penalty(self, theta: Array) -> tuple[float, Array]:
        """Return half the squared distance from the mean in the prior's measure, and its gradient."""
        slope = np.where(self.free, self.precision, 0.0) * (theta - self.mean)
        return float(0.5 * (slope * (theta - self.mean)).sum()), slope


def loss_and_gradient(theta: Array, design: Design, prior: Prior) -> tuple[float, Array]:
    """Return the negative log posterior [nat] up to a constant and its gradient (class, column), at
    coefficients (class, column).

    A case that allows several classes counts by the probability of them together.
    Source: Bishop 2006, eqs. 4.108-4.109.
    """
    eta = design.sums(theta)
    allowed = np.where(design.among, eta, -np.inf)
    value = float(design.weight @ (logsumexp(eta, axis=1) - logsumexp(allowed, axis=1)))
    gradient = design.products(
        design.weight[:, None] * (softmax(eta, axis=1) - softmax(allowed, axis=1))
    )
    penalty, slope = prior.penalty(theta)
    return value + penalty, np.where(prior.free, gradient + slope, 0.0)


def curvature(theta: Array, design: Design, prior: Prior, observed: bool = False) -> Array:
    """Return the Hessian over the free coefficients; `observed` takes off what a case of several
    classes leaves open.

    Source: Bishop 2006, eq. 4.110.
    """
    eta = design.sums(theta)
    shares = [(softmax(eta, axis=1), 1.0)]
    if observed and (design.among.sum(axis=1) > 1).any():
        shares.append((softmax(np.where(design.among, eta, -np.inf), axis=1), -1.0))
    places = [np.flatnonzero(row) for row in prior.free]
    offsets = np.cumsum([0, *(len(p) for p in places)])
    result = np.zeros((offsets[-1], offsets[-1]))
    for k in range(len(theta)):
        for m in range(k + 1):
            if not len(places[k]) or not len(places[m]):
                continue
            weight = design.weight * sum(
                sign * p[:, k] * ((k == m) - p[:, m]) for p, sign in shares
            )
            block = design.squares(weight)[np.ix_(places[k], places[m])]
            result[offsets[k] : offsets[k + 1], offsets[m] : offsets[m + 1]] = block
            result[offsets[m] : offsets[m + 1], offsets[k] : offsets[k + 1]] = block.T
    return result + np.diag(prior.precision[prior.free])


def mode(
    design: Design, prior: Prior, start: Array, max_iter: int, tol: float
) -> tuple[Array, int]:
    """Return the coefficients of greatest posterior and the steps it took: Newton's method, the
    step halved until it goes down.
    """
    theta = start.copy()
    value, gradient = loss_and_gradient(theta, design, prior)
    for step in range(max_iter):
        if not prior.free.any() or np.abs(gradient).max() <= tol * max(
            1.0, float(design.weight.sum())
        ):
            return theta, step
        move = np.zeros_like(theta)
        move[prior.free] = _newton(
            gradient[prior.free],
            lambda seen, at=theta: curvature(at, design, prior, seen),  # type: ignore[misc]
        )
        length = 1.0
        while True:
            tried, slope = loss_and_gradient(theta - length * move, design, prior)
            if tried <= value or length < 1e-6:
                break
            length /= 2
        if length < 1e-6 or (
            value - tried <= 1e-14 * abs(value) and np.abs(length * move).max() < 1e-9
        ):
            return theta, step
        theta, value, gradient = theta - length * move, tried, slope
    warnings.warn(
        f"the posterior's mode was not reached in {max_iter} steps: is a precision 0 where the classes part completely?",
        ConvergenceWarning,
        stacklevel=3,
    )
    return theta, max_iter


def _newton(gradient: Array, matrix_of: Callable[[bool], Array]) -> Array:
    """Return the step; where the curvature as observed is not that of a bowl, by the one that
    always is.
    """
    for observed in (True, False):
        matrix = matrix_of(observed)
        matrix[np.diag_indices_from(matrix)] += 1e-10 * max(1.0, float(np.abs(matrix).max()))
        try:
            return np.asarray(linalg.cho_solve(linalg.cho_factor(matrix), gradient))
        except linalg.LinAlgError:
            continue
    return np.asarray(linalg.lstsq(matrix, gradient)[0])


class PriorLogistic(ClassifierMixin, BaseEstimator):
    """Logistic regression, of two classes or more, with a Gaussian prior on each coefficient and
    partial pooling of the sites.

    prior_mean, prior_precision: of the coefficients, a number or an array that broadcasts to
    (class, feature), with two classes also (feature,) for the second class's log-odds; an infinite
    precision pins a coefficient. intercept_mean, intercept_precision: a number or
    one a class. site_precision: 1/variance of the sites' own intercepts [logit-2]: 0 fits each site
    apart, infinity pools them, "evidence" takes the one of PRECISIONS under which the labels are
    likeliest (Bishop 2006, 3.5). slope_precision: the same for the sites' own slopes, a number or
    one a feature. classes: all there are, where labels may lack some; then fewer labels than
    classes, or none, will
    do. indicators: a further column for each feature that says it is missing, prior mean 0.
    moderated: draw the probabilities towards even odds by what is not known of the coefficients.
    A missing feature (NaN) counts as 0: it moves nothing. Give columns of which 0 says nothing.
    """

    def __init__(
        self,
        prior_mean: ArrayLike = 0.0,
        prior_precision: ArrayLike = 1.0,
        intercept_mean: ArrayLike = 0.0,
        intercept_precision: ArrayLike = 0.01,
        site_precision: float | str = "evidence",
        slope_precision: ArrayLike = np.inf,
        classes: Sequence[Any] | None = None,
        indicators: bool = False,
        moderated: bool = False,
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

        sites (case): whose labels they are; None: one place. among (case, class): the classes any
        of which may have been seen; it takes the place of y.
        Raises: ValueError for a class that is not among `classes`, or for one class only where
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
                f"among: expected ({len(cases)}, {len(self.classes_)}) with at least one class allowed in each row"
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
                    part, prior, np.where(prior.free, start, prior.mean), self.max_iter, self.tol
                )
                evidence = _evidence(theta, part, prior) - 0.5 / precision / SPREAD_OF_SITES**2
                start = theta
                if evidence > best:
                    best, self.site_precision_ = evidence, precision
        elif design.local is not None:
            self.site_precision_ = float(self.site_precision)
        kept = prior_for(self.site_precision_)
        self.theta_, self.n_iter_ = mode(
            design, kept, np.where(kept.free, start, kept.mean), self.max_iter, self.tol
        )
        self.n_iter_ = max(self.n_iter_, 1)
        self.free_ = kept.free
        self.covariance_ = _inverse(
            curvature(self.theta_, design, kept, True), lambda: curvature(self.theta_, design, kept)
        )

    def _read_classes(self, y: NDArray[Any]) -> NDArray[np.intp]:
        if self.classes is None:
            check_classification_targets(y)
            self.classes_, codes = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError(
                    f"only one class was seen ({self.classes_[0]!r}): give `classes` to fit with the prior all the same"
                )
            return np.asarray(codes)
        self.classes_ = np.asarray(self.classes)
        match = np.asarray(y)[:, None] == self.classes_[None, :]
        if not match.any(axis=1).all():
            raise ValueError(f"y holds a class that is not among {list(self.classes_)}")
        return np.asarray(match.argmax(axis=1))

    def _columns(self, X: Array) -> Array:
        """Return the common columns: 1, the features with NaN as 0, and the indicators."""
        parts = [np.ones((len(X), 1)), np.nan_to_num(X, nan=0.0)]
        return np.concatenate(
            [*parts, np.isnan(X).astype(float)] if self.indicators else parts, axis=1
        )

    def _slopes(self, features: int) -> Array:
        return np.broadcast_to(np.asarray(self.slope_precision, dtype=float), (features,))

    def _local(self, common: Array, places: NDArray[np.intp] | None) -> sparse.csr_matrix | None:
        """Return the sites' own columns (case, site times (intercept and slopes)); a place of -1
        has none.
        """
        if places is None:
            return None
        kinds, rows = np.array([0, *(1 + self.slope_columns_)]), np.flatnonzero(places >= 0)
        columns = places[rows, None] * len(kinds) + np.arange(len(kinds))
        values, row = common[np.ix_(rows, kinds)].ravel(), np.repeat(rows, len(kinds))
        return sparse.csr_matrix(
            (values, (row, columns.ravel())), shape=(len(common), len(self.sites_) * len(kinds))
        )

    def _prior(self, features: int, common: int, slopes: Array, site_precision: float) -> Prior:
        """Return the prior of all coefficients (class, column); that of a two-class model's first
        sum is pinned to 0.
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
                f"site_precision {self.site_precision!r}: expected a number from 0 to infinity, or 'evidence'"
            )
        if np.isnan(precision).any() or (precision < 0).any():
            raise ValueError("a precision is 1/variance: expected numbers from 0 to infinity")
        return Prior(mean, precision)

    @property
    def coef_(self) -> Array:
        """The common coefficients of the features: (1, feature) for two classes, else (class,
        feature).
        """
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
        asked = np.asarray(sites)
        found = np.minimum(np.searchsorted(self.sites_, asked), len(self.sites_) - 1)
        return columns, np.where(self.sites_[found] == asked, found, -1)

    def log_odds(self, X: ArrayLike, sites: Sequence[Any] | None = None) -> Array:
        """Return the sums eta (case, class) [logit]; a site without labels has no effect of its
        own.
        """
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
        """Return the covariance of the sums (case, class, class) [logit2]; a site without labels
        adds the spread between sites.
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
            added = spread + (columns[np.ix_(new, 1 + self.slope_columns_)] ** 2 * slopes).sum(
                axis=1
            )
            for k in range(1 if classes == 2 else 0, classes):
                result[new, k, k] += added
        return result

    def interval(
        self, X: ArrayLike, sites: Sequence[Any] | None = None, level: float = 0.9
    ) -> Array:
        """Return the bounds (case, class, 2) between which each probability lies by what is known
        of the coefficients.

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


def _evidence(theta: Array, design: Design, prior: Prior) -> float:
    """Return the log likelihood of the labels with the coefficients averaged out, up to a constant.
    Source: Bishop 2006, eq. 4.137.
    """
    value, _ = loss_and_gradient(theta, design, prior)
    proper = prior.precision[prior.free & (prior.precision > 0)]
    sign, logarithm = np.linalg.slogdet(curvature(theta, design, prior, True))
    return float(-value + 0.5 * np.log(proper).sum() - 0.5 * logarithm) if sign > 0 else -np.inf


def _inverse(matrix: Array, otherwise: Any) -> Array:
    """Return the inverse of a positive definite matrix; of `otherwise()`, or a pseudo-inverse,
    where it is not.
    """
    for make in (lambda: matrix, otherwise):
        try:
            return (
                np.asarray(linalg.cho_solve(linalg.cho_factor(make()), np.eye(len(matrix))))
                if len(matrix)
                else matrix
            )
        except linalg.LinAlgError:
            continue
    return np.asarray(linalg.pinvh(otherwise()))
