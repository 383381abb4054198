"""GEFS: a file a member and step, in a bucket laid out like that of GFS; the members form one run.

The aerosol forecast in the same bucket has no members. A late member does not delay the others: a
run is used when at least half of the wanted members are complete, and names those that are not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceError
from forecast.http import CLOCK, Client, Clock, Deadline
from forecast.ingest import Needs
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.provider import FetchedCycle, Provider, fails_as_a_whole
from forecast.ingest.range_download import Bucket, Layout
from forecast.settings import HttpSettings
from forecast.settings.sources import ModelSettings

log = logging.getLogger(__name__)


def open_mirror(
    model: ModelSettings,
    mirror: HttpSettings,
    name: str,
    store: CycleStore,
    path: Callable[[Cycle, int, int], str],
    clock: Clock = CLOCK,
) -> Provider:
    """Return the provider of `model` at one of its mirrors: one bucket, or one a member.

    Buckets of members share connections and the rate limit.
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
        return Bucket(client, mirror.connections, store, layout, name, origin)

    if not model.members:
        return bucket(None)
    return Members(name, {member: bucket(member) for member in model.members})


def member_name(member: int) -> str:
    """Return a member as GEFS names its files: c00 is the control, p01 the first perturbed."""
    return f"p{member:02d}" if member else "c00"


class Members:
    """A run by its members, each with a provider of its own."""

    def __init__(self, name: str, providers: Mapping[int, Provider]) -> None:
        self.name = name
        self._providers = dict(providers)

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Fetch the members one by one.

        Raises: the first failure of a member, if fewer than half are complete.
        """
        got: dict[int, FetchedCycle] = {}
        failures: dict[int, SourceError] = {}
        refusals = 0
        for member, provider in self._providers.items():
            try:
                got[member] = provider.fetch(needs, cycle, ask, within)
            except SourceError as error:
                log.info("%s, member %d: %s", cycle.id, member, error)
                failures[member] = error
                refusals += getattr(error, "of_file", False)
                ask = ask and not fails_as_a_whole(error, refusals)
                if not got and isinstance(error, CycleNotReady) and error.absent:
                    break
        first = next(iter(failures.values()), None)
        if first is not None and 2 * len(got) < len(self._providers):
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
