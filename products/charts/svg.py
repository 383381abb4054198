"""Primitives of a chart: scales, paths and a drawing of SVG that a screen reader can read.

A drawing holds no style: elements carry classes (`templates/static/skyscape.css`, section charts)
and plain presentation attributes. So a chart obeys a Content-Security-Policy without inline styles,
follows the theme, and is readable without a style sheet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup, escape

from products.units import is_whole_day, offset_of_repeated

WIDTH = 360.0  # [px] of every drawing: a phone's column, so that type keeps its size there
LEFT, RIGHT = 38.0, 352.0  # [px] the plot's edges

Given = ParamSpec("Given")
Found = TypeVar("Found")
# what was drawn without words: (prefix, part of the chart) -> its elements, and what it gave
Drawn = dict[tuple[str, str], tuple[list[str], Any]]


class ChartWords(Protocol):
    """Words in the reader's language: a key of templates/text and what fills its blanks."""

    def __call__(self, key: str, /, **blanks: object) -> str: ...

    def percent(self, probability: float) -> str: ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Who a chart is for: words, language and clock; prefix: of the chart's ids on the page.

    drawn: what the same chart in another language drew already (Drawing.once).
    """

    words: ChartWords
    language: str
    zone: ZoneInfo
    prefix: str
    drawn: Drawn = field(default_factory=dict)


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
        at = (moment + timedelta(seconds=30)).astimezone(self.zone)
        offset = offset_of_repeated(at)
        return f"{at.hour:02d}:{at.minute:02d}" + (f" {offset}" if offset else "")

    def span(self, start: datetime, end: datetime, words: ChartWords) -> str:
        """Return a span of time in words; one whole local day is named so."""
        if is_whole_day(start, end, self.zone):
            return words("time.all_day")
        return words("time.span", start=self.label(start), end=self.label(end))

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
    return list(_moments(times.astype("datetime64[ns]").tobytes()))


@lru_cache(maxsize=256)
def _moments(nanoseconds: bytes) -> tuple[datetime, ...]:
    """Return times; kept, as the charts of a run have the same few axes."""
    since_1970 = np.frombuffer(nanoseconds, dtype="int64").tolist()
    return tuple([datetime.fromtimestamp(t / 1e9, UTC) for t in since_1970])


def number(value: float) -> str:
    """Write a coordinate to a tenth of a pixel, shortest form."""
    return f"{value:.1f}".removesuffix(".0")


def breadth(text: str) -> float:
    """Return the approximate width of `text` [px] at the drawing's type size."""
    return sum(12.0 if ord(character) > 0x2E80 else 6.8 for character in text)


def polyline(points: Iterable[tuple[float, float]]) -> str:
    """Return path data through `points`; a point that is not finite breaks the line."""
    line = [part for point in points for part in point]
    if math.isfinite(sum(line)):
        return _written(line)
    runs: list[list[float]] = [[]]
    for x, y in zip(line[::2], line[1::2], strict=True):
        if math.isfinite(x + y):
            runs[-1] += x, y
        elif runs[-1]:
            runs.append([])
    return "".join(map(_written, runs))


def _written(line: list[float]) -> str:
    return (_blanks(len(line) // 2) % tuple(line)).replace(".0", "") if line else ""


@cache
def _blanks(count: int) -> str:
    """Return path data of a line through `count` points, with blanks for all coordinates."""
    return "M%.1f %.1f" + "L%.1f %.1f" * (count - 1)


def box(x: float, y: float, width: float, height: float) -> str:
    """Return path data of a rectangle."""
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z".replace(".0", "")


class Drawing:
    """One chart in the making; coordinates [px] from the upper left corner.

    prefix: of its ids, on a page with many charts. top: where an unused upper margin is cut off.
    width: by default a phone's column. drawn: that of its reader.
    """

    def __init__(
        self,
        height: float,
        prefix: str,
        top: float = 0,
        width: float = WIDTH,
        drawn: Drawn | None = None,
    ) -> None:
        self.top, self.height, self.width, self.prefix = (
            top,
            height,
            width,
            "".join(c if c.isascii() and c.isalnum() else "-" for c in prefix),
        )
        self._parts: list[str] = []
        self._drawn = {} if drawn is None else drawn

    def once(
        self,
        part: str,
        draw: Callable[Concatenate[Drawing, Given], Found],
        *given: Given.args,
        **named: Given.kwargs,
    ) -> Found:
        """Draw a part of the chart that has no words, once for all languages.

        part: its name, its own in the chart. Returns what `draw` returns.
        """
        known = self._drawn.get((self.prefix, part))
        if known is None:
            begin = len(self._parts)
            found = draw(self, *given, **named)
            self._drawn[self.prefix, part] = self._parts[begin:], found
            return found
        self._parts += known[0]
        return cast(Found, known[1])

    @property
    def parts(self) -> tuple[str, ...]:
        """The elements drawn so far, escaped: for a sign in a line of text."""
        return tuple(self._parts)

    def path(self, data: str, classes: str, **attributes: object) -> None:
        if data:
            self._parts.append(f'<path class="{classes}"{_attributes(attributes)} d="{data}"/>')

    def line(self, x1: float, y1: float, x2: float, y2: float, classes: str) -> None:
        self._line(polyline([(x1, y1), (x2, y2)]), classes)

    def curve(self, points: Iterable[tuple[float, float]], classes: str) -> None:
        self._line(polyline(points), classes)

    def _line(self, data: str, classes: str) -> None:
        if data:
            self._parts.append(
                f'<path class="c-line {classes}" fill="none" stroke="currentColor" d="{data}"/>'
            )

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
        at = f'x="{x:.1f}" y="{y:.1f}"'.replace(".0", "")
        self._parts.append(f"<text{named} {at}{place}>{escape(text)}</text>")

    def hatch(self, data: str) -> None:
        """Cover an unknown region with the pattern for it."""
        self.path(data, "c-hatch", fill=f"url(#{self.prefix}-hatch)")

    def no_data(self, x: float, y: float, width: float, height: float, words: ChartWords) -> None:
        """Hatch a whole panel and write that there are no data."""
        self.hatch(box(x, y, width, height))
        self.text(x + width / 2, y + height / 2 + 4, words("chart.no_data"), "c-on-sky", "middle")

    def finish(self, title: str, description: str) -> Markup:
        """Return the chart as one inline <svg> with a title and a description."""
        p, frame = (
            self.prefix,
            f"0 {number(self.top)} {number(self.width)} {number(self.height - self.top)}",
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
