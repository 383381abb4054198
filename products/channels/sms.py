"""The short message."""

from __future__ import annotations

from collections.abc import Iterator

from products.bulletin import Bulletin
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.wording import LANGUAGES


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        yield PageRenderer(bulletin, language).page("sms/bulletin.txt", "sms.txt")
