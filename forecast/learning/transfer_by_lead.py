"""Transfer test by lead: the models for stars and snow at a new place, from its own two CSV files.

Nothing is refitted: the models in force and the physics rule get the features that the forecasts
of each issue give (forecast/learning/issue_forecasts.py says in which columns), and are scored
against what came, by days ahead, beside the place's climatology and persistence. The usual
frequency is that of the shipped table, a forecaster of its own in the table: far ahead every model
is as good as it is at the place. "own frequency" gives the same model the frequency that the
place's other months had, as outcomes at a site do once the service runs there.

Stars: the outcome is of the sky alone, so the moon is left out: the zenith is as dark as makes no
difference. Of analysed hours it is the service's own starry night (best two hours with at most few
clouds), which the classifier served has learnt, or a clear night (mean cover at most 20 %), a
stricter event, which another shipped classifier has learnt (models/registry.py, of_clear_nights).
Each event has its own shipped frequency, of nights near Beijing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from forecast.domain import Site
from forecast.errors import SourceCorrupt
from forecast.learning.issue_forecasts import HourlySeries, read_forecasts, read_outcomes
from forecast.learning.transfer_features import (
    CLEAR,
    NEEDED,
    features_of_issues,
    hours_that_count,
    of_earlier_issue,
)
from forecast.phenomena import stars
from forecast.quantities import FEATURES
from forecast.science import almanac
from forecast.science.snowfall import SNOW_ENOUGH
from forecast.settings import PhenomenonSettings
from forecast.verification import compared
from models.climatology import CLEAR_NIGHTS, TABLE, Climatology
from models.lead_table import CLIMATOLOGY, LeadRow, lead_table, own_climatology, persistence
from models.rule_model import LEAD, USUAL, PhysicsRule

Array = NDArray[np.floating[Any]]

SHIPPED = "shipped frequency"  # the name of that of the table for the site's month and height
NIGHT = (21, 4)  # local hours of a night, both included
EVENTS = ("starry", "clear")  # of analysed nights
SNOWFALL = 0.01  # [m] new snow of a day with snowfall
ONE_MONTH = (
    "  all outcomes are of one calendar month: skill and the place's own frequency need another "
    "month to compare with; Brier scores alone are given"
)
ALIKE = (
    "  where all outcomes are alike, nothing is told apart: no skill, no area under the ROC curve"
)
# what the almanac knows: the outcome is of the sky alone
NEEDLESS = {"zenith_sky_brightness", "dark_hours", "dark_sky_share"}
LEAST_HOURS = 0.75  # part of an event's hours that a forecast or an analysis must have


@dataclass(frozen=True)
class Hours:
    """The hours of an event: the first local hour of its day, and how many there are."""

    first: int
    count: int


def hours_of(phenomenon: str, night: tuple[int, int] = NIGHT) -> Hours:
    """Return the hours of a phenomenon's day; a night may pass midnight."""
    if phenomenon != "starry_sky":
        return Hours(1, 24)  # an hour's rain and snow carry the time at which the hour ends
    first, last = night
    return Hours(first, (last - first) % 24 + 1)


@dataclass(frozen=True)
class TransferCases:
    """Forecasts of the events of a place; every array is (case).

    day: datetime64[D]; ahead [day]; observed 0, 1 or NaN; features: by the catalogue's names.
    """

    day: NDArray[np.datetime64]
    ahead: NDArray[np.integer[Any]]
    observed: Array
    features: Mapping[str, Array]


@dataclass(frozen=True)
class TransferByLead:
    """The table of a place, remarks on lines, and features that the columns do not give."""

    place: str
    rows: tuple[LeadRow, ...]
    remarks: tuple[str, ...]
    missing: tuple[str, ...]
    days: tuple[date, ...]

    def lines(self) -> list[str]:
        """Return the result as lines of text, with the number of cases beside each score."""
        head = [f"{self.place}: skill is against the place's own months; [90 % intervals by weeks]"]
        if self.rows and not any(row.name == CLIMATOLOGY for row in self.rows):
            head.append(ONE_MONTH)
        elif any(row.alike for row in self.rows):
            head.append(ALIKE)
        skills = [row.skill.value for row in self.rows if row.name == SHIPPED and not row.alike]
        usual = [value for value in skills if math.isfinite(value)]
        if usual:
            head.append(
                "  far ahead a model returns to the usual frequency: the shipped one, made for "
                f"Beijing, has a skill of {min(usual):+.2f} to {max(usual):+.2f} here, and then no "
                'model with it can do better; "own frequency" is what the service learns of a place'
            )
        several = compared(row.skill for row in self.rows if row.name != CLIMATOLOGY).text()
        end = [several] if several else [] if self.rows else ["  no case"]
        missing = ", ".join(self.missing)
        return [
            *head,
            *(f"  {row.line()}" for row in self.rows),
            *end,
            *(f"read with care: {reason}" for reason in self.remarks),
            *([f"missing from these columns: {missing}"] if missing else []),
        ]


def transfer_by_lead(
    outcomes: Path,
    forecasts: Path,
    phenomenon: str,
    site: Site,
    models: Mapping[str, Any],
    clock: ZoneInfo,
    *,
    night: tuple[int, int] = NIGHT,
    event: str = EVENTS[0],
) -> TransferByLead:
    """Return the scores by lead of each model, the rule, climatology and persistence at a place.

    models: name -> a model with `columns` and `predict_proba`. clock: of the files' local times.
    event: one of EVENTS.
    Raises: SourceCorrupt for a file that cannot be read or lacks what the phenomenon needs.
    """
    series, bad = read_forecasts(forecasts, clock)
    known, also_bad = read_outcomes(outcomes, clock)
    needed = NEEDED[phenomenon]
    if needed not in series.values:
        raise SourceCorrupt(f"{forecasts}: {phenomenon} needs a column of {needed}")
    hours = hours_of(phenomenon, night)
    if isinstance(known, HourlySeries):
        if needed not in known.values:
            raise SourceCorrupt(f"{outcomes}: expected `observed`, or a column of {needed}")
        known = truth_of(known, phenomenon, hours, clock, event)
    table = CLEAR_NIGHTS if (phenomenon, event) == ("starry_sky", "clear") else TABLE
    usual = Climatology(table=table)
    cases = lead_cases(series, known, phenomenon, site, clock, hours, usual, event_kind=event)
    own = own_climatology(cases.observed, cases.day)
    with_own = bool(np.isfinite(own).any())  # not of one calendar month
    named = {CLIMATOLOGY: own} if with_own else {}
    named |= {
        "persistence": persistence(cases.observed, cases.day, cases.ahead),
        SHIPPED: cases.features[USUAL],
    }
    missing: set[str] = set()
    every = {"rule": PhysicsRule(phenomenon).ready(), **models}
    for name, model in every.items():
        missing |= {c for c in model.columns if _unknown(cases.features.get(c))}
        named[name] = _predicted(model, cases.features)
    for name, model in every.items() if with_own else ():
        named[f"{name}, own frequency"] = _predicted(model, {**cases.features, USUAL: own})
    return TransferByLead(
        site.id,
        tuple(lead_table(named, cases.observed, cases.day, cases.ahead)),
        tuple(also_bad + bad),
        tuple(sorted(missing & FEATURES.keys() - NEEDLESS)),
        tuple(sorted(known)),
    )


def _unknown(values: Array | None) -> bool:
    """Return whether a feature (case) is absent, or known of no case."""
    return values is None or not np.isfinite(values).any()


def _predicted(model: Any, features: Mapping[str, Array]) -> Array:
    empty = np.full(len(features[LEAD]), np.nan)
    if not len(empty):
        return empty
    columns = np.stack([features.get(name, empty) for name in model.columns], axis=1)
    return np.asarray(model.predict_proba(columns))[:, 1]


def truth_of(
    analysed: HourlySeries, phenomenon: str, hours: Hours, clock: ZoneInfo, event: str = EVENTS[0]
) -> dict[date, float]:
    """Return what analysed hours say of each local day that has enough of them, 1 or 0."""
    span = next(iter(analysed.values.values())).shape[1]
    first = _local_day(analysed.start[0], clock)
    last = _local_day(analysed.start[0] + np.timedelta64(span, "h"), clock)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    place = _starts(days, hours.first, clock) - analysed.start[0]
    offsets = (place / np.timedelta64(1, "h")).astype(int)
    everywhere = analysed.window(
        NEEDED[phenomenon], np.zeros(len(days), dtype=int), offsets, hours.count
    )
    values = everywhere[:, hours_that_count(everywhere, phenomenon)]
    enough = np.isfinite(values).mean(axis=1) >= LEAST_HOURS
    if phenomenon == "starry_sky" and event == "starry":
        happened = _best_two_hours(values[enough]) <= stars.FEW_CLOUDS
    else:
        amount = _amount(values[enough], phenomenon)
        happened = amount <= CLEAR if phenomenon == "starry_sky" else amount >= _limit(phenomenon)
    kept = [day for day, there in zip(days, enough, strict=True) if there]
    return dict(zip(kept, happened.astype(float).tolist(), strict=True))


def _amount(values: Array, phenomenon: str) -> Array:
    """Return the mean cover, the new snow, or the greatest depth of each event (event)."""
    with np.errstate(all="ignore"):
        if phenomenon == "starry_sky":
            return np.asarray(np.round(np.nanmean(values, axis=1), 6))
        if phenomenon == "snowfall":
            return np.asarray(np.round(np.nansum(values, axis=1), 6))
        return np.asarray(np.nanmax(values, axis=1))


def _best_two_hours(cover: Array) -> Array:
    """Return the least mean cover of two hours on end (event), by the trapezoidal rule."""
    means = (cover[:, :-2] + 2 * cover[:, 1:-1] + cover[:, 2:]) / 4
    return np.asarray(np.round(np.where(np.isfinite(means), means, np.inf).min(axis=1), 6))


def _limit(phenomenon: str) -> float:
    return SNOWFALL if phenomenon == "snowfall" else SNOW_ENOUGH


def lead_cases(
    series: HourlySeries,
    known: Mapping[date, float],
    phenomenon: str,
    site: Site,
    clock: ZoneInfo,
    hours: Hours,
    usual: Climatology,
    *,
    event_kind: str = EVENTS[0],
) -> TransferCases:
    """Return the forecasts of each day with an outcome, of all issues before it began."""
    days = sorted(known)
    starts = _starts(days, hours.first, clock)
    reach = max(table.shape[1] for table in series.values.values())
    first = ((starts[None, :] - series.start[:, None]) / np.timedelta64(1, "h")).astype(int)
    issue, event = np.nonzero((first >= 0) & (first < reach))
    offset = first[issue, event]
    best = event_kind == EVENTS[0]
    features = features_of_issues(series, issue, offset, phenomenon, hours.count, best)
    issued_on = np.array([_local_day(at, clock) for at in series.start], "datetime64[D]")
    day = np.array(days, "datetime64[D]")[event]
    windows, dark = _windows(days, site, phenomenon, starts, hours.count, clock)
    begin = windows[event]
    features["dark_hours"] = dark[event]
    features[LEAD] = (begin - series.run[issue]) / np.timedelta64(1, "h")
    frequency = np.array([usual.frequency_at(phenomenon, site, one) for one in days])
    features[USUAL] = frequency[event]
    if "night_sky_cover" in features:
        features["sky_cover_before"] = of_earlier_issue(
            features["night_sky_cover"], series.start[issue], event
        )
    enough = features.pop("known_share") >= LEAST_HOURS
    return TransferCases(
        day[enough],
        (day - issued_on[issue]).astype(int)[enough],
        np.array([known[one] for one in days])[event][enough],
        {name: values[enough] for name, values in features.items()},
    )


def _local_day(at: np.datetime64, clock: ZoneInfo) -> date:
    return _aware(at).astimezone(clock).date()


def _aware(at: np.datetime64) -> datetime:
    return datetime.fromtimestamp(int(at.astype("datetime64[s]").astype(int)), UTC)


def _starts(days: list[date], hour: int, clock: ZoneInfo) -> NDArray[np.datetime64]:
    """Return the moment (day), UTC, at which a local hour of each day begins."""
    local = [datetime(day.year, day.month, day.day, hour, tzinfo=clock) for day in days]
    return np.array([at.astimezone(UTC).replace(tzinfo=None) for at in local], "datetime64[h]")


def _windows(
    days: list[date],
    site: Site,
    phenomenon: str,
    starts: NDArray[np.datetime64],
    count: int,
    clock: ZoneInfo,
) -> tuple[NDArray[np.datetime64], Array]:
    """Return start and length [h] of the product's own window (day): of stars the dark night's.

    The start of the given hours, and NaN, where there is no such night, and for all else.
    """
    length = np.full(len(days), np.nan)
    if phenomenon != "starry_sky":
        return starts - np.timedelta64(1, "h"), length
    own = replace(site, phenomena=stars.PHENOMENA, headline="starry_sky")
    found = almanac.almanacs((own,), days, clock)
    result = starts.astype("datetime64[m]")
    for number, day in enumerate(days):
        middle = _aware(starts[number] + np.timedelta64(count // 2, "h"))
        for event in stars.events(own, day, found[own.id, day], PhenomenonSettings()):
            if event.window.start <= middle < event.window.end:
                result[number] = event.window.start.astimezone(UTC).replace(tzinfo=None)
                length[number] = (event.window.end - event.window.start) / timedelta(hours=1)
    return result, length
