"""A service as a process: it starts, reloads its settings, and stops within seconds when told to.

SIGTERM and SIGINT end it, also as process 1 of a container; what is being fetched, decoded or
published then is given up, which costs nothing: a release counts once its link is swapped. SIGHUP
reads the settings again; wrong ones change nothing.

The main thread only waits: for signals, for a clock that was set, and for a scheduler that died.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

from forecast import VERSION
from forecast.errors import ConfigError, SkyscapeError
from forecast.service.allocator import give_back_memory
from forecast.service.signals import Signals

if TYPE_CHECKING:  # what runs brings them with it
    from forecast.service.scheduler import Scheduler
    from forecast.service.web.server import WebServer

log = logging.getLogger(__name__)

PATIENCE = 3.0  # [s] for jobs that are at work when the service stops
WAIT = 0.5  # [s] between two looks of the main thread
CLOCK_STEP = 30.0  # [s] by which the clock was set, from which jobs are made to follow
DEFECT = 1


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs by some settings.

    server: makes the web application's server, which binds then. close: gives back what they use.
    """

    scheduler: Scheduler | None = None
    server: Callable[[], WebServer] | None = None
    close: Callable[[], None] = lambda: None


class ClockSteps:
    """Notices that the clock of the machine was set."""

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall, self._steady = wall, steady
        self._ahead = wall() - steady()

    def step(self) -> float:
        """Return by how much the clock was set since the last look [s], + forward; 0: not."""
        ahead = self._wall() - self._steady()
        step = ahead - self._ahead
        if abs(step) < CLOCK_STEP:
            return 0.0
        self._ahead = ahead
        return step


class Service:
    """Runs the parts that `build` makes from the settings; `build` is called again to reload.

    refused: is given the reason of a reload that is refused.
    """

    def __init__(
        self,
        build: Callable[[], Parts],
        clock: Callable[[], datetime],
        signals: Signals,
        refused: Callable[[str], None] | None = None,
    ) -> None:
        self._build, self._clock, self._signals = build, clock, signals
        self._refused = refused or (lambda _: None)
        self._parts = build()
        self._server: WebServer | None = None
        self._web: threading.Thread | None = None
        self._threads: list[threading.Thread] = []  # each must live as long as the service
        self._ending: threading.Thread | None = None  # ends the parts, while they are being ended

    def run(self) -> NoReturn:
        """Run until a signal ends it, and the process with it. Only for the main thread.

        Jobs that are still at work PATIENCE after the signal are given up.
        Raises: ConfigError where the address of the web application cannot be used.
        """
        signals = self._signals
        steps = ClockSteps(lambda: self._clock().timestamp(), time.monotonic)
        log.info("start: skyscape %s, process %d", VERSION, os.getpid())
        give_back_memory()  # before there are threads
        signals.starting = False
        self._start(self._parts)
        while not signals.stop:
            signals.wait(WAIT)
            if signals.reload and not signals.stop:
                signals.reload = False
                self._reload()
            if step := steps.step():
                self._follow_the_clock(step)
            dead = [thread.name for thread in self._threads if not thread.is_alive()]
            if dead and not signals.stop:
                log.critical("stop: %s has ended by itself: please report it", " and ".join(dead))
                self._stop(DEFECT)
        log.info("stop: %s", signals.stop)
        self._stop(0)

    def _follow_the_clock(self, step: float) -> None:
        """Let the jobs run by a clock that was set by `step` [s]."""
        from forecast.service.scheduler import after_clock_step

        log.warning("the clock was set by %+.0f s: the jobs follow", step)
        if self._parts.scheduler is not None:
            after_clock_step(self._parts.scheduler, self._clock())

    def _start(self, parts: Parts) -> None:
        """Start the web application, then the scheduler. Raises: ConfigError."""
        if parts.server is not None:
            from forecast.service.web.service import serve_beside

            self._server = parts.server()
            self._web = serve_beside(self._server)
            if parts.scheduler is None:  # else issues go on without it
                self._threads.append(self._web)
        if parts.scheduler is not None:
            thread = threading.Thread(target=parts.scheduler.start, name="scheduler", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _reload(self) -> None:
        """Put new settings in force once they, and all that is made from them, are sound."""
        try:
            parts = self._build()
        except (SkyscapeError, OSError) as error:
            if isinstance(error, ConfigError):  # what else refuses one passes by itself
                self._refused(str(error))
            for fault in str(error).splitlines():
                log.error("reload: refused, the old settings stay in force: %s", fault.strip())
            return
        except Exception as error:  # the process must outlive a defect
            log.exception("reload: a defect: please report it; the old settings stay in force")
            self._refused(f"{type(error).__name__}: {error}")
            return
        ending = self._begin_to_end()
        ending.join(WAIT)
        if ending.is_alive():
            log.info("reload: the new settings are sound, and wait for what is at work")
        while ending.is_alive() and not self._signals.stop:
            ending.join(WAIT)
        if self._signals.stop:
            return  # what is still at work belongs to the old parts, and _stop knows them
        self._threads.clear()
        self._ending = None
        old, self._parts = self._parts, parts
        try:
            self._start(parts)
        except SkyscapeError as error:
            log.error("reload: the web application keeps its old address: %s", error)
            self._refused(str(error))
            self._parts = replace(parts, server=old.server)
            self._start(self._parts)
        log.info("reload: the new settings are in force, skyscape %s", VERSION)

    def _begin_to_end(self) -> threading.Thread:
        """Return a thread that ends when the web application and every job at work have ended.

        The same one until new parts run: a scheduler that is told twice waits for no job.
        """
        if self._ending is None:
            self._ending = threading.Thread(target=self._end_parts, daemon=True)
            self._ending.start()
        return self._ending

    def _end_parts(self) -> None:
        if self._server is not None and self._web is not None:
            self._server.close()
            self._web.join()  # until then its thread still holds the port
        if self._parts.scheduler is not None:
            with contextlib.suppress(Exception):  # not started, or ended by itself
                self._parts.scheduler.shutdown(wait=True)
        with contextlib.suppress(Exception):  # it ends with the process all the same
            self._parts.close()

    def _stop(self, code: int) -> NoReturn:
        """End everything, then the process; what is still at work after PATIENCE ends with it.

        The interpreter is not taken down piece by piece: that takes seconds, and ends nothing more.
        """
        ending = self._begin_to_end()
        ending.join(PATIENCE)
        if ending.is_alive():
            log.info("stop: what was at work is given up; nothing of it was published")
        logging.shutdown()
        os._exit(code)
