"""How the service is, from small files alone: heartbeat, journal and the manifest of the release.

Nothing here needs the archive or a network, so it holds where these fail. The alerts, `/healthz`,
`/metrics`, `status` and `check --alive` all read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.config import Config
from forecast.domain import Issue, as_utc
from forecast.errors import ArchiveError
from forecast.issue.hours import due_run, last_hour
from forecast.service.heartbeat import Heartbeat, last_beat
from forecast.service.journal import ONCE, Journal, JournalEntry
from products import manifest

# The outcomes of the journal after which an hour has an issue of its own.
ISSUED = frozenset({"issued", "partial"})
NOTHING_NEWER = frozenset({"unchanged", "older"})
ENTRIES = 200  # of the journal that are looked at
AHEAD = timedelta(minutes=5)  # an issue dated later than now by more says that a clock was wrong
ARCHIVE_PATIENCE = timedelta(minutes=3)  # a lock that lasts no longer is no fault


@dataclass(frozen=True, slots=True)
class ServiceState:
    """The last heartbeat, the newest entries of the journal (newest first), and the issue that
    readers see; None where there is none.
    """

    beat: Heartbeat | None
    journal: tuple[JournalEntry, ...]
    issue: Issue | None
    withdrawn: bool = False

    def silent(self, now: datetime) -> bool:
        """Return whether the scheduler does not live: no heartbeat, or its process is gone."""
        return self.beat is None or self.beat.silent(now) or self.beat.ended()

    def expired(self, now: datetime) -> bool:
        """Return whether no issue is in force, or the one that is has expired."""
        return self.issue is None or self.issue.expired(now)

    def archive_failed_last(self) -> bool:
        """Return whether the archive failed at the newest attempt of this start; what a command met
        is not the service's.
        """
        last = next(
            (each for each in self.journal if not (each.by == ONCE and each.exit_code)), None
        )
        if last is None or (self.beat is not None and last.at < self.beat.started):
            return False
        return last.exit_code == ArchiveError.exit_code

    def ahead(self, now: datetime) -> bool:
        """Return whether the issue in force is dated in the future: it fills no hour before."""
        return self.issue is not None and is_ahead(self.issue, now)

    def archive_failure(self, now: datetime) -> JournalEntry | None:
        """Return the first of the newest attempts, all of this start, that the archive failed; what
        a command met is not the service's.

        None where the newest did not, or where they only waited for less than ARCHIVE_PATIENCE.
        """
        failed = []
        for entry in self.journal:
            if entry.by == ONCE and entry.exit_code:
                continue
            before = self.beat is not None and entry.at < self.beat.started
            if entry.exit_code != ArchiveError.exit_code or before:
                break
            failed.append(entry)
        lasts = bool(failed) and as_utc(now) - failed[-1].at >= ARCHIVE_PATIENCE
        return failed[-1] if lasts or any(e.outcome in ISSUED for e in failed) else None


def is_ahead(issue: Issue, now: datetime) -> bool:
    """Return whether an issue is dated in the future."""
    return issue.issued - as_utc(now) > AHEAD


def read_service_state(config: Config) -> ServiceState:
    """Return the state of the service of these settings; what cannot be read counts as absent."""
    folder, content = config.private_folder, manifest.read(config.output.folder / "current")
    return ServiceState(
        last_beat(folder),
        Journal(folder).last(ENTRIES),
        manifest.issue_of(content),
        manifest.withdrawal_of(content) is not None,
    )


def overdue_hour(state: ServiceState, config: Config, now: datetime) -> datetime | None:
    """Return the last hour of issue that has no issue `late_minutes` after it; None: all is well.

    What was issued later counts, and before it what was signed while its draft was open. An attempt
    that found nothing newer counts where the run in force is the newest that the hour could have
    had. A service that started after the hour gets the same time from its start.
    """
    late = timedelta(minutes=config.alerts.late_minutes)
    hour = last_hour(config.schedule.issue_at, config.zone, now - late)
    started = state.beat.started if state.beat and not state.beat.silent(now) else hour
    if as_utc(now) < max(hour, started) + late:
        return None
    if state.issue is None and state.beat is not None and hour < _first_known(state, started):
        return None
    early = timedelta(minutes=config.issue.draft_minutes if config.issue.review != "off" else 0)
    filled = state.issue is not None and state.issue.issued >= hour - early
    if filled and not state.ahead(now):
        return None
    of_hour = [entry for entry in state.journal if entry.hour == hour]
    if any(entry.outcome in ISSUED for entry in of_hour):
        return None
    current = state.issue is not None and state.issue.cycle.run >= run_due(config, hour)
    if current and not state.expired(now) and any(e.outcome in NOTHING_NEWER for e in of_hour):
        return None
    return hour


def _first_known(state: ServiceState, started: datetime) -> datetime:
    """Return since when there is a service, as far as heartbeat and journal say it."""
    ours = [min(each.at, each.hour) for each in state.journal if each.by != ONCE or each.issue]
    return min(started, state.beat.started if state.beat else started, *ours)


def run_due(config: Config, at: datetime, margin: timedelta = timedelta(0)) -> datetime:
    """Return the start of the newest run of the leading model that should be there at a time.

    margin: how much longer than delay_hours a run may take.
    """
    source, late = config.source, margin / timedelta(hours=1)
    return due_run(source.run_hours, source.delay_hours + late, at)
