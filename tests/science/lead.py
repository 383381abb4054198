"""How fast forecasts lose their worth, and what the usual frequency adds: models/lead.py measured.

Each rule is run on forecasts kept at their issue time (tests/science/issue_archive.py), so many
days ahead, and judged against the analysis of the same night. Four numbers are fitted over all
leads (strength, days, shape of the scale, offset of the rule) by likelihood, each night with the
weight of one case; months are left out one at a time, with three days on both sides, the usual
frequency of each month too. The reference is that frequency: of the calendar month, in other years
and months, shrunk to the whole by ten cases.
The events and how the archive stands for them: tests/science/lead_events.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from models.bootstrap import block_counts, percentile_interval
from models.climatology import PRIOR_CASES
from models.lead import RANGE_TAIL, RESOLVED, RESOLVED_DAYS, SCALES, LeadScale, beta_range, settled
from models.rule_model import LEAST_USUAL, MOST_USUAL
from tests.science.claims import Claim
from tests.science.issue_archive import IssueArchive, archive
from tests.science.lead_events import (
    LeadCases,
    archive_stars,
    moist,
    snow_cover,
    snowfall,
    snowmaking,
    stars,
)

TOPIC = "lead"
Array = NDArray[np.floating[Any]]

GAP = 3  # [day] left out on both sides of a month
BLOCK = 5  # [day] of one spell of weather
DRAWS, SEED = 500, 20261130
START = (0.8, 6.0, 1.45)  # strength, days, shape: the prior's middle
PRIOR = 1.0  # [ln] its spread: weak, it keeps a rare event's shape within reason
# Brier skill of the star rule by days ahead, months left out, as measured before (science.md 9).
STAR_BARS = {0: 0.43, 1: 0.34, 2: 0.34, 3: 0.27, 4: 0.18, 5: 0.11, 6: 0.07, 7: 0.07}
BAR_TOLERANCE = 0.012  # [1] the last digit of the bars, and another order of the same months
LEAST_SKILL = -0.005  # never below the usual frequency, to its own rounding
RESOLVED_TRIED = (0.33, 0.35, 0.37, 0.39, 0.41, 0.43, 0.45)
COVERAGE = (0.75, 0.85)  # of later forecasts in a range meant for eight of ten


EVENTS: dict[str, Callable[[IssueArchive], LeadCases]] = {
    "starry_sky": stars,
    "snowfall": snowfall,
    "snowmaking": snowmaking,
}


# whose decrease with lead is borrowed
BORROWED: dict[str, Callable[[IssueArchive], LeadCases]] = {
    "sea_of_clouds": moist,
    "rime": moist,
    "snow_cover": snow_cover,
}
# what counts as the event, in the words of the tables
EVENT_WORDS = {
    "archive's clear night": "mean cloud of 21-04 local at most 20 %",
    "starry_sky": "the product's event but the moon: best two dark hours at most 30 % cloud",
    "snowfall": "at least 1 mm of new snow in 16-09 local",
    "snowmaking": "an hour of 16-09 local with a wet bulb of at most -2 degC",
}
EVENT_NAMES = {"sea_of_clouds": "moist nights", "rime": "moist nights", "snow_cover": "a pack"}


# -- the fit


@dataclass(frozen=True)
class LeftOut:
    """Forecasts with their month left out (case) and the fit of each month (month, number)."""

    cases: LeadCases
    probability: Array
    usual: Array
    fits: Array

    def skill(self, ahead: int) -> tuple[float, float, float]:
        """Return the Brier skill so many days ahead, and its 90 % interval by spells of weather."""
        return self.skill_of(self.cases.ahead == ahead)

    def skill_of(self, rows: NDArray[np.bool_]) -> tuple[float, float, float]:
        """Return the same of the cases `rows`."""
        told, usual, cases = self.probability[rows], self.usual[rows], self.cases.take(rows)
        return skill_interval(told, usual, cases.observed, cases.night)


def skill_interval(
    probability: Array, usual: Array, observed: NDArray[Any], night: NDArray[np.datetime64]
) -> tuple[float, float, float]:
    """Return the Brier skill against `usual`, and its 90 % interval by spells of weather."""
    truth = observed.astype(float)
    ours, theirs = ((part - truth) ** 2 for part in (probability, usual))
    _, spell = np.unique(night.astype(np.int64) // BLOCK, return_inverse=True)
    drawn = block_counts(spell.max() + 1, DRAWS, SEED)[:, spell]
    low, high = percentile_interval(1 - (drawn @ ours) / (drawn @ theirs))
    return float(1 - ours.sum() / theirs.sum()), low, high


def usual_odds(cases: LeadCases) -> Array:
    """Return the log-odds of the event in each calendar month (month), shrunk to the whole."""
    _, first = np.unique(cases.night, return_index=True)
    came, month = cases.observed[first], cases.month[first] % 12
    counts = np.bincount(month, minlength=12)
    usual = (np.bincount(month, came, 12) + PRIOR_CASES * came.mean()) / (counts + PRIOR_CASES)
    usual = np.clip(usual, LEAST_USUAL, MOST_USUAL)
    return np.asarray(np.log(usual / (1 - usual)))


def scale_of(numbers: Array, base: float) -> LeadScale:
    """Return the scale of fitted numbers: logarithms of strength, days, shape; base and offset."""
    strength, days, shape = np.exp(numbers[:3]).tolist()
    return LeadScale(strength, days, shape, float(numbers[3]) - base, math.nan, True, "")


def log_odds(scale: LeadScale, cases: LeadCases, usual: Array) -> Array:
    """Return the forecasts' log-odds (case); usual: of each calendar month [logit]."""
    s = scale.at(cases.lead)
    rule = cases.base + scale.offset + cases.effects
    return np.asarray((1 - np.minimum(s, 1)) * usual[cases.month % 12] + s * rule)


def fit(cases: LeadCases, usual: Array, start: Array) -> Array:
    """Return the likeliest logarithms of strength, days, shape, and the rule's base."""
    sign = np.where(cases.observed, -1.0, 1.0)
    leads = len(np.unique(cases.ahead))

    def loss(numbers: Array) -> float:
        odds = log_odds(scale_of(numbers, cases.base), cases, usual)
        apart = (numbers[:3] - np.log(START)) / PRIOR
        return float(np.logaddexp(0, sign * odds).sum() / leads + (apart**2).sum() / 2)

    return np.asarray(minimize(loss, start, method="BFGS", options={"gtol": 0.02}).x)


def leave_months_out(cases: LeadCases) -> LeftOut:
    """Return forecasts of each month by a fit without it and GAP days on both sides."""
    probability, usual = np.full((2, len(cases.lead)), np.nan)
    numbers, fits = np.array([*np.log(START), cases.base]), []
    day = cases.night.astype(np.int64)
    for month in np.unique(cases.month):
        rows = cases.month == month
        apart = (day < day[rows].min() - GAP) | (day > day[rows].max() + GAP)
        taught, tried = cases.take(apart), cases.take(rows)
        odds = usual_odds(taught)
        numbers = fit(taught, odds, numbers)
        fits.append(numbers)
        scale = scale_of(numbers, cases.base)
        probability[rows] = 1 / (1 + np.exp(-log_odds(scale, tried, odds)))
        usual[rows] = 1 / (1 + np.exp(-odds[tried.month % 12]))
    return LeftOut(cases, probability, usual, np.array(fits))


@cache
def left_out(shared: Path, event: Callable[[IssueArchive], LeadCases]) -> LeftOut:
    return leave_months_out(event(archive(shared)))


def mean_scale(found: LeftOut) -> LeadScale:
    """Return the mean of the fits of all months."""
    return scale_of(found.fits.mean(axis=0), found.cases.base)


# -- the claims


def claims(shared: Path) -> list[Claim]:
    """Return what is claimed of leads, measured."""
    result = skill_claims("archive's clear night", left_out(shared, archive_stars), STAR_BARS)
    for phenomenon, event in EVENTS.items():
        found = left_out(shared, event)
        result += skill_claims(phenomenon, found, {})
        result.append(scale_claim(phenomenon, found))
    for phenomenon, event in BORROWED.items():
        result.append(decrease_claim(phenomenon, left_out(shared, event)))
    return [*result, *range_claims(shared)]


def skill_claims(name: str, found: LeftOut, bars: dict[int, float]) -> list[Claim]:
    """The rule's skill by lead: at least its bars, and never below the usual frequency."""
    result = []
    for ahead in (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12):
        skill, low, high = found.skill(ahead)
        bar = bars[ahead] - BAR_TOLERANCE if ahead in bars else LEAST_SKILL
        result.append(
            Claim(
                TOPIC,
                f"{name}, the rule: Brier skill {ahead} days ahead",
                f"{skill:.3f} ({low:.2f} to {high:.2f})",
                int((found.cases.ahead == ahead).sum()),
                f"usual frequency of the month; {EVENT_WORDS[name]}; {found.cases.counts()}",
                skill >= bar,
            )
        )
    return result


def scale_claim(phenomenon: str, found: LeftOut) -> Claim:
    """The scale in use is the one fitted."""
    ours, own = SCALES[phenomenon], mean_scale(found)
    days = np.arange(11.0) * 24
    rule = found.cases.base + np.array([own.offset, ours.offset])
    return Claim(
        TOPIC,
        f"{phenomenon}: strength, days, shape, offset",
        f"{own.strength:.2f} {own.days:.1f} {own.shape:.2f} {own.offset:+.1f}",
        len(np.unique(found.cases.night)),
        f"in use {ours.strength:.2f} {ours.days:.1f} {ours.shape:.2f} {ours.offset:+.1f}; "
        f"base {rule[0]:+.2f}",
        bool(np.abs(own.at(days) - ours.at(days)).max() < 0.02 and abs(np.ptp(rule)) < 0.1),
    )


def decrease_claim(phenomenon: str, found: LeftOut) -> Claim:
    """The decrease with lead that a phenomenon borrows is the one measured."""
    ours, own = SCALES[phenomenon], mean_scale(found)
    days = np.arange(11.0) * 24
    return Claim(
        TOPIC,
        f"{phenomenon}, its decrease by {EVENT_NAMES[phenomenon]}: days, shape",
        f"{own.days:.1f} {own.shape:.2f}",
        len(np.unique(found.cases.night)),
        f"in use {ours.days:.1f} {ours.shape:.2f}; {found.cases.counts()}",
        bool(np.abs(own.worth(days) - ours.worth(days)).max() < 0.03),
    )


def range_claims(shared: Path) -> list[Claim]:
    """Of last forecasts, eight of ten lie in the range stated so many days before.

    The part that later forecasts settle is chosen from RESOLVED_TRIED on the other months.
    """
    found = left_out(shared, stars)
    cases, p = found.cases, found.probability
    nights, place = np.unique(cases.night, return_inverse=True)
    last = np.full(len(nights), np.nan)
    last[place[cases.ahead == 0]] = p[cases.ahead == 0]
    rows = (cases.ahead > 0) & np.isfinite(last[place])
    cases, p, later = cases.take(rows), p[rows], last[place][rows]
    ranges = [beta_range(p, settled(cases.lead, tried)) for tried in RESOLVED_TRIED]
    # a forecast is published to a whole percent
    inside = np.array([(later >= low - 0.005) & (later <= high + 0.005) for low, high in ranges])
    chosen = np.zeros(len(p), dtype=np.int64)
    for month in np.unique(cases.month):
        others = cases.month != month
        chosen[~others] = off_target(inside[:, others], cases.ahead[others]).argmin()
    held_out = inside[chosen, np.arange(len(p))]
    width = np.ptp(np.array([beta_range(p, settled(cases.lead))]), axis=1)[0]
    result = [
        Claim(
            TOPIC,
            f"starry_sky: last forecasts in the range of {ahead} days before",
            f"{held_out[rows].mean():.0%}",
            int(rows.sum()),
            f"mean width {width[rows].mean():.2f}; meant for 80 %, months left out",
            COVERAGE[0] <= held_out[rows].mean() <= COVERAGE[1],
        )
        for ahead in range(1, 13)
        for rows in [cases.ahead == ahead]
    ]
    best = RESOLVED_TRIED[off_target(inside, cases.ahead).argmin()]
    return [
        *result,
        Claim(TOPIC, "part that later forecasts settle", f"{best:.2f}", len(p),
              f"in use {RESOLVED:.2f} over {RESOLVED_DAYS:.1f} days", abs(best - RESOLVED) < 0.03),
    ]  # fmt: skip


def off_target(inside: NDArray[np.bool_], ahead: NDArray[np.int64]) -> Array:
    """Return by how much the coverage misses its target over the leads (tried)."""
    covered = np.stack([inside[:, ahead == each].mean(axis=1) for each in np.unique(ahead)])
    return np.asarray(np.abs(covered - (1 - 2 * RANGE_TAIL)).max(axis=0))
