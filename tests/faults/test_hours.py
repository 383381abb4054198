"""Is an hour of issue saved from a locked, a lost and a damaged archive, and from an older run?"""

from __future__ import annotations

import fcntl
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from forecast import pipeline
from forecast.archive import database
from forecast.archive.issues import Archive
from forecast.archive.rebuilding import refuse_lost
from forecast.commands import alive, check, issue, status
from forecast.commands import world as setup
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle
from forecast.errors import ArchiveUnusable, ConfigError, CycleNotReady, OlderRun
from forecast.ingest.grib import reader
from forecast.issue import choice_of_run
from forecast.issue.release import restore
from forecast.service import heartbeat
from forecast.service.alerting import conditions
from forecast.service.alerting.conditions import assess
from forecast.service.alerting.facts import archive_facts, small_facts
from forecast.service.alerting.ledger import Ledger, OpenAlert, write_ledger
from forecast.service.attempts import Attempts
from forecast.service.backups import back_up
from forecast.service.heartbeat import beat
from forecast.service.issue_jobs import IssueJobs
from forecast.service.journal import Journal, JournalEntry
from forecast.service.open_hour import IssueHours
from forecast.service.scheduler import build_scheduler
from forecast.service.single import hold
from forecast.service.state import read_service_state
from tests.faults.one_site import RUN, carry, decoded, small, world

HOUR = RUN + timedelta(hours=8, minutes=10)  # 16:10 in Beijing


@pytest.fixture(scope="module")
def atmosphere(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Atmosphere:
    folder = tmp_path_factory.mktemp("cycle")
    return decoded(small(config, folder), folder / "bucket")


@pytest.fixture(scope="module")
def issued(
    config: Config, atmosphere: Atmosphere, tmp_path_factory: pytest.TempPathFactory
) -> Config:
    """The settings of a service that has issued once; copied for each test."""
    settings = small(config, tmp_path_factory.mktemp("issued"))
    carry(settings, atmosphere, 0)
    return settings


@pytest.fixture
def ours(issued: Config, tmp_path: Path) -> Config:
    folder = issued.output.folder.parent
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    return small(issued.model_copy(), tmp_path / "copy").model_copy(
        update={"source": issued.source}
    )


class Service:
    """A service at the hour after its first issue, with the run of that time."""

    def __init__(
        self,
        settings: Config,
        run: datetime = RUN + timedelta(hours=6),
        archive: Archive | None = None,
    ) -> None:
        self.now = HOUR
        self.world = world(settings, run, archive)
        self.journal = Journal(settings.private_folder)
        attempts = Attempts(self.world, self.journal)
        jobs = IssueJobs(self.world, lambda: None)
        self.hours = IssueHours(settings, jobs, attempts, lambda: self.now)

    def look(self, later: timedelta = timedelta()) -> JournalEntry:
        """Look at the hour, and return the last entry of the journal."""
        self.now += later
        self.hours.look()
        return self.journal.last(1)[0]


@pytest.fixture
def service(ours: Config, atmosphere: Atmosphere, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    return Service(ours)


def file_of(settings: Config) -> Path:
    return Path(settings.archive.url.removeprefix("sqlite:///"))


def lose(settings: Config) -> None:
    for file in file_of(settings).parent.glob(f"{file_of(settings).name}*"):
        file.unlink()


def damage(settings: Config) -> None:
    """Overwrite every page of the database but the first."""
    path = file_of(settings)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xa5" * (len(content) - 4096))


def test_a_locked_archive_and_a_held_folder_cost_half_a_minute_each(service: Service) -> None:
    path, folder = file_of(service.world.config), service.world.publisher.folder
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = service.look()
    assert (first.outcome, first.exit_code) == ("waiting", 5)
    assert "ArchiveBusy" in first.detail

    with (folder / "lock").open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert service.look(timedelta(seconds=29)) == first
        second = service.look(timedelta(seconds=1))
    assert (second.outcome, second.exit_code) == ("waiting", 6)
    assert "FolderBusy" in second.detail

    third = service.look(timedelta(seconds=30))
    assert (third.outcome, third.issue) == ("issued", "gfs-2026112206")
    assert [issue.number for issue in service.world.archive.issues()] == [2, 1]
    assert {entry.hour for entry in service.journal.last()} == {HOUR}


@pytest.mark.parametrize("harm", [lose, damage])
def test_without_its_archive_a_service_goes_on_publishing_and_says_so(
    service: Service, harm: Any
) -> None:
    harm(service.world.config)

    entry = service.look()

    assert (entry.outcome, entry.issue, entry.exit_code) == ("issued", "gfs-2026112206", 5)
    assert entry.detail.startswith("archive unavailable: ")
    assert "skyscape restore" in entry.detail
    in_force = service.world.publisher.in_force()
    assert in_force is not None
    assert in_force.number == 2  # numbers go on
    page = (service.world.publisher.link / "index.html").read_text(encoding="utf-8")
    assert "资料库暂时不可用" in page
    assert service.look(timedelta(minutes=10)) == entry  # the hour has its issue


def garbage(settings: Config) -> None:
    """Overwrite the whole database."""
    size = file_of(settings).stat().st_size
    lose(settings)
    file_of(settings).write_bytes(b"\xa5" * size)


@pytest.mark.parametrize("harm", [damage, garbage])
def test_a_service_that_starts_with_a_damaged_archive_goes_on_marked_and_alarming(
    ours: Config, atmosphere: Atmosphere, monkeypatch: pytest.MonkeyPatch, harm: Any
) -> None:
    """Of the run that is out already: nothing else would bring a new issue."""
    monkeypatch.setattr(reader, "read_atmosphere", lambda *_, **__: atmosphere)
    harm(ours)
    with pytest.raises(ArchiveUnusable, match="it is damaged"):
        setup.open_archive(ours)
    started = Service(ours, RUN, setup.open_archive(ours, service=True))
    beat(ours.private_folder, HOUR - timedelta(seconds=5), HOUR, "1")

    entry = started.look()

    assert (entry.outcome, entry.issue, entry.exit_code) == ("issued", "gfs-2026112200-2", 5)
    page = (started.world.publisher.link / "index.html").read_text(encoding="utf-8")
    assert "资料库暂时不可用" in page
    later = started.now + timedelta(minutes=4)
    assert read_service_state(ours).archive_failure(later) is not None
    assert started.look(timedelta(minutes=10)).issue in (entry.issue, None)
    again = Service(ours, RUN, setup.open_archive(ours, service=True)).look()
    assert (again.outcome, again.issue) == ("unchanged", entry.issue)


def test_a_whole_service_starts_and_reloads_with_a_damaged_archive(ours: Config) -> None:
    damage(ours)

    built = setup.build_world(ours, None, service=True)

    assert build_scheduler(built).get_jobs()
    with pytest.raises(ArchiveUnusable, match="it is damaged"):
        built.archive.issues()
    lose(ours)
    with pytest.raises(ArchiveUnusable, match="it is not there"):
        setup.build_world(ours, None, service=True)
    Archive(ours.archive.url)
    with pytest.raises(ArchiveUnusable, match="it holds no issue"):
        setup.build_world(ours, None, service=True)


def test_a_lost_archive_is_refused_at_the_start_and_never_made_anew(ours: Config) -> None:
    lose(ours)

    with pytest.raises(ArchiveUnusable, match=r"1 released issues.*skyscape restore.*--rebuild"):
        setup.open_archive(ours)

    assert not file_of(ours).exists()
    rebuilt = setup.open_archive(ours, rebuild=True)
    assert [issue.number for issue in rebuilt.issues()] == [1]
    assert setup.open_archive(ours).issues() == rebuilt.issues()


def test_an_archive_that_is_empty_where_it_was_full_is_refused(ours: Config) -> None:
    lose(ours)
    Archive(ours.archive.url)  # as a copy of a live file without its log gives one

    with pytest.raises(ArchiveUnusable, match="it holds no issue"):
        pipeline.run(world(ours, RUN), HOUR)
    with pytest.raises(ArchiveUnusable, match="it holds no issue"):
        setup.open_archive(ours)

    file_of(ours).write_bytes(b"")
    with pytest.raises(ArchiveUnusable, match="its file is empty"):
        refuse_lost(ours.archive.url, released=1)


@pytest.mark.parametrize("emptied", [False, True])
def test_no_command_that_reads_begins_a_lost_archive_anew_or_takes_it_for_sound(
    ours: Config, tmp_path: Path, emptied: bool
) -> None:
    lose(ours)
    if emptied:
        Archive(ours.archive.url)
    before = file_of(ours).exists()

    shown = status.found(ours, HOUR)
    assert "released issues are in the output folder" in shown["archive_fault"]
    assert status.exit_code(shown) == 5
    with pytest.raises(ArchiveUnusable, match="released issues are in the output folder"):
        back_up(ours, HOUR, tmp_path / "backups")
    found = [each for each in check._archive(ours, HOUR, False) if each.grade == "fault"]

    assert [each.subject for each in found] == ["archive"]
    assert "skyscape restore" in found[0].detail
    assert file_of(ours).exists() == before
    assert not list(tmp_path.glob("backups/skyscape-*"))


def test_each_once_is_a_line_of_the_journal_with_and_without_an_archive(
    service: Service, ours: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = setup.build_world

    def once(run: datetime, cycle: datetime | None = None) -> JournalEntry:
        monkeypatch.setattr(setup, "build_world", lambda config, *_: world(config, run))
        issue._issue(ours, None, cycle, HOUR, True)
        return service.journal.last(1)[0]

    assert once(RUN).outcome == "unchanged"
    entry = once(RUN + timedelta(hours=6))
    assert (entry.outcome, entry.issue, entry.exit_code) == ("issued", "gfs-2026112206", 0)
    assert (entry.hour, entry.by) == (HOUR, "once")
    service.look()
    assert service.journal.last(1)[0] == entry  # the service knows that the hour has its issue
    with pytest.raises(OlderRun):
        once(RUN - timedelta(hours=6))
    with pytest.raises(ConfigError):
        once(RUN, HOUR + timedelta(hours=2))
    monkeypatch.setattr(setup, "build_world", whole)
    lose(ours)
    with pytest.raises(ArchiveUnusable):
        issue._issue(ours, None, None, HOUR, True)

    kept = [(each.outcome, each.exit_code, each.by) for each in service.journal.last()]
    assert kept[:3] == [("refused", 5, "once"), ("refused", 3, "once"), ("older", 4, "once")]
    assert len(kept) == 5
    assert "by once: ArchiveUnusable: archive sqlite" in "\n".join(
        status.lines(status.found(ours, HOUR))
    )


def test_an_issue_dated_in_the_future_fills_no_hour_before_it(
    service: Service, ours: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "build_world", lambda config, *_: service.world)
    issue._issue(ours, None, None, HOUR + timedelta(minutes=40), True)  # once --now

    entry = service.look()

    assert (entry.hour, entry.outcome, entry.by) == (HOUR, "unchanged", "service")
    assert entry.detail.startswith("what is in force is dated 2026-11-22T16:50:00+08:00, after now")
    heartbeat.beat(ours.private_folder, HOUR, HOUR - timedelta(hours=2), "0.1.0")
    faults = [each for each in alive.findings(ours, HOUR) if each.grade == "fault"]
    assert faults[0].subject == "clock"
    assert "is dated 22 Nov, 16:50, which is still to come" in faults[0].detail
    assert status.exit_code(status.found(ours, HOUR)) == 8
    later = HOUR + timedelta(minutes=41)
    heartbeat.beat(ours.private_folder, later, HOUR - timedelta(hours=2), "0.1.0")
    assert not [each for each in alive.findings(ours, later) if each.grade == "fault"]


def garbage(settings: Config) -> None:
    file_of(settings).write_bytes(b"no database at all " * 1000)


@contextmanager
def harmed(settings: Config, harm: Callable[[Config], None] | None) -> Iterator[None]:
    """Do harm to the archive; None: another process holds it."""
    if harm is not None:
        harm(settings)
        yield
        return
    with closing(sqlite3.connect(file_of(settings), isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lose, "stop the service if one runs, then bring it back"),
        (damage, "it is damaged"),
        (garbage, "it is damaged"),
        (None, "another process holds it (database is locked); the command can be given again"),
    ],
)
def test_status_shows_what_needs_no_archive_whatever_happened_to_it(
    service: Service, ours: Config, harm: Callable[[Config], None] | None, why: str
) -> None:
    assert service.look().outcome == "issued"
    with closing(sqlite3.connect(file_of(ours))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    heartbeat.beat(ours.private_folder, HOUR, HOUR - timedelta(hours=2), "0.1.0")
    alert = OpenAlert(
        "archive", "archive", "critical", HOUR, HOUR, {"en": "no archive"}, reported=HOUR
    )
    write_ledger(ours.private_folder, Ledger({"archive": alert}))
    service.world.archive._engine.dispose()  # its connections would share the lock

    with harmed(ours, harm):
        found = status.found(ours, HOUR)

    lines = status.lines(found)
    assert status.exit_code(found) == 5
    [fault] = [line for line in lines if line.startswith("fault ")]
    assert why in fault
    assert "it is tried again" not in "\n".join(lines)
    assert "in force   gfs-2026112206 (fresh)" in lines
    for begins in ("service    alive  process", "alert      2026", "journal    2026"):
        assert any(line.startswith(begins) for line in lines)
    assert json.loads(json.dumps(found))["journal"][0]["issue"] == "gfs-2026112206"
    assert found["issues"] is None


def test_status_says_why_the_issue_in_force_is_no_fresh_one(ours: Config) -> None:
    def line(now: datetime) -> str:
        return next(s for s in status.lines(status.found(ours, now)) if s.startswith("in force"))

    assert line(HOUR) == "in force   gfs-2026112200 (fresh)"
    late = line(RUN + timedelta(hours=21))
    assert "gfs-2026112200 (fresh; " in late
    assert "22 Nov, 08:00 is used, 22 Nov, 20:00 was due" in late
    expired = line(RUN + timedelta(days=4))
    assert "gfs-2026112200 (stale: expired at 2026-11-2" in expired
    assert "+08:00)" in expired


def test_a_damaged_archive_is_kept_beside_the_rebuilt_one(ours: Config) -> None:
    damage(ours)

    rebuilt = setup.open_archive(ours, rebuild=True)

    assert [issue.number for issue in rebuilt.issues()] == [1]
    [aside] = file_of(ours).parent.glob("*.damaged-*Z")
    assert aside.stat().st_size > 4096


@pytest.fixture
def behind(service: Service) -> Service:
    """A service whose archive does not have the issue that readers see."""
    path = file_of(service.world.config)
    with (
        closing(sqlite3.connect(path)) as live,
        closing(sqlite3.connect(path.with_name("copy"))) as copy,
    ):
        live.backup(copy)
    assert service.look().outcome == "issued"
    path.with_name("copy").replace(path)  # under the running service
    return service


def test_an_archive_brought_back_from_an_older_copy_takes_later_releases_over(
    behind: Service,
) -> None:
    restore(behind.world, HOUR)

    assert [issue.number for issue in behind.world.archive.issues()] == [2, 1]


def test_an_archive_replaced_by_an_older_copy_is_a_fault_and_an_alert(
    service: Service, ours: Config
) -> None:
    archive, path = service.world.archive, file_of(ours)
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(f"{path}-1")) as copy:
        live.backup(copy)
    assert service.look().outcome == "issued"
    archive._engine.dispose()  # its log would bring the later rows back
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    path.with_name(f"{path.name}-1").replace(path)

    [wrong] = [e for e in check._archive(ours, HOUR, False) if e.grade == "fault"]
    found = status.found(ours, HOUR)
    before = replace(small_facts(ours, HOUR), archive=archive_facts(archive, ours, HOUR))

    for said in (wrong.detail, found["problems"][0]):
        assert "it does not know gfs-2026112206, which readers see" in said
        assert "Stop the service if one runs" in said
    assert status.exit_code(found) == 8
    assert "archive_older" in [each.kind for each in assess(before).conditions]

    restore(service.world, HOUR)  # as the next issue does
    assert not [e for e in check._archive(ours, HOUR, False) if e.grade == "fault"]
    [after] = conditions.archive_older(small_facts(ours, HOUR + timedelta(hours=23))) or ()
    assert (after.since, after.level) == (HOUR, "warning")
    day_later = HOUR + timedelta(hours=25)
    facts = replace(small_facts(ours, day_later), archive=archive_facts(archive, ours, day_later))
    assert conditions.archive_older(facts) == ()


def test_a_start_records_at_once_what_a_kill_left_out_of_the_archive(behind: Service) -> None:
    assert not IssueJobs(behind.world, lambda: None).begin(HOUR)

    assert [issue.number for issue in behind.world.archive.issues()] == [2, 1]


def test_an_older_run_replaces_a_newer_issue_only_when_it_is_named(
    service: Service, ours: Config
) -> None:
    older = Cycle(RUN - timedelta(hours=6))
    back = replace(service.world, source=world(ours, older.run).source)

    with pytest.raises(OlderRun, match=r"skyscape once --cycle 2026112118"):
        pipeline.run(back, HOUR)
    assert service.world.publisher.current() == "gfs-2026112200"

    pipeline.run(back, HOUR, older)
    assert service.world.publisher.current() == "gfs-2026112118"


def test_a_late_run_is_published_only_if_it_changes_the_grade_of_an_issued_chance(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, probabilities = Cycle(RUN), choice_of_run.issued_probabilities
    with pytest.raises(CycleNotReady, match="gfs-2026112206, which is out"):
        pipeline.update(service.world, HOUR, Cycle(RUN + timedelta(hours=6)))
    # the issue in force as the late run has it
    keep = choice_of_run.changes_a_grade
    made: list[Any] = []
    monkeypatch.setattr(pipeline, "changes_a_grade", lambda *a: made.append(a) or keep(*a))
    monkeypatch.setattr(
        choice_of_run,
        "issued_probabilities",
        lambda *_: {each.event.key: each.probability for each in made[-1][1]},
    )
    assert pipeline.update(service.world, HOUR, first) == Cycle(RUN + timedelta(hours=6))
    assert service.world.publisher.current() == "gfs-2026112200"

    coming = next(e for e in made[0][1] if e.event.window.end > HOUR and e.known)
    other = 0.9 if coming.probability < 0.5 else 0.1
    monkeypatch.setattr(
        choice_of_run,
        "issued_probabilities",
        lambda *given: probabilities(*given) | {coming.event.key: other},
    )
    report = pipeline.update(service.world, HOUR, first)
    assert report.issue.id == "gfs-2026112206"  # type: ignore[union-attr]


def test_a_second_service_of_an_output_folder_is_told_who_holds_it(tmp_path: Path) -> None:
    with (
        hold(tmp_path, HOUR, "1"),
        pytest.raises(ConfigError, match=r"process \d+ on .* since 2026-11-22T08:10"),
    ):
        hold(tmp_path, HOUR, "1")

    hold(tmp_path, HOUR, "1").close()  # who is gone holds nothing


def test_an_issue_whose_folder_was_removed_goes_out_again_at_the_next_look(
    service: Service,
) -> None:
    publisher = service.world.publisher
    first = service.look()
    assert (first.outcome, publisher.current()) == ("issued", first.issue)
    service.look(timedelta(seconds=5))
    shutil.rmtree(publisher.folder)
    found = list(check._archive(service.world.config, service.now, offline=True))
    said = "issues are in the archive, and none is in the output folder"
    assert [each.grade for each in found if said in each.detail] == ["fault"]

    again = service.look(timedelta(seconds=5))

    assert (again.outcome, again.issue, again.hour) == ("issued", first.issue, HOUR)
    assert publisher.current() == first.issue
    assert service.look(timedelta(seconds=5)) == again  # once
