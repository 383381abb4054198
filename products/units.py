"""Units of display: SI values as numbers of a table, and rounded as a sentence for the public has
them.

A number leaves SI here. The words around it stand in templates/text.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from forecast.quantities import FREEZING, SNOW_CLASSES

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Display:
    """How a quantity is shown: value * factor + offset, rounded to `decimals`.

    whole_from: from this size on it is rounded to whole numbers.
    """

    factor: float = 1.0
    offset: float = 0.0
    decimals: int = 0
    whole_from: float = math.inf

    def _number(self, value: float) -> tuple[float, int]:
        """Return the number that is shown, and with how many decimals."""
        shown = value * self.factor + self.offset
        if abs(shown) >= self.whole_from:
            return round(shown, 0), 0
        number = round(shown, self.decimals)
        return (number, self.decimals) if number else (0.0, 0)

    def shown(self, value: float) -> float:
        """Return a value (SI) as the number that a reader sees."""
        return self._number(value)[0]

    def text(self, value: float) -> str:
        number, decimals = self._number(value)
        return f"{number:.{decimals}f}".replace("-", MINUS)

    def as_shown(self, value: float) -> float:
        """Return a value (SI) as a reader sees it, rounded, in SI again.

        What is graded is rounded first, so that the number and its grade never contradict.
        """
        return (
            (self._number(value)[0] - self.offset) / self.factor if math.isfinite(value) else value
        )


# fmt: off
UNITS: Mapping[str, Display] = MappingProxyType({
    "celsius": Display(offset=-273.15),
    "warmth": Display(decimals=1),
    "percent": Display(100),
    "metre": Display(),
    "kilometre": Display(0.001, decimals=1, whole_from=9.95),
    "visibility": Display(0.001, decimals=1, whole_from=4.95),
    "centimetre": Display(100, decimals=1, whole_from=9.95),
    "millimetre": Display(decimals=1, whole_from=99.5),
    "snow": Display(decimals=1, whole_from=99.5),  # water of snowfall, as its classes are graded
    "wind": Display(decimals=1),
    "speed": Display(decimals=1),
    "hour": Display(),
    "lead": Display(1 / 24),  # h -> d
    "minute": Display(),
    "degree": Display(),
    "azimuth": Display(),
    "magnitude": Display(decimals=1),
    "brightness": Display(decimals=1),
    "energy": Display(),
    "per_hour": Display(360_000, decimals=1),  # s-1 -> percentage points an hour
    "sinking": Display(decimals=2),
    "plain": Display(decimals=2),
    "ratio": Display(),
    "of_four": Display(),
    "chance": Display(100),
    "snow_class": Display(),
    "precipitation_kind": Display(),
    "ions": Display(1e-6),  # m-3 -> cm-3
    "micrograms": Display(1e9),  # kg m-3
})
# fmt: on

# unit -> (factor from SI, step) of its rounded value in a sentence
STEPS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "centimetre": (100.0, 1.0),
        "millimetre": (1.0, 1.0),
        "metre": (1.0, 10.0),
        "kilometre": (0.001, 1.0),
        "speed": (1.0, 1.0),
        "lead": (1 / 24, 1.0),
    }
)
LEAST_SIGHT = 50.0  # [m] below it visibility is only said to be below it. GB/T 27964: class limit
DENSE_FOG = 500.0  # [m] a visibility below it is never rounded up to it. GB/T 27964: class limit
LEAST_DAY = timedelta(hours=12)  # no clock was ever put forward by half a day within one
# (visibility [m] from which on, step [m]) in which a measured one is reported, always rounded down.
# Source: ICAO Annex 3, appendix 3, 4.2.4.1
REPORTED_STEPS = ((5000.0, 1000.0), (800.0, 100.0), (0.0, 50.0))


@dataclass(frozen=True, slots=True)
class Rounded:
    """A rounded number. bound: `about` it, or `below` it. unit: of the number in the tables."""

    number: str
    bound: str
    unit: str


def rounded(unit: str, value: float) -> Rounded | None:
    """Return a value (SI) as a sentence for the public has it; None for a unit shown as it is.

    An amount below its step is less than the step, never nothing.
    """
    if unit == "visibility":
        return _visibility(value)
    if unit == "snow":
        return _snow(value)
    if unit == "celsius" and FREEZING - 0.5 <= value < FREEZING:
        return Rounded("0", "below", unit)
    if unit not in STEPS:
        return None
    factor, step = STEPS[unit]
    size = abs(value) * factor
    if 0 < size < step:
        return Rounded(_whole(step), "below", unit)
    sign = MINUS if value < 0 else ""
    return Rounded(sign + _whole(round(size / step) * step), "about", unit)


def _snow(value: float) -> Rounded:
    """Return the water of snowfall [mm] in whole millimetres.

    In tenths where the whole one is of another class: 9.6 mm is heavy snow, 10 mm a snowstorm.
    """
    tenths = round(value, 1)
    if 0 < tenths < 1:
        return Rounded("1", "below", "millimetre")
    whole, place = round(tenths), partial(bisect_right, SNOW_CLASSES)
    number = _whole(whole) if place(whole) == place(tenths) else f"{tenths:.1f}"
    return Rounded(number, "about", "millimetre")


def _visibility(value: float) -> Rounded:
    if value < LEAST_SIGHT:
        return Rounded(_whole(LEAST_SIGHT), "below", "metre")
    step = 50.0 if value < 100 else 100.0
    metres = round(value / step) * step
    if value < DENSE_FOG <= metres:
        return Rounded(_whole(DENSE_FOG), "below", "metre")
    if metres < 1000:
        return Rounded(_whole(metres), "about", "metre")
    return Rounded(UNITS["visibility"].text(metres).removesuffix(".0"), "about", "kilometre")


def reported_visibility(value: float) -> Rounded:
    """Return a measured visibility [m] rounded down to the step in which it is reported."""
    if value < LEAST_SIGHT:
        return Rounded(_whole(LEAST_SIGHT), "below", "metre")
    step = next(step for least, step in REPORTED_STEPS if value >= least)
    metres = math.floor(value / step + 1e-9) * step
    if metres < 1000:
        return Rounded(_whole(metres), "exact", "metre")
    return Rounded(f"{metres / 1000:.1f}".removesuffix(".0"), "exact", "kilometre")


def _whole(number: float) -> str:
    return f"{number:.0f}"


def offset_of_repeated(at: datetime) -> str:
    """Return the offset of a local time that the clock shows twice, e.g. UTC+2; "" for others."""
    offset = at.utcoffset()
    if offset is None or offset == at.replace(fold=1 - at.fold).utcoffset():
        return ""
    sign = "+" if offset >= timedelta(0) else MINUS
    hours, minutes = divmod(round(abs(offset) / timedelta(minutes=1)), 60)
    return f"UTC{sign}{hours}" + (f":{minutes:02d}" if minutes else "")


def is_whole_day(start: datetime, end: datetime, zone: ZoneInfo) -> bool:
    """Return whether a span is one whole local day, of however many hours."""
    if end - start < LEAST_DAY:
        return False
    day = start.astimezone(zone).date()
    first, last = (datetime.combine(day + timedelta(days=n), time(), zone) for n in (0, 1))
    # by the instant: of two times in one zone Python compares the clock
    return (start.timestamp(), end.timestamp()) == (first.timestamp(), last.timestamp())


def beaufort(speed: float) -> int:
    """Return the wind force of a mean speed [m s-1], as it is shown to 0.1; at most 17.

    Source: v = 0.836 B^1.5, the relation adopted by the WMO (Guide to Instruments, WMO-No. 8, annex
    on wind force).
    """
    return min(17, round((max(round(speed, 1), 0.0) / 0.836) ** (2 / 3)))
