"""Where pages lie: their paths by language; addresses and ids that feeds and calendars keep.

A page links by relative paths. A feed or a calendar is read elsewhere, so it needs the address at
which the pages are found (`output.base_url`). An id never changes with the issue.
"""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

from products.wording import LANGUAGES

# RFC 4151: a name of the domain name system; a day on which its owner had it
PART = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
DOMAIN = re.compile(rf"{PART}(\.{PART})*")
SINCE = "2026"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "skyscape")


def prefix_of(language: str) -> str:
    """Return the folder of a language's pages: "" of the first language, `en/` of English."""
    return "" if language == LANGUAGES[0] else f"{language}/"


def language_of(path: str) -> str:
    """Return the language of a page by its path."""
    folder = path.partition("/")[0]
    return folder if folder in LANGUAGES[1:] else LANGUAGES[0]


def plain_path(path: str) -> str:
    """Return the path of a page as in the first language."""
    return path.removeprefix(prefix_of(language_of(path)))


def address(base_url: str, path: str) -> str:
    """Return the address of a page; "" where that of the pages is not set."""
    return f"{base_url}/{path}" if base_url else ""


def identifier(base_url: str, *parts: str) -> str:
    """Return a URI for a thing that has `parts` as its name: the same in every issue.

    A tag URI of the pages' host (RFC 4151); without one a UUID of the name (RFC 4122).
    """
    name = "/".join(parts)
    found = urlsplit(base_url)
    host = found.hostname or ""
    if not DOMAIN.fullmatch(host):
        return uuid.uuid5(NAMESPACE, name).urn
    return f"tag:{host},{SINCE}:{found.path.strip('/') or 'skyscape'}/{name}"
