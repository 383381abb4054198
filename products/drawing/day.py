"""The long picture of the day: hazards, the best of the next days, and every site day by day."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from products.confidence import as_usual
from products.drawing import pieces
from products.drawing.captions import Captions
from products.drawing.palette import colours
from products.drawing.picture import Picture, height_of
from products.drawing.poster import MARGIN, WIDTH, foot, heading, inner
from products.drawing.scene import VEIL, stand_on_scene, veil
from products.drawing.setting import set_text
from products.drawing.stack import Block, stack
from products.drawing.stack import height_of as height_of_blocks
from products.sections import Alert, Entry, Section, SiteDay

SKY = 600  # [px] height of the scene
CLEAR = 250  # [px] of it without words
TALLEST = 12_000  # [px]
CELL, GAP = 92, 8  # [px] height of a cell, and between two


def long_picture(sections: Sequence[Section], captions: Captions) -> Picture:
    """Draw the picture of the day, as high as it needs to be."""
    bulletin, words = captions.bulletin, captions.words
    picture = Picture(WIDTH, TALLEST, captions.tag)
    best = bulletin.best[0] if bulletin.best else None
    drawn = best is not None and best.forecast.known
    stand_on_scene(picture, best, SKY)
    if drawn:  # behind the name
        veil(picture, 0, 0, WIDTH, 350, ((0, VEIL), (0.64, VEIL), (1, 0)))
    title = words.name(bulletin.title)
    year = words.local(bulletin.issue.issued).year
    number = words("page.number_of_year", number=bulletin.issue.number, year=year)
    place = f"{words.name(bulletin.district)}{words('page.dot')}{number}"
    blocks = [
        *heading(picture, captions, title, place),
        *([Block(CLEAR, lambda y: None, fixed=True)] if drawn else []),
        *_safety(picture, captions),
        *_comment(picture, captions),
        *_best(picture, captions),
        *_matrix(picture, sections, captions),
        *foot(picture, captions, captions.address("index.html")),
    ]
    picture.height = height_of_blocks(blocks) + MARGIN + 48
    stack(blocks, MARGIN, picture.height - 48)
    return picture


def _head(picture: Picture, text: str) -> Block:
    def draw(y: float) -> None:
        picture.line(MARGIN, y, text, 40, colours()["accent"], bold=True, wide=inner(picture))

    return Block(40, draw, before=56)


def _paragraph(picture: Picture, text: str, size: float, most: int, before: float = 20) -> Block:
    found = set_text(text, size, inner(picture), most)

    def draw(y: float) -> None:
        picture.lines(MARGIN, y, found, colours()["ink"])

    return Block(height_of(found), draw, before=before)


def _safety(picture: Picture, captions: Captions) -> list[Block]:
    """Return every hazard with its days, sites and advice, and the days without any."""
    outlook, phrases = captions.bulletin.outlook, captions.phrases
    blocks = [_alert(picture, alert, captions) for alert in outlook.alerts]
    texts = [text for text in (phrases.clear(outlook), phrases.gaps(outlook)) if text]
    return [*blocks, *(_paragraph(picture, text, 32, 4) for text in texts)]


def _alert(picture: Picture, alert: Alert, captions: Captions) -> Block:
    texts = (captions.words(f"hazard.{alert.hazard}.name"), captions.phrases.alert_text(alert))
    name, advice = pieces.alert_lines(texts, 42, inner(picture), 24, most=5)

    def draw(y: float) -> None:
        pieces.alert(picture, MARGIN, y, inner(picture), name, advice, 24)

    return Block(pieces.alert_height(name, advice, 24), draw)


def _comment(picture: Picture, captions: Captions) -> list[Block]:
    _, text = captions.phrases.comment()
    if not text:
        return []
    return [_head(picture, captions.words("review.comment")), _paragraph(picture, text, 34, 8)]


def _best(picture: Picture, captions: Captions) -> list[Block]:
    bulletin, words = captions.bulletin, captions.words
    blocks = [_head(picture, words("section.best"))]
    if not bulletin.best:
        text = words(f"section.best_{bulletin.best_reason}") + words("page.stop")
        return [*blocks, _paragraph(picture, text, 40, 3)]
    if bulletin.best_poor:
        blocks.append(_paragraph(picture, words("section.best_low"), 32, 2))
    return [*blocks, *(_entry(picture, entry, captions) for entry in bulletin.best)]


def _entry(picture: Picture, entry: Entry, captions: Captions) -> Block:
    """Return one of the best: number, spot, when, where to look, why, and the hazards."""
    c, forecast, words = colours(), entry.forecast, captions.words
    wide = inner(picture) - 64
    parts = [f"{captions.day(forecast)} {captions.window(forecast)}".strip()]
    parts += [captions.phrases.facing(entry)] if entry.has_view else []
    parts += [text for text in (captions.sure(forecast), captions.white_wall(forecast)) if text]
    risk = f"{captions.phrases.risk_of(entry)}{words('page.colon')}{captions.phrases.risk(entry)}"
    texts = [
        (set_text(words("page.separator").join(parts), 34, wide, 3), c["ink"]),
        (set_text(captions.phrases.why(forecast), 32, wide, 4), c["ink"]),
        (set_text(risk, 30, wide, 3), c["alert"] if entry.hazards else c["ink-soft"]),
    ]
    high = 28 + 92 + sum(20 + height_of(found) for found, _ in texts) + 30

    def draw(y: float) -> None:
        picture.rect(MARGIN, y, inner(picture), high, c["sheet"], radius=24, stroke=c["line"])
        picture.rect(MARGIN, y, inner(picture), 8, c[f"grade-{pieces.step(forecast)}"], radius=4)
        _line(picture, y + 28, entry, captions)
        at = y + 28 + 92 + 20
        for found, colour in texts:
            picture.lines(MARGIN + 32, at, found, colour)
            at += height_of(found) + 20

    return Block(high, draw)


def _line(picture: Picture, y: float, entry: Entry, captions: Captions) -> None:
    """Draw the spot, the stars and the percent of one of the best."""
    c, forecast, right = colours(), entry.forecast, picture.width - MARGIN - 32
    percent = captions.words.percent(forecast.probability)
    found, colour, bold = pieces.set_percent(percent, 92, 300, forecast)
    number = picture.line(right, y, percent, found.size, colour, bold, anchor="end")
    wide = number.x - MARGIN - 32 - 88 - 24
    picture.icon(forecast.event.phenomenon, MARGIN + 32, y + 12, 68, c["accent"])
    left = MARGIN + 32 + 88
    picture.line(left, y + 2, captions.spot(forecast), 46, c["ink"], bold=True, wide=wide)
    pieces.stars(picture, left, y + 58, forecast, 30)
    at = left + (pieces.stars_width(30) + 20 if pieces.step(forecast) else 0)
    pieces.level(picture, at, y + 54, forecast, captions, 24, number.x - 24 - at)


def _matrix(picture: Picture, sections: Sequence[Section], captions: Captions) -> list[Block]:
    """Return a row of cells for each site, and what the signs in them mean."""
    words, rest = captions.words, len(captions.bulletin.sections) - len(sections)
    rows = [_row(picture, section, captions) for section in sections]
    more = [words("wechat.rest", count=rest)] if rest else []
    texts = [*more, words("reading.probability"), words("picture.signs")]
    key = [
        _paragraph(picture, text, 26, 4, before=14 if at else 28) for at, text in enumerate(texts)
    ]
    return [_head(picture, words("section.matrix")), _days(picture, captions), *rows, *key]


def _columns(picture: Picture, captions: Captions) -> list[tuple[float, float]]:
    """Return the left edge and the width of each day's column."""
    count = len(captions.bulletin.days)
    wide = (inner(picture) - GAP * (count - 1)) / count
    return [(MARGIN + place * (wide + GAP), wide) for place in range(count)]


def _days(picture: Picture, captions: Captions) -> Block:
    def draw(y: float) -> None:
        columns = zip(_columns(picture, captions), captions.bulletin.days, strict=True)
        for (x, wide), day in columns:
            middle, soft = x + wide / 2, colours()["ink-soft"]
            picture.line(
                middle, y, captions.words.weekday(day), 28, soft, anchor="middle", wide=wide
            )
            short = captions.words("time.short", day=day.day)
            picture.line(middle, y + 36, short, 26, soft, anchor="middle", wide=wide)

    return Block(62, draw, before=24)


def _row(picture: Picture, section: Section, captions: Captions) -> Block:
    c, words = colours(), captions.words

    def draw(y: float) -> None:
        picture.icon(section.site.headline, MARGIN, y, 40, c["accent"])
        name = words.spot(section.site, section.site.headline)
        picture.line(MARGIN + 54, y, name, 36, c["ink"], bold=True, wide=inner(picture) - 54)
        for (x, wide), day in zip(_columns(picture, captions), section.days, strict=False):
            _cell(picture, x, y + 52, wide, day, captions)

    return Block(52 + CELL, draw, before=28)


def _cell(
    picture: Picture, x: float, y: float, wide: float, day: SiteDay, captions: Captions
) -> None:
    """Draw the headline of one day: the percent and the stars on the colour of the grade."""
    c, entry, middle = colours(), day.headline, x + wide / 2
    write = partial(picture.line, anchor="middle", wide=wide - 6)
    if entry is None or not entry.forecast.known:
        picture.rect(x, y, wide, CELL, "none", radius=10, stroke=c["line"], dashed=entry is None)
        if entry is not None:
            pieces.hatched(picture, x, y, wide, CELL)
        write(middle, y + 26, captions.words("probability.unknown"), 34, c["ink-soft"])
        return
    forecast, grade = entry.forecast, pieces.step(entry.forecast)
    ink = c[f"grade-{grade}-text"] if grade else c["ink"]
    stroke = c["line"] if grade else c["ink-soft"]
    picture.rect(x, y, wide, CELL, c[f"grade-{grade}"], radius=10, stroke=stroke, dashed=not grade)
    percent = captions.words.percent(forecast.probability)
    write(middle, y + 14, percent, 36, ink, bold=not as_usual(forecast))
    if grade:
        size = min(20.0, (wide - 12) / 5.6)
        pieces.stars(picture, middle - pieces.stars_width(size) / 2, y + 58, forecast, size, ink)
    else:
        write(middle, y + 56, captions.words("usual.cell"), 24, ink)
    if entry.dangerous:
        picture.icon("warning", x + wide - 28, y + 4, 24, ink)
    else:
        pieces.dot(picture, x + wide - 22, y + 6, 16, forecast.confidence, ink)
