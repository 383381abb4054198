"""The probability of a glow and of the disk over errors of the cloud along the light path.

One forecast light path is one of many that may come true. For each event the cloud of three layers
along the path is drawn DRAWS times about the forecast (forecast/science/cloud_errors.py): the
errors grow with the lead until the draws are those of the climate of cloud. The probability is the
part of the draws in which the quality (or the light of the disk) reaches what counts as one.

Beside it stands the same with draws of the climate alone, with the same errors: far ahead the two
are equal, so that the forecast returns to the usual frequency. What makes them differ is divided
among the stages that end the draws (light_stages.py). With the same errors once more stands the
probability were the forecast for the hour of its run: what the lead moves.
A draw follows one ray for each height of the canvas, over the main point, in steps of a quarter of
a degree of the sun. As many draws as the correlation of forecast and true cloud says keep the
forecast's haze, heights and shapes of layers; the others, and layers that are not forecast, have
usual ones. Otherwise haze has no errors here: none are measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from forecast.phenomena.layered_path import DENSEST, LayeredPath, extinction_of, layer_of, layered
from forecast.phenomena.light_path import CLEAN_HAZE, DISTANCE, HAZE_SCALE, HEIGHTS, STEP
from forecast.phenomena.light_stages import ADDED, DISK_STAGES, GLOW_STAGES, effects_of, passed
from forecast.phenomena.sun_disk import disk_light
from forecast.science import light, light_rays
from forecast.science.cloud_errors import (
    LAYERS,
    Places,
    correlation_at,
    cover_table,
    covers_at,
    drawn_places,
    places_of,
    standard_errors,
)
from forecast.science.light import CELL, AirSection, Index, Mask
from forecast.science.thermodynamics import Array

DRAWS = 64  # for each event: the probability errs by .04 at most, one standard error
EVERY_OTHER = ANGLES[::2]  # [degree] altitudes of the sun that are followed
BLOCK = 16  # events at once: their draws stay in the processor's cache
MAIN_COLUMN = POINTS[MAIN_POINT][1]


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

    def at_run(self) -> Viewers:
        """Return them were their forecasts for the hour of its run."""
        return replace(self, lead=np.zeros_like(self.lead))


@dataclass(frozen=True, slots=True)
class Chances:
    """Probabilities of events over draws of cloud: of the forecast, and of the climate (event) [1].

    at_run: of the forecast with the errors of lead 0 (event) [1]. effects: stage -> what it moves
    of the log-odds from the climate's to the forecast's (event).
    """

    probability: Array
    climate: Array
    at_run: Array
    effects: Mapping[str, Array]


def glow_chances(section: AirSection, viewers: Viewers, enough: float) -> Chances:
    """Return the chances of a glow of quality `enough`. section: of the line from the site."""

    def of_block(part: AirSection, those: Viewers) -> Passes:
        rays, usual = _rays(part, those), _rays(_usual(part), those)
        allowed, errors = (
            _in_window(those.altitude),
            standard_errors(those.keys, DRAWS, part.distance),
        )

        def of_forecast(at: Viewers) -> Mask:
            kept, draws = _kept(at), _draws(part, rays.path, at, errors)
            reached = _mixed(
                rays.qualities(draws[:, : kept.max()], allowed),
                usual.qualities(draws[:, kept.min() :], allowed),
                kept,
            )
            return passed(reached, enough)

        climate = passed(usual.qualities(places_of(errors), allowed), enough)
        return Passes(of_forecast(those), climate, of_forecast(those.at_run()))

    return _chances(section, viewers, GLOW_STAGES, of_block)


def disk_chances(section: AirSection, viewers: Viewers, enough: float) -> Chances:
    """Return the chances that the disk shows as it clears the terrain.

    enough: what cloud and haze leave of its chance to show.
    """

    def of_block(part: AirSection, those: Viewers) -> Passes:
        path, clears = layered(part), (those.horizon + light.SEMIDIAMETER)[:, None]
        bare, errors = _usual(part), standard_errors(those.keys, DRAWS, part.distance)
        clear, usual_clear = (
            disk_light(replace(air, cloud=bare.cloud), those.elevation, clears)[0]
            for air in (part, bare)
        )
        own, usual = (
            _weights(air, layers, those.elevation, clears, 0)
            for air, layers in ((part, path), (bare, layered(bare)))
        )

        def of_forecast(at: Viewers) -> Mask:
            kept, draws = _kept(at), _EXTINCTIONS.take(_draws(part, path, at, errors))
            shown = _mixed(
                _shown(clear, draws[:, : kept.max()], own),
                _shown(usual_clear, draws[:, kept.min() :], usual),
                kept,
            )
            return passed(shown, enough)

        of_climate = _EXTINCTIONS.take(places_of(errors))
        climate = passed(_shown(usual_clear, of_climate, usual), enough)
        return Passes(of_forecast(those), climate, of_forecast(those.at_run()))

    return _chances(section, viewers, DISK_STAGES, of_block)


@dataclass(frozen=True, slots=True)
class Passes:
    """Which draws pass the stages (stage, event, draw): of the forecast, of the climate, at_run."""

    forecast: Mask
    climate: Mask
    at_run: Mask


def _chances(
    section: AirSection,
    viewers: Viewers,
    stages: tuple[str, ...],
    of_block: Callable[[AirSection, Viewers], Passes],
) -> Chances:
    """Return the chances of events, some at once."""
    result = np.empty((3, len(viewers.keys)))
    effects = np.empty((len(stages), len(viewers.keys)))
    for first in range(0, len(viewers.keys), BLOCK):
        rows = slice(first, first + BLOCK)
        found = of_block(section.of(rows), viewers.of(rows))
        for row, passes in enumerate((found.forecast, found.climate, found.at_run)):
            result[row, rows] = _part_of(passes[-1])
        effects[:, rows] = effects_of(found.forecast, found.climate)
    return Chances(result[0], result[1], result[2], dict(zip(stages, effects, strict=True)))


def _shown(clear: Array, extinction: Array, weights: Array) -> Array:
    """Return the chance that the disk shows (stage, event, draw) past air, upper and all cloud."""
    low = np.arange(LAYERS)[:, None] == 0
    upper = _met(extinction, np.where(low, 0.0, weights))[..., 0]
    lowest = _met(extinction, np.where(low, weights, 0.0))[..., 0]
    return np.asarray(clear * np.exp(-np.stack([np.zeros_like(upper), upper, upper + lowest])))


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


def _mixed(own: Array, usual: Array, kept: Index) -> Array:
    """Return values (stage, event, draw): `own` of the first draws, then `usual`.

    kept: how many are their own (event); `usual` ends with the last draw.
    """
    result = np.empty((len(own), len(kept), DRAWS), dtype=own.dtype)
    result[..., kept.min() :] = usual
    for row, number in enumerate(kept):
        result[:, row, :number] = own[:, row, :number]
    return result


def _part_of(reached: Mask) -> Array:
    """Return the part [1] of the draws (event, draw) that reach it: never 0, never 1."""
    draws = reached.shape[1]
    return np.asarray((reached.sum(axis=1) + ADDED / 2) / (draws + ADDED))


def _draws(section: AirSection, path: LayeredPath, viewers: Viewers, errors: Array) -> Places:
    """Return the places of the covers of the draws about the forecast."""
    correlation = correlation_at(viewers.lead)[:, None] * section.known
    return drawn_places(path.cover, errors, correlation)


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
    met, cells = light_rays.cloud_met(
        replace(section, cloud=path.opacity), height, elevation, start
    )
    return _by_layer(met, cells, start)


def _by_layer(met: Array, cells: Index, start: int) -> Array:
    """Return what rays meet by layer (event, ray, layer, distance); both (event, ray, distance)."""
    layer = layer_of((cells + 0.5) * CELL)
    columns = start + met.shape[-1]
    result = np.zeros((*met.shape[:2], LAYERS, columns), dtype=np.float32)
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

    By band of the canvas: weights (event, angle, layer, distance), red light without cloud, the
    same without haze (pure) and elevation (event, angle), redness (event, angle), view without
    cloud (event), columns of the line of sight (event, column). overhead, paintable: part of a
    layer's cover that lies between viewer and canvas, and that is canvas (event, layer, column).
    """

    path: LayeredPath
    weights: list[Array]
    red: list[Array]
    pure: list[Array]
    elevation: list[Array]
    redness: list[Array]
    view: list[Array]
    crossed: list[Mask]
    overhead: Array
    paintable: Array

    def qualities(self, places: Places, allowed: Mask) -> Array:
        """Return the quality of the best minute (stage, event, draw); 0 or less where nothing is.

        places: of the drawn covers (event, draw, layer, distance); allowed: altitudes of the sun
        (event, angle). By stage: of the canvas alone, in haze and behind terrain, lit past the
        cloud, and seen past the low cloud.
        """
        near = covers_at(places[..., :NEAR_COLUMNS])
        # angles at which a ray comes through, and those that have light from them
        lit = np.stack(self.pure).any(axis=(0, 1))
        counting = np.asarray(allowed.any(axis=0) & _DISK[:, lit].any(axis=1))
        if not counting.any():
            return np.zeros((len(GLOW_STAGES), *places.shape[:2]))
        seen = self.seen(_EXTINCTIONS.take(places), near, np.asarray(lit), counting)
        best = np.where(allowed[:, None, counting], seen, -1.0).max(axis=-1)
        return np.asarray(self.painted(near) * best)

    def seen(self, extinction: Array, near: Array, lit: Mask, counting: Mask) -> Array:
        """Return the vividness that reaches the viewer (stage, event, draw, angle).

        extinction [m-1]: (event, draw, layer, distance); near: the covers of the columns near the
        site. lit: the angles with rays (angle); counting: those that are returned.
        """
        disk, sky_light = _DISK[np.ix_(counting, lit)].T, _SKY_LIGHT[counting]
        hidden = (near * self.overhead[:, None]).max(axis=2)
        own = [
            near[..., MAIN_COLUMN][..., band + 1] * self.paintable[:, None, band + 1, MAIN_COLUMN]
            for band in range(len(BANDS))
        ]
        visible = (own[0], own[1] * (1 - own[0]))
        total = np.maximum(visible[0] + visible[1], 0.01)
        result = np.zeros((len(GLOW_STAGES), *near.shape[:2], len(sky_light)), np.float32)
        for band in range(len(BANDS)):
            redness = self.redness[band][:, None, counting]

            def against_sky(beam: Array, redness: Array = redness) -> Array:
                """Return how red the lit canvas stands against the sky [1]."""
                lit = beam.reshape(-1, len(disk)) @ disk
                lit = lit.reshape(*beam.shape[:-1], disk.shape[1])
                all_light = lit + sky_light
                lit /= all_light
                lit *= redness
                return np.asarray(lit)

            caught = sky.received(
                self.elevation[band][:, None, lit], np.minimum(own[band], DENSEST)[..., None]
            )
            free = self.red[band][:, None, lit] * caught
            past = against_sky(free * np.exp(-_met(extinction, self.weights[band][:, lit])))
            low = np.where(self.crossed[band][:, None], hidden, 0.0).max(axis=-1)
            gaps = np.clip((sky.FATAL - low) / (sky.FATAL - sky.HARMLESS), 0, 1)
            share, view = visible[band] / total, self.view[band][:, None]
            hazy = share * view
            result[0] += share[..., None] * against_sky(self.pure[band][:, None, lit] * caught)
            result[1] += hazy[..., None] * against_sky(free)
            result[2] += hazy[..., None] * past
            result[3] += (hazy * gaps)[..., None] * past
        return result

    def painted(self, near: Array) -> Array:
        """Return the part [1] (event, draw) of the sky that is painted if all of it is lit."""
        near = near * self.paintable[:, None]
        middle, high = near[:, :, 1].mean(axis=-1), near[:, :, 2].mean(axis=-1)
        middle_part, high_part = (
            np.interp(cover, *np.array(table).T)
            for cover, table in zip((middle, high), sky.PAINTED, strict=True)
        )
        return np.asarray(1 - (1 - middle_part) * (1 - high_part * (1 - middle)))


_EXTINCTIONS = extinction_of(cover_table())  # [m-1] of each cover that is drawn
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
    rays = _Rays(path, [], [], [], [], [], [], [], overhead, paintable)
    away = DISTANCE[MAIN_COLUMN]
    sums = light_rays.sums_of(replace(section, cloud=path.opacity))
    for band in range(len(BANDS)):
        height = base[:, band] - 10.0
        rise = np.maximum(base[:, band] - elevation, CELL)
        arrival = light.apparent_elevation(
            EVERY_OTHER + np.degrees(away / EARTH_RADIUS), height[:, None]
        )
        met = light_rays.trace_columns(section, height, arrival, MAIN_COLUMN, sums)
        rays.weights.append(_by_layer(met.cloud, met.cell, MAIN_COLUMN))
        red, pure, redness = _clear_light(met, height, arrival)
        rays.red.append(red.astype(np.float32))
        rays.pure.append(pure.astype(np.float32))
        rays.redness.append(redness.astype(np.float32))
        rays.elevation.append(arrival.astype(np.float32))
        rays.crossed.append(
            DISTANCE[:NEAR_COLUMNS] - STEP / 2 < (away * (floor - elevation) / rise)[:, None]
        )
        rays.view.append(_clear_view(section, base[:, band], viewers, rise))
    return rays


def _clear_light(
    met: light_rays.ColumnDepths, height: Array, arrival: Array
) -> tuple[Array, Array, Array]:
    """Return the red light without cloud, without haze too, and the redness of clean air.

    Each (event, angle); light [lx], redness [1].
    """
    air = light.air_column(height[:, None], arrival)
    whole = sky.SUNLIGHT * sky.CANVAS_ALBEDO * met.free
    red, pure = (
        light.band_transmission(haze, air)[..., 0] for haze in (met.aerosol, np.zeros_like(air))
    )
    return whole * red, whole * pure, light.redness(air)


def _clear_view(section: AirSection, base: Array, viewers: Viewers, rise: Array) -> Array:
    """Return what haze and terrain leave of the canvas to the viewer (event) [1]."""
    away = DISTANCE[MAIN_COLUMN]
    between = (viewers.elevation[:, None] < HEIGHTS + CELL / 2) & (base[:, None] > HEIGHTS)
    haze = np.where(between, section.aerosol[:, 0], 0.0).sum(axis=1) * CELL
    sight = np.degrees(np.arctan(rise / away - away / (2 * light.effective_radius())))
    return np.where(sight >= viewers.horizon, np.exp(-haze * np.hypot(rise, away) / rise), 0.0)
