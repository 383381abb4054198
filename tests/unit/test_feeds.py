"""Do feeds keep the rules of their formats, and what they said before?"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import feedparser
import pytest

from forecast.config import Config
from forecast.domain import PHENOMENA, Name
from forecast.review import Review, Withdrawal
from products.bulletin import Bulletin
from products.channels import feeds
from products.composition import Supplement, compose
from products.marking import of_corrected, of_withdrawn
from products.served import reader_of
from products.wording import Words
from tests.e2e.sample_bulletin import (
    ATTRIBUTION,
    ISSUED,
    earlier_issues,
    sample_config,
    sample_parts,
)

BASE = "https://weather.example/mentougou"
HERE = "http://127.0.0.1/current/"
ATOM = "{http://www.w3.org/2005/Atom}"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LATER = ISSUED + timedelta(hours=2)
WRONG = Withdrawal(LATER, "王一", "山谷站<湿度>有误。", "wang")
HOSTILE = "<b>&\x07]]>"


@cache
def config(base_url: str = BASE, places: tuple[str, ...] = ("lingshan", "jinding")) -> Config:
    settings = sample_config()
    output = settings.output.model_copy(update={"base_url": base_url})
    sites = tuple(s for s in settings.sites if s.id in places)
    return settings.model_copy(update={"output": output, "sites": sites})


@cache
def parts(places: tuple[str, ...]) -> Any:
    """Return what a bulletin of some sites is composed of; computed once."""
    return sample_parts(config("", places))


def bulletin(
    settings: Config, hours: int = 0, review: Review | None = None, chances: float = 1.0
) -> Bulletin:
    """Return the sample's bulletin, issued some hours later with other chances of stars."""
    known = parts(tuple(site.id for site in settings.sites))
    issue, forecasts, features, almanacs = known
    issue = replace(issue, issued=issue.issued + timedelta(hours=hours))
    forecasts = [
        replace(f, probability=f.probability * chances) if f.event.phenomenon == "starry_sky" else f
        for f in forecasts
    ]
    supplement = Supplement(ATTRIBUTION, earlier_issues()[:2])
    return compose(issue, forecasts, features, almanacs, settings, supplement, review)


def pages_of(made: Bulletin) -> dict[str, str]:
    return {page.path: str(page.body) for page in feeds.render(made)}


Reader = Callable[[str], bytes | None]


def written(pages: Mapping[str, str], folder: Path) -> Reader:
    for path, body in pages.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body.encode())
    return reader_of(folder, config())


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return pages_of(bulletin(config()))


def items(pages: Mapping[str, str], path: str = "feeds/all.json") -> dict[str, dict[str, Any]]:
    found = {item["id"]: item for item in json.loads(pages[path])["items"]}
    assert len(found) == len(json.loads(pages[path])["items"]), "an id stands once"
    return found


def atom_faults(page: str, where: str) -> list[str]:
    """Return what breaks RFC 4287: elements that must be there once, times, absolute ids."""
    root, faults = ET.fromstring(page), []
    parts = [root, *root.findall(f"{ATOM}entry")]
    for part in parts:
        faults += [f"{part.tag}: {name} is needed once" for name in ("id", "title", "updated")
                   if len(part.findall(f"{ATOM}{name}")) != 1]  # fmt: skip
        for name in ("updated", "published"):
            faults += [str(t.text) for t in part.findall(f"{ATOM}{name}")
                       if not TIME.fullmatch(t.text or "")]  # fmt: skip
        if not re.match(r"(tag|urn):\S+$", part.findtext(f"{ATOM}id") or ""):
            faults.append("an id is an absolute URI")
        links = [(e.get("rel"), e.get("type"), urljoin(where, e.get("href", "")))
                 for e in part.findall(f"{ATOM}link")]  # fmt: skip
        if len({link[:2] for link in links}) != len(links) or any(
            not link[2].startswith("http") for link in links
        ):
            faults.append(f"links: {links}")
    if root.find(f"{ATOM}author/{ATOM}name") is None:
        faults.append("an author is needed")
    ids = [part.findtext(f"{ATOM}id") for part in parts]
    return faults + ([] if len(set(ids)) == len(ids) else ["an id stands twice"])


@pytest.mark.parametrize("base_url", [BASE, "", "http://[::1]:8321"])
def test_every_feed_is_valid_and_a_reader_finds_the_same_in_both_forms(base_url: str) -> None:
    made = pages_of(bulletin(config(base_url)))
    for path, page in made.items():
        if not path.endswith(".atom"):
            continue
        where = f"{base_url or HERE}/{path}"
        feed = json.loads(made[path.replace(".atom", ".json")])
        read = feedparser.parse(page.encode(), response_headers={
            "content-location": where, "content-type": "application/atom+xml"})  # fmt: skip

        assert atom_faults(page, where) == [], path
        assert (read.bozo, read.version) == (False, "atom10"), path
        assert [(e.id, e.title, e.updated) for e in read.entries] == [
            (item["id"], item["title"], item["date_modified"]) for item in feed["items"]
        ], path
        assert feed["version"] == "https://jsonfeed.org/version/1.1"
        assert all(item["content_html"] for item in feed["items"]), path
        assert ("feed_url" in feed) is bool(base_url)


def test_there_is_a_feed_for_all_for_each_site_and_for_each_phenomenon_in_both_languages(
    pages: dict[str, str],
) -> None:
    names = {path.removeprefix("en/").rpartition(".")[0] for path in pages}

    wanted = {"all", "lingshan", "jinding", *PHENOMENA}
    assert names == {f"feeds/{name}" for name in wanted - {"snowfall", "snow_cover", "snowmaking"}}
    assert len(pages) == 4 * len(names)


def test_hazards_come_first_and_a_dangerous_event_is_not_recommended(pages: dict[str, str]) -> None:
    found = [item["_skyscape"] for item in json.loads(pages["feeds/lingshan.json"])["items"]]
    states = [each["state"] for each in found]
    danger = [item for item in json.loads(pages["feeds/lingshan.json"])["items"]
              if item["_skyscape"].get("day") == "2026-11-24"]  # fmt: skip

    assert states == sorted(states, reverse=True), "hazards, then forecasts"
    assert "hazard" in states
    assert danger
    for item in danger:
        assert "不建议出行" in item["title"]
        assert item["content_html"].index("大风") < item["content_html"].index("观赏概率：")
        assert item["_skyscape"]["recommended"] is False


def test_an_entry_keeps_its_id_and_its_times_until_what_it_says_changes(tmp_path: Path) -> None:
    first = pages_of(bulletin(config()))
    later = replace(bulletin(config(), 2, chances=0.5), before=written(first, tmp_path))

    path = "feeds/lingshan.json"
    before, after = items(first, path), items(pages_of(later), path)
    stars = [id for id in after if "starry_sky" in id and id in before]
    others = [id for id in after if "glow" in id and id in before]

    assert stars
    assert others
    for id in stars:
        assert after[id]["date_published"] == "2026-11-22T08:10:00Z"
        assert after[id]["date_modified"] == "2026-11-22T10:10:00Z"
    for id in others:
        assert after[id]["date_modified"] == "2026-11-22T08:10:00Z"


def test_what_a_feed_no_longer_chooses_but_the_issue_has_stays_a_forecast(tmp_path: Path) -> None:
    first = bulletin(config())
    headlines = [d.headline for section in first.sections for d in section.days]
    other = next(e for e in first.entries if e.forecast.known and e not in headlines)
    first = replace(first, best=(*first.best, other))
    later = replace(bulletin(config(), 2), before=written(pages_of(first), tmp_path))

    [item] = [
        item
        for item in items(pages_of(later)).values()
        if item["_skyscape"].get("phenomenon") == other.forecast.event.phenomenon
        and item["_skyscape"]["day"] == other.forecast.event.day.isoformat()
        and item["_skyscape"]["site"] == other.forecast.event.site.id
    ]

    assert item["_skyscape"]["state"] == "forecast"
    assert "%" in item["title"]


def test_a_hazard_whose_first_day_is_over_is_not_said_to_be_gone(tmp_path: Path) -> None:
    first = bulletin(config())
    alerts = [a for a in first.outlook.alerts if len(a.days) > 1]
    shorter = tuple(replace(a, days=a.days[1:]) for a in alerts)
    outlook = replace(first.outlook, alerts=shorter)
    later = replace(first, outlook=outlook, before=written(pages_of(first), tmp_path))

    found = [item["_skyscape"] for item in items(pages_of(later)).values()]

    assert shorter
    for alert in shorter:
        assert [each["state"] for each in found if each.get("hazard") == alert.hazard] == ["hazard"]


def test_what_an_issue_no_longer_has_says_so_until_it_is_over(tmp_path: Path) -> None:
    first = pages_of(bulletin(config()))
    fewer = bulletin(config(), 2)
    gone = {"2026-11-22", "2026-11-25"}
    sections = [
        replace(s, days=tuple(d for d in s.days if d.day.isoformat() not in gone))
        for s in fewer.sections
    ]
    fewer = replace(fewer, sections=tuple(sections), before=written(first, tmp_path))
    again = replace(fewer, before=written(pages_of(fewer), tmp_path / "again"))

    found = items(pages_of(fewer), "feeds/lingshan.json")
    ended = {id: item for id, item in found.items() if item["_skyscape"]["state"] == "ended"}

    assert [id for id in ended if "/2026-11-25/" in id]
    assert not [id for id in ended if "sunset_glow/2026-11-22" in id], "it is over"
    for item in ended.values():
        assert str(item["title"]).startswith("不再预报：")
        assert "%" not in str(item["title"]) + str(item["content_html"])
        assert item["date_modified"] == "2026-11-22T10:10:00Z"
    assert items(pages_of(again), "feeds/lingshan.json") == found


def test_a_feed_before_that_was_cut_off_or_is_another_is_left_alone(tmp_path: Path) -> None:
    broken = {"feeds/all.json": '{"items": [{"id": 1', "feeds/lingshan.json": '{"items": [{}]}'}
    made = replace(bulletin(config()), before=written(broken, tmp_path))

    assert pages_of(made) == pages_of(bulletin(config()))


def test_a_withdrawn_feed_has_a_notice_and_no_forecast(pages: dict[str, str]) -> None:
    bodies = {path: page.encode() for path, page in pages.items()}
    found = {p.path: str(p.body) for p in feeds.cancelled(bodies, WRONG, config())}
    before, after = items(pages), items(found)

    assert found.keys() == pages.keys()
    for path, page in found.items():
        assert not re.search(r"\d%", page), path
        assert "有误" in page, path
        assert "&lt;湿度" in page, path
        if path.endswith(".atom"):
            assert atom_faults(page, f"{BASE}/{path}") == [], path
    assert after.keys() - before.keys() == {next(iter(after))}
    assert next(iter(after.values()))["title"] == "本期预报已撤回"
    for id in before:
        assert str(after[id]["title"]).startswith("已撤回：")
        assert after[id]["date_modified"] == "2026-11-22T10:10:00Z"


def test_the_issue_after_a_withdrawn_one_says_so_and_its_entries_count_again(
    pages: dict[str, str], tmp_path: Path
) -> None:
    bodies = {path: page.encode() for path, page in pages.items()}
    found = {p.path: str(p.body) for p in feeds.cancelled(bodies, WRONG, config())}
    made = bulletin(config(), 3)
    states = {made.earlier[0].id: "withdrawn"}
    made = replace(made, states=states, before=written(found, tmp_path))

    after = items(pages_of(made))

    first, number = next(iter(after.values())), made.earlier[0].number
    assert "已撤回，以本期为准" in str(first["content_html"])
    assert first["title"] == f"第{number}期预报已撤回", "not this issue"
    [english, *_] = items(pages_of(made), "en/feeds/all.json").values()
    assert english["title"] == f"Forecast No. {number} was withdrawn"
    for id, item in after.items():
        if item["_skyscape"]["state"] == "forecast":
            assert item["date_modified"] == "2026-11-22T11:10:00Z", id


@pytest.mark.parametrize("path", ["feeds/all.atom", "feeds/all.json", "en/feeds/jinding.atom"])
def test_an_archived_feed_keeps_its_entries_and_says_first_what_became_of_it(
    pages: dict[str, str], path: str
) -> None:
    words = Words("en" if path.startswith("en/") else "zh", config().zone)
    corrected, withdrawn = of_corrected(earlier_issues()[0], "云顶高度有误"), of_withdrawn(WRONG)

    once = feeds.mark(path, pages[path].encode(), corrected, words)
    assert once is not None
    twice = feeds.mark(path, once, withdrawn, words)
    assert twice is not None

    assert "云顶高度有误" in once.decode()
    read = feedparser.parse(twice) if path.endswith("atom") else json.loads(twice)
    entries = read.entries if path.endswith("atom") else read["items"]
    assert entries[0]["title"] == words("review.withdrawn")
    assert "%" in twice.decode()


def test_a_feed_names_review_marks_and_correction() -> None:
    unreviewed = pages_of(bulletin(config(), review=Review(unreviewed=True)))
    named = Review(person="王一", comment=Name("山顶风大", "Windy on top"))
    comment = pages_of(bulletin(config(), review=named))
    corrects = pages_of(
        bulletin(config(), review=Review(person="王一", corrects=41, reason="有误"))
    )

    for path in ("feeds/all.atom", "feeds/all.json"):
        assert unreviewed[path].count("自动发布，未经人工审核") > 10, "in each entry"
        assert "签发：王一" in corrects[path]
        assert "本期更正第41期" in corrects[path].partition("大风")[0], "before all else"
        assert "山顶风大" in comment[path].partition("大风")[0]
    assert "[DEMONSTRATION]" in unreviewed["en/feeds/all.json"]


def test_a_hostile_name_stays_text_in_every_feed() -> None:
    settings = config()
    name = settings.sites[0].name.model_copy(update={"zh": HOSTILE, "en": HOSTILE})
    first = settings.sites[0].model_copy(update={"name": name})
    hostile = settings.model_copy(update={"sites": (first, *settings.sites[1:])})
    issue, forecasts, features, almanacs = sample_parts(hostile)
    made = pages_of(compose(issue, forecasts, features, almanacs, hostile, Supplement(ATTRIBUTION)))

    for path, page in made.items():
        if path.endswith(".atom"):
            assert atom_faults(page, f"{BASE}/{path}") == [], path
    read = feedparser.parse(made["feeds/all.atom"].encode())
    assert not any("<b>" in content.value for e in read.entries for content in e.content)


def test_no_site_takes_the_name_of_a_feed() -> None:
    site = sample_config().sites[0]

    for taken in ("all", "rime"):
        with pytest.raises(ValueError, match="choose another id"):
            type(site).model_validate(site.model_dump() | {"id": taken})


def test_a_long_feed_ends_after_its_nearest_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert feeds.LONGEST == 150
    monkeypatch.setattr(feeds, "LONGEST", 12)

    found = items(pages_of(bulletin(config())), "feeds/lingshan.json")

    days = [item["_skyscape"].get("day", "") for item in found.values()]
    assert len(found) == 12
    assert max(days) < "2026-11-25"
