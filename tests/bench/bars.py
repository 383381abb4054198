"""The bars of the benchmarks: each is met, MISSED or SKIPPED, and all are counted.

A bench that lacks its data or a peer skips its bars by name: silence is no success.
"""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass, field


@dataclass
class Board:
    """What the bars of a run came to."""

    met: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def at_most(self, what: str, found: float, bar: float, unit: str = "") -> None:
        """Judge a figure that must not be above its bar; one that is NaN misses it."""
        self._judge(what, f"{found:.3g} {unit}", f"at most {bar:g} {unit}", found <= bar)

    def at_least(self, what: str, found: float, bar: float, unit: str = "") -> None:
        """Judge a figure that must not be below its bar; one that is NaN misses it."""
        self._judge(what, f"{found:.3g} {unit}", f"at least {bar:g} {unit}", found >= bar)

    def _judge(self, what: str, found: str, bar: str, met: bool) -> None:
        (self.met if met else self.missed).append(what)
        print(f"  bar: {what}: {found.strip()}, {bar.strip()}: {'met' if met else 'MISSED'}")

    def skip(self, what: str, why: str) -> None:
        """Count a bar that cannot be measured here."""
        self.skipped.append(what)
        print(f"  bar: {what}: SKIPPED: {why}")

    def summary(self) -> str:
        """Return all bars in a few lines, those that were missed or skipped by name."""
        lines = [
            f"bars: {len(self.met)} met, {len(self.missed)} MISSED, {len(self.skipped)} SKIPPED"
        ]
        lines += [f"  MISSED   {what}" for what in self.missed]
        lines += [f"  SKIPPED  {what}" for what in self.skipped]
        return "\n".join(lines)

    @property
    def code(self) -> int:
        """The exit code: 1 where a bar was missed."""
        return int(bool(self.missed))


BOARD = Board()


def cpu() -> float:
    """Return the processor time [s] of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
