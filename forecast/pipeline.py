"""The line from a model run to a published bulletin, step by step.

One failure never stops the others: a phenomenon that cannot be computed is named in all of its
forecasts, a further model without a usable run is named on the pages.

    fetch -> decode -> derive -> predict       forecast/issue/prepare.py
    keep -> compose -> publish                 forecast/issue/release.py

Where a person reviews issues, a draft waits between the two (forecast/issue/lifecycle.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from forecast.config import Config
from forecast.domain import Cycle, Forecast
from forecast.errors import NotReleased
from forecast.issue.choice_of_run import changes_a_grade, open_and_decode
from forecast.issue.inputs import fetch_inputs
from forecast.issue.prepare import predicted
from forecast.issue.release import release, restore
from forecast.issue.report import IssueReport, Stopwatch
from forecast.issue.world import World
from forecast.review import Review

__all__ = ["World", "run", "update"]


def run(
    world: World,
    now: datetime,
    cycle: Cycle | None = None,
    ask: bool = True,
    newer_than: Cycle | None = None,
) -> IssueReport:
    """Publish one cycle (default: the newest whole one), with every further model, as of `now`.

    A second run on the same inputs changes nothing: the receipts of the published issue come back
    as `unchanged`. ask: whether the servers of further models may be requested; without it only
    what was fetched before is used. newer_than: a run that is out; only a newer one is published.
    Where people review issues, what comes out here says that nobody did.
    Raises: SourceError when no usable cycle is available (OlderRun: only one that is older than
    that in force, and not named), ArchiveError, PublishError when every channel failed,
    NotReleased where a person must sign.
    """
    report = _issue(world, now, cycle, ask, newer_than, lambda _: True)
    assert isinstance(report, IssueReport)  # every result is wanted
    return report


def update(world: World, now: datetime, newer_than: Cycle) -> IssueReport | Cycle:
    """Publish a run newer than `newer_than` if it changes the grade of an issued chance.

    Return the run itself where it changes none: nothing is published then. Raises: as `run`.
    """
    return _issue(
        world, now, None, False, newer_than, lambda made: changes_a_grade(world, made, now)
    )


def _issue(
    world: World,
    now: datetime,
    cycle: Cycle | None,
    ask: bool,
    newer_than: Cycle | None,
    wanted: Callable[[Sequence[Forecast]], bool],
) -> IssueReport | Cycle:
    """Publish an issue as `run` does; return the run where its forecasts are not `wanted`."""
    config, archive, clock, named = world.config, world.archive, Stopwatch(), cycle is not None
    review = _unreviewed(config)
    with world.publisher.exclusive():
        restore(world, now)
        with clock("fetch"):
            inputs = fetch_inputs(world.source, world.further, archive, config, now, cycle, ask)
        inputs, issue, decoded = open_and_decode(world, inputs, now, clock, named, newer_than)
        if decoded is None:
            receipts, counts = world.publisher.unchanged(issue.id), archive.forecast_count(issue)
            unavailable = inputs.unavailable_models
            newer = inputs.leading.newer
            return IssueReport(
                issue, receipts, *counts, (), clock.seconds, unavailable, newer=newer
            )
        prepared = predicted(world, inputs, decoded, issue.issued, clock)
        if not wanted(prepared.forecasts):
            return prepared.cycle
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
