"""The service of a season: `skyscape run` itself, by a clock that jumps to what comes next.

    python -m tests.soak.service FOLDER    reads `start` lines, answers the id of each process

Started once, it loads the program and makes a process of its own for each start, so that three
hundred starts cost no three hundred imports. Each such process runs the real command with the real
scheduler, threads, archive, network and files. Other than in production are: the clock; the least
time between two looks of the scheduler, STEP; waits for a busy archive and of back-off, which would
last while the clock stands still; the people who sign drafts and report, who act here instead of
in browsers.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apscheduler.executors.base
import apscheduler.executors.pool
import apscheduler.schedulers.base
import apscheduler.triggers.interval
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger

from forecast.archive import database
from forecast.archive.drafts import Drafts
from forecast.archive.reports import FieldReport, Reports
from forecast.commands import issue
from forecast.commands import world as setup
from forecast.domain import Name
from forecast.errors import SkyscapeError
from forecast.issue.lifecycle import Lifecycle
from forecast.pipeline import World
from forecast.review import Account, Edit
from forecast.service import running, scheduler
from tests.soak.clock import SharedClock, datetime_of

# what a service has loaded after its first issue and its first training: no process that is started
# loads it again
LOADED = (
    "forecast.archive.upgrade", "forecast.commands.height_checks", "forecast.commands.site_checks",
    "forecast.learning.truth_from_analyses", "forecast.observations.formats.csv_records",
    "forecast.phenomena.cloud_sea", "forecast.phenomena.stars", "forecast.service.web.service",
    "models.drift", "products.channels.api", "products.channels.sms", "products.channels.web",
    "products.channels.webhook", "products.pages.templating", "alembic.command", "ephem",
    "skops.io",
)  # fmt: skip
STEP = 170.0  # [s] the clock moves on by so much at least; a heartbeat may be 180 s old
ALERT_MINUTES = 10  # between two looks of the alerts
BUSY = 0.1  # [s] that a transaction waits for another process
LONGEST_SLEEP = 0.002  # [s] of the real clock
WANG = Account("wang", "王一", "forecaster")
SIGNED, CHANGED, WITHDRAWN, REPORTED = 0.2, 0.5, 0.01, 0.02  # how often, of every ten minutes
EPOCH = datetime.fromtimestamp(0, UTC)

log = logging.getLogger("soak")
_sleep = time.sleep


class SteppedScheduler(BlockingScheduler):
    """The scheduler of the service, whose waits move the clock instead."""

    clock: SharedClock

    def _main_loop(self) -> None:
        clock = self.clock
        while self.state != STATE_STOPPED:
            wait = self._process_jobs()
            while self.state != STATE_STOPPED and self._at_work():
                _sleep(0.001)
            clock.idle = clock.steady
            while clock.gate <= clock.steady and self.state != STATE_STOPPED:
                _sleep(0.001)
            if self.state != STATE_STOPPED:
                clock.steady = min(clock.steady + max(wait or 0.0, STEP), clock.gate)

    def _at_work(self) -> bool:
        with self._executors_lock:
            return any(any(each._instances.values()) for each in self._executors.values())


def by_the_clock(clock: SharedClock) -> None:
    """Make everything in this process go by the clock of the season."""
    simulated = datetime_of(clock)
    for module in (
        apscheduler.schedulers.base,
        apscheduler.executors.base,
        apscheduler.triggers.interval,
    ):
        module.datetime = simulated
    SteppedScheduler.clock = clock
    patched: Any = setup
    patched.clock = clock.now
    patched = running
    patched.time = SimpleNamespace(monotonic=clock.monotonic)
    patched = scheduler
    patched.utc_now = clock.now
    patched.BlockingScheduler = SteppedScheduler
    patched.MINUTES = ALERT_MINUTES
    patched.build_scheduler = _with_people(scheduler.build_scheduler)
    patched = database
    patched.BUSY_SECONDS = BUSY
    patched = time
    patched.sleep = lambda seconds: _sleep(min(seconds, LONGEST_SLEEP))


def _with_people(build: Any) -> Any:
    """Return `build_scheduler` with the job of the people."""

    def built(world: World, clock: Any, lifecycle: Lifecycle, held: Any) -> BlockingScheduler:
        made: BlockingScheduler = build(world, clock, lifecycle, held)
        made.add_executor(ThreadPoolExecutor(1), "people")
        made.add_job(
            lambda: people(world, lifecycle, clock()),
            IntervalTrigger(minutes=10, timezone=UTC),
            id="people",
            executor="people",
        )
        return made

    return built


def people(world: World, lifecycle: Lifecycle, now: datetime) -> None:
    """Sign, change, withdraw and report, as people would in these ten minutes."""
    chance = random.Random(int((now - EPOCH) / timedelta(minutes=10)))
    try:
        if world.config.issue.review != "off":
            _review(world, lifecycle, now, chance)
        if chance.random() < REPORTED:
            _report(world, now, chance)
    except (SkyscapeError, OSError) as error:
        log.info("people: %s", error)  # the desk shows it
    except Exception:
        log.exception("people: a defect")


def _review(world: World, lifecycle: Lifecycle, now: datetime, chance: random.Random) -> None:
    drafts, publisher = Drafts(world.archive), world.publisher
    for draft in drafts.open_ones(now):
        if chance.random() < SIGNED:
            if chance.random() < CHANGED:
                event = lifecycle.prepared(world, draft).forecasts[0].event.key
                edit = Edit(event, "probability", 0.37, "observation", WANG.id, now)
                draft = lifecycle.edit(world, draft, draft.version, edit, WANG)
                words = Name("山上风大", "Windy")
                draft = lifecycle.comment(world, draft, draft.version, words, WANG, now)
            lifecycle.sign(world, draft, draft.version, WANG, now)
            log.info("people: signed %s", draft.id)
    if chance.random() < WITHDRAWN and publisher.current() and not publisher.is_withdrawn():
        lifecycle.withdraw(world, publisher.current(), WANG, "the fog lifts earlier", now)
        log.info("people: withdrew %s", publisher.current())


def _report(world: World, now: datetime, chance: random.Random) -> None:
    says = {"starry_sky": chance.choice(["none", "partial", "full"])}
    site = world.config.sites[0].id
    report = FieldReport(f"r{now:%Y%m%d%H%M}", "", "observer", "li", site, now, now, says)
    Reports(world.archive).add(report)


def serve(folder: Path) -> int:
    """Run the service of a folder until it is ended; return its exit code."""
    clock = SharedClock(folder / "clock")
    by_the_clock(clock)

    def record(*arguments: Any, **named: Any) -> logging.LogRecord:
        made = logging.LogRecord(*arguments, **named)
        made.created = clock.wall
        return made

    logging.setLogRecordFactory(record)
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.INFO, filename=folder / "service.log", force=True,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )  # fmt: skip
    try:
        return issue.run(config=folder / "config.yaml")
    except SkyscapeError as error:  # a start that is refused, as of a locked archive
        log.error("the service ended: %s", error)
        return error.exit_code
    except Exception:
        log.exception("the service ended")
        return 1


def main(folder: Path) -> None:
    """Start a process for each line that is read; say its id, and how it ended."""
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()
    for _ in sys.stdin:
        process = os.fork()
        if not process:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 0)
            os.dup2(nothing, 1)
            code = serve(folder)
            logging.shutdown()
            os._exit(code)
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
