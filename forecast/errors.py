"""Every error the service raises on purpose, drawn as a tree.

    SkyscapeError
    ├── ConfigError           a setting is wrong: the start stops (exit 3)
    ├── SourceError           a model run cannot be had (exit 4)
    │   ├── SourceUnavailable     the network or the server failed: worth retrying
    │   │   └── SourceRefused         the server will not serve it: asking again does not help
    │   ├── CycleNotReady         the run is not (wholly) there yet: wait, or use the run before
    │   └── SourceCorrupt         what arrived is not what was asked: fetch again, else set aside
    ├── MissingInput          a quantity that a feature needs is in none of the files
    ├── ModelMismatch         a model asks for features that the service does not compute
    ├── ArchiveError          the archive cannot be read or written (exit 5)
    └── PublishError          a channel refused or failed (exit 6: published only in part)

A message says what happened, what was expected and what to do. Foreign exceptions are translated
once, at their door.
"""

from __future__ import annotations


class SkyscapeError(Exception):
    """The root: caught in `pipeline` (one event or channel set aside), `scheduling` and the command
    line, nowhere else.
    """

    exit_code = 1
    worth_retrying = False


class ConfigError(SkyscapeError):
    """A setting is missing, unknown or out of range."""

    exit_code = 3


class SourceError(SkyscapeError):
    """A model run cannot be had."""

    exit_code = 4


class SourceUnavailable(SourceError):
    """The network or the server failed.

    `retry_after` [s] is what the server asked for, where it did.
    """

    worth_retrying = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceRefused(SourceUnavailable):
    """The server will not serve this, however often it is asked."""

    worth_retrying = False


class CycleNotReady(SourceError):
    """The run, or a step of it, is not published yet.

    `absent`: nothing of the run is there at all.
    """

    def __init__(self, message: str, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class SourceCorrupt(SourceError):
    """What arrived is not what was asked: names the file, the offset and what was expected."""

    worth_retrying = True


class MissingInput(SkyscapeError):
    """A quantity that a feature cannot do without is in none of the files."""

    exit_code = 4


class ModelMismatch(SkyscapeError):
    """A model asks for features that the service does not compute."""

    exit_code = 3


class ArchiveError(SkyscapeError):
    """The archive cannot be read or written."""

    exit_code = 5


class PublishError(SkyscapeError):
    """A channel refused or failed."""

    exit_code = 6
