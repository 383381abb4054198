"""What the people at the desk must know at once: nothing went out, and why; nothing is in force."""

from __future__ import annotations

from datetime import datetime

from forecast.archive.drafts import Drafts
from forecast.archive.issues import Archive, Attempt
from forecast.domain import Issue
from forecast.errors import ArchiveError, NotReleased, PublishError, SourceError
from forecast.issue.lifecycle import left_out
from products.wording import Words

CAUSES = {SourceError.exit_code: "run", ArchiveError.exit_code: "archive"}


def alerts(archive: Archive, last: Issue | None, now: datetime, words: Words) -> tuple[str, ...]:
    """Return an alert a sentence; none where all is well. last: the issue that readers see.

    The log has each at level ERROR, and `status` among its attempts. Raises: ArchiveError.
    """
    found = []
    for attempt in archive.attempts(1):
        newer = last is None or attempt.at > last.issued or attempt.issue == last.id
        if attempt.exit_code and newer:
            cause = words(f"desk.alert.{_cause(attempt)}")
            found.append(words("desk.alert.failed", time=words.clock(attempt.at), cause=cause))
    if last is not None and (count := _not_released(Drafts(archive), last)):
        found.append(words("desk.alert.left_out", number=last.number, count=count))
    if last is not None and last.expired(now):
        time = words.stamp(last.valid_until, "time.stamp_short")
        found.append(words("desk.alert.expired", time=time))
    return tuple(found)


def _not_released(drafts: Drafts, issue: Issue) -> int:
    """Return how many changes did not go out because nobody signed the issue."""
    review = drafts.review_of(issue.id)
    draft = drafts.get(str(review.get("draft", ""))) if review.get("unreviewed") else None
    return left_out(drafts, draft) if draft else 0


def _cause(attempt: Attempt) -> str:
    """Return the key of why an attempt failed."""
    if attempt.exit_code == PublishError.exit_code:
        unsigned = attempt.detail.startswith(NotReleased.__name__)
        return "part" if attempt.issue else "unsigned" if unsigned else "channels"
    return CAUSES.get(attempt.exit_code, "defect")
