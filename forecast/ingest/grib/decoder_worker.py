"""The decoding process: unpacks messages for `grib_decoding`, which survives whatever ecCodes does
with a damaged one.

Run as a program of its own (the only place where ecCodes is loaded): a job is a line of JSON on
standard input, followed by the positions of the wanted points; each of its messages is answered on
standard output by a status, a length and the wanted values (float32, NaN where missing) or the
words of an error. A message that takes too long, or more memory than any real one, ends the
process. It ends with its
input: nothing is left when the service is killed.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

MEMORY = 3_000_000_000  # [byte] of address space; a global field of 0.1 degree takes 200 MB
START_SECONDS = 120  # [s] for loading the library
MISSING = 2.0**100  # stands for "no value": exact in both precisions, no such value exists
GOOD, BAD = 0, 1
ANSWER = struct.Struct("<iI")


def main() -> None:
    """Serve jobs until the input ends, or until a message is bad: what met one is not trusted
    again.
    """
    # with its default action: the kernel ends this process, whatever it is caught in
    signal.alarm(START_SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import eccodes

    signal.alarm(0)
    jobs = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # nothing that a library prints may get among the answers
    answers.write(ANSWER.pack(GOOD, 0))
    answers.flush()
    for line in iter(jobs.readline, b""):
        job = json.loads(line)
        for status, content in serve(eccodes, job, jobs.read(job["positions"])):
            answers.write(ANSWER.pack(status, len(content)))
            answers.write(content)
            answers.flush()
            if status == BAD:
                return


def serve(eccodes: Any, job: dict[str, Any], positions: bytes) -> Iterator[tuple[int, bytes]]:
    """Answer the messages of a job one by one."""
    import numpy as np

    wanted = np.frombuffer(positions, dtype=np.int32)
    with open(job["path"], "rb") as file:
        for parts, points, missing, single in job["messages"]:
            signal.alarm(job["seconds"])
            try:
                values = decode(eccodes, assemble(file, parts), points, missing, single)
                chosen = values[wanted]
                if missing:
                    chosen[chosen == MISSING] = np.nan
                yield GOOD, chosen.astype(np.float32, copy=False).tobytes()
            except (eccodes.CodesInternalError, MemoryError, OSError, ValueError) as error:
                yield BAD, f"{type(error).__name__}: {error}".encode()
            finally:
                signal.alarm(0)


def assemble(file: BinaryIO, parts: Sequence[Sequence[int]]) -> bytes:
    """Return one whole message: a stretch of the file, or the sections of one field (its first part
    being the message's own start).
    """
    pieces = [os.pread(file.fileno(), last - first, first) for first, last in parts]
    if len(pieces) == 1:
        return pieces[0]
    start, *sections = pieces
    length = len(start) + sum(map(len, sections)) + 4
    return start[:8] + length.to_bytes(8, "big") + b"".join(sections) + b"7777"


def decode(eccodes: Any, message: bytes, points: int, missing: bool, single: bool) -> Any:
    """Return the values of a message in its own order (point), MISSING where it has none.

    Raises: CodesInternalError, ValueError when there are not `points` values.
    """
    handle = eccodes.codes_new_from_message(message)
    try:
        if missing:
            eccodes.codes_set_double(handle, "missingValue", MISSING)
        get = eccodes.codes_get_float_array if single else eccodes.codes_get_double_array
        values = get(handle, "values")
    finally:
        eccodes.codes_release(handle)
    if len(values) != points:
        raise ValueError(f"{len(values)} values came out, expected {points}")
    return values


if __name__ == "__main__":
    main()
