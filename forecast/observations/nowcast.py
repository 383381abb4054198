"""Nowcast: the latest observations correct the run that the next hours are forecast from.

The difference between what a station reports and the run's value at its height and time is spread
into the run's fields by successive correction, so that every phenomenon reads one consistent
atmosphere: temperature, humidity, and the cloud around the station. The correction decreases with
distance, height difference and time; after HOURS the run is unchanged.
Source: Cressman 1959, MWR 87, 367 (successive correction); Barnes 1964, JAM 3, 396 (Gaussian
weights, repeated on the residuals).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from forecast.domain import (
    HORIZON_STEP,
    Atmosphere,
    Event,
    Forecast,
    Name,
    Observation,
    Site,
    Station,
    as_utc,
)
from forecast.geo import distance_between, horizon_dip, local_distance
from forecast.science.interpolation import Scene, as_times
from forecast.science.site_profiles import NEAR_GROUND, air_at
from forecast.science.thermodynamics import (
    CRITICAL_HUMIDITY,
    FOG_VISIBILITY,
    SATURATED_AT_STATION,
    Array,
    saturation_vapour_pressure,
)

log = logging.getLogger(__name__)

SOURCE = "nowcast"  # the name under which its doubts are kept
HOURS = 12  # [h] after an observation it has no effect
# [h] in which its weight falls to 1/e: the error of a run's temperature at a station is about as
# old (check)
FADING = 6.0
LATEST = timedelta(minutes=90)  # an older observation is not used
# [km, m] in which the weight falls to exp(-1/2): a valley's air is not the summit's (check)
NEAR, BESIDE = 25.0, 300.0
REACH = 30.0  # [km] within which a site's forecast names a station as its correction
PASSES = 4  # of successive correction; the residuals at stations are then below a tenth

# [K, 1] a report farther from the run than this is doubtful: in the strongest inversions a run's
# temperature at a station is within 12 K, its humidity within 0.7 (check).
TEMPERATURE_GAP, HUMIDITY_GAP = 15.0, 0.8
# [m s-1] a mean wind stronger than the run's by more is told as doubtful: km/h in an m/s column; a
# run's wind at the height of a summit is within 15 (check)
WIND_GAP = 20.0
DRY_RUN = 0.55  # humidity of the run in which a fog that no hygrometer confirms is doubtful (check)

MOST_HUMID = 1.05  # a field is never moved beyond


@dataclass(frozen=True, slots=True)
class Correction:
    """The correction of a run: the time of the observations and their stations.

    doubts: why values of reports had no part in it, because they are far from the run.
    """

    at: datetime | None = None
    stations: tuple[Station, ...] = ()
    doubts: tuple[str, ...] = ()

    def of(self, event: Event) -> tuple[str, ...]:
        """Return the ids of the stations that corrected an event: near its site, and recent."""
        if self.at is None or event.window.start > self.at + timedelta(hours=FADING):
            return ()
        return tuple(
            station.id
            for station in self.stations
            if distance_between(event.site, station) <= REACH * 1000
        )

    def named_in(self, forecasts: Sequence[Forecast]) -> tuple[Forecast, ...]:
        """Return the forecasts, each with the stations that corrected it."""
        return tuple(
            replace(forecast, corrected_by=self.of(forecast.event)) for forecast in forecasts
        )


def latest_good(
    series: Mapping[str, Sequence[Observation]], now: datetime
) -> dict[str, Observation]:
    """Return each station's last observation since LATEST with good temperature or humidity."""
    found: dict[str, Observation] = {}
    for station, observations in series.items():
        for observation in observations:
            fresh = now - LATEST <= observation.time <= now
            usable = any(
                np.isfinite(observation.good(name))
                for name in ("air_temperature", "relative_humidity", "dew_point_temperature")
            )
            if (
                fresh
                and usable
                and (station not in found or observation.time >= found[station].time)
            ):
                found[station] = observation
    return found


def correct(
    atmosphere: Atmosphere,
    stations: Sequence[Station],
    observed: Mapping[str, Observation],
    now: datetime,
) -> tuple[Atmosphere, Correction]:
    """Return the run corrected by the latest observations, and the correction; else the run itself.

    observed: by station (`latest_good`). An observation whose time or height the run does not cover
    has no effect. NaN stays NaN.
    """
    now = as_utc(now, "now")
    reports = [(station, observed[station.id]) for station in stations if station.id in observed]
    if not reports:
        return atmosphere, Correction()
    places = [station for station, _ in reports]
    observed_values = _Observed.of([observation for _, observation in reports])
    observed_values, doubts = _doubted(atmosphere, places, observed_values)
    for reason in doubts:
        log.warning("nowcast: %s", reason)
    moved = atmosphere
    for _ in range(PASSES):
        residuals = _residuals(moved, places, observed_values)
        if not any(np.isfinite(values).any() for values in residuals.values()):
            return atmosphere, Correction(doubts=doubts)
        moved = _spread(
            moved, places, residuals, max(observation.time for _, observation in reports)
        )
    used = tuple(
        place
        for n, place in enumerate(places)
        if any(np.isfinite(values[n]) for values in residuals.values())
    )
    log.info("nowcast: corrected by %s", ", ".join(station.id for station in used))
    return moved, Correction(now, used, doubts)


@dataclass(frozen=True, slots=True)
class _Observed:
    """Observed values (station): time, temperature [K], humidity [1], cloud [1], wind [m s-1].

    NaN: missing.
    """

    times: np.ndarray
    temperature: Array
    humidity: Array
    cloud: Array
    wind: Array

    @classmethod
    def of(cls, observations: Sequence[Observation]) -> _Observed:
        temperature = np.array([o.good("air_temperature") for o in observations])
        dew = np.array([o.good("dew_point_temperature") for o in observations])
        with np.errstate(invalid="ignore"):
            by_dew_point = saturation_vapour_pressure(dew) / saturation_vapour_pressure(temperature)
        humidity = np.array([o.good("relative_humidity") for o in observations])
        humidity = np.where(np.isnan(humidity), by_dew_point, humidity)
        visibility = np.array([o.good("visibility_in_air") for o in observations])
        inside = (visibility < FOG_VISIBILITY) | (
            np.isnan(visibility) & (humidity >= SATURATED_AT_STATION)
        )
        # It clears whole grid boxes, so the limit is theirs and not OUT_OF_CLOUD_AT_STATION.
        outside = (humidity < CRITICAL_HUMIDITY) & ~(visibility < FOG_VISIBILITY)
        cloud = np.where(inside, 1.0, np.where(outside, 0.0, np.nan))
        wind = np.array([o.good("wind_speed") for o in observations])
        return cls(as_times([o.time for o in observations]), temperature, humidity, cloud, wind)


def _doubted(
    atmosphere: Atmosphere, places: Sequence[Station], observed: _Observed
) -> tuple[_Observed, tuple[str, ...]]:
    """Return the reports without the values that are too far from the run, and why.

    A wind is told only: it moves no field.
    """
    has = _run_values(atmosphere, places, observed)
    reasons: list[str] = []
    with np.errstate(invalid="ignore"):
        hot = np.abs(observed.temperature - has["temperature"]) > TEMPERATURE_GAP
        humid = np.abs(observed.humidity - has["humidity"]) > HUMIDITY_GAP
        windy = observed.wind - has["wind_speed"] > WIND_GAP
        foggy = (observed.cloud == 1) & np.isnan(observed.humidity) & (has["humidity"] < DRY_RUN)
    for n, place in enumerate(places):
        if hot[n]:
            here, run = observed.temperature[n] - 273.15, has["temperature"][n] - 273.15
            reasons.append(
                f"station {place.id}: air_temperature {here:.1f} degC, the run has {run:.1f} degC: "
                "is its unit right?"
            )
        if humid[n]:
            reasons.append(
                f"station {place.id}: humidity {100 * observed.humidity[n]:.0f} %, the run has "
                f"{100 * has['humidity'][n]:.0f} %: is its unit right?"
            )
        if windy[n]:
            reasons.append(
                f"station {place.id}: wind_speed {observed.wind[n]:.1f} m/s, the run has "
                f"{has['wind_speed'][n]:.1f} m/s: km/h or knots in an m/s column?"
            )
        if foggy[n]:
            reasons.append(
                f"station {place.id}: visibility of fog, the run's humidity is "
                f"{100 * has['humidity'][n]:.0f} %: kilometres in a metre column?"
            )
    return (
        replace(
            observed,
            temperature=np.where(hot, np.nan, observed.temperature),
            humidity=np.where(humid, np.nan, observed.humidity),
            cloud=np.where(hot | humid | foggy, np.nan, observed.cloud),
        ),
        tuple(reasons),
    )


def _run_values(
    atmosphere: Atmosphere, places: Sequence[Station], observed: _Observed
) -> dict[str, Array]:
    """Return the run's temperature, humidity and cloud at the stations (station)."""
    scene = Scene(atmosphere, tuple(_as_site(place) for place in places))
    air = air_at(scene, np.arange(len(places)), observed.times[:, None])
    return {name: values[:, 0] for name, values in air.items()}


def _residuals(
    atmosphere: Atmosphere, places: Sequence[Station], observed: _Observed
) -> dict[str, Array]:
    """Return observed minus run values at the stations (station).

    A station without humidity leaves the run's vapour pressure unchanged: its humidity follows.
    """
    has = _run_values(atmosphere, places, observed)
    vapour = has["humidity"] * saturation_vapour_pressure(has["temperature"])
    with np.errstate(invalid="ignore"):
        kept = np.minimum(vapour / saturation_vapour_pressure(observed.temperature), 1.0)
    humidity = np.where(np.isnan(observed.humidity), kept, observed.humidity)
    return {
        "air_temperature": observed.temperature - has["temperature"],
        "relative_humidity": humidity - has["humidity"],
        "cloud_area_fraction_in_atmosphere_layer": observed.cloud - has["cloud"],
    }


def _spread(
    atmosphere: Atmosphere, places: Sequence[Station], residuals: Mapping[str, Array], at: datetime
) -> Atmosphere:
    """Return the run with the residuals spread into its fields around the stations."""
    hours = (
        atmosphere["time"].values - np.datetime64(at.replace(tzinfo=None), "ns")
    ) / np.timedelta64(1, "h")
    fading = np.where((hours > -HOURS / 4) & (hours <= HOURS), np.exp(-np.abs(hours) / FADING), 0.0)
    near = _nearness(atmosphere, places)
    heights = atmosphere["geopotential_height"].values
    changed = {}
    for name, values in residuals.items():
        if name in atmosphere:
            changed[name] = _moved(
                atmosphere[name].values, heights, places, values, near, fading, _limits(name)
            )
        close, above = NEAR_GROUND.get(name, ("", 0.0))
        if close in atmosphere and "surface_altitude" in atmosphere:
            level = np.broadcast_to(
                atmosphere["surface_altitude"].values + above, atmosphere[close].shape
            )
            moved = _moved(
                atmosphere[close].values[:, None],
                level[:, None],
                places,
                values,
                near,
                fading,
                _limits(name),
            )
            changed[close] = moved[:, 0]
    return atmosphere.assign(
        {
            name: (atmosphere[name].dims, values, atmosphere[name].attrs)
            for name, values in changed.items()
        }
    )


def _moved(
    field: Array,
    heights: Array,
    places: Sequence[Station],
    residuals: Array,
    near: Array,
    fading: Array,
    limits: tuple[float, float],
) -> Array:
    """Return `field` (time, level, latitude, longitude) plus the weighted mean residual."""
    total = np.zeros(np.broadcast_shapes(field.shape, heights.shape))
    weights = np.zeros(total.shape)
    for place, value, beside in zip(places, residuals, near, strict=True):
        if not np.isfinite(value):
            continue
        upright = np.exp(-(((heights - place.elevation) / BESIDE) ** 2) / 2)
        weight = np.nan_to_num(upright) * beside[None, None]
        total += weight * value
        weights += weight
    # One station alone is reduced by its own weight; several share by their weights.
    mean = total / np.maximum(weights, 1.0)
    low, high = limits
    moved = field + (mean * fading[:, None, None, None]).astype(field.dtype)
    return np.asarray(np.where(mean == 0.0, field, np.clip(moved, low, high)), dtype=field.dtype)


def _limits(name: str) -> tuple[float, float]:
    return {
        "relative_humidity": (0.0, MOST_HUMID),
        "cloud_area_fraction_in_atmosphere_layer": (0.0, 1.0),
    }.get(name, (150.0, 340.0))


def _nearness(atmosphere: Atmosphere, places: Sequence[Station]) -> Array:
    """Return the weight of each station at the run's grid points (station, latitude, longitude)."""
    kilometres = (
        local_distance(
            atmosphere["latitude"].values[None, :, None],
            atmosphere["longitude"].values[None, None, :],
            np.array([place.latitude for place in places])[:, None, None],
            np.array([place.longitude for place in places])[:, None, None],
        )
        / 1000
    )
    return np.asarray(np.exp(-((kilometres / NEAR) ** 2) / 2))


def _as_site(station: Station) -> Site:
    """Return a station as a site at which the run can be read."""
    sea = (-horizon_dip(station.elevation),) * round(360 / HORIZON_STEP)
    return Site(
        id=station.id,
        name=Name("", ""),
        latitude=station.latitude,
        longitude=station.longitude,
        elevation=station.elevation,
        valley_elevation=station.elevation,
        horizon=sea,
        horizon_surveyed=False,
        night_sky_brightness=22.0,
        view_sector=(0.0, 360.0),
        view_surveyed=False,
        phenomena=(),
        headline="",
    )
