"""What was sent to whom: the noun of the outbox (forecast/archive/outbox.py)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SENDING, SENT, FAILED, WITHDRAWN = "sending", "sent", "failed", "withdrawn"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Sent:
    """What the outbox knows of one message to one receiver.

    state: SENDING (it may have arrived), SENT, FAILED (it did not arrive), WITHDRAWN (the receiver
    was told that it no longer holds). digest: of what was sent last. remote: names that the
    receiver gave it. final: whether a failure is not worth another attempt.
    """

    state: str
    issue: str
    digest: str
    at: datetime
    remote: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 1
    final: bool = False
    detail: str = ""

    def due(self, now: datetime) -> bool:
        """Return whether a message that was not sent may be tried again: 1, 2, 4 ... 30 min."""
        pause = min(FIRST_PAUSE * 2 ** min(self.attempts - 1, 10), LONGEST_PAUSE)
        return not self.final and now >= self.at + pause
