"""Doubtful values for the operator: which, when, and why, with the likely unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.archive.intake_report import IntakeCounts
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.domain import DOUBTFUL, Observation, Station, as_utc
from forecast.observations import nowcast
from forecast.observations.past_checks import WEEKS, bounds_of, likely_slip
from forecast.observations.plausibility_checks import reasons, shown

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value that quality control keeps from readers and from the nowcast.

    The newest of its station and element in a day. element: "" where the nowcast doubts a report.
    """

    station: str
    time: datetime
    element: str
    reason: str


def recent_doubts(
    archive: Archive, stations: Sequence[Station], now: datetime
) -> tuple[Doubt, ...]:
    """Return the newest doubtful value of each station and element since a day.

    Raises: ArchiveError.
    """
    now, observations = as_utc(now), Observations(archive)
    flagged = {
        flagged.station for flagged in IntakeCounts(archive).flagged(now - DAY) if flagged.doubtful
    }
    places = {station.id: station for station in stations if station.id in flagged}
    found: list[Doubt] = []
    for name, series in observations.series(sorted(places), now - DAY, now).items():
        newest: dict[str, Observation] = {}
        for observation in series:
            for element, flag in observation.flags.items():
                if flag == DOUBTFUL and element in observation.values:
                    newest[element] = observation
        weeks = observations.series([name], now - WEEKS, now).get(name, ()) if newest else ()
        found += [
            Doubt(name, each.time, element, _reason(element, each, places[name], weeks))
            for element, each in newest.items()
        ]
    found += [
        Doubt("", reason.last, "", reason.first.reason)
        for reason in IntakeCounts(archive).reasons(now - DAY)
        if reason.first.where == nowcast.SOURCE
    ]
    return tuple(found)


def _reason(
    element: str, observation: Observation, station: Station, weeks: Sequence[Observation]
) -> str:
    """Return why a value is doubtful."""
    if (given := reasons(observation, station).get(element)) is not None:
        return given
    value = shown(element, observation.values)
    low, high = bounds_of(weeks).get(element, (float("-inf"), float("inf")))
    if not low <= observation.values[element] <= high:
        likely = likely_slip(element, observation.values[element] > high)
        return f"{value} is far from the station's last weeks: {likely}"
    return f"{value} jumps, stays constant, or differs from the neighbours"
