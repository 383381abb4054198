"""What several charts share: series of the evidence, axes, brackets and cloud cover."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import numpy as np

from forecast.domain import Forecast
from products.charts.contours import region, shades
from products.charts.svg import (
    LEFT,
    RIGHT,
    WIDTH,
    ChartWords,
    Drawing,
    Scale,
    TimeScale,
    box,
    breadth,
    moments,
)
from products.evidence import Evidence

# each step paints the cloud a shade denser, so lightness is monotone in cover
CLOUD_STEPS = (0.1, 0.3, 0.5, 0.7, 0.9)


def series(evidence: Evidence | None, name: str, over: str) -> np.ndarray:
    """Return variable `name` along `over`, without the padding; empty where it is absent."""
    # evidence[name] would build a DataArray, which takes longer than drawing it
    held = {} if evidence is None else evidence.variables
    if name not in held or held[name].dims[:1] != (over,) or "time" not in held:
        return np.empty(0)
    valid = ~np.isnat(held["time"].values)
    return np.asarray(held[name].values, dtype=float)[valid]


def times_of(evidence: Evidence | None) -> list[datetime]:
    """Return the times of the evidence, without the padding."""
    if evidence is None or "time" not in evidence:
        return []
    values = evidence.variables["time"].values
    return moments(values[~np.isnat(values)])


def time_axis(drawing: Drawing, scale: TimeScale, y: float, minutes: int) -> None:
    """Draw ticks in local time below `y`, with the labels that fit."""
    drawing.once("times", _times, scale, y, minutes)


def _times(drawing: Drawing, scale: TimeScale, y: float, minutes: int) -> None:
    last = -math.inf
    drawing.line(scale.start, y, scale.end, y, "c-axis")
    for moment in scale.ticks(minutes):
        x = scale(moment)
        drawing.line(x, y, x, y + 4, "c-axis")
        if x - last >= 38 and x <= WIDTH - 16:
            drawing.text(x, y + 16, scale.label(moment), "c-tick", "middle")
            last = x


def value_axis(
    drawing: Drawing,
    scale: Scale,
    values: Iterable[float],
    right: float,
    unit: str,
    factor: float = 1.0,
) -> None:
    """Draw labels left of the plot and lines across it; `factor` turns SI into the shown unit."""
    drawing.once(f"values {scale.start}", _values, scale, values, right, factor)
    drawing.text(LEFT - 5, min(scale.start, scale.end) - 11, unit, "c-tick", "end")


def _values(
    drawing: Drawing, scale: Scale, values: Iterable[float], right: float, factor: float
) -> None:
    for value in values:
        y = scale(value)
        drawing.line(LEFT, y, right, y, "c-grid")
        drawing.text(LEFT - 5, y + 4, f"{value * factor:g}".replace("-", "\u2212"), "c-tick", "end")


def bracket(
    drawing: Drawing, scale: TimeScale, start: datetime, end: datetime, y: float, label: str
) -> None:
    """Mark a span of time above a panel and name it."""
    a, b = scale.clamped(start), scale.clamped(end)
    if b - a < 1:
        return
    drawing.path(box(a, y, b - a, 3), "c-best", fill="currentColor")
    half = breadth(label) / 2
    drawing.text(min(max((a + b) / 2, half), RIGHT - half), y - 4, label, "c-strong", "middle")


def best_blank(forecast: Forecast, scale: TimeScale, words: ChartWords) -> dict[str, object]:
    """Return the blank of every description: the best window in words."""
    best = forecast.best
    text = (
        words("chart.best", span=scale.span(best.start, best.end, words))
        if best
        else words("chart.no_best")
    )
    return {"best": text}


def cloud_regions(drawing: Drawing, x: np.ndarray, y: np.ndarray, cover: np.ndarray) -> None:
    """Paint cover [0-1] as nested regions, each a shade denser; hatch where it is unknown."""
    drawing.once("cloud", _cloud, x, y, cover)


def _cloud(drawing: Drawing, x: np.ndarray, y: np.ndarray, cover: np.ndarray) -> None:
    steps, unknown = _traced(x.tobytes(), y.tobytes(), cover.tobytes())
    for step, data in enumerate(steps, 1):
        drawing.path(
            data,
            f"c-cloud c-cloud-{step}",
            fill="currentColor",
            fill_opacity=".28",
            fill_rule="evenodd",
        )
    drawing.hatch(unknown)


@lru_cache(maxsize=64)
def _traced(x: bytes, y: bytes, cover: bytes) -> tuple[list[str], str]:
    """Return the outlines of the cover steps and of the unknown part.

    Traced once for the events of one morning: they have the same cloud.
    """
    across, up = np.frombuffer(x), np.frombuffer(y)
    values = np.frombuffer(cover).reshape(len(across), len(up))
    unknown = np.isnan(values)
    return shades(across, up, values, CLOUD_STEPS), region(
        across, up, unknown.astype(float), 0.02
    ) if unknown.any() else ""


def mark_best(
    drawing: Drawing, scale: TimeScale, forecast: Forecast, y: float, words: ChartWords
) -> None:
    """Mark the best window of a forecast above a panel, where there is one."""
    if forecast.best:
        start, end = forecast.best.start, forecast.best.end
        label = words("chart.best", span=scale.span(start, end, words))
        bracket(drawing, scale, start, end, y, label)
