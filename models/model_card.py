"""Model card: what a model is, what it was trained on, and its scores on held-out days.

It is plain JSON beside the model's file.
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
from models import learned_night, night_sky_model
from models.bootstrap import site_weeks
from models.learned import rule_print
from models.score_table import mean_interval
from models.scores import skill
from models.selection import losses
from models.training import Trained, rule_on

# 2: every model returns to the usual frequency beyond the leads it was trained on; those of format
# 1 do not, and are refused
FORMAT, OUTDATED = 2, 1
LARGEST_CARD = 1_000_000  # [byte]
LIBRARIES = ("numpy", "scipy", "scikit-learn", "skops")


@dataclass(frozen=True)
class Card:
    """Description of a model.

    features: (name, unit) in the order of its columns. rule: fingerprint of the rule. span: first
    and last day of the training cases. sources, sites: number of cases of each. scores, folds: of
    the whole and by fold, on held-out blocks (Brier score of the model and of the rule on the same
    cases, their number; of a sea of clouds four_states too; in scores also by_lead, see
    models/lead_table.py). model_sha256, data_sha256: of the model's file and of the training cases.
    note: what a reader must know before relying on it; note_zh: the same in Chinese. left_out: what
    was held out together (month, week or mountain; "": an older card, unknown). names: of sites
    that are not served.
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


def print_for(kind: str, phenomenon: str) -> str:
    """Return the fingerprint of what a model of a kind takes from the code, as on its card."""
    if kind == night_sky_model.KIND:
        return night_sky_model.terms_print()
    return learned_night.form_print() if kind == learned_night.KIND else rule_print(phenomenon)


def feature_units(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return (name, unit) of features, by today's catalogue.

    Raises: ModelMismatch for a name that is not in the catalogue.
    """
    if absent := [name for name in names if name not in FEATURES]:
        raise ModelMismatch(
            f"the catalogue of features has no {', '.join(absent)}: "
            "the model was made for another version; train it again"
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
    """Return the card of a training. made: when (UTC); left_out: the kind of block held out."""
    data, whole = trained.data, trained.fitted_on
    days = np.sort(whole.day.astype("datetime64[D]"))
    return Card(
        id=id_of(trained, made),
        phenomenon=trained.phenomenon,
        kind=trained.kind,
        made=f"{made:%Y-%m-%dT%H:%M:%SZ}",
        features=feature_units(trained.model.columns),
        rule=print_for(trained.kind, trained.phenomenon),
        span=(str(days[0]), str(days[-1])),
        cases=len(whole),
        events=int(whole.observed.sum()),
        sources=_counts(whole.source),
        sites=_counts(whole.site),
        leads=(float(np.nanmin(whole.lead)), float(np.nanmax(whole.lead))),
        data_sha256=whole.fingerprint(),
        model_sha256=model_sha256,
        model_bytes=model_bytes,
        scores=_scores(trained, np.ones(len(data), dtype=bool), whole=True),
        folds=tuple(_fold(trained, number) for number in range(len(trained.validation.chosen))),
        versions=versions(),
        note=note,
        trained_on=trained_on,
        left_out=left_out,
    )


def id_of(trained: Trained, made: datetime) -> str:
    """Return the id of a training; the same time, kind and cases give the same id."""
    return f"{made:%Y%m%dT%H%M%SZ}-{trained.kind}-{trained.fitted_on.fingerprint()[:8]}"


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that make a model."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def read_card(text: str) -> Card:
    """Return the card of a JSON text.

    Raises: ModelMismatch for anything that is not a card, and for one of an earlier format.
    """
    try:
        entries = json.loads(text)
        if entries.get("format") == OUTDATED:
            raise ModelMismatch(
                f"{entries.get('phenomenon')}/{entries.get('id')}: made by an earlier version, "
                "whose models did not return to the usual frequency far ahead; train it again"
            )
        if entries.get("format") != FORMAT:
            raise ValueError(f"format {entries.get('format')!r}, expected {FORMAT}")
        known = {part.name for part in fields(Card)}
        if unknown := entries.keys() - known:
            raise ValueError(f"unknown entries {sorted(unknown)}")
        entries["features"] = tuple((str(name), str(unit)) for name, unit in entries["features"])
        entries["span"], entries["leads"], entries["folds"] = (
            tuple(entries[name]) for name in ("span", "leads", "folds")
        )
        wrong = [
            name
            for name in ("id", "phenomenon", "kind", "rule", "data_sha256", "model_sha256")
            if not isinstance(entries[name], str)
        ]
        if wrong:
            raise ValueError(f"{wrong[0]} is no text")
        return Card(**entries)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelMismatch(
            f"not the card of a model: {error}; expected the JSON written beside the model's file"
        ) from error


def _counts(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(str(value) for value in values).items()))


def _scores(trained: Trained, rows: Any, whole: bool = False) -> dict[str, Any]:
    """Return the Brier scores of model, rule and base rate on held-out cases, and their number.

    They are of the yes-or-no event. A sea of clouds has its four-state score too, on which models
    are chosen. whole: also the gain in Brier score against the rule with its 90 % interval, by
    weeks of a site; None where these are too few.
    """
    data = trained.data.take(rows)
    held_out, rule = trained.held_out[rows], rule_on(data)
    known = np.isfinite(held_out).all(axis=1) & np.isfinite(rule).all(axis=1)
    if not known.any():
        return {"cases": 0}
    # the headline is the first state of a sea of clouds, the second class of all else
    headline = 0 if data.classes > 2 else 1
    observed = data.observed[known]
    ours, theirs = ((p[known, headline] - observed) ** 2 for p in (held_out, rule))
    mean, of_rule, base = float(ours.mean()), float(theirs.mean()), float(observed.mean())
    constant, gains = base * (1 - base), theirs - ours
    interval = (
        mean_interval(gains, site_weeks(data.site[known], data.day[known])) if whole else None
    )
    gain = (
        {
            "gain": round(float(gains.mean()), 5),
            "gain_90": [round(x, 5) for x in interval] if interval else None,
        }
        if whole
        else {}
    )
    states = {}
    if data.classes > 2:
        of_states = (losses(p, data.among)[known].mean() for p in (held_out, rule))
        names = ("four_states", "four_states_of_rule")
        states = {name: round(float(x), 5) for name, x in zip(names, of_states, strict=True)}
    return gain | {
        "cases": int(known.sum()),
        "seen": int(observed.sum()),
        "brier": round(mean, 5),
        "brier_of_rule": round(of_rule, 5),
        "skill_against_rule": None if of_rule == 0 else round(skill(mean, of_rule), 4),
        "brier_of_base": round(constant, 5),
        "skill_against_climatology": round(1 - mean / constant, 4) if constant > 0 else None,
        **states,
    }


def _fold(trained: Trained, number: int) -> dict[str, Any]:
    rows = trained.validation.fold == number
    days = np.sort(trained.data.day[rows].astype("datetime64[D]"))
    return {
        "kind": trained.validation.chosen[number],
        "sites": sorted(set(trained.data.site[rows].tolist())),
        "first": str(days[0]),
        "last": str(days[-1]),
        **_scores(trained, rows),
    }
