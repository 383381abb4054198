"""Scorecard: a line of scores for each group of forecasts, ranked, and a record of each phenomenon.

Every issued forecast counts in the lines. In the records, which readers see, one forecast counts
for each event: the last before it began. Intervals are those of a block bootstrap over spans of
BLOCK days of all sites together, because the sites share their weather.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.domain import OUTCOME_SOURCES, PHENOMENA
from forecast.verification import (
    EVENTS_NEEDED,
    EVENTS_NEEDED_OF_A_KIND,
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
from models.scores import brier, parts_of_brier, reliability, roc_points, score, skill

Array = NDArray[np.floating[Any]]

DIMENSIONS = ("phenomenon", "site", "lead", "season", "source")
LEAST_BLOCKS = 8  # for an interval: with fewer, the bootstrap is too narrow even when widened
LEVEL = 0.9
BINS = 5
DAY = np.timedelta64(1, "D")
# Field -> key in the JSON document, where they differ.
JSON_NAMES = {"observed": "seen", "correct_negatives": "quiet"}
MARK_JSON_NAMES = {"forecast": "told", "observed": "seen"}
BIN_JSON_NAMES = {"probability": "told", "frequency": "seen"}


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
            ("season", of.season),
            ("source", of.source),
        ):
            for name in np.unique(values):
                yield dimension, str(name), phenomenon, of.take(values == name)


def score_line(dimension: str, name: str, phenomenon: str, cases: Cases) -> ScoreLine:
    """Return the scores of a group of forecasts."""
    blocks = cases.day.astype("datetime64[D]").astype(int) // BLOCK
    observed = cases.observed.astype(float)
    loss = (cases.probability - observed) ** 2
    parts, scores = parts_of_brier(cases.probability, observed), score(cases.probability, observed)
    yes, hits = int(cases.yes.sum()), int((cases.yes & cases.observed).sum())
    occurred = int(cases.observed.sum())
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
            for reference, values in rivals(cases).items()
        },
        auc=scores.auc,
        hits=hits,
        misses=occurred - hits,
        false_alarms=yes - hits,
        correct_negatives=len(cases) - occurred - (yes - hits),
        enough=cases.events >= EVENTS_NEEDED and min(kinds) >= EVENTS_NEEDED_OF_A_KIND,
    )


def rivals(cases: Cases) -> dict[str, Array]:
    """Return the probabilities of each of REFERENCES (case).

    As climatology counts the harder to beat of the climatological frequency and the base rate.
    """
    result: dict[str, Array] = {reference: getattr(cases, reference) for reference in REFERENCES}
    if brier(cases.base_rate, cases.observed) < brier(cases.climatology, cases.observed):
        result["climatology"] = cases.base_rate
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
    return PhenomenonRecord(
        phenomenon,
        line,
        _month_counts(cases, last, today.replace(day=1) - timedelta(days=1)),
        tuple(EventMark(*mark) for mark in marks),
        _bins(cases) if line.enough else (),
        roc_points(cases.probability, cases.observed) if line.enough else (),
        {
            source: int((cases.source == source).sum())
            for source in OUTCOME_SOURCES
            if (cases.source == source).any()
        },
    )


def _bins(cases: Cases) -> tuple[ReliabilityBin, ...]:
    found = reliability(cases.probability, cases.observed, bins=min(BINS, len(cases) // 6))
    columns = (found.probability, found.frequency, found.cases, found.low, found.high)
    return tuple(
        ReliabilityBin(*each)
        for each in zip(*(column.tolist() for column in columns), strict=True)
        if each[2]
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


# -- as text and as data


def document(verification: Verification) -> dict[str, Any]:
    """Return a verification as JSON values; None for what is unknown."""
    plain: dict[str, Any] = _plain(dataclasses.asdict(verification))
    for record in plain["records"]:
        record["marks"] = [_renamed(mark, MARK_JSON_NAMES) for mark in record["marks"]]
        record["bins"] = [_renamed(each, BIN_JSON_NAMES) for each in record["bins"]]
        record["month"] = _renamed(record["month"], JSON_NAMES)
        record["line"] = _renamed(record["line"], JSON_NAMES)
    plain["lines"] = [_renamed(line, JSON_NAMES) for line in plain["lines"]]
    for line, given in zip(plain["lines"], verification.lines, strict=True):
        line |= _plain({"pod": given.pod, "far": given.far, "ts": given.ts})
    return plain


def _renamed(plain: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in plain.items()}


def read_document(plain: Mapping[str, Any]) -> Verification:
    """Return the verification in a `document`.

    Raises: ValueError, TypeError or KeyError for anything else.
    """
    records = tuple(
        PhenomenonRecord(
            str(r["phenomenon"]),
            _line_of(r["line"]),
            EventCounts(
                _day(r["month"]["since"]), _day(r["month"]["until"]), **_counts(r["month"])
            ),
            tuple(
                EventMark(str(m["site"]), _day(m["day"]), bool(m["told"]), bool(m["seen"]))
                for m in r["marks"]
            ),
            tuple(
                ReliabilityBin(
                    _number(b["told"]),
                    _number(b["seen"]),
                    int(b["cases"]),
                    _number(b["low"]),
                    _number(b["high"]),
                )
                for b in r["bins"]
            ),
            tuple((_number(x), _number(y)) for x, y in r["roc"]),
            {str(source): int(count) for source, count in r["sources"].items()},
        )
        for r in plain["records"]
    )
    numbers = {name: int(plain[name]) for name in ("needed", "cases", "events", "disagreed")}
    return Verification(
        _day(plain["since"]),
        _day(plain["until"]),
        _number(plain["threshold"]),
        records=records,
        lines=tuple(_line_of(line) for line in plain["lines"]),
        **numbers,
    )


def _line_of(plain: Mapping[str, Any]) -> ScoreLine:
    return ScoreLine(
        dimension=str(plain["dimension"]),
        name=str(plain["name"]),
        phenomenon=str(plain["phenomenon"]),
        cases=int(plain["cases"]),
        events=int(plain["events"]),
        observed=int(plain["seen"]),
        brier=_figure_of(plain["brier"]),
        reliability=_number(plain["reliability"]),
        resolution=_number(plain["resolution"]),
        uncertainty=_number(plain["uncertainty"]),
        skills={name: _figure_of(plain["skills"][name]) for name in REFERENCES},
        auc=_number(plain["auc"]),
        **_counts(plain),
        enough=bool(plain["enough"]),
    )


def _figure_of(plain: Mapping[str, Any]) -> Figure:
    return Figure(
        _number(plain["value"]), _number(plain["low"]), _number(plain["high"]), int(plain["cases"])
    )


def _counts(plain: Mapping[str, Any]) -> dict[str, int]:
    return {
        field: int(plain[JSON_NAMES.get(field, field)])
        for field in ("hits", "misses", "false_alarms", "correct_negatives")
    }


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _day(text: Any) -> date:
    return date.fromisoformat(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


def text(verification: Verification) -> str:
    """Return a verification as a table for a terminal: figures with intervals, and the counts."""
    v = verification
    head = (
        f"{v.cases} forecasts of {v.events} events, {v.since} to {v.until}; "
        f"a yes is a probability of {v.threshold:.2f} or more; "
        f"sources differ on {v.disagreed} events; [90 % intervals]; "
        f"* fewer than {v.needed} events, not ranked"
    )
    return "\n".join([head, *(_row(line) for line in v.lines)])


def _row(line: ScoreLine) -> str:
    name = (
        f"{line.phenomenon or 'all'} {line.dimension} {line.name}"
        if line.dimension != "phenomenon"
        else line.phenomenon or "all"
    )
    name = f"{name} +{line.name} d" if line.dimension == "lead" else name
    skills = "  ".join(
        f"{reference[:4]} {_figure(line.skills[reference], '+')}" for reference in REFERENCES
    )
    counts = f"n={line.cases:<6} events={line.events:<5} seen={line.observed:<6}"
    return (
        f"{' ' if line.enough else '*'}{name:<36} {counts} Brier {_figure(line.brier)} "
        f"(rel {line.reliability:.3f} res {line.resolution:.3f} unc {line.uncertainty:.3f})  "
        f"skill {skills}  AUC {line.auc:.2f}  "
        f"TS {line.ts:.2f} POD {line.pod:.2f} FAR {line.far:.2f}"
    )


def _figure(figure: Figure, sign: str = "") -> str:
    if not figure.known:
        return "-"
    bounds = (
        f" [{figure.low:{sign}.3f}, {figure.high:{sign}.3f}]" if math.isfinite(figure.low) else ""
    )
    return f"{figure.value:{sign}.3f}{bounds}"
