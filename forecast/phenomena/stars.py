"""Starry sky: the night between astronomical dusk and dawn, and its best continuous hours.

What hides the stars is what lies above the viewer: cloud below a summit is a sea of clouds, not a
ceiling. It is counted twice. The sky cover counts every layer in full, as an observer does: by it
and by the zenith's darkness a night is called starry, before and after, and the best window is
where the share of the sky without cloud times the number of stars that its darkness shows is
greatest. The starlight hidden counts each layer by how much it takes: the WEIGHTS of low, medium
and high cloud as shares of the low layer's, so that an overcast of low cloud hides all and one of
cirrus a third. Both combine the layers by maximum-random overlap. A field held beyond the run's
last one may say how the sky will be, not when: no best window leaves the data's own span.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Event, Outcome, Site, Window
from forecast.phenomena import PhenomenonFeatures
from forecast.phenomena.weather import Mask, highest, longest_stretch, mean, named, span_of, spans
from forecast.quantities import DARK_ENOUGH
from forecast.science.aerosol import OPTICAL_DEPTH
from forecast.science.almanac import (
    MILKY_WAY_ALTITUDE,
    galactic_centre_position,
    moon_illumination,
    moon_position,
    sun_position,
)
from forecast.science.interpolation import LAYERS, Index, Scene, Times, hours_between
from forecast.science.night_sky import (
    MILKY_WAY_SKY,
    aerosol_extinction,
    extinction,
    fitted_moonlight,
    lay_limit,
    limiting_magnitude,
    luminance_towards,
    magnitudes,
    nanolamberts,
    twilight,
)
from forecast.science.site_profiles import air_at, cloud_at, cloud_column, elevations
from forecast.science.thermodynamics import Array, dew_point, maximum_random_overlap
from forecast.settings import PhenomenonSettings

PHENOMENA = ("starry_sky",)

WEIGHTS = {"low": 0.50, "medium": 0.35, "high": 0.15}  # science.md, section 1
STEP = 30  # [min] between two looks at the night
# the number of stars down to a magnitude m grows as 10^(0.5 m) (Allen's star counts, 4-7 mag)
SLOPE = 0.5
# the window is stretched over its neighbours that show at least this part of what its best hours
# show
STILL_GOOD = 0.8
HALF_THE_SKY = 0.5  # a window with more cloud than this is not told as the best of anything
# [mag arcsec-2] one clear moonless night lies 0.3 from the place's others: tests/science/stars.py
METER_AGREES = 0.5
DIRECTIONS = 12  # of the sky, told apart by their brightness
# [1] of the luminance: directions that differ by less (0.05 mag) are equally dark
TOLD_APART = 0.05
# before dusk and after dawn: from about an hour before sunset to an hour after sunrise
CHART_MARGIN = np.timedelta64(3, "h")
ALMOST_AN_HOUR = np.timedelta64(3600 * 10**9 - 1, "ns")


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the night that begins on `day`, where there is an astronomical one."""
    dusk, dawn = almanac.astronomical_dusk, almanac.astronomical_dawn
    if "starry_sky" not in site.phenomena or dusk is None or dawn is None or dawn <= dusk:
        return []
    return [Event("starry_sky", site, day, Window(dusk, dawn))]


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features of STARS over the best window of each night (over the whole night where
    it has none).
    """
    rows, start, end = spans(events, scene)
    times = hours_between(start, end, STEP)
    air = air_at(scene, rows, times)
    cover, light = clouds(scene, rows, times), lights(scene, rows, times, air["humidity"])
    luminance, timed = light["luminance"], cloud_timed(scene, rows, times)
    chosen, found = best_run(
        visible_stars(np.where(timed, cover["sky"], np.nan), light), moments_in_window(settings)
    )
    reached = scene.reaches(start, end) | timed.any(axis=1)
    inside = np.where(found[:, None], chosen, ~np.isnat(times))
    # the model's are float32: 2/10 is 0.2
    clear = timed & (np.round(cover["sky"], 3) <= settings.stars_clear_cover)

    def over(values: Array) -> Array:
        return mean(np.where(inside, values, np.nan))

    column = "atmosphere_mass_content_of_water_vapor"
    brightness = magnitudes(over(luminance))
    milky_way = (light["milky_way"] > MILKY_WAY_ALTITUDE) & (magnitudes(luminance) >= MILKY_WAY_SKY)
    values = {
        "sky_cover": np.where(reached, over(cover["sky"]), np.nan),
        "cloud_for_stars": np.where(reached, over(cover["hidden"]), np.nan),
        "clear_hours": np.where(
            reached & np.isfinite(cover["sky"]).any(axis=1), longest_hours(clear, times), np.nan
        ),
        "dark_hours": (end - start) / np.timedelta64(1, "h"),
        "zenith_sky_brightness": brightness,
        "limiting_magnitude": lay_limit(brightness, over(light["dimming"])),
        "darkest_azimuth": darkest_azimuth(scene, rows, light, inside),
        "moon_altitude": highest(np.where(inside, light["moon"], np.nan)),
        "moon_illumination": moon_illumination(start + (end - start) / 2),
        "milky_way_hours": longest_hours(milky_way, times),
        "dew_point_depression": over(
            air["temperature"] - dew_point(air["temperature"], air["humidity"])
        ),
        "water_vapour_column": over(
            scene.at(column, rows, times) if scene.has(column) else np.full(times.shape, np.nan)
        ),
        "cloud_at_site": over(air["cloud"]),
        "humidity_at_site": over(air["humidity"]),
    }
    worth_it = (
        found & (np.round(values["sky_cover"], 3) <= HALF_THE_SKY) & (values["clear_hours"] > 0)
    )
    best_start, best_end = span_of(chosen & worth_it[:, None], times)
    values |= {"best_start": best_start, "best_end": best_end}
    guessed = np.any(inside & scene.covers(times) & np.isnan(light["aerosol"]), axis=1)
    absent = np.full(len(events), not scene.has(column))
    missing = named(
        ("beyond_data", ~reached), (f"field:{column}", absent), ("aerosol_estimated", guessed)
    )
    return PhenomenonFeatures(values, missing, {"starry_sky": _evidence(scene, rows, start, end)})


# -- what was seen


def diagnose(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> list[Outcome]:
    """Return what was to be seen of each night, from a scene of analyses; the amount is the sky
    cover [1] of the best window.

    A night without a window of at least the wanted hours inside the data, or of unknown cloud, has
    a NaN degree.
    """
    rows, start, end = spans(events, scene)
    times = hours_between(start, end, STEP)
    sky_cover = np.where(cloud_timed(scene, rows, times), clouds(scene, rows, times)["sky"], np.nan)
    light = lights(scene, rows, times, air_at(scene, rows, times)["humidity"])
    chosen, _ = best_run(visible_stars(sky_cover, light), moments_in_window(settings))
    inside = np.where(chosen, 1.0, np.nan)
    cover = mean(inside * sky_cover)
    brightness = magnitudes(mean(inside * light["luminance"]))
    degrees = degree_from_cover(cover, brightness, settings.stars_clear_cover)
    said = [
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
        for event, degree, amount, detail in zip(events, degrees, cover, said, strict=True)
    ]


def degree_from_cover(cover: Array, brightness: Array, clear: float = 0.2) -> Array:
    """Return how far stars were seen (...): 1 where the sky's `cover` [1] is at most `clear` and
    its zenith is dark enough, 0.5 where up to HALF_THE_SKY is covered, else 0; NaN where one is
    unknown and the other does not rule it out.

    brightness: of the clear zenith [mag arcsec-2].
    """
    cover = np.round(cover, 3)  # the model's are float32: 2/10 is 0.2
    dark, known = (
        np.asarray(brightness) >= DARK_ENOUGH,
        np.isfinite(cover) & np.isfinite(brightness),
    )
    degree = np.where(
        dark & (cover <= clear), 1.0, np.where(dark & (cover <= HALF_THE_SKY), 0.5, 0.0)
    )
    ruled_out = (cover > HALF_THE_SKY) | (np.isfinite(brightness) & ~dark)
    return np.where(known | ruled_out, degree, np.nan)


def degree_from_okta(okta: Array, brightness: Array, clear: float = 0.2) -> Array:
    """Return how far stars were seen (event) from the total cloud N of a station's night reports
    (event, report) [okta], NaN: no report.

    9 (sky not to be made out) counts as overcast. One okta is 12.5 %, reported for any trace of
    cloud, two for up to 3/8: the mean of the night's reports is held against `clear`, so one alone
    says yes at 0 or 1 okta only. brightness: as for `degree_seen`, from the almanac, since the
    station does not measure it. Outcomes of it have source "station".
    Source: WMO-No. 306, code table 2700.
    """
    return degree_from_cover(mean(np.minimum(okta, 8) / 8), brightness, clear)


def degree_from_meter(reading: Array, clear_sky: Array) -> Array:
    """Return how far stars were seen (...) from a sky meter's `reading` at the zenith [mag
    arcsec-2]: 0 or 1, or NaN: it cannot tell.

    A reading brighter than DARK_ENOUGH says no. A dark one says yes only where it lies within
    METER_AGREES of the clear sky's own: far from lamps a cloud darkens the zenith, so that a
    reading darker than any clear sky is a covered one. clear_sky: what `zenith_sky_brightness`
    expects without cloud. Outcomes of it have source "station".
    """
    difference = np.asarray(reading) - clear_sky
    agrees = np.abs(difference) <= METER_AGREES
    sure = np.where(agrees, 1.0, np.where(difference > METER_AGREES, 0.0, np.nan))
    return np.where(
        np.isnan(reading), np.nan, np.where(np.asarray(reading) < DARK_ENOUGH, 0.0, sure)
    )


# -- cloud


def clouds(scene: Scene, rows: Index, times: Times) -> dict[str, Array]:
    """Return low, medium and high cloud above the site (event, moment) [1], their cover of the
    `sky` and how much starlight is `hidden`.

    The model's low layer reaches down to its ground; it counts only as far as its levels above the
    site hold cloud.
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
    """Say of each moment (event, moment) whether the run has cloud for it: between its fields or as
    a mean, not held beyond them.
    """
    mean_cloud = "low_type_cloud_area_fraction_mean"
    inside = scene.within(times)
    return (
        inside | np.isfinite(scene.mean_over(mean_cloud, rows, times))
        if scene.has(mean_cloud)
        else inside
    )


# -- light


def lights(scene: Scene, rows: Index, times: Times, humidity: Array) -> dict[str, Array]:
    """Return what lights the clear sky of each event and moment (event, moment).

    The altitudes of sun, moon and milky_way and moon_azimuth [degree]; lit [1], the moon's;
    extinction [mag airmass-1] of air as humid as `humidity` [1], its part beyond dry air's,
    dimming, and in it aerosol, the run's own (NaN where it is estimated);
    luminance [nL] of the zenith: the site's own, moon's and twilight's.
    """
    place = [
        np.array([getattr(site, name) for site in scene.sites])[rows, None]
        for name in ("latitude", "longitude")
    ]
    heights = elevations(scene)[rows, None]
    sun = sun_position(times, *place)[0]
    moon, moon_azimuth = moon_position(times, *place)
    own = nanolamberts(np.array([site.night_sky_brightness for site in scene.sites]))[rows, None]
    aerosol = _aerosol(scene, rows, times)
    lit, hazy = moon_illumination(times), extinction(heights, humidity, aerosol)
    return {
        "sun": sun, "moon": moon, "moon_azimuth": moon_azimuth,
        "milky_way": galactic_centre_position(times, *place)[0],
        "lit": lit, "extinction": hazy, "dimming": hazy - extinction(heights), "aerosol": aerosol,
        "luminance": np.asarray(own + fitted_moonlight(moon, lit, hazy) + twilight(sun)),
    }  # fmt: skip


def _aerosol(scene: Scene, rows: Index, times: Times) -> Array:
    """Return the extinction of the run's own aerosol above the sites (event, moment) [mag
    airmass-1], NaN where it carries none.
    """
    if not scene.has(OPTICAL_DEPTH):
        return np.full(times.shape, np.nan)
    ground = (
        mean(scene.at_sites("surface_altitude"))
        if scene.has("surface_altitude")
        else np.zeros(len(scene.sites))
    )
    return aerosol_extinction(
        scene.at(OPTICAL_DEPTH, rows, times), elevations(scene)[rows, None], ground[rows, None]
    )


def darkest_azimuth(scene: Scene, rows: Index, light: dict[str, Array], inside: Mask) -> Array:
    """Return the azimuth [degree] (event) to face for the darkest sky half way up, over the moments
    `inside`.

    Within the sector that the site looks at; by the cities' light around it where the settings give
    that (`sky_glow_by_azimuth`) and by the moon; NaN where no direction is darker than another.
    """
    azimuths = np.arange(DIRECTIONS) * 360.0 / DIRECTIONS
    sites = [scene.sites[row] for row in rows]
    glow = np.array([_at_directions(site.sky_glow, azimuths) for site in sites]).reshape(
        -1, DIRECTIONS
    )
    own = nanolamberts(np.array([site.night_sky_brightness for site in sites]))
    towards = luminance_towards(
        azimuths, own, glow, light["moon"], light["moon_azimuth"], light["lit"], light["extinction"]
    )
    towards = mean(np.where(inside[..., None], towards, np.nan))
    first, last = (np.array([site.view_sector[end] for site in sites])[:, None] for end in (0, 1))
    seen = ((azimuths - first) % 360 <= (last - first) % 360) | ((last - first) % 360 == 0)
    seen |= ~seen.any(axis=1)[:, None]  # a sector narrower than the steps
    darkest, brightest = np.where(seen, towards, np.inf), np.where(seen, towards, -np.inf)
    differ = brightest.max(axis=-1) > darkest.min(axis=-1) * (1 + TOLD_APART)
    return np.where(differ, azimuths[np.nan_to_num(darkest, nan=np.inf).argmin(axis=-1)], np.nan)


def _at_directions(glow: Sequence[float], azimuths: Array) -> Array:
    """Return the settings' values, evenly spaced from north, at `azimuths`; 1 everywhere where
    there are none.
    """
    if not glow:
        return np.ones(len(azimuths))
    return np.interp(azimuths, np.arange(len(glow)) * 360.0 / len(glow), glow, period=360.0)


# -- the best window


def visible_stars(cover: Array, light: dict[str, Array]) -> Array:
    """Return how many stars are to be seen (event, moment), in any unit: the part of the sky
    without cloud times those it shows.
    """
    return (1 - cover) * 10 ** (
        SLOPE * limiting_magnitude(magnitudes(light["luminance"]), light["dimming"])
    )


def moments_in_window(settings: PhenomenonSettings) -> int:
    """Return how many looks at the sky the shortest window has."""
    return settings.stars_minimum_hours * 60 // STEP + 1


def best_run(score: Array, count: int) -> tuple[Mask, Mask]:
    """Return which moments (event, moment) make the best window, and whether there is one (event).

    It holds the `count` neighbouring moments with the highest mean score, stretched both ways over
    neighbours that score at least STILL_GOOD of that mean. A window does not cross a moment whose
    score is NaN.
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


def longest_hours(good: Mask, times: Times) -> Array:
    """Return the longest time [h] for which moments (event, moment) are good without a break, from
    the first to the last of them.
    """
    return np.asarray(
        np.maximum(longest_stretch(good & ~np.isnat(times)).sum(axis=1) - 1, 0) * STEP / 60
    )


# -- the chart


def _evidence(scene: Scene, rows: Index, start: Times, end: Times) -> xr.Dataset:
    """Return what the night's chart draws, hour by hour, NaT where a night has fewer hours than the
    longest; cloud as far as the data.
    """
    first = (start - CHART_MARGIN + ALMOST_AN_HOUR).astype("datetime64[h]")  # the next whole hour
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
