"""What commands work with, built from the settings: the settings themselves, the pipeline's World,
the clock.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.log_context import JsonFormatter, ZonedFormatter

if TYPE_CHECKING:
    from forecast.archive.issues import Archive
    from forecast.config import Config
    from forecast.observations.intake import Intake
    from forecast.observations.received import ReportFeed
    from forecast.pipeline import World


def clock() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def settings(path: Path | None, out: Path | None = None, log: str | None = None) -> Config:
    """Read the settings; `out` replaces the output folder, `log` the form of the log's lines.

    Raises: ConfigError, also for a unit of a station that is not known.
    """
    from forecast.config import read_config
    from forecast.errors import ConfigError

    config = read_config(path)
    log_in_zone(config.zone, log or config.service.log)
    if faults := unit_faults(config):
        raise ConfigError("\n".join(faults))
    if out is not None:
        folder = config.output.model_copy(update={"folder": out})
        config = config.model_copy(update={"output": folder})
    return config


def log_in_zone(zone: tzinfo, form: str = "text") -> None:
    """Write the log by the clock of `zone`, with the offset from UTC. form: text or json."""
    formatter = JsonFormatter(zone) if form == "json" else ZonedFormatter(zone)
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:  # that of the entry, no other
            handler.setFormatter(formatter)


def unit_faults(config: Config) -> list[str]:
    """Return what is wrong with the units of stations, each with its place in the settings."""
    if not any(station.units for station in config.observations.stations):
        return []
    from forecast.observations.formats import unit_error

    return [
        f"observations.stations.{station.id}.{wrong}"
        for station in config.observations.stations
        if (wrong := unit_error(station.as_station()))
    ]


def open_archive(config: Config, rebuild: bool = False, service: bool = False) -> Archive:
    """Return the archive of the settings. service: as forecast/archive/rebuilding.py opens one.

    rebuild: where it is lost, empty or damaged, begin a new one from the released issues; what is
    there of a damaged one is kept beside it. Raises: ArchiveError; ArchiveUnusable where it is lost
    and nobody said that.
    """
    from forecast.archive.issues import Archive
    from forecast.archive.rebuilding import (
        keep_damaged,
        open_for_service,
        open_known,
        refuse_damaged,
        refuse_unfinished,
    )
    from forecast.errors import ArchiveUnusable
    from products.publish import Publisher

    publisher = Publisher(config)
    refuse_unfinished(config.private_folder)
    if not rebuild:
        opened = open_for_service if service else open_known
        return opened(config.archive.url, publisher.release_count())
    from forecast.issue.release import begin_anew

    try:
        archive = Archive(config.archive.url)
        refuse_damaged(archive)
        begin_anew(archive, publisher)
    except ArchiveUnusable as error:
        try:
            kept = keep_damaged(config.archive.url, clock())
        except OSError as cannot:
            raise ArchiveUnusable(f"{error}; it cannot be moved aside: {cannot}") from error
        if kept is None:
            raise
        logging.getLogger(__name__).warning("%s; it is kept as %s", error, kept)
        archive = Archive(config.archive.url)
        begin_anew(archive, publisher)
    return archive


def open_intake(config: Config) -> Intake:
    """Return what takes in observations. Raises: ArchiveError."""
    from forecast.observations.intake import Intake

    feed = open_feed(config)
    return Intake(config.observations, open_archive(config), config.zone, feed=feed)


def open_feed(config: Config) -> ReportFeed | None:
    """Return the feed of station reports of the settings; None where they name none.

    Raises: ConfigError.
    """
    settings = config.observations.cmadaas
    if settings is None:
        return None
    from forecast.ingest.cmadaas import open_cmadaas
    from forecast.observations.cmadaas import CmadaasReports
    from forecast.observations.cmadaas_analyses import SiteAnalyses
    from forecast.observations.received import Feeds

    stations = {each.id: each.as_station() for each in config.observations.stations}
    interface = open_cmadaas(config.cmadaas, config.demonstration)
    reports = CmadaasReports(interface, settings, stations)
    return Feeds(reports, SiteAnalyses(interface, settings, config.all_sites()))


def build_world(
    config: Config, source: str | None, rebuild: bool = False, service: bool = False
) -> World:
    """Return everything that a run needs; with `source` only this one, and no further model.

    rebuild, service: as those of `open_archive`.

    Raises: ConfigError, ArchiveError.
    """
    from forecast.ingest import sources
    from forecast.observations.intake import Intake
    from forecast.pipeline import World
    from models.prediction import open_models
    from products.publish import Publisher

    archive, observations = open_archive(config, rebuild, service), config.observations
    intake = (
        Intake(observations, archive, config.zone, feed=open_feed(config))
        if observations.stations or observations.keep_all or observations.cmadaas
        else None
    )
    return World(
        config,
        sources.open_source(config, source),
        archive,
        open_models(config.learning.folder),
        Publisher(config),
        sources.open_models(config) if source is None else (),
        intake,
    )
