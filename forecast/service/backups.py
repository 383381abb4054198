"""Backups of everything that cannot be made again, each a folder of its own.

    <folder>/skyscape-20261130T184000Z/
        manifest.json            what it is, and size and SHA-256 of every file
        archive.db               or archive.dump of PostgreSQL
        models/  photos/         the trained models; photos of reports
        site/archive/<issue>/    the releases, as hard links where that is possible; site/current
        settings/                the settings file, and the settings as understood

It is written under a temporary name and renamed, so that a process killed at any moment leaves no
backup that is not whole. Only its owner may enter the folder: the archive holds the accounts.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from forecast import VERSION
from forecast.archive import copies
from forecast.archive.rebuilding import read_known
from forecast.archive.schema import SCHEMA
from forecast.config import Config
from forecast.domain import as_utc
from forecast.errors import ArchiveError, ConfigError, SkyscapeError
from forecast.files import lock, rename, sha256_of, sync, write_whole
from forecast.pipeline import World
from forecast.service.backup_record import MANIFEST, backups, note_failed, note_made
from forecast.service.web.photos import folder_of
from products.publish import Publisher

log = logging.getLogger(__name__)

KIND = "skyscape.backup/1"
MAKING = ".making-"
WAIT = 300.0  # [s] for an issue that is being published
CHUNK = 1 << 20  # [byte]
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # errors of a file that is written
# Files beside the releases that belong to them; the lock belongs to the process.
BESIDE = ("live.json", "releases.json")
WITHDRAWN = ".withdrawn-"  # begins the name of pages in force that say so


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """A backup that was made: its folder, files and size [byte], and older ones removed."""

    folder: Path
    files: int
    size: int
    removed: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """For the log and the command."""
        gone = f"; removed {', '.join(self.removed)}" if self.removed else ""
        return f"{self.folder}: {self.files} files, {self.size / 1e6:.1f} MB{gone}"


def job(world: World, now: datetime) -> None:
    """Make the daily backup, where the settings name a folder; note its failure. Never raises."""
    config = world.config
    if config.backup.folder is None:
        return
    try:
        log.info("backup %s", back_up(config, now).line)
    except (SkyscapeError, OSError) as error:
        log.error("no backup is made: %s", error)
        note_failed(config, now, str(error))
    except Exception as error:  # the process must outlive a defect
        log.exception("no backup is made: a defect: please report it")
        note_failed(config, now, f"{type(error).__name__}: {error}")


def back_up(config: Config, now: datetime, folder: Path | None = None) -> BackupSummary:
    """Make a backup below a folder (default: that of the settings), while the service runs.

    Then the oldest beyond `backup.keep` are removed. Raises: ConfigError, ArchiveError,
    PublishError where an issue is being published for minutes.
    """
    folder = _folder_for(config, folder)
    # the backup of a lost archive would push out a good one
    if released := Publisher(config).release_count():
        read_known(config.archive.url, released)
    name = f"skyscape-{as_utc(now):%Y%m%dT%H%M%SZ}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _only_one(folder):
            for left in folder.glob(f"{MAKING}*"):
                shutil.rmtree(left)
            if (folder / name).exists():
                raise ArchiveError(f"{folder / name}: there is a backup of this second already")
            fresh = folder / f"{MAKING}{name}"
            try:
                files = _filled(config, now, fresh)
                rename(fresh, folder / name)
            except BaseException:
                shutil.rmtree(fresh, ignore_errors=True)  # else it takes room until the next backup
                raise
            removed = _pruned(folder, config.backup.keep)
    except OSError as error:
        raise ArchiveError(
            f"{_place_of(error, folder)}: no backup is made ({error.strerror or error}); make "
            "room, or let the folder be written"
        ) from error
    note_made(config, folder, now)
    size = sum(int(each["size"]) for each in files.values())
    return BackupSummary(folder / name, len(files), size, removed)


def _filled(config: Config, now: datetime, fresh: Path) -> dict[str, dict[str, Any]]:
    """Make a folder and everything of a backup in it; return its files as in the manifest."""
    fresh.mkdir(mode=0o700)
    previous = next(iter(reversed(backups(fresh.parent))), None)
    _copy_releases(config, fresh, previous)
    # the archive last: one newer than its releases makes them good, never the reverse
    database = copies.copy_database(config.archive.url, fresh)
    _copy_folder(config.learning.folder, fresh / "models", previous, "models")
    _copy_folder(folder_of(config), fresh / "photos", previous, "photos")
    _copy_settings(config, fresh / "settings")
    files = _described(fresh)
    _write_manifest(fresh, now, database.name, files)
    return files


def _place_of(error: OSError, folder: Path) -> str:
    """Return what an error is about: a file, or the folder of backups where its disk is full.

    An error of copying names the file that is read first, and the one that is written second.
    """
    full = error.errno in FULL
    named = (error.filename2 if full else None) or error.filename or folder
    path = Path(os.fsdecode(named))
    return str(folder if full and folder in path.parents else path)


def _folder_for(config: Config, folder: Path | None) -> Path:
    found = folder or config.backup.folder
    if found is None:
        raise ConfigError(
            "no folder for the backup: name one (`skyscape backup FOLDER`), or set backup.folder"
        )
    found = found.absolute()
    served = config.output.folder.absolute()
    if found == served or served in found.parents:
        raise ConfigError(
            f"{found}: lies in output.folder, which readers see, and a backup holds the accounts: "
            "name a folder elsewhere, best on another disk"
        )
    return found


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as file:
        if not lock(file):
            raise ArchiveError(f"{folder}: another backup is being made; wait for it")
        yield


def _copy_releases(config: Config, fresh: Path, previous: Path | None) -> None:
    """Copy the releases, the link to the one in force and what lies beside, of one moment."""
    publisher, site = Publisher(config), fresh / "site"
    with publisher.exclusive(WAIT):
        _copy_folder(publisher.releases, site / "archive", previous, "site/archive")
        site.mkdir(exist_ok=True)
        if publisher.link.is_symlink():
            (site / "current").symlink_to(os.readlink(publisher.link))
        for name in BESIDE:
            if (config.output.folder / name).is_file():
                shutil.copy2(config.output.folder / name, site / name)


def _copy_folder(source: Path, target: Path, previous: Path | None, within: str) -> None:
    """Copy a folder's files: as hard links to them, to the same files of the backup before, or as
    new files. A file is never changed in place, so a link keeps what it was. Hidden ones stay out.
    """
    for above, folders, names in os.walk(source):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") or name.startswith(WITHDRAWN)
        )
        inside = Path(above).relative_to(source)
        (target / inside).mkdir(parents=True, exist_ok=True, mode=0o700)
        for name in sorted(names):
            path = Path(above, name)
            if name.startswith(".") or path.is_symlink():
                continue
            before = previous / within / inside / name if previous else None
            _copy_file(path, target / inside / name, before)


def _copy_file(source: Path, target: Path, before: Path | None) -> None:
    try:
        os.link(source, target)
        return
    except OSError:  # another disk
        pass
    if before is not None and _same(source, before):
        try:
            os.link(before, target)
            return
        except OSError:
            pass
    shutil.copy2(source, target)
    target.chmod(0o600)
    sync(target)


def _same(one: Path, other: Path) -> bool:
    """Return whether two files have the same size and date."""
    try:
        found, kept = one.stat(), other.stat()
    except OSError:
        return False
    return (found.st_size, found.st_mtime_ns) == (kept.st_size, kept.st_mtime_ns)


def _copy_settings(config: Config, target: Path) -> None:
    target.mkdir(mode=0o700)
    if config.file is not None and config.file.is_file():
        write_whole(target / "config.yaml", config.file.read_bytes(), private=True)
    shown = json.dumps(config.shown(), ensure_ascii=False, indent=1)  # no password
    write_whole(target / "understood.json", shown, private=True)


def _described(fresh: Path) -> dict[str, dict[str, Any]]:
    """Return path -> size and SHA-256 of every file, by path."""
    return {
        path.relative_to(fresh).as_posix(): {"size": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(fresh.rglob("*"))
        if path.is_file() and not path.relative_to(fresh).as_posix().startswith("site/current")
    }


def _write_manifest(
    fresh: Path, now: datetime, database: str, files: Mapping[str, Mapping[str, Any]]
) -> None:
    link = fresh / "site" / "current"
    content = {
        "kind": KIND,
        "made": as_utc(now).isoformat(timespec="seconds"),
        "version": VERSION,
        "schema": SCHEMA,
        "database": database,
        "current": os.readlink(link) if link.is_symlink() else "",
        "files": files,
    }
    write_whole(fresh / MANIFEST, json.dumps(content, indent=1), private=True)
    for path in sorted((each for each in fresh.rglob("*") if each.is_dir()), reverse=True):
        sync(path)


def _pruned(folder: Path, keep: int) -> tuple[str, ...]:
    """Remove the oldest backups beyond `keep`; return their names."""
    old = backups(folder)[:-keep]
    for path in old:
        gone = path.with_name(f"{MAKING}{path.name}")  # never half a backup under its name
        path.replace(gone)
        shutil.rmtree(gone)
    return tuple(path.name for path in old)
