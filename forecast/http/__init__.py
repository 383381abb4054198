"""The HTTP client: the only place of the service that opens an outgoing connection.

A `Client` sends requests to one address. It keeps few connections open, stays below its rate limit,
obeys Retry-After, backs off with jitter, checks a partial response against the range requested, and
gives up at a deadline. A response counts only if it is read to its end: an interrupted body is
retried like a request. Redirects are not followed; addresses are logged without their query.
"""

from __future__ import annotations

import logging
import random
import re
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError

from forecast.errors import (
    CycleNotReady,
    SourceCorrupt,
    SourceError,
    SourceRefused,
    SourceUnavailable,
)
from forecast.settings import LOOPBACK, HttpSettings

log = logging.getLogger(__name__)

CHUNK = 65536  # [byte] read at most at a time
# [byte s-1] a body that arrives more slowly is given up: a drip must not hold the line
SLOWEST = 10_000.0
BACK_OFF = (1.0, 60.0)  # [s] first and longest pause between attempts
# NOMADS answers 302 when it limits: wait, as for 5xx
BUSY = frozenset((302, 303, 307, 408, 425, 429))
# a redirect speaks of a file first: it may have moved, or stand behind a page to log in
REDIRECTS = frozenset((302, 303, 307))
ABSENT = {404, 410}


class Clock(Protocol):
    """What measures and spends time; a test brings its own."""

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


CLOCK: Clock = time


class Deadline:
    """The moment [s] at which everything that carries it gives up."""

    def __init__(self, seconds: float, clock: Clock = CLOCK) -> None:
        self._clock = clock
        self._end = clock.monotonic() + seconds
        self._seconds = seconds

    def left(self) -> float:
        return self._end - self._clock.monotonic()

    def cut(self) -> None:
        """End the deadline now: everything that has it gives up."""
        self._end = self._clock.monotonic()

    def pause(self, seconds: float, why: str) -> None:
        """Sleep, or raise SourceUnavailable at once where the deadline comes first."""
        if seconds > max(self.left(), 0.0):
            raise SourceUnavailable(
                f"{why}; waiting {seconds:.0f} s more would pass the deadline of "
                f"{self._seconds:.0f} s",
                seconds,
            )
        while seconds > 0 and self.left() > 0:
            self._clock.sleep(min(seconds, 1.0))
            seconds -= 1.0


class Limiter:
    """A token bucket: at most `per_minute` requests a minute and `burst` at once; `hold` closes it
    for a while.
    """

    def __init__(self, per_minute: float, burst: int, clock: Clock = CLOCK) -> None:
        self._clock, self._rate, self._burst = clock, per_minute / 60, float(burst)
        self._tokens, self._seen = self._burst, clock.monotonic()
        self._closed_until = 0.0
        self._lock = threading.Lock()

    def wait(self, deadline: Deadline) -> None:
        """Return when a request may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._seen) * self._rate) - 1
            self._seen = now
            seconds = max(0.0, -self._tokens / self._rate, self._closed_until - now)
        deadline.pause(seconds, "the rate limit of this address is reached")

    def hold(self, seconds: float) -> None:
        """Let nothing through for `seconds`, as the server requested."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete response: bytes, the file's size (of a range), ETag, the server's time."""

    body: bytes
    total: int | None = None
    etag: str = ""
    date: str = ""


def back_off(attempt: int, chance: random.Random) -> float:
    """Return a pause [s] drawn between half and the whole of 1, 2, 4 ... 60."""
    longest = min(BACK_OFF[1], BACK_OFF[0] * 2 ** (attempt - 1))
    return longest * (0.5 + 0.5 * chance.random())


class Client:
    """Connects to one address; counts what it requests (`requests`) and receives (`bytes`).
    Threads may share it.
    """

    def __init__(
        self,
        settings: HttpSettings,
        clock: Clock = CLOCK,
        seed: int | None = None,
        busy: frozenset[int] = BUSY,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._busy = busy
        self._random = random.Random(seed)
        self._limiter = Limiter(settings.requests_per_minute, settings.connections, clock)
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": "skyscape", "Accept-Encoding": "identity"})
        self._session.trust_env = urlsplit(settings.url).hostname not in LOOPBACK
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(settings.connections))
        self._lock = threading.Lock()
        self.requests = 0
        self.bytes = 0

    def deadline(self, within: Deadline | None = None) -> Deadline:
        """Start the clock of one acquisition, which ends with `within` at the latest."""
        seconds = self._settings.deadline_seconds
        return Deadline(seconds if within is None else min(seconds, within.left()), self._clock)

    def close(self) -> None:
        self._session.close()

    def get(
        self,
        path: str,
        deadline: Deadline,
        maximum: int,
        query: Sequence[tuple[str, str]] = (),
        span: ByteRange | None = None,
    ) -> Reply:
        """Return the answer to GET `path` (under the address), or the bytes of `span` in it.

        Raises: CycleNotReady (404, or the file ends too early), SourceUnavailable after the last
        attempt or at the deadline, SourceRefused (asking again does not help), SourceCorrupt
        (longer than `maximum` [byte], or another range than requested).
        """
        url = self._settings.url + path
        for attempt in range(1, self._settings.attempts + 1):
            self._limiter.wait(deadline)
            try:
                return self._once(url, deadline, maximum, query, span)
            except SourceError as error:
                if not error.worth_retrying or attempt == self._settings.attempts:
                    raise
                asked = error.retry_after if isinstance(error, SourceUnavailable) else None
                pause = back_off(attempt, self._random) if asked is None else asked
                log.warning(
                    "attempt %d of %d: %s; next in %.1f s",
                    attempt,
                    self._settings.attempts,
                    error,
                    pause,
                )
                deadline.pause(pause, str(error))
        raise AssertionError("unreachable: attempts is at least 1")

    def _once(
        self,
        url: str,
        deadline: Deadline,
        maximum: int,
        query: Sequence[tuple[str, str]],
        span: ByteRange | None,
    ) -> Reply:
        where, left = shown(url), deadline.left()
        if left <= 0:
            raise SourceRefused(f"{where}: not asked any more: the deadline has come")
        timeout = min(self._settings.timeout_seconds, left)
        headers = (
            {}
            if span is None
            else {"Range": f"bytes={span.first}-{'' if span.last is None else span.last}"}
        )
        with self._lock:
            self.requests += 1
        try:
            with self._session.get(
                url,
                params=list(query),
                headers=headers,
                timeout=timeout,
                stream=True,
                allow_redirects=False,
            ) as response:
                self._check_status(response, where, span)
                total = None if span is None else _total(response, where, span)
                body = self._body(response, where, deadline, maximum)
        except (requests.RequestException, HTTPError, HTTPException, OSError) as error:
            raise SourceUnavailable(
                f"{where}: the connection failed ({reason_of(error)}); expected a whole answer",
                of_file=not before_answer(error),
            ) from error
        if span is not None and span.length is not None and len(body) != span.length:
            raise SourceCorrupt(f"{where}: {len(body)} bytes came for a range of {span.length}")
        return Reply(body, total, *(response.headers.get(name, "") for name in ("ETag", "Date")))

    def _check_status(
        self, response: requests.Response, where: str, span: ByteRange | None
    ) -> None:
        """Raise unless the status is the expected one."""
        status = response.status_code
        if status in ABSENT:
            raise CycleNotReady(f"{where}: not there ({status}); it may not be published yet")
        if status == 416:
            raise CycleNotReady(
                f"{where}: ends before byte {span.first if span else 0} (416); "
                "it may still be growing"
            )
        if status in self._busy or status >= 500:
            after = retry_after(response.headers.get("Retry-After"), response.headers.get("Date"))
            if after is not None:
                self._limiter.hold(after)
            raise SourceUnavailable(
                f"{where}: the server is busy or failing ({status})",
                after,
                of_file=(status in REDIRECTS or status >= 500) and after is None,
                failing=status >= 500,
            )
        if span is not None and status == 200:
            raise SourceRefused(
                f"{where}: the server ignores byte ranges (200, expected 206) and would send "
                "the whole file; set another url"
            )
        if status != (200 if span is None else 206):
            raise SourceRefused(
                f"{where}: the server refuses (status {status}); check this source's url in the "
                "settings",
                of_file=status < 500,
            )
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise SourceRefused(
                f"{where}: answered in {response.headers['Content-Encoding']!r}, "
                "though identity was asked"
            )

    def _body(
        self, response: requests.Response, where: str, deadline: Deadline, maximum: int
    ) -> bytes:
        """Read the body piece by piece: never more than `maximum` [byte], never too slowly."""
        announced = response.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > maximum:
            raise SourceCorrupt(f"{where}: {announced} bytes announced, at most {maximum} expected")
        started, parts, length = self._clock.monotonic(), [], 0
        while piece := response.raw.read1(CHUNK, decode_content=False):
            parts.append(piece)
            length += len(piece)
            with self._lock:
                self.bytes += len(piece)
            if length > maximum:
                raise SourceCorrupt(f"{where}: more than the {maximum} bytes expected at most")
            spent = self._clock.monotonic() - started
            if spent > self._settings.timeout_seconds + length / SLOWEST:
                raise SourceUnavailable(
                    f"{where}: only {length} bytes in {spent:.0f} s; given up as too slow",
                    of_file=True,
                )
            if deadline.left() <= 0:
                raise SourceUnavailable(f"{where}: the deadline came after {length} bytes")
        return b"".join(parts)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes `first` to `last`, both included; an open end reads to the end of the file."""

    first: int
    last: int | None = None

    @property
    def length(self) -> int | None:
        return None if self.last is None else self.last - self.first + 1


def _total(response: requests.Response, where: str, span: ByteRange) -> int:
    """Return the size of the whole file [byte]; refuse a range other than the one requested."""
    text = response.headers.get("Content-Range", "")
    found = re.fullmatch(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", text)
    if found is None:
        raise SourceCorrupt(
            f"{where}: a partial answer without a sound Content-Range ({text!r:.60})"
        )
    first, last, total = (int(part) for part in found.groups())
    if last == total - 1 and span.last is not None and first == span.first and last < span.last:
        raise CycleNotReady(
            f"{where}: ends at byte {last}, before {span.last}; it may still be growing"
        )
    if first != span.first or last != (total - 1 if span.last is None else span.last):
        raise SourceCorrupt(
            f"{where}: sent bytes {first}-{last}, requested "
            f"{span.first}-{'' if span.last is None else span.last}"
        )
    return total


def retry_after(value: str | None, date: str | None) -> float | None:
    """Return how long [s] a Retry-After header asks to wait: seconds, or a date read against the
    server's own clock.

    None where there is none, or none that can be understood.
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    with suppress(ValueError, TypeError, OverflowError):
        return max(
            0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(date or "")).total_seconds()
        )
    return None


def shown(url: str) -> str:
    """Return `url` as it may be logged: without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def reason_of(error: BaseException) -> str:
    """Name the failure without its text, which may carry an address with its query."""
    inner = error.__cause__ or error.__context__
    return (
        type(error).__name__ if inner is None else f"{type(error).__name__}: {type(inner).__name__}"
    )


def before_answer(error: BaseException | None) -> bool:
    """Return whether no connection came about: then it is the server that fails, not one file."""
    nobody = (requests.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError)
    while error is not None:
        if isinstance(error, (*nobody, NewConnectionError, ConnectionRefusedError)):
            return True
        reason = getattr(error, "reason", None)  # of urllib3's MaxRetryError
        inner = reason if isinstance(reason, BaseException) else None
        error = inner or error.__cause__ or error.__context__
    return False


class _Watch:
    """Cuts a connection whose headers have not come in time: a socket's own timeout begins anew
    with every byte.
    """

    sock: Any
    timeout: Any

    def getresponse(self) -> Any:
        timer = threading.Timer(float(self.timeout), self._cut)
        timer.daemon = True
        timer.start()
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            timer.cancel()

    def _cut(self) -> None:
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _Http(_Watch, HTTPConnection):
    pass


class _Https(_Watch, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _Adapter(HTTPAdapter):
    """Few connections, kept alive; a thread waits for a free one rather than opening another."""

    def __init__(self, connections: int) -> None:
        super().__init__(
            pool_connections=2, pool_maxsize=connections, max_retries=0, pool_block=True
        )

    def init_poolmanager(self, *args: Any, **more: Any) -> None:
        super().init_poolmanager(*args, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}


@contextmanager
def progress(total: int, label: str, unit: str = "B") -> Iterator[Callable[[int], object]]:
    """Give a function that moves a progress bar on; there is one only where a person watches
    (stderr is a terminal).
    """
    with tqdm(
        total=total,
        desc=label,
        unit=unit,
        unit_scale=unit == "B",
        disable=not sys.stderr.isatty(),
        leave=False,
    ) as bar:
        yield bar.update
