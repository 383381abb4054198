"""The sections of config.yaml, a class each, with their bounds; forecast/config.py reads them.

The sections of model runs are in forecast/settings/sources.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from forecast import domain
from forecast.geo import horizon_dip
from forecast.settings.cmadaas import CmadaasStationSettings
from forecast.settings.section import OPERATIONAL as OPERATIONAL
from forecast.settings.section import HttpSettings as HttpSettings
from forecast.settings.section import Operational as Operational
from forecast.settings.section import SettingsSection as SettingsSection
from forecast.settings.section import Url as Url
from forecast.settings.time_of_day import TimeOfDay

Channel = Literal[
    "web", "display", "widget", "posters", "wechat", "sms", "api", "feeds", "calendar", "wecom",
    "webhook", "email",
]  # fmt: skip
CHANNELS: tuple[Channel, ...] = (
    "web", "display", "widget", "posters", "wechat", "sms", "api", "feeds", "calendar", "wecom",
    "webhook", "email",
)  # fmt: skip
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})  # hosts that are this machine
# ids that no site has: feeds and pictures have these names
RESERVED = frozenset({"all", "day", "index", *domain.PHENOMENA})


Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Azimuth = Annotated[float, Field(ge=0, le=360)]


class TextSettings(SettingsSection):
    """A text in Chinese and English, in one of them, or in none."""

    zh: str = Field(default="", max_length=200)
    en: str = Field(default="", max_length=200)

    def as_name(self, otherwise: str = "") -> domain.Name:
        """The name, `otherwise` in a language that has none."""
        return domain.Name(self.zh or otherwise, self.en or otherwise)


class NameSettings(TextSettings):
    """A name in both languages, or none: readers of the other language would see nothing."""

    @model_validator(mode="after")
    def _both(self) -> NameSettings:
        if bool(self.zh) != bool(self.en):
            lacking = "en" if self.zh else "zh"
            raise ValueError(
                f"both zh and en are needed, and {lacking} is missing: the pages of that language "
                "would show nothing"
            )
        return self


def _given(name: NameSettings) -> NameSettings:
    if not name.zh:
        raise ValueError("both zh and en are needed")
    return name


FullName = Annotated[NameSettings, AfterValidator(_given)]


class WebSettings(SettingsSection):
    """Where the desk, the pages for reports and the push of observations are served.

    base_url: the address by which people reach it, with its path where it is below one; empty: the
    host and port. trusted_proxies: how many servers stand before it whose X-Forwarded headers hold.
    metrics: who may read /metrics: this machine only, nobody, or all.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8321, ge=0, le=65535)
    base_url: Url | Literal[""] = ""
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    metrics: Literal["loopback", "off", "all"] = "loopback"


CLUSTER = r"^((tcp|tls)://[^\s/@]+:\d{1,5})?$"  # address of a Dask scheduler


class ServiceSettings(SettingsSection):
    """What the service is called, its readers' clock, its web application, the form of its log.

    cluster: address of a Dask scheduler whose workers derive many sites; "": none.
    """

    title: FullName
    district: FullName
    timezone: str = "Asia/Shanghai"
    web: Annotated[WebSettings | None, OPERATIONAL] = None
    log: Annotated[Literal["text", "json"], OPERATIONAL] = "text"
    cluster: Annotated[str, OPERATIONAL, Field(pattern=CLUSTER)] = ""

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("must be an IANA time zone such as Asia/Shanghai") from error
        return value


class IssuerSettings(SettingsSection):
    """Who issues; without `bodies` each product is marked 内部试用 (Source: 气象法 art. 22).

    signature_required: channels that an issue reaches only where a person signed it.
    """

    bodies: tuple[FullName, ...] = ()
    signature_required: tuple[Channel, ...] = ()

    @property
    def official(self) -> bool:
        return bool(self.bodies)


class StationSettings(SettingsSection):
    """A place that observes."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,23}$")]
    name: NameSettings = NameSettings()
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=360)
    elevation_m: float = Field(ge=-450, le=8900)
    kind: Literal["weather", "landscape", "ion"] = "weather"
    units: dict[str, str] = Field(default_factory=dict, max_length=40)
    clock_offset_seconds: float = Field(default=0, ge=-86400, le=86400)

    def as_station(self) -> domain.Station:
        return domain.Station(
            self.id,
            self.name.as_name(),
            self.latitude,
            self.longitude,
            self.elevation_m,
            self.kind,
            self.units,
            self.clock_offset_seconds,
        )


class PushSettings(SettingsSection):
    """How stations push their records to the web application (service.web). Tokens come from the
    environment (SKYSCAPE_PUSH_TOKENS), never from here.

    maximum_mb: of a body, as sent and as unpacked. requests_per_minute: of each sender. senders:
    the stations for which a sender may speak; one that is not named may speak for all. oldest_days:
    older records are refused.
    """

    maximum_mb: float = Field(default=8, gt=0, le=64)
    requests_per_minute: int = Field(default=600, ge=1, le=60000)
    senders: dict[str, tuple[str, ...]] = Field(default_factory=dict, max_length=1000)
    oldest_days: float = Field(default=45, ge=1, le=36500)

    @model_validator(mode="before")
    @classmethod
    def _moved(cls, values: object) -> object:
        """Name where `host` and `port` of earlier versions have gone."""
        moved = [name for name in ("host", "port") if isinstance(values, dict) and name in values]
        if moved:
            raise ValueError(
                f"{' and '.join(moved)} moved: the web application receives the records, so write "
                "service: web: {host: ..., port: ...}"
            )
        return values


class ObservationSettings(SettingsSection):
    """What is observed, and how it comes in: files into `folder`, records by push, from CMADaaS.

    ion_classes [cm-3]: where classes 2, 3 ... of negative oxygen ions begin. old_minutes: from when
    a live value counts as old.
    keep_all: keep reports of stations that are not named too. delete_after_days: files that were
    read are deleted when so old; none: never.
    """

    folder: Annotated[Path, OPERATIONAL] = Path("var/observations")
    check_minutes: Annotated[int, OPERATIONAL] = Field(default=5, ge=1, le=180)
    stations: tuple[StationSettings, ...] = Field(default=(), max_length=20000)
    keep_all: Annotated[bool, OPERATIONAL] = False
    delete_after_days: Annotated[float | None, OPERATIONAL] = Field(default=None, ge=1, le=3650)
    push: Annotated[PushSettings | None, OPERATIONAL] = None
    cmadaas: Annotated[CmadaasStationSettings | None, OPERATIONAL] = None
    ion_classes: tuple[float, ...] = Field(
        default=(500, 1000, 1500, 2000, 3000), min_length=2, max_length=8
    )
    old_minutes: int = Field(default=90, ge=5, le=1440)
    comfort: Literal["GB/T 27963-2011"] = "GB/T 27963-2011"

    @model_validator(mode="after")
    def _sensible(self) -> ObservationSettings:
        if list(self.ion_classes) != sorted(set(self.ion_classes)) or self.ion_classes[0] <= 0:
            raise ValueError(
                "ion_classes: ions a cm3 where classes 2, 3 ... begin, each above the one before, "
                "e.g. [500, 1000, 1500]"
            )
        known = {station.id for station in self.stations}
        for sender, stations in (self.push.senders if self.push else {}).items():
            if unknown := [station for station in stations if station not in known]:
                raise ValueError(
                    f"push.senders.{sender}: {unknown[0]} is no station of observations.stations; "
                    "name it there first"
                )
        return self


class ArchiveSettings(SettingsSection):
    url: str = "sqlite:///var/archive.db"


class OutputSettings(SettingsSection):
    """Where the pages are written.

    base_url: the address at which readers find `<folder>/current`; feeds, calendars, cards,
    messages and QR codes link to it. Empty: what needs an address is left out, and says so.
    static_sites: sites whose pages are written with each issue, the first of the settings; those of
    the others are made by the web application when they are asked for.
    """

    folder: Path = Path("var/site")
    keep_issues: int = Field(default=400, ge=2, le=100000)
    channels: tuple[Channel, ...] = Field(default=CHANNELS, min_length=1)
    base_url: Url | Literal[""] = ""
    static_sites: int = Field(default=500, ge=1, le=20000)


class ForecastSettings(SettingsSection):
    """How many days, where the five grades begin, how much older a contributing run may be."""

    days: int = Field(default=7, ge=1, le=10)
    grades: tuple[float, float, float, float] = (0.10, 0.30, 0.50, 0.70)
    spread_cycles: int = Field(default=4, ge=1, le=12)
    fresh_hours: float = Field(default=12, ge=0, le=48)

    @field_validator("grades")
    @classmethod
    def _rising(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 < p < 1 for p in value) or list(value) != sorted(set(value)):
            raise ValueError("must be four rising probabilities between 0 and 1")
        return value


class ScheduleSettings(SettingsSection):
    """When bulletins are issued (local time) and how long to look for a run that is late.

    update: issue a run that comes later still, where it changes the grade of an issued chance.
    """

    issue_at: tuple[TimeOfDay, ...] = (time(6, 40), time(16, 10))
    check_minutes: int = Field(default=10, ge=1, le=180)
    misfire_minutes: int = Field(default=120, ge=1, le=1440)
    update: bool = True

    @field_validator("issue_at")
    @classmethod
    def _some_once(cls, value: tuple[time, ...]) -> tuple[time, ...]:
        if not value:
            raise ValueError(
                'no time is named, so no bulletin would be issued: write for example ["06:40"]'
            )
        if twice := sorted({at for at in value if value.count(at) > 1}):
            named = ", ".join(f"{at:%H:%M}" for at in twice)
            raise ValueError(f"{named} is named twice: name each time once")
        return value


class IssueSettings(SettingsSection):
    """Whether a person reviews an issue before it goes out.

    review: off; optional (a draft waits for a person until its hour); required (nothing goes out
    that nobody signed). draft_minutes: so long before its hour the draft is ready. unsigned: what
    happens at the hour with a draft that nobody signed, where review is optional.
    """

    review: Literal["off", "optional", "required"] = "off"
    draft_minutes: Annotated[int, OPERATIONAL] = Field(default=30, ge=5, le=240)
    unsigned: Literal["release", "hold"] = "release"


class PhenomenonSettings(SettingsSection):
    """Windows and thresholds that a bureau may move; each is explained in config.yaml."""

    cloud_sea_before_sunrise_hours: float = Field(default=1.5, ge=0, le=6)
    cloud_sea_after_sunrise_hours: float = Field(default=3.0, gt=0, le=12)
    glow_sun_altitude_from: float = Field(default=3.0, ge=-6, le=15)
    glow_sun_altitude_to: float = Field(default=-6.0, ge=-18, le=3)
    stars_minimum_hours: int = Field(default=2, ge=1, le=6)
    stars_clear_cover: float = Field(default=0.2, gt=0, lt=1)


class SiteSettings(SettingsSection):
    """A viewpoint. Coordinates are WGS-84, never those of a Chinese web map (GCJ-02)."""

    id: Identifier
    name: FullName
    brand: NameSettings = NameSettings()
    place: NameSettings = NameSettings()
    latitude: float = Field(ge=-85, le=85)
    longitude: float = Field(ge=-180, le=360)
    elevation_m: float = Field(ge=-450, le=8900)
    valley_elevation_m: float = Field(ge=-450, le=8900)
    valley_heights_m: tuple[float, ...] = Field(default=(), max_length=33)
    horizon_degrees: tuple[float, ...] = ()
    night_sky_brightness: float = Field(ge=14, le=22.2)
    sky_glow_by_azimuth: tuple[Annotated[float, Field(ge=0, le=36)], ...] = ()
    view_sector: tuple[Azimuth, Azimuth] | None = None
    phenomena: tuple[str, ...] = Field(min_length=1)
    stations: tuple[str, ...] = ()
    safety: NameSettings = NameSettings()

    @field_validator("id")
    @classmethod
    def _not_reserved(cls, value: str) -> str:
        if value in RESERVED:
            raise ValueError(f"{value} names a feed or a picture of all sites: choose another id")
        return value

    @field_validator("phenomena")
    @classmethod
    def _known_phenomena(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [p for p in value if p not in domain.PHENOMENA]:
            raise ValueError(f"unknown {unknown}; known are {', '.join(domain.PHENOMENA)}")
        if len(set(value)) != len(value):
            raise ValueError("one is named twice")
        return value

    @field_validator("horizon_degrees")
    @classmethod
    def _whole_horizon(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        wanted = round(360 / domain.HORIZON_STEP)
        if len(value) not in (0, wanted) or any(not -10 <= h <= 80 for h in value):
            raise ValueError(
                f"{wanted} altitudes (north, then every {domain.HORIZON_STEP:g} degrees "
                "clockwise) from -10 to 80, or none"
            )
        return value

    @field_validator("sky_glow_by_azimuth")
    @classmethod
    def _even_directions(cls, value: Sequence[float]) -> Sequence[float]:
        if len(value) not in (0, 8, 12, 36):
            raise ValueError(
                "8, 12 or 36 values (north, then evenly clockwise; their mean is 1) or none"
            )
        return value

    @field_validator("valley_elevation_m")
    @classmethod
    def _below_the_site(cls, value: float, info: ValidationInfo) -> float:
        if value > info.data.get("elevation_m", value):
            raise ValueError("the valley lies above the site")
        return value

    @field_validator("valley_heights_m")
    @classmethod
    def _rising_heights(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        highest = info.data.get("elevation_m", math.inf)
        if (
            len(value) == 1
            or list(value) != sorted(value)
            or any(not -450 <= h <= highest for h in value)
        ):
            raise ValueError("at least two rising heights, none above the site, or none at all")
        return value

    def as_site(self) -> domain.Site:
        sea = (-horizon_dip(self.elevation_m),) * round(360 / domain.HORIZON_STEP)
        return domain.Site(
            id=self.id,
            name=self.name.as_name(),
            brand=self.brand.as_name(),
            place=self.place.as_name(),
            latitude=self.latitude,
            longitude=self.longitude,
            elevation=self.elevation_m,
            valley_elevation=self.valley_elevation_m,
            horizon=self.horizon_degrees or sea,
            horizon_surveyed=bool(self.horizon_degrees),
            night_sky_brightness=self.night_sky_brightness,
            view_sector=self.view_sector or (0.0, 360.0),
            view_surveyed=self.view_sector is not None,
            phenomena=self.phenomena,
            valley_heights=self.valley_heights_m,
            sky_glow=self.sky_glow_by_azimuth,
            headline=self.phenomena[0],
            stations=self.stations,
            safety=self.safety.as_name(),
        )
