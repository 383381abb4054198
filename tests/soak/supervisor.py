"""Runs a season: lets the clock go on to each event, does it, and checks what a kill left."""

from __future__ import annotations

import heapq
import random
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import eccodes

from forecast.domain import Cycle
from forecast.ingest.sources import needs_of
from forecast.sample import encoding
from forecast.sample.encoding import Encoder
from forecast.sample.region import Region
from forecast.sample.scenario import Scenario
from tests.faults.faulty_server import ALWAYS, Fault, FaultyBucket
from tests.soak import checks, season
from tests.soak.checks import Span
from tests.soak.clock import SharedClock
from tests.soak.operators import Operators
from tests.soak.process import POLL, Disk, Process
from tests.soak.season import HOUR, MINUTE, Event, Plan

AT_WORK = 1.5  # [s] of the real clock at most, from the beginning of work to a kill
HTML = b"<html><body>Access limited</body></html>"
FAULTS = {
    "away": Fault("status", times=ALWAYS, status=503),
    "reset": Fault("reset", times=ALWAYS),
    "html": Fault("body", times=ALWAYS, body=HTML),
    "cut": Fault("cut", times=ALWAYS, at=60),
}
# what is no reason to lose an hour: a lock of seconds, a clock that is set
HARMLESS = frozenset({"lock", "clock"})
KEPT_RUNS = 12  # at the source


@dataclass
class Figures:
    """What a season came to."""

    kills: Counter[str] = field(default_factory=Counter)  # at work, idle
    faults: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    refused: int = 0  # starts
    wrong: list[str] = field(default_factory=list)
    memory: list[list[tuple[float, float]]] = field(default_factory=list)  # of each life
    disk: list[tuple[float, dict[str, int]]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    runs: dict[datetime, float] = field(default_factory=dict)
    stations: int = 0
    exit_code: int | None = None


class PlainEncoder(Encoder):
    """Writes simple packing, as the region filter does: a season decodes a million messages."""

    @staticmethod
    def _template(run: datetime, region: Region, product: int) -> int:
        handle = Encoder._template(run, region, product)
        eccodes.codes_set(handle, "packingType", "grid_simple")
        return handle


class Supervisor:
    """A season in a folder."""

    def __init__(self, plan: Plan, folder: Path, disk: Disk, say: Any = lambda _: None) -> None:
        self.plan, self.figures, self._say = plan, Figures(), say
        self.folder, self.disk = folder, disk
        self._chance = random.Random(plan.seed + 1)
        start = datetime.fromtimestamp(plan.start, UTC)
        self.clock = SharedClock(self.folder / "clock", start)
        self.bucket = FaultyBucket(folder / "bucket")
        self.operators = Operators()
        self.config = season.settings(
            self.folder, self.bucket.url, self.bucket.filter_url, self.operators.url
        )
        self.database = self.disk.folder / "var" / "archive.db"
        self._spool = self.disk.folder / "spool"
        self._spool.mkdir()
        self._needs = needs_of(self.config, self.config.all_sites())
        self._active: set[str] = set()
        self._last_wall = self.clock.wall
        self._lock: sqlite3.Connection | None = None
        self._queue = plan.events()
        self._acts: dict[str, Callable[[Event], None]] = {
            "start": self._start, "started": self._started, "kill": self._kill,
            "review": self._review, "run": self._run, "station": self._station,
            "measure": self._measure, "lock": self._lock_archive, "full": self._full,
            "clock": self._set_clock, **dict.fromkeys(FAULTS, self._source),
        }  # fmt: skip
        self.process = Process(self.folder, self.clock)

    def run(self) -> Figures:
        """Run the season; return its figures."""
        with self.bucket, self.operators:
            try:
                while self._queue:
                    event = heapq.heappop(self._queue)
                    self._reach(event)
                    if event.kind == "end":
                        break
                    self._acts[event.kind](event)
                self.figures.exit_code = self.process.stop() if self.process.id else None
            finally:
                self.process.close()
        return self.figures

    # -- the clock

    def _reach(self, event: Event) -> None:
        """Let the clock go on to an event; a kill comes while what is due then is done."""
        at = max(event.at, self.clock.steady)
        alive = bool(self.process.id)
        if not alive:
            self.clock.gate = self.clock.steady = at
        elif event.kind == "kill":
            self.clock.gate = at
            while self.clock.steady < at and self.process.alive:
                time.sleep(POLL)
        else:
            self.clock.gate = at
            if not self.process.wait(at):
                self._died(event)
        wall = self.clock.wall
        sound = alive and not self._active - HARMLESS
        self.figures.spans.append(Span(self._last_wall, wall, sound))
        self._last_wall = wall

    def _died(self, event: Event) -> None:
        """Note that the service ended by itself, and start it again as systemd would.

        A start is refused where the archive is locked, or the disk is full.
        """
        if self._active & {"lock", "full"}:
            self.figures.refused += 1
        else:
            status = self.process.status
            self._note([f"the service ended by itself ({status})"])
        heapq.heappush(self._queue, Event(event.at + 15, "start"))

    # -- the service

    def _start(self, event: Event) -> None:
        if self.process.id:
            return
        self.process.start()
        self.figures.starts += 1
        self.figures.memory.append([])
        if "full" in self._active and not self.disk.own:
            self.process.limit_files(True)
        if "full" not in self._active:
            heapq.heappush(self._queue, Event(event.at + MINUTE, "started"))

    def _started(self, _: Event) -> None:
        if self.process.id and not self._active & {"full", "lock"} and self.database.exists():
            self._note(checks.after_start(self.config, self.database))

    def _kill(self, event: Event) -> None:
        if not self.process.id or not self.process.alive:
            later = event.at + 20 * MINUTE
            heapq.heappush(self._queue, Event(later, "kill"))
            return
        until = time.monotonic() + self._chance.random() ** 2 * AT_WORK
        while time.monotonic() < until and self.clock.idle < event.at:
            time.sleep(POLL)
        state = "idle" if self.clock.idle >= event.at else "at work"
        self.process.kill()
        self.figures.kills[state] += 1
        if "lock" not in self._active:
            self._note(checks.after_kill(self.config, self.database))
        drawn = self._chance.random()
        down = 15.0 if drawn < 0.8 else 5 * MINUTE if drawn < 0.95 else 40 * MINUTE + drawn * HOUR
        heapq.heappush(self._queue, Event(self.clock.steady + down, "start"))

    def _review(self, event: Event) -> None:
        season.write(self.folder, None, event.value)
        if self.process.id:
            self.process.reload()
            time.sleep(2)

    def _note(self, wrong: list[str]) -> None:
        for each in wrong:
            self.figures.wrong.append(f"{self.clock.now():%Y-%m-%d %H:%M}: {each}")
            self._say(self.figures.wrong[-1])

    # -- what comes in

    def _run(self, event: Event) -> None:
        cycle = Cycle(event.value, self.config.source.model)
        with patch.object(encoding, "Encoder", PlainEncoder):
            encoding.write_cycle(
                self.bucket.root, cycle.run, self._needs.steps, self._needs, Scenario
            )
        self.figures.runs[cycle.run] = self.clock.wall
        old = cycle.run - timedelta(hours=6 * KEPT_RUNS)
        shutil.rmtree(self.bucket.root / f"gfs.{old:%Y%m%d}" / f"{old:%H}", ignore_errors=True)
        if self.process.id and self.process.alive:
            self.figures.memory[-1].append((event.at, self.process.memory()))

    def _station(self, event: Event) -> None:
        end = datetime.fromtimestamp(event.at, UTC)
        lines = ["station,time,air_temperature,relative_humidity,wind_speed"]
        for minute in range(50, -10, -10):
            moment = end - timedelta(minutes=minute)
            warmth = -8 + 4 * self._chance.random() + moment.hour / 6
            lines.append(f"{season.STATION},{moment.isoformat()},{warmth:.1f},55,3.2")
        part = self._spool / f"{end:%Y%m%d%H%M}.part"
        try:
            part.write_text("\n".join(lines) + "\n")
        except OSError:  # the disk is full
            part.unlink(missing_ok=True)
            return
        part.rename(part.with_suffix(".csv"))
        self.figures.stations += 1

    def _measure(self, event: Event) -> None:
        self.figures.disk.append((event.at, self.disk.used()))
        day = (event.at - self.plan.start) / season.DAY
        killed, wrong = sum(self.figures.kills.values()), len(self.figures.wrong)
        self._say(f"day {day:.0f}: {killed} kills, {wrong} things wrong")

    # -- faults

    def _source(self, event: Event) -> None:
        self._mark(event)
        self.bucket.faults = [FAULTS[each] for each in sorted(self._active & FAULTS.keys())][:1]

    def _lock_archive(self, event: Event) -> None:
        self._mark(event)
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        elif event.value and self.database.exists():
            self._lock = sqlite3.connect(self.database, isolation_level=None, timeout=20)
            self._lock.execute("BEGIN IMMEDIATE")

    def _full(self, event: Event) -> None:
        self._mark(event)
        if not self.disk.own:
            self.process.limit_files(event.value)
        elif event.value:
            self.disk.fill()
        else:
            self.disk.free()

    def _set_clock(self, event: Event) -> None:
        self._mark(event)
        self.clock.offset = -HOUR if event.value else 0.0
        self._last_wall = self.clock.wall
        if self.process.id:
            time.sleep(1.5)  # the service looks twice a second whether its clock was set

    def _mark(self, event: Event) -> None:
        if event.value:
            self._active.add(event.kind)
            self.figures.faults[event.kind] += 1
        else:
            self._active.discard(event.kind)
