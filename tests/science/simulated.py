"""Two simulated years with a known truth: is it recovered, and is noise never promoted?

Simulated are the features of starry nights at sites - cloud in spells of days, moon, humidity - and
outcomes drawn from a truth that differs from the rule: a wrong base, effects too strong or too
weak, and differences between sites.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit, ndtr

from models.corp import corp_reliability
from models.prior_logistic import PriorLogistic
from models.promotion import LEAST_BLOCKS, decide
from models.rule_model import PhysicsRule
from models.scores import brier
from models.selection import losses, months, weeks
from models.training import rule_on, train
from models.training_set import TrainingSet
from tests.science.claims import Claim

TOPIC = "simulated"
DAYS, START = 730, np.datetime64("2024-12-01")
TRIALS, MOST_FALSE = 200, 0.05


@dataclass(frozen=True)
class World:
    """Cases and the probability from which each outcome was drawn."""

    data: TrainingSet
    truth: np.ndarray


def spells(random: np.random.Generator, days: int, series: int, memory: float = 0.6) -> np.ndarray:
    """Return uniform numbers 0-1 (day, series) that are correlated over some days."""
    result = np.empty((days, series))
    result[0] = random.normal(size=series)
    for day in range(1, days):
        result[day] = memory * result[day - 1] + np.sqrt(1 - memory**2) * random.normal(size=series)
    return np.asarray(ndtr(result))


def world(seed: int, sites: int = 5, as_the_rule: bool = False) -> World:
    """Return two years of nights at sites; as_the_rule: the rule is the truth."""
    random = np.random.default_rng(seed)
    rule = PhysicsRule("starry_sky").ready()
    low_high = {
        "sky_cover": (0, 1),
        "cloud_for_stars": (0, 1),
        "clear_hours": (10, 0),
        "zenith_sky_brightness": (18.5, 21.6),
        "cloud_at_site": (0, 0.5),
        "humidity_at_site": (0.3, 1.0),
        "dew_point_depression": (12, 0),
        "wind_speed_at_site": (0, 18),
        "water_vapour_column": (2, 50),
        "precipitation": (0, 3),
        "dark_hours": (5, 10),
        "dark_sky_share": (0.5, 1.0),
    }
    cloud = spells(random, DAYS, sites)
    features = []
    for name in rule.columns:
        alike = (
            cloud
            if name
            in ("sky_cover", "cloud_for_stars", "clear_hours", "cloud_at_site", "precipitation")
            else 0.5
        )
        share = np.clip(
            0.7 * (alike - 0.5) + 0.5 + 0.3 * (spells(random, DAYS, sites) - 0.5) * 2, 0, 1
        )
        low, high = low_high.get(name, (0.0, 1.0))
        features.append((low + (high - low) * share).ravel())
    x = np.stack(features, axis=1)
    site = np.tile(np.arange(sites), DAYS)
    if as_the_rule:
        truth = rule.predict_proba(x)[:, 1]
    else:
        weights = 0.6 + 0.35 * random.normal(size=len(rule.columns))
        own, base = 0.6 * random.normal(size=sites), rule.bases()[0] + 1.0
        truth = expit(rule.effects(x)[:, :, 0] @ weights + base + own[site])
    observed = random.uniform(size=len(truth)) < truth
    rows = len(truth)
    return World(
        TrainingSet(
            "starry_sky",
            rule.columns,
            x,
            observed.astype(float),
            np.repeat(START + np.arange(DAYS), sites),
            site.astype(str),
            np.full(rows, "observer"),
            np.full(rows, 12.0),
        ),
        truth,
    )


@cache
def recovered() -> tuple[float, float, float, float, bool, int]:
    """Return mean errors of model and rule against the truth, the reliability, and the cases.

    Of the reliability: the term, its limit by chance, and whether it is within.
    """
    made = world(1)
    trained = train(made.data, kinds=("prior",))
    held_out = trained.held_out[:, 1]
    bins = corp_reliability(held_out, made.data.observed)
    rule = rule_on(made.data)[:, 1]
    errors = (float(np.mean(abs(p - made.truth))) for p in (held_out, rule))
    return *errors, bins.term, bins.highest, bins.within, len(made.data)


def lucky(trials: int = TRIALS, days: int = DAYS, seed: int = 3) -> int:
    """Return how often one of two equally good forecasters is promoted over the other.

    Both forecast the same nights; each has errors of its own, in spells.
    """
    random, promoted = np.random.default_rng(seed), 0
    for _ in range(trials):
        truth = spells(random, days, 5)
        log_odds = np.log(truth / (1 - truth))
        seen = random.uniform(size=truth.shape) < truth
        among = np.stack([~seen, seen], axis=-1).reshape(-1, 2)
        each = []
        for _ in range(2):
            p = expit(log_odds + 2 * (spells(random, days, 5) - 0.5)).ravel()
            each.append(losses(np.stack([1 - p, p], axis=1), among))
        day = np.repeat(START + np.arange(days), 5)
        promoted += decide(each[0], each[1], np.ones(len(day)), weeks(day)).promote
    return promoted


def ever_lucky(trials: int = TRIALS, every: int = 4, seed: int = 5) -> int:
    """Return how often one of two equally good forecasters is promoted at some time in two years.

    every: weeks between two tests.
    """
    random, promoted = np.random.default_rng(seed), 0
    for _ in range(trials):
        truth = spells(random, DAYS, 5)
        log_odds, seen = np.log(truth / (1 - truth)), random.uniform(size=truth.shape) < truth
        loss = [
            ((expit(log_odds + 2 * (spells(random, DAYS, 5) - 0.5)) - seen) ** 2).ravel()
            for _ in range(2)
        ]
        week = weeks(np.repeat(START + np.arange(DAYS), 5))
        looks = (week < week[0] + last for last in range(LEAST_BLOCKS, DAYS // 7 + 1, every))
        promoted += any(
            decide(loss[0][rows], loss[1][rows], np.ones(rows.sum()), week[rows]).promote
            for rows in looks
        )
    return promoted


@cache
def learnt_noise(trials: int = TRIALS) -> int:
    """Return how often a model trained on labels is promoted over a rule that is the truth."""
    promoted = 0
    for seed in range(trials):
        made = world(1000 + seed, sites=1, as_the_rule=True)
        held_out = train(made.data, months(made.data.day) // 3, kinds=("prior",)).held_out
        rule = rule_on(made.data)
        mine, theirs = (losses(p, made.data.among) for p in (held_out, rule))
        promoted += decide(mine, theirs, made.data.weight, weeks(made.data.day)).promote
    return promoted


@cache
def pooling(spread: float, trials: int = 10, sites: int = 20) -> dict[str, float]:
    """Return the excess Brier score of three treatments of sites.

    It is the mean squared error against the true probability.
    The sites' true bases scatter by `spread` [logit]. Sites have 5 to 200 labels; the test is on
    the truth of 200 new days a site.
    """
    random, lost = np.random.default_rng(17), {"separate": 0.0, "pooled": 0.0, "partial": 0.0}
    for _ in range(trials):
        own = spread * random.normal(size=sites)
        site = np.repeat(np.arange(sites), np.geomspace(5, 200, sites).astype(int))
        x, fresh = random.normal(size=(len(site), 2)), random.normal(size=(sites * 200, 2))
        where, slope = np.repeat(np.arange(sites), 200), np.array([1.0, -0.5])
        y = (random.uniform(size=len(site)) < expit(x @ slope + own[site])).astype(int)
        truth = expit(fresh @ slope + own[where])
        for treatment, precision in (
            ("separate", 1e-3),
            ("pooled", np.inf),
            ("partial", "evidence"),
        ):
            model = PriorLogistic(site_precision=precision).fit(x, y, sites=site)
            lost[treatment] += brier(model.predict_proba(fresh, where)[:, 1], truth) / trials
    return lost


def claims(shared: Path) -> list[Claim]:
    """Return how well the truth was recovered, and how often noise was promoted."""
    error, rule, term, highest, within, number = recovered()
    lines = [
        Claim(
            TOPIC,
            "probabilities recovered: mean error, months left out",
            f"{error:.3f}",
            number,
            f"rule: {rule:.3f}",
            error < rule / 2,
        ),
        Claim(
            TOPIC,
            "  reliability term of the same",
            f"{term:.5f}",
            number,
            f"chance keeps below {highest:.5f} in 95 %",
            within,
        ),
    ]
    trials = {
        "two years, equally good": lucky(),
        "ten weeks, equally good": lucky(days=70),
        "at some time in two years, looked at every 4 weeks": ever_lucky(),
        "two years, trained on a true rule": learnt_noise(),
    }
    for name, promoted in trials.items():
        right = promoted <= MOST_FALSE * TRIALS
        lines.append(
            Claim(
                TOPIC,
                f"noise promoted: {name}",
                f"{promoted} of {TRIALS}",
                TRIALS,
                "at most 5 %",
                right,
            )
        )
    for spread in (0.0, 0.7):
        lost = pooling(spread)
        reference = f"separate {lost['separate']:.4f}, pooled {lost['pooled']:.4f}"
        best = (
            lost["partial"] < min(lost["separate"], lost["pooled"])
            if spread
            else lost["partial"] < lost["pooled"] + 0.0005
        )
        what = f"partial pooling, sites scatter by {spread}: excess Brier"
        lines.append(Claim(TOPIC, what, f"{lost['partial']:.4f}", 10, reference, best))
    return lines
