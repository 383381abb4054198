"""The hours at which issues go out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo

from forecast.domain import as_utc


def next_hour(issue_at: Sequence[time], zone: tzinfo, now: datetime) -> datetime:
    """Return the first hour of issue after `now`, in UTC; issue_at: local times of day."""
    return min(hour for hour in _hours(issue_at, zone, now) if hour > as_utc(now))


def last_hour(issue_at: Sequence[time], zone: tzinfo, now: datetime) -> datetime:
    """Return the last hour of issue up to `now`, in UTC; issue_at: local times of day."""
    return max(hour for hour in _hours(issue_at, zone, now) if hour <= as_utc(now))


def _hours(issue_at: Sequence[time], zone: tzinfo, now: datetime) -> list[datetime]:
    """Return the hours of issue of two days before and after."""
    today = now.astimezone(zone).date()
    return [
        as_utc(datetime.combine(today + timedelta(days=days), at, zone))
        for days in (-2, -1, 0, 1, 2)
        for at in issue_at
    ]
