"""Formulas of falling snow, rime and cold, each with its source; arrays in SI, NaN in NaN out.

Fits are to Mount Washington (1917 m), winters that begin in an even year; tests/science/snow.py
verifies them on the other winters.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from forecast.quantities import RIME_FORMS, SNOW_CLASSES
from forecast.science.arrays import Mask
from forecast.science.thermodynamics import FREEZING, Array

# -- new snow

# [1] depth of new snow to that of its water at 0 degC in calm air; fitted with the next and
# RATIO_WITH_WIND
RATIO_AT_FREEZING = 6.4
RATIO_PER_KELVIN = 0.073  # [K-1] by how much its logarithm grows for each kelvin of cold
# [K] temperature down to which it grows: there crystals branch most
RATIO_COLDEST = FREEZING - 15.0
RATIO_WITH_WIND = 0.48  # [1] power of the wind over DRIFTING by which it falls
# [m s-1] wind from which dry snow drifts and breaks: Li & Pomeroy 1997, J. Appl. Meteor. 36, 205
DRIFTING = 7.7
RATIO_WARMEST = FREEZING + 2.0  # [K] slush lies no wetter than at this temperature
# [1] of slush; of the driest that is often measured
LEAST_SNOW_RATIO, GREATEST_SNOW_RATIO = 3.0, 35.0
GREATEST_NEW_RATIO = 50.0  # [1] of the driest that is ever measured
# [ln] standard deviation of what is measured about that, on the days it was fitted on
RATIO_SPREAD = 0.38
# [ln] its part in the cold with much water; set with the three below, on the same winters: eight in
# ten lie inside
SPREAD_COLD = 0.34
# [K-1] more for each kelvin above SPREAD_FROM: riming, wet flakes, rain between
SPREAD_PER_KELVIN = 0.05
SPREAD_FROM = FREEZING - 7.0  # [K] temperature from which on the ratio spreads more
# [kg m-2] what a gauge does not catch or show: over the water that fell it is a part of the spread
SPREAD_GAUGE = 0.5
TENTHS = 1.2816  # [1] standard deviations from the middle to the 10 % and the 90 % quantile

# [ln] of the water forecast for a day: it errs by a factor of 1.8 either way (check: GFS over
# northern China)
WATER_SPREAD = 0.6
# [m] of snow added to forecast and threshold: where none is forecast some falls all the same
# (check)
BACKGROUND = 0.002
# [ln] of the depth of new snow: ratio and water together
SNOW_SPREAD = float(np.hypot(RATIO_SPREAD, WATER_SPREAD))


def snow_ratio(temperature: Array, wind_speed: Array) -> Array:
    """Return the ratio of snow depth to water depth [1] of new snow.

    temperature [K] and mean wind_speed [m s-1] at the site. The ratio grows in the cold down to
    where crystals branch most and falls where wind breaks the crystals; an unknown wind counts as
    calm. Source: 459 days of Mount Washington with 25 mm of snow or more (form after Pahaut 1976:
    temperature and wind).
    """
    cold = FREEZING - np.clip(temperature, RATIO_COLDEST, RATIO_WARMEST)
    drifting = np.maximum(np.nan_to_num(wind_speed), DRIFTING) / DRIFTING
    return np.clip(
        RATIO_AT_FREEZING * np.exp(RATIO_PER_KELVIN * cold) * drifting**-RATIO_WITH_WIND,
        LEAST_SNOW_RATIO,
        GREATEST_SNOW_RATIO,
    )


def ratio_interval(ratio: Array, temperature: Array, water: Array) -> tuple[Array, Array]:
    """Return the 10 % and 90 % quantiles [1] of the measured snow ratio.

    The ratio divided and multiplied by a factor, 1.6 in the cold. temperature: mean of the day [K];
    water: of the snow [kg m-2]. NaN where one of them is unknown or nothing falls.
    """
    warm = SPREAD_COLD + SPREAD_PER_KELVIN * np.clip(
        np.asarray(temperature) - SPREAD_FROM, 0.0, RATIO_WARMEST - SPREAD_FROM
    )
    gauge = SPREAD_GAUGE / np.where(np.asarray(water) > 0, water, np.nan)
    factor = np.exp(TENTHS * np.hypot(warm, np.minimum(gauge, 1.0)))
    return np.asarray(ratio) / factor, np.minimum(np.asarray(ratio) * factor, GREATEST_NEW_RATIO)


def chance_of_snow(new_snow: Array, least: float) -> Array:
    """Return the probability [1] of at least `least` [m] of new snow.

    new_snow: the forecast depth [m]. The true depth is log-normal around the forecast with the
    spreads of ratio and water together, after BACKGROUND is added to both: P = Phi(ln((D +
    BACKGROUND) / (least + BACKGROUND)) / SNOW_SPREAD). It rises with the forecast and falls with
    the threshold.
    """
    return ndtr(
        np.log((np.asarray(new_snow, dtype=float) + BACKGROUND) / (least + BACKGROUND))
        / SNOW_SPREAD
    )


def snow_class(water: Array) -> Array:
    """Return the class of a day's snowfall by its water [kg m-2]; NaN in, NaN out.

    0 none or scattered, 1 light ... 6 extreme snowstorm. Water counts in tenths, as it is measured.
    Source: GB/T 28592-2012, table 2 (24 h).
    """
    tenths = np.round(np.asarray(water, dtype=float), 1)
    return np.where(
        np.isnan(tenths), np.nan, np.searchsorted(np.array(SNOW_CLASSES), tenths, side="right")
    )


# -- rime

RIME_COLD = FREEZING - 0.5  # [K] warmer, drops do not freeze on (science.md 4)
# [1] cloud fraction at the site's height that forms rime like saturated air (check)
RIME_CLOUD = 0.5
RIME_LOST = FREEZING + 1.0  # [K] no hour warmer keeps it (science.md 4)
# [m s-1] soft rime hangs loosely: stronger wind shakes it off (science.md 4); hard rime is frozen
# on
FORCE_3 = 5.4
# [K] colder cloud holds no drops (Pruppacher & Klett 1997); at -30 degC Mount Washington rimes as
# at -10
RIME_GLACIATED = FREEZING - 38.0


def grows_rime(
    temperature: Array, humidity: Array, cloud: Array, wind_speed: Array
) -> tuple[Mask, Mask]:
    """Return where hard and where soft rime grows.

    temperature [K], humidity [1], cloud [1], wind_speed [m s-1]. Hard: supercooled cloud and wind
    above force 3. Soft: saturated air or cloud with wind of at most force 3.
    Source: Mount Washington, days with fog and a minimum below -0.5 degC: rime on 95 %, more with
    more wind (tests/science).
    """
    cold = (temperature < RIME_COLD) & (temperature >= RIME_GLACIATED)
    in_cloud = np.asarray(cloud) >= RIME_CLOUD
    calm = ~(np.asarray(wind_speed) > FORCE_3)
    return cold & in_cloud & ~calm, cold & calm & (in_cloud | (humidity >= RIME_FORMS))


# -- the cold

FROSTBITE_LONGEST = 1800.0  # [s] the formula's range
# [km h-1] the same of the wind at 10 m: in lighter wind it was not fitted, from 122 on it turns
# negative
FROSTBITE_WIND = (25.0, 80.0)
SUNNY_ENOUGH = 4.0  # [h] of sun on a good winter's day (check)
CALM_ENOUGH = 8.0  # [m s-1] mean wind of such a day at most: force 4 (check)
# [K] mean temperature that keeps snow; felt temperature that visitors stand (check)
COLD_ENOUGH, BEARABLE = FREEZING, FREEZING - 25.0
SNOW_ENOUGH = 0.03  # [m] depth of snow that is enough to look at and play on (check)


def frostbite_time(temperature: Array, wind_speed: Array) -> Array:
    """Return the time to frostbite [s] for the most susceptible 5 % of people.

    t = (2111 - 24.5 (0.667 V + 4.8)) (-4.8 - T)^-1.668 minutes, V [km/h] at 10 m, T [degC]. NaN
    above 30 minutes and where the wind is outside FROSTBITE_WIND: the formula does not hold there.
    Source: Environment Canada's wind chill programme (Tikuisis & Osczevski 2003, BAMS 84, 1356).
    """
    kilometres = 3.6 * np.asarray(wind_speed, dtype=float)
    below = -4.8 - (np.asarray(temperature, dtype=float) - FREEZING)
    seconds = (
        60
        * (2111 - 24.5 * (0.667 * kilometres + 4.8))
        * np.where(below > 1, below, np.nan) ** -1.668
    )
    lightest, strongest = FROSTBITE_WIND
    # 1e-9: 25 km/h in m/s is 25 km/h again
    valid = (kilometres >= lightest - 1e-9) & (kilometres <= strongest + 1e-9)
    return np.where(valid & (seconds <= FROSTBITE_LONGEST), seconds, np.nan)


def cold_resource(
    temperature: Array, felt: Array, depth: Array, sun_hours: Array, wind_speed: Array
) -> Array:
    """Return how many of four good conditions a winter day has, 0-4.

    Bearable cold, snow, sun, little wind. temperature: mean [K]; felt: lowest [K]; depth of snow
    [m]; sun_hours [h]; wind_speed: mean [m s-1]. Without snow at most 2; NaN where one is unknown.
    The thresholds are our own (check).
    """
    conditions = (
        (temperature <= COLD_ENOUGH) & (felt >= BEARABLE), depth >= SNOW_ENOUGH,
        sun_hours >= SUNNY_ENOUGH, wind_speed <= CALM_ENOUGH,
    )  # fmt: skip
    count = np.sum([np.asarray(good, dtype=float) for good in conditions], axis=0)
    known = np.isfinite(temperature + felt + depth + sun_hours + wind_speed)
    return np.where(known, np.where(conditions[1], count, np.minimum(count, 2.0)), np.nan)
