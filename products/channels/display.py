"""Screens at the sites: one page a site, and the status that a screen reads every few minutes."""

from __future__ import annotations

from collections.abc import Iterator

from products.bulletin import Bulletin
from products.channels.api import status_page
from products.pages.renderer import PageRenderer
from products.pages.templating import Page, static_pages
from products.wording import LANGUAGES


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        for section in bulletin.sections:
            path = f"display/{section.site.id}.html"
            yield renderer.page("display/screen.html", path, section=section)
    yield from static_pages()
    yield status_page(bulletin)
