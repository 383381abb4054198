"""Which run an issue may be made from: never an older one than readers have, unless told to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from forecast.archive.issued import issued_probabilities
from forecast.domain import Cycle, Forecast, Issue
from forecast.errors import CycleNotReady, OlderRun, SourceError, SourceUnavailable
from forecast.issue.inputs import Decoded, Inputs, decode_best
from forecast.issue.release import open_issue
from forecast.issue.report import Stopwatch
from forecast.issue.world import World
from forecast.quantities.thresholds import grade_of, published_probability


def no_newer(newer_than: Cycle, why: SourceError | None) -> SourceError:
    """Return the error for a run that is out already where only a newer one is wanted.

    why: what the source said of newer runs that were due. CycleNotReady where they are only late,
    SourceUnavailable where the source itself is the cause.
    """
    text = f"no whole run is newer than {newer_than.id}, which is out"
    if why is None or isinstance(why, CycleNotReady):
        return CycleNotReady(f"{text}; wait for the next one")
    return SourceUnavailable(f"{text}: {why}")


def refuse_older(
    world: World,
    cycle: Cycle,
    now: datetime,
    newer_than: Cycle | None,
    why: SourceError | None = None,
) -> None:
    """Refuse a run that nobody named and that readers need not have.

    newer_than: a run that is out already, where only a newer one is wanted. An issue that is
    withdrawn, expired, damaged or of another model may be replaced by any run. why: as no_newer.
    Raises: as no_newer where it is not newer than that; OlderRun where it is older than that of
    the issue in force.
    """
    if newer_than is not None and cycle.run <= newer_than.run:
        raise no_newer(newer_than, why)
    publisher, issue = world.publisher, world.publisher.in_force()
    if issue is None or issue.cycle.model != cycle.model or issue.cycle.run <= cycle.run:
        return
    if issue.expired(now) or publisher.is_withdrawn() or not publisher.holds(issue.id):
        return
    raise OlderRun(
        f"the newest usable run is {cycle.id}, older than that of {issue.id}, which is in force "
        "and stays; to go back to it, name it: "
        f"`skyscape once --cycle {cycle.run:%Y%m%d%H}`"
    )


def open_and_decode(
    world: World,
    inputs: Inputs,
    now: datetime,
    clock: Stopwatch,
    named: bool,
    newer_than: Cycle | None = None,
) -> tuple[Inputs, Issue, Decoded | None]:
    """Open the issue of the inputs and decode them; None where the issue is published already.

    A leading run that cannot be decoded, or lacks steps then, gives way to the next best one,
    unless it was `named`.
    Raises: SourceCorrupt, MissingInput where no run can be decoded; as `refuse_older`.
    """

    def opened(inputs: Inputs) -> Issue:
        issue = open_issue(world, inputs.leading.cycle, inputs.ids, now)
        return issue if issue.published else world.archive.renew(issue, now)

    def issued_of(inputs: Inputs) -> datetime | None:
        if not named:
            leading = inputs.leading
            refuse_older(world, leading.cycle, now, newer_than, leading.newer)
        issue = opened(inputs)
        done = issue.published and world.publisher.holds(issue.id)
        return None if done else issue.issued

    with clock("decode"):
        inputs, decoded = decode_best(inputs, world.source, world.config, now, issued_of, named)
    # once more: where an older run was tried in vain, the open issue was that of the older one
    return inputs, opened(inputs), decoded


def changes_a_grade(world: World, forecasts: Sequence[Forecast], now: datetime) -> bool:
    """Return whether forecasts give an event to come another grade than the issue in force does.

    A chance that becomes known, or unknown, changes its grade; an event that the issue does not
    have does not count. True where its forecasts are not known. Raises: ArchiveError.
    """
    issue, grades = world.publisher.in_force(), world.config.forecast.grades
    before = issued_probabilities(world.archive, issue.id) if issue else {}
    if not before:
        return True

    def grade(probability: float) -> int:
        return grade_of(published_probability(probability), grades)

    return any(
        grade(forecast.probability) != grade(before.get(forecast.event.key, math.nan))
        for forecast in forecasts
        if forecast.event.window.end > now and forecast.event.key in before
    )
