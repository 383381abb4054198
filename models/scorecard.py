"""Scorecard: a line of scores for each group of forecasts, ranked, and a record of each phenomenon.

Every issued forecast counts in the lines. In the records, which readers see, one forecast counts
for each event: the last before it began. Intervals are those of a block bootstrap over spans of
BLOCK days of all sites together, because the sites share their weather.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.domain import OUTCOME_SOURCES, PHENOMENA
from forecast.verification import (
    EVENTS_NEEDED,
    EVENTS_NEEDED_OF_A_KIND,
    MACHINE,
    REFERENCES,
    STRIP_DAYS,
    EventCounts,
    EventMark,
    Figure,
    PhenomenonRecord,
    ReliabilityBin,
    ScoreLine,
    Verification,
)
from models.bootstrap import percentile_interval, resampled_sums, widened
from models.cases import BLOCK, Cases
from models.corp import CorpReliability, corp_reliability
from models.scores import brier, parts_of_brier, roc_points, score, skill

Array = NDArray[np.floating[Any]]

DIMENSIONS = ("phenomenon", "site", "lead", "confidence", "season", "source")
LEAST_BLOCKS = 8  # for an interval: with fewer, the bootstrap is too narrow even when widened
LEVEL = 0.9
DAY = np.timedelta64(1, "D")


def verify(cases: Cases, threshold: float, today: date) -> Verification:
    """Return the verification of the cases.

    threshold: the probability shown as that from which a forecast is a yes; today: the local day.
    """
    days = cases.day.astype("datetime64[D]")
    since, until = (days.min().item(), days.max().item()) if len(cases) else (today, today)
    records = tuple(
        record_of(name, cases.take((cases.phenomenon == name) & cases.last), today)
        for name in PHENOMENA
        if (cases.phenomenon == name).any()
    )
    lines = sorted((line for group in groups(cases) for line in [score_line(*group)]), key=_rank)
    return Verification(
        since, until, threshold, EVENTS_NEEDED, len(cases), cases.events, 0, records, tuple(lines)
    )


def groups(cases: Cases) -> Iterator[tuple[str, str, str, Cases]]:
    """Yield (dimension, name, phenomenon, cases) of each group that has cases.

    Groups are formed over all phenomena together ("") and for each phenomenon.
    """
    for phenomenon in ("", *PHENOMENA):
        of = cases.take(cases.phenomenon == phenomenon) if phenomenon else cases
        if not len(of):
            continue
        yield "phenomenon", phenomenon, phenomenon, of
        lead = (of.lead // 24).astype(int)
        for dimension, values in (
            ("site", of.site),
            ("lead", lead),
            ("confidence", of.confidence),
            ("season", of.season),
            ("source", of.source),
        ):
            for name in np.unique(values[values != 0] if dimension == "confidence" else values):
                yield dimension, str(name), phenomenon, of.take(values == name)


def score_line(dimension: str, name: str, phenomenon: str, cases: Cases) -> ScoreLine:
    """Return the scores of a group of forecasts."""
    blocks = cases.day.astype("datetime64[D]").astype(int) // BLOCK
    observed = cases.observed.astype(float)
    loss = (cases.probability - observed) ** 2
    parts, scores = parts_of_brier(cases.probability, observed), score(cases.probability, observed)
    yes, hits = int(cases.yes.sum()), int((cases.yes & cases.observed).sum())
    occurred = int(cases.observed.sum())
    references = rivals(cases)
    kinds = [len(np.unique(cases.event[kind])) for kind in (cases.observed, ~cases.observed)]
    return ScoreLine(
        dimension=dimension,
        name=name,
        phenomenon=phenomenon,
        cases=len(cases),
        events=cases.events,
        observed=occurred,
        brier=_mean(loss, blocks),
        reliability=parts.reliability,
        resolution=parts.resolution,
        uncertainty=parts.uncertainty,
        skills={
            reference: skill_against(loss, values, observed, blocks)
            for reference, values in references.items()
        },
        auc=scores.auc,
        hits=hits,
        misses=occurred - hits,
        false_alarms=yes - hits,
        correct_negatives=len(cases) - occurred - (yes - hits),
        enough=cases.events >= EVENTS_NEEDED and min(kinds) >= EVENTS_NEEDED_OF_A_KIND,
        right=_mean(((cases.probability >= 0.5) == cases.observed).astype(float), blocks),
        persistence=skill_against(
            (references["persistence"] - observed) ** 2, references["climatology"], observed, blocks
        ),
    )


def rivals(cases: Cases) -> dict[str, Array]:
    """Return the probabilities of each of REFERENCES (case), and of MACHINE where it is known.

    As climatology counts the hardest to beat of the climatological frequency, the base rate and
    the usual frequency shown beside every forecast.
    """
    result: dict[str, Array] = {reference: getattr(cases, reference) for reference in REFERENCES}
    if cases.machine.size and np.isfinite(cases.machine).any():
        result[MACHINE] = cases.machine
    frequencies = [cases.climatology, cases.base_rate]
    if cases.usual.size and np.isfinite(cases.usual).all():
        frequencies.append(cases.usual)
    errors = [brier(frequency, cases.observed) for frequency in frequencies]
    if np.isfinite(errors).any():
        result["climatology"] = frequencies[int(np.nanargmin(errors))]
    return result


def skill_against(
    loss: Array, reference: Array, observed: Array, blocks: NDArray[np.integer[Any]]
) -> Figure:
    """Return the Brier skill against a reference, with its interval.

    It is on the cases for which the reference is known; NaN where there are none, or it never errs.
    """
    known = np.isfinite(reference) & np.isfinite(loss)
    if not known.any():
        return Figure(math.nan)
    rival = (reference[known] - observed[known]) ** 2
    sums = resampled_sums(np.stack([loss[known], rival], axis=1), blocks[known])
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = 1 - sums[:, 0] / sums[:, 1]
    value = skill(float(loss[known].mean()), float(rival.mean()))
    low, high = _bounds(value, drawn, blocks[known])
    return Figure(value, low, min(high, 1.0) if math.isfinite(high) else high, int(known.sum()))


def record_of(phenomenon: str, cases: Cases, today: date) -> PhenomenonRecord:
    """Return the record of a phenomenon, from one forecast for each event."""
    last = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    strip = cases.take(cases.day >= np.datetime64(today - timedelta(days=STRIP_DAYS), "D"))
    marks = zip(
        strip.site.tolist(),
        strip.day.tolist(),
        strip.yes.tolist(),
        strip.observed.tolist(),
        strict=True,
    )
    line = score_line("phenomenon", phenomenon, phenomenon, cases)
    curve = corp_reliability(cases.probability, cases.observed) if line.enough else None
    return PhenomenonRecord(
        phenomenon,
        line,
        _month_counts(cases, last, today.replace(day=1) - timedelta(days=1)),
        tuple(EventMark(*mark) for mark in marks),
        () if curve is None else _bins(curve),
        roc_points(cases.probability, cases.observed) if line.enough else (),
        {
            source: int((cases.source == source).sum())
            for source in OUTCOME_SOURCES
            if (cases.source == source).any()
        },
        ()
        if curve is None
        else tuple(
            zip(*(side.tolist() for side in (curve.at, curve.low, curve.high)), strict=True)
        ),
        math.nan if curve is None else curve.chance,
    )


def _bins(curve: CorpReliability) -> tuple[ReliabilityBin, ...]:
    low, high = curve.band(curve.probability)
    columns = (curve.probability, curve.frequency, curve.cases, low, high, curve.first, curve.last)
    return tuple(
        ReliabilityBin(*each) for each in zip(*(column.tolist() for column in columns), strict=True)
    )


def _month_counts(cases: Cases, since: date, until: date) -> EventCounts:
    part = cases.take(
        (cases.day >= np.datetime64(since, "D")) & (cases.day <= np.datetime64(until, "D"))
    )
    # (forecast, observed) of hits, misses, false alarms and correct negatives
    kinds = ((True, True), (False, True), (True, False), (False, False))
    return EventCounts(
        since,
        until,
        *(int(((part.yes == yes) & (part.observed == observed)).sum()) for yes, observed in kinds),
    )


def _mean(values: Array, blocks: NDArray[np.integer[Any]]) -> Figure:
    """Return the mean of values of 0-1, with its interval."""
    known = np.isfinite(values)
    if not known.any():
        return Figure(math.nan)
    sums = resampled_sums(
        np.stack([values[known], np.ones(int(known.sum()))], axis=1), blocks[known]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = _bounds(
            value := float(values[known].mean()), sums[:, 0] / sums[:, 1], blocks[known]
        )
    return Figure(value, float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1)), int(known.sum()))


def _bounds(value: float, drawn: Array, blocks: NDArray[np.integer[Any]]) -> tuple[float, float]:
    """Return the bounds of the interval about a value; NaN for fewer than LEAST_BLOCKS blocks.

    The interval is widened for the number of blocks.
    """
    count = len(np.unique(blocks))
    if count < LEAST_BLOCKS or not math.isfinite(value):
        return math.nan, math.nan
    low, high = percentile_interval(drawn, LEVEL)
    return (
        widened(value, low, (1 - LEVEL) / 2, count),
        widened(value, high, (1 + LEVEL) / 2, count),
    )


def _rank(line: ScoreLine) -> tuple[object, ...]:
    """Return the sort key: dimension, phenomenon, best skill against climatology.

    Groups with too few cases come last.
    """
    value = line.skills["climatology"].value
    order = PHENOMENA.index(line.phenomenon) if line.phenomenon else -1
    whole = DIMENSIONS.index(line.dimension), order if line.dimension != "phenomenon" else 0
    return (
        *whole,
        not line.enough or math.isnan(value),
        -value if math.isfinite(value) else 0.0,
        line.name,
    )
