"""The jobs of the service: what runs when (APScheduler).

Every few seconds one job looks at the hours of issue (forecast/service/open_hour.py); where people
review issues, at the drafts too. It goes by the clock of each look, so a clock that is set, a
machine that slept and the change to summer time lose no hour. No error ends the process.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from forecast import VERSION, pipeline
from forecast.domain import as_utc
from forecast.errors import CycleNotReady, SkyscapeError
from forecast.issue.deliver import deliver, senders
from forecast.issue.lifecycle import Lifecycle
from forecast.issue.station_reports import publish_current_observations
from forecast.learning import monitor, train, truth_from_analyses, truth_from_phones, verify
from forecast.service import allocator, backups, heartbeat, retention
from forecast.service.alerting.job import MINUTES, AlertJob
from forecast.service.attempts import Attempts
from forecast.service.backup_record import begin
from forecast.service.issue_jobs import IssueJobs
from forecast.service.journal import Journal
from forecast.service.open_hour import IssueHours
from forecast.service.review_jobs import ReviewJobs
from forecast.service.single import HeldFolder

log = logging.getLogger(__name__)

# each has one worker, so that nothing waits for what belongs to another
EXECUTORS = ("default", "further", "observations", "learning", "delivery", "alerts", "heartbeat")
DELIVERY_SECONDS = 20  # between two looks whether something is to be sent
LOOK_SECONDS = 5  # between two looks at the hours of issue

Clock = Callable[[], datetime]
Scheduler = BlockingScheduler


def utc_now() -> datetime:
    return datetime.now(UTC)


def build_scheduler(
    world: pipeline.World,
    clock: Clock = utc_now,
    lifecycle: Lifecycle | None = None,
    held: HeldFolder | None = None,
) -> BlockingScheduler:
    """Return the scheduler with its jobs, not yet started.

    lifecycle: that of the desk. held: the output folder, where one service only may use it.

    Issues have one worker, so they run one after the other. A job missed by less than
    `misfire_minutes` (the machine was asleep) runs once.
    """
    schedule, zone = world.config.schedule, world.config.zone
    defaults = {
        "coalesce": True,
        "max_instances": 1,
        "misfire_grace_time": schedule.misfire_minutes * 60,
    }
    executors = {name: ThreadPoolExecutor(1) for name in EXECUTORS}
    scheduler = BlockingScheduler(timezone=zone, executors=executors, job_defaults=defaults)
    _add_issues(scheduler, world, clock, lifecycle or Lifecycle(), held)
    _add_heartbeat(scheduler, world, clock)
    _add_receiving(scheduler, world, clock)
    _add_sending(scheduler, world, clock)
    _add_learning(scheduler, world, clock)
    _add_keeping(scheduler, world, clock)
    if not world.config.demonstration:
        _add_alerts(scheduler, world, clock)
    return scheduler


def _add_heartbeat(scheduler: BlockingScheduler, world: pipeline.World, clock: Clock) -> None:
    """Add the heartbeat, which nothing else delays."""
    scheduler.add_job(
        beat,
        IntervalTrigger(seconds=heartbeat.SECONDS, timezone=world.config.zone),
        args=[world, clock, clock()],
        next_run_time=utc_now(),
        id="heartbeat",
        name="write the heartbeat",
        executor="heartbeat",
    )


def _add_receiving(scheduler: BlockingScheduler, world: pipeline.World, clock: Clock) -> None:
    """Add what fetches the runs of further models and reads observations, where there are any."""
    config, zone = world.config, world.config.zone
    if world.further:
        scheduler.add_job(
            fetch_further,
            IntervalTrigger(minutes=config.schedule.check_minutes, timezone=zone),
            args=[world, clock],
            id="further",
            name="fetch further models",
            executor="further",
        )
    if world.intake is not None:
        minutes = config.observations.check_minutes
        scheduler.add_job(
            observe,
            IntervalTrigger(minutes=minutes, timezone=zone, start_date=clock()),
            args=[world, clock],
            id="observe",
            name="read observations",
            executor="observations",
        )


def _add_sending(scheduler: BlockingScheduler, world: pipeline.World, clock: Clock) -> None:
    """Add what sends issues to those who do not have them, where anybody is to have them."""
    if senders(world.config):
        scheduler.add_job(
            send,
            IntervalTrigger(seconds=DELIVERY_SECONDS, timezone=world.config.zone),
            args=[world, clock],
            id="deliver",
            name="send what is not sent yet",
            executor="delivery",
        )


def _add_alerts(scheduler: BlockingScheduler, world: pipeline.World, clock: Clock) -> None:
    """Add the look that alerts operators; of a demonstration nobody is alerted."""
    scheduler.add_job(
        AlertJob(world, clock).look,
        IntervalTrigger(minutes=MINUTES, timezone=world.config.zone),
        id="alerts",
        name="alert operators",
        executor="alerts",
    )


def _add_issues(
    scheduler: BlockingScheduler,
    world: pipeline.World,
    clock: Clock,
    lifecycle: Lifecycle,
    held: HeldFolder | None,
) -> None:
    """Add the look at the hours of issue; where issues are reviewed also at drafts, and the watch
    over signed ones.
    """
    config, zone = world.config, world.config.zone
    attempts = Attempts(world, Journal(config.private_folder))
    reviewed: ReviewJobs | None = None

    def waiting() -> None:
        if world.intake is not None:  # no issue waits for a server of observations
            observe(world, clock, ask=False)

    if config.issue.review == "off":
        hours = IssueHours(config, IssueJobs(world, waiting), attempts, clock)
    else:
        reviewed = ReviewJobs(world, lifecycle, clock, attempts, waiting)
        hours = IssueHours(config, reviewed, attempts, clock)
        scheduler.add_job(
            reviewed.watch,
            IntervalTrigger(minutes=config.schedule.check_minutes, timezone=zone),
            id="watch-drafts",
            name="release signed drafts that were kept back",
        )
    scheduler.add_job(
        look,
        IntervalTrigger(seconds=LOOK_SECONDS, timezone=zone),
        args=[hours, reviewed, held],
        next_run_time=utc_now(),
        id="hours",
        name="look at the hours of issue",
    )


def look(hours: IssueHours, reviewed: ReviewJobs | None, held: HeldFolder | None) -> None:
    """Hold the output folder, do what an hour of issue needs now, and make a draft that is due.

    Never raises.
    """
    if held is not None:
        _apart("the output folder is not looked at", held.hold_again)
    _apart("the hours of issue are not looked at", hours.look)
    if reviewed is not None:
        _apart("no draft is made", reviewed.draft_when_due)


def beat(world: pipeline.World, clock: Clock, started: datetime) -> None:
    """Write the heartbeat of this process. Never raises."""
    folder, output = world.config.private_folder, world.config.output.folder
    _apart("no heartbeat", lambda: heartbeat.beat(folder, clock(), started, VERSION, output))


def after_clock_step(scheduler: BlockingScheduler, now: datetime) -> None:
    """Let every job run by the clock as it is now: one that was set back leaves them all waiting.

    Jobs of an hour of the day wait for its next time, all others run at once.
    """
    for job in scheduler.get_jobs():
        if isinstance(job.trigger, CronTrigger):
            job.reschedule(job.trigger)
        else:
            job.modify(next_run_time=as_utc(now))


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
        scheduler.add_job(
            lambda: _apart("backups are not looked at", lambda: begin(config, clock())),
            next_run_time=utc_now(),
            id="backups",
            name="look at the folder of backups",
            executor="learning",
        )
    for id, name, at, work in jobs:
        scheduler.add_job(
            lambda work=work: _work_and_trim(work, world, clock),
            CronTrigger(hour=at.hour, minute=at.minute, timezone=zone),
            id=id,
            name=name,
            executor="learning",
        )


def _work_and_trim(
    work: Callable[[pipeline.World, datetime], None], world: pipeline.World, clock: Clock
) -> None:
    """Do a daily job that needs much memory for a moment, and give that back."""
    work(world, clock())
    allocator.trim()


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


def observe(world: pipeline.World, clock: Clock, ask: bool = True) -> None:
    """Read the observations in the folder, those of a server if it is to be asked, and publish the
    current ones. Never raises.
    """
    now = clock()

    def read() -> None:
        if world.intake is not None:
            received = world.intake.observe(now, ask)
            if received.files:
                log.info("observations: %s", received.summary)

    _apart("observations are not read", read)
    _apart(
        "current observations are not published",
        lambda: publish_current_observations(world.archive, world.config, world.publisher, now),
    )
