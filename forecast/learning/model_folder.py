"""The folder of trained models: what is kept, in force or before; promotion and rollback."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.errors import ModelMismatch
from forecast.files import write_whole
from models import registry
from models.model_card import LARGEST_CARD, Card, read_card

log = logging.getLogger(__name__)

CHALLENGERS_KEPT = 8  # of each phenomenon, besides those that are or were in force
# Files of the last training's results, and of a challenger's comparison with the model in force.
RESULTS_FILE, COMPARISON_FILE = "lessons.json", "verdict.json"


def kept(folder: Path, phenomenon: str) -> tuple[Card, ...]:
    """Return the cards of all kept models of a phenomenon, the newest first; others are logged."""
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
    """Return to the model that was in force before; return what is in force now.

    Raises: ModelMismatch where the rule is in force and nothing was before.
    """
    return registry.rollback(config.learning.folder, phenomenon)


def promote(config: Config, phenomenon: str, model_id: str, force: bool = False) -> str:
    """Put a kept model, the shipped one or the rule (`rule`) in force; return its name.

    Raises: ModelMismatch where it cannot be used or, without `force`, where it was not found better
    than the model in force.
    """
    folder = config.learning.folder
    if not registry.ID.fullmatch(model_id):
        raise ModelMismatch(f"{model_id!r} is not a model's id; `skyscape models` lists them")
    model_id = registry.entry_of(model_id)
    champion = registry.in_force(folder)[phenomenon].name
    decision = read_json(folder / phenomenon / model_id / COMPARISON_FILE)
    better = (
        isinstance(decision, dict)
        and decision.get("promote") is True
        and decision.get("champion") == champion
    )
    if not better and not force and model_id not in registry.in_order(folder, phenomenon):
        against = decision.get("champion") if isinstance(decision, dict) else None
        why = (
            (
                f"was compared with {against}"
                if against != champion
                else f"was not found better than {champion}"
            )
            if against
            else ("was never compared with another")
        )
        raise ModelMismatch(
            f"{phenomenon}/{model_id} {why}; {champion} is in force. "
            "Train again, or use --force to put it in force anyway"
        )
    registry.promote(folder, phenomenon, model_id)
    return registry.in_force(folder)[phenomenon].name


def listing(config: Config) -> list[str]:
    """Return the models in force, those before and the challengers, as lines of text."""
    folder, lines = config.learning.folder, []
    for phenomenon, served in registry.in_force(folder).items():
        about = _card_line(served.card) if served.card else "the untrained rule"
        lines.append(f"{phenomenon:<13} {served.name}  {about}")
        lines += [f"{'':<13} refused: {reason}" for reason in served.refused]
        order = registry.in_order(folder, phenomenon)
        for card in kept(folder, phenomenon):
            if served.card is None or card.id != served.card.id:
                place = "before" if card.id in order else "challenger"
                lines.append(f"{'':<13} {place} {card.id}  {_card_line(card)}")
    last = read_json(folder / RESULTS_FILE)
    if isinstance(last, dict) and isinstance(last.get("said"), list):
        lines += ["", f"last training {last.get('at')}", *(str(line) for line in last["said"])]
    return lines


def _card_line(card: Card) -> str:
    sources = ", ".join(f"{source} {count}" for source, count in card.sources.items())
    span = f"{card.span[0]} to {card.span[1]}"
    cases = f"{card.cases} cases, {span} ({sources}), leads up to {card.leads[1]:.0f} h"
    return f"{cases}; on days not seen {scores_line(card.scores)}"


def scores_line(fold: Mapping[str, Any]) -> str:
    """Return the scores of a fold, as a card has them, as text."""
    if not fold.get("cases"):
        return "no case"
    brier = f"Brier {fold['brier']:.4f}, the rule's {fold['brier_of_rule']:.4f}"
    states = (
        f"; four states {fold['four_states']:.4f}, the rule's {fold['four_states_of_rule']:.4f}"
        if "four_states" in fold
        else ""
    )
    return f"n={fold['cases']} seen={fold['seen']} {brier}{states}"


def prune(folder: Path, phenomenon: str) -> None:
    """Remove the oldest challengers that were never in force."""
    order = set(registry.in_order(folder, phenomenon))
    for card in [card for card in kept(folder, phenomenon) if card.id not in order][
        CHALLENGERS_KEPT:
    ]:
        shutil.rmtree(folder / phenomenon / card.id, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all. Raises: OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n")


def read_json(path: Path) -> Any:
    """Return the content of a JSON file; None where it is missing, damaged or too large."""
    try:
        return (
            json.loads(path.read_text(encoding="utf-8"))
            if path.stat().st_size <= LARGEST_CARD
            else None
        )
    except (OSError, ValueError):
        return None
