"""What looks wrong about heights: given in feet, or not those of the ground at the coordinates.

A height is held against whatever is at hand: the ground below it in the settings, places beside it,
a grid of the terrain, the ground of the last model run, the other places.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from forecast.commands.coordinate_checks import from_gcj02
from forecast.commands.places import CheckedPlace, apart
from forecast.geo import local_distance

FOOT = 0.3048  # [m]
# [m] of a place above its valley, above the ground that a model shows round it, or above every
# other place of the settings: few places on earth have so much (check)
RELIEF = 2500.0
NEIGHBOURHOOD = 3000.0  # [m] within which a site's height must be found on a 1 km grid
# [m] that a 30 arc-second grid may cut off a summit, or fill of a gorge (check)
HEIGHT_MISS = 250.0
FEET_MATCH = 150.0  # [m] by which a height in feet may miss the terrain, or a station
BESIDE = 2000.0  # [m] within which two heights in the ratio of a metre to a foot are suspect
RATIO_MATCH = 0.03  # part by which the ratio of two heights may miss that of a metre to a foot
RATIO_LEAST = 50.0  # [m] difference below which two heights say nothing about their units
MODEL_REACH = 50_000.0  # [m] a grid box of 0.5 degree on either side: a model's ground is smooth
GCJ_GROUND = (120.0, 40.0)  # [m] misses of the ground as given, and as corrected


def in_feet(height: float) -> str:
    """Return the question whether a height is in feet, with what it would be in metres."""
    return f"is it in feet? {height:g} feet are {height * FOOT:.0f} m"


def suits_as_feet(height: float, ground: float) -> bool:
    """Return whether `height` suits the `ground` [m] as feet and not as metres."""
    return abs(height * FOOT - ground) < FEET_MATCH and height - ground > HEIGHT_MISS + FEET_MATCH


def beside_others(place: CheckedPlace, others: Sequence[CheckedPlace]) -> Iterator[tuple[str, str]]:
    """Yield grade and text of a height that looks given in feet, beside that of a place near it."""
    for other in others:
        distance, height = apart(place, other), place.elevation
        if other is place or distance >= NEIGHBOURHOOD:
            continue
        stands = f"{other.label} stands at {other.elevation:g} m"
        if place.is_site and place.goes_with(other) and suits_as_feet(height, other.elevation):
            yield "fault", f"elevation_m {height:g}, and its {stands}: {in_feet(height)}"
        elif distance < BESIDE and _in_the_ratio(height, other.elevation):
            yield (
                "warning",
                f"elevation_m {height:g}, and {stands}, {distance:.0f} m away: {in_feet(height)}",
            )


def _in_the_ratio(height: float, other: float) -> bool:
    """Return whether `height` is to `other` as a number of feet to the same number of metres."""
    if height - other < RATIO_LEAST or other <= 0:
        return False
    return abs(height * FOOT / other - 1) < RATIO_MATCH


def above_its_valley(place: CheckedPlace) -> Iterator[str]:
    """Yield that the height of a site looks given in feet, beside the ground round it."""
    height, heights = place.elevation, place.valley_heights
    if heights and suits_as_feet(height, max(heights)):
        yield (
            f"elevation_m {height:g}, and the highest ground below it (valley_heights_m) lies at "
            f"{max(heights):g} m: {in_feet(height)}"
        )
    elif place.valley is not None and height - place.valley > RELIEF:
        yield (
            f"elevation_m {height:g} lies {height - place.valley:.0f} m above its "
            f"valley, which is rare on earth: {in_feet(height)}"
        )


def above_the_model(place: CheckedPlace, ground: xr.DataArray) -> Iterator[str]:
    """Yield that a height lies far above the ground of a model run; nothing outside its grid."""
    highest = _highest(place, ground, MODEL_REACH)
    if math.isfinite(highest) and place.elevation - highest > RELIEF:
        yield (
            f"elevation_m {place.elevation:g}, and the highest ground of the last model run within "
            f"{MODEL_REACH / 1000:g} km lies at {highest:.0f} m: {in_feet(place.elevation)}"
        )


def above_all_others(place: CheckedPlace, others: Sequence[CheckedPlace]) -> Iterator[str]:
    """Yield that a height lies far above every other place of the settings."""
    rest = [other.elevation for other in others if other is not place]
    if rest and place.elevation - max(rest) > RELIEF:
        yield (
            f"elevation_m {place.elevation:g}, and no other place of the settings lies above "
            f"{max(rest):g} m: {in_feet(place.elevation)}"
        )


def on_terrain(place: CheckedPlace, terrain: xr.DataArray) -> Iterator[tuple[str, str]]:
    """Yield grade and text of what does not agree with the terrain; nothing outside the grid."""
    near = _near(place, terrain, NEIGHBOURHOOD)
    ground = _ground(terrain, place.latitude, place.longitude)
    if near.size == 0 or not math.isfinite(ground):
        return
    low, high, height = float(np.nanmin(near)), float(np.nanmax(near)), place.elevation
    if low - HEIGHT_MISS <= height <= high + HEIGHT_MISS:
        latitude, longitude = from_gcj02(place.latitude, place.longitude)
        shifted = _ground(terrain, latitude, longitude)
        as_given, corrected = GCJ_GROUND
        if abs(height - ground) > as_given and abs(height - shifted) < corrected:
            yield (
                "warning",
                f"the ground at the coordinates is {ground:.0f} m, elevation_m {height:g}; taken "
                f"as those of a Chinese web map (GCJ-02) it is {shifted:.0f} m: WGS-84 would be "
                f"{latitude:.4f}, {longitude:.4f}",
            )
        return
    feet = any(suits_as_feet(height, each) for each in (ground, high))
    yield (
        "fault",
        f"elevation_m {height:g}, and the ground within {NEIGHBOURHOOD / 1000:g} km lies between "
        f"{low:.0f} and {high:.0f} m{f': {in_feet(height)}' if feet else ''}",
    )


def held_against(
    place: CheckedPlace,
    others: Sequence[CheckedPlace],
    terrain: xr.DataArray | None,
    ground: xr.DataArray | None,
) -> list[str]:
    """Return what there is to hold the height of a place against, in words."""
    found = []
    if terrain is not None and math.isfinite(_ground(terrain, place.latitude, place.longitude)):
        found.append("the terrain")
    if any(other is not place and apart(place, other) < BESIDE for other in others):
        found.append("a place beside it")
    if place.valley_heights:
        found.append("valley_heights_m")
    if ground is not None and math.isfinite(_highest(place, ground, MODEL_REACH)):
        found.append("the ground of the last model run")
    return found


def _highest(place: CheckedPlace, grid: xr.DataArray, radius: float) -> float:
    """Return the highest of a grid within `radius` [m] of a place; NaN where there is nothing."""
    near = _near(place, grid, radius)
    return float(np.nanmax(near)) if np.isfinite(near).any() else math.nan


def _near(place: CheckedPlace, grid: xr.DataArray, radius: float) -> np.ndarray:
    """Return the heights of a grid within `radius` [m] of a place."""
    distance = local_distance(
        place.latitude,
        place.longitude,
        grid["latitude"].values[:, None],
        grid["longitude"].values[None, :],
    )
    return np.asarray(grid.values[distance < radius])


def _ground(terrain: xr.DataArray, latitude: float, longitude: float) -> float:
    """Return the terrain's height [m] between its cells, bilinear; NaN outside."""
    return float(terrain.interp(latitude=latitude, longitude=longitude))
