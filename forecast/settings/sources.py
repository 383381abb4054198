"""The sections of config.yaml on model runs: where they come from, which part of them is wanted.

A class each, with its bounds; forecast/config.py reads them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from forecast.quantities import FIELDS
from forecast.settings import (
    FullName,
    HttpSettings,
    Identifier,
    NameSettings,
    SettingsSection,
    TextSettings,
)
from forecast.settings.cmadaas import CmadaasModelSettings

Source = Literal["filter", "bucket", "folder", "cmadaas"]
SOURCES: tuple[Source, ...] = ("filter", "bucket", "folder", "cmadaas")
DEFAULT_ORDER: tuple[Source, ...] = ("filter", "bucket", "folder")


GFS_PATH = "gfs.{run:%Y%m%d}/{run:%H}/atmos/gfs.t{run:%H}z.pgrb2.0p25.f{step:03d}"


def fill_path(pattern: str, run: datetime, step: int, member: str = "") -> str:
    """Return the path of a step: `pattern` with its {run}, {step} and {member}.

    Raises: ValueError where it names something else.
    """
    try:
        return pattern.format(run=run, step=step, member=member).lstrip("/")
    except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
        raise ValueError(
            f"{pattern!r} cannot be filled in ({error}); "
            "it may name {run:%Y%m%d}, {step:03d} and {member}"
        ) from error


def _path_of_a_step(pattern: str) -> str:
    first, last = (fill_path(pattern, datetime(2026, 1, 1, tzinfo=UTC), n) for n in (0, 120))
    later = fill_path(pattern, datetime(2026, 1, 2, 6, tzinfo=UTC), 0)
    if first in (last, later):
        raise ValueError(f"{pattern!r}: every run and step needs a path of its own")
    return pattern


StepPath = Annotated[str, Field(max_length=300), AfterValidator(_path_of_a_step)]


class StepSettings(SettingsSection):
    first: int = Field(ge=0, le=384)
    last: int = Field(ge=0, le=384)
    every: int = Field(ge=1, le=24)


def all_steps(parts: tuple[StepSettings, ...]) -> tuple[int, ...]:
    """Return the wanted steps [h], rising, each once."""
    return tuple(
        sorted({step for part in parts for step in range(part.first, part.last + 1, part.every)})
    )


class ParameterSettings(SettingsSection):
    """How a model's files keep one field; what is not given here is as the catalogue has it.

    key: [discipline, category, number, type of first surface] (and its value) of GRIB2; index:
    "param levtype" of an ECMWF .index; grib1: [table version * 1000 + number, type of level].
    from_start: a sum whose message states no window runs from the run's start. cmadaas:
    "element levelType level" there. micaps: the folder of its MICAPS files, with {level}. offset:
    is added after the factor, of these two only (273.15 for degrees Celsius).
    """

    key: tuple[float, ...] = Field(default=(), max_length=5)
    cmadaas: str = Field(
        default="", pattern=r"^([A-Za-z][A-Za-z0-9_]{0,39} [0-9-]{1,4}( [0-9.]{1,6})?)?$"
    )
    micaps: str = Field(
        default="", pattern=r"^([A-Za-z0-9_-]{1,40}(/[A-Za-z0-9_-]{0,40}(\{level\})?)?)?$"
    )
    offset: float = 0.0
    index: str = Field(default="", pattern=r"^([a-z0-9]{1,16} [a-z0-9]{1,8})?$")
    grib1: (
        tuple[Annotated[int, Field(ge=1, le=255255)], Annotated[int, Field(ge=0, le=255)]] | None
    ) = None
    from_start: bool = False
    factor: float | None = None
    statistic: Literal["point", "mean", "sum", "maximum", "minimum"] | None = None
    levels_hpa: tuple[Annotated[float, Field(ge=1, le=1100)], ...] = Field(
        default=(), max_length=64
    )


NO_MEMBERS = (
    "ensembles are not read from CMADaaS, each member would cost the requests of a run: drop their "
    "GRIB files into a folder (layout: folder)"
)
NONE_NAMED = (
    "no field says how the service calls it: write for example "
    "air_temperature: {cmadaas: TEM 100, levels_hpa: [...]}"
)


def unknown_fields(parameters: Iterable[str]) -> list[str]:
    """Return a fault for each name that is no field of the catalogue."""
    faults = []
    for unknown in (name for name in parameters if name not in FIELDS):
        near = get_close_matches(unknown, FIELDS, n=1)
        faults.append(
            f"parameters: {unknown} is no field of the catalogue; "
            + (f"did you mean {near[0]}?" if near else "docs/sources.md lists them")
        )
    return faults


def named_there(parameters: Mapping[str, ParameterSettings]) -> bool:
    """Return whether any field says how CMADaaS calls it."""
    return any(each.cmadaas for each in parameters.values())


class SourceSettings(SettingsSection):
    """Where model runs come from and which part of them is wanted.

    bucket_path, filter_path: of a step at the bucket, and as the filter knows it, with {run} and
    {step}. cmadaas, parameters: where `order` names cmadaas, the data set there and how it calls
    the fields.
    """

    model: Identifier = "gfs"
    name: NameSettings = NameSettings()
    attribution: TextSettings = TextSettings()
    order: tuple[Source, ...] = Field(default=DEFAULT_ORDER, min_length=1)
    filter: HttpSettings
    bucket: HttpSettings
    bucket_path: StepPath = GFS_PATH
    filter_path: StepPath = GFS_PATH
    folder: Path = Path("var/drop")
    cycles: Path = Path("var/cycles")
    steps: tuple[StepSettings, ...]
    run_hours: tuple[int, ...] = (0, 6, 12, 18)
    delay_hours: float = Field(default=3.6, ge=0, le=24)
    maximum_age_hours: float = Field(default=24, gt=0, le=240)
    keep_cycles: int = Field(default=4, ge=1, le=100)
    light_path_km: float = Field(default=700, ge=0, le=2000)
    decode_threads: int = Field(default=2, ge=1, le=64)
    cmadaas: CmadaasModelSettings | None = None
    parameters: dict[str, ParameterSettings] = Field(default_factory=dict)

    @property
    def all_steps(self) -> tuple[int, ...]:
        """The wanted steps [h], rising, each once."""
        return all_steps(self.steps)

    @model_validator(mode="after")
    def _sensible(self) -> SourceSettings:
        if not self.all_steps:
            raise ValueError(
                "steps: no step is wanted; write for example {first: 0, last: 168, every: 3}"
            )
        if not self.run_hours or any(not 0 <= hour <= 23 for hour in self.run_hours):
            raise ValueError("run_hours: hours of the day (UTC) from 0 to 23, at least one")
        if faults := unknown_fields(self.parameters):
            raise ValueError("\n".join(faults))
        if "cmadaas" in self.order and self.cmadaas is None:
            raise ValueError(
                "cmadaas: order names it, so name its data set: cmadaas: {data_code: ...}"
            )
        if self.cmadaas and self.cmadaas.fetch == "grids" and not named_there(self.parameters):
            raise ValueError(f"parameters: {NONE_NAMED}")
        owner = self.attribution
        if self.cmadaas and "cmadaas" in self.order and "NCEP" in f"{owner.zh} {owner.en}":
            raise ValueError(
                "attribution: it credits NCEP, but order names cmadaas: write whose data "
                f"{self.cmadaas.data_code} are, for it stands on every page; name the model in "
                "`model` and `name`, too"
            )
        return self


Layout = Literal["ecmwf", "gefs", "folder", "cmadaas", "micaps"]


class ModelSettings(SettingsSection):
    """A further model, its files and the table of its parameters: a new model needs no code.

    layout: how its files are found: `ecmwf` (.index and ranges), `gefs` (.idx and ranges, a file a
    member), `folder` (dropped GRIB), `micaps` (dropped MICAPS text), `cmadaas` (there). path: of a
    step below a mirror, with {run}, {step}, {member}. folder: beside another layout, it is looked
    into after the others. members: numbers of an ensemble's members; none: one deterministic
    forecast. adds: its fields join every other model's (aerosol), it gives no forecast. enabled:
    false keeps the table only. micaps_timezone: of names and heads of MICAPS files.
    """

    id: Identifier
    name: FullName
    attribution: TextSettings
    layout: Layout
    centre: int | None = Field(default=None, ge=0, le=65535)
    mirrors: tuple[HttpSettings, ...] = Field(default=(), max_length=6)
    path: str = Field(default="", max_length=300)
    folder: Path | None = None
    cmadaas: CmadaasModelSettings | None = None
    micaps_timezone: Literal["Asia/Shanghai", "UTC"] = "Asia/Shanghai"
    members: tuple[Annotated[int, Field(ge=0, le=200)], ...] = Field(default=(), max_length=101)
    steps: tuple[StepSettings, ...]
    run_hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = Field(default=(0, 12), min_length=1)
    delay_hours: float = Field(default=7.0, ge=0, le=24)
    maximum_age_hours: float = Field(default=30, gt=0, le=240)
    deadline_seconds: float = Field(default=900, gt=0, le=86400)
    keep_cycles: int = Field(default=2, ge=1, le=100)
    adds: bool = False
    enabled: bool = True
    parameters: dict[str, ParameterSettings] = Field(min_length=1)

    @property
    def all_steps(self) -> tuple[int, ...]:
        """The wanted steps [h], rising, each once."""
        return all_steps(self.steps)

    @model_validator(mode="after")
    def _sensible(self) -> ModelSettings:
        faults = unknown_fields(self.parameters)
        if any(len(each.key) not in (0, 4, 5) for each in self.parameters.values()):
            faults.append(
                "parameters: a key has four numbers (discipline, category, number, surface), or "
                "five with the surface's value"
            )
        if not self.attribution.zh and not self.attribution.en:
            faults.append(
                "attribution: whose data it is stands on every page made of it; write zh, en or "
                "both"
            )
        if self.layout in ("folder", "micaps") and self.folder is None:
            faults.append(
                f"folder: a model of layout `{self.layout}` names the folder into which its files "
                "are dropped"
            )
        faults += self._faults_of_service()
        if self.layout in ("ecmwf", "gefs") and not (self.mirrors and self.path):
            faults.append(
                "mirrors, path: a model that is fetched needs at least one address and the path "
                "of a step"
            )
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _faults_of_service(self) -> list[str]:
        """Return what is wrong with a model of layout `cmadaas` or `micaps`."""
        if self.layout == "micaps" and not any(each.micaps for each in self.parameters.values()):
            return ["parameters: no field names the folder of its files: write micaps: TMP/{level}"]
        if self.layout != "cmadaas":
            return []
        if self.cmadaas is None:
            return ["cmadaas: a model of this layout names its data set: cmadaas: {data_code: ...}"]
        faults = [f"members: {NO_MEMBERS}"] if self.members else []
        if self.cmadaas.fetch == "grids" and not named_there(self.parameters):
            faults.append(f"parameters: {NONE_NAMED}")
        return faults
