"""The decoding process for GRIB: unpacks messages for `decoder_pool`, the only user of ecCodes.

Run by `forecast.worker`. A request is a description of the work as JSON, and the positions of the
wanted points (int32). Each of its messages is answered by the wanted values (float32, NaN where
missing) or by the message of an error; after an error the process ends, because ecCodes is not
trusted again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from forecast.worker import Channel

MEMORY = 3_000_000_000  # [byte] of address space; a global field of 0.1 degree takes 200 MB
MISSING = 2.0**100  # stands for "no value": exact in both precisions, no such value exists
GOOD, BAD = 0, 1  # as in forecast.worker


def main(channel: Channel) -> None:
    """Answer requests until the input ends, or until a message is bad."""
    import eccodes

    channel.ready()
    for description, positions in channel.requests():
        for status, content in serve(eccodes, channel, json.loads(description), positions):
            channel.answer(status, content)
            if status == BAD:
                return


def serve(
    eccodes: Any, channel: Channel, job: dict[str, Any], positions: bytes
) -> Iterator[tuple[int, bytes]]:
    """Yield the answer to each message of a request."""
    import numpy as np

    wanted = np.frombuffer(positions, dtype=np.int32)
    with open(job["path"], "rb") as file:
        for parts, points, missing, single in job["messages"]:
            try:
                with channel.within(job["seconds"]):
                    values = decode(eccodes, assemble(file, parts), points, missing, single)
                    chosen = values[wanted]
                    if missing:
                        chosen[chosen == MISSING] = np.nan
                    content = chosen.astype(np.float32, copy=False).tobytes()
            except (eccodes.CodesInternalError, MemoryError, OSError, ValueError) as error:
                yield BAD, f"{type(error).__name__}: {error}".encode()
            else:
                yield GOOD, content


def assemble(file: BinaryIO, parts: Sequence[Sequence[int]]) -> bytes:
    """Return one whole message: a part of the file, or the sections of one field.

    The first of several parts is the start of the message they belong to.
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
