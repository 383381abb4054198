"""Code tables of SYNOP: what the digits of a group mean in SI units.

Source: WMO-No. 306 (2019), vol. I.1, code tables 1600, 1677, 2700, 3590, 3845, 4377.
"""

from __future__ import annotations

TRACE = 990  # RRR: too little to measure; above: tenths
# [m] code table 1600: the lower bounds
BASES = (0.0, 50.0, 100.0, 200.0, 300.0, 600.0, 1000.0, 1500.0, 2000.0, 2500.0)
# [m] code table 4377 from 90 on
_VISIBILITY_90 = (50.0, 50.0, 200.0, 500.0, 1000.0, 2000.0, 4000.0, 10000.0, 20000.0, 50000.0)
_HEIGHT_90 = (0.0, *BASES[1:])  # [m] code table 1677 from 90 on


class InvalidGroup(ValueError):
    """A group is not valid at its place in the report."""


def visibility(code: str) -> float:
    """Return the visibility [m] of VV. Raises: InvalidGroup. Source: code table 4377."""
    number = int(code)
    if number >= 90:
        return _VISIBILITY_90[number - 90]
    if 51 <= number <= 55:
        raise InvalidGroup(f"VV {code} is not used")
    if number <= 50:
        return max(number, 1) * 100.0
    return (number - 50) * 1000.0 if number <= 80 else 30_000.0 + min(number - 80, 8) * 5000.0


def layer_height(code: str) -> float:
    """Return the height [m] of hshs. Raises: InvalidGroup. Source: code table 1677."""
    number = int(code)
    if number >= 90:
        return _HEIGHT_90[number - 90]
    if 51 <= number <= 55:
        raise InvalidGroup(f"hshs {code} is not used")
    if number <= 50:
        return number * 30.0
    return (number - 50) * 300.0 if number <= 80 else 9000.0 + min(number - 80, 8) * 1500.0


def cover(code: str) -> float:
    """Return the cloud fraction of a digit in oktas; 9 (obscured) is 1. Source: code table 2700."""
    return min(int(code), 8) / 8


def temperature(sign: str, code: str) -> float:
    """Return the temperature [K] of snTTT. Raises: InvalidGroup. Source: code table 3845."""
    if sign not in "01":
        raise InvalidGroup(f"a temperature's sign is 0 or 1, not {sign}")
    return 273.15 + (-1 if sign == "1" else 1) * int(code) / 10


def pressure(code: str) -> float:
    """Return the pressure [Pa] of four digits in 0.1 hPa, without the thousands digit."""
    return int(code) * 10.0 + (100_000.0 if int(code) < 5000 else 0.0)


def rainfall(code: str) -> float:
    """Return the amount [kg m-2] of RRR. Source: code table 3590."""
    number = int(code)
    return float(number) if number < TRACE else (number - TRACE) / 10
