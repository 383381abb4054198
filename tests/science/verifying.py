"""Is the verification itself right: its bands and intervals where the truth is known, and by lead?

The transfer test by lead runs on real forecasts kept at their issue time (night_cloud); nothing of
it is fitted here. Its bars: the rule with the place's own frequency is nowhere surely worse than
climatology, and tonight and tomorrow surely better.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from forecast.learning.transfer_by_lead import transfer_by_lead
from forecast.learning.transfer_test import mountain
from models.corp import corp_reliability
from models.lead_table import CLIMATOLOGY, LeadRow, lead_table
from tests.science.claims import Claim
from tests.science.simulated import spells

TOPIC = "verifying"
TRIALS, NIGHTS = 100, 400
# Of 100 trials at 90 %, 84 to 96 hold the truth in 95 of 100 sets (binomial); intervals of blocks
# may fall a little short.
LEAST_HELD, MOST_HELD = 80, 97
# Of 100 tests at 5 %, at most 10 reject in 99 of 100 sets.
MOST_REJECTED = 10
OWN = "rule, own frequency"


def bands(trials: int = TRIALS) -> int:
    """Return how often true probabilities are called unreliable by their CORP curve."""
    rejected = 0
    for seed in range(trials):
        random = np.random.default_rng(seed)
        given = random.beta(0.7, 1.3, NIGHTS).round(2)
        rejected += not corp_reliability(given, random.uniform(size=NIGHTS) < given, 200).within
    return rejected


def intervals(trials: int = TRIALS) -> int:
    """Return how often the interval of a skill holds the true one, nights in spells of weather.

    The true skill is that of 2,000 nights' mean over 50 worlds.
    """
    held, truth = 0, _skill_of(np.concatenate([_world(5000 + k, 2000) for k in range(50)], axis=1))
    for seed in range(trials):
        probability, observed = _world(seed, NIGHTS)
        day = np.datetime64("2024-01-01") + np.arange(NIGHTS)
        forecasts = {CLIMATOLOGY: np.full(NIGHTS, 0.5), "forecast": probability}
        row = lead_table(forecasts, observed, day, np.zeros(NIGHTS, dtype=int))[1]
        held += row.skill.low <= truth <= row.skill.high
    return held


def _world(seed: int, nights: int) -> np.ndarray:
    """Return forecast probability and outcome (2, night): both persist over some days."""
    random = np.random.default_rng(seed)
    chance = spells(random, nights, 1)[:, 0]
    event = spells(random, nights, 1)[:, 0] < chance
    return np.stack([chance, event.astype(float)])


def _skill_of(world: np.ndarray) -> float:
    probability, observed = world
    return float(1 - ((probability - observed) ** 2).mean() / 0.25)


@cache
def elsewhere(shared: Path, phenomenon: str) -> tuple[LeadRow, ...]:
    """Return the transfer test by lead on night_cloud."""
    folder = shared / "night_cloud"
    place = mountain("new york", 40.71, -73.99, 7.0, 0.0)
    clock = ZoneInfo("America/New_York")
    return transfer_by_lead(
        folder / "analyses.csv.gz", folder / "forecasts.csv.gz", phenomenon, place, {}, clock
    ).rows


def claims(shared: Path) -> list[Claim]:
    """Return how often bands and intervals hold, and the skill by lead at a place not fitted on."""
    rejected, held = bands(), intervals()
    lines = [
        Claim(
            TOPIC,
            "true probabilities called unreliable by their CORP curve",
            f"{rejected} of {TRIALS}",
            NIGHTS,
            f"5 % by chance; at most {MOST_REJECTED}",
            rejected <= MOST_REJECTED,
        ),
        Claim(
            TOPIC,
            "90 % intervals of a skill by weeks that hold the true one",
            f"{held} of {TRIALS}",
            NIGHTS,
            f"{LEAST_HELD} to {MOST_HELD}",
            LEAST_HELD <= held <= MOST_HELD,
        ),
    ]
    for phenomenon in ("starry_sky", "snowfall"):
        for row in elsewhere(shared, phenomenon):
            if row.name not in (OWN, "persistence") or row.day > 7:
                continue
            bar = None
            if row.name == OWN:
                bar = row.skill.low > 0 if row.day <= 1 else row.skill.high >= 0
            lines.append(
                Claim(
                    TOPIC,
                    f"{phenomenon} +{row.day} d, {row.name}, New York: Brier skill",
                    f"{row.skill.value:+.3f} [{row.skill.low:+.3f}, {row.skill.high:+.3f}]",
                    row.cases,
                    f"climatology of other months; AUC {row.auc:.2f}; of {row.promised} promised "
                    f"at 70 % {row.kept} came",
                    bar,
                )
            )
    return lines
