"""The ground of the last model run that was fetched: the heights of places are held against it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import xarray as xr

from forecast.commands.height_checks import MODEL_REACH
from forecast.commands.places import CheckedPlace
from forecast.config import Config
from forecast.domain import Cycle
from forecast.errors import SkyscapeError
from forecast.ingest import Needs
from forecast.ingest.grib.reader import read_atmosphere
from forecast.ingest.region import region_of
from forecast.quantities import FIELDS

log = logging.getLogger(__name__)

GROUND = "surface_altitude"
MOST_FILES = 8  # files that are tried, the newest runs first


def last_ground(config: Config, places: Sequence[CheckedPlace]) -> xr.DataArray | None:
    """Return the ground [m] (latitude, longitude) round the places in the newest fetched run of the
    leading model; None where no run was fetched, or none gives it.
    """
    if not places:
        return None
    folder = config.source.cycles / config.source.model
    region = region_of([(each.latitude, each.longitude) for each in places], MODEL_REACH / 1000)
    field = replace(FIELDS[GROUND], essential=False)
    for file in _newest(folder)[:MOST_FILES]:
        try:
            run = datetime.strptime(file.parts[-3], "%Y%m%d%H").replace(tzinfo=UTC)
            needs = Needs((field,), (int(file.stem[1:]),), *region)
            found = read_atmosphere([file], Cycle(run, config.source.model), needs, threads=1)
        except (SkyscapeError, ValueError) as error:
            log.debug("%s: gives no ground: %s", file, error)
            continue
        if GROUND in found:
            return found[GROUND].isel(time=0)
    return None


def _newest(folder: Path) -> list[Path]:
    """Return the files of fetched steps, those of the newest run first."""
    return sorted(
        folder.glob("[0-9]*/*/f[0-9]*.grib2"), key=lambda file: (file.parts[-3], file.stem)
    )[::-1]
