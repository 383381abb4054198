"""The demonstration in which everything comes from CMADaaS: model, stations and outcomes.

The server is the loopback double; the account is made for it. Nothing comes from outside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from forecast.config import Config
from forecast.ingest.cmadaas import DEMONSTRATION
from forecast.ingest.sources import needs_of
from forecast.learning.truth_stations import near_stations
from forecast.sample.cmadaas import LoopbackCmadaas
from forecast.sample.cmadaas_world import (
    DISTRICT,
    HOURLY,
    NEIGHBOUR,
    SampleRuns,
    records,
    sample_stations,
    station_reports,
)
from forecast.sample.demonstration import STEPS, demonstration_config
from forecast.sample.region import Region
from forecast.settings import StationSettings, TextSettings
from forecast.settings.cmadaas import (
    CmadaasDatasetSettings,
    CmadaasModelSettings,
    CmadaasStationSettings,
)
from forecast.settings.sources import ParameterSettings, StepSettings

DATA_CODE = "NAFP_FOR_FTM_GRAPES_GFS_25KM_GLB"
BACK = 36  # [h] of reports before the run
LEVELS = (1000.0, 925.0, 850.0, 700.0, 600.0, 500.0, 400.0, 300.0, 200.0)  # [hPa]
REPORTED = (
    "air_temperature", "dew_point_temperature", "relative_humidity", "wind_speed",
    "visibility_in_air", "cloud_area_fraction", "precipitation_amount", "snow_depth",
)  # fmt: skip


def parameters() -> dict[str, ParameterSettings]:
    """Return the table of the demonstration's model."""
    profiles = {"air_temperature": "TEM", "relative_humidity": "RHU", "geopotential_height": "GPH"}
    singles = {
        "surface_altitude": "ALT 1", "surface_air_pressure": "SSP 1",
        "air_temperature_at_2m": "TEM 103 2", "relative_humidity_at_2m": "RHU 103 2",
        "eastward_wind_at_10m": "WIU 103 10", "northward_wind_at_10m": "WIV 103 10",
        "visibility_in_air": "VIS 1", "surface_snow_thickness": "SDE 1",
    }  # fmt: skip
    table: dict[str, dict[str, object]] = {name: {"cmadaas": f"{element} 100", "levels_hpa": LEVELS}
             for name, element in profiles.items()}  # fmt: skip
    table |= {name: {"cmadaas": place} for name, place in singles.items()}
    table["precipitation_amount"] = {"cmadaas": "TPE 1", "from_start": True}
    return {name: ParameterSettings.model_validate(each) for name, each in table.items()}


@contextmanager
def served(
    config: Config,
    run: datetime,
    now: datetime,
    folder: Path,
    work: Path,
    steps: tuple[StepSettings, ...] = STEPS,
) -> Iterator[tuple[Config, LoopbackCmadaas]]:
    """Give the settings of the demonstration, and the server that they name, while it runs."""
    ours = demonstration_config(config, "http://127.0.0.1:9", folder, work)
    source = ours.source.model_copy(
        update={
            "order": ("cmadaas",), "parameters": parameters(), "steps": steps,
            "cmadaas": CmadaasModelSettings(data_code=DATA_CODE), "attribution": TextSettings(),
        }
    )  # fmt: skip
    ours = ours.model_copy(update={"source": source})
    needs = needs_of(ours, ours.all_sites())
    region = Region(needs.north, needs.south, needs.west, needs.east)
    data = SampleRuns(DATA_CODE, source.parameters, run, needs.steps, region)
    data.by_code[HOURLY] = records_until(run, now)
    with LoopbackCmadaas(data, {DEMONSTRATION.user: DEMONSTRATION.password}) as server:
        yield _with_service(ours, server.url, work), server


def records_until(run: datetime, now: datetime) -> list[Mapping[str, str]]:
    """Return what the sample's stations reported, hour by hour, up to `now`."""
    stations = sample_stations()
    last = int((now - run) / timedelta(hours=1))
    hours = [float(hour) for hour in range(-BACK, last + 1)]
    districts = {"A1601": NEIGHBOUR}
    return records(
        station_reports(stations, run, hours), {each.id: each for each in stations}, districts
    )


def _with_service(config: Config, url: str, work: Path) -> Config:
    """Return settings with the service's address, its stations listed and named by the sites."""
    interface = config.cmadaas.model_copy(
        update={
            "url": url, "requests_per_minute": 6000, "requests_per_hour": 100_000,
            "connections": 2,
        }
    )  # fmt: skip
    stations = {each.id: each for each in sample_stations()}
    listed = tuple(
        StationSettings(
            id=id, latitude=each.latitude, longitude=each.longitude, elevation_m=each.elevation
        )
        for id, each in stations.items()
    )
    feed = CmadaasStationSettings(
        admin_codes=(DISTRICT, NEIGHBOUR),
        datasets=(CmadaasDatasetSettings(data_code=HOURLY, elements=REPORTED),),
        first_hours=BACK,
    )
    observations = config.observations.model_copy(
        update={"stations": listed, "cmadaas": feed, "folder": work / "observations"}
    )
    reported = dict.fromkeys(stations, REPORTED)
    sites = tuple(
        settings.model_copy(
            update={
                "stations": tuple(
                    each.station.id
                    for each in near_stations(site, stations, reported, frozenset(stations))
                )
            }
        )
        for settings, site in zip(config.sites, config.all_sites(), strict=True)
    )
    return config.model_copy(
        update={"cmadaas": interface, "observations": observations, "sites": sites}
    )
