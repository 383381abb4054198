"""Do the models agree? Each model's own answer beside the one that was made of them all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from forecast.domain import ContributingRun, Forecast

# models whose answers lie no further apart than this say the same: less than one step of the grades
AGREE = 0.15
MOSTLY = 0.30  # and up to this they agree by and large


@dataclass(frozen=True, slots=True)
class Said:
    """What one model gave: its fresh runs' mean, and how many members its newest run has."""

    model: str
    probability: float
    members: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the models gave, in the order in which they were heard, and whether they `agree`,
    `mostly` agree or `differ`.
    """

    models: tuple[Said, ...]
    level: str


def agreement(forecast: Forecast) -> Agreement | None:
    """Return how far the models of a forecast agree; None where there are not at least two of them."""
    voices: dict[str, list[ContributingRun]] = {}
    for voice in forecast.contributing_runs:
        voices.setdefault(voice.cycle.model, []).append(voice)
    if len(voices) < 2:
        return None
    said = tuple(
        Said(model, math.fsum(v.probability for v in own) / len(own), own[0].members)
        for model, own in voices.items()
    )
    apart = max(s.probability for s in said) - min(s.probability for s in said)
    return Agreement(said, "agree" if apart <= AGREE else "mostly" if apart <= MOSTLY else "differ")
