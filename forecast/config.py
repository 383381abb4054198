"""Settings: config.yaml -> a frozen, validated Config. The sole reader of YAML and of the environment.

A wrong setting stops the start with one sentence that says where it is, what was found and what was expected.
Secrets come from the environment only: `SKYSCAPE_ARCHIVE_URL` (a database address with its password).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from forecast import domain
from forecast.errors import ConfigError

Source = Literal["filter", "bucket", "folder"]
Channel = Literal["web", "display", "wechat", "sms", "api"]
SOURCES: tuple[Source, ...] = ("filter", "bucket", "folder")
CHANNELS: tuple[Channel, ...] = ("web", "display", "wechat", "sms", "api")
ENVIRONMENT = {"SKYSCAPE_ARCHIVE_URL": ("archive", "url")}
MAXIMUM_SIZE = 4_000_000  # [byte] of a settings file


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must be an http:// or https:// address")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_http)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Azimuth = Annotated[float, Field(ge=0, le=360)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


class NameSettings(_Settings):
    zh: str = Field(default="", max_length=200)
    en: str = Field(default="", max_length=200)

    def as_name(self) -> domain.Name:
        return domain.Name(self.zh, self.en)


class ServiceSettings(_Settings):
    """What the service is called and the clock its readers live by."""

    title: NameSettings
    district: NameSettings
    timezone: str = "Asia/Shanghai"

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("must be an IANA time zone such as Asia/Shanghai") from error
        return value


class IssuerSettings(_Settings):
    """Who issues. Until `bodies` is set every product is marked 内部试用 / internal trial (气象法 art. 22)."""

    bodies: tuple[NameSettings, ...] = ()
    forecaster: str = Field(default="", max_length=40)
    signature_required: tuple[Channel, ...] = ()

    @property
    def official(self) -> bool:
        return bool(self.bodies)


class StepSettings(_Settings):
    first: int = Field(ge=0, le=384)
    last: int = Field(ge=0, le=384)
    every: int = Field(ge=1, le=24)


class HttpSettings(_Settings):
    """An address and how gently to use it."""

    url: Url
    requests_per_minute: int = Field(default=100, ge=1, le=6000)
    connections: int = Field(default=2, ge=1, le=8)
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    deadline_seconds: float = Field(default=1800, gt=0, le=86400)
    attempts: int = Field(default=6, ge=1, le=20)


class SourceSettings(_Settings):
    """Where model runs come from and which part of them is wanted."""

    model: Identifier = "gfs"
    order: tuple[Source, ...] = Field(default=SOURCES, min_length=1)
    filter: HttpSettings
    bucket: HttpSettings
    folder: Path = Path("var/drop")
    cycles: Path = Path("var/cycles")
    steps: tuple[StepSettings, ...]
    run_hours: tuple[int, ...] = (0, 6, 12, 18)
    delay_hours: float = Field(default=3.6, ge=0, le=24)
    maximum_age_hours: float = Field(default=24, gt=0, le=240)
    keep_cycles: int = Field(default=4, ge=1, le=100)
    light_path_km: float = Field(default=700, ge=0, le=2000)
    decode_threads: int = Field(default=2, ge=1, le=64)

    @property
    def all_steps(self) -> tuple[int, ...]:
        """The wanted steps [h], rising, each once."""
        return tuple(sorted({step for part in self.steps for step in range(part.first, part.last + 1, part.every)}))

    @model_validator(mode="after")
    def _sensible(self) -> SourceSettings:
        if not self.all_steps:
            raise ValueError("steps: no step is wanted; write for example {first: 0, last: 168, every: 3}")
        if not self.run_hours or any(not 0 <= hour <= 23 for hour in self.run_hours):
            raise ValueError("run_hours: hours of the day (UTC) from 0 to 23, at least one")
        return self


class ArchiveSettings(_Settings):
    url: str = "sqlite:///var/archive.db"


class OutputSettings(_Settings):
    folder: Path = Path("var/site")
    keep_issues: int = Field(default=400, ge=2, le=100000)
    channels: tuple[Channel, ...] = Field(default=CHANNELS, min_length=1)


class ForecastSettings(_Settings):
    """How many days, and where the five grades begin."""

    days: int = Field(default=7, ge=1, le=10)
    grades: tuple[float, float, float, float] = (0.10, 0.30, 0.50, 0.70)
    spread_cycles: int = Field(default=4, ge=1, le=12)

    @field_validator("grades")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < p < 1 for p in value) or list(value) != sorted(set(value)):
            raise ValueError("must be four rising probabilities between 0 and 1")
        return value


class ScheduleSettings(_Settings):
    """When bulletins are issued (local time) and how long to look for a run that is late."""

    issue_at: tuple[time, ...] = (time(6, 40), time(16, 10))
    check_minutes: int = Field(default=10, ge=1, le=180)
    misfire_minutes: int = Field(default=120, ge=1, le=1440)


class PhenomenonSettings(_Settings):
    """Windows and thresholds that a bureau may move; each is explained in config.yaml."""

    cloud_sea_before_sunrise_hours: float = Field(default=1.5, ge=0, le=6)
    cloud_sea_after_sunrise_hours: float = Field(default=3.0, gt=0, le=12)
    glow_sun_altitude_from: float = Field(default=3.0, ge=-6, le=15)
    glow_sun_altitude_to: float = Field(default=-6.0, ge=-18, le=3)
    stars_minimum_hours: int = Field(default=2, ge=1, le=6)
    stars_clear_cover: float = Field(default=0.2, gt=0, lt=1)


class SiteSettings(_Settings):
    """A viewpoint. Coordinates are WGS-84, never those of a Chinese web map (GCJ-02)."""

    id: Identifier
    name: NameSettings
    place: NameSettings = NameSettings()
    latitude: float = Field(ge=-85, le=85)
    longitude: float = Field(ge=-180, le=360)
    elevation_m: float = Field(ge=-450, le=8900)
    valley_elevation_m: float = Field(ge=-450, le=8900)
    valley_heights_m: tuple[float, ...] = Field(default=(), max_length=33)
    horizon_degrees: tuple[float, ...] = ()
    night_sky_brightness: float = Field(ge=14, le=22.2)
    sky_glow_by_azimuth: tuple[Annotated[float, Field(ge=0, le=36)], ...] = ()
    view_sector: tuple[Azimuth, Azimuth] = (0, 360)
    phenomena: tuple[str, ...] = Field(min_length=1)
    stations: tuple[str, ...] = ()
    safety: NameSettings = NameSettings()

    @model_validator(mode="after")
    def _sensible(self) -> SiteSettings:
        if unknown := [p for p in self.phenomena if p not in domain.PHENOMENA]:
            raise ValueError(f"phenomena: unknown {unknown}; known are {', '.join(domain.PHENOMENA)}")
        if len(set(self.phenomena)) != len(self.phenomena):
            raise ValueError("phenomena: one is named twice")
        wanted = round(360 / domain.HORIZON_STEP)
        if len(self.horizon_degrees) not in (0, wanted) or any(not -10 <= h <= 80 for h in self.horizon_degrees):
            raise ValueError(f"horizon_degrees: {wanted} altitudes (north, then every {domain.HORIZON_STEP:g} degrees clockwise) or none")
        if self.valley_elevation_m > self.elevation_m:
            raise ValueError("valley_elevation_m: the valley lies above the site")
        heights = self.valley_heights_m
        if len(heights) == 1 or list(heights) != sorted(heights) or any(not -450 <= h <= self.elevation_m for h in heights):
            raise ValueError("valley_heights_m: at least two rising heights, none above the site, or none at all")
        if len(self.sky_glow_by_azimuth) not in (0, 8, 12, 36):
            raise ValueError("sky_glow_by_azimuth: 8, 12 or 36 values (north, then evenly clockwise; their mean is 1) or none")
        if not self.name.zh or not self.name.en:
            raise ValueError("name: both zh and en are needed")
        return self

    def as_site(self) -> domain.Site:
        flat = (0.0,) * round(360 / domain.HORIZON_STEP)
        return domain.Site(
            id=self.id, name=self.name.as_name(), place=self.place.as_name(), latitude=self.latitude, longitude=self.longitude,
            elevation=self.elevation_m, valley_elevation=self.valley_elevation_m, horizon=self.horizon_degrees or flat,
            night_sky_brightness=self.night_sky_brightness, view_sector=self.view_sector, phenomena=self.phenomena,
            valley_heights=self.valley_heights_m, sky_glow=self.sky_glow_by_azimuth, headline=self.phenomena[0],
            stations=self.stations, safety=self.safety.as_name(),
        )


class Config(_Settings):
    """The whole world of the service. `digest` tells two settings apart."""

    service: ServiceSettings
    issuer: IssuerSettings = IssuerSettings()
    source: SourceSettings
    archive: ArchiveSettings = ArchiveSettings()
    output: OutputSettings = OutputSettings()
    forecast: ForecastSettings = ForecastSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    phenomena: PhenomenonSettings = PhenomenonSettings()
    sites: tuple[SiteSettings, ...] = Field(min_length=1, max_length=5000)
    demonstration: bool = False

    @model_validator(mode="after")
    def _sensible(self) -> Config:
        ids = [site.id for site in self.sites]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"sites: the id {twice[0]!r} is given twice")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.service.timezone)

    def all_sites(self) -> tuple[domain.Site, ...]:
        return tuple(site.as_site() for site in self.sites)

    @property
    def digest(self) -> str:
        """Tell apart settings that change what is said, and where; addresses and folders do not."""
        said = self.model_dump_json(include={"service", "issuer", "forecast", "phenomena", "sites", "demonstration"})
        return hashlib.sha256((said + ",".join(self.output.channels)).encode()).hexdigest()[:12]

    def shown(self) -> dict[str, Any]:
        """Return the settings for showing, secrets masked."""
        values = self.model_dump(mode="json")
        for section in (values["archive"], values["source"]["filter"], values["source"]["bucket"]):
            section["url"] = masked(section["url"])
        return values


def masked(url: str) -> str:
    """Return `url` without the password it may carry, nor the query, which may carry a token."""
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}:***@{host}" if ":" in user else parts.netloc
    return urlunsplit((parts.scheme, shown, parts.path, "***" if parts.query else "", "")) if shown != parts.netloc or parts.query else url


def default_path() -> Path:
    """Return the settings file that came with the program: beside this module in a wheel, else at the project's top."""
    beside = Path(__file__).with_name("config.yaml")
    return beside if beside.exists() else Path(__file__).parents[1] / "config.yaml"


def read_config(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Config:
    """Read and validate the settings at `path` (default: the program's own).

    Raises: ConfigError, with the one thing to mend first.
    """
    path = default_path() if path is None else path
    try:
        if path.stat().st_size > MAXIMUM_SIZE:
            raise ConfigError(f"{path}: larger than {MAXIMUM_SIZE // 1_000_000} MB: this is no settings file")
        values = _PlainLoader(path.read_text(encoding="utf-8")).get_single_data()
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such settings file; copy config.yaml of the program and give it with --config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested deeper than any settings are; expected service:, source:, sites: ...") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: expected a table of settings (service:, source:, sites: ...), found {type(values).__name__}")
    return build_config(values, os.environ if environment is None else environment, str(path))


class _PlainLoader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them can stand for more than a machine holds."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"the alias *{event.anchor} is not allowed: write it out", event.start_mark)
        return super().compose_node(parent, index)


def _place(location: tuple[int | str, ...], values: dict[str, Any]) -> str:
    """Return where in the settings something stands; a site by its id."""
    parts = [str(part) for part in location]
    if len(location) > 1 and location[0] == "sites" and isinstance(location[1], int):
        site = values["sites"][location[1]]
        if isinstance(site, dict) and isinstance(site.get("id"), str):
            parts[1] = site["id"][:40]
    return ".".join(parts) or "settings"


def build_config(values: dict[str, Any], environment: Mapping[str, str], where: str = "settings") -> Config:
    """Validate `values`, overlaid by the environment.

    Raises: ConfigError.
    """
    for variable, (section, key) in ENVIRONMENT.items():
        if environment.get(variable):
            if not isinstance(values.get(section, {}), dict):
                raise ConfigError(f"{where}: {section}: expected a table")
            values = {**values, section: {**values.get(section, {}), key: environment[variable]}}
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = _place(first["loc"], values)
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        secret = first["loc"] and first["loc"][0] == "archive"
        found = "" if secret or isinstance(first["input"], dict) else f"; found {first['input']!r:.80}"
        raise ConfigError(f"{where}: {place}: {first['msg'].removeprefix('Value error, ')}{found}{more}") from None
