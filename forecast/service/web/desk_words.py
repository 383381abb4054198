"""Edits of a draft in words."""

from __future__ import annotations

from datetime import datetime

from forecast.archive.accounts import Accounts
from forecast.review import MACHINE, Edit
from forecast.service.web.application import words
from forecast.service.web.context import context


def value_text(field: str, value: object) -> str:
    """Return the value of an edit in words."""
    say = words()
    if value is None:
        return say("time.none")
    if field == "probability" and isinstance(value, int | float):
        return say.percent(float(value))
    if field == "window" and isinstance(value, list):
        start, end = (say.local(datetime.fromisoformat(str(each))) for each in value)
        return say("time.span", start=f"{start:%H:%M}", end=f"{end:%H:%M}")
    if field == "sentence" and isinstance(value, dict):
        return str(value.get(say.language, ""))
    return say(f"desk.value.{'yes' if value else 'no'}")


def edit_text(each: Edit) -> str:
    """Return an edit in one sentence: event, field, before, after, why, who."""
    say, (site_id, phenomenon, day) = words(), each.event
    site = next((s for s in context().config.all_sites() if s.id == site_id), None)
    note = say("desk.note_of", note=each.note) if each.note else ""
    return say(
        "desk.edit_text",
        spot=say.spot(site, phenomenon) if site else site_id,
        day=say.day(datetime.fromisoformat(day).date()),
        field=say(f"desk.field.{each.field}"),
        before=value_text(each.field, each.before),
        after=value_text(each.field, each.value),
        reason=say(f"desk.reason.{each.reason}") + note,
        person=person_name(each.person),
    )


def person_name(account: str) -> str:
    """Return the name by which an account signs; of the machine its word."""
    if account == MACHINE:
        return words()("desk.machine")
    found = Accounts(context().archive).get(account)
    return found.name if found else account
