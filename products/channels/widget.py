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
from products.wording import LANGUAGES


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        for section in bulletin.sections:
            path = f"widget/{section.site.id}.html"
            entry = next(iter(faces(section)), None)
            yield renderer.page(
                "widget/card.html", path, section=section, entry=entry, faceless=faceless(section)
            )
    yield from static_pages()
    yield api.status_page(bulletin)
