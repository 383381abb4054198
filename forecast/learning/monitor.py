"""What has moved of late: found each night, told by `status`."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, Past
from forecast.config import Config
from forecast.domain import PHENOMENA
from forecast.errors import ArchiveError
from forecast.files import write_whole
from forecast.quantities import features_of
from forecast.verification import RunForecast
from models.cases import BACK, cases
from models.drift import Finding, moved, told_and_seen

log = logging.getLogger(__name__)

LATELY = timedelta(days=30)
SEASON = timedelta(days=45)  # about the same day of the year before
YEAR = timedelta(days=365)
ONE_DAY = 24.0  # [h] of lead: one forecast an event and hour of issue is enough
KEPT, LARGEST = "drift.json", 1 << 20


def findings(archive: Archive, config: Config, now: datetime) -> list[Finding]:
    """Return what moved in the last 30 days: forecasts against outcomes, features against the
    archive's same season.

    Where there is no year before, the 45 days before the last 30 stand for the season. Raises:
    ArchiveError.
    """
    today = now.astimezone(config.zone).date()
    since, past = today - LATELY, Past(archive)
    judged = cases(
        past.told(since, features={}), Outcomes(archive).reports(since - timedelta(days=BACK))
    )
    found = list(told_and_seen(judged))
    for phenomenon in PHENOMENA:
        names = features_of(phenomenon)

        def rows(first: date, last: date, phenomenon: str = phenomenon) -> list[RunForecast]:
            heard = past.run_forecasts(
                phenomenon, first, last, config.source.model, only_judged=False
            )
            return [each for each in heard if each.lead < ONE_DAY]

        lately = rows(since, today)
        before = rows(today - YEAR - SEASON, today - YEAR + SEASON) or rows(
            since - SEASON, since - timedelta(days=1)
        )
        found += moved(phenomenon, names, _table(lately, names), _table(before, names))
    return found


def _table(heard: Sequence[RunForecast], names: Sequence[str]) -> np.ndarray:
    return np.array(
        [[each.values.get(name, np.nan) for name in names] for each in heard], dtype=float
    ).reshape(len(heard), len(names))


def keep(found: Sequence[Finding], at: datetime, folder: Path) -> None:
    """Keep what was found, for `status`. Raises: ArchiveError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        document = {"at": at.isoformat(), "moved": [each.line for each in found]}
        write_whole(folder / KEPT, json.dumps(document))
    except OSError as error:
        raise ArchiveError(
            f"{folder / KEPT}: {error.strerror}; check that learning.folder is writable and not full"
        ) from error


def lines(folder: Path) -> list[str]:
    """Return what the last night found, a line each; nothing where nothing moved or nothing was
    looked at.
    """
    try:
        with (folder / KEPT).open("rb") as file:
            told = json.loads(file.read(LARGEST))
        return [f"{told['at'][:10]}  {line}" for line in told["moved"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        log.warning("%s: not ours: %s", folder / KEPT, error)
        return []
