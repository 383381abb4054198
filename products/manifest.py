"""The manifest of a release: its issue, how that was reviewed, and the files with their hashes.

issue, number, issued, valid_until, model, run, digest, review
corrects     the id of the issue that this one corrects, where it corrects one
withdrawn    at, person, reason, account, words, where the issue is withdrawn
state        `withdrawn` or `corrected`, once an archived copy says so on each of its pages
files        path -> channel, issue, sha256
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from forecast.domain import Cycle, Issue, Name
from forecast.files import sha256_of
from forecast.review import Withdrawal

NAME = "manifest.json"
ISSUE_NAME = re.compile(r"^[a-z][a-z0-9_]*-\d{10}(-\d{1,4})?$")

Files = dict[str, dict[str, str]]


def text(content: Mapping[str, Any]) -> str:
    """Return a manifest as it is written."""
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)


def read(release: Path) -> Mapping[str, Any]:
    """Return the manifest of a release; empty where there is none, or none that names an issue."""
    try:
        found = json.loads((release / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("issue") else {}


def files_of(release: Path) -> tuple[str, Files]:
    """Return the issue of a release and its files, each with channel, issue and hash.

    Empty where there is no valid manifest.
    """
    try:
        found = read(release)
        keys = ("channel", "issue", "sha256")
        return str(found["issue"]), {
            path: {key: str(entry[key]) for key in keys} for path, entry in found["files"].items()
        }
    except (KeyError, TypeError, AttributeError):
        return "", {}


def issue_of(content: Mapping[str, Any]) -> Issue | None:
    """Return the issue of a manifest; None where it is not valid."""
    try:
        issued, until, run = (
            datetime.fromisoformat(content[key]) for key in ("issued", "valid_until", "run")
        )
        number, cycle = int(content["number"]), Cycle(run, str(content["model"]))
        return Issue(str(content["issue"]), number, issued, cycle, until, published=True)
    except (ValueError, KeyError, TypeError):
        return None


def withdrawal_of(content: Mapping[str, Any]) -> Withdrawal | None:
    """Return the withdrawal of the issue of a manifest; None where it is not withdrawn."""
    try:
        found = content["withdrawn"]
        at = datetime.fromisoformat(found["at"])
        words = found.get("words") or {}
        return Withdrawal(
            at, str(found["person"]), str(found["reason"]), str(found["account"]),
            Name(str(words.get("zh", "")), str(words.get("en", ""))),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def hash_of(path: Path) -> str:
    """Return the hash of a file; "" where it cannot be read."""
    try:
        return sha256_of(path)
    except OSError:
        return ""


def run_of(release: Path) -> tuple[str, int]:
    """Return the run and the further number in the name of a release, by which they are sorted."""
    _, run, *further = release.name.split("-")
    return run, int(further[0]) if further else 1
