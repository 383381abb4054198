"""The usual frequency of each phenomenon at the sites, learnt from outcomes.

Each event counts once, and only where a source looked that looks every day: an observer or a
camera's keeper reports where there is something to see. A starry night counts only where the moon
leaves most of it dark, since the usual frequency is that of nights clear enough whatever the moon;
the darkness of each night is known ahead and added by the rule.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import cache

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.config import Config
from forecast.verification import EventKey
from models.climatology import Climatology, count_outcomes, keep_climatology

CountedOutcome = tuple[str, str, date, bool]  # phenomenon, site, day, whether it happened
EVERY_DAY = frozenset(("analysis", "station"))  # sources that report every event
DARKNESS, DARK_SHARE = "dark_sky_share", 0.75  # [1] of its hours, so many at least


def renew_climatology(config: Config, outcomes: Iterable[CountedOutcome]) -> None:
    """Count the outcomes of all events, and keep the counts beside the models. Raises: OSError."""
    keep_climatology(config.learning.folder, count_outcomes(outcomes))


def counted_outcomes(archive: Archive) -> list[CountedOutcome]:
    """Return the outcomes that count for the usual frequencies. Raises: ArchiveError."""
    dark = {
        each.key: each.values.get(DARKNESS, 0.0) >= DARK_SHARE
        for each in PastForecasts(archive).issued_forecasts(
            features={"starry_sky": (DARKNESS,)}, phenomenon="starry_sky"
        )
    }
    return [
        (phenomenon, site, date.fromisoformat(day), outcome.happened)
        for (site, phenomenon, day), outcome in Outcomes(archive).resolved().items()
        if EVERY_DAY.intersection(outcome.sources)
        and (phenomenon != "starry_sky" or dark.get((site, phenomenon, day), False))
    ]


def frequency_to_train_on(
    config: Config, outcomes: Sequence[CountedOutcome]
) -> Callable[[EventKey], float]:
    """Return the usual frequency of an event by these outcomes, without those of its own month.

    A model is trained over the frequency that it will serve with; that must not hold the outcome
    itself or those of its spell of weather, so the event's month (year and month) is left out. NaN
    for a site that is not in the settings.
    """
    sites = {site.id: site for site in config.all_sites()}
    whole = Climatology(count_outcomes(outcomes))
    by_month: dict[tuple[str, str, str], list[CountedOutcome]] = defaultdict(list)
    for outcome in outcomes:
        phenomenon, site, day, _ = outcome
        by_month[phenomenon, site, f"{day:%Y-%m}"].append(outcome)

    @cache
    def of_month(phenomenon: str, site: str, month: str) -> float:
        own = [happened for *_, happened in by_month.get((phenomenon, site, month), ())]
        day = date.fromisoformat(f"{month}-01")
        return whole.frequency_at(phenomenon, sites[site], day, (len(own), sum(own)))

    def usual(key: EventKey) -> float:
        site, phenomenon, day = key
        return of_month(phenomenon, site, day[:7]) if site in sites else math.nan

    return usual
