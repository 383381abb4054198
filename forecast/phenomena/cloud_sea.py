"""Sea of clouds: does the viewer stand above a deck that fills the valleys, inside it, under it, or
is there none?

Everything is read from the column over the site on heights above sea level, 100 m apart. The deck
is the lowest layer with at least DECK_COVER of cloud; its base and top lie where the cover passes
that value. The features are means over the best window; where there is none, over the part of the
event's window with daylight (over what is known of it, where that is all dark). The best window is
the longest run of moments, after civil dawn, that show a sea: a deck that hides part of the ground
below the site, its top at least CLEAR_GAP below the viewer, and the viewer not in cloud; a field
held beyond the run's last one may say how a morning
will be, not when: the window does not leave the data's own span, and of a morning whose light lies
wholly beyond it no deck is told. What ground lies below, at which heights, is the site's own
(valley_heights): a deck at 900 m fills only what lies below it.

The same thresholds part the states for the diagnosis and for the rule (forecast/quantities.py).
Since ground counts as hidden by the cover that makes a deck, a valley that is filled has a deck in
it, and a viewer out of cloud stands above its top. Levels too far apart hide a deck between them:
where they may, an empty valley is not known to be empty, and the rule falls back to how often each
state is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Event, Outcome, Site, Window
from forecast.phenomena import PhenomenonFeatures, cloud_sea_states
from forecast.phenomena.weather import (
    COVERED,
    Truth,
    amount_of_precipitation,
    longest_stretch,
    mean,
    named,
    span_of,
    spans,
)
from forecast.quantities import CLEAR_GAP, DECK_COVER, OVERCAST
from forecast.science.almanac import sun_position
from forecast.science.interpolation import Index, Scene, Times, as_times, hours_between, on_heights
from forecast.science.site_profiles import air_at, cloud_column, column, elevations
from forecast.science.thermodynamics import LAPSE_RATE, Array, dew_point, maximum_random_overlap
from forecast.settings import PhenomenonSettings

PHENOMENA = ("sea_of_clouds",)
# a field held beyond the run's last tells none
OF_THE_DECK = ("deck_top", "deck_base", "gap_to_deck", "valley_fill", "valley_area_filled")

STEP = 30  # [min] between two looks at the window
HEIGHTS = np.arange(0.0, 6001.0, 100.0)  # [m] above sea level
# [m] drawn above those, so that what covers the sky of a viewer is seen
HIGHER = np.arange(6500.0, 12001.0, 500.0)
GROUND_PARTS = 16  # of equal area, into which that ground is cut by height
# [1, m, 1] at most, at most, at least: ground fog (science.md 2)
FOG_LOW_CLOUD, FOG_VISIBILITY, FOG_HUMIDITY = 0.05, 500.0, 0.82
CIVIL_DAWN = -6.0  # [degree] of the sun: light enough to see the deck
ABOVE_THE_SITE = 1500.0  # [m] the air that a sea wants dry
INVERSION_REACH = 1000.0  # [m] above the site
EVENING_BEFORE = np.timedelta64(12, "h")  # before the window: late afternoon
DAY_BEFORE = np.timedelta64(24, "h")
ALMOST_AN_HOUR = np.timedelta64(3600 * 10**9 - 1, "ns")
NIGHT = np.timedelta64(6, "h")  # before the window: the hours in which a valley cools, or not
THIN_DECK = 300.0  # [m] depth of a stratus that fills a valley (check)
LEAST_CUT = np.timedelta64(1, "h")  # a window cut off by the last field is told from
# [m] between two levels, from which such a deck is missed more often than caught; GFS has 200-580 m
# up to 3 km
BLIND = 2 * THIN_DECK
HALF_OF_THE_TIME = 0.5  # between two fields one of which leaves the question open
# [m] a valley this far below the model's ground is named as not seen by the model
HIDDEN_VALLEY = 100.0


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the morning about sunrise."""
    sunrise = almanac.sunrise
    if "sea_of_clouds" not in site.phenomena or sunrise is None:
        return []
    before, after = settings.cloud_sea_before_sunrise_hours, settings.cloud_sea_after_sunrise_hours
    window = Window(sunrise - timedelta(hours=before), sunrise + timedelta(hours=after))
    return [Event("sea_of_clouds", site, day, window, sunrise)]


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features of SEA and the cross-section of the night before."""
    rows, start, end = spans(events, scene)
    times = hours_between(start, end, STEP)
    columns = _columns(scene)
    moments = _moments(scene, columns, rows, times)
    light = _sun_altitude(scene, rows, times) >= CIVIL_DAWN
    known, timed = scene.covers(times), scene.within(times)
    reached = scene.reaches(np.where(light.any(axis=1), span_of(light, times)[0], start), end)
    best = longest_stretch(light & timed & shows_a_sea(moments))
    inside = _first_of(best, light & timed, light & known, known)
    values: dict[str, np.ndarray] = {
        name: mean(np.where(inside, series, np.nan)) for name, series in moments.items()
    }
    values |= {name: np.where(reached, values[name], np.nan) for name in OF_THE_DECK}
    values |= _night_before(events, scene, rows, start)
    values |= _best_window(best, times, end, scene.times[-1])
    rain, covered = amount_of_precipitation(scene, rows, start - DAY_BEFORE, start)
    values["rain_before"] = rain
    evidence = _evidence(scene, columns, rows, start, end)
    coarse = (
        np.any(inside & (scene.between(_undecided(scene), rows, times) >= HALF_OF_THE_TIME), axis=1)
        | _blind(scene)[rows]
    )
    return PhenomenonFeatures(
        values, _missing(scene, rows, covered, coarse), {"sea_of_clouds": evidence}
    )


def _best_window(
    best: Truth, times: Times, end: Times, last_field: np.datetime64
) -> dict[str, Times]:
    """Return the span of the best moments (event, moment), not past the event's end [time] (event)
    nor the last field.

    NaT where the last field leaves so little of it that it would tell when the data end, not the
    sea.
    """
    first, last = span_of(best, times)
    until = np.minimum(last + np.timedelta64(STEP, "m"), np.minimum(end, last_field))
    told = (until - first >= LEAST_CUT) | (last_field >= end)
    nothing = np.datetime64("NaT", "ns")
    return {
        "best_start": np.where(told, first, nothing),
        "best_end": np.where(told, until, nothing),
    }


def _first_of(*choices: Truth) -> Truth:
    """Return for each event (event, moment) the first choice that has a moment at all."""
    result = choices[-1]
    for choice in choices[-2::-1]:
        result = np.where(np.any(choice, axis=1)[:, None], choice, result)
    return result


def shows_a_sea(moments: dict[str, Array]) -> Truth:
    """Say of each moment (event, moment) whether the viewer looks down on a deck."""
    above = moments["gap_to_deck"] >= CLEAR_GAP
    return np.asarray(
        above
        & (moments["valley_area_filled"] >= DECK_COVER)
        & (moments["cloud_at_site"] < DECK_COVER)
    )


def diagnose(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> list[Outcome]:
    """Return what an analysis (the first hours of the next cycles) shows of each morning: one of
    the four states, source `analysis`.

    Moments with daylight count, all of them where it is dark throughout. Which of the states stands
    alone at a moment: the viewer in cloud first, then a sea below, then a sky of at least OVERCAST
    above, else it is open. A station's records tell in cloud_sea_states.seen_by_pair and
    seen_below, source `station`.
    """
    rows, start, end = spans(events, scene)
    times = hours_between(start, end, STEP)
    moments = _moments(scene, _columns(scene), rows, times)
    asked = ~np.isnat(times)
    light = asked & (_sun_altitude(scene, rows, times) >= CIVIL_DAWN)
    fill, gap = moments["valley_area_filled"], moments["gap_to_deck"]
    # a held field is no truth
    codes = np.where(scene.within(times), states_of(moments), cloud_sea_states.UNKNOWN).astype(
        np.int8
    )
    return cloud_sea_states.outcomes(events, codes, _first_of(light, asked), fill, gap, "analysis")


def states_of(moments: dict[str, Array]) -> cloud_sea_states.Codes:
    """Return the state at each moment (event, moment) as its place among domain.CLOUD_SEA_STATES.

    UNKNOWN where the column is not known (or its levels are too far apart to say that the valley is
    empty), and where a deck that fills the valley ends within CLEAR_GAP of the viewer's feet: the
    levels of a model cannot tell on which side, and a truth made there would be wrong just where it
    matters.
    """
    at_site, above, filled = (
        moments["cloud_at_site"],
        moments["cloud_above_site"],
        moments["valley_area_filled"],
    )
    unknown = np.isnan(at_site) | np.isnan(filled) | np.isnan(above)
    laps = (np.abs(moments["gap_to_deck"]) < CLEAR_GAP) & (filled >= DECK_COVER)
    ways = [unknown, at_site >= DECK_COVER, shows_a_sea(moments), laps, above >= OVERCAST]
    told = [
        cloud_sea_states.UNKNOWN,
        cloud_sea_states.IN_CLOUD,
        cloud_sea_states.SEA,
        cloud_sea_states.UNKNOWN,
        cloud_sea_states.OVERCAST,
    ]
    return np.select(ways, told, cloud_sea_states.OPEN).astype(np.int8)


def _missing(scene: Scene, rows: Index, covered: Array, coarse: Truth) -> list[list[str]]:
    hidden, partly = np.zeros(len(scene.sites), dtype=bool), np.zeros(len(rows), dtype=bool)
    if scene.has("surface_altitude"):
        hidden = mean(scene.at_sites("surface_altitude")) > _valleys(scene) + HIDDEN_VALLEY
    if scene.has("precipitation_amount"):
        partly = covered < COVERED
    wanted = ("lagrangian_tendency_of_air_pressure", "atmosphere_boundary_layer_thickness")
    absent = [
        (f"field:{name}", np.ones(len(rows), dtype=bool)) for name in wanted if not scene.has(name)
    ]
    return named(
        ("below_model_ground", hidden[rows]),
        ("coarse_column", coarse),
        ("rain_before", partly),
        *absent,
    )


def _blind(scene: Scene) -> Truth:
    """Say of each site whether two levels between its valley and its height are further apart than
    BLIND (site).
    """
    humidity, heights = column(scene, "relative_humidity")
    levels = np.sort(mean(np.where(np.isfinite(humidity), heights, np.nan)), axis=1)  # NaN last
    lower, upper = levels[:, :-1], levels[:, 1:]
    between_them = (lower < elevations(scene)[:, None]) & (upper > _valleys(scene)[:, None])
    return np.asarray((between_them & (upper - lower > BLIND)).any(axis=1))


def _undecided(scene: Scene) -> Array:
    """Return 1 where the edge of a deck lies between levels on both sides of the viewer, too far
    apart to place it, else 0 (site, time).

    The levels are the last at or below the viewer's feet less CLEAR_GAP and the first at or above
    him; with a deck in the one and none in the other the truth may lie on either side, and where
    the interpolated top ends up is no proof. The decision needs twice CLEAR_GAP.
    """
    cloud, heights = cloud_column(scene)
    heights = np.where(np.isfinite(cloud), heights, np.nan)
    site = elevations(scene)[:, None, None]
    below, above = (
        np.where(heights <= site - CLEAR_GAP, heights, -np.inf),
        np.where(heights >= site, heights, np.inf),
    )
    lower, upper = below.max(axis=-1), above.min(axis=-1)
    under, over = (
        np.take_along_axis(cloud, place[..., None], axis=-1)[..., 0]
        for place in (below.argmax(axis=-1), above.argmin(axis=-1))
    )
    apart = np.isfinite(lower) & np.isfinite(upper) & (upper - lower > 2 * CLEAR_GAP)
    return np.where(apart & ((under >= DECK_COVER) != (over >= DECK_COVER)), 1.0, 0.0)


# -- what is read


def _valleys(scene: Scene) -> Array:
    return np.array([site.valley_elevation for site in scene.sites], dtype=float)


def _ground(scene: Scene) -> Array:
    """Return the heights [m] of GROUND_PARTS equal parts of the ground below each site, lowest
    first (site, part).
    """
    middles = (np.arange(GROUND_PARTS) + 0.5) / GROUND_PARTS
    curves = [
        site.valley_heights or (site.valley_elevation, site.elevation) for site in scene.sites
    ]
    return np.stack([np.interp(middles, np.linspace(0, 1, len(curve)), curve) for curve in curves])


def _columns(scene: Scene, heights: Array = HEIGHTS) -> Array:
    """Return temperature [K], humidity [1] and cloud [1] on `heights` [m] at the run's times (site,
    time, height, 3).
    """
    profiles = (
        column(scene, "air_temperature"),
        column(scene, "relative_humidity"),
        cloud_column(scene),
    )
    read = [
        on_heights(*profile, heights, gradient)
        for profile, gradient in zip(profiles, (-LAPSE_RATE, 0.0, 0.0), strict=True)
    ]
    return np.stack(read, axis=-1).astype(np.float32)


def _sun_altitude(scene: Scene, rows: Index, times: Times) -> Array:
    latitude, longitude = (
        np.array([getattr(site, name) for site in scene.sites])[rows, None]
        for name in ("latitude", "longitude")
    )
    return sun_position(times, latitude, longitude)[0]


def _moments(scene: Scene, columns: Array, rows: Index, times: Times) -> dict[str, Array]:
    """Return the features that change through the window, moment by moment (event, moment)."""
    temperature, humidity, cloud = np.moveaxis(scene.between(columns, rows, times), -1, 0)
    site, valley = elevations(scene)[rows, None, None], _valleys(scene)[rows, None, None]
    ground = _ground(scene)[rows]
    between_them = (valley <= HEIGHTS) & (site >= HEIGHTS)
    base, top = deck(cloud, HEIGHTS)
    filled = area_filled(cloud, HEIGHTS, site[..., 0], ground)
    # a deck between the levels would be the lowest: what lies above is not it
    unseen = _blind(scene)[rows, None] & (filled < DECK_COVER)
    filled, base, top = (np.where(unseen, np.nan, values) for values in (filled, base, top))
    floor = np.minimum(valley[..., 0], ground[:, :1])
    at_site, in_valley = air_at(scene, rows, times), air_at(scene, rows, times, _valleys(scene))
    reach = (valley <= HEIGHTS) & (site + INVERSION_REACH >= HEIGHTS)
    moments = {
        "deck_top": top,
        # a deck that stands on the ground begins there
        "deck_base": np.where(top > floor, np.maximum(base, floor), base),
        "gap_to_deck": site[..., 0] - top,
        "valley_fill": _mean_where(cloud, between_them),
        "valley_area_filled": filled,
        "humidity_below": _median_where(humidity, between_them),
        "humidity_above": _median_where(
            humidity, (site < HEIGHTS) & (site + ABOVE_THE_SITE >= HEIGHTS)
        ),
        "inversion": inversion(np.where(reach, temperature, np.nan)),
        "cloud_at_site": at_site["cloud"],
        "humidity_at_site": at_site["humidity"],
        "wind_speed_at_site": at_site["wind_speed"],
        "valley_dew_point_depression": in_valley["temperature"]
        - dew_point(in_valley["temperature"], in_valley["humidity"]),
        "valley_wind_speed": in_valley["wind_speed"],
    }
    return moments | _by_level(scene, rows, times)


def _by_level(scene: Scene, rows: Index, times: Times) -> dict[str, Array]:
    """Return what is read on pressure levels or at the model's surface, moment by moment (event,
    moment).
    """
    above = _cloud_above(scene)
    levels = len(scene.pressure)
    easterly = [
        _at_level(scene, -column(scene, "eastward_wind")[0][..., -levels:], hpa)
        for hpa in (925, 850)
    ]
    omega, layer = "lagrangian_tendency_of_air_pressure", "atmosphere_boundary_layer_thickness"
    nothing = np.full(above.shape, np.nan)
    near = "relative_humidity_at_2m"
    series = {
        "cloud_above_site": above,
        "humidity_700": _at_level(scene, scene.at_sites("relative_humidity"), 700),
        "easterly_wind": mean(np.stack(easterly, axis=1)),
        "vertical_velocity_700": _at_level(scene, scene.at_sites(omega), 700)
        if scene.has(omega)
        else nothing,
        "boundary_layer_height": scene.at_sites(layer) if scene.has(layer) else nothing,
        "visibility": scene.at_sites("visibility_in_air")
        if scene.has("visibility_in_air")
        else nothing,
        "humidity": scene.at_sites(near) if scene.has(near) else nothing,
    }
    read = scene.between(np.stack(list(series.values()), axis=-1), rows, times)
    found = {name: read[..., place] for place, name in enumerate(series)}
    low, _ = scene.cloud_layers(rows, times)
    return found | {
        "ground_fog": ground_fog(low["low"], found.pop("visibility"), found.pop("humidity"))
    }


def _cloud_above(scene: Scene) -> Array:
    """Return the cover of everything above the viewer (site, time) [1]."""
    cloud, heights = cloud_column(scene)
    above = maximum_random_overlap(
        np.where(heights > elevations(scene)[:, None, None] + CLEAR_GAP, cloud, 0.0)
    )
    return np.where(np.isfinite(cloud).any(axis=-1), above, np.nan)


def _at_level(scene: Scene, values: Array, hpa: float) -> Array:
    """Return the level `hpa` of a profile (site, time, level), NaN where the data have no such
    level.
    """
    found = np.isclose(scene.pressure, 100 * hpa)
    return values[..., found.argmax()] if found.any() else np.full(values.shape[:-1], np.nan)


def _night_before(
    events: Sequence[Event], scene: Scene, rows: Index, start: Times
) -> dict[str, Array]:
    """Return how fast the valley grew moister from late afternoon to sunrise [s-1], and the cover
    of the night above [1] (event).
    """
    sunrise = as_times([event.centre or event.window.middle for event in events])
    times = np.stack([start - EVENING_BEFORE, sunrise], axis=1)
    humidity = air_at(scene, rows, times, _valleys(scene))["humidity"]
    trend = (humidity[:, 1] - humidity[:, 0]) / ((sunrise - times[:, 0]) / np.timedelta64(1, "s"))
    above = scene.between(_cloud_above(scene), rows, hours_between(start - NIGHT, start))
    return {"valley_humidity_trend": trend, "night_cloud": mean(above)}


# -- what a column says


def deck(cloud: Array, heights: Array) -> tuple[Array, Array]:
    """Return base and top [m] (...) of the lowest layer of a column (..., height) with at least
    DECK_COVER of cloud; NaN without one.

    Both lie where the cover, linear between two heights, passes DECK_COVER; where the column begins
    or ends in cloud, at its end.
    """
    thick = cloud >= DECK_COVER
    places = np.arange(len(heights))
    first = thick.argmax(axis=-1)
    after = ~thick & (places > first[..., None])
    beyond = np.where(after.any(axis=-1), after.argmax(axis=-1), len(heights))
    base = _crossing(cloud, heights, np.maximum(first - 1, 0), first)
    top = _crossing(cloud, heights, np.minimum(beyond, len(heights) - 1), beyond - 1)
    found = thick.any(axis=-1)
    return np.where(found, base, np.nan), np.where(found, top, np.nan)


def _crossing(cloud: Array, heights: Array, outside: Index, inside: Index) -> Array:
    """Return the height between a cloudless and a cloudy neighbour at which the cover is
    DECK_COVER.
    """
    thin, thick = (
        np.take_along_axis(cloud, place[..., None], axis=-1)[..., 0] for place in (outside, inside)
    )
    known = np.isfinite(thin) & (thin < DECK_COVER) & (thick >= DECK_COVER)
    share = np.where(known, (thick - DECK_COVER) / np.where(known, thick - thin, 1.0), 0.0)
    return heights[inside] + share * (heights[outside] - heights[inside])


def inversion(temperature: Array) -> Array:
    """Return the greatest warming with height [K] (...) in columns (..., height): 0 where it only
    cools, NaN where nothing is known.
    """
    return np.fmax.reduce(
        temperature - np.fmin.accumulate(temperature, axis=-1), axis=-1, initial=np.nan
    )


def area_filled(cloud: Array, heights: Array, site: Array, ground: Array) -> Array:
    """Return the part [1] of the ground below the viewer that cloud below him hides (event,
    moment).

    cloud (event, moment, height); heights [m] of the columns, rising; site [m] (event, 1); ground
    [m] (event, part): equal parts of area. A part is hidden by the densest cloud between it and the
    viewer's height (one deck: its layers overlap as far as they can), whether it lies in that cloud
    or under it. NaN where nothing is known above any part.
    """
    below = np.where(heights <= site[..., None], cloud, np.nan)
    densest = np.fmax.accumulate(below[..., ::-1], axis=-1)[..., ::-1]
    last = np.maximum(np.searchsorted(heights, site[:, 0], side="right") - 1, 0)
    place = np.minimum(np.searchsorted(heights, ground), last[:, None])[:, None, :]
    return mean(
        np.moveaxis(
            np.take_along_axis(
                densest, np.broadcast_to(place, (*cloud.shape[:2], ground.shape[1])), axis=-1
            ),
            -1,
            1,
        )
    )


def ground_fog(low_cloud: Array, visibility: Array, humidity: Array) -> Array:
    """Return 1 where the model has fog on the ground without low cloud (...), 0 where not, NaN
    where one of the three is not known.

    Such fog is too shallow to be a deck. low_cloud [1], visibility [m], humidity [1] at 2 m.
    Source: science.md 2.
    """
    fog = (low_cloud < FOG_LOW_CLOUD) & (visibility <= FOG_VISIBILITY) & (humidity >= FOG_HUMIDITY)
    return np.where(np.isnan(low_cloud + visibility + humidity), np.nan, fog.astype(float))


def _mean_where(values: Array, chosen: Truth) -> Array:
    known = chosen & np.isfinite(values)
    count = known.sum(axis=-1)
    return np.where(
        count > 0, np.where(known, values, 0.0).sum(axis=-1) / np.maximum(count, 1), np.nan
    )


def _median_where(values: Array, chosen: Truth) -> Array:
    ranked = np.sort(np.where(chosen, values, np.nan), axis=-1)  # NaN last
    count = np.isfinite(ranked).sum(axis=-1)[..., None]
    middle = [
        np.take_along_axis(ranked, np.maximum(place, 0), axis=-1)[..., 0]
        for place in ((count - 1) // 2, count // 2)
    ]
    return np.where(count[..., 0] > 0, (middle[0] + middle[1]) / 2, np.nan)


# -- the chart


def _evidence(scene: Scene, columns: Array, rows: Index, start: Times, end: Times) -> xr.Dataset:
    """Return the cross-section and how full the valleys are, from twelve hours before the window to
    its end.

    By whole hours, on which fields stand; NaN before the run's first field and after its last.
    """
    times = hours_between(
        (start - EVENING_BEFORE).astype("datetime64[h]"),
        (end + ALMOST_AN_HOUR).astype("datetime64[h]"),
    )
    heights = np.concatenate([HEIGHTS, HIGHER])
    drawn = scene.between(
        np.concatenate([columns, _columns(scene, HIGHER)], axis=2), rows, times
    ).astype(np.float32)
    drawn[~scene.within(times)] = np.nan
    filled = area_filled(
        drawn[..., 2], heights, elevations(scene)[rows, None], _ground(scene)[rows]
    ).astype(np.float32)
    names = (("temperature", "K"), ("relative_humidity", "1"), ("cloud", "1"))
    data = {
        name: xr.Variable(("event", "hour", "height"), drawn[..., place], {"units": unit})
        for place, (name, unit) in enumerate(names)
    }
    data["valley_area_filled"] = xr.Variable(("event", "hour"), filled, {"units": "1"})
    coordinates = {
        "row": ("event", np.arange(len(rows))),
        "height": ("height", heights.astype(np.float32), {"units": "m"}),
    }
    return xr.Dataset(data | {"time": xr.Variable(("event", "hour"), times)}, coords=coordinates)
