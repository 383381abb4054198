"""The air between the sun and a site's sky, read along the sun's azimuth into an `AirSection`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast.science.aerosol import OPTICAL_DEPTH, humidity_growth
from forecast.science.interpolation import LAYERS, Scene, Times
from forecast.science.light import (
    CELL,
    CELLS,
    AirSection,
    Index,
    Mask,
    cloud_extinction,
    great_circle,
)
from forecast.science.thermodynamics import Array, cloud_from_humidity

# [m] of light path that is read: a grazing ray to cloud at 8 km comes from 8 km down to the ground
# and up again
REACH = 690000.0
STEP = 15000.0  # [m] between two columns: finer than the grid of any model in use
DISTANCE = np.arange(0.0, REACH + 1, STEP)
HEIGHTS = (np.arange(CELLS) + 0.5) * CELL  # [m] middles of the cells

# [m] effective radii: stratus droplets; ice crystals (check)
LIQUID_RADIUS, ICE_RADIUS = 10e-6, 30e-6
WATER_DENSITY, ICE_DENSITY = 1000.0, 917.0  # [kg m-3]
# Where the model keeps no cloud water: extinction [m-1] of an ordinary water cloud (0.15 g m-3) and
# of cirrus (0.01 g m-3).
USUAL_EXTINCTION = ((3000.0, 2.2e-2), (8000.0, 5e-4))
# [1] optical depth under which a layer is not seen at all: Sassen & Cho 1992, J. Appl. Meteor. 31,
# 1275
SUBVISUAL = 0.03

# [m] height over which haze thins to 1/e in the mixed air of the day (check); the night sky's scale
# belongs to its own fit
HAZE_SCALE = 2000.0
DRY_AEROSOL_DEPTH = 0.11  # [1] (check) 550 nm: 0.15 at 50 % humidity, a clean continental day
# [1] optical depth of a clean day, with which the light on the canvas is compared
CLEAN_HAZE = 0.15
# [m] GFS's reach for moist haze alone; nearer it is fog or rain, further its ceiling
HAZY_VISIBILITY = (4900.0, 20000.0)
GROUND_HAZE = 300.0  # [m] (check) depth above the model's ground to which its visibility applies
# [kg m-3] near the ground, dry: stations, CAMS
FINE_PARTICLES = "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air"
# [m2 kg-1] (check) extinction of dry fine particles at 550 nm; Hand & Malm 2007, J. Geophys. Res.
# 112: 3-4.5
DRY_EFFICIENCY = 4000.0


@dataclass(frozen=True, slots=True)
class LightPath:
    """A section of air and the assumptions behind it (event).

    from_humidity, from_layers: whether cloud is derived from humidity or from covers of whole
    layers; haze_estimated; covered: whether the run covers the time.
    """

    section: AirSection
    aerosol_depth: Array
    from_humidity: Mask
    from_layers: Mask
    haze_estimated: Mask
    covered: Mask


def read_light_path(
    scene: Scene, latitude: Array, longitude: Array, azimuth: Array, times: Times
) -> LightPath:
    """Return the air from each place towards `azimuth` [degree] at one time each.

    All arguments are (event).
    """
    where = great_circle(latitude, longitude, azimuth, DISTANCE)

    def along(name: str) -> Array:
        return scene.along(name, *where, times)

    height, humidity = along("geopotential_height"), along("relative_humidity")
    name = "cloud_area_fraction_in_atmosphere_layer"
    cover = along(name) if scene.has(name) else np.full(humidity.shape, np.nan)
    covered = np.asarray(scene.covers(times[:, None])[:, 0])
    # the field may be absent, or not yet there at the run's first hour
    without = covered & np.isnan(cover).all(axis=(1, 2))
    from_layers = np.zeros_like(without)
    if without.any():
        derived = cloud_from_humidity(humidity)
        layered = _cover_of_layers(scene, along, derived, humidity)
        from_layers = without & np.isfinite(layered).any(axis=(1, 2))
        cover = np.where(
            from_layers[:, None, None], layered, np.where(without[:, None, None], derived, cover)
        )
    from_humidity = (without & ~from_layers) | (
        covered & ("cloud_from_humidity" in scene.estimates)
    )
    from_layers |= covered & ("cloud_from_layers" in scene.estimates)
    ground = (
        np.nan_to_num(along("surface_altitude"), nan=0.0)
        if scene.has("surface_altitude")
        else np.zeros(cover.shape[:2])
    )
    ground = np.maximum(ground, 0.0)
    usable = np.isfinite(cover).any(axis=(0, 1)) & np.isfinite(height).any(axis=(0, 1))
    levels = np.flatnonzero(usable | ~usable.any())
    cover, height = np.clip(cover[..., levels], 0, 1), height[..., levels]
    known = np.asarray(np.isfinite(cover).any(axis=-1) & np.isfinite(height).all(axis=-1))
    within = _extinction_within(scene, along, cover, height, levels)
    cover = np.where(
        np.isfinite(cover) & known[..., None] & ~_is_subvisual(cover, within, height), cover, 0.0
    )
    layer, outside = _layer_of_cells(height, ground)
    in_cells = np.where(outside, 0.0, np.take_along_axis(cover, layer, axis=-1))
    extinction = np.where(
        outside, 0.0, np.take_along_axis(cloud_extinction(cover, within), layer, axis=-1)
    )
    wetness = np.where(known[..., None], np.nan_to_num(humidity[..., levels], nan=0.5), 0.5)
    haze, measured = _haze(scene, along, np.take_along_axis(wetness, layer, axis=-1), ground)
    estimated = ~(measured | ~known).all(axis=1)
    section = AirSection(DISTANCE, in_cells, extinction, haze, ground, known)
    return LightPath(
        section, haze[:, 0].sum(axis=-1) * CELL, from_humidity, from_layers, estimated, covered
    )


def _cover_of_layers(
    scene: Scene, along: Callable[[str], Array], derived: Array, humidity: Array
) -> Array:
    """Return cloud by level (event, distance, level) [1] from the covers of the three layers.

    A layer's cover is spread over its levels like the cloud that humidity gives, the densest level
    having all of it; where humidity gives none, it is on the wettest level. NaN where a layer's
    cover is unknown.
    """
    cover = np.full(derived.shape, np.nan)
    for layer, (top, bottom) in LAYERS.items():
        inside = np.flatnonzero((scene.pressure > top) & (scene.pressure <= bottom))
        own = f"{layer}_type_cloud_area_fraction"
        own = own if scene.has(own) else f"{own}_mean"
        if not scene.has(own) or not inside.size:
            return np.full(derived.shape, np.nan)
        some, wet = np.nan_to_num(derived[..., inside]), np.nan_to_num(humidity[..., inside])
        thickest, wettest = some.max(axis=-1, keepdims=True), wet.max(axis=-1, keepdims=True)
        share = np.where(thickest > 0.01, some / np.maximum(thickest, 0.01), wet == wettest)
        cover[..., inside] = along(own)[..., None] * share
    return cover


def _extinction_within(
    scene: Scene, along: Callable[[str], Array], cover: Array, height: Array, levels: Index
) -> Array:
    """Return the extinction inside the cloud (event, distance, level) [m-1].

    3 q rho / (2 rho_w r_e c), ice and water together; the usual value of its height where the model
    has no cloud water. Source: Stephens 1978, J. Atmos. Sci. 35, 2123, eq. 7.
    """
    found, phases = np.zeros(cover.shape), 0
    density = scene.pressure[levels] / (287.05 * 260.0)  # [kg m-3] to a tenth
    for name, size, matter in (("cloud_liquid_water_mixing_ratio", LIQUID_RADIUS, WATER_DENSITY),
                               ("cloud_ice_mixing_ratio", ICE_RADIUS, ICE_DENSITY)):  # fmt: skip
        if scene.has(name):
            content = along(name)[..., levels] * density
            found = found + 1.5 * content / (matter * size)
            phases += 1
    inside = found / np.maximum(cover, 0.01)
    unknown = ~np.isfinite(inside) if phases == 2 else np.ones(inside.shape, dtype=bool)
    (low, thick), (high, thin) = USUAL_EXTINCTION
    logs = np.interp(np.nan_to_num(height[unknown]), (low, high), (np.log(thick), np.log(thin)))
    inside[unknown] = np.exp(logs)
    return np.asarray(inside)


def _is_subvisual(cover: Array, within: Array, height: Array) -> Mask:
    depth = (
        within * np.abs(np.gradient(np.nan_to_num(height), axis=-1))
        if height.shape[-1] > 1
        else within * 1000.0
    )
    return (cover > 0) & (depth < SUBVISUAL)


def _layer_of_cells(height: Array, ground: Array) -> tuple[Index, Mask]:
    """Return the nearest level of each cell (event, distance, cell) and whether it has none.

    Cells under the model's ground, and those beyond the outermost levels by more than half the
    spacing there, have none.
    """
    edges = (height[..., 1:] + height[..., :-1]) / 2
    # the lowest cell above each edge (an unknown edge has none), then the edges below each cell
    above = np.searchsorted(HEIGHTS, edges, side="right")
    columns = math.prod(height.shape[:-1])
    place = np.arange(columns)[:, None] * (CELLS + 1) + above.reshape(columns, -1)
    counted = np.bincount(place.reshape(-1), minlength=columns * (CELLS + 1))
    counted = counted.reshape(*height.shape[:-1], CELLS + 1)[..., :CELLS]
    layer = np.cumsum(counted, axis=-1)
    top = height[..., -1] + (height[..., -1] - edges[..., -1] if edges.shape[-1] else 500.0)
    return layer, (ground[..., None] >= HEIGHTS + CELL / 2) | (
        np.nan_to_num(top)[..., None] < HEIGHTS
    )


def _haze(
    scene: Scene, along: Callable[[str], Array], wetness: Array, ground: Array
) -> tuple[Array, Mask]:
    """Return the extinction of haze in every cell [m-1] and whether its depth is known.

    At 550 nm, (event, distance, cell) and (event, distance). Dry haze thins upwards from sea level
    (or from the ground, where fine particles are measured), swells with humidity, and is at least
    what visibility gives near the ground. Where an optical depth is known the profile is scaled to
    it.
    """
    base, from_height = (
        np.full(ground.shape, DRY_AEROSOL_DEPTH / HAZE_SCALE),
        np.zeros_like(ground),
    )
    if scene.has(FINE_PARTICLES):
        measured = along(FINE_PARTICLES) * DRY_EFFICIENCY
        base, from_height = (
            np.where(measured >= 0, measured, base),
            np.where(measured >= 0, ground, from_height),
        )
    haze = (
        base[..., None]
        * np.exp(-(HEIGHTS - from_height[..., None]) / HAZE_SCALE)
        * humidity_growth(wetness)
    )
    haze = np.where(ground[..., None] < HEIGHTS + CELL / 2, haze, 0.0)
    if scene.has("visibility_in_air"):
        haze = np.maximum(haze, _ground_haze(along("visibility_in_air"), ground))
    if not scene.has(OPTICAL_DEPTH):
        return haze, np.zeros(ground.shape, dtype=bool)
    depth = along(OPTICAL_DEPTH)
    scaled = haze * (depth / np.maximum(haze.sum(axis=-1) * CELL, 1e-9))[..., None]
    return np.where((depth >= 0)[..., None], scaled, haze), np.asarray(depth >= 0)


def _ground_haze(visibility: Array, ground: Array) -> Array:
    """Return the extinction [m-1] in every cell from a visibility [m] near the ground: 3.912 / V.

    visibility: (event, distance). It applies to a shallow layer only: GFS derives visibility from
    humidity at the ground and from precipitation, without aerosol.
    Source: Koschmieder 1924, Beitr. Phys. freien Atm. 12, 33; UPP, subroutine CALVIS_GSD.
    """
    hazy = (visibility >= HAZY_VISIBILITY[0]) & (visibility < HAZY_VISIBILITY[1])
    extinction = np.where(hazy, 3.912 / np.maximum(visibility, HAZY_VISIBILITY[0]), 0.0)
    above = HEIGHTS - ground[..., None]
    return np.where((above > -CELL / 2) & (above < GROUND_HAZE), extinction[..., None], 0.0)
