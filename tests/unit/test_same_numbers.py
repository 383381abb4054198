"""Does every product show the same chances? Each is read back as its readers would, in both
languages. A new product is a reader in READERS.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import feedparser
import icalendar
import pytest

from products.bulletin import Bulletin
from products.channels import posters, render
from products.composition import OPERATORS_ONLY
from products.confidence import as_usual
from products.faces import faces
from products.sections import Entry
from products.wording import Words
from tests.e2e.sample_bulletin import sample_bulletin

Key = tuple[str, str, str]  # site, phenomenon, day
Found = Iterator[tuple[Key, str]]
CHANNELS = ("web", "display", "wechat", "sms", "api", "feeds", "calendar", "email", "wecom")
PERCENT = r"(?:[<>]?\d+%|—)"


class Release:
    """The pages of a bulletin in one language, and what they should say."""

    def __init__(self, bulletin: Bulletin, pages: Mapping[str, str], language: str) -> None:
        self.bulletin, self.pages, self.language = bulletin, pages, language
        self.words = Words(language, bulletin.zone)
        self.prefix = "en/" if language == "en" else ""

    def page(self, path: str) -> str:
        return self.pages[self.prefix + path]

    @property
    def heads(self) -> Iterator[Entry]:
        """The headline of each site and day."""
        return (d.headline for s in self.bulletin.sections for d in s.days if d.headline)


@cache
def rendered() -> tuple[Bulletin, Mapping[str, str]]:
    bulletin = sample_bulletin()
    pages = [page for channel in CHANNELS for page in render(bulletin, channel)]  # type: ignore[arg-type]
    return bulletin, {p.path: p.body if isinstance(p.body, str) else "" for p in pages}


def text_of(markup: str) -> str:
    """Return the text of a page in one line, without its tags."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def site_pages(release: Release) -> Found:
    """The table of each site's page: a row a phenomenon, a column a day."""
    days = [day.isoformat() for day in release.bulletin.days]
    for section in release.bulletin.sections:
        page = release.page(f"sites/{section.site.id}/index.html")
        rows = re.findall(r'<tr role="row">(.*?)</tr>', page, re.DOTALL)[1:]
        for phenomenon, row in zip(section.site.phenomena, rows, strict=True):
            cells = re.findall(r"<td class=\"cell (\w+)[^>]*>(.*?)</td>", row, re.DOTALL)
            for day, (kind, cell) in zip(days, cells, strict=True):
                if kind != "none":
                    shown = re.search(PERCENT, text_of(cell))
                    assert shown is not None
                    yield (section.site.id, phenomenon, day), shown[0]


def screens(release: Release) -> Found:
    """The row of days at the foot of each screen."""
    for section in release.bulletin.sections:
        page = release.page(f"display/{section.site.id}.html")
        shown = re.findall(rf"<li[^>]*><b>({PERCENT})</b>", html.unescape(page))
        heads = [day.headline for day in section.days if day.headline]
        for entry, text in zip(heads, shown, strict=True):
            yield entry.forecast.event.key, text


def article(release: Release) -> Found:
    """The lines of days of each site."""
    words = release.words
    text = text_of(release.page("wechat/article.html")).partition(words("section.cards"))[2]
    for entry in release.heads:
        day = re.escape(words.day_week(entry.forecast.event.day))
        shown = re.search(rf"{day} ({PERCENT})", text)
        assert shown is not None, day
        text = text[shown.end() :]
        yield entry.forecast.event.key, shown[1]


def message(release: Release) -> Found:
    """The best of the next days in the text message."""
    words, text = release.words, release.page("sms.txt")
    for entry in release.bulletin.best:
        event = entry.forecast.event
        spot = words.spot(event.site, event.phenomenon).replace(" · ", " - ")  # as GSM-7 has it
        head = re.escape(spot)
        shown = re.search(rf"{head}:? ?({PERCENT})", text)
        assert shown is not None, head
        yield event.key, shown[1]


def mail(release: Release) -> Found:
    """The headlines of each site in the plain part of the e-mail."""
    text = release.page("email/bulletin.txt")
    for section in release.bulletin.sections:
        name = release.words.name(section.site.name)
        of_site = re.search(rf"^{re.escape(name)}\n((?:  .*\n)+)", text, re.MULTILINE)
        assert of_site is not None, name
        for day in section.days:
            if day.headline is not None:
                label = re.escape(release.words.day_week(day.day))
                phenomenon = release.words(f"phenomenon.{section.site.headline}.name")
                shown = re.search(rf"{label} {phenomenon} ({PERCENT})", of_site[1])
                assert shown is not None, (name, label)
                yield day.headline.forecast.event.key, shown[1]


def group(release: Release) -> Found:
    """The events that a group may subscribe to, as written in its messages."""
    content = json.loads(release.page("wecom/messages.json"))
    for event in content["events"]:
        _, site, phenomenon, day = event["key"].split("/")
        shown = re.findall(PERCENT, event["text"])
        yield (site, phenomenon, day), shown[0]


def drawn_posters(release: Release) -> Found:
    """The large number of each site's poster, as it is written in its SVG."""
    for path, draw in posters.pictures(release.bulletin):
        site = re.fullmatch(rf"{release.prefix}posters/(?!day)(\w+)\.png", path)
        if site is None:
            continue
        section = next(s for s in release.bulletin.sections if s.site.id == site[1])
        face = next(iter(faces(section)), None)
        texts = [one for one in draw().texts if re.fullmatch(PERCENT, one.text)]
        if face is not None:
            yield face.forecast.event.key, max(texts, key=lambda one: one.size).text


def version_1(release: Release) -> Found:
    for each in json.loads(release.pages["api/v1/forecasts.json"])["forecasts"]:
        p = each["probability"]
        shown = release.words.percent(float("nan") if p is None else p)
        yield (each["site"], each["phenomenon"], each["day"]), shown


def version_2(release: Release) -> Found:
    for path in [f"sites/{s.site.id}" for s in release.bulletin.sections] + ["forecasts", "today"]:
        for each in json.loads(release.pages[f"api/v2/{path}.json"])["forecasts"]:
            p, shown = each["probability"], each["probability_text"]
            assert p is None or shown in (f"{round(100 * p)}%", "<1%", ">99%")
            yield (each["site"], each["phenomenon"], each["day"]), shown


def sites_map(release: Release) -> Found:
    for site in json.loads(release.pages["sites.geojson"])["features"]:
        for each in site["properties"]["next"]:
            yield (site["id"], each["phenomenon"], each["day"]), each["probability_text"]


def feed(release: Release) -> Found:
    """The titles and contents of each site's feed, as JSON and as Atom."""
    label = release.words("probability.label") + release.words("page.colon").strip()
    for section in release.bulletin.sections:
        path = f"feeds/{section.site.id}"
        items = json.loads(release.page(f"{path}.json"))["items"]
        atom = {e.id: e for e in feedparser.parse(release.page(f"{path}.atom").encode()).entries}
        for item in items:
            own = item["_skyscape"]
            if own["state"] == "forecast":
                key = (own["site"], own["phenomenon"], own["day"])
                entry = atom[item["id"]]
                for text in (item["content_html"], entry.content[0].value):
                    shown = re.search(rf"{label} ?({PERCENT})", text_of(text))
                    assert shown is not None
                    yield key, shown[1]
                for title in (item["title"], entry.title):
                    yield key, re.findall(PERCENT, title)[0]


def calendar(release: Release) -> Found:
    """The summaries and descriptions of the calendar of all sites, from 30 % on."""
    label = release.words("probability.label") + release.words("page.colon").strip()
    page = release.page("calendar/all-30.ics")
    for event in icalendar.Calendar.from_ical(page).walk("VEVENT"):
        site, phenomenon, day = str(event["UID"]).partition("@")[0].split("-", 2)
        described = re.search(rf"{label} ?({PERCENT})", str(event["DESCRIPTION"]))
        assert described is not None
        yield (site, phenomenon, day), described[1]
        yield (site, phenomenon, day), re.findall(PERCENT, str(event["SUMMARY"]))[0]


def every(entry: Entry) -> bool:
    return True


def known(entry: Entry) -> bool:
    return entry.forecast.known


def headline(entry: Entry) -> bool:
    event = entry.forecast.event
    return event.phenomenon == event.site.headline


def promising(entry: Entry) -> bool:
    """Whether an entry is worth a date from 30 % on."""
    forecast = entry.forecast
    return (
        entry.recommended
        and forecast.probability >= 0.3
        and not as_usual(forecast)
        and forecast.event.phenomenon not in OPERATORS_ONLY
    )


# product -> how its chances are read, and which entries it shows; None: some
READERS: Mapping[
    str, tuple[Callable[[Release], Found], Callable[[Entry], bool] | None]
] = {
    "site pages": (site_pages, every),
    "screens": (screens, headline),
    "article": (article, headline),
    "message": (message, None),
    "e-mail": (mail, headline),
    "groups": (group, known),
    "posters": (drawn_posters, None),
    "JSON 1": (version_1, every),
    "JSON 2": (version_2, every),
    "map": (sites_map, None),
    "feed": (feed, known),
    "calendar": (calendar, promising),
}  # fmt: skip


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("product", READERS)
def test_every_product_shows_the_chances_of_the_bulletin(product: str, language: str) -> None:
    bulletin, pages = rendered()
    words = Words(language, bulletin.zone)
    wanted = {e.forecast.event.key: words.percent(e.forecast.probability) for e in bulletin.entries}
    read, shows = READERS[product]

    found = list(read(Release(bulletin, pages, language)))

    assert found
    assert [(key, text, wanted[key]) for key, text in found if text != wanted[key]] == []
    if shows is not None:
        assert {key for key, _ in found} == {
            e.forecast.event.key for e in bulletin.entries if shows(e)
        }
