"""An attempt to issue: what came of it, whether it is tried again, and where that is kept.

Each attempt is one line of the log and one of the journal, which needs no archive. `status` reads
the archive; where that cannot take the attempt, nothing else is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from forecast import log_context
from forecast.archive.issues import Attempt
from forecast.errors import (
    ArchiveError,
    ArchiveUnusable,
    CycleNotReady,
    OlderRun,
    Retry,
    SkyscapeError,
    of_the_disk,
)
from forecast.issue.report import IssueReport
from forecast.issue.standby import standby
from forecast.issue.world import World
from forecast.service.journal import SERVICE, Journal, JournalEntry, Outcome

log = logging.getLogger(__name__)

DEFECT = 1  # exit code
LEVELS = {
    "issued": logging.INFO,
    "unchanged": logging.INFO,
    "partial": logging.WARNING,
    "older": logging.WARNING,
    "not_ready": logging.INFO,
    "waiting": logging.WARNING,
    "refused": logging.ERROR,
    "missed": logging.ERROR,
}
UNAVAILABLE = "archive unavailable"  # begins the detail of what the standby archive made possible


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt; retry: whether it is tried again where the hour is still open."""

    outcome: Outcome
    detail: str
    exit_code: int = 0
    issue: str | None = None
    retry: Retry = "later"
    defect: Exception | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)  # of each step

    @property
    def out(self) -> bool:
        """Whether readers have a new issue."""
        return self.outcome in ("issued", "partial")


def result_of(report: IssueReport) -> Result:
    """Return the result of an issue that is out, or was out before."""
    outcome: Outcome = "partial" if report.exit_code else "issued"
    if report.unchanged:
        outcome = "unchanged"
    issue, code = report.issue.id, report.exit_code
    return Result(outcome, report.summary, code, issue, seconds=report.seconds)


def failed(error: Exception) -> Result:
    """Return the result of an attempt that raised an error."""
    if isinstance(error, OSError) and (ours := of_the_disk(error)):
        error = ours
    detail = f"{type(error).__name__}: {error}"
    if not isinstance(error, SkyscapeError):
        return Result("refused", f"defect: {detail}", DEFECT, retry="never", defect=error)
    outcome: Outcome = "refused" if error.retry == "never" else "waiting"
    if isinstance(error, OlderRun):
        outcome = "older"
    elif isinstance(error, CycleNotReady):
        outcome = "not_ready"
    return Result(outcome, detail, error.exit_code, retry=error.retry)


def entry_of(hour: datetime, now: datetime, result: Result, by: str = SERVICE) -> JournalEntry:
    """Return the journal's entry of an attempt for an hour. by: who made it."""
    return JournalEntry(
        now, hour, log_context.current_id() or log_context.new_id(), result.outcome,
        result.issue, result.exit_code, result.detail, result.seconds, by,
    )  # fmt: skip


def attempted(world: World, now: datetime, act: Callable[[World], Result], last: bool) -> Result:
    """Return what `act` gives with a world; never raises.

    Where the archive is lost or damaged, or cannot be had at the `last` attempt of an hour, the
    standby archive stands in; what then goes out has the exit code of the archive.
    """
    try:
        return act(world)
    except ArchiveError as error:
        if not (last or isinstance(error, ArchiveUnusable)):
            return failed(error)
        cause = error
    except Exception as error:  # the process must outlive a defect
        return failed(error)
    try:
        result = act(standby(world, now))
    except Exception as error:
        result = failed(error)
    detail = f"{UNAVAILABLE}: {cause}; {result.detail}"
    return replace(result, detail=detail, exit_code=result.exit_code or ArchiveError.exit_code)


class Attempts:
    """Keeps and logs each attempt of a service."""

    def __init__(self, world: World, journal: Journal) -> None:
        self._archive, self.journal = world.archive, journal

    def keep(self, hour: datetime, now: datetime, result: Result) -> Result:
        """Keep an attempt for an hour of issue, log it in one line, and return it."""
        entry = entry_of(hour, now, result)
        level = LEVELS[result.outcome]
        if result.exit_code == ArchiveError.exit_code:
            level = logging.ERROR
        elif result.outcome == "waiting" and not result.exit_code:  # a draft is ready
            level = logging.INFO
        log.log(level, "%s", entry.line, exc_info=result.defect)
        self.journal.add(entry)
        if result.outcome != "missed" and (result.exit_code or result.issue):
            try:
                attempt = Attempt(now, result.issue, result.exit_code, result.detail)
                self._archive.keep_attempt(attempt)
            except ArchiveError as error:
                log.debug("the attempt is in the journal only: %s", error)
        return result

    def has_issue(self, hour: datetime, issue: str) -> bool:
        """Return whether the journal has an issue for an hour."""
        return any(each.hour == hour and each.issue == issue for each in self.journal.last())

    def is_settled(self, hour: datetime) -> bool:
        """Return whether the journal says that an hour was issued or missed."""
        settled = ("issued", "partial", "missed")
        return any(each.hour == hour and each.outcome in settled for each in self.journal.last())
