"""Numbers by name and reasons in few bytes: forecasts of ten thousand sites stay in memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import overload

from forecast.domain import Reason


class Numbers(Mapping[str, float]):
    """Name -> number, never changed: as a dict, in a third of its bytes."""

    __slots__ = ("_numbers", "_places")

    def __init__(self, values: Mapping[str, float]) -> None:
        self._places = _places(tuple(values))
        self._numbers = array("d", values.values())

    def __getitem__(self, name: str) -> float:
        return self._numbers[self._places[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __repr__(self) -> str:
        return repr(dict(self))


class Reasons(Sequence[Reason]):
    """Reasons, never changed: as a tuple of them, in a third of its bytes."""

    __slots__ = ("_names", "_numbers")

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self._names = _names(tuple(each.feature for each in reasons))
        self._numbers = array("d", [n for each in reasons for n in (each.value, each.effect)])

    @overload
    def __getitem__(self, at: int) -> Reason: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Reason, ...]: ...
    def __getitem__(self, at: int | slice) -> Reason | tuple[Reason, ...]:
        return tuple(self)[at]

    def __iter__(self) -> Iterator[Reason]:
        numbers = iter(self._numbers)
        return map(Reason, self._names, numbers, numbers)

    def __len__(self) -> int:
        return len(self._names)

    def __eq__(self, other: object) -> bool:
        return tuple(self) == (tuple(other) if isinstance(other, Reasons) else other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@lru_cache(maxsize=4096)
def _places(names: tuple[str, ...]) -> Mapping[str, int]:
    """Return the place of each name; many events have the same names and share them."""
    return {name: place for place, name in enumerate(names)}


@lru_cache(maxsize=4096)
def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one copy of some names."""
    return names
