"""GFS over the network: the public bucket by byte ranges, the region filter of NOMADS.

Both write complete files to the cycle store, every message checked against the request.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable

from forecast.domain import Cycle
from forecast.errors import CycleNotReady, SourceCorrupt, SourceUnavailable, is_page
from forecast.http import CLOCK, Client, Clock, Deadline, progress
from forecast.ingest import Needs
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.download_task import DownloadTask
from forecast.ingest.grib.headers import scan
from forecast.ingest.matching import choose_messages, refuse_poor
from forecast.ingest.provider import ATTRIBUTION, FetchedCycle, of_whole_run, path_of
from forecast.ingest.range_download import Bucket, Layout, Remote, retried
from forecast.settings import HttpSettings
from forecast.settings.sources import GFS_PATH, fill_path

log = logging.getLogger(__name__)

MAXIMUM_CUT = 64_000_000  # [byte] of one answer of the filter; 14 by 18 degrees come as 2 MB
# part of a step's fields that may be absent, where other steps have them, before it counts as still
# growing
LACKING = 0.05


def open_bucket(
    settings: HttpSettings, store: CycleStore, clock: Clock = CLOCK, path: str = GFS_PATH
) -> Bucket:
    """Return the provider of GFS's public bucket. path: the pattern of the path of a step."""
    return Bucket(
        Client(settings, clock),
        settings.connections,
        store,
        Layout(lambda cycle, step: "/" + fill_path(path, cycle.run, step), template=path),
    )


class Filter(Remote):
    """The region filter of NOMADS: one request a step, cut to the region on the server."""

    def __init__(
        self, settings: HttpSettings, store: CycleStore, clock: Clock = CLOCK, path: str = GFS_PATH
    ) -> None:
        super().__init__(Client(settings, clock), settings.connections, store, "filter", "filter")
        self._path = path

    def fetch(
        self, needs: Needs, cycle: Cycle, ask: bool = True, within: Deadline | None = None
    ) -> FetchedCycle:
        """Fetch every message that `needs` names, at every step.

        Raises: CycleNotReady, SourceUnavailable, SourceCorrupt.
        """
        with self._task(
            needs, cycle, within, (needs.north, needs.south, needs.west, needs.east)
        ) as task:
            task.may_ask(ask)
            log.info(
                "%s by the filter: %d of %d steps to fetch",
                cycle.id,
                len(task.todo),
                len(needs.steps),
            )
            with progress(len(task.todo), cycle.id, unit="step") as advance:
                if task.todo:
                    self._last_step(task, advance)
                    task.each(
                        lambda step: self._step(task, step, advance),
                        task.todo[:-1],
                        self._connections,
                    )
            self._refuse_thin(task)
            return task.acquired(ATTRIBUTION)

    def _last_step(self, task: DownloadTask, advance: Callable[[int], object]) -> None:
        """Fetch the last step.

        Raises: CycleNotReady, SourceUnavailable, with `absent` if the first step is not there
        either.
        """
        try:
            self._step(task, task.todo[-1], advance)
        except (CycleNotReady, SourceUnavailable) as error:
            if len(task.todo) < len(task.needs.steps):
                raise
            raise of_whole_run(
                error, task.cycle, lambda: self._step(task, task.todo[0], advance)
            ) from error

    def _step(self, task: DownloadTask, step: int, advance: Callable[[int], object]) -> None:
        """Fetch one step; a damaged response is requested again."""
        retried(lambda: self._cut(task, step), task.files[step].discard)
        advance(1)

    def _cut(self, task: DownloadTask, step: int) -> None:
        folder, name = path_of(task.cycle, step, self._path)
        file, fields = task.files[step], task.needs.fields
        try:
            body = self._client.get(
                "", task.deadline, MAXIMUM_CUT, query=query_of(task.needs, folder, name)
            ).body
        except CycleNotReady as error:
            raise CycleNotReady(f"{name}: {error}") from error
        if body[:4] != b"GRIB":
            text = " ".join(body[:2000].decode("latin-1").split())
            if "not present" in text or "not found" in text.lower():
                raise CycleNotReady(f"{name}: the filter says that it is not there yet")
            raise SourceCorrupt(
                f"{name}: the filter answered with something else than GRIB: {text:.120}",
                is_page(body),
            )
        held = list(scan(body, name))
        kept, names = choose_messages(held, fields, task.cycle, step, name)
        refuse_poor(fields, names, name)
        file.resume("", [])
        file.append(body[m.offset : m.offset + m.length] for m in kept)
        file.finish(task.digests[step], {}, lambda data: sum(1 for _ in scan(data, name)))

    def _refuse_thin(self, task: DownloadTask) -> None:
        """Raise CycleNotReady if a step has far fewer messages than the others: it is incomplete.

        The analysis (step 0) has no means and sums and is not compared.
        """
        counts = {
            step: manifest.messages
            for step in task.needs.steps
            if step and (manifest := task.manifest(step))
        }
        usual = Counter(counts.values()).most_common(1)[0][0] if counts else 0
        thin = [step for step, count in counts.items() if count < (1 - LACKING) * usual]
        for step in thin:
            task.files[step].manifest.unlink(missing_ok=True)
        if thin:
            few = f"f{thin[0]:03d} has {counts[thin[0]]} messages, other steps {usual}"
            raise CycleNotReady(f"{task.cycle.id}: {few}: it is still being written")


def query_of(needs: Needs, folder: str, name: str) -> list[tuple[str, str]]:
    """Return the query of the filter: every variable, every level, and the region.

    The response has all combinations of variables and levels.
    """
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
    region = {
        "toplat": needs.north,
        "leftlon": west,
        "rightlon": west + width,
        "bottomlat": needs.south,
    }
    return [*query, ("subregion", ""), *((key, f"{degrees:g}") for key, degrees in region.items())]
