"""Nouns as plain data and back: frozen dataclasses as lists of their fields, by their types.

Numbers keep every digit, times their zone; what comes back equals what was written. A type that
has no plain form is refused when it is first seen, never guessed.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import numpy as np

from forecast.domain import Site

if TYPE_CHECKING:
    import xarray as xr

Pair = tuple[Callable[[Any], Any], Callable[[Any], Any]]


def _lazy_names() -> dict[str, Any]:
    """Return what annotations of the nouns name and their modules import for type checkers only."""
    import numpy
    import xarray

    return {"np": numpy, "xr": xarray}


def _same(value: Any) -> Any:
    return value


SIMPLE: Mapping[Any, Pair] = {
    **dict.fromkeys((str, int, float, bool, type(None)), (_same, _same)),
    datetime: (datetime.isoformat, datetime.fromisoformat),
    date: (date.isoformat, date.fromisoformat),
    timedelta: (lambda value: value / timedelta(microseconds=1),
                lambda plain: timedelta(microseconds=plain)),
    ZoneInfo: (lambda value: value.key, ZoneInfo),
    Path: (str, Path),
}  # fmt: skip


class Coder:
    """Writes and reads nouns. A site stands as its id; `sites` has those that are known."""

    def __init__(self) -> None:
        self.sites: dict[str, Site] = {}
        self._known: dict[Any, Pair] = {}

    def plain(self, kind: Any, value: Any) -> Any:
        """Return a value of a type as plain data. Raises: TypeError for a type without any."""
        return self._pair(kind)[0](value)

    def noun(self, kind: Any, plain: Any) -> Any:
        """Return the value that plain data of a type stand for. Raises: ValueError, KeyError."""
        return self._pair(kind)[1](plain)

    def fields(self, noun: Any, left_out: frozenset[str]) -> dict[str, Any]:
        """Return the fields of a noun by name as plain data, but those that are left out."""
        kind: Any = type(noun)
        hints = _hints(kind)
        return {
            name: self.plain(hint, getattr(noun, name))
            for name, hint in hints.items()
            if name not in left_out
        }

    def read_fields(self, kind: Any, plain: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of a noun that `fields` wrote."""
        hints = _hints(kind)
        return {name: self.noun(hints[name], value) for name, value in plain.items()}

    def _pair(self, kind: Any) -> Pair:
        found = self._known.get(kind)
        if found is None:
            found = self._known[kind] = self._made(kind)
        return found

    def _made(self, kind: Any) -> Pair:
        if kind in SIMPLE:
            return SIMPLE[kind]
        if kind is Site:
            return (lambda site: site.id), self.sites.__getitem__
        origin, inner = get_origin(kind), get_args(kind)
        if origin is Literal:
            return _same, _same
        if origin in (Union, types.UnionType) and len(inner) == 2 and type(None) in inner:
            return _optional(self._pair(next(each for each in inner if each is not type(None))))
        if origin is Sequence or (origin is tuple and inner[1:] == (...,)):
            return _many(self._pair(inner[0]), tuple)
        if origin is tuple:
            return _fixed([self._pair(each) for each in inner])
        if origin is frozenset:
            return _many(self._pair(inner[0]), frozenset)
        if origin is not None and issubclass(origin, Mapping) and inner[0] is str:
            return _table(self._pair(inner[1]))
        if dataclasses.is_dataclass(kind):
            return self._noun(kind)
        raise TypeError(f"{kind} has no plain form: add one to products/plain_data.py")

    def _noun(self, kind: Any) -> Pair:
        pairs: list[tuple[str, Pair]] = []
        # a noun may hold its own kind: it is known before its fields are
        self._known[kind] = (lambda value: write(value)), (lambda plain: read(plain))
        pairs += [(name, self._pair(hint)) for name, hint in _hints(kind).items()]
        writers = [(name, pair[0]) for name, pair in pairs]
        readers = [pair[1] for _, pair in pairs]

        def write(value: Any) -> list[Any]:
            return [writer(getattr(value, name)) for name, writer in writers]

        def read(plain: Any) -> Any:
            return kind(*[reader(each) for reader, each in zip(readers, plain, strict=True)])

        return write, read


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    """Return the types of the fields of a noun, in their order."""
    noun: Any = kind
    hints = get_type_hints(noun, localns=_lazy_names())
    return {each.name: hints[each.name] for each in dataclasses.fields(noun) if each.init}


def _optional(pair: Pair) -> Pair:
    write, read = pair
    return (
        lambda value: None if value is None else write(value),
        lambda plain: None if plain is None else read(plain),
    )


def _many(pair: Pair, made: Callable[[Any], Any]) -> Pair:
    write, read = pair
    if write is _same:
        return list, made
    return (
        lambda values: [write(value) for value in values],
        lambda plain: made([read(each) for each in plain]),
    )


def _fixed(pairs: list[Pair]) -> Pair:
    return (
        lambda values: [pair[0](value) for pair, value in zip(pairs, values, strict=True)],
        lambda plain: tuple(pair[1](each) for pair, each in zip(pairs, plain, strict=True)),
    )


def _table(pair: Pair) -> Pair:
    write, read = pair
    if write is _same:
        return dict, dict
    return (
        lambda table: {name: write(value) for name, value in table.items()},
        lambda plain: {name: read(value) for name, value in plain.items()},
    )


class ArraysWriter:
    """Puts datasets into one block of bytes."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._end = 0

    @property
    def block(self) -> bytes:
        return b"".join(self._parts)

    def add(
        self, found: tuple[Callable[[], xr.Dataset], int | None] | None, dim: str
    ) -> list[Any] | None:
        """Add what reads a dataset, or what that has at a place along `dim`; None adds nothing.

        Return what `dataset_of` needs to read it. Attributes are left out. A place is cut from
        plain arrays: xarray's own `isel` takes as long as all else of a site's data.
        """
        if found is None:
            return None
        data, place = found[0](), found[1]
        coordinates = set(data.coords)
        parts = []
        for name, variable in data.variables.items():
            dims, values = list(variable.dims), variable.values
            if place is not None and dim in dims:
                axis = dims.index(dim)
                values = values[(slice(None),) * axis + (place, ...)]
                dims.remove(dim)
            parts.append([str(name), dims, name in coordinates, *self._put(values)])
        return parts

    def _put(self, values: np.ndarray) -> tuple[str, list[int], int]:
        values = values.astype(str) if values.dtype.kind == "O" else values
        content, at = _by_byte(values, values.dtype.itemsize), self._end
        self._parts.append(content)
        self._end += len(content)
        return values.dtype.str, list(values.shape), at


def _by_byte(values: np.ndarray, size: int) -> bytes:
    """Return the first bytes of all values, then their second ones, and so on.

    Those of neighbours are alike: a quarter less is left of them once they are compressed.
    """
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).reshape(-1, size).T.tobytes()


def dataset_of(plain: list[Any], block: bytes) -> xr.Dataset:
    """Return a dataset that an `ArraysWriter` put into a block. Raises: ValueError."""
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for name, dims, is_coord, kind, shape, at in plain:
        dtype, count = np.dtype(kind), int(np.prod(shape, dtype=int))
        content = np.frombuffer(block, np.uint8, count * dtype.itemsize, at)
        content = np.ascontiguousarray(content.reshape(dtype.itemsize, -1).T)
        values = content.reshape(-1).view(dtype).reshape(shape)
        (coords if is_coord else variables)[name] = (tuple(dims), values)
    import xarray as xr

    return xr.Dataset(variables, coords)
