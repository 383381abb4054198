"""The requests of an account, counted over all processes in a small file.

A request is counted before it is sent, so a process killed at any moment counts too many and never
too few. Requests are counted by the minute over the last hour, whatever hour the service counts by.
"""

from __future__ import annotations

import fcntl
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forecast.files import write_whole
from forecast.http.wall_clock import unix_time

log = logging.getLogger(__name__)

MINUTE, HOUR = 60.0, 3600.0  # [s]


@dataclass(slots=True)
class _Counts:
    """Requests by minute (since 1970), and the moment [s] until which none is sent."""

    minutes: dict[int, int] = field(default_factory=dict)
    held_until: float = 0.0


class RequestLedger:
    """Counts the requests of one account at one address.

    path: of the file; its folder is made. A file that cannot be read counts as a full minute, so
    that nothing is lost by a damaged one. share: the part of both limits below which a request may
    be sent, whoever sent the others.
    Raises: OSError from every method where the folder cannot be written.
    """

    def __init__(
        self, path: Path, per_minute: int, per_hour: int, now: Callable[[], float] = unix_time
    ) -> None:
        self._path, self._now = path, now
        self._per_minute, self._per_hour = per_minute, per_hour

    def take(self, share: float = 1.0) -> float:
        """Count one request and return 0, or return the seconds [s] to wait, counting nothing."""
        with self._locked() as counts:
            now = self._now()
            wait = self._wait(counts, now, share)
            if wait <= 0:
                minute = int(now // MINUTE)
                counts.minutes[minute] = counts.minutes.get(minute, 0) + 1
                self._write(counts, now)
        return max(wait, 0.0)

    def hold(self, seconds: float) -> None:
        """Let no request through for `seconds`, in this process or another."""
        with self._locked() as counts:
            now = self._now()
            counts.held_until = max(counts.held_until, now + seconds)
            self._write(counts, now)

    @property
    def used(self) -> int:
        """The requests of the last hour."""
        with self._locked() as counts:
            return self._within_hour(counts, self._now())

    @property
    def held_until(self) -> float:
        """The moment [s] until which the service wants no request; 0 where it said nothing."""
        with self._locked() as counts:
            now = self._now()
            return counts.held_until if self._held(counts, now) else 0.0

    @staticmethod
    def _held(counts: _Counts, now: float) -> bool:
        return now < counts.held_until <= now + HOUR * 3  # beyond: the clock was set back

    def _wait(self, counts: _Counts, now: float, share: float) -> float:
        if self._held(counts, now):
            return counts.held_until - now
        minute = int(now // MINUTE)
        per_minute, per_hour = (max(1, int(n * share)) for n in (self._per_minute, self._per_hour))
        if self._within_hour(counts, now) >= per_hour:
            over, left = self._within_hour(counts, now) - per_hour + 1, 0
            for each in sorted(m for m in counts.minutes if m > minute - 60):
                left += counts.minutes[each]
                if left >= over:
                    return (each + 60) * MINUTE + 1 - now
        if counts.minutes.get(minute, 0) >= per_minute:
            return (minute + 1) * MINUTE - now + 0.01
        return 0.0

    @staticmethod
    def _within_hour(counts: _Counts, now: float) -> int:
        minute = int(now // MINUTE)
        return sum(n for m, n in counts.minutes.items() if minute - 60 < m <= minute)

    @contextmanager
    def _locked(self) -> Iterator[_Counts]:
        """Give the counts while no other thread or process has them."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield self._read()

    def _read(self) -> _Counts:
        try:
            plain: Any = json.loads(self._path.read_bytes())
            minutes = {int(minute): int(count) for minute, count in plain["minutes"].items()}
            return _Counts(minutes, float(plain["held_until"]))
        except FileNotFoundError:
            return _Counts()
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("%s: damaged: counted anew, after a full minute", self._path)
            counts = _Counts({int(self._now() // MINUTE): self._per_minute})
            self._write(counts, self._now())
            return counts

    def _write(self, counts: _Counts, now: float) -> None:
        oldest = int(now // MINUTE) - 60
        kept = {str(m): n for m, n in sorted(counts.minutes.items()) if m > oldest}
        content = {"minutes": kept, "held_until": counts.held_until}
        write_whole(self._path, json.dumps(content), private=True)
