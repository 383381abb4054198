"""Reports from phones: the page of a link, `/report/<token>`, and that of visitors, `/report/`.

A report carries an id made on the phone: sent twice it counts once. The signed link in the address
is the proof of who sends it, not a cookie, so these pages need no other token. A photo that cannot
be kept never costs the report.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from forecast.archive.drafts import Drafts
from forecast.archive.issues import WITHDRAWN
from forecast.archive.reports import ACCEPTED, HELD, OBSERVER, VISITOR, FieldReport, Reports
from forecast.domain import Site, as_utc
from forecast.learning import verify
from forecast.learning.truth_from_phones import (
    ANSWERS,
    OLDEST,
    ReadReport,
    plain_remark,
    read_report,
    row_reader,
    settle,
)
from forecast.plain_text import number_text
from forecast.service.web import links, report_desk
from forecast.service.web.application import message, words
from forecast.service.web.context import context
from forecast.service.web.guards import body_limit, wants_json, without_csrf
from forecast.service.web.photos import LARGEST, REASONS, PhotoRefused, folder_of, keep_photo
from forecast.service.web.report_page import (
    answer_words,
    last_forecast,
    minute_of,
    new_id,
    other_language,
    outcome_words,
    questions,
)
from forecast.service.web.throttle import Limit, Throttle, network_of
from products.pages.templating import TEMPLATES

log = logging.getLogger(__name__)

blueprint = Blueprint("reports", __name__)
blueprint.register_blueprint(links.blueprint)
blueprint.register_blueprint(report_desk.blueprint)

BODY = 2 * LARGEST  # [byte] of a report: a photo that is too large does not cost it
AHEAD = timedelta(minutes=10)  # by which a clock may be fast
OLDEST_OF_VISITOR = timedelta(days=1)
# Reports at once, and one more every so many seconds; and reports of visitors in an hour, kept in
# the archive: of each address and of all.
OF_LINK, OF_ADDRESS = Limit(40, 15.0), Limit(10, 60.0)
VISITOR_HOURLY, ALL_HOURLY = 6, 120
EARLY = "early"  # a problem: an answer said too early that nothing came
CACHED = ("report.css", "report.js", "mark.svg")  # of static, kept on the phone with the page


class ReportLimits:
    """The reports of each link and of each visitor's address."""

    def __init__(self) -> None:
        self.link, self.address = Throttle(OF_LINK), Throttle(OF_ADDRESS)


@dataclass(frozen=True, slots=True)
class Sender:
    """Who reports: the holder of a link, or a visitor. site: fixed by the link, "" where not."""

    kind: str
    link: str = ""
    token: str = ""
    holder: str = ""
    site: str = ""

    def address(self, view: str, **more: Any) -> str:
        """Return the address of this sender's page, or of another view of it."""
        if self.kind == VISITOR:
            return url_for(f"reports.visitor_{view}", **more)
        return url_for(f"reports.{view}", token=self.token, **more)


@blueprint.context_processor
def _helpers() -> dict[str, Any]:
    """Return what the templates of reports and of the desk's list need."""
    return {
        "answer_words": partial(answer_words, words()),
        "outcome_words": partial(outcome_words, words()),
        "other_language": partial(other_language, words()),
        "reasons": REASONS,
    }


@blueprint.get("/report/sw.js")
def service_worker() -> ResponseReturnValue:
    """Return the script that keeps the pages of /report/ on the phone."""
    content = (TEMPLATES / "static" / "report_worker.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(content.encode())
    for name in CACHED:
        digest.update((TEMPLATES / "static" / name).read_bytes())
    response = make_response(f'const VERSION = "{digest.hexdigest()[:12]}";\n{content}')
    response.mimetype = "text/javascript"
    return response


@blueprint.get("/report/")
def visitor_page() -> ResponseReturnValue:
    """Show the page of visitors."""
    return _page(_visitor())


@blueprint.post("/report/")
@without_csrf
@body_limit(BODY)
def visitor_send() -> ResponseReturnValue:
    """Keep a visitor's report."""
    return _send(_visitor())


@blueprint.get("/report/thanks/<uuid:id>")
def visitor_thanks(id: uuid.UUID) -> ResponseReturnValue:
    """Thank a visitor for a report."""
    return _thanks(_visitor(), str(id))


@blueprint.get("/report/<token>")
def page(token: str) -> ResponseReturnValue:
    """Show the page of a link."""
    return _page(_holder(token))


@blueprint.post("/report/<token>")
@without_csrf
@body_limit(BODY)
def send(token: str) -> ResponseReturnValue:
    """Keep a report of a link's holder."""
    return _send(_holder(token))


@blueprint.get("/report/<token>/thanks/<uuid:id>")
def thanks(token: str, id: uuid.UUID) -> ResponseReturnValue:
    """Thank a link's holder for a report."""
    return _thanks(_holder(token), str(id))


# -- who reports


def _holder(token: str) -> Sender:
    """Return the holder of a link; 404 where it is forged or has been revoked."""
    link = links.link_of(token)
    if link is None:
        abort(message(HTTPStatus.NOT_FOUND, words()("report.fault.link")))
    return Sender(OBSERVER, link.id, token, link.holder, link.site)


def _visitor() -> Sender:
    if not context().config.reports.visitors:
        abort(HTTPStatus.NOT_FOUND)
    return Sender(VISITOR)


def _sites_of(sender: Sender) -> tuple[Site, ...]:
    every = context().config.all_sites()
    return tuple(site for site in every if sender.site in ("", site.id))


def _site_of(sender: Sender, wanted: str) -> Site | None:
    sites = _sites_of(sender)
    if len(sites) == 1:
        return sites[0]
    return next((site for site in sites if site.id == wanted), None)


# -- the page


def _page(sender: Sender, fault: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
    """Return the form of a site, or the choice of sites where the sender may report from any."""
    config, now = context().config, context().clock()
    site = _site_of(sender, request.values.get("site", ""))
    common = {"sender": sender, "fault": fault, "cached": CACHED}
    sites = _sites_of(sender)
    if site is None:
        return make_response(render_template("report/sites.html", sites=sites, **common), status)
    asked = questions(site, row_reader(config, now).days, now, config.zone)
    minute = minute_of(now, config.zone)
    shown = [each for each in asked if each.asked_at(minute)]
    group = shown[0].group if shown else ""
    content = render_template(
        "report/form.html",
        site=site,
        other_sites=len(sites) > 1,
        questions=asked,
        first=group,
        minute=minute,
        now=now,
        id=new_id(),
        given=request.form,
        **common,
    )
    return make_response(content, status)


# -- a report


class NotKept(Exception):
    """A report is not kept; its message is a key of the words."""

    def __init__(self, key: str, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY) -> None:
        super().__init__(key)
        self.key, self.status = key, status


def _send(sender: Sender) -> ResponseReturnValue:
    """Keep a report; answer with its address."""
    try:
        report, problem = _kept(sender)
    except NotKept as refused:
        return _refusal(sender, refused)
    more = {"problem": problem} if problem else {}
    address = sender.address("thanks", id=report.id, **more)
    if wants_json():
        photo = problem if problem in REASONS else None
        return jsonify(id=report.id, state=report.state, url=address, photo=photo), 201
    return redirect(address, HTTPStatus.SEE_OTHER)


def _refusal(sender: Sender, refused: NotKept) -> ResponseReturnValue:
    if wants_json():
        return jsonify(error=words()(refused.key)), refused.status
    return _page(sender, refused.key, refused.status)


def _kept(sender: Sender) -> tuple[FieldReport, str]:
    """Keep the report of this request; return it, and why its photo or an answer is not kept.

    Raises: NotKept.
    """
    archive, config = context().archive, context().config
    report, reading = _read(sender)
    known = Reports(archive).get(report.id)
    if known is not None:
        if known.link != report.link:
            raise NotKept("report.fault.id")
        return known, ""
    _admit(sender, report)
    digest, problem = _photo()
    if not reading.outcomes and not digest:
        raise NotKept(_fault_of(reading))
    answered = {name: report.says[name] for name in reading.outcomes}
    report = replace(report, says=answered, photo=digest)
    Reports(archive).add(report)
    settle(archive, config, report.received)
    return Reports(archive).get(report.id) or report, problem or (EARLY if reading.early else "")


def _fault_of(reading: ReadReport) -> str:
    """Return the key of why nothing of a report can be kept."""
    if reading.early:
        return "report.fault.early"
    return "report.fault.answer" if reading.refused else "report.fault.empty"


def _read(sender: Sender) -> tuple[FieldReport, ReadReport]:
    """Return the report that a form holds, and the outcomes it stands for. Raises: NotKept."""
    form, now = request.form, as_utc(context().clock())
    site = _site_of(sender, form.get("site", ""))
    if site is None:
        raise NotKept("report.fault.site")
    try:
        id = str(uuid.UUID(form.get("id", "")))
    except ValueError:
        raise NotKept("report.fault.id") from None
    visitor = sender.kind == VISITOR
    answers = {name: form.get(name, "").strip()[:20] for name in ANSWERS}
    answers["snow_cover"] = _depth(answers["snow_cover"])
    report = FieldReport(
        id=id,
        link=sender.link,
        kind=sender.kind,
        reporter=f"visitor {id[:8]}" if visitor else sender.holder,
        site=site.id,
        seen=_seen(now, OLDEST_OF_VISITOR if visitor else OLDEST),
        received=now,
        says={name: answer for name, answer in answers.items() if answer},
        remark=plain_remark(form.get("remark", "")),
        state=HELD if visitor else ACCEPTED,
        sender=_hash_of(request.remote_addr or "") if visitor else "",
    )
    return report, read_report(report, row_reader(context().config, now))


def _depth(text: str) -> str:
    """Return a depth [cm] as it is kept; "" where none is given. Raises: NotKept."""
    depth = number_text(text).removesuffix("cm").strip()
    if depth and not re.fullmatch(r"[0-9]{1,3}([.][0-9]+)?", depth):
        raise NotKept("report.fault.depth")
    return depth


def _seen(now: datetime, oldest: timedelta) -> datetime:
    """Return when it was seen: as the form says, else now. Raises: NotKept.

    A phone sends its own time of the report and of the sending: only their difference counts, so
    a clock that is wrong changes nothing.
    """
    form, seen = request.form, now
    try:
        if at := form.get("at", ""):
            seen = as_utc(datetime.fromisoformat(at).replace(tzinfo=context().config.zone))
        elif form.get("seen") and form.get("sent"):
            passed = datetime.fromisoformat(form["sent"]) - datetime.fromisoformat(form["seen"])
            seen = now - max(passed, timedelta(0))
    except (ValueError, TypeError, OverflowError):
        raise NotKept("report.fault.time") from None
    if seen > now + AHEAD:
        raise NotKept("report.fault.future")
    if seen < now - oldest:
        raise NotKept("report.fault.old")
    return min(seen, now)


def _admit(sender: Sender, report: FieldReport) -> None:
    """Count a report against the limits. Raises: NotKept."""
    hour, reports = report.received - timedelta(hours=1), Reports(context().archive)
    slow = NotKept("report.fault.many", HTTPStatus.TOO_MANY_REQUESTS)
    limits = current_app.extensions.setdefault("report limits", ReportLimits())
    if sender.kind == OBSERVER:
        if limits.link.take(sender.link):
            raise slow
        return
    if limits.address.take(report.sender):
        raise slow
    if reports.count(hour, sender=report.sender) >= VISITOR_HOURLY:
        raise slow
    if reports.count(hour, kind=VISITOR) >= ALL_HOURLY:
        raise slow


def _photo() -> tuple[str, str]:
    """Return the digest of the photo that was sent, and why it is not kept."""
    file = request.files.get("photo")
    if file is None or not file.filename:
        return "", ""
    try:
        return keep_photo(file.stream, folder_of(context().config)), ""
    except PhotoRefused as refused:
        return "", str(refused)
    except OSError as error:
        log.error("a photo is not kept: %s", error)
        return "", "full"


def _hash_of(address: str) -> str:
    """Return what stands for a visitor's address: nobody can go back from it without the key."""
    key = str(current_app.secret_key).encode()
    return hmac.new(key, b"visitor " + network_of(address).encode(), "sha256").hexdigest()[:32]


# -- thanks


def _thanks(sender: Sender, id: str) -> ResponseReturnValue:
    """Thank for a report: what it says, what had been forecast, and how the service is doing."""
    config, archive = context().config, context().archive
    report = Reports(archive).get(id)
    if report is None or (report.link, report.kind) != (sender.link, sender.kind):
        abort(HTTPStatus.NOT_FOUND)
    outcomes = read_report(report, row_reader(config, context().clock())).outcomes
    past = {name: last_forecast(archive, outcome) for name, outcome in outcomes.items()}
    states = Drafts(archive).states({each.issue for each in past.values() if each})
    kept = verify.kept(config.learning.folder)
    records = {} if kept is None else {each.phenomenon: each for each in kept.records}
    return render_template(
        "report/thanks.html",
        sender=sender,
        report=report,
        site=next(site for site in config.all_sites() if site.id == report.site),
        outcomes=outcomes,
        past=past,
        withdrawn={issue for issue, state in states.items() if state == WITHDRAWN},
        records=records,
        problem=request.args.get("problem", ""),
        cached=CACHED,
    )
