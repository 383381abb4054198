"""Whether there was a sea of clouds on the morning before, as known at issue.

A feature of the next morning alone: two mornings on, it says next to nothing (models/rules.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes
from forecast.domain import Event, Features
from forecast.quantities import feature_column
from forecast.verification import resolve

PHENOMENON, FEATURE = "sea_of_clouds", "sea_yesterday"

# (site, day) -> whether there was a sea
LastSeas = Mapping[tuple[str, date], bool]


def last_seas(archive: Archive, events: tuple[Event, ...], issued: datetime) -> LastSeas:
    """Return the mornings before those of `events`, where an outcome was received by `issued`."""
    days = [event.day for event in events if event.phenomenon == PHENOMENON]
    if not days:
        return {}
    day = timedelta(days=1)
    reports = Outcomes(archive).reports(min(days) - day, max(days) - day, PHENOMENON)
    found = {}
    for (site, _, text), received in reports.items():
        outcome = resolve([report for report in received if report.received <= issued])
        if outcome is not None:
            found[site, date.fromisoformat(text)] = outcome.happened
    return found


def with_last_seas(features: Features, known: LastSeas) -> Features:
    """Return features with the sea of the morning before: 1, 0; NaN where it is not known."""
    values = [
        float(known.get((event.site.id, event.day - timedelta(days=1)), math.nan))
        if event.phenomenon == PHENOMENON
        else math.nan
        for event in features.events
    ]
    column = feature_column(FEATURE, values)
    return replace(features, table=features.table.assign({FEATURE: column}))
