"""The life of an issue that people review: a state machine in the archive.

    draft -> reviewed -> released -> superseded | withdrawn

A draft is made some time before its hour and again when new data come; it lies in the archive,
never in the public folder. Its forecasts are not kept but made again from the same inputs (they
stay in memory meanwhile); a digest of their numbers proves that they are those that a person saw.
The swap of the publisher's link is the moment of a release or a withdrawal: after a kill at any
instant `restore` (forecast/issue/release.py) brings the archive to what readers see.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from forecast.archive.drafts import Drafts
from forecast.archive.issues import Attempt
from forecast.domain import Forecast, Issue, Name, as_utc
from forecast.errors import ArchiveError, Conflict, NotReleased, SkyscapeError
from forecast.issue import edits as editing
from forecast.issue.choice_of_run import refuse_older
from forecast.issue.handing_on import handed_on, same_content
from forecast.issue.prepare import Prepared, prepare
from forecast.issue.release import open_issue, record, release, restore
from forecast.issue.report import IssueReport, Stopwatch
from forecast.issue.world import World
from forecast.review import (
    LONGEST_COMMENT,
    MACHINE,
    NO_WORDS,
    Account,
    Draft,
    Edit,
    EventKey,
    Review,
    Withdrawal,
)

log = logging.getLogger(__name__)

WAIT = 20.0  # [s] at most, until another process has published
IN_MEMORY = 2  # prepared drafts
LATE = timedelta(hours=2)  # after its hour a draft expires


class Lifecycle:
    """The drafts and issues of one service; safe to be called from several threads.

    Raises from its methods: Conflict for a step that is not possible now, or from an old version;
    ArchiveError; what `prepare` and `release` raise.
    """

    def __init__(self) -> None:
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        self._lock = threading.RLock()

    # -- drafts

    def make_draft(self, world: World, now: datetime, hour: datetime) -> Draft:
        """Make the draft that goes out at `hour`, or the next one where there are new data.

        What people changed in the draft before, or in today's issue in force, is kept where it
        still applies; the rest is named in the draft.
        """
        prepared = prepare(world, now, ask=False)
        with self._lock:
            self.expire(world, now)
            open_ones = Drafts(world.archive).open_ones(now)
            of_hour = (d for d in open_ones if d.hour == as_utc(hour) and not d.corrects)
            return self._made(world, prepared, hour, next(of_hour, None), now)

    def _made(
        self, world: World, prepared: Prepared, hour: datetime, before: Draft | None, now: datetime
    ) -> Draft:
        """Make a draft from prepared forecasts after the one before it, where it would differ."""
        drafts, handed = Drafts(world.archive), handed_on(world, before, now)
        kept, lost = editing.carried_over(handed.edits, prepared.forecasts)
        if (
            before is not None
            and drafts.numbers(before.id) == prepared.numbers
            and (not handed.outdated or same_content(drafts, before, kept, handed.comment))
        ):
            return before
        draft = Draft(
            _id_of(prepared, hour, handed.source),
            prepared.cycle,
            as_utc(prepared.issued),
            as_utc(hour),
            as_utc(hour) + LATE,
            comment=handed.comment,
            lost_edits=(*handed.lost, *lost),
        )
        reason = "prepared" if before is None else "new issue" if handed.outdated else "new data"
        return self._keep(drafts, draft, prepared, kept, reason, now)

    def _renew(self, world: World, now: datetime) -> None:
        """Give the open drafts of coming hours what the issue has that readers see since then."""
        drafts = Drafts(world.archive)
        for before in drafts.open_ones(now):
            if before.corrects or before.state != "draft" or not drafts.outdated(before.id):
                continue
            try:
                self._made(world, self.prepared(world, before), before.hour, before, now)
            except SkyscapeError as error:  # readers have their issue; the next look mends this
                log.warning("%s is not made anew: %s", before.id, error)

    def correct(
        self, world: World, issue_id: str, account: Account, reason: str, now: datetime
    ) -> Draft:
        """Make a draft that corrects a released issue, with the edits of that issue."""
        drafts = Drafts(world.archive)
        _require(account, "edit")
        _require_reason(reason)
        issue, prepared = self._issue(world, issue_id), prepare(world, now, ask=False)
        with self._lock:
            if drafts.state(issue.id) != "released":
                raise Conflict(
                    f"{issue.id} is not the issue in force: correct the newest one", "not_in_force"
                )
            before = str(drafts.review_of(issue.id).get("draft", ""))
            earlier = drafts.get(before)
            kept, lost = editing.carried_over(drafts.edits(before), prepared.forecasts)
            draft = Draft(
                _id_of(prepared, now, issue.id),
                prepared.cycle,
                as_utc(now),
                as_utc(now),
                as_utc(now) + LATE,
                comment=earlier.comment if earlier else NO_WORDS,
                lost_edits=lost,
                corrects=issue.id,
                correction_reason=reason,
            )
            why = f"corrects {issue.id}: {reason}"
            return self._keep(drafts, draft, prepared, kept, why, now)

    def _keep(
        self,
        drafts: Drafts,
        draft: Draft,
        prepared: Prepared,
        edits: Sequence[Edit],
        reason: str,
        now: datetime,
    ) -> Draft:
        draft = drafts.add(draft, prepared.numbers, edits, reason, now)
        self._remember(draft.id, prepared)
        log.info("draft %s is ready; it goes out at %s", draft.id, draft.hour.isoformat())
        return draft

    def prepared(self, world: World, draft: Draft) -> Prepared:
        """Return the machine's forecasts of a draft, made again where they are not in memory.

        Raises: Conflict where they are no longer those that were seen.
        """
        with self._lock:
            if draft.id in self._prepared:
                return self._prepared[draft.id]
            made = prepare(world, draft.prepared, draft.cycle, ask=False)
            if made.numbers != Drafts(world.archive).numbers(draft.id):
                raise Conflict(
                    f"{draft.id}: its data have changed since it was made: make a new draft", "data"
                )
            self._remember(draft.id, made)
            return made

    def _remember(self, draft: str, prepared: Prepared) -> None:
        self._prepared[draft] = prepared
        while len(self._prepared) > IN_MEMORY:
            self._prepared.popitem(last=False)

    def forecasts(self, world: World, draft: Draft) -> tuple[Forecast, ...]:
        """Return the forecasts of a draft as they would go out now."""
        return editing.applied(
            self.prepared(world, draft).forecasts,
            Drafts(world.archive).edits(draft.id),
            world.config.forecast.grades,
        )

    def edit(self, world: World, draft: Draft, version: int, edit: Edit, account: Account) -> Draft:
        """Keep a change of a draft, made from a version."""
        _require(account, "edit")
        with self._lock:  # nothing changes while it goes out
            checked = editing.checked(edit, self.prepared(world, draft).forecasts)
            return Drafts(world.archive).add_edit(draft.id, version, checked)

    def undo(
        self,
        world: World,
        draft: Draft,
        version: int,
        event: EventKey,
        field: str,
        account: Account,
        now: datetime,
    ) -> Draft:
        """Go back to the machine's value of a field of an event."""
        _require(account, "edit")
        with self._lock:
            return Drafts(world.archive).undo(draft.id, version, event, field, account.id, now)

    def comment(
        self, world: World, draft: Draft, version: int, words: Name, account: Account, now: datetime
    ) -> Draft:
        """Set the comment that readers see beside the forecasts."""
        _require(account, "edit")
        longest = max(len(words.zh), len(words.en))
        if longest > LONGEST_COMMENT:
            raise Conflict(
                f"a comment has at most {LONGEST_COMMENT} characters, this one {longest}",
                "comment_long",
            )
        with self._lock:
            return Drafts(world.archive).comment(draft.id, version, words, account.id, now)

    # -- releases

    def sign(
        self, world: World, draft: Draft, version: int, account: Account, now: datetime
    ) -> IssueReport:
        """Sign a draft and release it at once."""
        _require(account, "sign")
        drafts = Drafts(world.archive)
        with self._lock:
            _require_in_force(drafts, draft)
            signed = drafts.sign(draft.id, version, account.id, account.name, now)
            report = self.release(world, signed, now)
            with suppress(ArchiveError):  # readers have the issue
                world.archive.keep_attempt(
                    Attempt(now, report.issue.id, report.exit_code, report.summary)
                )
            self._renew(world, now)
            return report

    def discard(
        self, world: World, draft: Draft, version: int, account: Account, now: datetime
    ) -> None:
        """Give up a correction; the issue that it corrects stays as it is."""
        _require(account, "edit")
        if not draft.corrects:
            raise Conflict(
                f"{draft.id} corrects nothing: only a correction can be discarded", "no_correction"
            )
        with self._lock:
            Drafts(world.archive).discard(draft.id, version, account.id, now, "discarded")

    def release(self, world: World, draft: Draft, now: datetime) -> IssueReport:
        """Release a draft: with the name of who signed it, else as one that nobody reviewed.

        What nobody signed are the machine's own numbers: changes and comment are left out and stay
        with the draft, from which the next one takes them over.

        Raises: NotReleased where nobody signed it and that is required; OlderRun where nobody
        signed it and readers have a newer run.
        """
        drafts = Drafts(world.archive)
        with self._lock, world.publisher.exclusive(WAIT):
            restore(world, now)
            seen, draft = draft.version, drafts.get(draft.id) or draft
            if not draft.open or draft.expires <= as_utc(now):
                raise NotReleased(f"{draft.id} is {draft.state}: it does not go out", "closed")
            if draft.version != seen:
                raise Conflict(
                    f"{draft.id} was changed meanwhile (version {draft.version}, not {seen}): look "
                    "at it again",
                    "changed",
                )
            try:
                _require_in_force(drafts, draft)
            except NotReleased as error:  # it would be tried again and again
                drafts.discard(draft.id, draft.version, MACHINE, now, str(error))
                raise
            signature = drafts.signature(draft.id)
            _require_signature(world, draft, signature)
            if not signature:
                refuse_older(world, draft.cycle, now, None)
            prepared, clock = self.prepared(world, draft), Stopwatch()
            forecasts = self.forecasts(world, draft) if signature else prepared.forecasts
            if not signature and (left := left_out(drafts, draft)):
                log.warning("%s goes out unsigned: %d changes are left out", draft.id, left)
            issue = open_issue(
                world, prepared.cycle, (*prepared.inputs.ids, f"{draft.id}@{draft.version}"), now
            )
            corrected = self._issue(world, draft.corrects) if draft.corrects else None
            review = Review(
                person=str(signature.get("name", "")),
                unreviewed=not signature,
                comment=draft.comment if signature else NO_WORDS,
                corrects=corrected.number if corrected else None,
                reason=draft.correction_reason,
                account=str(signature.get("account", MACHINE)),
                draft=draft.id,
            )
            return release(world, issue, prepared, forecasts, review, now, clock)

    def withdraw(
        self,
        world: World,
        issue_id: str,
        account: Account,
        reason: str,
        now: datetime,
        words: Name = NO_WORDS,
    ) -> None:
        """Withdraw the issue in force: readers see that and why, and no forecast.

        words: the reason in each language, where there are two.
        """
        _require(account, "sign")
        _require_reason(reason)
        with self._lock, world.publisher.exclusive(WAIT):
            restore(world, now)
            issue = self._issue(world, issue_id)
            if world.publisher.current() != issue.id:
                raise Conflict(
                    f"{issue.id} is not the issue in force: only that can be withdrawn",
                    "not_in_force",
                )
            withdrawal = Withdrawal(as_utc(now), account.name, reason, account.id, words)
            world.publisher.withdraw(issue, withdrawal)
            record(world, now)
        with self._lock:
            self._renew(world, now)

    def expire(self, world: World, now: datetime) -> None:
        """Let drafts expire that are too old to go out, or whose hour has another issue."""
        drafts = Drafts(world.archive)
        for draft in drafts.expire(now):
            log.warning("draft %s has expired without having gone out", draft)
        if world.publisher.is_withdrawn():
            return  # somebody may sign the draft of that hour
        ready = timedelta(minutes=world.config.issue.draft_minutes)
        for each in drafts.open_ones(now):
            over = each.hour <= as_utc(now) and not each.corrects and each.state == "draft"
            if over and drafts.served(each.hour, each.hour - ready):
                drafts.discard(each.id, each.version, MACHINE, now, "its hour has an issue")
                log.info("draft %s has expired: its hour has an issue", each.id)

    @staticmethod
    def _issue(world: World, issue_id: str) -> Issue:
        issue = world.archive.issue(issue_id)
        if issue is None:
            raise Conflict(f"{issue_id}: no such issue was released", "not_in_force")
        return issue


def left_out(drafts: Drafts, draft: Draft) -> int:
    """Return how many changes of a draft, its comment as one, do not go out without a signature."""
    return len(drafts.edits(draft.id)) + (draft.comment != NO_WORDS)


def _id_of(prepared: Prepared, hour: datetime, source: str) -> str:
    """Return the id of a draft: its run, and a digest of when it was made, for which hour and
    after which draft or issue.
    """
    when = f"{prepared.issued.isoformat()}|{as_utc(hour).isoformat()}"
    content = f"{when}|{prepared.numbers}|{source}"
    return f"draft-{prepared.cycle.id}-{hashlib.sha256(content.encode()).hexdigest()[:10]}"


def _require(account: Account, what: str) -> None:
    if not account.may(what):
        raise Conflict(f"{account.id} ({account.role}) may not do this: {what} is needed", "role")


def _require_in_force(drafts: Drafts, draft: Draft) -> None:
    """Refuse a correction of an issue that is no longer in force."""
    state = (drafts.state(draft.corrects) or "gone") if draft.corrects else "released"
    if state != "released":
        raise NotReleased(
            f"{draft.id} corrects {draft.corrects}, which is {state}: it does not go out; discard "
            "it and correct the issue in force",
            "corrects_gone",
        )


def _require_signature(world: World, draft: Draft, signature: Mapping[str, str]) -> None:
    settings = world.config.issue
    hold = settings.review == "required" or settings.unsigned == "hold" or draft.corrects
    if hold and not signature:
        raise NotReleased(
            f"{draft.id}: nobody signed it, so it does not go out; the issue in force stays until "
            "it expires. Sign it at the desk",
            "unsigned",
        )


def _require_reason(reason: str) -> None:
    if not 2 <= len(reason.strip()) <= 200:
        raise Conflict(
            "a reason of 2 to 200 characters is needed; readers see it", "withdraw_reason"
        )
