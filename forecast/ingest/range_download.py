"""Fetch cycles by inventories and byte ranges, from servers with an inventory beside each file.

A step is fetched message by message; each is checked against the request (run, step, member,
parameter, level). The step ends as one file in the store of cycles. A run counts only when all its
wanted steps are there; the last is requested first, since steps appear in order. A model's file
names and the form of its inventories are its `Layout`; the rest is the same for all models.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from forecast import http as transport
from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceCorrupt, SourceUnavailable
from forecast.http import Deadline
from forecast.ingest import Needs
from forecast.ingest.cycle_store import HEADER, CycleManifest, CycleStore, check_message, length_of
from forecast.ingest.download_task import DownloadTask
from forecast.ingest.inventory import (
    MAXIMUM_MESSAGE,
    MAXIMUM_TEXT,
    InventoryEntry,
    Names,
    Selection,
    messages,
    parse_inventory,
    plan_ranges,
    select,
    spelled,
)
from forecast.ingest.matching import lacking, refuse_poor, verify_messages
from forecast.ingest.provider import ATTRIBUTION, FetchedCycle, of_whole_run
from forecast.quantities import Field

log = logging.getLogger(__name__)

MAXIMUM_STEP = 600_000_000  # [byte] of one step; a whole 0.25 degree file has 545 MB
REFETCHES = 2  # how often a step that arrived damaged is fetched again

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Layout:
    """The names of a model's files, and the form of their inventories.

    path: of a step below the address. listing: of its inventory, from that path. parse: the text of
    an inventory -> entries. names: its spellings of a field. members: those of an ensemble that one
    file holds (None: no ensemble). template: the path as in the settings.
    """

    path: Callable[[Cycle, int], str]
    listing: Callable[[str], str] = "{}.idx".format
    parse: Callable[[bytes, Cycle, str], tuple[InventoryEntry, ...]] = parse_inventory
    names: Callable[[Field, int | None], Names] = spelled
    members: tuple[int | None, ...] = (None,)
    template: str = ""
    longest: int = MAXIMUM_TEXT  # [byte] of an inventory
    attribution: str = ATTRIBUTION


class Remote:
    """A provider over the network: its connections, the cycle store, and the files verified."""

    def __init__(
        self, client: transport.Client, connections: int, store: CycleStore, name: str, origin: str
    ) -> None:
        self.name = name
        self._client, self._connections, self._store, self._origin = (
            client,
            connections,
            store,
            origin,
        )
        self._known: dict[Path, tuple[int, int, int]] = {}

    def _task(
        self, needs: Needs, cycle: Cycle, within: Deadline | None, extra: object = None
    ) -> DownloadTask:
        return DownloadTask(
            self._client,
            self._store,
            self._origin,
            needs,
            cycle,
            known=self._known,
            within=within,
            extra=extra,
        )


class Bucket(Remote):
    """A server of whole files: an inventory and a few byte ranges for each step."""

    def __init__(
        self,
        client: transport.Client,
        connections: int,
        store: CycleStore,
        layout: Layout,
        name: str = "bucket",
        origin: str = "bucket",
    ) -> None:
        super().__init__(client, connections, store, name, origin)
        self._layout = layout

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Fetch every message that `needs` names, at every step.

        Raises: CycleNotReady, SourceUnavailable, SourceCorrupt.
        """
        extra = None if self._layout.members == (None,) else self._layout.members
        with self._task(needs, cycle, within, extra) as task:
            task.may_ask(ask)
            listings: dict[int, Listing] = {}
            if task.todo:
                listings[task.todo[-1]] = self._last_listing(task)
                rest = task.each(
                    lambda step: self._listing(task, step), task.todo[:-1], self._connections
                )
                listings.update(rest)
            chosen = self._choose(needs, listings, task.manifests)
            total = sum(
                entry.end - entry.offset
                for step in task.todo
                for entry in messages(chosen[step].wanted)
                if entry.end
            )
            log.info(
                "%s by the %s: %d of %d steps to fetch, %.1f MB",
                cycle.id,
                self.name,
                len(task.todo),
                len(needs.steps),
                total / 1e6,
            )
            with transport.progress(total, cycle.id) as advance:
                task.each(
                    lambda step: self._step(task, step, listings[step], chosen, advance),
                    task.todo,
                    self._connections,
                )
            return task.acquired(self._layout.attribution)

    def cost(self, needs: Needs, cycle: Cycle) -> tuple[int, int]:
        """Return the bytes and requests of `fetch` for a cycle of which nothing is in the store.

        Only its inventories are fetched.
        """
        with self._task(needs, cycle, None) as task:
            listings = task.each(
                lambda step: self._listing(task, step), needs.steps, self._connections
            )
            spans = [
                plan_ranges([(e.offset, e.end or 0) for e in messages(chosen.wanted)])
                for chosen in self._choose(needs, listings, {}).values()
            ]
        ranges = [each for step in spans for each in step]
        return sum(end - first for first, end in ranges), len(ranges) + 2 * len(needs.steps)

    def _last_listing(self, task: DownloadTask) -> Listing:
        """Return the listing of the last wanted step.

        Raises: CycleNotReady, SourceUnavailable, with `absent` if the first step has none either.
        """
        first, last = task.todo[0], task.todo[-1]
        try:
            return self._listing(task, last)
        except (CycleNotReady, SourceUnavailable) as error:
            if not self._layout.template or task.manifests:
                raise
            listing = self._layout.listing(self._layout.path(task.cycle, first))
            raise of_whole_run(
                error,
                task.cycle,
                lambda: self._client.get(listing, task.deadline, self._layout.longest),
            ) from error

    def _choose(
        self, needs: Needs, listings: dict[int, Listing], manifests: dict[int, CycleManifest]
    ) -> dict[int, Selection]:
        """Choose the messages of every step in order: the best window depends on the one before."""
        chosen: dict[int, Selection] = {}
        previous: Selection | None = None
        for step in needs.steps:
            listed = listings.get(step)
            previous = (
                Selection(step, (), manifests[step].starts)
                if listed is None
                else self._select(needs, listed, step, previous)
            )
            chosen[step] = previous
        return chosen

    def _select(
        self, needs: Needs, listing: Listing, step: int, previous: Selection | None
    ) -> Selection:
        return select(
            listing.entries, needs.fields, step, previous, self._layout.names, self._layout.members
        )

    def _listing(self, task: DownloadTask, step: int) -> Listing:
        return retried(lambda: self._read_listing(task, step))

    def _read_listing(self, task: DownloadTask, step: int) -> Listing:
        """Fetch the inventory of a step and the header of its last message.

        Together they show that file and inventory are complete and belong together.
        """
        path = self._layout.path(task.cycle, step)
        listing, name = self._layout.listing(path), path.rpartition("/")[2]
        text = self._client.get(listing, task.deadline, self._layout.longest).body
        entries = self._layout.parse(text, task.cycle, listing.rpartition("/")[2])
        last = entries[-1].offset
        head = self._client.get(
            path, task.deadline, HEADER, span=transport.ByteRange(last, last + HEADER - 1)
        )
        end = last + length_of(head.body, f"{name}, byte {last}")
        if entries[-1].end not in (None, end):
            raise SourceCorrupt(
                f"{name}: its last message ends at byte {end}, by its inventory at "
                f"{entries[-1].end}: not of the same file"
            )
        if head.total is None or head.total < end:
            raise CycleNotReady(
                f"{name}: {head.total} bytes are there, its inventory runs to {end}: "
                "it is still being written"
            )
        if head.total > end:
            raise SourceCorrupt(
                f"{name}: {head.total} bytes are there, but its inventory ends at {end}: "
                "cut short or of another file"
            )
        names = {
            name
            for field in task.needs.fields
            for level in field.levels or (None,)
            for name in self._layout.names(field, level)
        }
        useful = [
            e
            for e in entries
            if (e.variable, e.level) in names and e.member in self._layout.members
        ]
        closed = tuple(replace(entry, end=end) if entry.end is None else entry for entry in useful)
        return Listing(closed, head.total, head.etag, hashlib.sha256(text).hexdigest())

    def _step(
        self,
        task: DownloadTask,
        step: int,
        listing: Listing,
        chosen: dict[int, Selection],
        advance: Callable[[int], object],
    ) -> None:
        """Fetch one step; a damaged one is fetched again, with a new inventory."""
        earlier = [chosen[s] for s in task.needs.steps if s < step]
        current = [(listing, chosen[step])]

        def renew() -> None:
            task.files[step].discard()
            fresh = self._listing(task, step)
            current[0] = (
                fresh,
                self._select(task.needs, fresh, step, earlier[-1] if earlier else None),
            )

        retried(lambda: self._ranges(task, step, *current[0], advance), renew)

    def _ranges(
        self,
        task: DownloadTask,
        step: int,
        listing: Listing,
        selection: Selection,
        advance: Callable[[int], object],
    ) -> None:
        """Fetch the ranges of a step that its part lacks; check every message; name the file."""
        path = self._layout.path(task.cycle, step)
        name = path.rpartition("/")[2]
        file, wanted = task.files[step], messages(selection.wanted)
        self._refuse_poor(task.needs.fields, selection, name)
        spans = [(entry.offset, entry.end or 0) for entry in wanted]
        if (
            any(end - start > MAXIMUM_MESSAGE for start, end in spans)
            or sum(end - start for start, end in spans) > MAXIMUM_STEP
        ):
            largest = MAXIMUM_MESSAGE // 1_000_000
            raise SourceCorrupt(
                f"{name}: its inventory has messages of impossible size; "
                f"expected at most {largest} MB each"
            )
        plan = hashlib.sha256(
            f"{listing.digest} {listing.etag} {task.digests[step]}".encode()
        ).hexdigest()
        kept = file.resume(plan, [end - start for start, end in spans])
        advance(sum(end - start for start, end in spans[:kept]))
        for first, end in plan_ranges(spans[kept:]):
            reply = self._client.get(
                path, task.deadline, end - first, span=transport.ByteRange(first, end - 1)
            )
            if (reply.total, reply.etag) != (listing.total, listing.etag):
                raise SourceCorrupt(
                    f"{name}: changed while it was being read; expected {listing.total} bytes, "
                    f"mark {listing.etag}"
                )
            pieces = [
                (start, reply.body[start - first : stop - first])
                for start, stop in spans
                if first <= start < end
            ]
            for start, piece in pieces:
                check_message(piece, f"{name}, byte {start}")
            file.append(piece for _, piece in pieces)
            advance(sum(len(piece) for _, piece in pieces))
        file.finish(
            task.digests[step],
            selection.starts,
            lambda data: verify_messages(data, name, task.cycle, selection),
        )

    def _refuse_poor(self, fields: Sequence[Field], selection: Selection, name: str) -> None:
        """Log the members of an ensemble of which a step lacks what no forecast can do without.

        Raises: SourceCorrupt where fewer than half of the members are whole.
        """
        members = self._layout.members
        there: dict[int | None, set[str]] = {member: set() for member in members}
        for wanted in selection.wanted:
            there.setdefault(wanted.entry.member, set()).add(wanted.field.name)
        poor = [member for member in members if lacking(fields, there[member])]
        if 2 * len(poor) > len(members):
            refuse_poor(fields, there[poor[0]], name)
        for member in poor:
            log.warning("%s: member %s is not whole and not used", name, member)


def retried(attempt: Callable[[], T], before_next: Callable[[], object] = lambda: None) -> T:
    """Return the result of `attempt`; where it was damaged, try again, REFETCHES times.

    before_next: called before each further attempt.
    Raises: SourceCorrupt after the last.
    """
    for _ in range(REFETCHES):
        try:
            return attempt()
        except SourceCorrupt as error:
            log.warning("%s; fetching it again", error)
            before_next()
    return attempt()


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of a step's file that may be wanted, each with its end; its size and ETag."""

    entries: tuple[InventoryEntry, ...]
    total: int
    etag: str
    digest: str
