"""Addresses and ids of what readers keep outside the pages: entries of feeds, events of calendars.

A page links by relative paths. A feed or a calendar is read elsewhere, so it needs the address at
which the pages are found (`output.base_url`). An id never changes with the issue.
"""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

# RFC 4151: a name of the domain name system; a day on which its owner had it
PART = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
DOMAIN = re.compile(rf"{PART}(\.{PART})*")
SINCE = "2026"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "skyscape")


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
