"""The channels of a bulletin, a module each; a channel is known by the name of its module.

web       index.html  sites/<id>/  archive/  verification/  models/  en/…
display   display/<id>.html  en/display/<id>.html    a screen for each site
          display/<id>.png  en/display/<id>.png      its first face as a picture
          display/package.zip                        all screens, for players that take packages
widget    widget/<id>.html  en/widget/<id>.html      a card for each site, that other sites embed
wechat    wechat/article.html  en/…                  an article to paste, and a draft of the account
sms       sms.txt  sms/parts.json  en/…              a message to be sent, and its parts
api       api/v1/  api/v2/  sites.geojson            data and their schemas
feeds     feeds/<all, site or phenomenon>.atom .json   en/…
calendar  calendar/<all or site>.ics  en/…           good times, to subscribe to
posters   posters/<id>.png  posters/day.png  en/…    posters, and the long picture of the day
          cards/<id>.png  cards/index.png  en/…      pictures of links that are shared
          wechat/cover.png  wechat/square.png  en/…  covers of the article
wecom     wecom/messages.json  en/…                  messages to groups of WeCom
webhook   webhook/messages.json  en/…                messages to servers
email     email/bulletin.html  .txt  en/…            a mail to lists
static/   style sheets and scripts of the pages; service-worker.js

A module has `render(bulletin) -> pages`. Where it needs them it also has

    site_pages(bulletin, section)               its pages of one site; beyond output.static_sites
                                                they are made when somebody asks for them
    deliver(delivery) -> Receipt                sends its pages (products/delivery.py)
    withdrawn(issue, withdrawal, config)        its pages in place of those of a withdrawn issue,
                                                beside the HTML and text that all channels share
    cancelled(pages, withdrawal, config)        the same, made from its pages of that issue
    mark(path, page, mark, words) -> bytes | None    an archived page that says that its issue was
                                                withdrawn or corrected; None: as HTML and text are

A new channel is such a module, its name in `forecast.settings.CHANNELS`, and its words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from forecast.config import Config
from forecast.domain import Issue, Receipt
from forecast.review import Withdrawal
from forecast.settings import CHANNELS, Channel
from products.bulletin import Bulletin
from products.delivery import Delivery
from products.pages.templating import Page
from products.sections import Section

if TYPE_CHECKING:
    from products.marking import Mark
    from products.wording import Words


def render(bulletin: Bulletin, channel: Channel) -> Iterator[Page]:
    """Yield the pages of one channel.

    Raises: PublishError where a limit of the channel cannot be kept, ConfigError where a template
    or a word has a fault.
    """
    pages: Iterator[Page] = _module(channel).render(bulletin)
    return pages


def site_pages(channel: str, bulletin: Bulletin, section: Section) -> Iterator[Page]:
    """Yield a channel's pages of one site; none of a channel that has none."""
    if channel in CHANNELS and hasattr(_module(channel), "site_pages"):
        yield from _module(channel).site_pages(bulletin, section)


def has_site_pages(channel: str) -> bool:
    """Return whether a channel has pages of single sites."""
    return hasattr(_module(channel), "site_pages")


def sends(channel: str, config: Config) -> bool:
    """Return whether a channel sends its pages to somebody under these settings."""
    return hasattr(_module(channel), "deliver") and getattr(config.delivery, channel) is not None


def deliver(channel: Channel, delivery: Delivery) -> Receipt:
    """Send the pages of a channel. Raises: SkyscapeError."""
    receipt: Receipt = _module(channel).deliver(delivery)
    return receipt


def withdrawn(channel: str, issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield a channel's own pages of a withdrawn issue; none of a channel that is not known."""
    if channel in CHANNELS and hasattr(_module(channel), "withdrawn"):
        yield from _module(channel).withdrawn(issue, withdrawal, config)


def cancelled(
    channel: str, pages: Callable[[], Mapping[str, bytes]], withdrawal: Withdrawal, config: Config
) -> Iterator[Page]:
    """Yield a channel's own pages of a withdrawn issue that are made from its pages of the issue.

    pages: reads those by path.
    """
    if channel in CHANNELS and hasattr(_module(channel), "cancelled"):
        yield from _module(channel).cancelled(pages(), withdrawal, config)


def marked(channel: str, path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived page with its mark; None where the channel has no way of its own."""
    if channel not in CHANNELS or not hasattr(_module(channel), "mark"):
        return None
    found: bytes | None = _module(channel).mark(path, page, mark, words)
    return found


def _module(channel: str) -> ModuleType:
    return import_module(f"{__name__}.{channel}")
