"""The line from a model run to a published bulletin, step by step.

One failure never stops the others: a phenomenon that cannot be computed is named in all of its
forecasts, a further model without a usable run is named on the pages.

    fetch -> decode -> derive -> predict       forecast/issue/prepare.py
    keep -> compose -> publish                 forecast/issue/release.py

Where a person reviews issues, a draft waits between the two (forecast/issue/lifecycle.py).
"""

from __future__ import annotations

from datetime import datetime

from forecast.config import Config
from forecast.domain import Cycle, Issue
from forecast.errors import NotReleased
from forecast.issue.inputs import Decoded, Inputs, decode_best, fetch_inputs
from forecast.issue.prepare import predicted
from forecast.issue.release import open_issue, release, restore
from forecast.issue.report import IssueReport, Stopwatch
from forecast.issue.world import World
from forecast.review import Review

__all__ = ["World", "run"]


def run(world: World, now: datetime, cycle: Cycle | None = None, ask: bool = True) -> IssueReport:
    """Publish one cycle (default: the newest whole one), with every further model, as of `now`.

    A second run on the same inputs changes nothing: the receipts of the published issue come back
    as `unchanged`. ask: whether the servers of further models may be requested; without it only
    what was fetched before is used.
    Where people review issues, what comes out here says that nobody did.
    Raises: SourceError when no usable cycle is available, ArchiveError, PublishError when every
    channel failed, NotReleased where a person must sign.
    """
    config, archive, clock = world.config, world.archive, Stopwatch()
    review = _unreviewed(config)
    with world.publisher.exclusive():
        restore(world, now)
        with clock("fetch"):
            inputs = fetch_inputs(world.source, world.further, archive, config, now, cycle, ask)
        inputs, issue, decoded = open_and_decode(world, inputs, now, clock, named=cycle is not None)
        if decoded is None:
            receipts, counts = world.publisher.unchanged(issue.id), archive.forecast_count(issue)
            unavailable = inputs.unavailable_models
            return IssueReport(issue, receipts, *counts, (), clock.seconds, unavailable)
        prepared = predicted(world, inputs, decoded, issue.issued, clock)
        return release(world, issue, prepared, prepared.forecasts, review, now, clock)


def _unreviewed(config: Config) -> Review | None:
    """Return the review of an issue that no person saw; None where nobody is expected to."""
    if config.issue.review == "off":
        return None
    if config.issue.review == "required" or config.issue.unsigned == "hold":
        raise NotReleased(
            "issue.review wants a person to sign: nothing goes out from here. `skyscape run` makes "
            "the draft before its hour; sign it at the desk"
        )
    return Review(unreviewed=True)


def open_and_decode(
    world: World, inputs: Inputs, now: datetime, clock: Stopwatch, named: bool
) -> tuple[Inputs, Issue, Decoded | None]:
    """Open the issue of the inputs and decode them; None where the issue is published already.

    A leading run that cannot be decoded, or lacks steps then, gives way to the next best one,
    unless it was `named`.
    Raises: SourceCorrupt, MissingInput where no run can be decoded.
    """

    def opened(inputs: Inputs) -> Issue:
        issue = open_issue(world, inputs.leading.cycle, inputs.ids, now)
        return issue if issue.published else world.archive.renew(issue, now)

    def issued_of(inputs: Inputs) -> datetime | None:
        issue = opened(inputs)
        done = issue.published and world.publisher.holds(issue.id)
        return None if done else issue.issued

    with clock("decode"):
        inputs, decoded = decode_best(inputs, world.source, world.config, now, issued_of, named)
    # once more: where an older run was tried in vain, the open issue was that of the older one
    return inputs, opened(inputs), decoded
