"""Runs that come field by field as numbers, not as GRIB: each is written as GRIB2 into the store.

So a run of CMADaaS grids or of MICAPS files is kept, resumed and read as any other. A step is
written message by message; after a kill what it holds is not asked for again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceCorrupt, SourceRefused
from forecast.http import Deadline, progress
from forecast.ingest import Needs
from forecast.ingest.cmadaas_parameters import ServiceField
from forecast.ingest.cmadaas_replies import ReplyGrid
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.download_task import Counted, DownloadTask
from forecast.ingest.grib import writing
from forecast.ingest.grib.headers import scan
from forecast.ingest.matching import ESSENTIAL, holds, refuse_poor
from forecast.ingest.provider import FetchedCycle
from forecast.quantities import Field

log = logging.getLogger(__name__)

NCEP = 7  # whose numbers the catalogue's keys are
FIRST = tuple(name for group in ESSENTIAL for name in group)  # asked for first


@dataclass(frozen=True, slots=True)
class WantedGrid:
    """One field on one level, as the source calls it and as the run needs it."""

    asked: ServiceField
    field: Field


class GridProvider:
    """A provider of runs by single fields. counted: what it costs to fetch."""

    name = "grids"

    def __init__(
        self,
        counted: Counted,
        connections: int,
        asked: tuple[ServiceField, ...],
        attribution: str,
        store: CycleStore,
    ) -> None:
        self._counted, self._connections, self._store = counted, connections, store
        self._asked, self._attribution = asked, attribution
        self._known: dict[Path, tuple[int, int, int]] = {}
        self._refused: set[tuple[str, str]] = set()  # elements that this run does not have

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Fetch every field that the table names, at every step.

        Raises: CycleNotReady, SourceUnavailable, SourceCorrupt.
        """
        box = (needs.north, needs.south, needs.west, needs.east)
        extra = repr((box, self._asked, self._state(cycle)))
        with DownloadTask(
            self._counted, self._store, self.name, needs, cycle,
            known=self._known, within=within, extra=extra,
        ) as task:  # fmt: skip
            task.may_ask(ask or self._is_local)
            log.info(
                "%s by %s: %d of %d steps to fetch",
                cycle.id,
                self.name,
                len(task.todo),
                len(needs.steps),
            )
            if task.todo:
                self._refused.clear()
                self._begin(cycle, task.deadline)
                with progress(len(task.todo), cycle.id, unit="step") as advance:
                    # steps appear in order: where the last one lacks, the run is not complete
                    self._step(task, task.todo[-1], advance)
                    task.each(
                        lambda step: self._step(task, step, advance),
                        task.todo[:-1],
                        self._connections,
                    )
            return task.acquired(self._attribution)

    # -- what a source does in its own way

    _is_local = False

    def _state(self, cycle: Cycle) -> object:
        """Return what else changes the content of a run."""
        return None

    def _begin(self, cycle: Cycle, deadline: Deadline) -> None:
        """Check that a run may be there. Raises: SourceError."""

    def _grid(
        self, wanted: WantedGrid, cycle: Cycle, step: int, needs: Needs, deadline: Deadline
    ) -> ReplyGrid:
        """Return a field. Raises: CycleNotReady where there is none, SourceError."""
        raise NotImplementedError

    # -- steps

    def _wanted(self, needs: Needs) -> Iterator[WantedGrid]:
        """Yield the fields that a run needs and the table names, the essential ones first."""
        by_name: Mapping[str, Field] = {field.name: field for field in needs.fields}
        there = [
            WantedGrid(asked, by_name[asked.field.name])
            for asked in self._asked
            if asked.field.name in by_name
        ]
        yield from (each for each in there if each.field.name in FIRST)
        yield from (each for each in there if each.field.name not in FIRST)

    def _step(self, task: DownloadTask, step: int, advance: Callable[[int], object]) -> None:
        file = task.files[step]
        kept = file.resume_whole(task.digests[step])
        held = list(scan(kept, file.part.name)) if kept else []
        names: set[str] = set()
        for wanted in self._wanted(task.needs):
            field, level = wanted.field, wanted.asked.pressure
            if field.statistic != "point" and step == 0:
                continue
            if any(holds(message, field, level) for message in held):
                names.add(field.name)
                continue
            if (grid := self._fetched(wanted, task, step)) is not None:
                file.append([self._message(wanted, grid, task, step)])
                names.add(field.name)
        name = f"{task.cycle.id} f{step:03d}"
        refuse_poor(task.needs.fields, names, name)
        file.finish(task.digests[step], {}, lambda data: sum(1 for _ in scan(data, name)))
        advance(1)

    def _fetched(self, wanted: WantedGrid, task: DownloadTask, step: int) -> ReplyGrid | None:
        """Return a field; None where the run does not have it and can do without."""
        mark = (wanted.asked.element, wanted.asked.level_type)
        if mark in self._refused:
            return None
        try:
            return self._grid(wanted, task.cycle, step, task.needs, task.deadline)
        except CycleNotReady as error:
            if wanted.field.name in FIRST:
                raise
            log.info("%s f%03d: %s: %s", task.cycle.id, step, wanted.field.name, error)
        except SourceRefused as error:
            if wanted.field.name in FIRST or not error.of_file:
                raise
            self._refused.add(mark)
            log.warning("%s: %s is left out: %s", task.cycle.id, wanted.field.name, error)
        return None

    def _message(self, wanted: WantedGrid, grid: ReplyGrid, task: DownloadTask, step: int) -> bytes:
        """Return a field as GRIB2, in the unit and under the key by which it is read."""
        field, asked = wanted.field, wanted.asked
        start = step
        if field.statistic != "point":
            earlier = [each for each in task.needs.steps if each < step]
            start = 0 if asked.from_start or not earlier else earlier[-1]
        key = field.keys[0]
        level = asked.pressure if asked.pressure is not None else (key.value or 0.0)
        about = writing.WrittenField(
            key, level, NCEP if field.centre is None else field.centre, task.cycle.run, start, step,
            field.statistic,
        )  # fmt: skip
        values = (grid.values * asked.factor + asked.offset) / field.factor
        try:
            return writing.message(about, grid.latitudes, grid.longitudes, values)
        except ValueError as error:
            raise SourceCorrupt(f"{task.cycle.id} f{step:03d}, {field.name}: {error}") from error
