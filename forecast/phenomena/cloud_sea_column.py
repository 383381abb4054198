"""The air over a site for a sea of clouds: deck, valley and sky above, moment by moment."""

from __future__ import annotations

import numpy as np

from forecast.phenomena.cloud_deck import (
    area_filled,
    deck,
    ground_fog,
    inversion,
    mean_where,
    median_where,
)
from forecast.phenomena.weather import Mask, mean
from forecast.quantities import CLEAR_GAP, DECK_COVER
from forecast.science.almanac import sun_position
from forecast.science.interpolation import Index, Scene, Times
from forecast.science.site_profiles import air_at, cloud_column, column, elevations
from forecast.science.thermodynamics import LAPSE_RATE, Array, dew_point, maximum_random_overlap
from forecast.science.vertical import on_heights

HEIGHTS = np.arange(0.0, 6001.0, 100.0)  # [m] above sea level
GROUND_PARTS = 16  # parts of equal area into which the ground below a site is divided by height
ABOVE_THE_SITE = 1500.0  # [m] depth of the air above the site that is dry in a sea of clouds
INVERSION_REACH = 1000.0  # [m] above the site
THIN_DECK = 300.0  # [m] depth of a stratus that fills a valley (check)
# [m] spacing of levels from which such a deck is missed more often than resolved; GFS has 200-580 m
# up to 3 km
WIDEST_SPACING = 2 * THIN_DECK
HALF = 0.5  # [1] weight of a field from which it counts at a moment between two fields


def sea_moments(scene: Scene, columns: Array, rows: Index, times: Times) -> dict[str, Array]:
    """Return the features that change through the window, moment by moment (event, moment)."""
    temperature, humidity, cloud = np.moveaxis(scene.between(columns, rows, times), -1, 0)
    site, valley = elevations(scene)[rows, None, None], valley_elevations(scene)[rows, None, None]
    ground = ground_heights(scene)[rows]
    between_them = (valley <= HEIGHTS) & (site >= HEIGHTS)
    base, top = deck(cloud, HEIGHTS)
    filled = area_filled(cloud, HEIGHTS, site[..., 0], ground)
    # a deck between the levels would be the lowest: what lies above is another one
    unresolved = misses_thin_decks(scene)[rows, None] & (filled < DECK_COVER)
    filled, base, top = (np.where(unresolved, np.nan, values) for values in (filled, base, top))
    floor = np.minimum(valley[..., 0], ground[:, :1])
    at_site, in_valley = (
        air_at(scene, rows, times),
        air_at(scene, rows, times, valley_elevations(scene)),
    )
    reach = (valley <= HEIGHTS) & (site + INVERSION_REACH >= HEIGHTS)
    unplaced = (scene.between(unplaced_top(scene), rows, times) >= HALF) & (filled >= DECK_COVER)
    top = np.where(unplaced, np.nan, top)
    moments = {
        "deck_top": top,
        # a deck that stands on the ground begins there
        "deck_base": np.where(top > floor, np.maximum(base, floor), base),
        "gap_to_deck": site[..., 0] - top,
        "valley_fill": mean_where(cloud, between_them),
        "valley_area_filled": filled,
        "humidity_below": median_where(humidity, between_them),
        "humidity_above": median_where(
            humidity, (site < HEIGHTS) & (site + ABOVE_THE_SITE >= HEIGHTS)
        ),
        "inversion": inversion(np.where(reach, temperature, np.nan)),
        "cloud_at_site": np.where(unplaced, np.nan, at_site["cloud"]),
        "humidity_at_site": np.where(unplaced, np.nan, at_site["humidity"]),
        "unplaced_deck": np.where(np.isnan(at_site["cloud"]), np.nan, unplaced),
        "wind_speed_at_site": at_site["wind_speed"],
        "valley_dew_point_depression": in_valley["temperature"]
        - dew_point(in_valley["temperature"], in_valley["humidity"]),
        "valley_wind_speed": in_valley["wind_speed"],
    }
    return moments | _by_level(scene, rows, times)


def _by_level(scene: Scene, rows: Index, times: Times) -> dict[str, Array]:
    """Return the features read on pressure levels or at the model's surface (event, moment)."""
    above = cloud_above(scene)
    levels = len(scene.pressure)
    easterly = [
        _at_level(scene, -column(scene, "eastward_wind")[0][..., -levels:], hpa)
        for hpa in (925, 850)
    ]
    omega, layer = "lagrangian_tendency_of_air_pressure", "atmosphere_boundary_layer_thickness"
    nothing = np.full(above.shape, np.nan)
    near = "relative_humidity_at_2m"
    series = {
        "cloud_above_site": above,
        "humidity_700": _at_level(scene, scene.at_sites("relative_humidity"), 700),
        "easterly_wind": mean(np.stack(easterly, axis=1)),
        "vertical_velocity_700": _at_level(scene, scene.at_sites(omega), 700)
        if scene.has(omega)
        else nothing,
        "boundary_layer_height": scene.at_sites(layer) if scene.has(layer) else nothing,
        "visibility": scene.at_sites("visibility_in_air")
        if scene.has("visibility_in_air")
        else nothing,
        "humidity": scene.at_sites(near) if scene.has(near) else nothing,
    }
    read = scene.between(np.stack(list(series.values()), axis=-1), rows, times)
    found = {name: read[..., place] for place, name in enumerate(series)}
    low, _ = scene.cloud_layers(rows, times)
    return found | {
        "ground_fog": ground_fog(low["low"], found.pop("visibility"), found.pop("humidity"))
    }


def columns_on_heights(scene: Scene, heights: Array = HEIGHTS) -> Array:
    """Return temperature [K], humidity [1] and cloud [1] on `heights` [m] (site, time, height, 3).

    At the run's own times.
    """
    profiles = (
        column(scene, "air_temperature"),
        column(scene, "relative_humidity"),
        cloud_column(scene),
    )
    read = [
        on_heights(*profile, heights, gradient)
        for profile, gradient in zip(profiles, (-LAPSE_RATE, 0.0, 0.0), strict=True)
    ]
    return np.stack(read, axis=-1).astype(np.float32)


def cloud_above(scene: Scene) -> Array:
    """Return the cover of everything above the viewer (site, time) [1]."""
    cloud, heights = cloud_column(scene)
    above = maximum_random_overlap(
        np.where(heights > elevations(scene)[:, None, None] + CLEAR_GAP, cloud, 0.0)
    )
    return np.where(np.isfinite(cloud).any(axis=-1), above, np.nan)


def _at_level(scene: Scene, values: Array, hpa: float) -> Array:
    """Return the level `hpa` [hPa] of profiles (site, time, level); NaN without such a level."""
    found = np.isclose(scene.pressure, 100 * hpa)
    return values[..., found.argmax()] if found.any() else np.full(values.shape[:-1], np.nan)


def valley_elevations(scene: Scene) -> Array:
    """Return the heights above sea level of the sites' valleys [m] (site)."""
    return np.array([site.valley_elevation for site in scene.sites], dtype=float)


def ground_heights(scene: Scene) -> Array:
    """Return the heights [m] of equal parts of the ground below each site (site, part), rising."""
    middles = (np.arange(GROUND_PARTS) + 0.5) / GROUND_PARTS
    curves = [
        site.valley_heights or (site.valley_elevation, site.elevation) for site in scene.sites
    ]
    return np.stack([np.interp(middles, np.linspace(0, 1, len(curve)), curve) for curve in curves])


def sun_altitude(scene: Scene, rows: Index, times: Times) -> Array:
    """Return the sun's geometric altitude [degree] at each event's site (event, moment)."""
    latitude, longitude = (
        np.array([getattr(site, name) for site in scene.sites])[rows, None]
        for name in ("latitude", "longitude")
    )
    return sun_position(times, latitude, longitude)[0]


def misses_thin_decks(scene: Scene) -> Mask:
    """Return at which sites (site) levels are too far apart to resolve a thin deck.

    Two levels between valley and site are further apart than WIDEST_SPACING.
    """
    humidity, heights = column(scene, "relative_humidity")
    levels = np.sort(mean(np.where(np.isfinite(humidity), heights, np.nan)), axis=1)  # NaN last
    lower, upper = levels[:, :-1], levels[:, 1:]
    between_them = (lower < elevations(scene)[:, None]) & (
        upper > valley_elevations(scene)[:, None]
    )
    return np.asarray((between_them & (upper - lower > WIDEST_SPACING)).any(axis=1))


def unplaced_top(scene: Scene) -> Array:
    """Return 1 where the levels cannot say whether a deck ends below the viewer, else 0.

    (site, time). The last level below the viewer has a deck, and no level lies within THIN_DECK of
    the viewer's height. What is interpolated to that height is then no evidence: neither of a
    viewer in cloud nor of one above it.
    """
    cloud, heights = cloud_column(scene)
    heights = np.where(np.isfinite(cloud), heights, np.nan)
    above_viewer = heights - elevations(scene)[:, None, None]
    below = np.where(above_viewer < 0, above_viewer, -np.inf)
    under = np.take_along_axis(cloud, below.argmax(axis=-1)[..., None], axis=-1)[..., 0]
    nearest = np.nan_to_num(np.abs(above_viewer), nan=np.inf).min(axis=-1)
    apart = np.isfinite(below.max(axis=-1)) & (nearest > THIN_DECK)
    return np.where(apart & (under >= DECK_COVER), 1.0, 0.0)


def undecided_edge(scene: Scene) -> Array:
    """Return 1 where the levels cannot place the edge of a deck beside the viewer, else 0.

    (site, time). The levels are the last at or below the viewer's height less CLEAR_GAP and the
    first at or above it. With a deck in one and none in the other, and more than twice CLEAR_GAP
    between them, the edge may lie on either side of the viewer.
    """
    cloud, heights = cloud_column(scene)
    heights = np.where(np.isfinite(cloud), heights, np.nan)
    site = elevations(scene)[:, None, None]
    below, above = (
        np.where(heights <= site - CLEAR_GAP, heights, -np.inf),
        np.where(heights >= site, heights, np.inf),
    )
    lower, upper = below.max(axis=-1), above.min(axis=-1)
    under, over = (
        np.take_along_axis(cloud, place[..., None], axis=-1)[..., 0]
        for place in (below.argmax(axis=-1), above.argmin(axis=-1))
    )
    apart = np.isfinite(lower) & np.isfinite(upper) & (upper - lower > 2 * CLEAR_GAP)
    return np.where(apart & ((under >= DECK_COVER) != (over >= DECK_COVER)), 1.0, 0.0)
