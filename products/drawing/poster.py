"""The poster of a site, upright: what, how likely, when, where to look, is it safe, and the week.

Read at three distances: the number and the name at ten metres, the sentence at two, the notes at
the foot in the hand.
"""

from __future__ import annotations

from functools import partial

from products.drawing import pieces
from products.drawing.captions import Captions
from products.drawing.fonts import width
from products.drawing.palette import colours
from products.drawing.picture import Picture, height_of
from products.drawing.scene import VEIL, stand_on_scene, veil
from products.drawing.setting import Lines, set_heading, set_text
from products.drawing.stack import Block, stacked
from products.faces import faceless, faces, title_of
from products.sections import Entry, Section

WIDTH, HEIGHT = 1080, 1920  # [px]
MARGIN = 72
SKY = 0.5  # part of the height that the scene takes
CLEAR = 290  # [px] at least of it without words
CODE = 168  # [px] side of the QR code


def poster(section: Section, captions: Captions) -> Picture:
    """Draw the poster of a site."""
    found = faces(section)
    face = found[0] if found else None
    title = title_of(section, face)
    names = (captions.words.name(title), captions.beside.name(title))
    address = captions.address(f"sites/{section.site.id}/index.html")

    def make(zoom: float) -> tuple[Picture, list[Block]]:
        picture = Picture(WIDTH, HEIGHT, captions.tag, zoom)
        stand_on_scene(picture, face, SKY * picture.height)
        if face:  # behind the name
            veil(picture, 0, 0, picture.width, 350, ((0, VEIL), (0.64, VEIL), (1, 0)))
        return picture, [
            *heading(picture, captions, *names),
            *([Block(CLEAR, lambda y: None, fixed=True)] if face else []),
            *_hazards(picture, section, face, captions),
            *(_what(picture, face, captions) if face else _nothing(picture, section, captions)),
            *_week(picture, section, face, captions),
            *foot(picture, captions, address),
        ]

    return stacked(make, MARGIN, 48)


def inner(picture: Picture) -> float:
    """Return the width [px] between the margins."""
    return picture.width - 2 * MARGIN


def heading(picture: Picture, captions: Captions, name: str, beside: str) -> list[Block]:
    """Return the name of what a picture is about, in both languages, and the marks of the issue."""
    c, marks = colours(), pieces.set_marks(captions.notes(), 34, inner(picture), 2)
    title = set_heading(name, 92, inner(picture))
    second = set_text(beside, 38, inner(picture))

    def draw(y: float) -> None:
        picture.lines(MARGIN, y, title, c["ink"], bold=True)
        picture.lines(MARGIN, y + height_of(title) + 20, second, c["ink"])

    blocks = [Block(height_of(title) + 20 + height_of(second), draw)]
    if marks.rows:
        draw_marks = partial(pieces.marks, picture, MARGIN, found=marks)
        blocks.append(Block(marks.height, draw_marks, fixed=True))
    return blocks


def _hazards(
    picture: Picture, section: Section, face: Entry | None, captions: Captions
) -> list[Block]:
    """Return the hazards of two days and of the days of the face; nothing where there are none."""
    names, advice = captions.phrases.dated_hazards(section, face)
    return [alert_block(picture, (names, advice), 52)] if names else []


def alert_block(picture: Picture, texts: tuple[str, str], size: float) -> Block:
    name, advice = pieces.alert_lines(texts, size, inner(picture), 28, most=3)
    draw = partial(_alert, picture, name, advice)
    return Block(pieces.alert_height(name, advice, 28), draw, before=32, fixed=True)


def _alert(picture: Picture, name: Lines, advice: Lines, y: float) -> None:
    pieces.alert(picture, MARGIN, y, inner(picture), name, advice, 28)


def _what(picture: Picture, entry: Entry, captions: Captions) -> list[Block]:
    """Return the face: the phenomenon, its probability, when and where to look, and why."""
    c, forecast = colours(), entry.forecast
    name = set_text(captions.phenomenon(forecast), 128, inner(picture) - 168, bold=True)

    def draw_name(y: float) -> None:
        behind = ((0, 0), (0.18, VEIL), (1, 1))
        veil(picture, 0, y - 34, picture.width, SKY * picture.height - y + 35, behind)
        picture.icon(forecast.event.phenomenon, MARGIN, y, 132, c["accent"])
        top = y + (132 - name.size) / 2
        picture.lines(MARGIN + 168, top, name, c["ink"], bold=True)
        used = MARGIN + 168 + width(name.lines[0], name.size, bold=True)
        beside = captions.beside(f"phenomenon.{forecast.event.phenomenon}.name")
        if (free := picture.width - MARGIN - used - 28) > 120:
            low = y + 66 + name.size / 2 - 52
            picture.line(used + 28, low, beside, 38, c["ink"], wide=free)

    return [
        Block(132, draw_name, before=36),
        Block(256, partial(_number, picture, entry, captions), before=10, fixed=True),
        *_when(picture, entry, captions),
    ]


def _number(picture: Picture, entry: Entry, captions: Captions, y: float) -> None:
    """Draw the probability, the stars and the words of the grade."""
    c, forecast = colours(), entry.forecast
    percent = captions.words.percent(forecast.probability)
    found, colour, bold = pieces.set_percent(percent, 250, 520, forecast)
    top = y + (240 - found.size) / 2
    placed = picture.line(MARGIN - 12, top, percent, found.size, colour, bold=bold)
    left = placed.x + placed.width + 48
    wide = picture.width - MARGIN - left
    size = min(62.0, wide / 5.6)
    pieces.stars(picture, left, y + 34, forecast, size)
    top = y + (116 if pieces.step(forecast) else 60)
    pieces.level(picture, left, top, forecast, captions, 46, wide)
    parts = [captions.sure(forecast), captions.white_wall(forecast)]
    text = captions.words("page.separator").join(part for part in parts if part)
    pieces.dot(picture, left, y + 210, 30, forecast.confidence, c["ink"])
    picture.line(left + 42, y + 204, text, 40, c["ink"], wide=wide - 42)


def _when(picture: Picture, entry: Entry, captions: Captions) -> list[Block]:
    c, forecast = colours(), entry.forecast
    day = set_text(captions.day(forecast), 52, inner(picture))
    window = set_text(captions.window(forecast), 112, inner(picture), bold=True)
    facing = set_text(captions.phrases.facing(entry), 56, inner(picture) - 120, 2)
    why = set_text(captions.phrases.why(forecast), 42, inner(picture), 3)

    def draw_when(y: float) -> None:
        picture.lines(MARGIN, y, day, c["ink"])
        picture.lines(MARGIN, y + day.size + 14, window, c["ink"], bold=True)

    def draw_facing(y: float) -> None:
        pieces.rose(picture, MARGIN, y, 92, entry)
        picture.lines(MARGIN + 120, y + (92 - height_of(facing)) / 2, facing, c["ink"])

    def draw_why(y: float) -> None:
        picture.lines(MARGIN, y, why, c["ink"])

    below = 14 + window.size if window.lines else 0
    blocks = [Block(day.size + below, draw_when)]
    if entry.has_view:
        blocks.append(Block(92, draw_facing, before=28, fixed=True))
    return [*blocks, Block(height_of(why), draw_why)]


def _nothing(picture: Picture, section: Section, captions: Captions) -> list[Block]:
    """Return why no landscape is shown."""
    c, key = colours(), faceless(section)
    sign = {"display.danger": "warning", "display.no_darkness": "starry_sky"}.get(key, "missing")
    colour = c["alert"] if sign == "warning" else c["ink-soft"]
    text = set_heading(captions.words(key), 92, inner(picture), 4)

    def draw(y: float) -> None:
        picture.icon(sign, MARGIN, y, 220, colour)
        picture.lines(MARGIN, y + 280, text, c["ink"], bold=True)

    return [Block(280 + height_of(text), draw)]


def _week(
    picture: Picture, section: Section, face: Entry | None, captions: Captions
) -> list[Block]:
    """Return the days of the site's headline with the better day; above, which hazards are not
    assessed, or that none is seen.
    """
    c, headline, blocks = colours(), section.next, []
    unknown = captions.not_assessed(section, face)
    if unknown or not captions.phrases.dated_hazards(section, face)[0]:
        text = unknown or captions.words("picture.no_hazards")
        calm = set_text(text, 38, inner(picture) - 60, 2)

        def draw_calm(y: float) -> None:
            sign = "warning" if unknown else "weather"
            picture.icon(sign, MARGIN, y - 4, 44, c["ink-soft"])
            picture.lines(MARGIN + 60, y, calm, c["ink"])

        blocks.append(Block(height_of(calm), draw_calm))
    if headline is None:
        return blocks
    name = captions.phenomenon(headline.forecast)
    title = set_text(captions.words("display.next_days", phenomenon=name), 32, inner(picture) - 56)
    better = set_text(captions.better(headline, face), 40, inner(picture) - 56, 2, bold=True)
    above = 28 + title.size + (height_of(better) + 18 if better.lines else 0) + 22

    def draw(y: float) -> None:
        picture.rect(MARGIN, y, inner(picture), above + 216 + 20, c["raised"], radius=24)
        picture.lines(MARGIN + 28, y + 28, title, c["ink-soft"])
        picture.lines(MARGIN + 28, y + 28 + title.size + 18, better, c["accent"], bold=True)
        pieces.week(picture, MARGIN + 20, y + above, inner(picture) - 40, 216, section, captions)

    return [*blocks, Block(above + 216 + 20, draw)]


def foot(picture: Picture, captions: Captions, address: str) -> list[Block]:
    """Return who issued the forecast and when, whose data it was made of, and the QR code."""
    c, words = colours(), captions.words
    wide = inner(picture) - (CODE + 40 if address else 0)
    plain = words("page.separator").join(captions.notes().plain)
    bodies = words.listed(captions.phrases.names(captions.bulletin.bodies))
    rows = [
        (set_text(captions.numbered(), 32, wide, 2, bold=True), c["ink"], True),
        (
            set_text(" ".join(part for part in (bodies, plain) if part), 28, wide, 2),
            c["ink"],
            False,
        ),
        (set_text(captions.times(), 28, wide, 2), c["ink"], False),
        (set_text(words("footer.statement"), 22, wide, 3), c["ink-soft"], False),
    ]
    rows = [row for row in rows if row[0].lines]
    source = set_text(captions.phrases.attribution(), 18, inner(picture), 5, least=0.8)
    beside = sum(height_of(lines) + 12 for lines, *_ in rows)
    high = max(beside, CODE + 40 if address else 0)

    def draw(y: float) -> None:
        at = y
        for lines, colour, bold in rows:
            picture.lines(MARGIN, at, lines, colour, bold=bold)
            at += height_of(lines) + 12
        if address:
            left = picture.width - MARGIN - CODE
            picture.qr(address, left, y, CODE)
            picture.line(left + CODE / 2, y + CODE + 10, words("picture.scan"), 24, c["ink"],
                         anchor="middle", wide=CODE)  # fmt: skip
        picture.lines(MARGIN, y + high + 10, source, c["ink-soft"])

    return [Block(high + 10 + height_of(source), draw, before=32)]
