"""The errors of the service, as a tree.

    SkyscapeError
    ├── ConfigError           a setting is wrong: the start stops (exit 3)
    ├── SourceError           a model run cannot be had (exit 4)
    │   ├── SourceUnavailable     the network or the server failed: retry
    │   │   ├── SourceRefused         the server will not serve it: a retry does not help
    │   │   │   └── ElementRefused        an element is not served there: ask without it
    │   │   ├── TooFrequent           the requests of an hour are used up: wait
    │   │   └── RunNotKept            a disk here does not take it: no fault of the source
    │   ├── CycleNotReady         the run is not complete yet: wait, or use an earlier run
    │   ├── OlderRun              only a run older than the issue in force is to be had
    │   └── SourceCorrupt         what came is not what was requested: fetch again, else reject
    ├── MissingInput          a quantity that a feature needs is in none of the files
    ├── ModelMismatch         a model asks for features that the service does not compute
    ├── ArchiveError          the archive cannot be read or written (exit 5)
    │   ├── ArchiveBusy           another process holds it: wait a moment
    │   └── ArchiveUnusable       it is lost or damaged: it must be restored
    │       └── ArchiveDamaged        it is there, and its content cannot be read
    ├── PublishError          a channel refused or failed (exit 6: published only in part)
    │   ├── FolderBusy            another process is publishing: wait a moment
    │   ├── NotReleased           no person has signed it, or it was changed, withdrawn or late
    │   └── DeliveryError         a receiver did not take a message, or may have taken it
    ├── Conflict              somebody else was faster: look again, then decide
    └── FileUnreadable        a file given to a command cannot be read (exit 7)

A message says what happened, what was expected and what to do. An exception of a library is
translated once, where the library is called.
"""

from __future__ import annotations

import errno
import re
from typing import Literal

# Whether an hour of issue is tried again after an error: soon (a lock is let go of within a
# minute), later (the next look for data), never (somebody must do something first).
Retry = Literal["never", "later", "soon"]

# of the disk, the memory or the machine: without a cause in the program
PASSING = frozenset({
    errno.EAGAIN, errno.EBUSY, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
    errno.ENOSPC, errno.EROFS, errno.ESTALE, errno.ETIMEDOUT,
})  # fmt: skip


class SkyscapeError(Exception):
    """The root of all errors: caught in the pipeline, the scheduler and the commands only.

    worth_retrying: of the same request, at once. retry: of a whole issue, within its hour.
    """

    exit_code = 1
    worth_retrying = False
    retry: Retry = "never"


class ConfigError(SkyscapeError):
    """A setting is missing, unknown or out of range."""

    exit_code = 3


class SourceError(SkyscapeError):
    """A model run cannot be had."""

    exit_code = 4
    retry: Retry = "later"


class SourceUnavailable(SourceError):
    """The network or the server failed.

    retry_after: [s] the pause that the server asks for, if it does. of_file: the server answered,
    with a status that speaks of the file requested; other files may be served. failing: that
    status says that the server failed (5xx), not that the file is elsewhere. absent: it answered
    so for the first and the last file of a run.
    """

    worth_retrying = True

    def __init__(
        self,
        message: str,
        retry_after: float | None = None,
        of_file: bool = False,
        failing: bool = False,
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.of_file = of_file
        self.failing = failing
        self.absent = False


class SourceRefused(SourceUnavailable):
    """The server will not serve this; a retry does not help."""

    worth_retrying = False


class ElementRefused(SourceRefused):
    """An element is not served in a data set; the others may be. detail: the server's own words."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message, of_file=True)
        self.detail = detail


class TooFrequent(SourceUnavailable):
    """The requests of an hour are used up; nothing is asked for a while."""


class RunNotKept(SourceUnavailable):
    """What a fetch must write cannot be written here: no fault of the source or the network."""


class CycleNotReady(SourceError):
    """The run, or a step of it, is not published yet.

    absent: nothing of the run is there.
    """

    def __init__(self, message: str, absent: bool = False) -> None:
        super().__init__(message)
        self.absent = absent


class OlderRun(SourceError):
    """Only a run older than the issue in force is to be had: it replaces that only when told."""


class SourceCorrupt(SourceError):
    """What came is not what was requested: names the file, the offset and what was expected.

    page: a web page came where a file was expected.
    """

    worth_retrying = True

    def __init__(self, message: str, page: bool = False) -> None:
        super().__init__(message)
        self.page = page


def is_page(body: bytes) -> bool:
    """Return whether a body is a web page, of a portal or of a server that moved."""
    return body[:1000].lstrip().startswith(b"<")


class MissingInput(SkyscapeError):
    """A quantity that a feature needs is in none of the files."""

    exit_code = 4
    retry: Retry = "later"


class ModelMismatch(SkyscapeError):
    """A model asks for features that the service does not compute."""

    exit_code = 3


class ArchiveError(SkyscapeError):
    """The archive cannot be read or written."""

    exit_code = 5
    retry: Retry = "later"


class ArchiveBusy(ArchiveError):
    """Another process or transaction holds the archive."""

    retry: Retry = "soon"


class ArchiveUnusable(ArchiveError):
    """The archive is lost, empty where it was full, or damaged: somebody must restore it."""

    retry: Retry = "never"


class ArchiveDamaged(ArchiveUnusable):
    """The archive is there, and the database finds it damaged."""


class PublishError(SkyscapeError):
    """A channel refused or failed."""

    exit_code = 6
    retry: Retry = "later"


class FolderBusy(PublishError):
    """Another process is publishing into the output folder."""

    retry: Retry = "soon"


class NotReleased(PublishError):
    """A draft does not go out: nobody signed it, or it is not as it was when it was signed.

    key: as that of Conflict.
    """

    retry: Retry = "never"

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class DeliveryError(PublishError):
    """A message was not delivered.

    unclear: whether the receiver may have it all the same; look before it is sent again.
    worth_retrying: whether it may be taken later. retry_after: [s] the pause that the receiver
    asks for, if it does.
    """

    def __init__(
        self,
        message: str,
        unclear: bool = False,
        worth_retrying: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.unclear = unclear
        self.worth_retrying = worth_retrying
        self.retry_after = retry_after


class RecipientRefused(DeliveryError):
    """A server of e-mail does not take an address, whatever the message says."""


class Conflict(SkyscapeError):
    """A change was made from a version that is not the newest, or a step is not possible now.

    key: of the words (desk.fault) by which the desk says it in the reader's language; "" where only
    the log and a command show it.
    """

    retry: Retry = "soon"

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class FileUnreadable(SkyscapeError):
    """A file given to a command is missing, damaged or of another kind."""

    exit_code = 7


def command_message(error: SkyscapeError) -> str:
    """Return an error as a command that ends says it: nothing tries again what a lock hindered."""
    again = "; the command can be given again" if isinstance(error, ArchiveBusy) else ""
    return f"{error}{again}"


def shortened(text: str, most: int) -> str:
    """Return a text of at most `most` characters: a longer one ends with a sentence or a word, and
    an ellipsis.
    """
    if len(text) <= most:
        return text
    head = text[: most - 1]
    ends = [found.end(1) for found in re.finditer(r"([.;!?\u3002\uff1b])(?=\s|$)", head)]
    if ends and ends[-1] > most / 2:
        return f"{head[: ends[-1]].rstrip(';')} …"
    word = head.rfind(" ")
    return f"{head[: word if word > most / 2 else most - 2].rstrip(' ,;:(')} …"


def of_the_disk(error: OSError) -> PublishError | None:
    """Return an error of the disk or the machine that may pass as one of ours; None for others."""
    if error.errno not in PASSING:
        return None
    where = f"{error.filename}: " if error.filename else ""
    return PublishError(
        f"{where}{error.strerror or error}; check that the disk is there, writable and not full"
    )
