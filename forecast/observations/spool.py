"""The folder for files of observations: which are new, still being written, or read already.

The archive knows by its digest whether a file was read. So that thousands of old files are not
opened every few minutes, their sizes and dates are kept in memory.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SETTLE = 1.0  # [s] over which a file must not change before it is read
# Endings of files that are still being written.
UNFINISHED = (".part", ".tmp", ".temp", ".partial", ".crdownload", ".filepart", ".swp", "~")
DEPTH_LIMIT, FILE_LIMIT = 8, 200_000  # nested sub-folders; files that are scanned


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A file as it was found."""

    path: Path
    name: str  # within the folder
    size: int
    modified: int  # [ns] since 1970
    inode: int

    @property
    def moment(self) -> datetime:
        """Return when it was last modified."""
        return datetime.fromtimestamp(self.modified / 1e9, UTC)

    def unchanged(self) -> bool:
        """Return whether the file is still as it was found."""
        try:
            found = self.path.lstat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns, found.st_ino) == (
            self.size,
            self.modified,
            self.inode,
        )

    def digest(self, largest: int) -> str:
        """Return the SHA-256 of the file's bytes; above `largest` [byte], `metadata_digest`.

        Raises: OSError.
        """
        if self.size > largest:
            return self.metadata_digest("too large")
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("no regular file")
            return hashlib.file_digest(file, "sha256").hexdigest()

    def metadata_digest(self, why: str) -> str:
        """Return a digest of the file's name, size and date, without reading it."""
        return hashlib.sha256(
            f"{why} {self.size} {self.modified} {self.name}".encode(errors="surrogateescape")
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class SpoolScan:
    """The result of a scan.

    files: to be read, the oldest first. waiting: number of files still being written. truncated:
    whether there are more than FILE_LIMIT files.
    """

    files: tuple[SpoolFile, ...]
    waiting: int
    truncated: bool


class Spool:
    """A folder that is scanned repeatedly."""

    def __init__(self, path: Path, settle: float = SETTLE) -> None:
        self._path, self._settle = path, settle
        self._read: dict[str, SpoolFile] = {}

    def scan(self) -> SpoolScan:
        """Return the files that are not read yet and did not change for the settle time.

        Raises: OSError where the folder itself cannot be read.
        """
        found, waiting = list[SpoolFile](), 0
        truncated = False
        for file in self._files():
            if len(found) >= FILE_LIMIT:
                truncated = True
                break
            if file.name.lower().endswith(UNFINISHED):
                waiting += 1
            else:
                found.append(file)
        present = {file.name for file in found}
        self._read = {name: file for name, file in self._read.items() if name in present}
        new = [file for file in found if self._read.get(file.name) != file]
        if new and self._settle:
            time.sleep(self._settle)
        settled = [file for file in new if file.unchanged()]
        settled.sort(key=lambda file: (file.modified, file.name))
        return SpoolScan(tuple(settled), waiting + len(new) - len(settled), truncated)

    def mark_read(self, file: SpoolFile) -> None:
        """Mark a file as read: it is skipped while it stays unchanged."""
        self._read[file.name] = file

    def clear(self, before: datetime) -> int:
        """Delete read files last modified before a moment; return how many."""
        cleared = 0
        for file in list(self._read.values()):
            if file.moment < before and file.unchanged():
                try:
                    file.path.unlink()
                except OSError:
                    continue
                cleared += 1
        return cleared

    def _files(self) -> Iterator[SpoolFile]:
        """Yield the files of the folder and its sub-folders, except links and hidden ones."""
        pending = [(self._path, "", 0)]
        while pending:
            folder, within, depth = pending.pop()
            try:
                entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
            except OSError:
                if not depth:
                    raise
                continue
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                try:
                    if entry.is_dir(follow_symlinks=False):
                        if depth < DEPTH_LIMIT:
                            pending.append(
                                (folder / entry.name, f"{within}{entry.name}/", depth + 1)
                            )
                    elif entry.is_file(follow_symlinks=False):
                        found = entry.stat(follow_symlinks=False)
                        name = within + entry.name
                        yield SpoolFile(
                            folder / entry.name,
                            name,
                            found.st_size,
                            found.st_mtime_ns,
                            found.st_ino,
                        )
                except OSError:
                    continue
