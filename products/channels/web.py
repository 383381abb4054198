"""The web site, Chinese and English: index, sites, archive, verification and models."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from datetime import date

from forecast.domain import Issue
from products.bulletin import Bulletin
from products.charts.event_strip import KINDS, legend_sign
from products.pages import models, verification
from products.pages.renderer import PageRenderer
from products.pages.templating import Page, static_pages
from products.wording import LANGUAGES, Words


def render(bulletin: Bulletin) -> Iterator[Page]:
    renderers = [PageRenderer(bulletin, language) for language in LANGUAGES]
    for renderer in renderers:
        words = renderer.words
        yield renderer.page(
            "web/index.html", "index.html", how_often=verification.how_often(bulletin, words)
        )
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
    for section in bulletin.sections:
        # one site in every language, then the next: the languages share the traced charts
        for renderer in renderers:
            path = f"sites/{section.site.id}/index.html"
            yield renderer.page("web/site.html", path, section=section)
    yield from static_pages()


def issues_by_day(bulletin: Bulletin, words: Words) -> Mapping[date, list[Issue]]:
    """Return this and the earlier issues by the local day of issue, the latest first."""
    days: OrderedDict[date, list[Issue]] = OrderedDict()
    for issue in (bulletin.issue, *bulletin.earlier):
        days.setdefault(words.local(issue.issued).date(), []).append(issue)
    return days
