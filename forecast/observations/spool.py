"""The folder into which a bureau drops files of observations: what is new in it, what is still
being written, what was read.

What was read is known by the digest of its bytes, which the archive keeps. So that thousands of old
files are not read again every few minutes, their size and date are remembered while the process
lives.
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
# names of files being written
UNFINISHED = (".part", ".tmp", ".temp", ".partial", ".crdownload", ".filepart", ".swp", "~")
DEPTH_LIMIT, FILE_LIMIT = 8, 200_000  # sub-folders below each other; files that are looked at


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """A file as it was seen."""

    path: Path
    name: str  # within the folder
    size: int
    modified: int  # [ns] since 1970
    inode: int

    @property
    def moment(self) -> datetime:
        """When it was written last, by its own date."""
        return datetime.fromtimestamp(self.modified / 1e9, UTC)

    def unchanged(self) -> bool:
        """Is it still the file that was seen?"""
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
        """Return the SHA-256 of its bytes; of a file larger than `largest` [byte], which nobody
        will read, that of name, size and date.

        Raises: OSError.
        """
        if self.size > largest:
            return self.mark("too large")
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError("no regular file")
            return hashlib.file_digest(file, "sha256").hexdigest()

    def mark(self, why: str) -> str:
        """Return a digest of what is known of the file without reading it."""
        return hashlib.sha256(
            f"{why} {self.size} {self.modified} {self.name}".encode(errors="surrogateescape")
        ).hexdigest()


@dataclass(frozen=True, slots=True)
class SpoolScan:
    """What a look into the folder found: files to read, by rising date; how many are being written;
    whether there were too many.
    """

    files: tuple[SpoolFile, ...]
    waiting: int
    beyond: bool


class Spool:
    """A folder that is looked into again and again."""

    def __init__(self, path: Path, settle: float = SETTLE) -> None:
        self._path, self._settle = path, settle
        self._read: dict[str, SpoolFile] = {}

    def look(self) -> SpoolScan:
        """Return the files not read yet that did not change for a moment. Raises: OSError where the
        folder itself cannot be read.
        """
        found, waiting = list[SpoolFile](), 0
        beyond = False
        for file in self._files():
            if len(found) >= FILE_LIMIT:
                beyond = True
                break
            if file.name.lower().endswith(UNFINISHED):
                waiting += 1
            else:
                found.append(file)
        seen = {file.name for file in found}
        self._read = {name: file for name, file in self._read.items() if name in seen}
        new = [file for file in found if self._read.get(file.name) != file]
        if new and self._settle:
            time.sleep(self._settle)
        settled = [file for file in new if file.unchanged()]
        settled.sort(key=lambda file: (file.modified, file.name))
        return SpoolScan(tuple(settled), waiting + len(new) - len(settled), beyond)

    def remember(self, file: SpoolFile) -> None:
        """Note that a file was read: it is not looked at again while it stays as it is."""
        self._read[file.name] = file

    def clear(self, before: datetime) -> int:
        """Delete files that were read and were written before a moment; return how many."""
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
        """Yield the regular files of the folder and of those in it; links and hidden ones are
        passed over.
        """
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
