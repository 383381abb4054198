"""Do the charts say what the numbers say, whatever is missing, and within their bounds?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import numpy as np
import pytest
import xarray as xr

from forecast.config import Config
from forecast.domain import PHENOMENA, Name, Window
from products.charts import chart, contours, probability_strip
from products.charts import svg as drawing
from products.wording import LANGUAGES, Words
from tests import synthetic

TEMPLATES = Path(__file__).parents[2] / "templates"
SVG = "{http://www.w3.org/2000/svg}"
EVIDENCE: dict[str, Callable[[], xr.Dataset]] = {
    "starry_sky": synthetic.night, "sea_of_clouds": synthetic.deck, "sunset_glow": synthetic.path,
    "sunrise_glow": lambda: synthetic.path(blocked=True, known_km=300),
    "sunrise": lambda: synthetic.path().rename(quality="transmission"),
    "snowfall": synthetic.cold, "snow_cover": synthetic.cold, "rime": synthetic.cold,
    "snowmaking": synthetic.cold,
}  # fmt: skip
PLACES = {"starry_sky": "baihuashan", "sea_of_clouds": "jinding"}
SAMPLE_QUANTITIES = {
    "canvas_height": 8200.0,
    "sun_azimuth": 243.6,
    "obstacle_distance": 310e3,
    "obstacle_height": 6900.0,
}


def drawn(
    phenomenon: str,
    evidence: xr.Dataset | None,
    config: Config,
    language: str = "zh",
    name: Name | None = None,
    before: drawing.Drawn | None = None,
) -> str:
    site = synthetic.SITES[PLACES.get(phenomenon, "lingshan")]
    site = replace(site, name=name) if name else site
    requested = synthetic.event(phenomenon, site)
    best = Window(requested.window.start, requested.window.start + timedelta(minutes=40))
    forecast = synthetic.forecast(phenomenon, site, best=best, quantities=SAMPLE_QUANTITIES)
    made = chart(
        forecast,
        evidence,
        synthetic.almanac(site),
        Words(language, config.zone),
        language,
        config.zone,
        drawn=before,
    )
    assert made is not None
    return str(made)


def texts(svg: str) -> list[str]:
    return [
        "".join(element.itertext()) for element in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_every_chart_is_well_formed_named_and_small(
    phenomenon: str, language: str, config: Config
) -> None:
    svg = drawn(phenomenon, EVIDENCE[phenomenon](), config, language)

    root = ElementTree.fromstring(svg)
    assert root.get("role") == "img"
    named = root.get("aria-labelledby", "").split()
    spoken = {
        element.get("id"): element.text
        for element in root
        if element.tag in (f"{SVG}title", f"{SVG}desc")
    }
    assert set(named) == set(spoken)
    assert all(spoken.values())
    assert len(svg.encode()) < 25_000  # the bound that a page with three days of charts can carry
    assert "style=" not in svg  # the site's Content-Security-Policy refuses inline styles
    assert "<style" not in svg
    assert "nan" not in svg.lower().replace("nautical", "")


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_a_chart_that_another_language_drew_before_is_the_same(
    phenomenon: str, config: Config
) -> None:
    evidence, before = EVIDENCE[phenomenon](), drawing.Drawn()
    drawn(phenomenon, evidence, config, "zh", before=before)
    parts = len(before)

    again = drawn(phenomenon, evidence, config, "en", before=before)

    assert again == drawn(phenomenon, evidence, config, "en")
    assert len(before) == parts > 0  # nothing was drawn anew


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_a_chart_without_a_single_number_states_it_and_never_fails(
    phenomenon: str, config: Config
) -> None:
    full = EVIDENCE[phenomenon]()
    empty = full.map(lambda v: v if v.dtype.kind == "M" else xr.full_like(v, np.nan))

    svg = drawn(phenomenon, empty, config)

    assert "-hatch)" in svg
    assert any(Words("zh", config.zone)("chart.no_data") in text for text in texts(svg))


@pytest.mark.parametrize("phenomenon", ["starry_sky", "sea_of_clouds"])
def test_what_lies_after_the_last_field_is_hatched_and_nothing_before_it_is(
    phenomenon: str, config: Config
) -> None:
    # given evidence whose second half is not known
    full = EVIDENCE[phenomenon]()
    middle = full.sizes["hour"] // 2
    known = xr.DataArray(np.arange(full.sizes["hour"]) < middle, dims="hour")
    cut = full.map(
        lambda v: (
            v.where(known)
            if "hour" in v.dims and v.dtype.kind == "f" and "altitude" not in str(v.name)
            else v
        )
    )

    svg = drawn(phenomenon, cut, config)

    # then every hatch begins about where the known hours end (the chart's middle) or later
    hatched = " ".join(
        path.get("d", "")
        for path in ElementTree.fromstring(svg).iter(f"{SVG}path")
        if path.get("class") == "c-hatch"
    )
    begins = [float(x) for x in re.findall(r"[ML](-?[\d.]+) ", hatched)]
    right = drawing.RIGHT if phenomenon == "starry_sky" else 306.0
    assert begins
    assert min(begins) >= drawing.LEFT + (right - drawing.LEFT) * (middle - 1.5) / (
        full.sizes["hour"] - 1
    )


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_a_variable_that_is_absent_leaves_the_rest_drawn(phenomenon: str, config: Config) -> None:
    full = EVIDENCE[phenomenon]()

    for name in full.data_vars:
        if name != "time":
            ElementTree.fromstring(drawn(phenomenon, full.drop_vars(name), config))


@pytest.mark.parametrize("phenomenon", PHENOMENA)
def test_no_time_at_all_is_no_chart_or_a_hatched_one(phenomenon: str, config: Config) -> None:
    full = EVIDENCE[phenomenon]()
    timeless = full.assign(time=xr.full_like(full["time"], np.datetime64("NaT", "ns")))
    site = synthetic.SITES["lingshan"]
    forecast = synthetic.forecast(phenomenon, site, float("nan"))
    words = Words("zh", config.zone)

    made = chart(forecast, timeless, synthetic.almanac(site), words, "zh", config.zone)
    without = chart(forecast, None, synthetic.almanac(site), words, "zh", config.zone)

    assert made is None or "-hatch)" in made
    assert without is None or phenomenon == "starry_sky"  # the almanac alone draws the night


def test_a_name_cannot_become_markup(config: Config) -> None:
    bad = '<script>alert("x")</script>'

    svg = drawn("sea_of_clouds", synthetic.deck(), config, name=Name(bad, bad))

    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


def test_the_site_stands_at_its_true_height_on_the_axis(config: Config) -> None:
    root = ElementTree.fromstring(drawn("sea_of_clouds", synthetic.deck(), config))

    labels = {
        text.text: float(text.get("y", "nan")) - 4
        for text in root.iter(f"{SVG}text")
        if (text.text or "").isdigit()
    }
    line = next(
        path.get("d", "") for path in root.iter(f"{SVG}path") if "c-site" in path.get("class", "")
    )

    y = float(re.findall(r"[-\d.]+", line)[1])
    metres = 4000 * (labels["0"] - y) / (labels["0"] - labels["4000"])
    # 170 px are 4000 m; written to 0.1 px
    assert metres == pytest.approx(synthetic.SITES["jinding"].elevation, abs=5)


def test_a_section_reaches_to_the_base_of_what_covers_the_sky_above_the_viewer(
    config: Config,
) -> None:
    low = synthetic.deck()
    height = np.concatenate([low["height"].values, np.arange(4500.0, 12001.0, 500.0)])
    above = low.reindex(height=height, fill_value=0.0).transpose(*low["cloud"].dims)
    cirrus = above.assign(
        cloud=above["cloud"].where((above["height"] < 7000) | (above["height"] > 8000), 0.9)
    )

    def axis(evidence: xr.Dataset) -> list[str]:
        return [text for text in texts(drawn("sea_of_clouds", evidence, config)) if text.isdigit()]

    # then a deck at 7 km is drawn, and without one the valley keeps its space
    assert "4000" in axis(above)
    assert "6000" not in axis(above)
    assert "8000" in axis(cirrus)
    assert "10000" not in axis(cirrus)


def test_a_deck_at_1000_m_is_painted_up_to_1000_m() -> None:
    height = np.arange(0.0, 4001.0, 100.0)
    level = drawing.Scale(0, 4000, 200, 0)
    cover = np.broadcast_to((height < 1000).astype(float), (9, height.size))

    data = contours.region(np.linspace(0, 80, 9), level.array(height), cover, 0.5)

    points = np.array(
        [[float(n) for n in pair] for pair in re.findall(r"[Ml]([-\d.]+) ([-\d.]+)", data)]
    ).cumsum(axis=0)
    # half way between the last cloudy level and the first clear one
    assert points[:, 1].min() == pytest.approx(level(950), abs=0.1)
    assert points[:, 1].max() == pytest.approx(level(0), abs=0.1)
    assert (points[:, 0].min(), points[:, 0].max()) == (0, 80)


def test_an_outline_encloses_the_area_that_geometry_gives() -> None:
    x = y = np.linspace(-50, 50, 101)
    cone = 50 - np.hypot(x[:, None], y[None, :])

    data = contours.region(x, y, cone, 20.0)

    points = np.array(
        [[float(n) for n in pair] for pair in re.findall(r"[Ml]([-\d.]+) ([-\d.]+)", data)]
    ).cumsum(axis=0)
    a, b = points.T
    area = abs(np.dot(a, np.roll(b, -1)) - np.dot(b, np.roll(a, -1))) / 2
    # the cone stands above 20 within a radius of 30
    assert area == pytest.approx(np.pi * 30**2, rel=0.01)


def test_a_hole_in_the_cloud_stays_a_hole() -> None:
    x = y = np.linspace(-50, 50, 51)
    ring = -np.abs(np.hypot(x[:, None], y[None, :]) - 30)

    assert contours.region(x, y, ring, -8).count("M") == 2


def test_a_field_of_noise_stays_small(config: Config) -> None:
    noisy = synthetic.path()
    noise = np.random.default_rng(1).uniform(size=noisy["cloud"].shape)

    svg = drawn("sunset_glow", noisy.assign(cloud=(("distance", "height"), noise)), config)

    assert len(svg.encode()) < 25_000


def test_the_best_window_is_marked_in_local_time(config: Config) -> None:
    svg = drawn("starry_sky", synthetic.night(), config)

    assert any("18:28–19:08" in text for text in texts(svg))  # 10:28 UTC is 18:28 in Beijing


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Shanghai", date(2026, 11, 22), 24),
        ("Europe/Helsinki", date(2026, 3, 29), 23),  # the clock goes forward
        ("Europe/Helsinki", date(2026, 10, 25), 25),  # and back
    ],
)
def test_a_whole_day_is_called_so_on_a_chart(zone: str, day: date, hours: int) -> None:
    clock = ZoneInfo(zone)
    start = datetime.combine(day, time(), clock).astimezone(UTC)
    end = start + timedelta(hours=hours)
    scale = drawing.TimeScale(start, end, 0, 100, clock)

    assert scale.span(start, end, Words("zh", clock)) == "全天"
    assert scale.span(start, end, Words("en", clock)) == "all day"
    hour = timedelta(hours=1)
    assert scale.span(start, end - hour, Words("zh", clock)) == "00:00–23:00"
    assert scale.span(start + hour, end, Words("zh", clock)) == "01:00–00:00"


def test_a_best_window_of_a_whole_day_is_marked_as_one(config: Config) -> None:
    site = synthetic.SITES["baihuashan"]
    midnight = datetime.combine(synthetic.DAY, time(), config.zone).astimezone(UTC)
    best = Window(midnight, midnight + timedelta(hours=24))
    forecast = synthetic.forecast("starry_sky", site, best=best)
    words = Words("zh", config.zone)
    almanac = synthetic.almanac(site)

    made = str(chart(forecast, synthetic.night(), almanac, words, "zh", config.zone))

    assert "最佳 全天" in made
    assert "00:00–00:00" not in made


@pytest.mark.parametrize("surveyed", [True, False])
def test_a_light_path_says_whether_the_terrain_is_surveyed(surveyed: bool, config: Config) -> None:
    site = replace(synthetic.SITES["lingshan"], horizon_surveyed=surveyed)
    forecast = synthetic.forecast("sunset_glow", site)
    shown = {}
    for language in LANGUAGES:
        words = Words(language, config.zone)
        almanac = synthetic.almanac(site)
        made = chart(forecast, synthetic.path(), almanac, words, language, config.zone)
        shown[language] = str(made)

    assert ("越过周围山体" in shown["zh"]) is surveyed
    assert ("尚未实测" in shown["zh"]) is not surveyed
    assert ("over the surrounding terrain" in shown["en"]) is surveyed
    assert ("not surveyed" in shown["en"]) is not surveyed


def test_the_strip_is_as_tall_as_the_probability_and_hatches_what_is_unknown(
    config: Config,
) -> None:
    site = synthetic.SITES["lingshan"]
    days = [
        synthetic.forecast("sunset_glow", site, p, synthetic.DAY + timedelta(days=k))
        for k, p in enumerate((0.25, 0.5, float("nan")))
    ]

    strip = probability_strip(days, Words("en", config.zone), "en", config.zone)

    assert strip is not None
    columns = [
        rect
        for rect in ElementTree.fromstring(strip).iter(f"{SVG}rect")
        if "c-grade" in rect.get("class", "")
    ]
    heights = [float(rect.get("height", "nan")) for rect in columns]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert len(heights) == 2
    assert "-hatch)" in strip
    assert probability_strip([], Words("en", config.zone), "en", config.zone) is None


def test_two_charts_on_a_page_share_no_id(config: Config) -> None:
    ids = [
        re.findall(r'\bid="([^"]+)"', drawn(phenomenon, EVIDENCE[phenomenon](), config))
        for phenomenon in PHENOMENA
    ]

    flat = [one for some in ids for one in some]
    assert len(flat) == len(set(flat))


def _luminance(colour: str) -> float:
    """Relative luminance of #rrggbb. Source: WCAG 2.2, definition of relative luminance."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return float(np.dot((0.2126, 0.7152, 0.0722), linear))


def _colours(sheet: str, name: str) -> list[str]:
    css = (TEMPLATES / "static" / sheet).read_text(encoding="utf-8")
    css = (
        css.split("@media print", 1)[0]
        if sheet == "skyscape.css" and name.startswith("--")
        else css
    )
    return re.findall(rf"{re.escape(name)}[^;{{]*?[:{{]\s*(?:fill: )?(#[0-9a-f]{{6}})", css)


def test_twilight_darkens_step_by_step() -> None:
    steps = [
        _colours("skyscape.css", f".c-{name}")[0]
        for name in ("day", "civil", "nautical", "astronomical", "night")
    ]

    lightness = [_luminance(colour) for colour in steps]
    assert lightness == sorted(lightness, reverse=True)
    assert all(a > 1.25 * b for a, b in pairwise(lightness))  # a step that grey paper still shows


def test_the_screens_scale_is_the_sites_own_and_its_type_is_readable() -> None:
    ground = _luminance(_colours("display.css", "--ground")[0])
    for grade in range(1, 6):
        assert (
            _colours("display.css", f"--grade-{grade}")
            == _colours("skyscape.css", f"--grade-{grade}")[:1]
        )

    shines = [_luminance(_colours("display.css", f"--shine-{grade}")[0]) for grade in range(6)]
    assert shines == sorted(shines)
    assert min((shine + 0.05) / (ground + 0.05) for shine in shines) >= 4.5  # WCAG 2.2, 1.4.3


ICONS = (
    "star",
    "star-empty",
    "moon",
    "wind",
    "thermometer",
    "warning",
    "compass",
    "clock",
    "missing",
)


@pytest.mark.parametrize("name", [*PHENOMENA, *ICONS])
def test_every_icon_is_one_line_of_24_by_24_in_the_texts_colour(name: str) -> None:
    root = ElementTree.fromstring((TEMPLATES / "icons" / f"{name}.svg").read_text(encoding="utf-8"))

    assert root.get("viewBox") == "0 0 24 24"
    assert root.get("stroke") == "currentColor"
    assert {e.get("fill") for e in root.iter()} <= {None, "none", "currentColor"}
