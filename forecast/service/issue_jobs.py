"""What is done at an hour of issue where nobody reviews: the pipeline, by the machine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from forecast import pipeline
from forecast.domain import Cycle, Issue
from forecast.errors import ArchiveUnusable, CycleNotReady, SkyscapeError
from forecast.issue.hours import due_run
from forecast.issue.release import restore
from forecast.issue.report import IssueReport
from forecast.issue.world import World
from forecast.learning import train
from forecast.service.attempts import Result, attempted, failed, result_of
from forecast.service.open_hour import Standing
from forecast.service.state import is_ahead

log = logging.getLogger(__name__)


def catch_up(world: World, now: datetime) -> bool:
    """Bring the archive to what readers see, where a kill came between the two; return whether the
    archive is lost or damaged. Never raises an error of ours: where it cannot be done now, the next
    issue does it.
    """
    try:
        with world.publisher.exclusive():
            restore(world, now)
    except (SkyscapeError, OSError) as error:
        log.warning("the archive is compared with the pages at the next issue: %s", error)
        return isinstance(error, ArchiveUnusable)
    return False


def standing_of(world: World, hour: datetime, now: datetime) -> Standing:
    """Return how an hour stands by the release that is in force.

    An issue that is withdrawn, of another leading model, or dated in the future gives an hour no
    issue.
    """
    issue = in_force(world)
    if issue is None or issue.expired(now):
        return Standing()
    if is_ahead(issue, now):
        return Standing(None, issue.cycle, ahead=issue.issued)
    return Standing(issue.id if issue.issued >= hour else None, issue.cycle)


def in_force(world: World) -> Issue | None:
    """Return the issue that readers see of the leading model; None where it is withdrawn."""
    issue = world.publisher.in_force()
    if issue is None or world.publisher.is_withdrawn():
        return None
    return issue if issue.cycle.model == world.config.source.model else None


def with_models(world: World) -> World:
    """Return the world with the models in force."""
    return replace(world, models=train.models_in_force(world.config))


class IssueJobs:
    """Issues at their hours; see Work in forecast/service/open_hour.py."""

    def __init__(self, world: World, observe: Callable[[], None]) -> None:
        self._world, self._observe = world, observe

    def begin(self, now: datetime) -> bool:
        """Read the observations that wait, record what a kill left out; return whether what is in
        force is damaged, was made under other settings, or does not say that the archive is lost.
        """
        self._observe()
        unusable = catch_up(self._world, now)
        publisher, issue = self._world.publisher, self._world.publisher.in_force()
        if issue is None:
            return False
        digest = publisher.manifest().get("digest")
        other = digest != self._world.config.digest
        return unusable or other or not publisher.holds(issue.id)

    def standing(self, hour: datetime, now: datetime) -> Standing:
        """Return how an hour stands."""
        return standing_of(self._world, hour, now)

    def issue(self, hour: datetime, now: datetime, newer_than: Cycle | None, last: bool) -> Result:
        """Issue the best there is, or only a run newer than that. Never raises."""

        def act(world: World) -> Result:
            run = pipeline.run(with_models(world), now, ask=False, newer_than=newer_than)
            return self._behind(run, hour) or result_of(run)

        return attempted(self._world, now, act, last)

    def _behind(self, report: IssueReport, hour: datetime) -> Result | None:
        """Return why the run that was due could not be fetched, where nothing was published.

        None where none was missing, or it is only not there yet.
        """
        source, newer = self._world.config.source, report.newer
        due = due_run(source.run_hours, source.delay_hours, hour)
        if not report.unchanged or newer is None or report.issue.cycle.run >= due:
            return None
        return None if isinstance(newer, CycleNotReady) else failed(newer)

    def update(self, now: datetime, newer_than: Cycle | None) -> tuple[Result, Cycle | None]:
        """Issue a newer run if it changes a grade; return it, too. Never raises."""
        if newer_than is None:  # nothing is in force
            return self.issue(now, now, None, last=False), None
        try:
            found = pipeline.update(with_models(self._world), now, newer_than)
        except Exception as error:  # the process must outlive a defect
            return failed(error), None
        if isinstance(found, IssueReport):
            result = result_of(found)
            return replace(result, detail=f"update: {result.detail}"), found.issue.cycle
        detail = f"{found.id} came late and changes the grade of no issued chance"
        return Result("unchanged", detail), found
