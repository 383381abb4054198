"""Work that is shared by the workers of a Dask scheduler; what they do not give is done here.

The workers run this program's own code, of the same version, and objects go to them as pickles:
scheduler and workers stand in a closed network (docs/threat_model.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

log = logging.getLogger(__name__)

CONNECT = 5.0  # [s] to reach the scheduler
LONGEST = 600.0  # [s] for all parts: an issue does not wait longer

Part = TypeVar("Part")
Shared = TypeVar("Shared")
Done = TypeVar("Done")


def shared_work(
    work: Callable[[Part, Shared], Done], parts: Sequence[Part], shared: Shared, address: str
) -> list[Done]:
    """Return `work(part, shared)` of each part, in their order.

    shared: sent to each worker once. address: of the scheduler; "": all is done here. A scheduler
    that cannot be reached, a worker that fails and what takes longer than LONGEST are logged, and
    their parts are done here, so the result is the same. Raises: what `work` raises here.
    """
    found: dict[int, Done] = {}
    if address and len(parts) > 1:
        try:
            _by_workers(work, parts, shared, address, found)
        except Exception as error:  # whatever is wrong with a cluster costs time only
            log.warning("%s: no work by the Dask workers: %s; it is done here", address, error)
    return [
        found[number] if number in found else work(part, shared)
        for number, part in enumerate(parts)
    ]


def _by_workers(
    work: Callable[[Part, Shared], Done],
    parts: Sequence[Part],
    shared: Shared,
    address: str,
    found: dict[int, Done],
) -> None:
    """Put what the workers compute into `found`, by the number of the part."""
    from dask.distributed import Client, as_completed

    connect: Any = Client
    with connect(address, timeout=CONNECT, set_as_default=False) as client:
        workers = len(client.scheduler_info()["workers"])
        if not workers:
            raise OSError("the scheduler has no workers")
        sent = client.scatter(shared, broadcast=True, hash=False)
        futures: dict[Any, int] = {
            client.submit(work, part, sent, pure=False): number for number, part in enumerate(parts)
        }
        finished: Any = as_completed
        for future in finished(futures, loop=client.loop, timeout=LONGEST):
            try:
                found[futures[future]] = future.result()
            except Exception as error:
                log.warning("a Dask worker failed: %s; its part is done here", error)
    log.info("%d of %d parts by %d Dask workers", len(found), len(parts), workers)
