"""What serves, and what it was made of: a page on the model behind each phenomenon, in plain words, then in figures.

An untrained rule is called one. A model that has learnt says from what, whether that was here, and how it did on days it had not seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from forecast.domain import OUTCOME_SOURCES, Name
from forecast.hindsight import Fold, ModelCard
from products.bulletins import Bulletin
from products.wording import Words

COLUMNS = ("days", "kind", "cases", "brier", "rule")


@dataclass(frozen=True, slots=True)
class Sheet:
    """What the page says of one model.

    said: sentence by sentence; own: what whoever trained it adds, in his words; rows: folds (the cells of COLUMNS); features: labels;
    facts: (id of the label, value).
    """

    phenomenon: str
    name: str
    trained: bool
    said: tuple[str, ...]
    own: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    features: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def sheets(bulletin: Bulletin, words: Words) -> tuple[Sheet, ...]:
    """Return what is said of each model that serves a phenomenon of the bulletin."""
    asked = {p for section in bulletin.sections for p in section.site.phenomena}
    names = {section.site.id: section.site.name for section in bulletin.sections}
    return tuple(sheet(card, names, bulletin.demonstration, words) for card in bulletin.models_in_force if card.phenomenon in asked)


def sheet(card: ModelCard, names: dict[str, Name], demonstration: bool, words: Words) -> Sheet:
    """Return what is said of one model. names: of the sites served."""
    said = list(_learnt(card, names, words) if card.trained else [words("model_card.rule")])
    if demonstration and card.trained and card.sites.keys() & names.keys():
        said.append(words("model_card.simulated"))
    if card.refused:
        said.append(words("model_card.refused", count=len(card.refused)))
    folds = [(each, None) for each in card.folds] + ([(card.whole, words("model_card.all"))] if card.whole is not None else [])
    facts = [("hash", card.model_sha256), ("data_hash", card.data_sha256),
             ("versions", words.listed([f"{library} {version}" for library, version in sorted(card.versions.items())]))]
    return Sheet(
        card.phenomenon, card.name, card.trained, tuple(said), tuple(text for text in (card.note, card.trained_on) if text),
        tuple(_row(fold, days, words) for fold, days in folds), tuple(words(f"feature.{name}.label") for name in card.features),
        tuple((label, value) for label, value in facts if value),
    )


def _learnt(card: ModelCard, names: dict[str, Name], words: Words) -> list[str]:
    """Return the sentences on a model that has learnt: from what, where, and how good it is."""
    sources = [words("model_card.count", what=words(f"verification.source.{source}"), cases=card.sources[source])
               for source in OUTCOME_SOURCES if card.sources.get(source)]
    places = [words("model_card.count", what=words.name(names[site]) if site in names else site, cases=count)
              for site, count in sorted(card.sites.items(), key=lambda each: -each[1])]
    span = {} if card.span is None else {"first": _dated(card.span[0], words), "last": _dated(card.span[1], words)}
    told = [words("model_card.learnt", cases=card.cases, seen=card.seen, kind=_kind(card.kind, words), **span)]
    told.append(words("model_card.from", sources=words.listed(sources), places=words.listed(places)))
    if not card.sites.keys() & names.keys():
        told.append(words("model_card.elsewhere"))
    if set(card.sources) == {"analysis"}:
        told.append(words("model_card.only_analysis"))
    if card.whole is None:
        told.append(words("model_card.unjudged"))
    else:
        way = "better" if card.whole.brier < card.whole.brier_of_rule else "not_better"
        blanks = {"cases": card.whole.cases, "ours": _score(card.whole.brier), "rule": _score(card.whole.brier_of_rule)}
        told.append(words(f"model_card.{way}", **blanks))
    return told


def _row(fold: Fold, days: str | None, words: Words) -> tuple[str, ...]:
    span = days or words("model_card.span", first=_dated(fold.first, words), last=_dated(fold.last, words))
    return span, _kind(fold.kind, words), f"{fold.cases} / {fold.seen}", _score(fold.brier), _score(fold.brier_of_rule)


def _kind(kind: str, words: Words) -> str:
    return words(f"model_card.kind.{kind}") if kind in KINDS else kind


KINDS: Sequence[str] = ("prior", "logistic", "blend", "boosting", "forest")


def _score(value: float) -> str:
    return f"{value:.3f}"


def _dated(day: date, words: Words) -> str:
    return words("model_card.day", year=day.year, month=words(f"month.{day.month}"), day=day.day)
