"""What all providers of model runs share: their interface, their result, the layout of files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceError, SourceUnavailable
from forecast.http import Deadline
from forecast.ingest import Needs
from forecast.settings.sources import GFS_PATH, fill_path

ATTRIBUTION = "NOAA/NCEP GFS, public domain"
AGREEING = 3  # files that a server redirects or fails on before it counts as failing as a whole


@dataclass(frozen=True, slots=True)
class FetchedCycle:
    """A complete cycle in files.

    origin: the provider. bytes_fetched, requests: what the fetch took. notes: for the operator.
    members: those that are complete. newer: why no newer run was had, where one was due.
    """

    cycle: Cycle
    files: tuple[Path, ...]
    attribution: str
    origin: str
    bytes_fetched: int
    requests: int
    notes: tuple[str, ...] = ()
    members: tuple[int, ...] = ()
    newer: SourceError | None = None


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


def of_whole_run(error: SourceError, cycle: Cycle, ask_first: Callable[[], object]) -> SourceError:
    """Return the error of a run's last file, with `absent` where its first file is refused too.

    One file that is refused beside others that are there says nothing of the run's path.
    ask_first: asks for the first file; not called where the server failed.
    """
    refused = isinstance(error, SourceUnavailable) and error.of_file and not error.failing
    if not (refused or isinstance(error, CycleNotReady)):
        return error
    try:
        ask_first()
    except CycleNotReady:
        absent = True
    except SourceUnavailable as first:
        absent = first.of_file and not first.failing
    except SourceError:
        absent = False
    else:
        absent = False
    if absent and isinstance(error, CycleNotReady):
        return CycleNotReady(f"nothing of {cycle.id} is there: {error}", absent=True)
    if isinstance(error, SourceUnavailable):
        error.absent = absent
    return error


def path_of(cycle: Cycle, step: int, pattern: str = GFS_PATH) -> tuple[str, str]:
    """Return folder and name of a step, by the pattern of its path."""
    folder, _, name = fill_path(pattern, cycle.run, step).rpartition("/")
    return f"/{folder}", name


def fails_as_a_whole(error: SourceError, refusals: int) -> bool:
    """Return whether an error is of a provider's server, and not of the one file requested.

    refusals: how many files the server has answered with such a status, this one included. A
    refusal costs one request and never counts against the server; a redirect or a 5xx is retried
    for long, and counts where several files agree.
    """
    if not isinstance(error, SourceUnavailable):
        return False
    return not error.of_file or (error.worth_retrying and refusals >= AGREEING)
