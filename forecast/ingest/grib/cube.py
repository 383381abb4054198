"""Combine decoded fields in one cube: within limits, for each interval, on one grid.

- A value outside the limits of the catalogue by at most one step of its packing (and float32
  rounding) is a packing error and is set to the limit. A value further outside is missing.
- A message of which many values are outside is refused as a whole, and a field of which many
  messages are refused, or whose numbers are in another unit (plausibility.py). A run without any
  field left, or without one that no forecast can do without, is refused.
- Of a field given twice the finer packing is kept if both agree within their steps; otherwise the
  two are missing.
- Winds that do not fit the heights, and vertical velocities that no atmosphere has, are refused
  (wind_plausibility.py).
- With several grids, the cube has the one that fills most of the region over all messages (the
  finest of equals); fields on others are interpolated bilinearly. Of one field on two grids, one is
  kept by the same rule. A message that covers clearly less of the region than the others of its
  field, or repeats one of them on another grid, costs nothing but itself.

Everything that is missing for such a reason is named in the attribute `faults`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.domain import Atmosphere, Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.grib.grid import MICRO, Cut, between
from forecast.ingest.grib.limits import ROUNDING, Faults, Piece, Values, limited
from forecast.ingest.grib.plausibility import Sample, doubtful, implausible
from forecast.ingest.grib.time_ranges import Choice, Window, choose, weights
from forecast.ingest.grib.wind_plausibility import wind_faults
from forecast.quantities import Field

# A grid that covers less than this part of what another covers is smaller, not just offset (check).
SMALLER = 0.9
# The part of a field's messages that may be of no use before the field is refused: of a field that
# no forecast can do without, and of any other (check).
FEW_ESSENTIAL, FEW = 1 / 4, 1 / 2

Slot = tuple[int | None, Window]


@dataclass(frozen=True, slots=True)
class Layer:
    """A field on one level and for one window, in its unit, within its limits."""

    piece: Piece
    values: Values

    @property
    def slot(self) -> Slot:
        return (self.piece.level, self.piece.window)

    @property
    def sample(self) -> Sample:
        """Its values, for the checks of the field as a whole."""
        return Sample(self.piece.level, self.piece.window, self.values)


def assemble(
    decoded: Sequence[tuple[Piece, Values]],
    cycle: Cycle,
    before: Sequence[str] = (),
    unread: Mapping[Field, Sequence[str]] | None = None,
    wanted: Sequence[int] = (),
) -> Atmosphere:
    """Return the cube of all pieces and their values (latitude, longitude).

    before: faults found earlier, for the attribute `faults`. unread: field -> why each of its
    messages that could not be decoded was not. wanted: steps [h] at which something was expected;
    those at which there is nothing are in the attribute `absent_steps`.
    Raises: SourceCorrupt where nothing, or nothing of an essential field, is sound.
    """
    faults = Faults()
    fields = _sound_fields(decoded, unread or {}, faults)
    main = _main_cut([layer for slots in fields.values() for layer in slots.values()])
    steps = sorted({window[1] for slots in fields.values() for _, window in slots})
    absent = [step for step in wanted if step not in steps]
    levels = sorted(
        {level for slots in fields.values() for level, _ in slots if level is not None},
        reverse=True,
    )
    variables: dict[str, xr.Variable] = {}
    incomplete, interpolated = [], []
    for name in list(fields):
        slots = fields.pop(name)
        source = next(iter(slots.values())).piece.order.cut
        field = next(iter(slots.values())).piece.field
        values, starts, refused = _over_time(
            slots, steps, levels if field.levels else [None], source, faults
        )
        if refused:
            if (not variables and not fields) or field.essential:
                raise SourceCorrupt(refused)
            faults.add(name, "refused", f"{refused}; the field is refused")
            continue
        if not source.same_points(main):
            interpolated.append(name)
            values = _on_grid(values, source, main)
            if source.covered < SMALLER * main.covered:
                where = next(iter(slots.values())).piece.order.message.where
                covers = f"{source.covered:.0%} of the region, others {main.covered:.0%}"
                faults.add(name, "area", f"{where}: {name} covers {covers}; the rest is missing")
        own = {level for level, _ in slots}
        full = len(own) * (
            len(steps) if field.statistic == "point" else sum(step > 0 for step in steps)
        )
        if len({(level, window[1]) for level, window in slots}) < full:
            incomplete.append(name)
        variables |= _variables(field, values, starts, cycle)
    cube = xr.Dataset(variables, _coordinates(cycle, steps, levels, main))
    cube = _with_sound_winds(cube, decoded, faults)
    about = {"cycle": cycle.id, "grid_spacing": main.spacing, "absent_steps": absent}
    return cube.assign_attrs(
        about,
        incomplete=[name for name in incomplete if name in cube],
        interpolated=[name for name in interpolated if name in cube],
        faults=[*before, *faults.texts()],
    )


def _with_sound_winds(
    cube: Atmosphere, decoded: Sequence[tuple[Piece, Values]], faults: Faults
) -> Atmosphere:
    """Return the cube without winds that are surely in another unit; doubts are only named.

    Raises: SourceCorrupt where nothing is left.
    """
    factors = {piece.field.name: piece.field.factor for piece, _ in decoded}
    for fault in wind_faults(cube, factors):
        text = f"{', '.join(fault.fields)}: {fault.text}"
        if fault.refused:
            cube = cube.drop_vars(fault.fields)
            text += "; the field is refused"
        if not cube.data_vars:
            raise SourceCorrupt(text)
        faults.add(fault.fields[0], "wind", text)
    return cube


# -- one field


def _sound_fields(
    decoded: Sequence[tuple[Piece, Values]], unread: Mapping[Field, Sequence[str]], faults: Faults
) -> dict[str, dict[Slot, Layer]]:
    """Return the sound layers of every field, one a slot and all on one grid.

    Raises: SourceCorrupt where nothing, or nothing of an essential field, is sound.
    """
    pieces: dict[Field, list[tuple[Piece, Values]]] = {}
    for piece, raw in decoded:
        pieces.setdefault(piece.field, []).append((piece, raw))
    for field in unread:
        pieces.setdefault(field, [])
    fields: dict[str, dict[Slot, Layer]] = {}
    refusals: list[str] = []
    for field, given in pieces.items():
        name, bad = field.name, unread.get(field, ())
        layers, refused = _within_limits(given, faults)
        layers, implausible = _plausible(layers, faults)
        layers, elsewhere, excused = _on_one_grid(layers)
        slots, contradicted = _slots(layers)
        reasons = [each for each in (implausible, refused, elsewhere, contradicted) if each]
        reasons += bad
        lost = len(given) - len(layers) - excused + bool(contradicted) + len(bad)
        few = FEW_ESSENTIAL if field.essential else FEW
        if slots and not implausible and lost <= few * (len(given) + len(bad)):
            for kind, reason in enumerate(reasons):
                faults.add(name, f"message {kind}", f"{reason}: not used")
            fields[name] = slots
        elif field.essential:
            raise SourceCorrupt(reasons[0])
        else:
            refusals.append(reasons[0])
            faults.add(name, "refused", f"{reasons[0]}; the field is refused")
    if not fields:
        raise SourceCorrupt(refusals[0])
    return fields


def _within_limits(
    given: Sequence[tuple[Piece, Values]], faults: Faults
) -> tuple[list[Layer], str]:
    """Return the layers of a field that are within its limits, and why the first other is not."""
    layers: list[Layer] = []
    refused = ""
    for piece, raw in given:
        values, refusal = limited(piece, raw * np.float32(piece.field.factor), piece.step, faults)
        if refusal:
            refused = refused or refusal
        else:
            layers.append(Layer(piece, values))
    return layers, refused


def _plausible(layers: Sequence[Layer], faults: Faults) -> tuple[list[Layer], str]:
    """Return the layers of a field in whose files its numbers can be in its unit, and why those of
    the other files, or of the whole run, cannot.
    """
    if not layers:
        return [], ""
    field = layers[0].piece.field
    if reason := implausible(field, [layer.sample for layer in layers]):
        return [], f"{layers[0].piece.order.message.where}: {reason}"
    files: dict[Path, list[Layer]] = {}
    for layer in layers:
        files.setdefault(layer.piece.order.path, []).append(layer)
    kept: list[Layer] = []
    for parts in files.values():
        samples, where = [layer.sample for layer in parts], parts[0].piece.order.message.where
        if len(files) > 1 and (reason := implausible(field, samples)):
            faults.add(field.name, "unit", f"{where}: {reason}; not used")
            continue
        if doubt := doubtful(field, samples):
            faults.add(field.name, "doubt", f"{where}: {doubt}")
        kept += parts
    return kept, ""


def _on_one_grid(layers: Sequence[Layer]) -> tuple[list[Layer], str, int]:
    """Return the layers of a field on one grid, where the first other is, and how many of the
    others only cover less of the region, or repeat a layer that is kept.
    """
    if not layers:
        return [], "", 0
    main = _main_cut(layers)
    on_main = [layer.piece.order.cut.same_points(main) for layer in layers]
    kept = [layer for layer, here in zip(layers, on_main, strict=True) if here]
    others = [layer for layer, here in zip(layers, on_main, strict=True) if not here]
    held = {layer.slot for layer in kept}
    excused = sum(
        layer.slot in held or layer.piece.order.cut.covered < SMALLER * main.covered
        for layer in others
    )
    return kept, _elsewhere(others[0], main) if others else "", excused


def _elsewhere(layer: Layer, main: Cut) -> str:
    """Return how the grid of a layer differs from that of most of its field."""
    cut, where = layer.piece.order.cut, layer.piece.order.message.where
    name = layer.piece.field.name
    if cut.covered < SMALLER * main.covered:
        covers = f"{cut.covered:.0%} of the region, elsewhere {main.covered:.0%}"
        return f"{where}: the area of {name} covers {covers}"
    return (
        f"{where}: {name} on a grid of {cut.spacing:g} degree, at other steps and levels on one of "
        f"{main.spacing:g}: expected one grid"
    )


def _slots(layers: Sequence[Layer]) -> tuple[dict[Slot, Layer], str]:
    """Return one layer for each level and window, and the first contradiction between two; where
    there is one, the slot is empty.
    """
    slots: dict[Slot, Layer] = {}
    contradicted: dict[Slot, str] = {}
    for layer in layers:
        slot = layer.slot
        if slot not in slots:
            slots[slot] = layer
        elif contradiction := _contradiction(slots[slot], layer):
            contradicted[slot] = contradiction
        else:
            slots[slot] = _better(slots[slot], layer)
    sound = {slot: layer for slot, layer in slots.items() if slot not in contradicted}
    return sound, next(iter(contradicted.values()), "")


# -- one layer


def _contradiction(first: Layer, second: Layer) -> str:
    """Return how two layers of the same slot contradict each other, "" if they do not."""
    a, b = first.values, second.values
    slack = (
        first.piece.step
        + second.piece.step
        + ROUNDING * max(abs(first.piece.field.low), abs(first.piece.field.high))
    )
    if first.piece.rank != second.piece.rank or (
        a.shape == b.shape and np.allclose(a, b, rtol=0, atol=slack, equal_nan=True)
    ):
        return ""
    return (
        f"{second.piece.order.message.where}: {second.piece.field.name} contradicts the same "
        f"field in {first.piece.order.message.where}; expected one value at one time: take one of "
        "the two away"
    )


def _better(first: Layer, second: Layer) -> Layer:
    """Return the better of two layers for the same slot: by the field's names, then the finer."""
    return min(first, second, key=lambda layer: (layer.piece.rank, layer.piece.step))


# -- one grid


def _main_cut(layers: Sequence[Layer]) -> Cut:
    """Return the grid that covers most of the region over all layers, the finest among equals."""
    shares: list[tuple[Cut, int]] = []
    for layer in layers:
        cut = layer.piece.order.cut
        place = next(
            (i for i, (other, _) in enumerate(shares) if other is cut or other.same_points(cut)),
            None,
        )
        if place is None:
            shares.append((cut, 1))
        else:
            shares[place] = (shares[place][0], shares[place][1] + 1)
    largest = max(cut.covered for cut, _ in shares)

    def filled(share: tuple[Cut, int]) -> tuple[float, float]:
        cut, count = share
        whole = cut.covered >= SMALLER * largest  # the edges of grids differ by up to a step
        return count * (largest if whole else cut.covered), -cut.spacing

    return max(shares, key=filled)[0]


def _on_grid(values: Values, source: Cut, target: Cut) -> Values:
    """Interpolate the last two dimensions of `values`."""
    flat = values.reshape(-1, *source.shape)
    return np.stack([between(layer, source, target) for layer in flat]).reshape(
        *values.shape[:-2], *target.shape
    )


# -- time


def _over_time(
    slots: dict[Slot, Layer],
    steps: Sequence[float],
    levels: Sequence[int | None],
    source: Cut,
    faults: Faults,
) -> tuple[Values, list[float], str]:
    """Lay a field's layers over time.

    Return: values (time, level, latitude, longitude); where each time's window begins [h], NaN
    where none; why the field is refused ("" if it is not): many of its sums shrink.
    """
    field = next(iter(slots.values())).piece.field
    values = np.full((len(steps), len(levels), *source.shape), np.nan, dtype=np.float32)
    starts = [float("nan")] * len(steps)
    refused: list[str] = []
    intervals = 0
    for depth, level in enumerate(levels):
        windows = {window: layer for (at, window), layer in slots.items() if at == level}
        if field.statistic == "point":
            for row, step in enumerate(steps):
                if (step, step) in windows:
                    values[row, depth] = windows[step, step].values
            continue
        for row, step in enumerate(steps):
            choice = choose(windows, steps[row - 1] if row else None, step, field.statistic)
            if choice is not None:
                intervals += 1
                values[row, depth], refusal = _interval(field, windows, choice, faults)
                starts[row] = choice.start
                refused += [refusal] if refusal else []
    if 4 * len(refused) > intervals:
        return values, starts, refused[0]
    for refusal in refused:
        faults.add(field.name, "interval", refusal)
    return values, starts, ""


def _interval(
    field: Field, windows: dict[Window, Layer], choice: Choice, faults: Faults
) -> tuple[Values, str]:
    """Return what stands for the chosen interval, and why it is refused ("" if it is not).

    Where an accumulation shrinks by more than its packing explains the point is NaN; where it
    shrinks at many points, all of the interval is.
    """
    whole = windows[choice.whole]
    if choice.part is None:
        return whole.values, ""
    part = windows[choice.part]
    more, less = weights(choice, field.statistic)
    difference = np.float32(more) * whole.values - np.float32(less) * part.values
    slack = more * whole.piece.step + less * part.piece.step
    values, refusal = limited(whole.piece, difference, slack, faults)
    return (np.full_like(values, np.nan) if refusal else values), refusal


# -- the cube


def _variables(
    field: Field, values: Values, starts: Sequence[float], cycle: Cycle
) -> dict[str, xr.Variable]:
    """Return a field as a variable, with the start of its windows where it stands for a span of
    time.
    """
    dimensions: tuple[str, ...] = ("time", "level", "latitude", "longitude")
    if not field.levels:
        dimensions, values = ("time", "latitude", "longitude"), values[:, 0]
    about = {"units": field.unit}
    if field.statistic == "point":
        return {field.name: xr.Variable(dimensions, values, about)}
    about["cell_methods"] = f"time: {field.statistic}"
    begins = _times(cycle, starts)
    return {
        field.name: xr.Variable(dimensions, values, about),
        f"{field.name}_start": xr.Variable(
            "time", begins, {"long_name": f"start of the window that {field.name} stands for"}
        ),
    }


def _coordinates(
    cycle: Cycle, steps: Sequence[float], levels: Sequence[int], main: Cut
) -> dict[str, xr.Variable]:
    return {
        "time": xr.Variable("time", _times(cycle, steps), {"long_name": "valid time, UTC"}),
        "level": xr.Variable(
            "level", np.array(levels, dtype=np.float64), {"units": "Pa", "positive": "down"}
        ),
        "latitude": xr.Variable("latitude", main.latitude / MICRO, {"units": "degrees_north"}),
        "longitude": xr.Variable("longitude", main.longitude / MICRO, {"units": "degrees_east"}),
    }


def _times(cycle: Cycle, steps: Sequence[float]) -> NDArray[np.datetime64]:
    """Return run + steps [h]; NaT for NaN."""
    run = cycle.run.replace(tzinfo=None)
    return np.array(
        [run + timedelta(hours=s) if s == s else np.datetime64("NaT") for s in steps],
        dtype="datetime64[ns]",
    )
