"""Model cards for readers: what a page shows of the models in force."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

import numpy as np

from forecast.domain import Name
from forecast.model_description import FoldScores, LeadScore, LeadWorth, ModelCard
from forecast.verification import Figure
from models.lead import SCALES
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
            worth=worth_of(phenomenon),
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
        _by_lead(card.scores.get("by_lead", ())),
        _by_lead(card.scores.get("by_lead_bare", ())),
        worth_of(phenomenon),
    )


def worth_of(phenomenon: str) -> LeadWorth | None:
    """Return what a forecast of a phenomenon keeps of its weight further ahead; None: unknown."""
    scale = SCALES.get(phenomenon)
    if scale is None:
        return None
    days = np.arange(0.0, 30.0, 0.1)
    half = days[np.argmax(scale.worth(24 * days) <= 0.5)]
    kind = "measured" if scale.measured else "drawn" if scale.in_features else "borrowed"
    return LeadWorth(float(half), kind, scale.source)


def _by_lead(rows: Iterable[Mapping[str, Any]]) -> tuple[LeadScore, ...]:
    """Return the scores by days ahead as a card has them, the nearest first."""
    return tuple(sorted(map(_lead_score, rows), key=lambda score: score.day))


def _lead_score(row: Mapping[str, Any]) -> LeadScore:
    low, high = row["skill_90"]
    cases = int(row["cases"])
    return LeadScore(
        int(row["day"]),
        cases,
        int(row["observed"]),
        float(row["right"]),
        float(row["usual_right"]),
        Figure(float(row["skill"]), float(low), float(high), cases),
    )


def _fold(plain: Mapping[str, Any], card: Card) -> FoldScores | None:
    """Return the scores of a fold as a card has them; None without cases."""
    if not plain.get("cases"):
        return None
    if card.phenomenon == "sea_of_clouds" and "four_states" not in plain:
        # a card from before the two scores had names of their own: its sum is over the states
        plain = {
            "four_states": plain["brier"],
            "four_states_of_rule": plain["brier_of_rule"],
            **{key: plain.get(key) for key in ("first", "last", "kind", "cases", "seen", "sites")},
        }
    return FoldScores(
        date.fromisoformat(plain["first"]),
        date.fromisoformat(plain["last"]),
        str(plain.get("kind") or card.kind),
        int(plain["cases"]),
        int(plain["seen"]),
        _or_nan(plain.get("brier")),
        _or_nan(plain.get("brier_of_rule")),
        _number(plain.get("brier_of_base")),
        (float(bounds[0]), float(bounds[1])) if (bounds := plain.get("gain_90")) else None,
        tuple(plain.get("sites") or ()),
        _or_nan(plain.get("four_states")),
        _or_nan(plain.get("four_states_of_rule")),
    )


def _number(plain: Any) -> float | None:
    return None if plain is None else float(plain)


def _or_nan(plain: Any) -> float:
    return math.nan if plain is None else float(plain)
