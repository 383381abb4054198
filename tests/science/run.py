"""`make science`: every claim of the physics in one run, with the number of cases and its
reference; fails when one does not hold.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))
SHARED = PROJECT.parent / "shared" / "data"

ROOMS = ("glow", "sea", "stars", "snow", "learning", "simulated", "gefcom")


def main() -> int:
    """Print the claims room by room; return 1 when one fails."""
    if not SHARED.is_dir():
        print("../shared/data is absent: nothing can be measured")
        return 1
    failed = 0
    for room in ROOMS:
        print(f"{room}\n{'-' * len(room)}")
        for claim in importlib.import_module(f"tests.science.{room}").claims(SHARED):
            print(claim.line(), flush=True)
            failed += claim.holds is False
        print()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
