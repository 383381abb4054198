"""Starry sky: the night between astronomical dusk and dawn, and its best continuous hours.

What hides the stars is what lies above the viewer: cloud below a summit is a sea of clouds, not a ceiling. Each layer of cloud
counts by how much of the starlight it takes: the weights .50/.35/.15 of low, medium and high cloud as shares of the low
layer's (1, .7, .3), combined by maximum-random overlap, so that an overcast of low cloud hides all and one of cirrus a third.
The best window is where most stars are to be seen: the share of the sky that is clear times the number of stars that its
darkness shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import xarray as xr

from forecast import sky
from forecast.config import PhenomenonSettings
from forecast.domain import Almanac, Event, Site, Window
from forecast.phenomena import Part
from forecast.phenomena.weather import Truth, air_at, cloud_at, cloud_column, elevations, highest, longest_stretch, mean, span_of, spans
from forecast.physics import (
    Array,
    dew_point,
    extinction,
    limiting_magnitude,
    magnitudes,
    maximum_random_overlap,
    moonlight,
    moonlight_offset,
    nanolamberts,
    twilight,
)
from forecast.sampling import LAYERS, Index, Scene, Times, hours_between

PHENOMENA = ("starry_sky",)

WEIGHTS = {"low": 0.50, "medium": 0.35, "high": 0.15}  # science.md, section 1
STEP = 30  # [min] between two looks at the night
SLOPE = 0.5  # the number of stars down to a magnitude m grows as 10^(0.5 m) (Allen's star counts, 4-7 mag)
STILL_GOOD = 0.8  # the window is stretched over its neighbours that show at least this part of what its best hours show
HALF_THE_SKY = 0.5  # a window with more cloud than this is not told as the best of anything
MILKY_WAY_ALTITUDE = 10.0  # [degree] the core is worth looking at
CHART_MARGIN = np.timedelta64(3, "h")  # before dusk and after dawn: from about an hour before sunset to an hour after sunrise
ALMOST_AN_HOUR = np.timedelta64(3600 * 10**9 - 1, "ns")


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the night that begins on `day`, where there is an astronomical one."""
    dusk, dawn = almanac.astronomical_dusk, almanac.astronomical_dawn
    if "starry_sky" not in site.phenomena or dusk is None or dawn is None or dawn <= dusk:
        return []
    return [Event("starry_sky", site, day, Window(dusk, dawn))]


def derive(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> Part:
    """Return the features of STARS over the best window of each night (over the whole night where it has none)."""
    rows, start, end = spans(events, scene)
    times = hours_between(start, end, STEP)
    cover, light = clouds(scene, rows, times)["total"], lights(scene, rows, times)
    luminance = light["luminance"]
    stars_seen = (1 - cover) * 10 ** (SLOPE * limiting_magnitude(magnitudes(luminance)))
    count = settings.stars_minimum_hours * 60 // STEP + 1
    chosen, found = best_run(stars_seen, count)
    inside = np.where(found[:, None], chosen, ~np.isnat(times))
    air = air_at(scene, rows, times)
    column = "atmosphere_mass_content_of_water_vapor"
    vapour = scene.at(column, rows, times) if scene.has(column) else np.full(times.shape, np.nan)
    brightness = magnitudes(mean(np.where(inside, luminance, np.nan)))

    def over(values: Array) -> Array:
        return mean(np.where(inside, values, np.nan))

    values = {
        "cloud_for_stars": over(cover),
        "clear_hours": np.where(np.isfinite(cover).any(axis=1), longest_hours(cover <= settings.stars_clear_cover, times), np.nan),
        "dark_hours": (end - start) / np.timedelta64(1, "h"),
        "zenith_sky_brightness": brightness,
        "limiting_magnitude": limiting_magnitude(brightness),
        "moon_altitude": highest(np.where(inside, light["moon"], np.nan)),
        "moon_illumination": sky.moon_illumination(start + (end - start) / 2),
        "milky_way_hours": longest_hours(light["milky_way"] > MILKY_WAY_ALTITUDE, times),
        "dew_point_depression": over(air["temperature"] - dew_point(air["temperature"], air["humidity"])),
        "water_vapour_column": over(vapour),
        "cloud_at_site": over(air["cloud"]),
        "humidity_at_site": over(air["humidity"]),
    }
    worth_it = found & (values["cloud_for_stars"] <= HALF_THE_SKY)
    best_start, best_end = span_of(chosen & worth_it[:, None], times)
    values |= {"best_start": best_start, "best_end": best_end}
    missing = [[f"field:{column}"] * (not scene.has(column))] * len(events)
    return Part(values, missing, {"starry_sky": _evidence(scene, rows, start, end)})


# -- cloud


def clouds(scene: Scene, rows: Index, times: Times) -> dict[str, Array]:
    """Return low, medium and high cloud above the site and their `total` against stars (event, moment) [1].

    The model's low layer reaches down to its ground; it counts only as far as its levels above the site hold cloud.
    """
    layers, _ = scene.cloud_layers(rows, times)
    cloud, heights = (values[..., -len(scene.pressure) :] for values in cloud_column(scene))
    low = (scene.pressure > LAYERS["low"][0]) & (heights >= elevations(scene)[:, None, None])
    above = maximum_random_overlap(np.where(low, np.nan_to_num(cloud), 0.0))
    above = scene.between(np.fmax(above, cloud_at(scene, elevations(scene))), rows, times)
    layers["low"] = np.fmin(layers["low"], above)
    opacity = {layer: weight / WEIGHTS["low"] for layer, weight in WEIGHTS.items()}
    hiding = np.stack([layers[layer] * opacity[layer] for layer in LAYERS], axis=-1)
    total = np.where(np.isnan(hiding).any(axis=-1), np.nan, maximum_random_overlap(hiding))
    return {**layers, "total": total}


# -- light


def lights(scene: Scene, rows: Index, times: Times) -> dict[str, Array]:
    """Return the altitudes of sun, moon and milky_way [degree] (event, moment) and the `luminance` of the clear zenith [nL].

    The luminance is the site's own, the moon's and twilight's.
    """
    place = [np.array([getattr(site, name) for site in scene.sites])[rows, None] for name in ("latitude", "longitude")]
    sun, moon = sky.sun_position(times, *place)[0], sky.moon_position(times, *place)[0]
    own = nanolamberts(np.array([site.night_sky_brightness for site in scene.sites]))[rows, None]
    lit = sky.moon_illumination(times)
    scattered = moonlight(moon, lit, extinction(elevations(scene))[rows, None]) * 10 ** (-0.4 * moonlight_offset(lit))
    luminance = np.asarray(own + scattered + twilight(sun))
    return {"sun": sun, "moon": moon, "milky_way": sky.galactic_centre_position(times, *place)[0], "luminance": luminance}


# -- the best window


def best_run(score: Array, count: int) -> tuple[Truth, Truth]:
    """Return which moments (event, moment) make the best window, and whether there is one (event).

    It holds the `count` neighbouring moments with the highest mean score, stretched both ways over neighbours that score at
    least STILL_GOOD of that mean. A window does not cross a moment whose score is NaN.
    """
    events, width = score.shape
    moments = np.arange(width)
    if width < count:
        return np.zeros(score.shape, dtype=bool), np.zeros(events, dtype=bool)
    means = np.lib.stride_tricks.sliding_window_view(score, count, axis=1).mean(axis=-1)
    found = np.isfinite(means).any(axis=1)
    first = np.where(np.isnan(means), -np.inf, means).argmax(axis=1)[:, None]
    best = np.take_along_axis(means, first, axis=1)
    core = (moments >= first) & (moments < first + count)
    good = core | (score >= STILL_GOOD * best)
    run = np.cumsum(~good, axis=1)  # the same number along a run of good moments
    chosen = good & (run == np.take_along_axis(run, first, axis=1))
    return chosen & found[:, None], found


def longest_hours(good: Truth, times: Times) -> Array:
    """Return the longest time [h] for which moments (event, moment) are good without a break, from the first to the last of them."""
    return np.asarray(np.maximum(longest_stretch(good & ~np.isnat(times)).sum(axis=1) - 1, 0) * STEP / 60)


# -- the chart


def _evidence(scene: Scene, rows: Index, start: Times, end: Times) -> xr.Dataset:
    """Return what the night's chart draws, hour by hour, NaT where a night has fewer hours than the longest."""
    first = (start - CHART_MARGIN + ALMOST_AN_HOUR).astype("datetime64[h]")  # the next whole hour
    times = hours_between(first, end + CHART_MARGIN)
    cover, light = clouds(scene, rows, times), lights(scene, rows, times)
    drawn = {f"{body}_altitude": (light[body], "degree") for body in ("sun", "moon", "milky_way")}
    drawn |= {"cloud": (cover["total"], "1")} | {f"{layer}_cloud": (cover[layer], "1") for layer in LAYERS}
    drawn |= {"sky_brightness": (magnitudes(light["luminance"]), "mag arcsec-2")}
    data = {name: (("event", "hour"), values.astype(np.float32), {"units": unit}) for name, (values, unit) in drawn.items()}
    return xr.Dataset(data | {"time": (("event", "hour"), times)}, coords={"row": ("event", np.arange(len(rows)))})
