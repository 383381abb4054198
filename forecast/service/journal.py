"""The journal: one line for each attempt to issue, of the service and of `once`, in a file beside
the archive.

It is kept where the archive itself may be locked, lost or damaged, so that an hour that failed is
known all the same: `Journal.last` is what `status`, the alerts and the watchdog read.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from forecast.domain import as_utc
from forecast.errors import shortened

log = logging.getLogger(__name__)

NAME, FORMER = "journal.jsonl", "journal.1.jsonl"
LONGEST_FILE = 2_000_000  # [byte]; then it becomes FORMER, and what was that is forgotten
LONGEST_DETAIL = 600  # [character]

# Faults (path, reading or writing) that are in the log and not over: each look reads the journal
_LOGGED: set[tuple[Path, str]] = set()

# issued: readers have a new issue. partial: they have, but a channel or a phenomenon is missing.
# unchanged: the newest usable run is out already. older: only a run older than that in force.
# not_ready: the source works and has no newer run yet. waiting: a fault that may pass, of the
# source or here; both are tried again. refused: it is not tried
# again before somebody has done something. missed: the hour is over without an issue of its own.
Outcome = Literal[
    "issued", "partial", "unchanged", "older", "not_ready", "waiting", "refused", "missed"
]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
SERVICE, ONCE = "service", "once"  # who attempts: the service at its hours, or a command


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One attempt. hour: of issue that it is for. attempt: its id, also in the log's lines.

    seconds: how long each step took, where it came so far. by: SERVICE or ONCE; a command ends, so
    nothing tries its attempt again.
    """

    at: datetime
    hour: datetime
    attempt: str
    outcome: Outcome
    issue: str | None
    exit_code: int
    detail: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    by: str = SERVICE

    @property
    def line(self) -> str:
        """For the log: what came of it, for which hour, and why."""
        issue = f" {self.issue}" if self.issue else ""
        return f"hour {self.hour.isoformat()}: {self.outcome}{issue}: {self.detail}"


class Journal:
    """The journal in a folder; made where there is none. Safe for several threads.

    A disk that is full costs the entry, never the caller: it is logged. So is a journal that cannot
    be read, once until it can.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._former = folder / FORMER
        self._lock = threading.Lock()

    def add(self, entry: JournalEntry) -> bool:
        """Append an entry, and force it to disk; return whether it is there."""
        values = {**asdict(entry), "at": _text(entry.at), "hour": _text(entry.hour)}
        values["detail"] = shortened(entry.detail, LONGEST_DETAIL)
        body = json.dumps(values, ensure_ascii=False).encode() + b"\n"
        with self._lock:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                if self.path.exists() and self.path.stat().st_size > LONGEST_FILE:
                    self.path.replace(self._former)
                handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
                try:
                    end = os.lseek(handle, 0, os.SEEK_END)
                    # what a kill cut off stays a line of its own
                    cut = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
                    os.write(handle, b"\n" * cut + body)
                    os.fsync(handle)
                finally:
                    os.close(handle)
            except OSError as error:
                _log_fault(self.path, "write", f"cannot be written: {error}")
                return False
        _log_fault(self.path, "write", "")
        return True

    def last(self, count: int = 100) -> tuple[JournalEntry, ...]:
        """Return the newest entries, newest first; lines that cannot be read are left out."""
        lines = [line for path in (self._former, self.path) for line in _lines(path)]
        found: list[JournalEntry] = []
        damaged = 0
        for line in reversed(lines):
            if len(found) == count:
                break
            if (entry := _entry(line)) is not None:
                found.append(entry)
            else:
                damaged += 1
        _log_fault(self.path, "lines", _count(damaged), logging.WARNING)
        return tuple(found)

    def fault(self) -> str:
        """Return why the journal cannot be read or written, or how many of its lines cannot be
        read, in words; "" where all is well, also where there is none yet.
        """
        damaged = 0
        for path in (self._former, self.path):
            try:
                damaged += sum(_entry(line) is None for line in _read(path))
            except OSError as error:
                return f"{path} cannot be read: {error.strerror or error}"
        at = self.path if self.path.exists() else self.path.parent
        if at.exists() and not os.access(at, os.W_OK):
            return f"{self.path} cannot be written: no permission, or a disk that is read only"
        return f"{self.path}: {_count(damaged)}" if damaged else ""

    def counts(self) -> dict[str, int]:
        """Return how many attempts had each outcome, of all that the files hold."""
        found = dict.fromkeys(OUTCOMES, 0)
        for path in (self._former, self.path):
            for line in _lines(path):
                if (entry := _entry(line)) is not None:
                    found[entry.outcome] += 1
        return found


def _text(moment: datetime) -> str:
    return as_utc(moment).isoformat(timespec="seconds")


def _log_fault(path: Path, of: str, fault: str, level: int = logging.ERROR) -> None:
    """Log a fault once; "" says that it is over."""
    if not fault:
        _LOGGED.discard((path, of))
    elif (path, of) not in _LOGGED:
        _LOGGED.add((path, of))
        log.log(level, "the journal %s %s", path, fault)


def _count(damaged: int) -> str:
    """Return in words how many lines cannot be read; "" for none."""
    return f"{damaged} line{'s' * (damaged > 1)} cannot be read" if damaged else ""


def _lines(path: Path) -> list[bytes]:
    """Return the lines of a file; none where it cannot be read, which is logged."""
    try:
        lines = _read(path)
    except OSError as error:
        _log_fault(path, "read", f"cannot be read: {error}")
        return []
    _log_fault(path, "read", "")
    return lines


def _read(path: Path) -> list[bytes]:
    """Return the lines of a file; none where there is no such file. Raises: OSError."""
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - LONGEST_FILE - 4096, 0))
            return [each for each in file.read(LONGEST_FILE + 4096).splitlines() if each.strip()]
    except FileNotFoundError:
        return []


def _entry(line: bytes) -> JournalEntry | None:
    """Return the entry of a line; None where it is cut off or of another kind."""
    try:
        plain: Any = json.loads(line)
        if plain["outcome"] not in OUTCOMES:
            return None
        return JournalEntry(
            as_utc(datetime.fromisoformat(plain["at"])),
            as_utc(datetime.fromisoformat(plain["hour"])),
            str(plain["attempt"]),
            plain["outcome"],
            None if plain["issue"] is None else str(plain["issue"]),
            int(plain["exit_code"]),
            str(plain["detail"]),
            {str(step): float(took) for step, took in plain.get("seconds", {}).items()},
            str(plain.get("by", SERVICE)),
        )
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
