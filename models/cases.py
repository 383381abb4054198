"""What had been told, joined to what came of it: cases to learn from and cases to be judged by.

The join is by event (site, phenomenon, local day). Features and probabilities are those of the
issue, as they stood when it went out; only the outcome comes from later. What was issued after the
event had begun, or never published, is not asked for (forecast/archive/outcomes.py).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
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
from models.rule_model import PhysicsRule
from models.training import TrainingSet

Array = NDArray[np.floating[Any]]

YES_FROM = 3  # the grade from which a reader is told to go
BACK = 10  # days before the event within which the last outcome known at issue is looked for
# An analysis is made of hours up to this after its run: of an event that begins no later, a
# forecast and its truth could be one run.
ANALYSIS_REACH = timedelta(hours=6)
MONTHS_NEEDED, EVENTS_NEEDED = 3, 30  # of other months, before they tell what is usual
BLOCK = 5  # days of one spell of weather
# cases' worth of belief that a season of a site is as its whole year, and a site as all sites
BORROWED = 10.0
SEASONS = ("winter", "spring", "summer", "autumn")


def independent(told: IssuedForecast | RunForecast, seen: VerifiedOutcome) -> bool:
    """Say whether a forecast may be held against an outcome: not where both could have come out of
    one run of the model.
    """
    return seen.outcome.source != "analysis" or told.window_start - told.run > ANALYSIS_REACH


def training_set(
    phenomenon: str,
    heard: Iterable[RunForecast],
    seen: Mapping[EventKey, VerifiedOutcome],
    names: Sequence[str] | None = None,
) -> TrainingSet:
    """Return the cases of one phenomenon to learn from: a row for each run that had a voice in an
    issue and whose outcome is known.

    names: features, None: all that serve the phenomenon. Rows about one event share its weight
    (TrainingSet.weight).
    """
    columns = tuple(features_of(phenomenon) if names is None else names)
    rows, told, outcomes = [], [], []
    for voice in heard:
        came = seen.get(voice.key)
        if came is None or voice.phenomenon != phenomenon or not independent(voice, came):
            continue
        rows.append([voice.values.get(name, math.nan) for name in columns])
        told.append(voice)
        outcomes.append(came.outcome)
    numbers = {key: place for place, key in enumerate(dict.fromkeys(voice.key for voice in told))}
    return TrainingSet(
        phenomenon=phenomenon,
        names=columns,
        features=np.array(rows, dtype=np.float64).reshape(len(rows), len(columns)),
        degree=np.array([o.degree for o in outcomes], dtype=float),
        state=np.array([o.state for o in outcomes], dtype=np.str_)
        if phenomenon == "sea_of_clouds"
        else None,
        day=np.array([voice.day for voice in told], dtype="datetime64[D]"),
        site=np.array([voice.site for voice in told], dtype=np.str_),
        source=np.array([o.source for o in outcomes], dtype=np.str_),
        lead=np.array([voice.lead for voice in told], dtype=float),
        event=np.array([numbers[voice.key] for voice in told], dtype=np.int64),
    )


@dataclass(frozen=True)
class Cases:
    """Forecasts as issued beside what came of them and what one could have said without them; every
    array (case).

    probability; rule: what the untrained rule says of the same features; climatology and base_rate:
    how often it was usually seen (`climatology`); persistence: the last outcome of the site known
    at issue (0 or 1); all NaN where not to be had. yes: published with grade YES_FROM or more.
    seen; day datetime64[D]; lead [h]; source of the outcome; event: a number alike for forecasts of
    one event;
    last: the last before its event.
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
    seen: NDArray[np.bool_]
    event: NDArray[np.integer[Any]]
    last: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.probability)

    def take(self, rows: NDArray[Any]) -> Cases:
        """Return the cases `rows` (numbers or a mask)."""
        return Cases(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    @property
    def season(self) -> NDArray[np.str_]:
        """The season of each case: winter is December to February."""
        return np.array(SEASONS, dtype=np.str_)[_season(self.day)]

    @property
    def events(self) -> int:
        return len(np.unique(self.event))


def cases(
    told: Sequence[IssuedForecast], reports: Mapping[EventKey, Sequence[OutcomeReport]]
) -> Cases:
    """Return the forecasts that have an outcome and a probability, with what they are held against."""
    seen = {key: came for key, all_ in reports.items() if (came := resolve(all_)) is not None}
    kept = [
        t
        for t in told
        if math.isfinite(t.probability) and t.key in seen and independent(t, seen[t.key])
    ]
    numbers = {key: place for place, key in enumerate(dict.fromkeys(t.key for t in kept))}
    newest: dict[EventKey, datetime] = {}
    for t in kept:
        newest[t.key] = max(t.issued, newest.get(t.key, t.issued))
    usual = climatology(seen)
    return Cases(
        phenomenon=np.array([t.phenomenon for t in kept], dtype=np.str_),
        site=np.array([t.site for t in kept], dtype=np.str_),
        source=np.array([seen[t.key].outcome.source for t in kept], dtype=np.str_),
        day=np.array([t.day for t in kept], dtype="datetime64[D]"),
        lead=np.array([t.lead for t in kept], dtype=float),
        probability=np.array([t.probability for t in kept], dtype=float),
        rule=_rule(kept),
        climatology=np.array([usual[t.key][0] for t in kept], dtype=float),
        base_rate=np.array([usual[t.key][1] for t in kept], dtype=float),
        persistence=_persistence(kept, reports),
        yes=np.array([t.grade >= YES_FROM for t in kept], dtype=bool),
        seen=np.array([seen[t.key].happened for t in kept], dtype=bool),
        event=np.array([numbers[t.key] for t in kept], dtype=np.int64),
        last=np.array([t.issued == newest[t.key] for t in kept], dtype=bool),
    )


def climatology(seen: Mapping[EventKey, VerifiedOutcome]) -> dict[EventKey, tuple[float, float]]:
    """Return for each event how often its phenomenon is usually seen, and how often it was over all
    sites and days but its own BLOCK days.

    The usual: from the outcomes of all other months (year and month), never its own, the frequency
    of the site in the same season, drawn towards that of the site in all seasons, and that towards
    all sites', each by BORROWED cases' worth. Where there are fewer than MONTHS_NEEDED other months
    or EVENTS_NEEDED events in them, another month tells of itself alone, and would make too easy a
    rival: then from all days but its own block, the site's drawn towards all sites'. NaN where
    there is no other block.
    """
    keys = list(seen)
    if not keys:
        return {}
    happened = np.array([seen[key].happened for key in keys], dtype=float)
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
    """Return for each case the frequency in its group but for its own span of days, drawn towards
    `towards`.
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
    return np.asarray((hits + BORROWED * towards) / (cases + BORROWED))


def columns_of_rules() -> dict[str, tuple[str, ...]]:
    """Return phenomenon -> the features its rule reads: all that `cases` asks of what was told."""
    return {phenomenon: PhysicsRule(phenomenon).columns for phenomenon in PHENOMENA}


def _rule(told: Sequence[IssuedForecast]) -> Array:
    """Return what the untrained rule says of the features as they were known at issue."""
    result = np.full(len(told), np.nan)
    rows: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(told):
        rows[each.phenomenon].append(place)
    for phenomenon, places in rows.items():
        rule = PhysicsRule(phenomenon).ready()
        features = np.array(
            [[told[i].values.get(name, math.nan) for name in rule.columns] for i in places],
            dtype=float,
        )
        headline = (
            list(rule.classes_).index(CLOUD_SEA_STATES[0]) if phenomenon == "sea_of_clouds" else 1
        )
        result[places] = rule.predict_proba(features)[:, headline]
    return result


def _persistence(
    told: Sequence[IssuedForecast], reports: Mapping[EventKey, Sequence[OutcomeReport]]
) -> Array:
    """Return for each forecast what had last been seen at its site on an earlier day, as known when
    it was issued.
    """
    known: dict[tuple[EventKey, int], float] = {}
    result = np.full(len(told), np.nan)
    for place, each in enumerate(told):
        for back in range(1, BACK + 1):
            day: date = each.day - timedelta(days=back)
            key = (each.site, each.phenomenon, day.isoformat())
            there = [r for r in reports.get(key, ()) if r.received <= each.issued]
            if there:
                if (key, len(there)) not in known:
                    came = resolve(there)
                    known[key, len(there)] = math.nan if came is None else float(came.happened)
                result[place] = known[key, len(there)]
                break
    return result


def _season(day: NDArray[np.datetime64]) -> NDArray[np.integer[Any]]:
    """Return 0 winter (from December) to 3 autumn."""
    return np.asarray((day.astype("datetime64[M]").astype(int) + 1) % 12 // 3)


def shares_scores(
    told: Sequence[IssuedForecast], seen: Mapping[EventKey, VerifiedOutcome]
) -> dict[str, dict[str, tuple[float, int]]]:
    """Return phenomenon -> NWP model -> (Brier score, events) of its voices: each phenomenon on the
    cases that all its models told of.

    What models.blending.shares_of turns into shares. A model counts from the first case it told of;
    cases are the events.
    """
    rows: dict[str, list[tuple[EventKey, Mapping[str, float], float]]] = defaultdict(list)
    for each in told:
        came = seen.get(each.key)
        if came is not None and len(each.contributing_runs) > 1 and independent(each, came):
            rows[each.phenomenon].append((each.key, each.contributing_runs, float(came.happened)))
    result: dict[str, dict[str, tuple[float, int]]] = {}
    for phenomenon, all_ in rows.items():
        models = sorted({model for _, voices, _ in all_ for model in voices})
        common = [(key, voices, truth) for key, voices, truth in all_ if len(voices) == len(models)]
        events = len({key for key, _, _ in common})
        if common:
            result[phenomenon] = {
                model: (
                    math.fsum((voices[model] - truth) ** 2 for _, voices, truth in common)
                    / len(common),
                    events,
                )
                for model in models
            }
    return result
