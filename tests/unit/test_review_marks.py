"""Does each product say how it was reviewed, and what a forecaster changed?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from math import nan
from typing import Any

import jsonschema
import pytest

from forecast.domain import Change, Forecast, Name
from forecast.quantities import grade_of
from forecast.review import Review
from products import short_message
from products.bulletin import Bulletin
from products.channels import render
from products.composition import Supplement, compose
from products.pages.phrases import Phrases
from products.pages.renderer import PageRenderer
from tests.e2e.sample_bulletin import ATTRIBUTION, earlier_issues, sample_config, sample_parts

COMMENT = Name("山上风大，请注意防寒", "Windy on the ridge, dress warmly")
SITE = "baihuashan"
WORDED = Name("<b>今晚云顶下降</b>，看好云海", "The deck sinks tonight <b>")
ALL = ("probability", "sentence")


def parts() -> tuple[Any, ...]:
    config = sample_config()
    config = config.model_copy(update={"sites": [s for s in config.sites if s.id == SITE]})
    return config, *sample_parts(config)


CONFIG, ISSUE, FORECASTS, FEATURES, ALMANACS = parts()


def bulletin(
    review: Review | None = None, change: Callable[[Forecast], Forecast | None] = lambda f: f
) -> Bulletin:
    changed = [new for each in FORECASTS if (new := change(each)) is not None]
    supplement = Supplement(ATTRIBUTION, earlier_issues())
    return compose(ISSUE, changed, FEATURES, ALMANACS, CONFIG, supplement, review)


def products(made: Bulletin) -> dict[str, str]:
    """Return a page of each channel in both languages, and the data."""
    pages = {
        page.path: page.body
        for channel in ("display", "wechat", "sms", "api")
        for page in render(made, channel)
    }
    for language in ("zh", "en"):
        renderer = PageRenderer(made, language)
        for page in (
            renderer.page("web/index.html", "index.html", how_often=""),
            renderer.page("web/site.html", f"sites/{SITE}/index.html", section=made.sections[0]),
        ):
            pages[page.path] = page.body
    return {path: body for path, body in pages.items() if isinstance(body, str)}


def where(pages: dict[str, str], words: str) -> set[str]:
    """Return the pages, in either language, on which words stand; the data apart."""
    found = {path for path, page in pages.items() if words in page and not path.endswith(".json")}
    return {path.removeprefix("en/") for path in found}


EVERY = {"index.html", f"sites/{SITE}/index.html", f"display/{SITE}.html", "wechat/article.html",
         "sms.txt"}  # fmt: skip


def test_without_reviews_nothing_is_said_of_them() -> None:
    pages = products(bulletin())

    for words in ("未经人工审核", "not reviewed by a person", "签发", "Signed by", "更正第"):
        assert where(pages, words) == set()
    assert json.loads(pages["api/v1/forecasts.json"])["review"] is None


def test_what_nobody_reviewed_says_so_on_every_product() -> None:
    pages = products(bulletin(Review(unreviewed=True)))

    assert where(pages, "自动发布，未经人工审核") == EVERY
    assert where(pages, "Issued automatically, not reviewed by a person") == EVERY
    data = json.loads(pages["api/v1/forecasts.json"])
    assert (data["review"]["unreviewed"], data["review"]["person"]) == (True, None)


def test_a_signed_issue_names_who_signed_it() -> None:
    pages = products(bulletin(Review(person="王一<", comment=COMMENT)))

    assert where(pages, "王一&lt;") == EVERY - {"sms.txt"}
    assert "签发：王一<" in pages["sms.txt"]
    assert where(pages, "未经人工审核") == set()
    data = json.loads(pages["api/v1/forecasts.json"])
    jsonschema.validate(data, json.loads(pages["api/v1/schema.json"]))
    assert data["issuer"]["forecaster"] == data["review"]["person"] == "王一<"


def test_the_comment_is_on_pages_in_the_article_and_in_the_message_where_it_fits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = bulletin(Review(person="王一", comment=COMMENT))
    shown = products(made)
    fits = json.loads(shown["sms/parts.json"])["count"]

    assert where(shown, COMMENT.zh) == EVERY - {f"display/{SITE}.html"}
    assert COMMENT.en in shown["en/sms.txt"]
    for limit in (fits, fits - 1):
        monkeypatch.setattr(short_message, "MOST_PARTS", limit)
        message = next(page.body for page in render(made, "sms") if page.path == "sms.txt")
        assert (COMMENT.zh in str(message)) is (limit == fits)
        assert len(short_message.parts_of(str(message).strip())) <= limit


def test_a_comment_in_one_language_is_shown_in_the_other_as_what_it_is() -> None:
    pages = products(bulletin(Review(person="王一", comment=Name("山上风大", ""))))

    assert '<p lang="zh-CN"><bdi>山上风大</bdi></p>' in pages["en/index.html"]


def test_a_correction_says_on_top_what_it_corrects_and_why() -> None:
    made = bulletin(Review(person="王一", corrects=41, reason="云顶高度有误。"))
    pages = products(made)

    said = "本期更正第41期，原因：云顶高度有误。"
    assert where(pages, said) == EVERY - {f"display/{SITE}.html"}
    assert "更正第41期" in pages[f"display/{SITE}.html"]
    assert "This issue corrects No. 41. Reason: 云顶高度有误." in pages["en/index.html"]
    assert said in pages["index.html"].partition("<h1")[0]
    assert [made.states[issue.id] for issue in made.earlier] == [
        "corrected", "superseded", "superseded",
    ]  # fmt: skip


def test_the_issue_after_a_withdrawn_one_says_so_and_no_other_does() -> None:
    first, second, *_ = earlier_issues()
    for states, number in ({first.id: "withdrawn"}, 41), ({second.id: "withdrawn"}, None):
        pages = products(replace(bulletin(), states=states))
        found = where(pages, "预报已撤回，以本期为准") & EVERY
        assert found == (EVERY - {f"display/{SITE}.html"} if number else set())
        assert number is None or f"第{number}期预报已撤回，以本期为准。" in pages["sms.txt"]


def changed_stars(day: int, probability: float, **more: Any) -> Callable[[Forecast], Forecast]:
    """Return what changes the chance of stars of one day."""

    def change(forecast: Forecast) -> Forecast:
        event = forecast.event
        if event.phenomenon != "starry_sky" or event.day.day != day:
            return forecast
        grade = grade_of(probability, CONFIG.forecast.grades)
        told = Change(forecast.probability, "wang", **{"fields": ALL, "sentence": WORDED, **more})
        return replace(forecast, probability=probability, grade=grade, spread=None, change=told)

    return change


def stars_of(made: Bulletin, day: int) -> dict[str, Any]:
    [page] = [page for page in render(made, "api") if page.path == "api/v1/forecasts.json"]
    [found] = [
        each
        for each in json.loads(page.body)["forecasts"]
        if each["phenomenon"] == "starry_sky" and each["day"].endswith(f"-{day}")
    ]
    return dict(found)


def test_a_changed_chance_stands_beside_the_machines_and_its_sentence_on_the_pages() -> None:
    made = bulletin(Review(person="王一"), changed_stars(22, 0.97))
    pages, found = products(made), stars_of(made, 22)
    jsonschema.validate(
        json.loads(pages["api/v1/forecasts.json"]), json.loads(pages["api/v1/schema.json"])
    )

    assert (found["probability"], found["machine_probability"]) == (0.97, 0.12)
    assert found["changed"] == list(ALL)
    assert stars_of(made, 23)["machine_probability"] is None
    assert where(pages, "今晚云顶下降&lt;/b&gt;，看好云海。") == EVERY - {"sms.txt"}
    assert where(pages, "<b>今晚云顶下降") == set()
    assert "预报员订正（订正前为12%）" in pages[f"sites/{SITE}/index.html"]


def test_a_changed_chance_without_a_sentence_never_gives_the_machines_reasons() -> None:
    change = changed_stars(22, 0.97, fields=("probability",), sentence=Name("", ""))
    made = bulletin(Review(person="王一"), change)
    forecast = next(e.forecast for e in made.entries if e.forecast.change)

    assert Phrases(made, "zh").why(forecast) == "由预报员根据最新情况订正。"


def test_a_forecasters_chance_is_never_called_usual() -> None:
    change = changed_stars(27, 0.38)  # exactly the usual frequency, at low confidence
    assert stars_of(bulletin(Review(), change), 27)["as_usual"] is False


def picked(made: Bulletin) -> list[tuple[str, int]]:
    return [(e.forecast.event.phenomenon, e.forecast.event.day.day) for e in made.best]


def chosen(phenomenon: str, day: int, recommended: bool) -> Callable[[Forecast], Forecast]:
    def change(forecast: Forecast) -> Forecast:
        event = forecast.event
        if (event.phenomenon, event.day.day) != (phenomenon, day):
            return forecast
        told = Change(forecast.probability, "wang", ("recommended",), recommended=recommended)
        return replace(forecast, change=told)

    return change


def test_a_forecaster_chooses_and_removes_recommendations() -> None:
    first, second, third = picked(bulletin())

    poor = ("sunrise_glow", 23)
    assert picked(bulletin(Review(), chosen(*poor, recommended=True))) == [poor, first, second]
    assert third == ("rime", 23)
    assert first not in picked(bulletin(Review(), chosen(*first, recommended=False)))


def test_nothing_dangerous_is_recommended_whatever_a_person_chose() -> None:
    made = bulletin(Review(), chosen("sea_of_clouds", 24, True))  # the day of the front

    assert ("sea_of_clouds", 24) not in picked(made)
    assert not any(e.dangerous for e in made.best)


def test_where_a_forecaster_recommends_nothing_no_page_says_that_data_are_missing() -> None:
    def removed(forecast: Forecast) -> Forecast | None:
        if forecast.event.day.day > 22 and forecast.event.phenomenon == "starry_sky":
            return None  # the nights of the front, of which the screen would warn
        told = Change(forecast.probability, "wang", ("recommended",), recommended=False)
        return replace(forecast, change=told)

    made = bulletin(Review(), removed)
    pages = products(made)

    assert made.best_reason == "removed"
    assert where(pages, "预报员未推荐") == {"index.html", "wechat/article.html", "sms.txt"}
    assert "暂无推荐的景观" in pages[f"display/{SITE}.html"]
    assert where(pages, "资料不足，暂不推荐") == set()


def test_a_removed_day_is_never_named_as_the_better_one() -> None:
    def better(made: Bulletin) -> str | None:
        return str(stars_of(made, 22)["next_better_day"])

    assert better(bulletin()) == "2026-11-26"  # the ice of the 25th is dangerous
    assert better(bulletin(Review(), chosen("starry_sky", 26, False))) == "2026-11-27"
    assert better(bulletin(Review(), chosen("starry_sky", 27, True))) == "2026-11-27"


def test_a_hidden_event_is_on_no_page_and_nothing_false_is_said_of_it() -> None:
    def hidden(forecast: Forecast) -> Forecast | None:
        return None if forecast.event.phenomenon == "starry_sky" else forecast

    pages = products(bulletin(Review(), hidden))

    data = json.loads(pages["api/v1/forecasts.json"])
    jsonschema.validate(data, json.loads(pages["api/v1/schema.json"]))
    assert "starry_sky" not in {each["phenomenon"] for each in data["forecasts"]}
    assert where(pages, "夜空达不到天文黑暗") == set()
    assert where(pages, "夜空不够暗") == set()


def test_what_is_hidden_is_never_said_to_lack_data_and_leaves_a_trace() -> None:
    pages = products(bulletin(Review(), lambda _: None))

    for words in ("资料不足，暂不给出概率", "天资料不足", "Not enough data"):
        assert where(pages, words) == set()
    assert {f"display/{SITE}.html", "sms.txt"} <= where(pages, "不作此项预报")
    for path in ("api/v1/forecasts.json", "api/v2/forecasts.json"):
        hidden = json.loads(pages[path])["hidden"]
        assert {"site": SITE, "phenomenon": "starry_sky", "day": "2026-11-25"} in hidden
        assert json.loads(products(bulletin(Review()))[path])["hidden"] == []
    jsonschema.validate(json.loads(pages["api/v1/forecasts.json"]),
                        json.loads(pages["api/v1/schema.json"]))  # fmt: skip


def test_a_bulletin_without_any_forecast_is_still_a_bulletin() -> None:
    pages = products(bulletin(Review(), lambda _: None))

    assert json.loads(pages["api/v1/forecasts.json"])["forecasts"] == []
    assert "nan" not in pages["sms.txt"]


def test_a_chance_that_the_machine_did_not_know_says_so_and_draws_no_evidence() -> None:
    def given(forecast: Forecast) -> Forecast:
        if forecast.known or forecast.event.phenomenon != "starry_sky":
            return forecast
        return replace(forecast, probability=0.6, change=Change(nan, "wang", ("probability",)))

    made = bulletin(Review(), given)
    found = stars_of(made, 28)
    entry = next(each for each in made.entries if each.forecast.change)

    assert (found["probability"], found["machine_probability"]) == (0.6, None)
    assert found["changed"] == ["probability"]
    assert (entry.forecast.known, entry.computed) == (True, False)
    assert "预报员给出（资料不足，未能计算）" in products(made)[f"sites/{SITE}/index.html"]
