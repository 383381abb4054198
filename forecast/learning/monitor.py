"""Nightly monitoring: shifts of forecasts and features against their past, shown by `status`."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.config import Config
from forecast.domain import PHENOMENA
from forecast.errors import ArchiveError
from forecast.files import write_whole
from forecast.quantities import features_of
from forecast.verification import RunForecast

if TYPE_CHECKING:
    from models.drift import DriftFinding

log = logging.getLogger(__name__)

RECENT = timedelta(days=30)
SEASON = timedelta(days=45)  # about the same day of the year before
YEAR = timedelta(days=365)
ONE_DAY = 24.0  # [h] of lead: one forecast an event and hour of issue is enough
KEPT, LARGEST = "drift.json", 1 << 20


def findings(archive: Archive, config: Config, now: datetime) -> list[DriftFinding]:
    """Return the shifts of the last 30 days: forecast frequencies, and features by season.

    Features are compared with the same season a year before or, without it, with the 45 days before
    the last 30. Raises: ArchiveError.
    """
    from models.cases import BACK, cases
    from models.drift import feature_shifts, frequency_shifts

    today = now.astimezone(config.zone).date()
    since, past = today - RECENT, PastForecasts(archive)
    recent_cases = cases(
        past.issued_forecasts(since, features={}),
        Outcomes(archive).reports(since - timedelta(days=BACK)),
    )
    found = list(frequency_shifts(recent_cases))
    for phenomenon in PHENOMENA:
        names = features_of(phenomenon)

        def rows(first: date, last: date, phenomenon: str = phenomenon) -> list[RunForecast]:
            forecasts = past.run_forecasts(
                phenomenon, first, last, config.source.model, only_verified=False
            )
            return [each for each in forecasts if each.lead < ONE_DAY]

        recent = rows(since, today)
        before = rows(today - YEAR - SEASON, today - YEAR + SEASON) or rows(
            since - SEASON, since - timedelta(days=1)
        )
        found += feature_shifts(phenomenon, names, _table(recent, names), _table(before, names))
    return found


def _table(forecasts: Sequence[RunForecast], names: Sequence[str]) -> np.ndarray:
    return np.array(
        [[each.values.get(name, np.nan) for name in names] for each in forecasts], dtype=float
    ).reshape(len(forecasts), len(names))


def keep(found: Sequence[DriftFinding], at: datetime, folder: Path) -> None:
    """Keep the findings, for `status`. Raises: ArchiveError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "at": at.isoformat(),
            "moved": [each.line for each in found],
            "kinds": sorted({(each.kind, each.phenomenon) for each in found}),
        }
        write_whole(folder / KEPT, json.dumps(document))
    except OSError as error:
        raise ArchiveError(
            f"{folder / KEPT}: {error.strerror}; "
            "check that learning.folder is writable and not full"
        ) from error


def lines(folder: Path) -> list[str]:
    """Return the findings that were kept last, a line each."""
    kept = _kept(folder)
    try:
        return [f"{kept['at'][:10]}  {line}" for line in kept["moved"]] if kept else []
    except (TypeError, KeyError) as error:
        log.warning("%s: not kept findings: %s", folder / KEPT, error)
        return []


def kinds(folder: Path) -> list[tuple[str, str]]:
    """Return kind (frequency, distribution, missing) and phenomenon of the findings kept last."""
    try:
        return [(str(kind), str(phenomenon)) for kind, phenomenon in _kept(folder).get("kinds", ())]
    except (TypeError, ValueError, AttributeError):
        return []


def _kept(folder: Path) -> dict[str, Any]:
    """Return the document that was kept last; empty where there is none that can be read."""
    try:
        with (folder / KEPT).open("rb") as file:
            found: dict[str, Any] = json.loads(file.read(LARGEST))
        return found
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        log.warning("%s: not kept findings: %s", folder / KEPT, error)
        return {}
