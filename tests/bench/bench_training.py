"""Training on a million feature rows: time and peak memory of a fresh process, on two cores.

Peer of each fit: scikit-learn's own logistic regression on the same rows and columns, with the
solver that is fastest there, and with its default one; processor time of one thread. Targets: 60 s
and 2 GB; a fit takes at most 3 times the default solver's.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

from forecast.quantities import features_of  # noqa: E402
from models.learned import LearnedRule  # noqa: E402
from models.learned_night import LearnedNight, shipped_night  # noqa: E402
from models.prior_logistic import PriorLogistic  # noqa: E402
from models.training import train  # noqa: E402
from models.training_set import TrainingSet  # noqa: E402
from tests.bench.bars import BOARD  # noqa: E402
from tests.science.simulated import world  # noqa: E402

ROWS, MOST_SECONDS, MOST_BYTES = 1_000_000, 60.0, 2_000_000_000
PEER_ROWS, MOST_RATIO = 200_000, 3.0


def rows_of(count: int) -> TrainingSet:
    """Return so many rows: 20 sites, two years, 69 forecasts an event in a million.

    They have every feature; those that the world does not simulate repeat the cover.
    """
    base = world(1, sites=20).data
    random = np.random.default_rng(0)
    rows = np.resize(np.arange(len(base)), count)
    event = rows.copy()
    features = base.features[rows]
    features += (0.02 * np.std(base.features, axis=0)) * random.normal(size=features.shape)
    lead = np.resize(np.arange(6.0, 168.0, 6.0), count)
    names = tuple(features_of(base.phenomenon))
    place = {name: i for i, name in enumerate(base.names)}
    whole = np.empty((count, len(names)))
    for column, name in enumerate(names):
        cover = features[:, place["sky_cover"]]
        whole[:, column] = features[:, place[name]] if name in place else cover
    whole[:, names.index("forecast_period")] = lead
    return TrainingSet(
        base.phenomenon,
        names,
        whole,
        base.degree[rows],
        base.day[rows],
        base.site[rows],
        base.source[rows],
        lead,
        event=event,
    )


def train_here() -> None:
    """Train on the rows with every candidate, print what it took."""
    data = rows_of(ROWS)
    before, start, cpu = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        time.perf_counter(),
        time.process_time(),
    )
    trained = train(data)
    took, used = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(took, used, peak * 1024, before * 1024, trained.kind, *trained.validation.chosen)


def peers_here() -> None:
    """Print the processor time [s] of the fits and of scikit-learn's own on the same rows."""
    data = rows_of(PEER_ROWS)
    rule = LearnedRule(data.phenomenon)
    cases = data.columns(rule.columns)
    night = shipped_night()
    assert night is not None
    of_night = data.columns(night.columns)
    outcome, weight = data.among.argmax(axis=1), data.weight
    design = rule._design(cases)
    design = design[:, np.ptp(design, axis=0) > 0]

    def spent(fit: Callable[[], object]) -> float:
        times = []
        for _ in range(3):
            start = time.process_time()
            fit()
            times.append(time.process_time() - start)
        return min(times)

    with threadpool_limits(1):
        print(
            spent(lambda: LogisticRegression(max_iter=1000).fit(design, outcome, weight)),
            spent(
                lambda: LogisticRegression(solver="newton-cholesky").fit(design, outcome, weight)
            ),
            spent(lambda: PriorLogistic().fit(design, outcome, weight)),
            spent(lambda: LearnedRule(data.phenomenon).fit(cases, outcome, weight)),
            spent(
                lambda: LearnedRule(data.phenomenon).fit(cases, outcome, weight, list(data.site))
            ),
            spent(lambda: LearnedNight(night).fit(of_night, outcome, weight, list(data.site))),
        )


def peers() -> int:
    """Print the fits beside scikit-learn's; return 1 when the target is missed."""
    done = subprocess.run(
        [sys.executable, __file__, "peers"], capture_output=True, text=True, check=True
    )
    default, fastest, logistic, rule, sites, night = map(float, done.stdout.split())
    print(
        f"fits on {PEER_ROWS:,} rows, processor time: logistic with priors {logistic:.2f} s, the "
        f"rule as prior {rule:.2f} s, with 20 sites pooled by evidence {sites:.2f} s, "
        f"the shipped classifier as prior, with the same, {night:.2f} s; "
        f"scikit-learn's logistic regression {default:.2f} s, by newton-cholesky {fastest:.2f} s; "
        "both on the same rows"
    )
    slowest = max(logistic, rule, sites, night) / default
    BOARD.at_most("slowest fit over scikit-learn's own, same rows", slowest, MOST_RATIO)
    return BOARD.code


def main() -> int:
    """Run the training in its own process and print a line; return 1 when a target is missed."""
    done = subprocess.run(
        [sys.executable, __file__, "here"], capture_output=True, text=True, check=True
    )
    took, used, peak, before, kind, *_ = done.stdout.split()
    print(
        f"train on {ROWS:,} rows, all candidates scored and the chosen ({kind}) fitted on all: "
        f"{float(took):.1f} s "
        f"({float(used):.1f} s of processor), peak {float(peak) / 1e6:.0f} MB "
        f"({float(before) / 1e6:.0f} MB of them the rows); "
        "in a process of its own"
    )
    BOARD.at_most("training on a million rows, processor", float(used), MOST_SECONDS, "s")
    BOARD.at_most("training on a million rows, memory", float(peak), MOST_BYTES, "bytes")
    return peers()


if __name__ == "__main__":
    if sys.argv[1:] == ["here"]:
        train_here()
    elif sys.argv[1:] == ["peers"]:
        peers_here()
    else:
        sys.exit(main())
