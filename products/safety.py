"""Hazards from the weather of whole days, and clothing from the weather of an event's window.

Each threshold is that of a published scale, named beside it. None of them is a warning: warnings
are issued by the authority.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from forecast.domain import DayWeather
from forecast.errors import ConfigError
from forecast.quantities import FREEZING, LEAST_FREEZING_RAIN, SNOW_CLASSES
from products.units import UNITS

Values = Mapping[str, float]
WET = 0.1  # [kg m-2] precipitation from which a day is wet
# [1] coverage from which a day counts as whole: rounding, 9 seconds of a day
WHOLE = 0.9999
CLOTHING_UNKNOWN = "unknown"
# The unit in which a feature is shown: it is rounded so before it is compared with a threshold.
SHOWN_IN = {
    "gust": "wind",
    "wind_speed_at_site": "wind",
    "snow_water": "snow",
    "wind_chill": "celsius",
}


@dataclass(frozen=True, slots=True)
class Hazard:
    """A hazard: its id, its value (SI), and the value as severity (more is worse)."""

    id: str
    value: float
    severity: float
    rank: int


@dataclass(frozen=True, slots=True)
class HazardRule:
    """How a hazard is found.

    feature: the value shown to readers. sign: +1 where more is worse, -1 where less is. holds:
    whether the hazard is there. needs: what must be known, beside `feature`, to exclude it.
    """

    feature: str
    sign: int
    holds: Callable[[Values, bool], bool]
    needs: tuple[str, ...] = ()


def _thunder(values: Values, wet: bool) -> bool:
    """CAPE of 500 J/kg with rain, or 1500 J/kg by itself (a strongly unstable column)."""
    energy = values.get("convective_energy", 0.0)
    return energy >= 1500 or (energy >= 500 and values.get("precipitation", 0.0) >= 0.1)


def _strong_wind(values: Values, wet: bool) -> bool:
    gust = values.get("gust")
    return (
        gust is not None
        and gust < 17.2
        and (gust >= 13.9 or values.get("wind_speed_at_site", 0.0) >= 10.8)
    )


# fmt: off
HAZARDS: Mapping[str, HazardRule] = MappingProxyType({
    "thunder": HazardRule("convective_energy", 1, _thunder, ("precipitation",)),
    # Freezing rain glazes roads, steps and trees from the least measurable amount on.
    "freezing_rain": HazardRule("freezing_rain", 1, lambda v,
                            wet: v.get("freezing_rain", 0.0) >= LEAST_FREEZING_RAIN,
                            ("precipitation",)),
    # GB/T 28591: force 8 begins at 17.2 m/s.
    "gale": HazardRule("gust", 1, lambda v, wet: v.get("gust", 0.0) >= 17.2),
    # China Meteorological Administration, blue warning of gales: mean wind of force 6 (10.8 m/s) or
    # gusts of force 7 (13.9 m/s).
    "wind": HazardRule("gust", 1, _strong_wind, ("wind_speed_at_site",)),
    # GB/T 28592: heavy snow is the third class of a day.
    "heavy_snow": HazardRule("snow_water", 1, lambda v,
                         wet: v.get("snow_water", 0.0) >= SNOW_CLASSES[2]),
    # Environment and Climate Change Canada, wind chill: bare skin may freeze within 10-30 minutes
    # from -28 degC.
    "extreme_cold": HazardRule("wind_chill", -1, lambda v,
                           wet: v.get("wind_chill", FREEZING) <= 245.15),
    # A wet road below freezing: something fell within a day.
    "ice": HazardRule("temperature_minimum", -1, lambda v,
                  wet: wet and v.get("temperature_minimum", FREEZING) < FREEZING,
                  ("precipitation",)),
    # GB/T 27964: dense fog (浓雾) is a visibility below 500 m.
    "fog": HazardRule("visibility", -1, lambda v, wet: v.get("visibility", 1e5) < 500),
})
# fmt: on


# Hazards that close roads or endanger life: on such a day nothing is recommended. Beside each, the
# warning by which roads, scenic areas or mountain paths are closed. Strong wind (the blue level) is
# not among them: visitors are warned, not turned back.
CLOSING: Mapping[str, str] = MappingProxyType({
    "thunder": "CMA warning signals (order 16 of 2007): lightning, stay indoors",
    "freezing_rain": "CMA warning signals: road icing, orange: roads are closed in time",
    "gale": "CMA warning signals: gale, yellow (force 8): stop outdoor and high-altitude activity",
    "heavy_snow": "CMA warning signals: snowstorm; GB/T 28592 heavy snow blocks mountain roads",
    "extreme_cold": "Environment Canada: bare skin freezes within 10-30 minutes",
    "ice": "CMA warning signals: road icing, yellow: traffic is impaired or stopped",
    "fog": "CMA warning signals: dense fog, yellow (below 500 m): roads may be closed",
})  # fmt: skip


def closes(found: Iterable[Hazard]) -> bool:
    """Return whether a hazard closes roads or endangers life (CLOSING)."""
    return any(hazard.id in CLOSING for hazard in found)


def hazards(values: Values, wet: bool) -> tuple[Hazard, ...]:
    """Return the hazards of a day, in the order of HAZARDS.

    values: the day's weather (SI). An unknown one is absent or NaN and raises no hazard; see
    `assess_hazards`. wet: there was precipitation on that day or the day before.
    """
    known = {name: _as_shown(name, value) for name, value in values.items() if math.isfinite(value)}
    return tuple(
        Hazard(name, known[danger.feature], danger.sign * known[danger.feature], rank)
        for rank, (name, danger) in enumerate(HAZARDS.items())
        if danger.holds(known, wet)
    )


def _as_shown(feature: str, value: float) -> float:
    unit = SHOWN_IN.get(feature)
    return value if unit is None else UNITS[unit].as_shown(value)


def assess_hazards(
    weather: DayWeather | None, before: DayWeather | None
) -> tuple[tuple[Hazard, ...], tuple[str, ...]]:
    """Return the hazards of a day, and the ids of the hazards that cannot be assessed.

    before: the weather of the day before. Without weather no hazard is found and none is excluded;
    a feature that is known for a part of the hours raises a hazard and excludes none.
    """
    if weather is None:
        return (), tuple(HAZARDS)
    values = weather.values
    amounts = [values.get("precipitation", math.nan), values.get("rain_before", math.nan)]
    if before is not None:
        amounts.append(before.values.get("precipitation", math.nan))
    wet = any(amount >= WET for amount in amounts)

    def whole(day: DayWeather, feature: str) -> bool:
        known = math.isfinite(day.values.get(feature, math.nan))
        return known and feature not in day.partial

    day_before = whole(weather, "rain_before") or (
        before is not None and before.covered >= WHOLE and whole(before, "precipitation")
    )
    dry = whole(weather, "precipitation") and day_before and not wet
    found = hazards(values, wet)
    there = {hazard.id for hazard in found}
    warm = values.get("temperature_minimum", math.nan) >= FREEZING
    frost = not (warm and whole(weather, "temperature_minimum"))

    def excluded(name: str, danger: HazardRule) -> bool:
        known = all(whole(weather, feature) for feature in (danger.feature, *danger.needs))
        return weather.covered >= WHOLE and known and (name != "ice" or dry or not frost)

    stronger = {"wind": "gale"}  # a gale includes strong wind
    not_assessed = (
        name
        for name, danger in HAZARDS.items()
        if not there & {name, stronger.get(name, name)} and not excluded(name, danger)
    )
    return found, tuple(not_assessed)


def worst(found: Iterable[Hazard]) -> tuple[Hazard, ...]:
    """Return one hazard of each id, the strongest, in the order of HAZARDS."""
    strongest: dict[str, Hazard] = {}
    for hazard in found:
        held = strongest.get(hazard.id)
        if held is None or hazard.severity > held.severity:
            strongest[hazard.id] = hazard
    return tuple(sorted(strongest.values(), key=lambda hazard: hazard.rank))


# (felt temperature [degC] from which on, clothing): our own choice, one step a layer of clothing.
CLOTHING = (
    (24.0, "light"),
    (16.0, "thin"),
    (8.0, "jacket"),
    (0.0, "warm"),
    (-10.0, "down"),
    (-28.0, "heavy"),
)
COLDEST = "extreme"


def clothing(values: Values) -> str:
    """Return the id of the clothing, by the coldest felt temperature of the window."""
    felt = values.get("wind_chill", values.get("temperature_minimum"))
    if felt is None:
        return CLOTHING_UNKNOWN
    celsius = felt - FREEZING
    # as it is shown: in whole degrees, and a light frost not as 0 (products/units.py)
    degrees = celsius if -0.5 <= celsius < 0 else round(celsius)
    return next((name for least, name in CLOTHING if degrees >= least), COLDEST)


def feature_of(hazard: str) -> str:
    """Return the feature whose value is shown for a hazard.

    Raises: ConfigError for an unknown hazard.
    """
    try:
        return HAZARDS[hazard].feature
    except KeyError:
        raise ConfigError(f"unknown hazard {hazard!r}; known are {', '.join(HAZARDS)}") from None
