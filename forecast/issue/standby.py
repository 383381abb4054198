"""The standby archive: the service goes on publishing while its archive is lost or damaged.

It is an SQLite file beside the archive (or beside the models, for another database), begun from
the released issues, so that numbers go on. It keeps what is issued meanwhile. Earlier forecasts,
station reports, drafts and accounts are not in it: the pages say so, and nobody can sign.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from forecast.archive.issues import Archive
from forecast.archive.rebuilding import adopt, keep_damaged
from forecast.config import Config
from forecast.errors import ArchiveUnusable, PublishError, of_the_disk
from forecast.issue.world import World

log = logging.getLogger(__name__)

NAME = "standby.db"


def standby(world: World, now: datetime) -> World:
    """Return the world with the standby archive, brought up to the released issues.

    Raises: ArchiveError, PublishError where that cannot be had either.
    """
    try:
        try:
            archive = _opened(world, now)
        except ArchiveUnusable:
            keep_damaged(_address(world.config), now)
            archive = _opened(world, now)
    except OSError as error:
        raise of_the_disk(error) or PublishError(f"the standby archive: {error}") from error
    return replace(world, archive=archive, standby=True)


def _address(config: Config) -> str:
    return f"sqlite:///{config.private_folder / NAME}"


def _opened(world: World, now: datetime) -> Archive:
    archive, publisher = Archive(_address(world.config)), world.publisher
    archive.mark_published(publisher.current(), now)
    if publisher.release_count():
        adopt(archive, publisher.released())
    return archive
