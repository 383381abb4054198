"""The WeChat article, within the limits of the platform."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.errors import PublishError
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.wording import LANGUAGES, Words

CHARACTERS = 20_000  # the platform refuses an article of this length
TITLE = 32  # [character]
DIGEST = 120  # [character]
SITES = 12  # at most; the web site has them all


def render(bulletin: Bulletin) -> Iterator[Page]:
    """Yield the article of each language.

    Raises: PublishError where an article with one site is too long.
    """
    for language in LANGUAGES:
        yield _article(bulletin, PageRenderer(bulletin, language))


def _article(bulletin: Bulletin, renderer: PageRenderer) -> Page:
    """Return the article with as many sites as fit."""
    title, digest = _title(bulletin, renderer.words), _digest(bulletin, renderer)
    for count in range(min(SITES, len(bulletin.sections)), 0, -1):
        page = renderer.page(
            "wechat/article.html",
            "wechat/article.html",
            title=title[:TITLE],
            digest=digest[:DIGEST],
            sections=bulletin.sections[:count],
            rest=len(bulletin.sections) - count,
        )
        if len(page.body) < CHARACTERS:
            return page
    raise PublishError(
        f"{page.path}: {len(page.body)} characters with one site; "
        f"WeChat takes fewer than {CHARACTERS}"
    )


def _title(bulletin: Bulletin, words: Words) -> str:
    kind = f"{bulletin.marks[0]}_title" if bulletin.marks else "title"
    title = words(f"wechat.{kind}", title=words.name(bulletin.title), number=bulletin.issue.number)
    corrects = bulletin.review is not None and bulletin.review.corrects is not None
    return words("review.correction_title", title=title) if corrects else title


def _digest(bulletin: Bulletin, renderer: PageRenderer) -> str:
    """Return the one line under an article's title; hazards that are not assessed are named."""
    words = renderer.words
    if not bulletin.best:
        return words(f"wechat.digest_{bulletin.best_reason}")
    forecast, open_hazards = bulletin.best[0].forecast, bulletin.best[0].not_assessed
    digest = words(
        "wechat.digest",
        day=words.day(forecast.event.day),
        spot=words.spot(forecast.event.site, forecast.event.phenomenon),
        percent=words.percent(forecast.probability),
        stars=words("usual.badge" if as_usual(forecast) else f"stars.{forecast.grade}"),
    )
    if not open_hazards:
        return digest
    hazards = renderer.phrases.not_assessed(open_hazards)
    return words("wechat.digest_open", digest=digest, hazards=hazards)
