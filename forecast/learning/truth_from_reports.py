"""Truth from reports: outcomes in CSV tables, parsed row by row (`skyscape outcomes import FILE`).

The first line names the columns (in any order; Chinese and English names stand in outcome_words.csv
beside this module):
    site        id or name of a viewpoint of the settings
    phenomenon  id or name: starry_sky, sea_of_clouds, sunset_glow, sunrise_glow, sunrise,
                snowfall, snow_cover, rime, snowmaking; one for which the site is forecast
    day         local day, 2026-11-22; a night belongs to the day on which it begins, a dawn to
                the day that follows. With a time, 2026-11-21 02:30, it is the clock's day, and a
                starry sky then belongs to the night of the 20th. Called `night` it is the day on
                which the night begins, whatever the time
    time        local time of day, 02:30, beside a day; `sent` (when the report was sent) is ignored
    degree      none, partial, full; 0, 0.5, 1; or 0%, 50%, 100%
    state       sea of clouds only: sea, in_cloud, overcast, open
    vividness   glow only: 0 to 2; not of a degree of none
    amount_cm   snowfall (new snow), snow_cover (depth) and rime (thickness) only; it must agree
                with the degree
    source      observer (default), camera, station, visitor, analysis
    reporter    who reports within the source, at most 60 characters: the last report of each
                reporter on an event counts
    detail      anything else, at most 300 characters
A heading may name a zone (`time (UTC)`), and so may a cell (2026-11-21T02:30+08:00). A row needs
site, phenomenon, day and one of degree, state or, for snow, amount_cm. A wrong row, one that can be
read in two ways, or one of an event that is not over yet, is refused with its line and the reason;
the others are kept. Without a reporter the file's name is used, so that tables of two observers do
not replace each other. A file is read once, by the digest of its bytes; a file with refused rows is
read again when the settings' viewpoints, the day or the set of events that are not over have
changed. Cells are read by outcome_cells.py, days by outcome_days.py.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from difflib import get_close_matches
from pathlib import Path

from forecast.domain import CLOUD_SEA_STATES, Fault, Outcome, Site
from forecast.learning.outcome_cells import FORMULA, Refused, degree, free_text, number, plain, word
from forecast.learning.outcome_days import NIGHTS, EventDays, read_moment, zone_of_comments
from forecast.learning.outcome_header import OutcomeHeader, read_header, row_of
from forecast.observations.formats.collector import Collector, Limits, quoted, sanitised
from forecast.phenomena.snow import DEGREES
from forecast.verification import EventKey, reporter_key

LIMITS = Limits(size=8 << 20, line=4_000, records=50_000, faults=1_000)
REPORTER, DETAIL = 60, 300  # characters
MOST_CM = 1_000.0
# New snow of a day: 193 cm in 24 h is the record (Silver Lake, Colorado, 1921).
MOST_NEW_SNOW_CM = 200.0
SITES_NAMED = 12  # in a refusal
TOO_MANY = f"more than {LIMITS.records} rows: the rest is not read; split the file"
CONTRADICTION = (
    "contradicts an earlier line of the same reporter on this event: the later one is kept"
)
GLOWS = ("sunset_glow", "sunrise_glow")
# phenomenon -> quantity whose thresholds give the degree
MEASURED = {"snowfall": "new_snow", "snow_cover": "snow_depth", "rime": ""}


@dataclass(frozen=True, slots=True)
class OutcomeTable:
    """The content of a table: outcomes in its order, faults, and the number of repeated rows.

    refused: number of rows that were not kept, the whole table counting as one. unreadable: no line
    names the columns that are needed, so that no row can be read.
    """

    outcomes: tuple[Outcome, ...]
    faults: tuple[Fault, ...]
    repeated: int
    refused: int = 0
    unreadable: bool = False


@dataclass(frozen=True, slots=True)
class _RowContext:
    """What rows are held against: sites by their labels and by id, the days of events."""

    labels: Mapping[str, str]
    sites: Mapping[str, Site]
    days: EventDays
    nameless: str


def parse(
    data: bytes,
    name: str,
    sites: Sequence[Site],
    today: date,
    pending: Collection[EventKey] = (),
    zone: tzinfo = UTC,
) -> OutcomeTable:
    """Return the outcomes of a table and its faults.

    today: outcomes after it are refused; so are those of pending events, which are not over yet.
    zone: of the clock by which days and times are given.
    """
    collector = Collector(name, "outcomes", LIMITS)
    known = _known(name, sites, EventDays(sites, zone, today))
    kept: dict[tuple[object, ...], Outcome] = {}
    header: OutcomeHeader | None = None
    separator, repeated, refused, comments = ",", 0, 0, list[tuple[int, str]]()
    if reason := _unreadable(data):
        collector.fault(0, reason)
        refused = 1
    for line, text in collector.lines(b"" if reason else data):
        if header is None and text.startswith("#"):
            comments.append((line, text))
            continue
        separator = separator if header else max(",;\t", key=text.count)
        try:
            cells = next(csv.reader([text], delimiter=separator, strict=True), [])
        except csv.Error:
            collector.fault(line, "a quotation mark is not closed on its line")
            refused += 1
            continue
        try:
            if header is None:
                header = read_header(cells, line, collector, zone_of_comments(comments, zone))
                continue
            if not any(cell.strip() for cell in cells):
                continue
            outcome = _over(_outcome(row_of(cells, header), header, known), pending)
        except Refused as error:
            collector.fault(line, str(error))
            refused += 1
            if header is None:
                break
            continue
        key = (outcome.day, *_identity(outcome))
        if key in kept:
            repeated += 1
            if repr(kept[key]) != repr(outcome):
                collector.fault(line, CONTRADICTION)
        elif len(kept) >= LIMITS.records:
            collector.fault(line, TOO_MANY)
            refused += 1
            break
        kept[key] = outcome
    faults = collector.parsed().faults
    if header is None and not faults:
        faults.append(Fault(collector.name, 0, "the file has no readable line"))
        refused += 1
    return OutcomeTable(tuple(kept.values()), tuple(faults), repeated, refused, header is None)


class OutcomeReader:
    """Reads single rows, given as what a column means -> its cell, as rows of a table are read.

    For what does not come as a table: the reports of phones (truth_from_phones.py).
    """

    def __init__(self, sites: Sequence[Site], today: date, zone: tzinfo) -> None:
        self.days = EventDays(sites, zone, today)
        self._known = _known("", sites, self.days)

    def known_site(self, id: str) -> Site | None:
        """Return a site by its id; None where the settings have none of it."""
        return self._known.sites.get(id)

    def outcome(self, row: Mapping[str, str]) -> Outcome:
        """Return the outcome of a row. Raises: Refused."""
        return _outcome(row, OutcomeHeader(len(row)), self._known)


def _identity(outcome: Outcome) -> tuple[str, str, str, str]:
    """Return what a report is known by beside its day."""
    return outcome.site, outcome.phenomenon, outcome.source, reporter_key(outcome.reporter)


def _known(name: str, sites: Sequence[Site], days: EventDays) -> _RowContext:
    """Return what is known before the first row of the file `name` is read."""
    return _RowContext(site_names(sites), {site.id: site for site in sites}, days, _reporter(name))


def _over(outcome: Outcome, pending: Collection[EventKey]) -> Outcome:
    """Return an outcome. Raises: Refused where its event is not over yet."""
    if (outcome.site, outcome.phenomenon, outcome.day.isoformat()) in pending:
        raise Refused(
            f"{outcome.phenomenon} of {outcome.day} is not over yet: "
            "import the file again when it is"
        )
    return outcome


def _unreadable(data: bytes) -> str:
    """Return why a file cannot be read at all, "" where it can."""
    if len(data) > LIMITS.size:
        return f"the file has {len(data)} bytes, at most {LIMITS.size} are read: split it"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "the file is UTF-16 text: save it as UTF-8"
    return ""


def site_names(sites: Sequence[Site]) -> dict[str, str]:
    """Return the label (id or name, in lower case) of each site -> its id."""
    return {
        plain(label).casefold(): site.id
        for site in sites
        for label in (site.id, site.name.zh, site.name.en, site.brand.zh, site.brand.en)
        if label.strip()
    }


def _reporter(name: str) -> str:
    """Return the reporter that a file's name stands for: sanitised, without its ending."""
    stem = sanitised(Path(name).stem, REPORTER - len("..."))
    while FORMULA.match(stem):
        stem = stem.lstrip()[1:]
    return stem.strip() or "file"


def _outcome(row: Mapping[str, str], header: OutcomeHeader, known: _RowContext) -> Outcome:
    site = _site(row["site"], known)
    phenomenon = word("phenomenon", row["phenomenon"])
    if phenomenon not in site.phenomena:
        raise Refused(
            f"phenomenon: {phenomenon} is not forecast for {site.id}; "
            f"there it is {', '.join(site.phenomena)}"
        )
    if phenomenon in NIGHTS and "timelike" in row:
        raise Refused(
            f"{row['timelike']} may say when the sky was observed, and so which night is meant: "
            "call it `time` if it does, `sent` if it says when the report was sent"
        )
    moment = read_moment(row["day"], row.get("time", ""), header.zone, header.night)
    day = known.days.day(moment, site.id, phenomenon)
    state = word("state", row["state"]) if row.get("state") else ""
    if state and phenomenon != "sea_of_clouds":
        raise Refused("state: only a sea of clouds has one")
    most = MOST_NEW_SNOW_CM if phenomenon == "snowfall" else MOST_CM
    amount = number(row.get("amount_cm", ""), "amount_cm", most) / 100
    if math.isfinite(amount) and phenomenon not in MEASURED:
        raise Refused(f"amount_cm: only {', '.join(MEASURED)} are measured")
    vividness = number(row.get("vividness", ""), "vividness", 2.0)
    if math.isfinite(vividness) and phenomenon not in GLOWS:
        raise Refused("vividness: only a glow has one")
    seen = degree(row["degree"]) if row.get("degree") else _implied(phenomenon, state, amount)
    _check_agreement(phenomenon, seen, state, amount, vividness)
    source = word("source", row["source"]) if row.get("source") else "observer"
    return Outcome(
        phenomenon,
        site.id,
        day,
        seen,
        source,
        state,
        amount,
        free_text(row.get("detail", ""), "detail", DETAIL),
        free_text(row.get("reporter", ""), "reporter", REPORTER) or known.nameless,
        vividness if seen > 0 else math.nan,  # 0 of a none is none
    )


def _site(text: str, known: _RowContext) -> Site:
    """Return the site of a label. Raises: Refused, with the sites known, the likely one first."""
    label = plain(text).casefold()
    if (id := known.labels.get(label)) is not None:
        return known.sites[id]
    near = [known.labels[each] for each in get_close_matches(label, known.labels, n=3)]
    ids = list(dict.fromkeys((*near, *known.sites)))
    named = ", ".join(f"{id} ({known.sites[id].name.zh})" for id in ids[:SITES_NAMED])
    more = f" and {len(ids) - SITES_NAMED} more" if len(ids) > SITES_NAMED else ""
    raise Refused(f"site: {quoted(text)} is not a viewpoint of the settings; known: {named}{more}")


def _check_agreement(
    phenomenon: str, seen: float, state: str, amount: float, vividness: float
) -> None:
    """Raise Refused where the cells of a row contradict each other."""
    if state and (seen > 0) != (state == CLOUD_SEA_STATES[0]):
        raise Refused(
            f"degree and state contradict each other: {seen:g} of a sea of clouds, "
            f"and the state {state}"
        )
    if seen == 0 and vividness > 0:
        raise Refused(
            f"degree and vividness contradict each other: no glow, and a vividness of {vividness:g}"
        )
    if not math.isfinite(amount):
        return
    thresholds = DEGREES.get(MEASURED[phenomenon])
    measured = _degree_of(amount, thresholds) if thresholds else None
    if (seen > 0) != (amount > 0 if measured is None else measured > 0) or (
        measured is not None and measured != seen
    ):
        begins = (
            f"; partial begins at {thresholds[0] * 100:g} cm, full at {thresholds[1] * 100:g} cm"
            if thresholds
            else ""
        )
        raise Refused(
            f"degree and amount_cm contradict each other: a degree of {seen:g}, and "
            f"{amount * 100:g} cm of {phenomenon}{begins}"
        )


def _degree_of(amount: float, thresholds: tuple[float, float]) -> float:
    """Return the degree of an amount [m]."""
    some, full = thresholds
    return 1.0 if amount >= full else 0.5 if amount >= some else 0.0


def _implied(phenomenon: str, state: str, amount: float) -> float:
    """Return the degree that the state or the amount implies. Raises: Refused without either."""
    if state:
        return float(state == CLOUD_SEA_STATES[0])
    thresholds = DEGREES.get(MEASURED.get(phenomenon, ""))
    if thresholds is None or not math.isfinite(amount):
        raise Refused(
            "no outcome: expected a degree (none, partial, full), a state, or amount_cm of snow"
        )
    return _degree_of(amount, thresholds)
