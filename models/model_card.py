"""The card of a model: what it is, what it was trained on, how good it was on days it had not seen.
Plain JSON beside the model's file.
"""

from __future__ import annotations

import json
import platform
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from forecast.errors import ModelMismatch
from forecast.quantities import FEATURES
from models.bootstrap import site_weeks
from models.learned import rule_print
from models.score_table import mean_interval
from models.scores import skill
from models.selection import losses
from models.training import Trained, rule_on

FORMAT = 1
LARGEST_CARD = 1_000_000  # [byte]
LIBRARIES = ("numpy", "scipy", "scikit-learn", "skops")


@dataclass(frozen=True)
class Card:
    """What is known of a model.

    features: (name, unit) in the order of its columns; span: first and last day learnt from;
    sources, sites: cases by each; scores: of the whole, and by fold, on blocks left out (Brier of
    the model and of the rule on the same cases, their number); sha256 of the model's file and of
    what it was trained on; note: what a reader must know before he trusts it, note_zh: the same in
    Chinese. left_out: what was left out together when it was judged (month, week or mountain; "":
    an older card, not told); names: of sites that are not served.
    """

    id: str
    phenomenon: str
    kind: str
    made: str
    features: tuple[tuple[str, str], ...]
    rule: str
    span: tuple[str, str]
    cases: int
    events: int
    sources: Mapping[str, int]
    sites: Mapping[str, int]
    leads: tuple[float, float]
    data_sha256: str
    model_sha256: str
    model_bytes: int
    scores: Mapping[str, Any]
    folds: tuple[Mapping[str, Any], ...]
    versions: Mapping[str, str]
    note: str = ""
    trained_on: str = ""
    note_zh: str = ""
    left_out: str = ""
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    format: int = field(default=FORMAT)

    def text(self) -> str:
        """Return the card as JSON; it is the same for the same card."""
        return (
            json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
            + "\n"
        )


def units_of(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return (name, unit) of features as today's catalogue has them.

    Raises: ModelMismatch for a name that the catalogue does not hold.
    """
    if absent := [name for name in names if name not in FEATURES]:
        raise ModelMismatch(
            f"the catalogue of features has no {', '.join(absent)}: the model was made for another version; train it anew"
        )
    return tuple((name, FEATURES[name].unit) for name in names)


def card_of(
    trained: Trained,
    made: datetime,
    model_sha256: str,
    model_bytes: int,
    note: str = "",
    trained_on: str = "",
    left_out: str = "",
) -> Card:
    """Return the card of a training; made: when (UTC); left_out: what the blocks were that it was
    judged on.
    """
    data, whole = trained.data, trained.learnt_from
    days = np.sort(whole.day.astype("datetime64[D]"))
    return Card(
        id=id_of(trained, made),
        phenomenon=trained.phenomenon,
        kind=trained.kind,
        made=f"{made:%Y-%m-%dT%H:%M:%SZ}",
        features=units_of(trained.model.columns),
        rule=rule_print(trained.phenomenon),
        span=(str(days[0]), str(days[-1])),
        cases=len(whole),
        events=int(whole.seen.sum()),
        sources=_counts(whole.source),
        sites=_counts(whole.site),
        leads=(float(np.nanmin(whole.lead)), float(np.nanmax(whole.lead))),
        data_sha256=whole.fingerprint(),
        model_sha256=model_sha256,
        model_bytes=model_bytes,
        scores=_scores(trained, np.ones(len(data), dtype=bool), whole=True),
        folds=tuple(_fold(trained, number) for number in range(len(trained.judged.chosen))),
        versions=versions(),
        note=note,
        trained_on=trained_on,
        left_out=left_out,
    )


def id_of(trained: Trained, made: datetime) -> str:
    """Return the id of a training: the same data, kind and time are the same model."""
    return f"{made:%Y%m%dT%H%M%SZ}-{trained.kind}-{trained.learnt_from.fingerprint()[:8]}"


def versions() -> dict[str, str]:
    """Return the versions of what made a model."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def read_card(text: str) -> Card:
    """Check a card's JSON and return it.

    Raises: ModelMismatch for what is not such a card.
    """
    try:
        told = json.loads(text)
        if told.get("format") != FORMAT:
            raise ValueError(f"format {told.get('format')!r}, expected {FORMAT}")
        known = {part.name for part in fields(Card)}
        if unknown := told.keys() - known:
            raise ValueError(f"unknown entries {sorted(unknown)}")
        told["features"] = tuple((str(name), str(unit)) for name, unit in told["features"])
        told["span"], told["leads"], told["folds"] = (
            tuple(told[name]) for name in ("span", "leads", "folds")
        )
        wrong = [
            name
            for name in ("id", "phenomenon", "kind", "rule", "data_sha256", "model_sha256")
            if not isinstance(told[name], str)
        ]
        if wrong:
            raise ValueError(f"{wrong[0]} is no text")
        return Card(**told)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelMismatch(
            f"not the card of a model: {error}; expected the JSON written beside the model's file"
        ) from error


def _counts(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(str(value) for value in values).items()))


def _scores(trained: Trained, rows: Any, whole: bool = False) -> dict[str, Any]:
    """Return Brier on cases left out, the rule's and the constant base rate's (of these cases) on
    the same, and their number.

    whole: also the gain against the rule with its 90 % interval, weeks of a site redrawn together;
    None where they are too few.
    """
    data = trained.data.take(rows)
    ours, rule = losses(trained.held_out[rows], data.among), losses(rule_on(data), data.among)
    known = np.isfinite(ours) & np.isfinite(rule)
    if not known.any():
        return {"cases": 0}
    seen = data.seen[known]
    mean, theirs, base = float(ours[known].mean()), float(rule[known].mean()), float(seen.mean())
    constant = base * (1 - base)
    gains = rule[known] - ours[known]
    interval = (
        mean_interval(gains, site_weeks(data.site[known], data.day[known])) if whole else None
    )
    told = (
        {
            "gain": round(float(gains.mean()), 5),
            "gain_90": [round(x, 5) for x in interval] if interval else None,
        }
        if whole
        else {}
    )
    # else losses are over the states, and no constant of one number compares
    headline = data.state is None or not (data.state != "").any()
    return told | {
        "cases": int(known.sum()),
        "seen": int(seen.sum()),
        "brier": round(mean, 5),
        "brier_of_rule": round(theirs, 5),
        "skill_against_rule": None if theirs == 0 else round(skill(mean, theirs), 4),
        "brier_of_base": round(constant, 5) if headline else None,
        "skill_against_climatology": round(1 - mean / constant, 4)
        if headline and constant > 0
        else None,
    }


def _fold(trained: Trained, number: int) -> dict[str, Any]:
    rows = trained.judged.fold == number
    days = np.sort(trained.data.day[rows].astype("datetime64[D]"))
    return {
        "kind": trained.judged.chosen[number],
        "sites": sorted(set(trained.data.site[rows].tolist())),
        "first": str(days[0]),
        "last": str(days[-1]),
        **_scores(trained, rows),
    }
