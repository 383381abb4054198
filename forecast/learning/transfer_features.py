"""Features of a new place, from the columns of its forecasts of each issue.

Layers of cloud are no columns: the total takes the starlight of an equal part of each.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from forecast.learning.issue_forecasts import HourlySeries
from forecast.phenomena import stars
from forecast.phenomena.star_night import OFFSETS, of_moments, of_rain
from forecast.science.thermodynamics import FREEZING, dew_point
from models.rule_model import rules_of

Array = NDArray[np.floating[Any]]

# Phenomenon -> the quantity that decides it.
NEEDED = {"starry_sky": "cloud", "snowfall": "snowfall", "snow_cover": "snow_depth"}
CLEAR = 0.2  # [1] mean cover of a clear night, and of a clear hour
TWO_HOURS = 3  # hourly moments of the shortest best window
OPACITY = sum(stars.WEIGHTS.values()) / 3 / stars.WEIGHTS["low"]  # of a total cover


def features_of_issues(
    series: HourlySeries,
    issue: NDArray[np.integer[Any]],
    offset: NDArray[np.integer[Any]],
    phenomenon: str,
    count: int,
    best: bool = False,
) -> dict[str, Array]:
    """Return the features (case) that the columns give, in the catalogue's units.

    issue, offset (case): the issue, and its hour at which the event's `count` hours begin. best: of
    a night, over its best window as the service has them; else over all hours.
    """

    def of(name: str) -> Array:
        return series.window(name, issue, offset, count)

    water = _water(of("precipitation"), of("rain"), of("showers"), of("snowfall"))
    found = {"precipitation": _sum(water)}
    if phenomenon == "starry_sky":
        return found | _of_night(of, best) | _whole_night(series, issue, offset + count // 2)
    temperature, main = of("temperature"), of(NEEDED[phenomenon])
    ever = hours_that_count(main, phenomenon)
    share = np.isfinite(main[:, ever]).mean(axis=1) if ever.any() else np.zeros(len(issue))
    cold = np.where(np.isfinite(temperature), temperature < FREEZING, np.nan)
    return found | {
        "new_snow": _sum(of("snowfall")),
        "snow_depth": _lowest(of("snow_depth")),
        "freezing_hours": 24 * _mean(cold),
        "temperature_maximum": _highest(temperature),
        "known_share": share,
    }


def _of_night(of: Callable[[str], Array], best: bool) -> dict[str, Array]:
    """Return the rule's features of stars (case); of: the hours (case, hour) of a quantity."""
    cover, temperature, dew, humidity = map(of, ("cloud", "temperature", "dew_point", "humidity"))
    inside = best_hours(cover) if best else np.ones(cover.shape, dtype=bool)
    dew = np.where(np.isfinite(dew), dew, _dew_point(temperature, humidity))
    hours = np.datetime64("2000-01-01T00") + np.arange(cover.shape[1]).astype("timedelta64[h]")
    clear = stars.longest_hours(np.round(cover, 3) <= CLEAR, np.broadcast_to(hours, cover.shape))

    def over(values: Array) -> Array:
        return _mean(np.where(inside, values, np.nan))

    return {
        "sky_cover": over(cover),
        "cloud_for_stars": OPACITY * over(cover),
        "clear_hours": np.where(np.isfinite(cover).any(axis=1), clear, np.nan),
        "humidity_at_site": over(humidity),
        "dew_point_depression": over(np.maximum(temperature - dew, 0.0)),
        "wind_speed_at_site": over(of("wind")),
        "zenith_sky_brightness": np.full(len(cover), neutral_darkness()),
        "known_share": np.isfinite(cover).mean(axis=1),
    }


def best_hours(cover: Array) -> NDArray[np.bool_]:
    """Return the hours (case, hour) of each night's best window, all where there is none."""
    chosen, found = stars.best_run(1 - cover, TWO_HOURS)
    return np.where(found[:, None], chosen, True)


def hours_that_count(values: Array, phenomenon: str) -> NDArray[np.bool_]:
    """Return the hours of the event that count (hour).

    Of a day of snow those that a file mostly has: one that never has the afternoon is not refused.
    """
    if phenomenon == "starry_sky" or not len(values):
        return np.ones(values.shape[1], dtype=bool)
    return np.asarray(np.isfinite(values).mean(axis=0) > 0.5)


def _whole_night(
    series: HourlySeries, issue: NDArray[np.integer[Any]], middle: NDArray[np.integer[Any]]
) -> dict[str, Array]:
    """Return the features of the evening, night and morning about the middle of a night."""
    first, count = middle + int(OFFSETS[0]), len(OFFSETS)
    cover, temperature, dew, humidity, chance, *water = (
        series.window(name, issue, first, count)
        for name in (
            *("cloud", "temperature", "dew_point", "humidity", "rain_chance"),
            *("precipitation", "rain", "showers", "snowfall"),
        )
    )
    dew = np.where(np.isfinite(dew), dew, _dew_point(temperature, humidity))
    depression = np.where(np.isnan(cover), np.nan, np.maximum(temperature - dew, 0.0))
    return (
        of_moments(cover, depression, CLEAR)
        | of_rain(chance)
        | {"night_rain": _sum(_water(*water))}
    )


def neutral_darkness() -> float:
    """Return the zenith brightness [mag arcsec-2] that moves the rule for stars neither way."""
    rule = rules_of("starry_sky")["starry_sky"]
    line = next(e.line for e in rule.effects if e.feature == "zenith_sky_brightness")
    values, moved = zip(*line, strict=True)
    return float(np.interp(0.0, moved, values))


def of_earlier_issue(
    values: Array, issued: NDArray[np.datetime64], event: NDArray[np.integer[Any]]
) -> Array:
    """Return for each case the value in the issue before of the same event, 18 to 30 h older."""
    result = np.full(len(values), np.nan)
    order = np.lexsort((issued, event))
    for before, now in pairwise(order):
        hours = (issued[now] - issued[before]) / np.timedelta64(1, "h")
        if event[before] == event[now] and 18 <= hours <= 30:
            result[now] = values[before]
    return result


def _water(precipitation: Array, rain: Array, showers: Array, snow: Array) -> Array:
    """Return the water [kg m-2] of each hour: given, or rain, showers and a tenth of the snow."""
    parts = np.stack([rain, showers, snow * 1000 / 10])
    summed = np.where(np.isfinite(parts).any(axis=0), np.nansum(parts, axis=0), np.nan)
    return np.asarray(np.where(np.isfinite(precipitation), precipitation, summed))


def _dew_point(temperature: Array, humidity: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(dew_point(temperature, np.clip(humidity, 0.01, 1.0)))


def _mean(values: Array) -> Array:
    known = np.isfinite(values).sum(axis=1)
    sums = np.nansum(values, axis=1)
    return np.divide(sums, known, out=np.full(len(values), np.nan), where=known > 0)


def _sum(values: Array) -> Array:
    return np.where(np.isfinite(values).any(axis=1), np.nansum(values, axis=1), np.nan)


def _highest(values: Array) -> Array:
    found = np.where(np.isfinite(values), values, -np.inf).max(axis=1)
    return np.where(np.isfinite(found), found, np.nan)


def _lowest(values: Array) -> Array:
    return -_highest(-values)
