"""The section of cloud by height and time over a dawn, for the sea of clouds."""

from __future__ import annotations

import math

import numpy as np
from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from forecast.quantities import DECK_COVER
from products.charts.panel import (
    best_blank,
    bracket,
    cloud_regions,
    series,
    time_axis,
    times_of,
    value_axis,
)
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

# [m] a section reaches at least so high, and so far over the base of a deck above the viewer
LEAST_TOP, OVER_A_BASE = 4000.0, 1000.0
WIDE_STEPS_FROM = 6000.0  # [m] a section that reaches higher has a label every 2 km


def height_section(
    forecast: Forecast, evidence: Evidence | None, almanac: Almanac, reader: Reader
) -> Markup | None:
    """Draw cloud by time and height, the site and its valley, and how full the valleys are.

    None without times or heights.
    """
    words = reader.words
    hours = times_of(evidence)
    if (
        evidence is None
        or len(hours) < 2
        or hours[-1] <= hours[0]
        or "height" not in evidence
        or evidence.variables["height"].size < 2
    ):
        return None
    site, right = forecast.event.site, 306.0
    height = np.asarray(evidence.variables["height"].values, dtype=float)
    scale = TimeScale(hours[0], hours[-1], LEFT, right, reader.zone)
    cover = series(evidence, "cloud", "hour")
    humidity = series(evidence, "relative_humidity", "hour")
    shown = height <= _top(height, cover, site.elevation)
    height = height[shown]
    cover, humidity = (v[:, shown] if v.size else v for v in (cover, humidity))
    level = Scale(float(height[0]), max(float(height[-1]), site.elevation + 300), 196, 26)
    filled = series(evidence, "valley_area_filled", "hour")
    drawing = Drawing(248 if filled.size else 218, reader.prefix, drawn=reader.drawn)
    x, y = np.array([scale(moment) for moment in hours]), level.array(height)
    drawing.backdrop(LEFT, level.end, RIGHT - LEFT, level.start - level.end, "c-sky")
    if np.isfinite(cover).any():
        cloud_regions(drawing, x, y, cover)
    elif np.isfinite(humidity).any():
        cloud_regions(drawing, x, y, np.clip((humidity - 0.7) / 0.3, 0, 1))
        drawing.text(
            right - 4, level.end + 14, words("chart.height.from_humidity"), "c-on-sky", "end"
        )
    else:
        drawing.no_data(LEFT, level.end, right - LEFT, level.start - level.end, words)
    _mountain(drawing, level, right, forecast, words)
    step = 1000 if level.high <= WIDE_STEPS_FROM else 2000
    ticks = np.arange(math.ceil(level.low / step) * step, level.high + 1, step)
    value_axis(drawing, level, [float(t) for t in ticks], LEFT, words("chart.unit.metre"))
    _dawn(drawing, scale, level, forecast, almanac, words)
    if filled.size:
        _valleys(drawing, scale, x, filled, words)
    time_axis(drawing, scale, level.start + 30 if filled.size else level.start, 120)
    blanks = {"site": site.name.in_language(reader.language), "elevation": round(site.elevation)}
    return drawing.finish(
        words("chart.height.title"),
        words("chart.height.description", **blanks, **best_blank(forecast, scale, words)),
    )


def _top(height: np.ndarray, cover: np.ndarray, site: float) -> float:
    """Return the height [m] up to which the section is drawn: above the base of a higher deck."""
    if not cover.size:
        return LEAST_TOP
    decked = np.fmax.reduce(cover, axis=0) >= DECK_COVER
    bases = height[decked & ~np.concatenate([[False], decked[:-1]]) & (height > site)]
    return (
        max(LEAST_TOP, min(float(bases[0]) + OVER_A_BASE, float(height[-1])))
        if bases.size
        else LEAST_TOP
    )


def _valleys(
    drawing: Drawing, scale: TimeScale, x: np.ndarray, filled: np.ndarray, words: ChartWords
) -> None:
    """Draw the part of the ground below the site that cloud covers, by the hour."""
    share = Scale(0, 1, 226, 207)
    drawing.backdrop(LEFT, share.end, scale.end - LEFT, share.start - share.end, "c-sky")
    known = np.isfinite(filled)
    if not known.any():
        drawing.no_data(LEFT, share.end, scale.end - LEFT, share.start - share.end, words)
        return
    drawing.once("valleys", _filled, share, x, filled, known)
    drawing.text(LEFT - 5, share.end + 8, "100%", "c-tick", "end")
    drawing.text(
        scale.end + 4, (share.start + share.end) / 2 + 4, words("chart.height.filled"), "c-tick"
    )


def _filled(
    drawing: Drawing, share: Scale, x: np.ndarray, filled: np.ndarray, known: np.ndarray
) -> None:
    for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(known)) + 1):
        if known[run[0]] and len(run) > 1:
            points = [(float(a), share(float(v))) for a, v in zip(x[run], filled[run], strict=True)]
            drawing.path(
                polyline([(points[0][0], share.start), *points, (points[-1][0], share.start)])
                + "z",
                "c-column",
                fill="currentColor",
                fill_opacity=".5",
            )
        elif not known[run[0]]:
            left, end = float(x[max(run[0] - 1, 0)]), float(x[min(run[-1] + 1, len(x) - 1)])
            drawing.hatch(box(left, share.end, end - left, share.start - share.end))


def _mountain(
    drawing: Drawing, level: Scale, right: float, forecast: Forecast, words: ChartWords
) -> None:
    """Draw the valley floor, the mountain at the right, and the viewer's height across."""
    site = forecast.event.site
    summit, floor = level.clamped(site.elevation), level.clamped(site.valley_elevation)
    drawing.path(
        box(LEFT, floor, RIGHT - LEFT, level.start - floor),
        "c-ground",
        fill="currentColor",
        fill_opacity=".6",
    )
    width = RIGHT - right
    ridge = [
        (right - 12, floor),
        (right + 0.3 * width, summit + 0.45 * (floor - summit)),
        (right + 0.62 * width, summit),
        (RIGHT, summit + 0.35 * (floor - summit)),
        (RIGHT, floor),
    ]
    drawing.path(polyline(ridge) + "z", "c-ground", fill="currentColor", fill_opacity=".6")
    drawing.line(LEFT, summit, right + 0.62 * width, summit, "c-site")
    drawing.dot(right + 0.62 * width, summit - 3, 3, "c-viewer", fill="currentColor")
    drawing.text(
        LEFT + 5,
        summit - 5,
        words("chart.height.site", metres=round(site.elevation)),
        "c-on-sky c-strong",
    )
    valley = words("chart.height.valley", metres=round(site.valley_elevation))
    drawing.text(
        LEFT + 5, level.start - 4 if level.start - floor >= 15 else floor - 4, valley, "c-on-sky"
    )


def _dawn(
    drawing: Drawing,
    scale: TimeScale,
    level: Scale,
    forecast: Forecast,
    almanac: Almanac,
    words: ChartWords,
) -> None:
    """Mark the sunrise and the best window, or else the window of the event."""
    best = forecast.best or forecast.event.window
    key = "chart.best" if forecast.best else "chart.window"
    bracket(
        drawing,
        scale,
        best.start,
        best.end,
        level.end - 5,
        words(key, span=scale.span(best.start, best.end, words)),
    )
    sunrise = forecast.event.centre or almanac.sunrise
    if sunrise is not None and scale.holds(sunrise):
        drawing.line(scale(sunrise), level.end, scale(sunrise), level.start, "c-sun")
        drawing.text(
            scale(sunrise) - 4,
            level.end + 14,
            words("chart.sunrise", time=scale.label(sunrise)),
            "c-on-sky",
            "end",
        )
