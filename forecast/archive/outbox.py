"""The outbox: what was sent to whom, so that nobody gets a message twice or none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sql

from forecast.archive.issues import Archive
from forecast.archive.schema import delivery_table
from forecast.domain import as_utc
from forecast.sent import Sent

KEPT = ("state", "issue", "digest", "remote", "attempts", "final", "detail")
LONGEST = 500  # [character] of a detail


def recent(archive: Archive, since: datetime) -> list[tuple[str, str, str, Sent]]:
    """Return what was sent since then: channel, receiver, key and state, the latest first.

    Raises: ArchiveError.
    """
    table = delivery_table.c
    query = sql.select(delivery_table).where(table.at >= as_utc(since))
    order = (table.at.desc(), table.channel, table.receiver, table.key)
    with archive.transaction() as connection:
        rows = connection.execute(query.order_by(*order)).all()
    return [(row.channel, row.receiver, row.key, _sent(row)) for row in rows]


def _sent(row: sql.Row[Any]) -> Sent:
    return Sent(at=row.at, **{name: getattr(row, name) for name in KEPT})


class ChannelOutbox:
    """The messages of one channel, kept for ever. Raises: ArchiveError from every method.

    receiver: the id of a group, list or account; key: what the message is about, the same for its
    updates.
    """

    def __init__(self, archive: Archive, channel: str) -> None:
        self._archive, self._channel = archive, channel

    def find(self, receiver: str, key: str) -> Sent | None:
        """Return what is known of a message; None where none was ever begun."""
        return self._read(receiver, delivery_table.c.key == key).get(key)

    def keys(self, receiver: str) -> Mapping[str, Sent]:
        """Return the messages to a receiver by their key."""
        return self._read(receiver, sql.true())

    def keep(self, receiver: str, key: str, sent: Sent) -> None:
        """Keep the state of a message; it is on the disk when this returns."""
        values: dict[str, Any] = {name: getattr(sent, name) for name in KEPT}
        values |= {"at": as_utc(sent.at), "remote": dict(sent.remote)}
        values["detail"] = sent.detail[:LONGEST]
        where = self._where(receiver) & (delivery_table.c.key == key)
        with self._archive.transaction() as connection:
            if not connection.execute(
                delivery_table.update().where(where).values(**values)
            ).rowcount:
                names = {"channel": self._channel, "receiver": receiver, "key": key}
                connection.execute(delivery_table.insert().values(**names, **values))

    def _where(self, receiver: str) -> sql.ColumnElement[bool]:
        table = delivery_table.c
        return (table.channel == self._channel) & (table.receiver == receiver)

    def _read(self, receiver: str, which: sql.ColumnElement[bool]) -> dict[str, Sent]:
        query = sql.select(delivery_table).where(self._where(receiver) & which)
        with self._archive.transaction() as connection:
            rows = connection.execute(query).all()
        return {row.key: _sent(row) for row in rows}
