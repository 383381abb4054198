"""Forecasts as rows of the archive's tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from forecast.archive.schema import event_columns
from forecast.domain import Change, Event, Forecast, Issue, RunForecasts
from forecast.quantities import FEATURES


def rows_of_run(run: RunForecasts) -> Iterator[tuple[Event, dict[str, Any]]]:
    """Yield each event of a run with its columns.

    A contributing run of an issue and a hindcast have the same columns: learning reads them alike.
    Features are rounded to seven digits; those that are NaN are left out.
    """
    features, cycle = run.features, run.cycle
    columns = {name: features.table[name].values for name in FEATURES}
    for i, (event, forecast) in enumerate(zip(features.events, run.forecasts, strict=True)):
        row = {
            **_event(event),
            "cycle": cycle.id,
            "model": cycle.model,
            "run": cycle.run,
            "probability": _number(forecast.probability),
            "states": dict(forecast.states),
            "values": {
                name: float(f"{value:.7g}")
                for name, values in columns.items()
                if math.isfinite(value := values.item(i))
            },
            "missing": list(features.missing[i]),
        }
        yield event, row


def contributing_run_rows(issue: Issue, run: RunForecasts) -> Iterator[dict[str, Any]]:
    """Yield a run that contributes to an issue as rows, one an event."""
    for _, row in rows_of_run(run):
        yield {"issue": issue.id, "members": run.members, **row}


def forecast_rows(issue: Issue, forecasts: Sequence[Forecast]) -> Iterator[dict[str, Any]]:
    """Yield the forecasts of an issue as rows, one an event."""
    for forecast in forecasts:
        yield {
            "issue": issue.id,
            **_event(forecast.event),
            "window_start": forecast.event.window.start,
            "window_end": forecast.event.window.end,
            "probability": _number(forecast.probability),
            "grade": forecast.grade,
            "model": forecast.model,
            "said": _details(forecast),
        }


def _details(forecast: Forecast) -> Mapping[str, Any]:
    """Return what a forecast holds beside its columns, as JSON."""
    best, spread = forecast.best, forecast.spread
    return {
        "best": [best.start.isoformat(), best.end.isoformat()] if best else None,
        "states": dict(forecast.states),
        "reasons": [[r.feature, _number(r.value), r.effect] for r in forecast.reasons],
        "spread": [spread.low, spread.high, spread.cycles] if spread else None,
        "spreads": {
            name: [each.low, each.high, each.cycles] for name, each in forecast.spreads.items()
        },
        "missing": list(forecast.missing),
        "quantities": dict(forecast.quantities),
        "voices": [
            [run.cycle.id, _number(run.probability), run.weight, run.members]
            for run in forecast.contributing_runs
        ],
        "corrected_by": list(forecast.corrected_by),
        "change": _change(forecast.change),
        "usual": _number(forecast.usual),
        "confidence": forecast.confidence,
    }


def _change(change: Change | None) -> Mapping[str, Any] | None:
    """Return what a forecaster changed, as JSON; None where the machine's forecast stands."""
    return None if change is None else {
        "machine_probability": _number(change.machine_probability),
        "person": change.person,
        "fields": list(change.fields),
        "sentence": {"zh": change.sentence.zh, "en": change.sentence.en},
        "recommended": change.recommended,
    }  # fmt: skip


def _event(event: Event) -> dict[str, Any]:
    return dict(zip(event_columns, event.key, strict=True))


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
