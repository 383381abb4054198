"""Do the tests pass on a busy machine too? None asserts elapsed wall-clock time; they may assert
processor time (time.process_time) and counts.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import settings

TESTS = Path(__file__).parents[1]
WALL_CLOCKS = {"time", "monotonic", "perf_counter", "time_ns", "monotonic_ns", "perf_counter_ns"}


def asserted_clocks(source: str) -> list[int]:
    """Return the lines of the asserts that read a clock on the wall, or a name set from one."""
    tree = ast.parse(source)
    timed = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _subtracts_a_clock(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Assert)
        and any(
            _is_a_clock(part) or (isinstance(part, ast.Name) and part.id in timed)
            for part in ast.walk(node.test)
        )
    ]


def _is_a_clock(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "time"
        and node.func.attr in WALL_CLOCKS
    )


def _subtracts_a_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and any(_is_a_clock(part) for part in ast.walk(node))


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("assert time.monotonic() - began < 20", [1]),
        ("took = time.perf_counter() - began\nassert took < 20", [2]),
        ("assert time.process_time() - began < 20", []),
        ("while time.monotonic() < end:\n    assert look()", []),
    ],
)
def test_an_assert_about_the_clock_on_the_wall_is_found(source: str, lines: list[int]) -> None:
    assert asserted_clocks(source) == lines


def test_no_test_asserts_how_long_something_took_by_the_clock_on_the_wall() -> None:
    found = {
        f"{path.relative_to(TESTS)}:{line}"
        for path in TESTS.rglob("*.py")
        for line in asserted_clocks(path.read_text(encoding="utf-8"))
    }

    assert found == set()


def test_no_law_is_broken_by_a_slow_machine() -> None:
    assert settings().deadline is None
