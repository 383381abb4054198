"""The hours of the next two days on one time axis: twilight and moon, cloud by height with the
site's own height, the windows with their chances, wind and temperature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from markupsafe import Markup

from forecast.domain import Almanac, Forecast
from products.charts.panel import cloud_regions
from products.charts.svg import ChartWords, Drawing, Reader, Scale, TimeScale, box, breadth, moments
from products.evidence import Evidence
from products.units import UNITS, beaufort

WIDTH = 760.0  # [px]: on a phone it scrolls within its own frame
LEFT, RIGHT = 44.0, WIDTH - 8.0
SKY, GROUND = 26.0, 146.0  # [px] top and foot of the panel of cloud
HIGHEST = 12_000.0  # [m]
ROW = 20.0  # [px] of a row of windows
MOST_ROWS = 5
EVERY = 3  # [h] between two numbers of wind and temperature


def hour_strip(
    hours: Evidence | None,
    forecasts: Sequence[Forecast],
    almanacs: Sequence[Almanac],
    reader: Reader,
) -> Markup | None:
    """Draw the hours of one site; None without them.

    hours: of the site alone (time[, height]). forecasts: of the site; those whose window lies in
    the hours are drawn. almanacs: of its days.
    """
    if hours is None or not almanacs or "time" not in hours:
        return None
    cloud = np.asarray(hours.variables["cloud"].values, dtype=float)
    times = moments(hours.variables["time"].values)
    if len(times) < 2 or not np.isfinite(cloud).any():
        return None
    words = reader.words
    scale = TimeScale(times[0], times[-1], LEFT, RIGHT, reader.zone)
    shown = _rows(forecasts, scale, words)
    foot = GROUND + 8 + ROW * len(shown)
    drawing = Drawing(foot + 62, reader.prefix, width=WIDTH, drawn=reader.drawn)
    level = Scale(0, HIGHEST, GROUND, SKY)
    drawing.once("light", _light, scale, almanacs)
    x = np.array([scale(moment) for moment in times])
    height = np.asarray(hours.variables["height"].values, dtype=float)
    cloud_regions(drawing, x, level.array(height), cloud)
    _heights(drawing, level, almanacs[0], words)
    _moon(drawing, scale, almanacs, words)
    for row, of_row in enumerate(shown):
        for forecast in of_row:
            _window(drawing, scale, forecast, GROUND + 8 + ROW * row, words)
    _numbers(drawing, scale, hours, times, foot, words)
    drawing.once(f"axis {foot}", _axis, scale, foot + 40)
    site = almanacs[0].site.name.in_language(reader.language)
    title = words("chart.hours.title", site=site)
    return drawing.finish(title, _description(shown, scale, words))


def _rows(
    forecasts: Sequence[Forecast], scale: TimeScale, words: ChartWords
) -> list[list[Forecast]]:
    """Return the forecasts whose window lies in the hours, in rows in which none overlap."""
    rows: list[list[Forecast]] = []
    for forecast in sorted(forecasts, key=lambda each: _span(each)[0]):
        start, end = _span(forecast)
        if not forecast.known or end <= scale.low or start >= scale.high:
            continue
        if end - start >= timedelta(hours=20):  # of a whole day: no hour is better
            continue
        left, _ = _extent(forecast, scale, words)
        free = (row for row in rows if _extent(row[-1], scale, words)[1] + 6 < left)
        row = next(free, None)
        if row is not None:
            row.append(forecast)
        elif len(rows) < MOST_ROWS:
            rows.append([forecast])
    return rows


def _extent(forecast: Forecast, scale: TimeScale, words: ChartWords) -> tuple[float, float]:
    """Return where a window begins and ends in the drawing with its label [px]."""
    start, end = (scale.clamped(moment) for moment in _span(forecast))
    wide = breadth(_label(forecast, words)) + 8
    if end - start > wide:
        return start, end
    return (start - wide, end) if end + wide > RIGHT else (start, end + wide)


def _label(forecast: Forecast, words: ChartWords) -> str:
    return words(
        "chart.hours.window",
        phenomenon=words(f"phenomenon.{forecast.event.phenomenon}.name"),
        percent=words.percent(forecast.probability),
    )


def _span(forecast: Forecast) -> tuple[datetime, datetime]:
    window = forecast.best or forecast.event.window
    return window.start, window.end


def _light(drawing: Drawing, scale: TimeScale, almanacs: Sequence[Almanac]) -> None:
    """Fill the panel by the steps of twilight, darker as the sun sinks."""
    drawing.backdrop(LEFT, SKY, RIGHT - LEFT, GROUND - SKY, "c-night")
    for almanac in almanacs:
        if almanac.sunrise is None or almanac.sunset is None:
            continue
        dawn = almanac.civil_dawn or almanac.sunrise
        dusk = almanac.civil_dusk or almanac.sunset
        for start, end, name in (
            (dawn, dusk, "c-civil"),
            (almanac.sunrise, almanac.sunset, "c-day"),
        ):
            a, b = scale.clamped(start), scale.clamped(end)
            if b > a:
                data = box(a, SKY, b - a, GROUND - SKY)
                drawing.path(data, name, fill="currentColor", fill_opacity=".12")


def _heights(drawing: Drawing, level: Scale, almanac: Almanac, words: ChartWords) -> None:
    """Draw heights at the left, and the site's own across the panel."""
    for height in (0, 4000, 8000, 12000):
        drawing.text(LEFT - 6, level(height) + 4, f"{height / 1000:g}", "c-tick", "end")
    drawing.text(2, SKY - 10, words("chart.unit.kilometre"), "c-tick")
    y = level.clamped(almanac.site.elevation)
    drawing.line(LEFT, y, RIGHT, y, "c-terrain")
    label = words("chart.hours.site", height=round(almanac.site.elevation))
    drawing.text(LEFT + 4, y - 4, label, "c-on-sky c-strong")


def _moon(
    drawing: Drawing, scale: TimeScale, almanacs: Sequence[Almanac], words: ChartWords
) -> None:
    """Draw when the moon is up, as a bar above the panel, brighter where more of it is lit."""
    times = sorted(
        (moment, name)
        for almanac in almanacs
        for moment, name in ((almanac.moonrise, "rise"), (almanac.moonset, "set"))
        if moment is not None
    )
    up, spans = scale.low if times and times[0][1] == "set" else None, []
    for moment, name in times:
        if name == "rise":
            up = moment
        elif up is not None:
            spans.append((up, moment))
            up = None
    if up is not None:
        spans.append((up, scale.high))
    lit = almanacs[0].moon_illumination
    for start, end in spans:
        a, b = scale.clamped(start), scale.clamped(end)
        if b - a > 1:
            opacity = f"{0.2 + 0.8 * lit:.2f}" if math.isfinite(lit) else ".5"
            drawing.path(
                box(a, SKY - 6, b - a, 4), "c-moon-disc", fill="currentColor", fill_opacity=opacity
            )
            if b - a > 60:
                drawing.text((a + b) / 2, SKY - 9, words("chart.night.moon"), "c-note", "middle")


def _window(
    drawing: Drawing, scale: TimeScale, forecast: Forecast, y: float, words: ChartWords
) -> None:
    """Draw the window of a forecast in the colour of its grade, with its name and chance."""
    start, end = _span(forecast)
    a, b = scale.clamped(start), scale.clamped(end)
    drawing.path(
        box(a, y, max(b - a, 3), ROW - 6), f"c-grade-{forecast.grade}", fill="currentColor"
    )
    label, (left, right) = _label(forecast, words), _extent(forecast, scale, words)
    if right == b and left == a:
        drawing.text(a + 5, y + 11, label, f"c-on-grade-{forecast.grade}")
    elif left < a:
        drawing.text(a - 5, y + 11, label, "c-strong", "end")
    else:
        drawing.text(b + 5, y + 11, label, "c-strong")


def _numbers(
    drawing: Drawing,
    scale: TimeScale,
    hours: Evidence,
    times: Sequence[datetime],
    y: float,
    words: ChartWords,
) -> None:
    """Write wind force and temperature every few hours."""
    for row, name in enumerate(("wind", "temperature")):
        drawing.text(LEFT - 6, y + 14 + 16 * row, words(f"chart.hours.{name}"), "c-tick", "end")
    drawing.once(f"numbers {y}", _figures, scale, hours, times, y)


def _figures(
    drawing: Drawing, scale: TimeScale, hours: Evidence, times: Sequence[datetime], y: float
) -> None:
    wind, air = (np.asarray(hours.variables[name].values) for name in ("wind_speed", "temperature"))
    for place, moment in enumerate(times):
        if moment.astimezone(scale.zone).hour % EVERY or not LEFT + 6 < scale(moment) < RIGHT - 6:
            continue
        if math.isfinite(wind[place]):
            force = str(beaufort(float(wind[place])))
            drawing.text(scale(moment), y + 14, force, "c-tick", "middle")
        if math.isfinite(air[place]):
            text = UNITS["celsius"].text(float(air[place]))
            drawing.text(scale(moment), y + 30, text, "c-tick", "middle")


def _axis(drawing: Drawing, scale: TimeScale, y: float) -> None:
    """Draw the local time, midnights as lines through all rows with the day behind them."""
    drawing.line(LEFT, y, RIGHT, y, "c-axis")
    for moment in scale.ticks(60 * EVERY):
        x, hour = scale(moment), moment.astimezone(scale.zone).hour
        if x < LEFT - 0.5:
            continue
        drawing.line(x, SKY if hour == 0 else y, x, y + 3, "c-grid" if hour == 0 else "c-axis")
        if x < RIGHT - 8:
            drawing.text(x, y + 15, f"{hour:02d}", "c-strong" if hour == 0 else "c-tick", "middle")


def _description(rows: Sequence[Sequence[Forecast]], scale: TimeScale, words: ChartWords) -> str:
    """Return the windows in words."""
    found = [
        words(
            "chart.hours.of_window",
            phenomenon=words(f"phenomenon.{forecast.event.phenomenon}.name"),
            percent=words.percent(forecast.probability),
            span=scale.span(*_span(forecast), words),
        )
        for row in rows
        for forecast in row
    ]
    return words("chart.hours.description", windows=words("page.semicolon").join(found))
