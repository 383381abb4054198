"""Check that messages are those requested: keys of the catalogue against their headers."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.grib.headers import Data, Message, scan
from forecast.ingest.grib.reader import LOCAL, NCEP, TABLE, WMO_TABLES, is_read
from forecast.ingest.inventory import Selection, Wanted
from forecast.quantities import Field

log = logging.getLogger(__name__)


def holds(message: Message, field: Field, level: int | None) -> bool:
    """Tell whether a message is `field`, on `level` [Pa] (None: on any), by the catalogue's keys or
    those of a model's table.
    """
    if (
        message.statistic != field.statistic
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
    """Return the messages of a cut that are wanted, each once, in the order of the file, and the
    names of their fields.

    Dropped are the rest of the cross product and means of what is there as a point; all windows
    that end at `step` stay.
    Raises: SourceCorrupt where a message is of another run.
    """
    kept: dict[int, Message] = {}
    names: set[str] = set()
    for message in held:
        if message.run != cycle.run:
            raise SourceCorrupt(
                f"{name}: {message.where} is of run {message.run}, expected {cycle.run}"
            )
    now = [
        message
        for message in held
        if message.end == step and (message.start < message.end or message.statistic == "point")
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


# What no forecast can do without, and what else gives it.
ESSENTIAL = (
    ("air_temperature",),
    ("relative_humidity", "specific_humidity"),
    ("geopotential_height", "geopotential"),
)


def lacking(fields: Iterable[Field], found: Iterable[str]) -> list[str]:
    """Return what a step is not whole without: of `fields`, those that no forecast can do without
    and that are not among `found`.

    Where nothing of that kind is wanted (an aerosol), one field at least must be there.
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
    """Raise SourceCorrupt where a field without which nothing can be said is absent: then it is not
    the file it should be.
    """
    if missing := lacking(fields, found):
        raise SourceCorrupt(
            f"{name}: holds no {', '.join(missing)}: it is cut short or another file than its name "
            "says"
        )


def verify(data: Data, name: str, cycle: Cycle, selection: Selection) -> int:
    """Check a finished file against what was asked, message by message; return how many it holds.

    Where a centre has given a field another number than the model's table says, the file is what it
    should be and the table is not: a warning names both, and the reader names the field as absent.
    Raises: SourceCorrupt.
    """
    asked: dict[int, list[Wanted]] = {}
    for wanted in sorted(selection.wanted, key=lambda w: w.entry.offset):
        asked.setdefault(wanted.entry.offset, []).append(wanted)
    got: dict[int, list[Message]] = {}
    for message in scan(data, name):
        got.setdefault(message.offset, []).append(message)
    if len(got) != len(asked):
        raise SourceCorrupt(f"{name}: {len(got)} messages came, {len(asked)} were asked for")
    renumbered: dict[str, str] = {}
    for fields, parts in zip(asked.values(), got.values(), strict=True):
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
    """Tell whether a message is of the right run, step and member, and its inventory names the
    field in words (ECMWF's param).
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
    """Tell whether a message is what was asked. Where the inventory does not say the window of a
    span, the reader judges the message's.
    """
    untold = (
        wanted.entry.span is not None
        and not wanted.entry.span.statistic
        and wanted.field.statistic != "point"
    )
    same_member = message.member == wanted.entry.member
    return (
        message.run == cycle.run
        and same_member
        and (untold or message.end == step)
        and holds(message, wanted.field, wanted.level)
    )


def _difference(message: Message, cycle: Cycle, step: int, wanted: Wanted) -> str:
    asked = (
        wanted.field.name if wanted.level is None else f"{wanted.field.name} at {wanted.level} Pa"
    )
    asked += "" if wanted.entry.member is None else f", member {wanted.entry.member}"
    member = "" if message.member is None else f", member {message.member}"
    return (
        f"expected {asked}, run {cycle.run:%Y-%m-%d %HZ}, step {step}; what came is of run "
        f"{message.run}, step {message.end:g}{member}, "
        f"parameter {message.parameter}, surface {message.surface}, {message.statistic}"
    )
