"""Weekly training: issued forecasts and their outcomes train challengers to the models in force.

A challenger is trained on all cases of the archive (features as issued, and hindcasts, which are
never scored as issued), scored on blocks of days left out of its training, kept with its card, and
compared with the champion on the same days. It is promoted only where it is better by more than
chance. With too few cases nothing is trained.

The usual frequencies are renewed from all outcomes first: a model is trained, and compared, over
those that it will serve with. Where they cannot be kept nothing is trained; where a training fails
they stay, and the model in force serves over them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.archive.hindcasts import Hindcasts
from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.config import Config
from forecast.domain import OUTCOME_SOURCES, PHENOMENA
from forecast.errors import SkyscapeError
from forecast.learning import verify
from forecast.learning.cover_before import with_cover_before
from forecast.learning.model_folder import (
    COMPARISON_FILE,
    RESULTS_FILE,
    kept,
    prune,
    scores_line,
    write_json,
)
from forecast.learning.usual_frequency import (
    counted_outcomes,
    frequency_to_train_on,
    renew_climatology,
)
from forecast.verification import EVENTS_NEEDED, EVENTS_NEEDED_OF_A_KIND, EventKey
from models import promotion, registry
from models.cases import training_set
from models.model_card import Card, card_of, print_for, versions
from models.prediction import SHARES, Models, open_models
from models.promotion import LEAST_BLOCKS, LOWER, PromotionDecision
from models.refusals import CHECKED
from models.registry import Served
from models.selection import OUTER, months, weeks
from models.training import Trained, train
from models.training_set import TrainingSet

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of one training of one phenomenon.

    verdict: promoted, better (a dry run), rule_again (the rule replaced the champion), not_better,
    too_few_blocks, too_few, nothing_new or failed; message: the same as a sentence. cases: rows;
    events: different events. sources: events by source of truth. folds: their scores, as text.
    """

    phenomenon: str
    verdict: str
    message: str
    cases: int = 0
    events: int = 0
    sources: dict[str, int] | None = None
    model: str = ""
    folds: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the result as text."""
        sources = ", ".join(f"{source} {count}" for source, count in (self.sources or {}).items())
        counts = f"{self.cases} cases of {self.events} events{f' ({sources})' if sources else ''}"
        head = f"{self.phenomenon:<13} {counts}: {self.message}"
        return [head, *(f"{'':<13} {fold}" for fold in self.folds)]

    def document(self) -> dict[str, Any]:
        """Return the result as `skyscape train --json` prints it."""
        plain = asdict(self)
        return {"said" if key == "message" else key: value for key, value in plain.items()}


def models_in_force(config: Config) -> Models:
    """Return the models in force under these settings, loaded anew where a file has changed."""
    folder = config.learning.folder
    return _opened(folder, _stamp(folder))


@lru_cache(maxsize=1)
def _opened(folder: Path, _: tuple[tuple[str, int, int, int], ...]) -> Models:
    return open_models(folder)


def _stamp(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """Return name, inode, size and time of each file of a folder of models."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            status = path.stat()
        except OSError:  # it has just been renamed
            continue
        if path.name != CHECKED:
            found.append((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def cases_of(
    config: Config, archive: Archive, phenomenon: str, usual: Callable[[EventKey], float]
) -> tuple[TrainingSet, int]:
    """Return the training cases of a phenomenon, and how many of them are hindcasts.

    usual: the usual frequency of an event. A run that contributed to an issue counts as issued, not
    as reforecast. Raises: ArchiveError.
    """
    issued = PastForecasts(archive).run_forecasts(phenomenon)
    known = {(each.model, each.run, each.key) for each in issued}
    past = Hindcasts(archive).run_forecasts(phenomenon, timedelta(hours=config.source.delay_hours))
    past = [each for each in past if (each.model, each.run, each.key) not in known]
    past = with_cover_before(past, [*issued, *past])
    outcomes = Outcomes(archive).resolved(phenomenon=phenomenon)
    return training_set(phenomenon, [*issued, *past], outcomes, usual=usual), len(past)


def missing_cases(data: TrainingSet) -> str:
    """Return which cases are missing before a phenomenon can be trained; "" where none are."""
    counts = [_events(data.take(kind)) for kind in (data.observed, ~data.observed)]
    if _events(data) >= EVENTS_NEEDED and min(counts) >= EVENTS_NEEDED_OF_A_KIND:
        return ""
    return (
        f"too few to learn from: it takes {EVENTS_NEEDED} events with an outcome, "
        f"{EVENTS_NEEDED_OF_A_KIND} with and {EVENTS_NEEDED_OF_A_KIND} without it; "
        f"there are {counts[0]} with and {counts[1]} without. Nothing is trained"
    )


def _events(data: TrainingSet) -> int:
    return len(np.unique(data.event)) if data.event is not None else 0


def blocks_of(day: NDArray[np.datetime64]) -> NDArray[np.integer[Any]]:
    """Return the block of each day that is left out together: its month, or its week if too few."""
    return months(day) if block_kind(day) == "month" else weeks(day)


def block_kind(day: NDArray[np.datetime64]) -> str:
    """Return what blocks_of leaves out together: "month" or "week"."""
    return "month" if len(np.unique(months(day))) >= OUTER else "week"


def learn(
    config: Config,
    archive: Archive,
    now: datetime,
    wanted: Sequence[str] = PHENOMENA,
    dry_run: bool = False,
) -> tuple[TrainingResult, ...]:
    """Train a challenger for each phenomenon with enough cases; promote those that are better.

    A challenger is promoted where its score is better by more than chance. dry_run: train and
    compare, keep and promote nothing. A failure is part of the result and stops no other
    phenomenon; that of the usual frequencies stops all.
    """
    try:
        outcomes = counted_outcomes(archive)
        if not dry_run:
            renew_climatology(config, outcomes)
    except (SkyscapeError, OSError) as error:
        log.error("nothing is trained: the usual frequencies are not renewed: %s", error)
        why = f"failed: the usual frequencies are not renewed: {error}"
        failed = tuple(TrainingResult(phenomenon, "failed", why) for phenomenon in wanted)
        if not dry_run:
            _remember(config.learning.folder, failed, now)
        return failed
    usual = frequency_to_train_on(config, outcomes)
    served = registry.in_force(config.learning.folder)
    results = []
    for phenomenon in wanted:
        try:
            data, hindcasts = cases_of(config, archive, phenomenon, usual)
            result = _learn(config, data, hindcasts, served[phenomenon], now, dry_run)
        except (SkyscapeError, OSError, ValueError) as error:
            result = TrainingResult(phenomenon, "failed", f"failed: {error}")
            log.error("%s: nothing is trained: %s", phenomenon, error)
        except Exception as error:  # one phenomenon must not stop the others
            result = TrainingResult(
                phenomenon, "failed", f"failed, a defect: {type(error).__name__}: {error}"
            )
            log.exception("%s: nothing is trained: unexpected error, please report it", phenomenon)
        log.info("%s", result.lines()[0])
        results.append(result)
    if not dry_run:
        _remember(config.learning.folder, results, now)
    return tuple(results)


def _learn(
    config: Config,
    data: TrainingSet,
    hindcasts: int,
    champion: Served,
    now: datetime,
    dry_run: bool,
) -> TrainingResult:
    folder, phenomenon = config.learning.folder, data.phenomenon
    numbers: dict[str, Any] = {
        "cases": len(data),
        "events": _events(data),
        "sources": _by_source(data),
    }
    if few := missing_cases(data):
        return TrainingResult(phenomenon, "too_few", few, **numbers)
    if (same := _same_cases(folder, data)) is not None:
        return TrainingResult(
            phenomenon,
            "nothing_new",
            f"nothing has come in since {same.id} was trained",
            model=same.id,
            **numbers,
        )
    trained, left_out = train(data, blocks_of(data.day)), block_kind(data.day)
    own = champion.card is not None and registry.is_own(folder, phenomenon, champion.card.id)
    decision = promotion.consider(trained, champion, own)
    made, note = now.astimezone(UTC), training_note(config, data)
    trained_on = (
        f"{len(data) - hindcasts} rows as they were issued, "
        f"{hindcasts} worked out afterwards from past runs; "
        f"trained on leads up to {np.nanmax(data.lead):.0f} h"
    )
    card = (
        card_of(trained, made, "", 0, note, trained_on, left_out)
        if dry_run
        else registry.keep(folder, trained, made, note, trained_on, left_out)
    )
    result = TrainingResult(
        phenomenon,
        decision.why,
        describe_comparison(decision, phenomenon),
        model="" if dry_run else card.id,
        folds=tuple(
            f"{fold['first']} to {fold['last']}  {scores_line(fold)}" for fold in card.folds
        ),
        **numbers,
    )
    return result if dry_run else _apply(result, decision, trained, champion, own, folder)


def _apply(
    result: TrainingResult,
    decision: PromotionDecision,
    trained: Trained,
    champion: Served,
    own: bool,
    folder: Path,
) -> TrainingResult:
    """Keep the comparison, promote the challenger or the rule, and return the result."""
    phenomenon = result.phenomenon
    write_json(
        folder / phenomenon / result.model / COMPARISON_FILE,
        {"promote": decision.promote, "champion": decision.champion, "said": result.message},
    )
    if decision.promote:
        registry.promote(folder, phenomenon, result.model)
        result = replace(result, verdict="promoted")
    elif (
        champion.card is not None
        and (against := promotion.consider_rule(trained.data, champion, own)).promote
    ):
        registry.promote(folder, phenomenon, registry.RULE)
        rule = describe_comparison(against, phenomenon)
        result = replace(
            result,
            verdict="rule_again",
            message=f"{result.message}. The untrained rule: {rule}; it serves now",
        )
    prune(folder, phenomenon)
    return result


def training_note(config: Config, data: TrainingSet) -> str:
    """Return what a reader must know before trusting a model trained on these cases."""
    notes = ["Trained on made-up weather, for demonstration only."] if config.demonstration else []
    if set(data.source.tolist()) == {"analysis"}:
        notes.append(
            "Every outcome was read from model analyses, not seen by anyone: "
            "what models get wrong alike, it has learnt too."
        )
    return " ".join(notes)


def describe_comparison(decision: PromotionDecision, phenomenon: str = "") -> str:
    """Return a comparison with the model in force as a sentence, in the score it was made in."""
    champion = decision.champion
    if decision.why == "too_few_blocks":
        return (
            f"not compared with {champion}: it takes {LEAST_BLOCKS} weeks that neither had seen, "
            f"there are {decision.blocks}; {champion} stays"
        )
    better = "better" if decision.gain > 0 else "worse"
    score = "four-state score" if phenomenon == "sea_of_clouds" else "Brier score"
    end = (
        "it may follow" if decision.promote else f"not better by more than chance, {champion} stays"
    )
    return (
        f"{score} {abs(decision.gain):.4f} {better} than {champion} on {decision.cases} "
        f"cases of {decision.blocks} weeks, at least {decision.low:+.4f} with "
        f"{100 * (1 - LOWER):g} % certainty: {end}"
    )


def _by_source(data: TrainingSet) -> dict[str, int]:
    return {
        source: _events(data.take(data.source == source))
        for source in OUTCOME_SOURCES
        if (data.source == source).any()
    }


def renew_shares(config: Config, archive: Archive, now: datetime) -> dict[str, dict[str, float]]:
    """Compute each NWP model's share in the blend from a year's outcomes, and keep the shares.

    Raises: ArchiveError, OSError.
    """
    shares = verify.shares(archive, now)
    write_json(config.learning.folder / SHARES, shares)
    return shares


def _same_cases(folder: Path, data: TrainingSet) -> Card | None:
    """Return the newest kept model if its cases, rule and libraries are today's, else None."""
    newest = next(iter(kept(folder, data.phenomenon)), None)
    same = newest is not None and newest.data_sha256 == data.fingerprint()
    return (
        newest
        if same
        and newest is not None
        and newest.rule == print_for(newest.kind, data.phenomenon)
        and newest.versions == versions()
        else None
    )


def _remember(folder: Path, results: Sequence[TrainingResult], now: datetime) -> None:
    """Keep the results for `skyscape models` and `status`; a failure to write is logged."""
    try:
        write_json(
            folder / RESULTS_FILE,
            {
                "at": now.astimezone(UTC).isoformat(),
                "said": [line for result in results for line in result.lines()],
            },
        )
    except OSError as error:
        log.error(
            "%s: the results of the training cannot be kept: %s", folder / RESULTS_FILE, error
        )
