"""Flagged values for the operator: which, when, and why, with the likely unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from forecast.archive.intake_report import IntakeCounts
from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.domain import DOUBTFUL, INCONSISTENT, WRONG, Observation, Station, as_utc
from forecast.observations import nowcast
from forecast.observations.cloud_scale import LIKELY
from forecast.observations.formats.units import beyond_limits
from forecast.observations.past_checks import WEEKS, bounds_of, likely_slip
from forecast.observations.plausibility_checks import reasons, shown
from forecast.observations.quality_control import check
from forecast.observations.report_table import FLAGGED_FORMS, INDEX, ReportTable
from forecast.observations.time_checks import LONGEST

FLAGGED = (DOUBTFUL, WRONG, INCONSISTENT)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value that quality control flags: doubtful, wrong or inconsistent.

    The newest of its station and element in a day. element: "" where the nowcast doubts a report.
    """

    station: str
    time: datetime
    element: str
    reason: str


def recent_doubts(
    archive: Archive, stations: Sequence[Station], now: datetime
) -> tuple[Doubt, ...]:
    """Return the newest flagged value of each station and element since a day.

    Raises: ArchiveError.
    """
    now, observations = as_utc(now), Observations(archive)
    flagged = {each.station for each in IntakeCounts(archive).flagged(now - DAY)}
    places = {station.id: station for station in stations if station.id in flagged}
    found: list[Doubt] = []
    for name, series in observations.series(sorted(places), now - DAY, now).items():
        newest: dict[str, Observation] = {}
        for observation in series:
            for element, flag in observation.flags.items():
                if flag in FLAGGED and element in observation.values:
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
    """Return why a value is flagged."""
    flag = observation.flags[element]
    if flag == WRONG:
        return beyond_limits(observation.values).get(element) or _given(element, observation)
    if flag == INCONSISTENT:
        value = shown(element, observation.values)
        return f"{value} contradicts another value of its report: which is wrong is not known"
    if (given := reasons(observation, station).get(element)) is not None:
        return given
    value = shown(element, observation.values)
    low, high = bounds_of(weeks).get(element, (float("-inf"), float("inf")))
    if not low <= observation.values[element] <= high:
        likely = likely_slip(element, observation.values[element] > high)
        return f"{value} is far from the station's last weeks: {likely}"
    rules = {
        "scale": f"is a whole number to 10, as all around it: {LIKELY}",
        "step": "jumps from the reports before and after it",
        "persistence": "has stayed constant for too long: is the sensor stuck?",
    }
    rule = _rule_of_series(element, observation, station, weeks)
    if (element, rule) == ("snow_depth", "step"):
        return f"{value} is not what can have fallen: {likely_slip(element, True)}"
    if not rule and observation.form in FLAGGED_FORMS:
        return _given(element, observation)
    return f"{value} {rules.get(rule, 'differs from its neighbours')}"


def _given(element: str, observation: Observation) -> str:
    return f"{shown(element, observation.values)} is flagged by those who sent it"


def _rule_of_series(
    element: str, observation: Observation, station: Station, weeks: Sequence[Observation]
) -> str:
    """Return the rule by which a value does not fit its station's series; "": none."""
    since = observation.time - timedelta(seconds=LONGEST)
    around = [each for each in weeks if each.time >= since]
    found = check(ReportTable.of(around, {station.id: station}))
    for row, each in enumerate(found.table.observations):
        if (each.time, each.form) == (observation.time, observation.form):
            caught = (rule for rule in ("scale", "step", "persistence") if rule in found.caught)
            return next((r for r in caught if found.caught[r][row, INDEX[element]]), "")
    return ""
