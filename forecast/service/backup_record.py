"""What is known of the daily backups: a small file beside the archive, `backup.last.json`.

The alert, `status` and `/metrics` go by it, not by the folder of the backups: so they answer after
a restart, and where the disk with the backups is away or hangs. A backup by hand counts too.
"""

from __future__ import annotations

import json
import logging
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.domain import as_utc
from forecast.files import try_folder, write_whole

log = logging.getLogger(__name__)

FILE = "backup.last.json"
MANIFEST = "manifest.json"
NAME = re.compile(r"skyscape-(\d{8}T\d{6})Z")
LATE = timedelta(hours=26)  # a daily backup is older than this only where one was not made


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """What is known of the backups in a folder.

    since: when the service first ran with it. made: when the newest whole backup was; None: none is
    known. failed: when the daily one failed since, and its reason. at_start: what failed was only
    the trial, at the start of the service, whether the folder can be written.
    """

    folder: Path
    since: datetime
    made: datetime | None = None
    failed: datetime | None = None
    reason: str = ""
    at_start: bool = False

    def missing_since(self, now: datetime) -> datetime | None:
        """Return since when the backup of the day is missing; None where it is not."""
        if self.failed is not None:
            return self.failed
        last = self.made or self.since
        return last if now - last > LATE else None


def backups(folder: Path) -> list[Path]:
    """Return the whole backups below a folder, the oldest first."""
    found = (path for path in folder.glob("skyscape-*") if NAME.fullmatch(path.name))
    return sorted(path for path in found if (path / MANIFEST).is_file())


def newest(folder: Path) -> datetime | None:
    """Return when the newest whole backup below a folder was made; None where there is none."""
    for path in reversed(backups(folder)):
        if named := NAME.fullmatch(path.name):
            return datetime.strptime(named.group(1), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return None


def read_record(config: Config) -> BackupRecord | None:
    """Return what is known of the folder of the settings; None where nothing is."""
    folder = _folder(config)
    if folder is None:
        return None
    try:
        plain: Any = json.loads((config.private_folder / FILE).read_bytes())
        record = BackupRecord(
            Path(plain["folder"]),
            as_utc(datetime.fromisoformat(plain["since"])),
            _moment(plain["made"]),
            _moment(plain["failed"]),
            str(plain["reason"]),
            bool(plain["at_start"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if record.folder == folder else None


def begin(config: Config, now: datetime) -> None:
    """Note, at the start, since when daily backups are due, and whether the folder can be written.

    Never raises for a folder or a disk.
    """
    folder = _folder(config)
    if folder is None:
        return
    record = read_record(config)
    if record is None:
        record = BackupRecord(folder, as_utc(now))
        _keep(config, record)  # before the other disk, which may hang, is looked at
        record = replace(record, made=newest(folder))
    try:
        try_folder(folder)
    except OSError as error:
        reason = f"{folder}: cannot be written ({error.strerror or error})"
        log.error("no backup can be made: %s", reason)
        if record.failed is None:
            record = replace(record, failed=as_utc(now), reason=reason, at_start=True)
    else:
        if record.at_start:
            record = replace(record, failed=None, reason="", at_start=False)
    _keep(config, record)


def note_made(config: Config, folder: Path, now: datetime) -> None:
    """Note that a whole backup was made; one outside the folder of the settings does not count."""
    if folder.absolute() == _folder(config):
        record = read_record(config) or BackupRecord(folder.absolute(), as_utc(now))
        _keep(config, BackupRecord(record.folder, record.since, as_utc(now)))


def note_failed(config: Config, now: datetime, reason: str) -> None:
    """Note that the daily backup failed, and why."""
    folder = _folder(config)
    if folder is not None:
        record = read_record(config) or BackupRecord(folder, as_utc(now))
        _keep(config, replace(record, failed=as_utc(now), reason=reason, at_start=False))


def _folder(config: Config) -> Path | None:
    return None if config.backup.folder is None else config.backup.folder.absolute()


def _keep(config: Config, record: BackupRecord) -> None:
    """Write what is known; a disk that takes nothing costs the note only, and is logged."""
    content = {
        "folder": str(record.folder), "since": record.since.isoformat(timespec="seconds"),
        "made": _text(record.made), "failed": _text(record.failed), "reason": record.reason,
        "at_start": record.at_start,
    }  # fmt: skip
    path = config.private_folder / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, ensure_ascii=False))
        _give_to_owner(path)
    except OSError as error:
        log.error("%s: not written: %s", path, error)


def _give_to_owner(path: Path) -> None:
    """Give a file that root wrote to the owner of its folder, who must read it."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else as_utc(datetime.fromisoformat(text))


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
