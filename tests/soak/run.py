"""`make soak`: a season of the real service, killed and hindered at random; fails where a bar is
missed.

    python tests/soak/run.py [--days 120] [--kills 300] [--seed 7] [--keep FOLDER]

Through make: `make soak DAYS=10 KILLS=25`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))

from tests.bench.bars import Board, cpu  # noqa: E402
from tests.soak import checks  # noqa: E402
from tests.soak.process import Disk  # noqa: E402
from tests.soak.report import judge, table  # noqa: E402
from tests.soak.season import Plan  # noqa: E402
from tests.soak.supervisor import Supervisor  # noqa: E402

ROOM = 400_000_000  # [byte] of the disk


def main() -> int:
    """Run a season, print its figures, and return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=float, default=120)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="a new folder for log, journal and archive")
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="skyscape-soak-"))
    plan, disk = Plan(given.days, given.kills, given.seed), Disk(work / "disk", ROOM)
    began, board = time.monotonic(), Board()
    try:
        supervisor = Supervisor(plan, work, disk, lambda line: print(line, flush=True))
        figures = supervisor.run()
        hours = checks.hours(supervisor.config, supervisor.database, figures.spans, figures.runs)
        took = (time.monotonic() - began, cpu())
        for line in table(supervisor, figures, hours, took):
            print(line)
        judge(board, supervisor, figures, hours)
    finally:
        if given.keep is not None:
            shutil.copytree(work, given.keep, symlinks=True, dirs_exist_ok=True)
        disk.close()
        shutil.rmtree(work, ignore_errors=True)
    print(board.summary())
    return board.code


if __name__ == "__main__":
    sys.exit(main())
