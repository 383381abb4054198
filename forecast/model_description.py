"""The nouns of a model's description: what readers see of the model in force, and of its worth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from forecast.domain import Name
from forecast.verification import Figure


@dataclass(frozen=True, slots=True)
class LeadScore:
    """The scores of forecasts so many days ahead, on days left out of the training.

    day: days ahead, 0 for today or tonight. right, usual_right: as of a ScoreLine. skill: Brier
    skill against climatology.
    """

    day: int
    cases: int
    observed: int
    right: float
    usual_right: float
    skill: Figure


@dataclass(frozen=True, slots=True)
class LeadWorth:
    """What the weather is worth in forecasts of a phenomenon further ahead (models/lead.py).

    half: days ahead after which half of its weight is left. kind: one of WORTH_KINDS. source: on
    what it was measured.
    """

    half: float
    kind: str
    source: str


# Measured on this phenomenon; borrowed from another; in the draws of forecast errors themselves.
WORTH_KINDS = ("measured", "borrowed", "drawn")


@dataclass(frozen=True, slots=True)
class FoldScores:
    """The scores of a model on one block of days left out of its training.

    observed: cases in which the phenomenon occurred. brier, brier_of_rule, brier_of_base: of the
    model, the untrained rule and the base rate, on the same cases, of the yes-or-no event (NaN:
    unknown). states, states_of_rule: four-state scores of a sea of clouds (NaN for all else). gain:
    90 % interval of the rule's Brier score minus the model's. sites: ids of the sites.
    """

    first: date
    last: date
    kind: str
    cases: int
    observed: int
    brier: float
    brier_of_rule: float
    brier_of_base: float | None = None
    gain: tuple[float, float] | None = None
    sites: tuple[str, ...] = ()
    states: float = math.nan
    states_of_rule: float = math.nan


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What readers see of the model in force for a phenomenon.

    made: None for the untrained rule, which has few other fields. sources, sites: training cases by
    source of truth and by site. observed: cases in which the phenomenon occurred. whole: all folds
    together, None where there are no scores. note, note_zh, trained_on: free text. refused: why
    other models are not in force. left_out: what each fold left out (month, week, mountain; "":
    unknown). names: of sites that the service does not have. by_lead: scores by days ahead, the
    nearest first; by_lead_bare: those without the features that it can do without. worth: what a
    forecast keeps of its weight further ahead.
    """

    phenomenon: str
    name: str
    kind: str = "rule"
    made: datetime | None = None
    features: tuple[str, ...] = ()
    span: tuple[date, date] | None = None
    cases: int = 0
    observed: int = 0
    sources: Mapping[str, int] = field(default_factory=dict)
    sites: Mapping[str, int] = field(default_factory=dict)
    whole: FoldScores | None = None
    folds: tuple[FoldScores, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    data_sha256: str = ""
    model_sha256: str = ""
    note: str = ""
    trained_on: str = ""
    refused: tuple[str, ...] = ()
    note_zh: str = ""
    left_out: str = ""
    names: Mapping[str, Name] = field(default_factory=dict)
    by_lead: tuple[LeadScore, ...] = ()
    by_lead_bare: tuple[LeadScore, ...] = ()
    worth: LeadWorth | None = None

    @property
    def trained(self) -> bool:
        return self.made is not None
