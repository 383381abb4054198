"""Compose a Bulletin from forecasts: safety first, then the best of the next days, then each site.

The bulletin holds ids, numbers and times; words are added by the channels.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from forecast.config import Config
from forecast.domain import (
    Almanac,
    CurrentObservations,
    Event,
    Features,
    Forecast,
    Issue,
    Name,
    Site,
)
from forecast.model_description import ModelCard
from forecast.parts_file import Held
from forecast.quantities import LEAST_WRITTEN, grade_of, published_probability
from forecast.review import Review
from forecast.verification import Verification
from products.bulletin import NEXT_DAYS, Bulletin
from products.confidence import as_usual, weighed
from products.entries import DayHazards, entries_of
from products.outlook import covered_until, outlook_of
from products.pages.tiles import tiles_of
from products.sections import OPERATORS_ONLY, WORTH_GOING, Entry, Section, SiteDay

if TYPE_CHECKING:
    import xarray as xr

BEST_ENTRIES = 3  # how many entries are chosen as the best of the next days

Almanacs = Mapping[tuple[str, date], Almanac]


@dataclass(frozen=True, slots=True)
class Supplement:
    """What a bulletin shows beside its forecasts.

    attributions: the owners of the data. issues: those of the archive. current: the latest reports
    of the stations in the settings. models: the cards of the models in force. unavailable_models:
    NWP models of the settings without a usable run. questioned_fields: of model runs, by checks of
    the data. doubtful_stations: the ids of those with a value that is not used. states: issue ->
    its state, as Bulletin.states. archive_unavailable: as that of Bulletin.
    """

    attributions: Sequence[Name] = ()
    issues: Sequence[Issue] = ()
    current: Sequence[CurrentObservations] = ()
    verification: Verification | None = None
    models: Sequence[ModelCard] = ()
    unavailable_models: Sequence[str] = ()
    questioned_fields: Sequence[str] = ()
    doubtful_stations: Sequence[str] = ()
    states: Mapping[str, str] = field(default_factory=dict)
    archive_unavailable: bool = False


def compose(
    issue: Issue,
    forecasts: Sequence[Forecast],
    features: Features | Sequence[Held[Features]],
    almanacs: Almanacs,
    config: Config,
    supplement: Supplement,
    review: Review | None = None,
) -> Bulletin:
    """Compose the bulletin of an issue; forecasts stand in the order of `features.events`.

    features: of all sites, or of some sites each, of which one is in memory at a time. An event of
    the features without a forecast is hidden: nothing is said of it. review: how a person reviewed
    it; None where reviews are off.
    """
    parts = [Held(lambda: features)] if isinstance(features, Features) else features
    forecasts = [_as_published(each, config.forecast.grades) for each in forecasts]
    zone = config.zone
    days = tuple(sorted({day for _, day in almanacs} | {f.event.day for f in forecasts}))
    sections = _sections(issue, days, forecasts, almanacs, config, parts, supplement.current)
    outlook = outlook_of(sections)
    valid_to = _valid_to(issue, forecasts, config)
    missing = Counter(i for f in forecasts for i in f.missing).items()
    earlier = _earlier(supplement.issues, issue, zone)
    return Bulletin(
        issue=issue,
        title=config.service.title.as_name(),
        district=config.service.district.as_name(),
        bodies=tuple(body.as_name() for body in config.issuer.bodies),
        forecaster=review.person if review else "",
        review=review,
        demonstration=config.demonstration,
        zone=zone,
        channels=config.output.channels,
        old_minutes=config.observations.old_minutes,
        comfort_standard=config.observations.comfort,
        valid_from=issue.issued,
        valid_to=valid_to,
        expires_at=min([issue.valid_until, *([valid_to] if valid_to > issue.issued else [])]),
        covered_until=covered_until(outlook, days, zone),
        attributions=tuple(dict.fromkeys(supplement.attributions)),
        model_names=_model_names(config),
        station_names={each.id: each.name.as_name() for each in config.observations.stations},
        days=days,
        grades=config.forecast.grades,
        outlook=outlook,
        best=_best(sections, days[:NEXT_DAYS], config.forecast.grades),
        sections=sections,
        missing=tuple(sorted(missing, key=lambda item: (-item[1], item[0]))),
        earlier=earlier,
        states=_states(earlier, supplement.states, review),
        verification=supplement.verification,
        models_in_force=tuple(supplement.models),
        unavailable_models=tuple(supplement.unavailable_models),
        questioned_fields=tuple(supplement.questioned_fields),
        doubtful_stations=tuple(supplement.doubtful_stations),
        archive_unavailable=supplement.archive_unavailable,
        base_url=config.output.base_url,
        static_sites=config.output.static_sites,
    )


def _as_published(forecast: Forecast, grades: Sequence[float]) -> Forecast:
    """Return a forecast with its probability in whole percents, and the grade of that percentage.

    A forecast of the blend is so already; pages and data never depend on it.
    """
    probability = published_probability(forecast.probability)
    grade = grade_of(probability, grades)
    confidence = forecast.confidence if forecast.known else 0
    if (probability, grade, confidence) == (
        forecast.probability, forecast.grade, forecast.confidence
    ):  # fmt: skip
        return forecast
    return replace(forecast, probability=probability, grade=grade, confidence=confidence)


def _valid_to(issue: Issue, forecasts: Sequence[Forecast], config: Config) -> datetime:
    """Return the end of the last known window, at most the end of the run's data."""
    # a window can begin inside the run's data and end after them
    reach = issue.cycle.valid(config.source.all_steps[-1])
    last = max((f.event.window.end for f in forecasts if f.known), default=issue.issued)
    return max(issue.issued, min(reach, last))


def _model_names(config: Config) -> dict[str, Name]:
    return {
        config.source.model: config.source.name.as_name(config.source.model.upper()),
        **{model.id: model.name.as_name() for model in config.models},
    }


def _earlier(issues: Iterable[Issue], issue: Issue, zone: ZoneInfo) -> tuple[Issue, ...]:
    """Return the published issues but `issue`, the latest first."""
    return tuple(
        sorted(
            (i for i in issues if i.id != issue.id and i.published),
            key=lambda i: (i.issued.astimezone(zone), i.id),
            reverse=True,
        )
    )


def _states(
    earlier: Sequence[Issue], known: Mapping[str, str], review: Review | None
) -> dict[str, str]:
    """Return the state of each earlier issue, once the bulletin is out: the last is superseded."""
    number = review.corrects if review else None
    corrected = next((each.id for each in earlier if each.number == number), "")
    states = {each.id: known.get(each.id, "superseded") for each in earlier}
    states |= {id: "superseded" for id, state in states.items() if state == "released"}
    return states | ({corrected: "corrected"} if corrected else {})


# -- sections


def _sections(
    issue: Issue,
    days: Sequence[date],
    forecasts: Sequence[Forecast],
    almanacs: Almanacs,
    config: Config,
    parts: Sequence[Held[Features]],
    current: Sequence[CurrentObservations],
) -> tuple[Section, ...]:
    """Return the section of each site, in the order of the settings."""
    by_site: dict[str, list[Forecast]] = {}
    for forecast in forecasts:
        by_site.setdefault(forecast.event.site.id, []).append(forecast)
    sites = {site.id: site for site in config.all_sites()}
    found, first = dict[str, Section](), 0
    for number, part in enumerate(parts, 1):
        features, hazards = part.get(), DayHazards(part.get().weather)
        here = {event.site.id for event in features.events} | {id for id, _ in features.weather}
        left = [id for id in sites if id not in found]
        # the last part has the sites of which there is nothing, too
        of_part = [id for id in left if id in here or number == len(parts)]
        of_sites = {id: by_site.get(id, []) for id in of_part}
        entries = entries_of(of_sites, part, first, hazards, config.zone)
        hidden, hours = _hidden(features.events, of_sites), features.hours
        names = () if hours is None else hours["site"].values.tolist()
        places = {id: at for at, id in enumerate(names)}
        for id in of_part:
            section = _section(sites[id], days, entries[id], almanacs, hazards)
            found[id] = replace(
                section,
                outlook=outlook_of([section]),
                days=tuple(
                    replace(day, hidden=tuple(hidden.get((id, day.day), ())))
                    for day in section.days
                ),
                tiles=tiles_of(section.site, current, config.observations, issue.issued),
                hours_at=(partial(_hours, part), places[id]) if id in places else None,
            )
        first += len(features.events)
    return tuple(found[id] for id in sites)


def _hidden(
    events: Sequence[Event], by_site: Mapping[str, Sequence[Forecast]]
) -> dict[tuple[str, date], list[str]]:
    """Return the phenomena of which a forecaster publishes nothing, by site and day."""
    shown = {forecast.event.key for of_site in by_site.values() for forecast in of_site}
    hidden: dict[tuple[str, date], list[str]] = {}
    for event in events:
        if event.key not in shown:
            hidden.setdefault((event.site.id, event.day), []).append(event.phenomenon)
    return hidden


def _hours(part: Held[Features]) -> xr.Dataset:
    """Return the next two days by the hour, of the sites of a part that has them."""
    hours = part.get().hours
    assert hours is not None
    return hours


def _section(
    site: Site,
    days: Sequence[date],
    entries: Sequence[Entry],
    almanacs: Almanacs,
    hazards: DayHazards,
) -> Section:
    order = {phenomenon: place for place, phenomenon in enumerate(site.phenomena)}
    site_days = []
    for day in days:
        of_day = sorted(
            (e for e in entries if e.forecast.event.day == day),
            key=lambda e: order.get(e.forecast.event.phenomenon, len(order)),
        )
        headline = next((e for e in of_day if e.forecast.event.phenomenon == site.headline), None)
        almanac = almanacs.get((site.id, day))
        site_days.append(
            SiteDay(day, tuple(of_day), headline, almanac, *hazards.of_day(site.id, day))
        )
    return Section(site, tuple(site_days))


def _best(
    sections: Sequence[Section], days: Sequence[date], grades: Sequence[float]
) -> tuple[Entry, ...]:
    """Choose the best of the next days: the likeliest first, each of another phenomenon.

    Never one of a day with a hazard that closes roads or endangers life, whatever a person chose,
    nor one that a forecaster removed (Entry.recommended). All that a forecaster chose come first,
    and may be of one phenomenon. A less sure one must be the likelier (confidence.weighed); what
    only the season says comes last. Of equal grades, one of a site that is not chosen yet goes
    first. Beside one that is worth going for no poor one is named; of poor ones, none of less than
    a percent beside a likelier one.
    """
    left = [
        entry
        for section in sections
        for day in section.days
        if day.day in days
        for entry in day.entries
        if entry.recommended and entry.forecast.event.phenomenon not in OPERATORS_ONLY
    ]
    chosen: list[Entry] = []
    while left and len(chosen) < BEST_ENTRIES:
        sites = {entry.forecast.event.site.id for entry in chosen}

        def rank(entry: Entry, sites: set[str] = sites) -> tuple[bool, bool, int, bool, float]:
            forecast = entry.forecast
            worth, new = weighed(forecast), forecast.event.site.id not in sites
            usual = as_usual(forecast)
            return (entry.chosen, not usual, grade_of(worth, grades), new, worth)

        best = max(left, key=rank)
        chosen.append(best)
        same = best.forecast.event.phenomenon
        left = [
            entry
            for entry in left
            if entry is not best and (entry.chosen or entry.forecast.event.phenomenon != same)
        ]
    least = WORTH_GOING if any(not entry.poor for entry in chosen) else 0
    return tuple(
        entry
        for entry in chosen
        if entry is chosen[0]
        or entry.chosen
        or (entry.forecast.grade >= least and entry.forecast.probability >= LEAST_WRITTEN)
    )
