"""Does every parser read or refuse whatever comes? The kept corpus, and a few thousand changes of
it, the same in every run; `make fuzz` tries others for as long as one likes.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from tests.fuzz.mutation import LONGEST, mutate
from tests.fuzz.run import SLOWEST
from tests.fuzz.targets import SLOW, TARGETS, chosen, seeds

# Tries of each target: together about 4 s of CPU.
TRIES, FEWER = 150, {"settings": 6, "outcomes": 10, "model": 20, "metar": 60, "synop": 60}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted({**TARGETS, **SLOW}))
def test_what_was_found_once_is_read_or_refused_now(name: str) -> None:
    target = {**TARGETS, **SLOW}[name]
    known = seeds(name)
    assert known, f"tests/fuzz/corpus/{name} is empty"

    for data in known:
        target(data)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(TARGETS))
def test_changed_inputs_are_read_or_refused_soon(name: str) -> None:
    known, slowest = seeds(name), 0.0

    for number in range(FEWER.get(name, TRIES)):
        chance = chosen(name, number)
        data = mutate(chance.choice(known), chance.randrange(1 << 60), known)
        before = time.process_time()
        TARGETS[name](data)
        slowest = max(slowest, time.process_time() - before)

    assert slowest < SLOWEST


def test_a_change_is_the_same_for_the_same_seed_and_bounded() -> None:
    first = [mutate(b"one,2\nthree,4\n", seed, [b"other"]) for seed in range(200)]

    assert first == [mutate(b"one,2\nthree,4\n", seed, [b"other"]) for seed in range(200)]
    assert len(set(first)) > 150
    assert max(map(len, first)) <= LONGEST


def test_the_oracles_see_a_half_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """A parser that kept NaN as observed, as that of ISD did, is a finding."""
    from forecast.observations.formats import collector

    monkeypatch.setattr(collector, "math", SimpleNamespace(isfinite=lambda _: True))
    nan = next(data for data in seeds("isd") if b",nan," in data)
    with pytest.raises(AssertionError):
        TARGETS["isd"](nan)
