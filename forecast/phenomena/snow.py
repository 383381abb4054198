"""Snow and cold on a local day: new snow, snow cover, rime, and hours of snowmaking.

    snowfall     new snow falls in the local day
    snow_cover   enough snow lies to look at, in the morning and after noon
    rime         rime grows on the trees and stays
    snowmaking   the wet bulb is low enough to make snow

`DEGREES` gives the amount from which each counts. A day is computed once for all four phenomena,
from series over the run's own times (snow_column.py) and the hours of the day (cold.py), the last
of which may be shorter: a day has 23, 24 or 25 hours, and the rest of today begins at any minute.
Outcomes come from an analysis by `diagnose`, from a station's record by station_snow.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Event, Outcome, Site, Window
from forecast.phenomena import PhenomenonFeatures
from forecast.phenomena.cold import rimy_hours, sunny_hours
from forecast.phenomena.snow_column import SnowSeries
from forecast.phenomena.weather import COVERED, Mask, longest_stretch, lowest, mean, span_of, spans
from forecast.quantities import LEAST_FREEZING_RAIN, SNOWMAKING_GOOD, SNOWMAKING_STARTS
from forecast.science.interpolation import Index, Scene, Times, edges_between
from forecast.science.precipitation_type import type_of_day
from forecast.science.site_profiles import air_at, elevations
from forecast.science.snowfall import (
    FROSTBITE_WIND,
    SNOW_ENOUGH,
    chance_of_snow,
    cold_resource,
    frostbite_time,
    ratio_interval,
    snow_class,
)
from forecast.science.thermodynamics import FREEZING, Array, wet_bulb, wind_chill
from forecast.settings import PhenomenonSettings

PHENOMENA = ("snowfall", "snow_cover", "rime", "snowmaking")
FIELDS = ("precipitation_amount", "surface_snow_thickness", "eastward_wind", "northward_wind")

LEAST_DEPTH = 0.001  # [m] new snow in three hours from which they are hours of snowfall
# [h] at 8 and 14 on the local clock snow cover counts: so long before the day ends (the clock is
# changed before 8)
VISITS = (16, 10)

# [m, m, h, h] amounts from which an outcome is partial and full: new snow, depth, hours of rime,
# hours of snowmaking (our own choice)
DEGREES = {
    "new_snow": (0.001, 0.01),
    "snow_depth": (0.01, SNOW_ENOUGH),
    "rime_hours": (1.0, 1.0),
    "snowmaking_hours": (1.0, 4.0),
}
AMOUNT_OF = dict(zip(PHENOMENA, DEGREES, strict=True))

# the accumulated series of precipitation
FALLS = ("precipitation", "water", "pellets", "freezing", "untyped", "snow")

HOUR = np.timedelta64(1, "h")
THIRD = 180  # [min] an interval of the day's chart, in which it snows or not


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the events of snow and cold at `site`, each over the whole local day."""
    window = Window(almanac.day_start, almanac.day_end)
    return [
        Event(phenomenon, site, day, window)
        for phenomenon in PHENOMENA
        if phenomenon in site.phenomena
    ]


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features of days of snow and cold (see the module docstring)."""
    day, back = _days(events, scene)
    best = _best_spans(day)
    phenomenon = np.array([event.phenomenon for event in events])
    values = {name: column[back] for name, column in day.values.items()}
    for name, place in (("best_start", 0), ("best_end", 1)):
        values[name] = np.full(len(events), np.datetime64("NaT", "ns"))
        for which, span in best.items():
            values[name] = np.where(phenomenon == which, span[place][back], values[name])
    evidence = {}
    for which in PHENOMENA:
        chosen = np.flatnonzero(phenomenon == which)
        if chosen.size:
            evidence[which] = day.evidence.isel(event=back[chosen]).assign_coords(
                row=("event", chosen)
            )
    return PhenomenonFeatures(values, _missing(scene, events, day, back), evidence)


def diagnose(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> list[Outcome]:
    """Return the outcomes of events from an analysis (a scene of the first hours of the next runs).

    Snow on the ground is the deeper of the analysis's own, which is that of lower ground, and the
    site's pack in it. Where part of the day is unknown the degree is NaN unless it is already 1.
    """
    if not events:
        return []
    day, back = _days(events, scene)
    amounts = {**day.values, "snow_depth": day.analysed_depth}
    names = [AMOUNT_OF[event.phenomenon] for event in events]
    amount = np.array(
        [amounts[name][row] for name, row in zip(names, back, strict=True)], dtype=float
    )
    some, full = np.array([DEGREES[name] for name in names]).reshape(-1, 2).T
    degree = degrees(amount, some, full)
    falling = np.array([name == "new_snow" for name in names], dtype=bool)
    partial = ~day.known[back].all(axis=1) | (falling & ~(day.covered[back] >= COVERED))
    degree = np.where(partial & (degree < 1), np.nan, degree)
    return [
        Outcome(
            e.phenomenon,
            e.site.id,
            e.day,
            d,
            "analysis",
            amount=a,
            detail=name + " (part of the day)" * bool(p),
        )
        for e, d, a, name, p in zip(
            events, degree.tolist(), amount.tolist(), names, partial, strict=True
        )
    ]


def degrees(amount: Array, some: Array | float, full: Array | float) -> Array:
    """Return 0 (none), 0.5 (from `some`) or 1 (from `full`) for an amount; NaN in, NaN out."""
    known = np.asarray(amount, dtype=float)
    return np.where(
        np.isnan(known), np.nan, np.where(known >= full, 1.0, np.where(known >= some, 0.5, 0.0))
    )


def _days(events: Sequence[Event], scene: Scene) -> tuple[_Day, Index]:
    """Return the local days of the events, each once, and the index of each event's day."""
    rows, start, end = spans(events, scene)
    keys = np.stack([rows, start.astype(np.int64), end.astype(np.int64)], axis=1)
    _, first, back = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return _read_day(
        scene, SnowSeries.over(scene), rows[first], start[first], end[first]
    ), back.reshape(-1)


def _missing(scene: Scene, events: Sequence[Event], day: _Day, back: Index) -> list[list[str]]:
    absent = [f"field:{name}" for name in FIELDS if not scene.has(name)]
    absent += scene.cloud_estimates
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


# -- the local day


@dataclass(frozen=True, slots=True)
class _Day:
    """Local days at sites (day): features, evidence, known hours and good hours (day, hour).

    hours, thirds: the edges of the hours and of the intervals of THIRD, the last may be shorter.
    """

    values: dict[str, Array]
    evidence: xr.Dataset
    known: Mask
    covered: Array
    hours: Times
    thirds: Times
    snowing: Mask
    rimy: Mask
    making: Mask
    analysed_depth: Array


def _read_day(scene: Scene, curves: SnowSeries, rows: Index, start: Times, end: Times) -> _Day:
    hours, thirds = edges_between(start, end), edges_between(start, end, THIRD)
    lengths = np.diff(hours, axis=1) / HOUR
    middles = hours[:, :-1] + np.diff(hours, axis=1) // 2
    air = air_at(scene, rows, middles)
    bulb = wet_bulb(
        air["temperature"], air["humidity"], scene.between(curves.pressure, rows, middles)
    )
    known = (scene.covers(middles) & np.isfinite(air["temperature"])) | np.isnat(middles)
    fell = {name: _gained(scene, getattr(curves, name), rows, thirds) for name in FALLS}
    whole = np.stack([start, end], axis=1)
    day = {name: _gained(scene, getattr(curves, name), rows, whole)[:, 1] for name in FALLS}
    covered = (
        scene.amount("precipitation_amount", rows, start, end)[1]
        if scene.has("precipitation_amount")
        else np.zeros(len(rows))
    )
    rimy = rimy_hours(air)
    making = bulb <= SNOWMAKING_STARTS
    reached = np.isfinite(air["temperature"]).any(axis=1)

    def count(good: Mask) -> Array:
        return np.where(reached, np.where(good, lengths, 0.0).sum(axis=1), np.nan)

    visits = end[:, None] - np.array(VISITS) * HOUR
    visits = np.where(visits >= start[:, None], visits, np.datetime64("NaT", "ns"))
    values = _snow_values(
        scene,
        curves,
        rows,
        visits,
        (day, fell, thirds),
        covered=covered,
        temperature=mean(air["temperature"], np.nan_to_num(lengths)),
    )
    felt = wind_chill(air["temperature"], air["wind_speed"])
    sun = sunny_hours(scene, rows, middles, lengths)
    resource = cold_resource(
        mean(air["temperature"], np.nan_to_num(lengths)),
        lowest(felt),
        values["snow_depth"],
        sun,
        mean(air["wind_speed"], np.nan_to_num(lengths)),
    )
    values |= {
        "sun_hours": sun, "cold_resource": resource,
        "frostbite_minutes": _frostbite(air["temperature"], air["wind_speed"]) / 60,
        "freezing_hours": count(air["temperature"] < FREEZING), "rime_hours": count(rimy),
        "wet_bulb_minimum": lowest(bulb),
        "snowmaking_hours": count(making), "good_snowmaking_hours": count(bulb <= SNOWMAKING_GOOD),
    }  # fmt: skip
    evidence = _evidence(scene, curves, rows, thirds, fell)
    part = np.nan_to_num(np.diff(thirds, axis=1) / np.timedelta64(THIRD, "m"))
    snowing = (fell["snow"][:, 1:] >= LEAST_DEPTH * part) & (part > 0)
    analysed = scene.between(np.fmax(curves.model_depth, curves.depth), rows, visits)
    return _Day(
        values, evidence, known, covered, hours, thirds, snowing, rimy, making, lowest(analysed)
    )


def _frostbite(temperature: Array, wind_speed: Array) -> Array:
    """Return the shortest time to frostbite of a day (day) [s].

    NaN where an hour has a wind for which the formula does not hold and which may be the worst one:
    frost in more than FROSTBITE_WIND.
    """
    worse = (3.6 * wind_speed > FROSTBITE_WIND[1]) & (temperature < FREEZING)
    return np.where(worse.any(axis=1), np.nan, lowest(frostbite_time(temperature, wind_speed)))


def _gained(scene: Scene, curve: Array, rows: Index, moments: Times) -> Array:
    """Return the increase of an accumulation (site, time) in the interval before each moment.

    The result is (day, moment); the first is NaN.
    """
    held = np.clip(moments, scene.times[0], scene.times[-1])
    at = scene.between(curve, rows, np.where(np.isnat(moments), moments, held))
    inside = (moments[:, 1:] > scene.times[0]) & (moments[:, :-1] < scene.times[-1])
    gained = np.where(inside, np.diff(at, axis=1), np.nan)
    return np.concatenate([np.full((len(rows), 1), np.nan), gained], axis=1)


def _snow_values(
    scene: Scene,
    curves: SnowSeries,
    rows: Index,
    visits: Times,
    fallen: tuple[dict[str, Array], dict[str, Array], Times],
    *,
    covered: Array,
    temperature: Array,
) -> dict[str, Array]:
    """Return the features of falling and lying snow (day); NaN where no precipitation is known.

    visits: when snow cover counts (day, visit). fallen: amounts of the day, of the intervals of
    the day, and the edges of these. temperature: mean of the day [K].
    """
    of_day, fell, thirds = fallen
    day = {name: np.where(covered > 0, of_day[name], np.nan) for name in FALLS}
    total, unknown = day["precipitation"], day["untyped"] >= LEAST_FREEZING_RAIN
    water, snow, pellets = (
        np.where(unknown, np.nan, day[name]) for name in ("water", "snow", "pellets")
    )
    # a known amount of freezing rain counts even where the rest has no type
    freezing = np.where(unknown & (day["freezing"] < LEAST_FREEZING_RAIN), np.nan, day["freezing"])
    with np.errstate(invalid="ignore", divide="ignore"):
        fraction = np.where(total > 0.05, water / total, np.nan)
        ratio = np.where(water > 0.05, 1000 * snow / water, np.nan)
    low, high = ratio_interval(ratio, temperature, water)
    falls = np.nan_to_num(fell["precipitation"]) > 0.05
    tops = _nearest_known(scene, curves.cloud_top, rows, thirds)
    melting = scene.between(curves.melting_level, rows, thirds)
    return {
        "snow_water": water, "new_snow": snow, "snow_fraction": np.clip(fraction, 0, 1),
        "snow_ratio": ratio,
        "freezing_rain": freezing, "ice_pellets": pellets,
        "precipitation_kind": type_of_day(total, water, pellets, freezing),
        "snow_ratio_low": low, "snow_ratio_high": high, "snow_class": snow_class(water),
        **{f"chance_of_{least}_cm": chance_of_snow(snow, least / 100) for least in (1, 5, 10)},
        "freezing_level_above_site": _mean_where(melting,
            np.where(falls.any(axis=1, keepdims=True), falls, np.isfinite(melting))),
        "cloud_top_temperature": _mean_where(tops, falls),
        "snow_depth": lowest(scene.between(curves.depth, rows, visits)),
    }  # fmt: skip


def _mean_where(values: Array, chosen: Mask) -> Array:
    good = chosen & np.isfinite(values)
    count = good.sum(axis=1)
    return np.where(
        count > 0, np.where(good, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan
    )


def _nearest_known(scene: Scene, values: Array, rows: Index, times: Times) -> Array:
    """Return values with gaps (site, time) at moments: the mean of the known neighbours.

    Neighbours are weighted by nearness in time.
    """
    weight = scene.between(np.isfinite(values).astype(float), rows, times)
    total = scene.between(np.nan_to_num(values), rows, times)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), np.nan)


def _best_spans(day: _Day) -> dict[str, tuple[Times, Times]]:
    """Return start and end (day) of the longest good run by phenomenon; NaT without one."""
    found = {}
    for which, good in (("rime", day.rimy), ("snowmaking", day.making)):
        found[which] = _span_of_parts(good, day.hours)
    found["snowfall"] = _span_of_parts(day.snowing, day.thirds)
    return found


def _span_of_parts(good: Mask, edges: Times) -> tuple[Times, Times]:
    """Return start and end (day) of the longest run of good parts between `edges` (day, edge)."""
    longest = longest_stretch(good)
    return span_of(longest, edges[:, :-1])[0], span_of(longest, edges[:, 1:])[1]


def _evidence(
    scene: Scene, curves: SnowSeries, rows: Index, moments: Times, fell: dict[str, Array]
) -> xr.Dataset:
    """Return the data of the day's chart, every three hours and at the end of the day.

    Amounts are those of the interval that ends at each time.
    """
    air = air_at(scene, rows, moments)
    melting_level = (
        scene.between(curves.melting_level, rows, moments) + elevations(scene)[rows, None]
    )
    drawn = {
        "temperature": air["temperature"], "humidity": air["humidity"],
        "wind_speed": air["wind_speed"], "cloud_at_site": air["cloud"],
        "wet_bulb": wet_bulb(air["temperature"], air["humidity"],
                             scene.between(curves.pressure, rows, moments)),
        "precipitation": fell["precipitation"], "new_snow": fell["snow"],
        "melting_level": melting_level,
        "snow_depth": scene.between(curves.depth, rows, moments),
    }  # fmt: skip
    data = {name: (("event", "hour"), values.astype("float32")) for name, values in drawn.items()}
    return xr.Dataset(data | {"time": (("event", "hour"), moments)})
