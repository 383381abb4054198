"""The settings of what is sent: to WeChat, to groups of WeCom, to webhooks, by e-mail.

Secrets come from the environment only, see `secrets`. A section that is empty sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from forecast import domain
from forecast.settings import LOOPBACK, Identifier, SettingsSection, Url
from forecast.settings.time_of_day import TimeOfDay

Language = Literal["zh", "en"]


def _address(value: str) -> str:
    """Return an address of e-mail. Raises: ValueError."""
    if not re.fullmatch(r"[!-?A-~]{1,64}@[!-?A-~]{1,190}", value) or set(value) & set("<>,;"):
        raise ValueError("must be one address such as duty@weather.example, in ASCII")
    return value


Address = Annotated[str, AfterValidator(_address)]


def _distinct(values: Sequence[GroupSettings] | Sequence[EmailList]) -> None:
    """Refuse an id that stands twice: what is kept of one would be taken for the other's.

    Raises: ValueError.
    """
    ids = [each.id for each in values]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ValueError(f"id twice: {', '.join(twice)}")


# Variables of the environment. Where there are several receivers: id:secret,id:secret
WECHAT_ID, WECHAT_SECRET = "SKYSCAPE_WECHAT_APPID", "SKYSCAPE_WECHAT_SECRET"
WECOM_KEYS = "SKYSCAPE_WECOM_KEYS"  # group:key
WEBHOOK_SECRETS = "SKYSCAPE_WEBHOOK_SECRETS"
SMTP_PASSWORD = "SKYSCAPE_SMTP_PASSWORD"  # noqa: S105
VARIABLES = (WECHAT_ID, WECHAT_SECRET, WECOM_KEYS, WEBHOOK_SECRETS, SMTP_PASSWORD)


class WeChatSettings(SettingsSection):
    """The official account that gets each issue as a draft.

    author: of the articles. publish: whether the draft is published too; else a person does it.
    """

    url: Url = "https://api.weixin.qq.com"
    author: str = Field(default="", max_length=16)
    publish: bool = False


class AlertSettings(SettingsSection):
    """What a group wants to hear of, beside the issues: events and hazards.

    sites, phenomena: empty for all. chance: from this probability on. days: so far ahead at most.
    hazards: whether hazards of the sites are sent too.
    """

    sites: tuple[str, ...] = Field(default=(), max_length=5000)
    phenomena: tuple[str, ...] = ()
    chance: float = Field(default=0.7, gt=0, le=1)
    days: int = Field(default=2, ge=1, le=10)
    hazards: bool = False

    @field_validator("phenomena")
    @classmethod
    def _known_phenomena(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [p for p in value if p not in domain.PHENOMENA]:
            raise ValueError(f"unknown {unknown}; known are {', '.join(domain.PHENOMENA)}")
        return value


class GroupSettings(SettingsSection):
    """A receiver of messages: a group of WeCom or a webhook.

    issues: whether it gets each issue. quiet_from, quiet_until: local times between which nothing
    but withdrawals and hazards is sent; the rest waits until quiet_until.
    """

    id: Identifier
    language: Language = "zh"
    issues: bool = True
    alerts: AlertSettings | None = None
    quiet_from: TimeOfDay | None = None
    quiet_until: TimeOfDay | None = None

    @model_validator(mode="after")
    def _both(self) -> GroupSettings:
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError("quiet_from and quiet_until: both are needed, or neither")
        return self


class WeComSettings(SettingsSection):
    """The robots of groups in WeCom; their keys come from the environment."""

    url: Url = "https://qyapi.weixin.qq.com"
    requests_per_minute: int = Field(default=20, ge=1, le=20)
    groups: tuple[GroupSettings, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _each_once(self) -> WeComSettings:
        _distinct(self.groups)
        return self


class WebhookTarget(GroupSettings):
    """A server that takes messages as JSON, signed with its secret (HMAC) where it has one."""

    url: Url

    @field_validator("url")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise ValueError("must be an https:// address; http:// only to this machine")
        return value


class WebhookSettings(SettingsSection):
    """The servers that take messages as JSON."""

    targets: tuple[WebhookTarget, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _each_once(self) -> WebhookSettings:
        _distinct(self.targets)
        return self


class EmailList(SettingsSection):
    """People who get the bulletin by e-mail, each without seeing the others."""

    id: Identifier
    language: Language = "zh"
    to: tuple[Address, ...] = Field(min_length=1, max_length=1000)


class MailServerSettings(SettingsSection):
    """The server that sends e-mail. user: empty where it asks for no password."""

    host: str = Field(min_length=1, max_length=200)
    port: int = Field(default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = Field(default="", max_length=200)
    sender: Address


class EmailSettings(MailServerSettings):
    """The server that sends e-mail, and who gets the bulletin by it."""

    lists: tuple[EmailList, ...] = Field(min_length=1, max_length=100)

    @model_validator(mode="after")
    def _each_once(self) -> EmailSettings:
        _distinct(self.lists)
        return self


class DeliverySettings(SettingsSection):
    """What is sent, beside what readers fetch; without a section nothing is sent that way."""

    wechat: WeChatSettings | None = None
    wecom: WeComSettings | None = None
    webhook: WebhookSettings | None = None
    email: EmailSettings | None = None


def secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of deliveries that the environment has, by variable."""
    return {name: environment[name] for name in VARIABLES if environment.get(name)}


def named(secret: str) -> dict[str, str]:
    """Return the parts of a secret such as `duty:key,rangers:key` by name; parts without a name
    are left out.
    """
    parts = (part.strip().partition(":") for part in secret.split(","))
    return {name: value for name, mark, value in parts if mark and value}
