"""Write files whole: a reader finds the old file or the new one, even after a power failure.

The new content is written to a temporary file in the same folder, synced to the disk and renamed;
then the folder is synced, so that the new name lasts as well. Locks of files, and their hashes,
stand here too.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

OTHERS_WRITE = 0o022  # the bits of a mode by which others than the owner may write
LOCK_LOOK = 0.1  # [s] between two tries to lock a file


def write_whole(path: Path, content: str | bytes | Iterable[bytes], private: bool = False) -> None:
    """Write a file so that it is there whole or not at all; text is written as UTF-8.

    private: only its owner can read it, from its first byte on.

    The temporary file is `.<name>.tmp`. It is removed if the writing fails; if the process is
    killed, the next writing of the same file reuses it. Writers of the same file wait for each
    other. The folder must exist.

    Raises: OSError, and whatever `content` raises; the old file is then untouched.
    """
    if isinstance(content, str):
        content = content.encode()
    pieces = [content] if isinstance(content, bytes) else content
    temporary = path.with_name(f".{path.name}.tmp")
    with _locked(temporary) as file:
        try:
            if private:
                os.fchmod(file.fileno(), 0o600)
            for piece in pieces:
                file.write(piece)
            file.flush()
            rename(temporary, path)
        except BaseException:
            if _is_at(file, temporary):
                temporary.unlink()
            raise


def limit_modes() -> None:
    """Let nobody but the owner write what this process makes from now on: files at most 0644,
    folders at most 0755, whatever the umask that was given. A stricter one stays.

    For the start of a process, before there are threads: a umask belongs to all of them.
    """
    given = os.umask(0o077)
    os.umask(given | OTHERS_WRITE)


def try_folder(folder: Path) -> None:
    """Try whether files can be written into a folder, or it can be made: a temporary folder is made
    where it, or the nearest above it, is, and removed again. Raises: OSError.
    """
    above = next(each for each in (folder, *folder.parents) if os.path.exists(each))
    trial = Path(tempfile.mkdtemp(prefix=".skyscape-check-", dir=above))
    try:
        (trial / folder.relative_to(above)).mkdir(parents=True, exist_ok=True)
    finally:
        shutil.rmtree(trial, ignore_errors=True)


def make_private(path: Path, folder: bool = False) -> None:
    """Make an empty file or a folder that only its owner can read, whatever the umask; one that is
    there stays as it is. The folders above are made as usual.

    Raises: OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        if folder:
            path.mkdir(mode=0o700)
        else:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def rename(source: Path, target: Path) -> None:
    """Give a finished file or folder its final name, durably. Replaces a file at `target`."""
    sync(source)
    os.replace(source, target)
    sync(target.parent)


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of any size. Raises: OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock(file: IO[Any], wait: float = 0.0) -> bool:
    """Lock an open file against every other process, and return whether that could be done.

    wait: [s] at most, for the process that has it. Closing the file gives it back, and so does the
    death of the process.
    """
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= until:
                return False
            time.sleep(LOCK_LOOK)
        else:
            return True


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """Open an empty file at `path` that no other writer has open."""
    while True:
        with path.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, path):  # the writer before has renamed or removed it
                continue
            file.truncate(0)
            yield file
            return


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
