"""Issues and deliveries for the tests of what is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from forecast.sent import Sent
from forecast.settings.delivery import DeliverySettings
from products import channels, withdrawn
from products.delivery import Delivery
from products.messages import page_of
from tests.e2e.sample_bulletin import sample_bulletin, sample_config

EVENING = datetime(2026, 11, 22, 8, 10, tzinfo=UTC)  # 16:10 in Beijing
STARS = "event/baihuashan/starry_sky/2026-11-22"


class MemoryOutbox:
    """An outbox without a database."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Sent] = {}

    def find(self, receiver: str, key: str) -> Sent | None:
        return self.kept.get((receiver, key))

    def keep(self, receiver: str, key: str, sent: Sent) -> None:
        self.kept[receiver, key] = sent

    def keys(self, receiver: str) -> Mapping[str, Sent]:
        return {key: sent for (to, key), sent in self.kept.items() if to == receiver}


@cache
def _config() -> Config:
    return sample_config(demonstration=False)


@cache
def _issue() -> Issue:
    return sample_bulletin(_config()).issue


@cache
def _pages(channel: str, base_url: str = "") -> dict[str, bytes]:
    bulletin = replace(sample_bulletin(_config()), base_url=base_url)
    made = channels.render(bulletin, channel)  # type: ignore[arg-type]
    return {p.path: p.body if isinstance(p.body, bytes) else p.body.encode() for p in made}


@dataclass
class World:
    """Deliveries of the sample's issue, its events and hazards changed as a test wants."""

    channel: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, str] = field(default_factory=dict)
    base_url: str = "https://weather.example"

    def __post_init__(self) -> None:
        self.outbox: Any = MemoryOutbox()
        self.events: dict[str, dict[str, Any]] = {}
        self.hazards: list[dict[str, Any]] = []
        self.not_assessed: list[dict[str, Any]] = []

    @property
    def config(self) -> Config:
        config = _config()
        output = config.output.model_copy(update={"base_url": self.base_url})
        delivery = DeliverySettings.model_validate({self.channel: self.settings})
        return config.model_copy(update={"output": output, "delivery": delivery})

    def event(self, key: str = STARS, **facts: Any) -> None:
        """Let the issue have an event with these facts, else as the sample has it, and safe."""
        self.events[key] = {"recommended": True, "as_usual": False, "hazards": [], **facts}

    def gone(self, key: str = STARS) -> None:
        """Let the issue say nothing of an event."""
        self.events[key] = {"gone": True}

    def hazard(self, hazard: str, site: str, day: str, value: float) -> None:
        names = {s.id: s.name for s in _config().all_sites()}
        self.hazards.append(
            {"hazard": hazard, "site": site, "day": day, "name": names[site].zh, "value": value}
        )

    def delivery(
        self, now: datetime, issue: int = 42, withdrawal: Withdrawal | None = None
    ) -> Delivery:
        number = replace(
            _issue(),
            id=f"gfs-20261122{issue:02d}",
            number=issue,
            valid_until=now + timedelta(hours=16),
        )
        return Delivery(
            number, withdrawal, self._content(number, withdrawal), self.config, self.outbox,
            self.secrets, now,
        )  # fmt: skip

    def _content(self, issue: Issue, withdrawal: Withdrawal | None) -> dict[str, bytes]:
        if withdrawal is not None:
            made = channels.withdrawn(self.channel, issue, withdrawal, self.config)
            return {page.path: str(page.body).encode() for page in made}
        found = dict(_pages(self.channel))
        for language in ("zh", "en"):
            path = page_of(self.channel, language)
            content = json.loads(found[path])
            prefix = "" if language == "zh" else "en/"
            content |= {
                "issue": issue.id, "number": issue.number, "hazards": self.hazards,
                "not_assessed": self.not_assessed,
                "url": f"{self.base_url}/{prefix}index.html" if self.base_url else "",
                "events": [
                    record | self.events[record["key"]]
                    for record in content["events"]
                    if record["key"] in self.events and "gone" not in self.events[record["key"]]
                ],
            }  # fmt: skip
            found[path] = json.dumps(content, ensure_ascii=False).encode()
        return found

    def deliver(self, now: datetime, issue: int = 42, withdrawal: Withdrawal | None = None) -> Any:
        return channels.deliver(self.channel, self.delivery(now, issue, withdrawal))  # type: ignore[arg-type]


class MailWorld(World):
    """Deliveries of the sample's issue by e-mail."""

    def _content(self, issue: Issue, withdrawal: Withdrawal | None) -> dict[str, bytes]:
        if withdrawal is None:
            return _pages(self.channel, self.base_url)
        replaced = {path: {"channel": self.channel} for path in _pages(self.channel, self.base_url)}
        made = withdrawn.pages(issue, withdrawal, self.config, replaced, (), Path("no release"))
        return {page.path: str(page.body).encode() for page in made}
