"""Set text in lines that fit a width, by measure: made smaller first, then shortened.

A line breaks between Chinese characters and at spaces, never within a number or a Latin word,
never before a closing mark or after an opening one. A shortened text ends with an ellipsis behind a
whole word or number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from forecast.plain_text import LINE, visible
from products.drawing.fonts import width

ELLIPSIS = "…"
SMALLER = 0.96  # from one size that is tried to the next
CHINESE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef“”‘’…—·"
CLOSING = "，。、；：！？）》」』】〕”’…—·％"
OPENING = "（《「『【〔“‘"
# part of a width below which a last line looks lost: then the text is made a little smaller
WIDOW, LITTLE = 0.12, 0.9
HEADING = 0.75  # part of its size to which a heading is made smaller before it takes two lines
CLAUSE = re.compile(r".+?(?:[，；]|; |, |$)")
# a word, a number with the Chinese unit behind it, or one Chinese character, with its marks; spaces
PIECE = re.compile(
    rf"[{OPENING}]*(?:[^ {CHINESE}]*\d[\u3400-\u9fff]|[^ {CHINESE}]+|[^ ])[{CLOSING}]*| +"
)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of text of one size [px]; whole: nothing was left out."""

    lines: tuple[str, ...]
    size: float
    whole: bool = True


def plain(text: str) -> str:
    """Return a text in one piece, without characters that nobody sees.

    A raised point is as wide as a Chinese character in these fonts: it needs no spaces around it.
    """
    return visible(text).replace(LINE, " ").replace(" · ", "·")


def set_text(
    text: str, size: float, wide: float, most: int = 1, bold: bool = False, least: float = 0.6
) -> Lines:
    """Return a text in at most `most` lines of `wide` [px].

    size: [px] wished; the text is made smaller, down to `least` of it, before it is shortened.
    """
    text, tried = plain(text).strip(), size
    while True:
        lines = _lines(text, tried, wide, bold)
        if len(lines) <= most and all(width(line, tried, bold) <= wide for line in lines):
            if len(lines) > 1 and width(lines[-1], tried, bold) < WIDOW * wide:
                fewer = set_text(text, size, wide, len(lines) - 1, bold, least=LITTLE)
                return fewer if fewer.whole else Lines(tuple(lines), tried)
            return Lines(tuple(lines), tried)
        if tried * SMALLER < size * least:
            return Lines(_shortened(lines, most, tried, wide, bold), tried, whole=False)
        tried *= SMALLER


def set_heading(text: str, size: float, wide: float, most: int = 2) -> Lines:
    """Return a bold text in one line that may be a little smaller, else with a line a clause, else
    in at most `most` lines.
    """
    alone = set_text(text, size, wide, bold=True, least=HEADING)
    if alone.whole:
        return alone
    clauses = [each.strip() for each in CLAUSE.findall(plain(text))]
    fits = len(clauses) <= most and max(width(c, size, bold=True) for c in clauses) <= wide
    return Lines(tuple(clauses), size) if fits else set_text(text, size, wide, most, bold=True)


def _lines(text: str, size: float, wide: float, bold: bool) -> list[str]:
    lines, line = [], ""
    for piece in PIECE.findall(text):
        if line and width((line + piece).rstrip(), size, bold) > wide:
            lines.append(line.rstrip())
            line = ""
        line += piece if line or piece.strip() else ""
    return [*lines, line.rstrip()] if line.strip() else lines


def _shortened(
    lines: list[str], most: int, size: float, wide: float, bold: bool
) -> tuple[str, ...]:
    """Return the first lines; the last one and any that is too wide end with an ellipsis."""
    kept = []
    for number, line in enumerate(lines[:most], 1):
        pieces, cut = PIECE.findall(line), number == most < len(lines)
        shown = line + (ELLIPSIS if cut else "")
        while width(shown, size, bold) > wide and pieces:
            pieces.pop()
            shown = "".join(pieces).rstrip(f" {CLOSING}") + ELLIPSIS
        kept.append(shown)
    return tuple(kept)
