"""From a model run to the forecasts of an issue: everything of it but its number."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from forecast.domain import Cycle, Features, Forecast, RunForecasts
from forecast.issue.events import Derived, derive_features
from forecast.issue.inputs import Decoded, Inputs, decode_best, fetch_inputs, keep_doubts
from forecast.issue.prediction import Runs, predict_parts
from forecast.issue.report import Stopwatch
from forecast.issue.world import World
from forecast.parts_file import Held


@dataclass(frozen=True, slots=True)
class Prepared:
    """The forecasts of a coming issue with all that its pages show.

    runs: the forecasts of each run, by the parts of the sites as in `derived`. issued: as of when.
    """

    inputs: Inputs
    decoded: Decoded
    derived: Derived
    runs: tuple[Held[Runs], ...]
    forecasts: tuple[Forecast, ...]
    issued: datetime

    @property
    def cycle(self) -> Cycle:
        return self.decoded.cycle

    @property
    def features(self) -> tuple[Held[Features], ...]:
        """The features by the leading run, a part of the sites each."""
        return tuple(part.features for part in self.derived.parts)

    def by_run(self) -> Iterator[RunForecasts]:
        """Yield the forecasts of each run, the leading one first, a part of the sites at a time."""
        for number in range(1 + len(self.decoded.further)):
            for part in self.runs:
                yield part.get()[number]

    def leading_run(self, site: str) -> RunForecasts | None:
        """Return the forecasts of the leading run for the part that has a site."""
        number = self.derived.number_of(site)
        return None if number is None else self.runs[number].get()[0]

    @property
    def numbers(self) -> str:
        """Return a digest of the probabilities: what a person saw when they signed."""
        content = [[*each.event.key, f"{each.probability:.6f}"] for each in self.forecasts]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def prepare(world: World, now: datetime, cycle: Cycle | None = None, ask: bool = False) -> Prepared:
    """Fetch, decode and forecast as of `now`; nothing is kept or published.

    cycle: None for the newest whole run; one that cannot be decoded is replaced by the next best,
    unless it was named. ask: whether the servers of further models may be requested.
    Raises: SourceError, SourceCorrupt, MissingInput, ArchiveError.
    """
    clock = Stopwatch()
    with clock("fetch"):
        inputs = fetch_inputs(
            world.source, world.further, world.archive, world.config, now, cycle, ask
        )
    with clock("decode"):
        inputs, decoded = decode_best(
            inputs, world.source, world.config, now, lambda _: now, named=cycle is not None
        )
    assert decoded is not None  # there is always an issue time
    return predicted(world, inputs, decoded, now, clock)


def predicted(
    world: World, inputs: Inputs, decoded: Decoded, issued: datetime, clock: Stopwatch
) -> Prepared:
    """Return the forecasts from decoded inputs, as of `issued`. Raises: ArchiveError."""
    keep_doubts(world.archive, decoded.correction, issued)
    with clock("derive"):
        derived = derive_features(decoded.atmosphere, world.config, issued)
    with clock("predict"):
        runs, forecasts = predict_parts(
            decoded, derived, world.archive, world.models, world.config, issued
        )
    return Prepared(inputs, decoded, derived, runs, forecasts, issued)
