"""Cases: issued forecasts joined to verifying outcomes, for training and for verification.

The join is by event (site, phenomenon, local day). Features and probabilities are those of the
issue, as they stood when it was published; only the outcome comes from later. What was issued after
the event had begun, or never published, is not read (forecast/archive/outcomes.py).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.domain import CLOUD_SEA_STATES, PHENOMENA
from forecast.quantities import features_of
from forecast.verification import (
    EventKey,
    IssuedForecast,
    OutcomeReport,
    RunForecast,
    VerifiedOutcome,
    resolve,
)
from models.climatology import shrunk
from models.rule_model import LEAD, USUAL, PhysicsRule
from models.training_set import TrainingSet

Array = NDArray[np.floating[Any]]

YES_FROM = 3  # the grade from which a published forecast counts as a yes
BACK = 10  # days before the event in which the last outcome known at issue is looked for
# An analysis uses hours up to this after its run. Of an event that begins no later, the forecast
# and its verifying analysis could be one run.
ANALYSIS_REACH = timedelta(hours=6)
MONTHS_NEEDED, EVENTS_NEEDED = 3, 30  # other months, and events in them, for a climatology
BLOCK = 5  # days of one spell of weather
OFTEN_EMPTY = ("southern", "machine", "usual", "confidence")  # columns of Cases
SEASONS = ("winter", "spring", "summer", "autumn")


def independent(forecast: IssuedForecast | RunForecast, verified: VerifiedOutcome) -> bool:
    """Return whether an outcome may verify a forecast: not where both could be of one model run."""
    lead_of_run = forecast.window_start - forecast.run
    return verified.outcome.source != "analysis" or lead_of_run > ANALYSIS_REACH


def training_set(
    phenomenon: str,
    runs: Iterable[RunForecast],
    verified: Mapping[EventKey, VerifiedOutcome],
    names: Sequence[str] | None = None,
    usual: Callable[[EventKey], float] | None = None,
) -> TrainingSet:
    """Return the training cases of a phenomenon: a row for each contributing run with an outcome.

    names: of features, None: all of the phenomenon. usual: the usual frequency of an event, in
    place of the one that the run kept, which stays where that is NaN. Rows about one event share
    its weight (TrainingSet.weight).
    """
    columns = tuple(features_of(phenomenon) if names is None else names)
    rows, kept, outcomes = [], [], []
    for run in runs:
        outcome = verified.get(run.key)
        if outcome is None or run.phenomenon != phenomenon or not independent(run, outcome):
            continue
        values = with_lead(run)
        if usual is not None and math.isfinite(frequency := usual(run.key)):
            values = {**values, USUAL: frequency}
        rows.append([values.get(name, math.nan) for name in columns])
        kept.append(run)
        outcomes.append(outcome.outcome)
    numbers = {key: place for place, key in enumerate(dict.fromkeys(run.key for run in kept))}
    return TrainingSet(
        phenomenon=phenomenon,
        names=columns,
        features=np.array(rows, dtype=np.float64).reshape(len(rows), len(columns)),
        degree=np.array([o.degree for o in outcomes], dtype=float),
        state=np.array([o.state for o in outcomes], dtype=np.str_)
        if phenomenon == "sea_of_clouds"
        else None,
        day=np.array([run.day for run in kept], dtype="datetime64[D]"),
        site=np.array([run.site for run in kept], dtype=np.str_),
        source=np.array([o.source for o in outcomes], dtype=np.str_),
        lead=np.array([run.lead for run in kept], dtype=float),
        event=np.array([numbers[run.key] for run in kept], dtype=np.int64),
    )


def with_lead(forecast: IssuedForecast | RunForecast) -> Mapping[str, float]:
    """Return the features as issued; of a forecast archived before they held it, with the lead."""
    if LEAD in forecast.values:
        return forecast.values
    lead = (forecast.window_start - forecast.run) / timedelta(hours=1)
    return {LEAD: lead, **forecast.values}


@dataclass(frozen=True)
class Cases:
    """Issued forecasts beside their outcomes and the reference forecasts; every array is (case).

    probability: as issued. rule: the untrained rule's, of the same features. climatology,
    base_rate: frequencies (`climatology`). persistence: the last outcome of the site known at issue
    (0 or 1). usual: the usual frequency shown beside the forecast. All of these are NaN where
    unknown. confidence: 3 high to 1 low, 0 unknown; both empty where no forecast kept them. yes:
    published with grade YES_FROM or more. observed: whether it was. source: of the outcome. day:
    datetime64[D]. lead [h]. event: a number shared by the forecasts of one event. last: whether it
    is the last one before its event.
    southern: whether the site lies south of the equator; empty where none does. machine: the
    probability before a forecaster changed it, NaN where nobody did; empty where nobody ever did.
    """

    phenomenon: NDArray[np.str_]
    site: NDArray[np.str_]
    source: NDArray[np.str_]
    day: NDArray[np.datetime64]
    lead: Array
    probability: Array
    rule: Array
    climatology: Array
    base_rate: Array
    persistence: Array
    yes: NDArray[np.bool_]
    observed: NDArray[np.bool_]
    event: NDArray[np.integer[Any]]
    last: NDArray[np.bool_]
    southern: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    machine: Array = field(default_factory=lambda: np.zeros(0))
    usual: Array = field(default_factory=lambda: np.zeros(0))
    confidence: NDArray[np.integer[Any]] = field(default_factory=lambda: np.zeros(0, dtype=int))

    def __len__(self) -> int:
        return len(self.probability)

    def take(self, rows: NDArray[Any]) -> Cases:
        """Return the cases `rows` (numbers or a mask)."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        empty = {name for name in OFTEN_EMPTY if not getattr(self, name).size}
        return Cases(
            **{name: column if name in empty else column[rows] for name, column in columns.items()}
        )

    @property
    def season(self) -> NDArray[np.str_]:
        """The season of each case at its site: winter is December to February, or June to August.

        The latter south of the equator.
        """
        season = _season(self.day)
        if self.southern.size:
            season = np.where(self.southern, (season + 2) % 4, season)
        return np.array(SEASONS, dtype=np.str_)[season]

    @property
    def events(self) -> int:
        return len(np.unique(self.event))


def cases(
    forecasts: Sequence[IssuedForecast],
    reports: Mapping[EventKey, Sequence[OutcomeReport]],
    southern: Set[str] = frozenset(),
) -> Cases:
    """Return the forecasts with an outcome and a probability, beside their references.

    southern: the ids of the sites south of the equator, whose seasons are half a year away.
    """
    verified = {key: one for key, all_ in reports.items() if (one := resolve(all_)) is not None}
    kept = [
        f
        for f in forecasts
        if math.isfinite(f.probability) and f.key in verified and independent(f, verified[f.key])
    ]
    numbers = {key: place for place, key in enumerate(dict.fromkeys(f.key for f in kept))}
    newest: dict[EventKey, datetime] = {}
    for f in kept:
        newest[f.key] = max(f.issued, newest.get(f.key, f.issued))
    usual = climatology(verified)
    return Cases(
        phenomenon=np.array([f.phenomenon for f in kept], dtype=np.str_),
        site=np.array([f.site for f in kept], dtype=np.str_),
        source=np.array([verified[f.key].outcome.source for f in kept], dtype=np.str_),
        day=np.array([f.day for f in kept], dtype="datetime64[D]"),
        lead=np.array([f.lead for f in kept], dtype=float),
        probability=np.array([f.probability for f in kept], dtype=float),
        rule=_rule(kept),
        climatology=np.array([usual[f.key][0] for f in kept], dtype=float),
        base_rate=np.array([usual[f.key][1] for f in kept], dtype=float),
        persistence=_persistence(kept, reports),
        yes=np.array([f.grade >= YES_FROM for f in kept], dtype=bool),
        observed=np.array([verified[f.key].happened for f in kept], dtype=bool),
        event=np.array([numbers[f.key] for f in kept], dtype=np.int64),
        last=np.array([f.issued == newest[f.key] for f in kept], dtype=bool),
        southern=np.array([f.site in southern for f in kept], dtype=bool)
        if southern
        else np.zeros(0, dtype=bool),
        machine=np.array([f.machine for f in kept], dtype=float)
        if any(math.isfinite(f.machine) for f in kept)
        else np.zeros(0),
        **_as_shown(kept),
    )


def _as_shown(kept: Sequence[IssuedForecast]) -> dict[str, NDArray[Any]]:
    """Return the columns of what was shown beside the forecasts, none where nothing was kept."""
    if not any(f.confidence for f in kept):
        return {}
    return {
        "usual": np.array([f.usual for f in kept], dtype=float),
        "confidence": np.array([f.confidence for f in kept], dtype=int),
    }


def climatology(
    verified: Mapping[EventKey, VerifiedOutcome],
) -> dict[EventKey, tuple[float, float]]:
    """Return for each event the climatological frequency of its phenomenon, and the base rate.

    The base rate is the frequency over all sites and all days but the event's own BLOCK days. The
    climatology is the frequency of the site and season in all other months (year and month), shrunk
    towards that of the site in all seasons, and that towards all sites', each with the weight of
    PRIOR_CASES cases. With fewer than MONTHS_NEEDED other months, or EVENTS_NEEDED events in them,
    it would be too easy a rival: then it is the frequency of the site over all days but its own
    block, shrunk towards all sites'. NaN where there is no other block.
    """
    keys = list(verified)
    if not keys:
        return {}
    happened = np.array([verified[key].happened for key in keys], dtype=float)
    site, phenomenon, days = (np.array(part, dtype=np.str_) for part in zip(*keys, strict=True))
    day = days.astype("datetime64[D]")
    month, season, block = (
        day.astype("datetime64[M]").astype(int),
        _season(day),
        day.astype(int) // BLOCK,
    )
    usual, base = np.full(len(keys), np.nan), np.full(len(keys), np.nan)
    for each in np.unique(phenomenon):
        of = np.flatnonzero(phenomenon == each)
        everywhere, place = (
            np.zeros(len(of), dtype=int),
            np.unique(site[of], return_inverse=True)[1],
        )
        broad = _others(everywhere, month[of], happened[of], None)
        local = _others(place, month[of], happened[of], broad)
        of_season = np.unique(
            np.char.add(site[of], season[of].astype(np.str_)), return_inverse=True
        )[1]
        _, own, counts = np.unique(month[of], return_inverse=True, return_counts=True)
        base[of] = _others(everywhere, block[of], happened[of], None)
        usual[of] = np.where(
            (len(counts) > MONTHS_NEEDED) & (len(of) - counts[own] >= EVENTS_NEEDED),
            _others(of_season, month[of], happened[of], local),
            _others(place, block[of], happened[of], base[of]),
        )
    return dict(zip(keys, zip(usual.tolist(), base.tolist(), strict=True), strict=True))


def _others(
    group: NDArray[Any], span: NDArray[Any], happened: Array, towards: Array | None
) -> Array:
    """Return for each case the frequency in its group without its own span of days.

    It is shrunk towards `towards` (case), where given.
    """
    blocks, place = np.unique(np.stack([group, span]), axis=1, return_inverse=True)
    place = place.reshape(-1)
    counts = np.stack(
        [
            np.bincount(group, minlength=group.max() + 1),
            np.bincount(group, happened, minlength=group.max() + 1),
        ]
    )
    own = np.stack(
        [
            np.bincount(place, minlength=blocks.shape[1]),
            np.bincount(place, happened, minlength=blocks.shape[1]),
        ]
    )
    cases, hits = counts[:, group] - own[:, place]
    if towards is None:
        return np.divide(hits, cases, out=np.full(len(group), np.nan), where=cases > 0)
    return np.asarray(shrunk(hits, cases, towards))


def columns_of_rules() -> dict[str, tuple[str, ...]]:
    """Return phenomenon -> the features its rule reads: all that `cases` needs of a forecast."""
    return {phenomenon: PhysicsRule(phenomenon).columns for phenomenon in PHENOMENA}


def _rule(forecasts: Sequence[IssuedForecast]) -> Array:
    """Return the untrained rule's probability of the features as they were known at issue."""
    result = np.full(len(forecasts), np.nan)
    rows: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(forecasts):
        rows[each.phenomenon].append(place)
    for phenomenon, places in rows.items():
        rule = PhysicsRule(phenomenon).ready()
        features = np.array(
            [
                [values.get(name, math.nan) for name in rule.columns]
                for values in (with_lead(forecasts[i]) for i in places)
            ],
            dtype=float,
        )
        headline = (
            list(rule.classes_).index(CLOUD_SEA_STATES[0]) if phenomenon == "sea_of_clouds" else 1
        )
        result[places] = rule.predict_proba(features)[:, headline]
    return result


def _persistence(
    forecasts: Sequence[IssuedForecast], reports: Mapping[EventKey, Sequence[OutcomeReport]]
) -> Array:
    """Return for each forecast the last outcome of its site on an earlier day, known at issue."""
    known: dict[tuple[EventKey, int], float] = {}
    result = np.full(len(forecasts), np.nan)
    for place, each in enumerate(forecasts):
        for back in range(1, BACK + 1):
            day: date = each.day - timedelta(days=back)
            key = (each.site, each.phenomenon, day.isoformat())
            there = [r for r in reports.get(key, ()) if r.received <= each.issued]
            if there:
                if (key, len(there)) not in known:
                    last = resolve(there)
                    known[key, len(there)] = math.nan if last is None else float(last.happened)
                result[place] = known[key, len(there)]
                break
    return result


def _season(day: NDArray[np.datetime64]) -> NDArray[np.integer[Any]]:
    """Return 0 winter (from December) to 3 autumn."""
    return np.asarray((day.astype("datetime64[M]").astype(int) + 1) % 12 // 3)


def shares_scores(
    forecasts: Sequence[IssuedForecast], verified: Mapping[EventKey, VerifiedOutcome]
) -> dict[str, dict[str, tuple[float, int]]]:
    """Return phenomenon -> NWP model -> (Brier score, events) of its contributing runs.

    Each phenomenon is scored on the cases that all its models forecast; models.blending.shares_of
    turns the scores into shares. A model counts from its first case.
    """
    rows: dict[str, list[tuple[EventKey, Mapping[str, float], float]]] = defaultdict(list)
    for each in forecasts:
        outcome = verified.get(each.key)
        runs = each.contributing_runs
        if outcome is not None and len(runs) > 1 and independent(each, outcome):
            rows[each.phenomenon].append((each.key, runs, float(outcome.happened)))
    result: dict[str, dict[str, tuple[float, int]]] = {}
    for phenomenon, all_ in rows.items():
        models = sorted({model for _, runs, _ in all_ for model in runs})
        common = [(key, runs, truth) for key, runs, truth in all_ if len(runs) == len(models)]
        events = len({key for key, _, _ in common})
        if common:
            result[phenomenon] = {
                model: (
                    math.fsum((runs[model] - truth) ** 2 for _, runs, truth in common)
                    / len(common),
                    events,
                )
                for model in models
            }
    return result
