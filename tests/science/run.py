"""`make science`: measure every claim, print it with its number of cases and its reference.

Fails when a claim does not hold.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))
SHARED = PROJECT.parent / "shared" / "data"

TOPICS = (
    "lead",
    "confidence",
    "climatology",
    "glow",
    "glow_errors",
    "sea",
    "stars",
    "night_sky",
    "moonlit",
    "snow",
    "snow_cover",
    "learning",
    "simulated",
    "gefcom",
    "verifying",
)


def main() -> int:
    """Print the claims topic by topic; return 1 when one fails."""
    if not SHARED.is_dir():
        print("../shared/data is absent: nothing can be measured")
        return 1
    failed = 0
    for topic in TOPICS:
        print(f"{topic}\n{'-' * len(topic)}")
        for claim in importlib.import_module(f"tests.science.{topic}").claims(SHARED):
            print(claim.line(), flush=True)
            failed += claim.holds is False
        print()
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
