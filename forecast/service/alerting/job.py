"""The job of the service that looks every minute whether operators have to be alerted."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from forecast import VERSION
from forecast.archive.rebuilding import last_entered
from forecast.domain import as_utc
from forecast.errors import SkyscapeError
from forecast.issue.world import World
from forecast.learning import monitor, train
from forecast.service import last_settings
from forecast.service.alerting.facts import (
    Facts,
    LearningFacts,
    added_runs,
    archive_bytes,
    archive_fault,
    disks,
    reason_of,
)
from forecast.service.alerting.watch import Alerting
from forecast.service.backup_record import read_record
from forecast.service.heartbeat import Heartbeat
from forecast.service.state import ServiceState, read_service_state

log = logging.getLogger(__name__)

MINUTES = 1  # between two looks
SLOW = timedelta(minutes=5)  # for which what the archive says is used again


class AlertJob:
    """Looks at everything that can be wrong; `look` never raises."""

    def __init__(self, world: World, clock: Callable[[], datetime]) -> None:
        self._world, self._clock = world, clock
        self._alerting = Alerting(world.config)
        self._slow: tuple[datetime, Facts] | None = None
        self._started = clock()

    def look(self) -> None:
        """Alert operators of what is wrong now."""
        try:
            self._alerting.look(self._facts(self._clock()))
        except (SkyscapeError, OSError) as error:
            log.error("alerts: %s", error)
        except Exception:  # the process must outlive a defect
            log.exception("alerts: a defect: please report it")

    def _facts(self, now: datetime) -> Facts:
        """Return the facts at `now`; those of the archive may be some minutes old."""
        config = self._world.config
        slow = self._slow
        fresh = slow is not None and timedelta(0) <= now - slow[0] < SLOW
        if slow is None or not fresh:
            archive, error = reason_of(self._world.archive, config, now)
            facts = Facts(
                config, now, self._state(now), archive=archive, archive_error=error,
                learning=self._learning(), added_runs=added_runs(config),
                archive_bytes=archive_bytes(self._world.archive),
            )  # fmt: skip
            self._slow = slow = (now, facts)
        state = self._state(now)
        return replace(
            slow[1],
            now=now,
            service=state,
            disks=disks(config),
            archive_error=slow[1].archive_error or archive_fault(config, state),
            backup=read_record(config),
            refusal=last_settings.refused(config.private_folder),
            entered=last_entered(config.private_folder, now),
        )

    def _state(self, now: datetime) -> ServiceState:
        """Return the state of the service, which lives: a full disk may hold its heartbeat back."""
        state = read_service_state(self._world.config)
        if state.silent(now):
            beat = Heartbeat(as_utc(now), os.getpid(), as_utc(self._started), VERSION)
            return replace(state, beat=beat)
        return state

    def _learning(self) -> LearningFacts:
        folder = self._world.config.learning.folder
        refused = train.models_in_force(self._world.config).refused
        return LearningFacts(tuple(monitor.kinds(folder)), refused)
