"""The time of day that requests carry and by which hours of requests are counted."""

from __future__ import annotations

import time


def unix_time() -> float:
    """Return the seconds since 1970."""
    return time.time()
