"""The whole line, from files to site: CPU and memory for 5 sites, and what 500 sites cost against
it.

The real three-step cycle of ../shared/data/gfs_tree; sites are spread over the middle of its
region. Every case runs in a process of its own, start of the interpreter included. Bars: 10 s of
processor and 500 MB for 5 sites, decoding processes included; for each site more, 36 ms of
processor (10,000 sites in 6 minutes), 6 of them to derive its features.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

from tests.bench.bars import BOARD  # noqa: E402

WORKERS = 2  # decoding processes
SMALL_CPU, SMALL_MEMORY = "5 sites, processor", "5 sites, memory with that of decoding processes"
ADDED_SITE, ADDED_FEATURES = "processor of each site more", "of it, to derive features"
TREE = PROJECT.parent / "shared" / "data" / "gfs_tree"


def carry(count: int, folder: Path) -> None:
    """Run the line for `count` sites in this process and print what it took."""
    begun = time.perf_counter()
    sys.path.insert(0, str(PROJECT))
    derived = processor_of_derive()
    from forecast import pipeline
    from forecast.archive.issues import Archive
    from forecast.config import read_config
    from forecast.domain import Cycle
    from forecast.ingest.sources import open_source
    from forecast.settings import SiteSettings
    from models.prediction import open_models
    from products.publish import Publisher

    config = read_config(PROJECT / "tests" / "settings" / "tatra.yaml")
    pattern = config.sites[0].model_dump()
    rows = max(1, round(count**0.5))
    sites = tuple(
        SiteSettings.model_validate(
            pattern
            | {"id": f"site_{i}", "name": {"zh": f"景点{i}", "en": f"Site {i}"}}
            | {"latitude": 50.5 + (i // rows) / rows, "longitude": 18.0 + (i % rows) / rows * 2}
        )
        for i in range(count)
    )
    config = config.model_copy(
        update={
            "sites": sites,
            "source": config.source.model_copy(
                update={"folder": TREE, "cycles": folder / "cycles"}
            ),
            "archive": config.archive.model_copy(
                update={"url": f"sqlite:///{folder / 'archive.db'}"}
            ),
            "output": config.output.model_copy(update={"folder": folder / "site"}),
        }
    )
    world = pipeline.World(
        config,
        open_source(config, "folder"),
        Archive(config.archive.url),
        open_models(),
        Publisher(config),
    )
    report = pipeline.run(
        world, datetime(2020, 8, 4, 16, tzinfo=UTC), Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC))
    )
    from forecast.ingest.grib.decoder_pool import DECODERS

    DECODERS.close()  # so that the decoding processes are counted
    own, children = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    print(
        json.dumps(
            {
                "wall": time.perf_counter() - begun,
                "stages": report.seconds,
                "forecasts": report.forecasts,
                "set_aside": report.failed_phenomena,
                "cpu": own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime,
                "memory": own.ru_maxrss / 1024,
                "worker_memory": children.ru_maxrss / 1024,
                "derive": derived[0],
                "bytes": sum(
                    path.stat().st_size
                    for path in (folder / "site" / "current").resolve().rglob("*")
                    if path.is_file()
                ),
            }
        )
    )


def processor_of_derive() -> list[float]:
    """Return a list whose one number will be the processor time [s] spent on features."""
    from forecast import phenomena

    spent, original = [0.0], phenomena.derive

    def timed(*given: Any, **named: Any) -> Any:
        start = time.process_time()
        try:
            return original(*given, **named)
        finally:
            spent[0] += time.process_time() - start

    phenomena.derive = timed
    return spent


def measure(count: int) -> dict[str, float]:
    """Run one case in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, str(count), folder],
            capture_output=True,
            text=True,
            env=os.environ,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print the table and judge the bars."""
    if not TREE.is_dir():
        for bar in (SMALL_CPU, SMALL_MEMORY, ADDED_SITE, ADDED_FEATURES):
            BOARD.skip(bar, "../shared/data is absent")
        return BOARD.code
    cases = {
        count: min((measure(count) for _ in range(2)), key=lambda found: found["cpu"])
        for count in (5, 500)
    }
    print("The whole line on the real 3-step cycle (best of 2)")
    print(
        f"{'sites':>6} {'CPU s':>7} {'wall s':>7} {'MB':>6} {'worker MB':>10} "
        f"{'site MB':>8}  stages"
    )
    for count, found in cases.items():
        stages = ", ".join(f"{name} {seconds:.2f}" for name, seconds in found["stages"].items())  # type: ignore[attr-defined]
        print(
            f"{count:>6} {found['cpu']:>7.2f} {found['wall']:>7.2f} {found['memory']:>6.0f} "
            f"{found['worker_memory']:>10.0f} "
            f"{found['bytes'] / 1e6:>8.1f}  {stages}"
        )
    few, many = cases[5], cases[500]
    more = (500 - 5) / 1e3
    # the largest decoding process, as often as there are any
    memory = few["memory"] + WORKERS * few["worker_memory"]
    BOARD.at_most(SMALL_CPU, few["cpu"], 10, "s")
    BOARD.at_most(SMALL_MEMORY, memory, 500, "MB")
    BOARD.at_most(ADDED_SITE, (many["cpu"] - few["cpu"]) / more, 36, "ms")
    BOARD.at_most(ADDED_FEATURES, (many["derive"] - few["derive"]) / more, 6, "ms")
    return BOARD.code


if __name__ == "__main__":
    if len(sys.argv) == 3:
        carry(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        sys.exit(main())
