"""The weather of every event's window at its site's true height, for all phenomena and safety.

Temperature, humidity, wind and cloud are read from the column at the site's height above sea level
(forecast/science/site_profiles.py). Gust, visibility, CAPE and precipitation are those of the
model's surface, which lies lower than a summit: a gust is at least the wind at the site's height.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from forecast.domain import Event
from forecast.phenomena import PhenomenonFeatures
from forecast.science.arrays import Mask as Mask
from forecast.science.interpolation import Index, Scene, Times, as_times, hours_between
from forecast.science.site_profiles import WINDS, air_at
from forecast.science.thermodynamics import Array, wind_chill
from forecast.settings import PhenomenonSettings

COVERED = 0.99  # a span with this part of it covered counts as whole

SURFACE = ("wind_speed_of_gust", "visibility_in_air", "convective_available_potential_energy")


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features that every event has, read at each hour of its window from its start."""
    rows, start, end = spans(events, scene)
    times = hours_between(start, end)
    air = air_at(scene, rows, times)
    surface = {
        name: scene.at(name, rows, times) if scene.has(name) else np.full(times.shape, np.nan)
        for name in SURFACE
    }
    layers, origin = scene.cloud_layers(rows, times)
    fallen, covered = amount_of_precipitation(scene, rows, start, end)
    values = {
        "temperature_at_site": mean(air["temperature"]),
        "temperature_minimum": lowest(air["temperature"]),
        "temperature_maximum": highest(air["temperature"]),
        "humidity_at_site": mean(air["humidity"]),
        "wind_speed_at_site": mean(air["wind_speed"]),
        "gust": np.fmax(highest(surface["wind_speed_of_gust"]), highest(air["wind_speed"])),
        "wind_chill": lowest(wind_chill(air["temperature"], air["wind_speed"])),
        "precipitation": fallen,
        "convective_energy": highest(surface["convective_available_potential_energy"]),
        "visibility": lowest(surface["visibility_in_air"]),
        "cloud_at_site": mean(air["cloud"]),
    } | {f"{layer}_cloud": mean(cover) for layer, cover in layers.items()}
    inside = ~np.isnat(times)
    known = scene.covers(times) & np.isfinite(air["temperature"])
    # cloud known as a mean covers the interval before its field
    beyond = ~np.any(known | np.isfinite(layers["low"]), axis=1)
    partly = np.asarray(np.any(inside & ~known, axis=1))
    if scene.has("precipitation_amount"):
        partly |= covered < COVERED
    values = {name: np.where(beyond, np.nan, value) for name, value in values.items()}
    return PhenomenonFeatures(
        values,
        _missing(scene, beyond, partly, scene.reaches(start, end), np.asarray(origin == "mean")),
    )


def _missing(
    scene: Scene, beyond: Mask, partly: Mask, reached: Mask, only_means: Mask
) -> list[list[str]]:
    common = [
        f"field:{name}"
        for name in (*WINDS, *SURFACE, "precipitation_amount")
        if not scene.has(name)
    ]
    common += scene.cloud_estimates
    inside = ~beyond
    held = ~reached & ~only_means & inside
    some = [
        ("window_held", held),
        ("window_coverage", partly & inside & ~held),
        ("layer_cloud_mean_only", only_means & inside),
    ]
    return named(("beyond_data", beyond), *some, *((name, inside) for name in common))


# -- shared by the phenomena


def spans(events: Sequence[Event], scene: Scene) -> tuple[Index, Times, Times]:
    """Return each event's row among the scene's sites, and start and end of its window (event)."""
    return (
        scene.rows(events),
        as_times([e.window.start for e in events]),
        as_times([e.window.end for e in events]),
    )


def amount_of_precipitation(
    scene: Scene, rows: Index, start: Times, end: Times
) -> tuple[Array, Array]:
    """Return the precipitation between `start` and `end` (event) [kg m-2] and the part covered [1].

    The amount is NaN where nothing is covered.
    """
    if not scene.has("precipitation_amount"):
        return np.full(len(rows), np.nan), np.zeros(len(rows))
    return scene.amount("precipitation_amount", rows, start, end)


def named(*ids: tuple[str, Mask]) -> list[list[str]]:
    """Return the ids that are true of each event, in the order given."""
    codes = np.asarray(sum(truth.astype(np.int64) << place for place, (_, truth) in enumerate(ids)))
    lists = {
        code: [name for place, (name, _) in enumerate(ids) if code >> place & 1]
        for code in np.unique(codes).tolist()
    }
    return [lists[code] for code in codes.tolist()]


def mean(values: Array) -> Array:
    """Return the mean over the known moments (event, moment[, ...]) -> (event[, ...]).

    NaN where none is known.
    """
    known = np.isfinite(values)
    count = known.sum(axis=1)
    return np.where(
        count > 0, np.where(known, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan
    )


def lowest(values: Array) -> Array:
    """Return the lowest of the moments that are known (event, moment) -> (event)."""
    return np.fmin.reduce(values, axis=1, initial=np.nan)


def highest(values: Array) -> Array:
    """Return the highest of the moments that are known (event, moment) -> (event)."""
    return np.fmax.reduce(values, axis=1, initial=np.nan)


def longest_stretch(good: Mask) -> Mask:
    """Return the moments (event, moment) of the longest unbroken run of good ones.

    Of equal runs the first.
    """
    moments = np.arange(good.shape[1])
    length = moments - np.maximum.accumulate(np.where(good, -1, moments), axis=1)
    last = length.argmax(axis=1)[:, None] if good.shape[1] else np.zeros((len(good), 1), dtype=int)
    return good & (moments <= last) & (moments > last - np.take_along_axis(length, last, axis=1))


def span_of(chosen: Mask, times: Times) -> tuple[Times, Times]:
    """Return the first and the last of the chosen moments (event); NaT where none is chosen."""
    nothing = np.datetime64("NaT", "ns")
    if not chosen.size:
        return np.full(len(chosen), nothing), np.full(len(chosen), nothing)
    places = chosen.argmax(axis=1), chosen.shape[1] - 1 - chosen[:, ::-1].argmax(axis=1)
    first, last = (
        np.where(chosen.any(axis=1), times[np.arange(len(times)), place], nothing)
        for place in places
    )
    return first, last
