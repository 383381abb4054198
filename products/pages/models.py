"""The model page: what each model in force was trained on and how good it is, in words and figures.

A rule is named as one. For a trained model the page gives the source and place of its cases, and
its scores on cases it was not trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from forecast.domain import OUTCOME_SOURCES, Name
from forecast.model_description import FoldScores, ModelCard
from products.bulletin import Bulletin
from products.units import MINUS
from products.wording import Words

COLUMNS = ("days", "kind", "cases", "brier", "rule")
# what a fold leaves out, as cards name it; "block": an older card does not name it
LEFT_OUT = ("mountain", "month", "week")


@dataclass(frozen=True, slots=True)
class CardText:
    """The card of one model in words.

    notes: of its trainer (language, sentence). left_out: of LEFT_OUT, or "block". rows: a fold each
    (cells of COLUMNS). features: labels. facts: (id of the label, value).
    """

    phenomenon: str
    name: str
    trained: bool
    sentences: tuple[str, ...]
    notes: tuple[tuple[str, str], ...]
    left_out: str
    rows: tuple[tuple[str, ...], ...]
    features: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def card_texts(bulletin: Bulletin, words: Words) -> tuple[CardText, ...]:
    """Return the card of each model in force for a phenomenon of the bulletin, in words."""
    phenomena = {p for section in bulletin.sections for p in section.site.phenomena}
    names = {section.site.id: section.site.name for section in bulletin.sections}
    return tuple(
        card_text(card, names, bulletin.demonstration, words)
        for card in bulletin.models_in_force
        if card.phenomenon in phenomena
    )


def card_text(
    card: ModelCard, names: dict[str, Name], demonstration: bool, words: Words
) -> CardText:
    """Return the card of one model in words. names: of the sites of the bulletin."""
    sentences = list(_training(card, names, words) if card.trained else [words("model_card.rule")])
    if demonstration and card.trained and card.sites.keys() & names.keys():
        sentences.append(words("model_card.simulated"))
    if card.phenomenon == "sea_of_clouds":
        sentences.append(words("model_card.sea_high"))
    if card.refused:
        sentences.append(words("model_card.refused", count=len(card.refused)))
    folds = [(each, None) for each in card.folds] + (
        [(card.whole, words("model_card.all"))] if card.whole is not None else []
    )
    facts = [
        ("hash", card.model_sha256),
        ("data_hash", card.data_sha256),
        (
            "versions",
            words.listed(
                [f"{library} {version}" for library, version in sorted(card.versions.items())]
            ),
        ),
    ]
    notes = [("en", card.note), ("en", card.trained_on)]
    if words.language == "zh" and card.note_zh:
        notes = [("zh", card.note_zh)]  # names the data of the training itself
    places = {**card.names, **names}
    return CardText(
        phenomenon=card.phenomenon,
        name=card.name,
        trained=card.trained,
        sentences=tuple(sentences),
        notes=tuple(each for each in notes if each[1]),
        left_out=_left_out(card),
        rows=tuple(_row(fold, days, _left_out(card), places, words) for fold, days in folds),
        features=tuple(words(f"feature.{name}.label") for name in card.features),
        facts=tuple((label, value) for label, value in facts if value),
    )


def _training(card: ModelCard, names: dict[str, Name], words: Words) -> list[str]:
    """Return the sentences on a trained model: its cases, their places, and its scores."""
    sources = [
        words(
            "model_card.count",
            what=words(f"verification.source.{source}"),
            cases=card.sources[source],
        )
        for source in OUTCOME_SOURCES
        if card.sources.get(source)
    ]
    known = {**card.names, **names}
    places = [
        words(
            "model_card.count", what=words.name(known[site]) if site in known else site, cases=count
        )
        for site, count in sorted(card.sites.items(), key=lambda each: -each[1])
    ]
    span = (
        {}
        if card.span is None
        else {"first": _dated(card.span[0], words), "last": _dated(card.span[1], words)}
    )
    sentences = [
        words(
            "model_card.learnt",
            cases=card.cases,
            seen=card.observed,
            kind=_kind(card.kind, words),
            **span,
        )
    ]
    sentences.append(
        words("model_card.from", sources=words.listed(sources), places=words.listed(places))
    )
    if not card.sites.keys() & names.keys():
        sentences.append(words("model_card.elsewhere"))
    if set(card.sources) == {"analysis"}:
        sentences.append(words("model_card.only_analysis"))
    if card.whole is None:
        sentences.append(words("model_card.unjudged"))
    else:
        sentences += _scores(card.whole, words)
    return sentences


def _scores(whole: FoldScores, words: Words) -> list[str]:
    """Return the Brier score beside the rule's, and of a sea of clouds the four-state score."""
    sentences = []
    if math.isfinite(whole.brier):
        key = "better" if whole.brier < whole.brier_of_rule else "not_better"
        sentences.append(
            words(
                f"model_card.{key}",
                cases=whole.cases,
                ours=_score(whole.brier),
                rule=_score(whole.brier_of_rule),
            )
        )
    if math.isfinite(whole.states):
        ours, rule = _score(whole.states), _score(whole.states_of_rule)
        sentences.append(words("model_card.states", cases=whole.cases, ours=ours, rule=rule))
    return sentences + _gain(whole, words)


def _gain(whole: FoldScores, words: Words) -> list[str]:
    """Return the interval of the gain on the rule, and the score of the base rate."""
    sentences = []
    if whole.gain is not None:
        low, high = whole.gain
        key = "surely_better" if low > 0 else "surely_worse" if high < 0 else "unsure"
        sentences.append(words(f"model_card.{key}", low=_signed(low), high=_signed(high)))
    if whole.brier_of_base is not None:
        key = "base_worse" if whole.brier < whole.brier_of_base else "base_better"
        sentences.append(
            words(
                f"model_card.{key}",
                often=words.percent(whole.observed / whole.cases),
                base=_score(whole.brier_of_base),
            )
        )
    return sentences


def _left_out(card: ModelCard) -> str:
    return card.left_out if card.left_out in LEFT_OUT else "block"


def _row(
    fold: FoldScores, days: str | None, left_out: str, places: Mapping[str, Name], words: Words
) -> tuple[str, ...]:
    if left_out == "mountain" and fold.sites:
        days = days or words.listed(
            [words.name(places[site]) if site in places else site for site in fold.sites]
        )
    span = days or words(
        "model_card.span", first=_dated(fold.first, words), last=_dated(fold.last, words)
    )
    return (
        span,
        _kind(fold.kind, words),
        f"{fold.cases} / {fold.observed}",
        _score(fold.brier),
        _score(fold.brier_of_rule),
    )


def _kind(kind: str, words: Words) -> str:
    return words(f"model_card.kind.{kind}") if kind in KINDS else kind


KINDS: Sequence[str] = (
    "prior",
    "adjusted_night",
    "night",
    "logistic",
    "blend",
    "boosting",
    "forest",
)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", MINUS)


def _score(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "\u2014"


def _dated(day: date, words: Words) -> str:
    return words("model_card.day", year=day.year, month=words(f"month.{day.month}"), day=day.day)
