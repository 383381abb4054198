"""How good the forecasts were: the archive's past against what was seen, for `skyscape verify`, the
public page and the blending.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, Past
from forecast.config import Config
from forecast.domain import PHENOMENA
from forecast.errors import ArchiveError
from forecast.files import write_whole
from forecast.verification import Verification, resolve
from models import scorecard
from models.blending import shares_of
from models.cases import BACK, cases, columns_of_rules, shares_scores, training_set
from models.training import TrainingSet

log = logging.getLogger(__name__)

PERIOD = timedelta(days=366)  # a year: all seasons
# the file in learning.folder, and the most that is read of it [byte]
KEPT, LARGEST = "verification.json", 8 << 20
YES = 1  # place among forecast.grades of where grade 3 begins


def verification(
    archive: Archive,
    config: Config,
    now: datetime,
    since: date | None = None,
    until: date | None = None,
) -> Verification:
    """Return how good the published forecasts of the days [since, until] were (a year up to now
    where not said).

    Climatology and persistence may know outcomes from before `since`. Raises: ArchiveError.
    """
    today = now.astimezone(config.zone).date()
    since = since or today - PERIOD
    reports = Outcomes(archive).reports(min(since - timedelta(days=BACK), today - PERIOD))
    told = Past(archive).told(since, until, features=columns_of_rules())
    found = scorecard.verify(cases(told, reports), config.forecast.grades[YES], today)
    keys = {each.key for each in told}
    differing = sum(
        1 for key in keys if (seen := resolve(reports.get(key, ()))) is not None and not seen.agreed
    )
    return replace(found, disagreed=differing)


def shares(archive: Archive, now: datetime) -> dict[str, dict[str, float]]:
    """Return phenomenon -> NWP model -> share in the blend, by the Brier scores of a year: for
    Models.shares. Raises: ArchiveError.
    """
    since = (now - PERIOD).date()
    scores = shares_scores(
        Past(archive).told(since, features={}), Outcomes(archive).resolved(since)
    )
    return {
        phenomenon: found
        for phenomenon, by_model in scores.items()
        if (found := shares_of(by_model))
    }


def training_sets(
    archive: Archive, since: date | None = None, until: date | None = None
) -> dict[str, TrainingSet]:
    """Return what there is to learn from of each phenomenon; one without a case is left out.
    Raises: ArchiveError.
    """
    past, outcomes = Past(archive), Outcomes(archive)
    sets = (
        training_set(p, past.run_forecasts(p, since, until), outcomes.resolved(since, until, p))
        for p in PHENOMENA
    )
    return {each.phenomenon: each for each in sets if len(each)}


def keep(found: Verification, folder: Path) -> None:
    """Keep what every bulletin until the next night shows; a file that is whole or not there.
    Raises: ArchiveError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        document = json.dumps(scorecard.document(found), ensure_ascii=False, allow_nan=False)
        write_whole(folder / KEPT, document)
    except OSError as error:
        raise ArchiveError(
            f"{folder / KEPT}: {error.strerror}; check that learning.folder is writable and not full"
        ) from error


def kept(folder: Path) -> Verification | None:
    """Return what the last night found, None where there is nothing of ours: then the page says
    that nothing was checked yet.
    """
    try:
        with (folder / KEPT).open("rb") as file:
            data = file.read(LARGEST + 1)
        return scorecard.read_document(json.loads(data)) if len(data) <= LARGEST else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        log.warning("%s: not a verification of ours: %s", folder / KEPT, error)
        return None


def run(arguments: argparse.Namespace, config: Config, now: datetime) -> str:
    """Return what `skyscape verify` prints. Raises: ArchiveError."""
    found = verification(Archive(config.archive.url), config, now, arguments.since, arguments.until)
    if arguments.json:
        return json.dumps(scorecard.document(found), ensure_ascii=False)
    if not found.cases:
        return "no published forecast has an outcome yet; give some with `skyscape outcomes import FILE` or `skyscape diagnose`"
    return scorecard.text(found)
