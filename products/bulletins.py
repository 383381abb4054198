"""What is said, in which order: forecasts become a Bulletin of ids, numbers and times, without a word of any language.

Safety stands first; then the best of the next days; then site by site, day by day, with what was missing named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import numpy as np
import xarray as xr

from forecast.config import Config
from forecast.domain import Almanac, Features, Forecast, Issue, Name, Site
from forecast.quantities import FEATURES
from products.safety import CLOTHING_UNKNOWN, Hazard, clothing, hazards

NEXT_DAYS = 3  # days over which the best is chosen and safety is spoken of first
PICKS = 3
WORTH_GOING = 3  # from this grade on a day is "better" than a poor one
ALL_AROUND = frozenset({"snowfall", "snowmaking"})
OPERATORS_ONLY = frozenset({"snowmaking"})  # asked by a ski field, not by a visitor: never the best of the nights


@dataclass(frozen=True, slots=True)
class Entry:
    """One forecast and what a reader needs beside it.

    values: the event's known features (SI); hazards: ids in the order of products/safety.py; clothing: an id;
    better: the next later day on which the same has a grade worth going for, when this one has not;
    evidence: what its chart draws (one event), where there is any.
    """

    forecast: Forecast
    values: Mapping[str, float]
    hazards: tuple[Hazard, ...] = ()
    clothing: str = CLOTHING_UNKNOWN
    better: Forecast | None = None
    evidence: xr.Dataset | None = field(default=None, compare=False)

    @property
    def poor(self) -> bool:
        return 0 < self.forecast.grade < WORTH_GOING

    @property
    def has_view(self) -> bool:
        """Whether it matters where one looks: falling snow and snow guns are all around."""
        return self.forecast.event.phenomenon not in ALL_AROUND

    @property
    def azimuth(self) -> float | None:
        """Where to look [degree]: at the sun's place, or for stars at the darkest sky; None where no direction is better."""
        return self.values.get("sun_azimuth", self.values.get("darkest_azimuth"))


@dataclass(frozen=True, slots=True)
class SiteDay:
    """One site on one local day: its entries in the site's own order of phenomena."""

    day: date
    entries: tuple[Entry, ...]
    headline: Entry | None
    almanac: Almanac | None

    @property
    def known(self) -> bool:
        """Whether anything can be said of the day."""
        return any(entry.forecast.known for entry in self.entries)

    @property
    def others(self) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries if entry is not self.headline)

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        return worst(hazard for entry in self.entries for hazard in entry.hazards)


@dataclass(frozen=True, slots=True)
class Alert:
    """One kind of danger over the next days: where, when, and its strongest value (SI)."""

    hazard: str
    sites: tuple[Site, ...]
    days: tuple[date, ...]
    value: float


@dataclass(frozen=True, slots=True)
class Section:
    """One site with its days."""

    site: Site
    days: tuple[SiteDay, ...]
    alerts: tuple[Alert, ...] = ()

    @property
    def best(self) -> Entry | None:
        """The headline phenomenon's best day; the nearer of equals."""
        known = [day.headline for day in self.days if day.headline is not None and day.headline.forecast.known]
        return max(known, key=lambda entry: entry.forecast.probability, default=None)

    @property
    def next(self) -> Entry | None:
        """The headline phenomenon's first entry that is not over."""
        return next((day.headline for day in self.days if day.headline is not None), None)


@dataclass(frozen=True, slots=True)
class Bulletin:
    """One issue, ready to be put into words; `digest` tells apart settings that change what is said."""

    issue: Issue
    title: Name
    district: Name
    bodies: tuple[Name, ...]
    forecaster: str
    demonstration: bool
    valid_from: datetime
    valid_to: datetime
    expires_at: datetime
    attribution: str
    days: tuple[date, ...]
    grades: tuple[float, ...]
    alerts: tuple[Alert, ...]
    best: tuple[Entry, ...]
    sections: tuple[Section, ...]
    missing: tuple[tuple[str, int], ...]
    earlier: tuple[Issue, ...]

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
        return (("demonstration",) if self.demonstration else ()) + (() if self.official else ("trial",))

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for section in self.sections for day in section.days for entry in day.entries)

    @property
    def known(self) -> int:
        return sum(entry.forecast.known for entry in self.entries)

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted({entry.forecast.model for entry in self.entries}))

    @property
    def trained(self) -> bool:
        """Whether any probability comes from a model that has learnt from outcomes, not from a rule."""
        return any("rule" not in model for model in self.models)


def compose(
    issue: Issue,
    forecasts: Sequence[Forecast],
    features: Features,
    almanacs: Mapping[tuple[str, date], Almanac],
    config: Config,
    attribution: str,
    issues: Sequence[Issue] = (),
) -> Bulletin:
    """Say what is said of each day, in which order; forecasts stand in the order of `features.events`."""
    zone = config.zone
    days = tuple(sorted({day for _, day in almanacs} | {f.event.day for f in forecasts}))
    entries = _entries(forecasts, features)
    plain = (_section(site, days, entries.get(site.id, ()), almanacs) for site in config.all_sites())
    sections = tuple(replace(section, alerts=_alerts([section], days[:NEXT_DAYS])) for section in plain)
    ends = [f.event.window.end for f in forecasts]
    counted = Counter(i for f in forecasts for i in f.missing)
    return Bulletin(
        issue=issue,
        title=config.service.title.as_name(),
        district=config.service.district.as_name(),
        bodies=tuple(body.as_name() for body in config.issuer.bodies),
        forecaster=config.issuer.forecaster,
        demonstration=config.demonstration,
        valid_from=issue.issued,
        valid_to=max([*ends, issue.issued]),
        expires_at=issue.valid_until,
        attribution=attribution,
        days=days,
        grades=config.forecast.grades,
        alerts=_alerts(sections, days[:NEXT_DAYS]),
        best=_best(sections, days[:NEXT_DAYS]),
        sections=sections,
        missing=tuple(sorted(counted.items(), key=lambda item: (-item[1], item[0]))),
        earlier=tuple(
            sorted((i for i in issues if i.id != issue.id and i.published), key=lambda i: (i.issued.astimezone(zone), i.id), reverse=True)
        ),
    )


def _entries(forecasts: Sequence[Forecast], features: Features) -> dict[str, list[Entry]]:
    """Return the entries of each site, each with its weather, dangers and the next better day."""
    rows = {event.key: row for row, event in enumerate(features.events)}
    table = {name: features.table[name].values for name in FEATURES if name in features.table}
    by_site: dict[str, list[tuple[Forecast, Mapping[str, float], xr.Dataset | None]]] = {}
    for forecast in forecasts:
        row = rows.get(forecast.event.key)
        values = {} if row is None else {name: float(column[row]) for name, column in table.items() if np.isfinite(column[row])}
        said = (forecast, {**values, **forecast.quantities}, _evidence(features, forecast.event.phenomenon, row))
        by_site.setdefault(forecast.event.site.id, []).append(said)
    return {site: _with_context(told) for site, told in by_site.items()}


def _evidence(features: Features, phenomenon: str, row: int | None) -> xr.Dataset | None:
    drawn = features.evidence.get(phenomenon)
    if drawn is None or row is None or "row" not in drawn.coords:
        return None
    at = np.flatnonzero(drawn["row"].values == row)
    return drawn.isel(event=int(at[0])) if at.size else None


def _with_context(told: Sequence[tuple[Forecast, Mapping[str, float], xr.Dataset | None]]) -> list[Entry]:
    """Turn the forecasts of one site into entries."""
    falls = [forecast.event.window.start for forecast, values, _ in told if values.get("precipitation", 0) >= 0.1]
    found = []
    for forecast, values, evidence in told:
        start = forecast.event.window.start
        wet = any(start - timedelta(hours=24) <= fall <= start for fall in falls)
        found.append(
            Entry(
                forecast=forecast,
                values=values,
                hazards=hazards(values, wet),
                clothing=clothing(values),
                better=_better(forecast, [f for f, _, _ in told]),
                evidence=evidence,
            )
        )
    return found


def _better(forecast: Forecast, others: Sequence[Forecast]) -> Forecast | None:
    """Return the first later day on which the same is worth going for, where this day is not."""
    if forecast.grade >= WORTH_GOING:
        return None
    event = forecast.event
    later = [f for f in others if f.event.phenomenon == event.phenomenon and f.event.day > event.day and f.grade >= WORTH_GOING]
    return min(later, key=lambda f: f.event.day, default=None)


def _section(site: Site, days: Sequence[date], entries: Sequence[Entry], almanacs: Mapping[tuple[str, date], Almanac]) -> Section:
    order = {phenomenon: place for place, phenomenon in enumerate(site.phenomena)}
    said = []
    for day in days:
        today = sorted(
            (e for e in entries if e.forecast.event.day == day), key=lambda e: order.get(e.forecast.event.phenomenon, len(order))
        )
        headline = next((e for e in today if e.forecast.event.phenomenon == site.headline), None)
        said.append(SiteDay(day, tuple(today), headline, almanacs.get((site.id, day))))
    return Section(site, tuple(said))


def worst(found: Iterable[Hazard]) -> tuple[Hazard, ...]:
    """Return one hazard of each id, the strongest, in the order in which they are spoken of."""
    strongest: dict[str, Hazard] = {}
    for hazard in found:
        held = strongest.get(hazard.id)
        if held is None or hazard.severity > held.severity:
            strongest[hazard.id] = hazard
    return tuple(sorted(strongest.values(), key=lambda hazard: hazard.rank))


def _alerts(sections: Sequence[Section], days: Sequence[date]) -> tuple[Alert, ...]:
    """Gather the dangers of the next days, one line a kind."""
    found = [(section.site, day.day, hazard) for section in sections for day in section.days if day.day in days for hazard in day.hazards]
    return tuple(
        Alert(
            hazard=strongest.id,
            sites=tuple(dict.fromkeys(site for site, _, hazard in found if hazard.id == strongest.id)),
            days=tuple(sorted({day for _, day, hazard in found if hazard.id == strongest.id})),
            value=strongest.value,
        )
        for strongest in worst(hazard for _, _, hazard in found)
    )


def _best(sections: Sequence[Section], days: Sequence[date]) -> tuple[Entry, ...]:
    """Choose the best of the next days: the most likely first, another phenomenon each time, another site where it can be."""
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
        left = [entry for entry in left if entry.forecast.event.phenomenon != best.forecast.event.phenomenon]
    return tuple(chosen)
