"""What a new draft takes over: from the draft before it, and from the issue in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from forecast.archive.drafts import Drafts
from forecast.domain import Name, as_utc
from forecast.issue.world import World
from forecast.review import NO_WORDS, Draft, Edit, EventKey

LOOKED_AT = 20  # issues whose drafts may have handed something on

Mark = tuple[EventKey, str, str, datetime]


@dataclass(frozen=True, slots=True)
class HandedOn:
    """Edits and words for a new draft, before it is known which of them still apply.

    lost: edits that were lost earlier. outdated: whether readers got another issue, or a
    withdrawal, since the draft before was made. source: the draft that they come from; "" without.
    """

    edits: tuple[Edit, ...] = ()
    comment: Name = NO_WORDS
    lost: tuple[Edit, ...] = ()
    outdated: bool = False
    source: str = ""


def handed_on(world: World, before: Draft | None, now: datetime) -> HandedOn:
    """Return what a draft takes over from the one before it of the same hour, or from the issue.

    The issue that readers see hands on what its forecaster changed, where it was released today;
    also where it was withdrawn, or went out unsigned and thus without it: nothing of that goes out
    but by the next signature. So does the draft of an hour that is over without having gone out.
    Of an earlier day such changes are named as lost. Where the draft
    before is older than the issue, the newest change of a field counts, and what the draft had from
    issues before goes.
    """
    drafts = Drafts(world.archive)
    if before is not None and not drafts.outdated(before.id):
        edits = drafts.edits(before.id)
        return HandedOn(edits, before.comment, before.lost_edits, source=before.id)
    source, today = _newest_issue(world, now) if before else _newest(world, now)
    edits = drafts.edits(source.id) if source else ()
    comment = source.comment if source and today else NO_WORDS
    lost = () if today else edits
    edits = edits if today else ()
    if before is None:
        return HandedOn(edits, comment, lost, source=source.id if source else "")
    earlier = drafts.of_newest_issues(LOOKED_AT)
    inherited = {_mark(e) for e in drafts.edits(*(each.id for each in earlier), undone=True)}
    mine = drafts.edits(before.id)
    undone = {_mark(e) for e in drafts.edits(before.id, undone=True)} - {_mark(e) for e in mine}
    own = [each for each in mine if _mark(each) not in inherited]
    return HandedOn(
        _newest_of([*(each for each in edits if _mark(each) not in undone), *own]),
        _words(before.comment, comment, [each.comment for each in earlier]),
        (*(each for each in before.lost_edits if _mark(each) not in inherited), *lost),
        outdated=True,
        source=before.id,
    )


def same_content(drafts: Drafts, draft: Draft, edits: tuple[Edit, ...], comment: Name) -> bool:
    """Return whether a draft has just these edits and this comment."""
    there = sorted(_mark(each) for each in drafts.edits(draft.id))
    return draft.comment == comment and there == sorted(_mark(each) for each in edits)


def _newest(world: World, now: datetime) -> tuple[Draft | None, bool]:
    """Return the draft of the last hour where it never went out, else that of `_newest_issue`."""
    drafts = Drafts(world.archive)
    over = drafts.last_over(now)
    if over is None or over.state == "released" or drafts.outdated(over.id):
        return _newest_issue(world, now)
    return over, _same_day(over.hour, now, world.config.zone)


def _same_day(one: datetime, other: datetime, zone: ZoneInfo) -> bool:
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def _newest_issue(world: World, now: datetime) -> tuple[Draft | None, bool]:
    """Return the draft of the issue that readers see and whether that is of today.

    None where what was changed in one of an earlier day has been out and stands.
    """
    drafts, issue = Drafts(world.archive), world.archive.issue(world.publisher.current())
    if issue is None or not (state := drafts.state(issue.id)):
        return None, False
    review, zone = drafts.review_of(issue.id), world.config.zone
    today = _same_day(issue.issued, now, zone)
    if not today and state == "released" and not review.get("unreviewed"):
        return None, False
    return drafts.get(str(review.get("draft", ""))), today


def _newest_of(edits: list[Edit]) -> tuple[Edit, ...]:
    """Return the newest edit of each field of an event, in order."""
    newest = {(each.event, each.field): each for each in sorted(edits, key=lambda e: as_utc(e.at))}
    return tuple(sorted(newest.values(), key=lambda e: as_utc(e.at)))


def _words(own: Name, issue: Name, earlier: list[Name]) -> Name:
    """Return the comment: in each language the draft's own, else that of the issue."""
    zh = own.zh if own.zh and own.zh not in {each.zh for each in earlier} else issue.zh
    en = own.en if own.en and own.en not in {each.en for each in earlier} else issue.en
    return Name(zh, en)


def _mark(edit: Edit) -> Mark:
    """Return what stays the same of an edit while it is handed on."""
    return edit.event, edit.field, edit.person, as_utc(edit.at)
