"""Delivery: what a channel sends to receivers who do not come to the pages.

A channel that sends has `deliver(delivery) -> Receipt` beside `render`. It sends the pages of the
release that readers see, so a process that died can send them as they were. The outbox remembers
what each receiver has: a message is kept as `sending` before it is sent and as `sent` after.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from forecast.config import Config
from forecast.domain import Issue, Receipt
from forecast.errors import DeliveryError
from forecast.review import Withdrawal
from forecast.sent import FAILED, SENDING, SENT, Sent


class Outbox(Protocol):
    """The messages of one channel, kept for ever. receiver: the id of a group, list or account;
    key: what the message is about, the same for its updates.
    """

    def find(self, receiver: str, key: str) -> Sent | None: ...

    def keep(self, receiver: str, key: str, sent: Sent) -> None: ...

    def keys(self, receiver: str) -> Mapping[str, Sent]: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be delivered: the issue that readers see, and the channel's pages of it.

    withdrawal: where the issue is withdrawn; its pages say so. pages: path -> content, only those
    that are of this issue. secrets: of the environment, by variable; never in a log or a page.
    of_release: reads a page of any channel of this issue, see `page`.
    """

    issue: Issue
    withdrawal: Withdrawal | None
    pages: Mapping[str, bytes]
    config: Config
    outbox: Outbox
    secrets: Mapping[str, str]
    now: datetime
    of_release: Callable[[str], bytes | None] = lambda path: None

    def page(self, path: str) -> bytes | None:
        """Return a page of this issue, of whatever channel; None where it has none."""
        return self.pages[path] if path in self.pages else self.of_release(path)

    def receipt(self, channel: str, outcome: str, detail: str = "") -> Receipt:
        """Return the receipt of a channel. outcome: sent, unchanged, withheld or failed."""
        return Receipt(channel, self.issue.id, outcome, detail)

    def begun(self, receiver: str, key: str, digest: str) -> Sent:
        """Keep that a message is being sent, and return it as kept."""
        before = self.outbox.find(receiver, key)
        again = before is not None and before.state in (SENDING, FAILED)
        same = before is not None and (before.digest, before.issue) == (digest, self.issue.id)
        sent = Sent(
            SENDING,
            self.issue.id,
            digest,
            self.now,
            before.remote if before else {},
            before.attempts + 1 if before and again and same else 1,
        )
        self.outbox.keep(receiver, key, sent)
        return sent

    def done(
        self,
        receiver: str,
        key: str,
        sent: Sent,
        remote: Mapping[str, str] | None = None,
        state: str = SENT,
    ) -> None:
        """Keep that a message has arrived, with the names that the receiver gave it."""
        found = sent.remote if remote is None else remote
        self.outbox.keep(receiver, key, replace(sent, state=state, remote=found))

    def failed(
        self, receiver: str, key: str, sent: Sent, error: DeliveryError, again: bool = False
    ) -> None:
        """Keep why a message did not arrive, or that it is unclear whether it did.

        again: whether it is tried again also where it was refused for good.
        """
        state = SENDING if error.unclear else FAILED
        final = not (again or error.worth_retrying or error.unclear)
        kept = replace(sent, state=state, final=final, detail=str(error))
        self.outbox.keep(receiver, key, kept)


def digest_of(*parts: str | bytes) -> str:
    """Return a short hash of what is sent, by which a change is noticed."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode() if isinstance(part, str) else part)
        found.update(b"\0")
    return found.hexdigest()[:32]
