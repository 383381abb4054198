"""The WeChat article, within the limits of the platform: to paste, and sent as a draft where the
settings name an account (products/wechat).
"""

from __future__ import annotations

from collections.abc import Iterator

from forecast.domain import Receipt
from forecast.errors import DeliveryError, PublishError
from products.bulletin import Bulletin
from products.confidence import as_usual
from products.delivery import Delivery
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.wechat.article import CHARACTERS, DIGEST, PAGE, TITLE
from products.wechat.delivering import IssueDelivery
from products.wording import LANGUAGES, Words

SITES = 12  # at most; the web site has them all
CUT = "…"  # where a title or a digest is too long
PICTURES = "posters"  # the channel that draws the picture at its top


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
            PAGE,
            PAGE,
            title=title,
            digest=digest if len(digest) <= DIGEST else digest[: DIGEST - 1] + CUT,
            picture=PICTURES in bulletin.channels,
            sections=bulletin.sections[:count],
            rest=len(bulletin.sections) - count,
        )
        if len(page.body) < CHARACTERS:
            return page
    raise PublishError(
        f"{page.path}: {len(page.body)} characters with one site; "
        f"WeChat takes fewer than {CHARACTERS}"
    )


def deliver(delivery: Delivery) -> Receipt:
    """Send the article as a draft; publish it, where the settings ask for that.

    Raises: DeliveryError.
    """
    settings = delivery.config.delivery.wechat
    if settings is None:
        return delivery.receipt("wechat", "unchanged")
    ours = IssueDelivery(delivery, settings)
    # what readers see goes first where it must vanish, last where it must appear
    steps = (
        (ours.publication, ours.draft) if delivery.withdrawal else (ours.draft, ours.publication)
    )
    done, failed = [], []
    for step in steps:
        try:
            done.append(step())
        except DeliveryError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    detail = "; ".join(filter(None, done))
    return delivery.receipt("wechat", "sent" if detail else "unchanged", detail)


def _title(bulletin: Bulletin, words: Words) -> str:
    """Return the title. Where it is too long the name of the service is cut: the number stays."""
    kind = f"{bulletin.marks[0]}_title" if bulletin.marks else "title"
    corrects = bulletin.review is not None and bulletin.review.corrects is not None

    def titled(name: str) -> str:
        title = words(f"wechat.{kind}", title=name, number=bulletin.issue.number)
        return words("review.correction_title", title=title) if corrects else title

    name = words.name(bulletin.title)
    excess = len(titled(name)) - TITLE
    return titled(name[: -excess - len(CUT)] + CUT) if excess > 0 else titled(name)


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
