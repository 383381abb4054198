"""Skill by lead: rival forecasts of the same nights or days, so many days ahead, in one table.

Each row is a forecaster at a lead: Brier score and its skill against climatology, both with a 90 %
interval by weeks, discrimination, miscalibration with what chance would show, and how often it was
right. The climatology is that of the place's own calendar month, from the outcomes of other months
(year and month) only. Without another month there is no skill, nor where all outcomes are alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.verification import Figure
from models import bootstrap
from models.climatology import shrunk
from models.corp import corp_reliability
from models.score_table import DRAWS, FEWEST, SEED
from models.scores import brier, score, skill

Array = NDArray[np.floating[Any]]
Days = NDArray[np.datetime64]

CLIMATOLOGY = "climatology"  # the name of the reference
PROMISED = 0.7  # a forecast from this probability on is a promise


@dataclass(frozen=True, slots=True)
class LeadRow:
    """The scores of a forecaster so many days ahead.

    brier, skill: with 90 % intervals (NaN bounds: too few weeks); skill NaN: no climatology, or one
    that is always right. auc: area under the ROC curve.
    term, highest: miscalibration, and what chance keeps below in 95 %. promised, kept: forecasts of
    at least PROMISED, and those of them that came true. right, usual_right: as of a ScoreLine.
    """

    name: str
    day: int
    cases: int
    observed: int
    brier: Figure
    skill: Figure
    auc: float
    term: float
    highest: float
    promised: int
    kept: int
    right: float
    usual_right: float

    @property
    def reliable(self) -> bool:
        """Whether right probabilities would look as unreliable as these by chance."""
        return self.term <= self.highest

    @property
    def alike(self) -> bool:
        """Whether all outcomes are the same: nothing is told apart."""
        return self.observed in (0, self.cases)

    def line(self) -> str:
        """Return the row as plain text: figures with their intervals, and the counts."""
        skill, auc = _text(self.skill, "+.3f"), f"{self.auc:.2f}"
        if not math.isfinite(self.skill.value):
            skill = "none"
        if self.alike:
            skill, auc = "none", f"none: all outcomes {'yes' if self.observed else 'no'}"
        came = f"{self.kept / self.promised:.2f}" if self.promised else "-"
        return (
            f"+{self.day:<2} d {self.name:<26} n={self.cases:<5} seen={self.observed:<5} "
            f"Brier {_text(self.brier, '.3f')}  skill {skill}  AUC {auc}  "
            f"MCB {self.term:.4f} {'<=' if self.reliable else '> '} {self.highest:.4f}  "
            f"{PROMISED:.0%} promised {self.promised}, came {came}  "
            f"right {self.right:.2f} (usual {self.usual_right:.2f})"
        )


def _text(figure: Figure, form: str) -> str:
    if not math.isfinite(figure.low):
        return f"{figure.value:{form}} [under {FEWEST} weeks]"
    return f"{figure.value:{form}} [{figure.low:{form}}, {figure.high:{form}}]"


def own_climatology(observed: Array, day: Days) -> Array:
    """Return for each case the frequency of its calendar month in all other months (year, month).

    Each day counts once; the frequency is shrunk towards that of all other months. NaN where there
    is no other month.
    """
    days, first, back = np.unique(
        day.astype("datetime64[D]"), return_index=True, return_inverse=True
    )
    seen, month = observed[first], days.astype("datetime64[M]").astype(int)
    result = np.full(len(days), np.nan)
    for own in np.unique(month):
        others = (month != own) & np.isfinite(seen)
        if others.any():
            alike = others & (month % 12 == own % 12)
            mean = seen[others].mean()
            result[month == own] = shrunk(seen[alike].sum(), alike.sum(), mean)
    return np.asarray(result[back])


def persistence(observed: Array, day: Days, ahead: NDArray[np.integer[Any]]) -> Array:
    """Return for each case the outcome of the last day before its issue; NaN where unknown."""
    known = dict(zip(day.astype("datetime64[D]").tolist(), observed.tolist(), strict=True))
    before = (day.astype("datetime64[D]") - ahead - np.timedelta64(1, "D")).tolist()
    return np.array([known.get(one, math.nan) for one in before])


def lead_table(
    forecasts: Mapping[str, Array], observed: Array, day: Days, ahead: NDArray[np.integer[Any]]
) -> list[LeadRow]:
    """Return a row for each lead and forecaster, on the cases that all but persistence forecast.

    forecasts: name -> probability (case); without CLIMATOLOGY among them there is no skill. A
    forecaster whose name is "persistence" is scored on the cases it knows. observed: 0 or 1. day:
    of the event. ahead [day].
    """
    rows = []
    usual = forecasts.get(CLIMATOLOGY, np.full(len(observed), np.nan))
    for lead in np.unique(ahead):
        at = ahead == lead
        others = [p[at] for name, p in forecasts.items() if name != "persistence"]
        known = np.isfinite(observed[at]) & np.all(np.isfinite(others), axis=0)
        for name, p in forecasts.items():
            own = known & np.isfinite(p[at])
            if own.any():
                cases = (p[at][own], usual[at][own], observed[at][own], day[at][own])
                rows.append(_row(name, int(lead), *cases))
    return rows


def _row(
    name: str, lead: int, probability: Array, reference: Array, observed: Array, day: Days
) -> LeadRow:
    loss, usual = (probability - observed) ** 2, (reference - observed) ** 2
    blocks = bootstrap.site_weeks(np.full(len(day), ""), day)
    value, against = brier(probability, observed), brier(reference, observed)
    low = high = (math.nan, math.nan)
    if len(np.unique(blocks)) >= FEWEST:
        sums = bootstrap.resampled_sums(
            np.stack([loss, usual, np.ones(len(loss))], axis=1), blocks, DRAWS, SEED
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            low = bootstrap.percentile_interval(sums[:, 0] / sums[:, 2])
            high = bootstrap.percentile_interval(1 - sums[:, 0] / sums[:, 1])
    curve, found = corp_reliability(probability, observed), score(probability, observed)
    promised = probability >= PROMISED
    share = float(observed.mean())
    return LeadRow(
        name,
        lead,
        len(observed),
        int(observed.sum()),
        Figure(value, *low, len(observed)),
        Figure(skill(value, against), *high, len(observed)),
        found.auc,
        curve.term,
        curve.highest,
        int(promised.sum()),
        int(observed[promised].sum()),
        float(np.mean((probability >= 0.5) == (observed > 0.5))),
        max(share, 1 - share),
    )
