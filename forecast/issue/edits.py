"""What people changed, applied to the machine's forecasts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from forecast.domain import Change, Forecast, Name, Window, as_utc
from forecast.errors import Conflict
from forecast.quantities import grade_of, published_probability
from forecast.review import EDIT_FIELDS, EDIT_REASONS, LONGEST_SENTENCE, Edit, EventKey

LONGEST_NOTE = 300  # [character]
# [1] an edit still applies to a new draft where the machine's probability moved by less than this
MOVED = 0.10
AROUND = timedelta(hours=1)  # a window may leave the event's own by so much


def applied(
    forecasts: Sequence[Forecast], edits: Iterable[Edit], grades: Sequence[float]
) -> tuple[Forecast, ...]:
    """Return the forecasts as they go out: changed, and without those that are hidden."""
    by_event: dict[EventKey, list[Edit]] = {}
    for edit in edits:
        by_event.setdefault(edit.event, []).append(edit)
    return tuple(
        _changed(forecast, by_event[forecast.event.key], grades)
        if forecast.event.key in by_event
        else forecast
        for forecast in forecasts
        if not _hidden(by_event.get(forecast.event.key, ()))
    )


def _hidden(edits: Iterable[Edit]) -> bool:
    return any(edit.field == "hidden" and edit.value for edit in edits)


def _changed(forecast: Forecast, edits: Sequence[Edit], grades: Sequence[float]) -> Forecast:
    values = {edit.field: edit.value for edit in edits}
    sentence = cast(Mapping[str, str], values.get("sentence") or {})
    recommended = values.get("recommended")
    change = Change(
        forecast.probability,
        edits[-1].person,
        tuple(name for name in EDIT_FIELDS if name in values),
        Name(sentence.get("zh", ""), sentence.get("en", "")),
        None if recommended is None else bool(recommended),
    )
    if "probability" in values:
        probability = published_probability(float(cast(float, values["probability"])))
        forecast = replace(
            forecast,
            probability=probability,
            grade=grade_of(probability, grades),
            states=_states(forecast.states, probability),
            spread=None,
        )
    if "window" in values:
        forecast = replace(forecast, best=window_of(values["window"]))
    return replace(forecast, change=change)


def _states(states: Mapping[str, float], sea: float) -> Mapping[str, float]:
    """Return the states of a sea of clouds with another chance of the sea; they still add to 1."""
    if not states:
        return states
    rest = {name: share for name, share in states.items() if name != "sea"}
    total = sum(rest.values())
    even = 1.0 / len(rest)
    return {"sea": sea} | {
        name: (1.0 - sea) * (share / total if total > 0 else even) for name, share in rest.items()
    }


def window_of(value: object) -> Window:
    """Return the window of an edit's value. Raises: Conflict with advice."""
    try:
        start, end = (datetime.fromisoformat(str(each)) for each in cast(list[str], value))
        return Window(as_utc(start), as_utc(end))
    except (ValueError, TypeError) as error:
        raise Conflict(
            f"a window is two times with their zone, the second later, not {value!r:.80}", "window"
        ) from error


def checked(edit: Edit, forecasts: Sequence[Forecast]) -> Edit:
    """Return an edit with what stood there before. Raises: Conflict where it makes no sense."""
    forecast = next((each for each in forecasts if each.event.key == edit.event), None)
    if forecast is None:
        raise Conflict(f"{' '.join(edit.event)}: this draft forecasts no such event", "no_event")
    if edit.field not in EDIT_FIELDS:
        known = ", ".join(EDIT_FIELDS)
        raise Conflict(f"{edit.field!r:.40} cannot be changed: known are {known}", "field")
    if edit.reason not in EDIT_REASONS:
        raise Conflict(f"a reason is needed: one of {', '.join(EDIT_REASONS)}", "reason")
    if edit.reason == "other" and not edit.note.strip():
        raise Conflict("a reason in your own words is needed", "note")
    if (long := len(edit.note)) > LONGEST_NOTE:
        raise Conflict(
            f"a note has at most {LONGEST_NOTE} characters, this one {long}", "note_long"
        )
    _require_sound(edit, forecast)
    return replace(edit, before=_before(edit.field, forecast))


def _require_sound(edit: Edit, forecast: Forecast) -> None:
    """Refuse a value that cannot be that of its field. Raises: Conflict."""
    value = edit.value
    if edit.field == "probability":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not (number and 0 <= cast(float, value) <= 1):
            raise Conflict("a chance is between 0 and 100 %", "probability")
    elif edit.field in ("hidden", "recommended"):
        if not isinstance(value, bool):
            raise Conflict(f"{edit.field} is yes or no", "field")
    elif edit.field == "sentence":
        _require_words(value if isinstance(value, dict) else {})
    else:
        window, whole = window_of(value), forecast.event.window
        if window.start < whole.start - AROUND or window.end > whole.end + AROUND:
            raise Conflict(
                "the window lies outside the event: change its start or its end", "window_outside"
            )


def _require_words(words: Mapping[str, object]) -> None:
    """Refuse a sentence without one of its languages, or a long one. Raises: Conflict."""
    texts = [str(words.get(each) or "") for each in ("zh", "en")]
    if not all(each.strip() for each in texts):
        raise Conflict("a sentence is needed in Chinese and in English", "sentence")
    if (longest := max(map(len, texts))) > LONGEST_SENTENCE:
        raise Conflict(
            f"a sentence has at most {LONGEST_SENTENCE} characters, this one {longest}",
            "sentence_long",
        )


def _before(field: str, forecast: Forecast) -> object:
    if field == "probability":
        return forecast.probability if math.isfinite(forecast.probability) else None
    if field == "window":
        best = forecast.best
        return [best.start.isoformat(), best.end.isoformat()] if best else None
    return None


def carried_over(
    edits: Iterable[Edit], forecasts: Sequence[Forecast]
) -> tuple[tuple[Edit, ...], tuple[Edit, ...]]:
    """Return the edits of an earlier draft that still apply to new forecasts, and the others.

    An edit applies where its event is still forecast and the machine's probability, known before,
    moved by less than MOVED; a hidden or worded item always applies while its event is there.
    """
    by_event = {forecast.event.key: forecast for forecast in forecasts}
    kept: list[Edit] = []
    lost: list[Edit] = []
    for edit in edits:
        forecast = by_event.get(edit.event)
        (kept if forecast is not None and _applies(edit, forecast) else lost).append(edit)
    return tuple(kept), tuple(lost)


def _applies(edit: Edit, forecast: Forecast) -> bool:
    if edit.field != "probability":
        return True
    before = edit.before
    if not isinstance(before, int | float):
        return not forecast.known
    return forecast.known and abs(forecast.probability - before) < MOVED
