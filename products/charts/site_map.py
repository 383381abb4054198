"""A map of the sites: where each lies, how high, and the chance of its next headline event.

It is drawn from coordinates and heights only: no map of anybody else is behind it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from forecast.domain import Forecast, Site
from products.charts.svg import ChartWords, Drawing, Reader, breadth, number

WIDTH, MARGIN = 360.0, 34.0
LEAST, MOST = 150.0, 300.0  # [px] height of the drawing
KM_PER_DEGREE = 111.2
MOST_NAMED = 24  # of more sites a dot is an area
AREA = 30.0  # [px] side of such an area
DOT = 13.0  # [px] radius of a dot with a number
SCALES = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # [km] of the bar


@dataclass(frozen=True, slots=True)
class MapPlace:
    """A site and its next headline forecast; None where it has none."""

    site: Site
    forecast: Forecast | None


def site_map(places: Sequence[MapPlace], reader: Reader) -> Markup | None:
    """Draw the sites; None where there are fewer than two."""
    if len(places) < 2:
        return None
    words = reader.words
    middle = sum(place.site.latitude for place in places) / len(places)
    across = math.cos(math.radians(middle))
    east = [place.site.longitude * across * KM_PER_DEGREE for place in places]
    north = [place.site.latitude * KM_PER_DEGREE for place in places]
    wide, tall = max(east) - min(east), max(north) - min(north)
    scale = min((WIDTH - 2 * MARGIN) / max(wide, 1.0), (MOST - 2 * MARGIN - 20) / max(tall, 1.0))
    height = min(max(tall * scale + 2 * MARGIN + 20, LEAST), MOST)
    left = (WIDTH - wide * scale) / 2
    top = (height - 20 - tall * scale) / 2
    drawing = Drawing(height, reader.prefix)
    drawing.backdrop(0, 0, WIDTH, height, "c-map")
    points = [
        (left + (x - min(east)) * scale, top + (max(north) - y) * scale)
        for x, y in zip(east, north, strict=True)
    ]
    taken = [(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in points]
    many = len(places) > MOST_NAMED
    for place, (x, y) in _areas(places, points) if many else zip(places, points, strict=True):
        _dot(drawing, place, x, y, words)
    if not many:
        for place, (x, y) in zip(places, points, strict=True):
            _name(drawing, place, x, y, taken, height, reader)
    _bar(drawing, scale, height, words)
    names = words("page.names").join(_text(place, reader) for place in places[:MOST_NAMED])
    about = words("chart.map.many", count=len(places)) if many else words(
        "chart.map.description", sites=names
    )  # fmt: skip
    return drawing.finish(words("chart.map.title"), about)


def _areas(
    places: Sequence[MapPlace], points: Sequence[tuple[float, float]]
) -> list[tuple[MapPlace, tuple[float, float]]]:
    """Return for each area of AREA pixels its site with the highest chance, and its middle."""
    best: dict[tuple[int, int], MapPlace] = {}
    for place, (x, y) in zip(places, points, strict=True):
        area = int(x // AREA), int(y // AREA)
        if area not in best or _chance(place) > _chance(best[area]):
            best[area] = place
    middles = {area: ((area[0] + 0.5) * AREA, (area[1] + 0.5) * AREA) for area in best}
    return [(best[area], middles[area]) for area in sorted(best)]


def _chance(place: MapPlace) -> float:
    forecast = place.forecast
    return forecast.probability if forecast is not None and forecast.known else -1.0


def _dot(drawing: Drawing, place: MapPlace, x: float, y: float, words: ChartWords) -> None:
    """Draw a site in the colour of its chance, the number in it; hatched where it is not known."""
    forecast = place.forecast
    known = forecast is not None and forecast.known
    grade = forecast.grade if forecast is not None and known else 0
    drawing.dot(x, y, DOT, f"c-grade c-grade-{grade}" if known else "c-trough", fill="currentColor")
    if known and forecast is not None:
        text = words.percent(forecast.probability).removesuffix("%")
        drawing.text(x, y + 4, text, f"c-strong c-on-grade-{grade}", "middle")
    else:
        drawing.text(x, y + 4, "–", "c-strong", "middle")


def _name(
    drawing: Drawing,
    place: MapPlace,
    x: float,
    y: float,
    taken: list[tuple[float, float, float, float]],
    height: float,
    reader: Reader,
) -> None:
    """Write name and height beside a dot, where nothing is yet."""
    name = place.site.name.in_language(reader.language)
    under = reader.words("chart.map.height", height=round(place.site.elevation))
    wide = max(breadth(name), breadth(under) * 0.9)
    options = (
        (x + DOT + 4, y - 12, "start"),
        (x - DOT - 4 - wide, y - 12, "end"),
        (x - wide / 2, y + DOT + 2, "middle"),
        (x - wide / 2, y - DOT - 28, "middle"),
    )

    def free(box: tuple[float, float, float, float]) -> bool:
        inside = box[0] >= 0 and box[2] <= WIDTH and box[1] >= 0 and box[3] <= height - 14
        apart = all(
            box[2] < other[0] or box[0] > other[2] or box[3] < other[1] or box[1] > other[3]
            for other in taken
        )
        return inside and apart

    for start, top, anchor in options:
        box = (start, top, start + wide, top + 26)
        if free(box):
            taken.append(box)
            at = start if anchor == "start" else x if anchor == "middle" else start + wide
            drawing.text(at, top + 11, name, "c-strong", anchor)
            drawing.text(at, top + 24, under, "c-note", anchor)
            return


def _bar(drawing: Drawing, scale: float, height: float, words: ChartWords) -> None:
    """Draw a bar of whole kilometres, and which way is north."""
    length = max((km for km in SCALES if km * scale <= WIDTH / 3), default=1)
    x, y = 12.0, height - 12
    drawing.path(
        f"M{number(x)} {number(y - 4)}v4h{number(length * scale)}v-4",
        "c-line c-axis",
        fill="none",
        stroke="currentColor",
    )
    drawing.text(x + length * scale + 6, y + 1, words("chart.map.scale", km=length), "c-note")
    drawing.path(f"M{number(WIDTH - 16)} {number(y)}v-14l-4 5m4 -5l4 5", "c-line c-axis",
                 fill="none", stroke="currentColor")  # fmt: skip
    drawing.text(WIDTH - 26, y - 2, words("compass.0"), "c-note", "end")


def _text(place: MapPlace, reader: Reader) -> str:
    """Return name and chance in words."""
    name = place.site.name.in_language(reader.language)
    forecast = place.forecast
    if forecast is None or not forecast.known:
        return reader.words("chart.map.unknown", site=name)
    percent = reader.words.percent(forecast.probability)
    phenomenon = reader.words(f"phenomenon.{forecast.event.phenomenon}.name")
    return reader.words("chart.map.site", site=name, phenomenon=phenomenon, percent=percent)
