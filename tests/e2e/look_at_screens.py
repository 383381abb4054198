"""Render made-up forecasts through the real line (compose, pages) into a folder, to look at:
`python -m tests.e2e.look_at_screens FOLDER`.

Writes the web pages and the screens of every site, marked as a demonstration; screenshots of them
where Chromium is found.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import xarray as xr

from forecast.config import Config, read_config
from forecast.domain import CurrentObservations, Event, Features, Forecast, Issue, Reason, Window
from forecast.quantities import FEATURES
from products.bulletin import Bulletin
from products.channels import render
from products.charts import chart, probability_strip
from products.composition import Supplement, compose
from products.wording import Words
from tests import synthetic
from tests.station_data import current_observations, silent, with_stations

# fmt: off
CHANCES = {
    "sunset_glow": (0.76, 0.34, 0.08, float("nan"), 0.22, 0.55, 0.93),
    "starry_sky": (0.58, 0.81, 0.12, 0.05, 0.42, 0.66, 0.71),
    "sea_of_clouds": (0.12, 0.74, 0.31, 0.09, 0.18, 0.02, 0.27),
    "sunrise": (0.06, 0.22, 0.64, 0.7, 0.1, 0.3, 0.5),
    "sunrise_glow": (0.42, 0.1, 0.2, 0.3, 0.1, 0.2, 0.1),
    "snowfall": (0.96, 0.4, 0.02, 0.004, 0.1, 0.2, 0.3),
    "snow_cover": (0.5, 0.97, 0.9, 0.8, 0.6, 0.4, 0.3), "rime": (0.3, 0.2, 0.1, 0.5, 0.1, 0.1, 0.1),
    "snowmaking": (0.99, 0.9, 0.8, 0.7, 0.9, 0.9, 0.9),
}
# fmt: on
# fmt: off
QUANTITIES = {
    "sunset_glow": {"canvas_height": 8200.0, "sun_azimuth": 243.6, "glow_quality": 0.9,
                    "canvas_light": 0.62, "light_path_coverage": 1.0},
    "sunrise_glow": {"canvas_height": 8200.0, "sun_azimuth": 116.2, "obstacle_distance": 310e3,
                     "obstacle_height": 6900.0},
    "sunrise": {"sun_azimuth": 116.2, "disk_transmission": 0.1},
    "sea_of_clouds": {"deck_top": 1050.0, "valley_fill": 0.8},
    "snowfall": {"new_snow": 0.08, "snow_water": 6.9},
}
# fmt: on
# fmt: off
WHY = {
    "sunset_glow": (Reason("canvas_light", 0.62, 1.1), Reason("canvas_cover", 0.55, 0.7),
                    Reason("low_cloud", 0.4, -0.3)),
    "starry_sky": (Reason("clear_hours", 9, 1.2), Reason("moon_illumination", 0.95, -0.8)),
    "sea_of_clouds": (Reason("gap_to_deck", 240, 1.3),),
    "snowfall": (Reason("new_snow", 0.08, 1.5), Reason("snow_ratio", 12, 0.4)),
    "sunrise": (Reason("disk_transmission", 0.1, -1.2),),
}
# fmt: on


def _evidence(event: Event) -> xr.Dataset:
    made = {
        "starry_sky": synthetic.night,
        "sea_of_clouds": synthetic.deck,
        "sunset_glow": synthetic.path,
    }
    if event.phenomenon in ("sunrise_glow", "sunrise"):
        return synthetic.path(blocked=True, known_km=450)
    return made.get(event.phenomenon, synthetic.cold)()


def _forecast(event: Event, turn: int) -> Forecast:
    chance = CHANCES[event.phenomenon][turn]
    middle = event.centre or event.window.middle
    best = (
        Window(middle - timedelta(minutes=20), middle + timedelta(minutes=25))
        if chance >= 0.3
        else None
    )
    more: dict[str, object] = {
        "best": best,
        "reasons": WHY.get(event.phenomenon, ()),
        "quantities": QUANTITIES.get(event.phenomenon, {}),
    }
    if event.phenomenon == "sea_of_clouds" and np.isfinite(chance):
        more["states"] = {
            "sea": chance,
            "in_cloud": 0.6 * (1 - chance),
            "overcast": 0.1 * (1 - chance),
            "open": 0.3 * (1 - chance),
        }
    return synthetic.forecast(event.phenomenon, event.site, chance, event.day, **more)


def bulletin(config: Config, live: Sequence[CurrentObservations] = ()) -> Bulletin:
    """Compose a whole bulletin of made-up forecasts over seven days."""
    days = [synthetic.DAY + timedelta(days=k) for k in range(7)]
    events = [
        synthetic.event(p, site, day)
        for site in config.all_sites()
        for day in days
        for p in site.phenomena
    ]
    forecasts = [_forecast(event, (event.day - synthetic.DAY).days) for event in events]
    table = {name: ("event", np.full(len(events), np.nan)) for name in FEATURES}
    weather = {
        "temperature_minimum": 266.0,
        "wind_chill": 255.0,
        "gust": 12.0,
        "precipitation": 0.0,
        "wind_speed_at_site": 5.0,
    }
    for name, value in weather.items():
        table[name][1][:] = value
    for row, event in enumerate(events):
        if event.site.id == "jiangshuihe" and event.day == synthetic.DAY:
            table["snow_water"][1][row], table["precipitation"][1][row], table["gust"][1][row] = (
                6.9,
                6.9,
                18.4,
            )
    rows = {p: [k for k, e in enumerate(events) if e.phenomenon == p] for p in CHANCES}
    drawn = {
        p: xr.concat([_evidence(events[k]) for k in at], "event").assign_coords(row=("event", at))
        for p, at in rows.items()
        if at
    }
    features = Features(tuple(events), xr.Dataset(table), tuple(() for _ in events), drawn)
    issue = Issue(
        "gfs-2026112200",
        326,
        synthetic.ISSUED,
        synthetic.CYCLE,
        synthetic.ISSUED + timedelta(hours=15),
    )
    almanacs = {
        (site.id, day): synthetic.almanac(site, day) for site in config.all_sites() for day in days
    }
    return compose(issue, forecasts, features, almanacs, config, Supplement(current=live))


def gallery(made: Bulletin, config: Config, language: str) -> str:
    """Return a page of every kind of chart, as the site's own style sheet dresses them."""
    words = Words(language, config.zone)
    first: dict[str, str] = {}
    for section in made.sections:
        for entry in section.days[0].entries:
            event = entry.forecast.event
            almanac = section.days[0].almanac
            if event.phenomenon not in first and almanac is not None:
                first[event.phenomenon] = str(
                    chart(entry.forecast, entry.evidence, almanac, words, language, config.zone)
                )
    strips = [
        [day.headline.forecast for day in section.days if day.headline]
        for section in made.sections[:1]
    ]
    first["strip"] = str(probability_strip(strips[0], words, language, config.zone))
    figures = "".join(f'<figure class="sheet">{svg}</figure>' for svg in first.values())
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += '<link rel="stylesheet" href="static/skyscape.css">'
    top = f'<!doctype html><html lang="{words("language.tag")}"><head>{head}</head>'
    return f'{top}<body><main class="column">{figures}</main></body></html>'


def shoot(page: Path, picture: Path, width: int, height: int) -> None:
    """Take a screenshot of a file by Debian's Chromium."""
    with tempfile.TemporaryDirectory() as profile:
        quiet = [
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ]
        command = [
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            *quiet,
            f"--user-data-dir={profile}",
            f"--window-size={width},{height}",
            f"--screenshot={picture}",
            page.resolve().as_uri(),
        ]
        subprocess.run(command, check=False, capture_output=True, timeout=120)


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("folder", type=Path)
    wanted.add_argument("--sites", nargs="*", default=["lingshan", "jinding"])
    wanted.add_argument("--language", choices=("zh", "en"), default="zh")
    wanted.add_argument(
        "--live", choices=("fresh", "old", "none"), help="with stations whose values are so"
    )
    requested = wanted.parse_args()
    config = read_config().model_copy(update={"demonstration": True})
    live: Sequence[CurrentObservations] = ()
    if requested.live:
        config = with_stations(config)
        age = timedelta(minutes=10 if requested.live == "fresh" else 400)
        live = (
            silent(config)
            if requested.live == "none"
            else current_observations(config, synthetic.ISSUED, age)
        )
    made = bulletin(config, live)
    for channel in ("web", "display"):
        for page in render(made, channel):
            path = requested.folder / page.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(page.body if isinstance(page.body, bytes) else page.body.encode())
    (requested.folder / "charts.html").write_text(
        gallery(made, config, requested.language), encoding="utf-8"
    )
    if shutil.which("chromium") is None:
        return
    for width, height in ((500, 4200), (760, 5600)):
        shoot(
            requested.folder / "charts.html",
            requested.folder / f"charts-{width}-{requested.language}.png",
            width,
            height,
        )
    for site in requested.sites:
        for name, width, height in (("landscape", 1920, 1080), ("portrait", 1080, 1920)):
            page = (
                requested.folder
                / ("" if requested.language == "zh" else "en")
                / "display"
                / f"{site}.html"
            )
            shoot(page, requested.folder / f"{site}-{name}-{requested.language}.png", width, height)


if __name__ == "__main__":
    main()
