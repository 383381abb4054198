"""Synthetic evidence for tests of charts and screens: analytic cloud decks, veils and showers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import xarray as xr

from forecast.config import read_config
from forecast.domain import Almanac, Cycle, Event, Forecast, Reason, Site, Spread, Window

DAY = date(2026, 11, 22)
CYCLE = Cycle(datetime(2026, 11, 22, 0, tzinfo=UTC))
ISSUED = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
SITES: dict[str, Site] = {site.id: site for site in read_config().all_sites()}


def utc(text: str) -> datetime:
    """Return a Beijing time ("22 17:30": day of November 2026 and clock) in UTC."""
    day, clock = text.split()
    hour, minute = clock.split(":")
    return datetime(2026, 11, int(day), int(hour), int(minute), tzinfo=UTC) - timedelta(hours=8)


def almanac(site: Site, day: date = DAY) -> Almanac:
    """Return an almanac close to that of Beijing on 22 November 2026."""
    shift = timedelta(days=(day - DAY).days)
    return Almanac(
        site=site,
        day=day,
        day_start=utc("22 00:00") + shift,
        day_end=utc("23 00:00") + shift,
        sunrise=utc("22 07:02") + shift,
        sunset=utc("22 16:55") + shift,
        terrain_sunrise=utc("22 07:06") + shift,
        terrain_sunset=utc("22 16:47") + shift,
        sunrise_azimuth=116.2,
        sunset_azimuth=243.6,
        civil_dawn=utc("22 06:33") + shift,
        civil_dusk=utc("22 17:24") + shift,
        nautical_dusk=utc("22 17:56") + shift,
        astronomical_dusk=utc("22 18:28") + shift,
        astronomical_dawn=utc("23 05:31") + shift,
        moonrise=utc("22 15:40") + shift,
        moonset=utc("23 05:20") + shift,
        moon_illumination=0.95,
        moon_phase=154.0,
        milky_way=None,
    )


def event(phenomenon: str, site: Site, day: date = DAY) -> Event:
    spans = {
        "starry_sky": ("22 18:28", "23 05:31", None),
        "sea_of_clouds": ("22 05:32", "22 10:02", "22 07:02"),
        "sunset_glow": ("22 16:30", "22 17:24", "22 16:55"),
        "sunrise_glow": ("22 06:33", "22 07:20", "22 07:02"),
        "sunrise": ("22 06:50", "22 07:20", "22 07:02"), "rime": ("22 00:00", "22 12:00", None),
    }  # fmt: skip
    start, end, centre = spans.get(phenomenon, ("22 00:00", "23 00:00", None))
    shift = timedelta(days=(day - DAY).days)
    return Event(
        phenomenon,
        site,
        day,
        Window(utc(start) + shift, utc(end) + shift),
        utc(centre) + shift if centre else None,
    )


def forecast(
    phenomenon: str, site: Site, probability: float = 0.72, day: date = DAY, **more: object
) -> Forecast:
    target = event(phenomenon, site, day)
    grade = 0 if np.isnan(probability) else 1 + sum(probability >= p for p in (0.1, 0.3, 0.5, 0.7))
    spread = (
        None
        if np.isnan(probability)
        else Spread(max(probability - 0.15, 0), min(probability + 0.1, 1), 4)
    )
    made = Forecast(
        target,
        CYCLE,
        ISSUED,
        probability,
        grade,
        "rule 1",
        spread=spread,
        reasons=(Reason("low_cloud", 0.1, 0.8),),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def _times(first: datetime, count: int, minutes: float, padding: int = 3) -> np.ndarray:
    times = [
        np.datetime64((first + timedelta(minutes=minutes * k)).replace(tzinfo=None), "ns")
        for k in range(count)
    ]
    return np.array(times + [np.datetime64("NaT", "ns")] * padding)


def _padded(values: np.ndarray, padding: int = 3) -> np.ndarray:
    return np.pad(
        values.astype(float), [(0, padding)] + [(0, 0)] * (values.ndim - 1), constant_values=np.nan
    )


def night() -> xr.Dataset:
    """A clear November night with high cloud until ten and a moon past its first quarter."""
    h = np.arange(16.0)
    values = {
        "sun_altitude": np.interp(h, (0, 0.9, 1.4, 1.9, 2.5, 8, 13.5, 14, 14.6, 15),
                                  (7, -0.83, -6, -12, -18, -70, -18, -12, -6, -1)),
        "moon_altitude": 62 * np.sin(np.pi * (h + 1) / 14.5),
        "milky_way_altitude": 40 - 9 * h + 0.3 * h**2, "high_cloud": np.clip(0.8 - 0.14 * h, 0, 1),
        "medium_cloud": np.clip(0.3 - np.abs(h - 12) * 0.12, 0, 1),
        "low_cloud": np.clip((h - 12) * 0.25, 0, 1),
        "cloud": np.clip(0.3 - 0.05 * h, 0, 1),
        "sky_brightness": np.interp(h, (0, 2, 2.6, 8, 13.4, 14, 15),
                                    (6, 17, 19.4, 18.8, 21, 19.5, 10)),
    }  # fmt: skip
    values["high_cloud"][7] = np.nan
    data = {name: ("hour", _padded(v)) for name, v in values.items()} | {
        "time": ("hour", _times(utc("22 16:00"), 16, 60))
    }
    return xr.Dataset(data)


def deck(top: float = 1050.0) -> xr.Dataset:
    """A stratus deck that grows in the valley through the night under an inversion, and veils of
    middle cloud before it.
    """
    hours, height = np.arange(17.0)[:, None], np.arange(0.0, 4001.0, 100.0)
    roof = 350 + (top - 350) * np.clip(hours / 10, 0, 1) + 60 * np.sin(hours)
    veil = 0.35 * np.exp(-(((height - 3300) / 350) ** 2) - (hours / 5) ** 2)
    humidity = np.clip(0.45 + 0.53 / (1 + np.exp((height - roof) / 90)) + veil, 0, 1)
    cloud = np.clip((humidity - 0.8) / 0.18, 0, 1)
    temperature = 278 - 0.006 * height + 5 / (1 + np.exp((roof - height) / 90)) - 0.25 * hours
    data = {
        name: (("hour", "height"), _padded(v))
        for name, v in {
            "relative_humidity": humidity,
            "cloud": cloud,
            "temperature": temperature,
        }.items()
    }
    data["valley_area_filled"] = (
        "hour",
        _padded(np.clip((roof[:, 0] - 200) / 900, 0, 1) * cloud.max(axis=1)),
    )
    return xr.Dataset(
        data | {"time": ("hour", _times(utc("21 18:00"), 17, 60))}, coords={"height": height}
    )


def path(blocked: bool = False, known_km: float = 600.0) -> xr.Dataset:
    """Cirrus overhead with clear air in the west, or with a bank of cloud 300 km away."""
    distance, height = np.arange(0.0, 600_001.0, 10_000.0), np.arange(0.0, 14_001.0, 250.0)
    d, h = distance[:, None] / 1000, height[None, :] / 1000
    cloud = 0.85 * np.exp(-(((h - 8.6 - d / 500) / 0.8) ** 2)) / (1 + np.exp((d - 190) / 25))
    cloud = np.maximum(cloud, 0.35 * np.exp(-(((h - 4.5) / 0.5) ** 2) - ((d - 90) / 40) ** 2))
    if blocked:
        cloud = np.maximum(
            cloud, 1 / (1 + np.exp((h - 6.8) / 0.5)) * np.exp(-(((d - 310) / 55) ** 4))
        )
    cloud[distance > known_km * 1000] = np.nan
    rays = np.array(
        [
            hc + ((distance - 0.0) / 1000) * s + distance**2 / (2 * 7.4e6)
            for hc, s in ((8200, -36), (8200, -22), (8200, -8))
        ]
    )
    minute = np.arange(54.0)
    quality = np.clip(np.exp(-(((minute - 30) / 9) ** 2)) * (0.15 if blocked else 0.9), 0, 1)
    warm = np.clip((minute - 5) / 40, 0, 1)
    colour = {"red": 0.98 - 0.25 * warm**3, "green": 0.82 - 0.6 * warm, "blue": 0.62 - 0.35 * warm}
    minutes = {"quality": quality, "sun_altitude": 3 - minute / 6} | colour
    data = {name: ("minute", _padded(v)) for name, v in minutes.items()} | {
        "time": ("minute", _times(utc("22 16:30"), 54, 1))
    }
    fields = {"cloud": (("distance", "height"), cloud), "ray_height": (("ray", "distance"), rays)}
    return xr.Dataset(data | fields, coords={"distance": distance, "height": height})


def cold(snow: bool = True) -> xr.Dataset:
    """A front at noon: snow for twelve hours, then clear and cold."""
    h = np.arange(0.0, 25.0, 3.0)
    temperature = 273.15 + np.array([1.5, 0.8, 0.2, -0.4, -1.6, -3.0, -5.2, -7.8, -9.5])
    fall = np.array([0, 0, 0.2, 1.4, 2.6, 2.1, 0.6, 0, 0]) * snow
    depth = 0.02 + np.cumsum(fall) * 0.011
    values = {
        "temperature": temperature,
        "wet_bulb": temperature - np.array([1.4, 0.8, 0.3, 0.1, 0.1, 0.2, 0.8, 1.6, 2.1]),
        "humidity": np.array([0.7, 0.85, 0.96, 0.99, 1, 0.98, 0.9, 0.7, 0.55]),
        "wind_speed": 2 + h / 6,
        "cloud_at_site": np.array([0, 0.2, 0.7, 1, 1, 0.9, 0.3, 0, 0]), "precipitation": fall,
        "new_snow": fall * 0.012,
        "melting_level": 1500 - 40 * h, "snow_depth": depth,
    }  # fmt: skip
    data = {name: ("hour", _padded(v)) for name, v in values.items()} | {
        "time": ("hour", _times(utc("22 00:00"), 9, 180))
    }
    return xr.Dataset(data)
