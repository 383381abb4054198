"""Truth from phones: what people report on the spot, as outcomes.

A report answers questions on the phenomena of a site (ANSWERS). Each answer becomes a row that is
read as a row of an outcome table is (truth_from_reports.py): one validation for both. Its day is
that of the newest event that had begun when it was seen: a night belongs to the day on which it
began. Before its decisive moment nobody can say that an event did not come: such an answer is
refused, a sighting is not. An accepted report counts once its event is over. A visitor's report
waits until somebody accepts it, or three visitors from different addresses agree.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.archive.reports import ACCEPTED, HELD, REFUSED, VISITOR, FieldReport, Reports
from forecast.config import Config
from forecast.domain import CLOUD_SEA_STATES, Outcome, Site
from forecast.learning.outcome_cells import FORMULA, Refused
from forecast.learning.outcome_import import pending_events
from forecast.learning.truth_from_reports import DETAIL, MEASURED, OutcomeReader
from forecast.plain_text import visible
from forecast.verification import EventKey, happened

# The answers to a glow -> the cells of a row: its degree and its vividness.
GLOW = {
    "none": {"degree": "0"},
    "faint": {"degree": "0.5", "vividness": "0.5"},
    "fine": {"degree": "1", "vividness": "1"},
    "great": {"degree": "1", "vividness": "2"},
}
DEGREE = {"none": {"degree": "0"}, "partial": {"degree": "0.5"}, "full": {"degree": "1"}}
# phenomenon -> answer -> the cells of a row. Snow cover is answered by its depth [cm]. A state
# alone implies the degree.
ANSWERS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "sea_of_clouds": {state: {"state": state} for state in CLOUD_SEA_STATES},
    "sunrise_glow": GLOW,
    "sunrise": {"full": DEGREE["full"], "none": DEGREE["none"]},
    "sunset_glow": GLOW,
    "starry_sky": DEGREE,
    "snowfall": DEGREE,
    "rime": DEGREE,
    "snow_cover": {},
}
_lock = threading.RLock()  # one change of reports and their outcomes at a time
AGREEING = 3  # visitors of different addresses
AGREEMENT = "agreement"  # stands for the person that accepts
SENDER_KEPT = timedelta(days=1)
# Reports of what was seen so long ago can still come in or wait for their event to be over.
OLDEST = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The outcomes of a report by phenomenon, and why others have none.

    early: those of the others that said too early that nothing came.
    """

    outcomes: Mapping[str, Outcome]
    refused: Mapping[str, str]
    early: tuple[str, ...] = ()


class TooEarly(Refused):
    """Nothing was seen before anybody can say so."""


def cells(phenomenon: str, answer: str) -> Mapping[str, str]:
    """Return the cells of a row that an answer stands for. Raises: Refused."""
    choices = ANSWERS.get(phenomenon)
    if choices is None:
        raise Refused(f"phenomenon: {phenomenon[:40]!r} is not asked")
    if phenomenon in MEASURED and not choices:
        return {"amount_cm": answer}
    if answer not in choices:
        raise Refused(f"{phenomenon}: expected one of {', '.join(choices)}")
    return choices[answer]


def plain_remark(text: str) -> str:
    """Return a remark as it is kept: one line, nothing invisible, nothing that begins a formula."""
    shown = visible("".join(" " if each.isspace() else each for each in text))
    while FORMULA.match(shown):
        shown = shown.lstrip()[1:]
    return " ".join(shown.split())[:DETAIL]


def row_reader(config: Config, now: datetime) -> OutcomeReader:
    """Return what reads the rows of reports at `now`; it computes the sun once a day."""
    return _reader(config.all_sites(), now.astimezone(config.zone).date(), config.zone)


@lru_cache(maxsize=2)
def _reader(sites: tuple[Site, ...], today: date, zone: ZoneInfo) -> OutcomeReader:
    return OutcomeReader(sites, today, zone)


def read_report(report: FieldReport, reader: OutcomeReader) -> ReadReport:
    """Return the outcomes that a report stands for; nothing is kept."""
    outcomes: dict[str, Outcome] = {}
    refused: dict[str, str] = {}
    early: list[str] = []
    for phenomenon, answer in report.says.items():
        try:
            outcome = reader.outcome(_cells_of(report, phenomenon, answer, reader))
            if is_nothing(phenomenon, answer):
                _check_decided(report, outcome, reader)
            outcomes[phenomenon] = outcome
        except Refused as error:
            refused[phenomenon] = str(error)
            early += [phenomenon] if isinstance(error, TooEarly) else []
    return ReadReport(outcomes, refused, tuple(early))


def is_nothing(phenomenon: str, answer: str) -> bool:
    """Return whether an answer says that the phenomenon did not come.

    A depth of none says so too, but it is measured: it holds whenever that is done.
    """
    if phenomenon == "sea_of_clouds":
        return answer != CLOUD_SEA_STATES[0]
    return answer == "none"


def _check_decided(report: FieldReport, outcome: Outcome, reader: OutcomeReader) -> None:
    """Raise TooEarly where an event that did not come may still do so."""
    decisive = reader.days.decisive(outcome.day, outcome.site, outcome.phenomenon)
    if decisive is not None and report.seen < decisive:
        raise TooEarly(f"{outcome.phenomenon} of {outcome.day} may still come: report it later")


def _cells_of(
    report: FieldReport, phenomenon: str, answer: str, reader: OutcomeReader
) -> Mapping[str, str]:
    """Return an answer as a row. Raises: Refused."""
    answered = cells(phenomenon, answer)
    row = {"site": report.site, "phenomenon": phenomenon, "day": ""}
    known = reader.known_site(report.site)
    if known is not None and phenomenon in known.phenomena:
        begun = reader.days.begun(report.seen, report.site, phenomenon)
        if begun is None:
            raise Refused(f"{phenomenon}: none had begun when this was seen")
        row["day"] = begun[0].isoformat()
    return {
        **row,
        **answered,
        "source": report.kind,
        "reporter": report.reporter,
        "detail": plain_remark(report.remark),
    }


def settle(archive: Archive, config: Config, now: datetime) -> int:
    """Keep the outcomes of accepted reports whose events are over; return how many are new.

    Held reports on which enough visitors agree are accepted; addresses are forgotten after a day.
    Safe to be repeated. Raises: ArchiveError.
    """
    reports, reader = Reports(archive), row_reader(config, now)
    since, until = now - OLDEST - timedelta(days=2), now + timedelta(days=1)
    with _lock:
        _accept_agreeing(reports, reports.seen_between(since, until, (HELD,)), reader, now)
        reports.forget_senders(now - SENDER_KEPT)
        accepted = reports.seen_between(since, until, (ACCEPTED,), limit=None)
        return _keep(archive, config, accepted, reader, now)


def forget_early(archive: Archive, config: Config, now: datetime) -> int:
    """Forget outcomes of accepted reports that said too early that nothing came; return how many.

    Such answers were kept before they were refused. Other reports of the same reporter count again
    from the next `settle` on. Raises: ArchiveError.
    """
    reports, outcomes, reader = Reports(archive), Outcomes(archive), row_reader(config, now)
    gone = 0
    with _lock:
        for report in reports.seen_between(now - OLDEST, now, (ACCEPTED,), limit=None):
            early = [
                reader.outcome(_cells_of(report, name, report.says[name], reader))
                for name in read_report(report, reader).early
            ]
            kept = [outcome for outcome in early if _is_kept(outcomes, outcome)]
            if kept:
                outcomes.forget(kept)
                _count_again(reports, report, {_key(outcome) for outcome in kept}, reader)
                gone += len(kept)
    return gone


def _is_kept(outcomes: Outcomes, outcome: Outcome) -> bool:
    """Return whether an outcome is kept just as its reporter gave it."""
    known = outcomes.reports(outcome.day, outcome.day, outcome.phenomenon)
    return any(
        _content_of(each.outcome) == _content_of(outcome) for each in known.get(_key(outcome), ())
    )


def _content_of(outcome: Outcome) -> tuple[str, str, str, str]:
    """Return who said what of an event; a degree that is NaN equals itself."""
    return outcome.source, outcome.reporter, outcome.state, repr(outcome.degree)


def _keep(
    archive: Archive,
    config: Config,
    accepted: Sequence[FieldReport],
    reader: OutcomeReader,
    now: datetime,
) -> int:
    """Keep the outcomes of reports that are not kept yet and whose events are over."""
    waiting = [report for report in accepted if set(report.says) - set(report.kept)]
    places, changed = {report.site for report in waiting}, 0
    sites = [site for site in config.all_sites() if site.id in places]
    pending = pending_events(config, sites, now) if sites else set()
    for report in waiting:
        found = read_report(report, reader)
        fresh = {
            phenomenon: outcome
            for phenomenon, outcome in found.outcomes.items()
            if phenomenon not in report.kept and _key(outcome) not in pending
        }
        changed += Outcomes(archive).keep(list(fresh.values()), now) if fresh else 0
        done = {*report.kept, *fresh, *found.refused}
        if done != set(report.kept):
            Reports(archive).mark_kept(report.id, sorted(done))
    return changed


def _accept_agreeing(
    reports: Reports, held: Sequence[FieldReport], reader: OutcomeReader, now: datetime
) -> None:
    """Accept the held reports all of whose answers enough visitors give."""
    senders: dict[tuple[EventKey, str], set[str]] = {}
    wanted: dict[str, list[tuple[EventKey, str]]] = {}
    for report in held:
        if report.kind != VISITOR or not report.sender:
            continue
        votes = [
            (_key(outcome), outcome.state or str(happened(outcome)))
            for outcome in read_report(report, reader).outcomes.values()
        ]
        wanted[report.id] = votes
        for vote in votes:
            senders.setdefault(vote, set()).add(report.sender)
    for id, votes in wanted.items():
        if votes and all(len(senders[vote]) >= AGREEING for vote in votes):
            reports.decide(id, ACCEPTED, AGREEMENT, "", now)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decides on a report: ACCEPTED or REFUSED, who, when, and why."""

    state: str
    person: str
    at: datetime
    reason: str = ""


def decide(archive: Archive, config: Config, id: str, decision: Decision) -> FieldReport:
    """Accept or refuse a report and bring the outcomes to that; return the report.

    A refused report's outcomes go; an earlier accepted one of the same reporter counts again.

    Raises: Conflict where it is in that state already; ArchiveError.
    """
    reports, reader = Reports(archive), row_reader(config, decision.at)
    with _lock:
        decided = reports.decide(id, decision.state, decision.person, decision.reason, decision.at)
        if decision.state == REFUSED and decided.kept:
            gone = read_report(decided, reader).outcomes.values()
            Outcomes(archive).forget(list(gone))
            reports.mark_kept(id, ())
            _count_again(reports, decided, {_key(outcome) for outcome in gone}, reader)
        elif decision.state == ACCEPTED:
            _keep(archive, config, [decided], reader, decision.at)
        settle(archive, config, decision.at)
        return reports.get(id) or decided


def _count_again(
    reports: Reports, refused: FieldReport, keys: set[EventKey], reader: OutcomeReader
) -> None:
    """Let the outcomes of these events be kept again from other reports of the same reporter."""
    near = timedelta(days=2)
    for other in reports.seen_between(refused.seen - near, refused.seen + near, (ACCEPTED,)):
        if (other.kind, other.reporter, other.site) == (
            refused.kind,
            refused.reporter,
            refused.site,
        ):
            again = read_report(other, reader).outcomes
            lost = {name for name, outcome in again.items() if _key(outcome) in keys}
            reports.mark_kept(other.id, sorted(set(other.kept) - lost))


def _key(outcome: Outcome) -> EventKey:
    return (outcome.site, outcome.phenomenon, outcome.day.isoformat())
