"""The facts from which alerts follow, gathered at one moment.

What cannot be read is None or named: a condition on it is then unknown, neither true nor over.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.archive.database import ADVICE, file_of
from forecast.archive.drafts import Drafts
from forecast.archive.file_header import damage_of
from forecast.archive.intake_report import IntakeCounts
from forecast.archive.issued import last_contributions
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.archive.rebuilding import holds_issues, last_entered, older_copy, refuse_lost
from forecast.config import Config, masked, push_tokens
from forecast.errors import ArchiveError, ConfigError
from forecast.review import Draft
from forecast.service import last_settings
from forecast.service.backup_record import BackupRecord, read_record
from forecast.service.last_settings import SettingsRefusal
from forecast.service.state import ServiceState, read_service_state
from products import manifest

RUN_FOLDER = re.compile(r"\d{10}")
LOOK_BACK = timedelta(days=14)  # at what senders pushed and models gave


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """What is free on the disk of a folder [byte]."""

    folder: Path
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class ArchiveFacts:
    """What the archive says.

    reports: the newest report of each station. senders: when each sender pushed last, and when
    something good. contributions: when each further model last had a part in an issue. drafts:
    those that may still go out.
    """

    reports: Mapping[str, datetime]
    senders: Mapping[str, tuple[datetime, datetime | None]]
    contributions: Mapping[str, datetime]
    drafts: tuple[Draft, ...]
    lacks: str = ""  # the issue that readers see, where the archive does not know it


@dataclass(frozen=True, slots=True)
class LearningFacts:
    """What the nightly monitor found (kind, phenomenon), and why trained models are refused."""

    shifts: tuple[tuple[str, str], ...]
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts at `now`.

    archive, learning: None where nobody looked, or nothing could be read; archive_error: why.
    entered: when, and up to which issue, what an older archive lacked was entered of late.
    added_runs: the newest run at hand of each model that only adds fields; None: none.
    archive_bytes: size of the archive; None: not known. sizes: the same by day (ISO) before.
    backup: what is known of the daily backups; None: nothing. refusal: why the settings file cannot
    be used; None: it can, or nobody tried.
    """

    config: Config
    now: datetime
    service: ServiceState
    disks: tuple[DiskSpace, ...] = ()
    archive: ArchiveFacts | None = None
    archive_error: str = ""
    entered: tuple[datetime, str] | None = None
    learning: LearningFacts | None = None
    added_runs: Mapping[str, datetime | None] | None = None
    archive_bytes: int | None = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    backup: BackupRecord | None = None
    refusal: SettingsRefusal | None = None


def small_facts(config: Config, now: datetime) -> Facts:
    """Return the facts that need neither the archive nor a network: those of the watchdog.

    Whether the file of the archive is there, and whole by its first bytes, is one of them.
    """
    service = read_service_state(config)
    error = archive_fault(config, service)
    return Facts(
        config,
        now,
        service,
        disks(config),
        archive_error=error,
        backup=read_record(config),
        refusal=last_settings.refused(config.private_folder),
        entered=last_entered(config.private_folder, now),
    )


def archive_fault(config: Config, service: ServiceState) -> str:
    """Return what is wrong with the file of the archive, which is not opened; "": nothing shows."""
    url = config.archive.url
    try:
        refuse_lost(url, int(service.issue is not None))
        path = file_of(url)
    except ArchiveError as lost:
        return str(lost)
    damage = damage_of(path) if path is not None else ""
    return f"archive {masked(url)}: {damage}; {ADVICE}" if damage else ""


def disks(config: Config) -> tuple[DiskSpace, ...]:
    """Return the space on the disks of output, the archive and model runs, each disk once."""
    found: dict[int, DiskSpace] = {}
    for folder in (config.output.folder, config.private_folder, config.source.cycles):
        try:
            there = next(path for path in (folder, *folder.parents) if path.exists())
            usage = shutil.disk_usage(there)
            found.setdefault(there.stat().st_dev, DiskSpace(folder, usage.free, usage.total))
        except (OSError, StopIteration):
            continue
    return tuple(found.values())


def archive_bytes(archive: Archive) -> int | None:
    """Return the size [byte] of the archive; None where it has none, or cannot be asked."""
    try:
        return archive.size()
    except ArchiveError:
        return None


def archive_facts(archive: Archive, config: Config, now: datetime) -> ArchiveFacts:
    """Return what the archive says at `now`; it is always asked. Raises: ArchiveError."""
    holds_issues(archive)
    try:
        senders = {f"push {name}": name for name in push_tokens()} if _pushes(config) else {}
    except ConfigError:  # said when the service starts
        senders = {}
    since = now - LOOK_BACK
    pushed = IntakeCounts(archive).last_of_senders(list(senders), since) if senders else {}
    last = Observations(archive).last_times(since) if config.observations.stations else {}
    reviewed = config.issue.review != "off"
    in_force = manifest.files_of(config.output.folder / "current")[0]
    return ArchiveFacts(
        last,
        {senders[name]: times for name, times in pushed.items()},
        last_contributions(archive, config.sites[0].id, since) if config.models else {},
        Drafts(archive).open_ones(now) if reviewed else (),
        in_force if older_copy(archive, in_force) else "",
    )


def _pushes(config: Config) -> bool:
    return config.observations.push is not None


def reason_of(archive: Archive, config: Config, now: datetime) -> tuple[ArchiveFacts | None, str]:
    """Return what the archive says, or why it says nothing."""
    try:
        return archive_facts(archive, config, now), ""
    except ArchiveError as error:
        return None, str(error)


def added_runs(config: Config) -> dict[str, datetime | None]:
    """Return the newest run at hand of each model that only adds fields (aerosol), by folder."""
    found: dict[str, datetime | None] = {}
    for model in config.models:
        if model.enabled and model.adds and model.layout != "folder":
            found[model.id] = _newest_run(config.source.cycles / model.id)
    return found


def _newest_run(folder: Path) -> datetime | None:
    try:
        names = [path.name for path in folder.iterdir() if RUN_FOLDER.fullmatch(path.name)]
        return datetime.strptime(max(names), "%Y%m%d%H").replace(tzinfo=UTC)
    except (OSError, ValueError):
        return None
