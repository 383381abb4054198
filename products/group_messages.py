"""Send to groups and servers: the issue at its hour, alerts, and that an issue is withdrawn.

Who may hold what stands in the outbox: a message is kept as `sending` before it goes out. Where it
is unclear whether it arrived, hazards, cancellations and withdrawals are sent again (at least
once), everything else is not (at most once), unless the receiver knows a message by its id. The
same three are tried again also where the receiver refused them.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from forecast.domain import Receipt
from forecast.errors import DeliveryError
from forecast.sent import FAILED, SENDING, SENT, WITHDRAWN, Sent
from forecast.settings.delivery import GroupSettings
from products.delivery import Delivery, digest_of
from products.group_alerts import (
    CANCELLED,
    AlertNotice,
    GroupAlerts,
    counted,
    is_over,
    merged,
    stands,
)
from products.messages import cut, page_of, plain
from products.wording import Words

log = logging.getLogger(__name__)

MOST_UNCLEAR = 3  # attempts of an issue at a message that may have arrived each time
MINUTE = timedelta(minutes=1)
RATE = "rate"  # the key under which the outbox remembers when a group was sent something
ISSUE, ALERTS, WITHDRAWAL = "issue", "alerts", "withdrawal"


@dataclass(frozen=True, slots=True)
class GroupMessage:
    """One message to one group. kind: ISSUE, ALERTS or WITHDRAWAL."""

    kind: str
    text: str
    markdown: str
    notices: tuple[AlertNotice, ...]

    @property
    def id(self) -> str:
        """The same for the same content, so that a receiver knows what it has already."""
        return digest_of(*(part for n in self.notices for part in (n.key, n.digest)))


@dataclass(frozen=True, slots=True)
class ChannelSender:
    """How a channel sends. post: sends one message to a group. longest: [byte] of its markdown.

    per_minute: messages to one group. knows_ids: whether a receiver drops what it has already.
    """

    channel: str
    post: Callable[[GroupSettings, GroupMessage], None]
    longest: int
    per_minute: int
    knows_ids: bool = False


def deliver(
    delivery: Delivery, groups: tuple[GroupSettings, ...], sender: ChannelSender
) -> Receipt:
    """Send each group what it does not have yet; one that fails stops no other."""
    sent, problems = list[str](), list[str]()
    for group in groups:
        try:
            for kind in GroupDelivery(delivery, group, sender).send():
                sent.append(f"{group.id}: {kind}")
        except DeliveryError as error:
            problems.append(f"{group.id}: {error}")
    detail = "; ".join([*problems, *sent])
    outcome = "failed" if problems else "sent" if sent else "unchanged"
    return delivery.receipt(sender.channel, outcome, detail)


class GroupDelivery:
    """The delivery of an issue to one group."""

    def __init__(self, delivery: Delivery, group: GroupSettings, sender: ChannelSender) -> None:
        self._delivery, self._group, self._sender = delivery, group, sender
        self._now = delivery.now
        self._words = Words(group.language, delivery.config.zone)
        page = delivery.pages.get(page_of(sender.channel, group.language))
        self._content: dict[str, Any] | None = json.loads(page) if page else None
        self._sent = delivery.outbox.keys(group.id)

    def send(self) -> Iterator[str]:
        """Send what is due; yield the kind of each message that arrived. Raises: DeliveryError."""
        if self._content is None:
            return
        for message in self._due(self._content):
            if not self._below_rate():
                log.info("%s: the rest waits for the next minute", self._group.id)
                return
            self._post(message)
            log.info("%s %s: %s sent", self._sender.channel, self._group.id, message.kind)
            yield message.kind

    # -- what is due

    def _due(self, content: dict[str, Any]) -> Iterator[GroupMessage]:
        if self._delivery.withdrawal is not None:
            yield from self._withdrawal(content)
            return
        quiet = self._is_quiet()
        alerts = self._group.alerts
        if alerts is not None:
            sites = {site.id: site for site in self._delivery.config.all_sites()}
            of = GroupAlerts(alerts, content, self._sent, sites, self._words, self._now)
            wanted = [n for n in of.notices() if self._wanted(n)]
            yield from self._alerts(of, content, [n for n in wanted if n.urgent])
        if self._group.issues and not quiet:
            yield from self._issue(content)
        if alerts is not None and not quiet:
            yield from self._alerts(of, content, [n for n in wanted if not n.urgent])

    def _is_quiet(self) -> bool:
        """Return whether the group sleeps; the times are local, and may lie about midnight."""
        begin, end = self._group.quiet_from, self._group.quiet_until
        if begin is None or end is None:
            return False
        at = self._words.local(self._now).time().replace(tzinfo=None)
        return begin <= at < end if begin <= end else at >= begin or at < end

    def _wanted(self, notice: AlertNotice) -> bool:
        """Return whether the group does not have a notice, and it may be sent now."""
        before = self._sent.get(notice.key)
        if before is None or before.digest != notice.digest:
            return True
        if before.state == FAILED:
            return before.due(self._now)
        if before.state != SENDING or not before.due(self._now):
            return False
        of_this = before.issue == self._delivery.issue.id
        again = notice.urgent and (before.attempts < MOST_UNCLEAR or not of_this)
        return again or self._sender.knows_ids

    def _issue(self, content: dict[str, Any]) -> Iterator[GroupMessage]:
        """Yield the issue, once; what the group has had is never sent again."""
        key, text = f"issue/{content['issue']}", content["text"]
        notice = AlertNotice(key, ISSUE, text, False, digest_of(content["markdown"]), {})
        before = self._sent.get(key)
        if (before is None or before.state in (SENDING, FAILED)) and self._wanted(notice):
            markdown = cut(content["markdown"], self._sender.longest, self._tail(content))
            yield GroupMessage(ISSUE, text, markdown, (notice,))

    def _withdrawal(self, content: dict[str, Any]) -> Iterator[GroupMessage]:
        """Yield that the issue is withdrawn, to a group that may have it or an alert that stands.

        All alerts end with it: no issue is in force that would hold them.
        """
        key = f"issue/{content['issue']}"
        before = self._sent.get(key)
        standing = [
            name
            for name, sent in self._sent.items()
            if name.startswith(("event/", "hazard/"))
            and stands(sent)
            and not is_over(sent, self._now)
        ]
        text = content["text"]
        digest = digest_of(WITHDRAWN, text)
        has_it = before is not None and (before.state in (SENT, SENDING) or before.digest == digest)
        if not has_it and not standing:
            return
        first = AlertNotice(key, WITHDRAWAL, text, True, digest, {})
        if not self._wanted(first):
            return
        if standing:
            text = self._words("messages.withdrawn", text=text).strip()
        ended = (
            AlertNotice(name, CANCELLED, "", True, digest, counted(self._sent[name]))
            for name in standing
        )
        markdown = cut(plain(text), self._sender.longest, "")
        yield GroupMessage(WITHDRAWAL, text, markdown, (first, *ended))

    def _alerts(
        self, of: GroupAlerts, content: dict[str, Any], notices: list[AlertNotice]
    ) -> Iterator[GroupMessage]:
        """Yield the notices in as few messages as hold them."""
        held: list[tuple[str, list[AlertNotice]]] = []
        for line in merged(of, notices):
            if held and len(self._markdown(content, [*held, line]).encode()) > self._sender.longest:
                yield self._together(content, held)
                held = []
            held.append(line)
        if held:
            yield self._together(content, held)

    def _together(
        self, content: dict[str, Any], lines: list[tuple[str, list[AlertNotice]]]
    ) -> GroupMessage:
        text = "\n".join([content["head"], *(line for line, _ in lines)])
        markdown = cut(
            self._markdown(content, lines, ""), self._sender.longest, self._tail(content)
        )
        return GroupMessage(ALERTS, text, markdown, tuple(n for _, of in lines for n in of))

    def _markdown(
        self,
        content: dict[str, Any],
        lines: list[tuple[str, list[AlertNotice]]],
        tail: str | None = None,
    ) -> str:
        def coloured(line: str, of: list[AlertNotice]) -> str:
            warns = "hazard" in of[0].record and of[0].kind != CANCELLED
            return f'> <font color="warning">{plain(line)}</font>' if warns else f"> {plain(line)}"

        safety = all("hazard" in n.record for _, of in lines for n in of)
        title = self._words("section.safety" if safety else "messages.alerts")
        head = f'**{title}**\n<font color="comment">{plain(content["head"])}</font>'
        body = "\n".join([head, *(coloured(line, of) for line, of in lines)])
        return body + (self._tail(content) if tail is None else tail)

    def _tail(self, content: dict[str, Any]) -> str:
        """Return the link to the full text; where there is no address, nothing."""
        more = self._words("messages.more")
        return f"\n[{more}]({content['url']})" if content["url"] else ""

    # -- sending

    def _below_rate(self) -> bool:
        """Return whether the group may be sent one more now, and remember that it is.

        Kept in the outbox, so that a process that starts again does not begin anew.
        """
        outbox, now = self._delivery.outbox, self._now
        before = outbox.find(self._group.id, RATE)
        times = json.loads(before.remote.get("times", "[]")) if before else []
        recent = [each for each in times if datetime.fromisoformat(each) > now - MINUTE]
        if len(recent) >= self._sender.per_minute:
            return False
        kept = {"times": json.dumps([*recent, now.isoformat()])}
        outbox.keep(self._group.id, RATE, Sent(SENT, self._delivery.issue.id, "", now, remote=kept))
        return True

    def _post(self, message: GroupMessage) -> None:
        """Send a message and keep what became of it. Raises: DeliveryError."""
        delivery, group = self._delivery, self._group.id
        begun = [(n, delivery.begun(group, n.key, n.digest)) for n in message.notices]
        try:
            self._sender.post(self._group, message)
        except DeliveryError as error:
            for notice, sent in begun:
                delivery.failed(group, notice.key, sent, error, notice.urgent)
            raise
        for notice, sent in begun:
            ends = notice.kind in (CANCELLED, WITHDRAWAL)
            delivery.done(group, notice.key, sent, notice.kept, WITHDRAWN if ends else SENT)
