"""Inventories: the fields in a model file, and the byte ranges of those wanted.

A line of an .idx (GFS, GEFS) reads `N:offset:d=YYYYMMDDHH:VARIABLE:level:step:more`; a message ends
where the next begins, the last at the end of the file. Fields packed two to a message are numbered
`N.1`, `N.2` and share their offset. Variable, level and step are matched as a whole; steps are
compared by meaning: `0-24 hour acc fcst` and `0-1 day acc fcst` are the same. `more` names the
member of an ensemble (`ENS=+1`), and the kind and wavelength of an aerosol. ECMWF's .index is read
in ecmwf.py; selection and planning are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt, is_page
from forecast.ingest.grib.reader import WAVELENGTH
from forecast.quantities import Field

MAXIMUM_TEXT = 2_000_000  # [byte] of an .idx; the longest known has 60 kB
MAXIMUM_MESSAGE = 64_000_000  # [byte]; a 0.25 degree global field packs into about 1 MB
LARGEST_RANGE = 8_000_000  # [byte]: what a broken connection may cost
# part of the needed bytes that merging may waste (with the 5 % allowed in all, headers and
# inventories fit)
SLACK = 0.04

_LINE = re.compile(
    r"(\d{1,6})(?:\.(\d{1,3}))?:(\d{1,15}):d=(\d{10}):([^:]{1,80}):([^:]{1,120}):([^:]{1,80}):(.*)"
)
_HOURS = {"hour": 1.0, "day": 24.0, "min": 1 / 60, "minute": 1 / 60}
_POINT = re.compile(r"(\d{1,5}) (\w+) fcst")
_SPAN = re.compile(r"(\d{1,5})-(\d{1,5}) (\w+) (ave|acc|max|min) fcst")
_STATISTIC = {"ave": "mean", "acc": "sum", "max": "maximum", "min": "minimum"}
_MEMBER = re.compile(r"(?:^|:)ENS=(?:\+(\d{1,3})|(low-res ctl|hi-res ctl))")
_BAND = re.compile(r"aerosol_wavelength >=(\d[\d.e-]{0,15}),<=(\d[\d.e-]{0,15})")


@dataclass(frozen=True, slots=True)
class TimeRange:
    """The time range of a field: `statistic` over [start, end] hours after the run.

    A point value has start = end. Where an inventory does not give the statistic it is empty: then
    start is the run's, and the field's own headers decide.
    """

    statistic: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """One field in a file: its position and its names.

    end: after its last byte (None: the last message). member: of an ensemble (0: control).
    """

    offset: int
    end: int | None
    variable: str
    level: str
    # None: the form of the step is unknown, or the field is another than its name suggests
    span: TimeRange | None
    member: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A field of the catalogue, on one level [Pa] if it has levels, and the entry that holds it."""

    field: Field
    level: int | None
    entry: InventoryEntry


def parse_span(text: str) -> TimeRange | None:
    """Return what a step text means, or None where it is none of the known forms."""
    if text == "anl":
        return TimeRange("point", 0, 0)
    if (found := _POINT.fullmatch(text)) and found[2] in _HOURS:
        hour = int(found[1]) * _HOURS[found[2]]
        return TimeRange("point", hour, hour)
    if (found := _SPAN.fullmatch(text)) and found[3] in _HOURS:
        unit = _HOURS[found[3]]
        return TimeRange(_STATISTIC[found[4]], int(found[1]) * unit, int(found[2]) * unit)
    return None


def parse_inventory(text: bytes, cycle: Cycle, name: str) -> tuple[InventoryEntry, ...]:
    """Return the fields that an .idx lists, in the order of the file.

    Raises: SourceCorrupt where a line is not one of an inventory (a page of HTML, a file cut
    short), is of another run, or points backwards.
    """
    if not text.endswith(b"\n"):
        raise SourceCorrupt(
            f"{name}: the inventory does not end with a whole line; expected "
            "NUMBER:OFFSET:d=DATE:VARIABLE:LEVEL:STEP:",
            is_page(text),
        )
    run = f"{cycle.run:%Y%m%d%H}"
    rows: list[InventoryEntry] = []
    for number, row in enumerate(text.splitlines(), start=1):
        line = row.decode("ascii", errors="replace")
        found = _LINE.fullmatch(line)
        if found is None:
            raise SourceCorrupt(f"{name}: line {number} is none of an inventory: {line!r:.80}")
        if found[4] != run:
            raise SourceCorrupt(f"{name}: line {number} is of run {found[4]}, expected {run}")
        offset = int(found[3])
        if rows and (offset < rows[-1].offset or (offset == rows[-1].offset and found[2] is None)):
            raise SourceCorrupt(
                f"{name}: line {number} points to byte {offset}, not after byte {rows[-1].offset} "
                "of the line before"
            )
        rows.append(
            InventoryEntry(
                offset,
                None,
                found[5],
                found[6],
                None if _is_other(found[8]) else parse_span(found[7]),
                _member(found[8]),
            )
        )
    return _with_ends(rows)


def _member(more: str) -> int | None:
    found = _MEMBER.search(more)
    return None if found is None else int(found[1] or 0)


def _is_other(more: str) -> bool:
    """Return whether the text after the step makes it another field than its name suggests.

    That is a mean of members, or one of several aerosols.
    """
    if "aerosol=" in more:
        band = _BAND.search(more)
        try:
            visible = (
                band is None or float(band[1]) * 0.999999 <= WAVELENGTH <= float(band[2]) * 1.000001
            )
        except ValueError:
            return True
        return not (visible and "aerosol=total aerosol" in more.lower())
    return more.startswith("ens ")


def _with_ends(rows: Sequence[InventoryEntry]) -> tuple[InventoryEntry, ...]:
    """Return the entries, each message ending where the next begins."""
    following: int | None = None
    ended: list[InventoryEntry] = []
    for i in range(len(rows) - 1, -1, -1):
        if i + 1 < len(rows) and rows[i + 1].offset != rows[i].offset:
            following = rows[i + 1].offset
        ended.append(replace(rows[i], end=following))
    return tuple(reversed(ended))


# (variable, level) as an inventory may spell a field, the best first
Names = Sequence[tuple[str, str]]


def spelled(field: Field, level: int | None) -> Names:
    """Return how an .idx spells a field on a level [Pa]."""
    variables, text = field.inventory
    place = text if level is None else text.replace("{hPa}", f"{level / 100:g}")
    return [(variable, place) for variable in variables]


def select(
    entries: Iterable[InventoryEntry],
    fields: Sequence[Field],
    step: int,
    previous: Selection | None = None,
    names: Callable[[Field, int | None], Names] = spelled,
    members: Sequence[int | None] = (None,),
) -> Selection:
    """Choose the entries for `fields` at `step` [h] and each of `members`.

    previous: the selection of the step before. Taken are the first spelling of a variable that the
    file has and the first of two equal entries, but no mean of a field that is there as a point
    value. What a file lacks is left out: the features find whether it matters.
    """
    groups: dict[int | None, dict[tuple[str, str], list[InventoryEntry]]] = {
        member: {} for member in members
    }
    for entry in entries:
        if entry.span is not None and entry.span.end == step and entry.member in groups:
            groups[entry.member].setdefault((entry.variable, entry.level), []).append(entry)
    parts = [_of_member(group, fields, step, previous, names) for group in groups.values()]
    starts = {name: start for part in parts for name, start in part.starts.items()}
    return Selection(step, tuple(wanted for part in parts for wanted in part.wanted), starts)


def _of_member(
    group: dict[tuple[str, str], list[InventoryEntry]],
    fields: Sequence[Field],
    step: int,
    previous: Selection | None,
    names: Callable[[Field, int | None], Names],
) -> Selection:
    chosen: list[Wanted] = []
    starts: dict[str, float] = {}
    before = 0 if previous is None else previous.step
    for field in fields:
        if field.name.endswith("_mean") and any(
            wanted.field.name == field.name.removesuffix("_mean") for wanted in chosen
        ):
            continue
        for level in field.levels or (None,):
            earlier = None if previous is None else previous.starts.get(field.name)
            found = _entry(
                [group.get(name, ()) for name in names(field, level)],
                field.statistic,
                before,
                earlier,
            )
            if found is not None and found.span is not None:
                chosen.append(Wanted(field, level, found))
                starts[field.name] = found.span.start
    return Selection(step, tuple(chosen), starts)


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen at a step, and where the window of each field begins [h]."""

    step: int
    wanted: tuple[Wanted, ...]
    starts: dict[str, float]


def _entry(
    group: Sequence[Sequence[InventoryEntry]], statistic: str, before: int, earlier: float | None
) -> InventoryEntry | None:
    """Return the best entry for `statistic`, of the first spelling that has one; or None."""
    for entries in group:
        fitting = [
            (e, e.span.start, e.span.end)
            for e in entries
            if e.span is not None and e.span.statistic in (statistic, "")
        ]
        if statistic == "point":
            if fitting:
                return fitting[0][0]
            continue
        if windows := [(e, start) for e, start, end in fitting if start < end]:
            return min(windows, key=lambda window: _unfitness(window[1], before, earlier))[0]
    return None


def _unfitness(start: float, before: int, earlier: float | None) -> tuple[int, float]:
    """Rank a window that begins at `start` for the interval since step `before` [h]; 0 is best.

    Best is the window itself; then one that begins where the window chosen a step earlier began
    (the difference of the two is the interval); then the shortest that covers the interval; then
    the longest that does not.
    """
    if start == before:
        return (0, 0)
    if start == earlier:
        return (1, 0)
    return (2, -start) if start < before else (3, start)


def messages(wanted: Iterable[Wanted]) -> tuple[InventoryEntry, ...]:
    """Return the messages that hold what is wanted, each once, in the order of the file."""
    return tuple(
        {w.entry.offset: w.entry for w in sorted(wanted, key=lambda w: w.entry.offset)}.values()
    )


def plan_ranges(
    spans: Sequence[tuple[int, int]], slack: float = SLACK, largest: int = LARGEST_RANGE
) -> tuple[tuple[int, int], ...]:
    """Join the byte spans [start, end) of messages into as few ranges as the slack allows.

    Spans must rise and not overlap. Smallest gaps are closed first: no other choice closes more of
    them for the same waste. What is fetched stays within (1 + slack) times what is needed, and a
    range of more than one message within `largest` bytes.
    """
    if any(start >= end for start, end in spans) or any(
        left[1] > right[0] for left, right in pairwise(spans)
    ):
        raise ValueError("spans of bytes must not be empty, must rise and must not overlap")
    budget = slack * sum(end - start for start, end in spans)
    gaps = sorted((spans[i + 1][0] - spans[i][1], i) for i in range(len(spans) - 1))
    closed: set[int] = set()
    for gap, i in gaps:
        if gap > budget:
            break
        budget -= gap
        closed.add(i)
    ranges: list[tuple[int, int]] = []
    for i, (start, end) in enumerate(spans):
        if ranges and i - 1 in closed and end - ranges[-1][0] <= largest:
            ranges[-1] = (ranges[-1][0], end)
        else:
            ranges.append((start, end))
    return tuple(ranges)
