"""The hazards of all sites and days as readers get them: one alert a kind, and what is unknown."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from forecast.domain import as_utc
from products.safety import HAZARDS, worst
from products.sections import Alert, Gap, Outlook, Section


def outlook_of(sections: Sequence[Section]) -> Outlook:
    """Gather the hazards of all days, one alert a kind, and the gaps in their assessment.

    Hazards that are not assessed on the same days share one gap.
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
            uniform=_is_uniform(
                {(site.id, day) for site, day, hazard in found if hazard.id == strongest.id}
            ),
        )
        for strongest in worst(hazard for _, _, hazard in found)
    )
    gap_days: dict[str, set[date]] = {}
    for site_day in (day for section in sections for day in section.days):
        for name in site_day.not_assessed:
            gap_days.setdefault(name, set()).add(site_day.day)
    by_days: dict[tuple[date, ...], list[str]] = {}
    for name in (name for name in HAZARDS if name in gap_days):
        by_days.setdefault(tuple(sorted(gap_days[name])), []).append(name)
    days = sorted({day.day for section in sections for day in section.days})
    clear = tuple(day for day in days if not any(day in unknown for unknown in gap_days.values()))
    gaps = tuple(Gap(tuple(names), unknown) for unknown, names in by_days.items())
    return Outlook(alerts, gaps, clear)


def _is_uniform(places: Set[tuple[str, date]]) -> bool:
    """Return whether (site, day) are every site on every day that stand in them."""
    sites, days = {site for site, _ in places}, {day for _, day in places}
    return len(places) == len(sites) * len(days)


def covered_until(outlook: Outlook, days: Sequence[date], zone: ZoneInfo) -> datetime | None:
    """Return the end of the days, unbroken from the first, on which every hazard is assessed."""
    until = None
    for day in days:
        if day not in outlook.clear:
            break
        until = datetime.combine(day + timedelta(days=1), time(), zone)
    return None if until is None else as_utc(until)
