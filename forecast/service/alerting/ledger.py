"""Which alerts are open and who was sent what of them: a small file beside the archive.

It works with the archive locked or lost, and on a full disk: room for it is kept free by a second
file, which is given back then. The service and the watchdog share it under a lock. A
message is kept as `sending` before it goes out and as `sent` after, so a process that is killed
between the two sends that message once more, and none is lost.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from forecast.domain import as_utc
from forecast.files import lock, write_whole
from forecast.service.alerting.conditions import Assessment, Condition

log = logging.getLogger(__name__)

NAME, LOCK = "alerts.json", "alerts.lock"
RESERVE, RESERVED = "alerts.reserve", 256 * 1024  # [byte]: the ledger and its temporary file
FULL = (errno.ENOSPC, errno.EDQUOT)
SCHEMA = "skyscape.alerts/1"
SETTLED = timedelta(minutes=5)  # a condition that was not seen for so long is over
KEPT = timedelta(days=2)  # for which the end of an alert is tried to be sent
MOST_UNCLEAR = 2  # times that a message is sent which may have arrived each time
SIZES = 60  # days of which the size of the archive is kept

Stage = Literal["raised", "escalated", "resolved"]
State = Literal["sending", "sent", "failed", "unclear"]


@dataclass(frozen=True, slots=True)
class MessageMark:
    """What became of one message to one recipient, and when it was last tried."""

    state: State
    at: datetime
    tries: int = 1

    def is_due(self, now: datetime) -> bool:
        """Return whether it is to be sent again: after a kill at once, after a failure later."""
        if self.state == "sending":
            return True
        if self.state == "sent" or (self.state == "unclear" and self.tries >= MOST_UNCLEAR):
            return False
        return now - self.at >= timedelta(minutes=min(60, 2 ** (self.tries - 1)))


@dataclass
class OpenAlert:
    """A condition since it was first seen.

    since: when it began, as far as known. texts: what is wrong, by language. waits: it is reported
    only once it has lasted so long. reported: when it was. gone: since when it is not seen any
    more; resolved: when that was long enough. marks: stage -> recipient -> what became of it.
    """

    key: str
    kind: str
    level: str
    since: datetime
    seen: datetime
    texts: dict[str, str]
    waits: timedelta = timedelta(0)
    reported: datetime | None = None
    gone: datetime | None = None
    resolved: datetime | None = None
    marks: dict[str, dict[str, MessageMark]] = field(default_factory=dict)

    def mark(self, stage: Stage, recipient: str) -> MessageMark | None:
        """Return what became of a message; None where it was never tried."""
        return self.marks.get(stage, {}).get(recipient)

    def keep(self, stage: Stage, recipient: str, mark: MessageMark) -> None:
        """Keep what became of a message."""
        self.marks.setdefault(stage, {})[recipient] = mark


@dataclass
class Ledger:
    """The open alerts by key, and the size of the archive [byte] by day (ISO)."""

    alerts: dict[str, OpenAlert] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def update(
        self, assessment: Assessment, now: datetime, texts: Mapping[str, Mapping[str, str]]
    ) -> list[OpenAlert]:
        """Bring the alerts up to what is true now; return those that are reported or over by it.

        texts: of each condition by language. A condition of an unknown kind stays as it is. One
        that comes back before it has settled is the same alert.
        """
        news = []
        for condition in assessment.conditions:
            alert = self.alerts.get(condition.key)
            if alert is None or alert.resolved is not None:
                alert = _opened(condition, now)
                self.alerts[condition.key] = alert
            alert.gone = None
            if alert.reported is None:
                alert.texts = dict(texts[condition.key])
                if now - alert.seen >= alert.waits:
                    alert.reported = now
                    news.append(alert)
        true_now = {condition.key for condition in assessment.conditions}
        for key, alert in list(self.alerts.items()):
            if key in true_now or alert.kind not in assessment.known:
                continue
            alert.gone = alert.gone or now
            if alert.reported is None:
                del self.alerts[key]
            elif alert.resolved is None and now - alert.gone >= SETTLED:
                alert.resolved = now
                news.append(alert)
        return news

    def forget(self, now: datetime) -> None:
        """Remove the alerts that are over and need no more message."""
        for key, alert in list(self.alerts.items()):
            if alert.resolved is None:
                continue
            if not _unsent(alert) or now - alert.resolved > KEPT:
                del self.alerts[key]

    def note_size(self, now: datetime, size: int | None) -> None:
        """Keep the size of the archive, once a day."""
        if size is not None:
            self.sizes.setdefault(as_utc(now).date().isoformat(), size)
            for day in sorted(self.sizes)[:-SIZES]:
                del self.sizes[day]


def _opened(condition: Condition, now: datetime) -> OpenAlert:
    since = condition.since or now
    return OpenAlert(
        condition.key, condition.kind, condition.level, since, now, {}, condition.after
    )


def recipients_of(alert: OpenAlert) -> set[str]:
    """Return who was, or may have been, sent that an alert is raised."""
    return {name for stage in ("raised", "escalated") for name in alert.marks.get(stage, {})}


def _unsent(alert: OpenAlert) -> bool:
    """Return whether somebody still waits for the end of an alert."""
    marks = (alert.mark("resolved", name) for name in recipients_of(alert))
    return any(
        mark is None
        or mark.state in ("sending", "failed")
        or (mark.state == "unclear" and mark.tries < MOST_UNCLEAR)
        for mark in marks
    )


def read_ledger(folder: Path) -> Ledger | None:
    """Return the ledger of a folder; None where there is none.

    One that cannot be read is logged and counts as none: open alerts are then sent anew.
    """
    path = folder / NAME
    try:
        return _ledger(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.error("%s: cannot be read (%s): open alerts are sent anew", path, error)
        return None


def write_ledger(folder: Path, ledger: Ledger) -> None:
    """Write the ledger whole, readable by its owner only; on a full disk in the room kept for it.

    Raises: OSError.
    """
    content = {
        "schema": SCHEMA,
        "alerts": [asdict(alert) for alert in ledger.alerts.values()],
        "sizes": ledger.sizes,
    }
    text = json.dumps(content, ensure_ascii=False, default=_plain, indent=1)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        write_whole(folder / NAME, text, private=True)
    except OSError as error:
        reserve = folder / RESERVE
        if error.errno not in FULL or not reserve.exists():
            raise
        reserve.unlink(missing_ok=True)
        write_whole(folder / NAME, text, private=True)
    else:
        _reserve(folder)


def _reserve(folder: Path) -> None:
    """Keep room for a full disk, where there is some."""
    if (folder / RESERVE).exists():
        return
    new = folder / f".{RESERVE}.new"
    try:
        with new.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, RESERVED)
        new.rename(folder / RESERVE)
    except OSError:  # as full as that: the next writing tries again
        new.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(folder: Path, wait: float) -> Iterator[bool]:
    """Give whether no other process works on the ledger; wait for it [s] at most.

    A process that dies lets go. Raises: OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("a") as file:
        yield lock(file, wait)


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return as_utc(value).isoformat(timespec="seconds")
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)


def _ledger(plain: Any) -> Ledger:
    alerts = (_alert(each) for each in plain["alerts"])
    sizes = {str(day): int(size) for day, size in plain["sizes"].items()}
    return Ledger({alert.key: alert for alert in alerts}, sizes)


def _alert(plain: Any) -> OpenAlert:
    marks = {
        str(stage): {
            str(name): MessageMark(mark["state"], _time(mark["at"]), int(mark["tries"]))
            for name, mark in marks.items()
        }
        for stage, marks in plain["marks"].items()
    }
    times = {
        name: _time(plain[name]) if plain[name] else None
        for name in ("reported", "gone", "resolved")
    }
    return OpenAlert(
        str(plain["key"]),
        str(plain["kind"]),
        str(plain["level"]),
        _time(plain["since"]),
        _time(plain["seen"]),
        {str(language): str(text) for language, text in plain["texts"].items()},
        timedelta(seconds=float(plain["waits"])),
        marks=marks,
        **times,
    )


def _time(text: str) -> datetime:
    return as_utc(datetime.fromisoformat(text))
