"""A rich bulletin made by hand, marked as a demonstration: five sites, seven days, every
phenomenon, gaps and dangers included.

`python -m tests.e2e.sample_bulletin FOLDER` writes every channel's pages below FOLDER/current, to
look at. The numbers are invented; only the almanac is computed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import isnan, nan
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.config import Config, read_config
from forecast.domain import (
    Almanac,
    Cycle,
    DayWeather,
    Event,
    Features,
    Forecast,
    Issue,
    Name,
    Reason,
    Site,
    Spread,
    Window,
)
from forecast.quantities import FEATURES, features_of
from forecast.review import Review
from forecast.science.almanac import almanacs, local_days
from forecast.settings import CHANNELS
from products.bulletin import Bulletin
from products.channels import render
from products.composition import Supplement, compose
from tests import synthetic

ISSUED = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)
CYCLE = Cycle(datetime(2026, 11, 22, 0, tzinfo=UTC))
ATTRIBUTION = (
    Name(
        "美国国家环境预报中心（NCEP）全球预报系统GFS，公有领域",
        "NOAA/NCEP Global Forecast System (GFS), public domain",
    ),
)

# A week in one line each: an easterly and a sea of clouds, a front with snow, clear cold air behind
# it, then high cloud.
# fmt: off
CHANCES = {
    "starry_sky": (0.12, 0.04, 0.31, 0.86, 0.91, 0.55, nan),
    "sea_of_clouds": (nan, 0.82, 0.34, 0.06, 0.11, 0.27, nan),
    "sunset_glow": (0.46, 0.08, 0.22, 0.35, 0.74, 0.58, nan),
    "sunrise_glow": (nan, 0.14, 0.05, 0.26, 0.52, 0.67, nan),
    "sunrise": (nan, 0.24, 0.03, 0.88, 0.93, 0.41, nan),
    "snowfall": (0.05, 0.38, 0.97, 0.14, 0.004, 0.02, nan),
    "snow_cover": (0.02, 0.09, 0.88, 0.996, 0.95, 0.83, nan),
    "rime": (nan, 0.33, 0.62, 0.44, 0.19, 0.07, nan),
    "snowmaking": (0.41, 0.52, 0.84, 0.99, 0.98, 0.9, nan),
}
# fmt: on
# How often each is usual in that month, and how sure a forecast is by the day.
USUAL = {
    "starry_sky": 0.38,
    "sea_of_clouds": 0.24,
    "sunset_glow": 0.27,
    "sunrise_glow": 0.25,
    "sunrise": 0.44,
    "snowfall": 0.06,
    "snow_cover": 0.22,
    "rime": 0.08,
    "snowmaking": 0.71,
}
CONFIDENCE = (3, 3, 3, 2, 2, 1, 1)
# What the features would be on a good day and on a poor one (SI); between them by the chance.
# fmt: off
GOOD_AND_POOR = {
    "temperature_at_site": (266.4, 269.1), "temperature_minimum": (263.2, 266.9),
    "temperature_maximum": (270.3, 272.0),
    "humidity_at_site": (0.42, 0.93), "wind_speed_at_site": (3.4, 9.6), "gust": (6.1, 16.8),
    "wind_chill": (258.6, 254.2),
    "precipitation": (0.0, 1.4), "convective_energy": (0.0, 40.0),
    "visibility": (24_000.0, 6_200.0), "low_cloud": (0.04, 0.62),
    "medium_cloud": (0.12, 0.55), "high_cloud": (0.35, 0.7), "cloud_at_site": (0.02, 0.4),
    "sky_cover": (0.1, 0.9), "cloud_for_stars": (0.06, 0.83),
    "clear_hours": (9.0, 1.0), "dark_hours": (11.0, 11.0), "zenith_sky_brightness": (21.4, 19.3),
    "limiting_magnitude": (6.2, 4.7),
    "moon_altitude": (-12.0, 58.0), "moon_illumination": (0.22, 0.97),
    "milky_way_hours": (0.0, 0.0), "dew_point_depression": (9.2, 1.1),
    "water_vapour_column": (4.1, 13.0), "deck_top": (980.0, 1730.0), "deck_base": (420.0, 900.0),
    "gap_to_deck": (310.0, -240.0),
    "valley_fill": (0.84, 0.2), "valley_area_filled": (0.92, 0.25), "ground_fog": (0.0, 0.4),
    "night_cloud": (0.1, 0.7),
    "humidity_below": (0.96, 0.58), "humidity_above": (0.31, 0.88), "inversion": (4.6, -1.2),
    "valley_dew_point_depression": (0.6, 5.1), "rain_before": (2.4, 0.0),
    "valley_wind_speed": (1.6, 5.5), "easterly_wind": (3.8, -4.4),
    "canvas_cover": (0.62, 0.05), "canvas_height": (8200.0, 2900.0), "canvas_light": (0.71, 0.12),
    "view_clearance": (0.93, 0.36),
    "glow_quality": (0.78, 0.06), "minutes_of_colour": (19.0, 3.0),
    "obstacle_distance": (540_000.0, 310_000.0),
    "obstacle_height": (2100.0, 7400.0), "aerosol_optical_depth": (0.14, 0.62),
    "light_path_coverage": (1.0, 0.62),
    "disk_transmission": (0.88, 0.03), "new_snow": (0.093, 0.002), "snow_water": (6.4, 0.2),
    "snow_ratio": (14.0, 8.0),
    "snow_fraction": (1.0, 0.4), "freezing_rain": (0.0, 0.0), "ice_pellets": (0.0, 0.0),
    "precipitation_kind": (3.0, 3.0),
    "snow_depth": (0.11, 0.0), "freezing_hours": (24.0, 11.0), "rime_hours": (8.0, 0.0),
    "wet_bulb_minimum": (261.0, 270.6), "snowmaking_hours": (20.0, 2.0),
    "good_snowmaking_hours": (16.0, 0.0),
}
# fmt: on
# fmt: off
WHY = {
    "starry_sky": ("sky_cover", "moon_altitude", "dew_point_depression"),
    "sea_of_clouds": ("gap_to_deck", "inversion", "humidity_above", "easterly_wind"),
    "sunset_glow": ("canvas_light", "canvas_cover", "view_clearance"),
    "sunrise_glow": ("canvas_light", "obstacle_distance", "canvas_cover"),
    "sunrise": ("disk_transmission", "aerosol_optical_depth"),
    "snowfall": ("new_snow", "snow_ratio", "cloud_top_temperature"),
    "snow_cover": ("snow_depth", "freezing_hours"), "rime": ("rime_hours", "humidity_at_site"),
    "snowmaking": ("snowmaking_hours", "wet_bulb_minimum"),
}
# fmt: on


def window_of(phenomenon: str, almanac: Almanac) -> tuple[Window, datetime | None]:
    """Return about the window that the phenomenon's module would create."""
    assert almanac.sunrise
    assert almanac.sunset
    assert almanac.astronomical_dusk
    assert almanac.astronomical_dawn
    hour = timedelta(hours=1)
    if phenomenon == "starry_sky":
        return Window(almanac.astronomical_dusk, almanac.astronomical_dawn), None
    if phenomenon in ("sea_of_clouds", "rime"):
        return Window(almanac.sunrise - 1.5 * hour, almanac.sunrise + 3 * hour), almanac.sunrise
    if phenomenon == "sunset_glow":
        return Window(almanac.sunset - 0.4 * hour, almanac.sunset + 0.5 * hour), almanac.sunset
    if phenomenon in ("sunrise_glow", "sunrise"):
        return Window(almanac.sunrise - 0.5 * hour, almanac.sunrise + 0.4 * hour), almanac.sunrise
    return Window(almanac.day_start, almanac.day_end), None


def _best(event: Event) -> Window:
    span, middle = event.window.end - event.window.start, event.centre or event.window.middle
    half = min(span / 4, timedelta(hours=2))
    return Window(middle - half / 2, middle + half)


def _values(event: Event, chance: float, almanac: Almanac) -> dict[str, float]:
    share = 0.5 if isnan(chance) else chance
    ends = {
        name: GOOD_AND_POOR[name] for name in features_of(event.phenomenon) if name in GOOD_AND_POOR
    }
    values = {name: share * good + (1 - share) * poor for name, (good, poor) in ends.items()}
    if event.phenomenon in ("sunset_glow", "sunrise_glow", "sunrise"):
        values["sun_azimuth"] = (
            almanac.sunset_azimuth if event.phenomenon == "sunset_glow" else almanac.sunrise_azimuth
        )
    if event.phenomenon == "starry_sky":
        values["moon_illumination"] = almanac.moon_illumination
    if event.day == date(2026, 11, 24):  # the front
        values |= {"gust": 19.6, "wind_chill": 249.8, "precipitation": 6.4}
    if event.phenomenon == "sea_of_clouds" and event.day == date(2026, 11, 23):
        values["visibility"] = 180.0
    return values


def _forecast(
    event: Event, chance: float, values: dict[str, float], missing: tuple[str, ...]
) -> Forecast:
    known = not isnan(chance)
    grade = 1 + sum(chance >= begin for begin in (0.1, 0.3, 0.5, 0.7)) if known else 0
    ahead = event.window.start - CYCLE.run
    of_lead = Reason("forecast_period", ahead.total_seconds() / 3600, -0.5 * ahead.days / 6)
    reasons = tuple(
        Reason(name, values[name], (chance - 0.35) * (3 - place) * (1 if place < 2 else -0.6))
        for place, name in enumerate(WHY[event.phenomenon])
        if name in values
    ) + ((of_lead,) if ahead.days >= 2 else ())
    left = 1 - chance
    return Forecast(
        event, CYCLE, ISSUED, chance, grade, "rule 1", best=_best(event) if known else None,
        states={"sea": chance, "in_cloud": 0.55 * left, "overcast": 0.15 * left, "open": 0.3 * left}
        if known and event.phenomenon == "sea_of_clouds" else {},
        reasons=reasons if known else (),
        spread=Spread(max(chance - 0.14, 0), min(chance + 0.09, 1), 4) if known else None,
        missing=missing,
        quantities={name: value for name,
                    value in values.items() if FEATURES[name].shown} if known else {},
        usual=USUAL[event.phenomenon],
        confidence=CONFIDENCE[(event.day - date(2026, 11, 22)).days] if known else 0,
        spreads={name: Spread(values[name] - 60, values[name] + 140, 4) for name in ("deck_base",
            "deck_top") if known and name in values},
    )  # fmt: skip


def _missing(event: Event, chance: float) -> tuple[str, ...]:
    if isnan(chance):
        return ("beyond_data",)
    glow = (
        ("aerosol_estimated", "light_path")
        if event.phenomenon in ("sunset_glow", "sunrise_glow") and chance < 0.3
        else ()
    )
    return glow + (("field:cloud_ice_mixing_ratio",) if event.phenomenon == "sea_of_clouds" else ())


def _evidence(phenomenon: str, rows: Sequence[int], chances: Sequence[float]) -> xr.Dataset:
    made = {"starry_sky": synthetic.night, "sea_of_clouds": synthetic.deck}
    drawn = []
    for chance in chances:
        if phenomenon in ("sunset_glow", "sunrise_glow", "sunrise"):
            drawn.append(
                synthetic.path(blocked=not chance >= 0.3, known_km=600 if chance >= 0.3 else 380)
            )
        else:
            drawn.append(made.get(phenomenon, synthetic.cold)())
    return xr.concat(drawn, "event").assign_coords(row=("event", list(rows)))


def _weather(site: Site, day: date) -> DayWeather:
    """A calm day, a morning of fog, the front of the 24th; from the 28th on no data."""
    if day >= date(2026, 11, 28):
        return DayWeather({}, 0.0)
    values = {
        "gust": 8.0, "wind_speed_at_site": 4.0, "wind_chill": 262.0, "temperature_minimum": 268.0,
        "precipitation": 0.0, "snow_water": 0.0,
        "convective_energy": 0.0, "visibility": 20_000.0, "rain_before": 0.0, "freezing_rain": 0.0,
    }  # fmt: skip
    if day == date(2026, 11, 24):
        values |= {
            "gust": 19.6,
            "wind_chill": 249.8,
            "precipitation": 6.4,
            "snow_water": 6.4,
            "rain_before": nan,
        }
    if day == date(2026, 11, 23) and site.id in ("jinding", "lingshan"):
        values["visibility"] = 180.0
    return DayWeather(values, 1.0)


def sample_config(demonstration: bool = True, **more: object) -> Config:
    return read_config().model_copy(update={"demonstration": demonstration, **more})


def sample_parts(
    config: Config,
) -> tuple[Issue, list[Forecast], Features, dict[tuple[str, date], Almanac]]:
    """Return what `compose` takes."""
    sites: tuple[Site, ...] = config.all_sites()
    days = local_days(ISSUED, config.zone, 7)
    by_day = almanacs(sites, days, config.zone)
    events, forecasts, values = [], [], []
    for turn, site in enumerate(sites):
        for k, day in enumerate(days):
            for phenomenon in site.phenomena:
                window, centre = window_of(phenomenon, by_day[site.id, day])
                if window.end <= ISSUED:
                    continue
                chance = CHANCES[phenomenon][k]
                chance = (
                    min(max(chance * (1 - 0.06 * turn), 0.002), 0.998) if not isnan(chance) else nan
                )
                event = Event(phenomenon, site, day, window, centre)
                events.append(event)
                values.append(_values(event, chance, by_day[site.id, day]))
                forecasts.append(_forecast(event, chance, values[-1], _missing(event, chance)))
    table = {name: ("event", np.array([v.get(name, nan) for v in values])) for name in FEATURES}
    rows = {p: [k for k, event in enumerate(events) if event.phenomenon == p] for p in CHANCES}
    evidence = {
        p: _evidence(p, at, [forecasts[k].probability for k in at]) for p, at in rows.items() if at
    }
    features = Features(
        tuple(events), xr.Dataset(table), tuple(f.missing for f in forecasts), evidence
    )
    features = replace(
        features, weather={(site.id, day): _weather(site, day) for site in sites for day in days}
    )
    return (
        Issue("gfs-2026112200", 42, ISSUED, CYCLE, ISSUED + timedelta(hours=16), True),
        forecasts,
        features,
        by_day,
    )


def earlier_issues() -> list[Issue]:
    """Return three issues before this one."""
    issue = Issue("gfs-2026112200", 42, ISSUED, CYCLE, ISSUED + timedelta(hours=16), True)
    back = [timedelta(hours=h) for h in (10, 24, 34)]
    runs = [CYCLE.run - timedelta(hours=h) for h in (12, 24, 36)]
    return [
        replace(
            issue, id=f"gfs-{run:%Y%m%d%H}", number=41 - k, issued=ISSUED - ago, cycle=Cycle(run)
        )
        for k, (ago, run) in enumerate(zip(back, runs, strict=True))
    ]


def sample_bulletin(config: Config | None = None, review: Review | None = None) -> Bulletin:
    config = sample_config() if config is None else config
    issue, forecasts, features, almanacs = sample_parts(config)
    supplement = Supplement(ATTRIBUTION, earlier_issues())
    return compose(issue, forecasts, features, almanacs, config, supplement, review)


def write_site(folder: Path, config: Config | None = None, review: Review | None = None) -> None:
    """Write every channel's pages below `folder`."""
    config = sample_config() if config is None else config
    made = sample_bulletin(config, review)
    for channel in CHANNELS:
        for page in render(made, channel):
            path = folder / page.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(page.body if isinstance(page.body, bytes) else page.body.encode())


if __name__ == "__main__":
    write_site(Path(sys.argv[1]) / "current")
