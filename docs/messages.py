"""The page docs/messages.md: what is sent to groups, servers and lists, and how to trust it."""

from __future__ import annotations

from collections.abc import Iterator

from forecast.settings import delivery
from products import group_alerts, group_messages, short_message
from products.channels import email, webhook, wecom


def lines() -> Iterator[str]:
    """Yield the lines of the page."""
    yield from _INTRODUCTION.splitlines()
    yield from ("| what | value |", "|---|---|")
    for what, value in _numbers():
        yield f"| {what} | {value} |"
    yield from _REST.format(
        id=webhook.ID, time=webhook.TIME, signature=webhook.SIGNATURE, schema=webhook.SCHEMA
    ).splitlines()


def _numbers() -> Iterator[tuple[str, str]]:
    hours = group_alerts.MOVED.total_seconds() / 3600
    yield "a standing alert is cancelled from", f"{group_alerts.STANDS_BELOW:.0%} below the chance"
    yield "a best window is news where it moves by", f"{hours:.0f} h"
    yield "messages about one event", f"{group_alerts.MOST_MESSAGES}, then a cancellation at most"
    yield "attempts at a message that may have arrived", f"{group_messages.MOST_UNCLEAR}"
    yield "markdown of WeCom", f"{wecom.LONGEST} bytes of UTF-8"
    yield "messages a minute to a robot", "`requests_per_minute`, 20 at most"
    yield "messages a minute to a server", f"{webhook.PER_MINUTE}"
    yield (
        "an address that was refused for good is tried again after",
        (f"{email.REFUSED_PAUSE.days} days"),
    )
    yield "parts of a short message", f"{short_message.MOST_PARTS}"
    yield "secrets, all from the environment", ", ".join(f"`{v}`" for v in delivery.VARIABLES)


_INTRODUCTION = """# Channels that send

Written from the code by `make docs`; do not edit.

`delivery` in `config.yaml` says who gets what; `skyscape check` names receivers without a secret,
`skyscape status` what was sent to whom in the last day, what failed and what to do. What is sent
are pages of the release in force, looked at every 20 seconds, so nothing is sent that readers do
not see. Nothing is sent of an issue that has expired.

## Groups of WeCom, and servers (webhooks)

A group gets the issue at its hour (`issues`), and alerts (`alerts`) of events at `sites` for
`phenomena`, from a `chance` on, at most so many `days` ahead, and hazards where it wants them.
Never an event on a day that is dangerous, one that a forecaster removed, or one that says no more
than the season. All news of one look are one message, hazards first; one event is announced once,
updated (更新) where its grade, its best window or its danger changes, and cancelled (取消) where it
no longer holds. With an issue that is withdrawn all alerts end, in one message. A hazard is
cancelled only where the issue assessed it.

Between `quiet_from` and `quiet_until` only hazards, cancellations and withdrawals are sent. The
rest waits and is sent once, as it is then.
"""

_REST = """
## Twice or never

Before a message goes out the outbox keeps that it does, and afterwards that it arrived. After a
kill between the two, or a connection that broke before the answer, nobody knows whether it
arrived, and a robot or a mail server cannot be asked. Then:

| receiver | issue, events | hazards, cancellations, withdrawals |
|---|---|---|
| WeCom | at most once | at least once |
| e-mail | at most once | at least once (withdrawals) |
| webhook | at least once, with the same id | at least once, with the same id |

Hazards, cancellations and withdrawals are tried again, at least every 30 minutes while the issue
is in force, also where the receiver refused them. An address that the server of e-mail does not
take (at RCPT) is left alone for a time; where it refuses a message, the next one is tried.

A danger that is sent twice does no harm; a recommendation that is sent twice looks like another.

## The message of a webhook

`POST` to the `url` of a target, `https` except on this machine; no redirect is followed. A status
of 2xx says that it was taken. 408, 425, 429 and 5xx are tried again after 1, 2, 4 ... 30 minutes,
hazards, cancellations and withdrawals whatever the status is; anything else is not.

| header | content |
|---|---|
| `{id}` | the id of the message: drop one that you have |
| `{time}` | when it was signed, in seconds since 1970; refuse what is older than five minutes |
| `{signature}` | `sha256=` and the HMAC-SHA256 (hexadecimal) of time, full stop and body |

```python
expected = hmac.new(secret, timestamp + b"." + body, hashlib.sha256).hexdigest()
hmac.compare_digest(signature, "sha256=" + expected)
```

The body is JSON in UTF-8, schema `{schema}`: `id`; `kind` (issue, alerts or withdrawal);
`language`; `status` (trial, demonstration, official, withdrawn); `issue`, `number`, `issued_at`,
`expires_at`; `url` of the page, or null; `text` and `markdown` for people; `items`, each with
`key` (the same for all news of one event), `version` (another where something changed), `kind`
(new, updated, cancelled; of an issue: issue, withdrawal), `text`, and for an event `site`,
`phenomenon`, `day`, `probability` (in hundredths), `grade`, `best_start`, `best_end`, `hazards`,
for a hazard `hazard`, `day`, `sites`, and unless it is cancelled `level`, `quantity` and `value`
as in version 2 of the data: in the unit at the end of `quantity`. Further members may come: ignore
those that you do not know.

## E-mail

Each recipient gets a message alone, plain text and HTML, in one connection for all. The
Message-ID is the same for every recipient of a list; a withdrawal answers it. `security:
starttls` (or `tls`) verifies the server's certificate; without it no password is sent, except on
this machine. Who is refused is named in `status`, masked.

## Short messages

`sms.txt` is the text, `sms/parts.json` the parts in which a network sends it, with their
alphabet: GSM-7 (160 characters, 153 a part) or UCS-2 (70, 67 a part). Marks and hazards are in
the first part. What does not fit is left out: in English the signature for whose letters all
would be UCS-2, then the comment, then recommendations.
"""
