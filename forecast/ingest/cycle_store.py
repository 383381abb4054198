"""The store of fetched cycles: `<cycles>/<model>/<YYYYMMDDHH>/<origin>/f006.grib2`.

A step is written to `f006.grib2.part` message by message, each synced before the next is requested:
after a crash the next fetch continues from the last complete message. The file gets its final name
only when all requested messages are in it and verified; `f006.json` next to it lists them, with the
SHA-256 of the file. One process at a time works in the folder (the lock ends with the process); the
next one removes what a killed process leaves.
"""

from __future__ import annotations

import fcntl
import json
import logging
import mmap
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from forecast import files
from forecast.domain import Cycle
from forecast.errors import RunNotKept, SourceCorrupt
from forecast.http import Deadline

log = logging.getLogger(__name__)

FORMAT = 1  # of the manifests; another format is fetched again
HEADER = 16  # [byte] section 0 of GRIB2
_RUN = re.compile(r"\d{10}")


@dataclass(frozen=True, slots=True)
class CycleManifest:
    """The content of a complete file, kept next to it. starts: field -> start of its window [h]."""

    needs: str
    messages: int
    size: int
    sha256: str
    starts: dict[str, float]
    format: int = FORMAT


def length_of(header: bytes, where: str) -> int:
    """Return the length [byte] that section 0 of a GRIB2 message declares.

    Raises: SourceCorrupt where it is none.
    """
    if len(header) < HEADER or header[:4] != b"GRIB" or header[7] != 2:
        raise SourceCorrupt(f"{where}: expected a GRIB2 message, found {header[:HEADER]!r}")
    length = int.from_bytes(header[8:16], "big")
    if length < HEADER + 4:
        raise SourceCorrupt(f"{where}: a message cannot have {length} bytes")
    return length


def check_message(data: bytes, where: str) -> None:
    """Raise SourceCorrupt unless `data` is one message: GRIB ... 7777, of the length it states."""
    length = length_of(data[:HEADER], where)
    if length != len(data):
        raise SourceCorrupt(f"{where}: the message declares {length} bytes, {len(data)} are there")
    if data[-4:] != b"7777":
        raise SourceCorrupt(f"{where}: the message ends {data[-4:]!r}, expected b'7777'")


class StepFile:
    """One step of one cycle in the folder: whole, in part, or not there."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / f"f{step:03d}.grib2"
        self.manifest = folder / f"f{step:03d}.json"
        self.part = folder / f"f{step:03d}.grib2.part"
        self.plan = folder / f"f{step:03d}.plan"

    def read_manifest(
        self, needs: str, known: dict[Path, tuple[int, int, int]]
    ) -> CycleManifest | None:
        """Return the manifest of a complete, unchanged file that holds `needs`, else None.

        None: the step must be fetched. A file is hashed once; `known` keeps its inode, size and
        time, by which it is recognised afterwards.
        """
        try:
            manifest = CycleManifest(**json.loads(self.manifest.read_bytes()))
            status = self.path.stat()
        except (OSError, ValueError, TypeError):
            return None
        if manifest.format != FORMAT or manifest.needs != needs or manifest.size != status.st_size:
            return None
        mark = (status.st_ino, status.st_size, status.st_mtime_ns)
        if known.get(self.path) != mark:
            if files.sha256_of(self.path) != manifest.sha256:
                log.warning(
                    "%s: is not the file that was fetched (SHA-256 differs); fetching it again",
                    self.path.name,
                )
                return None
            known[self.path] = mark
        return manifest

    def resume(self, plan: str, lengths: Sequence[int]) -> int:
        """Return how many messages of `plan` the part already holds; cut off an incomplete one.

        lengths: of the messages of the plan, in order [byte].
        """
        if _text(self.plan) != plan or not self.part.exists():
            self.discard()
            files.write_whole(self.plan, plan)
            self.part.touch()
            return 0
        kept, at = 0, 0
        with self.part.open("rb+") as file:
            for length in lengths:
                try:
                    check_message(file.read(length), self.part.name)
                except SourceCorrupt:
                    break
                kept, at = kept + 1, at + length
            file.truncate(at)
        if kept:
            log.info("%s: continues after %d of %d messages", self.part.name, kept, len(lengths))
        return kept

    def resume_whole(self, plan: str) -> bytes:
        """Return the whole messages of `plan` that the part holds; cut off an incomplete one.

        For a source whose messages have no length before they are there.
        """
        if _text(self.plan) != plan or not self.part.exists():
            self.discard()
            files.write_whole(self.plan, plan)
            self.part.touch()
            return b""
        data, at = self.part.read_bytes(), 0
        while at + HEADER <= len(data):
            try:
                end = at + length_of(data[at : at + HEADER], self.part.name)
                check_message(data[at:end], self.part.name)
            except SourceCorrupt:
                break
            at = end
        with self.part.open("rb+") as file:
            file.truncate(at)
        return data[:at]

    def append(self, messages: Iterable[bytes]) -> None:
        """Append whole messages to the part and sync it to the disk."""
        with self.part.open("ab") as file:
            file.writelines(messages)
            file.flush()
            os.fdatasync(file.fileno())

    def finish(
        self, needs: str, starts: dict[str, float], verify: Callable[[bytes | mmap.mmap], int]
    ) -> None:
        """Verify the part as a whole, then give it its name and its manifest.

        The old manifest is removed first and the new one written last: a file whose manifest does
        not fit is fetched again.
        """
        size = self.part.stat().st_size
        with _mapped(self.part) as data:
            count = verify(data)
        self.manifest.unlink(missing_ok=True)
        digest = files.sha256_of(self.part)
        files.rename(self.part, self.path)
        manifest = CycleManifest(needs, count, size, digest, dict(starts))
        files.write_whole(self.manifest, json.dumps(asdict(manifest), indent=1))
        self.plan.unlink(missing_ok=True)

    def discard(self) -> None:
        """Delete the part and its plan."""
        self.part.unlink(missing_ok=True)
        self.plan.unlink(missing_ok=True)

    def names(self) -> set[str]:
        return {self.path.name, self.manifest.name, self.part.name, self.plan.name}


class CycleStore:
    """All the cycles of one model."""

    def __init__(self, cycles: Path, model: str) -> None:
        self._root = cycles / model

    def folder(self, cycle: Cycle, origin: str) -> Path:
        """Return the folder of one cycle from one origin; make it where it does not exist."""
        folder = self._root / f"{cycle.run:%Y%m%d%H}" / origin
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def locked(self, deadline: Deadline) -> Iterator[None]:
        """Lock the folder; the lock ends with the process that holds it, however it ends."""
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".lock").open("w") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    deadline.pause(0.5, f"{self._root}: another process is fetching")
            yield

    def tidy(self, cycle: Cycle, keep: int, steps: Iterable[int]) -> None:
        """Remove what killed processes left, and all but the newest `keep` cycles.

        `cycle`, the one in use, always stays. Does nothing while another process holds the lock.
        """
        if not self._root.is_dir():
            return
        with (self._root / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._clear(cycle, keep, steps)

    def _clear(self, cycle: Cycle, keep: int, steps: Iterable[int]) -> None:
        used = f"{cycle.run:%Y%m%d%H}"
        runs = sorted(
            (p for p in self._root.iterdir() if _RUN.fullmatch(p.name)),
            key=lambda p: p.name,
            reverse=True,
        )
        stay = {used, *[p.name for p in runs if p.name != used][: keep - 1]}
        mine = set().union(*(StepFile(self._root, step).names() for step in steps))
        for run in runs:
            if run.name not in stay:
                shutil.rmtree(run, ignore_errors=True)
                log.info("%s: removed, %d cycles are kept", run.name, keep)
                continue
            for path in run.glob("*/*"):
                torn = path.suffix in (".part", ".plan", ".tmp") and run.name <= used
                if torn or (run.name == used and path.name not in mine):
                    path.unlink(missing_ok=True)
            for folder in (*run.iterdir(), run):
                if not any(folder.iterdir()):
                    folder.rmdir()


@contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap.mmap]:
    """Give the bytes of a file without reading them all into memory."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            yield b""
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield data


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        return ""


@contextmanager
def disk_spoken_for(folder: Path) -> Iterator[None]:
    """Translate a failing disk into the service's own error."""
    try:
        yield
    except OSError as error:
        raise RunNotKept(
            f"{folder}: cannot be written ({error.strerror or error}); free space or mend its "
            "permissions"
        ) from error
