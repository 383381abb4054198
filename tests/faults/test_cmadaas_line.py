"""The whole line on a CMADaaS that fails half the time, killed again and again: a bulletin with
tiles and nowcast, and the next day's outcomes. Nothing is lost, nothing doubled, limits are kept.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from PIL import Image

from forecast.archive.issues import Archive
from forecast.archive.observations import Observations
from forecast.archive.outcomes import Outcomes
from forecast.config import Config
from forecast.ingest.cmadaas import DEMONSTRATION, Cmadaas
from forecast.sample.cmadaas import Row
from forecast.sample.cmadaas_demonstration import BACK, served
from forecast.sample.cmadaas_world import HOURLY, records, sample_stations, station_reports
from forecast.settings.sources import StepSettings

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
NOW = RUN + timedelta(hours=6, minutes=5)
STEPS = (StepSettings(first=0, last=36, every=12),)
KINDS = ("busy", "reset", "html", "truncated", "half_a_page", "server")
KILLS = (2, 40, 130)  # by the number of requests
MOST = 3000  # requests in an hour

_IMAGE = io.BytesIO()
Image.new("L", (900, 600), 128).save(_IMAGE, "PNG")
BLANK = _IMAGE.getvalue()  # drawing a release takes seconds

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["forecast.commands.world", "forecast.pipeline", "forecast.ingest"])


def small(config: Config) -> Config:
    """Return settings of one site with two days, a small region and few channels."""
    return config.model_copy(
        update={
            "sites": tuple(each for each in config.sites if each.id == "jinding"),
            "source": config.source.model_copy(update={"light_path_km": 40.0, "decode_threads": 1}),
            "forecast": config.forecast.model_copy(update={"days": 2}),
            "output": config.output.model_copy(update={"channels": ("web", "api")}),
        }
    )


def carry(config: Config, now: datetime) -> None:
    """Carry the reports and the run to the pages, as the service does at an hour of issue."""
    from forecast import http, pipeline
    from forecast.commands.world import build_world
    from forecast.issue.station_reports import publish_current_observations
    from products.drawing import picture

    http.BACK_OFF = (0.0, 0.0)
    picture.png = lambda _: BLANK  # type: ignore[assignment]
    world = build_world(config, None)
    assert world.intake is not None
    world.intake.observe(now)
    pipeline.run(world, now)
    publish_current_observations(world.archive, world.config, world.publisher, now)


class Trap:
    """Makes half of the requests fail, and kills the process that asks at some of them."""

    def __init__(self) -> None:
        self.chance, self.kills = random.Random(7), list(KILLS)
        self.prey: BaseProcess | None = None
        self.served: Counter[str] = Counter()
        self.lock = threading.Lock()

    def __call__(self, number: int, query: Mapping[str, str]) -> str:
        with self.lock:
            if self.kills and number >= self.kills[0] and self.prey is not None:
                self.kills.pop(0)
                with suppress(ProcessLookupError):
                    os.kill(self.prey.pid or 0, signal.SIGKILL)
                return "reset"
            if self.chance.random() < 0.5:
                return self.chance.choice(KINDS)
            names = ("fcstEle", "fcstLevel", "levelType", "validTime", "time")
            if "fcstEle" in query and query["time"] == f"{RUN:%Y%m%d%H%M%S}":
                self.served[" ".join(query[name] for name in names)] += 1
            return ""


def test_killed_and_refused_half_the_time_the_whole_line_loses_and_doubles_nothing(
    config: Config, tmp_path: Path
) -> None:
    trap = Trap()
    with served(
        small(config), RUN, NOW, tmp_path / "site", tmp_path / "work", STEPS
    ) as (ours, server):  # fmt: skip
        server.faults, server.per_hour = trap, MOST  # type: ignore[assignment]
        door = ours.cmadaas.model_copy(
            update={"requests_per_hour": MOST, "connections": 1, "attempts": 8}
        )
        ours = ours.model_copy(update={"cmadaas": door})
        ends = []
        while not ends or ends[-1] != 0:
            assert len(ends) < 40, "the line never came to its end"
            trap.prey = FORKS.Process(target=carry, args=(ours, NOW))
            trap.prey.start()
            trap.prey.join()
            ends.append(trap.prey.exitcode)
        archive = Archive(ours.archive.url)
        kept = Observations(archive)
        first = _archived(kept)

        trap.prey = None
        tomorrow, today = NOW + timedelta(hours=24), server.data.rows(HOURLY)
        assert today is not None
        server.data.by_code[HOURLY] = [*today, *_rows_after(NOW, 24)]  # type: ignore[attr-defined]
        days = _next_day(ours, archive, tomorrow)
        used = Cmadaas(ours.cmadaas, DEMONSTRATION).ledger.used

    assert ends.count(-signal.SIGKILL) == len(KILLS)
    # each field came through once: what a killed process had is not asked for again
    assert max(trap.served.values()) <= 2
    assert sum(count - 1 for count in trap.served.values()) <= len(KILLS)
    # every report of the last 36 h is there, once
    since = f"{NOW - timedelta(hours=36):%Y-%m-%d %H}"
    served_rows = {(row["Station_Id_C"], row["Datetime"]) for row in today}
    assert len(served_rows) == len(sample_stations()) * (BACK + 1 + 6)
    assert {row for row in served_rows if row[1] >= since} <= first <= served_rows
    assert kept.count() == len(_archived(kept))
    # requests were counted over all processes, and none was too many
    assert used >= server.requests > KILLS[-1]
    assert server.most_in_an_hour <= MOST
    assert not any("too many" in refusal for refusal in server.refusals)
    assert server.refusals.count("nonce used twice") == 0
    # one issue, corrected by stations, with their values as tiles
    assert len(archive.issues(10)) == 1
    pages = tmp_path / "site" / "current" / "api" / "v2" / "sites" / "jinding.json"
    assert "A1203" in _correcting(json.loads(pages.read_text(encoding="utf-8")))
    live = json.loads((tmp_path / "site" / "live.json").read_text(encoding="utf-8"))
    assert "A1203" in json.dumps(live)
    # the next day's outcomes come from the stations, and come once
    assert days[0] > 0
    assert days[1] == 0
    assert {each.outcome.source for each in Outcomes(archive).resolved().values()} == {"station"}


def _correcting(content: Any) -> set[str]:
    """Return the stations that corrected an event of a document."""
    if isinstance(content, list):
        return set().union(*map(_correcting, content))
    if not isinstance(content, dict):
        return set()
    return set(content.get("corrected_by_stations", ())).union(*map(_correcting, content.values()))


def _rows_after(moment: datetime, hours: int) -> list[Row]:
    """Return what the sample's stations report in the hours after a moment."""
    stations = sample_stations()
    first = int((moment - RUN) / timedelta(hours=1)) + 1
    reports = station_reports(stations, RUN, [float(first + hour) for hour in range(hours)])
    return records(reports, {each.id: each for each in stations})


def _archived(kept: Observations) -> set[tuple[str, str]]:
    ids = [station.id for station in sample_stations()]
    series = kept.series(ids, RUN - timedelta(days=9), RUN + timedelta(days=9))
    return {(o.station, f"{o.time:%Y-%m-%d %H:%M:%S}") for every in series.values() for o in every}


def _next_day(config: Config, archive: Archive, now: datetime) -> tuple[int, int]:
    """Return how many outcomes the next day has, and how many are new when asked again."""
    from forecast.commands.world import open_intake
    from forecast.learning import truth_from_analyses

    for _ in range(8):  # half of the requests fail
        open_intake(config).observe(now)
    day = NOW.astimezone(config.zone).date()
    first, again = (truth_from_analyses.diagnose(archive, config, day, now, None) for _ in range(2))
    return first.changed, again.changed
