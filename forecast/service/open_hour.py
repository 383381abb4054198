"""An hour of issue, from its beginning until the newest run that was due then is out.

    open      at its hour the best there is goes out; then a newer run is looked for every
              `check_minutes`, and issued, until the run that was due is out: the hour is complete
    begun     a start after that, before the first hour of the service or of a new list: what goes
              out then is of the start, and the hour is not the service's
    late      `misfire_minutes` after its beginning; without an issue it is missed. A run that comes
              now is issued only if it changes the grade of an issued chance (schedule.update)

What is in force decides whether an hour has its issue: the release says when it was issued and from
which run. So neither a restart, a clock that is set, the change to summer time nor a machine that
slept makes a second issue of an hour, or loses one.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from forecast import log_context
from forecast.config import Config
from forecast.domain import Cycle, as_utc
from forecast.errors import shortened
from forecast.issue.hours import due_run, hours_between, last_hour
from forecast.service.attempts import Attempts, Result
from forecast.service.journal import LONGEST_DETAIL, ONCE
from forecast.service.state import NOTHING_NEWER
from products.publish import Publisher

log = logging.getLogger(__name__)

SOON = timedelta(seconds=30)  # the wait for a lock
SOON_MOST = 4  # times in a row; then the wait is that for data
MISSED_MOST = 30  # hours noted after the service was down
# outcomes that are explained by the run that is missing
FIRST = ("unchanged", "older", "not_ready")
DOWN = "the service was not running, or the machine slept"


@dataclass(frozen=True, slots=True)
class Standing:
    """How an hour stands by what is in force.

    issue: its id, where it is of this hour. cycle: the run in force, None where nothing is.
    closed: nothing goes out for the hour any more. ahead: the time in the future of which what is
    in force is dated.
    """

    issue: str | None = None
    cycle: Cycle | None = None
    closed: bool = False
    ahead: datetime | None = None


class Work(Protocol):
    """What is done at an hour; no method raises."""

    def begin(self, now: datetime) -> bool:
        """Do what a start needs; return whether an issue is wanted though the hour has one."""

    def standing(self, hour: datetime, now: datetime) -> Standing:
        """Return how an hour stands."""

    def issue(self, hour: datetime, now: datetime, newer_than: Cycle | None, last: bool) -> Result:
        """Issue the best there is, or only a run newer than that. last: the hour is over then."""

    def update(self, now: datetime, newer_than: Cycle | None) -> tuple[Result, Cycle | None]:
        """Issue a run that came after the hour if it changes a grade.

        Return the run that was considered, too; None where there was none.
        """


@dataclass(slots=True)
class OpenHour:
    """The state of one hour. until: it is open. next_look: None when nothing more is done."""

    hour: datetime
    until: datetime
    check: timedelta
    next_look: datetime | None
    wanted: bool = False  # an issue at the start, whatever is in force
    issued: bool = False  # the hour has an issue of its own
    refused: bool = False  # it is not tried again; a person may still release it
    late: bool = False
    considered: Cycle | None = None  # the run that changed nothing
    locks: int = 0  # met in a row
    begun: datetime | None = None  # the hour was over before: attempts are of this moment

    def is_due(self, now: datetime) -> bool:
        """Return whether to look now; also where the clock was set back since the last look."""
        wait = None if self.next_look is None else self.next_look - now
        return wait is not None and not timedelta() < wait <= self.check

    def is_over(self, now: datetime) -> bool:
        """Return whether its time has ended and nobody noted that yet."""
        return self.next_look is not None and not self.late and now > self.until

    def complete(self) -> None:
        """Do nothing more."""
        self.next_look = None

    def wait(self, now: datetime, result: Result) -> None:
        """Set the next look after an attempt that left the hour open."""
        self.refused = self.refused or result.retry == "never"
        self.locks = self.locks + 1 if result.retry == "soon" else 0
        soon = 0 < self.locks <= SOON_MOST
        self.next_look = now + (min(SOON, self.check) if soon else self.check)


class IssueHours:
    """Every hour of issue of a service, one after the other."""

    def __init__(
        self, config: Config, work: Work, attempts: Attempts, clock: Callable[[], datetime]
    ) -> None:
        self._config, self._work, self._attempts, self._clock = config, work, attempts, clock
        self._misfire = timedelta(minutes=config.schedule.misfire_minutes)
        self._link, self._linked = Publisher(config).link, False  # to what is in force
        self.open: OpenHour | None = None

    def look(self) -> None:
        """Do what is to be done now; called every few seconds. Never raises."""
        now = as_utc(self._clock())
        hour = last_hour(self._config.schedule.issue_at, self._config.zone, now)
        linked, before = os.path.exists(self._link), self._linked
        self._linked = linked
        if before and not linked:
            log.warning("%s is gone: issues go on as at a start", self._link)
            self.open = None
        if self.open is None or self.open.hour != hour:
            self._leave(hour, now)
            self.open = self._opened(hour, now)
        if self.open.is_over(now):
            self._end(self.open, now)
        if self.open.is_due(now):
            with log_context.attempt():
                self._attempt(self.open, now)

    def _leave(self, hour: datetime, now: datetime) -> None:
        """Leave the hour before behind, and note the hours since then that had no issue."""
        before = self.open
        if before is not None:
            since = before.hour
            if since < hour and before.next_look is not None and not before.late:
                self._end(before, now)
        else:
            known = self._last_hour_of_a_service(now)
            if known is None:
                return
            since = known
            planned = last_hour(self._config.schedule.issue_at, self._config.zone, since) == since
            if since < hour and planned:  # else of a start, or of another list
                self._missed_unseen(since, now)
        between = hours_between(self._config.schedule.issue_at, self._config.zone, since, hour)
        for each in between[-MISSED_MOST:]:
            self._missed_unseen(each, now)

    def _last_hour_of_a_service(self, now: datetime) -> datetime | None:
        """Return the newest hour up to `now` that a service, or an issue, has in the journal.

        What failed by a command is no sign of a service. None where there was none yet.
        """
        entries = self._attempts.journal.last()
        found = (e.hour for e in entries if (e.by != ONCE or e.issue) and e.hour <= now)
        return max(found, default=None)

    def _opened(self, hour: datetime, now: datetime) -> OpenHour:
        """Return the state of the hour that has come, or in which the service starts."""
        on_time = now - hour <= self._misfire
        check = timedelta(minutes=self._config.schedule.check_minutes)
        until = (hour if on_time else now) + self._misfire
        found = OpenHour(hour, until, check, now)
        found.wanted = self.open is None and self._work.begin(now)
        if on_time or self.open is not None:
            return found
        known = self._last_hour_of_a_service(now)
        if known is None or known > hour:  # the first start, or a list that names an hour to come
            found.begun = now
        elif self._work.standing(hour, now).issue is None:
            self._missed_unseen(hour, now)
        return found

    def _missed_unseen(self, hour: datetime, now: datetime) -> None:
        """Note that an hour ended without an issue while nobody looked, unless it needed none."""
        made = [each for each in self._attempts.journal.last() if each.hour == hour]
        if not made:
            self._missed(hour, now, DOWN)
            return
        cycle = self._work.standing(hour, now).cycle
        current = cycle is not None and cycle.run >= self._due(hour)
        if not (current and any(each.outcome in NOTHING_NEWER for each in made)):
            detail = shortened(f"{made[0].outcome}: {made[0].detail}", LONGEST_DETAIL - 60)
            self._missed(hour, now, f"no issue of its own; the last attempt: {detail}")

    def _end(self, found: OpenHour, now: datetime) -> None:
        """End the time of an hour; without an issue it is missed."""
        found.late = True
        self._look_at_what_is_in_force(found, now)
        if not found.issued and found.begun is None:
            until = found.until.astimezone(self._config.zone).isoformat(timespec="seconds")
            self._missed(found.hour, now, f"no issue of its own until {until}")
        updating = self._config.schedule.update and self._config.issue.review == "off"
        if found.refused or not updating:
            found.complete()

    def _missed(self, hour: datetime, now: datetime, detail: str) -> None:
        """Note that an hour ended without an issue, once."""
        if not self._attempts.is_settled(hour):
            self._keep(hour, now, Result("missed", detail))

    def _keep(self, hour: datetime, now: datetime, result: Result) -> None:
        """Keep and log a result; the log's line has the hour in the zone of its own time."""
        self._attempts.keep(hour.astimezone(self._config.zone), now, result)

    def _attempt(self, found: OpenHour, now: datetime) -> None:
        """Look at what is in force, and issue what is missing."""
        standing = self._look_at_what_is_in_force(found, now)
        if found.next_look is None:
            return
        if found.refused:
            found.next_look = now + found.check  # a person may have released it by then
            return
        if found.late:
            known = _newer(standing.cycle, found.considered)
            result, found.considered = self._work.update(now, known)
        else:
            known = standing.cycle if found.issued and not found.wanted else None
            last = now + found.check > found.until
            result = self._work.issue(found.hour, now, known, last)
        found.wanted, found.issued = False, found.issued or result.out
        found.wait(now, result)
        standing = self._work.standing(found.hour, now)
        if result.out or result.outcome == "unchanged":
            self._complete_if_due(found, standing)
        result = self._with_what_follows(found, standing, result)
        if standing.ahead is not None:
            dated = standing.ahead.astimezone(self._config.zone).isoformat(timespec="seconds")
            detail = f"what is in force is dated {dated}, after now: was the clock wrong? "
            result = replace(result, detail=f"{detail}{result.detail}")
        self._keep(found.begun or found.hour, now, result)

    def _with_what_follows(self, found: OpenHour, standing: Standing, result: Result) -> Result:
        """Return a result that says, too, which run is missing and when the next look is."""
        if found.next_look is None or found.refused:
            return result
        due = self._due(found.hour)
        run = _newer(standing.cycle, found.considered)
        zone = self._config.zone
        follows = f"next look at {found.next_look.astimezone(zone):%H:%M:%S%z}"
        if not found.late:
            follows = f"the hour stays open, {follows}"
        if run is None or run.run < due:
            missing = Cycle(due, self._config.source.model).id
            follows = f"{missing} was due and is not out; {follows}"
        if result.outcome in FIRST:
            return replace(result, detail=f"{follows}; {result.detail}")
        detail = shortened(result.detail, LONGEST_DETAIL - len(follows) - 2)
        return replace(result, detail=f"{detail}; {follows}")

    def _look_at_what_is_in_force(self, found: OpenHour, now: datetime) -> Standing:
        """Return how the hour stands; note an issue made at the desk, or by a command."""
        standing = self._work.standing(found.hour, now)
        if found.wanted:
            return standing
        if standing.issue is not None:
            found.issued = True
            of_hour = standing.cycle is None or standing.cycle.run <= found.hour
            of_hour = of_hour and found.begun is None
            if of_hour and not self._attempts.has_issue(found.hour, standing.issue):
                detail = "released at the desk, by a command or before a restart"
                self._keep(found.hour, now, Result("issued", detail, 0, standing.issue))
            self._complete_if_due(found, standing)
        if standing.closed:
            found.complete()
        return standing

    def _complete_if_due(self, found: OpenHour, standing: Standing) -> None:
        """Complete the hour where the newest run that was due at it is out, or changed nothing."""
        run = _newer(standing.cycle, found.considered)
        if standing.closed or (run is not None and run.run >= self._due(found.hour)):
            found.complete()

    def _due(self, hour: datetime) -> datetime:
        """Return the newest run that was due at an hour."""
        source = self._config.source
        return due_run(source.run_hours, source.delay_hours, hour)


def _newer(one: Cycle | None, other: Cycle | None) -> Cycle | None:
    """Return the newer of two runs."""
    found = [each for each in (one, other) if each is not None]
    return max(found, key=lambda cycle: cycle.run, default=None)
