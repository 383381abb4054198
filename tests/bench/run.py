"""`make bench`: every benchmark in one run, each against a named peer and the physical floor; fails
when a bar is missed. Bars that cannot be measured here are counted as SKIPPED.

Judged is processor time, that of ended children included, never the clock: the machine may be
shared.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECT), str(Path(__file__).parent)]

from tests.bench.bars import BOARD  # noqa: E402

BENCHES = (
    "bench_decode",
    "bench_bytes",
    "bench_line",
    "bench_light",
    "bench_sites",
    "bench_views",
    "bench_training",
    "bench_observations",
    "bench_growth",
)


def main() -> int:
    """Run the benches one after the other; return 1 when any bar is missed."""
    for name in BENCHES:
        importlib.import_module(f"tests.bench.{name}").main()
        print(flush=True)
    print(BOARD.summary())
    return BOARD.code


if __name__ == "__main__":
    sys.exit(main())
