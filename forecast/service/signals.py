"""The signals of a service: SIGTERM and SIGINT end it, SIGHUP makes it read its settings again.

Only the standard library is imported here: they hold from the first moment of a start, also for
process 1 of a container, which the kernel spares every signal that it does not ask for.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType


class Signals:
    """The signals that came since the last look. Only the main thread may make it."""

    def __init__(self) -> None:
        self._came = threading.Event()
        self.stop = ""  # the name of the signal that ends the service
        self.reload = False
        self.starting = True  # nothing is at work yet that could be waited for
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        signal.signal(signal.SIGHUP, self._read_again)

    def wait(self, seconds: float) -> None:
        """Wait for a signal, at most so long."""
        self._came.wait(seconds)
        self._came.clear()

    def _end(self, number: int, _: FrameType | None) -> None:
        self.stop = signal.Signals(number).name
        if self.starting:
            os.write(2, f"stop: {self.stop}, while starting\n".encode())
            os._exit(0)
        self._came.set()

    def _read_again(self, *_: object) -> None:
        self.reload = True
        self._came.set()
