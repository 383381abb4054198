"""Deliver the issue that readers see to those who get it sent: WeChat, groups, e-mail.

What is sent are pages of the release in force, so it can be done again after a kill, and nothing is
sent that readers do not see. The outbox in the archive knows what each receiver has.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from forecast.archive.outbox import ChannelOutbox
from forecast.config import Config, delivery_secrets
from forecast.domain import Receipt
from forecast.errors import SkyscapeError
from forecast.files import lock
from forecast.issue.world import World
from forecast.settings import Channel
from products import channels, manifest
from products.delivery import Delivery

log = logging.getLogger(__name__)

LOCK = "delivery-lock"  # in the output folder: one process sends


def senders(config: Config) -> tuple[Channel, ...]:
    """Return the channels that send something under these settings."""
    return tuple(each for each in config.output.channels if channels.sends(each, config))


def deliver(
    world: World, now: datetime, environment: Mapping[str, str] | None = None
) -> tuple[Receipt, ...]:
    """Send what the receivers of each channel do not have yet; return a receipt for each channel.

    Nothing is sent where no issue is in force, it has expired, or another process is sending. A
    channel that fails is named in its receipt and stops no other. Raises: ConfigError, OSError.
    """
    config, publisher = world.config, world.publisher
    wanted = senders(config)
    if not wanted or not publisher.folder.is_dir():
        return ()
    with _alone(publisher.folder / LOCK) as alone:
        content = publisher.manifest()
        issue, withdrawal = manifest.issue_of(content), manifest.withdrawal_of(content)
        if not alone or issue is None or issue.expired(now):
            return ()
        receipts = []
        for channel in wanted:
            delivery = Delivery(
                issue,
                withdrawal,
                publisher.pages(channel),
                config,
                ChannelOutbox(world.archive, channel),
                delivery_secrets(environment),
                now,
                publisher.page,
            )
            if delivery.pages:
                receipts.append(_delivered(channel, delivery))
    return tuple(receipts)


def _delivered(channel: Channel, delivery: Delivery) -> Receipt:
    """Send the pages of a channel; a failure becomes its receipt."""
    try:
        receipt = channels.deliver(channel, delivery)
    except SkyscapeError as error:
        log.error("%s: not sent: %s", channel, error)
        return delivery.receipt(channel, "failed", str(error))
    except Exception as error:  # one channel must not stop the others
        log.exception("%s: not sent: a defect: please report it", channel)
        return delivery.receipt(channel, "failed", f"defect: {type(error).__name__}: {error}")
    if receipt.outcome != "unchanged":
        log.info("%s: %s %s %s", channel, receipt.issue, receipt.outcome, receipt.detail)
    return receipt


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[bool]:
    """Give whether no other process sends; a process that dies lets go of the lock."""
    with path.open("a") as file:
        yield lock(file)
