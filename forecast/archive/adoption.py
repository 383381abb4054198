"""Enter released issues that an archive does not know: it was restored from before them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sql

from forecast.archive.issues import WITHDRAWN, Archive
from forecast.archive.schema import issue_table
from forecast.domain import Issue


def adopt_unknown(archive: Archive, released: Sequence[tuple[Issue, str, bool]]) -> int:
    """Enter the released issues (digest of the settings, whether withdrawn) that are not known.

    Their numbers and ids are not used again; their forecasts are not known. Return how many.
    Raises: ArchiveError.
    """
    with archive.transaction() as connection:
        known = set(connection.scalars(sql.select(issue_table.c.id)))
        rows = [
            {
                "id": issue.id,
                "number": issue.number,
                "model": issue.cycle.model,
                "run": issue.cycle.run,
                "digest": digest,
                "issued": issue.issued,
                "valid_until": issue.valid_until,
                "published": issue.issued,
                "state": WITHDRAWN if withdrawn else "released",
            }
            for issue, digest, withdrawn in released
            if issue.id not in known
        ]
        if rows:
            connection.execute(issue_table.insert(), rows)
    return len(rows)
