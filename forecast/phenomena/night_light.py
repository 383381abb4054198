"""The light of the clear night sky at sites: sun, moon, cities, haze, and the darkest direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecast.phenomena.weather import mean
from forecast.science.aerosol import OPTICAL_DEPTH
from forecast.science.almanac import (
    galactic_centre_position,
    moon_illumination,
    moon_position,
    sun_position,
)
from forecast.science.arrays import Index, Mask
from forecast.science.interpolation import Scene, Times
from forecast.science.night_sky import (
    aerosol_extinction,
    extinction,
    fitted_moonlight,
    luminance_towards,
    nanolamberts,
    twilight,
)
from forecast.science.site_profiles import elevations
from forecast.science.thermodynamics import Array

DIRECTIONS = 12  # azimuths whose brightness is compared
# [1] of the luminance: directions that differ by less (0.05 mag) are equally dark
LEAST_DIFFERENCE = 0.05


def lights(scene: Scene, rows: Index, times: Times, humidity: Array) -> dict[str, Array]:
    """Return the light of the clear sky by name (event, moment).

    sun, moon, milky_way: altitudes, and moon_azimuth [degree]; lit: illuminated part of the moon
    [1]; extinction [mag airmass-1] of air of `humidity` [1]; dimming: its part beyond that of dry
    air; aerosol: that of the run's own aerosol (NaN where it is estimated); luminance [nL] of the
    zenith: site, moon and twilight together.
    """
    place = [
        np.array([getattr(site, name) for site in scene.sites])[rows, None]
        for name in ("latitude", "longitude")
    ]
    heights = elevations(scene)[rows, None]
    sun = sun_position(times, *place)[0]
    moon, moon_azimuth = moon_position(times, *place)
    own = nanolamberts(np.array([site.night_sky_brightness for site in scene.sites]))[rows, None]
    aerosol = _aerosol(scene, rows, times)
    lit, hazy = moon_illumination(times), extinction(heights, humidity, aerosol)
    return {
        "sun": sun, "moon": moon, "moon_azimuth": moon_azimuth,
        "milky_way": galactic_centre_position(times, *place)[0],
        "lit": lit, "extinction": hazy, "dimming": hazy - extinction(heights), "aerosol": aerosol,
        "luminance": np.asarray(own + fitted_moonlight(moon, lit, hazy) + twilight(sun)),
    }  # fmt: skip


def _aerosol(scene: Scene, rows: Index, times: Times) -> Array:
    """Return the extinction [mag airmass-1] of the run's aerosol above the sites (event, moment).

    NaN where the run has none.
    """
    if not scene.has(OPTICAL_DEPTH):
        return np.full(times.shape, np.nan)
    ground = (
        mean(scene.at_sites("surface_altitude"))
        if scene.has("surface_altitude")
        else np.zeros(len(scene.sites))
    )
    return aerosol_extinction(
        scene.at(OPTICAL_DEPTH, rows, times), elevations(scene)[rows, None], ground[rows, None]
    )


def darkest_azimuth(scene: Scene, rows: Index, light: dict[str, Array], inside: Mask) -> Array:
    """Return the azimuth [degree] (event) of the darkest sky at half height, over moments `inside`.

    Within the site's view sector, from the cities' light where the settings give it
    (`sky_glow_by_azimuth`) and from the moon; NaN where no direction is darker than another.
    """
    azimuths = np.arange(DIRECTIONS) * 360.0 / DIRECTIONS
    sites = [scene.sites[row] for row in rows]
    glow = np.array([_at_directions(site.sky_glow, azimuths) for site in sites]).reshape(
        -1, DIRECTIONS
    )
    own = nanolamberts(np.array([site.night_sky_brightness for site in sites]))
    towards = luminance_towards(
        azimuths, own, glow, light["moon"], light["moon_azimuth"], light["lit"], light["extinction"]
    )
    towards = mean(np.where(inside[..., None], towards, np.nan))
    first, last = (np.array([site.view_sector[end] for site in sites])[:, None] for end in (0, 1))
    visible = ((azimuths - first) % 360 <= (last - first) % 360) | ((last - first) % 360 == 0)
    visible |= ~visible.any(axis=1)[:, None]  # a sector narrower than the steps
    darkest, brightest = np.where(visible, towards, np.inf), np.where(visible, towards, -np.inf)
    differ = brightest.max(axis=-1) > darkest.min(axis=-1) * (1 + LEAST_DIFFERENCE)
    return np.where(differ, azimuths[np.nan_to_num(darkest, nan=np.inf).argmin(axis=-1)], np.nan)


def _at_directions(glow: Sequence[float], azimuths: Array) -> Array:
    """Return the settings' values, evenly spaced from north, at `azimuths` [degree].

    1 everywhere where there are none.
    """
    if not glow:
        return np.ones(len(azimuths))
    return np.interp(azimuths, np.arange(len(glow)) * 360.0 / len(glow), glow, period=360.0)
