"""Join the features of batches of sites, as if they had been derived at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import xarray as xr

from forecast.domain import DayWeather, Event, Features
from forecast.science.arrays import Index

Part = tuple[Index, Features]  # features, and the row of each of their events among all


def joined_features(events: Sequence[Event], parts: Sequence[Part]) -> Features:
    """Return the features of `events` from those of batches, which together hold each once."""
    columns: dict[str, xr.Variable] = {}
    for name, first in parts[0][1].table.variables.items():
        values = np.empty(len(events), dtype=first.dtype)
        for rows, part in parts:
            values[rows] = part.table[name].values
        columns[str(name)] = xr.Variable(("event",), values, first.attrs)
    missing: list[tuple[str, ...]] = [()] * len(events)
    weather: dict[tuple[str, date], DayWeather] = {}
    for rows, part in parts:
        for row, ids in zip(rows.tolist(), part.missing, strict=True):
            missing[row] = ids
        weather |= part.weather
    hours = [part.hours for _, part in parts if part.hours is not None]
    return Features(
        tuple(events),
        xr.Dataset(columns),
        tuple(missing),
        _evidence(parts),
        weather,
        xr.concat(hours, dim="site") if hours else None,
    )


def joined_evidence(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join evidence along `event`; shorter timelines are filled with NaN and NaT."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    lines = [dim for dim in ("minute", "hour") if dim in first.dims]
    longest = {dim: max(part.sizes[dim] for part in parts) for dim in lines}
    padded = [
        part.pad({dim: (0, longest[dim] - part.sizes[dim]) for dim in lines}) for part in parts
    ]
    return xr.concat(padded, dim="event")


def _evidence(parts: Sequence[Part]) -> Mapping[str, xr.Dataset]:
    """Return the evidence of all batches, by phenomenon."""
    found: dict[str, list[xr.Dataset]] = {}
    for rows, part in parts:
        for phenomenon, drawn in part.evidence.items():
            of_all = drawn.assign_coords(row=("event", rows[drawn["row"].values]))
            found.setdefault(phenomenon, []).append(of_all)
    return {phenomenon: joined_evidence(drawn) for phenomenon, drawn in found.items()}
