"""Read GRIB messages into an Atmosphere: only those wanted, each decoded once and cropped.

Messages are selected by their headers (headers.py), checked (packing.py), unpacked here
(unpacking.py: simple packing) or decoded in separate processes (decoder_pool.py), checked against
the limits of the catalogue and put into one cube (cube.py). One that is damaged, or packed or
gridded in a way not read here, costs only itself.

One deterministic forecast is read, or the members requested; means and spreads of an ensemble are
ignored. Messages of an area outside the region are passed over and named. Numbers from 192 on in
the catalogue are NCEP's; those of another centre are read if the model's parameter table names
them. Of aerosols, the total at 550 nm is read. Identical bytes are one message; of a field with two
names in a file, the first name in the catalogue is used.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from forecast.domain import Atmosphere, Cycle
from forecast.errors import MissingInput, SkyscapeError, SourceCorrupt
from forecast.ingest import Needs
from forecast.ingest.grib.batches import batches, warmed
from forecast.ingest.grib.cube import assemble
from forecast.ingest.grib.decoder_pool import DECODERS, Order
from forecast.ingest.grib.grid import MICRO, Cut, Grid, cut
from forecast.ingest.grib.headers import Data, Message, inspect, read_data, scan
from forecast.ingest.grib.limits import Piece, Values
from forecast.ingest.grib.packing import check, grid_of, has_missing, quantum
from forecast.ingest.grib.unpacking import is_simple, unpack
from forecast.quantities import Field

__all__ = ["inspect", "read_atmosphere", "read_members"]

log = logging.getLogger(__name__)

# what every member of an ensemble must have at each step that the others have
PROFILES = (
    "air_temperature",
    "relative_humidity",
    "specific_humidity",
    "geopotential_height",
    "geopotential",
)
NCEP = 7
LOCAL = 192  # GRIB2: numbers, categories and surfaces from here on are a centre's own
WMO_TABLES = (1, 2, 3)  # edition 1: the parameter tables that agree on the numbers below 128
# edition 1: a number in a table of a centre's own is written table * 1000 + number, as ECMWF does
TABLE = 1000
# product templates: one forecast, a member of several, optical properties of aerosol
SINGLE, ENSEMBLE, AEROSOL = (0, 8), (1, 11), 48
ALL_AEROSOL, WAVELENGTH = 62000, 550e-9  # code table 4.233; [m] at which optical thickness is given


def read_atmosphere(
    files: Sequence[Path], cycle: Cycle, needs: Needs, threads: int = 2
) -> Atmosphere:
    """Read what is needed of a cycle from its files, in `threads` decoding processes.

    Returns: float32 variables named as in the catalogue over (time, level, latitude, longitude) or
    (time, latitude, longitude): valid times rising; levels [Pa] falling, all that any variable has
    (NaN where one lacks it); latitude and longitude rising [degree]. What stands for a span of time
    is per interval between the times that are there, and has its start in `<name>_start` (time).
    Attributes: `cycle`, `grid_spacing` [degree], `files`, and the names of the fields that are
    `absent` (in none of the files, or refused), `incomplete` (not at every step or level) and
    `interpolated` (given on another grid); `absent_steps` [h], the wanted ones at which nothing
    can be used; `faults`, what is missing because it is unsound.
    Raises: SourceCorrupt for what is damaged, contradicts itself or is impossible, and where every
    wanted message is of another run or area; MissingInput when an essential field is in none of
    the files.
    """
    [atmosphere] = read_members(files, cycle, needs, (), threads).values()
    return atmosphere


def read_members(
    files: Sequence[Path], cycle: Cycle, needs: Needs, members: Sequence[int] = (), threads: int = 2
) -> dict[int, Atmosphere]:
    """Read the needed fields of an ensemble's `members` in one pass; each message is decoded once.

    Returns: member -> as `read_atmosphere`, in the order requested; an unsound member
    is absent, and named in the `faults` of the first. Without `members` the deterministic
    forecast, as member 0.
    Raises: as `read_atmosphere`, where fewer than half of the members are usable.
    """
    read: dict[int, list[tuple[Piece, Values]]] = {}
    finder = Finder(cycle, needs, members)
    for piece, values in _decoded(files, finder, threads):
        read.setdefault(piece.member or 0, []).append((piece, values))
    names = ", ".join(path.name for path in files) or "no file"
    if not read:
        finder.refuse_nothing()
        _require_essential(needs, set(), cycle, names)
        raise MissingInput(
            f"{cycle.id}: none of the wanted fields in the files ({names:.200}): fetch the run "
            "again"
        )
    if not members:
        return {0: _laid(0, read[0], files, cycle, needs, (names, finder))}
    return _ensemble(read, files, cycle, needs, members, (names, finder))


def _ensemble(
    read: dict[int, list[tuple[Piece, Values]]],
    files: Sequence[Path],
    cycle: Cycle,
    needs: Needs,
    members: Sequence[int],
    about: tuple[str, Finder],
) -> dict[int, Atmosphere]:
    """Return the cubes of the members that are whole and sound; the others are named.

    Raises: SourceCorrupt, MissingInput where fewer than half of the members are.
    """
    names, _ = about
    lost: list[SkyscapeError] = [
        MissingInput(f"{cycle.id}: member {member} is in none of the files ({names:.200})")
        for member in members
        if member not in read
    ]
    laid: dict[int, Atmosphere] = {}
    usual = _usual(read)
    for member in members:
        if member not in read:
            continue
        decoded = read.pop(member)
        try:
            if lacks := sorted(usual - _profiles(decoded)):
                name, end = lacks[0]
                raise MissingInput(
                    f"{cycle.id}: member {member} lacks {name} at {end:g} h, and {len(lacks) - 1} "
                    "more; other members have them"
                )
            laid[member] = _laid(member, decoded, files, cycle, needs, about)
        except (SourceCorrupt, MissingInput) as error:
            lost.append(error)
    if 2 * len(laid) < len(members) and lost and (not laid or len(lost) > len(laid)):
        raise lost[0]
    faults = [f"{error}; the other members are used" for error in lost]
    for atmosphere in laid.values():
        atmosphere.attrs["faults"] += faults
        faults = []
    return laid


def _profiles(decoded: Iterable[tuple[Piece, Values]]) -> set[tuple[str, float]]:
    """Return which of the profiles that every forecast needs are there: (field, end [h])."""
    return {
        (piece.field.name, piece.window[1]) for piece, _ in decoded if piece.field.name in PROFILES
    }


def _usual(read: dict[int, list[tuple[Piece, Values]]]) -> set[tuple[str, float]]:
    """Return the profiles that at least half of the members have."""
    counts = Counter(each for decoded in read.values() for each in _profiles(decoded))
    return {each for each, count in counts.items() if 2 * count >= len(read)}


def _decoded(files: Sequence[Path], finder: Finder, threads: int) -> list[tuple[Piece, Values]]:
    """Return what `finder` finds in the files, with its values (latitude, longitude) as packed."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="decoding")
    try:
        found = warmed((b for path in files for b in batches(finder.find(path))), threads)
        pending = [pool.submit(_decode_batch, batch) for batch in found]
        results = [each for future in pending for each in future.result()]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    for piece, values in results:
        if isinstance(values, SourceCorrupt):
            finder.note_unread(piece.field, piece.member, str(values))
    return [(piece, values) for piece, values in results if not isinstance(values, SourceCorrupt)]


def _decode_batch(batch: Sequence[Piece]) -> list[tuple[Piece, Values | SourceCorrupt]]:
    """Return pieces of one file and one cut with their values, or why a piece has none."""
    if is_simple(batch[0].order):
        return list(zip(batch, unpack([piece.order for piece in batch]), strict=True))
    try:
        found = DECODERS.decode([piece.order for piece in batch])
        return list(zip(batch, found, strict=True))
    except SourceCorrupt as error:
        if len(batch) == 1:
            return [(batch[0], error)]
        return [pair for piece in batch for pair in _decode_batch([piece])]


def _laid(
    member: int,
    decoded: Sequence[tuple[Piece, Values]],
    files: Sequence[Path],
    cycle: Cycle,
    needs: Needs,
    about: tuple[str, Finder],
) -> Atmosphere:
    """Return the cube of one forecast's pieces. about: names of the files, what found them."""
    names, finder = about
    unread = finder.unread(member)
    there = {piece.field.name for piece, _ in decoded} | {field.name for field in unread}
    _require_essential(needs, there, cycle, names)
    place = {field.name: n for n, field in enumerate(needs.fields)}
    atmosphere = assemble(
        sorted(decoded, key=lambda each: place[each[0].field.name]),
        cycle,
        finder.faults,
        unread,
        needs.steps,
    )
    atmosphere.attrs["files"] = [path.name for path in files]
    atmosphere.attrs["absent"] = [
        field.name for field in needs.fields if field.name not in atmosphere
    ]
    for fault in atmosphere.attrs["faults"]:
        log.warning("%s: %s", cycle.id, fault)
    return atmosphere


def _require_essential(needs: Needs, there: Container[str], cycle: Cycle, names: str) -> None:
    """Raise MissingInput where an essential field is not `there`."""
    if lost := [
        field.name for field in needs.fields if field.essential and field.name not in there
    ]:
        steps = ", ".join(f"{step:+d}" for step in needs.steps[:8])
        raise MissingInput(
            f"{cycle.id}: {', '.join(lost)} in none of the files ({names:.200}) at the steps "
            f"{steps} h: fetch the run again"
        )


class Finder:
    """Finds the wanted messages of a cycle in one file after another."""

    def __init__(self, cycle: Cycle, needs: Needs, members: Sequence[int] = ()) -> None:
        self._cycle, self._needs = cycle, needs
        self._members: frozenset[int | None] = frozenset(members) if members else frozenset((None,))
        self._steps = frozenset(float(step) for step in needs.steps)
        self._grids: dict[str, tuple[int, Cut]] = {}  # by the digest of their section
        self._faults: dict[tuple[str, str], str] = {}
        self._refusal: SourceCorrupt | None = None
        self._unread: dict[int, dict[Field, list[str]]] = {}  # by member
        self._seen: dict[tuple[object, ...], list[tuple[Message, Data]]] = {}
        self._fields2: dict[tuple[int, ...], list[tuple[Field, int, float | None]]] = {}
        self._fields1: dict[tuple[int, ...], list[tuple[Field, int, float | None]]] = {}
        for field in needs.fields:
            for rank, key in enumerate(field.keys):
                place = (key.discipline, key.category, key.number, key.surface)
                self._fields2.setdefault(place, []).append((field, rank, key.value))
            for rank, (number, surface) in enumerate(field.grib1):
                self._fields1.setdefault((number, surface), []).append(
                    (field, rank, field.keys[0].value)
                )

    def find(self, path: Path) -> Iterator[Piece]:
        """Yield the wanted messages of a file, checked; those that fail a check are kept as unread.

        Messages of another run are passed over and named in `faults`.
        Raises: SourceCorrupt where the file is damaged.
        """
        data = read_data(path)
        for message in scan(data, path.name):
            known = self._field_of(message)
            if known is None:
                continue
            field, rank = known
            if message.run != self._cycle.run:
                self._note_run(field, message)
                continue
            if message.statistic == "point" != field.statistic:  # from_start: no window is stated
                message = replace(message, start=0.0, statistic=field.statistic)
            elif field.from_start and message.start > 0:
                self._note_window(field, message)
            if message.end not in self._steps or self._is_copy(field, message, data):
                continue
            try:
                piece = self._piece(path, field, rank, message, data)
            except SourceCorrupt as error:
                self.note_unread(field, message.member, str(error))
                continue
            if piece is not None:
                yield piece

    def _field_of(self, message: Message) -> tuple[Field, int] | None:
        """Return the wanted field that a message holds, and which of its names the message uses."""
        if message.layer or message.member not in self._members or not is_read(message):
            return None
        if message.edition == 2:
            local = max(*message.parameter, message.surface) >= LOCAL
            candidates = self._fields2.get((*message.parameter, message.surface), ())
        else:
            table, _, number = message.parameter
            local = table not in WMO_TABLES
            candidates = self._fields1.get((number + TABLE * table * local, message.surface), ())
        for field, rank, value in candidates:
            fits = (
                message.value in field.levels
                if field.levels
                else value is None or message.value == value
            )
            known = field.own or not local or message.centre == NCEP
            if (
                fits
                and known
                and field.centre in (None, message.centre)
                and stands_for(message, field)
            ):
                return field, rank
        return None

    def _note_run(self, field: Field, message: Message) -> None:
        run = "no date" if message.run is None else f"{message.run:%Y-%m-%d %H:%M}Z"
        text = (
            f"{message.where}: {field.name} of run {run}, expected "
            f"{self._cycle.run:%Y-%m-%d %H:%M}Z"
        )
        self._faults.setdefault((run, "run"), f"{text}; messages of that run are passed over")
        self._refusal = self._refusal or SourceCorrupt(text)

    def _note_window(self, field: Field, message: Message) -> None:
        self._faults.setdefault(
            (field.name, "window"),
            f"{message.where}: {field.name} is of {message.start:g} to {message.end:g} h by its "
            "header, the settings say from_start: true; the header is used: take from_start out "
            f"of the parameters of {field.name}",
        )

    @property
    def faults(self) -> list[str]:
        """What the files read so far hold that is ignored, or that contradicts the settings."""
        return list(self._faults.values())

    def note_unread(self, field: Field, member: int | None, reason: str) -> None:
        """Keep why a message of a field cannot be read."""
        self._unread.setdefault(member or 0, {}).setdefault(field, []).append(reason)

    def unread(self, member: int) -> dict[Field, list[str]]:
        """Return why messages of each field cannot be read."""
        return self._unread.get(member, {})

    def _is_copy(self, field: Field, message: Message, data: Data) -> bool:
        """Return whether the same bytes were read before: the same product, bitmap and data."""
        earlier = self._seen.setdefault(
            (field.name, message.member, message.value, message.start, message.end), []
        )
        for other, theirs in earlier:
            if other.grid == message.grid and all(
                data[slice(*message.sections[n])] == theirs[slice(*other.sections[n])]
                for n in (4, 5, 6, 7)
                if n in message.sections
            ):
                return True
        earlier.append((message, data))
        return False

    def _piece(
        self, path: Path, field: Field, rank: int, message: Message, data: Data
    ) -> Piece | None:
        """Return a wanted message, checked; None where its grid does not meet the region."""
        if message.grid not in self._grids:
            grid = grid_of(message, data)
            self._grids[message.grid] = grid.points, self._cut(grid, message)
        points, part = self._grids[message.grid]
        if 0 in part.shape:
            return None
        check(message, data, points)
        order = Order(path, message, part, points, has_missing(message, data))
        level = round(message.value) if field.levels else None
        return Piece(
            field,
            level,
            (message.start, message.end),
            rank,
            order,
            quantum(message, data) * field.factor,
            message.member,
        )

    def _cut(self, grid: Grid, message: Message) -> Cut:
        part, needs = cut(grid, self._needs), self._needs
        if 0 in part.shape:
            south, north = sorted((grid.first_latitude / MICRO, grid.last_latitude / MICRO))
            west, east = grid.first_longitude / MICRO, grid.last_longitude / MICRO
            text = (
                f"{message.where}: its grid ({south:g} to {north:g} N, {west:g} to {east:g} E) "
                "does not meet the region "
                f"({needs.south:g} to {needs.north:g} N, {needs.west:g} to {needs.east:g} E): was "
                "another region fetched?"
            )
            self._faults[message.grid, "area"] = f"{text} Its messages are passed over"
            self._refusal = self._refusal or SourceCorrupt(text)
        return part

    def refuse_nothing(self) -> None:
        """Raise SourceCorrupt where messages were found, but none that can be read.

        They are damaged, of another run, or of another area than the region.
        """
        for by_field in self._unread.values():
            raise SourceCorrupt(next(iter(by_field.values()))[0])
        if self._refusal is not None:
            raise self._refusal


def stands_for(message: Message, field: Field) -> bool:
    """Return whether a message and a field have the same statistic over time.

    With `from_start` a sum may have a header that states no window: it runs from the run's start.
    """
    if field.from_start and field.statistic != "point" and message.statistic == "point":
        return message.end > 0
    return message.statistic == field.statistic


def is_read(message: Message) -> bool:
    """Return whether a message is of a kind read here: total aerosol at 550 nm, or a forecast."""
    aerosol = message.aerosol
    if message.template == AEROSOL and aerosol is not None:
        return (
            aerosol.kind == ALL_AEROSOL
            and aerosol.shortest < WAVELENGTH * 1.000001
            and aerosol.longest > WAVELENGTH * 0.999999
        )
    return message.template in (SINGLE if message.member is None else ENSEMBLE)
