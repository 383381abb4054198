"""Does the article keep the rules that the platform publishes, on every kind of day?

Source: wechatjs/verify-article-structure-spec 1.0.0 (2026-06-25), verify_article_structure.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from html.parser import HTMLParser
from math import nan
from pathlib import Path

import pytest

from forecast.domain import DayWeather, Forecast
from forecast.review import Review
from forecast.settings import NameSettings
from products.bulletin import Bulletin
from products.channels.wechat import render
from products.composition import Supplement, compose
from products.wechat.account import PAGE, PAGES
from products.wechat.article import (
    AUTHOR,
    CHARACTERS,
    CONTENT,
    COVER,
    DIGEST,
    IMAGE,
    SOURCE,
    TITLE,
    body_of,
)
from products.withdrawn import pages as withdrawn_pages
from tests.e2e.sample_bulletin import ATTRIBUTION, earlier_issues, sample_config, sample_parts
from tests.wechat_night import GROUND, INK, Colour, colour, contrast, ground_at_night, text_at_night
from tests.wechat_world import ISSUE, WITHDRAWAL

TAGS = {"section", "p", "span", "br", "img"}
PROPERTIES = {
    "margin", "margin-top", "padding", "font-size", "font-weight", "line-height", "letter-spacing",
    "color", "background", "border", "border-left-width", "border-bottom", "border-radius",
    "display", "max-width", "width", "overflow-wrap",
}  # fmt: skip
LEVELS = 10  # of elements in one another
READABLE = 4.5  # contrast, WCAG 2.2 AA

PATHS = ("wechat/article.html", "en/wechat/article.html")


def day(
    chance: float | None = None, gust: float | None = None, review: Review | None = None,
    **more: object,
) -> Bulletin:  # fmt: skip
    """Return the sample week, all of it with one chance, or in a storm."""
    config = sample_config(**more)  # type: ignore[arg-type]
    issue, forecasts, features, almanacs = sample_parts(config)
    if chance is not None:
        forecasts = [with_chance(each, chance) for each in forecasts]
    if gust is not None:
        weather = {key: stormy(each, gust) for key, each in features.weather.items()}
        features = replace(features, weather=weather)
    supplement = Supplement(ATTRIBUTION, earlier_issues())
    return compose(issue, forecasts, features, almanacs, config, supplement, review)


def with_chance(forecast: Forecast, chance: float) -> Forecast:
    known = chance == chance
    grade = 1 + sum(chance >= begin for begin in (0.1, 0.3, 0.5, 0.7)) if known else 0
    states = {"sea": chance, "in_cloud": 1 - chance} if known and forecast.states else {}
    changed = replace(forecast, probability=chance, grade=grade, states=states)
    return changed if known else replace(changed, best=None, confidence=0)


def stormy(weather: DayWeather, gust: float) -> DayWeather:
    return replace(weather, values={**weather.values, "gust": gust}, covered=1.0)


def pictured(bulletin: Bulletin) -> Bulletin:
    return replace(bulletin, channels=(*bulletin.channels, "posters"))


def many_sites() -> Bulletin:
    config = sample_config()
    many = tuple(config.sites[k % 5].model_copy(update={"id": f"site_{k}"}) for k in range(15))
    return day(sites=many)


CORRECTION = Review("王小明", corrects=41, reason="云底高度有误")
DAYS: Mapping[str, Callable[[], Bulletin]] = {
    "a week of everything, with a picture": lambda: pictured(day()),
    "good": lambda: day(0.93),
    "poor": lambda: day(0.03),
    "dangerous": lambda: day(gust=29.0),
    "unknown": lambda: day(nan),
    "unreviewed": lambda: day(review=Review(unreviewed=True)),
    "a correction": lambda: day(review=CORRECTION, demonstration=False),
    "many sites": many_sites,
}


@dataclass
class Element:
    """An element with text or a picture: its style, ground and ink, and how deep it lies."""

    tag: str
    attributes: Mapping[str, str]
    style: Mapping[str, str]
    depth: int
    ink: Colour | None
    ground: Colour | None
    text: str = ""


class Elements(HTMLParser):
    """The elements of an article, with the colours that they inherit."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.all: list[Element] = []
        self._open: list[Element] = []
        self.feed(content)
        self.close()
        assert not self._open, "an element is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        style = {
            name.strip(): value.strip()
            for name, _, value in (
                each.partition(":") for each in attributes.get("style", "").split(";")
            )
            if name.strip()
        }
        above = self._open[-1] if self._open else None
        ink = colour(style["color"]) if "color" in style else above.ink if above else None
        ground = colour(style["background"]) if "background" in style else (
            above.ground if above else None
        )  # fmt: skip
        found = Element(tag, attributes, style, len(self._open) + 1, ink, ground)
        self.all.append(found)
        if tag not in ("br", "img"):
            self._open.append(found)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, "elements are not closed in their order"

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].text += data


@cache
def articles(kind: str) -> Mapping[str, str]:
    """Return the articles of a day by their paths."""
    if kind == "withdrawn":
        files = {path: {"channel": "wechat"} for path in PATHS}
        nowhere = Path("no release")
        made = withdrawn_pages(ISSUE, WITHDRAWAL, sample_config(), files, (), nowhere)  # type: ignore[arg-type]
        return {page.path: str(page.body) for page in made}
    return articles_of(DAYS[kind]())


def articles_of(bulletin: Bulletin) -> Mapping[str, str]:
    return {page.path: str(page.body) for page in render(bulletin)}


@pytest.mark.parametrize("kind", [*DAYS, "withdrawn"])
def test_an_article_keeps_the_rules_of_the_platform(kind: str) -> None:
    found = articles(kind)
    assert tuple(found) == PATHS
    for path, page in found.items():
        title, digest = re.findall('<title>(.*?)</title><meta name="description" content="(.*?)">',
                                   page)[0]  # fmt: skip
        assert 0 < len(title) <= TITLE, path
        assert 0 < len(digest) <= DIGEST, path
        content = body_of(page)
        assert 0 < len(content) < CHARACTERS, path
        assert "<!--" not in content
        for element in Elements(content).all:
            where = f"{path}: {element}"
            assert element.tag in TAGS, where
            own = {"src", "alt", "data-w", "data-ratio"} if element.tag == "img" else set()
            assert element.attributes.keys() <= {"style"} | own, where
            assert element.style.keys() <= PROPERTIES, where
            assert element.depth <= LEVELS, where
            assert element.style.get("width", "auto") in ("auto", "100%"), where
            assert not re.search(r"url\(|gradient|!important", str(element.style)), where
            if element.tag == "img":
                assert element.attributes["data-w"].isdigit(), where
            if "line-height" in element.style:
                assert float(element.style["line-height"]) >= 1.3, where


@pytest.mark.parametrize("kind", [*DAYS, "withdrawn"])
def test_every_word_of_an_article_reads_well_by_day_and_at_night(kind: str) -> None:
    for path, page in articles(kind).items():
        for element in Elements(body_of(page)).all:
            if not element.text.strip():
                continue
            ink = element.ink or colour("#191919")
            by_day = contrast(ink, element.ground or colour("#ffffff"))
            ground = ground_at_night(element.ground) if element.ground else GROUND
            at_night = contrast(text_at_night(ink, ground) if element.ink else INK, ground)
            assert by_day >= READABLE, f"{path}: {element}"
            assert at_night >= READABLE, f"{path}: {element}"


@pytest.mark.parametrize(
    ("text", "ground", "shown", "behind"),
    [
        ("#1c1a24", None, (163, 160, 176), (25, 25, 25)),
        ("#5b5866", None, (91, 88, 102), (25, 25, 25)),  # bright enough for it, not for a reader
        ("#55525f", "#ffffff", (137, 133, 149), (25, 25, 25)),
        ("#7c1f12", "#fdf1ec", (124, 31, 18), (197, 188, 184)),
        ("#7c1f12", None, (231, 104, 87), (25, 25, 25)),
        ("#4a4652", "#f4efe6", (74, 70, 82), (194, 190, 183)),
        ("#ffffff", "#a8487a", (255, 255, 255), (168, 72, 122)),
    ],
)
def test_the_colours_at_night_are_those_that_the_platform_s_own_program_makes(
    text: str, ground: str | None, shown: Colour, behind: Colour
) -> None:
    made = ground_at_night(colour(ground)) if ground else GROUND
    assert made == pytest.approx(behind, abs=0.6)
    assert text_at_night(colour(text), made) == pytest.approx(shown, abs=0.6)


def test_the_limits_are_those_of_the_platform() -> None:
    assert (TITLE, AUTHOR, DIGEST) == (32, 16, 120)
    assert (CHARACTERS, CONTENT, SOURCE) == (20_000, 1_000_000, 1024)
    assert (IMAGE, COVER) == (1_000_000, 10_000_000)
    assert PAGE == 20
    assert PAGE * PAGES >= 1000, "the drafts that an account may make in a day are looked through"


def test_a_long_name_of_the_service_is_cut_in_the_title_and_the_number_stays() -> None:
    config = sample_config()
    name = NameSettings(
        zh="京西山地生态旅游区星空云海霞光雪景观赏条件预报服务平台", en="Skyscape " * 9
    )
    long = config.service.model_copy(update={"title": name})
    for review in (None, CORRECTION):
        for path, page in articles_of(day(service=long, review=review)).items():
            title = re.findall("<title>(.*?)</title>", page)[0]
            assert len(title) <= TITLE, path
            assert "42" in title, path
            assert "…" in title, path


def test_an_article_of_many_sites_says_how_many_more_there_are() -> None:
    assert "个景点见网页" in articles("many sites")[PATHS[0]]
