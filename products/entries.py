"""The entries of a bulletin: each forecast with its weather, its dangers and a better day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from forecast.domain import DayWeather, Event, Features, Forecast
from forecast.parts_file import Held
from forecast.quantities import FEATURES
from products.confidence import as_usual, weighed
from products.known_values import KnownRows
from products.safety import Hazard, assess_hazards, closes, clothing, worst
from products.sections import WORTH_GOING, Entry, was_removed

if TYPE_CHECKING:
    import xarray as xr

# [1] a better day must be more likely by so much, and by a grade
CLEARLY_BETTER = 0.10

Weather = Mapping[tuple[str, date], DayWeather]
Assessed = tuple[tuple[Hazard, ...], tuple[str, ...]]  # the hazards, and those not assessed


@dataclass(frozen=True, slots=True)
class _KnownForecast:
    """A forecast with the known features of its event (SI) and the place of its evidence."""

    forecast: Forecast
    values: Mapping[str, float]
    evidence_at: tuple[Callable[[], xr.Dataset], int] | None


def entries_of(
    by_site: Mapping[str, Sequence[Forecast]],
    part: Held[Features],
    first: int,
    hazards: DayHazards,
    zone: ZoneInfo,
) -> dict[str, list[Entry]]:
    """Return the entries of each site, each with its weather, dangers and the next better day.

    by_site: the forecasts of the sites of a part. first: how many events stand before the part's.
    """
    features = part.get()
    rows = {event.key: row for row, event in enumerate(features.events)}
    table = features.table
    known = KnownRows({name: table[name].values for name in FEATURES if name in table})
    places = {
        p: {int(row) - first: place for place, row in enumerate(e["row"].values)}
        for p, e in features.evidence.items()
        if "row" in e.coords
    }
    drawn = {phenomenon: partial(_drawn, part, phenomenon) for phenomenon in places}

    def known_of(forecast: Forecast) -> _KnownForecast:
        row, phenomenon = rows.get(forecast.event.key), forecast.event.phenomenon
        values = known.values(row, forecast.quantities)
        place = None if row is None else places.get(phenomenon, {}).get(row)
        return _KnownForecast(
            forecast, values, None if place is None else (drawn[phenomenon], place)
        )

    found = {}
    for site, some in by_site.items():
        of_site = [known_of(each) for each in some]
        found[site] = [_entry(each, of_site, hazards, zone) for each in of_site]
    return found


def _drawn(part: Held[Features], phenomenon: str) -> xr.Dataset:
    """Return what charts of a phenomenon draw, of the sites of a part."""
    return part.get().evidence[phenomenon]


def _entry(
    known: _KnownForecast, of_site: Sequence[_KnownForecast], of_days: DayHazards, zone: ZoneInfo
) -> Entry:
    """Return a forecast as an entry; `of_site`: all forecasts of its site."""
    forecast, event = known.forecast, known.forecast.event
    hazards, not_assessed = of_days.of_event(event, zone)
    same = [
        other.forecast
        for other in of_site
        if other.forecast.event.phenomenon == event.phenomenon
        and other.forecast.event.day >= event.day
        and other.forecast.known
    ]
    same = [other for other in same if other is forecast or not was_removed(other)]
    safe = [f for f in same if not closes(of_days.of_event(f.event, zone)[0])]
    better = _better(forecast, safe)
    return Entry(
        forecast=forecast,
        values=known.values,
        hazards=hazards,
        clothing=clothing(known.values),
        better=better,
        dangerous_better=_better(forecast, same) if better is None else None,
        compared=len(same),
        not_assessed=not_assessed,
        evidence_at=known.evidence_at,
    )


class DayHazards:
    """The hazards of each site's days, and those that cannot be assessed: assessed once a day."""

    def __init__(self, weather: Weather) -> None:
        self._weather = weather
        self._found: dict[tuple[str, date], Assessed] = {}
        self._of_events: dict[tuple[str, str, str], Assessed] = {}

    def of_day(self, site: str, day: date) -> Assessed:
        """Return the hazards of a site's day, and the ids of those that cannot be assessed."""
        if (site, day) not in self._found:
            weather, day_before = self._weather, day - timedelta(days=1)
            self._found[site, day] = assess_hazards(
                weather.get((site, day)), weather.get((site, day_before))
            )
        return self._found[site, day]

    def of_event(self, event: Event, zone: ZoneInfo) -> Assessed:
        """Return those of the days that an event touches."""
        if (known := self._of_events.get(event.key)) is not None:
            return known
        ends = (event.window.start, event.window.end - timedelta(seconds=1))
        days = dict.fromkeys(at.astimezone(zone).date() for at in ends)
        assessed = [self.of_day(event.site.id, day) for day in days]
        found = worst(hazard for hazards, _ in assessed for hazard in hazards)
        names = tuple(dict.fromkeys(name for _, names in assessed for name in names))
        self._of_events[event.key] = found, names
        return found, names


def _better(forecast: Forecast, same: Sequence[Forecast]) -> Forecast | None:
    """Return a better later day for a poor forecast: the first of a good grade, else the likeliest.

    None where the forecast is not poor, or no later day is clearly likelier. A later day is less
    sure, and must be the likelier for it; one of which only the season is known is never better.
    Those that a forecaster chose come first.
    """
    if not 0 < forecast.grade < WORTH_GOING:
        return None
    later = [
        f
        for f in same
        if f.event.day > forecast.event.day
        and f.grade > forecast.grade
        and weighed(f) >= weighed(forecast) + CLEARLY_BETTER - 1e-9
        and not as_usual(f)
    ]
    later = [f for f in later if f.change is not None and f.change.recommended] or later
    worth = [f for f in later if f.grade >= WORTH_GOING]
    return min(worth, key=lambda f: f.event.day) if worth else max(later, key=weighed, default=None)
