"""The light path: cloud along the sun's azimuth with the rays, and the colours by the minute."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from forecast.quantities import LEAST_GLOW
from products.charts.panel import (
    best_blank,
    cloud_regions,
    mark_best,
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
    breadth,
    number,
    polyline,
)
from products.evidence import Evidence

SWATCH = 11.0  # [px] side of the square of the predicted colour


def light_path(
    forecast: Forecast, evidence: Evidence | None, almanac: Almanac, reader: Reader
) -> Markup | None:
    """Draw cloud along the sun's azimuth with the rays, and the colours; None without a path."""
    words = reader.words
    if evidence is None or "distance" not in evidence or "height" not in evidence:
        return None
    distance, height = (
        np.asarray(evidence.variables[name].values, dtype=float) for name in ("distance", "height")
    )
    if (
        distance.size < 2
        or height.size < 2
        or not (np.isfinite(distance).all() and np.isfinite(height).all())
    ):
        return None
    drawing = Drawing(276, reader.prefix, drawn=reader.drawn)
    along, level = (
        Scale(0, float(distance[-1]), LEFT, RIGHT - 4),
        Scale(0, float(height[-1]), 150, 26),
    )
    drawing.backdrop(LEFT, level.end, along.end - LEFT, level.start - level.end, "c-dusk")
    cover = (
        np.asarray(evidence.variables["cloud"].values, dtype=float)
        if "cloud" in evidence
        else np.empty(0)
    )
    if cover.shape == (distance.size, height.size) and np.isfinite(cover).any():
        cloud_regions(drawing, along.array(distance), level.array(height), cover)
    else:
        drawing.no_data(LEFT, level.end, along.end - LEFT, level.start - level.end, words)
    drawing.once("ground", _ground, along, level, evidence, distance)
    drawing.once("rays", _rays, along, level, evidence, distance)
    _marks(drawing, along, level, forecast, words)
    _axes(drawing, along, level, words)
    _direction(drawing, along, level, forecast, words)
    scale = _colours(drawing, evidence, forecast, almanac, reader, 196, 250)
    blanks = best_blank(forecast, scale, words) if scale else {"best": words("chart.no_best")}
    surveyed = "surveyed" if forecast.event.site.horizon_surveyed else "unsurveyed"
    blanks["sight"] = words(f"chart.path.sight_{surveyed}")
    return drawing.finish(words("chart.path.title"), words("chart.path.description", **blanks))


def _axes(drawing: Drawing, along: Scale, level: Scale, words: ChartWords) -> None:
    """Draw heights at the left and distances below."""
    value_axis(
        drawing,
        level,
        [h for h in (0, 4000, 8000, 12000) if h <= level.high],
        LEFT,
        words("chart.unit.kilometre"),
        0.001,
    )
    drawing.line(LEFT, level.start, along.end, level.start, "c-axis")
    *most, last = np.arange(0, along.high + 1, 100_000).tolist()
    drawing.once("distances", _distances, along, level, most)
    _distance(drawing, along, level, last, words("chart.path.distance", km=round(last / 1000)))


def _distances(drawing: Drawing, along: Scale, level: Scale, places: list[float]) -> None:
    for metres in places:
        _distance(drawing, along, level, metres, f"{metres / 1000:g}")


def _distance(drawing: Drawing, along: Scale, level: Scale, metres: float, label: str) -> None:
    x = along(metres)
    drawing.line(x, level.start, x, level.start + 4, "c-axis")
    at_end = x > along.end - 12
    place, anchor = (4, "end") if at_end else (0, "middle")
    drawing.text(x + place, level.start + 16, label, "c-tick", anchor)


def _direction(
    drawing: Drawing, along: Scale, level: Scale, forecast: Forecast, words: ChartWords
) -> None:
    """Name the sun's azimuth, where it is known."""
    azimuth = forecast.quantities.get("sun_azimuth")
    if azimuth is not None and math.isfinite(azimuth):
        drawing.text(
            along.end,
            level.end - 8,
            words("chart.path.towards", degrees=round(azimuth)),
            "c-strong",
            "end",
        )


def _ground(
    drawing: Drawing, along: Scale, level: Scale, evidence: Evidence, distance: np.ndarray
) -> None:
    """Draw the model's ground, and the site's lowest line of sight: over its terrain, or over
    the sea horizon of its elevation where the terrain is not surveyed.
    """
    ground, sight = (evidence.variables.get(name) for name in ("ground", "sight"))
    x = along.array(distance)
    if ground is not None and ground.dims == ("distance",):
        height = _between(np.asarray(ground.values, dtype=float), level.high)
        if height.max(initial=0) > 0:
            outline = [
                (x[0], level.start),
                *zip(x.tolist(), level.array(height).tolist(), strict=True),
                (x[-1], level.start),
            ]
            drawing.path(
                polyline(outline) + "z", "c-ground", fill="currentColor", fill_opacity=".6"
            )
    if sight is not None and sight.dims == ("distance",):
        height = np.asarray(sight.values, dtype=float)
        y = np.where((height >= 0) & (height <= level.high), level.array(height), math.nan)
        drawing.curve(zip(x.tolist(), y.tolist(), strict=True), "c-terrain")


def _between(values: np.ndarray, most: float) -> np.ndarray:
    """Return values from 0 to `most`, 0 where they are NaN."""
    return np.fmin(np.fmax(values, 0.0), most)


def _rays(
    drawing: Drawing, along: Scale, level: Scale, evidence: Evidence, distance: np.ndarray
) -> None:
    """Draw the sun's rays from the right to where they arrive; a cross marks a stopped one."""
    rays = evidence.variables.get("ray_height")
    if rays is None or rays.dims != ("ray", "distance"):
        return
    x, height = along.array(distance), np.asarray(rays.values, dtype=float)
    y = np.where((height >= 0) & (height <= level.high), level.array(height), math.nan)
    arrives = np.isfinite(height).any(axis=0).argmax() if np.isfinite(height).any() else 0
    for ray, whole in zip(y, height, strict=True):
        drawing.curve(zip(x.tolist(), ray.tolist(), strict=True), "c-ray")
        drawn = np.flatnonzero(np.isfinite(ray))
        stopped = drawn.size and drawn[0] > arrives and math.isnan(whole[drawn[0] - 1])
        if stopped:
            cross = f"M{number(x[drawn[0]] - 3)} {number(ray[drawn[0]] - 3)}l6 6m0 -6l-6 6"
            drawing.path(cross, "c-stop", fill="none", stroke="currentColor")


def _marks(
    drawing: Drawing, along: Scale, level: Scale, forecast: Forecast, words: ChartWords
) -> None:
    """Mark the viewer, the cloud canvas overhead and the obstacle to the light."""
    quantities = forecast.quantities
    canvas, far, top = (
        quantities.get(name, math.nan)
        for name in ("canvas_height", "obstacle_distance", "obstacle_height")
    )
    y = level.clamped(forecast.event.site.elevation)
    slope = polyline([(LEFT, level.start), (LEFT, y), (LEFT + 16, level.start)])
    drawing.path(slope + "z", "c-ground", fill="currentColor", fill_opacity=".6")
    drawing.dot(LEFT, y - 3, 3.2, "c-viewer", fill="currentColor")
    drawing.text(LEFT + 20, level.start - 5, words("chart.path.viewer"), "c-on-sky c-strong")
    taken = math.inf
    if math.isfinite(canvas) and canvas <= level.high:
        drawing.line(LEFT, level(canvas), along(0.12 * along.high), level(canvas), "c-canvas")
        taken = level(canvas) + (15 if level(canvas) < level.end + 18 else -6)
        drawing.text(
            LEFT + 5,
            taken,
            words("chart.path.canvas", km=f"{canvas / 1000:.1f}"),
            "c-on-sky c-strong",
        )
    if math.isfinite(far) and math.isfinite(top) and far <= along.high:
        px, py = along(far), level.clamped(top)
        drawing.path(
            f"M{number(px)} {number(py - 3)}l-6 -11h12z", "c-obstacle", fill="currentColor"
        )
        text = words("chart.path.obstacle", top=f"{top / 1000:.1f}")
        left = px + 9 + breadth(text) > along.end  # the text does not fit at the right
        y = max(py - 6, level.end + 13)
        y += 18 if left and abs(y - taken) < 14 else 0
        drawing.text(
            px + (-9 if left else 9), y, text, "c-on-sky c-strong", "end" if left else "start"
        )


def _colours(
    drawing: Drawing,
    evidence: Evidence,
    forecast: Forecast,
    almanac: Almanac,
    reader: Reader,
    top: float,
    bottom: float,
) -> TimeScale | None:
    """Draw a column a minute in the predicted colour, as tall as quality or transmission."""
    words = reader.words
    minutes = times_of(evidence)
    name = "quality" if np.isfinite(series(evidence, "quality", "minute")).any() else "transmission"
    values = series(evidence, name, "minute")
    label = words(f"chart.path.{name}")
    if len(minutes) < 2 or minutes[-1] <= minutes[0] or not np.isfinite(values).any():
        drawing.no_data(LEFT, top, RIGHT - 4 - LEFT, bottom - top, words)
        return None
    scale, height = (
        TimeScale(minutes[0], minutes[-1], LEFT, RIGHT - 4, reader.zone),
        Scale(0, 1, bottom, top),
    )
    drawing.backdrop(LEFT, top, scale.end - LEFT, bottom - top, "c-dusk")
    colour = drawing.once("shine", _shine, evidence, scale, minutes, values, height)
    value_axis(drawing, height, (0.0, 1.0), LEFT, "%", 100)
    drawing.text(LEFT + 5, top + 13, label, "c-on-sky")
    if colour and name == "quality":
        left = LEFT + 12 + breadth(label)
        drawing.path(box(left, top + 4, SWATCH, SWATCH), "c-swatch", fill=colour)
        drawing.text(left + SWATCH + 5, top + 13, colour, "c-on-sky")
    crossing = forecast.event.centre or (
        almanac.sunset if forecast.event.phenomenon == "sunset_glow" else almanac.sunrise
    )
    if crossing is not None and scale.holds(crossing):
        key = "chart.sunset" if forecast.event.phenomenon == "sunset_glow" else "chart.sunrise"
        drawing.line(scale(crossing), top, scale(crossing), bottom, "c-sun")
        side = "end" if scale(crossing) > 280 else "start"
        drawing.text(
            scale(crossing) + (4 if side == "start" else -4),
            top + 13,
            words(key, time=scale.label(crossing)),
            "c-on-sky",
            side,
        )
    mark_best(drawing, scale, forecast, top - 5, words)
    time_axis(drawing, scale, bottom, 15)
    return scale


def _shine(
    drawing: Drawing,
    evidence: Evidence,
    scale: TimeScale,
    minutes: list[datetime],
    values: np.ndarray,
    height: Scale,
) -> str:
    """Draw the columns of the colours and return the colour of the best minute ("": none).

    Unknown minutes are hatched.
    """
    x = [scale(minute) for minute in minutes]
    bands = [series(evidence, band, "minute") for band in ("red", "green", "blue")]
    whole = all(len(band) == len(x) for band in bands)
    rgb = np.column_stack(bands) if whole else np.full((len(x), 3), math.nan)
    painted = np.isfinite(rgb).all(axis=1).tolist()
    colours = np.rint(255 * _between(rgb, 1.0)).astype(int).tolist()
    shares = np.where(np.isfinite(values), _between(values, 1.0), math.nan).tolist()
    stride = max(1, math.ceil(len(x) / 90))
    for k in range(0, len(x) - 1, stride):
        a, b = x[k], x[min(k + stride, len(x) - 1)]
        if math.isnan(shares[k]):
            drawing.hatch(box(a, height.end, b - a, height.start - height.end))
        elif shares[k] > 0.01:
            y = height(shares[k])
            data = box(a, y, b - a + 0.3, height.start - y)
            if painted[k]:
                drawing.path(data, "c-shine", fill="#{:02x}{:02x}{:02x}".format(*colours[k]))
            else:
                drawing.path(data, "c-column", fill="currentColor")
    best = int(np.where(np.isnan(values), -1.0, values).argmax())
    return (
        "#{:02x}{:02x}{:02x}".format(*colours[best])
        if painted[best] and values[best] >= LEAST_GLOW
        else ""
    )
