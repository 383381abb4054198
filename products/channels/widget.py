"""A card of each site that other sites embed as a frame: what, how likely, when, and hazards.

Whoever serves `widget/` must let other sites frame it: `Content-Security-Policy: frame-ancestors *`
(docs/channels.md); every other page keeps its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from products.bulletin import Bulletin
from products.channels import api
from products.faces import faceless, faces
from products.pages.renderer import PageRenderer
from products.pages.templating import Page, static_pages
from products.sections import Section
from products.wording import LANGUAGES


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        for section in bulletin.written_sections:
            yield _card(section, renderer)
    yield from static_pages()
    yield api.status_page(bulletin)


def site_pages(bulletin: Bulletin, section: Section) -> Iterator[Page]:
    """Yield the card of one site in each language."""
    for language in LANGUAGES:
        yield _card(section, PageRenderer(bulletin, language))


def _card(section: Section, renderer: PageRenderer) -> Page:
    path, entry = f"widget/{section.site.id}.html", next(iter(faces(section)), None)
    return renderer.page(
        "widget/card.html", path, section=section, entry=entry, faceless=faceless(section)
    )
