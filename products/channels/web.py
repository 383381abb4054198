"""The web site, Chinese and English: index, sites, archive, verification, models, subscriptions and
what developers need."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from forecast.domain import Issue
from products import api_v2
from products.bulletin import Bulletin
from products.channels import calendar
from products.charts import Drawn
from products.charts.event_strip import KINDS, legend_sign
from products.pages import models, site_list, verification
from products.pages.renderer import PageRenderer
from products.pages.templating import Page, static_pages
from products.sections import Section
from products.wording import LANGUAGES, Words


def render(bulletin: Bulletin) -> Iterator[Page]:
    renderers = _renderers(bulletin)
    for renderer in renderers:
        words = renderer.words
        yield renderer.page(
            "web/index.html", "index.html", how_often=verification.how_often(bulletin, words)
        )
        yield from site_list.pages(bulletin, renderer)
        yield renderer.page(
            "web/archive.html", "archive/index.html", issues=issues_by_day(bulletin, words)
        )
        yield renderer.page(
            "web/verification.html",
            "verification/index.html",
            summary=verification.summary(bulletin, words),
            kinds=KINDS,
            legend_sign=legend_sign,
        )
        yield renderer.page(
            "web/models.html",
            "models/index.html",
            cards=models.card_texts(bulletin, words),
            columns=models.COLUMNS,
        )
        yield from _for_programs(bulletin, renderer)
    for section in bulletin.written_sections:
        yield from pages_of(section, renderers)
    yield from static_pages()


def site_pages(bulletin: Bulletin, section: Section) -> Iterator[Page]:
    """Yield the pages of one site."""
    yield from pages_of(section, _renderers(bulletin))


def _renderers(bulletin: Bulletin) -> list[PageRenderer]:
    drawn: Drawn = {}
    return [PageRenderer(bulletin, language, drawn) for language in LANGUAGES]


def pages_of(section: Section, renderers: Sequence[PageRenderer]) -> Iterator[Page]:
    """Yield the page of a site in every language: what has no words is drawn once."""
    for renderer in renderers:
        path = f"sites/{section.site.id}/index.html"
        yield renderer.page("web/site.html", path, section=section)
    renderers[0].drawn.clear()


def _for_programs(bulletin: Bulletin, renderer: PageRenderer) -> Iterator[Page]:
    """Yield the page about subscribing and the one about the data, where there are any."""
    words, there = renderer.words, bulletin.channels
    if "feeds" in there or "calendar" in there:
        # of many sites each has its addresses on its own page
        shown = () if bulletin.listed else bulletin.sections
        sites = [(s.site.id, words.name(s.site.title)) for s in shown]
        kinds = dict.fromkeys(e.forecast.event.phenomenon for e in bulletin.entries)
        yield renderer.page(
            "web/subscribe.html",
            "subscribe/index.html",
            scopes=[("all", words("calendar.all")), *sites],
            phenomena=[(kind, words(f"phenomenon.{kind}.name")) for kind in kinds],
            chances=calendar.CHANCES,
            standard=calendar.DEFAULT,
            file_name=calendar.file_name,
        )
    if "api" in there:
        files = {"today": "today", "site": f"sites/{bulletin.sections[0].site.id}",
                 "forecasts": "forecasts", "texts": "texts", "openapi": "openapi"}  # fmt: skip
        listed = [(id, f"{api_v2.FOLDER}/{name}.json") for id, name in files.items()]
        listed.append(("map", api_v2.SITES_MAP))
        listed.append(("v1", "api/v1/forecasts.json"))
        yield renderer.page(
            "web/developers.html", "developers/index.html", files=listed, texts=api_v2.texts()
        )


def issues_by_day(bulletin: Bulletin, words: Words) -> Mapping[date, list[Issue]]:
    """Return this and the earlier issues by the local day of issue, the latest first."""
    days: OrderedDict[date, list[Issue]] = OrderedDict()
    for issue in (bulletin.issue, *bulletin.earlier):
        days.setdefault(words.local(issue.issued).date(), []).append(issue)
    return days
