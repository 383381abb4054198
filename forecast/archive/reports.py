"""Links by which people report what they see, and their reports, in the archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sql

from forecast.archive.database import insert_into
from forecast.archive.issues import Archive
from forecast.archive.schema import link_table, report_table
from forecast.domain import as_utc
from forecast.errors import Conflict

OBSERVER, VISITOR = "observer", "visitor"  # who reports; the source of their outcomes
ACCEPTED, HELD, REFUSED = "accepted", "held", "refused"  # states of a report
LISTED = 500  # reports in an answer at most
EVER, NEVER = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReportLink:
    """Lets its holder report without an account. site: "" for any. revoked: since when it ended."""

    id: str
    site: str
    holder: str
    created: datetime
    created_by: str
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class FieldReport:
    """What a person saw at a site.

    id: made on the phone. link: "" of a visitor. seen: when; received: when it came in. says:
    phenomenon -> answer (forecast/learning/truth_from_phones.py). photo: digest of the picture, ""
    without one. decided_by: an account, or `agreement` of visitors. kept: phenomena whose outcome
    is kept. sender: salted hash of a visitor's address, "" after a day.
    """

    id: str
    link: str
    kind: str
    reporter: str
    site: str
    seen: datetime
    received: datetime
    says: Mapping[str, str]
    remark: str = ""
    photo: str = ""
    state: str = ACCEPTED
    decided_by: str = ""
    decided_at: datetime | None = None
    reason: str = ""
    kept: tuple[str, ...] = ()
    sender: str = ""


class Reports:
    """The links and reports of an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    # -- links

    def add_link(self, link: ReportLink) -> None:
        """Keep a new link."""
        row = {
            "id": link.id,
            "site": link.site,
            "holder": link.holder,
            "created": as_utc(link.created),
            "created_by": link.created_by,
            "revoked": None,
        }
        with self._archive.transaction() as connection:
            connection.execute(link_table.insert().values(**row))

    def link(self, id: str) -> ReportLink | None:
        """Return a link, revoked or not; None where there is none."""
        with self._archive.transaction() as connection:
            row = connection.execute(sql.select(link_table).where(link_table.c.id == id)).first()
        return None if row is None else _link(row)

    def links(self) -> tuple[ReportLink, ...]:
        """Return all links, those in use first, each newest first."""
        order = (link_table.c.revoked.is_not(None), link_table.c.created.desc(), link_table.c.id)
        with self._archive.transaction() as connection:
            rows = connection.execute(sql.select(link_table).order_by(*order)).all()
        return tuple(_link(row) for row in rows)

    def revoke(self, id: str, at: datetime) -> None:
        """End a link; one that has ended stays as it is."""
        wanted = (link_table.c.id == id) & link_table.c.revoked.is_(None)
        with self._archive.transaction() as connection:
            connection.execute(link_table.update().where(wanted).values(revoked=as_utc(at)))

    # -- reports

    def add(self, report: FieldReport) -> bool:
        """Keep a report under its id; return False where that id is kept already."""
        with self._archive.transaction() as connection:
            statement = (
                insert_into(connection, report_table)
                .values(**_row(report))
                .on_conflict_do_nothing()
            )
            added = connection.execute(statement.returning(report_table.c.id)).first()
        return added is not None

    def get(self, id: str) -> FieldReport | None:
        """Return a report by its id; None where there is none."""
        with self._archive.transaction() as connection:
            row = connection.execute(
                sql.select(report_table).where(report_table.c.id == id)
            ).first()
        return None if row is None else _report(row)

    def seen_between(
        self,
        since: datetime,
        until: datetime,
        states: Sequence[str] = (),
        limit: int | None = LISTED,
    ) -> tuple[FieldReport, ...]:
        """Return the newest reports of what was seen in [since, until), oldest first."""
        table = report_table.c
        wanted = [table.seen >= as_utc(since), table.seen < as_utc(until)]
        if states:
            wanted.append(table.state.in_(states))
        order = (table.seen.desc(), table.received.desc(), table.id)
        query = sql.select(report_table).where(*wanted).order_by(*order).limit(limit)
        with self._archive.transaction() as connection:
            return tuple(_report(row) for row in reversed(connection.execute(query).all()))

    def count(self, since: datetime, **by: str) -> int:
        """Return how many reports came in since a moment with these values of their columns."""
        wanted = [report_table.c[name] == value for name, value in by.items()]
        query = sql.select(sql.func.count()).select_from(report_table)
        with self._archive.transaction() as connection:
            return int(
                connection.scalar(query.where(report_table.c.received >= as_utc(since), *wanted))
                or 0
            )

    def held(self) -> tuple[FieldReport, ...]:
        """Return the newest reports that wait for a decision, of whatever day, oldest first."""
        return self.seen_between(EVER, NEVER, (HELD,))

    def decide(self, id: str, state: str, person: str, reason: str, at: datetime) -> FieldReport:
        """Accept or refuse a report; return it as it is then.

        Raises: Conflict where there is none, or where it is in that state already.
        """
        with self._archive.transaction() as connection:
            changed = connection.execute(
                report_table.update()
                .where(report_table.c.id == id, report_table.c.state != state)
                .values(state=state, decided_by=person, decided_at=as_utc(at), reason=reason)
            )
            row = connection.execute(
                sql.select(report_table).where(report_table.c.id == id)
            ).first()
        if row is None:
            raise Conflict("there is no such report; open the list again")
        if changed.rowcount != 1:
            raise Conflict(f"this report is {state} already, by {row.decided_by or 'its link'}")
        return _report(row)

    def mark_kept(self, id: str, kept: Sequence[str]) -> None:
        """Note of which phenomena of a report the outcome is kept."""
        with self._archive.transaction() as connection:
            connection.execute(
                report_table.update().where(report_table.c.id == id).values(kept=list(kept))
            )

    def forget_senders(self, before: datetime) -> None:
        """Forget from which addresses reports came that were received before a moment."""
        wanted = report_table.c.sender.is_not(None) & (report_table.c.received < as_utc(before))
        with self._archive.transaction() as connection:
            connection.execute(report_table.update().where(wanted).values(sender=None))


def _link(row: sql.Row[Any]) -> ReportLink:
    return ReportLink(row.id, row.site, row.holder, row.created, row.created_by, row.revoked)


def _row(report: FieldReport) -> dict[str, Any]:
    return {
        "id": report.id,
        "link": report.link,
        "kind": report.kind,
        "reporter": report.reporter,
        "site": report.site,
        "seen": as_utc(report.seen),
        "received": as_utc(report.received),
        "says": dict(report.says),
        "remark": report.remark,
        "photo": report.photo or None,
        "state": report.state,
        "decided_by": report.decided_by or None,
        "decided_at": report.decided_at,
        "reason": report.reason,
        "kept": list(report.kept),
        "sender": report.sender or None,
    }


def _report(row: sql.Row[Any]) -> FieldReport:
    return FieldReport(
        id=row.id,
        link=row.link,
        kind=row.kind,
        reporter=row.reporter,
        site=row.site,
        seen=row.seen,
        received=row.received,
        says=row.says,
        remark=row.remark,
        photo=row.photo or "",
        state=row.state,
        decided_by=row.decided_by or "",
        decided_at=row.decided_at,
        reason=row.reason,
        kept=tuple(row.kept),
        sender=row.sender or "",
    )
