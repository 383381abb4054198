"""What is dangerous and what to wear, read from the weather of an event's window.

Each threshold is that of a published scale, named beside it; none of them is a warning: warnings belong to the authority.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from forecast.errors import ConfigError

Values = Mapping[str, float]
FREEZING = 273.15  # [K]
CLOTHING_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hazard:
    """A danger: its id, the value (SI) that shows it, and how far beyond the threshold that is."""

    id: str
    value: float
    severity: float
    rank: int


@dataclass(frozen=True, slots=True)
class Danger:
    """feature: whose value a reader is told. sign: +1 where more is worse, -1 where less is. holds: whether it is there."""

    feature: str
    sign: int
    holds: Callable[[Values, bool], bool]


def _thunder(values: Values, wet: bool) -> bool:
    """CAPE of 500 J/kg with rain, or 1500 J/kg by itself (a strongly unstable column)."""
    energy = values.get("convective_energy", 0.0)
    return energy >= 1500 or (energy >= 500 and values.get("precipitation", 0.0) >= 0.1)


DANGERS: Mapping[str, Danger] = MappingProxyType({
    "thunder": Danger("convective_energy", 1, _thunder),
    # GB/T 28591: force 8 begins at 17.2 m/s.
    "gale": Danger("gust", 1, lambda v, wet: v.get("gust", 0.0) >= 17.2),
    # GB/T 28592: heavy snow begins at 5.0 mm of water in a day.
    "heavy_snow": Danger("snow_water", 1, lambda v, wet: v.get("snow_water", 0.0) >= 5.0),
    # Environment and Climate Change Canada, wind chill: bare skin may freeze within 10-30 minutes from -28 degC.
    "extreme_cold": Danger("wind_chill", -1, lambda v, wet: v.get("wind_chill", FREEZING) <= 245.15),
    # A wet road below freezing: something fell within a day.
    "ice": Danger("temperature_minimum", -1, lambda v, wet: wet and v.get("temperature_minimum", FREEZING) < FREEZING),
    # GB/T 27964: dense fog (浓雾) is a visibility below 500 m.
    "fog": Danger("visibility", -1, lambda v, wet: v.get("visibility", 1e5) < 500),
})


def hazards(values: Values, wet: bool) -> tuple[Hazard, ...]:
    """Return what is dangerous in a window, in the order in which it is spoken of.

    values: the event's features (SI), unknown ones absent: what is unknown raises no alarm. wet: something fell within a day.
    """
    return tuple(
        Hazard(name, values[danger.feature], danger.sign * values[danger.feature], rank)
        for rank, (name, danger) in enumerate(DANGERS.items())
        if danger.holds(values, wet)
    )


# (felt temperature [degC] from which on, what to wear): settings of taste, one step a layer of clothing.
CLOTHING = ((24.0, "light"), (16.0, "thin"), (8.0, "jacket"), (0.0, "warm"), (-10.0, "down"), (-28.0, "heavy"))
COLDEST = "extreme"


def clothing(values: Values) -> str:
    """Return the id of what to wear, by the coldest felt temperature of the window."""
    felt = values.get("wind_chill", values.get("temperature_minimum"))
    if felt is None:
        return CLOTHING_UNKNOWN
    return next((name for least, name in CLOTHING if felt - FREEZING >= least), COLDEST)


def feature_of(hazard: str) -> str:
    """Return the feature whose value tells a hazard.

    Raises: ConfigError for an unknown hazard.
    """
    try:
        return DANGERS[hazard].feature
    except KeyError:
        raise ConfigError(f"unknown hazard {hazard!r}; known are {', '.join(DANGERS)}") from None
