"""Sunset glow, sunrise glow and the sun's disk at sunrise, computed from the light itself.

A glow is cloud high above the viewer (the canvas) lit from below by sunlight that has travelled
hundreds of kilometres through the low air, seen past cloud, haze and terrain. For every altitude of
the sun, rays are followed from the canvas back along the sun's azimuth through the run's own cloud
and haze (forecast/science/light.py). The quality of a minute is, in red light,

    painted part of the sky x sum over the canvas of [lit cloud against twilight sky] x redness of
    clean air x view from the site

so it cannot rise when a wall of cloud grows beyond the canvas or the haze thickens. One factor is a
score, not a computation: the painted part of the sky states how much cover people like best
(`PAINTED` in canvas.py, not measured). All else is computed from the run.

The event `sunrise` asks whether the disk is visible as it clears the site's terrain: cloud and haze
along the line of sight itself (sun_disk.py). Colours and times of a glow: glow_colour.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Event, Outcome, Site, Window
from forecast.phenomena import PhenomenonFeatures
from forecast.phenomena.glow_colour import glow_features
from forecast.phenomena.glow_geometry import (
    NAT,
    Geometry,
    air_along_lines,
    between_turns,
    geometry_of,
    sun_azimuths,
    window_by_sun,
)
from forecast.phenomena.joining import joined_evidence
from forecast.phenomena.light_chances import Viewers, disk_chances, glow_chances
from forecast.phenomena.light_path import LightPath
from forecast.phenomena.light_stages import DISK_STAGES, GLOW_STAGES
from forecast.phenomena.sun_disk import disk_features
from forecast.science.almanac import horizon_altitude
from forecast.science.interpolation import Scene, as_times
from forecast.science.light import Mask
from forecast.science.thermodynamics import Array
from forecast.settings import PhenomenonSettings

PHENOMENA = ("sunset_glow", "sunrise_glow", "sunrise")
FIELDS = (
    "cloud_area_fraction_in_atmosphere_layer", "cloud_liquid_water_mixing_ratio",
    "cloud_ice_mixing_ratio", "surface_altitude",
)  # fmt: skip
NEEDED = (
    "geopotential_height",
    "relative_humidity",
)  # without one of these no light path can be read
LINES = 3  # of air read for a glow: from the site towards the sun, and on both sides of it
# (check) glow quality from which an analysis counts as a partial and as a full glow
PARTLY, WHOLLY = 0.15, 0.4
DISK_PARTLY, DISK_WHOLLY = 0.3, 0.6  # (check) the same for the chance that the disk shows
# [min] (check) of sunshine in the half hour after sunrise: disk seen; seen in part
LONG_SUNSHINE, SOME_SUNSHINE = 20.0, 5.0
# [1] cloud cover up to which there is no canvas; of low cloud from which it hides all (7 eighths)
FEW, BROKEN = 0.1, 0.85
GLOW_FEATURES = (
    "canvas_cover", "canvas_height", "canvas_light", "view_clearance", "glow_quality",
    "minutes_of_colour", "glow_onset", "glow_peak",
    "glow_end", "glow_red", "glow_green", "glow_blue", "obstacle_distance", "obstacle_height",
    "shadow_distance", "shadow_height",
    "aerosol_optical_depth", "light_path_coverage", "disk_transmission",
    "glow_probability", "climate_glow_probability", "glow_probability_at_run",
    "disk_probability", "climate_disk_probability", "disk_probability_at_run",
    *dict.fromkeys(GLOW_STAGES + DISK_STAGES),
)  # fmt: skip
CHUNK = 128  # events at once: their rays stay in the processor's cache
# [1] part of the light path inside the data: below it no features; below it named as missing
NEEDED_COVERAGE, WHOLE_COVERAGE = 0.5, 0.95


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the glows and the sunrise of a day at `site`.

    The windows lie around sunset and sunrise, between the sun's altitudes of `settings`, and never
    reach past the sun's lowest or highest point.
    """
    found = []
    for phenomenon in PHENOMENA:
        if phenomenon not in site.phenomena:
            continue
        centre = almanac.sunset if phenomenon == "sunset_glow" else almanac.sunrise
        if phenomenon == "sunrise":
            centre = almanac.terrain_sunrise
        if centre is None:
            continue
        reference = almanac.sunrise if phenomenon == "sunrise" and almanac.sunrise else centre
        window = window_by_sun(
            site.latitude,
            site.longitude,
            reference,
            settings.glow_sun_altitude_from,
            settings.glow_sun_altitude_to,
        )
        if window is None:
            continue
        if phenomenon == "sunrise":  # a terrain horizon may show the sun late
            bounds = between_turns(site, centre)
            window = Window(
                min(window.start, max(bounds.start, centre - timedelta(minutes=30))),
                max(window.end, min(bounds.end, centre + timedelta(minutes=30))),
            )
        found.append(Event(phenomenon, site, day, window, centre))
    return found


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Return the features of glows and sunrises (see the module docstring)."""
    values = {name: np.full(len(events), np.nan) for name in GLOW_FEATURES}
    values |= {name: np.full(len(events), NAT) for name in ("best_start", "best_end")}
    missing: list[list[str]] = [[] for _ in events]
    drawn: dict[str, list[xr.Dataset]] = {phenomenon: [] for phenomenon in PHENOMENA}
    absent = [f"field:{name}" for name in FIELDS if not scene.has(name)]
    reached = _reached(events, scene)
    values["sun_azimuth"] = sun_azimuths(events)
    for row in np.flatnonzero(~reached):
        missing[row].append("beyond_data")
    if lost := [f"field:{name}" for name in NEEDED if not scene.has(name)]:
        return PhenomenonFeatures(values, [ids or lost for ids in missing])
    for phenomenon in PHENOMENA:
        rows = np.array(
            [i for i, event in enumerate(events) if event.phenomenon == phenomenon and reached[i]],
            dtype=int,
        )
        for start in range(0, rows.size, CHUNK):
            chunk = rows[start : start + CHUNK]
            chosen = [events[i] for i in chunk]
            geometry = geometry_of(chosen, scene)
            path = air_along_lines(scene, geometry, lines_of(phenomenon))
            found, chart = light_features(chosen, geometry, path, scene)
            for name, column in found.items():
                values[name][chunk] = column
            for k, row in enumerate(chunk):
                missing[row] += _missing(path, k, found["light_path_coverage"][k], absent)
                missing[row] += ["window_coverage"] * bool(
                    path.covered[k] and geometry.outside[k].any()
                )
            drawn[phenomenon].append(chart.assign_coords(row=("event", chunk)))
    return PhenomenonFeatures(
        values, missing, {name: joined_evidence(parts) for name, parts in drawn.items() if parts}
    )


def lines_of(phenomenon: str) -> int:
    """Return how many lines of air are read: for the disk only the line of sight itself."""
    return 1 if phenomenon == "sunrise" else LINES


def light_features(
    events: Sequence[Event], geometry: Geometry, path: LightPath, scene: Scene
) -> tuple[dict[str, Array], xr.Dataset]:
    """Return features (event) and evidence of events of one phenomenon, their light along `path`.

    A feature is NaN where the path is not known (`_only_where_known`).
    """
    disk = events[0].phenomenon == "sunrise"
    found, chart = (disk_features if disk else glow_features)(geometry, path)
    found |= _chances(events, geometry, path, scene)
    coverage, covered = found["light_path_coverage"], path.covered[: len(events)]
    known = {
        name: _only_where_known(name, column, coverage, covered) for name, column in found.items()
    }
    return known, chart


def _chances(
    events: Sequence[Event], geometry: Geometry, path: LightPath, scene: Scene
) -> dict[str, Array]:
    """Return the probabilities over errors of the cloud, and why (event): light_chances.py.

    events: of one phenomenon; the lead counts from the run's first field.
    """
    section = path.section.of(slice(0, len(events)))
    viewers = Viewers(
        geometry.elevation,
        horizon_altitude(geometry.horizons, geometry.azimuth),
        geometry.altitude,
        (geometry.centre - scene.times[0]) / np.timedelta64(1, "h"),
        ["/".join(event.key) for event in events],
    )
    if events[0].phenomenon == "sunrise":
        name, found = "disk_probability", disk_chances(section, viewers, DISK_PARTLY)
    else:
        name, found = "glow_probability", glow_chances(section, viewers, PARTLY)
    return {
        name: found.probability,
        f"climate_{name}": found.climate,
        f"{name}_at_run": found.at_run,
        **found.effects,
    }


def _reached(events: Sequence[Event], scene: Scene) -> Mask:
    """Return whether the run covers the start, centre or end of each event's window (event).

    The light is computed for no other event.
    """
    moments = [
        moment
        for event in events
        for moment in (event.window.start, event.centre, event.window.end)
    ]
    return np.asarray(scene.covers(as_times(moments).reshape(-1, 3)).any(axis=1))


def _only_where_known(name: str, column: Array, coverage: Array, covered: Mask) -> Array:
    """Return a feature with NaN where the light path is not known.

    Everything is NaN where the run does not reach; all but the coverage is NaN where less than
    NEEDED_COVERAGE of the path lies inside the data.
    """
    known = covered & ((coverage >= NEEDED_COVERAGE) | (name == "light_path_coverage"))
    return np.where(known, column, NAT if column.dtype.kind == "M" else np.nan)


def _missing(path: LightPath, row: int, coverage: float, absent: list[str]) -> list[str]:
    if not path.covered[row]:
        return ["beyond_data"]
    ids = ["aerosol_estimated"] if path.haze_estimated[row] else []
    ids += absent
    if path.from_humidity[row]:
        ids.append("cloud_from_humidity")
    if path.from_layers[row]:
        ids.append("cloud_from_layers")
    if coverage < WHOLE_COVERAGE:
        ids.append("light_path")
    return ids


def diagnose(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> list[Outcome]:
    """Return the outcomes of events from an analysis (a scene of the first hours of later runs).

    The light is computed as for a forecast. amount: the quality of the glow, or the chance that the
    disk showed. The degree is NaN where the analysis does not reach. From stations:
    `degree_from_station`, `degree_from_sunshine`.
    """
    part = derive(events, scene, settings)
    outcomes = []
    for row, event in enumerate(events):
        disk = event.phenomenon == "sunrise"
        name, partly, wholly = (
            ("disk_transmission", DISK_PARTLY, DISK_WHOLLY)
            if disk
            else ("glow_quality", PARTLY, WHOLLY)
        )
        amount = float(part.values[name][row]) if name in part.values else float("nan")
        degree = (
            float("nan")
            if np.isnan(amount)
            else 0.5 * (amount >= partly) + 0.5 * (amount >= wholly)
        )
        detail = ",".join(part.missing[row])
        outcomes.append(
            Outcome(
                event.phenomenon,
                event.site.id,
                event.day,
                degree,
                "analysis",
                amount=amount,
                detail=detail,
            )
        )
    return outcomes


def degree_from_station(low: Array, canvas: Array) -> Array:
    """Return the degree of a glow from a station's cloud report at sunset or sunrise.

    low, canvas: cover of low cloud and of middle and high cloud [1]. 0 where low cloud hides the
    sky or there is no canvas; NaN otherwise, for no station reports colour.
    """
    no_glow = (low >= BROKEN) | ((canvas <= FEW) & (low <= FEW))
    return np.where(no_glow, 0.0, np.nan)


def degree_from_sunshine(minutes: Array) -> Array:
    """Return the degree of a sunrise from the sunshine [min] of the half hour after it.

    The half hour begins when the sun clears the terrain. A recorder counts from 120 W m-2, which a
    sun at 3 degrees reaches in clean air only: no sunshine proves nothing (NaN).
    Source: WMO-No. 8, 8.1.1.
    """
    return np.select([minutes >= LONG_SUNSHINE, minutes >= SOME_SUNSHINE], [1.0, 0.5], np.nan)
