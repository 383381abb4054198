"""The probability of a glow and of the disk over errors of the cloud along the light path.

One forecast light path is one of many that may come true. For each event the cloud of three layers
along the path is drawn DRAWS times about the forecast (forecast/science/cloud_errors.py): the
errors grow with the lead until the draws are those of the climate of cloud. The probability is the
part of the draws in which the quality (or the light of the disk) reaches what counts as one.

Beside it stands the same with draws of the climate alone, with the same errors: far ahead the two
are equal, so that the forecast returns to the usual frequency.
A draw follows one ray for each height of the canvas, over the main point, in steps of a quarter of
a degree of the sun. As many draws as the correlation of forecast and true cloud says keep the
forecast's haze, heights and shapes of layers; the others, and layers that are not forecast, have
usual ones. Otherwise haze has no errors here: none are measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecast.geo import EARTH_RADIUS
from forecast.phenomena import canvas as sky
from forecast.phenomena.canvas import (
    ANGLES,
    BANDS,
    CLEARANCE,
    MAIN_POINT,
    NEAR_COLUMNS,
    POINTS,
    find_canvas,
)
from forecast.phenomena.light_path import CLEAN_HAZE, DISTANCE, HAZE_SCALE, HEIGHTS, STEP
from forecast.phenomena.sun_disk import disk_light
from forecast.science import light
from forecast.science.cloud_errors import (
    LAYERS,
    correlation_at,
    covers_of,
    drawn_covers,
    standard_errors,
)
from forecast.science.light import CELL, CLOUD_LENGTH, AirSection, Index, Mask
from forecast.science.thermodynamics import Array

DRAWS = 128  # for each event: the probability errs by .04 at most, one standard error
# [m] tops of low and middle cloud: the bands of the canvas; the climate of cloud divides at about 3
# and 8 km (borrowed)
LOW_TOP, MIDDLE_TOP = BANDS[0]
# [m] where a layer that is not forecast stands if it comes (check)
USUAL_LAYERS = ((1000.0, 2000.0), (4000.0, 5000.0), (8000.0, 9500.0))
LEAST_COVER = 0.02  # [1] below it a layer's shape is the usual one
DENSEST = 1 - 1e-4  # [1] cover of a drawn layer at most: its light is then none
EVERY_OTHER = ANGLES[::2]  # [degree] altitudes of the sun that are followed
BLOCK = 16  # events at once: their draws stay in the processor's cache
MAIN_COLUMN = POINTS[MAIN_POINT][1]


@dataclass(frozen=True, slots=True)
class LayeredPath:
    """A section of air as three layers in each column.

    cover: densest of each layer (event, distance, layer) [1]; shape: cover of each cell relative to
    it; opacity: extinction of each cell relative to that of a layer of that cover (event, distance,
    cell) [1].
    """

    cover: Array
    shape: Array
    opacity: Array


def layered(section: AirSection) -> LayeredPath:
    """Return a section as three layers; a layer without cloud has the usual shape."""
    layer = layer_of(HEIGHTS)
    covers = np.stack(
        [section.cover[..., layer == number].max(axis=-1) for number in range(LAYERS)], axis=-1
    )
    usual = np.any(
        [(bottom <= HEIGHTS) & (top > HEIGHTS) for bottom, top in USUAL_LAYERS], axis=0
    ) & (section.ground[..., None] < HEIGHTS + CELL / 2)
    whole = covers[..., layer]
    there = whole >= LEAST_COVER
    densest = np.maximum(whole, LEAST_COVER)
    shape = np.where(there, section.cover / densest, usual)
    opacity = np.where(there, section.cloud / extinction_of(densest), usual)
    return LayeredPath(covers, shape, opacity)


def layer_of(height: Array) -> Index:
    """Return the layer of a height [m]: 0 low, 1 middle, 2 high."""
    return np.asarray(height >= LOW_TOP).astype(np.intp) + np.asarray(height >= MIDDLE_TOP)


def extinction_of(cover: Array) -> Array:
    """Return the extinction [m-1] of a layer of opaque elements of `cover` [1]."""
    return np.asarray(-np.log1p(-np.minimum(cover, DENSEST)) / CLOUD_LENGTH)


@dataclass(frozen=True, slots=True)
class Viewers:
    """Who looks, and when (event).

    elevation [m]; horizon: terrain towards the sun [degree]; altitude: of the sun in each minute
    (event, minute) [degree], NaN beyond the window; lead [h]; keys: the events' names, which fix
    their draws.
    """

    elevation: Array
    horizon: Array
    altitude: Array
    lead: Array
    keys: list[str]

    def of(self, rows: slice) -> Viewers:
        """Return some of them."""
        return Viewers(
            self.elevation[rows],
            self.horizon[rows],
            self.altitude[rows],
            self.lead[rows],
            self.keys[rows],
        )


def glow_probability(section: AirSection, viewers: Viewers, enough: float) -> tuple[Array, Array]:
    """Return the probability of a glow of quality `enough`, and that of the climate (event) [1].

    section: of the line from the site.
    """
    result = np.empty((2, len(viewers.keys)))
    for first in range(0, len(viewers.keys), BLOCK):
        rows = slice(first, first + BLOCK)
        part, those = section.of(rows), viewers.of(rows)
        rays, usual = _rays(part, those), _rays(_usual(part), those)
        allowed = _in_window(those.altitude)
        draws, climate = _both_draws(part, rays.path, those)
        reached = _mixed(
            rays.quality(draws[:, : _kept(those).max()], allowed),
            usual.quality(draws[:, _kept(those).min() :], allowed),
            those,
        )
        result[0, rows] = _part_of(reached >= enough)
        result[1, rows] = _part_of(usual.quality(climate, allowed) >= enough)
    return result[0], result[1]


def disk_probability(section: AirSection, viewers: Viewers, enough: float) -> tuple[Array, Array]:
    """Return the probability that the disk shows as it clears the terrain, and of the climate.

    Both (event) [1]. enough: what cloud and haze leave of its chance to show.
    """
    result = np.empty((2, len(viewers.keys)))
    for first in range(0, len(viewers.keys), BLOCK):
        rows = slice(first, first + BLOCK)
        part, those = section.of(rows), viewers.of(rows)
        path, clears = layered(part), (those.horizon + light.SEMIDIAMETER)[:, None]
        bare = _usual(part)
        clear, usual_clear = (
            disk_light(replace(air, cloud=bare.cloud), those.elevation, clears)[0]
            for air in (part, bare)
        )
        own, usual = (
            _weights(air, layers, those.elevation, clears, 0)
            for air, layers in ((part, path), (bare, layered(bare)))
        )
        draws, climate = (extinction_of(covers) for covers in _both_draws(part, path, those))
        shown = _mixed(
            clear * np.exp(-_met(draws[:, : _kept(those).max()], own)[..., 0]),
            usual_clear * np.exp(-_met(draws[:, _kept(those).min() :], usual)[..., 0]),
            those,
        )
        result[0, rows] = _part_of(shown >= enough)
        result[1, rows] = _part_of(usual_clear * np.exp(-_met(climate, usual)[..., 0]) >= enough)
    return result[0], result[1]


def _usual(section: AirSection) -> AirSection:
    """Return a section without cloud, in the haze of a clean day."""
    haze = CLEAN_HAZE / HAZE_SCALE * np.exp(-HEIGHTS / HAZE_SCALE)
    return replace(
        section,
        cover=np.zeros_like(section.cover),
        cloud=np.zeros_like(section.cloud),
        aerosol=np.broadcast_to(haze, section.aerosol.shape),
    )


def _kept(viewers: Viewers) -> Index:
    """Return how many of the draws keep the forecast's heights and shapes of layers (event)."""
    return np.rint(DRAWS * correlation_at(viewers.lead)).astype(np.intp)


def _mixed(own: Array, usual: Array, viewers: Viewers) -> Array:
    """Return values (event, draw): `own` of the first draws, then `usual`, which ends with them."""
    kept = _kept(viewers)
    result = np.empty((len(kept), DRAWS), dtype=own.dtype)
    result[:, kept.min() :] = usual
    for row, number in enumerate(kept):
        result[row, :number] = own[row, :number]
    return result


def _part_of(reached: Mask) -> Array:
    """Return the part [1] of the draws (event, draw) that reach it: never 0, never 1."""
    draws = reached.shape[1]
    return np.asarray((reached.sum(axis=1) + 0.5) / (draws + 1))


def _both_draws(section: AirSection, path: LayeredPath, viewers: Viewers) -> tuple[Array, Array]:
    """Return the covers of the draws about the forecast, and of those of the climate alone."""
    errors = standard_errors(viewers.keys, DRAWS, section.distance)
    correlation = correlation_at(viewers.lead)[:, None] * section.known
    return drawn_covers(path.cover, errors, correlation), covers_of(errors)


def _in_window(altitude: Array) -> Mask:
    """Return at which of EVERY_OTHER altitudes the sun stands in the window (event, angle)."""
    lowest, highest = np.nanmin(altitude, axis=1), np.nanmax(altitude, axis=1)
    half = (EVERY_OTHER[1] - EVERY_OTHER[0]) / 2
    return np.asarray(
        (lowest[:, None] - half <= EVERY_OTHER) & (highest[:, None] + half >= EVERY_OTHER)
    )


def _weights(
    section: AirSection, path: LayeredPath, height: Array, elevation: Array, start: int
) -> Array:
    """Return the length [m] of each ray in each layer (event, ray, layer, distance).

    A layer counts by the opacity of the cells that the ray meets there. Columns before `start` have
    none.
    """
    met, cells = light.cloud_met(replace(section, cloud=path.opacity), height, elevation, start)
    layer = layer_of((cells + 0.5) * CELL)
    result = np.zeros((*met.shape[:2], LAYERS, section.distance.size), dtype=np.float32)
    for number in range(LAYERS):
        result[:, :, number, start:] = np.where(layer == number, met, 0.0)
    return result


def _met(extinction: Array, weights: Array) -> Array:
    """Return the optical depth of cloud [1] (event, draw, ray)."""
    events, draws, layers, columns = extinction.shape
    flat = weights.reshape(events, weights.shape[1], layers * columns)
    return np.asarray(extinction.reshape(events, draws, layers * columns) @ flat.mT)


@dataclass(frozen=True, slots=True)
class _Rays:
    """The rays of some events and what does not change from draw to draw.

    By band of the canvas: weights (event, angle, layer, distance), red light without cloud and
    elevation (event, angle), redness (event, angle), view without cloud (event), columns of the
    line of sight (event, column). overhead, paintable: part of a layer's cover that lies between
    viewer and canvas, and that is canvas (event, layer, column).
    """

    path: LayeredPath
    weights: list[Array]
    red: list[Array]
    elevation: list[Array]
    redness: list[Array]
    view: list[Array]
    crossed: list[Mask]
    overhead: Array
    paintable: Array

    def quality(self, covers: Array, allowed: Mask) -> Array:
        """Return the quality of the best minute (event, draw), the sun at `allowed` altitudes."""
        best = np.where(allowed[:, None], self.seen(covers), -1.0).max(axis=-1)
        return np.asarray(self.painted(covers) * best)

    def seen(self, covers: Array) -> Array:
        """Return the vividness that reaches the viewer (event, draw, angle)."""
        extinction = extinction_of(covers)
        near = covers[..., :NEAR_COLUMNS]
        hidden = (near * self.overhead[:, None]).max(axis=2)
        own = [
            covers[..., MAIN_COLUMN][..., band + 1] * self.paintable[:, None, band + 1, MAIN_COLUMN]
            for band in range(len(BANDS))
        ]
        visible = (own[0], own[1] * (1 - own[0]))
        total = np.maximum(visible[0] + visible[1], 0.01)
        result = np.zeros((*covers.shape[:2], EVERY_OTHER.size), dtype=np.float32)
        for band in range(len(BANDS)):
            depth = _met(extinction, self.weights[band])
            caught = sky.received(
                self.elevation[band][:, None], np.minimum(own[band], DENSEST)[..., None]
            )
            lit = (self.red[band][:, None] * caught * np.exp(-depth)) @ _DISK.T
            contrast = lit / (lit + _SKY_LIGHT)
            low = np.where(self.crossed[band][:, None], hidden, 0.0).max(axis=-1)
            view = self.view[band][:, None] * np.clip(
                (sky.FATAL - low) / (sky.FATAL - sky.HARMLESS), 0, 1
            )
            part = visible[band] / total * view
            result += part[..., None] * contrast * self.redness[band][:, None]
        return result

    def painted(self, covers: Array) -> Array:
        """Return the part [1] (event, draw) of the sky that is painted if all of it is lit."""
        near = covers[..., :NEAR_COLUMNS] * self.paintable[:, None]
        middle, high = near[:, :, 1].mean(axis=-1), near[:, :, 2].mean(axis=-1)
        middle_part, high_part = (
            np.interp(cover, *np.array(table).T)
            for cover, table in zip((middle, high), sky.PAINTED, strict=True)
        )
        return np.asarray(1 - (1 - middle_part) * (1 - high_part * (1 - middle)))


_DISK = sky.disk_average(EVERY_OTHER).astype(np.float32)
_SKY_LIGHT = (sky.SKY_RED * light.twilight_illuminance(EVERY_OTHER)).astype(np.float32)


def _rays(section: AirSection, viewers: Viewers) -> _Rays:
    """Return the rays to both bands of the canvas over the main point."""
    path, elevation = layered(section), viewers.elevation
    base = find_canvas(section, elevation).base[:, :, MAIN_POINT]
    floor = np.maximum(BANDS[0][0], elevation + CLEARANCE)
    cells = layer_of(HEIGHTS)
    near = path.shape[:, :NEAR_COLUMNS]
    above_floor = floor[:, None] <= HEIGHTS
    below_canvas = (elevation[:, None] < HEIGHTS + CELL / 2) & ~above_floor
    overhead, paintable = (
        np.stack(
            [
                np.where((inside & (cells == number))[:, None], near, 0.0).max(axis=-1)
                for number in range(LAYERS)
            ],
            axis=1,
        ).astype(np.float32)
        for inside in (below_canvas, above_floor)
    )
    rays = _Rays(path, [], [], [], [], [], [], overhead, paintable)
    away = DISTANCE[MAIN_COLUMN]
    for band in range(len(BANDS)):
        height = base[:, band] - 10.0
        rise = np.maximum(base[:, band] - elevation, CELL)
        arrival = light.apparent_elevation(
            EVERY_OTHER + np.degrees(away / EARTH_RADIUS), height[:, None]
        )
        rays.weights.append(_weights(section, path, height, arrival, MAIN_COLUMN))
        red, redness = _clear_light(section, height, arrival)
        rays.red.append((sky.SUNLIGHT * sky.CANVAS_ALBEDO * red).astype(np.float32))
        rays.redness.append(redness.astype(np.float32))
        rays.elevation.append(arrival.astype(np.float32))
        rays.crossed.append(
            DISTANCE[:NEAR_COLUMNS] - STEP / 2 < (away * (floor - elevation) / rise)[:, None]
        )
        rays.view.append(_clear_view(section, base[:, band], viewers, rise))
    return rays


def _clear_light(section: AirSection, height: Array, arrival: Array) -> tuple[Array, Array]:
    """Return the red light without cloud, and the redness of clean air (event, angle) [1]."""
    met = light.trace(section, height, arrival, MAIN_COLUMN)
    air = light.air_column(height[:, None], arrival)
    red = light.band_transmission(met.aerosol, air)[..., 0] * met.free
    return red, light.redness(air)


def _clear_view(section: AirSection, base: Array, viewers: Viewers, rise: Array) -> Array:
    """Return what haze and terrain leave of the canvas to the viewer (event) [1]."""
    away = DISTANCE[MAIN_COLUMN]
    between = (viewers.elevation[:, None] < HEIGHTS + CELL / 2) & (base[:, None] > HEIGHTS)
    haze = np.where(between, section.aerosol[:, 0], 0.0).sum(axis=1) * CELL
    sight = np.degrees(np.arctan(rise / away - away / (2 * light.effective_radius())))
    return np.where(sight >= viewers.horizon, np.exp(-haze * np.hypot(rise, away) / rise), 0.0)
