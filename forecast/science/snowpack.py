"""Snow on the ground from day to day: water, depth and density under settling, melt and rain.

`next_day` is a pure function of the pack and of the forcing of a day (or a part of one), on arrays
of any shape (sites, cells, members). The pack settles, the slower the colder, and a thawing one the
denser the deeper it is; new snow is added on top (its ratio is that of a day's end, so it has
settled already); then warm air and rain melt it. Melt reduces depth and water in one proportion.
There is no drift and no sublimation, and meltwater leaves the pack.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.science.thermodynamics import FREEZING, Array

# [J kg-1] heat that melts ice; [J kg-1 K-1] heat that warms water
FUSION, WATER_HEAT = 3.34e5, 4186.0
LEAST_DENSITY, GREATEST_DENSITY = 30.0, 600.0  # [kg m-3] of the lightest new snow; old firn
PELLETS_RATIO = 3.0  # [1] depth of ice pellets to their water: that of slush (check)
# [kg m-3] of a pack whose depth alone is known (settled snow: Cuffey & Paterson 2010, table 2.1)
USUAL_DENSITY = 200.0


@dataclass(frozen=True, slots=True)
class Physics:
    """Parameters of the pack: the density to which it settles, how fast, and how it melts."""

    # [kg m-3] of a cold pack in the end: Verseghy 1991, Int. J. Climatol. 11, 111
    settled_dry: float = 300.0
    # [kg m-3] of a thawing pack in the end, however deep: Brown et al. 2006, Atmos.-Ocean 44, 223,
    # after Tabler et al. 1990; of 10 cm 417, of 1 m 542. Of 400 for all depths, and of 600, 700 and
    # 800 with the two below, Sion, winters 1958-1974, has the least error with 700.
    settled_wet: float = 700.0
    # [kg m-2] what a deep pack lacks of that density, over its depth: same source
    shallower: float = 204.7
    # [m] depth from which a pack is deep: same source
    depth_scale: float = 0.673
    # [day] in which all but 1/e of the way there is made: Verseghy 1991; Douville et al. 1995,
    # Clim. Dyn. 12, 21
    settling: float = 4.2
    # [K-1] by how much the rate's logarithm falls for each kelvin below 0 degC, as cold snow is
    # stiffer: Anderson 1976, NOAA Tech. Rep. NWS 19, of snow's viscosity.
    stiffening: float = 0.08
    # [m3 kg-1 K-1 day-1] part of the pack that melts in a degree-day, for each kg m-3 of its
    # density: denser snow is older, darker and wetter. Water over density is 0.011 on daily means
    # in Martinec 1960, IASH Publ. 51, 468; here the warm hours of cold days count too. Sion,
    # winters 1958-1974, has the least error with this, of 0.0025, 0.0035 and 0.005.
    melting: float = 0.0035


USUAL = Physics()


@dataclass(frozen=True, slots=True)
class Pack:
    """Snow on the ground: water [kg m-2] and depth [m], arrays of one shape, both 0 or neither."""

    water: Array
    depth: Array

    @property
    def density(self) -> Array:
        """[kg m-3]; NaN where no snow lies."""
        return np.where(
            self.depth > 0, self.water / np.where(self.depth > 0, self.depth, 1.0), np.nan
        )


@dataclass(frozen=True, slots=True)
class DayForcing:
    """The forcing of a day or a part of one.

    snow_water, rain [kg m-2]; new_snow [m], as deep as it falls; thaw: degree-days above 0 degC
    [K day]; rain_temperature [K].
    """

    snow_water: Array
    new_snow: Array
    rain: Array
    thaw: Array
    rain_temperature: Array

    @classmethod
    def of(
        cls,
        fallen: Array,
        snow: Array,
        pellets: Array,
        ratio: Array,
        ends: tuple[Array, Array],
        span: Array | float = 1.0,
    ) -> DayForcing:
        """Return the forcing of `span` [day] from precipitation amounts and temperatures.

        Of `fallen` [kg m-2], `snow` is as deep as its `ratio`, `pellets` are ice pellets, the rest
        is rain. ends: lowest and highest temperature [K]; rain has their mean.
        """
        lowest, highest = ends
        deep = (snow * ratio + pellets * PELLETS_RATIO) / 1000
        return cls(
            snow + pellets,
            deep,
            fallen - snow - pellets,
            thaw_of(lowest, highest) * span,
            (lowest + highest) / 2,
        )

    def at(self, time: int) -> DayForcing:
        """Return the forcing at one index of the last axis (..., time)."""
        return DayForcing(*(getattr(self, name)[..., time] for name in self.__slots__))


def next_day(
    pack: Pack, day: DayForcing, span: float = 1.0, physics: Physics = USUAL
) -> tuple[Pack, Array]:
    """Return the pack `span` days later and its meltwater [kg m-2]; NaN in, NaN out.

    Rain runs through. The gain of the pack is the snow less the melt, to rounding.
    """
    old = _settled(pack, day, span, physics)
    laid = np.clip(day.new_snow, day.snow_water / GREATEST_DENSITY, day.snow_water / LEAST_DENSITY)
    water, depth = pack.water + day.snow_water, pack.water / old + laid
    density = water / np.where(depth > 0, depth, 1.0)
    rain_melts = day.rain * WATER_HEAT * np.maximum(day.rain_temperature - FREEZING, 0.0) / FUSION
    melt = np.minimum(physics.melting * density * day.thaw + rain_melts, water)
    left = water - melt
    return Pack(left, left / np.where(density > 0, density, 1.0)), melt


def _settled(pack: Pack, day: DayForcing, span: float, physics: Physics) -> Array:
    """Return the density [kg m-3] `span` days later; it never decreases.

    It approaches the settled density by the factor 1 - exp(-rate span). With the air's temperature
    the rate is that of the pack's upper part, which settles most.
    """
    density = np.nan_to_num(pack.density)
    scaled = np.maximum(pack.depth, 1e-6) / physics.depth_scale
    part = -np.expm1(-scaled) / scaled
    wet = physics.settled_wet - physics.shallower / physics.depth_scale * part
    goal = np.maximum(np.where(day.thaw > 0, wet, physics.settled_dry), density)
    cold = np.maximum(FREEZING - day.rain_temperature, 0.0)
    rate = np.exp(-physics.stiffening * cold) / physics.settling
    return np.asarray(goal - (goal - density) * np.exp(-rate * span))


def thaw_of(lowest: Array, highest: Array) -> Array:
    """Return the degree-days above 0 degC [K day] of a day with a sinusoidal temperature [K].

    Source: Lindsey & Newman 1956, MWR 84, 185 (the area of a sine above a threshold).
    """
    middle, swing = (lowest + highest) / 2 - FREEZING, np.maximum((highest - lowest) / 2, 1e-6)
    angle = np.arccos(np.clip(-middle / swing, -1, 1))
    return np.where(middle <= -swing, 0.0, (middle * angle + swing * np.sin(angle)) / np.pi)
