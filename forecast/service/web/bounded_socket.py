"""The listening socket of the web application: what comes in is bounded before it is read.

The server behind it reads a body whole before the application sees the request. Here the headers
are looked at first: a body that is too large for its address, or a push without a valid token, is
answered and the connection closed before any of the body is read; so is whoever takes too long.
It only refuses: what it lets through is checked again by the application.
"""

from __future__ import annotations

import re
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import unquote, urlsplit
from weakref import WeakSet

from forecast.service.web.lingering import Lingering
from forecast.service.web.throttle import network_of

HEADER = 16_384  # [byte] all headers of a request
MORE = 65_536  # [byte] that a connection may send beyond a body in chunks, or too many headers
SLOWEST = 8_000  # [byte/s] of a body
# Headers that a request has once at most: two of them would be read differently by each reader.
ONCE = ("content-length", "transfer-encoding", "host", "authorization", "content-type")
BAD_REQUEST = (
    b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 33\r\n"
    b"Connection: close\r\n\r\nthe headers cannot be understood\n"
)
# A method, an address and a version, nothing of them a control: a line feed alone ends no line here
# and does elsewhere.
FIRST_LINE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^\x00-\x20\x7f]+ HTTP/1\.\d")
CONTENT_LENGTH = re.compile(r"\d{1,18}")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Limits of a connection [s]: for its headers, for one request, and for silence within it."""

    headers: float = 15
    request: float = 300
    silence: float = 20


@dataclass(frozen=True, slots=True)
class Head:
    """The first line and the headers of a request; names in small letters.

    length: [byte] of its body; None where it comes in chunks.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    length: int | None


# Says how large [byte] the body of a request may be, from its head and the peer's address; or the
# whole answer where it is refused.
Gate = Callable[[Head, str], int | bytes]


def parse_head(data: bytes) -> Head | None:
    """Return what a request begins with; None where it is not written as any client writes it."""
    lines = data.decode("latin-1").strip("\r\n").split("\r\n")
    first = lines[0].split(" ")
    if len(first) != 3 or not FIRST_LINE.fullmatch(lines[0]):
        return None
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, mark, value = line.partition(":")
        name = name.lower()
        if not mark or not name.strip() or line[:1].isspace() or "\n" in line or "\r" in line:
            return None
        if name in headers and name in ONCE:
            return None
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    chunked, length = headers.get("transfer-encoding"), headers.get("content-length", "0")
    if not CONTENT_LENGTH.fullmatch(length):
        return None
    if chunked is not None and (chunked.lower() != "chunked" or "content-length" in headers):
        return None
    try:
        path = unquote(urlsplit(first[1]).path, "latin-1")
    except ValueError:
        return None
    return Head(first[0], path, headers, None if chunked else int(length))


class BoundedListener(socket.socket):
    """A listening socket whose connections are bounded.

    most: how many connections there may be; one more ends the one that has waited longest for its
    request, of the sender with the most. of_one: how many an address may have at once; 0: any, as
    behind another server.
    Raises: OSError where the address is unavailable.
    """

    def __init__(
        self, host: str, port: int, gate: Gate, timeouts: Timeouts, most: int, of_one: int = 0
    ) -> None:
        super().__init__(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        self.gate, self.timeouts, self.lingering = gate, timeouts, Lingering()
        self._most, self._of_one = most, of_one
        self._accepted = WeakSet[BoundedConnection]()
        try:
            self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.bind((host, port))
            self.listen(128)
        except OSError:
            self.close()
            raise

    def accept(self) -> tuple[socket.socket, Any]:
        """Return the next connection, bounded, and its address.

        Raises: OSError where its address has too many already.
        """
        connection, address = super().accept()
        peer = str(address[0])
        open_ones = [each for each in self._accepted if each.open]
        if self._of_one and sum(each.peer == peer for each in open_ones) >= self._of_one:
            connection.close()
            raise ConnectionRefusedError(f"{peer} has {self._of_one} connections already")
        if len(open_ones) >= self._most:
            _longest_waiting(open_ones).end()
        bounded = BoundedConnection(connection, peer, self)
        self._accepted.add(bounded)
        return bounded, address


def _longest_waiting(connections: Sequence[BoundedConnection]) -> BoundedConnection:
    """Return the connection that may end first: of the sender with the most of them, the one whose
    request began first.
    """
    held = Counter(network_of(each.peer) for each in connections)
    return min(connections, key=lambda each: (-held[network_of(each.peer)], each.since))


class BoundedConnection(socket.socket):
    """A connection of which no more is read than its requests may hold, nor for longer."""

    def __init__(self, connection: socket.socket, peer: str, listener: BoundedListener) -> None:
        super().__init__(
            connection.family, connection.type, connection.proto, fileno=connection.detach()
        )
        self.peer, self._listener = peer, listener
        self._gate, self._timeouts = listener.gate, listener.timeouts
        self._state: Literal["head", "body", "rest"] = "head"
        self._head, self._left = b"", 0
        self._deadline: float | None = None
        self.since, self._ended = time.monotonic(), False

    @property
    def open(self) -> bool:
        """Return whether it still counts: neither closed nor about to be."""
        return not self._ended and self.fileno() >= 0

    def end(self) -> None:
        """Read no more from it: it closes once the request that is being served has its answer."""
        self._ended = True
        with suppress(OSError):  # gone already
            self.shutdown(socket.SHUT_RD)

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what has come, up to the end of its part of the request; b"" to close."""
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self._timeouts.headers
        if self._ended or now > self._deadline:
            return b""
        if self._state == "head":
            return self._of_head(size, flags)
        data = super().recv(min(size, max(1, self._left)), flags)
        self._left -= len(data)
        if self._left < 0 or (self._left == 0 and self._state == "rest"):
            return b""
        if self._left == 0:
            self._begin_request()
        return data

    def _of_head(self, size: int, flags: int) -> bytes:
        """Look at what waits; take it up to the end of the headers, once they are admitted."""
        waiting = super().recv(size, flags | socket.MSG_PEEK)
        seen = self._head + waiting
        end = seen.find(b"\r\n\r\n", max(0, len(self._head) - 3))
        if end < 0:
            self._head = seen[: HEADER + 1]
            if len(seen) > HEADER:  # the server answers that
                self._state, self._left = "rest", MORE
            return super().recv(len(waiting), flags) if waiting else b""
        piece = end + 4 - len(self._head)
        head = parse_head(seen[: end + 4])
        if head is None:
            self._answer(BAD_REQUEST)
            return b""
        found = self._gate(head, self.peer)
        if isinstance(found, bytes):
            self._answer(found)
            return b""
        self._begin_body(head, found)
        return super().recv(piece, flags)

    def _begin_body(self, head: Head, limit: int) -> None:
        expected = limit if head.length is None else head.length
        seconds = min(self._timeouts.request, self._timeouts.headers + expected / SLOWEST)
        self._deadline = time.monotonic() + seconds
        if head.length is None:
            # its end is not looked for: nothing after it is read on this connection beyond that
            self._state, self._left = "rest", limit + MORE
        elif head.length:
            self._state, self._left = "body", head.length
        else:
            self._begin_request()

    def _begin_request(self) -> None:
        self._state, self._head, self._deadline = "head", b"", None
        self.since = time.monotonic()

    def _answer(self, content: bytes) -> None:
        """Send a refusal; the server has answered all requests before this one."""
        try:
            self.sendall(content)
            self.shutdown(socket.SHUT_WR)
            self._listener.lingering.close(
                socket.fromfd(self.fileno(), self.family, self.type, self.proto)
            )
        except OSError:  # gone, or it reads nothing
            pass
