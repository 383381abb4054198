"""One phenomenon over the days, as a strip of columns."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from markupsafe import Markup

from forecast.domain import Forecast
from products.charts.svg import WIDTH, Drawing, Scale, box, number, polyline
from products.confidence import as_usual
from products.wording import Words


def probability_strip(
    forecasts: Sequence[Forecast], words: Words, language: str, zone: ZoneInfo, prefix: str = ""
) -> Markup | None:
    """Draw a column a day, as tall as the probability, with its spread.

    A column that says no more than the season is hollow.
    """
    if not forecasts:
        return None
    days = sorted(forecasts, key=lambda forecast: forecast.event.day)
    event = days[0].event
    drawing = Drawing(112, prefix or f"strip-{event.site.id}-{event.phenomenon}-{event.day}")
    level, step = Scale(0, 1, 84, 24), (WIDTH - 8) / len(days)
    texts = [
        _column(drawing, level, forecast, 4 + k * step + 0.12 * step, 0.76 * step, words)
        for k, forecast in enumerate(days)
    ]
    drawing.line(4, level.start, WIDTH - 4, level.start, "c-axis")
    names = {"spot": words.spot(event.site, event.phenomenon)}
    return drawing.finish(
        words("chart.strip.title", **names),
        words("chart.strip.description", days=words("page.clause").join(texts), **names),
    )


def _column(
    drawing: Drawing, level: Scale, forecast: Forecast, x: float, width: float, words: Words
) -> str:
    """Draw the column of one day and return its text."""
    middle, day = x + width / 2, forecast.event.day
    height = level.start - level.end
    name = words(f"weekday.{day.weekday()}")
    short = width < 22.8  # [px] a weekday does not fit
    drawing.text(middle, 99, str(day.day) if short else name, "c-tick", "middle")
    drawing.rect(
        x, level.end, width, height, "c-trough", fill="currentColor", fill_opacity=".07", rx=3
    )
    if not forecast.known:
        drawing.hatch(box(x, level.end, width, height))
        drawing.text(middle, level.end - 7, words("probability.unknown"), "c-strong", "middle")
        return f"{name} {words('chart.no_data')}"
    percent = words.percent(forecast.probability)
    top = min(level(forecast.probability), level.start - 2)
    if as_usual(forecast):
        usual = {"fill": "none", "stroke": "currentColor", "stroke_dasharray": "3 3"}
        drawing.rect(x, top, width, level.start - top, "c-usual", rx=3, **usual)
    else:
        grade = f"c-grade c-grade-{forecast.grade}"
        drawing.rect(x, top, width, level.start - top, grade, fill="currentColor", rx=3)
    drawing.text(middle, level.end - 7, percent, "c-strong", "middle")
    if forecast.spread and forecast.spread.low < forecast.spread.high:
        low, high = level(forecast.spread.low), level(forecast.spread.high)
        ends = "".join(f"M{number(middle - 3)} {number(y)}h6" for y in (low, high))
        whisker = polyline([(middle, low), (middle, high)]) + ends
        for classes in ("c-spread-under", "c-spread"):
            drawing.path(whisker, f"c-line {classes}", fill="none", stroke="currentColor")
    if as_usual(forecast):
        return f"{name} {percent} {words('usual.cell')}"
    return f"{name} {percent}"
