"""The usual frequency of each phenomenon at the sites, learnt from outcomes.

Each event counts once, and only where a source looked that looks every day: an observer or a
camera's keeper reports where there is something to see. A starry night counts only where the moon
leaves most of it dark, since the usual frequency is that of nights clear enough whatever the moon;
the darkness of each night is known ahead and added by the rule.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from forecast.archive.issues import Archive
from forecast.archive.outcomes import Outcomes, PastForecasts
from forecast.config import Config
from forecast.verification import EventKey
from models.climatology import Climatology, Counts, count_outcomes, keep_climatology

EVERY_DAY = frozenset(("analysis", "station"))  # sources that report every event
DARKNESS, DARK_SHARE = "dark_sky_share", 0.75  # [1] of its hours, so many at least


def renew_climatology(config: Config, archive: Archive) -> Counts:
    """Count the outcomes of all events, and keep the counts beside the models.

    Raises: ArchiveError, OSError.
    """
    found = outcome_counts(archive)
    keep_climatology(config.learning.folder, found)
    return found


def outcome_counts(archive: Archive) -> Counts:
    """Return the events with an outcome by phenomenon, site and month. Raises: ArchiveError."""
    dark = {
        each.key: each.values.get(DARKNESS, 0.0) >= DARK_SHARE
        for each in PastForecasts(archive).issued_forecasts(
            features={"starry_sky": (DARKNESS,)}, phenomenon="starry_sky"
        )
    }
    return count_outcomes(
        (phenomenon, site, date.fromisoformat(day), outcome.happened)
        for (site, phenomenon, day), outcome in Outcomes(archive).resolved().items()
        if EVERY_DAY.intersection(outcome.sources)
        and (phenomenon != "starry_sky" or dark.get((site, phenomenon, day), False))
    )


def shipped_frequency(config: Config) -> Callable[[EventKey], float]:
    """Return the shipped usual frequency of an event; NaN for a site that is not in the settings.

    For forecasts archived before they kept their own.
    """
    sites, table = {site.id: site for site in config.all_sites()}, Climatology()

    def usual(key: EventKey) -> float:
        site, phenomenon, day = key
        return (
            table.frequency_at(phenomenon, sites[site], date.fromisoformat(day))
            if site in sites
            else float("nan")
        )

    return usual
