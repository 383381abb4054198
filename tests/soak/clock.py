"""The clock of a season: shared by the supervisor and the service, which moves it.

It stands still while the service works and jumps to what comes next when the service is idle, so a
season takes as long as its work. The service never moves it beyond the gate; the supervisor opens
that to the time of its next event.
"""

from __future__ import annotations

import mmap
import threading
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

STEADY, OFFSET, GATE, IDLE, SIZE = range(5)


class SharedClock:
    """Four numbers [s] in a file mapped into both processes.

    steady: since 1970, never set back. offset: of the wall clock. gate: up to which `steady` may
    move. idle: up to which everything that was due has been done.
    """

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        if start is not None:
            path.write_bytes(bytes(8 * SIZE))
        with path.open("r+b") as file:
            self._values = memoryview(mmap.mmap(file.fileno(), 8 * SIZE)).cast("d")
        if start is not None:
            self._values[STEADY] = self._values[GATE] = start.timestamp()
        self._read = threading.local()

    @property
    def steady(self) -> float:
        return self._values[STEADY]

    @steady.setter
    def steady(self, seconds: float) -> None:
        self._values[STEADY] = seconds

    @property
    def offset(self) -> float:
        return self._values[OFFSET]

    @offset.setter
    def offset(self, seconds: float) -> None:
        self._values[OFFSET] = seconds

    @property
    def gate(self) -> float:
        return self._values[GATE]

    @gate.setter
    def gate(self, seconds: float) -> None:
        self._values[GATE] = seconds

    @property
    def idle(self) -> float:
        return self._values[IDLE]

    @idle.setter
    def idle(self, seconds: float) -> None:
        self._values[IDLE] = seconds

    @property
    def wall(self) -> float:
        return self.steady + self.offset

    def now(self) -> datetime:
        """Return the time of the wall clock."""
        self._read.steady = steady = self.steady
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=steady + self.offset)

    def monotonic(self) -> float:
        """Return the steady time that belongs to this thread's last look at the wall clock."""
        return float(getattr(self._read, "steady", self.steady))


class _IsAnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


def datetime_of(clock: SharedClock) -> type:
    """Return what stands for the class `datetime` where a library reads the clock itself."""

    class SimulatedDatetime(datetime, metaclass=_IsAnyDatetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock.now().astimezone(tz)

    return SimulatedDatetime
