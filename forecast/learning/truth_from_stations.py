"""Truth from stations: outcomes of past events from reports of stations near the sites.

Their source is `station`, their reporter the station's id: one outcome for each station. Only
stations count that the settings name for the site, that are near it, and whose height fits the
question; only values that quality control did not flag as doubtful or wrong. What a station cannot
observe has no outcome: no station reports colour, so for a glow it can only exclude one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from forecast.domain import Almanac, Event, Observation, Outcome, Site, Station
from forecast.geo import distance_between
from forecast.phenomena import cloud_sea_states, glow, stars, station_snow
from forecast.science.almanac import moon_illumination, moon_position, sun_position
from forecast.science.interpolation import as_times
from forecast.science.night_sky import (
    extinction,
    fitted_moonlight,
    magnitudes,
    nanolamberts,
    twilight,
)
from forecast.science.thermodynamics import Array
from forecast.settings import PhenomenonSettings

NEAR = 30_000.0  # [m] largest distance of a station from its site (check)
# [m] largest height difference of a station at the site itself (check)
SAME_HEIGHT = 150.0
BELOW = 300.0  # [m] least height difference of a station in the valley (check)
HOUR = timedelta(hours=1)
# Largest distance in time of a report from the sun's crossing, for a glow.
AROUND = timedelta(minutes=45)
# [min] from sunrise over the terrain to the end of an hour of sunshine that counts (check)
SUN_CLEARED = (20.0, 80.0)
REPORTS_NEEDED = 3  # of cloud, for an outcome of a night

Times = NDArray[np.datetime64]
Series = Sequence[Observation]


def outcomes(
    events: Sequence[Event],
    almanacs: Mapping[tuple[str, date], Almanac],
    stations: Mapping[str, Station],
    series: Mapping[str, Series],
    settings: PhenomenonSettings,
) -> list[Outcome]:
    """Return the outcomes of past events from stations; events without evidence have none.

    stations: by id; series: the reports of each over the days of the events, the oldest first.
    """
    found: list[Outcome] = []
    for event in events:
        near = [
            stations[i]
            for i in event.site.stations
            if i in stations and distance_between(event.site, stations[i]) <= NEAR and series.get(i)
        ]
        if event.phenomenon == "sea_of_clouds":
            found += _sea(event, near, series)
            continue
        derive, almanac = (
            _BY_PHENOMENON.get(event.phenomenon),
            almanacs.get((event.site.id, event.day)),
        )
        if derive is None or almanac is None:
            continue
        for station in near:
            inside = _within(
                series[station.id], almanac.day_start, max(almanac.day_end, event.window.end) + HOUR
            )
            outcome = derive(event, almanac, station, inside, settings) if inside else None
            if outcome is not None and math.isfinite(outcome.degree):
                found.append(replace(outcome, reporter=station.id))
    return found


def clear_brightness(site: Site, times: Times) -> Array:
    """Return the brightness of a clear, dry zenith [mag arcsec-2] at a site at `times` (time).

    It includes the site's own brightness, moonlight and twilight.
    """
    sun, moon = (
        position(times, site.latitude, site.longitude)[0]
        for position in (sun_position, moon_position)
    )
    dry = np.full(len(times), float(np.asarray(extinction(site.elevation))))
    own = nanolamberts(np.full(len(times), site.night_sky_brightness))
    return np.asarray(
        magnitudes(own + fitted_moonlight(moon, moon_illumination(times), dry) + twilight(sun))
    )


def _within(series: Series, start: datetime, end: datetime) -> list[Observation]:
    return [o for o in series if start <= o.time <= end]


def _column(series: Series, element: str) -> Array:
    return np.array([o.good(element) for o in series], dtype=float)


def _of(event: Event, degree: float, amount: float = math.nan, detail: str = "") -> Outcome:
    return Outcome(
        event.phenomenon, event.site.id, event.day, degree, "station", amount=amount, detail=detail
    )


# -- each phenomenon


def _stars(
    event: Event, almanac: Almanac, station: Station, series: Series, settings: PhenomenonSettings
) -> Outcome | None:
    night = [o for o in series if event.window.start <= o.time < event.window.end]
    if not night:
        return None
    cover = _cover_over(event.site, station, night)
    meter = _column(night, "zenith_sky_brightness")
    clear = clear_brightness(event.site, as_times([o.time for o in night]))
    if np.isfinite(cover).sum() >= REPORTS_NEEDED:
        known = np.isfinite(cover)
        degree = stars.degree_from_okta(
            (8 * cover[known])[None], np.array([clear[known].mean()]), settings.stars_clear_cover
        )
        return _of(
            event, float(degree[0]), float(cover[known].mean()), f"{known.sum()} cloud reports"
        )
    read = stars.degree_from_meter(meter, clear)
    if (
        abs(station.elevation - event.site.elevation) <= SAME_HEIGHT
        and np.isfinite(read).sum() >= REPORTS_NEEDED
    ):
        return _of(
            event,
            float(np.nanmedian(read)),
            detail=f"{np.isfinite(read).sum()} readings of a sky meter",
        )
    return None


def _is_below(site: Site, station: Station) -> bool:
    """Return whether low cloud over a station may lie below the site."""
    return site.elevation - station.elevation > SAME_HEIGHT


def _cover_over(site: Site, station: Station, reports: Series) -> Array:
    """Return the cover of the sky over a site by a station's reports (report) [1].

    NaN where it is not reported, and where it may be cloud that lies below the site: the station
    stands lower, and reports more than a few clouds that are not known to be high.
    """
    cover = _column(reports, "cloud_area_fraction")
    if not _is_below(site, station):
        return cover
    low = _column(reports, "low_cloud_area_fraction")
    return np.where((cover <= stars.FEW_CLOUDS) | (low <= glow.FEW), cover, np.nan)


def _glow(
    event: Event, almanac: Almanac, station: Station, series: Series, settings: PhenomenonSettings
) -> Outcome | None:
    near = [o for o in series if event.centre is not None and abs(o.time - event.centre) <= AROUND]
    near = [
        o
        for o in near
        if math.isfinite(o.good("cloud_area_fraction"))
        and math.isfinite(o.good("low_cloud_area_fraction"))
    ]
    if not near:
        return None
    report = min(near, key=lambda o: abs(o.time - event.centre))  # type: ignore[operator]
    total, low = report.good("cloud_area_fraction"), report.good("low_cloud_area_fraction")
    if low > glow.FEW and _is_below(event.site, station):
        return None
    # The cover of the sky that low cloud leaves free; unknown under an overcast of low cloud.
    canvas = max(total - low, 0.0) / (1 - low) if low < 1 else 0.0
    degree = float(glow.degree_from_station(np.array(low), np.array(canvas)))
    return _of(event, degree, detail=f"low cloud {low:.2f}, all cloud {total:.2f}")


def _sunrise(
    event: Event, almanac: Almanac, station: Station, series: Series, settings: PhenomenonSettings
) -> Outcome | None:
    cleared = almanac.terrain_sunrise
    if cleared is None:
        return None
    for report in series:
        open_minutes = (report.time - cleared).total_seconds() / 60
        seconds = report.good("sunshine_duration")
        if SUN_CLEARED[0] <= open_minutes < SUN_CLEARED[1] and math.isfinite(seconds):
            minutes = min(seconds / 60 * 30 / min(open_minutes, 60.0), 30.0)
            return _of(
                event,
                float(glow.degree_from_sunshine(np.array(minutes))),
                detail=f"{seconds / 60:.0f} min of sunshine",
            )
    return None


def _snow(
    event: Event, almanac: Almanac, station: Station, series: Series, settings: PhenomenonSettings
) -> Outcome | None:
    if abs(station.elevation - event.site.elevation) > SAME_HEIGHT:
        return None
    day = [o for o in series if almanac.day_start < o.time <= almanac.day_end]
    if event.phenomenon == "snow_cover":
        return _snow_cover(
            event, [almanac.day_start + timedelta(hours=hour) for hour in (8, 14)], day
        )
    codes = _column(day, "present_weather")[None]
    if event.phenomenon == "snowfall":
        degree = station_snow.snowfall_reported(codes)
        return _of(event, float(degree[0]), detail=f"{np.isfinite(codes).sum()} reports of weather")
    rime, glaze = _column(day, "rime_observed")[None], _column(day, "glaze_observed")[None]
    degree = np.fmax(station_snow.rime_reported(codes), station_snow.rime_seen(rime, glaze))
    counts = (np.isfinite(codes).sum(), (np.isfinite(rime) | np.isfinite(glaze)).sum())
    return _of(
        event, float(degree[0]),
        detail=f"{counts[0]} reports of weather, {counts[1]} of rime or glaze",
    )  # fmt: skip


def _snow_cover(event: Event, times: Sequence[datetime], day: Series) -> Outcome:
    depths = [_at(day, time, "snow_depth") for time in times]
    degree = float(station_snow.snow_cover_measured(*depths))
    if math.isfinite(degree):
        return _of(event, degree, min(depths), "depth at 08 and 14")
    states = [_at(day, time, "ground_state") for time in times]
    degree = float(station_snow.snow_cover_of_ground(*states))
    return _of(event, degree, detail="state of the ground at 08 and 14")


def _at(series: Series, moment: datetime, element: str) -> float:
    """Return the value nearest to a time, at most an hour from it; NaN where there is none."""
    near = [
        (abs(o.time - moment), o.good(element))
        for o in series
        if abs(o.time - moment) <= HOUR and math.isfinite(o.good(element))
    ]
    return min(near, default=(HOUR, math.nan))[1]


def _sea(event: Event, near: Sequence[Station], series: Mapping[str, Series]) -> list[Outcome]:
    """Return an outcome of each summit station: cloud below it, else compared with the valley."""
    summits = [s for s in near if abs(s.elevation - event.site.elevation) <= SAME_HEIGHT]
    valleys = [s for s in near if s.elevation <= event.site.elevation - BELOW]
    found = []
    for summit in summits:
        above = _readings(series[summit.id])
        candidates = [
            cloud_sea_states.outcome_from_cloud_below(event, above),
            *(
                cloud_sea_states.outcome_from_pair(event, above, _readings(series[valley.id]))
                for valley in valleys
            ),
        ]
        known = [each for each in candidates if math.isfinite(each.degree)]
        if known:
            found.append(replace(known[0], reporter=summit.id))
    return found


def _readings(series: Series) -> list[cloud_sea_states.CloudReport]:
    names = (
        "relative_humidity",
        "visibility_in_air",
        "cloud_below_area_fraction",
        "cloud_below_top_altitude",
    )
    return [cloud_sea_states.CloudReport(o.time, *(o.good(name) for name in names)) for o in series]


_Derive = Callable[[Event, Almanac, Station, Series, PhenomenonSettings], Outcome | None]
_BY_PHENOMENON: Mapping[str, _Derive] = {
    "starry_sky": _stars,
    "sunset_glow": _glow,
    "sunrise_glow": _glow,
    "sunrise": _sunrise,
    "snowfall": _snow,
    "snow_cover": _snow,
    "rime": _snow,
}
