"""The known features of an event, in few bytes: those of ten thousand sites stay in memory."""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterator, Mapping

import numpy as np


class KnownRows:
    """The rows of a table of features, feature -> column; NaN and infinity count as absent."""

    def __init__(self, table: Mapping[str, np.ndarray]) -> None:
        self._names = tuple(table)
        self._rows = np.stack([*table.values()], axis=1) if table else np.empty((0, 0))
        self._at = {name: at for at, name in enumerate(self._names)}
        self._places: dict[
            bytes, Mapping[str, int | None]
        ] = {}  # rows with the same names share them

    def values(self, row: int | None, more: Mapping[str, float]) -> KnownValues:
        """Return the known values of a row (None: there is none), and those of `more` before them.

        Raises: IndexError.
        """
        if row is None:
            return KnownValues({}, array("d"), more)
        numbers = self._rows[row]
        own = np.isfinite(numbers)
        given = [self._at[name] for name in more if name in self._at]
        own[given] = False
        known = own.copy()
        known[given] = True
        places = self._places.get(key := known.tobytes() + own.tobytes())
        if places is None:
            places = self._places[key] = self._placed(known, own)
        return KnownValues(places, array("d", numbers[own].tobytes()), more)

    def _placed(self, known: np.ndarray, own: np.ndarray) -> dict[str, int | None]:
        """Return the place of each known feature among the row's own numbers; None: has another."""
        place = iter(range(len(own)))
        return {
            name: next(place) if own[at] else None
            for at, name in enumerate(self._names)
            if known[at]
        }


class KnownValues(Mapping[str, float]):
    """Feature -> value (SI). places: feature -> its place among `numbers`, None: it is in `more`.

    What `places` does not have comes last.
    """

    __slots__ = ("_more", "_numbers", "_places")

    def __init__(
        self, places: Mapping[str, int | None], numbers: array[float], more: Mapping[str, float]
    ) -> None:
        self._places, self._numbers, self._more = places, numbers, more

    def __getitem__(self, name: str) -> float:
        place = self._places.get(name)
        return self._more[name] if place is None else self._numbers[place]

    def __iter__(self) -> Iterator[str]:
        yield from self._places
        yield from (name for name in self._more if name not in self._places)

    def items(self) -> ItemsView[str, float]:
        """Return all at once: three times as fast as one by one."""
        numbers, more = self._numbers, self._more
        found = {
            name: more[name] if place is None else numbers[place]
            for name, place in self._places.items()
        }
        found.update(more)
        return found.items()

    def __len__(self) -> int:
        return sum(1 for _ in self)
