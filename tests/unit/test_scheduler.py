"""Does the scheduler issue at its hours, wait for a late run, and outlive every error?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from apscheduler.schedulers.blocking import BlockingScheduler

from forecast import pipeline
from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import Cycle, Issue, Receipt
from forecast.errors import ArchiveError, CycleNotReady, NotReleased, SourceCorrupt
from forecast.issue.report import IssueReport
from forecast.observations.intake import Intake
from forecast.service import scheduler as scheduling
from forecast.service.heartbeat import SECONDS, last_beat
from forecast.service.journal import Journal, JournalEntry
from models.prediction import open_models
from products.publish import Publisher
from tests.station_data import with_stations

NOW = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
ISSUE = Issue(
    "gfs-2026112200", 1, NOW, Cycle(NOW.replace(hour=0, minute=0)), NOW + timedelta(hours=16)
)


@pytest.fixture
def world(config: Config, tmp_path: Path) -> pipeline.World:
    settings = config.model_copy(
        update={
            "output": config.output.model_copy(update={"folder": tmp_path / "site"}),
            "archive": config.archive.model_copy(
                update={"url": f"sqlite:///{tmp_path / 'archive.db'}"}
            ),
        }
    )
    source: Any = None
    return pipeline.World(
        settings,
        source,
        Archive(f"sqlite:///{tmp_path / 'archive.db'}"),
        open_models(),
        Publisher(settings),
    )


def run_that(answer: object) -> Any:
    def run(*_: object, **__: object) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return run


def scheduler_of(world: pipeline.World) -> BlockingScheduler:
    return scheduling.build_scheduler(world, lambda: NOW)


def looked_at(world: pipeline.World, now: list[datetime]) -> Callable[[], None]:
    """Return the job that looks at the hours of issue, by a clock that the test sets."""
    job = scheduling.build_scheduler(world, lambda: now[0]).get_job("hours")
    return lambda: job.func(*job.args)


def entries(world: pipeline.World) -> list[JournalEntry]:
    return list(reversed(Journal(world.config.private_folder).last()))


def test_bulletins_are_issued_at_the_local_hours_of_the_settings(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def run(_: object, now: datetime, **__: object) -> object:
        asked.append(now)
        raise NotReleased("the hour is not tried again")

    monkeypatch.setattr(pipeline, "run", run)
    now = [NOW - timedelta(minutes=1)]
    look = looked_at(world, now)

    for minutes in range(0, 24 * 60, 5):
        now[0] = NOW - timedelta(minutes=1) + timedelta(minutes=minutes)
        look()

    # one at the start; 16:10, 04:20 and 06:40 in Beijing are 08:10, 20:20 and 22:40 UTC
    assert [f"{at:%H:%M}" for at in asked] == ["08:09", "08:14", "20:24", "22:44"]
    hours = [entry.hour for entry in entries(world) if entry.outcome == "refused"]
    # a first start is of its own moment, not of yesterday's last hour
    assert [f"{hour:%H:%M}" for hour in hours] == ["08:09", "08:10", "20:20", "22:40"]


def test_a_late_run_is_looked_for_again_until_it_is_too_late(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "run", run_that(CycleNotReady("not there yet")))
    now = [NOW]
    look = looked_at(world, now)

    for minutes in range(122):
        now[0] = NOW + timedelta(minutes=minutes)
        look()

    found = entries(world)
    assert [entry.outcome for entry in found[:13]] == ["not_ready"] * 13
    assert found[1].at - found[0].at == timedelta(minutes=10)
    assert (found[13].outcome, found[13].at) == ("missed", NOW + timedelta(minutes=121))


def test_a_defect_is_kept_and_does_not_end_the_process(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "run", run_that(ZeroDivisionError("a defect of ours")))

    looked_at(world, [NOW])()

    (kept,) = world.archive.attempts()
    assert (kept.exit_code, kept.at) == (1, NOW)
    assert "a defect of ours" in kept.detail
    [entry] = entries(world)
    assert (entry.outcome, entry.exit_code) == ("refused", 1)


def test_an_issue_is_remembered_with_its_channels(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = (
        Receipt("web", ISSUE.id, "published"),
        Receipt("wechat", ISSUE.id, "failed", "too long"),
    )
    monkeypatch.setattr(pipeline, "run", run_that(IssueReport(ISSUE, receipts, 141, 100, (), {})))

    looked_at(world, [NOW])()

    detail = (  # nothing is in force here: what was published is made up
        "gfs-2026112200: 141 forecasts; web published, wechat failed; gfs-2026112200 was due and "
        "is not out; the hour stays open, next look at 16:20:00+0800"
    )
    assert world.archive.attempts()[0].detail == detail
    [entry] = entries(world)
    assert (entry.outcome, entry.exit_code, entry.detail) == ("partial", 6, detail)
    assert (entry.hour, entry.issue) == (NOW, ISSUE.id)


def test_the_heart_beats_by_a_job_of_its_own(world: pipeline.World) -> None:
    job = scheduler_of(world).get_job("heartbeat")

    job.func(*job.args)

    assert (job.executor, job.trigger.interval) == ("heartbeat", timedelta(seconds=SECONDS))
    found = last_beat(world.config.private_folder)
    assert found is not None
    assert (found.at, found.started) == (NOW, NOW)


def test_after_a_clock_that_was_set_back_every_job_runs_by_it(world: pipeline.World) -> None:
    scheduler = scheduler_of(world)
    earlier = datetime.now(UTC) - timedelta(days=3)

    scheduling.after_clock_step(scheduler, earlier)

    waiting = {job.id: job for job in scheduler.get_jobs()}
    assert waiting["hours"].next_run_time == earlier
    assert waiting["heartbeat"].next_run_time == earlier


def test_a_further_model_that_fails_stops_neither_the_next_nor_the_process(
    world: pipeline.World, caplog: pytest.LogCaptureFixture
) -> None:
    requested: list[str] = []

    class Model:
        def __init__(self, id: str, error: Exception | None) -> None:
            self.model = SimpleNamespace(id=id)
            self._error = error

        def acquire(self, sites: object, now: datetime, ask: bool = True) -> None:
            requested.append(self.model.id)
            if self._error:
                raise self._error

    failing = (
        Model("ifs", CycleNotReady("not there yet")),
        Model("aifs", ZeroDivisionError("ours")),
        Model("icon", SourceCorrupt("damaged")),
        Model("gefs", None),
    )
    caplog.set_level("INFO")

    scheduling.fetch_further(replace(world, further=failing), lambda: NOW)  # type: ignore[arg-type]

    assert requested == ["ifs", "aifs", "icon", "gefs"]
    levels = {record.message.partition(":")[0]: record.levelname for record in caplog.records}
    assert levels == {"ifs": "INFO", "aifs": "ERROR", "icon": "WARNING"}


def test_past_days_are_verified_at_the_hour_of_the_settings(world: pipeline.World) -> None:
    jobs = {job.id: job for job in scheduler_of(world).get_jobs()}

    at = world.config.learning.judge_at
    assert str(jobs["verify"].trigger) == f"cron[hour='{at.hour}', minute='{at.minute}']"


def test_the_verification_outlives_every_error(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []
    monkeypatch.setattr(scheduling.verify, "verification", lambda *_: None)
    monkeypatch.setattr(scheduling.verify, "keep", lambda *_: done.append("verified"))
    monkeypatch.setattr(scheduling.monitor, "findings", run_that(OSError("disk full")))
    monkeypatch.setattr(scheduling.train, "renew_shares", lambda *_: done.append("weights"))
    for error in (CycleNotReady("not there"), RuntimeError("a defect")):
        monkeypatch.setattr(scheduling.truth_from_analyses, "nightly", run_that(error))

        scheduling.verify_past_days(world, lambda: NOW)

    assert "outcomes of past days are not kept: not there" in caplog.text
    assert "outcomes of past days are not kept: a defect" in caplog.text
    assert "the models in force are not monitored: disk full" in caplog.text
    assert done == ["verified", "weights"] * 2  # one part that fails costs no other


def test_what_stations_drop_is_taken_in_and_put_on_every_page_between_issues(
    world: pipeline.World, tmp_path: Path
) -> None:
    settings = with_stations(world.config)
    dropped = settings.observations.model_copy(update={"folder": tmp_path / "observations"})
    settings = settings.model_copy(update={"observations": dropped})
    intake = Intake(dropped, world.archive, settings.zone, settle=0)
    watching = replace(world, config=settings, publisher=Publisher(settings), intake=intake)
    dropped.folder.mkdir()
    (dropped.folder / "ions.csv").write_text(
        "station,time,negative_oxygen_ions\nION01,2026-11-22T16:00:00+08:00,1830\n",
        encoding="utf-8",
    )

    scheduler = scheduler_of(watching)
    job = scheduler.get_job("observe")
    job.func(*job.args)

    content = json.loads((settings.output.folder / "live.json").read_text(encoding="utf-8"))
    ions = next(tile for tile in content["tiles"] if tile["station"] == "ION01")
    assert (ions["observed_at"], ions["readings"][0]["value"]) == ("2026-11-22T08:00:00Z", 1.83e9)


def test_a_broken_archive_does_not_stop_the_clock(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> object:
        raise ArchiveError("disk full")

    done: list[str] = []
    monkeypatch.setattr(
        scheduling, "publish_current_observations", lambda *_: done.append("current")
    )

    scheduling.observe(replace(world, intake=SimpleNamespace(observe=broken)), lambda: NOW)

    assert "observations are not read: disk full" in caplog.text
    assert done == ["current"]  # those received before are still put on the pages


def test_what_was_dropped_before_the_start_is_taken_in_before_the_first_issue(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def take_in(_: datetime, ask: bool) -> object:
        done.append("observe, and ask" if ask else "observe")
        return SimpleNamespace(files=0)

    def issue(*_: object, **__: object) -> object:
        done.append("issue")
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(pipeline, "run", issue)
    monkeypatch.setattr(
        scheduling, "publish_current_observations", lambda *_: done.append("current")
    )
    job = scheduler_of(replace(world, intake=SimpleNamespace(observe=take_in))).get_job("hours")

    job.func(*job.args)

    assert done == ["observe", "current", "issue"]


def test_retention_runs_every_day_and_a_backup_where_a_folder_is_named(
    world: pipeline.World, tmp_path: Path
) -> None:
    without = {job.id for job in scheduler_of(world).get_jobs()}
    backup = world.config.backup.model_copy(update={"folder": tmp_path / "backups"})
    archive = world.config.archive.model_copy(
        update={"url": f"sqlite:///{tmp_path / 'archive.db'}"}
    )
    models = world.config.learning.model_copy(update={"folder": tmp_path / "models"})
    named = replace(world, config=world.config.model_copy(
        update={"backup": backup, "archive": archive, "learning": models}))  # fmt: skip
    jobs = {job.id: job for job in scheduler_of(named).get_jobs()}

    # 02:40 in Beijing is 18:40 UTC
    assert ("retain" in without, "backup" in without) == (True, False)
    at = datetime(2026, 11, 22, 18, 40, tzinfo=UTC)
    assert jobs["backup"].trigger.get_next_fire_time(None, NOW) == at
    jobs["retain"].func()
    jobs["backup"].func()
    (made,) = (tmp_path / "backups").glob("skyscape-*")
    assert (made / "manifest.json").is_file()
