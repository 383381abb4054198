"""What an issue is made with, built once by the command line."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.ingest.sources import Source
from forecast.issue.multi_model import FurtherModel
from forecast.observations.intake import Intake
from models.prediction import Models
from products.publish import Publisher


@dataclass(frozen=True, slots=True)
class World:
    """Everything a run needs. standby: the archive only stands in for one that cannot be used."""

    config: Config
    source: Source
    archive: Archive
    models: Models
    publisher: Publisher
    further: tuple[FurtherModel, ...] = ()  # models beside the leading one
    intake: Intake | None = None  # receives observations
    standby: bool = False
