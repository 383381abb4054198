"""Outlines of shaded regions: marching squares over a field, written as path data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

# Which edges of a cell (0 south, 1 east, 2 north, 3 west) an outline joins, by which corners lie
# inside (1 SW, 2 SE, 4 NE, 8 NW); the inside stays on the left; -1: no second outline. 5 and 10 are
# saddles, 16 and 17 the same where the middle lies inside.
_CROSSINGS = np.array([
    (-1, -1, -1, -1), (0, 3, -1, -1), (1, 0, -1, -1), (1, 3, -1, -1), (2, 1, -1, -1), (0, 3, 2, 1),
    (2, 0, -1, -1), (2, 3, -1, -1),
    (3, 2, -1, -1), (0, 2, -1, -1), (1, 0, 3, 2), (1, 2, -1, -1), (3, 1, -1, -1), (0, 1, -1, -1),
    (3, 0, -1, -1), (-1, -1, -1, -1),
    (0, 1, 2, 3), (3, 0, 1, 2),
])  # fmt: skip


def region(x: np.ndarray, y: np.ndarray, values: np.ndarray, threshold: float) -> str:
    """Return path data (even-odd) of where `values` reach `threshold`; see `regions`."""
    return regions(x, y, values, (threshold,))[0]


def regions(
    x: np.ndarray,
    y: np.ndarray,
    values: np.ndarray,
    thresholds: Sequence[float],
    smallest: float = 4.0,
) -> list[str]:
    """Return path data (even-odd) of where `values` reach each threshold, by marching squares.

    x (n), y (m) [px]; values (n, m): NaN counts as below. Islands of less than `smallest` [px2] are
    left out. Why outlines and not cells: they are smooth and take a tenth of the bytes.
    """
    x, y = (np.concatenate((axis[:1], axis, axis[-1:])).astype(float) for axis in (x, y))
    framed = np.full((len(x), len(y)), -1e9)
    framed[1:-1, 1:-1] = np.where(np.isnan(values), -1e9, values)
    field = framed - np.asarray(thresholds, dtype=float)[:, None, None]  # (threshold, n, m)
    field[field == 0] = 1e-9
    edges, follows = _pieces(field)
    corner, upright = np.divmod(edges, 2)
    level, i, j = np.unravel_index(corner, field.shape)
    k, m = i + 1 - upright, j + upright
    here = field[level, i, j]
    part = here / (here - field[level, k, m])
    points = np.column_stack((x[i] + part * (x[k] - x[i]), y[j] + part * (y[m] - y[j])))
    order, lengths = _walks(follows)
    written = _written(np.round(10 * points[order]).astype(int), lengths, smallest)
    owners = level[order[np.cumsum(lengths) - lengths]].tolist()
    return [
        "".join(loop for loop, owner in zip(written, owners, strict=True) if owner == k)
        for k in range(len(thresholds))
    ]


def _pieces(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the edges where pieces of outline begin, and for each the position of its end edge.

    field (threshold, n, m). An edge is named by twice the flat index of its first corner, plus 1
    where it runs along m.
    """
    inside = (field > 0).astype(np.int8)
    code = (
        inside[:, :-1, :-1]
        + 2 * inside[:, 1:, :-1]
        + 4 * inside[:, 1:, 1:]
        + 8 * inside[:, :-1, 1:]
    )
    level, i, j = np.nonzero((code > 0) & (code < 15))
    case = code[level, i, j]
    for at in np.flatnonzero((case == 5) | (case == 10)):
        if field[level[at], i[at] : i[at] + 2, j[at] : j[at] + 2].mean() > 0:
            case[at] = 16 if case[at] == 5 else 17
    _, n, m = field.shape
    # from the cell's own corner to its south, east, north, west edge; the last stands for -1
    shift = np.array([0, 2 * m + 1, 2, 1, 0])
    joined = _CROSSINGS[case]
    named = (2 * ((level * n + i) * m + j)[:, None] + shift[joined]).reshape(-1, 2)
    begin, end = named[joined.reshape(-1, 2)[:, 0] >= 0].T
    rank = np.argsort(begin)
    return begin, rank[np.searchsorted(begin, end, sorter=rank)]


def _walks(follows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the closed walks through `follows`, one after another, and their lengths."""
    ahead = follows.tolist()
    order: list[int] = []
    lengths: list[int] = []
    for first in range(len(ahead) - 1, -1, -1):
        at, begun = first, len(order)
        while ahead[at] >= 0:
            order.append(at)
            ahead[at], at = -1, ahead[at]
        if len(order) > begun:
            lengths.append(len(order) - begun)
    return np.array(order, dtype=int), np.array(lengths, dtype=int)


def _written(points: np.ndarray, lengths: np.ndarray, smallest: float) -> list[str]:
    """Write closed outlines, given one after another in tenths of a pixel; small ones are empty.

    Repeated points and points on a straight line are left out.
    """
    before, _ = _neighbours(lengths)
    points, lengths = _kept(points, lengths, (points != points[before]).any(axis=1), 0)
    before, after = _neighbours(lengths)
    (ax, ay), (bx, by) = (points - points[before]).T, (points[after] - points).T
    points, lengths = _kept(points, lengths, np.abs(ax * by - ay * bx) > 6, 3)  # [0.01 px2]
    _, after = _neighbours(lengths)
    (x, y), (u, v) = points.T, points[after].T
    area = (
        np.abs(
            np.bincount(np.repeat(np.arange(len(lengths)), lengths), x * v - y * u, len(lengths))
        )
        / 200
    )
    steps = [
        f"l{_tenths(dx)} {_tenths(dy)}"
        for dx, dy in zip((u - x).tolist(), (v - y).tolist(), strict=True)
    ]
    starts = (np.cumsum(lengths) - lengths).tolist()
    return [
        f"M{x[a] / 10:g} {y[a] / 10:g}{''.join(steps[a : a + n - 1])}z"
        if n >= 3 and enclosed >= smallest
        else ""
        for a, n, enclosed in zip(starts, lengths.tolist(), area.tolist(), strict=True)
    ]


def _neighbours(lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each point of the closed outlines the positions of the points before and after."""
    place = np.arange(lengths.sum())
    last = np.cumsum(lengths)[lengths > 0] - 1
    first = last + 1 - lengths[lengths > 0]
    before, after = place - 1, place + 1
    before[first], after[last] = last, first
    return before, after


def _kept(
    points: np.ndarray, lengths: np.ndarray, keep: np.ndarray, fewest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep some points of each outline, or all where fewer than `fewest` would stay."""
    owner = np.repeat(np.arange(len(lengths)), lengths)
    keep = keep | (np.bincount(owner, keep, len(lengths)) < fewest)[owner]
    return points[keep], np.bincount(owner, keep, len(lengths)).astype(int)


def shades(
    x: np.ndarray,
    y: np.ndarray,
    values: np.ndarray,
    thresholds: Sequence[float],
    limit: int = 14_000,
) -> list[str]:
    """Return path data of the nested regions that reach each threshold.

    They have at most about `limit` characters together: a field too rough for that is drawn from
    means over twice the spacing, and so on, which is not visible at this size.
    """
    while True:
        paths = regions(x, y, values, thresholds)
        if sum(map(len, paths)) <= limit or min(values.shape) < 4:
            return paths
        n, m = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
        values = values[:n, :m].reshape(n // 2, 2, m // 2, 2).mean(axis=(1, 3))
        x, y = x[:n].reshape(-1, 2).mean(axis=1), y[:m].reshape(-1, 2).mean(axis=1)


@cache
def _tenths(count: int) -> str:
    """Write a number of tenths of a pixel; cached, as paths repeat the small ones."""
    return f"{count / 10:g}"
