"""What checks of the data call into question, for readers: fields of model runs, and stations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from forecast.domain import DOUBTFUL, WRONG, Observation
from forecast.observations import nowcast
from forecast.quantities import FIELDS

ANOTHER = "other"  # stands for a fault that names no field of the catalogue


def questioned_fields(faults: Sequence[str]) -> tuple[str, ...]:
    """Return the fields that the faults of model runs name, in the catalogue's order.

    ANOTHER is last where a fault names none.
    """
    words = [set(re.findall(r"\w+", fault)) for fault in faults]
    named = [name for name in FIELDS if any(name in each for each in words)]
    nameless = any(not each & FIELDS.keys() for each in words)
    return (*named, *[ANOTHER] * nameless)


def doubtful_stations(
    series: Mapping[str, Sequence[Observation]], now: datetime
) -> tuple[str, ...]:
    """Return the stations with a doubtful or wrong value in the time of which reports are used."""
    return tuple(
        station
        for station, observations in series.items()
        if any(
            now - nowcast.LATEST <= each.time <= now
            and any(flag in (DOUBTFUL, WRONG) for flag in each.flags.values())
            for each in observations
        )
    )
