"""The evidence of one event, taken out of that of all events of its phenomenon.

Why no xarray.Dataset: to select one takes a third of the time of drawing it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


class Evidence(Protocol):
    """What a chart draws: an xarray.Dataset of one event, or an EventEvidence."""

    @property
    def variables(self) -> Mapping[Any, Any]: ...

    def __contains__(self, name: object, /) -> bool: ...


class Part(NamedTuple):
    """A variable or a coordinate: the names of its dimensions, and its values (SI)."""

    dims: tuple[Any, ...]
    values: np.ndarray

    @property
    def size(self) -> int:
        return self.values.size


@dataclass(frozen=True, slots=True)
class EventEvidence:
    """The variables and coordinates of one event by name."""

    variables: Mapping[Any, Part]

    def __contains__(self, name: object, /) -> bool:
        return name in self.variables


def evidence_of(data: xr.Dataset, place: int) -> EventEvidence:
    """Return the evidence of one event. data: of all; place: of the event along `event`."""
    found = {}
    for name, variable in data.variables.items():
        dims, values = variable.dims, variable.values
        if "event" in dims:
            axis = dims.index("event")
            dims = dims[:axis] + dims[axis + 1 :]
            values = values[(slice(None),) * axis + (place,)]
        found[name] = Part(dims, np.asarray(values))
    return EventEvidence(found)
