"""Sunset and sunrise glow, and the sun's disk at its rising: computed as light, but for one factor,
which is a score.

Glow is cloud high above the viewer (the canvas) lit from below by sunlight that has come hundreds
of kilometres through the low air, seen past whatever hangs between it and the viewer. For every
angle of the sun, rays are followed from the canvas back along the sun's azimuth through the run's
own cloud and haze (forecast/science/light.py); the quality of a minute is

    painted part of the sky x sum over the canvas of [lit cloud against twilight sky] x redness of
    clean air x view from the site

in red light, so it cannot rise when a wall of cloud grows beyond the canvas or the haze thickens.
The painted part of the sky is the
score: how much of a canvas people like best (`PAINTED` in canvas.py), typed in, not computed and
not measured. All else is computed from the run. An event `sunrise` asks whether the
disk is seen as it clears the site's terrain: cloud and haze along the line of sight itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np
import xarray as xr

from forecast.domain import Almanac, Event, Outcome, Site, Window
from forecast.geo import EARTH_RADIUS
from forecast.phenomena import PhenomenonFeatures
from forecast.phenomena.canvas import (
    BESIDE,
    MAIN_POINT,
    POINTS,
    RIDGE,
    Canvas,
    CanvasLight,
    by_minute,
    find_canvas,
    illuminate,
    view_of,
)
from forecast.phenomena.light_evidence import evidence, joined
from forecast.phenomena.light_path import DISTANCE, LightPath, read_light_path
from forecast.phenomena.obstacles import blocking_cloud, shadow_edge, ray_path
from forecast.quantities import LEAST_GLOW
from forecast.science import light
from forecast.science.almanac import horizon_altitude, sun_position
from forecast.science.interpolation import Scene, Times, as_times, hours_between
from forecast.science.light import Index, AirSection, Mask
from forecast.science.thermodynamics import Array
from forecast.settings import PhenomenonSettings

PHENOMENA = ("sunset_glow", "sunrise_glow", "sunrise")
FIELDS = (
    "cloud_area_fraction_in_atmosphere_layer", "cloud_liquid_water_mixing_ratio",
    "cloud_ice_mixing_ratio", "surface_altitude",
)  # fmt: skip
NEEDED = ("geopotential_height", "relative_humidity")  # without one of these the light has no path
LINES = 3  # of air that are read for a glow: from the site towards the sun, and beside it
MAIN_COLUMN = POINTS[MAIN_POINT][1]
BEYOND = 0.5  # [degree] that the sun sinks in the three minutes after the colour
# (check) glow quality from which an analysis counts as a partial and as a full glow
PARTLY, WHOLLY = 0.15, 0.4
DISK_PARTLY, DISK_WHOLLY = 0.3, 0.6  # (check) the same for the chance that the disk shows
# [min] (check) of the half hour after: the disk was seen, and seen in part
LONG_SUNSHINE, SOME_SUNSHINE = 20.0, 5.0
# cloud cover [1] up to which there is nothing to paint, and from which low cloud hides all: 7
# eighths
FEW, BROKEN = 0.1, 0.85
GLOW_FEATURES = (
    "canvas_cover", "canvas_height", "canvas_light", "view_clearance", "glow_quality",
    "minutes_of_colour", "glow_onset", "glow_peak",
    "glow_end", "glow_red", "glow_green", "glow_blue", "obstacle_distance", "obstacle_height",
    "shadow_distance", "shadow_height",
    "aerosol_optical_depth", "light_path_coverage", "disk_transmission",
)  # fmt: skip
CHUNK = 128  # events at once: keeps the rays in the processor's cache

# of the light path inside the data: below the first no answer, below the second named
NEEDED_COVERAGE, WHOLE_COVERAGE = 0.5, 0.95
LEAST_DISK = 0.05  # transmission to the disk on the horizon below which there is no window to tell
# part of the best minute's quality, or of the disk's best light, with which a minute still counts
COLOURED = 0.5
# part of the clear way's vividness below which cloud is said to have spoiled the glow
SPOILED = 0.2
# The unlit sky as it is drawn (check): linear red, green, blue with the sun 3 degrees up, and how
# it darkens to 7 degrees below.
DUSK, DUSK_ENDS, DUSK_FADES = (0.20, 0.26, 0.36), 8.0, 11.0
DISK_REACH = 300000.0  # [m] of air that matters to the disk
# [cd m-2] the sun; 5 % of a bright horizon, at which it is lost in haze
DISK_LUMINANCE, DISK_THRESHOLD = 1.6e9, 100.0

NAT, MINUTE = np.datetime64("NaT", "ns"), np.timedelta64(1, "m")


# -- events


def events(site: Site, day: date, almanac: Almanac, settings: PhenomenonSettings) -> list[Event]:
    """Return the day's glows and its sunrise at `site`, in windows by the sun's altitude around
    sunset and sunrise: `settings`.
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
        window = _window(
            site.latitude,
            site.longitude,
            reference,
            settings.glow_sun_altitude_from,
            settings.glow_sun_altitude_to,
        )
        if window is None:
            continue
        if phenomenon == "sunrise":  # a terrain horizon may show the sun late
            window = Window(
                min(window.start, centre - timedelta(minutes=30)),
                max(window.end, centre + timedelta(minutes=30)),
            )
        found.append(Event(phenomenon, site, day, window, centre))
    return found


@lru_cache(maxsize=4096)
def _window(
    latitude: float, longitude: float, centre: datetime, high: float, low: float
) -> Window | None:
    """Return the whole minutes around `centre` with the sun between `low` and `high` [degree]; None
    where it never is.
    """
    start = centre.astimezone(UTC).replace(second=0, microsecond=0, tzinfo=None)
    minutes = np.arange(-180, 181)
    coarse = np.datetime64(start, "ns") + minutes[::5] * np.timedelta64(1, "m")
    altitude = np.interp(minutes, minutes[::5], sun_position(coarse, latitude, longitude)[0])
    inside = (altitude <= high) & (altitude >= low)
    if not inside.any():
        return None
    middle = minutes.size // 2
    nearest = (
        middle
        if inside[middle]
        else int(np.flatnonzero(inside)[np.abs(np.flatnonzero(inside) - middle).argmin()])
    )
    breaks = np.flatnonzero(~inside)
    first = breaks[breaks < nearest].max(initial=-1) + 1
    last = breaks[breaks > nearest].min(initial=minutes.size) - 1
    base = start.replace(tzinfo=UTC)
    return Window(
        base + timedelta(minutes=int(minutes[first])),
        base + timedelta(minutes=int(minutes[last]) + 1),
    )


# -- features


def derive(
    events: Sequence[Event], scene: Scene, settings: PhenomenonSettings
) -> PhenomenonFeatures:
    """Turn an atmosphere into the features of glows and sunrises (see the module's head)."""
    values = {name: np.full(len(events), np.nan) for name in GLOW_FEATURES}
    values |= {name: np.full(len(events), NAT) for name in ("best_start", "best_end")}
    missing: list[list[str]] = [[] for _ in events]
    drawn: dict[str, list[xr.Dataset]] = {phenomenon: [] for phenomenon in PHENOMENA}
    absent = [f"field:{name}" for name in FIELDS if not scene.has(name)]
    reached = _reached(events, scene)
    values["sun_azimuth"] = _azimuths(events)
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
            asked = _geometry_of([events[i] for i in chunk], scene)
            path = _read(scene, asked, lines=1 if phenomenon == "sunrise" else LINES)
            found, seen = (_disk if phenomenon == "sunrise" else _glow)(asked, path)
            for name, column in found.items():
                values[name][chunk] = _only_where_known(
                    name, column, found["light_path_coverage"], path.covered[: chunk.size]
                )
            for k, row in enumerate(chunk):
                missing[row] += _missing(path, k, found["light_path_coverage"][k], absent)
                missing[row] += ["window_coverage"] * bool(
                    path.covered[k] and asked.outside[k].any()
                )
            drawn[phenomenon].append(seen.assign_coords(row=("event", chunk)))
    return PhenomenonFeatures(
        values, missing, {name: joined(parts) for name, parts in drawn.items() if parts}
    )


def _reached(events: Sequence[Event], scene: Scene) -> Mask:
    """Say of each event whether the run has anything to say of its window: the light is computed
    for no other.
    """
    moments = [
        moment
        for event in events
        for moment in (event.window.start, event.centre, event.window.end)
    ]
    return np.asarray(scene.covers(as_times(moments).reshape(-1, 3)).any(axis=1))


def _azimuths(events: Sequence[Event]) -> Array:
    """Return the sun's azimuth [degree] at the crossing of the horizon: known however far the run
    reaches.
    """
    latitude, longitude = (
        np.array([getattr(event.site, name) for event in events], dtype=float)
        for name in ("latitude", "longitude")
    )
    return sun_position(as_times([event.centre for event in events]), latitude, longitude)[1]


@dataclass(frozen=True, slots=True)
class _Geometry:
    """Where and when the events of a chunk are (event), and their minutes with the sun's geometric
    altitude (event, minute).
    """

    latitude: Array
    longitude: Array
    elevation: Array
    horizons: Array  # (event, 72)
    horizon: Array  # towards the sun
    azimuth: Array
    centre: Times
    minutes: Times
    altitude: Array
    # minutes before the run's first field or after its last: a field held there may say how, not
    # when
    outside: Mask


def _geometry_of(events: Sequence[Event], scene: Scene) -> _Geometry:
    sites = [event.site for event in events]
    latitude, longitude, elevation = (
        np.array([getattr(s, name) for s in sites])
        for name in ("latitude", "longitude", "elevation")
    )
    centre = as_times([event.centre for event in events])
    minutes = hours_between(
        as_times([e.window.start for e in events]), as_times([e.window.end for e in events]), 1
    )
    altitude, _ = sun_position(
        np.where(np.isnat(minutes), centre[:, None], minutes), latitude[:, None], longitude[:, None]
    )
    azimuth = sun_position(centre, latitude, longitude)[1]
    horizons = np.array([s.horizon for s in sites], dtype=float)
    horizon = horizon_altitude(horizons, azimuth)
    altitude = np.where(np.isnat(minutes), np.nan, altitude)
    outside = (minutes < scene.times[0]) | (minutes > scene.times[-1])
    return _Geometry(
        latitude,
        longitude,
        elevation,
        horizons,
        horizon,
        azimuth,
        centre,
        minutes,
        altitude,
        outside,
    )


def _read(scene: Scene, asked: _Geometry, lines: int) -> LightPath:
    """Read the air along `lines` (1, or 3: also 30 km to the left and right), (line x event), all
    towards the sun at the site.
    """
    places = [(asked.latitude, asked.longitude)]
    for turn in (-90.0, 90.0)[: lines - 1]:
        latitude, longitude = light.great_circle(
            asked.latitude, asked.longitude, asked.azimuth + turn, np.array([BESIDE])
        )
        places.append((latitude[:, 0], longitude[:, 0]))
    latitude, longitude = (np.concatenate(values) for values in zip(*places, strict=True))
    return read_light_path(
        scene,
        latitude,
        longitude,
        np.tile(asked.azimuth, lines),
        np.tile(_moment(scene, asked), lines),
    )


def _moment(scene: Scene, asked: _Geometry) -> Times:
    """Return the moment (event) at which the air is read: the event's centre, or the minute next to
    it that the run reaches.
    """
    apart = np.abs(asked.minutes - asked.centre[:, None]).astype(float)
    apart = np.where(scene.covers(asked.minutes) & ~np.isnat(asked.minutes), apart, np.inf)
    nearest = asked.minutes[np.arange(len(apart)), apart.argmin(axis=1)]
    reached = scene.covers(asked.centre[:, None])[:, 0] | np.isinf(apart.min(axis=1))
    return np.where(reached, asked.centre, nearest)


def _only_where_known(name: str, column: Array, coverage: Array, covered: Mask) -> Array:
    """Blank what cannot be said: everything where the run does not reach, all but the path's own
    facts where it is mostly outside.
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


# -- the glow


def _glow(asked: _Geometry, path: LightPath) -> tuple[dict[str, Array], xr.Dataset]:
    """Features and evidence of glows (event)."""
    rows = np.arange(len(asked.elevation))
    section = path.section.of(slice(0, rows.size))  # the line that runs from the site
    painted = find_canvas(path.section, asked.elevation)
    view = view_of(section, painted, asked.elevation, _horizons(asked))
    lit = illuminate(
        path.section,
        painted,
        view,
        light.ray_height(asked.elevation, asked.horizon, np.array(RIDGE)),
    )
    potential, clear, seen = (
        by_minute(v, asked.altitude) for v in (lit.vivid, lit.vivid_if_clear, lit.seen)
    )
    quality = painted.part()[:, None] * seen
    finest, clearest = _highest(quality), _highest(clear)
    top = quality[rows, finest]
    glows = np.nan_to_num(top) >= LEAST_GLOW
    best = np.where(glows, finest, _highest(potential))
    # Where cloud has spoiled the glow, what is drawn and named as the obstacle is that of the
    # minute that would have been the best.
    spoiled = potential[rows, best] < SPOILED * clear[rows, clearest]
    minute = np.where(spoiled, clearest, best)
    coloured = (quality >= COLOURED * top[:, None]) & glows[:, None]
    first, last = _run_around(coloured, best)
    untimed = glows & (asked.outside & coloured).any(axis=1)
    timed = glows & ~untimed
    srgb = _colours(asked, lit)
    values = {
        "canvas_cover": painted.cover, "canvas_height": painted.height(),
        "canvas_light": lit.red_light, "view_clearance": (painted.share * view).sum(axis=(1, 2)),
        "glow_quality": top, "minutes_of_colour": np.where(untimed, np.nan, coloured.sum(axis=1)),
        "aerosol_optical_depth": path.aerosol_depth[: rows.size],
        "light_path_coverage": section.coverage(DISTANCE[-1]),
        "best_start": np.where(timed, asked.minutes[rows, first], NAT),
        "best_end": np.where(timed, asked.minutes[rows, last] + MINUTE, NAT),
    }  # fmt: skip
    values |= _times_of_colour(asked, timed, first, best, last)
    values |= {
        name: np.where(glows, srgb[rows, best, k], np.nan)
        for k, name in enumerate(("glow_red", "glow_green", "glow_blue"))
    }
    # Just beyond its darker end (sunset's last minutes, sunrise's first) the sun is behind what
    # ends the colour.
    beyond = np.minimum(asked.altitude[rows, first], asked.altitude[rows, last]) - BEYOND
    values |= _ended_by(
        section, painted, np.where(spoiled | ~glows, asked.altitude[rows, clearest], beyond), glows
    )
    rays = np.stack(
        [
            asked.altitude[rows, index]
            for index in (np.minimum(first, minute), minute, np.maximum(last, minute))
        ],
        axis=1,
    )
    return values, _glow_evidence(asked, section, painted, srgb, quality, rays)


def _horizons(asked: _Geometry) -> Array:
    """Return the terrain's altitude [degree] in front of each point of the canvas (event, point)."""
    turns = [
        np.degrees(np.arctan2((0.0, -BESIDE, BESIDE)[line], DISTANCE[column]))
        for line, column in POINTS
    ]
    return horizon_altitude(asked.horizons[:, None, :], asked.azimuth[:, None] + np.array(turns))


def _times_of_colour(
    asked: _Geometry, timed: Mask, first: Index, best: Index, last: Index
) -> dict[str, Array]:
    """Return onset, peak and end [min] (event) of the colour from the crossing of the horizon on;
    NaN where not `timed`.
    """
    rows = np.arange(len(first))
    after = [(asked.minutes[rows, index] - asked.centre) / MINUTE for index in (first, best, last)]
    return {
        name: np.where(timed, np.rint(minutes), np.nan)
        for name, minutes in zip(
            ("glow_onset", "glow_peak", "glow_end"), (after[0], after[1], after[2] + 1), strict=True
        )
    }


def _highest(values: Array) -> Index:
    """Return the index of the highest of each event's minutes; the first where none is known."""
    return np.nan_to_num(values, nan=-1.0).argmax(axis=1)


def _run_around(inside: Mask, centre: Index) -> tuple[Index, Index]:
    """Return the first and last index of the run of True around `centre` (event) along the last
    axis; `centre` itself where it is False.
    """
    index = np.arange(inside.shape[1])
    broken = ~inside
    first = np.where(broken & (index < centre[:, None]), index, -1).max(axis=1) + 1
    last = np.where(broken & (index > centre[:, None]), index, inside.shape[1]).min(axis=1) - 1
    held = inside[np.arange(len(centre)), centre]
    return np.where(held, first, centre), np.where(held, last, centre)


def _main_ray(painted: Canvas, altitude: Array) -> tuple[Array, Array]:
    """Return height [m] (event) and elevation (event, ray) of the rays that light the main band
    over the main point.
    """
    height = painted.base[np.arange(len(painted.cover)), painted.main, MAIN_POINT] - 10.0
    above = altitude + np.degrees(DISTANCE[MAIN_COLUMN] / EARTH_RADIUS)
    return height, light.apparent_elevation(above, height[:, None])


def _ended_by(section: AirSection, painted: Canvas, altitude: Array, glows: Mask) -> dict[str, Array]:
    """Return distance and height [m] of the cloud that stops the main ray at the sun's `altitude`
    (event); of a glow that no cloud ends, those of the ground in whose shadow it goes out.
    """
    height, elevation = _main_ray(painted, altitude[:, None])
    cloud, top = blocking_cloud(section, height, elevation[:, 0], MAIN_COLUMN)
    ground, crest = shadow_edge(section, height, MAIN_COLUMN)
    shaded = glows & np.isnan(cloud)
    return {
        "obstacle_distance": cloud, "obstacle_height": top,
        "shadow_distance": np.where(shaded, ground, np.nan),
        "shadow_height": np.where(shaded, crest, np.nan),
    }  # fmt: skip


def _colours(asked: _Geometry, lit: CanvasLight) -> Array:
    """Return the colour of the canvas against the sky of each minute as sRGB 0-1 (event, minute,
    band).
    """
    colour, contrast = (
        by_minute(lit.colour, asked.altitude),
        by_minute(lit.contrast, asked.altitude)[..., None],
    )
    dusk = np.clip((asked.altitude[..., None] + DUSK_ENDS) / DUSK_FADES, 0.1, 1) * np.array(DUSK)
    return light.as_srgb(contrast * colour + (1 - contrast) * dusk)


def _glow_evidence(
    asked: _Geometry, section: AirSection, painted: Canvas, srgb: Array, quality: Array, rays: Array
) -> xr.Dataset:
    """What the chart of the light path draws: cloud, the rays at the beginning, the best minute and
    the end, and the colour timeline.
    """
    height, elevation = _main_ray(painted, rays)
    rays_made = ray_path(section, height, elevation, MAIN_COLUMN)
    return _drawn(asked, section, rays_made, "quality", quality, srgb)


def _drawn(
    asked: _Geometry, section: AirSection, rays: Array, name: str, by_minute: Array, srgb: Array
) -> xr.Dataset:
    """Return the evidence of a chunk; what changes by the minute is blank outside the run's own
    fields.
    """
    sight = light.ray_height(asked.elevation[:, None], asked.horizon[:, None], DISTANCE)
    series = {"sun_altitude": asked.altitude, name: np.where(asked.outside, np.nan, by_minute)}
    return evidence(
        section,
        rays,
        sight,
        asked.minutes,
        series,
        np.where(asked.outside[..., None], np.nan, srgb),
    )


# -- the disk


def _disk(asked: _Geometry, path: LightPath) -> tuple[dict[str, Array], xr.Dataset]:
    """Features and evidence of sunrises (event): is the disk seen as it clears the terrain, and
    until when.
    """
    section = path.section
    seen = light.apparent_elevation(asked.altitude, asked.elevation[:, None])
    clears = (asked.horizon + light.SEMIDIAMETER)[:, None]
    at_clearing, _ = disk_light(section, asked.elevation, clears)
    shown_light, colour = disk_light(
        section, asked.elevation, np.maximum(np.nan_to_num(seen), asked.horizon[:, None])
    )
    shown_light = np.where(
        np.isnan(seen),
        np.nan,
        np.where(seen + light.SEMIDIAMETER > asked.horizon[:, None], shown_light, 0.0),
    )
    transmission = at_clearing[:, 0]
    obstacle, top = blocking_cloud(section, asked.elevation, clears[:, 0], 0)
    shown = np.nan_to_num(shown_light) >= np.maximum(
        COLOURED * np.nan_to_num(shown_light).max(axis=1, keepdims=True), LEAST_DISK
    )
    first = shown.argmax(axis=1)
    _, last = _run_around(shown, first)
    rows = np.arange(len(first))
    timed = (
        (transmission >= LEAST_DISK)
        & shown.any(axis=1)
        & ~asked.outside[rows, first]
        & ~asked.outside[rows, last]
    )
    values = {
        "disk_transmission": transmission, "obstacle_distance": obstacle, "obstacle_height": top,
        "aerosol_optical_depth": path.aerosol_depth,
        "light_path_coverage": section.coverage(DISK_REACH),
        "best_start": np.where(timed, asked.minutes[rows, first], NAT),
        "best_end": np.where(timed, asked.minutes[rows, last] + MINUTE, NAT),
    }  # fmt: skip
    paths = ray_path(
        replace(section, ground=np.full_like(section.ground, -np.inf)), asked.elevation, clears, 0
    )
    srgb = light.as_srgb(colour / np.maximum(colour.max(axis=-1, keepdims=True), 1e-30))
    return values, _drawn(asked, section, paths, "transmission", shown_light, srgb)


def disk_light(section: AirSection, elevation: Array, seen: Array) -> tuple[Array, Array]:
    """Return the chance that the disk shows at the apparent elevations `seen` (event, moment) [1],
    and the bands' light.

    Cloud counts by what it lets through; haze by whether the disk still stands out from a bright
    horizon.
    """
    met = light.trace(section, elevation, seen, over_ground=False)
    bands = light.band_transmission(met.aerosol, light.air_column(elevation[:, None], seen))
    luminance = DISK_LUMINANCE * bands[..., :2].mean(axis=-1)
    return np.exp(-met.cloud) * luminance / (luminance + DISK_THRESHOLD), bands


# -- outcomes


def diagnose(events: Sequence[Event], scene: Scene, settings: PhenomenonSettings) -> list[Outcome]:
    """Return what an analysis (the first hours of later cycles, as a scene) says of events; degree
    NaN where it does not reach.

    The light is computed from it as it is for a forecast; amount is the quality of the glow, or the
    chance that the disk showed.
    What a station can say: `degree_from_station`, `degree_from_sunshine`.
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
    """Return the degree of a glow that a cloud report at the crossing of the horizon gives (source
    `station`).

    low, canvas: cover of low cloud and of middle and high cloud [1]. 0 where low cloud hides the
    sky or there is nothing to paint;
    NaN otherwise, for no station reports colour.
    """
    hopeless = (low >= BROKEN) | ((canvas <= FEW) & (low <= FEW))
    return np.where(hopeless, 0.0, np.nan)


def degree_from_sunshine(minutes: Array) -> Array:
    """Return what the sunshine [min] of the half hour after the sun clears the terrain says of a
    sunrise (source `station`): degree.

    A sunshine recorder answers from 120 W m-2 on, which a sun at 3 degrees reaches in clean air
    only (WMO-No. 8, 8.1.1): none is no proof.
    """
    return np.select([minutes >= LONG_SUNSHINE, minutes >= SOME_SUNSHINE], [1.0, 0.5], np.nan)
