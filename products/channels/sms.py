"""The short message. The forecaster's comment is in it where it stays within its limit."""

from __future__ import annotations

from collections.abc import Iterator

from products.bulletin import Bulletin
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.wording import LANGUAGES

# [character] with a comment: eight parts of a message, 67 Chinese or 153 Latin characters each
LONGEST = {"zh": 8 * 67, "en": 8 * 153}


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        whole, plain = (
            renderer.page("sms/bulletin.txt", "sms.txt", with_comment=with_comment)
            for with_comment in (True, False)
        )
        yield whole if len(whole.body) <= LONGEST[language] else plain
