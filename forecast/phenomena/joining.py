"""Join the features of batches of sites, as if they had been derived at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
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


class Lengths:
    """How long the timelines of all parts are, and the names of their sites.

    As they are stored, parts are alike, as if all had been derived at once.
    """

    def __init__(self) -> None:
        self._lines: dict[str, dict[str, int]] = {}
        self._names = np.dtype("U1")
        self._parts = 0

    def see(self, features: Features) -> None:
        """Take note of a part."""
        self._parts += 1
        for phenomenon, drawn in features.evidence.items():
            longest = self._lines.setdefault(phenomenon, {})
            for dim in _lines(drawn):
                longest[dim] = max(longest.get(dim, 0), drawn.sizes[dim])
        if features.hours is not None:
            self._names = np.promote_types(self._names, features.hours["site"].dtype)

    def alike(self, features: Features, rows: Index) -> Features:
        """Return a part as joined features have it. rows: of its events among all."""
        if self._parts == 1:
            return features
        evidence = {
            phenomenon: padded(_among_all(drawn, rows), self._lines[phenomenon])
            for phenomenon, drawn in features.evidence.items()
        }
        hours = features.hours
        if hours is not None:
            sites = {"site": hours["site"].values.astype(self._names)}
            coords = {str(name): hours[name].variable for name in hours.coords}
            data = {name: hours[name].variable for name in hours.data_vars}
            hours = xr.Dataset(data, coords | sites)  # in the same order
        return replace(features, evidence=evidence, hours=hours)


def joined_evidence(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join evidence along `event`; shorter timelines are filled with NaN and NaT."""
    if len(parts) == 1:
        return parts[0]
    longest = {dim: max(part.sizes[dim] for part in parts) for dim in _lines(parts[0])}
    return xr.concat([padded(part, longest) for part in parts], dim="event")


def padded(part: xr.Dataset, longest: Mapping[str, int]) -> xr.Dataset:
    """Return evidence with timelines of a length; what is added is NaN or NaT."""
    return part.pad({dim: (0, size - part.sizes[dim]) for dim, size in longest.items()})


def _lines(drawn: xr.Dataset) -> list[str]:
    """Return the dimensions that are timelines, and of another length elsewhere."""
    return [dim for dim in ("minute", "hour") if dim in drawn.dims]


def _among_all(drawn: xr.Dataset, rows: Index) -> xr.Dataset:
    """Return evidence with the rows of its events among those of all parts."""
    return drawn.assign_coords(row=("event", rows[drawn["row"].values]))


def _evidence(parts: Sequence[Part]) -> Mapping[str, xr.Dataset]:
    """Return the evidence of all batches, by phenomenon."""
    found: dict[str, list[xr.Dataset]] = {}
    for rows, part in parts:
        for phenomenon, drawn in part.evidence.items():
            found.setdefault(phenomenon, []).append(_among_all(drawn, rows))
    return {phenomenon: joined_evidence(drawn) for phenomenon, drawn in found.items()}
