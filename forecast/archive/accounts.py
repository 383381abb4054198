"""Who may enter the desk, and the record of everything of matter for security, in the archive."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sql

from forecast.archive import passwords
from forecast.archive.issues import Archive
from forecast.archive.schema import account_table, audit_table
from forecast.domain import as_utc
from forecast.errors import Conflict
from forecast.review import MACHINE, ROLES, Account

ID = re.compile(r"^[a-z][a-z0-9_.-]{1,39}$")
KEPT = 100_000  # rows of the audit; the oldest go
# A session lasts so long at most. Until then the row by which it ended stays, whatever comes after.
SESSION = timedelta(hours=12)
LOGOUT = "logout"
CLEARED_EVERY = 500  # rows
LONGEST = {"what": 40, "person": 40, "address": 64, "detail": 500}  # [character]
TICK = timedelta(microseconds=1)


class Accounts:
    """The accounts of an archive. Raises: ArchiveError from every method."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive

    def add(self, account: str, name: str, role: str, password: str, now: datetime) -> Account:
        """Keep a new account. Raises: Conflict with advice where it is not a sound one."""
        name = " ".join(name.split())
        if not ID.match(account) or account == MACHINE:
            raise Conflict(
                f"{account!r:.60}: an account is named by 2 to 40 small letters, digits, '_', '.' "
                "and '-', a letter first"
            )
        if not 1 <= len(name) <= 40 or not name.isprintable():
            raise Conflict("a name of 1 to 40 characters is needed: by it a person signs")
        if role not in ROLES:
            raise Conflict(f"{role!r:.40} is no role: known are {', '.join(ROLES)}")
        _require_sound(password, account)
        row = {"id": account, "name": name, "role": role, "password": passwords.hashed(password),
               "disabled": False, "valid_from": as_utc(now)}  # fmt: skip
        with self.archive.transaction() as connection:
            if _row(connection, account) is not None:
                raise Conflict(f"{account}: there is such an account already")
            connection.execute(account_table.insert().values(**row))
        return Account(account, name, role, False, as_utc(now))

    def get(self, account: str) -> Account | None:
        """Return an account by its id; None where there is none."""
        with self.archive.transaction() as connection:
            row = _row(connection, account)
        return None if row is None else _account(row)

    def all(self) -> tuple[Account, ...]:
        """Return every account by its id."""
        with self.archive.transaction() as connection:
            rows = connection.execute(sql.select(account_table).order_by(account_table.c.id)).all()
        return tuple(_account(row) for row in rows)

    def verified(self, account: str, password: str) -> Account | None:
        """Return the account to which a password gives entry; None for any other.

        It takes the same time for an unknown name, a wrong password and a disabled account.
        """
        with self.archive.transaction() as connection:
            row = _row(connection, account)
        right = passwords.matches(password, passwords.NOBODY if row is None else row.password)
        return _account(row) if row is not None and right and not row.disabled else None

    def set_password(self, account: str, password: str, now: datetime) -> Account:
        """Change a password; every session of the account ends. Raises: Conflict."""
        _require_sound(password, account)
        return self._changed(account, now, password=passwords.hashed(password))

    def disable(self, account: str, now: datetime, disabled: bool = True) -> Account:
        """Let nobody enter by an account any more, or again; its sessions end. Raises: Conflict."""
        return self._changed(account, now, disabled=disabled)

    def _changed(self, account: str, now: datetime, **values: Any) -> Account:
        """Change an account; `valid_from` always rises, even where the clock was set back."""
        with self.archive.transaction() as connection:
            row = _row(connection, account)
            if row is None:
                raise Conflict(f"{account:.60}: there is no such account")
            values["valid_from"] = max(as_utc(now), row.valid_from + TICK)
            connection.execute(
                account_table.update().where(account_table.c.id == account).values(**values)
            )
            changed = _row(connection, account)
        assert changed is not None
        return _account(changed)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something of matter for security: who, from where, when."""

    at: datetime
    what: str
    person: str
    address: str
    detail: str


class Audit:
    """The record of entries and refusals; never a secret. Raises: ArchiveError."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def note(self, what: str, person: str, address: str, detail: str, at: datetime) -> None:
        """Add a row; the oldest beyond KEPT go. Control characters are left out.

        A logout stays for as long as its session could live: nobody revives that by many rows.
        """
        texts = {"what": what, "person": person, "address": address, "detail": detail}
        row = {name: _plain(text)[: LONGEST[name]] for name, text in texts.items()}
        with self._archive.transaction() as connection:
            added = connection.execute(audit_table.insert().values(at=as_utc(at), **row))
            last = added.inserted_primary_key[0] if added.inserted_primary_key else 0
            if last % CLEARED_EVERY == 0:
                over = (audit_table.c.what != LOGOUT) | (audit_table.c.at < as_utc(at) - SESSION)
                old = audit_table.c.id <= last - KEPT
                connection.execute(audit_table.delete().where(old & over))

    def last(self, most: int = 100) -> tuple[AuditEntry, ...]:
        """Return the last rows, the newest first."""
        query = sql.select(audit_table).order_by(audit_table.c.id.desc()).limit(most)
        with self._archive.transaction() as connection:
            rows = connection.execute(query).all()
        return tuple(
            AuditEntry(row.at, row.what, row.person, row.address, row.detail) for row in rows
        )

    def holds(self, what: str, detail: str, since: datetime) -> bool:
        """Return whether such a row was added since a moment."""
        wanted = sql.select(audit_table.c.id).where(
            audit_table.c.at >= as_utc(since),
            audit_table.c.what == what,
            audit_table.c.detail == detail,
        )
        with self._archive.transaction() as connection:
            return connection.scalar(wanted.limit(1)) is not None


def _require_sound(password: str, account: str) -> None:
    if wrong := passwords.fault(password, account):
        raise Conflict(wrong)


def _row(connection: sql.Connection, account: str) -> sql.Row[Any] | None:
    return connection.execute(
        sql.select(account_table).where(account_table.c.id == account[:60])
    ).first()


def _account(row: sql.Row[Any]) -> Account:
    return Account(row.id, row.name, row.role, row.disabled, row.valid_from)


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else "?" for each in text)
