"""The files of a release: written and removed so that a kill at any instant leaves no part
of one to be read.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from forecast.errors import PublishError
from products.pages.templating import Page


def remove_release(release: Path) -> None:
    """Remove a release; one that is killed meanwhile leaves no part of it to be read."""
    gone = release.with_name(f".old-{release.name}")  # see _clear_leftovers
    shutil.rmtree(gone, ignore_errors=True)
    shutil.rmtree(release.rename(gone))


def write_page(release: Path, page: Page) -> str:
    """Write a page into a release and return its hash; `sync` brings it to the disk."""
    target = release / page.path
    if (
        target.parts[: len(release.parts)] != release.parts
        or ".." in target.parts[len(release.parts) :]
    ):
        raise PublishError(f"{page.path!r} lies outside the release")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(page.content)
    return hashlib.sha256(page.content).hexdigest()


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn an error of the disk into a PublishError that says what to do."""
    try:
        yield
    except OSError as error:
        where = error.filename or folder
        raise PublishError(
            f"{where}: {error.strerror or error}; check that it is writable and not full"
        ) from error
