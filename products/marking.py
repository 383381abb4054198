"""Mark the archived copy of an issue that was withdrawn or corrected: each of its pages says so.

Each page is written whole, the manifest last. A run that dies leaves some pages marked; the next
one marks the others.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from forecast.domain import Issue
from forecast.files import write_whole
from forecast.review import Withdrawal
from products import channels, manifest
from products.pages.addresses import language_of
from products.pages.json_page import json_page, time_text
from products.pages.templating import render_template
from products.wording import LANGUAGES, Words, clause

WITHDRAWN, CORRECTED = "withdrawn", "corrected"  # states of an archived copy
# Where a page has its notice; in a template the two stand side by side.
BEGIN, END = "<!-- notice -->", "<!-- /notice -->"
PLACE = re.compile(f"{BEGIN}.*?{END}", re.DOTALL)
BODY = re.compile(r"<body[^>]*>")  # behind which it stands in pages of versions before
STATUS = {WITHDRAWN: "withdrawn", CORRECTED: "superseded"}  # of the data
# channel -> folder of its notice, where that is not the web's
NOTICE = {"display": "display", "wechat": "wechat", "widget": "widget", "email": "wechat"}


@dataclass(frozen=True, slots=True)
class Mark:
    """What a page of an issue says at its top.

    state: WITHDRAWN or CORRECTED. note: the sentence in the language of some words. details: what
    the data say.
    """

    state: str
    note: Callable[[Words], str]
    details: Mapping[str, Any]


def of_withdrawn(withdrawal: Withdrawal) -> Mark:
    """Return the mark of a withdrawn issue."""
    details = {"withdrawn": withdrawal_details(withdrawal)}
    return Mark(WITHDRAWN, partial(withdrawal_text, withdrawal), details)


def of_corrected(by: Issue, reason: str) -> Mark:
    """Return the mark of an issue that a later one corrects, and why."""
    details = {"issue": by.id, "number": by.number, "reason": reason}

    def note(words: Words) -> str:
        return words("review.corrected_by", number=by.number, reason=clause(reason))

    return Mark(CORRECTED, note, {"corrected_by": details})


def withdrawal_details(withdrawal: Withdrawal) -> dict[str, Any]:
    """Return when an issue was withdrawn, by whom and why, as data have it."""
    return {
        "at": time_text(withdrawal.at),
        "person": withdrawal.person,
        "reason": withdrawal.reason,
    }


def withdrawal_text(withdrawal: Withdrawal, words: Words) -> str:
    """Return when, by whom and why an issue was withdrawn."""
    return words(
        "review.withdrawn_note",
        stamp=words.stamp(withdrawal.at, "time.stamp_short"),
        person=withdrawal.person,
        reason=clause(withdrawal.reason_in(words.language)),
    )


def mark_release(release: Path, mark: Mark, zone: ZoneInfo) -> None:
    """Mark each page of a release, unless it is marked so already, or as withdrawn.

    Raises: OSError.
    """
    found = manifest.read(release)
    if not found or found.get("state") in (mark.state, WITHDRAWN):
        return
    files: manifest.Files = manifest.files_of(release)[1]
    for path, entry in files.items():
        if not (release / path).is_file():
            continue
        before = (release / path).read_bytes()
        after = marked(path, entry["channel"], before, mark, zone)
        if after != before:
            write_whole(release / path, after)
            entry["sha256"] = hashlib.sha256(after).hexdigest()
    content = {**found, "state": mark.state, "files": files}
    if data := found.get("served"):
        content["served"] = {name: marked_entry(each, mark, zone) for name, each in data.items()}
    write_whole(release / manifest.NAME, manifest.text(content))


def marked_entry(entry: Mapping[str, Any], mark: Mark, zone: ZoneInfo) -> dict[str, Any]:
    """Return what a manifest says of served pages, with their mark: they get it when asked for."""
    notes = {language: mark.note(Words(language, zone)) for language in LANGUAGES}
    return {**entry, "mark": {"state": mark.state, "notes": notes, "details": mark.details}}


def entry_mark(entry: Mapping[str, Any]) -> Mark | None:
    """Return the mark of served pages; None where there is none."""
    found = entry.get("mark")
    if found is None:
        return None
    return Mark(found["state"], lambda words: str(found["notes"][words.language]), found["details"])


def marked(path: str, channel: str, body: bytes, mark: Mark, zone: ZoneInfo) -> bytes:
    """Return a page with its notice; one that cannot have one is returned as it is."""
    words = Words(language_of(path), zone)
    own = channels.marked(channel, path, body, mark, words)
    if own is not None:
        return own
    try:
        page = body.decode()
    except UnicodeDecodeError:
        return body
    if path.endswith(".html"):
        return _with_notice(page, NOTICE.get(channel, "web"), mark, words).encode()
    if path.endswith(".txt"):
        notice = words(f"review.{mark.state}_sms", note=mark.note(words))
        return body if page.startswith(notice) else f"{notice}\n{page}".encode()
    return body


def _with_notice(page: str, folder: str, mark: Mark, words: Words) -> str:
    values = {"words": words, "state": mark.state, "note": mark.note(words)}
    notice = f"{BEGIN}{render_template(f'{folder}/notice.html', values)}{END}"
    if PLACE.search(page):
        return PLACE.sub(lambda _: notice, page, count=1)
    return BODY.sub(lambda body: body[0] + notice, page, count=1)


def marked_json(path: str, page: bytes, mark: Mark) -> bytes:
    """Return a JSON document with the status and the details of a mark; another page as it is."""
    try:
        content = json.loads(page)
    except ValueError:
        return page
    if not isinstance(content, dict):
        return page
    return json_page(path, {**content, "status": STATUS[mark.state], **mark.details}).content
