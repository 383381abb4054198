"""What the starry-sky classifier reads beside a run's own fields, as known at issue.

The cover of the same night in the model's run of the day before, from the archive; and the rain
probability by the members of an ensemble, where one is served (none of a single run).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import xarray as xr

from forecast.archive.earlier_features import (
    COVER_BEFORE,
    DAY,
    NIGHT_COVER,
    REACH,
    earlier_feature,
    of_the_day_before,
)
from forecast.archive.issues import Archive
from forecast.domain import Cycle, Event, Features
from forecast.issue.multi_model import ModelRun
from forecast.phenomena import star_night, stars
from forecast.quantities import feature_column
from forecast.science.interpolation import Scene

LEAST_MEMBERS = 5  # of an ensemble, for a probability in steps of a fifth

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class NightEvidence:
    """What is known at issue of the nights `events`.

    rain: feature -> event key -> probability [1], from an ensemble's members; empty without one.
    """

    archive: Archive
    events: tuple[Event, ...]
    rain: Mapping[str, Mapping[Key, float]]
    read: dict[str, dict[Key, float]] = field(default_factory=dict)  # cover before, by run

    def added(self, features: Features, cycle: Cycle) -> Features:
        """Return a run's features with the evidence; NaN where it is unknown."""
        if cycle.id not in self.read:  # the members of an ensemble ask for the same
            self.read[cycle.id] = cover_before(self.archive, self.events, cycle)
        columns = {COVER_BEFORE: self.read[cycle.id], **self.rain}
        table = features.table.assign(
            {name: _column(name, known, features.events) for name, known in columns.items()}
        )
        return replace(features, table=table)


def night_evidence(
    archive: Archive, events: Sequence[Event], runs: Sequence[ModelRun]
) -> NightEvidence:
    """Return the evidence of the nights among `events`; runs: of further models."""
    nights = tuple(event for event in events if event.phenomenon in stars.PHENOMENA)
    return NightEvidence(archive, nights, rain_probabilities(nights, runs))


def rain_probabilities(
    nights: Sequence[Event], runs: Sequence[ModelRun]
) -> dict[str, dict[Key, float]]:
    """Return feature -> event key -> rain probability by the first large enough ensemble."""
    for run in runs:
        if len(run.atmospheres) >= LEAST_MEMBERS and nights:
            sites = tuple({event.site.id: event.site for event in nights}.values())
            scenes = [Scene(atmosphere, sites) for atmosphere in run.atmospheres]
            found = star_night.rain_probabilities(nights, scenes)
            keys = [event.key for event in nights]
            return {
                name: dict(zip(keys, values.tolist(), strict=True))
                for name, values in found.items()
            }
    return {}


def cover_before(archive: Archive, nights: Sequence[Event], cycle: Cycle) -> dict[Key, float]:
    """Return the cover of each night in the model's run nearest to a day before `cycle`."""
    wanted = cycle.run - DAY
    span = (wanted - REACH, wanted + REACH)
    found = earlier_feature(archive, nights, cycle.model, span, NIGHT_COVER)
    covers = {key: of_the_day_before(runs, cycle.run) for key, runs in found.items()}
    return {key: cover for key, cover in covers.items() if cover is not None}


def _column(name: str, known: Mapping[Key, float], events: Sequence[Event]) -> xr.Variable:
    return feature_column(name, [known.get(event.key, math.nan) for event in events])
