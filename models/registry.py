"""Model registry: where models are kept, and which one is in force.

    folder/<phenomenon>/<id>/model.skops, card.json     written under another name, then renamed: a
                                                        model is there whole or not at all
    folder/<phenomenon>/in_force.json                   ids, the one in force first; replaced as a
                                                        whole; `rule` is the untrained rule; an id
                                                        not in the folder may be a shipped one

A model's file is data, never code (models/model_file.py). A model that cannot be trusted - unknown
types, another hash than its card's, too large, made for other features or another rule - is refused
with the reason. Then the one before it serves, then the shipped one, then the rule. Who may follow
the model in force is decided in models/promotion.py.

The shipped folder also holds, in CLEAR_NIGHT, a classifier of the stars for a stricter event than
the one served; `in_force` never finds it.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from forecast import files
from forecast.domain import PHENOMENA
from forecast.errors import ModelMismatch
from models import night_sky_model, rule_model
from models.model_card import (
    LARGEST_CARD,
    Card,
    card_of,
    feature_units,
    id_of,
    print_for,
    read_card,
)
from models.model_file import check_answers, pack, unpack
from models.rule_model import PhysicsRule
from models.training import Trained

SHIPPED = Path(__file__).parent / "shipped"
CLEAR_NIGHT = "clear_night"  # in SHIPPED, laid out like it: of mean cover at most a fifth
LARGEST_MODEL = 64_000_000  # [byte]
KEPT = 20  # ids remembered for rollback
RULE = "rule"  # in in_force.json: the untrained rule, of any version
ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")


@dataclass(frozen=True)
class Served:
    """A model in force: its name in a forecast, its card (None: the rule), refusals of others."""

    model: Any
    name: str
    card: Card | None = None
    refused: tuple[str, ...] = ()


def keep(
    folder: Path,
    trained: Trained,
    made: datetime,
    note: str = "",
    trained_on: str = "",
    left_out: str = "",
) -> Card:
    """Write a trained model and its card into the folder, and return the card.

    The model is not yet in force. Keeping it again changes nothing.
    """
    home = folder / trained.phenomenon / id_of(trained, made)
    part = home.with_name(f".{home.name}.part")
    if home.is_dir():
        return read_card(_read(home / "card.json", LARGEST_CARD).decode())
    data = pack(trained.model)
    card = card_of(
        trained, made, hashlib.sha256(data).hexdigest(), len(data), note, trained_on, left_out
    )
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    files.write_whole(part / "model.skops", data)
    files.write_whole(part / "card.json", card.text())
    files.rename(part, home)
    return card


def promote(folder: Path, phenomenon: str, model_id: str) -> None:
    """Put a kept model, the shipped one or the rule in force.

    Raises: ModelMismatch where the model is not there or cannot be loaded; nothing changes then.
    """
    model_id = entry_of(model_id)
    if model_id != RULE:
        load(_home(folder, SHIPPED, phenomenon, model_id), phenomenon, model_id)
    _set_order(
        folder,
        phenomenon,
        [model_id, *(known for known in in_order(folder, phenomenon) if known != model_id)][:KEPT],
    )


def rollback(folder: Path, phenomenon: str) -> str:
    """Withdraw the model in force; return the name of the one that serves now.

    That is the one before, the shipped one, or the rule.
    Raises: ModelMismatch where the rule serves and no model was before it.
    """
    order = in_order(folder, phenomenon)
    last = order in ([], [RULE])
    if last and in_force(folder)[phenomenon].card is None:
        raise ModelMismatch(
            f"{phenomenon}: the rule serves and no model was before it: "
            "there is nothing to roll back"
        )
    _set_order(folder, phenomenon, [RULE] if last else order[1:])
    return in_force(folder)[phenomenon].name


def entry_of(model_id: str) -> str:
    """Return a model's entry in in_force.json: `rule` for the rule of any version, else its id."""
    return RULE if model_id in (RULE, rule_model.VERSION) else model_id


def is_own(folder: Path, phenomenon: str, model_id: str) -> bool:
    """Return whether a model was trained here and is kept in the folder."""
    return (folder / phenomenon / model_id).is_dir()


def _home(folder: Path, shipped: Path, phenomenon: str, model_id: str) -> Path:
    return (
        shipped
        if not is_own(folder, phenomenon, model_id) and model_id in in_order(shipped, phenomenon)
        else folder
    )


def in_order(folder: Path, phenomenon: str) -> list[str]:
    """Return the ids in force and before, newest first; none where the list cannot be read."""
    try:
        entries = json.loads(_read(folder / phenomenon / "in_force.json", LARGEST_CARD))
    except (OSError, ValueError, ModelMismatch):
        return []
    return (
        [str(one) for one in entries if isinstance(one, str) and ID.fullmatch(one)]
        if isinstance(entries, list)
        else []
    )


def load(folder: Path, phenomenon: str, model_id: str) -> Served:
    """Return a kept model after all checks.

    Raises: ModelMismatch with the reason why it cannot serve.
    """
    home = folder / phenomenon / model_id
    try:
        card = read_card(_read(home / "card.json", LARGEST_CARD).decode())
        data = _read(home / "model.skops", LARGEST_MODEL)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: cannot be read: {error}; restore it or roll back"
        ) from error
    if card.phenomenon != phenomenon or hashlib.sha256(data).hexdigest() != card.model_sha256:
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: the file is not the one its card describes; "
            "restore it or roll back"
        )
    if card.features != feature_units(tuple(name for name, _ in card.features)):
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: a feature has another unit than it was trained with; "
            "train it again"
        )
    if card.rule != print_for(card.kind, phenomenon):
        raise ModelMismatch(
            f"{phenomenon}/{model_id}: the rule it was trained on has changed since; train it again"
        )
    model = unpack(data)
    check_answers(model, card)
    return Served(model, f"{card.kind}-{card.id}", card)


def in_force(folder: Path, shipped: Path = SHIPPED) -> dict[str, Served]:
    """Return what serves for each phenomenon: the newest usable model or the rule."""
    result = {}
    for phenomenon in PHENOMENA:
        refused: list[str] = []
        order = [
            (_home(folder, shipped, phenomenon, one), one) for one in in_order(folder, phenomenon)
        ]
        for home, one in (
            order + [(shipped, one) for one in in_order(shipped, phenomenon)] + [(folder, RULE)]
        ):
            if entry_of(one) == RULE:
                result[phenomenon] = Served(
                    PhysicsRule(phenomenon).ready(), rule_model.VERSION, None, tuple(refused)
                )
                break
            try:
                served = load(home, phenomenon, one)
            except ModelMismatch as error:
                refused.append(str(error))
                continue
            result[phenomenon] = Served(served.model, served.name, served.card, tuple(refused))
            break
    return result


def of_clear_nights(shipped: Path = SHIPPED) -> Served:
    """Return the shipped classifier of clear nights, which serves no page.

    Raises: ModelMismatch where it is missing or cannot be used.
    """
    home, phenomenon = shipped / CLEAR_NIGHT, night_sky_model.PHENOMENON
    order = in_order(home, phenomenon)
    if not order:
        raise ModelMismatch(f"{home}: no classifier of clear nights; restore the shipped files")
    return load(home, phenomenon, order[0])


def _set_order(folder: Path, phenomenon: str, order: list[str]) -> None:
    home = folder / phenomenon
    home.mkdir(parents=True, exist_ok=True)
    files.write_whole(home / "in_force.json", json.dumps(order, indent=1) + "\n")


def _read(path: Path, largest: int) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(largest + 1)
    if len(data) > largest:
        raise ModelMismatch(
            f"{path.name}: larger than {largest / 1e6:.0f} MB; no model of this service is: "
            "restore it or roll back"
        )
    return data


def by_name(served: Mapping[str, Served]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what prediction.Models holds: model and name by phenomenon."""
    return {p: one.model for p, one in served.items()}, {p: one.name for p, one in served.items()}
