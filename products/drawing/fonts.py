"""The fonts of pictures: a part of Noto Sans CJK SC in two weights, and how wide a text is in it.

The characters: tests/fonts/subset.py. The fonts have no kerning, so a text is as wide as its
characters together, whoever draws it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ImageFont

FOLDER = Path(__file__).parents[2] / "templates" / "fonts"
REGULAR, BOLD = FOLDER / "sans-regular.otf", FOLDER / "sans-bold.otf"
FAMILY = "Noto Sans CJK SC"  # as the files call it; a generic name would draw no text at all
EM = 1000  # units of the font in an em
ASCENT = 0.88  # [em] of a Chinese character above the baseline; 0.12 below


def width(text: str, size: float, bold: bool = False) -> float:
    """Return the width [px] of a text of this size [px]."""
    return sum(_advance(character, bold) for character in text) * size / EM


@cache
def _advance(character: str, bold: bool) -> float:
    return float(_font(bold).getlength(character))


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(BOLD if bold else REGULAR), EM)
