"""Packages: pages in one zip file, for players that take files.

The same pages give the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable

from products.pages.templating import Page

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first time that a zip file can hold; no clock is read
MODE = 0o100644 << 16  # a file that everybody may read


def package(path: str, pages: Iterable[Page]) -> Page:
    """Return a zip file of pages."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for page in sorted(pages, key=lambda each: each.path):
            entry = zipfile.ZipInfo(page.path, EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, MODE
            packed.writestr(entry, page.body)
    return Page(path, target.getvalue())


def repacked(body: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    """Return a zip file whose pages are changed. change: path, content -> content."""
    with zipfile.ZipFile(io.BytesIO(body)) as packed:
        pages = [Page(name, change(name, packed.read(name))) for name in packed.namelist()]
    return package("", pages).content
