"""Primitives of a chart: scales, paths and a sheet of SVG that a screen reader can read.

A sheet holds no style: elements carry classes (`templates/static/skyscape.css`, section charts) and
plain presentation attributes. So a chart obeys a Content-Security-Policy without inline styles,
follows the theme, and is readable without a style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup, escape

WIDTH = 360.0  # [px] of every sheet: a phone's column, so that type keeps its size there
LEFT, RIGHT = 38.0, 352.0  # [px] the plot's edges


class Words(Protocol):
    """Words in the reader's language: a key of templates/text and what fills its blanks."""

    def __call__(self, key: str, /, **blanks: object) -> str: ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a chart is for: words, language and clock; prefix: of the chart's ids on the page."""

    words: Words
    language: str
    zone: ZoneInfo
    prefix: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale: the value `low` is at pixel `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return float(
            self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
        )

    def clamped(self, value: float) -> float:
        return self(min(max(value, self.low), self.high))

    def array(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(
            self.start + (values - self.low) / (self.high - self.low) * (self.end - self.start),
            dtype=float,
        )


@dataclass(frozen=True, slots=True)
class TimeScale:
    """A scale of time, labelled in the reader's zone."""

    low: datetime
    high: datetime
    start: float
    end: float
    zone: ZoneInfo

    def __call__(self, moment: datetime) -> float:
        return self.start + (moment - self.low) / (self.high - self.low) * (self.end - self.start)

    def holds(self, moment: datetime | None) -> bool:
        return moment is not None and self.low <= moment <= self.high

    def clamped(self, moment: datetime) -> float:
        return self(min(max(moment, self.low), self.high))

    def label(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone) + timedelta(seconds=30):%H:%M}"

    def ticks(self, minutes: int) -> Iterable[datetime]:
        """Yield the local times that are whole multiples of `minutes` after midnight."""
        local = self.low.astimezone(self.zone).replace(second=0, microsecond=0)
        past = (local.hour * 60 + local.minute) % minutes
        moment = (local - timedelta(minutes=past)).astimezone(UTC)
        while moment <= self.high:
            if moment >= self.low:
                yield moment
            moment += timedelta(minutes=minutes)


def moments(times: np.ndarray) -> list[datetime]:
    """Return numpy times, none of them NaT, as aware UTC times."""
    return [
        datetime.fromtimestamp(float(t) / 1e9, UTC)
        for t in times.astype("datetime64[ns]").astype("int64")
    ]


def number(value: float) -> str:
    """Write a coordinate to a tenth of a pixel, shortest form."""
    return f"{value:.1f}".removesuffix(".0")


@cache
def _tenths(count: int) -> str:
    """Write a number of tenths of a pixel; cached, as paths repeat the small ones."""
    return f"{count / 10:g}"


def breadth(text: str) -> float:
    """Return the approximate width of `text` [px] at the sheet's type size."""
    return sum(12.0 if ord(character) > 0x2E80 else 6.8 for character in text)


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """Return path data through `points`; a point that is not finite breaks the line."""
    runs: list[list[float]] = [[]]
    for x, y in points:
        if math.isfinite(x + y):
            runs[-1] += x, y
        elif runs[-1]:
            runs.append([])
    return "".join([_blanks(len(run) // 2) % tuple(run) for run in runs if run]).replace(".0", "")


@cache
def _blanks(count: int) -> str:
    """Return path data of a line through `count` points, with blanks for all coordinates."""
    return "M%.1f %.1f" + "L%.1f %.1f" * (count - 1)


def box(x: float, y: float, width: float, height: float) -> str:
    """Return path data of a rectangle."""
    return f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"


class Sheet:
    """One chart in the making; coordinates [px] from the upper left corner.

    prefix: of its ids, on a page with many charts. top: where an unused upper margin is cut off.
    """

    def __init__(self, height: float, prefix: str, top: float = 0) -> None:
        self.top, self.height, self.prefix = (
            top,
            height,
            "".join(c if c.isascii() and c.isalnum() else "-" for c in prefix),
        )
        self._parts: list[str] = []

    @property
    def parts(self) -> tuple[str, ...]:
        """The elements drawn so far, escaped: for a sign in a line of text."""
        return tuple(self._parts)

    def path(self, data: str, classes: str, **attributes: object) -> None:
        if data:
            self._parts.append(f'<path class="{classes}"{_attributes(attributes)} d="{data}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, classes: str) -> None:
        self.path(
            polyline([(x1, y1), (x2, y2)]), f"c-line {classes}", fill="none", stroke="currentColor"
        )

    def curve(self, points: Iterable[tuple[float, float]], classes: str) -> None:
        self.path(polyline(points), f"c-line {classes}", fill="none", stroke="currentColor")

    def rect(
        self, x: float, y: float, width: float, height: float, classes: str, **attributes: object
    ) -> None:
        numbers = (
            f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
        )
        self._parts.append(f'<rect class="{classes}" {numbers}{_attributes(attributes)}/>')

    def backdrop(
        self, x: float, y: float, width: float, height: float, classes: str, opacity: str = ".08"
    ) -> None:
        """Fill the background of a panel."""
        self.rect(x, y, width, height, classes, fill="currentColor", fill_opacity=opacity)

    def dot(self, x: float, y: float, radius: float, classes: str, **attributes: object) -> None:
        self._parts.append(
            f'<circle class="{classes}" cx="{number(x)}" cy="{number(y)}" r="{number(radius)}"'
            f"{_attributes(attributes)}/>"
        )

    def text(self, x: float, y: float, text: str, classes: str = "", anchor: str = "start") -> None:
        named = f' class="{classes}"' if classes else ""
        place = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self._parts.append(
            f'<text{named} x="{number(x)}" y="{number(y)}"{place}>{escape(text)}</text>'
        )

    def hatch(self, data: str) -> None:
        """Cover an unknown region with the pattern for it."""
        self.path(data, "c-hatch", fill=f"url(#{self.prefix}-hatch)")

    def no_data(self, x: float, y: float, width: float, height: float, words: Words) -> None:
        """Hatch a whole panel and write that there are no data."""
        self.hatch(box(x, y, width, height))
        self.text(x + width / 2, y + height / 2 + 4, words("chart.no_data"), "c-on-sky", "middle")

    def finish(self, title: str, description: str) -> Markup:
        """Return the chart as one inline <svg> with a title and a description."""
        p, frame = (
            self.prefix,
            f"0 {number(self.top)} {number(WIDTH)} {number(self.height - self.top)}",
        )
        hatch = (
            f'<pattern id="{p}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
            'patternTransform="rotate(45)"><path class="c-hatching" d="M0 0v6" '
            'stroke="currentColor" stroke-opacity=".5" stroke-width="1.4"/></pattern>'
        )
        defs = f"<defs>{hatch}</defs>" if f"url(#{p}-hatch)" in "".join(self._parts) else ""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="c-chart" viewBox="{frame}" '
            f'width="100%" role="img" aria-labelledby="{p}-title {p}-desc" font-size="12" '
            f'fill="currentColor">'
            f'<title id="{p}-title">{escape(title)}</title>'
            f'<desc id="{p}-desc">{escape(description)}</desc>'
        )
        return Markup(head + defs + "".join(self._parts) + "</svg>")  # noqa: S704


def _attributes(attributes: dict[str, object]) -> str:
    return "".join([_attribute(name, str(value)) for name, value in attributes.items()])


@lru_cache(maxsize=4096)
def _attribute(name: str, value: str) -> str:
    """Return one attribute; cached, as charts repeat the same few."""
    return f' {name.replace("_", "-")}="{escape(value)}"'


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
    """Return path data (even-odd) of where `values` reach each of `thresholds`, by marching squares
    over all of them at once.

    x (n), y (m) [px]; values (n, m): NaN counts as below. Islands of less than `smallest` [px2] are
    left out.
    Why outlines and not cells: a smooth field takes a tenth of the bytes and looks as smooth as it
    is.
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
    """Return the edges at which a piece of outline begins, and for each its place in this list of
    the edge at which the piece ends.

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
    """Return the closed walks through `follows`, one after another, and how long each is."""
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
    """Write closed outlines, given one after another in tenths of a pixel; small ones come back
    empty.

    Points that repeat or go straight on are left out.
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
    """Return for each point of the closed outlines the place of the one before it and of the one
    after.
    """
    place = np.arange(lengths.sum())
    last = np.cumsum(lengths)[lengths > 0] - 1
    first = last + 1 - lengths[lengths > 0]
    before, after = place - 1, place + 1
    before[first], after[last] = last, first
    return before, after


def _kept(
    points: np.ndarray, lengths: np.ndarray, keep: np.ndarray, fewest: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep some points of each outline, or all of an outline of which fewer than `fewest` would
    stay.
    """
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
    """Return path data of the nested regions that reach each threshold, together at most about
    `limit` characters.

    A field too rough for that is drawn from means over twice the spacing, and so on: what is lost
    could not be seen at this size.
    """
    while True:
        paths = regions(x, y, values, thresholds)
        if sum(map(len, paths)) <= limit or min(values.shape) < 4:
            return paths
        n, m = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
        values = values[:n, :m].reshape(n // 2, 2, m // 2, 2).mean(axis=(1, 3))
        x, y = x[:n].reshape(-1, 2).mean(axis=1), y[:m].reshape(-1, 2).mean(axis=1)
