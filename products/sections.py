"""The nouns below a bulletin: an entry, a day and a section of a site, and its hazards.

`products/composition.py` makes them from forecasts; no word of any language stands here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from forecast.domain import Almanac, Forecast, Site
from products.confidence import weighed
from products.evidence import Evidence, selected
from products.pages.tiles import Tile
from products.safety import CLOTHING_UNKNOWN, Hazard, closes, worst

if TYPE_CHECKING:
    import xarray as xr

WORTH_GOING = 3  # below this grade an entry names a better day
ALL_AROUND = frozenset({"snowfall", "snowmaking"})  # phenomena without a direction of view
# of use to a ski field, not to a visitor: never among the best
OPERATORS_ONLY = frozenset({"snowmaking"})


def was_removed(forecast: Forecast) -> bool:
    """Return whether a forecaster took an event from the recommendations."""
    return forecast.change is not None and forecast.change.recommended is False


@dataclass(frozen=True)
class Entry:
    """One forecast and what a reader needs beside it.

    values: the event's known features (SI). hazards, not_assessed: the hazards of the days it
    touches, and those that cannot be assessed. clothing: an id of CLOTHING. better: a later day of
    the same phenomenon that is clearly likelier, where this one is poor. dangerous_better: a
    likelier day that is dangerous, where there is no better one. compared: the number of days, this
    one and later, on which the phenomenon is known. evidence_at: what
    reads the evidence of many events of its phenomenon, and the position of this event; None: it
    is that of this event alone.
    """

    forecast: Forecast
    values: Mapping[str, float]
    hazards: tuple[Hazard, ...] = ()
    clothing: str = CLOTHING_UNKNOWN
    better: Forecast | None = None
    dangerous_better: Forecast | None = None
    compared: int = 1
    not_assessed: tuple[str, ...] = ()
    evidence_at: tuple[Callable[[], xr.Dataset], int | None] | None = field(
        default=None, compare=False
    )

    @cached_property
    def evidence(self) -> Evidence | None:
        """The evidence that its chart draws (one event), where there is any.

        Computed at the first use: most entries are never drawn.
        """
        if self.evidence_at is None:
            return None
        read, place = self.evidence_at
        return read() if place is None else selected(read(), "event", place)

    @property
    def computed(self) -> bool:
        """Whether the machine knew the probability, whatever a forecaster gave."""
        change = self.forecast.change
        if change is not None and change.moved:
            return not math.isnan(change.machine_probability)
        return self.forecast.known

    @property
    def poor(self) -> bool:
        return 0 < self.forecast.grade < WORTH_GOING

    @property
    def dangerous(self) -> bool:
        """Whether a hazard of its days closes roads or endangers life (safety.CLOSING)."""
        return closes(self.hazards)

    @property
    def recommended(self) -> bool:
        """Whether it may be recommended: known, not dangerous, and not removed by a forecaster.

        A hazard that is not assessed does not forbid it; it is named beside the entry.
        """
        return self.forecast.known and not self.dangerous and not self.removed

    @property
    def for_visitors(self) -> bool:
        """Whether it is of use to a visitor, not only to a ski field."""
        return self.forecast.event.phenomenon not in OPERATORS_ONLY

    @property
    def chosen(self) -> bool:
        """Whether a forecaster recommends it; a dangerous one is not recommended for all that."""
        change = self.forecast.change
        return change is not None and change.recommended is True

    @property
    def removed(self) -> bool:
        """Whether a forecaster took it from the recommendations."""
        return was_removed(self.forecast)

    @property
    def has_view(self) -> bool:
        """Whether the direction of view matters."""
        return self.forecast.event.phenomenon not in ALL_AROUND

    @property
    def azimuth(self) -> float | None:
        """The direction of view [degree]: the sun's, or for stars the darkest sky's.

        None where no direction is better.
        """
        return self.values.get("sun_azimuth", self.values.get("darkest_azimuth"))


@dataclass(frozen=True, slots=True)
class SiteDay:
    """One site on one local day: its entries in the site's own order of phenomena.

    hidden: phenomena of which a forecaster publishes nothing.
    """

    day: date
    entries: tuple[Entry, ...]
    headline: Entry | None
    almanac: Almanac | None
    hazards: tuple[Hazard, ...] = ()
    not_assessed: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether any forecast of the day is known."""
        return any(entry.forecast.known for entry in self.entries)

    @property
    def no_darkness(self) -> bool:
        """Whether stars are wanted and none are forecast, for the night does not get dark."""
        return (
            self.almanac is not None
            and "starry_sky" in self.almanac.site.phenomena
            and None in (self.almanac.astronomical_dusk, self.almanac.astronomical_dawn)
            and not any(e.forecast.event.phenomenon == "starry_sky" for e in self.entries)
        )

    @property
    def others(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry is not self.headline)

    def entry_of(self, phenomenon: str) -> Entry | None:
        """Return the day's entry of a phenomenon, where there is one."""
        found = (each for each in self.entries if each.forecast.event.phenomenon == phenomenon)
        return next(found, None)


def only_hidden(days: Iterable[SiteDay]) -> bool:
    """Return whether nothing is missing of some days but what a forecaster hides."""
    days = tuple(days)
    entries = (entry for day in days for entry in day.entries)
    return any(day.hidden for day in days) and all(entry.forecast.known for entry in entries)


@dataclass(frozen=True, slots=True)
class Alert:
    """One kind of hazard: where, when, and its strongest value (SI).

    uniform: every site has it on every one of the days.
    """

    hazard: str
    sites: tuple[Site, ...]
    days: tuple[date, ...]
    value: float
    uniform: bool = True


@dataclass(frozen=True, slots=True)
class Gap:
    """Hazards that are not assessed at every site on these days."""

    hazards: tuple[str, ...]
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The hazards of some sites over the days.

    clear: the days on which every hazard is assessed, so there are none but those in `alerts`.
    """

    alerts: tuple[Alert, ...] = ()
    gaps: tuple[Gap, ...] = ()
    clear: tuple[date, ...] = ()

    @property
    def days_not_assessed(self) -> tuple[date, ...]:
        """The days on which some hazard cannot be assessed."""
        return tuple(sorted({day for gap in self.gaps for day in gap.days}))


@dataclass(frozen=True, slots=True)
class Section:
    """One site with its days and its current observations.

    hours_at: what reads the next two days by the hour of many sites, and the position of this site;
    None: they are those of this site alone.
    """

    site: Site
    days: tuple[SiteDay, ...]
    outlook: Outlook = Outlook()
    tiles: tuple[Tile, ...] = ()
    hours_at: tuple[Callable[[], xr.Dataset], int | None] | None = field(
        default=None, compare=False
    )

    @property
    def hours(self) -> Evidence | None:
        """The next two days by the hour, where they are known."""
        if self.hours_at is None:
            return None
        read, place = self.hours_at
        return read() if place is None else selected(read(), "site", place)

    @property
    def no_darkness(self) -> bool:
        """Whether the site has no event at all, for its stars have no dark night."""
        return not any(day.entries for day in self.days) and any(
            day.no_darkness for day in self.days
        )

    @property
    def has_unknown(self) -> bool:
        """Whether any of its forecasts is not known."""
        return any(not entry.forecast.known for day in self.days for entry in day.entries)

    @property
    def has_unknown_headline(self) -> bool:
        """Whether any forecast of its headline is not known."""
        headlines = (day.headline for day in self.days if day.headline is not None)
        return any(not entry.forecast.known for entry in headlines)

    @property
    def soon(self) -> tuple[Hazard, ...]:
        """The hazards of the next two days, the most important first."""
        return worst(hazard for day in self.days[:2] for hazard in day.hazards)

    @property
    def soon_not_assessed(self) -> tuple[str, ...]:
        """The hazards that cannot be assessed on the next two days."""
        return tuple(dict.fromkeys(name for day in self.days[:2] for name in day.not_assessed))

    @property
    def nearest(self) -> tuple[Entry, ...]:
        """The next entry of each other phenomenon: stars first, then by time."""
        found: dict[str, Entry] = {}
        for entry in (
            entry for day in self.days for entry in day.entries if entry is not self.next
        ):
            if entry.forecast.event.phenomenon != self.site.headline:
                found.setdefault(entry.forecast.event.phenomenon, entry)
        return tuple(
            sorted(
                found.values(),
                key=lambda e: (
                    e.forecast.event.phenomenon != "starry_sky",
                    e.forecast.event.window.start,
                ),
            )
        )

    @property
    def coldest(self) -> Entry | None:
        """The headline's entry with the lowest felt temperature."""
        known = [
            day.headline
            for day in self.days
            if day.headline is not None and "wind_chill" in day.headline.values
        ]
        return min(known, key=lambda entry: entry.values["wind_chill"], default=None)

    @property
    def best(self) -> Entry | None:
        """The headline's likeliest entry that may be recommended, the surer of two alike.

        Of equals the earlier.
        """
        known = [
            day.headline
            for day in self.days
            if day.headline is not None and day.headline.recommended
        ]
        return max(known, key=lambda entry: weighed(entry.forecast), default=None)

    @property
    def next(self) -> Entry | None:
        """The headline's first entry."""
        return next((day.headline for day in self.days if day.headline is not None), None)


MOST_SHOWN = 10  # sites of the home page: below 1,500 elements in all
CHART_DAYS = 3  # beyond these the details of a model run are not worth drawing
# drawn on the first days whatever the probability: readers want to see why a chance is poor
ALWAYS_CHARTED = frozenset({"starry_sky", "sea_of_clouds", "sunset_glow", "sunrise_glow"})
ALWAYS_DAYS = 2  # days over which they are
CHARTED_FROM = 2  # [grade] from which anything else is drawn


def may_be_charted(entry: Entry, section: Section) -> bool:
    """Return whether the evidence of an entry is worth drawing, where there is any.

    Near days only: the headline, what is not unlikely, and the sky of the first days whatever its
    probability.
    """
    event = entry.forecast.event
    days = enumerate(section.days[:CHART_DAYS])
    near = next(((number, day) for number, day in days if day.day == event.day), None)
    if near is None or not entry.computed:
        return False
    sky = near[0] < ALWAYS_DAYS and event.phenomenon in ALWAYS_CHARTED
    return sky or entry is near[1].headline or entry.forecast.grade >= CHARTED_FROM
