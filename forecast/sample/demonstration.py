"""The demonstration: the sample cycle on the production path, in folders of its own, marked as what
it is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.config import Config
from forecast.domain import Cycle, as_utc
from forecast.ingest.sources import needs_of
from forecast.sample.encoding import write_cycle
from forecast.settings import StepSettings

STEPS = StepSettings(first=0, last=72, every=3)


def demonstration_run(now: datetime) -> datetime:
    """Return the run that a bulletin issued at `now` would be made from: the newest of 00, 06, 12,
    18 UTC four hours ago or more.
    """
    latest = as_utc(now) - timedelta(hours=4)
    return datetime(latest.year, latest.month, latest.day, latest.hour // 6 * 6, tzinfo=UTC)


def demonstration_config(config: Config, bucket: str, output: Path, backstage: Path) -> Config:
    """Return the settings with the loopback bucket as the only source of the only model, publishing
    under `output`, all else under `backstage`.
    """
    http = config.source.bucket.model_copy(update={"url": bucket, "requests_per_minute": 6000})
    source = {
        "order": ("bucket",),
        "bucket": http,
        "steps": (STEPS,),
        "cycles": backstage / "cycles",
        "delay_hours": 0.0,
        "keep_cycles": 1,
    }
    return config.model_copy(
        update={
            "demonstration": True,
            "models": (),
            "source": config.source.model_copy(update=source),
            "archive": config.archive.model_copy(
                update={"url": f"sqlite:///{backstage / 'archive.db'}"}
            ),
            "output": config.output.model_copy(update={"folder": output}),
            "learning": config.learning.model_copy(update={"folder": backstage / "models"}),
        }
    )


def write_sample(folder: Path, cycle: Cycle, config: Config) -> Path:
    """Write the sample cycle under `folder`, laid out like the public bucket; return the folder."""
    needs = needs_of(
        demonstration_config(config, config.source.bucket.url, folder, folder), config.all_sites()
    )
    write_cycle(folder, cycle.run, needs.steps, needs)
    return folder
