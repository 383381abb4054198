"""The process of the service as the supervisor sees it: started, measured, killed."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from tests.soak.clock import SharedClock
from tests.soak.operators import ENVIRONMENT

PROJECT = Path(__file__).parents[2]
POLL = 0.001  # [s]
PATIENCE = 300.0  # [s] of the real clock for what is at work; then the soak is broken
NO_ROOM = 8192  # [byte] to which the files of a service grow where the disk cannot be filled


class Process:
    """One service after the other, each a process of its own."""

    def __init__(self, folder: Path, clock: SharedClock) -> None:
        self._clock = clock
        environment = {**os.environ, **ENVIRONMENT, "OPENBLAS_NUM_THREADS": "1"}
        self._starter = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.soak.service", str(folder)],
            cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            bufsize=0,
        )  # fmt: skip
        self.id = 0  # 0: none lives
        self.status = 0  # of the last that ended
        self.cpu = 0.0  # [s] of those that ended

    def start(self) -> None:
        """Start a service."""
        self._input.write(b"start\n")
        self.id = int(self._output.readline())

    def kill(self) -> None:
        """Kill the service with SIGKILL, whatever it does."""
        self.cpu += self.processor_time()
        os.kill(self.id, signal.SIGKILL)
        self._ended()

    def stop(self) -> int:
        """End the service with SIGTERM; return its exit code."""
        self.cpu += self.processor_time()
        os.kill(self.id, signal.SIGTERM)
        self._ended()
        return os.waitstatus_to_exitcode(self.status)

    def reload(self) -> None:
        """Let the service read its settings again."""
        os.kill(self.id, signal.SIGHUP)

    def close(self) -> None:
        """End everything."""
        if self.id and self.alive:
            self.kill()
        self._input.close()
        self._starter.wait()

    @property
    def alive(self) -> bool:
        """Return whether a service lives; one that ended by itself does not."""
        try:
            state = Path(f"/proc/{self.id}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        return bool(self.id) and state != "Z"

    def wait(self, at: float) -> bool:
        """Wait until everything due up to a moment is done; return False where it died."""
        polls = 0
        while self._clock.idle < at:
            time.sleep(POLL)
            polls += 1
            if polls % 50 == 0 and not self.alive:
                self._ended()
                return False
            if polls * POLL > PATIENCE:
                raise TimeoutError(f"the service works at {self._clock.now()} for {PATIENCE} s")
        return True

    def memory(self) -> float:
        """Return the resident memory of the service [byte], of its decoders too."""
        children = Path(f"/proc/{self.id}/task/{self.id}/children")
        found = [str(self.id), *(children.read_text().split() if children.exists() else [])]
        return float(sum(_resident(each) for each in found))

    def processor_time(self) -> float:
        """Return the processor time of the service that lives [s], of its children too."""
        try:
            fields = Path(f"/proc/{self.id}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    def limit_files(self, full: bool) -> None:
        """Let no file grow, or every one again."""
        most = NO_ROOM if full else resource.RLIM_INFINITY
        if self.id and self.alive:
            resource.prlimit(self.id, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def _ended(self) -> None:
        self.status = int(self._output.readline())
        self.id = 0

    @property
    def _input(self) -> IO[bytes]:
        assert self._starter.stdin is not None
        return self._starter.stdin

    @property
    def _output(self) -> IO[bytes]:
        assert self._starter.stdout is not None
        return self._starter.stdout


def _resident(process: str) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


class Disk:
    """The disk of a season: one of its own of `size` bytes, where this user may mount one."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self._ballast = folder, folder / "ballast"
        folder.mkdir(parents=True, exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
        self.own = (
            size > 0
            and os.geteuid() == 0
            and shutil.which("mount") is not None
            and not subprocess.run(mount, check=False, capture_output=True).returncode
        )

    def fill(self) -> None:
        """Leave no room."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1 << 16))
            except OSError:
                pass

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    def used(self) -> dict[str, int]:
        """Return the bytes of each folder and file of the season; a hard link counts once."""
        found, seen = dict[str, int](), set[int]()
        for top in sorted(self.folder.iterdir()):
            total = 0
            for path in [top, *top.rglob("*")]:
                status = path.lstat()
                if path.is_symlink() or not path.is_file() or status.st_ino in seen:
                    continue
                seen.add(status.st_ino)
                total += status.st_blocks * 512
            found[top.name] = total
        return found

    def close(self) -> None:
        """Remove everything."""
        if self.own:
            subprocess.run(["umount", "-l", str(self.folder)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
