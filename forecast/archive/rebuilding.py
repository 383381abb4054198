"""An archive that was lost: refused where issues were released, begun anew from them when told so.

The released issues in the output folder are the proof that there was an archive. What they do not
hold (forecasts, observations, outcomes, accounts) comes back from a backup only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sql

from forecast.archive.database import ADVICE, file_of
from forecast.archive.issues import WITHDRAWN, Archive
from forecast.archive.schema import issue_table
from forecast.archive.state import ArchiveState, read_state
from forecast.config import masked
from forecast.domain import Issue
from forecast.errors import ArchiveDamaged, ArchiveUnusable
from forecast.files import rename, write_whole

log = logging.getLogger(__name__)

Released = Sequence[
    tuple[Issue, str, bool]
]  # an issue, the digest of its settings, is it withdrawn
BESIDE = ("", "-wal", "-shm")  # the files of an SQLite database
ENTERED = "archive.entered.json"  # in the private folder: what an older archive lacked was entered
NOTED = timedelta(days=1)  # for which that is alerted
UNFINISHED = "restore.unfinished"  # in the private folder while a backup is restored: which


def unfinished_restore(folder: Path) -> str:
    """Return the fault of a restore that was broken off; "" where none was. folder: the private
    one.
    """
    try:
        backup = (folder / UNFINISHED).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        return f"{folder / UNFINISHED}: {error.strerror or error}; let it be read"
    return (
        f"a restore was broken off, and archive, models and pages may be of two states; run "
        f"`skyscape restore {backup}` again: it needs no --replace"
    )


def refuse_unfinished(folder: Path) -> None:
    """Refuse to work while a restore is not finished. Raises: ArchiveUnusable."""
    if fault := unfinished_restore(folder):
        raise ArchiveUnusable(fault)


def open_known(url: str, released: int) -> Archive:
    """Return the archive at an address; every command but a rebuilding one opens it so.

    released: how many issues are in the output folder. Raises: ArchiveUnusable where there are some
    and the archive is gone or holds no issue.
    """
    refuse_lost(url, released)
    archive = Archive(url)
    refuse_emptied(archive, released)
    return archive


def open_for_service(url: str, released: int) -> Archive:
    """Return the archive as `open_known`; where it is damaged, and issues were released, one that
    refuses every use: the standby archive stands in for it, as in a service that was running.

    Raises: as `open_known` where it is gone or holds no issue: nothing then tells a loss from
    another address.
    """
    try:
        return open_known(url, released)
    except ArchiveDamaged as error:
        if not released:
            raise
        log.error("%s; the service goes on from the released issues", error)
        return Archive(url, damaged=True)


def refuse_lost(url: str, released: int) -> None:
    """Refuse the address of an archive whose file is gone or empty though issues were released.

    Nothing is created. released: how many issues are in the output folder. Raises: ArchiveUnusable.
    """
    path = file_of(url)
    if path is None or not released:
        return
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise _lost(masked(url), "it is not there", released) from None
    except OSError:
        return  # said when it is opened
    if not size:
        raise _lost(masked(url), "its file is empty (0 bytes)", released)


def read_known(url: str, released: int, in_force: str = "") -> ArchiveState:
    """Return what is in an archive, as `read_state`; refuse one that was lost or emptied.

    It is not opened for writing, whoever holds it. in_force: as for `read_state`.

    Raises: ArchiveUnusable, ArchiveError.
    """
    refuse_lost(url, released)
    state = read_state(url, in_force)
    if released and state.issued is None:
        raise _lost(masked(url), "it holds no issue", released)
    return state


def refuse_emptied(archive: Archive, released: int) -> None:
    """Refuse an archive without any issue though issues were released. Raises: ArchiveUnusable."""
    if released and not holds_issues(archive):
        raise _lost(archive.address, "it holds no issue", released)


def older_copy(archive: Archive, in_force: str) -> str:
    """Return the fault of an archive that does not know the issue that readers see; "" for none.

    in_force: its id, "" where nothing is. Raises: ArchiveError.
    """
    if not in_force:
        return ""
    known = sql.select(issue_table.c.id).where(issue_table.c.id == in_force)
    with archive.transaction() as connection:
        found = connection.execute(known).first() is not None
    return "" if found else older_fault(archive.address, in_force)


def note_entered(folder: Path, now: datetime, issue: str) -> None:
    """Note that what an older archive lacked was entered, up to an issue; a full disk costs that.

    folder: the private one.
    """
    content = {"at": now.isoformat(), "issue": issue}
    try:
        write_whole(folder / ENTERED, json.dumps(content))
    except OSError as error:
        log.warning("%s: cannot be written: %s", folder / ENTERED, error)


def last_entered(folder: Path, now: datetime) -> tuple[datetime, str] | None:
    """Return when that was noted, and up to which issue; None where it was not within NOTED."""
    try:
        plain = json.loads((folder / ENTERED).read_bytes())
        at, issue = datetime.fromisoformat(plain["at"]), str(plain["issue"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (at, issue) if now - at < NOTED else None


def older_fault(address: str, in_force: str) -> str:
    """Return the fault of an archive that does not know the issue in force, and what to do."""
    return (
        f"archive {address}: it does not know {in_force}, which readers see: is it an older copy? "
        "Stop the service if one runs, then put the newest one back, or bring the newest backup "
        "back with `skyscape restore`; with this one issues go on, and what was kept since the "
        "copy is missing"
    )


def _lost(address: str, what: str, released: int) -> ArchiveUnusable:
    return ArchiveUnusable(
        f"archive {address}: {what}, but {released} released issues are in the output folder; "
        f"was it lost, or does archive.url name another one? {ADVICE}"
    )


def holds_issues(archive: Archive) -> bool:
    """Return whether an archive knows any issue, also one that is not published yet.

    Raises: ArchiveError.
    """
    with archive.transaction() as connection:
        return connection.execute(sql.select(issue_table.c.id).limit(1)).first() is not None


def refuse_damaged(archive: Archive) -> None:
    """Refuse an SQLite archive in which anything is damaged: every page is read.

    Raises: ArchiveUnusable.
    """
    with archive.transaction() as connection:
        if connection.dialect.name != "sqlite":
            return
        found = connection.scalar(sql.text("PRAGMA quick_check(1)"))
    if found != "ok":
        raise ArchiveDamaged(f"archive {archive.address}: it is damaged ({found}); {ADVICE}")


def keep_damaged(url: str, now: datetime) -> Path | None:
    """Move the files of a damaged SQLite archive aside; return where it lies, None without one.

    Raises: OSError.
    """
    path = file_of(url)
    if path is None or not path.exists():
        return None
    name = f"{path.name}.damaged-{now:%Y%m%dT%H%M%SZ}"
    for end in reversed(BESIDE):  # the database last: with it the others would be lost
        if (found := path.with_name(path.name + end)).exists():
            rename(found, path.with_name(name + end))
    return path.with_name(name)


def adopt(archive: Archive, released: Released) -> tuple[str, ...]:
    """Enter the released issues that an archive does not know; return their ids.

    For one that was begun anew, or brought back from an older copy. Numbers go on from theirs and
    their ids are not used again; their forecasts are not known here. Raises: ArchiveError.
    """
    with archive.transaction() as connection:
        known = {
            row.id: row.published
            for row in connection.execute(sql.select(issue_table.c.id, issue_table.c.published))
        }
        missing = [each for each in released if known.get(each[0].id) is None]
        for issue, *_ in missing:
            if issue.id in known:  # opened, and out before it was marked
                archive.forget(connection, issue.id)
        rows = [
            {
                "id": issue.id,
                "number": issue.number,
                "model": issue.cycle.model,
                "run": issue.cycle.run,
                "digest": digest,
                "issued": issue.issued,
                "valid_until": issue.valid_until,
                "published": issue.issued,
                "state": WITHDRAWN if withdrawn else "released",
            }
            for issue, digest, withdrawn in missing
        ]
        if rows:
            connection.execute(issue_table.insert(), rows)
    return tuple(issue.id for issue, *_ in missing)
