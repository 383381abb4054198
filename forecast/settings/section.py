"""What the sections of config.yaml share: their base, addresses, the mark of operational ones."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("must be an http:// or https:// address")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_http)]


class Operational:
    """Marks a setting that changes no page: where files lie, how data are fetched, when jobs run.

    `Config.digest` leaves it out, so a change of it makes no new issue. Unmarked settings do.
    """


OPERATIONAL = Operational()


class SettingsSection(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False
    )


class HttpSettings(SettingsSection):
    """An address and how gently to use it."""

    url: Url
    requests_per_minute: int = Field(default=100, ge=1, le=6000)
    connections: int = Field(default=2, ge=1, le=8)
    timeout_seconds: float = Field(default=30, gt=0, le=600)
    deadline_seconds: float = Field(default=1800, gt=0, le=86400)
    attempts: int = Field(default=6, ge=1, le=20)
