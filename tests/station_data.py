"""Synthetic stations and their current observations, for tests of pages and screens."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from forecast.config import Config, build_config, default_path
from forecast.domain import CurrentObservations

# fmt: off
STATIONS = [
    {"id": "A1201", "name": {"zh": "灵山站", "en": "Lingshan"}, "latitude": 40.02,
     "longitude": 115.45, "elevation_m": 2280,
     "kind": "weather"},
    {"id": "ION01", "name": {"zh": "灵山氧吧1号", "en": "Lingshan ions 1"}, "latitude": 40.01,
     "longitude": 115.46, "elevation_m": 1650,
     "kind": "ion"},
    {"id": "ION02", "name": {"zh": "百花山氧吧", "en": "Baihuashan ions"}, "latitude": 39.81,
     "longitude": 115.57, "elevation_m": 1210,
     "kind": "ion"},
]
# fmt: on
STATIONS_OF_SITES = {"lingshan": ["A1201", "ION01"], "baihuashan": ["ION02"]}


def with_stations(config: Config) -> Config:
    """Return the settings with a weather station and two ion monitors."""
    values = config.model_dump(mode="json")
    values["observations"]["stations"] = STATIONS
    for site in values["sites"]:
        site["stations"] = STATIONS_OF_SITES.get(site["id"], [])
    return build_config(values, {}, str(default_path()))


def current_observations(
    config: Config, now: datetime, age: timedelta = timedelta(minutes=10), hours: int = 24
) -> tuple[CurrentObservations, ...]:
    """Return observations `age` before `now`, and hourly ions or temperatures of the last day."""
    at = now - age
    weather = {
        "air_temperature": 270.35,
        "relative_humidity": 0.62,
        "wind_speed": 4.6,
        "wind_from_direction": 315.0,
        "visibility_in_air": 22000.0,
    }
    ions = {"negative_oxygen_ions": 2.34e9, "mass_concentration_of_pm2p5": 1.8e-8}
    found = []
    for station in config.observations.stations:
        values = ions if station.kind == "ion" else weather
        top = at.replace(minute=0, second=0, microsecond=0)
        name, mean, swing = (
            ("negative_oxygen_ions", 1.6e9, 7e8)
            if station.kind == "ion"
            else ("air_temperature", 268.15, 5.0)
        )
        hourly = tuple(
            (top - timedelta(hours=k), mean + swing * math.sin(k / 4))
            for k in reversed(range(hours))
            if k not in (7, 8)
        )
        found.append(CurrentObservations(
            station.as_station(), {element: (at, value) for element, value in values.items()},
            {name: hourly}, (at, 1) if station.kind == "weather" else None, at,
        ))  # fmt: skip
    return tuple(found)


def silent(config: Config) -> tuple[CurrentObservations, ...]:
    """Return the same stations without any report."""
    return tuple(
        CurrentObservations(station.as_station()) for station in config.observations.stations
    )
