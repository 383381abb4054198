"""Do numbers and times become the words a reader expects?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import nan
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from forecast.config import read_config
from forecast.domain import Cycle, Event, Forecast, Name, Reason, Window
from forecast.errors import ConfigError
from products.wording import THIN_SPACE, Words, beaufort, read_words

BEIJING = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 22)


@pytest.fixture
def zh() -> Words:
    return Words("zh", BEIJING)


@pytest.fixture
def en() -> Words:
    return Words("en", BEIJING)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_a_missing_word_is_an_error_that_says_where_to_add_it(zh: Words) -> None:
    with pytest.raises(ConfigError, match=r"text/zh\.yaml: no words for 'grade\.9'"):
        zh("grade.9")


def test_a_blank_left_open_is_an_error(zh: Words) -> None:
    with pytest.raises(ConfigError, match=r"unit\.metre"):
        zh("unit.metre")


def test_a_value_that_looks_like_a_blank_is_printed_as_it_is(zh: Words) -> None:
    assert zh("page.title", title="{number.__class__}", district="x") == "{number.__class__}·x"


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (0.0, "<1%"),
        (0.0099, "<1%"),
        (0.01, "1%"),
        (0.725, "72%"),
        (0.99, "99%"),
        (1.0, ">99%"),
        (nan, "—"),
    ],
)
def test_a_chance_is_never_a_flat_zero_or_hundred(
    zh: Words, probability: float, shown: str
) -> None:
    assert zh.percent(probability) == shown


@pytest.mark.parametrize(
    ("feature", "value", "shown"),
    [
        # 0 degC is 273.15 K
        ("temperature_at_site", 263.15, f"\N{MINUS SIGN}10{THIN_SPACE}\u2103"),
        ("temperature_at_site", 273.0, f"0{THIN_SPACE}\u2103"),  # never a negative zero
        ("new_snow", 0.093, f"9.3{THIN_SPACE}cm"),
        ("new_snow", 0.12, f"12{THIN_SPACE}cm"),
        ("obstacle_distance", 310_400.0, f"310{THIN_SPACE}km"),
        ("visibility", 180.0, "约200米"),
        ("gust", 17.2, f"8级（17.2{THIN_SPACE}m/s）"),  # GB/T 28591: force 8 begins at 17.2 m/s
        ("sun_azimuth", 243.6, "西偏南（244°）"),
        ("valley_humidity_trend", 0.10 / 3600 / 5, "每小时2.0个百分点"),  # 10 % in five hours
    ],
)
def test_a_quantity_leaves_si_in_the_unit_of_its_words(
    zh: Words, feature: str, value: float, shown: str
) -> None:
    assert zh.quantity(feature, value) == shown


@pytest.mark.parametrize(
    ("speed", "force"),
    # Lower and upper ends of the Beaufort scale's steps [m/s], GB/T 28591-2012 table 1.
    [(0.2, 0), (0.3, 1), (1.5, 1), (1.6, 2), (3.3, 2), (5.5, 4), (7.9, 4), (8.0, 5), (10.7, 5),
     (10.8, 6), (13.9, 7), (17.1, 7), (17.2, 8),
     (20.7, 8), (24.4, 9), (28.4, 10), (32.6, 11), (32.7, 12)],
)  # fmt: skip
def test_wind_force_is_that_of_the_national_scale(speed: float, force: int) -> None:
    assert beaufort(speed) == force


def test_a_night_that_runs_past_midnight_says_so_once(zh: Words, en: Words) -> None:
    night = Window(utc(22, 14), utc(22, 20, 30))

    assert zh.window(night, DAY) == "22:00–次日04:30"
    assert en.window(night, DAY) == "22:00–04:30 next day"


def test_a_window_wholly_after_midnight_belongs_to_the_night_before(zh: Words, en: Words) -> None:
    assert zh.window(Window(utc(22, 17), utc(22, 20)), DAY) == "次日01:00–04:00"
    assert en.window(Window(utc(22, 17), utc(22, 20)), DAY) == "01:00–04:00 next day"


def test_without_a_best_window_no_clock_time_is_shown_but_the_part_of_the_day(zh: Words) -> None:
    site = read_config().all_sites()[0]
    dawn = Event("sunrise_glow", site, DAY, Window(utc(21, 22, 30), utc(21, 23, 20)))
    whole_day = Event("snow_cover", site, DAY, Window(utc(21, 16), utc(22, 16)))

    shown = [
        zh.best(Forecast(event, Cycle(utc(21, 0)), utc(21, 4), 0.02, 1, "rule"))
        for event in (dawn, whole_day)
    ]

    assert shown == ["清晨", "白天"]


def test_a_time_is_shown_to_the_nearest_minute(zh: Words) -> None:
    assert zh.clock(datetime(2026, 11, 21, 23, 9, 31, tzinfo=UTC), DAY) == "07:10"


@pytest.mark.parametrize(
    ("azimuth", "shown"),
    [
        (0, "north"),
        (359, "north"),
        (11.2, "north"),
        (11.3, "north-north-east"),
        (243.6, "west-south-west"),
        (270, "west"),
    ],
)
def test_the_compass_has_sixteen_points(en: Words, azimuth: float, shown: str) -> None:
    assert en.compass(azimuth) == shown


@pytest.mark.parametrize(
    ("value", "effect", "shown"),
    [
        (310.0, 1.0, "云顶低于景点约310米，可俯瞰云海"),
        (-240.0, -1.0, "云顶高出景点约240米，景点处于云中或云下"),
    ],
)
def test_a_reason_speaks_of_the_side_on_which_its_value_lies(
    zh: Words, value: float, effect: float, shown: str
) -> None:
    assert zh.reason(Reason("gap_to_deck", value, effect)).replace(THIN_SPACE, " ") == shown


@pytest.mark.parametrize(
    ("feature", "value", "effect", "phenomenon", "shown"),
    [
        ("cloud_at_site", 0.0, -1.0, "rime", "景点不在云中，云量0%"),
        # no cloud at the site cannot speak against a sunrise
        ("cloud_at_site", 0.0, -1.0, "sunrise", ""),
        ("cloud_at_site", 1.0, -1.0, "sunrise", "景点高度云量100%，人可能在云中"),
        ("cloud_at_site", 1.0, 1.0, "rime", "景点在云中，云量100%"),
        ("cloud_above_site", 0.0, -1.0, "sea_of_clouds", ""),
        ("cloud_above_site", 0.9, 1.0, "sea_of_clouds", ""),
        ("canvas_light", 0.0, -1.0, "sunset_glow", "阳光被云遮挡，霞光难以形成"),
        ("disk_transmission", 0.001, -1.0, "sunrise", "太阳被云遮挡"),
        ("new_snow", 0.0, -1.0, "snowfall", "预计无新增积雪"),
        ("snow_depth", 0.0, -1.0, "snow_cover", "地面无积雪"),
        # rain or snow: which is not known
        ("rain_before", 6.9, 1.0, "sea_of_clouds", "前24小时降水约7毫米，水汽较充足"),
        ("rain_before", 0.0, -1.0, "sea_of_clouds", "前24小时无降水，谷中缺少水汽"),
        ("precipitation", 0.0, -1.0, "starry_sky", ""),
        ("zenith_sky_brightness", 21.5, -0.1, "starry_sky", ""),
        ("dark_sky_share", 0.32, -1.6, "starry_sky", "受月光影响，夜间足够暗的时段仅占32%"),
        # the zenith says it
        ("dark_sky_share", 0.0, -2.0, "starry_sky", ""),
    ],
)
def test_a_reason_fits_its_value_its_sign_and_its_phenomenon(
    zh: Words, feature: str, value: float, effect: float, phenomenon: str, shown: str
) -> None:
    assert zh.reason(Reason(feature, value, effect), phenomenon).replace(THIN_SPACE, " ") == shown


def test_a_sky_that_the_moon_lights_is_worded_as_moonlight(zh: Words) -> None:
    reason = Reason("zenith_sky_brightness", 18.4, -5.0)

    assert (
        zh.reason(reason, "starry_sky", {"moon_illumination": 0.94, "moon_altitude": 40.0})
        == "月光明亮（月面94%），只见亮星"
    )
    assert "月光" not in zh.reason(
        reason, "starry_sky", {"moon_illumination": 0.94, "moon_altitude": -5.0}
    )


def test_stations_are_listed_as_names_are_and_one_without_a_name_by_its_number(
    zh: Words, en: Words
) -> None:
    names = {"A1201": Name("灵山站", "Lingshan"), "A1202": Name("百花山站", "Baihuashan")}

    assert zh.stations(("A1201", "A1202", "54511"), names) == "灵山站、百花山站、54511"
    assert en.stations(("A1201", "A1202", "54511"), names) == "Lingshan, Baihuashan, 54511"


def test_a_site_that_bears_the_name_of_its_phenomenon_is_named_once(zh: Words) -> None:
    sites = {site.id: site for site in read_config().all_sites()}

    assert zh.spot(sites["jinding"], "sea_of_clouds") == "金顶云海"
    assert zh.spot(sites["jinding"], "sunrise") == "金顶日出"
    # a site whose only name is that of its landscape
    branded = replace(sites["jinding"], name=sites["jinding"].title)
    assert zh.spot(branded, "sea_of_clouds") == "金顶云海"
    assert zh.spot(branded, "sunrise") == "金顶云海·日出"


def test_a_cloud_top_above_the_site_is_named_as_such(zh: Words) -> None:
    label, value = zh.labelled("gap_to_deck", -572.0)

    assert (label, value.replace(THIN_SPACE, " ")) == ("云顶高出景点", "572 m")


def test_another_zone_is_not_called_beijing_time(zh: Words) -> None:
    abroad = Words("zh", ZoneInfo("Europe/Warsaw"))

    assert "北京时间" in zh("almanac.caption")
    assert "当地时间" in abroad("almanac.caption")
    assert "北京时间" not in abroad("wechat.hello", days=2)


def test_only_unbroken_runs_of_days_are_written_as_a_range(zh: Words) -> None:
    days = [
        date(2026, 11, 29),
        date(2026, 11, 22),
        date(2026, 11, 23),
        date(2026, 11, 30),
        date(2026, 12, 1),
    ]

    assert zh.days(days) == "11月22日至23日、11月29日至12月1日"


def test_the_part_of_the_light_path_outside_the_data_is_named(zh: Words) -> None:
    assert zh.missing("light_path", {"light_path_coverage": 0.62}) == "光路有38%在资料范围之外"


@pytest.mark.parametrize(
    "name",
    [
        "field:visibility_in_air",
        "field:made_up",
        "feature:gust",
        "feature:made_up",
        "made_up",
        "a:b",
    ],
)
def test_no_missing_id_is_hidden_or_stops_a_page(zh: Words, en: Words, name: str) -> None:
    for words in (zh, en):
        assert words.missing(name)


def test_words_that_are_no_words_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "zh.yaml").write_text("grade:\n  five: 5\n", encoding="utf-8")

    with pytest.raises(ConfigError, match=r"grade\.five"):
        read_words("zh", tmp_path)


def test_a_table_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="zh"):
        read_words("zh", tmp_path)


HELSINKI = ZoneInfo("Europe/Helsinki")


def test_the_repeated_hour_of_autumn_is_told_apart() -> None:
    # 25 October 2026: at 4:00 summer time the clock goes back to 3:00 (tz database)
    words = Words("en", HELSINKI)
    first, second = (datetime(2026, 10, 25, hour, 40, tzinfo=UTC) for hour in (0, 1))

    assert words.clock(first) == "03:40 (UTC+3)"
    assert words.clock(second) == "03:40 (UTC+2)"
    window = words.window(Window(first, second - timedelta(minutes=20)), date(2026, 10, 25))
    assert window == "03:40 (UTC+3)\N{EN DASH}03:20 (UTC+2)"
    assert "UTC+2" in words.stamp(second)
    assert words.clock(second + timedelta(hours=1)) == "04:40"


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Shanghai", date(2026, 11, 22), 24),
        ("Europe/Helsinki", date(2026, 3, 29), 23),
        ("Europe/Helsinki", date(2026, 10, 25), 25),
    ],
)
def test_a_whole_day_is_called_so(zone: str, day: date, hours: int) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    whole = Window(start, start + timedelta(hours=hours))

    assert Words("zh", ZoneInfo(zone)).window(whole, day) == "全天"
    assert Words("en", ZoneInfo(zone)).window(whole, day) == "all day"
    shorter = Window(start, start + timedelta(hours=hours - 1))
    assert "23:00" in Words("en", ZoneInfo(zone)).window(shorter, day)
