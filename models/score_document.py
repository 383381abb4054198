"""A verification as a JSON document, which is kept, and as a table for a terminal."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from datetime import date
from typing import Any

from forecast.verification import (
    MACHINE,
    REFERENCES,
    EventCounts,
    EventMark,
    Figure,
    PhenomenonRecord,
    ReliabilityBin,
    ScoreLine,
    Verification,
)

# Field -> key in the JSON document, where they differ.
JSON_NAMES = {"observed": "seen", "correct_negatives": "quiet"}
MARK_JSON_NAMES = {"forecast": "told", "observed": "seen"}
BIN_JSON_NAMES = {"probability": "told", "frequency": "seen"}


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
                    _number(b.get("first")),
                    _number(b.get("last")),
                )
                for b in r["bins"]
            ),
            tuple((_number(x), _number(y)) for x, y in r["roc"]),
            {str(source): int(count) for source, count in r["sources"].items()},
            tuple((_number(p), _number(low), _number(high)) for p, low, high in r.get("band", ())),
            _number(r.get("chance")),
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
        skills={
            name: _figure_of(plain["skills"][name])
            for name in (*REFERENCES, MACHINE)
            if name != MACHINE or name in plain["skills"]
        },
        auc=_number(plain["auc"]),
        **_counts(plain),
        enough=bool(plain["enough"]),
        right=_right_of(plain.get("right")),
        persistence=_figure_of(plain["persistence"])
        if "persistence" in plain
        else Figure(math.nan),
    )


def _right_of(plain: Any) -> Figure:
    """Return how often it was right; an earlier document holds the number alone."""
    return _figure_of(plain) if isinstance(plain, Mapping) else Figure(_number(plain))


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
    v, several = verification, verification.comparisons.text()
    head = (
        f"{v.cases} forecasts of {v.events} events, {v.since} to {v.until}; "
        f"a yes is a probability of {v.threshold:.2f} or more; "
        f"sources differ on {v.disagreed} events; [90 % intervals]; "
        f"* fewer than {v.needed} events, not ranked"
    )
    return "\n".join([head, *([several] if several else []), *map(_row, v.lines)])


def _row(line: ScoreLine) -> str:
    name = (
        f"{line.phenomenon or 'all'} {line.dimension} {line.name}"
        if line.dimension != "phenomenon"
        else line.phenomenon or "all"
    )
    name = f"{name} +{line.name} d" if line.dimension == "lead" else name
    skills = "  ".join(
        f"{reference[:4]} {_figure(figure, '+')}" for reference, figure in line.skills.items()
    )
    counts = f"n={line.cases:<6} events={line.events:<5} seen={line.observed:<6}"
    return (
        f"{' ' if line.enough else '*'}{name:<36} {counts} Brier {_figure(line.brier)} "
        f"(MCB {line.reliability:.3f} DSC {line.resolution:.3f} UNC {line.uncertainty:.3f})  "
        f"skill {skills}  AUC {line.auc:.2f}  right {_figure(line.right)}  "
        f"TS {line.ts:.2f} POD {line.pod:.2f} FAR {line.far:.2f}"
    )


def _figure(figure: Figure, sign: str = "") -> str:
    if not figure.known:
        return "-"
    bounds = (
        f" [{figure.low:{sign}.3f}, {figure.high:{sign}.3f}]" if math.isfinite(figure.low) else ""
    )
    return f"{figure.value:{sign}.3f}{bounds}"
