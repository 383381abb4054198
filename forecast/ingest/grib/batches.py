"""Pieces in the portions in which they are decoded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from forecast.ingest.grib.decoder_pool import DECODERS
from forecast.ingest.grib.limits import Piece
from forecast.ingest.grib.unpacking import is_simple

BATCH_MESSAGES = 16  # handed to a decoder at once
BATCH_BYTES = 1_000_000


def batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Yield the pieces in portions for one decoder: several small messages, or one or two large.

    The pieces of a portion are of one file and one cut, all unpacked here or all by ecCodes.
    """

    def alike(piece: Piece) -> tuple[object, ...]:
        return piece.order.path, id(piece.order.cut), is_simple(piece.order)

    for _, same in groupby(pieces, key=alike):
        portion: list[Piece] = []
        size = 0
        for piece in same:
            portion.append(piece)
            size += piece.order.message.length
            if len(portion) == BATCH_MESSAGES or size >= BATCH_BYTES:
                yield portion
                portion, size = [], 0
        if portion:
            yield portion


def warmed(found: Iterable[list[Piece]], threads: int) -> Iterator[list[Piece]]:
    """Yield batches; before the first one that ecCodes decodes, its processes are started."""
    cold = True
    for batch in found:
        if cold and not is_simple(batch[0].order):
            DECODERS.warm(threads)
            cold = False
        yield batch
