"""The bulletin by e-mail to lists: plain text and HTML, each recipient alone.

A message has the same Message-ID for each recipient of a list, so that one who gets it twice may
see it once. An issue is sent at most once to each, its withdrawal at least once to each who may
have it. An address that is refused for good is not tried again for a week; where its server refuses
a message, the next one is tried, and a withdrawal again and again.
"""

from __future__ import annotations

import hashlib
import html
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from forecast.domain import Receipt
from forecast.errors import DeliveryError, RecipientRefused
from forecast.http.mail import Mailer
from forecast.sent import FAILED, SENDING, SENT, WITHDRAWN, Sent
from forecast.settings.delivery import SMTP_PASSWORD, EmailList, EmailSettings
from products import messages
from products.bulletin import Bulletin
from products.delivery import Delivery, digest_of
from products.pages.addresses import prefix_of
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.wording import LANGUAGES, Words

log = logging.getLogger(__name__)

HTML, PLAIN = "email/bulletin.html", "email/bulletin.txt"
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
MOST_SITES = 12  # by name; the web site has them all
MOST_A_TURN = 200  # messages, before other channels get theirs
MOST_UNCLEAR = 3  # attempts at a withdrawal that may have arrived each time
REFUSED_PAUSE = timedelta(days=7)  # before an address that was refused for good is tried again
REFUSED = {"refused": "address"}  # what the outbox remembers of an address refused for good
SERVER = "server"  # receiver and key under which a failing server is remembered


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        values = {
            "title": messages.title(bulletin, renderer.words),
            "subject": _subject(bulletin, renderer.words),
            "url": messages.home(bulletin.base_url, language),
            "most_sites": MOST_SITES,
        }
        for path in (HTML, PLAIN):
            yield renderer.page(path, path, **values)


def _subject(bulletin: Bulletin, words: Words) -> str:
    subject = words(
        "email.subject",
        title=words.name(bulletin.title),
        number=bulletin.issue.number,
        day=words.day(words.local(bulletin.issue.issued).date()),
    )
    if bulletin.review is not None and bulletin.review.corrects is not None:
        subject = words("review.correction_title", title=subject)
    return words(f"email.{bulletin.marks[0]}", subject=subject) if bulletin.marks else subject


@dataclass(frozen=True, slots=True)
class Letter:
    """What is due to one recipient."""

    list: EmailList
    recipient: str
    key: str


def deliver(delivery: Delivery) -> Receipt:
    """Send each recipient what they do not have yet; one that is refused stops no other."""
    settings = delivery.config.delivery.email
    assert settings is not None  # products.channels.sends
    due = list(_due(delivery, settings))[:MOST_A_TURN]
    if not due or not _may_try(delivery):
        return delivery.receipt("email", "unchanged")
    server = delivery.begun(SERVER, SERVER, digest_of(SERVER))
    sent, problems = 0, list[str]()
    mailer = Mailer(
        settings.host, settings.port, settings.security, settings.user,
        delivery.secrets.get(SMTP_PASSWORD, ""),
    )  # fmt: skip
    try:
        with mailer:
            for letter in due:
                try:
                    _send(delivery, settings, letter, mailer)
                    sent += 1
                except DeliveryError as error:
                    problems.append(str(error))
                    if not mailer.alive:
                        raise
    except DeliveryError as error:
        delivery.failed(SERVER, SERVER, server, DeliveryError(str(error), worth_retrying=True))
        problems = problems or [str(error)]
    else:
        delivery.done(SERVER, SERVER, server)
    detail = "; ".join([f"{sent} of {len(due)} sent", *problems[:5]])
    return delivery.receipt("email", "failed" if problems else "sent", detail)


def _due(delivery: Delivery, settings: EmailSettings) -> Iterator[Letter]:
    for each in settings.lists:
        kept = delivery.outbox.keys(each.id)
        for recipient in dict.fromkeys(each.to):
            key = f"to/{hashlib.sha256(recipient.lower().encode()).hexdigest()[:24]}"
            if _is_due(delivery, kept.get(key)):
                yield Letter(each, recipient, key)


def _is_due(delivery: Delivery, before: Sent | None) -> bool:
    """Return whether a recipient, of whom `before` is known, is to be sent something now."""
    now, digest = delivery.now, _digest(delivery)
    same = before is not None and before.digest == digest
    if delivery.withdrawal is not None:
        if before is None or before.issue != delivery.issue.id:
            return False
        if not same:
            return before.state in (SENT, SENDING)
        unclear = before.state == SENDING and before.attempts < MOST_UNCLEAR
        return (before.state == FAILED or unclear) and before.due(now)
    if before is None:
        return True
    if before.state == FAILED:
        if before.remote == REFUSED:
            return now >= before.at + REFUSED_PAUSE
        return not same or before.due(now)
    return before.issue != delivery.issue.id


def _digest(delivery: Delivery) -> str:
    return digest_of(delivery.issue.id, "withdrawn" if delivery.withdrawal else "issue")


def _may_try(delivery: Delivery) -> bool:
    """Return whether the server may be tried: after a failure it gets ever longer pauses."""
    before = delivery.outbox.find(SERVER, SERVER)
    return before is None or before.state == SENT or before.due(delivery.now)


def _send(delivery: Delivery, settings: EmailSettings, letter: Letter, mailer: Mailer) -> None:
    """Send one letter and keep what became of it. Raises: DeliveryError."""
    message = _message(delivery, settings, letter)
    begun = delivery.begun(letter.list.id, letter.key, _digest(delivery))
    try:
        mailer.send(message, settings.sender, letter.recipient)
    except DeliveryError as error:
        named = DeliveryError(
            f"{masked(letter.recipient)}: {error}", error.unclear, error.worth_retrying
        )
        for_good = isinstance(error, RecipientRefused) and not error.worth_retrying
        begun = replace(begun, remote=REFUSED if for_good else {})
        again = delivery.withdrawal is not None and not for_good
        delivery.failed(letter.list.id, letter.key, begun, named, again)
        raise named from error
    state = WITHDRAWN if delivery.withdrawal else SENT
    delivery.done(letter.list.id, letter.key, begun, {}, state)


def _message(delivery: Delivery, settings: EmailSettings, letter: Letter) -> EmailMessage:
    language, sender = letter.list.language, settings.sender
    prefix = prefix_of(language)
    page = delivery.pages[prefix + HTML].decode()
    found = TITLE.search(page)
    title = delivery.config.service.title.as_name().in_language(language)
    first = _message_id(delivery, letter.list, sender, "issue")
    message = EmailMessage()
    message["From"] = Address(title, addr_spec=sender)
    message["To"] = letter.recipient
    message["Subject"] = html.unescape(found[1]).strip() if found else title
    message["Date"] = format_datetime(delivery.now)
    if delivery.withdrawal is None:
        message["Message-ID"] = first
    else:
        message["Message-ID"] = _message_id(delivery, letter.list, sender, "withdrawn")
        message["In-Reply-To"] = message["References"] = first
    message["List-Id"] = f"<{letter.list.id}.{sender.rpartition('@')[2]}>"
    message["List-Unsubscribe"] = f"<mailto:{sender}?subject=unsubscribe%20{letter.list.id}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "zh-CN" if language == LANGUAGES[0] else language
    message.set_content(delivery.pages[prefix + PLAIN].decode(), cte="base64")
    message.add_alternative(page, subtype="html", cte="base64")
    return message


def _message_id(delivery: Delivery, of: EmailList, sender: str, kind: str) -> str:
    """Return the id of a message: the same for each attempt and each recipient of a list."""
    return f"<{delivery.issue.id}.{of.id}.{kind}@{sender.rpartition('@')[2]}>"


def masked(address: str) -> str:
    """Return an address by which its list's keeper knows it, and nobody else."""
    name, _, host = address.rpartition("@")
    return f"{name[:1]}***@{host}"
