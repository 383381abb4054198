"""Current observations: newest good values, hourly means of a day, comfort, time of last report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.domain import CurrentObservations, Observation, as_utc
from forecast.quantities import STATES
from forecast.science import comfort
from forecast.science.thermodynamics import saturation_vapour_pressure
from forecast.settings import ObservationSettings

HOUR = timedelta(hours=1)
DAY = 24  # [h] of hourly values
# Sums over the hour before a report: the last value reported in an hour counts.
HOURLY_SUMS = ("precipitation_amount", "sunshine_duration")
CODES = ("present_weather",)  # have no mean
# Hours of the last day with a sunshine duration, at least, for their sum to be the day's.
SUNSHINE_HOURS = 12


def latest(
    archive: Archive, settings: ObservationSettings, zone: ZoneInfo, now: datetime
) -> tuple[CurrentObservations, ...]:
    """Return the current observations of each station of the settings, of good values only.

    A silent station has the time of its last report. Raises: ArchiveError.
    """
    now = as_utc(now, "now")
    kept = Observations(archive)
    names = [station.id for station in settings.stations]
    last = kept.last_reports(names, now)
    series = kept.series(names, now.replace(minute=0, second=0, microsecond=0) - DAY * HOUR, now)
    found: list[CurrentObservations] = []
    for each in settings.stations:
        reports = series.get(each.id, ())
        newest, hourly = newest_good(reports), hourly_means(reports, now)
        since = last[each.id].last if each.id in last else None
        felt = _comfort(newest, hourly, settings, zone, now)
        found.append(CurrentObservations(each.as_station(), newest, hourly, felt, since))
    return tuple(found)


def newest_good(series: Sequence[Observation]) -> dict[str, tuple[datetime, float]]:
    """Return time and value (SI) of each element's newest good report. series: oldest first."""
    return {
        name: (observation.time, observation.values[name])
        for observation in series
        for name in observation.values
        if not np.isnan(observation.good(name))
    }


def hourly_means(
    series: Sequence[Observation], now: datetime, hours: int = DAY
) -> dict[str, tuple[tuple[datetime, float], ...]]:
    """Return for each element the end and the mean of each whole hour with good values.

    hours: before `now`. Directions are averaged as unit vectors; of hourly sums the last one
    counts.
    """
    end = as_utc(now).replace(minute=0, second=0, microsecond=0)
    values: dict[str, dict[datetime, list[float]]] = {}
    for observation in series:
        if not end - hours * HOUR < observation.time <= end:
            continue
        hour = end - (end - observation.time) // HOUR * HOUR
        for name in observation.values:
            if name not in (*CODES, *STATES) and not np.isnan(value := observation.good(name)):
                values.setdefault(name, {}).setdefault(hour, []).append(value)
    return {
        name: tuple((hour, _hour_of(name, found)) for hour, found in sorted(by_hour.items()))
        for name, by_hour in values.items()
    }


def _hour_of(name: str, values: Sequence[float]) -> float:
    if name in HOURLY_SUMS:
        return values[-1]
    if name == "wind_from_direction":
        angles = np.radians(values)
        return float(np.degrees(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())) % 360)
    return float(np.mean(values))


def _comfort(
    newest: Mapping[str, tuple[datetime, float]],
    hourly: Mapping[str, tuple[tuple[datetime, float], ...]],
    settings: ObservationSettings, zone: ZoneInfo, now: datetime,
) -> tuple[datetime, int] | None:  # fmt: skip
    """Return the time and class of comfort by the settings' standard; None without fresh values."""
    fresh = {
        name: value
        for name, (moment, value) in newest.items()
        if now - moment <= timedelta(minutes=settings.old_minutes)
    }
    temperature, speed = fresh.get("air_temperature", np.nan), fresh.get("wind_speed", np.nan)
    humidity = fresh.get("relative_humidity", np.nan)
    if np.isnan(humidity) and "dew_point_temperature" in fresh:
        dew_point = np.array(fresh["dew_point_temperature"])
        humidity = float(
            saturation_vapour_pressure(dew_point)
            / saturation_vapour_pressure(np.array(temperature))
        )
    sun = [value for _, value in hourly.get("sunshine_duration", ())]
    sunshine = sum(sun) / 3600 if len(sun) >= SUNSHINE_HOURS else np.nan
    cold_half = now.astimezone(zone).month in (10, 11, 12, 1, 2, 3)
    found = comfort.STANDARDS[settings.comfort](temperature, humidity, speed, sunshine, cold_half)
    return (newest["air_temperature"][0], found) if found else None
