"""Drafts and their edits as rows of the archive, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from forecast.domain import Cycle, Name, as_utc
from forecast.review import Draft, Edit


def edit_content(edit: Edit) -> dict[str, Any]:
    """Return an edit as it is kept in JSON."""
    site, phenomenon, day = edit.event
    return {
        "site": site,
        "phenomenon": phenomenon,
        "day": day,
        "field": edit.field,
        "value": edit.value,
        "before": edit.before,
        "reason": edit.reason,
        "note": edit.note,
        "person": edit.person,
        "at": as_utc(edit.at).isoformat(),
    }


def edit_row(draft: str, edit: Edit) -> dict[str, Any]:
    """Return the row of an edit of a draft."""
    return {**edit_content(edit), "draft": draft, "at": as_utc(edit.at)}


def edit_of(row: sql.Row[Any]) -> Edit:
    """Return the edit of a row."""
    event = (row.site, row.phenomenon, row.day)
    return Edit(
        event, row.field, row.value, row.reason, row.person, row.at, row.note, row.before, row.id
    )


def lost_edit(content: Mapping[str, Any]) -> Edit:
    """Return an edit that was kept in JSON."""
    return Edit(
        (content["site"], content["phenomenon"], content["day"]),
        content["field"],
        content["value"],
        content["reason"],
        content["person"],
        datetime.fromisoformat(content["at"]),
        content["note"],
        content["before"],
    )


def words_content(name: Name) -> dict[str, str]:
    """Return words as they are kept in JSON."""
    return {"zh": name.zh, "en": name.en}


def draft_of(row: sql.Row[Any]) -> Draft:
    """Return the draft of a row."""
    return Draft(
        id=row.id,
        cycle=Cycle(row.run, row.model),
        prepared=row.prepared,
        hour=row.hour,
        expires=row.expires,
        state=row.state,
        version=row.version,
        comment=Name(row.comment.get("zh", ""), row.comment.get("en", "")),
        lost_edits=tuple(lost_edit(content) for content in row.lost),
        corrects=row.corrects,
        correction_reason=row.correction_reason,
    )
