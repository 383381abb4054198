"""What `skyscape status` shows of what is sent: to whom, what failed, and what to do.

Receivers are named by their ids; no address, key or secret stands here.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from forecast.archive.issues import Archive
from forecast.archive.outbox import recent
from forecast.sent import FAILED, SENDING, SENT, WITHDRAWN, Sent

DAY = timedelta(days=1)
REFUSED = timedelta(days=8)  # so far back what was refused for good is named
MOST = 20  # failures that the text names; the JSON names all
WORDS = {SENT: "sent", WITHDRAWN: "withdrawn or cancelled", SENDING: "unclear", FAILED: "failed"}


def found(archive: Archive, now: datetime) -> list[dict[str, Any]]:
    """Return of each receiver what it was sent in the last day, and what failed, as JSON holds it.

    Raises: ArchiveError.
    """
    receivers: dict[tuple[str, str], dict[str, Any]] = {}
    for channel, receiver, key, sent in recent(archive, now - REFUSED):
        if key == "rate" or (key == receiver and sent.state != FAILED):
            continue  # what a channel remembers for itself
        failed = sent.state in (SENDING, FAILED)
        if sent.at < now - DAY and not (failed and sent.final):
            continue
        of = receivers.setdefault(
            (channel, receiver),
            {"channel": channel, "receiver": receiver, "last": sent.at.isoformat(),
             "counts": Counter(), "failures": []},
        )  # fmt: skip
        of["counts"][WORDS[sent.state]] += 1
        if failed:
            _add(of["failures"], _failure(channel, key, sent))
    return [{**of, "counts": dict(of["counts"])} for of in receivers.values()]


def _add(failures: list[dict[str, Any]], found: dict[str, Any]) -> None:
    """Add what did not arrive; what was sent in one message is one failure with several keys."""
    if failures and {**failures[-1], "keys": found["keys"]} == found:
        failures[-1]["keys"] += found["keys"]
    else:
        failures.append(found)


def _failure(channel: str, key: str, sent: Sent) -> dict[str, Any]:
    return {
        "keys": [key], "issue": sent.issue, "at": sent.at.isoformat(), "attempts": sent.attempts,
        "state": WORDS[sent.state], "detail": sent.detail, "to_do": _to_do(channel, key, sent),
    }  # fmt: skip


def _to_do(channel: str, key: str, sent: Sent) -> str:
    """Return what a person may do about what did not arrive."""
    if sent.state == SENDING and (channel == "webhook" or key.startswith("hazard/")):
        return "it may have arrived; tried again by itself"
    if sent.state == SENDING:
        return "it may have arrived: ask the receiver"
    if sent.final:
        return "not tried again: mend the cause, or the receiver in the settings"
    return "tried again by itself; mend the cause"


def lines(receivers: list[dict[str, Any]]) -> list[str]:
    """Return it as text."""
    shown = []
    for of in receivers:
        counts = ", ".join(f"{count} {what}" for what, count in of["counts"].items())
        shown.append(f"delivered  {of['last']}  {of['channel']} {of['receiver']}  {counts}")
    failures = [(of, failure) for of in receivers for failure in of["failures"]]
    for of, failure in failures[:MOST]:
        first, *others = failure["keys"]
        keys = f"{first} and {len(others)} more" if others else first
        why = f"{failure['detail']}; " if failure["detail"] else ""
        shown.append(
            f"not sent   {failure['at']}  {of['channel']} {of['receiver']}  {keys}  "
            f"{failure['state']}, attempt {failure['attempts']}: {why}{failure['to_do']}"
        )
    if len(failures) > MOST:
        shown.append(f"not sent   {len(failures) - MOST} more: status --json names them")
    return shown
