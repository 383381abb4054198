"""The desk's list of reports: who said what, and what it did to the truth; `/desk/reports`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from http import HTTPStatus

from flask import Blueprint, abort, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue

from forecast.archive.outcomes import Outcomes
from forecast.archive.reports import ACCEPTED, REFUSED, FieldReport, Reports
from forecast.domain import Outcome
from forecast.errors import Conflict
from forecast.learning.truth_from_phones import Decision, decide, read_report, row_reader, settle
from forecast.learning.truth_from_reports import OutcomeReader
from forecast.plain_text import visible
from forecast.service.web.context import account, context
from forecast.service.web.guards import needs, note
from forecast.service.web.photos import folder_of, path_of
from forecast.verification import OutcomeReport, VerifiedOutcome, resolve

blueprint = Blueprint("report_desk", __name__)
LONGEST_REASON = 200  # [character]
PHOTO_POLICY = "default-src 'none'; sandbox"


@dataclass(frozen=True, slots=True)
class EffectOnTruth:
    """What a report says of one event, and the verified outcome without it and with it.

    instead: what counts of the same reporter, who reported the event otherwise, too; None where
    this report does.
    """

    outcome: Outcome
    counts: bool
    before: VerifiedOutcome | None
    after: VerifiedOutcome | None
    instead: VerifiedOutcome | None = None

    @property
    def changed(self) -> bool:
        """Return whether the report changes what counts as seen."""
        if self.before is None or self.after is None:
            return self.before is not self.after
        return _content_of(self.before.outcome) != _content_of(self.after.outcome)


def _content_of(outcome: Outcome) -> tuple[str, str]:
    """Return what an outcome says; a degree that is NaN equals itself."""
    return outcome.state, repr(outcome.degree)


@blueprint.get("/desk/reports")
@needs("reports")
def listed() -> ResponseReturnValue:
    """Show the reports of a day, or all that wait for a decision, newest first."""
    return _list(_day())


@blueprint.post("/desk/reports/<uuid:id>")
@needs("reports")
def decision(id: object) -> ResponseReturnValue:
    """Accept or refuse a report; a refusal has its reason."""
    person, now = account(), context().clock()
    assert person is not None
    state = request.form.get("state", "")
    reason = " ".join(visible(request.form.get("reason", "")).split())[:LONGEST_REASON]
    if state not in (ACCEPTED, REFUSED):
        abort(HTTPStatus.UNPROCESSABLE_ENTITY)
    if state == REFUSED and len(reason) < 2:
        return _list(_day(), "report.desk.no_reason", str(id)), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        decided = decide(
            context().archive, context().config, str(id), Decision(state, person.id, now, reason)
        )
    except Conflict:
        return _list(_day(), "report.desk.decided", str(id)), HTTPStatus.CONFLICT
    note(f"report {state}", f"{decided.id}: {reason}")
    day = decided.seen.astimezone(context().config.zone).date().isoformat()
    where = {"held": 1} if "held" in request.form else {"day": day}
    return redirect(url_for("reports.report_desk.listed", **where), HTTPStatus.SEE_OTHER)


@blueprint.get("/desk/photos/<digest>")
@needs("reports")
def photo(digest: str) -> ResponseReturnValue:
    """Return a photo, to the desk only."""
    try:
        path = path_of(digest, folder_of(context().config))
    except ValueError:
        abort(HTTPStatus.NOT_FOUND)
    if not path.is_file():
        abort(HTTPStatus.NOT_FOUND)
    response = send_file(path, mimetype="image/jpeg", max_age=0)
    response.headers["Content-Security-Policy"] = PHOTO_POLICY
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _day() -> date:
    today = context().clock().astimezone(context().config.zone).date()
    try:
        wanted = date.fromisoformat(request.values.get("day", ""))
    except ValueError:
        return today
    return min(max(wanted, date(1970, 1, 2)), today)


def _list(day: date, fault: str = "", about: str = "") -> str:
    """Return the list of a day, or of all reports that wait for a decision."""
    config, archive, now = context().config, context().archive, context().clock()
    settle(archive, config, now)
    begin = datetime.combine(day, time(0), config.zone)
    held, waiting = Reports(archive).held(), "held" in request.values
    shown = held if waiting else Reports(archive).seen_between(begin, begin + timedelta(days=1))
    days = [report.seen.astimezone(config.zone).date() for report in shown] or [day]
    kept = Outcomes(archive).reports(min(days) - timedelta(days=1), max(days))
    reader = row_reader(config, now)
    last = {
        _by_whom(outcome): outcome
        for report in shown
        if report.state == ACCEPTED
        for outcome in read_report(report, reader).outcomes.values()
    }
    return render_template(
        "desk/reports.html",
        day=day,
        previous=(day - timedelta(days=1)).isoformat(),
        next=(day + timedelta(days=1)).isoformat(),
        today=now.astimezone(config.zone).date(),
        rows=[(report, _effects(report, reader, kept, last)) for report in reversed(shown)],
        held=len(held),
        waiting=waiting,
        sites={site.id: site for site in config.all_sites()},
        fault=fault,
        about=about,
    )


def _by_whom(outcome: Outcome) -> tuple[str, str, str, str, str]:
    """Return who reported which event; of several such reports one counts."""
    event = outcome.site, outcome.phenomenon, outcome.day.isoformat()
    return *event, outcome.source, outcome.reporter


def _effects(
    report: FieldReport,
    reader: OutcomeReader,
    kept: dict[tuple[str, str, str], tuple[OutcomeReport, ...]],
    last: dict[tuple[str, str, str, str, str], Outcome],
) -> Sequence[EffectOnTruth]:
    """Return what each answer of a report did to the truth, or would do.

    kept: the outcomes by event; last: the newest of each reporter on an event, of accepted reports.
    """
    found = []
    for phenomenon, outcome in read_report(report, reader).outcomes.items():
        key = (outcome.site, outcome.phenomenon, outcome.day.isoformat())
        every, whom = kept.get(key, ()), _by_whom(outcome)
        others = [each for each in every if _by_whom(each.outcome) != whom]
        counts = phenomenon in report.kept and report.state == ACCEPTED
        own = [each for each in every if _by_whom(each.outcome) == whom] if counts else [
            OutcomeReport(last.get(whom, outcome), report.received)
        ]  # fmt: skip
        over = (
            report.state == ACCEPTED and own and _content_of(own[0].outcome) != _content_of(outcome)
        )
        with_it = [*others, OutcomeReport(outcome, report.received)]
        found.append(EffectOnTruth(outcome, counts, resolve(others), resolve(with_it),
                                   resolve(own) if over else None))  # fmt: skip
    return found
