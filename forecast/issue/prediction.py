"""The forecasts of an issue: of each run, and their blend."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle, Features, Forecast, RunForecasts
from forecast.issue.events import Derived
from forecast.issue.inputs import Decoded
from forecast.issue.last_sea import last_seas, with_last_seas
from forecast.issue.multi_model import Correct, forecasts_of_run
from forecast.issue.night_evidence import night_evidence
from forecast.observations.nowcast import Correction
from forecast.parts_file import Held
from models.blending import blend
from models.prediction import SPREAD_OF, Models, predict

Runs = tuple[RunForecasts, ...]  # the leading one first


def predict_parts(
    decoded: Decoded,
    derived: Derived,
    archive: Archive,
    models: Models,
    config: Config,
    issued: datetime,
) -> tuple[tuple[Held[Runs], ...], tuple[Forecast, ...]]:
    """Return the forecasts of each run, by the parts of the sites, and the blend of all events."""
    runs, forecasts = list[Held[Runs]](), list[Forecast]()
    if len(derived.parts) > 1:
        decoded = replace(decoded, correct=_once(decoded.correct))
    for part in derived.parts:
        found = predict_runs(decoded, part.features.get(), archive, models, config, issued)
        forecasts += blend_runs(found, decoded, archive, models, config, issued)
        runs.append(derived.parts_file.put(found))
    return tuple(runs), tuple(forecasts)


def _once(correct: Correct) -> Correct:
    """Return what corrects each atmosphere once, however often it is asked to."""
    known: dict[int, tuple[Atmosphere, Correction]] = {}

    def corrected(atmosphere: Atmosphere) -> tuple[Atmosphere, Correction]:
        if id(atmosphere) not in known:
            known[id(atmosphere)] = correct(atmosphere)
        return known[id(atmosphere)]

    return corrected


def predict_runs(
    decoded: Decoded,
    features: Features,
    archive: Archive,
    models: Models,
    config: Config,
    issued: datetime,
) -> Runs:
    """Return the forecasts of each run, the leading run first. features: by that.

    Its spread comes from the last cycles that were published.
    """
    grades, cycles = config.forecast.grades, config.forecast.spread_cycles - 1
    events, cycle = features.events, decoded.cycle
    known = last_seas(archive, events, issued)
    evidence = night_evidence(archive, events, decoded.further)

    def predict_run(features: Features, cycle: Cycle, **earlier: Any) -> RunForecasts:
        features = evidence.added(with_last_seas(features, known), cycle)
        return predict(features, cycle, issued, models, grades, **earlier)

    leading = predict_run(
        replace(features, evidence={}, weather={}, hours=None),  # no model reads these
        cycle,
        earlier=archive.earlier(events, cycle, cycles),
        earlier_quantities=archive.earlier_quantities(events, cycle, cycles, SPREAD_OF),
    )
    return (
        leading,
        *(
            forecasts_of_run(run, events, config, predict_run, decoded.correct)
            for run in decoded.further
        ),
    )


def blend_runs(
    runs: Runs, decoded: Decoded, archive: Archive, models: Models, config: Config, now: datetime
) -> tuple[Forecast, ...]:
    """Return one forecast an event, blended from these runs and those of recent issues.

    An event that station reports corrected is blended from these runs alone: an earlier run did not
    have the reports.
    """
    fresh = decoded.cycle.run - timedelta(hours=config.forecast.fresh_hours)
    events = runs[0].features.events
    uncorrected = [event for event in events if not decoded.correction.of(event)]
    earlier = archive.contributing_runs(uncorrected, fresh, now)
    forecasts = blend(runs, earlier, models.shares, config.forecast.grades)
    return decoded.correction.named_in(forecasts)
