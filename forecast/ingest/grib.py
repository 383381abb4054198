"""GRIB messages -> Atmosphere: only the wanted ones, each decoded once and cropped at once.

What is wanted is found by the section headers (grib_headers), what is found is checked (grib_packing), what is sound is decoded in
processes that may crash (grib_decoding), what comes out is held against the catalogue's limits and laid into one cube (grib_cube).

Decided here: only one deterministic forecast is read (members of an ensemble and derived products are passed over, as is what nobody
asked for); numbers that a centre defines for itself are known for NCEP only; the same bytes twice are one message; a field that a
file names in two ways is taken by the name that the catalogue has first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from forecast.domain import Atmosphere, Cycle
from forecast.errors import MissingInput, SourceCorrupt
from forecast.ingest import Needs
from forecast.ingest.grib_cube import Piece, Values, assemble
from forecast.ingest.grib_decoding import DECODERS, Order
from forecast.ingest.grib_grid import MICRO, Cut, Grid, cut
from forecast.ingest.grib_headers import Data, Message, inspect, read_data, scan
from forecast.ingest.grib_packing import check, grid_of, has_missing, quantum
from forecast.quantities import Field

__all__ = ["inspect", "read_atmosphere"]

NCEP = 7
BATCH_MESSAGES = 16  # handed to a decoder at once
BATCH_BYTES = 1_000_000
LOCAL = 192  # GRIB2: numbers, categories and surfaces from here on are a centre's own
WMO_TABLES = (1, 2, 3)  # edition 1: the parameter tables that agree on the numbers below 128


def read_atmosphere(files: Sequence[Path], cycle: Cycle, needs: Needs, threads: int = 2) -> Atmosphere:
    """Read what is needed of a cycle from its files, in `threads` decoding processes.

    Returns: float32 variables named as in the catalogue over (time, level, latitude, longitude) or (time, latitude, longitude): valid
    times rising; levels [Pa] falling, all that any variable has (NaN where one lacks it); latitude and longitude rising [degree].
    What stands for a span of time is per interval between the times that are there, and has its start in `<name>_start` (time).
    Attributes: `cycle`, `grid_spacing` [degree], `files`, and the names of the fields that are `absent` (in none of the files),
    `incomplete` (not at every step or level) and `interpolated` (given on another grid).
    Raises: SourceCorrupt for what is damaged, contradicts itself, is of another run or impossible; MissingInput when an essential
    field is in none of the files.
    """
    DECODERS.warm(threads)
    finder = Finder(cycle, needs)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decoding")
    try:
        found = (batch for path in files for batch in batches(finder.find(path)))
        pending = [(batch, pool.submit(DECODERS.decode, [piece.order for piece in batch])) for batch in found]
        decoded: list[tuple[Piece, Values]] = []
        for batch, future in pending:
            decoded += zip(batch, future.result(), strict=True)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    there = {piece.field.name for piece, _ in decoded}
    names = ", ".join(path.name for path in files) or "no file"
    if lost := [field.name for field in needs.fields if field.essential and field.name not in there]:
        steps = ", ".join(f"{step:+d}" for step in needs.steps[:8])
        raise MissingInput(f"{cycle.id}: {', '.join(lost)} in none of the files ({names:.200}) at the steps {steps} h: fetch the run again")
    if not decoded:
        raise MissingInput(f"{cycle.id}: none of the wanted fields in the files ({names:.200}): fetch the run again")
    place = {field.name: n for n, field in enumerate(needs.fields)}
    atmosphere = assemble(sorted(decoded, key=lambda each: place[each[0].field.name]), cycle)
    atmosphere.attrs["files"] = [path.name for path in files]
    atmosphere.attrs["absent"] = [field.name for field in needs.fields if field.name not in there]
    return atmosphere


def batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Deal pieces out in portions of one file and one cut: some small messages, or one or two large ones."""
    for _, same in groupby(pieces, key=lambda piece: (piece.order.path, id(piece.order.cut))):
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


class Finder:
    """Finds the wanted messages of a cycle in one file after another."""

    def __init__(self, cycle: Cycle, needs: Needs) -> None:
        self._cycle, self._needs = cycle, needs
        self._steps = frozenset(float(step) for step in needs.steps)
        self._grids: dict[str, tuple[int, Cut]] = {}  # by the digest of their section
        self._seen: dict[tuple[object, ...], list[tuple[Message, Data]]] = {}
        self._fields2: dict[tuple[int, ...], list[tuple[Field, int, float | None]]] = {}
        self._fields1: dict[tuple[int, ...], list[tuple[Field, int, float | None]]] = {}
        for field in needs.fields:
            for rank, key in enumerate(field.keys):
                place = (key.discipline, key.category, key.number, key.surface)
                self._fields2.setdefault(place, []).append((field, rank, key.value))
            for rank, (number, surface) in enumerate(field.grib1):
                self._fields1.setdefault((number, surface), []).append((field, rank, field.keys[0].value))

    def find(self, path: Path) -> Iterator[Piece]:
        """Yield the wanted messages of a file, checked.

        Raises: SourceCorrupt.
        """
        data = read_data(path)
        for message in scan(data, path.name):
            known = self._field_of(message)
            if known is None:
                continue
            field, rank = known
            if message.run != self._cycle.run:
                run = "no date" if message.run is None else f"{message.run:%Y-%m-%d %H:%M}Z"
                raise SourceCorrupt(f"{message.where}: {field.name} of run {run}, expected {self._cycle.run:%Y-%m-%d %H:%M}Z")
            if message.end in self._steps and not self._is_copy(field, message, data):
                yield self._piece(path, field, rank, message, data)

    def _field_of(self, message: Message) -> tuple[Field, int] | None:
        """Return the wanted field that a message holds, and which of its names the message uses."""
        if message.template not in (0, 8) or message.layer:
            return None
        if message.edition == 2:
            local = max(*message.parameter, message.surface) >= LOCAL
            candidates = () if local and message.centre != NCEP else self._fields2.get((*message.parameter, message.surface), ())
        else:
            table, _, number = message.parameter
            candidates = self._fields1.get((number, message.surface), ()) if table in WMO_TABLES else ()
        for field, rank, value in candidates:
            fits = message.value in field.levels if field.levels else value is None or message.value == value
            if fits and message.statistic == field.statistic:
                return field, rank
        return None

    def _is_copy(self, field: Field, message: Message, data: Data) -> bool:
        """Tell whether these very bytes were met before: the same product, bitmap and data."""
        earlier = self._seen.setdefault((field.name, message.value, message.start, message.end), [])
        for other, theirs in earlier:
            if other.grid == message.grid and all(
                data[slice(*message.sections[n])] == theirs[slice(*other.sections[n])] for n in (4, 5, 6, 7) if n in message.sections
            ):
                return True
        earlier.append((message, data))
        return False

    def _piece(self, path: Path, field: Field, rank: int, message: Message, data: Data) -> Piece:
        if message.grid not in self._grids:
            grid = grid_of(message, data)
            self._grids[message.grid] = grid.points, self._cut(grid, message)
        points, part = self._grids[message.grid]
        check(message, data, points)
        order = Order(path, message, part, points, has_missing(message, data))
        level = round(message.value) if field.levels else None
        return Piece(field, level, (message.start, message.end), rank, order, quantum(message, data) * field.factor)

    def _cut(self, grid: Grid, message: Message) -> Cut:
        part, needs = cut(grid, self._needs), self._needs
        if 0 in part.shape:
            south, north = sorted((grid.first_latitude / MICRO, grid.last_latitude / MICRO))
            west, east = grid.first_longitude / MICRO, grid.last_longitude / MICRO
            raise SourceCorrupt(
                f"{message.where}: its grid ({south:g} to {north:g} N, {west:g} to {east:g} E) does not meet the region "
                f"({needs.south:g} to {needs.north:g} N, {needs.west:g} to {needs.east:g} E): was another region fetched?"
            )
        return part
