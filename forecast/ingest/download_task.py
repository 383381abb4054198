"""One attempt to fetch a cycle: the step files it still needs, and what the attempt cost."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from forecast.domain import Cycle
from forecast.errors import CycleNotReady
from forecast.http import Deadline
from forecast.ingest import Needs
from forecast.ingest.cycle_store import CycleManifest, CycleStore, StepFile
from forecast.ingest.provider import FetchedCycle
from forecast.quantities import Field

T = TypeVar("T")


class Counted(Protocol):
    """What fetches, and counts the requests it sends and the bytes it receives."""

    @property
    def requests(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    def deadline(self, within: Deadline | None = None) -> Deadline: ...


class DownloadTask:
    """One attempt to fetch one cycle from one provider: its files, its deadline, what it cost.

    Inside a `with` block no other process works in the folder.
    """

    def __init__(
        self,
        client: Counted,
        store: CycleStore,
        origin: str,
        needs: Needs,
        cycle: Cycle,
        *,
        known: dict[Path, tuple[int, int, int]],
        within: Deadline | None,
        extra: object,
    ) -> None:
        self.needs, self.cycle, self.deadline = needs, cycle, client.deadline(within)
        self._client, self._store, self._origin, self._known = client, store, origin, known
        self._before = (client.bytes, client.requests)
        before = (None, *needs.steps)
        self.digests = {
            step: needs_digest(needs.fields, step, before[i], extra)
            for i, step in enumerate(needs.steps)
        }

    def __enter__(self) -> DownloadTask:
        with ExitStack() as stack:
            stack.enter_context(self._store.locked(self.deadline))
            folder = self._store.folder(self.cycle, self._origin)
            self.files = {step: StepFile(folder, step) for step in self.needs.steps}
            self.manifests = {
                step: manifest for step in self.needs.steps if (manifest := self.manifest(step))
            }
            self.todo = [step for step in self.needs.steps if step not in self.manifests]
            self._lock = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.deadline.cut()
        self._lock.close()

    def may_ask(self, ask: bool) -> None:
        """Raise CycleNotReady where a step is missing and no request may be sent."""
        if self.todo and not ask:
            raise CycleNotReady(
                f"{self.cycle.id}: was not fetched before, and the server cannot be asked now"
            )

    def manifest(self, step: int) -> CycleManifest | None:
        return self.files[step].read_manifest(self.digests[step], self._known)

    def each(self, work: Callable[[int], T], steps: Sequence[int], threads: int) -> dict[int, T]:
        """Do `work` for every step, `threads` at a time; the first failure stops the others.

        Raises: the first failure.
        """
        with ThreadPoolExecutor(threads, thread_name_prefix=self._origin) as pool:
            futures = {pool.submit(work, step): step for step in steps}
            try:
                return {futures[future]: future.result() for future in as_completed(futures)}
            except BaseException:
                self.deadline.cut()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def acquired(self, attribution: str) -> FetchedCycle:
        files = tuple(self.files[step].path for step in self.needs.steps)
        spent = (self._client.bytes - self._before[0], self._client.requests - self._before[1])
        return FetchedCycle(self.cycle, files, attribution, self._origin, *spent)


def needs_digest(
    fields: Iterable[Field], step: int, before: int | None, extra: object = None
) -> str:
    """Return a digest of what is wanted of a step.

    before: the step before it. extra: what else changes the content of its file.
    """
    rows = [(f.name, f.levels, f.statistic, f.index if f.index[0] else f.inventory) for f in fields]
    return hashlib.sha256(json.dumps([rows, step, before, extra]).encode()).hexdigest()
