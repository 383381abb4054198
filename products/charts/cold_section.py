"""The day of snow and cold: new snow, rime or snow making above, temperatures below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from forecast.quantities import (
    FREEZING,
    RIME_STAYS,
    SNOWMAKING_EXCELLENT,
    SNOWMAKING_GOOD,
    SNOWMAKING_STARTS,
)
from products.charts.panel import mark_best, series, time_axis, times_of, value_axis
from products.charts.svg import (
    LEFT,
    RIGHT,
    ChartWords,
    Drawing,
    Reader,
    Scale,
    TimeScale,
    box,
    polyline,
)
from products.evidence import Evidence

TOP, BOTTOM = 44.0, 108.0  # [px] the upper panel
# Wet bulb at most [K]: name in templates/text.
SNOWMAKING = (
    (SNOWMAKING_STARTS, "start"),
    (SNOWMAKING_GOOD, "good"),
    (SNOWMAKING_EXCELLENT, "excellent"),
)


def cold_section(
    forecast: Forecast, evidence: Evidence | None, almanac: Almanac, reader: Reader
) -> Markup | None:
    """Draw the phenomenon above, and temperature and wet bulb against 0 degC below."""
    hours = times_of(evidence)
    if evidence is None or len(hours) < 2 or hours[-1] <= hours[0]:
        return None
    words, right = reader.words, RIGHT - 34
    span = max(b - a for a, b in pairwise(hours))  # the last interval of a day may be shorter
    window = forecast.event.window
    scale = TimeScale(
        min(hours[0], window.start), max(hours[-1], window.end), LEFT, right, reader.zone
    )
    top = 0 if forecast.best else 22
    drawing = Drawing(226, reader.prefix, top, drawn=reader.drawn)
    phenomenon = forecast.event.phenomenon
    if phenomenon == "rime":
        _rime(drawing, scale, evidence, hours, span, words)
    elif phenomenon == "snowmaking":
        _snowmaking(drawing, scale, evidence, hours, span, words)
    else:
        _snow(drawing, scale, evidence, hours, span, words, deep=phenomenon == "snow_cover")
    _temperatures(drawing, scale, evidence, hours, span, words)
    if forecast.best:
        best = forecast.best
        a, b = scale.clamped(best.start), scale.clamped(best.end)
        drawing.path(
            box(a, TOP, b - a, 206 - TOP), "c-band", fill="currentColor", fill_opacity=".1"
        )
    mark_best(drawing, scale, forecast, 20, words)
    time_axis(drawing, scale, 206, 180)
    name = words(f"phenomenon.{phenomenon}.name")
    return drawing.finish(
        words("chart.cold.title", phenomenon=name), words("chart.cold.description", phenomenon=name)
    )


def _steps(most: float, choices: Sequence[float]) -> float:
    """Return the first of `choices` that makes at most three steps up to `most`."""
    return next(
        (step for step in choices if most / step <= 3),
        choices[-1] * math.ceil(most / choices[-1] / 3),
    )


def _panel(drawing: Drawing, scale: TimeScale, label: str) -> None:
    drawing.backdrop(LEFT, TOP, scale.end - LEFT, BOTTOM - TOP, "c-trough", ".05")
    drawing.text(LEFT, TOP - 6, label, "c-note")


def _hatch_unknown(
    drawing: Drawing,
    scale: TimeScale,
    hours: list[datetime],
    known: np.ndarray,
    span: timedelta,
    top: float,
    bottom: float,
) -> None:
    """Hatch the unknown hours of a panel, also before the first and after the last."""
    held = [
        (scale(t - span / 2), scale(t + span / 2))
        for t, there in zip(hours, known, strict=True)
        if there
    ]
    at, gaps = scale.start, ""
    for a, b in [*held, (scale.end, scale.end)]:
        if a - at > (scale(hours[0] + span) - scale(hours[0])) / 2 + 1:
            gaps += box(at, top, a - at, bottom - top)
        at = max(at, b)
    drawing.hatch(gaps)


def _snow(
    drawing: Drawing,
    scale: TimeScale,
    evidence: Evidence,
    hours: list[datetime],
    span: timedelta,
    words: ChartWords,
    deep: bool,
) -> None:
    """Draw new snow by interval as columns, and snow depth as an outline where `deep`."""
    fallen, depth = (
        100 * series(evidence, "new_snow", "hour"),
        100 * series(evidence, "snow_depth", "hour"),
    )
    wet = not np.isfinite(fallen).any()
    if wet:
        fallen = series(evidence, "precipitation", "hour")
    _panel(
        drawing,
        scale,
        words(
            "chart.cold.precipitation"
            if wet
            else "chart.cold.snow_depth"
            if deep
            else "chart.cold.new_snow"
        ),
    )
    shown = [
        values for values in ((depth, fallen) if deep else (fallen,)) if np.isfinite(values).any()
    ]
    if not shown:
        drawing.no_data(LEFT, TOP, scale.end - LEFT, BOTTOM - TOP, words)
        return
    most = max(float(np.nanmax(values)) for values in shown)
    step = _steps(max(most, 0.3), (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50))
    level = Scale(0, step * max(1, math.ceil(most / step - 1e-9)) * 1.15, BOTTOM, TOP)
    value_axis(drawing, level, [k * step for k in range(int(level.high / step) + 1)], scale.end, "")
    if deep and np.isfinite(depth).any():
        points = [
            (scale.clamped(t), level(d))
            for t, d in zip(hours, depth, strict=True)
            if math.isfinite(d)
        ]
        _fill_below(drawing, points, ".18")
        drawing.curve(points, "c-depth-line")
        drawing.text(scale.end + 4, points[-1][1] + 4, words("chart.cold.depth"), "c-tick")
    drawing.once("columns", _columns, scale, level, hours, fallen, span, deep)


def _fill_below(drawing: Drawing, points: Sequence[tuple[float, float]], opacity: str) -> None:
    """Fill the area from a curve down to the bottom of the panel."""
    drawing.path(
        polyline([(points[0][0], BOTTOM), *points, (points[-1][0], BOTTOM)]) + "z",
        "c-depth",
        fill="currentColor",
        fill_opacity=opacity,
    )


def _columns(
    drawing: Drawing,
    scale: TimeScale,
    level: Scale,
    hours: list[datetime],
    fallen: np.ndarray,
    span: timedelta,
    deep: bool,
) -> None:
    """Draw the amount of each interval, which ends at its hour.

    The values are written where they fit, else the greatest alone.
    """
    data, gaps = "", ""
    most = float(np.nanmax(fallen)) if np.isfinite(fallen).any() else 0.0
    begins = [hours[0] - span, *hours[:-1]]
    for begin, moment, amount in zip(begins, hours, fallen, strict=True):
        a, b = scale.clamped(begin), scale.clamped(moment)
        if b - a < 2:
            continue
        if not math.isfinite(amount):
            gaps += box(a, level.end, b - a, level.start - level.end)
        elif amount >= 0.05:
            data += box(a + 1.5, level(amount), b - a - 3, level.start - level(amount))
            if not deep and (b - a >= 26 or amount == most):
                drawing.text((a + b) / 2, level(amount) - 3, f"{amount:.1f}", "c-strong", "middle")
    drawing.path(data, "c-snow", fill="currentColor")
    drawing.hatch(gaps)


def _rime(
    drawing: Drawing,
    scale: TimeScale,
    evidence: Evidence,
    hours: list[datetime],
    span: timedelta,
    words: ChartWords,
) -> None:
    """Draw humidity as a line, cloud at the site as a fill, and the humidity that keeps rime."""
    _panel(drawing, scale, words("chart.cold.moisture"))
    humidity, cloud = (
        series(evidence, "humidity", "hour"),
        series(evidence, "cloud_at_site", "hour"),
    )
    level = Scale(0, 1, BOTTOM, TOP)
    if not (np.isfinite(humidity).any() or np.isfinite(cloud).any()):
        drawing.no_data(LEFT, TOP, scale.end - LEFT, BOTTOM - TOP, words)
        return
    value_axis(drawing, level, (0.0, 0.5, 1.0), scale.end, "", 100)
    there = [np.isfinite(values) for values in (humidity, cloud) if len(values) == len(hours)]
    known = np.logical_or.reduce(there)
    drawing.once(f"unknown {TOP}", _hatch_unknown, scale, hours, known, span, TOP, BOTTOM)
    if np.isfinite(cloud).any():
        points = [
            (scale(t), level(min(c, 1)))
            for t, c in zip(hours, cloud, strict=True)
            if math.isfinite(c)
        ]
        _fill_below(drawing, points, ".25")
        drawing.text(
            scale.end + 4, min(points[-1][1] + 12, BOTTOM), words("chart.cold.cloud"), "c-tick"
        )
    if np.isfinite(humidity).any():
        drawing.curve(
            [(scale(t), level(min(h, 1))) for t, h in zip(hours, humidity, strict=True)],
            "c-wet-bulb",
        )
        drawing.line(LEFT, level(RIME_STAYS), scale.end, level(RIME_STAYS), "c-threshold")
        last = humidity[np.isfinite(humidity)][-1]
        drawing.text(scale.end + 4, level(min(last, 1)) + 2, words("chart.cold.humidity"), "c-tick")


def _snowmaking(
    drawing: Drawing,
    scale: TimeScale,
    evidence: Evidence,
    hours: list[datetime],
    span: timedelta,
    words: ChartWords,
) -> None:
    """Draw the suitability for snow making by the hour: one to three steps, by wet bulb."""
    _panel(drawing, scale, words("chart.cold.snowmaking"))
    wet_bulb = series(evidence, "wet_bulb", "hour")
    if not np.isfinite(wet_bulb).any():
        drawing.no_data(LEFT, TOP, scale.end - LEFT, BOTTOM - TOP, words)
        return
    known = np.isfinite(wet_bulb)
    drawing.once(f"unknown {TOP}", _hatch_unknown, scale, hours, known, span, TOP, BOTTOM)
    third = (BOTTOM - TOP) / len(SNOWMAKING)
    for row, (limit, name) in enumerate(SNOWMAKING):
        y = BOTTOM - (row + 1) * third
        cells = "".join(
            box(
                scale.clamped(t - span / 2),
                y + 2,
                scale.clamped(t + span / 2) - scale.clamped(t - span / 2) - 0.8,
                third - 4,
            )
            for t, value in zip(hours, wet_bulb, strict=True)
            if value <= limit
        )
        drawing.text(
            LEFT - 5, y + third / 2 + 4, f"\u2264\u2212{FREEZING - limit:.3g}", "c-tick", "end"
        )
        drawing.text(scale.end + 4, y + third / 2 + 4, words(f"chart.cold.{name}"), "c-tick")
        drawing.path(
            cells,
            f"c-snow c-snow-{row + 1}",
            fill="currentColor",
            fill_opacity=f"{0.4 + 0.25 * row:g}",
        )


def _temperatures(
    drawing: Drawing,
    scale: TimeScale,
    evidence: Evidence,
    hours: list[datetime],
    span: timedelta,
    words: ChartWords,
) -> None:
    """Draw temperature and wet bulb [degC] with the line of 0 degC, each named at its end."""
    top, bottom = 134.0, 206.0
    drawing.text(LEFT, top - 6, words("chart.cold.temperatures"), "c-note")
    lines = {
        name: series(evidence, name, "hour") - FREEZING for name in ("temperature", "wet_bulb")
    }
    lines = {name: values for name, values in lines.items() if np.isfinite(values).any()}
    if not lines:
        drawing.no_data(LEFT, top, scale.end - LEFT, bottom - top, words)
        return
    low, high = (
        float(f([f(values[np.isfinite(values)]) for values in lines.values()]))
        for f in (np.min, np.max)
    )
    step = _steps(max(high, 1) - min(low, -1), (1, 2, 5, 10, 20))
    level = Scale(
        step * math.floor(min(low, -0.5) / step),
        step * math.ceil(max(high, 0.5) / step),
        bottom,
        top,
    )
    value_axis(
        drawing, level, np.arange(level.low, level.high + step / 2, step).tolist(), scale.end, ""
    )
    known = np.logical_or.reduce([np.isfinite(values) for values in lines.values()])
    drawing.once(f"unknown {top}", _hatch_unknown, scale, hours, known, span, top, bottom)
    drawing.line(LEFT, level(0), scale.end, level(0), "c-zero")
    ends: list[float] = []
    for name, values in lines.items():
        drawing.curve(
            [(scale(t), level(v)) for t, v in zip(hours, values, strict=True)],
            f"c-{name.replace('_', '-')}",
        )
        y = level(values[np.isfinite(values)][-1]) + 4
        if ends and abs(y - ends[0]) < 13:
            y = ends[0] + (13 if y >= ends[0] else -13)
        ends.append(y)
        drawing.text(scale.end + 4, y, words(f"chart.cold.{name}"), "c-tick")
