"""Are current observations shown with their time, and never when old or doubtful? Values by hand
arithmetic.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.config import Config, build_config, default_path
from forecast.domain import DOUBTFUL, CurrentObservations, Name, Observation
from forecast.observations.current import latest
from products.channels import render
from products.pages.current_observations import FILE, document
from products.pages.templating import TEMPLATES
from products.pages.tiles import (
    LEVEL,
    first_of_each,
    labelled_values,
    level,
    place,
    tiles_of,
    time_of_observation,
    trend_of,
)
from products.publish import Publisher
from products.wording import THIN_SPACE, Words
from tests import synthetic
from tests.e2e.look_at_screens import bulletin
from tests.station_data import STATIONS, current_observations, silent, with_stations

NOW = synthetic.ISSUED  # 16:10 in Beijing
IONS = "negative_oxygen_ions"


@pytest.fixture(scope="module")
def stations(config: Config) -> Config:
    return with_stations(config)


def words(config: Config, language: str = "zh") -> Words:
    return Words(language, config.zone)


def of_lingshan(config: Config, reports: tuple[CurrentObservations, ...]) -> Any:
    return tiles_of(config.all_sites()[0], reports, config.observations, NOW)


def found(tile: Any, speaker: Words) -> dict[str, str]:
    return {
        each.id: each.current_text.replace(THIN_SPACE, " ")
        for each in labelled_values(tile, speaker)
        if each.text
    }


@pytest.mark.parametrize(
    ("ions", "reports"),
    # cut-points 500, 1000, 1500, 2000, 3000 cm-3; 1 cm-3 is 1e6 m-3
    [
        (0.0, 1),
        (499.4e6, 1),  # shown as 499
        (499.6e6, 2),  # shown as 500
        (500e6, 2),
        (999e6, 2),
        (1000e6, 3),
        (1500e6, 4),
        (2000e6, 5),
        (2999.4e6, 5),
        (2999.9e6, 6),  # shown as 3000
        (3000e6, 6),
        (9e10, 6),
    ],
)
def test_a_class_of_ions_begins_at_its_cut_point(ions: float, reports: int) -> None:
    assert level(ions, (500, 1000, 1500, 2000, 3000)) == reports


def test_the_cut_points_are_settings(stations: Config) -> None:
    two = stations.model_copy(
        update={
            "observations": stations.observations.model_copy(
                update={"ion_classes": (1200.0, 5000.0)}
            )
        }
    )

    tile, _ = of_lingshan(two, current_observations(two, NOW))

    assert found(tile, words(two))[LEVEL] == "2级（共3级）"  # 2340 lies between 1200 and 5000


def test_values_are_shown_in_the_reader_s_units_with_place_and_time(stations: Config) -> None:
    ions, weather = of_lingshan(stations, current_observations(stations, NOW))
    zh, en = words(stations), words(stations, "en")

    # 2.34e9 m-3 / 1e6; 270.35 K - 273.15 = -2.8; 4.6 m/s is force 3: (4.6 / .836) ** (2/3) = 3.1;
    # 1.8e-8 kg = 18 ug
    assert found(ions, zh) == {
        IONS: "2340 个/cm³",
        LEVEL: "5级（共6级）",
        "mass_concentration_of_pm2p5": "18 μg/m³",
    }
    assert found(weather, zh) == {
        "air_temperature": "−3 ℃", "comfort": "寒冷", "relative_humidity": "62%",
        "wind_speed": "西北风3级",
        "visibility_in_air": "22公里",
    }  # fmt: skip
    assert found(weather, en)["wind_speed"] == "north-west wind, force 3"
    assert place(weather, zh).replace(THIN_SPACE, " ") == "灵山站·海拔2280米"
    assert time_of_observation(weather, zh).current_text == "11月22日16时00分观测"


def test_an_old_value_gives_way_to_since_when_there_is_none(stations: Config) -> None:
    limit = timedelta(minutes=stations.observations.old_minutes)
    for age, fresh in ((limit, True), (limit + timedelta(seconds=1), False)):
        _, weather = of_lingshan(stations, current_observations(stations, NOW, age))

        assert weather.fresh is fresh
        assert ("℃" in found(weather, words(stations))["air_temperature"]) is fresh
        assert time_of_observation(weather, words(stations)).current_text == (
            "11月22日14时40分观测" if fresh else "自11月22日14时39分起无数据"
        )


def test_one_element_that_fell_silent_is_marked_apart_from_the_others(stations: Config) -> None:
    reports = current_observations(stations, NOW)[0]
    visibility = {"visibility_in_air": (NOW - timedelta(hours=5), 800.0)}
    (weather,) = of_lingshan(stations, (replace(reports, newest={**reports.newest, **visibility}),))

    assert found(weather, words(stations))["visibility_in_air"] == "自11月22日11时10分起无数据"
    assert found(weather, words(stations))["relative_humidity"] == "62%"


def test_a_station_that_never_reported_is_named_as_such_and_one_with_doubtful_values_only_too(
    stations: Config,
) -> None:
    _, never = of_lingshan(stations, silent(stations))
    _, doubtful = of_lingshan(
        stations, tuple(replace(each, last_report=NOW) for each in silent(stations))
    )

    assert time_of_observation(never, words(stations)).current_text == "尚无数据"
    assert time_of_observation(doubtful, words(stations)).current_text == "数据待核"


def test_a_doubtful_value_is_not_shown_to_visitors(stations: Config, tmp_path: Path) -> None:
    archive = Archive(f"sqlite:///{tmp_path / 'archive.db'}")
    values = {"air_temperature": 300.0, "relative_humidity": 0.5}
    Observations(archive).keep(
        [Observation("A1201", NOW, values, {"air_temperature": DOUBTFUL})], NOW
    )

    _, weather = of_lingshan(stations, latest(archive, stations.observations, stations.zone, NOW))

    assert found(weather, words(stations)) == {"relative_humidity": "50%"}


def test_a_calm_has_no_direction(stations: Config) -> None:
    reports = current_observations(stations, NOW)[0]
    (weather,) = of_lingshan(
        stations,
        (
            replace(
                reports,
                newest={**reports.newest, "wind_speed": (reports.newest["wind_speed"][0], 0.2)},
            ),
        ),
    )

    assert found(weather, words(stations))["wind_speed"] == "静风"


def test_a_weather_station_that_measures_ions_has_a_tile_of_each(stations: Config) -> None:
    reports = current_observations(stations, NOW)[0]
    both = of_lingshan(stations, (replace(reports, newest={**reports.newest, IONS: (NOW, 6e8)}),))

    assert [tile.kind for tile in both] == ["ion", "weather"]
    assert list(found(both[0], words(stations))) == [IONS, LEVEL]


def test_on_a_small_screen_the_first_fresh_tile_of_each_kind_is_shown(stations: Config) -> None:
    fresh, old = (
        of_lingshan(stations, current_observations(stations, NOW)),
        of_lingshan(stations, current_observations(stations, NOW, timedelta(hours=9))),
    )

    assert first_of_each((old[0], fresh[0], *fresh[1:])) == (fresh[0], fresh[1])
    assert first_of_each(old) == old


def test_the_curve_of_a_day_breaks_where_hours_are_missing(stations: Config) -> None:
    ions, _ = of_lingshan(stations, current_observations(stations, NOW))

    curve = trend_of(ions, words(stations))

    assert curve is not None
    # two hours are missing in the middle of the day that was made up
    assert curve.path.count("M") == 2
    low, high = (min(v for _, v in ions.trend), max(v for _, v in ions.trend))
    span = f"最低{low / 1e6:.0f} 个/cm³，最高{high / 1e6:.0f} 个/cm³"
    assert curve.text.replace(THIN_SPACE, " ") == f"近24小时负氧离子浓度（小时平均）：{span}"
    assert trend_of(replace(ions, trend=ions.trend[:1]), words(stations)) is None


def heights(path: str) -> list[float]:
    return [float(y) for y in re.findall(r"[ML][\d.-]+[ ,]([\d.-]+)", path)]


def test_the_weather_s_curve_is_of_temperature_and_keeps_to_its_own_range(stations: Config) -> None:
    reports = current_observations(stations, NOW)[0]
    hours = [NOW.replace(minute=0) - timedelta(hours=k) for k in (3, 2, 1, 0)]

    def curve(*kelvin: float) -> Any:
        (weather,) = of_lingshan(
            stations,
            (replace(reports, hourly={"air_temperature": tuple(zip(hours, kelvin, strict=True))}),),
        )
        return trend_of(weather, words(stations, "en"))

    # 263.15 K is -10, 273.15 K is 0 degrees: from 8 px above the sheet's lower edge (48) to 4 px
    # below the upper
    swing, even = curve(263.15, 268.15, 273.15, 268.15), curve(270.15, 271.15, 270.15, 271.15)

    assert (
        swing.text.replace(THIN_SPACE, " ")
        == "Temperature, last 24 hours (hourly means): lowest −10 °C, highest 0 °C"
    )
    assert heights(swing.path) == pytest.approx([40, 22, 4, 22], abs=0.1)
    # one degree of the five that a curve spans at least: 36 px / 5 = 7.2 px, about the middle (22)
    assert heights(even.path) == pytest.approx([25.6, 18.4, 25.6, 18.4], abs=0.1)


def test_a_station_s_tiles_draw_each_its_own_element(stations: Config) -> None:
    weather, ions = current_observations(stations, NOW)[:2]
    both = replace(
        weather,
        newest={**weather.newest, IONS: (NOW, 6e8)},
        hourly={**weather.hourly, **ions.hourly},
    )
    of_ions, of_weather = of_lingshan(stations, (both,))

    assert (of_ions.trend, of_weather.trend) == (
        ions.hourly[IONS],
        weather.hourly["air_temperature"],
    )
    assert (
        trend_of(of_lingshan(stations, (replace(both, hourly=ions.hourly),))[1], words(stations))
        is None
    )


# -- pages and live.json


def written(config: Config, reports: tuple[CurrentObservations, ...]) -> dict[str, str]:
    made = [
        page
        for channel in ("web", "display")
        for page in render(bulletin(config, reports), channel)
    ]
    return {page.path: page.body for page in made if isinstance(page.body, str)}


@pytest.fixture(scope="module")
def site(stations: Config) -> dict[str, str]:
    """The pages with fresh values."""
    return written(stations, current_observations(stations, NOW))


def test_pages_screens_and_the_index_have_tiles_where_stations_belong_to_a_site_and_nowhere_else(
    site: dict[str, str],
) -> None:
    with_tiles = {path.removeprefix("en/") for path, page in site.items() if "data-tile" in page}
    theirs = {
        path
        for name in ("lingshan", "baihuashan")
        for path in (f"sites/{name}/index.html", f"display/{name}.html")
    }
    assert with_tiles == {"index.html", *theirs}
    assert "负氧离子" in site["display/lingshan.html"]
    assert "Negative oxygen ions" in site["display/lingshan.html"]  # beside it
    assert "GB/T 27963-2011" in site["sites/lingshan/index.html"]


def test_a_screen_names_the_station_that_is_taken_where_the_first_is_silent_and_draws_its_day(
    stations: Config,
) -> None:
    of_ions = current_observations(stations, NOW)[1]
    named = stations.model_dump(mode="json")
    other = {
        "id": "ION09",
        "name": {"zh": "灵山氧吧2号", "en": "Lingshan ions 2"},
        "elevation_m": 1900,
    }
    named["observations"]["stations"].append({**STATIONS[1], **other})
    named["sites"][0]["stations"].append("ION09")
    both = build_config(named, {}, str(default_path()))
    second = replace(
        of_ions, station=next(s for s in both.observations.stations if s.id == "ION09").as_station()
    )
    reports = (replace(of_ions, newest={}, hourly={}, last_report=None), second)

    screen = written(both, reports)["display/lingshan.html"].replace(THIN_SPACE, " ")

    assert "灵山氧吧2号·海拔1900米" in screen
    assert "灵山氧吧1号" not in screen
    assert re.search(r'class="trend-line" d="M[^"]{20}', screen)


def test_a_screen_names_the_owners_of_its_data(stations: Config) -> None:
    name = Name("© ECMWF，数据按 CC BY 4.0 许可发布", "© ECMWF, data under CC BY 4.0")
    made = replace(bulletin(stations), attributions=(name,))

    screens = {page.path: str(page.body) for page in render(made, "display")}

    assert name.zh in screens["display/lingshan.html"]
    assert name.en in screens["en/display/lingshan.html"]


def test_without_stations_no_page_knows_of_tiles(config: Config) -> None:
    assert {
        path
        for path, page in written(config, ()).items()
        if re.search(r"data-(tile|live)|live\.js", page)
    } == set()


def test_no_number_of_an_old_tile_stands_on_a_page(stations: Config) -> None:
    one = stations.model_copy(update={"sites": stations.sites[:1]})

    for path, page in written(one, current_observations(one, NOW, timedelta(hours=9))).items():
        shown = re.findall(r'data-reading="(?!observed)[^"]*"[^>]*>([^<]*)<', page)
        assert all("无数据" in text or "no data" in text or not text for text in shown), path


def test_its_schema_is_published_where_there_are_tiles(stations: Config, config: Config) -> None:
    paths = [
        {page.path for page in render(bulletin(c, reports), "api")}
        for c, reports in ((stations, current_observations(stations, NOW)), (config, ()))
    ]

    assert ["api/v1/live.schema.json" in each for each in paths] == [True, False]


def test_live_json_obeys_its_published_schema(stations: Config) -> None:
    schema = json.loads((TEMPLATES / "api" / "live.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)

    for reports in (
        current_observations(stations, NOW),
        current_observations(stations, NOW, timedelta(hours=9)),
        silent(stations),
        (),
    ):
        content = document(reports, stations, NOW)
        jsonschema.validate(content, schema, cls=jsonschema.Draft202012Validator)
        json.dumps(content, allow_nan=False)


def test_live_json_has_numbers_in_si_beside_the_words_of_the_page(
    stations: Config, site: dict[str, str]
) -> None:
    tiles = {
        tile["tile"]: tile
        for tile in document(current_observations(stations, NOW), stations, NOW)["tiles"]
    }
    page = site["sites/lingshan/index.html"]

    reading = tiles["lingshan/ION01/ion"]["readings"][0]
    assert (reading["id"], reading["value"], reading["unit"]) == (IONS, 2.34e9, "m-3")
    curves = [tiles[name]["trend"] for name in ("lingshan/ION01/ion", "lingshan/A1201/weather")]
    assert [(each["id"], each["unit"]) for each in curves] == [
        (IONS, "m-3"),
        ("air_temperature", "K"),
    ]
    assert all(f'd="{each["path"]}"' in page and each["text"]["zh"] in page for each in curves)
    assert set(re.findall(r'data-tile="([^"]+)"', page)) == {
        name for name in tiles if name.startswith("lingshan")
    }
    for tile in (tile for tile in tiles.values() if tile["site"] == "lingshan"):
        assert all(f'data-text="{reading["text"]["zh"]}"' in page for reading in tile["readings"])


def test_live_json_lies_beside_the_releases_and_is_swapped_whole(
    stations: Config, config: Config, tmp_path: Path
) -> None:
    def publisher(settings: Config) -> Publisher:
        return Publisher(
            settings.model_copy(
                update={"output": settings.output.model_copy(update={"folder": tmp_path / "site"})}
            )
        )

    assert publisher(config).publish_current_observations((), NOW) is False
    assert not (tmp_path / "site").exists()
    assert (
        publisher(stations).publish_current_observations(current_observations(stations, NOW), NOW)
        is True
    )
    before = (tmp_path / "site" / FILE).stat().st_ino
    assert (
        publisher(stations).publish_current_observations(
            silent(stations), NOW + timedelta(minutes=5)
        )
        is True
    )

    reports = json.loads((tmp_path / "site" / FILE).read_text(encoding="utf-8"))
    assert reports["made_at"] == "2026-11-22T08:15:00Z"
    # a new file under the old name, never a half-written one
    assert (tmp_path / "site" / FILE).stat().st_ino != before
    assert [path.name for path in (tmp_path / "site").iterdir()] == [FILE]
    # Stations that are taken out of the settings go from the file too.
    assert publisher(config).publish_current_observations((), NOW) is True
    assert json.loads((tmp_path / "site" / FILE).read_text(encoding="utf-8"))["tiles"] == []


def test_a_station_s_name_is_text_wherever_it_appears(stations: Config) -> None:
    hostile = '<script>alert(1)</script>" onload="x'
    first = stations.observations.stations[0]
    named = first.model_copy(
        update={"name": first.name.model_copy(update={"zh": hostile, "en": hostile})}
    )
    observations = stations.observations.model_copy(
        update={"stations": (named, *stations.observations.stations[1:])}
    )

    one = stations.model_copy(update={"observations": observations, "sites": stations.sites[:1]})

    assert [
        path
        for path, page in written(one, current_observations(one, NOW)).items()
        if "<script>alert" in page or ' onload="' in page
    ] == []
