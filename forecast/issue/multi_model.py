"""What each run of each model says of the events: features by the rooms, probabilities by the
models; the leading run apart.

Further models are heard beside the leading one and never waited for longer than their own deadline;
one that fails is named and left out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Protocol

from forecast import phenomena
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle, Event, Features, Forecast, Name, RunForecasts, Site
from forecast.errors import SkyscapeError
from forecast.ingest import derived_fields
from forecast.observations.nowcast import Correction
from forecast.settings import ModelSettings
from models.blending import ensemble, mean_features

log = logging.getLogger(__name__)

Predicting = Callable[[Features, Cycle], tuple[Forecast, ...]]
Correcting = Callable[[Atmosphere], tuple[Atmosphere, Correction]]


class ModelRun(Protocol):
    """A run of a further model, decoded: see forecast/ingest/sources.py."""

    @property
    def model(self) -> ModelSettings: ...
    @property
    def cycle(self) -> Cycle: ...
    @property
    def atmospheres(self) -> tuple[Atmosphere, ...]: ...
    @property
    def attribution(self) -> Name: ...


class FurtherModel(Protocol):
    """A further model that can be asked for its newest usable run."""

    @property
    def model(self) -> ModelSettings: ...

    def acquire(self, sites: Sequence[Site], now: datetime, ask: bool = True) -> object: ...
    def read(self, sites: Sequence[Site], now: datetime, ask: bool = True) -> ModelRun: ...


def fetch_further_runs(
    models: Sequence[FurtherModel], sites: Sequence[Site], now: datetime, ask: bool = True
) -> tuple[tuple[ModelRun, ...], tuple[str, ...]]:
    """Return the runs of further models that are to be had, in the order of the settings, and the
    ids of the models that are not.

    ask: whether their servers may be asked now, or only what was fetched before counts.
    """
    runs: list[ModelRun] = []
    unheard: list[str] = []
    with ThreadPoolExecutor(max(1, len(models)), thread_name_prefix="model") as pool:
        for model, future in [
            (model, pool.submit(model.read, sites, now, ask)) for model in models
        ]:
            try:
                runs.append(future.result())
            except SkyscapeError as error:
                log.warning("%s: not heard: %s", model.model.id, error)
                unheard.append(model.model.id)
    return tuple(runs), tuple(unheard)


def join_aerosol(
    atmosphere: Atmosphere, runs: Sequence[ModelRun]
) -> tuple[Atmosphere, tuple[ModelRun, ...], tuple[str, ...]]:
    """Return the leading atmosphere with the fields of runs that only add to others, the runs that
    have a voice of their own, and the ids of the models of which something was added.
    """
    added: list[str] = []
    for run in runs:
        if run.model.adds:
            before, atmosphere = (
                atmosphere,
                derived_fields.join_aerosol(atmosphere, run.atmospheres[0]),
            )
            if _known(atmosphere) > _known(before):
                added.append(run.model.id)
    return atmosphere, tuple(run for run in runs if not run.model.adds), tuple(added)


def _known(atmosphere: Atmosphere) -> int:
    """Return how many values of aerosol are known."""
    return (
        int(atmosphere[derived_fields.AEROSOL].count())
        if derived_fields.AEROSOL in atmosphere
        else 0
    )


def owners(
    config: Config, runs: Sequence[ModelRun], forecasts: Sequence[Forecast], added: Collection[str]
) -> tuple[Name, ...]:
    """Return whose data stand behind the answers beside the leading run's: of models that have a
    voice in one, of this hour or an earlier, and of those of which fields were added; in the order
    of the settings.
    """
    heard = {
        *added,
        *(voice.cycle.model for forecast in forecasts for voice in forecast.contributing_runs),
    }
    told = {
        model.id: model.attribution.as_name(model.attribution.zh or model.attribution.en)
        for model in config.models
    }
    told |= {run.model.id: run.attribution for run in runs}
    return tuple(dict.fromkeys(name for model, name in told.items() if model in heard))


def forecasts_of_run(
    run: ModelRun,
    events: Sequence[Event],
    config: Config,
    predicting: Predicting,
    correct: Correcting,
) -> RunForecasts:
    """Return what a run, corrected by the latest observations, says of `events`: of an ensemble
    each member is asked, the mean told.
    """
    told = [
        phenomena.derive(events, correct(atmosphere)[0], config.phenomena)[0]
        for atmosphere in run.atmospheres
    ]
    if len(told) == 1:
        return RunForecasts(run.cycle, told[0], predicting(told[0], run.cycle))
    members = [(features, predicting(features, run.cycle)) for features in told]
    return ensemble(run.cycle, members, predicting(mean_features(told), run.cycle))
