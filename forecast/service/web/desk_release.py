"""The end of a draft and of an issue at the desk: sign and release, correct, withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from forecast.archive.drafts import Drafts
from forecast.domain import Issue, Name
from forecast.errors import SkyscapeError
from forecast.service.web.application import fault_text, words
from forecast.service.web.context import account, context
from forecast.service.web.desk_forms import BadForm, given_of, number_of
from forecast.service.web.desk_material import Desk, choose, last_issue, next_hour, open_desk
from forecast.service.web.desk_words import edit_text, person_name
from forecast.service.web.guards import needs
from products.wording import LANGUAGES, Words

blueprint = Blueprint("release", __name__)  # below that of the desk

# Why an issue is withdrawn or corrected; the words stand in templates/text (desk.ending.why).
ENDINGS = ("data", "conditions", "model", "wording", "safety", "other")  # the last needs a note
LONGEST_NOTE = {"zh": 60, "en": 100}  # [character]


@blueprint.get("/sign")
@needs("sign")
def look_before_signing() -> ResponseReturnValue:
    """Show what changed since the draft was made, and what goes out."""
    return _signing("", HTTPStatus.OK)


@blueprint.post("/sign")
@needs("sign")
def sign() -> ResponseReturnValue:
    """Sign the draft that the person saw, and release it at once."""
    here, person, form = context(), account(), given_of(request.form)
    try:
        desk = open_desk()
        if desk is None or person is None:
            raise BadForm("no_draft")
        if form.get("draft") != desk.draft.id:
            raise BadForm("new_draft")
        if number_of(form, "version") != desk.draft.version:
            raise BadForm("changed")
        if desk.corrects is not None and not in_force(desk.corrects):
            raise BadForm("corrects_gone")
        here.lifecycle.sign(here.world(), desk.draft, desk.draft.version, person, here.clock())
    except SkyscapeError as error:
        return _signing(fault_text(error), HTTPStatus.CONFLICT)
    return redirect(url_for("desk.tonight", said="released"), HTTPStatus.SEE_OTHER)


def _signing(problem: str, status: HTTPStatus) -> ResponseReturnValue:
    desk = open_desk()
    if desk is None:
        return redirect(url_for("desk.tonight"))
    config, zone = context().config, context().config.zone
    hour = next_hour(config, desk.now) if desk.corrects else desk.draft.hour
    made = hour - timedelta(minutes=config.issue.draft_minutes)
    text = render_template(
        "desk/sign.html",
        desk=desk,
        problem=problem,
        changes=[edit_text(each) for each in desk.edits],
        lost=[edit_text(each) for each in desk.draft.lost_edits],
        steps=Drafts(context().archive).transitions(desk.draft.id),
        moved=_moved(desk),
        withdrawn=desk.last is not None and not in_force(desk.last),
        hour=hour,
        kept=made.astimezone(zone).date() == desk.now.astimezone(zone).date(),
        person_name=person_name,
    )
    return make_response(text, status)


def _moved(desk: Desk) -> int:
    """Return in how many events the chance differs by ten points or more from the last issue."""
    return sum(
        1
        for key, forecast in desk.forecasts.items()
        if abs(forecast.probability - desk.last_probabilities.get(key, forecast.probability))
        >= 0.095
    )


@blueprint.get("/withdraw")
@needs("sign")
def look_before_withdrawing() -> ResponseReturnValue:
    """Show the issue in force and ask for the reason."""
    return _ending("withdraw", "", HTTPStatus.OK)


@blueprint.post("/withdraw")
@needs("sign")
def withdraw() -> ResponseReturnValue:
    """Withdraw the issue in force, with a reason."""
    here, person, form = context(), account(), given_of(request.form)
    try:
        assert person is not None
        reason = _reason(form)
        here.lifecycle.withdraw(
            here.world(), form.get("issue", "")[:80], person, _both(reason), here.clock(), reason
        )
    except SkyscapeError as error:
        return _ending("withdraw", fault_text(error), HTTPStatus.CONFLICT, form)
    return redirect(url_for("desk.tonight", said="withdrawn"), HTTPStatus.SEE_OTHER)


@blueprint.get("/correct")
@needs("edit")
def look_before_correcting() -> ResponseReturnValue:
    """Show the issue in force and ask for the reason."""
    return _ending("correct", "", HTTPStatus.OK)


@blueprint.post("/correct")
@needs("edit")
def correct() -> ResponseReturnValue:
    """Make a draft that corrects the issue in force."""
    here, person, form = context(), account(), given_of(request.form)
    try:
        assert person is not None
        reason = _reason(form)
        issue = form.get("issue", "")[:80]
        choose(here.lifecycle.correct(here.world(), issue, person, _both(reason), here.clock()))
    except SkyscapeError as error:
        return _ending("correct", fault_text(error), HTTPStatus.CONFLICT, form)
    return redirect(url_for("desk.tonight", said="correcting"), HTTPStatus.SEE_OTHER)


@blueprint.get("/discard")
@needs("edit")
def look_before_discarding() -> ResponseReturnValue:
    """Show the correction in hand and ask whether it shall go."""
    return _discarding("", HTTPStatus.OK)


@blueprint.post("/discard")
@needs("edit")
def discard() -> ResponseReturnValue:
    """Give up the correction that the person saw."""
    here, person, form = context(), account(), given_of(request.form)
    try:
        desk = open_desk()
        if desk is None or person is None or form.get("draft") != desk.draft.id:
            raise BadForm("no_draft" if desk is None else "new_draft")
        here.lifecycle.discard(
            here.world(), desk.draft, number_of(form, "version"), person, here.clock()
        )
    except SkyscapeError as error:
        return _discarding(fault_text(error), HTTPStatus.CONFLICT)
    return redirect(url_for("desk.tonight", said="discarded"), HTTPStatus.SEE_OTHER)


def _discarding(problem: str, status: HTTPStatus) -> ResponseReturnValue:
    desk = open_desk()
    if desk is None or (desk.corrects is None and not problem):
        return redirect(url_for("desk.tonight"))
    return make_response(render_template("desk/discard.html", desk=desk, problem=problem), status)


def in_force(issue: Issue) -> bool:
    """Return whether an issue stands before its readers: it can be corrected or withdrawn."""
    return Drafts(context().archive).state(issue.id) == "released"


def _ending(
    what: str, problem: str, status: HTTPStatus, given: Mapping[str, str] = MappingProxyType({})
) -> ResponseReturnValue:
    last = last_issue(context().world())
    state = Drafts(context().archive).state(last.id) if last else ""
    text = render_template(
        "desk/ending.html", what=what, problem=problem, last=last, state=state, given=given,
        endings=ENDINGS, longest=LONGEST_NOTE,
    )  # fmt: skip
    return make_response(text, status)


def _both(reason: Name) -> str:
    """Return a reason in one text, Chinese first and English beside."""
    return words()("desk.ending.both", zh=reason.zh, en=reason.en)


def _reason(form: Mapping[str, str]) -> Name:
    """Return the reason that readers see: the listed one in their language, with the details.

    Details that are there in the other language only say of which they are. Raises: BadForm.
    """
    why, texts = form.get("why", ""), {}
    if why not in ENDINGS:
        raise BadForm("withdraw_reason")
    for language in LANGUAGES:
        say, note = Words(language, context().config.zone), form.get(f"note_{language}", "")
        note, named = " ".join(note.split()), say(f"desk.ending.why.{why}")
        if len(note) > LONGEST_NOTE[language]:
            raise BadForm("reason_long")
        other = " ".join(form.get(f"note_{'en' if language == 'zh' else 'zh'}", "").split())
        if note:
            plain = why == ENDINGS[-1]
            texts[language] = note if plain else say("desk.ending.detail", why=named, note=note)
        else:
            texts[language] = say("desk.ending.only", why=named, note=other) if other else named
    if why == ENDINGS[-1] and len(form.get("note_zh", "").strip()) < 2:
        raise BadForm("withdraw_reason")
    return Name(texts["zh"], texts["en"])
