"""What the page for reports asks, in which order, and what it answers."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from flask import request, url_for

from forecast.archive.issues import Archive
from forecast.archive.outcomes import PastForecasts
from forecast.domain import Almanac, Outcome, Site
from forecast.learning.outcome_days import EventDays
from forecast.learning.truth_from_phones import ANSWERS, is_nothing
from forecast.verification import IssuedForecast
from products.wording import Words

DAY = 1440  # [min]
KEPT_IN_ADDRESS = ("site",)  # of the query, where a page is shown in the other language
# When a phenomenon is looked at: the groups of a page.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "dawn": ("sea_of_clouds", "sunrise_glow", "sunrise"),
    "evening": ("sunset_glow",),
    "night": ("starry_sky",),
    "ground": ("snowfall", "rime", "snow_cover"),
}
# [h] so long after it began an event is asked for
ASKED_FOR = {"dawn": 18, "evening": 18, "night": 20, "ground": 24}
FAR = 240  # [min] from every group of the sky the ground comes first
TWILIGHT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class ReportQuestion:
    """A question on a phenomenon. All times are minutes of the local day.

    begins: when its event begins; lasts: for how long it is asked; since, until: when people look
    at it, by which the page puts the nearest first. decides: before it only a sighting is asked
    for, not that nothing came.
    """

    phenomenon: str
    group: str
    choices: tuple[str, ...]
    begins: int
    lasts: int
    since: int
    until: int
    decides: int

    def says_nothing(self, answer: str) -> bool:
        return is_nothing(self.phenomenon, answer)

    def early_at(self, minute: int) -> bool:
        """Return whether the event that is asked for may still come."""
        return (minute - self.begins) % DAY < (self.decides - self.begins) % DAY

    def asked_at(self, minute: int) -> bool:
        return (minute - self.begins) % DAY < self.lasts

    def before_today(self, minute: int) -> bool:
        """Return whether its newest event began on the day before."""
        return minute < self.begins

    def distance(self, minute: int) -> int:
        """Return how far [min] the time lies from when people look at it."""
        if self.group == "ground":
            return FAR
        if (minute - self.since) % DAY <= (self.until - self.since) % DAY:
            return 0
        return min((self.since - minute) % DAY, (minute - self.until) % DAY)


def questions(site: Site, days: EventDays, now: datetime, zone: ZoneInfo) -> list[ReportQuestion]:
    """Return the questions of a site, those that the hour makes sensible first."""
    found = days.almanac(site.id, now.astimezone(zone).date())
    minute = minute_of(now, zone)
    asked = []
    for group, names in GROUPS.items():
        times = _times(group, found, zone)
        for phenomenon in names:
            if phenomenon in site.phenomena:
                decisive = days.decisive(found.day, site.id, phenomenon)
                decides = times[0] if decisive is None else minute_of(decisive, zone)
                choices = tuple(ANSWERS[phenomenon])
                asked.append(ReportQuestion(phenomenon, group, choices, *times, decides))
    return sorted(asked, key=lambda each: each.distance(minute))


def _times(group: str, day: Almanac, zone: ZoneInfo) -> tuple[int, int, int, int]:
    """Return begins, lasts, since and until of a group; without a sun it is asked all day."""
    lasts = ASKED_FOR[group] * 60
    sunrise, sunset = day.sunrise, day.sunset
    if group == "ground" or sunrise is None or sunset is None:
        return 0, DAY, 0, DAY - 1
    if group == "dawn":
        at = minute_of(sunrise, zone)
        return minute_of(sunrise - 2 * TWILIGHT, zone), lasts, at, at
    if group == "evening":
        at = minute_of(sunset, zone)
        return minute_of(sunset - TWILIGHT, zone), lasts, at, at
    since, until = (minute_of(at, zone) for at in (sunset + TWILIGHT, sunrise - TWILIGHT))
    return minute_of(sunset, zone), lasts, since, until


def minute_of(moment: datetime, zone: ZoneInfo) -> int:
    """Return the minute of the local day."""
    local = moment.astimezone(zone)
    return local.hour * 60 + local.minute


def new_id() -> str:
    """Return an id for a report from a page without script."""
    return str(uuid.uuid4())


def last_forecast(archive: Archive, outcome: Outcome) -> IssuedForecast | None:
    """Return what was last forecast of an event before it began; None where nothing was."""
    issued = PastForecasts(archive).issued_forecasts(
        outcome.day, outcome.day, only_verified=False, features={}, phenomenon=outcome.phenomenon
    )
    return next((each for each in reversed(issued) if each.site == outcome.site), None)


def answer_words(words: Words, phenomenon: str, answer: str) -> str:
    """Return an answer in the words of the page."""
    key = f"report.answer.{phenomenon}.{answer}"
    return words(key) if key in words else words("report.depth", value=answer)


def outcome_words(words: Words, outcome: Outcome) -> str:
    """Return what was seen of an event: the state, else the degree."""
    if outcome.state:
        return words(f"state.{outcome.state}")
    degree = "none" if outcome.degree == 0 else "full" if outcome.degree >= 1 else "partial"
    return words(f"report.degree.{degree}")


def other_language(words: Words) -> str:
    """Return the address of this page in the other language."""
    values = {name: request.args[name] for name in KEPT_IN_ADDRESS if name in request.args}
    other = "zh" if words.language == "en" else "en"
    return url_for(str(request.endpoint), **{**values, **(request.view_args or {}), "lang": other})
