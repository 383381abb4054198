"""Do the models agree? The probability of each model beside the blended one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forecast.domain import ContributingRun, Forecast
from forecast.quantities import published_probability

# [1] models whose probabilities differ by less agree: less than one step of the grades
AGREE = 0.15
MOSTLY = 0.30  # and up to this they agree mostly


@dataclass(frozen=True, slots=True)
class ModelProbability:
    """The mean of a model's fresh runs, and the number of members of its newest run."""

    model: str
    probability: float
    members: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """The models in the order of their runs; level: `agree`, `mostly` or `differ`."""

    models: tuple[ModelProbability, ...]
    level: str


def agreement(forecast: Forecast) -> Agreement | None:
    """Return how far the models of a forecast agree; None with fewer than two models."""
    runs: dict[str, list[ContributingRun]] = {}
    for run in forecast.contributing_runs:
        runs.setdefault(run.cycle.model, []).append(run)
    if len(runs) < 2:
        return None
    models = tuple(
        ModelProbability(
            model, math.fsum(run.probability for run in own) / len(own), own[0].members
        )
        for model, own in runs.items()
    )
    probabilities = [published_probability(each.probability) for each in models]
    apart = round(max(probabilities) - min(probabilities), 9)  # of whole percents, as shown
    level = "agree" if apart <= AGREE else "mostly" if apart <= MOSTLY else "differ"
    return Agreement(models, level)
