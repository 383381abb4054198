"""Prediction: from features and a model to forecasts.

A forecast has a probability, grade, best window, reasons, spread, and what was missing.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from forecast.compact import Numbers, Reasons
from forecast.domain import (
    CLOUD_SEA_STATES,
    PARTLY_COVERED,
    PHENOMENA,
    Cycle,
    Features,
    Forecast,
    Reason,
    RunForecasts,
    Spread,
    Window,
)
from forecast.quantities import (
    FEATURES,
    feature_column,
    features_of,
    grade_of,
    published_probability,
)
from models.climatology import Climatology, read_climatology
from models.lead import confidence_of, later_range
from models.refusals import keep_refusals
from models.rule_model import LEAD, USUAL, known_ahead

if TYPE_CHECKING:
    from models.registry import Served

log = logging.getLogger(__name__)

REASONS_EACH_WAY = 3
SMALLEST_EFFECT = 0.15  # [logit] of a reason: about 4 percentage points at even odds

# quantities whose spread over the last cycles is shown
SPREAD_OF = ("deck_base", "deck_top")

# of a run's features: the chance of snow, and those of much snow, which readers see
SNOW_CHANCE, SNOW_CHANCES = "chance_of_1_cm", ("chance_of_5_cm", "chance_of_10_cm")

NOTHING: Mapping[str, Any] = {}  # one for all forecasts; never changed

Earlier = Mapping[tuple[str, str, str], Sequence[float]]
EarlierQuantities = Mapping[tuple[str, str, str], Mapping[str, Sequence[float]]]


SHARES = "shares.json"  # in the folder of models: the share of each NWP model


class Model(Protocol):
    """A rule or a trained model. NaN features are allowed; NaN where too little is known."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    def predict_proba(
        self, X: NDArray[np.floating[Any]], sites: Sequence[str] | None = None
    ) -> NDArray[np.floating[Any]]: ...
    def influence(
        self, X: NDArray[np.floating[Any]], sites: Sequence[str] | None = None
    ) -> NDArray[np.floating[Any]]: ...


@dataclass(frozen=True, slots=True)
class Models:
    """The model in force for each phenomenon, and its name in a forecast.

    shares: phenomenon -> NWP model -> its share in the blend, by its verification; empty: all are
    equal. served: the same models with their cards, and why others are refused. climatology: the
    usual frequencies.
    """

    by_phenomenon: Mapping[str, Model]
    names: Mapping[str, str]
    shares: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    served: Mapping[str, Served] = field(default_factory=dict)
    climatology: Climatology = field(default_factory=Climatology)

    @property
    def refused(self) -> tuple[str, ...]:
        """The reasons why models are refused, each with what to do."""
        return tuple(reason for one in self.served.values() for reason in one.refused)


def open_models(folder: Path | None = None) -> Models:
    """Return the models in force: the folder's newest usable ones, the shipped ones, or the rules.

    A refused model is logged, and the one before it serves. No content of the folder raises.
    """
    from models import registry

    nothing = registry.SHIPPED / "none"  # a folder that does not exist
    served = registry.in_force(folder or nothing)
    for one in served.values():
        for reason in one.refused:
            log.warning("a model is refused, %s serves: %s", one.name, reason)
    opened = Models(
        *registry.by_name(served),
        read_shares(folder) if folder else {},
        served,
        read_climatology(folder),
    )
    if folder is not None:
        keep_refusals(folder, opened.refused)
    return opened


def read_shares(folder: Path) -> dict[str, dict[str, float]]:
    """Return the shares kept in a folder of models; none where the file is not valid."""
    path = folder / SHARES
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        found = {
            str(p): {str(model): float(share) for model, share in by_model.items()}
            for p, by_model in kept.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning(
            "%s: cannot be read (%s): all models have equal shares until the next night writes it",
            path,
            error,
        )
        return {}
    if all(
        p in PHENOMENA and all(0 < share < 1e3 for share in by_model.values())
        for p, by_model in found.items()
    ):
        return found
    log.warning(
        "%s: holds invalid shares: all models have equal shares until the next night writes it",
        path,
    )
    return {}


def with_lead(features: Features, cycle: Cycle, climatology: Climatology) -> Features:
    """Return the features of a run with its lead and the usual frequency of each event."""
    lead = [(event.window.start - cycle.run).total_seconds() / 3600 for event in features.events]
    usual = [climatology.frequency(event) for event in features.events]
    columns = {LEAD: feature_column(LEAD, lead), USUAL: feature_column(USUAL, usual)}
    return replace(features, table=features.table.assign(columns))


def predict(
    features: Features,
    cycle: Cycle,
    issued: datetime,
    models: Models,
    grades: Sequence[float],
    earlier: Earlier | None = None,
    earlier_quantities: EarlierQuantities | None = None,
) -> RunForecasts:
    """Return one forecast for each event of a run, in the order of `features.events`.

    The run's features have its lead and the usual frequencies added. grades: the probabilities at
    which grades 2 to 5 begin. earlier: event key -> probabilities of earlier cycles, newest first;
    earlier_quantities: event key -> their values of SPREAD_OF.
    """
    features = with_lead(features, cycle, models.climatology)
    forecasts: list[Forecast | None] = [None] * len(features.events)
    table = {str(name): features.table[name].values for name in features.table.data_vars}
    for phenomenon, model in models.by_phenomenon.items():
        rows = np.array(
            [i for i, event in enumerate(features.events) if event.phenomenon == phenomenon],
            dtype=int,
        )
        if not len(rows):
            continue
        cases = np.stack([table[name][rows] for name in model.columns], axis=1)
        sites = [features.events[row].site.id for row in rows]
        for row, answer in zip(rows.tolist(), _answers(model, cases, sites), strict=True):
            event, known = features.events[row], math.isfinite(answer.probability)
            lead = float(table[LEAD][row])
            quantities = _quantities(table, row, phenomenon, answer.probability)
            before = (earlier_quantities or {}).get(event.key, {})
            forecasts[row] = Forecast(
                event=event,
                cycle=cycle,
                issued=issued,
                model=models.names[phenomenon],
                probability=answer.probability,
                grade=grade_of(published_probability(answer.probability), grades),
                best=_best(table["best_start"][row], table["best_end"][row]) if known else None,
                states=answer.states,
                reasons=Reasons(answer.reasons) if answer.reasons else (),
                spread=_widened(
                    _spread(answer.probability, (earlier or {}).get(event.key, ())),
                    later_range(answer.probability, phenomenon, lead),
                )
                if known
                else None,
                usual=float(table[USUAL][row]),
                confidence=known * _confidence(phenomenon, table, row, features.missing[row]),
                missing=_missing(features.missing[row], answer.unknown),
                quantities=Numbers(quantities),
                spreads=_spreads(quantities, before),
            )
    made = tuple(forecast for forecast in forecasts if forecast is not None)
    return RunForecasts(cycle, features, made)


def _spreads(
    quantities: Mapping[str, float], before: Mapping[str, Sequence[float]]
) -> Mapping[str, Spread]:
    """Return the ranges of quantities of which earlier values are known."""
    names = [name for name in quantities if name in SPREAD_OF and name in before]
    return {name: _spread(quantities[name], before[name]) for name in names} or NOTHING


def _confidence(
    phenomenon: str, table: Mapping[str, NDArray[Any]], row: int, missing: Sequence[str]
) -> int:
    """Return how sure a known forecast is; one level less where data cover a part of its window."""
    values = {name: table[name].item(row) for name in features_of(phenomenon)}
    whole = confidence_of(phenomenon, values[LEAD], known_ahead(phenomenon, values))
    return max(whole - (PARTLY_COVERED in missing), 1)


def _quantities(
    table: Mapping[str, NDArray[Any]], row: int, phenomenon: str, probability: float
) -> dict[str, float]:
    """Return what readers see of an event's features.

    The features have the chances of much snow as if the run were sure. Shown is the probability
    times their part of the chance of snow, which fades with lead as the probability does.
    """
    shown = (name for name in features_of(phenomenon) if FEATURES[name].shown)
    found = {name: value for name in shown if math.isfinite(value := table[name].item(row))}
    of_snow = float(table[SNOW_CHANCE][row]) if SNOW_CHANCE in table else math.nan
    if of_snow > 0 and math.isfinite(probability):
        found |= {
            name: probability * min(1.0, found[name] / of_snow)
            for name in SNOW_CHANCES
            if name in found
        }
    return found


@dataclass(frozen=True, slots=True)
class _Answer:
    probability: float
    states: Mapping[str, float]
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...]


def _answers(model: Model, cases: NDArray[np.floating[Any]], sites: Sequence[str]) -> list[_Answer]:
    probabilities = model.predict_proba(cases, sites)
    influence = model.influence(cases, sites)
    columns, answers = model.columns, []
    for values, moved, probability in zip(cases, influence, probabilities, strict=True):
        states = (
            dict(zip(CLOUD_SEA_STATES, map(float, probability), strict=True))
            if len(probability) > 2
            else NOTHING
        )
        headline = float(probability[0] if states else probability[1])
        known = np.isfinite(headline)
        empty = (name for name, value in zip(columns, values, strict=True) if np.isnan(value))
        unknown = tuple(name for name in empty if not FEATURES[name].may_be_absent)
        reasons = _reasons(columns, values, moved) if known else ()
        answers.append(_Answer(headline, states if known and states else NOTHING, reasons, unknown))
    return answers


def _reasons(
    names: Sequence[str], values: NDArray[np.floating[Any]], moved: NDArray[np.floating[Any]]
) -> tuple[Reason, ...]:
    """Return the features with the greatest effects, at most three up and three down.

    The strongest comes first.
    """
    large = [
        Reason(name, value, effect)
        for name, value, effect in zip(names, values.tolist(), moved.tolist(), strict=True)
        if abs(effect) >= SMALLEST_EFFECT
    ]
    ordered = sorted(large, key=lambda reason: -abs(reason.effect))
    up = [reason for reason in ordered if reason.effect > 0][:REASONS_EACH_WAY]
    down = [reason for reason in ordered if reason.effect < 0][:REASONS_EACH_WAY]
    return tuple(reason for reason in ordered if reason in up or reason in down)


def _missing(ids: Sequence[str], unknown: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of what was missing; an id that explains all others stands alone."""
    for whole in ("beyond_data", "computation"):
        if whole in ids:
            return (whole,)
    return (*ids, *(f"feature:{name}" for name in unknown))


def _best(start: np.datetime64, end: np.datetime64) -> Window | None:
    if np.isnat(start) or np.isnat(end) or end <= start:
        return None
    return Window(
        *(datetime.fromtimestamp(t.astype("datetime64[s]").astype(int), UTC) for t in (start, end))
    )


def _spread(now: float, earlier: Sequence[float]) -> Spread:
    values = [now, *(value for value in earlier if math.isfinite(value))]
    return Spread(min(values), max(values), len(values))


def _widened(spread: Spread, later: tuple[float, float]) -> Spread:
    """Return the spread with the range in which later forecasts of the event are expected."""
    return Spread(min(spread.low, later[0]), max(spread.high, later[1]), spread.cycles)
