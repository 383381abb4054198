"""Does the scheduler issue at its hours, wait for a late run, and outlive every error?"""

from __future__ import annotations

import json
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
from forecast.errors import ArchiveError, CycleNotReady, SourceCorrupt
from forecast.issue.report import IssueReport
from forecast.observations.intake import Intake
from forecast.service import scheduler as scheduling
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
        update={"output": config.output.model_copy(update={"folder": tmp_path / "site"})}
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


def test_bulletins_are_issued_at_the_local_hours_of_the_settings(world: pipeline.World) -> None:
    scheduler = scheduler_of(world)

    jobs = {job.id: job.trigger for job in scheduler.get_jobs()}

    # 06:40 and 16:10 in Beijing are 22:40 and 08:10 UTC.
    assert {name for name in jobs if name.startswith("issue")} == {
        "issue-0420",
        "issue-0640",
        "issue-1610",
        "issue-at-start",
    }
    assert jobs["issue-1610"].get_next_fire_time(None, NOW - timedelta(minutes=1)) == NOW
    assert jobs["issue-0640"].get_next_fire_time(None, NOW) == datetime(
        2026, 11, 22, 22, 40, tzinfo=UTC
    )


def test_a_late_run_is_looked_for_again_until_it_is_too_late(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pipeline, "run", run_that(CycleNotReady("not there yet")))
    scheduler = scheduler_of(world)

    scheduling.issue(world, scheduler, lambda: NOW)
    again = next(job for job in scheduler.get_jobs() if job.id == "issue-again")
    assert again.trigger.run_date == NOW + timedelta(minutes=10)
    assert again.args[3] == NOW + timedelta(minutes=120)

    scheduler.remove_job("issue-again")
    scheduling.issue(world, scheduler, lambda: NOW, NOW + timedelta(minutes=5))
    assert "issue-again" not in {job.id for job in scheduler.get_jobs()}
    assert "given up until the next hour of issue" in caplog.text


def test_a_defect_is_kept_and_does_not_end_the_process(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "run", run_that(ZeroDivisionError("a defect of ours")))

    assert scheduling.attempt(world, NOW) == 1

    (kept,) = world.archive.attempts()
    assert (kept.exit_code, kept.at) == (1, NOW)
    assert "a defect of ours" in kept.detail


def test_an_issue_is_remembered_with_its_channels(
    world: pipeline.World, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = (
        Receipt("web", ISSUE.id, "published"),
        Receipt("wechat", ISSUE.id, "failed", "too long"),
    )
    monkeypatch.setattr(pipeline, "run", run_that(IssueReport(ISSUE, receipts, 141, 100, (), {})))

    assert scheduling.attempt(world, NOW) == 6

    assert (
        world.archive.attempts()[0].detail
        == "gfs-2026112200: 141 forecasts; web published, wechat failed"
    )


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
    def broken(_: datetime) -> object:
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

    def take_in(_: datetime) -> object:
        done.append("observe")
        return SimpleNamespace(files=0)

    def issue(*_: object, **__: object) -> object:
        done.append("issue")
        raise ZeroDivisionError("a defect of ours")

    monkeypatch.setattr(pipeline, "run", issue)
    monkeypatch.setattr(
        scheduling, "publish_current_observations", lambda *_: done.append("current")
    )
    job = scheduler_of(replace(world, intake=SimpleNamespace(observe=take_in))).get_job(
        "issue-at-start"
    )  # type: ignore[arg-type]

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
