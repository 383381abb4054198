"""Find fields whose numbers are in another unit than their table says, and values that mean none.

A field is looked at as a whole, over all its levels and times in one file and in one run: a sound
field can be zero everywhere (a clear sky, a dry week), but its numbers cannot all lie where only
another unit puts them. What is found is refused and named with the likely unit; it is never
converted in silence.

Source of the standard heights: ICAO Doc 7488 (ISO 2533).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.quantities import Field
from forecast.science.thermodynamics import GRAVITY

Values = NDArray[np.float32]

# Numbers of temperatures of air: -120 degC is colder than any of the atmosphere below 30 km; a grid
# box's mean at 2 m has less than 50 degC, and less than 140 degF (60 degC). (check)
COLDEST, HOTTEST_CELSIUS, HOTTEST_FAHRENHEIT = -120.0, 50.0, 140.0
FEWEST_POINTS = 10  # values below which a field is not checked by its range
# Numbers that files without a bitmap write where they have no value, in the unit of the file: nines
# (WMO-No. 306, vol. I.1; MICAPS 9999), the ends of integers of 16 bits, and ECMWF's 3.2768e4.
SENTINELS = (
    *(999.0, 999.9, 9999.0, 9999.9, 99999.0, 99999.9, 999999.0),
    *(32766.0, 32767.0, 32768.0, 65534.0, 65535.0),
)
# All larger numbers mean none: 9.999e20 of NCEP's UNDEF, 1e20 of CF, 1e30, the largest float32. The
# largest sound one is a geopotential of 200,000 m2 s-2.
ENORMOUS = 1e8
# These fields reach such numbers, or write them for something known (no ceiling, 10 km or more).
_REACH_SENTINELS = frozenset(
    (
        "visibility_in_air",
        "cloud_ceiling_altitude",
        "geopotential_height",
        "geopotential",
        "surface_altitude",
        "surface_geopotential",
        "freezing_level_altitude",
        "surface_air_pressure",
        "air_pressure_at_mean_sea_level",
    )
)

# The largest value that a sound field has somewhere in a region exceeds this [unit].
LEAST_LARGEST = {
    "relative_humidity": 0.02,
    "relative_humidity_at_2m": 0.02,
    "visibility_in_air": 100.0,  # else kilometres
    "atmosphere_boundary_layer_thickness": 10.0,  # else kilometres
    "atmosphere_mass_content_of_water_vapor": 0.15,  # else metres
    "surface_snow_density": 5.0,  # else g cm-3
    "cloud_ceiling_altitude": 25.0,  # else kilometres
}
DRIEST_HUMIDITY = 30000.0  # [Pa] above this level air can be drier than the limit for humidity
# The median of what is not zero does not exceed this [unit] (else centimetres).
MOST_MEDIAN = {"surface_snow_thickness": 3.0}
# [kg m-2] of at least a day in which much of a region had precipitation, the largest exceeds this
LEAST_LARGEST_DAY = 0.2
WET_PART, WHOLE_DAY = 0.3, 24.0  # [1] of the points, [h]
FASTEST = 100.0  # [kg m-2 h-1] of a grid box, over three hours or more
# [%] of cloud: a field of at most 1 % everywhere is a fraction if its mean is more than this
CLOUD_FRACTION_MEAN, CLOUD_FRACTION_LARGEST = 0.1, 0.5
# ... or if so many values, and such a part of them, have cloud: in per cent, some exceed 1 %
CLOUDY_VALUES, CLOUDY_PART, LEAST_CLOUD = 20, 0.01, 0.001
# Overcast as other units count it, with its factor to per cent. Where the largest cloud is that and
# so much of the sky is overcast, the field is in that unit: in per cent its largest value is a few
# points. Of one message it must show parts of 1 %: clear sky packed in whole per cents has none.
OVERCAST = ((1.0, 100.0, "a fraction of 1"), (8.0, 12.5, "oktas"), (10.0, 10.0, "tenths"))
OVERCAST_PART, FRACTIONAL_PART = 0.1, 0.02
# [m, 1] what the median height of a level may differ from that of the standard atmosphere
HEIGHT_ERROR, HEIGHT_ERROR_PART = 800.0, 0.1
LOWEST_LEVEL = 85000.0  # [Pa] below it, heights near zero show no unit

# Unit -> what else files use: (factor to the unit, name); read in this order.
UNITS: dict[str, tuple[tuple[float, str], ...]] = {
    "1": ((0.01, "per cent"), (100.0, "a fraction of 1"), (0.001, "g kg-1")),
    "Pa": ((100.0, "hPa"), (1000.0, "kPa")),
    "m": (
        (1000.0, "km"),
        (10.0, "dam"),
        (1 / GRAVITY, "m2 s-2, a geopotential"),
        (0.01, "cm"),
        (0.001, "mm"),
    ),
    "m2 s-2": ((GRAVITY, "m, a height"), (10 * GRAVITY, "dam, a height")),
    "kg m-2": ((1000.0, "m of water"), (0.001, "mm under a key for metres")),
    "kg m-3": ((1000.0, "g cm-3"),),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """The values of one message in the unit of the field: its level [Pa] and window [h]."""

    level: int | None
    window: tuple[float, float]
    values: Values


def without_sentinels(field: Field, values: Values, step: float) -> tuple[Values, int]:
    """Return `values` with NaN for numbers that mean "no value", and how many they are.

    Such a number stands outside the field's limits, or far from all its other values.
    """
    found = np.zeros(values.shape, dtype=bool)
    low, high = (float(edge.reduce(values, axis=None)) for edge in (np.fmin, np.fmax))
    for number in (*SENTINELS, *(-number for number in SENTINELS)):
        sentinel = number * field.factor
        if step > 0.1 * abs(sentinel):
            continue  # the packing cannot distinguish it from zero
        tolerance = max(step, abs(sentinel) * 1e-5)
        if not low - 2 * tolerance <= sentinel <= high + 2 * tolerance:
            continue  # no value is near it
        same = np.abs(values - np.float32(sentinel)) <= tolerance
        if same.any() and _means_none(field, values, same, sentinel):
            found |= same
    found |= np.abs(values) > ENORMOUS * max(field.factor, 1.0)
    if not found.any():
        return values, 0
    return np.where(found, np.float32(np.nan), values), int(found.sum())


def _means_none(field: Field, values: Values, same: NDArray[np.bool_], sentinel: float) -> bool:
    if field.name in _REACH_SENTINELS and field.low <= sentinel <= field.high:
        return False
    rest = values[~same & np.isfinite(values)]
    if not field.low <= sentinel <= field.high:  # 999.9 among pressures in hPa is one of them
        near = np.abs(rest - np.float32(sentinel)) < 0.1 * abs(sentinel)
        return int(near.sum()) <= int(same.sum())
    return field.low == 0 and rest.size > 0 and float(rest.max()) < 0.2 * sentinel


def hint(field: Field, values: Values) -> str:
    """Return the likely unit of values that leave the limits, as an addition to a message."""
    known = values[np.isfinite(values)]
    if not known.size:
        return ""
    if field.unit == "K":
        scale = degrees(float(known.min()), float(known.max()))
        return f"; degrees {scale}? they are not read: convert the file to K" if scale else ""
    for factor, name in UNITS.get(field.unit, ()):
        if field.unit == "m" and not _suits(field, name):
            continue
        if field.unit == "1" and field.factor == 0.01 and factor < 1:
            continue  # it is read as per cent already; no file gives parts of that
        scaled = known * np.float32(factor)
        inside = (scaled >= field.low - field.slack) & (scaled <= field.high + field.slack)
        if inside.mean() > 0.98 and not _too_small(field, scaled):
            return f"; {_as_unit(field, factor, name)}"
    return ""


def degrees(low: float, high: float) -> str:
    """Return the scale in which numbers from `low` to `high` are temperatures of air; "": none."""
    if low <= COLDEST or high >= HOTTEST_FAHRENHEIT:
        return ""
    return "Celsius" if high < HOTTEST_CELSIUS else "Fahrenheit"


def _suits(field: Field, unit: str) -> bool:
    """Return whether files give a length of this kind in `unit`: snow in cm, heights in dam ..."""
    if "snow" in field.name:
        return unit in ("cm", "mm")
    return unit == "km" or "height" in field.name or "altitude" in field.name


def _as_unit(field: Field, factor: float, name: str) -> str:
    return f"is the unit {name}? then factor: {field.factor * factor:.6g}"


def _too_small(field: Field, values: Values) -> bool:
    least = LEAST_LARGEST.get(field.name, 0.0)
    return float(values.max()) <= least


def implausible(field: Field, samples: Sequence[Sample]) -> str:
    """Return why the numbers of a field cannot be in its unit, with the likely one; "" if they can.

    samples: all messages of the field in a file, or in a run.
    """
    if field.name in ("geopotential_height", "geopotential"):
        return _implausible_heights(field, samples)
    if field.name == "relative_humidity":
        samples = [each for each in samples if (each.level or 0) >= DRIEST_HUMIDITY]
    if not samples:
        return ""
    values = np.concatenate([each.values.ravel() for each in samples])
    values = values[np.isfinite(values)]
    if values.size < FEWEST_POINTS or not values.any():
        return ""
    largest = float(values.max())
    if _is_cloud(field):
        return _implausible_cloud(field, samples, values)
    if 0 < largest <= LEAST_LARGEST.get(field.name, 0.0):
        factor, name = _larger_unit(field)
        return _text(field, values, f"at most {largest:.3g}", factor, name)
    if field.name in MOST_MEDIAN:
        median = float(np.median(values[values > 0])) if (values > 0).any() else 0.0
        if median > MOST_MEDIAN[field.name]:
            return _text(field, values, f"{median:.3g} in the median", 0.01, "cm")
    if field.statistic == "sum":
        return _implausible_sums(field, samples)
    return ""


def _implausible_cloud(field: Field, samples: Sequence[Sample], values: Values) -> str:
    """Look for cloud in another unit: in all messages together, then in one of them."""
    cloud, found = values / np.float32(field.factor), f"at most {float(values.max()):.3g}"
    if _is_fraction(cloud):
        return _text(field, values, found, 100.0, "a fraction of 1")
    if len(samples) > 1:
        for overcast, factor, name in OVERCAST:
            if _reaches(cloud, overcast):
                return _text(field, values, found, factor, name)
    for each in samples:
        own = each.values[np.isfinite(each.values)]
        part = own / np.float32(field.factor)
        fractional = np.abs(part - np.round(part)) > 0.02
        if (
            own.size >= FEWEST_POINTS
            and _reaches(part, 1.0)
            and float(fractional.mean()) >= FRACTIONAL_PART
        ):
            at = f"at most {float(own.max()):.3g} at {each.window[1]:+g} h, and"
            return _text(field, own, at, 100.0, "a fraction of 1")
    return ""


def _reaches(cloud: Values, overcast: float) -> bool:
    """Return whether the largest cloud is `overcast`, over a good part of the points."""
    near = np.abs(cloud - np.float32(overcast)) <= 0.005 * overcast
    return bool(float(cloud.max()) <= 1.005 * overcast and float(near.mean()) >= OVERCAST_PART)


def _is_cloud(field: Field) -> bool:
    """Return whether a field is a part of the sky that its files give in per cent."""
    return "cloud_area_fraction" in field.name and field.factor == 0.01


def _is_fraction(cloud: Values) -> bool:
    """Return whether cloud that should be in per cent can only be a fraction of 1.

    A clear sky is sound, and so are a few points of at most 1 %.
    """
    largest, cloudy = float(cloud.max()), cloud > LEAST_CLOUD
    if largest > 1.005:
        return False
    if largest >= CLOUD_FRACTION_LARGEST and float(cloud.mean()) > CLOUD_FRACTION_MEAN:
        return True
    return int(cloudy.sum()) >= CLOUDY_VALUES and float(cloudy.mean()) >= CLOUDY_PART


def _larger_unit(field: Field) -> tuple[float, str]:
    """Return the factor and name of the unit in which numbers are too small."""
    if "humidity" in field.name:
        return 100.0, "a fraction of 1"
    return next((each for each in UNITS[field.unit] if each[0] > 1), (1.0, "unknown"))


def _text(field: Field, values: Values, found: str, factor: float, name: str) -> str:
    return (
        f"{field.name} is {found} {field.unit} ({float(values.min()):.3g} to "
        f"{float(values.max()):.3g} at {values.size} points), which no sound field is; "
        f"{_as_unit(field, factor, name)}"
    )


def _implausible_sums(field: Field, samples: Sequence[Sample]) -> str:
    for each in samples:
        hours = each.window[1] - each.window[0]
        values = each.values[np.isfinite(each.values)]
        fast = values > FASTEST * max(hours, 3.0)
        if hours > 0 and fast.sum() > max(2, 0.02 * values.size):
            found = f"{float(values.max()):.4g} in {hours:g} h,"
            return _text(field, values, found, 0.001, "mm under a key for metres")
    longest = max(samples, key=lambda each: each.window[1] - each.window[0])
    hours = longest.window[1] - longest.window[0]
    values = longest.values[np.isfinite(longest.values)]
    if (
        hours >= WHOLE_DAY
        and values.size >= FEWEST_POINTS
        and 0 < float(values.max()) <= LEAST_LARGEST_DAY
        and float((values > 1e-4).mean()) >= WET_PART
    ):
        return _text(field, values, f"{float(values.max()):.3g} in {hours:g} h,", 1000.0, "m")
    return ""


def doubtful(field: Field, samples: Sequence[Sample]) -> str:
    """Return what may be another unit, but may be sound too (precipitation of less than 0.05 mm
    over much of a region); "" where there is no doubt.
    """
    if field.statistic != "sum":
        return ""
    values = np.concatenate([each.values.ravel() for each in samples])
    values = values[np.isfinite(values)]
    if (
        values.size < FEWEST_POINTS
        or not 0 < float(values.max()) < 0.05
        or float((values > 1e-4).mean()) < WET_PART
    ):
        return ""
    return (
        f"{field.name} is at most {float(values.max()):.3g} {field.unit}, at "
        f"{float((values > 0).mean()):.0%} of the points; {_as_unit(field, 1000.0, 'm')}"
    )


def _implausible_heights(field: Field, samples: Sequence[Sample]) -> str:
    """Compare the heights of levels with those of the standard atmosphere."""
    unit = GRAVITY if field.unit == "m2 s-2" else 1.0
    ratios: list[float] = []
    count = 0
    for each in samples:
        if each.level is None or each.level > LOWEST_LEVEL or not np.isfinite(each.values).any():
            continue
        count += 1
        height = float(np.nanmedian(each.values)) / unit
        expected = standard_height(each.level)
        if abs(height - expected) > HEIGHT_ERROR + HEIGHT_ERROR_PART * expected and height > 0:
            ratios.append(expected / height)
    if 2 * len(ratios) <= count or not ratios:
        return ""
    ratio = float(np.median(ratios))
    near = [(factor, name) for factor, name in UNITS[field.unit] if abs(ratio / factor - 1) < 0.25]
    if not near:
        return ""
    values = np.concatenate([each.values.ravel() for each in samples])
    found = f"{ratio:.3g} times too small for its levels: {float(np.nanmax(values)):.4g}"
    return _text(field, values[np.isfinite(values)], found, *near[0])


def standard_height(pressure: float) -> float:
    """Return the height [m] of a pressure [Pa] in the standard atmosphere, up to 20 km.

    Source: ISO 2533, eq. 12 and 13.
    """
    if pressure >= 22632.06:
        return 44330.77 * (1.0 - (pressure / 101325.0) ** 0.190263)
    return float(11000.0 + 6341.62 * np.log(22632.06 / pressure))
