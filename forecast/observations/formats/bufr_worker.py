"""The decoding process for BUFR: unpacks messages for `bufr`, the only user of ecCodes here.

Run by `forecast.worker`. A request is a batch of messages. Each is answered by its reports as JSON
(for each subset the wanted descriptors in their order, [descriptor, value], null where the value is
missing) or by the message of an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from forecast.worker import Channel

MEMORY = 1_500_000_000  # [byte] of address space
SECONDS = 10  # [s] that one message may take; a bulletin of 50 stations takes 0.01
SUBSETS = 20_000  # a whole continent's reports in one message
GOOD, BAD = 0, 1  # as in forecast.worker
SURFACE_LAND = 0  # BUFR table A
MISSING = -1e100

# Of WMO-No. 306, table B: which station, when and where, and what bufr.py reads.
WANTED = frozenset((
    1001, 1002, 4001, 4002, 4003, 4004, 4005, 4024, 4025, 5001, 5002, 6001, 6002, 7001, 7030, 8002,
    8021, 10004, 10051, 11001, 11002, 11011,
    11012, 11041, 12004, 12006, 12101, 12103, 13003, 13011, 13013, 13019, 13020, 13021, 13022,
    13023, 14031, 20001, 20003, 20010, 20011,
    20013, 20014,
))  # fmt: skip
QUALITY_FOLLOWS = 222000  # what follows describes the quality of the values before it


def main(channel: Channel) -> None:
    """Answer requests until the input ends."""
    import eccodes

    channel.ready()
    for messages in channel.requests():
        for message in messages:
            try:
                with channel.within(SECONDS):
                    content = json.dumps(reports(eccodes, message), separators=(",", ":"))
            except (eccodes.CodesInternalError, MemoryError, ValueError) as error:
                channel.answer(BAD, (str(error) or type(error).__name__).encode())
            else:
                channel.answer(GOOD, content.encode())


def reports(eccodes: Any, message: bytes) -> list[list[tuple[int, float | None]]]:
    """Return the wanted descriptors and values of each subset of a message.

    Raises: CodesInternalError; ValueError where it is not a surface report, or its values do not
    match its descriptors.
    """
    handle = eccodes.codes_new_from_message(message)
    try:
        category, subsets = (
            eccodes.codes_get(handle, "dataCategory"),
            eccodes.codes_get(handle, "numberOfSubsets"),
        )
        if category != SURFACE_LAND:
            raise ValueError(f"data category {category}, expected {SURFACE_LAND} (surface, land)")
        if not 1 <= subsets <= SUBSETS:
            raise ValueError(f"{subsets} subsets, at most {SUBSETS} are read")
        eccodes.codes_set(handle, "skipExtraKeyAttributes", 1)
        eccodes.codes_set(handle, "unpack", 1)
        descriptors = eccodes.codes_get_array(handle, "expandedDescriptors").tolist()
        values = eccodes.codes_get_array(handle, "numericValues").tolist()
    finally:
        eccodes.codes_release(handle)
    found, at = [], 0
    for _ in range(subsets):
        pairs, at = subset(descriptors, values, at)
        found.append(pairs)
    if at != len(values):
        raise ValueError(f"{len(values)} values were decoded, its descriptors announce {at}")
    return found


def subset(
    descriptors: Sequence[int], values: Sequence[float], at: int
) -> tuple[list[tuple[int, float | None]], int]:
    """Return one subset's wanted descriptors with values, from `values[at]` on, and its end.

    Raises: ValueError.
    """
    pairs: list[tuple[int, float | None]] = []
    wanted = True
    for descriptor in expand(descriptors, values, at):
        if at >= len(values):
            raise ValueError(
                f"only {len(values)} values were decoded, its descriptors announce more"
            )
        if descriptor == QUALITY_FOLLOWS:
            wanted = False
        if wanted and descriptor in WANTED:
            value = values[at]
            pairs.append((descriptor, None if value == MISSING else value))
        at += 1
    return pairs, at


def expand(descriptors: Sequence[int], values: Sequence[float], at: int) -> Iterator[int]:
    """Yield the descriptor of each value, with replications expanded. Raises: ValueError."""
    place = 0
    while place < len(descriptors):
        descriptor = descriptors[place]
        place += 1
        if not 100_000 <= descriptor < 200_000:
            yield descriptor
            at += 1
            continue
        count = descriptor // 1000 - 100
        block = descriptors[place + 1 : place + 1 + count]
        yield descriptors[place]
        times = values[at] if at < len(values) else 0
        at += 1
        if any(100_000 <= inner < 200_000 for inner in block) or not 0 <= times <= 65_535:
            raise ValueError("replications within replications, or without a count")
        for _ in range(int(times)):
            yield from block
            at += len(block)
        place += 1 + count
