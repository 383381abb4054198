"""The cases that the starry-sky classifier is trained on: real forecasts kept at their issue time.

`read` turns an archive of hourly forecasts and of the analyses of the same hours (night_cloud) into
the features of forecast/phenomena/stars.py and two truths: whether the mean cover of the night
(21-04 local) was at most CLEAR, and the degree of the product's own event, the best two hours of
the dark window whatever the moon.
The archive does not name a forecast's run: at 15 or 16 h local it is taken as that of RUN_HOUR UTC,
the newest of the global models that is there by then. A few hours of the first two days may be of
fresher hourly models.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast.domain import Name, Site
from forecast.phenomena import stars
from forecast.phenomena.star_night import HOUR, OFFSETS, of_moments, of_rain
from forecast.phenomena.weather import mean, part_weights
from forecast.science.almanac import almanacs
from forecast.science.interpolation import as_times, edges_between
from forecast.settings import PhenomenonSettings

Array = NDArray[np.floating[Any]]

ZONE = ZoneInfo("America/New_York")
LATITUDE, LONGITUDE, HEIGHT = 40.71, -73.99, 7.0
CLEAR = 0.2  # [1] mean cover of the archive's clear night
NIGHTS = 13  # of a forecast, tonight's first
GAP = 3  # [day] between the cases of two blocks: one night is forecast at NIGHTS leads
PRIOR = 10.0  # [case] weight of the whole year in the frequency of a month
DARK = 22.0  # [mag arcsec-2] a zenith that no moon lights
RUN_HOUR = 12  # UTC (check)

_NAMES = {
    "cloud": ("cloud_pct", 0.01),
    "temperature": ("temperature_c", 1.0),
    "dew_point": ("dew_point_c", 1.0),
    "rain_chance": ("precipitation_probability_pct", 0.01),
    "rain": ("rain_mm", 1.0),
    "showers": ("showers_mm", 1.0),
    "snow": ("snowfall_cm", 1 / 0.7),  # [mm] of water: Open-Meteo counts 7 cm of snow as 10 mm
}
FIRST, HOURS = 16, 18  # local hour of the first value of a night, and the number of hours


@dataclass(frozen=True)
class NightCases:
    """Forecasts of nights beside what came; every array is (case).

    issued, day: datetime64[D], local. features: by the names of the catalogue, in its units, NaN
    allowed. clear: mean cover of the night at most CLEAR, 0 or 1. degree: of the product's event
    without a moon. lead: days ahead, 0 tonight.
    """

    issued: NDArray[np.datetime64]
    day: NDArray[np.datetime64]
    lead: NDArray[np.integer[Any]]
    clear: Array
    degree: Array
    features: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.day)

    def take(self, rows: NDArray[Any]) -> NightCases:
        """Return the cases `rows` (numbers or a mask)."""
        parts = {each.name: getattr(self, each.name) for each in fields(self)}
        features = {name: values[rows] for name, values in self.features.items()}
        return NightCases(
            **{k: v[rows] for k, v in parts.items() if k != "features"}, features=features
        )


@dataclass(frozen=True)
class NightHours:
    """Nights by their HOURS from FIRST local on.

    days, datetime64[D]; start, end: their dark windows (day), UTC; middle: the hour (day) nearest
    to its middle; seen: analysed cover (day, hour) [1]. forecasts (issue day, night, hour,
    variable): issued on the first days.
    """

    days: NDArray[np.datetime64]
    start: NDArray[np.datetime64]
    end: NDArray[np.datetime64]
    middle: NDArray[np.integer[Any]]
    seen: Array
    forecasts: Array


def read_hours(shared: Path) -> NightHours:
    """Return the nights of an archive laid out like night_cloud (../shared/data/README.md)."""
    folder = shared / "night_cloud"
    first, forecasts = _forecasts(folder / "forecasts.csv.gz")
    begin, analysed = _analyses(folder / "analyses.csv.gz")
    days = first + np.arange(len(forecasts) + NIGHTS)
    seen = np.full((len(days), HOURS), np.nan)
    place = (days - begin).astype(int)
    inside = (place >= 0) & (place < len(analysed))
    seen[inside] = analysed[place[inside]]
    return NightHours(days, *_dark_windows(days), seen, forecasts)


def read(shared: Path) -> NightCases:
    """Return the cases of an archive laid out like night_cloud (../shared/data/README.md)."""
    return cases_of(read_hours(shared))


def cases_of(hours: NightHours) -> NightCases:
    """Return the forecasts of nights that have an analysis."""
    days, start, end = hours.days, hours.start, hours.end
    forecasts, seen = hours.forecasts, hours.seen
    clear, degree = _clear(seen), _degrees(seen, days, start, end)
    table = _features(forecasts, hours.middle)
    ahead = np.arange(NIGHTS)
    night = np.arange(len(forecasts))[:, None] + ahead
    known = np.isfinite(clear) & np.isfinite(degree)
    used = np.isfinite(table["night_sky_cover"]) & known[night]
    run, lead = np.nonzero(used)
    night = run + lead
    columns = {name: values[run, lead] for name, values in table.items()}
    cover = forecasts[run, lead, :, 0]
    columns |= _best_cover(cover_at_steps(cover, days[night], start[night], end[night]))
    columns["sky_cover_before"] = _of_earlier_run(table["night_sky_cover"], run, lead)
    columns["dark_hours"] = (end - start)[night] / HOUR
    columns["forecast_period"] = (start[night] - days[run] - RUN_HOUR * HOUR) / HOUR
    columns["zenith_sky_brightness"] = np.full(len(night), DARK)
    return NightCases(days[run], days[night], lead, clear[night], degree[night], columns)


def of_month(days: NDArray[np.datetime64]) -> NDArray[np.integer[Any]]:
    """Return the number of the month of each day, counted on from year to year."""
    return np.asarray(days.astype("datetime64[M]").astype(int))


def usual_frequency(cases: NightCases, happened: Array, known: NDArray[np.bool_]) -> Array:
    """Return the usual frequency (case) of the night's calendar month, learnt from cases `known`.

    Each night counts once; PRIOR cases of the whole year's frequency are added to each month.
    """
    days, once = np.unique(cases.day[known], return_index=True)
    seen = happened[known][once]
    calendar, wanted = of_month(days) % 12, of_month(cases.day) % 12
    number = np.bincount(calendar, minlength=12)
    events = np.bincount(calendar, seen, minlength=12)
    return np.asarray(((events + PRIOR * seen.mean()) / (number + PRIOR))[wanted])


def apart(cases: NightCases, test: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the cases (case) more than GAP days before or after the nights of `test`."""
    first, last = cases.day[test].min(), cases.day[test].max()
    gap = np.timedelta64(GAP, "D")
    return np.asarray((cases.day < first - gap) | (cases.day > last + gap))


# -- the files


def _forecasts(path: Path) -> tuple[np.datetime64, Array]:
    """Return the first day of issue and the values (issue day, night, hour, variable)."""
    rows, first, days = _rows(path, "issued_local")
    result = np.full((days, NIGHTS + 1, 24, len(_NAMES)), np.nan)
    for row in rows:
        issued, valid = date.fromisoformat(row["issued_local"][:10]), row["valid_local"]
        ahead = (date.fromisoformat(valid[:10]) - issued).days
        if ahead <= NIGHTS:
            result[(issued - first).days, ahead, int(valid[11:13])] = _values(row)
    return np.datetime64(first), _by_night(result[:, :-1], result[:, 1:])


def _analyses(path: Path) -> tuple[np.datetime64, Array]:
    """Return the first day and the analysed cover (day, hour) [1]."""
    rows, first, days = _rows(path, "valid_local")
    result = np.full((days + 1, 24, len(_NAMES)), np.nan)
    for row in rows:
        day = (date.fromisoformat(row["valid_local"][:10]) - first).days
        result[day, int(row["valid_local"][11:13])] = _values(row)
    return np.datetime64(first), _by_night(result[:-1], result[1:])[..., 0]


def _rows(path: Path, key: str) -> tuple[list[dict[str, str]], date, int]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    days = [date.fromisoformat(row[key][:10]) for row in rows]
    return rows, min(days), (max(days) - min(days)).days + 1


def _values(row: Mapping[str, str]) -> list[float]:
    texts = [(row.get(name) or "nan", factor) for name, factor in _NAMES.values()]
    return [float(text) * factor for text, factor in texts]


def _by_night(evening: Array, next_day: Array) -> Array:
    """Return the HOURS from FIRST local on (..., hour, variable) of days (..., 24, variable)."""
    return np.concatenate([evening[..., FIRST:, :], next_day[..., : FIRST + HOURS - 24, :]], -2)


# -- nights


def _dark_windows(days: NDArray[np.datetime64]) -> tuple[Any, Any, NDArray[np.integer[Any]]]:
    """Return dusk and dawn (day), UTC, and which of the night's HOURS is nearest to its middle."""
    name = Name("New York City", "New York City")
    site = Site(
        "nyc", name, LATITUDE, LONGITUDE, HEIGHT, 0.0, (0.0,) * 72, DARK, (0.0, 360.0),
        stars.PHENOMENA, "starry_sky",
    )  # fmt: skip
    dates = [day.item() for day in days]
    found = almanacs([site], dates, ZONE)
    settings = PhenomenonSettings()
    windows = [stars.events(site, day, found[site.id, day], settings)[0].window for day in dates]
    middles = [w.start + (w.end - w.start) / 2 for w in windows]
    local = as_times([m.astimezone(ZONE).replace(tzinfo=UTC) for m in middles])  # the clock's time
    hours = np.rint((local - days - FIRST * HOUR) / HOUR).astype(int)
    return as_times([w.start for w in windows]), as_times([w.end for w in windows]), hours


def _utc(local: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    moments = local.astype("datetime64[s]").ravel().tolist()
    return as_times([one.replace(tzinfo=ZONE) for one in moments]).reshape(local.shape)


def _features(forecasts: Array, middle: NDArray[np.integer[Any]]) -> dict[str, Array]:
    """Return the features of each night (issue day, night) from its hours."""
    runs, nights = forecasts.shape[:2]
    centre = middle[np.arange(runs)[:, None] + np.arange(nights)]
    hours = centre[..., None] + OFFSETS
    inside = (hours >= 0) & (hours < HOURS)
    values = np.take_along_axis(forecasts, np.clip(hours, 0, HOURS - 1)[..., None], axis=2)
    flat = np.where(inside[..., None], values, np.nan).reshape(runs * nights, len(OFFSETS), -1)
    of = {name: flat[..., number] for number, name in enumerate(_NAMES)}
    depression = np.maximum(of["temperature"] - of["dew_point"], 0.0)
    rain = of["rain"] + of["showers"] + of["snow"]
    found = of_moments(of["cloud"], depression, CLEAR) | of_rain(of["rain_chance"])
    found["night_rain"] = np.where(np.isnan(rain).all(axis=1), np.nan, np.nansum(rain, axis=1))
    return {name: column.reshape(runs, nights) for name, column in found.items()}


def _of_earlier_run(table: Array, run: Any, lead: Any) -> Array:
    """Return the value that the forecast of the day before gave for the same night (case)."""
    there = (run >= 1) & (lead + 1 < table.shape[1])
    found = table[np.maximum(run - 1, 0), np.minimum(lead + 1, table.shape[1] - 1)]
    return np.where(there, found, np.nan)


def _clear(seen: Array) -> Array:
    """Return whether the mean of 21-04 local is at most CLEAR (day); NaN where an hour lacks."""
    cover = seen[:, 21 - FIRST : 29 - FIRST].mean(axis=1)
    return np.where(np.isnan(cover), np.nan, np.round(cover, 6) <= CLEAR)


def _degrees(seen: Array, days: NDArray[np.datetime64], start: Any, end: Any) -> Array:
    """Return the degree of the best two hours of each dark window (day), as stars.diagnose does.

    The zenith is taken as dark: the moon is known ahead.
    """
    best = _best_cover(cover_at_steps(seen, days, start, end))["sky_cover"]
    clear = PhenomenonSettings().stars_clear_cover
    return stars.degree_from_cover(best, np.full(len(best), DARK), clear)


def cover_at_steps(
    cover: Array, days: NDArray[np.datetime64], start: Any, end: Any
) -> tuple[NDArray[np.datetime64], Array]:
    """Return the moments of dark windows (case, moment), UTC, and the cover at them [1].

    cover: at the HOURS of each night (case, hour); between them it is linear.
    """
    times = edges_between(start, end, stars.STEP)
    place = (times - _utc(days + FIRST * HOUR)[:, None]) / HOUR
    before = np.clip(np.nan_to_num(place).astype(int), 0, HOURS - 2)
    first, second = (np.take_along_axis(cover, before + one, axis=1) for one in (0, 1))
    inside = (place >= 0) & (place <= HOURS - 1)
    return times, np.where(inside, first + (place - before) * (second - first), np.nan)


def _best_cover(at_steps: tuple[NDArray[np.datetime64], Array]) -> dict[str, Array]:
    """Return the cover of the best two hours of dark windows (case), and the clear hours [h].

    at_steps: moments and cover (case, moment).
    """
    settings, (times, values) = PhenomenonSettings(), at_steps
    chosen, _ = stars.best_run(
        1 - values, stars.moments_in_window(settings), stars.whole_steps(times)
    )
    clear = np.round(values, 3) <= settings.stars_clear_cover
    return {
        "sky_cover": mean(np.where(chosen, values, np.nan), part_weights(times)),
        "clear_hours": stars.longest_hours(clear, times),
    }


def rule_columns(cases: NightCases) -> dict[str, Array]:
    """Return the features that the rule reads and the archive gives, for comparison (case)."""
    features = cases.features
    return {
        **features,
        "cloud_for_stars": features["sky_cover"],
        "dew_point_depression": features["night_dew_point_depression"],
        "precipitation": features["night_rain"],
    }
