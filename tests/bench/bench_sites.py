"""What one more site costs: CPU milliseconds of each step of the line, with its pages as files and
with its data only; bytes of the release and of the archive; elements of the home page.

The embedded sample cycle (seven days); the shipped sites repeated a little apart. Pictures are left
out: they are of the first sites only. Bars: a page 20 ms a site and language, of the web channel
alone; at 10,000 sites 6 minutes of CPU (36 ms a site) and 300 MB (30 kB a site); 1,500 elements.

    bench_sites.py                 some dozens of sites: a part of `make bench`
    bench_sites.py nation [10000]  one issue of so many sites: CPU, memory and disk of all of it
"""

from __future__ import annotations

import json
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))
if TYPE_CHECKING:
    from forecast.config import Config

RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
NATION, STATIC = 10_000, 5
WRITTEN = (15, 45)  # sites compared where pages are files
SERVED = (120, 160)  # where they are not: by then each feed has as many entries as it may
ELEMENTS = 1500
PAGE_MS, SITE_MS, SITE_KB = 20.0, 36.0, 30.0
MINUTES, MEGABYTES, RELEASE_MB = 6.0, 1500.0, 300.0  # of an issue of NATION sites
# of the pages of a site: both languages, and all channels that have some
CHANNELS = ("web", "display", "widget", "api", "feeds", "calendar")


@dataclass(frozen=True)
class Found:
    """What one issue took: CPU [s] of each step and of all, bytes, elements of the home page."""

    steps: dict[str, float]
    cpu: float
    release: int
    archive: int
    memory: float  # [MB] at most, of the process or of its largest child
    elements: int


def config_of(count: int, static: int, channels: Sequence[str], folder: Path) -> Config:
    """Return the settings of the demonstration with so many sites."""
    from forecast.config import read_config
    from forecast.sample.demonstration import demonstration_config
    from forecast.settings import SiteSettings

    config = demonstration_config(read_config(), "http://127.0.0.1:9", folder / "site", folder)
    shipped = [site.model_dump() for site in config.sites]
    sites = tuple(
        SiteSettings.model_validate(
            shipped[n % len(shipped)]
            | {"id": f"site_{n}", "brand": {"zh": "", "en": ""}}
            | {"name": {"zh": f"景点{n}", "en": f"Site {n}"}}
            | {"latitude": shipped[n % len(shipped)]["latitude"] + 0.0001 * (n // len(shipped))}
        )
        for n in range(count)
    )
    output = {"static_sites": static, "channels": tuple(channels)}
    return config.model_copy(
        update={"sites": sites, "output": config.output.model_copy(update=output)}
    )


def write_sample(count: int, folder: Path) -> None:
    """Write the files of the sample cycle for so many sites."""
    from forecast.ingest.sources import needs_of
    from forecast.sample.encoding import write_cycle
    from forecast.sample.week import Week

    config = config_of(count, count, ("web",), folder)
    needs = needs_of(config, config.all_sites())
    write_cycle(folder, RUN, needs.steps, needs, Week)


def carry(count: int, static: int, channels: Sequence[str], cycle: Path, folder: Path) -> None:
    """Run the line for `count` sites in this process and print what it took."""
    from forecast import pipeline
    from forecast.archive.issues import Archive
    from forecast.domain import Cycle
    from forecast.ingest.provider import FetchedCycle
    from forecast.issue.report import Stopwatch
    from models.prediction import open_models
    from products.channels import display
    from products.publish import Publisher

    class ProcessorTime(Stopwatch):
        @contextmanager
        def __call__(self, step: str) -> Iterator[None]:
            start = time.process_time()
            yield
            self.seconds[step] = time.process_time() - start
            print(f"{step}: {self.seconds[step]:.1f} s", file=sys.stderr, flush=True)

    class OneCycle:
        def acquire(self, *_: object) -> FetchedCycle:
            files = tuple(sorted(cycle.rglob("*.f???")))
            return FetchedCycle(Cycle(RUN), files, "sample cycle", "folder", 0, 0, ())

    pipeline.Stopwatch = ProcessorTime  # type: ignore[attr-defined]
    display.SITES = 0  # type: ignore[attr-defined]
    config, source = config_of(count, static, channels, folder), OneCycle()
    world = pipeline.World(
        config,
        source,  # type: ignore[arg-type]
        Archive(config.archive.url),
        open_models(),
        Publisher(config),
    )
    start = time.process_time()
    report = pipeline.run(world, RUN + timedelta(hours=5))
    cpu, release = time.process_time() - start, world.publisher.link.resolve()
    peaks = (resource.getrusage(of).ru_maxrss / 1000 for of in WHOSE)
    home = (release / "index.html").read_text(encoding="utf-8") if "web" in channels else ""
    size = sum(path.stat().st_size for path in release.rglob("*") if path.is_file())
    with closing(sqlite3.connect(folder / "archive.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    archive, elements = (folder / "archive.db").stat().st_size, len(re.findall("<[a-z]", home))
    print(json.dumps([report.seconds, cpu, size, archive, max(peaks), elements]))


WHOSE = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def measure(count: int, static: int, cycle: Path, channels: Sequence[str] = CHANNELS) -> Found:
    """Run one case in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return run_case(count, static, cycle, channels, Path(folder))


def run_case(count: int, static: int, cycle: Path, channels: Sequence[str], folder: Path) -> Found:
    """Run one case in a process of its own, which leaves its release in `folder`."""
    arguments = [str(count), str(static), ",".join(channels), str(cycle), str(folder)]
    done = subprocess.run(
        [sys.executable, __file__, "carry", *arguments],
        stdout=subprocess.PIPE,
        stderr=None if count >= NATION // 10 else subprocess.DEVNULL,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"bench_sites.py carry {' '.join(arguments)}: failed; run it to see")
    return Found(*json.loads(done.stdout.splitlines()[-1]))


def main() -> int:
    """Print what one more site costs; return 1 when a bar is missed."""
    from tests.bench.bars import BOARD

    print("One more site, CPU ms a step, sample week")
    with tempfile.TemporaryDirectory() as folder:
        cycle = Path(folder)
        write_sample(SERVED[1], cycle)
        for name, compared, static, channels in (
            ("pages of web", WRITTEN, WRITTEN[1], ("web",)),
            ("all pages", WRITTEN, WRITTEN[1], CHANNELS),
            ("data", SERVED, STATIC, CHANNELS),
        ):
            one, two = (measure(count, static, cycle, channels) for count in compared)
            added = compared[1] - compared[0]
            steps = {step: 1000 * (two.steps[step] - one.steps[step]) / added for step in two.steps}
            kb, kept = (
                (getattr(two, each) - getattr(one, each)) / added / 1000
                for each in ("release", "archive")
            )
            shown = ", ".join(f"{step} {cost:.1f}" for step, cost in steps.items())
            print(
                f"{name:13} {sum(steps.values()):6.1f} ms a site ({shown}); release {kb:.1f} kB, "
                f"archive {kept:.1f} kB; home page {two.elements} elements",
                flush=True,
            )
            if channels == ("web",):
                BOARD.at_most("page of a site, one language", steps["publish"] / 2, PAGE_MS, "ms")
        BOARD.at_most("one more site without files", sum(steps.values()), SITE_MS, "ms")
        BOARD.at_most("release, one more site without files", kb, SITE_KB, "kB")
        BOARD.at_most("elements of the home page", two.elements, ELEMENTS)
    return BOARD.code


def nation(count: int = NATION) -> int:
    """Make one issue of `count` sites and judge all of it; return 1 when a bar is missed."""
    from tests.bench.bars import BOARD

    with tempfile.TemporaryDirectory() as folder:
        write_sample(count, Path(folder))
        found = measure(count, STATIC, Path(folder))
    steps = ", ".join(f"{step} {seconds:.0f}" for step, seconds in found.steps.items())
    print(f"An issue of {count} sites, {STATIC} with files: {found.cpu:.0f} s of CPU ({steps})")
    print(f"the archive grows by {found.archive / 1e6:.0f} MB")
    part = count / NATION
    BOARD.at_most("CPU of an issue", found.cpu / 60, MINUTES * part, "min")
    BOARD.at_most("memory of an issue", found.memory, MEGABYTES, "MB")
    BOARD.at_most("release of an issue", found.release / 1e6, RELEASE_MB * part, "MB")
    return BOARD.code


if __name__ == "__main__":
    if sys.argv[1:2] == ["carry"]:
        carry(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(","), *map(Path, sys.argv[5:]))
    elif sys.argv[1:2] == ["nation"]:
        sys.exit(nation(*map(int, sys.argv[2:])))
    else:
        sys.exit(main())
