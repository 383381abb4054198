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


def hours_between(
    issue_at: Sequence[time], zone: tzinfo, after: datetime, before: datetime
) -> list[datetime]:
    """Return the hours of issue after one moment and before another, in UTC, the oldest first."""
    found: list[datetime] = []
    hour = next_hour(issue_at, zone, after)
    while hour < as_utc(before):
        found.append(hour)
        hour = next_hour(issue_at, zone, hour)
    return found


def due_run(run_hours: Sequence[int], delay_hours: float, at: datetime) -> datetime:
    """Return the time of the newest model run that is due at a moment, in UTC.

    run_hours: of the day, in UTC. delay_hours: [h] after its time a run is due.
    """
    newest = as_utc(at) - timedelta(hours=delay_hours)
    hour = newest.replace(minute=0, second=0, microsecond=0)
    while hour.hour not in run_hours:
        hour -= timedelta(hours=1)
    return hour


def _hours(issue_at: Sequence[time], zone: tzinfo, now: datetime) -> list[datetime]:
    """Return the hours of issue of two days before and after."""
    today = now.astimezone(zone).date()
    return [
        as_utc(datetime.combine(today + timedelta(days=days), at, zone))
        for days in (-2, -1, 0, 1, 2)
        for at in issue_at
    ]
