"""The figures of a season, and the bars that they must meet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from tests.bench.bars import Board
from tests.soak.checks import Hours, rows
from tests.soak.season import DAY
from tests.soak.supervisor import Figures, Supervisor

WARM = 8  # cycles after which the memory of a service is that of one at work
LEAST = 8  # cycles more, for a life whose memory is compared
MEMORY_BAR = 5.0  # [%] of growth of a life
LONG = 20  # cycles, for a life whose second half is looked at
FLAT_BAR = 2.0  # [%] of growth in the second half of a life: a leak goes on, caches fill
SETTLED = 35  # [day] after which the disk is flat: what is kept for 31 days is full
DISK_BAR = 1.0  # [MB/day]
DEFECTS = ("a defect", "Traceback")
LOOKING_BACK = ("drift/", "skill/")  # alerts on the last weeks: a season may end before they do


def table(
    supervisor: Supervisor, figures: Figures, hours: Hours, took: tuple[float, float]
) -> Iterator[str]:
    """Yield the figures of a season as lines."""
    issues = [row for row in rows(supervisor.database) if row.published]
    states = Counter(row.state for row in issues)
    yield ""
    yield f"season              {supervisor.plan.days:g} days, seed {supervisor.plan.seed}"
    yield f"took                {took[0]:.0f} s, {took[1]:.0f} s of CPU"
    yield f"runs at the source  {len(figures.runs)}"
    yield f"station files       {figures.stations}"
    yield (
        f"kills               {_counted(figures.kills)}; {figures.starts} starts, "
        f"{figures.refused} of them refused"
    )
    yield f"faults              {_counted(figures.faults)}"
    yield f"issues              {len(issues)}: {_counted(states)}"
    yield f"attempts            {_counted(hours.attempts)}"
    yield (
        f"hours of issue      {hours.issued} issued, {hours.excused} not owed, "
        f"{len(hours.lost)} lost"
    )
    sequences = supervisor.operators.sequences()
    raised = Counter(key.partition("/")[0] for key, all in sequences.items() for s in all
                     if s == "raised")  # fmt: skip
    yield f"alerts raised       {_counted(raised)}; repeated {supervisor.operators.repeated}"
    yield f"messages sent       {sum(supervisor.operators.sent.values())}"
    for life in lives(figures):
        yield (
            f"memory of a life    {life.warm / 1e6:.0f} MB after {WARM} cycles, "
            f"{life.middle / 1e6:.0f} MB in the middle, {life.last / 1e6:.0f} MB after "
            f"{life.cycles} (from {life.begun:%Y-%m-%d})"
        )
    for at, used in figures.disk[:: max(1, len(figures.disk) // 8)]:
        parts = ", ".join(f"{name} {size / 1e6:.1f}" for name, size in used.items())
        yield f"disk                {datetime.fromtimestamp(at, UTC):%Y-%m-%d} {parts} MB"
    for each in told_again(supervisor):
        yield f"raised again        {each}"
    for each in (*figures.wrong, *(f"lost: {hour}" for hour in hours.lost)):
        yield f"WRONG               {each}"


def judge(board: Board, supervisor: Supervisor, figures: Figures, hours: Hours) -> None:
    """Judge the figures of a season."""
    operators, plan = supervisor.operators, supervisor.plan
    board.at_least("kills", sum(figures.kills.values()), plan.kills)
    board.at_most("things that were not whole or not in order", len(figures.wrong), 0)
    board.at_most("hours lost that need not be", len(hours.lost), 0)
    board.at_least("part of the hours with an issue", share(hours), 0.85)
    log = (supervisor.folder / "service.log").read_text(encoding="utf-8")
    board.at_most("defects in the log", sum(log.count(each) for each in DEFECTS), 0)
    board.at_most("faults of messages", len(operators.faults), 0)
    twice = [key for key, count in operators.sent.items() if count > 1]
    board.at_most("issues sent twice", len(twice), 0)
    board.at_most("alerts raised again without an end", len(told_again(supervisor)), 0)
    board.at_most("alerts that were not ended", len(unended(supervisor)), 0)
    board.at_most("exit code of the last service", figures.exit_code or 0, 0)
    _judge_memory(board, list(lives(figures)))
    growth = disk_growth(figures, plan.start)
    if math.isnan(growth):
        board.skip("growth of the disk", f"the season ends before day {SETTLED + 10}")
    else:
        board.at_most(f"growth of the disk from day {SETTLED}", growth, DISK_BAR, "MB/day")


def _judge_memory(board: Board, found: list[Life]) -> None:
    """Judge the memory of long lives: as a whole, and whether it is flat in the second half."""
    whole, half = "growth of the memory of a life", "growth of it in the second half of a life"
    if found:
        grown = max(100 * (life.last / life.warm - 1) for life in found)
        board.at_most(whole, grown, MEMORY_BAR, "%")
    else:
        board.skip(whole, f"none of {WARM + LEAST} cycles")
    late = [100 * (life.last / life.middle - 1) for life in found if life.cycles >= LONG]
    if late:
        board.at_most(half, max(late), FLAT_BAR, "%")
    else:
        board.skip(half, f"none of {LONG} cycles")


@dataclass(frozen=True, slots=True)
class Life:
    """A long life: memory after WARM cycles, in the middle and at the end [byte]."""

    begun: datetime
    warm: float
    middle: float
    last: float
    cycles: int


def lives(figures: Figures) -> Iterator[Life]:
    """Yield the lives that are long enough to be compared."""
    for life in figures.memory:
        if len(life) >= WARM + LEAST:
            sizes = [size for _, size in life]
            middle, last = (sorted(four)[1] for four in (sizes[len(sizes) // 2 :][:4], sizes[-4:]))
            begun = datetime.fromtimestamp(life[0][0], UTC)
            yield Life(begun, sizes[WARM], middle, last, len(life))


def disk_growth(figures: Figures, start: float) -> float:
    """Return the slope of the size of the service's files [MB/day]; NaN for a short season."""
    points = [
        ((at - start) / DAY, sum(used.values()) / 1e6)
        for at, used in figures.disk
        if at - start >= SETTLED * DAY
    ]
    if len(points) < 10:
        return math.nan
    part = len(points) // 3
    first, last = points[:part], points[-part:]
    days, sizes = (
        sum(point[axis] for point in last) / part - sum(point[axis] for point in first) / part
        for axis in (0, 1)
    )
    return sizes / days


def share(hours: Hours) -> float:
    """Return which part of the hours had an issue of its own."""
    return hours.issued / max(1, hours.issued + hours.excused + len(hours.lost))


def told_again(supervisor: Supervisor) -> list[str]:
    """Return the alerts that were raised twice without an end between, with both beginnings."""
    items: dict[str, list[dict[str, Any]]] = {}
    for item in supervisor.operators.alerts:
        if item["stage"] != "escalated":
            items.setdefault(item["key"], []).append(item)
    return [
        f"{key} since {one['since']}, again since {two['since']}"
        for key, all_of_it in items.items()
        for one, two in pairwise(all_of_it)
        if one["stage"] == two["stage"]
    ]


def unended(supervisor: Supervisor) -> list[str]:
    """Return the alerts whose last stage is no end, but those that look back on weeks."""
    sequences = supervisor.operators.sequences()
    ended = [key for key, stages in sequences.items() if stages[-1] == "resolved"]
    return [key for key in sequences if key not in ended and not key.startswith(LOOKING_BACK)]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "none"
