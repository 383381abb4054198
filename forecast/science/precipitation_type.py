"""Type of precipitation, from the cloud's top and the wet bulb of the air below it.

Snow, sleet, rain, ice pellets or freezing rain. A snowflake has the temperature of the wet bulb, so
that dry air keeps it frozen below a warm 0 degree level. In order from the top:
- a cold cloud top makes ice, a warm one only drops (criterion of Beijing);
- a warm layer aloft melts by its energy, the cold layer below it refreezes by its own (Bourgouin
  2000);
- warm air at the ground melts by its wet bulb and by its depth, whichever melts more.
Drops that reach ground with a wet bulb below 0 degC freeze on it: freezing rain, or freezing
drizzle where there was no ice at all. Arrays in SI of any shape, NaN in NaN out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.quantities import LEAST_FREEZING_RAIN
from forecast.science.thermodynamics import FREEZING, GRAVITY, Array

# Beijing, Meteorological Monthly 2022, 48(6), 746-759: cloud top [K] at or below which it snows;
# from which there is no ice.
ICE_CERTAIN, ICE_ABSENT = 259.15, 269.15
# The same: 0 degree level above the ground [m] to which hardly any melts; from which all does. Read
# as that of the wet bulb: in the near saturated air of the cases behind it the two are one.
MELTING_STARTS, MELTING_ENDS = 100.0, 500.0
# Wet bulb at the ground [K] to which all is snow; from which none is. Half between, at 0.5-1.0
# degC: Ding et al. 2014, J. Hydrol. 513, 154, at 0.6 in Beijing 2010-2014
# (tests/science/precipitation.py), and the pack of Sion is best with these.
ALL_SNOW, NO_SNOW = FREEZING - 0.5, FREEZING + 1.5
# Bourgouin 2000, Wea. Forecasting 15, 583: energy of warm air [J kg-1] to which flakes stay dry;
# from which they are melted.
MELTING_ALOFT, MELTED_ALOFT = 2.0, 13.2
# [J kg-1] the same: energy of cold air from which drops freeze again to ice pellets, and
# REFREEZING_PER_MELTING
REFREEZING = 46.0
REFROZEN = 66.0  # [J kg-1] the same: from which all do, and REFREEZING_PER_MELTING
# [1] the same: part of the melting energy that is added to either
REFREEZING_PER_MELTING = 0.66
# [1] part of drops among flakes from which on they freeze on the ground; fewer are swept up by the
# flakes or are wet flakes themselves. Clouds that drizzle in frost have tops warmer than about -10
# degC: Rauber et al. 2000, J. Appl. Meteor. 39, 1185 (check).
DROPS_COUNT = 0.25


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers between ground and cloud top, by their wet bulb.

    melting: energy of the warm air aloft; refreezing: of the cold air below it [J kg-1];
    warm_depth: of the warm air at the ground [m], 0 where that is cold.
    """

    melting: Array
    refreezing: Array
    warm_depth: Array


@dataclass(frozen=True, slots=True)
class PrecipitationTypes:
    """Parts [1] of the precipitation by type at the ground; they add to 1.

    freezing: drops that freeze on the ground.
    """

    snow: Array
    pellets: Array
    freezing: Array
    rain: Array


def layers(
    wet_bulb: Array, heights: Array, ground: Array, bulb_at_ground: Array, top: Array
) -> Layers:
    """Return the warm and cold layers between `ground` [m] (...) and the cloud's `top` [m].

    bulb_at_ground [K] (...); top NaN: no bound. wet_bulb [K], heights [m] (..., level), rising;
    levels below the ground, above the top or unknown are ignored. Energy is g / T0 times the area
    between the profile (straight between levels) and 0 degC. All warm air above the lowest cold
    layer melts; only that cold layer refreezes. NaN where the ground is unknown.
    """
    ground = np.broadcast_to(np.asarray(ground, dtype=float), np.shape(bulb_at_ground))
    low, low_height = np.asarray(bulb_at_ground, dtype=float) - FREEZING, ground
    scale = np.where(np.isnan(low), np.nan, GRAVITY / FREEZING)
    # 0: in the ground's warm air, 1: in the cold layer over it, 2: above that
    place = np.where(low < 0, 1, 0)
    melting, refreezing, depth = (np.zeros(low.shape) for _ in range(3))
    for k in range(wet_bulb.shape[-1]):
        inside = (
            np.isfinite(wet_bulb[..., k])
            & (heights[..., k] > low_height)
            & ~(heights[..., k] > top)
        )
        high = np.where(inside, wet_bulb[..., k] - FREEZING, low)
        thick = np.where(inside, heights[..., k] - low_height, 0.0)
        warm, cold, warm_part = _areas(low, high)
        depth += np.where(place == 0, warm_part * thick, 0.0)
        place = np.where((place == 0) & (high < 0), 1, place)
        refreezing += np.where(place == 1, cold * thick, 0.0)
        place = np.where((place == 1) & (high >= 0), 2, place)
        melting += np.where(place == 2, warm * thick, 0.0)
        low, low_height = high, low_height + thick
    return Layers(melting * scale, refreezing * scale, np.where(np.isnan(scale), np.nan, depth))


def _areas(low: Array, high: Array) -> tuple[Array, Array, Array]:
    """Return the mean warm and cold side [K] of a line between two values [degC].

    And its warm part [1].
    """
    apart = np.abs(high - low)
    crosses = (low < 0) != (high < 0)
    above, below = np.maximum(np.maximum(low, high), 0.0), np.maximum(-np.minimum(low, high), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        warm = np.where(crosses, above**2 / (2 * apart), np.maximum(low + high, 0.0) / 2)
        cold = np.where(crosses, below**2 / (2 * apart), np.maximum(-low - high, 0.0) / 2)
        part = np.where(crosses, above / apart, np.where(low < 0, 0.0, 1.0))
    return warm, cold, part


def precipitation_types(
    wet_bulb: Array, cloud_top: Array | float = np.nan, column: Layers | None = None
) -> PrecipitationTypes:
    """Return the parts of precipitation by type at a ground `wet_bulb` [K].

    cloud_top [K]; NaN (no cloud found) counts as cold enough for ice. Without a `column` the wet
    bulb at the ground alone decides between snow and rain.
    """
    bulb = np.asarray(wet_bulb, dtype=float)
    ice = np.where(np.isnan(cloud_top), 1.0, _part(cloud_top, ICE_CERTAIN, ICE_ABSENT))
    kept: Array = fraction_by_wet_bulb(bulb)
    melted: Array = np.zeros(bulb.shape)
    refrozen: Array = np.zeros(bulb.shape)
    if column is not None:
        kept = np.minimum(kept, _part(column.warm_depth, MELTING_STARTS, MELTING_ENDS))
        melted = 1 - _part(column.melting, MELTING_ALOFT, MELTED_ALOFT)
        eased = REFREEZING_PER_MELTING * column.melting
        refrozen = 1 - _part(column.refreezing - eased, REFREEZING, REFROZEN)
    snow, pellets = ice * (1 - melted) * kept, ice * melted * refrozen * kept
    drops = 1 - ice * (1 - melted) - ice * melted * refrozen  # what reaches the lowest air as drops
    freezing = np.where(
        np.isnan(bulb), np.nan, np.where((bulb < FREEZING) & (drops >= DROPS_COUNT), drops, 0.0)
    )
    return PrecipitationTypes(
        snow, pellets, freezing, np.maximum(1 - snow - pellets - freezing, 0.0)
    )


def fraction_by_wet_bulb(wet_bulb: Array) -> Array:
    """Return the part [1] of falling snow that is not melted at a ground wet bulb [K], linear."""
    return _part(wet_bulb, ALL_SNOW, NO_SNOW)


def _part(value: Array | float, whole: float, none: float) -> Array:
    """Return 1 up to `whole`, 0 from `none`, linear between."""
    return np.clip((none - np.asarray(value, dtype=float)) / (none - whole), 0, 1)


# -- the type of a day

DRY, RAIN, SLEET, SNOW, ICE_PELLETS, FREEZING_RAIN = range(6)
# [1] part of the smaller of rain and snow from which on it is sleet; of ice pellets to be named
# (ours)
MIXED = 0.25


def type_of_day(total: Array, snow: Array, pellets: Array, freezing: Array) -> Array:
    """Return the type of a day's precipitation by its amounts [kg m-2]; NaN where unknown.

    The most dangerous type with a significant amount.
    """
    measured = np.maximum(total, LEAST_FREEZING_RAIN)
    choices = (
        (np.isnan(total), np.nan), (freezing >= LEAST_FREEZING_RAIN, FREEZING_RAIN),
        (total < LEAST_FREEZING_RAIN, DRY), (np.isnan(snow + freezing), np.nan),
        (pellets >= MIXED * measured, ICE_PELLETS), (snow > (1 - MIXED) * measured, SNOW),
        (snow >= MIXED * measured, SLEET),
    )  # fmt: skip
    return np.select(
        [truth for truth, _ in choices],
        [np.asarray(code, dtype=float) for _, code in choices],
        RAIN,
    )
