"""Decode messages in processes of their own, and survive their end.

A damaged message can crash ecCodes, so it runs in separate processes (decoder_worker.py), one for
each reading thread, kept for the next call. When one ends, its messages are tried again one by one,
each in a new process: the message that cannot be decoded is named.
"""

from __future__ import annotations

import atexit
import json
import logging
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.errors import SourceCorrupt, SourceError
from forecast.ingest.grib.grid import Cut
from forecast.ingest.grib.headers import Message
from forecast.ingest.grib.packing import CCSDS, COMPLEX, COMPLEX_DIFFERENCED
from forecast.worker import GOOD, Worker, WorkerEnded

log = logging.getLogger(__name__)

SECONDS = 20  # [s] that one message may take; a global field of 0.25 degree takes 0.01 to 0.1
# ecCodes unpacks these straight to float32
IN_SINGLE_PRECISION = (COMPLEX, COMPLEX_DIFFERENCED, CCSDS)

# The C library's memory stays with the process instead of going back to the kernel after each
# message (150 000 page faults per 60 global fields); read by the C library at its start, hence
# before the process is there.
TUNING = (
    "MALLOC_MMAP_THRESHOLD_=1000000000",
    "MALLOC_TRIM_THRESHOLD_=1000000000",
    "MALLOC_TOP_PAD_=67108864",
    "OPENBLAS_NUM_THREADS=1",
)

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Order:
    """A checked message and the points to read from it."""

    path: Path
    message: Message
    cut: Cut
    points: int
    missing: bool

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The (first, last) bytes of the file that make the message.

        All of it, or the sections of one field (without section 2, of local use).
        """
        start = self.message.offset
        if self.message.alone:
            return [(start, start + self.message.length)]
        return [(start, start + 16), *(self.message.sections[n] for n in (1, 3, 4, 5, 6, 7))]


class DecodingFailed(Exception):
    """A message was refused, or the process ended over it. done: messages decoded before it.

    Internal: callers get SourceCorrupt or SourceError.
    """

    def __init__(self, done: int, reason: str) -> None:
        super().__init__(reason)
        self.done = done


class Decoder:
    """One decoding process."""

    def __init__(self) -> None:
        self.worker = Worker(Path(__file__).with_name("decoder_worker.py"), TUNING)

    def decode(self, orders: Sequence[Order], seconds: int = SECONDS) -> list[Values]:
        """Return the wanted values of each message (latitude, longitude).

        All orders are of one file and one cut.

        Raises: DecodingFailed.
        """
        cut, results = orders[0].cut, list[Values]()
        job = {
            "path": str(orders[0].path.resolve()),
            "seconds": seconds,
            "messages": [
                (o.parts, o.points, o.missing, o.message.packing in IN_SINGLE_PRECISION)
                for o in orders
            ],
        }
        try:
            self.worker.send([json.dumps(job).encode(), cut.positions.tobytes()])
            for _ in orders:
                status, content = self.worker.receive()
                if status != GOOD:
                    raise DecodingFailed(len(results), content.decode(errors="replace"))
                results.append(np.frombuffer(content, dtype=np.float32).reshape(cut.shape))
        except WorkerEnded as ended:
            raise DecodingFailed(len(results), str(ended)) from None
        return results

    def close(self) -> None:
        """End the process."""
        self.worker.close()


class Decoders:
    """The idle processes: one is taken for a batch, and put back if it succeeds."""

    def __init__(self) -> None:
        self._idle: list[Decoder] = []
        self._lock = threading.Lock()

    def warm(self, count: int) -> None:
        """Start processes until `count` are idle: they load while the headers are read."""
        with self._lock:
            self._idle = [decoder for decoder in self._idle if decoder.worker.alive]
            self._idle += [Decoder() for _ in range(count - len(self._idle))]

    def decode(self, orders: Sequence[Order], seconds: int = SECONDS) -> list[Values]:
        """Return the wanted values of each message (latitude, longitude).

        All orders are of one file and one cut.

        Raises: SourceCorrupt, naming the message that could not be decoded.
        """
        decoder = self._borrow()
        try:
            values = decoder.decode(orders, seconds)
        except DecodingFailed as failure:
            decoder.close()
            log.warning(
                "%s: %s; trying again, message by message",
                orders[failure.done].message.where,
                failure,
            )
            return [_alone(order, seconds) for order in orders]
        except BaseException:
            decoder.close()
            raise
        with self._lock:
            self._idle.append(decoder)
        return values

    def _borrow(self) -> Decoder:
        with self._lock:
            return self._idle.pop() if self._idle else Decoder()

    def close(self) -> None:
        """End every idle process."""
        with self._lock:
            for decoder in self._idle:
                decoder.close()
            self._idle.clear()


def _alone(order: Order, seconds: int) -> Values:
    """Decode one message in a process of its own."""
    decoder = Decoder()
    try:
        return decoder.decode([order], seconds)[0]
    except DecodingFailed as failure:
        if not decoder.worker.ready:
            raise SourceError(
                f"the decoder does not start ({failure}): is eccodes installed for "
                f"{sys.executable}?"
            ) from failure
        raise SourceCorrupt(
            f"{order.message.where}: cannot be decoded ({failure}), expected {order.points} "
            "values: fetch it again"
        ) from None
    finally:
        decoder.close()


DECODERS = Decoders()
atexit.register(DECODERS.close)
