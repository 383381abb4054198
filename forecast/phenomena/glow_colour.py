"""The glow of the canvas, minute by minute: quality, colour, timing, and what ends it."""

from __future__ import annotations

import numpy as np
import xarray as xr

from forecast.geo import EARTH_RADIUS
from forecast.phenomena.canvas import (
    BESIDE,
    MAIN_POINT,
    POINTS,
    RIDGE,
    Canvas,
    CanvasLight,
    by_minute,
    find_canvas,
    illuminate,
    view_of,
)
from forecast.phenomena.glow_geometry import MINUTE, NAT, Geometry, run_around
from forecast.phenomena.light_evidence import evidence_of
from forecast.phenomena.light_path import DISTANCE, LightPath
from forecast.phenomena.obstacles import blocking_cloud, ray_path, shadow_edge
from forecast.quantities import LEAST_GLOW
from forecast.science import light
from forecast.science.almanac import horizon_altitude
from forecast.science.light import AirSection, Index, Mask
from forecast.science.thermodynamics import Array

MAIN_COLUMN = POINTS[MAIN_POINT][1]
BEYOND = 0.5  # [degree] that the sun sinks in the three minutes after the colour
# [1] part of the best minute's quality with which a minute still counts
COLOURED = 0.5
# [1] part of the clear path's vividness below which cloud has spoiled the glow
SPOILED = 0.2
# The unlit sky as it is drawn (check): [1] linear red, green, blue with the sun at 3 degrees; it
# darkens until 7 degrees below the horizon
DUSK, DUSK_ENDS, DUSK_FADES = (0.20, 0.26, 0.36), 8.0, 11.0


def glow_features(geometry: Geometry, path: LightPath) -> tuple[dict[str, Array], xr.Dataset]:
    """Return the features (event) and the evidence of glows."""
    rows = np.arange(len(geometry.elevation))
    section = path.section.of(slice(0, rows.size))  # the line that runs from the site
    canvas = find_canvas(path.section, geometry.elevation)
    view = view_of(section, canvas, geometry.elevation, _horizons(geometry))
    lit = illuminate(
        path.section,
        canvas,
        view,
        light.ray_height(geometry.elevation, geometry.horizon, np.array(RIDGE)),
    )
    potential, clear, seen = (
        by_minute(v, geometry.altitude) for v in (lit.vivid, lit.vivid_if_clear, lit.seen)
    )
    quality = canvas.part()[:, None] * seen
    finest, clearest = _highest(quality), _highest(clear)
    top = quality[rows, finest]
    glows = np.nan_to_num(top) >= LEAST_GLOW
    best = np.where(glows, finest, _highest(potential))
    # Where cloud has spoiled the glow, the ray and the obstacle are those of the minute that would
    # have been the best.
    spoiled = potential[rows, best] < SPOILED * clear[rows, clearest]
    minute = np.where(spoiled, clearest, best)
    coloured = (quality >= COLOURED * top[:, None]) & glows[:, None]
    first, last = run_around(coloured, best)
    untimed = glows & (geometry.outside & coloured).any(axis=1)
    timed = glows & ~untimed
    srgb = _colours(geometry, lit)
    values = {
        "canvas_cover": canvas.cover, "canvas_height": canvas.height(),
        "canvas_light": lit.red_light, "view_clearance": (canvas.share * view).sum(axis=(1, 2)),
        "glow_quality": top, "minutes_of_colour": np.where(untimed, np.nan, coloured.sum(axis=1)),
        "aerosol_optical_depth": path.aerosol_depth[: rows.size],
        "light_path_coverage": section.coverage(DISTANCE[-1]),
        "best_start": np.where(timed, geometry.minutes[rows, first], NAT),
        "best_end": np.where(timed, geometry.minutes[rows, last] + MINUTE, NAT),
    }  # fmt: skip
    values |= _times_of_colour(geometry, timed, first, best, last)
    values |= {
        name: np.where(glows, srgb[rows, best, k], np.nan)
        for k, name in enumerate(("glow_red", "glow_green", "glow_blue"))
    }
    # Just beyond the darker end of the colour (sunset's last minutes, sunrise's first) the sun is
    # behind what ends it.
    beyond = np.minimum(geometry.altitude[rows, first], geometry.altitude[rows, last]) - BEYOND
    values |= _ended_by(
        section,
        canvas,
        np.where(spoiled | ~glows, geometry.altitude[rows, clearest], beyond),
        glows,
    )
    rays = np.stack(
        [
            geometry.altitude[rows, index]
            for index in (np.minimum(first, minute), minute, np.maximum(last, minute))
        ],
        axis=1,
    )
    return values, _glow_evidence(geometry, section, canvas, srgb, quality, rays)


def _horizons(geometry: Geometry) -> Array:
    """Return the terrain's altitude [degree] below each point of the canvas (event, point)."""
    turns = [
        np.degrees(np.arctan2((0.0, -BESIDE, BESIDE)[line], DISTANCE[column]))
        for line, column in POINTS
    ]
    return horizon_altitude(
        geometry.horizons[:, None, :], geometry.azimuth[:, None] + np.array(turns)
    )


def _times_of_colour(
    geometry: Geometry, timed: Mask, first: Index, best: Index, last: Index
) -> dict[str, Array]:
    """Return onset, peak and end [min] (event) of the colour after sunset or sunrise.

    NaN where not `timed`.
    """
    rows = np.arange(len(first))
    after = [
        (geometry.minutes[rows, index] - geometry.centre) / MINUTE for index in (first, best, last)
    ]
    return {
        name: np.where(timed, np.rint(minutes), np.nan)
        for name, minutes in zip(
            ("glow_onset", "glow_peak", "glow_end"), (after[0], after[1], after[2] + 1), strict=True
        )
    }


def _highest(values: Array) -> Index:
    """Return the index of each event's highest minute; 0 where no value is known."""
    return np.nan_to_num(values, nan=-1.0).argmax(axis=1)


def _main_ray(canvas: Canvas, altitude: Array) -> tuple[Array, Array]:
    """Return height [m] (event) and elevation [degree] (event, ray) of the main rays.

    They light the main band over the main point.
    """
    height = canvas.base[np.arange(len(canvas.cover)), canvas.main, MAIN_POINT] - 10.0
    above = altitude + np.degrees(DISTANCE[MAIN_COLUMN] / EARTH_RADIUS)
    return height, light.apparent_elevation(above, height[:, None])


def _ended_by(
    section: AirSection, canvas: Canvas, altitude: Array, glows: Mask
) -> dict[str, Array]:
    """Return distance and height [m] of what stops the main ray at the sun's `altitude` (event).

    A cloud, or for a glow that no cloud ends, the ground whose shadow ends it.
    """
    height, elevation = _main_ray(canvas, altitude[:, None])
    cloud, top = blocking_cloud(section, height, elevation[:, 0], MAIN_COLUMN)
    ground, crest = shadow_edge(section, height, MAIN_COLUMN)
    shaded = glows & np.isnan(cloud)
    return {
        "obstacle_distance": cloud, "obstacle_height": top,
        "shadow_distance": np.where(shaded, ground, np.nan),
        "shadow_height": np.where(shaded, crest, np.nan),
    }  # fmt: skip


def _colours(geometry: Geometry, lit: CanvasLight) -> Array:
    """Return the colour of the canvas against the sky as sRGB 0-1 (event, minute, band)."""
    colour, contrast = (
        by_minute(lit.colour, geometry.altitude),
        by_minute(lit.contrast, geometry.altitude)[..., None],
    )
    dusk = np.clip((geometry.altitude[..., None] + DUSK_ENDS) / DUSK_FADES, 0.1, 1) * np.array(DUSK)
    return light.as_srgb(contrast * colour + (1 - contrast) * dusk)


def _glow_evidence(
    geometry: Geometry,
    section: AirSection,
    canvas: Canvas,
    srgb: Array,
    quality: Array,
    rays: Array,
) -> xr.Dataset:
    """Return the evidence of glows: cloud, three rays, and the timeline of quality and colour.

    The rays are those of the first, the best and the last minute.
    """
    height, elevation = _main_ray(canvas, rays)
    drawn_rays = ray_path(section, height, elevation, MAIN_COLUMN)
    return evidence_of(geometry, section, drawn_rays, "quality", quality, srgb)
