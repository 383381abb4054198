"""Formulas that MetPy lacks, each with its source; all take and give arrays in SI, NaN in NaN out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

CRITICAL_HUMIDITY = 0.80  # relative humidity at which a grid box begins to hold cloud


def maximum_random_overlap(cover: Array) -> Array:
    """Return the total cover (...) [1] of cloud layers (..., level) [1] ordered along the last axis.

    Neighbouring cloudy layers overlap as far as they can, layers apart by clear air at random. A NaN layer is read as clear;
    where every layer is NaN the total is NaN.
    Source: Geleyn & Hollingsworth 1979, Beitr. Phys. Atmosph. 52; Raisanen 1998, MWR 126, 3044, eq. 1:
    1 - C = prod_k (1 - max(c_k, c_{k-1})) / (1 - c_{k-1}).
    """
    known = np.nan_to_num(cover, nan=0.0)
    before = np.concatenate([np.zeros_like(known[..., :1]), known[..., :-1]], axis=-1)
    overcast = (known >= 1.0).any(axis=-1)
    clear = np.prod((1 - np.maximum(known, before)) / np.where(before >= 1, 1.0, 1 - before), axis=-1)
    total = np.where(overcast, 1.0, 1.0 - clear)
    return np.where(np.isnan(cover).all(axis=-1), np.nan, total)


def cloud_from_humidity(relative_humidity: Array, critical: float = CRITICAL_HUMIDITY) -> Array:
    """Return the cloud fraction [1] that a relative humidity [1] stands for in a grid box.

    Source: Sundqvist, Berge & Kristjansson 1989, MWR 117, 1641, eq. 2.3: C = 1 - sqrt((1 - U) / (1 - U00)).
    """
    scaled = np.clip((1 - np.minimum(relative_humidity, 1.0)) / (1 - critical), 0, 1)
    return 1 - np.sqrt(scaled)


# -- heat and moisture: MetPy's formulas on plain arrays; it is loaded on first use (half a second)


def dew_point(temperature: Array, relative_humidity: Array) -> Array:
    """Return the dew point [K] of air at `temperature` [K] and `relative_humidity` [1], never above the temperature.

    Humidity below 0.1 % is read as 0.1 %. Source: Bolton 1980, MWR 108, 1046, eq. 11, by way of MetPy.
    """
    from metpy.calc import dewpoint_from_relative_humidity
    from metpy.units import units

    humidity = np.clip(relative_humidity, 0.001, 1.0)
    found = dewpoint_from_relative_humidity(units.Quantity(temperature, "K"), units.Quantity(humidity, "dimensionless"))
    return np.minimum(found.m_as("K"), temperature)


def wind_chill(temperature: Array, wind_speed: Array) -> Array:
    """Return how cold the air feels [K] at `temperature` [K] and `wind_speed` [m s-1] at 10 m.

    Valid up to 10 degC and from 4.8 km/h (3 mph); elsewhere it is the temperature itself, and never above it.
    Source: Osczevski & Bluestein 2005, BAMS 86, 1453, eq. 3, by way of MetPy.
    """
    from metpy.calc import windchill
    from metpy.units import units

    felt = windchill(units.Quantity(temperature, "K"), units.Quantity(wind_speed, "m/s"), mask_undefined=False).m_as("K")
    valid = (temperature <= 283.15) & (wind_speed * 3.6 >= 4.8)
    return np.where(np.isnan(wind_speed), np.nan, np.where(valid, np.minimum(felt, temperature), temperature))


# -- the brightness of the night sky

MOONLIGHT_OFFSET = -0.64  # [mag] to be added to the moonlight of a moon less than half lit: see moonlight_offset
TWILIGHT_AT_5_DEGREES = 11.84  # [mag arcsec-2] zenith, V, sun at -5 degrees. Source: Patat et al. 2006, A&A 455, 385, table 1
TWILIGHT_FADING = 1.10  # [mag arcsec-2 degree-1]


def nanolamberts(brightness: Array) -> Array:
    """Return a sky brightness [mag arcsec-2] as luminance [nL]. Source: Krisciunas & Schaefer 1991, eq. 1."""
    return 34.08 * np.exp(20.7233 - 0.92104 * np.asarray(brightness))


def magnitudes(luminance: Array) -> Array:
    """Return a luminance [nL] as sky brightness [mag arcsec-2]. Source: Krisciunas & Schaefer 1991, eq. 1 turned round."""
    return (20.7233 - np.log(np.asarray(luminance) / 34.08)) / 0.92104


def extinction(height: Array | float) -> Array:
    """Return the extinction in V [mag airmass-1] of clear air above `height` [m]: air, ozone and background aerosol.

    Source: Hayes & Latham 1975, ApJ 197, 593, with the sea-level aerosol of 0.12 of Schaefer 1993, Vistas Astron. 36, 311.
    """
    kilometres = np.asarray(height, dtype=float) / 1000
    return 0.1066 * np.exp(-kilometres / 8.2) + 0.031 + 0.12 * np.exp(-kilometres / 1.5)


def moonlight(
    moon_altitude: Array,
    illumination: Array,
    extinction: Array | float,
    zenith_distance: Array | float = 0.0,
    separation: Array | float | None = None,
) -> Array:
    """Return the luminance [nL] that the moon adds to the sky at `zenith_distance` [degree], by default at the zenith.

    moon_altitude [degree]; illumination 0-1, from which the phase angle; extinction [mag airmass-1]; separation [degree] of moon
    and sky (at the zenith: the moon's own zenith distance). Nothing from a moon below the horizon; the eye's 8-23 % (the paper).
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


def moonlight_offset(illumination: Array) -> Array:
    """Return what is to be added to the moonlight [mag] of Krisciunas & Schaefer: negative is brighter; all of it up to 45 % of
    moon, none from 60 % on.

    Source: photometers on La Palma, 0.64 mag brighter than the model at 29-39 % of moon; Globe at Night sky meters 2008-2018:
    0.66 mag brighter at 25-45 % (10 readings), 0.0 at 60-90 % (95 readings).
    """
    return np.interp(illumination, (0.45, 0.60), (MOONLIGHT_OFFSET, 0.0))


def _airmass(zenith_distance: Array | float) -> Array:
    """Return the optical path [1] at `zenith_distance` [degree]. Source: Krisciunas & Schaefer 1991, eq. 3."""
    return 1 / np.sqrt(1 - 0.96 * np.sin(np.radians(np.minimum(zenith_distance, 90))) ** 2)


def twilight(sun_altitude: Array) -> Array:
    """Return the luminance [nL] that twilight adds at the zenith; by day it stands at what it is at sunset.

    Source: Patat et al. 2006 at -5 degrees; fading by 1.10 mag a degree after photometers on La Palma.
    """
    depression = np.maximum(-np.asarray(sun_altitude, dtype=float), 0.0)
    return nanolamberts(TWILIGHT_AT_5_DEGREES + TWILIGHT_FADING * (depression - 5))


def limiting_magnitude(brightness: Array) -> Array:
    """Return the faintest star [mag] that the naked eye sees on a sky of `brightness` [mag arcsec-2].

    Source: Schaefer 1990, PASP 102, 212, in the form 7.93 - 5 log10(10^(4.316 - B/5) + 1).
    """
    return 7.93 - 5 * np.log10(10 ** (4.316 - np.asarray(brightness) / 5) + 1)


# -- snow

FREEZING = 273.15  # [K]
LATENT_HEAT, HEAT_CAPACITY = 2.501e6, 1004.7  # [J kg-1] of vaporisation at 0 degC; [J kg-1 K-1] of dry air at constant pressure
MELTING_STARTS, MELTING_ENDS = 100.0, 500.0  # [m] 0 degree level above the ground: hardly any melts; all does
ICE_CERTAIN, ICE_ABSENT = 259.15, 269.15  # [K] cloud top at or below which it snows in Beijing; from which there is no ice
KUCHERA_PIVOT = 271.16  # [K]
LEAST_SNOW_RATIO, GREATEST_SNOW_RATIO = 3.0, 35.0  # slush; the driest that is often measured


def saturation_vapour_pressure(temperature: Array) -> Array:
    """Return the vapour pressure [Pa] over water at `temperature` [K]. Source: Bolton 1980, MWR 108, 1046, eq. 10."""
    celsius = temperature - FREEZING
    return 611.2 * np.exp(17.67 * celsius / (celsius + 243.5))


def wet_bulb(temperature: Array, relative_humidity: Array, pressure: Array) -> Array:
    """Return the wet-bulb temperature [K], over water, of air at `temperature` [K], `relative_humidity` [1], `pressure` [Pa].

    Isobaric: cp (T - Tw) = L (w_s(Tw) - w), solved by six steps of Newton; within 0.3 K of MetPy's adiabatic value, whose iteration is
    a thousand times slower. Stull 2011 holds at sea level only and reads up to 0.5 K wrong at 850 hPa.
    Source: Rogers & Yau 1989, A Short Course in Cloud Physics, eq. 2.22.
    """
    humidity = np.clip(relative_humidity, 0.0, 1.0)

    def mixing_ratio(vapour: Array) -> Array:
        return 0.622 * vapour / (pressure - vapour)

    target = mixing_ratio(humidity * saturation_vapour_pressure(temperature))
    found = np.asarray(temperature, dtype=float)
    for _ in range(6):
        saturated = mixing_ratio(saturation_vapour_pressure(found))
        slope = saturated * 17.67 * 243.5 / (found - FREEZING + 243.5) ** 2
        excess = HEAT_CAPACITY * (found - temperature) + LATENT_HEAT * (saturated - target)
        found = found - excess / (HEAT_CAPACITY + LATENT_HEAT * slope)
    return np.minimum(found, temperature)


def snow_fraction(freezing_level_above: Array, cloud_top_temperature: Array) -> Array:
    """Return the part [1] of what falls that reaches the ground as snow.

    freezing_level_above: 0 degree level less the ground [m]; cloud_top_temperature [K], NaN (no cloud found): read as cold enough.
    Linear between the criteria. Source: Beijing, Meteorological Monthly 2022, 48(6), 746-759.
    """
    unmelted = np.clip((MELTING_ENDS - freezing_level_above) / (MELTING_ENDS - MELTING_STARTS), 0, 1)
    ice = np.clip((ICE_ABSENT - cloud_top_temperature) / (ICE_ABSENT - ICE_CERTAIN), 0, 1)
    return unmelted * np.where(np.isnan(cloud_top_temperature), 1.0, ice)


def snow_ratio(warmest: Array) -> Array:
    """Return the depth of new snow to that of its water [1], from the warmest temperature [K] between ground and 500 hPa.

    12 + 2 (271.16 - T) where that is above 271.16 K, 12 + (271.16 - T) below; kept between 3 and 35.
    Source: E. Kuchera, US Air Force Weather Agency, as used by the US National Weather Service.
    """
    below = KUCHERA_PIVOT - warmest
    return np.clip(12 + np.where(below < 0, 2 * below, below), LEAST_SNOW_RATIO, GREATEST_SNOW_RATIO)
