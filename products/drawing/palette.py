"""The colours of pictures: those of the web pages, read from their style sheet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from products.pages.templating import TEMPLATES

TOKEN = re.compile(r"--([\w-]+):\s*(#[0-9a-f]{6});")


@cache
def colours() -> Mapping[str, str]:
    """Return the colours of the night by name: ground, ink, accent, grade-1, grade-1-text ..."""
    sheet = (TEMPLATES / "static" / "skyscape.css").read_text(encoding="utf-8")
    return MappingProxyType(dict(TOKEN.findall(sheet.partition("@media print")[0])))
