"""`make bench`: every benchmark in one run, each against a named peer and the physical floor; fails
when a target is missed.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECT), str(Path(__file__).parent)]

BENCHES = (
    "bench_decode",
    "bench_bytes",
    "bench_line",
    "bench_light",
    "bench_training",
    "bench_observations",
    "bench_growth",
)


def main() -> int:
    """Run the benches one after the other; return 1 when any target is missed."""
    missed = 0
    for name in BENCHES:
        missed |= int(importlib.import_module(name).main() or 0)
        print(flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main())
