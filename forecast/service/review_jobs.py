"""The jobs of issues that people review: drafts before their hour, releases at it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from forecast.archive.drafts import Drafts
from forecast.archive.issues import Attempt
from forecast.domain import Issue, as_utc
from forecast.errors import ArchiveError, Conflict, NotReleased, SkyscapeError
from forecast.issue.hours import last_hour, next_hour
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.world import World
from forecast.learning import train
from forecast.review import Draft

log = logging.getLogger(__name__)

DONE, DEFECT = 0, 1


class ReviewJobs:
    """What the scheduler does where issues are reviewed; no method raises."""

    def __init__(self, world: World, lifecycle: Lifecycle, clock: Callable[[], datetime]) -> None:
        self._given, self.lifecycle, self._clock = world, lifecycle, clock
        self.check_minutes = world.config.schedule.check_minutes
        self.misfire_minutes = world.config.schedule.misfire_minutes

    @property
    def _world(self) -> World:
        return replace(self._given, models=train.models_in_force(self._given.config))

    def start(self) -> int:
        """Release what a crash left behind, and the issue of an hour that was missed.

        Where no issue is in force, one is made at once, by the rules of the settings.
        """
        now = as_utc(self._clock())
        self.watch()
        self._attempted(self._warm, now)
        newest = self._newest()
        if newest is None or newest.valid_until <= now:
            return self.release(at_once=True)
        missed = now - self._last_hour() <= timedelta(minutes=self.misfire_minutes)
        if missed and newest.issued < self._last_hour():
            return self.release()
        return DONE

    def _warm(self) -> int:
        """Make the forecasts of the open drafts again, so that the desk need not wait for them.

        Where the data are no longer those that people saw, a new draft is made.
        """
        world, now = self._world, self._clock()
        for draft in Drafts(world.archive).open_ones(now):
            try:
                self.lifecycle.prepared(world, draft)
            except Conflict as changed:
                log.warning("%s", changed)
                if not draft.corrects:
                    self.lifecycle.make_draft(world, now, draft.hour)
        return DONE

    def draft_is_due(self) -> bool:
        """Return whether the draft of the next hour should be there by now."""
        soon = timedelta(minutes=self._given.config.issue.draft_minutes)
        return self.next_hour() - as_utc(self._clock()) <= soon

    def next_hour(self) -> datetime:
        """Return the next hour of issue."""
        config = self._given.config
        return next_hour(config.schedule.issue_at, config.zone, self._clock())

    def _served(self, hour: datetime) -> bool:
        """Return whether an hour has its issue: what was signed in its last minutes, or later.

        What somebody signed long before is an issue of its own; the hour gets another one.
        """
        ready = timedelta(minutes=self._given.config.issue.draft_minutes)
        return Drafts(self._given.archive).served(hour, hour - ready)

    def _last_hour(self) -> datetime:
        config = self._given.config
        return last_hour(config.schedule.issue_at, config.zone, self._clock())

    def draft(self) -> int:
        """Make the draft of the next hour, or a new one where there are new data."""
        now, hour = self._clock(), self.next_hour()

        def make() -> int:
            # a person signed it before its hour
            if self._served(hour) and not self._given.publisher.is_withdrawn():
                return DONE
            self.lifecycle.make_draft(self._world, now, hour)
            return DONE

        return self._attempted(make, now)

    def release(self, at_once: bool = False) -> int:
        """Release the draft of the hour that has come, signed or by the rules for unsigned ones.

        Where no draft was made for it, one is made first; one that a person has released already
        is left alone, unless nothing is in force and an issue is wanted `at_once`.
        """
        now, hour = as_utc(self._clock()), self._last_hour()

        def out() -> int:
            world = self._world
            self.lifecycle.expire(world, now)
            if self._served(hour) and not at_once:
                return DONE
            draft = Drafts(world.archive).of_hour(hour)
            if draft is None or not draft.open:
                draft = self.lifecycle.make_draft(world, now, now if at_once else hour)
            return self._out(world, draft, now)

        return self._attempted(out, now)

    def watch(self) -> int:
        """Let old drafts expire, and release a signed one that a crash or a fault kept back.

        Where the issue in force was withdrawn and no draft is open, the next one is made at once,
        so that somebody can sign it.
        """
        now = self._clock()

        def look() -> int:
            world = self._world
            self.lifecycle.expire(world, now)
            kept = Drafts(world.archive).open_ones(now)
            if not kept and self._given.publisher.is_withdrawn():
                self.lifecycle.make_draft(world, now, self.next_hour())
            codes = [self._out(world, each, now) for each in kept if each.state == "reviewed"]
            return max(codes, default=DONE)

        return self._attempted(look, now)

    def _out(self, world: World, draft: Draft, now: datetime) -> int:
        """Release a draft; one that was released at the desk meanwhile is done."""
        try:
            report = self.lifecycle.release(world, draft, now)
        except NotReleased:
            latest = Drafts(world.archive).get(draft.id)
            if latest is None or latest.state != "released":
                raise
            log.info("%s was released meanwhile", draft.id)
            return DONE
        self._keep(Attempt(now, report.issue.id, report.exit_code, report.summary))
        return report.exit_code

    def _newest(self) -> Issue | None:
        try:
            return next(iter(self._given.archive.issues(1)), None)
        except ArchiveError as error:
            log.error("%s", error)
            return None

    def _attempted(self, work: Callable[[], int], now: datetime) -> int:
        """Do some work; keep why it failed, and return its exit code."""
        try:
            return work()
        except SkyscapeError as error:
            log.error("%s", error)
            detail = f"{type(error).__name__}: {error}"
            return self._keep(Attempt(now, None, error.exit_code, detail))
        except Exception as error:  # the process must outlive a defect
            log.exception("a defect: please report it")
            detail = f"defect: {type(error).__name__}: {error}"
            return self._keep(Attempt(now, None, DEFECT, detail))

    def _keep(self, outcome: Attempt) -> int:
        try:
            self._given.archive.keep_attempt(outcome)
        except ArchiveError as error:
            log.error("%s", error)
        return outcome.exit_code
