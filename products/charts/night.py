"""The night by the hour: twilight, moon and Milky Way, three layers of cloud, and darkness.

Unknown parts are hatched; a gap is no failure.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from forecast.quantities import DARK_ENOUGH
from products.charts.panel import best_blank, mark_best, series, time_axis, times_of
from products.charts.svg import (
    LEFT,
    RIGHT,
    ChartWords,
    Drawing,
    Reader,
    Scale,
    TimeScale,
    box,
    breadth,
)
from products.evidence import Evidence

# below [degree]: class
TWILIGHT = (
    (-0.833, "c-civil"),
    (-6.0, "c-nautical"),
    (-12.0, "c-astronomical"),
    (-18.0, "c-night"),
)
# [mag arcsec-2] of the clear zenith: a sky of the brightest stars only, and a natural one
DARKNESS = (17.0, 22.0)
ROW = 15.0  # height of a row
HIGH_ARC = 50.0  # [degree] from which an arc and its name reach the top of the panel


def night_band(
    forecast: Forecast, evidence: Evidence | None, almanac: Almanac, reader: Reader
) -> Markup | None:
    """Draw the night: twilight, moon and Milky Way, cloud and darkness, and the best window.

    None where neither the evidence nor the almanac has the night.
    """
    words = reader.words
    hours = times_of(evidence)
    knots = _sun(hours, series(evidence, "sun_altitude", "hour"), almanac)
    if len(knots) < 2 or knots[-1][0] <= knots[0][0]:
        return None
    scale = TimeScale(knots[0][0], knots[-1][0], LEFT, RIGHT, reader.zone)
    top = 0 if forecast.best else 14
    drawing = Drawing(228, reader.prefix, top, drawn=reader.drawn)
    altitude = Scale(0, 90, 112, 24)
    drawing.once("sky", _sky, scale, knots, altitude)
    sun, moon, milky_way = (
        series(evidence, f"{name}_altitude", "hour") for name in ("sun", "moon", "milky_way")
    )
    milky_way = (
        np.where(sun < -12, milky_way, math.nan) if len(sun) == len(milky_way) else milky_way
    )
    light = (
        round(100 * almanac.moon_illumination) if math.isfinite(almanac.moon_illumination) else None
    )
    _arc(drawing, scale, altitude, hours, milky_way, "c-milky-way", words("chart.night.milky_way"))
    name = (
        words("chart.night.moon") if light is None else words("chart.night.moon_lit", percent=light)
    )
    _arc(drawing, scale, altitude, hours, moon, "c-moon", name, disc=True)
    if almanac.astronomical_dusk and almanac.astronomical_dawn:
        dusk, dawn = almanac.astronomical_dusk, almanac.astronomical_dawn
        dark = words("chart.night.dark", start=scale.label(dusk), end=scale.label(dawn))
        low = np.fmax.reduce(np.concatenate([moon, milky_way]), initial=0.0) < HIGH_ARC
        y = altitude.end + 13 if low else altitude.start - 6  # where the arcs leave room
        drawing.text((scale.clamped(dusk) + scale.clamped(dawn)) / 2, y, dark, "c-on-sky", "middle")
    _cloud_rows(drawing, scale, evidence, hours, words, 120)
    _darkness_row(drawing, scale, series(evidence, "sky_brightness", "hour"), hours, words, 174)
    time_axis(drawing, scale, 194, 120)
    drawing.text(RIGHT, 223, words("chart.night.caption"), "c-note", "end")
    mark_best(drawing, scale, forecast, 18, words)
    return drawing.finish(
        words("chart.night.title"),
        words("chart.night.description", **best_blank(forecast, scale, words)),
    )


def _sun(
    hours: list[datetime], altitudes: np.ndarray, almanac: Almanac
) -> list[tuple[datetime, float]]:
    """Return (time, sun altitude [degree]) through the night, exact where the almanac has it.

    Without evidence the morning is the evening mirrored about the middle of the night.
    """
    dusk, dawn = almanac.astronomical_dusk, almanac.astronomical_dawn
    named = [
        (almanac.sunset, -0.833),
        (almanac.civil_dusk, -6.0),
        (almanac.nautical_dusk, -12.0),
        (dusk, -18.0),
        (dawn, -18.0),
    ]
    knots = [(moment, height) for moment, height in named if moment is not None]
    if len(hours) >= 2 and np.isfinite(altitudes).sum() >= 2:
        known = [(t, float(h)) for t, h in zip(hours, altitudes, strict=True) if math.isfinite(h)]
        return sorted(known + [knot for knot in knots if known[0][0] < knot[0] < known[-1][0]])
    if almanac.sunset is None or dusk is None or dawn is None:
        return []
    mirrored = [(dusk + (dawn - moment), height) for moment, height in knots[:-2]]
    hour = timedelta(hours=1)
    ends = [
        (almanac.sunset - hour, 10.0),
        (dusk + (dawn - dusk) / 2, -40.0),
        (dusk + (dawn - almanac.sunset) + hour, 10.0),
    ]
    return sorted(knots + mirrored + ends)


def _sky(
    drawing: Drawing, scale: TimeScale, knots: list[tuple[datetime, float]], altitude: Scale
) -> None:
    """Fill the panel with the steps of twilight, darker as the sun sinks, and draw its heights."""
    top, bottom = altitude.end, altitude.start
    x = np.array([scale(moment) for moment, _ in knots])
    fine = np.arange(scale.start, scale.end + 0.25, 0.5)
    sun = np.interp(fine, x, [height for _, height in knots])
    step = np.sum([sun < limit for limit, _ in TWILIGHT], axis=0)
    names = ("c-day", *(name for _, name in TWILIGHT))
    starts = np.flatnonzero(np.diff(step, prepend=-1))
    for a, b in zip(starts, [*starts[1:], len(fine) - 1], strict=True):
        drawing.path(
            box(fine[a], top, fine[b] - fine[a], bottom - top),
            names[step[a]],
            fill="currentColor",
            fill_opacity=".1",
        )
    for degrees in (0, 30, 60, 90):
        drawing.text(LEFT - 5, altitude(degrees) + 4, f"{degrees}°", "c-tick", "end")
    for degrees in (30, 60):
        drawing.line(LEFT, altitude(degrees), RIGHT, altitude(degrees), "c-sky-grid")


def _arc(
    drawing: Drawing,
    scale: TimeScale,
    altitude: Scale,
    hours: list[datetime],
    values: np.ndarray,
    classes: str,
    label: str,
    *,
    disc: bool = False,
) -> None:
    """Draw the path of a body above the horizon, named at its highest point."""
    top = drawing.once(classes, _curve, scale, altitude, hours, values, classes, disc=disc)
    if top is None:
        return
    px, py = top
    low = py > altitude.end + 22
    half = breadth(label) / 2 + 3
    drawing.text(
        min(max(px, LEFT + half), RIGHT - half),
        py - 9 if low else py + 18,
        label,
        "c-on-sky",
        "middle",
    )


def _curve(
    drawing: Drawing,
    scale: TimeScale,
    altitude: Scale,
    hours: list[datetime],
    values: np.ndarray,
    classes: str,
    *,
    disc: bool,
) -> tuple[float, float] | None:
    """Draw the path of a body and return its highest point [px]; None where it stays below."""
    if len(values) != len(hours) or np.isfinite(values).sum() < 2:
        return None
    known = np.isfinite(values)
    x = np.array([scale(moment) for moment in hours])[known]
    fine = np.linspace(x[0], x[-1], 8 * len(x))
    height = _smooth(fine, x, values[known])
    if height.max() <= 0:
        return None
    drawing.curve(
        zip(fine, [altitude(h) if h >= 0 else math.nan for h in height], strict=True), classes
    )
    top = int(np.argmax(height))
    px, py = float(fine[top]), altitude(min(height[top], 90))
    if disc:
        drawing.dot(px, py, 5, f"{classes}-disc", fill="currentColor")
    return px, py


def _smooth(fine: np.ndarray, x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the cubic Hermite curve through (x, values) at `fine`."""
    slope = np.gradient(values, x)
    k = np.clip(np.searchsorted(x, fine, side="right") - 1, 0, len(x) - 2)
    h = x[k + 1] - x[k]
    t = (fine - x[k]) / h
    return np.asarray(
        values[k] * (1 + 2 * t) * (1 - t) ** 2
        + slope[k] * h * t * (1 - t) ** 2
        + values[k + 1] * t**2 * (3 - 2 * t)
        + slope[k + 1] * h * t**2 * (t - 1)
    )


def _cloud_rows(
    drawing: Drawing,
    scale: TimeScale,
    evidence: Evidence | None,
    hours: list[datetime],
    words: ChartWords,
    top: float,
) -> None:
    """Draw a row each for high, medium and low cloud: a column an hour, as tall as the cover."""
    for row, layer in enumerate(("high", "medium", "low")):
        _row(
            drawing,
            scale,
            hours,
            series(evidence, f"{layer}_cloud", "hour"),
            top + 18 * row,
            words(f"chart.night.{layer}_cloud"),
            words,
        )


def _darkness_row(
    drawing: Drawing,
    scale: TimeScale,
    brightness: np.ndarray,
    hours: list[datetime],
    words: ChartWords,
    top: float,
) -> None:
    """Draw the darkness of the clear zenith by the hour, pale where it is not DARK_ENOUGH.

    An empty row is a sky without stars, a full one a natural sky.
    """
    bright, natural = DARKNESS
    share = np.clip((brightness - bright) / (natural - bright), 0, 1)
    _row(
        drawing,
        scale,
        hours,
        share,
        top,
        words("chart.night.darkness"),
        words,
        solid=brightness >= DARK_ENOUGH,
    )


def _row(
    drawing: Drawing,
    scale: TimeScale,
    hours: list[datetime],
    shares: np.ndarray,
    y: float,
    name: str,
    words: ChartWords,
    *,
    solid: np.ndarray | None = None,
) -> None:
    """Draw a named row of columns, one an hour, as tall as its share, hatched where unknown.

    solid: (hour) whether a column is solid, not pale.
    """
    drawing.text(LEFT - 5, y + 12, name, "c-tick", "end")
    drawing.backdrop(LEFT, y, RIGHT - LEFT, ROW, "c-sky")
    if not np.isfinite(shares).any():
        drawing.no_data(LEFT, y, RIGHT - LEFT, ROW, words)
        return
    drawing.once(f"row {y}", _columns, scale, hours, shares, y, solid)


def _columns(
    drawing: Drawing,
    scale: TimeScale,
    hours: list[datetime],
    shares: np.ndarray,
    y: float,
    solid: np.ndarray | None,
) -> None:
    columns, pale, gaps = "", "", ""
    half = timedelta(minutes=30)
    for moment, share, full in zip(
        hours, shares, np.ones(len(hours), dtype=bool) if solid is None else solid, strict=True
    ):
        a, b = scale.clamped(moment - half), scale.clamped(moment + half)
        if not math.isfinite(share):
            gaps += box(a, y, b - a, ROW)
        elif share >= 0.03:
            column = box(a, y + ROW * (1 - min(share, 1)), b - a - 0.6, ROW * min(share, 1))
            columns, pale = (columns + column, pale) if full else (columns, pale + column)
    drawing.path(columns, "c-column", fill="currentColor")
    drawing.path(pale, "c-column", fill="currentColor", fill_opacity=".4")
    drawing.hatch(gaps)
