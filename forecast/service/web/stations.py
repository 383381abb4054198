"""The last day of the stations at a site, for the desk: a curve of each element."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from forecast.domain import CurrentObservations, Site
from forecast.issue.station_reports import current_observations
from forecast.service.web.context import context
from forecast.service.web.desk_material import Desk, cache, slot
from products.charts.svg import Scale, TimeScale, polyline
from products.pages.tiles import since
from products.wording import Words

# elements with a curve, and the unit in which each is shown
SHOWN = {
    "air_temperature": "celsius",
    "relative_humidity": "percent",
    "wind_speed": "wind",
    "visibility_in_air": "visibility",
    "precipitation_amount": "millimetre",
}
DAY, GAP = timedelta(days=1), timedelta(minutes=90)
WIDTH, HEIGHT = 120.0, 30.0  # [px] of a curve


@dataclass(frozen=True, slots=True)
class Curve:
    """An element over the last day: its path, its newest value and its range in words."""

    label: str
    path: str
    newest: str
    text: str


@dataclass(frozen=True, slots=True)
class StationDay:
    """A station and its curves; note: its height, and since when it is silent."""

    name: str
    note: str
    curves: tuple[Curve, ...]


def station_days(desk: Desk, site: Site, words: Words) -> tuple[StationDay, ...]:
    """Return the last day of each station of a site. Raises: ArchiveError."""
    by_id = {each.station.id: each for each in _latest(desk)}
    return tuple(
        _station_day(by_id[name], words, desk.now) for name in site.stations if name in by_id
    )


def silent(desk: Desk, words: Words) -> list[str]:
    """Return the stations of the sites whose last report is old, each in words."""
    old = timedelta(minutes=desk.machine.old_minutes)
    return [
        words("desk.silent", station=_name(each, words), since=since(each.last_report, words))
        for each in _latest(desk)
        if each.last_report is None or desk.now - each.last_report > old
    ]


def _latest(desk: Desk) -> tuple[CurrentObservations, ...]:
    here = context()
    return cache().of(
        ("stations", slot(desk.now)),
        lambda: current_observations(here.archive, here.config, desk.now),
    )


def _name(each: CurrentObservations, words: Words) -> str:
    return words.name(each.station.name) or each.station.id


def _station_day(each: CurrentObservations, words: Words, now: datetime) -> StationDay:
    height = words("rounded.metre_exact", value=f"{each.station.elevation:.0f}")
    newest = max((at for at, _ in each.newest.values()), default=None)
    seen = words("tile.observed", time=words.clock(newest)) if newest else ""
    curves = (
        _curve(name, each, words, now) for name in SHOWN if len(each.hourly.get(name, ())) > 1
    )
    return StationDay(_name(each, words), words.listed([height, *_some(seen)]), tuple(curves))


def _some(text: str) -> Iterable[str]:
    return [text] if text else []


def _curve(name: str, each: CurrentObservations, words: Words, now: datetime) -> Curve:
    hours = each.hourly[name]
    values = [value for _, value in hours]
    low, high = min(values), max(values)
    spare = max((high - low) * 0.05, 1e-6)
    across = TimeScale(now - DAY, now, 0.0, WIDTH, words.zone)
    up = Scale(low - spare, high + spare, HEIGHT - 2, 2)
    points = [(across.clamped(hours[0][0]), up(values[0]))]
    for (before, _), (after, value) in pairwise(hours):
        if after - before > GAP:
            points.append((float("nan"), float("nan")))
        points.append((across.clamped(after), up(value)))
    ends = [words.in_unit(SHOWN[name], value) for value in (low, high)]
    newest = each.newest.get(name)
    return Curve(
        words(f"desk.element.{name}"),
        polyline(points),
        words.in_unit(SHOWN[name], newest[1]) if newest else words("probability.unknown"),
        words("desk.low_to_high", low=ends[0], high=ends[1]) if len(set(ends)) > 1 else "",
    )
