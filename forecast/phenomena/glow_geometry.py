"""Where and when the sun stands low at a site: minutes, azimuth, terrain, and the air to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from forecast.domain import Event, Site, Window
from forecast.phenomena.canvas import BESIDE
from forecast.phenomena.light_path import LightPath, read_light_path
from forecast.science import light
from forecast.science.almanac import horizon_altitude, sun_position
from forecast.science.ephemeris import Floats, horizontal, sun_place
from forecast.science.interpolation import Scene, Times, as_times, hours_between
from forecast.science.light import Index, Mask
from forecast.science.thermodynamics import Array

NAT, MINUTE = np.datetime64("NaT", "ns"), np.timedelta64(1, "m")
HALF_DAY, COARSE = 720, 5  # [min] searched before and after an event; between two altitudes read


@dataclass(frozen=True, slots=True)
class Geometry:
    """Place and time of some events (event), and the sun's geometric altitude (event, minute)."""

    latitude: Array
    longitude: Array
    elevation: Array
    horizons: Array  # (event, 72)
    horizon: Array  # towards the sun
    azimuth: Array
    centre: Times
    minutes: Times
    altitude: Array
    # minutes outside the run's fields: a field held there may give the quality, not the time
    outside: Mask


def geometry_of(events: Sequence[Event], scene: Scene) -> Geometry:
    """Return the geometry of `events`; minutes are padded with NaT, altitudes with NaN."""
    sites = [event.site for event in events]
    latitude, longitude, elevation = (
        np.array([getattr(s, name) for s in sites])
        for name in ("latitude", "longitude", "elevation")
    )
    centre = as_times([event.centre for event in events])
    minutes = hours_between(
        as_times([e.window.start for e in events]), as_times([e.window.end for e in events]), 1
    )
    altitude, _ = sun_position(
        np.where(np.isnat(minutes), centre[:, None], minutes), latitude[:, None], longitude[:, None]
    )
    azimuth = sun_position(centre, latitude, longitude)[1]
    horizons = np.array([s.horizon for s in sites], dtype=float)
    horizon = horizon_altitude(horizons, azimuth)
    altitude = np.where(np.isnat(minutes), np.nan, altitude)
    outside = (minutes < scene.times[0]) | (minutes > scene.times[-1])
    return Geometry(
        latitude,
        longitude,
        elevation,
        horizons,
        horizon,
        azimuth,
        centre,
        minutes,
        altitude,
        outside,
    )


@lru_cache(maxsize=4096)
def window_by_sun(
    latitude: float, longitude: float, centre: datetime, high: float, low: float
) -> Window | None:
    """Return the whole minutes around `centre` with the sun between `low` and `high` [degree].

    The sun rises or sets throughout: the window ends at the highest and at the lowest point of its
    path, where at high latitudes the other twilight begins. None where the sun is never there.
    """
    minutes, base = np.arange(-HALF_DAY, HALF_DAY + 1), _minute(centre)
    altitude = np.interp(minutes, minutes[::COARSE], _altitudes(latitude, longitude, base))
    inside = (altitude <= high) & (altitude >= low)
    first_turn, last_turn = _turns(latitude, longitude, base)
    inside &= (minutes >= first_turn) & (minutes <= last_turn)
    if not inside.any():
        return None
    middle = minutes.size // 2
    nearest = (
        middle
        if inside[middle]
        else int(np.flatnonzero(inside)[np.abs(np.flatnonzero(inside) - middle).argmin()])
    )
    breaks = np.flatnonzero(~inside)
    first = breaks[breaks < nearest].max(initial=-1) + 1
    last = breaks[breaks > nearest].min(initial=minutes.size) - 1
    end = min(int(minutes[last]) + 1, last_turn)
    start = min(int(minutes[first]), end - 1)
    return Window(base + timedelta(minutes=start), base + timedelta(minutes=end))


def between_turns(site: Site, centre: datetime) -> Window:
    """Return the time from the sun's turn before `centre` to the one after it.

    A turn is the highest or the lowest point of its path; whole minutes inside the two.
    """
    base = _minute(centre)
    first, last = _turns(site.latitude, site.longitude, base)
    return Window(base + timedelta(minutes=first), base + timedelta(minutes=last))


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


@lru_cache(maxsize=64)  # asked for the window, then for the turns
def _altitudes(latitude: float, longitude: float, base: datetime) -> Array:
    """Return the sun's altitude [degree] every COARSE minutes in the half days around `base`."""
    return horizontal(_sun_around(base), latitude, longitude)[0]


@lru_cache(maxsize=4096)
def _sun_around(base: datetime) -> Floats:
    """Return the sun's place (3, moment) at those moments: one for all sites of that minute."""
    minutes = np.arange(-HALF_DAY, HALF_DAY + 1, COARSE)
    return sun_place(np.datetime64(base.replace(tzinfo=None), "ns") + minutes * MINUTE)


@lru_cache(maxsize=4096)
def _turns(latitude: float, longitude: float, base: datetime) -> tuple[int, int]:
    """Return the minutes from `base` back and on to where the sun's altitude turns.

    Rounded towards `base`, so that the sun does not turn inside; at most half a day.
    """
    altitude = _altitudes(latitude, longitude, base)
    middle = altitude.size // 2
    change = np.diff(altitude)
    way = np.sign(altitude[middle + 1] - altitude[middle - 1])
    turned = np.flatnonzero(np.sign(change) != way)
    after, before = turned[turned >= middle], turned[turned < middle - 1]

    def minute(index: int) -> float:
        """The top of the parabola through three neighbours [min from `base`]."""
        left, mid, right = altitude[index - 1 : index + 2]
        return COARSE * (index + 0.5 * (left - right) / (left - 2 * mid + right)) - HALF_DAY

    last = math.floor(minute(int(after[0]))) if after.size else HALF_DAY
    first = math.ceil(minute(int(before[-1]) + 1)) if before.size else -HALF_DAY
    return min(first, 0), max(last, 1)


def sun_azimuths(events: Sequence[Event]) -> Array:
    """Return the sun's azimuth [degree] at sunset or sunrise (event), whatever the run covers."""
    latitude, longitude = (
        np.array([getattr(event.site, name) for event in events], dtype=float)
        for name in ("latitude", "longitude")
    )
    return sun_position(as_times([event.centre for event in events]), latitude, longitude)[1]


def air_along_lines(scene: Scene, geometry: Geometry, lines: int) -> LightPath:
    """Return the air along `lines` towards the sun (line x event).

    lines: 1 from the site, or 3 with those 30 km to the left and right.
    """
    places = [(geometry.latitude, geometry.longitude)]
    for turn in (-90.0, 90.0)[: lines - 1]:
        latitude, longitude = light.great_circle(
            geometry.latitude, geometry.longitude, geometry.azimuth + turn, np.array([BESIDE])
        )
        places.append((latitude[:, 0], longitude[:, 0]))
    latitude, longitude = (np.concatenate(values) for values in zip(*places, strict=True))
    return read_light_path(
        scene,
        latitude,
        longitude,
        np.tile(geometry.azimuth, lines),
        np.tile(moment_of(scene, geometry), lines),
    )


def moment_of(scene: Scene, geometry: Geometry) -> Times:
    """Return the time (event) at which the air is read.

    The event's centre, or the minute nearest to it that the run covers.
    """
    apart = np.abs(geometry.minutes - geometry.centre[:, None]).astype(float)
    apart = np.where(scene.covers(geometry.minutes) & ~np.isnat(geometry.minutes), apart, np.inf)
    nearest = geometry.minutes[np.arange(len(apart)), apart.argmin(axis=1)]
    reached = scene.covers(geometry.centre[:, None])[:, 0] | np.isinf(apart.min(axis=1))
    return np.where(reached, geometry.centre, nearest)


def run_around(inside: Mask, centre: Index) -> tuple[Index, Index]:
    """Return the first and last index of the run of True around `centre` (event).

    Where `inside` is False at `centre`, both are `centre`.
    """
    index = np.arange(inside.shape[1])
    broken = ~inside
    first = np.where(broken & (index < centre[:, None]), index, -1).max(axis=1) + 1
    last = np.where(broken & (index > centre[:, None]), index, inside.shape[1]).min(axis=1) - 1
    held = inside[np.arange(len(centre)), centre]
    return np.where(held, first, centre), np.where(held, last, centre)
