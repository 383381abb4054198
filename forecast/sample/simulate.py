"""Simulate many days of the service in a few minutes: `skyscape demo --days N`.

The weather is that of forecast/sample/scenario.py; everything else is as in production. On each
simulated day at local noon the new runs are written and served on the loopback like the public
bucket, the past days are verified from the first hours of later runs, a bulletin for a week is
issued from the morning's run, and on the settings' day of the week models are trained. Pages are
made for the last days only.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from multiprocessing import get_context
from pathlib import Path

from forecast import pipeline
from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle
from forecast.ingest import Needs, sources
from forecast.learning import train, truth_from_analyses, verify
from forecast.sample.bucket import LoopbackBucket
from forecast.sample.demonstration import demonstration_config
from forecast.sample.encoding import write_cycle
from forecast.sample.scenario import Scenario
from forecast.settings.sources import StepSettings
from products.publish import Publisher

log = logging.getLogger(__name__)

# A week, so that skill by lead can be seen; beyond two days every six hours: errors are large.
NEAR, FAR = StepSettings(first=0, last=48, every=3), StepSettings(first=54, last=168, every=6)
DAYS = 7  # [day] most local days of each bulletin
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NOON = time(12)
AHEAD = 3  # [day] days that are written in advance


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """The result of one simulated day."""

    day: date
    verified: int
    issue: str
    training: tuple[train.TrainingResult, ...]

    def __str__(self) -> str:
        learnt = (
            "; learnt" + ", ".join(f" {one.phenomenon}: {one.verdict}" for one in self.training)
            if self.training
            else ""
        )
        return f"{self.day}: {self.verified} outcomes, issued {self.issue}{learnt}"


def settings_for(config: Config, bucket: str, output: Path, work: Path) -> Config:
    """Return the settings of a simulation: the demonstration's, with own steps and own models."""
    demo = demonstration_config(config, bucket, output, work)
    days = min(config.forecast.days, DAYS)
    # the morning's run begins at 08:00 local time; the last day's night ends at noon after it
    far = (FAR.model_copy(update={"last": 24 * days}),) if days > 2 else ()
    source = demo.source.model_copy(update={"steps": (NEAR, *far), "keep_cycles": 2})
    return demo.model_copy(
        update={
            "source": source,
            "forecast": config.forecast.model_copy(update={"days": days}),
            "learning": config.learning.model_copy(update={"folder": work / "models"}),
        }
    )


def simulate(
    config: Config, output: Path, work: Path, last: date, days: int
) -> Iterator[SimulatedDay]:
    """Run `days` simulated days up to `last` in order; yield the result of each.

    Raises: SkyscapeError as the pipeline does.
    """
    with LoopbackBucket(work / "bucket") as bucket:
        settings = settings_for(config, bucket.url, output, work)
        needs = sources.needs_of(settings, settings.all_sites())
        archive, read = Archive(settings.archive.url), cached_reader(settings)
        today = [last - timedelta(days=back) for back in range(days - 1, -1, -1)]
        with ProcessPoolExecutor(
            max(1, (os.cpu_count() or 1) - 1), mp_context=get_context("spawn")
        ) as pool:
            written: dict[date, Future[None]] = {}
            for number, day in enumerate(today):
                for ahead in today[number : number + AHEAD]:
                    if ahead not in written:
                        written[ahead] = pool.submit(write_day, work / "bucket", ahead, needs)
                written[day].result()
                now = datetime.combine(day, NOON, settings.zone).astimezone(UTC)
                verified = (
                    sum(
                        each.changed
                        for each in truth_from_analyses.nightly(archive, settings, now, read)
                    )
                    if number
                    else 0
                )
                whole = number >= days - 2
                if whole:
                    verify.keep(
                        verify.verification(archive, settings, now), settings.learning.folder
                    )
                train.renew_shares(settings, archive, now)
                learnt = WEEKDAYS[day.weekday()] == settings.learning.learn_on or day == last
                trained_now = train.learn(settings, archive, now) if learnt else ()
                yield SimulatedDay(
                    day, verified, issued(settings, archive, now, whole), trained_now
                )


def issued(settings: Config, archive: Archive, now: datetime, whole: bool) -> str:
    """Issue the bulletin of a day and return its id; only the SMS channel where not `whole`."""
    if not whole:
        settings = settings.model_copy(
            update={"output": settings.output.model_copy(update={"channels": ("sms",)})}
        )
    models = train.models_in_force(settings)
    world = pipeline.World(
        settings, sources.open_source(settings, "bucket"), archive, models, Publisher(settings)
    )
    return pipeline.run(
        world, now, Cycle(runs_of(now.astimezone(settings.zone).date())[-1], settings.source.model)
    ).issue.id


def runs_of(day: date) -> tuple[datetime, ...]:
    """Return the runs published between the noon before and noon, the oldest first.

    The last is the morning's, of 00 UTC.
    """
    morning = datetime.combine(day, time(), UTC)
    return tuple(morning - timedelta(hours=hours) for hours in (18, 12, 6, 0))


def write_day(bucket: Path, day: date, needs: Needs) -> None:
    """Write the runs of a day: the first hours of each, all hours of the morning's."""
    for run in runs_of(day):
        first = tuple(step for step in needs.steps if step <= truth_from_analyses.FIRST_HOURS)
        write_cycle(bucket, run, needs.steps if run == runs_of(day)[-1] else first, needs, Scenario)


def cached_reader(settings: Config) -> Callable[[Cycle, datetime], Atmosphere]:
    """Return a reader of the first hours of a run that reads each run once.

    A day is verified on two noons.
    """
    read = truth_from_analyses.reader(settings, "bucket")
    known: dict[str, Atmosphere] = {}

    def once(cycle: Cycle, now: datetime) -> Atmosphere:
        if cycle.id not in known:
            known[cycle.id] = read(cycle, now)
            for old in list(known)[: -truth_from_analyses.KEPT_RUNS]:
                del known[old]
        return known[cycle.id]

    return once
