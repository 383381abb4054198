"""What every way to a cycle has in common: what it brings, how it is asked, how its files are laid
out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from forecast.domain import Cycle
from forecast.http import Deadline
from forecast.ingest import Needs

ATTRIBUTION = "NOAA/NCEP GFS, public domain"


@dataclass(frozen=True, slots=True)
class FetchedCycle:
    """A whole cycle in files: which, where, whose, by which way, at what cost; what is worth
    telling; which members are whole.
    """

    cycle: Cycle
    files: tuple[Path, ...]
    attribution: str
    origin: str
    bytes_fetched: int
    requests: int
    notes: tuple[str, ...] = ()
    members: tuple[int, ...] = ()


class Provider(Protocol):
    """One way to have a cycle."""

    name: str

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Bring the whole of `cycle`, before `within` ends; without `ask`, only what was fetched
        before.

        Raises: CycleNotReady, SourceUnavailable, SourceCorrupt.
        """
        ...


def path_of(cycle: Cycle, step: int) -> tuple[str, str]:
    """Return folder and name of a step, as the public bucket, NOMADS and many a mirror lay them
    out.
    """
    return (
        f"/gfs.{cycle.run:%Y%m%d}/{cycle.run:%H}/atmos",
        f"gfs.t{cycle.run:%H}z.pgrb2.0p25.f{step:03d}",
    )
