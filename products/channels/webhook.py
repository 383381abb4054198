"""Servers that take messages as JSON over HTTPS, signed with a secret (docs/messages.md)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from forecast.config import Config
from forecast.domain import Issue, Receipt
from forecast.http.sending import Outgoing
from forecast.review import Withdrawal
from forecast.settings.delivery import WEBHOOK_SECRETS, GroupSettings, WebhookTarget, named
from products import api_v2, messages
from products.bulletin import Bulletin
from products.delivery import Delivery
from products.group_alerts import AlertNotice
from products.group_messages import ChannelSender, GroupMessage
from products.group_messages import deliver as deliver_to_groups
from products.marking import Mark, marked_json
from products.pages.templating import Page
from products.wording import Words

SCHEMA = "skyscape.message/1"
LONGEST = 1_000_000  # [byte] of markdown: no cut
PER_MINUTE = 60
# of the record of an event or of a hazard
MEMBERS = (
    "site", "phenomenon", "day", "probability", "grade", "best_start", "best_end", "hazards",
    "hazard", "sites",
)  # fmt: skip
ID, TIME, SIGNATURE = "X-Skyscape-Id", "X-Skyscape-Timestamp", "X-Skyscape-Signature"


def render(bulletin: Bulletin) -> Iterator[Page]:
    yield from messages.pages(bulletin, "webhook")


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    yield from messages.withdrawn("webhook", issue, withdrawal, config)


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return an archived page with its mark."""
    return marked_json(path, page, mark)


def deliver(delivery: Delivery) -> Receipt:
    """Send each server what it does not have yet."""
    settings = delivery.config.delivery.webhook
    assert settings is not None  # products.channels.sends
    secrets = named(delivery.secrets.get(WEBHOOK_SECRETS, ""))

    def post(group: GroupSettings, message: GroupMessage) -> None:
        assert isinstance(group, WebhookTarget)
        content, secret = _content(delivery, group, message), secrets.get(group.id, "")
        send_signed(group.url, secret, message.id, content, delivery.now)

    sender = ChannelSender("webhook", post, LONGEST, PER_MINUTE, knows_ids=True)
    return deliver_to_groups(delivery, settings.targets, sender)


def send_signed(url: str, secret: str, id: str, content: Mapping[str, Any], now: datetime) -> None:
    """Send JSON to a server, signed where it has a secret. Raises: DeliveryError."""
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8", ID: id}
    if secret:
        stamp = str(int(now.timestamp()))
        headers |= {TIME: stamp, SIGNATURE: signature(secret, stamp, body)}
    Outgoing(url).send("", data=body, headers=headers)


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature of a message: HMAC-SHA256 over its time, a full stop and its body."""
    content = stamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def _content(delivery: Delivery, group: GroupSettings, message: GroupMessage) -> dict[str, Any]:
    page = json.loads(delivery.pages[messages.page_of("webhook", group.language)])
    return {
        "schema": SCHEMA,
        "id": message.id,
        "kind": message.kind,
        "language": group.language,
        **{name: page[name] for name in ("status", "issue", "number", "issued_at", "expires_at")},
        "url": page["url"] or None,
        "text": message.text,
        "markdown": message.markdown,
        "items": [_item(notice) for notice in message.notices],
    }


def _item(notice: AlertNotice) -> dict[str, Any]:
    """Return what a message says of one event or hazard, its numbers as readers see them."""
    record = {name: notice.record[name] for name in MEMBERS if name in notice.record}
    if "probability" in record:
        record["probability"] = api_v2.rounded(record["probability"])
    if "value" in notice.record:
        record |= api_v2.hazard(record["hazard"], notice.record["value"])
    return {
        "key": notice.key, "version": notice.digest, "kind": notice.kind,
        "text": notice.text or None, **record,
    }  # fmt: skip
