"""Tiny runs of further models for tests of fetching: real GRIB2 of a few hundred bytes a message,
in the trees of ECMWF's mirrors and of GEFS's bucket, with the inventories that lie beside them
there.

The values are no weather; they only stand in an order that lets a column be read (warm below, cold
above).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from forecast.config import Config
from forecast.ingest.gefs import member_name
from forecast.ingest.parameter_table import fields_of
from forecast.quantities import Field
from forecast.settings.sources import ModelSettings, StepSettings
from tests.gribs import eccodes, message

STEPS = StepSettings(first=0, last=12, every=6)
LEVELS = (100000, 85000, 50000)
PROCESS = {"mean": 0, "sum": 1, "maximum": 2, "minimum": 3}  # GRIB2 code table 4.10
GEFS_MEMBERS = (1, 2, 3)

GENTLE = {
    "requests_per_minute": 6000,
    "connections": 2,
    "timeout_seconds": 5.0,
    "deadline_seconds": 300.0,
    "attempts": 3,
}


def table(config: Config, name: str) -> ModelSettings:
    """Return a model of the program's own settings, enabled, with three steps and three levels; of
    `gefs` a few fields and members.
    """
    model = (
        gefs_table(config)
        if name == "gefs"
        else next(model for model in config.models if model.id == name)
    )
    few = {name: _thinned(parameter) for name, parameter in model.parameters.items()}
    return model.model_copy(
        update={"steps": (STEPS,), "parameters": few, "deadline_seconds": 300.0, "enabled": True}
    )


def _thinned(parameter):  # type: ignore[no-untyped-def]
    return (
        parameter.model_copy(update={"levels_hpa": tuple(level / 100 for level in LEVELS)})
        if parameter.levels_hpa
        else parameter
    )


def gefs_table(config: Config) -> ModelSettings:
    aerosol = next(model for model in config.models if model.id == "gefs_aerosol")
    levels = {"levels_hpa": [1000, 850, 500]}
    return ModelSettings.model_validate(
        {
            **aerosol.model_dump(),
            "id": "gefs",
            "adds": False,
            "members": GEFS_MEMBERS,
            "path": "gefs.{run:%Y%m%d}/{run:%H}/"
            "atmos/pgrb2ap5/ge{member}.t{run:%H}z.pgrb2a.0p50.f{step:03d}",
            "parameters": {
                "air_temperature": levels,
                "relative_humidity": levels,
                "geopotential_height": levels,
                "air_temperature_at_2m": {},
                "surface_air_pressure": {},
                "cloud_area_fraction": {"key": [0, 6, 1, 10], "statistic": "mean"},
                "precipitation_amount": {},
            },
        }
    )


def settings_for(
    config: Config, folder: Path, model: ModelSettings, *urls: str, **http: float
) -> Config:
    """Return the program's settings with one further model, whose mirrors are `urls`."""
    mirror = model.mirrors[0] if model.mirrors else None
    mirrors = (
        tuple(mirror.model_copy(update={"url": url, **GENTLE, **http}) for url in urls)
        if mirror
        else ()
    )
    source = config.source.model_copy(update={"cycles": folder / "cycles"})
    return config.model_copy(
        update={"source": source, "models": (model.model_copy(update={"mirrors": mirrors}),)}
    )


def path_in(root: Path, model: ModelSettings, run: datetime, step: int, member: int = 0) -> Path:
    return root / model.path.format(run=run, step=step, member=member_name(member))


def write_run(
    root: Path,
    model: ModelSettings,
    run: datetime,
    steps: Sequence[int] | None = None,
    members: Sequence[int] = (),
) -> None:
    """Write the files of `model` and their inventories under `root`."""
    for step in model.all_steps if steps is None else steps:
        for member in members or model.members or (None,):
            path = path_in(root, model, run, step, member or 0)
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = list(small_messages(model, run, step, member))
            path.write_bytes(b"".join(data for _, _, data in rows))
            if model.layout == "ecmwf":
                path.with_suffix(".index").write_text(index_of(rows, run, step, path.name))
            else:
                path.with_name(path.name + ".idx").write_text(idx_of(rows, run, step, member))


def small_messages(
    model: ModelSettings, run: datetime, step: int, member: int | None
) -> Iterator[tuple[Field, int | None, bytes]]:
    """Yield what the model's table names, and between them what nobody wants."""
    for field in fields_of(model):
        if field.statistic != "point" and step == 0:
            continue
        for level in field.levels or (None,):
            yield field, level, encoded(model, field, level, run, step, member)
    unwanted = Field("", "", 0, 1, (field.keys[0],), (("ABSV",), "surface"), index=("vo", "sfc"))
    yield unwanted, None, message(0.0, (0, 2, 10), 1, 0, step, run=run, centre=model.centre)


_message = cache(message)  # of numbers, so that equal fields of many tests are encoded once


def encoded(
    model: ModelSettings,
    field: Field,
    level: int | None,
    run: datetime,
    step: int,
    member: int | None = None,
) -> bytes:
    """Return one field of a model as its centre would write it."""
    key = field.keys[0]
    aerosol = field.name.startswith("atmosphere_optical")
    window = (
        {} if field.statistic == "point" else {"start": 0, "statistic": PROCESS[field.statistic]}
    )
    template = (
        48 if aerosol else (1 if field.statistic == "point" else 11) if member is not None else None
    )
    more = {} if template is None else {"template": template}
    if member is not None:
        more |= {
            "typeOfEnsembleForecast": 3 if member else 1,
            "perturbationNumber": member,
            "numberOfForecastsInEnsemble": 30,
        }
    if aerosol:
        more |= AEROSOL_550
    value = usual(field, level) + 0.001 * (member or 0)
    return _message(
        value / field.factor,
        (key.discipline, key.category, key.number),
        key.surface,
        level if level is not None else key.value or 0,
        step,
        run=run,
        centre=model.centre or 7,
        **window,
        **more,
    )


# All aerosol between 545 and 565 nm, as the real file of GEFS-Aerosols has it.
AEROSOL_550 = {
    "aerosolType": 62000,
    "typeOfSizeInterval": 0,
    "typeOfWavelengthInterval": 7,
    "scaleFactorOfFirstWavelength": 9,
    "scaledValueOfFirstWavelength": 545,
    "scaleFactorOfSecondWavelength": 9,
    "scaledValueOfSecondWavelength": 565,
}


def usual(field: Field, level: int | None) -> float:
    """Return a value within the field's limits; columns cool and rise."""
    rank = LEVELS.index(level) if level in LEVELS else 0
    columns = {
        "air_temperature": (290.0, 280.0, 255.0),
        "geopotential_height": (100.0, 1450.0, 5600.0),
        "specific_humidity": (6e-3, 4e-3, 1e-3),
        "geopotential": (980.0, 14220.0, 54900.0),
        "relative_humidity": (0.6, 0.5, 0.3),
    }
    single = {
        "surface_air_pressure": 99000.0,
        "air_temperature_at_2m": 291.0,
        "dew_point_temperature_at_2m": 283.0,
        "air_pressure_at_mean_sea_level": 101500.0,
        "surface_geopotential": 2000.0,
        "surface_snow_density": 200.0,
    }
    return columns[field.name][rank] if field.name in columns else single.get(field.name, 0.25)


def index_of(
    rows: Sequence[tuple[Field, int | None, bytes]],
    run: datetime,
    step: int,
    name: str,
    member: int | None = None,
    offset: int = 0,
) -> str:
    """Return the .index of (what stands from byte `offset` on in) a file, spelled as ECMWF's: a
    control forecast has no number.
    """
    _, stream, kind = name.removesuffix(".grib2").rsplit("-", 2)
    kind = kind if member is None else "pf" if member else "cf"
    lines = []
    for field, level, data in rows:
        row = {
            "domain": "g",
            "date": f"{run:%Y%m%d}",
            "time": f"{run:%H%M}",
            "expver": "0001",
            "class": "od",
            "type": kind,
            "stream": stream,
            "step": str(step),
        }
        row |= {} if level is None else {"levelist": f"{level / 100:g}"}
        row |= {"number": str(member)} if member else {}
        row |= {"levtype": field.index[1], "param": field.index[0]}
        lines.append(json.dumps(row | {"_offset": offset, "_length": len(data)}) + "\n")
        offset += len(data)
    return "".join(lines)


def idx_of(
    rows: Sequence[tuple[Field, int | None, bytes]], run: datetime, step: int, member: int | None
) -> str:
    """Return the .idx of a file, spelled as wgrib2 does."""
    point = "anl" if step == 0 else f"{step} hour fcst"
    kind = {"mean": "ave", "sum": "acc", "maximum": "max"}
    lines, offset = [], 0
    for number, (field, level, data) in enumerate(rows, start=1):
        (variable, *_), text = field.inventory
        place = text if level is None else text.replace("{hPa}", f"{level / 100:g}")
        when = (
            point if field.statistic == "point" else f"0-{step} hour {kind[field.statistic]} fcst"
        )
        more = "" if member is None else f"ENS=+{member}" if member else "ENS=low-res ctl"
        if variable == "AOTK":
            more = (
                "aerosol=Total aerosol:aerosol_size <2e-05:aerosol_wavelength >=5.45e-07,<=5.65e-07"
            )
        lines.append(f"{number}:{offset}:d={run:%Y%m%d%H}:{variable}:{place}:{when}:{more}\n")
        offset += len(data)
    return "".join(lines)


def real_index(messages: Sequence[bytes]) -> str:
    """Return the .index of real messages of ECMWF, in the keys of ecCodes (MARS language)."""
    lines, offset = [], 0
    for data in messages:
        handle = eccodes.codes_new_from_message(data)
        words = ("domain", "date", "expver", "class", "type", "stream", "step", "levtype")
        row = {
            key: str(eccodes.codes_get(handle, key))
            for key in words
            if eccodes.codes_is_defined(handle, key)
        }
        row |= {
            "time": f"{eccodes.codes_get_long(handle, 'time'):04d}",
            "param": eccodes.codes_get(handle, "shortName"),
        }
        if row["levtype"] == "pl":
            row["levelist"] = str(eccodes.codes_get(handle, "level"))
        eccodes.codes_release(handle)
        lines.append(json.dumps(row | {"_offset": offset, "_length": len(data)}) + "\n")
        offset += len(data)
    return "".join(lines)
