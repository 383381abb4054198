"""Posterior of a logistic regression with Gaussian priors: its mode, curvature and evidence.

Each class k has a sum eta_k = theta_k . x [logit]; p = softmax(eta). With two classes the first sum
is 0, which is the ordinary logistic.
Source: Bishop 2006, Pattern Recognition and Machine Learning, 4.3.2-4.3.4 (gradient, Hessian),
4.4-4.5 (Laplace approximation).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.special import logsumexp, softmax
from sklearn.exceptions import ConvergenceWarning

Array = NDArray[np.floating[Any]]

ROUNDING = 1e-14  # [1] of a sum over all cases
CHUNK = 32768  # rows at a time where an intermediate array is as wide as the coefficients


@dataclass(frozen=True)
class Design:
    """Cases of a fit: columns, weights (case), and the classes that each allows (case, class).

    common (case, column): the first column is 1; local (case, column): of the sites, sparse.
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

    @cached_property
    def sure(self) -> NDArray[np.bool_]:
        """Which cases allow one class only (case)."""
        return np.asarray(np.add.reduce(self.by_class.view(np.int8), axis=0) == 1)

    @cached_property
    def by_class(self) -> NDArray[np.bool_]:
        """The classes that the cases allow (class, case)."""
        return np.ascontiguousarray(self.among.T)

    def sums(self, theta: Array) -> Array:
        """Return eta (case, class) for coefficients (class, column)."""
        return self.sums_by_class(theta).T

    def sums_by_class(self, theta: Array) -> Array:
        """Return eta (class, case) for coefficients (class, column)."""
        width = self.common.shape[1]
        eta = np.zeros((len(theta), len(self.common)))
        for row in np.flatnonzero(theta.any(axis=1)):  # of two classes the first is 0
            eta[row] = self.common @ theta[row, :width]
            if self.local is not None:
                eta[row] += self.local @ theta[row, width:]
        return eta

    def products(self, moved: Array, rows: NDArray[np.bool_]) -> Array:
        """Return the sums over the cases of column times `moved` (class, case): (class, column).

        rows (class): those needed, 0 in the others.
        """
        width = self.common.shape[1]
        total = width + (0 if self.local is None else self.local.shape[1])
        result = np.zeros((len(moved), total))
        for row in np.flatnonzero(rows):
            result[row, :width] = moved[row] @ self.common
            if self.local is not None:
                result[row, width:] = self.local.T @ moved[row]
        return result

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
            moved = np.repeat(weight, np.diff(self.local.indptr)) * self.local.data
            of_sites = sparse.csr_matrix(
                (moved, self.local.indices, self.local.indptr), shape=self.local.shape
            ).T
            result[width:, :width] = of_sites @ self.common
            result[width:, width:] = (of_sites @ self.local).toarray()
        result[:width, width:] = result[width:, :width].T
        return result


@dataclass(frozen=True)
class Prior:
    """Mean and precision of each coefficient (class, column).

    An infinite precision fixes the coefficient at its mean.
    """

    mean: Array
    precision: Array

    @property
    def free(self) -> NDArray[np.bool_]:
        return np.isfinite(self.precision)

    def penalty(self, theta: Array) -> tuple[float, Array]:
        """Return half the squared distance from the mean, times the precision, and its gradient."""
        slope = np.where(self.free, self.precision, 0.0) * (theta - self.mean)
        return float(0.5 * (slope * (theta - self.mean)).sum()), slope


def shares_and_losses(eta: Array, design: Design) -> tuple[Array, Array, Array]:
    """Return the classes' shares, those among the allowed ones (class, case), and losses (case).

    The loss of a case [nat] is that of its allowed classes together.
    """
    if len(eta) == 2:  # one exponential, none that overflows
        odds = eta[1] - eta[0]
        small = np.exp(-np.abs(odds))
        upper = 1 / (1 + small)
        lower = small * upper
        share = np.stack([np.where(odds > 0, lower, upper), np.where(odds > 0, upper, lower)])
        loss = np.log1p(small) + np.maximum(np.where(design.by_class[1], -odds, odds), 0.0)
        if design.sure.all():
            return share, design.by_class.astype(float), loss
        allowed = np.where(design.sure, design.by_class, share)
        return share, allowed, np.where(design.sure, loss, 0.0)
    highest = eta.max(axis=0)
    each = np.exp(eta - highest)
    total = each.sum(axis=0)
    share, whole = each / total, highest + np.log(total)
    allowed = design.by_class.astype(float)
    loss = whole - (allowed * eta).sum(axis=0)
    if not design.sure.all():
        rows = np.flatnonzero(~design.sure)
        several = np.where(design.by_class[:, rows], eta[:, rows], -np.inf)
        allowed[:, rows] = softmax(several, axis=0)
        loss[rows] = whole[rows] - logsumexp(several, axis=0)
    return share, allowed, loss


def loss_and_gradient(theta: Array, design: Design, prior: Prior) -> tuple[float, Array]:
    """Return the negative log posterior [nat], up to a constant, and its gradient (class, column).

    theta: coefficients (class, column). A case that allows several classes counts by their joint
    probability.
    Source: Bishop 2006, eqs. 4.108-4.109.
    """
    share, allowed, loss = shares_and_losses(design.sums_by_class(theta), design)
    gradient = design.products(
        design.weight * (share - allowed), np.asarray(prior.free.any(axis=1))
    )
    penalty, slope = prior.penalty(theta)
    return float(design.weight @ loss) + penalty, np.where(prior.free, gradient + slope, 0.0)


def curvature(theta: Array, design: Design, prior: Prior, observed: bool = False) -> Array:
    """Return the Hessian over the free coefficients.

    observed: the exact one, in which a case that allows several classes counts for less; it may not
    be positive definite.
    Source: Bishop 2006, eq. 4.110.
    """
    share, allowed, _ = shares_and_losses(design.sums_by_class(theta), design)
    shares = [(share, 1.0)]
    if observed and not design.sure.all():
        shares.append((allowed, -1.0))
    places = [np.flatnonzero(row) for row in prior.free]
    offsets = np.cumsum([0, *(len(p) for p in places)])
    result = np.zeros((offsets[-1], offsets[-1]))
    for k in range(len(theta)):
        for m in range(k + 1):
            if not len(places[k]) or not len(places[m]):
                continue
            weight = design.weight * sum(sign * p[k] * ((k == m) - p[m]) for p, sign in shares)
            block = design.squares(weight)[np.ix_(places[k], places[m])]
            result[offsets[k] : offsets[k + 1], offsets[m] : offsets[m + 1]] = block
            result[offsets[m] : offsets[m + 1], offsets[k] : offsets[k + 1]] = block.T
    return result + np.diag(prior.precision[prior.free])


def mode(
    design: Design, prior: Prior, start: Array, max_iter: int, tol: float
) -> tuple[Array, int]:
    """Return the coefficients of greatest posterior, and the number of steps.

    Newton's method; a step is halved until the loss decreases.
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
            lambda observed, at=theta: curvature(at, design, prior, observed),  # type: ignore[misc]
        )
        length = 1.0
        while True:
            tried, slope = loss_and_gradient(theta - length * move, design, prior)
            if tried <= value + ROUNDING * abs(value) or length < 1e-6:
                break
            length /= 2
        if length < 1e-6 or (
            value - tried <= ROUNDING * abs(value) and np.abs(length * move).max() < 1e-9
        ):
            return theta, step
        theta, value, gradient = theta - length * move, tried, slope
    warnings.warn(
        f"the posterior's mode was not reached in {max_iter} steps: "
        "is a precision 0 where the classes are completely separated?",
        ConvergenceWarning,
        stacklevel=3,
    )
    return theta, max_iter


def _newton(gradient: Array, matrix_of: Callable[[bool], Array]) -> Array:
    """Return the Newton step; where the observed Hessian is not positive definite, by the other."""
    for observed in (True, False):
        matrix = matrix_of(observed)
        matrix[np.diag_indices_from(matrix)] += 1e-10 * max(1.0, float(np.abs(matrix).max()))
        try:
            return np.asarray(linalg.cho_solve(linalg.cho_factor(matrix), gradient))
        except linalg.LinAlgError:
            continue
    return np.asarray(linalg.lstsq(matrix, gradient)[0])


def evidence(theta: Array, design: Design, prior: Prior) -> float:
    """Return the log marginal likelihood of the labels, up to a constant.

    Source: Bishop 2006, eq. 4.137.
    """
    value, _ = loss_and_gradient(theta, design, prior)
    proper = prior.precision[prior.free & (prior.precision > 0)]
    sign, logarithm = np.linalg.slogdet(curvature(theta, design, prior, True))
    return float(-value + 0.5 * np.log(proper).sum() - 0.5 * logarithm) if sign > 0 else -np.inf


def inverse(matrix: Array, otherwise: Any) -> Array:
    """Return the inverse of a matrix, or of `otherwise()` where it is not positive definite.

    Where neither is: the pseudo-inverse of `otherwise()`.
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
