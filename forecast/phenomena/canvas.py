"""The canvas of a glow: which cloud can be painted, how the low sun lights it, and what the viewer sees of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast import light
from forecast.light import CELL, Section
from forecast.phenomena.light_path import DISTANCE, HEIGHTS, STEP
from forecast.physics import Array, maximum_random_overlap

# The canvas, after science.md section 3.
BANDS = ((2000.0, 6000.0), (6000.0, 12000.0))  # [m] middle and high canvas
USUAL_BASES = (4000.0, 8000.0)  # [m] of a canvas that is not there: what a cloud would receive
CLEARANCE = 500.0  # [m] a canvas stands at least so far above the viewer
# Points in which the canvas is lit: (line, column). Line 0 runs from the site towards the sun, lines 1 and 2 beside it.
POINTS = ((0, 0), (0, 2), (0, 4), (1, 2), (2, 2))
BESIDE = 30000.0  # [m] of the lines beside, to the left and right of the sun
MAIN_POINT = 1  # whose rays are drawn and asked for their obstacle: 30 km towards the sun
NEAR_COLUMNS = 6  # columns (75 km) whose cloud counts as the canvas
PAINTED = ((0.0, 0.0), (0.1, 0.05), (0.4, 1.0), (0.8, 1.0), (1.0, 0.8))  # cover -> part painted: best 40-80 %
HARMLESS, FATAL = 0.1, 0.5  # low cloud overhead: up to 10 % harmless, above 50 % fatal
OVERHEAD = 7500.0  # [m] away: where one looks at the canvas that is overhead
RIDGE = 5000.0  # [m] (check) away: the ridge that makes a terrain horizon, whose distance the settings do not tell

SUNLIGHT = 128000.0  # [lx] of the sun above the air, at normal incidence
CANVAS_ALBEDO = 1.0  # (check) of what falls on the canvas from below: white water cloud gives less, ice seen towards the sun more
CANVAS_ROUGHNESS = 0.002  # (check) sine of the slope of a cloud base: it catches some light of a sun on its horizon
# [degree] altitudes of the sun that are computed; minutes lie between. Below the first nothing under 12 km is lit, 60 km away either.
ANGLES = np.concatenate([np.arange(-4.75, 0.0, 0.125), np.arange(0.0, 3.51, 0.5)])
# The sun's disk: offsets [degree] and the share of its light on the strip there (chords of a circle of 0.267 degrees).
DISK = ((-0.2, 0.159), (-0.1, 0.222), (0.0, 0.238), (0.1, 0.222), (0.2, 0.159))


@dataclass(frozen=True, slots=True)
class Canvas:
    """Cloud that can be painted: base [m] and visible share of what is seen (event, band, point), and its whole cover (event)."""

    base: Array
    share: Array
    cover: Array

    @property
    def main(self) -> Array:
        """The band (event) of which most is seen."""
        return self.share.sum(axis=2).argmax(axis=1)

    def part(self) -> Array:
        """Return the part [1] (event) of the sky that is painted, were it all lit."""
        return np.interp(self.cover, [cover for cover, _ in PAINTED], [part for _, part in PAINTED])

    def height(self) -> Array:
        """Return the mean base [m] of the main band (event); NaN where there is next to no canvas."""
        rows = np.arange(len(self.cover))
        base, share = self.base[rows, self.main], self.share[rows, self.main]
        return np.where(self.cover >= 0.02, (base * share).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-9), np.nan)


def find_canvas(section: Section, elevation: Array) -> Canvas:
    """Find the canvas over viewers at `elevation` [m] (event) in a section of their lines (line x event), or of line 0 alone.

    Where there is no canvas, the share lies on a high one of the usual base over the main point.
    """
    lines = len(section.cover) // len(elevation)
    by_line = section.cover.reshape(lines, len(elevation), *section.cover.shape[1:])[:, :, :NEAR_COLUMNS]
    known = section.known.reshape(lines, len(elevation), -1)[:, :, :NEAR_COLUMNS]
    floor = np.maximum(BANDS[0][0], elevation + CLEARANCE)[:, None]
    points = [(line, column) for line, column in POINTS if line < lines]
    over_points = np.stack([by_line[line, :, column] for line, column in points], axis=1)  # (event, point, cell)
    covers, bases = [], []
    for (bottom, top), usual in zip(BANDS, USUAL_BASES, strict=True):
        cover = np.where(((np.maximum(bottom, floor) <= HEIGHTS) & (top > HEIGHTS))[:, None], over_points, 0.0)
        covers.append(maximum_random_overlap(cover))
        densest = cover.max(axis=-1)
        lowest = (cover >= np.maximum(0.5 * densest, 1e-6)[..., None]).argmax(axis=-1) * CELL
        bases.append(np.where(densest > 0, lowest, usual))
    middle, high = covers
    seen = np.stack([middle, high * (1 - middle)], axis=1)
    total = seen.sum(axis=(1, 2), keepdims=True)
    nominal = np.zeros_like(seen)
    nominal[:, 1, MAIN_POINT] = 1.0
    share = np.where(total > 0.01, seen / np.maximum(total, 0.01), nominal)
    whole = maximum_random_overlap(np.where(((floor <= HEIGHTS) & (BANDS[-1][1] > HEIGHTS))[:, None], by_line, 0.0))
    cover = (whole * known).sum(axis=(0, 2)) / np.maximum(known.sum(axis=(0, 2)), 1)
    return Canvas(np.stack(bases, axis=1), share, cover)


@dataclass(frozen=True, slots=True)
class Lit:
    """Light on the canvas for each angle of the sun (event, angle).

    vivid: vividness 0-1 of the canvas itself; vivid_if_clear: without cloud on the way; seen: as it reaches the viewer.
    """

    vivid: Array
    vivid_if_clear: Array
    seen: Array
    red_light: Array
    colour: Array  # (event, angle, band)
    contrast: Array


def illuminate(section: Section, painted: Canvas, view: Array, ridge: Array | None = None) -> Lit:
    """Follow the light to every point of the canvas, for a sun at `ANGLES` above the viewer's horizon.

    view: what of its light reaches the viewer (event, band, point) [1]; ridge: height [m] (event) of the terrain `RIDGE` away
    towards the sun, which shades a low canvas overhead.
    """
    events, disk = len(painted.cover), _disk_average()
    sums = {name: np.zeros((events, ANGLES.size)) for name in ("vivid", "vivid_if_clear", "seen", "red_light", "contrast")}
    colour = np.zeros((events, ANGLES.size, len(light.BANDS)))
    sky_light = light.twilight_illuminance(ANGLES)[None, :]
    for band, number in np.ndindex(*painted.share.shape[1:]):
        rows = np.flatnonzero(painted.share[:, band, number] > 0)
        if not rows.size:
            continue
        line, start = POINTS[number]
        share, height = painted.share[rows, band, number, None], painted.base[rows, band, number] - 10.0  # just under the base
        elevation = light.apparent_elevation(ANGLES + np.degrees(DISTANCE[start] / light.EARTH_RADIUS), height[:, None])
        met = light.trace(section.of(rows + line * events), height, elevation, start)
        free = met.free
        if ridge is not None and start == 0 and line == 0:
            free = free & (light.ray_height(height[:, None], elevation, np.array(RIDGE)) >= ridge[rows, None])
        air = light.air_column(height[:, None], elevation)
        clear = light.band_transmission(met.aerosol, air) * free[..., None]
        through = disk @ (clear * np.exp(-met.cloud)[..., None])
        clean = light.band_transmission(np.zeros_like(air), air)
        redness = 1 - clean[..., 2] / np.maximum(clean[..., 0], 1e-30)
        shining = SUNLIGHT * CANVAS_ALBEDO * (np.maximum(np.sin(np.radians(-elevation)), 0) + CANVAS_ROUGHNESS)
        contrast = _against(through[..., 0] * shining, sky_light)
        sums["contrast"][rows] += share * contrast
        sums["vivid"][rows] += share * contrast * redness
        sums["seen"][rows] += share * view[rows, band, number, None] * contrast * redness
        sums["vivid_if_clear"][rows] += share * _against((disk @ clear)[..., 0] * shining, sky_light) * redness
        sums["red_light"][rows] += share * through[..., 0]
        colour[rows] += (share * contrast)[..., None] * through / np.maximum(through.max(axis=-1, keepdims=True), 1e-30)
    return Lit(**sums, colour=colour / np.maximum(sums["contrast"], 1e-9)[..., None])


def by_minute(values: Array, altitude: Array) -> Array:
    """Read what stands at the sun's `ANGLES` (event, angle[, ...]) at each minute's altitude (event, minute), linear between angles."""
    below = np.clip(np.searchsorted(ANGLES, np.nan_to_num(altitude), side="right") - 1, 0, ANGLES.size - 2)
    extra = (1,) * (values.ndim - 2)
    share = np.clip((altitude - ANGLES[below]) / (ANGLES[below + 1] - ANGLES[below]), 0, 1).reshape(altitude.shape + extra)
    index = below.reshape(below.shape + extra)
    return np.take_along_axis(values, index, axis=1) * (1 - share) + np.take_along_axis(values, index + 1, axis=1) * share


def _against(lit: Array, sky_light: Array) -> Array:
    return lit / (lit + sky_light)


def _disk_average() -> Array:
    """Return the matrix (angle, angle) that averages what stands at `ANGLES` over the sun's disk."""
    unit = np.eye(ANGLES.size)
    return sum(
        (share * np.stack([np.interp(ANGLES + offset, ANGLES, row) for row in unit], axis=1) for offset, share in DISK),
        start=np.zeros_like(unit),
    )


def view_of(section: Section, painted: Canvas, elevation: Array, horizon: Array | None = None) -> Array:
    """Return what of the light of each point of the canvas reaches viewers at `elevation` [m] (event): (event, band, point) [1].

    Along each line of sight: cloud under the canvas (the densest column that it crosses), haze, and the terrain `horizon` [degree]
    (event, point).
    """
    points = POINTS[: painted.share.shape[2]]
    away = np.array([np.hypot(DISTANCE[column], BESIDE * (line > 0)) or OVERHEAD for line, column in points])
    near = slice(0, len(elevation))  # line 0
    viewer, floor = elevation[:, None, None], np.maximum(BANDS[0][0], elevation + CLEARANCE)[:, None, None]
    below = np.where((viewer < HEIGHTS + CELL / 2) & (floor > HEIGHTS), section.cover[near, :NEAR_COLUMNS], 0.0)
    low = maximum_random_overlap(below)[:, None, None, :]  # (event, 1, 1, column)
    rise = np.maximum(painted.base - viewer, CELL)
    crossed = DISTANCE[:NEAR_COLUMNS] - STEP / 2 < (away * (floor - viewer) / rise)[..., None]
    hidden = np.where(crossed, low, 0.0).max(axis=-1)
    haze = np.cumsum(np.where(viewer[:, 0] < HEIGHTS + CELL / 2, section.aerosol[near, 0], 0.0), axis=-1) * CELL
    level = np.clip(painted.base / CELL - 1, 0, haze.shape[1] - 1).astype(np.intp)
    depth = np.take_along_axis(haze, level.reshape(len(elevation), -1), axis=1).reshape(level.shape) * np.hypot(rise, away) / rise
    clearance = np.clip((FATAL - hidden) / (FATAL - HARMLESS), 0, 1) * np.exp(-depth)
    if horizon is None:
        return clearance
    sight = np.degrees(np.arctan(rise / away - away / (2 * light.effective_radius())))
    return np.where(sight >= horizon[:, None, : len(points)], clearance, 0.0)
