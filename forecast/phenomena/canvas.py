"""The canvas of a glow: cloud that can be lit, how the low sun lights it, and the view of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.geo import EARTH_RADIUS
from forecast.phenomena.light_path import CLEAN_HAZE, DISTANCE, HAZE_SCALE, HEIGHTS, STEP
from forecast.science import light, light_rays
from forecast.science.arrays import Index
from forecast.science.light import CELL, AirSection
from forecast.science.thermodynamics import Array, maximum_random_overlap

# The canvas, after science.md section 3.
# [m] middle and high canvas; summer cirrus reaches the section's top
BANDS = ((2000.0, 6000.0), (6000.0, 14000.0))
USUAL_BASES = (4000.0, 8000.0)  # [m] assumed where there is no canvas
CLEARANCE = 500.0  # [m] a canvas stands at least so far above the viewer
# Points in which the canvas is lit: (line, column). Line 0 runs from the site towards the sun,
# lines 1 and 2 beside it.
POINTS = ((0, 0), (0, 2), (0, 4), (1, 2), (2, 2))
BESIDE = 30000.0  # [m] of the lines beside, to the left and right of the sun
MAIN_POINT = 1  # its rays are drawn and give the obstacle: 30 km towards the sun
NEAR_COLUMNS = 6  # columns (75 km) whose cloud counts as the canvas
# cover -> part painted [1], of the middle and of the high canvas: a SCORE, the one factor of the
# quality that is not computed from light. It states what people like, after science.md 3: best at
# 20-50 % and 40-80 %, nothing below 10 %. It is not measured. The decrease towards overcast is a
# guess (check): thick middle cloud turns grey sooner than cirrus does.
PAINTED = (
    ((0.0, 0.0), (0.1, 0.05), (0.2, 0.7), (0.35, 1.0), (0.5, 1.0), (1.0, 0.4)),
    ((0.0, 0.0), (0.1, 0.05), (0.4, 1.0), (0.8, 1.0), (1.0, 0.8)),
)
HARMLESS, FATAL = 0.1, 0.5  # low cloud overhead: up to 10 % harmless, above 50 % fatal
OVERHEAD = 7500.0  # [m] distance at which a viewer looks at the canvas overhead
# [m] (check) distance of the ridge that makes a terrain horizon; the settings do not give it
RIDGE = 5000.0

SUNLIGHT = 128000.0  # [lx] of the sun above the air, at normal incidence
# [1] (check) albedo of the canvas from below: white water cloud gives less, ice seen towards the
# sun more
CANVAS_ALBEDO = 1.0
# [1] depth of a cloud element over its width: altocumulus is less than 500 m deep (WMO Cloud Atlas,
# Ac stratiformis), billows stand 1000-2000 m apart (AMS Glossary, "billow cloud"). At grazing light
# its value hardly matters: the next element catches what slips by.
ELEMENT_ASPECT = 0.2
FEWEST = 0.1  # [1] cover under which elements are taken to stand as far apart as at this
# Red light of the twilight sky for each lux of it: what air scatters falls with the fourth power of
# the wavelength.
SKY_RED = (light.BANDS[1] / light.BANDS[0]) ** 4
# [degree] altitudes of the sun that are computed; minutes lie between. Below the first nothing
# under 14 km is lit, 60 km away either.
ANGLES = np.concatenate([np.arange(-5.125, 0.0, 0.125), np.arange(0.0, 3.51, 0.5)])
# The sun's disk: offsets [degree] and the share of its light on the strip there (chords of a circle
# of 0.267 degrees).
DISK = ((-0.2, 0.159), (-0.1, 0.222), (0.0, 0.238), (0.1, 0.222), (0.2, 0.159))


@dataclass(frozen=True, slots=True)
class Canvas:
    """Cloud that can be lit from below.

    base [m], share of what is visible [1] and own cover [1] (event, band, point); cover over and
    around the site by_band (event, band) and as a whole (event) [1].
    """

    base: Array
    share: Array
    own: Array
    by_band: Array
    cover: Array

    @property
    def main(self) -> Array:
        """Return the band (event) with the largest visible share."""
        return self.share.sum(axis=2).argmax(axis=1)

    def part(self) -> Array:
        """Return the part [1] (event) of the sky that is painted if all of it is lit.

        Middle cloud, and high cloud in its gaps.
        """
        middle, high = (
            np.interp(cover, *np.array(table).T)
            for cover, table in zip(self.by_band.T, PAINTED, strict=True)
        )
        return np.asarray(1 - (1 - middle) * (1 - high * (1 - self.by_band[:, 0])))

    def height(self) -> Array:
        """Return the mean base [m] of the main band (event); NaN where the cover is below 2 %."""
        rows = np.arange(len(self.cover))
        base, share = self.base[rows, self.main], self.share[rows, self.main]
        return np.where(
            self.cover >= 0.02,
            (base * share).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-9),
            np.nan,
        )


def find_canvas(section: AirSection, elevation: Array) -> Canvas:
    """Return the canvas over viewers at `elevation` [m] (event).

    section: of their lines (line x event), or of line 0 alone. Where there is no canvas, the share
    lies on a high one of the usual base over the main point.
    """
    lines = len(section.cover) // len(elevation)
    by_line = section.cover.reshape(lines, len(elevation), *section.cover.shape[1:])[
        :, :, :NEAR_COLUMNS
    ]
    known = section.known.reshape(lines, len(elevation), -1)[:, :, :NEAR_COLUMNS]
    floor = np.maximum(BANDS[0][0], elevation + CLEARANCE)[:, None]
    points = [(line, column) for line, column in POINTS if line < lines]
    # (event, point, cell)
    over_points = np.stack([by_line[line, :, column] for line, column in points], axis=1)

    def around(bottom: Array, top: float) -> Array:
        whole = maximum_random_overlap(
            np.where(((bottom <= HEIGHTS) & (top > HEIGHTS))[:, None], by_line, 0.0)
        )
        return np.asarray((whole * known).sum(axis=(0, 2)) / np.maximum(known.sum(axis=(0, 2)), 1))

    covers, bases, by_band = [], [], []
    for (bottom, top), usual in zip(BANDS, USUAL_BASES, strict=True):
        by_band.append(around(np.maximum(bottom, floor), top))
        cover = np.where(
            ((np.maximum(bottom, floor) <= HEIGHTS) & (top > HEIGHTS))[:, None], over_points, 0.0
        )
        covers.append(maximum_random_overlap(cover))
        densest = cover.max(axis=-1)
        lowest = (cover >= np.maximum(0.5 * densest, 1e-6)[..., None]).argmax(axis=-1) * CELL
        bases.append(np.where(densest > 0, lowest, usual))
    middle, high = covers
    visible = np.stack([middle, high * (1 - middle)], axis=1)
    total = visible.sum(axis=(1, 2), keepdims=True)
    nominal = np.zeros_like(visible)
    nominal[:, 1, MAIN_POINT] = 1.0
    share = np.where(total > 0.01, visible / np.maximum(total, 0.01), nominal)
    own = np.stack([middle, high], axis=1)
    return Canvas(
        np.stack(bases, axis=1), share, own, np.stack(by_band, axis=1), around(floor, BANDS[-1][1])
    )


@dataclass(frozen=True, slots=True)
class CanvasLight:
    """Light on the canvas for each angle of the sun (event, angle).

    vivid: vividness 0-1 of the canvas itself; vivid_if_clear: without cloud in the light path;
    seen: as it reaches the viewer; colour (event, angle, band).
    red_light (event): the part of the red light of a clean, cloudless path that falls on the
    canvas. It is the mean over the sun's angles, weighted by how much that light would colour the
    canvas. More cloud or haze can only reduce it.
    """

    vivid: Array
    vivid_if_clear: Array
    seen: Array
    red_light: Array
    colour: Array  # (event, angle, band)
    contrast: Array


def illuminate(
    section: AirSection, canvas: Canvas, view: Array, ridge: Array | None = None
) -> CanvasLight:
    """Return the light on every point of the canvas for the sun at `ANGLES`.

    view: part of its light that reaches the viewer (event, band, point) [1]; ridge: height [m]
    (event) of the terrain at distance `RIDGE` towards the sun, which shades a low canvas overhead.
    """
    events, disk, summed = len(canvas.cover), disk_average(ANGLES), light_rays.sums_of(section)
    sums = {
        name: np.zeros((events, ANGLES.size))
        for name in ("vivid", "vivid_if_clear", "seen", "contrast", "red", "at_best")
    }
    colour = np.zeros((events, ANGLES.size, len(light.BANDS)))
    sky_light = SKY_RED * light.twilight_illuminance(ANGLES)[None, :]
    for band, number in np.ndindex(*canvas.share.shape[1:]):
        rows = np.flatnonzero(canvas.share[:, band, number] > 0)
        if not rows.size:
            continue
        share = canvas.share[rows, band, number, None]
        beam = _beam_on(section, summed, canvas, ridge, rows, (band, number))
        through, redness = disk @ beam.bands, beam.redness
        contrast, contrast_if_clear, contrast_at_best = (
            _against(SUNLIGHT * CANVAS_ALBEDO * (red @ disk.T), sky_light)
            for red in (beam.red, beam.red_if_clear, beam.red_at_best)
        )
        counts = share * contrast_at_best * redness * np.gradient(ANGLES)
        sums["at_best"][rows] += counts
        sums["red"][rows] += counts * np.minimum(
            beam.red / np.maximum(beam.red_at_best, 1e-30), 1.0
        )
        sums["contrast"][rows] += share * contrast
        sums["vivid"][rows] += share * contrast * redness
        sums["seen"][rows] += share * view[rows, band, number, None] * contrast * redness
        sums["vivid_if_clear"][rows] += share * contrast_if_clear * redness
        colour[rows] += (
            (share * contrast)[..., None]
            * through
            / np.maximum(through.max(axis=-1, keepdims=True), 1e-30)
        )
    red_light = sums.pop("red").sum(axis=1) / np.maximum(sums.pop("at_best").sum(axis=1), 1e-30)
    return CanvasLight(
        **sums, red_light=red_light, colour=colour / np.maximum(sums["contrast"], 1e-9)[..., None]
    )


@dataclass(frozen=True, slots=True)
class _Beam:
    """Sunlight that arrives at one point of the canvas, part of that above the air (event, angle).

    red: red light on the canvas; red_if_clear: without cloud; red_at_best: in clean haze without
    cloud; bands (event, angle, band): light of a beam; redness of clean air.
    """

    red: Array
    red_if_clear: Array
    red_at_best: Array
    bands: Array
    redness: Array


def _beam_on(
    section: AirSection,
    summed: light_rays.SectionSums,
    canvas: Canvas,
    ridge: Array | None,
    rows: Index,
    place: tuple[int, int],
) -> _Beam:
    """Return the light at a place (band, number of the point) of the canvas for events `rows`.

    summed: the sums over height of the section.
    """
    line, start = POINTS[place[1]]
    height = canvas.base[rows, *place] - 10.0  # just under the base
    elevation = light.apparent_elevation(
        ANGLES + np.degrees(DISTANCE[start] / EARTH_RADIUS), height[:, None]
    )
    of = rows + line * len(canvas.cover)
    met = light_rays.trace(section, height, elevation, start, events=of, sums=summed)
    free = met.free
    if ridge is not None and start == 0 and line == 0:
        free = free & (
            light.ray_height(height[:, None], elevation, np.array(RIDGE)) >= ridge[rows, None]
        )
    air = light.air_column(height[:, None], elevation)
    clear = light.band_transmission(met.aerosol, air) * free[..., None]
    left = np.exp(-met.cloud)
    caught = received(elevation, canvas.own[rows, *place, None])
    haze = CLEAN_HAZE * (light.air_column(height[:, None], elevation, HAZE_SCALE) / HAZE_SCALE)
    return _Beam(
        red=clear[..., 0] * caught * left,
        red_if_clear=clear[..., 0] * caught,
        red_at_best=light.band_transmission(haze, air)[..., 0] * caught * met.free,
        bands=clear * left[..., None],
        redness=light.redness(air),
    )


def received(elevation: Array, cover: Array) -> Array:
    """Return the part of a beam [1] that a square metre of cloud of `cover` [1] receives.

    The ray comes up to the cloud at `elevation` [degree]; a ray that comes down lights its top and
    counts 0. The arguments broadcast. Of a beam through a layer of elements placed at random a part
    1 - (1 - c)^(1 + a / tan e) strikes one, on its base or its side: the base alone receives sin e,
    a broken layer at grazing light sin e / c. A layer cannot receive more than what passes its
    level. Source: Kauth & Penquite 1967, J. Appl. Meteor. 6, 1005 (shadows of a Boolean field of
    boxes).
    """
    angle = np.radians(np.maximum(-elevation, 1e-6))
    filled = np.clip(cover, FEWEST, 1 - 1e-9)
    struck = -np.expm1(np.log1p(-filled) * (1 + ELEMENT_ASPECT / np.tan(angle)))
    return np.where(
        elevation < 0, np.sin(angle) * struck / filled, np.where(np.isnan(elevation), np.nan, 0.0)
    )


def by_minute(values: Array, altitude: Array) -> Array:
    """Return values at the sun's `ANGLES` (event, angle[, ...]) read at `altitude` (event, minute).

    Linear between angles.
    """
    below = np.clip(
        np.searchsorted(ANGLES, np.nan_to_num(altitude), side="right") - 1, 0, ANGLES.size - 2
    )
    extra = (1,) * (values.ndim - 2)
    share = np.clip((altitude - ANGLES[below]) / (ANGLES[below + 1] - ANGLES[below]), 0, 1).reshape(
        altitude.shape + extra
    )
    index = below.reshape(below.shape + extra)
    return (
        np.take_along_axis(values, index, axis=1) * (1 - share)
        + np.take_along_axis(values, index + 1, axis=1) * share
    )


def _against(lit: Array, sky_light: Array) -> Array:
    return lit / (lit + sky_light)


def disk_average(angles: Array) -> Array:
    """Return the matrix (angle, angle) that averages values at `angles` over the sun's disk."""
    unit = np.eye(angles.size)
    return sum(
        (
            share * np.stack([np.interp(angles + offset, angles, row) for row in unit], axis=1)
            for offset, share in DISK
        ),
        start=np.zeros_like(unit),
    )


def view_of(
    section: AirSection, canvas: Canvas, elevation: Array, horizon: Array | None = None
) -> Array:
    """Return the part of each point's light that reaches the viewers (event, band, point) [1].

    elevation [m] (event). Along each line of sight: cloud under the canvas (the densest column that
    it crosses), haze, and the terrain `horizon` [degree] (event, point).
    """
    points = POINTS[: canvas.share.shape[2]]
    away = np.array(
        [np.hypot(DISTANCE[column], BESIDE * (line > 0)) or OVERHEAD for line, column in points]
    )
    near = slice(0, len(elevation))  # line 0
    viewer, floor = (
        elevation[:, None, None],
        np.maximum(BANDS[0][0], elevation + CLEARANCE)[:, None, None],
    )
    below = np.where(
        (viewer < HEIGHTS + CELL / 2) & (floor > HEIGHTS), section.cover[near, :NEAR_COLUMNS], 0.0
    )
    low = maximum_random_overlap(below)[:, None, None, :]  # (event, 1, 1, column)
    rise = np.maximum(canvas.base - viewer, CELL)
    crossed = DISTANCE[:NEAR_COLUMNS] - STEP / 2 < (away * (floor - viewer) / rise)[..., None]
    hidden = np.where(crossed, low, 0.0).max(axis=-1)
    haze = (
        np.cumsum(
            np.where(viewer[:, 0] < HEIGHTS + CELL / 2, section.aerosol[near, 0], 0.0), axis=-1
        )
        * CELL
    )
    level = np.clip(canvas.base / CELL - 1, 0, haze.shape[1] - 1).astype(np.intp)
    depth = (
        np.take_along_axis(haze, level.reshape(len(elevation), -1), axis=1).reshape(level.shape)
        * np.hypot(rise, away)
        / rise
    )
    clearance = np.clip((FATAL - hidden) / (FATAL - HARMLESS), 0, 1) * np.exp(-depth)
    if horizon is None:
        return clearance
    sight = np.degrees(np.arctan(rise / away - away / (2 * light.effective_radius())))
    return np.where(sight >= horizon[:, None, : len(points)], clearance, 0.0)
