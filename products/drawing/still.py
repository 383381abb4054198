"""The still of a screen: the first face of a site as a picture of 1920x1080, for players that take
pictures. What matters stands in letters of EASE, nothing in letters below LEAST.
"""

from __future__ import annotations

from forecast.domain import Forecast
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.drawing.captions import Captions
from products.drawing.fonts import width
from products.drawing.palette import colours
from products.drawing.picture import Picture, height_of
from products.drawing.scene import stand_on_scene
from products.drawing.setting import SMALLER, Lines, set_heading, set_text
from products.faces import faceless, faces
from products.pages.phrases import Phrases
from products.sections import Entry, Section
from products.wording import Words

WIDTH, HEIGHT = 1920, 1080  # [px]
EASE, LEAST = 40.0, 26.5  # [px] 3.65 % and 2.43 % of the height: templates/static/display.css
MARGIN = 72.0
INNER = WIDTH - 2 * MARGIN
RIGHT = 1040.0  # [px] where the second column begins
SECOND = WIDTH - MARGIN - RIGHT  # its width
MANY = 3  # rows of marks, which are set closely
NAME = 760.0  # width of the name of the site; the marks stand beside it
STARS = 5


def still(section: Section, bulletin: Bulletin, language: str) -> Picture:
    """Draw the still of a site: who, hazards, what, how likely, when and where to look."""
    captions = Captions(bulletin, language)
    phrases = captions.phrases
    face = next(iter(faces(section)), None)
    picture = Picture(WIDTH, HEIGHT, phrases.words("language.tag"))
    stand_on_scene(picture, face, HEIGHT)
    _head(picture, section, bulletin, phrases.words)
    _hazards(picture, section, face, phrases)
    if face is None:
        _nothing(picture, section, phrases.words)
    else:
        _what(picture, face.forecast, phrases.words)
        _how(picture, face, phrases)
    _foot(picture, captions)
    return picture


def readable(text: str, size: float, wide: float, most: int = 1, bold: bool = False) -> Lines:
    """Return a text that is made smaller only down to EASE, then has one more line.

    Only where that is not enough it is shortened.
    """
    least = min(EASE / (size * SMALLER), 1.0)
    found = set_text(text, size, wide, most, bold, least)
    return found if found.whole else set_text(text, EASE, wide, most + 1, bold, 1.0)


def _head(picture: Picture, section: Section, bulletin: Bulletin, words: Words) -> None:
    """Draw the site, and the marks of the issue beside it."""
    c, title = colours(), readable(words.name(section.site.name), 72, NAME - 16, bold=True)
    left = MARGIN + max(width(line, title.size, bold=True) for line in title.lines) + 32
    rows: list[list[tuple[str, float]]] = [[]]
    for mark in _marks(bulletin, words):
        taken = width(mark, EASE) + 28
        if rows[-1] and WIDTH - MARGIN - left < taken + sum(each + 16 for _, each in rows[-1]):
            rows.append([])
        rows[-1].append((mark, taken))
    high = 54 if len(rows) < MANY else 46
    for place, row in enumerate(rows):
        right, top = WIDTH - MARGIN, (22 if len(rows) < MANY else 2) + place * (high + 4)
        for mark, taken in row:
            right -= taken
            picture.rect(right, top, taken, high, "none", radius=8, stroke=c["accent"])
            picture.line(right + 14, top + (high - EASE) / 2, mark, EASE, c["accent"])
            right -= 16
    picture.lines(MARGIN, 40 + (98 - height_of(title)) / 2, title, c["ink"], bold=True)


def _marks(bulletin: Bulletin, words: Words) -> list[str]:
    """Return the marks of an issue, and that no person reviewed it."""
    review = bulletin.review
    marks = [words(f"mark.{mark}") for mark in bulletin.marks]
    if review is not None and review.corrects is not None:
        marks.append(words("review.correction_screen", number=review.corrects))
    if review is not None and review.unreviewed:
        marks.append(words("review.unreviewed"))
    return marks


def _hazards(picture: Picture, section: Section, face: Entry | None, phrases: Phrases) -> None:
    """Draw the hazards of two days and of the face, or which cannot be assessed."""
    c = colours()
    names, line = phrases.dated_hazards(section, face)
    if not names:
        if section.soon_not_assessed:
            text = readable(phrases.not_assessed(section.soon_not_assessed), 42, INNER)
            picture.lines(MARGIN, 176, text, c["ink-soft"])
        return
    name = readable(names, 48, INNER * 0.3, 2, bold=True)
    left = MARGIN + 104
    beside = left + max(width(line, name.size, bold=True) for line in name.lines) + 32
    advice = readable(line, 44, WIDTH - MARGIN - 24 - beside)
    high = max(height_of(name), height_of(advice)) + 30
    picture.rect(MARGIN, 150, INNER, high, c["alert-ground"], radius=16, stroke=c["alert-line"])
    picture.icon("warning", MARGIN + 28, 150 + (high - 56) / 2, 56, c["alert"])
    for text, at, bold in ((name, left, True), (advice, beside, False)):
        picture.lines(at, 150 + (high - height_of(text)) / 2, text, c["alert"], bold=bold)


def _what(picture: Picture, forecast: Forecast, words: Words) -> None:
    """Draw the phenomenon, its probability, the stars and the words of the grade."""
    c, phenomenon = colours(), forecast.event.phenomenon
    step = 0 if as_usual(forecast) else forecast.grade
    colour = c["accent"] if step else c["ink"]
    picture.icon(phenomenon, MARGIN, 316, 128, colour)
    name = readable(words(f"phenomenon.{phenomenon}.name"), 120, RIGHT - MARGIN - 210, bold=True)
    picture.lines(MARGIN + 166, 318 + (120 - height_of(name)) / 2, name, c["ink"], bold=True)
    percent = words.percent(forecast.probability)
    picture.line(MARGIN - 10, 450, percent, 340, colour, bold=step > 0, wide=RIGHT - MARGIN - 60)
    at = MARGIN
    for star in range(STARS if step else 0):
        name_of = "star" if star < forecast.grade else "star-empty"
        picture.icon(name_of, at, 824, 84, colour)
        at += 94
    key = "usual.badge" if as_usual(forecast) else f"grade.{forecast.grade}"
    level = readable(words(key), 52, RIGHT - 60 - at - 28, bold=True)
    picture.lines(at + 28 if step else at, 840, level, colour, bold=True)


def _how(picture: Picture, entry: Entry, phrases: Phrases) -> None:
    """Draw when, where to look, why, and the chance to stand in the cloud."""
    c, words, forecast = colours(), phrases.words, entry.forecast
    event = forecast.event
    when = words(f"phenomenon.{event.phenomenon}.when")
    day = words("entry.on_day", day=words.day_week(event.day), when=when)
    window = words.best(forecast)
    rows = [
        (readable(day, 52, SECOND), c["ink-soft"], False),
        (readable("" if window == when else window, 112, SECOND, 2, bold=True), c["ink"], True),
        (readable(phrases.facing(entry) if entry.has_view else "", 60, SECOND, 2, bold=True),
         c["ink"], True),
        (readable(phrases.why(forecast), 46, SECOND, 4), c["ink"], False),
    ]  # fmt: skip
    if unknown := phrases.open_hazards(entry):
        rows.append((readable(unknown, 46, SECOND), c["ink"], False))
    if "in_cloud" in forecast.states:
        wall = words("state.white_wall", percent=words.percent(forecast.states["in_cloud"]))
        rows.append((readable(wall, 46, SECOND), c["accent"], False))
    rows = [row for row in rows if row[0].lines]
    high = sum(height_of(lines) for lines, *_ in rows)
    gap = min((900 - 316 - high) / max(len(rows) - 1, 1), 56)
    at = 316 + (900 - 316 - high - gap * (len(rows) - 1)) / 2
    for lines, colour, bold in rows:
        picture.lines(RIGHT, at, lines, colour, bold=bold)
        at += height_of(lines) + gap


def _nothing(picture: Picture, section: Section, words: Words) -> None:
    """Draw why no landscape is shown."""
    c, key = colours(), faceless(section)
    sign = {"display.danger": "warning", "display.no_darkness": "starry_sky"}.get(key, "missing")
    colour = c["alert"] if sign == "warning" else c["ink-soft"]
    picture.icon(sign, MARGIN, 500, 160, colour)
    found = set_heading(words(key), 100, INNER - 230, 3)
    picture.lines(MARGIN + 230, 580 - height_of(found) / 2, found, c["ink"], bold=True)


def _foot(picture: Picture, captions: Captions) -> None:
    """Draw when the issue was made, who signed it, and whose data it was made of."""
    words, review = captions.words, captions.bulletin.review
    signed = words("review.signed", person=review.person) if review and review.person else ""
    about = set_text(f"{captions.times()}  {signed}", LEAST, INNER, 1, least=1.0)
    note = words("footer.license_note") + words("page.stop")
    source = set_text(f"{captions.phrases.attribution()} {note}", LEAST, INNER, 3, least=1.0)
    at = HEIGHT - 32 - height_of(source)
    picture.lines(MARGIN, at, source, colours()["ink-soft"])
    picture.lines(MARGIN, at - 1.5 * LEAST, about, colours()["ink"])
