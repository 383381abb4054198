"""Combine decoded fields in one cube: within limits, for each interval, on one grid.

- A value outside the limits of the catalogue by at most one step of its packing (and float32
  rounding) is a packing error and is set to the limit; a larger excess is refused.
- Of a field given twice the finer packing is kept if both agree within their steps; otherwise the
  field is refused.
- With several grids, the cube has that of most messages (the finest of equals); fields on others
  are interpolated bilinearly. One field on two grids is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.domain import Atmosphere, Cycle
from forecast.errors import SourceCorrupt
from forecast.ingest.grib.decoder_pool import Order
from forecast.ingest.grib.grid import MICRO, Cut, between
from forecast.ingest.grib.time_ranges import Choice, Window, choose, weights
from forecast.quantities import FIELDS, Field

ROUNDING = 1e-6  # relative: two roundings to float32

Values = NDArray[np.float32]
Slot = tuple[int | None, Window]


@dataclass(frozen=True, slots=True)
class Piece:
    """A message that serves a field: on which level [Pa], for which window [h after the run], by
    which of the field's names, how to get it, the step of its packing [unit of the field], and of
    which member of an ensemble it is.
    """

    field: Field
    level: int | None
    window: Window
    rank: int
    order: Order
    step: float
    member: int | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A field on one level and for one window, in its unit, within its limits."""

    piece: Piece
    values: Values


def assemble(decoded: Sequence[tuple[Piece, Values]], cycle: Cycle) -> Atmosphere:
    """Return the cube of all pieces and their values (latitude, longitude).

    Raises: SourceCorrupt.
    """
    fields: dict[str, dict[Slot, Layer]] = {}
    for piece, raw in decoded:
        layer = Layer(piece, within_limits(piece, raw * np.float32(piece.field.factor), piece.step))
        slots = fields.setdefault(piece.field.name, {})
        slot = (piece.level, piece.window)
        slots[slot] = layer if slot not in slots else _one_of(slots[slot], layer)
    main = _main_cut([layer for slots in fields.values() for layer in slots.values()])
    steps = sorted({window[1] for slots in fields.values() for _, window in slots})
    levels = sorted(
        {level for slots in fields.values() for level, _ in slots if level is not None},
        reverse=True,
    )
    variables: dict[str, xr.Variable] = {}
    incomplete, interpolated = [], []
    for name in list(fields):
        slots = fields.pop(name)
        source = _own_cut(name, list(slots.values()))
        field = next(iter(slots.values())).piece.field
        values, starts = _over_time(field, slots, steps, levels if field.levels else [None], source)
        if not source.same_points(main):
            interpolated.append(name)
            values = _on_grid(values, source, main)
        own = {level for level, _ in slots}
        full = len(own) * (
            len(steps) if field.statistic == "point" else sum(step > 0 for step in steps)
        )
        if len({(level, window[1]) for level, window in slots}) < full:
            incomplete.append(name)
        variables |= _variables(field, values, starts, cycle)
    return xr.Dataset(
        variables,
        _coordinates(cycle, steps, levels, main),
        {
            "cycle": cycle.id,
            "grid_spacing": main.spacing,
            "incomplete": incomplete,
            "interpolated": interpolated,
        },
    )


# -- one layer


def within_limits(piece: Piece, values: Values, slack: float) -> Values:
    """Return `values` within the field's limits; what is outside by no more than `slack` and its
    own [unit] is set to the limit.

    Raises: SourceCorrupt, naming file, byte, field, value and place.
    """
    field = piece.field
    slack += field.slack + ROUNDING * max(abs(field.low), abs(field.high))
    bad = (values < field.low - slack) | (values > field.high + slack)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        cut = piece.order.cut
        from_catalogue = field == FIELDS.get(field.name)  # else from a model's parameter table
        advice = (
            "fetch it again"
            if from_catalogue
            else (
                f"check factor and key of {field.name} in models.<id>.parameters, or fetch it again"
            )
        )
        raise SourceCorrupt(
            f"{piece.order.message.where}: {field.name} is "
            f"{values[row, column]:.6g} {field.unit} at {cut.latitude[row] / MICRO:g} N "
            f"{cut.longitude[column] / MICRO:g} E, expected {field.low:g} to {field.high:g}: "
            f"{advice}"
        )
    return np.clip(values, np.float32(field.low), np.float32(field.high))


def _one_of(first: Layer, second: Layer) -> Layer:
    """Return the better of two layers for the same slot.

    Raises: SourceCorrupt where they contradict each other.
    """
    if first.piece.rank != second.piece.rank:
        return min(first, second, key=lambda layer: layer.piece.rank)
    a, b = first.values, second.values
    slack = (
        first.piece.step
        + second.piece.step
        + ROUNDING * max(abs(first.piece.field.low), abs(first.piece.field.high))
    )
    if a.shape != b.shape or not np.allclose(a, b, rtol=0, atol=slack, equal_nan=True):
        raise SourceCorrupt(
            f"{second.piece.order.message.where}: {second.piece.field.name} contradicts the same "
            "field in "
            f"{first.piece.order.message.where}; expected one value at one time: take one of the "
            "two away"
        )
    return min(first, second, key=lambda layer: layer.piece.step)


# -- one grid


def _main_cut(layers: Sequence[Layer]) -> Cut:
    """Return the grid of most layers, the finest among equals."""
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
    return max(shares, key=lambda share: (share[1], -share[0].spacing))[0]


def _own_cut(name: str, layers: Sequence[Layer]) -> Cut:
    """Return the one grid of a field. Raises: SourceCorrupt where it has two."""
    first = layers[0].piece.order
    for layer in layers:
        order = layer.piece.order
        if order.cut is not first.cut and not order.cut.same_points(first.cut):
            raise SourceCorrupt(
                f"{order.message.where}: {name} on a grid of {order.cut.spacing:g} degree, in "
                f"{first.message.where} on one of "
                f"{first.cut.spacing:g}: expected one grid at every step and level"
            )
    return first.cut


def _on_grid(values: Values, source: Cut, target: Cut) -> Values:
    """Interpolate the last two dimensions of `values`."""
    flat = values.reshape(-1, *source.shape)
    return np.stack([between(layer, source, target) for layer in flat]).reshape(
        *values.shape[:-2], *target.shape
    )


# -- time


def _over_time(
    field: Field,
    slots: dict[Slot, Layer],
    steps: Sequence[float],
    levels: Sequence[int | None],
    source: Cut,
) -> tuple[Values, list[float]]:
    """Lay a field's layers over time: values (time, level, latitude, longitude) and where each
    time's window begins [h], NaN where none.
    """
    values = np.full((len(steps), len(levels), *source.shape), np.nan, dtype=np.float32)
    starts = [float("nan")] * len(steps)
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
                values[row, depth], starts[row] = _interval(field, windows, choice), choice.start
    return values, starts


def _interval(field: Field, windows: dict[Window, Layer], choice: Choice) -> Values:
    """Return what stands for the chosen interval. Raises: SourceCorrupt where an accumulation
    shrinks by more than its packing explains.
    """
    whole = windows[choice.whole]
    if choice.part is None:
        return whole.values
    part = windows[choice.part]
    more, less = weights(choice, field.statistic)
    difference = np.float32(more) * whole.values - np.float32(less) * part.values
    return within_limits(whole.piece, difference, more * whole.piece.step + less * part.piece.step)


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
