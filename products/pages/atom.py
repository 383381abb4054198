"""A feed as Atom (RFC 4287), made from the same feed as JSON (JSON Feed 1.1)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from products.marking import BEGIN, END, PLACE

NAMESPACE = "http://www.w3.org/2005/Atom"
UNFIT = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2


def text(feed: Mapping[str, Any], own: str, path: str) -> str:
    """Return a feed as Atom. own: the key of our own part; path: where it stands."""
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<feed xmlns="{NAMESPACE}" xml:lang={quoteattr(feed["language"])}>',
        *_head(feed, own, path),
        f"{BEGIN}{END}",
        *(line for item in feed["items"] for line in _entry(item, own, path)),
        "</feed>",
        "",
    ]
    return "\n".join(lines)


def with_notice(page: str, title: str, note: str) -> str:
    """Return an archived feed with a notice as its first entry."""
    at = _found("updated", page)
    entry = (
        f"<entry><id>{_found('id', page)}/notice</id>{_tag('title', title)}"
        f"<updated>{at}</updated>{_tag('content', note)}</entry>"
    )
    return PLACE.sub(lambda _: f"{BEGIN}{entry}{END}", page, count=1)


def _found(name: str, page: str) -> str:
    found = re.search(f"<{name}>(.*?)</{name}>", page)
    return found[1] if found else ""


def _head(feed: Mapping[str, Any], own: str, path: str) -> Iterator[str]:
    about = feed[own]
    itself = feed.get("feed_url", "").removesuffix(".json") + ".atom"
    yield _tag("id", about["id"])
    yield _tag("title", feed["title"])
    yield _tag("subtitle", feed["description"])
    yield _tag("updated", about["updated"])
    yield _link("self", "application/atom+xml", itself if "feed_url" in feed
                else posixpath.basename(path))  # fmt: skip
    yield _link("alternate", "text/html", feed.get("home_page_url") or _relative(about, path))
    for author in feed["authors"]:
        yield f"<author>{_tag('name', author['name'])}</author>"
    yield _tag("rights", about["rights"])
    yield "<generator>skyscape</generator>"


def _entry(item: Mapping[str, Any], own: str, path: str) -> Iterator[str]:
    yield "<entry>"
    yield _tag("id", item["id"])
    yield _tag("title", item["title"])
    yield _tag("published", item["date_published"])
    yield _tag("updated", item["date_modified"])
    if item.get("url") or item[own]["page"]:
        yield _link("alternate", "text/html", item.get("url") or _relative(item[own], path))
    for tag in item["tags"]:
        yield f"<category term={quoteattr(_fit(tag))}/>"
    yield f'<content type="html">{escape(_fit(item["content_html"]))}</content>'
    yield "</entry>"


def _relative(about: Mapping[str, Any], path: str) -> str:
    page, _, anchor = str(about["page"]).partition("#")
    found = posixpath.relpath(page, posixpath.dirname(path))
    return f"{found}#{anchor}" if anchor else found


def _link(relation: str, media: str, href: str) -> str:
    return f'<link rel="{relation}" type="{media}" href={quoteattr(_fit(href))}/>'


def _tag(name: str, value: str) -> str:
    return f"<{name}>{escape(_fit(value))}</{name}>"


def _fit(value: str) -> str:
    """Return a text without the characters that XML has no place for."""
    return UNFIT.sub("", value)
