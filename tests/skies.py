"""Test atmospheres with one column everywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import xarray as xr

from forecast.config import read_config
from forecast.domain import Atmosphere, Event, Site, Window
from forecast.quantities import CLOSE_LEVELS, FIELDS

SITES: dict[str, Site] = {site.id: site for site in read_config().all_sites()}
Profile = Callable[[np.ndarray], np.ndarray]  # height [m] -> value


def layer(base: float, top: float, inside: float = 1.0, outside: float = 0.0) -> Profile:
    """A profile with one value between two heights and another elsewhere."""
    return lambda height: np.where((height >= base) & (height < top), inside, outside)


def standard_temperature(height: np.ndarray) -> np.ndarray:
    """ISO 2533: 288.15 K at sea level, falling by 6.5 K km-1 to the tropopause."""
    return np.maximum(288.15 - 0.0065 * height, 216.65)


def standard_height(pressure: np.ndarray) -> np.ndarray:
    """Height [m] of a pressure [Pa] in the standard atmosphere's troposphere (ISO 2533)."""
    return 44330.77 * (1 - (pressure / 101325) ** 0.190263)


def atmosphere(
    times: Sequence[datetime],
    humidity: Profile = lambda height: np.full(height.shape, 0.4),
    cloud: Profile | None = lambda height: np.zeros(height.shape),
    temperature: Profile = standard_temperature,
    ground: float | None = 150.0,
    **surface: float,
) -> Atmosphere:
    """The same column over all of Mentougou at all `times`; `surface`: single-level fields by name
    (NaN fields are left out).
    """
    levels = np.array(CLOSE_LEVELS, dtype=float)
    height = standard_height(levels)
    columns = {
        "geopotential_height": height,
        "air_temperature": temperature(height),
        "relative_humidity": humidity(height),
    }
    columns |= {
        "eastward_wind": np.full(height.shape, 3.0),
        "northward_wind": np.full(height.shape, 0.0),
    }
    columns["lagrangian_tendency_of_air_pressure"] = np.zeros(height.shape)
    if cloud is not None:
        columns["cloud_area_fraction_in_atmosphere_layer"] = cloud(height)
    single = {
        "wind_speed_of_gust": 5.0, "visibility_in_air": 24000.0,
        "convective_available_potential_energy": 0.0,
        "atmosphere_mass_content_of_water_vapor": 10.0,
        "atmosphere_boundary_layer_thickness": 300.0, "precipitation_amount": 0.0,
    }  # fmt: skip
    if ground is not None:
        near = np.array([ground + 2])
        single |= {"surface_altitude": ground, "air_temperature_at_2m": float(temperature(near)[0])}
        single |= {
            "relative_humidity_at_2m": float(humidity(near)[0]),
            "eastward_wind_at_10m": 2.0,
            "northward_wind_at_10m": 0.0,
        }
    single |= surface
    latitude, longitude = np.arange(39.0, 41.01, 0.25), np.arange(114.5, 117.01, 0.25)
    stamps = np.array([np.datetime64(t.astimezone(UTC).replace(tzinfo=None), "ns") for t in times])
    shape = (len(stamps), len(latitude), len(longitude))
    data: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, str]]] = {}
    for name, values in columns.items():
        spread = np.broadcast_to(
            values[None, :, None, None], (shape[0], len(levels), *shape[1:])
        ).astype(np.float32)
        data[name] = (
            ("time", "level", "latitude", "longitude"),
            spread,
            {"units": FIELDS[name].unit},
        )
    for name, value in single.items():
        if np.isfinite(value):
            data[name] = (
                ("time", "latitude", "longitude"),
                np.full(shape, value, np.float32),
                {"units": FIELDS[name].unit},
            )
    made = xr.Dataset(
        data, coords={"time": stamps, "level": levels, "latitude": latitude, "longitude": longitude}
    )
    if "precipitation_amount" in made:
        starts = np.concatenate([[np.datetime64("NaT", "ns")], stamps[:-1]])
        made = made.assign(precipitation_amount_start=("time", starts))
    return made


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def steps(first: str, hours: int, every: int = 3) -> list[datetime]:
    """Times every few hours from `first` on."""
    return [utc(first) + timedelta(hours=h) for h in range(0, hours + 1, every)]


def dawn(site: Site, sunrise: str) -> Event:
    """The sea-of-clouds question of a morning whose sun rises at `sunrise` (UTC)."""
    centre = utc(sunrise)
    window = Window(centre - timedelta(hours=1.5), centre + timedelta(hours=3))
    return Event("sea_of_clouds", site, (centre + timedelta(hours=8)).date(), window, centre)


def night(site: Site, dusk: str, dawning: str) -> Event:
    """The starry-sky question of the night between `dusk` and `dawning` (UTC)."""
    return Event(
        "starry_sky", site, (utc(dusk) + timedelta(hours=8)).date(), Window(utc(dusk), utc(dawning))
    )


def lifted(site: Site, elevation: float, valley: float) -> Site:
    return replace(site, elevation=elevation, valley_elevation=valley)
