"""Further models: their runs, their forecasts beside the leading run, and the owners of their data.

A further model is never waited for beyond its own deadline; one that fails is named and left out.
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
from forecast.ingest import aerosol
from forecast.observations.nowcast import Correction
from forecast.settings.sources import ModelSettings
from models.blending import ensemble, mean_features

log = logging.getLogger(__name__)

Predict = Callable[[Features, Cycle], RunForecasts]
Correct = Callable[[Atmosphere], tuple[Atmosphere, Correction]]


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
    """A further model: it fetches and reads its newest usable run."""

    @property
    def model(self) -> ModelSettings: ...

    def acquire(self, sites: Sequence[Site], now: datetime, ask: bool = True) -> object: ...
    def read(self, sites: Sequence[Site], now: datetime, ask: bool = True) -> ModelRun: ...


def fetch_further_runs(
    models: Sequence[FurtherModel], sites: Sequence[Site], now: datetime, ask: bool = True
) -> tuple[tuple[ModelRun, ...], tuple[str, ...]]:
    """Return the usable runs of further models, in the order of the settings, and the other ids.

    ask: whether their servers may be requested; without it only fetched runs are used.
    """
    runs: list[ModelRun] = []
    unavailable: list[str] = []
    with ThreadPoolExecutor(max(1, len(models)), thread_name_prefix="model") as pool:
        for model, future in [
            (model, pool.submit(model.read, sites, now, ask)) for model in models
        ]:
            try:
                runs.append(future.result())
            except SkyscapeError as error:
                log.warning("%s: no usable run: %s", model.model.id, error)
                unavailable.append(model.model.id)
    return tuple(runs), tuple(unavailable)


def faults_of_runs(runs: Sequence[ModelRun]) -> tuple[str, ...]:
    """Return what is missing in further runs because their data are unsound."""
    return tuple(
        f"{run.model.id}: {fault}"
        for run in runs
        for atmosphere in run.atmospheres
        for fault in atmosphere.attrs.get("faults", ())
    )


def join_aerosol(
    atmosphere: Atmosphere, runs: Sequence[ModelRun]
) -> tuple[Atmosphere, tuple[ModelRun, ...], tuple[str, ...]]:
    """Join the aerosol of runs that only add fields to the leading atmosphere.

    Return it with the runs that have forecasts of their own, and the models whose aerosol is used.
    """
    added: list[str] = []
    for run in runs:
        if run.model.adds:
            before, atmosphere = (atmosphere, aerosol.join_aerosol(atmosphere, run.atmospheres[0]))
            if _known(atmosphere) > _known(before):
                added.append(run.model.id)
    return atmosphere, tuple(run for run in runs if not run.model.adds), tuple(added)


def _known(atmosphere: Atmosphere) -> int:
    """Return the number of known values of aerosol."""
    return int(atmosphere[aerosol.AEROSOL].count()) if aerosol.AEROSOL in atmosphere else 0


def owners(
    config: Config, runs: Sequence[ModelRun], forecasts: Sequence[Forecast], added: Collection[str]
) -> tuple[Name, ...]:
    """Return the owners of the data of further models, in the order of the settings.

    They are the models with a contributing run, of this issue or an earlier one, and those in
    `added`, whose fields were joined.
    """
    used = {
        *added,
        *(run.cycle.model for forecast in forecasts for run in forecast.contributing_runs),
    }
    names = {
        model.id: model.attribution.as_name(model.attribution.zh or model.attribution.en)
        for model in config.models
    }
    names |= {run.model.id: run.attribution for run in runs}
    return tuple(dict.fromkeys(name for model, name in names.items() if model in used))


def forecasts_of_run(
    run: ModelRun, events: Sequence[Event], config: Config, predict: Predict, correct: Correct
) -> RunForecasts:
    """Return the forecasts of a run, corrected by the latest reports.

    Each member of an ensemble is predicted; the result is the mean of the members.
    """
    features_of_members = [
        phenomena.derive(events, correct(atmosphere)[0], config.phenomena)[0]
        for atmosphere in run.atmospheres
    ]
    if len(features_of_members) == 1:
        return predict(features_of_members[0], run.cycle)
    members = [predict(features, run.cycle) for features in features_of_members]
    return ensemble(members, predict(mean_features(features_of_members), run.cycle))
