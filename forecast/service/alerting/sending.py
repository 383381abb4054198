"""Send alerts: to robots of WeCom, by e-mail, to servers, by the clients of what readers get."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Literal
from urllib.parse import urlsplit

from forecast.config import Config
from forecast.errors import DeliveryError
from forecast.http.mail import Mailer
from forecast.http.sending import Outgoing
from forecast.service.alerting.notices import SCHEMA, AlertMessage
from forecast.settings.alerts import AlertRecipients
from forecast.settings.delivery import (
    SMTP_PASSWORD,
    WEBHOOK_SECRETS,
    WECOM_KEYS,
    WeComSettings,
    named,
)
from products.wording import LANGUAGES

Way = Literal["wecom", "email", "webhook"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets alerts.

    name: by which the ledger and the log know them; it holds no secret. address: the id of a robot,
    an address of e-mail or of a server. id: of the secret of a server; "" for none.
    """

    name: str
    way: Way
    address: str
    id: str = ""


def recipients(chosen: AlertRecipients, config: Config) -> tuple[Recipient, ...]:
    """Return the recipients of a part of the settings, each once."""
    return tuple(dict.fromkeys(_recipients(chosen, config)))


def _recipients(chosen: AlertRecipients, config: Config) -> Iterator[Recipient]:
    delivery = config.delivery
    for robot in chosen.wecom:
        yield Recipient(f"wecom:{robot}", "wecom", robot)
    lists = {each.id: each.to for each in delivery.email.lists} if delivery.email else {}
    for name in chosen.email:
        for address in lists.get(name, ()) if "@" not in name else (name,):
            yield Recipient(f"email:{address}", "email", address)
    targets = {each.id: each.url for each in delivery.webhook.targets} if delivery.webhook else {}
    for name in chosen.webhook:
        if name in targets:
            yield Recipient(f"webhook:{name}", "webhook", targets[name], name)
        else:
            digest = hashlib.sha256(name.encode()).hexdigest()[:8]
            yield Recipient(f"webhook:{urlsplit(name).hostname}-{digest}", "webhook", name)


def send(
    recipient: Recipient,
    message: AlertMessage,
    config: Config,
    secrets: Mapping[str, str],
    now: datetime,
) -> None:
    """Send a message to one recipient. Raises: DeliveryError."""
    if recipient.way == "wecom":
        _send_to_robot(recipient.address, message, config, secrets)
    elif recipient.way == "email":
        _send_mail(recipient.address, message, config, secrets, now)
    else:
        _send_to_server(recipient, message, secrets, now)


def _send_to_robot(
    robot: str, message: AlertMessage, config: Config, secrets: Mapping[str, str]
) -> None:
    # what renders pages stands behind this import: the watchdog needs it for nothing else
    from products.channels import wecom
    from products.messages import cut, plain

    settings = config.delivery.wecom
    url = settings.url if settings else str(WeComSettings.model_fields["url"].default)
    text = cut(plain(message.text).strip(), wecom.LONGEST, "")
    wecom.send_markdown(Outgoing(url), named(secrets.get(WECOM_KEYS, "")), robot, text)


def _send_to_server(
    recipient: Recipient, message: AlertMessage, secrets: Mapping[str, str], now: datetime
) -> None:
    from products.channels import webhook

    secret = named(secrets.get(WEBHOOK_SECRETS, "")).get(recipient.id, "")
    content = {"schema": SCHEMA, "id": message.id, "text": message.text, "items": message.items}
    webhook.send_signed(recipient.address, secret, message.id, content, now)


def _send_mail(
    address: str, message: AlertMessage, config: Config, secrets: Mapping[str, str], now: datetime
) -> None:
    server = config.alerts.mail or config.delivery.email
    if server is None:  # refused by the settings
        raise DeliveryError("no server of e-mail: set alerts.mail")
    mail = EmailMessage()
    title = config.service.title.as_name().in_language(LANGUAGES[0])
    mail["From"] = Address(title, addr_spec=server.sender)
    mail["To"] = address
    mail["Subject"] = " ".join(message.subject.split())
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{message.id}@{server.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text, cte="base64")
    password = secrets.get(SMTP_PASSWORD, "")
    with Mailer(server.host, server.port, server.security, server.user, password) as mailer:
        mailer.send(mail, server.sender, address)
