"""Cells of an outcome table: words, degrees, measurements, free text.

Full-width characters are read as their ordinary ones (Unicode NFKC). A cell that is not understood
raises Refused with the reason and what was expected; nothing is guessed.
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from forecast.observations.formats.collector import quoted

# What a spreadsheet would run as a formula, in full width as well.
FORMULA = re.compile(r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]")
_NUMBER = re.compile(r"\d{1,6}(\.\d{0,6})?|\.\d{1,6}")
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{0,6})?)\s*%")
_CENTIMETRES = re.compile(r"\s*(cm|\u5398\u7c73|\u516c\u5206)$", re.IGNORECASE)
DEGREES_KNOWN = (0.0, 0.5, 1.0)


class Refused(ValueError):
    """A row is wrong; the message says why and what was expected."""


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Return kind of word (column, phenomenon, degree, state, source) -> name -> meaning."""
    found: dict[str, dict[str, str]] = {}
    with Path(__file__).with_name("outcome_words.csv").open(encoding="utf-8", newline="") as file:
        for about, meaning, *names in csv.reader(line for line in file if not line.startswith("#")):
            found.setdefault(about, {}).update(dict.fromkeys((meaning, *names), meaning))
    return found


def plain(text: str) -> str:
    """Return a cell with full-width characters as their ordinary ones, without outer spaces."""
    return unicodedata.normalize("NFKC", text).strip()


def word(about: str, text: str) -> str:
    """Return the meaning of a word of the kind `about`. Raises: Refused."""
    meaning = words()[about].get(plain(text).casefold())
    if meaning is None:
        expected = ", ".join(dict.fromkeys(words()[about].values()))
        raise Refused(f"{about}: {quoted(text)} is not known; expected one of {expected}")
    return meaning


def degree(text: str) -> float:
    """Return the degree of a word, a number (0, 0.50, 1) or a percentage (50%). Raises: Refused."""
    cell = plain(text)
    if percent := _PERCENT.fullmatch(cell):
        value = float(percent[1]) / 100
    elif cell.isascii() and _NUMBER.fullmatch(cell):
        value = float(cell)
    else:
        return float(word("degree", text))
    if value not in DEGREES_KNOWN:
        raise Refused(
            f"degree: {quoted(text)} is none of the three degrees; expected none (0), "
            "partial (0.5, 50%) or full (1, 100%)"
        )
    return value


def number(text: str, what: str, most: float) -> float:
    """Return a number from 0 to `most`, NaN for an empty cell. Raises: Refused."""
    cell = plain(text)
    if not cell:
        return math.nan
    if what.endswith("_cm"):
        cell = _CENTIMETRES.sub("", cell)
    if not cell.isascii() or not _NUMBER.fullmatch(cell) or float(cell) > most:
        raise Refused(f"{what}: {quoted(text)} is not a number from 0 to {most:g}")
    return float(cell)


def free_text(text: str, what: str, most: int) -> str:
    """Return free text that is safe on a page, in a terminal and in a spreadsheet.

    Raises: Refused.
    """
    if len(text) > most:
        raise Refused(f"{what}: {len(text)} characters, at most {most}")
    if FORMULA.match(text):
        raise Refused(
            f"{what}: {quoted(text)} begins like a spreadsheet formula; begin with a letter"
        )
    if any(
        unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        for character in text
    ):
        raise Refused(f"{what}: control or invisible characters; write plain text")
    return text
