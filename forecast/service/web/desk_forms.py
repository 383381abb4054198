"""What a form of the desk asks for: changes of an event, checked before any of them is kept.

A form carries what it showed (`was`): only what a person changed against that is asked for, so
that what others changed meanwhile stays. A field that is absent is left alone; one that is emptied
goes back to the machine's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from forecast.errors import Conflict
from forecast.issue import edits as editing
from forecast.plain_text import number_text, visible
from forecast.review import LONGEST_SENTENCE, Account, Edit, EventKey
from forecast.service.web.desk_view import EventView

WINDOW = ("window_start", "window_end")
SENTENCE = ("sentence_zh", "sentence_en")
LONGEST_FIELD = 2000  # [character] read of any field
EVENT = ("site", "phenomenon", "day")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form asks for: edits to keep, and fields that go back to the machine's."""

    edits: tuple[Edit, ...]
    undone: tuple[str, ...]


class BadForm(Conflict):
    """A form asks for something that cannot be. key: of the words that say so (desk.fault)."""

    def __init__(self, key: str) -> None:
        super().__init__(key, key)


def given_of(form: MultiDict[str, str]) -> dict[str, str]:
    """Return the fields of a form, cut to a sane length, without characters that nobody sees.

    Of a repeated field the last counts.
    """
    return {name: visible(values[-1][:LONGEST_FIELD]) for name, values in form.lists()}


def seen_of(form: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a form as it showed them; empty where it does not say.

    Raises: BadRequest for what no page wrote.
    """
    try:
        found = json.loads(form.get("was", ""))
    except ValueError:
        return {}
    except RecursionError as error:
        raise BadRequest from error
    if not isinstance(found, dict):
        return {}
    return {str(name): value for name, value in found.items() if isinstance(value, str)}


def typed_of(form: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a form that a person changed."""
    saw = seen_of(form)
    return {name: value for name, value in form.items() if saw.get(name) != value}


def event_of(form: Mapping[str, str]) -> EventKey:
    """Return the event that a form is about."""
    site, phenomenon, day = (form.get(name, "")[:40] for name in EVENT)
    return site, phenomenon, day


def number_of(form: Mapping[str, str], name: str) -> int:
    """Return a whole number of a form; -1 where it is none."""
    text = form.get(name, "")
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else -1


def asked(form: Mapping[str, str], view: EventView, account: Account, now: datetime) -> Asked:
    """Return what a form asks for, against what stands in the draft.

    Raises: BadForm, Conflict.
    """
    shown = view.shown()
    wanted = {name: form[name].strip() for name in shown if name in form}
    saw = shown | seen_of(form)
    differ = {name for name, value in wanted.items() if value != saw[name]}
    values: dict[str, object] = {}
    undone: list[str] = []
    for field, read in _READERS.items():
        names = _NAMES.get(field, (field,))
        if not differ & set(names):
            continue
        value = read(wanted, view)
        if value is None:
            undone += [field] if field in view.edits else []
        else:
            values[field] = value
    reason, note = wanted.get("reason", ""), wanted.get("note", "")
    if values and not reason:
        raise BadForm("reason")
    if values and reason == "other" and not note:
        raise BadForm("note")
    edits = tuple(
        editing.checked(
            Edit(view.key, field, value, reason, account.id, now, note=note),
            view.desk.prepared.forecasts,
        )
        for field, value in values.items()
    )
    return Asked(edits, tuple(undone))


def _probability(wanted: Mapping[str, str], view: EventView) -> object:
    text = number_text(wanted["probability"]).removesuffix("%").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,3}([.][0-9])?", text) or float(text) > 100:
        raise BadForm("probability")
    return round(float(text) / 100, 4)


def _window(wanted: Mapping[str, str], view: EventView) -> object:
    shown = view.shown()
    texts = [wanted.get(name, shown[name]) for name in WINDOW]
    if not any(texts):
        return None
    starts, ends = (_moments(text, view) for text in texts)
    later = [end for end in ends if end > starts[0]]
    if not later:
        raise BadForm("window")
    return [starts[0].isoformat(), later[0].isoformat()]


def _moments(text: str, view: EventView) -> list[datetime]:
    """Return the moments within an event, or an hour around, that have a local time of day."""
    written = r"([01]?[0-9]|2[0-3]):([0-5][0-9])"
    if not (found := re.fullmatch(written, number_text(text))):
        raise BadForm("window")
    window, zone = view.machine.event.window, view.words.zone
    at, first = time(int(found[1]), int(found[2])), view.words.local(window.start).date()
    every = [datetime.combine(first + timedelta(days=ahead), at, zone) for ahead in (-1, 0, 1, 2)]
    earliest, latest = window.start - editing.AROUND, window.end + editing.AROUND
    if not (inside := [moment for moment in every if earliest <= moment <= latest]):
        raise BadForm("window_outside")
    return inside


def _sentence(wanted: Mapping[str, str], view: EventView) -> object:
    shown = view.shown()
    zh, en = (wanted.get(name, shown[name]) for name in SENTENCE)
    if not zh and not en:
        return None
    if not (zh and en):
        raise BadForm("sentence")
    if max(len(zh), len(en)) > LONGEST_SENTENCE:
        raise BadForm("sentence_long")
    return {"zh": zh, "en": en}


def _hidden(wanted: Mapping[str, str], view: EventView) -> object:
    return True if wanted["hidden"] == "1" else None


def _recommended(wanted: Mapping[str, str], view: EventView) -> object:
    return {"yes": True, "no": False}.get(wanted["recommended"])


_READERS = {
    "probability": _probability,
    "window": _window,
    "sentence": _sentence,
    "hidden": _hidden,
    "recommended": _recommended,
}
_NAMES: Mapping[str, tuple[str, ...]] = {"window": WINDOW, "sentence": SENTENCE}
