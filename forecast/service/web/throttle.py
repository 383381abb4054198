"""Limits of how often something may be tried, in bounded memory."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

REMEMBERED = 10_000  # keys; the one longest unused is forgotten


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries at once, and one more every `seconds`."""

    tries: int
    seconds: float


class Throttle:
    """A bucket of tries for each key; safe to be called from several threads."""

    def __init__(self, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit, self._clock = limit, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> left, when
        self._lock = threading.Lock()

    def take(self, key: str) -> float:
        """Count one try; return 0, or for how long [s] to wait where it is one too many."""
        with self._lock:
            left, now = self._filled(key)
            wait = max(0.0, (1 - left) * self._limit.seconds)
            self._left[key] = (left if wait else left - 1, now)
            self._left.move_to_end(key)
            while len(self._left) > REMEMBERED:
                self._left.popitem(last=False)
            return wait

    def wait(self, key: str) -> float:
        """Return for how long [s] to wait before the next try; count none."""
        with self._lock:
            return max(0.0, (1 - self._filled(key)[0]) * self._limit.seconds)

    def _filled(self, key: str) -> tuple[float, float]:
        now = self._clock()
        left, at = self._left.get(key, (float(self._limit.tries), now))
        return min(self._limit.tries, left + (now - at) / self._limit.seconds), now


def network_of(address: str) -> str:
    """Return what is counted as one sender: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
