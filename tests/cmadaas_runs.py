"""A small run of the sample weather as CMADaaS grids, as dropped GRIB and as MICAPS text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xarray as xr

from forecast import phenomena
from forecast.config import CMADAAS_PASSWORD, CMADAAS_USER, Config
from forecast.ingest import sources
from forecast.ingest.cmadaas import open_cmadaas
from forecast.ingest.cmadaas_parameters import ServiceField, fields_asked
from forecast.ingest.grib import writing
from forecast.ingest.sources import needs_of
from forecast.quantities import FEATURES
from forecast.sample.cmadaas import GridQuery
from forecast.sample.cmadaas_world import SampleRuns
from forecast.sample.region import Region
from forecast.science.almanac import almanacs
from forecast.settings.sources import ModelSettings, StepSettings

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
STEPS = StepSettings(first=0, last=24, every=12)
LEVELS = (1000.0, 850.0, 700.0, 500.0, 300.0)  # [hPa]
FIELDS = 3 * 5 + 2 * 2 + 6  # of a step
ACCOUNT = {"bureau": "long password"}


def with_account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the double's account into the environment; a fixture yields from it."""
    [(user, password)] = ACCOUNT.items()
    monkeypatch.setenv(CMADAAS_USER, user)
    monkeypatch.setenv(CMADAAS_PASSWORD, password)
    open_cmadaas.cache_clear()
    yield
    open_cmadaas.cache_clear()


def read_further(config: Config, now: datetime) -> xr.Dataset:
    """Return the newest run of the one further model of the settings."""
    [source] = sources.open_models(config)
    return source.read(config.all_sites(), now).atmospheres[0]


def features_at(config: Config, atmosphere: xr.Dataset, now: datetime) -> dict[str, np.ndarray]:
    """Return the features of the events of the day of `now`."""
    sites, day = config.all_sites(), now.astimezone(config.zone).date()
    found = almanacs(sites, [day], config.zone)
    events = phenomena.events(sites, [day], found, config.phenomena, now)
    features, failed = phenomena.derive(events, atmosphere, config.phenomena)
    assert failed == ()
    return {name: features.table[name].values for name in FEATURES if name in features.table}


def small(config: Config, folder: Path, url: str = "http://127.0.0.1:9", **door: object) -> Config:
    """Return settings of one site with a small region and the table cmadaas_gfs, thinned."""
    [model] = (each for each in config.models if each.id == "cmadaas_gfs")
    few = {
        name: each.model_copy(update={"levels_hpa": LEVELS}) if len(each.levels_hpa) > 2 else each
        for name, each in model.parameters.items()
    }
    model = model.model_copy(
        update={
            "parameters": few, "steps": (STEPS,), "enabled": True, "delay_hours": 0.0,
            "deadline_seconds": 300.0,
        }
    )  # fmt: skip
    source = config.source.model_copy(
        update={"cycles": folder / "cycles", "light_path_km": 40.0, "decode_threads": 1}
    )
    cmadaas = config.cmadaas.model_copy(
        update={
            "url": url, "state": folder / "state", "requests_per_minute": 6000,
            "requests_per_hour": 6000, "attempts": 3, **door,
        }
    )  # fmt: skip
    return config.model_copy(
        update={
            "models": (model,), "source": source, "cmadaas": cmadaas,
            "sites": config.sites[:1],
        }
    )  # fmt: skip


def region_of(config: Config) -> Region:
    """Return the grid that the double serves: more than what is asked for."""
    needs = needs_of(config, config.all_sites(), config.models[0])
    return Region(needs.north + 0.5, needs.south - 0.5, needs.west - 0.5, needs.east + 0.5)


def sample_runs(config: Config, run: datetime = RUN) -> SampleRuns:
    model = config.models[0]
    assert model.cmadaas is not None
    return SampleRuns(
        model.cmadaas.data_code, model.parameters, run, model.all_steps, region_of(config)
    )


def field_of(runs: SampleRuns, asked: ServiceField, code: str, step: int):  # type: ignore[no-untyped-def]
    """Return latitudes (from north to south), longitudes and values in the unit of the service."""
    query = GridQuery(code, asked.element, asked.level_type, asked.level, RUN, step)
    found = runs.grid(query)
    assert found is not None
    latitudes, longitudes, values = found
    return latitudes[::-1], longitudes, values[::-1]


def write_grib(folder: Path, config: Config, runs: SampleRuns) -> ModelSettings:
    """Drop the run as GRIB files; return the model of layout folder that reads them."""
    model = config.models[0]
    folder.mkdir(parents=True, exist_ok=True)
    assert model.cmadaas is not None
    for step in model.all_steps:
        body = b""
        for asked in fields_asked(model.parameters):
            total = asked.field.statistic != "point"
            if total and not step:
                continue
            key = asked.field.keys[0]
            level = asked.pressure if asked.pressure is not None else key.value or 0.0
            about = writing.WrittenField(
                key, level, 38, RUN, 0 if total else step, step, asked.field.statistic
            )
            latitudes, longitudes, values = field_of(runs, asked, model.cmadaas.data_code, step)
            body += writing.message(
                about,
                latitudes,
                longitudes,
                (values * asked.factor + asked.offset) / asked.field.factor,
            )
        (folder / f"run.{step:03d}.grib2").write_bytes(body)
    plain = {
        name: each.model_copy(update={"cmadaas": ""}) for name, each in model.parameters.items()
    }
    return model.model_copy(
        update={"id": "dropped", "layout": "folder", "folder": folder, "cmadaas": None,
                "parameters": plain}
    )  # fmt: skip


def write_micaps(folder: Path, config: Config, runs: SampleRuns) -> ModelSettings:
    """Drop the run as MICAPS text: winds as diamond 11, all else as diamond 4."""
    model = config.models[0]
    assert model.cmadaas is not None
    local = RUN.astimezone(ZoneInfo("Asia/Shanghai"))
    tables = {}
    for name, each in model.parameters.items():
        label = name.replace("eastward_", "").replace("northward_", "")
        tables[name] = each.model_copy(
            update={"cmadaas": "", "micaps": f"{label}/{{level}}" if each.levels_hpa else label}
        )
    for step in model.all_steps:
        winds: dict[str, list[np.ndarray]] = {}
        for asked in fields_asked(model.parameters):
            if asked.field.statistic != "point" and not step:
                continue
            latitudes, longitudes, values = field_of(runs, asked, model.cmadaas.data_code, step)
            place = tables[asked.field.name].micaps.replace("{level}", asked.level)
            parts = winds.setdefault(place, [])
            parts.append(values)
            if "wind" in asked.field.name and len(parts) < 2:
                continue
            path = folder / place / f"{local:%y%m%d%H}.{step:03d}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(diamond(latitudes, longitudes, parts, local, step, asked.level))
    return model.model_copy(
        update={"id": "text", "layout": "micaps", "folder": folder, "cmadaas": None,
                "parameters": tables}
    )  # fmt: skip


def diamond(latitudes, longitudes, parts, local, step, level):  # type: ignore[no-untyped-def]
    """Return MICAPS text of a field or of a wind."""
    number = 4 if len(parts) == 1 else 11
    spacing = longitudes[1] - longitudes[0]
    head = (
        f"{local:%Y %m %d %H} {step} {level} {spacing:g} {-spacing:g} {longitudes[0]:g} "
        f"{longitudes[-1]:g} {latitudes[0]:g} {latitudes[-1]:g} {len(longitudes)} {len(latitudes)}"
    )
    head += " 4 -20 40 1 0" if number == 4 else ""
    rows = (" ".join(f"{value:.7g}" for value in row) for part in parts for row in part)
    return f"diamond {number} a field of the sample\n{head}\n" + "\n".join(rows) + "\n"
