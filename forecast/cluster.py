"""Work that is shared by the workers of a Dask scheduler; what they do not give is done here.

The workers run this program's own code, of the same version, and objects go to them as pickles:
scheduler and workers stand in a closed network (docs/threat_model.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

log = logging.getLogger(__name__)

CONNECT = 5.0  # [s] to reach the scheduler
LONGEST = 600.0  # [s] for all parts: an issue does not wait longer
TAKE = 60.0  # [s] to take a part from a worker

Part = TypeVar("Part")
Shared = TypeVar("Shared")
Done = TypeVar("Done")


def shared_work(
    work: Callable[[Part, Shared], Done], parts: Sequence[Part], shared: Shared, address: str
) -> Iterator[Done]:
    """Yield `work(part, shared)` of each part, in their order; one at a time is in memory here.

    shared: sent to each worker once. address: of the scheduler; "": all is done here. A scheduler
    that cannot be reached, a worker that fails and what takes longer than LONGEST are logged, and
    their parts are done here, so the result is the same. Raises: what `work` raises here.
    """
    with ExitStack() as stack:
        given: dict[int, Any] = {}
        if address and len(parts) > 1:
            try:
                _by_workers(work, parts, shared, address, stack, given)
            except Exception as error:  # whatever is wrong with a cluster costs time only
                log.warning("%s: no work by the Dask workers: %s; it is done here", address, error)
        for number, part in enumerate(parts):
            found = _taken(given.pop(number)) if number in given else None
            yield work(part, shared) if found is None else found[0]


def _by_workers(
    work: Callable[[Part, Shared], Done],
    parts: Sequence[Part],
    shared: Shared,
    address: str,
    stack: ExitStack,
    given: dict[int, Any],
) -> None:
    """Put what the workers have computed into `given`, by the number of the part.

    It stays with them until it is taken. stack: closes the connection.
    """
    from dask.distributed import Client, as_completed

    connect: Any = Client
    client = stack.enter_context(connect(address, timeout=CONNECT, set_as_default=False))
    workers = len(client.scheduler_info()["workers"])
    if not workers:
        raise OSError("the scheduler has no workers")
    sent = client.scatter(shared, broadcast=True, hash=False)
    futures: dict[Any, int] = {
        client.submit(work, part, sent, pure=False): number for number, part in enumerate(parts)
    }
    finished: Any = as_completed
    for future in finished(futures, loop=client.loop, timeout=LONGEST):
        if error := future.exception():
            log.warning("a Dask worker failed: %s; its part is done here", error)
        else:
            given[futures[future]] = future
    log.info("%d of %d parts by %d Dask workers", len(given), len(parts), workers)


def _taken(future: Any) -> tuple[Any] | None:
    """Return what a worker computed; None where it is gone with the worker."""
    try:
        return (future.result(timeout=TAKE),)
    except Exception as error:
        log.warning("a Dask worker failed: %s; its part is done here", error)
        return None
