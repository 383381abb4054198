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
    stations = config.site_stations
    observations = config.observations.model_copy(update={"stations": stations})
    latest = current.latest(archive, observations, config.zone, now) if stations else ()
    publisher.publish_current_observations(latest, now)
    return latest
