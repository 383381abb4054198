"""Drafts, what people changed in them, and every step of their lives, in the archive."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from forecast.archive.draft_rows import draft_of, edit_content, edit_of, edit_row, words_content
from forecast.archive.issues import Archive
from forecast.archive.schema import draft_table, edit_table, issue_table, transition_table
from forecast.domain import Name, as_utc
from forecast.errors import Conflict
from forecast.review import TRANSITIONS, Draft, Edit, Transition

OPEN = ("draft", "reviewed")
KEPT_TRANSITIONS = 1000  # shown at most


class Drafts:
    """The drafts of an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def add(
        self, draft: Draft, numbers: str, edits: Sequence[Edit], reason: str, at: datetime
    ) -> Draft:
        """Keep a new draft with its edits and return it; open ones of the same hour expire.

        A correction and the draft of an hour leave each other alone.
        """
        row = {
            "id": draft.id,
            "model": draft.cycle.model,
            "run": draft.cycle.run,
            "prepared": draft.prepared,
            "hour": draft.hour,
            "expires": draft.expires,
            "state": "draft",
            "version": 1,
            "comment": words_content(draft.comment),
            "lost": [edit_content(edit) for edit in draft.lost_edits],
            "corrects": draft.corrects,
            "correction_reason": draft.correction_reason,
            "numbers": numbers,
        }
        with self._archive.transaction() as connection:
            replaced = (
                (draft_table.c.hour == draft.hour)
                & (draft_table.c.corrects == draft.corrects)
                & draft_table.c.state.in_(OPEN)
            )
            for old in connection.execute(sql.select(draft_table).where(replaced)).all():
                _step(connection, old.id, old.state, "expired", "machine", at, reason)
                _set(connection, old.id, state="expired")
            connection.execute(draft_table.insert().values(**row))
            for edit in edits:
                connection.execute(edit_table.insert().values(**edit_row(draft.id, edit)))
            _step(connection, draft.id, "", "draft", "machine", at, reason)
            return draft_of(_row(connection, draft.id))

    def get(self, draft: str) -> Draft | None:
        """Return a draft by its id; None where there is none."""
        with self._archive.transaction() as connection:
            row = connection.execute(
                sql.select(draft_table).where(draft_table.c.id == draft)
            ).first()
        return None if row is None else draft_of(row)

    def of_hour(self, hour: datetime) -> Draft | None:
        """Return the newest draft that was to go out at an hour, whatever became of it.

        Corrections do not count. None where there was none.
        """
        wanted = (draft_table.c.hour == as_utc(hour)) & (draft_table.c.corrects == "")
        with self._archive.transaction() as connection:
            row = connection.execute(
                sql.select(draft_table)
                .where(wanted)
                .order_by(draft_table.c.prepared.desc(), draft_table.c.state.in_(OPEN).desc())
            ).first()
        return None if row is None else draft_of(row)

    def last_over(self, now: datetime) -> Draft | None:
        """Return the newest draft of the last hour that had one, whatever became of it.

        Corrections do not count. None before the first.
        """
        over = (draft_table.c.hour <= as_utc(now)) & (draft_table.c.corrects == "")
        columns = draft_table.c
        newest = (columns.hour.desc(), columns.prepared.desc(), columns.state.in_(OPEN).desc())
        with self._archive.transaction() as connection:
            row = connection.execute(sql.select(draft_table).where(over).order_by(*newest)).first()
        return None if row is None else draft_of(row)

    def served(self, hour: datetime, since: datetime) -> bool:
        """Return whether an hour has its issue: released from its draft, or signed, `since` then.

        Whatever a person signed since then is that hour's issue, a correction as well.
        """
        out = (
            sql.select(draft_table, transition_table.c.at)
            .join(transition_table, transition_table.c.subject == draft_table.c.id)
            .where(
                draft_table.c.state == "released",
                transition_table.c.after == "released",
                transition_table.c.at >= as_utc(since),
            )
        )
        with self._archive.transaction() as connection:
            rows = connection.execute(out).all()
        return any(
            datetime.fromisoformat(row.signature["at"]) >= as_utc(since)
            if row.signature
            else row.hour == as_utc(hour) and not row.corrects
            for row in rows
        )

    def outdated(self, draft: str) -> bool:
        """Return whether an issue was released or withdrawn after a draft was made."""
        steps = transition_table.c
        made = sql.select(sql.func.min(steps.id)).where(steps.subject == draft).scalar_subquery()
        later = (
            sql.select(steps.id)
            .join(issue_table, issue_table.c.id == steps.subject)
            .where(steps.after.in_(("released", "withdrawn")), steps.id > made)
        )
        with self._archive.transaction() as connection:
            return connection.execute(later.limit(1)).first() is not None

    def open_ones(self, now: datetime) -> tuple[Draft, ...]:
        """Return the drafts that may still go out, the next first."""
        wanted = draft_table.c.state.in_(OPEN) & (draft_table.c.expires > as_utc(now))
        with self._archive.transaction() as connection:
            rows = connection.execute(
                sql.select(draft_table)
                .where(wanted)
                .order_by(draft_table.c.hour, draft_table.c.prepared.desc())
            ).all()
        return tuple(draft_of(row) for row in rows)

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

    def of_newest_issues(self, most: int) -> tuple[Draft, ...]:
        """Return the drafts of the newest published issues, the newest first."""
        out = (
            sql.select(draft_table)
            .join(issue_table, issue_table.c.draft == draft_table.c.id)
            .where(issue_table.c.published.is_not(None))
            .order_by(issue_table.c.issued.desc(), issue_table.c.id.desc())
        )
        with self._archive.transaction() as connection:
            return tuple(draft_of(row) for row in connection.execute(out.limit(most)).all())

    def edits(self, *drafts: str, undone: bool = False) -> tuple[Edit, ...]:
        """Return the edits of drafts in order; with `undone` those that were undone, too."""
        query = sql.select(edit_table).where(edit_table.c.draft.in_(drafts))
        query = query.order_by(edit_table.c.id)
        if not undone:
            query = query.where(edit_table.c.undone_at.is_(None))
        with self._archive.transaction() as connection:
            return tuple(edit_of(row) for row in connection.execute(query).all())

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
            connection.execute(edit_table.insert().values(**edit_row(draft, edit)))
            return draft_of(_row(connection, draft))

    def undo(
        self, draft: str, version: int, event: tuple[str, str, str], field: str, person: str,
        at: datetime,
    ) -> Draft:  # fmt: skip
        """Go back to the machine's value of a field. Raises: Conflict as `add_edit`."""
        with self._archive.transaction() as connection:
            self._changed(connection, draft, version, person, at)
            _undo(connection, draft, event, field, person, at)
            return draft_of(_row(connection, draft))

    def comment(self, draft: str, version: int, words: Name, person: str, at: datetime) -> Draft:
        """Set the comment of a draft. Raises: Conflict as `add_edit`."""
        with self._archive.transaction() as connection:
            self._changed(connection, draft, version, person, at)
            _set(connection, draft, comment=words_content(words))
            return draft_of(_row(connection, draft))

    def sign(self, draft: str, version: int, person: str, name: str, at: datetime) -> Draft:
        """Mark a draft as reviewed: signed by a person. Raises: Conflict as `add_edit`."""
        with self._archive.transaction() as connection:
            row = _row(connection, draft)
            if row.version != version or row.state != "draft":
                raise _conflict(row, version)
            _step(connection, draft, "draft", "reviewed", person, at, "signed")
            signature = {"account": person, "name": name, "at": as_utc(at).isoformat()}
            _set(connection, draft, state="reviewed", signature=signature)
            return draft_of(_row(connection, draft))

    def discard(self, draft: str, version: int, person: str, at: datetime, reason: str) -> None:
        """Let an open draft expire by a person's wish. Raises: Conflict as `add_edit`."""
        with self._archive.transaction() as connection:
            row = _row(connection, draft)
            if row.state not in OPEN or row.version != version:
                raise _conflict(row, version)
            _step(connection, draft, row.state, "expired", person, at, reason)
            _set(connection, draft, state="expired")

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
                raise Conflict(f"{issue}: no such issue was released", "not_in_force")
            if row.state == "withdrawn":
                return
            _step(connection, issue, row.state, "withdrawn", person, at, reason)
            connection.execute(
                issue_table.update().where(issue_table.c.id == issue).values(state="withdrawn")
            )

    def states(self, issues: Collection[str]) -> dict[str, str]:
        """Return the state of each of these issues that is published."""
        wanted = sql.select(issue_table.c.id, issue_table.c.state).where(
            issue_table.c.id.in_(issues), issue_table.c.published.is_not(None)
        )
        with self._archive.transaction() as connection:
            return {row.id: row.state for row in connection.execute(wanted).all()}

    def state(self, issue: str) -> str:
        """Return the state of a published issue; "" where there is none."""
        wanted = sql.select(issue_table.c.state).where(
            issue_table.c.id == issue, issue_table.c.published.is_not(None)
        )
        with self._archive.transaction() as connection:
            return connection.scalar(wanted) or ""

    def shown_states(self, issues: Collection[str]) -> dict[str, str]:
        """Return the state of each of these issues as readers see it: `corrected`, too.

        An issue is known as corrected where the one that corrects it is among them.
        """
        corrected = (
            sql.select(draft_table.c.corrects)
            .join(issue_table, issue_table.c.draft == draft_table.c.id)
            .where(issue_table.c.id.in_(issues), issue_table.c.published.is_not(None))
            .where(draft_table.c.corrects != "")
        )
        with self._archive.transaction() as connection:
            found = set(connection.scalars(corrected).all())
        return {
            issue: "corrected" if issue in found and state == "superseded" else state
            for issue, state in self.states(issues).items()
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
        raise Conflict(f"{draft}: there is no such draft; open the desk again", "no_draft")
    return row


def _conflict(row: sql.Row[Any], version: int) -> Conflict:
    if row.state not in OPEN:
        return Conflict(f"{row.id} is {row.state}: it can no longer be changed", "closed")
    if row.version != version:
        return Conflict(
            f"{row.id} was changed meanwhile (version {row.version}, you saw {version}): "
            "nothing is overwritten; look at it again",
            "changed",
        )
    return Conflict(f"{row.id} is {row.state} already", "closed")


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
