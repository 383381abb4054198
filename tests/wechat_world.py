"""An account in WeChat, issues on their way to it, and an archive that remembers."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.domain import Issue, Receipt
from forecast.review import Withdrawal
from forecast.sent import Sent
from forecast.settings import IssuerSettings, NameSettings
from forecast.settings.delivery import WECHAT_ID, WECHAT_SECRET, DeliverySettings, WeChatSettings
from products import channels, withdrawn
from products.bulletin import Bulletin
from products.delivery import Delivery, Outbox
from tests.e2e.sample_bulletin import CYCLE, ISSUED, sample_bulletin, sample_config
from tests.faults.wechat_double import APPID, SECRET, WeChatDouble

NOW = ISSUED + timedelta(minutes=1)
ISSUE = Issue("gfs-2026112200", 42, ISSUED, CYCLE, ISSUED + timedelta(hours=16), True)
LATER = replace(ISSUE, id="gfs-2026112206", number=43, issued=ISSUED + timedelta(hours=5))
WITHDRAWAL = Withdrawal(datetime(2026, 11, 22, 9, tzinfo=UTC), "王一", "低云资料有误")
SECRETS = {WECHAT_ID: APPID, WECHAT_SECRET: SECRET}
MINUTE = timedelta(minutes=1)
ISSUER = IssuerSettings(bodies=(NameSettings(zh="某气象台", en="Met Office"),))


def png(width: int = 2, colour: int = 90, more: int = 0) -> bytes:
    """Return a small picture, `more` bytes longer than it need be."""
    raw = b"".join(b"\0" + bytes([colour]) * 3 * width for _ in range(width))
    header = struct.pack(">IIBBBBB", width, width, 8, 2, 0, 0, 0)
    parts = {b"IHDR": header, b"tEXt": b"c\0" + b"x" * more, b"IDAT": zlib.compress(raw)}
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in {**parts, b"IEND": b""}.items()
    )
    return b"\x89PNG\r\n\x1a\n" + body


@cache
def plain_config() -> Config:
    return sample_config(demonstration=False, issuer=ISSUER)


@cache
def bulletin() -> Bulletin:
    return sample_bulletin(plain_config())


@cache
def pages_of(number: int, pictured: bool = False) -> Mapping[str, bytes]:
    """Return the pages of the channel for an issue with this number."""
    made = bulletin()
    drawn = tuple(each for each in made.channels if pictured or each != "posters")
    made = replace(made, issue=replace(made.issue, number=number), channels=drawn)
    pages = channels.render(made, "wechat")
    return {page.path: str(page.body).encode() for page in pages}


def withdrawn_pages(config: Config, issue: Issue = ISSUE) -> Mapping[str, bytes]:
    files: Any = {path: {"channel": "wechat"} for path in pages_of(issue.number)}
    made = withdrawn.pages(issue, WITHDRAWAL, config, files, (), Path("no release"))
    return {page.path: str(page.body).encode() for page in made}


class MemoryOutbox:
    """An outbox that lasts as long as a test; that of the archive has tests of its own."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str], Sent] = {}

    def find(self, receiver: str, key: str) -> Sent | None:
        return self.all.get((receiver, key))

    def keep(self, receiver: str, key: str, sent: Sent) -> None:
        self.all[receiver, key] = sent

    def keys(self, receiver: str) -> Mapping[str, Sent]:
        return {key: sent for (of, key), sent in self.all.items() if of == receiver}


@dataclass
class AccountWorld:
    """A double of the platform, the settings that name it, and what is kept of it in a folder."""

    double: WeChatDouble
    folder: Path
    publish: bool = False
    official: bool = True
    base_url: str = "https://weather.example"
    secrets: Mapping[str, str] = field(default_factory=lambda: SECRETS)
    release: dict[str, bytes] = field(default_factory=dict)  # pages of other channels
    outbox: Outbox = field(default_factory=MemoryOutbox)

    @property
    def config(self) -> Config:
        given = plain_config()
        archive, site = f"sqlite:///{self.folder / 'archive.db'}", self.folder / "site"
        wechat = WeChatSettings(url=self.double.url, author="某气象台", publish=self.publish)
        output = {"folder": site, "base_url": self.base_url}
        return given.model_copy(
            update={
                "issuer": ISSUER if self.official else IssuerSettings(),
                "delivery": DeliverySettings(wechat=wechat),
                "archive": given.archive.model_copy(update={"url": archive}),
                "output": given.output.model_copy(update=output),
            }
        )

    def delivery(
        self,
        now: datetime = NOW,
        issue: Issue = ISSUE,
        withdrawal: Withdrawal | None = None,
        pages: Mapping[str, bytes] | None = None,
    ) -> Delivery:
        config = self.config
        if pages is None:
            pages = withdrawn_pages(config, issue) if withdrawal else pages_of(issue.number)
        return Delivery(
            issue, withdrawal, pages, config, self.outbox, self.secrets, now, self.release.get
        )

    def deliver(self, now: datetime = NOW, **more: Any) -> Receipt:
        """Deliver an issue; the platform's clock shows the same moment."""
        self.double.now = now.timestamp()
        return channels.deliver("wechat", self.delivery(now, **more))

    def kept(self, key: str) -> Sent | None:
        return self.outbox.find(APPID, key)
