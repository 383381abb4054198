"""The jobs of issues that people review: drafts before their hour, releases at it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from forecast import pipeline
from forecast.archive.drafts import Drafts
from forecast.domain import Cycle, Issue, as_utc
from forecast.errors import ArchiveError, Conflict, NotReleased
from forecast.issue.choice_of_run import no_newer
from forecast.issue.hours import due_run, last_hour, next_hour
from forecast.issue.inputs import newest_whole
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.world import World
from forecast.review import Draft
from forecast.service.attempts import Attempts, Result, attempted, failed, result_of
from forecast.service.issue_jobs import catch_up, in_force, standing_of, with_models
from forecast.service.journal import Journal
from forecast.service.open_hour import Standing

log = logging.getLogger(__name__)

DONE = 0
NOTHING = Result("unchanged", "nothing is to be done")


class ReviewJobs:
    """What the scheduler does where issues are reviewed; no method raises.

    As Work (forecast/service/open_hour.py) it serves the hours of issue.
    """

    def __init__(
        self,
        world: World,
        lifecycle: Lifecycle,
        clock: Callable[[], datetime],
        attempts: Attempts | None = None,
        observe: Callable[[], None] = lambda: None,
    ) -> None:
        self._given, self.lifecycle, self._clock = world, lifecycle, clock
        self._attempts = attempts or Attempts(world, Journal(world.config.private_folder))
        self._observe = observe
        self._next_draft: datetime | None = None
        self._check = timedelta(minutes=world.config.schedule.check_minutes)
        self._misfire = timedelta(minutes=world.config.schedule.misfire_minutes)

    @property
    def _world(self) -> World:
        return with_models(self._given)

    # -- the hours of issue

    def begin(self, now: datetime) -> bool:
        """Read the observations that wait, release what a crash left behind, warm the drafts.

        Return whether nothing is in force, so that an issue is wanted at once.
        """
        self._observe()
        catch_up(self._given, now)
        self.watch()
        warmed = self._tried(self._warm)
        if warmed.exit_code:
            self._attempts.keep(self.next_hour(), now, warmed)
        return self._is_bare(now)

    def standing(self, hour: datetime, now: datetime) -> Standing:
        """Return how an hour stands: what a person signed for it stays.

        An hour that was missed long ago gets no issue while one is in force.
        """
        found = standing_of(self._given, hour, now)
        try:
            served = self._served(hour)
        except ArchiveError:
            return found
        issue = in_force(self._given)
        over = now - hour > self._misfire  # as after a start: its draft would have expired
        if found.ahead is not None:
            return found
        if served and issue is not None:
            return Standing(issue.id, found.cycle, closed=over or self._is_signed(issue))
        if served:  # and withdrawn: only a person makes the next one
            return Standing(None, None, closed=True)
        return Standing(None, found.cycle, closed=over and found.cycle is not None)

    def issue(self, hour: datetime, now: datetime, newer_than: Cycle | None, last: bool) -> Result:
        """Release the draft of an hour; where it has an issue, only one of a newer run.

        A draft that nobody touched is made anew where its run is older than the one that was due.
        Where the archive cannot be used there are no drafts: then the machine issues, if it may.
        """

        def act(world: World) -> Result:
            world = with_models(world)
            if world.standby:
                return result_of(pipeline.run(world, now, ask=False, newer_than=newer_than))
            return self._released_at(world, hour, now, newer_than)

        return attempted(self._given, now, act, last)

    def update(self, now: datetime, newer_than: Cycle | None) -> tuple[Result, Cycle | None]:
        """Do nothing: a late run is in the next draft, where people see it."""
        return NOTHING, newer_than

    def _released_at(
        self, world: World, hour: datetime, now: datetime, newer_than: Cycle | None
    ) -> Result:
        self.lifecycle.expire(world, now)
        bare = self._is_bare(now)
        if newer_than is None and self._served(hour) and not bare:
            return NOTHING
        draft = Drafts(world.archive).of_hour(hour)
        if newer_than is not None:
            newest = newest_whole(world.source, world.config, now)
            if newest.cycle.run <= newer_than.run:
                raise no_newer(newer_than, newest.newer)
            draft = self.lifecycle.make_draft(world, now, hour)
        elif draft is None or not draft.open:
            draft = self.lifecycle.make_draft(world, now, now if bare else hour)
        else:
            draft = self._renewed(world, draft, now)
        return self._out(world, draft, now) or NOTHING

    def _renewed(self, world: World, draft: Draft, now: datetime) -> Draft:
        """Return a draft, made anew where nobody signed it and a newer run than its own is due."""
        source = world.config.source
        due = due_run(source.run_hours, source.delay_hours, draft.hour)
        if draft.state != "draft" or draft.cycle.run >= due:
            return draft
        made = self._tried(lambda: self._made(world, now, draft.hour))
        if made.exit_code:
            log.info("%s is not made anew: %s", draft.id, made.detail)
        return Drafts(world.archive).of_hour(draft.hour) or draft

    def _is_bare(self, now: datetime) -> bool:
        """Return whether no issue was made, or the last one has expired."""
        newest = self._newest()
        return newest is None or newest.expired(now)

    def _is_signed(self, issue: Issue) -> bool:
        return not Drafts(self._given.archive).review_of(issue.id).get("unreviewed")

    # -- drafts

    def draft_is_due(self) -> bool:
        """Return whether the draft of the next hour should be there by now."""
        soon = timedelta(minutes=self._given.config.issue.draft_minutes)
        return self.next_hour() - as_utc(self._clock()) <= soon

    def next_hour(self) -> datetime:
        """Return the next hour of issue."""
        config = self._given.config
        return next_hour(config.schedule.issue_at, config.zone, self._clock())

    def draft_when_due(self) -> None:
        """Make the draft of the next hour once it is due, and look for new data until that hour."""
        now = as_utc(self._clock())
        if not self.draft_is_due():
            self._next_draft = None
        elif self._next_draft is None or not timedelta() < self._next_draft - now <= self._check:
            self.draft()
            self._next_draft = as_utc(self._clock()) + self._check

    def draft(self) -> int:
        """Make the draft of the next hour, or a new one where there are new data."""
        now, hour = self._clock(), self.next_hour()

        def make() -> Result:
            # a person signed it before its hour
            if self._served(hour) and not self._given.publisher.is_withdrawn():
                return NOTHING
            return self._made(self._world, now, hour)

        result = self._tried(make)
        if result is not NOTHING:
            self._attempts.keep(hour, now, result)
        return result.exit_code

    def _made(self, world: World, now: datetime, hour: datetime) -> Result:
        """Make a draft; NOTHING where the one that is there stays."""
        before = Drafts(world.archive).of_hour(hour)
        draft = self.lifecycle.make_draft(world, now, hour)
        if before is not None and before.id == draft.id:
            return NOTHING
        return Result("waiting", f"{draft.id} is ready; it goes out at {hour.isoformat()}")

    def _warm(self) -> Result:
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
        return NOTHING

    # -- releases

    def watch(self) -> int:
        """Let old drafts expire, and release a signed one that a crash or a fault kept back.

        Where the issue in force was withdrawn and no draft is open, the next one is made at once,
        so that somebody can sign it.
        """
        now = self._clock()

        def look() -> Result:
            given, worst = self._given, NOTHING  # models are loaded only where there is work
            self.lifecycle.expire(given, now)
            kept = Drafts(given.archive).open_ones(now)
            if not kept and given.publisher.is_withdrawn():
                self.lifecycle.make_draft(self._world, now, self.next_hour())
            for each in (draft for draft in kept if draft.state == "reviewed"):
                if result := self._out(self._world, each, now):
                    self._attempts.keep(each.hour, now, result)
                    worst = max(worst, result, key=lambda result: result.exit_code)
            return worst

        result = self._tried(look)
        if result.exit_code and not result.out:
            self._attempts.keep(self._last_hour(), now, result)
        return result.exit_code

    def _out(self, world: World, draft: Draft, now: datetime) -> Result | None:
        """Release a draft; None where that was done at the desk meanwhile."""
        try:
            return result_of(self.lifecycle.release(world, draft, now))
        except NotReleased:
            latest = Drafts(world.archive).get(draft.id)
            if latest is None or latest.state != "released":
                raise
            log.info("%s was released meanwhile", draft.id)
            return None

    def _served(self, hour: datetime) -> bool:
        """Return whether an hour has its issue: what was signed in its last minutes, or later.

        What somebody signed long before is an issue of its own; the hour gets another one.
        """
        ready = timedelta(minutes=self._given.config.issue.draft_minutes)
        return Drafts(self._given.archive).served(hour, hour - ready)

    def _last_hour(self) -> datetime:
        config = self._given.config
        return last_hour(config.schedule.issue_at, config.zone, self._clock())

    def _newest(self) -> Issue | None:
        try:
            return next(iter(self._given.archive.issues(1)), None)
        except ArchiveError as error:
            log.error("%s", error)
            return None

    @staticmethod
    def _tried(work: Callable[[], Result]) -> Result:
        try:
            return work()
        except Exception as error:  # the process must outlive a defect
            return failed(error)
