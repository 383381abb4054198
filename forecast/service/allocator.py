"""How the C library gives memory to a service that runs for months.

glibc gives each thread a heap of its own, and keeps ever larger blocks in these heaps once one was
freed. A rare job that needs much for a moment (packing, backup) then leaves its heap large for
good. With one heap, and large blocks given back at once, memory stays where an issue needs it.
"""

from __future__ import annotations

import ctypes

ARENA_MAX, MMAP_THRESHOLD = -8, -3  # of mallopt(3)
HEAPS = 1
LARGE = 4 << 20  # [byte] from which a block is a mapping of its own


def give_back_memory() -> None:
    """Set one heap for all threads, and a fixed size of large blocks; for a process as a whole.

    It counts for threads that start later. Another C library than glibc keeps its own ways.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(ARENA_MAX, HEAPS)
        library.mallopt(MMAP_THRESHOLD, LARGE)


def trim() -> None:
    """Give back whole pages of the heap that nothing uses, after a job that needed much."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None
