"""Check that messages are those requested: keys of the catalogue against their headers."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.grib.headers import Data, Message, scan
from forecast.ingest.grib.reader import LOCAL, NCEP, TABLE, WMO_TABLES, is_read, stands_for
from forecast.ingest.inventory import Selection, Wanted
from forecast.quantities import Field

log = logging.getLogger(__name__)


def holds(message: Message, field: Field, level: int | None) -> bool:
    """Return whether a message is `field` on `level` [Pa] (None: on any).

    The keys are those of the catalogue or of a model's parameter table.
    """
    if (
        not stands_for(message, field)
        or field.centre not in (None, message.centre)
        or not is_read(message)
    ):
        return False
    if message.edition == 1:
        table, _, number = message.parameter
        own = TABLE * table * (table not in WMO_TABLES)
        return (number + own, message.surface) in field.grib1 and (
            level is None or _close(message.value, level)
        )
    if (
        max(*message.parameter, message.surface) >= LOCAL
        and not field.own
        and message.centre != NCEP
    ):
        return False
    for key in field.keys:
        if (
            message.parameter == (key.discipline, key.category, key.number)
            and message.surface == key.surface
        ):
            value = level if level is not None else key.value
            if value is None or _close(message.value, value):
                return True
    return False


def _close(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=1e-6, abs_tol=1e-6)


def choose_messages(
    held: Sequence[Message], fields: Sequence[Field], cycle: Cycle, step: int, name: str
) -> tuple[list[Message], set[str]]:
    """Return the wanted messages of a filtered file, and the names of their fields.

    Each message once, in the order of the file. Left out: other combinations of variable and level,
    and means of a field that is there as a point value. All windows that end at `step` stay.
    Messages of another run are left out and logged. Raises: SourceCorrupt where all are.
    """
    kept: dict[int, Message] = {}
    names: set[str] = set()
    others = [message for message in held if message.run != cycle.run]
    if others:
        detail = f"{others[0].where} is of run {others[0].run}, expected {cycle.run}"
        if len(others) == len(held):
            raise SourceCorrupt(f"{name}: {detail}")
        log.warning("%s: %s; %d messages of other runs left out", name, detail, len(others))
    now = [
        message
        for message in held
        if message.run == cycle.run
        and message.end == step
        and (message.start < message.end or message.statistic == "point")
    ]
    for field in fields:
        if field.name.removesuffix("_mean") in names:
            continue
        for level in field.levels or (None,):
            found = [message for message in now if holds(message, field, level)]
            kept.update(
                {
                    message.offset: message
                    for message in found[: 1 if field.statistic == "point" else None]
                }
            )
            if found:
                names.add(field.name)
    return [kept[offset] for offset in sorted(kept)], names


# What every forecast needs; each group names the fields of which one is enough.
ESSENTIAL = (
    ("air_temperature",),
    ("relative_humidity", "specific_humidity"),
    ("geopotential_height", "geopotential"),
)


def lacking(fields: Iterable[Field], found: Iterable[str]) -> list[str]:
    """Return the essential fields among `fields` that are not among `found`.

    Where no essential field is wanted (aerosol), at least one of `fields` must be there.
    """
    wanted, there = {field.name for field in fields}, set(found)
    groups = [group for group in ESSENTIAL if wanted.intersection(group)]
    if not groups:
        return [] if there & wanted else sorted(wanted)[:1]
    return [
        " or ".join(name for name in group if name in wanted)
        for group in groups
        if not there.intersection(group)
    ]


def refuse_poor(fields: Iterable[Field], found: Iterable[str], name: str) -> None:
    """Raise SourceCorrupt where an essential field is absent: it is not the expected file."""
    if missing := lacking(fields, found):
        raise SourceCorrupt(
            f"{name}: holds no {', '.join(missing)}: it is cut short, or not the file that its "
            "name stands for"
        )


def verify_messages(data: Data, name: str, cycle: Cycle, selection: Selection) -> int:
    """Check a finished file against the request, message by message; return how many it holds.

    Where a centre gives a field another number than the model's parameter table, the table is
    wrong and the file is right: a warning names both, and the reader reports the field as absent.
    Raises: SourceCorrupt.
    """
    requested: dict[int, list[Wanted]] = {}
    for wanted in sorted(selection.wanted, key=lambda w: w.entry.offset):
        requested.setdefault(wanted.entry.offset, []).append(wanted)
    got: dict[int, list[Message]] = {}
    for message in scan(data, name):
        got.setdefault(message.offset, []).append(message)
    if len(got) != len(requested):
        raise SourceCorrupt(f"{name}: {len(got)} messages arrived, {len(requested)} were requested")
    renumbered: dict[str, str] = {}
    for fields, parts in zip(requested.values(), got.values(), strict=True):
        for wanted in fields:
            if any(_is_wanted(message, cycle, selection.step, wanted) for message in parts):
                continue
            difference = f"{name}: {_difference(parts[0], cycle, selection.step, wanted)}"
            if not any(_is_renumbered(message, cycle, selection.step, wanted) for message in parts):
                raise SourceCorrupt(difference)
            renumbered[wanted.field.name] = difference
    refuse_poor(
        [w.field for w in selection.wanted],
        {w.field.name for w in selection.wanted} - renumbered.keys(),
        name,
    )
    for difference in renumbered.values():
        log.warning("%s; mend the key in the model's table", difference)
    return len(got)


def _is_renumbered(message: Message, cycle: Cycle, step: int, wanted: Wanted) -> bool:
    """Return whether run, step and member are right and only the parameter's number differs.

    Only where the inventory names the field in words (ECMWF's param).
    """
    if wanted.entry.span is None or wanted.entry.span.statistic:
        return False
    at_step = message.end == step or wanted.field.statistic != "point"
    same_level = wanted.level is None or _close(message.value, wanted.level)
    return (
        message.run == cycle.run
        and message.member == wanted.entry.member
        and at_step
        and same_level
    )


def _is_wanted(message: Message, cycle: Cycle, step: int, wanted: Wanted) -> bool:
    """Return whether a message is what was requested.

    Where the inventory does not give the window of a span, the reader checks it later.
    """
    window_unknown = (
        wanted.entry.span is not None
        and not wanted.entry.span.statistic
        and wanted.field.statistic != "point"
    )
    same_member = message.member == wanted.entry.member
    return (
        message.run == cycle.run
        and same_member
        and (window_unknown or message.end == step)
        and holds(message, wanted.field, wanted.level)
    )


def _difference(message: Message, cycle: Cycle, step: int, wanted: Wanted) -> str:
    expected = (
        wanted.field.name if wanted.level is None else f"{wanted.field.name} at {wanted.level} Pa"
    )
    expected += "" if wanted.entry.member is None else f", member {wanted.entry.member}"
    member = "" if message.member is None else f", member {message.member}"
    return (
        f"expected {expected}, run {cycle.run:%Y-%m-%d %HZ}, step {step}; the message is of run "
        f"{message.run}, step {message.end:g}{member}, "
        f"parameter {message.parameter}, surface {message.surface}, {message.statistic}"
    )
