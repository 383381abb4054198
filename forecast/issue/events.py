"""The events of an issue and their features by the leading run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from forecast import phenomena
from forecast.config import Config
from forecast.domain import Almanac, Atmosphere, Event, Features
from forecast.science import almanac
from products.sections import CHART_DAYS


@dataclass(frozen=True, slots=True)
class Derived:
    """Events, almanacs and features; failed_phenomena: those that could not be computed."""

    events: tuple[Event, ...]
    almanacs: Mapping[tuple[str, date], Almanac]
    features: Features
    failed_phenomena: tuple[str, ...]


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
    features, failed = phenomena.derive(
        events,
        atmosphere,
        config.phenomena,
        whole_days,
        days[:CHART_DAYS][-1] if many else None,
        config.service.cluster,
    )
    return Derived(tuple(events), almanacs, features, failed)
