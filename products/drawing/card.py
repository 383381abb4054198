"""Cards for links (1200x630) and covers of articles (900x383 and square), of a site or the service.

They are seen small: a name, a number, when and where, the hazards; the page behind says the rest.
"""

from __future__ import annotations

from products.drawing import pieces
from products.drawing.captions import Captions
from products.drawing.fonts import width
from products.drawing.palette import colours
from products.drawing.picture import Picture, height_of
from products.drawing.scene import VEIL, stand_on_scene, veil
from products.drawing.setting import set_heading, set_text
from products.faces import faceless, faces, title_of
from products.sections import Entry, Section

CARD = (1200, 630)  # [px] of og:image
COVER = (900, 383)  # [px] 2.35:1, of an article in the list
SQUARE = (500, 500)  # [px] of an article when it is passed on
MARGIN = 56
LEFT = 640  # [px] to which the words of a site's card reach
SHOWN = 3  # entries of the index card
SITES = 20  # with pictures at most, the first of the settings; the web site has them all
INDEX = "cards/index.png"  # path of the index card, as in the first language


def card_path(site: str) -> str:
    """Return the path of the card of a site, as in the first language."""
    return f"cards/{site}.png"


def site_card(section: Section, captions: Captions) -> Picture:
    """Draw the card of a site."""
    found, words = faces(section), captions.words
    face = found[0] if found else None
    about = captions.numbered()
    picture = _dress(
        _site_sheet(face, captions), captions, words.name(section.site.place) or about, about
    )
    c, inner = colours(), (LEFT if face else CARD[0] - MARGIN) - MARGIN
    title = set_heading(words.name(title_of(section, face)), 68, inner, 1)
    picture.lines(MARGIN, 96, title, c["ink"], bold=True)
    if face is None:
        _reason(picture, words(faceless(section)), faceless(section) == "display.danger")
    else:
        _face(picture, face, captions)
    names, advice = captions.phrases.dated_hazards(section, face)
    beside = captions.phrases.open_hazards(face) or advice
    calm = captions.not_assessed(section, face) or words("picture.no_hazards")
    _warning(picture, (names, beside) if names else None, calm)
    return picture


def index_card(captions: Captions) -> Picture:
    """Draw the card of the service: the best of the next days."""
    bulletin, c, words = captions.bulletin, colours(), captions.words
    best = bulletin.best[:SHOWN]
    year = words.local(bulletin.issue.issued).year
    number = words("page.number_of_year", number=bulletin.issue.number, year=year)
    about = f"{words.name(bulletin.district)}{words('page.dot')}{number}"
    picture = _dress(_sheet(CARD, best[0] if best else None, captions), captions, about, about)
    inner = CARD[0] - 2 * MARGIN
    title = set_heading(words.name(bulletin.title), 64, inner, 1)
    picture.lines(MARGIN, 90, title, c["ink"], bold=True)
    if not best:
        reason = words(f"section.best_{bulletin.best_reason}")
        _reason(picture, reason, bulletin.best_reason == "danger")
    else:
        low = bulletin.best_poor
        text = words("section.best_low" if low else "section.best")
        picture.line(MARGIN, 172, text, 32, c["ink"], wide=inner)
        for place, entry in enumerate(best):
            _row(picture, 226 + 92 * place, entry, captions)
    listed = captions.alerts()
    clear = captions.phrases.clear(bulletin.outlook) or captions.phrases.gaps(bulletin.outlook)
    days = words.days(tuple(sorted({d for a in bulletin.outlook.alerts for d in a.days})))
    _warning(picture, (listed, days) if listed else None, clear)
    return picture


def _sheet(size: tuple[int, int], face: Entry | None, captions: Captions) -> Picture:
    """Return the ground of a card or cover, its upper edge and its lower part dimmed for words."""
    picture = Picture(*size, captions.tag)
    stand_on_scene(picture, face, size[1])
    if face:
        high, low = {CARD: (0.41, 0.62), COVER: (0.26, 0.24), SQUARE: (0.26, 0.3)}[size]
        veil(picture, 0, 0, size[0], high * size[1], ((0, VEIL), (0.8, VEIL), (1, 0)))
        lower = ((0, 0), (0.2, VEIL), (1, 0.92))
        veil(picture, 0, low * size[1], size[0], (1 - low) * size[1] + 1, lower)
    return picture


def _site_sheet(face: Entry | None, captions: Captions) -> Picture:
    """Return the ground of a site's card, dimmed at its left and at its foot."""
    picture = Picture(*CARD, captions.tag)
    stand_on_scene(picture, face, CARD[1])
    if face:
        left = ((0, VEIL), (0.66, VEIL), (0.8, 0.5), (1, 0))
        veil(picture, 0, 0, LEFT + 180, CARD[1], left, across=True)
        veil(picture, 0, 380, CARD[0], CARD[1] - 379, ((0, 0), (0.26, VEIL), (1, 0.92)))
    return picture


def _dress(picture: Picture, captions: Captions, place: str, about: str) -> Picture:
    """Return a card with the marks of the issue, and its times at the foot.

    place: above the title where there is no mark. about: what the times are of.
    """
    c, inner = colours(), CARD[0] - 2 * MARGIN
    marks = pieces.set_marks(captions.notes(), 26, inner)
    pieces.marks(picture, MARGIN, 34, marks)
    if not marks.rows:
        picture.line(MARGIN, 44, place, 30, c["ink"], wide=inner)
    foot = "  ".join((about, captions.times(), *captions.notes().plain))
    picture.line(MARGIN, 582, foot, 24, c["ink"], wide=inner)
    return picture


def _face(picture: Picture, entry: Entry, captions: Captions) -> None:
    """Draw the face of a site in the left part; its scene is clear at the right."""
    c, forecast = colours(), entry.forecast
    picture.icon(forecast.event.phenomenon, MARGIN, 176, 56, c["accent"])
    name = captions.phenomenon(forecast)
    placed = picture.line(MARGIN + 74, 180, name, 48, c["ink"], bold=True, wide=330)
    right = placed.x + placed.width + 24
    picture.line(right, 192, captions.day(forecast), 34, c["ink"], wide=LEFT - right)
    percent = captions.words.percent(forecast.probability)
    found, colour, bold = pieces.set_percent(percent, 180, 360, forecast)
    number = picture.line(MARGIN - 6, 242, percent, found.size, colour, bold=bold)
    left = number.x + number.width + 30
    pieces.stars(picture, left, 276, forecast, min(38, (LEFT - left) / 5.6))
    at = 332 if pieces.step(forecast) else 300
    pieces.level(picture, left, at, forecast, captions, 30, LEFT - left)
    window = set_text(captions.window(forecast), 64, LEFT - MARGIN, bold=True)
    picture.lines(MARGIN, 432, window, c["ink"], bold=True)
    if entry.has_view:
        pieces.rose(picture, LEFT + 24, 440, 48, entry)
        facing = captions.phrases.facing(entry)
        picture.line(LEFT + 84, 446, facing, 34, c["ink"], wide=CARD[0] - MARGIN - LEFT - 84)


def _row(picture: Picture, y: float, entry: Entry, captions: Captions) -> None:
    c, forecast = colours(), entry.forecast
    right = CARD[0] - MARGIN
    wide = CARD[0] - 2 * MARGIN + 32
    panel = ((0, VEIL), (1, VEIL))
    veil(picture, MARGIN - 16, y - 8, wide, 88, panel)
    percent = captions.words.percent(forecast.probability)
    found, colour, bold = pieces.set_percent(percent, 74, 220, forecast)
    picture.line(right, y, percent, found.size, colour, bold=bold, anchor="end")
    picture.icon(forecast.event.phenomenon, MARGIN, y + 6, 60, c["accent"])
    left, wide = MARGIN + 84, 560
    picture.line(left, y, captions.spot(forecast), 40, c["ink"], bold=True, wide=wide)
    when = f"{captions.day(forecast)} {captions.window(forecast)}".strip()
    when = captions.words.clauses([t for t in (when, captions.risk(entry)) if t])
    picture.line(left, y + 46, when, 28, c["ink"], wide=wide)
    at = left + wide + 28
    if pieces.step(forecast):
        pieces.stars(picture, at, y + 20, forecast, 34)
    else:
        pieces.level(picture, at, y + 16, forecast, captions, 26, right - 190 - at)


def _reason(picture: Picture, text: str, danger: bool) -> None:
    """Draw why nothing is shown."""
    c = colours()
    picture.icon("warning" if danger else "missing", MARGIN, 240, 140,
                 c["alert"] if danger else c["ink"])  # fmt: skip
    found = set_heading(text, 64, CARD[0] - 2 * MARGIN - 190, 3)
    top = 310 - height_of(found) / 2
    picture.lines(MARGIN + 190, top, found, c["ink"], bold=True)


def _warning(picture: Picture, alert: tuple[str, str] | None, calm: str) -> None:
    """Draw the hazards, or what is said where there are none, above the foot."""
    c, inner = colours(), CARD[0] - 2 * MARGIN
    if alert is None:
        picture.line(MARGIN, 528, calm, 28, c["ink"], wide=inner)
        return
    picture.rect(MARGIN, 512, inner, 60, c["alert-ground"], radius=12, stroke=c["alert-line"])
    picture.icon("warning", MARGIN + 16, 522, 40, c["alert"])
    placed = picture.line(MARGIN + 72, 526, alert[0], 32, c["alert"], bold=True, wide=inner * 0.5)
    left = placed.x + placed.width + 24
    picture.line(left, 529, alert[1], 26, c["ink"], wide=CARD[0] - MARGIN - 16 - left)


def cover(size: tuple[int, int], captions: Captions) -> Picture:
    """Draw a cover of the article: the best of the next days, or why there is none."""
    bulletin, c = captions.bulletin, colours()
    entry = bulletin.best[0] if bulletin.best else None
    picture = _sheet(size, entry, captions)
    edge = size[1] / 11
    inner = size[0] - 2 * edge
    upright = size[0] == size[1]
    numbered = set_text(captions.numbered(), size[1] / 14, inner if upright else inner * 0.4)
    picture.lines(edge, edge, numbered, c["ink"])
    left = edge if upright else edge + width(numbered.lines[0], numbered.size) + edge / 2
    marks = pieces.set_marks(
        captions.notes(), size[1] / (24 if upright else 17), size[0] - edge - left, 2
    )
    top = edge + (numbered.size * 1.4 if upright else -0.35 * numbered.size)
    pieces.marks(picture, left, top, marks)
    if entry is None:
        _no_best(picture, captions, edge)
        return picture
    (_square if upright else _wide)(picture, entry, captions, edge)
    return picture


def _no_best(picture: Picture, captions: Captions, edge: float) -> None:
    """Draw why nothing is recommended, and the hazards of the days."""
    bulletin, c, high = captions.bulletin, colours(), picture.height
    inner, danger = picture.width - 2 * edge, bulletin.best_reason == "danger"
    text = captions.words(f"section.best_{bulletin.best_reason}")
    sign, upright = 0.15 * high, picture.width == high
    colour = c["alert"] if danger else c["ink"]
    picture.icon("warning" if danger else "missing", edge, 0.37 * high, sign, colour)
    left = edge + (0 if upright else sign + edge / 2)
    wide = picture.width - edge - left
    found = set_heading(text, high / (12 if upright else 8), wide, 3 if upright else 2)
    picture.lines(left, (0.53 if upright else 0.37) * high, found, c["ink"], bold=True)
    hazards = captions.alerts()
    picture.line(edge, 0.86 * high, hazards, 0.08 * high, c["alert"], bold=True, wide=inner)


def _wide(picture: Picture, entry: Entry, captions: Captions, edge: float) -> None:
    c, forecast, high = colours(), entry.forecast, picture.height
    percent = captions.words.percent(forecast.probability)
    found, colour, bold = pieces.set_percent(percent, 0.36 * high, 330, forecast)
    right = picture.width - edge
    number = picture.line(right, 0.42 * high, percent, found.size, colour, bold, anchor="end")
    wide = number.x - 2 * edge
    spot = set_heading(captions.spot(forecast), 0.16 * high, wide)
    if len(spot.lines) > 1:
        spot = set_heading(captions.spot(forecast), 0.12 * high, wide)
    top = (0.46 if len(spot.lines) == 1 else 0.4) * high
    picture.lines(edge, top, spot, c["ink"], bold=True)
    day = top + height_of(spot) + 0.05 * high
    picture.line(edge, day, captions.day(forecast), 0.09 * high, c["ink"], wide=wide)
    window = captions.window(forecast)
    picture.line(edge, day + 0.12 * high, window, 0.1 * high, c["ink"], bold=True, wide=wide)
    _grade(picture, right, 0.81 * high, entry, captions, 0.085 * high)
    picture.line(right, 0.915 * high, captions.risk(entry), 0.06 * high, c["ink"], anchor="end",
                 wide=picture.width - 2 * edge)  # fmt: skip


def _square(picture: Picture, entry: Entry, captions: Captions, edge: float) -> None:
    c, forecast, high = colours(), entry.forecast, picture.height
    wide = picture.width - 2 * edge
    spot = set_text(captions.spot(forecast), 0.11 * high, wide, bold=True, least=0.45)
    picture.lines(edge, 0.43 * high, spot, c["ink"], bold=True)
    percent = captions.words.percent(forecast.probability)
    found, colour, bold = pieces.set_percent(percent, 0.22 * high, wide, forecast)
    picture.line(edge - 4, 0.535 * high, percent, found.size, colour, bold)
    picture.line(edge, 0.755 * high, captions.day(forecast), 0.06 * high, c["ink"], wide=wide)
    window = captions.window(forecast) or captions.level(forecast)
    picture.line(edge, 0.83 * high, window, 0.085 * high, c["ink"], bold=True, wide=wide)
    picture.line(edge, 0.93 * high, captions.risk(entry), 0.045 * high, c["ink"], wide=wide)


def _grade(
    picture: Picture, right: float, y: float, entry: Entry, captions: Captions, size: float
) -> None:
    """Draw the stars, or that only the season is known, up to a right edge."""
    if pieces.step(entry.forecast):
        left = right - pieces.stars_width(size)
        pieces.stars(picture, left, y, entry.forecast, size)
    else:
        text = captions.level(entry.forecast)
        picture.line(right, y, text, 0.8 * size, colours()["ink"], anchor="end")
