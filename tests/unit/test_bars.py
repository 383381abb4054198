"""The bars of the benchmarks fail where they are missed, and say what was skipped."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests.bench.bars import Board

BENCH = Path(__file__).parents[1] / "bench"


@pytest.mark.parametrize(("found", "code"), [(0.9, 0), (1.0, 0), (1.1, 1), (float("nan"), 1)])
def test_a_bar_that_is_missed_fails_the_run(found: float, code: int) -> None:
    above, below = Board(), Board()
    above.at_most("time", found, 1.0)
    below.at_least("speed", -found, -1.0)

    assert (above.code, below.code) == (code, code)


def test_a_skipped_bar_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    board = Board()
    board.at_most("time", 1.0, 2.0, "s")
    board.skip("bytes fetched", "../shared/data is absent")

    assert board.code == 0
    assert board.summary().splitlines() == [
        "bars: 1 met, 0 MISSED, 1 SKIPPED",
        "  SKIPPED  bytes fetched",
    ]
    assert "SKIPPED: ../shared/data is absent" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["bench_decode", "bench_bytes", "bench_line"])
def test_without_its_data_a_bench_skips_every_bar_by_name(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    bench: Any = importlib.import_module(f"tests.bench.{name}")
    board = Board()
    monkeypatch.setattr(bench, "BOARD", board)
    monkeypatch.setattr(bench, "TREE" if name == "bench_line" else "SHARED", tmp_path / "none")

    bench.main()

    assert board.skipped
    assert not board.met
