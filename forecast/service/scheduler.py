"""The service's clock: which job, when, and what if it was missed (APScheduler).

At each hour of issue the newest whole run becomes a bulletin. Where none is usable yet, the job
looks again every few minutes until `misfire_minutes` have passed. Nothing that a job meets ends the
process; what it met is kept in the archive.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from forecast import pipeline
from forecast.archive.issues import Attempt
from forecast.errors import ArchiveError, SkyscapeError, SourceError
from forecast.issue.station_reports import publish_current_observations
from forecast.learning import monitor, train, truth_from_analyses, verify

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_scheduler(world: pipeline.World, clock: Clock = utc_now) -> BlockingScheduler:
    """Return the scheduler with its jobs, not yet started.

    One worker: bulletins are issued one after the other. A job missed by less than
    `misfire_minutes` (the machine slept) is made up for once.
    """
    schedule, zone = world.config.schedule, world.config.zone
    grace = schedule.misfire_minutes * 60
    defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": grace}
    executors = {
        name: ThreadPoolExecutor(1) for name in ("default", "further", "observations", "judging")
    }
    scheduler = BlockingScheduler(timezone=zone, executors=executors, job_defaults=defaults)
    if world.further:
        trigger = IntervalTrigger(minutes=schedule.check_minutes, timezone=zone)
        scheduler.add_job(
            fetch_further,
            trigger,
            args=[world, clock],
            id="further",
            name="fetch further models",
            executor="further",
        )
    if world.intake is not None:
        trigger = IntervalTrigger(
            minutes=world.config.observations.check_minutes, timezone=zone, start_date=clock()
        )
        scheduler.add_job(
            observe,
            trigger,
            args=[world, clock],
            id="observe",
            name="take in observations",
            executor="observations",
        )
    at = world.config.learning.judge_at
    trigger = CronTrigger(hour=at.hour, minute=at.minute, timezone=zone)
    scheduler.add_job(
        judge,
        trigger,
        args=[world, clock],
        id="judge",
        name="diagnose the days that are over",
        executor="judging",
    )
    weekly = world.config.learning
    trigger = CronTrigger(
        day_of_week=weekly.learn_on[:3],
        hour=weekly.learn_at.hour,
        minute=weekly.learn_at.minute,
        timezone=zone,
    )
    scheduler.add_job(
        learn,
        trigger,
        args=[world, clock],
        id="learn",
        name="learn from the days that are over",
        executor="judging",
    )
    for at in schedule.issue_at:
        trigger = CronTrigger(hour=at.hour, minute=at.minute, timezone=zone)
        scheduler.add_job(
            issue,
            trigger,
            args=[world, scheduler, clock],
            id=f"issue-{at:%H%M}",
            name=f"issue at {at:%H:%M}",
        )
    scheduler.add_job(
        start, args=[world, scheduler, clock], id="issue-at-start", name="issue at start"
    )
    return scheduler


def start(world: pipeline.World, scheduler: BlockingScheduler, clock: Clock) -> None:
    """Take in what stations dropped while nobody looked, so that the first bulletin knows of it,
    then issue it. Never raises.
    """
    if world.intake is not None:
        observe(world, clock)
    issue(world, scheduler, clock)


def issue(
    world: pipeline.World,
    scheduler: BlockingScheduler,
    clock: Clock,
    give_up: datetime | None = None,
) -> None:
    """Issue a bulletin now; where no run is usable, come back in `check_minutes` until `give_up`."""
    now = clock()
    give_up = give_up or now + timedelta(minutes=world.config.schedule.misfire_minutes)
    outcome = attempt(world, now)
    again = now + timedelta(minutes=world.config.schedule.check_minutes)
    if outcome == SourceError.exit_code and again <= give_up:
        trigger = DateTrigger(again)
        scheduler.add_job(
            issue,
            trigger,
            args=[world, scheduler, clock, give_up],
            id="issue-again",
            replace_existing=True,
        )
        log.info(
            "no usable run yet: looking again at %s",
            again.astimezone(world.config.zone).strftime("%H:%M"),
        )


def judge(world: pipeline.World, clock: Clock) -> None:
    """Keep what stations and later runs tell of the days that are over, and how good the forecasts
    were. Never raises.
    """
    config = world.config
    try:
        for diagnosed in truth_from_analyses.nightly(
            world.archive, config, clock(), truth_from_analyses.reader(config)
        ):
            log.info("%s", diagnosed)
        verify.keep(verify.verification(world.archive, config, clock()), config.learning.folder)
        monitor.keep(
            monitor.findings(world.archive, config, clock()), clock(), config.learning.folder
        )
        train.renew_shares(world.config, world.archive, clock())
    except (SkyscapeError, OSError) as error:
        log.error("the days that are over were not judged: %s", error)
    except Exception:  # the process must outlive a defect
        log.exception("a defect in judging: please report it")


def learn(world: pipeline.World, clock: Clock) -> None:
    """Train challengers on what was told and what came of it; what is better serves from the next
    issue on. Never raises.
    """
    try:
        train.learn(world.config, world.archive, clock())
    except SkyscapeError as error:
        log.error("nothing was learnt: %s", error)
    except Exception:  # the process must outlive a defect
        log.exception("a defect in learning: please report it")


def fetch_further(world: pipeline.World, clock: Clock) -> None:
    """Bring the newest runs of the further models, so that no hour of issue waits for them. Never
    raises.
    """
    sites = world.config.all_sites()
    for model in world.further:
        try:
            model.acquire(sites, clock())
        except SkyscapeError as error:
            log.info("%s: not to be had yet: %s", model.model.id, error)
        except Exception:  # the process must outlive a defect
            log.exception("%s: a defect: please report it", model.model.id)


def observe(world: pipeline.World, clock: Clock) -> None:
    """Take in what stations dropped, and put what is measured now on every page. Never raises."""
    now = clock()
    try:
        if world.intake is not None:
            taken = world.intake.observe(now)
            if taken.files:
                log.info("observations: %s", taken.summary)
        publish_current_observations(world.archive, world.config, world.publisher, now)
    except SkyscapeError as error:
        log.error("observations: %s", error)
    except Exception:  # the process must outlive a defect
        log.exception("observations: a defect: please report it")


def attempt(world: pipeline.World, now: datetime) -> int:
    """Run the line once, with the models in force by now, and keep what came of it; return its exit
    code. Never raises.
    """
    try:
        report = pipeline.run(
            replace(world, models=train.models_in_force(world.config)), now, ask=False
        )
    except SkyscapeError as error:
        log.error("%s", error)
        return _kept(world, Attempt(now, None, error.exit_code, f"{type(error).__name__}: {error}"))
    except Exception as error:  # the process must outlive a defect
        log.exception("a defect: please report it")
        return _kept(world, Attempt(now, None, 1, f"defect: {type(error).__name__}: {error}"))
    return _kept(world, Attempt(now, report.issue.id, report.exit_code, report.summary))


def _kept(world: pipeline.World, made: Attempt) -> int:
    try:
        world.archive.keep_attempt(made)
    except ArchiveError as error:
        log.error("%s", error)
    return made.exit_code
