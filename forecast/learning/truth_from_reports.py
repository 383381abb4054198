"""Truth from reports: outcomes in CSV tables, parsed row by row (`skyscape outcomes import FILE`).

The first line names the columns (in any order; Chinese and English names stand in outcome_words.csv
beside this module):
    site        id or name of a viewpoint of the settings
    phenomenon  id or name: starry_sky, sea_of_clouds, sunset_glow, sunrise_glow, sunrise,
                snowfall, snow_cover, rime, snowmaking
    day         local day, 2026-11-22; a night belongs to the day on which it begins, a dawn to
                the day that follows
    degree      none, partial, full, or 0, 0.5, 1
    state       sea of clouds only: sea, in_cloud, overcast, open
    vividness   glow only: 0 to 2
    amount_cm   snowfall (new snow), snow_cover (depth) and rime (thickness) only
    source      observer (default), camera, station, analysis
    reporter    who reports within the source, at most 60 characters: the last report of each
                reporter on an event counts
    detail      anything else, at most 300 characters
A row needs site, phenomenon, day and one of degree, state or, for snow, amount_cm. A wrong row, or
one of an event that is not over yet, is refused with its line and the reason; the others are kept.
Without a reporter the file's name is used, so that tables of two observers do not replace each
other. A file is read once, by the digest of its bytes; a file with refused rows is read again when
the settings' viewpoints, the day or the set of events that are not over have changed.
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from forecast.domain import CLOUD_SEA_STATES, Fault, Outcome, Site
from forecast.observations.formats.collector import Collector, Limits, quoted, sanitised
from forecast.phenomena.snow import DEGREES
from forecast.verification import EventKey

LIMITS = Limits(size=8 << 20, line=4_000, records=50_000, faults=1_000)
REPORTER, DETAIL = 60, 300  # characters
EARLIEST = date(1950, 1, 1)
MOST_CM = 1_000.0
GLOWS = ("sunset_glow", "sunrise_glow")
# phenomenon -> quantity whose thresholds give the degree
MEASURED = {"snowfall": "new_snow", "snow_cover": "snow_depth", "rime": ""}
# What a spreadsheet would run as a formula, in full width as well.
_FORMULA = re.compile(r"^\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]")
_NUMBER = re.compile(r"\d{1,6}(\.\d{0,6})?|\.\d{1,6}")
_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})|(\d{4})[-/.\u5e74](\d{1,2})[-/.\u6708](\d{1,2})\u65e5?")


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Return kind of word (column, phenomenon, degree, state, source) -> name -> meaning."""
    found: dict[str, dict[str, str]] = {}
    with Path(__file__).with_name("outcome_words.csv").open(encoding="utf-8", newline="") as file:
        for about, meaning, *names in csv.reader(line for line in file if not line.startswith("#")):
            found.setdefault(about, {}).update(dict.fromkeys((meaning, *names), meaning))
    return found


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """The content of a table: outcomes in its order, faults, and the number of repeated rows."""

    outcomes: tuple[Outcome, ...]
    faults: tuple[Fault, ...]
    repeated: int


class _Refused(ValueError):
    """A row is wrong; the message says why and what was expected."""


def parse(
    data: bytes, name: str, sites: Sequence[Site], today: date, pending: Collection[EventKey] = ()
) -> OutcomeTable:
    """Return the outcomes of a table and its faults.

    today: outcomes after it are refused; so are those of pending events, which are not over yet.
    """
    collector = Collector(name, "outcomes", LIMITS)
    named, nameless = site_names(sites), _reporter(name)
    kept: dict[tuple[object, ...], Outcome] = {}
    header: dict[int, str] | None = None
    separator, width, repeated = ",", 0, 0
    if len(data) > LIMITS.size:
        collector.fault(
            0, f"the file has {len(data)} bytes, at most {LIMITS.size} are read: split it"
        )
        data = b""
    elif data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        collector.fault(0, "the file is UTF-16 text: save it as UTF-8")
        data = b""
    for line, text in collector.lines(data):
        if header is None:
            if text.startswith("#"):
                continue
            separator = max(",;\t", key=text.count)
        try:
            cells = next(csv.reader([text], delimiter=separator, strict=True), [])
        except csv.Error:
            collector.fault(line, "a quotation mark is not closed on its line")
            continue
        if header is None:
            header, width = _header(cells, line, collector), len(cells)
            if not {"site", "phenomenon", "day"} <= set(header.values()):
                collector.fault(
                    line,
                    "the first line does not name the columns, at least site,phenomenon,day,degree",
                )
                break
            continue
        if not any(cell.strip() for cell in cells):
            continue
        try:
            outcome = _outcome(_row(cells, header, width), named, today, nameless)
            if (outcome.site, outcome.phenomenon, outcome.day.isoformat()) in pending:
                raise _Refused(
                    f"{outcome.phenomenon} of {outcome.day} is not over yet: "
                    "import the file again when it is"
                )
        except _Refused as error:
            collector.fault(line, str(error))
            continue
        key = (outcome.site, outcome.phenomenon, outcome.day, outcome.source, outcome.reporter)
        if key in kept:
            repeated += 1
            if repr(kept[key]) != repr(outcome):
                collector.fault(
                    line,
                    "contradicts an earlier line of the same reporter on this event: "
                    "the later one is kept",
                )
        elif len(kept) >= LIMITS.records:
            collector.fault(
                line, f"more than {LIMITS.records} rows: the rest is not read; split the file"
            )
            break
        kept[key] = outcome
    parsed = collector.parsed()
    if header is None and not parsed.faults:
        parsed.faults.append(Fault(collector.name, 0, "the file has no readable line"))
    return OutcomeTable(tuple(kept.values()), tuple(parsed.faults), repeated)


def site_names(sites: Sequence[Site]) -> dict[str, str]:
    return {
        label.casefold(): site.id
        for site in sites
        for label in (site.id, site.name.zh, site.name.en, site.title.zh, site.title.en)
    }


def _reporter(name: str) -> str:
    """Return the reporter that a file's name stands for: sanitised, without its ending."""
    stem = sanitised(Path(name).stem, REPORTER - len("..."))
    while _FORMULA.match(stem):
        stem = stem.lstrip()[1:]
    return stem.strip() or "file"


def _header(cells: Sequence[str], line: int, collector: Collector) -> dict[int, str]:
    """Return the meaning of each known column; others become faults."""
    columns: dict[int, str] = {}
    for place, cell in enumerate(cells):
        text = re.sub(r"[\s_()\uff08\uff09]+", "_", cell.strip().casefold()).strip("_")
        meaning = words()["column"].get(text)
        if meaning is None:
            if text:
                collector.fault(
                    line,
                    f"column {place + 1}, {quoted(cell.strip(), 40)}, is not known: it is ignored",
                )
        elif meaning in columns.values():
            collector.fault(line, f"column {place + 1} repeats {meaning}: it is ignored")
        else:
            columns[place] = meaning
    return columns


def _row(cells: Sequence[str], header: Mapping[int, str], width: int) -> dict[str, str]:
    if (len(cells) != width and any(cell.strip() for cell in cells[width:])) or len(cells) < max(
        header, default=0
    ) + 1:
        raise _Refused(f"the line has {len(cells)} cells, its header {width}")
    return {meaning: cells[place].strip() for place, meaning in header.items()}


def _outcome(
    row: Mapping[str, str], sites: Mapping[str, str], today: date, nameless: str
) -> Outcome:
    site = sites.get(row["site"].casefold())
    if site is None:
        raise _Refused(f"site: {quoted(row['site'])} is not a viewpoint of the settings")
    phenomenon = _word("phenomenon", row["phenomenon"])
    day = _day(row["day"], today)
    state = _word("state", row["state"]) if row.get("state") else ""
    if state and phenomenon != "sea_of_clouds":
        raise _Refused("state: only a sea of clouds has one")
    amount = _number(row.get("amount_cm", ""), "amount_cm", MOST_CM) / 100
    if math.isfinite(amount) and phenomenon not in MEASURED:
        raise _Refused(f"amount_cm: only {', '.join(MEASURED)} are measured")
    vividness = _number(row.get("vividness", ""), "vividness", 2.0)
    if math.isfinite(vividness) and phenomenon not in GLOWS:
        raise _Refused("vividness: only a glow has one")
    degree = (
        float(_word("degree", row["degree"]))
        if row.get("degree")
        else _implied(phenomenon, state, amount)
    )
    if state and (degree > 0) != (state == CLOUD_SEA_STATES[0]):
        raise _Refused(
            f"degree and state contradict each other: {degree:g} of a sea of clouds, "
            f"and the state {state}"
        )
    source = _word("source", row["source"]) if row.get("source") else "observer"
    return Outcome(
        phenomenon,
        site,
        day,
        degree,
        source,
        state,
        amount,
        _text(row.get("detail", ""), "detail", DETAIL),
        _text(row.get("reporter", ""), "reporter", REPORTER) or nameless,
        vividness,
    )


def _implied(phenomenon: str, state: str, amount: float) -> float:
    """Return the degree that the state or the amount implies. Raises: _Refused without either."""
    if state:
        return float(state == CLOUD_SEA_STATES[0])
    thresholds = DEGREES.get(MEASURED.get(phenomenon, ""))
    if thresholds is None or not math.isfinite(amount):
        raise _Refused(
            "no outcome: expected a degree (none, partial, full), a state, or amount_cm of snow"
        )
    some, full = thresholds
    return 1.0 if amount >= full else 0.5 if amount >= some else 0.0


def _word(about: str, text: str) -> str:
    meaning = words()[about].get(text.casefold())
    if meaning is None:
        expected = ", ".join(dict.fromkeys(words()[about].values()))
        raise _Refused(f"{about}: {quoted(text)} is not known; expected one of {expected}")
    return meaning


def _day(text: str, today: date) -> date:
    found = (
        _DAY.fullmatch(text.split("T")[0].split(" ")[0])
        if text.strip() and len(text) <= 40
        else None
    )
    try:
        day = date(*(int(part) for part in found.groups() if part)) if found else None
    except ValueError:
        day = None
    if day is None:
        raise _Refused(f"day: {quoted(text)} is not a day; write 2026-11-22")
    if not EARLIEST <= day <= today:
        where = "in the future" if day > today else f"before {EARLIEST.year}"
        raise _Refused(f"day: {day.isoformat()} lies {where}")
    return day


def _number(text: str, what: str, most: float) -> float:
    if not text:
        return math.nan
    if not _NUMBER.fullmatch(text) or not text.isascii() or float(text) > most:
        raise _Refused(f"{what}: {quoted(text)} is not a number from 0 to {most:g}")
    return float(text)


def _text(text: str, what: str, most: int) -> str:
    """Return free text that is safe on a page, in a terminal and in a spreadsheet."""
    if len(text) > most:
        raise _Refused(f"{what}: {len(text)} characters, at most {most}")
    if _FORMULA.match(text):
        raise _Refused(
            f"{what}: {quoted(text)} begins like a spreadsheet formula; begin with a letter"
        )
    if any(
        unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        for character in text
    ):
        raise _Refused(f"{what}: control or invisible characters; write plain text")
    return text
