"""The groups of a METAR, told apart one by one whatever their order.

The library reads a report in the order of the regulations: behind an odd or a misplaced group it
reads nothing, and where a group is missing it may assume a value. So each group is recognised by
its own form and checked here, and the sound ones are put in order. A group that is no group of a
METAR, or is impossible, is set aside with the reason; so is all that follows a second wind,
temperature or pressure, which belongs to another report.
Source: WMO-No. 306 (2019), vol. I.1, FM 15.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from forecast.observations.formats.collector import quoted

_FALLING = "DZ|RA|SN|SG|IC|PL|GR|GS|UP"
# Kind -> form, in the order of the regulations.
# fmt: off
_FORMS: dict[str, re.Pattern[str]] = {
    "wind": re.compile(
        r"(?!///\d{2,3}$)(?P<direction>\d{3}|VRB|///|MMM)(?P<speed>P?(\d\d|[1-9]\d\d)|//|MM)"
        r"(G(?P<gust>P?(\d{1,2}|[1-9]\d\d)|//|MM))?(?P<unit>KTS?|MPS|KMH|KPH)?"
    ),
    "variable": re.compile(r"\d{3}V\d{3}"),
    "visibility": re.compile(
        r"\d{4}(NDV|[NSEW]{1,2})?|CAVOK|[MP]?(\d{1,2} )?(\d{1,2}|\d/\d{1,2})SM|\d{1,2}KM"
    ),
    "weather": re.compile(
        rf"(-|\+|VC)?(?=[A-Z])(MI|PR|BC|DR|BL|SH|TS|FZ)*({_FALLING})*"
        r"(BR|FG|FU|VA|DU|SA|HZ|PY)?(PO|SQ|FC|SS|DS|NSW)?"
    ),
    "sky": re.compile(
        r"(VV|CLR|SKC|SCK|NSC|NCD|BKN|SCT|FEW|OVC|///)(\d{3}|///)?(CB|TCU|///)?"
    ),
    "temperature": re.compile(r"(M?\d{1,2}|//|XX|MM)/(M?\d{1,2}|/{1,4}|XX|MM)?"),
    "pressure": re.compile(r"(A|Q|QNH)\d{3,4}(INS)?"),
}
# fmt: on
ORDER = tuple(_FORMS)
# For a group that is missing, so that the library does not take the next one for it.
PLACEHOLDERS = {"wind": "/////KT", "visibility": "////"}
_MISSING = re.compile(r"/+(NDV|SM|KT|MPS|CB|TCU)?|[AQ]/+|(//|XX|MM)/(//|XX|MM)?|M|RVRNO")
# Groups of which no element is read: runways and their state, recent weather, wind shear, colours.
_UNUSED = re.compile(
    r"AUTO|COR|CC[A-Z]|R\d\d[LRC]{0,2}/\S*|R/SNOCLO|\d{8}|\d\d(CLRD|SNOCL)\S*|\d\d//[\d/]{4}"
    r"|RE[A-Z]{2,6}"
    r"|WS|ALL|RWY\d*[LRC]?|R\d\d[LRC]?|TWR|\d\d[LRC]|W(\d\d|//)/[SH]\S+|(BLACK)?(BLU|GRN|WHT|YLO\d?"
    r"|AMB|RED)\+?|\$|QFE\d{3,4}|WIND|SKC"
)
_TREND = re.compile(r"TREND|NOSIG|TEMPO|BECMG|FCST|PROB\d\d|INTER|NOSPECI|RMKS?")
# A station and a time that is not whole: a report begins that the bulletin's form does not show.
_STATION, _TIME = re.compile(r"[A-Z][A-Z0-9]{3}"), re.compile(r"\d{6}Z?|\d{4,5}Z")
_REMARKS = re.compile(r"\bRMKS?\b.*")
ONCE = ("wind", "temperature", "pressure")  # a second one belongs to another report
HIGHEST_DIRECTION = 360


@dataclass(frozen=True, slots=True)
class Groups:
    """The sound groups of a report, in order, as text; whether one gives visibility; the faults."""

    text: str
    visibility: bool
    faults: tuple[str, ...]


def sorted_groups(text: str) -> Groups:
    """Return the groups of a report after its time, in the order of the regulations."""
    found: dict[str, list[str]] = {kind: [] for kind in ORDER}
    faults: list[str] = []
    last = 0
    words = _joined(text.split())
    for place, word in enumerate(words):
        if _TREND.fullmatch(word):
            break
        if _MISSING.fullmatch(word) or (_UNUSED.fullmatch(word) and word != "SKC"):
            continue
        kind = next((kind for kind in ORDER if _FORMS[kind].fullmatch(word)), "")
        if (
            not kind
            and _STATION.fullmatch(word)
            and _TIME.fullmatch("".join(words[place + 1 : place + 2]))
        ):
            rest = " ".join(words[place:])
            faults.append(
                f"another report begins without its time: {quoted(rest, 40)} is set aside"
            )
            break
        reason = _reason(kind, word, found)
        if kind in ONCE and found[kind] and _spelled(kind, word) not in found[kind]:
            rest = " ".join(words[place:])
            faults.append(
                f"a second {kind} ({quoted(word)[1:-1]}): another report begins without its "
                f"station: {quoted(rest, 40)} is set aside"
            )
            break
        if reason:
            faults.append(f"group {quoted(word)}: {reason}: set aside")
            continue
        if ORDER.index(kind) < last:
            faults.append(f"group {quoted(word)}: {kind} out of order: read all the same")
        last = max(last, ORDER.index(kind))
        found[kind].append(_spelled(kind, word))
    remarks = _REMARKS.search(text)
    ordered = [
        word for kind in ORDER for word in found[kind] or [PLACEHOLDERS.get(kind, "")] if word
    ]
    return Groups(
        " ".join([*ordered, remarks[0] if remarks else ""]).strip(),
        bool(found["visibility"]),
        tuple(faults),
    )


def _spelled(kind: str, word: str) -> str:
    """Return a group as the library reads it: of a temperature, XX for a part that is missing."""
    if kind != "temperature":
        return word
    parts = _FORMS[kind].fullmatch(word)
    assert parts is not None
    return "/".join("XX" if not part or part[0] == "/" else part for part in parts.groups())


def _reason(kind: str, word: str, found: dict[str, list[str]]) -> str:
    """Return why a group is not read; "" where it is sound."""
    if not kind:
        return "no group of a METAR"
    if kind == "wind":
        parts = _FORMS[kind].fullmatch(word)
        assert parts is not None
        if parts["direction"].isdigit() and int(parts["direction"]) > HIGHEST_DIRECTION:
            return f"a wind from {int(parts['direction'])} degrees"
        if parts["unit"] is None:
            return "a wind without its unit"
    if kind == "variable" and any(int(part) > HIGHEST_DIRECTION for part in word.split("V")):
        return "a wind from more than 360 degrees"
    if kind == "visibility" and word.isdigit() and (found["temperature"] or found["pressure"]):
        return "four digits after the temperature are no visibility, and no pressure without Q"
    if kind == "visibility" and word.isdigit() and any(each.isdigit() for each in found[kind]):
        return "a second visibility without a direction"
    return ""


def _joined(words: Sequence[str]) -> list[str]:
    """Return the words with visibilities like 1 1/2SM in one."""
    joined: list[str] = []
    for word in words:
        if joined and re.fullmatch(r"\d/\d{1,2}SM", word) and re.fullmatch(r"\d{1,2}", joined[-1]):
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined
