"""The air between the sun and a site's sky: an Atmosphere read along the sun's azimuth into a
`light.Section`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast.science.aerosol import OPTICAL_DEPTH, humidity_growth
from forecast.science.interpolation import LAYERS, Scene, Times
from forecast.science.light import (
    CELL,
    CELLS,
    Index,
    Section,
    Truth,
    cloud_extinction,
    great_circle,
)
from forecast.science.thermodynamics import Array, cloud_from_humidity

# [m] of light path that is read: a grazing ray to cloud at 8 km comes down to the ground and out of
# 8 km again
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

# [m] over which haze falls by e (check). The well mixed air of the day: the night sky's own scale is
# shorter
HAZE_SCALE = 2000.0
DRY_AEROSOL_DEPTH = 0.11  # [1] (check) 550 nm: 0.15 at 50 % humidity, a clean continental day
# [1] the same as a whole: the haze of a clean day, against which light on the canvas is held
CLEAN_HAZE = 0.15
# [m] GFS's reach for moist haze alone; nearer it is fog or rain, further its ceiling
HAZY_VISIBILITY = (4900.0, 20000.0)
GROUND_HAZE = 300.0  # [m] (check) depth above the model's ground for which its visibility speaks
# Used, all along the path, wherever an atmosphere holds them.
# [kg m-3] near the ground, dry: stations, CAMS
FINE_PARTICLES = "mass_concentration_of_pm2p5_ambient_aerosol_particles_in_air"
# [m2 kg-1] (check) extinction of dry fine particles at 550 nm; Hand & Malm 2007, J. Geophys. Res.
# 112: 3-4.5
DRY_EFFICIENCY = 4000.0


@dataclass(frozen=True, slots=True)
class LightPath:
    """A section with what was assumed to make it (event): whether its cloud is derived from
    humidity or from covers of whole layers, whether its haze is estimated, whether the run reaches
    the moment.
    """

    section: Section
    aerosol_depth: Array
    from_humidity: Truth
    from_layers: Truth
    haze_estimated: Truth
    covered: Truth


def read_light_path(
    scene: Scene, latitude: Array, longitude: Array, azimuth: Array, times: Times
) -> LightPath:
    """Read the atmosphere from each place towards `azimuth` [degree] at one moment each; all
    arguments (event,).
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
    section = Section(DISTANCE, in_cells, extinction, haze, ground, known)
    return LightPath(
        section, haze[:, 0].sum(axis=-1) * CELL, from_humidity, from_layers, estimated, covered
    )


def _cover_of_layers(
    scene: Scene, along: Callable[[str], Array], derived: Array, humidity: Array
) -> Array:
    """Return cloud by level (event, distance, level) [1] from the covers of the low, middle and
    high layer; NaN where these are unknown.

    A layer's cover lies on its levels as the cloud that humidity gives does, the thickest having
    all of it; where humidity gives none, on the wettest level.
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
    """Return the extinction inside the cloud (event, distance, level) [m-1]: 3 q rho / (2 rho_w r_e
    c), ice and water together.

    The usual one of its height where the model has no cloud water. Source: Stephens 1978, J. Atmos.
    Sci. 35, 2123, eq. 7.
    """
    (low, thick), (high, thin) = USUAL_EXTINCTION
    usual = np.exp(np.interp(np.nan_to_num(height), (low, high), (np.log(thick), np.log(thin))))
    found, kinds = np.zeros(cover.shape), 0
    density = scene.pressure[levels] / (287.05 * 260.0)  # [kg m-3] to a tenth
    for name, size, matter in (("cloud_liquid_water_mixing_ratio", LIQUID_RADIUS, WATER_DENSITY),
                               ("cloud_ice_mixing_ratio", ICE_RADIUS, ICE_DENSITY)):  # fmt: skip
        if scene.has(name):
            content = along(name)[..., levels] * density
            found = found + 1.5 * content / (matter * size)
            kinds += 1
    inside = found / np.maximum(cover, 0.01)
    return np.where((kinds == 2) & np.isfinite(inside), inside, usual)


def _is_subvisual(cover: Array, within: Array, height: Array) -> Truth:
    depth = (
        within * np.abs(np.gradient(np.nan_to_num(height), axis=-1))
        if height.shape[-1] > 1
        else within * 1000.0
    )
    return (cover > 0) & (depth < SUBVISUAL)


def _layer_of_cells(height: Array, ground: Array) -> tuple[Index, Truth]:
    """Return for each cell (event, distance, cell) the level it belongs to, the nearest in height,
    and whether it belongs to none.

    Cells under the model's ground, and those further beyond the outermost levels than half the
    spacing there, hold nothing.
    """
    edges = (height[..., 1:] + height[..., :-1]) / 2
    layer = np.zeros((*height.shape[:-1], CELLS), dtype=np.intp)
    for k in range(edges.shape[-1]):
        layer += edges[..., k, None] < HEIGHTS
    top = height[..., -1] + (height[..., -1] - edges[..., -1] if edges.shape[-1] else 500.0)
    return layer, (ground[..., None] >= HEIGHTS + CELL / 2) | (
        np.nan_to_num(top)[..., None] < HEIGHTS
    )


def _haze(
    scene: Scene, along: Callable[[str], Array], wetness: Array, ground: Array
) -> tuple[Array, Truth]:
    """Return the extinction of haze in every cell at 550 nm [m-1], and where its depth is known
    (event, distance).

    Dry haze thins upwards from sea level (or from the ground, where fine particles are measured
    there), swells with humidity, and is at least what visibility says near the ground. Where an
    optical depth is known the profile is scaled to it.
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
    """Return the extinction [m-1] in every cell that a visibility (event, distance) [m] near the
    ground stands for: 3.912 / V.

    It holds for a shallow layer only: GFS works its visibility out from the ground's humidity and
    from what falls, and knows no aerosol.
    Source: Koschmieder 1924, Beitr. Phys. freien Atm. 12, 33; UPP, subroutine CALVIS_GSD.
    """
    hazy = (visibility >= HAZY_VISIBILITY[0]) & (visibility < HAZY_VISIBILITY[1])
    extinction = np.where(hazy, 3.912 / np.maximum(visibility, HAZY_VISIBILITY[0]), 0.0)
    above = HEIGHTS - ground[..., None]
    return np.where((above > -CELL / 2) & (above < GROUND_HAZE), extinction[..., None], 0.0)
