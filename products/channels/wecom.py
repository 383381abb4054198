"""Groups of WeCom (enterprise WeChat), by the robot of each group.

Limits: markdown of 4096 bytes of UTF-8, 20 messages a minute and robot; whether a message was taken
stands in `errcode`. A robot cannot be asked what it has sent. Source: developer.work.weixin.qq.com,
document 91770 (robots of groups).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from forecast.config import Config
from forecast.domain import Issue, Receipt
from forecast.errors import DeliveryError
from forecast.http.sending import Outgoing
from forecast.review import Withdrawal
from forecast.settings.delivery import WECOM_KEYS, GroupSettings, named
from products import messages
from products.bulletin import Bulletin
from products.delivery import Delivery
from products.group_messages import ChannelSender, GroupMessage
from products.group_messages import deliver as deliver_to_groups
from products.marking import Mark, marked_json
from products.pages.templating import Page
from products.wording import Words

LONGEST = 4096  # [byte] of markdown
PATH = "/cgi-bin/webhook/send"
BUSY, TOO_MANY, WRONG_KEY = -1, 45009, 93000  # errcode


def render(bulletin: Bulletin) -> Iterator[Page]:
    yield from messages.pages(bulletin, "wecom")


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    yield from messages.withdrawn("wecom", issue, withdrawal, config)


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived page with its mark."""
    return marked_json(path, page, mark)


def deliver(delivery: Delivery) -> Receipt:
    """Send each group what it does not have yet."""
    settings = delivery.config.delivery.wecom
    assert settings is not None  # products.channels.sends
    keys = named(delivery.secrets.get(WECOM_KEYS, ""))
    outgoing = Outgoing(settings.url)

    def post(group: GroupSettings, message: GroupMessage) -> None:
        send_markdown(outgoing, keys, group.id, message.markdown)

    sender = ChannelSender("wecom", post, LONGEST, settings.requests_per_minute)
    return deliver_to_groups(delivery, settings.groups, sender)


def send_markdown(outgoing: Outgoing, keys: Mapping[str, str], robot: str, text: str) -> None:
    """Send markdown to the group of a robot. Raises: DeliveryError."""
    if robot not in keys:
        raise DeliveryError(f"{WECOM_KEYS} has no key of {robot}: add {robot}:key",
                            worth_retrying=True)  # fmt: skip
    content = {"msgtype": "markdown", "markdown": {"content": text}}
    _check(outgoing.json(PATH, content, query=[("key", keys[robot])]), keys[robot])


def _check(answer: object, key: str) -> None:
    """Raise where the robot did not take a message: DeliveryError, which never repeats the key."""
    code = answer.get("errcode") if isinstance(answer, dict) else None
    if code == 0:
        return
    if not isinstance(answer, dict) or not isinstance(code, int):
        raise DeliveryError("WeCom: the answer has no errcode", unclear=True)
    advice = {
        BUSY: "the server is busy",
        TOO_MANY: "more than 20 messages in a minute: it waits",
        WRONG_KEY: f"the key is wrong or the robot was removed: correct {WECOM_KEYS}",
    }.get(code, str(answer.get("errmsg", "")).replace(key, "***")[:200])
    raise DeliveryError(f"WeCom: errcode {code}: {advice}", worth_retrying=code in (
        BUSY, TOO_MANY, WRONG_KEY))  # fmt: skip
