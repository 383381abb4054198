"""ECMWF open data (IFS, AIFS, their ensembles): a GRIB file and its .index for each step.

All mirrors have the same tree.

A line of an .index is one field in JSON: `{"date": "20250301", "time": "0000", "type": "fc",
"stream": "oper", "step": "6", "levtype": "pl", "levelist": "850", "param": "t", "_offset": 1803199,
"_length": 821241}` and more; single levels have no `levelist`, control and single forecasts no
`number`. It does not say over which window a sum was taken: the message itself does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt, is_page
from forecast.http import BUSY, CLOCK, Client, Clock
from forecast.ingest.cycle_store import CycleStore
from forecast.ingest.inventory import InventoryEntry, Names, TimeRange
from forecast.ingest.range_download import Bucket, Layout
from forecast.quantities import Field
from forecast.settings import HttpSettings
from forecast.settings.sources import ModelSettings

# [byte]; 102 fields of AIFS take 22 kB, 51 members of the IFS ensemble 2 MB
LONGEST_INDEX = 8_000_000
LONGEST_LINE = 2_000  # [byte]; real ones have 220
LARGEST_FILE = 1 << 40  # [byte]
CONTROL = "cf"  # type of an ensemble's control forecast, which has no number
_NUMBER = re.compile(r"\d{1,4}")
_STEP = re.compile(r"(?:(\d{1,4})-)?(\d{1,4})")
# stream and type, at the end of a file's name
_KIND = re.compile(r"-([a-z]{4})-([a-z]{2})\.[a-z0-9]+$")
_TYPES = {"ef": {"cf", "pf"}}  # types that a file of another type holds


def open_mirror(
    model: ModelSettings,
    mirror: HttpSettings,
    name: str,
    store: CycleStore,
    path: Callable[[Cycle, int], str],
    clock: Clock = CLOCK,
) -> Bucket:
    """Return the provider of `model` at one of its mirrors.

    A step that one mirror has delivered is not requested from another.
    """
    layout = Layout(
        path=path,
        listing=listing_of,
        parse=parse_index,
        names=spelled,
        members=model.members or (None,),
        template=model.path,
        longest=LONGEST_INDEX,
        attribution=model.attribution.en,
    )
    # data.ecmwf.int answers 401 at random when it has much to do
    client = Client(mirror, clock, busy=BUSY | {401})
    return Bucket(client, mirror.connections, store, layout, name, "index")


def listing_of(path: str) -> str:
    """Return the path of the .index of a GRIB file: its own, with another ending."""
    return path.removesuffix(".grib2") + ".index"


def spelled(field: Field, level: int | None) -> Names:
    """Return the spelling of a field on a level [Pa] in an .index; empty without an entry."""
    param, levtype = field.index
    if not param:
        return ()
    return [(param, levtype if level is None else f"{level / 100:g} {levtype}")]


def parse_index(text: bytes, cycle: Cycle, name: str) -> tuple[InventoryEntry, ...]:
    """Return the fields that an .index lists, in the order of the file's bytes.

    Raises: SourceCorrupt where a line is not one of an index (a page of HTML, a file cut short), is
    of another run, stream or type than the file's name says, or where two overlap.
    """
    if not text.endswith(b"\n"):
        raise SourceCorrupt(
            f"{name}: the index does not end with a whole line; expected one field in JSON on each",
            is_page(text),
        )
    kind = _KIND.search(name)
    entries = [
        _entry(line, cycle, f"{name}: line {number}", kind)
        for number, line in enumerate(text.split(b"\n")[:-1], start=1)
    ]
    entries.sort(key=lambda entry: entry.offset)
    reached = 0
    for entry in entries:
        if entry.offset < reached:
            raise SourceCorrupt(
                f"{name}: the field at byte {entry.offset} begins before byte "
                f"{reached}, where the one before it ends"
            )
        reached = entry.end or entry.offset
    return tuple(entries)


def _entry(line: bytes, cycle: Cycle, where: str, kind: re.Match[str] | None) -> InventoryEntry:
    row = _row(line, where)
    run = (row.get("date"), row.get("time"))
    if run != (f"{cycle.run:%Y%m%d}", f"{cycle.run:%H%M}"):
        raise SourceCorrupt(
            f"{where} is of run {_shown(run[0])} {_shown(run[1])}, expected {cycle.run:%Y%m%d %H%M}"
        )
    stream, of_type = row.get("stream"), row.get("type")
    if kind is not None and (stream != kind[1] or of_type not in _TYPES.get(kind[2], {kind[2]})):
        raise SourceCorrupt(
            f"{where} is of stream {_shown(stream)}, type {_shown(of_type)}, expected "
            f"{kind[1]}, {kind[2]}"
        )
    offset, length = row.get("_offset"), row.get("_length")
    if (
        type(offset) is not int
        or type(length) is not int
        or not (0 <= offset <= LARGEST_FILE and 0 < length <= LARGEST_FILE)
    ):
        raise SourceCorrupt(
            f"{where}: expected _offset and _length in bytes, found {_shown(offset)} "
            f"and {_shown(length)}"
        )
    param, levtype, levels, step = (
        row.get(key, "") for key in ("param", "levtype", "levelist", "step")
    )
    if not (
        isinstance(param, str)
        and isinstance(levtype, str)
        and isinstance(levels, str)
        and isinstance(step, str)
        and param
    ):
        raise SourceCorrupt(
            f"{where}: expected param, levtype, levelist and step as text, found {_shown(row)}"
        )
    return InventoryEntry(
        offset,
        offset + length,
        param,
        f"{levels} {levtype}".strip(),
        _span(step),
        _member(row, where),
    )


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line) if len(line) <= LONGEST_LINE else None
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise SourceCorrupt(f"{where} is none of an index: {line[:80]!r}")
    return row


def _span(step: str) -> TimeRange | None:
    """Return the span of a step: `6`, or `0-24`; None if it is neither."""
    found = _STEP.fullmatch(step)
    return None if found is None else TimeRange("", float(found[1] or 0), float(found[2]))


def _member(row: dict[str, Any], where: str) -> int | None:
    number = row.get("number")
    if number is None:
        return 0 if row.get("type") == CONTROL else None
    if not (isinstance(number, str) and _NUMBER.fullmatch(number)):
        raise SourceCorrupt(f"{where}: expected the number of a member, found {_shown(number)}")
    return int(number)


def _shown(value: object) -> str:
    return f"{value!r:.80}"
