"""Station reports as columns, for quality control."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from forecast.domain import DOUBTFUL, WRONG, Observation, Station
from forecast.quantities import ELEMENTS

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

INDEX = {name: column for column, name in enumerate(ELEMENTS)}
# Forms in which direction 0 means calm; an automatic vane may report north as 0.
CALM_CODED_FORMS = frozenset(("synop", "bufr", "metar", "micaps1"))
# Forms that round to whole degrees and hPa: a value may stay constant for longer.
ROUNDED_FORMS = frozenset(("metar",))
# Forms that carry flags of their own, which are never lowered.
FLAGGED_FORMS = frozenset(("isd", "afile", "cmadaas"))


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Reports as columns, sorted by station, form and time.

    series (row): number of the station and form. seconds (row): since 1970. values, given
    (row, element): SI values with NaN, and the flags that the reports came with. place (row): index
    into `places`, -1 where the station's position is unknown. coded (row): direction 0 means calm.
    whole (row): values are rounded to whole degrees and hPa.
    """

    observations: tuple[Observation, ...]
    series: Integers
    seconds: Integers
    values: Floats
    given: NDArray[np.int8]
    place: Integers
    places: tuple[Station, ...]
    coded: Mask
    whole: Mask

    @classmethod
    def of(cls, observations: Iterable[Observation], places: Mapping[str, Station]) -> ReportTable:
        """Return observations as a table; places: where the known stations stand, by id."""
        rows = tuple(sorted(observations, key=lambda o: (o.station, o.form, o.time)))
        values = np.full((len(rows), len(INDEX)), np.nan)
        given = np.zeros(values.shape, dtype=np.int8)
        at, column, found = list[int](), list[int](), list[float]()
        numbers: dict[tuple[str, str], int] = {}
        known = {name: number for number, name in enumerate(places)}
        for number, row in enumerate(rows):
            numbers.setdefault((row.station, row.form), len(numbers))
            for name, value in row.values.items():
                # an archive may hold elements that the catalogue no longer has
                if (index := INDEX.get(name)) is not None:
                    at.append(number)
                    column.append(index)
                    found.append(value)
            if row.form in FLAGGED_FORMS:
                for name, flag in row.flags.items():
                    if name in INDEX and flag in (DOUBTFUL, WRONG):
                        given[number, INDEX[name]] = flag
        values[at, column] = found
        return cls(
            observations=rows,
            series=np.array([numbers[row.station, row.form] for row in rows], dtype=np.int64),
            seconds=np.array([int(row.time.timestamp()) for row in rows], dtype=np.int64),
            values=values, given=given,
            place=np.array([known.get(row.station, -1) for row in rows], dtype=np.int64),
            places=tuple(places.values()),
            coded=np.array([row.form in CALM_CODED_FORMS for row in rows], dtype=bool),
            whole=np.array([row.form in ROUNDED_FORMS for row in rows], dtype=bool),
        )  # fmt: skip


def finite(observation: Observation) -> Observation:
    """Return an observation without its NaN and infinite values."""
    if all(abs(value) < np.inf for value in observation.values.values()):
        return observation
    kept = {name: value for name, value in observation.values.items() if abs(value) < np.inf}
    return replace(observation, values=kept)
