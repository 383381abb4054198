"""Mark the archived copy of an issue that was withdrawn or corrected: each of its pages says so.

Each page is written whole, the manifest last. A run that dies leaves some pages marked; the next
one marks the others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from forecast.config import Config
from forecast.domain import Issue
from forecast.files import write_whole
from forecast.review import Withdrawal
from products import manifest
from products.channels import api
from products.pages.json_page import json_page
from products.pages.templating import render_template
from products.wording import LANGUAGES, Words, clause

WITHDRAWN, CORRECTED = "withdrawn", "corrected"  # states of an archived copy
# Where a page has its notice; in a template the two stand side by side.
BEGIN, END = "<!-- notice -->", "<!-- /notice -->"
PLACE = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
BODY = re.compile(r"<body[^>]*>")  # behind which it stands in pages of versions before
STATUS = {WITHDRAWN: "withdrawn", CORRECTED: "superseded"}  # of the data
OF_CHANNEL = {"web": "web", "display": "display", "wechat": "wechat"}  # folder of the template


def mark_withdrawn(release: Path, withdrawal: Withdrawal, config: Config) -> None:
    """Say on each page of a release that its issue is withdrawn. Raises: OSError."""
    details = api.withdrawal_details(withdrawal)
    _mark(release, WITHDRAWN, config, partial(withdrawal_text, withdrawal), {"withdrawn": details})


def mark_corrected(release: Path, by: Issue, reason: str, config: Config) -> None:
    """Say on each page of a release that a later issue corrects it. Raises: OSError."""
    details = {"issue": by.id, "number": by.number, "reason": reason}

    def note(words: Words) -> str:
        return words("review.corrected_by", number=by.number, reason=clause(reason))

    _mark(release, CORRECTED, config, note, {"corrected_by": details})


def withdrawal_text(withdrawal: Withdrawal, words: Words) -> str:
    """Return when, by whom and why an issue was withdrawn."""
    return words(
        "review.withdrawn_note",
        stamp=words.stamp(withdrawal.at, "time.stamp_short"),
        person=withdrawal.person,
        reason=clause(withdrawal.reason),
    )


def _mark(
    release: Path,
    state: str,
    config: Config,
    note: Callable[[Words], str],
    details: Mapping[str, Any],
) -> None:
    found = manifest.read(release)
    if not found or found.get("state") in (state, WITHDRAWN):
        return
    files: manifest.Files = manifest.files_of(release)[1]
    every = {language: Words(language, config.zone) for language in LANGUAGES}
    for path, entry in files.items():
        try:
            before = (release / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # a picture, or a page that is gone
        words = every["en" if path.startswith("en/") else LANGUAGES[0]]
        after = _marked(path, entry["channel"], before, state, words, note(words), details)
        if after != before:
            write_whole(release / path, after)
            entry["sha256"] = hashlib.sha256(after.encode()).hexdigest()
    write_whole(release / manifest.NAME, manifest.text({**found, "state": state, "files": files}))


def _marked(
    path: str,
    channel: str,
    page: str,
    state: str,
    words: Words,
    note: str,
    details: Mapping[str, Any],
) -> str:
    """Return a page with its notice; one that cannot have one is returned as it is."""
    if path.endswith(".html"):
        template = f"{OF_CHANNEL.get(channel, 'web')}/notice.html"
        values = {"words": words, "state": state, "note": note}
        notice = f"{BEGIN}{render_template(template, values)}{END}"
        if PLACE.search(page):
            return PLACE.sub(lambda _: notice, page, count=1)
        return BODY.sub(lambda body: body[0] + notice, page, count=1)
    if path.endswith(".txt"):
        notice = words(f"review.{state}_sms", note=note)
        return page if page.startswith(notice) else f"{notice}\n{page}"
    if path.endswith(("/forecasts.json", "/status.json")):
        return _marked_data(path, page, state, details)
    return page


def _marked_data(path: str, page: str, state: str, details: Mapping[str, Any]) -> str:
    try:
        content = json.loads(page)
    except ValueError:
        return page
    if not isinstance(content, dict):
        return page
    body = json_page(path, {**content, "status": STATUS[state], **details}).body
    return body if isinstance(body, str) else body.decode()
