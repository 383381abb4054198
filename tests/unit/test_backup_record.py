"""Is a daily backup that is missing known after a restart, and with its disk away?"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast.archive.issues import Archive, Attempt
from forecast.commands import check, status
from forecast.config import Config
from forecast.errors import ArchiveError
from forecast.service import backups
from forecast.service.alerting import conditions
from forecast.service.alerting.facts import small_facts
from forecast.service.alerting.notices import texts_of
from forecast.service.backup_record import FILE, begin, newest, read_record
from tests.unit.test_settings_errors import SOUND, written

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def settings(config: Config, tmp_path: Path) -> Config:
    url = f"sqlite:///{tmp_path / 'private' / 'archive.db'}"
    Archive(url).keep_attempt(Attempt(NOW, None, 0, "kept"))
    return config.model_copy(update={
        "archive": config.archive.model_copy(update={"url": url}),
        "output": config.output.model_copy(update={"folder": tmp_path / "site"}),
        "learning": config.learning.model_copy(update={"folder": tmp_path / "models"}),
        "backup": config.backup.model_copy(update={"folder": tmp_path / "disk" / "backups"}),
    })  # fmt: skip


def found(settings: Config, now: datetime) -> list[conditions.Condition]:
    return list(conditions.backup(small_facts(settings, now)) or ())


def daily(settings: Config, now: datetime) -> None:
    world: Any = SimpleNamespace(config=settings)
    backups.job(world, now)


def test_a_failed_daily_backup_is_known_until_one_is_made(settings: Config, tmp_path: Path) -> None:
    daily(settings, NOW)
    assert found(settings, NOW + HOUR) == []
    made = tmp_path / "disk" / "backups"
    made.rename(tmp_path / "away")
    (tmp_path / "disk").rmdir()
    (tmp_path / "disk").write_text("a file: nothing can be made in it, by nobody")

    daily(settings, NOW + 24 * HOUR)

    (alert,) = found(settings, NOW + 25 * HOUR)
    assert (alert.kind, alert.level, alert.since) == ("backup", "warning", NOW + 24 * HOUR)
    text = texts_of(alert, settings)
    assert str(made) in text["en"]
    assert " 20:00; last record" in text["en"]  # in Beijing
    assert "Not a directory" in text["en"]
    assert str(made) in text["zh"]

    (tmp_path / "disk").unlink()
    backups.back_up(settings, NOW + 26 * HOUR)  # by hand
    assert found(settings, NOW + 27 * HOUR) == []


def test_a_backup_that_is_not_made_at_all_is_missing_after_26_hours(settings: Config) -> None:
    assert conditions.backup(small_facts(settings, NOW)) is None, "the service never ran with it"
    begin(settings, NOW)
    assert found(settings, NOW + 26 * HOUR) == []
    (alert,) = found(settings, NOW + 27 * HOUR)
    assert "last good backup: none" in texts_of(alert, settings)["en"]

    begin(settings, NOW + 27 * HOUR)  # a restart takes nothing of it away
    assert [each.since for each in found(settings, NOW + 28 * HOUR)] == [NOW]
    backups.back_up(settings, NOW + 28 * HOUR)
    assert found(settings, NOW + 54 * HOUR) == []
    assert [each.since for each in found(settings, NOW + 55 * HOUR)] == [NOW + 28 * HOUR]


def test_backups_that_were_there_before_are_known_at_the_first_start(settings: Config) -> None:
    backups.back_up(settings, NOW)
    (settings.private_folder / FILE).unlink()
    assert settings.backup.folder is not None
    assert newest(settings.backup.folder) == NOW

    begin(settings, NOW + 72 * HOUR)

    assert [each.since for each in found(settings, NOW + 72 * HOUR)] == [NOW]


def test_a_backup_elsewhere_is_none_in_the_folder_of_the_settings(
    settings: Config, tmp_path: Path
) -> None:
    begin(settings, NOW)
    backups.back_up(settings, NOW + 27 * HOUR, tmp_path / "elsewhere")

    assert len(found(settings, NOW + 27 * HOUR)) == 1


def test_another_folder_in_the_settings_begins_anew_and_none_has_no_alert(
    settings: Config, tmp_path: Path
) -> None:
    begin(settings, NOW)
    other = settings.backup.model_copy(update={"folder": tmp_path / "other"})
    moved = settings.model_copy(update={"backup": other})
    none = settings.backup.model_copy(update={"folder": None})

    assert read_record(moved) is None
    begin(moved, NOW + 48 * HOUR)
    assert found(moved, NOW + 48 * HOUR) == []
    assert found(settings.model_copy(update={"backup": none}), NOW + 48 * HOUR) == []


def test_a_folder_that_cannot_be_written_is_known_at_the_start_and_mended_at_the_next(
    settings: Config, tmp_path: Path
) -> None:
    (tmp_path / "disk").write_text("a file")
    begin(settings, NOW)

    (alert,) = found(settings, NOW)
    assert "cannot be written" in texts_of(alert, settings)["en"]

    (tmp_path / "disk").unlink()
    begin(settings, NOW + HOUR)
    assert found(settings, NOW + HOUR) == []
    assert not (tmp_path / "disk").exists(), "a trial leaves nothing"


def test_a_start_does_not_take_back_that_the_daily_backup_failed(
    settings: Config, tmp_path: Path
) -> None:
    (tmp_path / "disk").write_text("a file")
    daily(settings, NOW)
    (tmp_path / "disk").unlink()

    begin(settings, NOW + HOUR)

    assert [each.since for each in found(settings, NOW + HOUR)] == [NOW]


def test_a_defect_of_the_backup_is_noted_too(
    settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(backups, "back_up", defect)

    daily(settings, NOW)

    record = read_record(settings)
    assert record is not None
    assert (record.failed, record.reason) == (NOW, "ZeroDivisionError: ours")


def test_a_full_disk_of_backups_is_named_by_its_folder_and_nothing_is_left_on_it(
    settings: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As shutil says it: the error names the file that was read."""
    source = settings.learning.folder / "sunset_glow" / "card.json"
    source.parent.mkdir(parents=True)
    source.write_text("{}")
    folder = settings.backup.folder
    assert folder is not None
    code = errno.ENOSPC

    def fail(source: Path, target: Path, *_: object) -> None:
        assert list(folder.glob(".making-*"))
        raise OSError(code, os.strerror(code), str(source), None, str(target))

    monkeypatch.setattr(backups, "_copy_file", fail)
    daily(settings, NOW)

    record = read_record(settings)
    assert record is not None
    assert record.reason.startswith(f"{folder}: no backup is made (No space left on device)")
    assert not list(folder.glob(".making-*"))
    code = errno.EACCES  # of what is read
    with pytest.raises(ArchiveError, match=f"^{re.escape(str(source))}: no backup is made"):
        backups.back_up(settings, NOW)


def test_what_a_killed_backup_left_is_removed_by_the_next(settings: Config) -> None:
    folder = settings.backup.folder
    assert folder is not None
    (folder / ".making-skyscape-20261121T120000Z" / "models").mkdir(parents=True)

    backups.back_up(settings, NOW)

    assert [each.name for each in folder.glob("*skyscape-*")] == ["skyscape-20261122T120000Z"]


def test_status_says_when_the_last_good_backup_was_made_in_local_time(
    settings: Config, tmp_path: Path
) -> None:
    def line(of: Config) -> str:
        lines = status.lines(status.found(of, NOW + 2 * HOUR))
        return next(each for each in lines if each.startswith("backup "))

    assert line(settings) == f"backup     no good one yet, in {tmp_path}/disk/backups"
    daily(settings, NOW)
    good = "backup     last good one 2026-11-22T20:00:00+08:00"
    assert line(settings) == f"{good}, in {tmp_path}/disk/backups"

    (tmp_path / "disk").rename(tmp_path / "away")
    (tmp_path / "disk").write_text("a file")
    daily(settings, NOW + HOUR)
    assert line(settings).startswith(f"{good} (that of the day is missing), in {tmp_path}/disk")
    assert "; failed 2026-11-22T21:00:00+08:00: " in line(settings)
    none = settings.backup.model_copy(update={"folder": None})
    unset = settings.model_copy(update={"backup": none})
    assert line(unset) == "backup     none is made: backup.folder is not set"


def test_the_check_tries_the_folder_of_backups_also_offline(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")

    def grades(folder: Path) -> dict[str, str]:
        values = {**SOUND, "backup": {"folder": str(folder)}}
        found = check.findings(written(tmp_path, values), NOW, offline=True)
        return {each.subject: each.grade for each in found}

    assert grades(tmp_path / "disk")["backup.folder"] == "ok"
    assert grades(file / "backups")["backup.folder"] == "fault"
    assert "backup.folder" not in {
        each.subject for each in check.findings(written(tmp_path, SOUND), NOW, offline=True)
    }


def test_an_unknown_record_is_neither_missing_nor_over(config: Config, tmp_path: Path) -> None:
    folder = config.backup.model_copy(update={"folder": tmp_path})
    named = config.model_copy(update={"backup": folder})
    facts = replace(small_facts(named, NOW), backup=None)

    assert conditions.backup(facts) is None
