"""Many days of the service in a few minutes: `skyscape demo --days N`. Made-up weather, everything
else as in production.

Each simulated day at noon (local): the new runs of forecast/sample/chronicle.py are written and
served on the loopback like the public bucket; the days that are over are judged from the first
hours of later runs; a bulletin is issued for two days from the run of the morning; on the settings'
day of the week models are trained. Pages are made for the last days only, as readers would meet
them.
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
from forecast.sample.chronicle import Scenario
from forecast.sample.demonstration import demonstration_config
from forecast.sample.encoding import write_cycle
from forecast.settings import StepSettings
from products.publish import Publisher

log = logging.getLogger(__name__)

STEPS = StepSettings(first=0, last=48, every=3)
DAYS = 2  # local days of which each bulletin tells
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NOON = time(12)
AHEAD = 3  # days written before they are asked for


@dataclass(frozen=True, slots=True)
class Day:
    """What one simulated day did."""

    day: date
    judged: int
    issue: str
    lessons: tuple[train.Lesson, ...]

    def __str__(self) -> str:
        learnt = (
            "; learnt" + ", ".join(f" {one.phenomenon}: {one.verdict}" for one in self.lessons)
            if self.lessons
            else ""
        )
        return f"{self.day}: {self.judged} outcomes, issued {self.issue}{learnt}"


def settings_for(config: Config, bucket: str, output: Path, backstage: Path) -> Config:
    """Return the settings of a simulation: those of the demonstration, over two days, with models
    of its own.
    """
    demo = demonstration_config(config, bucket, output, backstage)
    source = demo.source.model_copy(update={"steps": (STEPS,), "keep_cycles": 2})
    return demo.model_copy(
        update={
            "source": source,
            "forecast": config.forecast.model_copy(update={"days": DAYS}),
            "learning": config.learning.model_copy(update={"folder": backstage / "models"}),
        }
    )


def simulate(config: Config, output: Path, backstage: Path, last: date, days: int) -> Iterator[Day]:
    """Run `days` simulated days up to `last`, one after the other; yield what each did.

    Raises: SkyscapeError as the line does.
    """
    with LoopbackBucket(backstage / "bucket") as bucket:
        settings = settings_for(config, bucket.url, output, backstage)
        needs = sources.needs_of(settings, settings.all_sites())
        archive, read = Archive(settings.archive.url), remembered(settings)
        today = [last - timedelta(days=back) for back in range(days - 1, -1, -1)]
        with ProcessPoolExecutor(
            max(1, (os.cpu_count() or 1) - 1), mp_context=get_context("spawn")
        ) as pool:
            written: dict[date, Future[None]] = {}
            for number, day in enumerate(today):
                for ahead in today[number : number + AHEAD]:
                    if ahead not in written:
                        written[ahead] = pool.submit(write_day, backstage / "bucket", ahead, needs)
                written[day].result()
                now = datetime.combine(day, NOON, settings.zone).astimezone(UTC)
                judged = (
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
                lessons = train.learn(settings, archive, now) if learnt else ()
                yield Day(day, judged, issued(settings, archive, now, whole), lessons)


def issued(settings: Config, archive: Archive, now: datetime, whole: bool) -> str:
    """Issue the bulletin of a day; only the short message, where not the `whole` of it is asked
    for. Return its id.
    """
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
    """Return the runs that have come out at noon since the noon before, the oldest first; the last
    is the morning's, of 00 UTC.
    """
    morning = datetime.combine(day, time(), UTC)
    return tuple(morning - timedelta(hours=hours) for hours in (18, 12, 6, 0))


def write_day(bucket: Path, day: date, needs: Needs) -> None:
    """Write the runs of a day: the first hours of each, and all of the morning's."""
    for run in runs_of(day):
        first = tuple(step for step in needs.steps if step <= truth_from_analyses.FIRST_HOURS)
        write_cycle(bucket, run, needs.steps if run == runs_of(day)[-1] else first, needs, Scenario)


def remembered(settings: Config) -> Callable[[Cycle, datetime], Atmosphere]:
    """Return what reads the first hours of a run, each once: a day is judged on two noons."""
    read = truth_from_analyses.reader(settings, "bucket")
    known: dict[str, Atmosphere] = {}

    def once(cycle: Cycle, now: datetime) -> Atmosphere:
        if cycle.id not in known:
            known[cycle.id] = read(cycle, now)
            for old in list(known)[: -truth_from_analyses.KEPT_RUNS]:
                del known[old]
        return known[cycle.id]

    return once
