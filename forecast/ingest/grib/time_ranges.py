"""Convert accumulations and means to the interval between two steps, whatever their windows.

GFS restarts its windows every six hours, ECMWF never does, and some files have both: windows are
chosen by what the messages declare.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Window = tuple[float, float]  # [h after the run] from, to
Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Choice:
    """The value of one interval: a window as it is, or `whole` minus `part` (same start)."""

    whole: Window
    part: Window | None = None

    @property
    def start(self) -> float:
        """The start of the window of the result [h after the run]."""
        return self.whole[0] if self.part is None else self.part[1]


def choose(
    windows: Collection[Window], previous: float | None, end: float, statistic: str
) -> Choice | None:
    """Choose what stands for the interval from `previous` to `end` [h after the run]; None when no
    window ends there.

    In this order: the window that is the interval; the difference of two that share a start (not of
    extremes); the shortest window that ends there, which then says itself where it begins.
    """
    # the shortest first
    ending = sorted((window for window in windows if window[1] == end), reverse=True)
    if not ending:
        return None
    if previous is not None:
        if (previous, end) in ending:
            return Choice((previous, end))
        if statistic in ("sum", "mean"):
            for window in ending:
                if (window[0], previous) in windows:
                    return Choice(window, (window[0], previous))
    return Choice(ending[0])


def weights(choice: Choice, statistic: str) -> tuple[float, float]:
    """Return the factors of `whole` and `part` before the second is subtracted from the first."""
    if choice.part is None:
        return 1.0, 0.0
    if statistic == "sum":
        return 1.0, 1.0
    interval = choice.whole[1] - choice.part[1]
    return (choice.whole[1] - choice.whole[0]) / interval, (
        choice.part[1] - choice.part[0]
    ) / interval
