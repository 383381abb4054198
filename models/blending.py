"""Many runs and models of one event make one forecast: their probabilities' weighted mean, their
disagreement shown beside it.

Each model has one share, divided evenly among its fresh runs; an ensemble's members together are
one run. Shares are equal until outcomes tell the models apart. A linear pool of calibrated
forecasts is underconfident (Ranjan & Gneiting 2010, JRSS B 72, 71), which the calibration on
outcomes mends; until there is one, underconfident is the right side to err on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from forecast.domain import ContributingRun, Cycle, Features, Forecast, RunForecasts, Spread
from models.prediction import grade_of

LEAST_CASES = 30  # of a model's forecasts with an outcome before its score counts
PRIOR_CASES = 60  # cases' worth of belief that all models are equally good

Key = tuple[str, str, str]


def mean_features(members: Sequence[Features]) -> Features:
    """Return the mean of the members' features, NaN where more than half of them lack one; times,
    words and evidence are the first's.
    """
    first = members[0]
    if len(members) == 1:
        return first
    columns: dict[str, xr.Variable] = {}
    for name, column in first.table.variables.items():
        if column.dtype.kind != "f":
            columns[str(name)] = column
            continue
        values = np.stack([member.table[name].values for member in members])
        there = np.isfinite(values)
        sums, counts = np.where(there, values, 0.0).sum(axis=0), there.sum(axis=0)
        mean = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        columns[str(name)] = xr.Variable(
            column.dims, np.where(2 * counts >= len(members), mean, np.nan), column.attrs
        )
    return replace(first, table=xr.Dataset(columns))


def ensemble(
    cycle: Cycle,
    members: Sequence[tuple[Features, tuple[Forecast, ...]]],
    of_mean: tuple[Forecast, ...],
) -> RunForecasts:
    """Return an ensemble's answer: the mean of its members' probabilities, told in the words of its
    mean (`of_mean`: predicted from that).

    A probability is known where at least half the members know it.
    """
    told = []
    for i, middle in enumerate(of_mean):
        known = [forecasts[i] for _, forecasts in members if forecasts[i].known]
        if 2 * len(known) < len(members) or not known:
            told.append(replace(middle, probability=math.nan, states={}, grade=0))
            continue
        probability = math.fsum(f.probability for f in known) / len(known)
        states = {
            s: math.fsum(f.states.get(s, 0.0) for f in known) / len(known) for s in known[0].states
        }
        told.append(replace(middle, probability=probability, states=states))
    return RunForecasts(
        cycle, mean_features([features for features, _ in members]), tuple(told), len(members)
    )


def blend(
    answers: Sequence[RunForecasts],
    earlier: Mapping[Key, Sequence[ContributingRun]],
    shares: Mapping[str, Mapping[str, float]],
    grades: Sequence[float],
) -> tuple[Forecast, ...]:
    """Return one forecast an event: the first answer that knows it tells it, all that know it
    decide how likely it is.

    answers: the leading run first, all of the same events. earlier: event key -> what fresh runs
    published before gave, newest first; of a run that answers now too, today's answer counts.
    shares: phenomenon -> model -> share, equal where one is not named.
    """
    return tuple(
        _blended([(answer, answer.forecasts[i]) for answer in answers], earlier, shares, grades)
        for i in range(len(answers[0].forecasts))
    )


def _blended(
    told: Sequence[tuple[RunForecasts, Forecast]],
    earlier: Mapping[Key, Sequence[ContributingRun]],
    shares: Mapping[str, Mapping[str, float]],
    grades: Sequence[float],
) -> Forecast:
    leading = told[0][1]
    known = [
        ContributingRun(answer.cycle, f.probability, 0.0, answer.members, f.states)
        for answer, f in told
        if f.known
    ]
    heard = {voice.cycle.id for voice in known}
    known += [
        voice
        for voice in earlier.get(leading.event.key, ())
        if voice.cycle.id not in heard and math.isfinite(voice.probability)
    ]
    teller = next((f for _, f in told if f.known), None)
    if teller is None:
        return leading
    weights = _weights(
        [voice.cycle.model for voice in known], shares.get(leading.event.phenomenon, {})
    )
    probability = _mean([voice.probability for voice in known], weights)
    voices = tuple(
        replace(voice, weight=weight) for voice, weight in zip(known, weights, strict=True)
    )
    whole = all(voice.states for voice in known)
    states = (
        {s: _mean([v.states[s] for v in known], weights) for s in teller.states}
        if whole
        else teller.states
    )
    if states and not whole:
        probability = teller.probability
    return replace(
        teller,
        cycle=leading.cycle,
        probability=probability,
        grade=grade_of(probability, grades),
        states=states,
        contributing_runs=voices,
        spread=_spread(leading, voices),
    )


def _weights(models: Sequence[str], shares: Mapping[str, float]) -> list[float]:
    """Return weights that add to 1: each model its share, evenly among its runs."""
    raw = [shares.get(model, 1.0) / models.count(model) for model in models]
    total = math.fsum(raw)
    return [weight / total for weight in raw]


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return min(1.0, max(0.0, math.fsum(w * v for w, v in zip(weights, values, strict=True))))


def _spread(leading: Forecast, voices: Sequence[ContributingRun]) -> Spread:
    """Return what the leading model's last cycles (`leading.spread`) and the other models' runs
    gave, the widest of it.
    """
    values = [voice.probability for voice in voices]
    if leading.spread is None:
        return Spread(min(values), max(values), len(values))
    others = sum(voice.cycle.model != leading.cycle.model for voice in voices)
    return Spread(
        min(leading.spread.low, *values),
        max(leading.spread.high, *values),
        leading.spread.cycles + others,
    )


def shares_of(scores: Mapping[str, tuple[float, int]]) -> dict[str, float]:
    """Return the models' shares from their Brier scores over the same cases (score, cases):
    inverse, shrunk towards all models' mean.

    Models with fewer than LEAST_CASES cases get the mean share. No scores, no shares: all are
    equal.
    Source: inverse-error weights, Bates & Granger 1969, Operational Research Quarterly 20, 451,
    with shrinkage.
    """
    counted = {
        model: (brier, cases)
        for model, (brier, cases) in scores.items()
        if cases >= LEAST_CASES and brier > 0
    }
    if len(counted) < 2:
        return {}
    middle = math.fsum(brier for brier, _ in counted.values()) / len(counted)
    shrunk = {
        model: (cases * brier + PRIOR_CASES * middle) / (cases + PRIOR_CASES)
        for model, (brier, cases) in counted.items()
    }
    raw = {model: middle / brier for model, brier in shrunk.items()}
    return {model: raw.get(model, 1.0) for model in scores}
