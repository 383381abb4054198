"""The events of an issue and their features by the leading run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import partial
from typing import Any

from forecast import phenomena
from forecast.config import Config
from forecast.domain import Almanac, Atmosphere, Event, Features
from forecast.parts_file import Held, PartsFile
from forecast.phenomena.joining import Lengths
from forecast.science import almanac
from forecast.science.arrays import Index
from products.sections import CHART_DAYS


@dataclass(frozen=True, slots=True)
class SitesPart:
    """Some sites of an issue, and their features by the leading run."""

    sites: frozenset[str]
    features: Held[Features]


@dataclass(frozen=True, slots=True)
class Derived:
    """Events, almanacs and features; failed_phenomena: those that could not be computed.

    parts: the features of at most phenomena.BATCH sites each, in the order of `events`. Of more
    than one part they lie in `parts_file`.
    """

    events: tuple[Event, ...]
    almanacs: Mapping[tuple[str, date], Almanac]
    parts: tuple[SitesPart, ...]
    failed_phenomena: tuple[str, ...]
    parts_file: PartsFile

    def number_of(self, site: str) -> int | None:
        """Return which part has a site; None where none has it."""
        return next((n for n, part in enumerate(self.parts) if site in part.sites), None)


def derive_features(atmosphere: Atmosphere, config: Config, issued: datetime) -> Derived:
    """Derive the features of all events of the next days, from `issued` on.

    Of more sites than have pages as files, evidence is kept of the days that pages draw.
    """
    sites = config.all_sites()
    days = almanac.local_days(issued, config.zone, config.forecast.days)
    almanacs = almanac.almanacs(sites, days, config.zone)
    events = phenomena.events(sites, days, almanacs, config.phenomena, issued)
    whole_days = phenomena.whole_days(sites, days, almanacs, issued)
    many = len(sites) > config.output.static_sites
    parts_file = PartsFile(config.private_folder if len(sites) > phenomena.BATCH else None)
    lengths, parts, failed = Lengths(), list[SitesPart](), dict[str, None]()
    for found in phenomena.derive_parts(
        events,
        atmosphere,
        config.phenomena,
        whole_days,
        days[:CHART_DAYS][-1] if many else None,
        config.service.cluster,
    ):
        lengths.see(found.features)
        own = tuple(events[row] for row in found.rows.tolist())
        kept = _without_events(found.features)
        made = partial(_with_events, own, found.rows, lengths)
        held = parts_file.put_parts(kept, made)
        ids = {event.site.id for event in own} | {site for site, _ in found.features.weather}
        parts.append(SitesPart(frozenset(ids), held))
        failed |= dict.fromkeys(found.failed)
    return Derived(tuple(events), almanacs, tuple(parts), tuple(failed), parts_file)


def _without_events(features: Features) -> dict[str, Any]:
    """Return all of features but their events, of which an issue keeps one copy."""
    return {
        each.name: getattr(features, each.name)
        for each in fields(features)
        if each.name != "events"
    }


def _with_events(
    events: tuple[Event, ...], rows: Index, lengths: Lengths, kept: Mapping[str, Any]
) -> Features:
    """Return the features of a part as those of all sites at once have them."""
    return lengths.alike(Features(events, **kept), rows)
