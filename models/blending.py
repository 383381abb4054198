"""Blending: one forecast of many runs and models, the weighted mean of their probabilities.

Each model has one share, times what its newest run is worth at its lead (models/lead.py), divided
among its fresh runs by what each is worth; an ensemble's members together are one run. Shares are
equal until outcomes distinguish the models. A linear pool of calibrated
forecasts is underconfident (Ranjan & Gneiting 2010, JRSS B 72, 71); the calibration on outcomes
corrects that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from forecast.domain import ContributingRun, Event, Features, Forecast, RunForecasts, Spread
from forecast.quantities import grade_of, published_probability
from models.lead import SCALES

LEAST_CASES = 30  # of a model's forecasts with an outcome before its score counts
PRIOR_CASES = 60  # weight [cases] of all models' mean score in a model's score

Key = tuple[str, str, str]


def mean_features(members: Sequence[Features]) -> Features:
    """Return the mean of the members' features, NaN where more than half of them lack one.

    Times, texts and evidence are the first member's.
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


def ensemble(members: Sequence[RunForecasts], of_mean: RunForecasts) -> RunForecasts:
    """Return the forecasts of an ensemble, with the mean of its members' probabilities.

    of_mean: the forecasts from the members' mean features, which give all else. A probability is
    known where at least half the members know it.
    """
    forecasts_of_all = []
    for i, middle in enumerate(of_mean.forecasts):
        known = [member.forecasts[i] for member in members if member.forecasts[i].known]
        if 2 * len(known) < len(members) or not known:
            forecasts_of_all.append(replace(middle, probability=math.nan, states={}, grade=0))
            continue
        probability = math.fsum(f.probability for f in known) / len(known)
        states = {
            s: math.fsum(f.states.get(s, 0.0) for f in known) / len(known) for s in known[0].states
        }
        forecasts_of_all.append(replace(middle, probability=probability, states=states))
    return replace(of_mean, forecasts=tuple(forecasts_of_all), members=len(members))


def blend(
    runs: Sequence[RunForecasts],
    earlier: Mapping[Key, Sequence[ContributingRun]],
    shares: Mapping[str, Mapping[str, float]],
    grades: Sequence[float],
) -> tuple[Forecast, ...]:
    """Return one forecast for each event: all runs that know it give its probability.

    The first run that knows it gives all else. runs: the leading one first, all of the same events.
    earlier: event key -> fresh runs published before, newest first; a run that is also in `runs`
    counts once, as it is there. shares: phenomenon -> model -> share, 1 where a model is not named.
    """
    return tuple(
        _blended([(run, run.forecasts[i]) for run in runs], earlier, shares, grades)
        for i in range(len(runs[0].forecasts))
    )


def _blended(
    forecasts: Sequence[tuple[RunForecasts, Forecast]],
    earlier: Mapping[Key, Sequence[ContributingRun]],
    shares: Mapping[str, Mapping[str, float]],
    grades: Sequence[float],
) -> Forecast:
    leading = forecasts[0][1]
    known = [
        ContributingRun(run.cycle, f.probability, 0.0, run.members, f.states)
        for run, f in forecasts
        if f.known
    ]
    present = {run.cycle.id for run in known}
    known += [
        run
        for run in earlier.get(leading.event.key, ())
        if run.cycle.id not in present and math.isfinite(run.probability)
    ]
    first = next((f for _, f in forecasts if f.known), None)
    if first is None:
        return leading
    event = leading.event
    weights = _weights(known, event, shares.get(event.phenomenon, {}))
    probability = _mean([run.probability for run in known], weights)
    runs = tuple(replace(run, weight=weight) for run, weight in zip(known, weights, strict=True))
    whole = all(run.states for run in known)
    states = (
        {s: _mean([v.states[s] for v in known], weights) for s in first.states}
        if whole
        else first.states
    )
    if states and not whole:
        probability = first.probability
    probability = published_probability(probability)
    return replace(
        first,
        cycle=leading.cycle,
        probability=probability,
        grade=grade_of(probability, grades),
        states=states,
        contributing_runs=runs,
        spread=_spread(leading, runs),
    )


def _weights(
    runs: Sequence[ContributingRun], event: Event, shares: Mapping[str, float]
) -> list[float]:
    """Return weights that add to 1: each model's share, divided among its runs by their worth.

    A run's worth is the variance that its lead leaves it: the square of what its scale keeps.
    """
    if len(runs) == 1:
        return [1.0]
    models = [run.cycle.model for run in runs]
    leads = [(event.window.start - run.cycle.run).total_seconds() / 3600 for run in runs]
    worth = (SCALES[event.phenomenon].worth(np.array(leads)) ** 2).tolist()
    of_model = {m: sum(w for w, n in zip(worth, models, strict=True) if n == m) for m in models}
    newest = {m: max(w for w, n in zip(worth, models, strict=True) if n == m) for m in models}
    raw = [
        shares.get(model, 1.0) * newest[model] * w / of_model[model]
        for model, w in zip(models, worth, strict=True)
    ]
    total = math.fsum(raw)
    return [weight / total for weight in raw]


def _mean(values: Sequence[float], weights: Sequence[float]) -> float:
    return min(1.0, max(0.0, math.fsum(w * v for w, v in zip(weights, values, strict=True))))


def _spread(leading: Forecast, runs: Sequence[ContributingRun]) -> Spread:
    """Return the widest spread of the leading model's last cycles and the other models' runs."""
    values = [run.probability for run in runs]
    if leading.spread is None:
        return Spread(min(values), max(values), len(values))
    others = sum(run.cycle.model != leading.cycle.model for run in runs)
    return Spread(
        min(leading.spread.low, *values),
        max(leading.spread.high, *values),
        leading.spread.cycles + others,
    )


def shares_of(scores: Mapping[str, tuple[float, int]]) -> dict[str, float]:
    """Return the models' shares from their Brier scores (score, cases) over the same cases.

    A share is the inverse score, shrunk towards all models' mean. A model with fewer than
    LEAST_CASES cases gets the mean share. Empty, where fewer than two models have enough cases.
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
