"""The desk: tonight's draft looked at, asked about, changed and commented.

Previews: desk_preview.py. Signatures, corrections and withdrawals: desk_release.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from forecast.archive.drafts import Drafts
from forecast.domain import Name
from forecast.errors import Conflict, NotReleased
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.world import World
from forecast.review import EDIT_REASONS, LONGEST_COMMENT, Account, Draft, Edit, EventKey
from forecast.service.web import desk_preview, desk_release, what_if
from forecast.service.web.alerts import alerts
from forecast.service.web.application import fault_text, words
from forecast.service.web.context import account, context
from forecast.service.web.desk_forms import (
    Asked,
    BadForm,
    asked,
    event_of,
    given_of,
    number_of,
    typed_of,
)
from forecast.service.web.desk_material import Desk, cache, choose, last_issue, next_hour, open_desk
from forecast.service.web.desk_view import DeskView, EventView, event_url
from forecast.service.web.desk_words import edit_text
from forecast.service.web.guards import needs, wants_json
from forecast.service.web.record import record_of
from forecast.service.web.soundings import profile_of, sounding
from forecast.service.web.stations import silent, station_days

blueprint = Blueprint("desk", __name__, url_prefix="/desk")
blueprint.register_blueprint(desk_preview.blueprint)
blueprint.register_blueprint(desk_release.blueprint)

SHOWN = ("record", "station", "sounding")  # what the panel below the form shows
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@blueprint.get("/")
@needs("see")
def tonight() -> ResponseReturnValue:
    """Show the draft in hand with its best event; take another one in hand (`draft`)."""
    if wanted := request.args.get("draft"):
        for each in Drafts(context().archive).open_ones(context().clock()):
            if each.id == wanted:
                choose(each)
        return redirect(url_for("desk.tonight"))
    return page(None)


@blueprint.get("/event/<site>/<phenomenon>/<day>")
@needs("see")
def event(site: str, phenomenon: str, day: str) -> ResponseReturnValue:
    """Show the draft in hand with one of its events."""
    return page((site, phenomenon, day))


def page(
    key: EventKey | None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: str = "",
    given: Mapping[str, str] | None = None,
    others: tuple[Edit, ...] = (),
) -> Response:
    """Return the desk's page.

    problem: what could not be done; given: the fields of the form that asked for it, kept. others:
    what somebody else changed meanwhile.
    """
    try:
        desk = open_desk()
    except Conflict as error:
        return _closed(fault_text(error), HTTPStatus.CONFLICT)
    if desk is None:
        return _closed(problem, status)
    view = DeskView(desk, words(), key)
    if key is not None and view.selected != key:
        if status is HTTPStatus.OK:
            abort(HTTPStatus.NOT_FOUND)
        given = None
    chosen, world = view.event, context().world()
    show = request.args.get("show", SHOWN[0])
    values: dict[str, Any] = {
        "edit_text": edit_text,
        "view": view,
        "desk": desk,
        "event": chosen,
        "given": given or {},
        "problem": problem,
        "others": others,
        "show": show if show in SHOWN else SHOWN[0],
        "panels": SHOWN,
        "reasons": EDIT_REASONS,
        "longest_comment": LONGEST_COMMENT,
        "record": _record(desk, chosen),
        "answer": _answer(chosen, world),
        "stations": station_days(desk, chosen.site, words()) if chosen else (),
        "stale": silent(desk, words()),
        "alerts": alerts(context().archive, desk.last, desk.now, words()),
        "signature": Drafts(context().archive).signature(desk.draft.id),
        "in_force": desk.last is not None and desk_release.in_force(desk.last),
        "state": Drafts(context().archive).state(desk.last.id) if desk.last else "",
        "done": _done(),
    }
    return make_response(render_template("desk/desk.html", **values), status)


def _closed(problem: str, status: HTTPStatus) -> Response:
    """Return the page without a draft: the issue in force, and when the next draft comes."""
    world, now = context().world(), context().clock()
    last = last_issue(world)
    text = render_template(
        "desk/closed.html",
        problem=problem,
        last=last,
        state=Drafts(context().archive).state(last.id) if last else "",
        alerts=alerts(context().archive, last, now, words()),
        hour=next_hour(world.config, now),
        done=_done(),
    )
    return make_response(text, status)


def _done() -> str:
    """Return the words that say what was done last; "" where nothing was."""
    key = f"desk.said.{request.args.get('said', '')}"
    return words()(key) if key in words() else ""


def _record(desk: Desk, chosen: EventView | None) -> Any:
    if chosen is None:
        return None
    grades = context().config.forecast.grades
    return record_of(desk, chosen.machine.event, context().archive, grades)


def _answer(chosen: EventView | None, world: World) -> what_if.ModelAnswer | None:
    """Return what the model says to the knobs of the address; None where none is named."""
    if chosen is None or not any(name.startswith(what_if.PREFIX) for name in request.args):
        return None
    return what_if.reply(chosen, request.args, world)


# -- changes


@blueprint.post("/edit")
@needs("edit")
def edit() -> ResponseReturnValue:
    """Keep what a form changes of an event."""
    return _change(_keep)


@blueprint.post("/undo")
@needs("edit")
def undo() -> ResponseReturnValue:
    """Go back to the model's value of a field of an event; without a field, of all."""
    return _change(_undo)


@blueprint.post("/comment")
@needs("edit")
def comment() -> ResponseReturnValue:
    """Keep the comment that readers see."""
    form = given_of(request.form)

    def set_comment(lives: Lifecycle, world: World, view: DeskView, person: Account) -> Draft:
        _require_version(form, view.desk.draft)
        now = view.desk.draft.comment
        typed = typed_of(form)  # the other language may be another's
        comment = Name(
            typed.get("comment_zh", now.zh).strip(), typed.get("comment_en", now.en).strip()
        )
        if max(len(comment.zh), len(comment.en)) > LONGEST_COMMENT:
            raise BadForm("comment_long")
        draft = view.desk.draft
        return lives.comment(world, draft, draft.version, comment, person, view.desk.now)

    return _change(set_comment)


Change = Callable[[Lifecycle, World, DeskView, Account], Draft]


def _keep(lives: Lifecycle, world: World, view: DeskView, person: Account) -> Draft:
    form, draft, now = given_of(request.form), view.desk.draft, view.desk.now
    _require_version(form, draft)
    found: Asked = asked(form, _event_in(view, form), person, now)
    for field in found.undone:
        draft = lives.undo(world, draft, draft.version, event_of(form), field, person, now)
    for each in found.edits:
        draft = lives.edit(world, draft, draft.version, each, person)
    return draft


def _undo(lives: Lifecycle, world: World, view: DeskView, person: Account) -> Draft:
    form, draft, now = given_of(request.form), view.desk.draft, view.desk.now
    _require_version(form, draft)
    chosen, field = _event_in(view, form), form.get("undo", "")
    for name in [field] if field else list(chosen.edits):
        if name in chosen.edits:
            draft = lives.undo(world, draft, draft.version, chosen.key, name, person, now)
    return draft


def _require_version(form: Mapping[str, str], draft: Draft) -> None:
    """Refuse a form that was made from another draft or another version of it."""
    if form.get("draft") != draft.id:
        raise BadForm("new_draft")
    if number_of(form, "version") != draft.version:
        raise BadForm("changed")


def _event_in(view: DeskView, form: Mapping[str, str]) -> EventView:
    key = event_of(form)
    if key not in view.entries:
        raise BadForm("no_event")
    return EventView(view, key)


def _change(change: Change) -> ResponseReturnValue:
    """Change the draft as a form asks for; where that cannot be, show why and lose nothing."""
    here, person, form = context(), account(), given_of(request.form)
    key = event_of(form) if form.get("site") else None
    try:
        desk = open_desk()
        if desk is None or person is None:
            raise BadForm("no_draft")
        view = DeskView(desk, words(), key)
        draft = change(here.lifecycle, here.world(), view, person)
    except (Conflict, NotReleased) as error:
        return refused(error, key, form)
    if wants_json():
        return jsonify(version=draft.version, draft=draft.id, seen=_newest(draft),
                       saved=_clock(here.clock()))  # fmt: skip
    return redirect(event_url(key) if key else url_for("desk.tonight"), HTTPStatus.SEE_OTHER)


def refused(
    error: Conflict | NotReleased, key: EventKey | None, form: Mapping[str, str]
) -> ResponseReturnValue:
    """Show why something could not be done, and what others changed since the form was made."""
    message = fault_text(error)
    others = _others(form)
    if wants_json():
        changed = [words()("desk.other", change=edit_text(each)) for each in others]
        return make_response(jsonify(error=message, changed=changed), HTTPStatus.CONFLICT)
    return page(key, HTTPStatus.CONFLICT, message, typed_of(form), others)


def _others(form: Mapping[str, str]) -> tuple[Edit, ...]:
    """Return the edits in force that came after those that a form saw."""
    draft, seen = form.get("draft", "")[:80], number_of(form, "seen")
    if seen < 0:
        return ()
    return tuple(each for each in Drafts(context().archive).edits(draft) if each.id > seen)


def _newest(draft: Draft) -> int:
    every = Drafts(context().archive).edits(draft.id, undone=True)
    return max((each.id for each in every), default=0)


def _clock(now: datetime) -> str:
    return f"{words().local(now):%H:%M:%S}"


# -- what if, sounding


@blueprint.get("/what-if")
@needs("see")
def ask() -> ResponseReturnValue:
    """Return as JSON what the model in force says to other weather of an event."""
    desk = open_desk()
    if desk is None:
        abort(HTTPStatus.NOT_FOUND)
    view = DeskView(desk, words(), event_of(request.args))
    if view.selected != event_of(request.args):
        abort(HTTPStatus.NOT_FOUND)
    assert view.event is not None
    return jsonify(what_if.reply(view.event, request.args, context().world()).document())


@blueprint.get("/sounding/<site>/<phenomenon>/<day>.svg")
@needs("see")
def sounding_of(site: str, phenomenon: str, day: str) -> ResponseReturnValue:
    """Return skew-T and hodograph of an event as SVG."""
    desk, key = open_desk(), (site, phenomenon, day)
    events = {} if desk is None else {e.key: e for e in desk.prepared.derived.events}
    if desk is None or key not in events:
        abort(HTTPStatus.NOT_FOUND)
    say, of_event = words(), events[key]
    made = cache().of(
        ("sounding", desk.draft.id, key, say.language), lambda: _sounding(desk, of_event)
    )
    if not made:
        abort(HTTPStatus.NOT_FOUND)
    response = Response(made, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = SVG_POLICY
    return response


def _sounding(desk: Desk, of_event: Any) -> bytes:
    profile = profile_of(desk.prepared.decoded.atmosphere, of_event)
    return b"" if profile is None else sounding(profile, of_event, desk.prepared.cycle, words())


@blueprint.post("/draft")
@needs("edit")
def make_draft() -> ResponseReturnValue:
    """Make the draft of the next hour now."""
    here, world, now = context(), context().world(), context().clock()
    here.lifecycle.make_draft(world, now, next_hour(world.config, now))
    return redirect(url_for("desk.tonight"), HTTPStatus.SEE_OTHER)
