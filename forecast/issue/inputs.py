"""What an issue is made of: the leading run, further runs and the latest station reports."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle, Fault, Observation, Station
from forecast.errors import MissingInput, SkyscapeError, SourceCorrupt, SourceError
from forecast.ingest import Needs, derived_fields, sources
from forecast.ingest.cmadaas_models import NAME as CMADAAS
from forecast.ingest.gaps import with_gaps
from forecast.ingest.grib import reader
from forecast.ingest.provider import FetchedCycle
from forecast.issue.multi_model import (
    Correct,
    FurtherModel,
    ModelRun,
    faults_of_runs,
    fetch_further_runs,
    join_aerosol,
)
from forecast.issue.questioned import doubtful_stations
from forecast.observations import nowcast
from forecast.observations.cmadaas_analyses import point_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inputs:
    """The fetched runs and the latest reports.

    stations: those of the sites. observed: the latest good report of each, by station. doubtful:
    the ids of those with a doubtful value. points, analysed: the points of hourly analyses at the
    sites, and the latest of each.
    """

    needs: Needs
    leading: FetchedCycle
    further: tuple[ModelRun, ...]
    unavailable_models: tuple[str, ...]
    stations: tuple[Station, ...]
    observed: Mapping[str, Observation]
    doubtful: tuple[str, ...] = ()
    points: tuple[Station, ...] = ()
    analysed: Mapping[str, Observation] = field(default_factory=dict)

    @property
    def ids(self) -> list[str]:
        """The ids of further runs and reports: others make a new issue of the same cycle."""
        reports = [f"{id}@{report.time:%Y%m%d%H%M}" for id, report in self.observed.items()]
        reports += [f"{id}@{each.time:%Y%m%d%H%M}" for id, each in self.analysed.items()]
        return [*(run.cycle.id for run in self.further), *reports]


@dataclass(frozen=True, slots=True)
class Decoded:
    """The leading run, corrected by the latest reports, and the further runs with own forecasts.

    correct: corrects another atmosphere by the same reports. aerosol_models: the models whose
    aerosol was joined to the leading run.
    """

    cycle: Cycle
    atmosphere: Atmosphere
    correction: nowcast.Correction
    correct: Correct
    further: tuple[ModelRun, ...]
    aerosol_models: tuple[str, ...]
    faults: tuple[str, ...] = ()  # what is missing because the data are unsound
    absent_steps: tuple[int, ...] = ()  # [h] of the leading run, at which nothing can be used


def fetch_inputs(
    source: sources.Source,
    models: Sequence[FurtherModel],
    archive: Archive,
    config: Config,
    now: datetime,
    cycle: Cycle | None,
    ask: bool,
) -> Inputs:
    """Fetch a cycle (None: the newest whole one), the further runs and the latest reports.

    ask: whether the servers of further models may be requested.
    Raises: SourceError when no usable cycle is available, ArchiveError.
    """
    sites = config.all_sites()
    needs = sources.needs_of(config, sites)
    leading = source.acquire(needs, now, cycle)
    further, unavailable = fetch_further_runs(models, sites, now, ask)
    stations = tuple(station.as_station() for station in config.site_stations)
    series = Observations(archive).series(
        [station.id for station in stations], now - nowcast.LATEST, now
    )
    observed = nowcast.latest_good(series, now)
    doubtful = doubtful_stations(series, now)
    feed = config.observations.cmadaas
    points = tuple(point_of(site) for site in sites) if feed and feed.analyses else ()
    of_points = Observations(archive).series(
        [point.id for point in points], now - nowcast.LATEST, now
    )
    return Inputs(
        needs, leading, further, unavailable, stations, observed, doubtful, points,
        nowcast.latest_good(of_points, now),
    )  # fmt: skip


def newest_whole(source: sources.Source, config: Config, now: datetime) -> FetchedCycle:
    """Return the newest whole run of the leading model, fetched where need be.

    Raises: SourceError when there is none.
    """
    return source.acquire(sources.needs_of(config, config.all_sites()), now)


def fetch_next_best(
    inputs: Inputs, source: sources.Source, now: datetime, error: SkyscapeError
) -> Inputs:
    """Return the inputs with the newest older run instead of the leading one.

    error: why that cannot be used; raised where no older run is to be had.
    """
    for candidate in source.candidates(now):
        if candidate.run < inputs.leading.cycle.run:
            try:
                leading = source.acquire(inputs.needs, now, candidate)
            except SourceError as absent:
                log.debug("%s: %s", candidate.id, absent)
            else:
                note = f"{inputs.leading.cycle.id} cannot be used, {candidate.id} is: {error}"
                log.warning("%s", note)
                return replace(inputs, leading=replace(leading, notes=(*leading.notes, note)))
    raise error


def decode(inputs: Inputs, config: Config, issued: datetime) -> Decoded:
    """Decode the leading run, join the aerosol of further runs, and correct it by the reports.

    Raises: SourceCorrupt, MissingInput where the leading run cannot be used.
    """
    cycle = inputs.leading.cycle
    atmosphere = reader.read_atmosphere(
        inputs.leading.files, cycle, inputs.needs, threads=config.source.decode_threads
    )
    atmosphere = with_gaps(atmosphere, cycle)
    if inputs.leading.origin == CMADAAS:
        atmosphere = derived_fields.complete(atmosphere)
    faults = (
        *inputs.leading.notes,
        *atmosphere.attrs.get("faults", ()),
        *faults_of_runs(inputs.further),
    )
    atmosphere, further, aerosol_models = join_aerosol(atmosphere, inputs.further)
    correct = partial(_corrected, inputs=inputs, issued=issued)
    atmosphere, correction = correct(atmosphere)
    absent = tuple(atmosphere.attrs.get("absent_steps", ()))
    return Decoded(cycle, atmosphere, correction, correct, further, aerosol_models, faults, absent)


def _corrected(
    atmosphere: Atmosphere, inputs: Inputs, issued: datetime
) -> tuple[Atmosphere, nowcast.Correction]:
    """Return an atmosphere corrected by the sites' points of an analysis, then by the stations.

    The stations have the last word; the correction names only them.
    """
    background, _ = nowcast.correct(atmosphere, inputs.points, inputs.analysed, issued)
    return nowcast.correct(background, inputs.stations, inputs.observed, issued)


def decode_best(
    inputs: Inputs,
    source: sources.Source,
    config: Config,
    now: datetime,
    issued_of: Callable[[Inputs], datetime | None],
    named: bool,
) -> tuple[Inputs, Decoded | None]:
    """Decode a whole leading run: this one, else the next best; return its inputs, too.

    A run that lacks steps once it is decoded gives way to an older one that is whole; where there
    is none it is used as it is. A run that was `named` is used in any case. issued_of: returns the
    issue time for inputs, None where nothing need be decoded.
    Raises: SourceCorrupt, MissingInput where no run can be decoded.
    """
    partial: tuple[Inputs, Decoded] | None = None
    while True:
        issued = issued_of(inputs)
        if issued is None:
            return inputs, None
        error: SkyscapeError
        try:
            decoded = decode(inputs, config, issued)
            if named or not decoded.absent_steps:
                return inputs, decoded
            partial = partial or (inputs, decoded)
            hours = ", ".join(f"{step:+d}" for step in decoded.absent_steps[:8])
            error = SourceCorrupt(f"{decoded.cycle.id}: nothing can be used at the steps {hours} h")
        except (SourceCorrupt, MissingInput) as unusable:
            if named:
                raise
            error = unusable
        try:
            inputs = fetch_next_best(inputs, source, now, error)
        except (SourceCorrupt, MissingInput):
            if partial is None:
                raise
            log.warning("%s; no older run is whole, so it is used", error)
            return partial


def keep_doubts(archive: Archive, correction: nowcast.Correction, now: datetime) -> None:
    """Keep for `status` why reports had no part in a correction. Raises: ArchiveError."""
    if correction.doubts:
        faults = [Fault(nowcast.SOURCE, 0, reason) for reason in correction.doubts]
        Observations(archive).keep_faults(faults, now)
