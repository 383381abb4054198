"""Confidence: is the skill that a forecast is said to have the one it has?

models/lead.py states a skill at lead 0 for each phenomenon, whose decrease with lead gives the
skill to expect, and from that the confidence. Both are measured here: the skill at lead 0 that
fits those of all leads best, and the skill of all forecasts of one confidence together. At the
lowest the 90 % interval must reach below MEDIUM, at the highest it must lie above it, and at each
reach the skills that the confidence stands for. Glow and disk are those of a simulated world
(glow_errors.py), as no label exists; the sea of clouds is also held against labelled mornings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from models.bootstrap import site_weeks
from models.lead import HIGH, MEDIUM, SCALES, confidence_of
from models.training import rule_on
from tests.science import glow_errors, lead, learning, night_sky
from tests.science.claims import Claim

TOPIC = "confidence"
Array = NDArray[np.floating[Any]]
NAMES = {3: "high", 2: "medium", 1: "low"}
LIMITS = {3: (HIGH, 1.0), 2: (MEDIUM, HIGH), 1: (-1.0, MEDIUM)}
SKILL_APART = 0.03  # [1] of the skill at lead 0 stated and measured
DRAWN = {"sunset_glow": "glow", "sunrise": "disk"}  # by the names of glow_errors.world
SEA_AT = "wunvshan"  # where mornings without a sea are labelled, too


@dataclass(frozen=True)
class Judged:
    """Forecasts, usual frequencies, what came, lead [h], night and days ahead, each (case)."""

    probability: Array
    usual: Array
    observed: NDArray[Any]
    lead: Array
    night: NDArray[np.datetime64]
    ahead: NDArray[np.integer[Any]]

    def skill(self, rows: NDArray[np.bool_]) -> tuple[float, float, float]:
        """Return the Brier skill of the cases `rows` and its 90 % interval."""
        told, usual = self.probability[rows], self.usual[rows]
        return lead.skill_interval(told, usual, self.observed[rows], self.night[rows])


@cache
def judged(shared: Path) -> dict[str, tuple[str, Judged]]:
    """Return for each phenomenon by what it is judged, and the forecasts."""
    result = {}
    for phenomenon, event in {**lead.EVENTS, **lead.BORROWED}.items():
        found = lead.left_out(shared, event)
        cases = found.cases
        result[phenomenon] = (
            lead.EVENT_NAMES.get(phenomenon, "the rule"),
            Judged(found.probability, found.usual, cases.observed, cases.lead, cases.night,
                   cases.ahead),
        )  # fmt: skip
    for phenomenon, name in DRAWN.items():
        result[phenomenon] = ("a simulated world", _drawn(name))
    return result


def _drawn(name: str) -> Judged:
    """Return the skies of the simulated world: each of its own, far apart in time."""
    parts = []
    for number, (hours, skies) in enumerate(glow_errors.world().items()):
        came = skies[f"{name}_came"].astype(float)
        usual, lead_of = np.full_like(came, came.mean()), np.full_like(came, hours)
        parts.append((skies[name], usual, came, lead_of, np.full_like(came, number)))
    told, usual, came, lead_of, ahead = (np.concatenate(each) for each in zip(*parts, strict=True))
    nights = (np.arange(len(came)) * lead.BLOCK).astype("datetime64[D]")
    return Judged(told, usual, came, lead_of, nights, ahead.astype(np.int64))


def of_classifier(shared: Path) -> Judged:
    """Return the forecasts of the starry-sky classifier, months left out."""
    cases, told = night_sky.cases(shared), night_sky.forecasts(shared, "starry")
    return Judged(told.model, told.usual, night_sky.happened(shared, "starry"),
                  cases.features["forecast_period"], cases.day, cases.lead)  # fmt: skip


def claims(shared: Path) -> list[Claim]:
    """Return the skill at lead 0 of each phenomenon, and that of each confidence."""
    result = []
    for phenomenon, (by, cases) in judged(shared).items():
        result += [skill_claim(phenomenon, by, cases), *by_confidence(phenomenon, by, cases)]
    result += by_confidence("starry_sky", "the classifier", of_classifier(shared))
    return [*result, sea_claim(shared)]


def measured_skill(phenomenon: str, cases: Judged) -> float:
    """Return the skill at lead 0 whose decrease lies nearest to the skills of all days ahead."""
    days = np.unique(cases.ahead)
    hours = np.array([cases.lead[cases.ahead == day].mean() for day in days])
    skills = np.array([cases.skill(cases.ahead == day)[0] for day in days])

    def off(skill: float) -> float:
        expected = replace(SCALES[phenomenon], skill=skill).expected_skill(hours)
        return float(((expected - skills) ** 2).sum())

    return float(minimize_scalar(off, bounds=(0.01, 0.99), method="bounded").x)


def skill_claim(phenomenon: str, by: str, cases: Judged) -> Claim:
    """The skill at lead 0 in use is the one measured; of a sea it is less than that of its air."""
    own, ours = measured_skill(phenomenon, cases), SCALES[phenomenon].skill
    sea = phenomenon == "sea_of_clouds"
    return Claim(
        TOPIC,
        f"{phenomenon} by {by}: skill at lead 0",
        f"{own:.2f}",
        len(cases.lead),
        f"in use {ours:.3g}; within {SKILL_APART:g}" + ", or less for a sea" * sea,
        own - ours > -SKILL_APART if sea else abs(own - ours) <= SKILL_APART,
    )


def by_confidence(phenomenon: str, by: str, cases: Judged) -> list[Claim]:
    """The skill of each confidence reaches what it stands for; at the highest it lies above low."""
    level = np.array([confidence_of(phenomenon, hours) for hours in cases.lead])
    result = []
    for number, name in NAMES.items():
        rows = level == number
        if not rows.any():
            continue
        skill, low, high = cases.skill(rows)
        least, most = LIMITS[number]
        result.append(
            Claim(
                TOPIC,
                f"  {by}, confidence {name}, to {cases.lead[rows].max() / 24:.1f} days",
                f"{skill:+.3f} [{low:+.2f}, {high:+.2f}]",
                int(rows.sum()),
                f"{least:g} to {most:g}",
                low < most and high >= least and (number < 3 or low > MEDIUM),
            )
        )
    return result


def sea_claim(shared: Path) -> Claim:
    """The skill of a sea of clouds in use lies in the interval of labelled mornings."""
    data = learning.cases(shared)
    here = data.site == SEA_AT
    told, came = rule_on(data)[here, 0], data.observed[here]
    weeks = site_weeks(data.site[here], data.day[here])
    usual = np.full(len(came), came.mean())
    skill, low, high = skill_by(told, usual, came, weeks)
    ours = SCALES["sea_of_clouds"].skill
    return Claim(
        TOPIC,
        "sea_of_clouds, labelled mornings of one mountain: skill",
        f"{skill:+.2f} [{low:+.2f}, {high:+.2f}]",
        len(came),
        f"against their frequency, many labels inferred; in use {ours:.3g}, in the interval",
        low <= ours <= high,
    )


def skill_by(
    probability: Array, usual: Array, came: Array, block: NDArray[Any]
) -> tuple[float, float, float]:
    """Return the Brier skill and its 90 % interval by blocks (case)."""
    _, number = np.unique(block, return_inverse=True)
    nights = (number * lead.BLOCK).astype("datetime64[D]")
    return lead.skill_interval(probability, usual, came, nights)
