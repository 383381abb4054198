"""The sections of config.yaml on CMADaaS, the authority's data interface (MUSIC, REST).

Every address, code, name and limit of the interface is a setting; the defaults are as documented.
The account comes from the environment only (forecast/config.py).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from forecast.settings.section import HttpSettings, SettingsSection, Url

Code = Annotated[int, Field(ge=-99999, le=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.]{0,79}$")]


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


Expression = Annotated[str, Field(max_length=200), AfterValidator(_expression)]


class CmadaasCodes(SettingsSection):
    """What the return codes of the interface mean for the one who asked."""

    success: tuple[Code, ...] = (0,)
    no_data: tuple[Code, ...] = (-1,)
    account: tuple[Code, ...] = (-1001, -1002, -1004)
    request: tuple[Code, ...] = (-2000, -2001, -3001, -3004, -9002)
    element: tuple[Code, ...] = (-3005,)
    too_frequent: tuple[Code, ...] = (-5004,)
    server: tuple[Code, ...] = (-6001, -7001, -10001)


class CmadaasInterfaces(SettingsSection):
    """The names of the interfaces that are called."""

    region: Name = "getSurfEleInRegionByTimeRange"
    stations: Name = "getSurfEleByTimeRangeAndStaID"
    rectangle: Name = "getSurfEleInRectByTimeRange"
    latest_run: Name = "getNafpLatestTime"
    grid: Name = "getNafpEleGridInRectByTimeAndLevelAndValidtime"
    files: Name = "getNafpFileByTime"
    analysis: Name = "getNafpAnaEleGridInRectByTimeAndLevel"


class CmadaasSettings(SettingsSection):
    """The interface: its address, its limits, its codes.

    url: with port and path; empty: not used. requests_per_minute, requests_per_hour: of the
    account, over all processes. stations_share: the part of both that models leave for stations.
    too_frequent_minutes: no request for so long after the service
    said so. rows: asked at once. state: the folder of what is remembered. file_hosts: servers of
    listed files; none: that of `url`. missing: values of grids that stand for none; missing_from:
    station values from here on do.
    """

    url: Url | Literal[""] = ""
    node: str = Field(default="NMIC_MUSIC_CMADAAS", min_length=1, max_length=80)
    requests_per_minute: int = Field(default=60, ge=1, le=6000)
    requests_per_hour: int = Field(default=1500, ge=1, le=100_000)
    stations_share: float = Field(default=0.2, ge=0, le=0.9)
    too_frequent_minutes: float = Field(default=15, gt=0, le=180)
    connections: int = Field(default=2, ge=1, le=8)
    timeout_seconds: float = Field(default=60, gt=0, le=3000)
    deadline_seconds: float = Field(default=900, gt=0, le=86400)
    attempts: int = Field(default=4, ge=1, le=20)
    rows: int = Field(default=5000, ge=2, le=100_000)
    maximum_mb: float = Field(default=100, gt=0, le=2000)
    state: Path = Path("var/cmadaas")
    file_hosts: tuple[str, ...] = Field(default=(), max_length=20)
    missing: tuple[float, ...] = (9999.0, 999990.0, 999998.0, 999999.0)
    missing_from: float = Field(default=990_000.0, gt=9999)
    codes: CmadaasCodes = CmadaasCodes()
    interfaces: CmadaasInterfaces = CmadaasInterfaces()

    @property
    def http(self) -> HttpSettings:
        """How one attempt is sent: attempts and the limits are counted by the client."""
        return HttpSettings(
            url=self.url or "http://127.0.0.1:9",
            requests_per_minute=6000,
            connections=self.connections,
            timeout_seconds=min(self.timeout_seconds, 600),
            deadline_seconds=self.deadline_seconds,
            attempts=1,
        )


class CmadaasModelSettings(SettingsSection):
    """A model at the interface.

    fetch: `grids` asks for each field cut to the region; `files` fetches the listed GRIB files
    whose names `file_name` (a regular expression) finds. latest: the newest run is asked for first.
    deadline_seconds: of one acquisition by the leading model; a further model has its own.
    """

    data_code: Name
    fetch: Literal["grids", "files"] = "grids"
    file_name: Expression = ""
    latest: bool = True
    deadline_seconds: float = Field(default=5400, gt=0, le=86400)


class CmadaasElementSettings(SettingsSection):
    """An element of a data set: its names at the interface, the first that has a value counts, and
    its unit.
    """

    names: tuple[Name, ...] = Field(min_length=1, max_length=8)
    unit: str = Field(default="", max_length=20)


class CmadaasDatasetSettings(SettingsSection):
    """A data set of station reports.

    elements: of ours, with their names there; a name alone is that of the program's own table
    (forecast/observations/cmadaas_elements.csv). interval_minutes: between two reports.
    flags: whether the set has a quality flag Q_<name> for each element. check_minutes: how often it
    is asked, where that is less often than observations.check_minutes.
    """

    data_code: Name
    elements: tuple[str, ...] = Field(default=(), max_length=40)
    named: dict[str, CmadaasElementSettings] = Field(default_factory=dict, max_length=40)
    flags: bool = True
    interval_minutes: int = Field(default=60, ge=1, le=1440)
    check_minutes: int = Field(default=0, ge=0, le=1440)
    enabled: bool = True

    @model_validator(mode="after")
    def _some(self) -> CmadaasDatasetSettings:
        if not self.elements and not self.named:
            raise ValueError(
                f"{self.data_code}: no element is named: write elements: [air_temperature, ...]"
            )
        return self


class AnalysisElementSettings(SettingsSection):
    """An element of an analysis: its name there and its unit."""

    name: Name
    unit: str = Field(default="", max_length=20)


class CmadaasAnalysisSettings(SettingsSection):
    """An hourly analysis, of which the points nearest to the sites are read.

    level_type, level: as the interface wants them. elements: of ours. hours: how far back it is
    asked for.
    """

    data_code: Name
    elements: dict[str, AnalysisElementSettings] = Field(min_length=1, max_length=12)
    level_type: str = Field(default="-", max_length=8)
    level: str = Field(default="-", max_length=8)
    hours: int = Field(default=12, ge=1, le=72)
    enabled: bool = True


AdminCode = Annotated[str, Field(pattern=r"^\d{6}$")]
StationNumber = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,12}$")]


class RectangleSettings(SettingsSection):
    """A rectangle [degree]."""

    south: float = Field(ge=-90, le=90)
    north: float = Field(ge=-90, le=90)
    west: float = Field(ge=-180, le=360)
    east: float = Field(ge=-180, le=360)

    @model_validator(mode="after")
    def _wide(self) -> RectangleSettings:
        if self.south >= self.north or self.west >= self.east:
            raise ValueError("south lies below north, west below east")
        return self


class CmadaasStationSettings(SettingsSection):
    """Station reports from the interface: of districts, of stations by number, of a rectangle.

    first_hours: how far back the first request goes; gap_days: how long an outage is filled.
    overlap_hours: reported times that are asked again each time, for late reports;
    corrections_hours: those that are asked again every corrections_every_hours, for corrections.
    keep_all: reports of stations that observations.stations does not name are kept, too.
    doubtful_flags, wrong_flags, missing_flags: the service's quality flags. analyses: hourly grids
    of which the sites' points count as analyses. trace_values: of precipitation, less than
    0.1 mm: taken as 0.
    moved_metres, moved_height_metres: a station that moved farther is named.
    """

    admin_codes: tuple[AdminCode, ...] = Field(default=(), max_length=100)
    stations: tuple[StationNumber, ...] = Field(default=(), max_length=2000)
    rectangle: RectangleSettings | None = None
    datasets: tuple[CmadaasDatasetSettings, ...] = Field(min_length=1, max_length=20)
    first_hours: float = Field(default=24, ge=1, le=168)
    gap_days: float = Field(default=7, ge=1, le=31)
    overlap_hours: float = Field(default=2, ge=0, le=48)
    corrections_hours: float = Field(default=48, ge=0, le=168)
    corrections_every_hours: float = Field(default=6, ge=1, le=168)
    keep_all: bool = True
    doubtful_flags: tuple[int, ...] = (1,)
    wrong_flags: tuple[int, ...] = (2,)
    missing_flags: tuple[int, ...] = (7, 8)
    trace_values: tuple[float, ...] = (999990.0,)
    analyses: tuple[CmadaasAnalysisSettings, ...] = Field(default=(), max_length=5)
    moved_metres: float = Field(default=150, gt=0, le=100_000)
    moved_height_metres: float = Field(default=10, gt=0, le=5000)

    @model_validator(mode="after")
    def _somewhere(self) -> CmadaasStationSettings:
        if not self.admin_codes and not self.stations and self.rectangle is None:
            raise ValueError(
                "no station is asked for: name admin_codes (110109 is Mentougou), stations or a "
                "rectangle"
            )
        return self
