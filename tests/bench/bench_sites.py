"""What one more site costs: CPU milliseconds of each step of the line, with its pages as files and
with its data only; bytes of the release; elements of the home page.

The embedded sample cycle (seven days); the shipped sites repeated a little apart. Pictures are left
out: they are of the first sites only. Run alone: `bench_sites.py [few many]`. Bars: a page 20 ms a
site and language; at 10,000 sites 6 minutes of CPU (36 ms a site) and 300 MB (30 kB a site); 1,500
elements.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))
RUN = datetime(2026, 11, 22, 0, tzinfo=UTC)
FEW, MANY = 15, 45
ELEMENTS = 1500
# of the pages of a site: both languages, and all channels that have some
CHANNELS = ("web", "display", "widget", "api", "feeds", "calendar")


def carry(count: int, static: int, folder: Path) -> None:
    """Run the line for `count` sites in this process and print what it took."""
    from forecast import pipeline
    from forecast.archive.issues import Archive
    from forecast.config import read_config
    from forecast.domain import Cycle
    from forecast.ingest.grib import reader
    from forecast.ingest.sources import needs_of
    from forecast.issue.report import Stopwatch
    from forecast.sample.demonstration import demonstration_config
    from forecast.sample.encoding import write_cycle
    from forecast.sample.week import Week
    from forecast.settings import SiteSettings
    from models.prediction import open_models
    from products.channels import display
    from products.publish import Publisher
    from tests.faults.one_site import OneCycle

    class ProcessorTime(Stopwatch):
        @contextmanager
        def __call__(self, step: str) -> Iterator[None]:
            start = time.process_time()
            yield
            self.seconds[step] = time.process_time() - start

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
    output = {"static_sites": static, "channels": CHANNELS}
    config = config.model_copy(
        update={"sites": sites, "output": config.output.model_copy(update=output)}
    )
    needs = needs_of(config, config.all_sites())
    write_cycle(folder / "cycle", RUN, needs.steps, needs, Week)
    files = sorted((folder / "cycle").rglob("*.f???"))
    atmosphere = reader.read_atmosphere(files, Cycle(RUN), needs)
    reader.read_atmosphere = lambda *_, **__: atmosphere  # type: ignore[assignment]
    pipeline.Stopwatch = ProcessorTime  # type: ignore[misc]
    display.SITES = 0  # type: ignore[misc]
    source: Any = OneCycle(Cycle(RUN))
    world = pipeline.World(
        config, source, Archive(config.archive.url), open_models(), Publisher(config)
    )
    report = pipeline.run(world, RUN + timedelta(hours=5))
    release = world.publisher.link.resolve()
    home = (release / "index.html").read_text(encoding="utf-8")
    size = sum(path.stat().st_size for path in release.rglob("*") if path.is_file())
    elements = len(re.findall("<[a-z]", home))
    print(json.dumps({"steps": report.seconds, "bytes": size, "elements": elements}))


def measure(count: int, static: int) -> dict[str, Any]:
    """Run one case in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "carry", str(count), str(static), folder],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found


def main(few: int = FEW, many: int = MANY) -> int:
    """Print the table; return 1 when a bar is missed."""
    print(f"One more site, CPU ms a step ({few} against {many} sites), sample week, {CHANNELS}")
    missed = 0
    for name, static, most, most_kb in (("files", many, None, None), ("data", 5, 36.0, 30.0)):
        one, two = measure(few, static), measure(many, static)
        added = many - few
        steps = {
            step: 1000 * (two["steps"][step] - one["steps"][step]) / added for step in two["steps"]
        }
        total, kb = sum(steps.values()), (two["bytes"] - one["bytes"]) / added / 1000
        shown = ", ".join(f"{step} {cost:.1f}" for step, cost in steps.items())
        met = two["elements"] <= ELEMENTS
        if most is not None and most_kb is not None:
            met = met and total <= most and kb <= most_kb
        print(f"{name:6} {total:7.1f} ms, {kb:7.1f} kB a site; {two['elements']} elements; {shown}"
              f"  {'met' if met else 'MISSED'}", flush=True)  # fmt: skip
        missed |= not met
    return int(missed)


if __name__ == "__main__":
    if sys.argv[1:2] == ["carry"]:
        carry(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
