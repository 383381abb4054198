"""Sea of clouds: does the viewer look down on a deck that fills the valleys?

Or does the viewer stand inside the deck, under it, or is there none? Everything is read from the
column over the site on heights above sea level, 100 m apart. The deck is the lowest layer with a
cover of at least DECK_COVER; its base and top lie where the cover passes that value.

The best window is the longest run of moments after civil dawn that show a sea: a deck that hides
part of the ground below the site, its top at least CLEAR_GAP below the viewer, and the viewer not
in cloud. It stays within the run's own fields: a field held beyond the last one may give how a
morning will be, not when. The features are means over the best window; without one, over the part
of the event's window with daylight; where that is all dark, over what is known of the window.

The ground below and its heights are the site's own (valley_heights): a deck at 900 m fills only
what lies below it. The same thresholds divide the states for the diagnosis and for the rule
(forecast/quantities.py). Levels too far apart may miss a deck between them: then an empty valley is
not known to be empty, and the rule falls back to the frequency of each state.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Event, Outcome, Site, Window
from forecast.phenomena import PhenomenonFeatures, cloud_sea_states
from forecast.phenomena.cloud_deck import area_filled
from forecast.phenomena.cloud_sea_column import (
    HEIGHTS,
    cloud_above,
    columns_on_heights,
    ground_heights,
    misses_thin_decks,
    sea_moments,
    sun_altitude,
    undecided_edge,
    valley_elevations,
)
from forecast.phenomena.weather import (
    COVERED,
    Mask,
    amount_of_precipitation,
    longest_stretch,
    mean,
    named,
    part_weights,
    span_of,
    spans,
)
from forecast.quantities import CLEAR_GAP, DECK_COVER, OVERCAST
from forecast.science.arrays import bits_rounded
from forecast.science.interpolation import (
    Index,
    Scene,
    Times,
    as_times,
    edges_between,
    hours_between,
    whole_hour_from,
)
from forecast.science.site_profiles import air_at, elevations
from forecast.science.thermodynamics import Array
from forecast.settings import PhenomenonSettings

PHENOMENA = ("sea_of_clouds",)
# features that are NaN where the run's fields do not reach the morning
DECK_FEATURES = ("deck_top", "deck_base", "gap_to_deck", "valley_fill", "valley_area_filled")
STEP = 30  # [min] between two moments of the window
# [m] further heights of the chart: the cloud above a viewer
HIGHER = np.arange(6500.0, 12001.0, 500.0)
# What is drawn, its units, and the mantissa bits that are kept: to 0.01 K, 0.0005 of humidity and
# cover. More cannot be seen in a chart, and would be a third of a site's issue data.
DRAWN = (("temperature", "K", 14), ("relative_humidity", "1", 10), ("cloud", "1", 10))
CIVIL_DAWN = -6.0  # [degree] of the sun: light enough to see the deck
EVENING_BEFORE = np.timedelta64(12, "h")  # before the window: late afternoon
DAY_BEFORE = np.timedelta64(24, "h")
NIGHT = np.timedelta64(6, "h")  # before the window: the hours in which a valley may cool
LEAST_CUT = np.timedelta64(1, "h")  # shortest best window that the last field may cut off
HALF_OF_THE_TIME = 0.5  # [1] weight of a field with an undecided edge from which it counts
# [m] depth below the model's ground from which a valley is reported as hidden from the model
HIDDEN_VALLEY = 100.0


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the morning around sunrise of `day` at `site`."""
    sunrise = almanac.sunrise
    if "sea_of_clouds" not in site.phenomena or sunrise is None:
        return []
    before, after = settings.cloud_sea_before_sunrise_hours, settings.cloud_sea_after_sunrise_hours
    window = Window(sunrise - timedelta(hours=before), sunrise + timedelta(hours=after))
    return [Event("sea_of_clouds", site, day, window, sunrise)]


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features of each morning and the cross-section of the night before."""
    rows, start, end = spans(events, scene)
    times = edges_between(start, end, STEP)
    columns = columns_on_heights(scene)
    moments = sea_moments(scene, columns, rows, times)
    light = sun_altitude(scene, rows, times) >= CIVIL_DAWN
    known, timed = scene.covers(times), scene.within(times)
    reached = scene.reaches(np.where(light.any(axis=1), span_of(light, times)[0], start), end)
    best = longest_stretch(light & timed & is_sea(moments))
    inside = _first_of(best, light & timed, light & known, known)
    weights = part_weights(times)
    values: dict[str, np.ndarray] = {
        name: mean(np.where(inside, series, np.nan), weights) for name, series in moments.items()
    }
    values |= {name: np.where(reached, values[name], np.nan) for name in DECK_FEATURES}
    values |= _night_before(events, scene, rows, start)
    values |= _best_window(best, times, end, scene.times[-1])
    rain, covered = amount_of_precipitation(scene, rows, start - DAY_BEFORE, start)
    values["rain_before"] = rain
    evidence = _evidence(scene, columns, rows, start, end)
    coarse = (
        np.any(
            inside & (scene.between(undecided_edge(scene), rows, times) >= HALF_OF_THE_TIME), axis=1
        )
        | misses_thin_decks(scene)[rows]
    )
    return PhenomenonFeatures(
        values, _missing(scene, rows, covered, coarse), {"sea_of_clouds": evidence}
    )


def _best_window(
    best: Mask, times: Times, end: Times, last_field: np.datetime64
) -> dict[str, Times]:
    """Return start and end of the best moments, at most the event's `end` and the last field.

    NaT where the last field leaves less than LEAST_CUT: its end would be that of the data, not of
    the sea.
    """
    first, last = span_of(best, times)
    until = np.minimum(last + np.timedelta64(STEP, "m"), np.minimum(end, last_field))
    shown = (until - first >= LEAST_CUT) | (last_field >= end)
    nothing = np.datetime64("NaT", "ns")
    return {
        "best_start": np.where(shown, first, nothing),
        "best_end": np.where(shown, until, nothing),
    }


def _first_of(*choices: Mask) -> Mask:
    """Return for each event (event, moment) the first choice that has any moment."""
    result = choices[-1]
    for choice in choices[-2::-1]:
        result = np.where(np.any(choice, axis=1)[:, None], choice, result)
    return result


def is_sea(moments: dict[str, Array]) -> Mask:
    """Return at which moments (event, moment) the viewer looks down on a deck."""
    above = moments["gap_to_deck"] >= CLEAR_GAP
    return np.asarray(
        above
        & (moments["valley_area_filled"] >= DECK_COVER)
        & (moments["cloud_at_site"] < DECK_COVER)
    )


def diagnose(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> list[Outcome]:
    """Return the outcome of each morning from an analysis (the first hours of the next runs).

    One of the four states. Moments with daylight count; all moments where it is dark throughout. At
    a moment the first state that applies counts: the viewer in cloud, a sea below, a sky of at
    least OVERCAST above, else open. For stations see cloud_sea_states.outcome_from_pair and
    outcome_from_cloud_below.
    """
    rows, start, end = spans(events, scene)
    times = edges_between(start, end, STEP)
    moments = sea_moments(scene, columns_on_heights(scene), rows, times)
    inside = ~np.isnat(times)
    light = inside & (sun_altitude(scene, rows, times) >= CIVIL_DAWN)
    fill, gap = moments["valley_area_filled"], moments["gap_to_deck"]
    # a held field is not an observation
    codes = np.where(scene.within(times), states_of(moments), cloud_sea_states.UNKNOWN).astype(
        np.int8
    )
    return cloud_sea_states.outcomes(events, codes, _first_of(light, inside), fill, gap, "analysis")


def states_of(moments: dict[str, Array]) -> cloud_sea_states.Codes:
    """Return the state at each moment (event, moment) as an index of domain.CLOUD_SEA_STATES.

    UNKNOWN where the column is not known (or its levels are too far apart to state that the valley
    is empty), and where a deck that fills the valley ends within CLEAR_GAP of the viewer's height:
    a model's levels do not resolve on which side.
    """
    at_site, above, filled = (
        moments["cloud_at_site"],
        moments["cloud_above_site"],
        moments["valley_area_filled"],
    )
    unknown = np.isnan(at_site) | np.isnan(filled) | np.isnan(above)
    near_top = (np.abs(moments["gap_to_deck"]) < CLEAR_GAP) & (filled >= DECK_COVER)
    conditions = [unknown, at_site >= DECK_COVER, is_sea(moments), near_top, above >= OVERCAST]
    states = [
        cloud_sea_states.UNKNOWN,
        cloud_sea_states.IN_CLOUD,
        cloud_sea_states.SEA,
        cloud_sea_states.UNKNOWN,
        cloud_sea_states.OVERCAST,
    ]
    return np.select(conditions, states, cloud_sea_states.OPEN).astype(np.int8)


def _missing(scene: Scene, rows: Index, covered: Array, coarse: Mask) -> list[list[str]]:
    hidden, partly = np.zeros(len(scene.sites), dtype=bool), np.zeros(len(rows), dtype=bool)
    if scene.has("surface_altitude"):
        hidden = mean(scene.at_sites("surface_altitude")) > valley_elevations(scene) + HIDDEN_VALLEY
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


def _night_before(
    events: Sequence[Event], scene: Scene, rows: Index, start: Times
) -> dict[str, Array]:
    """Return the humidity trend of the valley [s-1] and the cover of the night above [1] (event).

    The trend is from late afternoon to sunrise.
    """
    sunrise = as_times([event.centre or event.window.middle for event in events])
    times = np.stack([start - EVENING_BEFORE, sunrise], axis=1)
    humidity = air_at(scene, rows, times, valley_elevations(scene))["humidity"]
    trend = (humidity[:, 1] - humidity[:, 0]) / ((sunrise - times[:, 0]) / np.timedelta64(1, "s"))
    above = scene.between(cloud_above(scene), rows, hours_between(start - NIGHT, start))
    return {"valley_humidity_trend": trend, "night_cloud": mean(above)}


def _evidence(scene: Scene, columns: Array, rows: Index, start: Times, end: Times) -> xr.Dataset:
    """Return the cross-section and the filled area, from 12 hours before the window to its end.

    At whole hours, the times of fields; NaN before the run's first field and after its last.
    """
    times = hours_between((start - EVENING_BEFORE).astype("datetime64[h]"), whole_hour_from(end))
    heights = np.concatenate([HEIGHTS, HIGHER])
    drawn = scene.between(
        np.concatenate([columns, columns_on_heights(scene, HIGHER)], axis=2), rows, times
    ).astype(np.float32)
    drawn[~scene.within(times)] = np.nan
    filled = area_filled(
        drawn[..., 2], heights, elevations(scene)[rows, None], ground_heights(scene)[rows]
    ).astype(np.float32)
    data = {
        name: xr.Variable(
            ("event", "hour", "height"), bits_rounded(drawn[..., place], bits), {"units": unit}
        )
        for place, (name, unit, bits) in enumerate(DRAWN)
    }
    data["valley_area_filled"] = xr.Variable(("event", "hour"), filled, {"units": "1"})
    coordinates = {
        "row": ("event", np.arange(len(rows))),
        "height": ("height", heights.astype(np.float32), {"units": "m"}),
    }
    return xr.Dataset(data | {"time": xr.Variable(("event", "hour"), times)}, coords=coordinates)
