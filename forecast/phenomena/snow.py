"""Snow and the cold on a local day: new snow, snow to look at, rime, and hours in which snow can be made.

    snowfall     at least 1 cm of new snow falls in the local day
    snow_cover   at 08 and 14 local time snow lies at least as deep as the site's threshold
    rime         rime grows on the trees and is kept, for at least an hour
    snowmaking   the wet bulb is at most -2 degC for at least four hours

What falls is read at the site's true height: the cloud's top must be cold enough for ice, and the warm air below the 0 degree level
shallow enough to leave it. The days are worked out once for all four questions, from curves over the run's own times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import xarray as xr

from forecast.config import PhenomenonSettings
from forecast.domain import Almanac, Event, Site, Window
from forecast.phenomena import Part
from forecast.phenomena.weather import COVERED, Truth, air_at, column, elevations, longest_stretch, lowest, span_of, spans
from forecast.physics import FREEZING, Array, snow_fraction, snow_ratio, wet_bulb
from forecast.sampling import Index, Scene, Times, at_height, hours_between

PHENOMENA = ("snowfall", "snow_cover", "rime", "snowmaking")
FIELDS = ("precipitation_amount", "surface_snow_thickness", "eastward_wind", "northward_wind")

LAPSE = 0.0065  # [K m-1] of the standard atmosphere, for a 0 degree level outside the column
CLOUDY = 0.3  # cover of a level that belongs to the cloud which snows (check)
LOWEST_PRESSURE = 50000.0  # [Pa] Kuchera looks at the column up to here
LEAST_DEPTH = 0.001  # [m] of new snow in three hours for them to count as hours of snowfall
RIME_WARMEST, RIME_COLD = FREEZING + 1.0, FREEZING - 0.5  # [K] no hour above the first, at least one below the second
RIME_FORMS, RIME_STAYS = 0.99, 0.95  # relative humidity
RIME_CLOUD = 0.5  # cover at the site's height that forms rime as well as saturated air does (check)
FORCE_3 = 5.4  # [m s-1]
SNOWMAKING_STARTS, SNOWMAKING_GOOD = FREEZING - 2.0, FREEZING - 4.0  # [K] wet bulb
VISITS = (8, 14)  # [h] local hours at which snow is looked at

HOUR, HALF_HOUR = np.timedelta64(1, "h"), np.timedelta64(30, "m")


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the day's questions of snow and cold at `site`: each over the whole local day."""
    window = Window(almanac.day_start, almanac.day_end)
    return [Event(phenomenon, site, day, window) for phenomenon in PHENOMENA if phenomenon in site.phenomena]


def derive(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> Part:
    """Turn an atmosphere into the features of days of snow and cold (see the module's head)."""
    rows, start, end = spans(events, scene)
    keys = np.stack([rows, start.astype(np.int64), end.astype(np.int64)], axis=1)
    _, first, back = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    back = back.reshape(-1)
    day = _read_day(scene, _Curves.over(scene), rows[first], start[first], end[first])
    best = _best_spans(day)
    phenomenon = np.array([event.phenomenon for event in events])
    values = {name: column[back] for name, column in day.values.items()}
    for name, place in (("best_start", 0), ("best_end", 1)):
        values[name] = np.full(len(events), np.datetime64("NaT", "ns"))
        for which, span in best.items():
            values[name] = np.where(phenomenon == which, span[place][back], values[name])
    evidence = {}
    for which in PHENOMENA:
        asked = np.flatnonzero(phenomenon == which)
        if asked.size:
            evidence[which] = day.evidence.isel(event=back[asked]).assign_coords(row=("event", asked))
    return Part(values, _missing(scene, events, day, back), evidence)


def _missing(scene: Scene, events: Sequence[Event], day: _Day, back: Index) -> list[list[str]]:
    absent = [f"field:{name}" for name in FIELDS if not scene.has(name)]
    absent += ["cloud_from_humidity"] * scene.cloud_columns[1]
    found = []
    for event, row in zip(events, back, strict=True):
        if not day.known[row].any():
            found.append(["beyond_data"])
            continue
        ids = ["window_coverage"] * (not day.known[row].all())
        if event.phenomenon in ("snowfall", "snow_cover") and scene.has("precipitation_amount"):
            ids += ["precipitation_partial"] * bool(day.covered[row] < COVERED)
        found.append(ids + absent)
    return found


# -- curves over the run's own times


@dataclass(frozen=True, slots=True)
class _Curves:
    """What the run says of every site at its own times (site, time); precipitation, water, snow: summed up from the run's start.

    precipitation, water (what falls as snow) [kg m-2]; snow [m]; freezing: 0 degree level less the site's height [m];
    cloud_top [K], NaN without cloud; pressure at the site [Pa]; depth: the model's snow on the ground [m].
    """

    precipitation: Array
    water: Array
    snow: Array
    ratio: Array
    freezing: Array
    cloud_top: Array
    pressure: Array
    depth: Array

    @classmethod
    def over(cls, scene: Scene) -> _Curves:
        temperature, heights = column(scene, "air_temperature")
        site = elevations(scene)[:, None]
        freezing = freezing_level(temperature, heights) - site
        levels = scene.at_sites("geopotential_height").astype(float)
        top = cloud_top_temperature(scene.cloud_columns[0], scene.at_sites("air_temperature"), levels, site)
        logarithm = np.broadcast_to(np.log(scene.pressure), levels.shape)
        pressure = np.exp(at_height(logarithm, levels, np.broadcast_to(site, freezing.shape), -1 / 8000.0))
        ratio = snow_ratio(_warmest(scene, site))
        fraction = snow_fraction(freezing, top)
        nothing = np.full(freezing.shape, np.nan)
        fallen = scene.at_sites("precipitation_amount").astype(float) if scene.has("precipitation_amount") else nothing
        # An interval is that of both its ends: the means of what they say.
        water = np.nan_to_num(fallen) * _of_interval(fraction)
        return cls(
            np.cumsum(np.nan_to_num(fallen), axis=1), np.cumsum(np.nan_to_num(water), axis=1),
            np.cumsum(np.nan_to_num(water * _of_interval(ratio)) / 1000, axis=1), ratio, freezing, top, pressure,
            scene.at_sites("surface_snow_thickness").astype(float) if scene.has("surface_snow_thickness") else nothing,
        )  # fmt: skip


def _of_interval(values: Array) -> Array:
    """Return the mean of each time's value and the one before it (site, time); the first stands alone."""
    before = np.concatenate([values[:, :1], values[:, :-1]], axis=1)
    return (np.where(np.isnan(before), values, before) + np.where(np.isnan(values), before, values)) / 2


def _warmest(scene: Scene, site: Array) -> Array:
    """Return the warmest temperature [K] from the site's height up to 500 hPa (site, time)."""
    temperature, heights = scene.at_sites("air_temperature").astype(float), scene.at_sites("geopotential_height").astype(float)
    inside = (heights >= site[..., None]) & (scene.pressure >= LOWEST_PRESSURE)
    at_site = at_height(*column(scene, "air_temperature"), np.broadcast_to(site, heights.shape[:2]), -LAPSE)
    return np.fmax(np.fmax.reduce(np.where(inside, temperature, np.nan), axis=-1, initial=np.nan), at_site)


def freezing_level(temperature: Array, heights: Array) -> Array:
    """Return the greatest height [m] at which the columns (..., level), rising, pass 0 degC; NaN where nothing is known.

    A column wholly below 0 degC has it under its lowest level, continued at 6.5 K km-1; one that is warm to its top, above it.
    """
    shape = temperature.shape[:-1]
    level, above_t, above_h = (np.full(shape, np.nan) for _ in range(3))
    for k in range(temperature.shape[-1] - 1, -1, -1):
        here_t, here_h = temperature[..., k], heights[..., k]
        known = np.isfinite(here_t) & np.isfinite(here_h)
        warm = known & np.isnan(level) & (here_t >= FREEZING)
        with np.errstate(invalid="ignore", divide="ignore"):
            between = here_h + (above_h - here_h) * (here_t - FREEZING) / (here_t - above_t)
        level = np.where(warm, np.where(np.isnan(above_t), here_h + (here_t - FREEZING) / LAPSE, between), level)
        above_t, above_h = np.where(known, here_t, above_t), np.where(known, here_h, above_h)
    return np.where(np.isnan(level), above_h - (FREEZING - above_t) / LAPSE, level)


def cloud_top_temperature(cloud: Array, temperature: Array, heights: Array, site: Array) -> Array:
    """Return the temperature [K] at the top of the lowest cloud above the site, columns (site, time, level) rising; NaN: no cloud.

    One clear level does not part a cloud from what lies on it (ice falls through it); two do.
    """
    top = np.full(temperature.shape[:-1], np.nan)
    gap = np.zeros(top.shape, dtype=int)
    for k in range(temperature.shape[-1]):
        known = np.isfinite(cloud[..., k]) & np.isfinite(temperature[..., k]) & (heights[..., k] >= site)
        cloudy = known & (cloud[..., k] >= CLOUDY) & (gap < 2)
        top = np.where(cloudy, temperature[..., k], top)
        gap = np.where(known & np.isfinite(top), np.where(cloudy, 0, gap + 1), gap)
    return top


# -- the local day


@dataclass(frozen=True, slots=True)
class _Day:
    """A local day at a site (day): features, evidence, by the hour (day, hour) what is known, and the good hours of each kind."""

    values: dict[str, Array]
    evidence: xr.Dataset
    known: Truth
    covered: Array
    hours: Times
    thirds: Times
    snowing: Truth
    rimy: Truth
    making: Truth


def _read_day(scene: Scene, curves: _Curves, rows: Index, start: Times, end: Times) -> _Day:
    hours = hours_between(start + HALF_HOUR, end - HALF_HOUR)  # the middle of each hour
    air = air_at(scene, rows, hours)
    bulb = wet_bulb(air["temperature"], air["humidity"], scene.between(curves.pressure, rows, hours))
    known = (scene.covers(hours) & np.isfinite(air["temperature"])) | np.isnat(hours)
    thirds = hours_between(start, end, 180)
    precipitation, water, snow = (_gained(scene, c, rows, thirds) for c in (curves.precipitation, curves.water, curves.snow))
    covered = scene.amount("precipitation_amount", rows, start, end)[1] if scene.has("precipitation_amount") else np.zeros(len(rows))
    fell = {"precipitation": precipitation, "water": water, "snow": snow}
    rimy = _rime_hours(air)
    making = bulb <= SNOWMAKING_STARTS
    reached = np.isfinite(air["temperature"]).any(axis=1)

    def count(good: Truth) -> Array:
        return np.where(reached, good.sum(axis=1).astype(float), np.nan)

    values = _snow_values(scene, curves, rows, start, fell, thirds, covered)
    values |= {
        "freezing_hours": count(air["temperature"] < FREEZING), "rime_hours": count(rimy), "wet_bulb_minimum": lowest(bulb),
        "snowmaking_hours": count(making), "good_snowmaking_hours": count(bulb <= SNOWMAKING_GOOD),
    }  # fmt: skip
    evidence = _evidence(scene, curves, rows, thirds, fell)
    snowing = np.concatenate([snow[:, 1:] >= LEAST_DEPTH, np.zeros((len(rows), 1), dtype=bool)], axis=1)
    return _Day(values, evidence, known, covered, hours, thirds, snowing, rimy, making)


def _gained(scene: Scene, curve: Array, rows: Index, moments: Times) -> Array:
    """Return what a summed curve (site, time) gained in the interval that ends at each moment (day, moment); the first is NaN."""
    held = np.clip(moments, scene.times[0], scene.times[-1])
    at = scene.between(curve, rows, np.where(np.isnat(moments), moments, held))
    inside = (moments[:, 1:] > scene.times[0]) & (moments[:, :-1] < scene.times[-1])
    gained = np.where(inside, np.diff(at, axis=1), np.nan)
    return np.concatenate([np.full((len(rows), 1), np.nan), gained], axis=1)


def _snow_values(
    scene: Scene, curves: _Curves, rows: Index, start: Times, fell: dict[str, Array], thirds: Times, covered: Array
) -> dict[str, Array]:
    """Return the features of falling and lying snow (day); NaN where no precipitation of the day is known."""
    total, water, snow = (np.where(covered > 0, np.nansum(fell[name], axis=1), np.nan) for name in ("precipitation", "water", "snow"))
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = np.where(total > 0.05, water / total, np.nan)
        ratio = np.where(water > 0.05, 1000 * snow / water, np.nan)
    falls = np.nan_to_num(fell["precipitation"]) > 0.05
    tops = _nearest_known(scene, curves.cloud_top, rows, thirds)
    freezing = scene.between(curves.freezing, rows, thirds)
    visits = start[:, None] + np.array(VISITS) * HOUR
    return {
        "snow_water": water, "new_snow": snow, "snow_fraction": np.clip(fraction, 0, 1), "snow_ratio": ratio,
        "freezing_level_above_site": _mean_where(freezing, np.where(falls.any(axis=1, keepdims=True), falls, np.isfinite(freezing))),
        "cloud_top_temperature": _mean_where(tops, falls), "snow_depth": lowest(_depth(scene, curves, rows, visits)),
    }  # fmt: skip


def _mean_where(values: Array, chosen: Truth) -> Array:
    good = chosen & np.isfinite(values)
    count = good.sum(axis=1)
    return np.where(count > 0, np.where(good, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _nearest_known(scene: Scene, values: Array, rows: Index, times: Times) -> Array:
    """Return values with gaps (site, time) at moments: the mean of those neighbours that are known, by their nearness."""
    weight = scene.between(np.isfinite(values).astype(float), rows, times)
    total = scene.between(np.nan_to_num(values), rows, times)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)


def _depth(scene: Scene, curves: _Curves, rows: Index, moments: Times) -> Array:
    """Return the snow on the ground at the site [m] (day, moment): the model's, and what fell here since the run began beyond it.

    The model's ground is lower and warmer than the village, so its snow falls there as rain first: the new snow at the true height
    counts as far as the model's own depth has not risen by it. It neither settles nor melts until the next run begins.
    """
    own = scene.between(curves.depth, rows, moments)
    risen = np.maximum(own - curves.depth[rows, :1], 0.0)
    since = scene.between(curves.snow, rows, moments) - curves.snow[rows, :1]
    return own + np.maximum(since - risen, 0.0)


def _rime_hours(air: dict[str, Array]) -> Truth:
    """Return the hours (day, hour) in which rime grows or is kept.

    It grows in saturated air or cloud and stays while the air is moist, cold and no windier than force 3.
    """
    bearable = (air["temperature"] < RIME_WARMEST) & ~(air["wind_speed"] > FORCE_3)
    grows = bearable & ((air["humidity"] >= RIME_FORMS) | (air["cloud"] >= RIME_CLOUD)) & (air["temperature"] < FREEZING)
    stays = bearable & ((air["humidity"] >= RIME_STAYS) | grows)
    index = np.arange(grows.shape[1])
    grown, lost = (np.maximum.accumulate(np.where(these, index, -1), axis=1) for these in (grows, ~stays))
    cold = np.fmin.reduce(air["temperature"], axis=1, initial=np.inf) < RIME_COLD
    return stays & (grown > lost) & cold[:, None]


def _best_spans(day: _Day) -> dict[str, tuple[Times, Times]]:
    """Return for each question its longest unbroken run of good hours: from, to (day); NaT where there is none."""
    found = {}
    for which, good in (("rime", day.rimy), ("snowmaking", day.making)):
        first, last = span_of(longest_stretch(good), day.hours)
        found[which] = (first - HALF_HOUR, last + HALF_HOUR)
    first, last = span_of(longest_stretch(day.snowing), day.thirds)
    found["snowfall"] = (first, last + 3 * HOUR)
    return found


def _evidence(scene: Scene, curves: _Curves, rows: Index, moments: Times, fell: dict[str, Array]) -> xr.Dataset:
    """What the chart of the day draws, every three hours; what fell is that of the interval ending there."""
    air = air_at(scene, rows, moments)
    freezing = scene.between(curves.freezing, rows, moments) + elevations(scene)[rows, None]
    drawn = {
        "temperature": air["temperature"], "humidity": air["humidity"], "wind_speed": air["wind_speed"], "cloud_at_site": air["cloud"],
        "wet_bulb": wet_bulb(air["temperature"], air["humidity"], scene.between(curves.pressure, rows, moments)),
        "precipitation": fell["precipitation"], "new_snow": fell["snow"], "freezing_level": freezing,
        "snow_depth": _depth(scene, curves, rows, moments),
    }  # fmt: skip
    data = {name: (("event", "hour"), values.astype("float32")) for name, values in drawn.items()}
    return xr.Dataset(data | {"time": (("event", "hour"), moments)})
