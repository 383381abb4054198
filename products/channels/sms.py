"""The short message, as a text and in the parts in which it is sent (products/short_message.py).

sms/parts.json: alphabet (GSM-7 or UCS-2), count, and each part with its length; joined, the parts
are the text of sms.txt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from products import withdrawn as withdrawal_pages
from products.bulletin import Bulletin
from products.marking import Mark, marked_json
from products.pages.addresses import prefix_of
from products.pages.json_page import json_page
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.short_message import alphabet_of, message, parts_of
from products.wording import LANGUAGES, Words

PARTS = "sms/parts.json"
SCHEMA = "skyscape.sms/1"


def render(bulletin: Bulletin) -> Iterator[Page]:
    for language in LANGUAGES:
        renderer = PageRenderer(bulletin, language)
        text = message(renderer)
        yield Page(f"{renderer.prefix}sms.txt", text + "\n")
        yield _parts(renderer.prefix, text, bulletin.issue.id, bulletin.status)


def withdrawn(issue: Issue, withdrawal: Withdrawal, config: Config) -> Iterator[Page]:
    """Yield the message that says that an issue is withdrawn."""
    for language in LANGUAGES:
        prefix = prefix_of(language)
        text = withdrawal_pages.message(issue, withdrawal, config, language)
        yield Page(f"{prefix}sms.txt", text + "\n")
        yield _parts(prefix, text, issue.id, "withdrawn")


def mark(path: str, page: bytes, mark: Mark, words: Words) -> bytes | None:
    """Return the archived parts with their mark, before all else as in the text."""
    if not path.endswith(PARTS):
        return None
    try:
        content = json.loads(page)
        text = "".join(part["text"] for part in content["parts"])
    except (ValueError, KeyError, TypeError):
        return page
    notice = words(f"review.{mark.state}_sms", note=mark.note(words))
    if not text.startswith(notice):
        text = f"{notice}\n{text}"
    parts = json.dumps({**content, **_divided(text)}).encode()
    return marked_json(path, parts, mark)


def _parts(prefix: str, text: str, issue: str, status: str) -> Page:
    content = {"schema": SCHEMA, "issue": issue, "status": status, **_divided(text)}
    return json_page(f"{prefix}{PARTS}", content)


def _divided(text: str) -> dict[str, Any]:
    alphabet, parts = alphabet_of(text), parts_of(text)
    records = [{"text": part, "length": alphabet.length(part)} for part in parts]
    return {"alphabet": alphabet.name, "count": len(parts), "parts": records}
