"""The jobs of the service: what runs when, and what happens to a missed one (APScheduler).

At each hour of issue the newest whole run becomes a bulletin. Without a usable run the job looks
again every few minutes until `misfire_minutes` have passed. Where people review issues, a draft is
made some time before the hour and again when new data come; at the hour it goes out, signed or by
the rules of the settings. No error ends the process; the outcome of each attempt is kept in the
archive.
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
from forecast.errors import ArchiveError, CycleNotReady, SkyscapeError, SourceError
from forecast.issue.deliver import deliver, senders
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.station_reports import publish_current_observations
from forecast.learning import monitor, train, truth_from_analyses, truth_from_phones, verify
from forecast.service import backups, retention
from forecast.service.review_jobs import ReviewJobs

log = logging.getLogger(__name__)

DELIVERY_SECONDS = 20  # between two looks whether something is to be sent

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_scheduler(
    world: pipeline.World, clock: Clock = utc_now, lifecycle: Lifecycle | None = None
) -> BlockingScheduler:
    """Return the scheduler with its jobs, not yet started. lifecycle: that of the desk.

    Issues have one worker, so they run one after the other. A job missed by less than
    `misfire_minutes` (the machine was asleep) runs once.
    """
    schedule, zone = world.config.schedule, world.config.zone
    defaults = {
        "coalesce": True,
        "max_instances": 1,
        "misfire_grace_time": schedule.misfire_minutes * 60,
    }
    executors = {
        name: ThreadPoolExecutor(1)
        for name in ("default", "further", "observations", "learning", "delivery")
    }
    scheduler = BlockingScheduler(timezone=zone, executors=executors, job_defaults=defaults)
    if world.config.issue.review == "off":
        _add_issues(scheduler, world, clock)
    else:
        _add_reviewed(scheduler, world, ReviewJobs(world, lifecycle or Lifecycle(), clock), clock)
    _add_learning(scheduler, world, clock)
    _add_keeping(scheduler, world, clock)
    if world.further:
        scheduler.add_job(
            fetch_further,
            IntervalTrigger(minutes=schedule.check_minutes, timezone=zone),
            args=[world, clock],
            id="further",
            name="fetch further models",
            executor="further",
        )
    if senders(world.config):
        scheduler.add_job(
            send,
            IntervalTrigger(seconds=DELIVERY_SECONDS, timezone=zone),
            args=[world, clock],
            id="deliver",
            name="send what is not sent yet",
            executor="delivery",
        )
    if world.intake is not None:
        minutes = world.config.observations.check_minutes
        scheduler.add_job(
            observe,
            IntervalTrigger(minutes=minutes, timezone=zone, start_date=clock()),
            args=[world, clock],
            id="observe",
            name="read observations",
            executor="observations",
        )
    return scheduler


def _add_issues(scheduler: BlockingScheduler, world: pipeline.World, clock: Clock) -> None:
    """Add the issues of every day, and one at the start."""
    for at in world.config.schedule.issue_at:
        scheduler.add_job(
            issue,
            CronTrigger(hour=at.hour, minute=at.minute, timezone=world.config.zone),
            args=[world, scheduler, clock],
            id=f"issue-{at:%H%M}",
            name=f"issue at {at:%H:%M}",
        )
    scheduler.add_job(
        start, args=[world, scheduler, clock], id="issue-at-start", name="issue at start"
    )


def _add_reviewed(
    scheduler: BlockingScheduler, world: pipeline.World, jobs: ReviewJobs, clock: Clock
) -> None:
    """Add the drafts and releases of every day, the watch over signed drafts, and the start."""
    schedule, zone = world.config.schedule, world.config.zone
    for at in schedule.issue_at:
        minute = (at.hour * 60 + at.minute - world.config.issue.draft_minutes) % (24 * 60)
        scheduler.add_job(
            draft,
            CronTrigger(hour=minute // 60, minute=minute % 60, timezone=zone),
            args=[jobs, scheduler, clock],
            id=f"draft-{at:%H%M}",
            name=f"draft of {at:%H:%M}",
        )
        scheduler.add_job(
            release,
            CronTrigger(hour=at.hour, minute=at.minute, timezone=zone),
            args=[jobs, scheduler, clock, jobs.release],
            id=f"issue-{at:%H%M}",
            name=f"issue at {at:%H:%M}",
        )
    scheduler.add_job(
        jobs.watch,
        IntervalTrigger(minutes=schedule.check_minutes, timezone=zone),
        id="watch-drafts",
        name="release signed drafts that were kept back",
    )
    scheduler.add_job(
        start_reviewed,
        args=[world, jobs, scheduler, clock],
        id="issue-at-start",
        name="issue at start",
    )


def start_reviewed(
    world: pipeline.World, jobs: ReviewJobs, scheduler: BlockingScheduler, clock: Clock
) -> None:
    """Read the observations that wait; release or draft what should be out by now. Never raises."""
    if world.intake is not None:
        observe(world, clock)
    release(jobs, scheduler, clock, jobs.start)
    if jobs.draft_is_due():
        draft(jobs, scheduler, clock)


def draft(jobs: ReviewJobs, scheduler: BlockingScheduler, clock: Clock) -> None:
    """Make the draft of the next hour, and look for new data until that hour. Never raises."""
    hour = jobs.next_hour()
    jobs.draft()
    again = clock() + timedelta(minutes=jobs.check_minutes)
    if again < hour:
        scheduler.add_job(
            draft,
            DateTrigger(again),
            args=[jobs, scheduler, clock],
            id="draft-again",
            replace_existing=True,
        )


def release(
    jobs: ReviewJobs,
    scheduler: BlockingScheduler,
    clock: Clock,
    work: Callable[[], int],
    give_up: datetime | None = None,
) -> None:
    """Release what is due by `work`; without a usable run, try again until `give_up`."""
    now = clock()
    give_up = give_up or now + timedelta(minutes=jobs.misfire_minutes)
    again = now + timedelta(minutes=jobs.check_minutes)
    if work() == SourceError.exit_code and again <= give_up:
        scheduler.add_job(
            release,
            DateTrigger(again),
            args=[jobs, scheduler, clock, work, give_up],
            id="issue-again",
            replace_existing=True,
        )


def _add_learning(scheduler: BlockingScheduler, world: pipeline.World, clock: Clock) -> None:
    """Add the daily verification and the weekly training."""
    learning, zone = world.config.learning, world.config.zone
    scheduler.add_job(
        verify_past_days,
        CronTrigger(hour=learning.judge_at.hour, minute=learning.judge_at.minute, timezone=zone),
        args=[world, clock],
        id="verify",
        name="verify past days",
        executor="learning",
    )
    scheduler.add_job(
        learn,
        CronTrigger(
            day_of_week=learning.learn_on[:3],
            hour=learning.learn_at.hour,
            minute=learning.learn_at.minute,
            timezone=zone,
        ),
        args=[world, clock],
        id="learn",
        name="train models",
        executor="learning",
    )


def _add_keeping(scheduler: BlockingScheduler, world: pipeline.World, clock: Clock) -> None:
    """Add the daily backup and the daily retention."""
    config, zone = world.config, world.config.zone
    jobs = [("retain", "let go of what is old", config.keep.at, retention.job)]
    if config.backup.folder is not None:
        jobs.append(("backup", "make the backup of the day", config.backup.at, backups.job))
    for id, name, at, work in jobs:
        scheduler.add_job(
            lambda work=work: work(world, clock()),
            CronTrigger(hour=at.hour, minute=at.minute, timezone=zone),
            id=id,
            name=name,
            executor="learning",
        )


def start(world: pipeline.World, scheduler: BlockingScheduler, clock: Clock) -> None:
    """Read the observations that wait in the folder, then issue a bulletin. Never raises."""
    if world.intake is not None:
        observe(world, clock)
    issue(world, scheduler, clock)


def issue(
    world: pipeline.World,
    scheduler: BlockingScheduler,
    clock: Clock,
    give_up: datetime | None = None,
) -> None:
    """Issue a bulletin now; without a usable run, try again until `give_up`. Never raises."""
    now = clock()
    give_up = give_up or now + timedelta(minutes=world.config.schedule.misfire_minutes)
    outcome = attempt(world, now)
    again = now + timedelta(minutes=world.config.schedule.check_minutes)
    if outcome == SourceError.exit_code and again > give_up:
        log.error(
            "no usable run until %s: given up until the next hour of issue",
            now.astimezone(world.config.zone).strftime("%H:%M"),
        )
    elif outcome == SourceError.exit_code:
        trigger = DateTrigger(again)
        scheduler.add_job(
            issue,
            trigger,
            args=[world, scheduler, clock, give_up],
            id="issue-again",
            replace_existing=True,
        )
        log.info(
            "no usable run yet: next attempt at %s",
            again.astimezone(world.config.zone).strftime("%H:%M"),
        )


def verify_past_days(world: pipeline.World, clock: Clock) -> None:
    """Keep the outcomes of past days, the scores of their forecasts and the weights of the models.

    Never raises.
    """
    config, archive = world.config, world.archive
    folder = config.learning.folder

    def outcomes() -> None:
        reader = truth_from_analyses.reader(config)
        for summary in truth_from_analyses.nightly(archive, config, clock(), reader):
            log.info("%s", summary)

    def reported() -> None:
        if gone := truth_from_phones.forget_early(archive, config, clock()):
            log.warning("%d outcomes were reported too early: they no longer count", gone)
        truth_from_phones.settle(archive, config, clock())

    _apart("outcomes of past days are not kept", outcomes)
    _apart("reports of past days are not kept as outcomes", reported)
    _apart(
        "past days are not verified",
        lambda: verify.keep(verify.verification(archive, config, clock()), folder),
    )
    _apart(
        "the models in force are not monitored",
        lambda: monitor.keep(monitor.findings(archive, config, clock()), clock(), folder),
    )
    _apart(
        "the weights of the models are not renewed",
        lambda: train.renew_shares(config, archive, clock()),
    )


def _apart(failure: str, work: Callable[[], object]) -> None:
    """Do one part of a job, so that its failure costs no other part. Never raises.

    failure: what the log says then.
    """
    try:
        work()
    except (SkyscapeError, OSError) as error:
        log.error("%s: %s", failure, error)
    except Exception:  # the process must outlive a defect
        log.exception("%s: a defect: please report it", failure)


def learn(world: pipeline.World, clock: Clock) -> None:
    """Train models on issued forecasts and their outcomes; better ones serve from the next issue.

    Never raises.
    """
    _apart("no model is trained", lambda: train.learn(world.config, world.archive, clock()))


def fetch_further(world: pipeline.World, clock: Clock) -> None:
    """Fetch the newest runs of further models, so that no issue waits for them. Never raises."""
    sites = world.config.all_sites()
    for model in world.further:
        try:
            model.acquire(sites, clock())
        except CycleNotReady as error:
            log.info("%s: no usable run yet: %s", model.model.id, error)
        except SkyscapeError as error:
            log.warning("%s: no run can be fetched: %s", model.model.id, error)
        except Exception:  # the process must outlive a defect
            log.exception("%s: a defect: please report it", model.model.id)


def send(world: pipeline.World, clock: Clock) -> None:
    """Send the issue in force, or its withdrawal, to those who do not have it. Never raises."""
    _apart("nothing is sent", lambda: deliver(world, clock()))


def observe(world: pipeline.World, clock: Clock) -> None:
    """Read the observations in the folder and publish the current ones. Never raises."""
    now = clock()

    def read() -> None:
        if world.intake is not None:
            received = world.intake.observe(now)
            if received.files:
                log.info("observations: %s", received.summary)

    _apart("observations are not read", read)
    _apart(
        "current observations are not published",
        lambda: publish_current_observations(world.archive, world.config, world.publisher, now),
    )


def attempt(world: pipeline.World, now: datetime) -> int:
    """Run the pipeline once with the models in force, keep the outcome, return its exit code.

    Never raises.
    """
    try:
        report = pipeline.run(
            replace(world, models=train.models_in_force(world.config)), now, ask=False
        )
    except SkyscapeError as error:
        log.error("%s", error)
        return _keep(world, Attempt(now, None, error.exit_code, f"{type(error).__name__}: {error}"))
    except Exception as error:  # the process must outlive a defect
        log.exception("a defect: please report it")
        return _keep(world, Attempt(now, None, 1, f"defect: {type(error).__name__}: {error}"))
    return _keep(world, Attempt(now, report.issue.id, report.exit_code, report.summary))


def _keep(world: pipeline.World, outcome: Attempt) -> int:
    try:
        world.archive.keep_attempt(outcome)
    except ArchiveError as error:
        log.error("%s", error)
    return outcome.exit_code
