"""Drafts, what people changed in them, and every step of their lives, in the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from forecast.archive.issues import Archive
from forecast.archive.schema import draft_table, edit_table, issue_table, transition_table
from forecast.domain import Cycle, Name, as_utc
from forecast.errors import Conflict
from forecast.review import TRANSITIONS, Draft, Edit, Transition

OPEN = ("draft", "reviewed")
KEPT_TRANSITIONS = 1000  # shown at most


class Drafts:
    """The drafts of an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def add(self, draft: Draft, numbers: str, edits: Sequence[Edit], reason: str) -> Draft:
        """Keep a new draft with its edits and return it; open drafts of the same hour expire."""
        row = {
            "id": draft.id,
            "model": draft.cycle.model,
            "run": draft.cycle.run,
            "prepared": draft.prepared,
            "hour": draft.hour,
            "expires": draft.expires,
            "state": "draft",
            "version": 1,
            "comment": _words(draft.comment),
            "lost": [_edit_content(edit) for edit in draft.lost_edits],
            "corrects": draft.corrects,
            "correction_reason": draft.correction_reason,
            "numbers": numbers,
        }
        with self._archive.transaction() as connection:
            replaced = (draft_table.c.hour == draft.hour) & draft_table.c.state.in_(OPEN)
            for old in connection.execute(sql.select(draft_table).where(replaced)).all():
                _step(connection, old.id, old.state, "expired", "machine", draft.prepared, reason)
                _set(connection, old.id, state="expired")
            connection.execute(draft_table.insert().values(**row))
            for edit in edits:
                connection.execute(edit_table.insert().values(**_edit_row(draft.id, edit)))
            _step(connection, draft.id, "", "draft", "machine", draft.prepared, reason)
            return _draft(_row(connection, draft.id))

    def get(self, draft: str) -> Draft | None:
        """Return a draft by its id; None where there is none."""
        with self._archive.transaction() as connection:
            row = connection.execute(
                sql.select(draft_table).where(draft_table.c.id == draft)
            ).first()
        return None if row is None else _draft(row)

    def current(self, now: datetime) -> Draft | None:
        """Return the open draft that goes out next and has not expired; None without one."""
        return next(iter(self.open_ones(now)), None)

    def of_hour(self, hour: datetime) -> Draft | None:
        """Return the newest draft that was to go out at an hour, whatever became of it.

        Corrections do not count. None where there was none.
        """
        wanted = (draft_table.c.hour == as_utc(hour)) & (draft_table.c.corrects == "")
        with self._archive.transaction() as connection:
            row = connection.execute(
                sql.select(draft_table).where(wanted).order_by(draft_table.c.prepared.desc())
            ).first()
        return None if row is None else _draft(row)

    def served(self, hour: datetime, since: datetime) -> bool:
        """Return whether a draft of an hour that was prepared `since` then is out."""
        wanted = (
            (draft_table.c.hour == as_utc(hour))
            & (draft_table.c.corrects == "")
            & (draft_table.c.state == "released")
            & (draft_table.c.prepared >= as_utc(since))
        )
        with self._archive.transaction() as connection:
            return connection.scalar(sql.select(draft_table.c.id).where(wanted)) is not None

    def open_ones(self, now: datetime) -> tuple[Draft, ...]:
        """Return the drafts that may still go out, the next first."""
        wanted = draft_table.c.state.in_(OPEN) & (draft_table.c.expires > as_utc(now))
        with self._archive.transaction() as connection:
            rows = connection.execute(
                sql.select(draft_table)
                .where(wanted)
                .order_by(draft_table.c.hour, draft_table.c.prepared.desc())
            ).all()
        return tuple(_draft(row) for row in rows)

    def numbers(self, draft: str) -> str:
        """Return the digest of a draft's forecasts; "" where there is no such draft."""
        with self._archive.transaction() as connection:
            found = connection.scalar(
                sql.select(draft_table.c.numbers).where(draft_table.c.id == draft)
            )
        return found or ""

    def signature(self, draft: str) -> Mapping[str, str]:
        """Return who signed a draft (account, name) and when (at); empty where nobody did."""
        with self._archive.transaction() as connection:
            found = connection.scalar(
                sql.select(draft_table.c.signature).where(draft_table.c.id == draft)
            )
        return found or {}

    def edits(self, draft: str, undone: bool = False) -> tuple[Edit, ...]:
        """Return the edits of a draft in order; with `undone` those that were undone, too."""
        query = sql.select(edit_table).where(edit_table.c.draft == draft).order_by(edit_table.c.id)
        if not undone:
            query = query.where(edit_table.c.undone_at.is_(None))
        with self._archive.transaction() as connection:
            return tuple(_edit(row) for row in connection.execute(query).all())

    def expire(self, now: datetime) -> tuple[str, ...]:
        """Let open drafts expire whose time is over; return their ids."""
        late = draft_table.c.state.in_(OPEN) & (draft_table.c.expires <= as_utc(now))
        with self._archive.transaction() as connection:
            rows = connection.execute(sql.select(draft_table).where(late)).all()
            for row in rows:
                _step(connection, row.id, row.state, "expired", "machine", now, "too old")
                _set(connection, row.id, state="expired")
        return tuple(row.id for row in rows)

    # -- changes, each from a version that the person saw

    def add_edit(self, draft: str, version: int, edit: Edit) -> Draft:
        """Keep an edit; an earlier one of the same field of the event is undone by it.

        Raises: Conflict where the draft is not open or has another version.
        """
        with self._archive.transaction() as connection:
            self._changed(connection, draft, version, edit.person, edit.at)
            _undo(connection, draft, edit.event, edit.field, edit.person, edit.at)
            connection.execute(edit_table.insert().values(**_edit_row(draft, edit)))
            return _draft(_row(connection, draft))

    def undo(
        self, draft: str, version: int, event: tuple[str, str, str], field: str, person: str,
        at: datetime,
    ) -> Draft:  # fmt: skip
        """Go back to the machine's value of a field. Raises: Conflict as `add_edit`."""
        with self._archive.transaction() as connection:
            self._changed(connection, draft, version, person, at)
            _undo(connection, draft, event, field, person, at)
            return _draft(_row(connection, draft))

    def comment(self, draft: str, version: int, words: Name, person: str, at: datetime) -> Draft:
        """Set the comment of a draft. Raises: Conflict as `add_edit`."""
        with self._archive.transaction() as connection:
            self._changed(connection, draft, version, person, at)
            _set(connection, draft, comment=_words(words))
            return _draft(_row(connection, draft))

    def sign(self, draft: str, version: int, person: str, name: str, at: datetime) -> Draft:
        """Mark a draft as reviewed: signed by a person. Raises: Conflict as `add_edit`."""
        with self._archive.transaction() as connection:
            row = _row(connection, draft)
            if row.version != version or row.state != "draft":
                raise _conflict(row, version)
            _step(connection, draft, "draft", "reviewed", person, at, "signed")
            signature = {"account": person, "name": name, "at": as_utc(at).isoformat()}
            _set(connection, draft, state="reviewed", signature=signature)
            return _draft(_row(connection, draft))

    def _changed(
        self, connection: sql.Connection, draft: str, version: int, person: str, at: datetime
    ) -> None:
        """Raise the version of an open draft; a reviewed one must be signed again."""
        row = _row(connection, draft)
        if row.state not in OPEN or row.version != version:
            raise _conflict(row, version)
        if row.state == "reviewed":
            _step(connection, draft, "reviewed", "draft", person, at, "changed after its signature")
        updated = connection.execute(
            draft_table.update()
            .where(draft_table.c.id == draft, draft_table.c.version == version)
            .values(version=version + 1, state="draft", signature=None)
        )
        if updated.rowcount != 1:
            raise _conflict(_row(connection, draft), version)

    # -- issues

    def released(
        self, draft: str, issue: str, review: Mapping[str, Any], person: str, at: datetime
    ) -> None:
        """Note that a draft is out as `issue`; the issue before is superseded. Twice counts once.

        draft: "" for an issue without one; one that a lost archive no longer knows is passed over.
        """
        with self._archive.transaction() as connection:
            row = connection.execute(sql.select(issue_table).where(issue_table.c.id == issue)).one()
            if row.published is None or _last(connection, issue) != "":
                return
            connection.execute(
                issue_table.update()
                .where(issue_table.c.id == issue)
                .values(draft=draft or None, review=dict(review))
            )
            state = connection.scalar(
                sql.select(draft_table.c.state).where(draft_table.c.id == draft)
            )
            if state is not None:
                _step(connection, draft, state, "released", person, at, f"as {issue}")
                _set(connection, draft, state="released")
            _step(connection, issue, "", "released", person, at, f"from {draft}" if draft else "")
            earlier = (
                (issue_table.c.id != issue)
                & issue_table.c.published.is_not(None)
                & (issue_table.c.state == "released")
            )
            for old in connection.execute(sql.select(issue_table.c.id).where(earlier)).all():
                _step(connection, old.id, "released", "superseded", person, at, f"by {issue}")
            connection.execute(issue_table.update().where(earlier).values(state="superseded"))

    def withdrawn(self, issue: str, person: str, reason: str, at: datetime) -> None:
        """Note that an issue is withdrawn. Twice counts once. Raises: Conflict without it."""
        with self._archive.transaction() as connection:
            row = connection.execute(
                sql.select(issue_table).where(issue_table.c.id == issue)
            ).first()
            if row is None or row.published is None:
                raise Conflict(f"{issue}: no such issue was released")
            if row.state == "withdrawn":
                return
            _step(connection, issue, row.state, "withdrawn", person, at, reason)
            connection.execute(
                issue_table.update().where(issue_table.c.id == issue).values(state="withdrawn")
            )

    def states(self) -> dict[str, str]:
        """Return the state of each published issue."""
        with self._archive.transaction() as connection:
            rows = connection.execute(
                sql.select(issue_table.c.id, issue_table.c.state).where(
                    issue_table.c.published.is_not(None)
                )
            ).all()
        return {row.id: row.state for row in rows}

    def shown_states(self) -> dict[str, str]:
        """Return the state of each published issue as readers see it: `corrected`, too."""
        corrected = (
            sql.select(draft_table.c.corrects)
            .join(issue_table, issue_table.c.draft == draft_table.c.id)
            .where(issue_table.c.published.is_not(None), draft_table.c.corrects != "")
        )
        with self._archive.transaction() as connection:
            found = set(connection.scalars(corrected).all())
        return {
            issue: "corrected" if issue in found and state == "superseded" else state
            for issue, state in self.states().items()
        }

    def review_of(self, issue: str) -> Mapping[str, Any]:
        """Return how an issue was reviewed (fields of review.Review); empty where not known."""
        with self._archive.transaction() as connection:
            found = connection.scalar(
                sql.select(issue_table.c.review).where(issue_table.c.id == issue)
            )
        return found or {}

    def transitions(self, subject: str = "") -> tuple[Transition, ...]:
        """Return the steps of a draft or an issue, oldest first; without one the last of all."""
        query = sql.select(transition_table).order_by(transition_table.c.id.desc())
        if subject:
            query = query.where(transition_table.c.subject == subject)
        with self._archive.transaction() as connection:
            rows = connection.execute(query.limit(KEPT_TRANSITIONS)).all()
        return tuple(
            Transition(row.subject, row.before, row.after, row.person, row.at, row.reason)
            for row in reversed(rows)
        )


def _row(connection: sql.Connection, draft: str) -> sql.Row[Any]:
    row = connection.execute(sql.select(draft_table).where(draft_table.c.id == draft)).first()
    if row is None:
        raise Conflict(f"{draft}: there is no such draft; open the desk again")
    return row


def _conflict(row: sql.Row[Any], version: int) -> Conflict:
    if row.state not in OPEN:
        return Conflict(f"{row.id} is {row.state}: it can no longer be changed")
    if row.version != version:
        return Conflict(
            f"{row.id} was changed meanwhile (version {row.version}, you saw {version}): "
            "nothing is overwritten; look at it again"
        )
    return Conflict(f"{row.id} is {row.state} already")


def _last(connection: sql.Connection, subject: str) -> str:
    """Return the state after the last step of a draft or an issue; "" where it has none."""
    found = connection.scalar(
        sql.select(transition_table.c.after)
        .where(transition_table.c.subject == subject)
        .order_by(transition_table.c.id.desc())
        .limit(1)
    )
    return found or ""


def _step(
    connection: sql.Connection, subject: str, before: str, after: str, person: str, at: datetime,
    reason: str,
) -> None:  # fmt: skip
    if after not in TRANSITIONS[before]:
        raise Conflict(f"{subject} is {before or 'new'}: it cannot become {after}")
    connection.execute(
        transition_table.insert().values(
            subject=subject, before=before, after=after, person=person, at=as_utc(at), reason=reason
        )
    )


def _set(connection: sql.Connection, draft: str, **values: Any) -> None:
    connection.execute(draft_table.update().where(draft_table.c.id == draft).values(**values))


def _undo(
    connection: sql.Connection,
    draft: str,
    event: tuple[str, str, str],
    field: str,
    person: str,
    at: datetime,
) -> None:
    place = dict(zip(("site", "phenomenon", "day"), event, strict=True))
    same = [edit_table.c[name] == value for name, value in place.items()]
    connection.execute(
        edit_table.update()
        .where(
            edit_table.c.draft == draft,
            edit_table.c.field == field,
            edit_table.c.undone_at.is_(None),
            *same,
        )
        .values(undone_by=person, undone_at=as_utc(at))
    )


def _edit_content(edit: Edit) -> dict[str, Any]:
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


def _edit_row(draft: str, edit: Edit) -> dict[str, Any]:
    return {**_edit_content(edit), "draft": draft, "at": as_utc(edit.at)}


def _edit(row: sql.Row[Any]) -> Edit:
    event = (row.site, row.phenomenon, row.day)
    return Edit(
        event, row.field, row.value, row.reason, row.person, row.at, row.note, row.before, row.id
    )


def _lost(content: Mapping[str, Any]) -> Edit:
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


def _words(name: Name) -> dict[str, str]:
    return {"zh": name.zh, "en": name.en}


def _draft(row: sql.Row[Any]) -> Draft:
    return Draft(
        id=row.id,
        cycle=Cycle(row.run, row.model),
        prepared=row.prepared,
        hour=row.hour,
        expires=row.expires,
        state=row.state,
        version=row.version,
        comment=Name(row.comment.get("zh", ""), row.comment.get("en", "")),
        lost_edits=tuple(_lost(content) for content in row.lost),
        corrects=row.corrects,
        correction_reason=row.correction_reason,
    )
