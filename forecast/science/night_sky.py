"""Brightness of the night sky and the stars that the eye sees: twilight, moon, cities, haze.

Parts add up in luminance [nL]; sky brightness is given in magnitudes [mag arcsec-2], where more is
darker. Arrays in, arrays out; NaN in, NaN out.
"""

from __future__ import annotations

import numpy as np

from forecast.science.aerosol import humidity_growth
from forecast.science.thermodynamics import Array

# [mag arcsec-2] from which the Milky Way stands out: Bortle 2001, Sky & Telescope 101(2), 126,
# class 4
MILKY_WAY_SKY = 20.5
# [mag arcsec-2] zenith without moon or lamps, at solar minimum. Source: science.md 1
NATURAL_SKY = 22.0
# Light of a thin moon beyond Krisciunas & Schaefer's [mag, negative is brighter]. The mean of
# three estimates, weighted by precision: the paper's own error about none (8-23 %), the photometers
# of La Palma (0.64 mag of the whole sky at 29-39 % lit), and the sky meters of Globe at Night at
# repeated places, which hardly distinguish it from 0. Derived, and tested on other years, in
# tests/science/stars.py.
MOONLIGHT_OFFSET = -0.45
# [mag] the same of a moon 60-100 % lit, which is fainter than theirs: the meters of all even years,
# 414 readings at 157 places; 90 % interval -0.20 to +0.50 (tests/science/stars.py)
GIBBOUS_OFFSET = 0.20
# [1] illuminated part of the moon up to which the first holds, and from which the second
WHOLE_TO, GIBBOUS_FROM = 0.40, 0.65
# Magnitudes by which people with a chart and no training stop short of the formula's limit. Source:
# Globe at Night 2012, where a meter was read beside them (0.3 has the least mean error), and the
# reports of other years at metered places: tests/science/stars.py.
LAY_EYE = 0.3
# [mag airmass-1] the background's in dry air. Source: Schaefer 1993, Vistas Astron. 36, 311
SEA_LEVEL_AEROSOL = 0.12
# [m] height over which aerosol thins to 1/e. Source: Hayes & Latham 1975, ApJ 197, 593
AEROSOL_SCALE = 1500.0
DRY = 0.50  # [1] humidity up to which aerosol does not swell: that of SEA_LEVEL_AEROSOL
# [mag arcsec-2] zenith, V, sun at -5 degrees. Source: Patat et al. 2006, A&A 455, 385, table 1
TWILIGHT_AT_5_DEGREES = 11.84
TWILIGHT_FADING = 1.10  # [mag arcsec-2 degree-1]


def nanolamberts(brightness: Array) -> Array:
    """Return the luminance [nL] of a sky brightness [mag arcsec-2].

    Source: Krisciunas & Schaefer 1991, eq. 1.
    """
    return 34.08 * np.exp(20.7233 - 0.92104 * np.asarray(brightness))


def magnitudes(luminance: Array) -> Array:
    """Return the sky brightness [mag arcsec-2] of a luminance [nL].

    Source: Krisciunas & Schaefer 1991, eq. 1 inverted.
    """
    return (20.7233 - np.log(np.asarray(luminance) / 34.08)) / 0.92104


def extinction(
    height: Array | float, humidity: Array | float = DRY, aerosol: Array | float = np.nan
) -> Array:
    """Return the extinction in V [mag airmass-1] above `height` [m] at `humidity` [1].

    Of air, ozone and aerosol. Aerosol is the background in dry air (below 50 %) and grows with
    humidity; it has no dust storm and no city's winter haze: `aerosol` [mag airmass-1], where
    known, replaces the estimate. An unknown humidity counts as dry.
    Source: air and ozone Hayes & Latham 1975, ApJ 197, 593; growth Kasten 1969, Tellus 21, 631.
    """
    metres = np.asarray(height, dtype=float)
    swollen = humidity_growth(np.nan_to_num(humidity, nan=DRY), DRY)
    estimate = SEA_LEVEL_AEROSOL * np.exp(-metres / AEROSOL_SCALE) * swollen
    return (
        0.1066 * np.exp(-metres / 8200) + 0.031 + np.where(np.isfinite(aerosol), aerosol, estimate)
    )


def aerosol_extinction(optical_depth: Array, height: Array | float, ground: Array | float) -> Array:
    """Return the extinction [mag airmass-1] of the aerosol above `height` [m].

    optical_depth [1] at 550 nm above `ground` [m]. A viewer above the model's ground has its lower
    part below; one below it counts as on it. NaN where the depth is unknown or negative.
    """
    left = np.exp(-np.maximum(np.asarray(height) - ground, 0.0) / AEROSOL_SCALE)
    return np.where(optical_depth >= 0, 2.5 / np.log(10) * np.asarray(optical_depth) * left, np.nan)


def moonlight(
    moon_altitude: Array,
    illumination: Array,
    extinction: Array | float,
    zenith_distance: Array | float = 0.0,
    separation: Array | float | None = None,
) -> Array:
    """Return the luminance [nL] that the moon adds to the sky at `zenith_distance` [degree].

    moon_altitude [degree]; illumination [1]; extinction [mag airmass-1]; separation [degree] of
    moon and sky (default: the moon's zenith distance, for the zenith). 0 from a moon below the
    horizon. Accurate to 8-23 % (the paper).
    Source: Krisciunas & Schaefer 1991, PASP 103, 1033, eqs. 3, 15, 18-21.
    """
    moon_zenith = 90 - np.asarray(moon_altitude, dtype=float)
    apart = np.maximum(moon_zenith if separation is None else separation, 0.25)
    phase = np.degrees(np.arccos(np.clip(2 * np.asarray(illumination) - 1, -1, 1)))
    intensity = 10 ** (-0.4 * (3.84 + 0.026 * phase + 4e-9 * phase**4))
    mie = np.where(apart >= 10, 10 ** (6.15 - apart / 40), 6.2e7 / apart**2)
    scattering = 10**5.36 * (1.06 + np.cos(np.radians(apart)) ** 2) + mie
    arriving = 10 ** (-0.4 * extinction * _airmass(moon_zenith))
    scattered = 1 - 10 ** (-0.4 * extinction * _airmass(zenith_distance))
    added = scattering * intensity * arriving * scattered
    return np.where(moon_zenith >= 90, 0.0 * added, added)


def fitted_moonlight(
    moon_altitude: Array,
    illumination: Array,
    extinction: Array | float,
    zenith_distance: Array | float = 0.0,
    separation: Array | float | None = None,
) -> Array:
    """Return `moonlight` [nL] with `moonlight_offset` applied."""
    light = moonlight(moon_altitude, illumination, extinction, zenith_distance, separation)
    return np.asarray(light * 10 ** (-0.4 * moonlight_offset(illumination)))


def moonlight_offset(illumination: Array) -> Array:
    """Return the correction [mag] to the moonlight of Krisciunas & Schaefer.

    MOONLIGHT_OFFSET for a thin moon, GIBBOUS_OFFSET for a full one. Between WHOLE_TO and
    GIBBOUS_FROM it changes more slowly than the moon waxes, so that a waxing moon never darkens the
    sky.
    """
    return np.interp(illumination, (WHOLE_TO, GIBBOUS_FROM), (MOONLIGHT_OFFSET, GIBBOUS_OFFSET))


def _airmass(zenith_distance: Array | float) -> Array:
    """Return the relative air mass [1] at `zenith_distance` [degree].

    Source: Krisciunas & Schaefer 1991, eq. 3.
    """
    return 1 / np.sqrt(1 - 0.96 * np.sin(np.radians(np.minimum(zenith_distance, 90))) ** 2)


def twilight(sun_altitude: Array) -> Array:
    """Return the luminance [nL] that twilight adds at the zenith; by day that at sunset.

    Source: Patat et al. 2006 at -5 degrees; fading by 1.10 mag a degree after photometers on La
    Palma.
    """
    depression = np.maximum(-np.asarray(sun_altitude, dtype=float), 0.0)
    return nanolamberts(TWILIGHT_AT_5_DEGREES + TWILIGHT_FADING * (depression - 5))


def limiting_magnitude(brightness: Array, dimming: Array | float = 0.0) -> Array:
    """Return the limiting magnitude [mag] of a practised naked eye at the zenith.

    brightness [mag arcsec-2]; dimming: extinction beyond that of clear dry air [mag].
    Source: Schaefer 1990, PASP 102, 212, in the form 7.93 - 5 log10(10^(4.316 - B/5) + 1).
    """
    return 7.93 - 5 * np.log10(10 ** (4.316 - np.asarray(brightness) / 5) + 1) - dimming


def lay_limit(brightness: Array, dimming: Array | float = 0.0) -> Array:
    """Return the limiting magnitude [mag] of a visitor without practice: LAY_EYE less."""
    return limiting_magnitude(brightness, dimming) - LAY_EYE


# -- by direction

LOOKING_UP = 45.0  # [degree] altitude at which directions are compared


def separation(
    altitude: Array, azimuth: Array, other_altitude: Array | float, other_azimuth: Array | float
) -> Array:
    """Return the angle [degree] between two directions given by altitude and azimuth [degree]."""
    one, other = np.radians(altitude), np.radians(other_altitude)
    across = np.radians(np.asarray(azimuth) - other_azimuth)
    cosine = np.sin(one) * np.sin(other) + np.cos(one) * np.cos(other) * np.cos(across)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def luminance_towards(
    azimuths: Array,
    own: Array,
    glow: Array,
    moon: Array,
    moon_azimuth: Array,
    lit: Array,
    dimming: Array,
) -> Array:
    """Return the luminance [nL] (event, moment, azimuth) of the clear sky at 45 degrees altitude.

    azimuths (azimuth) [degree]; own: the zenith's own [nL] (event); glow: the cities' light by
    azimuth against its mean (event, azimuth) [1]; moon, moon_azimuth [degree] and lit [1] (event,
    moment); dimming: extinction [mag airmass-1] (event, moment). The excess over the natural sky is
    attributed to cities and distributed by `glow`. The result ranks directions; a meter would read
    more, since brightness rises towards the horizon.
    """
    natural = np.minimum(nanolamberts(np.array(NATURAL_SKY)), own)
    cities = (own - natural)[:, None] * glow
    apart = separation(moon[..., None], moon_azimuth[..., None], LOOKING_UP, azimuths)
    scattered = fitted_moonlight(
        moon[..., None], lit[..., None], dimming[..., None], 90 - LOOKING_UP, apart
    )
    return np.asarray((natural[:, None] + cities)[:, None, :] + scattered)
