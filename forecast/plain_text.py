"""Words that people type, without characters that nobody sees."""

from __future__ import annotations

import unicodedata

# Categories of characters without a picture: controls, formats (those that turn the direction of
# writing are of them), private ones, halves of pairs, separators of lines and paragraphs.
UNSEEN = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
LINE = "\n"


def visible(text: str) -> str:
    """Return words with nothing invisible in them but line breaks, which become U+000A.

    Source: Unicode Technical Report 36, Unicode Security Considerations, section 2.5 (bidirectional
    text spoofing).
    """
    lines = "".join(LINE if each in "\x85\u2028\u2029" else each for each in text)
    lines = lines.replace("\r\n", LINE).replace("\r", LINE).replace("\t", " ")
    return "".join(e for e in lines if e == LINE or unicodedata.category(e) not in UNSEEN)


def number_text(text: str) -> str:
    """Return a number as people type it in ASCII: full-width signs and a decimal comma, too."""
    return unicodedata.normalize("NFKC", text).replace(",", ".").strip()
