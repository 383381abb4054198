"""Training: choose among the candidates, calibrate, fit, and score the whole procedure.

Candidates are chosen by nested, time-blocked folds (models/selection.py). A training returns the
model with the probabilities of cases that it had not been trained on: those give its scores, and
decide on its promotion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.rule_model import PhysicsRule
from models.selection import CrossValidation, choose_and_fit, cross_validate, months, thinned
from models.training_set import TrainingSet

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Trained:
    """A model, its kind, the cases of its training, and its scores on held-out cases.

    fitted_on: the cases that the model was fitted on; data: those that were cross-validated, a part
    of `fitted_on` where there are very many.
    """

    phenomenon: str
    kind: str
    model: Any
    data: TrainingSet
    fitted_on: TrainingSet
    validation: CrossValidation

    @property
    def held_out(self) -> Array:
        """The probabilities of held-out cases (case, class); NaN where a case was in no fold."""
        return self.validation.probability


def train(
    data: TrainingSet,
    blocks: NDArray[np.integer[Any]] | None = None,
    kinds: Sequence[str] | None = None,
) -> Trained:
    """Choose the kind, calibrate, fit on all cases, and cross-validate the whole procedure.

    blocks (case): what is held out together, None: calendar months; kinds: the candidates, None: by
    the number of cases.
    Raises: ValueError without a case.
    """
    if not len(data):
        raise ValueError(
            f"{data.phenomenon}: no cases to train on; the rule serves until there are labels"
        )
    whole = months(data.day) if blocks is None else blocks
    rows = thinned(data.day, len(data))
    validated, part = data.take(rows), whole[rows]
    validation = cross_validate(validated, part, kinds)
    kind, model = choose_and_fit(validated, part, kinds, final=data)
    return Trained(data.phenomenon, kind, model, validated, data, validation)


def rule_on(data: TrainingSet) -> Array:
    """Return the untrained rule's probabilities of the cases (case, class)."""
    rule = PhysicsRule(data.phenomenon).ready()
    return np.asarray(rule.predict_proba(data.columns(rule.columns)))
