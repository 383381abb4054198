"""Restore a backup into the places that the settings name; nothing living is overwritten."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from forecast import VERSION
from forecast.archive import copies
from forecast.archive.issues import Archive
from forecast.archive.rebuilding import UNFINISHED, adopt
from forecast.archive.schema import SCHEMA
from forecast.config import Config, masked
from forecast.errors import ArchiveError, ConfigError, FileUnreadable
from forecast.files import make_private, rename, sha256_of, sync, write_whole
from forecast.service.backup_record import MANIFEST, backups
from forecast.service.backups import BESIDE, KIND, WITHDRAWN
from forecast.service.heartbeat import last_beat
from forecast.service.single import hold
from forecast.service.web.photos import folder_of
from products.manifest import ISSUE_NAME
from products.packing import SUFFIX
from products.publish import Publisher

NAMED = 5  # faults that a message names


@dataclass(frozen=True, slots=True)
class RestoreSummary:
    """What was restored. replaced: where the old archive and models lie now. adopted: issues that
    were released after the backup.
    """

    backup: Path
    last_issue: str
    replaced: tuple[Path, ...]
    adopted: int

    @property
    def lines(self) -> tuple[str, ...]:
        """For the command."""
        return (
            f"restored {self.backup}; the last issue of the archive is {self.last_issue or 'none'}",
            *(f"kept as it was: {path}" for path in self.replaced),
            *(
                [f"{self.adopted} issues released after the backup: their numbers are not used "
                 "again, their forecasts are not known"]
                if self.adopted else []
            ),
        )  # fmt: skip


def verified(folder: Path) -> tuple[Path, Mapping[str, Any]]:
    """Return a backup (of a folder of backups the newest) and its manifest, each file checked.

    Raises: FileUnreadable, which names what is wrong.
    """
    if not (folder / MANIFEST).is_file():
        found = backups(folder)
        if not found:
            raise FileUnreadable(
                f"{folder}: no backup, and none lies in it: expected a folder that `skyscape "
                f"backup` made, with {MANIFEST}"
            )
        folder = found[-1]
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = {str(name): each for name, each in manifest["files"].items()}
        kind, schema = manifest["kind"], int(manifest["schema"])
        expected = {name: (int(each["size"]), str(each["sha256"])) for name, each in files.items()}
        database = str(manifest["database"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileUnreadable(
            f"{folder / MANIFEST}: damaged ({error}); use another backup"
        ) from error
    if kind != KIND or schema > SCHEMA:
        raise FileUnreadable(
            f"{folder}: a backup of kind {kind}, schema {schema}; this program reads {KIND}, "
            f"schema {SCHEMA}: use the program that made it, of version {manifest.get('version')}"
        )
    faults = _faults(folder, expected)
    if database not in expected:
        faults.append(f"{database or 'the database'}: not named in the manifest")
    if faults:
        more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        raise FileUnreadable(
            f"{folder}: damaged, nothing is restored: {'; '.join(faults[:NAMED])}{more}; use "
            "another backup"
        )
    return folder, manifest


def _faults(folder: Path, expected: Mapping[str, tuple[int, str]]) -> list[str]:
    faults = []
    for name, (size, digest) in expected.items():
        path = folder / name
        try:
            if ".." in Path(name).parts or Path(name).is_absolute():
                faults.append(f"{name}: lies outside the backup")
            elif path.stat().st_size != size:
                faults.append(f"{name}: has {path.stat().st_size} bytes, expected {size}")
            elif sha256_of(path) != digest:
                faults.append(f"{name}: its content is another (SHA-256)")
        except OSError as error:
            faults.append(f"{name}: {error.strerror}")
    return faults


def restore(config: Config, folder: Path, now: datetime, replace: bool = False) -> RestoreSummary:
    """Restore a backup; with `replace` also over an archive that is not empty.

    The archive and the models that were there are renamed, and issues that were released after the
    backup stay. Until all is restored a mark stands in the private folder, with which no command
    opens the archive; after a kill the same restore goes on.
    Raises: FileUnreadable for a damaged backup, ConfigError while the service runs or without
    `replace`, ArchiveError, PublishError while an issue is published.
    """
    backup, manifest = verified(folder)
    _refuse_while_running(config, now)
    publisher = Publisher(config)
    with ExitStack() as held:
        held.enter_context(hold(config.output.folder, now, VERSION))  # no service starts meanwhile
        held.enter_context(publisher.exclusive())
        mark = config.private_folder / UNFINISHED
        if not replace and not mark.exists() and _in_use(config):
            raise ConfigError(
                f"archive {masked(config.archive.url)}: it is not empty; with --replace "
                "it is renamed (SQLite) or emptied (PostgreSQL) and the backup takes its place"
            )
        try:
            make_private(mark.parent, folder=True)
            write_whole(mark, str(backup.absolute()))
            replaced = [
                copies.restore_database(backup / str(manifest["database"]), config.archive.url),
                _restore_models(backup / "models", config.learning.folder),
            ]
            _copy_missing(backup / "photos", folder_of(config), manifest)
            _restore_releases(backup, publisher, manifest)
        except OSError as error:
            raise ArchiveError(
                f"{error.filename}: not restored ({error.strerror or error}); make room or let it "
                "be written, and run the same again"
            ) from error
        archive = Archive(config.archive.url)  # brings an older schema forward
        adopted = len(adopt(archive, publisher.released()))
        mark.unlink()
        sync(mark.parent)
    last = next(iter(archive.issues(1)), None)
    kept = tuple(path for path in replaced if path is not None)
    return RestoreSummary(backup, last.id if last else "", kept, adopted)


def _in_use(config: Config) -> bool:
    """Return whether the archive holds anything; one that is damaged counts as in use."""
    try:
        return copies.holds_anything(config.archive.url)
    except ArchiveError:
        return True


def _refuse_while_running(config: Config, now: datetime) -> None:
    beat = last_beat(config.private_folder)
    if beat is not None and not beat.silent(now) and Path(f"/proc/{beat.process}").exists():
        raise ConfigError(
            f"the service runs (process {beat.process}): stop it first, then restore, then start it"
        )


def _restore_models(source: Path, target: Path) -> Path | None:
    """Put the models of a backup in place; return where those that were there lie now."""
    if not source.is_dir():
        return None
    fresh = target.with_name(f".{target.name}.restored")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh)
    number = 1
    while (replaced := target.with_name(f"{target.name}.replaced-{number}")).exists():
        number += 1
    there = target.exists() and any(target.iterdir())
    if there:
        os.replace(target, replaced)
    rename(fresh, target)  # in the place of an empty folder, or of none
    return replaced if there else None


def _copy_missing(source: Path, target: Path, manifest: Mapping[str, Any]) -> None:
    """Copy the files that are not there yet, each under its name once it is whole."""
    for name in manifest["files"]:
        path = Path(name)
        if path.parts[0] != source.name:
            continue
        place = target.joinpath(*path.parts[1:])
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f".{place.name}.tmp")
            shutil.copyfile(source.parent / name, part)
            rename(part, place)


def _copy_public(source: Path, target: Path) -> None:
    """Copy a folder with the modes of new files: those of a backup are private, pages are not."""
    target.mkdir()
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir()
        else:
            shutil.copyfile(path, place)


def _restore_releases(backup: Path, publisher: Publisher, manifest: Mapping[str, Any]) -> None:
    """Copy the releases that are not there, and point the link where it points nowhere."""
    source = backup / "site"
    for path in sorted((source / "archive").iterdir()) if (source / "archive").is_dir() else ():
        target = publisher.releases / path.name
        known = ISSUE_NAME.match(path.name.removeprefix(WITHDRAWN).removesuffix(SUFFIX))
        if not known or target.exists():
            continue
        if path.is_dir():
            fresh = publisher.releases / f".new-{path.name}"
            shutil.rmtree(fresh, ignore_errors=True)
            _copy_public(path, fresh)
            rename(fresh, target)
        else:
            write_whole(target, path.read_bytes())
    for name in BESIDE:
        if (source / name).is_file() and not (publisher.folder / name).exists():
            shutil.copyfile(source / name, publisher.folder / name)
    current = str(manifest.get("current", ""))
    if current and not publisher.link.exists():
        publisher.link.unlink(missing_ok=True)
        publisher.link.symlink_to(current)
        sync(publisher.folder)
