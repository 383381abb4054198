"""Sections through the sky: cloud by height over a dawn, the light path along the sun's azimuth;
and what every drawing shares.

Each draws what is there, hatches what is not and never fails for a gap: a panel without data says
so in its own place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import numpy as np
import xarray as xr
from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from forecast.quantities import DECK_COVER
from products.charts.svg import (
    LEFT,
    RIGHT,
    WIDTH,
    Reader,
    Scale,
    Sheet,
    TimeScale,
    Words,
    box,
    breadth,
    moments,
    polyline,
    region,
    shades,
)

# [m] a section reaches at least so high, and so far over the base of a deck above the viewer
LEAST_TOP, OVER_A_BASE = 4000.0, 1000.0
WIDE_STEPS_FROM = 6000.0  # [m] a section that reaches higher has a label every 2 km
# each step paints the cloud a shade denser, so lightness is monotone in cover
CLOUD_STEPS = (0.1, 0.3, 0.5, 0.7, 0.9)


def series(evidence: xr.Dataset | None, name: str, over: str) -> np.ndarray:
    """Return variable `name` along `over` as floats at the moments that are times, empty where it
    is absent.
    """
    # not evidence[name]: building a DataArray takes longer than drawing it
    held = {} if evidence is None else evidence.variables
    if name not in held or held[name].dims[:1] != (over,) or "time" not in held:
        return np.empty(0)
    valid = ~np.isnat(held["time"].values)
    return np.asarray(held[name].values, dtype=float)[valid]


def times_of(evidence: xr.Dataset | None) -> list[datetime]:
    """Return the moments of the evidence, without its padding."""
    if evidence is None or "time" not in evidence:
        return []
    values = evidence.variables["time"].values
    return moments(values[~np.isnat(values)])


def time_axis(sheet: Sheet, scale: TimeScale, y: float, minutes: int) -> None:
    """Draw ticks in local time below `y`, with the labels that have room."""
    last = -math.inf
    sheet.line(scale.start, y, scale.end, y, "c-axis")
    for moment in scale.ticks(minutes):
        x = scale(moment)
        sheet.line(x, y, x, y + 4, "c-axis")
        if x - last >= 38 and x <= WIDTH - 16:
            sheet.text(x, y + 16, scale.label(moment), "c-tick", "middle")
            last = x


def value_axis(
    sheet: Sheet,
    scale: Scale,
    values: Iterable[float],
    right: float,
    unit: str,
    factor: float = 1.0,
) -> None:
    """Draw labels left of the plot and hairlines across it; `factor` turns SI into the unit shown."""
    for value in values:
        y = scale(value)
        sheet.line(LEFT, y, right, y, "c-grid")
        sheet.text(LEFT - 5, y + 4, f"{value * factor:g}".replace("-", "\u2212"), "c-tick", "end")
    sheet.text(LEFT - 5, min(scale.start, scale.end) - 11, unit, "c-tick", "end")


def bracket(
    sheet: Sheet, scale: TimeScale, start: datetime, end: datetime, y: float, label: str
) -> None:
    """Mark a span of time above a panel and name it."""
    a, b = scale.clamped(start), scale.clamped(end)
    if b - a < 1:
        return
    sheet.path(box(a, y, b - a, 3), "c-best", fill="currentColor")
    half = breadth(label) / 2
    sheet.text(min(max((a + b) / 2, half), RIGHT - half), y - 4, label, "c-strong", "middle")


def spoken(forecast: Forecast, scale: TimeScale, words: Words) -> dict[str, object]:
    """What a description says of every forecast: the best window, in words."""
    best = forecast.best
    said = (
        words("chart.best", start=scale.label(best.start), end=scale.label(best.end))
        if best
        else words("chart.no_best")
    )
    return {"best": said}


def cloud_regions(sheet: Sheet, x: np.ndarray, y: np.ndarray, cover: np.ndarray) -> None:
    """Paint cover (0-1) as nested regions, each a shade denser; hatch where it is not known."""
    steps, unknown = _traced(x.tobytes(), y.tobytes(), cover.tobytes())
    for step, data in enumerate(steps, 1):
        sheet.path(
            data,
            f"c-cloud c-cloud-{step}",
            fill="currentColor",
            fill_opacity=".28",
            fill_rule="evenodd",
        )
    sheet.hatch(unknown)


@lru_cache(maxsize=64)
def _traced(x: bytes, y: bytes, cover: bytes) -> tuple[list[str], str]:
    """Return the outlines of cloud and of what is not known: the same in each language, so traced
    for the first only.
    """
    across, up = np.frombuffer(x), np.frombuffer(y)
    values = np.frombuffer(cover).reshape(len(across), len(up))
    unknown = np.isnan(values)
    return shades(across, up, values, CLOUD_STEPS), region(
        across, up, unknown.astype(float), 0.02
    ) if unknown.any() else ""


# -- cloud by height


def height_section(
    forecast: Forecast, evidence: xr.Dataset | None, almanac: Almanac, reader: Reader
) -> Markup | None:
    """Draw cloud by time and height against the site's own height and its valley, under it how full
    the valleys are by the hour.

    None without a time or a height.
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
    site, right, height = (
        forecast.event.site,
        306.0,
        np.asarray(evidence.variables["height"].values, dtype=float),
    )
    scale = TimeScale(hours[0], hours[-1], LEFT, right, reader.zone)
    cover, humidity = (
        series(evidence, "cloud", "hour"),
        series(evidence, "relative_humidity", "hour"),
    )
    shown = height <= _top(height, cover, site.elevation)
    height, cover, humidity = (
        height[shown],
        *(values[:, shown] if values.size else values for values in (cover, humidity)),
    )
    level = Scale(float(height[0]), max(float(height[-1]), site.elevation + 300), 196, 26)
    filled = series(evidence, "valley_area_filled", "hour")
    sheet = Sheet(248 if filled.size else 218, reader.prefix)
    x, y = np.array([scale(moment) for moment in hours]), level.array(height)
    sheet.rect(
        LEFT,
        level.end,
        RIGHT - LEFT,
        level.start - level.end,
        "c-sky",
        fill="currentColor",
        fill_opacity=".08",
    )
    if np.isfinite(cover).any():
        cloud_regions(sheet, x, y, cover)
    elif np.isfinite(humidity).any():
        cloud_regions(sheet, x, y, np.clip((humidity - 0.7) / 0.3, 0, 1))
        sheet.text(
            right - 4, level.end + 14, words("chart.height.from_humidity"), "c-on-sky", "end"
        )
    else:
        sheet.no_data(LEFT, level.end, right - LEFT, level.start - level.end, words)
    _mountain(sheet, level, right, forecast, words)
    step = 1000 if level.high <= WIDE_STEPS_FROM else 2000
    ticks = np.arange(math.ceil(level.low / step) * step, level.high + 1, step)
    value_axis(sheet, level, [float(t) for t in ticks], LEFT, words("chart.unit.metre"))
    _dawn(sheet, scale, level, forecast, almanac, words)
    if filled.size:
        _valleys(sheet, scale, x, filled, words)
    time_axis(sheet, scale, level.start + 30 if filled.size else level.start, 120)
    said = {"site": site.name.in_language(reader.language), "elevation": round(site.elevation)}
    return sheet.finish(
        words("chart.height.title"),
        words("chart.height.description", **said, **spoken(forecast, scale, words)),
    )


def _top(height: np.ndarray, cover: np.ndarray, site: float) -> float:
    """Return the height [m] up to which the section is drawn: a deck above the viewer must be seen,
    and the valley keep its room.
    """
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
    sheet: Sheet, scale: TimeScale, x: np.ndarray, filled: np.ndarray, words: Words
) -> None:
    """Draw a strip under the section: the part of the ground below the site that cloud hides, a
    full strip is all of it.
    """
    share = Scale(0, 1, 226, 207)
    sheet.rect(
        LEFT,
        share.end,
        scale.end - LEFT,
        share.start - share.end,
        "c-sky",
        fill="currentColor",
        fill_opacity=".08",
    )
    known = np.isfinite(filled)
    if not known.any():
        sheet.no_data(LEFT, share.end, scale.end - LEFT, share.start - share.end, words)
        return
    for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(known)) + 1):
        if known[run[0]] and len(run) > 1:
            points = [(float(a), share(float(v))) for a, v in zip(x[run], filled[run], strict=True)]
            sheet.path(
                polyline([(points[0][0], share.start), *points, (points[-1][0], share.start)])
                + "z",
                "c-column",
                fill="currentColor",
                fill_opacity=".5",
            )
        elif not known[run[0]]:
            left, end = float(x[max(run[0] - 1, 0)]), float(x[min(run[-1] + 1, len(x) - 1)])
            sheet.hatch(box(left, share.end, end - left, share.start - share.end))
    sheet.text(LEFT - 5, share.end + 8, "100%", "c-tick", "end")
    sheet.text(
        scale.end + 4, (share.start + share.end) / 2 + 4, words("chart.height.filled"), "c-tick"
    )


def _mountain(sheet: Sheet, level: Scale, right: float, forecast: Forecast, words: Words) -> None:
    """Draw the valley floor, the mountain at the right, and the viewer's height right across."""
    site = forecast.event.site
    summit, floor = level.clamped(site.elevation), level.clamped(site.valley_elevation)
    sheet.path(
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
    sheet.path(polyline(ridge) + "z", "c-ground", fill="currentColor", fill_opacity=".6")
    sheet.line(LEFT, summit, right + 0.62 * width, summit, "c-site")
    sheet.dot(right + 0.62 * width, summit - 3, 3, "c-viewer", fill="currentColor")
    sheet.text(
        LEFT + 5,
        summit - 5,
        words("chart.height.site", metres=round(site.elevation)),
        "c-on-sky c-strong",
    )
    valley = words("chart.height.valley", metres=round(site.valley_elevation))
    sheet.text(
        LEFT + 5, level.start - 4 if level.start - floor >= 15 else floor - 4, valley, "c-on-sky"
    )


def _dawn(
    sheet: Sheet, scale: TimeScale, level: Scale, forecast: Forecast, almanac: Almanac, words: Words
) -> None:
    """Mark the sunrise and the window that the forecast is about (the best part of it, where there
    is one).
    """
    best = forecast.best or forecast.event.window
    key = "chart.best" if forecast.best else "chart.window"
    bracket(
        sheet,
        scale,
        best.start,
        best.end,
        level.end - 5,
        words(key, start=scale.label(best.start), end=scale.label(best.end)),
    )
    sunrise = forecast.event.centre or almanac.sunrise
    if sunrise is not None and scale.holds(sunrise):
        sheet.line(scale(sunrise), level.end, scale(sunrise), level.start, "c-sun")
        sheet.text(
            scale(sunrise) - 4,
            level.end + 14,
            words("chart.sunrise", time=scale.label(sunrise)),
            "c-on-sky",
            "end",
        )
