"""What if the process dies while it fetches? The next run goes on where it stopped; a name is given
to whole files only.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from forecast.config import Config
from forecast.domain import Cycle
from forecast.ingest.sources import needs_of, open_models, open_source
from tests.faults import small_models
from tests.faults.faulty_server import FaultyBucket, PatientClock
from tests.faults.small_cycle import settings_for, write_cycle

KILLS = 30
CYCLE = Cycle(datetime(2026, 11, 22, 0, tzinfo=UTC))
NOW = CYCLE.run + timedelta(hours=5)

# a victim is a process of its own, without the seconds of starting one
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["forecast.ingest.sources", "tests.faults.small_models", "tests.faults.small_cycle"]
)


def fetch(folder: Path, url: str, filter_url: str, way: str) -> tuple[Path, ...]:
    from forecast.config import read_config

    if way == "ifs":
        settings = small_models.settings_for(
            read_config(), folder, small_models.table(read_config(), way), url
        )
        [model] = open_models(settings, PatientClock())
        return model.acquire(settings.all_sites(), NOW + timedelta(hours=3)).files
    config = settings_for(read_config(), folder, url, filter_url)
    return (
        open_source(config, way, PatientClock())
        .acquire(needs_of(config, config.all_sites()), NOW, CYCLE)
        .files
    )


class Trap(FaultyBucket):
    """A bucket that kills its client in the middle of the response to the n-th request, or up to
    20 ms after it, while the client writes.
    """

    prey: BaseProcess | None = None
    fuse = -1
    # of the answer that is sent before the kill; above 1 all of it, and the rest is a delay
    share = 0.5

    def hunt(self, folder: Path, way: str) -> None:
        """Let a process of its own fetch, to its end."""
        self.prey = FORKS.Process(target=fetch, args=(folder, self.url, self.filter_url, way))
        self.prey.start()
        self.prey.join()

    def send(self, handler, answer):  # type: ignore[no-untyped-def]
        self.fuse -= 1
        if self.fuse == 0 and self.prey is not None and self.prey.pid is not None:
            handler.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(answer.body[: int(len(answer.body) * self.share)])
            handler.wfile.flush()
            time.sleep(max(0.0, self.share - 1) * 0.02)
            os.kill(self.prey.pid, signal.SIGKILL)
            handler.close_connection = True
            return
        super().send(handler, answer)


@pytest.mark.parametrize("way", ["bucket", "filter", "ifs"])
def test_killed_at_any_moment_a_fetch_goes_on_where_it_stopped(
    way: str, tmp_path: Path, config: Config
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # shown when the test fails
    chance = random.Random(seed)
    if way == "ifs":
        small_models.write_run(tmp_path / "root", small_models.table(config, way), CYCLE.run)
    else:
        write_cycle(tmp_path / "root", CYCLE)
    with Trap(tmp_path / "root") as server:
        sound = {
            path.name: _digest(path)
            for path in fetch(tmp_path / "sound", server.url, server.filter_url, way)
        }
        whole = server.requests
        folder = tmp_path / "fetched"
        for _ in range(KILLS // 3):
            server.fuse, server.share = chance.randint(1, max(2, whole // 4)), chance.uniform(0, 2)
            server.hunt(folder, way)
            for path in folder.rglob("*.grib2"):
                assert _digest(path) == sound[path.name], (
                    f"{path.name} has its name but is not whole (seed {seed})"
                )
            for path in folder.rglob("*.json"):
                json.loads(path.read_bytes())
        server.fuse = -1
        files = fetch(folder, server.url, server.filter_url, way)

    assert {path.name: _digest(path) for path in files} == sound
    assert [path for path in folder.rglob("*") if path.suffix in (".part", ".plan", ".tmp")] == []


def test_what_had_arrived_is_not_fetched_again(tmp_path: Path, config: Config) -> None:
    write_cycle(tmp_path / "root", CYCLE)
    with Trap(tmp_path / "root") as server:
        fetch(tmp_path / "sound", server.url, server.filter_url, "bucket")
        whole, folder = server.requests, tmp_path / "fetched"
        server.fuse = whole - 4
        server.hunt(folder, "bucket")
        died = server.requests
        fetch(folder, server.url, server.filter_url, "bucket")

    # what is left: two requests to list each unfinished step (at most three), the four that were
    # cut off, one in flight on each connection
    assert server.requests - died <= 6 + 4 + 2


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
