"""Does every hour get its issue, once, whatever the source, the clock and the machine do?

What is issued is played here; forecast/pipeline.py does it in tests/faults/test_hours.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast.config import Config
from forecast.domain import Cycle, Issue, Receipt
from forecast.errors import (
    ArchiveBusy,
    ArchiveError,
    ConfigError,
    CycleNotReady,
    FolderBusy,
    NotReleased,
    OlderRun,
    PublishError,
    SkyscapeError,
    SourceError,
    SourceUnavailable,
    shortened,
)
from forecast.issue.hours import due_run
from forecast.issue.report import IssueReport
from forecast.service.attempts import Attempts, Result, entry_of, failed
from forecast.service.issue_jobs import IssueJobs
from forecast.service.journal import Journal
from forecast.service.open_hour import IssueHours, Standing

HOUR = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)  # 16:10 in Beijing
DUE = Cycle(datetime(2026, 11, 22, 0, tzinfo=UTC))
OLD = Cycle(datetime(2026, 11, 21, 18, tzinfo=UTC))
MINUTE = timedelta(minutes=1)


@dataclass
class Service:
    """The hours of issue of a service whose clock, source and faults a test sets.

    runs: whole ones, each with the time at which it becomes so. faults: raised one after another.
    """

    config: Config
    journal: Journal
    now: datetime = HOUR - MINUTE
    runs: dict[Cycle, datetime] = field(default_factory=lambda: {OLD: HOUR, DUE: HOUR})
    faults: list[Exception] = field(default_factory=list)
    grade_changes: bool = True
    in_force: tuple[str, datetime, Cycle] | None = None
    asked: list[datetime] = field(default_factory=list)
    kept: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        world: Any = SimpleNamespace(archive=SimpleNamespace(keep_attempt=self.kept.append))
        self.hours = IssueHours(self.config, self, Attempts(world, self.journal), lambda: self.now)

    def until(self, end: datetime, step: timedelta = timedelta(seconds=30)) -> None:
        """Let the clock run, looking as often as the scheduler does."""
        while self.now < end:
            self.now += step
            self.hours.look()

    @property
    def outcomes(self) -> list[tuple[datetime, str]]:
        return [(entry.hour, entry.outcome) for entry in reversed(self.journal.last(500))]

    def of(self, hour: datetime) -> list[str]:
        return [outcome for at, outcome in self.outcomes if at == hour]

    # -- Work

    def begin(self, now: datetime) -> bool:
        return False

    def standing(self, hour: datetime, now: datetime) -> Standing:
        if self.in_force is None:
            return Standing()
        id, issued, cycle = self.in_force
        return Standing(id if issued >= hour else None, cycle)

    def issue(self, hour: datetime, now: datetime, newer_than: Cycle | None, last: bool) -> Result:
        self.asked.append(now)
        if self.faults:
            return failed(self.faults.pop(0))
        newest = self._newest(now)
        if newest is None or (newer_than and newest.run <= newer_than.run):
            return failed(CycleNotReady("not whole yet"))
        if self.in_force and newest == self.in_force[2] and self.in_force[1] < hour:
            return Result("unchanged", "the same", 0, self.in_force[0])
        if self.in_force and newest.run < self.in_force[2].run:
            return failed(OlderRun("older"))
        return self._put_out(newest, now)

    def update(self, now: datetime, newer_than: Cycle | None) -> tuple[Result, Cycle | None]:
        newest = self._newest(now)
        if newest is None or (newer_than and newest.run <= newer_than.run):
            return failed(CycleNotReady("not whole yet")), None
        if self.grade_changes:
            return self._put_out(newest, now), newest
        return Result("unchanged", "no grade"), newest

    def _newest(self, now: datetime) -> Cycle | None:
        whole = [cycle for cycle, at in self.runs.items() if at <= now]
        return max(whole, key=lambda cycle: cycle.run, default=None)

    def _put_out(self, cycle: Cycle, now: datetime) -> Result:
        self.in_force = (f"{cycle.id}@{now:%d%H%M%S}", now, cycle)
        return Result("issued", "out", 0, self.in_force[0])


@pytest.fixture
def service(config: Config, tmp_path: Path) -> Service:
    return Service(config, Journal(tmp_path))


def zoned(service: Service, zone: str, *issue_at: time) -> Service:
    """Let a service live in another zone."""
    config = service.config
    schedule = config.schedule.model_copy(update={"issue_at": issue_at})
    service.config = config.model_copy(
        update={
            "schedule": schedule,
            "service": config.service.model_copy(update={"timezone": zone}),
        }
    )
    service.restart()
    return service


def test_the_run_that_is_due_follows_from_the_settings(config: Config) -> None:
    source = config.source

    def due(at: datetime) -> datetime:
        return due_run(source.run_hours, source.delay_hours, at)

    # 3.6 h after 00 UTC are 03:36 UTC
    assert due(datetime(2026, 11, 22, 3, 36, tzinfo=UTC)) == DUE.run
    assert due(datetime(2026, 11, 22, 3, 35, tzinfo=UTC)) == OLD.run
    assert due(HOUR) == DUE.run


def test_an_hour_whose_run_is_there_is_issued_once(service: Service) -> None:
    service.in_force = ("gfs-0", HOUR - timedelta(hours=9), OLD)

    service.until(HOUR + timedelta(hours=4))

    assert service.of(HOUR) == ["issued"]
    assert HOUR <= service.in_force[1] <= HOUR + MINUTE


def test_a_late_run_is_looked_for_while_an_older_one_is_whole(service: Service) -> None:
    """Readers have the older one at the hour, and the newer one when it comes."""
    service.in_force = ("gfs-0", HOUR - timedelta(days=1), Cycle(OLD.run - timedelta(hours=12)))
    service.runs[DUE] = HOUR + 45 * MINUTE

    service.until(HOUR + timedelta(hours=1, minutes=30))

    assert service.of(HOUR) == ["issued", *["not_ready"] * 4, "issued"]
    assert service.in_force[2] == DUE
    assert HOUR + 45 * MINUTE <= service.in_force[1] <= HOUR + 56 * MINUTE


def test_unchanged_is_no_success_while_a_newer_run_is_due(service: Service) -> None:
    service.in_force = ("gfs-0", HOUR - timedelta(hours=9), OLD)
    service.runs[DUE] = HOUR + 15 * MINUTE

    service.until(HOUR + timedelta(hours=1))

    assert service.of(HOUR) == ["unchanged", "unchanged", "issued"]


def test_the_line_of_an_attempt_names_the_run_that_is_missing_and_the_next_look(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    service.in_force = ("gfs-0", HOUR - timedelta(hours=9), OLD)
    service.runs[DUE] = HOUR + 15 * MINUTE

    service.until(HOUR + 5 * MINUTE)

    said = (
        "gfs-2026112200 was due and is not out; the hour stays open, next look at 16:20:00+0800; "
        "the same"
    )
    assert service.journal.last(1)[0].detail == said
    assert f"unchanged gfs-0: {said}" in caplog.text
    service.until(HOUR + timedelta(hours=1))
    assert service.journal.last(1)[0].detail == "out"  # complete: nothing follows


def test_what_failed_keeps_its_reason_first_and_what_follows_is_never_cut_off(
    service: Service,
) -> None:
    service.hours.look()
    service.faults = [SourceUnavailable("every server failed (503). " * 40)]

    service.until(HOUR + 5 * MINUTE)

    detail = service.journal.last(1)[0].detail
    assert detail.startswith("SourceUnavailable: every server failed")
    assert "failed (503). …; gfs-2026112200 was due" in detail
    assert detail.endswith("the hour stays open, next look at 16:20:00+0800")
    assert len(detail) <= 600


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("short", 5, "short"),
        ("The server fails (503). Check the network", 30, "The server fails (503). …"),
        ("one two three four", 12, "one two …"),
        ("x" * 20, 10, "x" * 8 + " …"),
    ],
)
def test_what_is_too_long_ends_with_a_sentence_or_a_word(text: str, most: int, kept: str) -> None:
    assert shortened(text, most) == kept
    assert len(kept) <= most


def test_an_older_run_leaves_the_hour_open_until_a_newer_one_comes(service: Service) -> None:
    service.in_force = ("gfs-0", HOUR - timedelta(hours=1), OLD)
    service.runs = {Cycle(OLD.run - timedelta(hours=6)): HOUR, DUE: HOUR + 15 * MINUTE}

    service.until(HOUR + timedelta(hours=1))

    assert service.of(HOUR) == ["older", "older", "issued"]


@pytest.mark.parametrize(
    ("fault", "wait"),
    [
        (ArchiveBusy("locked"), timedelta(seconds=30)),
        (FolderBusy("another process"), timedelta(seconds=30)),
        (ArchiveError("server away"), 10 * MINUTE),
        (SourceUnavailable("source away"), 10 * MINUTE),
        (PublishError("every channel failed"), 10 * MINUTE),
        (OSError(28, "No space left on device"), 10 * MINUTE),
        (OSError(5, "Input/output error"), 10 * MINUTE),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_may_pass_is_tried_again_within_the_hour(
    service: Service, fault: Exception, wait: timedelta
) -> None:
    service.hours.look()
    service.faults, service.asked = [fault], []

    service.until(HOUR + timedelta(hours=1))

    assert service.of(HOUR) == ["waiting", "issued"]
    first, second = service.asked
    assert timedelta() <= second - first - wait <= timedelta(seconds=30)


def test_a_lock_that_stays_is_asked_less_often_after_a_while(service: Service) -> None:
    service.hours.look()
    service.faults, service.asked = [ArchiveBusy("locked") for _ in range(7)], []

    service.until(HOUR + timedelta(hours=2))

    waits = [b - a for a, b in zip(service.asked, service.asked[1:], strict=False)]
    assert waits == [timedelta(seconds=30)] * 4 + [10 * MINUTE] * 3
    assert service.of(HOUR)[-1] == "issued"


@pytest.mark.parametrize(
    "fault",
    [ConfigError("wrong"), NotReleased("unsigned"), ZeroDivisionError("ours"), OSError(2, "gone")],
    ids=lambda value: type(value).__name__,
)
def test_what_needs_a_person_is_recorded_once_and_the_hour_is_missed(
    service: Service, fault: SkyscapeError, caplog: pytest.LogCaptureFixture
) -> None:
    service.hours.look()
    service.faults, service.asked = [fault], []

    service.until(HOUR + timedelta(hours=3))

    assert service.of(HOUR) == ["refused", "missed"]
    assert len(service.asked) == 1
    local = "2026-11-22T16:10:00+08:00"
    lines = [each.getMessage() for each in caplog.records if local in each.getMessage()]
    assert len(lines) == 2  # a line for each attempt, and no other
    assert "no issue of its own until 2026-11-22T18:10:00+08:00" in lines[1]


def test_an_issue_of_a_later_run_is_not_noted_for_an_hour_before_that_run(service: Service) -> None:
    later = Cycle(HOUR.replace(hour=12, minute=0))
    service.now = HOUR + timedelta(hours=9)
    service.in_force = ("gfs-2026112212", service.now, later)  # by a command, before the start

    service.hours.look()

    assert service.outcomes == []


def test_a_due_run_that_could_not_be_fetched_is_waited_for_and_not_unchanged(
    config: Config,
) -> None:
    full = SourceUnavailable("var/cycles: cannot be written (No space left on device)")
    issue = Issue("gfs", 7, HOUR, OLD, HOUR + timedelta(hours=20), published=True)
    jobs = IssueJobs(SimpleNamespace(config=config), lambda: None)  # type: ignore[arg-type]

    def came_to(newer: SourceError | None, cycle: Cycle = OLD) -> Result | None:
        receipts = (Receipt("pages", "gfs", "unchanged"),)
        of = replace(issue, cycle=cycle)
        return jobs._behind(IssueReport(of, receipts, 1, 1, (), {}, newer=newer), HOUR)

    waiting = came_to(full)
    assert waiting is not None
    assert (waiting.outcome, waiting.exit_code) == ("waiting", 4)
    assert "No space left" in waiting.detail
    assert came_to(CycleNotReady("not there yet")) is came_to(None) is came_to(full, DUE) is None


def test_an_hour_that_a_person_released_after_all_is_not_missed(service: Service) -> None:
    service.hours.look()
    service.faults = [NotReleased("unsigned")]
    service.until(HOUR + 20 * MINUTE)
    service.in_force = ("gfs-signed", service.now, DUE)

    service.until(HOUR + timedelta(hours=3))

    assert service.of(HOUR) == ["refused", "issued"]


def test_a_source_that_stays_away_makes_the_hour_a_missed_one(service: Service) -> None:
    service.runs = {}

    service.until(HOUR + timedelta(hours=3))

    assert service.of(HOUR).count("missed") == 1
    missed = next(each for each in service.journal.last(500) if each.outcome == "missed")
    assert timedelta() <= missed.at - HOUR - timedelta(minutes=120) <= MINUTE


@pytest.mark.parametrize(("changes", "issues"), [(True, 1), (False, 0)])
def test_a_run_that_comes_after_the_hour_is_issued_only_if_it_changes_a_grade(
    service: Service, changes: bool, issues: int
) -> None:
    service.in_force = ("gfs-0", HOUR - timedelta(hours=9), OLD)
    service.runs[DUE], service.grade_changes = HOUR + timedelta(hours=3), changes

    service.until(HOUR + timedelta(hours=5))

    of_hour = service.of(HOUR)
    assert of_hour.count("missed") == 1
    after = of_hour[of_hour.index("missed") + 1 :]
    assert after.count("issued") == issues
    assert after[-1] == ("issued" if changes else "unchanged")
    assert service.hours.open is not None
    assert service.hours.open.next_look is None  # it was considered once


def test_no_update_is_made_where_the_settings_want_none(service: Service) -> None:
    schedule = service.config.schedule.model_copy(update={"update": False})
    service.config = service.config.model_copy(update={"schedule": schedule})
    service.restart()
    service.in_force = ("gfs-0", HOUR - timedelta(hours=9), OLD)
    service.runs[DUE] = HOUR + timedelta(hours=3)

    service.until(HOUR + timedelta(hours=5))

    assert service.of(HOUR)[-1] == "missed"
    assert service.in_force[0] == "gfs-0"


def test_a_restart_within_a_served_hour_issues_nothing(service: Service) -> None:
    service.until(HOUR + 2 * MINUTE)
    issued = len(service.asked)

    for minute in (3, 10, 50):
        service.restart()
        service.until(HOUR + minute * MINUTE)

    assert len(service.asked) == issued
    assert service.of(HOUR) == ["issued"]


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(hours=10), timedelta(days=2)])
def test_a_clock_that_is_set_back_makes_no_second_issue_and_loses_no_hour(
    service: Service, back: timedelta
) -> None:
    service.until(HOUR + 5 * MINUTE)
    service.now -= back

    service.until(HOUR + timedelta(hours=3))

    assert service.of(HOUR) == ["issued"]


def test_a_clock_that_stood_in_the_future_for_a_while_loses_no_hour(service: Service) -> None:
    """Its issue, from the run of today, is none of tomorrow."""
    service.until(HOUR + 5 * MINUTE)
    tomorrow, service.now = HOUR + timedelta(days=1), HOUR + timedelta(days=1, minutes=2)
    service.until(tomorrow + 4 * MINUTE)
    service.now -= timedelta(days=1)
    next_run = Cycle(DUE.run + timedelta(days=1))
    service.runs[next_run] = tomorrow

    service.until(tomorrow + timedelta(hours=1), step=timedelta(minutes=1))

    assert service.in_force is not None
    assert service.in_force[2] == next_run
    assert service.of(tomorrow)[-1] == "issued"


@pytest.mark.parametrize("asleep", [timedelta(hours=1), timedelta(hours=6)])
def test_a_machine_that_slept_over_an_hour_issues_when_it_wakes(
    service: Service, asleep: timedelta
) -> None:
    service.until(HOUR - 30 * timedelta(seconds=1))
    service.now += asleep

    service.until(service.now + 20 * MINUTE)

    assert service.in_force is not None
    assert service.in_force[2] == DUE
    assert service.of(HOUR)[-1] == "issued"
    assert service.of(HOUR).count("issued") == 1


def test_a_command_that_failed_before_the_first_start_makes_no_hour_a_missed_one(
    service: Service,
) -> None:
    refused = Result("refused", "ArchiveUnusable: gone", 5)
    service.journal.add(entry_of(HOUR - timedelta(hours=9), HOUR, refused, by="once"))
    service.now = HOUR + timedelta(hours=1)

    service.hours.look()

    assert "missed" not in [outcome for _, outcome in service.outcomes]


def test_a_first_start_long_after_an_hour_is_no_attempt_of_that_hour(service: Service) -> None:
    service.now = HOUR - timedelta(hours=3)
    before = datetime(2026, 11, 21, 22, 40, tzinfo=UTC)  # 06:40 in Beijing, 6.5 h before
    service.runs[OLD] = service.now

    service.until(service.now + MINUTE)

    assert service.in_force is not None  # readers have an issue at once
    assert service.of(before) == []
    [(hour, outcome)] = service.outcomes
    assert (hour, outcome) == (HOUR - timedelta(hours=3) + timedelta(seconds=30), "issued")
    service.restart()
    service.until(HOUR + MINUTE)
    assert [outcome for _, outcome in service.outcomes] == ["issued", "issued"]
    assert service.of(HOUR) == ["issued"]


def test_a_new_list_makes_no_attempt_for_its_last_hour_of_yesterday(service: Service) -> None:
    service.until(HOUR + 5 * MINUTE)
    assert service.of(HOUR) == ["issued"]
    zoned(service, "Asia/Shanghai", time(20, 45))

    service.until(HOUR + timedelta(hours=1))

    assert service.of(HOUR - timedelta(hours=19, minutes=25)) == []
    assert {hour for hour, _ in service.outcomes} == {HOUR - MINUTE / 2, HOUR}  # the start, too


def test_an_hour_that_the_service_attempted_is_not_said_to_have_passed_without_it(
    service: Service,
) -> None:
    service.faults = [SourceUnavailable("no answer") for _ in range(4)]
    service.until(HOUR + 5 * MINUTE)
    service.restart()
    service.now, service.runs = HOUR + timedelta(hours=3), {}

    service.hours.look()

    [missed] = [each for each in service.journal.last() if each.outcome == "missed"]
    assert missed.hour == HOUR
    assert missed.detail.startswith("no issue of its own; the last attempt: waiting: Source")


def test_an_hour_whose_run_was_out_already_is_not_missed_by_a_later_start(service: Service) -> None:
    service.in_force = ("gfs-0", HOUR - MINUTE, DUE)
    service.until(HOUR + 5 * MINUTE)
    assert service.of(HOUR) == ["unchanged"]

    for later in (3, 14):
        service.restart()
        service.now = HOUR + timedelta(hours=later)
        service.hours.look()

    assert "missed" not in service.of(HOUR)


def test_hours_that_passed_while_the_service_was_down_are_noted_as_missed(service: Service) -> None:
    service.until(HOUR + 5 * MINUTE)
    service.restart()
    service.now = HOUR + timedelta(days=1, minutes=-20)

    service.hours.look()

    # 04:20 and 06:40 in Beijing; the look for the second one goes on from now
    early = HOUR + timedelta(hours=12, minutes=10)
    late = early + timedelta(hours=2, minutes=20)
    assert service.of(early) == ["missed"]
    assert service.of(late) == ["missed", "unchanged"]


@pytest.mark.parametrize(
    # 02:30 is skipped on 29 March 2026, and comes twice on 25 October
    "first",
    [datetime(2026, 3, 28, 2, tzinfo=UTC), datetime(2026, 10, 24, 2, tzinfo=UTC)],
)
def test_an_hour_that_summer_time_skips_or_doubles_has_one_issue(
    service: Service, first: datetime
) -> None:
    ours = zoned(service, "Europe/Berlin", time(2, 30))
    ours.now = first
    source = ours.config.source
    ours.runs = {
        Cycle(first.replace(hour=0) + timedelta(hours=6 * n)): first + timedelta(hours=6 * n + 3)
        for n in range(-4, 16)
    }
    assert source.run_hours == (0, 6, 12, 18)

    ours.until(first + timedelta(days=2, hours=12), step=timedelta(minutes=2))

    assert {outcome for _, outcome in ours.outcomes} == {"issued"}
    local = [hour.astimezone(ours.config.zone) for hour, _ in ours.outcomes]
    assert [each.day for each in local] == [first.day, first.day + 1, first.day + 2]


def test_a_journal_on_a_full_disk_and_a_locked_archive_cost_no_issue(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ArchiveBusy("locked")

    world: Any = SimpleNamespace(archive=SimpleNamespace(keep_attempt=refuse))
    attempts = Attempts(world, service.journal)
    add: Callable[..., bool] = lambda *_: False  # noqa: E731
    monkeypatch.setattr(Journal, "add", add)
    service.hours = IssueHours(service.config, service, attempts, lambda: service.now)

    service.until(HOUR + MINUTE)

    assert service.in_force is not None
