"""Does a number that is rounded for the public still say what its grade, class and hazard say?"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from forecast.domain import Cycle, Reason, RunForecasts
from forecast.quantities import grade_of, published_probability
from forecast.science.snowfall import snow_class
from forecast.settings import CHANNELS
from models.blending import blend
from products.channels import render
from products.composition import Supplement, compose
from products.units import UNITS, beaufort, reported_visibility, rounded
from products.wording import THIN_SPACE, Words
from tests.e2e.sample_bulletin import ATTRIBUTION, sample_config, sample_parts

GRADES = (0.10, 0.30, 0.50, 0.70)
ZONE = ZoneInfo("Asia/Shanghai")
ZH, EN = Words("zh", ZONE), Words("en", ZONE)
# just below where grades 2 to 5 begin: each rounds to the whole percent at which the grade begins
BORDER = (0.0951, 0.2951, 0.4951, 0.6951)


def plain(text: str) -> str:
    return text.replace(THIN_SPACE, " ")


@pytest.mark.parametrize("grades", [GRADES, (0.125, 0.333, 0.5, 0.9)])
def test_no_probability_reads_as_a_percentage_of_another_grade(grades: Sequence[float]) -> None:
    for thousandth in range(100_001):
        probability = thousandth / 100_000
        shown = ZH.percent(published_probability(probability))
        grade = grade_of(published_probability(probability), grades)

        assert shown == ZH.percent(probability)
        if re.fullmatch(r"\d+%", shown):  # graded by hand from what a reader sees
            assert grade == 1 + sum(int(shown[:-1]) >= 100 * least - 1e-9 for least in grades)


def test_a_published_probability_is_never_nothing_or_all() -> None:
    assert published_probability(0.004) == 0.004
    assert published_probability(0.997) == 0.997
    assert math.isnan(published_probability(math.nan))
    assert [published_probability(p) for p in BORDER] == [0.10, 0.30, 0.50, 0.70]


def test_a_blended_forecast_is_rounded_before_it_is_graded_archived_and_verified() -> None:
    _, forecasts, features, _ = sample_parts(sample_config())
    made = tuple(replace(f, probability=BORDER[k % 4], states={}) for k, f in enumerate(forecasts))
    run = RunForecasts(Cycle(datetime(2026, 11, 22, tzinfo=UTC)), features, made)

    issued = blend([run], {}, {}, GRADES)

    assert {(f.probability, f.grade) for f in issued} == {(0.1, 2), (0.3, 3), (0.5, 4), (0.7, 5)}
    assert {run.probability for f in issued for run in f.contributing_runs} == set(BORDER)


def test_percent_stars_and_words_agree_in_every_channel() -> None:
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)
    # as an archive of an older version may hold them: not rounded, and graded before
    made = [
        replace(f, probability=BORDER[k % 4], grade=1 + k % 4, states={})
        for k, f in enumerate(forecasts)
    ]

    bulletin = compose(issue, made, features, almanacs, config, Supplement(ATTRIBUTION))
    pages = {p.path: str(p.body) for channel in CHANNELS for p in render(bulletin, channel)}

    for f in json.loads(pages["api/v1/forecasts.json"])["forecasts"]:
        assert f["grade"] == grade_of(f["probability"], GRADES)
        assert (f["probability"], f["grade"]) in {(0.1, 2), (0.3, 3), (0.5, 4), (0.7, 5)}
    stars = {10: 2, 30: 3, 50: 4, 70: 5}
    for path, page in pages.items():
        chances = re.findall(r">(\d+)%<[^★☆]{0,120}?(★+)☆*", page)
        assert all(len(shown) == stars[int(percent)] for percent, shown in chances), path
    assert re.search(r">70%<[^★☆]{0,120}?★{5}", pages["index.html"])
    assert "可能性大<" in pages["index.html"]


@pytest.mark.parametrize(
    ("metres", "zh", "en"),
    [
        (12.5, "不足50米", "less than 50 m"),  # never "0 km"
        (0.0, "不足50米", "less than 50 m"),
        (60.0, "约50米", "about 50 m"),
        (180.0, "约200米", "about 200 m"),
        (216.0, "约200米", "about 200 m"),
        (480.0, "不足500米", "less than 500 m"),  # dense fog, below 500 m: GB/T 27964
        (510.0, "约500米", "about 500 m"),
        (940.0, "约900米", "about 900 m"),
        (960.0, "约1公里", "about 1 km"),
        (2340.0, "约2.3公里", "about 2.3 km"),
        (24_100.0, "约24公里", "about 24 km"),
    ],
)
def test_a_visibility_is_about_so_much_and_never_nothing(metres: float, zh: str, en: str) -> None:
    assert ZH.public("visibility", metres) == ZH.quantity("visibility", metres) == zh
    assert plain(EN.public("visibility", metres)) == en


@pytest.mark.parametrize(
    ("metres", "shown"),
    # ICAO Annex 3, appendix 3, 4.2.4.1: steps of 50 m below 800 m, 100 m below 5 km, else 1 km,
    # rounded down
    [
        (12.5, "不足50米"), (149.0, "100米"), (180.0, "150米"), (799.0, "750米"),
        (890.0, "800米"), (1000.0, "1公里"), (4960.0, "4.9公里"), (9999.0, "9公里"),
        (22_000.0, "22公里"),
    ],
)  # fmt: skip
def test_a_measured_visibility_is_rounded_down_to_the_step_in_which_it_is_reported(
    metres: float, shown: str
) -> None:
    assert ZH.number(reported_visibility(metres)) == shown


@pytest.mark.parametrize(
    ("feature", "value", "shown"),
    [
        ("snow_water", 7.6, "约8毫米"),
        ("snow_water", 0.4, "不足1毫米"),
        ("snow_water", 10.4, "约10毫米"),
        # GB/T 28592, a day: moderate snow up to 4.9 mm, heavy from 5.0, a snowstorm from 10.0
        ("snow_water", 9.6, "约9.6毫米"),
        ("snow_water", 4.7, "约4.7毫米"),
        ("snow_water", 4.96, "约5毫米"),
        ("snow_water", 9.94, "约9.9毫米"),
        ("snow_water", 9.96, "约10毫米"),
        ("new_snow", 0.093, "约9厘米"),
        ("new_snow", 0.004, "不足1厘米"),
        ("gust", 17.2, "8级"),  # GB/T 28591: force 8 from 17.2 m/s
        ("gap_to_deck", 312.0, "约310米"),
        ("obstacle_distance", 310_400.0, "约310公里"),
        ("temperature_minimum", 272.9, "略低于0 ℃"),  # icy roads at "0 ℃" would contradict itself
        ("temperature_minimum", 268.2, "−5 ℃"),
    ],
)
def test_an_amount_is_rounded_in_a_sentence(feature: str, value: float, shown: str) -> None:
    assert plain(ZH.public(feature, value)) == shown


@pytest.mark.parametrize("tenths", range(10, 350))
def test_the_class_of_a_snowfall_is_that_of_the_amount_beside_it(tenths: int) -> None:
    for value in (tenths / 10 - 0.04, tenths / 10, tenths / 10 + 0.04):
        found = rounded("snow", value)
        assert found is not None
        for number in (found.number, UNITS["snow"].text(value)):
            assert found.bound == "below" or snow_class(float(number)) == snow_class(value)


@pytest.mark.parametrize(("cover", "sides"), [(0.296, ""), (0.304, "")])
def test_one_percentage_is_not_called_both_little_and_much(cover: float, sides: str) -> None:
    # both are shown as 30 %, from which cloud above a site is much (wording.TURNS)
    assert ZH.reason(Reason("cloud_above_site", cover, -1.0)) == "景点上方云多，30%"
    assert ZH.reason(Reason("cloud_above_site", cover, 1.0)) == sides


def test_the_force_of_a_wind_is_that_of_the_speed_shown_beside_it() -> None:
    # 17.16 m/s is shown as 17.2 m/s, which is force 8 (GB/T 28591)
    assert beaufort(17.16) == 8
    assert plain(ZH.quantity("gust", 17.16)) == "8级（17.2 m/s）"
    assert rounded("ions", 1.0) is None


@pytest.mark.parametrize(
    ("direction", "speed", "zh", "en"),
    [
        (315.0, 4.6, "西北风3级", "north-west wind, force 3"),
        (300.0, 4.6, "西北风3级", "north-west wind, force 3"),  # 292.5 to 337.5 degrees
        (292.0, 8.0, "西风5级", "west wind, force 5"),
        (359.0, 10.8, "北风6级", "north wind, force 6"),
        (None, 4.6, "3级", "force 3"),
        (90.0, 0.2, "静风", "calm"),
    ],
)
def test_a_wind_is_one_of_eight_directions_and_a_force(
    direction: float | None, speed: float, zh: str, en: str
) -> None:
    assert ZH.wind(speed, direction) == zh
    assert EN.wind(speed, direction) == en


def test_a_grade_that_begins_at_no_whole_percent_is_shown_where_it_begins() -> None:
    assert ZH.threshold(0.125) == "12.5%"
    assert ZH.threshold(0.3) == "30%"
