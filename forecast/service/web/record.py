"""What was forecast of an event on the days before, and what came: for the desk."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.domain import Event
from forecast.quantities import yes_threshold
from forecast.service.web.desk_material import Desk, cache, slot
from forecast.verification import IssuedForecast

PERIOD = timedelta(days=30)
SHOWN = 7  # days, the latest first


@dataclass(frozen=True, slots=True)
class PastDay:
    """The last forecast before the event of a day, the machine's where a person changed it, and
    what came: yes, no or unknown.
    """

    day: date
    probability: float
    machine: float
    came: str


@dataclass(frozen=True, slots=True)
class Record:
    """The days of PERIOD before an event. yes: days with a yes; right: of these, those on which it
    came; came: days on which it came; known: days with an outcome. machine_...: by the machine's.
    """

    days: tuple[PastDay, ...]
    known: int
    yes: int
    right: int
    came: int
    machine_yes: int
    machine_right: int

    @property
    def yesterday(self) -> PastDay | None:
        return self.days[0] if self.days else None


def record_of(desk: Desk, event: Event, archive: Archive, grades: tuple[float, ...]) -> Record:
    """Return the record of an event's phenomenon at its site. Raises: ArchiveError."""
    today = desk.now.astimezone(desk.machine.zone).date()
    every = cache().of(
        ("past", event.phenomenon, today, slot(desk.now), desk.last.id if desk.last else ""),
        lambda: _past(archive, event.phenomenon, today, desk.now),
    )
    days = every.get(event.site.id, ())
    verified = [day for day in days if day.came != "unknown" and math.isfinite(day.probability)]
    threshold = yes_threshold(grades)
    yes = [day for day in verified if day.probability >= threshold]
    machine = [day for day in verified if day.machine >= threshold]
    return Record(
        days[:SHOWN],
        len(verified),
        len(yes),
        sum(day.came == "yes" for day in yes),
        sum(day.came == "yes" for day in verified),
        len(machine),
        sum(day.came == "yes" for day in machine),
    )


def _past(
    archive: Archive, phenomenon: str, today: date, now: datetime
) -> dict[str, tuple[PastDay, ...]]:
    """Return the past days of a phenomenon by site, the latest first."""
    since = today - PERIOD
    issued = PastForecasts(archive).issued_forecasts(
        since, today, only_verified=False, features={}, phenomenon=phenomenon
    )
    outcomes = Outcomes(archive).resolved(since, today, phenomenon)
    newest: dict[tuple[str, date], IssuedForecast] = {
        (each.site, each.day): each for each in issued if each.window_start <= now
    }
    by_site: dict[str, list[PastDay]] = {}
    for (site, day), each in newest.items():
        outcome = outcomes.get((site, phenomenon, day.isoformat()))
        came = "unknown" if outcome is None else "yes" if outcome.happened else "no"
        machine = each.probability if math.isnan(each.machine) else each.machine
        by_site.setdefault(site, []).append(PastDay(day, each.probability, machine, came))
    return {
        site: tuple(sorted(days, key=lambda each: each.day, reverse=True))
        for site, days in by_site.items()
    }
