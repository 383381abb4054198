"""Is what a scene draws what is forecast? Heights, colours and stars are read back from the SVG."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import ephem
import numpy as np
import pytest

from forecast.config import Config
from forecast.domain import CLOUD_SEA_STATES, Site, Window
from forecast.science import ephemeris
from products.confidence import as_usual
from products.scenes import DrawnScene, scene, scene_of
from products.scenes.cloud import banks, hidden
from products.scenes.compose import LEVEL, LEVEL_OF_SEA, hue_of, low_sun, summits
from products.scenes.sky import star_count
from products.scenes.view import ACROSS, FOCUS, HEIGHT, UP, UP_LOW, WIDTH
from products.wording import LANGUAGES, Words
from tests.e2e.sample_bulletin import sample_bulletin

KINDS = (
    "starry_sky", *CLOUD_SEA_STATES, "sunset_glow", "sunrise_glow", "sunrise", "snowfall",
    "snow_cover", "rime", "snowmaking",
)  # fmt: skip
VALUES = {
    "limiting_magnitude": 6.0, "zenith_sky_brightness": 21.4, "cloud_for_stars": 0.0,
    "gap_to_deck": 300.0, "valley_area_filled": 0.9, "canvas_cover": 0.7, "canvas_light": 0.6,
    "glow_red": 1.0, "glow_green": 0.45, "glow_blue": 0.3, "new_snow": 0.04, "snow_depth": 0.1,
    "rime_hours": 6.0, "disk_transmission": 0.8, "high_cloud": 0.4,
}  # fmt: skip
MOMENT = datetime(2026, 11, 22, 15, tzinfo=UTC)


@pytest.fixture
def site(config: Config) -> Site:
    return config.all_sites()[0]


@pytest.fixture
def night(site: Site) -> DrawnScene:
    return DrawnScene(
        site, "starry_sky", MOMENT, 180.0, (-50.0, 0.0), (30.0, 170.0), 0.6, 120.0, False, VALUES
    )


def parts(drawn: DrawnScene, name: str) -> list[Any]:
    """Return the elements of a class in the SVG of a scene."""
    root = ElementTree.fromstring(str(scene(drawn)))
    return [each for each in root.iter() if each.get("class") == name]


def starts(element: Any) -> list[tuple[float, float]]:
    """Return the points of a path of dots."""
    dots = element.get("d").split("M")[1:]
    return [tuple(map(float, dot.removesuffix("h0").split())) for dot in dots]  # type: ignore[misc]


def line(drawn: DrawnScene, name: str) -> np.ndarray:
    """Return the points (n, 2) of the first outline of a class, without the foot of the frame."""
    path = parts(drawn, name)[0].get("d").strip("Mz").split("L")
    return np.array([list(map(float, point.split())) for point in path])[1:-1]


@pytest.mark.parametrize("altitude", [-2.5, 0.0, 3.0, 11.0])
def test_the_sun_stands_so_high_over_the_drawn_skyline_as_over_the_true_one(
    night: DrawnScene, altitude: float
) -> None:
    drawn = replace(night, kind="sunrise", azimuth=116.0, sun=(altitude, 120.0))
    glow = parts(drawn, "glow")[0]
    assert float(glow.get("cx")) == pytest.approx(FOCUS + 4.0 * ACROSS, abs=0.06)
    x, y = line(drawn, "skyline").T
    skyline = np.interp(float(glow.get("cx")), x, y)
    true = drawn.site.horizon[120 // 5]
    above = UP_LOW * (altitude - true)
    assert float(glow.get("cy")) == pytest.approx(skyline - above, abs=0.2)
    assert len(parts(drawn, "sun")) == (altitude > -0.83)


def test_the_skyline_is_the_surveyed_one(night: DrawnScene) -> None:
    drawn = replace(night, kind="sunrise", azimuth=245.0, sun=(1.0, 245.0))
    x, y = line(drawn, "skyline").T
    azimuth = np.arange(200, 275, 5)
    height = LEVEL - np.interp(FOCUS + (azimuth - 245.0) * ACROSS, x, y)
    surveyed = np.array([night.site.horizon[each // 5] for each in azimuth])
    assert np.corrcoef(height, surveyed)[0, 1] > 0.999
    assert height.max() - height.min() > 40


def test_no_ridge_is_invented_where_the_horizon_was_not_surveyed(night: DrawnScene) -> None:
    site = replace(night.site, horizon=(-1.4,) * 72, horizon_surveyed=False)
    drawn = replace(night, kind="sunrise", site=site, azimuth=120.0, sun=(1.0, 120.0))
    assert np.ptp(line(drawn, "skyline")[:, 1]) == 0
    assert len(parts(drawn, "slope")) == 1  # the ground at the viewer's feet
    assert len(parts(replace(drawn, site=night.site), "slope")) == 3


def test_a_sun_outside_the_view_is_not_drawn(night: DrawnScene) -> None:
    assert not parts(replace(night, kind="sunrise", azimuth=240.0, sun=(1.0, 120.0)), "sun")
    assert not parts(replace(night, kind="sunrise", azimuth=120.0, sun=(-6.0, 120.0)), "glow")


def test_a_morning_is_drawn_when_its_sun_stands_low(site: Site) -> None:
    start = datetime(2026, 11, 30, 22, 48, tzinfo=UTC)
    at = low_sun(Window(start, start + timedelta(hours=3, minutes=30)), site)
    moment = np.datetime64(at.replace(tzinfo=None))
    altitude, _ = ephemeris.sun_position(moment, site.latitude, site.longitude)
    assert 3.3 < altitude < 4.7


@pytest.mark.parametrize(("lit", "phase", "side"), [(0.25, 60.0, 1), (0.25, 300.0, -1)])
def test_the_moon_is_lit_towards_the_sun(
    night: DrawnScene, lit: float, phase: float, side: int
) -> None:
    moon = parts(replace(night, lit=lit, phase=phase), "moon")[0].get("d")
    # the outer half turns clockwise (1) where it is the right one
    assert moon.split("A")[1].split()[4] == ("1" if side > 0 else "0")
    assert moon.startswith(f"M{FOCUS - 10 * ACROSS:g} ")


def test_a_moon_below_the_horizon_is_not_drawn(night: DrawnScene) -> None:
    assert not parts(replace(night, moon=(-1.0, 170.0)), "moon")


@pytest.mark.parametrize(("magnitude", "count"), [(6.0, 4800), (5.0, 1550), (4.0, 500)])
def test_as_many_stars_are_seen_as_catalogues_have(magnitude: float, count: int) -> None:
    # Source: Yale Bright Star Catalogue, whole sky: 518, 1602 and 5080 to 4, 5 and 6
    assert star_count(magnitude) == pytest.approx(count, rel=0.07)


@pytest.mark.parametrize("limit", [3.0, 4.5, 6.0])
def test_the_stars_of_a_scene_are_those_to_the_limiting_magnitude(
    night: DrawnScene, limit: float
) -> None:
    drawn = replace(night, values={**VALUES, "limiting_magnitude": limit})
    seen = sum(len(starts(path)) for path in parts(drawn, "stars"))
    # part of the sphere in the frame: 100 degrees of azimuth from 0.5 to 60 degrees of altitude
    share = 100 / 360 * (np.sin(np.radians(LEVEL / UP)) - np.sin(np.radians(0.5))) / 2
    expected = share * star_count(limit)
    assert seen == pytest.approx(expected, abs=4 * expected**0.5 + 2)


@pytest.mark.parametrize("cover", [0.3, 0.66, 0.95])
def test_cloud_hides_its_part_of_the_stars(night: DrawnScene, cover: float) -> None:
    clear, cloudy = (
        sum(
            len(starts(path))
            for path in parts(replace(night, values={**VALUES, "cloud_for_stars": share}), "stars")
        )
        for share in (0.0, cover)
    )
    assert cloudy / clear == pytest.approx(1 - cover, abs=0.08)


@pytest.mark.parametrize("cover", [0.0, 0.2, 0.66, 0.9])
def test_banks_hide_so_much_of_the_sky_as_is_forecast(cover: float) -> None:
    x, y = np.random.default_rng(1).random((2, 20_000)) * [[WIDTH], [LEVEL]]
    assert hidden(banks("a site", cover, LEVEL), x, y).mean() == pytest.approx(cover, abs=0.03)


def test_sirius_stands_where_it_is(night: DrawnScene) -> None:
    altitude, azimuth = sirius(MOMENT, night.site)
    points = [point for path in parts(replace(night, azimuth=azimuth), "stars")
              for point in starts(path)]  # fmt: skip
    expected = np.array([FOCUS, LEVEL - altitude * UP])
    assert min(np.hypot(*(np.array(points) - expected).T)) < 0.2


def sirius(at: datetime, site: Site) -> tuple[float, float]:
    """Return its altitude and azimuth [degree] by ephem, without air."""
    viewer, star = ephem.Observer(), ephem.star("Sirius")
    viewer.lat, viewer.lon, viewer.pressure = str(site.latitude), str(site.longitude), 0
    viewer.date = at.replace(tzinfo=None)
    star.compute(viewer)
    return float(np.degrees(star.alt)), float(np.degrees(star.az))


def test_fixed_stars_stand_where_ephem_has_them(site: Site) -> None:
    ascension, declination, _ = ephemeris.bright_stars()
    brightest = ephemeris.star_position(
        ascension[0], declination[0], np.datetime64(MOMENT.replace(tzinfo=None)),
        site.latitude, site.longitude,
    )  # fmt: skip
    # 0.02 degrees: aberration, nutation and proper motion are left out
    assert brightest == pytest.approx(sirius(MOMENT, site), abs=0.02)


def test_the_milky_way_goes_through_its_core(site: Site) -> None:
    ascension, declination, core = ephemeris.galactic_plane()
    moment = np.datetime64("2026-07-15T15:00")
    found = ephemeris.star_position(
        ascension[0], declination[0], moment, site.latitude, site.longitude
    )
    expected = ephemeris.galactic_centre_position(moment, site.latitude, site.longitude)
    assert found == pytest.approx(expected, abs=0.15)  # Sgr A* lies 0.07 degrees off longitude 0
    assert core[0] == 2


@pytest.mark.parametrize("brightness", [19.0, 21.6])
def test_the_milky_way_is_drawn_under_a_dark_sky_only(night: DrawnScene, brightness: float) -> None:
    values = {**VALUES, "zenith_sky_brightness": brightness}
    summer = replace(night, at=datetime(2026, 7, 15, 15, tzinfo=UTC), values=values)
    assert bool(parts(summer, "milky-way")) == (brightness > 21)


@pytest.mark.parametrize(("gap", "below"), [(150.0, 13.5), (400.0, 36.0), (1500.0, 120.0)])
def test_the_sea_lies_as_far_below_as_its_top(night: DrawnScene, gap: float, below: float) -> None:
    sea = replace(night, kind="sea", values={**VALUES, "gap_to_deck": gap})
    deck = parts(sea, "deck")[0]
    assert float(deck.get("y")) - LEVEL_OF_SEA == pytest.approx(below, abs=0.1)  # 0.09 px a metre
    assert float(deck.get("height")) == pytest.approx(HEIGHT - float(deck.get("y")), abs=0.1)


def test_summits_rise_from_the_sea_where_the_ground_is_higher_than_its_top(
    night: DrawnScene,
) -> None:
    site = replace(night.site, elevation=2000.0, valley_heights=(800.0, 1000.0, 1400.0, 1700.0))
    assert summits(site, 800.0) == (0.5, 0.625)  # two of four, the highest 500 of 800 m
    assert summits(site, 200.0) == (0.0, 0.0)
    low, high = (
        replace(night, kind="sea", site=site, values={**VALUES, "gap_to_deck": gap})
        for gap in (200.0, 800.0)
    )
    assert not parts(low, "summit")
    drawn = parts(high, "summit")
    assert len(drawn) == 3
    tops = [min(float(p.split()[1]) for p in each.get("d").strip("Mz").split("V")[0].split("L"))
            for each in drawn]  # fmt: skip
    assert min(tops) > LEVEL_OF_SEA  # none is higher than the site


def test_lit_cloud_has_the_colour_and_the_share_of_the_light_path(night: DrawnScene) -> None:
    glow = replace(night, kind="sunset_glow", sun=(-1.0, 245.0), azimuth=245.0)
    lit, grey = parts(glow, "lit"), parts(glow, "cloud")
    assert {each.get("fill") for each in lit} == {"#ff734c"}  # 1, .45, .3
    assert len(lit) / (len(lit) + len(grey)) == pytest.approx(0.6, abs=0.02)
    assert len(lit) + len(grey) == pytest.approx(0.7 * 84, abs=1)


def test_a_poor_chance_is_drawn_plain(night: DrawnScene) -> None:
    glow = replace(night, kind="sunset_glow", sun=(-1.0, 245.0), azimuth=245.0, plain=True)
    assert not parts(glow, "lit")
    assert not parts(replace(night, kind="snowfall", plain=True), "flakes")
    assert not parts(replace(night, kind="rime", plain=True), "rime")


def test_snow_is_as_deep_on_the_roofs_as_forecast(night: DrawnScene) -> None:
    cover = replace(night, kind="snow_cover", sun=(20.0, 150.0))
    caps = parts(cover, "snow-depth")
    assert len(caps) == 5
    assert all("v-20L" in cap.get("d") for cap in caps)  # 0.1 m, 2 px a centimetre


def test_more_snow_has_more_flakes(night: DrawnScene) -> None:
    def flakes(snow: float) -> int:
        drawn = replace(night, kind="snowfall", values={**VALUES, "new_snow": snow})
        return sum(len(starts(path)) for path in parts(drawn, "flakes"))

    assert flakes(0.02) == pytest.approx(90, abs=2)  # 45 a centimetre
    assert flakes(0.06) == pytest.approx(270, abs=2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_small_the_same_each_time_and_says_what_it_draws(
    night: DrawnScene, kind: str, config: Config
) -> None:
    drawn = replace(night, kind=kind)
    for language in LANGUAGES:
        made = str(scene(drawn, Words(language, config.zone)))
        assert made == str(scene(drawn, Words(language, config.zone)))
        assert len(gzip.compress(made.encode())) < 12_000
        label = ElementTree.fromstring(made).get("aria-label")
        assert label
        assert "{" not in label
        assert " style=" not in made
        assert "<style" not in made


def test_ids_of_two_scenes_on_a_page_differ(night: DrawnScene) -> None:
    one, other = (ElementTree.fromstring(str(scene(night, prefix=p))) for p in ("a", "b"))
    ids = [{each.get("id") for each in tree.iter() if each.get("id")} for tree in (one, other)]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_each_known_forecast_of_a_bulletin_has_its_scene() -> None:
    for entry in sample_bulletin().entries:
        drawn = scene_of(entry)
        assert (drawn is not None) == entry.forecast.known
        if drawn is not None:
            assert drawn.plain == (entry.forecast.grade < 3 or as_usual(entry.forecast))
            assert "nan" not in str(scene(drawn)).lower()


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0xF2, 0x70, 0x2F), "orange"), ((0xC8, 0x20, 0x20), "red"), ((0xF5, 0xC8, 0x60), "gold"),
        ((0xE0, 0x70, 0xC0), "pink"), ((0x80, 0x60, 0xC0), "violet"), ((0x87, 0x7A, 0x7F), "grey"),
        ((0xC8, 0x20, 0x30), "red"),
    ],
)  # fmt: skip
def test_a_reader_who_does_not_see_the_colour_is_told_its_name(
    colour: tuple[int, int, int], name: str
) -> None:
    assert hue_of(colour) == name
