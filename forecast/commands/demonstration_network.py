"""`demo --network cmadaas`: the demonstration with all its data from a loopback CMADaaS."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from forecast.commands import world as setup
from forecast.commands.output import show
from forecast.config import Config
from forecast.learning import truth_from_analyses
from forecast.sample.cmadaas_demonstration import served
from forecast.sample.demonstration import demonstration_run


@contextmanager
def prepared(
    config: Config, now: datetime, folder: Path, backstage: Path, quiet: bool
) -> Iterator[tuple[Config, datetime]]:
    """Give the settings and the run of the demonstration, once the stations' reports are archived.

    Afterwards the outcomes of yesterday are derived from those reports, and what was asked is
    counted. Raises: SkyscapeError.
    """
    run = demonstration_run(now)
    with served(config, run, now, folder, backstage) as (ours, server):
        taken = setup.open_intake(ours).observe(now)
        if not quiet:
            show(f"stations: {taken.summary}")
        yield ours, run
        yesterday = now.astimezone(ours.zone).date() - timedelta(days=1)
        found = truth_from_analyses.diagnose(setup.open_archive(ours), ours, yesterday, now, None)
        if not quiet:
            asked = ", ".join(f"{name} {count}" for name, count in server.by_interface.items())
            show(f"outcomes of {found}", f"asked of the loopback CMADaaS: {asked}")
            if server.refusals:
                show(f"refused: {'; '.join(sorted(set(server.refusals)))}")
