"""Find winds and vertical velocities whose numbers are in another unit than their table says.

No single number tells it: 40 km/h and 40 m/s are both winds. But the wind aloft nearly balances the
slope of the pressure surface, so that it must fit the heights of the same run; the wind at 10 m is
slower than that at 850 hPa, and gusts are somewhat stronger than it.

Real fields of GFS (2.5 degree, eight pieces of the globe; 0.25 degree, central Europe, seven times)
have, beside the limits below: slope of the wind against the geostrophic one 0.82 to
1.09 at 500 and 700 hPa where they correlate by more than 0.8; wind at 10 m over that at 850 hPa
0.40 to 0.77; gust over wind at 10 m 1.17 to 1.9; median vertical velocity 0.065 to 0.37 Pa/s,
and its largest 0.42 Pa/s or more.

Source: Holton & Hakim 2013, An Introduction to Dynamic Meteorology, eq. 2.23 and 3.4 (geostrophic
wind), section 2.4 (scales: it is right to 10-15 % in middle latitudes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.geo import EARTH_RADIUS
from forecast.science.thermodynamics import GRAVITY

Floats = NDArray[np.float64]

WINDS = ("eastward_wind", "northward_wind")
WINDS_AT_10M = ("eastward_wind_at_10m", "northward_wind_at_10m")
GUST, OMEGA = "wind_speed_of_gust", "lagrangian_tendency_of_air_pressure"
EARTH_ROTATION = 7.292e-5  # [s-1] Holton & Hakim 2013, appendix A
LEVELS = (50000.0, 60000.0, 70000.0)  # [Pa] free of the ground, in this order
LOW_LEVEL = 85000.0  # [Pa] above the wind at 10 m
LEAST_LATITUDE = 20.0  # [degree] nearer to the equator the balance does not hold
FEWEST_LINES = 5  # rows, and columns, for a slope
LEAST_WIND = 2.0  # [m s-1] of the geostrophic wind, root mean square: less tells no unit
LEAST_CORRELATION = 0.8
SLOPE = (0.65, 1.5)  # of a wind in its unit; knots give 1.94, km/h 3.6
SURFACE_MOST = 1.3  # mean wind at 10 m over that at 850 hPa (check)
GUSTS = (0.8, 3.0)  # mean gust over mean wind at 10 m (check)
# [Pa s-1] of the vertical velocity without its sign: its median is less than fifteen times, its
# largest more than what is usual on the synoptic scale, 0.1 (Holton & Hakim 2013, section 3.5)
MOST_OMEGA, LEAST_OMEGA = 1.5, 0.1
KNOT, KILOMETRE_PER_HOUR = 1852 / 3600, 1 / 3.6  # [m s-1]
# what a wind of another unit is -> by how much it is too large
SLIPS = (
    (1 / KNOT, "knots", KNOT),
    (1 / KILOMETRE_PER_HOUR, "km/h", KILOMETRE_PER_HOUR),
    (KNOT, "m/s, taken for knots", 1 / KNOT),
    (KILOMETRE_PER_HOUR, "m/s, taken for km/h", 1 / KILOMETRE_PER_HOUR),
)


@dataclass(frozen=True, slots=True)
class WindFault:
    """What is wrong with fields: refused where it is sure, else only named."""

    fields: tuple[str, ...]
    text: str
    refused: bool


def wind_faults(atmosphere: xr.Dataset, factors: Mapping[str, float]) -> list[WindFault]:
    """Return which winds and vertical velocities cannot be, or may not be, in their unit.

    factors: by which each field was multiplied, for the advice.
    """
    found = [*_against_heights(atmosphere, factors), *_vertical(atmosphere, factors)]
    if not any(fault.fields == WINDS for fault in found):
        found += _at_the_ground(atmosphere)
    return [*found, *_gusts(atmosphere)]


def _against_heights(atmosphere: xr.Dataset, factors: Mapping[str, float]) -> Iterator[WindFault]:
    """Yield that the winds aloft do not fit the heights, with the unit in which they would."""
    slope = geostrophic_slope(atmosphere)
    if np.isnan(slope) or SLOPE[0] <= slope <= SLOPE[1]:
        return
    _, unit, factor = min(SLIPS, key=lambda slip: abs(np.log(slope / slip[0])))
    advice = f"is the unit {unit}? then factor: {factors.get(WINDS[0], 1.0) * factor:.6g}"
    text = f"the wind is {slope:.2f} times that which balances the heights of its level; {advice}"
    yield WindFault(WINDS, text, refused=True)


def geostrophic_slope(atmosphere: xr.Dataset) -> float:
    """Return by how much the wind aloft is larger than the geostrophic one (least squares); NaN
    where it cannot be told: no heights, few points, near the equator, no correlation.
    """
    if not all(name in atmosphere for name in WINDS):
        return np.nan
    if "geopotential_height" in atmosphere:
        heights = atmosphere["geopotential_height"]
    elif "geopotential" in atmosphere:
        heights = atmosphere["geopotential"] / GRAVITY
    else:
        return np.nan
    latitude = atmosphere["latitude"].values
    if min(heights.shape[-2:]) < FEWEST_LINES or np.abs(latitude).min() < LEAST_LATITUDE:
        return np.nan
    for level in LEVELS:
        if level not in atmosphere["level"].values:
            continue
        wind = np.stack([atmosphere[name].sel(level=level).values for name in WINDS])
        balanced = geostrophic_wind(
            heights.sel(level=level).values, latitude, atmosphere["longitude"].values
        )
        inside = np.isfinite(wind) & np.isfinite(balanced)
        slope = _slope(wind[inside].astype(float), balanced[inside])
        if np.isfinite(slope):
            return slope
    return np.nan


def geostrophic_wind(heights: Floats, latitude: Floats, longitude: Floats) -> Floats:
    """Return the wind [m s-1] (component, time, latitude, longitude) that balances heights [m]
    (time, latitude, longitude); NaN at the edge, where the slope is one-sided.

    Source: Holton & Hakim 2013, eq. 3.4.
    """
    north, east = EARTH_RADIUS * np.radians(latitude), EARTH_RADIUS * np.radians(longitude)
    cosine = np.cos(np.radians(latitude))[:, None]
    coriolis = (2 * EARTH_ROTATION * np.sin(np.radians(latitude)))[:, None]
    heights = heights.astype(float)
    found = np.stack([
        -GRAVITY / coriolis * np.gradient(heights, north, axis=1),
        GRAVITY / coriolis * np.gradient(heights, east, axis=2) / cosine,
    ])  # fmt: skip
    found[..., [0, -1], :] = np.nan
    found[..., [0, -1]] = np.nan
    return found


def _slope(wind: Floats, balanced: Floats) -> float:
    """Return the slope of the one against the other; NaN where it tells nothing."""
    if not wind.size or not wind.any():
        return np.nan
    product, square = float(wind @ balanced), float(balanced @ balanced)
    if square < LEAST_WIND**2 * balanced.size:
        return np.nan
    if product < LEAST_CORRELATION * np.sqrt(square * float(wind @ wind)):
        return np.nan
    return product / square


def _vertical(atmosphere: xr.Dataset, factors: Mapping[str, float]) -> Iterator[WindFault]:
    """Yield that the vertical velocity is far too large, or doubtfully small, for Pa/s."""
    if OMEGA not in atmosphere:
        return
    values = np.abs(atmosphere[OMEGA].values)
    values = values[np.isfinite(values)]
    if values.size < FEWEST_LINES**2 or not values.any():
        return
    median = float(np.median(values))
    found = f"{OMEGA} is {median:.3g} Pa s-1 in the median, without its sign"
    if median > MOST_OMEGA:
        factor = factors.get(OMEGA, 1.0) * 100 / 3600
        text = f"{found}, which no sound field is; is the unit hPa/h? then factor: {factor:.6g}"
        yield WindFault((OMEGA,), text, refused=True)
    elif (largest := float(values.max())) < LEAST_OMEGA:
        found = f"{OMEGA} is {largest:.3g} Pa s-1 at most, without its sign"
        text = f"{found}; is it m/s (upward), or hPa/s? expected Pa/s, positive sinks"
        yield WindFault((OMEGA,), text, refused=False)


def _at_the_ground(atmosphere: xr.Dataset) -> Iterator[WindFault]:
    """Yield that the wind at 10 m is stronger than that at 850 hPa."""
    low = _mean_speed(atmosphere, WINDS_AT_10M)
    high = _mean_speed(atmosphere, WINDS, LOW_LEVEL)
    if high >= LEAST_WIND and low > SURFACE_MOST * high:
        text = (
            f"the mean wind at 10 m is {low:.3g} m s-1, that at 850 hPa {high:.3g}; is the unit of "
            "the wind at 10 m km/h or knots?"
        )
        yield WindFault(WINDS_AT_10M, text, refused=False)


def _gusts(atmosphere: xr.Dataset) -> Iterator[WindFault]:
    """Yield that gusts are weaker, or very much stronger, than the wind at 10 m."""
    wind = _mean_speed(atmosphere, WINDS_AT_10M)
    if GUST not in atmosphere or not wind >= LEAST_WIND:
        return
    gust = atmosphere[GUST].values
    if not np.isfinite(gust).any() or not np.nanmax(gust) > 0:
        return
    mean = float(np.nanmean(gust))
    if not GUSTS[0] <= mean / wind <= GUSTS[1]:
        text = (
            f"the mean gust is {mean:.3g} m s-1, the mean wind at 10 m {wind:.3g}; is one of them "
            "in km/h or knots?"
        )
        yield WindFault((GUST,), text, refused=False)


def _mean_speed(
    atmosphere: xr.Dataset, names: tuple[str, str], level: float | None = None
) -> float:
    """Return the mean speed [m s-1] of a wind given by components; NaN where there is none."""
    if not all(name in atmosphere for name in names):
        return np.nan
    parts = [atmosphere[name] for name in names]
    if level is not None:
        if level not in atmosphere["level"].values:
            return np.nan
        parts = [part.sel(level=level) for part in parts]
    speed = np.hypot(parts[0].values, parts[1].values)
    return float(np.nanmean(speed)) if np.isfinite(speed).any() else np.nan
