"""The sea of clouds of the morning before: known at issue, for the next morning alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.domain import Event, Features, Outcome, Window
from forecast.issue.last_sea import last_seas, with_last_seas
from models.rule_model import PhysicsRule
from tests.skies import SITES, utc

ISSUED = utc("2026-11-22T09:00")
TODAY = date(2026, 11, 22)


def morning(ahead: int) -> Event:
    start = utc("2026-11-21T22:00") + timedelta(days=ahead)
    return Event(
        "sea_of_clouds", SITES["lingshan"], TODAY + timedelta(days=ahead),
        Window(start, start + timedelta(hours=4)),
    )  # fmt: skip


def known(archive: Archive, state: str, at: datetime) -> list[float]:
    """Return the feature of tomorrow's morning and the one after, with one outcome of today."""
    outcome = Outcome("sea_of_clouds", "lingshan", TODAY, float("nan"), "observer", state=state)
    Outcomes(archive).keep([outcome], at)
    events = (morning(1), morning(2), replace(morning(1), phenomenon="starry_sky"))
    table = xr.Dataset({"gust": ("event", np.zeros(3))})
    features = Features(events, table, ((), (), ()), {}, {})
    found = with_last_seas(features, last_seas(archive, events, ISSUED))
    return [float(value) for value in found.table["sea_yesterday"].values]


@pytest.mark.parametrize(("state", "value"), [("sea", 1.0), ("open", 0.0), ("in_cloud", 0.0)])
def test_the_next_morning_knows_what_was_seen_and_the_one_after_does_not(
    archive: Archive, state: str, value: float
) -> None:
    found = known(archive, state, utc("2026-11-22T03:00"))

    assert found[0] == value
    assert np.isnan(found[1:]).all()


def test_a_report_that_came_after_the_issue_is_not_known(archive: Archive) -> None:
    found = known(archive, "sea", ISSUED + timedelta(minutes=1))

    assert np.isnan(found).all()


def test_without_a_morning_to_forecast_nothing_is_asked() -> None:
    nothing: Any = SimpleNamespace()

    assert last_seas(nothing, (), ISSUED) == {}


def test_a_sea_after_a_sea_is_likelier_than_after_none_by_half_the_odds_that_were_counted() -> None:
    # 1,078 verified mornings: .23 after a sea, .08 after none: a factor of 3.4 in the odds; the
    # weather of the two mornings is alike and is known to the rule: half of the log-odds
    rule = PhysicsRule("sea_of_clouds").ready()
    cases = np.full((3, len(rule.columns)), np.nan)
    place = {name: i for i, name in enumerate(rule.columns)}
    cases[:, place["forecast_period"]] = 0.0
    cases[:, place["cloud_above_site"]] = 0.0
    cases[:, place["sea_yesterday"]] = (0.0, np.nan, 1.0)

    after_none, unknown, after_sea = rule.predict_proba(cases)[:, 0]

    assert after_none < unknown < after_sea
    counted = np.log((0.23 / 0.77) / (0.08 / 0.92))
    told = np.log((after_sea / (1 - after_sea)) / (after_none / (1 - after_none)))
    assert told == pytest.approx(counted / 2, abs=0.05)
