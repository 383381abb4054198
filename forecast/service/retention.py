"""The daily job that lets go of what is old, by the settings `keep`.

Each part is done apart: what fails costs no other part, and what is not done is done the next day.
Every step is short, so no issue and no push waits for it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.archive.observation_hours import ObservationHours
from forecast.archive.retention_rows import RetentionRows
from forecast.config import Config
from forecast.errors import SkyscapeError
from forecast.observations import hourly
from forecast.pipeline import World
from forecast.service.web.photos import folder_of
from products import packing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionSummary:
    """How much of each kind went, and what could not be done."""

    counts: Mapping[str, int]
    faults: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """For the log: the counts that are not zero."""
        found = [f"{count} {what}" for what, count in self.counts.items() if count]
        return ", ".join(found) or "nothing was old enough"


def job(world: World, now: datetime) -> None:
    """Let go of what is old, and log what went. Never raises an error of the service."""
    found = retain(world, now)
    for fault in found.faults:
        log.error("retention: %s", fault)
    log.info("retention: %s", found.line)


def retain(world: World, now: datetime) -> RetentionSummary:
    """Let go of what is old at `now`; doing it again changes nothing."""
    config, keep = world.config, world.config.keep
    rows = RetentionRows(world.archive)
    hours = ObservationHours(world.archive)

    def ago(days: float) -> datetime:
        return now - timedelta(days=days)

    def photos() -> int:
        rows.forget_photos(ago(keep.photo_days))
        return _photos(folder_of(config), rows, ago(keep.photo_days))

    # a file is read again if it is still there when its digest goes
    deleted = config.observations.delete_after_days
    records = max(keep.record_days, (deleted or 0) + 60)
    tasks: Mapping[str, Callable[[], int]] = {
        "observations thinned": lambda: hourly.thin(hours, ago(keep.observation_days)),
        "rows of contributing runs": lambda: rows.forget_runs(ago(keep.run_days)),
        "forecasts without details": lambda: rows.forget_details(ago(keep.detail_days)),
        "attempts": lambda: rows.forget_attempts(ago(keep.record_days)),
        "digests of readings": lambda: rows.forget_readings(ago(records), deleted is not None),
        "photos": photos,
        "GRIB files": lambda: _grib_files(config, now),
        "issues packed": lambda: len(packing.pack_old(world.publisher)),
        "bytes given back": rows.give_back,
    }
    counts, faults = {}, []
    for what, task in tasks.items():
        try:
            counts[what] = task()
        except (SkyscapeError, OSError) as error:
            faults.append(f"{what}: {error}")
    return RetentionSummary(counts, tuple(faults))


def _photos(folder: Path, rows: RetentionRows, before: datetime) -> int:
    """Remove the old photos that no report has any more; return how many."""
    old = list(_older(folder, before, ".jpg"))
    wanted = rows.photos() if old else frozenset()
    gone = [path for path in old if path.stem not in wanted]
    for path in gone:
        path.unlink(missing_ok=True)
    return len(gone)


def _grib_files(config: Config, now: datetime) -> int:
    """Remove the old files of the drop folders of model runs; return how many."""
    if (days := config.keep.drop_days) is None:
        return 0
    dropped = (model.folder for model in config.models if model.layout == "folder")
    gone = 0
    for folder in {config.source.folder, *filter(None, dropped)}:
        for path in list(_older(folder, now - timedelta(days=days))):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _older(folder: Path, before: datetime, suffix: str = "") -> Iterator[Path]:
    """Yield the files below a folder last changed before a moment; links are not followed."""
    for above, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(above, name)
            if name.startswith(".") or not name.endswith(suffix) or path.is_symlink():
                continue
            try:
                changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            except FileNotFoundError:
                continue
            if changed < before:
                yield path
