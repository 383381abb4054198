"""Screens, their package, and the card that other sites embed: what their pages hold."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from forecast.review import Review, Withdrawal
from forecast.settings import Channel
from products import marking
from products.bulletin import Bulletin
from products.channels import posters, render, withdrawn
from products.channels.display import mark
from products.drawing.still import HEIGHT, still
from products.pages.screen import MOST_HOURS, MOST_SITES, night_hours, other_sites
from products.pages.templating import Page
from products.safety import Hazard
from products.sections import Entry, Section
from products.wording import LANGUAGES, Words
from tests.e2e.sample_bulletin import sample_bulletin, sample_config

SITE = "baihuashan"
FOLDERS = ("posters", "cards")
GALE = Hazard("gale", 24.0, 24.0, 1)
WITHDRAWAL = Withdrawal(datetime(2026, 11, 22, 9, tzinfo=UTC), "王一", "云顶有误", "wang")


@cache
def made() -> Bulletin:
    return sample_bulletin(sample_config(), Review(unreviewed=True))


def pages(bulletin: Bulletin, channel: Channel) -> dict[str, Page]:
    return {page.path: page for page in render(bulletin, channel)}


def content(page: Page) -> str:
    assert isinstance(page.body, str)
    return page.body


def packed(page: Page) -> dict[str, str]:
    """The files of a package."""
    assert isinstance(page.body, bytes)
    with zipfile.ZipFile(io.BytesIO(page.body)) as found:
        return {name: found.read(name).decode() for name in found.namelist()}


def test_a_package_holds_every_screen_with_its_parts_and_its_links_stay_within() -> None:
    files = packed(pages(made(), "display")["display/package.zip"])

    sites = [f"display/{section.site.id}.html" for section in made().sections]
    for path in ("index.html", *sites):
        assert path in files
        assert f"en/{path}" in files
        for target in re.findall(r'(?:href|src)="([^"#]+)"', files[path]):
            assert f"static/{target.rpartition('/')[2]}" in files
            assert target.count("../") == path.count("/")
    assert "灵山" in files["index.html"].partition("</h1>")[0]
    assert "http" not in files["static/display.css"]


def test_the_same_issue_gives_the_same_package_byte_for_byte() -> None:
    first, second = (pages(made(), "display")["display/package.zip"].body for _ in range(2))

    assert first == second
    assert isinstance(first, bytes)
    with zipfile.ZipFile(io.BytesIO(first)) as found:
        assert found.namelist() == sorted(found.namelist())
        assert {entry.date_time for entry in found.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_withdrawn_issue_leaves_no_number_in_the_package_and_on_no_card() -> None:
    config = sample_config()
    found = {p.path: p for p in withdrawn("display", made().issue, WITHDRAWAL, config)}

    for name, page in packed(found["display/package.zip"]).items():
        if name.endswith(".html"):
            assert "%" not in page
            assert 'data-state="withdrawn"' in page
            assert "云顶有误" in page


@pytest.mark.parametrize("path", ["index.html", f"en/display/{SITE}.html"])
def test_each_page_of_an_archived_package_says_that_its_issue_is_withdrawn(path: str) -> None:
    body = pages(made(), "display")["display/package.zip"].body
    assert isinstance(body, bytes)
    noted = marking.of_withdrawn(WITHDRAWAL)

    archived = mark("display/package.zip", body, noted, Words("zh", made().zone))

    assert archived is not None
    said = "withdrawn" if path.startswith("en/") else "已撤回"
    assert said in packed(Page("", archived))[path].partition("<h1")[0]


def test_the_night_by_the_hour_is_the_charts_own_cover_thinned_to_what_is_legible() -> None:
    section = next(s for s in made().sections if night_hours(s))
    hours = night_hours(section)

    assert 4 <= len(hours) <= MOST_HOURS == 7
    assert [hour.at for hour in hours] == sorted({hour.at for hour in hours})
    steps = {0.0: 5, 0.19: 5, 0.2: 4, 0.59: 3, 0.8: 1, 1.0: 1, float("nan"): 0}
    assert [replace(hours[0], cloud=cover).step for cover in steps] == list(steps.values())


def test_a_dangerous_night_is_no_face_of_a_screen() -> None:
    section = next(s for s in made().sections if night_hours(s))

    def endangered(entry: Entry) -> Entry:
        return replace(entry, hazards=(GALE,))

    days = tuple(replace(day, entries=tuple(map(endangered, day.entries))) for day in section.days)

    assert night_hours(replace(section, days=days)) == ()


def test_a_screen_names_at_most_five_other_sites_the_likeliest_in_the_bulletins_order() -> None:
    bulletin = made()
    many = replace(bulletin, sections=bulletin.sections * 2)

    found = other_sites(many, many.sections[0])

    assert MOST_SITES == 5
    assert len(found) == MOST_SITES
    assert bulletin.sections[0].site.id not in {
        s.site.id for s, _ in other_sites(bulletin, bulletin.sections[0])
    }


@pytest.mark.parametrize("language", ["", "en/"])
def test_a_card_asks_no_other_server_and_leads_out_of_its_frame(language: str) -> None:
    card = content(pages(made(), "widget")[f"{language}widget/{SITE}.html"])

    assert re.findall(r'(?:href|src)="(?:https?:)?//', card) == []
    assert re.findall(r'<a href="([^"]+)" target="(\w+)"', card) == [
        (f"../sites/{SITE}/index.html", "_top")
    ]
    assert "frame-ancestors" not in card  # a header's: in a page it means nothing
    for said in ("演示数据", "自动发布") if not language else ("DEMONSTRATION", "automatically"):
        assert said in card


def test_the_snippet_of_the_documentation_frames_a_card_that_is_there() -> None:
    text = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
    [path] = re.findall(r'<iframe src="https://weather\.example/current/([^"]+)"', text)

    assert path in pages(made(), "widget")


def test_a_card_without_a_face_says_why_and_has_no_number() -> None:
    bulletin = made()
    section = bulletin.sections[0]
    days = tuple(
        replace(
            day,
            headline=replace(day.headline, hazards=(GALE,)) if day.headline else None,
            entries=tuple(replace(entry, hazards=(GALE,)) for entry in day.entries),
            hazards=(GALE,),
        )
        for day in section.days
    )
    dangerous = replace(bulletin, sections=(replace(section, days=days),))

    card = content(pages(dangerous, "widget")[f"widget/{section.site.id}.html"])

    assert "不建议出行" in card
    assert "%" not in card.partition("<main")[2]


def _two_days_of_hazards() -> tuple[Bulletin, Section]:
    """An evening with strong wind and ice not assessed, and ice on the next day."""
    bulletin = made()
    section = bulletin.sections[0]
    first, second, *later = section.days
    hazards, open_ones = (Hazard("wind", 15.0, 15.0, 3),), ("ice",)
    ice = Hazard("ice", 268.0, -268.0, 6)

    def entry(each: Entry) -> Entry:
        return replace(each, hazards=hazards, not_assessed=open_ones)

    changed = {id(each): entry(each) for each in first.entries}
    today = replace(
        first, hazards=hazards, not_assessed=open_ones, entries=tuple(changed.values()),
        headline=changed[id(first.headline)] if first.headline else None,
    )  # fmt: skip
    days = (today, replace(second, hazards=(*hazards, ice)), *later)
    section = replace(section, days=days)
    return replace(bulletin, sections=(section, *bulletin.sections[1:])), section


@pytest.mark.parametrize("language", LANGUAGES)
def test_hazards_beside_an_event_have_their_days_and_those_not_assessed_are_named(
    language: str,
) -> None:
    bulletin, section = _two_days_of_hazards()
    words = Words(language, bulletin.zone)
    prefix = "" if language == "zh" else "en/"
    first, second = (day.day for day in section.days[:2])
    wind, ice = (words(f"hazard.{name}.name") for name in ("wind", "ice"))
    dated = (f"{wind} {words.days((first, second))}", f"{ice} {words.day(second)}")
    not_assessed = re.compile(rf"(?i)判断：{ice}|{ice}资料不足，暂无法判断|not assessed: {ice}")
    pictures = dict(posters.pictures(bulletin))
    framed: tuple[Channel, ...] = ("display", "widget")
    shown = {}
    for channel in framed:
        page = pages(bulletin, channel)[f"{prefix}{channel}/{section.site.id}.html"]
        shown[str(channel)] = re.sub(r"<[^>]+>", "", content(page))
    drawn = {name: pictures[f"{prefix}{name}/{section.site.id}.png"]() for name in FOLDERS}
    drawn["still"] = still(section, bulletin, language)
    for name, picture in drawn.items():
        joint = " " if language == "en" else ""
        text = joint.join(one.text for one in picture.texts)
        shown[name] = text if language == "en" else re.sub(r"\s", "", text)

    for name, text in shown.items():
        for each in dated:
            bare = name in drawn and language == "zh"
            assert (re.sub(r"\s", "", each) if bare else each) in text, (name, each)
        assert not_assessed.search(text), name


def test_covers_and_the_card_of_the_service_name_what_is_not_assessed() -> None:
    bulletin = made()
    best = tuple(replace(entry, not_assessed=("ice",)) for entry in bulletin.best)
    pictures = dict(posters.pictures(replace(bulletin, best=best)))

    for path in ("cards/index.png", "wechat/cover.png", "wechat/square.png"):
        assert "暂未判断：道路结冰" in "".join(one.text for one in pictures[path]().texts), path


def test_the_marks_of_a_still_are_read_at_ten_metres_and_none_is_hidden() -> None:
    bulletin, section = _two_days_of_hazards()
    review = Review(unreviewed=True, corrects=41)
    for language in LANGUAGES:
        words = Words(language, bulletin.zone)
        picture = still(section, replace(bulletin, review=review), language)
        marks = [words(f"mark.{mark}") for mark in bulletin.marks]
        marks += [words("review.correction_screen", number=41), words("review.unreviewed")]
        placed = [one for one in picture.texts if one.text in marks]
        assert len(placed) == len(marks) == 4
        for one in placed:
            assert one.size >= 0.0365 * HEIGHT
            assert one.y + one.size <= 150  # where the hazards begin
