"""What serves, and what it was made of: a page on the model behind each phenomenon, in plain words,
then in figures.

An untrained rule is called one. A model that has learnt says from what, whether that was here, and
how it did on days it had not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from forecast.domain import OUTCOME_SOURCES, Name
from forecast.verification import Fold, ModelCard
from products.bulletin import Bulletin
from products.wording import Words

COLUMNS = ("days", "kind", "cases", "brier", "rule")
# what tests left out together, as cards name it; "block": an older card does not tell
LEFT_OUT = ("mountain", "month", "week")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page says of one model.

    said: sentence by sentence; own: what whoever trained it adds, in his words (language,
    sentence); left_out: of LEFT_OUT, or "block";
    rows: folds (the cells of COLUMNS); features: labels; facts: (id of the label, value).
    """

    phenomenon: str
    name: str
    trained: bool
    said: tuple[str, ...]
    own: tuple[tuple[str, str], ...]
    left_out: str
    rows: tuple[tuple[str, ...], ...]
    features: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def sheets(bulletin: Bulletin, words: Words) -> tuple[Sheet, ...]:
    """Return what is said of each model that serves a phenomenon of the bulletin."""
    asked = {p for section in bulletin.sections for p in section.site.phenomena}
    names = {section.site.id: section.site.name for section in bulletin.sections}
    return tuple(
        sheet(card, names, bulletin.demonstration, words)
        for card in bulletin.models_in_force
        if card.phenomenon in asked
    )


def sheet(card: ModelCard, names: dict[str, Name], demonstration: bool, words: Words) -> Sheet:
    """Return what is said of one model. names: of the sites served."""
    said = list(_learnt(card, names, words) if card.trained else [words("model_card.rule")])
    if demonstration and card.trained and card.sites.keys() & names.keys():
        said.append(words("model_card.simulated"))
    if card.refused:
        said.append(words("model_card.refused", count=len(card.refused)))
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
    note = ("zh", card.note_zh) if words.language == "zh" and card.note_zh else ("en", card.note)
    places = {**card.names, **names}
    return Sheet(
        card.phenomenon,
        card.name,
        card.trained,
        tuple(said),
        tuple(each for each in (note, ("en", card.trained_on)) if each[1]),
        _left_out(card),
        tuple(_row(fold, days, _left_out(card), places, words) for fold, days in folds),
        tuple(words(f"feature.{name}.label") for name in card.features),
        tuple((label, value) for label, value in facts if value),
    )


def _learnt(card: ModelCard, names: dict[str, Name], words: Words) -> list[str]:
    """Return the sentences on a model that has learnt: from what, where, and how good it is."""
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
    told = [
        words(
            "model_card.learnt",
            cases=card.cases,
            seen=card.seen,
            kind=_kind(card.kind, words),
            **span,
        )
    ]
    told.append(
        words("model_card.from", sources=words.listed(sources), places=words.listed(places))
    )
    if not card.sites.keys() & names.keys():
        told.append(words("model_card.elsewhere"))
    if set(card.sources) == {"analysis"}:
        told.append(words("model_card.only_analysis"))
    if card.whole is None:
        told.append(words("model_card.unjudged"))
    else:
        way = "better" if card.whole.brier < card.whole.brier_of_rule else "not_better"
        blanks = {
            "cases": card.whole.cases,
            "ours": _score(card.whole.brier),
            "rule": _score(card.whole.brier_of_rule),
        }
        told.append(words(f"model_card.{way}", **blanks))
        told += _sure(card.whole, words)
    return told


def _sure(whole: Fold, words: Words) -> list[str]:
    """Return how sure the gain on the rule is, and how always saying the same would have done."""
    told = []
    if whole.gain is not None:
        low, high = whole.gain
        sure = "surely_better" if low > 0 else "surely_worse" if high < 0 else "unsure"
        told.append(words(f"model_card.{sure}", low=f"{low:+.3f}", high=f"{high:+.3f}"))
    if whole.brier_of_base is not None:
        way = "base_worse" if whole.brier < whole.brier_of_base else "base_better"
        told.append(
            words(
                f"model_card.{way}",
                often=words.percent(whole.seen / whole.cases),
                base=_score(whole.brier_of_base),
            )
        )
    return told


def _left_out(card: ModelCard) -> str:
    return card.left_out if card.left_out in LEFT_OUT else "block"


def _row(
    fold: Fold, days: str | None, left_out: str, places: Mapping[str, Name], words: Words
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
        f"{fold.cases} / {fold.seen}",
        _score(fold.brier),
        _score(fold.brier_of_rule),
    )


def _kind(kind: str, words: Words) -> str:
    return words(f"model_card.kind.{kind}") if kind in KINDS else kind


KINDS: Sequence[str] = ("prior", "logistic", "blend", "boosting", "forest")


def _score(value: float) -> str:
    return f"{value:.3f}"


def _dated(day: date, words: Words) -> str:
    return words("model_card.day", year=day.year, month=words(f"month.{day.month}"), day=day.day)
