"""The client of CMADaaS (MUSIC, REST): signed requests of one account, below its limits.

A request is a GET with all its parameters in the query, signed with the password, which is never
sent. Addresses are named without their query, so no account stands in a log or an error. Each
attempt is signed anew and counted for the account (cmadaas_limits.py). Where the service says that
requests are too frequent, none is sent for a while, by any process.
Source: ../shared/cmadaas.md; nothing of it could be called.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import random
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeAlias, TypeVar
from urllib.parse import urlsplit

from forecast.config import cmadaas_account
from forecast.errors import (
    CycleNotReady,
    RunNotKept,
    SourceCorrupt,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    TooFrequent,
)
from forecast.http import CLOCK, Client, Clock, Deadline, back_off, shown
from forecast.http.wall_clock import unix_time
from forecast.ingest.cmadaas_limits import RequestLedger
from forecast.ingest.cmadaas_replies import ServiceReply, parse_reply
from forecast.settings.cmadaas import CmadaasSettings

T = TypeVar("T")
Body: TypeAlias = bytes  # a class below has a property of that name

log = logging.getLogger(__name__)
logging.getLogger("urllib3").setLevel(logging.INFO)  # its DEBUG lines show addresses whole

LARGEST_ERROR = 5_000  # [byte] of a "file" that is the gateway's JSON
CLOCKS_APART = 300.0  # [s] between two clocks, from which on it is said
NO_WAY = (
    "check cmadaas.url (host and port), and whether a firewall, a proxy or a page to log in stands "
    "between this machine and the interface"
)
NO_ADDRESS = "cmadaas.url is empty: write http://HOST:PORT/music-ws/api of your province"
NO_ACCOUNT = (
    "no account is set: the environment names it, SKYSCAPE_CMADAAS_USER and "
    "SKYSCAPE_CMADAAS_PASSWORD"
)


@dataclass(frozen=True, slots=True)
class CmadaasAccount:
    """An account; neither part is ever shown."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.user and self.password)


def signature(parameters: Mapping[str, str], password: str) -> str:
    """Return the sign of parameters: MD5 of them all with the password, sorted by name."""
    every = {**parameters, "pwd": password}
    text = "&".join(f"{name.strip()}={every[name].strip()}" for name in sorted(every))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


class Cmadaas:
    """The interface for one account: models and stations use the same.

    It counts what it requests (`requests`) and receives (`bytes`); threads may share it.
    """

    def __init__(
        self,
        settings: CmadaasSettings,
        account: CmadaasAccount | None,
        clock: Clock = CLOCK,
        now: Callable[[], float] = unix_time,
    ) -> None:
        self.settings, self._account, self._clock, self._now = settings, account, clock, now
        self._client = Client(settings.http, clock)
        self._others: dict[str, Client] = {}
        user = account.user if account else ""
        name = hashlib.sha256(f"{settings.url} {user}".encode()).hexdigest()[:16]
        self.ledger = RequestLedger(
            settings.state / f"requests-{name}.json",
            settings.requests_per_minute,
            settings.requests_per_hour,
            now,
        )
        self._random = random.Random()
        self._share, self._seconds = 1.0, settings.deadline_seconds

    @property
    def requests(self) -> int:
        return self._client.requests + sum(each.requests for each in self._others.values())

    @property
    def bytes(self) -> int:
        return self._client.bytes + sum(each.bytes for each in self._others.values())

    @property
    def connections(self) -> int:
        return self.settings.connections

    def deadline(self, within: Deadline | None = None) -> Deadline:
        """Start the clock of one acquisition; `within`, where it has one, is its own deadline."""
        return Deadline(self._seconds if within is None else within.left(), self._clock)

    def for_models(self, seconds: float) -> Cmadaas:
        """Return the same interface for models: the stations' share of the limits is left alone.

        seconds: of an acquisition that has no deadline of its own.
        """
        found = copy.copy(self)
        found._share, found._seconds = 1 - self.settings.stations_share, seconds
        return found

    def ask(
        self, interface: str, parameters: Mapping[str, str], deadline: Deadline
    ) -> ServiceReply:
        """Return the reply to a request for data.

        Raises: SourceUnavailable, SourceRefused, CycleNotReady, SourceCorrupt.
        """
        return self.read(interface, parameters, deadline, lambda reply: reply)

    def read(
        self,
        interface: str,
        parameters: Mapping[str, str],
        deadline: Deadline,
        parse: Callable[[ServiceReply], T],
    ) -> T:
        """Return what `parse` finds in the reply; where that is damaged it is asked for again.

        Raises: as `ask`, and as `parse`.
        """
        self._refuse_unset()
        where = f"{shown(self.settings.url)} {interface} {parameters.get('dataCode', '')}"
        maximum = int(self.settings.maximum_mb * 1_000_000)

        def once() -> T:
            query = self._signed(interface, parameters)
            try:
                got = self._client.get("", deadline, maximum, list(query.items()))
            except CycleNotReady as error:
                raise SourceRefused(
                    f"{where}: nothing is at this address; check cmadaas.url (host, port, path)"
                ) from error
            except SourceUnavailable as error:
                if deadline.left() > 0:  # else only the time was up
                    named = f"{interface} {parameters.get('dataCode', '')}"
                    error.args = (f"{named}: {error}; {NO_WAY}",)
                raise
            try:
                reply = parse_reply(got.body, where, self.settings.codes)
            except SourceRefused as error:
                error.args = (f"{error}{self._clock_apart(got.date)}",)
                raise
            return parse(reply)

        return self._attempts(once, deadline)

    def _clock_apart(self, date: str) -> str:
        """Return in words how far this machine's clock is from the server's; "" where it is near.

        date: as the server wrote it.
        """
        try:
            apart = self._now() - parsedate_to_datetime(date).timestamp()
        except (ValueError, TypeError, OverflowError):
            return ""
        if abs(apart) < CLOCKS_APART:
            return ""
        which = "ahead of" if apart > 0 else "behind"
        return (
            f"; this machine's clock is {abs(apart) / 60:.0f} min {which} the server's: set it "
            "(NTP), a time stamp more than 30 min off is refused"
        )

    def file(self, url: str, deadline: Deadline, maximum: int) -> Body:
        """Return a listed file.

        Raises: SourceRefused for a host that is not allowed, and as `ask`.
        """
        parts = urlsplit(url)
        allowed = self.settings.file_hosts or (urlsplit(self.settings.url).hostname or "",)
        if parts.scheme not in ("http", "https") or parts.hostname not in allowed:
            raise SourceRefused(
                f"{shown(url)}: listed files may lie at {', '.join(allowed)} only; where the "
                "host is the authority's, add it to cmadaas.file_hosts"
            )
        base = f"{parts.scheme}://{parts.netloc}"
        settings = self.settings.http.model_copy(update={"url": base})
        client = self._others.setdefault(base, Client(settings, self._clock))
        path = parts.path + (f"?{parts.query}" if parts.query else "")

        def once() -> Body:
            body = client.get(path, deadline, maximum).body
            if len(body) < LARGEST_ERROR and body.lstrip()[:1] in (b"{", b"<"):
                parse_reply(body, shown(url), self.settings.codes)
                raise SourceCorrupt(f"{shown(url)}: a reply came where a file was expected")
            return body

        return self._attempts(once, deadline)

    def _attempts(self, once: Callable[[], T], deadline: Deadline) -> T:
        """Return what `once` returns, tried again where that may help. Raises: as `once`."""
        for attempt in range(1, self.settings.attempts + 1):
            self._take(deadline)
            try:
                return once()
            except TooFrequent as error:
                seconds = 60 * self.settings.too_frequent_minutes
                with suppress(OSError):
                    self.ledger.hold(seconds)
                raise TooFrequent(
                    f"{error}; no request is sent for {seconds / 60:.0f} min", seconds
                ) from error
            except SourceError as error:
                if not error.worth_retrying or attempt == self.settings.attempts:
                    raise
                pause = back_off(attempt, self._random)
                log.warning(
                    "attempt %d of %d: %s; next in %.1f s",
                    attempt,
                    self.settings.attempts,
                    error,
                    pause,
                )
                deadline.pause(pause, str(error))
        raise AssertionError("unreachable: attempts is at least 1")

    def _take(self, deadline: Deadline) -> None:
        """Wait until the account may send a request, and count it.

        Raises: TooFrequent where the deadline comes first; RunNotKept where the count cannot be
        kept.
        """
        while True:
            try:
                seconds = self.ledger.take(self._share)
            except OSError as error:
                raise RunNotKept(
                    f"cmadaas.state: {self.settings.state} cannot be written "
                    f"({error.strerror or error}): requests could not be counted, none is sent"
                ) from error
            if seconds <= 0:
                return
            try:
                deadline.pause(seconds, self._why_not())
            except SourceUnavailable as error:
                raise TooFrequent(str(error), seconds) from error

    def _why_not(self) -> str:
        """Return in words why no request may be sent now."""
        if held := self.ledger.held_until:
            until = datetime.fromtimestamp(held, UTC)
            return (
                f"this CMADaaS account is on hold until {until:%Y-%m-%d %H:%M}Z: the service said "
                "that requests are too frequent (cmadaas.too_frequent_minutes)"
            )
        share = "" if self._share == 1 else ", but for the share of the stations"
        return f"the requests of this CMADaaS account are used up for now{share}"

    def _signed(self, interface: str, parameters: Mapping[str, str]) -> dict[str, str]:
        assert self._account is not None
        every = {
            "serviceNodeId": self.settings.node,
            "userId": self._account.user,
            "interfaceId": interface,
            "dataFormat": "json",
            "timestamp": f"{int(self._now() * 1000)}",
            "nonce": str(uuid.uuid4()),
            **parameters,
        }
        return {**every, "sign": signature(every, self._account.password)}

    def _refuse_unset(self) -> None:
        if not self.settings.url:
            raise SourceRefused(NO_ADDRESS)
        if not self._account:
            raise SourceRefused(NO_ACCOUNT)


# of the demonstration's own server on this machine
DEMONSTRATION = CmadaasAccount("demonstration", "demonstration")


@lru_cache(maxsize=4)
def open_cmadaas(settings: CmadaasSettings, demonstration: bool = False) -> Cmadaas:
    """Return the interface of the settings, one for models and stations; no request is sent.

    Raises: ConfigError for half an account.
    """
    return Cmadaas(settings, DEMONSTRATION if demonstration else CmadaasAccount(*cmadaas_account()))
