"""Hand messages to decoding processes, and survive their end.

ecCodes can be crashed by a damaged message, so it runs in processes of its own (grib_worker.py),
one for each thread of ours, kept for the next call. When one ends, its messages are tried again one
by one, each in a new process: the guilty one is named.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from forecast.errors import SourceCorrupt, SourceError
from forecast.ingest.grib.decoder_worker import ANSWER, GOOD
from forecast.ingest.grib.grid import Cut
from forecast.ingest.grib.headers import Message
from forecast.ingest.grib.packing import CCSDS, COMPLEX, COMPLEX_DIFFERENCED

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
    """A checked message and what to take from it."""

    path: Path
    message: Message
    cut: Cut
    points: int
    missing: bool

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The stretches of the file that make the message: all of it, or one field's sections (2,
        of local use, left out).
        """
        start = self.message.offset
        if self.message.alone:
            return [(start, start + self.message.length)]
        return [(start, start + 16), *(self.message.sections[n] for n in (1, 3, 4, 5, 6, 7))]


class Ended(Exception):
    """An event, told to the caller as SourceCorrupt: the process ended, or refused the message that
    was next; `words` say why.
    """

    def __init__(self, done: int, words: str) -> None:
        super().__init__(words)
        self.done = done


class Decoder:
    """One decoding process."""

    def __init__(self) -> None:
        worker = Path(__file__).with_name("decoder_worker.py")
        self._process = subprocess.Popen(  # noqa: S603
            ["env", *TUNING, sys.executable, "-P", str(worker)],  # noqa: S607 `env` is found on PATH
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._ready = False

    def decode(self, orders: Sequence[Order], seconds: int = SECONDS) -> list[Values]:
        """Return the wanted values of each message (latitude, longitude); all orders are of one
        file and one cut.

        Raises: Ended.
        """
        stdin = self._process.stdin
        assert stdin is not None
        cut, results = orders[0].cut, list[Values]()
        positions = cut.positions.tobytes()
        asked = [
            (o.parts, o.points, o.missing, o.message.packing in IN_SINGLE_PRECISION) for o in orders
        ]
        job = {
            "path": str(orders[0].path.resolve()),
            "seconds": seconds,
            "positions": len(positions),
            "messages": asked,
        }
        try:
            if not self._ready:
                self._answer(0)
                self._ready = True
            stdin.write(json.dumps(job).encode() + b"\n" + positions)
            stdin.flush()
        except OSError:
            raise Ended(0, self._fate()) from None
        for _ in orders:
            content = self._answer(len(results))
            results.append(np.frombuffer(content, dtype=np.float32).reshape(cut.shape))
        return results

    def _answer(self, done: int) -> bytes:
        """Read one answer. Raises: Ended."""
        stdout = self._process.stdout
        assert stdout is not None
        head = stdout.read(ANSWER.size)
        if len(head) < ANSWER.size:
            raise Ended(done, self._fate())
        status, length = ANSWER.unpack(head)
        content = stdout.read(length)
        if len(content) < length:
            raise Ended(done, self._fate())
        if status != GOOD:
            raise Ended(done, content.decode(errors="replace"))
        return content

    def _fate(self) -> str:
        """Say how the process ended."""
        code = self._process.wait()
        if code == -signal.SIGALRM:
            return "it took too long"
        return (
            f"the decoder was ended by {signal.Signals(-code).name}"
            if code < 0
            else f"the decoder ended with code {code}"
        )

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()


class Decoders:
    """The processes at hand: one is borrowed for a batch, and given back if it served."""

    def __init__(self) -> None:
        self._idle: list[Decoder] = []
        self._lock = threading.Lock()

    def warm(self, count: int) -> None:
        """Start processes until `count` wait: they load while the headers are read."""
        with self._lock:
            self._idle = [decoder for decoder in self._idle if decoder.alive]
            self._idle += [Decoder() for _ in range(count - len(self._idle))]

    def decode(self, orders: Sequence[Order], seconds: int = SECONDS) -> list[Values]:
        """Return the wanted values of each message (latitude, longitude); all orders are of one
        file and one cut.

        Raises: SourceCorrupt, naming the message that could not be decoded.
        """
        decoder = self._borrow()
        try:
            values = decoder.decode(orders, seconds)
        except Ended as ended:
            decoder.close()
            log.warning(
                "%s: %s; trying again, message by message", orders[ended.done].message.where, ended
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
        """End every waiting process."""
        with self._lock:
            for decoder in self._idle:
                decoder.close()
            self._idle.clear()


def _alone(order: Order, seconds: int) -> Values:
    """Decode one message in a process of its own."""
    decoder = Decoder()
    try:
        return decoder.decode([order], seconds)[0]
    except Ended as ended:
        if not decoder._ready:
            raise SourceError(
                f"the decoder does not start ({ended}): is eccodes installed for {sys.executable}?"
            ) from ended
        raise SourceCorrupt(
            f"{order.message.where}: cannot be decoded ({ended}), expected {order.points} values: fetch it again"
        ) from None
    finally:
        decoder.close()


DECODERS = Decoders()
atexit.register(DECODERS.close)
