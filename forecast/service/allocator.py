"""How the C library gives memory to a service that runs for months.

glibc gives each thread a heap of its own, and keeps ever larger blocks in these heaps once one was
freed. A rare job that needs much for a moment (packing, backup) then leaves its heap large for
good. With one heap, and large blocks given back at once, memory stays where an issue needs it.
"""

from __future__ import annotations

import ctypes
import logging

log = logging.getLogger(__name__)

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # of mallopt(3)
HEAPS = 1
LARGE = 4 << 20  # [byte] from which a block is a mapping of its own


def give_back_memory() -> None:
    """Set one heap for all threads, and a fixed size of large blocks; for a process as a whole.

    It counts for threads that start later. Another C library than glibc keeps its own ways.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        log.debug("the C library has no mallopt")
        return
    mallopt(ARENA_MAX, HEAPS)
    mallopt(MMAP_THRESHOLD, LARGE)
