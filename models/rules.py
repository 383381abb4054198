"""The physics rules in force before there are labels: for each phenomenon, which feature moves the odds, and by how much.

A rule is a sum in log-odds: p = 1 / (1 + exp(-(base + sum of effects))). `base` is the log-odds of a day of which nothing is
known (its climatology); an effect is read from a broken line over the feature's value, flat beyond its ends, and is 0 where
the value says nothing. A feature that is missing has no effect, so that ignorance pulls the answer back to climatology.
The sea of clouds has four exclusive states: one sum each, then softmax.
Figures marked (check) are starting values that data must confirm; see the source named with each.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effect:
    """How one feature moves the log-odds: `line` is ((value in SI, effect), ...) with rising values."""

    feature: str
    line: tuple[tuple[float, float], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """base [logit], the effects, and the features without which the rule keeps silent (NaN)."""

    base: float
    effects: tuple[Effect, ...]
    needs: tuple[str, ...]


# One entry a phenomenon; sea of clouds: one entry a state.
STARS: dict[str, Rule] = {}
SEA_OF_CLOUDS: dict[str, Rule] = {}
GLOW: dict[str, Rule] = {}
SNOW: dict[str, Rule] = {}
