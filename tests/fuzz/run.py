"""Fuzz every parser for a budget: `make fuzz`, or with SECONDS=3600 for longer.

    python tests/fuzz/run.py [SECONDS] [TARGET ...]

Each target gets the same part of the budget, in CPU time. An input that breaks a target is kept in
tests/fuzz/corpus/<target>/found-<hash>: it is tried by the suite from then on. Exit code 1 where
there is one.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.fuzz.mutation import mutate
from tests.fuzz.targets import CORPUS, SLOW, TARGETS, chosen, seeds

SECONDS = 300.0
SLOWEST = 3.0  # [s] of CPU that one input of at most 200 kB may take
MEMORY = 4 << 30  # [byte] of address space: beyond it, MemoryError is a finding
BUFFER = 20  # tries between two looks at the clock


def main(arguments: list[str]) -> int:
    budget = float(arguments[0]) if arguments else SECONDS
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    targets = {**TARGETS, **SLOW}
    names = arguments[1:] or sorted(targets)
    first = int(time.time())  # other inputs each time; a finding is kept as bytes
    broken = 0
    for name in names:
        broken += _fuzz(name, budget / len(names), first)
    return 1 if broken else 0


def _fuzz(name: str, seconds: float, first: int) -> int:
    """Try one target for a part of the budget; return how many kinds of findings there are."""
    target, known = {**TARGETS, **SLOW}[name], seeds(name)
    began, tries, slowest, found = _spent(), 0, 0.0, set[str]()
    while _spent() - began < seconds:
        for _ in range(BUFFER):
            chance = chosen(name, first + tries)
            data = mutate(chance.choice(known), chance.randrange(1 << 60), known)
            before, tries = _spent(), tries + 1
            try:
                target(data)
                took = _spent() - before
                slowest = max(slowest, took)
                problem = f"took {took:.1f} s" if took > SLOWEST else ""
                place = "slow"
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                frame = traceback.extract_tb(error.__traceback__)[-1]
                place = f"{type(error).__name__} {frame.filename}:{frame.lineno}"
                problem = f"{place}: {error}"
            if problem and place not in found:
                found.add(place)
                path = CORPUS / name / f"found-{hashlib.sha256(data).hexdigest()[:12]}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                print(f"  {path}: {problem[:300]}", flush=True)
    print(
        f"{name:<10} {tries:>8} inputs, slowest {slowest * 1000:.0f} ms of CPU, "
        f"{len(found)} findings",
        flush=True,
    )
    return len(found)


def _spent() -> float:
    """Return the CPU time [s] of this process and those that it has ended."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
