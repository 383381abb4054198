"""Almanac of a site's local day: rise and set of sun and moon, twilight, and the dark of the night.

A local day is defined around its noon, the site's mean solar noon nearest to the clock's: dawn and
sunrise are the last in the 24 hours before it; sunset, dusk and the night belong to the 24 hours
after it. So a night is whole even where the sun sets after midnight, or where the clock is another
country's. The moon's times run from one noon of the clock to the next.

Both the tables' sunrise (upper limb, 34 arc-minutes of refraction, sea-level horizon) and the
terrain's are given. Where the terrain horizon is below the horizontal (a summit over the plain) the
sun rises earlier than in tables. An event that lasts less than ten minutes (the sun in a notch, the
edge of the polar day) may be missed. Positions: forecast/science/ephemeris.py, re-exported here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike, NDArray

from forecast.domain import HORIZON_STEP, Almanac, Site, Window, as_utc
from forecast.science.ephemeris import (
    DAY,
    Floats,
    galactic_centre_position,
    moon_illumination,
    moon_phase_angle,
    moon_position,
    moon_semidiameter,
    refraction,
    sun_position,
)
from forecast.science.meteors import showers_at

__all__ = [
    "almanacs", "galactic_centre_position", "horizon_altitude", "local_days", "moon_illumination",
    "moon_phase_angle",
    "moon_position", "moon_semidiameter", "refraction", "sun_position",
]  # fmt: skip

TABLE_REFRACTION = 34 / 60  # [degree] at the horizon, as in almanacs
SUN_SEMIDIAMETER = 16 / 60  # [degree] likewise
CIVIL, NAUTICAL, ASTRONOMICAL = -6.0, -12.0, -18.0  # [degree] of the sun's centre
MILKY_WAY_ALTITUDE = 10.0  # [degree] above which the galactic centre is worth looking at

_EPOCH = np.datetime64("2000-01-01", "ns")
_SAMPLE = np.timedelta64(10, "m").astype("timedelta64[ns]")
_HALVINGS = 13  # of ten minutes: 0.07 s
_BLOCK = 250  # sites at once, to bound the memory
_LONGEST = 31  # days at once

Times = NDArray[np.datetime64]
Indices = NDArray[np.int64]
# (times, which sites) -> a value whose changes of sign are the events
Curve = Callable[[Times, Indices], Floats]


def local_days(now: datetime, zone: ZoneInfo, count: int) -> tuple[date, ...]:
    """Return the local day of `now` and those after it, `count` in all.

    Raises: ValueError for a naive `now`.
    """
    today = as_utc(now, "now").astimezone(zone).date()
    return tuple(today + timedelta(days=i) for i in range(count))


def horizon_altitude(horizon: ArrayLike, azimuth: ArrayLike) -> Floats:
    """Return the terrain's altitude [degree] at `azimuth` [degree], linear between values.

    horizon: (..., 72) [degree], evenly spaced from north; its leading dimensions broadcast with
    `azimuth`. A NaN azimuth gives NaN.
    """
    values, bearing = np.asarray(horizon, dtype=float), np.asarray(azimuth, dtype=float)
    count = values.shape[-1]
    shape = np.broadcast_shapes(values.shape[:-1], bearing.shape)
    values = np.broadcast_to(values, (*shape, count))
    place = np.broadcast_to(bearing, shape) % 360 / HORIZON_STEP
    before = np.floor(np.nan_to_num(place)).astype(np.int64)
    fraction = place - before

    def at(index: Indices) -> Floats:
        return np.take_along_axis(values, (index % count)[..., None], axis=-1)[..., 0]

    return at(before) * (1 - fraction) + at(before + 1) * fraction


def almanacs(
    sites: Sequence[Site], days: Sequence[date], zone: ZoneInfo
) -> dict[tuple[str, date], Almanac]:
    """Return the almanac of each site and day, by (site id, day); times to the second."""
    found: dict[tuple[str, date], Almanac] = {}
    for start in range(0, len(sites), _BLOCK):
        for run in _runs(days):
            found |= _almanacs(sites[start : start + _BLOCK], run, zone)
    return {(site.id, day): found[site.id, day] for site in sites for day in days}


def _runs(days: Sequence[date]) -> Iterator[list[date]]:
    """Yield `days` in runs without a gap."""
    run: list[date] = []
    for day in sorted(set(days)):
        if run and (day - run[-1] > timedelta(days=1) or len(run) == _LONGEST):
            yield run
            run = []
        run.append(day)
    if run:
        yield run


@dataclass(frozen=True, slots=True)
class _Crossings:
    """When a curve passes zero at each site, in one direction; sorted by site, then time."""

    key: Indices  # site * span + time since `origin` [ns]
    time: Times
    origin: np.datetime64
    span: int

    def first(self, start: Times, end: Times) -> Times:
        """Return the first crossing in [start, end) (site, day); NaT where there is none."""
        return self._pick(np.searchsorted(self.key, self._keys(start)), start, end)

    def last(self, start: Times, end: Times) -> Times:
        """Return the last crossing in [start, end) (site, day); NaT where there is none."""
        return self._pick(np.searchsorted(self.key, self._keys(end)) - 1, start, end)

    def _keys(self, times: Times) -> Indices:
        rows = np.arange(len(times), dtype=np.int64)[:, None]
        return rows * self.span + np.clip((times - self.origin).astype(np.int64), 0, self.span - 1)

    def _pick(self, index: Indices, start: Times, end: Times) -> Times:
        nothing = np.full(index.shape, np.datetime64("NaT", "ns"))
        if not len(self.key):
            return nothing
        there = np.clip(index, 0, len(self.key) - 1)
        rows = np.arange(len(index))[:, None]
        picked = self.time[there]
        ours = (
            (there == index)
            & (self.key[there] // self.span == rows)
            & (picked >= start)
            & (picked < end)
        )
        return np.where(ours, picked, nothing)


class _Curves:
    """Curves of sun, moon and Milky Way at a few sites over consecutive days, and their zeros.

    All curves are sampled on one grid of times.
    """

    def __init__(self, sites: Sequence[Site], days: Sequence[date], zone: ZoneInfo) -> None:
        around = (days[0] - timedelta(days=1), *days, days[-1] + timedelta(days=1))
        clock = [
            datetime.combine(day, time(12), zone).astimezone(UTC).replace(tzinfo=None)
            for day in around
        ]
        self.noons = np.broadcast_to(
            np.array(clock, dtype="datetime64[ns]"), (len(sites), len(clock))
        )
        solar = _solar_noons(self.noons, np.array([[site.longitude] for site in sites]))
        self.before, self.noon, self.after = solar[:, :-2], solar[:, 1:-1], solar[:, 2:]
        self.grid = np.arange(
            solar.min() - _SAMPLE, max(solar.max(), self.noons.max()) + 2 * _SAMPLE, _SAMPLE
        )
        self.latitude = np.array([site.latitude for site in sites])
        self.longitude = np.array([site.longitude for site in sites])
        horizon = np.array([site.horizon for site in sites])
        self.terrain = horizon - refraction(horizon, np.array([[site.elevation] for site in sites]))
        self.sun_altitude, self.sun_azimuth = sun_position(
            self.grid, self.latitude[:, None], self.longitude[:, None]
        )

    def sun(self, level: float) -> tuple[_Crossings, _Crossings]:
        """Return when the sun's centre passes the altitude `level` [degree]: rising, setting."""
        return self._crossings(
            lambda times, site: self._sun(times, site)[0] - level, self.sun_altitude - level
        )

    def sun_over_terrain(self) -> tuple[_Crossings, _Crossings]:
        """Return when the sun's upper limb passes the terrain, both without refraction."""

        def curve(times: Times, site: Indices) -> Floats:
            altitude, azimuth = self._sun(times, site)
            return altitude + SUN_SEMIDIAMETER - horizon_altitude(self.terrain[site], azimuth)

        values = (
            self.sun_altitude
            + SUN_SEMIDIAMETER
            - horizon_altitude(self.terrain[:, None, :], self.sun_azimuth)
        )
        return self._crossings(curve, values)

    def moon(self) -> tuple[_Crossings, _Crossings]:
        """Return when the moon's upper limb passes the horizon of tables."""

        def curve(times: Times, site: Indices) -> Floats:
            altitude = moon_position(times, self.latitude[site], self.longitude[site])[0]
            return altitude + moon_semidiameter(times) + TABLE_REFRACTION

        return self._crossings(curve, curve(self.grid, self._every_site))

    def core_in_the_dark(self) -> tuple[_Crossings, _Crossings]:
        """Return begin and end of times with the galactic centre above 10 degrees in the dark."""

        def curve(times: Times, site: Indices) -> Floats:
            core = galactic_centre_position(times, self.latitude[site], self.longitude[site])[0]
            return np.minimum(core - MILKY_WAY_ALTITUDE, ASTRONOMICAL - self._sun(times, site)[0])

        return self._crossings(curve, curve(self.grid, self._every_site))

    @property
    def _every_site(self) -> Indices:
        return np.arange(len(self.latitude), dtype=np.int64)[:, None]

    def _sun(self, times: Times, site: Indices) -> tuple[Floats, Floats]:
        return sun_position(times, self.latitude[site], self.longitude[site])

    def _crossings(self, curve: Curve, values: Floats) -> tuple[_Crossings, _Crossings]:
        """Return where `curve` passes zero upwards and downwards.

        Bracketed by its `values` (site, grid), then refined by bisection.
        """
        start, span = self.grid[0], int((self.grid[-1] - self.grid[0]).astype(np.int64)) + 1

        def passing(sign: int) -> _Crossings:
            side = sign * values >= 0
            site, sample = np.nonzero(~side[:, :-1] & side[:, 1:])
            low, step = self.grid[sample], _SAMPLE
            for _ in range(_HALVINGS):
                step = step // 2
                low = np.where(sign * curve(low + step, site) < 0, low + step, low)
            moment = low + step
            return _Crossings(site * span + (moment - start).astype(np.int64), moment, start, span)

        return passing(+1), passing(-1)


def _almanacs(
    sites: Sequence[Site], days: Sequence[date], zone: ZoneInfo
) -> dict[tuple[str, date], Almanac]:
    """Return the almanacs of a few sites on consecutive days."""
    curves = _Curves(sites, days, zone)
    times = _event_times(curves)
    noon, after = curves.noon, curves.after
    next_sunrise = curves.sun(-TABLE_REFRACTION - SUN_SEMIDIAMETER)[0].first(noon, after)
    half_night = (next_sunrise - times["sunset"]) // 2
    middle = np.where(
        np.isnat(half_night), noon + (after - noon) // 2, times["sunset"] + half_night
    )
    place = curves.latitude[:, None], curves.longitude[:, None]
    numbers = {
        "sunrise_azimuth": sun_position(times["sunrise"], *place)[1],
        "sunset_azimuth": sun_position(times["sunset"], *place)[1],
        "moon_illumination": moon_illumination(middle),
        "moon_phase": moon_phase_angle(middle),
    }
    milky_way = _longest(*curves.core_in_the_dark(), noon, after)
    moments = {name: _as_datetimes(values) for name, values in times.items()}
    middles = _as_datetimes(middle)
    found = {}
    for i, site in enumerate(sites):
        for j, day in enumerate(days):
            opening, closing = _bounds(day, zone)
            fields: dict[str, Any] = {name: values[i][j] for name, values in moments.items()}
            fields |= {name: float(values[i, j]) for name, values in numbers.items()}
            found[site.id, day] = Almanac(
                site,
                day,
                opening,
                closing,
                **fields,
                milky_way=milky_way[i][j],
                showers=showers_at(middles[i][j] or closing, site.latitude),
            )
    return found


def _event_times(curves: _Curves) -> dict[str, Times]:
    """Return the times (site, day) of an almanac by the names of its fields; NaT: none."""
    before, noon, after = curves.before, curves.noon, curves.after
    rising, setting = curves.sun(-TABLE_REFRACTION - SUN_SEMIDIAMETER)
    sunrise, sunset = rising.last(before, noon), setting.first(noon, after)
    clears, hides = curves.sun_over_terrain()
    midnights = noon - DAY // 2, noon + DAY // 2
    civil_up, civil_down = curves.sun(CIVIL)
    dark_up, dark_down = curves.sun(ASTRONOMICAL)
    dusk = dark_down.first(noon, after)
    moon_up, moon_down = curves.moon()
    moon_span = curves.noons[:, 1:-1], curves.noons[:, 2:]
    return {
        "sunrise": sunrise,
        "sunset": sunset,
        "terrain_sunrise": clears.first(*midnights),
        "terrain_sunset": hides.last(*midnights),
        "civil_dawn": civil_up.last(before, noon),
        "civil_dusk": civil_down.first(noon, after),
        "nautical_dusk": curves.sun(NAUTICAL)[1].first(noon, after),
        "astronomical_dusk": dusk,
        "astronomical_dawn": dark_up.first(np.where(np.isnat(dusk), noon, dusk), after),
        "moonrise": moon_up.first(*moon_span),
        "moonset": moon_down.first(*moon_span),
    }


def _bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the local midnights that open and close `day`, in UTC."""
    opening, closing = (
        datetime.combine(d, time(0), zone).astimezone(UTC) for d in (day, day + timedelta(days=1))
    )
    return opening, closing


def _solar_noons(noons: Times, longitude: Floats) -> Times:
    """Return the mean solar noon nearest to each of the clock's `noons` (site, day).

    longitude: (site, 1) [degree].
    """
    since = (noons - _EPOCH) / DAY + longitude / 360 - 0.5  # mean solar days since a solar noon
    away = np.round(since) - since
    return noons + np.round(away * 86_400).astype("timedelta64[s]").astype("timedelta64[ns]")


def _longest(
    up: _Crossings, down: _Crossings, noon: Times, after: Times
) -> list[list[Window | None]]:
    """Return the longest time above zero within each [noon, after) (site, day), to the second."""
    nothing = np.full(noon.shape, np.datetime64("NaT", "ns"))
    start, end = nothing, nothing
    begin = up.first(noon, after)
    while not np.isnat(begin).all():
        close = down.first(np.where(np.isnat(begin), after, begin), after)
        longer = ~np.isnat(close) & (np.isnat(end) | (close - begin > end - start))
        start, end = np.where(longer, begin, start), np.where(longer, close, end)
        begin = up.first(np.where(np.isnat(close), after, close), after)
    pairs = zip(_as_datetimes(start), _as_datetimes(end), strict=True)
    return [
        [Window(a, b) if a and b and a < b else None for a, b in zip(*row, strict=True)]
        for row in pairs
    ]


def _as_datetimes(times: Times) -> list[list[datetime | None]]:
    """Return times (site, day) as aware datetimes to the second, None for NaT."""
    seconds = (times + np.timedelta64(500, "ms")).astype("datetime64[s]").tolist()
    return [
        [moment if moment is None else moment.replace(tzinfo=UTC) for moment in row]
        for row in seconds
    ]
