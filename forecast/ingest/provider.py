"""What all providers of model runs share: their interface, their result, the layout of files."""

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
    """A complete cycle in files.

    origin: the provider. bytes_fetched, requests: what the fetch took. notes: for the operator.
    members: those that are complete.
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
    """Something that can deliver a cycle."""

    name: str

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Fetch all of `cycle` before `within` ends; without `ask`, only what is in the store.

        Raises: CycleNotReady, SourceUnavailable, SourceCorrupt.
        """
        ...


def path_of(cycle: Cycle, step: int) -> tuple[str, str]:
    """Return folder and name of a step at the public bucket, NOMADS and most mirrors."""
    return (
        f"/gfs.{cycle.run:%Y%m%d}/{cycle.run:%H}/atmos",
        f"gfs.t{cycle.run:%H}z.pgrb2.0p25.f{step:03d}",
    )
