"""Starry sky: the night between astronomical dusk and dawn, and its best continuous hours.

Only cloud above the viewer hides stars: cloud below a summit is a sea of clouds. It is counted in
two ways. The sky cover counts every layer in full, as an observer does; with the darkness of the
zenith it decides whether a night is starry, in forecast and verification. The hidden starlight
counts each layer by its opacity: WEIGHTS of low, medium and high cloud relative to the low layer's,
so that an overcast of low cloud hides all and one of cirrus a third. Both combine the layers by
maximum-random overlap.

The best window maximises the clear part of the sky times the number of stars that its darkness
shows. It stays within the run's own fields: a field held beyond the last one may give how the sky
will be, not when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Event, Outcome, Site, Window
from forecast.phenomena import PhenomenonFeatures, star_night
from forecast.phenomena.night_light import darkest_azimuth, lights
from forecast.phenomena.weather import (
    Mask,
    highest,
    longest_stretch,
    mean,
    named,
    part_weights,
    span_of,
    spans,
)
from forecast.quantities import DARK_ENOUGH
from forecast.science.almanac import (
    ASTRONOMICAL,
    MILKY_WAY_ALTITUDE,
    moon_illumination,
    sun_position,
)
from forecast.science.interpolation import (
    LAYERS,
    Index,
    Scene,
    Times,
    as_times,
    edges_between,
    hours_between,
    whole_hour_from,
)
from forecast.science.night_sky import MILKY_WAY_SKY, lay_limit, limiting_magnitude, magnitudes
from forecast.science.site_profiles import air_at, cloud_at, cloud_column, elevations
from forecast.science.thermodynamics import Array, dew_point, maximum_random_overlap
from forecast.settings import PhenomenonSettings

PHENOMENA = ("starry_sky",)

WEIGHTS = {"low": 0.50, "medium": 0.35, "high": 0.15}  # science.md, section 1
STEP = 30  # [min] between two moments of the night
# [1] the number of stars down to a magnitude m grows as 10^(0.5 m) (Allen's star counts, 4-7 mag)
SLOPE = 0.5
# [1] the best window extends over neighbours that score at least this part of its best hours
STILL_GOOD = 0.8
# [1] greatest sky cover of a starry sky, and of a best window: few clouds (WMO-No. 306, code table
# 2700: 2 okta, up to 2.5 eighths); clear by GB/T 35663-2017, 2.1 is 0-2 tenths, partly cloudy 3-5
FEW_CLOUDS = 0.3
# [mag arcsec-2] one clear moonless night lies 0.3 from the place's others: tests/science/stars.py
METER_AGREES = 0.5
VAPOUR = "atmosphere_mass_content_of_water_vapor"
# before dusk and after dawn: about an hour before sunset to an hour after sunrise
CHART_MARGIN = np.timedelta64(3, "h")


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the night that begins on `day`, where there is an astronomical one.

    In the polar night, dark around the clock, it lasts from one noon to the next.
    """
    dusk = almanac.astronomical_dusk or _dark_noon(site, almanac.day_start)
    dawn = almanac.astronomical_dawn or _dark_noon(site, almanac.day_end)
    if "starry_sky" not in site.phenomena or dusk is None or dawn is None or dawn <= dusk:
        return []
    return [Event("starry_sky", site, day, Window(dusk, dawn))]


def _dark_noon(site: Site, midnight: datetime) -> datetime | None:
    """Return the noon after a local midnight where it is as dark as night; else None."""
    noon = midnight + timedelta(hours=12)
    altitude, _ = sun_position(as_times([noon]), site.latitude, site.longitude)
    return noon if float(altitude[0]) < ASTRONOMICAL else None


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features of each night over its best window, else over the whole night."""
    rows, start, end = spans(events, scene)
    times = edges_between(start, end, STEP)
    air = air_at(scene, rows, times)
    cover, light = clouds(scene, rows, times), lights(scene, rows, times, air["humidity"])
    luminance, timed = light["luminance"], cloud_timed(scene, rows, times)
    chosen, found = best_run(
        visible_stars(np.where(timed, cover["sky"], np.nan), light),
        moments_in_window(settings),
        whole_steps(times),
    )
    weights = part_weights(times)
    reached = scene.reaches(start, end) | timed.any(axis=1)
    inside = np.where(found[:, None], chosen, ~np.isnat(times))
    # the model's are float32: 2/10 is 0.2
    clear = timed & (np.round(cover["sky"], 3) <= settings.stars_clear_cover)

    def over(values: Array) -> Array:
        return mean(np.where(inside, values, np.nan), weights)

    brightness, darkest = magnitudes(over(luminance)), darkest_hours(times, light, settings)
    milky_way = (light["milky_way"] > MILKY_WAY_ALTITUDE) & (magnitudes(luminance) >= MILKY_WAY_SKY)
    values = {
        "sky_cover": np.where(reached, over(cover["sky"]), np.nan),
        "cloud_for_stars": np.where(reached, over(cover["hidden"]), np.nan),
        "clear_hours": np.where(
            reached & np.isfinite(cover["sky"]).any(axis=1), longest_hours(clear, times), np.nan
        ),
        "dark_hours": (end - start) / np.timedelta64(1, "h"),
        **darkest,
        "limiting_magnitude": lay_limit(brightness, over(light["dimming"])),
        "darkest_azimuth": darkest_azimuth(scene, rows, light, inside),
        "moon_altitude": highest(np.where(inside, light["moon"], np.nan)),
        "moon_illumination": moon_illumination(start + (end - start) / 2),
        "milky_way_hours": longest_hours(milky_way, times),
        "dew_point_depression": over(
            air["temperature"] - dew_point(air["temperature"], air["humidity"])
        ),
        "water_vapour_column": over(_vapour(scene, rows, times)),
        "cloud_at_site": over(air["cloud"]),
        "humidity_at_site": over(air["humidity"]),
    }
    around = star_night.moments_around(start, end)
    night = np.where(reached[:, None], clouds(scene, rows, around)["sky"], np.nan)
    values |= star_night.derive(scene, rows, around, night, settings.stars_clear_cover)
    few = max(FEW_CLOUDS, settings.stars_clear_cover)
    worth_it = found & (np.round(values["sky_cover"], 3) <= few) & (values["clear_hours"] > 0)
    best_start, best_end = span_of(chosen & worth_it[:, None], times)
    values |= {"best_start": best_start, "best_end": best_end}
    estimated = np.any(inside & scene.covers(times) & np.isnan(light["aerosol"]), axis=1)
    absent = np.full(len(events), not scene.has(VAPOUR))
    missing = named(
        ("beyond_data", ~reached), (f"field:{VAPOUR}", absent), ("aerosol_estimated", estimated)
    )
    return PhenomenonFeatures(values, missing, {"starry_sky": _evidence(scene, rows, start, end)})


def darkest_hours(
    times: Times, light: dict[str, Array], settings: PhenomenonSettings
) -> dict[str, Array]:
    """Return how dark the clear zenith becomes (event), and for how long, whatever the cloud.

    zenith_sky_brightness: of the window in which most stars show [mag arcsec-2], of the whole night
    where that is too short for one; dark_sky_share: the longest time in which the zenith is at
    least as dark as DARK_ENOUGH, over the length of the night [1].
    """
    clear = np.where(np.isnat(times), np.nan, 0.0)
    chosen, found = best_run(
        visible_stars(clear, light), moments_in_window(settings), whole_steps(times)
    )
    inside = np.where(found[:, None], chosen, ~np.isnat(times))
    luminance = np.where(inside, light["luminance"], np.nan)
    dark = ~np.isnat(times) & (magnitudes(light["luminance"]) >= DARK_ENOUGH)
    return {
        "zenith_sky_brightness": magnitudes(mean(luminance, part_weights(times))),
        "dark_sky_share": longest_hours(dark, times) / longest_hours(~np.isnat(times), times),
    }


def _vapour(scene: Scene, rows: Index, times: Times) -> Array:
    if not scene.has(VAPOUR):
        return np.full(times.shape, np.nan)
    return scene.at(VAPOUR, rows, times)


# -- outcomes


def diagnose(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> list[Outcome]:
    """Return the outcome of each night from a scene of analyses.

    amount: the sky cover [1] of the best window. The degree is NaN without a window of at least the
    required hours inside the data, and where cloud is unknown.
    """
    rows, start, end = spans(events, scene)
    times = edges_between(start, end, STEP)
    sky_cover = np.where(cloud_timed(scene, rows, times), clouds(scene, rows, times)["sky"], np.nan)
    light = lights(scene, rows, times, air_at(scene, rows, times)["humidity"])
    chosen, _ = best_run(
        visible_stars(sky_cover, light), moments_in_window(settings), whole_steps(times)
    )
    weights = part_weights(times)
    inside = np.where(chosen, 1.0, np.nan)
    cover = mean(inside * sky_cover, weights)
    brightness = magnitudes(mean(inside * light["luminance"], weights))
    degrees = degree_from_cover(cover, brightness, settings.stars_clear_cover)
    details = [
        f"cover {c:.2f}, zenith {b:.1f} mag arcsec-2" if np.isfinite(c) else ""
        for c, b in zip(cover, brightness, strict=True)
    ]
    return [
        Outcome(
            "starry_sky",
            event.site.id,
            event.day,
            float(degree),
            "analysis",
            amount=float(amount),
            detail=detail,
        )
        for event, degree, amount, detail in zip(events, degrees, cover, details, strict=True)
    ]


def degree_from_cover(cover: Array, brightness: Array, clear: float = 0.2) -> Array:
    """Return the degree of a starry sky (...) from its `cover` [1] and the zenith's darkness.

    1 where the cover is at most `clear` and the zenith dark enough, 0.5 up to FEW_CLOUDS, else 0;
    NaN where one is unknown and the other does not rule it out. brightness: of the clear zenith
    [mag arcsec-2].
    """
    few = max(FEW_CLOUDS, clear)
    cover = np.round(cover, 3)  # the model's are float32: 2/10 is 0.2
    dark, known = (
        np.asarray(brightness) >= DARK_ENOUGH,
        np.isfinite(cover) & np.isfinite(brightness),
    )
    degree = np.where(dark & (cover <= clear), 1.0, np.where(dark & (cover <= few), 0.5, 0.0))
    ruled_out = (cover > few) | (np.isfinite(brightness) & ~dark)
    return np.where(known | ruled_out, degree, np.nan)


def degree_from_okta(okta: Array, brightness: Array, clear: float = 0.2) -> Array:
    """Return the degree of a starry sky (event) from a station's total cloud N at night [okta].

    okta: (event, report), NaN: no report; 9 (sky obscured) counts as overcast. One okta is 12.5 %,
    reported for any trace of cloud, two for few clouds: the mean of the night's reports is compared
    with `clear` and FEW_CLOUDS, so a single report is 1 at 0 or 1 okta, 0.5 at 2 and 0 from 3 on.
    brightness: as for `degree_from_cover`, from the almanac, since the station does not measure it.
    Source: WMO-No. 306, code table 2700.
    """
    return degree_from_cover(mean(np.minimum(okta, 8) / 8), brightness, clear)


def degree_from_meter(reading: Array, clear_sky: Array) -> Array:
    """Return the degree of a starry sky (...) from a sky meter's `reading` [mag arcsec-2].

    0 where the zenith is brighter than DARK_ENOUGH. 1 where it is dark and within METER_AGREES of
    the clear sky's own brightness; 0 where it is darker still: far from lamps a cloud darkens the
    zenith. NaN otherwise. clear_sky: `zenith_sky_brightness` without cloud.
    """
    difference = np.asarray(reading) - clear_sky
    agrees = np.abs(difference) <= METER_AGREES
    sure = np.where(agrees, 1.0, np.where(difference > METER_AGREES, 0.0, np.nan))
    return np.where(
        np.isnan(reading), np.nan, np.where(np.asarray(reading) < DARK_ENOUGH, 0.0, sure)
    )


# -- cloud


def clouds(scene: Scene, rows: Index, times: Times) -> dict[str, Array]:
    """Return low, medium and high cloud above the site, the `sky` cover and the `hidden` starlight.

    All (event, moment) [1]. The model's low layer reaches down to its ground; it counts only as far
    as its levels above the site have cloud.
    """
    layers, _ = scene.cloud_layers(rows, times)
    cloud, heights = (values[..., -len(scene.pressure) :] for values in cloud_column(scene))
    low = (scene.pressure > LAYERS["low"][0]) & (heights >= elevations(scene)[:, None, None])
    above = maximum_random_overlap(np.where(low, np.nan_to_num(cloud), 0.0))
    above = scene.between(np.fmax(above, cloud_at(scene, elevations(scene))), rows, times)
    layers["low"] = np.fmin(layers["low"], above)
    opacity = {layer: weight / WEIGHTS["low"] for layer, weight in WEIGHTS.items()}
    covering = np.stack([layers[layer] for layer in LAYERS], axis=-1)
    unknown = np.isnan(covering).any(axis=-1)
    both = {"sky": covering, "hidden": covering * [opacity[layer] for layer in LAYERS]}
    return {
        **layers,
        **{
            name: np.where(unknown, np.nan, maximum_random_overlap(parts))
            for name, parts in both.items()
        },
    }


def cloud_timed(scene: Scene, rows: Index, times: Times) -> Mask:
    """Return at which moments (event, moment) the run has cloud: between fields or as a mean."""
    mean_cloud = "low_type_cloud_area_fraction_mean"
    inside = scene.within(times)
    return (
        inside | np.isfinite(scene.mean_over(mean_cloud, rows, times))
        if scene.has(mean_cloud)
        else inside
    )


# -- the best window


def visible_stars(cover: Array, light: dict[str, Array]) -> Array:
    """Return the relative number of visible stars (event, moment): clear part times star count."""
    return (1 - cover) * 10 ** (
        SLOPE * limiting_magnitude(magnitudes(light["luminance"]), light["dimming"])
    )


def moments_in_window(settings: PhenomenonSettings) -> int:
    """Return the number of moments in the shortest best window."""
    return settings.stars_minimum_hours * 60 // STEP + 1


def whole_steps(times: Times) -> Mask:
    """Return which moments (event, moment) lie a whole STEP after the one before, or are first."""
    whole = np.diff(times, axis=1) == np.timedelta64(STEP, "m")
    return np.concatenate([~np.isnat(times[:, :1]), whole], axis=1)


def best_run(score: Array, count: int, regular: Mask | None = None) -> tuple[Mask, Mask]:
    """Return the moments of the best window (event, moment), and whether there is one (event).

    It holds the `count` neighbouring moments with the highest mean score, extended both ways over
    neighbours that score at least STILL_GOOD of that mean. A window does not cross a moment whose
    score is NaN. regular: the moments that may be among the `count`, by default all; the end of a
    night that is not a whole number of steps long only extends a window.
    """
    events, width = score.shape
    moments = np.arange(width)
    if width < count:
        return np.zeros(score.shape, dtype=bool), np.zeros(events, dtype=bool)
    means = np.lib.stride_tricks.sliding_window_view(
        score if regular is None else np.where(regular, score, np.nan), count, axis=1
    ).mean(axis=-1)
    found = np.isfinite(means).any(axis=1)
    first = np.where(np.isnan(means), -np.inf, means).argmax(axis=1)[:, None]
    best = np.take_along_axis(means, first, axis=1)
    core = (moments >= first) & (moments < first + count)
    good = core | (score >= STILL_GOOD * best)
    run = np.cumsum(~good, axis=1)  # the same number along a run of good moments
    chosen = good & (run == np.take_along_axis(run, first, axis=1))
    return chosen & found[:, None], found


def longest_hours(good: Mask, times: Times) -> Array:
    """Return the longest time [h] (event) from first to last of an unbroken run of good moments."""
    first, last = span_of(longest_stretch(good & ~np.isnat(times)), times)
    return np.nan_to_num((last - first) / np.timedelta64(1, "h"))


# -- the chart


def _evidence(scene: Scene, rows: Index, start: Times, end: Times) -> xr.Dataset:
    """Return the data of the night's chart by hour; cloud as far as the run's fields.

    Times are NaT where a night has fewer hours than the longest.
    """
    first = whole_hour_from(start - CHART_MARGIN)
    times = hours_between(first, end + CHART_MARGIN)
    timed = cloud_timed(scene, rows, times)
    cover = {
        name: np.where(timed, values, np.nan) for name, values in clouds(scene, rows, times).items()
    }
    light = lights(scene, rows, times, air_at(scene, rows, times)["humidity"])
    drawn = {f"{body}_altitude": (light[body], "degree") for body in ("sun", "moon", "milky_way")}
    drawn |= {"cloud": (cover["sky"], "1")} | {
        f"{layer}_cloud": (cover[layer], "1") for layer in LAYERS
    }
    drawn |= {"sky_brightness": (magnitudes(light["luminance"]), "mag arcsec-2")}
    data = {
        name: (("event", "hour"), values.astype(np.float32), {"units": unit})
        for name, (values, unit) in drawn.items()
    }
    return xr.Dataset(
        data | {"time": (("event", "hour"), times)}, coords={"row": ("event", np.arange(len(rows)))}
    )
