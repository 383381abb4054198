"""The short message (SMS): its text within five parts, hazards in the first.

A message of one part has 160 characters of the GSM-7 alphabet, or 70 of UCS-2 where any character
is not of that alphabet; divided, each part has 153 or 67, for its header takes the rest. Phones
show the parts as one text. Source: 3GPP TS 23.038 (6.2.1, 6.2.1.1) and TS 23.040 (9.2.3.24.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from products.pages.renderer import PageRenderer
from products.wording import THIN_SPACE

MOST_PARTS = 5  # what operators still deliver in order, and a reader still reads
PICKS = (3, 2, 1)  # recommendations, fewer where the rest leaves no place
# The first line (marks and hazards) in ever fewer words, until it fits the first part: days and
# sites of each hazard, its days, its name alone, and this before the title (`hazard_detail` of the
# template).
DETAILS = (0, 1, 2, 3)

# 3GPP TS 23.038, 6.2.1: one septet each; and 6.2.1.1: two
GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_7_EXTENDED = frozenset("^{}\\[~]|€\f")
# Typographic characters of the tables in the alphabet of GSM-7: one of them would halve the parts.
PLAIN = str.maketrans({
    THIN_SPACE: " ", "–": "-", "−": "-", "’": "'", "“": '"', "”": '"', "·": "-", "°": " deg",
    "…": "...", "≥": ">=",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Alphabet:
    """How a text is sent. single, divided: [unit] in a message of one part, and in each of more."""

    name: str
    single: int
    divided: int

    def size(self, character: str) -> int:
        """Return what a character takes [unit]: septets of GSM-7, 16-bit units of UCS-2."""
        if self is GSM:
            return 2 if character in GSM_7_EXTENDED else 1
        return 2 if ord(character) > 0xFFFF else 1

    def length(self, text: str) -> int:
        """Return the length of a text [unit]."""
        return sum(self.size(character) for character in text)


GSM, UCS_2 = Alphabet("GSM-7", 160, 153), Alphabet("UCS-2", 70, 67)


def alphabet_of(text: str) -> Alphabet:
    """Return the alphabet in which a text is sent: one other character makes it UCS-2."""
    return GSM if all(c in GSM_7 or c in GSM_7_EXTENDED for c in text) else UCS_2


def parts_of(text: str) -> tuple[str, ...]:
    """Divide a text as a phone's network does: full parts, no character in two of them."""
    alphabet = alphabet_of(text)
    if alphabet.length(text) <= alphabet.single:
        return (text,)
    parts, begin, used = list[str](), 0, 0
    for place, character in enumerate(text):
        size = alphabet.size(character)
        if used + size > alphabet.divided:
            parts.append(text[begin:place])
            begin, used = place, 0
        used += size
    return (*parts, text[begin:])


def message(renderer: PageRenderer) -> str:
    """Return the message of a bulletin in the renderer's language, of at most MOST_PARTS parts.

    What does not fit is left out: in English a signature for whose letters all would be UCS-2, then
    the comment, then recommendations, then the days of hazards that the first part only names and
    which hazards are not assessed. Hazards stay, in ever fewer words; what is still too long then,
    such as the reason of a correction, is cut at the end.
    """
    whole = _text(renderer, DETAILS[0], PICKS[0], with_comment=True, in_full=False)
    signed = not (renderer.language == "en" and len(parts_of(whole)) > MOST_PARTS)

    def text(
        detail: int, picks: int = PICKS[-1], with_comment: bool = False, in_full: bool = False
    ) -> str:
        return _text(renderer, detail, picks, with_comment, in_full, signed)

    detail = next((each for each in DETAILS if _leads(text(each))), DETAILS[-1])
    left_out = [(True, PICKS[0]), *product((False,), PICKS)]
    for in_full, (with_comment, picks) in product((True, False), left_out):
        found = text(detail, picks, with_comment, in_full)
        if len(parts_of(found)) <= MOST_PARTS:
            return found
    return "".join(parts_of(found)[:MOST_PARTS])


def _leads(text: str) -> bool:
    """Return whether the first line of a text, marks and hazards, is in its first part."""
    alphabet = alphabet_of(text)
    return alphabet.length(text.partition("\n")[0]) <= alphabet.divided


def _text(
    renderer: PageRenderer,
    detail: int,
    picks: int,
    with_comment: bool,
    in_full: bool,
    with_signature: bool = True,
) -> str:
    page = renderer.page(
        "sms/bulletin.txt",
        "sms.txt",
        with_comment=with_comment,
        with_signature=with_signature,
        in_full=in_full,
        picks=picks,
        hazard_detail=detail,
        hazard_names=renderer.phrases.hazards,
    )
    text = str(page.body).strip()
    return text.translate(PLAIN) if renderer.language == "en" else text
