"""Whether the file of an SQLite archive is plainly damaged, by its first bytes and its size.

It is not opened as a database, so whoever holds it, this answers at once. A file that lives is not
blamed for what its log (`<name>-wal`) still holds: while a checkpoint writes, its header may count
pages that only the log has. The format: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"SQLite format 3\0"
HEADER = 100  # [byte]
LOG_MAGIC = (0x377F0682, 0x377F0683)
LOG_HEADER, FRAME_HEADER, INDEX_HEADER = 32, 24, 100  # [byte]
LOCKED_BYTE = 1 << 30  # the page with it is never written
LOOKS = 5  # at a file that changes meanwhile


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file is at one moment.

    size [byte]. page: its size [byte], 0 where that makes no sense. pages: by the header; 0: it
    does not say. log: the header of the log beside it, empty where there is none. written: so many
    frames of the log stand in the file already, by the index of the log.
    """

    size: int
    magic: bool
    page: int
    pages: int
    log: bytes
    written: int

    @property
    def missing(self) -> range:
        """Return the numbers of the pages that the header counts and the file does not hold."""
        return range(self.size // self.page + 1, self.pages + 1)


def damage_of(path: Path) -> str:
    """Return how the file of an SQLite archive is damaged; "" where nothing shows.

    Also "" where it is not there, empty or may not be read: others say that.
    """
    try:
        state = _state(path)
        for _ in range(LOOKS):
            found = _fault(path, state)
            again = _state(path)
            if not found or again == state:
                return found
            state = again
    except OSError:
        pass
    return ""  # it changes all the time, so it lives


def _state(path: Path) -> FileState:
    with path.open("rb") as file:
        head = file.read(HEADER)
        size = file.seek(0, 2)
    page, pages = 0, 0
    if len(head) == HEADER:
        (page,) = struct.unpack_from(">H", head, 16)
        page = 1 << 16 if page == 1 else page
        changed, pages = struct.unpack_from(">II", head, 24)
        (valid,) = struct.unpack_from(">I", head, 92)
        pages = pages if changed == valid else 0  # else an old program wrote the count
    sound = 512 <= page <= 1 << 16 and page & (page - 1) == 0
    log = _head(path, "-wal", LOG_HEADER)
    written = _written(_head(path, "-shm", INDEX_HEADER), log)
    return FileState(size, head.startswith(MAGIC), page if sound else 0, pages, log, written)


def _fault(path: Path, state: FileState) -> str:
    """Return what is wrong with a file as it is; "" where nothing shows."""
    if state.size == 0:
        return ""
    if not state.magic or not state.page:
        return f"it is no SQLite database ({state.size} bytes)"
    if not state.missing or _rolls_back(path):
        return ""
    held = _pages_of_log(path, state)
    locked = LOCKED_BYTE // state.page + 1
    lost = [number for number in state.missing if number not in held and number != locked]
    if not lost:
        return ""
    return (
        f"it is cut off: it has {state.size} bytes, and {state.pages * state.page} by its own "
        "header"
    )


def _rolls_back(path: Path) -> bool:
    """Return whether a journal of the other kind lies beside: then the file is being written."""
    journal = path.with_name(f"{path.name}-journal")
    return journal.exists() and journal.stat().st_size > 0


def _head(path: Path, end: str, size: int) -> bytes:
    """Return the first bytes of a file beside a database; empty where it is not there."""
    try:
        with path.with_name(path.name + end).open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        return b""


def _written(index: bytes, log: bytes) -> int:
    """Return how many frames of the log the last checkpoint wrote, by the index of that log."""
    ours = len(index) == INDEX_HEADER and index[:48] == index[48:96] and index[32:40] == log[16:24]
    return int(struct.unpack_from("=I", index, 96)[0]) if ours else 0


def _pages_of_log(path: Path, state: FileState) -> set[int]:
    """Return the numbers of the pages that the log holds and no checkpoint wrote yet."""
    if len(state.log) < LOG_HEADER:
        return set()
    magic, _, page = struct.unpack_from(">III", state.log)
    if magic not in LOG_MAGIC or page != state.page:
        return set()
    salts, found = state.log[16:24], set[int]()
    with path.with_name(f"{path.name}-wal").open("rb") as file:
        file.seek(LOG_HEADER + state.written * (FRAME_HEADER + page))
        while len(frame := file.read(FRAME_HEADER)) == FRAME_HEADER and frame[8:16] == salts:
            found.add(struct.unpack_from(">I", frame)[0])
            file.seek(page, 1)
    return found
