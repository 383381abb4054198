"""GEFS: a file a member and step in the bucket of GFS's manner, and the members brought together to
one run.

Also what lies in that bucket without members, as the aerosol forecast does. A member that is late
does not hold up the others: a run is used when at least half of the wanted members are whole, and
says which are not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceError, SourceUnavailable
from forecast.http import CLOCK, Client, Clock, Deadline
from forecast.ingest import Needs
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.provider import FetchedCycle, Provider
from forecast.ingest.range_download import Bucket, Layout
from forecast.settings import HttpSettings, ModelSettings

log = logging.getLogger(__name__)


def open_mirror(
    model: ModelSettings,
    mirror: HttpSettings,
    name: str,
    shelf: CycleStore,
    path: Callable[[Cycle, int, int], str],
    clock: Clock = CLOCK,
) -> Provider:
    """Return the way to `model` at one of its mirrors: one bucket, or one a member; they share
    connections and rate.
    """
    client = Client(mirror, clock)

    def bucket(member: int | None) -> Bucket:
        layout = Layout(
            path=lambda cycle, step: path(cycle, step, member or 0),
            members=(member,),
            template=model.path,
            attribution=model.attribution.en,
        )
        origin = "idx" if member is None else f"m{member:02d}"
        return Bucket(client, mirror.connections, shelf, layout, name, origin)

    if not model.members:
        return bucket(None)
    return Members(name, {member: bucket(member) for member in model.members})


def member_name(member: int) -> str:
    """Return a member as GEFS names its files: c00 is the control, p01 the first perturbed."""
    return f"p{member:02d}" if member else "c00"


class Members:
    """A run by its members, each by a way of its own."""

    def __init__(self, name: str, ways: Mapping[int, Provider]) -> None:
        self.name = name
        self._ways = dict(ways)

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Bring the members one by one. Raises: what the first that lacks met, where fewer than
        half are whole.
        """
        got: dict[int, FetchedCycle] = {}
        failures: dict[int, SourceError] = {}
        for member, way in self._ways.items():
            try:
                got[member] = way.fetch(needs, cycle, ask, within)
            except SourceError as error:
                log.info("%s, member %d: %s", cycle.id, member, error)
                failures[member] = error
                ask = ask and not isinstance(error, SourceUnavailable)
                if not got and isinstance(error, CycleNotReady) and error.absent:
                    break
        first = next(iter(failures.values()), None)
        if first is not None and 2 * len(got) < len(self._ways):
            raise first
        notes = tuple(
            f"member {member} is not there: {error}" for member, error in failures.items()
        )
        parts = tuple(got.values())
        return FetchedCycle(
            cycle,
            tuple(file for part in parts for file in part.files),
            parts[0].attribution,
            parts[0].origin,
            sum(part.bytes_fetched for part in parts),
            sum(part.requests for part in parts),
            notes,
            tuple(got),
        )
