"""Bytes fetched against bytes needed: planned on real inventories of whole global files, and
measured through the loopback.

Run it alone (`python tests/bench/bench_bytes.py`) or through `make bench`. Target: at most 1.05
times the needed bytes. `needed` are the messages that the features read; `fetched` what byte ranges
bring of the file, gaps between neighbours included; the inventory itself is shown beside it, since
it is of the same length for a cut of 1 MB as for a global file of 540 MB.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

from forecast.config import read_config  # noqa: E402
from forecast.domain import Cycle  # noqa: E402
from forecast.ingest import ecmwf  # noqa: E402
from forecast.ingest.inventory import Selection, messages, parse_inventory, plan_ranges, select  # noqa: E402
from forecast.ingest.parameter_table import fields_of  # noqa: E402
from forecast.ingest.sources import needs_of, open_source  # noqa: E402
from forecast.quantities import DEFAULT_FIELDS  # noqa: E402
from forecast.sample.bucket import LoopbackBucket  # noqa: E402
from forecast.settings.sources import StepSettings  # noqa: E402
from tests.bench.bars import BOARD  # noqa: E402

SHARED = PROJECT.parent / "shared" / "data"
# fmt: off
PLANNED = (
    ("gfs.t00z.pgrb2.0p25.f000.idx", 0),
    ("gfs.t00z.pgrb2.0p25.f007.idx", 7),
    ("20231104/gfs.t00z.pgrb2.0p25.f000.idx", 0),
    ("20231104/gfs.t00z.pgrb2.0p25.f021.idx", 21),
)
# fmt: on
PLANNED_AIFS = (("aifs_single_20250301_00z_0h.index", 0), ("aifs_single_20250301_00z_6h.index", 6))
TARGET = 1.05


def planned(path: Path, step: int) -> tuple[int, int, int, int, int, int]:
    """Return (messages in the file, messages needed, bytes needed, bytes fetched, ranges, bytes of
    the inventory).
    """
    text = path.read_bytes()
    if path.suffix == ".index":
        entries = ecmwf.parse_index(text, Cycle(datetime(2025, 3, 1, tzinfo=UTC)), path.name)
        fields = next(fields_of(model) for model in read_config().models if model.id == "aifs")
        chosen = select(entries, fields, step, Selection(0, (), {}), ecmwf.spelled)
    else:
        cycle = Cycle(
            datetime.strptime(text.split(b"d=", 1)[1][:10].decode(), "%Y%m%d%H").replace(tzinfo=UTC)
        )
        entries = parse_inventory(text, cycle, path.name)
        chosen = select(entries, DEFAULT_FIELDS, step, Selection(0, (), {}))
    wanted = messages(chosen.wanted)
    spans = [(entry.offset, entry.end) for entry in wanted if entry.end is not None]
    ranges = plan_ranges(spans)
    needed, fetched = (sum(end - start for start, end in pairs) for pairs in (spans, ranges))
    return len(entries), len(spans), needed, fetched, len(ranges), len(text)


def measured(tree: Path) -> dict[str, tuple[int, int, int, int]]:
    """Return for each way (bytes of the files kept, bytes sent by the server less inventories,
    inventories, requests).
    """
    cycle = Cycle(datetime(2020, 8, 4, 12, tzinfo=UTC))
    rows: dict[str, tuple[int, int, int, int]] = {}
    inventories = sum(
        path.stat().st_size for path in (tree / "gfs.20200804" / "12" / "atmos").glob("*.idx")
    )
    with LoopbackBucket(tree) as server, tempfile.TemporaryDirectory() as folder:
        config = read_config(PROJECT / "tests" / "settings" / "tatra.yaml")
        source = config.source
        ways = {
            "filter": source.filter.model_copy(
                update={"url": server.filter_url, "requests_per_minute": 6000}
            ),
            "bucket": source.bucket.model_copy(
                update={"url": server.url, "requests_per_minute": 6000}
            ),
        }
        steps = (StepSettings(first=0, last=12, every=6),)
        source = source.model_copy(update={**ways, "steps": steps, "cycles": Path(folder)})
        config = config.model_copy(update={"source": source})
        for way in ways:
            before = (server.bytes, server.requests)
            got = open_source(config, way).acquire(
                needs_of(config, config.all_sites()), cycle.run, cycle
            )
            listed = inventories if way == "bucket" else 0
            kept = sum(path.stat().st_size for path in got.files)
            rows[way] = (
                kept,
                server.bytes - before[0] - listed,
                listed,
                server.requests - before[1],
            )
    return rows


def main() -> int:
    if not SHARED.is_dir():
        BOARD.skip("bytes fetched over bytes needed", "../shared/data is absent")
        return BOARD.code
    print(
        f"{'planned, global file':42} {'messages':>9} {'needed MB':>10} {'fetched MB':>10} "
        f"{'ratio':>6} {'requests':>8} {'idx kB':>7}"
    )
    worst = 0.0
    for name, step in PLANNED + PLANNED_AIFS:
        whole, count, needed, fetched, ranges, text = planned(SHARED / "inventories" / name, step)
        worst = max(worst, (fetched + text) / needed)
        sizes = f"{needed / 1e6:10.2f} {fetched / 1e6:10.2f} {fetched / needed:6.3f}"
        print(f"{name:42} {count:4}/{whole:<4} {sizes} {ranges:8} {text / 1e3:7.1f}")
    print(
        f"\n{'measured, gfs_tree of 3 steps':42} {'':>9} {'kept kB':>10} {'fetched kB':>10} "
        f"{'ratio':>6} {'requests':>8} {'idx kB':>7}"
    )
    for way, (kept, fetched, listed, requests) in measured(SHARED / "gfs_tree").items():
        if way == "bucket":
            worst = max(worst, fetched / kept)
        print(
            f"{way:52} {kept / 1e3:10.1f} {fetched / 1e3:10.1f} {fetched / kept:6.3f} {requests:8} "
            f"{listed / 1e3:7.1f}"
        )
    BOARD.at_most("bytes fetched over bytes needed, worst file", worst, TARGET)
    return BOARD.code


if __name__ == "__main__":
    sys.exit(main())
