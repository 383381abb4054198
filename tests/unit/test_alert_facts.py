"""Are the facts of alerts read from the archive as it is, and does the job outlive its failure?"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast.archive.intake_report import IntakeCounts
from forecast.archive.issued import last_contributions
from forecast.archive.issues import Archive
from forecast.archive.observations import FileRead, Observations, Reading
from forecast.config import Config
from forecast.domain import Observation
from forecast.errors import ArchiveError
from forecast.learning import monitor
from forecast.service import scheduler as scheduling
from forecast.service.alerting import facts, job
from forecast.service.alerting.job import AlertJob
from forecast.service.alerting.ledger import read_ledger
from models.drift import DriftFinding
from tests.past_issues import keep_issue
from tests.station_data import with_stations

NOW = datetime(2026, 11, 22, 8, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROW = {"site": "lingshan", "phenomenon": "sunset_glow", "day": date(2026, 11, 22),
       "probability": 0.5}  # fmt: skip


def report(station: str, at: datetime) -> Observation:
    return Observation(station, at, {"air_temperature": 270.0}, {}, "csv")


def test_the_archive_knows_when_each_model_station_and_sender_last_gave_something(
    archive: Archive,
) -> None:
    keep_issue(archive, NOW - 30 * HOUR, [ROW], model="ifs", name="old")
    keep_issue(archive, NOW - 6 * HOUR, [ROW], model="gfs", name="new")
    keep_issue(archive, NOW - 5 * HOUR, [ROW], model="aifs", name="draft", published=False)
    kept = Observations(archive)
    kept.keep([report("A1", NOW - 3 * HOUR), report("A1", NOW - HOUR)], NOW)
    kept.keep([report("A2", NOW - 900 * HOUR)], NOW)
    for number, (name, age, good) in enumerate(
        (("push a", 9, 1), ("push a", 2, 0), ("push b", 3, 5), ("push c", 900, 1), ("file", 1, 1))
    ):
        reading = Reading(str(number), name, "csv", NOW - age * HOUR, good, 1 - min(good, 1))
        kept.keep_pushed(FileRead(reading), [])
    since = NOW - timedelta(days=14)

    assert last_contributions(archive, "lingshan", since) == {
        "ifs": NOW - 30 * HOUR, "gfs": NOW - 6 * HOUR,
    }  # fmt: skip
    assert last_contributions(archive, "elsewhere", since) == {}
    assert kept.last_times(since) == {"A1": NOW - HOUR}
    assert IntakeCounts(archive).last_of_senders(["push a", "push b", "push c"], since) == {
        "push a": (NOW - 2 * HOUR, NOW - 9 * HOUR),
        "push b": (NOW - 3 * HOUR, NOW - 3 * HOUR),
    }


def test_an_archive_that_fails_is_named_and_costs_no_other_fact(
    config: Config, tmp_path: Path
) -> None:
    class Broken:
        def transaction(self) -> Any:
            raise ArchiveError("database is locked")

    found, why = facts.reason_of(Broken(), with_stations(config), NOW)  # type: ignore[arg-type]

    assert (found, why) == (None, "database is locked")


def test_the_newest_run_of_a_model_that_only_adds_is_the_newest_folder(
    config: Config, tmp_path: Path
) -> None:
    source = config.source.model_copy(update={"cycles": tmp_path})
    settings = config.model_copy(update={"source": source})
    for name in ("2026112106", "2026112118", "other", "20261122"):
        (tmp_path / "gefs_aerosol" / name).mkdir(parents=True)

    assert facts.added_runs(settings) == {"gefs_aerosol": datetime(2026, 11, 21, 18, tzinfo=UTC)}
    assert facts.added_runs(config.model_copy(update={
        "source": source.model_copy(update={"cycles": tmp_path / "none"})
    })) == {"gefs_aerosol": None}  # fmt: skip


def test_the_archive_grows_by_what_is_kept_in_it(archive: Archive) -> None:
    """Of either database, what was written is part of the size."""
    empty = facts.archive_bytes(archive)
    assert empty is not None

    minutes = [NOW - timedelta(minutes=minute) for minute in range(3000)]
    Observations(archive).keep([report("A1", at) for at in minutes], NOW)

    grown = facts.archive_bytes(archive)
    assert grown is not None
    assert grown - empty > 100_000


def test_an_archive_in_memory_or_one_that_is_gone_has_no_size(tmp_path: Path) -> None:
    gone = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    (tmp_path / "archive.db").unlink()

    assert facts.archive_bytes(gone) is None
    assert facts.archive_bytes(Archive("sqlite://")) is None


@pytest.fixture
def world(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    url = f"sqlite:///{tmp_path / 'private' / 'archive.db'}"
    settings = config.model_copy(update={
        "archive": config.archive.model_copy(update={"url": url}),
        "output": config.output.model_copy(update={"folder": tmp_path / "site"}),
        "learning": config.learning.model_copy(update={"folder": tmp_path / "models"}),
    })  # fmt: skip
    refused = ("sunset_glow: another hash than its card's",)
    monkeypatch.setattr(job.train, "models_in_force", lambda _: SimpleNamespace(refused=refused))
    return SimpleNamespace(config=settings, archive=Archive(url))


def test_the_job_keeps_what_is_wrong_though_nobody_is_named_to_be_alerted(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monitor.keep(
        [DriftFinding("frequency", "sunset_glow", "", 0.2, 0.4, 60)], NOW,
        world.config.learning.folder,
    )  # fmt: skip
    looking = AlertJob(world, lambda: NOW)

    looking.look()
    looking.look()

    ledger = read_ledger(world.config.private_folder)
    assert ledger is not None
    assert {"nothing", "model_refused", "skill/sunset_glow"} <= ledger.alerts.keys()
    assert "scheduler" not in ledger.alerts, "it lives, whatever its heartbeat says"
    assert caplog.text.count("alert: model_refused: trained models refused: 1") == 1
    assert ledger.sizes.keys() == {"2026-11-22"}


def test_the_archive_is_asked_every_five_minutes_and_the_files_at_each_look(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, now = [], [NOW]
    monkeypatch.setattr(job, "reason_of", lambda *_: asked.append(now[0]) or (None, "locked"))
    looking = AlertJob(world, lambda: now[0])

    for minute in range(12):
        now[0] = NOW + timedelta(minutes=minute)
        looking.look()

    assert asked == [NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)]
    assert read_ledger(world.config.private_folder).alerts["archive"].reported == (  # type: ignore[union-attr]
        NOW + timedelta(minutes=3)
    )


def test_a_file_that_is_cut_off_under_the_service_is_seen_between_two_looks_into_it(
    world: Any, tmp_path: Path
) -> None:
    now = [NOW]
    looking = AlertJob(world, lambda: now[0])
    looking.look()
    path = tmp_path / "private" / "archive.db"
    os.truncate(path, 5000)

    for minute in (1, 4):
        now[0] = NOW + timedelta(minutes=minute)
        looking.look()

    alert = read_ledger(world.config.private_folder).alerts["archive"]  # type: ignore[union-attr]
    assert alert.reported == NOW + timedelta(minutes=4)
    assert "it is cut off" in alert.texts["en"]


def test_the_job_outlives_a_defect(
    world: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(*_: Any) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(job, "read_service_state", defect)

    AlertJob(world, lambda: NOW).look()

    assert "alerts: a defect: please report it" in caplog.text


def test_the_service_looks_every_minute(world: Any, config: Config) -> None:
    whole = replace(_world(world), config=world.config)

    jobs = {each.id: each for each in scheduling.build_scheduler(whole, lambda: NOW).get_jobs()}

    assert jobs["alerts"].trigger.interval == timedelta(minutes=1)
    assert jobs["alerts"].executor == "alerts"  # nothing that takes long keeps it waiting


def _world(of: Any) -> Any:
    from forecast import pipeline
    from models.prediction import open_models
    from products.publish import Publisher

    source: Any = None
    return pipeline.World(of.config, source, of.archive, open_models(), Publisher(of.config))


def test_alerts_make_no_new_issue_and_show_no_token(config: Config) -> None:
    first = config.alerts.first.model_copy(
        update={"webhook": ("https://town.example/hook?token=a-secret",)}
    )
    alerts = config.alerts.model_copy(update={"first": first, "late_minutes": 33})

    changed = config.model_copy(update={"alerts": alerts})

    assert changed.digest == config.digest
    assert changed.shown()["alerts"]["first"]["webhook"] == ["https://town.example/hook?***"]
