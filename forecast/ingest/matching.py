"""Is this message what was asked for? The catalogue's keys against the headers of what came."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from forecast.domain import Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.grib_headers import Data, Message, scan
from forecast.ingest.inventory import Selection
from forecast.quantities import Field


def holds(message: Message, field: Field, level: int | None) -> bool:
    """Tell whether a message is `field`, on `level` [Pa] (None: on any), by the catalogue's keys."""
    if message.statistic != field.statistic:
        return False
    if message.edition == 1:
        return (message.parameter[2], message.surface) in field.grib1 and (level is None or _close(message.value, level))
    for key in field.keys:
        if message.parameter == (key.discipline, key.category, key.number) and message.surface == key.surface:
            value = level if level is not None else key.value
            if value is None or _close(message.value, value):
                return True
    return False


def _close(value: float, other: float) -> bool:
    return math.isclose(value, other, rel_tol=1e-6, abs_tol=1e-6)


def choose_messages(
    held: Sequence[Message], fields: Sequence[Field], cycle: Cycle, step: int, name: str
) -> tuple[list[Message], set[str]]:
    """Return the messages of a cut that are wanted, each once, in the order of the file, and the names of their fields.

    Dropped are the rest of the cross product and means of what is there as a point; all windows that end at `step` stay.
    Raises: SourceCorrupt where a message is of another run.
    """
    kept: dict[int, Message] = {}
    names: set[str] = set()
    for message in held:
        if message.run != cycle.run:
            raise SourceCorrupt(f"{name}: {message.where} is of run {message.run}, expected {cycle.run}")
    now = [message for message in held if message.end == step and (message.start < message.end or message.statistic == "point")]
    for field in fields:
        if field.name.removesuffix("_mean") in names:
            continue
        for level in field.levels or (None,):
            found = [message for message in now if holds(message, field, level)]
            kept.update({message.offset: message for message in found[: 1 if field.statistic == "point" else None]})
            if found:
                names.add(field.name)
    return [kept[offset] for offset in sorted(kept)], names


def refuse_poor(fields: Iterable[Field], found: set[str], name: str) -> None:
    """Raise SourceCorrupt where a field without which nothing can be said is absent: then it is not the file it should be."""
    if lacking := [field.name for field in fields if field.essential and field.name not in found]:
        raise SourceCorrupt(f"{name}: holds no {', '.join(lacking)}: it is cut short or no GFS pressure-level file")


def verify(data: Data, name: str, cycle: Cycle, selection: Selection) -> int:
    """Check a finished file against what was asked, message by message; return how many it holds.

    Raises: SourceCorrupt.
    """
    asked: dict[int, list[tuple[Field, int | None]]] = {}
    for wanted in sorted(selection.wanted, key=lambda w: w.entry.offset):
        asked.setdefault(wanted.entry.offset, []).append((wanted.field, wanted.level))
    got: dict[int, list[Message]] = {}
    for message in scan(data, name):
        got.setdefault(message.offset, []).append(message)
    if len(got) != len(asked):
        raise SourceCorrupt(f"{name}: {len(got)} messages came, {len(asked)} were asked for")
    for fields, parts in zip(asked.values(), got.values(), strict=True):
        for field, level in fields:
            if not any(m.run == cycle.run and m.end == selection.step and holds(m, field, level) for m in parts):
                m = parts[0]
                raise SourceCorrupt(
                    f"{name}: expected {field.name}{'' if level is None else f' at {level} Pa'}, run {cycle.run:%Y-%m-%d %HZ}, step "
                    f"{selection.step}; what came is of run {m.run}, step {m.end:g}, parameter {m.parameter}, surface {m.surface}"
                )
    return len(got)
