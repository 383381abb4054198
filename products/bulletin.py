"""What is said, in which order: forecasts become a Bulletin of ids, numbers and times, without a
word of any language.

Safety stands first; then the best of the next days; then site by site, day by day, with what was
missing named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import xarray as xr

from forecast.config import Config
from forecast.domain import (
    Almanac,
    CurrentObservations,
    DayWeather,
    Features,
    Forecast,
    Issue,
    Name,
    Site,
    as_utc,
)
from forecast.quantities import FEATURES
from forecast.verification import ModelCard, Verification
from products.pages.tiles import Tile, tiles_of
from products.safety import CLOTHING_UNKNOWN, DANGERS, Hazard, clothing, judge

NEXT_DAYS = 3  # days over which the best is chosen
PICKS = 3
WORTH_GOING = 3  # below this grade a reader is told of a better day
CLEARLY = 0.10  # by so much, and by a grade, a better day must be likelier
ALL_AROUND = frozenset({"snowfall", "snowmaking"})
# asked by a ski field, not by a visitor: never the best of the nights
OPERATORS_ONLY = frozenset({"snowmaking"})


@dataclass(frozen=True)
class Entry:
    """One forecast and what a reader needs beside it.

    values: the event's known features (SI); hazards, unjudged: the dangers of the days it touches,
    and those that cannot be judged;
    clothing: an id; better: a later day on which the same is clearly likelier, when this one is not
    worth going for;
    compared: on how many days, this one and later, the same is known; drawn: the evidence of all
    events of its phenomenon, and the place of its own.
    """

    forecast: Forecast
    values: Mapping[str, float]
    hazards: tuple[Hazard, ...] = ()
    clothing: str = CLOTHING_UNKNOWN
    better: Forecast | None = None
    compared: int = 1
    unjudged: tuple[str, ...] = ()
    drawn: tuple[xr.Dataset, int] | None = field(default=None, compare=False)

    @cached_property
    def evidence(self) -> xr.Dataset | None:
        """What its chart draws (one event), where there is any; cut out when first asked, for most
        entries are never drawn.
        """
        return None if self.drawn is None else self.drawn[0].isel(event=self.drawn[1])

    @property
    def poor(self) -> bool:
        return 0 < self.forecast.grade < WORTH_GOING

    @property
    def has_view(self) -> bool:
        """Whether it matters where one looks: falling snow and snow guns are all around."""
        return self.forecast.event.phenomenon not in ALL_AROUND

    @property
    def azimuth(self) -> float | None:
        """Where to look [degree]: at the sun's place, or for stars at the darkest sky; None where
        no direction is better.
        """
        return self.values.get("sun_azimuth", self.values.get("darkest_azimuth"))


@dataclass(frozen=True, slots=True)
class SiteDay:
    """One site on one local day: its entries in the site's own order of phenomena."""

    day: date
    entries: tuple[Entry, ...]
    headline: Entry | None
    almanac: Almanac | None
    hazards: tuple[Hazard, ...] = ()
    unjudged: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether anything can be said of the day."""
        return any(entry.forecast.known for entry in self.entries)

    @property
    def others(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry is not self.headline)


@dataclass(frozen=True, slots=True)
class Alert:
    """One kind of danger: where, when, and its strongest value (SI)."""

    hazard: str
    sites: tuple[Site, ...]
    days: tuple[date, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Gap:
    """On these days the absence of these dangers is not known at every site."""

    hazards: tuple[str, ...]
    days: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class Outlook:
    """The dangers of some sites over the days. clear: the days of which it may be said that there
    is none but those in `alerts`.
    """

    alerts: tuple[Alert, ...] = ()
    gaps: tuple[Gap, ...] = ()
    clear: tuple[date, ...] = ()

    @property
    def open(self) -> tuple[date, ...]:
        """The days on which something cannot be judged."""
        return tuple(sorted({day for gap in self.gaps for day in gap.days}))


@dataclass(frozen=True, slots=True)
class Section:
    """One site with its days, and what is measured there now."""

    site: Site
    days: tuple[SiteDay, ...]
    outlook: Outlook = Outlook()
    tiles: tuple[Tile, ...] = ()

    @property
    def soon(self) -> tuple[Hazard, ...]:
        """The dangers of the next two days, the first in importance first."""
        return worst(hazard for day in self.days[:2] for hazard in day.hazards)

    @property
    def soon_unjudged(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for day in self.days[:2] for name in day.unjudged))

    @property
    def nearest(self) -> tuple[Entry, ...]:
        """The nearest of each other phenomenon: tonight's stars first, then as they come."""
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
        """The headline phenomenon's best day; the nearer of equals."""
        known = [
            day.headline
            for day in self.days
            if day.headline is not None and day.headline.forecast.known
        ]
        return max(known, key=lambda entry: entry.forecast.probability, default=None)

    @property
    def next(self) -> Entry | None:
        """The headline phenomenon's first entry that is not over."""
        return next((day.headline for day in self.days if day.headline is not None), None)


@dataclass(frozen=True)
class Bulletin:
    """One issue, ready to be put into words; what is counted over all its entries is counted once,
    for every page asks.
    """

    issue: Issue
    title: Name
    district: Name
    bodies: tuple[Name, ...]
    forecaster: str
    demonstration: bool
    valid_from: datetime
    valid_to: datetime  # the end of the last window that is known
    expires_at: datetime  # when the issue is over, or its data end
    covered_until: datetime | None  # until then every danger is judged at every site
    attributions: tuple[Name, ...]  # whose data it was made of
    model_names: Mapping[str, Name]  # what readers call the NWP models
    station_names: Mapping[str, Name]
    days: tuple[date, ...]
    grades: tuple[float, ...]
    outlook: Outlook
    best: tuple[Entry, ...]
    sections: tuple[Section, ...]
    missing: tuple[tuple[str, int], ...]
    earlier: tuple[Issue, ...]
    # how good the forecasts before this one were; None: not looked into
    verification: Verification | None = None
    models_in_force: tuple[ModelCard, ...] = ()  # by which model each phenomenon was forecast
    unavailable_models: tuple[
        str, ...
    ] = ()  # NWP models of the settings whose data did not come in time

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
        """The marks that every page of it carries."""
        return (("demonstration",) if self.demonstration else ()) + (
            () if self.official else ("trial",)
        )

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(
            entry for section in self.sections for day in section.days for entry in day.entries
        )

    @cached_property
    def known(self) -> int:
        return sum(entry.forecast.known for entry in self.entries)

    @cached_property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted({entry.forecast.model for entry in self.entries}))

    @cached_property
    def trained(self) -> bool:
        """Whether any probability comes from a model that has learnt from outcomes, not from a
        rule.
        """
        return any("rule" not in model for model in self.models)

    @property
    def checked(self) -> int:
        """How many events are known to have been forecast rightly or wrongly."""
        return 0 if self.verification is None else self.verification.events

    @property
    def origin(self) -> str:
        """Where the probabilities come from: `rule`, `trained`, or `partly` the one and partly the
        other.
        """
        return (
            "rule"
            if not self.trained
            else "partly"
            if any("rule" in model for model in self.models)
            else "trained"
        )


def compose(
    issue: Issue,
    forecasts: Sequence[Forecast],
    features: Features,
    almanacs: Mapping[tuple[str, date], Almanac],
    config: Config,
    attributions: Sequence[Name],
    issues: Sequence[Issue] = (),
    live: Sequence[CurrentObservations] = (),
    verification: Verification | None = None,
    models: Sequence[ModelCard] = (),
    unavailable_models: Sequence[str] = (),
) -> Bulletin:
    """Say what is said of each day, in which order; forecasts stand in the order of
    `features.events`.

    live: what the stations of the settings told of late. models: what may be known of those that
    served.
    unavailable_models: the NWP models that were asked and had no usable run.
    """
    zone = config.zone
    days = tuple(sorted({day for _, day in almanacs} | {f.event.day for f in forecasts}))
    entries = _entries(forecasts, features, zone)
    plain = (
        _section(site, days, entries.get(site.id, ()), almanacs, features.weather)
        for site in config.all_sites()
    )
    sections = tuple(
        replace(
            section,
            outlook=_outlook([section]),
            tiles=tiles_of(section.site, live, config.observations, issue.issued),
        )
        for section in plain
    )
    outlook = _outlook(sections)
    # a window may be asked of a run that ends inside it
    reach = issue.cycle.valid(config.source.all_steps[-1])
    valid_to = max(
        issue.issued,
        min(reach, max((f.event.window.end for f in forecasts if f.known), default=issue.issued)),
    )
    counted = Counter(i for f in forecasts for i in f.missing)
    return Bulletin(
        issue=issue,
        title=config.service.title.as_name(),
        district=config.service.district.as_name(),
        bodies=tuple(body.as_name() for body in config.issuer.bodies),
        forecaster=config.issuer.forecaster,
        demonstration=config.demonstration,
        valid_from=issue.issued,
        valid_to=valid_to,
        expires_at=min(issue.valid_until, valid_to)
        if valid_to > issue.issued
        else issue.valid_until,
        covered_until=_covered_until(outlook, days, zone),
        attributions=tuple(dict.fromkeys(attributions)),
        model_names={
            config.source.model: config.source.name.as_name(config.source.model.upper()),
            **{model.id: model.name.as_name() for model in config.models},
        },
        station_names={
            station.id: station.name.as_name() for station in config.observations.stations
        },
        days=days,
        grades=config.forecast.grades,
        outlook=outlook,
        best=_best(sections, days[:NEXT_DAYS]),
        sections=sections,
        missing=tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))),
        earlier=tuple(
            sorted(
                (i for i in issues if i.id != issue.id and i.published),
                key=lambda i: (i.issued.astimezone(zone), i.id),
                reverse=True,
            )
        ),
        verification=verification,
        models_in_force=tuple(models),
        unavailable_models=tuple(unavailable_models),
    )


def _entries(
    forecasts: Sequence[Forecast], features: Features, zone: ZoneInfo
) -> dict[str, list[Entry]]:
    """Return the entries of each site, each with its weather, dangers and the next better day."""
    rows = {event.key: row for row, event in enumerate(features.events)}
    table = {name: features.table[name].values for name in FEATURES if name in features.table}
    places = {
        p: {int(row): place for place, row in enumerate(e["row"].values)}
        for p, e in features.evidence.items()
        if "row" in e.coords
    }
    by_site: dict[
        str, list[tuple[Forecast, Mapping[str, float], tuple[xr.Dataset, int] | None]]
    ] = {}
    for forecast in forecasts:
        row = rows.get(forecast.event.key)
        values = (
            {}
            if row is None
            else {
                name: float(column[row])
                for name, column in table.items()
                if np.isfinite(column[row])
            }
        )
        place = None if row is None else places.get(forecast.event.phenomenon, {}).get(row)
        drawn = None if place is None else (features.evidence[forecast.event.phenomenon], place)
        said = (forecast, {**values, **forecast.quantities}, drawn)
        by_site.setdefault(forecast.event.site.id, []).append(said)
    return {site: _with_context(told, features.weather, zone) for site, told in by_site.items()}


def _with_context(
    told: Sequence[tuple[Forecast, Mapping[str, float], tuple[xr.Dataset, int] | None]],
    weather: Mapping[tuple[str, date], DayWeather],
    zone: ZoneInfo,
) -> list[Entry]:
    """Turn the forecasts of one site into entries."""
    found = []
    for forecast, values, drawn in told:
        event = forecast.event
        first, last = (
            at.astimezone(zone).date()
            for at in (event.window.start, event.window.end - timedelta(seconds=1))
        )
        judged = [_judged(weather, event.site, day) for day in dict.fromkeys((first, last))]
        same = [
            f
            for f, _, _ in told
            if f.event.phenomenon == event.phenomenon and f.event.day >= event.day and f.known
        ]
        found.append(
            Entry(
                forecast=forecast,
                values=values,
                hazards=worst(hazard for hazards, _ in judged for hazard in hazards),
                clothing=clothing(values),
                better=_better(forecast, same),
                compared=len(same),
                unjudged=tuple(dict.fromkeys(name for _, unjudged in judged for name in unjudged)),
                drawn=drawn,
            )
        )
    return found


def _judged(
    weather: Mapping[tuple[str, date], DayWeather], site: Site, day: date
) -> tuple[tuple[Hazard, ...], tuple[str, ...]]:
    return judge(weather.get((site.id, day)), weather.get((site.id, day - timedelta(days=1))))


def _better(forecast: Forecast, same: Sequence[Forecast]) -> Forecast | None:
    """Return the first later day worth going for, else the likeliest that is clearly likelier,
    where this day is poor.
    """
    if not 0 < forecast.grade < WORTH_GOING:
        return None
    later = [
        f
        for f in same
        if f.event.day > forecast.event.day
        and f.grade > forecast.grade
        and f.probability >= forecast.probability + CLEARLY
    ]
    worth = [f for f in later if f.grade >= WORTH_GOING]
    return (
        min(worth, key=lambda f: f.event.day)
        if worth
        else max(later, key=lambda f: f.probability, default=None)
    )


def _section(
    site: Site,
    days: Sequence[date],
    entries: Sequence[Entry],
    almanacs: Mapping[tuple[str, date], Almanac],
    weather: Mapping[tuple[str, date], DayWeather],
) -> Section:
    order = {phenomenon: place for place, phenomenon in enumerate(site.phenomena)}
    said = []
    for day in days:
        today = sorted(
            (e for e in entries if e.forecast.event.day == day),
            key=lambda e: order.get(e.forecast.event.phenomenon, len(order)),
        )
        headline = next((e for e in today if e.forecast.event.phenomenon == site.headline), None)
        said.append(
            SiteDay(
                day,
                tuple(today),
                headline,
                almanacs.get((site.id, day)),
                *_judged(weather, site, day),
            )
        )
    return Section(site, tuple(said))


def worst(found: Iterable[Hazard]) -> tuple[Hazard, ...]:
    """Return one hazard of each id, the strongest, in the order in which they are spoken of."""
    strongest: dict[str, Hazard] = {}
    for hazard in found:
        held = strongest.get(hazard.id)
        if held is None or hazard.severity > held.severity:
            strongest[hazard.id] = hazard
    return tuple(sorted(strongest.values(), key=lambda hazard: hazard.rank))


def _outlook(sections: Sequence[Section]) -> Outlook:
    """Gather the dangers of all days, one line a kind; what cannot be judged, one line for what is
    missing on the same days.
    """
    found = [
        (section.site, day.day, hazard)
        for section in sections
        for day in section.days
        for hazard in day.hazards
    ]
    alerts = tuple(
        Alert(
            hazard=strongest.id,
            sites=tuple(
                dict.fromkeys(site for site, _, hazard in found if hazard.id == strongest.id)
            ),
            days=tuple(sorted({day for _, day, hazard in found if hazard.id == strongest.id})),
            value=strongest.value,
        )
        for strongest in worst(hazard for _, _, hazard in found)
    )
    open_: dict[str, set[date]] = {}
    for told in (day for section in sections for day in section.days):
        for name in told.unjudged:
            open_.setdefault(name, set()).add(told.day)
    by_days: dict[tuple[date, ...], list[str]] = {}
    for name in (name for name in DANGERS if name in open_):
        by_days.setdefault(tuple(sorted(open_[name])), []).append(name)
    days = sorted({day.day for section in sections for day in section.days})
    clear = tuple(day for day in days if not any(day in unknown for unknown in open_.values()))
    return Outlook(
        alerts, tuple(Gap(tuple(names), unknown) for unknown, names in by_days.items()), clear
    )


def _covered_until(outlook: Outlook, days: Sequence[date], zone: ZoneInfo) -> datetime | None:
    """Return the end of the last of the days, from the first on without a break, on which every
    danger is judged.
    """
    until = None
    for day in days:
        if day not in outlook.clear:
            break
        until = datetime.combine(day + timedelta(days=1), time(), zone)
    return None if until is None else as_utc(until)


def _best(sections: Sequence[Section], days: Sequence[date]) -> tuple[Entry, ...]:
    """Choose the best of the next days: the most likely first, another phenomenon each time,
    another site where it can be.
    """
    left = [
        entry
        for section in sections
        for day in section.days
        if day.day in days
        for entry in day.entries
        if entry.forecast.known and entry.forecast.event.phenomenon not in OPERATORS_ONLY
    ]
    chosen: list[Entry] = []
    while left and len(chosen) < PICKS:
        sites = {entry.forecast.event.site.id for entry in chosen}

        def rank(entry: Entry, sites: set[str] = sites) -> tuple[int, bool, float]:
            forecast = entry.forecast
            return (forecast.grade, forecast.event.site.id not in sites, forecast.probability)

        best = max(left, key=rank)
        chosen.append(best)
        left = [
            entry
            for entry in left
            if entry.forecast.event.phenomenon != best.forecast.event.phenomenon
        ]
    return tuple(chosen)
