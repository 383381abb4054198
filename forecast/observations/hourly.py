"""The hours of a station's reports: what is kept of observations that grow old."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from forecast.archive.observation_hours import (
    HOUR,
    SPAN,
    ElementHour,
    ObservationHours,
    StationHour,
    hour_of,
)
from forecast.domain import Observation
from forecast.observations.current import CODES, HOURLY_SUMS
from forecast.quantities import STATES

DIRECTION = "wind_from_direction"


def thin(hours: ObservationHours, before: datetime) -> int:
    """Thin every observation of the whole hours until `before`; return how many are gone.

    Each step is a transaction of its own: what is not done is done the next time.
    Raises: ArchiveError.
    """
    end, gone = hour_of(before) - HOUR, 0
    while (oldest := hours.oldest()) is not None and oldest <= end:
        after = hour_of(oldest) - HOUR
        until = min(after + SPAN, end)
        stations = hours.stations(after, until)
        gone += (step := sum(hours.thin(s, after, until, station_hours, joined) for s in stations))
        if not step:  # another process was faster
            break
    return gone


def station_hours(observations: Sequence[Observation]) -> list[StationHour]:
    """Return the hours of observations of one station, oldest first.

    Only good values count; an hour without one is kept with its number of reports.
    """
    by_hour: dict[datetime, list[Observation]] = {}
    for observation in observations:
        by_hour.setdefault(hour_of(observation.time), []).append(observation)
    return [_station_hour(end, reports) for end, reports in by_hour.items()]


def joined(stood: StationHour, later: StationHour) -> StationHour:
    """Return one hour for what was kept of it and for reports that came later."""
    values = dict(stood.values)
    for name, each in later.values.items():
        values[name] = _joined(name, values[name], each) if name in values else each
    codes = tuple(dict.fromkeys((*stood.codes, *later.codes)))
    reports = stood.reports + later.reports
    return StationHour(stood.station, stood.time, reports, values, codes)


def _station_hour(end: datetime, reports: Sequence[Observation]) -> StationHour:
    good: dict[str, list[float]] = {}
    codes: dict[int, None] = {}
    for report in reports:
        for name in report.values:
            if math.isnan(value := report.good(name)):
                continue
            if name in CODES:
                codes[int(value)] = None
            else:
                good.setdefault(name, []).append(value)
    values = {name: _element(name, found) for name, found in good.items()}
    return StationHour(reports[0].station, end, len(reports), values, tuple(codes))


def _element(name: str, values: Sequence[float]) -> ElementHour:
    if name in HOURLY_SUMS or name in STATES:
        mean = values[-1]
    elif name == DIRECTION:
        mean = _direction(values, [1] * len(values))
    else:
        mean = math.fsum(values) / len(values)
    return ElementHour(mean, len(values), min(values), max(values))


def _joined(name: str, one: ElementHour, other: ElementHour) -> ElementHour:
    count = one.count + other.count
    if name in HOURLY_SUMS or name in STATES:
        mean = max(one.mean, other.mean)  # which of them is the later is not known
    elif name == DIRECTION:
        mean = _direction([one.mean, other.mean], [one.count, other.count])
    else:
        mean = (one.mean * one.count + other.mean * other.count) / count
    least, greatest = min(one.least, other.least), max(one.greatest, other.greatest)
    return ElementHour(mean, count, least, greatest)


def _direction(values: Sequence[float], weights: Sequence[int]) -> float:
    """Return the direction [degree] of the weighted mean of unit vectors."""
    angles = np.radians(values)
    east, north = (float(np.average(of(angles), weights=weights)) for of in (np.sin, np.cos))
    return math.degrees(math.atan2(east, north)) % 360
