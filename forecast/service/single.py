"""One service for each output folder: a lock that the process holds as long as it lives."""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from forecast.errors import ConfigError
from forecast.files import lock
from forecast.service.heartbeat import last_beat

log = logging.getLogger(__name__)

NAME = "service.lock"  # in the output folder


class HeldFolder:
    """An output folder that a service holds as long as it lives, until `close`.

    Raises: ConfigError as `hold`.
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime], version: str) -> None:
        self._folder, self._clock, self._version = folder, clock, version
        self._file = hold(folder, clock(), version)
        self._refused = ""  # why it could not be held again, once that was said

    def hold_again(self) -> None:
        """Hold the folder anew where somebody has removed or replaced it, and make it if missing.

        Where that cannot be done the log says so once. Raises: OSError.
        """
        try:
            there = os.stat(self._folder / NAME)
        except (FileNotFoundError, NotADirectoryError):
            there = None
        if there is not None and os.path.samestat(there, os.fstat(self._file.fileno())):
            return
        try:
            file = hold(self._folder, self._clock(), self._version)
        except ConfigError as error:
            if str(error) != self._refused:
                log.error("the output folder was removed or replaced: %s", error)
            self._refused = str(error)
            return
        self.close()
        self._file, self._refused = file, ""
        log.warning("%s was removed or replaced: this service holds it again", self._folder)

    def close(self) -> None:
        """Give the folder back."""
        self._file.close()


def hold(folder: Path, now: datetime, version: str) -> IO[str]:
    """Hold an output folder against every other service; give it back by closing the file.

    The kernel lets go of it when the process dies, however that happens.
    Raises: ConfigError, which says who holds it; or where it cannot be written.
    """
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; let it be written") from error
    if not lock(file):
        with file:
            file.seek(0)
            holder = _described(file.read())
        raise _taken(folder, holder)
    about = {"process": os.getpid(), "host": socket.gethostname(), "version": version}
    file.truncate(0)
    json.dump(about | {"since": now.isoformat(timespec="seconds")}, file)
    file.flush()
    return file


def refuse_another(folder: Path, private: Path) -> None:
    """Refuse an output folder whose service lives though its lock is gone, with the folder.

    private: where that service writes its heartbeat. Raises: ConfigError, which says who it is.
    """
    beat = last_beat(private)
    if beat is not None and beat.lives_for(folder):
        since = beat.started.isoformat(timespec="seconds")
        raise _taken(folder, f"process {beat.process} on {socket.gethostname()} since {since}")


def _taken(folder: Path, holder: str) -> ConfigError:
    return ConfigError(
        f"{folder}: another service runs for this output folder ({holder}); stop it first, or "
        "give this one another folder with --out"
    )


def _described(content: str) -> str:
    """Return who holds a folder, as far as its lock says it."""
    try:
        about: Any = json.loads(content)
        return f"process {about['process']} on {about['host']} since {about['since']}"
    except (ValueError, KeyError, TypeError):
        return "it does not say which"
