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
from forecast.science.interpolation import Index, Scene, Times, as_times, edges_between
from forecast.science.site_profiles import WINDS, air_at
from forecast.science.thermodynamics import Array, wind_chill
from forecast.settings import PhenomenonSettings

# [1] a span with this part of it covered counts as whole: rounding, 9 seconds of a day
COVERED = 0.9999

SURFACE = ("wind_speed_of_gust", "visibility_in_air", "convective_available_potential_energy")


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features that every event has.

    Means are over the hours of the window from its start to its end; extremes are also read at the
    run's own times inside it, between which a field has none.
    """
    rows, start, end = spans(events, scene)
    hours = edges_between(start, end)
    times = np.concatenate([hours, _fields_inside(scene, start, end)], axis=1)
    weights = part_weights(hours)
    air = air_at(scene, rows, times)

    def mean_of(values: Array) -> Array:
        return mean(values[:, : hours.shape[1]], weights)

    surface = {
        name: scene.at(name, rows, times) if scene.has(name) else np.full(times.shape, np.nan)
        for name in SURFACE
    }
    layers, origin = scene.cloud_layers(rows, hours)
    fallen, covered = amount_of_precipitation(scene, rows, start, end)
    values = {
        "temperature_at_site": mean_of(air["temperature"]),
        "temperature_minimum": lowest(air["temperature"]),
        "temperature_maximum": highest(air["temperature"]),
        "humidity_at_site": mean_of(air["humidity"]),
        "wind_speed_at_site": mean_of(air["wind_speed"]),
        "gust": np.fmax(highest(surface["wind_speed_of_gust"]), highest(air["wind_speed"])),
        "wind_chill": lowest(wind_chill(air["temperature"], air["wind_speed"])),
        "precipitation": fallen,
        "convective_energy": highest(surface["convective_available_potential_energy"]),
        "visibility": lowest(surface["visibility_in_air"]),
        "cloud_at_site": mean_of(air["cloud"]),
    } | {f"{layer}_cloud": mean(cover, weights) for layer, cover in layers.items()}
    inside = ~np.isnat(hours)
    known = scene.covers(hours) & np.isfinite(air["temperature"][:, : hours.shape[1]])
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


def known_parts(events: Sequence[Event], scene: Scene) -> dict[str, Array]:
    """Return the part [1] of each event's window in which a hazard's feature is known (event).

    Field by field: a field that lacks one time of the run is unknown up to its neighbours. A gust
    needs the model's own gust, which the wind alone does not replace.
    """
    rows, start, end = spans(events, scene)
    sites = np.arange(len(scene.sites))
    times = np.broadcast_to(scene.times, (sites.size, scene.times.size))
    air = air_at(scene, sites, times)
    temperature, wind = np.isfinite(air["temperature"]), np.isfinite(air["wind_speed"])
    gust, visibility, energy = (
        np.isfinite(scene.at_sites(name)) if scene.has(name) else np.zeros(times.shape, dtype=bool)
        for name in SURFACE
    )
    known = {
        "temperature_minimum": temperature,
        "wind_chill": temperature & wind,
        "wind_speed_at_site": wind,
        "gust": gust & wind,
        "visibility": visibility,
        "convective_energy": energy,
    }
    parts = {name: scene.share_known(series, rows, start, end) for name, series in known.items()}
    _, fallen = amount_of_precipitation(scene, rows, start, end)
    return parts | dict.fromkeys(("precipitation", "snow_water", "freezing_rain"), fallen)


def _fields_inside(scene: Scene, start: Times, end: Times) -> Times:
    """Return the run's own times inside each window (event, time); NaT for those outside."""
    own = np.broadcast_to(scene.times.astype("datetime64[ns]"), (len(start), scene.times.size))
    inside = (own > start[:, None]) & (own < end[:, None])
    return np.where(inside, own, np.datetime64("NaT", "ns"))


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


def mean(values: Array, weights: Array | None = None) -> Array:
    """Return the mean over the known moments (event, moment[, ...]) -> (event[, ...]).

    weights: (event, moment), by default all equal. NaN where none is known.
    """
    known = np.isfinite(values)
    if weights is None:
        weight = known.astype(float)
    else:
        each = weights.reshape(weights.shape + (1,) * (values.ndim - weights.ndim))
        weight = np.where(known, each, 0.0)
    total = weight.sum(axis=1)
    summed = np.where(known, values, 0.0) * weight
    return np.where(total > 0, summed.sum(axis=1) / np.where(total > 0, total, 1.0), np.nan)


def part_weights(edges: Times) -> Array:
    """Return the weight [1] of each edge of a window's parts (event, edge) in a mean.

    1, and for the end of a last, shorter part its length by that of a whole part.
    """
    if edges.shape[1] < 3:
        return np.where(np.isnat(edges), 0.0, 1.0)
    lengths = np.diff(edges, axis=1) / (edges[:, 1:2] - edges[:, :1])
    return np.nan_to_num(np.concatenate([np.ones((len(edges), 1)), lengths], axis=1))


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
    if not good.size:
        return good
    moments = np.arange(good.shape[1])
    length = moments - np.maximum.accumulate(np.where(good, -1, moments), axis=1)
    last = length.argmax(axis=1)[:, None]
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
