"""The calendar of a site's headline: what came on past days, what is forecast for the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from forecast.verification import EventMark
from products.bulletin import Bulletin
from products.charts.event_strip import KINDS
from products.sections import Entry, Section

WEEKS_BACK = 4  # before the week of the issue


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day: of the past what was forecast and came (a kind of event_strip.KINDS; "" unknown), of
    the coming ones the headline's entry; None where there is none.
    """

    day: date
    kind: str = ""
    entry: Entry | None = None
    past: bool = True


def weeks(bulletin: Bulletin, section: Section) -> tuple[tuple[CalendarDay, ...], ...]:
    """Return the weeks, Monday first, from WEEKS_BACK before this one to the last forecast day.

    Empty where no past day has an outcome.
    """
    marks = {mark.day: mark for mark in _marks(bulletin, section)}
    if not marks or not section.days:
        return ()
    today, last = section.days[0].day, section.days[-1].day
    first = today - timedelta(days=today.weekday() + 7 * WEEKS_BACK)
    end = last + timedelta(days=6 - last.weekday())
    entries = {day.day: day.headline for day in section.days}
    days = [first + timedelta(days=n) for n in range((end - first).days + 1)]
    found = [CalendarDay(day, _kind(marks.get(day)), entries.get(day), day < today) for day in days]
    return tuple(tuple(found[n : n + 7]) for n in range(0, len(found), 7))


def _marks(bulletin: Bulletin, section: Section) -> Sequence[EventMark]:
    if bulletin.verification is None:
        return ()
    records = bulletin.verification.records
    return [
        mark
        for record in records
        if record.phenomenon == section.site.headline
        for mark in record.marks
        if mark.site == section.site.id
    ]


def _kind(mark: EventMark | None) -> str:
    if mark is None:
        return ""
    return next(name for name, pair in KINDS.items() if pair == (mark.forecast, mark.observed))
