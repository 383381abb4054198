"""The short message, as a text and in the parts in which it is sent (products/short_message.py).

sms/parts.json: alphabet (GSM-7 or UCS-2), count, and each part with its length; joined, the parts
are the text of sms.txt.
"""

from __future__ import annotations

from collections.abc import Iterator

from forecast.config import Config
from forecast.domain import Issue
from forecast.review import Withdrawal
from products import withdrawn as withdrawal_pages
from products.bulletin import Bulletin
from products.pages.json_page import json_page
from products.pages.renderer import PageRenderer
from products.pages.templating import Page
from products.short_message import alphabet_of, message, parts_of
from products.wording import LANGUAGES

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
        prefix = "" if language == LANGUAGES[0] else f"{language}/"
        text = withdrawal_pages.message(issue, withdrawal, config, language)
        yield Page(f"{prefix}sms.txt", text + "\n")
        yield _parts(prefix, text, issue.id, "withdrawn")


def _parts(prefix: str, text: str, issue: str, status: str) -> Page:
    alphabet, parts = alphabet_of(text), parts_of(text)
    records = [{"text": part, "length": alphabet.length(part)} for part in parts]
    content = {
        "schema": SCHEMA, "issue": issue, "status": status, "alphabet": alphabet.name,
        "count": len(parts), "parts": records,
    }  # fmt: skip
    return json_page(f"{prefix}{PARTS}", content)
