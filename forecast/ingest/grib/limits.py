"""Keep the values of a decoded message within the catalogue's limits, or refuse the message."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecast.ingest.grib.decoder_pool import Order
from forecast.ingest.grib.grid import MICRO
from forecast.ingest.grib.plausibility import hint, without_sentinels
from forecast.ingest.grib.time_ranges import Window
from forecast.quantities import FIELDS, Field

ROUNDING = 1e-6  # relative: two roundings to float32
FEW_POINTS, MANY = 2, 0.1  # more than both, in number and part of the points, refuse a message
FAR = 0.5  # part of the limits' range by which a value outside them is far outside

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Piece:
    """A message that holds a field: its level [Pa], window [h after the run] and spelling.

    Also how to decode it, the step of its packing [unit of the field], and its ensemble member.
    """

    field: Field
    level: int | None
    window: Window
    rank: int
    order: Order
    step: float
    member: int | None = None


class Faults:
    """Collects what is set missing: per field and kind the first case, and how often."""

    def __init__(self) -> None:
        self._cases: dict[tuple[str, str], tuple[str, int, int]] = {}

    def add(self, field: str, kind: str, text: str, points: int = 0) -> None:
        """Add one case of a `kind`; `points` of the message are missing."""
        first, messages, total = self._cases.get((field, kind), (text, 0, 0))
        self._cases[field, kind] = (first, messages + 1, total + points)

    def texts(self) -> list[str]:
        """Return one sentence for each field and kind."""
        return [
            text
            + (f": {points} points set missing" if points else "")
            + (f" in {messages} messages, this is the first" if messages > 1 else "")
            for text, messages, points in self._cases.values()
        ]


def limited(piece: Piece, values: Values, slack: float, faults: Faults) -> tuple[Values, str]:
    """Return `values` within the field's limits, and why the message is refused ("" if it is not).

    What is outside by no more than `slack` and the field's own [unit] is set to the limit; what is
    further outside, or means "no value", is NaN and counted in `faults`.
    """
    field = piece.field
    slack += field.slack + ROUNDING * max(abs(field.low), abs(field.high))
    values, sentinels = without_sentinels(field, values, slack)
    where = piece.order.message.where
    if slack > 10 * (field.high - field.low):
        return values, (
            f"{where}: {field.name} is packed in steps of {slack:.3g} {field.unit}, more than all "
            f"that it can be: {_advice(field)}"
        )
    if sentinels and not np.isfinite(values).any():
        return values, f"{where}: all values of {field.name} mean no value: {_advice(field)}"
    if sentinels:
        faults.add(
            field.name,
            "no value",
            f"{where}: {field.name} has numbers that mean no value, without a bitmap",
            sentinels,
        )
    bad = (values < field.low - slack) | (values > field.high + slack)
    if not bad.any():
        return np.clip(values, np.float32(field.low), np.float32(field.high)), ""
    row, column = np.argwhere(bad)[0]
    cut = piece.order.cut
    found = (
        f"{where}: {field.name} is "
        f"{values[row, column]:.6g} {field.unit} at {cut.latitude[row] / MICRO:g} N "
        f"{cut.longitude[column] / MICRO:g} E, expected {field.low:g} to {field.high:g}"
    )
    if _are_many(field, values, bad):
        return values, f"{found}{hint(field, values)}: {_advice(field)}"
    faults.add(field.name, "limits", found, int(bad.sum()))
    values = np.where(bad, np.float32(np.nan), values)
    return np.clip(values, np.float32(field.low), np.float32(field.high)), ""


def _are_many(field: Field, values: Values, bad: NDArray[np.bool_]) -> bool:
    """Return whether too many values are `bad` to trust the rest.

    Counted are all values; of those far outside the limits, the ones that are not zero.
    """
    count, known = int(bad.sum()), int(np.isfinite(values).sum())
    if count > max(FEW_POINTS, MANY * known) or count == known:
        return True
    margin = FAR * (field.high - field.low)
    far = int(((values < field.low - margin) | (values > field.high + margin)).sum())
    return far > max(FEW_POINTS, MANY * int(np.count_nonzero(np.nan_to_num(values))))


def _advice(field: Field) -> str:
    if field == FIELDS.get(field.name):  # else from a model's parameter table
        return "fetch it again"
    return f"check factor and key of {field.name} in models.<id>.parameters, or fetch it again"
