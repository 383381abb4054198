"""The providers of models, opened by the settings; no request is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from forecast.config import Config
from forecast.domain import Cycle
from forecast.errors import ConfigError
from forecast.http import CLOCK, Clock, shown
from forecast.ingest import ecmwf, gefs, gfs
from forecast.ingest.cmadaas import open_cmadaas
from forecast.ingest.cmadaas_models import open_service
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.drop_folder import Folder, expected_of, expected_of_lead
from forecast.ingest.micaps_grids import MicapsFolder
from forecast.ingest.provider import Provider
from forecast.settings.sources import ModelSettings, fill_path


def of_model(
    config: Config, model: ModelSettings, store: CycleStore, clock: Clock = CLOCK
) -> list[Provider]:
    """Return the providers of a further model in the order in which they are tried.

    Raises: ConfigError for a path that cannot be filled in.
    """
    cycles = config.source.cycles
    providers: list[Provider] = []
    for mirror in model.mirrors if model.layout in ("ecmwf", "gefs") else ():
        name = shown(mirror.url).partition("://")[2]
        if model.layout == "ecmwf":
            providers.append(
                ecmwf.open_mirror(
                    model, mirror, name, store, lambda cycle, step: _path(model, cycle, step), clock
                )
            )
        else:
            providers.append(
                gefs.open_mirror(
                    model, mirror, name, store, lambda *place: _path(model, *place), clock
                )
            )
    if model.layout == "cmadaas" and model.cmadaas is not None:
        providers.append(
            open_service(
                open_cmadaas(config.cmadaas, config.demonstration), model.cmadaas,
                model.parameters, store, expected_of(model), cycles / f"{model.id}-files",
                model.keep_cycles,
            )
        )  # fmt: skip
    if model.layout == "micaps" and model.folder is not None:
        providers.append(MicapsFolder(model.folder, model, store, clock))
    elif model.folder is not None:
        providers.append(
            Folder(model.folder, expected_of(model), cycles / model.id / "folder.json", clock)
        )
    if model.path:
        _path(model, Cycle(datetime(2026, 1, 1, tzinfo=UTC), model.id), 0)
    return providers


def _path(model: ModelSettings, cycle: Cycle, step: int, member: int = 0) -> str:
    """Return the path of a step below a mirror's address. Raises: ConfigError."""
    try:
        return "/" + fill_path(model.path, cycle.run, step, gefs.member_name(member))
    except ValueError as error:
        raise ConfigError(f"models.{model.id}.path: {error}") from error


def of_leading(name: str, config: Config, store: CycleStore, clock: Clock = CLOCK) -> Provider:
    """Return the provider `name` of the leading model. Raises: ConfigError."""
    settings = config.source
    if name == "filter":
        return gfs.Filter(settings.filter, store, clock, settings.filter_path)
    if name == "bucket":
        return gfs.open_bucket(settings.bucket, store, clock, settings.bucket_path)
    expected = expected_of_lead(settings.model)
    if name == "cmadaas":
        if settings.cmadaas is None:
            raise ConfigError("source.cmadaas: name its data set: cmadaas: {data_code: ...}")
        files = settings.cycles / f"{settings.model}-files"
        return open_service(
            open_cmadaas(config.cmadaas, config.demonstration), settings.cmadaas,
            settings.parameters, store,
            replace(expected, attribution=f"CMADaaS {settings.cmadaas.data_code}"), files,
            settings.keep_cycles,
        )  # fmt: skip
    return Folder(settings.folder, expected, settings.cycles / settings.model / "folder.json")
