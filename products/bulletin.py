"""The nouns of a bulletin: ids, numbers and times in the order in which channels show them.

`products/composition.py` makes one from forecasts; no word of any language stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from forecast.domain import Issue, Name
from forecast.model_description import ModelCard
from forecast.review import Review
from forecast.settings import Channel
from forecast.verification import Verification
from products.confidence import weighed
from products.pages.addresses import address
from products.sections import MOST_SHOWN, WORTH_GOING, Entry, Outlook, Section, only_hidden

if TYPE_CHECKING:
    pass

NEXT_DAYS = 3  # days from which the best entries are chosen


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

    @property
    def corrected(self) -> str:
        """The id of the issue that it corrects; "" where it corrects none."""
        number = self.review.corrects if self.review else None
        return next((each.id for each in self.earlier if each.number == number), "")

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
