"""The nouns of a bulletin: ids, numbers and times in the order in which channels show them.

`products/composition.py` makes one from forecasts; no word of any language stands here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from forecast.domain import Almanac, Forecast, Issue, Name, Site
from forecast.model_description import ModelCard
from forecast.review import Review
from forecast.settings import Channel
from forecast.verification import Verification
from products.confidence import weighed
from products.pages.addresses import address
from products.pages.tiles import Tile
from products.safety import CLOTHING_UNKNOWN, Hazard, closes, worst

if TYPE_CHECKING:
    import xarray as xr

NEXT_DAYS = 3  # days from which the best entries are chosen
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
    one and later, on which the phenomenon is known. evidence_at: the evidence of all events of its
    phenomenon, and the position of this event; None: it is that of this event alone.
    """

    forecast: Forecast
    values: Mapping[str, float]
    hazards: tuple[Hazard, ...] = ()
    clothing: str = CLOTHING_UNKNOWN
    better: Forecast | None = None
    dangerous_better: Forecast | None = None
    compared: int = 1
    not_assessed: tuple[str, ...] = ()
    evidence_at: tuple[xr.Dataset, int | None] | None = field(default=None, compare=False)

    @cached_property
    def evidence(self) -> xr.Dataset | None:
        """The evidence that its chart draws (one event), where there is any.

        Computed at the first use: most entries are never drawn.
        """
        if self.evidence_at is None:
            return None
        data, place = self.evidence_at
        return data if place is None else data.isel(event=place)

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
    """One site with its days and its current observations."""

    site: Site
    days: tuple[SiteDay, ...]
    outlook: Outlook = Outlook()
    tiles: tuple[Tile, ...] = ()
    hours: xr.Dataset | None = field(default=None, compare=False)  # of the next two days

    @property
    def no_darkness(self) -> bool:
        """Whether the site has no event at all, for its stars have no dark night."""
        return not any(day.entries for day in self.days) and any(
            day.no_darkness for day in self.days
        )

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
CHART_DAYS = NEXT_DAYS  # beyond these the details of a model run are not worth drawing
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


@dataclass(frozen=True, slots=True)
class Others:
    """Every site of an issue, and the likeliest ones, for a bulletin of one site alone."""

    site_ids: tuple[str, ...]
    likeliest: tuple[Section, ...]


@dataclass(frozen=True)
class Bulletin:
    """One issue, ready to be rendered by the channels.

    zone: the readers' clock. channels: where it is published. old_minutes: the age [min] from which
    a current observation is old. comfort_standard: the standard of its comfort classes.
    """

    issue: Issue
    title: Name
    district: Name
    bodies: tuple[Name, ...]
    forecaster: str
    demonstration: bool
    zone: ZoneInfo
    channels: tuple[Channel, ...]
    old_minutes: int
    comfort_standard: str
    valid_from: datetime
    valid_to: datetime  # the end of the last known window
    expires_at: datetime  # the end of the issue, or of its data
    covered_until: datetime | None  # every hazard is assessed until then
    attributions: tuple[Name, ...]  # the owners of the data
    model_names: Mapping[str, Name]  # what readers call the NWP models
    station_names: Mapping[str, Name]
    days: tuple[date, ...]
    grades: tuple[float, ...]
    outlook: Outlook
    best: tuple[Entry, ...]
    sections: tuple[Section, ...]
    missing: tuple[tuple[str, int], ...]
    earlier: tuple[Issue, ...]
    # scores of earlier forecasts; None: not computed
    verification: Verification | None = None
    models_in_force: tuple[ModelCard, ...] = ()  # the model of each phenomenon
    # NWP models of the settings without a usable run
    unavailable_models: tuple[str, ...] = ()
    # what checks of the data call into question: fields of model runs, and ids of stations
    questioned_fields: tuple[str, ...] = ()
    doubtful_stations: tuple[str, ...] = ()
    # the archive could not be used: earlier forecasts and station reports have no part in this
    archive_unavailable: bool = False
    # the address at which readers find the pages; "": not set
    base_url: str = ""
    # reads a page of the release that readers see before this one; None: there is none
    before: Callable[[str], bytes | None] | None = None
    # how a person reviewed the issue; None: reviews are off
    review: Review | None = None
    # earlier issue -> `superseded`, `corrected` or `withdrawn`
    states: Mapping[str, str] = field(default_factory=dict)
    # of a bulletin of one site alone: what its pages show of the others
    others: Others | None = None
    # sites with pages as files; those of the others are made when they are asked for
    static_sites: int = 500

    @cached_property
    def site_ids(self) -> tuple[str, ...]:
        """Every site of the issue, in the order of the settings."""
        if self.others is not None:
            return self.others.site_ids
        return tuple(section.site.id for section in self.sections)

    @property
    def listed(self) -> bool:
        """Whether there are more sites than the home page shows: it has the best of them, and a
        list has them all.
        """
        return len(self.site_ids) > MOST_SHOWN

    @cached_property
    def home_sections(self) -> tuple[Section, ...]:
        """The sites of the home page: all of few, of many the likeliest of the next days."""
        if not self.listed:
            return self.sections
        best = {entry.forecast.event.site.id for entry in self.best}

        def rank(section: Section) -> tuple[bool, float]:
            entries = (entry for day in section.days[:NEXT_DAYS] for entry in day.entries)
            chosen = (weighed(e.forecast) for e in entries if e.recommended and e.for_visitors)
            return section.site.id in best, max(chosen, default=-1.0)

        return tuple(sorted(self.sections, key=rank, reverse=True)[:MOST_SHOWN])

    @property
    def written_sections(self) -> tuple[Section, ...]:
        """The sites whose pages are files of the release."""
        return self.sections[: self.static_sites]

    @property
    def served_sections(self) -> tuple[Section, ...]:
        """The sites whose pages are made from the issue's data (products/issue_data.py)."""
        return self.sections[self.static_sites :]

    def among_first(self, section: Section, count: int) -> bool:
        """Return whether a site is one of the first of the settings."""
        return section.site.id in self.site_ids[:count]

    def address(self, path: str) -> str:
        """Return the address of a file of the release in force; "" where none is set."""
        return address(self.base_url, path)

    @property
    def official(self) -> bool:
        return bool(self.bodies)

    @property
    def status(self) -> str:
        """`demonstration`, `trial` (no issuing body is set) or `official`."""
        if self.demonstration:
            return "demonstration"
        return "official" if self.official else "trial"

    @property
    def marks(self) -> tuple[str, ...]:
        """The marks that every page carries."""
        return (("demonstration",) if self.demonstration else ()) + (
            () if self.official else ("trial",)
        )

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(
            entry for section in self.sections for day in section.days for entry in day.entries
        )

    @property
    def no_darkness(self) -> bool:
        """Whether there is no event in the next days, for stars have no dark night then."""
        near = [day for s in self.sections for day in s.days if day.day in self.days[:NEXT_DAYS]]
        return not any(day.entries for day in near) and any(day.no_darkness for day in near)

    @property
    def withdrawn_before(self) -> Issue | None:
        """The issue before, where it was withdrawn: readers may still have it."""
        last = self.earlier[0] if self.earlier else None
        return last if last and self.states.get(last.id) == "withdrawn" else None

    @cached_property
    def best_of_week(self) -> Entry | None:
        """The likeliest entry of all days that may be recommended, the surer of two alike.

        None where only the season is known of every better one, or the chance is poor.
        """
        known = [entry for entry in self.entries if entry.recommended and entry.for_visitors]
        best = max(known, key=lambda entry: weighed(entry.forecast), default=None)
        return None if best is None or best.poor else best

    @cached_property
    def withheld(self) -> tuple[Entry, ...]:
        """The entries of the next days that are likelier than the best of them and not recommended,
        for their days are dangerous: the likeliest first.
        """
        least = max((entry.forecast.probability for entry in self.best[1:]), default=0.0)
        found = [
            entry
            for entry in self.entries
            if entry.dangerous
            and entry.for_visitors
            and entry.forecast.event.day in self.days[:NEXT_DAYS]
            and entry.forecast.grade >= WORTH_GOING
            and entry.forecast.probability > least
        ]
        return tuple(sorted(found, key=lambda entry: -entry.forecast.probability))

    @property
    def best_poor(self) -> bool:
        """Whether nothing better than a poor chance can be recommended."""
        return bool(self.best) and all(entry.poor for entry in self.best)

    @property
    def best_reason(self) -> str:
        """Why nothing is recommended: `danger`, `removed` (by a forecaster), `no_darkness`,
        `hidden` (a forecaster publishes no more), or `none` (too little is known).
        """
        near = (e for e in self.entries if e.forecast.event.day in self.days[:NEXT_DAYS])
        if any(e.removed and e.forecast.known and not e.dangerous for e in near):
            return "removed"
        if self.best_withheld:
            return "danger"
        if self.no_darkness:
            return "no_darkness"
        near_days = [day for section in self.sections for day in section.days[:NEXT_DAYS]]
        return "hidden" if only_hidden(near_days) else "none"

    @property
    def best_withheld(self) -> bool:
        """Whether nothing is recommended although forecasts are known: the days are dangerous."""
        return not self.best and any(
            entry.forecast.known and entry.dangerous
            for entry in self.entries
            if entry.forecast.event.day in self.days[:NEXT_DAYS]
        )

    @cached_property
    def known(self) -> int:
        return sum(entry.forecast.known for entry in self.entries)

    @cached_property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted({entry.forecast.model for entry in self.entries}))

    @cached_property
    def trained(self) -> bool:
        """Whether any probability comes from a trained model, not from a rule."""
        return any("rule" not in model for model in self.models)

    @property
    def verified_events(self) -> int:
        """The number of events with a verified forecast."""
        return 0 if self.verification is None else self.verification.events

    @property
    def origin(self) -> str:
        """Where the probabilities come from: `rule`, `trained`, or `partly` both."""
        return (
            "rule"
            if not self.trained
            else "partly"
            if any("rule" in model for model in self.models)
            else "trained"
        )
