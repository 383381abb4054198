"""Run a program that may die: native code can crash it, and the service survives.

`Worker` is the service's end. The program's end is this file run as a script: it sets the limits of
the process, loads the program (a Python file that defines `MEMORY` [byte] and `main(channel)`) and
gives it a `Channel`. Nothing but the standard library is imported here, and the programs import no
module of the service: a process starts as fast as its library loads.

A request is a list of byte strings, read whole before it is answered. Each of its items is answered
by a status and a byte string. A process that takes too long over an item is ended by the kernel,
whatever it is doing. It ends with its input: nothing is left when the service is killed.
"""

from __future__ import annotations

import contextlib
import os
import resource
import runpy
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

START_SECONDS = 120  # [s] for loading the library
GOOD, BAD = 0, 1  # status of an answer: the result, or the message of an error
LENGTH = struct.Struct("<I")
ANSWER = struct.Struct("<iI")


class WorkerEnded(Exception):
    """The process ended before it answered. Internal: translated by whoever runs a worker."""


class Worker:
    """A process that runs a program; see the module."""

    def __init__(self, program: Path, environment: Sequence[str] = ()) -> None:
        """Start the process. environment: NAME=VALUE, in addition to the service's own."""
        command = ["env", *environment, sys.executable, "-P", __file__, str(program)]
        self._process = subprocess.Popen(  # noqa: S603
            command,  # `env` is found on PATH
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.ready = False  # its library is loaded

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, items: Sequence[bytes]) -> None:
        """Send one request. Raises: WorkerEnded."""
        if not self.ready:
            self.receive()
            self.ready = True
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(pack(items))
            self._process.stdin.flush()
        except OSError:
            raise WorkerEnded(self._end()) from None

    def receive(self) -> tuple[int, bytes]:
        """Return the next answer: GOOD and a result, or BAD and a message. Raises: WorkerEnded."""
        status, length = ANSWER.unpack(self._read(ANSWER.size))
        return status, self._read(length)

    def _read(self, length: int) -> bytes:
        assert self._process.stdout is not None
        content = self._process.stdout.read(length)
        if len(content) < length:
            raise WorkerEnded(self._end())
        return content

    def _end(self) -> str:
        """Describe how the process ended."""
        code = self._process.wait()
        if code == -signal.SIGALRM:
            return "it took too long"
        if code < 0:
            return f"the decoder was ended by {signal.Signals(-code).name}"
        return f"the decoder ended with code {code}"

    def close(self) -> None:
        """End the process and collect its exit status."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.wait()


class Channel:
    """The program's end: requests come on standard input, answers go to standard output."""

    def __init__(self) -> None:
        self._requests: BinaryIO = sys.stdin.buffer
        self._answers = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
        os.dup2(2, 1)  # what a library prints does not mix with the answers

    def ready(self) -> None:
        """Report that the library is loaded: the time limit of the start ends."""
        signal.alarm(0)
        self.answer(GOOD, b"")

    def requests(self) -> Iterator[list[bytes]]:
        """Yield each request, until the input ends."""
        while head := self._requests.read(LENGTH.size):
            yield unpack(self._requests.read(LENGTH.unpack(head)[0]))

    def answer(self, status: int, content: bytes) -> None:
        """Send the answer to the next item."""
        self._answers.write(ANSWER.pack(status, len(content)))
        self._answers.write(content)
        self._answers.flush()

    @contextlib.contextmanager
    def within(self, seconds: int) -> Iterator[None]:
        """End the process if the block takes longer than `seconds`."""
        signal.alarm(seconds)  # its default action: the kernel ends the process
        try:
            yield
        finally:
            signal.alarm(0)


def pack(items: Sequence[bytes]) -> bytes:
    """Return a request as bytes: its length, then each item behind its own length."""
    content = b"".join(LENGTH.pack(len(item)) + item for item in items)
    return LENGTH.pack(len(content)) + content


def unpack(content: bytes) -> list[bytes]:
    """Return the items of a request, without the length of the whole."""
    items, at = [], 0
    while at < len(content):
        start = at + LENGTH.size
        at = start + LENGTH.unpack_from(content, at)[0]
        items.append(content[start:at])
    return items


def run(program: str) -> None:
    """Run a program with its limits: time to start, memory, no core file."""
    signal.alarm(START_SECONDS)
    names = runpy.run_path(program)
    resource.setrlimit(resource.RLIMIT_AS, (names["MEMORY"], names["MEMORY"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    names["main"](Channel())


if __name__ == "__main__":
    run(sys.argv[1])
