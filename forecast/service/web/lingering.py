"""Close connections that were refused so that their senders read why.

A connection closed while its sender still writes is reset, and the answer is lost with it. So some
more of what comes is thrown away for a moment first, by one thread for all of them.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from dataclasses import dataclass

SECONDS = 2.0  # at most for each
BYTES = 262_144  # thrown away at most of each
AT_ONCE = 50  # connections; one more is closed at once
TURN = 0.05  # [s]


@dataclass
class _Refused:
    connection: socket.socket
    until: float
    left: int = BYTES


class Lingering:
    """The refused connections that wait for their end."""

    def __init__(self) -> None:
        self._waiting: list[_Refused] = []
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def close(self, connection: socket.socket) -> None:
        """Close a connection when its sender has, or has had time enough to read its answer."""
        with self._change:
            if len(self._waiting) >= AT_ONCE:
                connection.close()
                return
            connection.setblocking(False)
            self._waiting.append(_Refused(connection, time.monotonic() + SECONDS))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lingering", daemon=True)
                self._thread.start()
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._waiting:
                    self._change.wait()
                waiting = list(self._waiting)
            over = [each for each in self._ready(waiting) if _ended(each)]
            now = time.monotonic()
            over += [each for each in waiting if each.until <= now and each not in over]
            for each in over:
                each.connection.close()
            with self._change:
                self._waiting = [each for each in self._waiting if each not in over]

    @staticmethod
    def _ready(waiting: list[_Refused]) -> list[_Refused]:
        with selectors.DefaultSelector() as selector:
            for each in waiting:
                selector.register(each.connection, selectors.EVENT_READ, each)
            return [key.data for key, _ in selector.select(TURN)]


def _ended(refused: _Refused) -> bool:
    """Throw away what has come; return whether that was the end."""
    try:
        data = refused.connection.recv(65_536)
    except BlockingIOError:
        return False
    except OSError:
        return True
    refused.left -= len(data)
    return not data or refused.left <= 0
