"""Current observations of the stations at the sites, published beside the issues."""

from __future__ import annotations

from datetime import datetime

from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import CurrentObservations
from forecast.observations import current
from products.publish import Publisher


def publish_current_observations(
    archive: Archive, config: Config, publisher: Publisher, now: datetime
) -> tuple[CurrentObservations, ...]:
    """Publish the current observations of the stations at the sites, and return them.

    Raises: ArchiveError, PublishError.
    """
    latest = current_observations(archive, config, now)
    publisher.publish_current_observations(latest, now)
    return latest


def current_observations(
    archive: Archive, config: Config, now: datetime
) -> tuple[CurrentObservations, ...]:
    """Return the current observations of the stations at the sites. Raises: ArchiveError."""
    stations = config.site_stations
    observations = config.observations.model_copy(update={"stations": stations})
    return current.latest(archive, observations, config.zone, now) if stations else ()
