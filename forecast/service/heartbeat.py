"""The heartbeat of the service: a small file that it writes anew while it lives.

The scheduler writes it, so a dead scheduler inside a living process stops it too. `skyscape check
--alive` (cron, systemd) and /healthz read it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from forecast.domain import as_utc
from forecast.files import write_whole

NAME = "heartbeat.json"
SECONDS = 20  # between two beats
SILENT = timedelta(minutes=3)  # after this the service counts as dead


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """When the service last lived, its process, when it started, and its version.

    space: where its number counts: the PID namespace (a container) of one boot of one machine; "":
    unknown. begun: the tick of that boot at which the process began: a later one may have its
    number. output: the output folder that it publishes into.
    """

    at: datetime
    process: int
    started: datetime
    version: str
    space: str = ""
    begun: str = ""
    output: str = ""

    def silent(self, now: datetime) -> bool:
        """Return whether it is too long ago, or in the future (the clock was set back)."""
        return not -SILENT <= as_utc(now) - self.at <= SILENT

    def ended(self) -> bool:
        """Return whether its process is gone; False where that cannot be seen from here."""
        return bool(self.space) and self.space == _space() and _is_gone(self.process)

    def lives_for(self, output: Path) -> bool:
        """Return whether another process than this one surely lives and publishes into a folder."""
        return (
            self.process != os.getpid()
            and self.output == str(output.absolute())
            and bool(self.begun)
            and self.space == _space()
            and not _is_gone(self.process)
            and self.begun == _begun(self.process)
        )


def beat(
    folder: Path, now: datetime, started: datetime, version: str, output: Path | None = None
) -> None:
    """Write the heartbeat of this process. output: where it publishes. Raises: OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "at": as_utc(now).isoformat(timespec="seconds"),
        "process": os.getpid(),
        "started": as_utc(started).isoformat(timespec="seconds"),
        "version": version,
        "space": _space(),
        "begun": _begun(os.getpid()),
        "output": "" if output is None else str(output.absolute()),
    }
    path, moment = folder / NAME, as_utc(now).replace(microsecond=0).timestamp()
    try:
        write_whole(path, json.dumps(content))
    finally:  # the time of the file needs no space on a disk that is full
        os.utime(path, (moment, moment))


def _space() -> str:
    """Return the PID namespace of this process and the boot; "" where they cannot be known.

    The first namespace has the same name on every machine, so the boot belongs to it.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{os.readlink('/proc/self/ns/pid')} {boot}"
    except OSError:
        return ""


def _is_gone(process: int) -> bool:
    """Return whether a process of this namespace has ended, also if nobody has asked how."""
    try:
        os.kill(process, 0)  # sends nothing; also known where /proc hides what belongs to others
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return _status(process)[:1] in (["Z"], ["X"])


def _begun(process: int) -> str:
    """Return the tick after the boot at which a process began; "" where it cannot be known."""
    return "".join(_status(process)[19:20])


def _status(process: int) -> list[str]:
    """Return what /proc says of a process, from its state on; empty where that cannot be read."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return status.rpartition(")")[2].split()


def last_beat(folder: Path) -> Heartbeat | None:
    """Return the last heartbeat; None where there is none, or none that can be read."""
    try:
        path = folder / NAME
        plain: Any = json.loads(path.read_bytes())
        touched = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        return Heartbeat(
            max(as_utc(datetime.fromisoformat(plain["at"])), touched),
            int(plain["process"]),
            as_utc(datetime.fromisoformat(plain["started"])),
            str(plain["version"]),
            str(plain.get("space", "")),
            str(plain.get("begun", "")),
            str(plain.get("output", "")),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
