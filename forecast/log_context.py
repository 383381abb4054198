"""What a line of the log carries beside its message: the attempt or request it belongs to.

An attempt to issue and a request of the web application each have an id for as long as they last;
lines of other threads that they start have none.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, tzinfo

from forecast import VERSION

_current: ContextVar[str] = ContextVar("attempt", default="")


def new_id() -> str:
    """Return an id of an attempt or a request: eight hexadecimal digits."""
    return secrets.token_hex(4)


def current_id() -> str:
    """Return the id of the attempt or request that runs now; "" where none does."""
    return _current.get()


def set_id(name: str) -> None:
    """Let the lines that follow carry an id, in this thread."""
    _current.set(name)


@contextmanager
def attempt(name: str = "") -> Iterator[str]:
    """Let the lines within carry an id (default: a new one), and give it."""
    token = _current.set(name or new_id())
    try:
        yield _current.get()
    finally:
        _current.reset(token)


class ZonedFormatter(logging.Formatter):
    """A line of text with its time in a zone: 2026-11-29 16:10:00+0800. An id follows the logger's
    name in square brackets.
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(attempt_mark)s: %(message)s")
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        record.attempt_mark = f" [{name}]" if (name := current_id()) else ""
        return super().format(record)

    def formatTime(  # noqa: N802
        self, record: logging.LogRecord, datefmt: str | None = None
    ) -> str:
        """Return the time of a record (the name is the library's)."""
        return f"{datetime.fromtimestamp(record.created, self._zone):%Y-%m-%d %H:%M:%S%z}"


class JsonFormatter(logging.Formatter):
    """A line of JSON: time with its offset, level, logger, message, attempt (null: none), version,
    and the traceback of an exception.
    """

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self._zone = zone

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, self._zone)
        values = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "attempt": current_id() or None,
            "version": VERSION,
        }
        if record.exc_info:
            values["exception"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)
