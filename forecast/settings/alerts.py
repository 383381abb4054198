"""The settings of alerts to whoever runs the service, and from when something is one.

Readers get nothing of these. Keys and passwords come from the environment, as for what is sent to
readers (forecast/settings/delivery.py).
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from forecast.settings import LOOPBACK, Identifier, SettingsSection
from forecast.settings.delivery import Address, DeliverySettings, MailServerSettings


def _target(value: str) -> str:
    """Return an https:// address, or the id of a target of delivery.webhook. Raises: ValueError."""
    parts = urlsplit(value)
    if "/" in value and parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError("must be an https:// address; http:// only to this machine")
    return value.rstrip("/")


Target = Annotated[str, AfterValidator(_target), Field(min_length=1, max_length=500)]
MailRecipient = Identifier | Address


class AlertRecipients(SettingsSection):
    """Who gets alerts.

    wecom: ids of robots that have a key in SKYSCAPE_WECOM_KEYS. email: addresses, or ids of lists
    of delivery.email. webhook: addresses, or ids of targets of delivery.webhook.
    """

    wecom: tuple[Identifier, ...] = Field(default=(), max_length=20)
    email: tuple[MailRecipient, ...] = Field(default=(), max_length=50)
    webhook: tuple[Target, ...] = Field(default=(), max_length=20)

    @property
    def empty(self) -> bool:
        return not (self.wecom or self.email or self.webhook)


class OperatorAlertSettings(SettingsSection):
    """Who is alerted, and from when.

    first: gets each alert once, and that it is over. escalated: gets those that are critical and
    still true after escalate_minutes. mail: the server of e-mail; none: that of delivery.email.
    late_minutes and below: see config.yaml.
    """

    first: AlertRecipients = AlertRecipients()
    escalated: AlertRecipients = AlertRecipients()
    escalate_minutes: int = Field(default=60, ge=1, le=10080)
    mail: MailServerSettings | None = None
    late_minutes: int = Field(default=10, ge=1, le=720)
    run_margin_hours: float = Field(default=3, ge=0, le=48)
    model_hours: float = Field(default=24, ge=1, le=240)
    station_minutes: int = Field(default=180, ge=10, le=10080)
    sender_minutes: int = Field(default=180, ge=10, le=10080)
    review_minutes: int = Field(default=15, ge=1, le=240)
    disk_free_gb: float = Field(default=2, ge=0, le=100000)
    disk_free_percent: float = Field(default=5, ge=0, le=90)
    archive_gb: float = Field(default=20, gt=0, le=100000)
    days_until_full: float = Field(default=30, ge=0, le=3650)

    def faults(self, delivery: DeliverySettings) -> list[str]:
        """Return which recipients cannot be reached under the settings of deliveries."""
        found = []
        lists = {each.id for each in delivery.email.lists} if delivery.email else set()
        targets = {each.id for each in delivery.webhook.targets} if delivery.webhook else set()
        parts: tuple[Literal["first", "escalated"], ...] = ("first", "escalated")
        for part in parts:
            recipients: AlertRecipients = getattr(self, part)
            found += [
                f"{part}.email: {name} is neither an address nor a list of delivery.email"
                for name in recipients.email
                if "@" not in name and name not in lists
            ]
            found += [
                f"{part}.webhook: {name} is neither an address nor a target of delivery.webhook"
                for name in recipients.webhook
                if "/" not in name and name not in targets
            ]
            if recipients.email and self.mail is None and delivery.email is None:
                found.append(f"{part}.email: no server sends it: set alerts.mail or delivery.email")
        if self.first.empty and not self.escalated.empty:
            found.append("first: nobody is named, so nothing would be escalated either")
        return found
