"""The demonstration: the sample cycle on the production path, in its own folders and marked so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from forecast.config import Config
from forecast.domain import Cycle, as_utc
from forecast.ingest.sources import needs_of
from forecast.sample.encoding import write_cycle
from forecast.sample.timetable import LOCAL
from forecast.sample.week import Week
from forecast.settings.delivery import DeliverySettings
from forecast.settings.sources import StepSettings, all_steps

# Seven local days with the night of the last one, from a run up to ten hours old.
STEPS = (StepSettings(first=0, last=72, every=3), StepSettings(first=78, last=180, every=6))
AFTER = 12  # [h] of the night after the last day
# The local day after the run's without data from this hour on: readers see how that looks.
MISSING_DAY, MISSING_FROM = 3, 6


def demonstration_run(now: datetime) -> datetime:
    """Return the run of a bulletin issued at `now`: the newest at least four hours old.

    Runs are those of 00, 06, 12 and 18 UTC.
    """
    latest = as_utc(now) - timedelta(hours=4)
    return datetime(latest.year, latest.month, latest.day, latest.hour // 6 * 6, tzinfo=UTC)


def steps_of(days: int, run: datetime | None) -> tuple[StepSettings, ...]:
    """Return the steps of STEPS that `days` local days need, less a day of missing data of a run.

    run: None where nothing is missing.
    """
    kept = [step for step in all_steps(STEPS) if step <= 24 * days + AFTER]
    if run is not None:
        begin = as_utc(run).astimezone(LOCAL).hour
        first, last = (24 * MISSING_DAY + hour - begin for hour in (MISSING_FROM, 24))
        kept = [step for step in kept if not first < step < last]
    return tuple(StepSettings(first=step, last=step, every=1) for step in kept)


def demonstration_config(
    config: Config, bucket: str, output: Path, work: Path, run: datetime | None = None
) -> Config:
    """Return the settings of the demonstration: one model from the loopback bucket.

    It publishes under `output` and keeps everything else under `work`. run: whose day of missing
    data is left out; None: nothing is.
    """
    http = config.source.bucket.model_copy(update={"url": bucket, "requests_per_minute": 6000})
    source = {
        "order": ("bucket",),
        "bucket": http,
        "steps": steps_of(config.forecast.days, run),
        "cycles": work / "cycles",
        "delay_hours": 0.0,
        "keep_cycles": 1,
    }
    return config.model_copy(
        update={
            "demonstration": True,
            "models": (),
            "source": config.source.model_copy(update=source),
            "archive": config.archive.model_copy(
                update={"url": f"sqlite:///{work / 'archive.db'}"}
            ),
            "output": config.output.model_copy(update={"folder": output}),
            "delivery": DeliverySettings(),  # it sends nothing to anybody
            "learning": config.learning.model_copy(update={"folder": work / "models"}),
            "cmadaas": config.cmadaas.model_copy(update={"state": work / "cmadaas"}),
        }
    )


def write_sample(folder: Path, cycle: Cycle, config: Config) -> Path:
    """Write the sample cycle under `folder` in the public bucket's layout; return the folder."""
    ours = demonstration_config(config, config.source.bucket.url, folder, folder)
    needs = needs_of(ours, config.all_sites())
    write_cycle(folder, cycle.run, needs.steps, needs, Week)
    return folder
