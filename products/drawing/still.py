"""The still of a screen: the first face of a site as a picture of 1920x1080, for players that take
pictures. What matters stands in letters of EASE, nothing in letters below LEAST.
"""

from __future__ import annotations

from products.bulletin import Bulletin
from products.confidence import as_usual
from products.drawing.captions import Captions
from products.drawing.fonts import width
from products.drawing.palette import colours
from products.drawing.picture import Picture, height_of
from products.drawing.scene import VEIL, stand_on_scene, veil
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
SKY = 0.84 * HEIGHT  # [px] height of the scene
FOOT = 924.0  # [px] lower edge of what is said of the face
MANY = 3  # rows of marks, which are set closely
NAME = 760.0  # width of the name of the site; the marks stand beside it
STARS = 5


def still(section: Section, bulletin: Bulletin, language: str) -> Picture:
    """Draw the still of a site: who, hazards, what, how likely, when and where to look."""
    captions = Captions(bulletin, language)
    phrases = captions.phrases
    face = next(iter(faces(section)), None)
    picture = Picture(WIDTH, HEIGHT, phrases.words("language.tag"))
    stand_on_scene(picture, face, SKY if face else HEIGHT)
    if face:  # behind words at the left and above
        veil(picture, 0, 0, WIDTH, 230, ((0, 0.9), (0.5, VEIL), (1, 0)))
        across = ((0, 0.88), (0.6, VEIL), (0.8, 0.4), (1, 0))
        veil(picture, 0, 0, RIGHT + 200, HEIGHT, across, across=True)
    _head(picture, section, bulletin, phrases.words)
    _hazards(picture, section, face, phrases)
    if face is None:
        _nothing(picture, section, phrases.words)
    else:
        _how(picture, face, phrases)
        _what(picture, face, phrases)
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


def _what(picture: Picture, entry: Entry, phrases: Phrases) -> None:
    """Draw at the left what, how likely, when and where to look."""
    c, words, forecast = colours(), phrases.words, entry.forecast
    event, wide = forecast.event, RIGHT - MARGIN - 60
    step = 0 if as_usual(forecast) else forecast.grade
    colour = c["accent"] if step else c["ink"]
    picture.icon(event.phenomenon, MARGIN, 308, 96, colour)
    name = readable(words(f"phenomenon.{event.phenomenon}.name"), 96, wide - 136, bold=True)
    picture.lines(MARGIN + 136, 308 + (96 - height_of(name)) / 2, name, c["ink"], bold=True)
    percent = words.percent(forecast.probability)
    number = picture.line(MARGIN - 8, 408, percent, 254, colour, bold=step > 0, wide=wide * 0.62)
    left = number.x + number.width + 36
    for star in range(STARS if step else 0):
        sign = "star" if star < forecast.grade else "star-empty"
        picture.icon(sign, left + 70 * star, 496, 64, colour)
    key = "usual.badge" if as_usual(forecast) else f"grade.{forecast.grade}"
    level = readable(words(key), 50, RIGHT + 60 - left, 2, bold=True)
    picture.lines(left, 584 if step else 530, level, colour, bold=True)
    when = words(f"phenomenon.{event.phenomenon}.when")
    day, window = (
        words("entry.on_day", day=words.day_week(event.day), when=when),
        words.best(forecast),
    )
    rows = [
        (readable(day, 50, wide), False),
        (readable("" if window == when else window, 104, wide, bold=True), True),
        (readable(phrases.facing(entry) if entry.has_view else "", 56, wide, bold=True), True),
    ]
    at = 674.0
    for lines, bold in rows:
        if lines.lines:
            picture.lines(MARGIN, at, lines, c["ink"], bold=bold)
            at += height_of(lines) + 20


def _how(picture: Picture, entry: Entry, phrases: Phrases) -> None:
    """Draw at the right, below the scene, why, and the chance to stand in the cloud."""
    c, words, forecast = colours(), phrases.words, entry.forecast
    rows = [(readable(phrases.why(forecast), 46, SECOND, 4), c["ink"])]
    if unknown := phrases.open_hazards(entry):
        rows.append((readable(unknown, 46, SECOND), c["ink"]))
    if "in_cloud" in forecast.states:
        wall = words("state.white_wall", percent=words.percent(forecast.states["in_cloud"]))
        rows.append((readable(wall, 46, SECOND), c["accent"]))
    rows = [row for row in rows if row[0].lines]
    at = FOOT - sum(height_of(lines) + 24 for lines, _ in rows) + 24
    stops = ((0, 0), (0.3, VEIL), (0.6, 1), (1, 1))
    veil(picture, 0, at - 90, WIDTH, HEIGHT - at + 90, stops)
    for lines, colour in rows:
        picture.lines(RIGHT, at, lines, colour)
        at += height_of(lines) + 24


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
