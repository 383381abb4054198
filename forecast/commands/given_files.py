"""Files that are given to a command: one that cannot be read has an exit code of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.errors import FileUnreadable, SourceCorrupt


@contextmanager
def given_file(*paths: Path) -> Iterator[None]:
    """Raise FileUnreadable where one of the files is damaged, its path as it was typed."""
    try:
        yield
    except SourceCorrupt as error:
        message = str(error)
        for path in paths:
            if message.startswith(path.name) and not message.startswith(str(path)):
                message = str(path) + message.removeprefix(path.name)
                break
        raise FileUnreadable(message) from error
