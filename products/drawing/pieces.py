"""Pieces that pictures share, drawn at an upper left corner [px]."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.domain import Forecast
from products.charts.svg import number
from products.confidence import HIGH, MEDIUM, as_usual
from products.drawing.captions import Captions, Notes
from products.drawing.fonts import width
from products.drawing.palette import colours
from products.drawing.picture import Picture, height_of
from products.drawing.setting import SMALLER, Lines, set_text
from products.sections import Entry, Section, SiteDay

STARS = 5
CHIP, CHIP_GAP = 1.7, 0.5  # height of a chip, and the gap to the next, by its text's size
SMALLEST = 8  # [px] of a text, where nothing else fits


def step(forecast: Forecast) -> int:
    """Return the step of the scale by which a forecast is coloured; 0 where only the season is
    known.
    """
    return 0 if as_usual(forecast) else forecast.grade


def set_percent(
    percent: str, size: float, wide: float, forecast: Forecast
) -> tuple[Lines, str, bool]:
    """Return a percent as it is set, its colour and whether it is bold: quiet where only the season
    is known.
    """
    bold = not as_usual(forecast)
    return set_text(percent, size, wide, bold=bold), colours()["accent" if bold else "ink"], bold


def chip(
    picture: Picture, x: float, y: float, text: str, size: float, fill: str, ink: str,
    *, stroke: str = "none", wide: float = 2000,
) -> float:  # fmt: skip
    """Draw a word in a coloured field of at most `wide` [px]; return its right edge."""
    found = set_text(text, size, wide - 1.2 * size)
    taken = width(found.lines[0], found.size) + 1.2 * size
    picture.rect(x, y, taken, CHIP * size, fill, radius=0.35 * size, stroke=stroke)
    picture.lines(x + 0.6 * size, y + (CHIP * size - found.size) / 2, found, ink)
    return x + taken


def level(
    picture: Picture, x: float, y: float, forecast: Forecast, captions: Captions, size: float,
    wide: float,
) -> float:  # fmt: skip
    """Draw the words of the grade in its colour; return their right edge."""
    c, grade = colours(), step(forecast)
    stroke = c["ink-soft"] if grade == 0 else c["line"]
    fill, ink = c[f"grade-{grade}"], c[f"grade-{grade}-text"]
    return chip(picture, x, y, captions.level(forecast), size, fill, ink, stroke=stroke, wide=wide)


def stars(
    picture: Picture, x: float, y: float, forecast: Forecast, size: float, colour: str = ""
) -> None:
    """Draw the stars of a grade; none where only the season is known, or nothing."""
    for place in range(STARS if step(forecast) else 0):
        name = "star" if place < forecast.grade else "star-empty"
        picture.icon(name, x + 1.15 * size * place, y, size, colour or colours()["accent"])


def stars_width(size: float) -> float:
    return (1.15 * (STARS - 1) + 1) * size


def dot(picture: Picture, x: float, y: float, size: float, confidence: int, colour: str) -> None:
    """Draw the sign of the confidence: a filled, a half filled, an open dot."""
    if not confidence:
        return
    half, line = size / 2, f'fill="none" stroke="{colour}" stroke-width="{number(size / 7)}"'
    middle = f'cx="{number(x + half)}" cy="{number(y + half)}"'
    picture.add(f'<circle {middle} r="{number(half * 0.86)}" {line}/>')
    if confidence == HIGH:
        picture.add(f'<circle {middle} r="{number(half * 0.86)}" fill="{colour}"/>')
    elif confidence == MEDIUM:
        r = number(half * 0.86)
        picture.add(
            f'<path fill="{colour}" d="M{number(x + half)} {number(y + half * 0.14)}'
            f'a{r} {r} 0 0 0 0 {number(half * 1.72)}z"/>'
        )


def rose(picture: Picture, x: float, y: float, size: float, entry: Entry) -> None:
    """Draw a compass: an arrow to the direction of view, or the sector of the site's view."""
    c, site = colours(), entry.forecast.event.site
    parts = [
        f'<circle cx="50" cy="50" r="40" fill="none" stroke="{c["ink-soft"]}" stroke-width="5"/>'
        f'<path d="M50 84v10M6 50h10M84 50h10M50 16v-8M45 3v-14l10 14v-14" fill="none" '
        f'stroke="{c["ink-soft"]}" stroke-width="5"/>'
    ]
    if entry.azimuth is not None:
        parts.append(
            f'<path transform="rotate({round(entry.azimuth)} 50 50)" fill="{c["accent"]}" '
            'd="M50 14 65 78 50 67 35 78z"/>'
        )
    elif site.view_surveyed:
        first, last = site.view_sector
        span, around = round((last - first) % 360), 157.08  # a circle of radius 25
        dashes = f' stroke-dasharray="{number(around * span / 360)} 158"' if span else ""
        parts.append(
            f'<circle cx="50" cy="50" r="25" fill="none" stroke="{c["accent"]}" '
            f'stroke-width="22"{dashes} transform="rotate({round(first - 90)} 50 50)"/>'
        )
    unit = size / 112  # with the letter for north above it
    picture.group(x + 6 * unit, y + 14 * unit, unit, "".join(parts))


@dataclass(frozen=True, slots=True)
class Marks:
    """The strong notes of an issue in rows of chips; size: of their text [px]."""

    rows: tuple[tuple[str, ...], ...]
    size: float

    @property
    def height(self) -> float:
        count = len(self.rows)
        return (CHIP * count + CHIP_GAP * (count - 1)) * self.size if count else 0.0


def set_marks(notes: Notes, size: float, wide: float, most: int = 1) -> Marks:
    """Return the strong notes of an issue in at most `most` rows, smaller where they need it."""
    while True:
        rows, right = [], wide + 1.0
        for text in notes.strong:
            taken = width(text, size) + 1.2 * size
            if right + taken > wide:
                rows.append([text])
                right = 0.0
            else:
                rows[-1].append(text)
            right += taken + CHIP_GAP * size
        if len(rows) <= most or size < SMALLEST:
            return Marks(tuple(map(tuple, rows)), size)
        size *= SMALLER


def marks(picture: Picture, x: float, y: float, found: Marks) -> None:
    """Draw the strong notes of an issue."""
    c, size = colours(), found.size
    for place, row in enumerate(found.rows):
        left, top = x, y + place * (CHIP + CHIP_GAP) * size
        for text in row:
            right = chip(picture, left, top, text, size, c["accent"], c["on-accent"])
            left = right + CHIP_GAP * size


def alert_height(name: Lines, advice: Lines, pad: float) -> float:
    between = 0.35 * name.size if advice.lines else 0
    return 2 * pad + height_of(name) + between + height_of(advice)


def alert(
    picture: Picture, x: float, y: float, wide: float, name: Lines, advice: Lines, pad: float
) -> None:
    """Draw hazards in a box: their names beside the sign of a warning, and what to do."""
    c, high = colours(), alert_height(name, advice, pad)
    picture.rect(x, y, wide, high, c["alert-ground"], radius=16, stroke=c["alert-line"])
    picture.rect(x, y, 10, high, c["alert"], radius=4)
    picture.icon("warning", x + pad, y + pad - 0.1 * name.size, 1.2 * name.size, c["alert"])
    inner = x + pad + 1.6 * name.size
    picture.lines(inner, y + pad, name, c["alert"], bold=True)
    picture.lines(inner, y + pad + height_of(name) + 0.35 * name.size, advice, c["ink"])


def alert_lines(
    texts: tuple[str, str], size: float, wide: float, pad: float, most: int
) -> tuple[Lines, Lines]:
    """Return the names of hazards and the advice, set for `alert`. most: lines of the advice."""
    inner = wide - 2 * pad - 1.6 * size
    return (
        set_text(texts[0], size, inner, 2, bold=True),
        set_text(texts[1], 0.72 * size, inner, most) if texts[1] else Lines((), 0.72 * size),
    )


def hatched(picture: Picture, x: float, y: float, wide: float, high: float) -> None:
    """Draw a field for what is not known."""
    c = colours()
    picture.add(
        '<defs><pattern id="hatch" width="12" height="12" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path d="M0 0v12" stroke="{c["ink-soft"]}" '
        'stroke-opacity=".45" stroke-width="3"/></pattern></defs>'
    )
    picture.rect(x, y, wide, high, "url(#hatch)", radius=8)


def column(
    picture: Picture, x: float, y: float, wide: float, high: float, day: SiteDay,
    captions: Captions,
) -> None:  # fmt: skip
    """Draw one day of a week: the percent, a column as high, the weekday and how sure it is."""
    if day.headline is None:
        return
    c, forecast, size = colours(), day.headline.forecast, high * 0.19
    middle, left, bar = x + wide / 2, x + 0.16 * wide, 0.68 * wide
    percent = captions.words.percent(forecast.probability)
    bold = not as_usual(forecast)
    picture.line(middle, y, percent, size, c["ink"], bold=bold, anchor="middle", wide=wide)
    top, trough = y + 1.3 * size, high - 2.9 * size
    picture.rect(left, top, bar, trough, c["ground"], radius=6)
    if not forecast.known:
        hatched(picture, left, top, bar, trough)
    elif as_usual(forecast):
        picture.rect(left, top, bar, trough, "none", radius=6, stroke=c["ink-soft"], dashed=True)
        cell = captions.words("usual.cell")
        at = top + trough / 2 - 0.4 * size
        picture.line(middle, at, cell, 0.8 * size, c["ink"], anchor="middle", wide=bar)
    else:
        filled = max(trough * forecast.probability, 6)
        fill = c[f"grade-{forecast.grade}"]
        picture.rect(left, top + trough - filled, bar, filled, fill, radius=6, stroke=c["ink-soft"])
    _weekday(picture, middle, y + high - 1.25 * size, size, day.headline, captions)


def _weekday(
    picture: Picture, middle: float, y: float, size: float, entry: Entry, captions: Captions
) -> None:
    c, name = colours(), captions.words.weekday(entry.forecast.event.day)
    sign = 0.6 * size if entry.forecast.confidence or entry.dangerous else 0
    taken = width(name, 0.9 * size) + 1.5 * sign
    placed = picture.line(middle - taken / 2, y, name, 0.9 * size, c["ink-soft"])
    at = placed.x + placed.width + 0.5 * sign
    if entry.dangerous:
        picture.icon("warning", at - 0.1 * size, y, 0.9 * size, c["alert"])
    else:
        dot(picture, at, y + 0.2 * size, sign, entry.forecast.confidence, c["ink-soft"])


def week(
    picture: Picture, x: float, y: float, wide: float, high: float, section: Section,
    captions: Captions,
) -> None:  # fmt: skip
    """Draw the headline's probability day by day."""
    days = [day for day in section.days if day.headline is not None]
    each = wide / max(len(days), 1)
    for place, day in enumerate(days):
        column(picture, x + place * each, y, each, high, day, captions)
