"""Screens at the sites: one page a site, and the status that a screen reads every few minutes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from products.bulletin import Bulletin, Section
from products.channels import api
from products.marking import Mark
from products.pages import screen
from products.pages.renderer import PageRenderer
from products.pages.templating import Page, static_pages
from products.wording import LANGUAGES, Words


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        for section in bulletin.sections:
            path = f"display/{section.site.id}.html"
            yield renderer.page("display/screen.html", path, **values(bulletin, section))
    yield from static_pages()
    yield api.status_page(bulletin)


def values(bulletin: Bulletin, section: Section) -> dict[str, Any]:
    """Return what the template of a screen shows of a site."""
    return {
        "section": section,
        "worth": screen.worth_showing(section),
        "nothing": screen.why_nothing(section),
        "hours": screen.night_hours(section),
        "others": screen.other_sites(bulletin, section),
    }


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the status by which screens learn of a withdrawal."""
    yield api.withdrawn_status(issue, withdrawal)


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived page with its mark."""
    return api.mark(path, page, mark, words) if path.startswith("api/") else None
