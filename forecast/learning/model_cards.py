"""Model cards for readers: what a page shows of the models in force."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from forecast.domain import Name
from forecast.verification import FoldScores, ModelCard
from models.model_card import Card
from models.prediction import Models
from models.registry import Served

log = logging.getLogger(__name__)


def model_cards(models: Models) -> tuple[ModelCard, ...]:
    """Return what readers see of the models in force, in the order of the phenomena."""
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
        # a wrong card file must not stop a bulletin
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s: the card of %s cannot be shown: %s", phenomenon, one.name, error)
            found.append(plain)
    return tuple(found)


def _card_of(phenomenon: str, served: Served, card: Card) -> ModelCard:
    folds = tuple(fold for plain in card.folds if (fold := _fold(plain, card)) is not None)
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
        {site: Name(name["zh"], name["en"]) for site, name in card.names.items()},
    )


def _fold(plain: Mapping[str, Any], card: Card) -> FoldScores | None:
    """Return the scores of a fold as a card has them; None without cases."""
    if not plain.get("cases"):
        return None
    return FoldScores(
        date.fromisoformat(plain["first"]),
        date.fromisoformat(plain["last"]),
        str(plain.get("kind", card.kind)),
        int(plain["cases"]),
        int(plain["seen"]),
        float(plain["brier"]),
        float(plain["brier_of_rule"]),
        _number(plain.get("brier_of_base")),
        (float(bounds[0]), float(bounds[1])) if (bounds := plain.get("gain_90")) else None,
        tuple(plain.get("sites", ())),
    )


def _number(plain: Any) -> float | None:
    return None if plain is None else float(plain)
