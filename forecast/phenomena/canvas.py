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
POINTS = tuple(round(x / STEP) for x in (0.0, 30000.0, 60000.0))  # columns in which the canvas is lit
PAINTED = ((0.0, 0.0), (0.1, 0.05), (0.4, 1.0), (0.8, 1.0), (1.0, 0.8))  # cover -> part painted: best 40-80 %
LOW_COLUMNS = 3  # columns (30 km) whose low cloud can hide the canvas
HARMLESS, FATAL = 0.1, 0.5  # low cloud overhead: up to 10 % harmless, above 50 % fatal
VIEW_ELEVATION = 20.0  # [degree] at which one looks at the canvas

SUNLIGHT = 128000.0  # [lx] of the sun above the air, at normal incidence
CANVAS_ALBEDO = 1.0  # (check) of what falls on the canvas from below: white water cloud gives less, ice seen towards the sun more
CANVAS_ROUGHNESS = 0.002  # (check) sine of the slope of a cloud base: it catches some light of a sun on its horizon
SUN_STEP = 0.25  # [degree] between two angles of the sun that are computed; minutes lie between



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
    """Find the canvas over viewers at `elevation` [m] (event). Where there is none, the share lies on a high one of the usual base."""
    floor = np.maximum(BANDS[0][0], elevation + CLEARANCE)[:, None, None]
    near = section.cover[:, : POINTS[-1] + 2]
    covers, bases = [], []
    for (bottom, top), usual in zip(BANDS, USUAL_BASES, strict=True):
        cover = np.where((np.maximum(bottom, floor) <= HEIGHTS) & (top > HEIGHTS), near, 0.0)
        covers.append(maximum_random_overlap(cover)[:, POINTS])
        cover = cover[:, POINTS]
        densest = cover.max(axis=-1)
        lowest = (cover >= np.maximum(0.5 * densest, 1e-6)[..., None]).argmax(axis=-1) * CELL
        bases.append(np.where(densest > 0, lowest, usual))
    middle, high = covers
    seen = np.stack([middle, high * (1 - middle)], axis=1)
    total = seen.sum(axis=(1, 2), keepdims=True)
    nominal = np.zeros_like(seen)
    nominal[:, 1] = 1 / len(POINTS)
    share = np.where(total > 0.01, seen / np.maximum(total, 0.01), nominal)
    whole = np.where((floor <= HEIGHTS) & (BANDS[-1][1] > HEIGHTS), near, 0.0)
    return Canvas(np.stack(bases, axis=1), share, maximum_random_overlap(whole).mean(axis=1))


@dataclass(frozen=True, slots=True)
class Lit:
    """Light on the canvas for each angle of the sun (event, angle): vividness 0-1 with and without cloud on the way, and colour."""

    vivid: Array
    vivid_if_clear: Array
    red_light: Array
    colour: Array  # (event, angle, band)
    contrast: Array


def illuminate(section: Section, painted: Canvas, angles: Array) -> Lit:
    """Follow the light to every point of the canvas, for a sun at `angles` [degree] (rising by 0.25) above the viewer's horizon."""
    shape = (len(painted.cover), angles.size)
    sums = {name: np.zeros(shape) for name in ("vivid", "vivid_if_clear", "red_light", "contrast")}
    colour = np.zeros((*shape, 3))
    for band in range(len(BANDS)):
        for number, start in enumerate(POINTS):
            share = painted.share[:, band, number, None]
            if not (share > 0).any():
                continue
            height = painted.base[:, band, number] - 10.0  # just under the base
            altitude = angles[None, :] + np.degrees(DISTANCE[start] / light.EARTH_RADIUS)
            elevation = light.apparent_elevation(altitude, height[:, None])
            met = light.trace(section, height, elevation, start)
            air = light.air_column(height[:, None], elevation)
            clear = light.band_transmission(met.aerosol, air) * met.free[..., None]
            through = _over_the_disk(clear * np.exp(-met.cloud)[..., None])
            clean = light.band_transmission(np.zeros_like(air), air)
            redness = 1 - clean[..., 2] / np.maximum(clean[..., 0], 1e-30)
            shining = SUNLIGHT * CANVAS_ALBEDO * (np.maximum(np.sin(np.radians(-elevation)), 0) + CANVAS_ROUGHNESS)
            sky_light = light.twilight_illuminance(angles)[None, :]
            contrast = _against(through[..., 0] * shining, sky_light)
            sums["contrast"] += share * contrast
            sums["vivid"] += share * contrast * redness
            sums["vivid_if_clear"] += share * _against(_over_the_disk(clear)[..., 0] * shining, sky_light) * redness
            sums["red_light"] += share * through[..., 0]
            colour += (share * contrast)[..., None] * through / np.maximum(through.max(axis=-1, keepdims=True), 1e-30)
    return Lit(**sums, colour=colour / np.maximum(sums["contrast"], 1e-9)[..., None])


def _against(lit: Array, sky_light: Array) -> Array:
    return lit / (lit + sky_light)


def _over_the_disk(values: Array) -> Array:
    """Average (event, angle, ...) over the sun's half degree: a quarter, a half, a quarter of neighbouring angles."""
    padded = np.concatenate([values[:, :1], values, values[:, -1:]], axis=1)
    return 0.25 * padded[:, :-2] + 0.5 * values + 0.25 * padded[:, 2:]


def view_clearance(section: Section, elevation: Array) -> Array:
    """Return what of the canvas's light reaches a viewer at `elevation` [m] (event) [1]: low cloud overhead, then haze on the slant."""
    near = section.cover[:, :LOW_COLUMNS]
    viewer, floor = elevation[:, None, None], np.maximum(BANDS[0][0], elevation + CLEARANCE)[:, None, None]
    low = maximum_random_overlap(np.where((viewer < HEIGHTS + CELL / 2) & (floor > HEIGHTS), near, 0.0)).mean(axis=1)
    haze = np.where(viewer[:, 0] < HEIGHTS + CELL / 2, section.aerosol[:, 0], 0.0).sum(axis=-1) * CELL
    return np.clip((FATAL - low) / (FATAL - HARMLESS), 0, 1) * np.exp(-haze / np.sin(np.radians(VIEW_ELEVATION)))
