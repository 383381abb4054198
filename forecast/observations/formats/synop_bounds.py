"""Where one SYNOP ends and the next begins, also where the `=` between them is missing.

The groups of a section stand in the order of their first digits. Where that order breaks, and a
station number, iRixhVV, Nddff and further groups in order follow, another report begins. Where the
order breaks and none can be recognised, what follows belongs to nobody. Some sections have no
order: there, a report begins at a known station, or at a line that opens with a station number.
Source: WMO-No. 306 (2019), vol. I.1, FM 12-XIV (order of groups, code tables 1819, 1860, 4377).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

_STATION = re.compile(r"(?!00)\d{5}")
_FIRST = re.compile(r"[0-4/][1-7/][0-9/](?!5[1-5])(\d\d|//)")  # iRixhVV
_SECOND = re.compile(r"[0-9/]([0-2]\d|3[0-6]|99|//)(\d\d|//)")  # Nddff
_GROUP = re.compile(r"[0-9/]{5}")
_HEADING = re.compile(r"[A-Z]{4}\d\d|NNNN|ZCZC")
_AIR = re.compile(r"(1[01/]|2[019/])(\d{3}|///)")  # 1snTTT, 2snTdTdTd
_TEMPERATURE = re.compile(r"1[01]\d{3}")
_DEW_POINT = re.compile(r"2[01]\d{3}|29\d{3}")
_SUPPLEMENT = re.compile(r"55[0-9/]{3}|553[0-9/]{2}")  # radiation and sunshine: j5FFFF may follow
NATIONAL = "80000"  # in section 3: national groups follow
SECTIONS = ("333", "444", "555", "666")
FREE = ("2", "5", "6")  # sections whose groups are national or of the sea: in no order known here
MOST_EXAMINED = 400  # words of one report: where no other begins among them, none is sought behind
OPENS_LINE, KNOWN = 1, 2  # evidence that a word is a station number; both: 3
REPEATED = {"1": "", "3": "56789", "4": "0123456789"}  # first digits that a section may repeat


def divided(
    words: Sequence[str],
    openers: Collection[int] = (),
    known: Collection[str] = (),
    apart: Collection[int] = (),
) -> list[list[str]]:
    """Return the reports in the words between two `=`, each cut where the next begins.

    A report that none follows within MOST_EXAMINED words keeps all words: it is too long to read.
    openers: places of the words that open a line. known: station numbers of the settings. apart:
    places of the words that a blank line precedes.
    """
    evidence = dict.fromkeys(openers, OPENS_LINE)
    for place, word in enumerate(words):
        if word in known or place in apart:
            evidence[place] = evidence.get(place, 0) + KNOWN
    edges = [0]
    for place in range(1, len(words)):
        start = edges[-1]
        if place - start > MOST_EXAMINED:
            break
        if _HEADING.fullmatch(words[place]):
            edges.append(place)
        elif place - start >= 2 and (
            (distance := _distance(words, start, place, evidence)) is not None
        ):
            nearby = range(place + 1, place + 4)
            later = [_distance(words, start, more, evidence) for more in nearby]
            if all(other is None or other >= distance for other in later):
                edges.append(place)
    return [list(words[start:end]) for start, end in pairwise([*edges, len(words)])]


def _distance(
    words: Sequence[str], start: int, place: int, evidence: Mapping[int, int]
) -> int | None:
    """Return how far behind a possible beginning the order breaks; None: no beginning.

    The nearer, the likelier it is: the order breaks at the station's number, or within its groups.
    Evidence of a station number, and the block number of the report before, make it nearer.
    """
    strength = _begins(words, place, evidence) if place < len(words) else None
    if strength is None and _begins_without_first(words, start, place, evidence):
        strength = 0
    proof = evidence.get(place, 0)
    if strength is None or (not proof and _is_second(words, place)):
        return None
    nearer = proof + (words[place][:2] == words[start][:2])
    broken = order_breaks(words[start : place + 4])
    if not broken:
        sections = [word for word in words[start:place] if word in SECTIONS]
        alike = strength >= 2 and words[place][0] == words[start][0]
        # Section 4 has a group for each layer of cloud: never as many as a report begins with.
        proven = proof >= KNOWN or (alike and (proof == OPENS_LINE or sections[-1:] == ["444"]))
        begins = words[place + 1] == "NIL" or (proven and _unordered(words[start:place]))
        return -nearer if begins else None
    distance = start + broken - place if start + broken >= place else 4
    return distance - nearer if distance <= 1 + strength else None


def concealed(words: Sequence[str]) -> int:
    """Return the place in a report's words where another may stand unseen; 0: none.

    In a part without order another report cannot be told from national groups. It is suspected
    where a station, iRixhVV and Nddff are followed by temperature, dew point, NIL, another section
    or, in the same block, by the end.
    """
    for place in _unordered_places(words):
        if not _STATION.fullmatch(words[place]):
            continue
        after = [*words[place + 1 : place + 4], "", ""]
        if after[0] == "NIL":
            return place
        if not (_FIRST.fullmatch(after[0]) and _SECOND.fullmatch(after[1])):
            continue
        follows = after[2] in SECTIONS or _AIR.fullmatch(after[2])
        if follows or (not after[2] and words[place][:2] == words[0][:2]):
            return place
    return 0


def _unordered_places(words: Sequence[str]) -> list[int]:
    """Return the places of the groups of parts in which the order shows no next report."""
    section, free, found = "1", False, list[int]()
    for place, word in enumerate(words[3:], 3):
        if word in SECTIONS or (section == "1" and word.startswith("222") and len(word) == 5):
            section = word[0]
            free = section in FREE or section == "4"
        elif free:
            found.append(place)
        elif section == "3" and (word == NATIONAL or opens_supplement(word)):
            free = True
    return found


def _unordered(words: Sequence[str]) -> bool:
    """Return whether any group may follow a report's words: their order shows no next report."""
    return len(words) >= 3 and not order_breaks([*words, "95000", "15000"])


def repeats(section: str, word: str, read: set[str]) -> bool:
    """Return whether a group's kind was read before in a section that has it once only.

    `read` gains the kind.
    """
    kind = section + word[0]
    if section not in REPEATED or word[0] == "/" or word[0] in REPEATED[section]:
        return False
    if kind in read:
        return True
    read.add(kind)
    return False


def is_supplement(word: str, opened: bool) -> bool:
    """Return whether a group of section 3 is radiation that follows a group 55SSS or 553SS."""
    return opened and word[0] in "01234"


def opens_supplement(word: str) -> bool:
    """Return whether groups of radiation may follow this group of section 3."""
    return bool(_SUPPLEMENT.fullmatch(word))


def order_breaks(words: Sequence[str]) -> int:
    """Return the place of the first group of a report that is out of order; 0: none.

    Groups of sections in no known order are passed.
    """
    section, last, supplement = "1", "", False
    for place, word in enumerate(words[3:], 3):
        if word in SECTIONS or (section == "1" and word.startswith("222") and len(word) == 5):
            section, last, supplement = word[0], "", False
            continue
        if not _GROUP.fullmatch(word) or word[0] == "/" or section in FREE:
            continue
        if section == "3" and word == NATIONAL:
            section = "5"
        elif section == "3" and is_supplement(word, supplement):
            continue
        elif (
            REPEATED.get(section) != "0123456789"
            and last
            and (word[0] < last or (word[0] == last and word[0] not in REPEATED.get(section, "")))
        ):
            return place
        supplement = supplement or (section == "3" and opens_supplement(word))
        last = word[0]
    return 0


def lost_groups(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return what is wrong with a report whose iRixhVV or Nddff is lost, and its words.

    "" stands for the groups that are lost or cannot be told apart; the groups behind them, which
    are known by their first digits, stay. Without a fault the words are as they were.
    """
    first, second, third = (*words[1:4], "", "", "")[:3]
    if _without_first(first, second):
        return (
            f"iRixhVV is lost: {first} is not read, the groups from {second} on are",
            [words[0], "", "", *words[2:]],
        )
    if _FIRST.fullmatch(first) and _TEMPERATURE.fullmatch(second) and third.startswith("2"):
        return (
            f"Nddff or the temperature is lost: {second} is not read, the other groups are",
            [*words[:2], "", *words[3:]],
        )
    if (
        _TEMPERATURE.fullmatch(first)
        and _DEW_POINT.fullmatch(second)
        and re.match("[34]", third)
        and not any(word.startswith(("1", "2")) for word in _section_1(words[3:]))
    ):
        return (
            f"iRixhVV and Nddff, or the temperatures are lost: {first} and {second} are not read",
            [words[0], "", "", *words[3:]],
        )
    return "", list(words)


def _without_first(first: str, second: str) -> bool:
    """Return whether two groups behind a station are Nddff and the temperature: no iRixhVV."""
    return bool(
        not _FIRST.fullmatch(first) and _SECOND.fullmatch(first) and _TEMPERATURE.fullmatch(second)
    )


def _section_1(words: Sequence[str]) -> Sequence[str]:
    ends = [place for place, word in enumerate(words) if word in SECTIONS]
    return words[: ends[0] if ends else len(words)]


def _is_second(words: Sequence[str], place: int) -> bool:
    """Return whether a word may be the Nddff of a report whose station stands before it.

    What would be iRixhVV and Nddff behind it are then temperature and dew point: pressure follows.
    """
    behind = (*words[place + 1 : place + 4], "", "", "")[:3]
    return bool(
        _STATION.fullmatch(words[place - 1])
        and _SECOND.fullmatch(words[place])
        and _TEMPERATURE.fullmatch(behind[0])
        and _DEW_POINT.fullmatch(behind[1])
        and re.match("[34]", behind[2])
    )


def _begins_without_first(
    words: Sequence[str], start: int, place: int, evidence: Mapping[int, int]
) -> bool:
    """Return whether a report begins at a place and has lost its iRixhVV.

    Its station opens a line, is known, or is of the block of the report before.
    """
    if place >= len(words) or not _STATION.fullmatch(words[place]):
        return False
    proven = evidence.get(place, 0) or words[place][:2] == words[start][:2]
    return bool(proven) and _without_first(*(*words[place + 1 : place + 3], "", "")[:2])


def _begins(words: Sequence[str], place: int, evidence: Mapping[int, int]) -> int | None:
    """Return how well a report begins at a place: 3 sure, 0 station and first groups only.

    None: no station, iRixhVV, Nddff, or the groups behind them are out of order.
    """
    if not _STATION.fullmatch(words[place]):
        return None
    after = words[place + 1 : place + 3]
    if after[:1] == ["NIL"]:
        return 3
    if len(after) < 2 or not (_FIRST.fullmatch(after[0]) and _SECOND.fullmatch(after[1])):
        return None
    ahead = list[str]()
    for more, word in enumerate(words[place + 3 : place + 5], place + 3):
        if word in SECTIONS:
            return 3
        if evidence.get(more) and word[0] not in "0123" and _STATION.fullmatch(word):
            break  # the station of a third report
        if _GROUP.fullmatch(word):
            ahead.append(word[0])
    if ahead and (ahead[0] not in "0123" or any(one >= two for one, two in pairwise(ahead))):
        return None
    return len(ahead) + (len(ahead) > 1)
