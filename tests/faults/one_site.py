"""One site, one cycle decoded once: the line from features to screens, quick enough to be killed
many times.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from forecast import pipeline
from forecast.archive.issues import Archive
from forecast.config import Config
from forecast.domain import Atmosphere, Cycle
from forecast.ingest import Needs
from forecast.ingest.grib import reader
from forecast.ingest.provider import FetchedCycle
from forecast.ingest.sources import needs_of
from forecast.issue.report import IssueReport
from forecast.sample.encoding import write_cycle
from forecast.settings.sources import StepSettings
from models.prediction import Models, open_models
from products.publish import Publisher

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
_DECODED: dict[Needs, Atmosphere] = {}


@dataclass
class OneCycle:
    """A source that has every requested cycle; an atmosphere decoded before replaces its files."""

    cycle: Cycle
    taken: list[Cycle] = field(default_factory=list)

    def acquire(self, needs: Any, now: datetime, cycle: Cycle | None = None) -> FetchedCycle:
        self.taken.append(self.cycle)
        return FetchedCycle(self.cycle, (), "sample cycle", "folder", 0, 0, ())


def small(config: Config, folder: Path) -> Config:
    """Return settings with one site, two days and six-hourly fields."""
    source = config.source.model_copy(update={"steps": (StepSettings(first=0, last=36, every=6),)})
    return config.model_copy(
        update={
            "sites": config.sites[:1],
            "source": source,
            "demonstration": True,
            "models": (),
            "forecast": config.forecast.model_copy(update={"days": 2}),
            "archive": config.archive.model_copy(
                update={"url": f"sqlite:///{folder / 'archive.db'}"}
            ),
            "output": config.output.model_copy(update={"folder": folder / "site"}),
        }
    )


def decoded(config: Config, folder: Path) -> Atmosphere:
    """Return the sample cycle of `RUN` as the line would see it; nobody may change it.

    It is made once a process: that takes 15 s. folder: where its files are written, if they are.
    """
    needs = needs_of(config, config.all_sites())
    if needs not in _DECODED:
        cycle = write_cycle(folder, RUN, needs.steps, needs)
        files = sorted(folder.rglob("*.f???"))
        _DECODED[needs] = reader.read_atmosphere(files, cycle, needs)
    return _DECODED[needs]


def moved(atmosphere: Atmosphere, hours: int) -> Atmosphere:
    """Return the same weather `hours` later, as another cycle would bring it."""
    shift = np.timedelta64(hours, "h")
    starts = {
        name: atmosphere[name] + shift
        for name in atmosphere.data_vars
        if str(name).endswith("_start")
    }
    return atmosphere.assign_coords(time=atmosphere["time"] + shift).assign(starts)


def world(config: Config, run: datetime, archive: Archive | None = None) -> pipeline.World:
    source: Any = OneCycle(Cycle(run))
    archive = archive or Archive(config.archive.url)
    return pipeline.World(config, source, archive, shipped_models(), Publisher(config))


@cache
def shipped_models() -> Models:
    """Return the models that come with the program, opened once a process."""
    return open_models()


def carry(config: Config, atmosphere: Atmosphere, number: int) -> IssueReport:
    """Carry the cycle `number` x 6 hours after RUN to the screens."""
    shifted = moved(atmosphere, 6 * number)
    real, reader.read_atmosphere = reader.read_atmosphere, lambda *_, **__: shifted
    try:
        run = RUN + timedelta(hours=6 * number)
        return pipeline.run(world(config, run), run + timedelta(hours=5))
    finally:
        reader.read_atmosphere = real
