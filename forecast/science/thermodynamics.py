"""Heat, moisture and cloud fraction: formulas with their sources, and the constants they share.

Arrays in SI, NaN in NaN out. All is plain numpy, so that a run loads no MetPy (two seconds of CPU)
and finds the wet bulb of every level, site and hour (MetPy's iteration is a thousand times slower).
Unit tests compare each formula with MetPy; the desk's soundings are drawn with it.
"""

from __future__ import annotations

import numpy as np

from forecast.quantities import FREEZING as FREEZING
from forecast.science.arrays import Array as Array

# -- constants of the air

GRAVITY = 9.80665  # [m s-2] standard gravity. Source: ISO 2533:1975, table 1
# [J kg-1 K-1] specific gas constant of dry air. Source: ISO 2533:1975, table 1 (287.05287)
DRY_AIR_CONSTANT = 287.05
# [K m-1] by which air cools with height in the standard troposphere. Source: ISO 2533:1975, table 4
LAPSE_RATE = 0.0065
# [J kg-1] latent heat of vaporisation at 0 degC; [J kg-1 K-1] of dry air at constant pressure
LATENT_HEAT, HEAT_CAPACITY = 2.501e6, 1004.7

# [Pa] saturation vapour pressure over water at 0 degC. Source: Bolton 1980, MWR 108, 1046, eq. 10
SATURATION_AT_FREEZING = 611.2

# -- saturation: one constant for each meaning

# [1] relative humidity from which a station stands in cloud or fog, or its air is saturated: an
# automatic hygrometer reads 97-100 % there. Source: WMO-No. 8, Vol. I, chapter 4
SATURATED_AT_STATION = 0.97
# [1] relative humidity below which a station stands outside cloud; between the two it is unknown.
# Of the station alone; what humidity says of a grid box is CRITICAL_HUMIDITY (check)
OUT_OF_CLOUD_AT_STATION = 0.90
# [m] visibility below which it is fog. Source: WMO-No. 407, International Cloud Atlas; WMO-No. 306,
# code tables 4677 (42-49) and 4680 (30-35)
FOG_VISIBILITY = 1000.0
# [1] relative humidity beyond which haze counts as cloud: the growth of aerosol stops there. A
# property of the growth law, which diverges at 1, not of a hygrometer. Source: Haenel 1976, Adv.
# Geophys. 19, 73 (range of the law)
HAZE_WETTEST = 0.95

# [1] relative humidity at which a grid box begins to hold cloud: the mean of a box, lower than at a
# point. Against GFS's own cloud by level over the Tatra (August 2020, 92,000 boxes): bias +0.01
# and correlation 0.92; 0.80 gives +0.04 and 0.91, ECHAM's profile (0.9 at the ground, 0.7 aloft)
# +0.05 and 0.90
CRITICAL_HUMIDITY = 0.85


def maximum_random_overlap(cover: Array) -> Array:
    """Return the total cover (...) [1] of cloud layers (..., level) [1] in vertical order.

    Adjacent cloudy layers overlap as far as possible, layers separated by clear air at random. A
    NaN layer counts as clear; where every layer is NaN the total is NaN.
    Source: Geleyn & Hollingsworth 1979, Beitr. Phys. Atmosph. 52; Raisanen 1998, MWR 126, 3044,
    eq. 1: 1 - C = prod_k (1 - max(c_k, c_{k-1})) / (1 - c_{k-1}).
    """
    known = np.nan_to_num(cover, nan=0.0)
    before = np.concatenate([np.zeros_like(known[..., :1]), known[..., :-1]], axis=-1)
    overcast = (known >= 1.0).any(axis=-1)
    clear = np.prod(
        (1 - np.maximum(known, before)) / np.where(before >= 1, 1.0, 1 - before), axis=-1
    )
    total = np.where(overcast, 1.0, 1.0 - clear)
    return np.where(np.isnan(cover).all(axis=-1), np.nan, total)


def cloud_from_humidity(relative_humidity: Array, critical: float = CRITICAL_HUMIDITY) -> Array:
    """Return the cloud fraction [1] of a grid box at a mean relative humidity [1].

    Source: Sundqvist, Berge & Kristjansson 1989, MWR 117, 1641, eq. 2.3:
    C = 1 - sqrt((1 - U) / (1 - U00)).
    """
    scaled = np.clip((1 - np.minimum(relative_humidity, 1.0)) / (1 - critical), 0, 1)
    return 1 - np.sqrt(scaled)


# -- heat and moisture


def dew_point(temperature: Array, relative_humidity: Array) -> Array:
    """Return the dew point [K] of air at `temperature` [K] and `relative_humidity` [1].

    It is never above the temperature; humidity below 0.1 % counts as 0.1 %.
    Source: Bolton 1980, MWR 108, 1046, eq. 11, the inverse of `saturation_vapour_pressure`.
    """
    humidity = np.clip(relative_humidity, 0.001, 1.0)
    vapour = humidity * saturation_vapour_pressure(temperature)
    log_ratio = np.log(vapour / SATURATION_AT_FREEZING)
    found = FREEZING + 243.5 * log_ratio / (17.67 - log_ratio)
    return np.asarray(np.minimum(found, temperature))


def wind_chill(temperature: Array, wind_speed: Array) -> Array:
    """Return the wind chill [K] at `temperature` [K] and `wind_speed` [m s-1] at 10 m.

    Valid up to 10 degC and from 4.8 km/h (3 mph); elsewhere it is the temperature. It is never
    above the temperature. Source: Osczevski & Bluestein 2005, BAMS 86, 1453, eq. 3 (in km/h).
    """
    celsius = temperature - FREEZING
    cooling = np.maximum(wind_speed * 3.6, 0.0) ** 0.16
    felt = FREEZING + 13.12 + 0.6215 * celsius - (11.37 - 0.3965 * celsius) * cooling
    valid = (temperature <= 283.15) & (wind_speed * 3.6 >= 4.8)
    return np.where(
        np.isnan(wind_speed), np.nan, np.where(valid, np.minimum(felt, temperature), temperature)
    )


def saturation_vapour_pressure(temperature: Array) -> Array:
    """Return the saturation vapour pressure [Pa] over water at `temperature` [K].

    Source: Bolton 1980, MWR 108, 1046, eq. 10.
    """
    celsius = temperature - FREEZING
    return SATURATION_AT_FREEZING * np.exp(17.67 * celsius / (celsius + 243.5))


def specific_humidity(temperature: Array, relative_humidity: Array, pressure: Array) -> Array:
    """Return the specific humidity [1] of air at `temperature` [K] and `pressure` [Pa].

    relative_humidity [1], over water.
    """
    vapour = relative_humidity * saturation_vapour_pressure(temperature)
    return 0.622 * vapour / (pressure - 0.378 * vapour)


def wet_bulb(temperature: Array, relative_humidity: Array, pressure: Array) -> Array:
    """Return the wet-bulb temperature [K] over water.

    Of air at `temperature` [K], `relative_humidity` [1] and `pressure` [Pa]. Isobaric: cp (T - Tw)
    = L (w_s(Tw) - w), solved by six steps of Newton. From 600 to 1000 hPa it is above MetPy's
    adiabatic value (whose iteration is a thousand times slower), most in dry air: by at most 0.3 K
    up to 0 degC, 0.4 K to 10, 0.6 K to 20, 0.8 K to 30 and 1.1 K to 50 degC. It is below the
    psychrometer of WMO-No. 8 (annex 4.B), by at most 0.1, 0.2, 0.3 and 0.6 K up to 10, 20, 30 and
    50 degC. Stull 2011 holds at sea level only and is up to 0.5 K wrong at 850 hPa.
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
