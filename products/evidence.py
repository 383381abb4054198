"""What charts draw of one event or site, taken out of what there is of all of them.

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
    """What a chart draws: an xarray.Dataset of one event or site, or a `Selected`."""

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
class Selected:
    """The variables and coordinates of one event or site by name."""

    variables: Mapping[Any, Part]

    def __contains__(self, name: object, /) -> bool:
        return name in self.variables


def selected(data: xr.Dataset, along: str, place: int) -> Selected:
    """Return what is at one place along a dimension."""
    found = {}
    for name, variable in data.variables.items():
        dims, values = variable.dims, variable.values
        if along in dims:
            axis = dims.index(along)
            dims = dims[:axis] + dims[axis + 1 :]
            values = values[(slice(None),) * axis + (place,)]
        found[name] = Part(dims, np.asarray(values))
    return Selected(found)
