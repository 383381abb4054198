"""GFS over the network, two ways: the public bucket by byte ranges, the region filter of NOMADS by one request a step.

Both bring a step message by message, check each against what was asked (run, step, parameter, level), and leave a whole file in the
folder of cycles. A run counts only when all its wanted steps are there; the last is asked for first, since steps appear in order.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from forecast import transport
from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceCorrupt
from forecast.ingest import Needs
from forecast.ingest.grib_headers import scan
from forecast.ingest.inventory import (
    MAXIMUM_MESSAGE,
    MAXIMUM_TEXT,
    Entry,
    Selection,
    messages,
    parse_inventory,
    plan_ranges,
    select,
)
from forecast.ingest.matching import choose_messages, refuse_poor, verify
from forecast.ingest.stored import HEADER, Card, Shelf, StepFile, check_message, length_of
from forecast.ingest.ways import ATTRIBUTION, Acquired, path_of
from forecast.quantities import Field
from forecast.settings import HttpSettings

log = logging.getLogger(__name__)

MAXIMUM_STEP = 600_000_000  # [byte] of one step; a whole 0.25 degree file has 545 MB
MAXIMUM_CUT = 64_000_000  # [byte] of one answer of the filter; 14 by 18 degrees come as 2 MB
REFETCHES = 2  # how often a step that came damaged is asked for again
LACKING = 0.05  # part of a step's fields that may be absent, where other steps have them, before it counts as still growing

T = TypeVar("T")


class _Remote:
    """What both ways over the network keep between cycles: connections, the folder, which files were verified."""

    name: str

    def __init__(self, settings: HttpSettings, shelf: Shelf, clock: transport.Clock = transport.CLOCK) -> None:
        self._client = transport.Client(settings, clock)
        self._connections = settings.connections
        self._shelf = shelf
        self._known: dict[Path, tuple[int, int, int]] = {}

    def _errand(self, needs: Needs, cycle: Cycle) -> _Errand:
        return _Errand(self._client, self._shelf, self.name, needs, cycle, self._known)


class Bucket(_Remote):
    """The public bucket: an inventory and a few byte ranges for each step."""

    name = "bucket"

    def fetch(self, needs: Needs, cycle: Cycle, ask: bool = True) -> Acquired:
        """Bring every message that `needs` names, at every step. Raises: CycleNotReady, SourceUnavailable, SourceCorrupt."""
        with self._errand(needs, cycle) as errand:
            errand.may_ask(ask)
            listings: dict[int, Listing] = {}
            if errand.todo:
                listings[errand.todo[-1]] = self._listing(cycle, errand.todo[-1], errand.deadline)
                rest = errand.each(lambda step: self._listing(cycle, step, errand.deadline), errand.todo[:-1], self._connections)
                listings.update(rest)
            chosen = _choose(needs, listings, errand.cards)
            total = sum(entry.end - entry.offset for step in errand.todo for entry in messages(chosen[step].wanted) if entry.end)
            log.info("%s by the bucket: %d of %d steps to fetch, %.1f MB", cycle.id, len(errand.todo), len(needs.steps), total / 1e6)
            with transport.progress(total, cycle.id) as advance:
                errand.each(lambda step: self._step(errand, step, listings[step], chosen, advance), errand.todo, self._connections)
            return errand.acquired()

    def _listing(self, cycle: Cycle, step: int, deadline: transport.Deadline) -> Listing:
        return insisting(lambda: self._read_listing(cycle, step, deadline))

    def _read_listing(self, cycle: Cycle, step: int, deadline: transport.Deadline) -> Listing:
        """Fetch the inventory of a step, and the head of its last message: together they prove file and inventory whole."""
        folder, name = path_of(cycle, step)
        text = self._client.get(f"{folder}/{name}.idx", deadline, MAXIMUM_TEXT).body
        entries = parse_inventory(text, cycle, f"{name}.idx")
        last = entries[-1].offset
        head = self._client.get(f"{folder}/{name}", deadline, HEADER, span=transport.Span(last, last + HEADER - 1))
        end = last + length_of(head.body, f"{name}, byte {last}")
        if head.total is None or head.total < end:
            raise CycleNotReady(f"{name}: {head.total} bytes are there, its inventory runs to {end}: it is still being written")
        if head.total > end:
            raise SourceCorrupt(f"{name}: {head.total} bytes are there, but its inventory ends at {end}: cut short or of another file")
        closed = tuple(replace(entry, end=end) if entry.end is None else entry for entry in entries)
        return Listing(closed, head.total, head.etag, hashlib.sha256(text).hexdigest())

    def _step(
        self, errand: _Errand, step: int, listing: Listing, chosen: dict[int, Selection], advance: Callable[[int], object]
    ) -> None:
        """Bring one step; a damaged one is asked for again, with a fresh inventory."""
        earlier = [chosen[s] for s in errand.needs.steps if s < step]
        current = [(listing, chosen[step])]

        def renew() -> None:
            errand.files[step].discard()
            fresh = self._listing(errand.cycle, step, errand.deadline)
            current[0] = (fresh, select(fresh.entries, errand.needs.fields, step, earlier[-1] if earlier else None))

        insisting(lambda: self._ranges(errand, step, *current[0], advance), renew)

    def _ranges(
        self, errand: _Errand, step: int, listing: Listing, selection: Selection, advance: Callable[[int], object]
    ) -> None:
        """Bring the ranges of one step that are not in its part yet, check every message, and give the file its name."""
        folder, name = path_of(errand.cycle, step)
        file, wanted = errand.files[step], messages(selection.wanted)
        refuse_poor(errand.needs.fields, {w.field.name for w in selection.wanted}, name)
        spans = [(entry.offset, entry.end or 0) for entry in wanted]
        if any(end - start > MAXIMUM_MESSAGE for start, end in spans) or sum(end - start for start, end in spans) > MAXIMUM_STEP:
            raise SourceCorrupt(f"{name}.idx: names messages of impossible size; expected at most {MAXIMUM_MESSAGE // 1_000_000} MB each")
        plan = hashlib.sha256(f"{listing.digest} {listing.etag} {errand.digests[step]}".encode()).hexdigest()
        kept = file.resume(plan, [end - start for start, end in spans])
        advance(sum(end - start for start, end in spans[:kept]))
        for first, end in plan_ranges(spans[kept:]):
            limit = end - first
            reply = self._client.get(f"{folder}/{name}", errand.deadline, limit, span=transport.Span(first, end - 1))
            if (reply.total, reply.etag) != (listing.total, listing.etag):
                raise SourceCorrupt(f"{name}: changed while it was being read; expected {listing.total} bytes, mark {listing.etag}")
            pieces = [(start, reply.body[start - first : stop - first]) for start, stop in spans if first <= start < end]
            for start, piece in pieces:
                check_message(piece, f"{name}, byte {start}")
            file.append(piece for _, piece in pieces)
            advance(sum(len(piece) for _, piece in pieces))
        file.finish(errand.digests[step], selection.starts, lambda data: verify(data, name, errand.cycle, selection))


class Filter(_Remote):
    """The region filter of NOMADS: one request a step, cut to the region on the server."""

    name = "filter"

    def fetch(self, needs: Needs, cycle: Cycle, ask: bool = True) -> Acquired:
        """Bring every message that `needs` names, at every step. Raises: CycleNotReady, SourceUnavailable, SourceCorrupt."""
        with self._errand(needs, cycle) as errand:
            errand.may_ask(ask)
            log.info("%s by the filter: %d of %d steps to fetch", cycle.id, len(errand.todo), len(needs.steps))
            with transport.progress(len(errand.todo), cycle.id, unit="step") as advance:
                if errand.todo:
                    self._step(errand, errand.todo[-1], advance)
                    errand.each(lambda step: self._step(errand, step, advance), errand.todo[:-1], self._connections)
            self._refuse_thin(errand)
            return errand.acquired()

    def _step(self, errand: _Errand, step: int, advance: Callable[[int], object]) -> None:
        """Bring one step; a damaged answer is asked for again."""
        insisting(lambda: self._cut(errand, step), errand.files[step].discard)
        advance(1)

    def _cut(self, errand: _Errand, step: int) -> None:
        folder, name = path_of(errand.cycle, step)
        file, fields = errand.files[step], errand.needs.fields
        try:
            body = self._client.get("", errand.deadline, MAXIMUM_CUT, query=query_of(errand.needs, folder, name)).body
        except CycleNotReady as error:
            raise CycleNotReady(f"{name}: {error}") from error
        if body[:4] != b"GRIB":
            text = " ".join(body[:2000].decode("latin-1").split())
            if "not present" in text or "not found" in text.lower():
                raise CycleNotReady(f"{name}: the filter says that it is not there yet")
            raise SourceCorrupt(f"{name}: the filter answered with something else than GRIB: {text:.120}")
        held = list(scan(body, name))
        kept, names = choose_messages(held, fields, errand.cycle, step, name)
        refuse_poor(fields, names, name)
        file.resume("", [])
        file.append(body[m.offset : m.offset + m.length] for m in kept)
        file.finish(errand.digests[step], {}, lambda data: sum(1 for _ in scan(data, name)))

    def _refuse_thin(self, errand: _Errand) -> None:
        """Raise CycleNotReady where a step has notably fewer messages than the rest: it was read while it grew.

        The analysis (step 0) has no means and sums and is not compared.
        """
        counts = {step: card.messages for step in errand.needs.steps if step and (card := errand.card(step))}
        usual = Counter(counts.values()).most_common(1)[0][0] if counts else 0
        thin = [step for step, count in counts.items() if count < (1 - LACKING) * usual]
        for step in thin:
            errand.files[step].card.unlink(missing_ok=True)
        if thin:
            few = f"f{thin[0]:03d} has {counts[thin[0]]} messages, other steps {usual}"
            raise CycleNotReady(f"{errand.cycle.id}: {few}: it is still being written")


def insisting(attempt: Callable[[], T], before_next: Callable[[], object] = lambda: None) -> T:
    """Return what `attempt` gives; where it was damaged, prepare and ask again, a few times. Raises: SourceCorrupt after the last."""
    for _ in range(REFETCHES):
        try:
            return attempt()
        except SourceCorrupt as error:
            log.warning("%s; fetching it anew", error)
            before_next()
    return attempt()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a step's file holds, every end known; how large it is, and its mark."""

    entries: tuple[Entry, ...]
    total: int
    etag: str
    digest: str


class _Errand:
    """One attempt to have one cycle by one way: its files, its deadline, what it cost. A `with` block works alone in the folder."""

    def __init__(
        self, client: transport.Client, shelf: Shelf, origin: str, needs: Needs, cycle: Cycle, known: dict[Path, tuple[int, int, int]]
    ) -> None:
        self.needs, self.cycle, self.deadline = needs, cycle, client.deadline()
        self._client, self._shelf, self._origin, self._known = client, shelf, origin, known
        self._before = (client.bytes, client.requests)
        before = (None, *needs.steps)
        region = needs if origin == "filter" else None
        self.digests = {step: needs_digest(needs.fields, step, before[i], region) for i, step in enumerate(needs.steps)}

    def __enter__(self) -> _Errand:
        with ExitStack() as stack:
            stack.enter_context(self._shelf.locked(self.deadline))
            folder = self._shelf.folder(self.cycle, self._origin)
            self.files = {step: StepFile(folder, step) for step in self.needs.steps}
            self.cards = {step: card for step in self.needs.steps if (card := self.card(step))}
            self.todo = [step for step in self.needs.steps if step not in self.cards]
            self._lock = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.deadline.cut()
        self._lock.close()

    def may_ask(self, ask: bool) -> None:
        """Raise CycleNotReady where something is still to be fetched and the server is not to be asked."""
        if self.todo and not ask:
            raise CycleNotReady(f"{self.cycle.id}: was not fetched before, and the server cannot be asked now")

    def card(self, step: int) -> Card | None:
        return self.files[step].read_card(self.digests[step], self._known)

    def each(self, work: Callable[[int], T], steps: Sequence[int], threads: int) -> dict[int, T]:
        """Do `work` for every step, a few at a time; the first failure stops the others and is raised."""
        with ThreadPoolExecutor(threads, thread_name_prefix=self._origin) as pool:
            futures = {pool.submit(work, step): step for step in steps}
            try:
                return {futures[future]: future.result() for future in as_completed(futures)}
            except BaseException:
                self.deadline.cut()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def acquired(self) -> Acquired:
        files = tuple(self.files[step].path for step in self.needs.steps)
        spent = (self._client.bytes - self._before[0], self._client.requests - self._before[1])
        return Acquired(self.cycle, files, ATTRIBUTION, self._origin, *spent)


def _choose(needs: Needs, listings: dict[int, Listing], cards: dict[int, Card]) -> dict[int, Selection]:
    """Choose what is wanted of every step, in order: which window is best depends on the one chosen before."""
    chosen: dict[int, Selection] = {}
    previous: Selection | None = None
    for step in needs.steps:
        if step in listings:
            previous = select(listings[step].entries, needs.fields, step, previous)
        else:
            previous = Selection(step, (), cards[step].starts)
        chosen[step] = previous
    return chosen


def needs_digest(fields: Iterable[Field], step: int, before: int | None, region: Needs | None = None) -> str:
    """Tell apart what may be wanted of a step; `before` is the step before it, `region` given where the file is cut to it."""
    place = None if region is None else (region.north, region.south, region.west, region.east)
    said = [[(f.name, f.levels, f.statistic, f.inventory) for f in fields], step, before, place]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def query_of(needs: Needs, folder: str, name: str) -> list[tuple[str, str]]:
    """Return the filter's parameters: every variable and every level once (it answers with their cross product), and the region."""
    variables = {variable for field in needs.fields for variable in field.inventory[0]}
    levels = {
        field.inventory[1].replace("{hPa}", f"{level / 100:g}" if level else "").replace(" ", "_")
        for field in needs.fields
        for level in field.levels or (0,)
    }
    west = needs.west % 360
    width = 360.0 if needs.east - needs.west >= 360 else (needs.east - needs.west) % 360
    query = [("dir", folder), ("file", name)]
    query += [(f"var_{variable}", "on") for variable in sorted(variables)]
    query += [(f"lev_{level}", "on") for level in sorted(levels)]
    region = {"toplat": needs.north, "leftlon": west, "rightlon": west + width, "bottomlat": needs.south}
    return [*query, ("subregion", ""), *((key, f"{degrees:g}") for key, degrees in region.items())]
