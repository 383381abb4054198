"""Sections through the sky: the night by the hour, cloud by height over a dawn, the light path along the sun's azimuth.

Each draws what is there, hatches what is not and never fails for a gap: a panel without data says so in its own place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
import xarray as xr
from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from products.drawing import (
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
    number,
    polyline,
    region,
    shades,
)

CLOUD_STEPS = (0.1, 0.3, 0.5, 0.7, 0.9)  # each step paints the cloud a shade denser, so lightness is monotone in cover
TWILIGHT = ((-0.833, "c-civil"), (-6.0, "c-nautical"), (-12.0, "c-astronomical"), (-18.0, "c-night"))  # below [degree]: class


def series(evidence: xr.Dataset | None, name: str, over: str) -> np.ndarray:
    """Return variable `name` along `over` as floats at the moments that are times, empty where it is absent."""
    held = {} if evidence is None else evidence.variables  # not evidence[name]: building a DataArray takes longer than drawing it
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


def value_axis(sheet: Sheet, scale: Scale, values: Iterable[float], right: float, unit: str, factor: float = 1.0) -> None:
    """Draw labels left of the plot and hairlines across it; `factor` turns SI into the unit shown."""
    for value in values:
        y = scale(value)
        sheet.line(LEFT, y, right, y, "c-grid")
        sheet.text(LEFT - 5, y + 4, f"{value * factor:g}".replace("-", "\u2212"), "c-tick", "end")
    sheet.text(LEFT - 5, min(scale.start, scale.end) - 11, unit, "c-tick", "end")


def bracket(sheet: Sheet, scale: TimeScale, start: datetime, end: datetime, y: float, label: str) -> None:
    """Mark a span of time above a panel and name it."""
    a, b = scale.clamped(start), scale.clamped(end)
    if b - a < 1:
        return
    sheet.path(box(a, y, b - a, 3), "c-best", fill="currentColor")
    half = breadth(label) / 2
    sheet.text(min(max((a + b) / 2, half), RIGHT - half), y - 4, label, "c-strong", "middle")


def cloud_regions(sheet: Sheet, x: np.ndarray, y: np.ndarray, cover: np.ndarray) -> None:
    """Paint cover (0-1) as nested regions, each a shade denser; hatch where it is not known."""
    steps, unknown = _traced(x.tobytes(), y.tobytes(), cover.tobytes())
    for step, data in enumerate(steps, 1):
        sheet.path(data, f"c-cloud c-cloud-{step}", fill="currentColor", fill_opacity=".28", fill_rule="evenodd")
    sheet.hatch(unknown)


@lru_cache(maxsize=64)
def _traced(x: bytes, y: bytes, cover: bytes) -> tuple[list[str], str]:
    """Return the outlines of cloud and of what is not known: the same in each language, so traced for the first only."""
    across, up = np.frombuffer(x), np.frombuffer(y)
    values = np.frombuffer(cover).reshape(len(across), len(up))
    unknown = np.isnan(values)
    return shades(across, up, values, CLOUD_STEPS), region(across, up, unknown.astype(float), 0.02) if unknown.any() else ""


# -- the night


def night_band(forecast: Forecast, evidence: xr.Dataset | None, almanac: Almanac, reader: Reader) -> Markup | None:
    """Draw the night: twilight, moon and Milky Way by altitude, cloud of three layers by the hour, the best window.

    None where neither the evidence nor the almanac knows when the night is.
    """
    words = reader.words
    hours = times_of(evidence)
    knots = _sun(hours, series(evidence, "sun_altitude", "hour"), almanac)
    if len(knots) < 2 or knots[-1][0] <= knots[0][0]:
        return None
    scale = TimeScale(knots[0][0], knots[-1][0], LEFT, RIGHT, reader.zone)
    sheet = Sheet(208, reader.prefix, top=0 if forecast.best else 14)
    altitude = Scale(0, 90, 112, 24)
    _twilight(sheet, scale, knots, altitude.end, altitude.start)
    for degrees in (0, 30, 60, 90):
        sheet.text(LEFT - 5, altitude(degrees) + 4, f"{degrees}°", "c-tick", "end")
    for degrees in (30, 60):
        sheet.line(LEFT, altitude(degrees), RIGHT, altitude(degrees), "c-sky-grid")
    sun, moon, milky_way = (series(evidence, f"{name}_altitude", "hour") for name in ("sun", "moon", "milky_way"))
    milky_way = np.where(sun < -12, milky_way, math.nan) if len(sun) == len(milky_way) else milky_way
    light = round(100 * almanac.moon_illumination) if math.isfinite(almanac.moon_illumination) else None
    _arc(sheet, scale, altitude, hours, milky_way, "c-milky-way", words("chart.night.milky_way"))
    name = words("chart.night.moon") if light is None else words("chart.night.moon_lit", percent=light)
    _arc(sheet, scale, altitude, hours, moon, "c-moon", name, disc=True)
    if almanac.astronomical_dusk and almanac.astronomical_dawn:
        dusk, dawn = almanac.astronomical_dusk, almanac.astronomical_dawn
        dark = words("chart.night.dark", start=scale.label(dusk), end=scale.label(dawn))
        sheet.text((scale.clamped(dusk) + scale.clamped(dawn)) / 2, altitude.start - 6, dark, "c-on-sky", "middle")
    _cloud_rows(sheet, scale, evidence, hours, words, 120)
    time_axis(sheet, scale, 174, 120)
    sheet.text(RIGHT, 203, words("chart.night.caption"), "c-note", "end")
    if forecast.best:
        best = forecast.best
        bracket(sheet, scale, best.start, best.end, 18, words("chart.best", start=scale.label(best.start), end=scale.label(best.end)))
    return sheet.finish(words("chart.night.title"), words("chart.night.description", **_spoken(forecast, scale, words)))


def _spoken(forecast: Forecast, scale: TimeScale, words: Words) -> dict[str, object]:
    """What a description says of every forecast: the best window, in words."""
    best = forecast.best
    said = words("chart.best", start=scale.label(best.start), end=scale.label(best.end)) if best else words("chart.no_best")
    return {"best": said}


def _sun(hours: list[datetime], altitudes: np.ndarray, almanac: Almanac) -> list[tuple[datetime, float]]:
    """Return (moment, sun altitude [degree]) through the night: by the hour, and exact where the almanac has it.

    The almanac alone has the evening; its morning is then the evening mirrored about the middle of the night.
    """
    dusk, dawn = almanac.astronomical_dusk, almanac.astronomical_dawn
    named = [(almanac.sunset, -0.833), (almanac.civil_dusk, -6.0), (almanac.nautical_dusk, -12.0), (dusk, -18.0), (dawn, -18.0)]
    knots = [(moment, height) for moment, height in named if moment is not None]
    if len(hours) >= 2 and np.isfinite(altitudes).sum() >= 2:
        known = [(t, float(h)) for t, h in zip(hours, altitudes, strict=True) if math.isfinite(h)]
        return sorted(known + [knot for knot in knots if known[0][0] < knot[0] < known[-1][0]])
    if almanac.sunset is None or dusk is None or dawn is None:
        return []
    mirrored = [(dusk + (dawn - moment), height) for moment, height in knots[:-2]]
    hour = timedelta(hours=1)
    ends = [(almanac.sunset - hour, 10.0), (dusk + (dawn - dusk) / 2, -40.0), (dusk + (dawn - almanac.sunset) + hour, 10.0)]
    return sorted(knots + mirrored + ends)


def _twilight(sheet: Sheet, scale: TimeScale, knots: list[tuple[datetime, float]], top: float, bottom: float) -> None:
    """Fill the panel with the steps of twilight, lighter to darker as the sun sinks."""
    x = np.array([scale(moment) for moment, _ in knots])
    fine = np.arange(scale.start, scale.end + 0.25, 0.5)
    altitude = np.interp(fine, x, [height for _, height in knots])
    step = np.sum([altitude < limit for limit, _ in TWILIGHT], axis=0)
    names = ("c-day", *(name for _, name in TWILIGHT))
    starts = np.flatnonzero(np.diff(step, prepend=-1))
    for a, b in zip(starts, [*starts[1:], len(fine) - 1], strict=True):
        sheet.path(box(fine[a], top, fine[b] - fine[a], bottom - top), names[step[a]], fill="currentColor", fill_opacity=".1")


def _arc(
    sheet: Sheet, scale: TimeScale, altitude: Scale, hours: list[datetime], values: np.ndarray, classes: str, label: str, disc: bool = False
) -> None:
    """Draw a body's way over the sky where it is above the horizon, named at its highest."""
    if len(values) != len(hours) or np.isfinite(values).sum() < 2:
        return
    known = np.isfinite(values)
    x = np.array([scale(moment) for moment in hours])[known]
    fine = np.linspace(x[0], x[-1], 8 * len(x))
    height = _smooth(fine, x, values[known])
    if height.max() <= 0:
        return
    sheet.curve(zip(fine, [altitude(h) if h >= 0 else math.nan for h in height], strict=True), classes)
    top = int(np.argmax(height))
    px, py = float(fine[top]), altitude(min(height[top], 90))
    if disc:
        sheet.dot(px, py, 5, f"{classes}-disc", fill="currentColor")
    low = py > altitude.end + 22
    room = breadth(label) / 2 + 3
    sheet.text(min(max(px, LEFT + room), RIGHT - room), py - 9 if low else py + 18, label, "c-on-sky", "middle")


def _smooth(fine: np.ndarray, x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the cubic Hermite curve through (x, values) at `fine`: an hourly altitude drawn as the arc that it is."""
    slope = np.gradient(values, x)
    k = np.clip(np.searchsorted(x, fine, side="right") - 1, 0, len(x) - 2)
    h = x[k + 1] - x[k]
    t = (fine - x[k]) / h
    return np.asarray(
        values[k] * (1 + 2 * t) * (1 - t) ** 2 + slope[k] * h * t * (1 - t) ** 2
        + values[k + 1] * t**2 * (3 - 2 * t) + slope[k + 1] * h * t**2 * (t - 1)
    )


def _cloud_rows(sheet: Sheet, scale: TimeScale, evidence: xr.Dataset | None, hours: list[datetime], words: Words, top: float) -> None:
    """Draw a row for high, medium and low cloud: a column an hour, as tall as the cover (a full row is an overcast sky)."""
    half = timedelta(minutes=30)
    for row, layer in enumerate(("high", "medium", "low")):
        y, values = top + 18 * row, series(evidence, f"{layer}_cloud", "hour")
        sheet.text(LEFT - 5, y + 12, words(f"chart.night.{layer}_cloud"), "c-tick", "end")
        sheet.rect(LEFT, y, RIGHT - LEFT, 15, "c-sky", fill="currentColor", fill_opacity=".08")
        if not np.isfinite(values).any():
            sheet.no_data(LEFT, y, RIGHT - LEFT, 15, words)
            continue
        columns, gaps = "", ""
        for moment, cover in zip(hours, values, strict=True):
            a, b = scale.clamped(moment - half), scale.clamped(moment + half)
            if not math.isfinite(cover):
                gaps += box(a, y, b - a, 15)
            elif cover >= 0.03:
                columns += box(a, y + 15 * (1 - min(cover, 1)), b - a - 0.6, 15 * min(cover, 1))
        sheet.path(columns, "c-column", fill="currentColor")
        sheet.hatch(gaps)


# -- cloud by height


def height_section(forecast: Forecast, evidence: xr.Dataset | None, almanac: Almanac, reader: Reader) -> Markup | None:
    """Draw cloud by time and height against the site's own height and its valley, under it how full the valleys are by the hour.

    None without a time or a height.
    """
    words = reader.words
    hours = times_of(evidence)
    if evidence is None or len(hours) < 2 or hours[-1] <= hours[0] or "height" not in evidence or evidence.variables["height"].size < 2:
        return None
    site, right, height = forecast.event.site, 306.0, np.asarray(evidence.variables["height"].values, dtype=float)
    scale = TimeScale(hours[0], hours[-1], LEFT, right, reader.zone)
    level = Scale(float(height[0]), max(float(height[-1]), site.elevation + 300), 196, 26)
    filled = series(evidence, "valley_area_filled", "hour")
    sheet = Sheet(246 if filled.size else 218, reader.prefix)
    x, y = np.array([scale(moment) for moment in hours]), level.array(height)
    sheet.rect(LEFT, level.end, RIGHT - LEFT, level.start - level.end, "c-sky", fill="currentColor", fill_opacity=".08")
    cover, humidity = series(evidence, "cloud", "hour"), series(evidence, "relative_humidity", "hour")
    if np.isfinite(cover).any():
        cloud_regions(sheet, x, y, cover)
    elif np.isfinite(humidity).any():
        cloud_regions(sheet, x, y, np.clip((humidity - 0.7) / 0.3, 0, 1))
        sheet.text(right - 4, level.end + 14, words("chart.height.from_humidity"), "c-on-sky", "end")
    else:
        sheet.no_data(LEFT, level.end, right - LEFT, level.start - level.end, words)
    _mountain(sheet, level, right, forecast, words)
    ticks = np.arange(math.ceil(level.low / 1000) * 1000, level.high + 1, 1000)
    value_axis(sheet, level, [float(t) for t in ticks], LEFT, words("chart.unit.metre"))
    _dawn(sheet, scale, level, forecast, almanac, words)
    if filled.size:
        _valleys(sheet, scale, x, filled, words)
    time_axis(sheet, scale, level.start + 28 if filled.size else level.start, 120)
    said = {"site": site.name.in_language(reader.language), "elevation": round(site.elevation)}
    return sheet.finish(words("chart.height.title"), words("chart.height.description", **said, **_spoken(forecast, scale, words)))


def _valleys(sheet: Sheet, scale: TimeScale, x: np.ndarray, filled: np.ndarray, words: Words) -> None:
    """Draw a strip under the section: the part of the ground below the site that cloud hides, a full strip is all of it."""
    share = Scale(0, 1, 224, 204)
    sheet.rect(LEFT, share.end, scale.end - LEFT, share.start - share.end, "c-sky", fill="currentColor", fill_opacity=".08")
    known = np.isfinite(filled)
    if not known.any():
        sheet.no_data(LEFT, share.end, scale.end - LEFT, share.start - share.end, words)
        return
    for run in np.split(np.arange(len(x)), np.flatnonzero(np.diff(known)) + 1):
        if known[run[0]] and len(run) > 1:
            points = [(float(a), share(float(v))) for a, v in zip(x[run], filled[run], strict=True)]
            sheet.path(polyline([(points[0][0], share.start), *points, (points[-1][0], share.start)]) + "z", "c-column",
                       fill="currentColor", fill_opacity=".5")
        elif not known[run[0]]:
            left, end = float(x[max(run[0] - 1, 0)]), float(x[min(run[-1] + 1, len(x) - 1)])
            sheet.hatch(box(left, share.end, end - left, share.start - share.end))
    sheet.text(LEFT - 5, share.end + 8, "100%", "c-tick", "end")
    sheet.text(scale.end + 4, (share.start + share.end) / 2 + 4, words("chart.height.filled"), "c-tick")


def _mountain(sheet: Sheet, level: Scale, right: float, forecast: Forecast, words: Words) -> None:
    """Draw the valley floor, the mountain at the right, and the viewer's height right across."""
    site = forecast.event.site
    summit, floor = level.clamped(site.elevation), level.clamped(site.valley_elevation)
    sheet.path(box(LEFT, floor, RIGHT - LEFT, level.start - floor), "c-ground", fill="currentColor", fill_opacity=".6")
    width = RIGHT - right
    ridge = [(right - 12, floor), (right + 0.3 * width, summit + 0.45 * (floor - summit)), (right + 0.62 * width, summit),
             (RIGHT, summit + 0.35 * (floor - summit)), (RIGHT, floor)]
    sheet.path(polyline(ridge) + "z", "c-ground", fill="currentColor", fill_opacity=".6")
    sheet.line(LEFT, summit, right + 0.62 * width, summit, "c-site")
    sheet.dot(right + 0.62 * width, summit - 3, 3, "c-viewer", fill="currentColor")
    sheet.text(LEFT + 5, summit - 5, words("chart.height.site", metres=round(site.elevation)), "c-on-sky c-strong")
    valley = words("chart.height.valley", metres=round(site.valley_elevation))
    sheet.text(LEFT + 5, level.start - 4 if level.start - floor >= 15 else floor - 4, valley, "c-on-sky")


def _dawn(sheet: Sheet, scale: TimeScale, level: Scale, forecast: Forecast, almanac: Almanac, words: Words) -> None:
    """Mark the sunrise and the window that the forecast is about (the best part of it, where there is one)."""
    best = forecast.best or forecast.event.window
    key = "chart.best" if forecast.best else "chart.window"
    bracket(sheet, scale, best.start, best.end, level.end - 5, words(key, start=scale.label(best.start), end=scale.label(best.end)))
    sunrise = forecast.event.centre or almanac.sunrise
    if sunrise is not None and scale.holds(sunrise):
        sheet.line(scale(sunrise), level.end, scale(sunrise), level.start, "c-sun")
        sheet.text(scale(sunrise) - 4, level.end + 14, words("chart.sunrise", time=scale.label(sunrise)), "c-on-sky", "end")


# -- the light path


def light_path(forecast: Forecast, evidence: xr.Dataset | None, almanac: Almanac, reader: Reader) -> Markup | None:
    """Draw cloud along the sun's azimuth with the rays that pass it, and below it the colours minute by minute; None without a path."""
    words = reader.words
    if evidence is None or "distance" not in evidence or "height" not in evidence:
        return None
    distance, height = (np.asarray(evidence.variables[name].values, dtype=float) for name in ("distance", "height"))
    if distance.size < 2 or height.size < 2 or not (np.isfinite(distance).all() and np.isfinite(height).all()):
        return None
    sheet = Sheet(276, reader.prefix)
    along, level = Scale(0, float(distance[-1]), LEFT, RIGHT - 4), Scale(0, float(height[-1]), 150, 26)
    sheet.rect(LEFT, level.end, along.end - LEFT, level.start - level.end, "c-dusk", fill="currentColor", fill_opacity=".08")
    cover = np.asarray(evidence.variables["cloud"].values, dtype=float) if "cloud" in evidence else np.empty(0)
    if cover.shape == (distance.size, height.size) and np.isfinite(cover).any():
        cloud_regions(sheet, along.array(distance), level.array(height), cover)
    else:
        sheet.no_data(LEFT, level.end, along.end - LEFT, level.start - level.end, words)
    _rays(sheet, along, level, evidence, distance)
    _marks(sheet, along, level, forecast, words)
    value_axis(sheet, level, [h for h in (0, 4000, 8000, 12000) if h <= level.high], LEFT, words("chart.unit.kilometre"), 0.001)
    sheet.line(LEFT, level.start, along.end, level.start, "c-axis")
    for metres in np.arange(0, along.high + 1, 100_000):
        last = metres + 100_000 > along.high
        label = words("chart.path.distance", km=round(metres / 1000)) if last else f"{metres / 1000:g}"
        sheet.line(along(metres), level.start, along(metres), level.start + 4, "c-axis")
        sheet.text(along(metres) + (4 if last else 0), level.start + 16, label, "c-tick", "end" if last else "middle")
    azimuth = forecast.quantities.get("sun_azimuth")
    if azimuth is not None and math.isfinite(azimuth):
        sheet.text(along.end, level.end - 8, words("chart.path.towards", degrees=round(azimuth)), "c-strong", "end")
    scale = _colours(sheet, evidence, forecast, almanac, reader, 196, 250)
    said = _spoken(forecast, scale, words) if scale else {"best": words("chart.no_best")}
    return sheet.finish(words("chart.path.title"), words("chart.path.description", **said))


def _rays(sheet: Sheet, along: Scale, level: Scale, evidence: xr.Dataset, distance: np.ndarray) -> None:
    """Draw the sun's rays as far as they stay inside the section."""
    rays = evidence.variables.get("ray_height")
    if rays is None or rays.dims != ("ray", "distance"):
        return
    x, height = along.array(distance).tolist(), np.asarray(rays.values, dtype=float)
    y = np.where((height >= 0) & (height <= level.high), level.array(height), math.nan)
    for ray in y.tolist():
        sheet.curve(zip(x, ray, strict=True), "c-ray")


def _marks(sheet: Sheet, along: Scale, level: Scale, forecast: Forecast, words: Words) -> None:
    """Mark the viewer, the canvas overhead and what stands in the light."""
    told = forecast.quantities
    canvas, far, top = (told.get(name, math.nan) for name in ("canvas_height", "obstacle_distance", "obstacle_height"))
    y = level.clamped(forecast.event.site.elevation)
    slope = polyline([(LEFT, level.start), (LEFT, y), (LEFT + 16, level.start)])
    sheet.path(slope + "z", "c-ground", fill="currentColor", fill_opacity=".6")
    sheet.dot(LEFT, y - 3, 3.2, "c-viewer", fill="currentColor")
    sheet.text(LEFT + 20, level.start - 5, words("chart.path.viewer"), "c-on-sky c-strong")
    taken = math.inf
    if math.isfinite(canvas) and canvas <= level.high:
        sheet.line(LEFT, level(canvas), along(0.12 * along.high), level(canvas), "c-canvas")
        taken = level(canvas) + (15 if level(canvas) < level.end + 18 else -6)
        sheet.text(LEFT + 5, taken, words("chart.path.canvas", km=f"{canvas / 1000:.1f}"), "c-on-sky c-strong")
    if math.isfinite(far) and math.isfinite(top) and far <= along.high:
        px, py = along(far), level.clamped(top)
        sheet.path(f"M{number(px)} {number(py - 3)}l-6 -11h12z", "c-obstacle", fill="currentColor")
        text = words("chart.path.obstacle", top=f"{top / 1000:.1f}")
        left = px + 9 + breadth(text) > along.end  # no room at the right
        y = max(py - 6, level.end + 13)
        y += 18 if left and abs(y - taken) < 14 else 0
        sheet.text(px + (-9 if left else 9), y, text, "c-on-sky c-strong", "end" if left else "start")


def _colours(
    sheet: Sheet, evidence: xr.Dataset, forecast: Forecast, almanac: Almanac, reader: Reader, top: float, bottom: float
) -> TimeScale | None:
    """Draw a column a minute, as tall as the quality (or the transmission), in the predicted colour: height says what colour may not."""
    words = reader.words
    minutes = times_of(evidence)
    name = "quality" if np.isfinite(series(evidence, "quality", "minute")).any() else "transmission"
    values = series(evidence, name, "minute")
    label = words(f"chart.path.{name}")
    if len(minutes) < 2 or minutes[-1] <= minutes[0] or not np.isfinite(values).any():
        sheet.no_data(LEFT, top, RIGHT - 4 - LEFT, bottom - top, words)
        return None
    scale, height = TimeScale(minutes[0], minutes[-1], LEFT, RIGHT - 4, reader.zone), Scale(0, 1, bottom, top)
    sheet.rect(LEFT, top, scale.end - LEFT, bottom - top, "c-dusk", fill="currentColor", fill_opacity=".08")
    _shine(sheet, evidence, [scale(minute) for minute in minutes], values, height)
    value_axis(sheet, height, (0.0, 1.0), LEFT, "%", 100)
    sheet.text(LEFT + 5, top + 13, label, "c-on-sky")
    crossing = forecast.event.centre or (almanac.sunset if forecast.event.phenomenon == "sunset_glow" else almanac.sunrise)
    if crossing is not None and scale.holds(crossing):
        key = "chart.sunset" if forecast.event.phenomenon == "sunset_glow" else "chart.sunrise"
        sheet.line(scale(crossing), top, scale(crossing), bottom, "c-sun")
        side = "end" if scale(crossing) > 280 else "start"
        sheet.text(scale(crossing) + (4 if side == "start" else -4), top + 13, words(key, time=scale.label(crossing)), "c-on-sky", side)
    if forecast.best:
        best = forecast.best
        bracket(sheet, scale, best.start, best.end, top - 5, words("chart.best", start=scale.label(best.start), end=scale.label(best.end)))
    time_axis(sheet, scale, bottom, 15)
    return scale


def _shine(sheet: Sheet, evidence: xr.Dataset, x: list[float], values: np.ndarray, height: Scale) -> None:
    """Draw the columns of the colours; hatch the minutes of which nothing is known."""
    bands = [series(evidence, band, "minute") for band in ("red", "green", "blue")]
    whole = all(len(band) == len(x) for band in bands)
    rgb = np.column_stack(bands) if whole else np.full((len(x), 3), math.nan)
    painted = np.isfinite(rgb).all(axis=1).tolist()
    colours = np.rint(255 * np.clip(np.nan_to_num(rgb), 0, 1)).astype(int).tolist()
    shares = np.where(np.isfinite(values), np.clip(values, 0, 1), math.nan).tolist()
    stride = max(1, math.ceil(len(x) / 90))
    for k in range(0, len(x) - 1, stride):
        a, b = x[k], x[min(k + stride, len(x) - 1)]
        if math.isnan(shares[k]):
            sheet.hatch(box(a, height.end, b - a, height.start - height.end))
        elif shares[k] > 0.01:
            y = height(shares[k])
            data = box(a, y, b - a + 0.3, height.start - y)
            if painted[k]:
                sheet.path(data, "c-shine", fill="#{:02x}{:02x}{:02x}".format(*colours[k]))
            else:
                sheet.path(data, "c-column", fill="currentColor")
