"""A service whose job never ends, as when it decodes or publishes: for tests that end it."""

from __future__ import annotations

import logging
import sys
import threading
from datetime import UTC, datetime

from apscheduler.schedulers.blocking import BlockingScheduler

from forecast.errors import ConfigError
from forecast.service.running import Parts, Service
from forecast.service.signals import Signals

built: list[int] = []


def build() -> Parts:
    """Return the parts; the second time the settings are wrong, unless they shall be sound."""
    built.append(1)
    if len(built) == 2 and "sound" not in sys.argv:
        raise ConfigError("sites: none is named")
    scheduler = BlockingScheduler(timezone=UTC)
    scheduler.add_job(at_work)
    return Parts(scheduler)


def at_work() -> None:
    """Be at work for ever, the first time."""
    for_ever = len(built) == 1 and "idle" not in sys.argv  # before the test knows, and reloads
    logging.info("at work")  # not print: another thread may write into its line
    if for_ever:
        threading.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    sys.exit(Service(build, lambda: datetime.now(UTC), Signals()).run())
