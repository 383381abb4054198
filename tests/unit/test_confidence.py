"""Is it shown how sure a forecast is, and said where it knows no more than the season?"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from math import nan
from pathlib import Path

import pytest

from forecast.domain import Forecast, Reason, Spread
from forecast.phenomena.stars import FEW_CLOUDS
from forecast.settings import PhenomenonSettings
from products.bulletin import Bulletin
from products.channels import render
from products.channels.api import document
from products.charts import probability_strip
from products.composition import Supplement, compose
from products.confidence import DISCOUNT, as_usual, weighed
from products.pages.phrases import Phrases
from products.pages.renderer import PageRenderer
from products.wording import THIN_SPACE
from tests.e2e.sample_bulletin import (
    ATTRIBUTION,
    USUAL,
    sample_bulletin,
    sample_config,
    sample_parts,
)

Key = tuple[str, str, str]
LINGSHAN_RIME = ("lingshan", "rime", "2026-11-27")  # 7 %, usual 8 %, low confidence
NEAR, FAR = "2026-11-23", "2026-11-24"


@pytest.fixture(scope="module")
def bulletin() -> Bulletin:
    return sample_bulletin()


@lru_cache(1)
def pages() -> dict[str, str]:
    made = sample_bulletin()
    return {
        page.path: str(page.body).replace(THIN_SPACE, " ")
        for channel in ("web", "display", "wechat")
        for page in render(made, channel)
    }


def forecast_of(bulletin: Bulletin, key: Key) -> Forecast:
    return next(e.forecast for e in bulletin.entries if e.forecast.event.key == key)


def composed(chances: dict[Key, tuple[float, int]], usual: float = nan) -> Bulletin:
    """Return the sample with these (probability, confidence) alone known, without hazards."""
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)
    changed = []
    for f in forecasts:
        probability, confidence = chances.get(f.event.key, (nan, 0))
        changed.append(
            replace(f, probability=probability, grade=0, confidence=confidence, usual=usual)
        )
    quiet = replace(features, weather={})
    return compose(issue, changed, quiet, almanacs, config, Supplement(ATTRIBUTION))


def best_keys(bulletin: Bulletin) -> Sequence[Key]:
    return [entry.forecast.event.key for entry in bulletin.best]


# -- as usual, and how forecasts compete


@pytest.mark.parametrize(
    ("probability", "usual", "confidence", "expected"),
    [
        (0.29, 0.24, 1, True),  # five points
        (0.19, 0.24, 1, True),
        (0.30, 0.24, 1, False),  # six points
        (0.18, 0.24, 1, False),
        (0.24, 0.24, 2, False),  # sure enough to say that it is as usual
        (0.24, 0.24, 0, False),
        (0.24, nan, 1, False),
        (nan, 0.24, 1, False),
    ],
)
def test_a_forecast_is_as_usual_within_five_points_at_low_confidence(
    bulletin: Bulletin, probability: float, usual: float, confidence: int, expected: bool
) -> None:
    any_forecast = bulletin.entries[0].forecast
    changed = replace(any_forecast, probability=probability, usual=usual, confidence=confidence)

    assert as_usual(changed) is expected


def test_a_less_sure_forecast_counts_five_or_ten_points_less(bulletin: Bulletin) -> None:
    any_forecast = replace(bulletin.entries[0].forecast, probability=0.6)

    worth = [weighed(replace(any_forecast, confidence=level)) for level in (0, 1, 2, 3)]

    assert worth == pytest.approx([0.6, 0.5, 0.55, 0.6])
    assert sorted(DISCOUNT.values()) == [0.05, 0.10]


def test_of_two_equal_chances_the_surer_one_is_the_best_of_the_next_days() -> None:
    near, far = ("jinding", "sunrise", NEAR), ("jinding", "sunrise", FAR)

    assert best_keys(composed({near: (0.65, 3), far: (0.65, 1)})) == [near]
    assert best_keys(composed({near: (0.65, 1), far: (0.65, 3)})) == [far]
    # of two equally sure ones the likelier, and a far one that is clearly likelier still wins
    assert best_keys(composed({near: (0.65, 3), far: (0.66, 3)})) == [far]
    assert best_keys(composed({near: (0.65, 3), far: (0.74, 1)})) == [near]
    assert best_keys(composed({near: (0.65, 3), far: (0.77, 1)})) == [far]


def test_a_far_day_of_low_confidence_does_not_head_the_list() -> None:
    sure, unsure = ("lingshan", "sunset_glow", NEAR), ("zhaojiawa", "sunrise", FAR)

    assert best_keys(composed({sure: (0.55, 3), unsure: (0.6, 1)})) == [sure, unsure]


def test_what_only_the_season_says_comes_last_and_is_no_better_day() -> None:
    low, season = ("lingshan", "sunset_glow", NEAR), ("lingshan", "sunset_glow", "2026-11-27")
    other = ("zhaojiawa", "sunrise", FAR)

    made = composed({low: (0.1, 3), season: (0.5, 1)}, usual=0.5)
    assert next(e for e in made.entries if e.forecast.event.key == low).better is None
    made = composed({low: (0.1, 3), season: (0.5, 1)}, usual=0.2)
    better = next(e for e in made.entries if e.forecast.event.key == low).better
    assert better is not None
    assert better.event.key == season
    made = composed({low: (0.2, 3), other: (0.9, 1)}, usual=0.9)
    assert best_keys(made) == [low, other]


def test_a_later_day_must_be_the_likelier_for_being_less_sure() -> None:
    poor, later = ("lingshan", "sunset_glow", NEAR), ("lingshan", "sunset_glow", "2026-11-26")

    def better(confidence: int) -> bool:
        made = composed({poor: (0.28, 3), later: (0.45, confidence)})
        return next(e for e in made.entries if e.forecast.event.key == poor).better is not None

    assert (better(3), better(2), better(1)) == (True, True, False)


def test_without_a_probability_there_is_no_confidence() -> None:
    made = composed({("lingshan", "rime", NEAR): (nan, 2)})

    assert {e.forecast.confidence for e in made.entries} == {0}


def test_a_day_as_usual_has_no_best_hours(bulletin: Bulletin) -> None:
    words = PageRenderer(bulletin, "en").words
    forecast = forecast_of(bulletin, LINGSHAN_RIME)

    assert forecast.best is not None
    assert words.best(forecast) == "all day"
    assert words.best(replace(forecast, confidence=2)) == "06:42–08:24"


# -- on pages


@pytest.mark.parametrize(
    ("path", "levels", "cell"),
    [
        ("index.html", ("可信度高", "可信度中", "可信度低"), "尚早"),
        ("en/index.html", ("confidence high", "confidence medium", "confidence low"), "usual"),
    ],
)
def test_the_matrix_shows_the_confidence_by_shape_and_in_words(
    path: str, levels: Sequence[str], cell: str
) -> None:
    page = pages()[path]
    cells = re.findall(r"<td class=\"cell [^>]*>.*?</td>", page, re.DOTALL)
    known = [each for each in cells if "<b>" in each]

    assert len(known) > 20
    for each in known:
        found = re.search(r'<span class="sure sure-([123])" aria-hidden="true"></span>', each)
        assert found is not None, each
        level = levels[3 - int(found.group(1))]
        spoken = re.search(r'<span class="spoken">(.*?)</span>', each)
        assert spoken is not None
        assert level in spoken.group(1)
        title = re.search(r' title="(.*?)"', each)
        assert title is not None
        assert level in title.group(1)
    # the key names all three
    key = re.search(r'<ul class="key.*?</ul>', page, re.DOTALL)
    assert key is not None
    assert re.findall(r"sure-(\d)", key.group(0)) == ["3", "2", "1"]
    assert f"<b>{cell}</b>" in key.group(0)


@pytest.mark.parametrize(
    ("language", "cell", "badge"),
    [
        ("zh", "尚早", "尚早，接近往年同期"),
        ("en", "usual", "Too early: near the usual for the season"),
    ],
)
def test_a_day_as_usual_has_no_stars_and_no_word_of_a_grade(
    bulletin: Bulletin, language: str, cell: str, badge: str
) -> None:
    renderer = PageRenderer(bulletin, language)
    prefix = "" if language == "zh" else "en/"
    page = pages()[f"{prefix}sites/lingshan/index.html"]
    forecast = forecast_of(bulletin, LINGSHAN_RIME)
    cells = re.findall(r'<td class="cell usual".*?</td>', page, re.DOTALL)

    assert as_usual(forecast)
    assert cells
    for each in cells:
        assert cell in each
        assert badge in each
        assert "★" not in each
        assert renderer.words("grade.1") not in each


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("zh", "距今尚早，接近往年同期（11月平均8%）。"),
        ("en", "Too early: the chance is near what is usual for the season (November average 8%)."),
    ],
)
def test_the_reason_of_a_day_as_usual_is_that_it_is_early(
    bulletin: Bulletin, language: str, sentence: str
) -> None:
    assert Phrases(bulletin, language).why(forecast_of(bulletin, LINGSHAN_RIME)) == sentence


@pytest.mark.parametrize(
    ("path", "of_glow", "of_stars"),
    [
        ("sites/lingshan/index.html", "11月平均27%", "11月星夜平均38%"),
        (
            "en/sites/lingshan/index.html",
            "November average 27%",
            "November average of starry nights 38%",
        ),
    ],
)
def test_beside_the_chance_stands_how_often_it_is_usual(
    path: str, of_glow: str, of_stars: str
) -> None:
    assert of_glow in pages()[path]
    assert of_stars in pages()[path]
    assert (USUAL["sunset_glow"], USUAL["starry_sky"]) == (0.27, 0.38)


@pytest.mark.parametrize(
    ("path", "counted", "usual"),
    [
        (
            "index.html",
            "平均云量不超过三成（晴到少云）即算出现，不要求整夜晴朗。",
            "“星夜”频率：天文夜间最好的两小时平均云量不超过三成的夜晚，不计月光",
        ),
        (
            "en/index.html",
            "at most three tenths covered by cloud. The night need not be clear throughout.",
            "how often the best two hours of the dark night are at most three tenths covered by",
        ),
    ],
)
def test_the_page_says_how_few_clouds_a_starry_sky_may_have(
    path: str, counted: str, usual: str
) -> None:
    assert FEW_CLOUDS == 0.3
    assert PhenomenonSettings().stars_minimum_hours == 2
    assert counted in pages()[path]
    assert usual in pages()[path]


def test_screens_and_the_article_show_the_confidence_of_the_days_ahead(bulletin: Bulletin) -> None:
    screen, article = pages()["display/baihuashan.html"], pages()["wechat/article.html"]
    strip = screen.partition('data-face="week"')[2].partition("</section>")[0]

    assert re.findall(r'<li class="grade-\d( usual)?">', strip) == [
        "",
        "",
        "",
        "",
        "",
        " usual",
        "",
    ]
    assert re.findall(r"<i class=\"fill-\d+\">(.+?)</i>", strip) == ["尚早"]
    assert re.findall(r'sure-(\d)" role="img"', strip) == ["3", "3", "3", "2", "2", "1"]
    assert all(sign in article for sign in "●◐○")
    assert "尚早，接近往年同期" in article


def test_the_short_message_marks_a_day_of_low_confidence_and_one_that_is_early() -> None:
    keys = [e.forecast.event.key for e in sample_bulletin().entries if e.forecast.known]
    chances = {keys[0]: (0.62, 1), keys[1]: (0.64, 2)}
    texts = [
        "".join(str(p.body) for p in render(made, "sms") if p.path.endswith(".txt")).replace(
            THIN_SPACE, " "
        )
        for made in (composed(chances), composed(chances, usual=0.6))
    ]

    assert texts[0].count("可信度低") == texts[0].count("low confidence") == 1
    assert "尚早" not in texts[0]
    assert texts[1].count("尚早") == texts[1].count("too early: near the usual") == 1
    assert "可信度低" not in texts[1]
    assert re.search(r"62%（[^）]*）（可信度低）", texts[0])


def test_a_column_as_usual_is_hollow_and_the_range_of_one_run_is_drawn(bulletin: Bulletin) -> None:
    renderer = PageRenderer(bulletin, "en")
    forecast = replace(forecast_of(bulletin, LINGSHAN_RIME), spread=Spread(0.02, 0.2, 1))

    drawn = str(probability_strip([forecast], renderer.words, "en", bulletin.zone))
    plain = str(
        probability_strip([replace(forecast, confidence=2)], renderer.words, "en", bulletin.zone)
    )

    assert 'class="c-usual"' in drawn
    assert "c-grade" not in drawn
    assert "usual" in drawn
    assert "c-usual" not in plain
    assert 'class="c-line c-spread"' in drawn


@pytest.mark.parametrize(
    ("language", "cycles", "expected"),
    [
        ("zh", 1, "33%–62%（后续预报的可能范围）"),
        ("zh", 4, "33%–62%（含近4次起报和后续预报的可能范围）"),
        ("en", 1, "33%–62%, where later forecasts are likely to lie"),
        ("en", 4, "33%–62% over 4 runs and likely later forecasts"),
    ],
)
def test_the_range_says_that_it_holds_later_forecasts(
    bulletin: Bulletin, language: str, cycles: int, expected: str
) -> None:
    config = sample_config()
    issue, forecasts, features, almanacs = sample_parts(config)
    changed = [replace(f, spread=Spread(0.33, 0.62, cycles)) for f in forecasts]
    made = compose(issue, changed, features, almanacs, config, Supplement(ATTRIBUTION))
    section = next(s for s in made.sections if s.site.id == "lingshan")
    renderer = PageRenderer(made, language)

    page = str(renderer.page("web/site.html", "sites/lingshan/index.html", section=section).body)

    assert expected in page.replace(THIN_SPACE, " ")


@pytest.mark.parametrize(
    ("low", "high", "zh", "en"),
    [
        (0.33, 0.62, "33%–62%", "33%–62%"),
        (0.004, 0.18, "18%以内", "up to 18%"),
        (0.65, 0.998, "65%以上", "65% or more"),
        (0.004, 0.998, "<1%–>99%", "<1%–>99%"),
        (0.003, 0.009, "<1%", "<1%"),
        (0.331, 0.334, "33%", "33%"),
    ],
)
def test_a_range_that_reaches_an_end_has_one_bound(
    bulletin: Bulletin, low: float, high: float, zh: str, en: str
) -> None:
    shown = [PageRenderer(bulletin, language).words.range(low, high) for language in ("zh", "en")]

    assert shown == [zh, en]


@pytest.mark.parametrize(
    ("language", "hours", "effect", "expected"),
    [
        ("zh", 118.0, -0.8, "距今约5天，有利条件尚不确定"),
        ("zh", 118.0, 0.8, "距今约5天，不利条件尚不确定"),
        ("en", 118.0, -0.8, "about 5 d ahead, favourable conditions still uncertain"),
        ("en", 20.0, 0.3, "less than 1 d ahead, unfavourable conditions still uncertain"),
    ],
)
def test_a_lead_that_moved_the_answer_is_a_reason(
    bulletin: Bulletin, language: str, hours: float, effect: float, expected: str
) -> None:
    words = PageRenderer(bulletin, language).words

    sentence = words.reason(Reason("forecast_period", hours, effect))

    assert sentence.replace(THIN_SPACE, " ") == expected


def test_a_usual_frequency_that_moved_the_answer_is_a_reason(bulletin: Bulletin) -> None:
    zh, en = (PageRenderer(bulletin, language).words for language in ("zh", "en"))
    rare, common = (Reason("climatological_frequency", 0.06, side) for side in (-1.0, 1.0))

    assert zh.reason(rare) == "往年同期出现频率仅6%"
    assert zh.reason(common) == "往年同期出现频率6%，相对有利"
    assert en.reason(rare) == "usually only 6% at this time of year"
    assert en.reason(common) == "usually 6% at this time of year"


def test_the_data_give_the_usual_frequency_and_the_confidence(bulletin: Bulletin) -> None:
    found = {
        (f["site"], f["phenomenon"], f["day"]): f
        for f in json.loads(json.dumps(document(bulletin)))["forecasts"]
    }

    of_rime = found[LINGSHAN_RIME]
    assert (of_rime["usual_probability"], of_rime["confidence"]) == (0.08, 1)
    assert of_rime["as_usual"] is True
    assert found["lingshan", "rime", NEAR]["as_usual"] is False
    unknown = found["lingshan", "rime", "2026-11-28"]
    assert (unknown["probability"], unknown["confidence"]) == (None, 0)


def test_no_text_says_that_a_number_is_the_usual_one_where_it_is_near_it() -> None:
    """A late chance is drawn towards the usual frequency; it is not that."""
    folder = Path(__file__).parents[2] / "templates"
    for path in (*folder.glob("text/*.yaml"), *folder.glob("api/*.json")):
        text = path.read_text(encoding="utf-8")
        assert "暂按往年同期" not in text, path
        assert "as usual for the" not in text, path
