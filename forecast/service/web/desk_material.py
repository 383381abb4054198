"""What the desk works on: the draft in hand, its machine's bulletin, what people changed in it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, TypeVar

from flask import current_app, request, session

from forecast.archive.drafts import Drafts
from forecast.archive.issued import issued_probabilities
from forecast.config import Config
from forecast.domain import Forecast, Issue
from forecast.issue import edits as editing
from forecast.issue.lifecycle import left_out
from forecast.issue.prepare import Prepared
from forecast.issue.preview import bulletin_of
from forecast.issue.what_if import Question
from forecast.issue.world import World
from forecast.review import Draft, Edit, EventKey
from forecast.service.web.context import context
from products.bulletin import Bulletin

Kept = TypeVar("Kept")
CACHE = "desk"  # of app.extensions
MOST_KEPT = 48  # entries of the cache
CHOSEN = "draft"  # of the session: which draft is in hand, where several are open
FRESH = timedelta(minutes=5)  # for which what is read from the archive is kept


class DeskCache:
    """What is costly to make again, the last used; safe to be used from several threads.

    Each thing is made once: who asks for it meanwhile waits for it, and for nothing else.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, key: Hashable, make: Callable[[], Kept]) -> Kept:
        """Return what stands under a key, made where it does not."""
        with self._lock:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    found: Kept = self._kept[key]
                    return found
            made = make()
            with self._lock:
                self._kept[key] = made
                while len(self._kept) > self._most:
                    oldest, _ = self._kept.popitem(last=False)
                    self._making.pop(oldest, None)
            return made


def slot(now: datetime) -> int:
    """Return the number of the span of FRESH in which `now` lies: a part of a key of the cache."""
    return int(now.timestamp() // FRESH.total_seconds())


def cache(name: str = CACHE, most: int = MOST_KEPT) -> DeskCache:
    """Return a cache of the application that serves this request. most: things that it keeps."""
    found = current_app.extensions.setdefault(name, DeskCache(most))
    assert isinstance(found, DeskCache)
    return found


@dataclass(frozen=True, slots=True)
class Desk:
    """The draft in hand.

    machine: the bulletin of the machine's own forecasts, with every event. forecasts: by event, as
    changed; one that is hidden is there. edits: in force, in order; seen: the number of the newest
    edit of all, undone ones included. last: the issue that readers see and its probabilities.
    corrects: the issue that the draft corrects. others: further open drafts. early: whether what
    is signed now is an issue of its own, before that of the next hour. served: whether the hour has
    a signed issue already, so that the draft goes out only by a signature. unsigned_plain: whether
    without a signature the machine's numbers go out at the hour, without what was changed.
    """

    draft: Draft
    prepared: Prepared
    machine: Bulletin
    forecasts: dict[EventKey, Forecast]
    edits: tuple[Edit, ...]
    seen: int
    last: Issue | None
    last_probabilities: dict[EventKey, float]
    now: datetime
    corrects: Issue | None = None
    others: tuple[Draft, ...] = ()
    early: bool = False
    served: bool = False
    unsigned_plain: bool = False

    @property
    def hidden(self) -> frozenset[EventKey]:
        return frozenset(e.event for e in self.edits if e.field == "hidden" and e.value)

    def edits_of(self, key: EventKey) -> dict[str, Edit]:
        """Return the edits in force of an event by field."""
        return {edit.field: edit for edit in self.edits if edit.event == key}


def open_desk() -> Desk | None:
    """Return the draft in hand; None where there is none.

    Raises: Conflict where its forecasts can no longer be made as they were; ArchiveError.
    """
    here, world, now = context(), context().world(), context().clock()
    drafts = Drafts(here.archive)
    here.lifecycle.expire(world, now)
    draft, others = _in_hand(drafts.open_ones(now), now)
    if draft is None:
        return None
    ready = timedelta(minutes=world.config.issue.draft_minutes)
    prepared = here.lifecycle.prepared(world, draft)
    every = drafts.edits(draft.id, undone=True)
    edits = drafts.edits(draft.id)
    last, served = last_issue(world), _served(drafts, draft, ready)
    return Desk(
        draft,
        prepared,
        _machine(world, draft, prepared, now),
        _changed(prepared, edits, world.config),
        edits,
        max((edit.id for edit in every), default=0),
        last,
        cache().of(("last", last.id), lambda: issued_probabilities(here.archive, last.id))
        if last
        else {},
        now,
        here.archive.issue(draft.corrects),
        others,
        (next_hour(world.config, now) if draft.corrects else draft.hour) - now > ready,
        served,
        _unsigned_plain(world.config, draft, served) and left_out(drafts, draft) > 0,
    )


def _served(drafts: Drafts, draft: Draft, ready: timedelta) -> bool:
    """Return whether the hour of a draft has its issue."""
    return not draft.corrects and drafts.served(draft.hour, draft.hour - ready)


def _unsigned_plain(config: Config, draft: Draft, served: bool) -> bool:
    """Return whether a draft goes out by itself at its hour, with the machine's numbers."""
    by_itself = config.issue.review == "optional" and config.issue.unsigned == "release"
    return by_itself and draft.state == "draft" and not draft.corrects and not served


def _in_hand(drafts: tuple[Draft, ...], now: datetime) -> tuple[Draft | None, tuple[Draft, ...]]:
    """Return the draft that a form names, else the one that was chosen, else the next; the others.

    The next is that of the next hour to come, before one whose hour is over and any correction.

    What a form names is chosen from then on, also where new data have made it anew.
    """
    named = next((each for each in drafts if each.id == request.form.get("draft")), None)
    if named is not None:
        choose(named)
    kept = (each for each in drafts if _place(each) == session.get(CHOSEN))
    coming = sorted(drafts, key=lambda each: (bool(each.corrects), each.hour < now))
    draft = named or next(kept, next(iter(coming), None))
    return draft, tuple(each for each in drafts if each is not draft)


def choose(draft: Draft) -> None:
    """Keep a draft in hand for this browser."""
    if session.get(CHOSEN) != _place(draft):
        session[CHOSEN] = _place(draft)


def _place(draft: Draft) -> str:
    """Return what stays the same of a draft when it is made anew."""
    return draft.id if draft.corrects else draft.hour.isoformat()


def _machine(world: World, draft: Draft, prepared: Prepared, now: datetime) -> Bulletin:
    return cache().of(
        ("machine", draft.id, slot(now)), lambda: bulletin_of(world, draft, prepared, "", now, ())
    )


def _changed(
    prepared: Prepared, edits: tuple[Edit, ...], config: Config
) -> dict[EventKey, Forecast]:
    """Return the forecasts with every change but the hiding."""
    shown = [edit for edit in edits if edit.field != "hidden"]
    changed = editing.applied(prepared.forecasts, shown, config.forecast.grades)
    return {forecast.event.key: forecast for forecast in changed}


def question(desk: Desk, key: EventKey) -> Question:
    """Return what may be asked about an event. Raises: Conflict without such an event."""
    return cache().of(("question", desk.draft.id, key), lambda: Question(desk.prepared, key))


def last_issue(world: World) -> Issue | None:
    """Return the issue that readers see; None before the first."""
    return world.archive.issue(world.publisher.current())


def next_hour(config: Config, now: datetime) -> datetime:
    """Return the next hour of issue after `now`."""
    local = now.astimezone(config.zone)
    hours = [
        datetime.combine(local.date() + timedelta(days=ahead), at, config.zone)
        for ahead in (0, 1)
        for at in (time(each.hour, each.minute) for each in config.schedule.issue_at)
    ]
    return min(hour for hour in hours if hour > local)
