"""What stands in place of a picture: of a withdrawn issue, and on the archived copy of one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from forecast.config import Config
from forecast.domain import Issue, Name
from forecast.review import Withdrawal
from products import withdrawn as withdrawn_pages
from products.drawing import pieces
from products.drawing.captions import Notes
from products.drawing.palette import colours
from products.drawing.picture import LEADING, Picture, height_of
from products.drawing.poster import MARGIN, inner
from products.drawing.scene import stand_on_scene
from products.drawing.setting import Lines, set_text
from products.drawing.stack import Block, stacked
from products.marking import Mark
from products.pages.addresses import prefix_of
from products.wording import LANGUAGES, Words, clause

STATE = "issue-state"  # the text in a PNG that says how it is marked already
BAND = 0.09  # part of a picture's longer side that its notice takes at most


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said of a withdrawn issue. title: of a site or the service; marks: as Bulletin's."""

    issue: Issue
    withdrawal: Withdrawal
    title: str
    marks: Sequence[str]
    words: Words
    beside: Words


def withdrawn_pictures(
    pictures: Mapping[str, tuple[Name, tuple[int, int]]],
    issue: Issue,
    withdrawal: Withdrawal,
    config: Config,
) -> Iterator[tuple[str, Callable[[], Picture]]]:
    """Yield the path of each picture of a withdrawn issue, in each language, and what draws its
    notice. pictures: path -> title and size [px].
    """
    marks = withdrawn_pages.marks(config)
    for language, other in zip(LANGUAGES, reversed(LANGUAGES), strict=True):
        words, beside = Words(language, config.zone), Words(other, config.zone)
        for path, (title, size) in pictures.items():
            notice = Notice(issue, withdrawal, words.name(title), marks, words, beside)
            yield prefix_of(language) + path, partial(withdrawn_picture, size, notice)


def withdrawn_picture(size: tuple[int, int], notice: Notice) -> Picture:
    """Draw that an issue is withdrawn, when and why, in the frame of one of its pictures."""

    def make(zoom: float) -> tuple[Picture, list[Block]]:
        picture = Picture(*size, notice.words("language.tag"), zoom)
        stand_on_scene(picture, None, picture.height)
        return picture, _withdrawn(picture, notice)

    return stacked(make, MARGIN if size[1] > size[0] else 40, 40)


def _withdrawn(picture: Picture, notice: Notice) -> list[Block]:
    upright, words, withdrawal = _upright(picture), notice.words, notice.withdrawal
    size, colon = 42 if upright else 32, words("page.colon")
    issued = words.stamp(notice.issue.issued, "time.stamp_short")
    number = words("page.number", number=notice.issue.number)
    at = words.stamp(withdrawal.at, "time.stamp_short")
    texts = [
        words("review.withdrawn_line", number=number, stamp=issued),
        f"{words('review.withdrawn_at')}{colon}{at}",
        f"{words('review.reason')}{colon}{clause(withdrawal.reason_in(words.language))}",
        words("review.withdrawn_advice"),
    ]
    blocks = [_head(picture, notice, 0.75 * size), _state(picture, notice)]
    for text in texts:
        found = set_text(text, size, inner(picture), 4)
        draw = partial(_draw_text, picture, found)
        blocks.append(Block(height_of(found), draw, before=size / 2, fixed=len(blocks) > 2))
    return blocks


def _draw_text(picture: Picture, found: Lines, y: float) -> None:
    picture.lines(MARGIN, y, found, colours()["ink"])


def _upright(picture: Picture) -> bool:
    return picture.height > 1.5 * picture.width


def _head(picture: Picture, notice: Notice, size: float) -> Block:
    wide = inner(picture)
    title = set_text(notice.title, 84 if _upright(picture) else 48, wide, 2, bold=True)
    notes = Notes(tuple(notice.words(f"mark.{mark}") for mark in notice.marks))
    marks = pieces.set_marks(notes, size, wide)

    def draw(y: float) -> None:
        picture.lines(MARGIN, y, title, colours()["ink"], bold=True)
        pieces.marks(picture, MARGIN, y + height_of(title) + 16, marks)

    return Block(height_of(title) + (16 + marks.height if marks.rows else 0), draw)


def _state(picture: Picture, notice: Notice) -> Block:
    c, upright = colours(), _upright(picture)
    sign = 220 if upright else 96
    left, wide = MARGIN + sign + 40, inner(picture) - sign - 40
    text = notice.words("review.withdrawn_screen")
    state = set_text(text, 128 if upright else 80, wide, 2, bold=True)
    tall = height_of(state) + (14 + 42 if upright else 0)
    high = max(sign, tall)

    def draw(y: float) -> None:
        picture.icon("warning", MARGIN, y + (high - sign) / 2, sign, c["alert"])
        top = y + (high - tall) / 2
        picture.lines(left, top, state, c["alert"], bold=True)
        if upright:
            beside = notice.beside("review.withdrawn_screen")
            picture.line(left, top + height_of(state) + 14, beside, 42, c["ink"], wide=wide)

    return Block(high, draw, before=28)


def stamped(page: bytes, mark: Mark, words: Words) -> bytes:
    """Return an archived picture with a notice above it, in the same size; once a state.

    Nothing of the picture is hidden: it is made smaller below the notice.
    """
    with Image.open(io.BytesIO(page)) as image:
        image.load()
    if image.info.get(STATE) == mark.state:
        return page
    text = f"{words(f'review.{mark.state}')}{words('page.colon')}{mark.note(words)}"
    wide, high = image.size
    size = max(min(image.size) * 0.034, 14.0)
    found = set_text(text, size, wide - 2 * size, max(2, round(BAND * max(image.size) / size / 2)))
    tall = round(height_of(found) + LEADING * size)
    band = Picture(wide, tall, words("language.tag"))
    band.rect(0, 0, wide, tall, colours()["alert"])
    band.lines(size, (tall - height_of(found)) / 2, found, colours()["on-accent"])
    with Image.open(io.BytesIO(band.png())) as drawn:
        notice = drawn.convert("RGB")
    whole = Image.new("RGB", image.size, colours()["ground"])
    small = image.convert("RGB").resize((round(wide * (high - tall) / high), high - tall))
    whole.paste(small, ((wide - small.width) // 2, tall))
    whole.paste(notice, (0, 0))
    info, target = PngInfo(), io.BytesIO()
    info.add_text(STATE, mark.state)
    whole.save(target, "PNG", pnginfo=info, optimize=False)
    return target.getvalue()
