"""Verification of the archived forecasts, for `skyscape verify`, the public page and the blend."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.config import Config
from forecast.errors import ArchiveError
from forecast.files import write_whole
from forecast.quantities import yes_threshold
from forecast.verification import ScoreLine, Verification, resolve
from models import score_document, scorecard
from models.blending import shares_of
from models.cases import BACK, cases, columns_of_rules, shares_scores

log = logging.getLogger(__name__)

PERIOD = timedelta(days=366)  # [days] a year: all seasons
# File in learning.folder, and the most that is read of it [byte].
KEPT, LARGEST = "verification.json", 8 << 20


def verification(
    archive: Archive,
    config: Config,
    now: datetime,
    since: date | None = None,
    until: date | None = None,
) -> Verification:
    """Return the verification of the published forecasts of the days [since, until].

    Default: the last year. Climatology and persistence may use outcomes from before `since`.
    Raises: ArchiveError.
    """
    today = now.astimezone(config.zone).date()
    since = since or today - PERIOD
    reports = Outcomes(archive).reports(min(since - timedelta(days=BACK), today - PERIOD))
    issued = PastForecasts(archive).issued_forecasts(since, until, features=columns_of_rules())
    southern = {site.id for site in config.all_sites() if site.latitude < 0}
    threshold = yes_threshold(config.forecast.grades)
    found = scorecard.verify(cases(issued, reports, southern), threshold, today)
    keys = {each.key for each in issued}
    differing = sum(
        1
        for key in keys
        if (outcome := resolve(reports.get(key, ()))) is not None and not outcome.agreed
    )
    return replace(found, disagreed=differing)


def changes_by(archive: Archive, config: Config, now: datetime, person: str) -> ScoreLine | None:
    """Return how the forecasts of the last year that a person changed compare with the machine's.

    Among its skills is MACHINE: the Brier skill against the probability before the change, with its
    interval and cases. person: an account. None where none of them has an outcome yet.
    Raises: ArchiveError.
    """
    since = now.astimezone(config.zone).date() - PERIOD
    reports = Outcomes(archive).reports(since - timedelta(days=BACK))
    issued = PastForecasts(archive).issued_forecasts(since, features={}, person=person)
    found = cases([each for each in issued if each.person], reports)
    return scorecard.score_line("person", person, "", found) if len(found) else None


def shares(archive: Archive, now: datetime) -> dict[str, dict[str, float]]:
    """Return phenomenon -> NWP model -> share in the blend, by the Brier scores of a year.

    Raises: ArchiveError.
    """
    since = (now - PERIOD).date()
    scores = shares_scores(
        PastForecasts(archive).issued_forecasts(since, features={}),
        Outcomes(archive).resolved(since),
    )
    return {
        phenomenon: found
        for phenomenon, by_model in scores.items()
        if (found := shares_of(by_model))
    }


def keep(found: Verification, folder: Path) -> None:
    """Keep the verification that bulletins show, in a file written whole. Raises: ArchiveError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        document = json.dumps(score_document.document(found), ensure_ascii=False, allow_nan=False)
        write_whole(folder / KEPT, document)
    except OSError as error:
        raise ArchiveError(
            f"{folder / KEPT}: {error.strerror}; "
            "check that learning.folder is writable and not full"
        ) from error


def kept(folder: Path) -> Verification | None:
    """Return the verification that was kept last; None where there is none or it is damaged."""
    try:
        with (folder / KEPT).open("rb") as file:
            data = file.read(LARGEST + 1)
        return score_document.read_document(json.loads(data)) if len(data) <= LARGEST else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        log.warning("%s: not a kept verification: %s", folder / KEPT, error)
        return None


def report(
    archive: Archive,
    config: Config,
    now: datetime,
    since: date | None,
    until: date | None,
    as_json: bool,
) -> str:
    """Return what `skyscape verify` prints, as for `verification`. Raises: ArchiveError."""
    found = verification(archive, config, now, since, until)
    if as_json:
        return json.dumps(score_document.document(found), ensure_ascii=False)
    if not found.cases:
        return (
            "no published forecast has an outcome yet; "
            "give some with `skyscape outcomes import FILE` or `skyscape truth`"
        )
    return score_document.text(found)
