"""Pictures: a poster and a card for each site, the long picture of the day, covers of articles.

They are drawn from SVG without a browser (products/drawing). The web pages name the cards as the
picture of a link that is shared; `wechat` takes its cover from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from products.bulletin import Bulletin
from products.drawing.captions import Captions
from products.drawing.card import (
    CARD,
    COVER,
    INDEX,
    SITES,
    SQUARE,
    card_path,
    cover,
    index_card,
    site_card,
)
from products.drawing.day import long_picture
from products.drawing.picture import Picture
from products.drawing.poster import HEIGHT, WIDTH, poster
from products.drawing.withdrawal import stamped, withdrawn_pictures
from products.marking import Mark
from products.pages.templating import Page
from products.wording import LANGUAGES, Words

POSTER = (WIDTH, HEIGHT)
# path -> size [px] of the pictures of the whole service
WHOLE = {
    "posters/day.png": POSTER,
    INDEX: CARD,
    "wechat/cover.png": COVER,
    "wechat/square.png": SQUARE,
}


def render(bulletin: Bulletin) -> Iterator[Page]:
    """Yield the pictures of each language. Raises: PublishError where one cannot be drawn."""
    for path, draw in pictures(bulletin):
        yield Page(path, draw().png())


def pictures(bulletin: Bulletin) -> Iterator[tuple[str, Callable[[], Picture]]]:
    """Yield the path of each picture and what draws it."""
    sections = bulletin.sections[:SITES]
    for language in LANGUAGES:
        captions = Captions(bulletin, language)
        for section in sections:
            yield captions.prefix + _poster(section.site.id), partial(poster, section, captions)
            yield (
                captions.prefix + card_path(section.site.id),
                partial(site_card, section, captions),
            )
        drawn = {
            "posters/day.png": partial(long_picture, sections, captions),
            INDEX: partial(index_card, captions),
            "wechat/cover.png": partial(cover, COVER, captions),
            "wechat/square.png": partial(cover, SQUARE, captions),
        }
        for path in WHOLE:
            yield captions.prefix + path, drawn[path]


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield what stands in place of each picture of a withdrawn issue."""
    for path, draw in notices(issue, withdrawal, config):
        yield Page(path, draw().png())


def notices(
    issue: Issue, withdrawal: Withdrawal, config: Config
) -> Iterator[tuple[str, Callable[[], Picture]]]:
    """Return the path of each picture of a withdrawn issue and what draws its notice."""
    title, sites = config.service.title.as_name(), config.all_sites()[:SITES]
    names = {path: (title, size) for path, size in WHOLE.items()}
    names |= {_poster(site.id): (site.title, POSTER) for site in sites}
    names |= {card_path(site.id): (site.title, CARD) for site in sites}
    return withdrawn_pictures(names, issue, withdrawal, config)


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived picture with its notice."""
    return stamped(page, mark, words) if path.endswith(".png") else None


def _poster(site: str) -> str:
    return f"posters/{site}.png"
