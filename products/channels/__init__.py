"""The channels of a bulletin: each module renders its pages, `render(bulletin) -> pages`.

web       index.html  sites/<id>/  archive/  verification/  models/  en/…
display   display/<id>.html  en/display/<id>.html    a screen for each site
wechat    wechat/article.html  en/…                  an article to be sent
sms       sms.txt  en/sms.txt                        a message to be sent
api       api/v1/                                    data and their schemas
static/   style sheets and scripts, of web and display
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from forecast.settings import Channel
from products.bulletin import Bulletin
from products.channels import api, display, sms, web, wechat
from products.pages.templating import Page

RENDERERS: Mapping[Channel, Callable[[Bulletin], Iterator[Page]]] = MappingProxyType(
    {
        "web": web.render,
        "display": display.render,
        "wechat": wechat.render,
        "sms": sms.render,
        "api": api.render,
    }
)


def render(bulletin: Bulletin, channel: Channel) -> Iterator[Page]:
    """Yield the pages of one channel.

    Raises: PublishError where a limit of the channel cannot be kept, ConfigError where a template
    or a word has a fault.
    """
    return RENDERERS[channel](bulletin)
