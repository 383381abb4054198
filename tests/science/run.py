"""`make science`: measure every claim, print it with its number of cases and its reference.

`make science TOPICS="lead snow"` measures these topics only, `TOPICS=list` names them all. Fails
when a line is MISSED or FAILS, and names these at the end: `known` where DECISIONS.md says why.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[2]
sys.path.insert(0, str(PROJECT))
from tests.science.claims import Claim  # noqa: E402

SHARED = PROJECT.parent / "shared" / "data"

LIST = "list"
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


def main(asked: Sequence[str] = ()) -> int:
    """Print the claims topic by topic; return 1 when one does not hold, 2 for an unknown topic.

    asked: topics, none: all; `list`: only name them.
    """
    if unknown := sorted({*asked} - {*TOPICS, LIST}):
        print(f"unknown: {', '.join(unknown)}; the topics are {', '.join(TOPICS)}")
        return 2
    if LIST in asked:
        for topic in TOPICS:
            print(f"{topic:<12} {title(topic)}")
        return 0
    if not SHARED.is_dir():
        print("../shared/data is absent: nothing can be measured")
        return 1
    failed: list[Claim] = []
    for topic in asked or TOPICS:
        heading = f"{topic}: {title(topic)}"
        print(f"{heading}\n{'-' * len(heading)}")
        for claim in module_of(topic).claims(SHARED):
            print(claim.line(), flush=True)
            failed += [claim] if claim.holds is False else []
        print()
    if failed:
        print(f"{len(failed)} do not hold:")
    for claim in failed:
        print(f"{'known' if claim.known else 'NEW':<6} {claim.topic:<14} {claim.line()}")
    return int(bool(failed))


def module_of(topic: str) -> Any:
    """Return the module of a topic."""
    return importlib.import_module(f"tests.science.{topic}")


def title(topic: str) -> str:
    """Return the first sentence of a topic's module."""
    return " ".join((module_of(topic).__doc__ or "").split("\n\n")[0].split())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
