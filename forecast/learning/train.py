"""Each week: what was told and what came of it make new models; one follows the model in force only
where it is better by more than chance.

A challenger is trained on everything the archive knows (features as issued, and runs of the past
worked out by `backfill`, never scored as issued), judged on blocks it had not seen, kept with its
card, and held against the champion on the same days. Too few cases train nothing.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, Past
from forecast.config import Config
from forecast.domain import OUTCOME_SOURCES, PHENOMENA, Name
from forecast.errors import ModelMismatch, SkyscapeError
from forecast.files import write_whole
from forecast.learning import verify
from forecast.learning.reforecast import Hindcasts
from forecast.verification import EVENTS_NEEDED, EVENTS_NEEDED_OF_A_KIND, FoldScores, ModelCard
from models import registry
from models.cases import training_set
from models.learned import rule_print
from models.model_card import LARGEST_CARD, Card, card_of, read_card, versions
from models.prediction import SHARES, Models, open_models
from models.registry import LEAST_BLOCKS, LOWER, Served, Verdict
from models.selection import OUTER, months, weeks
from models.training import TrainingSet, train

log = logging.getLogger(__name__)

CHALLENGERS_KEPT = 8  # of each phenomenon, beside those that are or were in force
RESULTS_FILE, COMPARISON_FILE = "lessons.json", "verdict.json"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a week's learning came to for one phenomenon. verdict: promoted, better (a dry run),
    rule_again (the rule took the champion's place), not_better, too_few_blocks, too_few,
    nothing_new or failed; said: the same as a sentence; cases: rows; events: different events;
    sources: events by source of truth.
    """

    phenomenon: str
    verdict: str
    said: str
    cases: int = 0
    events: int = 0
    sources: dict[str, int] | None = None
    model: str = ""
    folds: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the lesson as text."""
        told = ", ".join(f"{source} {count}" for source, count in (self.sources or {}).items())
        head = f"{self.phenomenon:<13} {self.cases} cases of {self.events} events{f' ({told})' if told else ''}: {self.said}"
        return [head, *(f"{'':<13} {fold}" for fold in self.folds)]


def models_in_force(config: Config) -> Models:
    """Return the models in force under these settings."""
    return open_models(config.learning.folder)


def cases_of(config: Config, archive: Archive, phenomenon: str) -> tuple[TrainingSet, int]:
    """Return what there is to learn from of a phenomenon, and how many of its rows were worked out
    afterwards.

    A run that had a voice in an issue counts as it was issued, not as it was worked out again.
    Raises: ArchiveError.
    """
    issued = Past(archive).run_forecasts(phenomenon)
    known = {(each.model, each.run, each.key) for each in issued}
    past = Hindcasts(archive).run_forecasts(phenomenon, timedelta(hours=config.source.delay_hours))
    past = [each for each in past if (each.model, each.run, each.key) not in known]
    seen = Outcomes(archive).resolved(phenomenon=phenomenon)
    return training_set(phenomenon, [*issued, *past], seen), len(past)


def missing_cases(data: TrainingSet) -> str:
    """Say what is lacking before a phenomenon is learnt of; "" where nothing is."""
    counts = [_events(data.take(kind)) for kind in (data.seen, ~data.seen)]
    if _events(data) >= EVENTS_NEEDED and min(counts) >= EVENTS_NEEDED_OF_A_KIND:
        return ""
    return (
        f"too few to learn from: it takes {EVENTS_NEEDED} events with an outcome, {EVENTS_NEEDED_OF_A_KIND} with and {EVENTS_NEEDED_OF_A_KIND} without it; "
        f"there are {counts[0]} with and {counts[1]} without. Nothing is trained"
    )


def _events(data: TrainingSet) -> int:
    return len(np.unique(data.event)) if data.event is not None else 0


def blocks_of(day: NDArray[np.datetime64]) -> NDArray[np.integer[Any]]:
    """Return what is left out together: calendar months, or weeks while there are too few months
    for the folds.
    """
    return months(day) if block_kind(day) == "month" else weeks(day)


def block_kind(day: NDArray[np.datetime64]) -> str:
    """Say what blocks_of leaves out together: month or week."""
    return "month" if len(np.unique(months(day))) >= OUTER else "week"


def learn(
    config: Config,
    archive: Archive,
    now: datetime,
    wanted: Sequence[str] = PHENOMENA,
    dry_run: bool = False,
) -> tuple[TrainingResult, ...]:
    """Train a challenger for each phenomenon that has enough cases, and put it in force where it is
    better by more than chance.

    dry_run: train and compare, keep and promote nothing. Never raises: what fails is told in its
    lesson and stops no other.
    """
    served = registry.in_force(config.learning.folder)
    lessons = []
    for phenomenon in wanted:
        try:
            lesson = _learn(config, archive, phenomenon, served[phenomenon], now, dry_run)
        except (SkyscapeError, OSError, ValueError) as error:
            lesson = TrainingResult(phenomenon, "failed", f"failed: {error}")
            log.error("%s: nothing is learnt: %s", phenomenon, error)
        except Exception as error:  # one phenomenon's defect must not cost the others their week
            lesson = TrainingResult(
                phenomenon, "failed", f"failed, a defect: {type(error).__name__}: {error}"
            )
            log.exception("%s: nothing is learnt: a defect: please report it", phenomenon)
        log.info("%s", lesson.lines()[0])
        lessons.append(lesson)
    if not dry_run:
        _remember(config.learning.folder, lessons, now)
    return tuple(lessons)


def _learn(
    config: Config,
    archive: Archive,
    phenomenon: str,
    champion: Served,
    now: datetime,
    dry_run: bool,
) -> TrainingResult:
    folder = config.learning.folder
    data, afterwards = cases_of(config, archive, phenomenon)
    numbers: dict[str, Any] = {
        "cases": len(data),
        "events": _events(data),
        "sources": _by_source(data),
    }
    if few := missing_cases(data):
        return TrainingResult(phenomenon, "too_few", few, **numbers)
    if (before := _same_cases(folder, data)) is not None:
        return TrainingResult(
            phenomenon,
            "nothing_new",
            f"nothing has come in since {before.id} was trained",
            model=before.id,
            **numbers,
        )
    trained, left_out = train(data, blocks_of(data.day)), block_kind(data.day)
    own = champion.card is not None and registry.is_own(folder, phenomenon, champion.card.id)
    verdict = registry.consider(trained, champion, own)
    made, note = now.astimezone(UTC), training_note(config, data)
    on = f"{len(data) - afterwards} rows as they were issued, {afterwards} worked out afterwards from past runs"
    card = (
        card_of(trained, made, "", 0, note, on, left_out)
        if dry_run
        else registry.keep(folder, trained, made, note, on, left_out)
    )
    told = tuple(f"{fold['first']} to {fold['last']}  {_scores_line(fold)}" for fold in card.folds)
    lesson = TrainingResult(
        phenomenon,
        verdict.why,
        describe_comparison(verdict),
        model="" if dry_run else card.id,
        folds=told,
        **numbers,
    )
    if dry_run:
        return lesson
    _write(
        folder / phenomenon / card.id / COMPARISON_FILE,
        {"promote": verdict.promote, "champion": verdict.champion, "said": lesson.said},
    )
    if verdict.promote:
        registry.promote(folder, phenomenon, card.id)
        lesson = replace(lesson, verdict="promoted")
    elif (
        champion.card is not None
        and (against := registry.consider_rule(trained.data, champion, own)).promote
    ):
        registry.promote(folder, phenomenon, registry.RULE)
        lesson = replace(
            lesson,
            verdict="rule_again",
            said=f"{lesson.said}. The untrained rule: {describe_comparison(against)}; it serves now",
        )
    _prune(folder, phenomenon)
    return lesson


def training_note(config: Config, data: TrainingSet) -> str:
    """Return what a reader must know before he trusts a model made of these cases."""
    told = ["Trained on made-up weather, for demonstration only."] if config.demonstration else []
    if set(data.source.tolist()) == {"analysis"}:
        told.append(
            "Every outcome was read from model analyses, not seen by anyone: what models get wrong alike, it has learnt too."
        )
    return " ".join(told)


def describe_comparison(verdict: Verdict) -> str:
    """Return a verdict as a sentence."""
    if verdict.why == "too_few_blocks":
        return (
            f"not compared with {verdict.champion}: it takes {LEAST_BLOCKS} weeks that neither had seen, there are {verdict.blocks}; "
            f"{verdict.champion} stays"
        )
    how = (
        f"Brier score {abs(verdict.gain):.4f} {'better' if verdict.gain > 0 else 'worse'} than {verdict.champion} on {verdict.cases} "
        f"cases of {verdict.blocks} weeks, at least {verdict.low:+.4f} with {100 * (1 - LOWER):g} % certainty"
    )
    return f"{how}: {'it may follow' if verdict.promote else f'not better by more than chance, {verdict.champion} stays'}"


def _by_source(data: TrainingSet) -> dict[str, int]:
    return {
        source: _events(data.take(data.source == source))
        for source in OUTCOME_SOURCES
        if (data.source == source).any()
    }


def _scores_line(fold: Mapping[str, Any]) -> str:
    if not fold.get("cases"):
        return "no case"
    return f"n={fold['cases']} seen={fold['seen']} Brier {fold['brier']:.4f}, the rule's {fold['brier_of_rule']:.4f}"


# -- the folder


def kept(folder: Path, phenomenon: str) -> tuple[Card, ...]:
    """Return the cards of all models of a phenomenon that are kept in a folder, the newest first;
    what is no card is left out.
    """
    home, found = folder / phenomenon, []
    for path in sorted(home.glob("*/card.json"), reverse=True) if home.is_dir() else ():
        try:
            if path.stat().st_size <= LARGEST_CARD and not path.parent.name.startswith("."):
                found.append(read_card(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, ModelMismatch) as error:
            log.warning("%s: not a card: %s", path, error)
    return tuple(
        card for card in found if card.phenomenon == phenomenon and registry.ID.fullmatch(card.id)
    )


def rollback(config: Config, phenomenon: str) -> str:
    """Take the model in force out of it; return what serves now. Raises: ModelMismatch where the
    rule serves and nothing was before.
    """
    return registry.rollback(config.learning.folder, phenomenon)


def promote(config: Config, phenomenon: str, model_id: str, force: bool = False) -> str:
    """Put a kept model, the shipped one or the bare rule (`rule`) in force; return the name of what
    serves now.

    Raises: ModelMismatch where it cannot serve, or, without `force`, where it was not found better
    than what is in force now.
    """
    folder = config.learning.folder
    if not registry.ID.fullmatch(model_id):
        raise ModelMismatch(f"{model_id!r} is no model's id; `skyscape models` lists them")
    model_id = registry.entry_of(model_id)
    champion = registry.in_force(folder)[phenomenon].name
    told = _read(folder / phenomenon / model_id / COMPARISON_FILE)
    better = (
        isinstance(told, dict) and told.get("promote") is True and told.get("champion") == champion
    )
    if not better and not force and model_id not in registry.in_order(folder, phenomenon):
        against = told.get("champion") if isinstance(told, dict) else None
        why = (
            (
                f"was held against {against}"
                if against != champion
                else f"was not found better than {champion}"
            )
            if against
            else ("was never held against another")
        )
        raise ModelMismatch(
            f"{phenomenon}/{model_id} {why}; {champion} is in force. Train anew, or say --force to take it all the same"
        )
    registry.promote(folder, phenomenon, model_id)
    return registry.in_force(folder)[phenomenon].name


def renew_shares(config: Config, archive: Archive, now: datetime) -> dict[str, dict[str, float]]:
    """Work out each NWP model's share in the blend from a year's outcomes and keep it with the
    models. Raises: ArchiveError, OSError.
    """
    shares = verify.shares(archive, now)
    _write(config.learning.folder / SHARES, shares)
    return shares


def listing(config: Config) -> list[str]:
    """Return what is in force, what was before and what challenges it, as lines of text."""
    folder, lines = config.learning.folder, []
    for phenomenon, served in registry.in_force(folder).items():
        lines.append(
            f"{phenomenon:<13} {served.name}  {_told(served.card) if served.card else 'the untrained rule'}"
        )
        lines += [f"{'':<13} refused: {reason}" for reason in served.refused]
        order = registry.in_order(folder, phenomenon)
        for card in kept(folder, phenomenon):
            if served.card is None or card.id != served.card.id:
                lines.append(
                    f"{'':<13} {'before' if card.id in order else 'challenger'} {card.id}  {_told(card)}"
                )
    told = _read(folder / RESULTS_FILE)
    if isinstance(told, dict) and isinstance(told.get("said"), list):
        lines += ["", f"last training {told.get('at')}", *(str(said) for said in told["said"])]
    return lines


def _told(card: Card) -> str:
    sources = ", ".join(f"{source} {count}" for source, count in card.sources.items())
    return f"{card.cases} cases, {card.span[0]} to {card.span[1]} ({sources}); on days not seen {_scores_line(card.scores)}"


def _same_cases(folder: Path, data: TrainingSet) -> Card | None:
    """Return the newest kept model where it was trained on these very cases by today's rule and
    libraries, else None.
    """
    newest = next(iter(kept(folder, data.phenomenon)), None)
    same = newest is not None and newest.data_sha256 == data.fingerprint()
    return (
        newest
        if same
        and newest is not None
        and newest.rule == rule_print(data.phenomenon)
        and newest.versions == versions()
        else None
    )


def _prune(folder: Path, phenomenon: str) -> None:
    """Remove the oldest challengers that never came into force."""
    order = set(registry.in_order(folder, phenomenon))
    for card in [card for card in kept(folder, phenomenon) if card.id not in order][
        CHALLENGERS_KEPT:
    ]:
        shutil.rmtree(folder / phenomenon / card.id, ignore_errors=True)


def _remember(folder: Path, lessons: Sequence[TrainingResult], now: datetime) -> None:
    """Keep what a training came to, for `skyscape models` and `status`. A disk that refuses is told
    in the log.
    """
    try:
        _write(
            folder / RESULTS_FILE,
            {
                "at": now.astimezone(UTC).isoformat(),
                "said": [line for lesson in lessons for line in lesson.lines()],
            },
        )
    except OSError as error:
        log.error("%s: what was learnt cannot be told later: %s", folder / RESULTS_FILE, error)


def _write(path: Path, told: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(told, indent=1, ensure_ascii=False, default=str) + "\n")


def _read(path: Path) -> Any:
    try:
        return (
            json.loads(path.read_text(encoding="utf-8"))
            if path.stat().st_size <= LARGEST_CARD
            else None
        )
    except (OSError, ValueError):
        return None


# -- for readers


def model_cards(models: Models) -> tuple[ModelCard, ...]:
    """Return what readers may know of the models in force, in the order of the phenomena."""
    found = []
    for phenomenon, one in models.served.items():
        plain = ModelCard(
            phenomenon,
            one.name,
            "learned" if one.card else "rule",
            features=tuple(one.model.columns),
            refused=one.refused,
        )
        try:
            found.append(_card_of(phenomenon, one, one.card) if one.card else plain)
        # a card is a file: what it says wrongly stops no bulletin
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s: the card of %s cannot be shown: %s", phenomenon, one.name, error)
            found.append(plain)
    return tuple(found)


def _card_of(phenomenon: str, served: Served, card: Card) -> ModelCard:
    folds = tuple(fold for told in card.folds if (fold := _fold(told, card)) is not None)
    return ModelCard(
        phenomenon,
        served.name,
        card.kind,
        datetime.fromisoformat(card.made),
        tuple(name for name, _ in card.features),
        (date.fromisoformat(card.span[0]), date.fromisoformat(card.span[1])),
        card.cases,
        card.events,
        card.sources,
        card.sites,
        _fold(
            {"first": card.span[0], "last": card.span[1], "kind": card.kind, **card.scores}, card
        ),
        folds,
        card.versions,
        card.data_sha256,
        card.model_sha256,
        card.note,
        card.trained_on,
        served.refused,
        card.note_zh,
        card.left_out,
        {site: Name(told["zh"], told["en"]) for site, told in card.names.items()},
    )


def _fold(told: Mapping[str, Any], card: Card) -> FoldScores | None:
    """Return the scores of a fold; None where nothing was judged."""
    if not told.get("cases"):
        return None
    return FoldScores(
        date.fromisoformat(told["first"]),
        date.fromisoformat(told["last"]),
        str(told.get("kind", card.kind)),
        int(told["cases"]),
        int(told["seen"]),
        float(told["brier"]),
        float(told["brier_of_rule"]),
        _number(told.get("brier_of_base")),
        (float(bounds[0]), float(bounds[1])) if (bounds := told.get("gain_90")) else None,
        tuple(told.get("sites", ())),
    )


def _number(told: Any) -> float | None:
    return None if told is None else float(told)
